"""Every research set comes in from a folder of its true shape, with the traps of that shape handled."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from cargoxray import cargoxray, packed
from clcxray import clcxray
from compassxp import compassxp
from dvxray import dvxray
from eds import eds
from gdxray import gdxray
from opixray import hixray, opixray
from pidray import pidray_v1, pidray_v2
from sixray import sixray

from xraybench import data
from xraybench.core.errors import BadFile, BadTable, UnknownName
from xraybench.core.types import Dataset
from xraybench.data import importers

SETS: dict[str, tuple[str, Callable[[Path], Path]]] = {
    "sixray": ("sixray", sixray),
    "pidray v1": ("pidray", pidray_v1),
    "pidray v2": ("pidray", pidray_v2),
    "opixray": ("opixray", opixray),
    "hixray": ("hixray", hixray),
    "eds": ("eds", eds),
    "clcxray": ("clcxray", clcxray),
    "dvxray": ("dvxray", dvxray),
    "gdxray": ("gdxray", gdxray),
    "compassxp": ("compassxp", compassxp),
    "cargoxray": ("cargoxray", cargoxray),
}


def brought(root: Path, name: str, out: Path, **options: Any) -> Dataset:
    data.import_set(root, format=name, out=out, quiet=True, **options)
    return data.read_dataset(out)


def left_out(out: Path) -> dict[str, int]:
    return {skipped.why: skipped.count for skipped in data.summary_of(out).skipped}


def fact(out: Path, name: str) -> dict[str, int]:
    facts = data.facts_in(out)
    return facts[facts["fact"] == name]["value"].value_counts().to_dict()


def splits(dataset: Dataset) -> dict[str, int]:
    return dataset.items["split"].value_counts().to_dict()


def threats(dataset: Dataset) -> dict[str, int]:
    return dataset.objects["threat"].value_counts().to_dict()


@pytest.mark.parametrize("name", SETS)
def test_a_set_is_told_by_its_folder_and_comes_in_sound(name: str, tmp_path: Path) -> None:
    reader, make = SETS[name]
    root = make(tmp_path / "in")
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    assert importers.detect(root).name == reader
    out = data.import_scans(root, out=tmp_path / "out", quiet=True)
    dataset = data.read_dataset(out)
    assert not [line for line in data.check(out) if not line.startswith("warning: ")]
    assert set(dataset.scans.table["sensor"]) == {"unknown"}
    assert set(dataset.objects["concealment"]) <= {"unknown"}
    assert all(scan.views[0].ndim == 3 for scan in dataset.scans)
    assert data.summary_of(out).n_scans == len(dataset.scans) > 0
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before
    assert dataset.licence == "unknown"
    assert "unknown" not in importers.get(reader).licence_of_upstream
    assert str(tmp_path) not in (out / "import.json").read_text(encoding="utf-8")


def test_sixray_takes_fractions_ignores_the_owner_and_keeps_the_published_test(tmp_path: Path) -> None:
    dataset = brought(sixray(tmp_path / "in"), "sixray", tmp_path / "out")
    assert threats(dataset) == {"firearm": 4, "blade": 4}  # three knives with a box, one from the list alone
    boxed = dataset.objects.dropna(subset="x0").iloc[0]
    assert (boxed.x0, boxed.y0, boxed.x1, boxed.y1) == (2.36, 3.5, 12.71, 8.25)
    assert dataset.objects["x0"].isna().sum() == 1
    assert splits(dataset) == {"test": 9, "train": 16, "calibration": 5}  # a third of 16 benign train items
    assert left_out(tmp_path / "out") == {"stands in a list, and there is no such image": 1}
    assert data.summary_of(tmp_path / "out").notes == [
        "1 images stand in no list of SIXray10 and were not taken",
        "5 benign items of the published train part calibrate: the set has no part for it",
    ]
    with pytest.raises(BadFile, match="option ratio=1000: one of 10 is meant"):
        brought(tmp_path / "in", "sixray", tmp_path / "no", options={"ratio": "1000"})


def test_calibration_of_a_published_set_is_benign_and_comes_from_its_train_part(tmp_path: Path) -> None:
    dataset = brought(sixray(tmp_path / "in"), "sixray", tmp_path / "out")
    calibration = dataset.part("calibration")
    assert len(calibration.items) == 5
    assert len(calibration.objects) == 0
    facts = data.facts_in(tmp_path / "out").set_index(["scan_id", "fact"])["value"]
    assert {facts[scan_id, "published_split"] for scan_id in calibration.scans.scan_ids} == {"train"}
    assert {facts[s, "published_split"] for s in dataset.part("test").scans.scan_ids} == {"test"}


def test_published_splits_can_be_left_aside(tmp_path: Path) -> None:
    dataset = brought(sixray(tmp_path / "in"), "sixray", tmp_path / "out", keep_splits=False)
    assert splits(dataset) != {"test": 9, "train": 16, "calibration": 5}
    assert fact(tmp_path / "out", "published_split") == {}


def test_pidray_difficulty_is_the_file_in_v1_and_the_name_in_v2(tmp_path: Path) -> None:
    first = brought(pidray_v1(tmp_path / "v1"), "pidray", tmp_path / "one")
    assert fact(tmp_path / "one", "difficulty") == {"easy": 2, "hard": 2, "hidden": 2}
    assert splits(first) == {"train": 7, "calibration": 1, "test": 6}  # two of its train images show goods alone
    assert threats(first) == {"firearm": 6, "blade": 6}  # powerbank and baton are benign; crowds count, gaps do no harm
    assert any("has no width" in why for why in left_out(tmp_path / "one"))
    second = brought(pidray_v2(tmp_path / "v2"), "pidray", tmp_path / "two")
    assert fact(tmp_path / "two", "difficulty") == {"hidden": 2, "easy": 1, "hard": 1}
    assert splits(second) == {"train": 10, "calibration": 2, "test": 4}
    hidden = brought(tmp_path / "v2", "pidray", tmp_path / "three", only={"difficulty": "hidden"})
    assert len(hidden.items) == 2


def test_opixray_levels_are_list_membership_and_boxes_beyond_the_border_are_cut(tmp_path: Path) -> None:
    dataset = brought(opixray(tmp_path / "in"), "opixray", tmp_path / "out")
    assert fact(tmp_path / "out", "occlusion") == {"OL1": 2, "OL2": 2, "OL3": 2}
    assert len(dataset.items) == 13  # one train image stands in no list
    assert threats(dataset) == {"blade": 11}  # the two empty files are benign, not of class 5
    assert dataset.objects["x1"].max() == 32
    assert splits(dataset)["test"] == 6


def test_hixray_shows_goods_and_no_threat(tmp_path: Path) -> None:
    dataset = brought(hixray(tmp_path / "in"), "hixray", tmp_path / "out")
    assert dataset.threats == ()
    assert fact(tmp_path / "out", "source_labels")["Water"] == 2


def test_eds_keeps_the_domain_and_can_take_one_machine_alone(tmp_path: Path) -> None:
    root = eds(tmp_path / "in")
    dataset = brought(root, "eds", tmp_path / "out")
    assert fact(tmp_path / "out", "domain") == {"1": 10, "2": 10, "3": 9}
    assert splits(dataset)["test"] == 11  # what the set calls val
    assert left_out(tmp_path / "out") == {"stands in a list, and has no annotation": 1}
    alone = brought(root, "eds", tmp_path / "two", options={"domain": "2"}, sensor="eds_machine_2")
    assert len(alone.items) == 10
    assert list(alone.corpora) == ["baggage-eds_machine_2"]


def test_clcxray_liquids_are_benign_and_its_validation_part_calibrates(tmp_path: Path) -> None:
    dataset = brought(clcxray(tmp_path / "in"), "clcxray", tmp_path / "out")
    assert threats(dataset) == {"blade": 6}
    assert splits(dataset) == {"train": 7, "calibration": 1, "test": 4}


def test_dvxray_is_one_scan_of_two_views_with_a_box_in_each(tmp_path: Path) -> None:
    dataset = brought(dvxray(tmp_path / "in"), "dvxray", tmp_path / "out")
    assert set(dataset.scans.table["n_views"]) == {2}
    assert len(dataset.items) == 9
    assert {tuple(view.shape for view in scan.views) for scan in dataset.scans} == {((24, 32, 3), (20, 32, 3))}
    assert threats(dataset) == {"firearm": 4, "blade": 4}  # a row for each view
    firearms = dataset.objects[dataset.objects["threat"] == "firearm"]
    assert (firearms[firearms["view"] == 0][["x0", "y0", "x1", "y1"]] == [2, 3, 12, 8]).all(axis=None)
    assert firearms[firearms["view"] == 1]["x0"].isna().sum() == 1  # difficult: there, without a box
    assert firearms.groupby(["scan_id", "object_index"]).size().tolist() == [2, 2]
    assert left_out(tmp_path / "out") == {"a view of the pair is missing": 1}


def test_gdxray_reads_columns_in_its_own_order_and_leaves_unknown_series_out(tmp_path: Path) -> None:
    root = gdxray(tmp_path / "in")
    dataset = brought(root, "gdxray", tmp_path / "out")
    assert threats(dataset) == {"firearm": 6}
    assert dataset.scans.track == "grey"
    assert left_out(tmp_path / "out")["shows 'B0046', whose scans are skipped"] == 2
    mapped = brought(root, "gdxray", tmp_path / "two", classes={"B0046": "blade"})
    box = mapped.objects[mapped.objects["threat"] == "blade"].dropna(subset="x0").sort_values("x0").iloc[0]
    assert (box.x0, box.y0, box.x1, box.y1) == (2, 3, 12, 8)


def test_compassxp_has_labels_without_boxes_and_poses_of_an_object_are_one_item(tmp_path: Path) -> None:
    root = compassxp(tmp_path / "in")
    dataset = brought(root, "compassxp", tmp_path / "out")
    assert threats(dataset) == {"blade": 4}
    assert dataset.objects["x0"].isna().all()
    assert len(dataset.items) == 6
    assert dataset.scans.table.groupby("item_id").size().eq(2).all()
    assert left_out(tmp_path / "out") == {"shows 'hammer', whose scans are skipped": 2}
    low = brought(root, "compassxp", tmp_path / "low", options={"rendering": "Low"})
    assert low.digest != dataset.digest
    with pytest.raises(BadFile, match="option rendering=Photo"):
        brought(root, "compassxp", tmp_path / "no", options={"rendering": "Photo"})


def test_cargoxray_boxes_are_centres_and_labels_merge(tmp_path: Path) -> None:
    root = cargoxray(tmp_path / "in")
    options = {"synonyms": str(root / "synonyms.csv")}
    dataset = brought(root, "cargoxray", tmp_path / "out", options=options)
    assert dataset.threats == ()
    assert data.summary_of(tmp_path / "out").n_objects == {"shoes": 3, "tyres": 1}
    assert "the box has no label" in left_out(tmp_path / "out")
    assert any("row of the image table" in why for why in left_out(tmp_path / "out"))
    shoes = brought(root, "cargoxray", tmp_path / "two", options=options, classes={"shoes": "counterfeit"})
    boxes = shoes.objects[["x0", "y0", "x1", "y1"]].to_numpy()
    assert np.array_equal(boxes, [[12, 6, 20, 18]] * 3)


def test_cargoxray_tables_of_what_no_table_holds_are_left_out_and_told(tmp_path: Path) -> None:
    root = cargoxray(tmp_path / "in")
    boxes = json.loads(gzip.decompress((root / "annotations.json.gz").read_bytes()))
    boxes[0]["image_id"] = [1, 2]
    packed(root / "annotations.json.gz", boxes)
    rows = [{"image_id": n, "filepath": f"images/{n}.png", "width": float("inf"), "height": 24} for n in range(5)]
    packed(root / "images.json.gz", [*rows, {"image_id": {}, "filepath": "images/5.png"}])
    dataset = brought(root, "cargoxray", tmp_path / "out", classes={"*": "benign"})
    assert len(dataset.scans) == 5
    assert "the box names no image" in left_out(tmp_path / "out")


def test_opixray_edges_that_are_no_numbers_are_left_out_and_told(tmp_path: Path) -> None:
    root = opixray(tmp_path / "in")
    path = sorted((root / "test" / "test_annotation").glob("*.txt"))[0]
    path.write_text(f"{path.stem}.jpg Straight_Knife nan 3 12 8\n", encoding="utf-8")
    brought(root, "opixray", tmp_path / "out")
    assert any("is not image, class, x1" in why for why in left_out(tmp_path / "out"))


def test_the_class_map_of_a_set_can_be_changed_by_word_and_by_file(tmp_path: Path) -> None:
    root = dvxray(tmp_path / "in")
    changed = brought(root, "dvxray", tmp_path / "word", classes={"Battery": "shielding", "Gun": "skip"})
    assert set(changed.objects["threat"]) == {"blade", "shielding"}
    assert left_out(tmp_path / "word")["shows 'Gun', whose scans are skipped"] == 2
    table = pd.DataFrame({"set": ["dvxray", "eds"], "class": ["Gun", "knife"], "threat": ["ammunition", "blade"]})
    table.to_csv(tmp_path / "map.csv", index=False)
    data.import_scans(root, out=tmp_path / "file", class_map=tmp_path / "map.csv", quiet=True)
    assert set(data.read_dataset(tmp_path / "file").objects["threat"]) == {"ammunition", "blade"}
    table.loc[0, "threat"] = "firearms"
    table.to_csv(tmp_path / "map.csv", index=False)
    with pytest.raises(BadTable, match=r"row 2, threat: 'firearms' is no threat\. Did you mean 'firearm'"):
        data.import_scans(root, out=tmp_path / "no", class_map=tmp_path / "map.csv", quiet=True)


def test_a_class_that_no_map_knows_is_a_fault_even_where_broken_files_are_forgiven(tmp_path: Path) -> None:
    root = opixray(tmp_path / "in")
    path = next((root / "train" / "train_annotation").glob("*1.txt"))
    path.write_text("x.jpg Machete 2 3 12 8\n", encoding="utf-8")
    with pytest.raises(BadTable, match="class 'Machete' is not mapped to a threat or 'benign'"):
        brought(root, "opixray", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_item_published_in_two_parts_stands_in_test_alone(tmp_path: Path) -> None:
    root = opixray(tmp_path / "in")
    twin = sorted((root / "train" / "train_image").iterdir())[1]
    other = sorted((root / "test" / "test_image").iterdir())[1]
    other.write_bytes(twin.read_bytes())
    dataset = brought(root, "opixray", tmp_path / "out")
    assert any("published in test and in another part" in note for note in data.summary_of(tmp_path / "out").notes)
    assert dataset.scans.table["item_id"].duplicated().sum() == 1
    assert len(dataset.items) == 12


def test_an_unknown_format_or_option_is_answered_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="Did you mean 'sixray'"):
        brought(tmp_path, "sixrays", tmp_path / "out")
    with pytest.raises(UnknownName, match="Did you mean 'ratio'"):
        brought(tmp_path, "sixray", tmp_path / "out", options={"ration": "10"})
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadFile, match="looks like none of the known layouts"):
        data.import_scans(tmp_path / "empty", out=tmp_path / "out")


def test_every_word_of_the_shipped_map_is_a_threat_benign_or_skip() -> None:
    from xraybench.core import vocabulary

    known = {*vocabulary.names("threat"), "benign", "skip"}
    for importer in importers.IMPORTERS:
        if importer.is_research:
            classes = importers.default_classes(importer.name)
            assert classes
            assert set(classes.values()) <= known
            assert importers.read_class_map(importers.CLASSES_FILE, importer.name) == classes
