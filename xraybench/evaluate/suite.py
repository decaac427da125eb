"""One figure a model over a whole suite, and which order of models by it is real.

The figure is the mean pd over the suite's cells: one threat in one concealment on one scanner each, so that no cell is
counted twice and none weighs more because it has more items. It depends on the model's own results alone. A cell that the
model has no result for counts as pd 0 (`aggregate.POLICIES`), so leaving out a bad one never helps. All cells share one draw
of items: what a replicate draws is drawn for every scanner that saw it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from xraybench import tasks
from xraybench.core import digest, vocabulary
from xraybench.core.chance import seed_of
from xraybench.core.errors import BadValue
from xraybench.core.task import Task
from xraybench.core.types import BoolArray, Dataset, Float32Array, FloatArray
from xraybench.evaluate.score import N_REPLICATES
from xraybench.evaluate.select import Joined, corpora_of, select
from xraybench.metrics import aggregate, panels, ranks, resampling, screening
from xraybench.metrics.aggregate import SuiteMean
from xraybench.metrics.intervals import Interval
from xraybench.metrics.ranks import Difference, RankSets

POLICY = "worst"
WORST_PD = 0.0


@dataclass(frozen=True)
class Standing:
    """The models of one suite and track by their mean pd over its cells; arrays are in the order of `models`."""

    vector: str
    models: tuple[str, ...]
    cells: tuple[Task, ...]
    counts: BoolArray  # (n_cells,) whether a cell's data define pd: a fact of the data, the same for all models
    parts: FloatArray  # (n_models, n_cells) pd; NaN where the model has no result or the cell does not count
    means: tuple[SuiteMean, ...]
    intervals: tuple[Interval, ...]
    simultaneous: RankSets | None  # None where no cell counts
    marginal: RankSets | None
    best: tuple[bool, ...]
    pairs: tuple[Difference, ...]
    corpora: dict[str, str]
    predictions: dict[str, str]
    n_replicates: int


def cells_of(vector: str) -> tuple[Task, ...]:
    """The finest tasks of a vector's suite: no axis at `any`, the suite's own sensors, no control, the newest version."""
    suite = tasks.suite_sensors(vector)
    newest: dict[tuple[str, str, str], Task] = {}
    for task in tasks.select(vector=vector):
        axes = (task.threat, task.concealment, task.sensor)
        if vocabulary.ANY in axes or task.threat in vocabulary.CONTROLS or task.sensor not in suite:
            continue
        if axes not in newest or newest[axes].version < task.version:
            newest[axes] = task
    return tuple(newest.values())


def suite(
    vector: str,
    joined: Sequence[Joined],
    *,
    published: Mapping[str, Collection[str]] | None = None,
    n_replicates: int = N_REPLICATES,
) -> Standing:
    """Stand the models of one suite and track in order.

    Args:
        vector: Whose suite.
        joined: One a model, all on the same dataset; a model may lack corpora of it.
        published: Model -> ids of the tasks that it has a result on; what is not published is missing. None: all that the
            predictions cover.
        n_replicates: Bootstrap replicates.

    Raises:
        BadValue: The vector has no cells, or the models were joined with different data.
    """
    cells = cells_of(vector)
    if not cells:
        raise BadValue(f"Vector '{vector}' has no suite: no task of it names a threat, a concealment and a sensor.")
    dataset = joined[0].dataset
    if any(one.dataset.corpora != dataset.corpora for one in joined):
        raise BadValue(f"The models of suite '{vector}' were joined with different data.")
    known = {c: d for cell in cells for c, d in dataset.corpora.items() if c in _corpora(cell, dataset)}
    counts = np.array([_defines_pd(cell, dataset) for cell in cells])
    item_ids = pd.Index(dataset.items["item_id"])
    weights = _weights(vector, dataset, known, n_replicates)
    parts = np.full((len(joined), len(cells)), np.nan)
    drawn = np.full((len(joined), n_replicates, len(cells)), np.nan)
    for column in np.flatnonzero(counts):
        wanted = set(_corpora(cells[column], dataset))
        having = [
            m
            for m, one in enumerate(joined)
            if wanted <= set(one.scans["corpus"].unique())
            and (published is None or cells[column].id in published[one.predictions.model])
        ]
        if having:
            told = _cell(cells[column], [joined[m] for m in having], item_ids, weights)
            parts[having, column], drawn[having, :, column] = told
    means = tuple(aggregate.suite_mean(row, counts, worst=WORST_PD, policy=POLICY) for row in parts)
    replicates = np.stack([aggregate.replicate_means(one, counts, worst=WORST_PD) for one in drawn], axis=1)
    estimates = np.array([mean.value for mean in means])
    can_rank = bool(counts.any())
    sure = ranks.rank_sets(estimates, replicates) if can_rank else None
    return Standing(
        vector=vector,
        models=tuple(one.predictions.model for one in joined),
        cells=cells,
        counts=counts,
        parts=parts,
        means=means,
        intervals=tuple(
            resampling.bootstrap_interval(replicates[:, i], value=mean.value, method="logit")
            for i, mean in enumerate(means)
        ),
        simultaneous=sure,
        marginal=ranks.rank_sets(estimates, replicates, simultaneous=False) if can_rank else None,
        best=tuple(bool(b) for b in ranks.best_set(estimates, replicates)) if can_rank else (),
        pairs=ranks.pairwise_differences(estimates, replicates) if can_rank else (),
        corpora=known,
        predictions={one.predictions.model: one.predictions.digest_of(sorted(known)) for one in joined},
        n_replicates=n_replicates,
    )


def _corpora(cell: Task, dataset: Dataset) -> list[str]:
    table = dataset.scans.table
    is_there = ((table["vector"] == cell.vector) & (table["sensor"] == cell.sensor)).any()
    return corpora_of(cell, dataset) if is_there else []


def _defines_pd(cell: Task, dataset: Dataset) -> bool:
    """Whether the data hold enough threats for the cell, and calibration items to set its threshold on."""
    corpora = _corpora(cell, dataset)
    table = dataset.scans.table
    scans = table[table["corpus"].isin(corpora)].merge(dataset.items[["item_id", "split"]], on="item_id")
    objects = dataset.objects
    held = objects[(objects["threat"] == cell.threat) & (objects["concealment"] == cell.concealment)]["scan_id"]
    n_threats = int((scans["scan_id"].isin(set(held)) & (scans["split"] == "test")).sum())
    is_calibration = (scans["split"] == "calibration") & ~scans["scan_id"].isin(set(objects["scan_id"]))
    return n_threats >= cell.min_threats and bool(is_calibration.any())


def _weights(vector: str, dataset: Dataset, corpora: dict[str, str], n_replicates: int) -> Float32Array:
    """How often each replicate draws each item of the dataset: every cell keeps its number of items."""
    first = dataset.objects.drop_duplicates("item_id").set_index("item_id")
    label = (first["threat"] + "|" + first["concealment"]).reindex(dataset.items["item_id"]).fillna("")
    strata = dataset.items["split"].to_numpy(dtype=str) + "|" + label.to_numpy(dtype=str)
    return resampling.cluster_weights(
        dataset.items["item_id"].to_numpy(dtype=str),
        strata,
        n_replicates=n_replicates,
        seed=seed_of(0, "suite", vector, digest.of_json(corpora)),
    )


def _cell(
    cell: Task, joined: Sequence[Joined], item_ids: "pd.Index", weights: Float32Array
) -> tuple[FloatArray, FloatArray]:
    """pd of some models on one cell, (n_models,), and in each replicate, (n_models, n_replicates).

    Threats and calibration items come from the shared draw, and every replicate sets each model's threshold anew.
    """
    chosen = [select(cell, one) for one in joined]
    first, pfa = chosen[0], cell.pfa_points[0]
    names = joined[0].scans.drop_duplicates("item").set_index("item")["item_id"]
    calibration = weights[:, item_ids.get_indexer(names[first.calibration_items])]
    redrawn = panels.replicate_thresholds(np.stack([one.calibration for one in chosen]), calibration, pfa=pfa)
    limits = np.array([screening.threshold_at_pfa(one.calibration, pfa) for one in chosen])
    scores = np.stack([one.scores[one.is_threat] for one in chosen])
    drawn = weights[:, item_ids.get_indexer(first.rows.loc[first.is_threat, "item_id"])]
    whole, one_slice = np.ones(scores.shape[1], dtype=bool), np.zeros(scores.shape[1], dtype=np.int64)
    replicates = panels.panel(scores, whole, one_slice, drawn, thresholds=redrawn)
    return (scores >= limits[:, None]).mean(axis=1), replicates.pd[:, 0].astype(np.float64)
