"""The adapter dicos_report: a vendor that answers with DICOS threat reports; and predictions written back as such.

A folder of MACHINE reports is read as the table that every model gives, so a scanner's own software meets a network at
the same metrics. A report belongs to the scan whose UID it carries. What DICOS leaves open is settled here and nowhere else:
an object's score is its probability; where none is given HIGH_THREAT stands for 1, THREAT for 2/3 and UNKNOWN for 1/3,
which is an order and no probability; an object flagged NO_THREAT was cleared and scores 0. An item scores as its worst
object.
"""

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from xraybench.core import progress, tables, vocabulary
from xraybench.core.errors import BadFile, BadTable, BadValue
from xraybench.core.registry import did_you_mean
from xraybench.core.types import Predictions, ScanSet

if TYPE_CHECKING:
    from xraybench.formats.dicos import Inspection, Reference, Report, ThreatObject

FLAG_SCORES = {"HIGH_THREAT": 1.0, "THREAT": 2 / 3, "UNKNOWN": 1 / 3, "NO_THREAT": 0.0}
WORDS_FILE = "classes.csv"  # in the folder of reports: what a vendor's words mean, columns class and threat
ONE_MEANING = {"EXPLOSIVE": "explosive"}  # DICOS categories that are one threat of ours; the others hold several
_FACTS = "facts.parquet"  # beside an imported dataset's tables
_MOST_NAMED = 5


@dataclass(frozen=True)
class DicosReports:
    """A vendor's reports by scan UID, standing in for the machine that wrote them."""

    name: str
    reports: Mapping[str, "Report"]
    words: Mapping[str, str]  # a vendor's word, in lower case -> threat of the vocabulary
    source: str

    def predict(self, scans: ScanSet) -> Predictions:
        """What the reports say of these scans; reports on other scans are left out.

        Raises:
            BadTable: Scans without a report, and probabilities that are none: all at once.
        """
        links = _links(scans)
        report_of = self._matched(scans, links)
        threats = self._threats_named(report_of.values())
        rows: list[dict[str, Any]] = []
        for scan_id, corpus in zip(scans.table["scan_id"], scans.table["corpus"], strict=True):
            common = {
                "model": self.name,
                "corpus": corpus,
                "dataset_digest": scans.corpora[corpus],
                "scan_id": scan_id,
                "view": 0,
            }
            rows += [{**common, **row} for row in self._rows(report_of[scan_id], threats, links[scan_id])]
        frame = pd.DataFrame(rows, columns=tables.PREDICTIONS.column_names)
        for column in tables.PREDICTIONS.columns:
            if column.kind == "text":
                frame[column.name] = frame[column.name].fillna("")
        return Predictions(self.name, tables.check(frame, tables.PREDICTIONS, source=self.source))

    def _matched(self, scans: ScanSet, links: Mapping[str, "Link"]) -> dict[str, "Report"]:
        told = {str(r.marks["scan_id"]): r for r in self.reports.values() if "scan_id" in r.marks}
        report_of = {
            scan_id: report
            for scan_id in scans.scan_ids
            if (report := told.get(scan_id) or self.reports.get(links[scan_id].scan_uid)) is not None
        }
        missing = [scan_id for scan_id in scans.scan_ids if scan_id not in report_of]
        faults = []
        if missing:
            named = ", ".join(missing[:_MOST_NAMED]) + (", ..." if len(missing) > _MOST_NAMED else "")
            faults.append(f"{len(missing)} of {len(scans)} scans have no report, so nobody looked at them: {named}")
        faults += [
            f"scan {scan_id}, object {one.number}: probability {a.probability:g} is outside [0, 1]"
            for scan_id, report in report_of.items()
            for one in report.objects
            for a in one.assessments
            if not math.isnan(a.probability) and not 0 <= a.probability <= 1
        ]
        faults += [
            f"scan {scan_id}, object {one.number}: refers to no image of this scan, so its view is not known"
            for scan_id, report in report_of.items()
            for one in report.objects
            for seen in one.sightings
            if links[scan_id].view_of(seen.references) is None
        ]
        if faults:
            raise BadTable(self.source, faults)
        return report_of

    def _threats_named(self, reports: Iterable["Report"]) -> list[str]:
        """The threats that this vendor tells apart, in the order of the vocabulary."""
        found = {self._threat(one) for report in reports for one in report.objects}
        for report in self.reports.values():
            found |= set(_many(report.marks.get("targets")))
        return [threat for threat in vocabulary.names("threat") if threat in found]

    def _threat(self, one: "ThreatObject") -> str:
        """The threat that an object is said to be; "" where its words are no threat of the vocabulary."""
        for assessment in one.assessments:
            word = assessment.description.strip().lower()
            if word in self.words:
                return self.words[word]
            if assessment.category in ONE_MEANING:
                return ONE_MEANING[assessment.category]
        return ""

    def _rows(self, report: "Report", threats: Sequence[str], link: "Link") -> list[dict[str, Any]]:
        scan_row: dict[str, Any] = {"record": "scan", "latency_ms": report.total_ms or math.nan}
        status = str(report.marks.get("status", "")) or _status(report)
        if status != "ok":
            return [{**scan_row, "status": status}]
        scores = dict.fromkeys((vocabulary.ANY, *threats), 0.0)
        boxes: list[dict[str, Any]] = []
        for one in report.objects:
            score, threat = _score(one), self._threat(one)
            scores[vocabulary.ANY] = max(scores[vocabulary.ANY], score)
            if threat:
                scores[threat] = max(scores[threat], score)
            boxes += _boxes(one, threat or vocabulary.ANY, score, link)
        if report.decision == "ALARM" and not report.objects:
            scores[vocabulary.ANY] = 1.0
        targets, told = _many(report.marks.get("targets")), _many(report.marks.get("scores"))
        if targets and len(targets) == len(told):
            scores |= {t: float(s) for t, s in zip(targets, told, strict=True) if t in (vocabulary.ANY, *threats)}
        rows = [{**scan_row, "status": "ok"}]
        rows += [{"record": "score", "target": target, "score": score} for target, score in scores.items()]
        return rows + boxes


