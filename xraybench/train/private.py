"""Training with differential privacy: every view's pull on the weights is bounded, and noise hides what is left of it.

Opacus gives the gradient of each view and the accounting. What it costs here: batch statistics mix views, so the norms of
the network stay as they are in the weights that it starts from, and only whole items are learned, not boxes. It is
therefore a training that goes on from a network that was trained on simulated or public scans.
"""

from __future__ import annotations

import secrets
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
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

DELTA = 1e-5


@dataclass(frozen=True, slots=True)
class PrivateFit:
    """What a private training did and what it cost."""

    losses: tuple[float, ...]  # of every step
    n_steps: int
    sample_rate: float  # chance of a view to be in a step
    noise: float  # as a multiple of the longest gradient that a view may have
    n_views_of_an_item: (
        int  # most views of one item: the promise holds for a view, and so many times weaker for an item
    )

    def epsilon(self, *, delta: float = DELTA, rounds: int = 1) -> float:
        """Epsilon for one view after so many such trainings."""
        return epsilon_of([self] * rounds, delta=delta)


def epsilon_of(fits: Sequence[PrivateFit], *, delta: float = DELTA) -> float:
    """Epsilon for one view after several trainings on the same scans.

    Source:
        Rényi differential privacy of the sampled Gaussian mechanism: Mironov, Talwar & Zhang 2019; opacus' RDPAccountant.
    """
    accountants = need("opacus.accountants", extra="privacy", why="accounting for private training")
    accountant = accountants.RDPAccountant()
    accountant.history = [(one.noise, one.sample_rate, one.n_steps) for one in fits]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # says that the best order lies at an end of the orders tried
        return float(accountant.get_epsilon(delta=delta))


def planned(n: int, *, epochs: float, batch_size: int, noise: float) -> PrivateFit:
    """A training on n views before it runs: what it will cost."""
    rate = min(1.0, batch_size / n)
    return PrivateFit((), max(1, round(epochs / rate)), rate, noise, 1)


def fit_private(
    net: ThreatNet,
    data: PreparedData,
    *,
    noise: float,
    max_gradient: float = 1.0,
    epochs: float = 1.0,
    batch_size: int = 64,
    learning_rate: float = 1e-3,
    frozen: Sequence[str] = (),
    device: str = "auto",
    n_threads: int = 1,
    quiet: bool = True,
) -> PrivateFit:
    """Train a network in place. Sampling and noise come from the system's randomness: the same call never gives the same.

    Args:
        net: Goes on from its weights; its norms and the part that points to boxes stay as they are.
        noise: Standard deviation of the noise, as a multiple of `max_gradient`; above 0.
        max_gradient: Length to which the gradient of each view is cut.
        epochs: Passes over the data, on average.
        batch_size: Views a step, on average: each view is in a step by chance.
        frozen: Parts of the network that stay as they are, by name, beside those above.

    Raises:
        MissingExtra: opacus is not installed.
        BadParameter: An option is out of range, or opacus cannot take this network; the sentence says why.
    """
    if faults := _faults(data, noise, max_gradient, epochs, batch_size, learning_rate):
        raise BadParameter("private training cannot start: " + "; ".join(faults))
    grad_sample = need("opacus.grad_sample", extra="privacy", why="training with differential privacy")
    optimizers = need("opacus.optimizers", extra="privacy", why="training with differential privacy")
    place = device_of(device)
    plan = planned(len(data), epochs=epochs, batch_size=batch_size, noise=noise)
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
        noise_multiplier=noise,
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


def _faults(
    data: PreparedData, noise: float, max_gradient: float, epochs: float, batch_size: int, learning_rate: float
) -> list[str]:
    faults = [f"{name} must be above 0, got {value:g}" for name, value in (
        ("noise", noise), ("max_gradient", max_gradient), ("epochs", epochs), ("learning_rate", learning_rate),
    ) if not value > 0]  # fmt: skip
    if batch_size < 1:
        faults.append(f"batch_size must be at least 1, got {batch_size}")
    if len(data) < 2:
        faults.append(f"there are {len(data)} views to learn from, at least 2 are needed")
    return faults


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
