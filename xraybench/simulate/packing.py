"""Packing: where each thing lies in its carton or envelope, and what is wrapped around it.

A 10 mm height map; some random places are tried and the lowest wins, so goods lie side by side before they pile up, and
nothing stands inside anything else.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xraybench.core.types import BoolArray, FloatArray
from xraybench.simulate.dice import Dice
from xraybench.simulate.parts import COARSE, FOLDS, WEAVE, Item, Parts, placed, yaw

CELL_MM = 10.0
N_TRIES = 16
OPEN_EDGE = 0.12  # share of each side, at both ends, over which goods may lie on what is in the open


@dataclass(frozen=True, slots=True)
class Package:
    """An empty package, chosen before anything is put in."""

    style: str  # envelope, padded_bag, flat_carton, carton
    x: float  # inner length in mm
    y: float
    z: float  # most that may be piled up
    n_goods: int


def choose_package(vector: str, dice: Dice) -> Package:
    """A package of this vector with free proportions."""
    if vector == "mail":
        style = dice.pick(("envelope", "padded_bag", "padded_bag", "flat_carton", "flat_carton"))
        if style == "envelope":
            return Package(
                style, dice.between(165, 235), dice.between(110, 175), dice.between(18, 28), dice.whole(0, 1)
            )
        if style == "padded_bag":
            return Package(
                style, dice.between(160, 232), dice.between(115, 195), dice.between(28, 50), dice.whole(0, 1)
            )
        return Package(style, dice.between(165, 230), dice.between(115, 195), dice.between(38, 68), dice.whole(0, 2))
    return Package("carton", dice.between(190, 305), dice.between(155, 240), dice.between(85, 175), dice.whole(2, 5))


def roomier(package: Package, size: tuple[float, float, float]) -> Package:
    """The package, grown where a thing of this size would not lie in it along its walls."""
    return replace(package, x=max(package.x, size[0] + 2.0), y=max(package.y, size[1] + 2.0))


class Pile:
    """What has been put into a package so far."""

    def __init__(self, package: Package) -> None:
        self.package = package
        self.n_x, self.n_y = math.ceil(package.x / CELL_MM), math.ceil(package.y / CELL_MM)
        self.height: FloatArray = np.zeros((self.n_x, self.n_y))
        self.closed: BoolArray = np.zeros((self.n_x, self.n_y), dtype=np.bool_)  # nothing may be laid here any more

    @property
    def top(self) -> float:
        """The highest point so far, in mm."""
        return float(self.height.max())

    def put(
        self, dice: Dice, item: Item, *, must: bool, anywhere: float = 0.25, in_the_open: bool = False
    ) -> Item | None:
        """The item laid into the package, or None where it does not fit; `must` takes it whatever the height.

        `anywhere` is the chance that it is dropped on the first place tried, on top of others or not. What is put
        `in_the_open` keeps its place to itself: nothing is laid on it or under it.
        """
        turned = self._turned(dice, item)
        if turned is None:
            if not must:
                return None
            turned = item
        sx, sy, sz = turned.size
        free_x, free_y = max(self.package.x - sx, 0.0), max(self.package.y - sy, 0.0)
        best: tuple[float, float, float] | None = None
        n_tries = 1 if dice.chance(anywhere) else N_TRIES
        for _ in range(n_tries):
            x, y = dice.between(0.0, free_x), dice.between(0.0, free_y)
            is_closed = bool(self._under(self.closed, x, y, sx, sy).any())
            z = math.inf if is_closed and not must else float(self._under(self.height, x, y, sx, sy).max())
            if best is None or z < best[2]:
                best = (x, y, z)
        assert best is not None
        x, y, z = best
        if z + sz > self.package.z and not must:
            return None
        self._under(self.height, x, y, sx, sy)[:] = z + sz
        if in_the_open:
            edge_x, edge_y = OPEN_EDGE * sx, OPEN_EDGE * sy  # a turned thing leaves the corners of its box free
            self._under(self.closed, x + edge_x, y + edge_y, sx - 2 * edge_x, sy - 2 * edge_y)[:] = True
        return placed(turned, at=(x + sx / 2 - self.package.x / 2, y + sy / 2 - self.package.y / 2, z))

    def _under(self, grid: NDArray[Any], x: float, y: float, sx: float, sy: float) -> NDArray[Any]:
        i0, j0 = min(int(x / CELL_MM), self.n_x - 1), min(int(y / CELL_MM), self.n_y - 1)
        return grid[i0 : max(math.ceil((x + sx) / CELL_MM), i0 + 1), j0 : max(math.ceil((y + sy) / CELL_MM), j0 + 1)]

    def _turned(self, dice: Dice, item: Item) -> Item | None:
        """Free yaw where there is room for it, else along a wall."""
        aligned = dice.pick((0.0, math.pi / 2, math.pi, -math.pi / 2)) + dice.between(-0.12, 0.12)
        for angle in (dice.between(-math.pi, math.pi), aligned, 0.0, math.pi / 2):
            turned = placed(item, turn=yaw(angle))
            if turned.size[0] <= self.package.x and turned.size[1] <= self.package.y:
                return turned
        return None


def wrap(package: Package, top: float, dice: Dice) -> Item:
    """The package itself around a pile of this height, with its filling."""
    parts = Parts()
    if package.style == "envelope":
        _envelope(parts, package, top, dice)
    elif package.style == "padded_bag":
        _padded_bag(parts, package, top, dice)
    else:
        _carton(parts, package, top, dice)
    return parts.finish(package.style, centred=False)


def _envelope(parts: Parts, package: Package, top: float, dice: Dice) -> None:
    x, y = package.x + 8, package.y + 8
    paper = dice.between(0.15, 0.4)
    for z in (-paper, top + paper):
        parts.box("paper", (0.0, 0.0, z), (x, y, paper))
    parts.box("paper", (0.0, y * 0.36, top + 2 * paper), (x, y * 0.24, paper))
    for side in (-1, 1):
        parts.box("paper", (side * (x / 2 - 6), 0.0, top / 2), (12.0, y, 2 * paper), fill=1.2)
    parts.box("coated_paper", (-x * 0.15, -y * 0.1, top + 3 * paper), (x * 0.4, y * 0.3, 0.2))
    if dice.chance(0.35):
        for k in range(dice.whole(1, 3)):
            parts.bar("steel", (x * 0.1 * k, y * 0.42), (x * 0.1 * k + 12, y * 0.42), top + 1.0, 0.8, 0.8)


def _padded_bag(parts: Parts, package: Package, top: float, dice: Dice) -> None:
    x, y = package.x + 14, package.y + 12
    for z in (-2.0, top + 2.0):
        parts.box("polyethylene", (0.0, 0.0, z), (x, y, 4.0), fill=0.045, texture=(WEAVE, 0.3))
        parts.box("paper", (0.0, 0.0, z * 1.02), (x, y, 0.4))
    for side in (-1, 1):
        parts.box("paper", (side * (x / 2 - 5), 0.0, top / 2), (10.0, y, 1.4))
        parts.box("paper", (0.0, side * (y / 2 - 4), top / 2), (x, 8.0, 1.0))
    parts.box("paper", (0.0, y * 0.38, top + 5.0), (x, y * 0.2, 0.5))
    parts.box("coated_paper", (x * 0.1, -y * 0.05, top + 6.0), (x * 0.45, y * 0.4, 0.25))


def _carton(parts: Parts, package: Package, top: float, dice: Dice) -> None:
    wall, fill = dice.between(2.5, 5.0), dice.between(0.20, 0.32)
    room = dice.between(2, 10) if package.style == "flat_carton" else dice.between(6, 40)
    x, y, z = package.x + 2 * wall, package.y + 2 * wall, top + room
    for side in (-1, 1):
        parts.box("cardboard", (side * (x - wall) / 2, 0.0, z / 2), (wall, y, z), fill=fill)
        parts.box("cardboard", (0.0, side * (y - wall) / 2, z / 2), (x - 2 * wall, wall, z), fill=fill)
    flap = y * dice.between(0.46, 0.5)
    for level, depth in ((-wall / 2, wall), (z + wall / 2, wall)):
        parts.box("cardboard", (0.0, 0.0, level), (x, y, depth), fill=fill, texture=(WEAVE, 0.04))
        for side in (-1, 1):
            parts.box("cardboard", (side * (x - flap) / 2, 0.0, level * 1.01), (flap, y, depth), fill=fill)
    parts.box("polypropylene", (0.0, 0.0, z + wall + 0.2), (x, 48.0, 0.1))
    parts.box(
        "coated_paper", (dice.between(-0.2, 0.2) * x, dice.between(-0.2, 0.2) * y, z + wall + 0.4), (100.0, 70.0, 0.2)
    )
    kind = dice.unit()
    if room > 5 and kind < 0.4:
        parts.box(
            "newsprint",
            (0.0, 0.0, top + room / 2),
            (package.x, package.y, room - 1),
            fill=dice.between(0.03, 0.10),
            texture=(FOLDS, 0.4),
        )
    elif room > 5 and kind < 0.6:
        parts.box("foam", (0.0, 0.0, top + room / 2), (package.x, package.y, room - 1), fill=0.8, texture=(COARSE, 0.3))
    elif kind < 0.8:
        n = dice.whole(1, 3)
        for i in range(n):
            step = package.x / n
            at = (-package.x / 2 + (i + 0.5) * step, 0.0, top + room * 0.5)
            for side in (-1, 1):
                parts.box("polyethylene", (at[0] + side * step * 0.46, 0.0, at[2]), (4.0, package.y * 0.9, 0.8))
            parts.box("polyethylene", at, (step * 0.94, package.y * 0.9, 0.2))