def load_dicos_report(path: Path) -> DicosReports:
    """Read a folder of DICOS reports. A file `classes.csv` in it (columns class, threat) says what its words mean.

    Raises:
        BadFile: No such folder, or no MACHINE report in it.
        BadTable: With every fault: files that are broken, several reports on one scan, several algorithms, a word that is
            mapped to no threat.
    """
    from xraybench.formats import dicos

    if not path.is_dir():
        raise BadFile(f"{path}: there is no such folder of DICOS reports.")
    faults: list[str] = []
    words = {threat: threat for threat in vocabulary.names("threat")} | _read_words(path / WORDS_FILE, faults)
    reports: dict[str, Report] = {}
    file_of: dict[str, str] = {}
    files = sorted(one for one in path.rglob("*") if one.is_file() and dicos.is_dicos(one))
    for file in progress.track(files, f"reading reports of {path.name}", quiet=len(files) < 200):
        name = file.relative_to(path).as_posix()
        try:
            opened = dicos.open_dicos(file, with_pixels=False)
            if opened.kind != "tdr" and not any(issue.kind == "foreign" for issue in opened.issues):
                continue  # scans may lie beside their reports
            report = dicos.read_tdr(file)
        except BadFile as error:
            faults.append(f"{name}: {str(error).removeprefix(f'{file}: ')}")
            continue
        if report.report_type != "MACHINE":
            continue
        uid = report.inspection.scan_uid
        if uid in reports:
            faults.append(f"{name}: a second report on the scan of {file_of[uid]}")
        reports[uid], file_of[uid] = report, name
    models = sorted({_name(report) for report in reports.values()})
    if len(models) > 1:
        faults.append(f"reports of several algorithms: {', '.join(models[:_MOST_NAMED])}. Give each a folder")
    if faults:
        raise BadTable(str(path), faults)
    if not reports:
        raise BadFile(f"{path}: holds no DICOS threat report of type MACHINE.")
    return DicosReports(models[0], reports, words, path.name)


