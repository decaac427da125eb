"""What must be found: firearms, blades, powder drugs, banknotes. Generic shapes with free proportions, no product.

Each builder takes the dice and the room there is (longest side, middle side, thickness, in mm). Sizes vary on purpose from
plain to hard: a small folding knife, a flat sachet, a thin bundle of notes.
"""

import math
from collections.abc import Callable

from xraybench.simulate.dice import Dice
from xraybench.simulate.items import shapes
from xraybench.simulate.parts import GRAIN, Item, Parts, shrunk, yaw

Room = tuple[float, float, float]

DRUG_POWDERS = (*("cocaine_hcl",) * 3, *("meth_hcl",) * 4, *("ketamine_hcl",) * 2, "heroin_cut")


# firearms ---------------------------------------------------------------------------------------------------------


def firearm(dice: Dice, room: Room) -> Item:
    """A pistol, a revolver, or a pistol taken apart."""
    build = dice.pick((*(pistol,) * 5, *(revolver,) * 3, *(pistol_parts,) * 2))
    return build(dice, room)


def _slide(parts: Parts, x0: float, y0: float, length: float, tall: float, wide: float, dice: Dice) -> None:
    """Slide with barrel: a steel box, hollow around the barrel, from x0 forward."""
    outer = parts.box("steel", (x0 + length / 2, y0, 0.0), (length, tall, wide))
    bore = tall * 0.62
    parts.box("", (x0 + length * 0.58, y0 - tall * 0.08, 0.0), (length * 0.80, bore, wide * 0.72), inside=outer)
    barrel = parts.rod("steel", (x0 + length * 0.62, y0, 0.0), bore * 0.88, length * 0.70, axis="x")
    parts.rod("", (x0 + length * 0.62, y0, 0.0), dice.between(5.6, 9.2), length * 0.70, axis="x", inside=barrel)
    parts.box(
        "", (x0 + length * 0.45, y0 + tall * 0.36, wide * 0.2), (length * 0.18, tall * 0.26, wide * 0.6), inside=outer
    )
    for x in (0.06, 0.94):
        parts.box("steel", (x0 + length * x, y0 + tall * 0.56, 0.0), (4.0, tall * 0.14, 3.0))


def _magazine(
    parts: Parts, dice: Dice, at: tuple[float, float], angle: float, length: float, wide: float, thick: float
) -> None:
    """Thin steel box with a spring of rounds or none, its long side along the turned y axis."""
    turn = yaw(angle)
    outer = parts.box("steel", (*at, 0.0), (wide, length, thick), turn=turn)
    parts.box("", (*at, 0.0), (wide - 2.0, length - 2.0, thick - 2.0), turn=turn, inside=outer)
    n = dice.pick((0, 0, 3, 6, 8))
    pitch = min(9.8, (length - 10) / 8)
    for i in range(n):
        along = length / 2 - 6 - i * pitch
        x, y = at[0] - math.sin(angle) * along, at[1] + math.cos(angle) * along
        parts.box("brass", (x - 0.12 * wide, y, 0.0), (wide * 0.55, pitch * 0.8, pitch * 0.8), turn=turn, fill=0.55)
        parts.box("lead", (x + 0.28 * wide, y, 0.0), (wide * 0.25, pitch * 0.7, pitch * 0.7), turn=turn, fill=0.8)


def _frame(parts: Parts, dice: Dice, x0: float, length: float, tall: float, wide: float, *, loaded: bool) -> None:
    """Grip, rails, trigger and guard of a pistol whose slide starts at x0 and sits above y = 0."""
    material, fill = dice.pick((("polymer_filled", 1.0), ("polymer_filled", 1.0), ("steel", 0.55), ("aluminium", 0.9)))
    lean = math.radians(dice.between(12, 22))
    grip, deep = length * dice.between(0.46, 0.58), length * dice.between(0.26, 0.31)
    parts.box(material, (x0 + length * 0.44, -tall * 0.16, 0.0), (length * 0.84, tall * 0.30, wide * 0.92), fill=fill)
    back = x0 + length * 0.03
    dx = grip * math.sin(lean)
    corners = [(back - dx, -grip), (back - dx + deep, -grip), (back + deep, -tall * 0.30), (back, -tall * 0.30)]
    body = parts.prism(material, corners, -wide * 0.5, wide * 0.5, fill=fill)
    well = (back + deep * 0.5 - dx * 0.5, -(grip + tall * 0.3) * 0.5)
    parts.box("", (*well, 0.0), (deep * 0.62, grip * 0.74, wide * 0.66), turn=yaw(-lean), inside=body)
    if loaded:
        _magazine(parts, dice, well, -lean, grip * 0.80, deep * 0.56, wide * 0.58)
    guard = length * 0.24
    gx = back + deep + guard * 0.5
    low = -tall * 0.3 - guard * 0.62
    thick = dice.between(3.5, 6.0)
    parts.bar(material, (gx - guard * 0.45, low), (gx + guard * 0.35, low), 0.0, thick, wide * 0.45, fill=fill)
    parts.bar(material, (gx + guard * 0.35, low), (gx + guard * 0.6, -tall * 0.3), 0.0, thick, wide * 0.45, fill=fill)
    parts.bar("steel", (gx - guard * 0.05, -tall * 0.3), (gx - guard * 0.18, low + 5), 0.0, 3.5, 5.0)
    parts.rod("steel", (back + deep * 0.4, -tall * 0.2, 0.0), 5.0, wide * 0.9)
    parts.box("steel", (back + deep * 0.2, -tall * 0.12, 0.0), (deep * 0.5, tall * 0.2, wide * 0.4))


