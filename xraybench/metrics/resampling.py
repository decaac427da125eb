"""The resampling engine: one matrix of draws, shared by all vendors, metrics and slices.

Items (clusters of rows) are drawn with replacement, threat and benign items apart, and a replicate is told as how often
it draws each row. A metric of a replicate is then a weighted metric, so thousands of replicates are a few array
operations. Because every vendor is weighed by the same matrix, differences between vendors are paired.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logit, ndtri

from xraybench.core.errors import BadValue
from xraybench.core.types import Float32Array, FloatArray
from xraybench.metrics import _checks
from xraybench.metrics.calibration import N_BINS, equal_mass_bins, squared_errors
from xraybench.metrics.intervals import Interval, undefined

MAX_PFA = 0.1  # partial AUC is told up to here: no lane works beyond it
_BLOCK = 256  # distinct scores at a time
MAX_UNDEFINED = 0.01  # share of replicates that may be undefined (a slice drew no item) and are left out

_METHODS = {
    "percentile": "percentile of the stratified cluster bootstrap over items",
    "logit": "stratified cluster bootstrap over items, normal on the logit scale",
    "logit_unbiased": "stratified cluster bootstrap over items, normal on the logit scale, less the bias it shows",
}


def cluster_weights(cluster_ids: ArrayLike, strata: ArrayLike, *, n_replicates: int = 1000, seed: int) -> Float32Array:
    """How often each replicate draws each row.

    Clusters are drawn with replacement within their stratum, as many as the stratum has. All rows of a cluster carry
    the same weight. A cluster's weights follow its id: they do not change when the rows are reordered.

    Args:
        cluster_ids: What is resampled: the item of each row (the site, where sites are the claim), shape (n_rows,).
        strata: What stays fixed in number: threat or benign, shape (n_rows,).
        n_replicates: Number of resamples.
        seed: From the task's digest, so that all vendors of a task share the matrix.

    Returns:
        Whole numbers, shape (n_replicates, n_rows). float32, because they go into matrix products; exact up to 2^24.

    Raises:
        BadValue: A cluster has rows in two strata. Resample it in one stratum, or cut it.
    """
    clusters, row_cluster = np.unique(np.asarray(cluster_ids), return_inverse=True)
    _, row_stratum = np.unique(np.asarray(strata), return_inverse=True)
    if row_cluster.shape != row_stratum.shape or row_cluster.ndim != 1:
        raise BadValue(f"{row_cluster.size} cluster ids for {row_stratum.size} strata: one of each a row is right.")
    if n_replicates < 1:
        raise BadValue(f"n_replicates: {n_replicates} is below 1; 1000 is usual.")
    stratum_of = np.zeros(len(clusters), dtype=np.int64)
    stratum_of[row_cluster] = row_stratum
    if (torn := stratum_of[row_cluster] != row_stratum).any():
        raise BadValue(f"Cluster {clusters[row_cluster[torn][0]]!s} has rows in two strata, so it cannot be drawn.")
    rng = np.random.default_rng(seed)
    counts = np.empty((n_replicates, len(clusters)), dtype=np.float32)
    for stratum in range(int(row_stratum.max(initial=-1)) + 1):
        members = np.flatnonzero(stratum_of == stratum)
        counts[:, members] = _draw_counts(len(members), n_replicates, rng)
    return counts[:, row_cluster]


def _draw_counts(n: int, n_replicates: int, rng: np.random.Generator) -> Float32Array:
    """How often each of n is drawn in n draws with replacement, shape (n_replicates, n)."""
    drawn = rng.integers(0, n, size=(n_replicates, n))
    drawn += n * np.arange(n_replicates)[:, None]
    return np.bincount(drawn.ravel(), minlength=n * n_replicates).reshape(n_replicates, n).astype(np.float32)


def bootstrap_interval(
    replicates: ArrayLike, *, value: float, level: float = 0.95, method: str = "percentile"
) -> Interval:
    """Interval of a metric from its replicates.

    Never for a median or another quantile, whose bootstrap interval fails badly (`speed.quantile_interval`), nor for the
    calibration error (`ece_interval`).

    Args:
        replicates: The metric of each replicate, shape (n_replicates,). Up to 1 % may be NaN and are left out.
        value: The metric of the sample itself; NaN makes the interval undefined too.
        level: Confidence level.
        method: `percentile` for means and differences. `logit` for AUROC and average precision, which lie skewed near 1:
            percentiles miss their truth on the low side two to three times as often as on the high side (measured
            at 300 threat and 600 benign items); it falls back to percentiles where a replicate is 0 or 1.
            `logit_unbiased` also takes off what the replicates lie above the value on average: box precision, whose curve
            is raised to its envelope, lies too high in small samples. The interval always holds the value itself.

    Returns:
        Undefined where the replicates do not vary: a sample without a single error says nothing of how rare they are.

    Source:
        Efron & Tibshirani 1993, section 13.3 (percentile); Davison & Hinkley 1997, section 5.2.1 (normal).
    """
    _checks.level(level)
    if method not in _METHODS:
        raise BadValue(f"method: '{method}' is none of {', '.join(_METHODS)}.")
    array = np.asarray(replicates, dtype=np.float64)
    if np.isnan(value) or not len(array):
        return undefined("the value is undefined")
    n_undefined = int(np.count_nonzero(np.isnan(array)))
    if n_undefined > MAX_UNDEFINED * len(array):
        return undefined(f"{n_undefined} of {len(array)} replicates are undefined (too few items)")
    defined = array[~np.isnan(array)]
    if defined.min() == defined.max():
        return undefined("the replicates do not vary")
    if method != "percentile" and defined.min() > 0.0 and defined.max() < 1.0:
        half = float(ndtri(0.5 + level / 2)) * float(logit(defined).std(ddof=1))
        bias = float(logit(defined).mean() - logit(value)) if method == "logit_unbiased" else 0.0
        low, high = expit(logit(value) - bias - half), expit(logit(value) - bias + half)
        return Interval(min(float(low), value), max(float(high), value), _METHODS[method])
    low, high = (float(end[0]) for end in percentile_ends(array[:, None], level=level))
    return Interval(low, high, _METHODS["percentile"])


def percentile_ends(replicates: FloatArray, *, level: float) -> tuple[FloatArray, FloatArray]:
    """Lower and upper percentile of each column, NaN replicates left out, shape (n_columns,) each."""
    tail = 0.5 - level / 2
    ends = np.full((2, replicates.shape[1]), np.nan)
    defined = ~np.isnan(replicates)
    for column in np.flatnonzero(defined.any(axis=0)):
        ends[:, column] = np.quantile(replicates[defined[:, column], column], [tail, 1 - tail])
    return ends[0], ends[1]


def weighted_mean(weights: ArrayLike, values: ArrayLike) -> FloatArray:
    """Mean in each replicate, shape (n_replicates,): pd, pfa, Brier score and hit rate are means over items.

    Args:
        weights: Shape (n_replicates, n_rows).
        values: Shape (n_rows,).
    """
    drawn, array = _matched(weights, _checks.vector(values, "values"))
    return _ratio(drawn @ array.astype(drawn.dtype), drawn.sum(axis=1, dtype=np.float64))


def weighted_auroc(weights: ArrayLike, scores: ArrayLike, is_threat: ArrayLike) -> FloatArray:
    """AUROC in each replicate, ties counted half, shape (n_replicates,). NaN where a kind of item was not drawn.

    Args:
        weights: Shape (n_replicates, n_rows).
        scores: Shape (n_rows,).
        is_threat: Shape (n_rows,).
    """
    drawn, array = _matched(weights, _checks.vector(scores, "scores"))
    truth = _checks.truths(is_threat, len(array))
    benign_order = np.flatnonzero(~truth)[np.argsort(array[~truth], kind="stable")]
    benign = array[benign_order]
    below = _sums_of_first(drawn[:, benign_order])
    threat_weights = drawn[:, truth]
    n_below = np.searchsorted(benign, array[truth], side="left")
    n_not_above = np.searchsorted(benign, array[truth], side="right")
    wins = np.einsum("ij,ij->i", threat_weights, below[:, n_below], dtype=np.float64)
    if (n_below != n_not_above).any():
        wins += np.einsum("ij,ij->i", threat_weights, below[:, n_not_above], dtype=np.float64)
    else:
        wins *= 2
    pairs = threat_weights.sum(axis=1, dtype=np.float64) * below[:, -1]
    return _ratio(wins, 2 * pairs)


def weighted_partial_auc(
    weights: ArrayLike, scores: ArrayLike, is_threat: ArrayLike, *, max_pfa: float = MAX_PFA
) -> FloatArray:
    """Partial AUC in each replicate, rescaled as `screening.partial_auc`; NaN where a kind of item was not drawn.

    Args:
        weights: Shape (n_replicates, n_rows).
        scores: Shape (n_rows,).
        is_threat: Shape (n_rows,).
        max_pfa: In (0, 1].
    """
    drawn, array = _matched(weights, _checks.vector(scores, "scores"))
    truth = _checks.truths(is_threat, len(array))
    order = np.argsort(-array, kind="stable")
    n_false, n_found = drawn[:, ~truth].sum(axis=1), drawn[:, truth].sum(axis=1)
    ends = np.flatnonzero(np.append(np.diff(array[order]) != 0, True)) if len(array) else np.empty(0, int)
    area = np.zeros(len(drawn))
    x = np.zeros((len(drawn), 1))
    y = np.zeros((len(drawn), 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        for block in np.array_split(
            ends, max(1, len(ends) // _BLOCK)
        ):  # from the highest score down, until all are past
            first = 0 if not len(block) else int(np.searchsorted(ends, block[0]))
            start = ends[first - 1] + 1 if first else 0
            rows = order[start : block[-1] + 1] if len(block) else order[:0]
            steps = block - start
            false = np.cumsum(drawn[:, rows] * ~truth[rows], axis=1)[:, steps] / n_false[:, None]
            found = np.cumsum(drawn[:, rows] * truth[rows], axis=1)[:, steps] / n_found[:, None]
            x1, y1 = np.hstack([x[:, -1:], x[:, -1:] + false]), np.hstack([y[:, -1:], y[:, -1:] + found])
            wide, rise = np.diff(x1, axis=1), np.diff(y1, axis=1)
            used = np.diff(np.minimum(x1, max_pfa), axis=1)
            sloped = np.divide(rise * used**2, 2 * wide, out=np.zeros_like(wide), where=wide > 0)
            area += (used * y1[:, :-1] + sloped).sum(axis=1)
            x, y = x1, y1
            if (x[:, -1] >= max_pfa).all():
                break
    by_chance = max_pfa**2 / 2
    scaled = 0.5 * (1 + (area - by_chance) / (max_pfa - by_chance))
    return np.where((n_false > 0) & (n_found > 0), scaled, np.nan)


def weighted_average_precision(weights: ArrayLike, scores: ArrayLike, is_threat: ArrayLike) -> FloatArray:
    """Average precision in each replicate, shape (n_replicates,). NaN where a kind of item was not drawn.

    Args:
        weights: Shape (n_replicates, n_rows).
        scores: Shape (n_rows,).
        is_threat: Shape (n_rows,).
    """
    drawn, array = _matched(weights, _checks.vector(scores, "scores"))
    truth = _checks.truths(is_threat, len(array))
    threat_order = np.flatnonzero(truth)[np.argsort(-array[truth], kind="stable")]
    benign_order = np.flatnonzero(~truth)[np.argsort(-array[~truth], kind="stable")]
    threat, benign = array[threat_order], array[benign_order]
    threat_weights = drawn[:, threat_order]
    found = _sums_of_first(threat_weights)[:, np.searchsorted(-threat, -threat, side="right")]
    false_sums = _sums_of_first(drawn[:, benign_order])
    false = false_sums[:, np.searchsorted(-benign, -threat, side="right")]
    np.add(found, false, out=false)
    np.divide(found, false, out=found, where=false > 0)  # nothing drawn above a threat: its own weight is 0 as well
    gained = np.einsum("ij,ij->i", threat_weights, found, dtype=np.float64)
    weight = threat_weights.sum(axis=1, dtype=np.float64)
    weight[false_sums[:, -1] == 0] = 0
    return _ratio(gained, weight)


def weighted_brier(weights: ArrayLike, scores: ArrayLike, is_threat: ArrayLike) -> FloatArray:
    """Brier score in each replicate, shape (n_replicates,)."""
    return weighted_mean(weights, squared_errors(is_threat, scores))


def weighted_ece(weights: ArrayLike, scores: ArrayLike, is_threat: ArrayLike, *, n_bins: int = N_BINS) -> FloatArray:
    """Expected calibration error in each replicate, in the equal-mass bins of the sample, shape (n_replicates,).

    The bins are part of the instrument and are not moved by a replicate. Replicates lie above the sample's value as that
    lies above the truth, so their percentiles are no interval: see `ece_interval`.
    """
    return np.asarray(np.abs(_bin_gaps(weights, scores, is_threat, n_bins)).sum(axis=1))


def ece_interval(
    weights: ArrayLike, scores: ArrayLike, is_threat: ArrayLike, *, level: float = 0.95, n_bins: int = N_BINS
) -> Interval:
    """Interval of the expected calibration error; at least the stated coverage, close to it for calibrated models.

    With g the gaps of the bins, the truth cannot lie further below the value than sum |g* - g| (triangle inequality),
    nor further above than the sum of g - g* taken with the signs of g (convexity); the replicates g* tell how large both
    get. Percentiles of the replicates themselves cover a calibrated model's truth, 0, never.

    Args:
        weights: Shape (n_replicates, n_rows).
        scores: Shape (n_rows,).
        is_threat: Shape (n_rows,).
        level: Confidence level.
        n_bins: Number of equal-mass bins.
    """
    _checks.level(level)
    n_rows = np.asarray(scores).shape[0]
    if not n_rows:
        return undefined("no items")
    gaps = _bin_gaps(np.ones((1, n_rows)), scores, is_threat, n_bins)[0]
    moved = _bin_gaps(weights, scores, is_threat, n_bins) - gaps
    tail = 0.5 - level / 2
    below = np.quantile(np.abs(moved).sum(axis=1), 1 - tail)
    above = -np.quantile(moved @ np.sign(gaps), tail)
    value = float(np.abs(gaps).sum())
    low, high = max(0.0, value - float(below)), min(1.0, value + float(above))
    return Interval(low, high, "cluster bootstrap of the bins' gaps, conservative")


def _bin_gaps(weights: ArrayLike, scores: ArrayLike, is_threat: ArrayLike, n_bins: int) -> FloatArray:
    """Score less truth, summed by bin and divided by the rows drawn, shape (n_replicates, n_bins)."""
    drawn, array = _matched(weights, _checks.shares(scores, "scores"))
    truth = _checks.truths(is_threat, len(array))
    by_bin = np.zeros((len(array), n_bins), dtype=drawn.dtype)
    by_bin[np.arange(len(array)), equal_mass_bins(array, n_bins=n_bins)] = array - truth
    n_drawn = drawn.sum(axis=1, dtype=np.float64)[:, None]
    gaps = np.full((len(drawn), n_bins), np.nan)
    np.divide(drawn @ by_bin, n_drawn, out=gaps, where=n_drawn > 0)
    return gaps


def _matched(weights: ArrayLike, rows: FloatArray) -> tuple[FloatArray, FloatArray]:
    drawn = np.asarray(weights)
    if drawn.ndim != 2 or drawn.shape[1] != len(rows):
        raise BadValue(f"weights: shape {drawn.shape} for {len(rows)} rows; one column a row is right.")
    return drawn if drawn.dtype == np.float32 else drawn.astype(np.float64), rows


def _sums_of_first(columns: FloatArray) -> FloatArray:
    """Sums over the first 0, 1, ... columns, shape (n_replicates, n_columns + 1), in the columns' own type."""
    sums = np.zeros((columns.shape[0], columns.shape[1] + 1), dtype=columns.dtype)
    np.cumsum(columns, axis=1, out=sums[:, 1:])
    return sums


def _ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    """part / whole as float64, NaN where the whole is 0."""
    ratio = np.full(len(whole), np.nan)
    np.divide(part, whole, out=ratio, where=whole > 0)
    return ratio
