"""The bodies of cars and vans: a rounded silhouette, its sheets edge-on, sides with arches and panes, doors, ends, wheels.

A silhouette is a line of corners, each rounded as far as its edges allow, so roofs, bonnets and tails come out curved.
Sides and panes are convex pieces cut out of it. Free proportions, no product.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

from xraybench.simulate.cargo.frame import Build, Space, arc
from xraybench.simulate.dice import Dice
from xraybench.simulate.parts import yaw

Point = tuple[float, float]

_STEPS = 4  # straight pieces of a rounded corner


@dataclass(frozen=True, slots=True)
class Silhouette:
    """Corners from the nose over the roof to the tail: shares of length and height, and from how far off each is rounded.

    Every one has its windscreen between corners 4 and 5, its roof up to corner 7, and the foot of the tail's pane at 8.
    """

    corners: tuple[tuple[float, float, float], ...]
    panes: tuple[int, ...]  # edges of glass, by their first corner
    middle: float  # the pillar between the doors, as a share of the length
    last: float  # the rear edge of the last door


SILHOUETTES = {
    "saloon": Silhouette(
        (
            (0.012, 0.19, 0.0), (0.000, 0.34, 110.0), (0.018, 0.51, 170.0), (0.100, 0.61, 420.0), (0.265, 0.668, 70.0),
            (0.405, 0.950, 360.0), (0.550, 1.012, 900.0), (0.705, 0.945, 480.0), (0.835, 0.720, 150.0),
            (0.978, 0.700, 110.0), (1.000, 0.50, 160.0), (0.990, 0.20, 0.0),
        ),
        (4, 7), 0.50, 0.69,
    ),
    "hatchback": Silhouette(
        (
            (0.014, 0.19, 0.0), (0.000, 0.34, 110.0), (0.022, 0.53, 170.0), (0.110, 0.63, 380.0), (0.255, 0.680, 60.0),
            (0.400, 0.950, 340.0), (0.590, 1.012, 900.0), (0.875, 0.945, 230.0), (0.962, 0.700, 150.0),
            (0.985, 0.60, 80.0), (1.000, 0.40, 140.0), (0.988, 0.20, 0.0),
        ),
        (4, 7), 0.52, 0.73,
    ),
    "estate": Silhouette(
        (
            (0.012, 0.19, 0.0), (0.000, 0.34, 110.0), (0.018, 0.51, 170.0), (0.100, 0.61, 420.0), (0.258, 0.660, 70.0),
            (0.395, 0.945, 340.0), (0.560, 1.006, 900.0), (0.905, 0.955, 200.0), (0.972, 0.690, 130.0),
            (0.985, 0.60, 80.0), (1.000, 0.42, 140.0), (0.990, 0.20, 0.0),
        ),
        (4, 7), 0.49, 0.68,
    ),
    "van": Silhouette(
        (
            (0.012, 0.16, 0.0), (0.000, 0.28, 120.0), (0.018, 0.44, 170.0), (0.090, 0.53, 330.0), (0.195, 0.590, 60.0),
            (0.325, 0.930, 280.0), (0.460, 1.000, 560.0), (0.975, 0.985, 150.0), (0.990, 0.60, 60.0),
            (0.995, 0.45, 40.0), (1.000, 0.34, 90.0), (0.992, 0.17, 0.0),
        ),
        (4,), 0.47, 0.47,
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Body:
    """The main measures of a vehicle in its place."""

    style: str
    place: Space
    radius: float  # of a wheel
    axles: Point  # x of the two

    @property
    def sill(self) -> float:
        """Height of the floor."""
        return self.place.low[1] + 0.7 * self.radius

    def x(self, share: float) -> float:
        """A share of the length from the nose."""
        return self.place.low[0] + share * self.place.size[0]

    def y(self, share: float) -> float:
        """A share of the height from the ground."""
        return self.place.low[1] + share * self.place.size[1]

    def corner(self, n: int) -> Point:
        """Corner n of the silhouette, not rounded."""
        u, v, _ = SILHOUETTES[self.style].corners[n]
        return self.x(u), self.y(v)

    @property
    def belt(self) -> float:
        """Height of the lower edge of the panes."""
        return self.corner(4)[1]

    def line(self) -> list[tuple[Point, int]]:
        """Points of the rounded silhouette from nose to tail, each with the edge that starts there; -1 within a corner."""
        found = [(self.corner(0), 0)]
        corners = SILHOUETTES[self.style].corners
        for n in range(1, len(corners) - 1):
            before, at, after = self.corner(n - 1), self.corner(n), self.corner(n + 1)
            reach = min(corners[n][2], 0.49 * math.dist(before, at), 0.49 * math.dist(at, after))
            a, b = _towards(at, before, reach), _towards(at, after, reach)
            for k in range(_STEPS):
                t = k / _STEPS
                p = (1 - t) ** 2, 2 * t * (1 - t), t * t
                found.append(((p[0] * a[0] + p[1] * at[0] + p[2] * b[0], p[0] * a[1] + p[1] * at[1] + p[2] * b[1]), -1))
            found.append((b, n))
        return [*found, (self.corner(len(corners) - 1), -1)]


def _towards(a: Point, b: Point, by: float) -> Point:
    share = by / math.dist(a, b)
    return a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])


def hull(points: list[Point]) -> list[Point]:
    """The convex polygon around points, counter-clockwise."""
    ordered = sorted(set(points))
    both: list[Point] = []
    for some in (ordered, ordered[::-1]):
        chain: list[Point] = []
        for p in some:
            while len(chain) > 1 and _turning(chain[-2], chain[-1], p) <= 1e-6:
                chain.pop()
            chain.append(p)
        both += chain[:-1]
    return both


def _turning(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _cut(polygon: list[Point], nx: float, ny: float, d: float) -> list[Point]:
    """What of a convex polygon lies where nx x + ny y <= d."""
    kept: list[Point] = []
    for a, b in pairwise([*polygon, *polygon[:1]]):
        da, db = nx * a[0] + ny * a[1] - d, nx * b[0] + ny * b[1] - d
        if da <= 0.0:
            kept.append(a)
        if (da < 0.0) != (db < 0.0) and abs(da - db) > 1e-9:
            t = da / (da - db)
            kept.append((a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])))
    return kept


def _inset(polygon: list[Point], by: float) -> list[Point]:
    inner = polygon
    for a, b in pairwise([*polygon, polygon[0]]):
        long = math.dist(a, b)
        if long > 1.0:
            nx, ny = (b[1] - a[1]) / long, (a[0] - b[0]) / long
            inner = _cut(inner, nx, ny, nx * a[0] + ny * a[1] - by)
    return inner


def _eased(polygon: list[Point], by: float) -> list[Point]:
    """A convex polygon with its sharp corners cut off."""
    found: list[Point] = []
    n = len(polygon)
    for i, at in enumerate(polygon):
        before, after = polygon[i - 1], polygon[(i + 1) % n]
        near, far = math.dist(before, at), math.dist(at, after)
        if min(near, far) < 2.0 * by:
            found.append(at)
        else:
            found += [_towards(at, before, by), _towards(at, after, by)]
    return hull(found)


def shell(p: Build, body: Body) -> None:
    """Sheets along the silhouette, seen edge-on, panes among them with a pillar on either side; the floor."""
    z0, deep = body.place.low[2], body.place.size[2]
    panes = SILHOUETTES[body.style].panes
    line = body.line()
    belt = body.belt + 20.0
    for (a, edge), (b, _) in pairwise(line):
        dx, dy = b[0] - a[0], b[1] - a[1]
        long, turn = math.hypot(dx, dy) + 1.0, yaw(math.atan2(dy, dx))
        x, y = 0.5 * (a[0] + b[0]), 0.5 * (a[1] + b[1])
        is_pane, is_high = edge in panes, y > belt and body.style != "van"
        inset = 0.10 * deep if y > belt else 0.02 * deep
        material, thick = ("glass", 5.0) if is_pane else ("steel", 1.6)
        p.box(material, (x, y, z0 + 0.5 * deep), (long, thick, deep - 2 * inset - 120.0), turn=turn)
        for z in (z0 + inset + 26.0, z0 + deep - inset - 26.0):
            if is_pane or is_high:
                inward = (x + 22.0 * dy / long, y - 22.0 * dx / long, z)
                p.box("steel", inward, (long, 45.0, 42.0), turn=turn, fill=0.14)
            else:
                p.box("steel", (x, y, z), (long, thick, 68.0), turn=turn)
    low, high = line[0][0][0] + 60, line[-1][0][0] - 60
    p.block("steel", (low, body.sill, z0 + 94), (high, body.sill + 1.5, z0 + deep - 94))
    for k in range(5):  # beads pressed into the floor, and cross members under it
        x = body.x(0.30 + 0.11 * k)
        p.block("steel", (x, body.sill - 42.0, z0 + 120), (x + 70.0, body.sill, z0 + deep - 120), fill=0.06)
    if body.style == "van":  # the board of the load
        y = body.sill + 196.0
        p.block("plywood", (body.x(0.53), y, z0 + 90), (body.x(0.97), y + 12.0, z0 + deep - 90))


def side(p: Build, body: Body, *, is_far: bool) -> None:
    """One side: wings and doors with arches, above them a frame with panes, and what is inside the doors."""
    points = [at for at, _ in body.line()]
    belt, sill, r = body.belt, body.sill, body.radius
    shape = SILHOUETTES[body.style]
    cowl, foot = body.corner(4)[0], body.corner(8)[0]
    z = body.place.high[2] - 3.0 if is_far else body.place.low[2]
    low = [q for q in points if (q[0] <= cowl or q[0] >= foot - 40.0) and sill - 10.0 <= q[1] <= belt + 70.0]
    low += [(points[0][0] + 25, sill - 10), (points[-1][0] - 25, sill - 10), (cowl, belt), (foot, belt + 20)]
    wing = p.prism("steel", _inset(hull(low), 2.0), z, z + 3.0, fill=0.5)
    for x in body.axles:
        arch = ((0.0, -1.0, 0.0, 7.0 + 0.3 * r),)  # it opens at the lower edge of the side
        p.rod("", (x, sill + 0.3 * r, z + 1.5), 2.28 * r, 3.0, inside=wing, planes=arch)
        inner = z - 212.0 if is_far else z + 212.0  # the wheel house behind the wheel, and its edge
        p.rod("steel", (x, sill + 0.3 * r, inner), 2.4 * r, 3.0, fill=0.4, planes=arch)
        rim = arc(x, sill + 0.3 * r, 1.19 * r, -0.25, math.pi + 0.25, 10)
        for a, b in pairwise(rim):
            p.bar("steel", a, b, z - 30.0 if is_far else z + 33.0, 2.0, 60.0, fill=0.7)
    up = z + (-0.09 if is_far else 0.09) * body.place.size[2]
    house = hull(
        [q for q in points if q[1] > belt and q[0] <= foot] + [(cowl + 30.0, belt), (foot - 20.0, belt + 10.0)]
    )
    middle, last = body.x(shape.middle), body.x(shape.last)
    frame = p.prism("steel", house, up, up + 4.0, fill=0.35)
    opening = _inset(house, 52.0)
    windows = [(cowl, middle - 34.0), (middle + 34.0, last), (last + 60.0, foot)]
    for x0, x1 in windows[:1] if body.style == "van" else windows:
        pane = _cut(_cut(opening, -1.0, 0.0, -x0), 1.0, 0.0, x1)
        if len(pane) > 2 and max(q[0] for q in pane) - min(q[0] for q in pane) > 110.0:
            p.prism("glass", _eased(pane, 30.0), up, up + 4.0, inside=frame)
    for x in (middle,) if body.style == "van" else (middle, last + 30.0):  # pillars: boxes of sheet
        top = max(q[1] for q in _cut(_cut(house, -1.0, 0.0, 26.0 - x), 1.0, 0.0, x + 26.0)) - 20.0
        p.block("steel", (x - 26, sill, up - 20), (x + 26, top, up + 20), fill=0.10)
    front = cowl + 0.16 * (middle - cowl)
    for x0, x1 in ((front, middle),) if body.style == "van" else ((front, middle), (middle, last)):
        _door(p, body, x0, x1, z - 26.0 if is_far else z + 14.0)
    rail = Space(
        (body.axles[0] + 1.2 * r, sill - 60, z - 90 if is_far else z + 2),
        (body.axles[1] - 1.2 * r, sill + 50, z if is_far else z + 90),
    )
    beam = p.fill("steel", rail)  # the hollow rail under the doors
    p.fill("", rail.trimmed(1.6), inside=beam)


def _door(p: Build, body: Body, a: float, b: float, z: float) -> None:
    """What is inside a door between x a and b: a bar against impacts, window lifter, lock, motor, speaker, lining, edges."""
    sill, tall = body.sill, body.belt - body.sill
    belt = body.belt
    p.wire("steel", (a + 60, sill + 0.5 * tall, z), (b - 30, sill + 0.38 * tall, z), 30.0, fill=0.35)
    p.rod("abs", (a + 0.28 * (b - a), sill + 0.25 * tall, z), 165.0, 10.0)
    p.rod("iron", (a + 0.28 * (b - a), sill + 0.25 * tall, z), 80.0, 12.0)
    p.block("steel", (b - 70, belt - 130, z - 6), (b - 20, belt - 60, z + 6), fill=0.6)
    x0, x1 = a + 0.55 * (b - a), a + 0.62 * (b - a)
    p.rod("copper", (0.5 * (x0 + x1), belt - 155, z), 64.0, 12.0, fill=0.5)
    for lean in (-1, 1):  # the lifter's arms
        p.wire("steel", (x0 - 130, belt - 155 - 120 * lean, z), (x0 + 190, belt - 155 + 120 * lean, z), 14.0)
    p.wire("copper", (a + 10, sill + 0.6 * tall, z), (x0, belt - 150, z), 12.0, fill=0.4)
    p.block("abs", (a + 40, sill + 40, z - 2), (b - 20, belt - 6, z + 2), fill=0.8)
    for x in (a, b):
        p.block("steel", (x - 4, sill, z - 6), (x + 2, belt, z + 6))
    p.block("zamak", (b - 190, belt - 60, z - 14), (b - 60, belt - 34, z + 4), fill=0.5)


def ends(p: Build, body: Body) -> None:
    """Bumpers, plastic over a beam with foam between, lamps, number plates, the tail's wiper."""
    z0, z1, sill = body.place.low[2], body.place.high[2], body.sill
    nose, tail = body.x(0.0), body.x(1.0)
    for x, inward in ((nose, 1), (tail, -1)):
        p.rounded("polypropylene", (x + inward * 48, sill + 105, 0.5 * (z0 + z1)), (96.0, 215.0, z1 - z0 - 80), 46.0,
                  cuts=3, fill=0.10)  # fmt: skip
        beam = x + inward * 86
        p.block("foam", (beam - 34, sill + 92, z0 + 160), (beam + 34, sill + 168, z1 - 160), fill=1.4)
        p.block("steel", (beam - 12, sill + 90, z0 + 120), (beam + 12, sill + 170, z1 - 120), fill=0.22)
    front, back = body.corner(2)[1], body.corner(9)[1]
    for z in (z0 + 190, z1 - 190):
        lamp = p.ball("polycarbonate", (body.x(0.045), front - 30, z), (240.0, 150.0, 250.0), fill=0.14)
        p.rod("steel", (body.x(0.05), front - 30, z), 90.0, 60.0, axis="x", fill=0.05, inside=lamp)
        p.rounded(
            "polycarbonate", (tail - 0.03 * body.place.size[0], back - 120, z), (70.0, 170.0, 220.0), 30.0, fill=0.12
        )


