"""The WCO unified file format: what is publicly named of it, a place to plug a decoder in, and nothing invented.

The structure of UFF (container, magic bytes, byte order, element names, units, encryption) is known to WCO members and
makers only. So this file holds no reader and no writer of it. It holds an information model whose entities mirror the
subjects that public documents name, and `read_uff`, which hands a file to decoders that others install:

    [project.entry-points."xraybench.uff_decoders"]
    my_decoder = "my_package:decode"        # decode(path: Path) -> Exchange | None, None for "not mine"

`uff_mapping.csv` lists every field of the model beside the public subject it mirrors; its column `uff_element` says
`unknown` until a WCO member fills it in. What we write ourselves is the exchange package of `formats/package.py`, which
borrows these entities and is not UFF.
"""

import csv
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from xraybench.core.documents import Document
from xraybench.core.errors import BadFile, BadTable, BadValue
from xraybench.core.vocabulary import UNKNOWN

GROUP = "xraybench.uff_decoders"
MAPPING_FILE = Path(__file__).parent / "uff_mapping.csv"
MAPPING_COLUMNS = ["entity", "field", "meaning", "public_subject", "source", "uff_element", "status"]
_UNIVERSAL_FILE = re.compile(rb"\s*-1\s*[\r\n]+\s*\d+")  # datasets of vibration tests, which use the same letters


class ScanSystem(Document):
    """The scanner, as far as its owner tells."""

    system_id: str = Field(description="name the scan events refer to")
    family: str = Field(default=UNKNOWN, description="generic family, for example high-energy portal")
    maker: str = Field(default=UNKNOWN, description="maker, where its owner allows to say so")
    software: str = Field(default=UNKNOWN, description="version of the scanner's software")
    energies: list[str] = Field(default_factory=list, description="with unit, for example 6 MV")
    pixel_mm: float | None = Field(default=None, gt=0, description="pitch in the reference plane, mm")


class PlaneEntry(Document):
    """One plane of counts of one view, kept as a member of the package."""

    name: str = Field(description="hi, lo, z, density ...")
    content: Literal["raw", "calibrated", "material", "unknown"] = Field(default="unknown", description="what was done")
    energy: str = Field(default=UNKNOWN, description="with unit, for example 160 kV")
    polarity: Literal["transmission", "absorption", "unknown"] = Field(
        default="unknown", description="way of the counts"
    )
    full_scale: float | None = Field(default=None, gt=0, description="count of the open beam")
    width: int = Field(default=1, ge=1, description="pixel columns")
    height: int = Field(default=1, ge=1, description="pixel rows")
    member: str = Field(description="name of the member that holds the counts")
    sha256: str = Field(default="", description="of the member's bytes")


class View(Document):
    """One image of a scan."""

    name: str = Field(default=UNKNOWN, description="top, side ...")
    planes: list[PlaneEntry] = Field(min_length=1, description="the planes, all of one size")


class Region(Document):
    """A marked part of a view: a label."""

    view: int = Field(ge=0, description="index of the view")
    x0: float | None = Field(default=None, ge=0, description="left edge, pixel; empty where only the class is known")
    y0: float | None = Field(default=None, ge=0, description="top edge, pixel")
    x1: float | None = Field(default=None, ge=0, description="right edge, pixel, exclusive")
    y1: float | None = Field(default=None, ge=0, description="bottom edge, pixel, exclusive")
    threat: str = Field(description="term of the vocabulary, or the owner's word")
    concealment: str = Field(default=UNKNOWN, description="term of the vocabulary, or unknown")
    author: Literal["analyst", "machine", "search", "unknown"] = Field(default="unknown", description="who marked it")


class InspectionResult(Document):
    """What an analyst, a machine or a search said of the scan."""

    author: Literal["analyst", "machine", "search"] = Field(description="who decided")
    decision: Literal["clear", "suspicious", "found", "not_found", "unknown"] = Field(description="what was decided")
    software: str = Field(default="", description="of a machine: algorithm and version")
    score: float | None = Field(default=None, ge=0, le=1, description="of a machine")


class Attachment(Document):
    """Bytes that are carried and not read: a radiation record (ANSI N42.42), a maker's extension."""

    kind: Literal["radiation", "extension"] = Field(description="what it is")
    owner: str = Field(default=UNKNOWN, description="who defines its content")
    media_type: str = Field(default="application/octet-stream", description="how to open it")
    member: str = Field(description="name of the member that holds it")
    sha256: str = Field(default="", description="of the member's bytes")


class Learning(Document):
    """What machine learning needs to know beside the pixels."""

    split: Literal["train", "calibration", "test", ""] = Field(default="", description="part of the data")
    label_source: str = Field(default=UNKNOWN, description="physical_search, expert, manifest, simulated ...")
    provenance: str = Field(default="", description="where the scan comes from, in a sentence")


