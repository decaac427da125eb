"""A folder of DICOS files becomes a dataset and the other way round; what is not said stays unknown."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import dicos_judge as judge
import dicos_objects as make
import numpy as np
import pandas as pd
import pytest

from xraybench import data, models
from xraybench.core import tables
from xraybench.core.errors import BadFile, BadTable
from xraybench.core.types import Dataset
from xraybench.data.import_dicos import check_dicos, export_dicos, import_dicos
from xraybench.formats import dicos
from xraybench.formats.dicos import HIGH, LOW, Assessment, DxImage, Report, Sighting, ThreatObject

WORDS = {"vector": "container", "name": "mine", "quiet": True}


def images_of(
    number: int, *, n_views: int = 2, energies: tuple[str, ...] = (HIGH, LOW), **changes: Any
) -> list[DxImage]:
    inspection = make.inspection(scan_uid=dicos.uid_of("scan", number), ooi_id=f"MSKU{number // 2:07}")
    return [
        make.dx(
            seed=100 * number + 10 * view + energy,
            inspection=inspection,
            view=view + 1,
            n_views=n_views,
            energy=energy + 1,
            n_energies=len(energies),
            flavour=flavour,
            **changes,
        )
        for view in range(n_views)
        for energy, flavour in enumerate(energies)
    ]


def truth_on(images: list[DxImage], *labels: str, **changes: Any) -> Report:
    """A ground truth with an object for each label, seen in the last view."""
    last = [dicos.reference_to(image) for image in images if image.view == images[-1].view]
    objects = tuple(
        ThreatObject(
            n,
            (Assessment(dicos.category_of(label), "THREAT", label),),
            (Sighting(dicos.region_of_box(3, 4, 9, 11), tuple(last)),),
            marks={"concealment": "in_load"},
        )
        for n, label in enumerate(labels, start=1)
    )
    report = Report(
        images[0].inspection,
        "GROUND TRUTH",
        "ALARM" if labels else "CLEAR",
        objects,
        tuple(dicos.reference_to(image) for image in images),
    )
    return replace(report, **changes)


def write(folder: Path, images: list[DxImage], *reports: Report) -> None:
    for number, image in enumerate(images):
        dicos.write_dx(folder / f"{number}.dcs", image)
    for number, report in enumerate(reports):
        dicos.write_tdr(folder / f"report{number}.dcs", report)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Eight scans of four containers, every second with a firearm."""
    for number in range(8):
        images = images_of(number)
        labels = ("firearm",) if number % 2 else ()
        write(tmp_path / "dicos" / f"{number}", images, truth_on(images, *labels))
    return tmp_path / "dicos"


def counts_in(folder: Path) -> dict[str, list[np.ndarray]]:
    """Scan -> its views as the dataset folder keeps them."""
    files = pd.read_parquet(folder / "files.parquet").sort_values(["scan_id", "view"])
    return {scan_id: [np.load(folder / path) for path in rows["path"]] for scan_id, rows in files.groupby("scan_id")}


def skipped_in(folder: Path) -> dict[str, int]:
    found = json.loads((folder / "import.json").read_text())["skipped"]
    return {one["why"]: one["count"] for one in found}


def test_two_energies_of_each_view_become_the_raw_track(source: Path, tmp_path: Path) -> None:
    folder = import_dicos(source, out=tmp_path / "out", **WORDS)
    dataset = data.read_dataset(folder)
    assert (dataset.scans.track, dataset.scans.full_scale, len(dataset.scans)) == ("raw", 65535, 8)
    assert set(dataset.scans.table["n_views"]) == {2}
    assert set(dataset.scans.table["sensor"]) == {"unknown"}
    assert len(dataset.items) == 4, "two scans of one container are one item"
    facts = pd.read_parquet(folder / "facts.parquet")
    uid_of = facts[facts["fact"] == "scan_uid"].set_index("value")["scan_id"]
    counts = counts_in(folder)
    for number in range(8):
        views = counts[uid_of[dicos.uid_of("scan", number)]]
        made = images_of(number)
        for view in (0, 1):
            pair = np.stack([made[2 * view].pixels, made[2 * view + 1].pixels], axis=2)
            assert np.array_equal(views[view], pair)


