"""Intervals of a proportion against scipy, hand-worked numbers, and the honest treatment of clusters."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from xraybench.core.errors import BadValue
from xraybench.metrics.intervals import (
    clopper_pearson_lower,
    clopper_pearson_upper,
    clustered_wilson,
    design_effect,
    wilson,
)
from xraybench.metrics.screening import MIN_THREATS

counts = st.integers(0, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(counts.filter(lambda kn: kn[1] > 0), st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_wilson_agrees_with_scipy(kn: tuple[int, int], level: float) -> None:
    k, n = kn
    judge = stats.binomtest(k, n).proportion_ci(level, method="wilson")
    ours = wilson(k, n, level=level)
    assert (ours.low, ours.high) == pytest.approx((judge.low, judge.high), abs=1e-12)
    assert 0 <= ours.low <= k / n <= ours.high <= 1


@given(counts.filter(lambda kn: kn[1] > 0), st.sampled_from([0.8, 0.95, 0.99]))
def test_clopper_pearson_bounds_agree_with_scipy(kn: tuple[int, int], level: float) -> None:
    k, n = kn
    lower = stats.binomtest(k, n, alternative="greater").proportion_ci(level).low
    upper = stats.binomtest(k, n, alternative="less").proportion_ci(level).high
    assert clopper_pearson_lower(k, n, level=level) == pytest.approx(lower, abs=1e-12)
    assert clopper_pearson_upper(k, n, level=level) == pytest.approx(upper, abs=1e-12)


def test_wilson_of_nine_in_ten_is_the_textbook_interval() -> None:
    ours = wilson(9, 10)
    assert (ours.low, ours.high) == pytest.approx((0.5958, 0.9821), abs=1e-4)


def test_half_widths_at_pd_090_are_those_of_the_sample_size_table() -> None:
    widths = [(lambda i: (i.high - i.low) / 2)(wilson(round(0.9 * n), n)) for n in (30, 100, 300, 1000)]
    assert widths == pytest.approx([0.111, 0.060, 0.034, 0.019], abs=6e-4)


def test_29_threats_without_a_miss_are_just_enough_to_claim_pd_090() -> None:
    assert clopper_pearson_lower(MIN_THREATS, MIN_THREATS) >= 0.90
    assert clopper_pearson_lower(MIN_THREATS - 1, MIN_THREATS - 1) < 0.90


def test_59_benign_items_without_an_alarm_are_just_enough_to_claim_pfa_005() -> None:
    assert clopper_pearson_upper(0, 59) <= 0.05 < clopper_pearson_upper(0, 58)


def test_no_items_give_an_undefined_interval_with_its_reason() -> None:
    assert math.isnan(wilson(0, 0).low) and math.isnan(wilson(0, 0).high)
    assert wilson(0, 0).method == "undefined: no items"
    assert math.isnan(clopper_pearson_lower(0, 0)) and math.isnan(clopper_pearson_upper(0, 0))


def test_more_found_than_there_are_is_refused() -> None:
    with pytest.raises(BadValue, match="5 of 4"):
        wilson(5, 4)


def test_a_level_in_percent_is_refused() -> None:
    with pytest.raises(BadValue, match="95 is not between 0 and 1"):
        wilson(1, 2, level=95)


def test_one_row_an_item_is_plain_wilson() -> None:
    values = np.array([1, 1, 0, 1, 0, 1])
    plain, ours = wilson(4, 6), clustered_wilson(values, np.arange(6))
    assert (ours.low, ours.high) == (plain.low, plain.high)


def test_every_item_counted_twice_is_no_more_certain_than_once() -> None:
    values = np.random.default_rng(0).random(300) < 0.8
    twice = clustered_wilson(np.repeat(values, 2), np.repeat(np.arange(300), 2))
    once = wilson(int(values.sum()), 300)
    assert (twice.low, twice.high) == pytest.approx((once.low, once.high), abs=2e-4)


def test_all_found_in_clusters_counts_clusters_not_rows() -> None:
    ours = clustered_wilson(np.ones(60), np.repeat(np.arange(30), 2))
    assert ours.low == pytest.approx(wilson(30, 30).low)


def test_the_design_effect_is_one_plus_m_less_one_times_the_correlation() -> None:
    rng = np.random.default_rng(1)
    n_clusters, m, correlation = 20000, 5, 0.4
    copies = rng.random((n_clusters, m)) < np.sqrt(correlation)  # a row copies its cluster's draw with this chance
    own, common = rng.random((n_clusters, m)) < 0.7, rng.random((n_clusters, 1)) < 0.7
    rows = np.where(copies, common, own).astype(float)
    ours = design_effect(rows.ravel(), np.repeat(np.arange(n_clusters), m))
    assert ours == pytest.approx(1 + (m - 1) * correlation, rel=0.03)


def test_the_design_effect_never_narrows_an_interval() -> None:
    alternating = np.tile([0.0, 1.0], 50)
    assert design_effect(alternating, np.repeat(np.arange(50), 2)) == 1.0


def test_the_design_effect_of_nothing_is_undefined() -> None:
    assert math.isnan(design_effect([], []))
    assert math.isnan(clustered_wilson([], []).low)
