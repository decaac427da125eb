"""How the slot is hidden: between layers, in an article, a false floor, among packs, under dense goods, or not at all.

Every function takes the dice, the content (a threat, or what stands in its place) and the room, and returns one item whose
primitives belong to object 0 (what hides) or 1 (what is hidden). The content comes with a claim on a box that was drawn
before it, and is treated by its claim alone: so what hides a threat is the same, to the last fold, as what hides its twin.
"""

import math
from collections.abc import Callable

from xraybench.simulate.dice import Dice
from xraybench.simulate.items import goods, shapes
from xraybench.simulate.parts import COARSE, FOLDS, GRAIN, STRAIGHT, WEAVE, Item, Parts, compose, placed, tilt, yaw

Room = tuple[float, float, float]
COVER, CONTENT = 0, 1

# the least that a hiding adds around its content, so that the content can be built to fit: along x, y and z
MARGIN: dict[str, Room] = {
    "undeclared": (4.0, 4.0, 2.0),
    "in_layers": (12.0, 12.0, 11.0),
    "in_article": (30.0, 30.0, 13.0),
    "masked": (12.0, 12.0, 11.0),
    "false_bottom": (24.0, 24.0, 14.0),
    "in_load": (12.0, 8.0, 7.0),  # of each pack
}


def _put(parts: Parts, content: Item, at: tuple[float, float, float], turn: tuple[float, ...] = STRAIGHT) -> None:
    parts.object = CONTENT
    parts.take(content, at=at, turn=turn)  # type: ignore[arg-type]
    parts.object = COVER


def posed(dice: Dice, content: Item, room: Room, *, on_edge: float, leaning: float) -> Item:
    """The content lying flat, leaning, or with some chance standing on its edge, as far as the height allows."""
    style = dice.unit()
    if style < on_edge:
        turn = compose(tilt(math.pi / 2 + dice.between(-0.25, 0.25), 0.0), yaw(dice.between(-0.3, 0.3)))
    elif style < on_edge + leaning:
        turn = tilt(dice.between(-0.5, 0.5), dice.between(-0.25, 0.25))
    else:
        turn = tilt(dice.between(-0.06, 0.06), dice.between(-0.06, 0.06))
    if dice.chance(0.5):
        turn = compose(turn, tilt(math.pi, 0.0))  # upside down
    turned = placed(content, turn=turn)
    if turned.size[2] > room[2] or turned.size[0] > room[0] or turned.size[1] > room[1]:
        return content
    return turned


def undeclared(dice: Dice, content: Item, room: Room) -> Item:
    """Loose among the goods."""
    parts = Parts()
    _put(parts, posed(dice, content, room, on_edge=0.03, leaning=0.15), (0.0, 0.0, 0.0))
    return parts.finish("slot")


def in_layers(dice: Dice, content: Item, room: Room) -> Item:
    """Between sheets, magazines, cards or folded cloth that are wider than the content."""
    parts = Parts()
    x = min(content.size[0] + dice.between(8, 70), max(room[0], content.size[0]))
    y = min(content.size[1] + dice.between(8, 60), max(room[1], content.size[1]))
    spare = max(room[2] - content.size[2], 4.0)
    stuff = dice.pick(("paper", "paper", "cloth", "board"))
    most = {"paper": 44.0, "cloth": 70.0, "board": 20.0}[stuff]
    total = min(spare, dice.between(0.5, 1.0) * most)
    below = total * dice.between(0.25, 0.6)
    _layer_pile(parts, dice, stuff, (x, y, below), 0.0)
    _put(
        parts,
        content,
        (dice.between(-0.5, 0.5) * (x - content.size[0]), dice.between(-0.5, 0.5) * (y - content.size[1]), below),
        yaw(0.0),
    )
    _layer_pile(parts, dice, stuff, (x, y, total - below), below + content.size[2])
    return parts.finish("slot")


