"""Made things: engines, pumps, sets, castings, appliances, electronics, furniture, cars and motorcycles."""

import math

from xraybench.simulate.cargo import rounds
from xraybench.simulate.cargo.frame import Build, Space, minus, plus, sag
from xraybench.simulate.cargo.stacks import crated
from xraybench.simulate.dice import Dice
from xraybench.simulate.parts import yaw

# made things --------------------------------------------------------------------------------------------------------


def engine(p: Build, dice: Dice, room: Space) -> list[Space]:
    """An engine with gearbox: block with bores, pistons, crank, head, sump, flywheel, manifolds."""
    x, y, z = room.size
    long, tall, deep = min(x, 1500.0), min(y, 1250.0), min(z, 900.0)
    x0, y0, zm = room.middle[0] - long / 2, room.low[1], room.middle[2]
    n = dice.pick((4, 4, 6))
    block = (0.62 * long, 0.42 * tall)
    bx, by = x0 + 0.05 * long, y0 + 0.22 * tall
    za, zb = zm - deep * 0.32, zm + deep * 0.32
    row = p.block("cast_iron", (bx, by, za), (bx + block[0], by + block[1], zb), fill=0.28)
    step = block[0] / n
    for i in range(n):
        xm = bx + (i + 0.5) * step
        bore = Space(
            (xm - 0.33 * step, by + 0.3 * block[1], zm - 0.33 * step),
            (xm + 0.33 * step, by + block[1] - 2, zm + 0.33 * step),
        )
        hole = p.round("", bore, "y", inside=row)
        top = bore.low[1] + dice.between(0.2, 0.7) * bore.size[1]
        p.round(
            "aluminium",
            Space(plus(bore.low, (4, 0, 4)), minus(bore.high, (4, 0, 4))).above(top - 50).up_to(top),
            "y",
            fill=0.8,
        )
        p.block("steel", (xm - 14, by + 0.1 * block[1], zm - 16), (xm + 14, top - 50, zm + 16), fill=0.6)
        assert hole > row
    p.block("aluminium", (bx, by + block[1], za + 20), (bx + block[0], by + block[1] + 0.14 * tall, zb - 20), fill=0.62)
    p.block(
        "aluminium",
        (bx + 20, by + block[1] + 0.14 * tall, za + 60),
        (bx + block[0] - 20, by + block[1] + 0.21 * tall, zb - 60),
        fill=0.25,
    )
    sump = [
        (bx + 0.1 * block[0], y0 + 0.05 * tall),
        (bx + 0.7 * block[0], y0 + 0.05 * tall),
        (bx + block[0], by),
        (bx, by),
    ]
    p.prism("steel", sump, za + 40, zb - 40, fill=0.12)
    p.rod(
        "steel",
        (bx + block[0] / 2, by + 0.1 * block[1], zm),
        0.13 * tall,
        block[0] * 1.1,
        axis="x",
        inside=-1,
        fill=0.6,
    )
    p.rod(
        "steel", (bx + block[0] + 0.035 * long, by + 0.1 * block[1], zm), 0.38 * tall, 0.05 * long, axis="x", fill=0.9
    )
    gear = [
        (bx + block[0] + 0.065 * long, by - 0.08 * tall), (x0 + 0.98 * long, by + 0.0 * tall),
        (x0 + 0.98 * long, by + 0.16 * tall), (bx + block[0] + 0.065 * long, by + 0.32 * tall),
    ]  # fmt: skip
    case = p.prism("aluminium", gear, zm - 0.2 * deep, zm + 0.2 * deep)
    gx = bx + block[0] + 0.09 * long
    p.block(
        "",
        (gx, by + 0.03 * tall, zm - 0.17 * deep),
        (x0 + 0.95 * long, by + 0.14 * tall, zm + 0.17 * deep),
        inside=case,
    )
    for k in range(3):
        p.rod(
            "steel",
            (gx + 0.04 * long + 0.07 * long * k, by + 0.085 * tall, zm),
            0.10 * tall,
            0.045 * long,
            axis="x",
            fill=0.9,
        )
    for k in range(2):
        p.rod(
            "steel",
            (bx - 0.025 * long, by + (0.15 + 0.5 * k) * block[1], zm + 40 * k),
            (0.17 - 0.05 * k) * tall,
            24.0,
            axis="x",
            fill=0.7,
        )
    for i in range(n):
        xm = bx + (i + 0.5) * step
        p.wire(
            "steel",
            (xm, by + 0.9 * block[1], zb + 4),
            (bx + 0.5 * block[0], by + 0.6 * block[1], zb + 120),
            44.0,
            fill=0.25,
        )
    p.rod(
        "copper",
        (bx + 0.25 * block[0], by + 0.35 * block[1], zb + 0.16 * deep * 0.5 + 30),
        0.14 * tall,
        150.0,
        axis="x",
        fill=0.5,
    )
    for xm in (bx + 0.1 * block[0], x0 + 0.8 * long):
        p.block("wood", (xm, y0, zm - deep / 2), (xm + 90, y0 + 0.05 * tall, zm + deep / 2))
    under = Space(
        (x0 + 0.72 * long, y0 + 0.055 * tall, zm - 0.4 * deep), (x0 + 0.97 * long, by - 0.09 * tall, zm + 0.4 * deep)
    )
    on = Space((bx, y0 + 0.86 * tall, zm - 0.3 * deep), (bx + block[0], room.high[1], zm + 0.3 * deep))
    return [on, under] if on.size[1] > 160.0 else [under]


