"""How fast the resampling engine is, against a plain loop and scipy.stats.bootstrap in the same run.

All answer one question, the spread of a metric over 1000 resamples of 600 threat and 1400 benign items. The peers run
fewer resamples and are scaled up. Run: `python benchmarks/resampling.py`; the last line is one JSON object.
"""

import json
import os
from collections.abc import Callable
from time import perf_counter

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from scipy import stats
from sklearn.metrics import average_precision_score, roc_auc_score

from xraybench.metrics import ranks, resampling, screening

N_THREATS, N_BENIGN, N_REPLICATES = 600, 1400, 1000
N_LOOP = 100  # resamples of the peers; their time grows in proportion

PEERS = (("auroc", "loop"), ("average_precision", "loop"), ("auroc", "scipy"), ("mean", "scipy"))

Figures = dict[str, float]


def ms(call: Callable[[], object], *, repeats: int = 5) -> float:
    """Median time of a call in ms, after one to warm up."""
    call()
    times = []
    for _ in range(repeats):
        start = perf_counter()
        call()
        times.append(1e3 * (perf_counter() - start))
    return float(np.median(times))


def made() -> tuple[np.ndarray, np.ndarray]:
    """Scores of overlapping kinds and their truth."""
    is_threat = np.arange(N_THREATS + N_BENIGN) < N_THREATS
    return 1 / (1 + np.exp(-np.random.default_rng(0).normal(loc=1.5 * is_threat))), is_threat


def engine(scores: np.ndarray, is_threat: np.ndarray) -> Figures:
    items = np.arange(len(scores))
    weights = resampling.cluster_weights(items, is_threat, n_replicates=N_REPLICATES, seed=0)
    grid = np.linspace(0, 0.5, 51)
    return {
        "weights_ms": ms(lambda: resampling.cluster_weights(items, is_threat, n_replicates=N_REPLICATES, seed=0)),
        "auroc_ms": ms(lambda: resampling.weighted_auroc(weights, scores, is_threat)),
        "average_precision_ms": ms(lambda: resampling.weighted_average_precision(weights, scores, is_threat)),
        "mean_ms": ms(lambda: resampling.weighted_mean(weights, scores)),
        "ece_ms": ms(lambda: resampling.weighted_ece(weights, scores, is_threat)),
        "roc_band_51_points_ms": ms(lambda: screening.roc_band(weights, scores, is_threat, pfa_grid=grid)),
        "auroc_spread": float(resampling.weighted_auroc(weights, scores, is_threat).std()),
    }


def loop(scores: np.ndarray, is_threat: np.ndarray) -> Figures:
    """Draw row numbers, index, call scikit-learn: what most evaluation code does."""

    def values(metric: Callable[[np.ndarray, np.ndarray], float]) -> list[float]:
        rng = np.random.default_rng(0)
        threats, benign = np.flatnonzero(is_threat), np.flatnonzero(~is_threat)
        drawn = (np.r_[rng.choice(threats, N_THREATS), rng.choice(benign, N_BENIGN)] for _ in range(N_LOOP))
        return [metric(is_threat[rows], scores[rows]) for rows in drawn]

    scale = N_REPLICATES / N_LOOP
    return {
        "loop_auroc_ms": scale * ms(lambda: values(roc_auc_score), repeats=3),
        "loop_average_precision_ms": scale * ms(lambda: values(average_precision_score), repeats=3),
    }


def scipy_bootstrap(scores: np.ndarray, is_threat: np.ndarray) -> Figures:
    threat, benign = scores[is_threat], scores[~is_threat]

    def run(metric: Callable[..., object], data: tuple[np.ndarray, ...], n: int, **options: object) -> object:
        return stats.bootstrap(data, metric, n_resamples=n, method="percentile", rng=0, **options)

    def auroc(*sides: np.ndarray) -> float:
        return screening.auroc(*sides)

    def mean(values: np.ndarray, axis: int) -> object:
        return values.mean(axis=axis)

    spread = run(auroc, (threat, benign), N_REPLICATES, vectorized=False)
    return {
        "scipy_auroc_ms": N_REPLICATES
        / N_LOOP
        * ms(lambda: run(auroc, (threat, benign), N_LOOP, vectorized=False), repeats=3),
        "scipy_mean_ms": ms(lambda: run(mean, (scores,), N_REPLICATES), repeats=3),
        "scipy_auroc_spread": float(spread.standard_error),  # type: ignore[attr-defined]
    }


def vendors() -> Figures:
    """Many vendors on one board."""
    rng = np.random.default_rng(1)
    threat, benign = rng.normal(loc=1, size=(10_000, 20)), rng.normal(size=(40_000, 20))
    estimates = np.linspace(0.80, 0.90, 100)
    replicates = estimates + 0.01 * rng.normal(size=(N_REPLICATES, 100))
    return {
        "delong_20_vendors_50000_items_ms": ms(lambda: screening.delong(threat, benign), repeats=3),
        "rank_sets_100_vendors_ms": ms(lambda: ranks.rank_sets(estimates, replicates), repeats=3),
    }


def main() -> None:
    scores, is_threat = made()
    found = engine(scores, is_threat) | loop(scores, is_threat) | scipy_bootstrap(scores, is_threat) | vendors()
    for metric, peer in PEERS:
        for n_vendors in (1, 10):  # the draw is made once for all vendors, by the peers for each
            ours = found["weights_ms"] + n_vendors * found[f"{metric}_ms"]
            theirs = n_vendors * found[f"{peer}_{metric}_ms"]
            found[f"{metric}_{n_vendors}_vendors_times_faster_than_{peer}"] = theirs / ours
    for name, figure in found.items():
        print(f"{name:55s} {figure:12.4g}")
    print(json.dumps({name: float(f"{figure:.4g}") for name, figure in found.items()}))


if __name__ == "__main__":
    main()
