"""De-identification of one DICOS object: an action for every attribute that may stay, and removal of all others.

The profile is the project's own (research/formats.md section 5), because DICOM's PS3.15 tables know nothing of group 4010
and empty what DICOS requires. It is an allow-list: a tag that is not named here or in the module tables of DICOS is removed,
whatever it is. It is applied at every depth.
"""

import datetime as dt
import re
from dataclasses import dataclass, field
from typing import Any

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from xraybench.core import vocabulary
from xraybench.data.deid_words import Change, is_clean
from xraybench.data.pseudonyms import SiteKey, shifted_date_time, shifted_moment
from xraybench.formats.dicos import dictionary, tables

PROFILE = "XRAYBENCH-DEID-1"
REMOVED_TEXT, UNKNOWN_TEXT = "removed", "unknown"

# Stand-in of an identifier (D with a key in PS3.15), a constant (D), or cleaned text (C). Times and UIDs go by their VR.
PSEUDONYMS = {
    0x00100020, 0x00200010, 0x00080050, 0x40101051, 0x40101054, 0x40101007, 0x40101058, 0x00181000, 0x00081010,
}  # fmt: skip
CONSTANTS = {
    0x00100021: REMOVED_TEXT,
    0x00080080: REMOVED_TEXT,
    0x00080081: REMOVED_TEXT,
    0x40101053: REMOVED_TEXT,
    0x40101055: "IATA",  # the only authority that it may name
    0x00201040: "",
}
EQUIPMENT = {0x00080070, 0x00081090, 0x00181020}  # maker, model, software: constants unless they may be kept
CLEANED = {0x40101013, 0x40101068, 0x40101078, 0x00600022, 0x00081030, 0x0008103E, 0x00204000, 0x61000026, 0x61000031,
           0x00281054, 0x00181160, 0x00187004, 0x40101052}  # fmt: skip
KEPT_TEXT = {0x40101029}  # algorithm and version
# Removed although a module of DICOS names it.
REMOVED = {0x00081070, 0x4010101A, 0x4010102A, 0x40101022, 0x4010106C, 0x00607014, 0x00607016, 0x00607038, 0x40101047,
           0x00102297}  # fmt: skip
GEOGRAPHY = {0x4010101E, 0x4010101F}
_OPERATOR = 0x00081072
_OPERATOR_ITEM = {0x00401101, 0x00080080, 0x00080100, 0x00080102, 0x00080104}
# Kept beside what the module tables of DICOS name: exposure, geometry, display, itinerary without its places.
KEPT = {
    0x00020002, 0x00080060, 0x00180050, 0x00180090, 0x00181110, 0x00181111, 0x00181150, 0x00181151, 0x00181152,
    0x00181153, 0x00181164, 0x00181190, 0x00187020, 0x00187022, 0x00187030, 0x00189004, 0x00189073, 0x00189306, 0x00189307,
    0x00200011, 0x00200012, 0x00200060, 0x00280006, 0x00280008, 0x00280030, 0x00280034, 0x00280106, 0x00280107,
    0x00281050, 0x00281051, 0x00281056, 0x00281101, 0x00281102, 0x00281103, 0x00281201, 0x00281202, 0x00281203,
    0x00282112, 0x00282114, 0x00283000, 0x00283002, 0x00283006, 0x00283010, 0x20500020, 0x40101043, 0x40101039,
    0x40101056, 0x4010100A, 0x40101020, 0x40101028, 0x40101059, 0x40101021, 0x40101076, 0x40101077,
    0x4010101B, 0x4010101C, 0x4010101D, 0x40101019, 0x40101023,
}  # fmt: skip
_SPOKEN_VR = {"LO", "SH", "ST", "LT", "UT", "UC", "UR", "PN", "AE", "AS", "UN", "OB"}
_BITMAP, _PIXELS = 0x40101006, 0x7FE00010


@dataclass(slots=True)
class Pass:
    """One object on its way through: the key, the choices, and what was changed so far."""

    key: SiteKey
    shift: dt.timedelta
    keep_equipment: bool = False
    keep_country: bool = False
    changes: list[Change] = field(default_factory=list)


