"""Forms that threats and innocent things share: cases, bricks, bags, tins, bottles, bent rods, blocks. Each fills the room
it is given, up to an amount of its own choice, with whatever material it is told.

What is mistaken for a threat is built by the very same function, so only the matter and the packing tell them apart.
"""

import math
from collections.abc import Callable
from typing import Any

from xraybench.simulate.cargo.frame import Build, Space, Vec, plus, sag
from xraybench.simulate.dice import Dice
from xraybench.simulate.parts import COARSE, FOLDS, GRAIN, Item, placed, shrunk, yaw

Builder = Callable[[Build, Dice, Vec], None]


def whole(size: Vec) -> Space:
    """A room of this size from the origin."""
    return Space((0.0, 0.0, 0.0), size)


def pile(
    p: Build,
    dice: Dice,
    room: Vec,
    one: Vec,
    draw: Callable[[Build, Dice, Space], None],
    *,
    most: int = 14,
    gap: float = 4.0,
) -> None:
    """As many things as fit the room side by side and in layers, up to some number; the top layer may lack some.

    Ranks along the beam are one thing as deep as they are together.
    """
    size = tuple(min(a, b) for a, b in zip(one, room, strict=True))
    nx = max(1, int((room[0] + gap) // (size[0] + gap)))
    ny = max(1, int((room[1] + gap) // (size[1] + gap)))
    while nx * ny > most and nx > 1 and ny > 1:
        nx, ny = (nx - 1, ny) if nx > ny else (nx, ny - 1)
    nx, ny = min(nx, most), min(ny, most)
    nz = max(1, int((room[2] + gap) // (size[2] + gap)))
    nz = dice.whole((nz + 1) // 2, nz)
    depth = nz * (size[2] + gap) - gap
    for j in range(ny):
        for i in range(nx - (dice.whole(0, nx - 1) if j == ny - 1 and ny > 1 else 0)):
            x, y = i * (size[0] + gap), j * (size[1] + gap)
            z = dice.between(0.0, 0.1) * depth
            draw(p, dice, Space((x, y, z), (x + size[0], y + size[1], z + depth)))


def boxed(p: Build, space: Space, *, board: float = 6.0) -> Space:
    """A carton around a space; returns its inside, which is air."""
    box = p.fill("cardboard", space, fill=0.55)
    inner = space.trimmed(board)
    p.fill("", inner, inside=box)
    return inner


def packs(
    p: Build, dice: Dice, space: Space, material: str, one: tuple[float, float], fill: tuple[float, float], **rest: Any
) -> None:
    """Packs side by side in layers, with their own wrappers as gaps."""
    (nx, ny, _), (dx, dy, _) = space.grid((min(one[0], space.size[0]), min(one[1], space.size[1]), space.size[2]))
    nx, ny = min(nx, 6), min(ny, 6)
    dx, dy = space.size[0] / nx, min(space.size[1] / ny, 1.15 * max(dy, space.size[1] / ny * 0.95))
    for j in range(ny):
        for i in range(nx):
            x, y = space.low[0] + i * dx, space.low[1] + j * dy
            low = (x + 2.0, y + 1.0, space.low[2])
            high = (x + dx - 2.0, y + dy - 3.0, space.high[2])
            p.block(material, low, high, fill=dice.between(*fill), **rest)


def _bottle(p: Build, space: Space, material: str, liquid: str, level: float, ranks: int) -> None:
    """A rank of upright bottles: body, shoulder and neck."""
    (x0, y0, z0), (x1, y1, z1) = space.low, space.high
    wall = 3.4 if material == "glass" else 0.6
    d, tall = x1 - x0, y1 - y0
    body = p.round(material, Space((x0, y0, z0), (x1, y0 + 0.66 * tall, z1)), "y")
    inner = Space((x0 + wall, y0 + 5, z0 + wall * ranks), (x1 - wall, y0 + min(level, 0.655) * tall, z1 - wall * ranks))
    p.round(liquid, inner, "y", inside=body)
    xm, zm, q = 0.5 * (x0 + x1), 0.5 * (z0 + z1), 0.2
    neck = p.round(
        material, Space((xm - q * d, y0 + 0.66 * tall, zm - q * (z1 - z0)), (xm + q * d, y1, zm + q * (z1 - z0))), "y"
    )
    r = 0.14
    hole = Space((xm - r * d, y0 + 0.66 * tall, zm - r * (z1 - z0)), (xm + r * d, y1 - 4, zm + r * (z1 - z0)))
    p.round("", hole, "y", inside=neck)


def bottle_cases(p: Build, dice: Dice, room: Vec, material: str, liquid: str) -> None:
    """Cartons of bottles with dividers."""
    d, n = dice.between(74.0, 90.0), dice.pick((3, 4))
    tall = min(dice.between(250.0, 325.0), room[1] - 14.0)

    def case(p: Build, dice: Dice, space: Space) -> None:
        inner = boxed(p, space, board=5.0)
        step = inner.size[0] / n
        ranks = max(1, int(inner.size[2] // d))
        for i in range(n):
            x, own = inner.low[0] + i * step, min(step - 3.0, d)
            place = Space(
                (x + 1.5, inner.low[1], inner.low[2]), (x + 1.5 + own, inner.high[1], inner.low[2] + ranks * own)
            )
            _bottle(p, place, material, liquid, 0.66, ranks)

    pile(p, dice, room, (n * (d + 4) + 10, tall + 12, dice.pick((2, 3, 4)) * d + 10), case, most=6)


def canister_rows(p: Build, dice: Dice, room: Vec, liquid: str) -> None:
    """Canisters with a handle and a cap."""
    big = dice.between(0.75, 1.25)

    def can(p: Build, dice: Dice, space: Space) -> None:
        body = space.up_to(space.low[1] + 0.88 * space.size[1])
        shell = p.fill("polyethylene", body)
        inner = body.trimmed(3.0)
        level = inner.high[1] - dice.between(28.0, 60.0)  # of air: rays are too far apart for less
        p.fill(liquid, inner.up_to(level), inside=shell)
        p.fill("", inner.above(level), inside=shell)
        x, y, z = body.middle[0], body.high[1], body.middle[2]
        p.block(
            "polyethylene",
            (x - 0.3 * body.size[0], y, z - 0.3 * body.size[2]),
            (x + 0.1 * body.size[0], space.high[1] - 8, z + 0.3 * body.size[2]),
            fill=0.3,
        )
        p.rod("polypropylene", (x + 0.3 * body.size[0], y + 12.0, z), 46.0, 22.0, axis="y", fill=0.7)

    pile(p, dice, room, (230.0 * big, 370.0 * big, 190.0 * big), can, most=10)


def bricks(p: Build, dice: Dice, room: Vec, powder: str) -> None:
    """Pressed bricks, stacked or in a carton."""
    one = dice.pick(((200.0, 45.0, 130.0), (240.0, 60.0, 160.0), (160.0, 50.0, 110.0)))

    def brick(p: Build, dice: Dice, space: Space) -> None:
        p.fill(powder, space, fill=dice.between(1.1, 1.28), texture=(GRAIN, 0.02))

    if min(room) > 240.0 and dice.chance(0.4):  # in a carton or a case
        inner = boxed(p, whole((min(room[0], 700.0), min(room[1], 480.0), min(room[2], 560.0))))
        packs(
            p,
            dice,
            inner.up_to(inner.low[1] + dice.between(0.6, 0.95) * inner.size[1]),
            powder,
            (one[0], one[1] + 4),
            (1.1, 1.28),
        )
        return
    pile(p, dice, room, one, brick, most=24, gap=5.0)


def duffels(p: Build, dice: Dice, room: Vec, powder: str) -> None:
    """Bags with bricks in them, cloth between."""

    def bag(p: Build, dice: Dice, space: Space) -> None:
        skin = sag(p, "polyester_cloth", space, bulge=1.3, fill=0.6, texture=(FOLDS, 0.03))
        w, h = 0.12 * space.size[0], 0.14 * space.size[1]
        inner = Space(plus(space.low, (w, h, 0.06 * space.size[2])), plus(space.high, (-w, -h, -0.06 * space.size[2])))
        nx, ny = max(1, int(inner.size[0] // 205)), max(1, int(inner.size[1] // 62))
        nx, ny = min(nx, 4), min(ny, 5)
        dx, dy = inner.size[0] / nx, inner.size[1] / ny
        for j in range(ny):
            lack = dice.between(0.0, 0.25) * dx if j in (0, ny - 1) else 0.0
            for i in range(nx):
                x = inner.low[0] + i * dx + lack / 2
                low = (x + 3, inner.low[1] + j * dy + 2, inner.low[2])
                p.block(
                    powder,
                    low,
                    (x + dx - lack - 3, low[1] + dy - 5, inner.high[2]),
                    fill=dice.between(1.05, 1.25),
                    inside=skin,
                )
        x, y, _ = space.middle
        p.wire(
            "nylon",
            (x - 0.2 * space.size[0], space.high[1] - 12, space.low[2] + 20),
            (x + 0.2 * space.size[0], space.high[1] + 4, space.low[2] + 20),
            22.0,
        )
        assert y > space.low[1]

    pile(p, dice, room, (dice.between(480, 720), dice.between(260, 360), dice.between(280, 380)), bag, most=5, gap=14.0)


def tins(p: Build, dice: Dice, room: Vec, content: str, fill: float) -> None:
    """Tins with this content, in layers."""
    d, tall = dice.pick(((100.0, 120.0), (155.0, 180.0), (75.0, 110.0)))

    def tin(p: Build, dice: Dice, space: Space) -> None:
        ranks = max(1, round(space.size[2] / d))
        shell = p.round("steel", space, "y")
        inner = Space(
            (space.low[0] + 0.5, space.low[1] + 1, space.low[2] + 0.5 * ranks),
            (space.high[0] - 0.5, space.high[1] - 1, space.high[2] - 0.5 * ranks),
        )
        p.round(content, inner, "y", fill=fill * dice.between(0.93, 1.05), inside=shell)

    pile(p, dice, room, (d, tall, d), tin, most=18, gap=3.0)


def soft_sacks(p: Build, dice: Dice, room: Vec, powder: str, fill: tuple[float, float]) -> None:
    """Filled sacks, in layers."""

    def sack(p: Build, dice: Dice, space: Space) -> None:
        sag(p, powder, space, bulge=1.3, fill=dice.between(*fill), texture=(COARSE, 0.05))

    pile(p, dice, room, (dice.between(380, 560), dice.between(110, 170), dice.between(280, 400)), sack, most=9)


def curved_rods(p: Build, dice: Dice, room: Vec, material: str, *, hollow: bool, thick: float) -> None:
    """Bent tapering rods side by side, a chain of short cylinders each."""
    long = min(0.97 * room[0], dice.between(600.0, 1500.0))
    base = min(thick * long, 0.4 * room[1], 0.4 * room[2])
    bend = min(dice.between(0.06, 0.14) * long, 0.3 * room[1]) * dice.pick((-1.0, 1.0))
    edge = 0.5 * (abs(bend) + 1.1 * base)
    n, ranks = (
        max(1, min(4, int((room[1] - 2 * edge) / (1.25 * base)) + 1)),
        max(1, min(3, int(room[2] / (1.5 * base)))),
    )
    steps = 12
    for k in range(min(n * ranks, 8)):
        y = edge + (k % n + 0.5) * max(room[1] - 2 * edge, 0.0) / n
        z = (k // n + 0.5) * room[2] / ranks
        flip, own = dice.chance(0.5), dice.between(0.75, 1.0)
        points = []
        for i in range(steps + 1):
            t = i / steps
            points.append((long * (1 - own * t if flip else own * t), y + bend * (4 * t * (1 - t) - 0.5), z))
        for i in range(steps):
            d = own * base * (1.0 - 0.064 * i)
            row = p.wire(material, points[i], points[i + 1], d, fill=1.0)
            if hollow and i < 5:
                p.wire("", points[i], points[i + 1], d * (0.62 - 0.11 * i), inside=row)


def round_pieces(p: Build, dice: Dice, room: Vec, material: str) -> None:
    """Short round pieces, some bored, in a wooden crate or loose."""

    def piece(p: Build, dice: Dice, space: Space) -> None:
        body = space.trimmed(dice.between(0.0, 0.12) * space.size[1])
        row = p.round(material, body, dice.pick(("x", "z", "z")))
        if dice.chance(0.4):
            q = 0.22 * body.size[1]
            x, y, _ = body.middle
            p.block(
                "",
                (x - q, y - q, body.low[2] + 0.25 * body.size[2]),
                (x + q, y + q, body.high[2] - 0.25 * body.size[2]),
                inside=row,
            )

    inner = (room[0] - 24, room[1] - 24, room[2] - 24)
    wooden = min(inner) > 120 and dice.chance(0.7)
    if wooden:
        box = p.block("wood", (0.0, 0.0, 0.0), room)
        p.block("", (10.0, 10.0, 10.0), (room[0] - 10, room[1] - 10, room[2] - 10), inside=box)
    pieces = Build()
    d = dice.between(80.0, 130.0)
    pile(pieces, dice, inner if wooden else room, (dice.between(110, 260), d, d), piece, most=14, gap=8.0)
    item = pieces.finish("pieces", centred=True)
    if wooden:
        p.take(item, at=(room[0] / 2, 12.0 + item.size[1] / 2, 12.0))
    else:
        p.take(item, at=(item.size[0] / 2, item.size[1] / 2, 0.0))


def figures(p: Build, dice: Dice, room: Vec, material: str) -> None:
    """Figures on plinths: body, head, arm."""

    def figure(p: Build, dice: Dice, space: Space) -> None:
        x, y0, z = space.middle[0], space.low[1], space.middle[2]
        w, h, d = space.size
        p.block(material, (x - 0.4 * w, y0, z - 0.4 * d), (x + 0.4 * w, y0 + 0.12 * h, z + 0.4 * d))
        p.ball(material, (x, y0 + 0.42 * h, z), (0.6 * w, 0.6 * h, 0.6 * d))
        p.ball(material, (x + 0.05 * w, y0 + 0.84 * h, z), (0.34 * w, 0.26 * h, 0.34 * d))
        p.wire(material, (x - 0.25 * w, y0 + 0.55 * h, z), (x + 0.3 * w, y0 + 0.7 * h, z), 0.13 * w)

    pile(
        p, dice, room, (dice.between(90, 160), dice.between(180, 340), dice.between(90, 160)), figure, most=10, gap=12.0
    )


def sticks(p: Build, dice: Dice, room: Vec, material: str) -> None:
    """Small square bars in layers."""

    def layer(p: Build, dice: Dice, space: Space) -> None:
        n = max(2, min(6, int(space.size[0] // 45.0)))
        step = space.size[0] / n
        for i in range(n):
            x = space.low[0] + i * step
            p.block(
                material, (x + 0.14 * step, space.low[1], space.low[2]), (x + 0.86 * step, space.high[1], space.high[2])
            )

    pile(p, dice, room, (dice.between(200, 360), dice.between(20, 34), dice.between(120, 260)), layer, most=12, gap=7.0)


def note_stacks(p: Build, dice: Dice, room: Vec, material: str, fill: tuple[float, float]) -> None:
    """Blocks of four layers each, not quite flush."""

    def block(p: Build, dice: Dice, space: Space) -> None:
        n = max(1, min(4, int(space.size[1] // 26.0)))
        step = space.size[1] / n
        for k in range(n):
            x = dice.between(0.0, 5.0)
            low = (space.low[0] + x, space.low[1] + k * step, space.low[2])
            p.block(
                material, low, (space.high[0] - 5 + x, low[1] + step - 2.5, space.high[2]), fill=dice.between(*fill)
            )

    pile(p, dice, room, (dice.between(138, 160), dice.between(70, 115), dice.between(66, 80)), block, most=12, gap=6.0)


def tubes(p: Build, dice: Dice, room: Vec, material: str, fill: float) -> None:
    """Plastic tubes with something rolled in them."""

    def tube(p: Build, dice: Dice, space: Space) -> None:
        shell = p.round("pvc", space, "x")
        row = p.round(material, space.trimmed(3.5), "x", fill=fill, inside=shell)
        core = Space(
            (space.low[0] + 4, space.low[1] + 0.38 * space.size[1], space.low[2] + 0.38 * space.size[2]),
            (space.high[0] - 4, space.high[1] - 0.38 * space.size[1], space.high[2] - 0.38 * space.size[2]),
        )
        p.round("", core, "x", inside=row)

    d = dice.between(70.0, 110.0)
    pile(p, dice, room, (dice.between(300, 700), d, d), tube, most=10, gap=5.0)


def bored_rods(p: Build, dice: Dice, room: Vec, bore: float) -> None:
    """Steel rods with a bore, in a bundle."""

    def rod(p: Build, dice: Dice, space: Space) -> None:
        ranks = max(1, round(space.size[2] / space.size[1]))
        row = p.round("steel", space, "x")
        q = 0.5 * bore
        x, y, z = space.middle
        assert x > space.low[0]
        p.round("", Space((space.low[0], y - q, z - q * ranks), (space.high[0], y + q, z + q * ranks)), "x", inside=row)

    pile(p, dice, room, (min(dice.between(400, 760), room[0]), 20.0, 20.0), rod, most=12, gap=8.0)


def filled_cartons(
    p: Build, dice: Dice, room: Vec, material: str, fill: tuple[float, float], texture: tuple[int, float]
) -> None:
    """Cartons of one content, filled to somewhere below the lid."""

    def case(p: Build, dice: Dice, space: Space) -> None:
        inner = boxed(p, space)
        top = inner.low[1] + dice.between(0.75, 0.98) * inner.size[1]
        p.fill(material, inner.up_to(top), fill=dice.between(*fill), texture=texture, inside=-1)

    pile(p, dice, room, (dice.between(320, 600), dice.between(220, 420), dice.between(280, 460)), case, most=7)


def built(builder: Builder, dice: Dice, room: Vec, *, on_end: bool) -> Item:
    """What a builder makes in a room, never larger than it; with `on_end` stood upright where the room is tall."""
    turned = on_end and room[1] > 1.6 * room[0]
    p = Build()
    builder(p, dice, (room[1], room[0], room[2]) if turned else room)
    item = p.finish(builder.__name__)
    return shrunk(placed(item, turn=yaw(0.5 * math.pi)) if turned else item, room)
