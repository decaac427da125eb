"""How well a score separates items with a threat from benign ones: thresholds, pd, pfa, and curves.

An item alarms when its score is at or above the threshold. The threshold is set on benign calibration items and carried
unchanged to the test items, so pd here is what an officer would have seen, not a point picked on the test curve.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logit, ndtri

from xraybench.core.errors import BadValue
from xraybench.core.types import BoolArray, FloatArray
from xraybench.metrics import _checks
from xraybench.metrics.intervals import (
    Interval,
    clopper_pearson_lower,
    clopper_pearson_upper,
    clustered_wilson,
    undefined,
    wilson,
)
from xraybench.metrics.resampling import MAX_PFA, percentile_ends

__all__ = [
    "MAX_PFA",
    "MIN_THREATS",
    "DeLong",
    "Interval",
    "RocBand",
    "RocCurve",
    "alarms",
    "auroc",
    "auroc_interval",
    "average_precision",
    "clopper_pearson_lower",
    "clopper_pearson_upper",
    "clustered_wilson",
    "delong",
    "partial_auc",
    "pd",
    "pfa",
    "roc_band",
    "roc_curve",
    "threshold_at_pfa",
    "wilson",
]

MIN_THREATS = 29  # with no miss among 29, pd >= 0.90 holds at 95 %; with 28 it does not. Below: "too few"


@dataclass(frozen=True, slots=True)
class DeLong:
    """AUROC of several vendors on the same items, with the covariance that their shared items give them."""

    values: FloatArray  # (n_vendors,)
    covariance: FloatArray  # (n_vendors, n_vendors); NaN with fewer than two items of a kind


@dataclass(frozen=True, slots=True)
class RocCurve:
    """All points of a ROC curve, from no alarm to all alarms."""

    pfa: FloatArray  # (n_points,), rising from 0 to 1
    pd: FloatArray  # (n_points,), rising from 0 to 1
    threshold: FloatArray  # (n_points,), falling from infinity


@dataclass(frozen=True, slots=True)
class RocBand:
    """pd over a grid of pfa with a pointwise band: at each pfa alone, not for the whole curve at once."""

    pfa: FloatArray  # (n_points,)
    pd: FloatArray  # (n_points,)
    low: FloatArray  # (n_points,)
    high: FloatArray  # (n_points,)


def threshold_at_pfa(benign_scores: ArrayLike, pfa: float) -> float:
    """The smallest threshold at which at most the share `pfa` of these benign items alarms.

    A tied score that would raise too many alarms is left out whole: the threshold then stands one float above it.
    With so few items that not one may alarm, it stands one float above the highest score.

    Args:
        benign_scores: Scores of benign calibration items, shape (n,). None gives NaN.
        pfa: Wanted share of benign items that alarm, in [0, 1).

    Returns:
        The threshold, to be used as float64 and never rounded.
    """
    scores = _checks.vector(benign_scores, "benign_scores")
    if not 0.0 <= pfa < 1.0:
        raise BadValue(f"pfa: {pfa:g} is not in [0, 1). At 1 every item alarms and nothing is measured.")
    if not len(scores):
        return math.nan
    allowed = math.floor(pfa * len(scores) + 1e-9)  # in floats, 0.29 * 100 is a hair below 29
    silent = np.partition(scores, len(scores) - 1 - allowed)[len(scores) - 1 - allowed]
    return float(np.nextafter(silent, np.inf))


def alarms(scores: ArrayLike, threshold: float) -> BoolArray:
    """Which items alarm, shape (n,). Without a threshold (NaN) none does; `pd` and `pfa` are then undefined, not 0."""
    return np.asarray(_checks.vector(scores, "scores") >= threshold)


def pd(threat_scores: ArrayLike, threshold: float) -> float:
    """Items with a threat that alarm / items with a threat. NaN without such items or without a threshold."""
    return _share_alarming(threat_scores, threshold)


def pfa(benign_scores: ArrayLike, threshold: float) -> float:
    """Benign items that alarm / benign items. NaN without such items or without a threshold."""
    return _share_alarming(benign_scores, threshold)


def _share_alarming(scores: ArrayLike, threshold: float) -> float:
    array = _checks.vector(scores, "scores")
    if math.isnan(threshold) or not len(array):
        return math.nan
    return float(np.mean(array >= threshold))


def auroc(threat_scores: ArrayLike, benign_scores: ArrayLike) -> float:
    """Chance that a threat item scores above a benign one, ties counted half. NaN where either is missing.

    Source:
        Mann-Whitney statistic by mid-ranks: Hanley & McNeil 1982, Radiology 143:29.
    """
    threat = _checks.vector(threat_scores, "threat_scores")
    benign = _checks.vector(benign_scores, "benign_scores")
    if not len(threat) or not len(benign):
        return math.nan
    ordered = np.sort(benign)
    below_twice = np.searchsorted(ordered, threat, side="left") + np.searchsorted(ordered, threat, side="right")
    return float(below_twice.sum() / (2 * len(threat) * len(benign)))


def delong(threat_scores: ArrayLike, benign_scores: ArrayLike) -> DeLong:
    """AUROC of all vendors and its covariance, in one pass over the sorted scores.

    Args:
        threat_scores: Scores of the items with a threat, one column a vendor, shape (n_threats, n_vendors).
        benign_scores: Scores of the benign items, same columns, shape (n_benign, n_vendors).

    Source:
        DeLong, DeLong & Clarke-Pearson 1988, Biometrics 44:837; mid-rank form of Sun & Xu 2014, IEEE SPL 21:1389.
    """
    threat = _checks.finite(threat_scores, "threat_scores")
    benign = _checks.finite(benign_scores, "benign_scores")
    if threat.ndim != 2 or benign.ndim != 2 or threat.shape[1] != benign.shape[1]:
        raise BadValue(f"DeLong needs one column a vendor on both sides, got shapes {threat.shape} and {benign.shape}.")
    (n_threats, n_vendors), n_benign = threat.shape, len(benign)
    if not n_threats or not n_benign:
        return DeLong(np.full(n_vendors, np.nan), np.full((n_vendors, n_vendors), np.nan))
    above = np.empty_like(threat)  # per threat item, the share of benign items that it beats
    beaten = np.empty_like(benign)  # per benign item, the share of threat items that beat it
    for vendor in range(n_vendors):
        above[:, vendor] = _share_beaten(threat[:, vendor], benign[:, vendor])
        beaten[:, vendor] = 1.0 - _share_beaten(benign[:, vendor], threat[:, vendor])
    return DeLong(above.mean(axis=0), _covariance_of_mean(above) + _covariance_of_mean(beaten))


def _share_beaten(scores: FloatArray, rivals: FloatArray) -> FloatArray:
    """For each score the share of rivals below it, ties counted half."""
    ordered = np.sort(rivals)
    twice = np.searchsorted(ordered, scores, side="left") + np.searchsorted(ordered, scores, side="right")
    return np.asarray(twice / (2.0 * len(rivals)))


def _covariance_of_mean(columns: FloatArray) -> FloatArray:
    n_rows, n_columns = columns.shape
    if n_rows < 2:
        return np.full((n_columns, n_columns), np.nan)
    centred = columns - columns.mean(axis=0)
    return np.asarray(centred.T @ centred / (n_rows - 1) / n_rows)


def auroc_interval(threat_scores: ArrayLike, benign_scores: ArrayLike, *, level: float = 0.95) -> Interval:
    """DeLong interval of one AUROC on the logit scale, so that it stays inside (0, 1). Items must be independent.

    When the scores separate perfectly, neither DeLong nor a bootstrap sees any spread. Then the smaller side is paired
    off with items of the other: k independent pairs, all in order, whose Clopper-Pearson bound is conservative.

    Source:
        Logit scale: Pepe 2003, The Statistical Evaluation of Medical Tests, section 5.2.4.
    """
    _checks.level(level)
    threat = _checks.vector(threat_scores, "threat_scores")
    benign = _checks.vector(benign_scores, "benign_scores")
    n_pairs = min(len(threat), len(benign))
    if n_pairs < 2:
        return undefined("fewer than two threat or two benign items")
    fit = delong(threat[:, None], benign[:, None])
    value, variance = float(fit.values[0]), float(fit.covariance[0, 0])
    if value in (0.0, 1.0):
        bound = (0.5 - level / 2) ** (1 / n_pairs)
        low, high = (bound, 1.0) if value == 1.0 else (0.0, 1.0 - bound)
        return Interval(low, high, "Clopper-Pearson on disjoint pairs (scores separate perfectly)")
    if variance <= 0.0:
        return undefined("the scores show no spread")
    half = float(ndtri(0.5 + level / 2)) * math.sqrt(variance) / (value * (1 - value))
    return Interval(float(expit(logit(value) - half)), float(expit(logit(value) + half)), "DeLong, logit scale")


def average_precision(is_threat: ArrayLike, scores: ArrayLike) -> float:
    """Area under the precision-recall steps, tied scores taken as one step. NaN without threat or without benign items.

    It depends on the share of threats among the test items, so it compares vendors on one task, never tasks.

    Source:
        sum (R_n - R_{n-1}) P_n without interpolation, as scikit-learn's `average_precision_score`.
    """
    array = _checks.vector(scores, "scores")
    truth = _checks.truths(is_threat, len(array))
    threat, benign = np.sort(array[truth]), np.sort(array[~truth])
    if not len(threat) or not len(benign):
        return math.nan
    found = len(threat) - np.searchsorted(threat, threat, side="left")
    false = len(benign) - np.searchsorted(benign, threat, side="left")
    return float(np.mean(found / (found + false)))


def roc_curve(threat_scores: ArrayLike, benign_scores: ArrayLike) -> RocCurve:
    """Every operating point: no alarm, then one a distinct score. NaN shares for the kind of item that is missing."""
    threat = np.sort(_checks.vector(threat_scores, "threat_scores"))
    benign = np.sort(_checks.vector(benign_scores, "benign_scores"))
    threshold = np.concatenate([[np.inf], np.unique(np.concatenate([threat, benign]))[::-1]])
    return RocCurve(_share_at(benign, threshold), _share_at(threat, threshold), threshold)


def _share_at(ordered: FloatArray, thresholds: FloatArray) -> FloatArray:
    if not len(ordered):
        return np.full(len(thresholds), np.nan)
    return np.asarray(1.0 - np.searchsorted(ordered, thresholds, side="left") / len(ordered))


def partial_auc(threat_scores: ArrayLike, benign_scores: ArrayLike, *, max_pfa: float = MAX_PFA) -> float:
    """Area under the ROC curve up to `max_pfa`, rescaled: 0.5 is chance, 1 is perfect. NaN where either is missing.

    Source:
        McClish 1989, Medical Decision Making 9:190: 0.5 (1 + (A - x^2 / 2) / (x - x^2 / 2)).
    """
    if not 0.0 < max_pfa <= 1.0:
        raise BadValue(f"max_pfa: {max_pfa:g} is not in (0, 1].")
    curve = roc_curve(threat_scores, benign_scores)
    if np.isnan(curve.pd[-1]) or np.isnan(curve.pfa[-1]):
        return math.nan
    stop = int(np.searchsorted(curve.pfa, max_pfa, side="right"))
    at_end = np.interp(max_pfa, curve.pfa[stop - 1 : stop + 1], curve.pd[stop - 1 : stop + 1])
    area = np.trapezoid(np.append(curve.pd[:stop], at_end), np.append(curve.pfa[:stop], max_pfa))
    by_chance = max_pfa**2 / 2
    return float(0.5 * (1 + (area - by_chance) / (max_pfa - by_chance)))


def roc_band(
    weights: ArrayLike,
    scores: ArrayLike,
    is_threat: ArrayLike,
    *,
    pfa_grid: ArrayLike,
    level: float = 0.95,
) -> RocBand:
    """pd over a grid of pfa, with the pointwise percentile band of the resampled curves.

    At each pfa the threshold follows the rule of `threshold_at_pfa` on the benign items at hand, of the sample for the
    curve and of each resample for the band; so the band holds the chance in the threshold too. All NaN where either
    kind of item is missing.

    Args:
        weights: How often each replicate draws each item, from `resampling.cluster_weights`, shape (n_replicates, n).
        scores: Shape (n,).
        is_threat: Shape (n,).
        pfa_grid: Values of pfa in [0, 1), shape (n_points,).
        level: Confidence level of each point.
    """
    _checks.level(level)
    grid = _checks.vector(pfa_grid, "pfa_grid")
    if len(grid) and not 0.0 <= grid.min() <= grid.max() < 1.0:
        raise BadValue(f"pfa_grid: {grid.min():g} to {grid.max():g} is not in [0, 1).")
    array = _checks.vector(scores, "scores")
    truth = _checks.truths(is_threat, len(array))
    if not truth.any() or truth.all():
        return RocBand(grid, *(np.full(len(grid), np.nan) for _ in range(3)))
    drawn = np.asarray(weights, dtype=np.float64)
    low, high = percentile_ends(_pd_at(drawn, array, truth, grid), level=level)
    return RocBand(grid, _pd_at(np.ones((1, len(array))), array, truth, grid)[0], low, high)


def _pd_at(weights: FloatArray, scores: FloatArray, is_threat: BoolArray, grid: FloatArray) -> FloatArray:
    """pd at each pfa of the grid in each replicate, shape (n_replicates, n_points); NaN where a replicate has none."""
    threat_order = np.argsort(-scores[is_threat], kind="stable")
    benign_order = np.argsort(-scores[~is_threat], kind="stable")
    threat, benign = scores[is_threat][threat_order], scores[~is_threat][benign_order]
    found = _prefix_sums(weights[:, is_threat][:, threat_order])
    false = np.cumsum(weights[:, ~is_threat][:, benign_order], axis=1)
    n_above = np.searchsorted(-threat, -benign, side="left")  # threat items that score above each benign one
    pd_at = np.full((len(weights), len(grid)), np.nan)
    for row, (found_row, false_row) in enumerate(zip(found, false, strict=True)):
        if found_row[-1] > 0 and false_row[-1] > 0:
            allowed = np.floor(grid * false_row[-1] + 1e-9)
            first_silent = np.searchsorted(false_row, allowed, side="right")  # the benign item that must not alarm
            pd_at[row] = found_row[n_above[first_silent]] / found_row[-1]
    return pd_at


def _prefix_sums(weights: FloatArray) -> FloatArray:
    """Sums over the first 0, 1, ... columns, shape (n_rows, n_columns + 1)."""
    sums = np.zeros((weights.shape[0], weights.shape[1] + 1))
    np.cumsum(weights, axis=1, out=sums[:, 1:])
    return sums
