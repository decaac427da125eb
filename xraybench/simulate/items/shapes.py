"""Small shapes that many items share: pillows, springs, cables, screws, cells, printed boards."""

import math
from itertools import pairwise
from typing import Any

from xraybench.simulate.dice import Dice
from xraybench.simulate.parts import Parts

Size = tuple[float, float, float]
Point = tuple[float, float, float]


def pillow(parts: Parts, material: str, size: Size, *, dice: Dice, at: Point = (0.0, 0.0, 0.0), **rest: Any) -> int:
    """A filled bag: an ellipsoid wider than the bag, cut square, so that it thins towards the seams."""
    bulge = dice.between(1.15, 1.45)
    half = (size[0] / 2, size[1] / 2)
    turn = rest.pop("turn", None)
    planes = [(1.0, 0.0, 0.0, half[0]), (-1.0, 0.0, 0.0, half[0]), (0.0, 1.0, 0.0, half[1]), (0.0, -1.0, 0.0, half[1])]
    if turn is not None:
        rest["turn"] = turn
    return parts.ball(material, at, (size[0] * bulge, size[1] * bulge, size[2]), planes=planes, **rest)


def spring(parts: Parts, at: Point, length: float, diameter: float) -> None:
    """A coil spring along x, as a chain of slanted wires."""
    n = max(4, int(length / 6))
    step = length / n
    x, y, z = at[0] - length / 2, at[1], at[2]
    for i in range(n):
        side = diameter / 2 if i % 2 else -diameter / 2
        parts.wire("steel", (x + i * step, y - side, z), (x + (i + 1) * step, y + side, z), 1.0)


def cable(
    parts: Parts, dice: Dice, radius: float, *, turns: int, at: Point = (0.0, 0.0, 0.0), thick: float = 4.0
) -> None:
    """A coiled cable: PVC jacket, copper inside, some turns a little apart."""
    n = 14
    for turn in range(turns):
        rx, ry = radius * dice.between(0.85, 1.05), radius * dice.between(0.55, 0.8)
        z = at[2] + thick * (0.5 + 0.9 * turn)
        start = dice.between(0, 2 * math.pi)
        angles = [start + 2 * math.pi * i / n for i in range(n + 1)]
        points = [(at[0] + rx * math.cos(angle), at[1] + ry * math.sin(angle), z) for angle in angles]
        for a, b in pairwise(points):
            jacket = parts.wire("pvc", a, b, thick)
            parts.wire("copper", a, b, thick * 0.38, inside=jacket, fill=0.7)


def board(
    parts: Parts, dice: Dice, at: Point, size: tuple[float, float], *, n_chips: int = 8, inside: int = -1
) -> None:
    """A printed board lying flat with chips, capacitors, a connector and perhaps a coil."""
    x, y, z = at
    parts.box("pcb", (x, y, z), (size[0], size[1], 1.5), inside=inside)
    for _ in range(n_chips):
        px, py = x + dice.between(-0.42, 0.42) * size[0], y + dice.between(-0.42, 0.42) * size[1]
        style = dice.unit()
        if style < 0.55:
            side = dice.between(3, 13)
            parts.box("chip", (px, py, z + 1.5), (side, side * dice.between(0.5, 1.0), 1.4), inside=inside)
        elif style < 0.8:
            parts.rod("aluminium", (px, py, z + 3.5), dice.between(3.5, 7), 5.0, fill=0.7, inside=inside)
        elif style < 0.92:
            parts.box(
                "copper", (px, py, z + 2.5), (dice.between(4, 8), dice.between(4, 8), 3.5), fill=0.5, inside=inside
            )
        else:
            parts.box(
                "stainless",
                (px, py, z + 2.2),
                (dice.between(8, 14), dice.between(6, 10), 2.6),
                fill=0.25,
                inside=inside,
            )


def screws(parts: Parts, at: Point, size: tuple[float, float], *, long: float = 8.0) -> None:
    """Four screws near the corners."""
    for sx in (-1, 1):
        for sy in (-1, 1):
            parts.rod("steel", (at[0] + sx * size[0] * 0.45, at[1] + sy * size[1] * 0.43, at[2]), 3.0, long)


def cell(parts: Parts, at: Point, *, diameter: float = 14.2, length: float = 50.0, angle: float = 0.0) -> None:
    """A round alkaline cell lying in the plane, its axis turned by `angle` from x."""
    dx, dy = math.cos(angle) * length / 2, math.sin(angle) * length / 2
    can = parts.wire("steel", (at[0] - dx, at[1] - dy, at[2]), (at[0] + dx, at[1] + dy, at[2]), diameter)
    k = 0.96
    parts.wire(
        "alkaline",
        (at[0] - dx * k, at[1] - dy * k, at[2]),
        (at[0] + dx * k, at[1] + dy * k, at[2]),
        diameter * 0.95,
        inside=can,
    )


def spanner(parts: Parts, dice: Dice, length: float, *, at: Point = (0.0, 0.0, 0.0), angle: float = 0.0) -> None:
    """An open-ended spanner of forged steel."""
    c, s = math.cos(angle), math.sin(angle)
    wide, thick = length * 0.075, dice.between(3.5, 6.0)
    head = length * dice.between(0.1, 0.14)

    def put(x: float, y: float) -> tuple[float, float]:
        return at[0] + c * x - s * y, at[1] + s * x + c * y

    parts.bar("steel", put(-length * 0.38, 0.0), put(length * 0.38, 0.0), at[2], wide, thick)
    ring = parts.rod("steel", (*put(-length * 0.42, 0.0), at[2]), head * 1.3, thick * 1.2)
    parts.rod("", (*put(-length * 0.42, 0.0), at[2]), head * 0.8, thick * 1.2, inside=ring)
    for side in (-1, 1):
        parts.bar(
            "steel",
            put(length * 0.36, side * head * 0.2),
            put(length * 0.5, side * head * 0.62),
            at[2],
            wide * 0.7,
            thick * 1.2,
        )
