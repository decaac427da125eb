"""Pictures that show the same scan: fingerprints that survive re-encoding, resizing and turning, and a search for pairs.

A fingerprint is the sign of the 255 lowest frequencies of a picture of 32 x 32 averaged pixels. Flipping a picture negates
the odd frequencies, turning it swaps rows and columns, so the fingerprints of the 8 flipped and turned copies follow from
one. Two pictures are suspected when at most `MOST_APART` of the 256 bits differ. Among many pictures, only those are
compared that agree in all bits of at least one of `N_BANDS` bands; among few new ones against many, all are.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xraybench.core.chance import stream
from xraybench.core.types import BoolArray, FloatArray, IntArray

N_BITS = 256
# Measured (benchmarks/integrity.py): re-encoded, resized and flipped copies differ by 2 to 11 % of the bits, different
# scans of one simulated or real scanner by 20 % or more; views of one object turned a little lie between.
MOST_APART = 40
N_BANDS = 32
_BAND_BITS = 20
_STEADY = 12  # bands are drawn from the lowest 12 x 12 frequencies: the higher ones are the first to change
_SIDE = 32
_KEPT = 16
_MOST_COMPARED_WHOLE = 2_000_000  # comparisons: fewer need no bands
_FEWEST_GREY_LEVELS = 1.0  # standard deviation; a flatter picture has no fingerprint, all flat ones would be copies
TURNS = (
    "as it is",
    "flipped left to right",
    "flipped top to bottom",
    "turned by 180 degrees",
    "flipped along the diagonal",
    "turned by a quarter clockwise",
    "turned by a quarter anticlockwise",
    "flipped along the other diagonal",
)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two pictures by their place in the list, how many of 256 bits differ, and how the second lies to the first."""

    first: int
    second: int
    bits_apart: int
    turn: str


def fingerprint(pixels: NDArray[np.generic]) -> str:
    """64 hexadecimal characters that tell a picture, or nothing where it holds only one shade.

    Args:
        pixels: Shape (height, width, channels), 8 or 16 bits.
    """
    small = _small(pixels)
    if small.std() < _FEWEST_GREY_LEVELS:
        return ""
    waves = _WAVES @ (small - small.mean()) @ _WAVES.T
    bits = (waves > 0).ravel()
    bits[0] = False  # the mean says how bright, not what
    return np.packbits(bits).tobytes().hex()


