"""Real scans come in without being touched, or are refused with everything that is wrong and nothing written."""

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import fabricated
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from xraybench import data
from xraybench.core.errors import BadFile, BadParameter, BadTable, BadValue, DigestMismatch, UnknownName
from xraybench.data.store import read_stored

CLASSES = {"gun": "firearm", "knife": "blade", "other": "benign"}
CATEGORIES = {"knife": "blade", "phone": "benign"}


def imported(root: Path, out: Path, **options: Any) -> Path:
    given = {"name": "bags", "vector": "baggage", "classes": CLASSES, "out": out, "quiet": True, **options}
    return data.import_folder(root, **given)


def imported_coco(root: Path, out: Path, **options: Any) -> Path:
    given = {"name": "bags", "vector": "baggage", "categories": CATEGORIES, "out": out, "quiet": True, **options}
    return data.import_coco(root / "annotations.json", root, **given)


@pytest.fixture
def bags(tmp_path: Path) -> Path:
    return fabricated.image_folder(tmp_path / "bags", {"gun": 8, "knife": 4, "other": 12})


def test_a_class_folder_becomes_items_with_a_threat_and_without_a_box(bags: Path, tmp_path: Path) -> None:
    dataset = data.read_dataset(imported(bags, tmp_path / "out"))
    assert len(dataset.scans) == len(dataset.items) == 24
    assert dataset.objects["threat"].value_counts().to_dict() == {"firearm": 8, "blade": 4}
    assert dataset.objects[["x0", "y0", "x1", "y1", "area_px", "view_share"]].isna().all(axis=None)
    assert set(data.size_of(dataset.objects, dataset.scans.table)) == {"unknown"}
    assert set(dataset.objects["concealment"]) == {"unknown"}
    assert dataset.threats == ("firearm", "blade")
    assert not dataset.is_simulated
    assert list(dataset.corpora) == ["baggage-unknown"]


def test_pixels_are_read_where_they_lie(bags: Path, tmp_path: Path) -> None:
    out = imported(bags, tmp_path / "out")
    stored, dataset = read_stored(out), data.read_dataset(out)
    for row in stored.files.itertuples():
        expected = np.asarray(Image.open(bags / row.path))
        np.testing.assert_array_equal(dataset.scans.load(row.scan_id).views[0], expected)
    assert sorted(p.name for p in out.iterdir()) == [
        "dataset.json",
        "files.parquet",
        "import.json",
        "items.parquet",
        "objects.parquet",
        "scans.parquet",
    ]


def test_items_are_split_by_shares_within_each_class_and_calibration_is_benign(bags: Path, tmp_path: Path) -> None:
    dataset = data.read_dataset(imported(bags, tmp_path / "out"))
    threat = dataset.objects.set_index("item_id")["threat"]
    content = dataset.items["item_id"].map(threat).fillna("benign")
    counts = pd.crosstab(content, dataset.items["split"])
    assert counts.loc["benign"].to_dict() == {"train": 6, "calibration": 3, "test": 3}
    assert counts.loc["firearm"].to_dict() == {"train": 4, "calibration": 0, "test": 4}
    assert counts.loc["blade"].to_dict() == {"train": 2, "calibration": 0, "test": 2}


def test_ids_and_their_order_say_nothing_of_the_class(bags: Path, tmp_path: Path) -> None:
    dataset = data.read_dataset(imported(bags, tmp_path / "out"))
    assert dataset.scans.table["scan_id"].str.fullmatch("[0-9a-f]{16}").all()
    assert dataset.scans.table["scan_id"].is_monotonic_increasing
    assert dataset.items["item_id"].is_monotonic_increasing


def test_the_same_folder_gives_the_same_digest_wherever_it_lies(bags: Path, tmp_path: Path) -> None:
    shutil.copytree(bags, tmp_path / "moved")
    one = data.read_dataset(imported(bags, tmp_path / "one"))
    two = data.read_dataset(imported(tmp_path / "moved", tmp_path / "two"))
    assert one.digest == two.digest
    pd.testing.assert_frame_equal(one.items, two.items)
    other_seed = data.read_dataset(imported(bags, tmp_path / "three", seed=1))
    assert other_seed.digest != one.digest


