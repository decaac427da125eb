"""Intervals of what a threshold costs and shows, partial AUC and box precision in replicates, judged by independent code."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from xraybench.metrics import box_precision, decisions, intervals, ranks, resampling, screening
from xraybench.metrics.intervals import Interval, wilson


@pytest.mark.parametrize(("k", "n"), [(0, 30), (1, 59), (27, 29), (300, 400)])
def test_wilson_and_clopper_pearson_are_statsmodels(k: int, n: int) -> None:
    ours = wilson(k, n)
    assert (ours.low, ours.high) == pytest.approx(proportion_confint(k, n, method="wilson"), abs=1e-12)
    low, high = proportion_confint(k, n, alpha=0.10, method="beta")  # two one-sided bounds at 95 %
    assert intervals.clopper_pearson_lower(k, n) == pytest.approx(low if k else 0.0)
    assert intervals.clopper_pearson_upper(k, n) == pytest.approx(high)


def test_the_ratio_of_pd_and_pfa_lies_close_to_the_score_interval_of_statsmodels() -> None:
    low, high = intervals.ratio_interval(0.8, wilson(80, 100), 0.05, wilson(15, 300))
    judge = confint_proportions_2indep(80, 100, 15, 300, compare="ratio", method="score")
    assert (low, high) == pytest.approx(judge, rel=0.01)


def test_a_pfa_of_zero_leaves_the_ratio_open_upwards_and_bounded_below() -> None:
    low, high = intervals.ratio_interval(0.8, wilson(80, 100), 0.0, wilson(0, 300))
    with np.errstate(divide="ignore"):
        judge = confint_proportions_2indep(80, 100, 0, 300, compare="ratio", method="score")
    assert math.isinf(high) and math.isinf(judge[1])
    assert low == pytest.approx(judge[0], rel=0.02)
    assert decisions.precision_interval(0.8, wilson(80, 100), 0.0, wilson(0, 300), prevalence=0.001).high == 1.0


def test_the_sum_of_shares_has_newcombes_interval() -> None:
    """MOVER of two Wilson intervals is Newcombe's for a difference, which statsmodels has."""
    first, second = wilson(56, 70), wilson(48, 80)
    low, high = intervals.sum_interval([(0.8, first.low, first.high), (-0.6, -second.high, -second.low)])
    judge = confint_proportions_2indep(56, 70, 48, 80, compare="diff", method="newcomb")
    assert (low, high) == pytest.approx(judge, abs=1e-9)
    assert judge == pytest.approx(
        (0.0524, 0.3339), abs=1e-4
    )  # Newcombe 1998, Statistics in Medicine 17:873, example (a)


@given(st.integers(0, 40), st.integers(0, 60))
def test_every_lane_figure_lies_in_its_interval(found: int, false: int) -> None:
    pd, pfa = found / 40, false / 60
    both = (pd, wilson(found, 40), pfa, wilson(false, 60))
    cost = decisions.cost_interval(*both, prevalence=0.001, cost_of_miss=1000.0)
    value = decisions.expected_cost(pd, pfa, prevalence=0.001, cost_of_miss=1000.0, cost_of_false_alarm=1.0)
    assert cost.low - 1e-9 <= value <= cost.high + 1e-9
    precision = decisions.precision_at_prevalence(pd, pfa, prevalence=0.001)
    ends = decisions.precision_interval(*both, prevalence=0.001)
    if math.isnan(precision):
        assert math.isnan(ends.low) and "undefined" in ends.method
    else:
        assert 0 <= ends.low <= precision + 1e-12 and precision - 1e-12 <= ends.high <= 1
    d = decisions.d_a_interval(found, 40, false, 60)
    assert d.low < decisions.d_a(found, 40, false, 60) < d.high
    assert math.isfinite(d.low) and math.isfinite(d.high)


def test_without_a_kind_of_item_d_a_has_no_interval() -> None:
    assert decisions.d_a_interval(0, 0, 3, 60).method.startswith("undefined")


def test_a_threshold_that_moves_widens_the_interval_of_pd_and_one_that_stays_does_not() -> None:
    alarms, items = np.repeat([1.0, 0.0], [80, 20]), np.arange(100)
    still = intervals.wilson_at_drawn_threshold(alarms, items, np.full(500, 0.8), n_alarms=30)
    assert (still.low, still.high) == pytest.approx((wilson(80, 100).low, wilson(80, 100).high))
    moved = intervals.wilson_at_drawn_threshold(alarms, items, np.linspace(0.7, 0.9, 500), n_alarms=30)
    assert moved.low < still.low and still.high < moved.high
    assert "chance of the threshold" in moved.method
    few = intervals.wilson_at_drawn_threshold(alarms, items, np.linspace(0.7, 0.9, 500), n_alarms=2)
    assert few.low < moved.low and moved.high < few.high
    all_found = intervals.wilson_at_drawn_threshold(np.ones(100), items, np.linspace(0.9, 1.0, 500), n_alarms=30)
    assert all_found.high == 1.0 and all_found.low < wilson(100, 100).low


def test_no_items_have_no_interval_at_a_drawn_threshold() -> None:
    found = intervals.wilson_at_drawn_threshold(np.empty(0), np.empty(0), np.full(10, 0.5), n_alarms=3)
    assert math.isnan(found.low)
    assert isinstance(found, Interval)


