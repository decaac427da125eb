"""Training with differential privacy: every view's pull on the weights is bounded, and noise hides what is left of it.

Opacus gives the gradient of each view and the accounting. What it costs here: batch statistics mix views, so the norms of
the network stay as they are in the weights that it starts from, and only whole items are learned, not boxes. It is
therefore a training that goes on from a network that was trained on simulated or public scans.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xraybench.core.errors import BadParameter
from xraybench.core.optional import need

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
    from xraybench.train import _private

    return _private.fit(
        net,
        data,
        planned(len(data), epochs=epochs, batch_size=batch_size, noise=noise),
        max_gradient=max_gradient,
        learning_rate=learning_rate,
        frozen=tuple(frozen),
        device=device,
        n_threads=n_threads,
        quiet=quiet,
    )


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