def _layer_pile(parts: Parts, dice: Dice, stuff: str, size: Room, z0: float) -> None:
    n = dice.whole(1, 3)
    level = z0
    for _ in range(n):
        thick = size[2] / n
        at = (dice.between(-4, 4), dice.between(-4, 4), level + thick / 2)
        turn = yaw(dice.between(-0.05, 0.05))
        whole = (size[0] * dice.between(0.9, 1.0), size[1] * dice.between(0.9, 1.0), thick)
        if stuff == "cloth":
            parts.box(
                dice.pick(("cotton", "polyester_cloth")),
                at,
                whole,
                turn=turn,
                texture=(FOLDS, 0.22),
                fill=dice.between(0.7, 1.1),
            )
        elif stuff == "board":
            parts.box("cardboard", at, whole, turn=turn, texture=(WEAVE, 0.05))
        else:
            parts.box(dice.pick(("newsprint", "coated_paper", "paper")), at, whole, turn=turn, texture=(WEAVE, 0.02))
            if dice.chance(0.3):  # a fold or a cutting inside
                strip = (whole[0] * dice.between(0.3, 0.8), whole[1] * dice.between(0.2, 0.7), thick)
                parts.box(
                    "coated_paper",
                    (at[0] + dice.between(-0.1, 0.1) * whole[0], at[1], at[2]),
                    strip,
                    fill=0.5,
                    turn=turn,
                )
        level += thick


def in_article(dice: Dice, content: Item, room: Room) -> Item:
    """Inside a book, a device, a soft toy, a tin, a shoe, a frame or a filled box."""
    flat = content.size[2] < 26.0
    tall = room[2] > content.size[2] + 22.0
    options: list[Callable[[Parts, Dice, Item, Room], None]] = [_device_around, _device_around]
    if flat:
        options += [_book_around, _book_around, _frame_around]
    if tall:
        options += [_plush_around, _tin_around, _food_box_around]
        if content.size[1] < 80 and content.size[0] < 250:
            options.append(_shoe_around)
    parts = Parts()
    dice.pick(options)(parts, dice, content, room)
    return parts.finish("slot")


def _book_around(parts: Parts, dice: Dice, content: Item, room: Room) -> None:
    cx, cy, cz = content.size
    x = min(cx + dice.between(20, 60), max(room[0], cx + 14))
    y = min(cy + dice.between(20, 50), max(room[1] - 2.0, cy + 14))
    z = cz + min(dice.between(4, 24), max(room[2] - cz - 4, 3.0))
    dx, dy = dice.between(-0.3, 0.3) * (x - cx - 12), dice.between(-0.3, 0.3) * (y - cy - 12)
    block = parts.box(
        dice.pick(("paper", "newsprint", "coated_paper")), (0.0, 0.0, z / 2), (x - 4, y - 4, z), texture=(WEAVE, 0.01)
    )
    parts.box("", (dx, dy, z / 2), (cx + 1, cy + 1, cz + 1), inside=block)
    for level in (-1.0, z + 1.0):
        parts.box("cardboard", (0.0, 0.0, level), (x, y, 2.0))
    parts.box("cardboard", (0.0, -y / 2, z / 2), (x, 2.4, z))
    _put(parts, content, (dx, dy, z / 2 - cz / 2))


def _frame_around(parts: Parts, dice: Dice, content: Item, room: Room) -> None:
    cx, cy, cz = content.size
    x, y = min(cx + dice.between(30, 80), max(room[0], cx + 22)), min(cy + dice.between(30, 80), max(room[1], cy + 22))
    rail = min(dice.between(9, 22), (x - cx) / 2, (y - cy) / 2)
    z = cz + 5.0
    wood = dice.pick(("wood", "aluminium", "abs"))
    fill = 0.35 if wood == "aluminium" else 1.0
    for side in (-1, 1):
        parts.box(wood, (side * (x - rail) / 2, 0.0, z / 2), (rail, y, z), fill=fill)
        parts.box(wood, (0.0, side * (y - rail) / 2, z / 2), (x - 2 * rail, rail, z), fill=fill)
        parts.rod("steel", (side * (x - rail) / 2, 0.3 * y, z / 2), 2.0, 12.0, axis="y")
    parts.box(dice.pick(("glass", "polypropylene")), (0.0, 0.0, z - 1.0), (x - 2 * rail, y - 2 * rail, 2.0))
    parts.box("cardboard", (0.0, 0.0, 1.0), (x - 2 * rail, y - 2 * rail, 2.0))
    _put(parts, content, (0.0, 0.0, 2.2))


