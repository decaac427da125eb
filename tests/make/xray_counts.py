"""A dataset of items whose kinds are listed by hand, without pixels: what tests of counting start from."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from xraybench.core import tables
from xraybench.core.types import Dataset, ScanSet

Kind = tuple[str, str, str, str, str]  # split, threat, concealment, shape, declared


def hand_made(kinds: Sequence[Kind], *, vector: str, sensors: tuple[str, ...] = ("container_6mev",)) -> Dataset:
    """One item for each kind, scanned by every sensor; the box of a threat is the same everywhere."""
    items, scans, objects = [], [], []
    for number, (split, threat, concealment, shape, declared) in enumerate(kinds):
        item = f"i{number:05d}"
        items.append((item, split, "unknown", "simulated"))
        for sensor in sensors:
            scan = f"{sensor}-{number:05d}"
            scans.append((scan, item, f"{vector}-{sensor}", vector, sensor, 1, 64, 64, declared))
            if threat:
                box = (0, 10.0, 10.0, 30.0, 30.0, 400.0, 0.1)
                objects.append((scan, item, 0, threat, "", shape, concealment, *box))
    corpora = {f"{vector}-{sensor}": f"digest-{sensor}" for sensor in sensors}
    table = tables.check(pd.DataFrame(scans, columns=tables.SCANS.column_names), tables.SCANS, source="scans")
    table = table.sort_values("scan_id", ignore_index=True)
    found = pd.DataFrame(objects, columns=tables.OBJECTS.column_names)
    return Dataset(
        name="made by hand",
        view_sets={"raw": ScanSet(table, lambda scan_id: (np.zeros((64, 64, 2), np.uint16),), "raw", 60000.0, corpora)},
        items=pd.DataFrame(items, columns=tables.ITEMS.column_names),
        objects=tables.check(found, tables.OBJECTS, source="objects"),
        threats=tuple(dict.fromkeys(kind[1] for kind in kinds if kind[1])),
        is_simulated=True,
        licence="Apache-2.0",
        use_terms="none",
        profile="made_up",
        seed=0,
    )
