"""Scans of one's own come in from every form they arrive in, a killed import goes on, and the end is told."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import fabricated
import numpy as np
import pytest
from packages import exchange
from PIL import Image
from sidecars import sidecar_folder
from sixray import XML

from xraybench import data
from xraybench.core.errors import BadFile, BadParameter, BadTable
from xraybench.core.types import Dataset
from xraybench.data import bring, counts
from xraybench.data.store import read_stored
from xraybench.formats.package import write_package
from xraybench.formats.raster import Plane, Raster, write_raster
from xraybench.formats.yolo import write_names

MAPPED = {"gun": "firearm", "other": "benign"}


def brought(source: Path, form: str, out: Path, **options: Any) -> Dataset:
    given = {"vector": "parcel", "quiet": True, **options}
    data.import_set(source, format=form, out=out, **given)
    return data.read_dataset(out)


def counts_of(out: Path) -> dict[str, tuple[np.ndarray, ...]]:
    """The counts of every scan of a dataset on the raw track."""
    stored = read_stored(out)
    read = counts.count_files(stored)
    return {scan_id: read(scan_id) for scan_id in stored.scans["scan_id"]}


def test_voc_comes_in_with_its_splits_and_images_without_annotation_are_told(tmp_path: Path) -> None:
    root = tmp_path / "in"
    for n in range(8):
        fabricated.png(root / "JPEGImages" / f"a{n}.png", seed=n)
        if n < 6:
            (root / "Annotations").mkdir(exist_ok=True)
            xml = XML.format(name=f"a{n}", owner="x", label="gun" if n % 2 else "other", x0=3, y0=4, x1=12, y1=8)
            (root / "Annotations" / f"a{n}.xml").write_text(xml, encoding="utf-8")
    lists = root / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("a0\na1\na2\n")
    (lists / "test.txt").write_text("a3\na4\na5\n")
    dataset = brought(root, "voc", tmp_path / "out", classes=MAPPED)
    assert dataset.objects[["x0", "y0", "x1", "y1"]].to_numpy().tolist() == [[2, 3, 12, 8]] * 3
    assert dataset.items["split"].value_counts().to_dict() == {"test": 3, "train": 2, "calibration": 1}
    assert data.summary_of(tmp_path / "out").skipped[0].count == 2
    bare = brought(root, "voc", tmp_path / "bare", classes=MAPPED, options={"benign": "yes"})
    assert len(bare.items) == 8


def test_yolo_boxes_are_placed_when_the_image_is_opened(tmp_path: Path) -> None:
    root = tmp_path / "in"
    for split in ("train", "test"):
        for n in range(4):
            fabricated.png(root / "images" / split / f"{split}{n}.png", seed=n + 10 * (split == "test"))
            if n % 2:
                (root / "labels" / split).mkdir(parents=True, exist_ok=True)
                (root / "labels" / split / f"{split}{n}.txt").write_text("0 0.5 0.5 0.25 0.5\n1 0.5 0.5 1 1\n")
    write_names(root / "data.yaml", ["gun", "other"], {"train": "images/train", "test": "images/test"})
    assert data.import_scans(root, out=tmp_path / "auto", vector="parcel", classes=MAPPED, quiet=True)
    dataset = data.read_dataset(tmp_path / "auto")
    assert dataset.objects[["x0", "y0", "x1", "y1"]].to_numpy().tolist() == [[12, 6, 20, 18]] * 4
    assert dataset.items["split"].value_counts().to_dict() == {"test": 4, "train": 3, "calibration": 1}


def test_sidecars_give_the_label_its_source_and_facts_without_people(tmp_path: Path) -> None:
    root = sidecar_folder(tmp_path / "in")
    mapped = {"search_found:true": "cigarettes", "search_found:false": "benign"}
    out = data.import_scans(root, out=tmp_path / "out", vector="vehicle", classes=mapped, quiet=True)
    dataset = data.read_dataset(out)
    assert dataset.objects["threat"].value_counts().to_dict() == {"cigarettes": 6}
    assert set(dataset.items["label_source"]) == {"physical_search"}
    facts = data.facts_in(out)
    assert "scanner 1" in set(facts["value"])
    assert "XXXU0000000" not in (facts["value"] + facts["fact"]).str.cat()
    assert {s.why: s.count for s in data.summary_of(out).skipped} == {
        "there is no sidecar beside it": 1,
        "its sidecar says nothing in search_found or verdict": 1,
    }
    assert any("personal texts" in note for note in data.summary_of(out).notes)


@pytest.mark.parametrize("ending", ["npy", "tif"])
def test_dual_energy_planes_become_the_raw_track_to_the_count(tmp_path: Path, ending: str) -> None:
    pixels = {}
    for n in range(6):
        pixels[n] = np.random.default_rng(n).integers(0, 60_001, (9, 11, 2)).astype(np.uint16)
        raster = Raster(pixels[n][..., ::-1], (Plane("lo"), Plane("hi")), "transmission", 60_000)
        write_raster(tmp_path / "in" / ("gun" if n % 2 else "other") / f"{n}.{ending}", raster)
    data.import_set(tmp_path / "in", format="planes", out=tmp_path / "out", vector="mail", classes=MAPPED, quiet=True)
    stored = read_stored(tmp_path / "out")
    assert (stored.manifest.track, stored.manifest.full_scale) == ("raw", 60_000)
    found = sorted(views[0].tobytes() for views in counts_of(tmp_path / "out").values())
    assert found == sorted(np.ascontiguousarray(one).tobytes() for one in pixels.values())
    assert not [line for line in data.check(tmp_path / "out") if not line.startswith("warning: ")]


def test_a_pair_of_files_is_one_view_and_dark_beams_are_turned_over(tmp_path: Path) -> None:
    high = np.full((4, 5), 100, np.uint16)
    low = np.full((4, 5), 300, np.uint16)
    for n in range(4):
        folder = tmp_path / "in" / ("gun" if n % 2 else "other")
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(high + n).save(folder / f"{n}_HE.png")
        Image.fromarray(low + n).save(folder / f"{n}_LE.png")
    options = {"suffixes": "hi=_HE,lo=_LE", "full_scale": "1000", "polarity": "absorption"}
    given: dict[str, Any] = {"format": "planes", "vector": "mail", "classes": MAPPED, "quiet": True}
    data.import_set(tmp_path / "in", out=tmp_path / "out", options=options, **given)
    views = [scan[0][0, 0].tolist() for scan in counts_of(tmp_path / "out").values()]
    assert sorted(views) == [[897, 697], [898, 698], [899, 699], [900, 700]]
    with pytest.raises(BadTable, match="whether the open beam is bright or dark is not known"):
        data.import_set(tmp_path / "in", out=tmp_path / "no", options={**options, "polarity": "unknown"}, **given)
    with pytest.raises(BadTable, match="an open beam of 100000 is no count of 16 bits"):
        data.import_set(tmp_path / "in", out=tmp_path / "no", options={**options, "full_scale": "100000"}, **given)
    (tmp_path / "in" / "gun" / "1_LE.png").unlink()
    with pytest.raises(BadTable, match=r"gun/1_HE.png: 1_LE.png is not beside it"):
        data.import_set(tmp_path / "in", out=tmp_path / "no", options=options, **given)
    assert not (tmp_path / "no").exists()


def test_raw_files_of_a_declared_layout_come_in(tmp_path: Path) -> None:
    pixels = np.random.default_rng(1).integers(0, 4096, (2, 6, 8)).astype(np.uint16)
    for name in ("gun", "other"):
        (tmp_path / "in" / name).mkdir(parents=True)
        (tmp_path / "in" / name / "a.img").write_bytes(b"head" + (pixels + (name == "gun")).astype(">u2").tobytes())
    options = {"width": "8", "height": "6", "offset": "4", "byte_order": "big", "ending": ".img", "full_scale": "4096"}
    given: dict[str, Any] = {"format": "raw", "vector": "mail", "classes": MAPPED, "quiet": True}
    data.import_set(tmp_path / "in", out=tmp_path / "out", options={**options, "polarity": "transmission"}, **given)
    found = sorted(views[0][0, 0, 0] for views in counts_of(tmp_path / "out").values())
    assert found == [pixels[0, 0, 0], pixels[0, 0, 0] + 1]
    with pytest.raises(BadFile, match="option width is needed"):
        data.import_set(tmp_path / "in", out=tmp_path / "no", options={}, **given)
    for count in ("nan", "1e-9", "inf", "-1", "x"):
        with pytest.raises(BadFile, match=f"option full_scale={count}: a number of at least 1 is meant"):
            data.import_set(tmp_path / "in", out=tmp_path / "no", options={**options, "full_scale": count}, **given)


def test_a_package_comes_in_with_regions_concealment_and_label_source(tmp_path: Path) -> None:
    sent = exchange(6)
    write_package(tmp_path / "a.xrb", sent)
    out = data.import_scans(tmp_path / "a.xrb", out=tmp_path / "out", vector="mail", quiet=True)
    stored = read_stored(out)
    assert (stored.manifest.track, stored.manifest.full_scale) == ("raw", 60_000)
    assert stored.objects["threat"].tolist() == ["firearm"] * 3
    assert stored.objects["concealment"].tolist() == ["in_article"] * 3
    assert stored.objects[["x0", "y0", "x1", "y1"]].to_numpy().tolist() == [[1, 2, 9, 8]] * 3
    assert set(stored.items["label_source"]) == {"physical_search"}
    pixels = np.stack([sent.planes["planes/scan0_hi.u16"], sent.planes["planes/scan0_lo.u16"]], axis=-1)
    assert any(np.array_equal(views[0], pixels) for views in counts_of(out).values())


def test_uff_without_a_decoder_is_refused_at_the_door(tmp_path: Path) -> None:
    (tmp_path / "a.uff").write_bytes(b"whatever it is")
    with pytest.raises(BadFile, match="needs a decoder"):
        data.import_scans(tmp_path / "a.uff", out=tmp_path / "out", vector="container", quiet=True)


def test_a_form_that_does_not_say_what_is_scanned_needs_the_vector(tmp_path: Path) -> None:
    root = fabricated.image_folder(tmp_path / "in", {"gun": 2})
    with pytest.raises(BadParameter, match="name the vector"):
        data.import_scans(root, out=tmp_path / "out", classes={"gun": "firearm"})


class Kill(BaseException):
    """Stands for a kill: nothing in the import catches it."""


def test_a_killed_import_goes_on_and_opens_no_image_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = fabricated.image_folder(tmp_path / "in", {"gun": 20, "other": 20})
    whole = brought(root, "folder", tmp_path / "whole", name="x", classes=MAPPED)
    opened: list[Path] = []
    decode = bring.images.decode_image

    def counting(content: bytes, path: Path) -> Any:
        if len(opened) == 25:
            opened.append(path)
            raise Kill
        opened.append(path)
        return decode(content, path)

    monkeypatch.setattr(bring.images, "decode_image", counting)
    with pytest.raises(Kill):
        brought(root, "folder", tmp_path / "out", name="x", classes=MAPPED)
    assert not (tmp_path / "out").exists()
    again = brought(root, "folder", tmp_path / "out", name="x", classes=MAPPED)
    assert len(opened) == 26 + 15
    assert again.digest == whole.digest
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in", "out", "whole"]


def test_an_image_that_changed_since_the_kill_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = fabricated.image_folder(tmp_path / "in", {"gun": 6, "other": 6})
    written = bring._written
    monkeypatch.setattr(bring, "_written", lambda *args: (_ for _ in ()).throw(Kill))
    with pytest.raises(Kill):
        brought(root, "folder", tmp_path / "out", classes=MAPPED)
    monkeypatch.setattr(bring, "_written", written)
    path = sorted((root / "gun").iterdir())[0]
    fabricated.png(path, seed=4242)
    os.utime(path, ns=(1, 1))
    brought(root, "folder", tmp_path / "out", classes=MAPPED)
    assert not [line for line in data.check(tmp_path / "out") if not line.startswith("warning: ")]


def test_an_import_killed_by_the_system_goes_on(tmp_path: Path) -> None:
    root = fabricated.image_folder(tmp_path / "in", {"gun": 40, "other": 40})
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    code = f"""
import os, signal, time
from xraybench.data import bring, imports
decode, n = bring.images.decode_image, 0
def slow(content, path):
    global n
    n += 1
    time.sleep(0.02)
    if n == 60:
        os.kill(os.getpid(), signal.SIGKILL)
    return decode(content, path)