def _device_around(parts: Parts, dice: Dice, content: Item, room: Room) -> None:
    """A housing whose board, cells and coil were pushed together under the content."""
    cx, cy, cz = content.size
    x, y = min(cx + dice.between(14, 80), max(room[0], cx + 8)), min(cy + dice.between(14, 60), max(room[1], cy + 8))
    z = cz + min(dice.between(13, 30), max(room[2] - cz, 12.5))
    wall, metal = dice.between(1.4, 2.0), dice.chance(0.35)
    wall *= 0.6 if metal else 1.0
    radius = dice.pick((0.0, 0.0, 4.0))
    parts.shell("aluminium" if metal else "abs", (0.0, 0.0, z / 2), (x, y, z), wall, radius=radius)
    floor = wall
    if metal and dice.chance(0.4):
        parts.box("steel", (0.0, 0.0, floor + 0.4), (x - 2 * wall - 1, y - 2 * wall - 1, 0.6))
        floor += 0.8
    board = (x * 0.86, y * 0.84)
    shapes.board(
        parts, dice, (dice.between(-0.04, 0.04) * x, 0.0, floor + 1.2), board, n_chips=dice.whole(10, 22), low=True
    )
    lift = floor + 6.2
    if dice.chance(0.6):
        at = (dice.between(-0.2, 0.2) * x, dice.between(-0.2, 0.2) * y, floor + 6.2)
        parts.box("liion", at, (x * dice.between(0.25, 0.5), y * dice.between(0.3, 0.5), 2.6))
        lift = floor + 7.6
    if dice.chance(0.4):
        at = (dice.between(-0.3, 0.3) * x, dice.between(-0.25, 0.25) * y, floor + 6.8)
        parts.rod("copper", at, min(30.0, y * 0.25), 1.4, fill=0.8)
        lift = max(lift, floor + 7.6)
    for sx in (-1, 1):
        for sy in (-1, 1):
            parts.rod("steel", (sx * (x / 2 - wall - 1.6), sy * (y / 2 - wall - 1.6), z * 0.5), 2.4, z - 2 * wall - 1)
    if dice.chance(0.5):
        parts.rounded("glass", (0.0, 0.0, z + 0.6), (x * 0.92, y * 0.9, 1.0), radius)
    spare = (max(x - cx - 2 * wall - 9, 0.0), max(y - cy - 2 * wall - 9, 0.0))
    _put(
        parts,
        content,
        (dice.between(-0.5, 0.5) * spare[0], dice.between(-0.5, 0.5) * spare[1], min(lift, z - wall - cz)),
    )


def _plush_around(parts: Parts, dice: Dice, content: Item, room: Room) -> None:
    """A soft toy cut open: stuffing below and above the content, head and limbs beside it."""
    cx, cy, cz = content.size
    x, y = min(cx * 1.5 + 20, max(room[0], cx * 1.05)), min(cy * 1.5 + 20, max(room[1], cy * 1.05))
    soft = min(dice.between(14, 34), max((room[2] - cz) / 2, 4.0))
    long = max(x * 0.74, cx)
    middle = (long - x) / 2
    for side, level in ((-1, soft), (1, soft + cz)):
        parts.ball("stuffing", (middle, 0.0, level), (long, max(y * 0.9, cy), 2 * soft), texture=(COARSE, 0.25),
                   planes=[(0.0, 0.0, -side, 0.0)], fill=dice.between(1.0, 1.6))  # fmt: skip
    d = min(x - long + cx * 0.1, y * 0.7)
    head = (x / 2 - d / 2, 0.0, soft + cz / 2)
    if d > 20.0:
        parts.ball(
            "stuffing", head, (d, d, min(cz + 2 * soft, d)), texture=(COARSE, 0.25), planes=[(-1.0, 0.0, 0.0, d * 0.3)]
        )
        for side in (-1, 1):
            parts.ball("abs", (head[0] + d * 0.2, side * d * 0.18, 2 * soft + cz - 3.0), (9.0, 9.0, 6.0))
    for sx in (-0.3, 0.25):
        for sy in (-1, 1):
            limb = (middle + sx * long, sy * max(y * 0.42, cy * 0.5), soft * 0.5)
            parts.ball(
                "polyester_cloth",
                limb,
                (long * 0.2, y * 0.16, soft * 0.9),
                texture=(FOLDS, 0.1),
                fill=0.4,
                turn=yaw(sy * 0.6),
            )
    _put(parts, content, (middle, 0.0, soft))


