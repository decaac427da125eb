"""One vendor's report card: what a buyer, and the vendor's lawyer, can hold against every number on it.

A vendor is one model on a board. `subjects` gathers what the board and the data say of it, one body of data (a suite, or
an imported dataset) at a time; `report_card` turns that into one document: the operating points with their achieved pfa,
every slice, how thresholds carry over between sensors and sites, where it starts to miss, its worst misses and loudest false
alarms, its versions, and what the board cannot tell apart. Published numbers are cited (file, row); what the board does not
publish is computed from the kept predictions. Page and JSON twin are made from that one document, so they cannot differ.
"""

import hashlib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
import pandas as pd
from pydantic import Field

from xraybench import __version__, data
from xraybench.core import vocabulary
from xraybench.core.documents import Document, ModelSignature, Number, ResultFile, ResultRow, read_document
from xraybench.core.errors import BadFile, DigestMismatch, UnknownName
from xraybench.core.registry import did_you_mean
from xraybench.core.task import Task
from xraybench.core.types import Dataset
from xraybench.evaluate import Joined, Selection, board_predictions, join, score_joined, select
from xraybench.evaluate.files import predictions_file
from xraybench.metrics import intervals, screening
from xraybench.metrics.psychometric import Psychometric, psychometric
from xraybench.report import text
from xraybench.report.board import is_told_apart
from xraybench.report.publish import curve_file
from xraybench.report.results import (
    CURVES,
    RANKS,
    CurveFile,
    RankFile,
    find,
    load_curves,
    load_ranks,
    load_results,
    models_on,
    n_any,
    stem_of,
    task_of,
)
from xraybench.simulate import difficulty

POINTS = (0.01, 0.05, 0.1)  # operating points of a report card; the board publishes the task's own
MARKS = (0.9, 0.5)  # pd at which the psychometric curve is read off
_VERSIONED = re.compile(r"(?P<base>.+?)(?:[-_.]v(?P<dotted>\d+(?:\.\d+)*)|[-_](?P<sequence>\d{3}))")

D = TypeVar("D", RankFile, CurveFile)


class CardRow(ResultRow):
    """A number of a card: a row of a result file, or one that was computed from the kept predictions."""

    source: str = Field(description="file of the board, one of the card's sources")
    row: int | None = Field(
        default=None, description="which row of that file; null where it was computed from predictions"
    )
    calibrated_on: str = Field(
        default="", description="whose benign calibration items set the threshold; empty for all"
    )


class Example(Document):
    """A scan that the model got wrong."""

    scan_id: str
    item_id: str
    sensor: str
    score: float
    threat: str = Field(default="", description="what it holds; empty for a benign item")
    concealment: str = ""
    size: str = ""
    shape: str = ""


class Mark(Document):
    """Where the psychometric curve passes a pd."""

    pd: float
    index: Number
    low: Number
    high: Number
    reason: str = ""


class Visibility(Document):
    """The psychometric curve of a model, or why there is none."""

    index: str = Field(description="index of visibility, a column of the difficulty table")
    n_threats: int
    n_missed: int
    n_without_index: int = Field(description="threat scans for which the index has no meaning; they are left out")
    is_log: bool
    slope: Number
    slope_low: Number
    slope_high: Number
    marks: list[Mark]
    reason: str = ""


class Rival(Document):
    """Another model on the same task and track, and how far this one is from it: this one minus the other, paired."""

    model: str
    estimate: Number
    difference: Number
    low: Number
    high: Number
    p_holm: Number
    is_told_apart: bool


class Place(Document):
    """Where a model stands among others on the main task, and what the task cannot show."""

    rank_low: int
    rank_high: int
    n_models: int
    level: float
    minimum_detectable_difference: Number
    method: str
    rivals: list[Rival]


class VersionRow(Document):
    """One version of a model, and its difference from the version before: newer minus older, paired."""

    model: str
    version: str
    value: Number
    low: Number
    high: Number
    difference: Number
    difference_low: Number
    difference_high: Number
    reason: str = Field(default="", description="why there is no number, or no difference")


