"""Goods that are round: drums, tanks, rolls, coils, pipes, tyres."""

from xraybench.simulate.cargo.frame import Build, Space, minus, plus
from xraybench.simulate.cargo.stacks import Pattern, pallet
from xraybench.simulate.dice import Dice
from xraybench.simulate.parts import GRAIN

# round goods --------------------------------------------------------------------------------------------------------


def drums(liquid: str, fill: float, *, shell: str = "steel") -> Pattern:
    """200 litre drums with hoops, filled to somewhere below the lid; ranks of two to four behind one another."""

    def stand(p: Build, dice: Dice, bay: Space) -> list[Space]:
        hosts = []
        (nx, ny, nz), (dx, _, _) = bay.grid((min(590.0, bay.size[0]), 900.0, min(590.0, bay.size[2])))
        level = dice.between(0.86, 0.95)
        wall = 1.2 if shell == "steel" else 4.0
        for j in range(min(ny, 2)):
            for i in range(nx):
                xm, y0 = bay.low[0] + (i + 0.5) * dx, bay.low[1] + 905.0 * j
                z1 = bay.low[2] + nz * min(590.0, bay.size[2])
                place = Space((xm - 290, y0, bay.low[2]), (xm + 290, y0 + 880.0, z1))
                can = p.round(shell, place, "y")
                inner = Space(
                    (xm - 290 + wall, y0 + 20, bay.low[2] + wall * nz), (xm + 290 - wall, y0 + 870, z1 - wall * nz)
                )
                split = y0 + 20 + level * 850.0 * dice.between(0.97, 1.0)
                row = p.round(liquid, inner.up_to(split), "y", fill=fill, inside=can)
                p.round("", inner.above(split), "y", inside=can)
                for h in (290.0, 580.0, 866.0):
                    p.block(
                        shell,
                        (xm - 296, y0 + h, bay.low[2] + 0.3 * (z1 - bay.low[2])),
                        (xm - 290, y0 + h + 14, z1 - 0.3 * (z1 - bay.low[2])),
                    )
                    p.block(
                        shell,
                        (xm + 290, y0 + h, bay.low[2] + 0.3 * (z1 - bay.low[2])),
                        (xm + 296, y0 + h + 14, z1 - 0.3 * (z1 - bay.low[2])),
                    )
                half = 0.6 * 290.0
                quarter = 0.24 * (z1 - bay.low[2])
                hosts.append(
                    Space((xm - half, y0 + 60, bay.low[2] + quarter), (xm + half, split - 40, z1 - quarter), row)
                )
        return hosts

    return stand


def ibcs(liquid: str, fill: float) -> Pattern:
    """Square plastic tanks of a cubic metre in cages of tube on pallets, one or two high."""

    def stand(p: Build, dice: Dice, bay: Space) -> list[Space]:
        hosts = []
        (nx, ny, nz), (dx, _, dz) = bay.grid((min(1200.0, bay.size[0]), 1165.0, min(1000.0, bay.size[2])))
        for j in range(min(ny, dice.pick((1, 2)))):
            for i in range(nx):
                for k in range(nz):
                    x, y, z = bay.low[0] + i * dx, bay.low[1] + 1170.0 * j, bay.low[2] + k * dz
                    place = Space((x + 10, y, z + 5), (x + dx - 10, y + 1160.0, z + dz - 5))
                    hosts += _ibc(p, dice, place, liquid, fill)
        return hosts

    return stand


