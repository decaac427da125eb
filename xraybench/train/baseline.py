"""Training of the classical baseline: features of the train split and a forest of extremely randomised trees."""

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from xraybench.core.chance import seed_of
from xraybench.core.documents import ModelSignature
from xraybench.core.errors import BadParameter
from xraybench.core.progress import track as progress
from xraybench.core.types import Dataset, Float32Array
from xraybench.models.classical import (
    ADAPTER,
    CELL_PX,
    ClassicalModel,
    edges_of,
    features_of,
    model_of,
    planes_of,
)
from xraybench.models.timm_net import check_inputs, digest_of_weights, make_signature
from xraybench.train.networks import train_part
from xraybench.train.targets import labels_of, threats_in_views

IMAGE_PX = 96
N_TREES = 300
_MIN_LEAF = 2  # items in a leaf
_SHARE_OF_FEATURES = 0.2  # tried at a split
_BATCH = 64
_NEITHER = 0.5  # a tree needs a number for `any` of a control: that of a train split half of threats
_N_FOR_EDGES = 256  # views that the classes of density and material are read from


def classical(
    dataset: Dataset,
    *,
    track: str = "raw",
    image_px: int = IMAGE_PX,
    n_trees: int = N_TREES,
    seed: int = 0,
    name: str | None = None,
    n_jobs: int = 1,
    quiet: bool = False,
) -> ClassicalModel:
    """The classical baseline, trained on the train split; the same arguments give the same model.

    Args:
        dataset: Its train split is learned from; a dataset without that split is refused.
        track: raw, colour or grey.
        image_px: Height and width that views are resized to.
        n_trees: Of the forest. More are slower and never worse.
        seed: Of the forest.
        name: Of the model; by default `classical` and the track.
        n_jobs: Threads that grow trees; does not change the forest.
        quiet: No progress on stderr.

    Raises:
        BadParameter: An option cannot be used.
        BadValue: The dataset has no train split or lacks the track.
    """
    if image_px < 4 * CELL_PX or n_trees < 1:
        raise BadParameter(
            f"image_px must be at least {4 * CELL_PX} and n_trees at least 1, got {image_px}, {n_trees}."
        )
    part = train_part(dataset)
    check_inputs(track=track, threats=dataset.threats, full_scale=part.track(track).full_scale)
    signature = make_signature(
        name=name or f"classical-{track}",
        architecture=f"extra_trees_{n_trees}",
        track=track,
        threats=dataset.threats,
        full_scale=part.track(track).full_scale,
        image_px=image_px,
        adapter=ADAPTER,
        training={
            "kind": "local",
            "dataset": part.name,
            "profile": part.profile,
            "corpora": dict(part.corpora),
            "n_items": len(part.items),
            "n_trees": n_trees,
            "seed": seed,
        },
    )
    features, labels, edges = _measured(part, signature, quiet=quiet)
    arrays = forest_of(features, labels, n_trees=n_trees, seed=seed, n_jobs=n_jobs)
    arrays |= edges
    model = model_of(signature, arrays)
    return model_of(
        signature.model_copy(
            update={"n_parameters": len(arrays["left"]), "weights_digest": digest_of_weights(model.arrays())}
        ),
        arrays,
    )


def _measured(
    part: Dataset, signature: ModelSignature, *, quiet: bool
) -> tuple[Float32Array, Float32Array, dict[str, np.ndarray]]:
    """Features and labels of every view, and the edges of the classes they were measured with."""
    scans = part.track(signature.track)
    held = threats_in_views(part)
    few = scans.scan_ids[:: max(1, len(scans) // _N_FOR_EDGES)]
    density, material = _planes([view for scan_id in few for view in scans.load(scan_id).views], signature)
    edges = edges_of(density, material)
    features, labels = [], []
    ids = scans.scan_ids
    starts = range(0, len(ids), _BATCH)
    for start in progress(starts, f"measuring scans of {part.name}", quiet=quiet):
        some = [(s, n, view) for s in ids[start : start + _BATCH] for n, view in enumerate(scans.load(s).views)]
        features.append(features_of(*_planes([view for *_, view in some], signature), *edges))
        labels += [labels_of(held[s, n], signature.targets[1:], neither=_NEITHER) for s, n, _ in some]
    named = dict(zip(("density_edges", "material_edges"), edges, strict=True))
    return np.concatenate(features), np.array(labels, dtype=np.float32), named


def _planes(views: list[NDArray[np.generic]], signature: ModelSignature) -> tuple[Float32Array, Float32Array]:
    """Density and material planes (n, px, px) of views of any sizes."""
    seen = [planes_of(np.moveaxis(view, 2, 0).astype(np.float32)[None], signature) for view in views]
    return np.concatenate([density for density, _ in seen]), np.concatenate([material for _, material in seen])


def forest_of(
    features: Float32Array, labels: Float32Array, *, n_trees: int, seed: int, n_jobs: int
) -> dict[str, np.ndarray]:
    """Grown trees as the arrays of `classical.Forest`. All targets share the trees."""
    from sklearn.ensemble import ExtraTreesRegressor

    grown = ExtraTreesRegressor(
        n_estimators=n_trees,
        min_samples_leaf=_MIN_LEAF,
        max_features=_SHARE_OF_FEATURES,
        random_state=seed_of(seed, "forest") % 2**32,
        n_jobs=n_jobs,
    ).fit(features, labels)
    parts: dict[str, list[np.ndarray]] = defaultdict(list)
    start = 0
    for tree in (estimator.tree_ for estimator in grown.estimators_):
        own = np.arange(tree.node_count)
        is_leaf = tree.children_left < 0
        parts["roots"].append(np.array([start]))
        parts["left"].append(start + np.where(is_leaf, own, tree.children_left))
        parts["right"].append(start + np.where(is_leaf, own, tree.children_right))
        parts["feature"].append(np.where(is_leaf, 0, tree.feature))
        parts["threshold"].append(np.where(is_leaf, 0.0, tree.threshold))
        parts["value"].append(tree.value.reshape(tree.node_count, -1).astype(np.float32))
        start += tree.node_count
    return {name: np.concatenate(arrays) for name, arrays in parts.items()}
