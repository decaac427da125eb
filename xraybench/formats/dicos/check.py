"""What is wrong with a DICOS object: structure after the module tables, and the values and references no toolkit checks.

Every finding is an `Issue` with a kind. The kinds in `REFUSED` are what an independent toolkit refuses a file for; the
others are faults that it lets pass: values out of range, counts that do not add up, references that lead nowhere.
Nothing here raises: a reader must be able to say what is wrong with a file and hand over what is sound.

Source: research/formats.md 1.3, 1.4 and 2.1.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from xraybench.formats.dicos import dictionary as names
from xraybench.formats.dicos import tables
from xraybench.formats.dicos.tables import Attribute, items_of, value_of

REFUSED = ("missing", "empty", "count", "size", "version")
ALARM_FLAGS = ("HIGH_THREAT", "THREAT")
# Threat of our vocabulary -> category of DICOS. The fine name goes into the description.
CATEGORY_OF: Mapping[str, str] = {
    "firearm": "PI",
    "ammunition": "PI",
    "blade": "PI",
    "explosive": "EXPLOSIVE",
    "pills": "PHARMACEUTICAL",
    "empty_verification": "ANOMALY",
    "shielding": "ANOMALY",
}
OTHER_CATEGORY = "CONTRABAND"  # every other threat of the vocabulary: goods that may not be there

_UID = re.compile(r"(0|[1-9]\d*)(\.(0|[1-9]\d*))+")
_MOST_CHARACTERS = {"CS": 16, "SH": 16, "LO": 64, "ST": 1024, "LT": 10240}
_SAME_VR = {"OB": "OW", "OW": "OB"}


@dataclass(frozen=True, slots=True)
class Issue:
    """One finding: its kind, the attribute it is about, and what was wrong and would be right."""

    kind: str
    where: str
    text: str

    def __str__(self) -> str:
        return f"{self.where}: {self.text}"


def kind_of(dataset: Dataset) -> str:
    """`dx`, `ct`, `tdr`, `ait2d`, `ait3d`, `qr`, or "" where the SOP class is none of DICOS."""
    return names.KINDS.get(_text(dataset, 0x00080016), "")


def issues_of(dataset: Dataset) -> list[Issue]:
    """Everything that is wrong with one object by itself."""
    found = [*_foreign_issues(dataset)]
    kind = kind_of(dataset)
    if kind not in tables.OBJECTS:
        return found
    meta = getattr(dataset, "file_meta", None)
    if meta is not None:
        found += _structure(meta, tables.META, "", dataset)
    found += _structure(dataset, tables.OBJECTS[kind], "", dataset)
    found += _version_issues(dataset)
    found += _uid_issues(dataset)
    return found + (_report_issues(dataset) if kind == "tdr" else _image_issues(dataset))


def refused(issues: Iterable[Issue]) -> list[Issue]:
    """The issues for which an independent toolkit refuses a file."""
    return [issue for issue in issues if issue.kind in REFUSED]


def link_issues(objects: Mapping[str, Dataset]) -> list[Issue]:
    """References between files that lead nowhere or astray.

    Args:
        objects: What to call a file in a message -> its object; images and reports that belong together.

    Returns:
        Instances that stand twice, references to images that are not among them, reports of another scan than the image
        they refer to, and regions that reach beyond their image.
    """
    images = {_text(o, 0x00080018): o for o in objects.values() if kind_of(o) in ("dx", "ct")}
    found = []
    n_of = Counter(_text(o, 0x00080018) for o in objects.values())
    for source, one in objects.items():
        uid = _text(one, 0x00080018)
        if n_of[uid] > 1:
            found.append(Issue("reference", source, f"the instance UID {uid} stands {n_of[uid]} times"))
        if kind_of(one) == "tdr":
            found += [Issue(i.kind, f"{source} {i.where}", i.text) for i in _links_of(one, images)]
    return found


def _links_of(report: Dataset, images: Mapping[str, Dataset]) -> list[Issue]:
    found = []
    scan_uid = _text(report, 0x0020000D)
    for reference in items_of(report, 0x00081110):
        found += _reference_issue("(0008,1110)", reference, images, scan_uid)
    for t, threat in enumerate(items_of(report, 0x40101011)):
        for r, representation in enumerate(items_of(threat, 0x40101037)):
            where = f"(4010,1011)[{t}] > (4010,1037)[{r}]"
            for reference in items_of(representation, 0x0008114A):
                found += _reference_issue(where, reference, images, scan_uid)
                image = images.get(_text(reference, 0x00081155))
                if image is not None:
                    found += _outside(where, representation, image)
    return list(dict.fromkeys(found))


def _reference_issue(where: str, reference: Dataset, images: Mapping[str, Dataset], scan_uid: str) -> list[Issue]:
    uid = _text(reference, 0x00081155)
    if uid == scan_uid:  # some writers name the scan here, not an image of it
        return []
    image = images.get(uid)
    if image is None:
        return [Issue("reference", where, f"refers to instance {uid}, which is not among the files")]
    found = []
    if _text(image, 0x00080016) != _text(reference, 0x00081150):
        found.append(Issue("reference", where, f"names another SOP class than instance {uid} has"))
    if _text(image, 0x0020000D) != scan_uid:
        found.append(Issue("reference", where, f"instance {uid} is of another scan than the report"))
    return found


def _outside(where: str, representation: Dataset, image: Dataset) -> list[Issue]:
    size = (
        _number(image, 0x00280011),
        _number(image, 0x00280010),
        _number(image, 0x00280008) or 1.0,
    )
    found = []
    for voxels in items_of(representation, 0x40101001):
        base, extents = _numbers(voxels, 0x40101004), _numbers(voxels, 0x40101005)
        if len(base) == 3 and len(extents) == 3:
            beyond = [
                f"{axis} {low:g} to {low + n:g}, the image has {most:g}"
                for axis, low, n, most in zip("xyz", base, extents, size, strict=True)
                if low < 0 or low + n > most + 1e-3
            ]
            found += [Issue("reference", f"{where} > (4010,1001)", f"the region leaves the image: {b}") for b in beyond]
    return found


def _structure(dataset: Dataset, attributes: Sequence[Attribute], path: str, top: Dataset) -> list[Issue]:
    found: list[Issue] = []
    held = {int(tag): element for tag, element in dataset.items()}
    for attribute in attributes:
        raw = held.get(attribute.tag)
        where = path + attribute.label
        needed = attribute.type in ("1", "2") or (
            attribute.type in ("1C", "2C") and tables.CONDITIONS[attribute.when](top)
        )
        if raw is None:
            if needed:
                why = f", because {attribute.when}" if attribute.when else ""
                found.append(Issue("missing", where, f"{attribute.key} is missing{why}"))
            continue
        try:
            element = raw if isinstance(raw, DataElement) else dataset[attribute.tag]
            value = element.value
        except Exception as error:  # pydicom raises whatever a broken value makes it raise
            found.append(Issue("encoding", where, f"{attribute.key} cannot be decoded ({str(error)[:80]})"))
            continue
        if attribute.vr != element.VR and _SAME_VR.get(element.VR) != attribute.vr:
            found.append(Issue("vr", where, f"{attribute.key} is {element.VR}, {attribute.vr} is meant"))
            if "SQ" in (element.VR, attribute.vr):
                continue
        if attribute.vr == "SQ":
            found += _sequence_issues(value, attribute, where, top, needed)
        elif is_empty(value):
            if needed and attribute.type in ("1", "1C"):
                found.append(Issue("empty", where, f"{attribute.key} is empty"))
        else:
            found += _value_issues(value, attribute, where)
    return found


def _sequence_issues(value: Any, attribute: Attribute, where: str, top: Dataset, needed: bool) -> list[Issue]:
    items = list(value or [])
    if len(items) < attribute.least_items and (needed or attribute.type == "3"):
        return [Issue("empty", where, f"{attribute.key} holds no item")]
    found: list[Issue] = []
    for n, item in enumerate(items):
        found += _structure(item, attribute.items, f"{where}[{n}] > ", top)
    return found


def _value_issues(value: Any, attribute: Attribute, where: str) -> list[Issue]:
    if isinstance(value, bytes):
        return []
    values = list(value) if _is_many(value) else [value]
    found = []
    least, most = attribute.n_values
    if len(values) < least or (most and len(values) > most):
        meant = f"{least}" if least == most else f"at least {least}" if not most else f"{least} to {most}"
        found.append(Issue("n_values", where, f"{attribute.key} has {len(values)} values, {meant} are meant"))
    most_characters = _MOST_CHARACTERS.get(attribute.vr, 0)
    found += [
        Issue("size", where, f"{attribute.key} has {len(str(one))} characters, at most {most_characters} are meant")
        for one in values
        if most_characters and len(str(one)) > most_characters
    ]
    if attribute.terms:
        found += [
            Issue("term", where, f"{attribute.key} '{one}' is not one of: {', '.join(attribute.terms)}")
            for one in values
            if str(one) not in attribute.terms
        ]
    return found


def is_empty(value: Any) -> bool:
    """Whether a value is none at all: nothing, no text, no number."""
    return value is None or (hasattr(value, "__len__") and len(value) == 0)


def _version_issues(dataset: Dataset) -> list[Issue]:
    meta = getattr(dataset, "file_meta", None)
    found = []
    for where, source, tag in (("(0002,0004)", meta, 0x00020004), ("(4010,103A)", dataset, 0x4010103A)):
        version = _text(source, tag) if source is not None else ""
        if version and version not in names.VERSIONS:
            read = ", ".join(names.VERSIONS)
            found.append(Issue("version", where, f"the file calls itself DICOS {version}; {read} are known here"))
    return found


def _uid_issues(dataset: Dataset) -> list[Issue]:
    """Identifiers that break DICOM's rule: digits without leading zeros, at most 64 characters, below a known root."""
    bad: dict[str, str] = {}
    meta = getattr(dataset, "file_meta", None)
    for where, uid in _uids(dataset, "") + (_uids(meta, "") if meta is not None else []):
        if not _UID.fullmatch(uid) or len(uid) > 64 or int(uid[0]) > 2:
            bad.setdefault(uid, where)
    return [Issue("uid", where, f"'{uid[:70]}' is no valid UID") for uid, where in bad.items()]


