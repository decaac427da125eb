"""Thresholds, pd, pfa, AUROC, average precision and curves: against scikit-learn, fairlearn, brute force and by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xraybench.core.errors import BadValue
from xraybench.core.types import BoolArray, FloatArray
from xraybench.metrics.resampling import cluster_weights
from xraybench.metrics.screening import (
    alarms,
    auroc,
    auroc_interval,
    average_precision,
    delong,
    partial_auc,
    pd,
    pfa,
    roc_band,
    roc_curve,
    threshold_at_pfa,
)

coarse = st.integers(0, 12).map(lambda k: k / 12)  # few distinct values, so ties are everywhere
some = st.lists(coarse, min_size=1, max_size=40).map(np.array)
shares = st.floats(0, 0.999)


def two_kinds(seed: int, n_threats: int, n_benign: int, step: float = 0.0) -> tuple[FloatArray, BoolArray]:
    """Scores of overlapping kinds, rounded to `step` to make ties."""
    rng = np.random.default_rng(seed)
    is_threat = np.arange(n_threats + n_benign) < n_threats
    scores = 1 / (1 + np.exp(-rng.normal(loc=1.2 * is_threat)))
    return (np.round(scores / step) * step if step else scores), is_threat


@given(some, shares)
def test_a_threshold_never_raises_more_alarms_than_asked(benign: FloatArray, wanted: float) -> None:
    at = threshold_at_pfa(benign, wanted)
    assert (benign >= at).sum() <= math.floor(wanted * len(benign) + 1e-9)


@given(some, shares)
def test_no_smaller_threshold_would_do(benign: FloatArray, wanted: float) -> None:
    just_below = np.nextafter(threshold_at_pfa(benign, wanted), -np.inf)
    assert (benign >= just_below).sum() > math.floor(wanted * len(benign) + 1e-9)


def test_five_of_a_hundred_distinct_scores_alarm_at_pfa_005() -> None:
    benign = np.arange(100) / 100
    assert pfa(benign, threshold_at_pfa(benign, 0.05)) == 0.05


def test_29_of_100_items_may_alarm_at_pfa_029_although_floats_say_28_and_a_bit() -> None:
    benign = np.arange(100) / 100
    assert 0.29 * 100 < 29
    assert (benign >= threshold_at_pfa(benign, 0.29)).sum() == 29


def test_a_tie_that_would_raise_too_many_alarms_is_left_out_whole() -> None:
    benign = np.array([0.9, 0.5, 0.5, 0.5, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1])
    at = threshold_at_pfa(benign, 0.2)
    assert 0.5 < at < 0.5 + 1e-12
    assert pfa(benign, at) == 0.1


def test_too_few_items_for_one_alarm_put_the_threshold_above_all() -> None:
    benign = np.array([0.3, 0.7])
    assert threshold_at_pfa(benign, 0.05) == np.nextafter(0.7, 1)
    assert pfa(benign, threshold_at_pfa(benign, 0.05)) == 0.0


def test_a_score_of_one_everywhere_alarms_nowhere() -> None:
    assert pd(np.ones(5), threshold_at_pfa(np.ones(100), 0.05)) == 0.0


def test_a_threshold_on_float32_scores_holds_for_float32_scores() -> None:
    benign = np.random.default_rng(0).random(1000).astype(np.float32)
    assert alarms(benign, threshold_at_pfa(benign, 0.05)).sum() == 50


def test_without_benign_items_there_is_no_threshold_and_no_pd() -> None:
    at = threshold_at_pfa([], 0.05)
    assert math.isnan(at) and math.isnan(pd([0.5], at)) and math.isnan(pfa([0.5], at))
    assert not alarms([0.5], at).any()


def test_a_pfa_of_one_is_refused() -> None:
    with pytest.raises(BadValue, match="every item alarms"):
        threshold_at_pfa([0.1, 0.2], 1.0)


def test_a_missing_score_is_refused() -> None:
    with pytest.raises(BadValue, match="threat_scores: 1 of 2 are NaN"):
        auroc([0.2, math.nan], [0.1])


def test_an_item_at_the_threshold_alarms() -> None:
    assert pd([0.5, 0.4], 0.5) == 0.5


def test_pd_by_group_is_what_fairlearn_says() -> None:
    from fairlearn.metrics import MetricFrame, false_positive_rate, true_positive_rate

    scores, is_threat = two_kinds(3, 200, 300)
    sensor = np.array(["a", "b", "c"])[np.random.default_rng(3).integers(0, 3, 500)]
    metrics = {"pd": true_positive_rate, "pfa": false_positive_rate}
    judge = MetricFrame(
        metrics=metrics, y_true=is_threat, y_pred=alarms(scores, 0.6), sensitive_features=sensor
    ).by_group
    for name in "abc":
        assert pd(scores[is_threat & (sensor == name)], 0.6) == pytest.approx(judge["pd"][name])
        assert pfa(scores[~is_threat & (sensor == name)], 0.6) == pytest.approx(judge["pfa"][name])


def test_auroc_of_a_hand_checked_example() -> None:
    # 0.8 beats both, 0.5 beats 0.2 and ties with 0.5: (2 + 1.5) of 4 pairs
    assert auroc([0.8, 0.5], [0.5, 0.2]) == 0.875


@given(some, some)
def test_auroc_is_the_share_of_pairs_in_order(threat: FloatArray, benign: FloatArray) -> None:
    pairs = (threat[:, None] > benign) + 0.5 * (threat[:, None] == benign)
    assert auroc(threat, benign) == pytest.approx(pairs.mean())


@given(some, some)
def test_auroc_of_the_negated_scores_is_its_complement(threat: FloatArray, benign: FloatArray) -> None:
    assert auroc(-threat, -benign) == pytest.approx(1 - auroc(threat, benign))


@pytest.mark.parametrize("step", [0.0, 0.05, 0.25])
def test_auroc_average_precision_and_partial_auc_agree_with_scikit_learn(step: float) -> None:
    from sklearn.metrics import average_precision_score, roc_auc_score

    scores, is_threat = two_kinds(5, 120, 400, step)
    threat, benign = scores[is_threat], scores[~is_threat]
    assert auroc(threat, benign) == pytest.approx(roc_auc_score(is_threat, scores))
    assert average_precision(is_threat, scores) == pytest.approx(average_precision_score(is_threat, scores))
    for limit in (0.01, 0.05, 0.1, 1.0):
        judge = roc_auc_score(is_threat, scores, max_fpr=limit)
        assert partial_auc(threat, benign, max_pfa=limit) == pytest.approx(judge)


@pytest.mark.parametrize("step", [0.0, 0.1])
def test_the_roc_curve_agrees_with_scikit_learn(step: float) -> None:
    from sklearn.metrics import roc_curve as judge

    scores, is_threat = two_kinds(6, 50, 70, step)
    false, found, at = judge(is_threat, scores, drop_intermediate=False)
    ours = roc_curve(scores[is_threat], scores[~is_threat])
    assert ours.pfa == pytest.approx(false)
    assert ours.pd == pytest.approx(found)
    assert ours.threshold == pytest.approx(at)


def brute_delong(threat: FloatArray, benign: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The definition: structural components from all pairs, O(m n)."""
    wins = (threat[:, None] > benign[None]) + 0.5 * (threat[:, None] == benign[None])
    by_threat, by_benign = wins.mean(axis=1), wins.mean(axis=0)
    return wins.mean(axis=(0, 1)), np.cov(by_threat.T) / len(threat) + np.cov(by_benign.T) / len(benign)