def pistol(dice: Dice, room: Room) -> Item:
    """A self-loading pistol, full size to pocket size, steel, alloy or polymer frame, with or without magazine."""
    parts = Parts()
    length = min(dice.between(112, 205), room[0] * 0.97)
    tall, wide = length * dice.between(0.125, 0.15), min(dice.between(19, 28), room[2])
    _slide(parts, 0.0, tall * 0.5, length, tall, wide, dice)
    _frame(parts, dice, 0.0, length, tall, wide, loaded=dice.chance(0.7))
    return parts.finish("pistol")


def revolver(dice: Dice, room: Room) -> Item:
    """A revolver with five or six chambers, some loaded."""
    parts = Parts()
    length = min(dice.between(140, 230), room[0] * 0.97)
    drum = min(length * dice.between(0.17, 0.20), room[2])
    barrel = length * dice.between(0.25, 0.48)
    bx = 0.0
    material = dice.pick(("steel", "stainless", "steel", "zamak"))
    long = drum * 1.05
    body = parts.rod(material, (bx, 0.0, 0.0), drum, long, axis="x")
    n = dice.pick((5, 6, 6))
    loaded = dice.whole(0, n)
    for i in range(n):
        a = 2 * math.pi * i / n
        y, z = 0.29 * drum * math.cos(a), 0.29 * drum * math.sin(a)
        parts.rod("", (bx, y, z), drum * 0.24, long, axis="x", inside=body)
        if i < loaded:
            parts.rod("brass", (bx - long * 0.15, y, z), drum * 0.23, long * 0.6, axis="x", fill=0.45)
            parts.rod("lead", (bx + long * 0.3, y, z), drum * 0.21, long * 0.28, axis="x")
    tube = parts.rod(material, (bx + long * 0.5 + barrel * 0.5, drum * 0.27, 0.0), drum * 0.42, barrel, axis="x")
    parts.rod("", (bx + long * 0.5 + barrel * 0.5, drum * 0.27, 0.0), drum * 0.23, barrel, axis="x", inside=tube)
    parts.bar(material, (bx - long * 0.7, drum * 0.60), (bx + long * 0.7, drum * 0.60), 0.0, drum * 0.18, drum * 0.4)
    parts.bar(material, (bx - long * 0.7, -drum * 0.60), (bx + long * 0.75, -drum * 0.60), 0.0, drum * 0.20, drum * 0.4)
    parts.bar(
        material, (bx - long * 0.72, -drum * 0.68), (bx - long * 0.72, drum * 0.68), 0.0, drum * 0.30, drum * 0.45
    )
    parts.bar(material, (bx + long * 0.62, -drum * 0.5), (bx + long * 0.62, drum * 0.5), 0.0, drum * 0.14, drum * 0.4)
    grip = dice.pick(("wood", "rubber", "polymer_filled"))
    gl = length * dice.between(0.36, 0.46)
    x, y = bx - long * 0.8, -drum * 0.4
    lean = math.radians(dice.between(20, 35))
    for share in (0.30, 0.66, 1.0):
        a, b = max(share - 0.36, 0.0) * gl, share * gl
        start = (x - a * math.sin(lean), y - a * math.cos(lean))
        end = (x - b * math.sin(lean * 0.8), y - b * math.cos(lean * 0.8))
        parts.bar(grip, start, end, 0.0, drum * (0.62 + 0.25 * share), drum * 0.62)
    parts.bar("steel", (x, y), (x - gl * 0.8 * math.sin(lean), y - gl * 0.8 * math.cos(lean)), 0.0, drum * 0.22, 5.0)
    gx = bx - long * 0.1
    parts.bar(material, (gx - 14, -drum * 1.35), (gx + 14, -drum * 1.35), 0.0, 3.5, drum * 0.25)
    parts.bar(material, (gx + 14, -drum * 1.35), (gx + 20, -drum * 0.6), 0.0, 3.5, drum * 0.25)
    parts.bar("steel", (gx, -drum * 0.6), (gx - 3, -drum * 1.15), 0.0, 3.5, 5.0)
    parts.bar("steel", (bx - long * 0.85, drum * 0.3), (bx - long * 1.2, drum * 0.75), 0.0, 5.0, 6.0)
    return parts.finish("revolver")


