"""Motor vehicles seen from the side: body shell, glass, engine and gearbox, axles and wheels, seats, tank, luggage.

A shell is drawn as its sheets: the two sides face the beam, the edges between them (bonnet, roof, floor) are seen edge-on
and make the outline. Free proportions, no product. A lorry does not fit the portal's field, so there is none.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

from xraybench.simulate.cargo import made, stacks
from xraybench.simulate.cargo.frame import Build, Space, Vec, sag
from xraybench.simulate.dice import Dice
from xraybench.simulate.parts import FOLDS, yaw

Point = tuple[float, float]
Outline = tuple[Point, ...]  # shares of length and height, from the nose over the roof to the tail

_OUTLINES: dict[str, Outline] = {
    "saloon": (
        (0.0, 0.36), (0.02, 0.55), (0.26, 0.66), (0.41, 0.99), (0.70, 0.99), (0.84, 0.70), (0.985, 0.66), (1.0, 0.36),
    ),
    "hatchback": (
        (0.0, 0.36), (0.03, 0.56), (0.26, 0.66), (0.40, 0.99), (0.82, 0.98), (0.95, 0.70), (0.99, 0.60), (1.0, 0.34),
    ),
    "estate": (
        (0.0, 0.36), (0.02, 0.55), (0.25, 0.65), (0.39, 0.98), (0.88, 0.99), (0.97, 0.68), (0.99, 0.58), (1.0, 0.34),
    ),
    "van": ((0.0, 0.30), (0.02, 0.48), (0.19, 0.58), (0.32, 0.96), (0.40, 0.99), (0.97, 0.99), (0.99, 0.60), (1.0, 0.26)),
}  # fmt: skip
CARS = ("saloon", "hatchback", "estate")
Places = dict[str, tuple[Space, ...]]


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

    @property
    def outline(self) -> list[Point]:
        """Corners of the silhouette from the nose over the roof to the tail."""
        return [(self.x(u), self.y(v)) for u, v in _OUTLINES[self.style]]

    @property
    def belt(self) -> float:
        """Height of the lower edge of the panes."""
        return self.outline[2][1]


def car(p: Build, dice: Dice, place: Space, *, style: str = "") -> Places:
    """A car in a place of its own size, its nose at low x; returns where something can be put, by name."""
    style = style or dice.pick(CARS)
    long, tall, _ = place.size
    radius = min(dice.between(0.205, 0.225) * tall, 330.0) if style != "van" else dice.between(300.0, 330.0)
    x0 = place.low[0]
    axles = (x0 + dice.between(0.165, 0.185) * long, x0 + dice.between(0.775, 0.80) * long)
    body = Body(style, place, radius, axles)
    _shell(p, body)
    split = dice.between(0.36, 0.42)
    for is_far in (False, True):
        _side(p, body, split, is_far=is_far)
    _ends(p, body)
    _engine_bay(p, dice, body)
    _underneath(p, dice, body)
    for x in axles:
        _wheels(p, dice, body, x)
    seat, dashboard = _cabin(p, body)
    return _places(body, seat, dashboard)


def _shell(p: Build, body: Body) -> None:
    """Sheets along the outline, seen edge-on, panes among them with a pillar on either side; the floor."""
    z0, deep = body.place.low[2], body.place.size[2]
    panes = (2,) if body.style == "van" else (2, 4)
    line = body.outline
    for i, (a, b) in enumerate(pairwise(line)):
        dx, dy = b[0] - a[0], b[1] - a[1]
        long, turn = math.hypot(dx, dy), yaw(math.atan2(dy, dx))
        x, y = 0.5 * (a[0] + b[0]), 0.5 * (a[1] + b[1])
        inset = 0.0 if i in (0, len(line) - 2) else 0.10 * deep
        material, thick = ("glass", 5.0) if i in panes else ("steel", 1.6)
        p.box(material, (x, y, z0 + 0.5 * deep), (long, thick, deep - 2 * inset - 120.0), turn=turn)
        for z in (z0 + inset + 26.0, z0 + deep - inset - 26.0):
            if i in panes:
                p.box("steel", (x, y, z), (long, 45.0, 42.0), turn=turn, fill=0.14)
            else:
                p.box("steel", (x, y, z), (long, thick, 52.0), turn=turn)
    p.block("steel", (line[0][0] + 60, body.sill, z0 + 94), (line[-1][0] - 60, body.sill + 1.5, z0 + deep - 94))
    if body.style == "van":  # the board of the load
        y = body.sill + 196.0
        p.block("plywood", (body.x(0.53), y, z0 + 90), (body.x(0.97), y + 12.0, z0 + deep - 90))


def _side(p: Build, body: Body, split: float, *, is_far: bool) -> None:
    """One side: wings and doors, an outer sheet and an inner one, arches, pillars, panes, and what is inside the doors."""
    line, belt, sill, r = body.outline, body.belt, body.sill, body.radius
    nose, tail, roof = line[0], line[-1], line[3][1]
    z = body.place.high[2] - 3.0 if is_far else body.place.low[2]
    low = [
        (nose[0] + 20, sill - 10), (tail[0] - 20, sill - 10), (tail[0] - 10, line[-2][1]),
        (line[2][0] + 0.55 * (tail[0] - line[2][0]), belt + 10), (line[2][0], belt), (nose[0] + 40, line[1][1]),
    ]  # fmt: skip
    side = p.prism("steel", low, z, z + 3.0, fill=0.5)
    for x in body.axles:
        arch = ((0.0, -1.0, 0.0, 9.0 + 0.3 * r),)  # it opens at the lower edge of the side
        p.rod("", (x, sill + 0.3 * r, z + 1.5), 2.25 * r, 3.0, inside=side, planes=arch)
    is_van = body.style == "van"
    first = line[3][0] - 0.55 * (line[3][0] - line[2][0])
    last = line[-3][0] - 30 if is_van else line[-4][0] + 0.5 * (line[-3][0] - line[-4][0])
    front, middle, back = first + 0.02 * (last - first), first + split * (last - first), first + 0.74 * (last - first)
    up = z + (-0.09 if is_far else 0.09) * body.place.size[2]
    behind = [(middle, belt), (last, belt), (last, roof - 20), (middle, roof - 20)]
    pane = [(middle + 40, belt + 16), (back, belt + 16), (back - 20, roof - 50), (middle + 40, roof - 40)]
    if is_van:
        p.prism("steel", behind, up, up + 2.0, fill=0.5)
    else:
        p.prism("glass", pane, up, up + 4.0)
    lean = front + 0.4 * (middle - front)
    p.prism("glass", [(front, belt + 16), (middle, belt + 16), (middle, roof - 40), (lean, roof - 60)], up, up + 4.0)
    for x in (middle,) if is_van else (middle, back):
        p.block("steel", (x, belt, up), (x + 50, roof - 10, up + 40), fill=0.12)
    end = last if is_van else line[-4][0]
    p.block("steel", (line[3][0], roof - 44, up), (end, roof - 8, up + 40), fill=0.12)
    if not is_van:  # the quarter behind the last door
        foot = line[-3][0] - 20
        quarter = [(back + 50, belt + 16), (foot, belt + 16), (max(end, back + 60), roof - 46), (back + 50, roof - 46)]
        p.prism("steel", quarter, up, up + 2.0, fill=0.5)
    for a, b in ((front, middle),) if is_van else ((front, middle), (middle, back)):
        _door(p, body, a, b, z - 26.0 if is_far else z + 14.0)
    rail = Space(
        (body.axles[0] + 1.2 * r, sill - 60, z - 90 if is_far else z + 2),
        (body.axles[1] - 1.2 * r, sill + 50, z if is_far else z + 90),
    )
    beam = p.fill("steel", rail)  # the hollow rail under the doors
    p.fill("", rail.trimmed(1.6), inside=beam)


def _door(p: Build, body: Body, a: float, b: float, z: float) -> None:
    """What is inside a door between x a and b: a bar against impacts, window lifter, lock, motor, lining, edges."""
    sill, tall = body.sill, body.belt - body.sill
    belt = body.belt
    p.wire("steel", (a + 60, sill + 0.5 * tall, z), (b - 30, sill + 0.38 * tall, z), 30.0, fill=0.35)
    p.rod("steel", (a + 0.35 * (b - a), sill + 0.25 * tall, z), 130.0, 10.0, fill=0.7)
    p.block("steel", (b - 70, belt - 130, z - 6), (b - 20, belt - 60, z + 6), fill=0.6)
    x0, x1 = a + 0.55 * (b - a), a + 0.62 * (b - a)
    p.block("copper", (x0, belt - 190, z - 6), (x1, belt - 120, z + 6), fill=0.5)
    p.block("abs", (a + 40, sill + 40, z - 2), (b - 20, belt - 6, z + 2), fill=0.8)
    for x in (a, b):
        p.block("steel", (x - 4, sill, z - 6), (x + 2, belt, z + 6))


def _ends(p: Build, body: Body) -> None:
    """Bumpers, plastic over a beam, and lamps."""
    z0, z1, sill = body.place.low[2], body.place.high[2], body.sill
    nose, tail = body.outline[0][0], body.outline[-1][0]
    for x, inward in ((nose, 1), (tail, -1)):
        low, high = (x, x + 60) if inward > 0 else (x - 60, x)
        p.block("polypropylene", (low, sill + 10, z0 + 40), (high, sill + 190, z1 - 40), fill=0.12)
        beam = x + inward * 80
        p.block("steel", (beam - 12, sill + 90, z0 + 120), (beam + 12, sill + 170, z1 - 120), fill=0.22)
    front, back = body.outline[1][1], body.outline[-2][1]
    for z in (z0 + 90, z1 - 290):
        p.block("polycarbonate", (nose + 40, front - 150, z), (nose + 190, front - 20, z + 200), fill=0.12)
        p.block("polycarbonate", (tail - 80, back - 160, z), (tail - 24, back - 10, z + 200), fill=0.12)


def _engine_bay(p: Build, dice: Dice, body: Body) -> None:
    """Engine and gearbox across the car, radiator with fan, battery, struts, hoses."""
    axle, r, x0, x1 = body.axles[0], body.radius, body.x(0.03), body.x(0.26)
    y0, z0, deep = body.place.low[1], body.place.low[2], body.place.size[2]
    zm = z0 + 0.46 * deep
    wide = 0.30 * deep  # half of the engine with its gearbox, along the beam
    base = y0 + 0.75 * r
    cast = dice.pick((("cast_iron", 0.17), ("aluminium", 0.42)))
    block = [(axle - 190, base + 90), (axle + 130, base + 60), (axle + 150, base + 330), (axle - 130, base + 380)]
    row = p.prism(cast[0], block, zm - wide, zm + 0.35 * wide, fill=cast[1])
    n = 4
    for k in range(n):  # bores one behind the other along the beam
        z = zm - wide + (k + 0.5) * 1.25 * wide / n
        p.rod("", (axle - 20, base + 265, z), 76.0, 120.0, axis="y", inside=row)
    p.prism(
        "aluminium",
        [(axle - 130, base + 380), (axle + 150, base + 330), (axle + 170, base + 450), (axle - 110, base + 500)],
        zm - wide,
        zm + 0.3 * wide,
        fill=0.5,
    )
    p.rod("steel", (axle - 20, base + 140, zm - 0.3 * wide), 110.0, 1.2 * wide, fill=0.4, inside=row)
    for dx, dy, d in ((-20.0, 140.0, 165.0), (-120.0, 300.0, 120.0), (90.0, 400.0, 110.0), (110.0, 230.0, 90.0)):
        pulley = p.rod("steel", (axle + dx, base + dy, zm - wide - 25), d, 30.0)
        p.rod("", (axle + dx, base + dy, zm - wide - 25), 0.7 * d, 22.0, inside=pulley)
    p.rod("copper", (axle - 120, base + 300, zm - wide + 40 - 70), 100.0, 60.0, fill=0.45)  # alternator
    gear = p.rod("aluminium", (axle + 10, base + 150, zm + 0.72 * wide), 330.0, 0.55 * wide, fill=0.9)
    p.rod("", (axle + 10, base + 150, zm + 0.72 * wide), 300.0, 0.5 * wide, inside=gear)
    for d, dx, dy in ((150.0, -50.0, 40.0), (210.0, 50.0, -30.0)):
        p.rod("steel", (axle + 10 + dx, base + 150 + dy, zm + 0.72 * wide), d, 0.2 * wide, fill=0.7)
    sump = [(axle - 150, base - 20), (axle + 100, base - 20), (axle + 130, base + 58), (axle - 188, base + 88)]
    p.prism("oil", sump, zm - 0.8 * wide, zm + 0.1 * wide, fill=0.4)
    p.block("aluminium", (x0 + 60, base + 60, z0 + 0.2 * deep), (x0 + 90, base + 450, z0 + 0.8 * deep), fill=0.25)
    p.block("water", (x0 + 64, base + 70, z0 + 0.2 * deep), (x0 + 86, base + 440, z0 + 0.8 * deep), fill=0.3)
    p.rod("steel", (x0 + 130, base + 260, z0 + 0.45 * deep), 110.0, 60.0, axis="x", fill=0.5)
    battery = p.block(
        "polypropylene", (x1 - 330, base + 330, z0 + 0.76 * deep), (x1 - 90, base + 510, z0 + 0.76 * deep + 170)
    )
    p.block(
        "lead_acid",
        (x1 - 325, base + 340, z0 + 0.765 * deep),
        (x1 - 95, base + 480, z0 + 0.76 * deep + 165),
        inside=battery,
    )
    p.ball("polypropylene", (axle + 170, base + 470, z0 + 0.2 * deep), (260.0, 130.0, 200.0), fill=0.15)
    for z in (z0 + 170, z0 + deep - 170):  # struts with springs
        p.wire("steel", (axle, y0 + 1.1 * r, z), (axle + 40, base + 520, z), 52.0, fill=0.6)
        for k in range(5):
            y = base + 250 + 48.0 * k
            p.wire("steel", (axle - 45, y, z), (axle + 75, y + 20, z), 13.0)
    p.rod("steel", (axle + 5, base + 60, z0 + 0.5 * deep), 28.0, deep - 420.0)  # drive shafts
    for k in range(4):
        a = (axle - 150 + 80 * k, base + 420 + 20 * (k % 2), zm + 60)
        p.wire("rubber", a, (a[0] + 140, a[1] - 190 + 60 * k, zm + 160), 42.0, fill=0.5)
    p.wire("copper", (x0 + 100, base + 480, z0 + 150), (x1, base + 500, z0 + 150), 24.0, fill=0.35)


def _underneath(p: Build, dice: Dice, body: Body) -> None:
    """Exhaust with catalyst and silencers, rear axle with springs and dampers, brake lines."""
    axles, r, sill, tail = body.axles, body.radius, body.sill, body.place.high[0]
    y0, z0, deep = body.place.low[1], body.place.low[2], body.place.size[2]
    ze, ye = z0 + 0.55 * deep, sill - 60.0
    p.wire("steel", (axles[0] + 200, ye, ze), (tail - 180, ye + 20, ze), 55.0, fill=0.14)
    p.rod("steel", (axles[0] + 420, ye, ze), 120.0, 340.0, axis="x", fill=0.16)
    silencer = p.rod("steel", (axles[0] + 1250, ye, ze), 150.0, 480.0, axis="x", fill=0.09)
    p.rod("steel", (axles[0] + 1250, ye, ze), 50.0, 470.0, axis="x", fill=0.2, inside=silencer)
    p.rod("steel", (tail - 330, ye + 60, z0 + 0.83 * deep), 200.0, 330.0, axis="z", fill=0.08)
    p.rod("steel", (axles[1], y0 + r, z0 + 0.5 * deep), 70.0, deep - 300.0, fill=0.35)
    for z in (z0 + 210, z0 + deep - 210):
        p.wire("steel", (axles[1] - 420, sill + 10, z), (axles[1], y0 + r, z), 60.0, fill=0.3)
        p.wire("steel", (axles[1] + 70, y0 + r, z), (axles[1] + 20, sill + 330, z), 44.0, fill=0.55)
        for k in range(4):
            p.wire(
                "steel",
                (axles[1] - 70, y0 + 1.25 * r + 42 * k, z),
                (axles[1] + 50, y0 + 1.25 * r + 42 * k + 22, z),
                13.0,
            )


def _wheels(p: Build, dice: Dice, body: Body, x: float) -> None:
    """Two wheels of an axle: tyre with belt, rim with spokes, brake disc and hub."""
    r, z0, deep = body.radius, body.place.low[2], body.place.size[2]
    y = body.place.low[1] + r
    wide = 195.0
    alloy = dice.chance(0.6)
    n, turn = dice.pick((3, 4, 5)), dice.between(0.0, math.pi)
    for z in (z0 + 0.5 * wide + 8, z0 + deep - 0.5 * wide - 8):
        tyre = p.rod("tyre", (x, y, z), 2 * r, wide)
        for side in (-1, 1):  # the walls reach down to the rim, the tread is 5 % of the radius
            p.rod("", (x, y, z + side * (wide / 2 - 6)), 1.30 * r, 12.0, inside=tyre)
        p.rod("", (x, y, z), 1.90 * r, wide - 24, inside=tyre)
        rim = p.rod("aluminium" if alloy else "steel", (x, y, z), 1.30 * r, wide - 20, fill=1.0 if alloy else 0.45)
        p.rod("", (x, y, z), 1.22 * r, wide - 20, inside=rim)
        out = z - 0.3 * wide if z < z0 + deep / 2 else z + 0.3 * wide
        for k in range(n):
            p.box(
                "aluminium" if alloy else "steel",
                (x, y, out),
                (1.2 * r, 0.16 * r, 22.0 if alloy else 5.0),
                turn=yaw(turn + math.pi * k / n),
            )
        p.rod("steel", (x, y, z), 0.82 * r, 24.0, fill=0.9)
        p.rod("steel", (x, y, z), 0.36 * r, 110.0, fill=0.8)


def _cabin(p: Build, body: Body) -> tuple[Space, int]:
    """Dashboard, steering wheel, seats, handbrake; returns the room in the first seat, and the dashboard's row."""
    z0, (_, tall, deep), floor = body.place.low[2], body.place.size, body.sill + 4.0
    dash = body.x(0.30)
    dashboard = p.block(
        "abs", (dash - 40, floor + 0.28 * tall, z0 + 120), (dash + 230, floor + 0.40 * tall, z0 + deep - 120), fill=0.22
    )
    p.block(
        "steel",
        (dash + 60, floor + 0.30 * tall, z0 + 100),
        (dash + 100, floor + 0.33 * tall, z0 + deep - 100),
        fill=0.25,
    )
    p.block(
        "aluminium",
        (dash - 30, floor + 0.18 * tall, z0 + 0.4 * deep),
        (dash + 160, floor + 0.30 * tall, z0 + 0.6 * deep),
        fill=0.15,
    )
    zs = z0 + 0.27 * deep
    p.wire("steel", (dash + 40, floor + 0.25 * tall, zs), (dash + 330, floor + 0.41 * tall, zs), 36.0, fill=0.5)
    p.box("polymer_filled", (dash + 330, floor + 0.41 * tall, zs), (30.0, 360.0, 360.0), turn=yaw(0.45), fill=0.25)
    rows = (0.385,) if body.style == "van" else (0.42, 0.645)
    rooms = []
    for n, u in enumerate(rows):
        sx = body.x(u)
        for k in range(2 if n == 0 else 1):
            za, zb = (
                (z0 + 170 + k * 0.46 * deep, z0 + 170 + k * 0.46 * deep + 500)
                if n == 0
                else (z0 + 150, z0 + deep - 150)
            )
            sag(p, "foam", Space((sx - 60, floor + 190, za), (sx + 450, floor + 330, zb)), fill=1.9)
            p.block("steel", (sx - 40, floor + 168, za + 20), (sx + 430, floor + 188, zb - 20), fill=0.08)
            lean = 0.30 if n == 0 else 0.22
            mid = (sx + 480, floor + 0.30 * tall + 140, 0.5 * (za + zb))
            p.box("foam", mid, (120.0, 560.0, zb - za), turn=yaw(-lean), fill=1.8)
            p.box("steel", (mid[0] + 30, mid[1], mid[2]), (14.0, 540.0, zb - za - 40), turn=yaw(-lean), fill=0.12)
            p.ball(
                "foam",
                (mid[0] + 330 * math.sin(lean) + 20, mid[1] + 350, mid[2]),
                (110.0, 190.0, min(zb - za, 800.0) * 0.5),
                fill=2.2,
            )
            if n == 0:
                for z in (za + 60, zb - 90):
                    p.block("steel", (sx - 40, floor + 4, z), (sx + 460, floor + 34, z + 30), fill=0.5)
            rooms.append(Space((sx, floor + 36, za + 100), (sx + 400, floor + 160, zb - 100)))
    p.wire("steel", (body.x(0.47), floor + 60, z0 + 0.5 * deep), (body.x(0.40), floor + 230, z0 + 0.5 * deep), 24.0)
    return rooms[0], dashboard


