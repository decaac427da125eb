"""OPIXray and HiXray in the small: a text file an image, lists, occlusion lists, boxes beyond the border."""

from pathlib import Path

from fabricated import png


def part(root: Path, name: str, labels: list[str | None], seed: int) -> list[str]:
    stems = []
    for n, label in enumerate(labels):
        stem = f"{seed + n:06d}"
        stems.append(stem)
        png(root / name / f"{name}_image" / f"{stem}.png", seed=seed + n)
        text = "" if label is None else f"{stem}.jpg {label} {28 if n == 0 else 2} 3 {40 if n == 0 else 12} 8\n"
        path = root / name / f"{name}_annotation" / f"{stem}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return stems


def opixray(root: Path) -> Path:
    """8 train and 6 test images, two of each occlusion level; one train image is empty, one in no list."""
    train = part(root, "train", ["Folding_Knife", "Scissor", None, "Multi-tool_Knife"] * 2, 9000)
    test = part(root, "test", ["Straight_Knife", "Utility_Knife"] * 3, 9500)
    (root / "train" / "train_knife.txt").write_text("".join(f"{stem}.jpg\n" for stem in train[:-1]), encoding="utf-8")
    (root / "test" / "test_knife.txt").write_text("".join(f"{stem}.jpg\n" for stem in test), encoding="utf-8")
    for level in (1, 2, 3):
        inside = test[2 * level - 2 : 2 * level]
        path = root / "test" / f"test_knife-{level}.txt"
        path.write_text("".join(f"{stem}.jpg\n" for stem in inside), encoding="utf-8")
    return root


def hixray(root: Path) -> Path:
    """6 train and 4 test images of goods that no customs looks for."""
    part(root, "train", ["Portable_Charger_1", "Water", "Mobile_Phone"] * 2, 1000)
    part(root, "test", ["Nonmetallic_Lighter", "Tablet"] * 2, 2000)
    return root
