"""What a result file says where the data define no number: NaN and a reason, never a crash, a 0 or a silent drop."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from xraybench import tasks
from xraybench.core.errors import BadValue
from xraybench.core.types import Dataset, Predictions
from xraybench.evaluate import compare, join, rank, score
from xraybench.metrics import METRICS, box_precision
from xraybench.metrics.detection import localisation_hits

TASK = tasks.get("mail-any-any-mail_160kv-v1")
OPEN = replace(TASK, min_threats=1, min_benign=1)  # prints a number from the first item on
COUNTS = {
    "no threats": {"n_per_cell": 0},
    "no benign items": {"n_benign": 0},
    "no calibration": {"n_calibration": 0},
    "one item of each kind a cell": {"n_per_cell": 1, "n_benign": 1, "n_calibration": 1},
    "no test items at all": {"n_per_cell": 0, "n_benign": 0},
}
WRITTEN = [metric for metric in METRICS if metric.name != "latency_p99_ms"]  # not in result files: p99 needs 460 scans


def scored(dataset: Dataset, lookup: Callable, task, score_of, box=(12.0, 12.0, 28.0, 28.0)):
    return score(task, dataset, lookup("m", score_of, box).predict(dataset.scans), n_replicates=50)


def said(scan: str, target: str) -> float:
    return (int(scan[-3:]) * 37 % 100) / 100


@pytest.mark.parametrize("task", [TASK, OPEN], ids=["as declared", "from one item on"])
@pytest.mark.parametrize("name", COUNTS)
@pytest.mark.parametrize("kind", ["spread", "all ties", "no boxes"])
def test_every_metric_has_a_row_and_every_undefined_one_a_reason(make, lookup, name: str, kind: str, task) -> None:
    dataset = make(**COUNTS[name])
    score_of = (lambda scan, target: 0.5) if kind == "all ties" else said
    result = scored(dataset, lookup, task, score_of, None if kind == "no boxes" else (12.0, 12.0, 28.0, 28.0))
    assert {row.metric for row in result.rows if not row.slice_axis} == {metric.name for metric in WRITTEN}
    for row in result.rows:
        if math.isnan(row.value):
            assert row.reason and math.isnan(row.low) and math.isnan(row.high), row
        elif math.isnan(row.low) or math.isnan(row.high):
            assert row.reason, row
        else:
            assert row.low <= row.high
        assert math.isnan(row.value) or not math.isinf(row.value)
    undefined = {row.metric for row in result.rows if not row.slice_axis and math.isnan(row.value)}
    if "no threats" in name or "no test items" in name:
        assert {"pd", "localisation_hit_rate", "auroc", "partial_auc", "coco_ap", "expected_cost", "d_a"} <= undefined
    if name == "no benign items":
        assert {"pfa", "auroc", "average_precision", "workload_saved", "precision_at_prevalence"} <= undefined
    if name == "no calibration":
        assert {"pd", "pfa", "localisation_hit_rate", "d_prime", "expected_cost"} <= undefined
        assert result.thresholds == {"0.05": None, "0.01": None}


def test_a_model_that_alarms_on_nothing_has_no_precision_and_says_why(dataset: Dataset, lookup) -> None:
    result = scored(dataset, lookup, TASK, lambda scan, target: 0.5)
    rows = {(row.metric, row.at): row for row in result.rows if not row.slice_axis}
    assert rows["pd", 0.05].value == 0.0
    precision = rows["precision_at_prevalence", 0.05]
    assert math.isnan(precision.value) and "no alarm" in precision.reason


def test_scans_that_all_failed_are_no_alarms_and_no_crash(dataset: Dataset, lookup) -> None:
    whole = lookup("m", said).predict(dataset.scans).table
    failed = whole[whole["record"] == "scan"].assign(status="failed", latency_ms=np.nan)
    one_score = whole[whole["record"] == "score"].iloc[[0]].assign(score=0.0)
    table = pd.concat([failed, one_score], ignore_index=True)
    result = score(TASK, dataset, Predictions("m", table), n_replicates=50)
    rows = {(row.metric, row.at): row for row in result.rows if not row.slice_axis}
    assert rows["pd", 0.05].value == 0.0
    assert math.isnan(rows["latency_p50_ms", None].value) and rows["latency_p50_ms", None].reason


def test_without_threats_or_calibration_nobody_is_ranked(make, lookup) -> None:
    for counts in (COUNTS["no threats"], COUNTS["no calibration"]):
        dataset = make(**counts)
        predictions = lookup("m", said).predict(dataset.scans)
        assert rank(OPEN, [join(dataset, predictions)] * 2, n_replicates=50) is None
        with pytest.raises(BadValue, match="there is no pd"):
            compare(TASK, dataset, predictions, predictions, n_replicates=50)


INPUTS = {
    "no threats": (np.array([0.2, 0.4]), np.array([False, False])),
    "no benign items": (np.array([0.2, 0.4]), np.array([True, True])),
    "one threat": (np.array([0.2]), np.array([True])),
    "one benign item": (np.array([0.2]), np.array([False])),
    "nothing": (np.empty(0), np.empty(0, dtype=bool)),
    "all ties": (np.full(400, 0.5), np.arange(400) % 2 == 0),
}


@pytest.mark.parametrize("threshold", [0.3, math.nan])
@pytest.mark.parametrize("case", INPUTS)
@pytest.mark.parametrize("metric", list(METRICS), ids=METRICS.names())
def test_a_metric_answers_degenerate_items_with_nan_and_never_with_a_crash(metric, case: str, threshold: float) -> None:
    scores, truth = INPUTS[case]
    boxes = np.tile([10.0, 10, 30, 40], (len(scores), 1))
    views = np.arange(len(scores))
    given = {
        "scores": scores,
        "is_threat": truth,
        "threat_scores": scores[truth],
        "benign_scores": scores[~truth],
        "threshold": threshold,
        "hits": localisation_hits(scores[truth], threshold, np.ones(int(truth.sum()))),
        "latency_ms": scores,
        "true_boxes": box_precision.boxes(views[truth], 0 * views[truth], boxes[truth]),
        "found_boxes": box_precision.boxes(views, 0 * views, boxes, score=scores),
    }
    found = metric.function(*(given[name] for name in metric.inputs))
    lacks_threats, lacks_benign = not truth.any(), bool(truth.all())
    needs_both = {"threat_scores", "benign_scores"} <= set(metric.inputs) or metric.name == "average_precision"
    needs_threats = bool({"threat_scores", "hits", "true_boxes"} & set(metric.inputs))
    needs_benign = metric.inputs[0] == "benign_scores"
    must_be_undefined = (
        (needs_both and (lacks_threats or lacks_benign))
        or (needs_threats and lacks_threats)
        or (needs_benign and lacks_benign)
        or (metric.has_operating_point and math.isnan(threshold))
        or not len(scores)
    )
    if must_be_undefined:
        assert math.isnan(found)
    elif not math.isnan(found):
        assert metric.range[0] <= found <= metric.range[1]
