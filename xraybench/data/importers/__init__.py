"""Readers of other people's layouts: one file a set or form, one line here. None opens an image or writes a byte.

A reader takes the source and its options and gives the folder that paths start from, and a `Listing`. Research sets are
lenient (known traps are told, not refused), fill in what their publishers say of the licence, and map their classes by
`classes.csv`, which a user overrides word by word or with a file of the same shape.
"""

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from xraybench.core import vocabulary
from xraybench.core.errors import BadFile, BadTable, UnknownName
from xraybench.core.registry import Registry, did_you_mean
from xraybench.data.importers import (
    boxes,
    cargoxray,
    clcxray,
    compassxp,
    dicos,
    dvxray,
    eds,
    exchange,
    gdxray,
    opixray,
    own,
    pidray,
    planes,
    sidecars,
    sixray,
)
from xraybench.data.listing import Listing
from xraybench.data.splits import BENIGN
from xraybench.formats.images import read_file

CLASSES_FILE = Path(__file__).parent / "classes.csv"
_COLUMNS = ["set", "class", "threat", "why"]
Read = Callable[[Path, Mapping[str, str]], tuple[Path, Listing]]


@dataclass(frozen=True, slots=True)
class Importer:
    """One layout: how to read it, how to tell it, and what its publishers say."""

    name: str
    title: str
    layout: str  # what lies where, for the help
    read: Read
    signs: Callable[[Path], bool]  # whether a source looks like it
    options: Mapping[str, str] = field(default_factory=dict)  # option -> what it does
    vector: str = ""
    licence_of_upstream: str = vocabulary.UNKNOWN
    is_research: bool = True
    speaks_ours: bool = False  # its words may be terms of the vocabulary, which then mean themselves


_ACADEMIC = "academic use only (publisher's README)"
_ON_REQUEST = "academic use only, on request (publisher's README)"

IMPORTERS: Registry[Importer] = Registry("import format")

