"""The numbers of each field of a card: copies of rows of result files, each with the file and row it was taken from."""

import math
from collections.abc import Callable, Iterator

from xraybench.core.cards import CardField, CardNumber
from xraybench.core.documents import ResultRow
from xraybench.core.vocabulary import ANY
from xraybench.report import text
from xraybench.report.board import term_order
from xraybench.report.card_sources import MAIN_METRIC, Body, Kept, Sources, slice_rows
from xraybench.report.results import find, task_of

_COPIED = {"metric", "at", "slice_axis", "slice_value", "value", "low", "high", "n_items", "n_threats", "reason"}
_CALIBRATION = ("brier", "ece")
_METRIC_ORDER = ("pd", "pfa", "auroc", "average_precision", "localisation_hit_rate")


def numbers_of(field: CardField, sources: Sources) -> Iterator[CardNumber]:
    """The numbers of one field, body of data by body of data."""
    for body in sources.bodies:
        yield from _NUMBERS.get(field.key, _no_numbers)(sources, body)


def _no_numbers(_: Sources, __: Body) -> Iterator[CardNumber]:
    return iter(())


def _metric_numbers(_: Sources, body: Body) -> Iterator[CardNumber]:
    rows = [r for r in body.main.file.rows if not r.slice_axis and not _is_elsewhere(r.metric)]
    for row in sorted(rows, key=_metric_order):
        yield _number("metrics", "The whole task", text.metric_label(row.metric, row.at), body.main, row)


def _is_elsewhere(metric: str) -> bool:
    return metric in _CALIBRATION or text.is_milliseconds(metric)


def _metric_order(row: ResultRow) -> tuple[int, str, float]:
    known = row.metric in _METRIC_ORDER
    return (_METRIC_ORDER.index(row.metric) if known else len(_METRIC_ORDER), row.metric, -(row.at or 0.0))


def _slice_numbers(_: Sources, body: Body) -> Iterator[CardNumber]:
    rows = slice_rows(body)
    told = [row for row in rows if not math.isnan(row.value)]
    worst = min(told, key=lambda row: row.value) if len(told) > 1 else None
    for row in rows:
        remark = "worst" if row is worst else ""
        table = f"pd at pfa {body.at:g}, at the task's own threshold"
        label = f"{row.slice_axis}: {text.term(row.slice_value)}"
        yield _number("slices", table, label, body.main, row, remark=remark)
    yield from _concealment_by_sensor(body)


def _concealment_by_sensor(body: Body) -> Iterator[CardNumber]:
    """Each cell is a task of its own, with its own threshold."""
    cells = [k for k in body.kept.values() if _is_cell(k, body)]
    order = sorted(
        cells, key=lambda k: (term_order(task_of(k.file.task).concealment), term_order(task_of(k.file.task).sensor))
    )
    for kept in order:
        task = task_of(kept.file.task)
        row = find(kept.file, MAIN_METRIC, body.at)
        if row is not None:
            column = f"scanner {task.sensor}"
            table = f"pd at pfa {body.at:g}, concealment by scanner; each cell is a task of its own"
            yield _number("slices", table, text.term(task.concealment), kept, row, column=column)


def _is_cell(kept: Kept, body: Body) -> bool:
    task = task_of(kept.file.task)
    axes = (task.threat, task.concealment, task.sensor)
    is_newest = task.version == max(t.version for t in body.tasks if (t.threat, t.concealment, t.sensor) == axes)
    return is_newest and task.threat == body.task.threat and ANY not in (task.concealment, task.sensor)


def _calibration_numbers(_: Sources, body: Body) -> Iterator[CardNumber]:
    for metric in _CALIBRATION:
        if row := find(body.main.file, metric):
            yield _number("calibration", "Scores as probabilities", text.metric_label(metric), body.main, row)
    for point in body.task.pfa_points:
        if row := find(body.main.file, "pfa", point):
            label = f"target {point:g}"
            yield _number("calibration", "False alarms asked and achieved", label, body.main, row)


def _robustness_numbers(sources: Sources, body: Body) -> Iterator[CardNumber]:
    for row in slice_rows(body, "sensor"):
        trained = sources.trained_on
        remark = "" if not trained else "trained on" if row.slice_value in trained else "not trained on"
        table = f"pd at pfa {body.at:g} by scanner"
        yield _number("robustness", table, row.slice_value, body.main, row, remark=remark)


def _equity_numbers(_: Sources, body: Body) -> Iterator[CardNumber]:
    entries = [*slice_rows(body, "sensor"), *slice_rows(body, "site")]
    told = [row for row in entries if not math.isnan(row.value)]
    if len(told) > 1:
        row = min(told, key=lambda entry: entry.value)
        label = f"{row.slice_axis} {row.slice_value}"
        yield _number("equity", "Protection: the scanner or site where least is found, pd", label, body.main, row)
    table = "Burden: false alarms per lawful item (0.05 is 50 in 1,000)"
    for row in [*slice_rows(body, "sensor", "pfa"), *slice_rows(body, "site", "pfa")]:
        remark = "more than asked" if row.low > body.at else ""  # NaN is not
        yield _number("equity", table, f"{row.slice_axis} {row.slice_value}", body.main, row, remark=remark)


def _deployment_numbers(_: Sources, body: Body) -> Iterator[CardNumber]:
    for row in body.main.file.rows:
        if text.is_milliseconds(row.metric) and not row.slice_axis:
            label = text.metric_label(row.metric, row.at)
            yield _number("deployment", "From a scan to its score", label, body.main, row)


_NUMBERS: dict[str, Callable[[Sources, Body], Iterator[CardNumber]]] = {
    "metrics": _metric_numbers,
    "slices": _slice_numbers,
    "calibration": _calibration_numbers,
    "robustness": _robustness_numbers,
    "equity": _equity_numbers,
    "deployment": _deployment_numbers,
}


def _number(
    field: str, table: str, row_name: str, kept: Kept, row: ResultRow, *, column: str = "", remark: str = ""
) -> CardNumber:
    return CardNumber(
        field=field,
        table=table,
        row=row_name,
        column=column,
        result=kept.path,
        remark=remark,
        **row.model_dump(include=_COPIED),
    )
