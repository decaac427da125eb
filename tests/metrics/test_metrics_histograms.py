"""Metrics from counts, judged by scikit-learn and by our own DeLong on the gridded scores."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.metrics import average_precision_score, roc_auc_score

from xraybench.core.errors import BadValue
from xraybench.metrics import histograms, screening


def made(n: int, seed: int = 0, shift: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    is_threat = rng.random(n) < 0.3
    return expit(rng.normal(size=n) * 2 - 2 + shift * is_threat), is_threat


def test_sums_of_three_sites_give_the_metrics_of_one_place_to_the_last_digit() -> None:
    sites = [made(700, seed, shift) for seed, shift in enumerate((1.0, 2.0, 3.0))]
    total = sum(histograms.counts_of(*site) for site in sites)
    scores = np.concatenate([scores for scores, _ in sites])
    is_threat = np.concatenate([truth for _, truth in sites])
    gridded = histograms.bin_scores()[histograms.bin_of(scores)]
    found = histograms.auroc(total)
    assert found.value == pytest.approx(roc_auc_score(is_threat, gridded), abs=1e-12)
    assert histograms.average_precision(total) == pytest.approx(average_precision_score(is_threat, gridded), abs=1e-12)
    judge = screening.delong(gridded[is_threat][:, None], gridded[~is_threat][:, None])
    assert found.error == pytest.approx(math.sqrt(judge.covariance[0, 0]), abs=1e-12)


def test_the_grid_costs_less_than_five_in_ten_thousand() -> None:
    scores, is_threat = made(20_000)
    counts = histograms.counts_of(scores, is_threat)
    found, exact = histograms.auroc(counts), roc_auc_score(is_threat, scores)
    assert found.value == pytest.approx(exact, abs=5e-4)
    assert found.low <= exact <= found.high
    assert histograms.average_precision(counts) == pytest.approx(average_precision_score(is_threat, scores), abs=5e-4)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=60), st.floats(0.0, 0.9))
def test_the_threshold_is_that_of_the_gridded_scores(scores: list[float], pfa: float) -> None:
    bins = histograms.bin_of(scores)
    first = histograms.bin_at_pfa(np.bincount(bins, minlength=histograms.N_BINS), pfa)
    exact = screening.threshold_at_pfa(bins.astype(float), pfa)
    assert (bins >= first).tolist() == (bins >= exact).tolist()


def test_an_edge_alarms_on_its_bin_and_above() -> None:
    scores, _ = made(5000)
    bins = histograms.bin_of(scores)
    for number in (0, 1000, 2047, 3000, 4095, 4096):
        alarms = scores >= histograms.lower_edge(number)
        differ = alarms != (bins >= number)
        assert not differ[np.abs(scores - histograms.lower_edge(number)) > 1e-12].any()


def test_scores_of_nought_and_one_have_a_bin() -> None:
    assert histograms.bin_of([0.0, 0.5, 1.0]).tolist() == [0, 2048, 4095]


def test_the_interval_of_pd_covers_its_truth_with_the_threshold_estimated() -> None:
    """Threat N(2, 1), benign N(0, 1), pfa 0.05: pd = Phi(2 - 1.6449) = 0.6387."""
    inside = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        calibration = histograms.counts_of(expit(rng.normal(size=400)), np.zeros(400, bool))[0]
        threat = histograms.counts_of(expit(rng.normal(2, 1, 200)), np.ones(200, bool))[1]
        found = histograms.pd_interval(calibration, threat, pfa=0.05, n_replicates=300, seed=seed)
        inside += found.low <= 0.6387 <= found.high
    assert 0.91 <= inside / 200 <= 0.99


def test_calibrated_scores_have_a_small_error_and_shifted_ones_their_shift() -> None:
    rng = np.random.default_rng(4)
    p = rng.uniform(0.05, 0.75, 60_000)
    is_threat = rng.random(60_000) < p
    assert histograms.calibration_error(histograms.counts_of(p, is_threat)) < 0.01
    assert histograms.calibration_error(histograms.counts_of(p + 0.2, is_threat)) == pytest.approx(0.2, abs=0.01)


@pytest.mark.parametrize("least", [1, 10, 50])
def test_merged_cells_hold_enough_and_lose_nobody(least: int) -> None:
    counts = histograms.counts_of(*made(900))
    merged = histograms.merged_cells(counts, least=least)
    cells = merged.sum(axis=0)
    assert (cells[cells > 0] >= least).all()
    assert merged.sum(axis=1).tolist() == counts.sum(axis=1).tolist()
    bounds = histograms.auroc(merged)
    assert bounds.low <= histograms.auroc(counts).value <= bounds.high


def test_without_an_item_of_a_kind_nothing_is_defined() -> None:
    counts = histograms.counts_of([0.2, 0.4], [False, False])
    assert math.isnan(histograms.auroc(counts).value)
    assert math.isnan(histograms.average_precision(counts))
    assert math.isnan(histograms.share_at(counts[histograms.THREAT], 0))
    assert histograms.pd_interval(counts[0], counts[1], pfa=0.05).method.startswith("undefined") or math.isnan(
        histograms.pd_interval(counts[0], counts[1], pfa=0.05).low
    )


def test_counts_below_nought_or_broken_numbers_are_refused() -> None:
    with pytest.raises(BadValue, match=r"-1 is below 0"):
        histograms.auroc(np.array([[1, 2], [3, -1]]))
    with pytest.raises(BadValue, match=r"whole numbers"):
        histograms.auroc(np.array([[1.0, 2.0], [3.0, 1.0]]))


def test_box_precision_from_counts_is_that_of_the_boxes_where_no_bin_holds_two() -> None:
    from xraybench.metrics import box_precision

    rng = np.random.default_rng(3)
    n = 200
    scores = histograms.bin_scores()[rng.permutation(histograms.N_BINS)[:n]]  # a bin each
    corners = np.tile([10.0, 10.0, 20.0, 20.0], (n, 1))
    truth = box_precision.boxes(np.arange(120), np.zeros(120), corners[:120])
    found = box_precision.boxes(np.arange(n) % 150, np.zeros(n), corners + rng.integers(0, 8, (n, 1)), score=scores)
    kinds = box_precision.match_boxes(truth, found)
    bins = histograms.bin_of(scores)
    counted = [np.bincount(bins[kinds == kind], minlength=histograms.N_BINS) for kind in (1, 0)]
    judge = box_precision.box_precision(truth, found, iou=(0.5,)).mean
    assert histograms.box_average_precision(*counted, 120) == pytest.approx(judge, abs=1e-12)


def test_box_precision_is_undefined_without_a_true_box_and_nought_without_a_found_one() -> None:
    nothing = np.zeros(histograms.N_BINS, dtype=np.int64)
    assert math.isnan(histograms.box_average_precision(nothing, nothing, 0))
    assert histograms.box_average_precision(nothing, nothing, 5) == 0.0


def test_intervals_from_counts_are_delongs_and_the_bootstraps() -> None:
    scores, is_threat = made(900)
    counts = histograms.counts_of(scores, is_threat)
    gridded = histograms.bin_scores()[histograms.bin_of(scores)]
    judge = screening.auroc_interval(gridded[is_threat], gridded[~is_threat])
    held = histograms.auroc_interval(counts)
    assert (held.low, held.high) == pytest.approx((judge.low, judge.high), abs=1e-9)
    drawn = histograms.bootstrap_interval(counts, lambda table: histograms.auroc(table).value, seed=1)
    assert (drawn.low, drawn.high) == pytest.approx((judge.low, judge.high), abs=0.01)
