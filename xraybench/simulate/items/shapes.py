"""Small shapes that many items share: pillows, springs, cables, screws, cells, printed boards."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from xraybench.simulate.dice import Dice
from xraybench.simulate.parts import ALONG_X, Parts, compose, yaw

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


def bent(
    parts: Parts,
    material: str,
    points: Sequence[tuple[float, float]],
    widths: Sequence[float],
    *,
    z: float = 0.0,
    core: str = "",
    cores: Sequence[float] = (),
    **rest: Any,
) -> None:
    """A round thing bent along points at one height, mitred so that its lengths meet and never overlap.

    `widths` are the diameters of the lengths; `core` fills them up to the diameters `cores` ("" hollows them).
    """
    angles = [math.atan2(by - ay, bx - ax) for (ax, ay), (bx, by) in pairwise(points)]
    is_closed = math.dist(points[0], points[-1]) < 1e-6
    turns = [math.remainder(b - a, 2 * math.pi) for a, b in pairwise([angles[-1] if is_closed else angles[0], *angles])]
    turns.append(turns[0] if is_closed else 0.0)
    for i, ((ax, ay), (bx, by)) in enumerate(pairwise(points)):
        long = math.hypot(bx - ax, by - ay)
        before, after = turns[i] / 2, turns[i + 1] / 2
        reach = 0.5 * widths[i] * (abs(math.tan(before)) + abs(math.tan(after))) + 0.5 * long
        planes = [
            (0.0, math.sin(before), -math.cos(before), 0.5 * long * math.cos(before)),
            (0.0, math.sin(after), math.cos(after), 0.5 * long * math.cos(after)),
        ]
        turn = compose(yaw(angles[i]), ALONG_X)
        at = (0.5 * (ax + bx), 0.5 * (ay + by), z)
        outer = parts.rod(material, at, widths[i], 2 * reach, turn=turn, planes=planes, **rest)
        if cores and cores[i] > 0.0:
            parts.rod(core, at, cores[i], 2 * reach, turn=turn, planes=planes, inside=outer)


def cable(
    parts: Parts, dice: Dice, radius: float, *, turns: int, at: Point = (0.0, 0.0, 0.0), thick: float = 4.0
) -> None:
    """A coiled cable: PVC jacket, copper inside, some turns a little apart."""
    n = 14
    for turn in range(turns):
        rx, ry = radius * dice.between(0.8, 1.05), radius * dice.between(0.5, 0.8)
        lean, start = dice.between(-0.3, 0.3), dice.between(0, 2 * math.pi)
        points = []
        for i in range(n + 1):
            angle = start + 2 * math.pi * i / n
            x, y = rx * math.cos(angle), ry * math.sin(angle)
            points.append(
                (at[0] + x * math.cos(lean) - y * math.sin(lean), at[1] + x * math.sin(lean) + y * math.cos(lean))
            )
        points[-1] = points[0]
        z = at[2] + thick * (0.5 + 0.9 * turn)
        bent(parts, "pvc", points, [thick] * n, z=z, core="copper", cores=[thick * 0.45] * n)


def curve(
    parts: Parts, material: str, points: Sequence[tuple[float, float]], wide: float, thick: float, **rest: Any
) -> None:
    """A flat bar bent along some points in the plane z = 0."""
    for a, b in pairwise(points):
        parts.bar(material, a, b, 0.0, wide, thick, **rest)


def arch(
    parts: Parts,
    material: str,
    a: tuple[float, float],
    b: tuple[float, float],
    drop: float,
    wide: float,
    thick: float,
    **rest: Any,
) -> None:
    """A bow below the line from a to b, as a trigger guard or a handle is: six short bars."""
    n = 6
    middle, half = 0.5 * (a[0] + b[0]), 0.5 * (b[0] - a[0])
    angles = [math.pi * i / n for i in range(n + 1)]
    points = [
        (middle - half * math.cos(t), a[1] + (b[1] - a[1]) * i / n - drop * math.sin(t) ** 0.7)
        for i, t in enumerate(angles)
    ]
    curve(parts, material, points, wide, thick, **rest)


def lead(parts: Parts, points: Sequence[tuple[float, float]], z: float, thick: float) -> None:
    """A thin insulated wire along some points at one height."""
    for (ax, ay), (bx, by) in pairwise(points):
        jacket = parts.wire("pvc", (ax, ay, z), (bx, by, z), thick)
        parts.wire("copper", (ax, ay, z), (bx, by, z), thick * 0.55, inside=jacket)


def board(
    parts: Parts, dice: Dice, at: Point, size: tuple[float, float], *, n_chips: int = 8, low: bool = False
) -> None:
    """A printed board lying flat with chips, capacitors, a connector and perhaps a coil; `low` keeps within 4.2 mm."""
    x, y, z = at
    flat = 0.5 if low else 1.0
    parts.box("pcb", (x, y, z), (size[0], size[1], 1.5))
    for _ in range(n_chips):
        px, py = x + dice.between(-0.42, 0.42) * size[0], y + dice.between(-0.42, 0.42) * size[1]
        style = dice.unit()
        if style < 0.55:
            side = dice.between(3, 13)
            parts.box("chip", (px, py, z + 1.6), (side, side * dice.between(0.5, 1.0), 1.4))
        elif style < 0.8:
            parts.rod("aluminium", (px, py, z + 1.0 + 2.5 * flat), dice.between(3.5, 7), 5.0 * flat, fill=0.7)
        elif style < 0.92:
            parts.box(
                "copper", (px, py, z + 0.9 + 1.7 * flat), (dice.between(4, 8), dice.between(4, 8), 3.4 * flat), fill=0.5
            )
        else:
            parts.box("stainless", (px, py, z + 2.2), (dice.between(8, 14), dice.between(6, 10), 2.6), fill=0.25)


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
