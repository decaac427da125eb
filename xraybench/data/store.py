"""The folder of a dataset: three tables, one manifest, and pixels that lie beside them or where they were imported from.

dataset.json                   manifest, written last: a folder without it is unfinished and is not read
scans, items, objects.parquet  the tables of core/tables.py
origin.json                    how a simulated corpus was made: engine, sensor, recipe
pixels/00000.npy ...           simulated: uint16 (n, height, width, channel), items in the order of their ids; of several
                               views (n, view, height, width, channel)
difficulty.parquet             simulated: how hard each threat is to see, where it was measured; with a digest of its own
files.parquet                  imported: which image holds which view, and its digest; the images stay where they are
"""

import errno
import io
import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xraybench.core import digest, tables
from xraybench.core.documents import DatasetManifest, read_document, write_bytes, write_document, write_text
from xraybench.core.errors import BadFile, BadTable, DigestMismatch
from xraybench.core.tables import Column, Table
from xraybench.core.types import TRACKS
from xraybench.core.vocabulary import SPLITS

MANIFEST = "dataset.json"
ORIGIN = "origin.json"
PIXELS = "pixels"
KEPT = "views"  # counts that an import keeps in the dataset folder
DIFFICULTY_FILE, DIFFICULTY_DIGEST = "difficulty.parquet", "difficulty.digest"
SHARD_ITEMS = 32  # most scans in a file of pixels: what a killed generation loses at most, per worker
_SHARD_BYTES = 32 * 2**20  # of a file that holds fewer, because its scans are large
BYTES_PER_COUNT = 2
DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # what a system says when it takes no more bytes
_DIGEST_SCHEMA = "xraybench.corpus/1"

FILES = Table(
    "files",
    (
        Column("scan_id", "text", "the scan"),
        Column("view", "int", "index of the view within the scan", low=0),
        Column("path", "text", "image file, relative to the source folder in the manifest, with forward slashes"),
        Column("digest", "text", "digest of the file's bytes when it was imported"),
        Column("low_count", "float", "16-bit images: count shown as black; empty for 8-bit ones", may_miss=True),
        Column("high_count", "float", "16-bit images: count shown as white; empty for 8-bit ones", may_miss=True),
    ),
    key=("scan_id", "view"),
)


@dataclass(frozen=True, slots=True)
class Stored:
    """What a dataset folder holds, pixels apart. `files` is empty for a simulated corpus, `origin` for an imported one."""

    folder: Path
    manifest: DatasetManifest
    scans: pd.DataFrame
    items: pd.DataFrame
    objects: pd.DataFrame
    files: pd.DataFrame
    origin: dict[str, Any]
    difficulty: pd.DataFrame = field(default_factory=pd.DataFrame)  # rows of simulate.difficulty.DIFFICULTY, or none


def read_stored(folder: Path | str) -> Stored:
    """Read a dataset folder and hold it against itself.

    Raises:
        BadFile: No such folder, no manifest, or a table that is missing or no Parquet.
        BadTable: A table breaks its declaration, or ids dangle between tables.
        DigestMismatch: A table is no longer what the manifest's digest was taken of.
    """
    stored = read_unchecked(folder)
    if faults := link_faults(stored):
        raise BadTable(str(stored.folder), faults)
    if (found := digest_of(stored)) != stored.manifest.digest:
        raise DigestMismatch(
            f"{stored.folder}: its tables have digest {found}, its manifest says {stored.manifest.digest}. "
            "A table was changed after the dataset was made: make or import it again."
        )
    return stored


def read_unchecked(folder: Path | str) -> Stored:
    """Read the tables of a dataset folder, each checked by itself only."""
    folder = Path(folder)
    if not (folder / MANIFEST).is_file():
        raise BadFile(f"{folder}: holds no {MANIFEST}, so it is not a dataset, or one whose making was interrupted.")
    manifest = read_document(folder / MANIFEST, DatasetManifest)
    if not manifest.is_simulated and (folder / KEPT).is_dir() and not Path(manifest.source).is_dir():
        manifest = manifest.model_copy(update={"source": str(folder.absolute())})  # it keeps its counts and was moved
    origin_path, files_path = folder / ORIGIN, folder / "files.parquet"
    return Stored(
        folder,
        manifest,
        read_table(folder / "scans.parquet", tables.SCANS),
        read_table(folder / "items.parquet", tables.ITEMS),
        read_table(folder / "objects.parquet", tables.OBJECTS),
        tables.empty(FILES) if manifest.is_simulated else read_table(files_path, FILES),
        _read_origin(origin_path) if manifest.is_simulated else {},
        read_difficulty(folder) if manifest.is_simulated else pd.DataFrame(),
    )