def test_threats_boxes_and_concealments_come_from_the_ground_truth(source: Path, tmp_path: Path) -> None:
    objects = data.read_dataset(import_dicos(source, out=tmp_path / "out", **WORDS)).objects
    assert list(objects["threat"]) == ["firearm"] * 4
    assert objects[["view", "x0", "y0", "x1", "y1"]].drop_duplicates().to_numpy().tolist() == [[1, 3, 4, 9, 11]]
    assert set(objects["concealment"]) == {"in_load"}


def test_the_source_is_not_touched(source: Path, tmp_path: Path) -> None:
    def state() -> dict[str, tuple[str, int]]:
        files = sorted(source.rglob("*.dcs"))
        return {str(f): (hashlib.sha256(f.read_bytes()).hexdigest(), f.stat().st_mtime_ns) for f in files}

    before = state()
    import_dicos(source, out=tmp_path / "out", **WORDS)
    assert state() == before


def test_a_scan_without_ground_truth_is_left_out_and_told(source: Path, tmp_path: Path) -> None:
    (source / "1" / "report0.dcs").unlink()
    (source / "note.txt").write_text("not DICOS")
    folder = import_dicos(source, out=tmp_path / "out", **WORDS)
    assert skipped_in(folder) == {"no ground truth: whether it is benign is not known": 1, "no DICOS file": 1}
    benign = import_dicos(source, out=tmp_path / "all", options={"unlabelled": "benign"}, **WORDS)
    assert len(data.read_dataset(benign).scans) == 8


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"decision": "UNKNOWN", "objects": ()}, "decides nothing"),
        ({"objects": (), "decision": "CLEAR", "report_type": "MACHINE", "algorithm": ("A", "1")}, "no ground truth"),
    ],
)
def test_what_a_report_leaves_open_is_not_guessed(
    changes: dict[str, Any], why: str, source: Path, tmp_path: Path
) -> None:
    images = images_of(1)
    dicos.write_tdr(source / "1" / "report0.dcs", truth_on(images, "firearm", **changes))
    folder = import_dicos(source, out=tmp_path / "out", **WORDS)
    assert [reason for reason in skipped_in(folder) if why in reason]
    assert len(data.read_dataset(folder).scans) == 7


def test_an_undecided_object_and_a_second_truth_leave_the_scan_out(source: Path, tmp_path: Path) -> None:
    images = images_of(1)
    unsure = truth_on(images, "firearm", "blade")
    second = replace(unsure.objects[1], assessments=(Assessment("PI", "UNKNOWN", "blade"),))
    dicos.write_tdr(source / "1" / "report0.dcs", replace(unsure, objects=(unsure.objects[0], second)))
    dicos.write_tdr(source / "2" / "again.dcs", truth_on(images_of(2)))
    reasons = " ".join(skipped_in(import_dicos(source, out=tmp_path / "out", **WORDS)))
    assert "leaves an object undecided" in reasons and "2 ground truths" in reasons


def test_a_truth_of_another_study_is_found_by_the_images_it_names(source: Path, tmp_path: Path) -> None:
    images = images_of(1)
    report = truth_on(images, "firearm", inspection=replace(images[0].inspection, scan_uid="1.2.3.4"))
    dicos.write_tdr(source / "1" / "report0.dcs", report)
    assert len(data.read_dataset(import_dicos(source, out=tmp_path / "out", **WORDS)).objects) == 4


def test_words_of_ones_own_are_mapped_and_a_forgotten_one_is_named(source: Path, tmp_path: Path) -> None:
    dicos.write_tdr(source / "1" / "report0.dcs", truth_on(images_of(1), "Pistole"))
    with pytest.raises(BadTable, match="threat description 'Pistole' is not mapped"):
        import_dicos(source, out=tmp_path / "out", **WORDS)
    folder = import_dicos(source, out=tmp_path / "out", classes={"Pistole": "firearm"}, **WORDS)
    assert list(data.read_dataset(folder).objects["threat"]) == ["firearm"] * 4


