"""What every adapter obeys, whatever stands behind it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from xraybench import models
from xraybench.core import tables
from xraybench.core.errors import BadFile, BadValue, UnknownName
from xraybench.core.types import Dataset, Model, Predictions, ScanSet

LOOKING = ("timm_net", "classical", "onnx_file")  # these look at pixels


@pytest.fixture(params=models.names())
def model(request: pytest.FixtureRequest, saved: dict[str, Path]) -> Model:
    return models.load(request.param, saved[request.param])


@pytest.fixture(params=LOOKING)
def looking(request: pytest.FixtureRequest, saved: dict[str, Path]) -> Model:
    return models.load(request.param, saved[request.param])


def without_time(predictions: Predictions) -> "pd.DataFrame":
    return predictions.table.drop(columns="latency_ms")


def sorted_scores(predictions: Predictions) -> "pd.DataFrame":
    return predictions.kind("score").sort_values(["scan_id", "target"]).reset_index(drop=True)


def test_every_scan_has_one_scan_row_and_a_score_for_any(model: Model, unseen: Dataset) -> None:
    predictions = model.predict(unseen.scans)
    assert list(predictions.kind("scan")["scan_id"]) == unseen.scans.scan_ids
    scores = predictions.kind("score")
    assert sorted(scores["scan_id"][scores["target"] == "any"]) == sorted(unseen.scans.scan_ids)


def test_the_table_is_as_declared_and_the_scores_lie_between_0_and_1(model: Model, unseen: Dataset) -> None:
    predictions = model.predict(unseen.scans)
    pd.testing.assert_frame_equal(tables.check(predictions.table, tables.PREDICTIONS, source="test"), predictions.table)
    assert predictions.kind("score")["score"].between(0, 1).all()
    assert (predictions.table["model"] == model.name).all()
    assert predictions.corpora == unseen.corpora


def test_the_same_scans_give_the_same_rows_twice(model: Model, unseen: Dataset) -> None:
    first, second = model.predict(unseen.scans), model.predict(unseen.scans)
    pd.testing.assert_frame_equal(without_time(first), without_time(second))


def test_the_order_of_the_scans_does_not_move_a_score(model: Model, unseen: Dataset) -> None:
    scans = unseen.scans
    turned = replace(scans, table=scans.table.iloc[::-1].reset_index(drop=True))
    a, b = sorted_scores(model.predict(scans)), sorted_scores(model.predict(turned))
    np.testing.assert_array_equal(a["score"], b["score"])


def test_a_part_of_the_scans_gets_the_scores_it_gets_in_the_whole(model: Model, unseen: Dataset) -> None:
    some = set(unseen.scans.scan_ids[::3])
    whole = sorted_scores(model.predict(unseen.scans))
    part = sorted_scores(model.predict(unseen.scans.subset(some)))
    whole = whole[whole["scan_id"].isin(some)]
    np.testing.assert_allclose(part["score"], whole["score"], atol=2e-6)  # batches of other sizes round otherwise


def test_an_empty_set_gives_an_empty_table(model: Model, unseen: Dataset) -> None:
    assert len(model.predict(unseen.scans.subset(set())).table) == 0


@pytest.mark.parametrize("adapter", [name for name in models.names() if name != "manifest"])  # that looks for none
def test_it_finds_what_it_was_trained_to_find(adapter: str, saved: dict[str, Path], unseen: Dataset) -> None:
    scores = models.load(adapter, saved[adapter]).predict(unseen.scans).kind("score")
    scores = scores[scores["target"] == "any"]
    is_threat = scores["scan_id"].isin(set(unseen.objects["scan_id"]))
    assert roc_auc_score(is_threat, scores["score"]) > 0.9


def test_boxes_lie_inside_the_view(model: Model, unseen: Dataset) -> None:
    boxes = model.predict(unseen.scans).kind("box").merge(unseen.scans.table, on="scan_id")
    assert ((boxes["x0"] >= 0) & (boxes["x0"] < boxes["x1"]) & (boxes["x1"] <= boxes["width"])).all()
    assert ((boxes["y0"] >= 0) & (boxes["y0"] < boxes["y1"]) & (boxes["y1"] <= boxes["height"])).all()


def with_a_bad_scan(scans: ScanSet, bad: str, view: np.ndarray | None) -> ScanSet:
    def read(scan_id: str) -> tuple[np.ndarray, ...]:
        if scan_id == bad and view is None:
            raise BadFile("truncated")
        return (view,) if scan_id == bad else scans.read(scan_id)  # type: ignore[return-value]

    return replace(scans, read=read)


@pytest.mark.parametrize(
    "view", [None, np.zeros((64, 48, 5), np.uint16), np.zeros((0, 48, 2), np.uint16), np.full((64, 48, 2), np.nan)]
)
def test_a_scan_that_cannot_be_used_fails_alone(looking: Model, unseen: Dataset, view: np.ndarray | None) -> None:
    bad = unseen.scans.scan_ids[3]
    predictions = looking.predict(with_a_bad_scan(unseen.scans, bad, view))
    status = predictions.kind("scan").set_index("scan_id")["status"]
    assert status[bad] == "failed"
    assert (status.drop(bad) == "ok").all()
    assert bad not in set(predictions.kind("score")["scan_id"])


def test_a_set_of_which_no_scan_can_be_read_is_refused_with_the_reason(looking: Model, unseen: Dataset) -> None:
    one = unseen.scans.subset({unseen.scans.scan_ids[0]})
    with pytest.raises(BadValue, match=r"any of the 1 scans.*truncated"):
        looking.predict(with_a_bad_scan(one, one.scan_ids[0], None))


def test_scans_on_another_track_are_refused(looking: Model, unseen: Dataset) -> None:
    with pytest.raises(BadValue, match=r"the raw track .* dataset\.track\('raw'\)"):
        looking.predict(replace(unseen.scans, track="colour"))


def test_counts_of_another_open_beam_are_scaled_to_the_models_own(looking: Model, unseen: Dataset) -> None:
    scans = unseen.scans
    halved = replace(
        scans, read=lambda scan_id: (scans.read(scan_id)[0].astype(np.float64) / 2,), full_scale=scans.full_scale / 2
    )
    a, b = sorted_scores(looking.predict(scans)), sorted_scores(looking.predict(halved))
    np.testing.assert_allclose(a["score"], b["score"], atol=1e-5)


def test_of_two_views_the_more_suspicious_counts(looking: Model, unseen: Dataset) -> None:
    scans = unseen.scans
    first, second = scans.scan_ids[:2]
    both = replace(scans, read=lambda _: (*scans.read(first), *scans.read(second))).subset({first})
    together = looking.predict(both).kind("score").set_index("target")["score"]
    apart = sorted_scores(looking.predict(scans.subset({first, second}))).groupby("target")["score"].max()
    np.testing.assert_allclose(together[apart.index], apart, atol=2e-6)


def test_latency_is_measured_on_the_scans_asked_for_and_unknown_for_the_others(looking: Model, unseen: Dataset) -> None:
    latency_ms = looking.predict(unseen.scans, n_timed=7).kind("scan")["latency_ms"]  # type: ignore[call-arg]
    assert latency_ms.notna().sum() == 7
    assert (latency_ms.dropna() > 0).all()


def test_an_unknown_adapter_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="timm_net"):
        models.load("tim_net", "somewhere")


@pytest.mark.parametrize("adapter", models.names())
def test_a_folder_that_is_not_there_is_a_bad_file(adapter: str, tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"there is no such|ends in"):
        models.load(adapter, tmp_path / "nothing")


@pytest.mark.parametrize("adapter", LOOKING)
@pytest.mark.parametrize("damage", ["truncated", "overwritten", "gone", "other signature", "no signature"])
def test_a_damaged_model_is_a_bad_file(adapter: str, damage: str, saved: dict[str, Path], tmp_path: Path) -> None:
    content = "model.onnx" if adapter == "onnx_file" else "weights.safetensors"
    for name in (content, "signature.json"):
        (tmp_path / name).write_bytes((saved[adapter] / name).read_bytes())
    path = tmp_path / content
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:-100])
    elif damage == "overwritten":
        path.write_bytes(b"not a model at all")
    elif damage == "gone":
        path.unlink()
    elif damage == "no signature":
        (tmp_path / "signature.json").unlink()
    else:
        other = "classical" if adapter != "classical" else "timm_net"
        (tmp_path / "signature.json").write_bytes((saved[other] / "signature.json").read_bytes())
    with pytest.raises(BadFile) as told:
        models.load(adapter, tmp_path)
    assert told.value.exit_code == 2
    assert str(tmp_path) in str(told.value)
