"""A vendor's threat reports as predictions, and predictions as threat reports."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from xraybench import models
from xraybench.core import tables
from xraybench.core.errors import BadFile, BadTable, BadValue
from xraybench.core.types import Dataset, Predictions, ScanSet
from xraybench.formats import dicos
from xraybench.formats.dicos import Assessment, Report, Sighting, ThreatObject
from xraybench.models.dicos_report import write_reports

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "make"))

import dicos_judge as judge


@pytest.fixture
def scans(toy: Callable[..., Dataset]) -> ScanSet:
    return toy(4, seed=3).scans


def report_on(scans: ScanSet, number: int, *objects: ThreatObject, **changes: Any) -> Report:
    """A vendor's report on the scan at this place, which it knows by the UID it was exported under."""
    scan_id = scans.scan_ids[number]
    inspection = dicos.inspection_for(scan_id, "item", "mail")
    seen = (image_of(scans, number),)
    report = Report(inspection, "MACHINE", "ALARM" if objects else "CLEAR", objects, seen, algorithm=("Maker", "2.1"))
    return replace(report, **changes)


def image_of(scans: ScanSet, number: int) -> dicos.Reference:
    uid = dicos.uid_of("scan", scans.scan_ids[number])
    return dicos.Reference(dicos.DX_PROCESSING, dicos.uid_of("dx", uid, 1, 1))


def threat(seen: dicos.Reference, *assessments: Assessment, number: int = 1) -> ThreatObject:
    return ThreatObject(number, assessments, (Sighting(dicos.region_of_box(2, 3, 9, 12), (seen,)),))


def write(folder: Path, reports: list[Report]) -> Path:
    for number, report in enumerate(reports):
        dicos.write_tdr(folder / f"{number}.dcs", report)
    return folder


def scores_of(predictions: Predictions, scan_id: str) -> dict[str, float]:
    rows = predictions.kind("score")
    rows = rows[rows["scan_id"] == scan_id]
    return dict(zip(rows["target"], rows["score"], strict=True))


def test_a_vendors_reports_become_scores_and_boxes(scans: ScanSet, tmp_path: Path) -> None:
    firearm = threat(image_of(scans, 0), Assessment("PI", "HIGH_THREAT", "firearm", 0.875))
    charge = threat(image_of(scans, 1), Assessment("EXPLOSIVE", "THREAT", "some words", 0.5))
    unsure = threat(image_of(scans, 2), Assessment("ANOMALY", "UNKNOWN"), number=1)
    flagged = threat(image_of(scans, 2), Assessment("PI", "THREAT"), number=2)
    reports = [
        report_on(scans, 0, firearm, total_ms=42.5),
        report_on(scans, 1, charge),
        report_on(scans, 2, unsure, flagged),
        report_on(scans, 3),
    ]
    found = models.load("dicos_report", write(tmp_path, reports)).predict(scans)
    ids = scans.scan_ids
    assert found.model == "maker-2.1"
    assert scores_of(found, ids[0]) == {"any": 0.875, "firearm": 0.875, "explosive": 0}
    assert scores_of(found, ids[1]) == {"any": 0.5, "firearm": 0, "explosive": 0.5}
    assert scores_of(found, ids[2]) == {"any": pytest.approx(2 / 3), "firearm": 0, "explosive": 0}
    assert scores_of(found, ids[3]) == {"any": 0, "firearm": 0, "explosive": 0}
    box = found.kind("box").iloc[0]
    assert (box["target"], box["view"], box["x0"], box["y0"], box["x1"], box["y1"]) == ("firearm", 0, 2, 3, 9, 12)
    assert found.kind("scan")["latency_ms"].iloc[0] == 42.5
    assert set(found.kind("scan")["status"]) == {"ok"}


def test_an_object_that_the_vendor_cleared_scores_nothing(scans: ScanSet, tmp_path: Path) -> None:
    cleared = threat(image_of(scans, 0), Assessment("PI", "NO_THREAT", "firearm", 0.9))
    reports = [report_on(scans, 0, cleared, decision="CLEAR"), *(report_on(scans, n) for n in (1, 2, 3))]
    found = models.load("dicos_report", write(tmp_path, reports)).predict(scans)
    assert scores_of(found, scans.scan_ids[0]) == {"any": 0, "firearm": 0}