def test_splits_of_the_private_block_are_kept(source: Path, tmp_path: Path) -> None:
    for number in range(8):
        split = "test" if number < 4 else "train"
        report = truth_on(images_of(number), *(("firearm",) if number % 2 else ()), marks={"split": split})
        dicos.write_tdr(source / f"{number}" / "report0.dcs", report)
    items = data.read_dataset(import_dicos(source, out=tmp_path / "out", **WORDS)).items
    assert (items["split"] == "test").sum() == 2


def test_one_energy_becomes_a_grey_picture_through_a_window_that_the_owner_names(tmp_path: Path) -> None:
    for number in range(4):
        images = images_of(number, n_views=1, energies=("INTENSITY",))
        write(tmp_path / "dicos" / f"{number}", images, truth_on(images, *(("blade",) if number % 2 else ())))
    with pytest.raises(BadTable, match="window_counts"):
        import_dicos(tmp_path / "dicos", out=tmp_path / "out", **WORDS)
    folder = import_dicos(tmp_path / "dicos", out=tmp_path / "out", window_counts=(0, 65535), **WORDS)
    dataset = data.read_dataset(folder)
    assert dataset.scans.track == "grey"
    made = {
        np.rint(images_of(n, n_views=1, energies=("INTENSITY",))[0].pixels / 257.0).astype(np.uint8).tobytes()
        for n in range(4)
    }
    assert {scan.views[0][..., 0].tobytes() for scan in dataset.scans} == made


@pytest.mark.parametrize(
    ("flavours", "why"),
    [((HIGH, HIGH), "HIGH ENERGY and LOW ENERGY are meant"), ((HIGH, LOW, "Z_EFFECTIVE"), "has 3 images")],
)
def test_energies_that_are_no_pair_are_told(flavours: tuple[str, ...], why: str, source: Path, tmp_path: Path) -> None:
    for old in (source / "1").iterdir():
        old.unlink()
    images = images_of(1, energies=flavours)
    write(source / "1", images, truth_on(images, "firearm"))
    assert why in " ".join(skipped_in(import_dicos(source, out=tmp_path / "out", **WORDS)))


def without_view(folder: Path) -> None:
    for path in folder.rglob("[0-9].dcs"):
        dataset = dicos.open_dicos(path).dataset
        del dataset[0x61000024]
        dicos.write_dataset(path, dataset)


def test_images_of_one_energy_that_name_no_view_are_each_a_view(tmp_path: Path) -> None:
    for number in range(4):
        images = images_of(number, n_views=2, energies=("INTENSITY",), dtype=np.uint8)
        write(tmp_path / "dicos" / f"{number}", images, truth_on(images, *(("blade",) if number % 2 else ())))
    without_view(tmp_path / "dicos")
    dataset = data.read_dataset(import_dicos(tmp_path / "dicos", out=tmp_path / "out", **WORDS))
    assert set(dataset.scans.table["n_views"]) == {2}
    assert set(dataset.objects["view"]) == {1}


def test_energies_that_name_no_view_are_paired_only_where_there_is_one(source: Path, tmp_path: Path) -> None:
    without_view(source / "1")
    reasons = " ".join(skipped_in(import_dicos(source, out=tmp_path / "out", **WORDS)))
    assert "which of its images show one view is not said" in reasons
    for number in (2, 3):
        (source / "1" / f"{number}.dcs").unlink()
    assert len(data.read_dataset(import_dicos(source, out=tmp_path / "pair", **WORDS)).scans) == 8


def test_a_copy_of_an_image_in_another_folder_is_left_out(source: Path, tmp_path: Path) -> None:
    (source / "copy").mkdir()
    (source / "copy" / "x.dcs").write_bytes((source / "1" / "0.dcs").read_bytes())
    folder = import_dicos(source, out=tmp_path / "out", **WORDS)
    assert skipped_in(folder) == {"its instance UID is that of 1/0.dcs": 1}


def test_logarithms_are_no_counts(tmp_path: Path, source: Path) -> None:
    for path in (source / "1").glob("[0-3].dcs"):
        dataset = dicos.open_dicos(path).dataset
        dataset[0x00281040].value = "LOG"
        dicos.write_dataset(path, dataset)
    with pytest.raises(BadTable, match="logarithms"):
        import_dicos(source, out=tmp_path / "out", **WORDS)


