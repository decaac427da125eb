"""The adapter manifest: is the load what the manifest says, and is what is declared empty empty?

A forest over the measured features of the classical adapter says how likely each HS chapter is, emptiness among them. The
score of `manifest_mismatch` is 1 minus the chance of the declared chapter, that of `empty_verification` 1 minus the chance
of empty. What is declared is a fact of the acquisition, so a model may read it. It is a reference to be beaten, looks for
no threat (its score of `any` is 0) and cannot point.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from xraybench.core import documents, tables
from xraybench.core.documents import ModelSignature
from xraybench.core.errors import BadFile, BadValue
from xraybench.core.progress import track as progress
from xraybench.core.types import Float32Array, FloatArray, Predictions, Scan, ScanSet
from xraybench.core.vocabulary import ANY, EMPTY, EMPTY_VERIFICATION, MANIFEST_MISMATCH
from xraybench.models.classical import ClassicalModel, features_of, model_of, planes_of
from xraybench.models.looking import N_TIMED
from xraybench.models.timm_net import (
    SIGNATURE_FILE,
    WEIGHTS_FILE,
    digest_of_weights,
    read_signature,
    read_weights,
)

ADAPTER = "manifest"
TARGETS = (ANY, EMPTY_VERIFICATION, MANIFEST_MISMATCH)
_DECIMALS = 6


@dataclass(frozen=True)
class ManifestModel:
    """A forest of HS chapters: `loads` names the columns of its shares, chapters and `empty`."""

    signature: ModelSignature
    loads: tuple[str, ...]
    measure: ClassicalModel = field(repr=False)

    @property
    def name(self) -> str:
        return self.signature.name

    def shares(self, scan: Scan) -> FloatArray:
        """How likely each load is, shape (n_loads,)."""
        planes = planes_of_scan(scan, self.signature)
        features = load_features(planes, self.measure.density_edges, self.measure.material_edges)
        return np.asarray(self.measure.forest.shares(features[None])[0])

    def scores(self, scan: Scan, declared: str) -> dict[str, float]:
        """A score for each target. What was never trained on has no chance; where nothing is declared nothing differs."""
        chance = dict(zip(self.loads, self.shares(scan).tolist(), strict=True))
        mismatch = 1.0 - chance.get(declared, 0.0) if declared else 0.0
        told = {ANY: 0.0, EMPTY_VERIFICATION: 1.0 - chance.get(EMPTY, 0.0), MANIFEST_MISMATCH: mismatch}
        return {target: round(min(max(score, 0.0), 1.0), _DECIMALS) for target, score in told.items()}

    def predict(self, scans: ScanSet, *, n_timed: int = N_TIMED, quiet: bool = True) -> Predictions:
        """Look at every scan and at what is declared of it; a scan that cannot be read is `failed` and stops no other.

        Raises:
            BadValue: The scans are on another track than the model's.
        """
        if scans.track != self.signature.track:
            raise BadValue(
                f"{self.name} looks at the {self.signature.track} track and the scans are on the {scans.track} track. "
                f"Give it dataset.track('{self.signature.track}')."
            )
        looked = progress(scans.scan_ids, f"{self.name} looks at scans", quiet=quiet)
        facts = scans.table.set_index("scan_id")[["corpus", "declared"]]
        rows = [
            {"model": self.name, "dataset_digest": scans.corpora[corpus], "corpus": corpus, "scan_id": scan_id, **row}
            for place, scan_id in enumerate(looked)
            for corpus, declared in (facts.loc[scan_id],)
            for row in self._rows(scans, scan_id, declared, is_timed=place < n_timed)
        ]
        frame = pd.DataFrame(rows, columns=tables.PREDICTIONS.column_names).assign(view=0)
        return Predictions(self.name, tables.check(frame, tables.PREDICTIONS, source=f"predictions of {self.name}"))

    def _rows(self, scans: ScanSet, scan_id: str, declared: str, *, is_timed: bool) -> Iterator[dict[str, object]]:
        try:
            scan = scans.load(scan_id)
            start = time.perf_counter()
            scores = self.scores(scan, declared)
        except Exception:  # whatever is wrong with one scan must not cost the others
            yield {"record": "scan", "status": "failed"}
            return
        latency = {"latency_ms": round((time.perf_counter() - start) * 1e3, 4)} if is_timed else {}
        yield {"record": "scan", "status": "ok", **latency}
        for target, score in scores.items():
            yield {"record": "score", "target": target, "score": score}

    def save(self, folder: Path) -> Path:
        """Write arrays and signature."""
        from safetensors.numpy import save

        documents.write_bytes(folder / WEIGHTS_FILE, save(self.measure.arrays()))
        documents.write_document(folder / SIGNATURE_FILE, self.signature)
        return folder


def planes_of_scan(scan: Scan, signature: ModelSignature) -> tuple[Float32Array, Float32Array]:
    """Density and material planes of the views of a scan, each (n_views, px, px)."""
    views = np.stack([np.moveaxis(view, 2, 0) for view in scan.views]).astype(np.float32)
    return planes_of(views, signature)


def load_features(
    planes: tuple[Float32Array, Float32Array], density_edges: FloatArray, material_edges: FloatArray
) -> Float32Array:
    """What is measured of a load, (n_features,): the mean over its views."""
    return np.asarray(features_of(*planes, density_edges, material_edges).mean(axis=0))


def manifest_model_of(signature: ModelSignature, arrays: dict[str, np.ndarray]) -> ManifestModel:
    """A model from arrays named as in `ClassicalModel.arrays`, and a signature that names the loads."""
    return ManifestModel(signature, tuple(signature.training["loads"]), model_of(signature, arrays))


def load_manifest(folder: Path) -> ManifestModel:
    """Read a model that `ManifestModel.save` wrote.

    Raises:
        BadFile: A file is missing, truncated, or does not fit the other.
    """
    signature = read_signature(folder, adapter=ADAPTER)
    arrays = read_weights(folder / WEIGHTS_FILE)
    if digest_of_weights(arrays) != signature.weights_digest:
        raise BadFile(f"{folder / WEIGHTS_FILE}: not the arrays that {SIGNATURE_FILE} beside it was written for.")
    loads = signature.training.get("loads") or []
    if len(loads) != arrays["value"].shape[1]:
        raise BadFile(
            f"{folder / SIGNATURE_FILE}: names {len(loads)} loads, the forest tells {arrays['value'].shape[1]}."
        )
    return manifest_model_of(signature, arrays)
