"""What travellers carry, and other goods with round outlines: rolled cloth, shoes, wash bags, laptops, umbrellas, souvenirs.

Every builder takes the dice and the room there is (longest side, middle side, thickness, in mm) and fits into it.
"""

import math
from typing import Any

from xraybench.simulate.dice import Dice
from xraybench.simulate.items import contraband, shapes
from xraybench.simulate.parts import ALONG_X, COARSE, FOLDS, GRAIN, WEAVE, Item, Parts, yaw

Room = tuple[float, float, float]

# cloth ------------------------------------------------------------------------------------------------------------


def _cloth(dice: Dice) -> str:
    return dice.pick(("cotton", "cotton", "polyester_cloth"))


def rolled_clothes(dice: Dice, room: Room) -> Item:
    """One to four garments rolled up, their section an ellipse, an end folded in."""
    parts = Parts()
    x = min(dice.between(150, 320), room[0] * 0.97)
    d = min(dice.between(50, 100), room[2] * 0.97)
    n = max(1, min(dice.whole(1, 4), int(room[1] * 0.97 // (d * 1.1))))
    for k in range(n):
        wide, long = d * dice.between(0.95, 1.15), x * dice.between(0.8, 1.0)
        at, turn = (dice.between(-0.04, 0.04) * x, k * d * 1.1, d / 2), ALONG_X
        cloth, texture = _cloth(dice), (FOLDS, dice.between(0.10, 0.25))
        roll = parts.add(2, cloth, at, (d, wide, long * 0.9), turn=turn, fill=dice.between(0.8, 1.2), texture=texture)
        parts.add(2, "", at, (d * 0.2, wide * 0.2, long * 0.9), turn=turn, inside=roll)
        end = (at[0] + long * 0.45, at[1], at[2])
        parts.ball(cloth, end, (long * 0.1, wide * 0.9, d * 0.9), planes=[(-1.0, 0.0, 0.0, 0.0)], texture=texture)
    return parts.finish("rolled_clothes")


def folded_clothes(dice: Dice, room: Room) -> Item:
    """A stack of shirts, thin at the rim and thick in the middle, with collars, buttons, seams."""
    parts = Parts()
    x, y = min(dice.between(200, 340), room[0] * 0.97), min(dice.between(160, 260), room[1] * 0.97)
    z = min(dice.between(28, 90), room[2] * 0.97)
    n = dice.whole(2, 4)
    for i in range(n):
        thick = z / n
        share = (dice.between(0.85, 1.0), dice.between(0.82, 1.0))
        at = (dice.between(-0.04, 0.04) * x, dice.between(-0.05, 0.05) * y, (i + 0.5) * thick)
        size, fill = (x * share[0], y * share[1], thick), dice.between(0.75, 1.2)
        shapes.pillow(parts, _cloth(dice), size, dice=dice, at=at, texture=(FOLDS, dice.between(0.12, 0.26)), fill=fill,
                      turn=yaw(dice.between(-0.08, 0.08)))  # fmt: skip
        if dice.chance(0.5):
            fold = (x * share[0] * dice.between(0.3, 0.6), y * share[1] * 0.9, 3.0)
            parts.rounded(_cloth(dice), (at[0] + dice.between(-0.15, 0.15) * x, at[1], (i + 1) * thick), fold, 12.0)
    kind = dice.unit()
    if kind < 0.4:
        for i in range(dice.whole(4, 7)):
            parts.rod("abs", (-0.36 * x + i * 0.12 * x, dice.between(-1, 1), z + 1.0), 11.0, 2.2)
    elif kind < 0.6:
        parts.bar("brass", (-x * 0.35, y * 0.1), (x * 0.3, y * 0.12), z + 0.8, 4.5, 1.0, fill=0.7)
    return parts.finish("folded_clothes")


def jeans(dice: Dice, room: Room) -> Item:
    """Folded denim with rivets, a button and a brass zip, seams that show."""
    parts = Parts()
    x, y = min(dice.between(130, 330), room[0] * 0.97), min(dice.between(100, 230), room[1] * 0.97)
    z = min(dice.between(26, 60), room[2] * 0.95)
    for i in range(2):
        at = (dice.between(-4, 4), dice.between(-4, 4), (i + 0.5) * z / 2)
        parts.rounded("cotton", at, (x, y * dice.between(0.9, 1.0), z / 2), 25.0, cuts=2, fill=dice.between(1.3, 1.7),
                      texture=(FOLDS, 0.14))  # fmt: skip
    for share in (-0.3, 0.0, 0.34):
        parts.bar("cotton", (-x * 0.48, share * y), (x * 0.48, share * y * 0.9), z + 1.2, 7.0, 2.0, fill=2.0)
    for _ in range(6):
        parts.rod("brass", (-x * dice.between(0.3, 0.46), dice.between(-0.4, 0.4) * y, z + 1.0), 7.0, 2.5)
    parts.rod("brass", (-x * 0.45, y * 0.03, z + 1.5), 16.0, 3.5)
    parts.bar("brass", (-x * 0.43, y * 0.04), (-x * 0.2, y * 0.05), z + 1.2, 4.5, 1.8, fill=0.7)
    return parts.finish("jeans")


def socks(dice: Dice, room: Room) -> Item:
    """Socks and underwear in balls and rolls."""
    parts = Parts()
    d = min(dice.between(52, 85), room[2] * 0.97)
    nx, ny = max(1, min(3, int(room[0] // d))), max(1, min(2, int(room[1] // d)))
    for i in range(nx):
        for j in range(ny):
            size = (d * dice.between(0.85, 1.15), d * dice.between(0.7, 1.0), d * dice.between(0.7, 0.95))
            at = (i * d * 1.02 + dice.between(-3, 3), j * d + dice.between(-3, 3), size[2] / 2)
            parts.ball(
                _cloth(dice),
                at,
                size,
                turn=yaw(dice.between(-0.7, 0.7)),
                texture=(FOLDS, 0.2),
                fill=dice.between(0.7, 1.1),
            )
    return parts.finish("socks")


def towel(dice: Dice, room: Room) -> Item:
    """A towel rolled in a spiral, seen from the side."""
    parts = Parts()
    d = min(dice.between(50, 130), room[2] * 0.97, room[1] * 0.97)
    x = min(dice.between(120, 380), room[0] * 0.97)
    outer = 0
    for k in range(3):
        size = d * (1 - 0.32 * k)
        rest: dict[str, Any] = {} if not k else {"inside": outer}
        outer = parts.rod(
            "cotton", (0.0, 0.0, 0.0), size, x, axis="x", fill=(1.1, 0.8, 1.2)[k], texture=(WEAVE, 0.12), **rest
        )
    parts.bar("polyester_cloth", (-x * 0.5, d * 0.2), (x * 0.5, d * 0.2), d * 0.42, 16.0, 3.0)
    return parts.finish("towel")


def shoes(dice: Dice, room: Room) -> Item:
    """A pair of shoes head to tail: sole with profile, shank, hollow upper, eyelets, heel."""
    parts = Parts()
    x, y = min(dice.between(235, 305), room[0] * 0.97), min(dice.between(85, 110), room[1] * 0.48)
    z = min(dice.between(70, 115), room[2] * 0.97)
    has_heel, has_shank = dice.chance(0.3), dice.chance(0.6)
    stuff = dice.pick(("rubber", "rubber", "polymer_filled"))
    for k in range(2):
        one = Parts()
        sole = min(dice.between(14, 24), z * 0.25)
        ball, heel = x * 0.2, -x * 0.30
        one.ball(stuff, (ball, 0.0, sole / 2), (x * 0.56, y, sole * 1.2), planes=[(-1.0, 0.0, 0.0, x * 0.06)])
        waist = [(heel + 8, -y * 0.34), (ball - x * 0.06, -y * 0.46), (ball - x * 0.06, y * 0.46), (heel + 8, y * 0.34)]
        one.prism(stuff, waist,
                  sole * 0.15, sole * 0.85)  # fmt: skip
        one.ball(stuff, (heel + 8, 0.0, sole / 2), (x * 0.34, y * 0.78, sole * 1.2), planes=[(1.0, 0.0, 0.0, 0.0)])
        if has_heel:
            one.rod(stuff, (heel - x * 0.04, 0.0, -sole * 0.5), y * 0.55, sole, fill=0.9)
        if has_shank:
            one.bar("steel", (-x * 0.2, 0.0), (x * 0.08, 0.0), sole * 1.15, 13.0, 1.2)
        flat = [(0.0, 0.0, -1.0, 0.0)]
        upper = one.ball(
            "leather", (-0.01 * x, 0.0, sole * 1.2), (x * 0.98, y * 0.96, 2 * (z - sole * 1.2)), planes=flat, fill=1.2
        )
        one.ball(
            "", (-0.01 * x, 0.0, sole * 1.2), (x * 0.95, y * 0.90, 2 * (z - sole * 1.2) - 7), planes=flat, inside=upper
        )
        for i in range(5):
            for side in (-1, 1):
                one.rod("brass", (x * (0.0 + 0.05 * i), side * y * 0.15, z * 0.84 - i * z * 0.05), 4.5, 1.6)
        parts.take(one.finish("shoe"), at=(0.0, k * (y + 3), 0.0), turn=yaw(math.pi * k + dice.between(-0.03, 0.03)))
    return parts.finish("shoes")


# things of a traveller --------------------------------------------------------------------------------------------


def wash_bag(dice: Dice, room: Room) -> Item:
    """A wash bag: tubes, brush, deodorant can, razor, cream, zip."""
    parts = Parts()
    x, y = min(dice.between(190, 280), room[0] * 0.97), min(dice.between(120, 180), room[1] * 0.97)
    z = min(dice.between(48, 80), room[2] * 0.97)
    cloth = parts.rounded("polyester_cloth", (0.0, 0.0, z / 2), (x, y, z), 30.0, cuts=2, fill=2.5)
    parts.rounded("", (0.0, 0.0, z / 2), (x - 4, y - 4, z - 4), 28.0, cuts=2, inside=cloth)
    parts.bar("brass", (-x * 0.42, y * 0.05), (x * 0.42, y * 0.05), z + 0.6, 4.5, 1.2, fill=0.6)
    d = min(dice.between(38, 52), z * 0.8)
    can = parts.rod(dice.pick(("aluminium", "steel")), (-x * 0.1, y * 0.28, z * 0.5), d, x * 0.55, axis="x")
    parts.rod("water", (-x * 0.1, y * 0.28, z * 0.5), d - 1.0, x * 0.54, axis="x", inside=can, fill=0.5)
    parts.cone("polypropylene", (x * 0.25, y * 0.28, z * 0.5), (d * 0.9, d * 0.5), x * 0.1, fill=0.5)
    size = (x * 0.5, d * 0.9, d * 0.55)
    shapes.pillow(parts, dice.pick(("cream", "shampoo")), size, dice=dice, at=(-x * 0.15, -y * 0.05, z * 0.5))
    parts.cone("polypropylene", (x * 0.14, -y * 0.05, z * 0.5), (d * 0.55, d * 0.4), x * 0.06)
    parts.bar("nylon", (-x * 0.42, -y * 0.36), (x * 0.3, -y * 0.3), z * 0.3, 9.0, 5.0)
    parts.bar("nylon", (x * 0.3, -y * 0.3), (x * 0.42, -y * 0.29), z * 0.38, 11.0, 12.0, fill=0.5)
    if dice.chance(0.6):
        parts.bar("zamak", (x * 0.2, y * 0.02), (x * 0.42, y * 0.35), z * 0.4, 9.0, 6.0)
        for k in range(2):
            parts.bar(
                "stainless", (x * 0.2 - 20, y * 0.02 + 4 * k), (x * 0.2 + 20, y * 0.02 - 8 + 4 * k), z * 0.4, 2.0, 0.3
            )
    pot = parts.rod("glass", (x * 0.34, -y * 0.05, z * 0.4), min(42.0, y * 0.3), min(30.0, z * 0.5))
    parts.rod("cream", (x * 0.34, -y * 0.05, z * 0.4), min(36.0, y * 0.25), min(24.0, z * 0.4), inside=pot)
    return parts.finish("wash_bag")


def laptop(dice: Dice, room: Room) -> Item:
    """A laptop: base with cells, board, fan, keyboard, disk; lid with panel; hinges."""
    parts = Parts()
    x, y = (
        min(dice.between(290, 360), room[0] * dice.between(0.8, 0.97)),
        min(dice.between(200, 250), room[1] * dice.between(0.8, 0.97)),
    )
    z = min(dice.between(16, 26), room[2] * 0.97)
    metal = dice.pick(("aluminium", "magnesium_alloy", "abs"))
    base, lid, radius = z * 0.68, z * 0.3, dice.between(6, 14)
    parts.shell(metal, (0.0, 0.0, base / 2), (x, y, base), 1.2, radius=radius)
    n = dice.whole(3, 6)
    for i in range(n):
        size = (x * 0.78 / n * 0.95, y * 0.26, base * 0.5)
        parts.box("liion", (-x * 0.39 + (i + 0.5) * x * 0.78 / n, -y * 0.32, base * 0.42), size)
    shapes.board(parts, dice, (x * 0.02, y * 0.24, 2.6), (x * 0.7, y * 0.34), n_chips=20)
    for side in (-1, 1)[: dice.whole(1, 2)]:
        at = (side * x * 0.36, y * 0.28, base * 0.45)
        parts.rod("abs", at, y * 0.2, base * 0.4, fill=0.5)
        parts.rod("copper", at, y * 0.05, base * 0.4, fill=0.4)
        parts.bar("copper", (side * x * 0.1, y * 0.3), (side * x * 0.3, y * 0.38), base * 0.5, 8.0, 2.5, fill=0.8)
    parts.box("copper", (x * 0.05, y * 0.24, base * 0.62), (26.0, 26.0, 2.0))
    parts.rounded(
        "aluminium", (x * 0.33, -y * 0.05, base * 0.42), (min(100.0, x * 0.3), 70.0, base * 0.3), 4.0, fill=0.5
    )
    parts.box("aluminium", (0.0, y * 0.05, base - 2.0), (x * 0.86, y * 0.42, 0.8), texture=(GRAIN, 0.1))
    parts.box("glass", (0.0, -y * 0.34, base - 1.8), (x * 0.28, y * 0.2, 0.9))
    shapes.screws(parts, (0.0, 0.0, base * 0.5), (x, y), long=base * 0.7)
    parts.shell(metal, (0.0, 0.0, base + lid / 2 + 0.2), (x, y, lid), 1.0, radius=radius)
    parts.box("glass", (0.0, 0.0, base + lid / 2 + 0.2), (x * 0.95, y * 0.9, 1.4))
    for side in (-1, 1):
        parts.rod("steel", (side * x * 0.36, y * 0.49, base), 7.0, 34.0, axis="x")
    return parts.finish("laptop")


def umbrella(dice: Dice, room: Room) -> Item:
    """A folded umbrella: telescopic steel shaft, ribs, cloth, handle."""
    parts = Parts()
    x = min(dice.between(210, 320), room[0] * 0.97)
    d = min(dice.between(40, 62), room[2] * 0.97, room[1] * 0.97)
    cloth = parts.rod(
        "polyester_cloth",
        (-x * 0.06, 0.0, 0.0),
        d,
        x * 0.74,
        axis="x",
        fill=dice.between(0.5, 0.9),
        texture=(FOLDS, 0.2),
    )
    bore = min(12.0, d * 0.25)
    tube = parts.rod("steel", (-x * 0.06, 0.0, 0.0), bore, x * 0.72, axis="x", inside=cloth)
    parts.rod("", (-x * 0.06, 0.0, 0.0), bore - 1.4, x * 0.72, axis="x", inside=tube)
    for i in range(8):
        a = 2 * math.pi * i / 8
        at = (-x * 0.06, 0.32 * d * math.cos(a), 0.32 * d * math.sin(a))
        parts.rod(dice.pick(("steel", "aluminium")), at, min(2.6, d * 0.06), x * 0.66, axis="x", inside=cloth)
    parts.cone("steel", (-x * 0.46, 0.0, 0.0), (5.0, d * 0.4), x * 0.05, steps=3)
    handle = parts.rod(dice.pick(("abs", "wood", "rubber")), (x * 0.4, 0.0, 0.0), d * 0.62, x * 0.16, axis="x")
    parts.rod("steel", (x * 0.4, 0.0, 0.0), min(9.0, d * 0.4), x * 0.14, axis="x", inside=handle)
    return parts.finish("umbrella")


def hair_dryer(dice: Dice, room: Room) -> Item:
    """A hair dryer: round body, motor, heater of wire on mica, handle, nozzle, cable."""
    parts = Parts()
    x = min(dice.between(170, 235), room[0] * 0.8)
    d = min(dice.between(58, 82), room[2] * 0.97, x * 0.42)
    body = parts.rod("abs", (0.0, 0.0, 0.0), d, x * 0.72, axis="x")
    parts.rod("", (0.0, 0.0, 0.0), d - 5, x * 0.72, axis="x", inside=body)
    parts.cone("abs", (x * 0.45, 0.0, 0.0), (d, d * 0.6), x * 0.18, fill=0.12)
    motor = parts.rod("iron", (-x * 0.18, 0.0, 0.0), d * 0.4, x * 0.16, axis="x", fill=0.7)
    parts.rod("copper", (-x * 0.18, 0.0, 0.0), d * 0.3, x * 0.12, axis="x", inside=motor, fill=0.6)
    for k in (-1, 0, 1):
        parts.box("ceramic", (x * 0.16, 0.0, k * d * 0.22), (x * 0.3, d * 0.66, 1.0), fill=0.8)
    for i in range(6):
        at = (x * (0.03 + 0.05 * i), 0.0, 0.0)
        coil = parts.rod("steel", at, d * 0.62, 1.6, axis="x", fill=0.8)
        parts.rod("", at, d * 0.56, 1.6, axis="x", inside=coil)
    grip, lean = x * dice.between(0.5, 0.62), dice.between(0.0, 0.3)
    dx = grip * math.tan(lean)
    corners = [(-x * 0.2 - dx, -d / 2 - grip), (-x * 0.04 - dx, -d / 2 - grip), (x * 0.0, -d / 2), (-x * 0.24, -d / 2)]
    handle = parts.prism("abs", corners, -d * 0.28, d * 0.28)
    parts.box(
        "",
        (-x * 0.12 - dx / 2, -d / 2 - grip / 2, 0.0),
        (x * 0.11, grip * 0.86, d * 0.46),
        turn=yaw(-lean),
        inside=handle,
    )
    parts.box("pcb", (-x * 0.12 - dx / 2, -d / 2 - grip * 0.4, 0.0), (x * 0.08, grip * 0.4, 2.0), turn=yaw(-lean))
    radius = min(dice.between(28, 42), room[0] * 0.15)
    if radius > 20:
        shapes.cable(parts, dice, radius, turns=2, at=(x * 0.32, -d / 2 - radius * 0.9, -d * 0.2), thick=5.0)
    return parts.finish("hair_dryer")


def shaver(dice: Dice, room: Room) -> Item:
    """An electric shaver or toothbrush: cells, motor, coil, steel head."""
    parts = Parts()
    x = min(dice.between(120, 190), room[0] * 0.97)
    d = min(dice.between(28, 52), room[2] * 0.97)
    wide = min(d * dice.between(1.0, 1.5), room[1] * 0.97)
    parts.shell("abs", (0.0, 0.0, d / 2), (x * 0.75, wide, d), 2.2, radius=wide * 0.4)
    at = (-x * 0.18, 0.0, d / 2)
    parts.rod("steel", at, min(14.0, d * 0.6), x * 0.28, axis="x", fill=0.35)
    motor = parts.rod("iron", (x * 0.1, 0.0, d / 2), min(24.0, d * 0.6), x * 0.14, axis="x", fill=0.7)
    parts.rod("copper", (x * 0.1, 0.0, d / 2), min(16.0, d * 0.4), x * 0.12, axis="x", inside=motor, fill=0.6)
    shapes.board(parts, dice, (0.0, 0.0, 4.0), (x * 0.5, wide * 0.5), n_chips=5)
    if dice.chance(0.5):
        for k in (-0.28, 0.28):
            parts.rod("stainless", (x * 0.42, k * wide, d * 0.6), wide * 0.45, 7.0, fill=0.6)
    else:
        parts.rod("steel", (x * 0.46, 0.0, d / 2), 4.0, x * 0.2, axis="x")
        parts.rounded("nylon", (x * 0.6, 0.0, d / 2), (x * 0.12, 12.0, 12.0), 5.0)
    return parts.finish("shaver")


def belt(dice: Dice, room: Room) -> Item:
    """A rolled leather belt with its buckle."""
    parts = Parts()
    d = min(dice.between(80, 120), room[0] * 0.9, room[1] * 0.93)
    contraband.add_belt(parts, dice, (0.0, 0.0, 0.0), d, min(dice.between(26, 40), room[2] * 0.93))
    return parts.finish("belt")


def glasses(dice: Dice, room: Room) -> Item:
    """Spectacles in a hard case with a spring hinge."""
    parts = Parts()
    x = min(dice.between(140, 165), room[0] * 0.95)
    y, z = min(dice.between(48, 72), room[1] * 0.95), min(dice.between(28, 44), room[2] * 0.95)
    parts.shell(dice.pick(("abs", "abs", "steel")), (0.0, 4.0, 4.0), (x, y, z), 0.8, radius=26.0, cuts=3)
    parts.rod("steel", (0.0, y / 2 + 5.0, 4.0), 4.0, x * 0.5, axis="x", fill=0.7)
    contraband.add_glasses(parts, dice, (0.0, 0.0, -4.0), x * 0.84)
    return parts.finish("glasses")


def wallet(dice: Dice, room: Room) -> Item:
    """A wallet with cards, notes and coins."""
    parts = Parts()
    x, y = min(dice.between(95, 125), room[0] * 0.97), min(dice.between(75, 98), room[1] * 0.97)
    parts.rounded("leather", (0.0, 0.0, 1.2), (x, y, 2.4), 8.0, cuts=2)
    parts.rounded("leather", (0.0, 0.0, 14.0), (x, y, 2.4), 8.0, cuts=2)
    parts.box("banknote", (0.0, y * 0.1, 4.0), (x * 0.92, y * 0.7, 1.5))
    for i in range(dice.whole(3, 7)):
        at = (dice.between(-2, 2), dice.between(-3, 3), 6.0 + 0.9 * i)
        card = parts.rounded("pvc", at, (min(85.6, x * 0.92), min(54.0, y * 0.8), 0.76), 3.2)
        parts.rounded(
            "copper", (at[0] - 0.28 * x, at[1] + 0.05 * y, at[2] + 0.2), (0.1 * x, 0.1 * y, 0.25), 2.0, inside=card
        )
    for _ in range(dice.whole(4, 12)):
        at = (x * dice.between(0.05, 0.38), y * dice.between(-0.35, 0.35), 17.0 + dice.between(0, 4))
        parts.rod(dice.pick(("brass", "copper", "stainless")), at, dice.between(16, 26), 2.0)
    return parts.finish("wallet")


def medicine(dice: Dice, room: Room) -> Item:
    """Lawful tablets: blister sheets in a carton, a jar, a tube of tablets."""
    pack = dice.pick((contraband.blisters, contraband.blisters, contraband.tablet_jar, contraband.tablet_tubes))
    return pack(dice, room, "tablet", "medicine")


def wine(dice: Dice, room: Room) -> Item:
    """A glass bottle of wine, juice or oil, wrapped or bare."""
    return contraband.glass_bottles(dice, room, dice.pick(("water", "water", "oil", "spirits")), "glass_bottle")


def perfume(dice: Dice, room: Room) -> Item:
    """A scent bottle in its carton."""
    parts = Parts()
    x, y = min(dice.between(85, 130), room[0] * 0.95), min(dice.between(48, 72), room[1] * 0.95)
    z = min(dice.between(30, 48), room[2] * 0.95)
    contraband.add_perfume(parts, dice, (0.0, 0.0, z / 2), (x, y, z))
    return parts.finish("perfume")


def souvenir(dice: Dice, room: Room) -> Item:
    """A figure of wood, clay, glass or metal casting, a snow globe, or a carved mask."""
    style = dice.unit()
    if style < 0.5:
        material = dice.pick(("wood", "wood", "terracotta", "ceramic", "wax", "zamak", "glass"))
        return contraband.figure(dice, room, material, "souvenir")
    parts = Parts()
    if style < 0.75:
        d = min(dice.between(55, 85), room[1] * 0.9, room[2] * 0.97)
        globe = parts.ball("glass", (0.0, 0.0, 0.0), (d, d, d), planes=[(-1.0, 0.0, 0.0, d * 0.4)])
        parts.ball("water", (0.0, 0.0, 0.0), (d - 4, d - 4, d - 4), inside=globe, planes=[(-1.0, 0.0, 0.0, d * 0.38)])
        parts.prism(
            "abs", [(-d * 0.3, -8), (d * 0.1, -12), (d * 0.2, 0), (d * 0.1, 12), (-d * 0.3, 8)], -8, 8, fill=0.2
        )
        parts.cone("ceramic", (-d * 0.4 - 9.0, 0.0, 0.0), (d * 0.9, d * 0.72), 18.0, steps=3, fill=0.6)
        return parts.finish("snow_globe")
    x, y = min(dice.between(120, 230), room[0] * 0.97), min(dice.between(80, 150), room[1] * 0.97)
    z = min(dice.between(30, 60), room[2] * 0.97)
    flat = [(0.0, 0.0, -1.0, 0.0)]
    mask = parts.ball("wood", (0.0, 0.0, 0.0), (x, y, 2 * z), planes=flat)
    parts.ball("", (0.0, 0.0, 0.0), (x - 22, y - 22, 2 * z - 22), planes=flat, inside=mask)
    parts.ball("wood", (-x * 0.02, 0.0, z - 4), (x * 0.24, y * 0.16, 22.0))
    for side in (-1, 1):
        parts.ball("wood", (x * 0.16, side * y * 0.2, z * 0.85), (x * 0.08, y * 0.2, 10.0))
    return parts.finish("mask")


def stationery(dice: Dice, room: Room) -> Item:
    """Pens, scissors, a stapler, a ruler."""
    parts = Parts()
    x = min(dice.between(135, 190), room[0] * 0.97)
    y = 0.0
    for _ in range(dice.whole(3, 6)):
        style = dice.unit()
        if y > room[1] * 0.75:
            break
        if style < 0.6:
            barrel = parts.rod(
                dice.pick(("abs", "aluminium", "wood")), (0.0, y, 5.0), dice.between(7, 11), x * 0.8, axis="x"
            )
            parts.rod("brass", (x * 0.05, y, 5.0), 2.6, x * 0.66, axis="x", inside=barrel)
            parts.cone("brass", (x * 0.42, y, 5.0), (6.0, 1.5), x * 0.05, steps=3)
            y += 14.0
        elif style < 0.8:
            for side in (-1, 1):
                blade = [(0.0, -5.0), (x * 0.45, -1.0), (x * 0.45, 1.0), (0.0, 5.0)]
                turned = [(px * 0.995 - side * py * 0.1, y + 14 + side * px * 0.06 + py) for px, py in blade]
                parts.prism("stainless", turned if side > 0 else [(a, b) for a, b in turned], 2.0 + side, 3.6 + side)
                parts.bar("stainless", (0.0, y + 14), (-x * 0.2, y + 14 - side * 9), 3.0 + side, 8.0, 1.6)
                loop = parts.rod("abs", (-x * 0.33, y + 14 - side * 17, 4.0), 34.0, 8.0)
                parts.rod("", (-x * 0.33, y + 14 - side * 17, 4.0), 24.0, 8.0, inside=loop)
            parts.rod("steel", (0.0, y + 14, 3.0), 7.0, 5.0)
            y += 46.0
        else:
            parts.rounded("abs", (0.0, y + 12, 12.0), (x * 0.7, 24.0, 20.0), 9.0, fill=0.3)
            parts.box("steel", (0.0, y + 12, 12.0), (x * 0.6, 12.0, 1.2))
            parts.box("steel", (x * 0.1, y + 12, 7.0), (x * 0.35, 11.0, 5.0), fill=0.35)
            shapes.spring(parts, (-x * 0.1, y + 12, 16.0), x * 0.3, 6.0)
            y += 34.0
    return parts.finish("stationery")


def game_pad(dice: Dice, room: Room) -> Item:
    """A game controller: two grips, board, sticks, motors."""
    parts = Parts()
    x = min(dice.between(140, 165), room[0] * 0.97)
    y, z = min(x * 0.62, room[1] * 0.97), min(dice.between(32, 52), room[2] * 0.97)
    parts.shell("abs", (0.0, 0.0, z * 0.55), (x * 0.72, y * 0.52, z * 0.8), 2.2, radius=18.0)
    for side in (-1, 1):
        grip = parts.ball(
            "abs", (side * x * 0.38, -y * 0.2, z * 0.45), (x * 0.24, y * 0.6, z * 0.85), turn=yaw(side * 0.3)
        )
        parts.ball(
            "",
            (side * x * 0.38, -y * 0.2, z * 0.45),
            (x * 0.24 - 5, y * 0.6 - 5, z * 0.85 - 5),
            turn=yaw(side * 0.3),
            inside=grip,
        )
        parts.rod("iron", (side * x * 0.37, -y * 0.2, z * 0.4), 15.0, 16.0, axis="y", fill=0.8)
        parts.rod("abs", (side * x * 0.16, -y * 0.05, z * 0.9), 19.0, z * 0.2)
        parts.rod("steel", (side * x * 0.16, -y * 0.05, z * 0.6), 12.0, 5.0, fill=0.5)
    shapes.board(parts, dice, (0.0, 0.0, z * 0.35), (x * 0.62, y * 0.42), n_chips=8)
    parts.box("liion", (0.0, y * 0.06, z * 0.55), (x * 0.22, y * 0.24, z * 0.16))
    return parts.finish("game_pad")


def keyboard(dice: Dice, room: Room) -> Item:
    """A keyboard with springs or domes under its keys, or a mouse pair."""
    parts = Parts()
    x, y = min(dice.between(270, 420), room[0] * 0.97), min(dice.between(105, 140), room[1] * 0.97)
    z = min(dice.between(14, 28), room[2] * 0.97)
    parts.shell(dice.pick(("abs", "aluminium")), (0.0, 0.0, z / 2), (x, y, z), 1.8, radius=8.0)
    parts.box("steel", (0.0, 0.0, z * 0.4), (x * 0.95, y * 0.86, 0.7))
    parts.box("pcb", (0.0, 0.0, z * 0.28), (x * 0.95, y * 0.86, 1.0), fill=0.6)
    nx, ny = 14, 5
    for i in range(nx):
        for j in range(ny):
            at = (x * 0.94 * ((i + 0.5) / nx - 0.5), y * 0.84 * ((j + 0.5) / ny - 0.5), z * 0.7)
            parts.box("abs", at, (x * 0.94 / nx * 0.84, y * 0.84 / ny * 0.84, z * 0.3), fill=0.7)
    return parts.finish("keyboard")


def lens(dice: Dice, room: Room) -> Item:
    """A camera lens: metal barrel, groups of glass, mount."""
    parts = Parts()
    d = min(dice.between(58, 82), room[1] * 0.97, room[2] * 0.97)
    x = min(d * dice.between(1.0, 1.8), room[0] * 0.97)
    tube = parts.rod("aluminium", (0.0, 0.0, 0.0), d, x, axis="x")
    parts.rod("", (0.0, 0.0, 0.0), d * 0.84, x, axis="x", inside=tube)
    for k, share in enumerate((-0.42, -0.15, 0.1, 0.3, 0.44)):
        size = d * (0.5, 0.55, 0.6, 0.72, 0.82)[k]
        parts.ball("glass", (share * x, 0.0, 0.0), (d * dice.between(0.12, 0.22), size, size), fill=1.3)
    for share in (-0.2, 0.2):
        ring = parts.rod("rubber", (share * x, 0.0, 0.0), d + 3, x * 0.2, axis="x")
        parts.rod("", (share * x, 0.0, 0.0), d, x * 0.2, axis="x", inside=ring)
    mount = parts.rod("stainless", (-x * 0.52, 0.0, 0.0), d * 0.8, 5.0, axis="x")
    parts.rod("", (-x * 0.52, 0.0, 0.0), d * 0.62, 5.0, axis="x", inside=mount)
    return parts.finish("lens")


def bricks(dice: Dice, room: Room) -> Item:
    """A bag or box of toy bricks."""
    parts = Parts()
    x, y = min(dice.between(130, 240), room[0] * 0.95), min(dice.between(90, 170), room[1] * 0.95)
    z = min(dice.between(30, 60), room[2] * 0.95)
    for _ in range(dice.whole(24, 40)):
        size = dice.pick(((16.0, 16.0, 9.6), (32.0, 16.0, 9.6), (32.0, 16.0, 3.2), (48.0, 8.0, 9.6), (16.0, 8.0, 9.6)))
        at = (dice.between(-0.42, 0.42) * x, dice.between(-0.4, 0.4) * y, dice.between(0.1, 0.8) * z)
        parts.box("abs", at, size, turn=yaw(dice.between(-3, 3)), fill=dice.between(0.35, 0.5))
    if dice.chance(0.5):
        parts.shell("cardboard", (0.0, 0.0, z / 2), (x * 1.02, y * 1.02, z), 1.0)
    return parts.finish("toy_bricks")


def fruit(dice: Dice, room: Room) -> Item:
    """Apples, oranges, mangos, avocados, with stones or cores."""
    parts = Parts()
    d = min(dice.between(55, 85), room[2] * 0.97)
    nx, ny = max(1, min(3, int(room[0] // d))), max(1, min(2, int(room[1] // d)))
    for i in range(nx):
        for j in range(ny):
            size = (d * dice.between(0.85, 1.1), d * dice.between(0.85, 1.0), d * dice.between(0.85, 1.0))
            at = (i * d * 1.05, j * d * 1.02 + dice.between(-2, 2), size[2] / 2)
            flesh = parts.ball("water", at, size, fill=dice.between(0.82, 0.98), turn=yaw(dice.between(-1, 1)))
            parts.ball("wood", at, (d * 0.35, d * 0.22, d * 0.2), inside=flesh, fill=1.6)
    return parts.finish("fruit")


def food_box(dice: Dice, room: Room) -> Item:
    """A plastic box with rice, stew, cheese or sweets."""
    parts = Parts()
    x, y = min(dice.between(120, 210), room[0] * 0.97), min(dice.between(90, 150), room[1] * 0.97)
    z = min(dice.between(40, 75), room[2] * 0.97)
    parts.shell("polypropylene", (0.0, 0.0, z / 2), (x, y, z), 1.6, radius=18.0)
    food, fill = dice.pick((("sugar", 0.9), ("flour", 1.2), ("cream", 0.9), ("chocolate", 0.55), ("water", 0.95)))
    high = (z - 5) * dice.between(0.5, 0.95)
    parts.rounded(food, (0.0, 0.0, 2 + high / 2), (x - 5, y - 5, high), 16.0, cuts=2, fill=fill, texture=(COARSE, 0.1))
    parts.rounded("polypropylene", (0.0, 0.0, z + 2.0), (x + 4, y + 4, 3.0), 18.0, cuts=2)
    return parts.finish("food_box")


def knife_block(dice: Dice, room: Room) -> Item:
    """Kitchen knives standing in a wooden block: many blades, all lawful."""
    parts = Parts()
    x, y = min(dice.between(200, 300), room[0] * 0.97), min(dice.between(85, 130), room[1] * 0.97)
    z = min(dice.between(50, 85), room[2] * 0.97)
    body = x * 0.62
    block = parts.prism(
        "wood", [(0, -y / 2), (body, -y / 2), (body * 0.9, y / 2), (body * 0.12, y / 2)], 0.0, z, fill=1.1
    )
    n = dice.whole(3, 5)
    for i in range(n):
        at = y * ((i + 0.5) / n - 0.5) * 0.8
        long, wide = body * dice.between(0.55, 0.8), min(y / n * 0.7, 30.0)
        turn_z = z * dice.between(0.3, 0.7)
        slot = (body * 0.9 - long / 2, at, turn_z)
        parts.box("stainless", slot, (long, wide, 2.0), inside=block)
        grip = x - body
        parts.rounded(dice.pick(("abs", "wood")), (body * 0.93 + grip / 2, at, turn_z), (grip, wide * 0.8, 15.0), 6.0)
        parts.box("stainless", (body * 0.9 + grip / 2, at, turn_z + 8.5), (grip * 0.8, wide * 0.4, 1.6))
    return parts.finish("knife_block")


def sugar_packs(dice: Dice, room: Room) -> Item:
    """Packs of sugar, flour or salt side by side: what a powder packet hides among."""
    parts = Parts()
    x, y = min(dice.between(95, 170), room[0] * 0.95), min(dice.between(65, 105), room[1] * 0.48)
    z = min(dice.between(30, 60), room[2] * 0.95)
    stuff = dice.pick(("sugar", "sugar", "flour", "milk_powder", "salt"))
    for k in range(2):
        at = (dice.between(-4, 4), k * (y + 2), z / 2)
        parts.rounded(
            stuff, at, (x, y, z), dice.between(3, 12), cuts=2, fill=dice.between(0.95, 1.05), texture=(GRAIN, 0.03)
        )
        for side in (-1, 1):
            parts.box("paper", (at[0], at[1], z / 2 + side * (z / 2 + 0.3)), (x + 2, y + 1, 0.5))
    return parts.finish("sugar_packs")


def lamp(dice: Dice, room: Room) -> Item:
    """Bulbs in cartons: glass, base, driver."""
    parts = Parts()
    d = min(dice.between(50, 68), room[2] * 0.95)
    x = min(d * 1.9, room[0] * 0.97)
    n = max(1, min(dice.whole(1, 3), int(room[1] * 0.97 // (d + 4))))
    for k in range(n):
        y = k * (d + 4)
        parts.shell("cardboard", (0.0, y, 0.0), (x, d + 3, d + 3), 0.6)
        bulb = parts.ball(dice.pick(("glass", "polycarbonate")), (x * 0.2, y, 0.0), (d * 0.98, d * 0.98, d * 0.98))
        parts.ball("", (x * 0.2, y, 0.0), (d * 0.98 - 2.4, d * 0.98 - 2.4, d * 0.98 - 2.4), inside=bulb)
        parts.cone("aluminium", (-x * 0.16, y, 0.0), (d * 0.4, d * 0.62), x * 0.2, fill=0.35)
        parts.rod("brass", (-x * 0.36, y, 0.0), d * 0.42, x * 0.18, axis="x", fill=0.12)
        parts.box("pcb", (-x * 0.2, y, 0.0), (x * 0.24, d * 0.3, 1.6))
    return parts.finish("lamp")


def stones(dice: Dice, room: Room) -> Item:
    """Pebbles, minerals, shells from a journey: dense and round."""
    parts = Parts()
    for _ in range(dice.whole(2, 6)):
        d = min(dice.between(25, 60), room[2] * 0.8)
        at = (dice.between(-0.4, 0.4) * min(room[0], 150.0), dice.between(-0.4, 0.4) * min(room[1], 110.0), d * 0.35)
        size = (d * dice.between(0.9, 1.5), d * dice.between(0.7, 1.1), d * dice.between(0.5, 0.7))
        parts.ball(dice.pick(("marble", "gemstone", "ceramic")), at, size, turn=yaw(dice.between(-3, 3)))
    return parts.finish("stones")
