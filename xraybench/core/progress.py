"""Progress on long work: a bar on a terminal, one line per tenth elsewhere, always on stderr."""

import os
import sys
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

T = TypeVar("T")


def track(items: Iterable[T], what: str, *, total: int | None = None, quiet: bool = False) -> Iterator[T]:
    """Pass `items` through while saying how far the work is.

    Args:
        items: What is worked on.
        what: What is happening now, in a few words.
        total: Count of items, where `items` has no length.
        quiet: Say nothing (inside worker processes and tests). `XRAYBENCH_QUIET=1` says it for a whole process.
    """
    n = total if total is not None else len(items) if isinstance(items, Sized) else None
    if quiet or n == 0 or os.environ.get("XRAYBENCH_QUIET"):
        yield from items
    elif sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import track as rich_track

        yield from rich_track(items, what, total=n, console=Console(stderr=True), transient=True)
    else:
        yield from _lines(items, what, n)


def _lines(items: Iterable[T], what: str, n: int | None) -> Iterator[T]:
    told = 0
    for done, item in enumerate(items, start=1):
        yield item
        if n and done * 10 // n > told:
            told = done * 10 // n
            if told in (5, 10):
                sys.stderr.write(f"{what}: {done} of {n}\n")
