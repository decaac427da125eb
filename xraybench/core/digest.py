"""Digests: short names of content. Two things with one digest are the same thing.

Files and tables are hashed with BLAKE2b (16 bytes, hexadecimal). JSON is hashed in canonical form (sorted keys, no
spaces), tables by their columns and cell texts in row order, so that a digest survives a change of file format.
"""

import json
from collections.abc import Iterable
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

DIGEST_BYTES = 16


def of_bytes(content: bytes) -> str:
    """Digest of bytes: 32 hexadecimal characters."""
    return blake2b(content, digest_size=DIGEST_BYTES).hexdigest()


def of_json(value: Any) -> str:
    """Digest of a JSON value, whatever the order of its keys."""
    return of_bytes(canonical_json(value).encode())


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces. NaN is refused: it is not JSON."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def of_file(path: Path) -> str:
    """Digest of a file's bytes."""
    state = blake2b(digest_size=DIGEST_BYTES)
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            state.update(block)
    return state.hexdigest()


def of_tree(root: Path, suffixes: Iterable[str]) -> str:
    """Digest of all files with these suffixes under `root`: their relative paths and bytes, in path order."""
    wanted = tuple(suffixes)
    files = sorted(p for p in root.rglob("*") if p.suffix in wanted and "__pycache__" not in p.parts)
    return of_json([[p.relative_to(root).as_posix(), of_file(p)] for p in files])


def of_rows(columns: list[str], rows: Iterable[Iterable[Any]]) -> str:
    """Digest of a table. Floats are written with 9 significant digits, missing values as an empty cell."""
    state = blake2b(digest_size=DIGEST_BYTES)
    state.update("\x1f".join(columns).encode())
    for row in rows:
        state.update(("\x1e" + "\x1f".join(map(_cell, row))).encode())
    return state.hexdigest()


def _cell(value: Any) -> str:
    if value is None or value != value:  # NaN is the one value that differs from itself
        return ""
    if isinstance(value, float):
        return f"{value:.9g}"
    return str(value)


@cache
def code_digest() -> str:
    """Digest of the package's own source: what a result was computed with."""
    return of_tree(Path(__file__).resolve().parents[1], (".py", ".npz", ".j2", ".json", ".csv"))


# What a number follows from, once data and predictions are given: the digests of these two stand beside it.
_NUMBERS = (
    "core/chance.py",
    "core/digest.py",
    "core/tables.py",
    "core/task.py",
    "core/types.py",
    "core/vocabulary.py",
    "evaluate",
    "metrics",
    "tasks",
)


@cache
def numbers_digest() -> str:
    """Digest of the sources that turn labels and predictions into numbers; pages, training and simulator are not in it."""
    package = Path(__file__).resolve().parents[1]
    parts = [package / name for name in _NUMBERS]
    return of_json([[p.name, of_tree(p, (".py",)) if p.is_dir() else of_file(p)] for p in parts])