def pistol_parts(dice: Dice, room: Room) -> Item:
    """A pistol taken apart: slide, frame, magazine and perhaps a spring lie side by side, some overlapping."""
    length = min(dice.between(112, 185), room[0] * 0.85)
    tall, wide = length * 0.135, min(dice.between(19, 26), room[2])
    slide, frame, magazine = Parts(), Parts(), Parts()
    _slide(slide, 0.0, 0.0, length, tall, wide, dice)
    _frame(frame, dice, 0.0, length, tall, wide, loaded=False)
    _magazine(magazine, dice, (0.0, 0.0), 0.0, length * 0.5, length * 0.15, wide * 0.6)
    parts = Parts()
    y = 0.0
    pieces = [slide.finish("slide"), frame.finish("frame"), magazine.finish("magazine")]
    if dice.chance(0.25):
        del pieces[dice.pick((1, 2))]
    for piece in pieces:
        turn = yaw(dice.between(-0.3, 0.3) + dice.pick((0.0, math.pi)))
        parts.take(piece, at=(dice.between(-0.1, 0.1) * length, y, 0.0), turn=turn)
        y -= 0.5 * piece.size[1] + tall * 0.9
    if dice.chance(0.6):
        shapes.spring(parts, (0.0, tall * 1.4, 4.0), length * 0.5, 6.0)
    return parts.finish("pistol_parts")


# blades -----------------------------------------------------------------------------------------------------------


def blade(dice: Dice, room: Room) -> Item:
    """A fixed, folding, kitchen or throwing knife, a box cutter, a razor or a pack of blades."""
    build = dice.pick((*(fixed_knife,) * 12, *(folding_knife,) * 4, *(box_cutter,) * 2, throwing_star, razor_pack))
    return build(dice, room)


def _blade_outline(
    parts: Parts, material: str, x0: float, length: float, wide: float, thick: float, dice: Dice
) -> None:
    """A blade from x0 forward: a parallel part and a point, in a plane z = 0."""
    body = length * dice.between(0.55, 0.8)
    parts.box(material, (x0 + body / 2, 0.0, 0.0), (body, wide, thick))
    drop = dice.between(-0.45, 0.45) * wide
    half = wide / 2
    tip = (x0 + length, drop)
    parts.prism(material, [(x0 + body, -half), tip, (x0 + body, half)], -thick / 2, thick / 2)


def fixed_knife(dice: Dice, room: Room) -> Item:
    """A knife with a tang in its handle, or of one piece."""
    parts = Parts()
    whole = min(dice.between(165, 310), room[0] * 0.97)
    length, wide = whole * dice.between(0.48, 0.62), dice.between(18, 38)
    thick = dice.between(2.4, 5.0)
    handle = whole - length
    steel = dice.pick(("stainless", "steel"))
    _blade_outline(parts, steel, 0.0, length, wide, thick, dice)
    grip = dice.pick(("wood", "abs", "rubber", "polymer_filled", "steel"))
    if grip == "steel":
        parts.box("stainless", (-handle / 2, 0.0, 0.0), (handle, wide * 0.7, thick * 1.6))
    else:
        scales = parts.box(
            grip, (-handle / 2, 0.0, 0.0), (handle, wide * dice.between(0.7, 0.95), dice.between(13, 20))
        )
        parts.box(
            steel, (-handle * 0.42, 0.0, 0.0), (handle * 0.84, wide * dice.between(0.3, 0.6), thick), inside=scales
        )
        for i in range(dice.whole(0, 3)):
            parts.rod("brass", (-handle * (0.2 + 0.28 * i), 0.0, 0.0), 4.5, 12.0, inside=scales)
    if dice.chance(0.4):
        parts.box(steel, (0.0, 0.0, 0.0), (dice.between(4, 8), wide * dice.between(1.2, 1.9), dice.between(8, 14)))
    return parts.finish("fixed_knife")


