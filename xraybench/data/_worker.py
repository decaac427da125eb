"""Renders shards of a simulated corpus: in this process, or as a process of its own that is told shard numbers.

`serve` reads one job (a JSON line) and then one shard number a line from standard input, and answers each with a line on
standard output. It ends when its input ends, so it does not outlive the process that started
it. A process started this way never imports the caller's main script again, as the pools of `multiprocessing` do, so
generation works from a notebook, a test and a script without a guard alike.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np

from xraybench.core import digest
from xraybench.core.documents import write_text
from xraybench.core.errors import BadFile, XrayBenchError
from xraybench.core.sensor import Sensor
from xraybench.data import _engine
from xraybench.data.plan import Cell, PlannedItem, Recipe
from xraybench.data.profiles import Profile
from xraybench.data.store import BYTES_PER_COUNT, DISK_FULL, shard_items, shard_path, write_shard

LABELS = "labels"  # folder of the label rows of finished shards, until the tables are written
_ANSWER_DONE, _ANSWER_FULL = "done", "disk full"


@dataclass(frozen=True)
class Job:
    """What to render and where to: the items of a recipe on some sensors, a folder for each sensor.

    The sensors share the number of scans in a shard, so that a shard is one number for all.
    """

    recipe: Recipe
    sensors: tuple[Sensor, ...]
    folders: tuple[Path, ...]
    engine: str = _engine.MODES[0]

    @property
    def shard_items(self) -> int:
        """Scans in a shard."""
        return shard_items(scan_bytes(self.sensors[0], self.recipe.vector))

    def shards(self) -> list[int]:
        """Numbers of all shards."""
        return list(range(-(-self.recipe.n_items // self.shard_items)))

    def n_scans(self, shard: int) -> int:
        """Scans that one shard holds, over all sensors."""
        left = self.recipe.n_items - shard * self.shard_items
        return min(left, self.shard_items) * len(self.sensors)

    def is_done(self, shard: int) -> bool:
        """Whether every sensor's file of this shard is there; files appear whole or not at all."""
        return all(shard_path(folder, shard).is_file() for folder in self.folders)


def scan_bytes(sensor: Sensor, vector: str) -> int:
    """Bytes of one scan's counts."""
    field = sensor.field(vector)
    return sensor.n_views * field.height_px * field.width_px * len(sensor.channels) * BYTES_PER_COUNT


def labels_path(folder: Path, shard: int) -> Path:
    """The file of a shard's label rows."""
    return folder / LABELS / f"{shard:05d}.json"


def render_shard(job: Job, items: list[PlannedItem], shard: int) -> None:
    """Render the items of one shard on every sensor and write pixels and labels; a finished shard is left alone."""
    if job.is_done(shard):
        return
    chosen = items[shard * job.shard_items : (shard + 1) * job.shard_items]
    looks = [_engine.render(job.recipe, item, job.sensors, engine=job.engine, with_difficulty=True) for item in chosen]
    for n, folder in enumerate(job.folders):
        told = {item.item_id: asdict(look[n].told) for item, look in zip(chosen, looks, strict=True)}
        write_text(labels_path(folder, shard), json.dumps(told))
        write_shard(shard_path(folder, shard), np.stack([look[n].views for look in looks]))  # last: it says done


def read_told(folder: Path, shard: int) -> dict[str, _engine.Told]:
    """What is known of the items of a finished shard."""
    told = json.loads(labels_path(folder, shard).read_text(encoding="utf-8"))
    return {item_id: _engine.Told(**record) for item_id, record in told.items()}


def render_all(job: Job, shards: list[int], *, workers: int) -> Iterator[int]:
    """Render these shards and yield each when it is on disk, in this process or in several of one thread each.

    Raises:
        BadFile: The disk is full. What is finished stays.
    """
    if workers <= 1:
        items = job.recipe.items()
        for shard in shards:
            with told_when_full(job):
                render_shard(job, items, shard)
            yield shard
        return
    with contextlib.ExitStack() as stack:
        idle: SimpleQueue[_Helper] = SimpleQueue()
        for _ in range(workers):
            idle.put(stack.enter_context(_Helper(job)))
        pool = stack.enter_context(ThreadPoolExecutor(workers))

        def render(shard: int) -> int:
            helper = idle.get()
            try:
                helper.render(shard)
            finally:
                idle.put(helper)
            return shard

        yield from pool.map(render, shards)


@contextlib.contextmanager
def told_when_full(job: Job) -> Iterator[None]:
    """A full disk as a sentence that says what is kept."""
    try:
        yield
    except OSError as error:
        if error.errno in DISK_FULL:
            raise disk_full(job) from None
        raise


def disk_full(job: Job) -> BadFile:
    """The error for a disk that filled up on the way."""
    n_done = sum(map(job.is_done, job.shards()))
    return BadFile(
        f"{job.folders[0].parent}: the disk is full. {n_done} of {len(job.shards())} parts of the corpus are finished "
        "and kept: make room and call again, it goes on from there."
    )


class _Helper:
    """One process of one thread that renders what it is told."""

    def __init__(self, job: Job) -> None:
        self._job = job
        one_thread = dict.fromkeys(
            ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"
        )
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", f"from {__name__} import serve; serve()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **one_thread, "PYTHONPATH": os.pathsep.join(p or str(Path.cwd()) for p in sys.path)},
        )
        self._say(_record(job))

    def __enter__(self) -> "_Helper":
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            if self._process.stdin:
                self._process.stdin.close()
        try:
            self._process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()

    def render(self, shard: int) -> None:
        self._say(shard)
        assert self._process.stdout is not None
        answer = self._process.stdout.readline().strip()
        if answer == _ANSWER_FULL:
            raise disk_full(self._job)
        if answer != _ANSWER_DONE:
            raise XrayBenchError(f"A process that rendered part {shard} ended early; its own message stands above.")

    def _say(self, line: object) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # it has died: the missing answer tells
            self._process.stdin.write(json.dumps(line) + "\n")
            self._process.stdin.flush()


def _record(job: Job) -> dict[str, Any]:
    return {
        "vector": job.recipe.vector,
        "seed": job.recipe.seed,
        "counts": asdict(job.recipe.counts),
        "cells": [asdict(cell) for cell in job.recipe.cells],
        "sensors": [[sensor.name, digest.of_json(sensor.record())] for sensor in job.sensors],
        "folders": [str(folder) for folder in job.folders],
        "engine": job.engine,
    }


def _job_of(record: dict[str, Any]) -> Job:
    from xraybench import sensors

    found = tuple(sensors.get(name) for name, _ in record["sensors"])
    for sensor, (name, wanted) in zip(found, record["sensors"], strict=True):
        if digest.of_json(sensor.record()) != wanted:
            raise XrayBenchError(f"Sensor '{name}' is another one in this process; register it where workers find it.")
    cells = tuple(Cell(**cell) for cell in record["cells"])
    recipe = Recipe(record["vector"], record["seed"], Profile(**record["counts"]), cells)
    return Job(recipe, found, tuple(map(Path, record["folders"])), record["engine"])


def serve() -> None:
    """Render what standard input says until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started this one
    source = iter(sys.stdin.readline, "")
    job = _job_of(json.loads(next(source)))
    items = job.recipe.items()
    for line in source:
        try:
            render_shard(job, items, json.loads(line))
        except OSError as error:
            if error.errno not in DISK_FULL:
                raise
            sys.stdout.write(_ANSWER_FULL + "\n")
        else:
            sys.stdout.write(_ANSWER_DONE + "\n")
        sys.stdout.flush()
