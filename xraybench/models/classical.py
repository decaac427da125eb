"""The adapter classical: what can be had without deep learning.

Measured features that an image analyst would name (how much of the view has which density and material, the densest
block of each kind, edge directions, texture) and a forest of extremely randomised trees over them. It says how much of
a network's score is owed to the network. Features and forest are plain numpy, so a stored model is arrays and nothing
else: no pickle, and no version of scikit-learn to match. It cannot point: it gives no boxes.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from xraybench.core import documents
from xraybench.core.documents import ModelSignature
from xraybench.core.errors import BadFile
from xraybench.core.types import BRIGHT, Float32Array, FloatArray, IntArray, Predictions, ScanSet
from xraybench.models.looking import N_TIMED, Seen, look
from xraybench.models.timm_net import (
    SIGNATURE_FILE,
    WEIGHTS_FILE,
    digest_of_weights,
    read_signature,
    read_weights,
)

ADAPTER = "classical"
CELL_PX = 8  # side of a cell in the resized view
DENSITY_QUANTILES = np.linspace(0.1, 0.97, 9)  # of what is not air: edges of the density classes
MATERIAL_QUANTILES = np.linspace(0.08, 0.92, 6)
AIR = 0.04  # attenuation or darkness below which there is nothing to see
_N_DIRECTIONS = 8
_BLOCKS = (2, 4)  # sides, in cells, of the blocks whose maximum is taken
_ARRAYS = ("density_edges", "material_edges", "roots", "left", "right", "feature", "threshold", "value")


@dataclass(frozen=True)
class Forest:
    """Trees as arrays: all nodes of all trees in one row. A leaf points to itself on both sides."""

    roots: IntArray  # (n_trees,)
    left: IntArray  # (n_nodes,): where the feature is at most the threshold
    right: IntArray
    feature: IntArray
    threshold: FloatArray
    value: Float32Array  # (n_nodes, n_targets): share of training items in the node that hold the target

    def shares(self, features: Float32Array) -> FloatArray:
        """Mean over the trees of the share in the leaf that each row falls into, (n, n_targets)."""
        at = np.tile(self.roots, (len(features), 1))
        rows = np.arange(len(features))[:, None]
        while True:
            goes_left = features[rows, self.feature[at]] <= self.threshold[at]
            below = np.where(goes_left, self.left[at], self.right[at])
            if np.array_equal(below, at):
                return np.asarray(self.value[at].mean(axis=1, dtype=np.float64))
            at = below


@dataclass(frozen=True)
class ClassicalModel:
    """A forest over measured features, and the edges that divide density and material into classes."""

    signature: ModelSignature
    density_edges: FloatArray = field(repr=False)
    material_edges: FloatArray = field(repr=False)
    forest: Forest = field(repr=False)

    @property
    def name(self) -> str:
        return self.signature.name

    def see(self, views: Float32Array) -> Seen:
        """Scores of a batch of views (n, channel, height, width), counts. No boxes."""
        density, material = planes_of(views, self.signature)
        features = features_of(density, material, self.density_edges, self.material_edges)
        return Seen(self.forest.shares(features).astype(np.float32), None)

    def predict(self, scans: ScanSet, *, n_timed: int = N_TIMED, quiet: bool = True) -> Predictions:
        """Look at every scan; see `looking.look` for the rows and for what the latency is."""
        return look(
            scans,
            self.see,
            model=self.name,
            track_name=self.signature.track,
            full_scale=self.signature.full_scale,
            targets=self.signature.targets,
            n_timed=n_timed,
            quiet=quiet,
        )

    def save(self, folder: Path) -> Path:
        """Write arrays and signature."""
        from safetensors.numpy import save

        arrays = self.arrays()
        signature = self.signature.model_copy(
            update={"n_parameters": len(self.forest.left), "weights_digest": digest_of_weights(arrays)}
        )
        documents.write_bytes(folder / WEIGHTS_FILE, save(arrays))
        documents.write_document(folder / SIGNATURE_FILE, signature)
        return folder

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything learned, by name, as it is stored."""
        forest = self.forest
        return {
            "density_edges": self.density_edges,
            "material_edges": self.material_edges,
            "roots": forest.roots.astype(np.int32),
            "left": forest.left.astype(np.int32),
            "right": forest.right.astype(np.int32),
            "feature": forest.feature.astype(np.int16),
            "threshold": forest.threshold.astype(np.float32),
            "value": forest.value.astype(np.float32),
        }


