"""Drugs, untaxed goods, money, ivory, fakes, antiquities and shields: generic shapes with free proportions.

Each builder takes the dice and the room there is (longest side, middle side, thickness, in mm) and draws its item lying
flat. Powders and tablets share their packings with lawful goods: only the material tells them apart.
"""

import math
from itertools import pairwise
from typing import Any

from xraybench.simulate.dice import Dice
from xraybench.simulate.items import shapes
from xraybench.simulate.parts import ALONG_X, COARSE, FOLDS, GRAIN, WEAVE, Item, Parts, Turn, yaw

Room = tuple[float, float, float]
Point = tuple[float, float, float]

DRUG_POWDERS = (*("cocaine_hcl",) * 3, *("meth_hcl",) * 4, *("ketamine_hcl",) * 2, "heroin_cut")


# powders ----------------------------------------------------------------------------------------------------------


def drug_brick(dice: Dice, room: Room) -> Item:
    """A pressed brick, wrapped."""
    return powder_brick(dice, room, dice.pick(DRUG_POWDERS), "drug_brick")


def drug_bag(dice: Dice, room: Room) -> Item:
    """A filled bag."""
    return powder_bag(dice, room, dice.pick(DRUG_POWDERS), "drug_bag")


def drug_sachets(dice: Dice, room: Room) -> Item:
    """Flat packets over each other."""
    return powder_sachets(dice, room, dice.pick(DRUG_POWDERS), "drug_sachets")


def drug_capsules(dice: Dice, room: Room) -> Item:
    """Pressed pellets or wraps, in a bag."""
    return powder_capsules(dice, room, dice.pick(DRUG_POWDERS), "drug_capsules")


def drug_rolls(dice: Dice, room: Room) -> Item:
    """Sausages of powder in film, side by side."""
    return powder_rolls(dice, room, dice.pick(DRUG_POWDERS), "drug_rolls")


def drug_discs(dice: Dice, room: Room) -> Item:
    """Round pressed cakes, lying over and beside each other."""
    return powder_discs(dice, room, dice.pick(DRUG_POWDERS), "drug_discs")


def powder_brick(dice: Dice, room: Room, powder: str, kind: str) -> Item:
    """A pressed brick in film and tape."""
    parts = Parts()
    length = min(dice.between(95, 210), room[0] * 0.95)
    wide, thick = length * dice.between(0.5, 0.72), min(dice.between(22, 55), room[2] * 0.92)
    wide = min(wide, room[1] * 0.95)
    soft = dice.between(2.0, 0.12 * wide)
    body = parts.rounded(powder, (0.0, 0.0, 0.0), (length, wide, thick), soft, cuts=2, fill=dice.between(1.05, 1.25),
                         texture=(GRAIN, 0.03))  # fmt: skip
    if dice.chance(0.4):  # stamp
        parts.rod("", (0.0, 0.0, thick / 2 - 1.0), wide * 0.4, 2.0, inside=body)
    for z in (-1, 1):
        parts.rounded("polyethylene", (0.0, 0.0, z * (thick / 2 + 0.5)), (length + 4, wide + 4, 1.0), soft + 2)
    for i in range(dice.whole(0, 3)):
        parts.box("pvc", (length * (-0.3 + 0.3 * i), 0.0, thick / 2 + 1.2), (22.0, wide + 4, 0.3))
    return parts.finish(kind)


def powder_bag(dice: Dice, room: Room, powder: str, kind: str) -> Item:
    """A bag that thins towards its seams, its neck knotted or its ends sealed."""
    parts = Parts()
    length = min(dice.between(90, 210), room[0] * 0.92)
    wide = min(length * dice.between(0.55, 0.85), room[1] * 0.95)
    thick = min(dice.between(22, 60), room[2] * 0.95)
    rest: dict[str, Any] = {"fill": dice.between(0.75, 1.05), "texture": (GRAIN, 0.05)}
    if dice.chance(0.6):
        shapes.pillow(parts, powder, (length, wide, thick), dice=dice, **rest)
        for x in (-1, 1):
            parts.box("polyethylene", (x * length * 0.5, 0.0, 0.0), (length * 0.08, wide * 0.9, 0.5))
        return parts.finish(kind)
    parts.ball(powder, (0.0, 0.0, 0.0), (length * 0.86, wide, thick), planes=[(-1.0, 0.0, 0.0, length * 0.4)], **rest)
    for k in range(3):
        parts.bar("polyethylene", (length * 0.42, 0.0), (length * 0.54, (k - 1) * wide * 0.16), 0.0, wide * 0.07, 2.4)
    return parts.finish(kind)


def powder_sachets(dice: Dice, room: Room, powder: str, kind: str) -> Item:
    """One to three flat packets over each other."""
    parts = Parts()
    length = min(dice.between(60, 140), room[0] * 0.85)
    wide, thick = min(length * dice.between(0.5, 0.9), room[1] * 0.85), min(dice.between(7.0, 16.0), room[2] * 0.9)
    for i in range(dice.whole(1, 3)):
        at = (dice.between(-0.12, 0.12) * length * i, dice.between(-0.12, 0.12) * wide * i, i * (thick + 0.8))
        if at[2] + thick > room[2]:
            break
        fill, turn = dice.between(0.8, 1.05), yaw(dice.between(-0.2, 0.2) * i)
        shapes.pillow(
            parts, powder, (length, wide, thick), dice=dice, at=at, fill=fill, texture=(GRAIN, 0.08), turn=turn
        )
        parts.box("polyethylene", (at[0], at[1], at[2] + thick / 2 + 0.2), (length + 10, wide + 10, 0.4), turn=turn)
    return parts.finish(kind)


