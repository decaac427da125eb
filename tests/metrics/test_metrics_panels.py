"""Panels of replicates, judged by scikit-learn on resamples that are written out row by row."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from xraybench.core.errors import BadValue
from xraybench.metrics import panels, resampling, screening


def made(n: int = 240, n_vendors: int = 3, n_slices: int = 4, *, ties: bool = True, seed: int = 0):
    rng = np.random.default_rng(seed)
    is_threat = rng.random(n) < 0.4
    scores = rng.normal(size=(n_vendors, n)) + is_threat * np.linspace(0.3, 1.5, n_vendors)[:, None]
    if ties:
        scores = np.round(scores, 1)
    slices = rng.integers(-1, n_slices, n)
    weights = resampling.cluster_weights(np.arange(n), is_threat, n_replicates=30, seed=1)
    return scores, is_threat, slices, weights


@pytest.mark.parametrize("ties", [True, False])
def test_every_cell_equals_scikit_learn_on_the_written_out_resample(ties: bool) -> None:
    scores, is_threat, slices, weights = made(ties=ties)
    limits = np.array([0.4, 0.8, 1.0])
    found = panels.panel(scores, is_threat, slices, weights, thresholds=limits)
    assert found.auroc.shape == (3, 4, 30)
    for replicate in range(0, 30, 7):
        rows = np.repeat(np.arange(len(is_threat)), weights[replicate].astype(int))
        for number in range(4):
            part = rows[slices[rows] == number]
            for vendor in range(3):
                auroc = roc_auc_score(is_threat[part], scores[vendor, part])
                alarm = scores[vendor, part] >= limits[vendor]
                assert found.auroc[vendor, number, replicate] == pytest.approx(auroc, abs=1e-6)
                assert found.pd[vendor, number, replicate] == pytest.approx(alarm[is_threat[part]].mean(), abs=1e-6)
                assert found.pfa[vendor, number, replicate] == pytest.approx(alarm[~is_threat[part]].mean(), abs=1e-6)


def test_a_row_of_ones_gives_the_sample_itself() -> None:
    scores, is_threat, _, _ = made(ties=True)
    found = panels.panel(scores, is_threat, np.zeros(240, int), np.ones((1, 240)), thresholds=[0.5, 0.5, 0.5])
    for vendor in range(3):
        expected = screening.auroc(scores[vendor, is_threat], scores[vendor, ~is_threat])
        assert found.auroc[vendor, 0, 0] == pytest.approx(expected, abs=1e-6)


def test_the_whole_agrees_with_the_other_engine() -> None:
    scores, is_threat, _, weights = made()
    found = panels.panel(scores, is_threat, np.zeros(240, int), weights, thresholds=[0.5, 0.5, 0.5])
    for vendor in range(3):
        other = resampling.weighted_auroc(weights, scores[vendor], is_threat)
        assert found.auroc[vendor, 0] == pytest.approx(other, abs=1e-6)


def test_a_slice_without_threat_has_no_pd_and_no_auroc_but_a_pfa() -> None:
    found = panels.panel([[0.1, 0.9, 0.8]], [False, False, True], [0, 0, 1], np.ones((2, 3)), thresholds=[0.5])
    assert np.isnan(found.pd[0, 0]).all() and np.isnan(found.auroc[0]).all()
    assert found.pfa[0, 0] == pytest.approx([0.5, 0.5])
    assert np.isnan(found.pfa[0, 1]).all() and found.pd[0, 1] == pytest.approx([1.0, 1.0])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=40), st.floats(0.01, 0.6))
def test_with_every_item_drawn_once_the_replicate_sets_the_threshold_of_the_sample(
    scores: list[int], pfa: float
) -> None:
    found = panels.replicate_thresholds([scores], np.ones((1, len(scores))), pfa=pfa)
    assert found[0, 0] == screening.threshold_at_pfa(scores, pfa)


def test_a_replicate_sets_the_threshold_of_its_own_items() -> None:
    rng = np.random.default_rng(5)
    scores = np.round(rng.normal(size=200), 2)
    weights = resampling.cluster_weights(np.arange(200), np.zeros(200), n_replicates=25, seed=2)
    found = panels.replicate_thresholds([scores], weights, pfa=0.05)[0]
    for replicate in range(25):
        drawn = np.repeat(scores, weights[replicate].astype(int))
        assert found[replicate] == screening.threshold_at_pfa(drawn, 0.05)


def test_strata_of_two_columns_are_their_combinations() -> None:
    assert panels.joint_strata(["a", "b", "a", "b"], [1, 1, 2, 1]).tolist() == [0, 2, 1, 2]


def test_shapes_that_do_not_match_are_refused() -> None:
    with pytest.raises(BadValue, match=r"for 3 rows"):
        panels.panel([[0.1, 0.9, 0.8]], [False, False, True], [0, 0], np.ones((2, 3)), thresholds=[0.5])
