"""Goods that are stacked: on pallets, in cartons and crates, in sacks and big bags, as bulk in a liner, in bales.

A pattern fills a bay and returns the places in the goods that can hold something else. Depth has no edges in a picture from
the side, so things one behind the other are drawn as one.
"""

import math
from collections.abc import Callable
from typing import TypedDict, Unpack

from xraybench.simulate.cargo.frame import Build, Space, Vec, sag
from xraybench.simulate.dice import Dice
from xraybench.simulate.parts import COARSE, FOLDS, GRAIN

Texture = tuple[int, float]
Pattern = Callable[[Build, Dice, Space], list[Space]]
_CREST = 4  # straight pieces of a heap's crest to one of its parts
PALLET_MM = 144.0  # height of a wooden pallet: boards, blocks, boards


class Look(TypedDict, total=False):
    """How cartons of one kind differ from others: least and most size, texture of the content, fill of the board."""

    size: tuple[Vec, Vec]
    texture: Texture
    board: float


# pallets and frames around goods ------------------------------------------------------------------------------------


def pallet(p: Build, space: Space) -> Space:
    """A wooden pallet on the floor of a space; returns the room above it."""
    (x0, y0, z0), (x1, _, z1) = space.low, space.high
    p.block("wood", (x0, y0, z0), (x1, y0 + 22, z1), fill=0.42)
    third = (x1 - x0 - 110.0) / 2
    for k in range(3):
        x = x0 + k * third
        p.block("wood", (x, y0 + 22, z0), (x + 110.0, y0 + 100, z1), fill=0.36)
    p.block("wood", (x0, y0 + 100, z0), (x1, y0 + PALLET_MM, z1), fill=0.72)
    return space.above(y0 + PALLET_MM)


def on_pallets(
    goods: Pattern, *, most_mm: tuple[float, float] = (1500.0, 2150.0), film: float = 0.7, abreast: int = 2
) -> Pattern:
    """The goods on pallets, two abreast, along the bay: heights differ a little, some stand askew, most are wrapped.

    With `abreast` 1 the two are alike and drawn as one that is twice as deep.
    """

    def fill(p: Build, dice: Dice, bay: Space) -> list[Space]:
        long = dice.pick((1000.0, 1140.0, 1200.0))
        (n, _, _), (pitch, _, _) = bay.grid((min(long, bay.size[0]), bay.size[1], bay.size[2]), gap=12.0)
        tall = min(dice.between(*most_mm), bay.size[1] - 60.0)
        wide = min(dice.pick((1000.0, 1140.0)), bay.size[2] / 2 - 10.0) * (3 - abreast)
        hosts = []
        for i in range(n):
            x = bay.low[0] + (i + 0.5) * pitch + dice.between(-0.4, 0.4) * max(pitch - long, 0.0)
            half = 0.5 * min(long, pitch)
            for side in range(abreast):
                z0 = bay.low[2] + 6.0 if side == 0 else bay.high[2] - wide - 6.0
                top = bay.low[1] + tall * dice.pick((1.0, 1.0, 1.0, 0.85, 0.6))
                place = Space((x - half, bay.low[1], z0), (x + half, top, z0 + wide))
                room = pallet(p, place)
                inner = Space((room.low[0] + 12, room.low[1], room.low[2] + 8), (room.high[0] - 12, *room.high[1:]))
                hosts += goods(p, dice, inner.deep(inner.low[2], room.high[2] - 8))
                if dice.chance(film):
                    _film(p, inner)
        return hosts

    return fill


def _film(p: Build, space: Space) -> None:
    """Stretch film around a pallet: two sheets seen edge-on."""
    for x in (space.low[0] - 3.0, space.high[0] + 0.5):
        p.block("polyethylene", (x, *space.low[1:]), (x + 2.5, *space.high[1:]), fill=0.25)


# goods in boxes -----------------------------------------------------------------------------------------------------


