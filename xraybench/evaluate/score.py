"""Score one model on one task: every metric and slice, each with its interval and its n.

The threshold is set on benign calibration items at the task's pfa, ties resolved conservatively, and carried over to
the test items unchanged; slices use that threshold, never their own. pd is told for the pfa that was asked for, so its
interval also holds the chance in the choice of calibration items: their thresholds are drawn again. What is told of the
threshold as set (achieved pfa, cost, precision, d') has intervals for that threshold. Shares carry Wilson intervals (widened
by the design effect where one item gives several rows), AUROC DeLong's, areas and means the stratified cluster bootstrap
over items.
"""

import math
import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from xraybench import __version__
from xraybench.core import digest, vocabulary
from xraybench.core.chance import seed_of
from xraybench.core.documents import ResultFile, ResultRow
from xraybench.core.task import Task
from xraybench.core.types import BoolArray, Dataset, Float32Array, FloatArray, Predictions
from xraybench.evaluate.select import Joined, Selection, corpora_of, counted_boxes, join, select
from xraybench.metrics import (
    box_precision,
    calibration,
    decisions,
    detection,
    intervals,
    panels,
    resampling,
    screening,
    speed,
)
from xraybench.metrics.intervals import Interval

N_REPLICATES = 1000
N_BOX_REPLICATES = 200  # of box precision: its interval rests on their spread, not on their tails
THRESHOLD_NOTE = "with the chance of the threshold"


@dataclass(frozen=True)
class _Cut:
    """Which rows a number is taken over, and what to call them."""

    axis: str
    value: str
    rows: BoolArray


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold, and those that other draws of the calibration items would have set, shape (n_replicates,)."""

    pfa: float
    threshold: float  # NaN without a calibration item
    redrawn: FloatArray
    n_alarms: int  # calibration items that alarm at the threshold


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
    corpora = {c: dataset.corpora[c] for c in corpora_of(task, dataset)}
    whole = _Cut("", "", np.ones(len(chosen.rows), dtype=bool))
    points = operating_points(chosen, corpora, n_replicates)
    rows = [row for point in points for row in _operating_point(chosen, whole, point)]
    weights = item_weights(task, chosen.rows, corpora, n_replicates)
    rows += _ranking_metrics(chosen, weights)
    rows += _box_metrics(chosen, joined, weights)
    rows += [row for point in points for row in _lane(chosen, point)] + [_workload(chosen)]
    rows += _latency(task, predictions, chosen)
    for cut in _cuts(chosen):
        rows += _operating_point(chosen, cut, points[0])
    return ResultFile(
        task=task.id,
        model=predictions.model,
        track=track,
        is_simulated=dataset.is_simulated,
        profile=dataset.profile,
        seed=dataset.seed,
        n_replicates=n_replicates,
        thresholds={f"{p.pfa:g}": None if math.isnan(p.threshold) else p.threshold for p in points},
        corpora=corpora,
        predictions_digest=predictions.digest_of(list(corpora)),
        version=__version__,
        dataset=dataset_key(dataset),
        code_digest=digest.numbers_digest(),
        assumptions={
            "prevalence": task.prevalence,
            "cost_of_miss": task.cost_of_miss,
            "max_miss": task.max_miss,
            "max_pfa": screening.MAX_PFA,
            "d_a_slope": decisions.D_A_SLOPE,
        },
        rows=rows,
    )


def dataset_key(dataset: Dataset) -> str:
    """What tells an imported body of data from others of the same scanner: its name and digest; empty for simulated data."""
    if dataset.is_simulated:
        return ""
    name = re.sub(r"[^a-z0-9]+", "-", dataset.name.lower()).strip("-")[:40] or "dataset"
    return f"{name}-{digest.of_json(dataset.corpora)[:8]}"


def operating_points(chosen: Selection, corpora: dict[str, str], n_replicates: int) -> list[OperatingPoint]:
    """The task's thresholds, set on the calibration items as they are and as each resample draws them."""
    scores = chosen.calibration
    drawn = calibration_weights(chosen, corpora, n_replicates)
    points = []
    for pfa in chosen.task.pfa_points:
        threshold = screening.threshold_at_pfa(scores, pfa)
        redrawn = (
            panels.replicate_thresholds(scores, drawn, pfa=pfa)[0] if len(scores) else np.full(n_replicates, np.nan)
        )
        alarming = np.unique(chosen.calibration_items[screening.alarms(scores, threshold)])
        points.append(OperatingPoint(pfa, threshold, redrawn, len(alarming)))
    return points


