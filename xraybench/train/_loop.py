"""The training loop in torch: labels as maps, losses, augmentation, optimiser. Load it inside functions only."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from xraybench.core.documents import ModelSignature
from xraybench.core.errors import BadParameter
from xraybench.core.progress import track
from xraybench.core.types import Dataset
from xraybench.models._net import Maps, Preprocess, ThreatNet, box_map, device_of
from xraybench.train.targets import labels_of, threats_in_views

_PREPARE_BATCH = 64
_CORE = 0.6  # a cell is taught as threat when its centre lies in this inner share of the box
_UNSURE = -1  # a cell between core and edge of a box: taught neither way
SCHEDULES = ("cosine", "constant")
_FOCUS = 2.0  # exponent of the focal loss: how much less an already certain cell teaches
_CELL_WEIGHT, _BOX_WEIGHT = 1.0, 0.5
_WEIGHT_DECAY = 0.02
_MOST_GRADIENT = 5.0  # norm at which gradients are cut
_GAIN, _SPECTRUM = 0.03, 0.005  # relative standard deviation of attenuation, of all channels and of each
_WARM_UP = 0.1  # share of the steps in which the learning rate rises


@dataclass(frozen=True)
class PreparedData:
    """Views of a dataset as a network takes them, resized once and kept in memory in half precision.

    A row is a view. `boxes` has one row per threat that is seen: columns x0 y0 x1 y1 as shares of the view; NaN where
    the annotation says what but not where.
    """

    shrunk: Tensor  # (n, channel, px, px) float16: attenuation or darkness
    labels: Tensor  # (n, 1 + n_threats) float32: 1 where the view shows the target; NaN where it teaches neither way
    box_rows: Tensor  # (m,) int64: row of `shrunk`
    box_threats: Tensor  # (m,) int64: index of the threat
    boxes: Tensor  # (m, 4) float32
    item_ids: tuple[str, ...]  # of each row

    def __len__(self) -> int:
        return len(self.shrunk)

    @property
    def n_items(self) -> int:
        return len(set(self.item_ids))


def prepare(dataset: Dataset, signature: ModelSignature, *, quiet: bool) -> PreparedData:
    """Read and shrink every view of a dataset. See `train.prepare`."""
    scans = dataset.track(signature.track)
    preprocess = Preprocess(track=signature.track, full_scale=scans.full_scale, image_px=signature.image_px)
    threats = signature.targets[1:]
    held = threats_in_views(dataset)
    places: list[tuple[str, str, int]] = []  # scan, item, view
    # Filled in place: thousands of small tensors between large passing ones would keep several GB from being freed.
    size = (int(scans.table["n_views"].sum()), len(signature.channels), signature.image_px, signature.image_px)
    shrunk = torch.empty(size, dtype=torch.float16)
    waiting: dict[tuple[int, ...], list[tuple[int, np.ndarray]]] = defaultdict(list)
    for scan_id in track(scans.scan_ids, f"preparing scans of {dataset.name}", quiet=quiet):
        scan = scans.load(scan_id)
        for view, pixels in enumerate(scan.views):
            waiting[pixels.shape].append((len(places), np.moveaxis(pixels, 2, 0).astype(np.float32)))
            places.append((scan_id, scan.item_id, view))
            if len(waiting[pixels.shape]) >= _PREPARE_BATCH:
                _shrink(preprocess, waiting.pop(pixels.shape), shrunk)
    for batch in waiting.values():
        _shrink(preprocess, batch, shrunk)
    labels = [labels_of(held[scan, view], threats) for scan, _, view in places]
    rows, kinds, boxes = _box_table(dataset, scans.table, places, threats)
    return PreparedData(
        shrunk=shrunk,
        labels=torch.tensor(labels, dtype=torch.float32).reshape(len(places), 1 + len(threats)),
        box_rows=torch.tensor(rows, dtype=torch.int64),
        box_threats=torch.tensor(kinds, dtype=torch.int64),
        boxes=torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
        item_ids=tuple(item for _, item, _ in places),
    )


def _shrink(preprocess: Preprocess, batch: list[tuple[int, np.ndarray]], shrunk: Tensor) -> None:
    with torch.no_grad():
        planes = preprocess.shrink(torch.from_numpy(np.stack([view for _, view in batch])))
        shrunk[torch.tensor([row for row, _ in batch])] = planes.half()


def _box_table(
    dataset: Dataset, table: object, places: list[tuple[str, str, int]], threats: list[str]
) -> tuple[list[int], list[int], list[list[float]]]:
    """Row, threat and box of every object whose threat the model is asked for."""
    row_of = {(scan, view): row for row, (scan, _, view) in enumerate(places)}
    sizes = _sizes(dataset)
    rows, kinds, boxes = [], [], []
    for found in dataset.objects.itertuples(index=False):
        row = row_of.get((found.scan_id, int(found.view)))
        if row is None or found.threat not in threats:
            continue
        height, width = sizes[found.scan_id]
        rows.append(row)
        kinds.append(threats.index(found.threat))
        boxes.append([found.x0 / width, found.y0 / height, found.x1 / width, found.y1 / height])
    return rows, kinds, boxes


def _sizes(dataset: Dataset) -> dict[str, tuple[int, int]]:
    table = dataset.scans.table
    return {s: (int(h), int(w)) for s, h, w in zip(table["scan_id"], table["height"], table["width"], strict=True)}


def concatenated(parts: list[PreparedData]) -> PreparedData:
    """Several sites' data as one, in the order given."""
    starts = np.cumsum([0, *(len(part) for part in parts)])
    return PreparedData(
        shrunk=torch.cat([p.shrunk for p in parts]),
        labels=torch.cat([p.labels for p in parts]),
        box_rows=torch.cat([p.box_rows + int(start) for p, start in zip(parts, starts, strict=False)]),
        box_threats=torch.cat([p.box_threats for p in parts]),
        boxes=torch.cat([p.boxes for p in parts]),
        item_ids=tuple(item for p in parts for item in p.item_ids),
    )


