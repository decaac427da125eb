"""Small real things for tests: images on disk, a COCO file, a prediction table. Nothing here is a radiograph."""

import contextlib
import json
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from xraybench.core import tables
from xraybench.formats.images import write_png

DIGEST = "0" * 32


def png(path: Path, *, seed: int = 0, height: int = 24, width: int = 32, channels: int = 3, bits: int = 8) -> Path:
    """A PNG of noise; equal arguments give equal bytes."""
    kind = np.uint16 if bits == 16 else np.uint8
    pixels = np.random.default_rng(seed).integers(0, 2**bits, (height, width, channels)).astype(kind)
    write_png(path, pixels)
    return path


def image_folder(root: Path, counts: dict[str, int], **options: Any) -> Path:
    """A folder of `counts` different PNGs in each class folder, under names that say nothing."""
    seed = 0
    for name, n in counts.items():
        for _ in range(n):
            seed += 1
            png(root / name / f"{seed * 7919 % 10007:05d}.png", seed=seed, **options)
        (root / name).mkdir(parents=True, exist_ok=True)
    return root


def coco_content(n_images: int = 4, *, height: int = 24, width: int = 32) -> dict[str, Any]:
    """A COCO file with a knife in every second image and a phone in the others."""
    return {
        "images": [
            {"id": n, "file_name": f"{n:03d}.png", "width": width, "height": height} for n in range(1, n_images + 1)
        ],
        "annotations": [
            {"id": n, "image_id": n, "category_id": 1 + n % 2, "bbox": [2, 3, 10, 5], "area": 40, "iscrowd": 0}
            for n in range(1, n_images + 1)
        ],
        "categories": [{"id": 1, "name": "knife"}, {"id": 2, "name": "phone"}],
    }


def coco_folder(root: Path, content: dict[str, Any] | None = None, *, n_images: int = 4) -> Path:
    """Images 001.png and on, and `annotations.json` beside them."""
    for n in range(1, n_images + 1):
        png(root / f"{n:03d}.png", seed=n)
    (root / "annotations.json").write_text(json.dumps(content or coco_content(n_images)), encoding="utf-8")
    return root


def predictions(n_scans: int = 3, *, model: str = "a-vendor") -> pd.DataFrame:
    """A sound prediction table: for every scan a scan row, the scores any and blade, and one box."""
    rows: list[dict[str, Any]] = []
    for n in range(n_scans):
        common = {
            "model": model,
            "corpus": "mail-mail_160kv",
            "dataset_digest": DIGEST,
            "scan_id": f"scan{n}",
            "view": 0,
        }
        rows.append({**common, "record": "scan", "status": "ok", "latency_ms": 12.5})
        rows += [{**common, "record": "score", "target": t, "score": 0.25 + n / 10} for t in ("any", "blade")]
        rows.append(
            {**common, "record": "box", "target": "blade", "score": 0.5, "x0": 1.0, "y0": 2.0, "x1": 9.5, "y1": 8.0}
        )
    frame = pd.DataFrame(rows, columns=tables.PREDICTIONS.column_names)
    for column in tables.PREDICTIONS.columns:
        if column.kind == "text":
            frame[column.name] = frame[column.name].fillna("")
    return frame


@contextlib.contextmanager
def no_file_larger_than(n_bytes: int) -> Iterator[None]:
    """The system refuses to write beyond `n_bytes` into a file, as a full disk would."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
