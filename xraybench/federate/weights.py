"""Weights of a network as plain arrays by name: what travels between sites, is averaged, and lies in a checkpoint.

On disk and on a wire they are safetensors, never pickle: reading them runs no code. Nothing here needs torch.
"""

from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xraybench.core import digest
from xraybench.core.documents import write_bytes
from xraybench.core.errors import BadFile

Weights = dict[str, NDArray[np.generic]]

_RUNNING = ("running_mean", "running_var", "num_batches_tracked")


def is_running_statistic(name: str) -> bool:
    """Whether a tensor of this name is a running statistic of BatchNorm: seen in the data, not learned by gradient."""
    return name.rpartition(".")[2] in _RUNNING


def is_counter(name: str) -> bool:
    """Whether a tensor of this name counts the batches a BatchNorm layer has seen."""
    return name.rpartition(".")[2] == "num_batches_tracked"


def running_statistics(weights: Mapping[str, NDArray[np.generic]]) -> Weights:
    """The running statistics of BatchNorm among these weights; empty for a network without BatchNorm."""
    return {name: value for name, value in weights.items() if is_running_statistic(name)}


def digest_of(weights: Mapping[str, NDArray[np.generic]]) -> str:
    """Digest of names, types, shapes and bytes, whatever the order of the names."""
    state = blake2b(digest_size=digest.DIGEST_BYTES)
    for name in sorted(weights):
        array = np.ascontiguousarray(weights[name])
        state.update(f"\x1e{name}\x1f{array.dtype.str}\x1f{weights[name].shape}\x1f".encode())
        state.update(array.tobytes())
    return state.hexdigest()


def write_weights(path: Path, weights: Mapping[str, NDArray[np.generic]]) -> None:
    """Write one safetensors file atomically. Equal weights give equal bytes."""
    from safetensors.numpy import save

    ordered = {name: np.array(weights[name], order="C") for name in sorted(weights)}
    write_bytes(path, save(ordered))


def read_weights(path: Path) -> Weights:
    """Read one safetensors file.

    Raises:
        BadFile: The file is missing, truncated or not safetensors.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return dict(load(path.read_bytes()))
    except FileNotFoundError:
        raise BadFile(f"{path}: there is no such file.") from None
    except SafetensorError as error:
        raise BadFile(f"{path}: truncated, or not a safetensors file ({error}).") from None
