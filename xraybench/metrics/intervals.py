"""Intervals of a proportion, and the record that every interval of the benchmark is told in.

Wilson stands in tables; Clopper-Pearson answers "does it meet x", because its coverage never falls below the level.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaincinv, ndtri

from xraybench.core.errors import BadValue
from xraybench.core.types import FloatArray
from xraybench.metrics import _checks


@dataclass(frozen=True, slots=True)
class Interval:
    """Where a number lies, and how that was worked out. Undefined ends are NaN and `method` says why."""

    low: float
    high: float
    method: str


def undefined(why: str) -> Interval:
    """The interval of a number that has none."""
    return Interval(math.nan, math.nan, f"undefined: {why}")


def wilson(k: float, n: float, *, level: float = 0.95) -> Interval:
    """Two-sided Wilson score interval of k out of n.

    Args:
        k: Items that alarm. Not whole only where `n` is an effective number of items.
        n: Items. None gives an undefined interval.
        level: Confidence level.

    Source:
        Wilson 1927; recommended for tables by Brown, Cai & DasGupta 2001, Statistical Science 16:101.
    """
    _checks.level(level)
    _check_count(k, n)
    if n == 0:
        return undefined("no items")
    z = float(ndtri(0.5 + level / 2))
    share, shrink = k / n, 1 + z * z / n
    centre = (share + z * z / (2 * n)) / shrink
    half = z / shrink * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low = 0.0 if k == 0 else max(0.0, centre - half)  # exact ends: rounding would leave 1e-17 or 1 - 1e-16
    high = 1.0 if k == n else min(1.0, centre + half)
    return Interval(low, high, "Wilson score")


def clustered_wilson(values: ArrayLike, cluster_ids: ArrayLike, *, level: float = 0.95) -> Interval:
    """Wilson interval of a share whose rows come in clusters, such as one item seen by two sensors.

    The number of rows is divided by the design effect, the factor by which the clusters widen the variance.

    Args:
        values: One 0 or 1 a row, shape (n_rows,).
        cluster_ids: The cluster of each row, shape (n_rows,).
        level: Confidence level.

    Source:
        Effective sample size in Wilson's formula: Dean & Pagano 2015, J. Survey Statistics and Methodology 3:484.
    """
    counted = _checks.shares(values, "values")
    effect = design_effect(counted, cluster_ids)
    if math.isnan(effect):
        return wilson(float(counted.sum()), len(counted), level=level)
    plain = wilson(float(counted.sum()) / effect, len(counted) / effect, level=level)
    return Interval(plain.low, plain.high, f"Wilson score, design effect {effect:.2f}")


def design_effect(values: ArrayLike, cluster_ids: ArrayLike) -> float:
    """How many times wider the clusters make the variance of the mean; at least 1, NaN without rows.

    Where all values are equal the data cannot tell: the rows of a cluster are then taken to say the same thing, so
    that the effective number of rows is at most the number of clusters.

    Source:
        Kish 1965, Survey Sampling; variance of a ratio mean over clusters by linearisation.
    """
    counted = _checks.vector(values, "values")
    n_rows = len(counted)
    if n_rows == 0:
        return math.nan
    _, cluster = np.unique(np.asarray(cluster_ids), return_inverse=True)
    if cluster.shape != counted.shape:
        raise BadValue(f"cluster_ids: {cluster.size} for {n_rows} rows.")
    n_clusters = int(cluster.max()) + 1
    if n_clusters == n_rows:
        return 1.0
    residual: FloatArray = counted - counted.mean()
    plain = float(residual @ residual)
    if plain <= 0.0 or n_clusters == 1:
        return n_rows / n_clusters
    totals = np.bincount(cluster, weights=residual)
    small_sample = n_clusters / (n_clusters - 1)
    return max(1.0, small_sample * float(totals @ totals) / plain)


def clopper_pearson_lower(k: int, n: int, *, level: float = 0.95) -> float:
    """One-sided lower bound of k out of n: the share is at least this, at the level. NaN without items.

    Example:
        29 of 29 found: pd is at least 0.902 at 95 %.

    Source:
        Clopper & Pearson 1934.
    """
    _checks.level(level)
    _check_count(k, n)
    if n == 0:
        return math.nan
    return 0.0 if k == 0 else float(betaincinv(k, n - k + 1, 1 - level))


def clopper_pearson_upper(k: int, n: int, *, level: float = 0.95) -> float:
    """One-sided upper bound of k out of n: the share is at most this, at the level. NaN without items.

    Example:
        No false alarm among 59 benign items: pfa is at most 0.0495 at 95 %.
    """
    _checks.level(level)
    _check_count(k, n)
    if n == 0:
        return math.nan
    return 1.0 if k == n else float(betaincinv(k + 1, n - k, level))


def _check_count(k: float, n: float) -> None:
    if not 0 <= k <= n:
        raise BadValue(f"{k:g} of {n:g}: a count lies between 0 and the number of items.")
