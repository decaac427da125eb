"""Score one model on one task: every metric and slice, each with its interval and its n.

The threshold is set on benign calibration items at the task's pfa, ties resolved conservatively, and carried over to
the test items unchanged; slices use that threshold, never their own. Shares carry Wilson intervals (widened by the design
effect where one item gives several rows), AUROC DeLong's, all others the stratified cluster bootstrap over items.
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from xraybench import __version__
from xraybench.core import digest, vocabulary
from xraybench.core.chance import seed_of
from xraybench.core.documents import ResultFile, ResultRow
from xraybench.core.task import Task
from xraybench.core.types import BoolArray, Dataset, Float32Array, Predictions
from xraybench.evaluate.select import Joined, Selection, corpora_of, join, select
from xraybench.metrics import calibration, detection, intervals, resampling, screening, speed
from xraybench.metrics.intervals import Interval

N_REPLICATES = 1000


@dataclass(frozen=True)
class _Cut:
    """Which rows a number is taken over, and what to call them."""

    axis: str
    value: str
    rows: BoolArray


def score(
    task: Task, dataset: Dataset, predictions: Predictions, *, track: str = "unknown", n_replicates: int = N_REPLICATES
) -> ResultFile:
    """Every registered metric of one model on one task, and the main metric on every slice.

    Args:
        task: What is measured.
        dataset: Calibration and test items of the task's corpora.
        predictions: The model's rows for them.
        track: What the model looked at: raw, colour, grey or unknown. Tracks are ranked apart.
        n_replicates: Bootstrap replicates. The draw depends on the task and its data only, so all vendors share it.

    Raises:
        DigestMismatch: The predictions were made for other data.
        BadTable: A scan was not looked at, or has no score.
    """
    return score_joined(task, join(dataset, predictions), track=track, n_replicates=n_replicates)


def score_joined(task: Task, joined: Joined, *, track: str = "unknown", n_replicates: int = N_REPLICATES) -> ResultFile:
    """As `score`, for many tasks on one join."""
    dataset, predictions = joined.dataset, joined.predictions
    chosen = select(task, joined)
    corpora = corpora_of(task, dataset)
    whole = _Cut("", "", np.ones(len(chosen.rows), dtype=bool))
    thresholds = {pfa: screening.threshold_at_pfa(chosen.calibration, pfa) for pfa in task.pfa_points}
    rows = [row for pfa, at in thresholds.items() for row in _operating_point(chosen, whole, pfa, at)]
    weights = item_weights(task, chosen.rows, {c: dataset.corpora[c] for c in corpora}, n_replicates)
    rows += _ranking_metrics(chosen, weights)
    rows += _latency(task, predictions, chosen)
    main = task.pfa_points[0]
    for cut in _cuts(chosen):
        rows += _operating_point(chosen, cut, main, thresholds[main])
    return ResultFile(
        task=task.id,
        model=predictions.model,
        track=track,
        is_simulated=dataset.is_simulated,
        profile=dataset.profile,
        seed=dataset.seed,
        n_replicates=n_replicates,
        thresholds={f"{pfa:g}": None if math.isnan(at) else at for pfa, at in thresholds.items()},
        corpora={c: dataset.corpora[c] for c in corpora},
        predictions_digest=predictions.digest_of(corpora),
        version=__version__,
        rows=rows,
    )


def item_weights(task: Task, rows: pd.DataFrame, corpora: dict[str, str], n_replicates: int) -> Float32Array:
    """The resample matrix of a task, shape (n_replicates, n_rows): seeded by task and data, so all vendors share it."""
    return resampling.cluster_weights(
        rows["item_id"].to_numpy(dtype=str),
        rows["is_threat"].to_numpy(dtype=bool),
        n_replicates=n_replicates,
        seed=seed_of(0, "bootstrap", task.id, digest.of_json(corpora)),
    )


def _operating_point(chosen: Selection, cut: _Cut, pfa: float, threshold: float) -> list[ResultRow]:
    """pd, pfa and localisation at one threshold over one cut."""
    task, table = chosen.task, chosen.rows[cut.rows]
    threats, benign = table[table["is_threat"]], table[~table["is_threat"]]
    rows = []
    if not cut.axis or len(threats):
        few = _too_few(len(threats), task.min_threats, "threats") or _no_threshold(threshold)
        rows.append(_share("pd", pfa, cut, screening.alarms(threats["score"], threshold), threats, few))
        located = threats[threats["hit"].notna()]
        if not cut.axis and pfa == task.pfa_points[0]:
            few_boxes = _too_few(len(located), task.min_threats, "threats with a box") or _no_threshold(threshold)
            found = detection.localisation_hits(located["score"], threshold, located["hit"]) > 0
            if not chosen.has_boxes:
                few_boxes = "the model gives no boxes"
            rows.append(_share("localisation_hit_rate", pfa, cut, found, located, few_boxes))
    if not cut.axis or (len(benign) and cut.axis == "sensor"):
        few = _too_few(len(benign), task.min_benign, "benign items") or _no_threshold(threshold)
        rows.append(_share("pfa", pfa, cut, screening.alarms(benign["score"], threshold), benign, few))
    return rows


def _share(metric: str, at: float, cut: _Cut, counted: BoolArray, table: pd.DataFrame, undefined: str) -> ResultRow:
    """The share of `table`'s rows that count, with its interval."""
    n, n_threats = len(table), int(table["is_threat"].sum())
    if undefined:
        return _row(metric, at, cut, math.nan, intervals.undefined(undefined), n, n_threats, undefined)
    if table["item_id"].is_unique:
        ends = intervals.wilson(int(counted.sum()), len(counted))
    else:
        ends = intervals.clustered_wilson(counted.astype(float), table["item_id"].to_numpy(dtype=str))
    return _row(metric, at, cut, float(counted.mean()), ends, n, n_threats, "")


