"""Boxes: overlap by hand, the hit rule, and the localisation hit rate."""

import math

import numpy as np
import pandas as pd
import pytest

from xraybench.core.errors import BadValue
from xraybench.metrics.detection import box_hits, hits_per_item, iou, localisation_hit_rate, localisation_hits

EDGES = ["x0", "y0", "x1", "y1"]


def boxes(*rows: tuple[object, ...], scored: bool = False) -> pd.DataFrame:
    columns = ["scan_id", "view", *EDGES, *(["score"] if scored else [])]
    return pd.DataFrame(rows, columns=columns)


def test_two_squares_that_share_a_quarter_overlap_by_one_seventh() -> None:
    assert iou([[0, 0, 2, 2]], [[1, 1, 3, 3]])[0, 0] == pytest.approx(1 / 7)


def test_boxes_that_touch_do_not_overlap() -> None:
    assert iou([[0, 0, 2, 2]], [[2, 0, 4, 2]])[0, 0] == 0


def test_every_box_is_compared_with_every_box() -> None:
    one, other = [0, 0, 4, 4], [10, 10, 12, 12]
    assert iou([one, other], [other, one, one]).tolist() == [[0, 1, 1], [1, 0, 0]]
    assert iou([one], np.empty((0, 4))).shape == (1, 0)


def test_iou_counts_pixels() -> None:
    rng = np.random.default_rng(0)
    corners = rng.integers(0, 12, (30, 2))
    made = np.hstack([corners, corners + rng.integers(1, 9, (30, 2))])
    masks = np.zeros((30, 24, 24), dtype=bool)
    for mask, (x0, y0, x1, y1) in zip(masks, made, strict=True):
        mask[y0:y1, x0:x1] = True
    flat = masks.reshape(30, -1).astype(float)
    shared = flat @ flat.T
    union = flat.sum(1)[:, None] + flat.sum(1) - shared
    assert iou(made, made) == pytest.approx(shared / union)


def test_a_box_without_area_is_refused() -> None:
    with pytest.raises(BadValue, match="box 1 has no area"):
        iou([[0, 0, 1, 1], [5, 5, 5, 9]], [[0, 0, 1, 1]])


def test_a_thin_threat_is_hit_by_a_centre_that_its_overlap_would_deny() -> None:
    found, truth = [[40, 10, 60, 30]], [[10, 18, 90, 22]]
    assert not box_hits(found, truth, rule="iou").any()
    assert box_hits(found, truth, rule="centre").all()
    assert box_hits(found, truth).all()


def test_a_centre_on_the_right_edge_is_outside() -> None:
    assert not box_hits([[3, 0, 5, 2]], [[0, 0, 4, 2]], rule="centre").any()


def test_an_unknown_rule_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BadValue, match="iou_or_centre, iou, centre"):
        box_hits([[0, 0, 1, 1]], [[0, 0, 1, 1]], rule="overlap")


def test_only_the_best_box_of_a_scan_counts() -> None:
    truth = boxes(("a", 0, 0, 0, 10, 10), ("b", 0, 0, 0, 10, 10))
    found = boxes(
        ("a", 0, 0, 0, 10, 10, 0.4),
        ("a", 0, 50, 50, 60, 60, 0.9),
        ("b", 0, 0, 0, 10, 10, 0.9),
        ("b", 0, 50, 50, 60, 60, 0.4),
        scored=True,
    )
    assert hits_per_item(["a", "b"], truth, found).tolist() == [0, 1]
    assert hits_per_item(["a", "b"], truth, found, max_boxes=2).tolist() == [1, 1]


def test_a_scan_without_a_true_box_is_unknown_and_one_without_a_found_box_is_missed() -> None:
    truth = boxes(("seen", 0, 0, 0, 10, 10), ("missed", 0, 0, 0, 10, 10))
    found = boxes(("seen", 0, 1, 1, 9, 9, 0.5), ("unlabelled", 0, 1, 1, 9, 9, 0.5), scored=True)
    hits = hits_per_item(["missed", "unlabelled", "seen"], truth, found)
    assert hits[0] == 0 and math.isnan(hits[1]) and hits[2] == 1


def test_a_box_in_another_view_hits_nothing() -> None:
    truth = boxes(("a", 0, 0, 0, 10, 10))
    assert hits_per_item(["a"], truth, boxes(("a", 1, 0, 0, 10, 10, 0.9), scored=True)).tolist() == [0]


def test_no_boxes_at_all_hit_nothing() -> None:
    empty = boxes(scored=True).astype(dict.fromkeys(EDGES, float))
    truth = boxes(("a", 0, 0, 0, 10, 10))
    assert hits_per_item(["a"], truth, empty).tolist() == [0]
    assert np.isnan(hits_per_item(["a"], truth.iloc[:0], empty)).all()


def test_the_order_of_rows_does_not_matter_even_for_equal_scores() -> None:
    truth = boxes(("a", 0, 0, 0, 10, 10))
    found = boxes(("a", 0, 30, 30, 40, 40, 0.5), ("a", 0, 0, 0, 10, 10, 0.5), scored=True)
    assert hits_per_item(["a"], truth, found).tolist() == hits_per_item(["a"], truth, found[::-1]).tolist() == [1]


def test_an_alarm_that_points_elsewhere_and_a_box_without_alarm_do_not_count() -> None:
    hits = localisation_hits([0.9, 0.9, 0.1, 0.9], 0.5, [1, 0, 1, math.nan])
    assert hits[:3].tolist() == [1, 0, 0] and math.isnan(hits[3])
    assert localisation_hit_rate(hits) == pytest.approx(1 / 3)


def test_without_a_threshold_or_a_true_box_the_hit_rate_is_undefined() -> None:
    assert math.isnan(localisation_hit_rate(localisation_hits([0.9], math.nan, [1])))
    assert math.isnan(localisation_hit_rate([math.nan]))
    assert math.isnan(localisation_hit_rate([]))