def calibration_weights(chosen: Selection, corpora: dict[str, str], n_replicates: int) -> Float32Array:
    """How often each replicate draws each calibration row: seeded by the data alone, so all vendors and tasks share it."""
    items = chosen.calibration_items
    seed = seed_of(0, "calibration", digest.of_json(corpora))
    return resampling.cluster_weights(items, np.zeros(len(items)), n_replicates=n_replicates, seed=seed)


def item_weights(task: Task, rows: pd.DataFrame, corpora: dict[str, str], n_replicates: int) -> Float32Array:
    """The resample matrix of a task, shape (n_replicates, n_rows): seeded by task and data, so all vendors share it."""
    return resampling.cluster_weights(
        rows["item"].to_numpy(dtype=np.int64),
        rows["is_threat"].to_numpy(dtype=bool),
        n_replicates=n_replicates,
        seed=seed_of(0, "bootstrap", task.id, digest.of_json(corpora)),
    )


def _operating_point(chosen: Selection, cut: _Cut, point: OperatingPoint) -> list[ResultRow]:
    """pd, pfa and localisation at one threshold over one cut."""
    task, table, pfa = chosen.task, chosen.rows[cut.rows], point.pfa
    threats, benign = table[table["is_threat"]], table[~table["is_threat"]]
    rows = []
    if not cut.axis or len(threats):
        few = _too_few(len(threats), task.min_threats, "threats") or _no_threshold(point.threshold)
        scores = threats["score"].to_numpy(dtype=float)
        rows.append(_found_share("pd", point, cut, scores, np.ones(len(threats)), threats, few))
        located = threats[threats["hit"].notna()]
        if not cut.axis and pfa == task.pfa_points[0]:
            few_boxes = _too_few(len(located), task.min_threats, "threats with a box") or _no_threshold(point.threshold)
            if not chosen.has_boxes:
                few_boxes = "the model gives no boxes"
            scores, hits = located["score"].to_numpy(dtype=float), located["hit"].to_numpy(dtype=float)
            rows.append(_found_share("localisation_hit_rate", point, cut, scores, hits, located, few_boxes))
    if not cut.axis or (len(benign) and cut.axis in ("sensor", "site")):
        few = _too_few(len(benign), task.min_benign, "benign items") or _no_threshold(point.threshold)
        counted = screening.alarms(benign["score"], point.threshold)
        ends = intervals.undefined(few) if few else _share_interval(counted, benign)
        value = math.nan if few else float(counted.mean())
        rows.append(_row("pfa", pfa, cut, value, ends, len(benign), 0, few))
    return rows


def _found_share(
    metric: str,
    point: OperatingPoint,
    cut: _Cut,
    scores: FloatArray,
    hits: FloatArray,
    table: pd.DataFrame,
    undefined: str,
) -> ResultRow:
    """The share of threat rows that alarm and hit, with an interval that holds the chance of the threshold."""
    n = len(table)
    if undefined:
        return _row(metric, point.pfa, cut, math.nan, intervals.undefined(undefined), n, n, undefined)
    found = detection.localisation_hits(scores, point.threshold, hits)
    rising = np.sort(scores[hits > 0])
    moved = (len(rising) - np.searchsorted(rising, point.redrawn, side="left")) / n
    items = table["item"].to_numpy(dtype=np.int64)
    ends = intervals.wilson_at_drawn_threshold(found, items, moved, n_alarms=point.n_alarms)
    return _row(metric, point.pfa, cut, float(found.mean()), ends, n, n, "")


def _share_interval(counted: BoolArray, table: pd.DataFrame) -> Interval:
    """Wilson's, for the threshold as set; with the design effect where items give several rows."""
    if table["item"].is_unique:
        return intervals.wilson(int(counted.sum()), len(counted))
    return intervals.clustered_wilson(counted.astype(float), table["item"].to_numpy(dtype=np.int64))


