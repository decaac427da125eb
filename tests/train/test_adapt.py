"""AdaBN: the statistics of another scanner's scans, taken without a label, and nothing else changed."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from xraybench import train
from xraybench.core.errors import BadValue
from xraybench.core.types import Dataset
from xraybench.models.timm_net import TimmNet, make_signature, net_of, sealed, weights_of
from xraybench.train.adapt import take_statistics


@pytest.fixture(scope="module")
def model() -> TimmNet:
    """An untrained network with running statistics of mean 0 and variance 1."""
    signature = make_signature(
        name="toy", architecture="test_resnet", track="raw", threats=("firearm",), full_scale=60_000, image_px=32
    )
    net = net_of(signature, seed=1)
    return TimmNet(sealed(signature, net), net, device="cpu")


@pytest.fixture(scope="module")
def shrunk() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).normal(0.7, 0.2, (64, 2, 32, 32))).half()


def test_the_first_norm_sees_its_input_at_mean_zero_and_variance_one(model: TimmNet, shrunk: torch.Tensor) -> None:
    net = net_of(model.signature, seed=1)
    norm = next(module for module in net.modules() if isinstance(module, torch.nn.BatchNorm2d))
    seen: list[torch.Tensor] = []
    norm.register_forward_pre_hook(lambda module, given: seen.append(given[0].detach()))
    take_statistics(net, shrunk)
    batches = torch.stack([part.mean((0, 2, 3)) for part in seen])
    assert norm.running_mean is not None
    assert norm.running_var is not None
    assert torch.allclose(norm.running_mean, batches.mean(0), atol=1e-6)
    variances = torch.stack([part.var((0, 2, 3)) for part in seen])
    assert torch.allclose(norm.running_var, variances.mean(0), rtol=1e-4)
    assert not net.training
    assert norm.momentum == 0.1


def test_no_learned_weight_moves_and_the_given_model_is_left_alone(model: TimmNet, shrunk: torch.Tensor) -> None:
    before = weights_of(model.net)
    net = net_of(model.signature, seed=1)
    take_statistics(net, shrunk)
    after = weights_of(net)
    changed = {name for name in before if not np.array_equal(before[name], after[name])}
    assert changed == {name for name in before if "running_" in name or name.endswith("num_batches_tracked")}


def test_a_network_without_running_statistics_is_refused(shrunk: torch.Tensor) -> None:
    with pytest.raises(BadValue, match="nothing to take anew"):
        take_statistics(torch.nn.Sequential(torch.nn.Conv2d(2, 2, 1)), shrunk)  # type: ignore[arg-type]


def test_an_adapted_model_says_to_what_and_needs_no_label(model: TimmNet, toy: Callable[..., Dataset]) -> None:
    scans = toy(6).scans
    adapted = train.adapted(model, scans)
    assert adapted.name == "toy-adabn"
    assert adapted.signature.training["adapted_to"] == scans.corpora
    assert adapted.signature.training["n_adapted"] == len(scans)
    assert adapted.signature.weights_digest != model.signature.weights_digest
    assert set(adapted.predict(scans).kind("scan")["status"]) == {"ok"}


def test_scans_of_another_track_or_too_few_are_refused(model: TimmNet, toy: Callable[..., Dataset]) -> None:
    scans = toy(6).scans
    with pytest.raises(BadValue, match="on colour"):
        train.adapted(model, replace(scans, track="colour"))
    with pytest.raises(BadValue, match="1 views are too few"):
        train.adapted(model, scans.subset(set(scans.scan_ids[:1])))