def pump(p: Build, dice: Dice, room: Space) -> list[Space]:
    """A pump with its motor on a base frame: finned motor, coupling, volute, flanges."""
    x, y, z = room.size
    long, zm = min(x, 1700.0), room.middle[2]
    d = min(0.55 * y, 0.6 * z, 0.36 * long, 620.0)
    x0, y0 = room.middle[0] - long / 2, room.low[1]
    ym = y0 + 130.0 + d / 2
    p.block("steel", (x0, y0, zm - 0.4 * d), (x0 + long, y0 + 110.0, zm + 0.4 * d), fill=0.22)
    motor = p.rod("steel", (x0 + 0.26 * long, ym, zm), d, 0.42 * long, axis="x", fill=0.8)
    p.rod("", (x0 + 0.26 * long, ym, zm), 0.86 * d, 0.38 * long, axis="x", inside=motor)
    wind = p.rod("copper", (x0 + 0.26 * long, ym, zm), 0.84 * d, 0.30 * long, axis="x", fill=0.45)
    p.rod("steel", (x0 + 0.26 * long, ym, zm), 0.5 * d, 0.28 * long, axis="x", inside=wind, fill=0.95)
    for k in range(7):
        xm = x0 + (0.08 + 0.06 * k) * long
        p.rod("steel", (xm, ym, zm), 1.1 * d, 12.0, axis="x", fill=0.3)
    p.block(
        "aluminium",
        (x0 + 0.18 * long, ym + 0.55 * d, zm - 90),
        (x0 + 0.32 * long, ym + 0.55 * d + 120, zm + 90),
        fill=0.5,
    )
    p.rod("steel", (x0 + 0.55 * long, ym, zm), 70.0, 0.2 * long, axis="x")
    p.rod("steel", (x0 + 0.56 * long, ym, zm), 0.35 * d, 90.0, axis="x", fill=0.8)
    volute = p.rod("steel", (x0 + 0.8 * long, ym, zm), 1.05 * d, 0.45 * d)
    p.rod("", (x0 + 0.8 * long, ym, zm), 0.82 * d, 0.34 * d, inside=volute)
    p.rod("bronze", (x0 + 0.8 * long, ym, zm), 0.6 * d, 0.22 * d, fill=0.6)
    pipe = p.rod("steel", (x0 + 0.9 * long, ym + 0.75 * d, zm), 0.36 * d, 0.6 * d, axis="y")
    p.rod("", (x0 + 0.9 * long, ym + 0.75 * d, zm), 0.28 * d, 0.6 * d, axis="y", inside=pipe)
    p.rod("steel", (x0 + 0.9 * long, ym + 1.05 * d, zm), 0.6 * d, 40.0, axis="y", fill=0.9)
    p.rod("steel", (x0 + 0.97 * long, ym, zm), 0.55 * d, 40.0, axis="x", fill=0.9)
    return [Space((x0, room.low[1], zm + 0.6 * d), (x0 + 0.9 * long, y0 + 480.0, room.high[2] - 10))]


