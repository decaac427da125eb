"""CargoXray in the small: packed JSON tables, centre boxes as shares, free labels with synonyms and gaps."""

import gzip
import json
from pathlib import Path
from typing import Any

from fabricated import png


def packed(path: Path, table: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(json.dumps(table).encode(), mtime=0))


def cargoxray(root: Path) -> Path:
    """6 images with goods; labels in three spellings, one missing, one box that is none; the images as columns."""
    labels = ["Shoes", " shoes ", "SHOE", None, "tyres", "tyres"]
    boxes = [
        {"bbox_id": n, "image_id": n, "x": 0.5, "y": 0.5, "width": 0.25 if n < 5 else 7, "height": 0.5, "label": label}
        for n, label in enumerate(labels)
    ]
    packed(root / "annotations.json.gz", boxes)
    for n in range(6):
        png(root / "images" / f"{n}.png", seed=n, channels=1)
    columns = {
        "image_id": {str(n): n for n in range(7)},
        "filepath": {str(n): f"images/{n}.png" if n < 6 else "../../etc/passwd" for n in range(7)},
        "width": {str(n): 32 for n in range(7)},
        "height": {str(n): 24 for n in range(7)},
    }
    packed(root / "images.json.gz", columns)
    (root / "synonyms.csv").write_text("label,class\nshoe,shoes\n", encoding="utf-8")
    return root
