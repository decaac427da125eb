"""The resampling engine: weights are repetition, clusters stay whole, vendors share one matrix."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from xraybench.core.errors import BadValue
from xraybench.core.types import BoolArray, FloatArray
from xraybench.metrics.calibration import brier, ece, equal_mass_bins
from xraybench.metrics.resampling import (
    bootstrap_interval,
    cluster_weights,
    ece_interval,
    weighted_auroc,
    weighted_average_precision,
    weighted_brier,
    weighted_ece,
    weighted_mean,
)
from xraybench.metrics.screening import auroc, average_precision, delong

tied_rows = st.lists(st.tuples(st.booleans(), st.integers(0, 6), st.integers(0, 3)), min_size=1, max_size=40)


def repeated(rows: list[tuple[bool, int, int]]) -> tuple[FloatArray, FloatArray, BoolArray, FloatArray, BoolArray]:
    """One row of weights, its scores and truths, and the same with each row written out as often as its weight."""
    is_threat, scores, weights = (np.array(column) for column in zip(*rows, strict=True))
    scores = scores / 6
    drawn = np.repeat(np.arange(len(scores)), weights)
    return weights[None].astype(np.float32), scores, is_threat, scores[drawn], is_threat[drawn]


@given(tied_rows)
def test_a_weight_of_three_is_an_item_written_three_times(rows: list[tuple[bool, int, int]]) -> None:
    weights, scores, is_threat, long_scores, long_truth = repeated(rows)
    same = {"abs": 1e-6, "nan_ok": True}
    by_hand = auroc(long_scores[long_truth], long_scores[~long_truth])
    assert weighted_auroc(weights, scores, is_threat)[0] == pytest.approx(by_hand, **same)
    by_hand = average_precision(long_truth, long_scores)
    assert weighted_average_precision(weights, scores, is_threat)[0] == pytest.approx(by_hand, **same)
    assert weighted_brier(weights, scores, is_threat)[0] == pytest.approx(brier(long_truth, long_scores), **same)
    mean = long_scores.mean() if len(long_scores) else math.nan
    assert weighted_mean(weights, scores)[0] == pytest.approx(mean, **same)


@given(tied_rows)
def test_a_weight_is_repetition_for_the_calibration_error_in_the_bins_of_the_sample(
    rows: list[tuple[bool, int, int]],
) -> None:
    weights, scores, is_threat, long_scores, long_truth = repeated(rows)
    bins = np.repeat(equal_mass_bins(scores, n_bins=5), weights[0].astype(int))
    by_hand = ece(long_truth, long_scores, n_bins=5, bins=bins)
    assert weighted_ece(weights, scores, is_threat, n_bins=5)[0] == pytest.approx(by_hand, abs=1e-6, nan_ok=True)


def test_every_replicate_draws_as_many_clusters_of_each_stratum_as_there_are() -> None:
    strata = np.arange(50) < 12
    weights = cluster_weights(np.arange(50), strata, n_replicates=200, seed=0)
    assert (weights[:, strata].sum(axis=1) == 12).all()
    assert (weights[:, ~strata].sum(axis=1) == 38).all()
    assert (weights == np.round(weights)).all()


def test_rows_of_one_item_are_drawn_together() -> None:
    ids = np.array(["b", "a", "b", "c", "a", "b"])
    weights = cluster_weights(ids, np.zeros(6), n_replicates=50, seed=0)
    assert (weights[:, 0] == weights[:, 2]).all() and (weights[:, 0] == weights[:, 5]).all()
    assert (weights[:, 1] == weights[:, 4]).all()
    assert (weights[:, [0, 1, 3]].sum(axis=1) == 3).all()


def test_a_draw_follows_the_item_and_not_the_order_of_rows() -> None:
    ids, strata = np.array([f"item-{i}" for i in range(40)]), np.arange(40) % 3 == 0
    order = np.random.default_rng(1).permutation(40)
    straight = cluster_weights(ids, strata, n_replicates=30, seed=7)
    shuffled = cluster_weights(ids[order], strata[order], n_replicates=30, seed=7)
    assert (straight[:, order] == shuffled).all()


def test_the_same_seed_gives_the_same_draws_and_another_seed_others() -> None:
    args = np.arange(20), np.zeros(20)
    assert (cluster_weights(*args, n_replicates=9, seed=1) == cluster_weights(*args, n_replicates=9, seed=1)).all()
    assert (cluster_weights(*args, n_replicates=9, seed=1) != cluster_weights(*args, n_replicates=9, seed=2)).any()


def test_draws_are_those_of_a_multinomial() -> None:
    weights = cluster_weights(np.arange(10), np.zeros(10), n_replicates=20000, seed=3)
    seen = np.bincount(weights.ravel().astype(int), minlength=5)[:5] / weights.size
    assert seen == pytest.approx(stats.binom.pmf(np.arange(5), 10, 0.1), abs=4e-3)
    assert np.corrcoef(weights.T)[0, 1] == pytest.approx(-1 / 9, abs=0.02)


def test_an_item_that_is_both_threat_and_benign_is_refused_by_name() -> None:
    with pytest.raises(BadValue, match="Cluster parcel-2 has rows in two strata"):
        cluster_weights(["parcel-1", "parcel-2", "parcel-2"], [0, 0, 1], seed=0)


def test_weights_for_other_rows_are_refused() -> None:
    with pytest.raises(BadValue, match=r"shape \(4, 3\) for 2 rows"):
        weighted_mean(np.ones((4, 3)), [0.1, 0.2])


def test_the_bootstrap_agrees_with_scipy_on_paired_differences() -> None:
    rng = np.random.default_rng(5)
    first, second = rng.random(120) < 0.9, rng.random(120) < 0.8
    weights = cluster_weights(np.arange(120), np.zeros(120), n_replicates=4000, seed=5)
    drawn = weighted_mean(weights, first) - weighted_mean(weights, second)
    ours = bootstrap_interval(drawn, value=first.mean() - second.mean())
    judge = stats.bootstrap(
        (first, second),
        lambda a, b, axis: a.mean(axis=axis) - b.mean(axis=axis),
        paired=True,
        n_resamples=4000,
        method="percentile",
        rng=rng,
    ).confidence_interval
    assert (ours.low, ours.high) == pytest.approx((judge.low, judge.high), abs=0.012)


def test_bootstrap_and_delong_agree_on_the_spread_of_auroc() -> None:
    rng = np.random.default_rng(6)
    is_threat = np.arange(600) < 200
    scores = rng.normal(loc=1.0 * is_threat)
    weights = cluster_weights(np.arange(600), is_threat, n_replicates=3000, seed=6)
    spread = weighted_auroc(weights, scores, is_threat).std()
    error = math.sqrt(delong(scores[is_threat, None], scores[~is_threat, None]).covariance[0, 0])
    assert spread == pytest.approx(error, rel=0.06)


def test_counting_an_item_twice_does_not_narrow_its_interval() -> None:
    found = np.random.default_rng(7).random(200) < 0.85
    once = cluster_weights(np.arange(200), np.zeros(200), seed=7)
    twice = cluster_weights(np.repeat(np.arange(200), 2), np.zeros(400), seed=7)
    assert weighted_mean(once, found) == pytest.approx(weighted_mean(twice, np.repeat(found, 2)))


def test_a_sample_without_an_error_has_no_bootstrap_interval() -> None:
    ours = bootstrap_interval(np.ones(1000), value=1.0)
    assert math.isnan(ours.low) and math.isnan(ours.high) and "do not vary" in ours.method


def test_up_to_one_replicate_in_a_hundred_may_be_undefined() -> None:
    replicates = np.linspace(0, 1, 1000)
    replicates[:10] = math.nan
    assert not math.isnan(bootstrap_interval(replicates, value=0.5).low)
    replicates[:11] = math.nan
    assert "11 of 1000 replicates are undefined" in bootstrap_interval(replicates, value=0.5).method


def test_the_percentile_interval_cuts_the_same_share_at_both_ends() -> None:
    ours = bootstrap_interval(np.arange(1001.0), value=500, level=0.9)
    assert (ours.low, ours.high) == pytest.approx((50, 950))


def test_the_logit_interval_stays_inside_0_1_and_reaches_further_away_from_1() -> None:
    replicates = stats.beta(60, 1.5).rvs(4000, random_state=0)
    ours = bootstrap_interval(replicates, value=60 / 61.5, method="logit")
    assert 0 < ours.low < 60 / 61.5 < ours.high < 1
    assert 60 / 61.5 - ours.low > ours.high - 60 / 61.5
    assert "logit scale" in ours.method


def test_the_logit_interval_falls_back_where_a_replicate_is_perfect() -> None:
    ours = bootstrap_interval([0.8, 0.9, 1.0], value=0.9, method="logit")
    assert ours == bootstrap_interval([0.8, 0.9, 1.0], value=0.9)


def test_an_unknown_method_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BadValue, match="percentile, logit"):
        bootstrap_interval([0.8, 0.9], value=0.9, method="bca")


def test_an_undefined_value_has_an_undefined_interval() -> None:
    assert math.isnan(bootstrap_interval(np.arange(9.0), value=math.nan).low)


def test_replicates_of_the_calibration_error_lie_above_it_so_their_percentiles_are_not_used() -> None:
    rng = np.random.default_rng(8)
    scores = rng.random(600)
    is_threat = rng.random(600) < scores
    weights = cluster_weights(np.arange(600), is_threat, seed=8)
    value = ece(is_threat, scores)
    assert np.median(weighted_ece(weights, scores, is_threat)) > value
    ours = ece_interval(weights, scores, is_threat)
    assert ours.low == 0 < value < ours.high  # a calibrated model is not accused


def test_the_calibration_interval_of_a_badly_calibrated_model_excludes_zero() -> None:
    rng = np.random.default_rng(9)
    scores = rng.random(600)
    is_threat = rng.random(600) < scores**3
    ours = ece_interval(cluster_weights(np.arange(600), is_threat, seed=9), scores, is_threat)
    assert 0 < ours.low < 0.25 < ours.high  # the integral of x - x^3 over [0, 1] is 1/4


def test_the_calibration_interval_of_nothing_is_undefined() -> None:
    assert math.isnan(ece_interval(np.ones((5, 0)), [], []).low)