bring.images.decode_image = slow
imports.import_set({str(root)!r}, format="folder", out={str(tmp_path / "out")!r}, vector="parcel",
    classes={MAPPED!r}, quiet=True)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=Path.cwd(), capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL
    lines = (tmp_path / ".out.importing" / "opened.jsonl").read_text().splitlines()
    assert len(lines) >= 40
    brought(root, "folder", tmp_path / "out", classes=MAPPED)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in", "out"]
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before


def test_broken_scans_of_ones_own_are_refused_or_on_request_left_out_and_told(tmp_path: Path) -> None:
    root = fabricated.image_folder(tmp_path / "in", {"gun": 4, "other": 4})
    (root / "gun" / "cut.png").write_bytes(fabricated.png(root / "gun" / "cut.png", seed=99).read_bytes()[:70])
    (root / "gun" / "notes.txt").write_text("found at the border")
    with pytest.raises(BadTable, match="2 faults"):
        brought(root, "folder", tmp_path / "out", classes=MAPPED)
    dataset = brought(root, "folder", tmp_path / "out", classes=MAPPED, is_lenient=True)
    assert len(dataset.items) == 8
    told = data.summary_of(tmp_path / "out")
    assert told.n_scans == 8
    assert sum(skipped.count for skipped in told.skipped) == 2
    assert "left out 1: not an image of a known format" in told.text()
    assert "gun -> firearm: 4" in told.text()
    assert str(tmp_path) not in told.text()


