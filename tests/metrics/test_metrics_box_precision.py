"""COCO average precision, judged by faster-coco-eval on the same boxes."""

import math

import numpy as np
import pytest

from xraybench.core.errors import BadValue
from xraybench.metrics.box_precision import COCO_IOU, Boxes, box_precision, boxes, localisation_curve, match_boxes


def made(seed: int, *, n_views: int = 40, n_classes: int = 3, crowds: bool = False, coarse: bool = True):
    """True boxes, and found ones: shifted copies of most of them among others that hit nothing."""
    rng = np.random.default_rng(seed)
    n = n_views * 4
    corner = rng.integers(0, 200, (n, 2)).astype(float)
    size = rng.integers(8, 70, (n, 2)).astype(float)
    view, target = rng.integers(0, n_views, n), rng.integers(0, n_classes, n)
    truth = boxes(view, target, np.hstack([corner, corner + size]), is_crowd=rng.random(n) < 0.1 if crowds else None)
    kept = rng.random(n) < 0.8
    moved = corner[kept] + rng.integers(-9, 10, (kept.sum(), 2))
    extra = rng.integers(0, 200, (n, 2)).astype(float)
    xy = np.vstack([moved, extra])
    wh = np.vstack([size[kept], rng.integers(8, 70, (n, 2))])
    score = np.concatenate([rng.beta(4, 2, kept.sum()), rng.beta(2, 3, n)])
    score = np.round(score, 2) if coarse else score
    found = boxes(
        np.concatenate([view[kept], rng.integers(0, n_views, n)]),
        np.concatenate([target[kept], rng.integers(0, n_classes, n)]),
        np.hstack([xy, xy + wh]),
        score=score,
    )
    return truth, found


def judged(truth: Boxes, found: Boxes, n_classes: int) -> np.ndarray:
    """Average precision of faster-coco-eval, shape (n_classes, 10)."""
    evaluation = pytest.importorskip("faster_coco_eval", reason="the extra 'detect' is not installed")

    def xywh(box: np.ndarray) -> list[float]:
        return [float(box[0]), float(box[1]), float(box[2] - box[0]), float(box[3] - box[1])]

    views = sorted({*truth.view.tolist(), *found.view.tolist()})
    annotations = [
        {"id": i + 1, "image_id": int(v), "category_id": int(t), "bbox": xywh(b), "area": float(np.prod(xywh(b)[2:])),
         "iscrowd": int(c)}
        for i, (v, t, b, c) in enumerate(zip(truth.view, truth.target, truth.xyxy, truth.is_crowd, strict=True))
    ]  # fmt: skip
    told = evaluation.COCO(
        {
            "images": [{"id": int(v), "width": 400, "height": 400} for v in views],
            "categories": [{"id": c, "name": str(c)} for c in range(n_classes)],
            "annotations": annotations,
        }
    )
    said = told.loadRes(
        [
            {"image_id": int(v), "category_id": int(t), "bbox": xywh(b), "score": float(s)}
            for v, t, b, s in zip(found.view, found.target, found.xyxy, found.score, strict=True)
        ]
    )
    run = evaluation.COCOeval_faster(told, said, iouType="bbox")
    run.evaluate()
    run.accumulate()
    return np.asarray(run.eval["precision"])[:, :, :, 0, -1].mean(axis=1).T


@pytest.mark.parametrize("coarse", [False, True])  # scores with and without ties
@pytest.mark.parametrize("seed", range(4))
def test_every_class_and_threshold_equals_faster_coco_eval(seed: int, coarse: bool) -> None:
    truth, found = made(seed, coarse=coarse)
    assert box_precision(truth, found).ap == pytest.approx(judged(truth, found, 3), abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_crowds_neither_reward_nor_punish_as_there(seed: int) -> None:
    truth, found = made(seed, crowds=True, coarse=False)
    assert box_precision(truth, found).ap == pytest.approx(judged(truth, found, 3), abs=1e-9)


def test_perfect_boxes_have_precision_one() -> None:
    truth, _ = made(1)
    perfect = boxes(truth.view, truth.target, truth.xyxy, score=np.linspace(0.9, 0.1, len(truth.view)))
    result = box_precision(truth, perfect)
    assert result.ap == pytest.approx(np.ones((3, 10))) and result.mean == 1.0


def test_no_found_box_is_zero_and_no_true_box_is_undefined() -> None:
    truth = boxes([0], [0], [[0, 0, 10, 10]])
    nothing = boxes([], [], np.empty((0, 4)), score=[])
    result = box_precision(truth, nothing, n_classes=2)
    assert (result.ap[0] == 0).all() and np.isnan(result.ap[1]).all()
    assert math.isnan(box_precision(nothing, nothing).mean)


def test_a_second_box_on_one_threat_is_false() -> None:
    truth = boxes([7], [0], [[0, 0, 10, 10]])
    found = boxes([7, 7], [0, 0], [[0, 0, 10, 9], [0, 0, 10, 10]], score=[0.9, 0.8])
    assert match_boxes(truth, found).tolist() == [1, 0]
    assert box_precision(truth, found, iou=(0.5,)).ap[0, 0] == pytest.approx(1.0)  # the hit came first


def test_a_box_in_another_view_hits_nothing() -> None:
    truth = boxes([1], [0], [[0, 0, 10, 10]])
    found = boxes([2], [0], [[0, 0, 10, 10]], score=[0.9])
    assert box_precision(truth, found).ap[0].max() == 0.0


def test_only_the_hundred_highest_boxes_of_a_view_count() -> None:
    truth = boxes([0], [0], [[0, 0, 10, 10]])
    many = np.tile([[50.0, 50.0, 60.0, 60.0]], (100, 1))
    found = boxes([0] * 101, [0] * 101, np.vstack([many, [[0, 0, 10, 10]]]), score=[*[0.9] * 100, 0.1])
    assert box_precision(truth, found).recall[0, 0] == 0.0


def test_the_localisation_curve_ends_at_all_boxes() -> None:
    truth, found = made(2)
    false, share = localisation_curve(truth, found)
    kinds = match_boxes(truth, found)
    assert false[-1] == pytest.approx((kinds == 0).sum() / len(np.unique([*truth.view, *found.view])))
    assert share[-1] == pytest.approx((kinds == 1).sum() / len(truth.view))
    assert (np.diff(false) >= 0).all() and (np.diff(share) >= 0).all()


def test_thresholds_are_those_of_coco() -> None:
    assert COCO_IOU == (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)


def test_a_box_with_its_edges_crossed_is_refused_by_number() -> None:
    with pytest.raises(BadValue, match=r"box 1 is \[5\.0, 0\.0, 4\.0, 9\.0\]"):
        boxes([0, 0], [0, 0], [[0, 0, 1, 1], [5, 0, 4, 9]])
