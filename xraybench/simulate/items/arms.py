"""Firearms, ammunition, blades and explosive charges: generic shapes with free proportions, no product and no plan.

Each builder takes the dice and the room there is (longest side, middle side, thickness, in mm) and draws its item lying
flat. Solid parts of one item stand side by side or one inside the other, so that no metal counts twice. Charges show what
public X-ray sets show, and nothing by which one could be made.
"""

import math

from xraybench.simulate.dice import Dice
from xraybench.simulate.items import shapes
from xraybench.simulate.parts import GRAIN, Item, Parts, yaw

Room = tuple[float, float, float]
Point = tuple[float, float]

# firearms ---------------------------------------------------------------------------------------------------------


def pistol(dice: Dice, room: Room) -> Item:
    """A self-loading pistol, full size to pocket size, steel, alloy or polymer frame, with or without magazine."""
    parts = Parts()
    length = min(dice.between(125, 205), room[0] * 0.97, room[1] * 1.45)
    tall, wide = length * dice.between(0.12, 0.145), min(dice.between(21, 29), room[2])
    _slide(parts, dice, 0.0, 0.0, length, tall, wide)
    _frame(parts, dice, length, tall, wide, is_loaded=dice.chance(0.7))
    return parts.finish("pistol")


def _slide(parts: Parts, dice: Dice, x0: float, y0: float, length: float, tall: float, wide: float) -> None:
    """Slide with barrel and guide rod, standing on y0 and running from x0 forward."""
    nose = tall * dice.between(0.1, 0.35)
    corners = [(0, 0), (length, 0), (length, tall * 0.72), (length - nose, tall), (nose * 0.4, tall), (0, tall * 0.8)]
    outer = parts.prism("steel", [(x0 + x, y0 + y) for x, y in corners], -wide / 2, wide / 2)
    hollow = (length * 0.80, tall * 0.76)
    middle = (x0 + length * 0.55, y0 + tall * 0.44, 0.0)
    parts.box("", middle, (*hollow, wide * 0.68), inside=outer)
    bore = tall * 0.42
    barrel = parts.rod("steel", (middle[0], y0 + tall * 0.56, 0.0), bore, hollow[0], axis="x")
    parts.rod(
        "", (middle[0], y0 + tall * 0.56, 0.0), bore * dice.between(0.5, 0.68), hollow[0], axis="x", inside=barrel
    )
    parts.rod("steel", (middle[0] + length * 0.1, y0 + tall * 0.18, 0.0), tall * 0.16, hollow[0] * 0.7, axis="x")
    port = (x0 + length * 0.42, y0 + tall * 0.58, wide * 0.42)  # through the wall on one side
    parts.box("", port, (length * 0.17, tall * 0.4, wide * 0.16), inside=outer)
    for x in (0.07, 0.92):
        parts.box("steel", (x0 + length * x, y0 + tall * 1.07, 0.0), (5.0, tall * 0.14, 3.5))
    for i in range(6):  # grip grooves
        at = (x0 + length * (0.03 + 0.017 * i), y0 + tall * 0.4, wide * 0.48)
        parts.box("", at, (length * 0.009, tall * 0.7, wide * 0.04), inside=outer)


def _magazine(parts: Parts, dice: Dice, at: Point, angle: float, length: float, wide: float, thick: float) -> None:
    """Thin steel box with rounds on a spring or none, its long side along the turned y axis."""
    turn = yaw(angle)
    outer = parts.box("steel", (*at, 0.0), (wide, length, thick), turn=turn)
    parts.box("", (*at, 0.0), (wide - 2.0, length - 4.0, thick - 2.0), turn=turn, inside=outer)
    n = dice.pick((0, 3, 5, 7, 8))
    pitch = min(9.8, (length - 10) / 8)
    c, s = math.cos(angle), math.sin(angle)
    for i in range(n):
        along = length / 2 - 7 - i * pitch
        for material, shift, share, fill in (("brass", -0.12, 0.50, 0.45), ("lead", 0.27, 0.24, 0.8)):
            x, y = at[0] - s * along + c * shift * wide, at[1] + c * along + s * shift * wide
            parts.box(material, (x, y, 0.0), (wide * share, pitch * 0.8, pitch * 0.8), turn=turn, fill=fill)


def _frame(parts: Parts, dice: Dice, length: float, tall: float, wide: float, *, is_loaded: bool) -> None:
    """Grip, rails, trigger and guard under a slide that stands on y = 0."""
    material, fill = dice.pick((("polymer_filled", 1.0), ("polymer_filled", 1.0), ("steel", 0.55), ("aluminium", 0.9)))
    low = -tall * dice.between(0.28, 0.4)
    front = length * dice.between(0.78, 0.96)
    rail = [(length * 0.0, low), (length * 0.6, low), (front, low * 0.75), (front, 0.0), (-length * 0.02, 0.0)]
    body = parts.prism(material, rail, -wide * 0.46, wide * 0.46, fill=fill)
    parts.box("steel", (length * 0.2, low * 0.5, 0.0), (length * 0.22, -low * 0.7, wide * 0.45), inside=body, fill=0.7)
    parts.rod("steel", (length * 0.36, low * 0.5, 0.0), min(5.0, -low * 0.7), wide * 0.9, inside=body)
    lean = math.radians(dice.between(12, 22))
    grip, deep = length * dice.between(0.44, 0.56), length * dice.between(0.25, 0.30)
    dx = (grip + low) * math.tan(lean)
    bulge = deep * dice.between(0.05, 0.16)
    corners = [
        (-dx, -grip), (deep - dx, -grip - deep * 0.06), (deep - dx * 0.45, (low - grip) * 0.55), (deep, low), (0.0, low),
        (-dx * 0.3 - bulge, low * 0.7 - grip * 0.3), (-dx * 0.75 - bulge, -grip * 0.75),
    ]  # fmt: skip
    handle = parts.prism(material, corners, -wide * 0.5, wide * 0.5, fill=fill)
    well = (deep * 0.47 - dx * 0.5, (low - grip) * 0.52)
    hole = (deep * 0.56, (grip + low) * 0.80)
    parts.box("", (*well, 0.0), (*hole, wide * 0.62), turn=yaw(-lean), inside=handle)
    if is_loaded:
        _magazine(parts, dice, well, -lean, hole[1] * 0.97, hole[0] * 0.94, wide * 0.58)
    shapes.arch(parts, material, (deep * 1.02, low), (deep * 1.02 + length * 0.25, low * 0.98), length * 0.155,
                dice.between(3.5, 6.0), wide * 0.42, fill=fill)  # fmt: skip
    tx = deep + length * 0.12
    shapes.curve(
        parts, "steel", [(tx, low), (tx + 3.0, low - length * 0.06), (tx - 2.0, low - length * 0.11)], 3.6, 5.5
    )


