"""Quantiles of latency and their order-statistic intervals."""

import math

import numpy as np
import pytest
from scipy import stats

from xraybench.core.errors import BadValue
from xraybench.metrics.speed import (
    latency_p50_ms,
    latency_p95_ms,
    latency_p99_ms,
    latency_quantile_ms,
    quantile_interval,
)

HUNDRED = np.random.default_rng(0).permutation(np.arange(1.0, 101))


def test_quantiles_are_observed_latencies() -> None:
    assert (latency_p50_ms(HUNDRED), latency_p95_ms(HUNDRED), latency_p99_ms(HUNDRED)) == (50, 95, 99)


def test_the_median_interval_of_a_hundred_scans_is_the_textbook_one() -> None:
    # Hollander, Wolfe & Chicken: the 40th and 61st of 100 ordered values hold the median with 96.5 %
    ours = quantile_interval(HUNDRED, 0.5)
    assert (ours.low, ours.high) == (40, 61)


@pytest.mark.parametrize(("n", "share"), [(30, 0.5), (100, 0.5), (200, 0.95), (1000, 0.99)])
def test_the_interval_covers_by_the_binomial_distribution(n: int, share: float) -> None:
    ours = quantile_interval(np.arange(1.0, n + 1), share)
    below, above = int(ours.low), int(ours.high)
    assert stats.binom.cdf(above - 1, n, share) - stats.binom.cdf(below - 1, n, share) >= 0.95
    assert stats.binom.cdf(below, n, share) > 0.025  # one order statistic nearer would no longer do
    assert stats.binom.cdf(above - 2, n, share) < 0.975


@pytest.mark.parametrize(("share", "least"), [(0.95, 72), (0.99, 368)])
def test_too_few_scans_leave_the_upper_end_undefined(share: float, least: int) -> None:
    assert not math.isnan(quantile_interval(np.arange(float(least)), share).high)
    short = quantile_interval(np.arange(float(least - 1)), share)
    assert math.isnan(short.high) and "too few scans" in short.method


def test_no_scans_are_undefined() -> None:
    assert math.isnan(latency_p50_ms([])) and math.isnan(quantile_interval([], 0.5).low)


def test_a_negative_latency_is_refused() -> None:
    with pytest.raises(BadValue, match="-1 is negative"):
        latency_p50_ms([3.0, -1.0])


def test_a_quantile_in_percent_is_refused() -> None:
    with pytest.raises(BadValue, match="95 is not between 0 and 1"):
        latency_quantile_ms(HUNDRED, 95)
