"""The records that pass between rooms: scans without labels, datasets, predictions, results.

The task is declared in `core/task.py`.
Tables are pandas frames whose columns are declared in `core/tables.py`; records here are frozen.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xraybench.core import digest, tables
from xraybench.core.errors import BadValue, DigestMismatch

FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
UInt8Array = NDArray[np.uint8]
UInt16Array = NDArray[np.uint16]

# What the pixels of a view are. The track decides a model's preprocessing; raw and colour are ranked apart.
TRACKS = {
    "raw": ("hi", "lo"),  # uint16 detector counts, high and low energy channel, open beam near `Scans.full_scale`
    "colour": ("red", "green", "blue"),  # uint8 pseudo-colour as the scanner shows it
    "grey": ("grey",),  # uint8 one channel as the scanner shows it
    "slices": ("mu",),  # uint16 CT slices, linear attenuation, each slice a view
    "scatter": ("albedo",),  # uint16 counts of a backscatter scanner
}
BRIGHT = ("slices", "scatter")  # tracks in which air is dark and things are bright


@dataclass(frozen=True, slots=True)
class Scan:
    """One exposure of one item: facts of the acquisition only, no label.

    `views` holds arrays (height, width, channel), uint16 on the raw track and uint8 on the colour and grey tracks.
    """

    scan_id: str
    item_id: str
    track: str
    views: tuple[NDArray[np.generic], ...]


@dataclass(frozen=True)
class ScanSet:
    """Scans without labels: all that a model ever sees.

    `table` has the columns of `tables.SCANS`; ids and their order say nothing about what is inside. `read` returns the
    views of one scan on the set's own track. `full_scale` is the count of the open beam (raw) or 255.
    """

    table: pd.DataFrame
    read: Callable[[str], tuple[NDArray[np.generic], ...]]
    track: str
    full_scale: float
    corpora: dict[str, str]  # corpus id -> digest of that corpus

    @property
    def digest(self) -> str:
        """Digest of the corpora this set is drawn from."""
        return digest.of_json(self.corpora)

    @property
    def channels(self) -> tuple[str, ...]:
        return TRACKS[self.track]

    @property
    def scan_ids(self) -> list[str]:
        return list(self.table["scan_id"])

    def __len__(self) -> int:
        return len(self.table)

    def load(self, scan_id: str) -> Scan:
        """Read one scan from where it is stored."""
        item_id = self._item_of.get(scan_id)
        if item_id is None:
            raise BadValue(f"The scan set holds no scan '{scan_id}'.")
        return Scan(scan_id, item_id, self.track, self.read(scan_id))

    def __iter__(self) -> Iterator[Scan]:
        for scan_id, item_id in zip(self.table["scan_id"], self.table["item_id"], strict=True):
            yield Scan(scan_id, item_id, self.track, self.read(scan_id))

    @cached_property
    def _item_of(self) -> dict[str, str]:
        return dict(zip(self.table["scan_id"], self.table["item_id"], strict=True))

    def subset(self, scan_ids: set[str]) -> "ScanSet":
        """The same set with only these scans, in the old order."""
        return replace(self, table=self.table[self.table["scan_id"].isin(scan_ids)].reset_index(drop=True))


@dataclass(frozen=True)
class Dataset:
    """Scans with annotations, licence and use terms. Simulated or imported makes no difference downstream.

    `items` has the columns of `tables.ITEMS` (one row an inspected item), `objects` those of `tables.OBJECTS` (one
    row a threat and view that shows it). An item without a row in `objects` is benign. `view_sets` maps each track on
    which the scans can be read to its scan set; `scans` is the one on the dataset's native track. `difficulty` says how
    hard a threat is to see (columns of `simulate.difficulty.DIFFICULTY`), one row a threat and view where it was measured:
    the test items of simulated corpora that were rendered.
    """

    name: str
    view_sets: dict[str, ScanSet]
    items: pd.DataFrame
    objects: pd.DataFrame
    threats: tuple[str, ...]
    is_simulated: bool
    licence: str
    use_terms: str
    profile: str
    seed: int
    difficulty: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def scans(self) -> ScanSet:
        return next(iter(self.view_sets.values()))

    @property
    def corpora(self) -> dict[str, str]:
        """Digest of each corpus in this dataset, scans and labels and split."""
        return self.scans.corpora

    @property
    def digest(self) -> str:
        return self.scans.digest

    def track(self, track: str) -> ScanSet:
        """The scans as another track shows them."""
        if track not in self.view_sets:
            known = ", ".join(self.view_sets)
            raise BadValue(f"Dataset {self.name} has no track '{track}'. It has: {known}.")
        return self.view_sets[track]

    def part(self, *splits: str) -> "Dataset":
        """The items of these splits only; the corpora and their digests stay those of the whole."""
        return self.where(self.items["split"].isin(splits))

    def where(self, keep: "pd.Series[bool]") -> "Dataset":
        """The items for which `keep` holds (a boolean series along `items`)."""
        items = self.items[keep.to_numpy()].reset_index(drop=True)
        item_ids = set(items["item_id"])
        table = self.scans.table
        scan_ids = set(table["scan_id"][table["item_id"].isin(item_ids)])
        return replace(
            self,
            items=items,
            objects=self.objects[self.objects["scan_id"].isin(scan_ids)].reset_index(drop=True),
            view_sets={track: scans.subset(scan_ids) for track, scans in self.view_sets.items()},
            difficulty=_of_scans(self.difficulty, scan_ids),
        )


def _of_scans(difficulty: pd.DataFrame, scan_ids: set[str]) -> pd.DataFrame:
    if not len(difficulty):
        return difficulty
    return difficulty[difficulty["scan_id"].isin(scan_ids)].reset_index(drop=True)


@dataclass(frozen=True)
class Predictions:
    """What a model said about a scan set, whoever ran it: one table (`tables.PREDICTIONS`), one model.

    Rows are of three kinds: `scan` (one per scan: status and latency), `score` (one per scan and target) and `box`.
    A scan with a `scan` row and no boxes was looked at and nothing was found; one without a row was not looked at.
    """

    model: str
    table: pd.DataFrame

    @property
    def digest(self) -> str:
        """Digest of the rows, whatever file format they were kept in."""
        return tables.digest_of(self.table, tables.PREDICTIONS)

    def digest_of(self, corpora: list[str]) -> str:
        """Digest of the rows of these corpora: what the results on a task rest on."""
        return digest.of_json({corpus: self._digests.get(corpus, "") for corpus in corpora})

    @cached_property
    def _digests(self) -> dict[str, str]:
        rows = self.table.groupby("corpus", sort=True)
        return {str(corpus): tables.digest_of(part, tables.PREDICTIONS) for corpus, part in rows}

    @property
    def corpora(self) -> dict[str, str]:
        pairs = self.table[["corpus", "dataset_digest"]].drop_duplicates()
        if pairs["corpus"].duplicated().any():
            twice = sorted(set(pairs["corpus"][pairs["corpus"].duplicated()]))
            raise DigestMismatch(f"Predictions of {self.model} name two digests for corpus {', '.join(twice)}.")
        return dict(zip(pairs["corpus"], pairs["dataset_digest"], strict=True))

    def kind(self, record: str) -> pd.DataFrame:
        """The rows of one kind: `scan`, `score` or `box`."""
        return self.table[self.table["record"] == record].reset_index(drop=True)


class Model(Protocol):
    """Anything that looks at scans: a network of ours, a vendor's file, an ONNX graph."""

    @property
    def name(self) -> str: ...

    def predict(self, scans: ScanSet) -> Predictions:
        """Look at every scan, without labels. Never skips a scan silently: a failure is a status row."""
        ...


@dataclass(frozen=True, slots=True)
class Result:
    """One number, with all that is needed to defend or repeat it. Undefined is NaN with a `reason`."""

    task: str
    model: str
    metric: str
    at: float  # operating point (pfa) the metric is taken at; NaN where it has none
    slice_axis: str  # "" for the whole task
    slice_value: str
    value: float
    low: float
    high: float
    interval: str  # method of the interval
    n_items: int
    n_threats: int
    reason: str = ""  # why the value is undefined