def _ibc(p: Build, dice: Dice, place: Space, liquid: str, fill: float) -> list[Space]:
    room = pallet(p, place.up_to(place.low[1] + 300.0)).low[1]
    (x0, _, z0), (x1, y1, z1) = place.low, place.high
    bottle = p.block("polyethylene", (x0 + 20, room, z0 + 20), (x1 - 20, y1 - 60, z1 - 20))
    level = room + (y1 - 66 - room) * dice.between(0.85, 0.97)
    row = p.block(liquid, (x0 + 24, room + 4, z0 + 24), (x1 - 24, level, z1 - 24), fill=fill, inside=bottle)
    p.block("", (x0 + 24, level, z0 + 24), (x1 - 24, y1 - 66, z1 - 24), inside=bottle)
    xm, zm = 0.5 * (x0 + x1), 0.5 * (z0 + z1)
    p.rod("polyethylene", (xm, y1 - 45, zm), 150.0, 30.0, axis="y")
    n = 5
    for k in range(n):
        x = x0 + 8 + k * (x1 - x0 - 16) / (n - 1)
        p.block("steel", (x - 8, room, z0), (x + 8, y1, z0 + 16), fill=0.5)
        p.block("steel", (x - 8, room, z1 - 16), (x + 8, y1, z1), fill=0.5)
        y = room + 40 + k * (y1 - room - 60) / (n - 1)
        for x in (x0, x1 - 16):
            p.block("steel", (x, y, z0 + 16), (x + 16, y + 16, z1 - 16), fill=0.25)
    return [Space((x0 + 60, room + 60, z0 + 60), (x1 - 60, level - 60, z1 - 60), row)]


