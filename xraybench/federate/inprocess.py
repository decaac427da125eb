"""The backend for one machine: sites are objects, weights are handed over in memory, every round is kept on disk.

What notebooks, the board and the tests use. It does what a deployment does, in the same order and by the same rules
(`Site.fit`, `rounds.close`); only the transport is missing.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from xraybench.core.documents import FederatedJob
from xraybench.core.errors import UserError
from xraybench.core.progress import track
from xraybench.federate import rounds
from xraybench.federate.aggregate import SiteUpdate
from xraybench.federate.checkpoint import Checkpoint, held
from xraybench.federate.job import check_sites
from xraybench.federate.rounds import FederatedRun, first_weights
from xraybench.federate.site import Site
from xraybench.federate.weights import Weights

__all__ = ["FederatedRun", "first_weights", "run"]


def run(
    job: FederatedJob, sites: Sequence[Site], *, out: Path, init: Weights | None = None, quiet: bool = False
) -> FederatedRun:
    """Train across sites, round by round, and keep every round.

    A run that was stopped goes on after its last whole round, and ends, on the same machine's CPU, in the same bits as
    one that was not. A finished run is read back without training.

    Args:
        job: What is asked of the sites.
        sites: Who takes part.
        out: Folder of the run; new, or of the same run.
        init: The weights to start from, where the job names a parent; otherwise they are drawn from its seed.
        quiet: No progress on stderr.

    Raises:
        BadValue: The sites cannot carry the job.
        Refused: A site's agreement does not allow the job. No site has trained by then.
        DigestMismatch: The folder holds another run, or `init` is not the job's parent.
        CheckFailed: A round had fewer usable updates than the quorum. Rounds before it are kept.
        BadFile: A checkpoint was damaged.
    """
    described = [site.describe() for site in sites]
    check_sites(job, described)
    first = first_weights(job, init)  # before anybody is asked and the folder is taken: the job may be unfit
    for site in sites:
        site.join(job)
    with held(out):
        now = rounds.start(job, described, first, out=out)
        left = range(now.index + 1, job.n_rounds + 1)
        for _ in track(left, f"{job.name}: rounds over {len(sites)} sites", quiet=quiet):
            answers = {site.name: _answer(site, job, now) for site in sorted(sites, key=lambda site: site.name)}
            now = rounds.close(job, described, now, answers, out=out)
    return rounds.result(job, described, now, backend="inprocess", device=sites[0].device)


def _answer(site: Site, job: FederatedJob, before: Checkpoint) -> SiteUpdate | str:
    """The update of a site, or why it has none. A fault in its scans costs the round this site, not the run."""
    asked = time.monotonic()
    try:
        update = site.fit(before.weights, job, before.index + 1, kept=before.kept.get(site.name))
    except (UserError, OSError) as error:
        return str(error) or type(error).__name__
    if (took_s := time.monotonic() - asked) > job.round_timeout_s:
        return f"it answered after {took_s:.0f} s and the job allows {job.round_timeout_s:g} s"
    return update
