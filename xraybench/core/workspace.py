"""Where things lie: one folder holds everything that is made.

It is `XRAYBENCH_HOME`, else `runs/` in the checkout that one stands in (in `notebooks/` too), else `runs/` right here.
"""

import os
from pathlib import Path


def home() -> Path:
    """The folder for everything made and not kept in git: datasets, runs, models."""
    if told := os.environ.get("XRAYBENCH_HOME"):
        return Path(told)
    return (_checkout() or Path.cwd()) / "runs"


def datasets() -> Path:
    """Simulated corpora, each in a folder named by its digest."""
    return home() / "datasets"


def repository() -> Path:
    """The checkout that notebooks, boards and cards lie in: the one around us, else the one the package lies in."""
    return _checkout() or Path(__file__).resolve().parents[2]


def _checkout() -> Path | None:
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "notebooks").is_dir() and (folder / "leaderboards").is_dir():
            return folder
    return None