def rolls(material: str, fill: tuple[float, float], *, sizes: tuple[float, float] = (900.0, 1180.0)) -> Pattern:
    """Rolls standing on end, two abreast and one or two high, each around a core."""

    def stand(p: Build, dice: Dice, bay: Space) -> list[Space]:
        d = min(dice.between(*sizes), bay.size[0], bay.size[2] / 2 if bay.size[2] > 1300 else bay.size[2])
        tall = dice.between(0.38, 0.48) * 2300.0 if dice.chance(0.6) else dice.between(1300, 1900)
        tall = min(tall, bay.size[1])
        ny = max(1, min(int(bay.size[1] // tall), 2))
        (nx, _, nz), (dx, _, dz) = bay.grid((d, tall, d))
        hosts = []
        for i in range(nx):
            for k in range(nz):
                for j in range(ny if dice.chance(0.85) else 1):
                    xm = bay.low[0] + (i + 0.5) * dx + (0.0 if k else dice.between(-0.02, 0.02) * d)
                    zm = bay.low[2] + (k + 0.5) * dz
                    y0, density = bay.low[1] + j * (tall + 4), dice.between(*fill)
                    place = Space((xm - d / 2 + 2, y0, zm - d / 2), (xm + d / 2 - 2, y0 + tall, zm + d / 2))
                    row = p.round(material, place, "y", fill=density, texture=(GRAIN, 0.01))
                    p.rod("cardboard", (xm, y0 + tall / 2, zm), 100.0, tall, axis="y", inside=row, fill=1.2)
                    p.rod("", (xm, y0 + tall / 2, zm), 76.0, tall, axis="y", inside=row)
                    q = 0.30 * d
                    hosts.append(Space((xm - q, y0 + 40, zm + 60), (xm + q, y0 + tall - 40, zm + 0.36 * d), row))
        return hosts

    return stand


def film_rolls(p: Build, dice: Dice, bay: Space) -> list[Space]:
    """Rolls of film lying along the beam in layers, with cores, on their pallet."""
    hosts = []
    d = min(dice.between(230.0, 330.0), bay.size[0] / 2)
    (nx, ny, _), (dx, _, _) = bay.grid((d, d, bay.size[2]))
    for j in range(ny):
        for i in range(nx):
            xm, ym = bay.low[0] + (i + 0.5) * dx, bay.low[1] + (j + 0.5) * d
            row = p.rod("polyethylene", (xm, ym, bay.middle[2]), d - 6, bay.size[2], fill=0.97)
            p.rod("", (xm, ym, bay.middle[2]), 78.0, bay.size[2], inside=row)
            p.rod("cardboard", (xm, ym, bay.middle[2]), 78.0, bay.size[2], fill=0.35)
            hosts.append(
                Space((xm - 0.3 * d, ym - 0.36 * d, bay.low[2] + 40), (xm + 0.3 * d, ym - 42.0, bay.high[2] - 40), row)
            )
    return hosts


def coils(p: Build, dice: Dice, bay: Space) -> list[Space]:
    """Coils of sheet steel on wooden cradles, few and heavy, the eye along the beam or along the container."""
    hosts = []
    eye = dice.pick(("z", "x"))
    n = max(1, min(int(bay.size[0] / 1250.0), dice.whole(3, 4)))
    pitch = bay.size[0] / n
    for i in range(n):
        d = dice.between(750.0, min(1150.0, pitch - 60.0, bay.size[1]))
        wide = dice.between(550.0, min(1150.0, bay.size[2] - 200.0, pitch - 60.0))
        xm, ym = bay.low[0] + (i + 0.5) * pitch, bay.low[1] + 110.0 + d / 2
        across = (d, wide) if eye == "z" else (wide, d)
        zm = bay.middle[2] + dice.between(-60.0, 60.0)
        place = Space(
            (xm - across[0] / 2, ym - d / 2, zm - across[1] / 2), (xm + across[0] / 2, ym + d / 2, zm + across[1] / 2)
        )
        row = p.round("steel", place, eye, fill=0.96)
        bore = dice.pick((508.0, 508.0, 420.0)) * (1.0 if d > 850 else 0.75)
        q = bore / 2
        hole = Space((xm - q, ym - q, place.low[2]), (xm + q, ym + q, place.high[2]))
        if eye == "x":
            hole = Space((place.low[0], ym - q, zm - q), (place.high[0], ym + q, zm + q))
        p.round("", hole, eye, inside=row)
        k = 0.68
        half = (k * q, k * q, 0.45 * wide) if eye == "z" else (0.45 * wide, k * q, k * q)
        hosts.append(Space(minus((xm, ym, zm), half), plus((xm, ym, zm), half)))
        for side in (-1, 1):  # a cradle of beams
            x = xm + side * 0.30 * across[0]
            p.block("wood", (x - 70, bay.low[1], bay.low[2] + 150), (x + 70, bay.low[1] + 100.0, bay.high[2] - 150))
        p.block(
            "wood",
            (xm - 0.45 * across[0], bay.low[1] + 100, zm - 120),
            (xm + 0.45 * across[0], bay.low[1] + 109, zm + 120),
        )
        for h in (0.25, 0.75):
            y = ym - d / 2 + h * d
            p.block("steel", (place.low[0] - 3, y, zm - 16), (place.low[0], y + 30, zm + 16))
    return hosts


def pipes(p: Build, dice: Dice, bay: Space) -> list[Space]:
    """Bundles of steel pipes, bars or sections along the container, on dunnage between stanchions."""
    style = dice.pick(("pipe", "pipe", "bar", "beam"))
    d = dice.between(90.0, 220.0) if style == "pipe" else dice.between(50.0, 120.0)
    x0, x1 = bay.low[0] + dice.between(0.0, 0.06) * bay.size[0], bay.high[0] - dice.between(0.0, 0.1) * bay.size[0]
    rows = max(2, min(int(dice.between(300.0, 1100.0) / d), 7)) if style == "pipe" else dice.whole(2, 4)
    for k in range(4):
        x = x0 + (0.1 + 0.26 * k) * (x1 - x0)
        p.block("wood", (x, bay.low[1], bay.low[2] + 60), (x + 90, bay.low[1] + 90.0, bay.high[2] - 60))
    n = max(2, int((bay.size[2] - 300.0) * dice.between(0.4, 0.8) / d))
    hosts = []
    for j in range(rows):
        y = bay.low[1] + 90.0 + (j + 0.5) * (d + 1.0)
        place = Space(
            (x0, y - d / 2, bay.middle[2] - n * d / 2),
            (x1 - dice.between(0, 160), y + d / 2, bay.middle[2] + n * d / 2),
        )
        # n pipes side by side across the beam: for rays along z the same path as one that is n times as deep
        if style == "pipe":
            row = p.round("steel", place, "x")
            wall = dice.between(0.03, 0.07) * d
            hole = Space(
                (place.low[0], place.low[1] + wall, place.low[2] + wall * n),
                (place.high[0], place.high[1] - wall, place.high[2] - wall * n),
            )
            p.round("", hole, "x", inside=row)
            if hole.size[1] > 70.0:
                high_x = min(place.low[0] + 900.0, place.high[0])
                hosts.append(
                    Space(
                        (place.low[0] + 60, y - 0.33 * hole.size[1], bay.middle[2] - 0.3 * hole.size[2]),
                        (high_x, y + 0.33 * hole.size[1], bay.middle[2] + 0.3 * hole.size[2]),
                    )
                )
        elif style == "bar":
            p.round("steel", place, "x")
        else:  # I sections: two flanges and a web
            for low, high, fill in ((0.0, 0.1, 1.0), (0.1, 0.9, 0.08), (0.9, 1.0, 1.0)):
                y0 = place.low[1]
                p.fill("steel", place.above(y0 + low * d).up_to(y0 + high * d), fill=fill)
    for x in (x0 + 0.22 * (x1 - x0), x0 + 0.75 * (x1 - x0)):  # a strap around the bundle
        for y in (bay.low[1] + 84.0, bay.low[1] + 94.0 + rows * (d + 1.0)):
            p.block("steel", (x, y, bay.middle[2] - n * d / 2), (x + 30, y + 2, bay.middle[2] + n * d / 2))
    top = bay.low[1] + 100.0 + rows * (d + 1.0)
    hosts.append(Space((x0 + 300, top, bay.low[2] + 300), (x1 - 300, min(top + 420, bay.high[1]), bay.high[2] - 300)))
    return hosts


def tyres(p: Build, dice: Dice, bay: Space) -> list[Space]:
    """Tyres lying in stacks, or standing one behind the other along the beam."""
    hosts = []
    d = min(dice.between(560.0, 720.0) if dice.chance(0.7) else dice.between(900.0, 1080.0), bay.size[0])
    wide = d * dice.between(0.27, 0.36)
    standing = dice.chance(0.5)
    (nx, _, _), (dx, _, _) = bay.grid((d, d, bay.size[2]))
    tall = bay.size[1] * dice.between(0.7, 0.95)
    nz = max(1, int(bay.size[2] // (wide if standing else d)))
    n_up = int(tall // (d if standing else wide))
    for i in range(nx):
        for j in range(n_up if dice.chance(0.8) else max(n_up - 1, 1)):
            xm = bay.low[0] + (i + 0.5) * dx + dice.between(-0.03, 0.03) * d
            if standing:
                y, deep = bay.low[1] + (j + 0.5) * d, nz * wide
                row = p.rod("tyre", (xm, y, bay.middle[2]), d, deep, fill=0.55)
                side = p.rod("tyre", (xm, y, bay.middle[2]), 0.93 * d, deep, fill=0.20, inside=row)
                p.rod("", (xm, y, bay.middle[2]), 0.6 * d, deep, inside=side)
                hosts.append(
                    Space((xm - 0.2 * d, y - 0.2 * d, bay.low[2] + 40), (xm + 0.2 * d, y + 0.2 * d, bay.high[2] - 40))
                )
                continue
            y = bay.low[1] + (j + 0.5) * wide
            low, high = bay.low[2], bay.low[2] + nz * d
            place = Space((xm - d / 2, y - wide / 2 + 2, low), (xm + d / 2, y + wide / 2 - 2, high))
            row = p.round("tyre", place, "y", fill=0.42)
            q, cut = 0.3 * d, 0.2 * (high - low)
            p.round("", Space((xm - q, place.low[1], low + cut), (xm + q, place.high[1], high - cut)), "y", inside=row)
            if j == 0:
                hosts.append(
                    Space(
                        (xm - 0.19 * d, y - wide / 2 + 4, low + 0.3 * (high - low)),
                        (xm + 0.19 * d, y + (n_up - 1.6) * wide, high - 0.3 * (high - low)),
                    )
                )
    return hosts