def _uids(dataset: Dataset, path: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for tag, element in dataset.items():
        if element.VR not in ("UI", "SQ"):
            continue
        value = value_of(dataset, tag)  # a broken one is told by _structure
        where = f"{path}({tag.group:04X},{tag.element:04X})"
        if element.VR == "SQ":
            for n, item in enumerate(items_of(dataset, tag)):
                found += _uids(item, f"{where}[{n}] > ")
        elif value:
            found += [(where, str(uid)) for uid in (value if _is_many(value) else [value])]
    return found


def _image_issues(image: Dataset) -> list[Issue]:
    found = []
    if kind_of(image) == "dx" and _text(image, 0x00281053) and _number(image, 0x00281053) != 1.0:
        found.append(
            Issue("count", "(0028,1053)", f"the rescale slope is {_text(image, 0x00281053)}; DX allows 1 only")
        )
    allocated, stored, high = (_number(image, tag) for tag in (0x00280100, 0x00280101, 0x00280102))
    if allocated and stored and not (stored <= allocated and high == stored - 1):
        found.append(
            Issue("value", "(0028,0101)", f"{stored:g} bits stored in {allocated:g}, high bit {high:g}: not consistent")
        )
    view, n_views = _number(image, 0x61000024), _number(image, 0x61000028)
    if view and n_views and view > n_views:
        found.append(Issue("value", "(6100,0024)", f"view {view:g} of {n_views:g}"))
    energy, n_energies = _number(image, 0x61000030), _number(image, 0x61000032)
    if energy and n_energies and energy > n_energies:
        found.append(Issue("value", "(6100,0030)", f"energy {energy:g} of {n_energies:g}"))
    frames = items_of(image, 0x52009230)
    n_frames = _number(image, 0x00280008)
    if frames and n_frames and len(frames) != n_frames:
        found.append(Issue("value", "(5200,9230)", f"{len(frames)} items for {n_frames:g} frames"))
    return found


def _report_issues(report: Dataset) -> list[Issue]:
    threats = items_of(report, 0x40101011)
    found = _count_issues(report, threats)
    if 0x40101075 in report and not _number(report, 0x40101075) > 0:
        found.append(Issue("count", "(4010,1075)", "the image scale must be a number above 0"))
    numbers = Counter(_text(threat, 0x40101010) for threat in threats)
    found += [
        Issue("value", "(4010,1010)", f"object {number} stands {n} times: a reader keeps the last one only")
        for number, n in numbers.items()
        if number and n > 1
    ]
    for t, threat in enumerate(threats):
        where = f"(4010,1011)[{t}]"
        for assessment in items_of(threat, 0x40101038):
            found += _probability_issues(assessment, where)
        representations = items_of(threat, 0x40101037)
        if not representations:
            found.append(Issue("value", f"{where} > (4010,1037)", "says nowhere where the object is"))
        for representation in representations:
            found += _region_issues(representation, where)
        start, end = _text(threat, 0x40101080), _text(threat, 0x40101081)
        if start and end and end < start and start[:8].isdigit() and "+" not in start + end and "-" not in start + end:
            found.append(Issue("value", f"{where} > (4010,1081)", f"ended {end}, before it started {start}"))
    return found + _declared_issues(report, threats)


def _count_issues(report: Dataset, threats: list[Dataset]) -> list[Issue]:
    found = [
        Issue("value", where, f"the {what} is empty")
        for where, tag, what in (("(4010,1031)", 0x40101031, "decision"), ("(4010,1024)", 0x40101024, "abort flag"))
        if tag in report and not _text(report, tag)
    ]
    found += [
        Issue("reference", "(0008,1110)", "names no SOP class or no instance")
        for reference in items_of(report, 0x00081110)
        if not (_text(reference, 0x00081150) and _text(reference, 0x00081155))
    ]
    total, n_alarm = _number(report, 0x40101033), _number(report, 0x40101034)
    decision = _text(report, 0x40101031)
    n_flagged = sum(_is_flagged(threat) for threat in threats)
    if 0x40101033 in report and 0x40101034 in report:
        if n_alarm > total:
            found.append(Issue("count", "(4010,1034)", f"{n_alarm:g} alarm objects of {total:g} objects in all"))
        if total != len(threats):
            found.append(Issue("value", "(4010,1033)", f"says {total:g} objects, {len(threats)} are described"))
        if n_alarm != n_flagged:
            found.append(
                Issue("value", "(4010,1034)", f"says {n_alarm:g} alarm objects, {n_flagged} are flagged as threats")
            )
    if decision == "CLEAR" and n_flagged:
        found.append(Issue("value", "(4010,1031)", f"the decision is CLEAR, and {n_flagged} objects are flagged"))
    if decision == "ALARM" and threats and not n_flagged:
        found.append(Issue("value", "(4010,1031)", "the decision is ALARM, and no object is flagged as a threat"))
    return found


def _is_flagged(threat: Dataset) -> bool:
    return any(_text(one, 0x40101015) in ALARM_FLAGS for one in items_of(threat, 0x40101038))


def _probability_issues(assessment: Dataset, where: str) -> list[Issue]:
    if 0x40101016 not in assessment or not _text(assessment, 0x40101016):
        return []
    probability = _number(assessment, 0x40101016)
    if 0.0 <= probability <= 1.0:
        return []
    hint = " (percent?)" if 1.0 < probability <= 100.0 else ""
    return [Issue("value", f"{where} > (4010,1016)", f"probability {probability:g} is outside [0, 1]{hint}")]


def _region_issues(representation: Dataset, where: str) -> list[Issue]:
    found = []
    polygon = _numbers(representation, 0x4010101D)
    if 0x4010101D in representation and (len(polygon) % 3 or len(polygon) < 6):
        text = f"{len(polygon)} numbers; at least two points of x, y, z are meant"
        found.append(Issue("size", f"{where} > (4010,101D)", text))
    for reference in items_of(representation, 0x0008114A):
        if not (_text(reference, 0x00081150) and _text(reference, 0x00081155)):
            found.append(Issue("reference", f"{where} > (0008,114A)", "names no SOP class or no instance"))
    for voxels in items_of(representation, 0x40101001):
        base, extents = _numbers(voxels, 0x40101004), _numbers(voxels, 0x40101005)
        if any(value < 0 for value in base):
            found.append(Issue("value", f"{where} > (4010,1004)", f"the base {base} lies before the first pixel"))
        if len(extents) != 3:
            continue
        if any(not value > 0 for value in extents):
            found.append(Issue("value", f"{where} > (4010,1005)", f"the extents {extents} span nothing"))
        bitmap = value_of(voxels, 0x40101006)
        if isinstance(bitmap, bytes) and bitmap and all(map(math.isfinite, extents)):
            n_bytes = -(-int(extents[0]) * int(extents[1]) * int(extents[2]) // 8)
            if len(bitmap) not in (n_bytes, n_bytes + n_bytes % 2):
                found.append(
                    Issue("size", f"{where} > (4010,1006)", f"the bitmap has {len(bitmap)} bytes, {n_bytes} are meant")
                )
    return found


def _declared_issues(report: Dataset, threats: list[Dataset]) -> list[Issue]:
    """Objects of another category than the task asks for, where a report of ours names its task."""
    from xraybench.formats.dicos.private import read_marks

    task = str(read_marks(report).get("task", ""))
    parts = task.split("-")
    if len(parts) != 5 or parts[1] == "any":
        return []
    meant = CATEGORY_OF.get(parts[1], OTHER_CATEGORY)
    found = []
    for t, threat in enumerate(threats):
        for one in items_of(threat, 0x40101038):
            category = _text(one, 0x40101012)
            if category and category != meant and _text(one, 0x40101015) in ALARM_FLAGS:
                found.append(
                    Issue("value", f"(4010,1011)[{t}] > (4010,1012)", f"{category}; task {task} looks for {meant}")
                )
    return found


def _foreign_issues(dataset: Dataset) -> list[Issue]:
    """Files of writers whose tag table is known to be another one: named, because nothing else in them can be trusted."""
    signs = []
    if _text(dataset, 0x00080016) == names.FOREIGN_DX:
        signs.append(f"SOP class {names.FOREIGN_DX}, which is registered nowhere")
    for tag, meant, was in (
        (0x4010100A, "SQ", "the alarm decision at (4010,100A), which is the route segment sequence"),
        (0x40101010, "US", "a sequence of objects at (4010,1010), which is an object's number"),
        (0x40101012, "", "the type of the object of inspection at (4010,1012), which is a threat category"),
    ):
        item = dataset.get_item(tag) if tag in dataset else None
        if item is not None and meant != item.VR:
            signs.append(was)
    if not signs:
        return []
    text = "tags as dicos.go, dicos.rs and files like theirs use them, not those of DICOS: " + "; ".join(signs)
    return [Issue("foreign", "group 4010", text)]


def _is_many(value: Any) -> bool:
    return hasattr(value, "__iter__") and not isinstance(value, str | bytes) and not hasattr(value, "components")


def _text(dataset: Dataset, tag: int) -> str:
    value = value_of(dataset, tag)
    return "" if value is None else str(value)


def _numbers(dataset: Dataset, tag: int) -> list[float]:
    value = value_of(dataset, tag)
    if is_empty(value):
        return []
    try:
        return [float(one) for one in (value if _is_many(value) else [value])]
    except (TypeError, ValueError):
        return []


def _number(dataset: Dataset, tag: int) -> float:
    """One number, NaN for several and 0 for none."""
    found = _numbers(dataset, tag)
    return found[0] if len(found) == 1 else float("nan") if found else 0.0
