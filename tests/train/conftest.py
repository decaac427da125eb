"""The same toy data as tests/models."""

import importlib.util
from collections.abc import Callable
from pathlib import Path

import pytest

from xraybench.core.types import Dataset

_FILE = Path(__file__).parents[1] / "models" / "conftest.py"
_spec = importlib.util.spec_from_file_location("toy_data", _FILE)
assert _spec is not None and _spec.loader is not None
_toy_data = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_toy_data)


@pytest.fixture(scope="session")
def toy() -> Callable[..., Dataset]:
    """`toy(n, seed=, track=, split=, size=)` makes a dataset."""
    make: Callable[..., Dataset] = _toy_data.make_toy
    return make
