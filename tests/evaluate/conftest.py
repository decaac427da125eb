"""A made-up dataset of two sensors, small enough to count by hand, and models that are real small things."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from xraybench.core import tables, vocabulary
from xraybench.core.chance import stream
from xraybench.core.types import Dataset, Predictions, ScanSet

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "make"))

THREATS = ("firearm", "blade")
CONCEALMENTS = ("undeclared", "masked")
SENSORS = ("mail_160kv", "mail_140kv")


def make_dataset(*, n_per_cell: int = 40, n_benign: int = 120, n_calibration: int = 200) -> Dataset:
    """Items seen by both sensors; every threat and concealment has `n_per_cell` test items."""
    cells = [(t, c) for t in THREATS for c in CONCEALMENTS for _ in range(n_per_cell)]
    kinds = [("test", *cell) for cell in cells]
    kinds += [("test", "", "")] * n_benign + [("calibration", "", "")] * n_calibration
    items, scans, objects = [], [], []
    for number, (split, threat, concealment) in enumerate(kinds):
        item = f"i{number:05d}"
        items.append((item, split, "unknown", "simulated"))
        for sensor in SENSORS:
            scan = f"{sensor}-{number:05d}"
            scans.append((scan, item, f"mail-{sensor}", "mail", sensor, 1, 64, 64, ""))
            if threat:
                share = 0.005 if number % 2 else 0.2
                shape = vocabulary.SHAPES[number // 2 % 2]
                box = (0, 10.0, 10.0, 30.0, 30.0, 400.0, share)
                objects.append((scan, item, 0, threat, "", shape, concealment, *box))
    corpora = {f"mail-{sensor}": f"digest-{sensor}" for sensor in SENSORS}
    table = pd.DataFrame(scans, columns=tables.SCANS.column_names).sort_values("scan_id", ignore_index=True)
    scan_set = ScanSet(table, lambda scan_id: (np.zeros((64, 64, 2), np.uint16),), "raw", 60000.0, corpora)
    return Dataset(
        name="made up",
        view_sets={"raw": scan_set},
        items=pd.DataFrame(items, columns=tables.ITEMS.column_names),
        objects=pd.DataFrame(objects, columns=tables.OBJECTS.column_names),
        threats=THREATS,
        is_simulated=True,
        licence="Apache-2.0",
        use_terms="none",
        profile="made_up",
        seed=0,
    )


@dataclass(frozen=True)
class LookupModel:
    """Gives each scan the score that a function says, and a box where one is given."""

    name: str
    score_of: Callable[[str, str], float]
    box: tuple[float, float, float, float] | None = (12.0, 12.0, 28.0, 28.0)

    def predict(self, scans: ScanSet) -> Predictions:
        rows = []
        for scan_id, corpus in zip(scans.table["scan_id"], scans.table["corpus"], strict=True):
            head = {"model": self.name, "corpus": corpus, "dataset_digest": scans.corpora[corpus], "scan_id": scan_id}
            rows.append({**head, "record": "scan", "status": "ok", "latency_ms": 2.0, "view": 0})
            for target in ("any", *THREATS):
                score = self.score_of(scan_id, target)
                rows.append({**head, "record": "score", "target": target, "score": score, "view": 0})
            if self.box:
                edges = dict(zip(("x0", "y0", "x1", "y1"), self.box, strict=True))
                rows.append({**head, "record": "box", "target": "any", "score": 0.5, "view": 0, **edges})
        frame = pd.DataFrame(rows, columns=tables.PREDICTIONS.column_names)
        return Predictions(self.name, tables.check(frame, tables.PREDICTIONS, source=self.name))


@pytest.fixture(scope="session")
def dataset() -> Dataset:
    return make_dataset()


@pytest.fixture(scope="session")
def small() -> Dataset:
    """Seven threats a cell: fewer than any task prints a number for."""
    return make_dataset(n_per_cell=7)


@pytest.fixture(scope="session")
def threat_scans(dataset: Dataset) -> dict[str, str]:
    """scan_id -> threat."""
    return dict(zip(dataset.objects["scan_id"], dataset.objects["threat"], strict=True))


@pytest.fixture(scope="session")
def perfect(threat_scans: dict[str, str]) -> LookupModel:
    """Knows every threat by name."""
    return LookupModel(
        "perfect", lambda scan, target: 0.9 if threat_scans.get(scan) in (target, *_all(target)) else 0.1
    )


def _all(target: str) -> tuple[str, ...]:
    return THREATS if target == "any" else ()


@pytest.fixture(scope="session")
def silent() -> LookupModel:
    """Finds nothing and says so for every scan."""
    return LookupModel("silent", lambda scan, target: 0.0, box=None)


@pytest.fixture(scope="session")
def noisy(threat_scans: dict[str, str]) -> LookupModel:
    """A model of middling skill: its score is the truth and chance."""

    def score(scan: str, target: str) -> float:
        is_there = threat_scans.get(scan) in (target, *_all(target))
        drawn = stream(3, scan, target).normal(1.2 if is_there else 0.0)
        return float(1 / (1 + np.exp(-drawn)))

    return LookupModel("noisy", score)


@pytest.fixture(scope="session")
def make() -> Callable[..., Dataset]:
    """`make_dataset`, for tests that need other counts."""
    return make_dataset


@pytest.fixture(scope="session")
def lookup() -> type[LookupModel]:
    return LookupModel
