"""How often the intervals at a transferred threshold, of lanes, boxes, suites and groups hold the truth, by simulation.

Slow. `pytest tests/metrics/test_metrics_coverage_lane.py -m slow -s` prints the figures of docs/statistics.md.
"""

import math
import sys
from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import beta, norm

from xraybench.evaluate.fairness import beta_prior, gap_p, pooled_share
from xraybench.metrics import box_precision, decisions, panels, ranks, resampling, screening
from xraybench.metrics.intervals import Interval, wilson, wilson_at_drawn_threshold

pytestmark = pytest.mark.slow


def told(name: str, held: list[bool], widths: list[float] | None = None) -> float:
    """Share of runs that held, printed with its own error."""
    share = float(np.mean(held))
    error = math.sqrt(share * (1 - share) / len(held))
    width = f", mean width {np.mean(widths):.3f}" if widths else ""
    sys.stdout.write(f"\n{name}: {share:.3f} +- {error:.3f} ({len(held)} runs){width}")
    return share


def coverage(name: str, truth: float, make: Callable[[np.random.Generator], Interval], n_runs: int) -> float:
    """Share of simulated data sets whose interval holds the truth."""
    rng = np.random.default_rng(21)
    made = [make(rng) for _ in range(n_runs)]
    return told(name, [m.low <= truth <= m.high for m in made], [m.high - m.low for m in made])


def seed_of(rng: np.random.Generator) -> int:
    return int(rng.integers(2**31))


@pytest.mark.parametrize(
    ("pfa", "n_calibration", "n_threats", "distance"),
    [(0.05, 600, 480, 2.0), (0.05, 60, 60, 2.0), (0.05, 600, 480, 3.5), (0.01, 1200, 480, 2.5), (0.01, 600, 100, 2.0)],
)
def test_pd_at_a_transferred_threshold_is_covered_with_the_chance_of_the_threshold(
    pfa: float, n_calibration: int, n_threats: int, distance: float
) -> None:
    """The truth is pd at the threshold that all benign items of the world would set."""

    def make(rng: np.random.Generator) -> Interval:
        calibration, threats = rng.normal(size=n_calibration), rng.normal(distance, 1.0, n_threats)
        drawn = resampling.cluster_weights(
            np.arange(n_calibration), np.zeros(n_calibration), n_replicates=400, seed=seed_of(rng)
        )
        redrawn = panels.replicate_thresholds(calibration, drawn, pfa=pfa)[0]
        rising = np.sort(threats)
        moved = 1 - np.searchsorted(rising, redrawn) / n_threats
        threshold = screening.threshold_at_pfa(calibration, pfa)
        n_alarms = int((calibration >= threshold).sum())
        return wilson_at_drawn_threshold(threats >= threshold, np.arange(n_threats), moved, n_alarms=n_alarms)

    truth = float(norm.sf(norm.isf(pfa) - distance))
    name = f"pd {truth:.2f} at pfa {pfa}, {n_calibration} calibration and {n_threats} threat items"
    assert 0.93 <= coverage(name, truth, make, 1500) <= 0.97


def test_an_interval_that_forgets_the_threshold_does_not_hold_pd_at_the_pfa_asked_for() -> None:
    def make(rng: np.random.Generator) -> Interval:
        calibration, threats = rng.normal(size=600), rng.normal(2.0, 1.0, 480)
        return wilson(int((threats >= screening.threshold_at_pfa(calibration, 0.05)).sum()), 480)

    truth = float(norm.sf(norm.isf(0.05) - 2.0))
    assert coverage("pd at pfa 0.05 with Wilson's interval of the threshold as set", truth, make, 3000) < 0.85