class CardPart(Document):
    """What a card says of one body of data."""

    title: str
    task: str
    track: str
    is_simulated: bool
    profile: str
    seed: int
    corpora: dict[str, str]
    predictions_digest: str
    thresholds: dict[str, Number] = Field(description="pfa -> threshold set on all benign calibration items")
    points: list[CardRow]
    slices: list[CardRow]
    transfer: list[CardRow]
    visibility: Visibility | None = Field(description="null where the data have no index of visibility")
    place: Place | None = Field(description="null where the board does not rank this task")
    versions: list[VersionRow]
    misses: list[Example]
    n_missed: int | None = Field(description="threat scans that do not alarm; null without a threshold")
    n_threats: int
    false_alarms: list[Example]
    n_false_alarms: int | None
    n_benign: int


class ReportCard(Document):
    """`report_cards/<model>.json`: the numbers of a report card, each with the file it stands in."""

    schema_id: Literal["xraybench.report_card/1"] = "xraybench.report_card/1"
    model: str
    version: str = Field(description="version of xraybench that wrote the card")
    sources: dict[str, str] = Field(description="file of the board -> SHA-256 when the card was made")
    parts: list[CardPart]


@dataclass(frozen=True)
class Subject:
    """One model on one body of data: what the board holds of it, and the data themselves."""

    board: Path
    result: ResultFile
    task: Task
    dataset: Dataset
    joined: Joined
    chosen: Selection
    ranks: RankFile | None
    curves: CurveFile

    @property
    def model(self) -> str:
        return self.result.model

    @property
    def title(self) -> str:
        kind = "simulated scans" if self.result.is_simulated else f"real scans of {self.dataset.name}"
        return f"{self.task.vector.capitalize()}, {kind}"

    @property
    def too_few(self) -> str:
        """Why no curve is drawn: fewer threats or benign items than the task needs; empty where there are enough."""
        n_threats = int(self.chosen.is_threat.sum())
        counts = ((n_threats, self.task.min_threats, "threats"),
                  (len(self.chosen.rows) - n_threats, self.task.min_benign, "benign items"))  # fmt: skip
        return "; ".join(f"too few: {n} {what}, {least} are needed" for n, least, what in counts if n < least)

    @property
    def threshold(self) -> float:
        """The alarm threshold at the task's main pfa; NaN without benign calibration items."""
        return screening.threshold_at_pfa(self.chosen.calibration, self.task.pfa_points[0])


def subjects(
    model: str, board: Path, *, vector: str = "", scans: str = "", profile: str = "", seed: int = -1
) -> list[Subject]:
    """What the board holds of a model, a body of data at a time, with labels, scans and predictions joined.

    Simulated scans that are not on this machine are made from their seed first. Real scans come from their folder.

    Args:
        model: A model on the board.
        board: Folder of the board.
        vector: One suite; empty takes every suite that the model has results on.
        scans: Folder of the imported dataset that the results rest on; the card is then about these scans alone.
        profile, seed: Of the scans, where they should be others than those of the results: the digests then refuse.

    Raises:
        UnknownName: No such model on the board, or nothing of it on this vector.
        DigestMismatch: The scans are not those that the results were computed on.
    """
    if model not in (known := models_on(board)):
        raise UnknownName(f"No model on the board is called '{model}'. {did_you_mean(model, known)}")
    published = load_results(board / "results", model=model)
    widest = _of_dataset(published, scans) if scans else _of_suites(published, vector)
    if not widest:
        held = sorted({task_of(file.task).vector for file in published if file.is_simulated})
        raise UnknownName(
            f"The board has no result of {model} on {f'simulated {vector}' if vector else 'any simulated suite'}; "
            f"it has {', '.join(held) or 'results on real scans, whose folder goes in as `scans`'}."
        )
    ranks, curves = load_ranks(board / "results"), load_curves(board / "results")
    return [_subject(board, file, ranks, curves, scans, profile, seed) for file in widest]


def report_card(found: Sequence[Subject], *, index: str = "d_q", n_examples: int = 12) -> ReportCard:
    """The card of the model that these subjects are about.

    Args:
        found: As `subjects` gives them.
        index: Index of visibility for the psychometric curve.
        n_examples: Misses, and false alarms, named for each body of data.
    """
    sources: dict[str, str] = {}
    parts = []
    for subject in found:
        part = _part(subject, index, n_examples)
        parts.append(part)
        for file in _files_behind(subject):
            sources[file] = hashlib.sha256((subject.board / file).read_bytes()).hexdigest()
    return ReportCard(model=found[0].model, version=__version__, sources=dict(sorted(sources.items())), parts=parts)


