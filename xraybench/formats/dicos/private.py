"""Our private block in a DICOS object: the words that the standard has no place for.

Concealment, vector, split, task and the scores of an item; the sea voyage, for which the itinerary of DICOS has no term.
The block is found by its creator `XRAYBENCH` in group 4011, so other readers pass over it (a toolkit warns and goes on).
"""

from collections.abc import Mapping
from typing import Any

from pydicom.dataset import Dataset

from xraybench.core.errors import BadValue
from xraybench.formats.dicos import dictionary as names

_ELEMENT_OF = {name: (element, vr) for element, (vr, name) in names.PRIVATE_ELEMENTS.items()}
_MOST_CHARACTERS = 64  # of a value of representation LO


def write_marks(dataset: Dataset, marks: Mapping[str, Any]) -> None:
    """Put marks into the object, at its top or into an item of a sequence. Empty ones are left out.

    Raises:
        BadValue: A mark that the block does not have, or a text over 64 characters or with a backslash.
    """
    faults = [f"'{name}' is no mark of the block" for name in marks if name not in _ELEMENT_OF]
    for name, value in marks.items():
        for text in value if isinstance(value, list | tuple) else [value]:
            if isinstance(text, str) and (len(text) > _MOST_CHARACTERS or "\\" in text):
                faults.append(f"{name}: '{text[:40]}' is longer than {_MOST_CHARACTERS} characters or has a backslash")
    if faults:
        raise BadValue("Marks of the private block: " + "; ".join(faults) + f". Known: {', '.join(_ELEMENT_OF)}.")
    told = {name: value for name, value in marks.items() if value not in ("", None, (), [])}
    if not told:
        return
    block = dataset.private_block(names.PRIVATE_GROUP, names.PRIVATE_CREATOR, create=True)
    for name, value in told.items():
        element, vr = _ELEMENT_OF[name]
        block.add_new(element, vr, list(value) if isinstance(value, list | tuple) else value)


def read_marks(dataset: Dataset) -> dict[str, Any]:
    """The marks of an object or item: text, number, or a list where there are several. Without our block: none."""
    try:
        block = dataset.private_block(names.PRIVATE_GROUP, names.PRIVATE_CREATOR)
    except KeyError:
        return {}
    found: dict[str, Any] = {}
    for element, (vr, name) in names.PRIVATE_ELEMENTS.items():
        if element not in block:
            continue
        try:
            value = block[element].value
        except Exception:  # a broken value is no mark
            continue
        if value is None or isinstance(value, bytes):
            continue
        many = hasattr(value, "__iter__") and not isinstance(value, str)
        found[name] = [_plain(one, vr) for one in value] if many else _plain(value, vr)
    return found


def _plain(value: Any, vr: str) -> Any:
    return float(value) if vr == "FL" else str(value)
