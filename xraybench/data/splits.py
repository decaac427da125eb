"""Which items train, which calibrate and which test: decided by content, the same on every machine."""

import math
from collections import defaultdict
from collections.abc import Mapping

from xraybench.core.errors import BadValue
from xraybench.core.vocabulary import SPLITS
from xraybench.data.plan import opaque_id

BENIGN = "benign"
SHARES = (0.5, 0.25, 0.25)  # train, calibration, test


def stratified(strata: Mapping[str, str], *, seed: int, shares: tuple[float, float, float] = SHARES) -> dict[str, str]:
    """A split for every item, each stratum divided alike.

    Calibration sets the alarm threshold on benign items and nothing else, so a stratum of threats gives its calibration
    share to test. A stratum too small to divide goes to test: a threat that is never trained on can still be measured.

    Args:
        strata: Item -> its stratum: a threat, or `benign`. Items are named by content (a digest), so a renamed file stays
            in its split.
        seed: Another seed shuffles anew.
        shares: Of train, calibration and test; they sum to 1.

    Raises:
        BadValue: The shares are no shares.
    """
    check_shares(shares)
    groups: dict[str, list[str]] = defaultdict(list)
    for item, stratum in strata.items():
        groups[stratum].append(item)
    found: dict[str, str] = {}
    for stratum, items in groups.items():
        train, calibration, _ = shares if stratum == BENIGN else (shares[0], 0.0, 0.0)
        ends = [_half_down(len(items) * train), _half_down(len(items) * (train + calibration)), len(items)]
        ordered = sorted(items, key=lambda item: opaque_id(seed, "split", item))
        found |= {item: SPLITS[sum(n >= end for end in ends)] for n, item in enumerate(ordered)}
    return found


def check_shares(shares: tuple[float, float, float]) -> None:
    """Raises:
    BadValue: Not three shares that sum to 1.
    """
    if len(shares) != 3 or any(not 0 <= share <= 1 for share in shares) or abs(sum(shares) - 1) > 1e-6:
        raise BadValue(
            f"shares {tuple(shares)}: give three numbers in [0, 1] that sum to 1 (train, calibration, test)."
        )


def _half_down(value: float) -> int:
    return math.ceil(value - 0.5 - 1e-9)