def revolver(dice: Dice, room: Room) -> Item:
    """A revolver with five or six chambers, some loaded."""
    parts = Parts()
    length = min(dice.between(150, 230), room[0] * 0.97, room[1] * 1.5)
    drum = min(length * dice.between(0.19, 0.23), room[2] * 0.97)
    material = dice.pick(("steel", "stainless", "steel", "zamak"))
    long, bar, r = drum * dice.between(1.0, 1.2), drum * 0.17, drum * 0.5
    body = parts.rod(material, (0.0, 0.0, 0.0), drum, long, axis="x")
    n = dice.pick((5, 6, 6))
    loaded, phase = dice.whole(0, n), dice.pick((0.0, math.pi / n))
    for i in range(n):
        a = 2 * math.pi * i / n + phase
        y, z = 0.30 * drum * math.cos(a), 0.30 * drum * math.sin(a)
        parts.rod("", (0.0, y, z), drum * 0.24, long, axis="x", inside=body)
        if i < loaded:
            parts.rod("brass", (-long * 0.15, y, z), drum * 0.23, long * 0.6, axis="x", fill=0.4)
            parts.rod("lead", (long * 0.28, y, z), drum * 0.21, long * 0.26, axis="x")
    back, fore, thick = -long / 2 - bar, long / 2 + bar, drum * 0.46
    for y0, y1 in ((r, r + bar), (-r - bar * 1.2, -r)):
        parts.box(material, (0.0, 0.5 * (y0 + y1), 0.0), (long + 2 * bar, y1 - y0, thick))
    for x in (-0.5 * (long + bar), 0.5 * (long + bar)):
        parts.box(material, (x, 0.0, 0.0), (bar, drum, thick))
    tube = (length - (fore - back) - drum * 1.15) * dice.between(0.55, 1.0)
    at = (fore + tube / 2, 0.30 * drum, 0.0)
    barrel = parts.rod(material, at, drum * 0.42, tube, axis="x")
    parts.rod("", at, drum * 0.22, tube, axis="x", inside=barrel)
    if dice.chance(0.6):
        parts.box(material, (fore + tube * 0.4, -0.06 * drum, 0.0), (tube * 0.8, drum * 0.28, drum * 0.24))
    tip = fore + tube
    parts.prism(material, [(tip - 16, 0.51 * drum), (tip - 2, 0.51 * drum), (tip - 2, 0.68 * drum)], -1.5, 1.5)
    _revolver_grip(parts, dice, (back, -r - bar * 1.2, r), drum, length)
    gx = back + long * 0.45
    shapes.arch(
        parts, material, (gx, -r - bar * 1.2), (gx + drum * 1.05, -r - bar * 1.2), drum * 0.62, 3.6, drum * 0.22
    )
    top = -r - bar * 1.2
    shapes.curve(parts, "steel", [(gx + 14, top), (gx + 16, top - drum * 0.3), (gx + 11, top - drum * 0.5)], 3.4, 5.0)
    return parts.finish("revolver")


def _revolver_grip(parts: Parts, dice: Dice, at: tuple[float, float, float], drum: float, length: float) -> None:
    """Stocks around a steel strap, curving down from the back of the frame, and the hammer above."""
    x, low, high = at
    stock = dice.pick(("wood", "rubber", "polymer_filled"))
    drop, lean = length * dice.between(0.34, 0.42), math.radians(dice.between(22, 38))
    wide, thick = drum * dice.between(0.72, 0.92), drum * 0.66
    dx = drop * math.sin(lean)
    corners = [
        (x - dx - wide * 0.9, low - drop * 0.86), (x - dx - wide * 0.2, low - drop),
        (x - dx + wide * 0.25, low - drop * 0.9),
        (x, low), (x, low + drum * 0.55), (x - wide * 0.75, low + drum * 0.35), (x - wide * 1.1, low - drop * 0.1),
    ]  # fmt: skip
    stocks = parts.prism(stock, corners, -thick / 2, thick / 2)
    parts.bar("steel", (x - wide * 0.42, low - drop * 0.05), (x - dx - wide * 0.25, low - drop * 0.8), 0.0,
              drum * 0.2, 5.5, inside=stocks)  # fmt: skip
    shapes.curve(
        parts, "steel", [(x, high * 0.7), (x - drum * 0.22, high * 0.9), (x - drum * 0.42, high * 1.5)], 5.5, 6.0
    )


def pistol_parts(dice: Dice, room: Room) -> Item:
    """A pistol taken apart: slide, frame, magazine and perhaps a spring lie side by side."""
    length = min(dice.between(120, 185), room[0] * 0.85, room[1] * 0.98)
    tall, wide = length * 0.135, min(dice.between(21, 26), room[2])
    slide, frame, magazine = Parts(), Parts(), Parts()
    _slide(slide, dice, 0.0, 0.0, length, tall, wide)
    _frame(frame, dice, length, tall, wide, is_loaded=False)
    _magazine(magazine, dice, (0.0, 0.0), math.pi / 2, length * 0.5, length * 0.15, wide * 0.6)
    pieces = [slide.finish("slide"), frame.finish("frame"), magazine.finish("magazine")]
    if dice.chance(0.25):
        del pieces[dice.pick((1, 2))]
    parts = Parts()
    y = 0.0
    for piece in pieces:
        turn = yaw(dice.between(-0.12, 0.12) + dice.pick((0.0, math.pi)))
        y -= 0.5 * piece.size[1]
        parts.take(piece, at=(dice.between(-0.1, 0.1) * length, y, 0.0), turn=turn)
        y -= 0.5 * piece.size[1] + tall * 0.25
    if dice.chance(0.6):
        shapes.spring(parts, (0.0, tall * 0.6, 4.0), length * 0.5, 6.0)
    return parts.finish("pistol_parts")


