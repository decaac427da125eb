"""Training of the manifest reference: HS chapters from benign items, which hold what they declare."""

import numpy as np

from xraybench.core.documents import ModelSignature
from xraybench.core.errors import BadParameter, BadValue
from xraybench.core.progress import track as progress
from xraybench.core.types import Dataset, Float32Array, ScanSet
from xraybench.models.classical import CELL_PX, edges_of, model_of
from xraybench.models.manifest import (
    ADAPTER,
    TARGETS,
    ManifestModel,
    load_features,
    manifest_model_of,
    planes_of_scan,
)
from xraybench.models.timm_net import digest_of_weights, make_signature
from xraybench.train.baseline import forest_of
from xraybench.train.networks import train_part

IMAGE_PX = 96
N_TREES = 300
_N_FOR_EDGES = 256  # scans that the classes of density and material are read from


def manifest(
    dataset: Dataset,
    *,
    track: str = "raw",
    image_px: int = IMAGE_PX,
    n_trees: int = N_TREES,
    seed: int = 0,
    name: str = "manifest-classical",
    n_jobs: int = 1,
    quiet: bool = False,
) -> ManifestModel:
    """The manifest reference, trained on the benign items of the train split that declare something.

    A benign item holds what it declares, so the declaration is the label: no label beyond the manifest is used.

    Args:
        dataset: Its train split is learned from.
        track: A track of the dataset.
        image_px: Height and width that views are resized to.
        n_trees: Of the forest.
        seed: Of the forest.
        name: Of the model.
        n_jobs: Threads that grow trees; does not change the forest.
        quiet: No progress on stderr.

    Raises:
        BadParameter: An option cannot be used.
        BadValue: No train split, or fewer than two loads are declared in it.
    """
    if image_px < 4 * CELL_PX or n_trees < 1:
        raise BadParameter(
            f"image_px must be at least {4 * CELL_PX} and n_trees at least 1, got {image_px}, {n_trees}."
        )
    part = train_part(dataset)
    scans = _honest(part, track)
    loads = sorted(set(scans.table["declared"]))
    if len(loads) < 2:
        raise BadValue(
            f"Dataset {dataset.name}: its benign train items declare {', '.join(loads) or 'nothing'}; a manifest can be "
            "learned where they declare two or more loads."
        )
    signature = make_signature(
        name=name,
        architecture=f"extra_trees_{n_trees}",
        track=track,
        threats=TARGETS[1:],
        full_scale=scans.full_scale,
        image_px=image_px,
        adapter=ADAPTER,
        training={
            "kind": "local",
            "dataset": part.name,
            "profile": part.profile,
            "corpora": dict(part.corpora),
            "n_items": len(scans),
            "loads": loads,
            "n_trees": n_trees,
            "seed": seed,
        },
    )
    features, edges = _measured(scans, signature, quiet=quiet)
    truth = np.array([[load == told for load in loads] for told in scans.table["declared"]], dtype=np.float32)
    arrays = forest_of(features, truth, n_trees=n_trees, seed=seed, n_jobs=n_jobs) | edges
    stored = model_of(signature, arrays).arrays()
    sealed = {"n_parameters": len(arrays["left"]), "weights_digest": digest_of_weights(stored)}
    return manifest_model_of(signature.model_copy(update=sealed), arrays)


def _honest(part: Dataset, track: str) -> ScanSet:
    """The scans that hold what they declare: those of benign items."""
    scans = part.track(track)
    is_benign = ~scans.table["scan_id"].isin(part.objects["scan_id"]) & (scans.table["declared"] != "")
    return scans.subset(set(scans.table["scan_id"][is_benign]))


def _measured(scans: ScanSet, signature: ModelSignature, *, quiet: bool) -> tuple[Float32Array, dict[str, np.ndarray]]:
    """The mean features of each scan's views, and the edges of the classes they were measured with."""
    looked = progress(scans, "measuring loads", total=len(scans), quiet=quiet)
    planes = [planes_of_scan(scan, signature) for scan in looked]
    few = planes[:: max(1, len(planes) // _N_FOR_EDGES)]
    edges = edges_of(np.concatenate([density for density, _ in few]), np.concatenate([kind for _, kind in few]))
    features = np.stack([load_features(plane, *edges) for plane in planes])
    return features, dict(zip(("density_edges", "material_edges"), edges, strict=True))