@dataclass(frozen=True)
class Settings:
    """How a fit runs. See `train.fit`."""

    epochs: float
    batch_size: int
    learning_rate: float
    seed: int
    schedule: str
    proximal: float
    frozen: tuple[str, ...]
    device: str
    n_threads: int


@dataclass(frozen=True)
class _Batch:
    """Views and the boxes in them."""

    shrunk: Tensor  # (n, channel, px, px) float32
    labels: Tensor  # (n, 1 + n_threats)
    rows: Tensor  # (m,) view of each box within the batch
    threats: Tensor  # (m,)
    boxes: Tensor  # (m, 4) shares of the view, NaN where unknown


@dataclass(frozen=True)
class _Truth:
    """What the maps of a batch should say."""

    cells: Tensor  # (n, n_threats, g, g): 1 threat, 0 none, _UNSURE
    edges: Tensor  # (n, 4, g, g): the box a cell should point to
    is_core: Tensor  # (n, g, g): whether it should point at all


def fit(net: ThreatNet, data: PreparedData, settings: Settings, *, quiet: bool, what: str) -> list[float]:
    """Train in place; the loss of every step."""
    _check(net, data, settings)
    device = device_of(settings.device)
    threads = torch.get_num_threads()
    torch.set_num_threads(settings.n_threads)
    try:
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(settings.seed % 2**63)  # for backbones that drop paths
            return _steps(net, data, settings, device, quiet=quiet, what=what)
    finally:
        torch.set_num_threads(threads)


def _check(net: ThreatNet, data: PreparedData, settings: Settings) -> None:
    known = [name for name, _ in net.named_modules() if name]
    faults = [f"no part of the network is called '{name}'" for name in settings.frozen if name not in known]
    if len(data) < 2:
        faults.append(f"there are {len(data)} views to learn from, at least 2 are needed")
    if not 0 < settings.epochs < math.inf:
        faults.append(f"epochs must be above 0, got {settings.epochs}")
    if settings.batch_size < 2:
        faults.append(f"batch_size must be at least 2, got {settings.batch_size}: batch norm needs two views")
    if not 0 < settings.learning_rate < math.inf:
        faults.append(f"learning_rate must be above 0, got {settings.learning_rate}")
    if settings.schedule not in SCHEDULES:
        faults.append(f"schedule must be one of {', '.join(SCHEDULES)}, got '{settings.schedule}'")
    if settings.proximal < 0:
        faults.append(f"proximal must not be below 0, got {settings.proximal}")
    if faults:
        raise BadParameter("training cannot start: " + "; ".join(faults))


