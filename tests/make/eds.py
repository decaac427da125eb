"""EDS in the small: three domains with lists and VOC files, classes in the loaders' spelling."""

from pathlib import Path

from fabricated import png
from sixray import XML


def eds(root: Path) -> Path:
    """6 train and 4 val images a domain; one listed image has no annotation."""
    labels = ("knife", "smallelectronicequipmen", "drinkbottle")
    for domain in (1, 2, 3):
        folder = root / f"domain{domain}"
        stems = [f"d{domain}_{n:04d}" for n in range(10)]
        for n, stem in enumerate(stems):
            png(folder / "images" / f"{stem}.png", seed=domain * 100 + n)
            if (domain, n) == (3, 9):
                continue
            (folder / "annotations").mkdir(parents=True, exist_ok=True)
            xml = XML.format(name=stem, owner="knife", label=labels[n % 3], x0=2, y0=3, x1=12, y1=8)
            (folder / "annotations" / f"{stem}.xml").write_text(xml, encoding="utf-8")
        (folder / "train.txt").write_text("\n".join(stems[:6]) + "\n", encoding="utf-8")
        (folder / "val.txt").write_text("\n".join(stems[6:]) + "\n", encoding="utf-8")
    return root
