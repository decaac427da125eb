"""Packing: the package chosen before anything is known of its content, where each thing lies, and what is wrapped around.

A 10 mm height map; some random places are tried and the lowest wins, so goods lie side by side before they pile up, and
nothing stands inside anything else. In cartons and bags only a place that holds up the goods counts. The room that is left
there is filled with what is soft: paper, air cushions, foam, or clothing.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numba import njit

from xraybench.core.types import FloatArray
from xraybench.simulate.dice import Dice
from xraybench.simulate.geometry import CYLINDER, ELLIPSOID
from xraybench.simulate.items import cloth, shapes
from xraybench.simulate.parts import COARSE, FOLDS, WEAVE, Item, Parts, placed, yaw

CELL_MM = 10.0
N_TRIES = 24
OPEN_EDGE = 0.12  # share of each side, at both ends, over which goods may lie on what is in the open
HELD = 0.4  # least share of a footprint that must be held up
HELD_MM = 6.0  # how far under the resting height something still holds
LARGE_CELLS, TRIES_LARGE = 260, 500  # what counts as a large void, and how many places are tried for one
SOFT_MM = 3.0  # around the parts of a thing into which soft fill is not looked for
VOID_MM = 5.0  # height of the cells in which room for soft fill is sought; along and across they are CELL_MM
LIFT_MM = 6.0  # between belt and content: tray and carton floor
ROOM_MM = {"mail": (250.0, 246.0, 900.0), "parcel": (350.0, 344.0, 900.0), "baggage": (760.0, 560.0, 1200.0)}
# what the narrowest sensor of a vector sees along and across travel, and how high its source stands
_BESIDE = {
    "envelope": 8.0,
    "padded_bag": 14.0,
    "flat_carton": 10.0,
    "carton": 12.0,
}  # that the package adds to its inside
_BAGS = ("suitcase", "trolley", "backpack", "holdall")
_BESIDE |= {"suitcase": 66.0, "trolley": 66.0, "backpack": 60.0, "holdall": 70.0}


@dataclass(frozen=True, slots=True)
class Package:
    """An empty package, chosen before anything is put in."""

    style: str  # envelope, padded_bag, flat_carton, carton, suitcase, trolley, backpack or holdall
    x: float  # inner length in mm
    y: float
    z: float  # most that may be piled up
    n_goods: int
    turn: float  # by which it lies turned on the belt, radians


def choose_package(vector: str, dice: Dice) -> Package:
    """A package of this vector with free proportions, that lies wholly in the field of the vector's sensors."""
    swing = {"mail": 0.20, "parcel": 0.12, "baggage": 0.16}[vector]
    package = _CHOOSE[vector](dice)
    return _in_field(replace(package, turn=dice.between(-swing, swing)), *ROOM_MM[vector])


def _mail(dice: Dice) -> Package:
    style = dice.pick(("envelope", "padded_bag", "padded_bag", "flat_carton", "flat_carton"))
    if style == "envelope":
        size = (dice.between(170, 238), dice.between(115, 178), dice.between(30, 38))
        return Package(style, *size, dice.whole(0, 3), 0.0)
    if style == "padded_bag":
        size = (dice.between(165, 236), dice.between(120, 198), dice.between(36, 54))
        return Package(style, *size, dice.whole(1, 4), 0.0)
    size = (dice.between(168, 236), dice.between(120, 198), dice.between(42, 70))
    return Package(style, *size, dice.whole(2, 6), 0.0)


def _parcel(dice: Dice) -> Package:
    size = (dice.between(200, 322), dice.between(165, 262), dice.between(90, 175))
    return Package("carton", *size, dice.whole(7, 14), 0.0)


def _baggage(dice: Dice) -> Package:
    style = dice.pick(("suitcase", "suitcase", "trolley", "trolley", "backpack", "holdall"))
    if style == "suitcase":
        size = (dice.between(470, 620), dice.between(330, 430), dice.between(170, 240))
        return Package(style, *size, dice.whole(22, 32), 0.0)
    if style == "trolley":
        size = (dice.between(430, 500), dice.between(300, 350), dice.between(150, 205))
        return Package(style, *size, dice.whole(18, 26), 0.0)
    if style == "backpack":
        size = (dice.between(390, 500), dice.between(270, 330), dice.between(130, 190))
        return Package(style, *size, dice.whole(15, 22), 0.0)
    size = (dice.between(430, 560), dice.between(270, 330), dice.between(170, 230))
    return Package(style, *size, dice.whole(18, 26), 0.0)


_CHOOSE: dict[str, Callable[[Dice], Package]] = {"mail": _mail, "parcel": _parcel, "baggage": _baggage}


def _in_field(package: Package, field_x: float, field_y: float, source: float) -> Package:
    """The package, smaller where its turned outline would leave the field as the fan of rays throws it."""
    c, s = math.cos(package.turn), abs(math.sin(package.turn))
    beside = _BESIDE[package.style] + 14.0  # it lies up to 6 mm off the middle, too
    wide, deep = package.x + beside, package.y + beside
    thrown = source / (source - package.z - LIFT_MM - 30.0)
    share = min(1.0, field_x / (wide * c + deep * s), field_y / ((wide * s + deep * c) * thrown))
    return replace(package, x=wide * share - beside, y=deep * share - beside)


