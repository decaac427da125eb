"""The table of metrics: for each the facts that a board, a card or a test needs.

A metric joins by one entry here; tests/contracts/test_metric_laws.py then holds it to the laws that its facts promise.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from numpy.typing import ArrayLike

from xraybench.core.registry import Registry
from xraybench.core.types import FloatArray
from xraybench.metrics import box_precision, calibration, decisions, detection, resampling, screening, speed

Direction = Literal["higher", "lower", "target"]  # which is better; "target": nearest to the operating point
Level = Literal["item", "box", "scan"]  # what is counted
IntervalKind = Literal[
    "threshold",
    "wilson",
    "delong",
    "logit",
    "logit_unbiased",
    "percentile",
    "ece",
    "mover",
    "normal",
    "order_statistics",
]
Input = Literal[
    "threat_scores",
    "benign_scores",
    "threshold",
    "is_threat",
    "scores",
    "hits",
    "latency_ms",
    "true_boxes",
    "found_boxes",
]

INTERVAL_TEXT: dict[IntervalKind, str] = {
    "threshold": "Wilson score with the chance of the threshold, whose calibration items are drawn again; with the design "
    "effect where an item gives several rows",
    "wilson": "Wilson score, threshold as set; with the design effect where an item gives several rows",
    "delong": "DeLong on the logit scale; cluster bootstrap on that scale where an item gives several rows",
    "logit": "stratified cluster bootstrap over items, normal on the logit scale",
    "logit_unbiased": "stratified cluster bootstrap over items, normal on the logit scale, less the bias it shows",
    "percentile": "percentile of the stratified cluster bootstrap over items",
    "ece": "stratified cluster bootstrap of the bins' gaps, conservative (resampling.ece_interval)",
    "mover": "MOVER of the Wilson intervals of pd and pfa, threshold as set",
    "normal": "normal, variance of Gourevitch and Galanter, threshold as set",
    "order_statistics": "order statistics, without a distribution",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric: what it is called, which way is better, how it is counted and when it is undefined (NaN)."""

    name: str  # as result files call it
    label: str  # as tables and axes call it
    function: Callable[..., float]
    inputs: tuple[Input, ...]  # what the function takes, in order
    direction: Direction
    unit: str  # "1" for a share or another pure number
    level: Level
    interval: IntervalKind
    undefined_when: str
    range: tuple[float, float] = (0.0, 1.0)
    has_operating_point: bool = False  # a result is for one pfa
    depends_on_n: bool = (
        False  # twice the same items give another value: a correction or a bound depends on their number
    )
    ignores_scale: bool = False  # the same after any strictly rising change of all scores, and of the threshold
    weighted: Callable[[ArrayLike, ArrayLike, ArrayLike], FloatArray] | None = None
    """The metric in each resample, from weights, scores and is_threat. Shares are a `weighted_mean` of their rows;
    quantiles are never resampled."""


_NEEDS_BOTH = "no item with a threat, or no benign item"
_NEEDS_THRESHOLD = "no benign calibration item to set the threshold on"

_PD = Metric(
    name="pd",
    label="pd",
    function=screening.pd,
    inputs=("threat_scores", "threshold"),
    direction="higher",
    unit="1",
    level="item",
    interval="threshold",
    undefined_when=f"no item with a threat, or {_NEEDS_THRESHOLD}",
    has_operating_point=True,
    ignores_scale=True,
)
_PFA = Metric(
    name="pfa",
    label="pfa",
    function=screening.pfa,
    inputs=("benign_scores", "threshold"),
    direction="target",
    unit="1",
    level="item",
    interval="wilson",
    undefined_when=f"no benign item, or {_NEEDS_THRESHOLD}",
    has_operating_point=True,
    ignores_scale=True,
)
_LOCALISATION = Metric(
    name="localisation_hit_rate",
    label="localisation pd",
    function=detection.localisation_hit_rate,
    inputs=("hits",),
    direction="higher",
    unit="1",
    level="item",
    interval="threshold",
    undefined_when=f"no item with a threat has a true box, or {_NEEDS_THRESHOLD}",
    has_operating_point=True,
    ignores_scale=True,
)
_AUROC = Metric(
    name="auroc",
    label="AUROC",
    function=screening.auroc,
    inputs=("threat_scores", "benign_scores"),
    direction="higher",
    unit="1",
    level="item",
    interval="delong",
    undefined_when=_NEEDS_BOTH,
    ignores_scale=True,
    weighted=resampling.weighted_auroc,
)
_PARTIAL_AUC = Metric(
    name="partial_auc",
    label=f"partial AUC, pfa <= {resampling.MAX_PFA:g}",
    function=screening.partial_auc,
    inputs=("threat_scores", "benign_scores"),
    direction="higher",
    unit="1",
    level="item",
    interval="logit",
    undefined_when=_NEEDS_BOTH,
    ignores_scale=True,
    weighted=resampling.weighted_partial_auc,
)
_AVERAGE_PRECISION = Metric(
    name="average_precision",
    label="average precision",
    function=screening.average_precision,
    inputs=("is_threat", "scores"),
    direction="higher",
    unit="1",
    level="item",
    interval="logit",
    undefined_when=_NEEDS_BOTH,
    ignores_scale=True,
    weighted=resampling.weighted_average_precision,
)
_BRIER = Metric(
    name="brier",
    label="Brier score",
    function=calibration.brier,
    inputs=("is_threat", "scores"),
    direction="lower",
    unit="1",
    level="item",
    interval="percentile",
    undefined_when="no items",
    weighted=resampling.weighted_brier,
)
_ECE = Metric(
    name="ece",
    label="expected calibration error",
    function=calibration.ece,
    inputs=("is_threat", "scores"),
    direction="lower",
    unit="1",
    level="item",
    interval="ece",
    undefined_when="no items",
    weighted=resampling.weighted_ece,
)


