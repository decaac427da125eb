"""Which order of models is real on one task, and which is noise: all of them on one resample matrix."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xraybench.core.task import Task
from xraybench.core.types import BoolArray, Dataset, FloatArray, Predictions
from xraybench.evaluate.score import N_REPLICATES, item_weights
from xraybench.evaluate.select import Joined, Selection, corpora_of, join, select
from xraybench.metrics import intervals, ranks, resampling, screening
from xraybench.metrics.ranks import Difference, RankSets

# Before anyone submits nothing is known of the vendors: the smallest difference is told for this pd.
_ASSUMED_PD = 0.80
# Grid of the ROC curves: fine where screening works, coarse beyond.
PFA_GRID: FloatArray = np.round(
    np.concatenate([np.arange(0, 0.1, 0.005), np.arange(0.1, 0.3, 0.02), [0.4, 0.6, 0.8]]), 3
)


@dataclass(frozen=True)
class Ranking:
    """The models of one task and track, ordered as far as the data allow."""

    task: Task
    models: tuple[str, ...]
    corpora: dict[str, str]
    predictions: dict[str, str]
    estimates: FloatArray  # pd at the task's main pfa
    simultaneous: RankSets
    marginal: RankSets
    bands: tuple[int, ...]
    pairs: tuple[Difference, ...]
    n_threats: int
    n_benign: int
    minimum_detectable_difference: float
    n_replicates: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models on one task: paired difference of pd at the task's main pfa."""

    task: str
    first: str
    second: str
    pd_first: float
    pd_second: float
    difference: float
    low: float
    high: float
    p: float  # from the paired bootstrap over items
    p_mcnemar: float  # exact, on the same threat items; NaN where items give several rows
    only_first: int  # threats that only the first model finds
    only_second: int
    n_threats: int
    minimum_detectable_difference: float

    def sentence(self) -> str:
        """The comparison in words."""
        verdict = "cannot be told apart"
        if self.low > 0 or self.high < 0:
            verdict = f"{self.first if self.difference > 0 else self.second} finds more"
        exact = "" if math.isnan(self.p_mcnemar) else f", exact McNemar p {self.p_mcnemar:.3g}"
        return (
            f"{self.task}: {verdict}. pd {self.pd_first:.3f} ({self.first}) and {self.pd_second:.3f} ({self.second}), "
            f"difference {self.difference:+.3f} [{self.low:+.3f}, {self.high:+.3f}], p {self.p:.3g}{exact}; "
            f"{self.n_threats} threats, {self.only_first} found by the first alone, {self.only_second} by the second "
            f"alone. The task can show differences from {self.minimum_detectable_difference:.3f} on."
        )


def rank(task: Task, joined: Sequence[Joined], *, n_replicates: int = N_REPLICATES) -> Ranking | None:
    """Rank sets of several models on one task by pd at its main pfa; None where the task has too few threats.

    Each model's threshold is its own, set on the calibration items; the threats are resampled, the same draw for all.
    """
    chosen = [select(task, one) for one in joined]
    alarms = [_alarms(one) for one in chosen]
    threats = chosen[0].rows[chosen[0].is_threat]
    if len(threats) < task.min_threats:
        return None
    corpora = {c: joined[0].dataset.corpora[c] for c in corpora_of(task, joined[0].dataset)}
    weights = item_weights(task, chosen[0].rows, corpora, n_replicates)[:, chosen[0].is_threat]
    found = np.stack([a.astype(float) for a in alarms])
    estimates = found.mean(axis=1)
    replicates = np.stack([resampling.weighted_mean(weights, row) for row in found], axis=1)
    simultaneous = ranks.rank_sets(estimates, replicates)
    return Ranking(
        task=task,
        models=tuple(one.predictions.model for one in joined),
        corpora=corpora,
        predictions={one.predictions.model: one.predictions.digest_of(list(corpora)) for one in joined},
        estimates=estimates,
        simultaneous=simultaneous,
        marginal=ranks.rank_sets(estimates, replicates, simultaneous=False),
        bands=tuple(int(b) for b in ranks.tie_bands(simultaneous)),
        pairs=ranks.pairwise_differences(estimates, replicates),
        n_threats=len(threats),
        n_benign=int((~chosen[0].is_threat).sum()),
        minimum_detectable_difference=detectable(chosen[0], found),
        n_replicates=n_replicates,
    )


def compare(
    task: Task, dataset: Dataset, first: Predictions, second: Predictions, *, n_replicates: int = N_REPLICATES
) -> Comparison:
    """Two models on one task, on the same items and the same resamples."""
    joined = [join(dataset, one) for one in (first, second)]
    chosen = [select(task, one) for one in joined]
    alarms = [_alarms(one) for one in chosen]
    threats = chosen[0].rows[chosen[0].is_threat]
    corpora = {c: dataset.corpora[c] for c in corpora_of(task, dataset)}
    weights = item_weights(task, chosen[0].rows, corpora, n_replicates)[:, chosen[0].is_threat]
    found = np.stack([a.astype(float) for a in alarms])
    replicates = np.stack([resampling.weighted_mean(weights, row) for row in found], axis=1)
    pair = ranks.pairwise_differences(found.mean(axis=1), replicates)[0]
    exact = ranks.mcnemar_exact(*alarms)
    return Comparison(
        task=task.id,
        first=first.model,
        second=second.model,
        pd_first=float(found[0].mean()),
        pd_second=float(found[1].mean()),
        difference=pair.difference,
        low=pair.low,
        high=pair.high,
        p=pair.p,
        p_mcnemar=exact.p if threats["item_id"].is_unique else math.nan,
        only_first=exact.only_first,
        only_second=exact.only_second,
        n_threats=len(threats),
        minimum_detectable_difference=detectable(chosen[0], found),
    )


def roc_band(task: Task, joined: Joined, *, n_replicates: int = N_REPLICATES) -> screening.RocBand:
    """The ROC curve of one model on one task over `PFA_GRID`, with its pointwise band."""
    chosen = select(task, joined)
    corpora = {c: joined.dataset.corpora[c] for c in corpora_of(task, joined.dataset)}
    weights = item_weights(task, chosen.rows, corpora, n_replicates)
    return screening.roc_band(weights, chosen.scores, chosen.is_threat, pfa_grid=PFA_GRID)


def detectable(chosen: Selection, found: FloatArray) -> float:
    """The smallest difference of pd between two models that this task can show, told for a pd of 0.80.

    Where an item gives several rows, the rows are worth as many independent ones as the design effect says.
    """
    threats = chosen.rows[chosen.is_threat]
    effect = 1.0
    if not threats["item_id"].is_unique:
        items = threats["item_id"].to_numpy(dtype=str)
        told = [intervals.design_effect(row, items) for row in found]
        effect = max([1.0, *(e for e in told if not math.isnan(e))])
    return ranks.minimum_detectable_difference(len(threats), pd=_ASSUMED_PD, design_effect=effect)


def _alarms(chosen: Selection) -> BoolArray:
    threshold = screening.threshold_at_pfa(chosen.calibration, chosen.task.pfa_points[0])
    return screening.alarms(chosen.scores[chosen.is_threat], threshold)
