"""A few fabricated scans of 32 x 32 pixels, seen by two sensors, and a job that trains a tiny network on them."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from xraybench import data
from xraybench.core import tables
from xraybench.core.documents import FederatedJob
from xraybench.core.types import Dataset, ScanSet, UInt16Array
from xraybench.data import agreement as agreements
from xraybench.federate import Site, SitePlan, make_job, sites_from

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "make"))

FULL_SCALE = 60_000.0
THREATS = ("firearm", "blade")
SIDE = 32


def _pixels(class_name: str, seed: int, gain: float) -> UInt16Array:
    """A noisy flat field; a firearm is a dark square in it, a blade a dark bar."""
    rng = np.random.default_rng(seed)
    view = rng.normal(0.8, 0.02, (SIDE, SIDE, 2)) * gain
    y, x = rng.integers(2, 14, 2)
    if class_name == "firearm":
        view[y : y + 12, x : x + 12] *= 0.2
    if class_name == "blade":
        view[y : y + 3, x : x + 16] *= 0.2
    return (view * FULL_SCALE).clip(0, 65_535).astype(np.uint16)


def make_dataset(sensor: str, *, n_per_class: int = 8, gain: float = 1.0) -> Dataset:
    """Firearms, blades and twice as many benign items; the same items whatever the sensor, each with its own scan id."""
    classes = ["firearm", "blade", "benign", "benign"] * n_per_class
    corpus = f"mail-{sensor}"
    item_ids = [f"item{index:03d}" for index in range(len(classes))]
    scan_ids = [f"{sensor}-{item}" for item in item_ids]
    views = {s: (_pixels(c, index, gain),) for index, (s, c) in enumerate(zip(scan_ids, classes, strict=True))}
    scans = pd.DataFrame(
        {
            "scan_id": scan_ids,
            "item_id": item_ids,
            "corpus": corpus,
            "vector": "mail",
            "sensor": sensor,
            "n_views": 1,
            "height": SIDE,
            "width": SIDE,
            "declared": "",
        }
    )
    items = pd.DataFrame(
        {
            "item_id": item_ids,
            "split": ["test" if index >= len(classes) - 4 else "train" for index in range(len(classes))],
            "site": "unknown",
            "label_source": "simulated",
        }
    )
    held = [(s, i, c) for s, i, c in zip(scan_ids, item_ids, classes, strict=True) if c != "benign"]
    objects = pd.DataFrame(
        [
            {
                "scan_id": scan_id,
                "item_id": item_id,
                "object_index": 0,
                "threat": threat,
                "kind": "",
                "shape": "seen",
                "concealment": "undeclared",
                "view": 0,
                "x0": 4.0,
                "y0": 4.0,
                "x1": 20.0,
                "y1": 20.0,
                "area_px": 200.0,
                "view_share": 0.2,
            }
            for scan_id, item_id, threat in held
        ]
    )
    raw = ScanSet(
        table=tables.check(scans, tables.SCANS, source="scans"),
        read=views.__getitem__,
        track="raw",
        full_scale=FULL_SCALE,
        corpora={corpus: f"digest-of-{corpus}"},
    )
    return Dataset(
        name=corpus,
        view_sets={"raw": raw},
        items=tables.check(items, tables.ITEMS, source="items"),
        objects=tables.check(objects, tables.OBJECTS, source="objects"),
        threats=THREATS,
        is_simulated=True,
        licence="CC0-1.0",
        use_terms="tests",
        profile="fabricated",
        seed=0,
    )


PLAN = (
    SitePlan("north", "mail_160kv", (("firearm", 0.5), ("blade", 0.25), ("benign", 0.4))),
    SitePlan("south", "mail_140kv", (("firearm", 0.25), ("blade", 0.5), ("benign", 0.4))),
    SitePlan("west", "mail_160kv", (("firearm", 0.25), ("blade", 0.25), ("benign", 0.2))),
)


@pytest.fixture(scope="session")
def corpora() -> dict[str, Dataset]:
    """The same items on two sensors."""
    return {"mail_160kv": make_dataset("mail_160kv"), "mail_140kv": make_dataset("mail_140kv", gain=0.9)}


@pytest.fixture(scope="session")
def sites(corpora: dict[str, Dataset]) -> tuple[Site, ...]:
    """Three sites of different sensors and threat mixes."""
    return sites_from(corpora, PLAN, seed=0)


def make_folder(root: Path, name: str, *, n_per_class: int, seed: int) -> Path:
    """An imported dataset of grey images, with an agreement that permits training. Its files are named `planted_...`."""
    rng = np.random.default_rng(seed)
    for class_name in ("gun", "knife", "none", "nothing"):
        folder = root / "source" / name / class_name
        folder.mkdir(parents=True)
        for index in range(n_per_class):
            image = rng.normal(200, 8, (SIDE, SIDE))
            y, x = rng.integers(2, 14, 2)
            if class_name == "gun":
                image[y : y + 12, x : x + 12] *= 0.2
            if class_name == "knife":
                image[y : y + 3, x : x + 16] *= 0.2
            Image.fromarray(image.clip(0, 255).astype(np.uint8)).save(folder / f"planted_{class_name}{index:03d}.png")
    classes = {"gun": "firearm", "knife": "blade", "none": "benign", "nothing": "benign"}
    folder = data.import_folder(
        root / "source" / name, name=f"{name}_scans", vector="mail", classes=classes, out=root / name, quiet=True
    )
    (folder / agreements.FILE).write_text(agreements.template(name), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Dataset folders of five sites, of different sizes."""
    root = tmp_path_factory.mktemp("sites")
    names = ("north", "south", "west", "east", "middle")
    return {name: make_folder(root, name, n_per_class=6 + 2 * index, seed=index) for index, name in enumerate(names)}


@pytest.fixture
def job() -> Callable[..., FederatedJob]:
    """A job of three rounds on a tiny network; any of its fields can be set."""

    def make(**changed: object) -> FederatedJob:
        fields: dict[str, object] = {
            "name": "toy",
            "architecture": "test_resnet",
            "threats": THREATS,
            "n_sites": 3,
            "image_px": SIDE,
            "full_scale": FULL_SCALE,
            "n_rounds": 3,
            "batch_size": 4,
            "seed": 7,
        }
        return make_job(**{**fields, **changed})  # type: ignore[arg-type]

    return make