def test_the_digest_of_an_image_folder_is_what_it_was_before_there_were_other_forms(tmp_path: Path) -> None:
    """Ids are named by set, path and bytes: an import of an earlier version is found again."""
    from xraybench.core import digest
    from xraybench.data.plan import opaque_id

    root = fabricated.image_folder(tmp_path / "in", {"gun": 2, "other": 2})
    stored = read_stored(
        data.import_set(
            root, format="folder", out=tmp_path / "out", name="n", vector="mail", classes=MAPPED, quiet=True
        )
    )
    for row in stored.files.itertuples():
        assert row.scan_id == opaque_id("scan", "n", row.path, digest.of_file(root / row.path))


def test_sixteen_bit_grey_kept_counts_are_shown_up_to_the_open_beam(tmp_path: Path) -> None:
    from xraybench.data.listing import Find, Listing, Picture

    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.bin").write_bytes(b"x")
    pixels = np.array([[[0], [500], [1000]]], np.uint16)
    picture = Picture(("a.bin",), (Find("gun"),), ((3, 1),), counts=lambda: (pixels,))
    listing = Listing([picture], ["gun"], full_scale=1000.0)
    bring.bring_in(tmp_path / "in", listing, MAPPED, bring.Settings("n", "mail"), tmp_path / "out", quiet=True)
    scan = next(iter(data.read_dataset(tmp_path / "out").scans))
    assert scan.views[0][..., 0].tolist() == [[0, 128, 255]]


