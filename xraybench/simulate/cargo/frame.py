"""The frame in which cargo is built, and the places in it that can hold something.

Cargo stands upright while it is built: x along travel, y up from the ground, z away from the source, in mm. `Build` adds
boxes by their corners to `Parts`; `Space` is a box of room: air, or the inside of a primitive whose material it displaces.
Things one behind the other along the beam throw one shadow, so a rank of n alike round things is drawn as one, n times as
deep: for rays across it the paths are the same. `upright` turns what was built into the frame of the sensor.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from xraybench.core.types import FloatArray
from xraybench.simulate.dice import Dice
from xraybench.simulate.geometry import CYLINDER
from xraybench.simulate.parts import ALONG_X, ALONG_Y, STRAIGHT, Item, Parts, Turn

Vec = tuple[float, float, float]

_AXIS: dict[str, Turn] = {"x": ALONG_X, "y": ALONG_Y, "z": STRAIGHT}
_ORDER: dict[str, tuple[int, int, int]] = {"x": (2, 1, 0), "y": (0, 2, 1), "z": (0, 1, 2)}  # own sides of a turned rod


def plus(a: Vec, b: Vec) -> Vec:
    """The sum of two vectors."""
    return (a[0] + b[0], a[1] + b[1], a[2] + b[2])


def minus(a: Vec, b: Vec) -> Vec:
    """The difference of two vectors."""
    return (a[0] - b[0], a[1] - b[1], a[2] - b[2])


@dataclass(frozen=True, slots=True)
class Space:
    """A box of room by its low and high corner; `row` is the primitive it is cut out of, -1 where it is air."""

    low: Vec
    high: Vec
    row: int = -1

    @property
    def size(self) -> Vec:
        """Extent along x, y and z in mm."""
        return (self.high[0] - self.low[0], self.high[1] - self.low[1], self.high[2] - self.low[2])

    @property
    def middle(self) -> Vec:
        """The centre."""
        return (
            0.5 * (self.low[0] + self.high[0]),
            0.5 * (self.low[1] + self.high[1]),
            0.5 * (self.low[2] + self.high[2]),
        )

    @property
    def volume(self) -> float:
        """In mm^3."""
        x, y, z = self.size
        return x * y * z

    def trimmed(self, by: float) -> "Space":
        """The space less a margin on every side."""
        return Space(
            (self.low[0] + by, self.low[1] + by, self.low[2] + by),
            (self.high[0] - by, self.high[1] - by, self.high[2] - by),
            self.row,
        )

    def along(self, x0: float, x1: float) -> "Space":
        """The part from x0 to x1."""
        return replace(self, low=(x0, *self.low[1:]), high=(x1, *self.high[1:]))

    def up_to(self, y1: float) -> "Space":
        """The part below the height y1."""
        return replace(self, high=(self.high[0], y1, self.high[2]))

    def above(self, y0: float) -> "Space":
        """The part above the height y0."""
        return replace(self, low=(self.low[0], y0, self.low[2]))

    def deep(self, z0: float, z1: float) -> "Space":
        """The part from depth z0 to z1."""
        return replace(self, low=(*self.low[:2], z0), high=(*self.high[:2], z1))

    def part(self, dice: Dice, most: Vec) -> "Space":
        """A space of at most this size somewhere inside."""
        low, high = list(self.low), list(self.high)
        for k in range(3):
            spare = high[k] - low[k] - most[k]
            if spare > 0:
                low[k] += spare * dice.unit()
                high[k] = low[k] + most[k]
        return Space((low[0], low[1], low[2]), (high[0], high[1], high[2]), self.row)

    def grid(self, size: Vec, *, gap: float = 0.0) -> tuple[tuple[int, int, int], Vec]:
        """How many things of this size fit along x, y and z, and the pitch at which they stand, spread out along x."""
        counts = [max(1, int((side + gap + 1e-6) // (own + gap))) for side, own in zip(self.size, size, strict=True)]
        pitch = (self.size[0] / counts[0], size[1] + gap, self.size[2] / counts[2])
        return (counts[0], counts[1], counts[2]), pitch


class Build(Parts):
    """Parts that are added by their corners."""

    def block(self, material: str, low: Vec, high: Vec, **rest: Any) -> int:
        """A box from corner to corner."""
        at = (0.5 * (low[0] + high[0]), 0.5 * (low[1] + high[1]), 0.5 * (low[2] + high[2]))
        return self.box(material, at, (high[0] - low[0], high[1] - low[1], high[2] - low[2]), **rest)

    def fill(self, material: str, space: Space, **rest: Any) -> int:
        """A box that fills a space, and displaces what the space is cut out of."""
        return self.block(material, space.low, space.high, inside=rest.pop("inside", space.row), **rest)

    def round(self, material: str, space: Space, axis: str, **rest: Any) -> int:
        """A cylinder about an axis that fills a space: elliptical where the space is not square across the axis."""
        size = space.size
        own = (size[_ORDER[axis][0]], size[_ORDER[axis][1]], size[_ORDER[axis][2]])
        return self.add(
            CYLINDER, material, space.middle, own, turn=_AXIS[axis], inside=rest.pop("inside", space.row), **rest
        )

    def extent(self, first: int) -> Space | None:
        """The box around what was added from row `first` on; None where nothing solid was."""
        low, high = [math.inf] * 3, [-math.inf] * 3
        for (_, material, *_), reals in zip(self._ints[first:], self._reals[first:], strict=True):
            if material < 0:
                continue
            for k in range(3):
                reach = sum(abs(a) * b for a, b in zip(reals[6 + 3 * k : 9 + 3 * k], reals[3:6], strict=True))
                low[k], high[k] = min(low[k], reals[k] - reach), max(high[k], reals[k] + reach)
        return Space((low[0], low[1], low[2]), (high[0], high[1], high[2])) if math.isfinite(low[0]) else None

    def stand(self, item: Item, space: Space, *, inside: int = -1) -> None:
        """Put a finished item on the floor of a space, in the middle of it."""
        x, _, _ = space.middle
        low_z = space.low[2] + max(0.5 * (space.size[2] - item.size[2]), 0.0)
        self.take(item, at=(x, space.low[1] + 0.5 * item.size[1], low_z), inside=inside)


def upright(item: Item, *, middle: tuple[float, float], depth: float, lift_mm: float, mirrored: bool) -> Item:
    """What was built, in the frame of the sensor: up is -y (up the picture), z towards the source.

    Args:
        middle: The x and y of the built frame that go to x 0, y 0.
        depth: How deep it was built; its far side goes to `lift_mm` above the detector.
        mirrored: Turned about the upright axis, so that its far end comes first.
    """
    turn: FloatArray = np.diag([-1.0, -1.0, 1.0] if mirrored else [1.0, -1.0, -1.0])
    reals = item.reals.copy()
    reals[:, :3] = (reals[:, :3] - (*middle, 0.5 * depth)) @ turn.T
    reals[:, 6:15] = (turn @ reals[:, 6:15].reshape(-1, 3, 3)).reshape(-1, 9)
    reals[:, 2] += lift_mm + 0.5 * depth
    return Item(item.kind, item.ints, reals, item.planes, item.size)


def sag(parts: Build, material: str, space: Space, *, bulge: float = 1.2, **rest: Any) -> int:
    """A rank of filled sacks along z: a round body cut square at the space's sides, thinner towards its ends."""
    size = space.size
    own = (size[0] * bulge, size[1] * (1.0 + 0.25 * (bulge - 1.0)), size[2])
    planes = (
        (1.0, 0.0, 0.0, size[0] / 2), (-1.0, 0.0, 0.0, size[0] / 2),
        (0.0, 1.0, 0.0, size[1] / 2), (0.0, -1.0, 0.0, size[1] / 2),
    )  # fmt: skip
    return parts.add(CYLINDER, material, space.middle, own, planes=planes, inside=rest.pop("inside", space.row), **rest)


def arc(x: float, y: float, radius: float, first: float, last: float, n: int) -> list[tuple[float, float]]:
    """Points on an arc, angles in radians."""
    step = (last - first) / max(n - 1, 1)
    return [(x + radius * math.cos(first + i * step), y + radius * math.sin(first + i * step)) for i in range(n)]