for _one in (
    Importer(
        "folder",
        "an image folder",
        "CLASS/*.png: class = folder",
        own.read_folder,
        own.is_class_folder,
        is_research=False,
    ),
    Importer(
        "coco",
        "COCO annotations",
        "FILE.json, images below the folder of the option images, or beside it",
        own.read_coco_file,
        own.is_coco,
        {"images": "folder the file names start from", "clip": "yes cuts boxes that reach beyond their image"},
        is_research=False,
    ),
    Importer(
        "voc",
        "Pascal VOC annotations",
        "Annotations/*.xml, JPEGImages/*, ImageSets/Main/*.txt",
        boxes.read_voc_folder,
        boxes.is_voc,
        {
            "one_based": "no where pixels are counted from 0",
            "benign": "yes takes images without an annotation as benign",
        },
        is_research=False,
    ),
    Importer(
        "yolo",
        "YOLO annotations",
        "data.yaml or classes.txt, images/SPLIT/*, labels/SPLIT/*.txt",
        boxes.read_yolo_folder,
        boxes.is_yolo,
        {"one_based": "yes where classes are counted from 1"},
        is_research=False,
    ),
    Importer(
        "sidecar",
        "pictures with an XML file beside each",
        "*.jpg and *.xml of one name",
        sidecars.read_folder,
        sidecars.is_folder,
        {
            "fields": "a field map of your own",
            "label": "field whose words are the classes",
            "personal": "yes reads personal fields too",
        },
        is_research=False,
    ),
    Importer(
        "planes",
        "16-bit planes, class = folder",
        "CLASS/*.tif or *.npy, a page a plane, or a file a plane",
        planes.read_folder,
        planes.is_folder,
        {
            "planes": "names in file order, e.g. hi,lo",
            "suffixes": "a file a plane: ends of the names, e.g. hi=_HE,lo=_LE",
            "full_scale": "count of the open beam",
            "polarity": "transmission or absorption",
        },
        is_research=False,
    ),
    Importer(
        "raw",
        "headerless counts, class = folder",
        "CLASS/*.raw, all of one declared layout",
        planes.read_raw_folder,
        planes.never,
        {
            "width": "pixel columns",
            "height": "pixel rows",
            "dtype": "uint16, or uint8, int16, uint32 or int32 whose counts fit 16 bits",
            "offset": "bytes before the first number",
            "trailing": "bytes after the last",
            "byte_order": "little or big",
            "layout": "planar, line or pixel",
            "ending": "of the files, e.g. .img",
            "planes": "names in file order, e.g. hi,lo",
            "full_scale": "count of the open beam",
            "polarity": "transmission or absorption",
        },
        is_research=False,
    ),
    Importer(
        "package",
        "an exchange package",
        "FILE.xrb, or a folder of them",
        exchange.read_packages,
        exchange.is_package,
        {
            "full_scale": "count of the open beam, where the package does not say",
            "polarity": "transmission or absorption, where the package does not say",
        },
        is_research=False,
        speaks_ours=True,
    ),
    Importer(
        "uff",
        "UFF, through a decoder of your own",
        "FILE.uff",
        exchange.read_uff_file,
        exchange.is_uff,
        {"full_scale": "count of the open beam", "polarity": "transmission or absorption"},
        is_research=False,
        speaks_ours=True,
    ),
    Importer(
        "dicos",
        "DICOS scans with ground truth reports",
        "*.dcs in any folders: files of one scan UID are one scan",
        dicos.read,
        dicos.is_folder,
        {
            "unlabelled": "benign takes scans without a ground truth as benign",
            "full_scale": "count of the open beam; 65535 where it is not given",
        },
        is_research=False,
        speaks_ours=True,
    ),
    Importer(
        "sixray",
        "SIXray",
        "ImageSet/RATIO/train.csv and test.csv, Annotation/*.xml, images in any folders",
        sixray.read,
        sixray.is_set,
        {"ratio": "10, 100 or 1000: which of the published lists"},
        "baggage",
        _ACADEMIC,
    ),
    Importer(
        "pidray",
        "PIDray v1 and v2",
        "annotations/xray_train.json, xray_test_easy.json ... with train/, easy/, hard/, hidden/; or train.json, test.json",
        pidray.read,
        pidray.is_set,
        {},
        "baggage",
        _ACADEMIC,
    ),
    Importer(
        "opixray",
        "OPIXray",
        "train/ and test/ with PART_image/, PART_annotation/ and PART_knife.txt, test/test_knife-1.txt to -3.txt",
        opixray.read_opixray,
        opixray.is_opixray,
        {},
        "baggage",
        _ON_REQUEST,
    ),
    Importer(
        "hixray",
        "HiXray",
        "train/ and test/ with PART_image/ and PART_annotation/",
        opixray.read_hixray,
        opixray.is_hixray,
        {},
        "baggage",
        _ON_REQUEST,
    ),
    Importer(
        "eds",
        "EDS",
        "domain1/ to domain3/ with images/, annotations/*.xml, train.txt and val.txt",
        eds.read,
        eds.is_set,
        {"domain": "1, 2 or 3: one machine alone"},
        "baggage",
        _ON_REQUEST,
    ),
    Importer(
        "clcxray",
        "CLCXray",
        "annotations/instances_train2017.json, _val2017, _test2017; train2017/, val2017/, test2017/",
        clcxray.read,
        clcxray.is_set,
        {},
        "baggage",
        _ACADEMIC,
    ),
    Importer(
        "dvxray",
        "DvXray",
        "DvXray_Positive_Samples/ and DvXray_Negative_Samples/ with NAME.json, NAME_OL.png, NAME_SD.png",
        dvxray.read,
        dvxray.is_set,
        {},
        "baggage",
        "none stated by the publisher",
    ),
    Importer(
        "gdxray",
        "GDXray, the Baggage group",
        "Baggage/B0001/B0001_0001.png and ground_truth.txt",
        gdxray.read,
        gdxray.is_set,
        {"benign": "yes takes frames without a box, in series that have boxes, as benign"},
        "baggage",
        "research and education only, no redistribution",
    ),
    Importer(
        "compassxp",
        "COMPASS-XP",
        "meta.txt, Colour/, Density/, Grey/, High/, Low/, Photo/",
        compassxp.read,
        compassxp.is_set,
        {"rendering": "Colour, Density, Grey, High or Low"},
        "baggage",
        "CC BY 4.0 as far as known; confirm before publishing",
    ),
    Importer(
        "cargoxray",
        "CargoXray",
        "images.json.gz, annotations.json.gz, the images at the paths named in them",
        cargoxray.read,
        cargoxray.is_set,
        {"synonyms": "CSV of label,class that merges free labels"},
        "container",
        "none stated by the publisher",
    ),
):
    IMPORTERS.add(_one.name, _one)


