"""FedAvg against numbers worked by hand, the rule of BatchNorm, and what is turned away."""

import numpy as np
import pytest

from xraybench.core.documents import FederatedUpdate
from xraybench.core.errors import BadValue
from xraybench.federate.aggregate import (
    SiteUpdate,
    fedavg,
    kept_statistics,
    update_faults,
    weight_faults,
    weights_for_site,
)
from xraybench.federate.weights import Weights
from xraybench.models.timm_net import digest_of_weights


def weights(value: float, *, batches: int = 1) -> Weights:
    """A network of one layer with BatchNorm behind it."""
    return {
        "conv.weight": np.full((2, 3), value, dtype=np.float32),
        "bn.weight": np.full(2, value + 1, dtype=np.float32),
        "bn.running_mean": np.full(2, value + 2, dtype=np.float32),
        "bn.running_var": np.full(2, value + 3, dtype=np.float32),
        "bn.num_batches_tracked": np.array(batches, dtype=np.int64),
    }


def update(site: str = "north", *, of: Weights | None = None, **changed: object) -> SiteUpdate:
    content = weights(1.0) if of is None else of
    fields = {
        "job": "j",
        "round": 1,
        "site": site,
        "n_items": 4,
        "loss": 0.5,
        "start": "s",
        "data": "d",
        "weights_digest": digest_of_weights(content),
    }
    return SiteUpdate(FederatedUpdate.model_validate(fields | changed), content)


def faults(candidate: SiteUpdate) -> list[str]:
    return update_faults(
        candidate, job="j", round_index=1, site="north", n_items=4, sent=weights(0.0), start="s", data="d"
    )


def test_the_mean_is_weighted_by_items() -> None:
    mean = fedavg({"a": weights(1.0), "b": weights(5.0)}, {"a": 3, "b": 1})
    assert mean["conv.weight"] == pytest.approx(2.0)  # (3 x 1 + 1 x 5) / 4
    assert mean["bn.running_var"] == pytest.approx(5.0)


def test_the_mean_agrees_with_numpy_average() -> None:
    rng = np.random.default_rng(0)
    updates = {site: {"w": rng.normal(size=(4, 5)).astype(np.float32)} for site in "abc"}
    counts = {"a": 7, "b": 100, "c": 31}
    judge = np.average([updates[s]["w"].astype(np.float64) for s in "abc"], axis=0, weights=[7, 100, 31])
    assert fedavg(updates, counts)["w"] == pytest.approx(judge.astype(np.float32), abs=1e-7)


def test_the_order_of_arrival_does_not_show() -> None:
    rng = np.random.default_rng(1)
    updates = {site: {"w": rng.normal(size=999).astype(np.float32)} for site in "abcde"}
    counts = {site: index + 1 for index, site in enumerate("abcde")}
    reversed_updates = {site: updates[site] for site in "edcba"}
    assert np.array_equal(fedavg(updates, counts)["w"], fedavg(reversed_updates, counts)["w"])


def test_one_site_comes_back_bit_for_bit() -> None:
    alone = {"w": np.random.default_rng(2).normal(size=10_000).astype(np.float32)}
    assert np.array_equal(fedavg({"a": alone}, {"a": 12_345})["w"], alone["w"])


def test_a_constant_that_all_sites_share_stays_exact() -> None:
    mean = fedavg({s: {"scale": np.array([0.1], dtype=np.float32)} for s in "abc"}, {"a": 3, "b": 7, "c": 11})
    assert mean["scale"][0] == np.float32(0.1)


def test_counters_of_batches_are_never_averaged() -> None:
    mean = fedavg({"a": weights(1.0, batches=10), "b": weights(1.0, batches=3)}, {"a": 1, "b": 9})
    assert mean["bn.num_batches_tracked"] == 10
    assert mean["bn.num_batches_tracked"].dtype == np.int64
    assert mean["bn.num_batches_tracked"].shape == ()


def test_types_survive_the_mean() -> None:
    mean = fedavg(
        {"a": {"w": np.ones(2, dtype=np.float16)}, "b": {"w": np.zeros(2, dtype=np.float16)}}, {"a": 1, "b": 1}
    )
    assert mean["w"].dtype == np.float16


def test_nothing_to_average_is_refused() -> None:
    with pytest.raises(BadValue, match="no update"):
        fedavg({}, {})


@pytest.mark.parametrize("count", [{}, {"a": 0}, {"a": -3}])
def test_a_site_without_items_has_no_weight(count: dict[str, int]) -> None:
    with pytest.raises(BadValue, match="Site a"):
        fedavg({"a": weights(1.0)}, count)


def test_nan_is_refused_with_the_tensor_it_stands_in() -> None:
    bad = weights(1.0)
    bad["conv.weight"][0, 0] = np.nan
    with pytest.raises(BadValue, match=r"site b .*NaN or infinity in tensor conv\.weight"):
        fedavg({"a": weights(1.0), "b": bad}, {"a": 1, "b": 1})


def test_all_faults_of_an_update_are_told_at_once() -> None:
    bad = weights(1.0)
    bad["bn.weight"] = np.zeros(3, dtype=np.float32)
    bad["extra"] = np.zeros(1, dtype=np.float32)
    bad["conv.weight"][0, 0] = np.inf
    del bad["bn.running_mean"]
    told = "; ".join(weight_faults(bad, like=weights(0.0)))
    assert "lacks tensor bn.running_mean" in told
    assert "unknown tensor extra" in told
    assert "bn.weight is float32 (3,), not float32 (2,)" in told
    assert "infinity in tensor conv.weight" in told


def test_a_good_update_has_no_fault() -> None:
    assert faults(update()) == []


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"job": "other"}, "job is other, not j"),
        ({"round": 2}, "round is 2, not 1"),
        ({"site": "south"}, "site is south, not north"),
        ({"n_items": 4000}, "n_items is 4000, not 4"),  # a site may not raise its weight on the way
        ({"loss": float("nan")}, "loss is nan"),
        ({"start": "t"}, "trained from the weights t, not from s"),
        ({"data": "e"}, "other data than the site named when it joined"),
        ({"weights_digest": "0"}, "another digest"),
    ],
)
def test_an_update_of_something_else_is_turned_away(changed: dict[str, object], told: str) -> None:
    assert told in "; ".join(faults(update(**changed)))


def test_under_local_statistics_a_site_goes_on_with_its_own_and_shares_the_rest() -> None:
    after = fedavg({"a": weights(0.0), "b": weights(10.0)}, {"a": 1, "b": 1})
    start = weights_for_site(
        after, batch_norm="local_statistics", kept=kept_statistics(weights(10.0), batch_norm="local_statistics")
    )
    assert start["conv.weight"] == pytest.approx(5.0)
    assert start["bn.weight"] == pytest.approx(6.0)  # affine parameters are shared
    assert start["bn.running_mean"] == pytest.approx(12.0)
    assert start["bn.running_var"] == pytest.approx(13.0)


def test_under_average_a_site_keeps_nothing() -> None:
    kept = kept_statistics(weights(10.0), batch_norm="average")
    assert kept == {}
    assert weights_for_site(weights(5.0), batch_norm="average", kept=kept)["bn.running_mean"] == pytest.approx(7.0)