def machine_pistol(dice: Dice, room: Room) -> Item:
    """A compact automatic: a stamped square receiver, short barrel, the magazine in the grip or in front of it."""
    parts = Parts()
    length = min(dice.between(165, 260), room[0] * 0.97, room[1] * 1.7)
    tall, wide = length * dice.between(0.14, 0.18), min(dice.between(24, 34), room[2])
    box = length * dice.between(0.66, 0.8)
    parts.shell("steel", (box / 2, 0.0, 0.0), (box, tall, wide), 1.6)
    parts.box("steel", (box * 0.32, 0.0, 0.0), (box * 0.35, tall * 0.7, wide * 0.6), fill=0.85)  # the bolt
    parts.rod("steel", (box * 0.72, 0.0, 0.0), tall * 0.2, box * 0.4, axis="x")
    barrel = parts.rod("steel", ((box + length) / 2, 0.0, 0.0), tall * 0.42, length - box, axis="x")
    parts.rod("", ((box + length) / 2, 0.0, 0.0), tall * 0.24, length - box, axis="x", inside=barrel)
    grip, deep, lean = length * dice.between(0.34, 0.44), length * 0.15, math.radians(dice.between(4, 14))
    gx, dx = box * dice.between(0.22, 0.5), grip * math.tan(lean)
    low = -tall / 2
    corners = [(gx - dx, low - grip), (gx - dx + deep, low - grip), (gx + deep, low), (gx, low)]
    handle = parts.prism("polymer_filled", corners, -wide * 0.45, wide * 0.45)
    parts.box("", (gx + deep / 2 - dx / 2, low - grip / 2, 0.0), (deep * 0.6, grip * 0.84, wide * 0.6), turn=yaw(-lean),
              inside=handle)  # fmt: skip
    if dice.chance(0.6):
        _magazine(parts, dice, (gx + deep / 2 - dx / 2, low - grip / 2), -lean, grip * 0.82, deep * 0.56, wide * 0.55)
    shapes.arch(
        parts, "steel", (gx + deep * 1.05, low), (gx + deep + length * 0.16, low), length * 0.1, 3.5, wide * 0.3
    )
    shapes.curve(parts, "steel", [(gx + deep + 14, low), (gx + deep + 11, low - length * 0.07)], 3.5, 5.0)
    for side in (-1, 1):  # a folded wire stock
        parts.bar("steel", (box * 0.02, tall * 0.62), (length * 0.9, tall * 0.62), side * wide * 0.3, 4.0, 4.0)
    return parts.finish("machine_pistol")


def two_barrelled(dice: Dice, room: Room) -> Item:
    """A small pistol of two short barrels over each other that tip open."""
    parts = Parts()
    length = min(dice.between(120, 165), room[0] * 0.97, room[1] * 1.5)
    metal = dice.pick(("steel", "stainless", "zamak"))
    bore = length * dice.between(0.085, 0.11)
    wide = min(bore * 1.9, room[2] * 0.95)
    tube = length * dice.between(0.48, 0.6)
    for i in (0, 1):
        at = (length * 0.42 + tube / 2, (0.55 - 1.1 * i) * bore, 0.0)
        block = parts.box(metal, at, (tube, bore * 1.1, wide * 0.8))
        parts.rod("", at, bore * 0.62, tube, axis="x", inside=block)
        if dice.chance(0.6):
            parts.rod("brass", (length * 0.42 + 10, at[1], 0.0), bore * 0.6, 18.0, axis="x", fill=0.5)
    corners = [(length * 0.16, -bore * 1.1), (length * 0.42, -bore * 1.1), (length * 0.42, bore * 1.1),
               (length * 0.26, bore * 1.0), (length * 0.16, bore * 0.2)]  # fmt: skip
    frame = parts.prism(metal, corners, -wide / 2, wide / 2, fill=0.85)
    parts.rod("", (length * 0.33, 0.0, wide * 0.2), bore * 0.9, wide * 0.5, inside=frame)
    grip = length * dice.between(0.38, 0.48)
    dx = grip * 0.42
    stock = [(length * 0.16 - dx, -grip), (length * 0.34 - dx, -grip * 1.04), (length * 0.40 - dx * 0.2, -grip * 0.5),
             (length * 0.38, -bore * 1.1), (length * 0.16, -bore * 1.1),
             (length * 0.08 - dx * 0.4, -grip * 0.6)]  # fmt: skip
    handle = parts.prism(dice.pick(("wood", "polymer_filled")), stock, -wide * 0.55, wide * 0.55)
    parts.bar(
        metal,
        (length * 0.26, -bore * 1.4),
        (length * 0.22 - dx * 0.7, -grip * 0.85),
        0.0,
        bore * 0.5,
        5.0,
        inside=handle,
    )
    shapes.curve(
        parts,
        metal,
        [(length * 0.45, -bore * 1.15), (length * 0.46, -bore * 1.9), (length * 0.41, -bore * 2.3)],
        4.0,
        6.0,
    )
    shapes.curve(
        parts, metal, [(length * 0.2, bore * 0.8), (length * 0.14, bore * 1.4), (length * 0.08, bore * 1.9)], 5.0, 6.0
    )
    return parts.finish("two_barrelled_pistol")


