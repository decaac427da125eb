"""A network on a scanner it has never seen: its weights stay, the running statistics of its norms are taken anew.

BatchNorm remembers how the scans that it was trained on were spread. Another scanner spreads them otherwise, and a
network whose statistics are not its own judges worse than it could. The statistics can be taken anew from scans of the new
scanner, without a label: any scans that pass by will do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xraybench.core.errors import BadValue
from xraybench.core.types import ScanSet
from xraybench.models.timm_net import TimmNet, net_of, sealed, set_weights, weights_of

if TYPE_CHECKING:
    from torch import Tensor

    from xraybench.models._net import ThreatNet

_BATCH = 32


def adapted(model: TimmNet, scans: ScanSet, *, name: str | None = None) -> TimmNet:
    """The model with the running statistics of these scans; no label is looked at, no weight moves.

    Args:
        model: A network with BatchNorm.
        scans: Of the new scanner, on the model's track. A few hundred are enough.
        name: Of the new model; by default the old name and `-adabn`.

    Raises:
        BadValue: Fewer than two views, another track, or a network without running statistics.

    Source:
        AdaBN: Li et al., Adaptive Batch Normalization for practical domain adaptation, Pattern Recognition 80 (2018).
    """
    import torch

    if scans.track != model.signature.track:
        raise BadValue(f"{model.name} looks at the {model.signature.track} track, the scans are on {scans.track}.")
    net = net_of(model.signature)
    set_weights(net, weights_of(model.net))
    scale = model.signature.full_scale / scans.full_scale
    shrunk = []
    with torch.no_grad():
        for scan in scans:
            for view in scan.views:
                counts = torch.from_numpy(np.moveaxis(view, 2, 0).astype(np.float32)[None])
                shrunk.append(net.preprocess.shrink(counts * scale).half())
    if len(shrunk) < 2:
        raise BadValue(f"{len(shrunk)} views are too few to take statistics of; at least 2 are needed.")
    take_statistics(net, torch.cat(shrunk))
    training = {**model.signature.training, "adapted_to": dict(scans.corpora), "n_adapted": len(scans)}
    signature = model.signature.model_copy(update={"name": name or f"{model.name}-adabn", "training": training})
    return TimmNet(sealed(signature, net), net, model.device, model.n_threads)


def take_statistics(net: ThreatNet, shrunk: Tensor) -> None:
    """Replace the running statistics of a network by those of shrunk views (n, channel, px, px), in place.

    Batches count alike, and views that are left over from whole batches are left out: a batch of one has no variance.

    Raises:
        BadValue: The network has no running statistics.
    """
    import torch

    norms = [module for module in net.modules() if isinstance(module, torch.nn.modules.batchnorm._BatchNorm)]
    if not any(norm.track_running_stats for norm in norms):
        raise BadValue("The network has no BatchNorm with running statistics, so there is nothing to take anew.")
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # torch then averages over all batches
    net.train()
    size = min(_BATCH, len(shrunk))
    with torch.no_grad():
        for start in range(0, len(shrunk) - size + 1, size):
            net.maps(shrunk[start : start + size].float())
    net.eval()
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
