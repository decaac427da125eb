"""What was seen of each image file when it was last read, kept so that a file is read again only when it has changed.

A file counts as unchanged when its size, its two times and its inode are those of the last reading. A time that lay within
two seconds of that reading is not trusted: the file could have changed once more within the same tick of the clock. Whoever
can set the clock can deceive this; `full` reads everything. The notes lie in `.check/` of the dataset folder and hold
nothing that could not be made again: a file there that is not as it was written is thrown away.
"""

import contextlib
import io
import os
import time
from collections.abc import Sequence
from hashlib import blake2b, sha256
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xraybench.core import progress, tables
from xraybench.core.digest import DIGEST_BYTES
from xraybench.core.documents import write_bytes
from xraybench.core.errors import UserError
from xraybench.core.tables import Column, Table
from xraybench.core.types import BoolArray, IntArray
from xraybench.data import duplicates
from xraybench.formats import images, raster

FOLDER = ".check"
_FILE = "looks-1.notes"  # another number when a column comes to mean something else
_NPY = b"\x93NUMPY"
_TICK_NS = 2_000_000_000
GONE, OUTSIDE = "the image is not there any more", "leads out of the source folder"

_STAT = ("size", "mtime_ns", "ctime_ns", "inode")
LOOKS = Table(
    "looks",
    (
        Column("path", "text", "the file, relative to the source folder"),
        Column("size", "int", "bytes"),
        Column("mtime_ns", "int", "time of the last change of the content; -1 where it is not to be trusted"),
        Column("ctime_ns", "int", "time of the last change of name, owner or content"),
        Column("inode", "int", "number of the file on its disk"),
        Column("digest", "text", "digest of the bytes as in files.parquet", may_miss=True),
        Column("sha256", "text", "SHA-256 of the bytes", may_miss=True),
        Column("height", "int", "pixels; 0 where the file is no picture"),
        Column("width", "int", "pixels; 0 where the file is no picture"),
        Column("pixels", "text", "digest of shape, depth and pixels", may_miss=True),
        Column("fingerprint", "text", "of the picture; empty where it is flat or no picture", may_miss=True),
        Column("encoder", "text", "file type, mode and quantisation: how it was saved", may_miss=True),
        Column("fault", "text", "why it could not be read", may_miss=True),
    ),
)


def look_at(
    root: Path, paths: Sequence[str], folder: Path, *, full: bool = False, quiet: bool = True
) -> tuple[pd.DataFrame, BoolArray]:
    """What is seen of each file, and which of them were read for it.

    Args:
        root: Source folder of the images.
        paths: Files below it, in the order of the result.
        folder: The dataset folder, in which the notes are kept.
        full: Trust no notes and read every file.
        quiet: Say nothing.

    Returns:
        A table `LOOKS`, and whether each file was read just now.
    """
    stats = _stats(root, paths)
    known = tables.empty(LOOKS) if full else read_notes(folder, _FILE, LOOKS)
    places = pd.Index(known["path"].drop_duplicates()).get_indexer(pd.Index(list(paths)))
    looks = (
        (known if len(known) else _blank()).drop_duplicates("path").iloc[np.maximum(places, 0)].reset_index(drop=True)
    )
    same = (looks[list(_STAT)].to_numpy() == stats).all(axis=1) & (places >= 0) & (stats[:, 0] >= 0)
    looks["path"] = list(paths)
    if not same.all():
        todo = np.flatnonzero(~same)
        rows = [_look(root, paths[int(n)], stats[n]) for n in progress.track(todo, "reading images", quiet=quiet)]
        fresh = _in_type(pd.DataFrame(rows, columns=LOOKS.column_names, index=todo))
        looks = pd.concat([looks[same], fresh]).sort_index()
    if not same.all() or len(known) != len(looks):
        keep_notes(folder, _FILE, looks)
    return looks, ~same