def test_a_vendors_own_words_are_mapped_by_a_file_in_the_folder(scans: ScanSet, tmp_path: Path) -> None:
    pistol = threat(image_of(scans, 0), Assessment("PI", "THREAT", "Pistol", 0.75))
    write(tmp_path, [report_on(scans, 0, pistol), *(report_on(scans, n) for n in (1, 2, 3))])
    plain = models.load("dicos_report", tmp_path).predict(scans)
    assert scores_of(plain, scans.scan_ids[0]) == {"any": 0.75}
    (tmp_path / "classes.csv").write_text("class,threat\npistol,firearm\n")
    mapped = models.load("dicos_report", tmp_path).predict(scans)
    assert scores_of(mapped, scans.scan_ids[0]) == {"any": 0.75, "firearm": 0.75}
    (tmp_path / "classes.csv").write_text("class,threat\npistol,firearms\n")
    with pytest.raises(BadTable, match=r"row 2: 'pistol' is mapped to 'firearms'.*firearm"):
        models.load("dicos_report", tmp_path)


def test_an_aborted_report_is_a_failure_and_an_undecided_one_a_refusal(scans: ScanSet, tmp_path: Path) -> None:
    reports = [
        report_on(scans, 0, abort_flag="ABORT", abort_reason="TIMEOUT", decision="UNKNOWN"),
        report_on(scans, 1, decision="UNKNOWN"),
        report_on(scans, 2),
        report_on(scans, 3),
    ]
    found = models.load("dicos_report", write(tmp_path, reports)).predict(scans)
    assert list(found.kind("scan")["status"]) == ["failed", "refused", "ok", "ok"]
    assert scores_of(found, scans.scan_ids[0]) == {}


def test_a_scan_without_a_report_was_not_looked_at(scans: ScanSet, tmp_path: Path) -> None:
    model = models.load("dicos_report", write(tmp_path, [report_on(scans, 0)]))
    with pytest.raises(BadTable, match=f"3 of 4 scans have no report.*{scans.scan_ids[1]}"):
        model.predict(scans)


def test_all_faults_of_a_folder_are_told_at_once(scans: ScanSet, tmp_path: Path) -> None:
    write(tmp_path, [report_on(scans, 0), report_on(scans, 0), report_on(scans, 1, algorithm=("Other", "1"))])
    (tmp_path / "broken.dcs").write_bytes(b"\0" * 128 + b"DICM" + b"\xff" * 50)
    with pytest.raises(BadTable) as told:
        models.load("dicos_report", tmp_path)
    assert [fault.partition(":")[0] for fault in told.value.faults] == [
        "1.dcs",
        "broken.dcs",
        "reports of several algorithms",
    ]


def test_a_probability_in_percent_is_refused(scans: ScanSet, tmp_path: Path) -> None:
    dataset = dicos.tdr_dataset(report_on(scans, 0, threat(image_of(scans, 0), Assessment("PI", "THREAT", "", 0.5))))
    dataset[0x40101011].value[0][0x40101038].value[0][0x40101016].value = 50.0
    write(tmp_path, [report_on(scans, n) for n in (1, 2, 3)])
    dicos.write_dataset(tmp_path / "percent.dcs", dataset)
    with pytest.raises(BadTable, match=r"probability 50 is outside \[0, 1\]"):
        models.load("dicos_report", tmp_path).predict(scans)


