"""DvXray: every bag from above (`_OL`) and from the side (`_SD`), a JSON file a pair with boxes in both views.

One item, one scan, two views. Traps: a bag without objects carries the string `None`; an object that could not be boxed
in a view carries the word `difficult` in place of a box (it is there, without a box); corners stand in either order; the
published split was made from the order a folder happened to list its files in, and cannot be made again.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xraybench.core.errors import BadFile
from xraybench.data.listing import Box, Find, Listing, Picture, folder_of, inside

FOLDERS = ("DvXray_Positive_Samples", "DvXray_Negative_Samples")
_VIEWS = ("OL", "SD")
_KEYS = ("ol_bb", "sd_bb")


def read(source: Path, options: Mapping[str, str]) -> tuple[Path, Listing]:
    """Every pair with its annotation; a pair of the negative folder needs none.

    Raises:
        BadFile: No such folder, or neither of its two folders in it.
    """
    root = folder_of(source)
    listing = Listing(notes=["the published split cannot be made again: the items are split by the seed"])
    for folder in FOLDERS:
        names = {path.stem for path in (root / folder).glob("*.json")} if (root / folder).is_dir() else set()
        pairs = {path.stem.removesuffix("_OL") for path in (root / folder).glob("*_OL.png")}
        for name in sorted(names | pairs):
            paths = tuple(f"{folder}/{name}_{view}.png" for view in _VIEWS)
            lacking = [path for path in paths if not (root / path).is_file()]
            if lacking:
                listing.skip(f"{folder}/{name}", "a view of the pair is missing")
                continue
            finds = _finds(root / folder / f"{name}.json", folder, listing)
            if finds is not None:
                listing.pictures.append(Picture(paths, finds, item=name))
    if not listing.pictures:
        raise BadFile(f"{root}: holds no pairs in {' or '.join(FOLDERS)}.")
    return root, listing


def is_set(source: Path) -> bool:
    """One of its two folders."""
    return any((source / folder).is_dir() for folder in FOLDERS)


def _finds(path: Path, folder: str, listing: Listing) -> tuple[Find, ...] | None:
    where = f"{folder}/{path.name}"
    if not path.is_file():
        if folder == FOLDERS[1]:
            return ()
        listing.skip(where, "a pair of the positive folder has no annotation")
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        objects = content["objects"]
        if objects == "None":
            return ()
        finds = tuple(_find(one) for one in objects)
    except (ValueError, KeyError, TypeError, OSError, RecursionError):
        listing.skip(where, "its annotation is broken")
        return None
    for find in finds:
        if find.label not in listing.labels:
            listing.labels.append(find.label)
    return finds


def _find(one: Any) -> Find:
    label = one["label"]
    if not isinstance(label, str) or inside(label) is None:
        raise ValueError(label)
    return Find(label, tuple((view, _box(one[key])) for view, key in enumerate(_KEYS)))


def _box(given: Any) -> Box | None:
    if isinstance(given, str):  # difficult
        return None
    x0, y0, x1, y1 = (float(edge) for edge in given)
    if not all(math.isfinite(edge) for edge in (x0, y0, x1, y1)):
        raise ValueError(given)
    return Box(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