Hole = tuple[float, float, float, float, float, float]
Point = tuple[float, float, float]


@njit(cache=True)
def _lowest(height, places):  # type: ignore[no-untyped-def]
    """Which of the places (first cell and one past the last, along x and y; shape (n, 4)) is lowest, and its top."""
    best, least = 0, np.inf
    for k in range(places.shape[0]):
        top = -1.0
        for i in range(places[k, 0], min(places[k, 1], height.shape[0])):
            for j in range(places[k, 2], min(places[k, 3], height.shape[1])):
                if height[i, j] > top:
                    top = height[i, j]
        if top < least:
            best, least = k, top
    return best, least


@njit(cache=True)
def _lowest_held(height, places, high, ceiling):  # type: ignore[no-untyped-def]
    """As `_lowest`, among the places that hold up what lies there; where none does, the one that holds it best.

    A place on which something this `high` would pass the ceiling counts only where there is no other.
    """
    best, least, most = 0, np.inf, -np.inf
    for k in range(places.shape[0]):
        i1, j1 = min(places[k, 1], height.shape[0]), min(places[k, 3], height.shape[1])
        top, n, n_held = -1.0, 0, 0
        for i in range(places[k, 0], i1):
            for j in range(places[k, 2], j1):
                top = max(top, height[i, j])
        for i in range(places[k, 0], i1):
            for j in range(places[k, 2], j1):
                n += 1
                n_held += height[i, j] >= top - HELD_MM
        held = min(n_held / max(n, 1), HELD) - (1.0 if top + high > ceiling else 0.0)
        held = held if top < np.inf else -2.0
        if held > most or (held == most and top < least):
            best, least, most = k, top, held
    return best, least


@njit(cache=True)
def _any_full(is_full, a, b):  # type: ignore[no-untyped-def]
    for i in range(a[0], b[0]):
        for j in range(a[1], b[1]):
            for k in range(a[2], b[2]):
                if is_full[i, j, k]:
                    return True
    return False


@njit(cache=True)
def _free_boxes(is_full, start, most, least, n_tries):  # type: ignore[no-untyped-def]
    """Boxes of free cells, grown until they touch something: first under what hangs, then anywhere; fills `is_full`.

    Args:
        is_full: Cells that hold something, shape (n_x, n_y, n_z).
        start: Where the search for first cells begins, in [0, 1).
        most: Most cells of each box along x, y and z, shape (n, 3).
        least: Fewest cells of a box.
        n_tries: First cells that are tried at most, under what hangs and then anywhere.

    Returns:
        First cell and one past the last along x, y and z, shape (n found, 6).
    """
    nx, ny, nz = is_full.shape
    free = np.empty((nx * ny * nz, 3), dtype=np.int64)
    n_under, n_free = 0, 0
    for under in (True, False):
        for i in range(nx):
            for j in range(ny):
                for k in range(nz):
                    hangs = k + 1 < nz and is_full[i, j, k + 1]
                    if not is_full[i, j, k] and hangs == under:
                        free[n_free] = (i, j, k)
                        n_free += 1
        if under:
            n_under = n_free
    found = np.empty((len(most), 6), dtype=np.int64)
    low, high = np.empty(3, dtype=np.int64), np.empty(3, dtype=np.int64)
    a, b = np.empty(3, dtype=np.int64), np.empty(3, dtype=np.int64)
    n_found = 0
    for first, past in ((0, n_under), (n_under, n_free)):
        n = past - first
        at = int(start * n)
        for _ in range(min(n, n_tries)):
            if n_found == len(most):
                break
            at = (at + 7919) % n  # a prime: neighbours are not tried in turn, and none is left out but at its multiples
            i, j, k = free[first + at]
            if is_full[i, j, k]:
                continue
            low[:] = (i, j, k)
            high[:] = (i + 1, j + 1, k + 1)
            is_growing = True
            while is_growing:
                is_growing = False
                for axis in (2, 0, 1):
                    for side in (0, 1):
                        if high[axis] - low[axis] >= most[n_found, axis]:
                            continue
                        if low[axis] == 0 if side == 0 else high[axis] == is_full.shape[axis]:
                            continue
                        a[:], b[:] = low, high
                        a[axis] = low[axis] - 1 if side == 0 else high[axis]
                        b[axis] = a[axis] + 1
                        if _any_full(is_full, a, b):
                            continue
                        low[axis], high[axis] = min(low[axis], a[axis]), max(high[axis], b[axis])
                        is_growing = True
            sides = high - low
            if min(sides[0], sides[1], sides[2]) < 2 or sides[0] * sides[1] * sides[2] < least:
                continue
            is_full[low[0] : high[0], low[1] : high[1], low[2] : high[2]] = True
            found[n_found, :3] = low
            found[n_found, 3:] = high
            n_found += 1
    return found[:n_found]


def _cells(x: float, y: float, sx: float, sy: float) -> tuple[int, int, int, int]:
    """The cells under a rectangle: the first and one past the last along x and y."""
    x, y = max(x, 0.0), max(y, 0.0)
    return int(x / CELL_MM), math.ceil((x + sx) / CELL_MM), int(y / CELL_MM), math.ceil((y + sy) / CELL_MM)


