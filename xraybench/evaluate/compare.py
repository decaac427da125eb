"""Which order of models is real on one task, and which is noise: all of them on one resample matrix.

Every replicate draws the threats again and the calibration items too, and sets each model's threshold from those it drew; so
ranks and differences hold the chance in the threshold as well as that in the threats.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xraybench.core.errors import BadValue
from xraybench.core.task import Task
from xraybench.core.types import Dataset, FloatArray, Predictions
from xraybench.evaluate.score import N_REPLICATES, calibration_weights, item_weights
from xraybench.evaluate.select import Joined, Selection, corpora_of, join, select
from xraybench.metrics import intervals, panels, ranks, screening
from xraybench.metrics.ranks import Difference, McNemar, RankSets

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
    best: tuple[bool, ...]  # may be the best, by the confidence set of the best
    ties: tuple[tuple[int, ...], ...]  # largest groups of models that are all tied with each other
    pairs: tuple[Difference, ...]
    exact: tuple[McNemar, ...]  # of each pair, for the thresholds as set; p is NaN where items give several rows
    n_threats: int
    n_benign: int
    minimum_detectable_difference: float
    minimum_detectable_difference_holm: float  # all pairs told together
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
    p: float  # from the paired bootstrap over items and calibration items
    p_mcnemar: float  # exact, thresholds as set, on the same threat items; NaN where items give several rows
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
            f"alone. The task shows a true difference of {self.minimum_detectable_difference:.3f} in 80 of 100 repetitions."
        )


def rank(task: Task, joined: Sequence[Joined], *, n_replicates: int = N_REPLICATES) -> Ranking | None:
    """Rank sets of several models on one task by pd at its main pfa; None with too few threats or no calibration item.

    Each model's threshold is its own, set on the calibration items; threats and calibration items are resampled, the same
    draw for all.
    """
    chosen = [select(task, one) for one in joined]
    first = chosen[0]
    n_threats = int(first.is_threat.sum())
    if n_threats < task.min_threats or not len(first.calibration):
        return None
    corpora = {c: joined[0].dataset.corpora[c] for c in corpora_of(task, joined[0].dataset)}
    found, replicates = _found(task, chosen, corpora, n_replicates)
    estimates = found.mean(axis=1)
    simultaneous = ranks.rank_sets(estimates, replicates)
    pairs = ranks.pairwise_differences(estimates, replicates)
    return Ranking(
        task=task,
        models=tuple(one.predictions.model for one in joined),
        corpora=corpora,
        predictions={one.predictions.model: one.predictions.digest_of(list(corpora)) for one in joined},
        estimates=estimates,
        simultaneous=simultaneous,
        marginal=ranks.rank_sets(estimates, replicates, simultaneous=False),
        bands=tuple(int(b) for b in ranks.tie_bands(simultaneous)),
        best=tuple(bool(b) for b in ranks.best_set(estimates, replicates)),
        ties=ranks.tie_groups(simultaneous),
        pairs=pairs,
        exact=tuple(_mcnemar(first, found, p.first, p.second) for p in pairs),
        n_threats=n_threats,
        n_benign=int((~first.is_threat).sum()),
        minimum_detectable_difference=detectable(first, found),
        minimum_detectable_difference_holm=detectable(first, found, n_comparisons=max(1, len(pairs))),
        n_replicates=n_replicates,
    )


def compare(
    task: Task, dataset: Dataset, first: Predictions, second: Predictions, *, n_replicates: int = N_REPLICATES
) -> Comparison:
    """Two models on one task, on the same items and the same resamples.

    Raises:
        BadValue: The task's data have no threat or no benign calibration item, so there is no pd to compare.
    """
    joined = [join(dataset, one) for one in (first, second)]
    chosen = [select(task, one) for one in joined]
    if not chosen[0].is_threat.any() or not len(chosen[0].calibration):
        raise BadValue(f"{task.id}: no threat or no benign calibration item in {dataset.name}, so there is no pd.")
    corpora = {c: dataset.corpora[c] for c in corpora_of(task, dataset)}
    found, replicates = _found(task, chosen, corpora, n_replicates)
    pair = ranks.pairwise_differences(found.mean(axis=1), replicates)[0]
    exact = _mcnemar(chosen[0], found, 0, 1)
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
        p_mcnemar=exact.p,
        only_first=exact.only_first,
        only_second=exact.only_second,
        n_threats=found.shape[1],
        minimum_detectable_difference=detectable(chosen[0], found),
    )


def roc_band(task: Task, joined: Joined, *, n_replicates: int = N_REPLICATES) -> screening.RocBand:
    """The ROC curve of one model on one task over `PFA_GRID`, with its pointwise band."""
    chosen = select(task, joined)
    corpora = {c: joined.dataset.corpora[c] for c in corpora_of(task, joined.dataset)}
    weights = item_weights(task, chosen.rows, corpora, n_replicates)
    return screening.roc_band(weights, chosen.scores, chosen.is_threat, pfa_grid=PFA_GRID)


def detectable(chosen: Selection, found: FloatArray, *, n_comparisons: int = 1) -> float:
    """The smallest difference of pd between two models that this task can show, told for a pd of 0.80.

    Where an item gives several rows, the rows are worth as many independent ones as the design effect says.
    """
    threats = chosen.rows[chosen.is_threat]
    effect = 1.0
    if not threats["item"].is_unique:
        items = threats["item"].to_numpy(dtype=np.int64)
        told = [intervals.design_effect(row, items) for row in found]
        effect = max([1.0, *(e for e in told if not math.isnan(e))])
    return ranks.minimum_detectable_difference(
        len(threats), pd=_ASSUMED_PD, design_effect=effect, n_comparisons=n_comparisons
    )


def _found(
    task: Task, chosen: Sequence[Selection], corpora: dict[str, str], n_replicates: int
) -> tuple[FloatArray, FloatArray]:
    """Whether each model alarms on each threat row, (n_models, n_rows); its pd by replicate, (n_replicates, n_models)."""
    pfa = task.pfa_points[0]
    first = chosen[0]
    limits = np.array([screening.threshold_at_pfa(one.calibration, pfa) for one in chosen])
    drawn = calibration_weights(first, corpora, n_replicates)
    redrawn = panels.replicate_thresholds(np.stack([one.calibration for one in chosen]), drawn, pfa=pfa)
    scores = np.stack([one.scores[one.is_threat] for one in chosen])
    n_threats = scores.shape[1]
    weights = item_weights(task, first.rows, corpora, n_replicates)[:, first.is_threat]
    truth, one_slice = np.ones(n_threats, dtype=bool), np.zeros(n_threats, dtype=np.int64)
    replicates = panels.panel(scores, truth, one_slice, weights, thresholds=redrawn).pd[:, 0].T.astype(np.float64)
    return (scores >= limits[:, None]).astype(float), replicates


def _mcnemar(chosen: Selection, found: FloatArray, first: int, second: int) -> McNemar:
    exact = ranks.mcnemar_exact(found[first] > 0, found[second] > 0)
    is_unique = chosen.rows.loc[chosen.is_threat, "item"].is_unique
    return exact if is_unique else McNemar(exact.only_first, exact.only_second, math.nan)
