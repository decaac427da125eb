"""Which images of a dataset are copies of others, or look like it: same bytes, same pixels, or nearly the same picture.

The search among pictures takes seconds where there are many, so its pairs are kept beside the notes of `looks`, by the
digests of the bytes: later, only new pictures are compared with all others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from xraybench.core import tables
from xraybench.core.tables import Column, Table
from xraybench.core.types import IntArray
from xraybench.data import duplicates, looks

_MOST_TOLD = 5
_PAIRS_FILE, _SEEN_FILE = "pairs-1.notes", "compared-1.notes"
_FEW_NEW = 200  # so many new pictures are compared with all others; for more, all are searched

PAIRS = Table(
    "pairs",
    (
        Column("first", "text", "SHA-256 of the bytes"),
        Column("second", "text", "SHA-256 of the bytes"),
        Column("bits_apart", "int", "bits of 256 that differ", low=0, high=duplicates.N_BITS),
        Column("turn", "text", "how the second lies to the first", terms=duplicates.TURNS),
    ),
)
COMPARED = Table("compared", (Column("sha256", "text", "a file whose picture was compared with all others"),))


@dataclass(frozen=True, slots=True)
class Twins:
    """Two images that are, or seem to be, the same scan."""

    kind: Literal["exact", "pixels", "near"]
    first: str
    second: str
    first_split: str
    second_split: str
    first_class: str
    second_class: str
    bits_apart: int = 0
    turn: str = duplicates.TURNS[0]

    @property
    def is_across_splits(self) -> bool:
        return self.first_split != self.second_split


def told(twins: Sequence[Twins]) -> str:
    """The first few in words."""
    shown = "; ".join(_sentence(one) for one in twins[:_MOST_TOLD])
    return shown + (f"; and {len(twins) - _MOST_TOLD} more" if len(twins) > _MOST_TOLD else "")


def twins(facts: pd.DataFrame, seen: pd.DataFrame | None, folder: Path) -> list[Twins]:
    """Images that are copies of others, or look like it, but for those of one item that only look like it.

    Args:
        facts: What the tables say of the images, a table `manifest.FACTS`.
        seen: The images as they are now; without them, only the digests of the import are compared.
        folder: The dataset folder, in which the pairs are kept.
    """
    if seen is None:
        return _groups("exact", facts["digest"], facts)
    if "fingerprint" not in seen:
        return []  # simulated: each scene is made once
    found = _groups("exact", seen["sha256"], facts)
    contents = seen["sha256"].drop_duplicates()
    places = contents.index[(contents != "").to_numpy()].to_numpy()
    found += _groups("pixels", seen["pixels"].iloc[places], facts)
    known = {(one.first, one.second) for one in found}
    alike = _alike(folder, seen, places)
    place_of = dict(zip(contents.tolist(), contents.index.tolist(), strict=True)) if alike else {}
    told = _told(facts, {place_of[sha] for first, second, *_ in alike for sha in (first, second)})
    for first, second, apart, turn in alike:
        a, b = sorted((place_of[first], place_of[second]))
        one, other = told[a], told[b]
        if one[0] != other[0] and (one[1], other[1]) not in known:
            found.append(_twins("near", one, other, apart, turn))
    return found


def _groups(kind: Literal["exact", "pixels"], names: "pd.Series[str]", facts: pd.DataFrame) -> list[Twins]:
    """Each image that shares a name with an earlier one, paired with the first of them."""
    names = names[(names != "").to_numpy()]
    shared = names[names.duplicated(keep=False).to_numpy()]
    first: dict[str, int] = {}
    told = _told(facts, set(shared.index))
    found = []
    for place, name in zip(shared.index, shared.tolist(), strict=True):
        if (one := first.setdefault(name, place)) != place:
            found.append(_twins(kind, told[one], told[place]))
    return found


def _told(facts: pd.DataFrame, places: set[int]) -> dict[int, tuple[str, str, str, str]]:
    """Item, path, split and content of some images, by their place."""
    chosen = sorted(places)
    part = facts[["item_id", "path", "split", "content"]].iloc[chosen]
    return dict(zip(chosen, zip(*(part[name].tolist() for name in part.columns), strict=True), strict=True))


def _twins(
    kind: Literal["exact", "pixels", "near"],
    one: tuple[str, str, str, str],
    other: tuple[str, str, str, str],
    apart: int = 0,
    turn: str = duplicates.TURNS[0],
) -> Twins:
    (_, first, first_split, first_class), (_, second, second_split, second_class) = one, other
    return Twins(kind, first, second, first_split, second_split, first_class, second_class, apart, turn)


def _sentence(one: Twins) -> str:
    how = "" if one.turn == duplicates.TURNS[0] else f", {one.turn}"
    apart = f", {one.bits_apart} of {duplicates.N_BITS} bits apart" if one.kind == "near" else ""
    return f"{one.first} ({one.first_split}) and {one.second} ({one.second_split}{how}{apart})"


def _alike(folder: Path, seen: pd.DataFrame, places: IntArray) -> list[tuple[str, str, int, str]]:
    """Pairs of files whose pictures look alike, by SHA-256, among the first file of each content."""
    shas = seen["sha256"].iloc[places]
    compared = looks.read_notes(folder, _SEEN_FILE, COMPARED)
    found = looks.read_notes(folder, _PAIRS_FILE, PAIRS)
    found = found[found["turn"].isin(duplicates.TURNS)]
    before = set(compared["sha256"].tolist())
    new = np.array([sha not in before for sha in shas.tolist()], dtype=bool)
    if new.any():
        prints = seen["fingerprint"].iloc[places].tolist()
        if len(compared) and new.sum() <= _FEW_NEW:
            found = pd.concat([found, _named(duplicates.pairs(prints, new=new), shas.to_numpy())])
        else:
            found = _named(duplicates.pairs(prints), shas.to_numpy())
    found = found.drop_duplicates(["first", "second"])
    if len(found):
        here = set(shas.tolist())
        pairs = zip(found["first"].tolist(), found["second"].tolist(), strict=True)
        found = found[[first in here and second in here for first, second in pairs]]
    if new.any():
        looks.keep_notes(folder, _PAIRS_FILE, found)
        looks.keep_notes(folder, _SEEN_FILE, pd.DataFrame({"sha256": shas.reset_index(drop=True)}))
    return list(zip(*(found[name].tolist() for name in PAIRS.column_names), strict=True))


def _named(pairs: list[duplicates.Pair], shas: "np.ndarray[tuple[int, ...], np.dtype[np.object_]]") -> pd.DataFrame:
    rows = [(str(shas[p.first]), str(shas[p.second]), p.bits_apart, p.turn) for p in pairs]
    return pd.DataFrame(rows, columns=PAIRS.column_names) if rows else tables.empty(PAIRS)