def powder_capsules(dice: Dice, room: Room, powder: str, kind: str) -> Item:
    """Pressed pellets in rows, in a zip bag or without."""
    parts = Parts()
    wide, n = min(dice.between(9, 26), room[1] * 0.3), dice.whole(8, 30)
    long = min(wide * dice.pick((1.0, 1.8, 2.4)), room[0] * 0.4)
    across = max(2, min(round(math.sqrt(n * dice.between(0.5, 1.5))), int(room[0] * 0.9 // (long * 1.1))))
    n = min(n, across * max(1, int(room[1] * 0.9 // (wide * 1.1))))
    thick = min(wide, room[2])
    for i in range(n):
        x, y = (i % across) * long * 1.1, (i // across) * wide * 1.1
        shift = (0.5 * long * (i // across % 2) * 0.5, dice.between(-0.04, 0.04) * wide)
        fill, turn = dice.between(1.0, 1.2), yaw(dice.between(-0.4, 0.4))
        parts.ball(powder, (x + shift[0], y + shift[1], thick / 2 + 0.3), (long, wide, thick), fill=fill, turn=turn)
    if dice.chance(0.7):
        deep = -(-n // across) * wide * 1.1
        middle = ((across - 1) * long * 0.55, 0.5 * deep - 0.55 * wide)
        parts.box("polyethylene", (*middle, 0.1), (across * long * 1.1, min(deep, room[1] * 0.9), 0.2))
    return parts.finish(kind)


def powder_rolls(dice: Dice, room: Room, powder: str, kind: str) -> Item:
    """Long round packets in film, side by side, tied at the ends."""
    parts = Parts()
    d = min(dice.between(22, 42), room[2] * 0.92)
    x = min(dice.between(100, 210), room[0] * 0.92)
    n = max(1, min(dice.whole(2, 4), int(room[1] * 0.95 // (d + 1))))
    for k in range(n):
        at = (dice.between(-0.02, 0.02) * x, k * (d + 1.0), 0.0)
        tube = parts.rod("polyethylene", at, d + 0.8, x * 0.84, axis="x")
        parts.rod(powder, at, d, x * 0.84, axis="x", fill=dice.between(0.9, 1.1), texture=(GRAIN, 0.04), inside=tube)
        for side in (-1, 1):
            end = (at[0] + side * x * 0.42, at[1], 0.0)
            parts.ball(powder, end, (d * 1.1, d, d), planes=[(-side, 0.0, 0.0, 0.0)])
            parts.rod("polyethylene", (end[0] + side * (d * 0.55 + 2), at[1], 0.0), d * 0.25, 8.0, axis="x")
    return parts.finish(kind)


def powder_discs(dice: Dice, room: Room, powder: str, kind: str) -> Item:
    """Round pressed cakes in film."""
    parts = Parts()
    d = min(dice.between(70, 130), room[1] * 0.95, room[0] * 0.7)
    thick = min(dice.between(14, 30), room[2] * 0.48)
    n = dice.whole(2, 4)
    for k in range(n):
        layer, place = divmod(k, 2)
        at = ((place - 0.5) * d * 1.02 + layer * d * 0.2, dice.between(-0.06, 0.06) * d, layer * (thick + 1.2))
        if at[2] + thick > room[2] or (place and room[0] < 2.1 * d):
            continue
        film = parts.rod("polyethylene", at, d + 1.5, thick + 1.0)
        parts.rod(powder, at, d, thick, inside=film, fill=dice.between(1.0, 1.2), texture=(GRAIN, 0.03))
    return parts.finish(kind)


# tablets ----------------------------------------------------------------------------------------------------------


def _tablet(parts: Parts, dice: Dice, at: Point, material: str, size: tuple[float, float]) -> None:
    """A round or oblong tablet lying flat; `size` is its width and height."""
    d, thick = size
    if thick < 0.7 * d:
        parts.rod(material, at, d, thick)
    else:
        parts.ball(material, at, (d * 1.8, d, thick), turn=yaw(dice.between(-3, 3)))


def loose_pills(dice: Dice, room: Room) -> Item:
    """A bag of tablets."""
    return pill_bag(dice, room, "drug_tablet", "loose_pills")


def pill_blisters(dice: Dice, room: Room) -> Item:
    """Blister sheets of tablets, stacked."""
    return blisters(dice, room, "drug_tablet", "pill_blisters")


def pill_bottle(dice: Dice, room: Room) -> Item:
    """A plastic jar filled with tablets."""
    return tablet_jar(dice, room, "drug_tablet", "pill_bottle")


def pill_tubes(dice: Dice, room: Room) -> Item:
    """Rolls of tablets in film or tubes."""
    return tablet_tubes(dice, room, "drug_tablet", "pill_tubes")


def pill_tray(dice: Dice, room: Room) -> Item:
    """Tablets in layers between sheets."""
    return tablet_layers(dice, room, "drug_tablet", "pill_layers")


def pill_bag(dice: Dice, room: Room, material: str, kind: str) -> Item:
    """Many tablets loose in a zip bag: a heap that thins at its rim, grainy, with single ones beside it."""
    parts = Parts()
    x, y = min(dice.between(85, 190), room[0] * 0.95), min(dice.between(65, 140), room[1] * 0.95)
    z = min(dice.between(16, 42), room[2] * 0.95)
    rest: dict[str, Any] = {"fill": dice.between(0.5, 0.66), "texture": (GRAIN, 0.28)}
    shapes.pillow(parts, material, (x * 0.84, y * 0.84, z), dice=dice, **rest)
    d = dice.between(7.0, 10.5)
    for _ in range(dice.whole(14, 26)):
        a = dice.between(0, 2 * math.pi)
        at = (0.45 * x * math.cos(a), 0.45 * y * math.sin(a), -z / 2 + 3 + dice.between(0, 0.3) * z)
        _tablet(parts, dice, at, material, (d, d * 0.45))
    parts.rounded("polyethylene", (0.0, 0.0, -z / 2 - 0.2), (x, y, 0.3), 6.0)
    return parts.finish(kind)


def blisters(dice: Dice, room: Room, material: str, kind: str) -> Item:
    """Sheets of foil and plastic with tablets in rows, a few over each other, bare or in a carton."""
    parts = Parts()
    nx, ny = dice.pick(((5, 2), (5, 2), (7, 2), (5, 3), (6, 4)))
    d = dice.between(8.0, 12.0)
    pitch = d * dice.between(1.35, 1.6)
    while nx > 3 and nx * pitch > room[0] * 0.92:
        nx -= 1
    while ny > 1 and ny * pitch > room[1] * 0.92:
        ny -= 1
    thick, n = d * dice.between(0.45, 0.75), dice.whole(2, 5)
    x, y = nx * pitch + 4, ny * pitch + 4
    beside = 2 if 2 * y < room[1] * 0.95 else 1
    for k in range(n * beside):
        level, away = (k // beside) * (thick + 1.2), (k % beside) * (y + 2)
        if k and level + thick + 3 > room[2]:
            break
        shift = (dice.between(-3, 3), away + dice.between(-1, 1))
        turn = yaw(dice.between(-0.03, 0.03))
        parts.rounded("aluminium", (*shift, level), (x, y, 0.03), 5.0, turn=turn)
        parts.rounded("pvc", (*shift, level + 0.2), (x, y, 0.25), 5.0, turn=turn)
        for i in range(nx):
            for j in range(ny):
                at = (
                    shift[0] + (i - (nx - 1) / 2) * pitch,
                    shift[1] + (j - (ny - 1) / 2) * pitch,
                    level + 0.5 + thick / 2,
                )
                parts.rod(material, at, d, thick)
    if dice.chance(0.4):
        parts.box("cardboard", (0.0, 0.0, -0.6), (x + 10, y + 8, 0.7))
    return parts.finish(kind)


def tablet_jar(dice: Dice, room: Room, material: str, kind: str) -> Item:
    """One to three plastic jars lying down, partly filled, with screw caps."""
    parts = Parts()
    d = min(dice.between(38, 75), room[1] * 0.95, room[2] * 0.95)
    x = min(d * dice.between(1.5, 2.1), room[0] * 0.95)
    body, n = x * 0.78, max(1, min(dice.whole(1, 3), int(room[1] // (d + 2))))
    for k in range(n):
        at, level = (0.0, k * (d + 2), 0.0), dice.between(-0.05, 0.32) * d
        outer = parts.rod("polyethylene", at, d, body, axis="x")
        for sign, stuff in ((1.0, material), (-1.0, "")):
            cut = [(-sign, 0.0, 0.0, sign * level)]  # a lying rod's own x points down
            parts.rod(
                stuff, at, d - 3.0, body - 3.0, axis="x", inside=outer, planes=cut, fill=0.6, texture=(GRAIN, 0.3)
            )
        parts.rod("polypropylene", (body / 2 + x * 0.1, at[1], 0.0), d * 0.86, x * 0.2, axis="x", fill=0.5)
    return parts.finish(kind)


def tablet_tubes(dice: Dice, room: Room, material: str, kind: str) -> Item:
    """Rolls of tablets in film, side by side."""
    parts = Parts()
    d = min(dice.between(12, 26), room[2] * 0.92)
    x = min(dice.between(75, 130), room[0] * 0.95)
    n = max(1, min(dice.whole(2, 5), int(room[1] * 0.95 // (d + 1.5))))
    thick = d * dice.between(0.25, 0.45)
    each = max(4, int(x * 0.92 // (thick + 0.8)))
    step = max(1, each // 14)  # long rolls are drawn in lengths of a few tablets
    for k in range(n):
        shift = dice.between(-4, 4)
        for i in range(0, each - step + 1, step):
            at = (shift + (i + step / 2 - each / 2) * (thick + 0.8), k * (d + 1.5), 0.0)
            parts.rod(material, at, d, step * (thick + 0.8) - 0.9, axis="x")
        wrap = parts.rod("polyethylene", (shift, k * (d + 1.5), 0.0), d + 1.0, x, axis="x")
        parts.rod("", (shift, k * (d + 1.5), 0.0), d + 0.2, x, axis="x", inside=wrap)
    return parts.finish(kind)


def tablet_layers(dice: Dice, room: Room, material: str, kind: str) -> Item:
    """Tablets side by side in hexagons, layer over layer between sheets of paper."""
    parts = Parts()
    d, thick = dice.between(9.0, 14.0), dice.between(3.5, 6.0)
    x, y = min(dice.between(80, 170), room[0] * 0.92), min(dice.between(60, 120), room[1] * 0.92)
    nx, ny = max(3, int(x // (d * 1.15))), max(2, int(y // (d * 1.02)))
    nx, ny = min(nx, 11), min(ny, 8)
    n = max(1, min(dice.whole(2, 4), int(room[2] // (thick + 1.0)), 130 // (nx * ny)))
    for k in range(n):
        z = k * (thick + 1.0)
        parts.box("paper", (nx * d * 0.57, ny * d * 0.51, z - 0.3), (nx * d * 1.15 + 8, ny * d * 1.02 + 6, 0.3))
        for i in range(nx):
            for j in range(ny):
                if dice.chance(0.06):
                    continue
                at = ((i + 0.5 * (j % 2)) * d * 1.1, j * d * 1.0, z + thick / 2)
                parts.rod(material, at, d, thick)
    return parts.finish(kind)


# tobacco ----------------------------------------------------------------------------------------------------------


def cigarette_pack(parts: Parts, at: Point, size: Room, *, turn: Turn | None = None) -> None:
    """One packet lying flat: carton, foil, rods of tobacco with their filters at one end."""
    x, y, z = size
    rest: dict[str, Any] = {} if turn is None else {"turn": turn}
    outer = parts.box("cardboard", at, size, fill=1.1, **rest)
    parts.box("aluminium", at, (x - 1.2, y - 1.2, z - 1.2), inside=outer, fill=0.002, **rest)
    n = max(3, int((y - 3) / 7.8))
    for i in range(n):
        across = (i + 0.5 - n / 2) * (y - 3) / n
        for share, middle, stuff, fill in ((0.66, -0.15, "tobacco", 1.15), (0.27, 0.33, "polyester_cloth", 0.6)):
            along = middle * x
            if turn is None:
                px, py = at[0] + along, at[1] + across
            else:
                px = at[0] + turn[0] * along + turn[1] * across
                py = at[1] + turn[3] * along + turn[4] * across
            parts.box(stuff, (px, py, at[2]), (share * x, (y - 3) / n * 0.86, z - 3), fill=fill, **rest)


def cigarette_packs(dice: Dice, room: Room) -> Item:
    """Packets side by side and over each other, not quite flush."""
    parts = Parts()
    x, y, z = dice.between(83, 100), dice.between(52, 56), dice.between(21, 23.5)
    x, y, z = min(x, room[0]), min(y, room[1]), min(z, room[2] * 0.97)
    nx, ny, nz = (max(1, int(room[i] * 0.98 // (side + 1))) for i, side in enumerate((x, y, z)))
    nx, ny, nz = min(nx, dice.whole(1, 2)), min(ny, dice.whole(1, 3)), min(nz, dice.whole(1, 3))
    for i in range(nx):
        for j in range(ny):
            for k in range(nz):
                at = (i * (x + 1) + dice.between(-0.5, 0.5), j * (y + 1) + dice.between(-0.5, 0.5), k * (z + 0.4))
                cigarette_pack(parts, at, (x, y, z))
    return parts.finish("cigarette_packs")


def cigarette_carton(dice: Dice, room: Room) -> Item:
    """A carton of ten packets in two rows, or half of one."""
    parts = Parts()
    sizes = (dice.between(48, 57), dice.between(82, 102), dice.between(18, 23.5))
    x, y, z = (min(most * 0.95, side) for most, side in zip(room, sizes, strict=True))
    n = max(1, min(5, int(room[0] * 0.98 // x)))
    n_rows = 2 if room[2] > 2 * z + 3 else 1
    turn = yaw(math.pi / 2)
    parts.shell("cardboard", (0.0, 0.0, n_rows * z / 2 - z / 2), (n * x + 3, y + 3, n_rows * z + 3), 0.8)
    for i in range(n):
        for k in range(n_rows):
            cigarette_pack(parts, ((i - (n - 1) / 2) * x, 0.0, k * z), (y - 1.0, x - 0.8, z - 0.6), turn=turn)
    return parts.finish("cigarette_carton")


def loose_cigarettes(dice: Dice, room: Room) -> Item:
    """Cigarettes without packets, laid in rows in a bag."""
    parts = Parts()
    long, d = min(dice.between(70, 100), room[1] * 0.95), 7.8
    n = max(4, min(dice.whole(10, 22), int(room[0] * 0.92 // (d * 1.02))))
    n_layers = max(1, min(dice.whole(2, 4), int(room[2] // d)))
    for k in range(n_layers):
        for i in range(n):
            x = (i + 0.5 * (k % 2)) * d * 1.02
            flip = 1 if (i * 7 + k * 3) % 5 else -1
            parts.rod("tobacco", (x, -flip * long * 0.13, k * d * 0.9), d, long * 0.74, axis="y", fill=1.1)
            parts.rod("polyester_cloth", (x, flip * long * 0.37, k * d * 0.9), d, long * 0.26, axis="y", fill=0.55)
    parts.box("polyethylene", (n * d * 0.51, 0.0, -d * 0.6), (n * d * 1.04, long + 12, 0.3))
    return parts.finish("loose_cigarettes")


def cigars(dice: Dice, room: Room) -> Item:
    """Cigars side by side in a wooden box, or in metal tubes."""
    parts = Parts()
    d = min(dice.between(15, 21), room[2] * 0.7)
    long = min(dice.between(115, 160), room[0] * 0.9)
    n = max(2, min(dice.whole(4, 9), int((room[1] - 12) // (d + 1))))
    is_tubed = dice.chance(0.45)
    for i in range(n):
        at = (0.0, (i + 0.5 - n / 2) * (d + 1.0), 0.0)
        if is_tubed:
            tube = parts.rod("aluminium", at, d, long, axis="x")
            parts.rod("", at, d - 0.8, long - 1.0, axis="x", inside=tube)
            parts.rod("tobacco", at, d - 2.5, long * 0.94, axis="x", fill=1.2)
        else:
            parts.rod("tobacco", at, d, long * 0.9, axis="x", fill=1.3)
            parts.ball("tobacco", (long * 0.45, at[1], 0.0), (d * 0.9, d, d), planes=[(-1.0, 0.0, 0.0, 0.0)], fill=1.3)
    if not is_tubed:
        x, y, wall = long + 8, n * (d + 1.0) + 8, 3.5
        for side in (-1, 1):
            parts.box("wood", (side * (x - wall) / 2, 0.0, 0.0), (wall, y, d + 4))
            parts.box("wood", (0.0, side * (y - wall) / 2, 0.0), (x - 2 * wall, wall, d + 4))
        for z in (-d / 2 - 2.5, d / 2 + 2.5):
            parts.box("wood", (0.0, 0.0, z), (x, y, 2.0))
    return parts.finish("cigars")


def rolling_tobacco(dice: Dice, room: Room) -> Item:
    """Pouches or pressed blocks of cut tobacco."""
    parts = Parts()
    x, y = min(dice.between(90, 150), room[0] * 0.95), min(dice.between(65, 95), room[1] * 0.95)
    z = min(dice.between(18, 34), room[2] * 0.9)
    n = max(1, min(dice.whole(2, 4), int(room[2] // z), 4))
    is_double = room[0] > 2.05 * x
    for k in range(n):
        for i in range(2 if is_double else 1):
            at = (i * (x + 2), dice.between(-3, 3), k * (z + 0.8))
            shapes.pillow(
                parts, "tobacco", (x, y, z), dice=dice, at=at, fill=dice.between(0.7, 1.3), texture=(COARSE, 0.18)
            )
            parts.box("aluminium", (at[0], at[1], at[2] - z / 2), (x, y, 0.03))
            parts.box("polyethylene", (at[0], at[1], at[2] + z / 2 + 0.2), (x, y * 1.05, 0.15))
    return parts.finish("rolling_tobacco")


# spirits ----------------------------------------------------------------------------------------------------------


def bottle_body(
    parts: Parts, dice: Dice, glass: str, liquid: str, size: tuple[float, float], *, wall: float, level: float
) -> None:
    """A round bottle lying along x from 0: body, shoulder, neck, cap; `level` is the surface as a share of the radius."""
    x, d = size
    body, shoulder, neck = x * dice.between(0.54, 0.64), x * dice.between(0.12, 0.19), d * dice.between(0.33, 0.42)
    low = parts.rod(glass, (body / 2, 0.0, 0.0), d, body, axis="x")
    forward = (0.0, 0.0, -1.0, 0.0)  # the half beyond the middle
    dome = parts.ball(glass, (body, 0.0, 0.0), (d, d, 2 * shoulder), turn=ALONG_X, planes=[forward])
    inner = d - 2 * wall
    for sign, stuff in ((1.0, liquid), (-1.0, "")):
        cut = (-sign, 0.0, 0.0, sign * level * inner / 2)  # a lying rod's own x points down
        rest: dict[str, Any] = {"planes": [cut]}
        parts.rod(stuff, ((body + wall) / 2, 0.0, 0.0), inner, body - wall, axis="x", inside=low, **rest)
        rest = {"planes": [cut, forward]}
        parts.ball(stuff, (body, 0.0, 0.0), (inner, inner, 2 * shoulder - 2 * wall), turn=ALONG_X, inside=dome, **rest)
    start = body + shoulder * 0.93
    at = ((start + x) / 2, 0.0, 0.0)
    tube = parts.rod(glass, at, neck, x - start, axis="x")
    parts.rod("", at, neck - 2 * wall, x - start, axis="x", inside=tube)
    long = (x - start) * dice.between(0.35, 0.7)
    cap = parts.rod(dice.pick(_CAPS), (x - long / 2 + 1.0, 0.0, 0.0), neck + 3.0, long, axis="x")
    parts.rod("", (x - long / 2, 0.0, 0.0), neck, long - 2.0, axis="x", inside=cap)


_CAPS = ("aluminium", "aluminium", "polypropylene")


def round_bottle(dice: Dice, room: Room) -> Item:
    """One or more glass bottles of spirits lying side by side, head to tail."""
    return glass_bottles(dice, room, "spirits", "spirit_bottle")


def glass_bottles(dice: Dice, room: Room, liquid: str, kind: str) -> Item:
    """Round glass bottles of a drink."""
    d = min(dice.between(55, 88), room[2] * 0.97, room[1] * 0.97)
    x = min(d * dice.between(3.0, 4.1), room[0] * 0.97)
    d = min(d, x / 2.4)
    n = max(1, min(dice.pick((1, 1, 2)), int(room[1] // (d + 3))))
    parts = Parts()
    for i in range(n):
        one = Parts()
        bottle_body(one, dice, "glass", liquid, (x, d), wall=dice.between(2.2, 3.6), level=dice.between(0.2, 0.66))
        parts.take(one.finish(kind), at=(0.0, i * (d + 3), 0.0), turn=yaw(math.pi * (i % 2)))
    return parts.finish(kind)


def _filled_slab(parts: Parts, dice: Dice, at: Point, size: Room, radius: float, wall: float, cuts: int) -> None:
    """A rounded glass slab filled nearly to its upper end in x."""
    outer = parts.rounded("glass", at, size, radius, cuts=cuts)
    inner = (size[0] - 2 * wall, size[1] - 2 * wall, size[2] - 2 * wall)
    level = inner[0] * dice.between(0.22, 0.4)
    for sign, stuff in ((1.0, "spirits"), (-1.0, "")):
        parts.rounded(stuff, at, inner, radius - wall, cuts=cuts, inside=outer, planes=[(sign, 0.0, 0.0, sign * level)])


def square_bottle(dice: Dice, room: Room) -> Item:
    """A bottle of rectangular section lying flat."""
    parts = Parts()
    z = min(dice.between(45, 80), room[2] * 0.97)
    y = min(z * dice.between(1.0, 1.5), room[1] * 0.97)
    x = min(y * dice.between(2.0, 2.6), room[0] * 0.97)
    body, wall = x * 0.74, dice.between(3.0, 5.0)
    _filled_slab(parts, dice, (body / 2, 0.0, 0.0), (body, y, z), dice.between(5, 16), wall, 2)
    neck = min(y, z) * 0.38
    tube = parts.rod("glass", (body + x * 0.08, 0.0, 0.0), neck, x * 0.16, axis="x")
    parts.rod("", (body + x * 0.08, 0.0, 0.0), neck - 6, x * 0.16, axis="x", inside=tube)
    parts.rod("aluminium", (body + x * 0.21, 0.0, 0.0), neck + 4, x * 0.10, axis="x", fill=0.3)
    return parts.finish("square_bottle")


def flask(dice: Dice, room: Room) -> Item:
    """One or two flat flasks of glass with rounded shoulders."""
    parts = Parts()
    z = min(dice.between(34, 52), room[2] * 0.97)
    y = min(z * dice.between(1.5, 2.1), room[1] * 0.97)
    x = min(y * dice.between(1.9, 2.4), room[0] * 0.97)
    n = 2 if dice.chance(0.4) and (room[1] > 2 * y + 4 or room[2] > 2 * z + 2) else 1
    beside = room[1] > 2 * y + 4
    for i in range(n):
        at = (x * 0.4, i * (y + 3) if beside else 0.0, 0.0 if beside else i * (z + 1))
        _filled_slab(parts, dice, at, (x * 0.8, y, z), y * 0.38, dice.between(2.5, 4.5), 3)
        tube = parts.rod("glass", (x * 0.85, at[1], at[2]), z * 0.6, x * 0.1, axis="x")
        parts.rod("", (x * 0.85, at[1], at[2]), z * 0.6 - 5, x * 0.1, axis="x", inside=tube)
        parts.rod("aluminium", (x * 0.95, at[1], at[2]), z * 0.72, x * 0.1, axis="x", fill=0.3)
    return parts.finish("flask")


def decanter(dice: Dice, room: Room) -> Item:
    """A round-bellied bottle with a long neck and a glass stopper."""
    parts = Parts()
    d = min(dice.between(68, 108), room[1] * 0.97)
    z = min(d, room[2] * 0.97)
    x = min(d * dice.between(1.7, 2.2), room[0] * 0.97)
    long = min(d * 1.05, x * 0.62)
    wall = dice.between(3.5, 6.0)
    outer = parts.ball("glass", (0.0, 0.0, 0.0), (long, d, z))
    inner, level = (long - 2 * wall, d - 2 * wall, z - 2 * wall), dice.between(0.08, 0.24) * z
    for sign, stuff in ((1.0, "spirits"), (-1.0, "")):
        parts.ball(stuff, (0.0, 0.0, 0.0), inner, inside=outer, planes=[(0.0, 0.0, sign, sign * level)])
    neck = min(d, z) * dice.between(0.24, 0.32)
    tube = x - long * 0.97
    at = (long * 0.485 + tube * 0.4, 0.0, 0.0)
    pipe = parts.rod("glass", at, neck, tube * 0.8, axis="x")
    parts.rod("", at, neck - 2 * wall, tube * 0.8, axis="x", inside=pipe)
    parts.ball(
        dice.pick(("glass", "wood")),
        (long * 0.485 + tube * 0.9, 0.0, 0.0),
        (tube * 0.22, neck * 1.5, min(neck * 1.5, z)),
    )
    return parts.finish("decanter")


# banknotes --------------------------------------------------------------------------------------------------------


def note_bundles(dice: Dice, room: Room) -> Item:
    """Strapped bundles side by side and over each other."""
    parts = Parts()
    long, wide = dice.between(132, 160), dice.between(65, 82)
    thick = dice.between(7.0, 13.0)
    nx, ny = dice.pick((1, 1, 1, 2)), dice.pick((1, 1, 2, 2, 3))
    nx = min(nx, max(1, int(room[0] * 0.97 // long)))
    ny = min(ny, max(1, int(room[1] * 0.97 // wide)))
    nz = max(1, min(dice.whole(2, 6), int(room[2] // thick)))
    for i in range(nx):
        for j in range(ny):
            for k in range(nz):
                at = (i * (long + 2), j * (wide + 2), k * (thick + 0.5))
                _note_bundle(parts, dice, at, (long, wide, thick))
    return parts.finish("note_bundles")


def _note_bundle(parts: Parts, dice: Dice, at: Point, size: Room) -> None:
    """One strapped bundle: notes not quite flush, a strap or rubber bands around them."""
    x, y, z = at
    n = 3
    for i in range(n):
        shift = (dice.between(-1.5, 1.5), dice.between(-1.5, 1.5))
        part = (size[0], size[1], size[2] / n)
        parts.box("banknote", (x + shift[0], y + shift[1], z + i * part[2]), part, fill=dice.between(0.95, 1.1))
    has_strap = dice.chance(0.4)
    places = (dice.between(-0.15, 0.15),) if has_strap else (dice.between(-0.36, -0.22), dice.between(0.22, 0.36))
    material, wide, thick = ("paper", 30.0, 0.4) if has_strap else ("rubber", 6.0, 1.6)
    for place in places:
        for side in (-1, 1):
            level = z + size[2] / 3 + side * (size[2] + thick) / 2
            parts.box(material, (x + place * size[0], y, level), (wide, size[1], thick))


def note_rolls(dice: Dice, room: Room) -> Item:
    """Rolls of notes with a rubber band."""
    parts = Parts()
    wide = dice.between(65, 80)
    diameter = min(dice.between(26, 50), room[2] * 0.94)
    for i in range(dice.whole(1, max(1, min(4, int(room[0] * 0.9 // diameter))))):
        at = (i * (diameter + 3), dice.between(-5, 5), 0.0)
        roll = parts.rod("banknote", at, diameter, wide, axis="y", fill=dice.between(0.8, 1.0))
        parts.rod("", at, diameter * dice.between(0.15, 0.4), wide, axis="y", inside=roll)
        if dice.chance(0.7):
            band = parts.rod("rubber", at, diameter + 2.4, 5.0, axis="y")
            parts.rod("", at, diameter, 5.0, axis="y", inside=band)
    return parts.finish("note_rolls")


def note_fan(dice: Dice, room: Room) -> Item:
    """Thin stacks of notes spread out."""
    parts = Parts()
    long, wide = min(dice.between(132, 160), room[0] * 0.8), min(dice.between(65, 82), room[1] * 0.7)
    for i in range(dice.whole(5, 10)):
        at = (i * 3.0, i * 1.0, i * 1.6)
        parts.box("banknote", at, (long, wide, dice.between(0.6, 1.5)), turn=yaw(dice.between(-0.05, 0.12) * i))
    return parts.finish("note_fan")


def note_block(dice: Dice, room: Room) -> Item:
    """Notes pressed into one block and sealed in film, the stacks in it turned to each other."""
    parts = Parts()
    x, y = min(dice.between(140, 200), room[0] * 0.95), min(dice.between(75, 150), room[1] * 0.95)
    z = min(dice.between(16, 45), room[2] * 0.95)
    split, fill = dice.between(0.35, 0.65), dice.between(1.0, 1.12)
    for low, high in ((0.0, split), (split, 1.0)):
        at = (x * ((low + high) / 2 - 0.5), dice.between(-1, 1), z / 2)
        parts.box("banknote", at, (x * (high - low) - 0.6, y, z), fill=fill, texture=(WEAVE, 0.02))
    for level in (-0.2, z + 0.2):
        parts.rounded("polyethylene", (0.0, 0.0, level), (x + 12, y + 12, 0.3), 8.0)
    return parts.finish("note_block")


def note_wads(dice: Dice, room: Room) -> Item:
    """Folded wads of notes, thicker at the fold, held by clips or bands, one beside the other."""
    parts = Parts()
    long, wide = dice.between(64, 80), dice.between(62, 80)
    thick = min(dice.between(9, 20), room[2] * 0.9)
    nx, ny = max(1, int(room[0] * 0.95 // (long + 4))), max(1, int(room[1] * 0.95 // (wide + 4)))
    for i in range(min(nx, dice.whole(1, 3))):
        for j in range(min(ny, dice.whole(1, 2))):
            turn = yaw(dice.between(-0.08, 0.08))
            at = (i * (long + 4) + dice.between(-1, 1), j * (wide + 4), thick / 2)
            parts.box("banknote", at, (long, wide, thick), fill=dice.between(0.85, 1.0), turn=turn)
            fold = parts.rod("banknote", (at[0] + long / 2, at[1], at[2]), thick, wide, axis="y",
                             planes=[(-1.0, 0.0, 0.0, 0.0)])  # fmt: skip
            parts.rod("", (at[0] + long / 2, at[1], at[2]), thick * 0.3, wide, axis="y", inside=fold,
                      planes=[(-1.0, 0.0, 0.0, 0.0)])  # fmt: skip
            metal, size = dice.pick((("stainless", (22.0, 12.0)), ("rubber", (5.0, wide))))
            for level in (-0.6, thick + 0.6):
                parts.box(metal, (at[0], at[1], level), (*size, 1.0))
    return parts.finish("note_wads")


# ivory ------------------------------------------------------------------------------------------------------------


def tusk_piece(dice: Dice, room: Room) -> Item:
    """A length of tusk, curved and tapering, with its pulp cavity; or two."""
    parts = Parts()
    long = min(dice.between(150, 330), room[0] * 0.95)
    d0 = min(dice.between(38, 75), room[2] * 0.95, room[1] * 0.5)
    d1 = d0 * dice.between(0.45, 0.85)
    bend, n = dice.between(0.25, 0.9) * min(1.0, (room[1] - d0) / (0.12 * long + 1)), 9
    hollow = dice.between(0.0, 0.6)
    points, x, y, a = [(0.0, 0.0)], 0.0, 0.0, -bend / 2
    for _ in range(n):
        x, y, a = x + long / n * math.cos(a), y + long / n * math.sin(a), a + bend / (n - 1)
        points.append((x, y))
    widths = [d0 + (d1 - d0) * (i + 0.5) / n for i in range(n)]
    bores = [max(hollow * (1 - i / 4), 0.0) for i in range(n)]
    shapes.bent(
        parts,
        "ivory",
        points,
        widths,
        core="",
        cores=[w * b if b > 0.12 else 0.0 for w, b in zip(widths, bores, strict=True)],
    )
    return parts.finish("tusk_piece")


def ivory_carving(dice: Dice, room: Room) -> Item:
    """A carved figure: a stack of rounded forms on a base."""
    return figure(dice, room, "ivory", "ivory_carving")


def figure(dice: Dice, room: Room, material: str, kind: str) -> Item:
    """A standing figure lying on its back: base, robe, arms, head, perhaps a crown."""
    parts = Parts()
    x = min(dice.between(95, 190), room[0] * 0.95)
    y = min(x * dice.between(0.36, 0.6), room[1] * 0.95)
    z = min(y * dice.between(0.7, 1.0), room[2] * 0.95)
    base = x * dice.between(0.06, 0.12)
    parts.rounded(material, (base / 2, 0.0, 0.0), (base, y * 0.9, z * 0.9), base * 0.3)
    waist, top, broad = dice.between(0.4, 0.52), dice.between(0.72, 0.8), dice.between(0.6, 0.85)
    slim = dice.between(0.42, 0.55)
    profile = ((0.0, 0.86), (0.2, 0.78), (waist, slim), (0.56, 0.5 * (slim + broad)), (0.62, broad), (0.68, broad * 0.94),
               (top - 0.02, 0.5), (top, 0.26))  # fmt: skip
    for (s0, w0), (s1, w1) in pairwise(profile):
        a, b = base + s0 * (x - base), base + s1 * (x - base)
        corners = [(a, -w0 * y / 2), (b, -w1 * y / 2), (b, w1 * y / 2), (a, w0 * y / 2)]
        parts.prism(material, corners, -z * 0.36, z * 0.36)
        for side in (-1, 1):
            shell = 0.5 * (w0 + w1) * y
            parts.ball(material, (0.5 * (a + b), 0.0, side * z * 0.36), (b - a, shell * 0.8, z * 0.2),
                       planes=[(0.0, 0.0, -side, 0.0)])  # fmt: skip
    head = (1 - top) * (x - base) * 0.8
    parts.ball(
        material,
        (base + top * (x - base) + head * 0.42, 0.0, 0.0),
        (head, min(head * 0.8, y * 0.5), min(head * 0.8, z)),
    )
    if dice.chance(0.5):
        parts.rod(material, (base + top * (x - base) + head, 0.0, 0.0), head * 0.5, head * 0.3, axis="x")
    if dice.chance(0.4):
        parts.rod(material, (x * 0.5, y * 0.44, 0.0), max(4.0, y * 0.07), x * 0.85, axis="x")
    return parts.finish(kind)


def ivory_bangles(dice: Dice, room: Room) -> Item:
    """Bangles cut from a tusk, in a row or over each other."""
    parts = Parts()
    d = min(dice.between(62, 92), room[1] * 0.97, room[0] * 0.97)
    high = min(dice.between(9, 26), room[2] * 0.9)
    n = dice.whole(3, 6)
    across = max(1, int(room[0] * 0.97 // (d * 0.55)))
    for i in range(n):
        at = ((i % across) * d * 0.42, dice.between(-0.05, 0.05) * d, (i // across + i % across) * (high + 0.5))
        if at[2] + high > room[2]:
            break
        bangle = parts.rod("ivory", at, d, high)
        parts.rod("", at, d * dice.between(0.72, 0.84), high, inside=bangle)
    return parts.finish("ivory_bangles")


def ivory_blanks(dice: Dice, room: Room) -> Item:
    """Sawn rods and slips, as for name seals and chopsticks."""
    parts = Parts()
    long = min(dice.between(60, 115), room[0] * 0.95)
    d = min(dice.between(12, 26), room[2] * 0.9)
    n = max(2, min(dice.whole(2, 5), int(room[1] * 0.95 // (d + 1.5))))
    n_layers = 2 if room[2] > 2.1 * d and dice.chance(0.5) else 1
    is_round = dice.chance(0.6)
    for k in range(n_layers):
        for i in range(n):
            share, at = dice.between(0.88, 1.0), (dice.between(-4, 4), i * (d + 1.2), k * (d + 0.4))
            if is_round:
                parts.rod("ivory", at, d, long * share, axis="x")
            else:
                parts.rounded("ivory", at, (long * share, d, d), d * 0.2)
    return parts.finish("ivory_blanks")


def ivory_plaques(dice: Dice, room: Room) -> Item:
    """Flat plaques in relief, one or two."""
    parts = Parts()
    x, y = min(dice.between(70, 120), room[0] * 0.95), min(dice.between(48, 80), room[1] * 0.95)
    z = min(dice.between(13, 30), room[2] * 0.6)
    for k in range(2 if room[2] > 2.4 * z and dice.chance(0.5) else 1):
        slab = parts.rounded("ivory", (0.0, 0.0, k * z * 1.3), (x, y, z), dice.between(4, y * 0.4), cuts=2)
        for i in range(12):  # what was cut away, a place each
            if dice.chance(0.4):
                continue
            px, py = x * (-0.3 + 0.2 * (i % 4)), y * (-0.26 + 0.26 * (i // 4))
            size = (x * dice.between(0.06, 0.19), y * dice.between(0.08, 0.24), z * 0.55)
            parts.ball("", (px, py, k * z * 1.3 + z / 2), size, inside=slab, planes=[(0.0, 0.0, 1.0, 0.0)])
    return parts.finish("ivory_plaques")


# fakes ------------------------------------------------------------------------------------------------------------


def add_watch(parts: Parts, dice: Dice, at: Point, angle: float, long: float) -> None:
    """One wrist watch laid out: case with a movement, crystal, crown and a strap of links or leather."""
    c, s = math.cos(angle), math.sin(angle)
    d, thick = dice.between(30, 43), dice.between(7.0, 10.0)
    metal = dice.pick(("stainless", "stainless", "zamak", "brass"))
    case = parts.rod(metal, at, d, thick)
    parts.rod("", at, d * 0.82, thick * 0.8, inside=case)
    parts.rod("brass", at, d * 0.72, thick * 0.3, fill=0.6)
    parts.rod("steel", (at[0] + 4, at[1] - 3, at[2] + thick * 0.25), d * 0.3, thick * 0.15)
    parts.rod(metal, (at[0] - s * d * 0.55, at[1] + c * d * 0.55, at[2]), 5.0, 4.0)
    has_links = dice.chance(0.6)
    n, wide = 9, d * dice.between(0.4, 0.55)
    step = (long - d) / 2 / n
    for side in (-1, 1):
        for i in range(n):
            reach = side * (d / 2 + (i + 0.5) * step)
            middle = (at[0] + c * reach, at[1] + s * reach, at[2] - thick * 0.2)
            stuff, fill = (metal, 0.6) if has_links else ("leather", 1.2)
            share = 0.84 if has_links else 1.0
            parts.box(stuff, middle, (step * share, wide * (1 - 0.02 * i), 3.2), turn=yaw(angle), fill=fill)
    end = d / 2 + n * step
    parts.box(metal, (at[0] + c * end, at[1] + s * end, at[2]), (7.0, wide * 1.1, 3.0), turn=yaw(angle), fill=0.5)


def watches(dice: Dice, room: Room) -> Item:
    """Watches side by side, wrapped for the trade."""
    parts = Parts()
    long = min(dice.between(150, 220), room[0] * 0.95)
    n = max(1, min(dice.whole(2, 5), int(room[1] * 0.97 // 46)))
    for i in range(n):
        add_watch(parts, dice, (dice.between(-6, 6), i * 46.0, 6.0), dice.between(-0.04, 0.04), long)
    parts.box("foam", (0.0, (n - 1) * 23.0, 0.0), (long, n * 46.0, 2.0))
    return parts.finish("watches")


def handbag_hardware(dice: Dice, room: Room) -> Item:
    """A flat handbag with its clasp, chain, rings and zip; all metal in the wrong grade."""
    parts = Parts()
    x, y = min(dice.between(125, 210), room[0] * 0.95), min(dice.between(80, 135), room[1] * 0.9)
    z = min(dice.between(16, 45), room[2] * 0.9)
    metal = dice.pick(("zamak", "brass", "zamak"))
    bag = parts.rounded("leather", (0.0, 0.0, z / 2), (x, y, z), y * 0.2)
    parts.rounded("", (0.0, 0.0, z / 2), (x - 5, y - 5, z - 5), y * 0.2, inside=bag)
    parts.box("paper", (0.0, 0.0, z / 2), (x * 0.7, y * 0.6, (z - 6) * 0.8), fill=0.15, texture=(FOLDS, 0.3))
    parts.bar(metal, (-x * 0.44, y * 0.42), (x * 0.44, y * 0.42), z + 0.9, 5.0, 1.6, fill=0.7)
    parts.rounded(
        metal, (0.0, y * dice.between(0.0, 0.25), z + 1.6), (dice.between(26, 44), dice.between(18, 30), 3.2), 6.0
    )
    n = 16
    for i in range(n):
        t = math.pi * i / n
        at = (x * 0.46 * math.cos(t), -y * 0.1 + y * 0.55 * math.sin(t), z + 2.0)
        link = parts.rod(metal, at, 10.0, 2.4)
        parts.rod("", at, 6.0, 2.4, inside=link)
    for side in (-1, 1):
        parts.ring(metal, (side * x * 0.45, y * 0.05, z + 2.0), 20.0, 3.0, n=8)
    return parts.finish("handbag")


def branded_glasses(dice: Dice, room: Room) -> Item:
    """Sunglasses in rows without cases."""
    parts = Parts()
    x = min(dice.between(128, 148), room[0] * 0.95)
    n = max(1, min(dice.whole(1, 3), int(room[1] * 0.95 // 46)))
    for i in range(n):
        add_glasses(parts, dice, (0.0, i * 46.0, 0.0), x)
    return parts.finish("sunglasses")


def add_glasses(parts: Parts, dice: Dice, at: Point, x: float) -> None:
    """Folded sunglasses: two lenses in rims, bridge, temples with wire cores, hinges."""
    rim = dice.pick(("abs", "abs", "stainless"))
    wide, high = x * 0.38, dice.between(34, 42)
    for side in (-1, 1):
        middle = (at[0] + side * x * 0.25, at[1], at[2] + 3.0)
        frame = parts.rounded(rim, middle, (wide, high, 4.0), high * 0.4, cuts=2)
        edge = 4.0 if rim == "abs" else 2.0
        parts.rounded("", middle, (wide - 2 * edge, high - 2 * edge, 4.0), high * 0.4 - edge, cuts=2, inside=frame)
        parts.rounded("polycarbonate", middle, (wide - 2 * edge, high - 2 * edge, 2.0), high * 0.4 - edge, cuts=2)
        parts.box("steel", (at[0] + side * x * 0.47, at[1] + high * 0.25, at[2] + 3.0), (5.0, 5.0, 5.0), fill=0.7)
        bow = [
            (at[0] + side * x * 0.47, at[1] + high * 0.25),
            (at[0] - side * x * 0.35, at[1] + high * (0.25 - 0.3 * side)),
        ]
        bar = parts.bar("abs", bow[0], bow[1], at[2] + 8.0 + side * 1.5, 7.0, 3.0)
        half_way = (0.5 * (bow[0][0] + bow[1][0]), 0.5 * (bow[0][1] + bow[1][1]))
        parts.bar("stainless", bow[0], half_way, at[2] + 8.0 + side * 1.5,
                  1.6, 1.6, inside=bar)  # fmt: skip
    parts.bar(
        rim, (at[0] - x * 0.06, at[1] + high * 0.2), (at[0] + x * 0.06, at[1] + high * 0.2), at[2] + 3.0, 5.0, 3.0
    )


def perfumes(dice: Dice, room: Room) -> Item:
    """Boxed scent bottles with pump and cap."""
    parts = Parts()
    x, y = min(dice.between(95, 140), room[0] * 0.95), dice.between(50, 72)
    z = min(dice.between(32, 50), room[2] * 0.95)
    n = max(1, min(dice.whole(1, 4), int(room[1] * 0.97 // (y + 2))))
    for i in range(n):
        add_perfume(parts, dice, (0.0, i * (y + 2), z / 2), (x, y, z))
    return parts.finish("perfumes")


def add_perfume(parts: Parts, dice: Dice, at: Point, size: Room) -> None:
    """A scent bottle in its carton."""
    x, y, z = size
    parts.shell("cardboard", at, size, 1.0)
    body, wall = (x * 0.62, y * 0.84, z * 0.8), dice.between(3.0, 6.0)
    middle = (at[0] - x * 0.14, at[1], at[2])
    radius = dice.between(2, body[1] * 0.45)
    outer = parts.rounded("glass", middle, body, radius, cuts=2)
    inner = tuple(side - 2 * wall for side in body)
    parts.rounded("spirits", middle, (inner[0], inner[1], inner[2]), radius, cuts=2, inside=outer)
    parts.rod("aluminium", (at[0] + x * 0.22, at[1], at[2]), z * 0.3, x * 0.08, axis="x", fill=0.5)
    cap = parts.rod(
        dice.pick(("zamak", "polypropylene", "aluminium")),
        (at[0] + x * 0.35, at[1], at[2]),
        z * 0.55,
        x * 0.2,
        axis="x",
    )
    parts.rod("", (at[0] + x * 0.34, at[1], at[2]), z * 0.4, x * 0.16, axis="x", inside=cap)
    parts.wire("polyethylene", (at[0] - x * 0.4, at[1] + 3, at[2]), (at[0] + x * 0.15, at[1], at[2]), 2.0)


def belts(dice: Dice, room: Room) -> Item:
    """Coiled belts with heavy buckles."""
    parts = Parts()
    d = min(dice.between(75, 105), room[0] * 0.45, room[1] * 0.95)
    wide = min(dice.between(26, 40), room[2] * 0.95)
    n = max(1, min(dice.whole(2, 4), int(room[0] // (d * 1.05))))
    for k in range(n):
        add_belt(parts, dice, (k * d * 1.05, 0.0, 0.0), d, wide)
    return parts.finish("belts")


def add_belt(parts: Parts, dice: Dice, at: Point, d: float, wide: float) -> None:
    """A belt rolled up, standing on its edge, with its buckle outside."""
    metal = dice.pick(("zamak", "brass", "stainless"))
    turns, n = dice.whole(2, 3), 14
    pitch = dice.between(4.5, 7.0)
    for turn in range(turns):
        r = d / 2 - turn * pitch
        points = [
            (at[0] + r * math.cos(2 * math.pi * i / n), at[1] + r * math.sin(2 * math.pi * i / n)) for i in range(n + 1)
        ]
        for i in range(n):
            parts.bar("leather", points[i], points[i + 1], at[2] + wide / 2, 3.2, wide, fill=1.15)
    x = at[0] - d * 0.5 - 3.0
    for side in (-1, 1):
        parts.bar(metal, (x, at[1] - 20), (x, at[1] + 20), at[2] + wide / 2 + side * wide * 0.48, 4.0, 4.5)
        parts.rod(metal, (x, at[1] + side * 20, at[2] + wide / 2), 4.5, wide)


# antiquities ------------------------------------------------------------------------------------------------------


def statuette(dice: Dice, room: Room) -> Item:
    """A small figure of bronze, stone or clay."""
    return figure(dice, room, dice.pick(("bronze", "marble", "terracotta", "marble")), "statuette")


def old_coins(dice: Dice, room: Room) -> Item:
    """Struck coins: spread, in rolls and in flips."""
    parts = Parts()
    d = dice.between(15, 27)
    nx, ny = max(2, min(7, int(room[0] * 0.92 // (d * 1.12)))), max(1, min(4, int(room[1] * 0.92 // (d * 1.12))))
    for i in range(nx):
        for j in range(ny):
            at = (i * d * 1.12 + dice.between(-2, 2), j * d * 1.12 + dice.between(-2, 2), 0.0)
            thick = dice.between(1.0, 2.0)
            parts.rod(dice.pick(("silver", "bronze", "bronze", "copper")), at, d * dice.between(0.75, 1.0), thick)
            if dice.chance(0.35):
                parts.rod("bronze", (at[0] + 3, at[1] - 2, thick + 0.5), d * 0.85, thick * 0.8)
    parts.box("paper", (nx * d * 0.5, ny * d * 0.5, -2.0), (nx * d * 1.15, ny * d * 1.15, 0.6))
    return parts.finish("old_coins")


def clay_tablet(dice: Dice, room: Room) -> Item:
    """One or more baked clay tablets or seals, cushion-shaped, their face pressed with signs."""
    parts = Parts()
    x, y = min(dice.between(60, 110), room[0] * 0.8), min(dice.between(45, 80), room[1] * 0.9)
    z = min(dice.between(26, 48), room[2] * 0.95)
    n = 2 if room[0] > 2 * x + 6 and dice.chance(0.4) else 1
    for k in range(n):
        x0 = k * (x + 5)
        slab = shapes.pillow(parts, "terracotta", (x, y, z), dice=dice, at=(x0, 0.0, 0.0), texture=(GRAIN, 0.03))
        rows, cols = dice.whole(3, 5), dice.whole(4, 7)
        for i in range(cols):
            for j in range(rows):
                px, py = ((i + 0.5) / cols - 0.5) * x * 0.72, ((j + 0.5) / rows - 0.5) * y * 0.66
                parts.box(
                    "",
                    (x0 + px, py, z * 0.26),
                    (x * 0.07, 1.8, z * 0.16),
                    inside=slab,
                    turn=yaw(dice.between(-0.8, 0.8)),
                )
    return parts.finish("clay_tablets")


def old_vessel(dice: Dice, room: Room) -> Item:
    """A hollow jar or oil lamp of clay or bronze, lying on its side."""
    parts = Parts()
    d = min(dice.between(55, 120), room[1] * 0.9)
    z = min(d, room[2] * 0.97)
    x = min(d * dice.between(1.2, 1.8), room[0] * 0.95)
    stuff, wall = dice.pick((("terracotta", 8.0), ("bronze", 2.0), ("bronze", 3.0)))
    body = parts.ball(stuff, (0.0, 0.0, 0.0), (x * 0.8, d, z))
    parts.ball("", (0.0, 0.0, 0.0), (x * 0.8 - 2 * wall, d - 2 * wall, z - 2 * wall), inside=body)
    neck = min(d, z) * 0.4
    at = (x * 0.39 + x * 0.1, 0.0, 0.0)
    tube = parts.rod(stuff, at, neck, x * 0.2, axis="x")
    parts.rod("", at, neck - 2 * min(wall, neck * 0.25), x * 0.2, axis="x", inside=tube)
    rim = parts.rod(stuff, (x * 0.6, 0.0, 0.0), neck * 1.25, 5.0, axis="x")
    parts.rod("", (x * 0.6, 0.0, 0.0), neck * 0.8, 5.0, axis="x", inside=rim)
    for side in (-1, 1) if d * 0.2 + d < room[1] else ():
        arc = [(x * 0.5, side * neck * 0.5), (x * 0.48, side * d * 0.42), (x * 0.28, side * d * 0.46)]
        shapes.curve(parts, stuff, arc, 7.0, 7.0)
    return parts.finish("old_vessel")


def icon_panel(dice: Dice, room: Room) -> Item:
    """A painted wooden panel in lead white, with a beaten metal cover and nails."""
    parts = Parts()
    x, y = min(dice.between(80, 140), room[0] * 0.95), min(dice.between(60, 105), room[1] * 0.95)
    z = min(dice.between(14, 26), room[2] * 0.8)
    parts.box("wood", (0.0, 0.0, z / 2), (x, y, z), fill=1.2, texture=(WEAVE, 0.08))
    for px in (-0.25, 0.25):
        parts.box("wood", (px * x, 0.0, -2.5), (14.0, y * 0.9, 5.0))
    metal, thick = dice.pick((("silver", 0.8), ("bronze", 1.6), ("copper", 1.4)))
    cover = parts.box(metal, (0.0, 0.0, z + thick / 2), (x * 0.98, y * 0.98, thick), texture=(COARSE, 0.15))
    parts.rounded("", (x * 0.2, 0.0, z + thick / 2), (x * 0.22, y * 0.24, thick), y * 0.12, cuts=2, inside=cover)
    parts.rounded("", (-x * 0.15, 0.0, z + thick / 2), (x * 0.34, y * 0.4, thick), y * 0.08, cuts=2, inside=cover)
    for i in range(5):
        for side in (-1, 1):
            parts.rod("steel", ((i - 2) * x * 0.23, side * y * 0.46, z - 4.0), 1.8, 10.0)
    return parts.finish("icon_panel")


# shields ----------------------------------------------------------------------------------------------------------

_SHIELDS = (("lead", 0.5, 2.5), ("lead", 0.5, 2.5), ("steel", 3.0, 9.0), ("tungsten", 0.3, 1.4), ("copper", 2.5, 7.0))


def shield_box(dice: Dice, room: Room) -> Item:
    """A closed box of thick sheet around something harmless."""
    parts = Parts()
    metal, low, high = dice.pick(_SHIELDS)
    wall = min(dice.between(low, high), room[2] * 0.24)
    x, y = (side * dice.between(0.4, 0.9) for side in room[:2])
    z = room[2] * dice.between(0.5, 0.95)
    parts.shell(metal, (0.0, 0.0, z / 2), (x, y, z), wall)
    _harmless(parts, dice, (x - 2 * wall, y - 2 * wall, z - 2 * wall), wall)
    return parts.finish("shield_box")


def _harmless(parts: Parts, dice: Dice, room: Room, z0: float) -> None:
    x, y, z = (side * 0.9 for side in room)
    if dice.chance(0.5):
        parts.box("paper", (0.0, 0.0, z0 + z / 2), (x * 0.8, y * 0.8, z * 0.8))
    else:
        shapes.pillow(parts, dice.pick(("sugar", "cotton", "soap")), (x, y, z), dice=dice, at=(0.0, 0.0, z0 + z / 2))


def shield_wrap(dice: Dice, room: Room) -> Item:
    """Something harmless rolled in several layers of metal sheet, flattened."""
    parts = Parts()
    metal, thick = dice.pick(
        (("lead", dice.between(0.3, 1.2)), ("steel", dice.between(1.2, 3.0)), ("tungsten", dice.between(0.15, 0.6)))
    )
    x, y = (side * dice.between(0.4, 0.9) for side in room[:2])
    z = max(room[2] * dice.between(0.5, 0.9) - 4 * thick, 6.0)
    _harmless(parts, dice, (x * 0.9, y * 0.9, z), 0.0)
    for level in (-thick - 0.4, z + 0.4):
        for k in range(2):
            share = dice.between(0.92, 1.0)
            at = (dice.between(-0.02, 0.02) * x, 0.0, level + thick / 2 + (k if level > 0 else -k) * (thick + 0.2))
            parts.box(
                metal, at, (x * share, y * share, thick), texture=(FOLDS, 0.06), turn=yaw(dice.between(-0.03, 0.03))
            )
    for side in (-1, 1):
        parts.box(metal, (0.0, side * y * 0.49, z / 2), (x * 0.9, thick, z))
    return parts.finish("shield_wrap")


def shield_pipe(dice: Dice, room: Room) -> Item:
    """A thick-walled round container with a lid."""
    parts = Parts()
    metal, low, high = dice.pick(_SHIELDS)
    d = min(room[1], room[2]) * dice.between(0.75, 0.97)
    x = min(room[0] * dice.between(0.45, 0.97), 3.5 * d)
    wall = min(dice.between(low, high), d * 0.22)
    outer = parts.rod(metal, (0.0, 0.0, 0.0), d, x, axis="x")
    parts.rod("", (0.0, 0.0, 0.0), d - 2 * wall, x - 2 * wall, axis="x", inside=outer)
    parts.rod(
        dice.pick(("sugar", "paper", "water")), (0.0, 0.0, 0.0), (d - 2 * wall) * 0.8, (x - 2 * wall) * 0.9, axis="x"
    )
    return parts.finish("shield_pipe")


def shield_bricks(dice: Dice, room: Room) -> Item:
    """Metal bars or plates laid close beside and over each other."""
    parts = Parts()
    metal, low, high = dice.pick(_SHIELDS)
    thick = min(dice.between(low, high), room[2] * 0.3)
    nx, ny = dice.whole(2, 4), dice.whole(1, 3)
    x, y = room[0] * dice.between(0.4, 0.9) / nx, room[1] * dice.between(0.4, 0.9) / ny
    for k in range(2):
        for i in range(nx):
            for j in range(ny):
                at = ((i + 0.5 - nx / 2) * x, (j + 0.5 - ny / 2) * y, k * (room[2] * 0.4) + thick / 2)
                parts.box(metal, at, (x - 0.6, y - 0.6, thick))
    _harmless(parts, dice, (x * nx * 0.9, y * ny * 0.9, max(room[2] * 0.4 - thick - 1.0, 4.0)), thick + 0.5)
    return parts.finish("shield_plates")
