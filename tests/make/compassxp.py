"""COMPASS-XP in the small: a table with tabs, a folder for each rendering, poses of one object."""

from pathlib import Path

from fabricated import png

RENDERINGS = ("Colour", "Density", "Grey", "High", "Low", "Photo")


def compassxp(root: Path) -> Path:
    """2 knives and a hammer (dangerous), 4 cups; two poses of each object."""
    rows = ["basename\tclass\tinstance\tpose\tscan_tray\tdangerous"]
    objects = [("bread_knife", "1", True), ("penknife", "1", True), ("hammer", "1", True)]
    objects += [("cup", str(n), False) for n in range(4)]
    number = 0
    for word, instance, is_dangerous in objects:
        for pose in ("a", "b"):
            number += 1
            rows.append(f"{number:04d}\t{word}\t{instance}\t{pose}\tFalse\t{is_dangerous}")
            for n, rendering in enumerate(RENDERINGS):
                png(root / rendering / f"{number:04d}.png", seed=number * 10 + n)
    (root / "meta.txt").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return root
