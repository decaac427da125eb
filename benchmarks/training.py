"""What a training costs and finds: CPU seconds, AUROC, pd at pfa 0.05 and boxes that fit by architecture and track.

    python benchmarks/training.py [--profile quick] [--architectures a,b] [--tracks raw,colour] [--sensor mail_160kv]

Each model learns the train items of both vectors on one sensor, with the default recipe, on one thread, and looks at the
calibration and test items of that sensor and of the other one. The threshold is set on benign calibration items. Simulated
corpora are made first where they are not on disk. The last line is one JSON line of named figures.
"""

import argparse
import json
import os
import sys
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from sklearn.metrics import roc_auc_score

from xraybench import data, sensors, train
from xraybench.core.types import Dataset, Model
from xraybench.metrics.detection import hits_per_item
from xraybench.metrics.screening import threshold_at_pfa

VECTORS = ("mail", "parcel")
ARCHITECTURES = ("test_resnet", "mobilenetv3_small_050", "lcnet_050", "classical")


def trained(architecture: str, track: str, dataset: Dataset, epochs: float) -> tuple[Model, float]:
    """A model and the CPU seconds its training took."""
    start = time.process_time()
    if architecture == "classical":
        model: Model = train.classical(dataset, track=track, quiet=True)
    else:
        model = train.local(dataset, architecture=architecture, track=track, epochs=epochs, device="cpu", quiet=True)
    return model, time.process_time() - start


def found(model: Model, dataset: Dataset, track: str) -> dict[str, float]:
    """AUROC, pd at pfa 0.05, achieved pfa and share of threats that the box overlaps by half (IoU), on the test items."""
    predictions = model.predict(dataset.track(track))
    scores = predictions.kind("score")
    scores = scores[scores["target"] == "any"].set_index("scan_id")["score"]
    table = dataset.scans.table.merge(dataset.items, on="item_id").set_index("scan_id").loc[scores.index]
    is_threat = np.isin(scores.index, dataset.objects["scan_id"])
    is_test = (table["split"] == "test").to_numpy()
    values = scores.to_numpy()
    hits = hits_per_item(scores.index[is_test & is_threat], dataset.objects, predictions.kind("box"), rule="iou")
    threshold = threshold_at_pfa(values[~is_test & ~is_threat], 0.05)
    return {
        "auroc": float(roc_auc_score(is_threat[is_test], values[is_test])),
        "pd": float((values[is_test & is_threat] >= threshold).mean()),
        "pfa": float((values[is_test & ~is_threat] >= threshold).mean()),
        "box_iou_hits": float(np.nanmean(hits)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profile", default="quick")
    parser.add_argument("--sensor", default="mail_160kv")
    parser.add_argument("--epochs", type=float, default=train.EPOCHS)
    parser.add_argument("--architectures", default=",".join(ARCHITECTURES))
    parser.add_argument("--tracks", default="raw,colour")
    options = parser.parse_args()
    dataset = data.training_set(options.sensor, profile=options.profile)
    others = [sensor for sensor in sensors.names() if sensor != options.sensor]
    figures: dict[str, float] = {}
    for track in options.tracks.split(","):
        for architecture in options.architectures.split(","):
            model, cpu_s = trained(architecture, track, dataset, options.epochs)
            figures[f"{architecture}.{track}.train_cpu_s"] = cpu_s
            for sensor in (options.sensor, *others):
                for vector in VECTORS:
                    corpus = data.load(f"{vector}-{sensor}", profile=options.profile)
                    got = found(model, corpus, track)
                    sys.stderr.write(
                        f"{architecture:24s} {track:7s} {cpu_s:6.1f} s  {vector}-{sensor}: auroc {got['auroc']:.3f}  "
                        f"pd {got['pd']:.3f} at pfa {got['pfa']:.3f}  IoU hits {got['box_iou_hits']:.3f}\n"
                    )
                    figures |= {f"{architecture}.{track}.{vector}-{sensor}.{k}": v for k, v in got.items()}
    print(json.dumps({name: round(value, 4) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