def _at_threshold(
    name: str, label: str, function: Callable[..., float], interval: IntervalKind, **facts: Any
) -> Metric:
    return Metric(
        name=name,
        label=label,
        function=function,
        inputs=("threat_scores", "benign_scores", "threshold"),
        unit="1",
        level="item",
        interval=interval,
        has_operating_point=True,
        ignores_scale=True,
        **facts,
    )


_NEEDS_ALL = f"{_NEEDS_BOTH}, or {_NEEDS_THRESHOLD}"
_D_PRIME = _at_threshold(
    "d_prime",
    "d'",
    decisions.d_prime_at,
    "normal",
    direction="higher",
    undefined_when=_NEEDS_ALL,
    range=(-math.inf, math.inf),
    depends_on_n=True,
)
_D_A = _at_threshold(
    "d_a",
    f"d_a, slope {decisions.D_A_SLOPE:g}",
    decisions.d_a_at,
    "normal",
    direction="higher",
    undefined_when=_NEEDS_ALL,
    range=(-math.inf, math.inf),
    depends_on_n=True,
)
_COST = _at_threshold(
    "expected_cost",
    "expected cost",
    decisions.expected_cost_at,
    "mover",
    direction="lower",
    undefined_when=_NEEDS_ALL,
    range=(0.0, math.inf),
)
_PRECISION_AT = _at_threshold(
    "precision_at_prevalence",
    "precision at prevalence",
    decisions.precision_at,
    "mover",
    direction="higher",
    undefined_when=f"no alarm, {_NEEDS_ALL}",
)
_SAVED = Metric(
    name="workload_saved",
    label="workload saved",
    function=decisions.saved_at_bound,
    inputs=("threat_scores", "benign_scores"),
    direction="higher",
    unit="1",
    level="item",
    interval="wilson",
    undefined_when=f"{_NEEDS_BOTH}, or too few threats to show the bound on misses",
    depends_on_n=True,
    ignores_scale=True,
)


def _boxes(name: str, label: str, function: Callable[..., float]) -> Metric:
    return Metric(
        name=name,
        label=label,
        function=function,
        inputs=("true_boxes", "found_boxes"),
        direction="higher",
        unit="1",
        level="box",
        interval="logit_unbiased",
        undefined_when="no true box, or the model gives no boxes",
        ignores_scale=True,
    )


def _latency(name: str, label: str, function: Callable[[ArrayLike], float]) -> Metric:
    return Metric(
        name=name,
        label=label,
        function=function,
        inputs=("latency_ms",),
        direction="lower",
        unit="ms",
        level="scan",
        interval="order_statistics",
        undefined_when="no scan was timed",
        range=(0.0, math.inf),
        ignores_scale=True,
    )


METRICS: Registry[Metric] = Registry("metric")
for _metric in (
    _PD,
    _PFA,
    _AUROC,
    _PARTIAL_AUC,
    _AVERAGE_PRECISION,
    _LOCALISATION,
    _boxes("coco_ap", "COCO AP", box_precision.coco_ap),
    _boxes("coco_ap50", "AP at IoU 0.50", box_precision.coco_ap50),
    _D_PRIME,
    _D_A,
    _COST,
    _PRECISION_AT,
    _SAVED,
    _BRIER,
    _ECE,
    _latency("latency_p50_ms", "median latency", speed.latency_p50_ms),
    _latency("latency_p95_ms", "latency of 95 % of scans", speed.latency_p95_ms),
    _latency("latency_p99_ms", "latency of 99 % of scans", speed.latency_p99_ms),
):
    METRICS.add(_metric.name, _metric)