def names() -> list[str]:
    """All readers, own forms first."""
    return IMPORTERS.names()


def get(name: str) -> Importer:
    """One reader.

    Raises:
        UnknownName: With the nearest.
    """
    return IMPORTERS.get(name)


def detect(source: Path) -> Importer:
    """The reader that a source looks made for; research sets are asked first, the image folder last.

    Raises:
        BadFile: There is no such source, or it looks like none, or like several.
    """
    if not source.exists():
        raise BadFile(f"{source}: there is no such file or folder.")
    ordered = sorted(IMPORTERS, key=lambda one: (one.name == "folder", not one.is_research))
    fitting = [one for one in ordered if one.signs(source)]
    sets = [one for one in fitting if one.is_research]
    if len(sets) > 1:
        raise BadFile(f"{source}: looks like {' and '.join(one.name for one in sets)}. Say which with --format.")
    if not fitting:
        raise BadFile(
            f"{source}: looks like none of the known layouts ({', '.join(names())}). Say which with --format: "
            "what is missing is told then."
        )
    return fitting[0]


def check_options(importer: Importer, options: Mapping[str, str]) -> None:
    """Raises:
    UnknownName: An option that the reader does not have, with the nearest.
    """
    for name in options:
        if name not in importer.options:
            raise UnknownName(
                f"The format {importer.name} has no option '{name}'. {did_you_mean(name, list(importer.options))}"
            )


def default_classes(name: str) -> dict[str, str]:
    """Word of a research set -> threat, benign or skip; empty for a form of one's own."""
    return dict(_all_classes().get(name, {}))


@cache
def _all_classes() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for row in csv.DictReader(io.StringIO(CLASSES_FILE.read_text(encoding="utf-8"))):
        found.setdefault(row["set"], {})[row["class"]] = row["threat"]
    return found


def read_class_map(path: Path | str, name: str) -> dict[str, str]:
    """A class map file: CSV with the columns `class` and `threat`, and `set` where it serves several sets.

    Raises:
        BadFile: No such file, or no CSV.
        BadTable: A column is missing, a word stands twice or is mapped to what is no threat.
    """
    path = Path(path)
    try:
        rows = list(csv.DictReader(io.StringIO(read_file(path).decode("utf-8-sig"))))
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadFile(f"{path}: cannot be read as CSV ({error}).") from None
    if not rows or not {"class", "threat"} <= set(rows[0]):
        raise BadTable(path.name, ["row 1: the columns class and threat are needed"])
    known = [*vocabulary.names("threat"), BENIGN, "skip"]
    found: dict[str, str] = {}
    faults = []
    for number, row in enumerate(rows, start=2):
        if (row.get("set") or name) != name:
            continue
        word, threat = (row["class"] or "").strip(), (row["threat"] or "").strip()
        if word in found:
            faults.append(f"row {number}, class: '{word}' stands twice")
        if threat not in known:
            faults.append(f"row {number}, threat: '{threat}' is no threat. {did_you_mean(threat, known)}")
        found[word] = threat
    if faults:
        raise BadTable(path.name, faults)
    return found
