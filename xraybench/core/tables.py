"""Tables with declared columns, checked at every door, all faults at once."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from xraybench.core import digest, vocabulary
from xraybench.core.errors import BadTable

_DTYPES = {"text": "str", "float": "float64", "int": "int64", "bool": "bool"}
_MOST_ROWS_NAMED = 5  # per column: the reader needs examples, not a listing


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its kind, unit, range and whether a cell may be missing."""

    name: str
    kind: str  # "text", "float", "int" or "bool"
    meaning: str
    low: float = -np.inf
    high: float = np.inf
    terms: tuple[str, ...] = ()
    may_miss: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its columns in order and the columns that together name a row."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()

    @property
    def column_names(self) -> list[str]:
        return [column.name for column in self.columns]


def _text(name: str, meaning: str, *, terms: tuple[str, ...] = (), may_miss: bool = False) -> Column:
    return Column(name, "text", meaning, terms=terms, may_miss=may_miss)


_BOX = (
    Column("x0", "float", "left edge of the box, pixel", low=0, may_miss=True),
    Column("y0", "float", "top edge of the box, pixel", low=0, may_miss=True),
    Column("x1", "float", "right edge of the box, pixel, exclusive", low=0, may_miss=True),
    Column("y1", "float", "bottom edge of the box, pixel, exclusive", low=0, may_miss=True),
)
_VIEW = Column("view", "int", "index of the view within the scan", low=0)

SCANS = Table(
    "scans",
    (
        _text("scan_id", "opaque id, unique over all corpora"),
        _text("item_id", "the inspected item; one item may be scanned by several sensors"),
        _text("corpus", "vector-sensor"),
        _text("vector", "vector of the item", terms=vocabulary.names("vector")),
        _text("sensor", "sensor id, or unknown"),
        Column("n_views", "int", "number of views", low=1),
        Column("height", "int", "height of every view, pixel", low=1),
        Column("width", "int", "width of every view, pixel", low=1),
        _text("declared", "what the manifest declares: an HS chapter, empty, or nothing", may_miss=True),
    ),
    key=("scan_id",),
)

ITEMS = Table(
    "items",
    (
        _text("item_id", "the inspected item"),
        _text("split", "which part the item belongs to", terms=vocabulary.SPLITS),
        _text("site", "the administration's location, or unknown"),
        _text("label_source", "simulated, physical_search, expert, manifest, tip, folder or unknown"),
    ),
    key=("item_id",),
)

OBJECTS = Table(
    "objects",
    (
        _text("scan_id", "the scan the object is seen in"),
        _text("item_id", "the item the object is in"),
        Column("object_index", "int", "index of the object within the scan", low=0),
        _text("threat", "what it is", terms=vocabulary.names("threat")),
        _text("kind", "which thing it is, such as pistol; empty where nobody said", may_miss=True),
        _text(
            "shape",
            "whether such a shape occurs among the train items, or unknown",
            terms=(*vocabulary.SHAPES, vocabulary.UNKNOWN),
        ),
        _text(
            "concealment", "how it is hidden, or unknown", terms=(*vocabulary.names("concealment"), vocabulary.UNKNOWN)
        ),
        _VIEW,
        *_BOX,
        Column("area_px", "float", "pixels of the silhouette (or of the box)", low=0, may_miss=True),
        Column("view_share", "float", "silhouette as a share of the view", low=0, high=1, may_miss=True),
    ),
    key=("scan_id", "object_index", "view"),
)

TARGETS = (vocabulary.ANY, *vocabulary.names("threat"))
RECORDS = ("scan", "score", "box")
STATUSES = ("ok", "failed", "timeout", "refused")

PREDICTIONS = Table(
    "predictions",
    (
        _text("model", "name of the model, the same in every row"),
        _text("corpus", "corpus of the scan"),
        _text("dataset_digest", "digest of that corpus, as `xraybench data check` prints it"),
        _text("scan_id", "the scan"),
        _text("record", "kind of row", terms=RECORDS),
        _text("status", "of a scan row: how the scan was handled", terms=STATUSES, may_miss=True),
        Column("latency_ms", "float", "of a scan row: time from scan to score, ms", low=0, may_miss=True),
        _text("target", "of a score or box row: any, or a threat", terms=TARGETS, may_miss=True),
        Column("score", "float", "of a score or box row, higher means more suspicious", low=0, high=1, may_miss=True),
        Column("view", "int", "of a box row: view index; 0 elsewhere", low=0),
        *_BOX,
    ),
)