def _lane(chosen: Selection, point: OperatingPoint) -> list[ResultRow]:
    """What the threshold as set costs and shows on a lane of the declared prevalence; d' and d_a at the main point."""
    task, table = chosen.task, chosen.rows
    whole = _Cut("", "", np.ones(0, dtype=bool))
    threats, benign = table[table["is_threat"]], table[~table["is_threat"]]
    few = _few_of_both(chosen) or _no_threshold(point.threshold)
    names = ["expected_cost", "precision_at_prevalence"]
    names += ["d_prime", "d_a"] if point.pfa == task.pfa_points[0] else []
    if few:
        ends = intervals.undefined(few)
        return [_row(n, point.pfa, whole, math.nan, ends, len(table), len(threats), few) for n in names]
    found, false = (screening.alarms(part["score"], point.threshold) for part in (threats, benign))
    pd_, pfa = float(found.mean()), float(false.mean())
    pd_ends, pfa_ends = _share_interval(found, threats), _share_interval(false, benign)
    p, cost = task.prevalence, task.cost_of_miss
    told = {
        "expected_cost": (
            decisions.expected_cost(pd_, pfa, prevalence=p, cost_of_miss=cost, cost_of_false_alarm=1.0),
            decisions.cost_interval(pd_, pd_ends, pfa, pfa_ends, prevalence=p, cost_of_miss=cost),
        ),
        "precision_at_prevalence": (
            decisions.precision_at_prevalence(pd_, pfa, prevalence=p),
            decisions.precision_interval(pd_, pd_ends, pfa, pfa_ends, prevalence=p),
        ),
    }
    counts = (int(found.sum()), len(found), int(false.sum()), len(false))
    effects = tuple(
        intervals.design_effect(alarm.astype(float), part["item"].to_numpy(dtype=np.int64))
        for alarm, part in ((found, threats), (false, benign))
    )
    for name, slope in (("d_prime", 1.0), ("d_a", decisions.D_A_SLOPE)):
        ends = decisions.d_a_interval(*counts, slope=slope, effects=(effects[0], effects[1]))
        told[name] = (decisions.d_a(*counts, slope=slope), ends)
    return [_row(name, point.pfa, whole, *told[name], len(table), len(threats), "") for name in names]


def _workload(chosen: Selection) -> ResultRow:
    """Benign items that could be cleared unseen; where an item gives several rows, its threat counts by the lowest score."""
    whole = _Cut("", "", np.ones(0, dtype=bool))
    table, n_threats = chosen.rows, int(chosen.is_threat.sum())
    threats, benign = table[table["is_threat"]], table[~table["is_threat"]]
    few = _few_of_both(chosen)
    if not few:
        lowest = threats.groupby("item", sort=True)["score"].min().to_numpy(dtype=float)
        saved = decisions.workload_saved(lowest, benign["score"].to_numpy(dtype=float), max_miss=chosen.task.max_miss)
        few = saved.reason
    if few:
        ends = intervals.undefined(few)
        return _row("workload_saved", None, whole, math.nan, ends, len(table), n_threats, few)
    ends = _share_interval((benign["score"] < saved.threshold).to_numpy(dtype=bool), benign)
    ends = Interval(ends.low, ends.high, f"{ends.method}, of the benign items cleared")
    return _row("workload_saved", None, whole, saved.saved, ends, len(table), n_threats, "")