def write_reports(
    predictions: Predictions,
    scans: ScanSet,
    folder: Path | str,
    *,
    originals: Path | str | None = None,
    threshold: float = 0.5,
    version: str = "1",
    quiet: bool = False,
) -> list[Path]:
    """Write predictions as DICOS threat reports of type MACHINE, one for each scan, as scanners and viewers take them.

    Args:
        predictions: Of a model.
        scans: The scans they are about; predictions for others are left out.
        folder: Where the reports go, `SCAN_ID.dcs`.
        originals: Folder of the DICOS scans that `scans` were imported from: the reports then name the scanner's own
            scan, object and image UIDs. Without it they name those that `export_dicos` writes.
        threshold: Score from which an object or item is an alarm.
        version: Of the model, in the algorithm's name.
        quiet: Say nothing.

    Returns:
        The files. A float32 holds a probability, so scores come back equal to 7 digits.

    Raises:
        BadTable: Scans without a row of record `scan`.
        BadFile: A scan that is not among the originals.
        BadValue: A threshold outside [0, 1], or boxes that no report can hold.
    """
    from xraybench.formats import dicos

    if not 0 <= threshold <= 1:
        raise BadValue(f"threshold {threshold:g}: a score in [0, 1] is meant.")
    rows_of = dict(tuple(predictions.table.groupby("scan_id", sort=False)))
    looked_at = set(predictions.kind("scan")["scan_id"])
    if missing := [scan_id for scan_id in scans.scan_ids if scan_id not in looked_at]:
        raise BadTable(predictions.model, [f"scan {one} has no row of record scan" for one in missing])
    known = _originals(Path(originals)) if originals is not None else {}
    links = _links(scans) if originals is not None else {}
    lost = [one for one in scans.scan_ids if originals is not None and links[one].scan_uid not in known]
    if lost:
        raise BadFile(f"{originals}: holds no images of {len(lost)} scans, the first {', '.join(lost[:_MOST_NAMED])}.")
    table = scans.table.set_index("scan_id")
    written = []
    for scan_id in progress.track(scans.scan_ids, f"writing reports of {predictions.model}", quiet=quiet):
        facts = table.loc[scan_id]
        original = known[links[scan_id].scan_uid] if links else None
        inspection, views = original or _as_exported(scan_id, facts, len(scans.channels) if scans.track == "raw" else 1)
        report = _report(rows_of[scan_id], inspection, views, facts, threshold)
        algorithm = ("xraybench", version, f"-model={predictions.model[:50]}", f"-threshold={threshold:g}")
        report = replace(report, algorithm=algorithm)
        written.append(Path(folder) / f"{scan_id}.dcs")
        dicos.write_tdr(written[-1], report)
    return written


def _report(
    rows: pd.DataFrame,
    inspection: "Inspection",
    views: Mapping[int, tuple["Reference", ...]],
    facts: "pd.Series[Any]",
    threshold: float,
) -> "Report":
    from xraybench.formats import dicos

    scan_row = rows[rows["record"] == "scan"].iloc[0]
    scores = rows[rows["record"] == "score"]
    references = tuple(one for view in sorted(views) for one in views[view])
    objects: list[ThreatObject] = []
    for box in rows[rows["record"] == "box"].itertuples():
        region = dicos.region_of_box(box.x0, box.y0, box.x1, box.y1)
        sighting = dicos.Sighting(region, views.get(box.view, references))
        objects.append(_object(len(objects) + 1, box.target, box.score, (sighting,), threshold))
    boxed = set(rows["target"][(rows["record"] == "box") & (rows["score"] >= threshold)])
    for score in scores[(scores["score"] >= threshold) & (scores["target"] != vocabulary.ANY)].itertuples():
        if score.target not in boxed:
            objects.append(_object(len(objects) + 1, score.target, score.score, _anywhere(views, facts), threshold))
    overall = float(scores["score"][scores["target"] == vocabulary.ANY].max()) if len(scores) else math.nan
    is_alarm = overall >= threshold or any(one.is_alarm for one in objects)
    if is_alarm and not any(one.is_alarm for one in objects):
        objects.append(_object(len(objects) + 1, vocabulary.ANY, overall, _anywhere(views, facts), threshold))
    is_ok = scan_row["status"] == "ok"
    latency_ms = float(scan_row["latency_ms"])
    return dicos.Report(
        inspection,
        "MACHINE",
        ("ALARM" if is_alarm else "CLEAR") if is_ok else "UNKNOWN",
        tuple(objects),
        references,
        total_ms=0.0 if math.isnan(latency_ms) else latency_ms,
        abort_flag="SUCCESS" if is_ok else "ABORT",
        abort_reason="" if is_ok else "TIMEOUT" if scan_row["status"] == "timeout" else "NOT_REVIEWED",
        marks={
            "scan_id": str(scan_row["scan_id"]),
            "corpus": str(scan_row["corpus"]),
            "dataset_digest": str(scan_row["dataset_digest"]),
            "model": str(scan_row["model"])[:64],
            "status": str(scan_row["status"]),
            "targets": list(scores["target"]),
            "scores": [float(score) for score in scores["score"]],
        },
    )


