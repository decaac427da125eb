"""From a task, a corpus or a folder to a `Dataset`: scans without labels on every track, and the labels beside them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xraybench import tasks
from xraybench.core import digest, tables
from xraybench.core.errors import BadFile, BadValue, UnknownName
from xraybench.core.registry import did_you_mean
from xraybench.core.sensor import Sensor
from xraybench.core.types import TRACKS, Dataset, ScanSet, UInt8Array, UInt16Array
from xraybench.core.vocabulary import CONTROLS, SPLITS
from xraybench.data import corpus as corpora
from xraybench.data import store
from xraybench.data.counts import COUNT_TRACKS, count_files
from xraybench.data.plan import corpus_id
from xraybench.data.profiles import Profile
from xraybench.data.store import Stored
from xraybench.formats import images

Views = tuple[NDArray[np.generic], ...]
Reader = Callable[[str], Views]


def load(
    name: str | Path,
    *,
    profile: str | Profile = "quick",
    seed: int = 0,
    splits: Sequence[str] = ("calibration", "test"),
    quiet: bool = False,
) -> Dataset:
    """The scans and labels of a task, a corpus or a dataset folder. A simulated corpus that is not on disk is made.

    Args:
        name: A task id (a task over any sensor loads all its corpora as one dataset), the id of a corpus such as
            `mail-mail_160kv`, or the path of a dataset folder.
        profile: How many items, for simulated corpora: `smoke`, `quick` or `full`.
        seed: Which items, for simulated corpora.
        splits: The splits to keep, of `train`, `calibration` and `test`.
        quiet: Say nothing.

    Raises:
        UnknownName: Neither a task, a corpus nor a dataset folder, with the nearest name; or an unknown split.
        BadFile: The folder is not a dataset, or a corpus does not fit on the disk.
    """
    for split in splits:
        if split not in SPLITS:
            raise UnknownName(f"No split is called '{split}'. {did_you_mean(split, list(SPLITS))}")
    if _is_folder(name):
        return read_dataset(name).part(*splits)
    wanted = corpora_of(str(name))
    vector = wanted[0].partition("-")[0]
    sensors = [corpus.partition("-")[2] for corpus in wanted]
    folders = corpora.make(vector, profile=profile, seed=seed, sensors=sensors, quiet=quiet)
    return join([read_dataset(folder) for folder in folders], name=str(name)).part(*splits)


def read_dataset(folder: Path | str) -> Dataset:
    """The dataset in a folder, with all its splits.

    A simulated corpus is read on its native track and as its sensor's screen shows it; an import on the track of its images.

    Raises:
        BadFile: No such folder, no dataset in it, or one whose making was interrupted.
        BadTable: A table breaks its declaration.
        DigestMismatch: A table was changed after the dataset was made.
    """
    stored = store.read_stored(folder)
    manifest = stored.manifest
    return Dataset(
        name=manifest.name,
        view_sets=_view_sets(stored),
        items=stored.items,
        objects=stored.objects,
        threats=tuple(manifest.threats),
        is_simulated=manifest.is_simulated,
        licence=manifest.licence,
        use_terms=manifest.use_terms,
        profile=manifest.profile,
        seed=manifest.seed,
        difficulty=stored.difficulty,
    )


def join(datasets: Sequence[Dataset], *, name: str) -> Dataset:
    """Several corpora as one dataset: the tracks they share, the items of all. An item scanned twice stays one item.

    Raises:
        BadValue: Nothing to join, no track in common, simulated with real, a corpus twice, or an item in two splits.
    """
    if not datasets:
        raise BadValue("There is no dataset to join.")
    first = datasets[0]
    named = [corpus for dataset in datasets for corpus in dataset.corpora]
    if len(set(named)) < len(named):
        raise BadValue(
            f"A corpus can be joined once: {', '.join(sorted(c for c in set(named) if named.count(c) > 1))}."
        )
    if len({dataset.is_simulated for dataset in datasets}) > 1:
        raise BadValue("Simulated and real scans are not joined: their results never share a rank.")
    shared = [track for track in first.view_sets if all(track in other.view_sets for other in datasets)]
    if not shared:
        raise BadValue(f"{', '.join(d.name for d in datasets)}: no track in common.")
    items = pd.concat([d.items for d in datasets]).drop_duplicates().sort_values("item_id", ignore_index=True)
    if items["item_id"].duplicated().any():
        raise BadValue("The datasets hold one item in two splits, or with other facts: they cannot be joined.")
    objects = pd.concat([d.objects for d in datasets]).sort_values(
        ["scan_id", "object_index", "view"], ignore_index=True
    )
    return replace(
        first,
        name=name,
        view_sets={track: _joined([d.view_sets[track] for d in datasets]) for track in shared},
        items=items,
        objects=tables.check(objects, tables.OBJECTS, source=name),
        threats=_named([threat for d in datasets for threat in d.threats]),
        licence="; ".join(dict.fromkeys(d.licence for d in datasets)),
        use_terms="; ".join(dict.fromkeys(d.use_terms for d in datasets)),
        difficulty=pd.concat([d.difficulty for d in datasets], ignore_index=True),
    )


def _named(threats: list[str]) -> tuple[str, ...]:
    """Each threat once, as they come, and controls last."""
    return tuple(sorted(dict.fromkeys(threats), key=lambda threat: threat in CONTROLS))


def _is_folder(name: str | Path) -> bool:
    if isinstance(name, Path) or "/" in name or "\\" in name:
        return True
    return (Path(name) / store.MANIFEST).is_file()


def corpora_of(name: str) -> list[str]:
    """The corpora that a task or corpus id stands for."""
    known = corpora.corpora()
    if name in known:
        return [name]
    try:
        task = tasks.get(name)
    except UnknownName:
        everything = [*known, *tasks.ids()]
        raise UnknownName(
            f"No task, corpus or dataset folder is called '{name}'. {did_you_mean(name, everything)}"
        ) from None
    return [corpus_id(task.vector, sensor) for sensor in tasks.sensors_of(task)]


def _view_sets(stored: Stored) -> dict[str, ScanSet]:
    manifest = stored.manifest
    corpora_of = {manifest.corpus: manifest.digest}
    if not manifest.is_simulated:
        is_counts = manifest.track in COUNT_TRACKS
        reader: Reader = count_files(stored) if is_counts else _image_files(stored)
        return {manifest.track: ScanSet(stored.scans, reader, manifest.track, manifest.full_scale, corpora_of)}
    counts = _shards(stored)
    sets = {manifest.track: ScanSet(stored.scans, counts, manifest.track, manifest.full_scale, corpora_of)}
    sensor = sensor_as_made(stored)
    if sensor is not None:
        shown = SHOWN[manifest.track]
        sets[shown] = ScanSet(stored.scans, Shown(counts, sensor, shown), shown, 255.0, corpora_of)
    return sets


# The track on which a scanner shows its own counts: two energies give colours, one quantity gives grey.
SHOWN = {"raw": "colour", "slices": "grey", "scatter": "grey"}


def sensor_as_made(stored: Stored) -> Sensor | None:
    """The sensor of a simulated corpus, unless its declaration is another one today: then its colours are not known."""
    from xraybench import sensors

    if stored.manifest.sensor not in sensors.names():
        return None
    sensor = sensors.get(stored.manifest.sensor)
    made_with = digest.canonical_json(stored.origin.get("sensor"))
    return sensor if digest.canonical_json(sensor.record()) == made_with else None


@dataclass(frozen=True)
class Shards:
    """Reads the counts of a simulated corpus from its shards, one scan at a time."""

    folder: Path
    place_of: dict[str, int]  # scan -> place of its item in the order of item ids
    shard_items: int

    def __call__(self, scan_id: str) -> tuple[UInt16Array, ...]:
        shard, row = divmod(self.place_of[scan_id], self.shard_items)
        path = store.shard_path(self.folder, shard)
        pixels = store.open_shard(path)
        if row >= len(pixels):
            raise BadFile(f"{path}: holds {len(pixels)} scans, {row + 1} are meant. Delete the folder, make it again.")
        views = np.array(pixels[row])
        return tuple(views) if views.ndim == 4 else (views,)


@dataclass(frozen=True)
class Shown:
    """Shows counts as a sensor's screen does, in its colours or in grey."""

    counts: "Shards"
    sensor: Sensor
    track: str

    def __call__(self, scan_id: str) -> Views:
        from xraybench import simulate

        show = simulate.display if self.track == "colour" else simulate.grey
        return tuple(show(self.sensor, view) for view in self.counts(scan_id))