def _box_metrics(chosen: Selection, joined: Joined, weights: Float32Array) -> list[ResultRow]:
    """COCO average precision over the classes and of each, on tasks that leave the concealment open."""
    task = chosen.task
    if task.concealment != vocabulary.ANY:
        return []
    whole = _Cut("", "", np.ones(0, dtype=bool))
    n, n_threats = len(chosen.rows), int(chosen.rows.loc[chosen.is_threat, "hit"].notna().sum())
    counted = counted_boxes(task, joined, chosen)
    few = "the model gives no boxes" if counted is None else ""
    if counted is not None:
        few = _too_few(n_threats, task.min_threats, "threats with a box")
    if few or counted is None:
        ends = intervals.undefined(few)
        return [_row(name, None, whole, math.nan, ends, n, n_threats, few) for name in ("coco_ap", "coco_ap50")]
    n_classes = len(counted.classes)
    found = box_precision.box_precision(counted.truth, counted.found, n_classes=n_classes)
    by_view = np.repeat(weights[:N_BOX_REPLICATES], counted.n_views, axis=1)
    drawn = box_precision.replicate_precision(counted.truth, counted.found, by_view, n_classes=n_classes)
    note = "" if counted.classes != (vocabulary.ANY,) else ", classes as one: the model's boxes name none"

    def row(metric: str, cut: _Cut, value: float, replicates: FloatArray, n_threats: int) -> ResultRow:
        ends = resampling.bootstrap_interval(replicates, value=value, method="logit_unbiased")
        return _row(metric, None, cut, value, Interval(ends.low, ends.high, ends.method + note), n, n_threats, "")

    rows = [
        row("coco_ap", whole, float(found.ap.mean()), drawn.mean(axis=(1, 2)), n_threats),
        row("coco_ap50", whole, float(found.ap[:, 0].mean()), drawn[:, :, 0].mean(axis=1), n_threats),
    ]
    for number, name in enumerate(counted.classes if n_classes > 1 else ()):
        cut = _Cut("threat", name, np.ones(0, dtype=bool))
        views = counted.truth.view[counted.truth.target == number]
        n_of_class = len(np.unique(views // counted.n_views))  # threat scans, however many views show the threat
        if few := _too_few(n_of_class, task.min_threats, "threats with a box"):
            ends = intervals.undefined(few)
            rows.append(_row("coco_ap", None, cut, math.nan, ends, n, n_of_class, few))
        else:
            of_class = drawn[:, number].mean(axis=1)
            rows.append(row("coco_ap", cut, float(found.ap[number].mean()), of_class, n_of_class))
    return rows


def _ranking_metrics(chosen: Selection, weights: Float32Array) -> list[ResultRow]:
    """AUROC, partial AUC, average precision, Brier score and calibration error over the whole task."""
    truth, scores = chosen.is_threat, chosen.scores
    whole = _Cut("", "", np.ones(len(truth), dtype=bool))
    n_threats = int(truth.sum())
    few = _few_of_both(chosen)
    names = ("auroc", "partial_auc", "average_precision", "brier", "ece")
    if few:
        ends = intervals.undefined(few)
        return [_row(name, None, whole, math.nan, ends, len(truth), n_threats, few) for name in names]
    precision, brier = screening.average_precision(truth, scores), calibration.brier(truth, scores)
    partial = screening.partial_auc(scores[truth], scores[~truth])
    by_chance = resampling.weighted_average_precision(weights, scores, truth)
    errors = resampling.weighted_mean(weights, calibration.squared_errors(truth, scores))
    values = {
        "auroc": _auroc(chosen, weights),
        "partial_auc": (
            partial,
            resampling.bootstrap_interval(
                resampling.weighted_partial_auc(weights, scores, truth), value=partial, method="logit"
            ),
        ),
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
    if chosen.rows["item"].is_unique:
        return value, screening.auroc_interval(scores[truth], scores[~truth])
    if value in (0.0, 1.0):
        first = (~chosen.rows["item"].duplicated()).to_numpy()
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
    """The slices: threats by concealment, threat, sensor, site, size and shape; benign items by sensor and site as well."""
    cuts = []
    for axis in chosen.task.slices:
        column = chosen.rows[axis]
        told = column if axis == "site" else column[chosen.is_threat]
        if axis != "sensor" and len(set(told.unique()) - {""}) == 1:
            continue  # one value for all: the slice is the whole
        for value in sorted(set(column.unique()) - {""}, key=_order):
            cuts.append(_Cut(axis, value, (column == value).to_numpy(dtype=bool)))
    return cuts


def _order(value: str) -> tuple[int, str]:
    """Terms in the order of their vocabulary, anything else after them by name."""
    for terms in (vocabulary.names("threat"), vocabulary.names("concealment"), vocabulary.SIZES, vocabulary.SHAPES):
        if value in terms:
            return terms.index(value), value
    return 99, value


def _few_of_both(chosen: Selection) -> str:
    n_threats = int(chosen.is_threat.sum())
    few = _too_few(n_threats, chosen.task.min_threats, "threats")
    return few or _too_few(len(chosen.rows) - n_threats, chosen.task.min_benign, "benign items")


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
