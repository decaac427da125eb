"""Weights of a network as plain arrays by name: what travels between sites, is averaged, and lies in a checkpoint.

On disk and on a wire they are safetensors, never pickle: reading them runs no code. Nothing here needs torch.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from xraybench.core.documents import write_bytes

Weights = dict[str, np.ndarray]

_RUNNING = ("running_mean", "running_var", "num_batches_tracked")


def is_counter(name: str) -> bool:
    """Whether a tensor of this name counts the batches a BatchNorm layer has seen."""
    return name.rpartition(".")[2] == "num_batches_tracked"


def running_statistics(weights: Mapping[str, np.ndarray]) -> Weights:
    """The running statistics of BatchNorm among these weights: seen in the data, not learned by gradient.

    Empty for a network without BatchNorm.
    """
    return {name: value for name, value in weights.items() if name.rpartition(".")[2] in _RUNNING}


def write_weights(path: Path, weights: Mapping[str, np.ndarray]) -> None:
    """Write one safetensors file atomically. Equal weights give equal bytes."""
    from safetensors.numpy import save

    write_bytes(path, save({name: np.array(weights[name], order="C") for name in sorted(weights)}))
