"""The columnar index of a board: every number of every result file as columns, a Parquet file (a *shard*) a task.

A board of a thousand models holds hundreds of thousands of result files. They are read one task at a time and never kept as
objects; pages are made from the shards alone. A shard is also the download of its task, and `check` compares it with the
files to name a number that was changed. What was read when is noted in `.index/`, outside git: a later build stats the files
and reads only those that changed. The notes are trusted by builds, never by `check`.
"""

import io
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import ValidationError

from xraybench.core import digest
from xraybench.core.documents import ResultFile, field_faults, write_bytes
from xraybench.core.errors import BadFile
from xraybench.report.results import CurveFile, RankFile, content_faults
from xraybench.report.suites import SuiteFile

D = TypeVar("D", RankFile, CurveFile, SuiteFile)
NOTES = ".index"  # beside results/, not in git
FILES = "files.txt"  # in it: what was read
_MOST_SHOWN = 20  # faults in one message

_WORDS = pa.dictionary(pa.int32(), pa.string())
# Of a result file: the same in all its rows. Then of a row.
FILE_COLUMNS = {
    "task": _WORDS,
    "dataset": _WORDS,
    "model": _WORDS,
    "track": _WORDS,
    "is_simulated": pa.bool_(),
    "profile": _WORDS,
    "seed": pa.int64(),
    "n_replicates": pa.int64(),
    "thresholds": _WORDS,
    "assumptions": _WORDS,
    "corpora": _WORDS,
    "predictions_digest": _WORDS,
    "code_digest": _WORDS,
    "version": _WORDS,
    "result_digest": _WORDS,
}
ROW_COLUMNS = {
    "metric": _WORDS,
    "at": pa.float64(),
    "slice_axis": _WORDS,
    "slice_value": _WORDS,
    "value": pa.float64(),
    "low": pa.float64(),
    "high": pa.float64(),
    "interval": _WORDS,
    "n_items": pa.int64(),
    "n_threats": pa.int64(),
    "reason": _WORDS,
}
SCHEMA = pa.schema({**FILE_COLUMNS, **ROW_COLUMNS})
_JSON_COLUMNS = ("thresholds", "assumptions", "corpora")
_ROW_CELLS = {name: attrgetter(name) for name in ROW_COLUMNS}


@dataclass(frozen=True)
class Notes:
    """What lies in a folder of results: folder -> a line a file, `name size changed inode`."""

    folders: dict[str, str]

    def stems(self) -> dict[str, list[str]]:
        """Stem of a result file -> the models that have one, sorted."""
        found: dict[str, list[str]] = {}
        for folder in sorted(f for f in self.folders if not f.startswith("_")):
            for line in self.folders[folder].splitlines():
                found.setdefault(line.partition(".json ")[0], []).append(folder)
        return found

    def changed_since(self, old: "Notes") -> set[str]:
        """Stems of the files that came, went or changed: results, rank sets and curves alike."""
        changed: set[str] = set()
        for folder in self.folders.keys() | old.folders.keys():
            now, before = self.folders.get(folder, ""), old.folders.get(folder, "")
            if now != before:
                moved = set(now.splitlines()) ^ set(before.splitlines())
                changed |= {line.partition(".json ")[0] for line in moved}
        return changed


def scan(folder: Path) -> Notes:
    """Stat every result file under `folder`, and every document that compares models (`_ranks/<track>` and so on)."""
    found: dict[str, str] = {}
    for inside in sorted(folder.iterdir()) if folder.is_dir() else []:
        if not inside.name.startswith("_"):
            _note(inside, inside.name, found)
            continue
        for track in sorted(inside.iterdir()):
            _note(track, f"{inside.name}/{track.name}", found)
    return Notes(found)


def _note(folder: Path, name: str, found: dict[str, str]) -> None:
    if not folder.is_dir():
        return
    lines = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(".json") and not entry.name.startswith("."):
                told = entry.stat()
                lines.append(f"{entry.name} {told.st_size} {told.st_mtime_ns} {told.st_ino}")
    if lines:
        found[name] = "\n".join(sorted(lines))


