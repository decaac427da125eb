"""How fast formats are read and scans come in, beside the usual way to do it, in the same run.

    python benchmarks/formats.py [--sections imports,dicos] [--scans 10000] [--megapixels 12]

A section is one function that makes its own files in a temporary folder and gives named figures; the last line is one JSON
of them all. The peer of the import is Pillow: open each PNG and take its pixels, nothing else. The peer of DICOS is pydicom:
`dcmread(path).pixel_array` of the same file.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from PIL import Image

from xraybench import data

N_TURNS, N_CALLS = 6, 8


def seconds(work: Callable[[], object]) -> float:
    """Processor time of one call: it holds on a busy machine too."""
    start = time.process_time()
    work()
    return time.process_time() - start


def wall_seconds(work: Callable[[], object]) -> float:
    """Wall-clock time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def in_turns(*works: Callable[[], object]) -> list[list[float]]:
    """The wall-clock times of each, warm and in turns, so that a busy machine slows all alike.

    A turn is several calls of one kind, the first not counted: whoever reads a folder reads many files in a row, and the
    memory that the last call gave back is at hand.
    """
    times: list[list[float]] = [[] for _ in works]
    for _ in range(N_TURNS):
        for place, work in enumerate(works):
            work()
            times[place] += [wall_seconds(work) for _ in range(N_CALLS)]
    return times


def png_folder(root: Path, n_scans: int) -> list[Path]:
    """Pictures of the size of a mail scan in colour, with as much structure and noise as one, in two class folders."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:160, :160]
    paths = []
    for number in range(n_scans):
        x, y, width = rng.uniform(40, 120), rng.uniform(40, 120), rng.uniform(10, 50)
        shadow = 120 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / width**2)
        picture = 250 - shadow[..., None] * (0.6, 0.8, 1.0) + rng.normal(0, 2, (160, 160, 1))
        path = root / ("gun" if number % 5 == 0 else "other") / f"{number:06d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).save(path)
        paths.append(path)
    return paths


def decoded(paths: list[Path]) -> None:
    """Every PNG opened once with Pillow, and its pixels taken."""
    for path in paths:
        with Image.open(path) as image:
            np.asarray(image)


def imports(folder: Path, options: argparse.Namespace) -> dict[str, float]:
    """An image folder made into a dataset, beside decoding the same images once."""
    paths = png_folder(folder / "source", options.scans)

    def brought_in() -> None:
        classes = {"gun": "firearm", "other": "benign"}
        data.import_folder(
            folder / "source", name="benchmark", vector="mail", classes=classes, out=folder / "out", quiet=True
        )

    decoded(paths[:100])
    took_import, took_decode = seconds(brought_in), seconds(lambda: decoded(paths))
    return {
        "import_scans": options.scans,
        "import_scans_cpu_s": options.scans / took_import,
        "pillow_scans_cpu_s": options.scans / took_decode,
        "import_time_over_pillow": took_import / took_decode,
    }


def dicos(folder: Path, options: argparse.Namespace) -> dict[str, float]:
    """A DX image read with all checks, beside `pydicom.dcmread(...).pixel_array` of the same file; and a report."""
    figures: dict[str, float] = {}
    for megapixels in (0.5, 2.0, options.megapixels):
        figures |= dx_figures(folder, megapixels)
    return {**figures, "dicos_tdr_read_s": report_seconds(folder)}


def dx_figures(folder: Path, megapixels: float) -> dict[str, float]:
    """Of one size. `sum` touches every pixel: reading alone leaves them where the file was read to."""
    import pydicom

    from xraybench.formats import dicos as ours

    pixels = np.random.default_rng(0).integers(0, 65536, (1000, int(megapixels * 1000)), dtype=np.uint16)
    path = folder / "dx.dcs"
    ours.write_dx(path, ours.DxImage(ours.Inspection(ours.uid_of("benchmark"), "item"), pixels))
    assert np.array_equal(ours.read_dx(path).pixels, pixels)
    plain, checked, plain_sum, checked_sum = (
        statistics.median(times)
        for times in in_turns(
            lambda: pydicom.dcmread(path).pixel_array,
            lambda: ours.read_dx(path).pixels,
            lambda: pydicom.dcmread(path).pixel_array.sum(dtype=np.int64),
            lambda: ours.read_dx(path).pixels.sum(dtype=np.int64),
        )
    )
    megabytes = pixels.nbytes / 1e6
    name = f"dicos_dx_{megabytes:g}mb"
    return {
        f"{name}_read_mb_s": megabytes / checked,
        f"{name}_read_and_sum_mb_s": megabytes / checked_sum,
        f"{name}_pydicom_read_mb_s": megabytes / plain,
        f"{name}_read_time_over_pydicom": checked / plain,
        f"{name}_read_and_sum_time_over_pydicom": checked_sum / plain_sum,
    }


def report_seconds(folder: Path) -> float:
    """A report of 20 objects, read with all checks."""
    from xraybench.formats import dicos as ours

    image = ours.Reference(ours.DX_PROCESSING, ours.uid_of("image"))
    seen = (ours.Sighting(ours.region_of_mask(np.ones((40, 50), bool)), (image,)),)
    objects = tuple(
        ours.ThreatObject(n, (ours.Assessment("PI", "THREAT", "firearm", 0.5),), seen) for n in range(1, 21)
    )
    inspection = ours.Inspection(ours.uid_of("benchmark"), "item")
    report = ours.Report(inspection, "MACHINE", "ALARM", objects, (image,), algorithm=("benchmark", "1"))
    ours.write_tdr(folder / "tdr.dcs", report)
    (times,) = in_turns(lambda: ours.read_tdr(folder / "tdr.dcs"))
    return statistics.median(times)


SECTIONS: dict[str, Callable[[Path, argparse.Namespace], dict[str, float]]] = {
    "imports": imports,
    "dicos": dicos,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sections", default=",".join(SECTIONS), help="which, divided by commas")
    parser.add_argument("--scans", type=int, default=10_000, help="PNG files that are imported")
    parser.add_argument("--megapixels", type=float, default=12.0, help="of the DICOS image")
    options = parser.parse_args()
    figures: dict[str, float] = {}
    for name in options.sections.split(","):
        with tempfile.TemporaryDirectory(prefix=f"xraybench-{name}-") as folder:
            figures |= SECTIONS[name](Path(folder), options)
    print(json.dumps({name: round(value, 4) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