@dataclass(frozen=True)
class ImageFile:
    """One view of an imported scan. The counts are the ends of the window of a 16-bit image, NaN for an 8-bit one."""

    path: Path
    low_count: float
    high_count: float


@dataclass(frozen=True)
class ImageFiles:
    """Reads the views of imported scans from the images where they lie."""

    files: dict[str, tuple[ImageFile, ...]]
    track: str

    def __call__(self, scan_id: str) -> Views:
        return tuple(as_track(shown(file), self.track) for file in self.files[scan_id])


@dataclass(frozen=True)
class Joined:
    """Reads each scan from the corpus it is in."""

    reader_of: dict[str, Reader]

    def __call__(self, scan_id: str) -> Views:
        return self.reader_of[scan_id](scan_id)


def shown(file: ImageFile) -> NDArray[np.generic]:
    """The pixels of an image, a 16-bit one through its declared window.

    Raises:
        BadFile: A 16-bit image without a window: narrowing it is a choice that only its owner can make.
    """
    pixels = images.read_image(file.path)
    if pixels.dtype == np.uint8:
        return pixels
    if np.isnan(file.low_count) or np.isnan(file.high_count):
        raise BadFile(
            f"{file.path}: 16-bit grey. It is not narrowed to 8 bit unasked: name the counts that are black and white, "
            "window_counts=(low, high)."
        )
    share = (pixels.astype(np.float64) - file.low_count) / (file.high_count - file.low_count)
    narrowed: UInt8Array = np.rint(np.clip(share, 0.0, 1.0) * 255.0).astype(np.uint8)
    return narrowed