def folding_knife(dice: Dice, room: Room) -> Item:
    """A folding knife, closed or open, with liners and scales."""
    parts = Parts()
    handle = min(dice.between(78, 125), room[0] * (0.95 if room[0] < 150 else 0.6))
    wide, thick = handle * dice.between(0.17, 0.24), dice.between(1.8, 3.6)
    deep = dice.between(8.0, 12.5)
    grip, liner = dice.pick(("abs", "wood", "aluminium", "polymer_filled")), dice.pick(("steel", "steel", ""))
    scales = parts.box(grip, (-handle / 2, 0.0, 0.0), (handle, wide, deep))
    parts.box("", (-handle / 2 + 3, wide * 0.12, 0.0), (handle - 6, wide * 0.75, thick + 0.8), inside=scales)
    if liner:
        for side in (-1, 1):
            z = side * (thick / 2 + 1.4)
            parts.box("steel", (-handle / 2, 0.0, z), (handle * 0.96, wide * 0.86, 1.1), inside=scales)
    if dice.chance(0.6):
        _blade_outline(parts, "stainless", -handle * 0.93, handle * 0.86, wide * 0.62, thick, dice)
    else:
        _blade_outline(parts, "stainless", -2.0, handle * 0.9, wide * 0.75, thick, dice)
    parts.rod("steel", (-4.0, 0.0, 0.0), 6.0, deep)
    parts.rod("steel", (-handle + 5.0, 0.0, 0.0), 4.0, deep)
    if dice.chance(0.6):
        parts.bar("steel", (-handle * 0.95, wide * 0.1), (-handle * 0.45, wide * 0.1), deep / 2 + 1.0, 6.0, 1.2)
    return parts.finish("folding_knife")


def box_cutter(dice: Dice, room: Room) -> Item:
    """A cutter with a metal or plastic body and a thin blade in segments, part way out."""
    parts = Parts()
    length = min(dice.between(110, 165), room[0] * 0.85)
    wide, deep = dice.between(18, 34), dice.between(9, 16)
    body = parts.box(dice.pick(("zamak", "abs", "abs")), (0.0, 0.0, 0.0), (length, wide, deep), fill=0.75)
    parts.box("", (0.0, 0.0, 0.0), (length * 0.92, wide * 0.55, deep * 0.45), inside=body)
    out = dice.between(0.0, 0.35) * length
    thick = dice.between(0.5, 0.8)
    x0 = -length * 0.3 + out
    parts.box("steel", (x0 + length * 0.35, 0.0, 0.0), (length * 0.7, wide * 0.5, thick))
    x = x0 + length * 0.7
    parts.prism("steel", [(x, -wide * 0.25), (x + wide * 0.4, -wide * 0.25), (x, wide * 0.25)], -thick / 2, thick / 2)
    parts.box("steel", (x0 + 8, 0.0, deep * 0.3), (22, wide * 0.4, 3.0))
    parts.rod("steel", (-length * 0.1, 0.0, 0.0), 6.0, deep)
    return parts.finish("box_cutter")


def throwing_star(dice: Dice, room: Room) -> Item:
    """A star of three to eight points around a hole, of sheet steel."""
    parts = Parts()
    reach = min(dice.between(38, 62), room[1] * 0.48)
    thick, n = dice.between(1.2, 3.5), dice.pick((3, 4, 4, 5, 6, 8))
    core = reach * dice.between(0.25, 0.4)
    disc = parts.rod("stainless", (0.0, 0.0, 0.0), 2 * core, thick)
    parts.rod("", (0.0, 0.0, 0.0), core * dice.between(0.5, 1.1), thick, inside=disc)
    half = core * min(0.95, 2.6 / n)
    for i in range(n):
        a = 2 * math.pi * i / n
        point = [(core * 0.9, -half), (reach, 0.0), (core * 0.9, half)]
        turned = [(x * math.cos(a) - y * math.sin(a), x * math.sin(a) + y * math.cos(a)) for x, y in point]
        parts.prism("stainless", turned, -thick / 2, thick / 2)
    return parts.finish("throwing_star")