def test_counts_that_grow_with_absorption_are_turned_over(source: Path, tmp_path: Path) -> None:
    for path in (source / "1").glob("[0-3].dcs"):
        dataset = dicos.open_dicos(path).dataset
        dataset[0x00281041].value = -1
        dicos.write_dataset(path, dataset)
    folder = import_dicos(source, out=tmp_path / "out", **WORDS)
    facts = pd.read_parquet(folder / "facts.parquet")
    scan_id = facts[facts["value"] == dicos.uid_of("scan", 1)]["scan_id"].iloc[0]
    assert np.array_equal(counts_in(folder)[scan_id][0][..., 0], 65535 - images_of(1)[0].pixels)


def test_broken_files_and_volumes_are_left_out_and_told(source: Path, tmp_path: Path) -> None:
    dicos.write_ct(source / "volume.dcs", make.ct(inspection=make.inspection(scan_uid="1.2.3")))
    (source / "broken.dcs").write_bytes(b"\0" * 128 + b"DICM" + b"\xff" * 99)
    reasons = skipped_in(import_dicos(source, out=tmp_path / "out", **WORDS))
    assert "a volume: only projections become scans" in reasons
    assert len(reasons) == 2


def test_a_folder_without_dicos_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadFile, match="holds no DICOS image"):
        import_dicos(tmp_path / "empty", out=tmp_path / "out", **WORDS)


@pytest.mark.parametrize("count", ["-4", "nan", "x", "70000"])
def test_an_open_beam_that_is_none_is_refused_also_where_no_scan_needs_it(
    count: str, source: Path, tmp_path: Path
) -> None:
    with pytest.raises(BadFile, match=f"option full_scale={count}: a count from 1 to 65535 is meant"):
        data.import_set(source, format="dicos", out=tmp_path / "out", vector="mail", options={"full_scale": count})


def test_importing_twice_gives_one_dataset(source: Path, tmp_path: Path) -> None:
    first = data.read_dataset(import_dicos(source, out=tmp_path / "a", **WORDS))
    again = data.read_dataset(import_dicos(source, out=tmp_path / "a", **WORDS))
    other = data.read_dataset(import_dicos(source, out=tmp_path / "b", **WORDS))
    assert first.digest == again.digest == other.digest


def test_simulated_scans_go_out_and_come_back(folders: list[Path], tmp_path: Path) -> None:
    whole = data.read_dataset(folders[0])
    few = set(whole.items["item_id"][:3]) | set(whole.objects["item_id"][:3])
    dataset = whole.where(whole.items["item_id"].isin(few))
    files = export_dicos(dataset, tmp_path / "dicos", quiet=True)
    assert len(files) == 3 * len(dataset.scans)
    folder = import_dicos(tmp_path / "dicos", out=tmp_path / "out", vector="mail", name="back", quiet=True)
    back = data.read_dataset(folder)
    facts = pd.read_parquet(folder / "facts.parquet")
    scan_of = facts[facts["fact"] == "scan_uid"].set_index("value")["scan_id"]
    counts = counts_in(folder)
    for scan in dataset.track("raw"):
        found = counts[scan_of[dicos.uid_of("scan", scan.scan_id)]]
        assert np.array_equal(found[0], scan.views[0])
    columns = ["threat", "concealment", "view", "x0", "y0", "x1", "y1"]
    assert sorted(map(tuple, back.objects[columns].to_numpy())) == sorted(
        map(tuple, dataset.objects[columns].to_numpy())
    )


def test_a_dataset_folder_is_exported_as_dicos_with_its_licence(folders: list[Path], tmp_path: Path) -> None:
    out = data.export(folders[0], tmp_path / "out", to="dicos", quiet=True)
    n_scans = len(data.read_dataset(folders[0]).scans)
    assert len(list((out / "scans").rglob("*.dcs"))) == 3 * n_scans
    assert (out / "LICENCE.txt").is_file()


