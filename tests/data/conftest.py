"""Puts the fabricators of tests/make within reach, and makes one tiny simulated corpus for all tests of this folder."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from xraybench import data
from xraybench.data import Profile

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "make"))

TINY = Profile("tiny", train_per_cell=1, train_benign=20, calibration_benign=10, test_per_cell=2, test_benign=12)
SEED = 7


@pytest.fixture(scope="session")
def tiny() -> Profile:
    """90 items: 48 threats in 16 cells, 42 benign."""
    return TINY


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for everything made, shared by the tests of this session."""
    folder = tmp_path_factory.mktemp("home")
    before = os.environ.get("XRAYBENCH_HOME")
    os.environ["XRAYBENCH_HOME"] = str(folder)
    yield folder
    if before is None:
        del os.environ["XRAYBENCH_HOME"]
    else:
        os.environ["XRAYBENCH_HOME"] = before


@pytest.fixture(scope="session")
def folders(home: Path) -> list[Path]:
    """The tiny mail corpora of both sensors, made in this process."""
    return data.make("mail", profile=TINY, seed=SEED, workers=1, quiet=True)
