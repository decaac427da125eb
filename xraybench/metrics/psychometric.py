"""The psychometric curve: how pd rises with an index of how visible the threat is, and where it falls below a mark.

One logistic curve over all threats, by plain maximum likelihood. It is undefined, and says why, where the data do not fix
it: no miss, no hit, an index that does not vary, or one that separates hits from misses without overlap. A penalty would
give numbers there too, and they would be the penalty's.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logit

from xraybench.core.errors import BadValue
from xraybench.core.types import FloatArray
from xraybench.metrics import _checks
from xraybench.metrics.intervals import Interval, undefined
from xraybench.metrics.resampling import cluster_weights, percentile_ends
from xraybench.metrics.screening import MIN_THREATS

_MOST_STEPS = 60
_STEEPEST = 60.0  # logits over one deviation of the index: beyond, hits and misses are all but separated
_MAX_UNDEFINED = 0.05  # share of replicates that may be separated and are left out
_METHOD = "percentile of the cluster bootstrap over items, refitted"


@dataclass(frozen=True, eq=False)
class Psychometric:
    """A fitted curve pd(index) = 1 / (1 + exp(-(intercept + slope x))), x the index or its logarithm to base 10.

    Attributes:
        reason: Why the fit is undefined; "" where it is not. Then the numbers are NaN.
        slope_interval, intercept_interval: Over items.
        replicates: Intercept and slope of each bootstrap sample, shape (n_replicates, 2), NaN where it was separated.
    """

    n_threats: int
    n_missed: int
    is_log: bool
    intercept: float
    slope: float
    intercept_interval: Interval
    slope_interval: Interval
    replicates: FloatArray
    reason: str = ""

    def pd_at(self, index: ArrayLike) -> FloatArray:
        """The curve at some values of the index, shape as given."""
        return np.asarray(expit(self.intercept + self.slope * self._scaled(index)))

    def band(self, index: ArrayLike, *, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
        """Lower and upper end of pd at some values of the index, each on its own, shape (n,)."""
        _checks.level(level)
        x = np.atleast_1d(self._scaled(index))
        if self.reason:
            return np.full(x.shape, np.nan), np.full(x.shape, np.nan)
        return percentile_ends(expit(self.replicates[:, :1] + self.replicates[:, 1:] * x[None, :]), level=level)

    def index_at(self, pd: float, *, level: float = 0.95) -> tuple[float, Interval]:
        """The index at which the curve passes a pd, with its interval.

        Undefined where the interval of the slope holds 0: a flat curve passes no mark.
        """
        _checks.level(level)
        if not 0.0 < pd < 1.0:
            raise BadValue(f"pd: {pd:g} is not between 0 and 1; 0.5 or 0.9 is usual.")
        if self.reason:
            return math.nan, undefined(self.reason)
        low, high = self.slope_interval.low, self.slope_interval.high
        if not (low > 0.0 or high < 0.0):
            return math.nan, undefined("pd does not change with this index: the interval of the slope holds 0")
        mark = float(logit(pd))
        usable = self.replicates[np.sign(self.replicates[:, 1]) == np.sign(self.slope)]
        ends = percentile_ends(((mark - usable[:, :1]) / usable[:, 1:]), level=level)
        back = (mark - self.intercept) / self.slope
        return self._unscaled(back), Interval(
            self._unscaled(float(ends[0][0])), self._unscaled(float(ends[1][0])), _METHOD
        )

    def _scaled(self, index: ArrayLike) -> FloatArray:
        values = np.asarray(index, dtype=np.float64)
        return np.asarray(np.log10(np.maximum(values, 1e-300)) if self.is_log else values)

    def _unscaled(self, x: float) -> float:
        return float(10.0 ** min(x, 300.0)) if self.is_log else x


def psychometric(
    index: ArrayLike,
    alarms: ArrayLike,
    item_ids: ArrayLike | None = None,
    *,
    is_log: bool = False,
    n_replicates: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Psychometric:
    """The logistic curve of pd over an index of visibility, over threats alone.

    Args:
        index: One value a threat scan, shape (n,). Threats without one are left out by the caller and counted there.
        alarms: Whether it alarmed, shape (n,).
        item_ids: The item of each, for the resampling; each its own by default.
        is_log: Fit over the logarithm of the index, which must then be above 0: for indices that span decades, as d_q.

    Raises:
        BadValue: Shapes differ, a value is not finite, or not above 0 with `is_log`.

    Source:
        Logistic regression by Newton's method; separation as Albert and Anderson 1984, Biometrika 71:1. Bootstrap over
        items as in `resampling`.
    """
    _checks.level(level)
    values = _checks.vector(index, "index")
    hits = _checks.shares(alarms, "alarms")
    if not np.isin(hits, (0.0, 1.0)).all():
        raise BadValue("alarms: a threat alarms (1) or does not (0); a score is compared with the threshold before.")
    items = np.arange(len(values)) if item_ids is None else np.asarray(item_ids)
    if not len(values) == len(hits) == len(items):
        raise BadValue(
            f"{len(values)} index values, {len(hits)} alarms, {len(items)} items: one of each a threat is right."
        )
    if is_log and len(values) and values.min() <= 0.0:
        raise BadValue(f"index: {values.min():g} has no logarithm; leave such threats out or set is_log=False.")
    x = np.log10(values) if is_log else values
    n_missed = int(len(hits) - hits.sum())
    if reason := _why_undefined(x, hits):
        return _none(len(hits), n_missed, is_log, reason)
    middle, spread = float(x.mean()), float(x.std())
    scaled = (x - middle) / spread
    point = _fits(np.ones((1, len(hits))), scaled, hits)[0]
    if np.isnan(point).any():
        return _none(len(hits), n_missed, is_log, "hits and misses are all but separated by the index")
    drawn = cluster_weights(items, np.zeros(len(items)), n_replicates=n_replicates, seed=seed).astype(np.float64)
    replicates = _unscaled_fits(_fits(drawn, scaled, hits), middle, spread)
    intercept, slope = _unscaled_fits(point[None], middle, spread)[0]
    n_lost = int(np.isnan(replicates[:, 0]).sum())
    if n_lost > _MAX_UNDEFINED * n_replicates:
        lost = undefined(f"{n_lost} of {n_replicates} replicates are separated (too few misses or hits)")
        return Psychometric(
            len(hits), n_missed, is_log, float(intercept), float(slope), lost, lost, np.full((1, 2), np.nan)
        )
    low, high = percentile_ends(replicates, level=level)
    return Psychometric(
        len(hits),
        n_missed,
        is_log,
        float(intercept),
        float(slope),
        Interval(float(low[0]), float(high[0]), _METHOD),
        Interval(float(low[1]), float(high[1]), _METHOD),
        replicates,
    )


def binned(index: ArrayLike, alarms: ArrayLike, *, n_bins: int = 8) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Plain pd in bins of equally many threats, to lay under the curve.

    Returns:
        Median index, alarms and threats of each bin, each of shape (n_bins,); fewer bins where there are fewer threats.
    """
    values, hits = _checks.vector(index, "index"), _checks.shares(alarms, "alarms")
    order = np.argsort(values, kind="stable")
    parts = [part for part in np.array_split(order, n_bins) if len(part)]
    return (
        np.array([float(np.median(values[part])) for part in parts]),
        np.array([float(hits[part].sum()) for part in parts]),
        np.array([float(len(part)) for part in parts]),
    )


