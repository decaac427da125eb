"""What a view teaches: which targets it shows, and where it says nothing about `any`."""

import math
from collections import defaultdict
from collections.abc import Sequence

from xraybench.core.types import Dataset
from xraybench.core.vocabulary import CONTROLS

NEITHER = math.nan  # a control is no threat and no benign item, so it teaches `any` nothing


def threats_in_views(dataset: Dataset) -> dict[tuple[str, int], set[str]]:
    """Threats and controls by scan and view. A CT slice that misses the threat does not show it."""
    held: dict[tuple[str, int], set[str]] = defaultdict(set)
    objects = dataset.objects
    objects = objects[objects["area_px"] != 0]  # no slice meets it
    for scan_id, view, threat in zip(objects["scan_id"], objects["view"], objects["threat"], strict=True):
        held[scan_id, int(view)].add(threat)
    return held


def labels_of(held: set[str], targets: Sequence[str], *, neither: float = NEITHER) -> list[float]:
    """1 or 0 for `any` and for each target; `neither` for `any` where a view shows a control and no threat."""
    threats = held.difference(CONTROLS)
    anything = float(bool(threats)) if threats or not held else neither
    return [anything, *(float(target in held) for target in targets)]