def cartons(
    material: str,
    fill: tuple[float, float],
    *,
    size: tuple[Vec, Vec] = ((300.0, 220.0, 300.0), (600.0, 420.0, 500.0)),
    texture: Texture | None = None,
    board: float = 0.2,
    ranks: int = 1,
    slack: float = 0.05,
) -> Pattern:
    """Cartons of one size in columns, or in bond like bricks. Those one behind the other are drawn as one.

    `board` is the fill of cardboard between contents, where walls and flaps meet; `ranks` are drawn apart along the beam.
    """

    def stack(p: Build, dice: Dice, bay: Space) -> list[Space]:
        one = tuple(dice.between(a, b) for a, b in zip(*size, strict=True))
        density, bond = dice.between(*fill), dice.chance(0.3)
        head = dice.between(6.0, 14.0) + slack * one[1]
        hosts: list[Space] = []
        for r in range(ranks):
            z0 = bay.low[2] + r * bay.size[2] / ranks
            rank = bay.deep(z0, z0 + bay.size[2] / ranks - (4.0 if ranks > 1 else 0.0))
            (nx, ny, _), (_, dy, _) = rank.grid((min(one[0], bay.size[0]), min(one[1], bay.size[1]), one[2]), gap=3.0)
            parent = p.fill("cardboard", rank.up_to(rank.low[1] + ny * dy), fill=board)
            for j in range(ny):
                n = max(1, int(rank.size[0] // one[2])) if bond and j % 2 else nx  # every other layer stands turned
                dx = rank.size[0] / n
                for i in range(n):
                    x = rank.low[0] + i * dx + 5.0
                    y = rank.low[1] + j * dy + 5.0
                    low = (x + dice.between(0.0, 5.0), y, rank.low[2] + 5.0)
                    high = (x + dx - 10.0 - dice.between(0.0, 5.0), y + dy - head, rank.high[2] - 5.0)
                    row = p.block(
                        material, low, high, fill=density * dice.between(0.95, 1.05), inside=parent, texture=texture
                    )
                    hosts.append(Space(low, high, row))
        return hosts

    return stack


def floor_cartons(material: str, fill: tuple[float, float], **look: Unpack[Look]) -> Pattern:
    """Cartons loaded by hand from the floor to near the roof, in two ranks, the top layer not full everywhere."""
    stack = cartons(material, fill, ranks=2, **look)

    def load(p: Build, dice: Dice, bay: Space) -> list[Space]:
        top = bay.low[1] + dice.between(0.72, 0.97) * bay.size[1]
        cut = bay.low[0] + dice.between(0.55, 1.0) * bay.size[0]
        if bay.high[0] - cut < 700.0:
            return stack(p, dice, bay.up_to(top))
        state = stack(p, dice, bay.along(bay.low[0], cut).up_to(top))
        lower = bay.low[1] + dice.between(0.5, 0.9) * (top - bay.low[1])
        return state + stack(p, dice, bay.along(cut + 10.0, bay.high[0]).up_to(lower))

    return load


def bananas(p: Build, dice: Dice, bay: Space) -> list[Space]:
    """Vented cartons with hands of fruit: two clumps in each, air around them."""
    hosts = []
    one = (500.0, 240.0, 400.0)
    (nx, ny, _), (dx, dy, _) = bay.grid((min(one[0], bay.size[0]), min(one[1], bay.size[1]), one[2]), gap=4.0)
    parent = p.fill("cardboard", bay.up_to(bay.low[1] + ny * dy), fill=0.16)
    for j in range(ny):
        for i in range(nx):
            x, y = bay.low[0] + i * dx, bay.low[1] + j * dy
            low, high = (x + 8, y + 8, bay.low[2] + 8), (x + dx - 8, y + dy - 20, bay.high[2] - 8)
            air = p.block("", low, high, inside=parent)
            half = 0.5 * (high[0] - low[0])
            for k in range(2):
                hand = Space((low[0] + k * half + 4, low[1], low[2]), (low[0] + (k + 1) * half - 4, *high[1:]))
                hand = hand.up_to(high[1] - dice.between(5, 45))
                row = sag(
                    p, "fruit", hand, bulge=1.35, fill=dice.between(1.0, 1.25), texture=(COARSE, 0.035), inside=-1
                )
                if k == 0:
                    third = 0.2 * (hand.high[0] - hand.low[0])
                    core = hand.along(hand.low[0] + third, hand.high[0] - third).trimmed(20.0)
                    hosts.append(Space(core.low, core.high, row))
            assert air > parent
    return hosts


def slabs(material: str, fill: tuple[float, float], size: Vec, *, board: float = 0.3) -> Pattern:
    """Flat dense cartons: frozen blocks, tiles, reams."""
    a = (0.9 * size[0], 0.9 * size[1], size[2])
    b = (1.1 * size[0], 1.1 * size[1], size[2])
    return cartons(material, fill, size=(a, b), board=board, slack=0.0)


def crated(inner: Pattern, *, most: Vec = (2200.0, 2000.0, 1900.0), least: float = 900.0) -> Pattern:
    """Wooden crates along the bay, each with one thing in it, or the thing on skids without a crate."""

    def fill(p: Build, dice: Dice, bay: Space) -> list[Space]:
        hosts, x = [], bay.low[0]
        while bay.high[0] - x >= least:
            long = min(dice.between(max(least, 0.5 * most[0]), most[0]), bay.high[0] - x)
            tall = min(dice.between(0.6, 1.0) * most[1], bay.size[1] - 40.0)
            deep = min(dice.between(0.7, 1.0) * most[2], bay.size[2] - 20.0)
            z0 = bay.low[2] + 0.5 * (bay.size[2] - deep)
            box = Space((x + 10, bay.low[1], z0), (x + long - 10, bay.low[1] + tall, z0 + deep))
            hosts += inner(p, dice, _crate(p, dice, box))
            x += long
        return hosts

    return fill


def _crate(p: Build, dice: Dice, box: Space) -> Space:
    """Skids, plywood walls and battens, or skids alone; returns the room inside."""
    (x0, y0, z0), (x1, y1, z1) = box.low, box.high
    for z in (z0, 0.5 * (z0 + z1) - 50, z1 - 100):
        p.block("wood", (x0, y0, z), (x1, y0 + 90, z + 100))
    p.block("wood", (x0, y0 + 90, z0), (x1, y0 + 120, z1))
    if dice.chance(0.6):
        for x in (x0, x1 - 14):
            p.block("wood", (x, y0 + 120, z0), (x + 14, y1, z1))
        p.block("wood", (x0, y1 - 14, z0), (x1, y1, z1))
        for z in (z0, z1 - 14):
            p.block("wood", (x0 + 14, y0 + 120, z), (x1 - 14, y1 - 14, z + 14))
            for k in range(3):
                x = x0 + 14 + k * (x1 - x0 - 120) / 2
                p.block(
                    "wood",
                    (x, y0 + 120, z - 24 if z == z0 else z + 14),
                    (x + 90, y1 - 14, z if z == z0 else z + 38),
                    fill=0.9,
                )
    return Space((x0 + 40, y0 + 122, z0 + 40), (x1 - 40, y1 - 40, z1 - 40))


# goods in bulk ------------------------------------------------------------------------------------------------------


def sacks(material: str, fill: tuple[float, float], *, size: tuple[float, float] = (700.0, 150.0)) -> Pattern:
    """Filled sacks in layers, every other layer shifted by half, each a little different; in three ranks at most."""

    def stack(p: Build, dice: Dice, bay: Space) -> list[Space]:
        long, thick = size[0] * dice.between(0.85, 1.1), size[1] * dice.between(0.85, 1.15)
        density = dice.between(*fill)
        hosts = []
        (nx, ny, _), (_, dy, _) = bay.grid((min(long, bay.size[0]), thick, bay.size[2]))
        for j in range(ny):
            n = nx + (j % 2 if nx > 1 else 0)  # every other layer lies turned
            dx = bay.size[0] / n
            for i in range(n):
                x, y = bay.low[0] + i * dx + dice.between(-4.0, 4.0), bay.low[1] + j * dy
                place = Space((x + 6, y, bay.low[2]), (x + dx - 6, y + dy, bay.high[2]))
                row = sag(p, material, place, fill=density * dice.between(0.94, 1.06), texture=(GRAIN, 0.03))
                core = Space(
                    (x + 0.2 * dx, y + 0.15 * dy, bay.low[2] + 10), (x + 0.8 * dx, y + 0.85 * dy, bay.high[2] - 10), row
                )
                hosts.append(core)
        return hosts

    return stack


def floor_sacks(material: str, fill: tuple[float, float], *, tall: tuple[float, float] = (0.5, 0.9)) -> Pattern:
    """Sacks stowed from the floor, up to a height that the weight allows, sloping down to the door."""
    stack = sacks(material, fill)

    def load(p: Build, dice: Dice, bay: Space) -> list[Space]:
        n = max(1, round(bay.size[0] / 1900.0))
        top = dice.between(*tall)
        step = bay.size[0] / n
        hosts = []
        for k in range(n):
            x = bay.low[0] + k * step
            share = top * dice.between(0.92, 1.0) * (dice.between(0.6, 1.0) if k == n - 1 else 1.0)
            hosts += stack(p, dice, bay.along(x, x + step).up_to(bay.low[1] + share * bay.size[1]))
        return hosts

    return load


def big_bags(material: str, fill: tuple[float, float]) -> Pattern:
    """Soft bags of a tonne with bulged sides and a spout, one to a pallet or to a metre of floor."""

    def stand(p: Build, dice: Dice, bay: Space) -> list[Space]:
        hosts = []
        (nx, _, nz), (dx, _, dz) = bay.grid((min(940.0, bay.size[0]), bay.size[1], min(940.0, bay.size[2])), gap=10.0)
        for i in range(nx):
            for k in range(nz):
                tall = min(dice.between(850.0, 1150.0), bay.size[1] - 130.0)
                x0, z0 = bay.low[0] + i * dx + 8, bay.low[2] + k * dz + 6
                x1, z1, y0 = x0 + dx - 16, z0 + dz - 12, bay.low[1]
                c, top = 0.16 * (x1 - x0), y0 + tall
                xm, zm = 0.5 * (x0 + x1), 0.5 * (z0 + z1)
                around = bulged((x0, y0), (x1, top), dice.between(2.8, 3.6), dice.between(-0.02, 0.02))
                row = p.prism(material, around, z0, z1, fill=dice.between(*fill), texture=(COARSE, 0.03))
                spout = [(xm - 95, top - 4), (xm + 95, top - 4), (xm + 50, top + 70), (xm + 62, top + 112),
                         (xm - 62, top + 112), (xm - 50, top + 70)]  # fmt: skip
                p.prism("polypropylene", spout, zm - 80, zm + 80, fill=0.12)
                for x in (x0 + c, x1 - c):  # lifting loops
                    p.wire("polypropylene", (x, top - 0.1 * tall, z0 - 3), (xm, top + 125, zm), 26.0, fill=0.4)
                hosts.append(Space((x0 + c, y0 + 0.1 * tall, z0 + 60), (x1 - c, y0 + 0.8 * tall, z1 - 60), row))
        return hosts

    return stand


def bulged(low: tuple[float, float], high: tuple[float, float], power: float, lean: float) -> list[tuple[float, float]]:
    """A filled bag's outline between two corners: a superellipse of this power, flatter below, leaning a little."""
    x, y, b = 0.5 * (low[0] + high[0]), 0.5 * (low[1] + high[1]), 0.5 * (high[1] - low[1])
    a, points = 0.5 * (high[0] - low[0]) - abs(lean) * b, []
    n = 32
    for k in range(n):
        c, s = math.cos(2 * math.pi * (k + 0.5) / n), math.sin(2 * math.pi * (k + 0.5) / n)
        p = 2 / power if s > 0.0 else 1 / power
        dx, dy = math.copysign(abs(c) ** p, c), math.copysign(abs(s) ** p, s)
        points.append((x + a * dx + lean * b * dy, y + b * dy))
    return points


def liner(material: str, fill: tuple[float, float]) -> Pattern:
    """Loose bulk in a liner behind boards at the door: a heap with a wavy top."""

    def pour(p: Build, dice: Dice, bay: Space) -> list[Space]:
        hosts, n = [], 6
        density, level = dice.between(*fill), dice.between(0.42, 0.62)
        step = bay.size[0] / n
        heights = [bay.low[1] + bay.size[1] * (level + dice.between(-0.05, 0.05)) for _ in range(n + 1)]
        for i in range(n):
            x0, x1 = bay.low[0] + i * step, bay.low[0] + (i + 1) * step
            low_top = min(heights[i], heights[i + 1]) - 60.0
            body = ((x0, bay.low[1], bay.low[2]), (x1, low_top + 60.0, bay.high[2]))
            row = p.block(material, *body, fill=density, texture=(COARSE, 0.02))
            for k in range(_CREST):  # the rounded crest above what is level
                xa, xb = x0 + k * step / _CREST, x0 + (k + 1) * step / _CREST
                ya, yb = (
                    heights[i] + (heights[i + 1] - heights[i]) * (0.5 - 0.5 * math.cos(math.pi * t / _CREST))
                    for t in (k, k + 1)
                )
                corners = [(xa, low_top + 60.0), (xb, low_top + 60.0), (xb, yb), (xa, ya)]
                p.prism(material, corners, bay.low[2], bay.high[2], fill=density, texture=(COARSE, 0.02))
            hosts.append(Space((x0 + 20, bay.low[1] + 60, bay.low[2] + 60), (x1 - 20, low_top, bay.high[2] - 60), row))
        return hosts

    return pour


def bales(material: str, fill: tuple[float, float]) -> Pattern:
    """Pressed bales with straps, bulging between them."""

    def stack(p: Build, dice: Dice, bay: Space) -> list[Space]:
        hosts = []
        one = (dice.between(650, 1050), dice.between(500, 720), bay.size[2])
        (nx, ny, _), (dx, dy, _) = bay.grid((min(one[0], bay.size[0]), min(one[1], bay.size[1]), one[2]), gap=10.0)
        density = dice.between(*fill)
        for j in range(ny):
            for i in range(nx):
                if j == ny - 1 and dice.chance(0.25):
                    continue
                x, y = bay.low[0] + i * dx, bay.low[1] + j * dy
                place = Space((x + 14, y, bay.low[2]), (x + dx - 14, y + dy - 8, bay.high[2]))
                row = sag(
                    p, material, place, bulge=1.9, fill=density * dice.between(0.85, 1.12), texture=(FOLDS, 0.035)
                )
                for k in range(3):
                    xs = place.low[0] + (k + 1) * place.size[0] / 4
                    p.block(
                        "steel", (xs, place.high[1] - 2, bay.low[2]), (xs + 16, place.high[1], bay.high[2]), fill=0.3
                    )
                hosts.append(place.trimmed(0.14 * place.size[1]).deep(bay.low[2] + 60, bay.high[2] - 60))
                hosts[-1] = Space(hosts[-1].low, hosts[-1].high, row)
        return hosts

    return stack
