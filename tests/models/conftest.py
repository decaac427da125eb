"""Tiny fabricated datasets: bright noise with round and square shadows, both channels, boxes known."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from xraybench.core import tables
from xraybench.core.chance import stream
from xraybench.core.types import Dataset, ScanSet

THREATS = ("blade", "currency")


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
                [scan_id, item_id, 0, kind, "undeclared", 0, x, y, x + side, y + side, side**2, side**2 / hi.size]
            )
        counts = 60_000 * np.exp(-np.stack([hi, lo], axis=2))
        if track == "raw":
            pixels[scan_id] = counts.astype(np.uint16)
        else:
            shown = (counts / 60_000 * 255).astype(np.uint8)
            channels = {"colour": [0, 1, 1], "grey": [0]}[track]
            pixels[scan_id] = shown[:, :, channels]
        scans.append([scan_id, item_id, "mail-toy", "mail", "toy", 1, height, width])
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