def _tank(p: Build, dice: Dice, low: Vec, high: Vec) -> tuple[int, Space]:
    """A fuel tank, part full; returns the row of the fuel and the room in it."""
    shell = p.block("polyethylene", low, high)
    level = low[1] + (high[1] - low[1]) * dice.between(0.72, 0.95)
    inner = (low[0] + 5, low[1] + 5, low[2] + 5)
    row = p.block("petrol", inner, (high[0] - 5, level, high[2] - 5), inside=shell)
    p.block("", (low[0] + 5, level, low[2] + 5), (high[0] - 5, high[1] - 5, high[2] - 5), inside=shell)
    return row, Space(inner, (high[0] - 5, level, high[2] - 5), row)


def _places(body: Body, seat: Space, dashboard: int) -> Places:
    """Rooms for luggage, and the places of the trade: sills, false floor, tyre, doors, bumper, dashboard, roof lining."""
    x, y, sill, r, is_van = body.x, body.y, body.sill, body.radius, body.style == "van"
    z0, deep, tall = body.place.low[2], body.place.size[2], body.place.size[1]
    zi, zo, zm = z0 + 120.0, z0 + deep - 120.0, z0 + 0.5 * deep
    back, end = (x(0.53) if is_van else x(0.80)), x(0.93 if body.style == "hatchback" else 0.965)
    shelf = {"saloon": 0.66, "hatchback": 0.68, "estate": 0.70, "van": 0.93}[body.style]
    floor = sill + 210.0 if is_van else y(0.36) + 40.0
    under, spare = (x(0.83), sill + 10.0) if is_van else (back + 20, y(0.36) - 190.0)
    wheel = 0.85 * r if is_van else r  # a van's spare is a narrow one
    feet = Space((x(0.555), sill + 8, zi + 60), (x(0.62), sill + 320, zo - 60))
    bench = Space((x(0.62) + 20, sill + 350, zi + 80), (x(0.62) + 330, sill + 560, zo - 80))
    behind_seat = Space((x(0.385), sill + 40, zi + 60), (x(0.42), sill + 150, zo - 60))
    return {
        "boot": (Space((back, floor, zi + 60), (end - 40, y(shelf) - 10, zo - 60)),),
        "cabin": (behind_seat,) if is_van else (feet, bench),
        "false_floor": (Space((x(0.55), sill + 6, zi), (x(0.64), sill + (184 if is_van else 84), zo)),),
        "doors": tuple(
            Space((x(0.37), sill + 70, z), (x(0.52), body.belt - 80, z + 62.0)) for z in (z0 + 32.0, z0 + deep - 102.0)
        ),
        "sill": tuple(
            Space((body.axles[0] + 1.3 * r, sill - 54, z), (body.axles[1] - 1.3 * r, sill + 44, z + 78.0))
            for z in (z0 + 6.0, z0 + deep - 88.0)
        ),
        "bumper": (Space((x(1.0) - 152, sill + 20, z0 + 200), (x(1.0) - 96, sill + 180, z0 + deep - 200)),),
        "dashboard": (
            Space(
                (x(0.30) - 30, sill + 4 + 0.285 * tall, z0 + 0.62 * deep),
                (x(0.30) + 50, sill + 0.395 * tall, z0 + 0.9 * deep),
                dashboard,
            ),
        ),
        "roof": (Space((x(0.44), y(0.93), zi + 160), (x(0.66), y(0.97), zo - 160)),),
        "seat": (seat,),
        "tank": (Space((x(0.645), sill + 6, zi + 60), (x(0.745), sill + 160, zo - 60)),),
        "spare": (Space((under, spare, zm - wheel), (under + 2 * wheel, spare + 180.0, zm + wheel)),),
    }


