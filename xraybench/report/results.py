"""Result files on disk: written by runs, read by boards and cards, shown as tables in notebooks.

`leaderboards/results/<model>/<task-id>.json` holds all numbers of one model on one task (`ResultFile`). Three kinds of
document compare models and lie beside them, apart for each track: `_ranks/<track>/<task-id>.json` (`RankFile`: rank sets,
ties, pairwise differences), `_curves/<track>/<task-id>.json` (`CurveFile`: ROC curves with bands) and
`_suites/<track>/<vector>.json` (`suites.SuiteFile`: one figure over all cells of a suite). With them a board is a pure
function of files: it needs no scans, no predictions and no chance. What rests on imported data ends in `@<dataset>`, so that
two datasets of one scanner stay apart (`stem_of`).
"""

import json
import math
import re
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar, runtime_checkable

import pandas as pd
from pydantic import Field, ValidationError

from xraybench import tasks
from xraybench.core import vocabulary
from xraybench.core.documents import (
    MODEL_NAME,
    Document,
    Number,
    ResultFile,
    ResultRow,
    checked_model,
    field_faults,
    write_text,
)
from xraybench.core.errors import BadFile, BadValue, UnknownName
from xraybench.core.registry import did_you_mean
from xraybench.core.task import Task
from xraybench.core.vocabulary import ANY
from xraybench.report import text

RANKS, CURVES = "_ranks", "_curves"
_MOST_SHOWN = 20  # faults in one message
_TASK_ID = re.compile(r"([a-z0-9_]+)-([a-z0-9_]+)-([a-z0-9_]+)-([a-z0-9_-]+)-v([1-9][0-9]*)")


FRAME_COLUMNS = (
    "task",
    "vector",
    "threat",
    "concealment",
    "sensor",
    "model",
    "track",
    "is_simulated",
    "metric",
    "at",
    "slice_axis",
    "slice_value",
    "value",
    "low",
    "high",
    "interval",
    "n_items",
    "n_threats",
    "reason",
    "profile",
    "seed",
    "predictions_digest",
    "version",
    "dataset",
    "code_digest",
)


class RankRow(Document):
    """The place of one model on one task."""

    model: str
    estimate: float = Field(description="value of the main metric")
    rank_low: int = Field(ge=1, description="best rank the data allow, simultaneously for all models")
    rank_high: int = Field(ge=1, description="worst rank the data allow, simultaneously for all models")
    marginal_low: int | None = Field(default=None, ge=1, description="best rank, for this model alone")
    marginal_high: int | None = Field(default=None, ge=1, description="worst rank, for this model alone")
    band: int = Field(ge=1, description="band of ties, chained: whoever is in a better band is better")


class PairRow(Document):
    """Two models on the same items: `a` minus `b`."""

    a: str
    b: str
    difference: Number
    low: Number = Field(description="lower end of the 95 % interval of the difference; null where unknown")
    high: Number = Field(description="upper end of the 95 % interval of the difference; null where unknown")
    p_holm: Number = Field(description="p value, adjusted by Holm over all pairs of the file; null where undefined")
    only_a: int | None = Field(default=None, ge=0, description="threat rows that only `a` finds, thresholds as set")
    only_b: int | None = Field(default=None, ge=0, description="threat rows that only `b` finds, thresholds as set")
    p_mcnemar: float | None = Field(
        default=None, description="exact McNemar, thresholds as set, not adjusted; absent where items give several rows"
    )