def check(frame: pd.DataFrame, table: Table, *, source: str, first_row: int = 1) -> pd.DataFrame:
    """The frame with exactly the declared columns, in order and in their types.

    Args:
        frame: What was read. Extra columns are a fault, so that a misspelt one cannot pass for a missing one.
        table: The declaration.
        source: What to call the table in a message: usually the file's name.
        first_row: Number of the first data row in messages (2 for a CSV file with a header line).

    Raises:
        BadTable: With every fault found: missing and unknown columns, wrong types, missing cells, values out of range
            or vocabulary, duplicate keys.
    """
    faults = _column_faults(frame, table)
    if faults:
        raise BadTable(source, faults)
    checked = pd.DataFrame(index=pd.RangeIndex(len(frame)))
    for column in table.columns:
        cells, found = _typed(frame[column.name].reset_index(drop=True), column, first_row)
        checked[column.name] = cells
        faults += found
    faults += _key_faults(checked, table, first_row)
    if faults:
        raise BadTable(source, faults)
    return checked


def empty(table: Table) -> pd.DataFrame:
    """A frame of the declared columns and types without rows."""
    return pd.DataFrame({c.name: pd.Series(dtype=_DTYPES[c.kind]) for c in table.columns})


def digest_of(frame: pd.DataFrame, table: Table) -> str:
    """Digest of the declared columns in row order."""
    columns = table.column_names
    return digest.of_rows(columns, zip(*(frame[c].tolist() for c in columns), strict=True))


def _column_faults(frame: pd.DataFrame, table: Table) -> list[str]:
    from xraybench.core.registry import did_you_mean

    wanted, got = table.column_names, [str(c) for c in frame.columns]
    faults = [f"column '{name}' is missing ({_meaning(table, name)})" for name in wanted if name not in got]
    faults += [f"column '{name}' is unknown. {did_you_mean(name, wanted)}" for name in got if name not in wanted]
    faults += [f"column '{name}' stands twice" for name in sorted({n for n in got if got.count(n) > 1})]
    return faults


def _meaning(table: Table, name: str) -> str:
    return next(c.meaning for c in table.columns if c.name == name)


def _typed(cells: "pd.Series", column: Column, first_row: int) -> tuple["pd.Series", list[str]]:
    """The cells in their declared type and the faults among them."""
    missing = cells.isna() | (cells.astype("object") == "")
    faults: list[str] = []
    if not column.may_miss and column.kind != "text":
        faults += _told(missing, cells, column, first_row, "is missing")
    if column.kind == "text":
        if not column.may_miss:
            faults += _told(missing, cells, column, first_row, "is missing")
        typed = cells.astype("object").where(~missing, "").map(str).astype(_DTYPES["text"])
        if column.terms:
            wrong = ~missing & ~typed.isin(column.terms)
            allowed = ", ".join(column.terms[:15])
            faults += _told(wrong, cells, column, first_row, f"is not one of: {allowed}")
        return typed, faults
    numbers = pd.to_numeric(cells.where(~missing), errors="coerce")
    faults += _told(numbers.isna() & ~missing, cells, column, first_row, "is not a number")
    if column.kind in ("int", "bool"):
        fractional = numbers.notna() & (numbers != numbers.round())
        faults += _told(fractional, cells, column, first_row, "is not a whole number")
    outside = numbers.notna() & ((numbers < column.low) | (numbers > column.high) | np.isinf(numbers))
    faults += _told(outside, cells, column, first_row, f"is outside [{column.low:g}, {column.high:g}]")
    if column.kind in ("int", "bool"):
        return numbers.fillna(0).astype(_DTYPES[column.kind]), faults
    return numbers.astype("float64"), faults


def _told(wrong: "pd.Series", cells: "pd.Series", column: Column, first_row: int, what: str) -> list[str]:
    rows = np.flatnonzero(wrong.to_numpy())
    told = [
        f"row {row + first_row}, {column.name}: {'' if what == 'is missing' else _shown(cells.iloc[row]) + ' '}{what}"
        for row in rows[:_MOST_ROWS_NAMED]
    ]
    if len(rows) > _MOST_ROWS_NAMED:
        told.append(f"{column.name}: {len(rows) - _MOST_ROWS_NAMED} more rows where it {what}")
    return told


def _shown(cell: object) -> str:
    return repr(cell.item() if isinstance(cell, np.generic) else cell)


def _key_faults(frame: pd.DataFrame, table: Table, first_row: int) -> list[str]:
    if not table.key:
        return []
    again = frame.duplicated(list(table.key))
    return [
        f"row {row + first_row}: {', '.join(f'{k} {frame[k].iloc[row]!r}' for k in table.key)} stands twice"
        for row in np.flatnonzero(again.to_numpy())[:_MOST_ROWS_NAMED]
    ]


def box_faults(frame: pd.DataFrame, *, first_row: int = 1) -> list[str]:
    """Boxes whose right or bottom edge does not lie beyond the left or top edge."""
    faults = []
    for low, high in (("x0", "x1"), ("y0", "y1")):
        wrong = (frame[high] <= frame[low]).to_numpy()
        for row in np.flatnonzero(wrong)[:_MOST_ROWS_NAMED]:
            right, left = frame[high].iloc[row], frame[low].iloc[row]
            faults.append(f"row {row + first_row}, {high}: {right:g} is not beyond {low} ({left:g})")
    return faults
