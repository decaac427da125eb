"""OPIXray and HiXray: one text file an image, `image class x1 y1 x2 y2` in pixels, in folders of train and test.

OPIXray's occlusion level of a test image is its membership in `test_knife-1.txt` to `-3.txt`. Traps: boxes reach beyond
the border (they are cut); class names hold underscores; the publishers' loader gives an image without objects a dummy box
of class 5, here an empty file is a benign scan; the levels' published counts are of objects, not images.
"""

import math
from collections.abc import Mapping
from pathlib import Path

from xraybench.core.errors import BadFile
from xraybench.data.listing import Box, Find, Listing, Picture, facts_of, folder_of, images_by_stem, lines_of

_PARTS = ("train", "test")


def read_opixray(source: Path, options: Mapping[str, str]) -> tuple[Path, Listing]:
    """Raises:
    BadFile: No such folder, or no annotations in it.
    """
    return _read(source, "OPIXray")


def read_hixray(source: Path, options: Mapping[str, str]) -> tuple[Path, Listing]:
    """Raises:
    BadFile: No such folder, or no annotations in it.
    """
    return _read(source, "HiXray")


def is_opixray(source: Path) -> bool:
    """Its folders, and a class of its own in the first annotation."""
    return "Knife" in _first_class(source) or "Scissor" in _first_class(source)


def is_hixray(source: Path) -> bool:
    """Its folders, and a class of its own in the first annotation."""
    return bool(_first_class(source)) and not is_opixray(source)


def _read(source: Path, name: str) -> tuple[Path, Listing]:
    root = folder_of(source)
    listing = Listing(splits=f"folders of {name}")
    for part in _PARTS:
        folder = root / part / f"{part}_annotation"
        if not folder.is_dir():
            continue
        images = images_by_stem(root / part / f"{part}_image", root)
        levels = _levels(root / part, part)
        wanted = _wanted(root / part / f"{part}_knife.txt", folder)
        for stem in wanted:
            image = images.get(stem)
            if image is None:
                listing.skip(f"{part}/{stem}", "stands in a list or has boxes, and there is no such image")
                continue
            finds = _finds(folder / f"{stem}.txt", listing, root)
            facts = facts_of(occlusion="; ".join(levels.get(stem, [])))
            listing.pictures.append(Picture((image,), finds, split=part, facts=facts))
        n_left = len(images.keys() - set(wanted))
        if n_left:
            listing.notes.append(f"{n_left} images of {part} stand in no list and were not taken")
    if not listing.pictures:
        raise BadFile(f"{root}: holds no train/train_annotation or test/test_annotation with images beside it.")
    return root, listing


def _wanted(path: Path, folder: Path) -> list[str]:
    """Stems of the list, or of the annotations where there is no list."""
    if path.is_file():
        return list(dict.fromkeys(Path(line.split()[0]).stem for line in lines_of(path)))
    return sorted(one.stem for one in folder.glob("*.txt") if not one.name.startswith("."))


def _levels(folder: Path, part: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for level in (1, 2, 3):
        path = folder / f"{part}_knife-{level}.txt"
        for line in lines_of(path) if path.is_file() else []:
            stem = Path(line.split()[0]).stem
            if f"OL{level}" not in found.setdefault(stem, []):
                found[stem].append(f"OL{level}")
    return found


def _finds(path: Path, listing: Listing, root: Path) -> tuple[Find, ...]:
    finds = []
    for number, line in enumerate(lines_of(path) if path.is_file() else [], start=1):
        parts = line.split()
        try:
            edges = [float(part) for part in parts[-4:]]
            label = parts[-5]
            if not all(map(math.isfinite, edges)):
                raise ValueError(line)
        except (ValueError, IndexError):
            listing.skip(path.relative_to(root).as_posix(), f"line {number} is not image, class, x1, y1, x2, y2")
            continue
        if label not in listing.labels:
            listing.labels.append(label)
        box = Box(min(edges[0], edges[2]), min(edges[1], edges[3]), max(edges[0], edges[2]), max(edges[1], edges[3]))
        finds.append(Find(label, ((0, box),)))
    return tuple(finds)


def _first_class(source: Path) -> str:
    for part in _PARTS:
        folder = source / part / f"{part}_annotation"
        for path in sorted(folder.glob("*.txt"))[:50] if folder.is_dir() else []:
            parts = path.read_text(encoding="utf-8", errors="replace").split()
            if len(parts) >= 6:
                return parts[1]
    return ""