class RankFile(Document):
    """`_ranks/<track>/<task-id>.json`: which ranks of a task are real and which are noise."""

    schema_id: Literal["xraybench.ranks/1"] = "xraybench.ranks/1"
    task: str
    track: str
    metric: str = "pd"
    at: float | None = 0.05
    level: float = Field(default=0.95, gt=0, lt=1, description="simultaneous confidence of the rank sets")
    method: str = Field(description="how the rank sets were computed")
    n_replicates: int = Field(ge=0)
    n_threats: int = Field(ge=0)
    n_benign: int = Field(ge=0)
    minimum_detectable_difference: float | None = Field(
        description="smallest difference the task can show; null unknown"
    )
    minimum_detectable_difference_method: str = Field(default="", description="power, test and correction behind it")
    minimum_detectable_difference_holm: float | None = Field(
        default=None, description="the same with all pairs of the file told together; null unknown"
    )
    best: list[str] = Field(
        default_factory=list, description="confidence set of the best model: it holds the best one, by `level`"
    )
    ties: list[list[str]] = Field(
        default_factory=list, description="largest groups of models that are all tied with each other, best first"
    )
    dataset: str = Field(
        default="", description="imported body of data, as in the result files; empty for simulated data"
    )
    corpora: dict[str, str] = Field(description="corpus -> digest, as in the result files")
    predictions: dict[str, str] = Field(description="model -> digest of its predictions, as in the result files")
    rows: list[RankRow]
    pairs: list[PairRow] = Field(default_factory=list)


class Curve(Document):
    """The ROC curve of one model: pd over the grid of pfa of its file, with a pointwise band."""

    model: str
    pd: list[float]
    low: list[float]
    high: list[float]


class CurveFile(Document):
    """`_curves/<track>/<task-id>.json`: ROC curves of all models on one task."""

    schema_id: Literal["xraybench.curves/1"] = "xraybench.curves/1"
    task: str
    track: str
    method: str = Field(description="how the band was computed")
    dataset: str = Field(
        default="", description="imported body of data, as in the result files; empty for simulated data"
    )
    corpora: dict[str, str]
    predictions: dict[str, str] = Field(description="model -> digest of its predictions, as in the result files")
    pfa: list[float] = Field(description="grid, rising, within [0, 1]")
    curves: list[Curve]


@runtime_checkable
class SelfChecking(Protocol):
    """A document of another file that says itself what is wrong with its content and place."""

    def content_faults(self, path: Path) -> list[str]: ...


D = TypeVar("D", ResultFile, RankFile, CurveFile)


def save(result_file: ResultFile, folder: Path) -> Path:
    """Write one result file under `folder`, atomically, one line a number, and return its path.

    Raises:
        BadValue: The model's name or the task id cannot be the name of a file.
    """
    task_of(result_file.task)
    return _write(folder / checked_model(result_file.model) / f"{stem_of(result_file)}.json", result_file)


def save_ranks(rank_file: RankFile, folder: Path) -> Path:
    """Write the rank sets of one task and track under the results folder, and return their path."""
    task_of(rank_file.task)
    return _write(folder / RANKS / rank_file.track / f"{stem_of(rank_file)}.json", rank_file)


def save_curves(curve_file: CurveFile, folder: Path) -> Path:
    """Write the ROC curves of one task and track under the results folder, and return their path."""
    task_of(curve_file.task)
    return _write(folder / CURVES / curve_file.track / f"{stem_of(curve_file)}.json", curve_file)


def stem_of(document: ResultFile | RankFile | CurveFile) -> str:
    """Name of a document's file without its ending: the task, and the dataset where the data were imported."""
    return f"{document.task}@{document.dataset}" if document.dataset else document.task


def load_results(folder: Path, *, model: str = "") -> list[ResultFile]:
    """All result files under a folder, by model and task; of one model where it is named.

    Raises:
        BadFile: Naming every file that is broken, or lies where its content does not belong.
    """
    paths = sorted(p for p in folder.glob(f"{model or '*'}/*.json") if not p.parent.name.startswith("_"))
    return _read_all(folder, paths, ResultFile)


def load_ranks(folder: Path) -> list[RankFile]:
    """All rank sets beside the results of a folder. Raises BadFile like `load_results`."""
    return _read_all(folder, sorted((folder / RANKS).glob("*/*.json")), RankFile)


