"""EDS: three machines of different makers and ages, a folder each: the set for what a change of scanner does.

The domain is a fact of the scan; option domain=2 takes one machine alone, so that it can be a corpus with a sensor of its
own. The set's `val` lists are what its papers test on, so they are test here. Traps: classes in the loaders' spelling
(`smallelectronicequipmen`, `Device` in the paper); boxes in VOC files, taken as they stand.
"""

from collections.abc import Mapping
from pathlib import Path

from xraybench.core.errors import BadFile, BadTable
from xraybench.data.importers.boxes import finds_of
from xraybench.data.listing import (
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

_DOMAINS = ("1", "2", "3")
_SPLITS = {"train": "train", "val": "test", "test": "test"}


def read(source: Path, options: Mapping[str, str]) -> tuple[Path, Listing]:
    """The images of the lists of every domain, or of one.

    Raises:
        BadFile: No such folder, or no domain with lists in it.
    """
    root = folder_of(source)
    only = option_of(options, "domain", "", ("", *_DOMAINS))
    listing = Listing(splits="train and val lists of EDS, val as test")
    for domain in _DOMAINS:
        folder = root / f"domain{domain}"
        if folder.is_dir() and only in ("", domain):
            _add_domain(listing, root, folder, domain)
    if not listing.pictures:
        raise BadFile(f"{root}: holds no domain1, domain2 or domain3 with images and the lists train.txt and val.txt.")
    return root, listing


def is_set(source: Path) -> bool:
    """Numbered domains."""
    return (source / "domain1").is_dir() and (source / "domain2").is_dir()


def _add_domain(listing: Listing, root: Path, folder: Path, domain: str) -> None:
    images = images_by_stem(folder, root)
    xml_of = {path.stem: path for path in sorted(folder.rglob("*.xml"))}
    for name, split in _SPLITS.items():
        path = folder / f"{name}.txt"
        for line in lines_of(path) if path.is_file() else []:
            stem = Path(line.split()[0]).stem
            image = images.get(stem)
            if image is None:
                listing.skip(f"domain{domain}/{stem}", "stands in a list, and there is no such image")
                continue
            if stem not in xml_of:
                listing.skip(image, "stands in a list, and has no annotation")
                continue
            try:
                finds = finds_of(read_voc(xml_of[stem], one_based=False).objects, listing)
            except (BadFile, BadTable) as error:
                listing.faults += told_apart(error, root)
                continue
            listing.pictures.append(Picture((image,), finds, split=split, facts=facts_of(domain=domain)))