def _object(number: int, target: str, score: float, seen: Any, threshold: float) -> "ThreatObject":
    from xraybench.formats import dicos

    category = "ANOMALY" if target == vocabulary.ANY else dicos.category_of(target)
    flag = "THREAT" if score >= threshold else "UNKNOWN"
    description = "" if target == vocabulary.ANY else target
    return dicos.ThreatObject(number, (dicos.Assessment(category, flag, description, float(score)),), tuple(seen))


def _anywhere(views: Mapping[int, tuple["Reference", ...]], facts: "pd.Series[Any]") -> Any:
    """The whole of the first view, said to be no place: a report needs a region."""
    from xraybench.formats import dicos

    region = dicos.region_of_box(0, 0, float(facts["width"]), float(facts["height"]))
    return (dicos.Sighting(region, views[min(views)], dicos.SOMEWHERE),)


def _as_exported(
    scan_id: str, facts: "pd.Series[Any]", n_energies: int
) -> tuple["Inspection", dict[int, tuple["Reference", ...]]]:
    from xraybench.formats import dicos

    inspection = dicos.inspection_for(scan_id, str(facts["item_id"]), str(facts["vector"]))
    views = {
        view: tuple(
            dicos.Reference(dicos.DX_PROCESSING, dicos.uid_of("dx", inspection.scan_uid, view + 1, energy + 1))
            for energy in range(n_energies)
        )
        for view in range(int(facts["n_views"]))
    }
    return inspection, views


def _originals(folder: Path) -> dict[str, tuple["Inspection", dict[int, tuple["Reference", ...]]]]:
    """Scan UID -> the inspection and the images of each view, of all DICOS images below a folder."""
    from xraybench.formats import dicos

    if not folder.is_dir():
        raise BadFile(f"{folder}: there is no such folder of DICOS scans.")
    images: dict[str, list[Any]] = {}
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or not dicos.is_dicos(path):
            continue
        try:
            opened = dicos.open_dicos(path, with_pixels=False)
        except BadFile:
            continue  # the import has told it
        if opened.kind == "dx":
            image = dicos.dx_of(opened.dataset, np.zeros((0, 0), np.uint16))
            images.setdefault(image.inspection.scan_uid, []).append((image, str(opened.dataset.SOPClassUID)))
    found = {}
    for uid, many in images.items():
        numbers = sorted({image.view for image, _ in many})
        views = {
            place: tuple(dicos.Reference(kind, image.instance_uid) for image, kind in many if image.view == number)
            for place, number in enumerate(numbers)
        }
        found[uid] = (many[0][0].inspection, views)
    return found


@dataclass(frozen=True)
class Link:
    """What ties a scan of ours to DICOS: its scan UID, and which view each image shows. `views` may be empty."""

    scan_uid: str
    views: Mapping[str, int]
    n_views: int

    def view_of(self, references: Sequence["Reference"]) -> int | None:
        """The view that the first known image shows; the only one of a scan of one view; None where it is not known."""
        for reference in references:
            if reference.instance_uid in self.views:
                return self.views[reference.instance_uid]
        return 0 if self.n_views == 1 else None


