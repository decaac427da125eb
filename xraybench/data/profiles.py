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


# Terciles of `view_share` over the threats of mail and parcel together, profile quick, seed 0, rounded; fixed since, so
# that small means the same in every corpus and every release. benchmarks/data.py prints the terciles of today.
SIZE_CUTS = (0.06, 0.12)


def size_of(objects: pd.DataFrame) -> "pd.Series[str]":
    """Size class of each object: small, medium or large by its share of the view; unknown without a box or mask."""
    share = objects["view_share"].to_numpy(dtype=np.float64)
    names = np.array(SIZES, dtype=object)[np.digitize(np.nan_to_num(share), SIZE_CUTS)]
    return pd.Series(np.where(np.isnan(share), UNKNOWN, names), index=objects.index, name="size", dtype="str")
