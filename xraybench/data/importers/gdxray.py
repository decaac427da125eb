"""GDXray, group Baggage: grey laboratory radiographs in series, boxes in a text file of some series.

A box has no class of its own, so the word of the source is the series (`B0046`), and a class map says what a series
shows. Without one only the few series known from the group's book are mapped; the others are left out. Traps: the order
in `ground_truth.txt` is frame, x1, x2, y1, y2, counted from 1; frames without a box in a series with boxes may be
unannotated rather than benign. A series shows one object: class and series are confounded, and the check says so.
"""

from collections.abc import Mapping
from pathlib import Path

from xraybench.core.errors import BadFile
from xraybench.data.listing import Box, Find, Listing, Picture, folder_of, images_below, lines_of, option_of


def read(source: Path, options: Mapping[str, str]) -> tuple[Path, Listing]:
    """The frames of every series.

    Raises:
        BadFile: No such folder, or no series in it.
    """
    root = folder_of(source)
    takes_bare = option_of(options, "benign", "no", ("yes", "no")) == "yes"
    listing = Listing(label_kind="series")
    for folder in _series(root):
        boxes = _boxes(folder / "ground_truth.txt", listing)
        listing.labels.append(folder.name)
        for image in images_below(folder, root):
            number = Path(image).stem.rpartition("_")[2]
            found = boxes.get(int(number)) if number.isdecimal() else None
            if boxes and found is None and not takes_bare:
                listing.skip(image, "a frame without a box in a series with boxes may not have been annotated")
                continue
            finds: tuple[Find, ...] = (Find(folder.name),)  # nobody boxed the series: its class alone is known
            if boxes:
                finds = tuple(Find(folder.name, ((0, box),)) for box in found or [])
            listing.pictures.append(Picture((image,), finds, facts=(("series", folder.name),)))
    if not listing.pictures and not listing.skipped:
        raise BadFile(f"{root}: holds no series: folders like Baggage/B0001.")
    return root, listing


def is_set(source: Path) -> bool:
    """Series of the Baggage group."""
    return bool(_series(source))


def _series(root: Path) -> list[Path]:
    for folder in (root / "Baggage", root):
        if folder.is_dir():
            found = [
                path
                for path in folder.iterdir()
                if path.is_dir() and path.name[:1] == "B" and path.name[1:].isdecimal()
            ]
            if found:
                return sorted(found)
    return []


def _boxes(path: Path, listing: Listing) -> dict[int, list[Box]]:
    """Frame -> boxes; empty where the series has no such file."""
    found: dict[int, list[Box]] = {}
    for number, line in enumerate(lines_of(path) if path.is_file() else [], start=1):
        try:
            frame, x0, x1, y0, y1 = (float(part) for part in line.replace(",", " ").split())
            found.setdefault(int(frame), []).append(Box(min(x0, x1) - 1, min(y0, y1) - 1, max(x0, x1), max(y0, y1)))
        except (ValueError, OverflowError):
            listing.skip(f"{path.parent.name}/{path.name}", f"line {number} is not frame, x1, x2, y1, y2")
    return found