def report_card_faults(card: ReportCard, board: Path) -> list[str]:
    """What on a card is not what the board holds: changed files, and numbers that are not those of their row."""
    faults = []
    files: dict[str, ResultFile] = {}
    for name, wanted in card.sources.items():
        path = board / name
        if not path.is_file():
            faults.append(f"{name}: is cited and is not there")
            continue
        if hashlib.sha256(path.read_bytes()).hexdigest() != wanted:
            faults.append(f"{name}: has changed since the card was made")
        if name.startswith("results/") and not name.startswith("results/_"):
            try:
                files[name] = read_document(path, ResultFile)
            except BadFile as error:
                faults.append(str(error))
    for part in card.parts:
        for number in (*part.points, *part.slices):
            if number.row is None or number.source not in files:
                continue
            rows = files[number.source].rows
            stored = rows[number.row] if number.row < len(rows) else None
            if stored is None or not _is_same_row(number, stored):
                what = text.metric_label(number.metric, number.at)
                faults.append(f"{part.task}, {what} {number.slice_value}: is not row {number.row} of {number.source}")
    return faults


def rescoring_faults(subject: Subject) -> list[str]:
    """Published shares that scoring the kept predictions again does not give, each named."""
    again = score_joined(subject.task, subject.joined, track=subject.result.track)
    faults = []
    for row in subject.result.rows:
        if row.metric not in ("pd", "pfa"):
            continue
        other = find(again, row.metric, row.at, row.slice_axis, row.slice_value)
        told = math.nan if other is None else other.value
        if not (math.isclose(told, row.value, abs_tol=1e-5) or (math.isnan(told) and math.isnan(row.value))):
            what = f"{text.metric_label(row.metric, row.at)} {row.slice_value}".strip()
            faults.append(f"{subject.task.id}, {what}: {row.value:g} is published, the predictions give {told:g}")
    return faults


def visibility(subject: Subject, index: str) -> tuple[Psychometric, pd.DataFrame] | None:
    """The psychometric curve and the threat scans behind it (`index`, `alarm`); None where the data have no indices.

    Raises:
        BadValue: The index is unknown.
    """
    if not len(subject.dataset.difficulty):
        return None
    seen = difficulty.of_scans(subject.dataset.difficulty, index).rename("index")
    threats = subject.chosen.rows[subject.chosen.is_threat].merge(seen, left_on="scan_id", right_index=True)
    threats = threats.assign(alarm=(threats["score"] >= subject.threshold).astype(float))
    is_log = index in difficulty.SPAN_DECADES and bool((threats["index"] > 0).all())
    curve = psychometric(threats["index"], threats["alarm"], threats["item_id"], is_log=is_log)
    return curve, threats


def family(model: str, board: Path) -> list[tuple[str, str]]:
    """The versions of a model on a board, oldest first: names of one base and a version number, else names that trained
    on from one another's weights, as their signatures say. Each with its version, the model itself always among them."""
    signatures = {
        name: read_document(path, ModelSignature)
        for name in models_on(board)
        if (path := board / "models" / f"{name}.json").is_file()
    }
    base, version = _version_of(model)
    if version:
        named = [(name, _version_of(name)) for name in models_on(board)]
        kin = sorted((tuple(map(int, v.split("."))), name, v) for name, (b, v) in named if b == base and v)
        return [(name, v) for _, name, v in kin]
    lineage = [model]
    while (older := _trained_on_from(lineage[0], signatures)) and older not in lineage:
        lineage.insert(0, older)
    while (newer := _next_of(lineage[-1], signatures)) and newer not in lineage:
        lineage.append(newer)
    return [(name, str(number)) for number, name in enumerate(lineage, 1)]


def _of_suites(published: Sequence[ResultFile], vector: str) -> list[ResultFile]:
    """The widest result of each simulated suite, in the order of the vocabulary."""
    widest: dict[str, ResultFile] = {}
    for file in published:
        task = task_of(file.task)
        if not file.is_simulated or vector not in ("", task.vector):
            continue
        best = widest.get(task.vector)
        if best is None or n_any(task) > n_any(task_of(best.task)):
            widest[task.vector] = file
    return [widest[name] for name in vocabulary.names("vector") if name in widest]


