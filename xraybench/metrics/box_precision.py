"""Average precision of boxes the way COCO counts it, for all classes and thresholds in one pass.

Here the box is counted, not the item: this is the figure that detection papers report, and stands beside the item metrics,
never in their place. Judged against faster-coco-eval on the same boxes (tests), timed against it in
benchmarks/board_statistics.py.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from xraybench.core.errors import BadValue
from xraybench.core.types import BoolArray, Float32Array, FloatArray, IntArray
from xraybench.metrics import _checks

Int8Array = NDArray[np.int8]
COCO_IOU = tuple(round(0.5 + 0.05 * i, 2) for i in range(10))
MOST_A_VIEW = 100  # boxes of a class in a view that count, the highest scores first
_RECALLS = np.linspace(0.0, 1.0, 101)


@dataclass(frozen=True, slots=True)
class Boxes:
    """Boxes of many views, one row each; `score` is ignored for true boxes, `is_crowd` for found ones."""

    view: IntArray  # number of the view, shape (n,)
    target: IntArray  # number of the class, shape (n,)
    xyxy: FloatArray  # x0, y0, x1, y1 in pixels, right and bottom exclusive, shape (n, 4)
    score: FloatArray  # shape (n,)
    is_crowd: BoolArray  # boxes that neither reward nor punish, shape (n,)


@dataclass(frozen=True, slots=True)
class BoxPrecision:
    """Average precision of each class at each IoU threshold, and the highest recall; NaN for a class without a true box."""

    ap: FloatArray  # (n_classes, n_iou)
    recall: FloatArray  # (n_classes, n_iou)
    n_true: IntArray  # true boxes of each class, crowds left out

    @property
    def mean(self) -> float:
        """Mean over classes with a true box and over thresholds; NaN without any."""
        return float(np.nanmean(self.ap)) if (self.n_true > 0).any() else float("nan")


def boxes(
    view: ArrayLike,
    target: ArrayLike,
    xyxy: ArrayLike,
    *,
    score: ArrayLike | None = None,
    is_crowd: ArrayLike | None = None,
) -> Boxes:
    """Check and pack boxes.

    Raises:
        BadValue: Columns of different lengths, a negative class, an infinite number, or an edge right of its opposite.
    """
    views, targets = np.asarray(view, dtype=np.int64), np.asarray(target, dtype=np.int64)
    corners = _checks.finite(xyxy, "xyxy").reshape(-1, 4)
    scores = np.zeros(len(views)) if score is None else _checks.vector(score, "score")
    crowd = np.zeros(len(views), dtype=bool) if is_crowd is None else np.asarray(is_crowd, dtype=bool)
    if {len(targets), len(corners), len(scores), len(crowd)} != {len(views)}:
        raise BadValue(f"{len(views)} views, {len(targets)} classes, {len(corners)} boxes: one of each a box is right.")
    if (targets < 0).any():
        raise BadValue(f"target: class {targets.min()} is below 0.")
    if (bad := (corners[:, 2:] < corners[:, :2]).any(axis=1)).any():
        row = int(np.flatnonzero(bad)[0])
        raise BadValue(f"xyxy: box {row} is {corners[row].tolist()}; x0 <= x1 and y0 <= y1 is right.")
    return Boxes(views, targets, corners, scores, crowd)


def box_precision(
    truth: Boxes, found: Boxes, *, iou: tuple[float, ...] = COCO_IOU, n_classes: int | None = None
) -> BoxPrecision:
    """Average precision of every class: 101 recall points, at most 100 boxes a class and view, one true box a match.

    A found box takes the free true box of its class and view that it overlaps most, if by at least the threshold. One that
    only meets a crowd counts neither way. Equal scores keep the order given.

    Source:
        COCO detection evaluation, cocoapi `COCOeval.evaluateImg` and `accumulate`, area range "all".
    """
    wanted = int(max(truth.target.max(initial=-1), found.target.max(initial=-1))) + 1
    n_classes = wanted if n_classes is None else n_classes
    if n_classes < wanted:
        raise BadValue(f"n_classes: {n_classes}, but class {wanted - 1} occurs.")
    thresholds = np.asarray(iou, dtype=np.float64)
    ap = np.full((n_classes, len(thresholds)), np.nan)
    recall = np.full_like(ap, np.nan)
    true_order = np.lexsort((truth.is_crowd, truth.view, truth.target))
    found_order = np.lexsort((-found.score, found.view, found.target))
    true_view, found_view = truth.view[true_order], found.view[found_order]
    true_box, found_box = truth.xyxy[true_order], found.xyxy[found_order]
    crowd, score = truth.is_crowd[true_order], found.score[found_order]
    true_ends = np.searchsorted(truth.target[true_order], np.arange(n_classes + 1))
    found_ends = np.searchsorted(found.target[found_order], np.arange(n_classes + 1))
    n_true = np.zeros(n_classes, dtype=np.int64)
    for c in range(n_classes):
        t, f = slice(true_ends[c], true_ends[c + 1]), slice(found_ends[c], found_ends[c + 1])
        n_true[c] = int((~crowd[t]).sum())
        if not n_true[c]:
            continue
        # matches: 1 a hit, 0 a false box, -1 a box that does not count
        matches = _match(true_view[t], true_box[t], crowd[t], found_view[f], found_box[f], thresholds)
        order = np.argsort(-score[f], kind="stable")
        ap[c], recall[c] = _curves(matches[:, order], int(n_true[c]))
    return BoxPrecision(ap, recall, n_true)


@njit(cache=True)
def _match(true_view, true_box, crowd, found_view, found_box, thresholds):  # type: ignore[no-untyped-def]
    """What each found box of one class is at each threshold, shape (n_iou, n_found). Rows sorted by view, crowds last."""
    n_true, n_found, n_iou = len(true_view), len(found_view), len(thresholds)
    out = np.zeros((n_iou, n_found), np.int8)
    free = np.ones((n_iou, n_true), np.bool_)
    start, first, last_view = 0, 0, -1
    for f in range(n_found):
        view = found_view[f]
        if f == 0 or view != last_view:
            first, last_view = f, view
            while start < n_true and true_view[start] < view:
                start += 1
        if f - first >= MOST_A_VIEW:
            out[:, f] = -1
            continue
        a = found_box[f]
        area = (a[2] - a[0]) * (a[3] - a[1])
        for k in range(n_iou):
            best, chosen = min(thresholds[k], 1.0 - 1e-10), -1
            t = start
            while t < n_true and true_view[t] == view:
                if free[k, t] or crowd[t]:
                    if chosen >= 0 and not crowd[chosen] and crowd[t]:
                        break
                    b = true_box[t]
                    wide = min(a[2], b[2]) - max(a[0], b[0])
                    high = min(a[3], b[3]) - max(a[1], b[1])
                    overlap = 0.0
                    if wide > 0.0 and high > 0.0:
                        shared = wide * high
                        union = area if crowd[t] else area + (b[2] - b[0]) * (b[3] - b[1]) - shared
                        overlap = shared / union
                    if overlap >= best:
                        best, chosen = overlap, t
                t += 1
            if chosen >= 0:
                if crowd[chosen]:
                    out[k, f] = -1
                else:
                    out[k, f] = 1
                    free[k, chosen] = False
    return out


def _curves(matches: "np.ndarray[tuple[int, int], np.dtype[np.int8]]", n_true: int) -> tuple[FloatArray, FloatArray]:
    """Average precision over 101 recalls and the highest recall, at each threshold, boxes in falling order of score."""
    ap, recall = np.zeros(len(matches)), np.zeros(len(matches))
    for k, row in enumerate(matches):
        counts = row[row >= 0]
        hits = np.cumsum(counts == 1, dtype=np.float64)
        if not len(hits):
            continue
        reached = hits / n_true
        precision = np.maximum.accumulate((hits / np.arange(1, len(hits) + 1))[::-1])[::-1]
        at = np.searchsorted(reached, _RECALLS, side="left")
        ap[k] = precision[at[at < len(precision)]].sum() / len(_RECALLS)
        recall[k] = reached[-1]
    return ap, recall


def coco_ap(truth: Boxes, found: Boxes) -> float:
    """Average precision, mean over classes with a true box and over IoU 0.50 to 0.95. NaN without a true box."""
    return box_precision(truth, found).mean


def coco_ap50(truth: Boxes, found: Boxes) -> float:
    """Average precision at IoU 0.50, mean over classes with a true box. NaN without a true box."""
    return box_precision(truth, found, iou=COCO_IOU[:1]).mean


def replicate_precision(
    truth: Boxes, found: Boxes, weights: ArrayLike, *, iou: tuple[float, ...] = COCO_IOU, n_classes: int
) -> Float32Array:
    """Average precision of every class and threshold in each replicate, shape (n_replicates, n_classes, n_iou).

    Boxes are matched within a view, so a replicate only changes how often each match counts: nothing is matched again.

    Args:
        weights: How often each replicate draws each view, shape (n_replicates, n_views); boxes name views 0 to n_views - 1.
        n_classes: How many classes there are.

    Returns:
        NaN where a replicate draws no true box of the class.
    """
    drawn = np.asarray(weights, dtype=np.float32)
    last = int(max(truth.view.max(initial=-1), found.view.max(initial=-1)))
    if drawn.ndim != 2 or drawn.shape[1] <= last:
        raise BadValue(f"weights: shape {drawn.shape}, but a box lies in view {last}; one column a view is right.")
    out = np.full((len(drawn), n_classes, len(iou)), np.nan, dtype=np.float32)
    for c in range(n_classes):
        is_true = (truth.target == c) & ~truth.is_crowd
        n_true = drawn[:, truth.view[is_true]].sum(axis=1)
        if not is_true.any():
            continue
        order = np.flatnonzero(found.target == c)
        order = order[np.lexsort((found.view[order], -found.score[order]))]  # ties as `box_precision` breaks them
        kinds = np.stack([_kinds_of(truth, found, c, order, threshold) for threshold in iou])
        _weighted_curves(kinds, np.ascontiguousarray(drawn[:, found.view[order]]), n_true, _RECALLS, out[:, c])
    return out


def _kinds_of(truth: Boxes, found: Boxes, target: int, order: IntArray, threshold: float) -> Int8Array:
    """What each found box of one class is, in the order given."""
    t = np.flatnonzero(truth.target == target)
    t = t[np.lexsort((truth.is_crowd[t], truth.view[t]))]
    by_view = np.lexsort((np.arange(len(order)), found.view[order]))
    f = order[by_view]
    kinds = np.empty(len(order), dtype=np.int8)
    kinds[by_view] = _match(
        truth.view[t], truth.xyxy[t], truth.is_crowd[t], found.view[f], found.xyxy[f], np.array([threshold])
    )[0]
    return kinds


@njit(cache=True)
def _weighted_curves(kinds, drawn, n_true, recalls, out) -> None:  # type: ignore[no-untyped-def]
    """Average precision of one class, boxes in falling order of score, each counted as often as its view is drawn."""
    n_iou, n_found = kinds.shape
    reached, precision = np.empty(n_found), np.empty(n_found)
    for r in range(drawn.shape[0]):
        if n_true[r] <= 0:
            continue
        for k in range(n_iou):
            hits, counted = 0.0, 0.0
            for f in range(n_found):
                w = drawn[r, f]
                if kinds[k, f] >= 0:
                    counted += w
                    if kinds[k, f] == 1:
                        hits += w
                reached[f] = hits / n_true[r]
                precision[f] = hits / counted if counted > 0 else 0.0
            best, total, at = 0.0, 0.0, len(recalls) - 1
            for f in range(n_found - 1, -1, -1):
                while at >= 0 and recalls[at] > reached[f]:
                    total += best
                    at -= 1
                if precision[f] > best:
                    best = precision[f]
            out[r, k] = (total + best * (at + 1)) / len(recalls)


def localisation_curve(truth: Boxes, found: Boxes, *, min_iou: float = 0.5) -> tuple[Float32Array, Float32Array]:
    """Share of true boxes found against false boxes a view, as the score falls (FROC), classes together.

    Returns:
        False boxes a view and share found, each of shape (n_found,), rising; empty without a box of either kind.
    """
    n_views = len(np.unique(np.concatenate([truth.view, found.view])))
    real = ~truth.is_crowd
    if not real.any() or not len(found.view):
        return np.empty(0, np.float32), np.empty(0, np.float32)
    one = match_boxes(truth, found, min_iou=min_iou)
    order = np.argsort(-found.score, kind="stable")
    kind = one[order]
    false = np.cumsum(kind == 0) / n_views
    return false.astype(np.float32), (np.cumsum(kind == 1) / int(real.sum())).astype(np.float32)


def match_boxes(truth: Boxes, found: Boxes, *, min_iou: float = 0.5) -> IntArray:
    """What each found box is, in the order given: 1 a hit, 0 a false box, -1 one that does not count; shape (n_found,)."""
    kinds = np.zeros(len(found.view), dtype=np.int64)
    for c in np.unique(found.target):
        t, f = np.flatnonzero(truth.target == c), np.flatnonzero(found.target == c)
        t = t[np.lexsort((truth.is_crowd[t], truth.view[t]))]
        f = f[np.lexsort((-found.score[f], found.view[f]))]
        kinds[f] = _match(
            truth.view[t], truth.xyxy[t], truth.is_crowd[t], found.view[f], found.xyxy[f], np.array([min_iou])
        )[0]
    return kinds