def _tin_around(parts: Parts, dice: Dice, content: Item, room: Room) -> None:
    """A tin of food, the content laid into it: food below, beside and above."""
    cx, cy, cz = content.size
    wall = dice.between(0.2, 0.4)
    x, y = min(cx + dice.between(14, 50), max(room[0], cx + 6)), min(cy + dice.between(14, 50), max(room[1], cy + 6))
    z = min(cz + dice.between(16, 50), max(room[2] - 1.0, cz + 12))
    radius = dice.pick((0.0, 8.0, 3.0)) if min(x - cx, y - cy) > 9 else 0.0
    parts.shell("steel", (0.0, 0.0, z / 2), (x, y, z), wall, radius=radius)
    food, fill = dice.pick(("flour", "coffee", "chocolate", "sugar")), dice.between(0.35, 0.9)
    inner = (x - 2 * wall - 0.4, y - 2 * wall - 0.4, (z - 2 * wall) * dice.between(0.93, 0.99))
    at = (0.0, 0.0, wall + inner[2] / 2)
    body = parts.rounded(food, at, inner, max(radius - wall, 0.1), cuts=2, fill=fill, texture=(COARSE, 0.15))
    low = wall + (inner[2] - cz) * dice.between(0.2, 0.7)
    spot = (dice.between(-0.4, 0.4) * (inner[0] - cx), dice.between(-0.4, 0.4) * (inner[1] - cy))
    parts.box("", (*spot, low + cz / 2), (cx, cy, cz), inside=body)
    for level in (-0.6, z + 0.6):  # seams
        seam = parts.rounded("steel", (0.0, 0.0, level), (x + 1.4, y + 1.4, 1.2), radius, cuts=2)
        parts.rounded("", (0.0, 0.0, level), (x - 1.0, y - 1.0, 1.2), radius, cuts=2, inside=seam)
    _put(parts, content, (*spot, low))


def _food_box_around(parts: Parts, dice: Dice, content: Item, room: Room) -> None:
    cx, cy, cz = content.size
    x, y = min(cx + dice.between(16, 60), max(room[0], cx + 8)), min(cy + dice.between(16, 50), max(room[1], cy + 8))
    z = min(cz + dice.between(16, 50), max(room[2], cz + 12))
    parts.shell("cardboard", (0.0, 0.0, z / 2), (x, y, z), 1.2)
    food = dice.pick(("washing_powder", "flour", "milk_powder", "sugar", "coffee"))
    body = parts.box(
        food, (0.0, 0.0, z / 2), (x - 3, y - 3, z - 3), texture=(GRAIN, 0.05), fill=dice.between(0.8, 1.05)
    )
    at = (dice.between(-0.4, 0.4) * (x - cx - 6), dice.between(-0.4, 0.4) * (y - cy - 6), z / 2)
    parts.box("", at, (cx, cy, cz), inside=body)
    _put(parts, content, (at[0], at[1], z / 2 - cz / 2))


def _shoe_around(parts: Parts, dice: Dice, content: Item, room: Room) -> None:
    """A shoe that is large enough, the content in its hollow."""
    cx, cy, cz = content.size
    x, y = max(cx / 0.70, 200.0), max(cy / 0.64, 80.0)
    goods.add_shoe(parts, dice, (x, y, max(cz / 0.46 + 26.0, 66.0)))
    _put(parts, content, (-0.03 * x, 0.0, 23.0))


