"""What free text may say after de-identification, and the record of a change: shared by DICOS objects and sidecars."""

import re
from dataclasses import dataclass

from xraybench.core import vocabulary

# Words that describe a scan and nobody in it: text is kept when it holds no other.
_DESCRIBING = """a agent and any at back bag baggage beam bottom box cargo carrier centre dual energy end false first
    flag flat fluoroscopy for frame front full goods high hu image in inside intensity item keep left
    lin load log low machine mail middle none object of on one operational pallet parcel part
    presentation processing projection rail rear report right scan second series side single slot
    somewhere this threat top truth two under us vehicle view volume with x xray z"""
_OF_THE_VOCABULARY = {
    word for axis in ("vector", "threat", "concealment") for name in vocabulary.names(axis) for word in name.split("_")
}
# What scanners and their consoles say of a scan and of the work on it.
_STATES = """abort aborted absorption accepted alarm automatic clean clear cleared closed complete completed conform done
    empty error failed finished found full inspected inspection loaded manual negative new no none normal not ok open passed
    pending positive primary processed ready rejected released rescan search searched secondary started stopped success
    suspect suspected suspicious transmission unknown unspecified warning waiting yes"""
STATES = frozenset(_STATES.split())
WORDS = frozenset(_DESCRIBING.split()) | _OF_THE_VOCABULARY


@dataclass(frozen=True, slots=True)
class Change:
    """What was done to one attribute. The old value is never told."""

    where: str
    name: str
    action: str  # removed, pseudonym, constant, uid, shifted, cleaned, set


def is_clean(text: str) -> bool:
    """Whether a text holds only words that describe a scan: no name, no number of more than two digits."""
    words = re.findall(r"[^\W_]+", text.lower())
    return all(word in WORDS or (word.isdigit() and len(word) <= 2) for word in words)
