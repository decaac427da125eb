"""Costs, precision and workload at a lane's prevalence, on published and hand-checked numbers."""

import math

import numpy as np
import pytest
from scipy import stats

from xraybench.core.errors import BadValue
from xraybench.metrics import decisions


@pytest.mark.parametrize(("pd", "pfa", "expected"), [(0.95, 0.004, 0.19), (0.90, 0.06, 0.015)])
def test_precision_at_one_threat_in_a_thousand(pd: float, pfa: float, expected: float) -> None:
    assert decisions.precision_at_prevalence(pd, pfa, prevalence=0.001) == pytest.approx(expected, rel=0.02)


def test_without_an_alarm_there_is_no_precision() -> None:
    assert math.isnan(decisions.precision_at_prevalence(0.0, 0.0, prevalence=0.01))
    assert math.isnan(decisions.precision_at_prevalence(math.nan, 0.1, prevalence=0.01))


def test_d_prime_is_the_distance_of_two_normal_laws() -> None:
    n = 2_000_000
    found, false = round(n * stats.norm.cdf(1.5 - 0.4)), round(n * stats.norm.cdf(-0.4))
    assert decisions.d_prime(found, n, false, n) == pytest.approx(1.5, abs=1e-4)


def test_d_a_is_the_distance_in_units_of_the_mean_variance() -> None:
    """Benign N(0, 1), threats N(2, 2^2): s = 1 / 2, d_a = 2 / sqrt((1 + 4) / 2), whatever the criterion."""
    n = 4_000_000
    for criterion in (0.5, 1.0, 2.0):
        found = round(n * stats.norm.sf(criterion, loc=2, scale=2))
        false = round(n * stats.norm.sf(criterion))
        assert decisions.d_a(found, n, false, n, slope=0.5) == pytest.approx(2 / math.sqrt(2.5), abs=1e-3)


def test_all_found_and_no_false_alarm_stays_finite() -> None:
    assert decisions.d_prime(30, 30, 0, 60) == pytest.approx(stats.norm.ppf(30.5 / 31) - stats.norm.ppf(0.5 / 61))
    assert math.isnan(decisions.d_a(0, 0, 1, 10))


def test_opening_nothing_or_everything_costs_one_at_best() -> None:
    costs = {"prevalence": 0.01, "cost_of_miss": 100.0, "cost_of_false_alarm": 1.0}
    assert min(decisions.expected_cost(0, 0, **costs), decisions.expected_cost(1, 1, **costs)) == pytest.approx(1.0)
    assert decisions.expected_cost(1.0, 0.0, **costs) == 0.0
    assert decisions.expected_cost(0.8, 0.05, **costs) == pytest.approx((100 * 0.01 * 0.2 + 0.99 * 0.05) / 0.99)


def test_fifty_nine_threats_without_a_miss_clear_what_scores_below_all_of_them() -> None:
    benign = np.linspace(0.0, 1.0, 101)
    found = decisions.workload_saved(np.full(59, 0.5), benign, max_miss=0.05)
    assert found.threshold == 0.5
    assert found.saved == pytest.approx(50 / 101)
    assert found.miss_rate == 0.0 and found.miss_rate_high == pytest.approx(1 - 0.05 ** (1 / 59))


def test_fifty_eight_threats_cannot_show_a_twentieth() -> None:
    found = decisions.workload_saved(np.full(58, 0.9), [0.1, 0.2], max_miss=0.05)
    assert math.isnan(found.saved) and "58 threat items are too few" in found.reason


def test_the_bound_holds_and_one_more_miss_would_break_it() -> None:
    rng = np.random.default_rng(3)
    threats, benign = rng.normal(2, 1, 400), rng.normal(0, 1, 400)
    found = decisions.workload_saved(threats, benign, max_miss=0.05)
    missed = round(found.miss_rate * 400)
    assert missed == (threats < found.threshold).sum()
    assert stats.beta.ppf(0.95, missed + 1, 400 - missed) <= 0.05 < stats.beta.ppf(0.95, missed + 2, 400 - missed - 1)
    assert found.saved == (benign < found.threshold).mean()


@pytest.mark.parametrize(
    "call",
    [
        lambda: decisions.d_a(3, 2, 0, 1),
        lambda: decisions.precision_at_prevalence(0.5, 0.5, prevalence=0.0),
        lambda: decisions.precision_at_prevalence(1.5, 0.5, prevalence=0.1),
        lambda: decisions.expected_cost(0.5, 0.5, prevalence=0.1, cost_of_miss=0, cost_of_false_alarm=1),
        lambda: decisions.workload_saved([1.0], [0.0], max_miss=1.0),
    ],
)
def test_impossible_shares_are_refused(call) -> None:
    with pytest.raises(BadValue):
        call()