def as_track(pixels: NDArray[np.generic], track: str) -> NDArray[np.generic]:
    """An 8-bit image with the channels of its track: grey as one channel, colour as three."""
    n_channels = len(TRACKS[track])
    if pixels.shape[2] >= n_channels:
        return pixels[..., :n_channels]
    return np.concatenate([pixels] * n_channels, axis=2)


def _shards(stored: Stored) -> Shards:
    places = {item_id: place for place, item_id in enumerate(sorted(stored.items["item_id"]))}
    pairs = zip(stored.scans["scan_id"], stored.scans["item_id"], strict=True)
    place_of = {scan_id: places[item_id] for scan_id, item_id in pairs}
    return Shards(stored.folder, place_of, store.shard_items_of(stored))


def _image_files(stored: Stored) -> ImageFiles:
    root = Path(stored.manifest.source)
    files: dict[str, tuple[ImageFile, ...]] = {}
    for row in stored.files.sort_values(["scan_id", "view"]).itertuples():
        file = ImageFile(root / row.path, row.low_count, row.high_count)
        files[row.scan_id] = (*files.get(row.scan_id, ()), file)
    return ImageFiles(files, stored.manifest.track)


def _joined(sets: list[ScanSet]) -> ScanSet:
    if len(sets) == 1:
        return sets[0]
    scales = {scans.full_scale for scans in sets}
    if len(scales) > 1:
        raise BadValue(
            f"The corpora have open beams of {', '.join(f'{s:g}' for s in sorted(scales))} counts: not joined."
        )
    readers = {scan_id: scans.read for scans in sets for scan_id in scans.table["scan_id"]}
    table = pd.concat([scans.table for scans in sets]).sort_values("scan_id", ignore_index=True)
    if len(readers) < len(table):
        raise BadValue("Two corpora hold a scan of one id: they cannot be joined.")
    merged = {corpus: name for scans in sets for corpus, name in scans.corpora.items()}
    return replace(sets[0], table=table, read=Joined(readers), corpora=merged)
