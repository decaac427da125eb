"""Where things lie: one folder holds everything that is made, `XRAYBENCH_HOME` or `runs/` below the current folder."""

import os
from pathlib import Path


def home() -> Path:
    """The folder for everything made and not kept in git: datasets, runs, models."""
    return Path(os.environ.get("XRAYBENCH_HOME") or Path.cwd() / "runs")


def datasets() -> Path:
    """Simulated corpora, each in a folder named by its digest."""
    return home() / "datasets"


def repository() -> Path:
    """The checkout the notebooks, boards and cards lie in: the nearest folder upward that holds `notebooks/`.

    Falls back to the folder above the package, where an editable install finds them.
    """
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "notebooks").is_dir() and (folder / "leaderboards").is_dir():
            return folder
    return Path(__file__).resolve().parents[2]