def home_made_gun(dice: Dice, room: Room) -> Item:
    """A crude gun of pipes and welded plate with a wooden or plate grip."""
    parts = Parts()
    length = min(dice.between(150, 250), room[0] * 0.97, room[1] * 1.7)
    outer = min(dice.between(21, 30), room[2] * 0.97)
    receiver = length * dice.between(0.5, 0.65)
    tube = parts.rod("steel", (receiver / 2, 0.0, 0.0), outer, receiver, axis="x")
    parts.rod("", (receiver / 2, 0.0, 0.0), outer - 5.0, receiver - 6.0, axis="x", inside=tube)
    parts.rod("steel", (receiver * 0.3, 0.0, 0.0), outer - 7.0, receiver * 0.4, axis="x", fill=0.9)
    shapes.spring(parts, (receiver * 0.7, 0.0, 0.0), receiver * 0.35, outer * 0.4)
    at = ((receiver + length) / 2, 0.0, 0.0)
    barrel = parts.rod("steel", at, outer * dice.between(0.6, 0.8), length - receiver, axis="x")
    parts.rod("", at, outer * 0.36, length - receiver, axis="x", inside=barrel)
    nut = parts.rod("steel", (receiver + 5.0, 0.0, 0.0), outer * 1.0, 10.0, axis="x")
    parts.rod("", (receiver + 5.0, 0.0, 0.0), outer * 0.8, 10.0, axis="x", inside=nut)
    low, wide = -outer / 2, outer * 0.8
    gx, grip = receiver * dice.between(0.08, 0.25), length * dice.between(0.34, 0.44)
    wood = [(gx - 22, low - grip), (gx + 12, low - grip), (gx + 34, low), (gx, low)]
    handle = parts.prism(dice.pick(("wood", "wood", "abs")), wood, -wide / 2, wide / 2)
    for share in (0.3, 0.75):
        parts.rod("steel", (gx + 16 - 22 * share, low - grip * share, 0.0), 5.0, wide, inside=handle)
    if dice.chance(0.5):
        _magazine(parts, dice, (receiver * 0.62, low - grip * 0.42), 0.0, grip * 0.8, 26.0, outer * 0.7)
    shapes.curve(parts, "steel", [(gx + 38, low), (gx + 40, low - 18), (gx + 62, low - 18), (gx + 64, low)], 3.0, 12.0)
    shapes.curve(parts, "steel", [(gx + 52, low), (gx + 50, low - 14)], 4.0, 5.0)
    return parts.finish("home_made_gun")


def long_gun_parts(dice: Dice, room: Room) -> Item:
    """The main parts of a long gun, cut short: receiver with bolt, barrel length, trigger group."""
    parts = Parts()
    length = min(dice.between(165, 300), room[0] * 0.97)
    deep = min(dice.between(24, 34), room[2] * 0.95)
    tall = deep * dice.between(1.1, 1.5)
    box = length * dice.between(0.72, 0.95)
    body = [(0, 0), (box * 0.9, 0), (box, tall * 0.35), (box, tall), (box * 0.08, tall), (0, tall * 0.6)]
    outer = parts.prism(dice.pick(("steel", "aluminium")), body, -deep / 2, deep / 2)
    parts.box("", (box * 0.5, tall * 0.5, 0.0), (box * 0.8, tall * 0.6, deep * 0.7), inside=outer)
    parts.rod("steel", (box * 0.45, tall * 0.55, 0.0), tall * 0.45, box * 0.45, axis="x")
    y = tall + dice.between(8, 14)
    tube = min(deep * 0.75, 19.0)
    barrel = parts.rod("steel", (length * 0.5, y + tube / 2, 0.0), tube, length, axis="x")
    parts.rod("", (length * 0.5, y + tube / 2, 0.0), tube * dice.between(0.3, 0.5), length, axis="x", inside=barrel)
    if y + tube < room[1] * 0.75:
        low = -dice.between(6, 12)
        parts.box("steel", (length * 0.25, low - 12, 0.0), (length * 0.26, 20.0, deep * 0.6), fill=0.35)
        shapes.arch(parts, "steel", (length * 0.2, low - 22), (length * 0.36, low - 22), 20.0, 3.2, 10.0)
        _magazine(parts, dice, (length * 0.68, low - 14), math.pi / 2, length * 0.34, 26.0, deep * 0.7)
    return parts.finish("long_gun_parts")


# ammunition -------------------------------------------------------------------------------------------------------


def _cartridge(parts: Parts, at: tuple[float, float, float], angle: float, size: Point) -> None:
    """One round lying down: hollow case, charge, bullet; `size` is length and diameter."""
    long, d = size
    c, s = math.cos(angle), math.sin(angle)

    def on(share: float) -> tuple[float, float, float]:
        return at[0] + c * share * long, at[1] + s * share * long, at[2]

    case = parts.wire("brass", on(-0.5), on(0.16), d)
    parts.wire("", on(-0.38), on(0.16), d * 0.84, inside=case)
    parts.wire("lead", on(0.02), on(0.34), d * 0.82, fill=0.95)
    parts.wire("lead", on(0.34), on(0.5), d * 0.5, fill=0.95)


