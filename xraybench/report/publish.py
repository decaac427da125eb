"""From a model to a board: predict every corpus once, score every task from it, keep both; then rank all models.

What lies under a board folder:

    predictions/<model>/<corpus>.parquet   what the model said
    models/<model>.json                    its signature: what goes in and out, how it was trained
    results/<model>/<task-id>.json         every number, from the predictions
    results/_ranks, results/_curves        which ranks are real, ROC curves with bands
    results/_suites                        one figure over all cells of a suite
    site/                                  the pages

What rests on imported data carries the key of its dataset: `<corpus>@<dataset>.parquet`, `<task-id>@<dataset>.json`.
"""

import math
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import numpy as np

from xraybench import tasks
from xraybench.core import machine, progress
from xraybench.core.documents import ModelSignature, ResultFile, write_document
from xraybench.core.task import Task
from xraybench.core.types import Dataset, Model, Predictions
from xraybench.core.vocabulary import ANY
from xraybench.data.unrendered import labels_only
from xraybench.evaluate import Joined, Ranking, dataset_key, join, rank, roc_band, score_joined, suite
from xraybench.evaluate.files import board_predictions, predictions_file, widest
from xraybench.evaluate.select import corpora_of
from xraybench.evaluate.suite import cells_of
from xraybench.formats.predictions import write_predictions
from xraybench.report import results
from xraybench.report.results import Curve, CurveFile, PairRow, RankFile, RankRow
from xraybench.report.suites import save_suite, suite_file

_RANKS_METHOD = (
    "simultaneous confidence sets from the paired stratified cluster bootstrap over items, thresholds set anew on "
    "calibration items drawn again (stepdown max-t)"
)
_MDD_METHOD = "paired models of pd 0.80 whose misses are independent, two-sided 5 %, power 80 %"
_MOST_PAIRED = 200  # models; beyond, only neighbours in rank are listed as pairs
_CURVE_METHOD = "pointwise 95 % percentile band of the stratified cluster bootstrap over items"


def publish(
    model: Model, datasets: Iterable[Dataset], out: Path, *, signature: ModelSignature, quiet: bool = False
) -> list[ResultFile]:
    """Predict the calibration and test items of every dataset, score every task on them, and keep it all.

    Args:
        model: Anything that predicts.
        datasets: One per vector, with all corpora of that vector; or imported ones.
        out: A folder of the form of a board.
        signature: What the model looks at and how it was trained; kept beside the numbers.
        quiet: Say nothing.

    Returns:
        One result file per task, suite by suite.
    """
    timed = {**signature.training, "latency_device": f"{machine.device_name()}, one thread, batch of one"}
    write_document(out / "models" / f"{model.name}.json", signature.model_copy(update={"training": timed}))
    found = []
    for dataset in datasets:
        predictions, key = model.predict(dataset.track(signature.track)), dataset_key(dataset)
        for corpus, rows in predictions.table.groupby("corpus", sort=True):
            part = Predictions(model.name, rows.reset_index(drop=True))
            write_predictions(predictions_file(out / "predictions", model.name, str(corpus), key), part)
        # Scored as they are read back: what is kept is what was scored.
        kept = board_predictions(model.name, sorted(dataset.corpora), out / "predictions", dataset=key)
        joined = join(dataset, kept)
        for task in progress.track(tasks_of(dataset), f"scoring {model.name}", quiet=quiet):
            result = score_joined(task, joined, track=signature.track)
            results.save(result, out / "results")
            found.append(result)
    return found


def tasks_of(dataset: Dataset) -> list[Task]:
    """The standard tasks of a simulated dataset's corpora; of an imported one, the task over all its threats and each."""
    table = dataset.scans.table
    sensors = set(table["sensor"])
    if dataset.is_simulated:
        declared = [t for v in sorted(set(table["vector"])) for t in tasks.select(vector=v)]
        return [t for t in declared if sensors.issuperset(tasks.sensors_of(t))]
    vector, sensor = table["vector"].iloc[0], table["sensor"].iloc[0]
    threats = sorted(set(dataset.objects["threat"]))
    return [tasks.of_dataset(vector, sensor, threat=threat) for threat in ("any", *threats)]


def rank_board(board: Path, *, datasets: Iterable[Dataset] = (), quiet: bool = False) -> list[Path]:
    """Rank the models of a board on every task, each track apart, draw the ROC curves of the widest tasks, stand the suites.

    Everything is computed from the kept predictions and from labels: made of the seed where they are simulated, given where
    they are imported. Real and simulated data never share a rank. Files already written are written again: the draw is
    seeded, so equal predictions give equal files.

    Args:
        board: Folder of the board.
        datasets: The imported datasets to rank on; results on others keep what ranks they have.
        quiet: Say nothing.
    """
    published = results.load_results(board / "results")
    written: list[Path] = []
    groups: dict[tuple[str, str, str, int], set[str]] = {}
    for r in published:
        if r.is_simulated:
            name = widest(results.task_of(r.task)).id
            groups.setdefault((name, r.track, r.profile, r.seed), set()).add(r.model)
    for (name, track, profile, seed), models in sorted(groups.items()):
        dataset = labels_only(name, profile=profile, seed=seed)
        mine = [r for r in published if r.is_simulated and (r.track, r.profile, r.seed) == (track, profile, seed)]
        joined = _joined(board, dataset, sorted(models))
        written += _compared(board, dataset, joined, mine, track, quiet=quiet)
        vector = results.task_of(name).vector
        cells = {cell.id for cell in cells_of(vector)}
        if cells & {r.task for r in mine}:
            told = {model: {r.task for r in mine if r.model == model} for model in models}
            standing = suite(vector, joined, published=told)
            written.append(save_suite(suite_file(standing, track=track, profile=profile, seed=seed), board / "results"))
    for dataset in datasets:
        key = dataset_key(dataset)
        if not key:
            continue  # simulated: its labels were made above
        on_it = [r for r in published if r.dataset == key]
        for track in sorted({r.track for r in on_it}):
            mine = [r for r in on_it if r.track == track]
            joined = _joined(board, dataset.part("calibration", "test"), sorted({r.model for r in mine}))
            written += _compared(board, dataset, joined, mine, track, quiet=quiet)
    return written