def load_curves(folder: Path) -> list[CurveFile]:
    """All ROC curves beside the results of a folder. Raises BadFile like `load_results`."""
    return _read_all(folder, sorted((folder / CURVES).glob("*/*.json")), CurveFile)


def find(
    result_file: ResultFile, metric: str, at: float | None = None, slice_axis: str = "", slice_value: str = ""
) -> ResultRow | None:
    """The row of one metric, operating point and slice, or None where the run did not compute it."""
    for row in result_file.rows:
        if (row.metric, row.at, row.slice_axis, row.slice_value) == (metric, at, slice_axis, slice_value):
            return row
    return None


def frame(result_files: Iterable[ResultFile]) -> pd.DataFrame:
    """Every number of these files as one long table: the columns of `FRAME_COLUMNS`, in file and row order."""
    return pd.DataFrame([cells for file in result_files for cells in flat_rows(file)], columns=list(FRAME_COLUMNS))


def table(
    result_files: ResultFile | Sequence[ResultFile],
    *,
    metric: str = "pd",
    at: float | None = 0.05,
    slices: str = "",
) -> pd.DataFrame:
    """One metric of these files for people: a row a file, or a row a file and slice.

    Args:
        result_files: One or several.
        metric: Name of the metric.
        at: Its operating point; ignored for a metric that has none.
        slices: An axis (`concealment`, `threat`, `sensor`, `size`, `shape`); empty for the whole task.

    Returns:
        Columns task, model, track, the axis where one is asked for, the metric as `value [low, high]`, n_threats,
        n_items, reason. Columns that hold the same in all rows, task and track, are kept: a table travels.
    """
    files = [result_files] if isinstance(result_files, ResultFile) else list(result_files)
    rows = [
        {
            "task": file.task,
            "model": file.model,
            "track": file.track,
            **({slices: row.slice_value} if slices else {}),
            text.metric_label(metric, row.at): text.value_with_interval(row),
            "n_threats": row.n_threats,
            "n_items": row.n_items,
            "reason": row.reason,
        }
        for file in files
        for row in file.rows
        if row.metric == metric and row.slice_axis == slices and (row.at is None or row.at == at)
    ]
    return pd.DataFrame(rows)


def flat_rows(file: ResultFile) -> list[tuple[Any, ...]]:
    """The numbers of one file as tuples along `FRAME_COLUMNS`."""
    task = task_of(file.task)
    head = (
        file.task,
        task.vector,
        task.threat,
        task.concealment,
        task.sensor,
        file.model,
        file.track,
        file.is_simulated,
    )
    tail = (file.profile, file.seed, file.predictions_digest, file.version, file.dataset, file.code_digest)
    return [
        (
            *head,
            row.metric,
            row.at,
            row.slice_axis,
            row.slice_value,
            row.value,
            row.low,
            row.high,
            row.interval,
            row.n_items,
            row.n_threats,
            row.reason,
            *tail,
        )
        for row in file.rows
    ]


def every_metric(result_file: ResultFile) -> pd.DataFrame:
    """Every number of the whole task, a row each: measure, `value [low, high]`, n_items, n_threats, interval, reason."""
    rows = [
        {
            "measure": text.metric_label(row.metric, row.at),
            "value [95 % interval]": text.value_with_interval(row),
            "n_items": row.n_items,
            "n_threats": row.n_threats,
            "interval": row.interval,
            "reason": row.reason,
        }
        for row in result_file.rows
        if not row.slice_axis
    ]
    return pd.DataFrame(rows)


def heat_rows(result_files: Iterable[ResultFile], *, metric: str = "pd", at: float | None = 0.05) -> pd.DataFrame:
    """The cells of a heat map of threat, concealment and sensor: a row a model and task, axes at `any` among them.

    Returns:
        Columns model, track, dataset, task, vector, threat, concealment, sensor, value, low, high, n_threats, reason; files
        that lack the metric give no row.
    """
    rows = []
    for file in result_files:
        row = find(file, metric, at)
        if row is not None:
            task = task_of(file.task)
            axes = {name: getattr(task, name) for name in ("vector", "threat", "concealment", "sensor")}
            told = {name: getattr(row, name) for name in ("value", "low", "high", "n_threats", "reason")}
            rows.append(
                {"model": file.model, "track": file.track, "dataset": file.dataset, "task": file.task, **axes, **told}
            )
    columns = ["model", "track", "dataset", "task", "vector", "threat", "concealment", "sensor"]
    return pd.DataFrame(rows, columns=[*columns, "value", "low", "high", "n_threats", "reason"])