def _of_dataset(published: Sequence[ResultFile], scans: str) -> list[ResultFile]:
    """The widest result on the imported dataset of this folder."""
    corpora = data.load(scans).corpora
    fits = [file for file in published if not file.is_simulated and file.corpora.items() <= corpora.items()]
    if not fits:
        told = ", ".join(f"{corpus} {digest}" for corpus, digest in corpora.items())
        raise DigestMismatch(f"No result of the model rests on the scans of {scans} ({told}).")
    return [max(fits, key=lambda file: n_any(task_of(file.task)))]


def _subject(
    board: Path,
    file: ResultFile,
    ranks: Sequence[RankFile],
    curves: Sequence[CurveFile],
    scans: str,
    profile: str,
    seed: int,
) -> Subject:
    task = task_of(file.task)
    dataset = data.load(scans) if scans else data.load(
        task.id, profile=profile or file.profile, seed=file.seed if seed < 0 else seed
    )  # fmt: skip
    if any(dataset.corpora.get(corpus) != wanted for corpus, wanted in file.corpora.items()):
        raise DigestMismatch(
            f"{file.task}: the results of {file.model} rest on {file.corpora}; these scans are {dataset.corpora} "
            f"(profile {dataset.profile}, seed {dataset.seed})."
        )
    kept = board_predictions(file.model, sorted(file.corpora), board / "predictions", dataset=file.dataset)
    joined = join(dataset, kept)
    return Subject(
        board,
        file,
        task,
        dataset,
        joined,
        select(task, joined),
        _same_task(ranks, file),
        _same_task(curves, file) or curve_file(task, [joined], file.track),
    )


def _same_task(found: Sequence[D], file: ResultFile) -> D | None:
    return next((one for one in found if (stem_of(one), one.track) == (stem_of(file), file.track)), None)


def _files_behind(subject: Subject) -> list[str]:
    """Every file of the board that the card rests on, relative to the board."""
    board, file = subject.board, subject.result
    names = [_result_path(file), f"models/{file.model}.json"]
    folder = board / "predictions"
    kept = [predictions_file(folder, file.model, corpus, file.dataset) for corpus in sorted(file.corpora)]
    names += [path.relative_to(board).as_posix() for path in kept]
    names += [f"results/{kind}/{file.track}/{stem_of(file)}.json" for kind in (RANKS, CURVES)]
    return [name for name in names if (board / name).is_file()]


def _result_path(file: ResultFile) -> str:
    return f"results/{file.model}/{stem_of(file)}.json"


def _part(subject: Subject, index: str, n_examples: int) -> CardPart:
    file, chosen, threshold = subject.result, subject.chosen, subject.threshold
    rows = chosen.rows
    missed = rows[rows["is_threat"] & (rows["score"] < threshold)]
    stopped = rows[~rows["is_threat"] & (rows["score"] >= threshold)]
    return CardPart(
        title=subject.title,
        task=file.task,
        track=file.track,
        is_simulated=file.is_simulated,
        profile=file.profile,
        seed=file.seed,
        corpora=file.corpora,
        predictions_digest=file.predictions_digest,
        thresholds={f"{at:g}": screening.threshold_at_pfa(chosen.calibration, at) for at in POINTS},
        points=_points(subject),
        slices=_slices(subject),
        transfer=_transfer(subject),
        visibility=_visibility(subject, index),
        place=_place(subject),
        versions=_versions(subject),
        misses=_examples(missed.sort_values(["score", "scan_id"]), n_examples),
        n_missed=None if math.isnan(threshold) else len(missed),
        n_threats=int(rows["is_threat"].sum()),
        false_alarms=_examples(stopped.sort_values(["score", "scan_id"], ascending=[False, True]), n_examples),
        n_false_alarms=None if math.isnan(threshold) else len(stopped),
        n_benign=int((~rows["is_threat"]).sum()),
    )


def _points(subject: Subject) -> list[CardRow]:
    """pd and achieved pfa at every point, cited where the board publishes them."""
    lacking = tuple(at for at in POINTS if find(subject.result, "pd", at) is None)
    again = score_joined(replace(subject.task, pfa_points=lacking), subject.joined) if lacking else None
    rows = []
    for at in POINTS:
        for metric in ("pd", "pfa"):
            if (cited := _cited(subject, metric, at)) is not None:
                rows.append(cited)
            elif again is not None and (computed := find(again, metric, at)) is not None:
                rows.append(CardRow(**computed.model_dump(), source=_result_path(subject.result)))
    return rows


