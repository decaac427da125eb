"""Rank sets, bands of ties, paired differences, McNemar and the minimum detectable difference."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from xraybench.core.errors import BadValue
from xraybench.core.types import FloatArray
from xraybench.metrics.ranks import (
    RankSets,
    holm,
    mcnemar_exact,
    minimum_detectable_difference,
    pairwise_differences,
    rank_sets,
    threats_needed,
    tie_bands,
    tie_groups,
)


def normal_replicates(estimates: list[float], error: float, *, n: int = 4000, seed: int = 0) -> FloatArray:
    """What resampling vendors with these estimates and independent errors would give."""
    rng = np.random.default_rng(seed)
    return np.asarray(estimates) + error * rng.normal(size=(n, len(estimates)))


def sets_of(*ends: tuple[int, int]) -> RankSets:
    low, high = (np.array(side) for side in zip(*ends, strict=True))
    return RankSets(rank=low, low=low, high=high, level=0.95, is_simultaneous=True)


def told(sets: RankSets) -> list[tuple[int, int]]:
    return list(zip(sets.low.tolist(), sets.high.tolist(), strict=True))


def test_vendors_far_apart_have_one_rank_each() -> None:
    estimates = [0.5, 0.9, 0.7]
    sets = rank_sets(estimates, normal_replicates(estimates, 0.01))
    assert told(sets) == [(3, 3), (1, 1), (2, 2)]
    assert sets.rank.tolist() == [3, 1, 2]


def test_vendors_within_their_errors_may_have_any_rank() -> None:
    estimates = [0.80, 0.81, 0.79]
    assert told(rank_sets(estimates, normal_replicates(estimates, 0.05))) == [(1, 3)] * 3


def test_a_latency_is_better_when_lower() -> None:
    estimates = [20.0, 10.0]
    assert told(rank_sets(estimates, normal_replicates(estimates, 0.5), better="lower")) == [(2, 2), (1, 1)]


def test_shared_errors_do_not_blur_a_paired_difference() -> None:
    shared = 0.1 * np.random.default_rng(1).normal(size=(2000, 1))
    estimates = np.array([0.80, 0.82])
    replicates = estimates + shared + 0.002 * np.random.default_rng(2).normal(size=(2000, 2))
    assert told(rank_sets(estimates, replicates)) == [(2, 2), (1, 1)]


def test_clones_are_tied_with_each_other_whatever_else_is_on_the_board() -> None:
    replicates = normal_replicates([0.9, 0.6], 0.01)
    sets = rank_sets([0.9, 0.9, 0.6], replicates[:, [0, 0, 1]])
    assert told(sets) == [(1, 2), (1, 2), (3, 3)]


def test_the_single_pair_is_the_two_sided_normal_test() -> None:
    replicates = normal_replicates([0.0, 0.0], 1.0, n=40000)
    critical = stats.norm.ppf(0.975) * math.sqrt(2)  # the spread of a difference of two unit errors
    for gap, is_shown in ((critical * 0.97, False), (critical * 1.03, True)):
        assert (told(rank_sets([gap, 0.0], replicates)) == [(1, 1), (2, 2)]) is is_shown


def test_the_critical_value_of_many_vendors_is_the_studentised_range() -> None:
    # the largest of all pairwise differences, over sqrt(2): Tukey's studentised range with known variance
    replicates = normal_replicates([0.0] * 6, 1.0, n=40000)
    critical = stats.studentized_range.ppf(0.95, 6, 1e6)
    estimates = np.array([0.0, 0, 0, 0, 0, critical * 0.98])
    assert told(rank_sets(estimates, replicates))[5] == (1, 6)
    estimates[5] = critical * 1.02
    assert told(rank_sets(estimates, replicates))[5] == (1, 1)


def test_stepdown_shows_more_once_the_clear_pairs_are_answered() -> None:
    replicates = normal_replicates([0.0] * 5, 1.0, n=40000)
    gap = 3.75
    assert gap < stats.studentized_range.ppf(0.95, 5, 1e6)  # too little for one step over all pairs
    assert told(rank_sets([0.0, 0.0, 0.0, 0.0, gap], replicates))[4] == (1, 5)
    assert told(rank_sets([0.0, 100.0, 200.0, 300.0, 300.0 + gap], replicates))[3:] == [(2, 2), (1, 1)]


def test_marginal_sets_are_never_wider_than_simultaneous_ones() -> None:
    estimates = [0.0, 1.0, 2.0, 3.0, 4.0]
    replicates = normal_replicates(estimates, 0.8)
    wide, narrow = rank_sets(estimates, replicates), rank_sets(estimates, replicates, simultaneous=False)
    assert (narrow.low >= wide.low).all() and (narrow.high <= wide.high).all()
    assert (narrow.high - narrow.low).sum() < (wide.high - wide.low).sum()


@given(st.permutations(range(5)))
def test_the_order_of_vendors_does_not_change_their_sets(order: list[int]) -> None:
    estimates = np.array([0.70, 0.72, 0.75, 0.90, 0.71])
    replicates = normal_replicates(estimates.tolist(), 0.012, n=500)
    straight, shuffled = rank_sets(estimates, replicates), rank_sets(estimates[order], replicates[:, order])
    assert told(shuffled) == [told(straight)[i] for i in order]


@given(st.lists(st.integers(0, 50), min_size=2, max_size=7), st.integers(0, 5))
def test_a_set_holds_its_own_rank_and_a_better_estimate_has_no_worse_rank(marks: list[int], seed: int) -> None:
    estimates = [mark / 50 for mark in marks]
    sets = rank_sets(estimates, normal_replicates(estimates, 0.1, n=200, seed=seed))
    assert (sets.low <= sets.rank).all() and (sets.rank <= sets.high).all()
    assert (sets.low >= 1).all() and (sets.high <= len(marks)).all()
    assert sets.rank.tolist() == stats.rankdata([-e for e in estimates], method="min").astype(int).tolist()


def test_one_vendor_alone_is_first() -> None:
    assert told(rank_sets([0.7], normal_replicates([0.7], 0.1))) == [(1, 1)]


def test_a_missing_result_is_refused_not_skipped() -> None:
    with pytest.raises(BadValue, match="estimates: 1 of 2 are NaN"):
        rank_sets([0.7, math.nan], np.zeros((10, 2)))


def test_overlapping_sets_share_a_band_and_separate_ones_do_not() -> None:
    assert tie_bands(sets_of((1, 2), (4, 5), (1, 2), (3, 3), (4, 5))).tolist() == [1, 3, 1, 2, 3]


def test_a_chain_of_overlaps_is_one_band() -> None:
    chain = sets_of((1, 2), (1, 3), (2, 3))
    assert tie_bands(chain).tolist() == [1, 1, 1]
    assert tie_groups(chain) == ((0, 1, 2),)


def test_groups_are_all_tied_with_each_other() -> None:
    assert tie_groups(sets_of((1, 1), (2, 3), (2, 4), (4, 4))) == ((0,), (1, 2), (2, 3))


def test_a_paired_difference_is_the_normal_test_on_its_spread() -> None:
    estimates = [0.80, 0.76, 0.70]
    replicates = normal_replicates(estimates, 0.02)
    first = pairwise_differences(estimates, replicates)[0]
    error = (replicates[:, 0] - replicates[:, 1]).std(ddof=1)
    assert (first.first, first.second) == (0, 1)
    assert first.difference == pytest.approx(0.04)
    assert (first.low, first.high) == pytest.approx((0.04 - 1.96 * error, 0.04 + 1.96 * error), abs=1e-5)
    assert first.p == pytest.approx(2 * stats.norm.sf(0.04 / error))


def test_every_pair_is_told_once_and_clones_differ_by_nothing() -> None:
    replicates = normal_replicates([0.8, 0.6], 0.02)
    pairs = pairwise_differences([0.8, 0.8, 0.6], replicates[:, [0, 0, 1]])
    assert [(d.first, d.second) for d in pairs] == [(0, 1), (0, 2), (1, 2)]
    assert (pairs[0].difference, pairs[0].low, pairs[0].high, pairs[0].p) == (0, 0, 0, 1)


def test_holm_of_a_hand_checked_example() -> None:
    # 0.01 x 4; 0.02 x 3; 0.03 x 2; 0.04 x 1 raised to the one before
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_lies_between_the_raw_p_and_bonferroni(p: list[float]) -> None:
    adjusted = holm(p)
    assert (adjusted >= np.array(p) - 1e-12).all()
    assert (adjusted <= np.minimum(1, np.array(p) * len(p)) + 1e-12).all()


@given(st.integers(0, 30), st.integers(0, 30))
def test_mcnemar_is_the_binomial_test_of_the_discordant_items(only_first: int, only_second: int) -> None:
    first = np.repeat([True, False, True, False], [only_first, only_second, 5, 4])
    second = np.repeat([False, True, True, False], [only_first, only_second, 5, 4])
    ours = mcnemar_exact(first, second)
    assert (ours.only_first, ours.only_second) == (only_first, only_second)
    n = only_first + only_second
    assert ours.p == pytest.approx(stats.binomtest(only_first, n).pvalue if n else 1.0)


@pytest.mark.parametrize(
    ("difference", "discordance", "paired", "holm_of_ten"),
    [(0.05, 0.07, 217, 467), (0.02, 0.04, 782, 1679), (0.02, 0.07, 1371, 2941), (0.01, 0.03, 2352, 5045)],
)
def test_threats_needed_are_those_of_the_published_sample_size_formula(
    difference: float, discordance: float, paired: int, holm_of_ten: int
) -> None:
    alone = threats_needed(difference, discordance=discordance)
    among_ten = threats_needed(difference, discordance=discordance, n_comparisons=45)
    assert alone == pytest.approx(paired, abs=1)
    assert among_ten == pytest.approx(holm_of_ten, abs=2)


@given(st.floats(0.005, 0.15), st.floats(0.16, 0.5))
def test_the_minimum_detectable_difference_undoes_the_sample_size(difference: float, discordance: float) -> None:
    n_threats = threats_needed(difference, discordance=discordance)
    found = minimum_detectable_difference(n_threats, pd=0.8, discordance=discordance)
    assert found <= difference
    coarser = minimum_detectable_difference(n_threats - 2, pd=0.8, discordance=discordance)
    assert math.isnan(coarser) or coarser > difference - 1e-9


def test_300_threats_cannot_order_vendors_two_points_apart() -> None:
    assert minimum_detectable_difference(300, pd=0.90, discordance=0.07) > 0.02


def test_vendors_whose_misses_have_nothing_in_common_are_the_default() -> None:
    default = minimum_detectable_difference(300, pd=0.9)
    assert default == pytest.approx(minimum_detectable_difference(300, pd=0.9, discordance=0.18))
    assert 0.065 < default < 0.07


def test_clusters_and_many_vendors_make_the_detectable_difference_larger() -> None:
    plain = minimum_detectable_difference(300, pd=0.9)
    assert minimum_detectable_difference(300, pd=0.9, design_effect=2) > plain
    assert minimum_detectable_difference(300, pd=0.9, n_comparisons=45) > plain


@pytest.mark.parametrize("n_threats", [0, 1, 3, 8])
def test_a_handful_of_threats_can_show_no_difference_at_all(n_threats: int) -> None:
    assert math.isnan(minimum_detectable_difference(n_threats, pd=0.9, discordance=0.1))


def test_the_detectable_difference_is_shown_as_often_as_promised() -> None:
    rng = np.random.default_rng(0)
    n, apart = 400, 0.12
    difference = minimum_detectable_difference(n, pd=0.85, discordance=apart)
    shares = [(apart + difference) / 2, (apart - difference) / 2, 1 - apart]
    drawn = rng.multinomial(n, shares, size=20000)
    z = (drawn[:, 0] - drawn[:, 1]) / np.sqrt(drawn[:, 0] + drawn[:, 1])  # McNemar without continuity correction
    assert (np.abs(z) > 1.96).mean() == pytest.approx(0.80, abs=0.02)
