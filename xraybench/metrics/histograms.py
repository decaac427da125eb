"""Pooled metrics from counts on a declared grid, so that no score has to leave a site.

Every site sorts its scores into the bins of one grid and gives away whole numbers: how many threat and benign items fell
into each bin. Counts of several sites add up, and what is computed from the sum is exactly what one place with all gridded
scores would have computed. Counting on the grid instead of raw scores costs less than 5e-4 (tests).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logit, ndtri

from xraybench.core.errors import BadValue
from xraybench.core.types import FloatArray, IntArray
from xraybench.metrics import _checks
from xraybench.metrics.intervals import Interval, undefined

N_BINS = 4096
_LOGIT_END = 12.0  # scores beyond 6e-6 and 1 - 6e-6 fall into the outermost bins
BENIGN, THREAT = 0, 1  # rows of a count


@dataclass(frozen=True, slots=True)
class Auroc:
    """AUROC from counts, its DeLong standard error, and the bounds of any AUROC of the ungridded scores."""

    value: float
    error: float  # NaN with fewer than two items of a kind
    low: float  # every tie within a bin lost
    high: float  # every tie won


def bin_of(scores: ArrayLike) -> IntArray:
    """Bin of each score, 0 .. N_BINS - 1, higher scores in higher bins: equal steps of log(s / (1 - s)) in [-12, 12].

    Args:
        scores: In [0, 1], shape (n,).
    """
    array = _checks.shares(scores, "scores")
    with np.errstate(divide="ignore"):
        place = (logit(array) + _LOGIT_END) * (N_BINS / (2.0 * _LOGIT_END))
    return np.asarray(np.clip(np.floor(np.clip(place, -1.0, N_BINS + 1.0)), 0, N_BINS - 1), dtype=np.int64)


def bin_scores() -> FloatArray:
    """The score that stands for each bin: its middle on the logit scale, shape (N_BINS,)."""
    return np.asarray(expit((np.arange(N_BINS) + 0.5) * (2.0 * _LOGIT_END / N_BINS) - _LOGIT_END))


def lower_edge(bin_number: int) -> float:
    """The lowest score of a bin, where a threshold alarms on it and all above; 0 for the first, above 1 past the last."""
    if bin_number >= N_BINS:
        return float(np.nextafter(1.0, 2.0))
    return 0.0 if bin_number <= 0 else float(expit(bin_number * (2.0 * _LOGIT_END / N_BINS) - _LOGIT_END))


def counts_of(scores: ArrayLike, is_threat: ArrayLike) -> IntArray:
    """Benign and threat items in each bin, shape (2, N_BINS): all that a site gives away."""
    bins = bin_of(scores)
    truth = _checks.truths(is_threat, len(bins))
    return np.stack([np.bincount(bins[~truth], minlength=N_BINS), np.bincount(bins[truth], minlength=N_BINS)])


def auroc(counts: ArrayLike) -> Auroc:
    """AUROC of the gridded scores, ties counted half, with its DeLong error.

    Args:
        counts: Shape (2, n_bins).

    Source:
        DeLong, DeLong and Clarke-Pearson 1988, Biometrics 44:837, with placement values taken per bin.
    """
    table = _counts(counts)
    benign, threat = table.astype(np.float64)
    n_benign, n_threats = benign.sum(), threat.sum()
    if not n_benign or not n_threats:
        return Auroc(math.nan, math.nan, math.nan, math.nan)
    below, above = np.cumsum(benign) - benign, n_threats - np.cumsum(threat)
    of_threat = (below + 0.5 * benign) / n_benign  # placement value of a threat item in each bin
    of_benign = (above + 0.5 * threat) / n_threats
    value = float((threat * of_threat).sum() / n_threats)
    ties = float((threat * benign).sum() / (n_threats * n_benign))
    error = math.nan
    if n_benign > 1 and n_threats > 1:
        spread = (threat * (of_threat - value) ** 2).sum() / (n_threats - 1) / n_threats
        spread += (benign * (of_benign - value) ** 2).sum() / (n_benign - 1) / n_benign
        error = math.sqrt(float(spread))
    return Auroc(value, error, value - 0.5 * ties, value + 0.5 * ties)


def auroc_interval(counts: ArrayLike, *, level: float = 0.95) -> Interval:
    """DeLong interval of the AUROC from counts, on the logit scale; see `screening.auroc_interval`."""
    _checks.level(level)
    found, table = auroc(counts), _counts(counts)
    n_pairs = int(table.sum(axis=1).min())
    if n_pairs < 2:
        return undefined("fewer than two threat or two benign items")
    if found.value in (0.0, 1.0):
        bound = (0.5 - level / 2) ** (1 / n_pairs)
        low, high = (bound, 1.0) if found.value == 1.0 else (0.0, 1.0 - bound)
        return Interval(low, high, "Clopper-Pearson on disjoint pairs (scores separate perfectly)")
    if found.error <= 0.0:
        return undefined("the scores show no spread")
    half = float(ndtri(0.5 + level / 2)) * found.error / (found.value * (1 - found.value))
    centre = float(logit(found.value))
    return Interval(float(expit(centre - half)), float(expit(centre + half)), "DeLong from counts, logit scale")


def bootstrap_interval(
    counts: ArrayLike,
    metric: Callable[[IntArray], float],
    *,
    level: float = 0.95,
    n_replicates: int = 500,
    seed: int = 0,
) -> Interval:
    """Percentile interval of a number from counts: threat and benign items are drawn again from their counts.

    Args:
        counts: Shape (2, n_bins).
        metric: Takes counts of that shape.
    """
    _checks.level(level)
    table = _counts(counts)
    if not table.sum(axis=1).all():
        return undefined("no item with a threat, or no benign item")
    rng = np.random.default_rng(seed)
    drawn = [rng.multinomial(int(row.sum()), row / row.sum(), size=n_replicates) for row in table]
    values = [metric(np.stack([benign, threat])) for benign, threat in zip(*drawn, strict=True)]
    low, high = np.quantile(values, [0.5 - level / 2, 0.5 + level / 2])
    return Interval(float(low), float(high), "bootstrap of items from their counts")


def average_precision(counts: ArrayLike) -> float:
    """Average precision of the gridded scores, a bin being one threshold; NaN without an item of either kind."""
    table = _counts(counts)
    if not table.sum(axis=1).all():
        return math.nan
    benign, threat = table[:, ::-1].astype(np.float64)
    found, said = np.cumsum(threat), np.cumsum(benign + threat)
    precision = np.divide(found, said, out=np.zeros_like(found), where=said > 0)
    return float((threat * precision).sum() / threat.sum())


def box_average_precision(hits: ArrayLike, false: ArrayLike, n_true: int) -> float:
    """Average precision of boxes over 101 recalls from counts, a bin being one threshold; NaN without a true box.

    Args:
        hits: Found boxes in each bin that matched a true one, shape (n_bins,).
        false: Found boxes in each bin that matched none, shape (n_bins,).
        n_true: True boxes.

    Source:
        COCO detection evaluation, cocoapi `COCOeval.accumulate`; boxes of one bin are taken together.
    """
    table = _counts(np.stack([np.asarray(false), np.asarray(hits)]))[:, ::-1].astype(np.float64)
    if n_true < 1:
        return math.nan
    found, said = np.cumsum(table[THREAT]), np.cumsum(table.sum(axis=0))
    if not said[-1]:
        return 0.0
    precision = np.divide(found, said, out=np.zeros_like(found), where=said > 0)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    at = np.searchsorted(found / n_true, np.linspace(0.0, 1.0, 101), side="left")
    return float(best[at[at < len(best)]].sum() / 101)


def bin_at_pfa(benign: ArrayLike, pfa: float) -> int:
    """The lowest bin from which on at most the share `pfa` of these benign items alarms; n_bins where none may.

    Args:
        benign: Benign calibration items in each bin, shape (n_bins,).
        pfa: In [0, 1).
    """
    if not 0.0 <= pfa < 1.0:
        raise BadValue(f"pfa: {pfa:g} is not in [0, 1).")
    table = np.asarray(benign, dtype=np.int64)
    if not table.sum():
        raise BadValue("benign: no calibration item, so no threshold can be set.")
    alarming = np.append(np.cumsum(table[::-1])[::-1], 0)
    return int(np.argmax(alarming <= math.floor(pfa * table.sum() + 1e-9)))


def share_at(counts: ArrayLike, bin_number: int) -> float:
    """Share of items in this bin and above: pd of the threat row, pfa of the benign row; NaN without an item."""
    table = np.asarray(counts, dtype=np.int64)
    whole = int(table.sum())
    return float(table[bin_number:].sum() / whole) if whole else math.nan


def pd_interval(
    calibration: ArrayLike,
    threat: ArrayLike,
    *,
    pfa: float,
    level: float = 0.95,
    n_replicates: int = 1000,
    seed: int = 0,
) -> Interval:
    """Interval of pd at a transferred threshold that holds the chance of the calibration items too.

    Calibration and threat items are drawn again from their counts; each replicate sets its own threshold.

    Args:
        calibration: Benign calibration items in each bin, shape (n_bins,).
        threat: Threat test items in each bin, shape (n_bins,).
    """
    _checks.level(level)
    benign, found = np.asarray(calibration, dtype=np.int64), np.asarray(threat, dtype=np.int64)
    if not benign.sum() or not found.sum():
        return undefined("no benign calibration item, or no item with a threat")
    used = np.flatnonzero(benign + found)
    benign, found = benign[used], found[used]
    rng = np.random.default_rng(seed)
    drawn_benign = rng.multinomial(benign.sum(), benign / benign.sum(), size=n_replicates)
    drawn_threat = rng.multinomial(found.sum(), found / found.sum(), size=n_replicates)
    alarming = np.cumsum(drawn_benign[:, ::-1], axis=1)[:, ::-1] <= math.floor(pfa * benign.sum() + 1e-9)
    first = np.where(alarming.any(axis=1), np.argmax(alarming, axis=1), len(benign))
    passed = np.concatenate([np.cumsum(drawn_threat[:, ::-1], axis=1)[:, ::-1], np.zeros((n_replicates, 1))], axis=1)
    replicates = passed[np.arange(n_replicates), first] / found.sum()
    low, high = np.quantile(replicates, [0.5 - level / 2, 0.5 + level / 2])
    return Interval(float(low), float(high), "bootstrap of calibration and threat items from their counts")


def calibration_error(counts: ArrayLike, *, n_groups: int = 15) -> float:
    """Expected calibration error of the gridded scores, in groups of neighbouring bins of about equal mass; else NaN."""
    table = _counts(counts)
    whole = table.sum(axis=0)
    if not (n := int(whole.sum())):
        return math.nan
    group = np.minimum((np.cumsum(whole) - 0.5 * whole) * n_groups // n, n_groups - 1).astype(np.int64)
    gaps = np.bincount(group, weights=whole * bin_scores() - table[THREAT], minlength=n_groups)
    return float(np.abs(gaps).sum() / n)


def merged_cells(counts: ArrayLike, *, least: int) -> IntArray:
    """The counts with neighbouring bins merged until every cell that is not empty holds `least` items, both kinds together.

    What is merged is told as one count in the cell's highest bin. Returns the shape of `counts`.
    """
    table = _counts(counts)
    if least < 1:
        raise BadValue(f"least: {least} is below 1.")
    out = np.zeros_like(table)
    held, last = np.zeros(2, dtype=np.int64), -1
    for number in np.flatnonzero(table.sum(axis=0)):
        held += table[:, number]
        if held.sum() >= least:
            out[:, number], last = held, int(number)
            held[:] = 0
    if held.sum() and last >= 0:  # too few are left at the top: they join the cell below
        top = int(np.flatnonzero(table.sum(axis=0))[-1])
        out[:, top], out[:, last] = out[:, last] + held, 0
    return out


def _counts(counts: ArrayLike) -> IntArray:
    table = np.asarray(counts)
    if table.ndim != 2 or len(table) != 2 or not np.issubdtype(table.dtype, np.integer):
        raise BadValue(f"counts: shape {table.shape} of {table.dtype}; whole numbers of shape (2, n_bins) are right.")
    if (table < 0).any():
        raise BadValue(f"counts: {table.min()} is below 0.")
    return table.astype(np.int64)
