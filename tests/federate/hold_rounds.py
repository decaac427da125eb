"""Stops a site at the beginning of a round, for the tests of faults, which put a copy on PYTHONPATH as `sitecustomize`.

In the folder $XRAYBENCH_HOLDS the process of a site writes `<site>-<round>.here` when a round begins there, and waits for as
long as `<site>-<round>.hold` lies beside it: so a fault strikes in the midst of a round, however fast the machine is. The
guard of the tests, whose place it takes, is loaded as well.
"""

import importlib.util
import os
import sys
import time
from pathlib import Path

_spec = importlib.util.spec_from_file_location("network_guard", os.environ["XRAYBENCH_GUARD"])
assert _spec is not None and _spec.loader is not None
_spec.loader.exec_module(importlib.util.module_from_spec(_spec))

if any("worker_process" in word for word in sys.orig_argv):  # what FLARE calls the process of a job at a site
    from xraybench.federate.site import Site

    _fit = Site.fit

    def fit(self, weights, job, index, *, kept=None):  # type: ignore[no-untyped-def]
        place = Path(os.environ["XRAYBENCH_HOLDS"]) / f"{self.name}-{index}"
        if place.with_suffix(".hold").exists():
            place.with_suffix(".here").touch()
        while place.with_suffix(".hold").exists():
            time.sleep(0.05)
        return _fit(self, weights, job, index, kept=kept)

    Site.fit = fit  # type: ignore[method-assign]
