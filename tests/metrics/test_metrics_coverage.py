"""How often the intervals hold the truth, by simulation: nominal 95 % must come out as 93 to 97 %.

Slow. `pytest tests/metrics/test_metrics_coverage.py -m slow -s` prints the figures.
"""

import sys
from collections.abc import Callable

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import norm

from xraybench.metrics.calibration import brier, equal_mass_bins
from xraybench.metrics.intervals import Interval, clustered_wilson, wilson
from xraybench.metrics.ranks import rank_sets
from xraybench.metrics.resampling import (
    bootstrap_interval,
    cluster_weights,
    ece_interval,
    weighted_auroc,
    weighted_average_precision,
    weighted_brier,
)
from xraybench.metrics.screening import auroc, auroc_interval, average_precision
from xraybench.metrics.speed import quantile_interval

pytestmark = pytest.mark.slow


def coverage(name: str, truth: float, make: Callable[[np.random.Generator], Interval], n_runs: int) -> float:
    """Share of simulated data sets whose interval holds the truth; printed with its own error."""
    rng = np.random.default_rng(20)
    made = [make(rng) for _ in range(n_runs)]
    share = float(np.mean([interval.low <= truth <= interval.high for interval in made]))
    width = float(np.mean([interval.high - interval.low for interval in made]))
    error = (share * (1 - share) / n_runs) ** 0.5
    sys.stdout.write(f"\n{name}: {share:.3f} +- {error:.3f} of nominal 0.95, mean width {width:.3f}")
    return share


@pytest.mark.parametrize(("n", "share"), [(100, 0.9), (300, 0.9), (300, 0.7), (1000, 0.95)])
def test_wilson_covers_pd(n: int, share: float) -> None:
    made = coverage(f"Wilson, n {n}, pd {share}", share, lambda rng: wilson(rng.binomial(n, share), n), 20000)
    assert 0.93 <= made <= 0.97


def test_wilson_with_design_effect_covers_pd_of_items_seen_by_two_sensors() -> None:
    def make(rng: np.random.Generator) -> Interval:
        item = rng.normal(size=(200, 1)) * 0.8
        found = item + 0.6 * rng.normal(size=(200, 2)) > norm.ppf(0.15)
        return clustered_wilson(found.ravel(), np.repeat(np.arange(200), 2))

    assert 0.93 <= coverage("Wilson with design effect, 200 items x 2 sensors", 0.85, make, 4000) <= 0.97


def binormal(rng: np.random.Generator, n_threats: int, n_benign: int, per_item: int, distance: float = 1.5):
    """Scores of items of two kinds; the rows of an item share half of their variance."""
    is_threat = np.arange(n_threats + n_benign) < n_threats
    item = rng.normal(loc=distance * is_threat, scale=np.sqrt(0.5))
    rows = np.repeat(item, per_item) + np.sqrt(0.5) * rng.normal(size=len(item) * per_item)
    return rows, np.repeat(is_threat, per_item), np.repeat(np.arange(len(item)), per_item)


@pytest.mark.parametrize("per_item", [1, 2])
def test_the_cluster_bootstrap_covers_auroc(per_item: int) -> None:
    def make(rng: np.random.Generator) -> Interval:
        scores, is_threat, items = binormal(rng, 100, 200, per_item)
        weights = cluster_weights(items, is_threat, n_replicates=500, seed=int(rng.integers(2**31)))
        value = auroc(scores[is_threat], scores[~is_threat])
        return bootstrap_interval(weighted_auroc(weights, scores, is_threat), value=value, method="logit")

    truth = float(norm.cdf(1.5 / np.sqrt(2)))
    name = f"cluster bootstrap of AUROC, 100 + 200 items x {per_item}"
    assert 0.93 <= coverage(name, truth, make, 2000) <= 0.97


def test_the_cluster_bootstrap_covers_the_brier_score() -> None:
    chance_of = np.random.default_rng(0).random(1_000_000)
    truth = float(np.mean(chance_of * (1 - chance_of**1.5) ** 2 + (1 - chance_of) * chance_of**3))

    def make(rng: np.random.Generator) -> Interval:
        chance = rng.random(300)
        is_threat, scores = rng.random(300) < chance, chance**1.5
        weights = cluster_weights(np.arange(300), np.zeros(300), n_replicates=500, seed=int(rng.integers(2**31)))
        value = brier(is_threat, scores)
        return bootstrap_interval(weighted_brier(weights, scores, is_threat), value=value)

    assert 0.93 <= coverage("bootstrap of the Brier score, 300 items", truth, make, 2000) <= 0.97


