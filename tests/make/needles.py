"""What may never be in anything a site sends, as bytes to look for: the traffic tests' needles."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from xraybench import data, federate, train
from xraybench.core.documents import FederatedJob
from xraybench.federate.site import signature_of


def planted(name: str, folder: Path, job: FederatedJob, run: federate.FederatedRun) -> dict[str, list[bytes]]:
    """File names, ids of items and scans, rows of pixels raw and as the network sees them, and single scores of a site.

    Scores are looked for as text, and in pairs as numbers: a single one may be among the weights by chance.
    """
    dataset = data.read_dataset(folder)
    words = {*dataset.items["item_id"], *dataset.scans.table["scan_id"], "planted_", str(folder), folder.parent.name}
    scans = [dataset.scans.load(scan_id).views[0] for scan_id in dataset.scans.table["scan_id"][::4]]
    pixels = [scan[row].tobytes() for scan in scans for row in (3, 16)]
    prepared = train.prepare(federate.open_site(name, folder).train, signature_of(job))
    scores = run.net.predict(dataset.scans).kind("score")["score"].to_numpy()
    pairs = [scores[i : i + 2] for i in range(0, len(scores) - 1, 3)]
    return {
        "words": [word.encode() for word in words if len(word) > 3],
        "pixels": [p for p in pixels if len(set(p)) > 4],
        "prepared": [row.tobytes() for row in _rows(prepared)],
        "scores": [pair.astype(kind).tobytes() for pair in pairs for kind in (np.float32, np.float64)]
        + [repr(float(score)).encode() for score in scores[::3]],
    }


def found_in(haystack: bytes, needles: Mapping[str, list[bytes]]) -> dict[str, int]:
    """How many needles of each kind are in there; kinds without one are left out."""
    counts = {kind: sum(needle in haystack for needle in some) for kind, some in needles.items()}
    return {kind: n for kind, n in counts.items() if n}


def _rows(prepared: Any) -> list[np.ndarray]:
    return [image[0, row] for image in np.asarray(prepared.shrunk)[::4] for row in (3, 16)]
