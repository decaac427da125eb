"""Data sets built from the module tables: values by our names, defaults and empty attributes from the tables.

A builder cannot forget an attribute: what the tables require and nobody gave is a fault, and all faults are told at once.
"""

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from pydicom.dataset import Dataset

from xraybench.core.errors import BadValue
from xraybench.formats.dicos import tables
from xraybench.formats.dicos.check import issues_of
from xraybench.formats.dicos.tables import Attribute

_UID_ROOT = "2.25."  # a UUID as a number: needs no registration (DICOM PS3.5 B.2)
_DS_CHARACTERS = 16


def uid_of(*parts: str | int) -> str:
    """A valid UID that names these parts: equal parts give an equal one, and it says nothing about them."""
    name = "\x1f".join(map(str, parts)).encode()
    number = int.from_bytes(hashlib.sha256(name).digest()[:16], "big")
    number = number & ~(0xF << 76) | 0x8 << 76  # version and variant of a name-based UUID
    number = number & ~(0x3 << 62) | 0x2 << 62
    return _UID_ROOT + str(number)


def make_dataset(kind: str, values: Mapping[str, Any]) -> Dataset:
    """A data set of kind `dx`, `ct` or `tdr`.

    Args:
        kind: A name in `tables.OBJECTS`.
        values: Key of an attribute -> value; of a sequence, a list of such mappings. None leaves an optional one out.

    Raises:
        BadValue: Keys that the tables do not have, or values that the validator finds fault with: all at once.
    """
    faults: list[str] = []
    dataset = _filled(tables.OBJECTS[kind], values, "", faults)
    faults += [str(issue) for issue in issues_of(dataset)]
    if faults:
        raise BadValue(f"This is no sound DICOS object ({kind}):\n  " + "\n  ".join(faults))
    return dataset


def _filled(attributes: Sequence[Attribute], values: Mapping[str, Any], path: str, faults: list[str]) -> Dataset:
    dataset = Dataset()
    known = {attribute.key for attribute in attributes}
    faults += [f"{path}{key}: no attribute is called that" for key in values if key not in known]
    for attribute in attributes:
        value = values.get(attribute.key)
        value = attribute.default if value is None else value
        if attribute.vr == "SQ":
            if value is not None or attribute.type == "2":
                inner = f"{path}{attribute.key} > "
                given: Any = value or ()
                items = [_filled(attribute.items, item, inner, faults) for item in given]
                dataset.add_new(attribute.tag, "SQ", items)
        elif value is not None:
            dataset.add_new(attribute.tag, attribute.vr, _encoded(attribute, value))
        elif attribute.type == "2":
            dataset.add_new(attribute.tag, attribute.vr, b"" if attribute.vr == "OB" else "")
    return dataset


def _encoded(attribute: Attribute, value: Any) -> Any:
    if attribute.vr == "DS":
        many = isinstance(value, list | tuple)
        return [decimal(one) for one in value] if many else decimal(value)
    if attribute.vr in ("DA", "TM", "DT") and isinstance(value, dt.datetime):
        return {"DA": date_of, "TM": time_of, "DT": datetime_of}[attribute.vr](value)
    return list(value) if isinstance(value, tuple) else value


def decimal(value: Any) -> str:
    """A number as a decimal string of at most 16 characters, as exact as they allow."""
    for digits in range(17, 0, -1):
        text = f"{float(value):.{digits}g}"
        if len(text) <= _DS_CHARACTERS:
            return text
    raise BadValue(f"{value}: cannot be written in {_DS_CHARACTERS} characters.")


def date_of(moment: dt.datetime) -> str:
    """A date as DICOM writes it."""
    return moment.strftime("%Y%m%d")


def time_of(moment: dt.datetime) -> str:
    """A time of day as DICOM writes it."""
    return moment.strftime("%H%M%S.%f")


def datetime_of(moment: dt.datetime) -> str:
    """Date and time as DICOM writes them; a time zone is kept."""
    zone = moment.strftime("%z")
    return moment.strftime("%Y%m%d%H%M%S.%f") + (zone[:5] if zone else "")