def razor_pack(dice: Dice, room: Room) -> Item:
    """A straight razor, or a stack of loose blades."""
    parts = Parts()
    if dice.chance(0.5):
        length, wide = min(dice.between(120, 160), room[0] * 0.9), dice.between(16, 22)
        parts.prism(
            "stainless", [(0, -wide / 2), (length / 2, -wide / 2), (length / 2, wide / 2), (0, wide / 2)], -1.6, 1.6
        )
        parts.bar("stainless", (0.0, 0.0), (-length * 0.12, 4.0), 0.0, 6.0, 4.0)
        for z in (-3.5, 3.5):
            turn = yaw(dice.pick((0.0, 0.05, 2.6)))
            parts.box(
                dice.pick(("abs", "wood")),
                (0.0 if turn[0] > 0 else length * 0.3, 2.0, z),
                (length, wide * 0.7, 2.5),
                turn=turn,
            )
        parts.rod("brass", (0.0, 0.0, 0.0), 4.0, 9.0)
        return parts.finish("straight_razor")
    n = dice.whole(5, 20)
    for i in range(n):
        at = (dice.between(-4, 4) + i * dice.between(0.0, 1.6), dice.between(-3, 3), 0.3 * i)
        parts.box("stainless", at, (43.0, 22.0, 0.2 if dice.chance(0.5) else 0.25), turn=yaw(dice.between(-0.2, 0.2)))
    return parts.finish("razor_blades")


# powder -----------------------------------------------------------------------------------------------------------


def powder_drugs(dice: Dice, room: Room) -> Item:
    """A narcotic powder as brick, bag, flat sachet, capsules or wraps."""
    return powder_pack(dice, room, dice.pick(DRUG_POWDERS), kind="drug_pack")


def powder_pack(dice: Dice, room: Room, powder: str, *, kind: str) -> Item:
    """Any powder in any of the packings: narcotics and foods share the very same shapes."""
    build = dice.pick((*(_brick,) * 4, *(_bag,) * 4, _sachet, _capsules))
    parts = Parts()
    build(parts, dice, room, powder)
    return parts.finish(kind)


def _brick(parts: Parts, dice: Dice, room: Room, powder: str) -> None:
    length = min(dice.between(95, 210), room[0] * 0.95)
    wide, thick = length * dice.between(0.5, 0.72), min(dice.between(22, 55), room[2] * 0.95)
    wide = min(wide, room[1] * 0.95)
    fill = dice.between(1.05, 1.25)
    body = parts.box(powder, (0.0, 0.0, 0.0), (length, wide, thick), fill=fill, texture=(GRAIN, 0.03))
    if dice.chance(0.5):  # stamp
        parts.rod("", (0.0, 0.0, thick / 2 - 1.0), wide * 0.4, 2.0, inside=body)
    for z in (-1, 1):
        parts.box("polyethylene", (0.0, 0.0, z * (thick / 2 + 0.5)), (length + 4, wide + 4, 1.0))
    for i in range(dice.whole(0, 3)):
        x = length * (-0.3 + 0.3 * i)
        parts.box("pvc", (x, 0.0, thick / 2 + 1.2), (22.0, wide + 4, 0.3))


def _bag(parts: Parts, dice: Dice, room: Room, powder: str) -> None:
    length = min(dice.between(90, 210), room[0] * 0.95)
    wide = min(length * dice.between(0.55, 0.85), room[1] * 0.95)
    thick = min(dice.between(22, 60), room[2] * 0.95)
    shapes.pillow(parts, powder, (length, wide, thick), fill=dice.between(0.75, 1.05), texture=(GRAIN, 0.05), dice=dice)
    for x in (-1, 1):
        parts.box("polyethylene", (x * length * 0.5, 0.0, 0.0), (length * 0.12, wide * 0.9, 0.5))


def _sachet(parts: Parts, dice: Dice, room: Room, powder: str) -> None:
    n = dice.whole(1, 3)
    length = min(dice.between(50, 140), room[0] * 0.9)
    wide, thick = min(length * dice.between(0.5, 0.9), room[1] * 0.9), min(dice.between(7.0, 16.0), room[2] * 0.9)
    for i in range(n):
        at = (dice.between(-0.12, 0.12) * length * i, dice.between(-0.12, 0.12) * wide * i, i * (thick + 0.6))
        if at[2] + thick > room[2]:
            break
        parts.box(
            powder,
            at,
            (length, wide, thick),
            fill=dice.between(0.8, 1.05),
            texture=(GRAIN, 0.08),
            turn=yaw(dice.between(-0.2, 0.2) * i),
        )
        parts.box("polyethylene", (at[0], at[1], at[2] + thick / 2 + 0.2), (length + 10, wide + 10, 0.4))