def write_stored(stored: Stored) -> None:
    """Write all but the pixels, the manifest last and with the digest of the rest."""
    for table, frame in ((tables.SCANS, stored.scans), (tables.ITEMS, stored.items), (tables.OBJECTS, stored.objects)):
        write_table(stored.folder / f"{table.name}.parquet", frame, table)
    if stored.manifest.is_simulated:
        write_text(stored.folder / ORIGIN, json.dumps(stored.origin, indent=1, sort_keys=True) + "\n")
        write_difficulty(stored.folder, stored.difficulty)
    else:
        write_table(stored.folder / "files.parquet", stored.files, FILES)
    write_document(stored.folder / MANIFEST, stored.manifest.model_copy(update={"digest": digest_of(stored)}))


def write_difficulty(folder: Path, difficulty: pd.DataFrame) -> None:
    """Write how hard the threats are to see, with a digest of its own: measured anew, it renames no corpus."""
    from xraybench.simulate.difficulty import DIFFICULTY

    checked = tables.check(difficulty, DIFFICULTY, source=DIFFICULTY_FILE)
    write_table(folder / DIFFICULTY_FILE, checked, DIFFICULTY)
    write_text(folder / DIFFICULTY_DIGEST, tables.digest_of(checked, DIFFICULTY) + "\n")


def read_difficulty(folder: Path) -> pd.DataFrame:
    """How hard the threats of a corpus are to see; no row where it was not measured.

    Raises:
        BadTable: The table breaks its declaration.
        DigestMismatch: It was changed after it was measured.
    """
    from xraybench.simulate.difficulty import DIFFICULTY

    if not (folder / DIFFICULTY_FILE).is_file():
        return tables.empty(DIFFICULTY)
    found = read_table(folder / DIFFICULTY_FILE, DIFFICULTY)
    digest_file = folder / DIFFICULTY_DIGEST
    wanted = digest_file.read_text(encoding="utf-8").strip() if digest_file.is_file() else "none"
    if (got := tables.digest_of(found, DIFFICULTY)) != wanted:
        raise DigestMismatch(
            f"{folder / DIFFICULTY_FILE}: has digest {got}, {DIFFICULTY_DIGEST} beside it says {wanted}."
        )
    return found


def digest_of(stored: Stored) -> str:
    """Digest of scans, labels, split and origin; of the image files' bytes where there are any, never of rendered pixels.

    Rendered pixels may differ by one count from one processor to another: that must not change a corpus' name.
    """
    contents = {
        "schema": _DIGEST_SCHEMA,
        "origin": stored.origin,
        "scans": tables.digest_of(stored.scans, tables.SCANS),
        "items": tables.digest_of(stored.items, tables.ITEMS),
        "objects": tables.digest_of(stored.objects, tables.OBJECTS),
        "files": _digest_of_files(stored.files),
    }
    return digest.of_json(contents)


def _digest_of_files(files: pd.DataFrame) -> str:
    """Which bytes are which view, and how they are shown; not what the files are called."""
    columns = [name for name in FILES.column_names if name != "path"]
    return digest.of_rows(columns, zip(*(files[c].tolist() for c in columns), strict=True))


def n_items_of(items: pd.DataFrame) -> dict[str, int]:
    """Items of each split."""
    return {split: int((items["split"] == split).sum()) for split in SPLITS}


def write_table(path: Path, frame: pd.DataFrame, table: Table) -> None:
    """Write a table as Parquet, checked and atomically."""
    buffer = io.BytesIO()
    tables.check(frame, table, source=path.name).to_parquet(buffer, index=False, compression="zstd")
    write_bytes(path, buffer.getvalue())


def read_table(path: Path, table: Table) -> pd.DataFrame:
    """Read a Parquet table and check it."""
    if not path.is_file():
        raise BadFile(f"{path}: there is no such file.")
    try:
        frame = pd.read_parquet(path)
    except (ValueError, OSError) as error:
        raise BadFile(f"{path}: cannot be read as Parquet ({str(error).splitlines()[0][:200]}).") from None
    return tables.check(frame, table, source=str(path))


