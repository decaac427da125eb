"""COCO annotations: a JSON file of images, boxes and categories, read whole and checked whole.

COCO boxes are `[x, y, width, height]` in pixels from the top left corner, zero-based (cocodataset.org, data format);
ours are edges, right and bottom exclusive. Masks are not read: the box says where, the importer keeps no silhouette.
"""

import json
import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from xraybench.core.documents import write_text
from xraybench.core.errors import BadFile, BadTable

MOST = 2**53  # numbers beyond it are not whole in floats
EDGE_SLACK_PX = 0.5  # rounding of annotation tools: so far beyond the border a box is cut, further it is a fault


@dataclass(frozen=True, slots=True)
class CocoImage:
    """One image: its id, its path below the folder of images, and its size."""

    id: int
    file_name: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class CocoBox:
    """One annotation: `x0, y0, x1, y1` in pixels, right and bottom exclusive."""

    id: int
    image_id: int
    category_id: int
    x0: float
    y0: float
    x1: float
    y1: float
    area_px: float  # of the annotated outline where the file gives one, else of the box


@dataclass(frozen=True, slots=True)
class Coco:
    """The contents of one annotation file. `categories` maps id to name."""

    images: tuple[CocoImage, ...]
    boxes: tuple[CocoBox, ...]
    categories: dict[int, str]
    description: str = ""


def read_coco(path: Path | str, *, clip: bool = False, dropped: list[str] | None = None) -> Coco:
    """Read an annotation file.

    Args:
        path: The JSON file.
        clip: Cut boxes that reach beyond the image instead of refusing them. A box wholly outside is refused anyhow.
        dropped: Leave faulty rows out and tell them here, instead of refusing the file for them.

    Raises:
        BadFile: There is no such file, or it is not JSON, or not an object with images, annotations and categories.
        BadTable: With every fault: ids that stand twice or dangle, boxes that are no boxes or lie outside their image,
            paths that lead out of the folder of images.
    """
    path = Path(path)
    content = _read_json(path)
    faults: list[str] = []
    categories = _categories(content["categories"], faults)
    images = _images(content["images"], faults)
    boxes = _boxes(content["annotations"], images, categories, clip, faults)
    if dropped is not None:
        dropped += faults
    elif faults:
        raise BadTable(path.name, faults)
    info = content.get("info")
    description = str(info.get("description", "")) if isinstance(info, dict) else ""
    return Coco(tuple(images.values()), tuple(boxes), categories, description)