def deidentify_dataset(dataset: Dataset, one: Pass, *, burned_in: bool | None = None) -> None:
    """Apply the profile to an object in place.

    Args:
        dataset: The object, its pixels not compressed.
        one: Key and choices; it collects the changes.
        burned_in: Whether the picture shows burned-in text, as far as it is known; None for an object without a picture.
    """
    _walk(dataset, one, "", in_operator=False)
    if burned_in is not None:
        was = str(dataset.get(0x00280301).value) if 0x00280301 in dataset else ""
        _set(dataset, one, 0x00280301, "CS", "YES" if burned_in or was == "YES" else "NO")
    _set(dataset, one, 0x00120062, "CS", "YES")
    _set(dataset, one, 0x00120063, "LO", PROFILE)
    code = Dataset()
    code.add_new(0x00080100, "SH", "XRB-DEID-1")
    code.add_new(0x00080102, "SH", "99XRAYBENCH")
    code.add_new(0x00080104, "LO", "xraybench profile for customs scans, version 1")
    _set(dataset, one, 0x00120064, "SQ", Sequence([code]))


def _walk(dataset: Dataset, one: Pass, path: str, *, in_operator: bool) -> None:
    _unreadable(dataset, one, path)
    _private(dataset, one, path)
    _times(dataset, one, path)
    for element in [dataset[tag] for tag in list(dataset.keys()) if not tag.is_private]:
        _one(dataset, element, one, path, in_operator)


def _unreadable(dataset: Dataset, one: Pass, path: str) -> None:
    """Remove what cannot be decoded: nobody can say what it holds."""
    for tag in list(dataset.keys()):
        try:
            _ = dataset[tag].value
        except Exception:  # pydicom raises whatever a broken value makes it raise
            one.changes.append(Change(path + _label(int(tag)), "unreadable", "removed"))
            del dataset[tag]


def _one(dataset: Dataset, element: DataElement, one: Pass, path: str, in_operator: bool) -> None:
    tag, vr = int(element.tag), str(element.VR)
    if vr in ("DA", "TM", "DT"):
        return  # done
    if tag == _OPERATOR:
        if str(dataset.get(0x40101027, "") and dataset[0x40101027].value) != "OPERATOR":
            _remove(dataset, element, one, path)
        else:
            _items(element, one, path, in_operator=True)
        return
    if in_operator and tag in _OPERATOR_ITEM:
        _operator(element, one, path)
    elif tag in REMOVED or not (_is_known(tag) or tag in GEOGRAPHY):
        _remove(dataset, element, one, path)
    elif tag in GEOGRAPHY:
        country = _country(str(element.value)) if one.keep_country else ""
        _replace(element, country, "cleaned", one, path) if country else _remove(dataset, element, one, path)
    elif vr == "SQ":
        _items(element, one, path, in_operator=in_operator)
    elif vr == "UI":
        _uids(element, one, path)
    elif tag in PSEUDONYMS:
        _replace(element, _each(element.value, one.key.name_of), "pseudonym", one, path)
    elif tag in CONSTANTS:
        _replace(element, CONSTANTS[tag], "constant", one, path)
    elif tag in EQUIPMENT:
        if not one.keep_equipment:
            _replace(element, UNKNOWN_TEXT, "constant", one, path)
    elif tag in CLEANED:
        if not is_clean(" ".join(_all(element.value))):
            _replace(element, REMOVED_TEXT, "cleaned", one, path)
    elif tag in (_BITMAP, _PIXELS, *KEPT_TEXT):
        return
    elif (
        vr in _SPOKEN_VR
        or (vr == "CS" and not _is_term(tag, element.value))
        or (vr in ("DS", "IS") and not all(map(_is_number, _all(element.value))))
    ):
        _remove(dataset, element, one, path)


def _is_known(tag: int) -> bool:
    return tag in _NAMED or tag in KEPT or tag in PSEUDONYMS or tag in CONSTANTS or tag in CLEANED or tag in EQUIPMENT


