"""A dataset that goes out as VOC, YOLO or packages comes back with the same scans, boxes and splits."""

from pathlib import Path

import fabricated
import numpy as np
import pandas as pd
import pytest

from xraybench import data
from xraybench.data import counts
from xraybench.data.store import read_stored

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
