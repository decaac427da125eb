"""Intervals of a proportion, and the record that every interval of the benchmark is told in.

Wilson stands in tables; Clopper-Pearson answers "does it meet x", because its coverage never falls below the level.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaincinv, ndtri, stdtrit

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


def wilson_at_drawn_threshold(
    values: ArrayLike, cluster_ids: ArrayLike, at_thresholds: ArrayLike, *, n_alarms: int, level: float = 0.95
) -> Interval:
    """Wilson interval of a share of alarms that also holds the chance in the threshold.

    The threshold was set on calibration items; others would have given another. The variance that this adds to the share is
    taken from thresholds drawn again, and the number of rows is divided by how much it widens the whole, as for clusters.
    That variance is itself told by the few items above the threshold: their gaps are like a sum of squares with 2 `n_alarms`
    degrees of freedom (Renyi's representation of order statistics), so it is raised by the square of Student's t over z.

    Args:
        values: Whether each row alarms at the threshold as set, 0 or 1, shape (n_rows,).
        cluster_ids: The item of each row, shape (n_rows,).
        at_thresholds: The share of the same rows that alarms at each threshold drawn again, shape (n_replicates,).
        n_alarms: Calibration items that alarm at the threshold as set.
        level: Confidence level.

    Source:
        Effective sample size as in `clustered_wilson`; law of total variance over threshold and items.
    """
    counted = _checks.shares(values, "values")
    moved = _checks.shares(at_thresholds, "at_thresholds")
    effect = design_effect(counted, cluster_ids)
    if math.isnan(effect):
        return wilson(0, 0, level=level)
    n, k = len(counted) / effect, float(counted.sum()) / effect
    shrunk = (k + 2.0) / (n + 4.0)  # a share of 0 or 1 has a variance too: Agresti and Coull 1998
    of_items = shrunk * (1.0 - shrunk) / n
    inflation = (float(stdtrit(max(2 * n_alarms, 1), 0.5 + level / 2)) / float(ndtri(0.5 + level / 2))) ** 2
    widening = 1.0 + (inflation * float(moved.var()) / of_items if len(moved) else 0.0)
    plain = wilson(k / widening, n / widening, level=level)
    is_clustered = len(np.unique(np.asarray(cluster_ids))) < len(counted)
    clustered = f", design effect {effect:.2f}" if is_clustered else ""
    return Interval(plain.low, plain.high, f"Wilson score{clustered}, with the chance of the threshold")


def ratio_interval(over: float, over_ends: Interval, under: float, under_ends: Interval) -> tuple[float, float]:
    """Ends of over / under, two independent shares with intervals of their own; infinite where `under` may be 0.

    Source:
        MOVER-R: Donner and Zou 2012, Statistical Methods in Medical Research 21:347, eq. 9.
    """
    product = over * under
    low_part = over_ends.low * (2 * over - over_ends.low)
    high_part = under_ends.low * (2 * under - under_ends.low)
    root = math.sqrt(max(0.0, product**2 - low_part * under_ends.high * (2 * under - under_ends.high)))
    low = low_part / (product + root) if product + root > 0 else 0.0
    if high_part <= 0:
        return low, math.inf
    root = math.sqrt(max(0.0, product**2 - over_ends.high * (2 * over - over_ends.high) * high_part))
    return low, (product + root) / high_part


def sum_interval(parts: Sequence[tuple[float, float, float]]) -> tuple[float, float]:
    """Ends of the sum of independent numbers, each told as (value, low, high).

    Source:
        MOVER: Zou and Donner 2008, Statistics in Medicine 27:1693.
    """
    value = math.fsum(part[0] for part in parts)
    below = math.sqrt(math.fsum((part[0] - part[1]) ** 2 for part in parts))
    above = math.sqrt(math.fsum((part[2] - part[0]) ** 2 for part in parts))
    return value - below, value + above


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