def _capsules(parts: Parts, dice: Dice, room: Room, powder: str) -> None:
    wide, n = min(dice.between(8, 26), room[1] * 0.3), dice.whole(8, 30)
    long = min(wide * dice.pick((1.0, 1.8, 2.4)), room[0] * 0.4)
    across = max(2, round(math.sqrt(n * dice.between(0.5, 1.5))))
    for i in range(n):
        x, y = (i % across) * long * 1.1, (i // across) * wide * 1.1
        if y > room[1] * 0.9 - wide or x > room[0] * 0.9 - long:
            continue
        turn = yaw(dice.between(-0.4, 0.4))
        parts.ball(powder, (x, y, wide / 2), (long, wide, min(wide, room[2])), fill=dice.between(1.0, 1.2), turn=turn)
    if dice.chance(0.7):  # a zip bag around them
        deep = -(-n // across) * wide * 1.1
        middle = ((across - 1) * long * 0.55, 0.5 * deep - 0.55 * wide)
        parts.box("polyethylene", (*middle, 0.1), (across * long * 1.1, min(deep, room[1] * 0.9), 0.2))


# banknotes --------------------------------------------------------------------------------------------------------


def currency(dice: Dice, room: Room) -> Item:
    """Bundles side by side and stacked, rolls, or a thin fan of notes."""
    build = dice.pick((*(_bundles,) * 8, _rolls, _fan))
    parts = Parts()
    build(parts, dice, room)
    return parts.finish({"_bundles": "note_bundles", "_rolls": "note_rolls", "_fan": "note_fan"}[build.__name__])


def _bundles(parts: Parts, dice: Dice, room: Room) -> None:
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
                note_bundle(parts, dice, at, (long, wide, thick))


def note_bundle(parts: Parts, dice: Dice, at: tuple[float, float, float], size: Room) -> None:
    """One strapped bundle: notes not quite flush, thicker in the middle under the strap."""
    x, y, z = at
    n = 3
    for i in range(n):
        shift = (dice.between(-1.5, 1.5), dice.between(-1.5, 1.5))
        part = (size[0], size[1], size[2] / n)
        parts.box("banknote", (x + shift[0], y + shift[1], z + i * part[2]), part, fill=dice.between(0.95, 1.1))
    strap = dice.chance(0.4)
    places = (dice.between(-0.15, 0.15),) if strap else (dice.between(-0.36, -0.22), dice.between(0.22, 0.36))
    material, wide, thick = ("paper", 30.0, 0.4) if strap else ("rubber", 6.0, 1.6)
    for place in places:
        for side in (-1, 1):
            parts.box(
                material,
                (x + place * size[0], y, z + size[2] / 3 + side * (size[2] + thick) / 2),
                (wide, size[1], thick),
            )


def _rolls(parts: Parts, dice: Dice, room: Room) -> None:
    wide = dice.between(65, 80)
    diameter = min(dice.between(24, 50), room[2] * 0.98)
    for i in range(dice.whole(1, max(1, min(4, int(room[0] * 0.9 // diameter))))):
        at = (i * (diameter + 2), dice.between(-5, 5), 0.0)
        roll = parts.rod("banknote", at, diameter, wide, axis="y", fill=dice.between(0.8, 1.0))
        parts.rod("", at, diameter * dice.between(0.15, 0.4), wide, axis="y", inside=roll)
        if dice.chance(0.7):
            band = parts.rod("rubber", at, diameter + 2.4, 5.0, axis="y")
            parts.rod("", at, diameter, 5.0, axis="y", inside=band)


def _fan(parts: Parts, dice: Dice, room: Room) -> None:
    long, wide = dice.between(132, 160), dice.between(65, 82)
    for i in range(dice.whole(4, 9)):
        turn = yaw(dice.between(-0.05, 0.12) * i)
        parts.box(
            "banknote",
            (i * 3.0, i * 1.0, i * 0.9),
            (min(long, room[0]), min(wide, room[1]), dice.between(0.4, 1.2)),
            turn=turn,
        )


def build(threat: str, dice: Dice, room: Room) -> Item:
    """One threat, never larger than the room."""
    return shrunk(BUILDERS[threat](dice, room), room)


BUILDERS: dict[str, Callable[[Dice, Room], Item]] = {
    "firearm": firearm,
    "blade": blade,
    "powder_drugs": powder_drugs,
    "currency": currency,
}
