"""What mail and parcels lawfully hold: some thirty kinds of goods, each with free proportions.

Every builder takes the dice and the room there is (longest side, middle side, thickness, in mm) and fits into it. Metal
tools, toy guns, sugar bags and note-sized booklets are here on purpose: they are what a threat is mistaken for.
"""

import math
from collections.abc import Callable

from xraybench.simulate.dice import Dice
from xraybench.simulate.items import contraband, shapes, travel
from xraybench.simulate.parts import COARSE, FOLDS, WEAVE, Item, Parts, shrunk, yaw

Room = tuple[float, float, float]
FOOD_POWDERS = (*("sugar", "flour") * 3, *("coffee", "milk_powder") * 2, "salt", "washing_powder")


def _sizes(
    dice: Dice, room: Room, long: tuple[float, float], wide: tuple[float, float], thick: tuple[float, float]
) -> Room:
    """Sizes drawn in the given ranges and cut to the room."""
    return (
        min(dice.between(*long), room[0] * 0.97),
        min(dice.between(*wide), room[1] * 0.97),
        min(dice.between(*thick), room[2] * 0.97),
    )


# paper ------------------------------------------------------------------------------------------------------------


def book(dice: Dice, room: Room) -> Item:
    """A bound book: page block, covers, spine."""
    parts = Parts()
    x, y, z = _sizes(dice, room, (110, 230), (80, 165), (8, 42))
    cover = dice.between(0.3, 2.6)
    pages = dice.pick(("paper", "newsprint", "coated_paper"))
    parts.box(pages, (0.0, 0.0, 0.0), (x - 4, y - 4, z), fill=dice.between(0.9, 1.15), texture=(WEAVE, 0.012))
    if dice.chance(0.3):  # a plate section, a bookmark
        parts.box(
            "coated_paper",
            (dice.between(-0.2, 0.2) * x, 0.0, z * 0.1),
            (x * dice.between(0.1, 0.5), y - 6, 1.2),
            fill=0.4,
        )
    for side in (-1, 1):
        parts.box("cardboard", (0.0, 0.0, side * (z + cover) / 2), (x, y, cover))
    parts.box("cardboard", (0.0, -y / 2, 0.0), (x, cover + 0.5, z))
    return parts.finish("book")


def magazines(dice: Dice, room: Room) -> Item:
    """A few magazines, folded sheets or a calendar, not quite flush, some with staples."""
    parts = Parts()
    x, y, _ = _sizes(dice, room, (170, 290), (120, 210), (3, 12))
    level = 0.0
    for _ in range(dice.whole(1, 4)):
        thick = dice.between(1.5, 7.0)
        if level and level + thick > room[2]:
            break
        turn = yaw(dice.between(-0.06, 0.06))
        parts.box(
            dice.pick(("coated_paper", "newsprint")),
            (dice.between(-5, 5), dice.between(-5, 5), level + thick / 2),
            (x * 0.95, y * 0.93, thick),
            turn=turn,
        )
        for sx in (-1, 1):
            parts.bar("steel", (sx * x * 0.2 - 6, -y * 0.46), (sx * x * 0.2 + 6, -y * 0.46), level + thick, 0.7, 0.7)
        level += thick + 0.3
    return parts.finish("magazines")


def notebook(dice: Dice, room: Room) -> Item:
    """A spiral or bound pocket notebook, sometimes the size of a bundle of notes."""
    parts = Parts()
    x, y, z = _sizes(dice, room, (110, 170), (62, 110), (4, 16))
    parts.box("paper", (0.0, 0.0, 0.0), (x, y, z))
    if dice.chance(0.5):
        n = int(x / 9)
        for i in range(n):
            parts.rod("steel", (-x / 2 + 5 + i * (x - 10) / n, -y / 2, 0.0), 1.2, z + 5)
        parts.rod("steel", (0.0, -y / 2 - 1, z / 2 + 2), 1.2, x, axis="x")
    else:
        parts.box("leather", (0.0, 0.0, z / 2 + 0.8), (x + 4, y + 4, 1.6))
        parts.box("rubber", (x * 0.35, 0.0, z / 2 + 2.0), (6.0, y + 4, 1.2))
    return parts.finish("notebook")


