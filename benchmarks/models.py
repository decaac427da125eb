"""Speed of the models per core: training, looking in batches, and one scan at a time in torch and in ONNX Runtime.

    python benchmarks/models.py [--seconds 3] [--image-px 64]

One thread, contents irrelevant, all in one run, so that the ratios hold on a busy machine too: rates are taken over CPU
time. The last line is one JSON line of named figures. The ONNX graph is the same network with the same preprocessing.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
import torch

from xraybench import models, train
from xraybench.core import tables
from xraybench.core.chance import stream
from xraybench.core.types import Dataset, ScanSet
from xraybench.models.onnx_file import check_parity, export_onnx

ARCHITECTURES = ("mobilenetv3_small_050", "lcnet_050", "test_resnet", "resnet10t")
SIDE_PX = 160  # of a mail scan
N_SCANS = 128


def made_up(n: int) -> Dataset:
    """Scans of blocks in air, every second with a threat: of the size and form of mail scans."""
    rng = stream(0, "benchmark")
    scan_ids = [f"{index:016x}" for index in range(n)]
    pixels = {}
    for scan_id in scan_ids:
        view = np.full((SIDE_PX, SIDE_PX, 2), 60_000.0)
        for _ in range(8):
            y, x, h, w = rng.integers(0, SIDE_PX - 8, 4)
            view[y : y + h, x : x + w] *= rng.uniform(0.3, 0.95, 2)
        pixels[scan_id] = view.astype(np.uint16)
    scans = [[s, s, "mail-bench", "mail", "bench", 1, SIDE_PX, SIDE_PX, ""] for s in scan_ids]
    objects = [
        [s, s, 0, "blade", "", "seen", "undeclared", 0, 40.0, 40.0, 90.0, 60.0, 1000.0, 0.04] for s in scan_ids[::2]
    ]
    table = pd.DataFrame(scans, columns=tables.SCANS.column_names)
    return Dataset(
        name="bench",
        view_sets={"raw": ScanSet(table, lambda s: (pixels[s],), "raw", 60_000.0, {"mail-bench": "0" * 32})},
        items=pd.DataFrame([[s, "train", "unknown", "simulated"] for s in scan_ids], columns=tables.ITEMS.column_names),
        objects=pd.DataFrame(objects, columns=tables.OBJECTS.column_names),
        threats=("firearm", "blade", "powder_drugs", "currency"),
        is_simulated=True,
        licence="",
        use_terms="",
        profile="",
        seed=0,
    )


def rate(work: Callable[[], object], n_per_call: int, seconds: float) -> float:
    """Things done per CPU second, after one call to warm up."""
    work()
    start, done = time.process_time(), 0
    while time.process_time() - start < seconds:
        work()
        done += n_per_call
    return done / (time.process_time() - start)


def latency_ms(model: models.Model, scans: ScanSet) -> tuple[float, float]:
    """Median and 99th percentile of one scan at a time."""
    latency = model.predict(scans).kind("scan")["latency_ms"].dropna()
    return float(latency.median()), float(latency.quantile(0.99))


def figures_of(architecture: str, dataset: Dataset, image_px: int, seconds: float, home: Path) -> dict[str, float]:
    options = {"architecture": architecture, "image_px": image_px, "quiet": True, "device": "cpu"}
    network = train.local(dataset, epochs=0.5, **options)
    data = train.prepare(dataset, network.signature)
    views = np.stack([np.moveaxis(dataset.scans.load(s).views[0], 2, 0) for s in dataset.scans.scan_ids[:32]])
    views = views.astype(np.float32)
    folder = export_onnx(network, home / architecture)
    onnx = models.load("onnx_file", folder)
    torch.set_num_threads(1)
    torch_p50, torch_p99 = latency_ms(network, dataset.scans)
    onnx_p50, onnx_p99 = latency_ms(onnx, dataset.scans)
    return {
        "parameters": network.signature.n_parameters,
        "train_scans_per_s": rate(lambda: train.fit(network.net, data, epochs=1, device="cpu"), len(data), seconds),
        "look_scans_per_s_torch": rate(lambda: network.see(views), len(views), seconds),
        "look_scans_per_s_onnx": rate(lambda: onnx.see(views), len(views), seconds),
        "latency_ms_p50_torch": torch_p50,
        "latency_ms_p99_torch": torch_p99,
        "latency_ms_p50_onnx": onnx_p50,
        "latency_ms_p99_onnx": onnx_p99,
        "parity": check_parity(folder),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3.0, help="CPU seconds a rate is taken over")
    parser.add_argument("--image-px", type=int, default=train.IMAGE_PX)
    options = parser.parse_args()
    dataset = made_up(N_SCANS)
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as home:
        for architecture in ARCHITECTURES:
            found = figures_of(architecture, dataset, options.image_px, options.seconds, Path(home))
            told = "  ".join(f"{name} {value:.3g}" for name, value in found.items())
            sys.stderr.write(f"{architecture}: {told}\n")
            figures |= {f"{architecture}.{name}": value for name, value in found.items()}
        forest = train.classical(dataset, quiet=True)
        figures["classical.latency_ms_p50"], figures["classical.latency_ms_p99"] = latency_ms(forest, dataset.scans)
        prepared = rate(lambda: train.prepare(dataset, _signature(dataset, options.image_px)), N_SCANS, options.seconds)
        figures["prepare_scans_per_s"] = prepared
    print(json.dumps({name: float(f"{value:.4g}") for name, value in figures.items()}))


def _signature(dataset: Dataset, image_px: int) -> object:
    from xraybench.models.timm_net import make_signature

    return make_signature(
        name="bench",
        architecture=ARCHITECTURES[0],
        track="raw",
        threats=dataset.threats,
        full_scale=60_000.0,
        image_px=image_px,
    )


if __name__ == "__main__":
    main()