def wheels(p: Build, dice: Dice, body: Body) -> None:
    """Four wheels of one kind: tyre with its belt, rim with well and spokes, brake disc with caliper, hub and bolts."""
    alloy = dice.chance(0.6)
    n = dice.pick((3, 4, 5))
    for x in body.axles:
        _axle(p, body, x, alloy=alloy, n=n, turn=dice.between(0.0, math.pi))


def _axle(p: Build, body: Body, x: float, *, alloy: bool, n: int, turn: float) -> None:
    r, z0, deep = body.radius, body.place.low[2], body.place.size[2]
    y, wide = body.place.low[1] + r, 195.0
    stuff = "aluminium" if alloy else "steel"
    for z in (z0 + 0.5 * wide + 8, z0 + deep - 0.5 * wide - 8):
        outer = -1 if z < z0 + deep / 2 else 1
        tyre = p.rod("tyre", (x, y, z), 2 * r, wide)
        for end in (-1, 1):  # the walls reach down to the rim, the tread is 5 % of the radius
            p.rod("", (x, y, z + end * (wide / 2 - 6)), 1.30 * r, 12.0, inside=tyre)
        belt = p.rod("steel", (x, y, z), 1.945 * r, wide - 24, fill=0.12, inside=tyre)
        p.rod("", (x, y, z), 1.90 * r, wide - 24, inside=belt)
        rim = p.rod(stuff, (x, y, z), 1.30 * r, wide - 20, fill=1.0 if alloy else 0.45)
        p.rod("", (x, y, z), 1.22 * r, wide - 20, inside=rim)
        well = p.rod(stuff, (x, y, z + 0.1 * wide * outer), 1.22 * r, 0.34 * wide, fill=0.6 if alloy else 0.25)
        p.rod("", (x, y, z + 0.1 * wide * outer), 1.12 * r, 0.34 * wide, inside=well)
        out = z + 0.3 * wide * outer
        for k in range(n):
            size = (1.2 * r, (0.17 if alloy else 0.30) * r, 22.0 if alloy else 5.0)
            p.box(stuff, (x, y, out), size, turn=yaw(turn + math.pi * k / n))
        hub = p.rod(stuff, (x, y, out), 0.52 * r, 26.0 if alloy else 8.0)
        for k in range(5):
            a = 2 * math.pi * k / 5
            at = (x + 0.17 * r * math.cos(a), y + 0.17 * r * math.sin(a), out)
            p.rod("steel", at, 0.07 * r, 26.0 if alloy else 8.0, inside=hub)
        disc = p.rod("cast_iron", (x, y, z), 0.86 * r, 24.0, fill=0.9)
        p.rod("", (x, y, z), 0.80 * r, 8.0, inside=disc)
        p.rod("steel", (x, y, z), 0.36 * r, 110.0, fill=0.8)
        p.rounded("cast_iron", (x + 0.36 * r, y + 0.08 * r, z), (0.2 * r, 0.42 * r, 70.0), 0.08 * r, fill=0.6)