def test_delong_covers_auroc() -> None:
    def make(rng: np.random.Generator) -> Interval:
        scores, is_threat, _ = binormal(rng, 60, 120, 1)
        return auroc_interval(scores[is_threat], scores[~is_threat])

    truth = float(norm.cdf(1.5 / np.sqrt(2)))
    assert 0.93 <= coverage("DeLong on the logit scale, 60 + 120 items", truth, make, 4000) <= 0.97


def test_the_cluster_bootstrap_covers_average_precision() -> None:
    scores, is_threat, _ = binormal(np.random.default_rng(0), 400_000, 800_000, 1)
    truth = average_precision(is_threat, scores)

    def make(rng: np.random.Generator) -> Interval:
        scores, is_threat, items = binormal(rng, 300, 600, 1)
        weights = cluster_weights(items, is_threat, n_replicates=500, seed=int(rng.integers(2**31)))
        value = average_precision(is_threat, scores)
        return bootstrap_interval(weighted_average_precision(weights, scores, is_threat), value=value, method="logit")

    assert 0.93 <= coverage("bootstrap of average precision, 300 + 600 items", truth, make, 1500) <= 0.97


@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_the_calibration_interval_covers_at_least_as_often_as_it_says(shift: float) -> None:
    def draw(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        logits = rng.normal(-0.7, 1.6, n)
        return expit(logits), expit(logits + shift)

    chance, scores = draw(np.random.default_rng(0), 500_000)
    truth = float(np.abs(np.bincount(equal_mass_bins(scores), weights=scores - chance)).sum() / len(scores))

    def make(rng: np.random.Generator) -> Interval:
        chance, scores = draw(rng, 900)
        is_threat = rng.random(900) < chance
        weights = cluster_weights(np.arange(900), is_threat, n_replicates=400, seed=int(rng.integers(2**31)))
        return ece_interval(weights, scores, is_threat)

    assert coverage(f"calibration error, true value {truth:.3f}", truth, make, 400) >= 0.93


def test_order_statistics_cover_the_p95_of_latency() -> None:
    truth = float(np.exp(norm.ppf(0.95)))
    made = coverage("p95 of 400 latencies", truth, lambda rng: quantile_interval(rng.lognormal(size=400), 0.95), 8000)
    assert 0.94 <= made <= 0.98


@pytest.mark.parametrize("spread", [0.0, 0.6])
def test_rank_sets_hold_the_true_ranks_of_all_vendors_at_once(spread: float) -> None:
    """Eight vendors on the same 300 threats. Equal vendors are the hard case: any rank shown is a false claim."""
    rng = np.random.default_rng(3)
    ability = 1.0 + spread * np.linspace(0, 1, 8)
    low = 1 + (ability[:, None] < ability[None]).sum(axis=1)
    high = 8 - (ability[:, None] > ability[None]).sum(axis=1)
    holds, widths = [], []
    draws = [cluster_weights(np.arange(300), np.zeros(300), n_replicates=1000, seed=seed) / 300 for seed in range(10)]
    for run in range(2500):
        hard = rng.normal(size=(300, 1))
        found = (ability + 0.8 * hard + 0.6 * rng.normal(size=(300, 8)) > 0).astype(float)
        replicates = draws[run % 10] @ found
        sets = rank_sets(found.mean(axis=0), replicates)
        holds.append((sets.low <= low).all() and (high <= sets.high).all())
        widths.append((sets.high - sets.low + 1).mean())
    share = float(np.mean(holds))
    kind = "equal" if spread == 0 else "graded"
    sys.stdout.write(f"\nrank sets, 8 {kind} vendors, 300 threats: {share:.3f} of nominal 0.95, ")
    sys.stdout.write(f"mean width {np.mean(widths):.2f} ranks")
    assert 0.93 <= share <= (0.97 if spread == 0 else 1.0)
