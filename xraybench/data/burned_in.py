"""Text that was burned into a picture: runs of letter-like strokes near its margins, flagged for a person to look at.

Nothing is removed. Strokes are thin, stand out from what is around them, and come in runs of one height on one line; goods
in a scan rarely do. How often it hits and how often it is wrong is measured by benchmarks/integrity.py on made samples; text
that is large, faint, upright, or in the middle of the picture is missed.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xraybench.core.types import BoolArray, FloatArray

MARGIN_SHARE = 0.2  # of height and width: where consoles print
_FEWEST_LETTERS = 4
_STROKE_PX = 9  # a stroke is thinner than this, at one of the scales
_STANDS_OUT = 40.0  # grey levels of 256
_HEIGHTS_PX = (5, 34)
_SCALES = (1, 2, 4)
_SMALLEST_PX = 48


@dataclass(frozen=True, slots=True)
class TextLine:
    """A run of letter-like strokes: edges in pixels of the picture, right and bottom exclusive."""

    x0: int
    y0: int
    x1: int
    y1: int
    n_letters: int


def text_lines(pixels: NDArray[np.generic]) -> list[TextLine]:
    """Runs of letter-like strokes in the margins of a picture; an empty list proves nothing.

    Args:
        pixels: Shape (height, width) or (height, width, channels), 8 or 16 bits.
    """
    grey = _grey(pixels)
    found: list[TextLine] = []
    for scale in _SCALES:
        small = _averaged(grey, scale)
        if min(small.shape) < _SMALLEST_PX and scale > 1:
            break
        for line in _lines_at(small):
            edges = {name: scale * getattr(line, name) for name in ("x0", "y0", "x1", "y1")}
            whole = TextLine(**edges, n_letters=line.n_letters)
            if not any(_overlap(whole, other) for other in found):
                found.append(whole)
    return found


def _grey(pixels: NDArray[np.generic]) -> FloatArray:
    """One channel in 256 levels; 16-bit counts from their darkest to their brightest."""
    grey = pixels.astype(np.float64)
    if grey.ndim == 3:
        grey = grey.mean(axis=2)
    if pixels.dtype != np.uint8:
        low, high = float(grey.min()), float(grey.max())
        grey = (grey - low) * (255.0 / max(high - low, 1.0))
    return grey


def _averaged(grey: FloatArray, scale: int) -> FloatArray:
    if scale == 1:
        return grey
    height, width = (length // scale * scale for length in grey.shape)
    blocks = grey[:height, :width].reshape(height // scale, scale, width // scale, scale)
    averaged: FloatArray = blocks.mean(axis=(1, 3))
    return averaged


def _lines_at(grey: FloatArray) -> list[TextLine]:
    from scipy import ndimage

    bright = grey - ndimage.grey_opening(grey, size=_STROKE_PX)
    dark = ndimage.grey_closing(grey, size=_STROKE_PX) - grey
    found = []
    for strokes in (bright > _STANDS_OUT, dark > _STANDS_OUT):
        letters = _letters(strokes & _margins(grey.shape))
        found += _runs(letters)
    return found


def _margins(shape: tuple[int, ...]) -> BoolArray:
    chosen = np.ones(shape, bool)
    height, width = (max(int(length * MARGIN_SHARE), 24) for length in shape)
    chosen[height : shape[0] - height, width : shape[1] - width] = False
    return chosen


def _letters(strokes: BoolArray) -> list[tuple[int, int, int, int]]:
    """Boxes of connected strokes that have the size and the fill of a letter."""
    from scipy import ndimage

    labelled, n_found = ndimage.label(strokes, structure=np.ones((3, 3)))
    if n_found == 0:
        return []
    areas = np.bincount(labelled.ravel())[1:]
    found = []
    for place, box in enumerate(ndimage.find_objects(labelled)):
        height, width = box[0].stop - box[0].start, box[1].stop - box[1].start
        fill = areas[place] / (height * width)
        if _HEIGHTS_PX[0] <= height <= _HEIGHTS_PX[1] and 1 <= width <= 1.6 * height and 0.15 <= fill <= 1.0:
            found.append((box[1].start, box[0].start, box[1].stop, box[0].stop))
    return sorted(found)


def _runs(letters: list[tuple[int, int, int, int]]) -> list[TextLine]:
    """Letters side by side, of one height and on one line, with small gaps."""
    found = []
    left = list(letters)
    while left:
        run = [left.pop(0)]
        for letter in list(left):
            last = run[-1]
            height = last[3] - last[1]
            gap = letter[0] - last[2]
            if gap > 1.3 * height:
                break
            is_level = (
                abs(letter[3] - last[3]) <= 0.25 * height and abs((letter[3] - letter[1]) - height) <= 0.35 * height
            )
            if is_level and gap >= -0.2 * height:
                run.append(letter)
                left.remove(letter)
        widths = np.array([x1 - x0 for x0, _, x1, _ in run], float)
        if len(run) >= _FEWEST_LETTERS and widths.max() >= 3:
            edges = np.array(run)
            low, high = edges[:, :2].min(axis=0), edges[:, 2:].max(axis=0)
            found.append(TextLine(int(low[0]), int(low[1]), int(high[0]), int(high[1]), len(run)))
    return found


def _overlap(one: TextLine, other: TextLine) -> bool:
    return one.x0 < other.x1 and other.x0 < one.x1 and one.y0 < other.y1 and other.y0 < one.y1
