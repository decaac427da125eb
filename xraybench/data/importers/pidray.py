"""PIDray: COCO files, v1 with test files by difficulty (easy, hard, hidden), v2 with benign scans and one test file.

Difficulty is the file in v1 and the name of the image in v2. Traps: category ids have gaps; crowd annotations carry run
lengths in place of outlines (their boxes are read); archives made on a Mac leave `._` files behind.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from xraybench.core.errors import BadFile
from xraybench.data.importers.own import add_coco
from xraybench.data.listing import Listing, facts_of, folder_of
from xraybench.formats.coco import read_coco

_LEVELS = ("easy", "hard", "hidden")
_V1 = {"xray_train": ("train", ""), **{f"xray_test_{level}": ("test", level) for level in _LEVELS}}
_V2 = {"train": ("train", ""), "test": ("test", "")}


def read(source: Path, options: Mapping[str, str]) -> tuple[Path, Listing]:
    """The images of all annotation files that are there.

    Raises:
        BadFile: No such folder, or no annotation files of either version in it.
    """
    root = folder_of(source)
    version, files = _files(root)
    if not files:
        raise BadFile(f"{root}: holds neither annotations/xray_train.json (v1) nor annotations/train.json (v2).")
    listing = Listing(splits=f"annotation files of PIDray {version}")
    for path, (split, level) in files.items():
        part = Listing()
        dropped: list[str] = []
        add_coco(part, read_coco(path, clip=True, dropped=dropped), split=split)
        listing.skipped += [(path.name, fault) for fault in dropped]
        listing.skipped += part.skipped
        listing.labels += [word for word in part.labels if word not in listing.labels]
        for picture in part.pictures:
            difficulty = level or _level_of(picture.path)
            where = _place(root, picture.path, (level or split, difficulty or split, split, ""))
            listing.pictures.append(
                replace(
                    picture,
                    paths=(where,),
                    facts=facts_of(difficulty=difficulty if split == "test" else "", version=version),
                )
            )
    return root, listing


def is_set(source: Path) -> bool:
    """The file names of v1, or those of v2 beside a folder of images of this set."""
    version, files = _files(source)
    if version == "v1":
        return True
    return bool(files) and (source / "test").is_dir() and _names_pidray(next(iter(files)))


def _files(root: Path) -> tuple[str, dict[Path, tuple[str, str]]]:
    for version, names in (("v1", _V1), ("v2", _V2)):
        for folder in (root / "annotations", root / "annotation", root):
            found = {
                folder / f"{name}.json": told for name, told in names.items() if (folder / f"{name}.json").is_file()
            }
            if found:
                return version, found
    return "", {}


def _names_pidray(path: Path) -> bool:
    with path.open("rb") as file:
        ends = file.read(1 << 16)
        file.seek(max(path.stat().st_size - (1 << 16), 0))
        ends += file.read()
    return b"HandCuffs" in ends or b"Powerbank" in ends


def _level_of(name: str) -> str:
    stem = PurePosixPath(name).stem.lower()
    return next((level for level in ("hidden", "hard", "easy") if level in stem), "")


def _place(root: Path, name: str, folders: tuple[str, ...]) -> str:
    """The first of the folders that holds the image; the first of all where none does, and its absence is told later."""
    places = [f"{folder}/{name}" if folder else name for folder in dict.fromkeys(folders)]
    return next((place for place in places if (root / place).is_file()), places[0])