def read_notes(board: Path) -> Notes | None:
    """What an earlier build noted; None where there was none, or it cannot be read."""
    try:
        text = (board / NOTES / FILES).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None
    return Notes(dict(part.split("\n", 1) for part in text.split("\f") if "\n" in part))


def write_notes(board: Path, notes: Notes) -> None:
    """Keep what was seen for the next build."""
    (board / NOTES).mkdir(parents=True, exist_ok=True)
    told = "\f".join(f"{folder}\n{lines}" for folder, lines in sorted(notes.folders.items()))
    (board / NOTES / FILES).write_text(told, encoding="utf-8")


def read_shard(folder: Path, stem: str, models: Iterable[str]) -> pa.Table:
    """The result files of one task as columns, `SCHEMA`, in the order of `models` and of each file's rows.

    Raises:
        BadFile: Naming every file that is broken, or lies where its content does not belong.
    """
    columns: dict[str, list[Any]] = {name: [] for name in SCHEMA.names}
    counts: list[int] = []
    faults: list[str] = []
    for model in models:
        path = folder / model / f"{stem}.json"
        try:
            content = path.read_bytes()
            file = ResultFile.model_validate_json(content)
        except ValidationError as error:
            faults += [f"{model}/{path.name}: {fault}" for fault in field_faults(error)]
            continue
        except OSError as error:
            faults.append(f"{model}/{path.name}: cannot be read ({error.strerror})")
            continue
        faults += [f"{model}/{path.name}: {fault}" for fault in content_faults(file, path)]
        counts.append(len(file.rows))
        for name in FILE_COLUMNS:
            columns[name].append(_file_cell(file, name, content))
        for name, cell in _ROW_CELLS.items():
            columns[name] += map(cell, file.rows)
    if faults:
        raise_faults(folder, faults)
    repeats = np.repeat(np.arange(len(counts)), counts)
    arrays = [_array(columns[name], SCHEMA.field(name).type) for name in SCHEMA.names]
    spread = [a.take(pa.array(repeats)) if n in FILE_COLUMNS else a for a, n in zip(arrays, SCHEMA.names, strict=True)]
    return pa.Table.from_arrays(spread, schema=SCHEMA)


def read_one(folder: Path, path: Path, kind: type[D]) -> D:
    """One document of results, checked like all of them.

    Raises:
        BadFile: The file is broken, or lies where its content does not belong.
    """
    try:
        document = kind.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise_faults(folder, [f"{path.relative_to(folder)}: {fault}" for fault in field_faults(error)])
    except OSError as error:
        raise_faults(folder, [f"{path.relative_to(folder)}: cannot be read ({error.strerror})"])
    if faults := content_faults(document, path):
        raise_faults(folder, [f"{path.relative_to(folder)}: {fault}" for fault in faults])
    return document


def raise_faults(folder: Path, faults: list[str]) -> NoReturn:
    """Say all faults of the files of a folder at once, the first twenty by name."""
    shown = faults[:_MOST_SHOWN] + ([f"... and {len(faults) - _MOST_SHOWN} more"] if len(faults) > _MOST_SHOWN else [])
    count = f"{len(faults)} fault{'s' if len(faults) > 1 else ''}"
    raise BadFile(f"{folder}: {count} in the files of results\n  " + "\n  ".join(shown))


def _file_cell(file: ResultFile, name: str, content: bytes) -> Any:
    if name == "result_digest":
        return digest.of_bytes(content)
    return digest.canonical_json(getattr(file, name)) if name in _JSON_COLUMNS else getattr(file, name)


def _array(values: list[Any], kind: pa.DataType) -> pa.Array:
    if kind == _WORDS:
        # Codes in order of appearance: the same values give the same bytes.
        return pa.array(values, pa.string()).dictionary_encode()
    return pa.array(values, kind, from_pandas=True)  # NaN, undefined, becomes null


