"""Prediction files: what a model said about a scan set, as Parquet or CSV, checked at the door.

A vendor's file and the output of our own networks are the same table (`core.tables.PREDICTIONS`). Whether the file
fits a given scan set (every scan looked at, right dataset digest) is asked where it is used, not here.
"""

import io
from pathlib import Path

import numpy as np
import pandas as pd

from xraybench.core import tables
from xraybench.core.documents import write_bytes
from xraybench.core.errors import BadFile, BadTable
from xraybench.core.types import Predictions

SUFFIXES = (".parquet", ".csv")
SCORE_DECIMALS = 6
_MOST_ROWS_NAMED = 5
_BOX = ("x0", "y0", "x1", "y1")


def read_predictions(path: Path | str) -> Predictions:
    """Read a prediction file, by its suffix.

    Raises:
        BadFile: There is no such file, its suffix is not known, or its bytes are not what the suffix says.
        BadTable: With every fault of the table: columns, types, ranges, missing scores or status, boxes inside out,
            rows that stand twice, more than one model name, two digests for one corpus.
    """
    path = Path(path)
    frame = _read_frame(path)
    first_row = 2 if path.suffix == ".csv" else 1
    checked = check_predictions(frame, source=path.name, first_row=first_row)
    return Predictions(str(checked["model"].iloc[0]), checked)


def write_predictions(path: Path | str, predictions: Predictions) -> None:
    """Write a prediction file, by its suffix: atomically, scores to 6 decimals, Parquet compressed with zstd.

    Raises:
        BadFile: The suffix is not known.
        BadTable: The table breaks the declaration; nothing is written.
    """
    path = Path(path)
    _check_suffix(path)
    table = check_predictions(predictions.table, source=path.name).assign(
        score=lambda frame: frame["score"].round(SCORE_DECIMALS)
    )
    buffer = io.BytesIO()
    if path.suffix == ".csv":
        table.to_csv(buffer, index=False, lineterminator="\n")
    else:
        table.to_parquet(buffer, index=False, compression="zstd")
    write_bytes(path, buffer.getvalue())


def check_predictions(frame: pd.DataFrame, *, source: str, first_row: int = 1) -> pd.DataFrame:
    """The frame in its declared types.

    Args:
        frame: Rows as they were read.
        source: What to call the table in a message.
        first_row: Number of the first data row in messages (2 for a CSV file with a header line).

    Raises:
        BadTable: With every fault found.
    """
    faults: list[str] = []
    try:
        checked = tables.check(frame, tables.PREDICTIONS, source=source, first_row=first_row)
    except BadTable as error:
        faults, checked = list(error.faults), frame
    if set(tables.PREDICTIONS.column_names) <= set(map(str, frame.columns)) and frame.columns.is_unique:
        faults += _row_faults(_loose(checked), first_row)
    if faults:
        raise BadTable(source, faults)
    return checked


def _read_frame(path: Path) -> pd.DataFrame:
    _check_suffix(path)
    if not path.is_file():
        raise BadFile(f"{path}: there is no such file.")
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        return pd.read_csv(path, dtype=str, keep_default_na=False)
    except (ValueError, OSError) as error:  # pyarrow's and the parser's errors are of these families
        kind = "Parquet" if path.suffix == ".parquet" else "CSV in UTF-8"
        raise BadFile(f"{path}: cannot be read as {kind} ({str(error).splitlines()[0][:200]}).") from None


def _check_suffix(path: Path) -> None:
    if path.suffix not in SUFFIXES:
        raise BadFile(f"{path}: a prediction file ends in {' or '.join(SUFFIXES)}, not in '{path.suffix}'.")


def _loose(frame: pd.DataFrame) -> pd.DataFrame:
    """Cells as text or number whatever came in, so that the rules between columns can be asked of a faulty table too."""
    loose = {}
    for column in tables.PREDICTIONS.columns:
        cells = frame[column.name].reset_index(drop=True)
        if column.kind == "text":
            loose[column.name] = cells.astype("object").where(cells.notna(), "").map(str)
        else:
            loose[column.name] = pd.to_numeric(cells, errors="coerce").astype("float64")
    return pd.DataFrame(loose)


def _row_faults(frame: pd.DataFrame, first_row: int) -> list[str]:
    if frame.empty:
        return ["the table has no row: a scan that was looked at has a row of record 'scan'"]
    is_scan, is_score, is_box = (frame["record"] == kind for kind in tables.RECORDS)
    without_box = frame[list(_BOX)].isna().any(axis=1)
    rules = (
        (
            is_scan & (frame["status"] == ""),
            "status",
            f"is missing on a scan row; one of: {', '.join(tables.STATUSES)}",
        ),
        ((is_score | is_box) & (frame["target"] == ""), "target", "is missing on a score or box row: any, or a threat"),
        ((is_score | is_box) & frame["score"].isna(), "score", "is missing on a score or box row"),
        (is_box & without_box, "x0, y0, x1, y1", "a box row needs all four edges"),
        (_again(frame, is_scan, ["scan_id"]), "scan_id", "has two scan rows"),
        (_again(frame, is_score, ["scan_id", "target"]), "target", "has two score rows for this scan"),
    )
    faults = [fault for wrong, column, what in rules for fault in _named(wrong, frame, column, first_row, what)]
    faults += tables.box_faults(frame.where(is_box), first_row=first_row)
    return faults + _name_faults(frame)


def _again(frame: pd.DataFrame, among: "pd.Series[bool]", key: list[str]) -> "pd.Series[bool]":
    """Rows among these whose key stood in an earlier one of them."""
    again = pd.Series(False, index=frame.index)
    again[among] = frame.loc[among].duplicated(key)
    return again


def _named(wrong: "pd.Series[bool]", frame: pd.DataFrame, column: str, first_row: int, what: str) -> list[str]:
    rows = np.flatnonzero(wrong.to_numpy())
    faults = [f"row {row + first_row}, {column}: {what} (scan {frame['scan_id'].iloc[row]})" for row in rows]
    more = len(faults) - _MOST_ROWS_NAMED
    return faults[:_MOST_ROWS_NAMED] + ([f"{column}: {more} more rows: {what}"] if more > 0 else [])


def _name_faults(frame: pd.DataFrame) -> list[str]:
    """One model a file, one digest a corpus."""
    faults = []
    models = sorted(set(frame["model"]) - {""})
    if len(models) > 1:
        faults.append(f"column 'model' names {len(models)} models ({', '.join(models[:5])}): one file, one model")
    digests = frame[["corpus", "dataset_digest"]].drop_duplicates()
    for corpus, group in digests.groupby("corpus"):
        if len(group) > 1:
            faults.append(f"corpus {corpus} has {len(group)} dataset digests: one file, one version of a corpus")
    return faults
