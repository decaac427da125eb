"""How long a dataset of 100,000 images takes to check, first and after one change; how well copies and text are found.

    python benchmarks/integrity.py [--images 100000]

The images are small made-up pictures in a temporary folder that is removed. Copies are re-encoded, resized and turned
versions of simulated scans. The last line is one JSON of named figures.
"""

import argparse
import io
import json
import os
import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from PIL import Image

from xraybench import data
from xraybench.core import digest, tables
from xraybench.core.documents import DatasetManifest
from xraybench.data import Profile, burned_in, checks, duplicates, manifest, store
from xraybench.data.store import Stored

Picture = np.ndarray


def seconds(work: Callable[[], object]) -> float:
    """Wall-clock time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def made_dataset(root: Path, n_images: int) -> Path:
    """A dataset of so many small PNGs in folders of a thousand, a threat in every fifth."""
    rng = np.random.default_rng(0)
    rows = []
    for n in range(n_images):
        path = f"{n // 1000:03d}/{n:06d}.png"
        small = rng.integers(0, 255, (8, 8), dtype=np.uint8)
        picture = Image.fromarray(small).resize((16, 16), Image.Resampling.BICUBIC)
        buffer = io.BytesIO()
        picture.save(buffer, "PNG", compress_level=1)
        (root / "images" / path).parent.mkdir(parents=True, exist_ok=True)
        (root / "images" / path).write_bytes(buffer.getvalue())
        rows.append((f"{n:016x}", path, digest.of_bytes(buffer.getvalue())))
    return written(root, rows)


def written(root: Path, rows: Sequence[tuple[str, str, str]]) -> Path:
    """The tables of a dataset over these files (scan, path, digest)."""
    ids = pd.Series([row[0] for row in rows])
    splits = np.array(["train", "calibration", "test"])[np.arange(len(rows)) % 3]
    known = {"scan_id": ids, "item_id": ids, "corpus": "baggage-unknown", "vector": "baggage", "sensor": "unknown"}
    known |= {"n_views": 1, "height": 16, "width": 16, "split": splits, "site": "unknown", "label_source": "unknown"}
    known |= {
        "object_index": 0,
        "threat": "blade",
        "concealment": "unknown",
        "view": 0,
        "area_px": 9.0,
        "view_share": 0.04,
    }
    known |= {"x0": 1.0, "y0": 1.0, "x1": 4.0, "y1": 4.0, "path": [row[1] for row in rows]}
    known |= {"digest": [row[2] for row in rows], "low_count": np.nan, "high_count": np.nan}
    whole = pd.DataFrame(known)

    def part(table: tables.Table, rows: pd.DataFrame) -> pd.DataFrame:
        filled = rows.reindex(columns=table.column_names)
        for column in table.columns:  # a column that the benchmark does not know
            if filled[column.name].isna().all() and column.kind == "text":
                filled[column.name] = column.terms[0] if column.terms else ""
        return tables.check(filled, table, source=table.name)

    facts = DatasetManifest(
        name="benchmark", corpus="baggage-unknown", vector="baggage", sensor="unknown", track="grey", full_scale=255.0,
        threats=["blade"], is_simulated=False, profile="imported", seed=0, licence="own", use_terms="free",
        source=str(root / "images"), n_items={name: int((splits == name).sum()) for name in store.SPLITS}, digest="",
    )  # fmt: skip
    frames = [part(tables.SCANS, whole), part(tables.ITEMS, whole), part(tables.OBJECTS, whole[::5])]
    store.write_stored(Stored(root / "dataset", facts, *frames, part(store.FILES, whole), {}))
    return root / "dataset"


def check_figures(root: Path, n_images: int) -> dict[str, float]:
    """Seconds of the first check, of the seal, of a check of nothing new, and of one after one change."""
    figures = {"build_s": seconds(lambda: made_dataset(root, n_images))}
    folder = root / "dataset"
    time.sleep(2.1)  # files younger than two seconds are not trusted to be as they were read
    figures["seal_s"] = seconds(lambda: manifest.seal(folder))
    figures["first_check_s"] = seconds(lambda: checks.inspect(folder, full=True))
    figures["check_nothing_new_s"] = seconds(lambda: checks.inspect(folder))
    changed = root / "images" / "000" / "000007.png"
    changed.write_bytes(changed.read_bytes() + b"\0")
    start, cpu_start = time.perf_counter(), time.process_time()
    report = checks.inspect(folder)
    figures["check_after_one_change_s"] = time.perf_counter() - start
    figures["check_after_one_change_cpu_s"] = time.process_time() - cpu_start  # holds on a busy machine too
    told = [finding.text for finding in report.faults if finding.check == "seal"]
    assert report.n_read == 1, report.n_read
    assert told == ["000/000007.png: other bytes than those that were sealed"], told
    figures["images"] = n_images
    figures["images_read_after_one_change"] = report.n_read
    return figures


def copies_of(picture: Picture, rng: np.random.Generator) -> Picture:
    """A copy: one of the 8 turns, 60 to 100 % of the size, JPEG of quality 50 to 95."""
    image = Image.fromarray(picture)
    turns = list(Image.Transpose)
    if turn := int(rng.integers(len(turns) + 1)):
        image = image.transpose(turns[turn - 1])
    scale = rng.uniform(0.6, 1.0)
    image = image.resize(
        (max(8, int(image.width * scale)), max(8, int(image.height * scale))), Image.Resampling.BICUBIC
    )
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=int(rng.integers(50, 96)))
    return np.asarray(Image.open(io.BytesIO(buffer.getvalue())))


def pictures(n_cells: int = 1) -> list[Picture]:
    """Simulated mail and parcels as their scanner shows them."""
    profile = Profile("pictures", n_cells, 60, 30, 2 * n_cells, 60)
    found: list[Picture] = []
    for vector in ("mail", "parcel"):
        part = data.load(f"{vector}-mail_160kv", profile=profile, seed=3, splits=store.SPLITS, quiet=True)
        found += [scan.views[0] for scan in part.track("colour")]
    return found


def copy_figures(scans: Sequence[Picture]) -> dict[str, float]:
    """Share of copies that are found, and of pairs of different scans that are suspected."""
    rng = np.random.default_rng(1)
    originals = [duplicates.fingerprint(scan) for scan in scans]
    copied = [duplicates.fingerprint(copies_of(scan, rng)) for scan in scans]
    found = {(pair.first, pair.second) for pair in duplicates.pairs([*originals, *copied])}
    n = len(scans)
    apart = len(duplicates.pairs(originals))
    return {
        "copies": n,
        "copies_found_share": float(np.mean([(k, n + k) in found for k in range(n)])),
        "different_pairs": n * (n - 1) / 2,
        "different_pairs_suspected": apart,
    }


TEXTS = ("MSKU 123456-7", "2026-03-14 08:15:22", "OP: J. JANSEN", "AB-12-CD", "SITE ALPHA 4", "ID 000482911")


def written_on(picture: Picture, size_px: int, rng: np.random.Generator) -> Picture | None:
    """The picture with a line of text burned in at its upper or lower edge, as JPEG every second time."""
    from PIL import ImageDraw, ImageFont

    image = Image.fromarray(picture).copy()
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(size_px)
    text = str(rng.choice(TEXTS))
    _, _, width, height = pen.textbbox((0, 0), text, font=font)
    if width > image.width - 4:
        return None
    place = (int(rng.integers(2, max(3, image.width - width - 2))), int(rng.choice([2, image.height - height - 2])))
    behind = picture[max(place[1], 0) : place[1] + int(height), place[0] : place[0] + int(width)].mean()
    pen.text(place, text, fill=(0, 0, 0) if behind > 128 else (255, 255, 255), font=font)
    if rng.random() < 0.5:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=85)
        image = Image.open(buffer)
    return np.asarray(image)


def text_figures(scans: Sequence[Picture]) -> dict[str, float]:
    """Share of scans with burned-in text that are flagged, by height of the letters, and of scans without it."""
    rng = np.random.default_rng(2)
    figures = {"text_false_flag_share": float(np.mean([bool(burned_in.text_lines(scan)) for scan in scans]))}
    for size_px in (9, 12, 16, 24):
        made = [written_on(scan, size_px, rng) for scan in scans]
        found = [bool(burned_in.text_lines(one)) for one in made if one is not None]
        figures[f"text_{size_px}px_flagged_share"] = float(np.mean(found))
    return figures


def real_pictures(folder: Path) -> list[Picture]:
    """Real radiographs, where there are any: grey crops and scans as their scanners show them."""
    paths = sorted(
        path
        for name in ("gdxray_crops", "compassxp")
        for path in (folder / name).rglob("*")
        if path.suffix in (".png", ".jpg")
    )
    return [np.asarray(Image.open(path).convert("RGB")) for path in paths]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=100_000)
    n_images = parser.parse_args().images
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XRAYBENCH_HOME"] = folder
        figures = check_figures(Path(folder), n_images)
        scans = pictures()
        figures |= copy_figures(scans) | text_figures(scans)
        real = real_pictures(Path(os.environ.get("XRAYBENCH_SHARED") or Path(__file__).parents[2] / "shared" / "data"))
        if real:
            figures |= {f"real_{name}": value for name, value in (copy_figures(real) | text_figures(real)).items()}
    figures["peak_memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    for name, value in figures.items():
        print(f"{name:36s} {value:12.4g}")
    print(json.dumps({name: round(float(value), 4) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