def pairs(fingerprints: list[str], *, new: "BoolArray | None" = None) -> list[Pair]:
    """Pictures that are suspected to show the same scan.

    Args:
        fingerprints: One a picture; pictures without one are paired with nothing.
        new: Which of them to look for among all others; left out, all are.

    Returns:
        Sorted by place. Of many pictures with one fingerprint, each is paired with the first of them only.
    """
    first_of: dict[str, int] = {}
    found: dict[tuple[int, int], Pair] = {}
    for place, text in enumerate(fingerprints):
        if len(text) == N_BITS // 4 and (one := first_of.setdefault(text, place)) != place:
            found[one, place] = Pair(one, place, 0, TURNS[0])
    places = np.array(list(first_of.values()), dtype=np.int64)
    if len(places) < 2 or not first_of.keys() - {""}:
        return [found[key] for key in sorted(found)]
    places = places[[len(fingerprints[place]) == N_BITS // 4 for place in places]]
    raw = bytes.fromhex("".join(fingerprints[place] for place in places))
    bits = np.unpackbits(np.frombuffer(raw, np.uint8).reshape(len(places), -1), axis=1).astype(bool)
    asked = np.arange(len(places)) if new is None else np.flatnonzero(new[places])
    for turn, turned in zip(TURNS, _turned(bits[asked]), strict=True):
        rows, others = _candidates(bits, turned)
        keep = asked[rows] < others if new is None else asked[rows] != others
        rows, others = rows[keep], others[keep]
        apart = _apart(turned, bits, rows, others)
        near = apart <= MOST_APART
        for a, b, n in zip(places[asked[rows[near]]], places[others[near]], apart[near], strict=True):
            key, way = ((int(a), int(b)), turn) if a < b else ((int(b), int(a)), _BACK.get(turn, turn))
            if key not in found or found[key].bits_apart > n:
                found[key] = Pair(*key, int(n), way)
    return [found[key] for key in sorted(found)]


def _small(pixels: NDArray[np.generic]) -> FloatArray:
    """32 x 32 averages in 256 grey levels."""
    from PIL import Image

    grey = pixels.astype(np.float32) @ (
        _LUMA if pixels.shape[2] == 3 else np.full(pixels.shape[2], 1 / pixels.shape[2])
    )
    if pixels.dtype == np.uint16:
        grey = grey * (255.0 / max(float(grey.max()), 1.0))
    small = Image.fromarray(grey.astype(np.float32)).resize((_SIDE, _SIDE), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float64)


def _turned(bits: BoolArray) -> list[BoolArray]:
    """The fingerprints of the 8 flipped and turned copies, shape (n, 256) each, in the order of `TURNS`."""
    square = bits.reshape(-1, _KEPT, _KEPT)
    odd = np.arange(_KEPT) % 2 == 1
    flips = [np.zeros((_KEPT, _KEPT), bool), np.tile(odd, (_KEPT, 1)), np.tile(odd[:, None], (1, _KEPT))]
    flips.append(flips[1] ^ flips[2])
    found = [flipped ^ flip for flipped in (square, square.swapaxes(1, 2)) for flip in flips]
    for one in found:
        one[:, 0, 0] = False
    return [np.ascontiguousarray(one.reshape(len(bits), N_BITS)) for one in found]


def _candidates(bits: BoolArray, turned: BoolArray) -> tuple[IntArray, IntArray]:
    """Rows of `turned` and of `bits` that may be alike: all when few, else those that share a band."""
    if len(bits) * len(turned) <= _MOST_COMPARED_WHOLE:
        rows, columns = np.indices((len(turned), len(bits))).reshape(2, -1)
        return rows.astype(np.int64), columns.astype(np.int64)
    near = [_sharing(_keys(bits, band), _keys(turned, band)) for band in _BANDS]
    both = np.unique(np.concatenate([first * len(bits) + second for first, second in near]))
    return both // len(bits), both % len(bits)


def _keys(bits: BoolArray, band: IntArray) -> IntArray:
    keys: IntArray = bits[:, band].astype(np.float64) @ (2.0 ** np.arange(len(band)))
    return keys.astype(np.int64)


def _sharing(keys: IntArray, asked: IntArray) -> tuple[IntArray, IntArray]:
    """All (row of asked, row of keys) with equal keys."""
    order = np.argsort(keys, kind="stable")
    low, high = (np.searchsorted(keys[order], asked, side) for side in ("left", "right"))
    counts = high - low
    first = np.repeat(np.arange(len(asked)), counts)
    offset = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return first.astype(np.int64), order[np.repeat(low, counts) + offset].astype(np.int64)


def _apart(turned: BoolArray, bits: BoolArray, rows: IntArray, others: IntArray) -> IntArray:
    """How many bits differ between rows of the one and of the other."""
    left, right = (np.packbits(some, axis=1).view(np.uint64) for some in (turned, bits))
    found = np.zeros(len(rows), np.int64)
    for start in range(0, len(rows), 1 << 20):
        part = slice(start, start + (1 << 20))
        found[part] = np.bitwise_count(left[rows[part]] ^ right[others[part]]).sum(axis=1)
    return found


_BACK = {TURNS[5]: TURNS[6], TURNS[6]: TURNS[5]}
_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601
_WAVES = np.cos(np.pi * (np.arange(_SIDE) + 0.5) * np.arange(_KEPT)[:, None] / _SIDE)
_STEADY_BITS = np.setdiff1d((np.arange(_STEADY)[:, None] * _KEPT + np.arange(_STEADY)).ravel(), [0])
_BANDS = [stream(0, "band", n).choice(_STEADY_BITS, _BAND_BITS, replace=False) for n in range(N_BANDS)]