@njit(cache=True)
def _mark(is_full, boxes):  # type: ignore[no-untyped-def]
    """Set the cells that boxes (lowest x, y, z, and sizes, in mm; shape (n, 6)) reach into."""
    nx, ny, nz = is_full.shape
    for b in range(len(boxes)):
        x, y, z, sx, sy, sz = boxes[b]
        x, y = max(x, 0.0), max(y, 0.0)
        for i in range(int(x / CELL_MM), min(int(np.ceil((x + sx) / CELL_MM)), nx)):
            for j in range(int(y / CELL_MM), min(int(np.ceil((y + sy) / CELL_MM)), ny)):
                for k in range(max(int((z + 0.01) / VOID_MM), 0), min(int(np.ceil((z + sz - 0.01) / VOID_MM)), nz)):
                    is_full[i, j, k] = True


@njit(cache=True)
def _mark_solids(is_full, kind, pose):  # type: ignore[no-untyped-def]
    """Set the cells whose middle lies in a primitive or next to it; poses as in `parts.Item.reals`, from a corner."""
    nx, ny, nz = is_full.shape
    for p in range(len(kind)):
        c, half, rot = pose[p, :3], pose[p, 3:6] + SOFT_MM, pose[p, 6:15]
        ex = abs(rot[0]) * half[0] + abs(rot[1]) * half[1] + abs(rot[2]) * half[2]
        ey = abs(rot[3]) * half[0] + abs(rot[4]) * half[1] + abs(rot[5]) * half[2]
        ez = abs(rot[6]) * half[0] + abs(rot[7]) * half[1] + abs(rot[8]) * half[2]
        for i in range(max(int((c[0] - ex) / CELL_MM), 0), min(int((c[0] + ex) / CELL_MM) + 1, nx)):
            for j in range(max(int((c[1] - ey) / CELL_MM), 0), min(int((c[1] + ey) / CELL_MM) + 1, ny)):
                for k in range(max(int((c[2] - ez) / VOID_MM), 0), min(int((c[2] + ez) / VOID_MM) + 1, nz)):
                    x, y, z = (i + 0.5) * CELL_MM - c[0], (j + 0.5) * CELL_MM - c[1], (k + 0.5) * VOID_MM - c[2]
                    n_flat, far = 3, 0.0
                    if kind[p] == ELLIPSOID:
                        n_flat = 0
                    elif kind[p] == CYLINDER:
                        n_flat = 1
                    is_in = True
                    for a in range(3):
                        at = (rot[a] * x + rot[3 + a] * y + rot[6 + a] * z) / half[a]
                        if a < 3 - n_flat:
                            far += at * at
                        elif abs(at) > 1.0:
                            is_in = False
                    if is_in and far <= 1.0:
                        is_full[i, j, k] = True


