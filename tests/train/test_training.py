"""Training: what is taught is where the boxes say, it repeats exactly, it learns, and it refuses what it cannot do."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from xraybench import train
from xraybench.core.documents import ModelSignature
from xraybench.core.errors import BadParameter, BadValue
from xraybench.core.types import Dataset, Predictions
from xraybench.models._net import Maps
from xraybench.models.timm_net import TimmNet, digest_of_weights, make_signature, net_of, weights_of
from xraybench.train import _loop

Toy = Callable[..., Dataset]
SMALL = {"architecture": "test_resnet", "image_px": 64, "quiet": True, "device": "cpu"}


def auc(predictions: Predictions, dataset: Dataset, target: str) -> float:
    scores = predictions.kind("score")
    scores = scores[scores["target"] == target]
    objects = dataset.objects if target == "any" else dataset.objects[dataset.objects["threat"] == target]
    return float(roc_auc_score(scores["scan_id"].isin(set(objects["scan_id"])), scores["score"]))


def prepared(dataset: Dataset, *, image_px: int = 64) -> _loop.PreparedData:
    return train.prepare(dataset, signature_for(dataset, image_px=image_px))


def signature_for(dataset: Dataset, *, image_px: int = 64) -> ModelSignature:
    return make_signature(
        name="x",
        architecture="test_resnet",
        track=dataset.scans.track,
        threats=dataset.threats,
        full_scale=dataset.scans.full_scale,
        image_px=image_px,
    )


def batch_of(data: _loop.PreparedData) -> _loop._Batch:
    return _loop._batch(data, np.arange(len(data)), torch.device("cpu"))


def test_a_network_learns_an_easy_problem_in_seconds(toy: Toy) -> None:
    unseen = toy(60, seed=1, split="test")
    predictions = train.local(toy(160), epochs=5, **SMALL).predict(unseen.scans, n_timed=0)
    assert auc(predictions, unseen, "any") > 0.9
    assert auc(predictions, unseen, "blade") > 0.9
    assert auc(predictions, unseen, "currency") > 0.9


def test_a_network_learns_to_point_at_the_threat(toy: Toy) -> None:
    unseen = toy(60, seed=1, split="test")
    boxes = train.local(toy(160), epochs=5, **SMALL).predict(unseen.scans, n_timed=0).kind("box")
    both = boxes.merge(unseen.objects, on="scan_id", suffixes=("", "_true"))
    x, y = (both["x0"] + both["x1"]) / 2, (both["y0"] + both["y1"]) / 2
    inside = x.between(both["x0_true"], both["x1_true"]) & y.between(both["y0_true"], both["y1_true"])
    assert inside.mean() > 0.9


def test_the_forest_learns_an_easy_problem(toy: Toy) -> None:
    unseen = toy(60, seed=1, split="test")
    predictions = train.classical(toy(160), n_trees=50, quiet=True).predict(unseen.scans, n_timed=0)
    assert auc(predictions, unseen, "any") > 0.9


@pytest.mark.parametrize("track", ["colour", "grey"])
def test_every_track_can_be_learned(toy: Toy, track: str) -> None:
    unseen = toy(60, seed=1, split="test", track=track)
    network = train.local(toy(160, track=track), track=track, epochs=4, **SMALL)
    forest = train.classical(toy(160, track=track), track=track, n_trees=50, quiet=True)
    assert auc(network.predict(unseen.scans, n_timed=0), unseen, "blade") > 0.9
    assert auc(forest.predict(unseen.scans, n_timed=0), unseen, "blade") > 0.9


def test_the_same_arguments_give_the_same_weights_and_another_seed_does_not(toy: Toy) -> None:
    torch.manual_seed(11)
    first = train.local(toy(32), epochs=1, **SMALL)
    torch.manual_seed(12)
    again, other = train.local(toy(32), epochs=1, **SMALL), train.local(toy(32), epochs=1, seed=1, **SMALL)
    assert first.signature.weights_digest == again.signature.weights_digest != other.signature.weights_digest


def test_the_classical_baseline_repeats(toy: Toy) -> None:
    a, b = (train.classical(toy(40), n_trees=10, quiet=True) for _ in range(2))
    assert a.signature.weights_digest == b.signature.weights_digest != ""


def test_training_leaves_torchs_generator_alone(toy: Toy) -> None:
    torch.manual_seed(5)
    wanted = torch.rand(1)
    torch.manual_seed(5)
    train.local(toy(16), epochs=1, **SMALL)
    assert torch.rand(1) == wanted


def test_the_number_of_steps_is_epochs_times_views_over_batch(toy: Toy) -> None:
    data = prepared(toy(40))
    net = net_of(signature_for(toy(2)))
    assert len(train.fit(net, data, epochs=0.5, batch_size=10, device="cpu")) == 2
    assert len(train.fit(net, data, epochs=2, batch_size=16, device="cpu")) == 5


def test_an_epoch_shows_every_view_once() -> None:
    draws = list(_loop._draws(10, 4, 5, np.random.default_rng(0)))
    assert [len(rows) for rows in draws] == [4] * 5
    assert sorted(np.concatenate(draws)[:10]) == list(range(10))
    assert sorted(np.concatenate(draws)[10:]) == list(range(10))


def test_a_heavy_proximal_term_keeps_the_weights_where_they_were(toy: Toy) -> None:
    data = prepared(toy(32))

    def distance(proximal: float) -> float:
        net = net_of(signature_for(toy(2)))
        start = [p.detach().clone() for p in net.parameters()]
        train.fit(net, data, epochs=4, batch_size=16, learning_rate=1e-3, proximal=proximal, device="cpu")
        ends = (p.detach() for p in net.parameters())
        return sum(float(((p - q) ** 2).sum()) for p, q in zip(ends, start, strict=True))

    assert distance(100.0) < 0.5 * distance(0.0)


def test_training_goes_on_from_a_network(toy: Toy) -> None:
    first = train.local(toy(32), epochs=1, **SMALL)
    before = digest_of_weights(weights_of(first.net))
    second = train.local(toy(32), epochs=1, learning_rate=1e-12, init=first, **SMALL)
    for name, weight in weights_of(second.net).items():
        if "running" not in name and "num_batches" not in name:
            np.testing.assert_allclose(weight, weights_of(first.net)[name], atol=1e-6)
    assert second.signature.training["init"] == before
    assert digest_of_weights(weights_of(first.net)) == before  # the network it came from is not touched


def test_training_does_not_go_on_from_a_network_that_does_not_fit(toy: Toy) -> None:
    first = train.local(toy(16), epochs=1, **SMALL)
    with pytest.raises(BadValue, match="image_px is 64 there and 96 here"):
        train.local(toy(16), epochs=1, init=first, **{**SMALL, "image_px": 96})


def test_the_signature_says_what_the_network_learned_from(toy: Toy) -> None:
    network = train.local(toy(16), epochs=1, **SMALL)
    assert isinstance(network, TimmNet)
    assert network.signature.targets == ["any", "blade", "currency"]
    assert network.signature.training["corpora"] == {"mail-toy": "0" * 32}
    assert network.signature.training["n_items"] == 16
    assert network.signature.n_parameters == sum(p.numel() for p in network.net.parameters())


def test_labels_and_boxes_are_those_of_the_objects_table(toy: Toy) -> None:
    dataset = toy(8, size=(64, 32))
    data = prepared(dataset)
    assert data.labels[:, 0].sum() == 4
    assert data.labels[:, 1:].sum(0).tolist() == [2, 2]
    found = dataset.objects.iloc[0]
    row = dataset.scans.scan_ids.index(found["scan_id"])
    assert data.box_rows[0] == row
    wanted = [found["x0"] / 32, found["y0"] / 64, found["x1"] / 32, found["y1"] / 64]
    np.testing.assert_allclose(data.boxes[0], wanted, atol=1e-6)


def test_a_threat_the_model_is_not_asked_for_counts_for_any_alone(toy: Toy) -> None:
    dataset = toy(8)
    signature = make_signature(
        name="x", architecture="test_resnet", track="raw", threats=("blade",), full_scale=6e4, image_px=64
    )
    data = train.prepare(dataset, signature)
    assert data.labels.sum(0).tolist() == [4, 2]
    assert len(data.boxes) == 2


def test_views_of_one_scan_keep_their_own_labels_and_boxes(toy: Toy) -> None:
    dataset = toy(4)
    scans = dataset.scans
    table = scans.table.assign(n_views=2)
    doubled = replace(scans, table=table, read=lambda scan_id: scans.read(scan_id) * 2)
    data = prepared(replace(dataset, view_sets={"raw": doubled}))
    assert len(data) == 8 and data.n_items == 4
    assert data.labels[:, 0].sum() == 2  # the annotations name a view: the other one does not show the threat
    assert len(data.boxes) == 2


def test_the_boxes_move_with_the_pixels(toy: Toy) -> None:
    batch = batch_of(prepared(toy(60)))
    painted = torch.zeros_like(batch.shrunk)
    for row, box in zip(batch.rows.tolist(), batch.boxes, strict=True):
        x0, y0, x1, y1 = (box * 64).round().int().tolist()
        painted[row, 0, y0:y1, x0:x1] = 1.0
    moved = _loop._augmented(replace(batch, shrunk=painted), "raw", np.random.default_rng(0))
    for row, box in zip(moved.rows.tolist(), moved.boxes, strict=True):
        down, across = np.nonzero(moved.shrunk[row, 0].numpy() > 0.5)
        found = np.array([across.min(), down.min(), across.max() + 1, down.max() + 1])
        np.testing.assert_allclose(box.numpy() * 64, found, atol=0.51)  # painted on whole pixels


def test_cells_are_taught_where_the_box_is_and_unsure_around_it() -> None:
    batch = _loop._Batch(
        shrunk=torch.zeros(1, 2, 64, 64),
        labels=torch.tensor([[1.0, 0.0, 1.0]]),
        rows=torch.tensor([0]),
        threats=torch.tensor([1]),
        boxes=torch.tensor([[0.25, 0.0, 0.75, 0.5]]),  # columns 2 to 5 of 8, rows 0 to 3
    )
    truth = _loop.truth_of(batch, 8)
    assert (truth.cells[0, 0] == 0).all()
    assert (truth.cells[0, 1, 1:3, 3:5] == 1).all()
    assert (truth.cells[0, 1] == 1).sum() == 4
    assert truth.cells[0, 1, 0, 2] == _loop._UNSURE
    assert truth.cells[0, 1, 6, 6] == 0
    assert truth.is_core[0].sum() == 4
    torch.testing.assert_close(truth.edges[0, :, 1, 3], batch.boxes[0])


def test_a_box_smaller_than_a_cell_still_teaches_one() -> None:
    batch = _loop._Batch(
        torch.zeros(1, 2, 64, 64),
        torch.tensor([[1.0, 1.0]]),
        torch.tensor([0]),
        torch.tensor([0]),
        torch.tensor([[0.51, 0.51, 0.53, 0.53]]),
    )
    assert (_loop.truth_of(batch, 8).cells == 1).sum() == 1


def test_a_threat_without_a_box_teaches_the_item_and_no_cell(toy: Toy) -> None:
    dataset = toy(8)
    bare = dataset.objects.assign(x0=np.nan, y0=np.nan, x1=np.nan, y1=np.nan)
    data = prepared(replace(dataset, objects=bare))
    truth = _loop.truth_of(batch_of(data), 8)
    assert data.labels[:, 0].sum() == 4
    assert (truth.cells == 1).sum() == 0
    assert (truth.cells == _loop._UNSURE).sum() == 4 * 64
    network = train.local(replace(dataset, objects=bare), epochs=1, **SMALL)
    assert all(np.isfinite(weight).all() for weight in weights_of(network.net).values())


def test_perfect_boxes_cost_nothing_and_disjoint_ones_more_than_one() -> None:
    truth = _loop._Truth(
        cells=torch.ones(1, 1, 1, 1),
        edges=torch.tensor([0.2, 0.2, 0.4, 0.4]).reshape(1, 4, 1, 1),
        is_core=torch.ones(1, 1, 1, dtype=torch.bool),
    )
    same = torch.tensor([0.2, 0.2, 0.4, 0.4]).reshape(1, 4, 1, 1)
    apart = torch.tensor([0.6, 0.6, 0.8, 0.8]).reshape(1, 4, 1, 1)
    assert float(_loop._overlap_loss(same, truth)) == pytest.approx(0.0, abs=1e-6)
    # No overlap; hull 0.6 x 0.6, union 2 x 0.04: 1 + (0.36 - 0.08) / 0.36
    assert float(_loop._overlap_loss(apart, truth)) == pytest.approx(1 + 0.28 / 0.36, abs=1e-5)


def test_the_loss_of_a_network_that_knows_is_smaller() -> None:
    batch = _loop._Batch(
        torch.zeros(1, 2, 64, 64),
        torch.tensor([[1.0, 1.0]]),
        torch.tensor([0]),
        torch.tensor([0]),
        torch.tensor([[0.25, 0.25, 0.75, 0.75]]),
    )
    truth = _loop.truth_of(batch, 8)
    sides = torch.full((1, 4, 8, 8), 0.1)
    knows = Maps(torch.tensor([[5.0, 5.0]]), torch.where(truth.cells == 1, 5.0, -5.0), sides)
    blind = Maps(torch.tensor([[-5.0, -5.0]]), -knows.heat, sides)
    assert _loop._loss(knows, batch) < 0.2 * _loop._loss(blind, batch)


def test_sites_can_be_pooled(toy: Toy) -> None:
    parts = [prepared(toy(6)), prepared(toy(10, seed=1))]
    both = train.concatenated(parts)
    assert len(both) == 16
    assert both.box_rows.tolist() == [*parts[0].box_rows.tolist(), *(parts[1].box_rows + 6).tolist()]
    torch.testing.assert_close(both.shrunk[6:], parts[1].shrunk)


def test_the_loss_without_learning_leaves_the_network_as_it_was(toy: Toy) -> None:
    net = net_of(signature_for(toy(2)))
    before = digest_of_weights(weights_of(net))
    assert train.loss_of(net, prepared(toy(10)), batch_size=4, device="cpu") > 0
    assert digest_of_weights(weights_of(net)) == before


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"epochs": 0}, "epochs must be above 0"),
        ({"batch_size": 1}, "batch_size must be at least 2"),
        ({"learning_rate": -1.0}, "learning_rate must be above 0"),
        ({"schedule": "cosin"}, "one of cosine, constant"),
        ({"proximal": -1.0}, "proximal must not be below 0"),
        ({"device": "tpu"}, "No device"),
    ],
)
def test_options_that_cannot_be_used_are_refused(toy: Toy, wrong: dict[str, object], says: str) -> None:
    net = net_of(signature_for(toy(2)))
    with pytest.raises(BadParameter, match=says):
        train.fit(net, prepared(toy(4)), **wrong)


@pytest.mark.parametrize("door", [train.local, train.classical])
def test_a_dataset_without_its_train_split_is_refused(toy: Toy, door: Callable[..., object]) -> None:
    with pytest.raises(BadValue, match="without its train split"):
        door(toy(4, split="test"), quiet=True)


@pytest.mark.parametrize("door", [train.local, train.classical])
def test_a_track_the_dataset_does_not_have_is_refused(toy: Toy, door: Callable[..., object]) -> None:
    with pytest.raises(BadValue, match="no track 'colour'"):
        door(toy(4), track="colour", quiet=True)


@pytest.mark.gpu
def test_training_runs_on_a_gpu(toy: Toy) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no GPU")
    unseen = toy(60, seed=1, split="test")
    network = train.local(toy(160), epochs=5, **{**SMALL, "device": "cuda"})
    assert auc(network.predict(unseen.scans, n_timed=0), unseen, "any") > 0.9
