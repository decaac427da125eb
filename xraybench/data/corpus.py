"""Simulated corpora: made once, kept on disk, the same from the same seed, and resumed where a making was interrupted.

A corpus folder is complete when its manifest is there, and the manifest is written last. Shards of pixels appear by
rename, so a killed or starved making leaves whole shards only and the next call goes on from them. Two processes that make
the same corpus take turns where the system has file locks, and write the same shards where it has none.
"""

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from xraybench import tasks
from xraybench.core import digest, progress, tables, workspace
from xraybench.core.documents import DatasetManifest
from xraybench.core.errors import BadValue, UnknownName
from xraybench.core.registry import did_you_mean
from xraybench.core.sensor import Sensor
from xraybench.data import _engine, _worker, profiles, store
from xraybench.data._engine import Told
from xraybench.data.plan import Recipe, corpus_id, recipe, simulated_vectors, threats_of
from xraybench.data.profiles import Profile
from xraybench.data.store import Stored

LICENCE = "Apache-2.0"
USE_TERMS = (
    "Simulated: the physics is checked against published numbers, the looks are only plausible and the sensors imitate no "
    "product. A score on it is no statement about performance in the field."
)
_SHARDS_PER_WORKER = 4  # below that, starting a process costs more than it gains


class Labels(NamedTuple):
    """What is in a simulated corpus, without its pixels: tables of `core/tables.py`, and the corpus' digest."""

    items: pd.DataFrame
    objects: pd.DataFrame
    digest: str


def make(
    vector: str,
    *,
    profile: str | Profile = "quick",
    seed: int = 0,
    sensors: Sequence[str] | None = None,
    workers: int | None = None,
    engine: str = _engine.MODES[0],
    quiet: bool = False,
) -> list[Path]:
    """Make the corpora of a vector, sharing scenes and geometry between sensors; what is on disk is not made again.

    Args:
        vector: A vector with standard tasks.
        profile: `smoke`, `quick`, `full`, or a profile of one's own.
        seed: Names the items; another seed has no item in common.
        sensors: Names; those that `any` sensor stands for on this vector when left out.
        workers: Processes of one thread each; as many as there are processors when left out.
        engine: `strict` gives the same counts on every processor, `fast` within one count of them. Published corpora are
            strict; a fast one is another corpus.
        quiet: Say nothing.

    Returns:
        One dataset folder for each sensor, in their order.

    Raises:
        UnknownName: No such profile or sensor, or a vector that is not simulated.
        BadValue: A sensor does not scan the vector.
        BadFile: Not enough room on the disk. What is finished stays and the next call goes on from there.
    """
    mode = _engine.check_mode(engine)
    plan = recipe(vector, profiles.get(profile), seed)
    chosen = _sensors(vector, sensors or tasks.suite_sensors(vector))
    folders = {sensor.name: folder_of(plan, sensor, engine=mode) for sensor in chosen}
    if missing := [sensor for sensor in chosen if not _is_complete(folders[sensor.name])]:
        with _turn(workspace.datasets(), f".{vector}-{digest.of_json(plan.record())[:8]}.lock", quiet) as is_alone:
            missing = [sensor for sensor in missing if not _is_complete(folders[sensor.name])]
            for alike in _by_shard(missing, vector):
                job = _worker.Job(plan, tuple(alike), tuple(folders[sensor.name] for sensor in alike), mode)
                _make(job, workers, quiet)
            for folder in folders.values() if is_alone else ():
                _sweep(folder)
    return list(folders.values())


def labels(corpus: str, *, profile: str | Profile = "quick", seed: int = 0) -> Labels:
    """What a corpus holds, from the seed alone: equal to the tables and the digest of the stored corpus.

    Nothing is rendered and nothing is written, so anybody can check published results against it.

    Raises:
        UnknownName: No such corpus, with the nearest id.
    """
    vector, sensor = parse_corpus(corpus)
    plan = recipe(vector, profiles.get(profile), seed)
    stored = tables_of(plan, sensor, Path())
    return Labels(stored.items.copy(), stored.objects.copy(), store.digest_of(stored))