def _steps(
    net: ThreatNet, data: PreparedData, settings: Settings, device: torch.device, *, quiet: bool, what: str
) -> list[float]:
    net.to(device).train()
    held = [net.get_submodule(name) for name in settings.frozen]
    for part in held:
        part.eval().requires_grad_(False)
    chance = np.random.Generator(np.random.PCG64(settings.seed))
    batch_size = min(settings.batch_size, len(data))
    n_steps = max(1, round(settings.epochs * len(data) / batch_size))
    optimiser = torch.optim.AdamW(_groups(net), lr=settings.learning_rate)
    origin = [p.detach().clone() for p in net.parameters()] if settings.proximal > 0 else []
    losses = []
    for step, rows in enumerate(
        track(_draws(len(data), batch_size, n_steps, chance), what, total=n_steps, quiet=quiet)
    ):
        for group in optimiser.param_groups:
            group["lr"] = settings.learning_rate * _rate_at(step / n_steps, settings.schedule)
        batch = _augmented(_batch(data, rows, device), net.preprocess.track, chance)
        loss = _loss(net.maps(batch.shrunk), batch)
        objective = loss
        if origin:
            pairs = zip(net.parameters(), origin, strict=True)
            objective = loss + 0.5 * settings.proximal * torch.stack([((p - q) ** 2).sum() for p, q in pairs]).sum()
        optimiser.zero_grad(set_to_none=True)
        objective.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), _MOST_GRADIENT)
        optimiser.step()
        losses.append(float(loss.detach()))
    for part in held:
        part.requires_grad_(True)
    net.eval()
    return losses


def loss_of(net: ThreatNet, data: PreparedData, *, batch_size: int, device: torch.device) -> float:
    """Mean loss per view without learning or augmentation; NaN without views."""
    net.to(device).eval()
    total = 0.0
    with torch.inference_mode():
        for start in range(0, len(data), batch_size):
            rows = np.arange(start, min(start + batch_size, len(data)))
            batch = _batch(data, rows, device)
            total += float(_loss(net.maps(batch.shrunk), batch)) * len(rows)
    return total / len(data) if len(data) else math.nan


def _draws(n: int, batch_size: int, n_steps: int, chance: np.random.Generator) -> Iterator[np.ndarray]:
    """Rows of each step: every row once an epoch, in an order of its own; what is left over opens the next."""
    waiting = np.empty(0, dtype=np.int64)
    for _ in range(n_steps):
        if len(waiting) < batch_size:
            waiting = np.concatenate([waiting, chance.permutation(n)])
        yield waiting[:batch_size]
        waiting = waiting[batch_size:]


def _rate_at(done: float, schedule: str) -> float:
    """Share of the learning rate when this share of the steps is done."""
    if schedule == "constant":
        return 1.0
    if done < _WARM_UP:
        return (done + 0.01) / (_WARM_UP + 0.01)
    return 0.5 * (1.0 + math.cos(math.pi * (done - _WARM_UP) / (1.0 - _WARM_UP)))


def _groups(net: ThreatNet) -> list[dict[str, object]]:
    """Weights decay; biases and norms do not."""
    parameters = [p for p in net.parameters() if p.requires_grad]
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": _WEIGHT_DECAY},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]


def _batch(data: PreparedData, rows: np.ndarray, device: torch.device) -> _Batch:
    index = torch.from_numpy(rows)
    place = torch.full((len(data),), -1, dtype=torch.int64)
    place[index] = torch.arange(len(rows))
    held = place[data.box_rows] >= 0
    return _Batch(
        shrunk=data.shrunk[index].to(device).float(),
        labels=data.labels[index].to(device),
        rows=place[data.box_rows[held]].to(device),
        threats=data.box_threats[held].to(device),
        boxes=data.boxes[held].to(device),
    )


def _augmented(batch: _Batch, track_name: str, chance: np.random.Generator) -> _Batch:
    """The batch mirrored and turned by quarters, view by view, and with the detector's gain off by a little.

    Views are not scaled or shifted: size in millimetres tells a banknote from a sheet of paper.
    """
    n, device = len(batch.shrunk), batch.shrunk.device

    def gain(share: float, channels: int) -> Tensor:
        drawn = 1 + chance.normal(0, share, (n, channels, 1, 1))
        return torch.from_numpy(drawn.astype(np.float32)).to(device)

    shrunk, boxes = batch.shrunk, batch.boxes
    for axis in (2, 3):  # mirrored top to bottom, left to right
        is_done = torch.from_numpy(chance.random(n) < 0.5).to(device)
        shrunk = torch.where(is_done[:, None, None, None], shrunk.flip(axis), shrunk)
        boxes = torch.where(is_done[batch.rows, None], _mirrored(boxes, axis), boxes)
    is_done = torch.from_numpy(chance.random(n) < 0.5).to(device)
    shrunk = torch.where(is_done[:, None, None, None], shrunk.transpose(2, 3), shrunk)
    boxes = torch.where(is_done[batch.rows, None], boxes[:, [1, 0, 3, 2]], boxes)
    n_channels = shrunk.shape[1]
    shrunk = shrunk * gain(_GAIN, 1) * gain(_SPECTRUM if track_name == "raw" else _GAIN, n_channels)
    return _Batch(shrunk, batch.labels, batch.rows, batch.threats, boxes)


