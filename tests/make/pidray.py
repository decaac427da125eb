"""PIDray in the small: v1 with a file for each difficulty, v2 with benign scans; ids with gaps, crowds, Mac leftovers."""

import json
from pathlib import Path
from typing import Any

from fabricated import png

CATEGORIES = [
    {"id": 1, "name": "Baton"},
    {"id": 5, "name": "Powerbank"},
    {"id": 8, "name": "Gun"},
    {"id": 12, "name": "Knife"},
]


def content(names: list[str], category_ids: list[int | None]) -> dict[str, Any]:
    annotations = []
    for n, category in enumerate(category_ids, start=1):
        if category is not None:
            outline = {"counts": [3, 4, 5], "size": [24, 32]} if n % 2 else [[2, 3, 12, 3, 12, 8]]
            annotations.append(
                {
                    "id": n,
                    "image_id": n,
                    "category_id": category,
                    "bbox": [2, 3, 10, 5],
                    "area": 40,
                    "iscrowd": n % 2,
                    "segmentation": outline,
                }
            )
    images = [{"id": n, "file_name": name, "width": 32, "height": 24} for n, name in enumerate(names, start=1)]
    return {"info": {}, "images": images, "annotations": annotations, "categories": CATEGORIES}


def write(root: Path, file: str, folder: str, names: list[str], ids: list[int | None], seed: int) -> None:
    for n, name in enumerate(names):
        png(root / folder / name, seed=seed + n)
    path = root / "annotations" / f"{file}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content(names, ids)), encoding="utf-8")
    (root / "annotations" / f"._{file}.json").write_bytes(b"\x00Mac")


def pidray_v1(root: Path) -> Path:
    """8 train and 2 test images of each difficulty; one box of the train file has no width."""
    write(root, "xray_train", "train", [f"xray_{n:05d}.png" for n in range(8)], [8, 12, 1, 8, 12, 5, 8, 12], 0)
    for n, level in enumerate(("easy", "hard", "hidden")):
        names = [f"xray_{level}{k:05d}.png" for k in range(2)]
        write(root, f"xray_test_{level}", level, names, [8, 12], 100 * (n + 1))
    path = root / "annotations" / "xray_train.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    told["annotations"].append(
        {"id": 99, "image_id": 1, "category_id": 12, "bbox": [1, 1, 0, 4], "area": 0, "iscrowd": 0}
    )
    path.write_text(json.dumps(told), encoding="utf-8")
    return root


def pidray_v2(root: Path) -> Path:
    """12 train images, 6 of them benign; 4 test images, difficulty in the name."""
    train = [f"xray_{n:05d}.png" for n in range(12)]
    write(root, "train", "train", train, [8 if n % 2 else None for n in range(12)], 0)
    test = ["xray_easy00001.png", "xray_hard00001.png", "xray_hidden00001.png", "xray_hidden00002.png"]
    write(root, "test", "test", test, [8, 12, None, 8], 500)
    return root
