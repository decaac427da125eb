"""Scans of one's own: an image folder whose folders are the classes, and a COCO annotations file."""

import json
from collections.abc import Mapping
from pathlib import Path

from xraybench.data.listing import (
    IMAGE_SUFFIXES,
    Box,
    Find,
    Listing,
    Picture,
    folder_of,
    inside,
    is_wanted,
    option_of,
)
from xraybench.formats.coco import Coco, read_coco


def read_folder(source: Path, options: Mapping[str, str]) -> tuple[Path, Listing]:
    """Each folder of the source is a class; files beside the folders are not looked at.

    Raises:
        BadFile: There is no such folder.
    """
    root = folder_of(source)
    listing = Listing(label_kind="class folder")
    for folder in sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")):
        listing.labels.append(folder.name)
        found = [path.relative_to(root).as_posix() for path in sorted(folder.rglob("*")) if is_wanted(path)]
        if not found:
            listing.empty.append(folder.name)
        listing.pictures += [Picture((path,), (Find(folder.name),)) for path in found]
    return root, listing


def is_class_folder(source: Path) -> bool:
    """Folders that hold images, and no image or list beside them."""
    if not source.is_dir():
        return False
    folders = [path for path in source.iterdir() if path.is_dir() and not path.name.startswith(".")]
    return any(path.suffix.lower() in IMAGE_SUFFIXES for folder in folders for path in folder.iterdir())


def read_coco_file(source: Path, options: Mapping[str, str]) -> tuple[Path, Listing]:
    """An image without an annotated object is benign. Images that the file does not name are not looked at.

    Raises:
        BadFile: No such file or folder, or not COCO.
        BadTable: With every fault of the annotations.
    """
    root = folder_of(options.get("images") or source.parent)
    clip = option_of(options, "clip", "no", ("yes", "no")) == "yes"
    listing = Listing(label_kind="category")
    add_coco(listing, read_coco(source, clip=clip))
    return root, listing


def is_coco(source: Path) -> bool:
    """A JSON file that names images and annotations near its ends."""
    if source.suffix.lower() != ".json" or not source.is_file():
        return False
    with source.open("rb") as file:
        head = file.read(1 << 16)
        file.seek(max(source.stat().st_size - (1 << 16), 0))
        ends = head + file.read()
    return any(json.dumps(part).encode() in ends for part in ("images", "annotations", "categories"))


def add_coco(
    listing: Listing,
    coco: Coco,
    *,
    below: str = "",
    split: str = "",
    facts: tuple[tuple[str, str], ...] = (),
    prefix: str = "",
) -> None:
    """The images of a COCO file, with the folder they lie in, their published split and what else is known of all."""
    listing.labels += [name for name in coco.categories.values() if name not in listing.labels]
    finds: dict[int, list[Find]] = {image.id: [] for image in coco.images}
    for box in coco.boxes:
        edges = Box(box.x0, box.y0, box.x1, box.y1, box.area_px)
        finds.setdefault(box.image_id, []).append(Find(coco.categories[box.category_id], ((0, edges),)))
    for image in coco.images:
        path = inside(f"{below}/{image.file_name}" if below else image.file_name)
        if path is None:
            listing.skip(image.file_name, "its path leads out of the folder")
            continue
        listing.pictures.append(
            Picture((path,), tuple(finds[image.id]), ((image.width, image.height),), split=split, facts=facts)
        )
