"""Training of a timm_net at one site: nothing of transport, nothing of other sites.

`local` is the whole of it; `prepare` and `fit` are its two halves, which the federated rooms call round by round.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from xraybench.core.chance import seed_of
from xraybench.core.documents import ModelSignature
from xraybench.core.errors import BadValue
from xraybench.core.types import Dataset
from xraybench.models.timm_net import (
    DEFAULT_ARCHITECTURE,
    TimmNet,
    make_signature,
    net_of,
    sealed,
    set_weights,
    weights_of,
)

if TYPE_CHECKING:
    from xraybench.models._net import ThreatNet
    from xraybench.train._loop import PreparedData

IMAGE_PX = 64  # at equal time, twice the passes at 64 pixels find more than one pass at 96
EPOCHS = 6.0
BATCH_SIZE = 32
LEARNING_RATE = 4e-3


def local(
    dataset: Dataset,
    *,
    architecture: str = DEFAULT_ARCHITECTURE,
    track: str = "raw",
    image_px: int = IMAGE_PX,
    epochs: float = EPOCHS,
    batch_size: int = BATCH_SIZE,
    learning_rate: float = LEARNING_RATE,
    seed: int = 0,
    init: TimmNet | None = None,
    pretrained: str = "none",
    name: str | None = None,
    device: str = "auto",
    n_threads: int = 1,
    quiet: bool = False,
) -> TimmNet:
    """A network trained on the train split of a dataset; the same arguments give the same weights on one machine.

    Args:
        dataset: Its train split is learned from; a dataset without that split is refused.
        architecture: A convolutional timm model.
        track: raw, colour or grey; must be a track of the dataset.
        image_px: Height and width that views are resized to, a multiple of 32.
        epochs: Passes over the train split; fractions are allowed.
        batch_size: Views per step.
        learning_rate: Highest rate of the schedule (a short rise, then a cosine to 0).
        seed: Of the initial weights, the order of views and the augmentation.
        init: A trained network to go on from, of the same architecture, track, size and targets.
        pretrained: See `timm_net.build_net`.
        name: Of the model; by default architecture and track.
        device: auto, cpu or cuda.
        n_threads: Of torch on the CPU. One per process where several run side by side.
        quiet: No progress on stderr.

    Raises:
        BadParameter: An option cannot be used.
        BadValue: The dataset has no train split, or lacks the track, or `init` does not fit.
    """
    part = train_part(dataset)
    signature = make_signature(
        name=name or f"{architecture}-{track}",
        architecture=architecture,
        track=track,
        threats=dataset.threats,
        full_scale=part.track(track).full_scale,
        image_px=image_px,
        training=_lineage(
            part,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            seed=seed,
            pretrained=pretrained,
            init="" if init is None else sealed(init.signature, init.net).weights_digest,
        ),
    )
    net = net_of(signature, seed=seed, pretrained=pretrained)
    if init is not None:
        _start_from(net, signature, init)
    data = prepare(part, signature, quiet=quiet)
    fit(
        net,
        data,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        seed=seed,
        device=device,
        n_threads=n_threads,
        quiet=quiet,
    )
    return TimmNet(sealed(signature, net), net, device=device)


def train_part(dataset: Dataset) -> Dataset:
    """The train split.

    Raises:
        BadValue: There is none in the dataset as it was loaded.
    """
    part = dataset.part("train")
    if not len(part.items):
        raise BadValue(f"Dataset {dataset.name} was loaded without its train split. Load it with splits=('train',).")
    return part


def prepare(dataset: Dataset, signature: ModelSignature, *, quiet: bool = True) -> PreparedData:
    """Every view of a dataset, resized and on the signature's track, with its labels and boxes; kept in memory.

    All splits that the dataset holds are taken: give it `dataset.part("train")`. About 16 kB per raw view at 64 px.
    A threat of the dataset that the signature does not name counts for `any` alone.

    Raises:
        BadValue: The dataset lacks the track.
    """
    from xraybench.train import _loop

    return _loop.prepare(dataset, signature, quiet=quiet)


def fit(
    net: ThreatNet,
    data: PreparedData,
    *,
    epochs: float = EPOCHS,
    batch_size: int = BATCH_SIZE,
    learning_rate: float = LEARNING_RATE,
    seed: int = 0,
    schedule: str = "cosine",
    proximal: float = 0.0,
    frozen: Sequence[str] = (),
    device: str = "auto",
    n_threads: int = 1,
    quiet: bool = True,
    what: str = "training",
) -> list[float]:
    """Train a network in place with a fresh optimiser (AdamW); the loss of every step.

    Args:
        epochs: Passes over the data; a fraction is a part of one. At least one step is taken.
        seed: Of the order of views and the augmentation. Nothing global is drawn from or moved.
        schedule: "cosine" (a short rise, then down to 0) or "constant".
        proximal: Weight of half the squared distance to the weights at the start (FedProx's mu); 0 leaves it out.
        frozen: Parts of the network that stay as they are, by name (`backbone`, `backbone.conv1`): their parameters
            and the running statistics of their norms.
        what: What the progress bar says.

    Raises:
        BadParameter: With every option that cannot be used.
    """
    from xraybench.train import _loop

    settings = _loop.Settings(
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        seed=seed_of(seed, "fit"),
        schedule=schedule,
        proximal=proximal,
        frozen=tuple(frozen),
        device=device,
        n_threads=n_threads,
    )
    return _loop.fit(net, data, settings, quiet=quiet, what=what)


def loss_of(net: ThreatNet, data: PreparedData, *, batch_size: int = 64, device: str = "auto") -> float:
    """Mean loss per view, nothing learned; NaN without views."""
    from xraybench.models._net import device_of
    from xraybench.train import _loop

    return _loop.loss_of(net, data, batch_size=batch_size, device=device_of(device))


def concatenated(parts: list[PreparedData]) -> PreparedData:
    """Prepared data of several sites as one, in the order given: what a pooled training sees."""
    from xraybench.train import _loop

    return _loop.concatenated(parts)


def _lineage(part: Dataset, **options: Any) -> dict[str, Any]:
    """What a model came from, for its signature."""
    return {
        "kind": "local",
        "dataset": part.name,
        "profile": part.profile,
        "corpora": dict(part.corpora),
        "n_items": len(part.items),
        **options,
    }


def _start_from(net: ThreatNet, signature: ModelSignature, init: TimmNet) -> None:
    differing = [
        f"{field} is {getattr(init.signature, field)} there and {getattr(signature, field)} here"
        for field in ("architecture", "track", "image_px", "targets", "full_scale")
        if getattr(init.signature, field) != getattr(signature, field)
    ]
    if differing:
        raise BadValue(f"Training cannot go on from {init.name}: " + "; ".join(differing))
    set_weights(net, weights_of(init.net))
