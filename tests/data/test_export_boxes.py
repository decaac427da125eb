"""A dataset that goes out as VOC, YOLO or packages comes back with the same scans, boxes and splits."""

from pathlib import Path

import fabricated
import numpy as np
import pandas as pd
import pytest

from xraybench import data
from xraybench.data import counts
from xraybench.data.store import read_stored
from xraybench.formats.images import read_image
from xraybench.formats.raster import Plane, Raster, write_raster

SAME = {"blade": "blade"}


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """12 images with boxes in every second one."""
    root = fabricated.coco_folder(tmp_path / "in", n_images=12)
    options = {"name": "bags", "vector": "baggage", "categories": {"knife": "blade", "phone": "benign"}}
    return data.import_coco(root / "annotations.json", root, out=tmp_path / "dataset", quiet=True, **options)


def told(folder: Path) -> pd.DataFrame:
    """Digest of the pixels' file, split and box of every scan."""
    stored = read_stored(folder)
    rows = stored.files.merge(stored.scans, on="scan_id").merge(stored.items, on="item_id")
    rows = rows.merge(stored.objects[["scan_id", "threat", "x0", "y0", "x1", "y1"]], on="scan_id", how="left")
    columns = ["digest", "split", "threat", "x0", "y0", "x1", "y1"]
    return rows[columns].sort_values("digest", ignore_index=True)


@pytest.mark.parametrize("form", ["voc", "yolo"])
def test_boxes_and_test_split_come_back(form: str, dataset: Path, tmp_path: Path) -> None:
    sent = data.export(dataset, tmp_path / "sent", to=form, quiet=True)
    assert not list(sent.glob("annotations_*.json"))
    back = data.import_scans(sent, out=tmp_path / "back", vector="baggage", classes=SAME, quiet=True)
    assert data.summary_of(back).format == form
    before, after = told(dataset), told(back)
    pd.testing.assert_frame_equal(before.drop(columns="split"), after.drop(columns="split"), atol=1e-4)
    assert (before["split"] == after["split"]).all()


def test_simulated_counts_come_back_through_packages(folders: list[Path], tmp_path: Path) -> None:
    sent = data.export(folders[0], tmp_path / "sent", to="package", quiet=True)
    back = data.import_scans(sent, out=tmp_path / "back", vector="mail", quiet=True)
    stored, source = read_stored(back), data.read_dataset(folders[0])
    assert stored.manifest.track == "raw"
    read = counts.count_files(stored)
    after = sorted(read(scan_id)[0].tobytes() for scan_id in stored.scans["scan_id"])
    before = sorted(np.ascontiguousarray(scan.views[0]).tobytes() for scan in source.scans)
    assert after == before
    assert (
        stored.objects["concealment"].value_counts().to_dict() == source.objects["concealment"].value_counts().to_dict()
    )
    assert stored.items["split"].value_counts().to_dict()["test"] == (source.items["split"] == "test").sum()


@pytest.fixture
def counted(tmp_path: Path) -> Path:
    """12 scans of two energies, kept as counts in the dataset folder."""
    rng = np.random.default_rng(0)
    for n in range(12):
        pixels = rng.integers(0, 65536, (40, 50, 2)).astype(np.uint16)
        path = tmp_path / "planes" / ("gun" if n % 2 else "other") / f"{n}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_raster(path, Raster(pixels, (Plane("hi"), Plane("lo")), "transmission", 65535.0))
    given = {"vector": "mail", "classes": {"gun": "firearm", "other": "benign"}, "quiet": True}
    return data.import_set(tmp_path / "planes", format="planes", out=tmp_path / "counted", **given)


def test_imported_counts_come_back_through_packages(counted: Path, tmp_path: Path) -> None:
    sent = data.export(counted, tmp_path / "sent", to="package", quiet=True)
    back = data.import_scans(sent, out=tmp_path / "back", vector="mail", quiet=True)
    before, after = (
        sorted(scan.views[0].tobytes() for scan in data.read_dataset(folder).scans) for folder in (counted, back)
    )
    assert after == before


@pytest.mark.parametrize("form", ["coco", "voc", "yolo"])
def test_of_imported_counts_the_high_energy_is_handed_on_as_16_bit_grey(
    form: str, counted: Path, tmp_path: Path
) -> None:
    sent = data.export(counted, tmp_path / "sent", to=form, quiet=True)
    shown = sorted(read_image(path)[..., 0].tobytes() for path in sent.rglob("*.png"))
    assert shown == sorted(np.ascontiguousarray(s.views[0][..., 0]).tobytes() for s in data.read_dataset(counted).scans)


def test_a_folder_that_keeps_its_counts_may_be_moved_and_its_card_says_that_it_holds_them(
    counted: Path, tmp_path: Path
) -> None:
    assert "views/" in data.card(counted)
    assert "Nothing of them is copied" not in data.card(counted)
    moved = counted.rename(tmp_path / "moved")
    assert [line for line in data.check(moved) if not line.startswith("warning: ")] == []
    assert len(list(data.read_dataset(moved).scans)) == 12