def test_pd_of_items_seen_by_two_sensors_is_covered_with_the_chance_of_the_threshold() -> None:
    def rows(rng: np.random.Generator, n: int, distance: float) -> np.ndarray:
        item = rng.normal(distance, math.sqrt(0.5), (n, 1))
        return (item + math.sqrt(0.5) * rng.normal(size=(n, 2))).ravel()

    def make(rng: np.random.Generator) -> Interval:
        calibration, threats = rows(rng, 600, 0.0), rows(rng, 240, 2.0)
        items = np.repeat(np.arange(600), 2)
        drawn = resampling.cluster_weights(items, np.zeros(1200), n_replicates=400, seed=seed_of(rng))
        redrawn = panels.replicate_thresholds(calibration, drawn, pfa=0.05)[0]
        moved = 1 - np.searchsorted(np.sort(threats), redrawn) / len(threats)
        threshold = screening.threshold_at_pfa(calibration, 0.05)
        n_alarms = len(np.unique(items[calibration >= threshold]))
        return wilson_at_drawn_threshold(threats >= threshold, np.repeat(np.arange(240), 2), moved, n_alarms=n_alarms)

    truth = float(norm.sf(norm.isf(0.05) - 2.0))
    assert 0.93 <= coverage("pd, 600 + 240 items seen by two sensors", truth, make, 1000) <= 0.97


def test_partial_auc_is_covered() -> None:
    pfa = np.linspace(0, 0.1, 200_001)
    area = float(np.trapezoid(norm.sf(norm.isf(np.maximum(pfa, 1e-12)) - 1.5), pfa))
    truth = 0.5 * (1 + (area - 0.005) / (0.1 - 0.005))

    def make(rng: np.random.Generator) -> Interval:
        is_threat = np.arange(900) < 300
        scores = rng.normal(size=900) + 1.5 * is_threat
        weights = resampling.cluster_weights(np.arange(900), is_threat, n_replicates=400, seed=seed_of(rng))
        value = screening.partial_auc(scores[is_threat], scores[~is_threat])
        drawn = resampling.weighted_partial_auc(weights, scores, is_threat)
        return resampling.bootstrap_interval(drawn, value=value, method="logit")

    assert 0.93 <= coverage("partial AUC, 300 + 600 items", truth, make, 1500) <= 0.97


@pytest.mark.parametrize(("pd", "pfa", "n_threats", "n_benign"), [(0.8, 0.05, 300, 600), (0.95, 0.02, 100, 600)])
def test_lane_figures_at_the_threshold_as_set_are_covered(pd: float, pfa: float, n_threats: int, n_benign: int) -> None:
    lane = {"prevalence": 0.001}
    cost = {**lane, "cost_of_miss": 1000.0}
    z = norm.isf(pfa) - norm.isf(pd)

    def both(rng: np.random.Generator) -> tuple[int, int]:
        return int(rng.binomial(n_threats, pd)), int(rng.binomial(n_benign, pfa))

    def rates(found: int, false: int) -> tuple[float, Interval, float, Interval]:
        return found / n_threats, wilson(found, n_threats), false / n_benign, wilson(false, n_benign)

    made: dict[str, tuple[float, Callable[[np.random.Generator], Interval]]] = {
        "expected cost": (
            decisions.expected_cost(pd, pfa, **cost, cost_of_false_alarm=1.0),
            lambda rng: decisions.cost_interval(*rates(*both(rng)), **cost),
        ),
        "precision at prevalence": (
            decisions.precision_at_prevalence(pd, pfa, **lane),
            lambda rng: decisions.precision_interval(*rates(*both(rng)), **lane),
        ),
        "d'": (z, lambda rng: d_interval(*both(rng), 1.0)),
        "d_a": (
            math.sqrt(2 / 1.25) * (-norm.isf(pd) + 0.5 * norm.isf(pfa)),
            lambda rng: d_interval(*both(rng), 0.5),
        ),
    }

    def d_interval(found: int, false: int, slope: float) -> Interval:
        return decisions.d_a_interval(found, n_threats, false, n_benign, slope=slope)

    for name, (truth, make) in made.items():
        what = f"{name}, pd {pd} of {n_threats}, pfa {pfa} of {n_benign}"
        assert 0.93 <= coverage(what, truth, make, 5000) <= 0.97