def _stats(root: Path, paths: Sequence[str]) -> IntArray:
    """Size, times and inode of each file, shape (n, 4); -1 where there is none, -2 where the path leads out."""
    found = np.full((len(paths), len(_STAT)), -1, dtype=np.int64)
    start = str(root) + os.sep
    for n, path in enumerate(paths):
        if ".." in path or path.startswith(("/", "\\")) or ":" in path or "\x00" in path:
            inner = PurePosixPath(path.replace("\\", "/"))
            if inner.is_absolute() or ".." in inner.parts or ":" in inner.parts[0] or "\x00" in path:
                found[n] = -2
                continue
        with contextlib.suppress(OSError):
            one = os.stat(start + path)  # noqa: PTH116  # a Path a file doubles the time of 100,000
            found[n] = one.st_size, one.st_mtime_ns, one.st_ctime_ns, one.st_ino & 0x7FFF_FFFF_FFFF_FFFF
    return found


def _look(root: Path, path: str, stat: IntArray) -> tuple[object, ...]:
    """One row of `LOOKS`."""
    size, mtime, ctime, inode = (int(value) for value in stat)
    if size < 0:
        return (path, size, -1, ctime, inode, "", "", 0, 0, "", "", "", OUTSIDE if size == -2 else GONE)
    before = time.time_ns()
    try:
        content = (root / path).read_bytes()
    except OSError as error:
        return (path, size, -1, ctime, inode, "", "", 0, 0, "", "", "", f"cannot be read ({error.strerror})")
    trusted = mtime if max(mtime, ctime) < before - _TICK_NS and len(content) == size else -1
    names = blake2b(content, digest_size=DIGEST_BYTES).hexdigest(), sha256(content).hexdigest()
    try:
        pixels = _pixels_of(root / path)
    except UserError as error:
        return (path, size, trusted, ctime, inode, *names, 0, 0, "", "", "", str(error).removeprefix(f"{root}{os.sep}"))
    shape = f"{pixels.dtype} {pixels.shape}"
    content_of = sha256(shape.encode() + np.ascontiguousarray(pixels).tobytes()).hexdigest()
    height, width = pixels.shape[:2]
    seen = (height, width, content_of, duplicates.fingerprint(pixels), _encoder(content), "")
    return (path, size, trusted, ctime, inode, *names, *seen)


def _pixels_of(path: Path) -> NDArray[np.generic]:
    """The pixels of a picture, or the counts of an array that an import has kept."""
    return raster.read_raster(path).pixels if path.suffix.lower() == ".npy" else images.read_image(path)


def _encoder(content: bytes) -> str:
    """How a picture was saved: often enough to tell the machine or the program that it comes from."""
    from PIL import Image

    if content.startswith(_NPY):
        return "NPY"
    with Image.open(io.BytesIO(content), formats=images.FORMATS) as image:
        told = f"{image.format} {image.mode}"
        quantised = getattr(image, "quantization", None)
    return f"{told} {blake2b(repr(quantised).encode(), digest_size=4).hexdigest()}" if quantised else told


def read_notes(folder: Path, name: str, table: Table) -> pd.DataFrame:
    """A table from `.check/`; an empty one where it is missing, not as it was written, or of another make."""
    try:
        content = (folder / FOLDER / name).read_bytes()
        if blake2b(content[DIGEST_BYTES:], digest_size=DIGEST_BYTES).digest() != content[:DIGEST_BYTES]:
            return tables.empty(table)
        frame = pd.read_parquet(io.BytesIO(content[DIGEST_BYTES:]))
    except (OSError, ValueError):
        return tables.empty(table)
    return frame if list(frame.columns) == table.column_names else tables.empty(table)


def keep_notes(folder: Path, name: str, frame: pd.DataFrame) -> None:
    """Write a table to `.check/`, where the folder may be written to: else the next check reads everything again."""
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False, compression=None)
    content = buffer.getvalue()
    with contextlib.suppress(OSError):
        write_bytes(folder / FOLDER / name, blake2b(content, digest_size=DIGEST_BYTES).digest() + content)


def _in_type(looks: pd.DataFrame) -> pd.DataFrame:
    kinds = {"text": "str", "int": "int64"}
    return looks.astype({column.name: kinds[column.kind] for column in LOOKS.columns})


def _blank() -> pd.DataFrame:
    row = ["" if column.kind == "text" else -9 for column in LOOKS.columns]
    return _in_type(pd.DataFrame([row], columns=LOOKS.column_names))