def false_bottom(dice: Dice, content: Item, room: Room) -> Item:
    """Between the floor or a side wall of the bag and a false panel that runs along the whole of it."""
    parts = Parts()
    cx, cy, cz = content.size
    panel = dice.pick((("abs", 2.5), ("wood", 4.0), ("aluminium", 1.5), ("cardboard", 3.0)))
    if dice.chance(0.6) or cy > room[2] - 4.0:
        spot = (dice.between(-0.5, 0.5) * (room[0] - cx - 8), dice.between(-0.5, 0.5) * (room[1] - cy - 8))
        parts.box(panel[0], (0.0, 0.0, cz + 0.5 + panel[1] / 2), (room[0], room[1], panel[1]))
        for side in (-1, 1):  # battens that carry the panel
            parts.box("wood", (0.0, side * (room[1] / 2 - 2.0), cz / 2), (room[0] * 0.75, 4.0, cz))
            parts.box("rubber", (side * (room[0] / 2 - 2.0), 0.0, cz / 2), (4.0, room[1] * 0.7, cz), fill=0.4)
        _put(parts, content, (*spot, 0.2))
        return parts.finish("slot")
    standing = placed(content, turn=tilt(math.pi / 2, 0.0))
    deep, high = standing.size[1], room[2] * dice.between(0.85, 0.95)
    parts.box(
        panel[0],
        (0.0, deep + 1.0 + panel[1] / 2, max(high, standing.size[2]) / 2),
        (room[0], panel[1], max(high, standing.size[2])),
    )
    parts.box("polyester_cloth", (0.0, deep + 2.0 + panel[1], high / 2), (room[0], 1.0, high), fill=2.0)
    for side in (-1, 1):
        parts.box("wood", (side * (room[0] * 0.43), deep / 2, high / 2), (6.0, deep * 0.9, high))
    _put(parts, standing, (dice.between(-0.5, 0.5) * max(room[0] * 0.84 - cx, 0.0), deep / 2, 0.2))
    return parts.finish("slot")


def masked(dice: Dice, content: Item, room: Room) -> Item:
    """Under or inside dense things: plates, foil, cells, tools, cans, salt; often standing on its edge besides."""
    parts = Parts()
    turned = posed(dice, content, room, on_edge=0.25, leaning=0.35)
    cx, cy, cz = turned.size
    spare = max(room[2] - cz, 8.0)
    _put(parts, turned, (0.0, 0.0, 0.0))
    options: list[Callable[[Parts, Dice, Room, float, float], None]] = [_plates, _plates, _foil, _tool_pile]
    if spare > 12:
        options += [_cells, _cells]
    if spare > 26:
        options += [_salt, _tiles, _cans]
    if room[0] > 380.0 and spare > 20.0:
        options += [_laptop, _laptop]
    chosen = dice.pick(options)
    chosen(parts, dice, (cx, cy, cz), cz, spare)
    if chosen is _foil:
        _tool_pile(parts, dice, (cx, cy, cz), cz + 3.0, spare)
    return parts.finish("slot")


def _over(dice: Dice, size: Room, least: float, most: float) -> tuple[float, float, float, float]:
    """A cover's centre and sizes, so that it overlaps the middle of what it hides."""
    x, y = size[0] * dice.between(least, most), max(size[1] * dice.between(least, most + 0.2), 26.0)
    return dice.between(-0.18, 0.18) * size[0], dice.between(-0.18, 0.18) * size[1], x, y


def _plates(parts: Parts, dice: Dice, size: Room, z0: float, spare: float) -> None:
    level = z0
    for _ in range(dice.whole(1, 2)):
        metal, thick = dice.pick(
            (("steel", 1.6), ("steel", 2.6), ("aluminium", 7.0), ("copper", 1.4), ("brass", 1.8), ("zamak", 2.2))
        )
        thick = min(thick * dice.between(0.5, 1.2), spare * 0.5)
        px, py, x, y = _over(dice, size, 0.55, 1.0)
        angle = dice.between(-0.3, 0.3)
        c, s = math.cos(angle), math.sin(angle)
        plate = parts.box(metal, (px, py, level + thick / 2), (x, y, thick), turn=yaw(angle))
        for corner in range(dice.whole(0, 5)):
            spot = ((-0.36, -0.3), (0.36, 0.3), (-0.36, 0.3), (0.36, -0.3), (0.0, 0.05))[corner]
            at = (px + spot[0] * x * c - spot[1] * y * s, py + spot[0] * x * s + spot[1] * y * c, level + thick / 2)
            parts.rod("", at, dice.between(4, 9), thick, inside=plate)
        level += thick + 0.5


