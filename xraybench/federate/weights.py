"""Weights of a network as plain arrays by name: what travels between sites, is averaged, and lies in a checkpoint.

On disk and on a wire they are safetensors, never pickle: reading them runs no code. Nothing here needs torch.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from xraybench.core.documents import write_bytes
from xraybench.core.errors import BadFile

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


def local_part(weights: Mapping[str, np.ndarray], batch_norm: str) -> Weights:
    """The tensors that a site keeps to itself under a BatchNorm rule: the mask of `aggregate`, as a function of names.

    A layer is a BatchNorm where a running mean stands beside its weight and bias.
    """
    if batch_norm == "average":
        return {}
    mine = running_statistics(weights)
    if batch_norm == "local":
        layers = {name.rpartition(".")[0] for name in mine}
        mine |= {n: w for n, w in weights.items() if n.rpartition(".")[0] in layers}
    return mine


def write_weights(path: Path, weights: Mapping[str, np.ndarray]) -> None:
    """Write one safetensors file atomically. Equal weights give equal bytes."""
    write_bytes(path, to_bytes(weights))


def to_bytes(weights: Mapping[str, np.ndarray]) -> bytes:
    """Weights as safetensors. Equal weights give equal bytes."""
    from safetensors.numpy import save

    return bytes(save({name: np.array(weights[name], order="C") for name in sorted(weights)}))


def from_bytes(content: bytes, *, source: str) -> Weights:
    """Weights from safetensors; no code of the sender runs.

    Raises:
        BadFile: `content` is no whole safetensors file, or holds types that numpy has not.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return dict(load(content))
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise BadFile(f"{source}: not a whole safetensors file ({error}).") from None