def _why_undefined(x: FloatArray, hits: FloatArray) -> str:
    n, n_hits = len(hits), int(hits.sum())
    if n < MIN_THREATS:
        return f"too few threats: {n} of at least {MIN_THREATS}"
    if n_hits == n:
        return f"no miss among {n} threats: where it starts to miss cannot be seen"
    if n_hits == 0:
        return f"no hit among {n} threats"
    if x.min() == x.max():
        return "the index does not vary"
    found, missed = x[hits > 0], x[hits == 0]
    if found.min() >= missed.max() or found.max() <= missed.min():
        return "the index separates hits from misses without overlap"
    return ""


def _none(n: int, n_missed: int, is_log: bool, reason: str) -> Psychometric:
    gone = undefined(reason)
    return Psychometric(n, n_missed, is_log, math.nan, math.nan, gone, gone, np.full((1, 2), np.nan), reason)


def _fits(weights: FloatArray, x: FloatArray, hits: FloatArray) -> FloatArray:
    """Intercept and slope of each weighting by damped Newton steps, shape (n_weightings, 2); NaN where separated."""
    found = np.zeros((len(weights), 2))
    open_rows = np.arange(len(weights))
    for _ in range(_MOST_STEPS):
        w = weights[open_rows]
        p = expit(found[open_rows, :1] + found[open_rows, 1:] * x[None, :])
        off, curve = w * (hits[None, :] - p), w * p * (1.0 - p)
        g0, g1 = off.sum(axis=1), off @ x
        h00, h01, h11 = curve.sum(axis=1), curve @ x, curve @ (x * x)
        determinant = h00 * h11 - h01 * h01
        safe = determinant > 1e-10 * np.maximum(h00 * h11, 1e-30)
        step = np.stack([h11 * g0 - h01 * g1, h00 * g1 - h01 * g0], axis=1) / np.where(safe, determinant, 1.0)[:, None]
        step = np.where(safe[:, None], np.clip(step, -4.0, 4.0), np.nan)
        found[open_rows] += step
        settled = np.abs(step).max(axis=1) < 1e-10
        lost = ~safe | (np.abs(found[open_rows]).max(axis=1) > _STEEPEST)
        found[open_rows[lost]] = np.nan
        open_rows = open_rows[~settled & ~lost]
        if open_rows.size == 0:
            return found
    found[open_rows] = np.nan
    return found


def _unscaled_fits(fits: FloatArray, middle: float, spread: float) -> FloatArray:
    slope = fits[:, 1] / spread
    return np.stack([fits[:, 0] - slope * middle, slope], axis=1)