def furnish(p: Build, dice: Dice, places: Places) -> tuple[Places, list[Space]]:
    """Tank, spare wheel and luggage; returns the hiding places, and the hosts in the luggage."""
    hide = {name: rooms for name, rooms in places.items() if name not in ("boot", "cabin")}
    tank = places["tank"][0]
    row, fuel = _tank(p, dice, tank.low, tank.high)
    inner = fuel.trimmed(10.0)
    hide["tank"] = (Space(inner.low, inner.high, row),)
    hide["spare"] = (_spare(p, places["spare"][0]),)
    return hide, luggage(p, dice, places["boot"][0])


def hidden(p: Build, dice: Dice, hide: Places) -> tuple[Space, ...]:
    """One hiding place of the body, or both of a pair; no longer than what a hand can place."""
    name = dice.pick(tuple(hide))
    rooms = hide[name]
    if name == "false_floor":  # a sheet over it
        (x0, _, z0), (x1, y1, z1) = rooms[0].low, rooms[0].high
        p.block("steel", (x0, y1, z0), (x1, y1 + 1.5, z1))
    long, deep = dice.between(450.0, 1500.0), dice.between(300.0, 1000.0)
    chosen = rooms if dice.chance(0.5) else rooms[:1]
    return tuple(room.part(dice, (long, room.size[1], deep)) for room in chosen)


