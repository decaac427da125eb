"""SIXray in the small: lists by ratio, VOC files with fractions and a person in `owner/name`, images in numbered folders."""

from pathlib import Path

from fabricated import png

XML = """<annotation><folder>x</folder><filename>{name}.jpg</filename>
<owner><flickrid>1</flickrid><name>{owner}</name></owner>
<size><width>32</width><height>24</height><depth>3</depth></size>
<object><name>{label}</name><bndbox><xmin>{x0}</xmin><ymin>{y0}</ymin><xmax>{x1}</xmax><ymax>{y1}</ymax></bndbox></object>
</annotation>"""


def sixray(root: Path) -> Path:
    """10 positives (gun, knife, wrench) and 20 negatives; one listed image is missing, one lies in no list."""
    head = "name,Gun,Knife,Wrench,Pliers,Scissors"
    rows: dict[str, list[str]] = {"train": [head], "test": [head]}
    for n in range(10):
        name, label = f"P{n:05d}", ("Gun", "Knife", "Wrench")[n % 3]
        png(root / "20" / f"{name}.png", seed=n)
        cells = [label == word for word in head.split(",")[1:]]
        if n == 0:
            cells[1] = True  # the list tells a knife that no box shows
        xml = XML.format(name=name, owner="Gun", label=label, x0=2.36, y0=3.5, x1=12.71, y1=8.25)
        (root / "Annotation").mkdir(parents=True, exist_ok=True)
        (root / "Annotation" / f"{name}.xml").write_text(xml, encoding="utf-8")
        rows["test" if n >= 7 else "train"].append(",".join([name, *("1" if cell else "-1" for cell in cells)]))
    for n in range(20):
        png(root / str(n % 2) / f"N{n:07d}.png", seed=100 + n)
        rows["test" if n >= 14 else "train"].append(f"N{n:07d},-1,-1,-1,-1,-1")
    png(root / "0" / "N0009999.png", seed=999)
    rows["train"].append("N0000404,-1,-1,-1,-1,-1")
    for split, lines in rows.items():
        path = root / "ImageSet" / "10" / f"{split}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root
