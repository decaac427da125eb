"""Imported scans on a track of counts: each view is a npy file in the dataset folder, and read as it was stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xraybench.core.errors import BadFile
from xraybench.core.types import TRACKS
from xraybench.data import store
from xraybench.data.store import Stored
from xraybench.formats.raster import Raster, read_raster

FOLDER = store.KEPT
COUNT_TRACKS = tuple(track for track in TRACKS if track not in ("colour", "grey"))  # 16-bit counts, not pictures


@dataclass(frozen=True)
class CountFiles:
    """Reads the views of imported scans from their counts."""

    files: dict[str, tuple[Path, ...]]
    track: str

    def __call__(self, scan_id: str) -> tuple[NDArray[np.uint16], ...]:
        return tuple(self._view(path) for path in self.files[scan_id])

    def _view(self, path: Path) -> NDArray[np.uint16]:
        pixels = read_raster(path).pixels
        if pixels.shape[2] != len(TRACKS[self.track]):
            raise BadFile(
                f"{path}: holds {pixels.shape[2]} planes; the {self.track} track has {len(TRACKS[self.track])}."
            )
        return pixels


def count_files(stored: Stored) -> CountFiles:
    """The reader of an imported dataset on a track of counts."""
    root = Path(stored.manifest.source)
    files: dict[str, tuple[Path, ...]] = {}
    for row in stored.files.sort_values(["scan_id", "view"]).itertuples():
        files[row.scan_id] = (*files.get(row.scan_id, ()), root / row.path)
    return CountFiles(files, stored.manifest.track)


def as_channels(raster: Raster, track: str, full_scale: float, where: str) -> NDArray[np.uint16]:
    """The counts of a view in the order of a track's channels, open beam bright.

    Counts that grow with absorption are turned over, `full_scale - count`, which loses nothing.

    Raises:
        BadFile: A channel of the track is not among the planes, the polarity is not known, or a count to be turned over
            lies above the full scale, or the full scale above 16 bits.
    """
    names = [plane.name for plane in raster.planes]
    lacking = [name for name in TRACKS[track] if name not in names]
    if lacking:
        raise BadFile(
            f"{where}: has the planes {', '.join(names)}; the {track} track needs {', '.join(TRACKS[track])}."
        )
    pixels = raster.pixels[..., [names.index(name) for name in TRACKS[track]]]
    if raster.polarity == "absorption":
        if not full_scale <= np.iinfo(np.uint16).max:
            raise BadFile(
                f"{where}: an open beam of {full_scale:g} is no count of 16 bits, so nothing is turned over at it."
            )
        if pixels.max() > full_scale:
            raise BadFile(f"{where}: a count of {int(pixels.max())} lies above the open beam of {full_scale:g}.")
        return (np.uint16(full_scale) - pixels).astype(np.uint16)
    if raster.polarity != "transmission":
        raise BadFile(
            f"{where}: whether the open beam is bright or dark is not known; declare polarity=transmission or absorption."
        )
    return np.ascontiguousarray(pixels)


def one_full_scale(values: Sequence[float], where: str) -> float:
    """The one count of the open beam.

    Raises:
        BadFile: None is known, or several.
    """
    known = sorted({value for value in values if value == value})
    if len(known) != 1:
        told = "is not known" if not known else f"differs: {', '.join(f'{value:g}' for value in known)}"
        raise BadFile(f"{where}: the count of the open beam {told}; declare full_scale=COUNT.")
    return known[0]
