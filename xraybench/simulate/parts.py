"""Building items from convex primitives, and turning them into place.

An item is built in its own frame (mm, x and y flat, z up) by appending rows to a `Parts`. `finish` makes arrays of it,
centred on its footprint and standing on z = 0; `placed` turns and moves it. Plain floats while building, one array at
the end: a scene of 300 primitives takes about a millisecond.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np

from xraybench.core.types import FloatArray, IntArray
from xraybench.simulate import materials
from xraybench.simulate.geometry import BOX, CYLINDER, ELLIPSOID

Turn = tuple[float, float, float, float, float, float, float, float, float]  # a rotation, row by row

STRAIGHT: Turn = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
ALONG_X: Turn = (0.0, 0.0, 1.0, 0.0, 1.0, 0.0, -1.0, 0.0, 0.0)  # a cylinder's axis z goes to x
ALONG_Y: Turn = (1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, -1.0, 0.0)  # a cylinder's axis z goes to y
FOLDS, GRAIN, COARSE, WEAVE, CREASES = 0, 1, 2, 3, 4  # texture banks
NOTHING = -1  # material of a hole: it displaces and adds nothing
_MATERIAL_ROW = {name: i for i, name in enumerate(materials.names())}


def yaw(angle: float) -> Turn:
    """Rotation about z, radians, from x towards y."""
    c, s = math.cos(angle), math.sin(angle)
    return (c, -s, 0.0, s, c, 0.0, 0.0, 0.0, 1.0)


def tilt(about_x: float, about_y: float) -> Turn:
    """Rotation about x, then about y, radians."""
    ca, sa, cb, sb = math.cos(about_x), math.sin(about_x), math.cos(about_y), math.sin(about_y)
    return (cb, sb * sa, sb * ca, 0.0, ca, -sa, -sb, cb * sa, cb * ca)


def compose(a: Turn, b: Turn) -> Turn:
    """The rotation b followed by a."""
    return (
        a[0] * b[0] + a[1] * b[3] + a[2] * b[6],
        a[0] * b[1] + a[1] * b[4] + a[2] * b[7],
        a[0] * b[2] + a[1] * b[5] + a[2] * b[8],
        a[3] * b[0] + a[4] * b[3] + a[5] * b[6],
        a[3] * b[1] + a[4] * b[4] + a[5] * b[7],
        a[3] * b[2] + a[4] * b[5] + a[5] * b[8],
        a[6] * b[0] + a[7] * b[3] + a[8] * b[6],
        a[6] * b[1] + a[7] * b[4] + a[8] * b[7],
        a[6] * b[2] + a[7] * b[5] + a[8] * b[8],
    )


@dataclass(frozen=True, eq=False)
class Item:
    """One item in its own frame, or in the scene once placed.

    Attributes:
        ints: kind, material row, parent row (-1 for none), texture bank (-1), object, first plane, one past last; (n, 7).
        reals: centre (3), half sizes (3), rotation (9), fill, texture depth; shape (n, 17), mm.
        planes: Half-spaces nx, ny, nz, d in the frame of their primitive, shape (n_planes, 4).
        kind: What it is, such as `book`.
        size: Extent along x, y and z in mm.
    """

    kind: str
    ints: IntArray
    reals: FloatArray
    planes: FloatArray
    size: tuple[float, float, float]


class Parts:
    """A growing list of primitives. Every method returns the row of what it added, to be named as `inside` later.

    `inside` is the row whose material the new primitive displaces; the new one must lie within it. Sizes are full sizes.
    """

    def __init__(self) -> None:
        self._ints: list[tuple[int, int, int, int, int, int, int]] = []
        self._reals: list[tuple[float, ...]] = []
        self._planes: list[tuple[float, float, float, float]] = []
        self.object = 0  # object number given to what is added next

    def __len__(self) -> int:
        return len(self._ints)

    def add(
        self,
        kind: int,
        material: str,
        at: tuple[float, float, float],
        size: tuple[float, float, float],
        *,
        turn: Turn = STRAIGHT,
        inside: int = -1,
        fill: float = 1.0,
        texture: tuple[int, float] | None = None,
        planes: Sequence[tuple[float, float, float, float]] = (),
    ) -> int:
        """Any primitive. `material` "" makes a hole; `fill` scales the density; `texture` is (bank, depth)."""
        row = _MATERIAL_ROW[material] if material else NOTHING
        bank, depth = texture or (-1, 0.0)
        first = len(self._planes)
        self._planes.extend(planes)
        self._ints.append((kind, row, inside, bank, self.object, first, len(self._planes)))
        half = (max(0.5 * size[0], 1e-3), max(0.5 * size[1], 1e-3), max(0.5 * size[2], 1e-3))
        self._reals.append((*at, *half, *turn, fill, depth))
        return len(self._ints) - 1

    def box(self, material: str, at: tuple[float, float, float], size: tuple[float, float, float], **rest: Any) -> int:
        """A box by its centre and full sizes."""
        return self.add(BOX, material, at, size, **rest)

    def ball(self, material: str, at: tuple[float, float, float], size: tuple[float, float, float], **rest: Any) -> int:
        """An ellipsoid by its centre and full axes."""
        return self.add(ELLIPSOID, material, at, size, **rest)

    def rod(
        self,
        material: str,
        at: tuple[float, float, float],
        diameter: float,
        length: float,
        *,
        axis: str = "z",
        **rest: Any,
    ) -> int:
        """A round cylinder along x, y or z, or along z of its own `turn`."""
        turn = rest.pop("turn", {"x": ALONG_X, "y": ALONG_Y, "z": STRAIGHT}[axis])
        return self.add(CYLINDER, material, at, (diameter, diameter, length), turn=turn, **rest)

    def bar(
        self,
        material: str,
        a: tuple[float, float],
        b: tuple[float, float],
        z: float,
        wide: float,
        thick: float,
        **rest: Any,
    ) -> int:
        """A flat bar from a to b in the plane z, `wide` across and `thick` in z."""
        dx, dy = b[0] - a[0], b[1] - a[1]
        at = (0.5 * (a[0] + b[0]), 0.5 * (a[1] + b[1]), z)
        return self.box(material, at, (math.hypot(dx, dy), wide, thick), turn=yaw(math.atan2(dy, dx)), **rest)

    def wire(
        self, material: str, a: tuple[float, float, float], b: tuple[float, float, float], diameter: float, **rest: Any
    ) -> int:
        """A round rod from a to b."""
        d = (b[0] - a[0], b[1] - a[1], b[2] - a[2])
        length = math.sqrt(d[0] ** 2 + d[1] ** 2 + d[2] ** 2)
        flat = math.hypot(d[0], d[1])
        turn = compose(yaw(math.atan2(d[1], d[0])), tilt(0.0, math.atan2(flat, d[2])))
        at = (0.5 * (a[0] + b[0]), 0.5 * (a[1] + b[1]), 0.5 * (a[2] + b[2]))
        return self.rod(material, at, diameter, length, turn=turn, **rest)

    def prism(self, material: str, corners: Sequence[tuple[float, float]], z0: float, z1: float, **rest: Any) -> int:
        """A convex polygon (counter-clockwise in x, y) drawn out from z0 to z1."""
        xs, ys = [c[0] for c in corners], [c[1] for c in corners]
        cx, cy, cz = 0.5 * (min(xs) + max(xs)), 0.5 * (min(ys) + max(ys)), 0.5 * (z0 + z1)
        planes = []
        for (ax, ay), (bx, by) in zip(corners, [*corners[1:], corners[0]], strict=True):
            nx, ny = by - ay, ax - bx
            norm = math.hypot(nx, ny)
            if norm > 1e-9 and min(abs(nx), abs(ny)) > 1e-9:  # faces along the axes are the box's own
                planes.append((nx / norm, ny / norm, 0.0, (nx * (ax - cx) + ny * (ay - cy)) / norm))
        size = (max(xs) - min(xs), max(ys) - min(ys), z1 - z0)
        return self.box(material, (cx, cy, cz), size, planes=planes, **rest)

    def rounded(
        self,
        material: str,
        at: tuple[float, float, float],
        size: tuple[float, float, float],
        radius: float,
        *,
        cuts: int = 1,
        **rest: Any,
    ) -> int:
        """A box whose four upright edges are rounded by planes that touch a round of this radius, `cuts` to an edge."""
        hx, hy = 0.5 * size[0], 0.5 * size[1]
        r = min(radius, 0.98 * hx, 0.98 * hy)
        return self.box(material, at, size, planes=[*rest.pop("planes", ()), *_rounding(hx, hy, r, cuts)], **rest)

    def cone(
        self,
        material: str,
        at: tuple[float, float, float],
        diameters: tuple[float, float],
        length: float,
        *,
        axis: str = "x",
        steps: int = 4,
        **rest: Any,
    ) -> None:
        """A round thing that tapers from the first diameter to the second along x, y or z, in steps, centred on `at`."""
        which = "xyz".index(axis)
        for i in range(steps):
            share = (i + 0.5) / steps
            middle = list(at)
            middle[which] += length * (share - 0.5)
            d = diameters[0] + (diameters[1] - diameters[0]) * share
            self.rod(material, (middle[0], middle[1], middle[2]), d, length / steps, axis=axis, **rest)

    def ring(
        self, material: str, at: tuple[float, float, float], diameter: float, wire: float, *, n: int = 10, **rest: Any
    ) -> None:
        """A ring lying flat, of n straight pieces of round wire."""
        x, y, z = at
        r = 0.5 * diameter
        step = 2 * math.pi / n
        points = [(x + r * math.cos(i * step), y + r * math.sin(i * step), z) for i in range(n + 1)]
        for a, b in pairwise(points):
            self.wire(material, a, b, wire, **rest)

    def shell(
        self,
        material: str,
        at: tuple[float, float, float],
        size: tuple[float, float, float],
        wall: float,
        *,
        radius: float = 0.0,
        cuts: int = 2,
        **rest: Any,
    ) -> int:
        """A closed hollow box, its upright edges rounded where there is a radius; returns the row of the outer box."""
        inner = (size[0] - 2 * wall, size[1] - 2 * wall, size[2] - 2 * wall)
        if radius <= 0.0:
            outer = self.box(material, at, size, **rest)
            self.box("", at, inner, inside=outer)
        else:
            outer = self.rounded(material, at, size, radius, cuts=cuts, **rest)
            self.rounded("", at, inner, max(radius - wall, 0.1), cuts=cuts, inside=outer)
        return outer

    def take(self, item: Item, *, at: tuple[float, float, float], turn: Turn = STRAIGHT, inside: int = -1) -> None:
        """Put a finished item into this one, standing on `at`; its outermost primitives displace row `inside`."""
        moved = placed(item, turn=turn, at=at)
        shift, first = len(self._ints), len(self._planes)
        for row, reals in zip(moved.ints.tolist(), moved.reals.tolist(), strict=True):
            parent = row[2] + shift if row[2] >= 0 else inside
            self._ints.append((row[0], row[1], parent, row[3], self.object, row[5] + first, row[6] + first))
            self._reals.append(tuple(reals))
        self._planes.extend(tuple(plane) for plane in moved.planes.tolist())

    def finish(self, kind: str, *, centred: bool = True) -> Item:
        """The item as arrays, centred on its footprint and standing on z = 0; with `centred` off, where it was built."""
        ints = np.array(self._ints, dtype=np.int64).reshape(-1, 7)
        reals = np.array(self._reals, dtype=np.float64).reshape(-1, 17)
        planes = np.array(self._planes, dtype=np.float64).reshape(-1, 4)
        low, high = _extent(ints, reals)
        if centred:
            reals[:, :3] -= [0.5 * (low[0] + high[0]), 0.5 * (low[1] + high[1]), low[2]]
        size = (high[0] - low[0], high[1] - low[1], high[2] - low[2])
        return Item(kind, ints, reals, planes, size)


@cache
def _octants(cuts: int) -> tuple[tuple[float, float], ...]:
    """Outward normals of the planes that round the four corners of a rectangle."""
    angles = [math.pi / 2 * (quarter + (i + 0.5) / cuts) for quarter in range(4) for i in range(cuts)]
    return tuple((math.cos(angle), math.sin(angle)) for angle in angles)


def _rounding(hx: float, hy: float, r: float, cuts: int) -> list[tuple[float, float, float, float]]:
    return [(nx, ny, 0.0, (hx - r) * abs(nx) + (hy - r) * abs(ny) + r) for nx, ny in _octants(cuts)]


def claiming(item: Item, size: tuple[float, float, float]) -> Item:
    """The item with a claim on a box of this size, standing on the origin: packed as if it filled the box, seen as it is."""
    claim = Parts()
    claim.box("", (0.0, 0.0, 0.5 * size[2]), size)
    row = claim._ints[0]
    ints = np.concatenate([item.ints, np.array([row], dtype=np.int64)])
    ints[-1, 5:7] = len(item.planes)
    reals = np.concatenate([item.reals, np.array([claim._reals[0]])])
    claimed = [own if own > side + 1e-6 else side for own, side in zip(item.size, size, strict=True)]
    return Item(item.kind, ints, reals, item.planes, (claimed[0], claimed[1], claimed[2]))


def _extent(ints: IntArray, reals: FloatArray) -> tuple[list[float], list[float]]:
    solid = reals[(ints[:, 1] >= 0) | (ints[:, 2] < 0)]  # holes do not count; a claim, a hole in nothing, does
    rotation = solid[:, 6:15].reshape(-1, 3, 3)
    reach = np.einsum("nij,nj->ni", np.abs(rotation), solid[:, 3:6])
    low = (solid[:, :3] - reach).min(axis=0)
    high = (solid[:, :3] + reach).max(axis=0)
    return low.tolist(), high.tolist()


def placed(item: Item, *, turn: Turn = STRAIGHT, at: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Item:
    """The item turned, then set with the middle of its footprint at x, y and its lowest point at z."""
    reals = item.reals.copy()
    if turn is not STRAIGHT:
        rotation = np.array(turn).reshape(3, 3)
        reals[:, :3] = reals[:, :3] @ rotation.T
        reals[:, 6:15] = (rotation @ reals[:, 6:15].reshape(-1, 3, 3)).reshape(-1, 9)
        low, high = _extent(item.ints, reals)
        reals[:, :3] -= [0.5 * (low[0] + high[0]), 0.5 * (low[1] + high[1]), low[2]]
        size = (high[0] - low[0], high[1] - low[1], high[2] - low[2])
    else:
        size = item.size
    reals[:, :3] += at
    return Item(item.kind, item.ints, reals, item.planes, size)


def shrunk(item: Item, room: tuple[float, float, float]) -> Item:
    """The item made smaller all over, walls too, where it does not fit the room."""
    share = min(1.0, *(most / side for most, side in zip(room, item.size, strict=True)))
    return item if share >= 1.0 else scaled(item, share)


def scaled(item: Item, share: float) -> Item:
    """The item larger or smaller all over, walls too."""
    reals, planes = item.reals.copy(), item.planes.copy()
    reals[:, :6] *= share
    planes[:, 3] *= share
    return Item(item.kind, item.ints, reals, planes, (item.size[0] * share, item.size[1] * share, item.size[2] * share))
