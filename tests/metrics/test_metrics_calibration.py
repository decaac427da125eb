"""Brier score, expected calibration error and the reliability table."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xraybench.core.errors import BadValue
from xraybench.metrics.calibration import brier, ece, equal_mass_bins, reliability


def calibrated(seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    scores = rng.random(n)
    return rng.random(n) < scores, scores


def test_the_brier_score_agrees_with_scikit_learn() -> None:
    from sklearn.metrics import brier_score_loss

    is_threat, scores = calibrated(0, 500)
    assert brier(is_threat, scores) == pytest.approx(brier_score_loss(is_threat, scores))


def test_the_brier_score_of_always_saying_the_base_rate_is_its_variance() -> None:
    assert brier([1, 0, 0, 0], [0.25] * 4) == pytest.approx(0.25 * 0.75)


def test_ece_of_a_hand_checked_example() -> None:
    # bin 1: mean score 0.15, no threat; bin 2: mean score 0.7, half threats: (0.15 + 0.2) / 2
    assert ece([0, 0, 1, 0], [0.1, 0.2, 0.6, 0.8], n_bins=2) == pytest.approx(0.175)


def test_ece_agrees_with_a_plain_loop_over_quantile_bins() -> None:
    is_threat, scores = calibrated(1, 600)
    order = np.argsort(scores)
    parts = np.array_split(order, 15)
    judge = sum(len(p) / 600 * abs(scores[p].mean() - is_threat[p].mean()) for p in parts)
    assert ece(is_threat, scores) == pytest.approx(judge)


def test_a_calibrated_model_has_the_stated_small_sample_ece() -> None:
    values = [ece(*calibrated(seed, 900)) for seed in range(200)]
    spread = np.sqrt(1 / 6)  # mean of p (1 - p) over scores spread evenly
    assert np.mean(values) == pytest.approx(0.8 * spread * np.sqrt(15 / 900), rel=0.1)


@given(st.lists(st.integers(0, 8), min_size=1, max_size=60), st.integers(1, 20))
def test_tied_scores_share_a_bin_and_higher_scores_are_never_in_a_lower_one(ranks: list[int], n_bins: int) -> None:
    scores = np.array(ranks) / 8
    bins = equal_mass_bins(scores, n_bins=n_bins)
    order = np.argsort(scores)
    assert (np.diff(bins[order]) >= 0).all()
    assert all(len(set(bins[scores == score])) == 1 for score in set(scores))
    assert bins.min() >= 0 and bins.max() < n_bins


def test_distinct_scores_fill_bins_of_equal_size() -> None:
    assert np.bincount(equal_mass_bins(np.arange(60.0), n_bins=15)).tolist() == [4] * 15


def test_the_reliability_table_adds_up_to_the_ece() -> None:
    is_threat, scores = calibrated(2, 500)
    table = reliability(is_threat, scores)
    gap = np.abs(table.mean_score - table.share_threat)
    assert (table.n_items * gap).sum() / 500 == pytest.approx(ece(is_threat, scores))
    assert (table.low <= table.share_threat).all() and (table.share_threat <= table.high).all()


def test_no_items_are_undefined_and_give_an_empty_table() -> None:
    assert math.isnan(brier([], [])) and math.isnan(ece([], []))
    assert len(reliability([], []).n_items) == 0


def test_a_score_that_is_no_probability_is_refused() -> None:
    with pytest.raises(BadValue, match=r"scores: 0.2 to 1.7 lies outside \[0, 1\]"):
        brier([0, 1], [0.2, 1.7])


def test_a_truth_too_few_is_refused() -> None:
    with pytest.raises(BadValue, match="there are 2 scores"):
        brier([1], [0.2, 0.7])