def test_the_bound_on_misses_holds_and_the_saved_share_is_covered() -> None:
    rng = np.random.default_rng(22)
    bound, saved = [], []
    for _ in range(4000):
        threats, benign = rng.normal(2.0, 1.0, 300), rng.normal(size=600)
        found = decisions.workload_saved(threats, benign, max_miss=0.05)
        ends = wilson(int((benign < found.threshold).sum()), 600)
        bound.append(bool(norm.cdf(found.threshold - 2.0) <= 0.05))
        saved.append(bool(ends.low <= norm.cdf(found.threshold) <= ends.high))
    assert told("workload saved: the true miss rate is at most 0.05", bound) >= 0.94
    assert 0.93 <= told("workload saved: the share cleared", saved) <= 0.97


def one_world_of_boxes(rng: np.random.Generator, n_views: int) -> tuple[box_precision.Boxes, box_precision.Boxes]:
    """A threat in half of the views; the model finds most, with shifts, and cries wolf in others."""
    has = rng.random(n_views) < 0.5
    views = np.flatnonzero(has)
    corner = rng.uniform(0, 200, (len(views), 2))
    truth = box_precision.boxes(views, 0 * views, np.hstack([corner, corner + 60]))
    shift = rng.normal(0, 8, (len(views), 2))
    hit = np.hstack([corner + shift, corner + shift + 60])
    other = rng.uniform(0, 200, (n_views, 2))
    found = np.vstack([hit, np.hstack([other, other + 60])])
    score = np.r_[norm.cdf(rng.normal(1.0, 1.0, len(views))), norm.cdf(rng.normal(-0.5, 1.0, n_views))]
    return truth, box_precision.boxes(np.r_[views, np.arange(n_views)], np.zeros(len(found), int), found, score=score)


@pytest.mark.parametrize(("n_views", "least"), [(400, 0.90), (800, 0.93)])
def test_coco_average_precision_is_covered(n_views: int, least: float) -> None:
    """Few views are covered less: the curve is raised to its envelope, which lies too high in small samples."""
    truth = box_precision.coco_ap(*one_world_of_boxes(np.random.default_rng(0), 200_000))

    def make(rng: np.random.Generator) -> Interval:
        true, found = one_world_of_boxes(rng, n_views)
        weights = resampling.cluster_weights(np.arange(n_views), np.zeros(n_views), n_replicates=200, seed=seed_of(rng))
        drawn = box_precision.replicate_precision(true, found, weights, n_classes=1)[:, 0].mean(axis=1)
        value = box_precision.coco_ap(true, found)
        return resampling.bootstrap_interval(drawn, value=value, method="logit_unbiased")

    assert least <= coverage(f"COCO AP {truth:.2f}, {n_views} views", truth, make, 800) <= 0.97


