"""The psychometric curve: against scikit-learn's unpenalised fit and scipy's optimiser, and where there is none."""

import math

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit

from xraybench.core.errors import BadValue
from xraybench.metrics.psychometric import binned, psychometric


def drawn(n: int, *, intercept: float, slope: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    index = rng.uniform(-2.0, 3.0, n)
    return index, (rng.random(n) < expit(intercept + slope * index)).astype(float)


@pytest.mark.parametrize("seed", range(4))
def test_the_curve_is_the_one_that_scikit_learn_fits_without_penalty(seed: int) -> None:
    from sklearn.linear_model import LogisticRegression

    index, alarms = drawn(300, intercept=0.4, slope=1.3, seed=seed)
    ours = psychometric(index, alarms, n_replicates=20)
    judge = LogisticRegression(C=np.inf, tol=1e-12, max_iter=10_000).fit(index[:, None], alarms)
    assert ours.slope == pytest.approx(judge.coef_[0, 0], rel=1e-4)
    assert ours.intercept == pytest.approx(judge.intercept_[0], rel=1e-4)


def test_the_curve_is_where_the_likelihood_has_its_top() -> None:
    index, alarms = drawn(120, intercept=-0.5, slope=2.0, seed=9)
    ours = psychometric(index, alarms, n_replicates=20)

    def lost(at: np.ndarray) -> float:
        p = expit(at[0] + at[1] * index)
        return float(-(alarms * np.log(p) + (1 - alarms) * np.log1p(-p)).sum())

    judge = minimize(lost, x0=(0.0, 1.0), method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12})
    assert (ours.intercept, ours.slope) == pytest.approx(tuple(judge.x), rel=1e-5)


def test_four_counts_give_the_curve_worked_by_hand() -> None:
    """Index 0: 10 of 40 alarm, index 1: 30 of 40. Logits -ln 3 and ln 3: intercept -1.0986, slope 2.1972, half at 0.5."""
    index = np.repeat([0.0, 1.0], 40)
    alarms = np.concatenate([np.repeat([1.0, 0.0], [10, 30]), np.repeat([1.0, 0.0], [30, 10])])
    curve = psychometric(index, alarms, n_replicates=200)
    assert curve.intercept == pytest.approx(-math.log(3))
    assert curve.slope == pytest.approx(2 * math.log(3))
    at, interval = curve.index_at(0.5)
    assert at == pytest.approx(0.5)
    assert interval.low < 0.5 < interval.high
    assert curve.pd_at([0.0, 1.0]).tolist() == pytest.approx([0.25, 0.75])


def test_the_logarithm_of_an_index_is_fitted_where_asked() -> None:
    index, alarms = drawn(400, intercept=0.0, slope=1.5, seed=2)
    plain = psychometric(index, alarms, n_replicates=50)
    spread = psychometric(10**index, alarms, is_log=True, n_replicates=50)
    assert spread.slope == pytest.approx(plain.slope)
    assert spread.index_at(0.5)[0] == pytest.approx(10 ** plain.index_at(0.5)[0])
    assert spread.pd_at(100.0) == pytest.approx(plain.pd_at(2.0))


def test_the_band_holds_the_curve_and_narrows_with_more_threats() -> None:
    grid = np.linspace(-1.5, 2.5, 9)
    widths = []
    for n in (100, 1600):
        curve = psychometric(*drawn(n, intercept=0.3, slope=1.2, seed=4), n_replicates=300)
        low, high = curve.band(grid)
        assert (low <= curve.pd_at(grid)).all()
        assert (curve.pd_at(grid) <= high).all()
        widths.append((high - low).mean())
    assert widths[1] < 0.4 * widths[0]


@pytest.mark.parametrize(
    ("index", "alarms", "why"),
    [
        (np.arange(40.0), np.ones(40), "no miss among 40 threats"),
        (np.arange(40.0), np.zeros(40), "no hit among 40 threats"),
        (np.ones(40), np.tile([0.0, 1.0], 20), "does not vary"),
        (np.arange(40.0), (np.arange(40) >= 17).astype(float), "separates hits from misses"),
        (np.arange(10.0), np.tile([0.0, 1.0], 5), "too few threats: 10 of at least 29"),
    ],
)
def test_a_curve_that_the_data_do_not_fix_is_undefined_and_says_why(
    index: np.ndarray, alarms: np.ndarray, why: str
) -> None:
    curve = psychometric(index, alarms)
    assert why in curve.reason
    assert math.isnan(curve.slope)
    assert math.isnan(curve.index_at(0.9)[0])
    assert why in curve.index_at(0.9)[1].method
    assert np.isnan(curve.band([1.0, 2.0])).all()


def test_a_flat_curve_passes_no_mark() -> None:
    rng = np.random.default_rng(6)
    curve = psychometric(rng.random(200), (rng.random(200) < 0.6).astype(float), n_replicates=200)
    assert not curve.reason
    at, interval = curve.index_at(0.9)
    assert math.isnan(at)
    assert "interval of the slope holds 0" in interval.method


def test_scans_of_one_item_count_as_one_in_the_interval() -> None:
    index, alarms = drawn(150, intercept=0.2, slope=1.0, seed=8)
    alone = psychometric(index, alarms, n_replicates=400)
    fourfold = psychometric(np.tile(index, 4), np.tile(alarms, 4), np.tile(np.arange(150), 4), n_replicates=400)
    width = [c.slope_interval.high - c.slope_interval.low for c in (alone, fourfold)]
    assert fourfold.slope == pytest.approx(alone.slope)
    assert width[1] == pytest.approx(width[0], rel=0.15)


def test_bins_hold_equally_many_threats() -> None:
    index, alarms = drawn(83, intercept=0.2, slope=1.0, seed=8)
    middle, hits, n = binned(index, alarms, n_bins=8)
    assert n.sum() == 83
    assert n.max() - n.min() <= 1
    assert hits.sum() == alarms.sum()
    assert np.all(np.diff(middle) > 0)


def test_bad_input_is_refused() -> None:
    with pytest.raises(BadValue, match="one of each a threat"):
        psychometric([1.0, 2.0], [1.0])
    with pytest.raises(BadValue, match="NaN or infinite"):
        psychometric([1.0, math.nan], [1.0, 0.0])
    with pytest.raises(BadValue, match="no logarithm"):
        psychometric(np.arange(40.0), np.tile([0.0, 1.0], 20), is_log=True)
    with pytest.raises(BadValue, match="not between 0 and 1"):
        psychometric(*drawn(60, intercept=0.0, slope=1.0, seed=1), n_replicates=20).index_at(1.0)


@pytest.mark.slow
def test_the_intervals_hold_the_truth_as_often_as_they_say() -> None:
    held = {"slope": 0, "half": 0}
    n_runs = 200
    for run in range(n_runs):
        curve = psychometric(*drawn(250, intercept=-0.6, slope=1.2, seed=100 + run), n_replicates=400, seed=run)
        held["slope"] += curve.slope_interval.low <= 1.2 <= curve.slope_interval.high
        at = curve.index_at(0.5)[1]
        held["half"] += at.low <= 0.5 <= at.high
    assert 0.91 <= held["slope"] / n_runs <= 0.985
    assert 0.91 <= held["half"] / n_runs <= 0.985