def tables_of(plan: Recipe, sensor: Sensor, folder: Path) -> Stored:
    """The tables of a corpus from the seed alone, nothing rendered."""
    return _tables(plan, sensor, _told_by_item(plan, _first_alike(plan.vector, sensor)), folder, _engine.MODES[0])


def parse_corpus(corpus: str) -> tuple[str, Sensor]:
    """Vector and sensor of a simulated corpus' id.

    Raises:
        UnknownName: With the nearest id.
    """
    from xraybench import sensors

    if corpus not in corpora():
        raise UnknownName(f"No simulated corpus is called '{corpus}'. {did_you_mean(corpus, corpora())}")
    vector, _, name = corpus.partition("-")
    return vector, sensors.get(name)


def corpora() -> list[str]:
    """Ids of all corpora that can be simulated."""
    return [corpus_id(vector, sensor.name) for vector in simulated_vectors() for sensor in _sensors(vector, None)]


def folder_of(plan: Recipe, sensor: Sensor, *, engine: str = _engine.MODES[0]) -> Path:
    """Where a simulated corpus lies: a name to read, closed by a digest of its origin and of the simulator's source.

    The source is in it so that scans of an older simulator are never taken for, or mixed with, those of today.
    """
    tag = digest.of_json([_origin(plan, sensor, engine), _source_digest()])[:12]
    return workspace.datasets() / f"{corpus_id(plan.vector, sensor.name)}-{plan.counts.name}-{plan.seed}-{tag}"


def _sensors(vector: str, names: Sequence[str] | None) -> list[Sensor]:
    from xraybench import sensors

    if names is None:
        return [s for s in map(sensors.get, sensors.names()) if vector in s.vectors]
    known = sensors.names()
    if unknown := [f"No sensor is called '{name}'. {did_you_mean(name, known)}" for name in names if name not in known]:
        raise UnknownName("\n".join(unknown))
    chosen = [sensors.get(name) for name in dict.fromkeys(names)]
    for sensor in chosen:
        sensor.field(vector)  # raises where the sensor does not scan the vector
    return chosen


def _by_shard(sensors: list[Sensor], vector: str) -> list[list[Sensor]]:
    """Sensors whose shards hold as many scans."""
    groups: dict[int, list[Sensor]] = {}
    for sensor in sensors:
        groups.setdefault(store.shard_items(_worker.scan_bytes(sensor, vector)), []).append(sensor)
    return list(groups.values())


def _origin(plan: Recipe, sensor: Sensor, engine: str) -> dict[str, Any]:
    """All that decides a simulated corpus, as plain JSON."""
    record = {"engine": _engine.version(), "mode": engine, "recipe": plan.record(), "sensor": sensor.record()}
    plain: dict[str, Any] = json.loads(digest.canonical_json(record))
    return plain


@cache
def _source_digest() -> str:
    from xraybench import simulate

    return digest.of_tree(Path(simulate.__file__).parent, (".py", ".npz"))


def _is_complete(folder: Path) -> bool:
    return (folder / store.MANIFEST).is_file()


