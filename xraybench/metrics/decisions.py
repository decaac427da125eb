"""What a threshold costs and saves where prevalence is not that of the test set, and how humans and models compare.

A test set holds far more threats than a lane does. These figures take pd and pfa, which do not depend on prevalence, to the
prevalence of a lane. The functions of rates ask for it; the metrics of the catalogue, at the end, take the assumptions that
every task declares and every result file names.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from xraybench.core.errors import BadValue
from xraybench.core.task import COST_OF_MISS, MAX_MISS, PREVALENCE
from xraybench.metrics import _checks
from xraybench.metrics.intervals import (
    Interval,
    clopper_pearson_upper,
    ratio_interval,
    sum_interval,
    undefined,
)

D_A_SLOPE = 0.5  # slope of the ROC curve on normal axes, as measured for people who inspect X-ray images


@dataclass(frozen=True, slots=True)
class Workload:
    """Which items a model could clear alone while missing no more than was allowed. NaN with a reason where none."""

    threshold: float  # items that score below it are cleared
    saved: float  # share of benign items cleared
    miss_rate: float  # share of the threat items that would be cleared too
    miss_rate_high: float  # its upper Clopper-Pearson bound
    reason: str = ""


def d_prime(n_found: int, n_threats: int, n_false: int, n_benign: int) -> float:
    """Sensitivity for equal variances: z(pd) - z(pfa), rates corrected log-linearly so that 0 and 1 stay finite.

    Not valid when the criterion moves between the readers compared: use `d_a`.

    Source:
        Green and Swets 1966; log-linear correction of Hautus 1995, Behavior Research Methods 27:46.
    """
    return d_a(n_found, n_threats, n_false, n_benign, slope=1.0)


def d_a(n_found: int, n_threats: int, n_false: int, n_benign: int, *, slope: float = D_A_SLOPE) -> float:
    """Sensitivity for unequal variances: sqrt(2 / (1 + s^2)) (z(pd) - s z(pfa)), on log-linearly corrected rates.

    Args:
        n_found: Threat items that alarm, of n_threats.
        n_false: Benign items that alarm, of n_benign.
        slope: s, the slope of the ROC curve on normal axes.

    Returns:
        NaN without an item of either kind.

    Source:
        Sterchi, Haettenschwiler and Schwaninger 2019, Detection measures for visual inspection of X-ray images of
        passenger baggage; Macmillan and Creelman 2005, eq. 3.4.
    """
    for found, whole, what in ((n_found, n_threats, "threat"), (n_false, n_benign, "benign")):
        if not 0 <= found <= whole:
            raise BadValue(f"{found} alarms among {whole} {what} items: 0 <= first <= second is right.")
    if slope <= 0:
        raise BadValue(f"slope: {slope:g} is not above 0.")
    if not n_threats or not n_benign:
        return math.nan
    z_found = float(ndtri((n_found + 0.5) / (n_threats + 1.0)))
    z_false = float(ndtri((n_false + 0.5) / (n_benign + 1.0)))
    return math.sqrt(2.0 / (1.0 + slope**2)) * (z_found - slope * z_false)


def d_a_interval(
    n_found: int,
    n_threats: int,
    n_false: int,
    n_benign: int,
    *,
    slope: float = D_A_SLOPE,
    effects: tuple[float, float] = (1.0, 1.0),
    level: float = 0.95,
) -> Interval:
    """Interval of `d_a`, and of `d_prime` with slope 1, for the threshold as set.

    Args:
        effects: Design effects of the threat and of the benign rows, where an item gives several.

    Source:
        Gourevitch and Galanter 1967, Psychometrika 32:25: variance p (1 - p) / (n phi(z)^2) of each z, here of the
        log-linearly corrected rates.
    """
    _checks.level(level)
    value = d_a(n_found, n_threats, n_false, n_benign, slope=slope)
    if math.isnan(value):
        return undefined("no item with a threat, or no benign item")
    variance = 0.0
    for k, n, effect, weight in ((n_found, n_threats, effects[0], 1.0), (n_false, n_benign, effects[1], slope)):
        rate = (k + 0.5) / (n + 1.0)
        density = math.exp(-0.5 * float(ndtri(rate)) ** 2) / math.sqrt(2 * math.pi)
        variance += weight**2 * effect * rate * (1.0 - rate) / (n * density**2)
    half = float(ndtri(0.5 + level / 2)) * math.sqrt(2.0 / (1.0 + slope**2) * variance)
    return Interval(value - half, value + half, "normal, variance of Gourevitch and Galanter, threshold as set")


def precision_at_prevalence(pd: float, pfa: float, *, prevalence: float) -> float:
    """Share of alarms that are threats where the share p of items holds one: pd p / (pd p + pfa (1 - p)).

    NaN without an alarm. At p = 0.001, pd 0.95 and pfa 0.004 give 0.19; pd 0.90 and pfa 0.06 give 0.015.
    """
    _rates(pd, pfa, prevalence)
    alarms = pd * prevalence + pfa * (1.0 - prevalence)
    return pd * prevalence / alarms if alarms > 0 else math.nan  # NaN rates stay NaN: no comparison with them holds


def precision_interval(pd: float, pd_ends: Interval, pfa: float, pfa_ends: Interval, *, prevalence: float) -> Interval:
    """Interval of `precision_at_prevalence` from those of pd and pfa at one threshold, for the threshold as set."""
    if math.isnan(precision_at_prevalence(pd, pfa, prevalence=prevalence)):
        return undefined("no alarm, or no pd or pfa")
    odds = prevalence / (1.0 - prevalence)
    low, high = ratio_interval(pd, pd_ends, pfa, pfa_ends)
    ends = (low * odds / (1.0 + low * odds), 1.0 if math.isinf(high) else high * odds / (1.0 + high * odds))
    return Interval(*ends, "MOVER of the Wilson intervals of pd and pfa, threshold as set")


def expected_cost(
    pd: float, pfa: float, *, prevalence: float, cost_of_miss: float, cost_of_false_alarm: float
) -> float:
    """Cost of an item on average, as a share of the cheaper of opening every item and opening none.

    Below 1 the model is worth its alarms; above, the administration does better without it.

    Source:
        Normalised expected cost of Drummond and Holte 2006, Machine Learning 65:95, section 2.
    """
    _rates(pd, pfa, prevalence)
    if cost_of_miss <= 0 or cost_of_false_alarm <= 0:
        raise BadValue(f"Costs of {cost_of_miss:g} and {cost_of_false_alarm:g}: both above 0 are right.")
    misses = cost_of_miss * prevalence
    false_alarms = cost_of_false_alarm * (1.0 - prevalence)
    least = min(misses, false_alarms)
    return (misses * (1.0 - pd) + false_alarms * pfa) / least if least > 0 else math.nan


def cost_interval(
    pd: float,
    pd_ends: Interval,
    pfa: float,
    pfa_ends: Interval,
    *,
    prevalence: float,
    cost_of_miss: float,
    cost_of_false_alarm: float = 1.0,
) -> Interval:
    """Interval of `expected_cost` from those of pd and pfa at one threshold, for the threshold as set."""
    if math.isnan(pd) or math.isnan(pfa):
        return undefined("no pd or no pfa")
    misses, false_alarms = cost_of_miss * prevalence, cost_of_false_alarm * (1.0 - prevalence)
    least = min(misses, false_alarms)
    a, b = misses / least, false_alarms / least
    miss = (a * (1.0 - pd), a * (1.0 - pd_ends.high), a * (1.0 - pd_ends.low))
    low, high = sum_interval([miss, (b * pfa, b * pfa_ends.low, b * pfa_ends.high)])
    return Interval(max(0.0, low), high, "MOVER of the Wilson intervals of pd and pfa, threshold as set")


def workload_saved(
    threat_scores: ArrayLike, benign_scores: ArrayLike, *, max_miss: float, level: float = 0.95
) -> Workload:
    """The largest share of benign items that can be cleared unseen while the miss rate is shown to stay within a bound.

    Items below a threshold are cleared. The highest threshold is taken whose cleared threat items have an upper
    Clopper-Pearson bound of at most `max_miss`, so a small test set saves nothing however good the model is: 59 threat
    items without a miss show 0.05. How many threats may be missed follows from their number alone, so the bound holds for
    the threshold that these same threats set (a tolerance limit); the benign items have no part in it.

    Args:
        threat_scores: Shape (n_threats,).
        benign_scores: Shape (n_benign,).
        max_miss: Miss rate that the bound may reach, in (0, 1).
        level: One-sided confidence of the bound.
    """
    _checks.level(level)
    if not 0.0 < max_miss < 1.0:
        raise BadValue(f"max_miss: {max_miss:g} is not between 0 and 1.")
    threats = np.sort(_checks.vector(threat_scores, "threat_scores"))
    benign = _checks.vector(benign_scores, "benign_scores")
    if not len(threats) or not len(benign):
        return Workload(math.nan, math.nan, math.nan, math.nan, "no item with a threat, or no benign item")
    if clopper_pearson_upper(0, len(threats), level=level) > max_miss:
        why = f"{len(threats)} threat items are too few to show a miss rate of {max_miss:g}"
        return Workload(math.nan, math.nan, math.nan, math.nan, why)
    allowed = 0
    while allowed < len(threats) - 1 and clopper_pearson_upper(allowed + 1, len(threats), level=level) <= max_miss:
        allowed += 1
    threshold = float(threats[allowed])  # as many score below it at most: a tie at the threshold is kept
    n_missed = int((threats < threshold).sum())
    return Workload(
        threshold,
        float((benign < threshold).mean()),
        n_missed / len(threats),
        clopper_pearson_upper(n_missed, len(threats), level=level),
    )


def _rates(pd: float, pfa: float, prevalence: float) -> None:
    for name, share in (("pd", pd), ("pfa", pfa)):
        if share < 0 or share > 1:
            raise BadValue(f"{name}: {share:g} is not in [0, 1].")
    if not 0.0 < prevalence < 1.0:
        raise BadValue(f"prevalence: {prevalence:g} is not between 0 and 1.")


# The metrics of the catalogue: scores in, one number out, on the assumptions that a task declares.


def d_prime_at(threat_scores: ArrayLike, benign_scores: ArrayLike, threshold: float) -> float:
    """`d_prime` of the alarms at a threshold. NaN without an item of either kind, or without a threshold."""
    return d_a_at(threat_scores, benign_scores, threshold, slope=1.0)


def d_a_at(threat_scores: ArrayLike, benign_scores: ArrayLike, threshold: float, *, slope: float = D_A_SLOPE) -> float:
    """`d_a` of the alarms at a threshold. NaN without an item of either kind, or without a threshold."""
    threat, benign = _checks.vector(threat_scores, "threat_scores"), _checks.vector(benign_scores, "benign_scores")
    if math.isnan(threshold):
        return math.nan
    found, false = int((threat >= threshold).sum()), int((benign >= threshold).sum())
    return d_a(found, len(threat), false, len(benign), slope=slope)


def expected_cost_at(
    threat_scores: ArrayLike,
    benign_scores: ArrayLike,
    threshold: float,
    *,
    prevalence: float = PREVALENCE,
    cost_of_miss: float = COST_OF_MISS,
) -> float:
    """`expected_cost` at a threshold. NaN without an item of either kind, or without a threshold."""
    pd, pfa = _rates_at(threat_scores, benign_scores, threshold)
    return expected_cost(pd, pfa, prevalence=prevalence, cost_of_miss=cost_of_miss, cost_of_false_alarm=1.0)


def precision_at(
    threat_scores: ArrayLike, benign_scores: ArrayLike, threshold: float, *, prevalence: float = PREVALENCE
) -> float:
    """`precision_at_prevalence` of a threshold. NaN without an item of either kind, an alarm or a threshold."""
    return precision_at_prevalence(*_rates_at(threat_scores, benign_scores, threshold), prevalence=prevalence)


def saved_at_bound(threat_scores: ArrayLike, benign_scores: ArrayLike, *, max_miss: float = MAX_MISS) -> float:
    """`saved` of `workload_saved`. NaN without an item of either kind, or with too few threats to show the bound."""
    return workload_saved(threat_scores, benign_scores, max_miss=max_miss).saved


def _rates_at(threat_scores: ArrayLike, benign_scores: ArrayLike, threshold: float) -> tuple[float, float]:
    threat, benign = _checks.vector(threat_scores, "threat_scores"), _checks.vector(benign_scores, "benign_scores")
    if math.isnan(threshold) or not len(threat) or not len(benign):
        return math.nan, math.nan
    return float((threat >= threshold).mean()), float((benign >= threshold).mean())