@pytest.mark.parametrize("decimals", [6, 1])
def test_delong_of_four_vendors_agrees_with_all_pairs(decimals: int) -> None:
    rng = np.random.default_rng(8)
    shared = rng.normal(size=(90, 1))
    scores = np.round(shared + rng.normal(size=(90, 4)) + 0.9 * (np.arange(90) < 30)[:, None], decimals)
    values, covariance = brute_delong(scores[:30], scores[30:])
    ours = delong(scores[:30], scores[30:])
    assert ours.values == pytest.approx(values)
    assert ours.covariance == pytest.approx(covariance)


def test_delong_with_one_threat_has_a_value_and_no_covariance() -> None:
    ours = delong(np.array([[0.9]]), np.array([[0.1], [0.2]]))
    assert ours.values[0] == 1.0 and np.isnan(ours.covariance).all()


def test_delong_without_threats_is_undefined() -> None:
    ours = delong(np.empty((0, 2)), np.ones((5, 2)))
    assert np.isnan(ours.values).all() and np.isnan(ours.covariance).all()


def test_the_interval_of_an_auroc_holds_its_value_and_stays_inside_0_1() -> None:
    scores, is_threat = two_kinds(9, 40, 60)
    ours = auroc_interval(scores[is_threat] + 0.4, scores[~is_threat])
    assert 0 < ours.low < auroc(scores[is_threat] + 0.4, scores[~is_threat]) < ours.high < 1


