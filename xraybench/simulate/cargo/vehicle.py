"""Motor vehicles seen from the side: body, engine and gearbox, axles, seats, tank, luggage, and places to hide things.

The body comes from `bodywork`. Free proportions, no product. A lorry does not fit the portal's field, so there is none.
"""

import math
from itertools import pairwise

from xraybench.simulate.cargo import bodywork, made, stacks
from xraybench.simulate.cargo.bodywork import Body
from xraybench.simulate.cargo.frame import Build, Space, Vec, arc, sag
from xraybench.simulate.dice import Dice
from xraybench.simulate.parts import FOLDS, yaw

CARS = ("saloon", "hatchback", "estate")
Places = dict[str, tuple[Space, ...]]

_TANK_ROUND = 60.0  # mm


def car(p: Build, dice: Dice, place: Space, *, style: str = "") -> Places:
    """A car in a place of its own size, its nose at low x; returns where something can be put, by name."""
    style = style or dice.pick(CARS)
    long, tall, _ = place.size
    radius = min(dice.between(0.205, 0.225) * tall, 330.0) if style != "van" else dice.between(300.0, 330.0)
    x0 = place.low[0]
    axles = (x0 + dice.between(0.165, 0.185) * long, x0 + dice.between(0.775, 0.80) * long)
    body = Body(style, place, radius, axles)
    bodywork.shell(p, body)
    for is_far in (False, True):
        bodywork.side(p, body, is_far=is_far)
    bodywork.ends(p, body)
    _engine_bay(p, dice, body)
    _underneath(p, dice, body)
    bodywork.wheels(p, dice, body)
    seat, dashboard = _cabin(p, body)
    return _places(body, seat, dashboard)


def _engine_bay(p: Build, dice: Dice, body: Body) -> None:
    """Engine and gearbox across the car, radiator with fan, battery, struts, hoses."""
    axle, r, x0, x1 = body.axles[0], body.radius, body.x(0.03), body.x(0.26)
    y0, z0, deep = body.place.low[1], body.place.low[2], body.place.size[2]
    zm = z0 + 0.46 * deep
    wide = 0.30 * deep  # half of the engine with its gearbox, along the beam
    base = y0 + 0.75 * r
    cast = dice.pick((("cast_iron", 0.17), ("aluminium", 0.42)))
    block = [
        (axle - 170, base + 120), (axle - 120, base + 60), (axle + 110, base + 60), (axle + 150, base + 110),
        (axle + 150, base + 320), (axle - 125, base + 375),
    ]  # fmt: skip
    row = p.prism(cast[0], block, zm - wide, zm + 0.35 * wide, fill=cast[1])
    n = 4
    for k in range(n):  # bores one behind the other along the beam
        z = zm - wide + (k + 0.5) * 1.25 * wide / n
        p.rod("", (axle - 20, base + 265, z), 76.0, 120.0, axis="y", inside=row)
    head = [
        (axle - 125, base + 380), (axle + 150, base + 325), (axle + 164, base + 395), (axle + 140, base + 428),
        (axle - 80, base + 474), (axle - 112, base + 452),
    ]  # fmt: skip
    p.prism("aluminium", head, zm - wide, zm + 0.3 * wide, fill=0.5)
    cover = (axle + 20, base + 480, zm - 0.35 * wide)
    p.rounded("polymer_filled", cover, (240.0, 46.0, 1.25 * wide), 22.0, fill=0.3, turn=yaw(-0.2))
    for k in range(4):  # intake runners, bent from the head to a plenum; exhaust pipes on the other side
        z = zm - wide + (k + 0.5) * 1.25 * wide / 4
        bend = arc(axle + 165, base + 470, 105.0, -1.5, 1.4, 6)
        for (ax, ay), (bx, by) in pairwise(bend):
            p.wire("polymer_filled", (ax, ay, z), (bx, by, z), 44.0, fill=0.4)
        for (ax, ay), (bx, by) in pairwise(arc(axle - 130, base + 300, 90.0, 1.7, 3.7, 5)):
            p.wire("cast_iron", (ax, ay, z), (bx, by, z + 12), 40.0, fill=0.28)
    p.rod("polymer_filled", (axle + 180, base + 565, zm - 0.35 * wide), 90.0, 1.2 * wide, fill=0.18)
    p.rod("steel", (axle - 20, base + 140, zm - 0.3 * wide), 110.0, 1.2 * wide, fill=0.4, inside=row)
    for dx, dy, d in ((-20.0, 140.0, 165.0), (-120.0, 300.0, 120.0), (90.0, 400.0, 110.0), (110.0, 230.0, 90.0)):
        pulley = p.rod("steel", (axle + dx, base + dy, zm - wide - 25), d, 30.0)
        p.rod("", (axle + dx, base + dy, zm - wide - 25), 0.7 * d, 22.0, inside=pulley)
    p.rod("copper", (axle - 120, base + 300, zm - wide + 40 - 70), 100.0, 60.0, fill=0.45)  # alternator
    p.rod("steel", (axle - 200, base + 120, zm - 0.2 * wide), 86.0, 120.0, axis="x", fill=0.16)  # oil filter
    p.ball("cast_iron", (axle - 215, base + 250, zm), (130.0, 140.0, 110.0), fill=0.3)  # turbine
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