def load_classical(folder: Path) -> ClassicalModel:
    """Read a model that `ClassicalModel.save` wrote.

    Raises:
        BadFile: A file is missing, truncated, or does not fit the other.
    """
    signature = read_signature(folder, adapter=ADAPTER)
    path = folder / WEIGHTS_FILE
    arrays = read_weights(path)
    if missing := [name for name in _ARRAYS if name not in arrays]:
        raise BadFile(f"{path}: lacks {', '.join(missing)}, so it is no classical model.")
    if digest_of_weights(arrays) != signature.weights_digest:
        raise BadFile(f"{path}: not the arrays that {SIGNATURE_FILE} beside it was written for.")
    return model_of(signature, arrays)


def model_of(signature: ModelSignature, arrays: dict[str, np.ndarray]) -> ClassicalModel:
    """A model from arrays named as in `ClassicalModel.arrays`."""
    forest = Forest(
        roots=arrays["roots"].astype(np.int64),
        left=arrays["left"].astype(np.int64),
        right=arrays["right"].astype(np.int64),
        feature=arrays["feature"].astype(np.int64),
        threshold=arrays["threshold"].astype(np.float32).astype(np.float64),  # as it is stored
        value=arrays["value"],
    )
    return ClassicalModel(
        signature,
        arrays["density_edges"].astype(np.float64),
        arrays["material_edges"].astype(np.float64),
        forest,
    )


def planes_of(views: Float32Array, signature: ModelSignature) -> tuple[Float32Array, Float32Array]:
    """How much lies in the beam and of what kind, each (n, px, px).

    Density is the high-energy attenuation (raw), the darkness of the picture, or the counts themselves (slices, scatter).
    Material is the ratio of low to high attenuation (raw), the lean of the colour from red to blue, or 0 where there is
    one channel.
    """
    share = views / np.float32(signature.full_scale)
    if signature.track == "raw":
        shrunk = -np.log(np.clip(share, 1e-4, 1.05))
    else:
        shrunk = share if signature.track in BRIGHT else 1.0 - share
    shrunk = resize(shrunk.astype(np.float32), signature.image_px)
    if signature.track == "raw":
        hi, lo = shrunk[:, 0], shrunk[:, 1]
        return hi, np.asarray((lo + 0.05) / (np.maximum(hi, 0.0) + 0.05), dtype=np.float32)
    density = np.asarray(shrunk.mean(axis=1), dtype=np.float32)
    if shrunk.shape[1] == 1:
        return density, np.zeros_like(density)
    lean = (shrunk[:, 0] - shrunk[:, 2]) / (np.maximum(density, 0.0) + 0.05)
    return density, np.asarray(lean, dtype=np.float32)


def resize(planes: Float32Array, image_px: int) -> Float32Array:
    """Planes (n, c, h, w) as (n, c, image_px, image_px), as the networks resize them."""
    down, across = (resize_weights(size, image_px) for size in planes.shape[2:])
    return np.asarray(down @ planes @ across.T, dtype=np.float32)


def resize_weights(n_from: int, n_to: int) -> Float32Array:
    """Rows that average `n_from` pixels into `n_to` by a triangle two output pixels wide; each sums to one."""
    scale = n_from / n_to
    centre = (np.arange(n_to) + 0.5) * scale
    weights = np.maximum(0.0, 1.0 - np.abs(np.arange(n_from) + 0.5 - centre[:, None]) / max(scale, 1.0))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float32)


def edges_of(density: Float32Array, material: Float32Array) -> tuple[FloatArray, FloatArray]:
    """Edges of the density and material classes: quantiles over what is not air. Air alone gives edges that no pixel
    passes."""
    there = density > AIR
    if not there.any():
        return np.full(len(DENSITY_QUANTILES), np.inf), np.full(len(MATERIAL_QUANTILES), np.inf)
    return (
        np.quantile(density[there].astype(np.float64), DENSITY_QUANTILES),
        np.quantile(material[there].astype(np.float64), MATERIAL_QUANTILES),
    )


def features_of(
    density: Float32Array, material: Float32Array, density_edges: FloatArray, material_edges: FloatArray
) -> Float32Array:
    """What is measured in a view, (n, n_features).

    Composition: share of the view in each class of density and material, and the highest such share of a block of 2x2
    and of 4x4 cells. Edges: strength by direction, ordered so that a turned item measures the same. Texture: fine
    structure of both planes. Tone: percentiles of both.
    """
    n = len(density)
    kinds = _composition(density, material, density_edges, material_edges)
    directions = _directions(density)
    parts = [kinds.mean((1, 2)), *(_blocks(kinds, side).max((1, 2)) for side in _BLOCKS)]
    parts += [_edge_features(directions)]
    parts += [_texture(plane) for plane in (density, np.where(density > AIR, material, 1.0).astype(np.float32))]
    levels = [5, 25, 50, 75, 90, 95, 99, 99.8]
    parts += [np.percentile(plane.reshape(n, -1), levels, axis=1).T for plane in (density, material)]
    return np.concatenate(parts, axis=1).astype(np.float32)