def beside_luggage(
    p: Build, dice: Dice, boot: Space, cabin: tuple[Space, ...], *, screened: bool
) -> tuple[tuple[Space, ...], Space]:
    """A part of the boot or of the cabin for the slot, and what is left of the boot.

    `screened` puts dense things between it and the source, as far as the beam goes: castings, batteries, tools.
    """
    if not screened and dice.chance(0.3):
        return (dice.pick(cabin),), boot
    wide = min(dice.between(380.0, 750.0), 0.7 * boot.size[0])
    own, rest = boot.along(boot.low[0], boot.low[0] + wide), boot.along(boot.low[0] + wide + 10, boot.high[0])
    if dice.chance(0.5):
        own, rest = boot.along(boot.high[0] - wide, boot.high[0]), boot.along(boot.low[0], boot.high[0] - wide - 10)
    own = own.up_to(own.low[1] + min(dice.between(0.5, 0.95) * own.size[1], 620.0))
    if not screened:
        return (own.deep(own.low[2], own.low[2] + dice.between(0.35, 0.9) * own.size[2]),), rest
    cut = own.low[2] + dice.between(0.4, 0.6) * own.size[2]
    screen, place = own.deep(own.low[2], cut - 8), own.deep(cut + 8, own.high[2])
    if dice.chance(0.5):
        made.machine_parts(p, dice, screen)
    else:
        for k in range(2):
            half = screen.along(
                screen.low[0] + 0.5 * k * screen.size[0] + 4, screen.low[0] + 0.5 * (k + 1) * screen.size[0] - 4
            )
            box = half.up_to(half.low[1] + min(half.size[1], dice.between(190.0, 330.0)))
            shell = p.fill("polypropylene", box)
            p.fill("lead_acid", box.trimmed(6.0), inside=shell)
    return (place,), rest