def loose_rounds(dice: Dice, room: Room) -> Item:
    """A handful of cartridges thrown together, in a bag or bare."""
    parts = Parts()
    size = dice.pick(((25.0, 9.5), (30.0, 9.8), (32.0, 11.5), (26.0, 6.5), (45.0, 9.6)))
    across = max(2, min(6, int(room[0] * 0.9 // (size[0] * 1.05))))
    n = dice.whole(10, 24)
    for i in range(n):
        row, col = divmod(i, across)
        y = row * size[1] * 1.5
        if y > room[1] * 0.9 - size[1]:
            break
        at = (col * size[0] * 1.05 + dice.between(-5, 5), y + dice.between(-2, 2), dice.between(0.0, 0.6) * size[1])
        _cartridge(parts, at, dice.between(-0.45, 0.45) + dice.pick((0.0, math.pi)), size)
    return parts.finish("loose_rounds")


def boxed_rounds(dice: Dice, room: Room) -> Item:
    """Rounds standing in rows in a carton with a plastic tray, some taken out."""
    parts = Parts()
    long, d = dice.pick(((25.0, 9.8), (29.0, 9.8), (32.0, 11.6), (25.0, 6.8)))
    long = min(long, room[2] * 0.9)
    pitch = d + dice.between(1.2, 2.5)
    nx = max(3, min(10, int((room[0] - 8) // pitch)))
    ny = max(2, min(5, int((room[1] - 8) // pitch)))
    parts.shell("cardboard", (0.0, 0.0, long / 2 + 1), (nx * pitch + 5, ny * pitch + 5, long + 6), 0.8)
    missing = dice.pick((0.0, 0.0, 0.2))
    for i in range(nx):
        for j in range(ny):
            if dice.chance(missing):
                continue
            at = ((i - (nx - 1) / 2) * pitch, (j - (ny - 1) / 2) * pitch)
            case = parts.rod("brass", (*at, long * 0.3), d, long * 0.6)
            parts.rod("", (*at, long * 0.36), d * 0.84, long * 0.48, inside=case)
            parts.rod("lead", (*at, long * 0.8), d * 0.72, long * 0.38)
    return parts.finish("boxed_rounds")


def loaded_magazine(dice: Dice, room: Room) -> Item:
    """One to three magazines filled with rounds, straight or curved."""
    parts = Parts()
    wide = dice.between(30, 60)
    deep = min(dice.between(20, 27), room[2] * 0.95)
    long = min(dice.between(95, 200), room[0] * 0.9)
    n = max(1, min(dice.whole(1, 3), int(room[1] // (wide + 12))))
    bend = dice.pick((0.0, 0.0, 0.35)) if n * wide < room[1] * 0.7 else 0.0
    case, pieces = dice.pick((("steel", 1.0), ("polymer_filled", 2.0), ("aluminium", 1.4))), 4
    for k in range(n):
        for i in range(pieces):
            a = bend * ((i + 0.5) / pieces - 0.5)
            x = (i + 0.5 - pieces / 2) * long / pieces
            y = k * (wide + 5) + (0.5 * bend * x * x / long)
            at, turn = (x, y, 0.0), yaw(a)
            outer = parts.box(case[0], at, (long / pieces * 1.0, wide, deep), turn=turn)
            parts.box("", at, (long / pieces, wide - 2 * case[1], deep - 2 * case[1]), turn=turn, inside=outer)
            for j in range(3):
                u = (j - 1) * long / pieces / 3
                px, py = x + u * math.cos(a), y + u * math.sin(a)
                for lead, share, v in (("brass", 0.52, -0.16), ("lead", 0.26, 0.27)):
                    middle = (px - v * wide * math.sin(a), py + v * wide * math.cos(a), 0.0)
                    piece = (long / pieces / 3 * 0.82, wide * share * 0.95, deep * 0.66)
                    parts.box(lead, middle, piece, turn=turn, fill=0.5)
    return parts.finish("loaded_magazine")


def belted_rounds(dice: Dice, room: Room) -> Item:
    """Rounds side by side in a belt or in strips."""
    parts = Parts()
    size = dice.pick(((57.0, 9.6), (45.0, 9.6), (71.0, 12.0)))
    long = min(size[0], room[1] * 0.9)
    pitch = size[1] + dice.between(1.0, 3.0)
    n = max(5, min(dice.whole(9, 20), int(room[0] * 0.9 // pitch)))
    sag = dice.between(-0.15, 0.15) * long
    n_layers = 2 if room[2] > 2.4 * size[1] and dice.chance(0.2) else 1
    for layer in range(n_layers):
        for i in range(n):
            u = (i + 0.5) / n - 0.5
            at = (u * n * pitch, sag * math.cos(math.pi * u), layer * size[1] * 1.15)
            _cartridge(parts, at, math.pi / 2 + 0.4 * u * dice.between(0.6, 1.0), (long, size[1]))
        if not layer:
            parts.bar("steel", (-n * pitch / 2, 0.0), (n * pitch / 2, 0.0), -size[1] * 0.6, long * 0.2, 0.8)
    return parts.finish("belted_rounds")


def shotshells(dice: Dice, room: Room) -> Item:
    """Plastic shells with brass heads and shot, in rows."""
    parts = Parts()
    d = min(dice.pick((16.0, 18.5, 20.5)), room[2] * 0.95)
    long = min(dice.between(58, 72), room[1] * 0.9)
    n = max(2, min(dice.whole(4, 10), int(room[0] * 0.92 // (d + 1))))
    n_rows = max(1, min(2, int(room[1] // (long + 4))))
    for k in range(n_rows):
        for i in range(n):
            x, y, flip = i * (d + 1.0), k * (long + 3) + dice.between(-3, 3), dice.pick((-1, 1))
            head = parts.rod("brass", (x, y - flip * long * 0.42, 0.0), d, long * 0.16, axis="y")
            parts.rod("", (x, y - flip * long * 0.40, 0.0), d * 0.86, long * 0.11, axis="y", inside=head)
            hull = parts.rod("polyethylene", (x, y + flip * long * 0.08, 0.0), d * 0.97, long * 0.84, axis="y")
            parts.rod("lead", (x, y + flip * long * 0.22, 0.0), d * 0.84, long * 0.4, axis="y", inside=hull, fill=0.62)
    return parts.finish("shotshells")


# blades -----------------------------------------------------------------------------------------------------------


def _edge(parts: Parts, material: str, x0: float, length: float, wide: float, thick: float, dice: Dice) -> None:
    """A blade from x0 forward: a back, a belly that curves up to the point, a thinner strip along the edge."""
    belly, tip = dice.between(0.5, 0.78), dice.between(-0.1, 0.5) * wide
    low, high = -wide / 2, wide / 2
    points = [(0.0, low), (belly, low), (0.5 * (1 + belly), low * 0.72 + tip * 0.15), (1.0, tip * 0.8)]
    back = [(1.0 - 0.4 * (1 - belly), max(high * 0.7, tip)), (belly * 0.9, high), (0.0, high)]
    corners = [(x0 + share * length, y) for share, y in (*points, *back)]
    blade = parts.prism(material, _hull(corners), -thick / 2, thick / 2)
    for side in (-1, 1):
        ground = (x0 + 0.5 * belly * length, low + wide * 0.10, side * thick * 0.42)
        parts.box("", ground, (belly * length * 0.96, wide * 0.18, thick * 0.16), inside=blade)


def _hull(points: list[Point]) -> list[Point]:
    """Convex hull, counter-clockwise."""
    ordered = sorted(set(points))

    def half(these: list[Point]) -> list[Point]:
        chain: list[Point] = []
        for p in these:
            while len(chain) > 1 and (
                (chain[-1][0] - chain[-2][0]) * (p[1] - chain[-2][1])
                <= (chain[-1][1] - chain[-2][1]) * (p[0] - chain[-2][0])
            ):
                chain.pop()
            chain.append(p)
        return chain[:-1]

    return half(ordered) + half(ordered[::-1])


def fixed_knife(dice: Dice, room: Room) -> Item:
    """A knife with a tang in its handle, or of one piece."""
    parts = Parts()
    whole = min(dice.between(165, 310), room[0] * 0.97)
    length, wide = whole * dice.between(0.48, 0.62), min(dice.between(18, 38), room[1] * 0.5)
    thick, handle = dice.between(2.4, 5.0), 0.0
    handle = whole - length
    steel = dice.pick(("stainless", "steel"))
    _edge(parts, steel, 0.0, length, wide, thick, dice)
    grip = dice.pick(("wood", "abs", "rubber", "polymer_filled", "steel"))
    tall, deep = wide * dice.between(0.7, 0.95), min(dice.between(13, 20), room[2])
    if grip == "steel":
        parts.rounded("stainless", (-handle / 2, 0.0, 0.0), (handle, tall, thick * 1.6), tall * 0.4)
    else:
        scales = parts.rounded(grip, (-handle / 2, 0.0, 0.0), (handle, tall, deep), tall * 0.4)
        parts.box(
            steel, (-handle * 0.46, 0.0, 0.0), (handle * 0.86, tall * dice.between(0.35, 0.6), thick), inside=scales
        )
        for i in range(dice.whole(0, 3)):
            parts.rod("brass", (-handle * (0.2 + 0.28 * i), 0.0, deep * 0.32), 4.5, deep * 0.3, inside=scales)
    if dice.chance(0.4):
        guard = wide * dice.between(0.2, 0.4)
        for side in (-1, 1):
            parts.box(steel, (3.0, side * (wide / 2 + guard / 2), 0.0), (6.0, guard, min(deep, 10.0)))
    return parts.finish("fixed_knife")


def folding_knife(dice: Dice, room: Room) -> Item:
    """A folding knife, closed or open, with liners and scales."""
    parts = Parts()
    handle = min(dice.between(85, 125), room[0] * (0.95 if room[0] < 150 else 0.6))
    wide, thick = handle * dice.between(0.17, 0.24), dice.between(1.8, 3.6)
    deep = dice.between(9.0, 13.0)
    grip, has_liner = dice.pick(("abs", "wood", "aluminium", "polymer_filled")), dice.chance(0.7)
    scales = parts.rounded(grip, (-handle / 2, 0.0, 0.0), (handle, wide, deep), wide * 0.4)
    parts.box("", (-handle / 2, wide * 0.05, 0.0), (handle * 0.9, wide * 0.75, thick + 0.8), inside=scales)
    if has_liner:
        for side in (-1, 1):
            at = (-handle / 2, 0.0, side * (thick / 2 + 1.2))
            parts.box("steel", at, (handle * 0.9, wide * 0.7, 1.1), inside=scales)
    if dice.chance(0.5):
        _edge(parts, "stainless", -handle * 0.93, handle * 0.86, wide * 0.6, thick, dice)
    else:
        _edge(parts, "stainless", 0.5, handle * 0.86, wide * 0.75, thick, dice)
    for x in (-5.0, -handle + 6.0):
        for side in (-1, 1):
            parts.rod("steel", (x, 0.0, side * (deep / 2 + 0.7)), 5.0, 1.4)
    if dice.chance(0.6):
        parts.bar("steel", (-handle * 0.93, 0.0), (-handle * 0.45, 0.0), deep / 2 + 1.0, 6.0, 1.2)
    return parts.finish("folding_knife")


def box_cutter(dice: Dice, room: Room) -> Item:
    """A cutter with a metal or plastic body and a thin blade in segments, part way out."""
    parts = Parts()
    length = min(dice.between(110, 165), room[0] * 0.8)
    wide, deep = dice.between(18, 34), dice.between(9, 16)
    body = parts.rounded(
        dice.pick(("zamak", "abs", "abs")), (0.0, 0.0, 0.0), (length, wide, deep), wide * 0.3, fill=0.75
    )
    parts.box("", (length * 0.02, 0.0, 0.0), (length * 0.9, wide * 0.55, deep * 0.45), inside=body)
    out = dice.between(0.05, 0.3) * length
    thick = dice.between(0.5, 0.8)
    parts.box("steel", (-length * 0.1, 0.0, 0.0), (length * 0.7, wide * 0.45, thick))
    x = length * 0.5 + out
    corners = [
        (length * 0.5, -wide * 0.22),
        (x, -wide * 0.22),
        (x - wide * 0.35, wide * 0.22),
        (length * 0.5, wide * 0.22),
    ]
    parts.prism("steel", corners, -thick / 2, thick / 2)
    for i in range(1, 4):
        parts.bar("steel", (x - out * i / 4, -wide * 0.2), (x - out * i / 4 - 4, wide * 0.2), thick, 0.8, thick)
    parts.box("steel", (-length * 0.3, 0.0, deep * 0.55), (22, wide * 0.4, 3.0))
    return parts.finish("box_cutter")


def razor_pack(dice: Dice, room: Room) -> Item:
    """A straight razor, or a stack of loose blades."""
    parts = Parts()
    if dice.chance(0.5):
        length, wide = min(dice.between(120, 160), room[0] * 0.7), dice.between(16, 22)
        _edge(parts, "stainless", 0.0, length, wide, 3.2, dice)
        parts.bar("stainless", (0.0, 0.0), (-length * 0.16, 3.0), 0.0, 6.0, 4.0)
        angle = dice.pick((0.0, 0.3, 2.6))
        for z in (-3.2, 3.2):
            middle = (0.5 * length * math.cos(angle), 0.5 * length * math.sin(angle) + 2.0, z)
            parts.box(dice.pick(("abs", "wood")), middle, (length, wide * 0.7, 2.6), turn=yaw(angle))
        parts.rod("brass", (0.0, 0.0, 5.2), 5.0, 1.4)
        return parts.finish("straight_razor")
    for i in range(dice.whole(6, 20)):
        at = (dice.between(-4, 4) + i * dice.between(0.0, 1.6), dice.between(-3, 3), 0.3 * i)
        blade = parts.box("stainless", at, (43.0, 22.0, 0.25), turn=yaw(dice.between(-0.2, 0.2)))
        parts.box("", at, (30.0, 3.0, 0.25), turn=yaw(0.0), inside=blade)
    return parts.finish("razor_blades")


def dagger(dice: Dice, room: Room) -> Item:
    """Two edges, a cross guard, a pommel."""
    parts = Parts()
    whole = min(dice.between(165, 300), room[0] * 0.97)
    length, wide, thick = whole * dice.between(0.55, 0.66), dice.between(20, 34), dice.between(3.0, 5.5)
    handle = whole - length
    steel = dice.pick(("stainless", "steel"))
    corners = [(4.0, -wide / 2), (length * 0.55, -wide * 0.46), (length * 0.85, -wide * 0.25), (length, 0.0),
               (length * 0.85, wide * 0.25), (length * 0.55, wide * 0.46), (4.0, wide / 2)]  # fmt: skip
    blade = parts.prism(steel, corners, -thick / 2, thick / 2)
    for side in (-1, 1):
        parts.box(
            "", (length * 0.35, 0.0, side * thick * 0.38), (length * 0.5, wide * 0.16, thick * 0.24), inside=blade
        )
    parts.rounded(dice.pick((steel, "brass")), (0.0, 0.0, 0.0), (8.0, wide * dice.between(1.5, 2.3), 11.0), 4.0)
    deep = min(dice.between(14, 21), room[2])
    grip = parts.rod(
        dice.pick(("wood", "leather", "abs")), (-4 - handle * 0.44, 0.0, 0.0), deep, handle * 0.86, axis="x"
    )
    parts.box(steel, (-4 - handle * 0.44, 0.0, 0.0), (handle * 0.86, deep * 0.45, 4.0), inside=grip)
    parts.ball(dice.pick((steel, "brass")), (-handle * 0.94 - 2, 0.0, 0.0), (handle * 0.12, deep * 1.1, deep * 1.0))
    return parts.finish("dagger")


def curved_knife(dice: Dice, room: Room) -> Item:
    """A hooked blade, the handle with a finger ring."""
    parts = Parts()
    reach = min(dice.between(85, 150), room[0] * 0.5)
    wide, thick = dice.between(20, 32), dice.between(2.8, 5.0)
    n, bend = 6, dice.between(0.7, 1.3)
    x, y, a = 0.0, 0.0, 0.25
    for i in range(n):
        w0, w1 = wide * (1 - 0.9 * (i / n) ** 2), wide * (1 - 0.9 * ((i + 1) / n) ** 2)
        b = a - bend / n
        step = reach / n
        nx, ny = x + step * math.cos(a), y + step * math.sin(a)
        left = [
            (x - 0.5 * w0 * math.sin(a), y + 0.5 * w0 * math.cos(a)),
            (nx - 0.5 * w1 * math.sin(b), ny + 0.5 * w1 * math.cos(b)),
        ]
        right = [
            (x + 0.5 * w0 * math.sin(a), y - 0.5 * w0 * math.cos(a)),
            (nx + 0.5 * w1 * math.sin(b), ny - 0.5 * w1 * math.cos(b)),
        ]
        parts.prism("stainless", _hull([right[0], right[1], left[1], left[0]]), -thick / 2, thick / 2)
        x, y, a = nx, ny, b
    handle = min(dice.between(85, 115), room[0] * 0.45)
    deep = min(dice.between(11, 17), room[2])
    for i in range(3):
        at = (-handle * (0.17 + 0.33 * i), -3.0 * i, 0.0)
        scale = parts.rounded(dice.pick(("polymer_filled", "wood")), at, (handle / 3, wide * 0.85, deep), 3.0)
        parts.box("steel", at, (handle / 3, wide * 0.6, thick), inside=scale)
    ring = parts.rod("stainless", (-handle - 15.0, -8.0, 0.0), 34.0, thick)
    parts.rod("", (-handle - 15.0, -8.0, 0.0), 24.0, thick, inside=ring)
    return parts.finish("curved_knife")


def cleaver(dice: Dice, room: Room) -> Item:
    """A broad chopping blade or a short hatchet head on a handle."""
    parts = Parts()
    whole = min(dice.between(180, 300), room[0] * 0.97)
    blade = whole * dice.between(0.5, 0.62)
    wide, thick = min(dice.between(42, 72), room[1] * 0.9), dice.between(1.6, 2.8)
    corners = [
        (0, -wide * 0.62),
        (blade * 0.9, -wide * 0.66),
        (blade, -wide * 0.5),
        (blade, wide * 0.25),
        (blade * 0.93, wide * 0.34),
        (0, wide * 0.3),
    ]
    steel = parts.prism("stainless", corners, -thick / 2, thick / 2)
    parts.rod("", (blade * 0.9, wide * 0.15, 0.0), 9.0, thick, inside=steel)
    handle = whole - blade
    grip = parts.rounded(
        dice.pick(("wood", "abs")), (-handle / 2, 0.0, 0.0), (handle, dice.between(22, 28), min(19.0, room[2])), 8.0
    )
    parts.box("stainless", (-handle * 0.48, 0.0, 0.0), (handle * 0.9, 14.0, thick), inside=grip)
    for share in (0.25, 0.6):
        parts.rod("brass", (-handle * share, 0.0, min(19.0, room[2]) * 0.3), 6.0, 5.0, inside=grip)
    return parts.finish("cleaver")


def throwing_star(dice: Dice, room: Room) -> Item:
    """One to three stars of three to eight points around a hole, of sheet steel."""
    parts = Parts()
    for k in range(dice.whole(1, 3)):
        reach = min(dice.between(38, 62), room[1] * 0.48)
        thick, n = dice.between(1.5, 3.5), dice.pick((3, 4, 4, 5, 6, 8))
        core = reach * dice.between(0.3, 0.42)
        x0, z = k * reach * 0.5, k * 4.0
        disc = parts.rod("stainless", (x0, 0.0, z), 2 * core, thick)
        parts.rod("", (x0, 0.0, z), core * dice.between(0.5, 1.1), thick, inside=disc)
        half = core * min(0.9, 2.4 / n)
        start = math.sqrt(core * core - half * half)
        for i in range(n):
            a = 2 * math.pi * i / n + 0.3 * k
            c, s = math.cos(a), math.sin(a)
            point = [
                (x0 + px * c - py * s, px * s + py * c) for px, py in ((start, -half), (reach, 0.0), (start, half))
            ]
            parts.prism("stainless", point, z - thick / 2, z + thick / 2)
    return parts.finish("throwing_star")


# explosives -------------------------------------------------------------------------------------------------------


def _initiation(parts: Parts, dice: Dice, at: tuple[float, float, float], reach: float) -> None:
    """A thin metal tube with two wires that run to a cell and a small board: what a screener looks for beside the mass."""
    x, y, z = at
    a = dice.between(-0.6, 0.6)
    c, s = math.cos(a), math.sin(a)
    tube = parts.wire(dice.pick(("aluminium", "copper")), (x - 24 * c, y - 24 * s, z), (x + 24 * c, y + 24 * s, z), 6.5)
    parts.wire("cast_explosive", (x - 22 * c, y - 22 * s, z), (x + 4 * c, y + 4 * s, z), 5.4, inside=tube)
    bx, by = x + dice.between(-0.3, 0.3) * reach, y + dice.pick((-1, 1)) * dice.between(0.16, 0.3) * reach
    for k in (-1, 1):
        points = [(x + 24 * c, y + 24 * s + k), (0.5 * (x + bx) + 9 * k, 0.5 * (y + by) - 6 * k), (bx + 4 * k, by)]
        shapes.lead(parts, points, z + 3.0, 1.6)
    shapes.board(parts, dice, (bx, by, z + 4.0), (dice.between(26, 42), dice.between(16, 26)), n_chips=4)
    kind = dice.unit()
    if kind < 0.6:
        shapes.cell(
            parts, (bx - 26, by + 10, z + 7.0), diameter=dice.pick((10.5, 14.2)), length=46.0, angle=dice.between(-1, 1)
        )
    else:
        parts.shell("steel", (bx - 26, by + 10, z + 7.0), (46.0, 25.0, min(15.0, reach * 0.1 + 6)), 0.4)
        parts.box("alkaline", (bx - 26, by + 10, z + 7.0), (42.0, 22.0, 10.0), fill=0.9)


def _most(room: Room, z: float = 12.0) -> float:
    """Thickness that is left for a charge under what sets it off."""
    return max(room[2] - z, 9.0)


def explosive_block(dice: Dice, room: Room) -> Item:
    """One or more wrapped blocks of a mouldable mass."""
    parts = Parts()
    x, y = min(dice.between(95, 210), room[0] * 0.9), min(dice.between(48, 90), room[1] * 0.6)
    z = min(dice.between(20, 45), _most(room))
    n = dice.whole(1, 2) if room[1] > 2.1 * y else 1
    for k in range(n):
        at = (dice.between(-4, 4), k * (y + 2), z / 2)
        mass = parts.rounded("plastic_explosive", at, (x, y, z), dice.between(2, 10), texture=(GRAIN, 0.015))
        if dice.chance(0.4):
            parts.rod("", (-x * 0.3, at[1], z / 2), 8.0, z * 0.6, inside=mass)
        parts.box("polyethylene", (at[0], at[1], -0.3), (x + 8, y + 8, 0.6))
    _initiation(parts, dice, (0.0, 0.0, z + 3.5), x)
    return parts.finish("explosive_block")


def explosive_sheet(dice: Dice, room: Room) -> Item:
    """A thin even sheet, folded or in layers, hard to see but for its wires."""
    parts = Parts()
    x, y = min(dice.between(130, 260), room[0] * 0.96), min(dice.between(85, 190), room[1] * 0.96)
    level = 0.0
    for _ in range(dice.whole(2, 4)):
        thick = min(dice.between(4.0, 8.0), _most(room) / 3)
        share = dice.between(0.75, 1.0)
        at = (dice.between(-0.05, 0.05) * x, dice.between(-0.05, 0.05) * y, level + thick / 2)
        parts.rounded("plastic_explosive", at, (x * share, y * share, thick), 6.0)
        level += thick + 0.3
    _initiation(parts, dice, (0.0, 0.0, level + 3.5), x * 0.8)
    return parts.finish("explosive_sheet")


def pipe_charge(dice: Dice, room: Room) -> Item:
    """A length of metal or plastic pipe with end caps, filled."""
    parts = Parts()
    d = min(dice.between(32, 62), _most(room, 9.0), room[1] * 0.6)
    x = min(dice.between(120, 240), room[0] * 0.95)
    metal, wall = dice.pick((("steel", 2.6), ("steel", 3.2), ("copper", 1.5), ("pvc", 4.0)))
    outer = parts.rod(metal, (0.0, 0.0, 0.0), d, x * 0.9, axis="x")
    fill = dice.between(0.85, 1.1)
    parts.rod("pyrotechnic_powder", (0.0, 0.0, 0.0), d - 2 * wall, x * 0.9, axis="x", inside=outer, fill=fill,
              texture=(GRAIN, 0.03))  # fmt: skip
    for side in (-1, 1):
        cap = parts.rod(metal, (side * x * 0.46, 0.0, 0.0), d + 2 * wall, x * 0.08, axis="x")
        parts.rod("", (side * (x * 0.46 - 2.0), 0.0, 0.0), d, x * 0.08 - 4.0, axis="x", inside=cap)
    _initiation(parts, dice, (x * 0.05, d * 0.2, d / 2 + 3.5), x * 0.9)
    return parts.finish("pipe_charge")


def stick_bundle(dice: Dice, room: Room) -> Item:
    """Round sticks taped side by side."""
    parts = Parts()
    d = min(dice.between(22, 34), _most(room))
    x = min(dice.between(120, 210), room[0] * 0.9)
    n = max(2, min(dice.whole(3, 5), int(room[1] * 0.8 // d)))
    for k in range(n):
        parts.rod(
            "cast_explosive", (dice.between(-3, 3), k * (d + 0.6), 0.0), d, x, axis="x", fill=0.9, texture=(GRAIN, 0.02)
        )
    for share in (-0.3, 0.3):
        for side in (-1, 1):
            parts.box("pvc", (share * x, (n - 1) * d / 2, side * (d / 2 + 0.4)), (18.0, n * d, 0.5))
    _initiation(parts, dice, (0.0, (n - 1) * d / 2, d / 2 + 4.0), x * 0.9)
    return parts.finish("stick_bundle")


def canned_charge(dice: Dice, room: Room) -> Item:
    """A tin or jar filled with a cast mass, nails or the like around it."""
    parts = Parts()
    d = min(dice.between(70, 125), room[1] * 0.8, room[0] * 0.6)
    z = min(dice.between(28, 60), _most(room))
    shell, wall = dice.pick((("steel", 0.3), ("polypropylene", 2.0), ("aluminium", 0.5)))
    outer = parts.rod(shell, (0.0, 0.0, z / 2), d, z)
    parts.rod("cast_explosive", (0.0, 0.0, z / 2), d - 2 * wall, z - 2 * wall, inside=outer, texture=(GRAIN, 0.02))
    n = dice.pick((0, 0, 16))
    for i in range(n):
        a = 2 * math.pi * i / max(n, 1)
        parts.rod("steel", (0.53 * d * math.cos(a), 0.53 * d * math.sin(a), z / 2), 3.6, z * 0.8)
    _initiation(parts, dice, (d * 0.1, 0.0, z + 3.5), min(d * 1.6, room[0] * 0.8))
    return parts.finish("canned_charge")
