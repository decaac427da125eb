"""Which items a simulated corpus holds, from its recipe alone: ids, splits and what is hidden where.

An item is named by its place in the plan (split, threat, concealment, number), not by its place in a profile. So it has
the same id, the same scene and the same split in every profile of a seed: a model trained on `quick` has never seen a
test item of `full`. Ids are digests: neither they nor their order say what is inside.
"""

from dataclasses import asdict, dataclass
from hashlib import blake2b

from xraybench import tasks
from xraybench.core import digest
from xraybench.core.errors import UnknownName
from xraybench.core.registry import did_you_mean
from xraybench.core.vocabulary import ANY, NONE
from xraybench.data.profiles import Profile

ID_BYTES = 8


@dataclass(frozen=True, slots=True)
class Cell:
    """One threat in one concealment; both empty for a benign item."""

    threat: str = NONE
    concealment: str = NONE


@dataclass(frozen=True, slots=True)
class PlannedItem:
    """One item to be simulated."""

    item_id: str
    split: str
    cell: Cell


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that decides the items of a vector."""

    vector: str
    seed: int
    counts: Profile
    cells: tuple[Cell, ...]

    def items(self) -> list[PlannedItem]:
        """Every item, sorted by id."""
        counts = self.counts
        parts = (
            ("train", counts.train_per_cell, counts.train_benign),
            ("calibration", 0, counts.calibration_benign),
            ("test", counts.test_per_cell, counts.test_benign),
        )
        planned = [
            PlannedItem(self._item_id(split, cell, number), split, cell)
            for split, n_per_cell, n_benign in parts
            for cell in (*self.cells, Cell())
            for number in range(n_per_cell if cell.threat else n_benign)
        ]
        return sorted(planned, key=lambda item: item.item_id)

    def scan_id(self, sensor: str, item_id: str) -> str:
        """Id of the scan of an item on a sensor: another one on every sensor."""
        return opaque_id(self.seed, "scan", corpus_id(self.vector, sensor), item_id)

    def record(self) -> dict[str, object]:
        """The recipe as JSON, without the profile's name: two profiles of one content are one."""
        counts = {key: value for key, value in asdict(self.counts).items() if key != "name"}
        cells = [[cell.threat, cell.concealment] for cell in self.cells]
        return {"vector": self.vector, "seed": self.seed, "counts": counts, "cells": cells}

    def _item_id(self, split: str, cell: Cell, number: int) -> str:
        return opaque_id(self.seed, "item", self.vector, split, cell.threat, cell.concealment, number)


def recipe(vector: str, profile: Profile, seed: int) -> Recipe:
    """The recipe of a vector's standard corpus: its cells are those of its tasks.

    Raises:
        UnknownName: No standard task is of this vector, so none says what to simulate.
    """
    if vector not in simulated_vectors():
        raise UnknownName(f"No corpus of '{vector}' can be simulated. {did_you_mean(vector, simulated_vectors())}")
    declared = [t for t in tasks.select(vector=vector) if ANY not in (t.threat, t.concealment)]
    cells = tuple(dict.fromkeys(Cell(task.threat, task.concealment) for task in declared))
    return Recipe(vector, int(seed), profile, cells)


def threats_of(cells: tuple[Cell, ...]) -> tuple[str, ...]:
    """The threats of a recipe, in the order of the tasks."""
    return tuple(dict.fromkeys(cell.threat for cell in cells))


def simulated_vectors() -> list[str]:
    """The vectors that have standard tasks."""
    return list(dict.fromkeys(task.vector for task in tasks.select()))


def corpus_id(vector: str, sensor: str) -> str:
    """Id of the corpus of one vector on one sensor."""
    return f"{vector}-{sensor}"


def opaque_id(*parts: str | int) -> str:
    """16 hexadecimal characters that name these parts and say nothing about them."""
    return blake2b(digest.canonical_json(list(parts)).encode(), digest_size=ID_BYTES).hexdigest()
