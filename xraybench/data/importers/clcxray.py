"""CLCXray: cutters and containers of liquid, real and staged bags, in three COCO files.

Liquids are benign for customs until somebody says otherwise: the container says nothing of what is in it. A set of the
same twelve classes is re-uploaded elsewhere as "Luggage X-ray"; that does not change the licence of this one.
"""

from collections.abc import Mapping
from pathlib import Path

from xraybench.core.errors import BadFile
from xraybench.data.importers.own import add_coco
from xraybench.data.listing import Listing, folder_of
from xraybench.formats.coco import read_coco

_SPLITS = ("train", "val", "test")


def read(source: Path, options: Mapping[str, str]) -> tuple[Path, Listing]:
    """The images of every annotation file that is there.

    Raises:
        BadFile: No such folder, or no annotation file in it.
    """
    root = folder_of(source)
    listing = Listing(splits="annotation files of CLCXray")
    for split in _SPLITS:
        path = root / "annotations" / f"instances_{split}2017.json"
        if not path.is_file():
            continue
        dropped: list[str] = []
        coco = read_coco(path, clip=True, dropped=dropped)
        listing.skipped += [(path.name, fault) for fault in dropped]
        add_coco(listing, coco, below=f"{split}2017", split=split)
    if not listing.pictures:
        raise BadFile(f"{root}: holds no annotations/instances_train2017.json, _val2017.json or _test2017.json.")
    return root, listing


def is_set(source: Path) -> bool:
    """COCO files of the year 2017 that name a class of its own."""
    for split in _SPLITS:
        path = source / "annotations" / f"instances_{split}2017.json"
        if path.is_file():
            text = path.read_bytes()
            return b"VacuumCup" in text or b"CartonDrinks" in text or b"SwissArmyKnife" in text
    return False
