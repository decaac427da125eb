"""How fast corpora are made, stored and read; beside the two usual ways to keep 16-bit scans, in the same run.

    python benchmarks/data.py [--items 1024]

Scans a second are counted on both sensors together: scenes built, rendered, labelled and on disk (flushed). The last line is
one JSON of named figures; those in `scans_cpu_s` hold on a busy machine too. Everything is written to a temporary folder and
removed.
"""

import argparse
import io
import json
import os
import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from PIL import Image

from xraybench import data
from xraybench.core.documents import write_bytes
from xraybench.data import Profile
from xraybench.data.corpus import corpora
from xraybench.data.profiles import SIZE_CUTS

Scan = np.ndarray


def profile_of(n_items: int) -> Profile:
    """A profile of about so many items, threats and benign alike."""
    per_cell = max(n_items // 64, 1)
    return Profile(f"bench{n_items}", per_cell, 16 * per_cell, 0, per_cell, 16 * per_cell)


def seconds(work: Callable[[], object]) -> float:
    """Wall-clock time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def cpu_seconds() -> float:
    """Processor time of this process and of those it started and that have ended."""
    own, ended = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + ended.ru_utime + ended.ru_stime


def made(home: Path, vector: str, n_items: int, *, workers: int) -> dict[str, float]:
    """Scans a second of wall clock and of processor time written by `data.make`, start of worker processes included."""
    os.environ["XRAYBENCH_HOME"] = str(home / f"{vector}-{workers}")
    profile = profile_of(n_items)
    data.make(vector, profile=profile_of(64), seed=1, workers=1, quiet=True)  # compiles
    cpu_before = cpu_seconds()
    taken = seconds(lambda: data.make(vector, profile=profile, seed=0, workers=workers, quiet=True))
    cpu_taken = cpu_seconds() - cpu_before
    n_scans = len(data.load(f"{vector}-any-any-any-v1", profile=profile, splits=("train", "test")).scans)
    name = f"{vector}_made_{workers}_worker{'s' if workers > 1 else ''}"
    return {f"{name}_scans_s": n_scans / taken, f"{name}_scans_cpu_s": n_scans / cpu_taken}


def write_npz(folder: Path, scans: Sequence[Scan]) -> None:
    """One compressed archive a scan."""
    for n, scan in enumerate(scans):
        buffer = io.BytesIO()
        np.savez_compressed(buffer, raw=scan)
        write_bytes(folder / f"{n}.npz", buffer.getvalue())


def write_png(folder: Path, scans: Sequence[Scan]) -> None:
    """One 16-bit grey PNG a channel."""
    for n, scan in enumerate(scans):
        for channel in range(scan.shape[2]):
            buffer = io.BytesIO()
            Image.fromarray(np.ascontiguousarray(scan[..., channel])).save(buffer, format="PNG")
            write_bytes(folder / f"{n}-{channel}.png", buffer.getvalue())


def write_shards(folder: Path, scans: Sequence[Scan]) -> None:
    """As `data.make` stores them."""
    from xraybench.data.store import SHARD_ITEMS, shard_path, write_shard

    for shard in range(0, len(scans), SHARD_ITEMS):
        write_shard(shard_path(folder, shard // SHARD_ITEMS), np.stack(scans[shard : shard + SHARD_ITEMS]))


def read_npz(folder: Path, n_scans: int) -> None:
    for n in range(n_scans):
        with np.load(folder / f"{n}.npz") as archive:
            archive["raw"]


def read_png(folder: Path, n_scans: int) -> None:
    for n in range(n_scans):
        np.stack([np.asarray(Image.open(folder / f"{n}-{channel}.png")) for channel in range(2)], axis=-1)


def megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def storage_figures(home: Path, scans: Sequence[Scan], dataset_read_s: float) -> dict[str, float]:
    """Scans a second in and out, and megabytes a thousand scans, of our shards and of both peers."""
    figures: dict[str, float] = {"shards_read_scans_s": len(scans) / dataset_read_s}
    writers = (("shards", write_shards), ("npz", write_npz), ("png16", write_png))
    for name, write in writers:
        figures[f"{name}_write_scans_s"] = len(scans) / seconds(lambda w=write, n=name: w(home / n, scans))
        figures[f"{name}_mb_per_1000_scans"] = megabytes(home / name) / len(scans) * 1000
    figures["npz_read_scans_s"] = len(scans) / seconds(lambda: read_npz(home / "npz", len(scans)))
    figures["png16_read_scans_s"] = len(scans) / seconds(lambda: read_png(home / "png16", len(scans)))
    return figures


def terciles(n_per_cell: int = 40) -> dict[str, float]:
    """Where the train threats of each vector divide into three by size: what SIZE_CUTS was taken from, beside it."""
    found = {}
    for name, cuts in SIZE_CUTS.items():
        corpus = name if "-" in name else next(c for c in corpora() if c.startswith(f"{name}-"))
        objects = data.labels(corpus, profile=Profile("sizes", n_per_cell, 0, 0, 0, 0), seed=0).objects
        largest = objects.groupby("scan_id")["view_share"].max().dropna()
        for n, cut in enumerate(cuts, 1):
            found[f"{name}_view_share_tercile_{n}"] = float(np.quantile(largest, n / 3))
            found[f"{name}_size_cut_{n}"] = cut
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=1024, help="items per vector")
    n_items = parser.parse_args().items
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        for vector in ("mail", "parcel"):
            for workers in (1, 2):
                figures |= made(home, vector, n_items, workers=workers)
        dataset = data.load("mail-mail_160kv", profile=profile_of(n_items), splits=("train", "test"), quiet=True)
        scans = [scan.views[0] for scan in dataset.scans]
        raw_s = seconds(lambda: list(dataset.scans))
        figures["colour_read_scans_s"] = len(scans) / seconds(lambda: list(dataset.track("colour")))
        figures |= storage_figures(home, scans, raw_s)
        figures["labels_quick_mail_s"] = seconds(lambda: data.labels("mail-mail_160kv"))
        figures["load_cached_s"] = seconds(lambda: data.load("mail-mail_160kv", profile=profile_of(n_items)))
    figures |= terciles()
    figures["mail_10000_scans_2_workers_s"] = 10_000 / figures["mail_made_2_workers_scans_s"]
    figures["peak_memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures["peak_memory_of_a_worker_mb"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    for name, value in figures.items():
        print(f"{name:32s} {value:12.4g}")
    print(json.dumps({name: round(float(value), 4) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