def _ranking_metrics(chosen: Selection, weights: Float32Array) -> list[ResultRow]:
    """AUROC, average precision, Brier score and calibration error over the whole task."""
    task, truth, scores = chosen.task, chosen.is_threat, chosen.scores
    whole = _Cut("", "", np.ones(len(truth), dtype=bool))
    n_threats = int(truth.sum())
    few = _too_few(n_threats, task.min_threats, "threats") or _too_few(
        len(truth) - n_threats, task.min_benign, "benign items"
    )
    names = ("auroc", "average_precision", "brier", "ece")
    if few:
        ends = intervals.undefined(few)
        return [_row(name, None, whole, math.nan, ends, len(truth), n_threats, few) for name in names]
    precision, brier = screening.average_precision(truth, scores), calibration.brier(truth, scores)
    by_chance = resampling.weighted_average_precision(weights, scores, truth)
    errors = resampling.weighted_mean(weights, calibration.squared_errors(truth, scores))
    values = {
        "auroc": _auroc(chosen, weights),
        "average_precision": (
            precision,
            resampling.bootstrap_interval(by_chance, value=precision, method="logit"),
        ),
        "brier": (brier, resampling.bootstrap_interval(errors, value=brier)),
        "ece": (calibration.ece(truth, scores), resampling.ece_interval(weights, scores, truth)),
    }
    return [_row(name, None, whole, *values[name], len(truth), n_threats, "") for name in names]


def _auroc(chosen: Selection, weights: Float32Array) -> tuple[float, Interval]:
    """DeLong where items are independent; a perfect separation is told by one row per item, which is conservative."""
    truth, scores = chosen.is_threat, chosen.scores
    value = screening.auroc(scores[truth], scores[~truth])
    if chosen.rows["item_id"].is_unique:
        return value, screening.auroc_interval(scores[truth], scores[~truth])
    if value in (0.0, 1.0):
        first = (~chosen.rows["item_id"].duplicated()).to_numpy()
        return value, screening.auroc_interval(scores[truth & first], scores[~truth & first])
    drawn = resampling.weighted_auroc(weights, scores, truth)
    return value, resampling.bootstrap_interval(drawn, value=value, method="logit")


def _latency(task: Task, predictions: Predictions, chosen: Selection) -> list[ResultRow]:
    seen = predictions.kind("scan")
    timed = seen[seen["corpus"].isin(predictions.corpora) & seen["latency_ms"].notna()]
    timed = timed[timed["scan_id"].isin(chosen.scan_ids)]["latency_ms"].to_numpy(dtype=float)
    whole = _Cut("", "", np.ones(0, dtype=bool))
    rows = []
    for name, share in (("latency_p50_ms", 0.5), ("latency_p95_ms", 0.95)):
        few = _too_few(len(timed), task.min_threats, "timed scans")
        value = math.nan if few else speed.latency_quantile_ms(timed, share)
        ends = intervals.undefined(few) if few else speed.quantile_interval(timed, share)
        rows.append(_row(name, None, whole, value, ends, len(timed), 0, few))
    return rows


def _cuts(chosen: Selection) -> list[_Cut]:
    """The slices: threats by concealment, threat, sensor, size and shape; benign items by sensor as well."""
    cuts = []
    for axis in chosen.task.slices:
        for value in sorted(set(chosen.rows[axis]) - {""}, key=_order):
            rows = (chosen.rows[axis] == value).to_numpy(dtype=bool)
            if not (len(set(chosen.rows.loc[chosen.is_threat, axis]) - {""}) == 1 and axis != "sensor"):
                cuts.append(_Cut(axis, value, rows))
    return cuts


def _order(value: str) -> tuple[int, str]:
    """Terms in the order of their vocabulary, anything else after them by name."""
    for terms in (vocabulary.names("threat"), vocabulary.names("concealment"), vocabulary.SIZES, vocabulary.SHAPES):
        if value in terms:
            return terms.index(value), value
    return 99, value


def _too_few(n: int, least: int, what: str) -> str:
    return f"too few: {n} {what}, {least} are needed" if n < least else ""


def _no_threshold(threshold: float) -> str:
    return "no threshold: there is no benign calibration item" if math.isnan(threshold) else ""


def _row(
    metric: str,
    at: float | None,
    cut: _Cut,
    value: float,
    ends: Interval,
    n_items: int,
    n_threats: int,
    reason: str,
) -> ResultRow:
    return ResultRow(
        metric=metric,
        at=at,
        slice_axis=cut.axis,
        slice_value=cut.value,
        value=value,
        low=ends.low,
        high=ends.high,
        interval=ends.method,
        n_items=n_items,
        n_threats=n_threats,
        reason=reason or (ends.method if math.isnan(ends.low) or math.isnan(ends.high) else ""),
    )
