"""Garments pressed into a place: irregular outlines, layers folded over each other, seams, and the bulge of every fold."""

import math

from xraybench.simulate.dice import Dice
from xraybench.simulate.parts import CREASES, Parts, yaw

Point = tuple[float, float, float]
Plane = tuple[float, float, float, float]

_LAYER_MM = 34.0  # about the thickness of a folded shirt or pullover
_STUFFS = {  # garment: material, least and most share of its density
    "pullover": ("cotton", 0.75, 1.4),
    "shirt": ("cotton", 0.6, 1.1),
    "trousers": ("polyester_cloth", 0.6, 1.2),
    "jacket": ("polyester_cloth", 0.4, 0.8),
}


def outline(dice: Dice, size: tuple[float, float]) -> list[Plane]:
    """Upright planes of an irregular convex outline within a rectangle, about its centre."""
    planes = []
    n = dice.whole(3, 5)
    for k in range(n):
        angle = 2 * math.pi * (k + dice.between(0.1, 0.9)) / n
        c, s = math.cos(angle), math.sin(angle)
        reach = 0.5 * (size[0] * abs(c) + size[1] * abs(s))  # where the plane touches a corner
        planes.append((c, s, 0.0, reach * dice.between(0.76, 0.96)))
    return planes


def garment(parts: Parts, dice: Dice, at: Point, size: Point) -> str:
    """Folded or crumpled clothing that takes up a box: thick in the middle of each layer, thinner to its rim. Its kind."""
    kind = dice.pick(tuple(_STUFFS))
    stuff, least, most = _STUFFS[kind]
    n = max(1, min(3, round(size[2] / _LAYER_MM)))
    thick = size[2] / n
    for k in range(n):
        x, y = size[0] * dice.between(0.86, 1.0), size[1] * dice.between(0.86, 1.0)
        middle = (
            at[0] + (size[0] - x) * dice.between(-0.5, 0.5),
            at[1] + (size[1] - y) * dice.between(-0.5, 0.5),
            at[2] - size[2] / 2 + (k + 0.5) * thick,
        )
        walls = [(1.0, 0.0, 0.0, x / 2), (-1.0, 0.0, 0.0, x / 2), (0.0, 1.0, 0.0, y / 2), (0.0, -1.0, 0.0, y / 2)]
        bulge, fill = dice.between(1.5, 2.2), dice.between(least, most)
        parts.ball(stuff, middle, (x * bulge, y * bulge, thick), planes=[*walls, *outline(dice, (x, y))], fill=fill,
                   texture=(CREASES, dice.between(0.24, 0.38)))  # fmt: skip
        for _ in range(dice.pick((0, 1, 1, 2))):
            _fold(parts, dice, stuff, middle, (x, y, thick), fill)
    return kind


def _fold(parts: Parts, dice: Dice, stuff: str, at: Point, size: Point, fill: float) -> None:
    """A seam or hem, narrow and dense, or the thick round edge along which a garment is folded."""
    angle = dice.pick((0.0, math.pi / 2)) + dice.between(-0.35, 0.35)
    c, s = abs(math.cos(angle)), abs(math.sin(angle))
    long = 0.8 * min(size[0] / max(c, 1e-6), size[1] / max(s, 1e-6))
    aside = dice.between(-0.28, 0.28)
    place = (at[0] + aside * s * size[0], at[1] + aside * c * size[1], at[2])
    if dice.chance(0.5):
        parts.box(stuff, place, (long, dice.between(5.0, 9.0), 4.0), turn=yaw(angle), fill=dice.between(1.6, 2.6))
    else:
        wide = min(dice.between(14.0, 30.0), 0.3 * min(size[0], size[1]))
        parts.ball(stuff, place, (long, wide, 0.7 * size[2]), turn=yaw(angle), fill=0.55 * fill)