def test_a_perfect_auroc_on_few_items_is_not_called_certain() -> None:
    ours = auroc_interval(np.ones(20), np.zeros(100))
    assert (ours.low, ours.high) == (pytest.approx(0.025 ** (1 / 20)), 1.0)
    assert "separate perfectly" in ours.method


def test_an_interval_of_one_constant_score_is_undefined() -> None:
    ours = auroc_interval(np.full(20, 0.5), np.full(20, 0.5))
    assert math.isnan(ours.low) and "no spread" in ours.method


def test_average_precision_of_a_hand_checked_example() -> None:
    # ranks: threat, benign, threat: precision 1 at the first, 2/3 at the second
    assert average_precision([1, 0, 1], [0.9, 0.8, 0.7]) == pytest.approx((1 + 2 / 3) / 2)


def test_average_precision_of_one_constant_score_is_the_share_of_threats() -> None:
    assert average_precision([1, 0, 0, 0], [0.5] * 4) == 0.25


def test_a_partial_auc_of_a_perfect_model_is_one_and_of_chance_one_half() -> None:
    assert partial_auc([0.9, 0.8], [0.1, 0.2], max_pfa=0.05) == 1.0
    assert partial_auc([0.5], [0.5], max_pfa=0.05) == pytest.approx(0.5)


def test_the_roc_band_holds_the_curve_and_follows_the_threshold_rule() -> None:
    scores, is_threat = two_kinds(10, 150, 300, 0.02)
    grid = np.array([0.0, 0.01, 0.05, 0.2, 0.5])
    weights = cluster_weights(np.arange(450), is_threat, n_replicates=400, seed=1)
    band = roc_band(weights, scores, is_threat, pfa_grid=grid)
    by_rule = [pd(scores[is_threat], threshold_at_pfa(scores[~is_threat], x)) for x in grid]
    assert band.pd == pytest.approx(by_rule)
    assert (band.low <= band.pd).all() and (band.pd <= band.high).all()
    assert (np.diff(band.pd) >= 0).all() and (np.diff(band.low) >= 0).all()


def test_one_replicate_of_the_roc_band_is_the_curve_of_the_repeated_items() -> None:
    scores, is_threat = two_kinds(11, 40, 60, 0.05)
    weights = cluster_weights(np.arange(100), is_threat, n_replicates=1, seed=4)
    grid = np.array([0.0, 0.02, 0.1, 0.3])
    band = roc_band(weights, scores, is_threat, pfa_grid=grid)
    drawn = np.repeat(np.arange(100), weights[0].astype(int))
    threat, benign = scores[drawn][is_threat[drawn]], scores[drawn][~is_threat[drawn]]
    assert band.low == pytest.approx([pd(threat, threshold_at_pfa(benign, x)) for x in grid])


def test_a_roc_band_without_threats_is_undefined() -> None:
    band = roc_band(np.ones((5, 3)), [0.1, 0.2, 0.3], [False] * 3, pfa_grid=[0.05])
    assert np.isnan([band.pd, band.low, band.high]).all()
