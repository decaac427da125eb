"""Cells of the tables of a board, written fast: a page of a thousand models holds tens of thousands.

Each function returns a list of cells, one a model, so that a table is its columns side by side. A number that is undefined
is printed as n/a with a mark that leads to its reason.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape

from xraybench.report import text
from xraybench.report.board import Column
from xraybench.report.colours import shade_index


@dataclass
class Notes:
    """The reasons for undefined values on one page, in order of first appearance."""

    reasons: list[str] = field(default_factory=list)
    _cells: dict[str, str] = field(default_factory=dict)

    def cell(self, reason: str) -> str:
        """The cell of an undefined number."""
        if reason not in self._cells:
            self.reasons.append(reason)
            mark = len(self.reasons)
            self._cells[reason] = (
                f'<td class="na"><abbr title="{escape(reason)}">n/a</abbr>'
                f'<sup><a href="#why-{mark}" aria-label="reason {mark}">{mark}</a></sup></td>'
            )
        return self._cells[reason]


def numbers(
    column: Column, notes: Notes, *, best: Sequence[bool] = (), classes: Sequence[str] = (), marks: Sequence[str] = ()
) -> list[str]:
    """A column with its intervals.

    Args:
        column: What to write.
        notes: Collects reasons.
        best: For each model, whether it may be the best: written bold.
        classes: A class for each cell, empty for none.
        marks: Text after each number.
    """
    form = _form(column.metric)
    whole = f"<td>{form}<small>[{form}, {form}]</small></td>"
    cells = []
    for i, (value, low, high) in enumerate(zip(*_lists(column), strict=True)):
        if math.isnan(value):
            cells.append(notes.cell(column.reasons[i]))
            continue
        is_marked = (best and best[i]) or (marks and marks[i]) or (classes and classes[i])
        if not is_marked and low == low and high == high:  # most cells of most tables
            cells.append(whole % (value, low, high))
            continue
        is_best = bool(best) and best[i]
        named = " ".join(part for part in (classes[i] if classes else "", "best" if is_best else "") if part)
        head = f'<td class="{named}">' if named else "<td>"
        said = '<span class="sr"> (may be the best)</span>' if is_best else ""
        mark = marks[i] if marks else ""
        cells.append(f"{head}{form % value}{mark}{_interval(low, high, form)}{said}</td>")
    return cells


def heats(column: Column, notes: Notes, classes: Sequence[str] = ()) -> list[str]:
    """A column of shares on a shade each."""
    form = _form(column.metric)
    cells = []
    for i, (value, low, high) in enumerate(zip(*_lists(column), strict=True)):
        if math.isnan(value):
            cells.append(notes.cell(column.reasons[i]))
            continue
        extra = f" {classes[i]}" if classes and classes[i] else ""
        cells.append(f'<td class="h{shade_index(value)}{extra}">{form % value}{_interval(low, high, form)}</td>')
    return cells


def whiskers(column: Column, notes: Notes, low_end: float, high_end: float, best: Sequence[bool]) -> list[str]:
    """A column with its intervals drawn on the stretch between two ends."""
    scale = 100 / (high_end - low_end)
    cells = numbers(column, notes, best=best)
    drawn = []
    for cell, value, low, high in zip(cells, *_lists(column), strict=True):
        if math.isnan(value) or math.isnan(low) or math.isnan(high):
            drawn.append(cell)
            continue
        ends = [scale * (end - low_end) for end in (low, value, high)]
        drawn.append(f'{cell[:-5]}<i class="w" style="--a:{ends[0]:.1f};--b:{ends[1]:.1f};--c:{ends[2]:.1f}"></i></td>')
    return drawn


def held(column: Column, target: float) -> list[str]:
    """A mark where the whole interval of an achieved pfa lies on one side of its target."""
    return [
        " ▲ above" if low > target else " ▼ below" if high < target else ""
        for low, high in zip(column.low.tolist(), column.high.tolist(), strict=True)
    ]


def ranks(low: Iterable[int], high: Iterable[int], band: Iterable[int], notes: Notes) -> list[str]:
    """Rank sets with the letter of the band."""
    missing = "no rank sets were computed for this task and track"
    return [
        f'<td class="left ranks">{text.ranks(a, b)} <span class="band"><span class="sr">band </span>'
        f"{text.band_letter(c)}</span></td>"
        if c
        else notes.cell(missing)
        for a, b, c in zip(low, high, band, strict=True)
    ]


def words(values: Iterable[str], css: str = "left") -> list[str]:
    """A column of plain text."""
    return [f'<td class="{css}">{plain(value)}</td>' for value in values]


def plain(value: str) -> str:
    """Text as it can stand in a page."""
    return value if value.isalnum() else escape(value)


def rows(columns: Sequence[Sequence[str]], classes: Sequence[str] = ()) -> str:
    """Columns of cells as the rows of a table."""
    if not classes:
        return "\n".join(f"<tr>{''.join(row)}</tr>" for row in zip(*columns, strict=True))
    heads = [f'<tr class="{name}">' if name else "<tr>" for name in classes]
    return "\n".join(f"{h}{''.join(row)}</tr>" for h, row in zip(heads, zip(*columns, strict=True), strict=True))


def axis_of(column: Column) -> tuple[float, float]:
    """The stretch of [0, 1], in steps of 0.1, that holds every interval of a column."""
    known = [v for v in (*column.low.tolist(), *column.high.tolist()) if not math.isnan(v)]
    if not known:
        return 0.0, 1.0
    low, high = math.floor(10 * min(known)) / 10, math.ceil(10 * max(known)) / 10
    return (low, high) if high > low else (low, low + 0.1)


def _lists(column: Column) -> tuple[list[float], list[float], list[float]]:
    return column.value.tolist(), column.low.tolist(), column.high.tolist()


def _form(metric: str) -> str:
    return f"%.{text.decimals(metric)}f"


def _interval(low: float, high: float, form: str) -> str:
    return "" if math.isnan(low) or math.isnan(high) else f"<small>[{form % low}, {form % high}]</small>"
