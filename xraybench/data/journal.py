"""What an import has read so far, so that a killed one goes on instead of beginning anew.

A line of JSON for each image that was opened in full: path, size and time of change on disk, digest, height, width and
kind of pixels. An image that changed since is read again; a line cut off by the kill is left out. Nothing here outlives
the import: the journal lies in a hidden folder beside the dataset, which becomes the dataset.
"""

import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

NAME = "opened.jsonl"
_FLUSH_SECONDS = 0.2  # what a kill loses at most


@dataclass(frozen=True, slots=True)
class Seen:
    """One image that was opened in full."""

    digest: str
    height: int
    width: int
    is_grey: bool
    is_deep: bool
    stored: str = ""  # name of the counts file, where the source holds no image


class Journal:
    """Reads what an earlier import wrote, and writes on. `key` names all that must be equal for it to count."""

    def __init__(self, folder: Path, key: str) -> None:
        self.path = folder / NAME
        self._known = _read(self.path, key)
        self.n_known = len(self._known)
        if not self._known:
            shutil.rmtree(folder, ignore_errors=True)  # left behind by an import of something else
        folder.mkdir(parents=True, exist_ok=True)
        self._file: IO[str] = self.path.open("a" if self._known else "w", encoding="utf-8")
        if not self._known:
            self._file.write(json.dumps({"key": key}) + "\n")
        self._flushed = time.monotonic()

    def __enter__(self) -> "Journal":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def find(self, name: str, stamp: tuple[int, int]) -> Seen | None:
        """What is known of an image of this size and time of change."""
        row = self._known.get(name)
        return row[1] if row is not None and row[0] == stamp else None

    def add(self, name: str, stamp: tuple[int, int], seen: Seen) -> None:
        """Note an image that was opened."""
        row = [name, *stamp, seen.digest, seen.height, seen.width, int(seen.is_grey), int(seen.is_deep), seen.stored]
        self._file.write(json.dumps(row) + "\n")
        if time.monotonic() - self._flushed > _FLUSH_SECONDS:
            self._file.flush()
            self._flushed = time.monotonic()


def _read(path: Path, key: str) -> dict[str, tuple[tuple[int, int], Seen]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    known: dict[str, tuple[tuple[int, int], Seen]] = {}
    for number, line in enumerate(lines):
        try:
            row = json.loads(line)
            if number == 0:
                if row != {"key": key}:
                    return {}
                continue
            name, size, changed, digest, height, width, is_grey, is_deep, stored = row
            seen = Seen(str(digest), int(height), int(width), bool(is_grey), bool(is_deep), str(stored))
            known[str(name)] = ((int(size), int(changed)), seen)
        except (ValueError, TypeError):
            continue
    return known