def _mirrored(boxes: Tensor, axis: int) -> Tensor:
    """Boxes x0 y0 x1 y1 in a view mirrored along its rows (2) or columns (3)."""
    x0, y0, x1, y1 = boxes.unbind(1)
    return torch.stack([x0, 1 - y1, x1, 1 - y0] if axis == 2 else [1 - x1, y0, 1 - x0, y1], dim=1)


def truth_of(batch: _Batch, grid: int) -> _Truth:
    """The maps that the boxes ask for, on grid x grid cells."""
    n, device = len(batch.labels), batch.labels.device
    n_threats = batch.labels.shape[1] - 1
    cells = torch.zeros(n, n_threats, grid, grid, device=device)
    edges = torch.zeros(n, 4, grid, grid, device=device)
    is_core = torch.zeros(n, grid, grid, dtype=torch.bool, device=device)
    centre = (torch.arange(grid, device=device) + 0.5) / grid
    middle = (batch.boxes[:, :2] + batch.boxes[:, 2:]) / 2
    reach = (batch.boxes[:, 2:] - batch.boxes[:, :2]) / 2
    far = (centre[None, :, None] - middle[:, None, :]).abs()  # (m, g, 2): along x, along y
    least = 0.5 / grid + 1e-6  # the cell under the middle is core, however small the box
    core = far <= (reach * _CORE).clamp(min=least)[:, None]
    whole = far <= (reach + 0.5 / grid)[:, None]
    for row, threat, box, is_known, c, w in zip(
        batch.rows.tolist(),
        batch.threats.tolist(),
        batch.boxes,
        batch.boxes.isfinite().all(1).tolist(),
        core,
        whole,
        strict=True,
    ):
        if not is_known:
            cells[row, threat] = _UNSURE
            continue
        area, heart = w[:, None, 1] & w[None, :, 0], c[:, None, 1] & c[None, :, 0]
        cells[row, threat][area & (cells[row, threat] != 1)] = _UNSURE
        cells[row, threat][heart] = 1
        is_core[row] |= heart
        edges[row][:, heart] = box[:, None]
    return _Truth(cells, edges, is_core)


def _loss(maps: Maps, batch: _Batch) -> Tensor:
    """Items by cross entropy, cells by focal cross entropy, boxes by generalised overlap."""
    truth = truth_of(batch, maps.heat.shape[-1])
    is_known = batch.labels.isfinite()
    wrong = functional.binary_cross_entropy_with_logits(maps.items, batch.labels.nan_to_num(), reduction="none")
    per_target = (wrong * is_known).sum(0) / is_known.sum(0).clamp(min=1)
    items = per_target[0] + per_target[1:].mean()
    is_sure = truth.cells != _UNSURE
    wanted = truth.cells.clamp(min=0)
    entropy = functional.binary_cross_entropy_with_logits(maps.heat, wanted, reduction="none")
    miss = (wanted - torch.sigmoid(maps.heat)).abs() ** _FOCUS
    n_core = truth.cells.eq(1).sum().clamp(min=1)
    cells = (entropy * miss * is_sure).sum() / n_core
    boxes = _overlap_loss(box_map(maps.sides), truth)
    return items + _CELL_WEIGHT * cells + _BOX_WEIGHT * boxes


def _overlap_loss(pointed: Tensor, truth: _Truth) -> Tensor:
    """1 - generalised intersection over union, mean over core cells; 0 without any.

    Source:
        Rezatofighi et al., Generalized Intersection over Union, CVPR 2019, equation 1.
    """
    if not bool(truth.is_core.any()):
        return pointed.sum() * 0.0
    a = pointed.permute(0, 2, 3, 1)[truth.is_core]
    b = truth.edges.permute(0, 2, 3, 1)[truth.is_core]
    inside = (torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])).clamp(min=0).prod(1)
    around = (torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])).prod(1)
    union = (a[:, 2:] - a[:, :2]).prod(1) + (b[:, 2:] - b[:, :2]).prod(1) - inside
    tiny = 1e-9
    return (1 - inside / (union + tiny) + (around - union) / (around + tiny)).mean()
