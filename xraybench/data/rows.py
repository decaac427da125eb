"""The tables of an import: a row for each item, scan, object and file of what was opened.

Every row is built by the name of its columns, and only of the declared ones: a new column of `core/tables.py` is one line
here. Splits are those that the source has published, as far as it has, and else divided by content and seed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from xraybench.core import digest, tables, vocabulary
from xraybench.data import splits, store
from xraybench.data.journal import Seen
from xraybench.data.listing import Find, Listing, Picture, Settings
from xraybench.data.plan import corpus_id, opaque_id
from xraybench.data.splits import BENIGN


@dataclass(frozen=True, slots=True)
class Opened:
    """A scan that was read in full, its labels mapped and its boxes in pixels."""

    picture: Picture
    views: tuple[Seen, ...]
    finds: tuple[tuple[str, Find], ...]  # threat and find

    @property
    def digest(self) -> str:
        """Of what the scan shows: of its one view, or of all together."""
        found = [view.digest for view in self.views]
        return found[0] if len(found) == 1 else digest.of_json(found)

    @property
    def stratum(self) -> str:
        """The threat it is counted under: the first of the vocabulary where there are several."""
        known = vocabulary.names("threat")
        return min((threat for threat, _ in self.finds), key=known.index, default=BENIGN)

    @property
    def content(self) -> list[str]:
        """What it is said to show, for comparison with a copy of the same bytes."""
        return sorted({threat for threat, _ in self.finds})


def items_of(opened: list[Opened], item_ids: Mapping[str, str], listing: Listing, settings: Settings) -> pd.DataFrame:
    known = [*vocabulary.names("threat"), BENIGN]
    strata: dict[str, str] = {}
    published: dict[str, set[str]] = {}
    sources: dict[str, str] = {}
    for one in opened:  # an item of several scans counts under its first threat
        item_id = item_ids[one.picture.path]
        strata[item_id] = min(strata.get(item_id, BENIGN), one.stratum, key=known.index)
        sources.setdefault(item_id, one.picture.label_source or settings.label_source)
        if one.picture.split:
            published.setdefault(item_id, set()).add(one.picture.split)
    if published:
        split_of = published_splits(strata, published, settings, listing.notes)
    else:
        split_of = splits.stratified(strata, seed=settings.seed, shares=settings.shares)
    rows = [
        {"item_id": item_id, "split": split, "site": settings.site, "label_source": sources[item_id]}
        for item_id, split in sorted(split_of.items())
    ]
    return _table(rows, tables.ITEMS)


def published_splits(
    strata: Mapping[str, str], published: Mapping[str, set[str]], settings: Settings, notes: list[str]
) -> dict[str, str]:
    """Our splits where a set has published its own: its test stays its test, the rest is divided.

    Calibration needs benign items only: those of a published validation part, or else a share of the benign train items.
    Threats of a validation part train. An item that the set lists in test and elsewhere stays in test alone. Items that
    the set lists nowhere are divided like those of any import.
    """
    found: dict[str, str] = {}
    open_train: list[str] = []
    n_both = 0
    for item, told in published.items():
        if "test" in told:
            found[item] = "test"
            n_both += len(told) > 1
        elif "val" in told:
            found[item] = "calibration" if strata[item] == BENIGN else "train"
        else:
            found[item] = "train"
            if strata[item] == BENIGN:
                open_train.append(item)
    if "calibration" in found.values():
        notes.append("the benign items of the published validation part calibrate, its threats train")
    else:
        train, calibration, _ = settings.shares
        share = calibration / (train + calibration) if train + calibration else 0.0
        ordered = sorted(open_train, key=lambda item: opaque_id(settings.seed, "calibration", item))
        taken = ordered[: int(len(ordered) * share + 0.5)]
        found |= dict.fromkeys(taken, "calibration")
        notes.append(f"{len(taken)} benign items of the published train part calibrate: the set has no part for it")
    if n_both:
        notes.append(f"{n_both} items are published in test and in another part; they stand in test alone")
    rest = {item: stratum for item, stratum in strata.items() if item not in found}
    if rest:
        notes.append(f"{len(rest)} items are in no published part; they are split by the seed")
        found |= splits.stratified(rest, seed=settings.seed, shares=settings.shares)
    return found


def scans_of(
    opened: list[Opened], item_ids: Mapping[str, str], scan_ids: Mapping[str, str], settings: Settings
) -> pd.DataFrame:
    corpus = corpus_id(settings.vector, settings.sensor)
    rows = [
        {
            "scan_id": scan_ids[one.picture.path],
            "item_id": item_ids[one.picture.path],
            "corpus": corpus,
            "vector": settings.vector,
            "sensor": one.picture.sensor or settings.sensor,
            "n_views": len(one.views),
            "height": max(view.height for view in one.views),  # views of a pair may differ: no box lies beyond
            "width": max(view.width for view in one.views),
            "declared": one.picture.declared,
        }
        for one in opened
    ]
    return _table(sorted(rows, key=lambda row: str(row["scan_id"])), tables.SCANS)


def objects_of(
    opened: list[Opened], item_ids: Mapping[str, str], scan_ids: Mapping[str, str], settings: Settings
) -> pd.DataFrame:
    rows = []
    for one in opened:
        for number, (threat, find) in enumerate(one.finds):
            for view, box in find.boxes:
                seen = one.views[min(view, len(one.views) - 1)]
                area_px = np.nan if box is None else box.area_px
                rows.append(
                    {
                        "scan_id": scan_ids[one.picture.path],
                        "item_id": item_ids[one.picture.path],
                        "object_index": number,
                        "threat": threat,
                        "concealment": find.concealment or settings.concealment,
                        "view": view,
                        "x0": np.nan if box is None else box.x0,
                        "y0": np.nan if box is None else box.y0,
                        "x1": np.nan if box is None else box.x1,
                        "y1": np.nan if box is None else box.y1,
                        "area_px": area_px,
                        "view_share": area_px / (seen.height * seen.width),
                        "kind": find.kind,
                        "shape": vocabulary.UNKNOWN,
                    }
                )
    rows.sort(key=lambda row: (row["scan_id"], row["object_index"], row["view"]))
    return _table(rows, tables.OBJECTS)


def files_of(opened: list[Opened], scan_ids: Mapping[str, str], window: tuple[float, float]) -> pd.DataFrame:
    """Image files as they lie in the source; grey counts kept here are shown up to the open beam unless told otherwise."""
    low, high = window
    rows = []
    for one in opened:
        for view, seen in enumerate(one.views):
            is_windowed = seen.is_deep and not seen.stored.endswith(".npy")
            rows.append(
                {
                    "scan_id": scan_ids[one.picture.path],
                    "view": view,
                    "path": seen.stored or one.picture.paths[view],
                    "digest": seen.digest,
                    "low_count": low if is_windowed else np.nan,
                    "high_count": high if is_windowed else np.nan,
                }
            )
    rows.sort(key=lambda row: (row["scan_id"], row["view"]))
    return _table(rows, store.FILES)


def _table(rows: Sequence[Mapping[str, Any]], table: tables.Table) -> pd.DataFrame:
    """The rows as a checked table: of what is known, the columns that are declared."""
    if not rows:
        return tables.empty(table)
    columns = table.column_names
    frame = pd.DataFrame([{name: row[name] for name in columns if name in row} for row in rows])
    return tables.check(frame, table, source=table.name)