def _slices(subject: Subject) -> list[CardRow]:
    """The main metric on the whole task and on every slice, as the board publishes them."""
    name, main = _result_path(subject.result), subject.task.pfa_points[0]
    return [
        CardRow(**row.model_dump(), source=name, row=number)
        for number, row in enumerate(subject.result.rows)
        if row.metric in ("pd", "pfa") and row.at == main
    ]


def _cited(subject: Subject, metric: str, at: float) -> CardRow | None:
    for number, row in enumerate(subject.result.rows):
        if (row.metric, row.at, row.slice_axis) == (metric, at, ""):
            return CardRow(**row.model_dump(), source=_result_path(subject.result), row=number)
    return None


def _transfer(subject: Subject) -> list[CardRow]:
    """pd and pfa of each sensor and site under the threshold of all, and of each other one; given that threshold."""
    rows: list[CardRow] = []
    sites = subject.dataset.items.set_index("item_id")["site"]
    told = subject.chosen.rows.assign(site=lambda r: r["item_id"].map(sites))
    for axis in ("sensor", "site"):
        values = sorted(set(told[axis]))
        if len(values) < 2:
            continue
        for source in ("", *values):
            benign = _calibration(subject, axis, source)
            least = subject.task.min_benign
            few = f"too few: {len(benign)} benign calibration items, {least} are needed" if len(benign) < least else ""
            threshold = screening.threshold_at_pfa(benign, subject.task.pfa_points[0])
            for target in values:
                rows += _rates(subject, told[told[axis] == target], axis, target, source, threshold, few)
    return rows