def _links(scans: ScanSet) -> dict[str, Link]:
    """Scan -> the DICOS files it was imported from, or those it is exported as."""
    noted: dict[Path, dict[tuple[str, str], str]] = {}
    return {
        scan_id: _link(scan_id, int(n_views), scans, noted)
        for scan_id, n_views in zip(scans.table["scan_id"], scans.table["n_views"], strict=True)
    }


def _link(scan_id: str, n_views: int, scans: ScanSet, noted: dict[Path, dict[tuple[str, str], str]]) -> Link:
    from xraybench.formats import dicos

    reader: Any = scans.read
    reader = getattr(reader, "reader_of", {}).get(scan_id, reader)  # several corpora joined
    paths = [Path(getattr(one, "path", one)) for one in getattr(reader, "files", {}).get(scan_id, ())]
    if paths and paths[0].suffix == ".npy":  # counts in the dataset folder, with what the import noted beside them
        folder = paths[0].parent.parent
        facts = noted.setdefault(folder, _noted(folder / _FACTS))
        if uid := facts.get((scan_id, "scan_uid")):
            pairs = [one.partition(":") for one in facts.get((scan_id, "instances"), "").split()]
            return Link(uid, {instance: int(view) for view, _, instance in pairs}, n_views)
    elif paths and dicos.is_dicos(paths[0]):
        heads = [dicos.open_dicos(path, with_pixels=False).dataset for path in paths]
        views = {str(head.SOPInstanceUID): view for view, head in enumerate(heads)}
        return Link(str(heads[0].StudyInstanceUID), views, n_views)
    uid = dicos.uid_of("scan", scan_id)
    views = {dicos.uid_of("dx", uid, view + 1, energy): view for view in range(n_views) for energy in (1, 2)}
    return Link(uid, views, n_views)


def _noted(path: Path) -> dict[tuple[str, str], str]:
    """Scan and fact -> value, of what an import noted."""
    if not path.is_file():
        return {}
    rows = pd.read_parquet(path)
    return {(scan, fact): value for scan, fact, value in zip(rows["scan_id"], rows["fact"], rows["value"], strict=True)}


def _read_words(path: Path, faults: list[str]) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadFile(f"{path}: cannot be read as CSV ({error}).") from None
    known = vocabulary.names("threat")
    found = {}
    for number, row in enumerate(rows, start=2):
        word, threat = (row.get("class") or "").strip().lower(), (row.get("threat") or "").strip()
        if not word or (threat and threat not in known):
            near = did_you_mean(threat, list(known)) if threat else "It needs the columns class and threat."
            faults.append(f"{path.name}, row {number}: '{word}' is mapped to '{threat}', which is no threat. {near}")
        found[word] = threat
    return found


def _name(report: "Report") -> str:
    """The model's name in a report of ours, else maker and version of the algorithm."""
    told = str(report.marks.get("model", "")) or "-".join(report.algorithm[:2])
    return "".join(c if c.isalnum() or c in "._-" else "-" for c in told).strip("-").lower() or "unnamed"


def _status(report: "Report") -> str:
    if report.abort_flag == "ABORT":
        return "failed"
    return "refused" if report.decision == "UNKNOWN" and not report.objects else "ok"


def _score(one: "ThreatObject") -> float:
    return max((_assessed(a.flag, a.probability) for a in one.assessments), default=0.0)


def _assessed(flag: str, probability: float) -> float:
    if flag == "NO_THREAT" or math.isnan(probability):
        return FLAG_SCORES.get(flag, FLAG_SCORES["UNKNOWN"])
    return probability


def _boxes(one: "ThreatObject", target: str, score: float, link: "Link") -> list[dict[str, Any]]:
    """A box for each view in which a sighting names a place."""
    from xraybench.formats import dicos

    rows = []
    for seen in one.sightings:
        x0, y0, x1, y1 = seen.region.box
        view = link.view_of(seen.references)
        if seen.location == dicos.SOMEWHERE or view is None or not (x1 > x0 >= 0 and y1 > y0 >= 0):
            continue
        rows.append(
            {"record": "box", "target": target, "score": score, "view": view, "x0": x0, "y0": y0, "x1": x1, "y1": y1}
        )
    return rows


def _many(value: Any) -> list[Any]:
    return [] if value is None else list(value) if isinstance(value, list) else [value]