def genset(p: Build, dice: Dice, room: Space) -> list[Space]:
    """A generating set: engine, alternator, radiator and tank under a canopy."""
    low = room.up_to(room.low[1] + min(room.size[1], 1300.0))
    x0, x1 = low.low[0], low.high[0]
    p.block("steel", (x0, low.low[1], low.low[2]), (x1, low.low[1] + 160, low.high[2]), fill=0.06)
    p.block(
        "diesel", (x0 + 200, low.low[1] + 20, low.low[2] + 60), (x1 - 200, low.low[1] + 140, low.high[2] - 60), fill=0.5
    )
    cut = x0 + 0.62 * (x1 - x0)
    hosts = engine(p, dice, low.along(x0 + 0.1 * (x1 - x0), cut).above(low.low[1] + 165))
    ym, zm = low.low[1] + 0.45 * low.size[1], low.middle[2]
    d = 0.5 * low.size[1]
    alt = p.rod("steel", (0.5 * (cut + x1) - 40, ym, zm), d, 0.7 * (x1 - cut), axis="x", fill=0.85)
    p.rod("", (0.5 * (cut + x1) - 40, ym, zm), 0.88 * d, 0.66 * (x1 - cut), axis="x", inside=alt)
    wind = p.rod("copper", (0.5 * (cut + x1) - 40, ym, zm), 0.85 * d, 0.5 * (x1 - cut), axis="x", fill=0.5)
    p.rod("steel", (0.5 * (cut + x1) - 40, ym, zm), 0.45 * d, 0.5 * (x1 - cut), axis="x", inside=wind)
    p.block(
        "copper",
        (x0 + 20, low.low[1] + 200, low.low[2] + 120),
        (x0 + 80, low.high[1] - 100, low.high[2] - 120),
        fill=0.09,
    )
    p.block(
        "water",
        (x0 + 20, low.high[1] - 100, low.low[2] + 120),
        (x0 + 80, low.high[1] - 50, low.high[2] - 120),
        fill=0.7,
    )
    for x in (x0, x1 - 3):
        p.block("steel", (x, low.low[1] + 160, low.low[2]), (x + 3, low.high[1], low.high[2]))
    p.block("steel", (x0 + 3, low.high[1] - 3, low.low[2]), (x1 - 3, low.high[1], low.high[2]))
    return hosts


