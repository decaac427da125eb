"""Is the load what the manifest says, and is empty empty: the manifest reference on simulated containers.

    python benchmarks/manifest.py [--items 1200]

Trains the reference on benign containers, which hold what they declare, and scores the tasks `manifest_mismatch` and
`empty_verification` on containers it never saw. The last line is one JSON of named figures, each with its interval.
"""

import argparse
import json
import os
import tempfile
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

from xraybench import data, evaluate, tasks, train
from xraybench.core.vocabulary import EMPTY_VERIFICATION, MANIFEST_MISMATCH
from xraybench.data import Profile

CORPUS = "container-container_6mev"


def profile_of(n_items: int) -> Profile:
    """A profile without threats: half of about `n_items` are benign train items."""
    part = max(n_items // 12, 60)
    return Profile("manifest", 0, n_items // 2, part, 0, part, 0, part, n_items // 12, part, part)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=1200, help="containers")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XRAYBENCH_HOME"] = folder
        start = time.perf_counter()
        splits = ("train", "calibration", "test")
        dataset = data.load(CORPUS, profile=profile_of(options.items), seed=options.seed, splits=splits)
        figures["made_s"] = time.perf_counter() - start
        start = time.perf_counter()
        model = train.manifest(dataset, seed=options.seed)
        figures["trained_s"] = time.perf_counter() - start
        figures["loads"] = len(model.loads)
        asked = dataset.part("calibration", "test")
        predictions = model.predict(asked.scans)
        for control in (MANIFEST_MISMATCH, EMPTY_VERIFICATION):
            task = tasks.get(f"container-{control}-any-container_6mev-v1")
            for row in evaluate.score(task, asked, predictions).rows:
                if row.metric in ("pd", "pfa", "auroc") and not row.slice_axis:
                    at = "" if row.at is None else f"_at_{row.at:g}"
                    print(
                        f"{control:20s} {row.metric + at:12s} {row.value:.3f} [{row.low:.3f}, {row.high:.3f}] "
                        f"on {row.n_items} items, {row.n_threats} positive"
                    )
                    figures |= {f"{control}_{row.metric}{at}": row.value, f"{control}_{row.metric}{at}_low": row.low}
    print(json.dumps({name: round(float(value), 4) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