def _is_term(tag: int, value: Any) -> bool:
    """Coded words: those of the attribute where they are declared, else short ones in capitals."""
    terms = _TERMS.get(tag)
    words = _all(value)
    if terms:
        return all(word in terms or word == "" for word in words)
    return all(re.fullmatch(r"[A-Z0-9_ ]{0,16}", word) and not re.search(r"\d{4}", word) for word in words)


def _is_number(text: str) -> bool:
    """Numbers are written as text in two representations, and a writer may put anything there."""
    return not text or re.fullmatch(r"[-+0-9.eE ]+", text) is not None


def _items(element: DataElement, one: Pass, path: str, *, in_operator: bool) -> None:
    for n, item in enumerate(element.value or ()):
        _walk(item, one, f"{path}{_label(int(element.tag))}[{n}].", in_operator=in_operator)


def _operator(element: DataElement, one: Pass, path: str) -> None:
    """An operator's report keeps that there was one, under a stand-in."""
    tag = int(element.tag)
    if tag == 0x00401101:
        _items(element, one, path, in_operator=True)
    elif tag == 0x00080100:
        _replace(element, one.key.name_of(str(element.value)), "pseudonym", one, path)
    else:
        constant = {0x00080102: "99XRAYBENCH", 0x00080104: "operator"}.get(tag, REMOVED_TEXT)
        _replace(element, constant, "constant", one, path)


def _uids(element: DataElement, one: Pass, path: str) -> None:
    new = _each(element.value, one.key.uid_of)
    if new != element.value:
        _replace(element, new, "uid", one, path)


def _private(dataset: Dataset, one: Pass, path: str) -> None:
    """Private blocks go; of our own, the words of the benchmark stay and the identifiers get stand-ins."""
    ours = _own_elements(dataset)
    for tag in [tag for tag in list(dataset.keys()) if tag.is_private]:
        name = ours.get(int(tag))
        element = dataset[tag]
        if name is None:
            _remove(dataset, element, one, path)
        elif name in (*dictionary.IDENTIFYING_ELEMENTS, "scan_id", "item_id"):
            _replace(element, _each(element.value, one.key.name_of), "pseudonym", one, path)
        elif name and not _is_of_the_benchmark(name, element):
            _remove(dataset, element, one, path)


def _own_elements(dataset: Dataset) -> dict[int, str]:
    """Tags of our block -> what they are; the tag of the creator itself -> nothing to do."""
    found: dict[int, str] = {}
    group = dictionary.PRIVATE_GROUP
    for block in range(0x10, 0x100):
        creator = (group << 16) | block
        if creator in dataset and str(dataset[creator].value).strip() == dictionary.PRIVATE_CREATOR:
            found[creator] = ""
            for element, (_, name) in dictionary.PRIVATE_ELEMENTS.items():
                found[(group << 16) | (block << 8) | element] = name
    return found


def _is_of_the_benchmark(name: str, element: DataElement) -> bool:
    """Numbers where numbers belong, and words of the benchmark: each of several."""
    if str(element.VR) == "FL":
        return True
    return str(element.VR) == "LO" and all(_is_benchmark_word(name, word) for word in _all(element.value) if word)


def _is_benchmark_word(name: str, value: str) -> bool:
    axes = {"vector": "vector", "threat": "threat", "concealment": "concealment"}
    if name in axes:
        return value in (*vocabulary.names(axes[name]), vocabulary.UNKNOWN, "benign")
    if name == "split":
        return value in vocabulary.SPLITS
    return bool(re.fullmatch(r"[a-z0-9_.\-]{1,64}", value))  # task, corpus, model, targets, status: ids of ours