def rank_table(rank_file: RankFile) -> pd.DataFrame:
    """The ranks of one task and track, best first: band, ranks for all models at once, ranks alone, model, estimate."""
    rows = [
        {
            "band": text.band_letter(row.band),
            "ranks": text.ranks(row.rank_low, row.rank_high),
            "ranks, this model alone": text.ranks(row.marginal_low, row.marginal_high)
            if row.marginal_low and row.marginal_high
            else text.NOT_AVAILABLE,
            "model": row.model,
            text.metric_label(rank_file.metric, rank_file.at): text.number(row.estimate, rank_file.metric),
        }
        for row in sorted(rank_file.rows, key=lambda row: (row.band, row.rank_low, -row.estimate, row.model))
    ]
    return pd.DataFrame(rows)


def models_on(board: Path) -> list[str]:
    """Names of the models that a board folder holds results of."""
    return sorted({path.parent.name for path in (board / "results").glob("*/*.json")} - _beside(board / "results"))


def main_result(model: str, board: Path, *, task: str = "", dataset: str | None = None) -> ResultFile:
    """One model's result on one task of a board.

    Args:
        model: A model on the board; empty takes the one with the highest value of the main metric.
        board: Folder of the board, with `results/` in it.
        task: A task id; empty takes the widest task of the model, the one with most axes at `any`.
        dataset: Key of an imported body of data, empty for simulated data; None takes all.

    Raises:
        UnknownName: No such model is on the board, or it has no result on this task.
    """
    known = models_on(board)
    if model and model not in known:
        raise UnknownName(f"No model on the board is called '{model}'. {did_you_mean(model, known)}")
    files = [f for f in load_results(board / "results", model=model) if f.task == (task or f.task)]
    files = [f for f in files if dataset is None or f.dataset == dataset]
    if not files:
        raise UnknownName(f"The board holds no result of {model or 'any model'}{f' on {task}' if task else ''}.")
    return min(files, key=lambda f: (-n_any(task_of(f.task)), f.task, -_main_value(f), f.model))


def _main_value(file: ResultFile) -> float:
    task = task_of(file.task)
    row = find(file, task.main_metric, task.pfa_points[0])
    return -math.inf if row is None or math.isnan(row.value) else row.value


def _beside(results: Path) -> set[str]:
    return {path.name for path in results.glob("_*")}


@cache
def task_of(task_id: str) -> Task:
    """The task of an id: the declared one, or, for an imported dataset, one with the axes that the id names.

    Raises:
        BadValue: The id does not read `vector-threat-concealment-sensor-vN`.
    """
    parts = _TASK_ID.fullmatch(task_id)
    if parts is None:
        raise BadValue(f"'{task_id}' is no task id: one reads vector-threat-concealment-sensor-vN.")
    vector, threat, concealment, sensor, version = parts.groups()
    return _declared().get(task_id) or Task(vector, threat, concealment, sensor, int(version))


@cache
def _declared() -> dict[str, Task]:
    return {task.id: task for task in tasks.select()}


def n_any(task: Task) -> int:
    """How many of a task's three free axes stand at `any`: 3 for the widest task of a suite."""
    return [task.threat, task.concealment, task.sensor].count(ANY)


def _write(path: Path, document: Document) -> Path:
    write_text(path, render_document(document))
    return path


