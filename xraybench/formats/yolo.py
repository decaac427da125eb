"""YOLO annotations: one text file an image, `class centre-x centre-y width height` as shares of the image.

Classes are numbers; their names stand in `data.yaml` or `classes.txt`. Numbers count from 0, or from 1 where a set says
so (its class 0 is then `None`). An outline (more than five numbers) is read as the box around it. An empty file, or none
beside an image, says that nothing is there.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xraybench.core.documents import write_text
from xraybench.core.errors import BadFile, BadTable
from xraybench.formats.images import read_file

MOST_BYTES = 16 << 20
_SLACK = 1e-3  # rounding of annotation tools, as a share of the image


@dataclass(frozen=True, slots=True)
class YoloBox:
    """One annotation: edges `x0, y0, x1, y1` as shares of width and height."""

    class_id: int
    x0: float
    y0: float
    x1: float
    y1: float


def read_yolo(path: Path | str, n_classes: int, *, one_based: bool = False) -> tuple[YoloBox, ...]:
    """Read the boxes of one image; class ids are given back counted from 0.

    Raises:
        BadFile: No such file, too large, or no text.
        BadTable: With every fault: lines that are no box, classes that do not exist, boxes beyond the image.
    """
    path = Path(path)
    content = read_file(path)
    if len(content) > MOST_BYTES:
        raise BadFile(f"{path}: {len(content)} bytes; a label file has at most {MOST_BYTES}.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadFile(f"{path}: not text.") from None
    faults: list[str] = []
    boxes = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        found = _box(line.split(), n_classes, int(one_based))
        if isinstance(found, str):
            faults.append(f"line {number}: {found}")
        elif found is not None:
            boxes.append(found)
    if faults:
        raise BadTable(path.name, faults)
    return tuple(boxes)


def write_yolo(path: Path | str, boxes: Sequence[YoloBox]) -> None:
    """Write the boxes of one image, atomically; equal boxes give equal bytes."""
    lines = [
        f"{b.class_id} {(b.x0 + b.x1) / 2:.8f} {(b.y0 + b.y1) / 2:.8f} {b.x1 - b.x0:.8f} {b.y1 - b.y0:.8f}\n"
        for b in boxes
    ]
    write_text(Path(path), "".join(lines))


def write_names(path: Path | str, names: Sequence[str], splits: Mapping[str, str]) -> None:
    """Write `data.yaml`: where the images of each split lie, and what the classes are called."""
    import yaml

    content = {"path": ".", **splits, "nc": len(names), "names": dict(enumerate(names))}
    write_text(Path(path), yaml.safe_dump(content, sort_keys=False, allow_unicode=True))


def read_names(path: Path | str) -> tuple[list[str], dict[str, list[str]]]:
    """Class names in their order, and split -> folders or list files, from `data.yaml` or `classes.txt`.

    Raises:
        BadFile: No such file, no YAML, or without class names.
    """
    path = Path(path)
    content = read_file(path)
    if len(content) > MOST_BYTES:
        raise BadFile(f"{path}: {len(content)} bytes; a list of classes has at most {MOST_BYTES}.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadFile(f"{path}: not text.") from None
    if path.suffix.lower() == ".txt":
        return [line.strip() for line in text.splitlines() if line.strip()], {}
    return _yaml_names(path, text)


def _yaml_names(path: Path, text: str) -> tuple[list[str], dict[str, list[str]]]:
    import yaml

    if re.search(r"(^|[\s\[{,:])[&*][^\s]", text):
        raise BadFile(f"{path}: uses YAML anchors, which a list of classes has no need of.")
    try:
        content: Any = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise BadFile(f"{path}: not YAML ({str(error).splitlines()[0][:100]}).") from None
    names = content.get("names") if isinstance(content, dict) else None
    if isinstance(names, dict) and all(isinstance(key, int) for key in names):
        if sorted(names) != list(range(len(names))):
            raise BadFile(f"{path}: 'names' has the ids {sorted(names)[:12]}; 0, 1, 2 ... without gaps are meant.")
        names = [names[key] for key in sorted(names)]
    if not isinstance(names, list) or not names:
        raise BadFile(f"{path}: has no list 'names' of the classes.")
    splits: dict[str, list[str]] = {}
    for split in ("train", "val", "test"):
        given = content.get(split)
        if isinstance(given, str):
            splits[split] = [given]
        elif isinstance(given, list):
            splits[split] = [str(part) for part in given]
    return [str(name) for name in names], splits


def _box(parts: list[str], n_classes: int, first_id: int) -> YoloBox | str | None:
    """The box of a line, nothing for the class `None` of a set that counts from 1, or what is wrong."""
    numbers = [_number(part) for part in parts]
    if len(numbers) < 5 or any(number is None for number in numbers):
        return f"'{' '.join(parts)[:60]}' is not class, centre x, centre y, width and height"
    values = [float(number) for number in numbers if number is not None]
    class_id = values[0] - first_id
    if first_id and values[0] == 0:
        return None
    if class_id != int(class_id) or not 0 <= class_id < n_classes:
        return f"class {parts[0]} does not exist: {first_id} to {n_classes - 1 + first_id} do"
    if len(values) == 5:
        x, y, width, height = values[1:]
        edges = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    elif len(values) % 2 == 1:
        xs, ys = values[1::2], values[2::2]
        edges = (min(xs), min(ys), max(xs), max(ys))
    else:
        return f"{len(values) - 1} numbers after the class: four make a box, an even count of six or more an outline"
    if min(edges[:2]) < -_SLACK or max(edges[2:]) > 1 + _SLACK:
        return f"box {', '.join(f'{edge:.4g}' for edge in edges)} reaches beyond the image: shares lie in [0, 1]"
    if edges[2] <= edges[0] or edges[3] <= edges[1]:
        return f"'{' '.join(parts)[:60]}' has no width or no height"
    return YoloBox(int(class_id), *(min(max(edge, 0.0), 1.0) for edge in edges))


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
