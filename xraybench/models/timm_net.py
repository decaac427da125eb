"""The adapter timm_net: a network of ours on a timm backbone, stored as safetensors and a signature."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xraybench.core import digest, documents
from xraybench.core.chance import seed_of
from xraybench.core.documents import ModelSignature
from xraybench.core.errors import BadFile, BadParameter
from xraybench.core.registry import did_you_mean
from xraybench.core.types import TRACKS, Float32Array, Predictions, ScanSet
from xraybench.core.vocabulary import ANY, CONTROLS
from xraybench.models.looking import N_TIMED, Seen, look

if TYPE_CHECKING:
    from xraybench.models._net import ThreatNet

ADAPTER = "timm_net"
WEIGHTS_FILE = "weights.safetensors"
SIGNATURE_FILE = "signature.json"
DEFAULT_ARCHITECTURE = "mobilenetv3_small_050"


def build_net(
    *,
    architecture: str,
    track: str,
    threats: tuple[str, ...],
    full_scale: float,
    image_px: int,
    seed: int,
    pretrained: str = "none",
) -> ThreatNet:
    """A network before training; the same arguments give the same weights.

    Args:
        architecture: Name of a convolutional timm model.
        track: raw, colour or grey.
        threats: In the order of the score outputs, after `any`; controls last.
        full_scale: Count of the open beam (raw), or 255.
        image_px: Views are resized to this height and width inside the network; a multiple of 32.
        seed: Of the initial weights. Torch's global generator is neither read nor moved.
        pretrained: "none", or "lite0-package" (extra `weights`) for efficientnet_lite0. Nothing is ever downloaded.

    Raises:
        UnknownName: timm has no such model.
        BadParameter: The architecture, track, size or provider cannot be used.
        MissingExtra: The package of the pretrained weights is not installed.
    """
    from xraybench.models._net import make_net

    check_inputs(track=track, threats=threats, full_scale=full_scale)
    return make_net(
        architecture=architecture,
        track=track,
        n_threats=len(threats),
        n_controls=sum(threat in CONTROLS for threat in threats),
        full_scale=full_scale,
        image_px=image_px,
        seed=seed_of(seed, "weights", architecture) % 2**63,
        pretrained=pretrained,
    )


def check_inputs(*, track: str, threats: tuple[str, ...], full_scale: float) -> None:
    """Raise BadParameter unless a model can be built for this track and these threats."""
    if track not in TRACKS:
        raise BadParameter(f"No track is called '{track}'. {did_you_mean(track, list(TRACKS))}")
    if not threats or ANY in threats or len(set(threats)) != len(threats):
        raise BadParameter(f"threats must be distinct names without '{ANY}', at least one; got {list(threats)}.")
    if any(early in CONTROLS and late not in CONTROLS for early, late in pairwise(threats)):
        raise BadParameter(f"threats must name the controls ({', '.join(CONTROLS)}) last; got {list(threats)}.")
    if not full_scale > 0:
        raise BadParameter(f"full_scale must be above 0, got {full_scale:g}.")


def make_signature(
    *,
    name: str,
    architecture: str,
    track: str,
    threats: tuple[str, ...],
    full_scale: float,
    image_px: int,
    adapter: str = ADAPTER,
    training: dict[str, Any] | None = None,
) -> ModelSignature:
    """What goes in and comes out of a model that is about to be trained; sizes and digests are filled when it is."""
    return ModelSignature(
        name=name,
        adapter=adapter,
        track=track,
        channels=list(TRACKS[track]),
        full_scale=full_scale,
        image_px=image_px,
        targets=[ANY, *threats],
        n_parameters=0,
        architecture=architecture,
        training=training or {},
    )


def net_of(signature: ModelSignature, *, seed: int = 0, pretrained: str = "none") -> ThreatNet:
    """The untrained network that a signature describes."""
    return build_net(
        architecture=signature.architecture,
        track=signature.track,
        threats=tuple(signature.targets[1:]),
        full_scale=signature.full_scale,
        image_px=signature.image_px,
        seed=seed,
        pretrained=pretrained,
    )


def weights_of(net: ThreatNet) -> dict[str, np.ndarray]:
    """Every parameter and buffer by name, as arrays of their own."""
    from xraybench.models import _net

    return _net.weights_of(net)


def set_weights(net: ThreatNet, weights: dict[str, np.ndarray]) -> None:
    """Put weights back.

    Raises:
        ValueError: Names or shapes do not fit; all faults are named.
    """
    from xraybench.models import _net

    _net.set_weights(net, weights)


def digest_of_weights(weights: dict[str, np.ndarray]) -> str:
    """Digest of names, types, shapes and bytes, in the order of names."""
    return digest.of_json(
        [[k, str(w.dtype), list(w.shape), digest.of_bytes(w.tobytes())] for k, w in sorted(weights.items())]
    )


@dataclass(frozen=True)
class TimmNet:
    """A trained network and its signature. `device` is auto, cpu or cuda; `n_threads` of torch while it predicts."""

    signature: ModelSignature
    net: ThreatNet = field(repr=False)
    device: str = "auto"
    n_threads: int = 1

    @property
    def name(self) -> str:
        return self.signature.name

    def predict(self, scans: ScanSet, *, n_timed: int = N_TIMED, quiet: bool = True) -> Predictions:
        """Look at every scan; see `looking.look` for the rows and for what the latency is.

        Scores are probabilities of the network (sigmoid), not calibrated.
        """
        import torch

        from xraybench.models import _net

        device = _net.device_of(self.device)
        net = self.net.to(device).eval()
        threads = torch.get_num_threads()
        torch.set_num_threads(self.n_threads)
        try:
            return look(
                scans,
                lambda views: Seen(*_net.see(net, views, device)),
                model=self.name,
                track_name=self.signature.track,
                full_scale=self.signature.full_scale,
                targets=self.signature.targets,
                n_timed=n_timed,
                quiet=quiet,
            )
        finally:
            torch.set_num_threads(threads)

    def see(self, views: Float32Array) -> Seen:
        """Scores and boxes of a batch of views (n, channel, height, width), counts, on the CPU."""
        from xraybench.models import _net

        device = _net.device_of("cpu")
        return Seen(*_net.see(self.net.to(device).eval(), views, device))

    def renamed(self, name: str) -> TimmNet:
        """The same network under another name."""
        return TimmNet(self.signature.model_copy(update={"name": name}), self.net, self.device, self.n_threads)

    def save(self, folder: Path) -> Path:
        """Write weights and signature; the signature last, so that a folder with one is whole."""
        from safetensors.numpy import save

        signature = sealed(self.signature, self.net)
        documents.write_bytes(folder / WEIGHTS_FILE, save(weights_of(self.net)))
        documents.write_document(folder / SIGNATURE_FILE, signature)
        return folder


def sealed(signature: ModelSignature, net: ThreatNet) -> ModelSignature:
    """The signature with the size and digest of the network's weights."""
    n_parameters = sum(p.numel() for p in net.parameters())
    return signature.model_copy(
        update={"n_parameters": n_parameters, "weights_digest": digest_of_weights(weights_of(net))}
    )


