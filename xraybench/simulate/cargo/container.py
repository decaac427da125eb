"""Freight containers of 20 ft: corrugated walls, posts, rails, floor on cross members, doors with locking bars; and reefers,
which are insulated, have a T-bar floor and a machinery unit in the front end.

Outer sizes after ISO 668 (6058 x 2438 x 2591 mm); sheet, profiles and insulation are those of usual makes.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

from xraybench.simulate.cargo.frame import Build, Space
from xraybench.simulate.dice import Dice

LENGTH_MM, HEIGHT_MM, WIDTH_MM = 6058.0, 2591.0, 2438.0  # ISO 668, 1CC, along x, y and z
CORRUGATION_MM = 278.0  # period of the side walls: flat, slope, flat, slope
# Along x, of one slope; makes differ. Common side walls have 68, whose stripes show where a beam meets them aslant. Ours
# meets the wall squarely, so the slopes lie between those of side and end walls (18) and show as well as on real portals.
SLOPES_MM = (28.0, 36.0, 44.0)
WALL_DEPTH_MM = 36.0
SHEET_MM = 2.0
POST_MM = 160.0
FLOOR_MM, FLOOR_TOP_MM = 28.0, 172.0  # plywood on cross members
MEMBER_MM = (45.0, 122.0)  # cross members: C profiles of 4.5 mm
DOOR_MM = 60.0
REEFER_UNIT_MM = 470.0  # depth of the machinery along x


@dataclass(frozen=True, slots=True)
class Container:
    """An empty container.

    Attributes:
        style: `dry` or `reefer`.
        inside: The room for goods; its high x is the door.
        cavities: Places in the structure where something can be hidden, by name.
        unit: Places in the machinery of a reefer.
    """

    style: str
    inside: Space
    cavities: dict[str, tuple[Space, ...]]
    unit: tuple[Space, ...]


def build(p: Build, dice: Dice, style: str) -> Container:
    """A container of this style, its front at x 0 and its door at x LENGTH_MM, standing on y 0."""
    _frame(p, dice)
    members = _floor(p, dice, style)
    _doors(p, dice)
    if dice.chance(0.4):
        _chassis(p, dice)
    return _reefer(p, dice, members) if style == "reefer" else _dry(p, dice, members)


def _frame(p: Build, dice: Dice) -> None:
    """Corner posts and castings, bottom and top rails."""
    for z0 in (0.0, WIDTH_MM - 110.0):
        for x0 in (0.0, LENGTH_MM - POST_MM):
            post = p.block("steel", (x0, 118.0, z0), (x0 + POST_MM, HEIGHT_MM - 118.0, z0 + 110.0))
            p.block("", (x0 + 6, 118.0, z0 + 6), (x0 + POST_MM - 6, HEIGHT_MM - 118.0, z0 + 104.0), inside=post)
        z1 = WIDTH_MM - 162.0 if z0 else 0.0
        for x0 in (0.0, LENGTH_MM - 178.0):
            for y0 in (0.0, HEIGHT_MM - 118.0):
                p.block("steel", (x0, y0, z1), (x0 + 178.0, y0 + 118.0, z1 + 162.0), fill=0.32)
        z2 = WIDTH_MM - 48.0 if z0 else 0.0
        p.block("steel", (POST_MM, 4.0, z2), (LENGTH_MM - POST_MM, 164.0, z2 + 48.0), fill=0.17)
        z3 = WIDTH_MM - 60.0 if z0 else 0.0
        p.block("steel", (POST_MM, HEIGHT_MM - 66.0, z3), (LENGTH_MM - POST_MM, HEIGHT_MM - 8.0, z3 + 60.0), fill=0.26)


def _floor(p: Build, dice: Dice, style: str) -> tuple[float, ...]:
    """Cross members under the floor; where they stand."""
    wide, tall = MEMBER_MM
    n = 17 if style == "dry" else 13
    xs = tuple(220.0 + i * (LENGTH_MM - 440.0) / (n - 1) for i in range(n))
    for x in xs:
        p.block("steel", (x, 20.0, 50.0), (x + 4.5, 20.0 + tall, WIDTH_MM - 50.0))
        for y in (20.0, 20.0 + tall - 4.5):
            p.block("steel", (x + 4.5, y, 50.0), (x + wide, y + 4.5, WIDTH_MM - 50.0))
    if style == "dry" and dice.chance(0.7):  # pockets for forks
        for x in (LENGTH_MM / 2 - 1180.0, LENGTH_MM / 2 + 820.0):
            p.block("steel", (x + 60, 22.0, 50.0), (x + 300.0, 30.0, WIDTH_MM - 50.0))
    return xs


def _doors(p: Build, dice: Dice) -> None:
    """Two leaves edge-on, gaskets, hinges and four locking bars with their handles."""
    x0, x1 = LENGTH_MM - DOOR_MM - 24.0, LENGTH_MM - 24.0
    p.block("steel", (x0, 150.0, 112.0), (x1, HEIGHT_MM - 110.0, WIDTH_MM - 112.0), fill=0.05)
    for y in (150.0, HEIGHT_MM - 150.0):
        p.block("steel", (x0, y, 112.0), (x1, y + 40.0, WIDTH_MM - 112.0), fill=0.10)
    p.block("rubber", (x0 - 22.0, 150.0, 112.0), (x0, HEIGHT_MM - 110.0, 130.0), fill=0.8)
    for z in (420.0, 1010.0, 1420.0, 2010.0):
        z += dice.between(-30, 30)
        bar = p.rod("steel", (LENGTH_MM - 10.0, 1290.0, z), 34.0, 2460.0, axis="y")
        p.rod("", (LENGTH_MM - 10.0, 1290.0, z), 28.0, 2460.0, axis="y", inside=bar)
        for y in (90.0, 1180.0, 2480.0):
            p.block("steel", (LENGTH_MM - 34.0, y, z - 45), (LENGTH_MM, y + 60.0, z + 45), fill=0.4)
    for k in range(4):
        y = 380.0 + 600.0 * k
        for z in (112.0, WIDTH_MM - 142.0):
            p.block("steel", (x1, y, z), (LENGTH_MM, y + 70.0, z + 30.0), fill=0.7)


def _chassis(p: Build, dice: Dice) -> None:
    """What the field shows of a skeletal trailer: the flanges of two beams, and twist locks under the castings."""
    for z in (700.0, WIDTH_MM - 840.0):
        p.block("steel", (-150.0, -34.0, z), (LENGTH_MM + 120.0, -14.0, z + 140.0))
        p.block("steel", (-150.0, -330.0, z + 64.0), (LENGTH_MM + 120.0, -34.0, z + 74.0))
    for x in (90.0, LENGTH_MM - 90.0):
        p.block("steel", (x - 60, -70.0, 30.0), (x + 60, -4.0, WIDTH_MM - 30.0), fill=0.16)
    for x in (1500.0, 3000.0, 4500.0):
        p.block("steel", (x, -110.0, 300.0), (x + 80.0, -40.0, WIDTH_MM - 300.0), fill=0.3)


def _dry(p: Build, dice: Dice, members: tuple[float, ...]) -> Container:
    top = HEIGHT_MM - 22.0
    p.block(
        "plywood",
        (POST_MM + 2, FLOOR_TOP_MM - FLOOR_MM, 60.0),
        (LENGTH_MM - POST_MM - 2, FLOOR_TOP_MM, WIDTH_MM - 60.0),
        fill=1.1,
    )
    p.block("steel", (50.0, top, 60.0), (LENGTH_MM - 100.0, HEIGHT_MM - 4.0, WIDTH_MM - 60.0), fill=SHEET_MM / 18.0)
    p.block("steel", (6.0, 150.0, 110.0), (6.0 + WALL_DEPTH_MM, top, WIDTH_MM - 110.0), fill=SHEET_MM / WALL_DEPTH_MM)
    _walls(p, dice)
    inside = Space(
        (POST_MM + 4.0, FLOOR_TOP_MM + 2.0, WALL_DEPTH_MM + 8.0),
        (LENGTH_MM - POST_MM - 4.0, top - 4.0, WIDTH_MM - WALL_DEPTH_MM - 8.0),
    )
    x0, x1 = inside.low[0], inside.high[0]
    under = tuple(
        Space((x + MEMBER_MM[0] + 8, 24.0, 300.0), (after - 8.0, FLOOR_TOP_MM - FLOOR_MM - 6.0, WIDTH_MM - 300.0))
        for x, after in pairwise(members)
    )
    deep = (inside.low[2] + 10.0, inside.high[2] - 10.0)
    return Container(
        "dry",
        inside,
        {
            "floor": under,
            "roof": (Space((x0 + 60, top - 96.0, deep[0]), (x1 - 60, top - 8.0, deep[1])),),
            "front_wall": (Space((x0 + 2, FLOOR_TOP_MM + 10, deep[0]), (x0 + 190.0, top - 20.0, deep[1])),),
            "side_wall": (Space((x0 + 60, FLOOR_TOP_MM + 10, deep[1] - 90.0), (x1 - 60, top - 20.0, deep[1])),),
            "post": tuple(
                Space((x + 10, 140.0, z + 10), (x + POST_MM - 10, HEIGHT_MM - 140.0, z + 100.0))
                for x in (0.0, LENGTH_MM - POST_MM)
                for z in (0.0, WIDTH_MM - 110.0)
            ),
        },
        (),
    )


def _walls(p: Build, dice: Dice) -> None:
    """Two corrugated side walls. On the slopes a ray meets the sheet at an angle and runs further through it."""
    x0, x1, y0, y1 = POST_MM, LENGTH_MM - POST_MM, 164.0, HEIGHT_MM - 66.0
    fill = SHEET_MM / WALL_DEPTH_MM
    near = p.block("steel", (x0, y0, 4.0), (x1, y1, 4.0 + WALL_DEPTH_MM), fill=fill)
    p.block("steel", (x0, y0, WIDTH_MM - 4.0 - WALL_DEPTH_MM), (x1, y1, WIDTH_MM - 4.0), fill=fill)
    slope = dice.pick(SLOPES_MM)
    gain = math.hypot(slope, WALL_DEPTH_MM) / slope - 1.0
    x = x0 + dice.between(40.0, 150.0)  # both walls are rolled alike and stand face to face: their slopes fall together
    while x + slope < x1:
        p.block("steel", (x, y0, 4.0), (x + slope, y1, 4.0 + WALL_DEPTH_MM), fill=fill * (1 + 2 * gain), inside=near)
        x += CORRUGATION_MM / 2


def _reefer(p: Build, dice: Dice, members: tuple[float, ...]) -> Container:
    """Sandwich walls of foam between sheets, ducted T-bar floor, and the unit in the front end."""
    skin, foam = 0.8, 64.0
    y0, y1 = 100.0, HEIGHT_MM - 16.0
    x0, x1 = REEFER_UNIT_MM + 12.0, LENGTH_MM - 110.0
    for z0 in (6.0, WIDTH_MM - 6.0 - foam):
        wall = p.block("insulation", (POST_MM, 164.0, z0), (x1, HEIGHT_MM - 66.0, z0 + foam), fill=1.0)
        for z in (z0 + 0.5 * skin, z0 + foam - 0.5 * skin):
            p.box("steel", (0.5 * (POST_MM + x1), 1345.0, z), (x1 - POST_MM, 2280.0, skin), inside=wall)
        x = POST_MM + 300.0
        while x < x1 - 100.0:  # studs
            p.block("steel", (x, 170.0, z0 + 2), (x + 40.0, HEIGHT_MM - 70.0, z0 + foam - 2), fill=0.06, inside=wall)
            x += 610.0
    roof = p.block("insulation", (POST_MM, y1 - 80.0, 72.0), (x1, y1, WIDTH_MM - 72.0), fill=1.0)
    for y in (y1 - 1.0, y1 - 79.0):
        p.block("aluminium", (POST_MM, y - 0.8, 72.0), (x1, y + 0.8, WIDTH_MM - 72.0), inside=roof)
    sub = p.block("insulation", (x0, y0 + 46.0, 72.0), (x1, y0 + 116.0, WIDTH_MM - 72.0), fill=1.0)
    p.block("steel", (x0, y0 + 46.0, 72.0), (x1, y0 + 47.6, WIDTH_MM - 72.0), inside=sub)
    t0 = y0 + 116.0
    for low, high, fill in ((t0, t0 + 4.0, 0.9), (t0 + 4.0, t0 + 56.0, 0.09), (t0 + 56.0, t0 + 62.0, 0.6)):
        p.block("aluminium", (x0 + 20, low, 76.0), (x1, high, WIDTH_MM - 76.0), fill=fill)
    door = p.block(
        "insulation", (LENGTH_MM - 150.0, 160.0, 120.0), (LENGTH_MM - 85.0, y1 - 90.0, WIDTH_MM - 120.0), fill=1.0
    )
    p.block("steel", (LENGTH_MM - 88.0, 162.0, 122.0), (LENGTH_MM - 86.5, y1 - 92.0, WIDTH_MM - 122.0), inside=door)
    inside = Space((x0 + 70.0, t0 + 64.0, 84.0), (LENGTH_MM - 158.0, y1 - 170.0, WIDTH_MM - 84.0))
    under = tuple(
        Space((x + MEMBER_MM[0] + 8, 24.0, 300.0), (after - 8.0, 136.0, WIDTH_MM - 300.0))
        for x, after in pairwise(members[2:])
    )
    panel = Space((900.0, y1 - 72.0, 300.0), (x1 - 200.0, y1 - 8.0, WIDTH_MM - 300.0), roof)
    return Container("reefer", inside, {"floor": under, "insulation": (panel,)}, _unit(p, dice))


def _unit(p: Build, dice: Dice) -> tuple[Space, ...]:
    """Compressor, condenser with fan, receiver, controller, pipes; above them evaporator, heater and fans. Spare room."""
    z0, z1, deep = 180.0, WIDTH_MM - 180.0, REEFER_UNIT_MM
    bulk = p.block("insulation", (deep - 60.0, 170.0, 120.0), (deep, HEIGHT_MM - 70.0, WIDTH_MM - 120.0), fill=1.0)
    p.block("aluminium", (deep - 58.0, 172.0, 122.0), (deep - 56.0, HEIGHT_MM - 72.0, WIDTH_MM - 122.0), inside=bulk)
    for y in (200.0, 1120.0, 1640.0):
        p.block("steel", (20.0, y, z0), (deep - 64.0, y + 40.0, z1), fill=0.03)
    flip = dice.chance(0.5)

    def z(a: float, b: float) -> tuple[float, float]:
        return (z0 + z1 - b, z0 + z1 - a) if flip else (a, b)

    # compressor: a cast body with a motor, on its feet
    a, b = z(360.0, 820.0)
    body = p.round("cast_iron", Space((70.0, 262.0, a), (370.0, 560.0, b)), "z", fill=0.9)
    p.round("", Space((110.0, 302.0, a + 60), (330.0, 520.0, b - 40)), "z", inside=body)
    p.round("copper", Space((130.0, 322.0, a + 90), (310.0, 500.0, b - 160)), "z", fill=0.45)
    for x in (95.0, 225.0):
        p.block("steel", (x, 545.0, a + 40), (x + 110.0, 640.0, b - 40), fill=0.55)
    # condenser coil, its fan and motor; the receiver
    a, b = z(980.0, 1760.0)
    p.block("aluminium", (60.0, 320.0, a), (150.0, 1080.0, b), fill=0.16)
    for y in (360.0, 500.0, 640.0, 780.0, 920.0, 1040.0):
        p.block("copper", (70.0, y, a), (140.0, y + 10.0, b), fill=0.2)
    p.rod("steel", (270.0, 700.0, 0.5 * (a + b)), 150.0, 220.0, axis="x", fill=0.5)
    for angle in (0.2, 1.25, 2.3):
        c, s = 270.0 * math.cos(angle), 270.0 * math.sin(angle)
        p.wire("aluminium", (190.0, 700.0 - s, 0.5 * (a + b) - c), (190.0, 700.0 + s, 0.5 * (a + b) + c), 22.0)
    a, b = z(1840.0, 2060.0)
    tank = p.round("steel", Space((150.0, 262.0, a), (310.0, 700.0, a + 160.0)), "y")
    p.round("refrigerant", Space((154.0, 266.0, a + 4), (306.0, 520.0, a + 156.0)), "y", inside=tank)
    p.round("", Space((154.0, 520.0, a + 4), (306.0, 696.0, a + 156.0)), "y", inside=tank)
    # controller box and cable
    a, b = z(400.0, 860.0)
    box = p.block("steel", (50.0, 720.0, a), (250.0, 1090.0, b))
    p.block("", (52.0, 722.0, a + 2), (248.0, 1088.0, b - 2), inside=box)
    p.block("pcb", (80.0, 760.0, a + 40), (90.0, 1050.0, b - 40))
    for k in range(4):
        p.block("copper", (110.0, 770.0 + 75 * k, a + 60), (190.0, 815.0 + 75 * k, a + 130 + 40 * k), fill=0.6)
    for k in range(5):
        x = 60.0 + 60.0 * k
        p.wire("copper", (x, 600.0 + 20 * k, 200.0 + 15 * k), (x + 60, 1680.0 - 30 * k, 215.0 + 15 * k), 22.0, fill=0.3)
    # evaporator section
    p.block("aluminium", (120.0, 1700.0, 340.0), (330.0, 2050.0, WIDTH_MM - 340.0), fill=0.17)
    for k in range(5):
        y = 1730.0 + 62.0 * k
        p.block("copper", (140.0, y, 340.0), (310.0, y + 9.0, WIDTH_MM - 340.0), fill=0.2)
    for zc in (760.0, WIDTH_MM - 760.0):
        p.rod("steel", (250.0, 2250.0, zc), 130.0, 160.0, axis="y", fill=0.55)
        for angle in (0.3, 1.35, 2.4):
            c, s = 230.0 * math.cos(angle), 230.0 * math.sin(angle)
            p.wire("aluminium", (230.0 - 0.5 * c, 2140.0, zc - s), (230.0 + 0.5 * c, 2140.0, zc + s), 18.0)
    a, b = z(1100.0, 1780.0)
    return (
        Space((206.0, 250.0, a), (400.0, 600.0, b)),  # under the condenser fan
        Space((40.0, 1180.0, 300.0), (390.0, 1600.0, WIDTH_MM - 300.0)),  # between the machinery and the evaporator
        Space((40.0, 2380.0, 300.0), (400.0, 2490.0, WIDTH_MM - 300.0)),  # above the fans
        Space(
            (deep - 52.0, 400.0, 300.0), (deep - 6.0, 2200.0, WIDTH_MM - 300.0), bulk
        ),  # in the bulkhead's insulation
    )