def machine_parts(p: Build, dice: Dice, room: Space) -> list[Space]:
    """Castings, shafts, gears and flanges, each on its own spot, on a pallet or in a crate."""
    n = max(2, int(room.size[0] // 330.0))
    step = room.size[0] / n
    for i in range(n):
        xm, zm = room.low[0] + (i + 0.5) * step, room.middle[2] + dice.between(-0.15, 0.15) * room.size[2]
        d = min(step * 0.86, 0.8 * room.size[1], 0.7 * room.size[2])
        style = dice.whole(0, 3)
        if style == 0:  # a gear lying
            row = p.rod("steel", (xm, room.low[1] + 60, zm), d, 110.0, axis="y")
            p.rod("", (xm, room.low[1] + 60, zm), 0.35 * d, 110.0, axis="y", inside=row)
            p.rod("steel", (xm, room.low[1] + 190, zm), 0.7 * d, 130.0, axis="y", fill=0.8)
        elif style == 1:  # a wheel on edge
            row = p.rod("steel", (xm, room.low[1] + d / 2, zm), d, 90.0)
            p.rod("", (xm, room.low[1] + d / 2, zm), 0.72 * d, 90.0, inside=row)
            p.rod("steel", (xm, room.low[1] + d / 2, zm), 0.25 * d, 120.0)
            for k in range(3):
                p.box(
                    "steel",
                    (xm, room.low[1] + d / 2, zm),
                    (0.7 * d, 0.09 * d, 40.0),
                    turn=yaw(math.pi * k / 3),
                    fill=0.7,
                )
        elif style == 2:  # a housing
            row = p.block(
                "steel", (xm - d / 2, room.low[1], zm - d / 2), (xm + d / 2, room.low[1] + 0.8 * d, zm + d / 2)
            )
            p.block(
                "",
                (xm - 0.42 * d, room.low[1] + 20, zm - 0.42 * d),
                (xm + 0.42 * d, room.low[1] + 0.72 * d, zm + 0.42 * d),
                inside=row,
            )
            p.rod("steel", (xm, room.low[1] + 0.9 * d, zm), 0.3 * d, 0.2 * d, axis="y")
        else:  # shafts across
            for k in range(3):
                p.rod("steel", (xm + (k - 1) * 0.3 * d, room.low[1] + 45, room.middle[2]), 80.0, 0.8 * room.size[2])
    top = room.low[1] + 0.85 * min(step, room.size[1]) + 60
    if room.high[1] - top > 140:  # a board, and room on it
        p.block("plywood", (room.low[0], top - 14, room.low[2]), (room.high[0], top - 2, room.high[2]))
        for x in (room.low[0], room.high[0] - 14):
            p.block("plywood", (x, room.low[1], room.low[2]), (x + 14, top - 14, room.high[2]))
        return [
            Space((room.low[0] + 20, top, room.low[2] + 30), (room.high[0] - 20, room.high[1] - 10, room.high[2] - 30))
        ]
    return []


def washers(p: Build, dice: Dice, bay: Space) -> list[Space]:
    """Washing machines in cartons: drum, motor, concrete weight, springs and lid."""
    hosts = []
    (nx, ny, nz), (dx, _, dz) = bay.grid((min(640.0, bay.size[0]), min(870.0, bay.size[1]), min(620.0, bay.size[2])))
    for j in range(ny):
        for i in range(nx):
            x0, y0 = bay.low[0] + i * dx + 16, bay.low[1] + 880.0 * j
            x1, y1 = x0 + dx - 32, y0 + 850.0
            xm, z0, z1 = 0.5 * (x0 + x1), bay.low[2] + 10, bay.low[2] + nz * dz - 10
            for x in (x0, x1 - 4):
                p.block("steel", (x, y0 + 40, z0), (x + 4, y1, z1), fill=0.25)
            p.block("foam", (x0, y0, z0), (x1, y0 + 40, z1), fill=0.9)
            p.block("wood", (x0, y1 - 24, z0), (x1, y1, z1), fill=0.9)
            ym, d = y0 + 440.0, 470.0
            # machines behind one another: drums on a common axis
            tub = p.rod("polypropylene", (xm, ym, 0.5 * (z0 + z1)), d + 40, (z1 - z0) * 0.62, fill=1.0)
            p.rod("", (xm, ym, 0.5 * (z0 + z1)), d + 22, (z1 - z0) * 0.60, inside=tub)
            drum = p.rod("stainless", (xm, ym, 0.5 * (z0 + z1)), d, (z1 - z0) * 0.55, fill=0.8)
            p.rod("", (xm, ym, 0.5 * (z0 + z1)), d - 3, (z1 - z0) * 0.55, inside=drum)
            p.block(
                "concrete",
                (xm - 180, y1 - 150, z0 + 0.2 * (z1 - z0)),
                (xm + 180, y1 - 70, z1 - 0.2 * (z1 - z0)),
                fill=0.6,
            )
            p.block(
                "concrete",
                (x0 + 40, y0 + 70, z0 + 0.3 * (z1 - z0)),
                (x0 + 180, y0 + 170, z1 - 0.3 * (z1 - z0)),
                fill=0.5,
            )
            p.rod("copper", (x1 - 130, y0 + 130, 0.5 * (z0 + z1)), 130.0, 0.3 * (z1 - z0), fill=0.45)
            hosts.append(
                Space((xm - 150, ym - 150, z0 + 0.24 * (z1 - z0)), (xm + 150, ym + 150, z1 - 0.24 * (z1 - z0)))
            )
    return hosts


def fridges(p: Build, dice: Dice, bay: Space) -> list[Space]:
    """Refrigerators standing: foam walls, shelves, compressor at the foot, condenser at the back."""
    hosts = []
    tall = min(dice.between(1500.0, 1900.0), bay.size[1])
    (nx, _, nz), (dx, _, dz) = bay.grid((min(660.0, bay.size[0]), tall, min(690.0, bay.size[2])))
    for i in range(nx):
        x0, y0 = bay.low[0] + i * dx + 14, bay.low[1]
        x1, y1, z0, z1 = x0 + dx - 28, y0 + tall, bay.low[2] + 10, bay.low[2] + nz * dz - 10
        body = p.block("foam", (x0, y0 + 40, z0), (x1, y1, z1), fill=1.3)
        p.block("", (x0 + 55, y0 + 260, z0 + 50), (x1 - 55, y1 - 520, z1 - 50), inside=body)
        p.block("", (x0 + 55, y1 - 460, z0 + 50), (x1 - 55, y1 - 50, z1 - 50), inside=body)
        for x in (x0, x1 - 2):
            p.block("steel", (x, y0 + 40, z0), (x + 2, y1, z1), fill=0.35, inside=body)
        p.block("", (x0 + 60, y0 + 42, z0), (x1 - 60, y0 + 235, z1), inside=body)
        comp = Space((x1 - 290, y0 + 60, z0 + 0.15 * (z1 - z0)), (x1 - 110, y0 + 230, z1 - 0.15 * (z1 - z0)))
        p.round("steel", comp, "z", fill=0.3)
        for k in range(3):
            y = y0 + 420 + 0.2 * (tall - 900) * k * 1.4
            p.block("glass", (x0 + 60, y, z0 + 60), (x1 - 60, y + 5, z1 - 60), fill=0.8)
        hosts.append(Space((x0 + 70, y0 + 430 + 1, z0 + 80), (x1 - 70, y0 + 410 + 0.28 * (tall - 900), z1 - 80)))
    return hosts


def electronics(p: Build, dice: Dice, bay: Space) -> list[Space]:
    """Cartons with devices: moulded foam or pulp, boards, screens and power supplies."""
    hosts = []
    flat = dice.chance(0.5)
    one = (dice.between(160, 220), dice.between(650, 900)) if flat else (dice.between(380, 560), dice.between(260, 420))
    (nx, ny, _), (dx, dy, _) = bay.grid((min(one[0], bay.size[0]), min(one[1], bay.size[1]), bay.size[2]), gap=4.0)
    dense = dice.between(0.8, 1.4)
    for j in range(ny):
        for i in range(nx):
            x0, y0 = bay.low[0] + i * dx, bay.low[1] + j * dy
            x1, y1, z0, z1 = x0 + dx - 6, y0 + dy - 6, bay.low[2] + 5, bay.high[2] - 5
            box = p.block("cardboard", (x0, y0, z0), (x1, y1, z1), fill=0.10)
            c = 0.2 * (x1 - x0)
            p.block("abs", (x0 + c, y0 + 40, z0 + 20), (x1 - c, y1 - 90, z1 - 20), fill=0.16 * dense, inside=box)
            row = len(p) - 1
            xm = x0 + c + dice.between(0.3, 0.6) * (x1 - x0 - 2 * c)
            p.block("pcb", (xm, y0 + 70, z0 + 40), (xm + 6, y1 - 110, z1 - 40), fill=0.45 * dense, inside=row)
            p.block(
                "copper",
                (x0 + c + 4, y0 + 60, z0 + 40),
                (min(x0 + c + 50, xm - 3), y0 + 130, z1 - 40),
                fill=0.10 * dense,
                inside=row,
            )
            p.block(
                "aluminium",
                (max(x1 - c - 40, xm + 9), y0 + 0.4 * dy, z0 + 40),
                (x1 - c - 12, min(y0 + 0.7 * dy, y1 - 96), z1 - 40),
                fill=0.16,
                inside=row,
            )
            hosts.append(Space((x0 + 4, y1 - 86, z0 + 4), (x1 - 4, y1 - 4, z1 - 4), box))  # the tray of accessories
            if c > 50:
                hosts.append(Space((x0 + 6, y0 + 42, z0 + 20), (x0 + c - 4, y1 - 92, z1 - 20), box))
    return hosts


def furniture(p: Build, dice: Dice, bay: Space) -> list[Space]:
    """Chairs in stacks, sofas, cabinets and flat packs, one kind after another."""
    hosts, x = [], bay.low[0]
    kinds = (_sofa, _cabinets, _tables, _flat_pack)
    while bay.high[0] - x > 700.0:
        long = min(dice.between(900.0, 1900.0), bay.high[0] - x)
        hosts += dice.pick(kinds)(p, dice, bay.along(x + 10, x + long - 10))
        x += long
    return hosts


def _sofa(p: Build, dice: Dice, bay: Space) -> list[Space]:
    """Sofas, one on the other: wooden frame, springs, cushions of foam."""
    hosts = []
    n = max(1, min(int(bay.size[1] // 880.0), 2))
    for j in range(n):
        (x0, _, z0), (x1, _, z1) = bay.low, bay.high
        y0 = bay.low[1] + 890.0 * j
        p.block("wood", (x0, y0 + 120, z0 + 60), (x1, y0 + 170, z1 - 60), fill=0.5)
        for x in (x0, x1 - 60):
            p.block("wood", (x, y0, z0 + 60), (x + 60, y0 + 600, z1 - 60), fill=0.25)
            p.block("foam", (x, y0 + 600, z0 + 60), (x + 60, y0 + 660, z1 - 60), fill=1.2)
        k = max(2, int((x1 - x0 - 120) // 620))
        step = (x1 - x0 - 120) / k
        for i in range(k):
            a = x0 + 60 + i * step
            sag(p, "foam", Space((a + 6, y0 + 290, z0 + 80), (a + step - 6, y0 + 450, z1 - 80)), fill=1.1)
            sag(p, "foam", Space((a + 6, y0 + 460, z0 + 80), (a + step - 6, y0 + 850, z1 - 80)), fill=0.5)
            for m in range(6):
                xs = a + 40 + m * (step - 80) / 5
                p.rod("steel", (xs, y0 + 225, bay.middle[2]), 46.0, 100.0, axis="y", fill=0.06)
        hosts.append(Space((x0 + 70, y0 + 176, z0 + 100), (x1 - 70, y0 + 282, z1 - 100)))
    return [] if not hosts else hosts[-1:]


def _cabinets(p: Build, dice: Dice, bay: Space) -> list[Space]:
    """Cabinets of chipboard with shelves, doors and handles."""
    hosts = []
    n = max(1, int(bay.size[0] // 620.0))
    step, tall = bay.size[0] / n, bay.size[1] * dice.between(0.65, 0.95)
    for i in range(n):
        x0, y0 = bay.low[0] + i * step + 8, bay.low[1]
        x1, z0, z1 = x0 + step - 16, bay.low[2] + 20, bay.high[2] - 20
        for x in (x0, x1 - 18):
            p.block("wood", (x, y0, z0), (x + 18, y0 + tall, z1), fill=1.1)
        k = dice.whole(3, 5)
        for m in range(k + 1):
            y = y0 + m * (tall - 18) / k
            p.block("wood", (x0 + 18, y, z0), (x1 - 18, y + 18, z1), fill=1.1)
        p.block("wood", (x0 + 18, y0 + 18, z1 - 16), (x1 - 18, y0 + tall - 18, z1), fill=0.6)
        p.rod("zamak", (x1 - 60, y0 + 0.55 * tall, z0 + 4), 16.0, 160.0, axis="y")
        hosts.append(Space((x0 + 24, y0 + 24, z0 + 30), (x1 - 24, y0 + (tall - 18) / k - 6, z1 - 30)))
    return hosts


def _tables(p: Build, dice: Dice, bay: Space) -> list[Space]:
    """Tables and chairs: tops, legs and steel frames, upside down on one another."""
    y, hosts = bay.low[1], []
    z0, z1 = bay.low[2] + 60, bay.high[2] - 60
    while bay.high[1] - y > 500.0:
        high = dice.between(380.0, 480.0)
        material, thick, fill = dice.pick((("wood", 40.0, 1.0), ("steel", 25.0, 0.2)))
        p.block("wood", (bay.low[0], y, z0), (bay.high[0], y + 30, z1))
        n = dice.whole(2, 4)
        step = (bay.size[0] - 60 - thick) / (n - 1)
        for i in range(n):
            x = bay.low[0] + 30 + i * step
            for z in (z0 + 20, z1 - 60):
                p.block(material, (x, y + 30, z), (x + thick, y + high, z + thick), fill=fill)
        x = bay.low[0] + 30 + thick
        hosts.append(Space((x + 10, y + 34, z0 + 100), (x + step - thick - 10, y + high - 10, z1 - 100)))
        y += high + 4
    return hosts[:1]


def _flat_pack(p: Build, dice: Dice, bay: Space) -> list[Space]:
    """Boards packed flat in long cartons, a bag of fittings in some."""
    hosts = []
    n = max(2, int(bay.size[1] * dice.between(0.6, 0.9) // 150.0))
    for j in range(n):
        y = bay.low[1] + 150.0 * j
        box = p.block("cardboard", (bay.low[0], y, bay.low[2]), (bay.high[0], y + 144, bay.high[2]), fill=0.25)
        low, high = (bay.low[0] + 20, y + 14, bay.low[2] + 20), (bay.high[0] - 20, y + 126, bay.high[2] - 20)
        row = p.block("wood", low, high, fill=dice.between(0.9, 1.1), inside=box)
        hosts.append(Space(plus(low, (30, 10, 30)), minus(high, (30, 10, 30)), row))
    return hosts


def cars(p: Build, dice: Dice, bay: Space) -> list[Space]:
    """A motor car lashed down, with parts beside it where the bay is long."""
    from xraybench.simulate.cargo import vehicle

    if bay.size[0] < 3300.0:
        return crated(engine)(p, dice, bay)
    long = min(dice.between(3700.0, 4600.0), bay.size[0] - 40.0)
    deep = min(1720.0, bay.size[2] - 120.0)
    x0 = bay.low[0] + 0.5 * (bay.size[0] - long) * dice.unit()
    place = Space(
        (x0, bay.low[1], bay.middle[2] - deep / 2), (x0 + long, bay.low[1] + 1480.0, bay.middle[2] + deep / 2)
    )
    room = vehicle.car(p, dice, place)
    hosts = [s for name in ("boot", "cabin") for s in room[name]]
    rest = bay.along(place.high[0] + 30, bay.high[0])
    if rest.size[0] > 700:
        hosts += rounds.tyres(p, dice, rest.up_to(bay.low[1] + 1400.0))
    return hosts


def motorcycles(p: Build, dice: Dice, bay: Space) -> list[Space]:
    """Motorcycles in steel frames, side by side along the beam: wheels, frame, engine, tank, saddle."""
    hosts = []
    n = max(1, int(bay.size[0] // 1950.0))
    step = bay.size[0] / n
    for i in range(n):
        x0, y0, zm = bay.low[0] + i * step + 20, bay.low[1] + 60, bay.middle[2]
        long, wide = min(step - 40, 2050.0), dice.whole(2, 4) * 130.0
        r = 0.155 * long
        for xm in (x0 + r, x0 + long - r):
            tyre = p.rod("rubber", (xm, y0 + r, zm), 2 * r, wide)
            p.rod("", (xm, y0 + r, zm), 1.62 * r, wide, inside=tyre)
            rim = p.rod("aluminium", (xm, y0 + r, zm), 1.6 * r, wide * 0.7, fill=0.6)
            p.rod("", (xm, y0 + r, zm), 1.3 * r, wide * 0.7, inside=rim)
            p.rod("steel", (xm, y0 + r, zm), 0.5 * r, wide * 0.15)
            for k in range(3):
                p.box(
                    "aluminium",
                    (xm, y0 + r, zm),
                    (1.3 * r, 24.0, wide * 0.3),
                    turn=yaw(math.pi * k / 3 + 0.3),
                    fill=0.6,
                )
        body = p.block(
            "aluminium",
            (x0 + 0.38 * long, y0 + 0.7 * r, zm - 0.4 * wide),
            (x0 + 0.6 * long, y0 + 1.9 * r, zm + 0.4 * wide),
            fill=0.55,
        )
        p.rod("", (x0 + 0.45 * long, y0 + 1.5 * r, zm), 0.4 * r, 0.5 * wide, inside=body)
        p.rod("steel", (x0 + 0.53 * long, y0 + 1.05 * r, zm), 0.5 * r, 0.5 * wide, inside=body, fill=0.8)
        tank = p.ball("steel", (x0 + 0.45 * long, y0 + 2.6 * r, zm), (0.28 * long, 0.9 * r, 0.5 * wide))
        p.ball("oil", (x0 + 0.45 * long, y0 + 2.6 * r, zm), (0.27 * long, 0.86 * r, 0.48 * wide), inside=tank, fill=0.2)
        p.block(
            "foam",
            (x0 + 0.55 * long, y0 + 2.3 * r, zm - 0.3 * wide),
            (x0 + 0.85 * long, y0 + 2.55 * r, zm + 0.3 * wide),
            fill=2.0,
        )
        for a, b in (
            ((0.30, 2.7), (0.155, 1.0)),
            ((0.33, 2.5), (0.58, 0.8)),
            ((0.58, 0.8), (0.845, 1.0)),
            ((0.56, 2.3), (0.80, 1.1)),
        ):
            p.wire(
                "steel", (x0 + a[0] * long, y0 + a[1] * r, zm), (x0 + b[0] * long, y0 + b[1] * r, zm), 42.0, fill=0.8
            )
        p.wire(
            "steel",
            (x0 + 0.5 * long, y0 + 0.5 * r, zm + 40),
            (x0 + 0.92 * long, y0 + 0.75 * r, zm + 40),
            80.0,
            fill=0.12,
        )
        for x in (x0, x0 + long - 30):
            p.block("steel", (x, y0 - 60, zm - wide), (x + 30, y0 + 3.4 * r, zm - wide + 30), fill=0.3)
            p.block("steel", (x, y0 - 60, zm + wide - 30), (x + 30, y0 + 3.4 * r, zm + wide), fill=0.3)
        p.block("steel", (x0, y0 - 60, zm - wide), (x0 + long, y0 - 30, zm + wide), fill=0.06)
        hosts.append(
            Space((x0 + 0.62 * long, y0 + 2.6 * r, zm - 0.4 * wide), (x0 + 0.95 * long, y0 + 3.3 * r, zm + 0.4 * wide))
        )
    return hosts