def _cabin(p: Build, body: Body) -> tuple[Space, int]:
    """Dashboard, steering wheel, seats, handbrake; returns the room in the first seat, and the dashboard's row."""
    z0, (_, tall, deep), floor = body.place.low[2], body.place.size, body.sill + 4.0
    dash = body.x(0.30)
    dashboard = p.rounded(
        "abs",
        (dash + 95, floor + 0.34 * tall, z0 + 0.5 * deep),
        (270.0, 0.12 * tall, deep - 240.0),
        0.05 * tall,
        cuts=3,
        fill=0.22,
    )
    for z in (z0 + 0.22 * deep, z0 + 0.5 * deep):  # instruments, a screen
        p.rounded("polymer_filled", (dash + 200, floor + 0.40 * tall, z), (110.0, 90.0, 260.0), 40.0, fill=0.16)
    p.wire("copper", (dash - 20, floor + 0.27 * tall, z0 + 0.4 * deep), (dash + 210, floor + 0.29 * tall, z0 + 0.6 * deep),
           30.0, fill=0.3)  # fmt: skip
    p.rod("aluminium", (dash + 20, floor + 0.2 * tall, z0 + 0.6 * deep), 190.0, 150.0, fill=0.06)  # blower
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
            p.rounded("foam", mid, (130.0, 570.0, zb - za), 60.0, cuts=3, turn=yaw(-lean), fill=1.8)
            p.box("steel", (mid[0] + 30, mid[1], mid[2]), (14.0, 540.0, zb - za - 40), turn=yaw(-lean), fill=0.05)
            for z in (za + 50, zb - 50):  # tubes of the frame, posts of the headrest
                p.box("steel", (mid[0] + 26, mid[1] + 20, z), (26.0, 560.0, 26.0), turn=yaw(-lean), fill=0.3)
                inward = z + (0.3 if z == za + 50 else -0.3) * (zb - za)
                p.box(
                    "steel", (mid[0] + 320 * math.sin(lean), mid[1] + 330, inward), (12.0, 150.0, 12.0), turn=yaw(-lean)
                )
            for k in range(4):  # wire springs
                p.box("steel", (mid[0] - 6, mid[1] - 180 + 100 * k, mid[2]), (8.0, 8.0, zb - za - 100), turn=yaw(-lean))
            p.ball(
                "foam",
                (mid[0] + 330 * math.sin(lean) + 20, mid[1] + 350, mid[2]),
                (120.0, 200.0, min(zb - za, 800.0) * 0.5),
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
    level = low[1] + (high[1] - low[1]) * dice.between(0.72, 0.95)
    inner = (low[0] + 5, low[1] + 5, low[2] + 5)
    middle, size = Space(low, high).middle, Space(low, high).size
    shell = p.rounded("polyethylene", middle, size, _TANK_ROUND, cuts=3)
    whole = (size[0] - 10, size[1] - 10, size[2] - 10)
    for stuff, sign in (("petrol", 1.0), ("", -1.0)):
        up_to = ((0.0, sign, 0.0, sign * (level - middle[1])),)
        p.rounded(stuff, middle, whole, _TANK_ROUND - 5, cuts=3, planes=up_to, inside=shell)
    row = len(p) - 2
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
        "boot": (Space((back, floor, zi + 114), (end - 40, y(shelf) - 10, zo - 114)),),  # between the wheel houses
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
        "roof": (Space((x(0.47), y(0.905), zi + 160), (x(0.66), y(0.945), zo - 160)),),
        "seat": (seat,),
        "tank": (Space((x(0.64), sill + 6, zi + 60), (x(0.745), sill + 170, zi + 60 + 0.52 * deep)),),
        "spare": (Space((under, spare, zm - wheel), (under + 2 * wheel, spare + 180.0, zm + wheel)),),
    }


def furnish(p: Build, dice: Dice, places: Places) -> tuple[Places, list[Space]]:
    """Tank, spare wheel and luggage; returns the hiding places, and the hosts in the luggage."""
    hide = {name: rooms for name, rooms in places.items() if name not in ("boot", "cabin")}
    tank = places["tank"][0]
    row, fuel = _tank(p, dice, tank.low, tank.high)
    inner = fuel.trimmed(0.3 * _TANK_ROUND)
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
        tall = min(boot.size[1] * dice.between(0.45, 0.95), dice.between(420.0, 760.0))
        z = boot.low[2] + dice.between(0.0, 0.12) * boot.size[2]
        place = Space((x + 6, boot.low[1], z), (x + long - 6, boot.low[1] + tall, boot.high[2] - dice.between(0, 80)))
        style = dice.whole(0, 3)
        if style == 0:
            inner = place.trimmed(4.0)
            radius = min(55.0, 0.2 * long)
            case = p.rounded("abs", place.middle, place.size, radius, cuts=3, fill=0.9)
            row = p.rounded("cotton", inner.middle, inner.size, radius - 4, cuts=3, fill=dice.between(0.35, 0.7),
                            texture=(FOLDS, 0.08), inside=case)  # fmt: skip
            for k in (0.3, 0.7):
                at = place.low[0] + k * place.size[0]
                p.rod("steel", (at, place.high[1] + 8, place.middle[2]), 10.0, 260.0, fill=0.5)
                low = (at - 8, place.low[1] + 20, place.low[2] - 9)
                p.block("aluminium", low, (at + 8, place.high[1] + 60, place.low[2] - 1))
            hosts.append(Space(inner.trimmed(0.3 * radius).low, inner.trimmed(0.3 * radius).high, row))
        elif style == 1:
            place = place.up_to(place.low[1] + min(tall, 0.85 * long, 420.0))
            row = sag(p, "cotton", place, bulge=1.25, fill=dice.between(0.35, 0.7), texture=(FOLDS, 0.09))
            for (ax, ay), (bx, by) in pairwise(arc(place.middle[0], place.high[1] - 30, 0.24 * long, 0.3, 2.84, 5)):
                p.wire("nylon", (ax, ay, place.low[2] + 60), (bx, by, place.low[2] + 60), 34.0, fill=0.7)
            p.rod("brass", (place.middle[0], place.high[1] - 4, place.middle[2]), 7.0, 0.8 * place.size[2], fill=0.5)
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
