"""Which items a simulated corpus holds, from its recipe alone: ids, splits and what is hidden where.

An item is named by its place in the plan (split, threat, concealment, number), not by its place in a profile. So it has
the same id, the same scene and the same split in every profile of a seed: a model trained on `quick` has never seen a
test item of `full`. Ids are digests: neither they nor their order say what is inside.

Every second test item of a threat shows it in a shape that no train item has, so a board can tell what was learnt from
what was remembered.
"""

from dataclasses import asdict, dataclass
from hashlib import blake2b

from xraybench import tasks
from xraybench.core import digest
from xraybench.core.errors import UnknownName
from xraybench.core.registry import did_you_mean
from xraybench.core.vocabulary import ANY, CONTROLS, EMPTY, EMPTY_VERIFICATION, NONE, SHAPES, SPLITS
from xraybench.data.profiles import Profile

ID_BYTES = 8


@dataclass(frozen=True, slots=True)
class Cell:
    """One threat in one concealment, or one control however it is hidden; all empty for a benign item."""

    threat: str = NONE
    concealment: str = NONE
    declared: str = NONE  # what is said of every item of the cell; else each item's scene says it

    @property
    def is_control(self) -> bool:
        return self.threat in CONTROLS


@dataclass(frozen=True, slots=True)
class PlannedItem:
    """One item to be simulated."""

    item_id: str
    split: str
    cell: Cell
    shapes: str = SHAPES[0]  # which shape families its threat may come from


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that decides the items of a vector."""

    vector: str
    seed: int
    counts: Profile
    cells: tuple[Cell, ...]

    def items(self) -> list[PlannedItem]:
        """Every item, sorted by id."""
        planned = [
            PlannedItem(self._item_id(split, cell, number), split, cell, _shapes(split, cell, number))
            for split in SPLITS
            for cell in (*self.cells, Cell())
            for number in range(_n_items(self.counts, split, cell))
        ]
        return sorted(planned, key=lambda item: item.item_id)

    @property
    def n_items(self) -> int:
        """How many items there are."""
        return sum(_n_items(self.counts, split, cell) for split in SPLITS for cell in (*self.cells, Cell()))

    def scan_id(self, sensor: str, item_id: str) -> str:
        """Id of the scan of an item on a sensor: another one on every sensor."""
        return opaque_id(self.seed, "scan", corpus_id(self.vector, sensor), item_id)

    def record(self) -> dict[str, object]:
        """The recipe as JSON, without the profile's name: two profiles of one content are one."""
        counts = {key: value for key, value in asdict(self.counts).items() if key != "name"}
        cells = [[cell.threat, cell.concealment, cell.declared] for cell in self.cells]
        return {"vector": self.vector, "seed": self.seed, "counts": counts, "cells": cells}

    def _item_id(self, split: str, cell: Cell, number: int) -> str:
        told = (cell.threat, cell.concealment, *([cell.declared] if cell.declared else []))
        return opaque_id(self.seed, "item", self.vector, split, *told, number)


def _n_items(counts: Profile, split: str, cell: Cell) -> int:
    """How many items of a cell a split holds; calibration holds benign ones only."""
    if cell.is_control:
        return {"train": counts.train_per_control, "test": counts.test_per_control}.get(split, 0)
    if cell.threat:
        return {"train": counts.train_per_cell, "test": counts.test_per_cell}.get(split, 0)
    if cell.declared:
        return {"train": counts.train_empty, "calibration": counts.calibration_empty, "test": counts.test_empty}[split]
    return {"train": counts.train_benign, "calibration": counts.calibration_benign, "test": counts.test_benign}[split]


def _shapes(split: str, cell: Cell, number: int) -> str:
    """Half of the test items of each threat show it in a shape that no train item has."""
    return SHAPES[number % 2] if cell.threat and not cell.is_control and split == "test" else SHAPES[0]


def recipe(vector: str, profile: Profile, seed: int) -> Recipe:
    """The recipe of a vector's standard corpus: its cells are those of its tasks.

    Raises:
        UnknownName: No standard task is of this vector, so none says what to simulate.
    """
    if vector not in simulated_vectors():
        raise UnknownName(f"No corpus of '{vector}' can be simulated. {did_you_mean(vector, simulated_vectors())}")
    declared = tasks.select(vector=vector)
    cells = [Cell(t.threat, t.concealment) for t in declared if ANY not in (t.threat, t.concealment)]
    cells += [Cell(t.threat) for t in declared if t.threat in CONTROLS]
    if Cell(EMPTY_VERIFICATION) in cells:
        cells.append(Cell(declared=EMPTY))  # what it is told apart from
    return Recipe(vector, int(seed), profile, tuple(dict.fromkeys(cells)))


def threats_of(cells: tuple[Cell, ...]) -> tuple[str, ...]:
    """The threats and controls of a recipe, in the order of the tasks."""
    return tuple(dict.fromkeys(cell.threat for cell in cells if cell.threat))


def simulated_vectors() -> list[str]:
    """The vectors that have standard tasks."""
    return list(dict.fromkeys(task.vector for task in tasks.select()))


def corpus_id(vector: str, sensor: str) -> str:
    """Id of the corpus of one vector on one sensor."""
    return f"{vector}-{sensor}"


def opaque_id(*parts: str | int) -> str:
    """16 hexadecimal characters that name these parts and say nothing about them."""
    return blake2b(digest.canonical_json(list(parts)).encode(), digest_size=ID_BYTES).hexdigest()
