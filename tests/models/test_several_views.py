"""Scans of several views: the highest score of the views, a box in the view that shows the threat, labels view by view."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from xraybench import train
from xraybench.core.types import TRACKS, Dataset, Predictions, ScanSet
from xraybench.models.timm_net import TimmNet, make_signature
from xraybench.train.targets import labels_of, threats_in_views


def in_two_views(dataset: Dataset, *, first: bool) -> Dataset:
    """Every scan with a second view that holds nothing; the old view comes first or last."""
    scans = dataset.scans

    def read(scan_id: str) -> tuple[np.ndarray, ...]:
        (seen,) = scans.read(scan_id)
        nothing = np.full_like(seen, 60_000)
        return (seen, nothing) if first else (nothing, seen)

    two = ScanSet(scans.table.assign(n_views=2), read, scans.track, scans.full_scale, scans.corpora)
    return replace(dataset, view_sets={scans.track: two}, objects=dataset.objects.assign(view=0 if first else 1))


def scores_of(predictions: Predictions) -> pd.Series:
    return predictions.kind("score").set_index(["scan_id", "target"])["score"].sort_index()


@pytest.mark.parametrize("first", [True, False])
def test_the_score_of_a_scan_is_that_of_its_most_suspicious_view(
    network: TimmNet, unseen: Dataset, first: bool
) -> None:
    nothing = ScanSet(
        unseen.scans.table.head(1),
        lambda _: (np.full((64, 48, 2), 60_000, np.uint16),),
        "raw",
        60_000.0,
        unseen.scans.corpora,
    )
    empty = scores_of(network.predict(nothing, n_timed=0)).groupby("target").first()
    alone = scores_of(network.predict(unseen.scans, n_timed=0))
    both = scores_of(network.predict(in_two_views(unseen, first=first).scans, n_timed=0))
    highest = np.maximum(alone, empty.reindex(alone.index.get_level_values("target")).to_numpy())
    np.testing.assert_allclose(both, highest, atol=2e-6)


def test_a_box_carries_the_view_that_shows_the_threat(network: TimmNet, unseen: Dataset) -> None:
    two = in_two_views(unseen, first=False)
    found = network.predict(two.scans, n_timed=0).kind("box").set_index("scan_id")
    held = unseen.objects["scan_id"]
    assert (found.loc[held, "view"] == 1).mean() > 0.9


def test_a_view_that_misses_the_threat_is_not_taught_as_one(toy: Callable[..., Dataset]) -> None:
    dataset = toy(20)
    signature = make_signature(
        name="n", architecture="test_resnet", track="raw", threats=dataset.threats, full_scale=60_000.0, image_px=32
    )
    two = train.prepare(in_two_views(dataset, first=False), signature)
    one = train.prepare(dataset, signature)
    assert len(two) == 2 * len(one)
    labels = two.labels.reshape(len(one), 2, -1)
    assert not labels[:, 0].any()
    np.testing.assert_array_equal(labels[:, 1], one.labels)
    assert set((two.box_rows % 2).tolist()) == {1}


def test_a_control_teaches_its_own_target_and_says_nothing_of_any(toy: Callable[..., Dataset]) -> None:
    targets = ("firearm", "shielding")
    assert labels_of({"firearm"}, targets) == [1.0, 1.0, 0.0]
    assert labels_of(set(), targets) == [0.0, 0.0, 0.0]
    assert labels_of({"shielding", "firearm"}, targets) == [1.0, 1.0, 1.0]
    alone = labels_of({"shielding"}, targets)
    assert np.isnan(alone[0]) and alone[1:] == [0.0, 1.0]
    dataset = toy(8)
    assert threats_in_views(dataset)[dataset.objects["scan_id"].iloc[0], 0] == {dataset.objects["threat"].iloc[0]}


def test_a_network_learns_a_control_beside_the_threats(toy: Callable[..., Dataset]) -> None:
    dataset = toy(160)
    renamed = dataset.objects.assign(threat=dataset.objects["threat"].replace("currency", "shielding"))
    mixed = replace(dataset, objects=renamed, threats=("blade", "shielding"))
    model = train.local(mixed, architecture="test_resnet", image_px=64, epochs=10, name="n", device="cpu", quiet=True)
    scores = scores_of(model.predict(mixed.scans, n_timed=0)).unstack()
    threat = renamed.set_index("scan_id")["threat"].reindex(scores.index).fillna("benign")
    means = scores.groupby(threat).mean()
    assert means.loc["shielding", "shielding"] > 0.5 > means.loc["benign", "shielding"]
    assert means.loc["blade", "any"] > 0.5


@pytest.mark.parametrize("track", ["grey", "slices", "scatter"])
def test_tracks_of_one_channel_are_learned_and_looked_at(toy: Callable[..., Dataset], track: str) -> None:
    dataset = toy(60, track="grey")
    scans = dataset.scans
    bright = ScanSet(
        scans.table,
        lambda scan_id: tuple((255 - view.astype(np.uint16)) for view in scans.read(scan_id)),
        track,
        255.0,
        scans.corpora,
    )
    shown = dataset if track == "grey" else replace(dataset, view_sets={track: bright})
    assert shown.scans.channels == TRACKS[track]
    for model in (
        train.local(shown, architecture="test_resnet", track=track, image_px=64, epochs=4, device="cpu", quiet=True),
        train.classical(shown, track=track, n_trees=30, image_px=64, quiet=True),
    ):
        scores = scores_of(model.predict(shown.scans, n_timed=0)).unstack()["any"]
        is_threat = scores.index.isin(shown.objects["scan_id"])
        assert scores[is_threat].mean() > scores[~is_threat].mean()