def write_coco(path: Path | str, coco: Coco) -> None:
    """Write an annotation file, atomically; equal contents give equal bytes."""
    content = {
        "info": {"description": coco.description},
        "images": [{"id": i.id, "file_name": i.file_name, "width": i.width, "height": i.height} for i in coco.images],
        "annotations": [
            {
                "id": b.id,
                "image_id": b.image_id,
                "category_id": b.category_id,
                "bbox": [_short(b.x0), _short(b.y0), _short(b.x1 - b.x0), _short(b.y1 - b.y0)],
                "area": _short(b.area_px),
                "iscrowd": 0,
            }
            for b in coco.boxes
        ],
        "categories": [{"id": key, "name": name} for key, name in coco.categories.items()],
    }
    write_text(Path(path), json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def _short(value: float) -> float | int:
    rounded = round(float(value), 3)
    return int(rounded) if rounded == int(rounded) else rounded


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise BadFile(f"{path}: there is no such file.") from None
    except IsADirectoryError:
        raise BadFile(f"{path}: is a folder; name the annotation file in it.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadFile(f"{path}: cannot be read as UTF-8 text ({error}).") from None
    except json.JSONDecodeError as error:
        raise BadFile(f"{path}: not JSON, or truncated (line {error.lineno}: {error.msg}).") from None
    except (ValueError, RecursionError) as error:  # a number of more digits than are read, brackets without end
        raise BadFile(f"{path}: cannot be read as JSON ({str(error)[:100]}).") from None
    parts = ("images", "annotations", "categories")
    if not isinstance(content, dict):
        raise BadFile(f"{path}: not a COCO file: it holds no object with {', '.join(parts)}.")
    lacking = [part for part in parts if not isinstance(content.get(part), list)]
    if lacking:
        raise BadFile(f"{path}: not a COCO file: the list '{', '.join(lacking)}' is missing.")
    return content


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > MOST or not math.isfinite(value):
        return None
    return float(value)


def _whole(value: object) -> int | None:
    number = _number(value)
    return int(number) if number is not None and number == int(number) else None


def _categories(rows: list[Any], faults: list[str]) -> dict[int, str]:
    found: dict[int, str] = {}
    for n, row in enumerate(rows):
        key = _whole(row.get("id")) if isinstance(row, dict) else None
        name = row.get("name") if isinstance(row, dict) else None
        if key is None or not isinstance(name, str) or not name:
            faults.append(f"categories[{n}]: needs a whole 'id' and a 'name'")
        elif key in found:
            faults.append(f"categories[{n}]: id {key} stands twice")
        else:
            found[key] = name
    for name, n_times in Counter(found.values()).items():
        if n_times > 1:
            faults.append(f"categories: the name '{name}' stands {n_times} times")
    return found


def _images(rows: list[Any], faults: list[str]) -> dict[int, CocoImage]:
    found: dict[int, CocoImage] = {}
    seen: set[str] = set()
    for n, row in enumerate(rows):
        where = f"images[{n}]"
        if not isinstance(row, dict):
            faults.append(f"{where}: not an object")
            continue
        key, width, height = (_whole(row.get(field)) for field in ("id", "width", "height"))
        name = row.get("file_name")
        if key is None or width is None or height is None or width < 1 or height < 1:
            faults.append(f"{where}: needs a whole 'id', and 'width' and 'height' of at least 1")
            continue
        if not isinstance(name, str) or not name:
            faults.append(f"{where}: needs a 'file_name'")
            continue
        inner = PurePosixPath(name.replace("\\", "/"))
        if "\0" in name or not inner.parts or inner.is_absolute() or ".." in inner.parts or ":" in inner.parts[0]:
            faults.append(f"{where}: file_name '{name[:80]}' leads out of the folder of images")
            if not inner.parts or "\0" in name:
                continue
        if key in found:
            faults.append(f"{where}: id {key} stands twice")
        if name in seen:
            faults.append(f"{where}: file_name '{name}' stands twice")
        seen.add(name)
        found.setdefault(key, CocoImage(key, inner.as_posix(), width, height))
    return found


def _boxes(
    rows: list[Any], images: dict[int, CocoImage], categories: dict[int, str], clip: bool, faults: list[str]
) -> list[CocoBox]:
    found: list[CocoBox] = []
    seen: set[int] = set()
    for n, row in enumerate(rows):
        if not isinstance(row, dict):
            faults.append(f"annotations[{n}]: not an object")
            continue
        key = _whole(row.get("id"))
        where = f"annotations[{n}]" + ("" if key is None else f" (id {key})")
        wrong = _annotation_faults(row, key, seen, images, categories)
        if key is not None:
            seen.add(key)
        if not wrong:
            box = _edges(row, images[int(row["image_id"])], clip)
            if isinstance(box, str):
                wrong.append(box)
            else:
                whole = (box[2] - box[0]) * (box[3] - box[1])
                area = min(_number(row.get("area")) or whole, whole)
                found.append(CocoBox(int(row["id"]), int(row["image_id"]), int(row["category_id"]), *box, area))
        faults += [f"{where}: {what}" for what in wrong]
    return found


def _annotation_faults(
    row: dict[str, Any], key: int | None, seen: set[int], images: dict[int, CocoImage], categories: dict[int, str]
) -> list[str]:
    faults = []
    if key is None:
        faults.append("needs a whole 'id'")
    elif key in seen:
        faults.append("this id stands twice")
    for field, known in (("image_id", images), ("category_id", categories)):
        if _whole(row.get(field)) not in known:
            faults.append(f"{field} {row.get(field)!r} dangles: no such {field[:-3]}")
    return faults


def _edges(row: dict[str, Any], image: CocoImage, clip: bool) -> tuple[float, float, float, float] | str:
    """The four edges inside the image, or what is wrong with them."""
    given = row.get("bbox")
    numbers = [_number(value) for value in given] if isinstance(given, list) else []
    if len(numbers) != 4 or any(value is None for value in numbers):
        return f"bbox {str(given)[:60]} is not [x, y, width, height]"
    x, y, width, height = (float(value or 0.0) for value in numbers)
    if width <= 0 or height <= 0:
        return f"bbox {given} has no width or no height"
    size = f"image {image.file_name} of {image.width} x {image.height}"
    cut = (max(x, 0.0), max(y, 0.0), min(x + width, float(image.width)), min(y + height, float(image.height)))
    if cut[0] >= cut[2] or cut[1] >= cut[3]:
        return f"bbox {given} lies wholly outside {size}"
    beyond = max(cut[0] - x, cut[1] - y, x + width - cut[2], y + height - cut[3])
    if beyond > EDGE_SLACK_PX and not clip:
        return f"bbox {given} reaches {beyond:g} px beyond {size}"
    return cut