@pytest.mark.parametrize("decimals", [1, 2, 9])
def test_partial_auc_of_a_replicate_is_scikit_learns_on_the_written_out_resample(decimals: int) -> None:
    rng = np.random.default_rng(0)
    is_threat = rng.random(700) < 0.4
    scores = np.round(rng.normal(size=700) + is_threat, decimals)
    weights = resampling.cluster_weights(np.arange(700), is_threat, n_replicates=20, seed=1)
    found = resampling.weighted_partial_auc(weights, scores, is_threat)
    for replicate in range(0, 20, 3):
        rows = np.repeat(np.arange(700), weights[replicate].astype(int))
        judge = roc_auc_score(is_threat[rows], scores[rows], max_fpr=0.1)
        assert found[replicate] == pytest.approx(judge, abs=1e-6)


def made_boxes(seed: int = 3, n_views: int = 120) -> tuple[box_precision.Boxes, box_precision.Boxes]:
    rng = np.random.default_rng(seed)
    n = 2 * n_views
    corner, size = rng.uniform(0, 400, (n, 2)), rng.uniform(10, 90, (n, 2))
    view, target = rng.integers(0, n_views, n), rng.integers(0, 3, n)
    truth = box_precision.boxes(view, target, np.hstack([corner, corner + size]))
    moved = np.vstack([corner + rng.normal(0, 6, (n, 2)), rng.uniform(0, 400, (n, 2))])
    wide = np.vstack([size, rng.uniform(10, 90, (n, 2))])
    views, targets = np.r_[view, rng.integers(0, n_views, n)], np.r_[target, rng.integers(0, 3, n)]
    return truth, box_precision.boxes(views, targets, np.hstack([moved, moved + wide]), score=rng.random(2 * n))


def test_box_precision_of_a_replicate_is_that_of_the_views_written_out() -> None:
    truth, found = made_boxes()
    weights = resampling.cluster_weights(np.arange(120), np.zeros(120), n_replicates=6, seed=2)
    ours = box_precision.replicate_precision(truth, found, weights, n_classes=3)

    def written_out(boxes: box_precision.Boxes, counts: np.ndarray) -> box_precision.Boxes:
        rows = [(i, v * 50 + c) for i, v in enumerate(boxes.view) for c in range(int(counts[v]))]
        index, views = (np.array(column) for column in zip(*rows, strict=True))
        return box_precision.boxes(views, boxes.target[index], boxes.xyxy[index], score=boxes.score[index])

    for replicate in range(6):
        again = box_precision.box_precision(*(written_out(b, weights[replicate]) for b in (truth, found)))
        assert ours[replicate] == pytest.approx(again.ap, abs=1e-6)


def test_a_replicate_without_a_true_box_has_no_box_precision() -> None:
    truth = box_precision.boxes([0], [0], [[0, 0, 10, 10]])
    found = box_precision.boxes([0, 1], [0, 0], [[0, 0, 10, 10]] * 2, score=[0.9, 0.8])
    drawn = box_precision.replicate_precision(truth, found, np.array([[1, 1], [0, 2]]), n_classes=2)
    assert drawn[0, 0] == pytest.approx(1.0)
    assert np.isnan(drawn[1, 0]).all() and np.isnan(drawn[:, 1]).all()


def test_mcnemar_of_agrestis_approval_ratings() -> None:
    """1,600 voters asked twice: 150 and 86 changed their mind, z^2 17.36 (Categorical Data Analysis, table 10.1)."""
    first = np.repeat([True, True, False, False], [794, 150, 86, 570])
    second = np.repeat([True, False, True, False], [794, 150, 86, 570])
    found = ranks.mcnemar_exact(first, second)
    assert (found.only_first, found.only_second) == (150, 86)
    assert pytest.approx(17.36, abs=0.005) == (150 - 86) ** 2 / (150 + 86)
    assert found.p == pytest.approx(mcnemar([[794, 150], [86, 570]], exact=True).pvalue)


@pytest.mark.parametrize("n", [1, 2, 7, 45])
def test_holm_is_statsmodels(n: int) -> None:
    p = np.random.default_rng(n).random(n) ** 3
    assert ranks.holm(p) == pytest.approx(multipletests(p, method="holm")[1], abs=1e-12)


def test_delong_of_hanley_and_mcneils_ratings() -> None:
    """109 CT images rated 1 to 5 (Hanley and McNeil 1982, table I). Stata's manual prints 0.8932 and an error of 0.0307."""
    normal = np.repeat([1, 2, 3, 4, 5], [33, 6, 6, 11, 2])
    abnormal = np.repeat([1, 2, 3, 4, 5], [3, 2, 2, 11, 33])
    found = screening.delong(abnormal[:, None], normal[:, None])
    assert found.values[0] == pytest.approx(0.8932, abs=5e-5)
    assert math.sqrt(found.covariance[0, 0]) == pytest.approx(0.0307, abs=5e-5)


def test_the_confidence_set_of_the_best_leaves_out_who_is_shown_to_be_worse() -> None:
    rng = np.random.default_rng(0)
    estimates = np.array([0.80, 0.79, 0.70])
    replicates = estimates + 0.02 * rng.normal(size=(2000, 3))
    assert ranks.best_set(estimates, replicates).tolist() == [True, True, False]
    assert ranks.best_set(-estimates, -replicates, better="lower").tolist() == [True, True, False]


def test_the_best_by_estimate_and_its_clones_are_always_in_the_set() -> None:
    estimates = np.array([0.8, 0.8, 0.1])
    replicates = np.tile(estimates, (50, 1)) + np.random.default_rng(1).normal(0, 0.01, (50, 1))
    assert ranks.best_set(estimates, replicates)[:2].all()
