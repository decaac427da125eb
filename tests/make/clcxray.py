"""CLCXray in the small: three COCO files of the year 2017 in the names of the set."""

import json
from pathlib import Path

from fabricated import png

NAMES = [
    "scissors",
    "knife",
    "dagger",
    "blade",
    "SwissArmyKnife",
    "SprayCans",
    "VacuumCup",
    "PlasticBottle",
    "GlassBottle",
    "CartonDrinks",
    "Cans",
    "Tin",
]


def clcxray(root: Path) -> Path:
    """6 train, 2 val and 4 test images, a cutter in every second one, a bottle in all."""
    number = 0
    for split, n_images in (("train", 6), ("val", 2), ("test", 4)):
        images, annotations = [], []
        for n in range(n_images):
            number += 1
            name = f"{split}{n:04d}.png"
            png(root / f"{split}2017" / name, seed=number)
            images.append({"id": number, "file_name": name, "width": 32, "height": 24})
            for category in [8, 1 + n % 5] if n % 2 else [8]:
                annotations.append(
                    {
                        "id": len(annotations) + 1,
                        "image_id": number,
                        "category_id": category,
                        "bbox": [2, 3, 10, 5],
                        "area": 50,
                        "iscrowd": 0,
                    }
                )
        content = {
            "images": images,
            "annotations": annotations,
            "categories": [{"id": k + 1, "name": name} for k, name in enumerate(NAMES)],
        }
        path = root / "annotations" / f"instances_{split}2017.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content), encoding="utf-8")
    return root