def _foil(parts: Parts, dice: Dice, size: Room, z0: float, spare: float) -> None:
    metal, thick = dice.pick(
        (("aluminium", dice.between(0.3, 1.6)), ("copper", dice.between(0.1, 0.4)), ("lead", dice.between(0.15, 0.5)))
    )
    for level in (-thick / 2 - 0.3, z0 + thick / 2 + 0.3):
        parts.box(metal, (0.0, 0.0, level), (size[0] + 8, size[1] + 8, thick), texture=(FOLDS, 0.10))


def _tool_pile(parts: Parts, dice: Dice, size: Room, z0: float, spare: float) -> None:
    long = min(max(size[0] * 1.05, 110.0), 230.0)
    for i in range(dice.whole(2, 5)):
        at = (dice.between(-0.1, 0.1) * size[0], dice.between(-0.45, 0.45) * max(size[1], 30.0), z0 + 4.0 + 2.0 * i)
        if dice.chance(0.6):
            shapes.spanner(parts, dice, long * dice.between(0.6, 1.0), at=at, angle=dice.between(-0.6, 0.6))
        else:
            parts.rod(
                "steel",
                at,
                dice.between(6, 14),
                long * dice.between(0.5, 0.9),
                turn=compose(yaw(dice.between(-0.7, 0.7)), (0, 0, 1, 0, 1, 0, -1, 0, 0)),
            )


def _cells(parts: Parts, dice: Dice, size: Room, z0: float, spare: float) -> None:
    d = min(dice.pick((10.5, 14.2, 14.2, 26.0)), spare * 0.9)
    long = 44.0 if d < 12 else 50.0
    px, py, x, y = _over(dice, size, 0.6, 1.0)
    for i in range(max(2, min(9, int(x / (d + 0.6))))):
        for j in range(max(1, min(2, int(y / long)))):
            at = (
                px - x / 2 + (i + 0.5) * (d + 0.6),
                py + (j - 0.5 * (max(1, min(2, int(y / long))) - 1)) * (long + 2),
                z0 + d / 2,
            )
            shapes.cell(parts, at, diameter=d, length=long, angle=math.pi / 2 + dice.between(-0.06, 0.06))


def _salt(parts: Parts, dice: Dice, size: Room, z0: float, spare: float) -> None:
    px, py, x, y = _over(dice, size, 0.8, 1.2)
    thick = min(dice.between(20, 55), spare)
    shapes.pillow(
        parts,
        dice.pick(("salt", "washing_powder", "salt")),
        (x, y, thick),
        dice=dice,
        at=(px, py, z0 + thick / 2),
        texture=(GRAIN, 0.05),
    )


def _tiles(parts: Parts, dice: Dice, size: Room, z0: float, spare: float) -> None:
    level = z0
    for _ in range(dice.whole(1, 3)):
        thick = dice.between(6, 10)
        if level + thick > z0 + spare:
            break
        px, py, x, y = _over(dice, size, 0.7, 1.1)
        parts.box(
            dice.pick(("ceramic", "glass")),
            (px, py, level + thick / 2),
            (x, y, thick),
            turn=yaw(dice.between(-0.2, 0.2)),
        )
        level += thick + 0.4


def _cans(parts: Parts, dice: Dice, size: Room, z0: float, spare: float) -> None:
    d = min(dice.between(40, 70), spare)
    n = max(1, min(3, int(size[0] / d)))
    for i in range(n):
        at = ((i - 0.5 * (n - 1)) * (d + 2), dice.between(-8, 8), z0 + d / 2)
        long = min(max(size[1], 60.0), 110.0)
        outer = parts.rod("steel", at, d, long, axis="y")
        parts.rod(
            dice.pick(("cream", "water", "flour")),
            at,
            d - 0.5,
            long - 0.5,
            axis="y",
            inside=outer,
            texture=(COARSE, 0.06),
        )