def test_the_judge_accepts_every_file_that_goes_out(folders: list[Path], tmp_path: Path) -> None:
    if not judge.is_here():
        pytest.skip("no judge here: pydicos runs on Linux x86-64 with Python before 3.12")
    whole = data.read_dataset(folders[0])
    dataset = whole.where(whole.items["item_id"].isin(set(whole.objects["item_id"][:4])))
    files = export_dicos(dataset, tmp_path / "dicos", quiet=True)
    found = judge.verdicts(files, ["tdr" if file.stem == "truth" else "dx" for file in files])
    assert [(file.name, one["log"]) for file, one in zip(files, found, strict=True) if not one["accepted"]] == []
    linked = {file.name: dicos.open_dicos(file, with_pixels=False).dataset for file in files[:3]}
    assert dicos.link_issues(linked) == []


def test_a_vendors_reports_on_imported_scans_are_matched_by_their_uids(source: Path, tmp_path: Path) -> None:
    """A scanner's own software reports on the files as they were before the import, and knows no id of ours."""
    folder = import_dicos(source, out=tmp_path / "out", **WORDS)
    for number in range(8):
        report = truth_on(images_of(number), *(("firearm",) if number % 2 else ()))
        objects = tuple(
            replace(one, assessments=(Assessment("PI", "THREAT", "firearm", 0.75),), marks={}) for one in report.objects
        )
        machine = replace(report, report_type="MACHINE", objects=objects, algorithm=("Maker", "3"))
        dicos.write_tdr(tmp_path / "reports" / f"{number}.dcs", machine)
    scans = reading_counts(data.read_dataset(folder), folder).scans
    found = models.load("dicos_report", tmp_path / "reports").predict(scans)
    objects = data.read_dataset(folder).objects
    scores = found.kind("score")
    high = set(scores["scan_id"][(scores["target"] == "any") & (scores["score"] == 0.75)])
    assert high == set(objects["scan_id"])
    assert found.kind("box")[["view", "x0", "y0", "x1", "y1"]].drop_duplicates().to_numpy().tolist() == [
        [1, 3, 4, 9, 11]
    ]


def test_reports_that_are_given_back_name_the_scanners_own_objects(source: Path, tmp_path: Path) -> None:
    from xraybench.models.dicos_report import write_reports

    folder = import_dicos(source, out=tmp_path / "out", **WORDS)
    scans = reading_counts(data.read_dataset(folder), folder).scans
    machine = truth_on(images_of(1), "firearm", report_type="MACHINE", algorithm=("Maker", "3"))
    for number in range(8):
        inspection = images_of(number)[0].inspection
        references = tuple(dicos.reference_to(image) for image in images_of(number))
        seen = tuple(replace(one.sightings[0], references=references[2:]) for one in machine.objects)
        objects = (replace(machine.objects[0], sightings=seen, marks={}),)
        report = replace(machine, inspection=inspection, references=references, objects=objects)
        dicos.write_tdr(tmp_path / "reports" / f"{number}.dcs", report)
    predictions = models.load("dicos_report", tmp_path / "reports").predict(scans)
    files = write_reports(predictions, scans, tmp_path / "back", originals=source, quiet=True)
    objects = {
        p.as_posix(): dicos.open_dicos(p, with_pixels=False).dataset for p in [*source.rglob("[0-3].dcs"), *files]
    }
    assert dicos.link_issues(objects) == []
    owners = {dicos.read_tdr(file).inspection.ooi_id for file in files}
    assert owners == {f"MSKU{n:07}" for n in range(4)}


def reading_counts(dataset: Dataset, folder: Path) -> Dataset:
    """The dataset with a reader that knows where its counts lie."""
    from xraybench.data.counts import CountFiles

    files = pd.read_parquet(folder / "files.parquet").sort_values(["scan_id", "view"])
    paths = {scan_id: tuple(folder / path for path in rows["path"]) for scan_id, rows in files.groupby("scan_id")}
    scans = replace(dataset.scans, read=CountFiles(paths, "raw"))
    return replace(dataset, view_sets={"raw": scans})


