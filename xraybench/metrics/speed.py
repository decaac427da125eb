"""How long a model takes for one scan: quantiles of latency, with intervals that assume no distribution.

Latency is from the scan in memory to the score, one scan at a time, warm-up left out, in ms. Neighbouring scans are not
quite independent (a busy minute slows them all), so the intervals are a lower limit to the real uncertainty.
"""

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import bdtr

from xraybench.core.errors import BadValue
from xraybench.metrics import _checks
from xraybench.metrics.intervals import Interval, undefined


def latency_p50_ms(latency_ms: ArrayLike) -> float:
    """Median latency in ms. NaN without scans."""
    return latency_quantile_ms(latency_ms, 0.50)


def latency_p95_ms(latency_ms: ArrayLike) -> float:
    """Latency in ms that 95 % of scans do not exceed. NaN without scans."""
    return latency_quantile_ms(latency_ms, 0.95)


def latency_p99_ms(latency_ms: ArrayLike) -> float:
    """Latency in ms that 99 % of scans do not exceed. NaN without scans."""
    return latency_quantile_ms(latency_ms, 0.99)


def latency_quantile_ms(latency_ms: ArrayLike, share: float) -> float:
    """The smallest observed latency that at least this share of scans does not exceed. NaN without scans.

    Args:
        latency_ms: One a scan, shape (n_scans,).
        share: In (0, 1).
    """
    values = _latencies(latency_ms, share)
    return float(np.quantile(values, share, method="inverted_cdf")) if len(values) else math.nan


def quantile_interval(latency_ms: ArrayLike, share: float, *, level: float = 0.95) -> Interval:
    """Interval of a quantile between two observed values, with at least the stated coverage.

    A bootstrap of the median fails badly; this needs no more than independent scans. With few scans an end does not
    exist and is NaN: the upper end of the 95 % interval of p95 needs 72 scans, of p99 367.

    Args:
        latency_ms: One a scan, shape (n_scans,).
        share: Which quantile, in (0, 1).
        level: Confidence level; half of the rest is left on each side.

    Source:
        Order statistics: David & Nagaraja 2003, Order Statistics, section 7.1.
    """
    _checks.level(level)
    ordered = np.sort(_latencies(latency_ms, share))
    n_scans, tail = len(ordered), 0.5 - level / 2
    if n_scans == 0:
        return undefined("no scans")
    at_most = bdtr(np.arange(n_scans), n_scans, share)  # chance that at most 0, 1, ... n - 1 values lie below
    n_low = int(np.count_nonzero(at_most <= tail))  # the n_low-th value lies above it with this chance
    n_high = int(np.count_nonzero(at_most < 1 - tail)) + 1
    low = float(ordered[n_low - 1]) if n_low else math.nan
    high = float(ordered[n_high - 1]) if n_high <= n_scans else math.nan
    missing = " (too few scans for an end)" if math.isnan(low) or math.isnan(high) else ""
    return Interval(low, high, f"order statistics{missing}")


def _latencies(latency_ms: ArrayLike, share: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    if not 0.0 < share < 1.0:
        raise BadValue(f"share: {share:g} is not between 0 and 1; 0.95 is the latency 95 % of scans stay below.")
    values = _checks.vector(latency_ms, "latency_ms")
    if len(values) and values.min() < 0:
        raise BadValue(f"latency_ms: {values.min():g} is negative.")
    return values