def test_an_equal_import_is_left_as_it_is_and_another_is_refused(bags: Path, tmp_path: Path) -> None:
    out = imported(bags, tmp_path / "out")
    before = {path.name: path.stat().st_mtime_ns for path in out.iterdir()}
    assert imported(bags, out) == out
    assert {path.name: path.stat().st_mtime_ns for path in out.iterdir()} == before
    with pytest.raises(BadFile, match="holds something else already"):
        imported(bags, out, seed=7)
    assert {path.name: path.stat().st_mtime_ns for path in out.iterdir()} == before


def test_all_faults_of_a_folder_are_told_at_once_and_nothing_is_written(bags: Path, tmp_path: Path) -> None:
    (bags / "gun" / "notes.txt").write_text("found at the border", encoding="utf-8")
    whole = fabricated.png(bags / "gun" / "cut.png", seed=99).read_bytes()
    (bags / "gun" / "cut.png").write_bytes(whole[:80])
    (bags / "empty").mkdir()
    (bags / "gums").mkdir()
    (bags / ".hidden").mkdir()
    (bags / "gun" / "Thumbs.db").write_bytes(b"\x00")
    with pytest.raises(BadTable) as caught:
        imported(bags, tmp_path / "out", classes={**CLASSES, "empty": "benign", "gum": "firearms"})
    told = str(caught.value)
    assert "'gum' is mapped to 'firearms', which is no threat. Did you mean 'firearm'?" in told
    assert "class folder 'gums' is not mapped to a threat or 'benign'. Did you mean 'gum'?" in told
    assert "class folder 'gum' is mapped, and the input has none" in told
    assert "class folder 'empty' is empty" in told
    assert "gun/notes.txt: not an image of a known format" in told
    assert "gun/cut.png: broken or truncated" in told
    assert len(caught.value.faults) == 6
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bags"]


def test_a_class_can_be_left_out_and_folders_nest(bags: Path, tmp_path: Path) -> None:
    fabricated.png(bags / "other" / "deep" / "er" / "x.png", seed=500)
    dataset = data.read_dataset(imported(bags, tmp_path / "out", classes={**CLASSES, "knife": "skip"}))
    assert len(dataset.items) == 21
    assert dataset.threats == ("firearm",)


def test_a_copy_is_the_same_item_and_stays_in_its_split(bags: Path, tmp_path: Path) -> None:
    source = sorted((bags / "gun").iterdir())[0]
    shutil.copy(source, bags / "gun" / "copy.png")
    out = imported(bags, tmp_path / "out")
    dataset = data.read_dataset(out)
    assert len(dataset.scans) == 25
    assert len(dataset.items) == 24
    assert any("1 image files are copies" in line for line in data.check(out))


def test_copies_that_are_labelled_apart_are_a_fault(bags: Path, tmp_path: Path) -> None:
    source = sorted((bags / "gun").iterdir())[0]
    shutil.copy(source, bags / "other" / "copy.png")
    with pytest.raises(BadTable, match="are the same bytes, and labelled firearm and benign"):
        imported(bags, tmp_path / "out")


def test_scans_of_one_bag_stay_in_one_split(tmp_path: Path) -> None:
    for n in range(24):
        fabricated.png(tmp_path / "bags" / "gun" / f"bag{n // 4}_{n}.png", seed=n)
    out = imported(tmp_path / "bags", tmp_path / "out", classes={"gun": "firearm"}, item_pattern=r"(bag\d+)_")
    dataset = data.read_dataset(out)
    assert len(dataset.items) == 6
    assert dataset.scans.table.groupby("item_id").size().eq(4).all()


def test_a_pattern_that_fits_not_every_file_is_a_fault(bags: Path, tmp_path: Path) -> None:
    with pytest.raises(BadTable, match="finds no item in it"):
        imported(bags, tmp_path / "out", item_pattern=r"(bag\d+)_")
    with pytest.raises(BadValue, match="needs a group"):
        imported(bags, tmp_path / "out", item_pattern=r"bag")