def _spare(p: Build, place: Space) -> Space:
    """A spare wheel lying; returns the room in its tyre."""
    (x0, y0, z0), (x1, y1, z1) = place.low, place.high
    tyre = p.round("tyre", place, "y")
    inner = Space((x0 + 18, y0 + 14, z0 + 18), (x1 - 18, y1 - 14, z1 - 18))
    air = p.round("", inner, "y", inside=tyre)
    q = 0.33 * (x1 - x0)
    xm, zm = 0.5 * (x0 + x1), 0.5 * (z0 + z1)
    rim = p.rod("steel", (xm, 0.5 * (y0 + y1), zm), 2 * q, y1 - y0 - 34, axis="y", fill=0.12)
    assert rim > air
    d = x1 - x0
    return Space((xm - 0.43 * d, y0 + 20, zm - 0.18 * d), (xm - 0.335 * d, y1 - 20, zm + 0.18 * d))


def luggage(p: Build, dice: Dice, boot: Space) -> list[Space]:
    """Suitcases, holdalls and boxes side by side in the boot; in a van, cartons and tools."""
    hosts: list[Space] = []
    x = boot.low[0]
    while boot.high[0] - x > 220.0:
        long = min(dice.between(220.0, 620.0), boot.high[0] - x)
        tall = boot.size[1] * dice.between(0.45, 0.95)
        z = boot.low[2] + dice.between(0.0, 0.12) * boot.size[2]
        place = Space((x + 6, boot.low[1], z), (x + long - 6, boot.low[1] + tall, boot.high[2] - dice.between(0, 80)))
        style = dice.whole(0, 3)
        if style == 0:
            case = p.fill("abs", place, fill=0.9)
            inner = place.trimmed(4.0)
            row = p.fill("cotton", inner, fill=dice.between(0.5, 0.9), texture=(FOLDS, 0.04), inside=case)
            for k in (0.3, 0.7):
                p.rod(
                    "steel",
                    (place.low[0] + k * place.size[0], place.high[1] + 8, place.middle[2]),
                    10.0,
                    260.0,
                    fill=0.5,
                )
            hosts.append(Space(inner.trimmed(8.0).low, inner.trimmed(8.0).high, row))
        elif style == 1:
            row = sag(p, "cotton", place, bulge=1.35, fill=dice.between(0.5, 0.9), texture=(FOLDS, 0.04))
            core = place.trimmed(0.2 * min(place.size))
            hosts.append(Space(core.low, core.high, row))
        elif style == 2:
            stack = stacks.cartons(
                dice.pick(("cotton", "paper", "abs")), (0.15, 0.5), size=((180.0, 140.0, 200.0), (320.0, 260.0, 400.0))
            )
            hosts += stack(p, dice, place)
        else:
            box = p.fill("steel", place.up_to(place.low[1] + min(280.0, tall)), fill=0.03)
            inner = place.up_to(place.low[1] + min(280.0, tall)).trimmed(4.0)
            p.fill("", inner, inside=box)
            for k in range(5):
                y = inner.low[1] + 12 + 22 * k
                p.wire(
                    "steel",
                    (inner.low[0] + 10, y, inner.middle[2]),
                    (inner.high[0] - 10, y + dice.between(-8, 20), inner.middle[2] + 60),
                    18.0,
                )
            hosts.append(inner.above(inner.low[1] + 135).trimmed(3.0))
        x += long
    return [h for h in hosts if min(h.size) > 60.0]