def render_document(document: Document) -> str:
    """JSON with one line a field, and one line a row in lists of rows: compact, and a diff shows which number moved."""
    lines = []
    for name in type(document).model_fields:
        value = getattr(document, name)
        if isinstance(value, list) and value and isinstance(value[0], Document):
            rows = ",\n  ".join(_compact(row.model_dump(mode="json", exclude_defaults=True)) for row in value)
            lines.append(f" {_compact(name)}: [\n  {rows}\n ]")
        else:
            lines.append(f" {_compact(name)}: {_compact(document.model_dump(mode='json', include={name})[name])}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _read_all(folder: Path, paths: list[Path], kind: type[D]) -> list[D]:
    if not folder.is_dir():
        raise BadFile(f"{folder}: there is no such folder of results.")
    documents: list[D] = []
    faults: list[str] = []
    for path in paths:
        try:
            document = kind.model_validate_json(path.read_bytes())
        except ValidationError as error:
            faults += [f"{path.relative_to(folder)}: {fault}" for fault in field_faults(error)]
            continue
        except OSError as error:
            faults.append(f"{path.relative_to(folder)}: cannot be read ({error.strerror})")
            continue
        faults += [f"{path.relative_to(folder)}: {fault}" for fault in content_faults(document, path)]
        documents.append(document)
    if faults:
        shown = faults[:_MOST_SHOWN] + (
            [f"... and {len(faults) - _MOST_SHOWN} more"] if len(faults) > _MOST_SHOWN else []
        )
        count = f"{len(faults)} fault{'s' if len(faults) > 1 else ''}"
        raise BadFile(f"{folder}: {count} in the files of results\n  " + "\n  ".join(shown))
    return documents


def content_faults(document: ResultFile | RankFile | CurveFile | SelfChecking, path: Path) -> list[str]:
    """What a schema cannot say: the file lies where it belongs, and its numbers agree with one another."""
    if not isinstance(document, ResultFile | RankFile | CurveFile):
        return document.content_faults(path)
    faults = []
    try:
        task_of(document.task)
    except BadValue as error:
        return [str(error)]
    if path.stem != stem_of(document):
        faults.append(f"task: the file says '{stem_of(document)}', its name says '{path.stem}'")
    owner, field = (document.model, "model") if isinstance(document, ResultFile) else (document.track, "track")
    if path.parent.name != owner:
        faults.append(f"{field}: the file says '{owner}', its folder says '{path.parent.name}'")
    if MODEL_NAME.fullmatch(document.track) is None:
        faults.append(f"track: {document.track!r} is no name of a track")
    if isinstance(document, ResultFile):
        faults += _row_faults(document)
        if document.dataset and (document.is_simulated or document.dataset in vocabulary.names("vector")):
            faults.append(f"dataset: '{document.dataset}' is no key of imported data, so real and simulated might mix")
        if MODEL_NAME.fullmatch(document.model) is None:
            faults.append(f"model: {document.model!r} is no name of a model")
    if isinstance(document, CurveFile):
        n = len(document.pfa)
        uneven = [c.model for c in document.curves if not len(c.pd) == len(c.low) == len(c.high) == n]
        faults += [f"curve of {model}: not as many points as the grid of pfa ({n})" for model in uneven]
    return faults


def _row_faults(file: ResultFile) -> list[str]:
    faults = []
    seen: set[tuple[str, float | None, str, str]] = set()
    for index, row in enumerate(file.rows):
        where = f"rows.{index} ({row.metric}{f' {row.slice_axis}={row.slice_value}' if row.slice_axis else ''})"
        key = (row.metric, row.at, row.slice_axis, row.slice_value)
        if key in seen:
            faults.append(f"{where}: stands twice")
        seen.add(key)
        if math.isnan(row.value) and not row.reason:
            faults.append(f"{where}: the value is null and no reason is given")
        if row.n_threats > row.n_items:
            faults.append(f"{where}: {row.n_threats} threats among {row.n_items} items")
        if row.low > row.high:
            faults.append(f"{where}: low {row.low:g} is above high {row.high:g}")
    return faults
