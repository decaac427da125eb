"""A check finds copies, boxes outside, empty and confounded classes in one go, and reads again only what changed."""

import io
import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import fabricated
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from xraybench import data
from xraybench.data import checks, duplicates, store
from xraybench.formats import raster

SCENE_PX = 64
PLANES = (raster.Plane("hi"), raster.Plane("lo"))


def scene(seed: int) -> np.ndarray:
    """A made picture with some shapes: what a bag looks like to an averaging eye."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:SCENE_PX, :SCENE_PX]
    picture = np.full((SCENE_PX, SCENE_PX), 235.0)
    for _ in range(12):
        x, y, a, b = rng.uniform(5, 59), rng.uniform(5, 59), rng.uniform(3, 14), rng.uniform(3, 14)
        picture -= rng.uniform(20, 90) * ((abs(columns - x) < a) & (abs(rows - y) < b))
    return np.repeat(np.clip(picture, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def scenes(root: Path, counts: dict[str, int]) -> Path:
    seed = 0
    for name, n in counts.items():
        (root / name).mkdir(parents=True, exist_ok=True)
        for _ in range(n):
            seed += 1
            Image.fromarray(scene(seed)).save(root / name / f"{seed * 7919 % 10007:05d}.png")
    return root


def imported(root: Path, out: Path, **options: Any) -> Path:
    given = {"classes": {"gun": "firearm", "other": "benign"}, "name": "bags", "vector": "baggage", **options}
    return data.import_folder(root, out=out, quiet=True, **given)


def texts(folder: Path, check: str) -> list[str]:
    return [finding.line for finding in checks.inspect(folder).findings if finding.check == check]


@pytest.fixture
def bags(tmp_path: Path) -> Path:
    return scenes(tmp_path / "bags", {"gun": 12, "other": 12})


TURNS = {
    "flipped left to right": lambda a: a[:, ::-1],
    "flipped top to bottom": lambda a: a[::-1],
    "turned by 180 degrees": lambda a: a[::-1, ::-1],
    "flipped along the diagonal": lambda a: a.swapaxes(0, 1),
    "turned by a quarter anticlockwise": np.rot90,
    "turned by a quarter clockwise": lambda a: np.rot90(a, -1),
    "flipped along the other diagonal": lambda a: np.rot90(a, 2).swapaxes(0, 1),
}


@pytest.mark.parametrize("turn", TURNS)
def test_a_flipped_or_turned_copy_is_found_with_how_it_was_turned(turn: str) -> None:
    prints = [duplicates.fingerprint(scene(n)) for n in range(20)]
    (pair,) = duplicates.pairs([*prints, duplicates.fingerprint(TURNS[turn](scene(4)))])
    assert (pair.first, pair.second, pair.turn) == (4, 20, turn)


def test_the_banded_search_finds_what_comparing_all_with_all_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    prints = []
    for n in range(60):
        buffer = io.BytesIO()
        small = Image.fromarray(scene(n)[:, ::-1]).resize((48, 48))
        small.save(buffer, "JPEG", quality=60)
        prints += [duplicates.fingerprint(scene(n)), duplicates.fingerprint(np.asarray(Image.open(buffer)))]
    whole = duplicates.pairs(prints)
    assert {(pair.first, pair.second) for pair in whole} >= {(2 * n, 2 * n + 1) for n in range(60)}
    monkeypatch.setattr(duplicates, "_MOST_COMPARED_WHOLE", 0)
    banded = duplicates.pairs(prints)
    assert set(banded) <= set(whole)
    assert len(banded) >= 0.95 * len(whole)
    new = np.arange(len(prints)) == 7
    assert [pair for pair in whole if 7 in (pair.first, pair.second)] == duplicates.pairs(prints, new=new)


def test_flat_pictures_are_not_copies_of_each_other() -> None:
    flat = duplicates.fingerprint(np.full((9, 9, 1), 200, np.uint8))
    assert flat == ""
    prints = [flat, flat, *(duplicates.fingerprint(scene(n)) for n in (1, 2))]
    assert duplicates.pairs(prints) == []
    assert duplicates.pairs(prints, new=np.array([True, True, False, False])) == []


def test_different_simulated_scans_are_not_taken_for_copies(folders: list[Path]) -> None:
    dataset = data.read_dataset(folders[0])
    prints = [duplicates.fingerprint(scan.views[0]) for scan in dataset.track("colour")]
    assert len(duplicates.pairs(prints)) <= 1  # of 4,005


def test_copies_in_two_splits_are_found_whatever_was_done_to_them(bags: Path, tmp_path: Path) -> None:
    first = imported(bags, tmp_path / "first")
    items = store.read_stored(first)
    split_of = items.items.set_index("item_id")["split"]
    paths = items.files.set_index("scan_id")["path"]
    train = [paths[s] for s, i in zip(items.scans["scan_id"], items.scans["item_id"], strict=True)
             if split_of[i] == "train" and paths[s].startswith("other")][:3]  # fmt: skip
    taken = [np.asarray(Image.open(bags / path)) for path in train]
    for n in range(8):  # several of each, so that some of them fall into another split
        Image.fromarray(taken[0]).save(bags / "other" / f"again{n}.png", compress_level=n + 1, dpi=(n + 1, 1))
        Image.fromarray(taken[1]).save(bags / "other" / f"lossy{n}.jpg", quality=70 + n)
        Image.fromarray(np.ascontiguousarray(taken[2][:, ::-1])).save(bags / "other" / f"flip{n}.jpg", quality=70 + n)
    report = checks.inspect(imported(bags, tmp_path / "out"))
    fault = next(finding for finding in report.faults if finding.check == "splits")
    assert "the same pixels, saved in another way" in fault.text
    assert any("again" in twins.second or "again" in twins.first for twins in fault.twins)
    (near,) = [finding for finding in report.findings if finding.check == "splits" and not finding.is_fault]
    named = " ".join(f"{twins.first} {twins.second} {twins.turn}" for twins in near.twins)
    assert "lossy" in named
    assert "flipped left to right" in named
    assert report.exit_code() == 1


def test_one_item_in_two_splits_and_a_broken_table_are_told_together(bags: Path, tmp_path: Path) -> None:
    out = imported(bags, tmp_path / "out")
    items = pd.read_parquet(out / "items.parquet")
    twice = items.iloc[[0]].assign(split="test" if items["split"][0] != "test" else "train")
    pd.concat([items, twice]).to_parquet(out / "items.parquet")
    (out / "objects.parquet").write_bytes(b"nothing")
    told = "\n".join(data.check(out))
    assert f"item {items['item_id'][0]} stands in " in told
    assert "objects.parquet: cannot be read as Parquet" in told


def test_boxes_outside_the_image_as_it_is_and_as_the_table_says(tmp_path: Path) -> None:
    root = fabricated.coco_folder(tmp_path / "in", n_images=4)
    out = data.import_coco(
        root / "annotations.json", root, name="b", vector="baggage", categories={"knife": "blade", "phone": "benign"},
        out=tmp_path / "out", quiet=True,
    )  # fmt: skip
    assert texts(out, "boxes") == []
    objects = pd.read_parquet(out / "objects.parquet")
    objects.loc[0, "x1"] = 33.0
    objects.to_parquet(out / "objects.parquet")
    (told,) = texts(out, "boxes")
    assert "lies outside its view (x1 33, y1 8 in 32 x 24)" in told
    scans = pd.read_parquet(out / "scans.parquet")
    scans["width"] = 40
    scans.to_parquet(out / "scans.parquet")
    assert any("reaches x1 33, y1 8 in an image of 32 x 24" in text for text in texts(out, "boxes"))
    assert sum("is 32 x 24 pixels, the table says 40 x 24" in text for text in texts(out, "images")) == 4


def test_an_empty_class_and_one_without_test_items_are_told(bags: Path, tmp_path: Path) -> None:
    out = imported(bags, tmp_path / "out")
    document = json.loads((out / "dataset.json").read_text())
    (out / "dataset.json").write_text(json.dumps({**document, "threats": ["firearm", "pills"]}))
    assert "class pills is declared in the manifest and no scan holds it" in texts(out, "classes")
    items = pd.read_parquet(out / "items.parquet")
    held = set(pd.read_parquet(out / "objects.parquet")["item_id"])
    items["split"] = [
        "train" if item in held else split for item, split in zip(items["item_id"], items["split"], strict=True)
    ]
    items.to_parquet(out / "items.parquet")
    assert "warning: class firearm has no item in test: it cannot be measured" in texts(out, "classes")


@pytest.mark.parametrize("column", ["sensor", "site"])
def test_a_class_that_the_scanner_or_the_site_gives_away_is_warned_of(bags: Path, tmp_path: Path, column: str) -> None:
    out = imported(bags, tmp_path / "out")
    name = "scans" if column == "sensor" else "items"
    frame = pd.read_parquet(out / f"{name}.parquet")
    held = set(pd.read_parquet(out / "objects.parquet")["item_id"])
    frame[column] = ["one" if item in held else "two" for item in frame["item_id"]]
    frame.to_parquet(out / f"{name}.parquet")
    what = {"sensor": "scanner", "site": "site"}[column]
    (told,) = [text for text in texts(out, "confounding") if f"confounded with the {what}" in text]
    assert "one firearm 12, two benign 12" in told


def test_a_class_that_the_way_of_saving_gives_away_is_warned_of(tmp_path: Path) -> None:
    for n in range(10):
        for kind, quality in (("gun", 80), ("other", 90)):
            (tmp_path / "in" / kind).mkdir(parents=True, exist_ok=True)
            Image.fromarray(scene(n + quality)).save(tmp_path / "in" / kind / f"{n}.jpg", quality=quality)
    out = imported(tmp_path / "in", tmp_path / "out")
    assert any("the way the image was saved" in text for text in texts(out, "confounding"))


def test_only_a_changed_file_is_read_again_and_full_reads_all(bags: Path, tmp_path: Path) -> None:
    old = time.time() - 100
    for path in bags.rglob("*.png"):
        os.utime(path, (old, old))
    out = imported(bags, tmp_path / "out")
    time.sleep(2.1)  # a file whose name changed in the last two seconds is not trusted
    assert checks.inspect(out).n_read == 24
    again = checks.inspect(out)
    assert again.n_read == 0
    one = sorted(bags.rglob("*.png"))[3]
    Image.fromarray(scene(999)).save(one)
    changed = checks.inspect(out)
    assert changed.n_read == 1
    assert [finding.text for finding in changed.faults] == [
        f"{one.parent.name}/{one.name}: other bytes than those that were imported"
    ]
    assert checks.inspect(out, full=True).n_read == 24
    assert checks.inspect(out, full=True).lines == changed.lines


def test_a_file_set_back_to_its_old_time_is_read_again(bags: Path, tmp_path: Path) -> None:
    out = imported(bags, tmp_path / "out")
    time.sleep(2.1)
    checks.inspect(out)
    one = sorted(bags.rglob("*.png"))[0]
    stat, content = one.stat(), bytearray(one.read_bytes())
    content[-1] ^= 1
    one.write_bytes(bytes(content))
    os.utime(one, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert any("other bytes" in line for line in data.check(out))


def test_a_dataset_that_may_not_be_written_to_is_checked_all_the_same(
    bags: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = imported(bags, tmp_path / "out")

    def refused(*_: object) -> None:
        raise PermissionError(13, "read-only")

    monkeypatch.setattr("xraybench.data.looks.write_bytes", refused)
    monkeypatch.setattr("xraybench.data.checks.write_text", refused)
    assert checks.inspect(out).faults == []
    assert not (out / ".check").exists()


def test_a_path_that_leads_out_of_the_source_folder_is_not_followed(bags: Path, tmp_path: Path) -> None:
    out = imported(bags, tmp_path / "out")
    shutil.copy(next(bags.rglob("*.png")), tmp_path / "secret.png")
    files = pd.read_parquet(out / "files.parquet")
    files.loc[0, "path"] = "../secret.png"
    files.to_parquet(out / "files.parquet")
    assert any("../secret.png: leads out of the source folder" in line for line in data.check(out))


def test_the_report_is_a_table_and_json_that_name_no_machine_path(bags: Path, tmp_path: Path) -> None:
    out = imported(bags, tmp_path / "out")
    fabricated.png(next(bags.rglob("*.png")), seed=5)
    report = checks.inspect(out)
    assert "FAULT: " in report.table()
    assert str(tmp_path) not in report.table() + json.dumps(report.as_json())
    assert report.as_json()["n_faults"] == len(report.faults) > 0


def test_copies_among_counts_of_two_energies_are_found(tmp_path: Path) -> None:
    for n in range(12):
        grey = scene(n)[..., 0].astype(np.uint16) * 200
        planes = np.stack([grey, grey // 2], axis=-1)
        path = tmp_path / "in" / ("gun" if n % 2 else "other") / f"{n * 7919 % 97}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        raster.write_raster(path, raster.Raster(planes, PLANES, "transmission", 65535.0))
    flipped = np.ascontiguousarray(np.stack([grey, grey // 2], axis=-1)[:, ::-1])
    raster.write_raster(path.parent / "copy.npy", raster.Raster(flipped, PLANES, "transmission", 65535.0))
    given = {"classes": {"gun": "firearm", "other": "benign"}, "vector": "mail", "quiet": True}
    out = data.import_set(tmp_path / "in", format="planes", out=tmp_path / "out", **given)
    found = [twins for finding in checks.inspect(out).findings for twins in finding.twins]
    assert [(twins.kind, twins.turn) for twins in found] == [("near", "flipped left to right")]
