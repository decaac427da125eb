"""Progress on long work: a bar on a terminal, one line per tenth elsewhere, always on stderr."""

import os
import sys
import time
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


def count(advances: Iterable[int], what: str, *, total: int, unit: str, quiet: bool = False) -> int:
    """Work through `advances`, each so many units of work done, and say how far it is and how fast; the units done.

    Args:
        advances: Yields a number of units whenever so many are done.
        what: What is happening now, in a few words.
        total: Units of the whole.
        unit: What is counted, such as scans.
        quiet: As in `track`.
    """
    done, start = 0, time.monotonic()

    def told() -> str:
        return f"{done / max(time.monotonic() - start, 1e-9):.3g} {unit}/s"

    if quiet or total == 0 or os.environ.get("XRAYBENCH_QUIET"):
        return sum(advances)
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            shown = bar.add_task(what, total=total, rate="")
            for advance in advances:
                done += advance
                bar.update(shown, completed=done, rate=told())
        return done
    tenths = 0
    for advance in advances:
        done += advance
        if done * 10 // total > tenths:
            tenths = done * 10 // total
            sys.stderr.write(f"{what}: {done} of {total}, {told()}\n")
    return done


def _lines(items: Iterable[T], what: str, n: int | None) -> Iterator[T]:
    told = 0
    for done, item in enumerate(items, start=1):
        yield item
        if n and done * 10 // n > told:
            told = done * 10 // n
            if told in (5, 10):
                sys.stderr.write(f"{what}: {done} of {n}\n")