def vendors_at_thresholds(
    rng: np.random.Generator, ability: np.ndarray, n_cells: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """pd of vendors on cells of 60 threats that share calibration items, and in replicates; and the thresholds."""
    n_vendors = len(ability)
    hard = rng.normal(size=(n_cells, 60, 1))
    threats = 0.7 * hard + 0.7 * rng.normal(size=(n_cells, 60, n_vendors)) + ability
    crowd = rng.normal(size=(600, 1))
    calibration = (0.7 * crowd + 0.7 * rng.normal(size=(600, n_vendors))).T
    drawn = resampling.cluster_weights(np.arange(600), np.zeros(600), n_replicates=400, seed=seed_of(rng))
    redrawn = panels.replicate_thresholds(calibration, drawn, pfa=0.05)
    limits = np.array([screening.threshold_at_pfa(c, 0.05) for c in calibration])
    items = np.arange(n_cells * 60)
    cells = items // 60
    weights = resampling.cluster_weights(items, cells, n_replicates=400, seed=seed_of(rng))
    scores = threats.reshape(-1, n_vendors).T
    found = panels.panel(scores, np.ones(len(items), bool), cells, weights, thresholds=redrawn).pd.astype(float)
    shares = np.stack([(scores >= limits[:, None])[:, cells == c].mean(axis=1) for c in range(n_cells)], axis=1)
    return shares, found, limits


def true_pd(ability: float) -> float:
    return float(norm.sf(norm.isf(0.05) - ability / math.sqrt(0.98)))


def test_the_suite_mean_and_paired_differences_are_covered_with_the_chance_of_the_threshold() -> None:
    rng = np.random.default_rng(23)
    ability = np.array([2.0, 1.8])
    truth = [true_pd(a) for a in ability]
    mean, gap = [], []
    for _ in range(800):
        shares, found, _ = vendors_at_thresholds(rng, ability, 8)
        estimates, replicates = shares.mean(axis=1), found.mean(axis=1).T
        ends = resampling.bootstrap_interval(replicates[:, 0], value=float(estimates[0]), method="logit")
        mean.append(ends.low <= truth[0] <= ends.high)
        pair = ranks.pairwise_differences(estimates, replicates)[0]
        gap.append(pair.low <= truth[0] - truth[1] <= pair.high)
    assert 0.93 <= told("mean pd over 8 cells of 60 threats", mean) <= 0.97
    assert 0.93 <= told("paired difference of two vendors' means", gap) <= 0.97


@pytest.mark.parametrize("spread", [0.0, 0.6])
def test_rank_sets_and_the_set_of_the_best_hold_with_thresholds_drawn_again(spread: float) -> None:
    """Simultaneous sets promise at least 95 %: equal vendors, who may not be ordered at all, are the hard case."""
    rng = np.random.default_rng(24)
    ability = 1.8 + spread * np.linspace(0, 1, 6)
    low = 1 + (ability[:, None] < ability[None]).sum(axis=1)
    high = 6 - (ability[:, None] > ability[None]).sum(axis=1)
    holds, best = [], []
    for _ in range(600):
        shares, found, _ = vendors_at_thresholds(rng, ability, 5)
        estimates, replicates = shares.mean(axis=1), found.mean(axis=1).T
        sets = ranks.rank_sets(estimates, replicates)
        holds.append(bool((sets.low <= low).all() and (high <= sets.high).all()))
        best.append(bool(ranks.best_set(estimates, replicates)[5]))
    kind = "equal" if spread == 0 else "graded"
    assert told(f"simultaneous rank sets, 6 {kind} vendors, 300 threats, 600 calibration items", holds) >= 0.93
    assert told(f"confidence set of the best, 6 {kind} vendors", best) >= 0.93


def test_equal_groups_are_called_unequal_in_five_of_a_hundred_audits() -> None:
    rng = np.random.default_rng(25)
    called = []
    for run in range(400):
        codes = rng.integers(0, 4, 400)
        alarms = rng.random(400) < 0.85
        p = gap_p(alarms, codes, np.arange(400), np.zeros(400, int), np.arange(4), seed=run, n_permutations=200)
        called.append(p < 0.05)
    share = told("permutation test of the gap: false claims among equal groups", called)
    assert 0.025 <= share <= 0.075


def test_partly_pooled_shares_of_ten_groups_are_covered_on_average() -> None:
    rng = np.random.default_rng(26)
    sizes = np.array([15, 20, 30, 40, 50, 60, 80, 100, 150, 300])
    held = []
    for _ in range(150):
        truth = beta.rvs(24, 6, size=10, random_state=rng)
        k = rng.binomial(sizes, truth).astype(float)
        prior = beta_prior(k, sizes.astype(float))
        for found, n, share in zip(k, sizes, truth, strict=True):
            _, low, high = pooled_share(found, float(n), prior)
            held.append(bool(low <= share <= high))
    assert 0.93 <= told("partly pooled shares of ten groups", held) <= 0.97