def _times(dataset: Dataset, one: Pass, path: str) -> None:
    """Move every date and time of this level; a date and its time of day go together."""
    dates = {tag: dataset[tag] for tag in list(dataset.keys()) if dataset[tag].VR == "DA" and not tag.is_private}
    times = {tag: dataset[tag] for tag in list(dataset.keys()) if dataset[tag].VR == "TM" and not tag.is_private}
    for tag in [tag for tag in list(dataset.keys()) if dataset[tag].VR == "DT" and not tag.is_private]:
        moved = _each(dataset[tag].value, lambda text: shifted_moment(text, one.shift) if text else "")
        _move(dataset, dataset[tag], moved, one, path)
    for tag, element in dates.items():
        pair = times.pop(_TIME_OF.get(int(tag), 0), None)  # type: ignore[call-overload]  # tags are integers
        moments = [
            shifted_date_time(date, time, one.shift)
            for date, time in zip(_all(element.value), _padded(pair, len(_all(element.value))), strict=True)
        ]
        _move(dataset, element, [m[0] if m else None for m in moments], one, path)
        if pair is not None:
            _move(dataset, pair, [m[1] if m else None for m in moments], one, path)
    for element in times.values():
        moments = [shifted_date_time("", time, one.shift) for time in _all(element.value)]
        _move(dataset, element, [m[1] if m else None for m in moments], one, path)


def _padded(pair: DataElement | None, n: int) -> list[str]:
    given = _all(pair.value) if pair is not None else []
    return (given + [""] * n)[:n]


def _move(dataset: Dataset, element: DataElement, moved: Any, one: Pass, path: str) -> None:
    values = moved if isinstance(moved, list) else [moved]
    if int(element.tag) in REMOVED or not (_is_known(int(element.tag)) or int(element.tag) in _KEPT_TIMES):
        _remove(dataset, element, one, path)
    elif any(value is None for value in values):
        _replace(element, "", "removed", one, path)  # it says no time, so it may say anything
    elif any(values):
        _replace(element, values[0] if len(values) == 1 else values, "shifted", one, path)


def _country(place: str) -> str:
    """The country of a UN/LOCODE (its first two letters); a shorter code is an airport's, whose country no rule gives."""
    place = place.strip().upper()
    return place[:2] if re.fullmatch(r"[A-Z]{2}[A-Z2-9]{3}", place) else ""


def _all(value: Any) -> list[str]:
    if value is None:
        return []
    return [str(one) for one in value] if isinstance(value, list | tuple) or hasattr(value, "append") else [str(value)]


def _each(value: Any, change: Any) -> Any:
    changed = [change(text) for text in _all(value)]
    return changed[0] if len(changed) == 1 else changed


def _replace(element: DataElement, value: Any, action: str, one: Pass, path: str) -> None:
    if element.value != value:
        element.value = value
    one.changes.append(Change(path + _label(int(element.tag)), element.name, action))


def _remove(dataset: Dataset, element: DataElement, one: Pass, path: str) -> None:
    name = "private" if element.tag.is_private else element.name
    one.changes.append(Change(path + _label(int(element.tag)), name, "removed"))
    del dataset[element.tag]


def _set(dataset: Dataset, one: Pass, tag: int, vr: str, value: Any) -> None:
    dataset.add_new(tag, vr, value)
    one.changes.append(Change(_label(tag), dataset[tag].name, "set"))


def _label(tag: int) -> str:
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


def _named() -> tuple[set[int], dict[int, tuple[str, ...]]]:
    """Every tag of the module tables, and the words it may hold."""
    found: set[int] = set()
    terms: dict[int, tuple[str, ...]] = {}
    queue = [attribute for table in (tables.DX, tables.CT, tables.TDR) for attribute in table]
    while queue:
        attribute = queue.pop()
        found.add(attribute.tag)
        if attribute.terms:
            terms[attribute.tag] = (*terms.get(attribute.tag, ()), *attribute.terms)
        queue += attribute.items
    return found, terms


_NAMED, _TERMS = _named()
# Which time of day belongs to which date.
_TIME_OF = {
    0x00080012: 0x00080013, 0x00080020: 0x00080030, 0x00080021: 0x00080031, 0x00080022: 0x00080032, 0x00080023: 0x00080033,
    0x00181200: 0x00181201, 0x0018700C: 0x0018700E,
}  # fmt: skip
_KEPT_TIMES = {*_TIME_OF, *_TIME_OF.values(), 0x0008002A, 0x4010102B, 0x40101080, 0x40101081, 0x40101025, 0x40101026}
