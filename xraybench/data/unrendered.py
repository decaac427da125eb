"""A simulated dataset without its pixels: ids, labels, splits and digests from the seed alone.

Enough to score stored predictions, so that anybody can check a published number without a scan or a model.
"""

from pathlib import Path

from xraybench.core.errors import BadValue
from xraybench.core.types import Dataset, ScanSet
from xraybench.data import corpus as corpora
from xraybench.data import dataset, profiles, store
from xraybench.data.plan import recipe
from xraybench.data.store import Stored


def labels_only(name: str, *, profile: str = "quick", seed: int = 0) -> Dataset:
    """The calibration and test items of a task or corpus, as `load` gives them, but nothing can be read.

    Raises:
        UnknownName: No such task, corpus or profile.
    """
    found = [_unrendered(corpus, profile, seed) for corpus in dataset.corpora_of(name)]
    return dataset.join(found, name=name).part("calibration", "test")


def _unrendered(corpus: str, profile: str, seed: int) -> Dataset:
    vector, sensor = corpora.parse_corpus(corpus)
    plan = recipe(vector, profiles.get(profile), seed)
    stored = corpora.tables_of(plan, sensor, Path())
    return _dataset(stored, {corpus: store.digest_of(stored)})


def _dataset(stored: Stored, digests: dict[str, str]) -> Dataset:
    manifest = stored.manifest
    scans = ScanSet(stored.scans, _refuse, manifest.track, manifest.full_scale, digests)
    return Dataset(
        name=manifest.name,
        view_sets={manifest.track: scans},
        items=stored.items,
        objects=stored.objects,
        threats=tuple(manifest.threats),
        is_simulated=True,
        licence=manifest.licence,
        use_terms=manifest.use_terms,
        profile=manifest.profile,
        seed=manifest.seed,
    )


def _refuse(scan_id: str) -> tuple[()]:
    raise BadValue(f"Scan {scan_id} was not rendered: these are labels only. `data.load` renders.")
