"""Whether a score of 0.8 means eight threats in ten: Brier score, expected calibration error, reliability table.

Calibration is judged at the share of threats of the test items; on a belt with one threat in ten thousand the same
model is overconfident. Scores must be probabilities: a vendor whose scores are mere ranks is not judged by these.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from xraybench.core.errors import BadValue
from xraybench.core.types import FloatArray, IntArray
from xraybench.metrics import _checks
from xraybench.metrics.intervals import wilson

N_BINS = 15


@dataclass(frozen=True, slots=True)
class Reliability:
    """One row a bin that holds items, from the lowest scores to the highest; all of shape (n_rows,)."""

    n_items: IntArray
    mean_score: FloatArray
    share_threat: FloatArray
    low: FloatArray  # Wilson interval of share_threat
    high: FloatArray


def brier(is_threat: ArrayLike, scores: ArrayLike) -> float:
    """Mean squared distance of the score from the truth (0 or 1). NaN without items.

    Source:
        Brier 1950. 0 is perfect; always saying the share p of threats gives p (1 - p).
    """
    errors = squared_errors(is_threat, scores)
    return float(errors.mean()) if len(errors) else math.nan


def squared_errors(is_threat: ArrayLike, scores: ArrayLike) -> FloatArray:
    """Squared distance of each score from the truth, shape (n,): what the Brier score averages."""
    array = _checks.shares(scores, "scores")
    return np.asarray((array - _checks.truths(is_threat, len(array))) ** 2)


def ece(is_threat: ArrayLike, scores: ArrayLike, *, n_bins: int = N_BINS, bins: IntArray | None = None) -> float:
    """Expected calibration error: mean gap between score and share of threats, over equal-mass bins. NaN without items.

    A finite sample makes it larger than the truth even for a perfectly calibrated model, by about 0.8 sqrt(p (1 - p)
    n_bins / n), so compare models on the same items only.

    Args:
        is_threat: Shape (n,).
        scores: In [0, 1], shape (n,).
        n_bins: Number of bins.
        bins: Bin of each item where the bins are not to be made from these scores, shape (n,).

    Source:
        Equal-mass bins: Nixon et al. 2019, Measuring Calibration in Deep Learning; less biased than equal widths.
    """
    array = _checks.shares(scores, "scores")
    truth = _checks.truths(is_threat, len(array))
    if not len(array):
        return math.nan
    bins = equal_mass_bins(array, n_bins=n_bins) if bins is None else bins
    return float(np.abs(np.bincount(bins, weights=array - truth)).sum() / len(array))


def equal_mass_bins(scores: ArrayLike, *, n_bins: int = N_BINS) -> IntArray:
    """The bin of each item, 0 to n_bins - 1, shape (n,): as equal in size as ties allow, tied scores together."""
    if n_bins < 1:
        raise BadValue(f"n_bins: {n_bins} is below 1.")
    array = _checks.vector(scores, "scores")
    ordered = np.sort(array)
    twice_rank = np.searchsorted(ordered, array, side="left") + np.searchsorted(ordered, array, side="right")
    return np.asarray(twice_rank * n_bins // max(1, 2 * len(array)), dtype=np.int64)


def reliability(is_threat: ArrayLike, scores: ArrayLike, *, n_bins: int = N_BINS, level: float = 0.95) -> Reliability:
    """The table behind a reliability diagram, in equal-mass bins. No items give no rows."""
    array = _checks.shares(scores, "scores")
    truth = _checks.truths(is_threat, len(array))
    filled, row = np.unique(equal_mass_bins(array, n_bins=n_bins), return_inverse=True)
    n_items = np.bincount(row, minlength=len(filled))
    n_threats = np.bincount(row, weights=truth, minlength=len(filled))
    ends = [wilson(float(k), float(n), level=level) for k, n in zip(n_threats, n_items, strict=True)]
    return Reliability(
        n_items=n_items,
        mean_score=np.bincount(row, weights=array, minlength=len(filled)) / n_items,
        share_threat=n_threats / n_items,
        low=np.array([end.low for end in ends]),
        high=np.array([end.high for end in ends]),
    )
