"""The standings of a board between two builds, as columns: a suite's page needs the main numbers of all its tasks.

A local note like those of `index`: made from the shards, trusted by builds, never by `check`.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from xraybench.report import index
from xraybench.report.board import Column, Standing
from xraybench.report.results import task_of

PARTS = ("heads.parquet", "heads.json")
_NUMBERS = ("value", "low", "high", "n")


def save(board: Path, standings: Mapping[str, Sequence[Standing]]) -> None:
    """Keep the standings of every shard for the next build."""
    flat = [(stem, standing) for stem, found in sorted(standings.items()) for standing in found]
    columns: dict[str, Any] = {"model": _words([model for _, s in flat for model in s.models])}
    for name in ("pd", "pfa"):
        parts = [getattr(s, name) for _, s in flat]
        for number in _NUMBERS:
            columns[f"{name}_{number}"] = np.concatenate([getattr(part, number) for part in parts])
        columns[f"{name}_reason"] = _words([reason for part in parts for reason in part.reasons])
    for name in ("rank_low", "rank_high", "band"):
        columns[name] = np.concatenate([getattr(s, name) for _, s in flat])
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink, compression="lz4", write_statistics=False, use_dictionary=["model"])
    facts = [[stem, len(s.models), s.task.id, s.body, s.is_simulated, s.track, s.facts] for stem, s in flat]
    (board / index.NOTES).mkdir(parents=True, exist_ok=True)
    (board / index.NOTES / PARTS[0]).write_bytes(sink.getvalue())
    (board / index.NOTES / PARTS[1]).write_text(json.dumps(facts), encoding="utf-8")


def load(board: Path) -> dict[str, list[Standing]]:
    """The standings of the last build, by shard; empty where there are none that can be read."""
    try:
        table = pq.read_table(board / index.NOTES / PARTS[0], read_dictionary=["model", "pd_reason", "pfa_reason"])
        facts = json.loads((board / index.NOTES / PARTS[1]).read_text(encoding="utf-8"))
    except (OSError, ValueError, pa.ArrowException):
        return {}
    arrays = {
        name: table[name].to_numpy() for name in table.column_names if table[name].type in (pa.float64(), pa.int64())
    }
    words = {name: _spelled(table, name) for name in ("model", "pd_reason", "pfa_reason")}
    found: dict[str, list[Standing]] = {}
    start = 0
    for stem, n, task, body, is_simulated, track, told in facts:
        part = slice(start, start + n)
        start += n
        low, high, band = (arrays[name][part] for name in ("rank_low", "rank_high", "band"))
        models = tuple(words["model"][part])
        pd, pfa = (_column(name, arrays, words, part) for name in ("pd", "pfa"))
        standing = Standing(task_of(task), stem, body, is_simulated, track, models, pd, pfa, low, high, band, told)
        found.setdefault(stem, []).append(standing)
    return found


def _column(name: str, arrays: Mapping[str, Any], words: Mapping[str, Any], part: slice) -> Column:
    value, low, high, n = (arrays[f"{name}_{number}"][part] for number in _NUMBERS)
    return Column(name, value, low, high, n, words[f"{name}_reason"][part])


def _spelled(table: pa.Table, name: str) -> Any:
    code, words = index.codes(table, name)
    return np.asarray(words, dtype=object)[code]


def _words(values: list[str]) -> pa.Array:
    return pa.array(values, pa.string()).dictionary_encode()