def _joined(board: Path, dataset: Dataset, models: list[str]) -> list[Joined]:
    """Each model joined on those corpora of the dataset that the board keeps predictions of."""
    key = dataset_key(dataset)
    found = []
    for model in models:
        folder = board / "predictions"
        kept = [c for c in sorted(dataset.corpora) if predictions_file(folder, model, c, key).exists()]
        found.append(join(dataset, board_predictions(model, kept or sorted(dataset.corpora), folder, dataset=key)))
    return found


def _compared(
    board: Path, dataset: Dataset, joined: list[Joined], published: list[ResultFile], track: str, *, quiet: bool
) -> list[Path]:
    """Rank sets of every task, and curves of the widest ones, of the models that have a result on it."""
    told: dict[str, set[str]] = {}
    for r in published:
        told.setdefault(r.task, set()).add(r.model)
    written = []
    # A suite of one sensor has the tasks of `any` sensor and of that one; ranks are made where results are.
    for task in progress.track([t for t in tasks_of(dataset) if t.id in told], f"ranking {dataset.name}", quiet=quiet):
        having = [one for one in joined if one.predictions.model in told[task.id]]
        ranking = rank(task, having)
        if ranking is not None:
            ranked = _rank_file(ranking, track, dataset_key(dataset))
            written.append(results.save_ranks(ranked, board / "results"))
        if (task.threat, task.concealment) == (ANY, ANY):
            written.append(results.save_curves(curve_file(task, having, track), board / "results"))
    return written


def _rank_file(ranking: Ranking, track: str, dataset: str) -> RankFile:
    sure, alone = ranking.simultaneous, ranking.marginal
    listed = _listed_pairs(ranking)
    rows = [
        RankRow(
            model=model,
            estimate=float(ranking.estimates[i]),
            rank_low=int(sure.low[i]),
            rank_high=int(sure.high[i]),
            marginal_low=int(alone.low[i]),
            marginal_high=int(alone.high[i]),
            band=ranking.bands[i],
        )
        for i, model in enumerate(ranking.models)
    ]
    pairs = [
        PairRow(
            a=ranking.models[p.first],
            b=ranking.models[p.second],
            difference=p.difference,
            low=p.low,
            high=p.high,
            p_holm=p.p_holm,
            only_a=exact.only_first,
            only_b=exact.only_second,
            p_mcnemar=_defined(exact.p),
        )
        for p, exact in zip(ranking.pairs, ranking.exact, strict=True)
        if frozenset((p.first, p.second)) in listed
    ]
    return RankFile(
        task=ranking.task.id,
        track=track,
        metric=ranking.task.main_metric,
        at=ranking.task.pfa_points[0],
        method=_RANKS_METHOD,
        n_replicates=ranking.n_replicates,
        n_threats=ranking.n_threats,
        n_benign=ranking.n_benign,
        minimum_detectable_difference=_defined(ranking.minimum_detectable_difference),
        minimum_detectable_difference_method=_MDD_METHOD,
        minimum_detectable_difference_holm=_defined(ranking.minimum_detectable_difference_holm),
        best=[model for model, may_be in zip(ranking.models, ranking.best, strict=True) if may_be],
        ties=[[ranking.models[i] for i in group] for group in ranking.ties],
        dataset=dataset,
        corpora=ranking.corpora,
        predictions=ranking.predictions,
        rows=sorted(rows, key=lambda row: (-row.estimate, row.model)),
        pairs=pairs,
    )


def curve_file(task: Task, joined: list[Joined], track: str) -> CurveFile:
    """ROC curves with bands of these models on one task."""
    bands = [(one.predictions, roc_band(task, one)) for one in joined]
    corpora = corpora_of(task, joined[0].dataset)
    return CurveFile(
        task=task.id,
        track=track,
        method=_CURVE_METHOD,
        dataset=dataset_key(joined[0].dataset),
        corpora={c: joined[0].dataset.corpora[c] for c in corpora},
        predictions={predictions.model: predictions.digest_of(corpora) for predictions, _ in bands},
        pfa=[float(x) for x in bands[0][1].pfa],
        curves=[
            Curve(model=p.model, pd=_rounded(band.pd), low=_rounded(band.low), high=_rounded(band.high))
            for p, band in bands
        ],
    )


def _listed_pairs(ranking: Ranking) -> set[frozenset[int]]:
    """All pairs of models; where there are too many models to list them, those that stand next to each other."""
    if len(ranking.models) <= _MOST_PAIRED:
        return {frozenset((p.first, p.second)) for p in ranking.pairs}
    order = [int(i) for i in np.lexsort((np.array(ranking.models), -ranking.estimates))]
    return {frozenset(pair) for pair in pairwise(order)}


def _defined(value: float) -> float | None:
    return None if math.isnan(value) else float(f"{value:.6g}")


def _rounded(values: Iterable[float]) -> list[float]:
    return [round(float(v), 5) for v in values]