def cards(dice: Dice, room: Room) -> Item:
    """One or more packs of cards, tickets, postcards or booklets, banded or boxed."""
    parts = Parts()
    n = dice.whole(1, 4)
    x, y, z = _sizes(dice, (room[0] / min(n, 2), room[1] / (1 if n < 3 else 2), room[2]), (85, 160), (55, 84), (5, 22))
    material = dice.pick(("coated_paper", "paper", "cardboard"))
    for i in range(n):
        at = ((i % 2) * (x + 3), (i // 2) * (y + 3), 0.0)
        parts.box(material, at, (x, y, z), fill=dice.between(0.9, 1.1))
        if dice.chance(0.5):
            for side in (-1, 1):
                parts.box("paper", (at[0], at[1], side * (z / 2 + 0.2)), (22.0, y, 0.3))
    return parts.finish("cards")


# textile, leather -------------------------------------------------------------------------------------------------


def clothing(dice: Dice, room: Room) -> Item:
    """Folded cloth in a few layers with folds, perhaps buttons or a zip."""
    parts = Parts()
    x, y, z = _sizes(dice, room, (150, 290), (120, 230), (14, 60))
    cloth = dice.pick(("cotton", "cotton", "polyester_cloth"))
    n = dice.whole(2, 4)
    level = 0.0
    for i in range(n):
        thick = z / n
        size = (x * dice.between(0.8, 1.0), y * dice.between(0.75, 1.0), thick)
        at = (dice.between(-0.06, 0.06) * x, dice.between(-0.08, 0.08) * y, level + thick / 2)
        parts.add(
            1 if i == n - 1 and dice.chance(0.4) else 0,
            cloth,
            at,
            size,
            texture=(FOLDS, dice.between(0.12, 0.28)),
            fill=dice.between(0.6, 1.1),
            turn=yaw(dice.between(-0.1, 0.1)),
        )
        level += thick
    trim = dice.unit()
    if trim < 0.45:
        for i in range(dice.whole(3, 7)):
            parts.rod(
                dice.pick(("abs", "abs", "brass")),
                (-0.4 * x + i * 0.13 * x, dice.between(-2, 2), level + 1.2),
                11.0,
                2.2,
            )
    elif trim < 0.7:
        parts.bar(
            "brass", (-x * 0.35, y * 0.1), (x * 0.35, y * dice.between(-0.1, 0.2)), level + 1.0, 5.0, 1.3, fill=0.7
        )
    return parts.finish("clothing")


def shoe(dice: Dice, room: Room) -> Item:
    """One shoe: rubber sole, steel shank, hollow upper with a stiff heel."""
    parts = Parts()
    x, y, z = _sizes(dice, room, (190, 290), (75, 105), (55, 105))
    add_shoe(parts, dice, (x, y, z))
    return parts.finish("shoe")


def add_shoe(parts: Parts, dice: Dice, size: Room) -> int:
    """The shoe around an empty hollow; returns the row of the hollow's leather."""
    x, y, z = size
    sole = min(dice.between(9, 20), z * 0.25)
    parts.box("rubber", (-0.02 * x, 0.0, sole / 2), (x * 0.84, y * 0.82, sole), texture=(WEAVE, 0.06))
    parts.ball("rubber", (x * 0.30, 0.0, sole / 2), (x * 0.4, y, sole * 1.2), planes=[(-1.0, 0.0, 0.0, -x * 0.1)])
    parts.box("rubber", (-x * 0.32, 0.0, -sole * 0.3), (x * 0.24, y * 0.76, sole * 0.9))
    if dice.chance(0.6):
        parts.bar("steel", (-x * 0.25, 0.0), (x * 0.1, 0.0), sole, 14.0, 1.2)
    upper = parts.ball(
        "leather",
        (-0.03 * x, 0.0, sole),
        (x * 0.98, y * 0.96, 2 * (z - sole)),
        planes=[(0.0, 0.0, -1.0, 0.0)],
        fill=1.2,
    )
    parts.ball(
        "",
        (-0.03 * x, 0.0, sole),
        (x * 0.95, y * 0.90, 2 * (z - sole) - 7),
        planes=[(0.0, 0.0, -1.0, 0.0)],
        inside=upper,
    )
    for i in range(4):
        for side in (-1, 1):
            parts.rod("brass", (x * (0.02 + 0.06 * i), side * y * 0.16, z * 0.82 - i * z * 0.05), 5.0, 2.0)
    return upper


def plush(dice: Dice, room: Room) -> Item:
    """A soft toy of stuffed balls with plastic eyes."""
    parts = Parts()
    x, y, z = _sizes(dice, room, (110, 230), (80, 150), (45, 95))
    add_plush(parts, dice, (x, y, z))
    return parts.finish("plush")


def add_plush(parts: Parts, dice: Dice, size: Room) -> int:
    """Body, head and limbs; returns the row of the body's stuffing."""
    x, y, z = size
    body = parts.ball("stuffing", (-0.15 * x, 0.0, 0.0), (x * 0.70, y * 0.8, z), texture=(COARSE, 0.25))
    skin = ("polyester_cloth", (FOLDS, 0.1))
    parts.ball("stuffing", (x * 0.33, 0.0, 0.0), (x * 0.34, y * 0.6, z * 0.8), texture=(COARSE, 0.25))
    for sx in (-0.38, 0.06):
        for sy in (-1, 1):
            parts.ball(
                skin[0],
                (sx * x, sy * y * 0.38, -z * 0.1),
                (x * 0.24, y * 0.2, z * 0.45),
                texture=skin[1],
                fill=0.35,
                turn=yaw(sy * 0.6),
            )
    for sy in (-1, 1):
        parts.ball("abs", (x * 0.40, sy * y * 0.13, z * 0.3), (9.0, 9.0, 6.0))
        parts.ball("stuffing", (x * 0.26, sy * y * 0.28, 0.0), (x * 0.12, y * 0.16, z * 0.3))
    return body


# food and household -----------------------------------------------------------------------------------------------


def food_powder(dice: Dice, room: Room) -> Item:
    """Sugar, flour, coffee, milk or washing powder in bag, brick, sachet or capsules: the same shapes as a narcotic's."""
    pack = dice.pick((*(contraband.powder_brick,) * 4, *(contraband.powder_bag,) * 4, contraband.powder_sachets,
                      contraband.powder_capsules, contraband.powder_rolls))  # fmt: skip
    return pack(dice, room, dice.pick(FOOD_POWDERS), "food_pack")


def bottle(dice: Dice, room: Room) -> Item:
    """A plastic bottle lying down: drink, shampoo or oil, not quite full, round or flat."""
    parts = Parts()
    x, d, z = _sizes(dice, room, (110, 250), (38, 85), (32, 85))
    d = min(d, z * 1.25, x * 0.5)
    z = min(z, d)
    plastic, liquid = dice.pick(
        (("pet", "water"), ("polyethylene", "shampoo"), ("pet", "oil"), ("polyethylene", "cream"))
    )
    wall = dice.between(0.6, 1.6)
    if dice.chance(0.6):
        contraband.bottle_body(parts, dice, plastic, liquid, (x, z), wall=wall, level=dice.between(0.1, 0.6))
        return parts.finish("bottle")
    body, radius = x * dice.between(0.75, 0.85), d * dice.between(0.25, 0.45)
    at = (body / 2, 0.0, 0.0)
    outer = parts.rounded(plastic, at, (body, d, z), radius, cuts=2)
    inner = (body - 2 * wall, d - 2 * wall, z - 2 * wall)
    level = body * dice.between(0.2, 0.38)
    for sign, stuff in ((1.0, liquid), (-1.0, "")):
        cut = [(sign, 0.0, 0.0, sign * level)]
        parts.rounded(stuff, at, inner, radius - wall, cuts=2, inside=outer, planes=cut)
    neck = z * dice.between(0.3, 0.5)
    parts.rod(plastic, (body + (x - body) * 0.15, 0.0, 0.0), neck, (x - body) * 0.3, axis="x", fill=0.6)
    parts.rod("polypropylene", (body + (x - body) * 0.65, 0.0, 0.0), neck * 1.3, (x - body) * 0.7, axis="x", fill=0.7)
    return parts.finish("bottle")


def glass_jar(dice: Dice, room: Room) -> Item:
    """A glass jar with a steel lid, of cream, jam, spice or coffee."""
    parts = Parts()
    d = min(dice.between(45, 88), room[1] * 0.97, room[2] * 0.97)
    x = min(dice.between(55, 125), room[0] * 0.9)
    inside = dice.pick(("cream", "sugar", "coffee", "oil", "water"))
    outer = parts.rod("glass", (0.0, 0.0, 0.0), d, x, axis="x")
    wall = dice.between(2.0, 4.0)
    parts.rod(
        inside, (-wall * 0.3, 0.0, 0.0), d - 2 * wall, x - 2.5 * wall, axis="x", inside=outer, texture=(COARSE, 0.04)
    )
    lid = parts.rod("steel", (x / 2 + 5, 0.0, 0.0), d * 0.93, 10.0, axis="x")
    parts.rod("", (x / 2 + 4.6, 0.0, 0.0), d * 0.93 - 0.7, 9.6, axis="x", inside=lid)
    return parts.finish("glass_jar")


def tin_can(dice: Dice, room: Room) -> Item:
    """A steel can of food, tea or biscuits."""
    parts = Parts()
    d = min(dice.between(52, 100), room[1] * 0.97, room[2] * 0.97)
    x = min(dice.between(40, 125), room[0] * 0.97)
    wall = dice.between(0.18, 0.32)
    metal = dice.pick(("steel", "steel", "aluminium"))
    outer = parts.rod(metal, (0.0, 0.0, 0.0), d, x, axis="x")
    food = parts.rod(
        dice.pick(("cream", "water", "flour", "coffee", "chocolate")),
        (0.0, 0.0, 0.0),
        d - 2 * wall,
        x - 2 * wall,
        axis="x",
        inside=outer,
        fill=dice.between(0.75, 1.05),
        texture=(COARSE, 0.10),
    )
    parts.rod("", (x * 0.45, 0.0, 0.0), d - 2 * wall, x * 0.08, axis="x", inside=food)
    for side in (-1, 1):
        ring = parts.rod(metal, (side * x * 0.495, 0.0, 0.0), d + 2.0, 3.0, axis="x")
        parts.rod("", (side * x * 0.495, 0.0, 0.0), d + 0.2, 3.0, axis="x", inside=ring)
    return parts.finish("tin_can")


def soap(dice: Dice, room: Room) -> Item:
    """One to three bars of soap, wax or chocolate, wrapped."""
    parts = Parts()
    x, y, z = _sizes(dice, room, (60, 160), (40, 80), (9, 32))
    material = dice.pick(("soap", "soap", "chocolate", "wax"))
    n = dice.whole(1, 3)
    for i in range(n):
        at = (0.0, 0.0, i * (z + 1.0))
        if i and at[2] + z > room[2]:
            break
        bar = parts.box(material, at, (x, y, z))
        if material == "chocolate":
            for k in range(1, 5):
                parts.box("", (-x / 2 + k * x / 5, 0.0, at[2] + z * 0.35), (3.0, y, z * 0.3), inside=bar)
            parts.box("aluminium", (0.0, 0.0, at[2] + z / 2), (x + 3, y + 3, 0.03))
        elif material == "soap":
            parts.ball(
                "", (0.0, 0.0, at[2] + z / 2), (x * 0.7, y * 0.6, z * 0.3), inside=bar, planes=[(0.0, 0.0, 1.0, 0.0)]
            )
        parts.box("cardboard", (0.0, 0.0, at[2] - z / 2 - 0.3), (x + 4, y + 4, 0.5))
    return parts.finish("soap")


def candles(dice: Dice, room: Room) -> Item:
    """A row of candles with wicks, or tea lights in aluminium cups."""
    parts = Parts()
    if dice.chance(0.5) and room[2] > 17:
        for i in range(dice.whole(4, 12)):
            at = ((i % 4) * 40.0, (i // 4) * 40.0, 8.0)
            cup = parts.rod("aluminium", at, 38.0, 16.0, fill=1.0)
            parts.rod("wax", (at[0], at[1], at[2] + 0.3), 37.4, 15.4, inside=cup)
            parts.rod("steel", (at[0], at[1], 2.0), 10.0, 0.4)
        return parts.finish("tea_lights")
    x, d = min(dice.between(100, 240), room[0] * 0.97), min(dice.between(18, 50), room[2] * 0.97)
    n = max(1, min(dice.whole(1, 5), int(room[1] // (d + 1))))
    for i in range(n):
        parts.rod("wax", (0.0, i * (d + 1.5), 0.0), d, x, axis="x", fill=1.0)
        parts.rod("cotton", (4.0, i * (d + 1.5), 0.0), 2.0, x + 8, axis="x")
    return parts.finish("candles")


def cosmetics(dice: Dice, room: Room) -> Item:
    """Tubes, cream pots and lipsticks."""
    parts = Parts()
    y = 0.0
    for _ in range(dice.whole(1, 4)):
        style = dice.unit()
        d = min(dice.between(18, 50), room[2] * 0.95)
        if y + d > room[1]:
            break
        if style < 0.4:
            x = min(dice.between(80, 150), room[0] * 0.95)
            shapes.pillow(
                parts, dice.pick(("cream", "shampoo")), (x, d, d * 0.7), dice=dice, at=(0.0, y + d / 2, d * 0.35)
            )
            parts.rod("polypropylene", (x / 2 + 8, y + d / 2, d * 0.35), d * 0.55, 16.0, axis="x")
        elif style < 0.75:
            d = min(d * 1.2, room[2] * 0.95)
            pot = parts.rod(dice.pick(("glass", "polypropylene")), (0.0, y + d / 2, d * 0.3), d, d * 0.6)
            parts.rod("cream", (0.0, y + d / 2, d * 0.3), d * 0.78, d * 0.42, inside=pot)
        else:
            for i in range(3):
                stick = parts.rod("aluminium", (i * 20.0, y + 30, 10.0), 18.0, 60.0, axis="y")
                parts.rod("wax", (i * 20.0, y + 30, 10.0), 14.0, 56.0, axis="y", inside=stick)
            d = 60.0
        y += d + 3
    if not len(parts):
        shapes.pillow(parts, "cream", (min(90, room[0]), min(28, room[1]), min(18, room[2])), dice=dice)
    return parts.finish("cosmetics")


def mug(dice: Dice, room: Room) -> Item:
    """A ceramic mug lying on its side, or a small vase."""
    parts = Parts()
    d = min(dice.between(55, 90), room[1] * 0.8, room[2] * 0.97)
    x, wall = min(dice.between(60, 120), room[0] * 0.97), dice.between(3.5, 6.0)
    outer = parts.rod("ceramic", (0.0, 0.0, 0.0), d, x, axis="x")
    parts.rod("", (wall, 0.0, 0.0), d - 2 * wall, x - wall, axis="x", inside=outer)
    shapes.arch(parts, "ceramic", (-0.32 * x, -0.5 * d), (0.32 * x, -0.5 * d), d * 0.32, 9.0, 9.0)
    return parts.finish("mug")


# electronics ------------------------------------------------------------------------------------------------------


def phone(dice: Dice, room: Room) -> Item:
    """A phone: aluminium rim, glass, battery, board, camera, coil."""
    parts = Parts()
    x, y, z = _sizes(dice, room, (120, 165), (60, 80), (7, 11))
    add_slab(parts, dice, (x, y, z))
    parts.rod("glass", (x * 0.40, y * 0.28, 0.0), 11.0, z)
    parts.ring("copper", (-x * 0.05, 0.0, z * 0.3), min(42.0, y * 0.6), 1.2, n=12)
    return parts.finish("phone")


def add_slab(parts: Parts, dice: Dice, size: Room) -> None:
    """A flat device: rim, screen, one battery, one board."""
    x, y, z = size
    radius = y * dice.between(0.06, 0.16)
    case = parts.rounded(dice.pick(("aluminium", "abs")), (0.0, 0.0, 0.0), (x, y, z), radius, cuts=2)
    hollow = (x - 4, y - 4, z - 2)
    parts.rounded("", (0.0, 0.0, 0.0), hollow, radius - 1.5, cuts=2, inside=case)
    parts.rounded("glass", (0.0, 0.0, z / 2 - 0.6), (x - 4, y - 4, 0.9), radius - 1.5, cuts=2)
    bx, by = x * dice.between(0.38, 0.5), y * dice.between(0.6, 0.86)
    parts.box("liion", (-x * 0.12, y * 0.04, -0.5), (bx, by, z - 3.0))
    shapes.board(parts, dice, (x * 0.30, 0.0, -z / 2 + 2.0), (x * 0.3, y * 0.85), n_chips=7)
    parts.box("pcb", (-x * 0.44, 0.0, -z / 2 + 2.0), (x * 0.07, y * 0.7, 1.0))
    parts.box("stainless", (-x * 0.48, 0.0, 0.0), (6.0, 9.0, 2.6), fill=0.5)


def tablet(dice: Dice, room: Room) -> Item:
    """A tablet, reader or thin laptop base with two or three flat cells."""
    parts = Parts()
    x, y, z = _sizes(dice, room, (160, 290), (110, 210), (8, 18))
    case = parts.rounded(dice.pick(("aluminium", "magnesium_alloy", "abs")), (0.0, 0.0, 0.0), (x, y, z), 9.0, cuts=2)
    parts.rounded("", (0.0, 0.0, 0.0), (x - 3, y - 3, z - 2.6), 7.5, cuts=2, inside=case)
    parts.box("glass", (0.0, 0.0, z / 2 - 0.5), (x - 6, y - 6, 0.8))
    n = dice.whole(2, 3)
    for i in range(n):
        parts.box("liion", (-x * 0.3 + i * x * 0.6 / max(1, n - 1) * 0.8, -y * 0.2, 0.0), (x * 0.24, y * 0.42, z - 4.0))
    shapes.board(parts, dice, (x * 0.05, y * 0.24, -z / 2 + 2.4), (x * 0.7, y * 0.3), n_chips=14)
    shapes.screws(parts, (0.0, 0.0, 0.0), (x, y), long=z * 0.8)
    if dice.chance(0.4):
        parts.rod("copper", (x * 0.36, y * 0.2, 0.0), min(38.0, y * 0.25), min(5.0, z * 0.5), fill=0.4)
    return parts.finish("tablet")


def charger(dice: Dice, room: Room) -> Item:
    """A mains charger with transformer, capacitors, pins and a coiled cable."""
    parts = Parts()
    x, y, z = _sizes(dice, room, (45, 90), (32, 52), (18, 34))
    parts.shell("abs", (0.0, 0.0, z / 2), (x, y, z), 2.2, radius=y * dice.between(0.08, 0.3))
    parts.box("copper", (-x * 0.1, 0.0, z * 0.45), (x * 0.3, y * 0.5, z * 0.6), fill=0.55)
    parts.box("iron", (-x * 0.1, 0.0, z * 0.45), (x * 0.12, y * 0.62, z * 0.55), fill=0.6)
    shapes.board(parts, dice, (0.0, 0.0, 4.0), (x * 0.85, y * 0.8), n_chips=5)
    parts.rod("aluminium", (x * 0.25, y * 0.1, z * 0.45), 11.0, z * 0.6, fill=0.6)
    for side in (-1, 1):
        parts.rod("brass", (-x / 2 - 9, side * 9.0, z / 2), 4.2, 19.0, axis="x")
    radius = min(dice.between(26, 42), room[1] * 0.45)
    if room[0] > x + 2.4 * radius + 20:
        shapes.cable(
            parts,
            dice,
            radius,
            turns=dice.whole(1, 3),
            at=(x / 2 + radius * 1.15, 0.0, 0.0),
            thick=dice.between(3.0, 5.0),
        )
    return parts.finish("charger")


def cables(dice: Dice, room: Room) -> Item:
    """A coil of cable with two plugs."""
    parts = Parts()
    radius = min(dice.between(28, 62), room[1] * 0.48, room[0] * 0.45)
    shapes.cable(parts, dice, radius, turns=dice.whole(2, 4), thick=dice.between(3.0, 6.0))
    for side in (-1, 1):
        at = (side * radius * 0.4, radius * dice.between(0.1, 0.5), 4.0)
        turn = yaw(dice.between(-1, 1))
        plug = parts.box("pvc", at, (26.0, 12.0, 7.0), turn=turn)
        parts.box("stainless", at, (14.0, 9.0, 4.0), fill=0.5, inside=plug, turn=turn)
    return parts.finish("cables")


def device(dice: Dice, room: Room) -> Item:
    """A box with electronics: radio, router, disk, camera, speaker, power bank or remote control."""
    parts = Parts()
    x, y, z = _sizes(dice, room, (90, 200), (50, 130), (18, 55))
    add_device(parts, dice, (x, y, z), dice.pick(("router", "speaker", "power_bank", "camera", "remote")))
    return parts.finish("device")


def add_device(parts: Parts, dice: Dice, size: Room, style: str) -> None:
    """Housing and innards of a device of this style, standing on z = 0."""
    x, y, z = size
    parts.shell(
        dice.pick(("abs", "abs", "aluminium")) if style != "remote" else "abs",
        (0.0, 0.0, z / 2),
        size,
        dice.between(1.6, 2.6),
        radius=y * dice.between(0.03, 0.3),
    )
    shapes.board(parts, dice, (0.0, 0.0, 4.5), (x * 0.85, y * 0.82), n_chips=10)
    shapes.screws(parts, (0.0, 0.0, z * 0.4), (x, y), long=min(14.0, z * 0.6))
    top = z - 10
    if style == "speaker" and top > 8:
        d = min(y * 0.7, x * 0.45)
        parts.rod("magnet", (x * 0.2, 0.0, z * 0.5), d * 0.6, min(14.0, top * 0.6))
        parts.rod("steel", (x * 0.2, 0.0, z * 0.5 + min(14.0, top * 0.6) / 2), d, 1.0)
        parts.ring("copper", (x * 0.2, 0.0, z * 0.5), d * 0.5, 2.0)
    elif style == "power_bank" and top > 9:
        d = min(18.2, top)
        for i in range(max(1, int(y * 0.85 // (d + 1)))):
            can = parts.rod("steel", (0.0, -y * 0.4 + d / 2 + i * (d + 1), z * 0.55), d, min(65.0, x * 0.8), axis="x")
            parts.rod(
                "liion",
                (0.0, -y * 0.4 + d / 2 + i * (d + 1), z * 0.55),
                d - 0.5,
                min(65.0, x * 0.8) - 0.5,
                axis="x",
                inside=can,
            )
    elif style == "camera":
        d = min(y * 0.6, x * 0.5)
        for share in (1.0, 0.8, 0.6):
            parts.rod("glass", (0.0, 0.0, z * (0.4 + 0.25 * share)), d * share, 5.0)
        ring = parts.rod("aluminium", (0.0, 0.0, z * 0.55), d * 1.15, z * 0.5)
        parts.rod("", (0.0, 0.0, z * 0.55), d * 1.02, z * 0.5, inside=ring)
        parts.box("liion", (x * 0.36, 0.0, z * 0.5), (x * 0.14, y * 0.6, top * 0.8))
    elif style == "remote":
        for i in range(2):
            shapes.cell(
                parts, (-x * 0.2 if i else x * 0.25, 0.0, 12.0), diameter=min(10.5, top), length=min(44.0, x * 0.4)
            )
    else:
        parts.box("copper", (-x * 0.3, 0.0, z * 0.5), (x * 0.16, y * 0.3, top * 0.5), fill=0.5)
        parts.box("aluminium", (x * 0.1, y * 0.1, 7.5), (x * 0.25, y * 0.3, 5.0), fill=0.5)


def headphones(dice: Dice, room: Room) -> Item:
    """Headphones: band, two cups with magnets, cable."""
    parts = Parts()
    r = min(dice.between(55, 78), room[0] * 0.45, room[1] * 0.5)
    for i in range(10):
        a, b = math.pi * i / 10, math.pi * (i + 1) / 10
        pa, pb = (r * math.cos(a), r * math.sin(a)), (r * math.cos(b), r * math.sin(b))
        parts.bar("abs", pa, pb, 12.0, 14.0, 5.0)
        parts.bar("steel", pa, pb, 12.0, 4.0, 1.2)
    for side in (-1, 1):
        cup = min(66.0, r * 1.0)
        parts.rod("abs", (side * r, -4.0, 12.0), cup, min(24.0, room[2]), fill=0.35)
        parts.rod("magnet", (side * r, -4.0, 10.0), cup * 0.36, 6.0)
        parts.ring("copper", (side * r, -4.0, 14.0), cup * 0.45, 1.4)
        parts.rod("foam", (side * r, -4.0, 20.0), cup, 10.0)
    return parts.finish("headphones")


def batteries(dice: Dice, room: Room) -> Item:
    """A blister of round cells side by side."""
    parts = Parts()
    d, long = dice.pick(((10.5, 44.0), (14.2, 50.0), (14.2, 50.0), (26.0, 50.0)))
    d = min(d, room[2] * 0.97)
    n = max(2, min(dice.whole(2, 10), int(room[0] * 0.95 // (d + 0.8))))
    for i in range(n):
        shapes.cell(parts, (i * (d + 0.8), 0.0, d / 2), diameter=d, length=long, angle=math.pi / 2)
    parts.box("cardboard", (n * d / 2, 0.0, -0.5), (n * (d + 1) + 16, long + 30, 0.8))
    return parts.finish("batteries")


# metal goods ------------------------------------------------------------------------------------------------------


def tools(dice: Dice, room: Room) -> Item:
    """Spanners, screwdrivers, pliers, sockets, chisels: dense, long, blade-like."""
    parts = Parts()
    length = min(dice.between(110, 240), room[0] * 0.95)
    y = 0.0
    for _ in range(dice.whole(1, 4)):
        if y > room[1] * 0.8:
            break
        style = dice.unit()
        if style < 0.35:
            shapes.spanner(parts, dice, length * dice.between(0.7, 1.0), at=(0.0, y, 3.0))
        elif style < 0.7:
            handle, tip = length * 0.42, length * 0.55
            parts.rod(
                dice.pick(("abs", "wood")),
                (-length * 0.25, y, 10.0),
                dice.between(18, 28) if room[2] > 28 else room[2] * 0.9,
                handle,
                axis="x",
            )
            parts.rod("steel", (length * 0.22, y, 10.0), dice.between(4, 8), tip, axis="x")
        elif style < 0.85:
            for side in (-1, 1):
                parts.bar("steel", (-length * 0.05, y), (length * 0.32, y + side * 3.0), 5.0, 9.0, 8.0)
                parts.bar("steel", (-length * 0.05, y), (-length * 0.6, y + side * 22.0), 5.0, 8.0, 7.0)
                parts.bar("pvc", (-length * 0.2, y + side * 8.0), (-length * 0.6, y + side * 22.0), 5.0, 14.0, 11.0)
            parts.rod("steel", (-length * 0.05, y, 5.0), 20.0, 12.0)
        else:
            parts.bar("steel", (-length * 0.5, y), (length * 0.2, y), 3.0, dice.between(16, 30), dice.between(0.8, 4.0))
            parts.bar("wood", (length * 0.2, y), (length * 0.5, y), 8.0, 26.0, min(18.0, room[2]))
        y += dice.between(24, 40)
    return parts.finish("tools")


def keys(dice: Dice, room: Room) -> Item:
    """A bunch of keys on a ring with a fob."""
    parts = Parts()
    parts.ring("steel", (0.0, 0.0, 4.0), 26.0, 2.0)
    for i in range(dice.whole(3, 7)):
        a = dice.between(0, 2 * math.pi)
        c, s = math.cos(a), math.sin(a)
        metal = dice.pick(("brass", "steel", "zamak"))
        z, reach = 2.5 + 2.2 * i, dice.between(38, 62)
        head = parts.rod(metal, (c * 24, s * 24, z), 22.0, 2.2)
        parts.rod("", (c * 16, s * 16, z), 5.0, 2.2, inside=head)
        parts.bar(metal, (c * 32, s * 32), (c * (24 + reach), s * (24 + reach)), z, 7.5, 2.2)
    if dice.chance(0.5):
        parts.box("abs", (-26.0, 10.0, 6.0), (44.0, 24.0, min(11.0, room[2])), turn=yaw(0.5))
        parts.box("pcb", (-26.0, 10.0, 6.0), (36.0, 18.0, 1.5), turn=yaw(0.5))
    return parts.finish("keys")


def cutlery(dice: Dice, room: Room) -> Item:
    """Spoons, forks and butter knives of stainless steel, or a steel ruler."""
    parts = Parts()
    length = min(dice.between(120, 215), room[0] * 0.95)
    for i in range(dice.whole(1, 5)):
        y, thick = i * dice.between(16, 30), dice.between(1.5, 3.0)
        if y > room[1] * 0.9:
            break
        parts.bar("stainless", (-length * 0.5, y), (length * 0.2, y), 2.0, dice.between(8, 14), thick)
        style = dice.unit()
        if style < 0.4:
            parts.ball("stainless", (length * 0.32, y, 2.0), (length * 0.3, 36.0, thick * 1.2))
        elif style < 0.7:
            parts.bar("stainless", (length * 0.2, y), (length * 0.32, y), 2.0, 24.0, thick)
            for k in (-9, -3, 3, 9):
                parts.bar("stainless", (length * 0.32, y + k), (length * 0.5, y + k), 2.0, 2.8, thick)
        else:
            parts.bar("stainless", (length * 0.2, y), (length * 0.5, y), 2.0, 19.0, thick * 0.7)
    return parts.finish("cutlery")


def appliance(dice: Dice, room: Room) -> Item:
    """A pistol-shaped appliance: drill, hair dryer, glue gun, with motor, grip and trigger."""
    parts = Parts()
    x = min(dice.between(120, 220), room[0] * 0.95)
    d = min(x * dice.between(0.20, 0.30), room[2] * 0.97)
    lean = math.radians(dice.between(5, 22))
    body = parts.rod("abs", (0.0, 0.0, 0.0), d, x, axis="x")
    parts.rod("", (0.0, 0.0, 0.0), d - 5, x - 5, axis="x", inside=body)
    motor = parts.rod("iron", (-x * 0.18, 0.0, 0.0), d * 0.68, x * 0.26, axis="x", fill=0.7)
    parts.rod("copper", (-x * 0.18, 0.0, 0.0), d * 0.5, x * 0.22, axis="x", inside=motor, fill=0.6)
    parts.rod("steel", (x * 0.12, 0.0, 0.0), d * 0.22, x * 0.36, axis="x")
    if dice.chance(0.6):
        parts.rod("steel", (x * 0.48, 0.0, 0.0), d * 0.45, x * 0.16, axis="x", fill=0.6)
    grip, deep = x * dice.between(0.42, 0.62), d * dice.between(0.55, 0.75)
    dx = grip * math.sin(lean)
    corners = [(-x * 0.2 - dx, -grip), (-x * 0.2 - dx + deep, -grip), (-x * 0.2 + deep, -d * 0.4), (-x * 0.2, -d * 0.4)]
    handle = parts.prism("abs", corners, -d * 0.3, d * 0.3)
    well = (-x * 0.2 + deep * 0.5 - dx * 0.5, -(grip + d * 0.4) * 0.5)
    parts.box("", (*well, 0.0), (deep * 0.7, grip * 0.75, d * 0.48), turn=yaw(-lean), inside=handle)
    if dice.chance(0.5):
        parts.box("liion", (well[0] - dx * 0.3, -grip * 0.9, 0.0), (deep * 0.8, grip * 0.25, d * 0.5), turn=yaw(-lean))
    parts.box("pcb", (*well, 0.0), (deep * 0.4, grip * 0.4, 3.0), turn=yaw(-lean))
    parts.bar("abs", (-x * 0.2 + deep + 6, -d * 0.5), (-x * 0.2 + deep + 2, -d * 0.5 - 22), 0.0, 8.0, 12.0)
    return parts.finish("appliance")


def toy_gun(dice: Dice, room: Room) -> Item:
    """A plastic toy pistol: the shape of a pistol, thin walls, few screws and a spring."""
    parts = Parts()
    x = min(dice.between(120, 205), room[0] * 0.95)
    tall, wide = x * 0.15, min(dice.between(20, 30), room[2] * 0.97)
    parts.shell("abs", (x * 0.5, tall * 0.5, 0.0), (x, tall, wide), dice.between(1.8, 3.0))
    lean, grip, deep = math.radians(dice.between(10, 22)), x * 0.5, x * 0.28
    dx = grip * math.sin(lean)
    handle = parts.prism("abs", [(-dx, -grip), (deep - dx, -grip), (deep, 0.0), (0.0, 0.0)], -wide * 0.45, wide * 0.45)
    parts.box(
        "",
        (deep * 0.5 - dx * 0.5, -grip * 0.5, 0.0),
        (deep * 0.65, grip * 0.8, wide * 0.7),
        turn=yaw(-lean),
        inside=handle,
    )
    guard = x * 0.22
    shapes.arch(parts, "abs", (deep * 1.02, 0.0), (deep + guard * 1.15, 0.0), guard * 0.7, 4.0, wide * 0.5)
    shapes.curve(parts, "abs", [(deep + guard * 0.5, 0.0), (deep + guard * 0.52, -guard * 0.3),
                                (deep + guard * 0.4, -guard * 0.5)], 5.0, 8.0)  # fmt: skip
    shapes.spring(parts, (x * 0.4, tall * 0.5, 0.0), x * 0.4, 7.0)
    for px, py in ((0.1, 0.5), (0.55, 0.2), (0.9, 0.5)):
        parts.rod("steel", (px * x, py * tall, 0.0), 3.0, 11.0)
    if dice.chance(0.5):
        parts.box("zamak", (x * 0.35, tall * 0.3, 0.0), (x * 0.2, 8.0, 8.0))
    return parts.finish("toy_gun")


def toy_car(dice: Dice, room: Room) -> Item:
    """A die-cast or plastic toy car with axles and wheels."""
    parts = Parts()
    x = min(dice.between(70, 190), room[0] * 0.95)
    y, z = min(x * 0.42, room[1] * 0.9), min(x * 0.34, room[2] * 0.97)
    parts.shell(dice.pick(("zamak", "abs", "abs")), (0.0, 0.0, z * 0.4), (x, y, z * 0.4), dice.between(0.8, 1.6),
                radius=y * dice.between(0.2, 0.5))  # fmt: skip
    parts.shell("abs", (-x * 0.05, 0.0, z * 0.78), (x * 0.5, y * 0.85, z * 0.36), 1.6, radius=y * 0.25)
    for sx in (-0.32, 0.32):
        parts.rod("steel", (sx * x, 0.0, z * 0.2), 2.5, y, axis="y")
        for sy in (-1, 1):
            parts.rod("rubber", (sx * x, sy * y * 0.46, z * 0.2), z * 0.42, y * 0.16, axis="y")
    if dice.chance(0.5):
        parts.rod("iron", (-x * 0.3, 0.0, z * 0.4), z * 0.3, x * 0.16, axis="x", fill=0.8)
        for side in (-1, 1):
            shapes.cell(parts, (x * 0.1, side * 8.0, z * 0.4), diameter=min(14.0, z * 0.35), length=x * 0.3)
    return parts.finish("toy_car")


def jewellery(dice: Dice, room: Room) -> Item:
    """A small box with rings, a chain and stones, or a watch."""
    parts = Parts()
    side = min(dice.between(60, 110), room[1] * 0.95)
    z = min(dice.between(22, 40), room[2] * 0.97)
    parts.shell("cardboard", (0.0, 0.0, z / 2), (side, side, z), 2.5)
    parts.box("foam", (0.0, 0.0, z * 0.35), (side - 6, side - 6, z * 0.5))
    metal = dice.pick(("gold", "silver", "brass"))
    if dice.chance(0.4):
        parts.rod("stainless", (0.0, 0.0, z * 0.6), 36.0, min(9.0, z * 0.3), fill=0.5)
        for k in range(-5, 6):
            if abs(k) > 1:
                parts.box("stainless", (k * side * 0.075, 0.0, z * 0.6), (side * 0.06, 16.0, 2.6), fill=0.6)
        return parts.finish("watch")
    for _ in range(dice.whole(1, 3)):
        at = (dice.between(-0.25, 0.25) * side, dice.between(-0.25, 0.25) * side, z * 0.6)
        parts.ring(metal, at, dice.between(16, 22), dice.between(1.4, 3.0))
        parts.ball("gemstone", (at[0] + 9, at[1], at[2]), (6.0, 6.0, 4.0))
    x, y, a = -side * 0.3, -side * 0.3, 0.5
    for _ in range(16):
        nx, ny = x + 6 * math.cos(a), y + 6 * math.sin(a)
        if max(abs(nx), abs(ny)) < side * 0.42:
            parts.wire(metal, (x, y, z * 0.5), (nx, ny, z * 0.5), 1.6)
            x, y = nx, ny
        a += dice.between(-1.0, 1.2)
    return parts.finish("jewellery")


def fittings(dice: Dice, room: Room) -> Item:
    """A tap, door handle, hinge or bracket: massive zinc, brass or steel."""
    parts = Parts()
    x = min(dice.between(90, 180), room[0] * 0.95)
    d = min(dice.between(14, 28), room[2] * 0.97)
    metal = dice.pick(("zamak", "brass", "steel", "aluminium"))
    style = dice.unit()
    if style < 0.45:
        tube = parts.rod(metal, (0.0, 0.0, d / 2), d, x, axis="x")
        parts.rod("", (0.0, 0.0, d / 2), d * dice.between(0.3, 0.8), x, axis="x", inside=tube)
        parts.bar(metal, (-x * 0.35, 0.0), (-x * dice.between(0.3, 0.5), -x * 0.42), d / 2, d * 0.9, d * 0.7)
        parts.rod(metal, (-x * 0.35, 0.0, d / 2), d * 1.5, d)
    elif style < 0.75:
        thick = dice.between(2.0, 5.0)
        plate = parts.box(metal, (0.0, 0.0, thick / 2), (x, min(d * 1.6, room[1]), thick))
        for k in (-0.4, -0.15, 0.15, 0.4):
            parts.rod("", (k * x, 0.0, thick / 2), 6.0, thick, inside=plate)
        parts.rod(metal, (0.0, min(d * 0.8, room[1] / 2), d * 0.3), min(9.0, d * 0.6), x, axis="x")
    else:
        thick = dice.between(2.0, 4.0)
        parts.bar(metal, (-x * 0.4, 0.0), (x * 0.4, 0.0), thick / 2, d * 1.2, thick)
        parts.bar(metal, (-x * 0.4, 0.0), (-x * 0.4, min(x * 0.6, room[1] * 0.8)), thick / 2, d * 1.2, thick)
    for _ in range(dice.whole(0, 6)):
        parts.rod(
            "steel",
            (dice.between(-0.4, 0.4) * x, dice.between(0.3, 0.6) * d * 2, d * 0.4),
            4.0,
            dice.between(16, 35),
            axis="x",
        )
    return parts.finish("fittings")


GOODS: dict[str, Callable[[Dice, Room], Item]] = {
    "book": book,
    "magazines": magazines,
    "notebook": notebook,
    "cards": cards,
    "clothing": clothing,
    "shoe": shoe,
    "plush": plush,
    "food_powder": food_powder,
    "bottle": bottle,
    "glass_jar": glass_jar,
    "tin_can": tin_can,
    "soap": soap,
    "candles": candles,
    "cosmetics": cosmetics,
    "mug": mug,
    "phone": phone,
    "tablet": tablet,
    "charger": charger,
    "cables": cables,
    "device": device,
    "headphones": headphones,
    "batteries": batteries,
    "tools": tools,
    "keys": keys,
    "cutlery": cutlery,
    "appliance": appliance,
    "toy_gun": toy_gun,
    "toy_car": toy_car,
    "jewellery": jewellery,
    "fittings": fittings,
    "rolled_clothes": travel.rolled_clothes,
    "folded_clothes": travel.folded_clothes,
    "jeans": travel.jeans,
    "socks": travel.socks,
    "towel": travel.towel,
    "shoes": travel.shoes,
    "wash_bag": travel.wash_bag,
    "laptop": travel.laptop,
    "umbrella": travel.umbrella,
    "hair_dryer": travel.hair_dryer,
    "shaver": travel.shaver,
    "belt": travel.belt,
    "glasses": travel.glasses,
    "wallet": travel.wallet,
    "medicine": travel.medicine,
    "glass_bottle": travel.wine,
    "perfume": travel.perfume,
    "souvenir": travel.souvenir,
    "stationery": travel.stationery,
    "game_pad": travel.game_pad,
    "keyboard": travel.keyboard,
    "lens": travel.lens,
    "toy_bricks": travel.bricks,
    "fruit": travel.fruit,
    "food_box": travel.food_box,
    "knife_block": travel.knife_block,
    "sugar_packs": travel.sugar_packs,
    "lamp": travel.lamp,
    "stones": travel.stones,
}


# how often each is packed: plain goods more often than massive metal
_WEIGHTS = {
    6: ("book", "magazines", "notebook", "cards", "clothing", "soap", "candles", "cosmetics", "plush", "bottle"),
    4: ("food_powder", "phone", "tablet", "charger", "cables", "device", "headphones", "glass_jar", "tin_can", "mug",
        "shoe", "toy_car", "medicine", "toy_bricks", "socks", "folded_clothes", "perfume", "souvenir", "glasses"),
    2: ("stationery", "game_pad", "belt", "wallet", "shaver", "fruit", "food_box", "lamp", "rolled_clothes", "lens",
        "sugar_packs", "glass_bottle"),
    1: ("toy_gun", "jewellery", "batteries", "tools", "keys", "cutlery", "appliance", "fittings", "keyboard", "stones",
        "knife_block", "umbrella", "hair_dryer"),
}  # fmt: skip
_TRAVEL_WEIGHTS = {
    14: ("folded_clothes", "rolled_clothes"),
    8: ("jeans", "socks", "clothing", "shoes"),
    5: ("wash_bag", "towel", "book", "charger", "cosmetics", "bottle", "device"),
    3: ("magazines", "laptop", "tablet", "cables", "headphones", "umbrella", "hair_dryer", "shaver", "belt", "glasses",
        "souvenir", "medicine", "perfume", "glass_bottle", "food_powder", "plush", "tin_can", "glass_jar"),
    2: ("wallet", "phone", "lens", "game_pad", "fruit", "food_box", "toy_bricks", "toy_car", "cards", "notebook",
        "stationery", "soap", "keys", "mug", "stones"),
    1: ("toy_gun", "jewellery", "batteries", "tools", "cutlery", "appliance", "fittings", "keyboard", "lamp",
        "knife_block", "sugar_packs", "candles"),
}  # fmt: skip
_TOO_THICK_FOR_ENVELOPE = (
    "shoe", "plush", "bottle", "glass_jar", "tin_can", "mug", "headphones", "charger", "device", "toy_gun", "toy_car",
    "appliance", "candles", "socks", "rolled_clothes", "glass_bottle", "food_box", "fruit", "lamp", "lens", "shaver",
    "hair_dryer", "knife_block", "umbrella", "perfume", "game_pad", "toy_bricks", "sugar_packs",
)  # fmt: skip
_TOO_THICK_FOR_MAIL = (
    "shoe", "glass_jar", "tin_can", "mug", "headphones", "glass_bottle", "food_box", "hair_dryer", "knife_block",
    "umbrella", "keyboard", "rolled_clothes",
)  # fmt: skip


def _weighted(weights: dict[int, tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(kind for weight, kinds in weights.items() for kind in kinds for _ in range(weight))


IN_PARCELS = _weighted(_WEIGHTS)
IN_MAIL = tuple(kind for kind in IN_PARCELS if kind not in _TOO_THICK_FOR_MAIL)
IN_ENVELOPES = tuple(kind for kind in IN_MAIL if kind not in _TOO_THICK_FOR_ENVELOPE)
IN_BAGS = _weighted(_TRAVEL_WEIGHTS)
SMALL_IN_BAGS = tuple(
    kind for kind in IN_BAGS if kind not in ("folded_clothes", "rolled_clothes", "jeans", "clothing", "towel", "shoes")
)


def build(kind: str, dice: Dice, room: Room) -> Item:
    """One of the goods, never larger than the room."""
    return shrunk(GOODS[kind](dice, room), room)


def slip(dice: Dice, room: Room) -> Item:
    """Next to nothing: a folded sheet."""
    parts = Parts()
    for level in range(dice.whole(1, 2)):
        parts.box("paper", (0.0, 0.0, 0.5 * level), (room[0] * 0.9, room[1] * 0.8, 0.25), turn=yaw(0.03 * level))
    return parts.finish("slip")


# what is mistaken for each threat; some of the benign items hold one of these in their slot, the others any goods
DECOYS: dict[str, tuple[str, ...]] = {
    "firearm": ("appliance", "appliance", "toy_gun", "toy_gun", "tools", "fittings", "device", "hair_dryer", "keys"),
    "ammunition": ("batteries", "batteries", "cosmetics", "jewellery", "fittings", "keys", "candles"),
    "blade": ("tools", "tools", "cutlery", "cutlery", "fittings", "keys", "stationery", "knife_block"),
    "explosive": ("soap", "device", "candles", "food_powder", "phone", "device", "charger", "book"),
    "powder_drugs": ("food_powder", "food_powder", "sugar_packs", "sugar_packs", "soap", "candles", "cosmetics"),
    "pills": ("medicine", "medicine", "medicine", "toy_bricks", "food_powder", "jewellery"),
    "cigarettes": ("stationery", "cards", "candles", "notebook", "food_powder", "folded_clothes"),
    "alcohol": ("glass_bottle", "glass_jar", "bottle", "perfume", "lens"),
    "currency": ("cards", "cards", "notebook", "notebook", "magazines", "soap", "book", "food_powder"),
    "ivory": ("souvenir", "souvenir", "mug", "stones", "candles", "jewellery"),
    "counterfeit": ("jewellery", "glasses", "belt", "perfume", "wallet"),
    "heritage_object": ("souvenir", "stones", "mug", "wallet", "fittings"),
    "shielding": ("batteries", "fittings", "tools", "tin_can", "laptop", "lens", "keyboard"),
}