def test_the_faults_of_a_folder_are_told_file_by_file(source: Path) -> None:
    assert set(map(tuple, check_dicos(source).values())) == {()}
    dataset = dicos.open_dicos(source / "1" / "0.dcs").dataset
    del dataset[0x00280301]
    dicos.write_dataset(source / "1" / "0.dcs", dataset)
    (source / "3" / "1.dcs").unlink()
    (source / "5" / "2.dcs").write_bytes(b"\0" * 128 + b"DICM")
    found = {name: faults for name, faults in check_dicos(source).items() if faults}
    assert found["1/0.dcs"] == ["refused: (0028,0301): burned_in is missing"]
    assert "not among the files" in found["3/report0.dcs"][0]
    assert found["5/2.dcs"][0].startswith("refused: ")
    assert set(found) == {"1/0.dcs", "3/report0.dcs", "5/2.dcs", "5/report0.dcs"}


def test_the_command_says_what_is_wrong_with_a_file(source: Path) -> None:
    sound = command("data", "dicos", str(source))
    assert (sound.returncode, sound.stdout.strip()) == (0, "40 of 40 files without a fault")
    (source / "5" / "2.dcs").write_bytes(b"\0" * 128 + b"DICM")
    assert command("data", "dicos", str(source / "5" / "2.dcs")).returncode == 1
    assert command("data", "dicos", str(source / "none")).returncode == 2


def command(*words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "XRAYBENCH_QUIET": "1"}
    call = [sys.executable, "-c", "from xraybench.cli import main; main()", *words]
    return subprocess.run(call, capture_output=True, text=True, timeout=120, env=environment, check=False)


def test_the_command_imports_a_dicos_folder_and_says_what_it_left_out(source: Path, tmp_path: Path) -> None:
    (source / "1" / "report0.dcs").unlink()
    done = command("data", "import", str(source), str(tmp_path / "out"), "--vector", "container")
    assert done.returncode == 0, done.stderr
    assert "took 7 scans" in done.stderr and "no ground truth" in done.stderr
    assert len(data.read_dataset(tmp_path / "out").scans) == 7


def test_the_command_gives_predictions_back_as_reports(tmp_path: Path) -> None:
    for number in range(4):
        images = images_of(number, n_views=1, energies=("INTENSITY",), dtype=np.uint8)
        write(tmp_path / "dicos" / f"{number}", images, truth_on(images, *(("blade",) if number % 2 else ())))
    folder = import_dicos(tmp_path / "dicos", out=tmp_path / "out", **WORDS)
    dataset = data.read_dataset(folder)
    objects = dataset.objects
    rows = []
    for scan_id, corpus in zip(dataset.scans.table["scan_id"], dataset.scans.table["corpus"], strict=True):
        common = {
            "model": "net",
            "corpus": corpus,
            "dataset_digest": dataset.corpora[corpus],
            "scan_id": scan_id,
            "view": 0,
        }
        rows.append({**common, "record": "scan", "status": "ok", "latency_ms": 3.5})
        score = 0.75 if scan_id in set(objects["scan_id"]) else 0.25
        rows.append({**common, "record": "score", "target": "any", "score": score})
    table = pd.DataFrame(rows, columns=tables.PREDICTIONS.column_names)
    table.to_csv(tmp_path / "net.csv", index=False)
    words = [str(folder), str(tmp_path / "net.csv"), str(tmp_path / "back"), "--originals", str(tmp_path / "dicos")]
    done = command("data", "report", *words)
    assert done.returncode == 0, done.stderr
    decisions = {
        dicos.read_tdr(path).inspection.scan_uid: dicos.read_tdr(path).decision
        for path in (tmp_path / "back").iterdir()
    }
    assert decisions == {dicos.uid_of("scan", n): ("ALARM" if n % 2 else "CLEAR") for n in range(4)}
    again = models.load("dicos_report", tmp_path / "back").predict(dataset.scans)
    assert sorted(again.kind("score")["score"]) == [0.25, 0.25, 0.75, 0.75]


def test_a_folder_of_which_nothing_can_be_taken_says_why(tmp_path: Path) -> None:
    dicos.write_dx(tmp_path / "in" / "one.dcs", make.dx())
    with pytest.raises(BadTable, match=r"left out 1: no ground truth: .* \(one\.dcs\)"):
        import_dicos(tmp_path / "in", out=tmp_path / "out", vector="mail", quiet=True)
