"""How fast the statistics of a board are, beside fairlearn, scikit-learn and faster-coco-eval in the same run.

The bootstrap: 2,000 replicates of pd and AUROC for 20 vendors on 20,000 items in 50 slices. The peers do the same on fewer
replicates, vendors and slices, and are scaled up in proportion. Then DeLong, rank sets and box precision. Run:
`python benchmarks/board_statistics.py [--share 1.0]`; a smaller share shrinks the work. The last line is one JSON object.
"""

import argparse
import contextlib
import io
import json
import os
import resource
from collections.abc import Callable
from time import perf_counter, process_time

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd

from xraybench.metrics import box_precision, panels, ranks, resampling, screening

N_VENDORS, N_ITEMS, N_SLICES, N_REPLICATES = 20, 20_000, 50, 2_000
THRESHOLD = 1.0


def seconds(call: Callable[[], object], *, repeats: int = 3) -> float:
    """Fastest CPU time of a call in seconds: the figure a shared machine disturbs least."""
    times = []
    for _ in range(repeats):
        start = process_time()
        call()
        times.append(process_time() - start)
    return min(times)


def made(n_items: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores of 20 vendors on one set of items, what the items hold, and their slices."""
    rng = np.random.default_rng(0)
    is_threat = rng.random(n_items) < 0.4
    shared = rng.normal(size=n_items)
    own = rng.normal(size=(N_VENDORS, n_items))
    scores = 0.7 * shared + 0.7 * own + is_threat * np.linspace(0.8, 2.0, N_VENDORS)[:, None]
    return scores, is_threat, rng.integers(0, N_SLICES, n_items)


def bootstrap(n_items: int, n_replicates: int) -> dict[str, float]:
    """Our panel, a scikit-learn loop and fairlearn's MetricFrame(n_boot) on the same work."""
    from fairlearn.metrics import MetricFrame
    from sklearn.metrics import recall_score, roc_auc_score

    scores, is_threat, slices = made(n_items)
    limits = np.full(N_VENDORS, THRESHOLD)
    warm = resampling.cluster_weights(np.arange(n_items), is_threat, n_replicates=2, seed=0)
    panels.panel(scores[:1], is_threat, slices, warm, thresholds=limits[:1])  # compiles

    def ours() -> panels.Panel:
        weights = resampling.cluster_weights(np.arange(n_items), is_threat, n_replicates=n_replicates, seed=0)
        return panels.panel(scores, is_threat, slices, weights, thresholds=limits)

    own = seconds(ours, repeats=1)
    rng = np.random.default_rng(1)
    some = 2  # replicates of one vendor that the loop does

    def loop() -> None:
        for _ in range(some):
            rows = rng.integers(0, n_items, n_items)
            for number in range(N_SLICES):
                part = rows[slices[rows] == number]
                roc_auc_score(is_threat[part], scores[0, part])
                recall_score(is_threat[part], scores[0, part] >= THRESHOLD)

    def frame() -> None:
        MetricFrame(
            metrics={"auroc": roc_auc_score, "pd": lambda truth, said: recall_score(truth, said >= THRESHOLD)},
            y_true=is_threat,
            y_pred=scores[0],
            sensitive_features=pd.Series(slices, name="slice"),
            n_boot=some,
            ci_quantiles=[0.025, 0.975],
            random_state=0,
        )

    whole = n_replicates / some * N_VENDORS
    loop_s, frame_s = whole * seconds(loop, repeats=1), whole * seconds(frame, repeats=1)
    return {
        "bootstrap_s": own,
        "sklearn_loop_s_scaled": loop_s,
        "fairlearn_s_scaled": frame_s,
        "faster_than_sklearn": loop_s / own,
        "faster_than_fairlearn": frame_s / own,
    }


def delong(n_items: int) -> dict[str, float]:
    """DeLong covariance of 20 vendors."""
    scores, is_threat, _ = made(n_items)
    return {"delong_s": seconds(lambda: screening.delong(scores[:, is_threat].T, scores[:, ~is_threat].T))}


def rank_sets() -> dict[str, float]:
    """Simultaneous rank sets of 100 vendors from 1,000 replicates."""
    rng = np.random.default_rng(2)
    estimates = np.sort(rng.normal(0.8, 0.03, 100))
    replicates = estimates + 0.01 * rng.normal(size=(1000, 100))
    return {"rank_sets_s": seconds(lambda: ranks.rank_sets(estimates, replicates))}


def boxes(n_views: int) -> dict[str, float]:
    """Average precision of 12 classes, ours and faster-coco-eval's, data prepared for each beforehand."""
    from faster_coco_eval import COCO, COCOeval_faster

    rng = np.random.default_rng(3)
    n = 3 * n_views
    corner, size = rng.uniform(0, 400, (n, 2)), rng.uniform(10, 90, (n, 2))
    view, target = rng.integers(0, n_views, n), rng.integers(0, 12, n)
    truth = box_precision.boxes(view, target, np.hstack([corner, corner + size]))
    moved = np.vstack([corner + rng.normal(0, 6, (n, 2)), rng.uniform(0, 400, (2 * n, 2))])
    wide = np.vstack([size, rng.uniform(10, 90, (2 * n, 2))])
    views = np.concatenate([view, rng.integers(0, n_views, 2 * n)])
    targets = np.concatenate([target, rng.integers(0, 12, 2 * n)])
    found = box_precision.boxes(views, targets, np.hstack([moved, moved + wide]), score=rng.random(3 * n))
    box_precision.box_precision(truth, found)  # compiles
    own = seconds(lambda: box_precision.box_precision(truth, found))

    def rows(b: box_precision.Boxes, **more: object) -> list[dict[str, object]]:
        both = np.hstack([b.xyxy[:, :2], b.xyxy[:, 2:] - b.xyxy[:, :2]])
        return [
            {"image_id": int(v), "category_id": int(t), "bbox": r.tolist(), **{k: w[i] for k, w in more.items()}}
            for i, (v, t, r) in enumerate(zip(b.view, b.target, both, strict=True))
        ]

    with contextlib.redirect_stdout(io.StringIO()):
        told = COCO(
            {
                "images": [{"id": i, "width": 600, "height": 600} for i in range(n_views)],
                "categories": [{"id": i, "name": str(i)} for i in range(12)],
                "annotations": [
                    {**row, "id": i + 1, "area": row["bbox"][2] * row["bbox"][3], "iscrowd": 0}
                    for i, row in enumerate(rows(truth))
                ],
            }
        )
        said = told.loadRes(rows(found, score=found.score.tolist()))

        def peer() -> COCOeval_faster:
            run = COCOeval_faster(told, said, iouType="bbox")
            run.params.areaRng, run.params.areaRngLbl = [[0, 1e10]], ["all"]
            run.params.maxDets = [100]
            run.evaluate()
            run.accumulate()
            return run

        judge = peer().eval["precision"][:, :, :, 0, -1].mean(axis=1).T
        other = seconds(peer)
    difference = float(np.abs(box_precision.box_precision(truth, found).ap - judge).max())
    return {"ap_s": own, "faster_coco_eval_s": other, "ap_ratio": own / other, "ap_difference": difference}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--share", type=float, default=1.0, help="of the items and replicates; 1 is the full work")
    share = parser.parse_args().share
    start = perf_counter()
    figures = bootstrap(int(N_ITEMS * share), max(int(N_REPLICATES * share), 20))
    figures |= delong(int(50_000 * share)) | rank_sets() | boxes(int(5_000 * share))
    figures["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures["wall_s"] = perf_counter() - start
    for name, value in figures.items():
        print(f"{name:>24} {value:,.4g}")
    print(json.dumps({name: float(f"{value:.6g}") for name, value in figures.items()}))


if __name__ == "__main__":
    main()
