"""The steps of a training with differential privacy; see `private`, which says what it is and what it costs."""

from __future__ import annotations

import secrets
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from xraybench.core.errors import BadParameter
from xraybench.core.optional import need
from xraybench.core.progress import track
from xraybench.models._net import device_of

if TYPE_CHECKING:
    from xraybench.models._net import ThreatNet
    from xraybench.train._loop import PreparedData
    from xraybench.train.private import PrivateFit


def fit(
    net: ThreatNet,
    data: PreparedData,
    plan: PrivateFit,
    *,
    max_gradient: float,
    learning_rate: float,
    frozen: tuple[str, ...],
    device: str,
    n_threads: int,
    quiet: bool,
) -> PrivateFit:
    """Train in place, by plan. Arguments as `private.fit_private`."""
    grad_sample = need("opacus.grad_sample", extra="privacy", why="training with differential privacy")
    optimizers = need("opacus.optimizers", extra="privacy", why="training with differential privacy")
    place = device_of(device)
    chance = np.random.default_rng(secrets.randbits(128))
    threads = torch.get_num_threads()
    torch.set_num_threads(n_threads)
    held = _hold(net.to(place), ("sides", *frozen))
    module = grad_sample.GradSampleModule(net, strict=False)
    generator = torch.Generator(device=place)
    generator.manual_seed(secrets.randbits(63))
    learned = [p for p in net.parameters() if p.requires_grad]
    optimiser: Any = optimizers.DPOptimizer(
        torch.optim.Adam(learned, lr=learning_rate),
        noise_multiplier=plan.noise,
        max_grad_norm=max_gradient,
        expected_batch_size=max(1, round(plan.sample_rate * len(data))),
        generator=generator,
    )
    losses = []
    try:
        for _ in track(range(plan.n_steps), "private training", total=plan.n_steps, quiet=quiet):
            rows = torch.from_numpy(np.flatnonzero(chance.random(len(data)) < plan.sample_rate))
            losses.append(_step(net, optimiser, data, rows, place))
    except RuntimeError as error:
        if "in-place" not in str(error) and "inplace" not in str(error):
            raise
        raise BadParameter(
            f"opacus cannot take {net.architecture if hasattr(net, 'architecture') else 'this network'}: it changes values "
            "in place. test_resnet and mobilenetv3_small_050 work."
        ) from None
    finally:
        module.to_standard_module()
        for parameter in held:
            parameter.requires_grad_(True)
        for parameter in net.parameters():
            parameter.grad = None
        net.eval()
        torch.set_num_threads(threads)
    most = max(np.unique(np.asarray(data.item_ids), return_counts=True)[1])
    return replace(plan, losses=tuple(losses), n_views_of_an_item=int(most))


def _hold(net: ThreatNet, parts: tuple[str, ...]) -> list[nn.Parameter]:
    """Keep norms and the named parts as they are, and switch off activations in place; the parameters that were held."""
    held = []
    net.train()
    for name, part in net.named_modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            part.eval()
        if isinstance(part, nn.modules.batchnorm._BatchNorm) or name.startswith(parts):
            held += [p for p in part.parameters(recurse=False) if p.requires_grad]
        if hasattr(part, "inplace"):
            part.inplace = False
    for parameter in held:
        parameter.requires_grad_(False)
    return held


def _step(net: ThreatNet, optimiser: Any, data: PreparedData, rows: torch.Tensor, device: torch.device) -> float:
    """One step; the mean loss of its views, NaN where none was drawn. Noise is added in every step, drawn or not."""
    optimiser.zero_grad(set_to_none=True)
    if not len(rows):  # an empty draw is a step too: skipping it would tell that it was empty
        rows = torch.zeros(1, dtype=torch.int64)
        weight = 0.0
    else:
        weight = 1.0
    labels = data.labels[rows].to(device)
    is_known = labels.isfinite()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Full backward hook is firing")
        logits = net.maps(data.shrunk[rows].to(device).float()).items
        wrong = functional.binary_cross_entropy_with_logits(logits, labels.nan_to_num(), reduction="none")
        loss = ((wrong * is_known).sum(1) / is_known.sum(1).clamp(min=1)).mean()
        (weight * loss).backward()
    optimiser.step()
    return float(loss.detach()) if weight else float("nan")