def _laptop(parts: Parts, dice: Dice, size: Room, z0: float, spare: float) -> None:
    """A laptop, charger and cables over the middle of what is hidden."""
    machine = goods.build("laptop", dice, (340.0, 250.0, min(26.0, spare)))
    parts.take(machine, at=(dice.between(-30, 30), dice.between(-20, 20), z0 + 0.5), turn=yaw(dice.between(-0.4, 0.4)))
    if spare > 58.0:
        charger = goods.build("charger", dice, (200.0, 90.0, 30.0))
        parts.take(charger, at=(dice.between(-40, 40), dice.between(-30, 30), z0 + 27.5), turn=yaw(dice.between(-2, 2)))


WARES = (  # what many packs of one shape hold: material, share of its density, texture
    ("sugar", 1.0, (GRAIN, 0.03)),
    ("flour", 1.0, (GRAIN, 0.03)),
    ("coffee", 1.0, (COARSE, 0.06)),
    ("washing_powder", 1.0, (GRAIN, 0.05)),
    ("soap", 1.0, (WEAVE, 0.01)),
    ("chocolate", 0.9, (WEAVE, 0.02)),
    ("coated_paper", 0.95, (WEAVE, 0.02)),  # packs of cards
    ("milk_powder", 1.0, (GRAIN, 0.03)),
)


def ware_of(size: Room) -> int:
    """Which of the wares come in packs of this size: the size is drawn by chance, so its last digits are as good as dice."""
    return int(size[0] * 1e3) % len(WARES)


def ware(which: int, size: Room) -> Item:
    """What one pack holds."""
    stuff, fill, texture = WARES[which]
    parts = Parts()
    parts.box(stuff, (0.0, 0.0, 0.5 * size[2]), size, fill=fill, texture=texture)
    return parts.finish("pack")


def in_load(dice: Dice, content: Item, room: Room) -> Item:
    """In one of many packs of one size and shape, of sugar, coffee, soap, cards and the like, inside a rind of the ware."""
    cx, cy, cz = content.size
    stuff, fill, texture = WARES[ware_of(content.size)]
    x, y, z = cx + 8.0, cy + 5.0, cz + 4.5  # outside of the ware; a pack is 1 mm more
    n_x, n_y, n_z = (max(int(most // (side + 1.5)), 1) for most, side in zip(room, (x, y, z), strict=True))
    while n_x * n_y * n_z > 24:
        n_x, n_z = (n_x, n_z - 1) if n_z > 2 else (n_x - 1, n_z)
    holder = dice.whole(0, n_x * n_y * n_z - 1)
    is_card = dice.chance(0.4)
    wrapping, wall = ("cardboard", 0.5) if is_card else ("paper", 0.2)
    parts = Parts()
    for n in range(n_x * n_y * n_z):
        i, j, k = n % n_x, n // n_x % n_y, n // (n_x * n_y)
        at = ((i - 0.5 * (n_x - 1)) * (x + 1.4), (j - 0.5 * (n_y - 1)) * (y + 1.4), (k + 0.5) * (z + 1.2))
        pack = parts.box(wrapping, at, (x + 2 * wall, y + 2 * wall, z + 2 * wall))
        body = parts.box(stuff, at, (x, y, z), inside=pack, fill=fill, texture=texture)
        if n == holder:
            parts.box("", at, (cx, cy, cz), inside=body)
            _put(parts, content, (at[0], at[1], at[2] - 0.5 * cz))
    return parts.finish("slot")


HIDINGS: dict[str, Callable[[Dice, Item, Room], Item]] = {
    "undeclared": undeclared,
    "in_layers": in_layers,
    "in_article": in_article,
    "masked": masked,
    "false_bottom": false_bottom,
    "in_load": in_load,
}
