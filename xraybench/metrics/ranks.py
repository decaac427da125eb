"""Which order of vendors is real: rank sets, bands of ties, paired differences, and what a test set can tell at all.

A rank is told as a set [low, high] that holds the true rank of every vendor at once with the stated confidence. Vendors
whose sets overlap are tied. Everything works on one estimate a vendor and on the replicates of all vendors on shared
resamples (`resampling`), so any metric can be ranked.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import bdtr, ndtr, ndtri

from xraybench.core.errors import BadValue
from xraybench.core.types import BoolArray, FloatArray, IntArray
from xraybench.metrics import _checks

BETTER = ("higher", "lower")


@dataclass(frozen=True, slots=True)
class RankSets:
    """Rank of each vendor (1 is best) and the set that holds its true rank; all of shape (n_vendors,)."""

    rank: IntArray  # by the estimates alone; equal estimates share the better rank
    low: IntArray  # best rank that the data allow
    high: IntArray  # worst rank that the data allow
    level: float
    is_simultaneous: bool  # the sets hold for all vendors at once, not for each alone


@dataclass(frozen=True, slots=True)
class Difference:
    """Two vendors compared on the same items. `difference` is first less second, in the metric's unit."""

    first: int
    second: int
    difference: float
    low: float  # interval of this pair alone
    high: float
    p: float  # two-sided, of this pair alone
    p_holm: float  # adjusted for all pairs told together


@dataclass(frozen=True, slots=True)
class McNemar:
    """Two vendors' alarms on the same threat items: what only one of them finds, and how likely that is by chance."""

    only_first: int
    only_second: int
    p: float


def rank_sets(
    estimates: ArrayLike,
    replicates: ArrayLike,
    *,
    better: str = "higher",
    level: float = 0.95,
    simultaneous: bool = True,
) -> RankSets:
    """Confidence sets for the ranks of vendors.

    Each ordered pair asks "is the first better than the second?"; all are asked at once against the largest studentised
    difference of the centred replicates, again and again without the pairs already answered (stepdown). A vendor's rank
    is then at least 1 + the number of vendors shown to be better, at most n less the number shown to be worse.

    Args:
        estimates: Metric of each vendor, shape (n_vendors,).
        replicates: Metric of each vendor in each shared resample, shape (n_replicates, n_vendors).
        better: `higher` or `lower`.
        level: Chance that the sets hold the true ranks.
        simultaneous: For all vendors at once. False gives the narrower marginal sets, each for one vendor alone.

    Source:
        Mogstad, Romano, Shaikh & Wilhelm 2023, Review of Economic Studies 91:476, section 3; stepdown of Romano & Wolf.
    """
    _checks.level(level)
    values, spread, centred = _differences(estimates, replicates, better)
    n_vendors = len(values)
    if simultaneous:
        is_better = _shown_better(values, spread, centred, np.ones((n_vendors, n_vendors), dtype=np.bool_), level)
        n_above, n_below = is_better.sum(axis=0), is_better.sum(axis=1)
    else:
        n_above, n_below = np.zeros(n_vendors, dtype=np.int64), np.zeros(n_vendors, dtype=np.int64)
        for vendor in range(n_vendors):
            concerns = np.zeros((n_vendors, n_vendors), dtype=np.bool_)
            concerns[vendor], concerns[:, vendor] = True, True
            is_better = _shown_better(values, spread, centred, concerns, level)
            n_above[vendor], n_below[vendor] = is_better[:, vendor].sum(), is_better[vendor].sum()
    return RankSets(
        rank=1 + (values[None] > values[:, None]).sum(axis=1),
        low=1 + n_above,
        high=n_vendors - n_below,
        level=level,
        is_simultaneous=simultaneous,
    )


def _differences(estimates: ArrayLike, replicates: ArrayLike, better: str) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Estimates with the best highest, the standard error of each pair's difference, and the centred replicates."""
    if better not in BETTER:
        raise BadValue(f"better: '{better}' is neither 'higher' nor 'lower'.")
    values, drawn = _checks.vector(estimates, "estimates"), _checks.finite(replicates, "replicates")
    if drawn.ndim != 2 or drawn.shape[1] != len(values) or len(drawn) < 2:
        raise BadValue(f"replicates: shape {drawn.shape}; (n_replicates, {len(values)}) with at least 2 is right.")
    sign = 1.0 if better == "higher" else -1.0
    centred = sign * (drawn - drawn.mean(axis=0))
    spread = np.zeros((len(values), len(values)))
    for vendor in range(len(values)):
        spread[vendor] = (centred[:, [vendor]] - centred).std(axis=0, ddof=1)
    return sign * values, spread, centred