def _composition(
    density: Float32Array, material: Float32Array, density_edges: FloatArray, material_edges: FloatArray
) -> FloatArray:
    """Share of each cell's pixels in each class of density and material: (n, cells, cells, classes)."""
    n, size, _ = density.shape
    n_cells, n_materials = size // CELL_PX, len(material_edges) + 1
    n_kinds = (len(density_edges) + 1) * n_materials + 1
    kind = 1 + np.searchsorted(density_edges, density) * n_materials + np.searchsorted(material_edges, material)
    kind[density <= AIR] = 0
    along = np.arange(n_cells * CELL_PX) // CELL_PX
    cell = (np.arange(n)[:, None, None] * n_cells + along[:, None]) * n_cells + along
    kind = kind[:, : len(along), : len(along)]
    counts = np.bincount((cell * n_kinds + kind).ravel(), minlength=n * n_cells * n_cells * n_kinds)
    return np.asarray(counts.reshape(n, n_cells, n_cells, n_kinds) / CELL_PX**2)


def _directions(density: Float32Array) -> FloatArray:
    """Strength of edges by direction in each cell: (n, cells, cells, directions)."""
    n, size, _ = density.shape
    n_cells = size // CELL_PX
    down, across = np.gradient(np.sqrt(np.maximum(density, 0.0)), axis=(1, 2))
    strength = np.hypot(down, across)
    angle = np.floor((np.arctan2(down, across) % np.pi) / np.pi * _N_DIRECTIONS).astype(int) % _N_DIRECTIONS
    cut = n_cells * CELL_PX
    cells = np.zeros((n, n_cells, n_cells, _N_DIRECTIONS))
    for direction in range(_N_DIRECTIONS):
        part = np.where(angle == direction, strength, 0.0)[:, :cut, :cut]
        cells[..., direction] = part.reshape(n, n_cells, CELL_PX, n_cells, CELL_PX).mean((2, 4))
    return cells


def _edge_features(cells: FloatArray) -> FloatArray:
    """Of the whole view and of the strongest block, directions ordered by strength; and the straightest block."""
    whole = -np.sort(-cells.mean((1, 2)), axis=1)
    blocks = _blocks(cells, 2)
    strength = blocks.sum(axis=3)
    lean = blocks.max(axis=3) - np.median(blocks, axis=3)  # a long straight edge has one direction
    strongest = -np.sort(-blocks.reshape(len(cells), -1, _N_DIRECTIONS), axis=2)
    strongest = strongest[np.arange(len(cells)), strength.reshape(len(cells), -1).argmax(axis=1)]
    levels = [50, 75, 90, 100]
    spread = [np.percentile(part.reshape(len(cells), -1), levels, axis=1).T for part in (strength, lean)]
    return np.concatenate([whole, strongest, *spread], axis=1)


def _texture(plane: Float32Array) -> FloatArray:
    """Fine structure at two scales: percentiles over the cells of the mean absolute difference from neighbours."""
    n, size, _ = plane.shape
    found = []
    for step in (1, 3):
        rough = np.zeros_like(plane)
        inner = plane[:, step:-step, step:-step]
        around = (
            plane[:, 2 * step :, step:-step]
            + plane[:, : -2 * step, step:-step]
            + plane[:, step:-step, 2 * step :]
            + plane[:, step:-step, : -2 * step]
        ) / 4
        rough[:, step:-step, step:-step] = np.abs(inner - around)
        cut = size // CELL_PX * CELL_PX
        cells = rough[:, :cut, :cut].reshape(n, cut // CELL_PX, CELL_PX, cut // CELL_PX, CELL_PX).mean((2, 4))
        found.append(np.percentile(cells.reshape(n, -1), [50, 75, 90, 97, 100], axis=1).T)
    return np.concatenate(found, axis=1)


def _blocks(cells: FloatArray, side: int) -> FloatArray:
    """Mean over every block of side x side cells: (n, rows, columns, k) to (n, rows - side + 1, ..., k)."""
    total = np.zeros((cells.shape[0], cells.shape[1] + 1, cells.shape[2] + 1, cells.shape[3]))
    total[:, 1:, 1:] = cells.cumsum(axis=1).cumsum(axis=2)
    block = total[:, side:, side:] - total[:, :-side, side:] - total[:, side:, :-side] + total[:, :-side, :-side]
    return np.asarray(block / side**2)
