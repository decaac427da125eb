"""From a model to a board: predict every corpus once, score every task from it, keep both; then rank all models.

What lies under a board folder:

    predictions/<model>/<corpus>.parquet   what the model said
    models/<model>.json                    its signature: what goes in and out, how it was trained
    results/<model>/<task-id>.json         every number, from the predictions
    results/_ranks, results/_curves        which ranks are real, ROC curves with bands
    site/                                  the pages
"""

import math
from collections.abc import Iterable
from pathlib import Path

from xraybench import tasks
from xraybench.core import machine, progress
from xraybench.core.documents import ModelSignature, ResultFile, write_document
from xraybench.core.task import Task
from xraybench.core.types import Dataset, Model, Predictions
from xraybench.core.vocabulary import ANY
from xraybench.data.unrendered import labels_only
from xraybench.evaluate import Joined, Ranking, join, rank, roc_band, score_joined
from xraybench.evaluate.files import board_predictions, widest
from xraybench.evaluate.select import corpora_of
from xraybench.formats.predictions import write_predictions
from xraybench.report import results
from xraybench.report.results import Curve, CurveFile, PairRow, RankFile, RankRow

_RANKS_METHOD = "simultaneous confidence sets from the paired stratified cluster bootstrap over items (stepdown max-t)"
_MDD_METHOD = "paired models of pd 0.80 whose misses are independent, two-sided 5 %, power 80 %"
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
        predictions = model.predict(dataset.track(signature.track))
        for corpus, rows in predictions.table.groupby("corpus", sort=True):
            part = Predictions(model.name, rows.reset_index(drop=True))
            write_predictions(out / "predictions" / model.name / f"{corpus}.parquet", part)
        # Scored as they are read back: what is kept is what was scored.
        kept = board_predictions(model.name, sorted(dataset.corpora), out / "predictions")
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


def rank_board(board: Path, *, quiet: bool = False) -> list[Path]:
    """Rank the models of a board on every simulated task, each track apart, and draw the ROC curves of the widest tasks.

    Everything is computed from the kept predictions and from labels made of the seed. Files already written are
    written again: the draw is seeded, so equal predictions give equal files.
    """
    published = [r for r in results.load_results(board / "results") if r.is_simulated]
    written: list[Path] = []
    groups: dict[tuple[str, str, str, int], set[str]] = {}
    for r in published:
        name = widest(results.task_of(r.task)).id
        groups.setdefault((name, r.track, r.profile, r.seed), set()).add(r.model)
    for (name, track, profile, seed), models in sorted(groups.items()):
        dataset = labels_only(name, profile=profile, seed=seed)
        joined = [
            join(dataset, board_predictions(model, sorted(dataset.corpora), board / "predictions"))
            for model in sorted(models)
        ]
        # A suite of one sensor has the tasks of `any` sensor and of that one; ranks are made where results are.
        told = {
            r.task for r in published if r.model in models and (r.track, r.profile, r.seed) == (track, profile, seed)
        }
        chosen = [t for t in tasks_of(dataset) if t.id in told]
        for task in progress.track(chosen, f"ranking {name}, {track}", quiet=quiet):
            ranking = rank(task, joined)
            if ranking is not None:
                written.append(results.save_ranks(_rank_file(ranking, track), board / "results"))
        for task in chosen:
            if (task.threat, task.concealment) == (ANY, ANY):
                written.append(results.save_curves(_curve_file(task, joined, track), board / "results"))
    return written


def _rank_file(ranking: Ranking, track: str) -> RankFile:
    sure, alone, mdd = ranking.simultaneous, ranking.marginal, ranking.minimum_detectable_difference
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
        )
        for p in ranking.pairs
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
        minimum_detectable_difference=None if math.isnan(mdd) else mdd,
        minimum_detectable_difference_method=_MDD_METHOD,
        corpora=ranking.corpora,
        predictions=ranking.predictions,
        rows=sorted(rows, key=lambda row: (-row.estimate, row.model)),
        pairs=pairs,
    )


def _curve_file(task: Task, joined: list[Joined], track: str) -> CurveFile:
    bands = [(one.predictions, roc_band(task, one)) for one in joined]
    corpora = corpora_of(task, joined[0].dataset)
    return CurveFile(
        task=task.id,
        track=track,
        method=_CURVE_METHOD,
        corpora={c: joined[0].dataset.corpora[c] for c in corpora},
        predictions={predictions.model: predictions.digest_of(corpora) for predictions, _ in bands},
        pfa=[float(x) for x in bands[0][1].pfa],
        curves=[
            Curve(model=p.model, pd=_rounded(band.pd), low=_rounded(band.low), high=_rounded(band.high))
            for p, band in bands
        ],
    )


def _rounded(values: Iterable[float]) -> list[float]:
    return [round(float(v), 5) for v in values]