def shard_bytes(table: pa.Table) -> bytes:
    """A shard as Parquet: the same table and the same pyarrow give the same bytes."""
    buffer = io.BytesIO()
    words = [name for name in SCHEMA.names if SCHEMA.field(name).type == _WORDS]
    pq.write_table(table, buffer, compression="zstd", use_dictionary=words, write_statistics=False, store_schema=False)
    return buffer.getvalue()


def load_shard(path: Path | pa.BufferReader) -> pa.Table:
    """A shard as it was written.

    Raises:
        BadFile: The file is missing or is no shard.
    """
    words = [name for name in SCHEMA.names if SCHEMA.field(name).type == _WORDS]
    try:
        table = pq.read_table(path, read_dictionary=words)
        return table.select(SCHEMA.names).unify_dictionaries()
    except (OSError, pa.ArrowException, KeyError) as error:
        raise BadFile(f"{path}: not a shard of the index ({str(error).splitlines()[0][:80]}).") from None


def write_shard(path: Path, table: pa.Table) -> str:
    """Write a shard, atomically; returns the digest of its bytes."""
    content = shard_bytes(table)
    write_bytes(path, content)
    return digest.of_bytes(content)


def codes(table: pa.Table, name: str) -> tuple[np.ndarray[Any, np.dtype[np.int64]], list[str]]:
    """A column of words as codes, one a row, and the words that they stand for."""
    chunk = table[name].combine_chunks()
    chunk = chunk.chunk(0) if isinstance(chunk, pa.ChunkedArray) else chunk
    return chunk.indices.to_numpy(zero_copy_only=False).astype(np.int64), chunk.dictionary.to_pylist()


def files_of(table: pa.Table) -> list[dict[str, Any]]:
    """What each result file of a shard says of itself: one record a model, in order."""
    model, _ = codes(table, "model")
    if not len(model):
        return []
    first = np.flatnonzero(np.diff(model, prepend=-1))
    told: list[list[Any]] = []
    for name, kind in FILE_COLUMNS.items():
        if kind == _WORDS:
            code, words = codes(table, name)
            told.append([words[c] for c in code[first].tolist()])
        else:
            told.append(table[name].to_numpy()[first].tolist())
    return [dict(zip(FILE_COLUMNS, values, strict=True)) for values in zip(*told, strict=True)]


def first_difference(old: pa.Table, new: pa.Table) -> dict[str, str]:
    """Model -> what differs first between two shards of one task, for those models whose result file is not the same."""
    before = {file["model"]: file["result_digest"] for file in files_of(old)}
    after = {file["model"]: file["result_digest"] for file in files_of(new)}
    told: dict[str, str] = {}
    for model in sorted(before.keys() | after.keys()):
        if model not in after:
            told[model] = "is gone"
        elif model not in before:
            told[model] = "is new"
        elif before[model] != after[model]:
            told[model] = _moved(_of_model(old, model), _of_model(new, model))
    return told


def _of_model(table: pa.Table, model: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = table.filter(pc.equal(table["model"].cast(pa.string()), model)).to_pylist()
    return rows


def _moved(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> str:
    for a, b in zip(old, new, strict=False):
        for name in SCHEMA.names:
            if name != "result_digest" and a[name] != b[name]:
                where = "" if name in FILE_COLUMNS else f"{_row_name(b)}, "
                return f"{where}{name}: {_told(a[name])} became {_told(b[name])}"
    return f"{len(old)} rows became {len(new)}" if len(old) != len(new) else "other bytes, the same numbers"


def _row_name(row: Mapping[str, Any]) -> str:
    at = "" if row["at"] is None else f" at {row['at']:g}"
    return f"{row['metric']}{at}{' on ' + row['slice_axis'] + ' ' + row['slice_value'] if row['slice_axis'] else ''}"


def _told(value: Any) -> str:
    return "n/a" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)[:60]


def corpora_of(file: Mapping[str, Any]) -> dict[str, str]:
    """Corpus -> digest of a record of `files_of`."""
    found: dict[str, str] = json.loads(file["corpora"])
    return found