def _shown_better(
    values: FloatArray, spread: FloatArray, centred: FloatArray, asked: BoolArray, level: float
) -> BoolArray:
    """Which vendor (row) is shown to be better than which (column), among the pairs asked, by stepdown max-t."""
    gap = values[:, None] - values[None]
    varies = spread > 1e-12 * max(1.0, float(np.abs(values).max(initial=0.0)))  # clones differ by rounding at most
    statistic = np.divide(gap, spread, out=np.where(gap > 0, np.inf, 0.0), where=varies)
    statistic[~varies & (np.abs(gap) < 1e-12)] = 0.0
    is_better = np.zeros_like(asked)
    open_pairs = asked & ~np.eye(len(values), dtype=np.bool_)
    while True:
        critical = _critical_value(spread, centred, open_pairs & varies, level)
        shown = open_pairs & (statistic > critical)
        if not shown.any():
            return is_better
        is_better |= shown
        open_pairs &= ~shown


def _critical_value(spread: FloatArray, centred: FloatArray, pairs: BoolArray, level: float) -> float:
    """The level quantile of the largest studentised centred difference over these pairs."""
    if not pairs.any():
        return 0.0
    largest = np.full(len(centred), -np.inf)
    for first in np.flatnonzero(pairs.any(axis=1)):
        seconds = np.flatnonzero(pairs[first])
        studentised = (centred[:, [first]] - centred[:, seconds]) / spread[first, seconds]
        np.maximum(largest, studentised.max(axis=1), out=largest)
    # The (R + 1) rule for finitely many replicates, and never below the limit of one pair alone, which chance may undercut.
    return max(float(ndtri(0.5 + level / 2)), float(np.quantile(largest, level, method="weibull")))


def best_set(estimates: ArrayLike, replicates: ArrayLike, *, better: str = "higher", level: float = 0.95) -> BoolArray:
    """Which vendors may be the best: a set that holds the true best one with the stated confidence; shape (n_vendors,).

    Each vendor is asked whether any other is better than it, at the level, for this vendor alone: only the true best must
    not be thrown out, so nothing is paid for the others. Among equals for the first place each is held with that confidence.

    Args:
        estimates: Metric of each vendor, shape (n_vendors,).
        replicates: Metric of each vendor in each shared resample, shape (n_replicates, n_vendors).
        better: `higher` or `lower`.
        level: Confidence.

    Source:
        Confidence sets for the tau-best, tau 1, of Mogstad, Romano, Shaikh & Wilhelm 2023, Review of Economic Studies
        91:476; multiple comparisons with the best, Hsu 1981, Annals of Statistics 9:1026.
    """
    _checks.level(level)
    values, spread, centred = _differences(estimates, replicates, better)
    n_vendors = len(values)
    may_be = np.ones(n_vendors, dtype=np.bool_)
    for vendor in range(n_vendors):
        asked = np.zeros((n_vendors, n_vendors), dtype=np.bool_)
        asked[:, vendor] = True
        may_be[vendor] = not _shown_better(values, spread, centred, asked, level)[:, vendor].any()
    return may_be


def tie_bands(sets: RankSets) -> IntArray:
    """The band of each vendor, 1 is best, shape (n_vendors,).

    Vendors whose sets overlap are in one band, directly or through others between them; so whoever is in a better band
    is better, and nothing is claimed within a band. `tie_groups` tells the overlaps one by one.
    """
    order = np.lexsort((sets.high, sets.low))
    bands = np.zeros(len(order), dtype=np.int64)
    band, reach = 0, 0
    for vendor in order:
        if sets.low[vendor] > reach:
            band += 1
        reach = max(reach, int(sets.high[vendor]))
        bands[vendor] = band
    return bands


def tie_groups(sets: RankSets) -> tuple[tuple[int, ...], ...]:
    """The largest groups of vendors that are all tied with each other, best first; a vendor may stand in several."""
    groups: list[tuple[int, ...]] = []
    for rank in range(1, len(sets.low) + 1):
        members = tuple(int(v) for v in np.flatnonzero((sets.low <= rank) & (rank <= sets.high)))
        if members and not any(set(members) <= set(group) for group in groups):
            groups = [group for group in groups if not set(group) < set(members)]
            groups.append(members)
    return tuple(groups)


def pairwise_differences(estimates: ArrayLike, replicates: ArrayLike, *, level: float = 0.95) -> tuple[Difference, ...]:
    """Every pair of vendors, in order: difference, its interval, p, and p adjusted by Holm over all pairs.

    Interval and p rest on the standard error of the paired difference over the replicates and the normal distribution,
    so that they agree with each other and Holm's factors do not drown in the number of replicates.

    Args:
        estimates: Metric of each vendor, shape (n_vendors,).
        replicates: Shape (n_replicates, n_vendors).
        level: Confidence level of each interval.
    """
    _checks.level(level)
    values, spread, _ = _differences(estimates, replicates, "higher")
    first, second = np.triu_indices(len(values), k=1)
    gap, error = values[first] - values[second], spread[first, second]
    z = np.divide(np.abs(gap), error, out=np.where(np.abs(gap) > 1e-12, np.inf, 0.0), where=error > 1e-12)
    p = 2 * ndtr(-z)
    half = float(ndtri(0.5 + level / 2)) * error
    columns = (first, second, gap, gap - half, gap + half, p, holm(p))
    return tuple(
        Difference(int(i), int(j), *(float(number) for number in numbers))
        for i, j, *numbers in zip(*columns, strict=True)
    )


