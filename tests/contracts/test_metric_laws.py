"""Laws that every registered metric obeys. A new metric joins by its entry in metrics/catalogue.py, not here."""

import inspect
import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from xraybench.core.errors import BadValue, UnknownName
from xraybench.core.types import BoolArray, FloatArray
from xraybench.metrics import INTERVAL_TEXT, METRICS, Metric, box_precision
from xraybench.metrics.detection import localisation_hits
from xraybench.metrics.screening import threshold_at_pfa

THRESHOLD = 0.55
every_metric = pytest.mark.parametrize("metric", list(METRICS), ids=METRICS.names())

rows = st.lists(
    st.tuples(st.integers(0, 20), st.booleans(), st.booleans(), st.floats(0.5, 90)), min_size=2, max_size=50
).filter(lambda drawn: len({row[1] for row in drawn}) == 2)


def value(metric: Metric, scores: FloatArray, is_threat: BoolArray, **others: object) -> float:
    """The metric of these items; `others` replaces what is not given by scores and truth."""
    threshold = others.get("threshold", THRESHOLD)
    assert isinstance(threshold, float)
    box_hit = np.asarray(others.get("box_hit", np.ones(len(scores))), dtype=float)
    given_by_name: dict[str, object] = {
        "scores": scores,
        "is_threat": is_threat,
        "threat_scores": scores[is_threat],
        "benign_scores": scores[~is_threat],
        "threshold": threshold,
        "hits": localisation_hits(scores[is_threat], threshold, box_hit[is_threat]),
        "latency_ms": others.get("latency_ms", np.linspace(1, 9, len(scores))),
    }
    if metric.level == "box":
        views, corner = np.arange(len(scores)), np.array([[10.0, 10, 30, 40]])
        true_box = np.repeat(corner, int(is_threat.sum()), axis=0)
        missed = np.where(box_hit[:, None] > 0, 0.0, 60.0)  # a box elsewhere
        given_by_name["true_boxes"] = box_precision.boxes(views[is_threat], 0 * views[is_threat], true_box)
        found = np.repeat(corner, len(scores), axis=0) + missed
        given_by_name["found_boxes"] = box_precision.boxes(views, 0 * views, found, score=scores)
    return metric.function(*(given_by_name[name] for name in metric.inputs))


def same(found: float, expected: float) -> bool:
    """Equal numbers, or undefined both."""
    return found == pytest.approx(expected, abs=1e-12, nan_ok=True)


def has_ties_that_count(metric: Metric, scores: FloatArray) -> bool:
    """COCO takes boxes of equal score in the order given, so only its laws need scores that differ."""
    return metric.level == "box" and len(np.unique(scores)) < len(scores)


def unpacked(drawn: list[tuple[int, bool, bool, float]]) -> tuple[FloatArray, BoolArray, dict[str, object]]:
    marks, is_threat, box_hit, latency_ms = (np.array(column) for column in zip(*drawn, strict=True))
    return marks / 20, is_threat, {"box_hit": box_hit.astype(float), "latency_ms": latency_ms}


def test_the_names_used_in_result_files_are_all_registered() -> None:
    used = {"pd", "pfa", "auroc", "average_precision", "localisation_hit_rate", "brier", "ece"}
    assert used | {"latency_p50_ms", "latency_p95_ms"} <= set(METRICS.names())


def test_a_misspelt_metric_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'auroc'"):
        METRICS.get("auroc_")


def test_labels_are_unique() -> None:
    assert len({metric.label for metric in METRICS}) == len(METRICS)


@every_metric
def test_facts_are_complete(metric: Metric) -> None:
    assert METRICS.get(metric.name) is metric
    assert metric.interval in INTERVAL_TEXT
    assert metric.undefined_when and metric.label and metric.unit
    assert metric.range[0] < metric.range[1]
    assert (metric.unit == "ms") == metric.name.endswith("_ms")


@every_metric
def test_the_docstring_says_when_the_value_is_undefined(metric: Metric) -> None:
    assert "NaN" in (inspect.getdoc(metric.function) or "")


@every_metric
@given(rows)
def test_the_value_lies_in_its_range(metric: Metric, drawn: list[tuple[int, bool, bool, float]]) -> None:
    scores, is_threat, others = unpacked(drawn)
    found = value(metric, scores, is_threat, **others)
    if math.isnan(found):  # both kinds of item are there: undefined for another reason, which its facts tell
        assert metric.name in ("precision_at_prevalence", "workload_saved")
        assert metric.undefined_when.startswith("no alarm") or "too few threats" in metric.undefined_when
    else:
        assert metric.range[0] <= found <= metric.range[1]


