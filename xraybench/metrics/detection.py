"""Whether an alarm points at the threat: overlap of boxes, hits, and the localisation hit rate.

The hit rule of the benchmark is `iou_or_centre`: a box hits when it overlaps a true box by IoU >= 0.5, or when its
centre lies inside one. The first suits compact threats; the second is enough to guide a hand search and is fair to thin
ones, whose IoU collapses with a shift of a few pixels. Only the best box of a scan counts, so covering a scan with
boxes gains nothing. A box around the whole view hits what lies in its middle: that is the baseline to beat.
"""

import math

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from xraybench.core.errors import BadValue
from xraybench.core.types import BoolArray, FloatArray
from xraybench.metrics import _checks

HIT_RULES = ("iou_or_centre", "iou", "centre")
MIN_IOU = 0.5
EDGES = ["x0", "y0", "x1", "y1"]


def iou(boxes_a: ArrayLike, boxes_b: ArrayLike) -> FloatArray:
    """Intersection over union of every pair of boxes, in [0, 1]; boxes that share only an edge give 0.

    Args:
        boxes_a: x0, y0, x1, y1 in pixels, right and bottom exclusive, shape (n_a, 4).
        boxes_b: The same, shape (n_b, 4).

    Returns:
        Shape (n_a, n_b).
    """
    return _iou(_boxes(boxes_a, "boxes_a")[:, None], _boxes(boxes_b, "boxes_b")[None])


def box_hits(found: ArrayLike, truth: ArrayLike, *, rule: str = "iou_or_centre", min_iou: float = MIN_IOU) -> BoolArray:
    """Whether each found box hits the true box in the same row.

    Args:
        found: Predicted boxes, shape (n, 4).
        truth: True boxes, shape (n, 4).
        rule: `iou` (overlap of at least `min_iou`), `centre` (the found centre lies in the true box), or either.
        min_iou: Least overlap, in (0, 1].

    Returns:
        Shape (n,).
    """
    if rule not in HIT_RULES:
        raise BadValue(f"rule: '{rule}' is none of {', '.join(HIT_RULES)}.")
    if not 0.0 < min_iou <= 1.0:
        raise BadValue(f"min_iou: {min_iou:g} is not in (0, 1].")
    found, truth = _boxes(found, "found"), _boxes(truth, "truth")
    overlaps = np.zeros(len(truth), dtype=np.bool_)
    if rule != "centre":
        overlaps |= _iou(found, truth) >= min_iou
    if rule != "iou":
        centre = (found[:, :2] + found[:, 2:]) / 2
        overlaps |= ((centre >= truth[:, :2]) & (centre < truth[:, 2:])).all(axis=1)
    return overlaps


def hits_per_item(
    scan_ids: ArrayLike,
    true_boxes: pd.DataFrame,
    predicted: pd.DataFrame,
    *,
    rule: str = "iou_or_centre",
    min_iou: float = MIN_IOU,
    max_boxes: int = 1,
) -> FloatArray:
    """Whether the best predicted box of each scan hits a threat in it, whatever the scan's score.

    Args:
        scan_ids: The scans asked for, one an item, shape (n,).
        true_boxes: One row a true box: scan_id, view, x0, y0, x1, y1.
        predicted: One row a predicted box: the same and score. Rows of equal score are taken by view, then position.
        rule: As in `box_hits`.
        min_iou: As in `box_hits`.
        max_boxes: How many of the highest-scored boxes of a scan, over all its views, may hit.

    Returns:
        1 where a box hits, 0 where none does, NaN where the scan has no true box; shape (n,).
    """
    asked = np.asarray(scan_ids)
    order = ["score", "view", *EDGES]
    best = (
        predicted.sort_values(order, ascending=[False] + [True] * 5, kind="stable").groupby("scan_id").head(max_boxes)
    )
    pairs = true_boxes.merge(best, on=["scan_id", "view"], suffixes=("", "_found"))
    found = pairs[[f"{edge}_found" for edge in EDGES]]
    does_hit = box_hits(found, pairs[EDGES], rule=rule, min_iou=min_iou)
    hits = np.isin(asked, pairs["scan_id"][does_hit]).astype(np.float64)
    hits[~np.isin(asked, true_boxes["scan_id"])] = np.nan
    return hits


def localisation_hits(threat_scores: ArrayLike, threshold: float, box_hit: ArrayLike) -> FloatArray:
    """Whether each threat item alarms and its box hits the threat: one value an item, so that it can be resampled.

    Args:
        threat_scores: Scores of the items with a threat, shape (n,).
        threshold: The task's alarm threshold. NaN gives NaN.
        box_hit: 1, 0 or NaN (no true box) an item, as `hits_per_item` gives it, shape (n,).

    Returns:
        1, 0 or NaN, shape (n,).
    """
    scores, hit = _checks.vector(threat_scores, "threat_scores"), np.asarray(box_hit, dtype=np.float64)
    if hit.shape != scores.shape:
        raise BadValue(f"box_hit: shape {hit.shape} for {len(scores)} threat items.")
    if math.isnan(threshold):
        return np.full(len(scores), np.nan)
    return np.asarray(np.where(np.isnan(hit), np.nan, hit * (scores >= threshold)))


def localisation_hit_rate(hits: ArrayLike) -> float:
    """Threat items that alarm with a box on the threat / threat items with a true box. NaN without such items.

    Never above pd of the same items: an alarm that points elsewhere does not count.

    Args:
        hits: From `localisation_hits`, shape (n,).
    """
    known = np.asarray(hits, dtype=np.float64)
    known = known[~np.isnan(known)]
    return float(known.mean()) if len(known) else math.nan


def _boxes(boxes: ArrayLike, what: str) -> FloatArray:
    array = _checks.finite(boxes, what)
    if array.size == 0:
        return np.empty((0, 4))
    if array.ndim != 2 or array.shape[1] != 4:
        raise BadValue(f"{what}: shape {array.shape}; one row x0, y0, x1, y1 a box is right.")
    if (bad := (array[:, 2:] <= array[:, :2]).any(axis=1)).any():
        first = int(np.flatnonzero(bad)[0])
        raise BadValue(f"{what}: box {first} has no area (x0, y0, x1, y1 = {array[first].tolist()}).")
    return array


def _iou(a: FloatArray, b: FloatArray) -> FloatArray:
    """IoU of boxes along the last axis, other axes broadcast."""
    shared = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    intersection = np.prod(np.maximum(shared, 0.0), axis=-1)
    union = np.prod(a[..., 2:] - a[..., :2], axis=-1) + np.prod(b[..., 2:] - b[..., :2], axis=-1) - intersection
    return np.asarray(intersection / union)
