"""Goods of one piece or in even layers: timber, ingots, tiles, paper, cans and bottles."""

from xraybench.simulate.cargo.frame import Build, Space, minus, plus
from xraybench.simulate.cargo.stacks import slabs
from xraybench.simulate.dice import Dice
from xraybench.simulate.parts import FOLDS

# solid goods --------------------------------------------------------------------------------------------------------


def timber(p: Build, dice: Dice, bay: Space) -> list[Space]:
    """Packs of sawn boards along the container, layers parted by sticks, packs parted by bearers."""
    hosts = []
    board = dice.between(25.0, 60.0)
    n_x = max(1, round(bay.size[0] / dice.pick((2900.0, 2900.0, 5800.0, 2000.0))))
    pitch = bay.size[0] / n_x
    packs = dice.whole(1, 2) if bay.size[1] > 1500 else 1
    wet = dice.between(0.75, 1.1)
    for i in range(n_x):
        y = bay.low[1]
        for _ in range(packs):
            tall = min(dice.between(700.0, 1050.0), bay.high[1] - y - 90.0)
            x0, x1 = bay.low[0] + i * pitch + dice.between(10, 60), bay.low[0] + (i + 1) * pitch - dice.between(10, 90)
            for k in range(3):
                x = x0 + 60 + k * (x1 - x0 - 220) / 2
                p.block("wood", (x, y, bay.low[2] + 40), (x + 90, y + 80, bay.high[2] - 40))
            y += 80.0
            layers = max(2, int(tall // (3 * board + 16)))
            for _ in range(layers):
                low, high = (
                    (x0 + dice.between(0, 30), y, bay.low[2] + 20),
                    (x1 - dice.between(0, 30), y + 3 * board, bay.high[2] - 20),
                )
                row = p.block("wood", low, high, fill=wet * dice.between(0.93, 1.05), texture=(FOLDS, 0.05))
                hosts.append(Space(plus(low, (80, 6, 60)), minus(high, (80, 6, 60)), row))
                for k in range(4):
                    x = x0 + 120 + k * (x1 - x0 - 280) / 3
                    p.block("wood", (x, y + 3 * board, bay.low[2] + 20), (x + 40, y + 3 * board + 16, bay.high[2] - 20))
                y += 3 * board + 16
    return hosts


def logs(p: Build, dice: Dice, bay: Space) -> list[Space]:
    """Round wood of mixed girth, lying along the container."""
    hosts = []
    y = bay.low[1]
    top = bay.low[1] + dice.between(0.5, 0.9) * bay.size[1]
    while y < top - 260.0:
        d = dice.between(200.0, 420.0)
        x0, x1 = bay.low[0] + dice.between(0.0, 0.08) * bay.size[0], bay.high[0] - dice.between(0.0, 0.12) * bay.size[0]
        n = int(bay.size[2] // d)
        place = Space((x0, y, bay.low[2]), (x1, y + d, bay.low[2] + n * d))
        row = p.round("wood", place, "x", fill=dice.between(1.0, 1.3), texture=(FOLDS, 0.04))
        q = 0.3 * d
        hosts.append(
            Space((x0 + 200, y + d / 2 - q, bay.middle[2] - 400), (x1 - 200, y + d / 2 + q, bay.middle[2] + 400), row)
        )
        y += 0.93 * d
    return hosts


def ingots(p: Build, dice: Dice, bay: Space) -> list[Space]:
    """Bundles of cast ingots, crosswise in layers, strapped, low for their weight."""
    hosts = []
    (nx, _, _), (dx, _, _) = bay.grid((min(1000.0, bay.size[0]), bay.size[1], bay.size[2]), gap=80.0)
    for i in range(nx):
        x0 = bay.low[0] + i * dx + 40
        x1, layers = x0 + min(dx - 60, 900.0), dice.whole(4, 7)
        z0, z1 = bay.low[2] + 0.1 * bay.size[2], bay.high[2] - 0.1 * bay.size[2]
        y = bay.low[1]
        for x in (x0 + 60, x1 - 160):
            p.block("wood", (x, y, z0), (x + 100, y + 80, z1))
        y += 80.0
        for j in range(layers):
            if j % 2:
                p.block("aluminium", (x0, y, z0), (x1, y + 78, z1), fill=0.86)
            else:  # ends of the ingots: trapezia side by side
                n = 6
                step = (x1 - x0) / n
                for k in range(n):
                    a = x0 + k * step
                    corners = [(a + 2, y), (a + step - 2, y), (a + step - 26, y + 78), (a + 26, y + 78)]
                    p.prism("aluminium", corners, z0, z1, fill=0.9)
            y += 80.0
        for x in (x0 + 0.3 * (x1 - x0), x0 + 0.7 * (x1 - x0)):
            p.block("steel", (x, y, z0), (x + 32, y + 1.5, z1))
        hosts.append(Space((x0 + 40, y + 4, z0 + 60), (x1 - 40, y + 330.0, z1 - 60)))
    return hosts


def tiles(p: Build, dice: Dice, bay: Space) -> list[Space]:
    """Cartons of tiles on edge: slabs of ceramic with gaps of board, layer on layer, up to about a metre."""
    hosts = []
    tall = dice.pick((310.0, 340.0, 460.0))
    layers = max(1, min(int(min(dice.between(700, 1150), bay.size[1]) // (tall + 8)), 3))
    n = max(2, int(bay.size[0] // dice.between(75.0, 120.0)))
    step = bay.size[0] / n
    for j in range(layers):
        y = bay.low[1] + j * (tall + 8)
        parent = p.block("cardboard", (bay.low[0], y, bay.low[2]), (bay.high[0], y + tall + 6, bay.high[2]), fill=0.5)
        for i in range(n):
            low = (bay.low[0] + i * step + 4, y + 3, bay.low[2] + 20)
            high = (bay.low[0] + (i + 1) * step - 4, y + tall - dice.between(0, 14), bay.high[2] - 20)
            row = p.block("ceramic_tile", low, high, fill=dice.between(0.8, 0.88), inside=parent)
            if i % 2 == 0:
                hosts.append(Space(low, high, row))
    return hosts


def reams(p: Build, dice: Dice, bay: Space) -> list[Space]:
    """Paper in reams: cartons that are full to the brim, dense and even."""
    return slabs("paper", (0.85, 1.0), (440.0, 260.0, 310.0), board=0.5)(p, dice, bay)


def cans(p: Build, dice: Dice, bay: Space) -> list[Space]:
    """Trays of cans: layers of upright metal cans with liquid, the shrink film and the tray between layers."""
    return _bottled(p, dice, bay, can=True)


def bottles(p: Build, dice: Dice, bay: Space) -> list[Space]:
    """Bottles in cartons or film: full bodies, shoulders and necks, layer on layer with boards."""
    return _bottled(p, dice, bay, can=False)


def _bottled(p: Build, dice: Dice, bay: Space, *, can: bool) -> list[Space]:
    hosts = []
    glass = not can and dice.chance(0.5)
    d, tall = (66.0, 118.0) if can else (dice.between(84.0, 112.0), dice.between(250.0, 330.0))
    group = 3 if can else 1  # cans are drawn three at a time, or they would be too many
    n = max(2, int(bay.size[0] // (d * group)))
    step = bay.size[0] / n
    layers = max(1, min(int(bay.size[1] // (tall + 16)), 9 if can else 6))
    nz = max(1, int(bay.size[2] // d))
    level = dice.between(0.86, 0.95)
    # one case is another: taken off the top, or of other goods in the middle
    wide, high = max(2, min(n - 1, round(320.0 / step))), min(3 if can else 1, layers)
    is_off = layers == high or dice.chance(0.5)
    at = dice.whole(0, n - wide), layers - high if is_off else dice.whole(0, layers - high - 1)
    x, y = bay.low[0] + at[0] * step, bay.low[1] + at[1] * (tall + 16)
    case = Space((x + 2, y + 10, bay.low[2] + 8), (x + wide * step - 2, y + high * (tall + 16) - 6, bay.high[2] - 8))
    if not is_off:
        p.fill("cardboard", case, fill=0.3)
        case = Space(plus(case.low, (6, 6, 6)), minus(case.high, (6, 6, 6)))
        row = p.fill("paper", case, fill=dice.between(0.3, 0.7), inside=len(p) - 1)
        case = Space(case.low, case.high, row)
    hosts.append(case)
    for j in range(layers):
        y = bay.low[1] + j * (tall + 16)
        cut = at[1] < j < at[1] + high
        for x0, x1 in ((bay.low[0], x), (x + wide * step, bay.high[0])) if cut else ((bay.low[0], bay.high[0]),):
            if x1 > x0 + 1:
                p.block("cardboard", (x0, y, bay.low[2]), (x1, y + 9, bay.high[2]), fill=0.35)
        for i in range(n):
            if at[0] <= i < at[0] + wide and at[1] <= j < at[1] + high:
                continue
            x0, x1 = bay.low[0] + i * step + 1.5, bay.low[0] + (i + 1) * step - 1.5
            if can:
                p.block(
                    "beverage", (x0, y + 12, bay.low[2] + 6), (x1, y + 12 + level * tall, bay.high[2] - 6), fill=0.74
                )
                continue
            body = Space((x0, y + 12, bay.low[2]), (x1, y + 12 + 0.64 * tall, bay.low[2] + nz * d))
            shell = p.round("glass" if glass else "pet", body, "y", fill=1.0 if glass else 0.9)
            wall = 3.2 if glass else 0.5
            inner = Space(
                (x0 + wall, y + 12 + wall, body.low[2] + wall * nz), (x1 - wall, body.high[1], body.high[2] - wall * nz)
            )
            p.round("beverage", inner, "y", inside=shell)
            xm, zm = 0.5 * (x0 + x1), 0.5 * (body.low[2] + body.high[2])
            q = 0.2 * d
            neck = Space((xm - q, body.high[1], zm - q * nz), (xm + q, y + 12 + tall, zm + q * nz))
            p.round("glass" if glass else "beverage", neck, "y", fill=0.5)
    return hosts