def test_grey_images_in_colour_files_are_a_grey_dataset(tmp_path: Path) -> None:
    for n in range(4):
        grey = np.repeat(np.random.default_rng(n).integers(0, 255, (6, 8, 1)).astype(np.uint8), 3, axis=2)
        (tmp_path / "in" / "gun").mkdir(parents=True, exist_ok=True)
        Image.fromarray(grey).save(tmp_path / "in" / "gun" / f"{n}.png")
    dataset = data.read_dataset(imported(tmp_path / "in", tmp_path / "out", classes={"gun": "firearm"}))
    assert dataset.scans.track == "grey"
    assert {scan.views[0].shape for scan in dataset.scans} == {(6, 8, 1)}


def test_a_grey_image_among_coloured_ones_is_shown_in_three_channels(tmp_path: Path) -> None:
    fabricated.png(tmp_path / "in" / "gun" / "a.png", seed=1, channels=3)
    fabricated.png(tmp_path / "in" / "gun" / "b.png", seed=2, channels=1)
    dataset = data.read_dataset(imported(tmp_path / "in", tmp_path / "out", classes={"gun": "firearm"}))
    assert dataset.scans.track == "colour"
    assert {scan.views[0].shape for scan in dataset.scans} == {(24, 32, 3)}


def test_a_16_bit_image_is_narrowed_only_through_a_declared_window(tmp_path: Path) -> None:
    path = fabricated.png(tmp_path / "in" / "gun" / "a.png", channels=1, bits=16)
    with pytest.raises(BadTable, match=r"16-bit grey. It is not narrowed to 8 bit unasked"):
        imported(tmp_path / "in", tmp_path / "out", classes={"gun": "firearm"})
    out = imported(tmp_path / "in", tmp_path / "out", classes={"gun": "firearm"}, window_counts=(1000, 61000))
    counts = np.asarray(Image.open(path)).astype(float)
    expected = np.rint(np.clip((counts - 1000) / 60000, 0, 1) * 255)
    shown = next(iter(data.read_dataset(out).scans)).views[0][..., 0]
    assert np.abs(shown - expected).max() <= 1
    with pytest.raises(BadValue, match="window_counts"):
        imported(tmp_path / "in", tmp_path / "no", classes={"gun": "firearm"}, window_counts=(5, 5))


def test_wrong_words_are_refused_with_the_nearest_right_one(bags: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="Did you mean 'baggage'"):
        imported(bags, tmp_path / "out", vector="bagage")
    with pytest.raises(UnknownName, match="Did you mean 'in_article'"):
        imported(bags, tmp_path / "out", concealment="in_articles")
    with pytest.raises(BadValue, match="sensor 'Big-Scanner'"):
        imported(bags, tmp_path / "out", sensor="Big-Scanner")
    with pytest.raises(BadValue, match="sum to 1"):
        imported(bags, tmp_path / "out", shares=(0.5, 0.5, 0.5))
    with pytest.raises(BadFile, match="there is no such folder"):
        imported(tmp_path / "nowhere", tmp_path / "out")


def test_coco_boxes_and_benign_goods_come_in(tmp_path: Path) -> None:
    root = fabricated.coco_folder(tmp_path / "in", n_images=4)
    dataset = data.read_dataset(imported_coco(root, tmp_path / "out", concealment="in_article"))
    assert len(dataset.items) == 4
    assert len(dataset.objects) == 2
    row = dataset.objects.iloc[0]
    assert (row.x0, row.y0, row.x1, row.y1, row.area_px) == (2, 3, 12, 8, 40)
    assert row.view_share == pytest.approx(40 / (24 * 32))
    assert row.concealment == "in_article"


