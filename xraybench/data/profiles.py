"""How many items a simulated corpus holds, and what counts as a small threat.

Counts are per vector: the same items are scanned by every sensor of the vector. A cell is one threat in one concealment;
every split that has threats has the same number in each cell, so no cell can be learnt or scored better by its count. A
control (shielding, an empty container that is not, a load that is not what was declared) is one cell of its own. Benign
items that are declared empty, and are, exist only where emptiness is verified.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from xraybench.core.registry import Registry
from xraybench.core.vocabulary import SIZES, UNKNOWN


@dataclass(frozen=True, slots=True)
class Profile:
    """Items in each split. Calibration holds benign items only: it sets the threshold, and nothing else is asked of it."""

    name: str
    train_per_cell: int
    train_benign: int
    calibration_benign: int
    test_per_cell: int
    test_benign: int
    train_per_control: int = 0
    test_per_control: int = 0
    train_empty: int = 0
    calibration_empty: int = 0
    test_empty: int = 0


PROFILES: Registry[Profile] = Registry("profile")

for _profile in (
    # seconds; 60 benign is the least that supports a pfa of 0.05, 30 of a control are the least that print a number
    Profile("smoke", 4, 64, 60, 2, 60, 8, 30, 24, 60, 60),
    # 30 a cell: with no miss among 29, pd >= 0.90 holds at 95 %; 60 a control, so that a proportion is known to 0.1
    Profile("quick", 150, 2400, 600, 30, 600, 120, 60, 120, 200, 200),
    Profile("full", 250, 4000, 1200, 60, 1200, 400, 240, 400, 600, 600),
):
    PROFILES.add(_profile.name, _profile)


def get(name: str | Profile) -> Profile:
    """The profile of this name; one of one's own is handed through.

    Raises:
        UnknownName: With the nearest name.
    """
    return name if isinstance(name, Profile) else PROFILES.get(name)


# Where the threats of a vector divide into three by size: terciles of the largest `view_share` of a scan over the first 40
# train items of each cell, seed 0, on the vector's first sensor, to two digits; CT slices cut things and have cuts of their
# own. Fixed since, so that small means the same in every release. benchmarks/data.py prints the terciles of today.
SIZE_CUTS = {
    "mail": (0.065, 0.12),
    "parcel": (0.042, 0.078),
    "baggage": (0.0077, 0.013),
    "baggage-baggage_ct": (0.0018, 0.0044),
    "pallet": (0.031, 0.061),
    "container": (0.0071, 0.017),
    "vehicle": (0.0038, 0.0089),
}
IMPORTED_CUTS = (0.06, 0.12)  # scans from outside, which are cropped to the item or not


def size_cuts(corpus: str) -> tuple[float, float]:
    """From which shares of the view on a threat of a corpus is medium, and large."""
    from xraybench import sensors

    vector, _, sensor = corpus.partition("-")
    if sensor not in sensors.names():
        return IMPORTED_CUTS
    return SIZE_CUTS.get(corpus) or SIZE_CUTS.get(vector, IMPORTED_CUTS)


def size_of(objects: pd.DataFrame, scans: pd.DataFrame) -> "pd.Series[str]":
    """Size class of each object: small, medium or large by its share of the view; unknown without a box or mask.

    Args:
        scans: The table of the scans that the objects are seen in; it says which corpus they belong to.
    """
    corpus = objects["scan_id"].map(scans.set_index("scan_id")["corpus"])
    cuts = {name: size_cuts(str(name)) for name in corpus.unique()}
    low, high = (corpus.map({name: pair[n] for name, pair in cuts.items()}).to_numpy(dtype=np.float64) for n in (0, 1))
    share = objects["view_share"].to_numpy(dtype=np.float64)
    names = np.array(SIZES, dtype=object)[(share >= low).astype(int) + (share >= high)]
    return pd.Series(np.where(np.isnan(share), UNKNOWN, names), index=objects.index, name="size", dtype="str")