class ScanEvent(Document):
    """One exposure of one item."""

    scan_id: str = Field(description="id of the scan")
    item_id: str = Field(description="id of the inspected item")
    system_id: str = Field(default=UNKNOWN, description="scan system it was taken on")
    vector: str = Field(default=UNKNOWN, description="term of the vocabulary, or unknown")
    scanned_at: str = Field(default="", description="ISO 8601; empty where withheld")
    site: str = Field(default=UNKNOWN, description="location of the administration")
    declared: str = Field(default="", description="what the manifest declares: empty, or an HS chapter")
    views: list[View] = Field(min_length=1, description="the images of the scan")
    regions: list[Region] = Field(default_factory=list, description="labels")
    results: list[InspectionResult] = Field(default_factory=list, description="decisions")
    attachments: list[Attachment] = Field(default_factory=list, description="radiation records and extensions")
    learning: Learning = Field(default_factory=Learning, description="split and provenance")


ENTITIES: tuple[type[Document], ...] = (
    ScanSystem,
    ScanEvent,
    View,
    PlaneEntry,
    Region,
    InspectionResult,
    Attachment,
    Learning,
)


@dataclass(frozen=True, slots=True)
class Exchange:
    """Scan events with their pixels: member -> uint16 counts (height, width), and member -> bytes of attachments."""

    name: str
    scans: tuple[ScanEvent, ...]
    systems: tuple[ScanSystem, ...] = ()
    planes: dict[str, NDArray[np.uint16]] = field(default_factory=dict)
    attachments: dict[str, bytes] = field(default_factory=dict)
    licence: str = UNKNOWN
    licence_of_upstream: str = UNKNOWN
    use_terms: str = "not stated"


Decoder = Callable[[Path], Exchange | None]


@dataclass(frozen=True, slots=True)
class MappingRow:
    """One line of the mapping table."""

    entity: str
    field: str
    meaning: str
    public_subject: str
    source: str
    uff_element: str
    status: str  # unknown, proposed or confirmed


def decoders() -> dict[str, Decoder]:
    """The decoders that installed packages offer, by name. Loading one that is broken names its package."""
    found: dict[str, Decoder] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda one: one.name):
        try:
            found[point.name] = point.load()
        except Exception as error:
            package = point.dist.name if point.dist else "an installed package"
            raise BadValue(f"The decoder '{point.name}' of {package} cannot be loaded: {error}") from error
    return found


def read_uff(path: Path | str) -> Exchange:
    """What an installed decoder makes of a file.

    Raises:
        BadFile: No such file, none that could be UFF, no decoder installed, or none that knows it.
    """
    path = Path(path)
    if not path.is_file():
        raise BadFile(f"{path}: there is no such file.")
    with path.open("rb") as file:
        head = file.read(160)
    if _UNIVERSAL_FILE.match(head):
        raise BadFile(f"{path}: this is a Universal File Format of vibration tests, which shares its letters with UFF.")
    installed = decoders()
    for name, decode in installed.items():
        try:
            decoded = decode(path)
        except (BadFile, BadTable):
            raise
        except Exception as error:  # a decoder is somebody else's program
            raise BadFile(
                f"{path}: the decoder '{name}' failed ({type(error).__name__}: {str(error)[:100]})."
            ) from error
        if decoded is not None:
            return decoded
    if not installed:
        raise BadFile(
            f"{path}: reading UFF needs a decoder from your scanner's maker or the WCO; none is installed. The structure "
            f"of UFF is not public, so xraybench has none of its own. A decoder is a package with an entry point in the "
            f"group '{GROUP}'."
        )
    raise BadFile(f"{path}: none of the installed decoders ({', '.join(installed)}) knows this file.")


def looks_like_uff(path: Path | str) -> bool:
    """Whether a file's name says UFF. Nothing more can be told: its first bytes are not publicly known."""
    return Path(path).suffix.lower() in (".uff", ".uff2", ".uff3")


def mapping(path: Path | str = MAPPING_FILE) -> tuple[MappingRow, ...]:
    """The mapping table; the package's own, or one that a WCO member completed.

    Raises:
        BadFile: No such file, or no CSV.
        BadTable: Other columns, fields that the model does not have, or fields left out.
    """
    path = Path(path)
    try:
        rows = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
    except FileNotFoundError:
        raise BadFile(f"{path}: there is no such file.") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadFile(f"{path}: cannot be read as CSV ({error}).") from None
    if not rows or rows[0] != MAPPING_COLUMNS:
        raise BadTable(path.name, [f"row 1: the columns are {','.join(MAPPING_COLUMNS)}"])
    faults = [f"row {n}: {len(row)} cells, 7 are meant" for n, row in enumerate(rows[1:], start=2) if len(row) != 7]
    if faults:
        raise BadTable(path.name, faults)
    found = tuple(MappingRow(*row) for row in rows[1:])
    known = {(kind.__name__, name) for kind in ENTITIES for name in kind.model_fields}
    listed = {(row.entity, row.field) for row in found}
    faults = [f"{entity}.{name} is not mapped" for entity, name in sorted(known - listed)]
    faults += [f"{entity}.{name}: the model has no such field" for entity, name in sorted(listed - known)]
    faults += [
        f"row {n}, status: '{row.status}' is not unknown, proposed or confirmed"
        for n, row in enumerate(found, start=2)
        if row.status not in ("unknown", "proposed", "confirmed")
    ]
    if faults:
        raise BadTable(path.name, faults)
    return found
