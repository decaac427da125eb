"""A made-up board for the tests of this folder, and how they compare with golden files."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "make"))

from made_results import MODELS, write_board
from small_board import write_small_board

GOLDEN = Path(__file__).resolve().parents[1] / "golden"


@pytest.fixture(scope="session")
def made_board(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One suite, four models on two tracks, one imported dataset. Read only: copy it before changing it."""
    chosen = (MODELS[0], MODELS[1], MODELS[4], MODELS[5])
    folder = tmp_path_factory.mktemp("board")
    return write_board(folder, vectors=("mail",), models=chosen, all_axes=False)


@pytest.fixture(scope="session")
def small_board(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three models on simulated mail, results from kept predictions, no site. Read only: copy it before changing it."""
    return write_small_board(tmp_path_factory.mktemp("small") / "leaderboards", with_site=False)


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Compare a text with a file of tests/golden. XRAYBENCH_WRITE_GOLDEN=1 writes the file instead."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if os.environ.get("XRAYBENCH_WRITE_GOLDEN"):
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8"), f"{path} differs; XRAYBENCH_WRITE_GOLDEN=1 writes it again"

    return compare
