"""SIXray: a million scans of subway stations, of which 8,929 show something; lists by ratio, boxes in VOC files.

Layout: `ImageSet/RATIO/train.csv` and `test.csv` (name, then 1 or -1 for each class), `Annotation/NAME.xml` for positives,
images in any folders. Traps: edges are coordinates with fractions and are taken as they stand; `owner/name` is a person;
a class that a list tells and no box shows is kept without a box; images outside the chosen lists are not taken.
"""

import csv
from collections.abc import Mapping
from pathlib import Path

from xraybench.core.errors import BadFile, BadTable
from xraybench.data.importers.boxes import finds_of
from xraybench.data.listing import (
    Find,
    Listing,
    Picture,
    facts_of,
    folder_of,
    images_by_stem,
    lines_of,
    option_of,
    told_apart,
)
from xraybench.formats.voc import read_voc

_LISTS = ("ImageSet", "ImageSets")
_RATIOS = ("10", "100", "1000")
_ANNOTATIONS = ("Annotation", "Annotations")


def read(source: Path, options: Mapping[str, str]) -> tuple[Path, Listing]:
    """The images of one ratio's lists, train and test as published.

    Raises:
        BadFile: No such folder, or no lists of this ratio in it.
    """
    root = folder_of(source)
    lists = _lists(root)
    present = tuple(ratio for ratio in _RATIOS if lists is not None and (lists / ratio).is_dir())
    if lists is None or not present:
        raise BadFile(f"{root}: holds no ImageSet/10, ImageSet/100 or ImageSet/1000 with train.csv and test.csv.")
    ratio = option_of(options, "ratio", present[0], present)
    listing = Listing(splits=f"lists of SIXray{ratio}")
    images = images_by_stem(root, root)
    boxes = next((root / name for name in _ANNOTATIONS if (root / name).is_dir()), None)
    listed: set[str] = set()
    for split in ("train", "test"):
        for name, words in _rows(lists / ratio / f"{split}.csv", listing):
            image = images.get(name)
            if image is None:
                listing.skip(name, "stands in a list, and there is no such image")
                continue
            listed.add(name)
            finds = _boxes(boxes / f"{name}.xml" if boxes else None, root, listing)
            boxed = {find.label.lower() for find in finds}
            finds += tuple(Find(word) for word in words if word.lower() not in boxed)
            listing.pictures.append(Picture((image,), finds, split=split, facts=facts_of(ratio=ratio)))
    n_left = len(images.keys() - listed)
    if n_left:
        listing.notes.append(f"{n_left} images stand in no list of SIXray{ratio} and were not taken")
    return root, listing


def is_set(source: Path) -> bool:
    """The lists by ratio."""
    lists = _lists(source)
    return lists is not None and any((lists / ratio / "train.csv").is_file() for ratio in _RATIOS)


def _lists(root: Path) -> Path | None:
    return next((root / name for name in _LISTS if (root / name).is_dir()), None)


def _rows(path: Path, listing: Listing) -> list[tuple[str, list[str]]]:
    """Name and classes present, of each line."""
    rows = list(csv.reader(lines_of(path)))
    if not rows or rows[0][0].strip().lower() != "name":
        raise BadFile(f"{path}: its first line is not of the form name,Gun,Knife,...")
    words = [word.strip() for word in rows[0][1:]]
    listing.labels += [word for word in words if word not in listing.labels]
    found = []
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(rows[0]):
            listing.faults.append(f"{path.name}: line {number} has {len(row)} cells, {len(rows[0])} are meant")
            continue
        present = [word for word, cell in zip(words, row[1:], strict=True) if cell.strip() == "1"]
        found.append((Path(row[0].strip()).stem, present))
    return found


def _boxes(path: Path | None, root: Path, listing: Listing) -> tuple[Find, ...]:
    if path is None or not path.is_file():
        return ()
    try:
        return finds_of(read_voc(path, one_based=False).objects, listing)
    except (BadFile, BadTable) as error:
        listing.faults += told_apart(error, root)
        return ()
