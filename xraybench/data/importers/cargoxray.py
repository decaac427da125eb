"""CargoXray: lorries, vans and rail wagons, boxes around goods, as two packed JSON tables.

Traps: a box is its centre and its size, as shares of the image; labels are free text with synonyms and misspellings (a
CSV of label,class merges them; case and spaces are merged anyway), and some are missing; tables come as lists of rows or
as columns. The labels name goods, so nothing is a threat unless a class map says so.
"""

import csv
import gzip
import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xraybench.core.errors import BadFile
from xraybench.data.listing import Box, Find, Listing, Picture, facts_of, folder_of, inside, lines_of

MOST_BYTES = 1 << 30
MOST_RATIO = 100  # of unpacked to packed bytes; tables of boxes reach 20
_FREE_BYTES = 1 << 20
MOST_SIDE = 1 << 31  # pixels; JSON knows numbers without end
_IMAGES, _ANNOTATIONS = "images.json.gz", "annotations.json.gz"


def read(source: Path, options: Mapping[str, str]) -> tuple[Path, Listing]:
    """The images of the table, with the boxes of the other.

    Raises:
        BadFile: No such folder, no such tables, or tables of another form.
    """
    root = folder_of(source)
    synonyms = _synonyms(options.get("synonyms", ""))
    listing = Listing(notes=["the labels name goods; none is a threat unless a class map says so"])
    finds = _finds(_rows(_table(root, _ANNOTATIONS)), synonyms, listing)
    known: set[Any] = set()
    for row in _rows(_table(root, _IMAGES)):
        key = row.get("image_id")
        path = inside(str(row.get("filepath") or ""))
        if path is None or not isinstance(key, str | int) or key in known:
            listing.skip(str(row.get("filepath"))[:80], "its row of the image table is broken or stands twice")
            continue
        known.add(key)
        size = _size(row)
        facts = facts_of(upstream_image_id=key)
        listing.pictures.append(Picture((path,), tuple(finds.get(key, [])), size, facts=facts))
    n_dangling = len(finds.keys() - known)
    if n_dangling:
        listing.skip(_ANNOTATIONS, f"boxes of {n_dangling} images that are not in the image table")
    return root, listing


def is_set(source: Path) -> bool:
    """Both tables, in the folder or in `data`."""
    return all((source / name).is_file() for name in (_IMAGES, _ANNOTATIONS))


def _table(root: Path, name: str) -> Any:
    path = root / name
    try:
        with gzip.open(path) as file:
            most = min(MOST_BYTES, _FREE_BYTES + MOST_RATIO * path.stat().st_size)
            content = file.read(most + 1)
        if len(content) > most:
            raise BadFile(f"{path}: unpacks to more than {most} bytes; a table of that size packs less tightly.")
        return json.loads(content)
    except FileNotFoundError:
        raise BadFile(f"{path}: there is no such file.") from None
    except (OSError, EOFError, ValueError, zlib.error, RecursionError) as error:
        raise BadFile(f"{path}: not packed JSON, or truncated ({str(error)[:100]}).") from None


def _rows(table: Any) -> list[dict[str, Any]]:
    """The rows of a table, from a list of rows or from columns of cells."""
    if isinstance(table, list):
        return [row for row in table if isinstance(row, dict)]
    if isinstance(table, dict) and all(isinstance(column, dict) for column in table.values()):
        keys = dict.fromkeys(key for column in table.values() for key in column)
        return [{name: column.get(key) for name, column in table.items()} for key in keys]
    raise BadFile("a table is neither a list of rows nor an object of columns.")


def _finds(rows: list[dict[str, Any]], synonyms: Mapping[str, str], listing: Listing) -> dict[Any, list[Find]]:
    found: dict[Any, list[Find]] = {}
    for row in rows:
        where = f"bbox {row.get('bbox_id')}"
        text = row.get("label")
        if not isinstance(text, str) or not text.strip():
            listing.skip(where, "the box has no label")
            continue
        plain = " ".join(text.split()).lower()
        label = synonyms.get(plain, plain)
        key = row.get("image_id")
        if not isinstance(key, str | int):
            listing.skip(where, "the box names no image")
            continue
        edges = [row.get(name) for name in ("x", "y", "width", "height")]
        if not all(isinstance(edge, int | float) and 0 <= edge <= 1 for edge in edges):
            listing.skip(where, "the box is not of shares in [0, 1]")
            continue
        x, y, width, height = (float(edge) for edge in edges if edge is not None)
        listing.labels += [label] if label not in listing.labels else []
        box = Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2, is_share=True)
        found.setdefault(key, []).append(Find(label, ((0, box),)))
    return found


def _size(row: Mapping[str, Any]) -> tuple[tuple[int, int], ...]:
    width, height = row.get("width"), row.get("height")
    if all(isinstance(side, int | float) and 1 <= side < MOST_SIDE for side in (width, height)):
        return ((int(width), int(height)),)  # type: ignore[arg-type]  # numbers, as was just seen
    return ()


def _synonyms(path: str) -> dict[str, str]:
    if not path:
        return {}
    rows = [row for row in csv.reader(lines_of(Path(path))) if len(row) >= 2]
    return {" ".join(row[0].split()).lower(): row[1].strip() for row in rows if row[0].strip().lower() != "label"}