@contextlib.contextmanager
def _turn(folder: Path, name: str, quiet: bool) -> Iterator[bool]:
    """One process at a time, where the system has file locks: then True. The lock goes with the process that holds it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / name).open("wb") as file:
        try:
            import fcntl
        except ImportError:  # no such lock: both make the same shards, and the rename of either is right
            yield False
            return
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not quiet:
                sys.stderr.write("Another process is making this corpus; waiting for it.\n")
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError:  # a file system without locks
            yield False
            return
        yield True


def _sweep(folder: Path) -> None:
    """Remove what killed makings had not finished writing."""
    for unfinished in (*folder.glob(".*"), *(folder / store.PIXELS).glob(".*")):
        unfinished.unlink(missing_ok=True)
    shutil.rmtree(folder / _worker.LABELS, ignore_errors=True)


def _make(job: _worker.Job, workers: int | None, quiet: bool) -> None:
    plan = job.recipe
    shards = [shard for shard in job.shards() if not job.is_done(shard)]
    n_bytes = sum(_worker.scan_bytes(sensor, plan.vector) for sensor in job.sensors)
    store.check_room(workspace.datasets(), len(shards) * job.shard_items * n_bytes)
    n = _n_workers(workers, len(shards))
    what = f"{plan.counts.name} {plan.vector} scans on {' and '.join(sensor.name for sensor in job.sensors)}"
    finished = map(job.n_scans, _worker.render_all(job, shards, workers=n))
    progress.count(finished, what, total=sum(map(job.n_scans, shards)), unit="scans", quiet=quiet)
    for sensor, folder in zip(job.sensors, job.folders, strict=True):
        found: dict[str, Told] = {}
        for shard in job.shards():
            found |= _worker.read_told(folder, shard)
        with _worker.told_when_full(job):
            store.write_stored(_tables(plan, sensor, found, folder, job.engine))


def _n_workers(wanted: int | None, n_shards: int) -> int:
    if wanted is not None:
        if wanted < 1:
            raise BadValue(f"workers is {wanted}; at least 1 is needed.")
        return min(wanted, max(n_shards, 1))
    n_processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(n_processors, n_shards // _SHARDS_PER_WORKER))


def _first_alike(vector: str, sensor: Sensor) -> Sensor:
    """The first sensor that sees the same shadows: labels are a matter of geometry, so they are computed once for all."""

    def seen(one: Sensor) -> tuple[object, ...]:
        return one.modality, one.geometry, one.field(vector)

    return next((s for s in _sensors(vector, None) if seen(s) == seen(sensor)), sensor)


@lru_cache(maxsize=4)
def _told_by_item(plan: Recipe, sensor: Sensor) -> dict[str, Told]:
    return {item.item_id: _engine.label(plan, item, sensor) for item in plan.items()}


def _tables(plan: Recipe, sensor: Sensor, told: dict[str, Told], folder: Path, engine: str) -> Stored:
    """The tables of a corpus, from what is in each item."""
    field, corpus = sensor.field(plan.vector), corpus_id(plan.vector, sensor.name)
    items = pd.DataFrame(
        [(item.item_id, item.split, "unknown", "simulated") for item in plan.items()], columns=tables.ITEMS.column_names
    )
    scans = pd.DataFrame(
        [
            (
                plan.scan_id(sensor.name, item),
                item,
                corpus,
                plan.vector,
                sensor.name,
                sensor.n_views,
                field.height_px,
                field.width_px,
                told[item].declared,
            )
            for item in items["item_id"]
        ],
        columns=tables.SCANS.column_names,
    ).sort_values("scan_id", ignore_index=True)
    rows = [
        {"scan_id": plan.scan_id(sensor.name, item_id), "item_id": item_id, **thing}
        for item_id, known in told.items()
        for thing in known.objects
    ]
    found = pd.DataFrame(rows, columns=tables.OBJECTS.column_names).sort_values(["scan_id", "object_index", "view"])
    origin = _origin(plan, sensor, engine)
    planned = {item.cell.threat for item in plan.items()}  # a profile may plan no control
    manifest = DatasetManifest(
        name=f"{corpus}, {plan.counts.name}, seed {plan.seed}",
        corpus=corpus,
        vector=plan.vector,
        sensor=sensor.name,
        track=sensor.track,
        full_scale=sensor.open_beam,
        threats=[threat for threat in threats_of(plan.cells) if threat in planned],
        is_simulated=True,
        profile=plan.counts.name,
        seed=plan.seed,
        licence=LICENCE,
        licence_of_upstream=LICENCE,
        use_terms=USE_TERMS,
        source=f"xraybench simulator {origin['engine']}",
        n_items=store.n_items_of(items),
        digest="",
    )
    return Stored(
        folder,
        manifest,
        tables.check(scans, tables.SCANS, source=f"{corpus} scans"),
        tables.check(items, tables.ITEMS, source=f"{corpus} items"),
        tables.check(found, tables.OBJECTS, source=f"{corpus} objects"),
        tables.empty(store.FILES),
        origin,
        _difficulty(told),
    )


def _difficulty(told: dict[str, Told]) -> pd.DataFrame:
    from xraybench.simulate.difficulty import DIFFICULTY

    rows = [row for known in told.values() for row in known.difficulty]
    frame = pd.DataFrame(rows, columns=DIFFICULTY.column_names)
    return frame.sort_values(list(DIFFICULTY.key), ignore_index=True)