def link_faults(stored: Stored) -> list[str]:
    """Ids that one table names and another does not hold, and boxes outside their view."""
    scans, items, objects = stored.scans, stored.items, stored.objects
    faults = _dangling(scans["item_id"], items["item_id"], "scans.parquet", "item_id")
    faults += [
        f"items.parquet: item {i} has no scan" for i in sorted(set(items["item_id"]) - set(scans["item_id"]))[:5]
    ]
    faults += _dangling(objects["scan_id"], scans["scan_id"], "objects.parquet", "scan_id")
    faults += _dangling(objects["item_id"], items["item_id"], "objects.parquet", "item_id")
    if not stored.manifest.is_simulated:
        faults += _dangling(stored.files["scan_id"], scans["scan_id"], "files.parquet", "scan_id")
        lacking = sorted(set(scans["scan_id"]) - set(stored.files["scan_id"]))
        faults += [f"files.parquet: scan {scan_id} has no image" for scan_id in lacking[:5]]
    corpora = sorted(set(scans["corpus"]) - {stored.manifest.corpus})
    faults += [f"scans.parquet: corpus {c} is not the manifest's {stored.manifest.corpus}" for c in corpora]
    return faults + _box_faults(scans, objects)


def _dangling(ids: "pd.Series[str]", known: "pd.Series[str]", source: str, column: str) -> list[str]:
    missing = sorted(set(ids) - set(known))
    faults = [f"{source}, {column}: {one} dangles" for one in missing[:5]]
    return faults + ([f"{source}, {column}: {len(missing) - 5} more dangle"] if len(missing) > 5 else [])


def _box_faults(scans: pd.DataFrame, objects: pd.DataFrame) -> list[str]:
    faults = [f"objects.parquet: {fault}" for fault in tables.box_faults(objects)]
    seen = objects.merge(scans[["scan_id", "n_views", "height", "width"]], on="scan_id")
    outside = seen[(seen["x1"] > seen["width"]) | (seen["y1"] > seen["height"])]
    faults += [f"objects.parquet: a box of scan {one} lies outside its view" for one in outside["scan_id"][:5]]
    beyond = seen[seen["view"] >= seen["n_views"]]
    return faults + [
        f"objects.parquet: scan {one} has {n} view{'s' if n > 1 else ''}, an object is in view {view}"
        for one, n, view in zip(beyond["scan_id"][:5], beyond["n_views"], beyond["view"], strict=False)
    ]


def _read_origin(path: Path) -> dict[str, Any]:
    try:
        origin = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadFile(f"{path}: cannot be read as JSON ({error}).") from None
    if not isinstance(origin, dict):
        raise BadFile(f"{path}: not a JSON object.")
    return origin


def check_room(folder: Path, n_bytes: int) -> None:
    """Refuse before the work what would fill the disk in the middle of it.

    Raises:
        BadFile: Fewer bytes are free than are to be written.
    """
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    free = shutil.disk_usage(there).free
    if n_bytes > free:
        raise BadFile(
            f"{folder}: {n_bytes / 1e9:.2f} GB are needed, {free / 1e9:.2f} GB are free. Make room, take a larger disk "
            "(XRAYBENCH_HOME says where simulated corpora go), or ask for less."
        )


def shard_items(scan_bytes: int) -> int:
    """Scans in a file of pixels, for scans of so many bytes: the same for a corpus whatever is made beside it."""
    n = SHARD_ITEMS
    while n > 1 and n * scan_bytes > _SHARD_BYTES:
        n //= 2
    return n


def shard_items_of(stored: Stored) -> int:
    """Scans in a file of pixels of a simulated corpus; 1 where it holds none."""
    n_channels = len(TRACKS[stored.manifest.track])
    sizes = stored.scans["n_views"] * stored.scans["height"] * stored.scans["width"] * n_channels * BYTES_PER_COUNT
    return shard_items(int(sizes.max())) if len(sizes) else 1


def shard_path(folder: Path, shard: int) -> Path:
    """The file that holds the pixels of one shard."""
    return folder / PIXELS / f"{shard:05d}.npy"


def write_shard(path: Path, pixels: NDArray[np.uint16]) -> None:
    """Write the pixels of a shard (n, view, height, width, channel) atomically; one view gives the axis up."""
    if pixels.ndim == 5 and pixels.shape[1] == 1:
        pixels = pixels[:, 0]
    buffer = io.BytesIO()
    np.save(buffer, pixels, allow_pickle=False)
    write_bytes(path, buffer.getvalue())


def open_shard(path: Path) -> NDArray[np.uint16]:
    """The pixels of a shard, mapped from the file and not read.

    Raises:
        BadFile: The file is missing, truncated or holds something else.
    """
    try:
        pixels: NDArray[np.uint16] = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise BadFile(f"{path}: there is no such file. Delete the dataset's folder and make it again.") from None
    except (ValueError, OSError, EOFError) as error:
        raise BadFile(
            f"{path}: broken or truncated ({error}). Delete the dataset's folder and make it again."
        ) from None
    if pixels.dtype != np.uint16 or pixels.ndim not in (4, 5):
        raise BadFile(f"{path}: holds {pixels.dtype} of {pixels.ndim} axes; uint16 of 4 or 5 is meant.")
    return pixels
