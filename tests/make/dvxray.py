"""DvXray in the small: pairs of views with a JSON file each, the word `None` for a clean bag, `difficult` for a box."""

import json
from pathlib import Path
from typing import Any

from fabricated import png


def pair(root: Path, folder: str, name: str, objects: Any, seed: int) -> None:
    for n, view in enumerate(("OL", "SD")):
        png(root / folder / f"{name}_{view}.png", seed=seed * 2 + n, height=24 if n == 0 else 20)
    (root / folder / f"{name}.json").write_text(json.dumps({"name": name, "objects": objects}), encoding="utf-8")


def dvxray(root: Path) -> Path:
    """4 bags with a gun or a knife and a battery, 6 clean ones; one view of one pair is missing."""
    for n in range(4):
        label = ("Gun", "Knife")[n % 2]
        objects = [
            {"label": label, "ol_bb": [12, 8, 2, 3], "sd_bb": "difficult" if n == 0 else [1, 2, 9, 10]},
            {"label": "Battery", "ol_bb": [20, 4, 24, 9], "sd_bb": [20, 4, 24, 9]},
        ]
        pair(root, "DvXray_Positive_Samples", f"P{n:05d}", objects, n)
    for n in range(6):
        pair(root, "DvXray_Negative_Samples", f"N{n:05d}", "None", 100 + n)
    (root / "DvXray_Negative_Samples" / "N00005_SD.png").unlink()
    return root