def holm(p: ArrayLike) -> FloatArray:
    """p values adjusted so that the chance of any false claim among them stays below the level, shape (n,).

    Source:
        Holm 1979, Scandinavian Journal of Statistics 6:65.
    """
    raw = _checks.shares(p, "p")
    order = np.argsort(raw, kind="stable")
    stepped = np.maximum.accumulate(raw[order] * np.arange(len(raw), 0, -1))
    adjusted = np.empty(len(raw))
    adjusted[order] = np.minimum(1.0, stepped)
    return adjusted


def mcnemar_exact(alarms_first: ArrayLike, alarms_second: ArrayLike) -> McNemar:
    """Exact McNemar test of two vendors' alarms on the same threat items.

    Args:
        alarms_first: Whether the first vendor alarms on each item, shape (n,).
        alarms_second: The same items for the second vendor, shape (n,).

    Returns:
        Two-sided p; 1 where the vendors never differ. Items must be independent: one row an item.
    """
    first, second = np.asarray(alarms_first, dtype=np.bool_), np.asarray(alarms_second, dtype=np.bool_)
    if first.shape != second.shape or first.ndim != 1:
        raise BadValue(f"Alarms of shapes {first.shape} and {second.shape}: the same items for both are right.")
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    p = 2 * bdtr(min(only_first, only_second), only_first + only_second, 0.5)
    return McNemar(only_first, only_second, min(1.0, float(p)))


def threats_needed(
    difference: float,
    *,
    discordance: float,
    level: float = 0.95,
    power: float = 0.80,
    n_comparisons: int = 1,
    design_effect: float = 1.0,
) -> int:
    """How many threat items tell two vendors apart whose pd differ by `difference`.

    Args:
        difference: Difference of pd, in (0, discordance].
        discordance: Share of threat items on which just one of the two alarms.
        level: 1 less the chance of a false claim.
        power: Chance that the difference is shown.
        n_comparisons: Pairs told together; the first step of Holm divides by it. Ten vendors make 45.
        design_effect: How much the clusters of items widen the variance.

    Source:
        Connor 1987, Biometrics 43:207, sample size of McNemar's test.
    """
    if not 0.0 < difference <= discordance <= 1.0:
        raise BadValue(f"A difference of {difference:g} with discordance {discordance:g}: 0 < first <= second <= 1.")
    z_claim, z_power = _normal_quantiles(level, power, n_comparisons)
    spread = z_claim * math.sqrt(discordance) + z_power * math.sqrt(discordance - difference**2)
    return math.ceil(design_effect * (spread / difference) ** 2)


def minimum_detectable_difference(
    n_threats: int,
    *,
    pd: float,
    discordance: float | None = None,
    level: float = 0.95,
    power: float = 0.80,
    n_comparisons: int = 1,
    design_effect: float = 1.0,
) -> float:
    """The smallest difference of pd between two vendors that this many threat items can show.

    Every task prints it before anyone submits. NaN where not even vendors that differ on every discordant item could be
    told apart.

    Args:
        n_threats: Threat items of the task.
        pd: Where the vendors are expected to be, in (0, 1).
        discordance: Share of threat items on which just one of the two alarms. By default that of vendors whose misses
            have nothing in common, 2 pd (1 - pd): vendors miss the same hard items, so the truth is kinder.
        level: 1 less the chance of a false claim.
        power: Chance that the difference is shown.
        n_comparisons: Pairs told together.
        design_effect: How much the clusters of items widen the variance.
    """
    if not 0.0 < pd < 1.0:
        raise BadValue(f"pd: {pd:g} is not between 0 and 1.")
    if n_threats < 0 or design_effect < 1.0:
        raise BadValue(f"{n_threats} threats with design effect {design_effect:g}: at least 0 and 1 are right.")
    apart = 2 * pd * (1 - pd) if discordance is None else discordance
    if not 0.0 < apart <= 1.0:
        raise BadValue(f"discordance: {apart:g} is not in (0, 1].")
    z_claim, z_power = _normal_quantiles(level, power, n_comparisons)
    n = n_threats / design_effect
    if n == 0:
        return math.nan
    # sqrt(n) d = a + b sqrt(apart - d^2) with a = z_claim sqrt(apart), b = z_power: a quadratic in d
    a, b = z_claim * math.sqrt(apart), z_power
    discriminant = a * a * n - (n + b * b) * (a * a - b * b * apart)
    if discriminant < 0:
        return math.nan
    difference = (a * math.sqrt(n) + math.sqrt(discriminant)) / (n + b * b)
    is_solution = math.sqrt(n) * difference >= a  # squaring adds a root where n is tiny
    return difference if is_solution and difference <= apart else math.nan


def _normal_quantiles(level: float, power: float, n_comparisons: int) -> tuple[float, float]:
    _checks.level(level)
    if not 0.5 <= power < 1.0 or n_comparisons < 1:
        raise BadValue(f"Power {power:g} over {n_comparisons} comparisons: [0.5, 1) and at least 1 are right.")
    return float(ndtri(1 - (1 - level) / (2 * n_comparisons))), float(ndtri(power))