def _calibration(subject: Subject, axis: str, value: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Scores of the benign calibration items of one sensor or site, or of all."""
    if not value:
        return subject.chosen.calibration
    if axis == "sensor":
        return select(replace(subject.task, sensor=value), subject.joined).calibration
    part = subject.dataset.where(subject.dataset.items["site"] == value)
    return select(subject.task, join(part, subject.joined.predictions)).calibration


def _rates(
    subject: Subject, rows: pd.DataFrame, axis: str, value: str, source: str, threshold: float, few: str
) -> list[CardRow]:
    task, found = subject.task, []
    for metric, is_threat, least in (("pd", True, task.min_threats), ("pfa", False, task.min_benign)):
        counted = rows[rows["is_threat"] == is_threat]
        reason = few or (f"too few: {len(counted)}, {least} are needed" if len(counted) < least else "")
        alarms = screening.alarms(counted["score"], threshold)
        ends = intervals.undefined(reason) if reason else _interval(alarms, counted["item_id"])
        found.append(
            CardRow(
                metric=metric,
                at=task.pfa_points[0],
                slice_axis=axis,
                slice_value=value,
                value=math.nan if reason else float(alarms.mean()),
                low=ends.low,
                high=ends.high,
                interval=ends.method,
                n_items=len(counted),
                n_threats=len(counted) if is_threat else 0,
                reason=reason,
                source=_result_path(subject.result),
                calibrated_on=source,
            )
        )
    return found


def _interval(alarms: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], items: "pd.Series[str]") -> intervals.Interval:
    if items.is_unique:
        return intervals.wilson(int(alarms.sum()), len(alarms))
    return intervals.clustered_wilson(alarms.astype(float), items.to_numpy(dtype=str))


def _visibility(subject: Subject, index: str) -> Visibility | None:
    found = visibility(subject, index)
    if found is None:
        return None
    curve, threats = found
    marks = []
    for wanted in MARKS:
        at, ends = curve.index_at(wanted)
        reason = ends.method.removeprefix("undefined: ") if math.isnan(at) else ""
        if not reason and not threats["index"].min() <= at <= threats["index"].max():
            seen = f"{threats['index'].min():.3g} to {threats['index'].max():.3g}"
            at, ends, reason = math.nan, intervals.undefined("extrapolated"), f"beyond what these threats show, {seen}"
        marks.append(Mark(pd=wanted, index=at, low=ends.low, high=ends.high, reason=reason))
    return Visibility(
        index=index,
        n_threats=curve.n_threats,
        n_missed=curve.n_missed,
        n_without_index=int(subject.chosen.is_threat.sum()) - len(threats),
        is_log=curve.is_log,
        slope=curve.slope,
        slope_low=curve.slope_interval.low,
        slope_high=curve.slope_interval.high,
        marks=marks,
        reason=curve.reason,
    )


def _place(subject: Subject) -> Place | None:
    ranks = subject.ranks
    mine = next((row for row in ranks.rows if row.model == subject.model), None) if ranks else None
    if ranks is None or mine is None:
        return None
    estimates = {row.model: row.estimate for row in ranks.rows}
    rivals = []
    for pair in ranks.pairs:
        if subject.model not in (pair.a, pair.b):
            continue
        is_first = pair.a == subject.model
        other = pair.b if is_first else pair.a
        low, high = (pair.low, pair.high) if is_first else (-pair.high, -pair.low)
        rivals.append(
            Rival(
                model=other,
                estimate=estimates.get(other, math.nan),
                difference=pair.difference if is_first else -pair.difference,
                low=low,
                high=high,
                p_holm=pair.p_holm,
                is_told_apart=is_told_apart(pair),
            )
        )
    least = ranks.minimum_detectable_difference
    return Place(
        rank_low=mine.rank_low,
        rank_high=mine.rank_high,
        n_models=len(ranks.rows),
        level=ranks.level,
        minimum_detectable_difference=math.nan if least is None else least,
        method=ranks.method,
        rivals=rivals,
    )


def _versions(subject: Subject) -> list[VersionRow]:
    task, track = subject.task, subject.result.track
    rows: list[VersionRow] = []
    for name, version in family(subject.model, subject.board):
        path = subject.board / "results" / name / f"{stem_of(subject.result)}.json"
        file = read_document(path, ResultFile) if path.is_file() else None
        row = find(file, task.main_metric, task.pfa_points[0]) if file else None
        reason, step = "", (math.nan, math.nan, math.nan)
        if row is None or file is None:
            reason = f"no result on {task.id}"
        elif file.corpora != subject.result.corpora:
            row, reason = None, "scored on other data"
        elif rows:
            step = _step(subject.ranks, rows[-1].model, name)
            reason = "" if not math.isnan(step[0]) else f"not compared with {rows[-1].model} on the {track} track"
        value, low, high = (row.value, row.low, row.high) if row else (math.nan, math.nan, math.nan)
        rows.append(
            VersionRow(
                model=name, version=version, value=value, low=low, high=high,
                difference=step[0], difference_low=step[1], difference_high=step[2], reason=reason,
            )
        )  # fmt: skip
    return rows


def _step(ranks: RankFile | None, older: str, newer: str) -> tuple[float, float, float]:
    """Newer minus older with its interval, from the pairs of the rank file."""
    for pair in ranks.pairs if ranks else ():
        if (pair.a, pair.b) == (newer, older):
            return pair.difference, pair.low, pair.high
        if (pair.a, pair.b) == (older, newer):
            return -pair.difference, -pair.high, -pair.low
    return math.nan, math.nan, math.nan


def _examples(rows: pd.DataFrame, n: int) -> list[Example]:
    """The first rows, one an item: the same item on two sensors is one example."""
    first = rows.drop_duplicates("item_id").head(n)
    columns = ["scan_id", "item_id", "sensor", "score", "threat", "concealment", "size", "shape"]
    return [Example(**record) for record in first[columns].to_dict("records")]


def _version_of(name: str) -> tuple[str, str]:
    found = _VERSIONED.fullmatch(name)
    return (found["base"], found["dotted"] or found["sequence"]) if found else (name, "")


def _trained_on_from(name: str, signatures: dict[str, ModelSignature]) -> str:
    """The model whose weights this one started from, where it is on the board."""
    training = signatures[name].training if name in signatures else {}
    if training.get("parent") in signatures:
        return str(training["parent"])
    init = training.get("init", "")
    return next((other for other, s in signatures.items() if init and s.weights_digest == init), "")


def _next_of(name: str, signatures: dict[str, ModelSignature]) -> str:
    return next((other for other in signatures if other != name and _trained_on_from(other, signatures) == name), "")


def _is_same_row(number: CardRow, stored: ResultRow) -> bool:
    fields = set(ResultRow.model_fields)
    return number.model_dump(mode="json", include=fields) == stored.model_dump(mode="json")
