"""Where an object is: boxes and masks in our convention, base, extents, bitmap and polygon in that of DICOS.

Ours: `x0, y0, x1, y1` in pixels, right and bottom exclusive, masks of the whole view. DICOS: base and extents as x, y, z
in pixels or voxels from 0, a flat region has z 0 and depth 1; the bitmap holds one bit a voxel of the extents, lowest bit
first, x fastest, then y, then z, rows not padded (checked against an independent toolkit, research/formats.md 1.4).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xraybench.core.errors import BadValue
from xraybench.core.types import BoolArray, Float32Array

MOST_VOXELS = 2_000_000_000


@dataclass(frozen=True, eq=False)
class Region:
    """One region: `base` and `extents` are x, y, z; `mask` (z, y, x) fills the extents; `polygon` is (n, 3)."""

    base: tuple[float, float, float]
    extents: tuple[float, float, float]
    mask: BoolArray | None = None
    polygon: Float32Array | None = None

    @property
    def box(self) -> tuple[float, float, float, float]:
        """`x0, y0, x1, y1` of a flat region, to a thousandth of a pixel: more than a float32 holds is noise."""
        (x, y, _), (width, height, _) = self.base, self.extents
        return round(x, 3), round(y, 3), round(x + width, 3), round(y + height, 3)


def region_of_box(x0: float, y0: float, x1: float, y1: float) -> Region:
    """A box in a view as a region one deep.

    Raises:
        BadValue: The right or bottom edge does not lie beyond the left or top one.
    """
    if not (x1 > x0 and y1 > y0):
        raise BadValue(f"Box {x0:g}, {y0:g}, {x1:g}, {y1:g}: x1 must lie beyond x0 and y1 beyond y0.")
    return Region((float(x0), float(y0), 0.0), (float(x1 - x0), float(y1 - y0), 1.0))


def region_of_mask(mask: NDArray[np.generic]) -> Region:
    """The smallest region around a mask of a whole view (height, width) or volume (depth, height, width).

    Raises:
        BadValue: The mask marks nothing.
    """
    whole = np.asarray(mask, dtype=bool)
    whole = whole[None] if whole.ndim == 2 else whole
    marked = np.nonzero(whole)
    if not len(marked[0]):
        raise BadValue("A mask that marks nothing has no region.")
    low = [int(axis.min()) for axis in marked]
    high = [int(axis.max()) + 1 for axis in marked]
    cut = whole[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
    z, y, x = (h - n for h, n in zip(high, low, strict=True))
    return Region((low[2], low[1], low[0]), (x, y, z), np.ascontiguousarray(cut))


def mask_of_region(region: Region, height: int, width: int, depth: int = 1) -> BoolArray:
    """The region as a mask (depth, height, width) of the whole image. Without a bitmap the extents are filled.

    Raises:
        BadValue: The region leaves the image.
    """
    low = [int(np.floor(value + 1e-4)) for value in region.base]
    high = [int(np.ceil(b + e - 1e-4)) for b, e in zip(region.base, region.extents, strict=True)]
    if min(low) < 0 or high[0] > width or high[1] > height or high[2] > depth:
        raise BadValue(f"The region {region.base} + {region.extents} leaves the image of {width} x {height} x {depth}.")
    mask = np.zeros((depth, height, width), dtype=bool)
    inside = mask[low[2] : high[2], low[1] : high[1], low[0] : high[0]]
    if region.mask is not None and region.mask.shape == inside.shape:
        inside[...] = region.mask
    else:
        inside[...] = True
    return mask


def packed(mask: BoolArray) -> bytes:
    """The bitmap of a mask (z, y, x): lowest bit first, x fastest, padded to an even count of bytes."""
    bits = np.packbits(np.asarray(mask, dtype=bool).reshape(-1), bitorder="little").tobytes()
    return bits + b"\0" * (len(bits) % 2)


def unpacked(bitmap: bytes, extents: tuple[float, float, float]) -> BoolArray:
    """The mask (z, y, x) of a bitmap.

    Raises:
        BadValue: The bitmap is not of the size that its extents say, or the extents are absurd.
    """
    if not all(np.isfinite(extents)):
        raise BadValue(f"A bitmap cannot have the extents {extents}.")
    x, y, z = (int(value) for value in extents)
    n_voxels = x * y * z
    if min(x, y, z) < 1 or n_voxels > MOST_VOXELS:
        raise BadValue(f"A bitmap cannot have the extents {x} x {y} x {z}.")
    n_bytes = -(-n_voxels // 8)
    if len(bitmap) not in (n_bytes, n_bytes + n_bytes % 2):
        raise BadValue(f"The bitmap has {len(bitmap)} bytes; extents of {x} x {y} x {z} need {n_bytes}.")
    flat = np.unpackbits(np.frombuffer(bitmap, dtype=np.uint8), count=n_voxels, bitorder="little")
    return flat.reshape(z, y, x).astype(bool)