@every_metric
@given(rows, st.randoms(use_true_random=False))
def test_the_order_of_items_does_not_matter(
    metric: Metric, drawn: list[tuple[int, bool, bool, float]], chance: object
) -> None:
    scores, is_threat, others = unpacked(drawn)
    assume(not has_ties_that_count(metric, scores))
    shuffled = list(drawn)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    again, truth_again, others_again = unpacked(shuffled)
    expected = value(metric, scores, is_threat, **others)
    assert same(value(metric, again, truth_again, **others_again), expected)


@every_metric
@given(rows)
def test_counting_every_item_twice_changes_nothing(metric: Metric, drawn: list[tuple[int, bool, bool, float]]) -> None:
    scores, is_threat, others = unpacked(drawn)
    again, truth_again, others_again = unpacked(drawn + drawn)
    expected = value(metric, scores, is_threat, **others)
    assume(not has_ties_that_count(metric, scores))
    if not metric.depends_on_n:
        assert same(value(metric, again, truth_again, **others_again), expected)


@every_metric
@given(rows)
def test_a_rising_change_of_scores_changes_a_metric_only_if_its_facts_say_so(
    metric: Metric, drawn: list[tuple[int, bool, bool, float]]
) -> None:
    scores, is_threat, others = unpacked(drawn)
    if metric.ignores_scale:
        moved = value(metric, scores**3, is_threat, threshold=THRESHOLD**3, **others)
        assert same(moved, value(metric, scores, is_threat, **others))


@every_metric
def test_metrics_of_probabilities_do_see_a_change_of_scale(metric: Metric) -> None:
    scores, is_threat = np.linspace(0.02, 0.98, 240), np.arange(240) % 3 > 0
    moved = value(metric, scores**3, is_threat, threshold=THRESHOLD**3)
    assert (moved == pytest.approx(value(metric, scores, is_threat))) == metric.ignores_scale


@every_metric
def test_scores_stored_as_float32_give_the_same_value(metric: Metric) -> None:
    rng = np.random.default_rng(0)
    scores, is_threat = rng.random(400).astype(np.float32), rng.random(400) < 0.4
    threshold = threshold_at_pfa(scores[~is_threat], 0.05)
    wide = value(metric, scores.astype(np.float64), is_threat, threshold=threshold)
    assert value(metric, scores, is_threat, threshold=threshold) == wide


@every_metric
def test_without_items_the_value_is_undefined(metric: Metric) -> None:
    nothing = np.empty(0)
    undefined = value(metric, nothing, nothing.astype(bool), box_hit=nothing, latency_ms=nothing)
    assert math.isnan(undefined)


@every_metric
def test_a_missing_threshold_leaves_metrics_at_an_operating_point_undefined(metric: Metric) -> None:
    scores, is_threat = np.linspace(0, 1, 200), np.arange(200) % 2 > 0
    assert math.isnan(value(metric, scores, is_threat, threshold=math.nan)) == metric.has_operating_point


@every_metric
def test_a_missing_score_or_latency_is_refused(metric: Metric) -> None:
    scores, is_threat = np.linspace(0, 1, 20), np.arange(20) % 2 > 0
    scores[[4, 5]] = math.nan
    with pytest.raises(BadValue, match="NaN"):
        value(metric, scores, is_threat, latency_ms=scores)


@every_metric
def test_a_perfect_model_reaches_the_best_value_and_a_worse_one_does_not_beat_it(metric: Metric) -> None:
    is_threat = np.arange(240) % 3 == 0
    perfect, worse = is_threat.astype(float), np.where(np.arange(240) % 4 == 0, 0.4, is_threat.astype(float))
    worse[1::12] = 0.9  # false alarms
    quick, slow = np.full(240, 2.0), np.full(240, 5.0)
    best = value(metric, perfect, is_threat, latency_ms=quick)
    other = value(metric, worse, is_threat, latency_ms=slow)
    if metric.direction == "higher":
        unbounded = math.isinf(metric.range[1])
        assert other < best and (best > 4 if unbounded else best == pytest.approx(metric.range[1]))
    if metric.direction == "lower":
        assert best in (metric.range[0], 2.0) and other > best
    if metric.direction == "target":
        assert best == 0.0


@every_metric
def test_unit_weights_give_the_value_itself(metric: Metric) -> None:
    if metric.weighted is None:
        assert (
            metric.interval in ("threshold", "wilson", "mover", "normal", "order_statistics") or metric.level == "box"
        )
        return
    rng = np.random.default_rng(1)
    scores, is_threat = np.round(rng.random(300), 2), rng.random(300) < 0.4
    ours = metric.weighted(np.ones((2, 300), dtype=np.float32), scores, is_threat)
    assert ours == pytest.approx([value(metric, scores, is_threat)] * 2, abs=1e-6)