def test_all_faults_of_a_coco_input_are_told_at_once(tmp_path: Path) -> None:
    content = fabricated.coco_content(4)
    content["images"].append({"id": 9, "file_name": "gone.png", "width": 3, "height": 3})
    content["images"][0]["width"] = 33
    root = fabricated.coco_folder(tmp_path / "in", content)
    with pytest.raises(BadTable) as caught:
        imported_coco(root, tmp_path / "out", categories={"knives": "blade", "phone": "benin"})
    told = str(caught.value)
    assert "'phone' is mapped to 'benin', which is no threat. Did you mean 'benign'?" in told
    assert "category 'knife' is not mapped to a threat or 'benign'. Did you mean 'knives'?" in told
    assert "gone.png: there is no such file" in told
    assert "001.png: is 32 x 24 pixels, its annotation says 33 x 24" in told
    assert not (tmp_path / "out").exists()


def test_a_changed_label_table_is_refused(bags: Path, tmp_path: Path) -> None:
    out = imported(bags, tmp_path / "out")
    items = pd.read_parquet(out / "items.parquet")
    items.loc[0, "split"] = "train" if items.loc[0, "split"] == "test" else "test"
    items.to_parquet(out / "items.parquet")
    with pytest.raises(DigestMismatch, match="A table was changed"):
        data.read_dataset(out)
    assert any("the digest is not that of the tables" in line for line in data.check(out))


def test_check_finds_changed_and_lost_images(bags: Path, tmp_path: Path) -> None:
    out = imported(bags, tmp_path / "out")
    assert not [line for line in data.check(out) if not line.startswith("warning: ")]
    first, second = sorted((bags / "gun").iterdir())[:2]
    first.unlink()
    fabricated.png(second, seed=12345)
    faults = [line for line in data.check(out) if not line.startswith("warning: ")]
    assert len(faults) == 2
    assert f"gun/{first.name}: the image is not there any more" in faults
    assert f"gun/{second.name}: other bytes than those that were imported" in faults
    with pytest.raises(BadFile, match="there is no such file"):
        list(data.read_dataset(out).scans)


def test_a_folder_without_a_manifest_is_no_dataset(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"holds no dataset.json"):
        data.read_dataset(tmp_path)
    with pytest.raises(BadFile, match=r"holds no dataset.json"):
        data.check(tmp_path)


def test_a_disk_that_takes_no_more_leaves_nothing_behind(bags: Path, tmp_path: Path) -> None:
    with fabricated.no_file_larger_than(1000), pytest.raises(BadFile, match="Nothing was written: make room"):
        imported(bags, tmp_path / "out")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bags"]


def test_a_class_that_the_file_name_gives_away_is_warned_of(tmp_path: Path) -> None:
    for n in range(10):
        fabricated.png(tmp_path / "in" / "gun" / f"day1_{n}.png", seed=n)
        fabricated.png(tmp_path / "in" / "other" / f"day2_{n}.png", seed=100 + n)
    out = imported(tmp_path / "in", tmp_path / "out", classes={"gun": "firearm", "other": "benign"})
    told = [line for line in data.check(out) if "confounded with the series in the file name" in line]
    assert len(told) == 1
    assert "right for 100% of the scans (50% without it)" in told[0]


def test_mixed_series_are_not_warned_of(tmp_path: Path) -> None:
    for n in range(10):
        fabricated.png(tmp_path / "in" / "gun" / f"day{n % 2}_{n}.png", seed=n)
        fabricated.png(tmp_path / "in" / "other" / f"day{n % 2}_{n}.png", seed=100 + n)
    out = imported(tmp_path / "in", tmp_path / "out", classes={"gun": "firearm", "other": "benign"})
    assert not [line for line in data.check(out) if "confounded" in line]


def test_a_dataset_is_never_written_into_its_source(bags: Path) -> None:
    before = sorted(bags.rglob("*"))
    with pytest.raises(BadFile, match="never written to"):
        imported(bags, bags / "dataset")
    with pytest.raises(BadFile, match="never written to"):
        imported(bags, bags)
    assert sorted(bags.rglob("*")) == before