class Pile:
    """What has been put into a package so far."""

    def __init__(self, package: Package) -> None:
        self.package = package
        self.n_x, self.n_y = math.ceil(package.x / CELL_MM), math.ceil(package.y / CELL_MM)
        self.height: FloatArray = np.zeros((self.n_x, self.n_y))
        self.top = 0.0  # the highest point so far, in mm
        self.ceiling = package.z  # up to which things may be piled for now
        self.is_held = package.style not in ("envelope", "padded_bag", "flat_carton")  # goods lie on what holds them
        self.boxes: list[
            tuple[float, float, float, float, float, float]
        ] = []  # of all that keeps its place to itself: lowest x, y, z, and sizes
        self.things: list[Item] = []  # of which only the parts themselves take room

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
        n_tries = 1 if dice.chance(anywhere) else N_TRIES
        places = [(free_x * dice.unit(), free_y * dice.unit()) for _ in range(n_tries)]
        if in_the_open and dice.chance(0.7):  # along a wall, so that goods find room beside it
            places = [(free_x * round(dice.unit()), places[0][1] * dice.unit())]
        best, z = self._best([(x, y, sx, sy) for x, y in places], sz)
        x, y = places[best]
        if (z + sz > self.ceiling or not math.isfinite(z)) and not must:
            return None
        self._raise(x, y, sx, sy, z + sz)
        self.boxes.append((x, y, z, sx, sy, sz))
        self.top = max(self.top, z + sz)
        if in_the_open:
            edge_x, edge_y = OPEN_EDGE * sx, OPEN_EDGE * sy  # a turned thing leaves the corners of its box free
            self._raise(x + edge_x, y + edge_y, sx - 2 * edge_x, sy - 2 * edge_y, math.inf)
        return placed(turned, at=(x + sx / 2 - self.package.x / 2, y + sy / 2 - self.package.y / 2, z))

    def fix(self, item: Item, at: tuple[float, float], *, up_to: float = -1.0) -> Item:
        """The item with the middle of its footprint at this place of the floor, before anything else is put in."""
        sx, sy, sz = item.size
        x, y = at[0] - sx / 2 + self.package.x / 2, at[1] - sy / 2 + self.package.y / 2
        self._raise(x, y, sx, sy, sz if up_to < 0.0 else up_to)
        self.boxes.append((x, y, 0.0, sx, sy, sz))
        self.top = max(self.top, sz)
        return placed(item, at=(*at, 0.0))

    def reopen(self, level: float) -> None:
        """Let things lie again, at this level, on what was laid in the open."""
        self.height[np.isinf(self.height)] = level

    def cover(self, level: float) -> None:
        """Raise the whole floor to this level."""
        np.maximum(self.height, level, out=self.height)
        self.boxes.append((0.0, 0.0, self.top, self.package.x, self.package.y, level - self.top))
        self.top = max(self.top, level)

    def hole(self, dice: Dice, shares: tuple[float, float]) -> Hole:
        """The lowest of some places of many sizes: x, y, sizes along x and y, floor, and height up to the ceiling, in mm.

        `shares` is the range of the sides as a share of the package's.
        """
        long, wide = self.package.x, self.package.y
        found, (least, most) = [], shares
        for i in range(N_TRIES):  # large ones first: of two as low the first is taken
            share = least + (most - least) * (1.0 - 0.8 * i / N_TRIES)
            sx, sy = long * dice.between(least, share), wide * dice.between(least, share)
            found.append(((long - sx) * dice.unit(), (wide - sy) * dice.unit(), sx, sy))
        best, z = _lowest(self.height, np.array([_cells(*place) for place in found]))
        return (*found[best], z, self.ceiling - z)

    def put_into(self, dice: Dice, item: Item, hole: Hole) -> Item:
        """The item laid into a place found by `hole`, which it fits when turned as the place lies."""
        x, y, sx, sy, z, _ = hole
        across = math.pi / 2 if sy > sx else 0.0
        turned = item
        for angle in (dice.between(-math.pi, math.pi), across + dice.between(-0.2, 0.2), across):
            c, s = abs(math.cos(angle)), abs(math.sin(angle))
            fits = item.size[0] * c + item.size[1] * s <= sx and item.size[0] * s + item.size[1] * c <= sy
            if fits or angle == across:
                turned = placed(item, turn=yaw(angle + dice.pick((0.0, math.pi))))
                break
        wide, deep, high = turned.size
        spare = (max(sx - wide, 0.0), max(sy - deep, 0.0))
        if self.is_held:  # the item is smaller than its hole: it may lie lower, or be held better, elsewhere
            free = (max(self.package.x - wide, 0.0), max(self.package.y - deep, 0.0))
            places = [(x + spare[0] * dice.unit(), y + spare[1] * dice.unit(), wide, deep) for _ in range(N_TRIES // 6)]
            places += [(free[0] * dice.unit(), free[1] * dice.unit(), wide, deep) for _ in range(N_TRIES // 3)]
            best, z = self._best(places, high)
            x, y = places[best][:2]
        else:
            x, y = x + spare[0] * dice.unit(), y + spare[1] * dice.unit()
        self._raise(x, y, wide, deep, z + high)
        self.top = max(self.top, z + high)
        laid = placed(turned, at=(x + wide / 2 - self.package.x / 2, y + deep / 2 - self.package.y / 2, z))
        if self.package.style in _BAGS:  # what is soft flows around and between its parts
            self.things.append(laid)
        else:
            self.boxes.append((x, y, z, wide, deep, high))
        return laid

    def voids(
        self, dice: Dice, most_mm: tuple[float, float, float], n: int, *, n_large: int = 0
    ) -> list[tuple[Point, Point]]:
        """At most n free boxes under the top of the pile, by their centres in the package's frame and their sizes.

        Up to `n_large` of them are looked for first, among places where there is room for something large.
        """
        is_full = np.zeros((self.n_x, self.n_y, int(self.top / VOID_MM)), dtype=np.bool_)
        _mark(is_full, np.array(self.boxes).reshape(-1, 6))
        for thing in self.things:
            is_outer = thing.ints[:, 2] < 0
            pose = thing.reals[is_outer, :15]
            pose[:, :2] += [self.package.x / 2, self.package.y / 2]
            _mark_solids(is_full, thing.ints[is_outer, 0], pose)
        unit = (CELL_MM, CELL_MM, VOID_MM)
        shares = np.array([dice.between(0.6, 1.0) for _ in range(3 * n)]).reshape(n, 3)
        most = np.maximum(shares * most_mm / unit, 2.0).astype(np.int64)
        large = [_free_boxes(is_full, dice.unit(), most[:n_large], LARGE_CELLS, TRIES_LARGE)] if n_large else []
        rest = _free_boxes(is_full, dice.unit(), most[n_large:], 0, is_full.size)
        found = np.concatenate([*large, rest]) * np.array([*unit, *unit])
        # the last cell reaches past the wall
        found[:, 3:5] = np.minimum(found[:, 3:5], [self.package.x, self.package.y])
        centres = (found[:, :3] + found[:, 3:]) / 2 - [self.package.x / 2, self.package.y / 2, 0.0]
        sizes = (found[:, 3:] - found[:, :3]).tolist()
        return [((c[0], c[1], c[2]), (s[0], s[1], s[2])) for c, s in zip(centres.tolist(), sizes, strict=True)]

    def _best(self, places: list[tuple[float, float, float, float]], high: float) -> tuple[int, float]:
        """Which place is the best for something this high, and the height at which it comes to rest there."""
        cells = np.array([_cells(*place) for place in places])
        if not self.is_held:
            best, z = _lowest(self.height, cells)
        else:
            best, z = _lowest_held(self.height, cells, high, self.ceiling)
        return int(best), float(z)

    def _raise(self, x: float, y: float, sx: float, sy: float, level: float) -> None:
        i0, i1, j0, j1 = _cells(x, y, sx, sy)
        self.height[min(i0, self.n_x - 1) : max(i1, i0 + 1), min(j0, self.n_y - 1) : max(j1, j0 + 1)] = level

    def _turned(self, dice: Dice, item: Item) -> Item | None:
        """Free yaw where there is room for it, else along a wall."""
        aligned = dice.pick((0.0, math.pi / 2, math.pi, -math.pi / 2)) + dice.between(-0.12, 0.12)
        long, wide = self.package.x, self.package.y
        for angle in (dice.between(-math.pi, math.pi), aligned, 0.0, math.pi / 2):
            c, s = abs(math.cos(angle)), abs(math.sin(angle))
            if item.size[0] * c + item.size[1] * s <= long and item.size[0] * s + item.size[1] * c <= wide:
                return placed(item, turn=yaw(angle))
        return None


# what fills the room that is left ---------------------------------------------------------------------------------


def filler(style: str, dice: Dice, room: tuple[float, float, float]) -> Item:
    """One piece of what a sender fills a carton with, or a traveller a bag."""
    x, y, z = (side * dice.between(0.7, 1.0) for side in room)
    parts = Parts()
    kind = dice.unit()
    if kind < 0.5:  # crumpled paper: a few wads pressed together
        for _ in range(dice.whole(2, 3)):
            at = (dice.between(-0.2, 0.2) * x, dice.between(-0.2, 0.2) * y, z / 2 + dice.between(-0.05, 0.05) * z)
            size = (x * dice.between(0.5, 0.6), y * dice.between(0.5, 0.6), z * 0.9)
            fill, texture = dice.between(0.05, 0.13), (FOLDS, dice.between(0.3, 0.4))
            parts.ball(
                dice.pick(("newsprint", "paper")), at, size, fill=fill, texture=texture, turn=yaw(dice.between(-1, 1))
            )
        return parts.finish("crumpled_paper")
    if kind < 0.8:  # air cushions: film, thicker along the seams
        bag = shapes.pillow(parts, "polyethylene", (x, y, z), dice=dice, at=(0.0, 0.0, z / 2))
        parts.ball("", (0.0, 0.0, z / 2), (x - 1.0, y - 1.0, z - 0.4), inside=bag)
        for side in (-1, 1):
            parts.box("polyethylene", (side * x * 0.48, 0.0, z / 2), (6.0, y * 0.8, 0.4))
        return parts.finish("air_cushion")
    parts.rounded("foam", (0.0, 0.0, z / 2), (x, y, z), 20.0, fill=dice.between(0.5, 1.2), texture=(COARSE, 0.3))
    return parts.finish("foam_pad")


_FILLS = {  # material, texture, least and most share of its density: 0.02 to 0.05 g/cm3 in the whole
    "paper": (("newsprint", FOLDS, 0.04, 0.08), ("paper", FOLDS, 0.03, 0.06)),
    "air": (("polyethylene", FOLDS, 0.022, 0.034),),
    "foam": (("foam", COARSE, 0.7, 1.6),),
}


def void_fill(pile: Pile, dice: Dice) -> Item | None:
    """What a sender stuffs the room between and under the goods with; None where there is no room.

    Source:
        Bulk densities of 0.02 to 0.05 g/cm3 for crumpled kraft paper, air cushions and foam, our estimate.
    """
    kind, parts = dice.pick(("paper", "paper", "air", "foam")), Parts()
    for at, size in pile.voids(dice, (130.0, 110.0, 70.0), 28):
        stuff, bank, least, most = dice.pick(_FILLS[kind])
        texture = (bank, dice.between(0.2, 0.4))
        _soft(parts, dice, stuff, at, size, fill=dice.between(least, most), texture=texture)
    return parts.finish("void_fill", centred=False) if len(parts) else None


_PRESSED_MM = 24.0  # by which soft things press into each other


def soft_fill(pile: Pile, dice: Dice) -> list[Item]:
    """Clothing pressed into the gaps of a bag, a garment to a gap."""
    found = []
    for at, size in pile.voids(dice, (240.0, 200.0, 90.0), 54, n_large=36):
        parts = Parts()
        room = (pile.package.x - 2 * abs(at[0]), pile.package.y - 2 * abs(at[1]))  # up to the wall that is nearer
        wide = (min(size[0] + _PRESSED_MM, room[0]), min(size[1] + _PRESSED_MM, room[1]))
        kind = cloth.garment(parts, dice, at, (*wide, size[2]))
        found.append(parts.finish(kind, centred=False))
    return found


def _soft(parts: Parts, dice: Dice, stuff: str, at: Point, size: Point, **rest: Any) -> None:
    """A wad that swells to its box: round where there is room for it, else flat above and below."""
    if dice.chance(0.25) and size[2] > 0.4 * min(size[0], size[1]):
        parts.ball(stuff, at, size, **rest)
    else:
        parts.rounded(stuff, at, size, min(size[0], size[1]) * dice.between(0.2, 0.45), cuts=2, **rest)


def cloth_sheet(package: Package, dice: Dice, thick: float, z: float) -> Item:
    """Cloth over the whole floor or under the whole lid of a bag: what gives a bag its haze of folds."""
    parts = Parts()
    n = dice.whole(2, 3)
    for i in range(n):
        share = (dice.between(0.5, 0.98), dice.between(0.55, 0.98))
        size = (package.x * share[0], package.y * share[1], thick / n)
        at = (
            (1 - share[0]) * package.x * dice.between(-0.5, 0.5),
            (1 - share[1]) * package.y * dice.between(-0.5, 0.5),
        )
        cloth.garment(parts, dice, (*at, z + (i + 0.5) * thick / n), size)
    return parts.finish("clothes", centred=False)


# what is wrapped around -------------------------------------------------------------------------------------------


def wrap(package: Package, top: float, dice: Dice) -> Item:
    """The package itself around a pile of this height."""
    parts = Parts()
    _WRAPS[package.style](parts, package, top, dice)
    return parts.finish(package.style, centred=False)


def _envelope(parts: Parts, package: Package, top: float, dice: Dice) -> None:
    x, y = package.x + 8, package.y + 8
    paper = dice.between(0.15, 0.4)
    for z in (-paper, top + paper):
        parts.box("paper", (0.0, 0.0, z), (x, y, paper))
    parts.prism(
        "paper",
        [(-x / 2, y / 2), (-x * 0.1, y * 0.1), (x * 0.1, y * 0.1), (x / 2, y / 2)],
        top + 2 * paper,
        top + 3 * paper,
    )
    for side in (-1, 1):
        parts.box("paper", (side * (x / 2 - 6), 0.0, top / 2), (12.0, y, 2 * paper), fill=1.2)
    parts.box("coated_paper", (-x * 0.15, -y * 0.1, top + 4 * paper), (x * 0.4, y * 0.3, 0.2))
    if dice.chance(0.35):
        for k in range(dice.whole(1, 3)):
            parts.bar("steel", (x * 0.1 * k, y * 0.42), (x * 0.1 * k + 12, y * 0.42), top + 1.0, 0.8, 0.8)


def _padded_bag(parts: Parts, package: Package, top: float, dice: Dice) -> None:
    x, y = package.x + 14, package.y + 12
    for z in (-2.0, top + 2.0):
        parts.rounded("polyethylene", (0.0, 0.0, z), (x, y, 4.0), 9.0, fill=0.045, texture=(WEAVE, 0.3))
        parts.rounded("paper", (0.0, 0.0, z * 1.02), (x, y, 0.4), 9.0)
    for side in (-1, 1):
        parts.box("paper", (side * (x / 2 - 5), 0.0, top / 2), (10.0, y, 1.4))
        parts.box("paper", (0.0, side * (y / 2 - 4), top / 2), (x, 8.0, 1.0))
    parts.box("paper", (0.0, y * 0.38, top + 5.0), (x, y * 0.2, 0.5))
    parts.box("coated_paper", (x * 0.1, -y * 0.05, top + 6.0), (x * 0.45, y * 0.4, 0.25))


def _carton(parts: Parts, package: Package, top: float, dice: Dice) -> None:
    wall, fill = dice.between(2.5, 5.0), dice.between(0.20, 0.32)
    room = dice.between(2, 10)
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


# bags: the shell, and the hardware that a screener sees first -----------------------------------------------------


def _hard_shell(parts: Parts, package: Package, dice: Dice) -> tuple[float, float, float]:
    """Two halves of a moulded shell with ribs, a frame or zip between them; returns the outer size."""
    wall = dice.between(2.2, 3.4)
    stuff = dice.pick(("polycarbonate", "abs", "polypropylene"))
    x, y, z = package.x + 2 * wall + 6, package.y + 2 * wall + 6, package.z + 26.0 + 2 * wall
    middle = package.z / 2 - 9.0  # rails run under the floor
    radius = dice.between(26, 48)
    parts.shell(stuff, (0.0, 0.0, middle), (x, y, z), wall, radius=radius, cuts=3)
    n = dice.whole(5, 9)
    for level in (middle - z / 2 - 1.5, middle + z / 2 + 1.5):
        for i in range(n):  # moulded ribs
            at = (0.0, y * 0.8 * ((i + 0.5) / n - 0.5), level)
            parts.box(stuff, at, (x * 0.86, y * 0.8 / n * 0.4, 3.0))
    if dice.chance(0.35):  # an aluminium frame with two locks
        frame = parts.rounded("aluminium", (0.0, 0.0, middle), (x + 8, y + 8, 22.0), 46.0, cuts=3, fill=0.5)
        parts.rounded("", (0.0, 0.0, middle), (x + 0.4, y + 0.4, 22.0), 44.0, cuts=3, inside=frame)
        for side in (-1, 1):
            parts.rounded("zamak", (side * x * 0.3, y / 2 + 9.0, middle), (58.0, 10.0, 26.0), 4.0, fill=0.6)
    else:
        _zip(parts, (x + 3, y + 3), middle, radius)
        parts.rounded("zamak", (x * 0.1, y / 2 + 7.0, middle), (44.0, 10.0, 24.0), 4.0, fill=0.6)
    return x, y, z


def _zip(parts: Parts, size: tuple[float, float], z: float, radius: float) -> None:
    """Teeth all round at one height, round the corners too, and two sliders."""
    x, y = size
    r = min(radius, 0.45 * y)
    for side in (-1, 1):
        parts.box("brass", (0.0, side * y / 2, z), (x - 2 * r, 1.6, 5.0), fill=0.45)
        parts.box("brass", (side * x / 2, 0.0, z), (1.6, y - 2 * r, 5.0), fill=0.45)
        for end in (-1, 1):
            corner = (end * (x / 2 - r), side * (y / 2 - r))
            arc = [math.pi / 2 * k / 3 for k in range(4)]
            points = [(corner[0] + end * r * math.cos(a), corner[1] + side * r * math.sin(a)) for a in arc]
            for a, b in pairwise(points):
                parts.bar("brass", a, b, z, 1.6, 5.0, fill=0.45)
    for shift in (0.0, 14.0):
        parts.box("zamak", (x * 0.2 + shift, y / 2 + 3.0, z), (9.0, 5.0, 12.0))


def _cloth_shell(parts: Parts, package: Package, dice: Dice, radius: float) -> tuple[float, float, float]:
    """A bag of coated cloth on a board, its seams piped."""
    x, y, z = package.x + 12.0, package.y + 12.0, package.z + 26.0
    middle = package.z / 2 - 9.0
    parts.shell("polyester_cloth", (0.0, 0.0, middle), (x, y, z), 1.6, radius=radius, cuts=5, fill=3.2)
    for level in (middle - z / 2 - 2, middle + z / 2 + 2):
        seam = parts.rounded("pvc", (0.0, 0.0, level), (x + 4, y + 4, 3.4), radius, cuts=5)
        parts.rounded("", (0.0, 0.0, level), (x - 3, y - 3, 3.4), radius - 3, cuts=5, inside=seam)
    _zip(parts, (x + 2, y + 2), middle + z * dice.between(0.2, 0.4), radius)
    return x, y, z


def _rails(parts: Parts, package: Package, outer: tuple[float, float, float], dice: Dice) -> None:
    """A telescopic handle: two pairs of tubes under the floor, joined by the grip at one end."""
    x, y = outer[0], outer[1]
    metal, level = dice.pick(("aluminium", "aluminium", "steel")), -9.0
    wide, wall = dice.between(15, 22), 1.3 if metal == "aluminium" else 0.8
    gap = y * dice.between(0.17, 0.27)
    for side in (-1, 1):
        rail = parts.box(metal, (-0.04 * x, side * gap, level), (x * 0.84, wide, 11.0))
        parts.box("", (-0.04 * x, side * gap, level), (x * 0.84, wide - 2 * wall, 11.0 - 2 * wall), inside=rail)
        inner = parts.box(metal, (-0.02 * x, side * gap, level), (x * 0.74, wide - 5.5, 7.6))
        parts.box("", (-0.02 * x, side * gap, level), (x * 0.74, wide - 5.5 - 2 * wall, 7.6 - 2 * wall), inside=inner)
        parts.box("abs", (x * 0.42, side * gap, level), (26.0, wide + 12, 14.0), fill=0.6)
    grip = parts.rounded("abs", (x / 2 + 14.0, 0.0, level), (24.0, 2 * gap + wide + 10, 20.0), 9.0, cuts=2, fill=0.8)
    parts.box("aluminium", (x / 2 + 14.0, 0.0, level), (5.0, 2 * gap, 8.0), inside=grip)
    parts.rod("steel", (x / 2 + 10.0, 0.0, level), 5.0, 22.0, axis="x", fill=0.6)
    if dice.chance(0.7):  # the lining over the rails
        parts.box("polyester_cloth", (0.0, 0.0, -1.0), (package.x, package.y, 1.0), fill=1.2)


def _wheels(parts: Parts, outer: tuple[float, float, float], dice: Dice) -> None:
    """Two or four wheels with steel axles in plastic housings."""
    x, y, z = outer
    d, is_double = dice.between(42, 58), dice.chance(0.5)
    low = -16.0
    for side in (-1, 1):
        for level in (low, low + z - 30.0) if is_double else (low,):
            at = (-x / 2 - 8.0, side * y * 0.39, level)
            parts.rounded("abs", (at[0] + 12.0, at[1], at[2]), (30.0, 52.0, 40.0), 10.0, fill=0.4)
            for k in (-1, 1):
                wheel = parts.rod("rubber", (at[0] - 12.0, at[1] + k * 11.0, at[2]), d, 11.0, axis="y")
                parts.rod("abs", (at[0] - 12.0, at[1] + k * 11.0, at[2]), d * 0.62, 11.0, axis="y", inside=wheel)
            parts.rod("steel", (at[0] - 12.0, at[1], at[2]), 7.0, 40.0, axis="y", fill=0.9)
            for k in (-1, 1):
                parts.rod("steel", (at[0] + 16.0, at[1] + k * 17.0, at[2]), 4.5, 16.0)


def _grip(parts: Parts, outer: tuple[float, float, float], z: float, side: int) -> None:
    """A carrying handle on a long side, with steel plates and rivets under its ends."""
    y = side * (outer[1] / 2 + 3.0)
    parts.rounded("rubber", (0.0, y + side * 10.0, z), (120.0, 12.0, 24.0), 5.0, cuts=2, fill=0.9)
    for k in (-1, 1):
        parts.box("steel", (k * 66.0, y, z), (26.0, 3.0, 22.0), fill=0.8)
        for rivet in (-6.0, 6.0):
            parts.rod("steel", (k * 66.0 + rivet, y - side * 4.0, z), 5.0, 9.0, axis="y")


def _suitcase(parts: Parts, package: Package, top: float, dice: Dice) -> None:
    outer = _hard_shell(parts, package, dice)
    _rails(parts, package, outer, dice)
    _wheels(parts, outer, dice)
    _grip(parts, outer, package.z / 2, -1)
    for side in (-1, 1):  # straps over the goods, with a buckle
        parts.box(
            "nylon",
            (side * package.x * 0.2, 0.0, top + 1.0),
            (24.0, package.y * 0.9, 1.2),
            turn=yaw(side * 0.3),
            fill=0.7,
        )
    parts.rounded("abs", (0.0, 0.0, top + 4.0), (44.0, 30.0, 6.0), 6.0, fill=0.6)


def _trolley(parts: Parts, package: Package, top: float, dice: Dice) -> None:
    outer = _cloth_shell(parts, package, dice, 22.0)
    _rails(parts, package, outer, dice)
    _wheels(parts, outer, dice)
    _grip(parts, outer, package.z / 2, -1)
    low = -15.0
    for side in (-1, 1):  # a frame of wire, a board in the floor
        parts.rod("steel", (0.0, side * (outer[1] / 2 - 6.0), package.z), 3.2, outer[0] * 0.92, axis="x")
        parts.rod("steel", (side * (outer[0] / 2 - 6.0), 0.0, package.z), 3.2, outer[1] * 0.9, axis="y")
    parts.box("polyethylene", (0.0, 0.0, low - 4.0), (outer[0] * 0.94, outer[1] * 0.94, 2.2))
    x, y = outer[0] * 0.8, outer[1] * dice.between(0.5, 0.7)  # a pocket on the lid
    parts.rounded("polyester_cloth", (0.0, -outer[1] * 0.1, package.z + 8.0), (x, y, 1.4), 20.0, fill=3.0)
    parts.box("brass", (0.0, -outer[1] * 0.1 + y / 2, package.z + 9.0), (x * 0.9, 4.5, 1.4), fill=0.5)


def _backpack(parts: Parts, package: Package, top: float, dice: Dice) -> None:
    x, y, z = _cloth_shell(parts, package, dice, 60.0)
    parts.rounded("foam", (0.0, 0.0, -14.0), (x * 0.9, y * 0.85, 8.0), 30.0, fill=1.6)
    for side in (-1, 1):
        parts.bar("aluminium", (-x * 0.4, side * y * 0.12), (x * 0.42, side * y * 0.2), -9.0, 12.0, 2.6)
        points = [
            (x * 0.44, side * y * 0.1),
            (x * 0.2, side * y * 0.36),
            (-x * 0.1, side * y * 0.42),
            (-x * 0.44, side * y * 0.36),
        ]
        for (ax, ay), (bx, by) in pairwise(points):
            parts.bar("foam", (ax, ay), (bx, by), -30.0, 58.0, 12.0, fill=1.5)
            parts.bar("nylon", (ax, ay), (bx, by), -23.0, 24.0, 1.4)
        parts.rounded("abs", (-x * 0.1, side * y * 0.42, -30.0), (32.0, 30.0, 7.0), 5.0)
        parts.rounded("abs", (-x * 0.4, side * y * 0.42, -30.0), (30.0, 28.0, 6.0), 5.0)
    pocket = (x * 0.5, y * 0.75)
    parts.rounded("polyester_cloth", (-x * 0.15, 0.0, z - 12.0), (*pocket, 1.5), 50.0, cuts=2, fill=3.0)
    parts.box("brass", (x * 0.08, 0.0, z - 10.0), (4.0, pocket[1] * 0.8, 1.5), fill=0.5)
    for k in (-1, 1):
        parts.rounded("abs", (x * 0.3, k * y * 0.3, z - 11.0), (38.0, 26.0, 7.0), 5.0)


def _holdall(parts: Parts, package: Package, top: float, dice: Dice) -> None:
    x, y, z = _cloth_shell(parts, package, dice, 70.0)
    parts.rounded("cardboard", (0.0, 0.0, -18.0), (x * 0.9, y * 0.8, 3.0), 40.0)
    for side in (-1, 1):
        strap = [
            (-x * 0.22, side * y * 0.5),
            (-x * 0.2, side * y * 0.62),
            (x * 0.2, side * y * 0.62),
            (x * 0.22, side * y * 0.5),
        ]
        for (ax, ay), (bx, by) in pairwise(strap):
            parts.bar("nylon", (ax, ay), (bx, by), z * 0.4, 34.0, 2.5)
        parts.ring("zamak", (side * x * 0.5, 0.0, z * 0.4), 42.0, 5.5, n=8)
        parts.box("zamak", (side * (x * 0.5 + 8), 12.0, z * 0.4), (34.0, 12.0, 7.0), turn=yaw(0.5), fill=0.7)
        for k in (-1, 1):
            parts.rod("brass", (k * x * 0.22, side * y * 0.46, z * 0.3), 9.0, 3.0)


_WRAPS: dict[str, Callable[[Parts, Package, float, Dice], Any]] = {
    "envelope": _envelope,
    "padded_bag": _padded_bag,
    "flat_carton": _carton,
    "carton": _carton,
    "suitcase": _suitcase,
    "trolley": _trolley,
    "backpack": _backpack,
    "holdall": _holdall,
}
