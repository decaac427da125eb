"""COMPASS-XP: single objects in a tray, each scan in several renderings, labels for the whole picture.

`meta.txt` is a table with tabs: basename, class, instance, pose, dangerous and more. One rendering is imported at a time.
Traps: `Photo` is a photograph and not offered; the poses of one object are one item, or a model would meet the object of
the test in training; harmless objects of 366 names are all benign, kept apart by a fact.
"""

import csv
from collections.abc import Mapping
from pathlib import Path

from xraybench.core.errors import BadFile
from xraybench.data.listing import Find, Listing, Picture, facts_of, folder_of, inside, lines_of, option_of

RENDERINGS = ("Colour", "Density", "Grey", "Gray", "High", "Low")
HARMLESS = "harmless"


def read(source: Path, options: Mapping[str, str]) -> tuple[Path, Listing]:
    """The scans of `meta.txt` in one rendering.

    Raises:
        BadFile: No such folder, no such rendering, or no table of that form.
    """
    root = folder_of(source)
    present = tuple(name for name in RENDERINGS if (root / name).is_dir())
    if not present:
        raise BadFile(f"{root}: holds none of the folders {', '.join(RENDERINGS)}.")
    rendering = option_of(options, "rendering", present[0], present)
    rows = list(csv.DictReader(lines_of(root / "meta.txt"), delimiter="\t"))
    if not rows or not {"basename", "class", "dangerous"} <= set(rows[0]):
        raise BadFile(f"{root / 'meta.txt'}: needs the columns basename, class and dangerous, divided by tabs.")
    listing = Listing(labels=[HARMLESS])
    for row in rows:
        word, is_dangerous = (row["class"] or "").strip(), (row["dangerous"] or "").strip().lower() == "true"
        path = inside(f"{rendering}/{(row['basename'] or '').strip()}.png")
        if not word or path is None:
            listing.skip(str(row["basename"])[:80], "its row of meta.txt is broken")
            continue
        label = word if is_dangerous else HARMLESS
        listing.labels += [label] if label not in listing.labels else []
        instance = (row.get("instance") or "").strip()
        listing.pictures.append(
            Picture(
                (path,),
                (Find(label, kind=word if is_dangerous else ""),),
                item=f"{word}/{instance}" if instance else "",
                facts=facts_of(**{"class": word, "pose": row.get("pose"), "rendering": rendering}),
            )
        )
    return root, listing


def is_set(source: Path) -> bool:
    """The table beside a folder of renderings."""
    return (source / "meta.txt").is_file() and any((source / name).is_dir() for name in RENDERINGS)