@pytest.mark.parametrize("content", [None, "empty"])
def test_a_folder_without_reports_is_refused(content: str | None, tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    if content:
        folder.mkdir()
    with pytest.raises(BadFile, match="reports"):
        models.load("dicos_report", folder)


def predictions_with_boxes(scans: ScanSet) -> Predictions:
    rng = np.random.default_rng(0)
    rows: list[dict[str, Any]] = []
    for number, scan_id in enumerate(scans.scan_ids):
        corpus = scans.table["corpus"][number]
        common = {
            "model": "net",
            "corpus": corpus,
            "dataset_digest": scans.corpora[corpus],
            "scan_id": scan_id,
            "view": 0,
        }
        rows.append({**common, "record": "scan", "status": "failed" if number == 3 else "ok", "latency_ms": 12.5})
        if number == 3:
            continue
        for target in ("any", "firearm", "blade"):
            rows.append({**common, "record": "score", "target": target, "score": float(np.float32(rng.random()))})
        box = {"x0": 1.0, "y0": 2.0, "x1": 7.5, "y1": 8.0}
        rows.append({**common, "record": "box", "target": "blade", "score": float(np.float32(rng.random())), **box})
    frame = pd.DataFrame(rows, columns=tables.PREDICTIONS.column_names)
    texts = [column.name for column in tables.PREDICTIONS.columns if column.kind == "text"]
    frame[texts] = frame[texts].fillna("")
    return Predictions("net", tables.check(frame, tables.PREDICTIONS, source="test"))


def test_predictions_come_back_from_their_reports(scans: ScanSet, tmp_path: Path) -> None:
    before = predictions_with_boxes(scans)
    files = write_reports(before, scans, tmp_path, quiet=True)
    assert [file.stem for file in files] == scans.scan_ids
    found = models.load("dicos_report", tmp_path).predict(scans)
    assert found.model == "net"
    for kind in ("scan", "score", "box"):
        keys = ["scan_id", "target", "x0"]
        left, right = (p.kind(kind).sort_values(keys, ignore_index=True) for p in (before, found))
        pd.testing.assert_frame_equal(left, right)


def test_the_judge_reads_the_reports_that_are_given_back(scans: ScanSet, tmp_path: Path) -> None:
    if not judge.is_here():
        pytest.skip("no judge here: pydicos runs on Linux x86-64 with Python before 3.12")
    before = predictions_with_boxes(scans)
    files = write_reports(before, scans, tmp_path, quiet=True)
    twins = []  # the judge reads geometry of baggage only
    for file in files:
        report = dicos.read_tdr(file)
        twins.append(file.with_suffix(".twin"))
        dicos.write_tdr(twins[-1], replace(report, inspection=replace(report.inspection, ooi_type="BAGGAGE")))
    found = judge.verdicts([*files, *twins], ["tdr"] * (2 * len(files)))
    assert [one["log"] for one in found if not one["accepted"]] == []
    boxes = before.kind("box")
    for number, one in enumerate(found[len(files) :][:3]):
        first = one["threats"][0]
        assert (first["base"], first["extents"]) == ([1, 2, 0], [6.5, 6, 1])
        assert first["probability"] == boxes["score"][number]


def test_an_alarm_without_a_place_names_the_whole_view_and_says_so(scans: ScanSet, tmp_path: Path) -> None:
    before = predictions_with_boxes(scans)
    table = before.table[before.table["record"] != "box"].reset_index(drop=True)
    table.loc[table["target"] == "any", "score"] = 0.9
    write_reports(replace(before, table=table), scans, tmp_path, quiet=True)
    report = dicos.read_tdr(tmp_path / f"{scans.scan_ids[0]}.dcs")
    assert report.decision == "ALARM"
    assert {seen.location for one in report.objects for seen in one.sightings} == {dicos.SOMEWHERE}
    assert len(models.load("dicos_report", tmp_path).predict(scans).kind("box")) == 0


def test_scans_nobody_looked_at_are_not_reported(scans: ScanSet, tmp_path: Path) -> None:
    before = predictions_with_boxes(scans)
    table = before.table[before.table["scan_id"] != scans.scan_ids[0]].reset_index(drop=True)
    with pytest.raises(BadTable, match=scans.scan_ids[0]):
        write_reports(replace(before, table=table), scans, tmp_path / "out", quiet=True)
    assert not (tmp_path / "out").exists()


def test_a_threshold_is_a_score(scans: ScanSet, tmp_path: Path) -> None:
    with pytest.raises(BadValue, match="threshold 50"):
        write_reports(predictions_with_boxes(scans), scans, tmp_path, threshold=50, quiet=True)
