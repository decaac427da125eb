"""What a reader of someone's data finds, before a pixel is opened: scans, what they are said to show, what was left out.

A reader (`data/importers/`) knows one layout and yields a `Listing`; `data/bring.py` makes a dataset of it. Labels stay
in the words of the source until they are mapped to the vocabulary, so that a reader never decides what is a threat.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from xraybench.core import vocabulary
from xraybench.core.errors import BadFile, BadTable
from xraybench.data import splits

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")
_LONGEST_PATH, _LONGEST_NAME = 4000, 255
IGNORED_FILES = ("thumbs.db", "desktop.ini")


@dataclass(frozen=True, slots=True)
class Box:
    """Edges `x0, y0, x1, y1`, right and bottom exclusive: in pixels, or as shares of width and height."""

    x0: float
    y0: float
    x1: float
    y1: float
    area_px: float = float("nan")  # of the outline, where it is known
    is_share: bool = False


@dataclass(frozen=True, slots=True)
class Find:
    """One object of a scan in the source's own word. A view without a box: it is there, and nobody said where."""

    label: str
    boxes: tuple[tuple[int, Box | None], ...] = ((0, None),)  # view and box
    kind: str = ""  # finer name, kept beside the threat
    concealment: str = ""  # how it is hidden, where the source says


@dataclass(frozen=True, slots=True)
class Picture:
    """One scan of the source: a file for each view, or a function that gives its counts."""

    paths: tuple[str, ...]  # below the source folder, with forward slashes
    finds: tuple[Find, ...] = ()
    sizes: tuple[tuple[int, int], ...] = ()  # width and height of each view, where the annotations say
    item: str = ""  # names the item; empty: what the files show is the item
    split: str = ""  # as published: train, val or test; empty where nobody said
    facts: tuple[tuple[str, str], ...] = ()  # what else is known: difficulty, domain ...
    sensor: str = ""  # where it differs from the one of the whole set
    declared: str = ""  # what the manifest declares: empty, or an HS chapter
    label_source: str = ""  # where it differs from the one of the whole set
    # Views that are no image files: (height, width, channel), uint16 counts of the raw track, or one grey channel. As many
    # as `sizes` has entries.
    counts: Callable[[], tuple[NDArray[np.uint16], ...]] | None = None

    @property
    def path(self) -> str:
        return self.paths[0]


@dataclass(slots=True)
class Listing:
    """Everything a reader found. Readers fill it; nobody changes it later."""

    pictures: list[Picture] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)  # all words of the source, used or not
    label_kind: str = "class"  # what the source calls them, for messages
    empty: list[str] = field(default_factory=list)  # words without a scan, where that is a fault
    misnamed: list[str] = field(default_factory=list)  # of the class map: a fault even where broken files are forgiven
    faults: list[str] = field(default_factory=list)  # of the annotations
    skipped: list[tuple[str, str]] = field(default_factory=list)  # path and why
    notes: list[str] = field(default_factory=list)  # what the user of the set should know
    splits: str = ""  # whose splits the pictures carry, in a phrase; empty where none
    full_scale: float = 255.0  # count of the open beam, where pictures give counts

    def skip(self, path: str, why: str) -> None:
        """Leave a file out, and remember why."""
        self.skipped.append((path, why))


@dataclass(frozen=True, slots=True)
class Settings:
    """What the owner says about the scans, the same for all of them."""

    name: str
    vector: str
    sensor: str = vocabulary.UNKNOWN
    concealment: str = vocabulary.UNKNOWN
    seed: int = 0
    shares: tuple[float, float, float] = splits.SHARES
    item_pattern: str | None = None
    window_counts: tuple[float, float] | None = None
    licence: str = vocabulary.UNKNOWN
    licence_of_upstream: str = vocabulary.UNKNOWN
    use_terms: str = "not stated"
    site: str = vocabulary.UNKNOWN
    label_source: str = vocabulary.UNKNOWN
    is_lenient: bool = False  # leave broken images and boxes out, and tell so, instead of refusing the import
    format: str = "folder"
    options: Mapping[str, str] = field(default_factory=dict)


def folder_of(source: Path | str) -> Path:
    """The folder, resolved.

    Raises:
        BadFile: There is no such folder.
    """
    root = Path(source)
    if not root.is_dir():
        raise BadFile(f"{root}: there is no such folder.")
    return root.resolve()


def inside(name: str) -> str | None:
    """A path that a file of the source names, with forward slashes; nothing where it leads out of the folder."""
    inner = PurePosixPath(name.replace("\\", "/"))
    if not name or "\0" in name or inner.is_absolute() or ".." in inner.parts or ":" in inner.parts[0]:
        return None
    if len(name) > _LONGEST_PATH or any(len(part.encode(errors="replace")) > _LONGEST_NAME for part in inner.parts):
        return None  # no system has such a file
    return inner.as_posix()


def is_text(word: str) -> bool:
    """Whether a word can be written as UTF-8. The name of a file in another encoding cannot, as Python reads it."""
    try:
        word.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_wanted(path: Path) -> bool:
    """Whether a file counts at all: not hidden, not one that a desktop left behind."""
    return path.is_file() and not path.name.startswith(".") and path.name.lower() not in IGNORED_FILES


def images_below(folder: Path, root: Path) -> list[str]:
    """Every image file below a folder, in path order, relative to `root`."""
    found = (path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES and is_wanted(path))
    return sorted(path.relative_to(root).as_posix() for path in found)


def images_by_stem(folder: Path, root: Path) -> dict[str, str]:
    """File name without its ending -> path, of every image below a folder. The first in path order wins."""
    found: dict[str, str] = {}
    for path in images_below(folder, root):
        found.setdefault(PurePosixPath(path).stem, path)
    return found


def lines_of(path: Path) -> list[str]:
    """The lines of a text file that are not empty.

    Raises:
        BadFile: No such file, or no text.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise BadFile(f"{path}: there is no such file.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadFile(f"{path}: cannot be read as text ({error}).") from None
    return [line.strip() for line in text.splitlines() if line.strip()]


def told_apart(error: BadFile | BadTable, root: Path) -> list[str]:
    """The faults of one file as lines, without the machine's path."""
    if isinstance(error, BadTable):
        return [f"{error.source}: {fault}" for fault in error.faults]
    return [str(error).removeprefix(f"{root}/")]


def facts_of(**facts: object) -> tuple[tuple[str, str], ...]:
    """Facts as pairs of text; empty ones are left out."""
    return tuple((name, str(value)) for name, value in facts.items() if value not in ("", None))


def option_of(options: Mapping[str, str], name: str, default: str, known: tuple[str, ...]) -> str:
    """The value of an option, one of the known ones.

    Raises:
        BadFile: Another value.
    """
    value = options.get(name, default)
    if value not in known:
        raise BadFile(f"option {name}={value}: one of {', '.join(known)} is meant.")
    return value