def test_a_data_card_counts_what_is_there_and_names_no_machine_path(bags: Path, tmp_path: Path) -> None:
    out = imported(bags, tmp_path / "out", licence="own", licence_of_upstream="on request")
    card = data.card(out)
    assert card == data.card(out)
    assert "| firearm | 4 | 0 | 4 | 8 |" in card
    assert "| all items | 12 | 3 | 9 | 24 |" in card
    assert "| licence of upstream | on request |" in card
    assert str(tmp_path) not in card


@pytest.mark.real
def test_real_crops_come_in_grey_and_their_confounded_series_is_found(gdxray_crops: Path, tmp_path: Path) -> None:
    classes = {"gun": "firearm", "razor_blade": "blade", "shuriken": "blade", "other": "benign"}
    out = imported(gdxray_crops, tmp_path / "out", name="gdxray crops", classes=classes)
    dataset = data.load(out, splits=("train", "calibration", "test"))
    assert dataset.scans.track == "grey"
    assert len(dataset.items) == 160
    assert dataset.objects["threat"].value_counts().to_dict() == {"blade": 70, "firearm": 30}
    assert any("confounded with the series in the file name" in line for line in data.check(out))
    for scan in dataset.part("test").scans:
        assert scan.views[0].shape[2] == 1


@pytest.mark.real
def test_real_coco_scans_come_in_colour_with_their_boxes(compassxp: Path, tmp_path: Path) -> None:
    categories = dict.fromkeys(("axe", "knife", "scissors", "thin-blade-tool"), "blade") | {"power-tool": "benign"}
    out = imported_coco(compassxp, tmp_path / "out", name="compassxp", categories=categories)
    dataset = data.load(out, splits=("train", "calibration", "test"))
    assert dataset.scans.track == "colour"
    assert (len(dataset.items), len(dataset.objects)) == (12, 8)
    assert {scan.views[0].shape[0] for scan in dataset.scans} == {580}
    assert not [line for line in data.check(out) if not line.startswith("warning: ")]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no file names that are not UTF-8")
def test_a_file_name_of_another_encoding_is_refused_or_left_out_and_told(bags: Path, tmp_path: Path) -> None:
    name = next((bags / "gun").iterdir())
    name.rename(bags / "gun" / os.fsdecode(b"caf\xe9.png"))
    with pytest.raises(BadTable, match=r"1 fault\n.*holds letters that are not UTF-8; rename it"):
        imported(bags, tmp_path / "out")
    given = {"vector": "baggage", "classes": CLASSES, "is_lenient": True, "quiet": True}
    out = data.import_set(bags, format="folder", out=tmp_path / "out", **given)
    assert data.summary_of(out).n_scans == 23
    assert data.summary_of(out).skipped[0].examples == ["gun/caf\\udce9.png"]
    (bags / "gun").rename(bags / os.fsdecode(b"gu\xe9"))
    with pytest.raises(BadTable, match=r"class folder 'gu.*' holds letters that are not UTF-8; rename it"):
        data.import_set(bags, format="folder", out=tmp_path / "other", **{**given, "classes": {"*": "benign"}})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bags", "out"]


def test_a_pattern_that_is_none_is_refused_before_an_image_is_read(bags: Path, tmp_path: Path) -> None:
    (bags / "gun" / "broken.png").write_bytes(b"broken")
    with pytest.raises(BadValue, match="not a regular expression"):
        imported(bags, tmp_path / "out", item_pattern="([")


def test_what_is_of_coco_alone_is_refused_elsewhere(bags: Path, tmp_path: Path) -> None:
    for only_coco in ({"clip": True}, {"images": bags}):
        with pytest.raises(BadParameter, match="are of COCO"):
            data.import_scans(bags, out=tmp_path / "out", vector="baggage", classes=CLASSES, **only_coco)  # type: ignore[arg-type]


def test_a_folder_in_place_of_annotations_is_told_as_one(bags: Path, tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="is a folder; name the annotation file in it"):
        data.import_coco(bags, bags, name="x", vector="baggage", categories={}, out=tmp_path / "out")