def load_timm_net(folder: Path, *, device: str = "auto") -> TimmNet:
    """Read a network that `TimmNet.save` wrote.

    Raises:
        BadFile: A file is missing, truncated, or does not fit the other.
    """
    signature = read_signature(folder, adapter=ADAPTER)
    weights = read_weights(folder / WEIGHTS_FILE)
    if digest_of_weights(weights) != signature.weights_digest:
        raise BadFile(f"{folder / WEIGHTS_FILE}: not the weights that {SIGNATURE_FILE} beside it was written for.")
    net = net_of(signature)
    try:
        set_weights(net, weights)
    except ValueError as error:
        raise BadFile(f"{folder / WEIGHTS_FILE}: does not fit {signature.architecture}: {error}") from None
    return TimmNet(signature, net, device=device)


def read_signature(folder: Path, *, adapter: str) -> ModelSignature:
    """The signature in a model folder, checked to be for this adapter."""
    if not folder.is_dir():
        raise BadFile(f"{folder}: there is no such folder. A {adapter} model is a folder with a {SIGNATURE_FILE}.")
    signature = documents.read_document(folder / SIGNATURE_FILE, ModelSignature)
    faults = []
    if signature.adapter != adapter:
        faults.append(f"adapter: it is a model for '{signature.adapter}', not for '{adapter}'")
    if signature.track not in TRACKS:
        faults.append(f"track: no track is called '{signature.track}'. {did_you_mean(signature.track, list(TRACKS))}")
    elif tuple(signature.channels) != TRACKS[signature.track]:
        faults.append(f"channels: the {signature.track} track has {', '.join(TRACKS[signature.track])}")
    if signature.targets[:1] != [ANY] or len(signature.targets) < 2:
        faults.append(f"targets: must be '{ANY}' and then the threats, got {signature.targets}")
    if faults:
        raise BadFile(f"{folder / SIGNATURE_FILE}: not usable\n  " + "\n  ".join(faults))
    return signature


def read_weights(path: Path) -> dict[str, np.ndarray]:
    """Arrays by name from a safetensors file.

    Raises:
        BadFile: It is missing, truncated or no safetensors file.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    if not path.is_file():
        raise BadFile(f"{path}: there is no such file.")
    try:
        return load(path.read_bytes())
    except (SafetensorError, ValueError, KeyError) as error:
        raise BadFile(f"{path}: not a whole safetensors file ({error}).") from None