def test_the_command_line_imports_tells_the_summary_and_lists_the_layouts(tmp_path: Path) -> None:
    root = fabricated.image_folder(tmp_path / "in", {"gun": 4, "other": 4})
    command = [sys.executable, "-c", "from xraybench.cli import main; main()", "data"]
    asked = ["import", str(root), str(tmp_path / "out"), "--classes", "gun=firearm,other=benign", "--vector", "mail"]
    done = subprocess.run([*command, *asked], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, str(tmp_path / "out"))
    assert "took 8 scans of 8 items (8 images), format folder" in done.stderr
    assert "nothing was left out" in done.stderr
    listed = subprocess.run([*command, "formats"], capture_output=True, text=True, check=False)
    assert "sixray" in listed.stdout
    wrong = subprocess.run([*command, *asked, "-o", "clip=yes"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 2
    assert "has no option 'clip'" in wrong.stderr


def test_a_refused_import_of_many_scans_keeps_what_it_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bring, "_KEPT_FROM", 5)
    root = fabricated.image_folder(tmp_path / "in", {"gun": 6, "other": 6})
    (root / "gun" / "notes.txt").write_text("found at the border")
    with pytest.raises(BadTable, match="1 fault"):
        brought(root, "folder", tmp_path / "out", classes=MAPPED)
    (root / "gun" / "notes.txt").unlink()
    monkeypatch.setattr(bring.images, "decode_image", lambda *args: pytest.fail("an image was opened again"))
    brought(root, "folder", tmp_path / "out", classes=MAPPED)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in", "out"]


def test_what_an_import_of_something_else_left_behind_is_not_taken_in(tmp_path: Path) -> None:
    stray = tmp_path / ".out.importing" / "views"
    stray.mkdir(parents=True)
    (stray / "stray.npy").write_bytes(b"x")
    write_package(tmp_path / "a.xrb", exchange(4))
    out = data.import_scans(tmp_path / "a.xrb", out=tmp_path / "out", vector="mail", quiet=True)
    assert len(list((out / "views").iterdir())) == 4


def test_a_misspelt_word_is_a_fault_even_where_broken_files_are_forgiven(tmp_path: Path) -> None:
    root = fabricated.image_folder(tmp_path / "in", {"gun": 2, "other": 2})
    with pytest.raises(BadTable, match="'guns' is mapped, and the input has none"):
        brought(root, "folder", tmp_path / "out", classes={**MAPPED, "guns": "firearm"}, is_lenient=True)


@pytest.mark.parametrize("name", ["sidecar-fields", "classes", "uff-mapping"])
def test_a_file_to_copy_and_edit_is_printed(name: str) -> None:
    command = [sys.executable, "-c", "from xraybench.cli import main; main()", "data", "template"]
    done = subprocess.run([*command, name], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) > 40
    wrong = subprocess.run([*command, "fields"], capture_output=True, text=True, check=False)
    assert (wrong.returncode, "Did you mean 'sidecar-fields'" in wrong.stderr) == (2, True)
