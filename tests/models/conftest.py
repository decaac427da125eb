"""Tiny fabricated datasets: bright noise with round and square shadows, both channels, boxes known."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from xraybench import train
from xraybench.core import tables
from xraybench.core.chance import stream
from xraybench.core.types import Dataset, ScanSet
from xraybench.formats.predictions import write_predictions
from xraybench.models.classical import ClassicalModel
from xraybench.models.dicos_report import write_reports
from xraybench.models.onnx_file import export_onnx
from xraybench.models.timm_net import TimmNet

THREATS = ("blade", "currency")
DECLARED = ("48", "72", "empty")


def make_toy(
    n: int = 24, *, seed: int = 0, track: str = "raw", split: str = "train", size: tuple[int, int] = (64, 48)
) -> Dataset:
    """Half the items hold a threat: a dense square (blade) or a round of high ratio (currency) among benign stripes."""
    rng = stream(seed, "toy", split)
    height, width = size
    pixels: dict[str, np.ndarray] = {}
    scans, items, objects = [], [], []
    for index in range(n):
        scan_id = f"{rng.integers(2**63):016x}"
        item_id = "i" + scan_id
        hi = rng.uniform(0.0, 0.05, (height, width))
        row = rng.integers(0, height - 6)
        hi[row : row + 5] += 0.5  # a benign stripe
        lo = hi * 1.2
        if index % 2:
            kind = THREATS[(index // 2) % 2]
            side = int(rng.integers(12, 18))
            y, x = int(rng.integers(0, height - side)), int(rng.integers(0, width - side))
            hi[y : y + side, x : x + side] += 1.2 if kind == "blade" else 0.4
            lo[y : y + side, x : x + side] += 1.6 if kind == "blade" else 1.0
            objects.append(
                [
                    scan_id,
                    item_id,
                    0,
                    kind,
                    "",
                    "seen",
                    "undeclared",
                    0,
                    x,
                    y,
                    x + side,
                    y + side,
                    side**2,
                    side**2 / hi.size,
                ]
            )
        counts = 60_000 * np.exp(-np.stack([hi, lo], axis=2))
        if track == "raw":
            pixels[scan_id] = counts.astype(np.uint16)
        else:
            shown = (counts / 60_000 * 255).astype(np.uint8)
            channels = {"colour": [0, 1, 1], "grey": [0]}[track]
            pixels[scan_id] = shown[:, :, channels]
        scans.append([scan_id, item_id, "mail-toy", "mail", "toy", 1, height, width, DECLARED[index // 2 % 3]])
        items.append([item_id, split, "unknown", "simulated"])
    table = pd.DataFrame(scans, columns=tables.SCANS.column_names)
    full_scale = 60_000.0 if track == "raw" else 255.0
    view_set = ScanSet(table, lambda scan_id: (pixels[scan_id],), track, full_scale, {"mail-toy": "0" * 32})
    return Dataset(
        name="toy",
        view_sets={track: view_set},
        items=pd.DataFrame(items, columns=tables.ITEMS.column_names),
        objects=pd.DataFrame(objects, columns=tables.OBJECTS.column_names),
        threats=THREATS,
        is_simulated=True,
        licence="none",
        use_terms="tests",
        profile="smoke",
        seed=seed,
    )


@pytest.fixture(scope="session")
def toy() -> Callable[..., Dataset]:
    """`toy(n, seed=, track=, split=, size=)` makes a dataset."""
    return make_toy


@pytest.fixture(scope="session")
def network() -> TimmNet:
    """A small network that has learned the toy problem."""
    return train.local(
        make_toy(160),
        architecture="test_resnet",
        image_px=64,
        epochs=5,
        seed=0,
        name="toy-net",
        device="cpu",
        quiet=True,
    )


@pytest.fixture(scope="session")
def forest() -> ClassicalModel:
    """A small forest that has learned the toy problem."""
    return train.classical(make_toy(160), n_trees=40, image_px=64, name="toy-forest", quiet=True)


@pytest.fixture(scope="session")
def onnx_folder(network: TimmNet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small network as an ONNX folder."""
    return export_onnx(network, tmp_path_factory.mktemp("onnx"))


@pytest.fixture(scope="session")
def unseen() -> Dataset:
    """Scans that no model was trained on."""
    return make_toy(40, seed=1, split="test")


@pytest.fixture(scope="session")
def saved(
    network: TimmNet,
    forest: ClassicalModel,
    onnx_folder: Path,
    unseen: Dataset,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Path]:
    """Adapter -> a model of that kind on disk."""
    home = tmp_path_factory.mktemp("saved")
    predictions = network.predict(unseen.scans, n_timed=0)
    write_predictions(home / "vendor.parquet", predictions)
    write_reports(predictions, unseen.scans, home / "reports", quiet=True)
    return {
        "timm_net": network.save(home / "net"),
        "classical": forest.save(home / "forest"),
        "manifest": train.manifest(make_toy(60), n_trees=20, image_px=64, quiet=True).save(home / "manifest"),
        "onnx_file": onnx_folder,
        "prediction_file": home / "vendor.parquet",
        "dicos_report": home / "reports",
    }
