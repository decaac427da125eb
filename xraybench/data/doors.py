"""Short ways in, for notebooks and the command line: a training set, an import of either kind, an example to import."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from xraybench import tasks
from xraybench.core import vocabulary
from xraybench.core.chance import stream
from xraybench.core.errors import BadFile
from xraybench.core.types import Dataset
from xraybench.data.dataset import join, load
from xraybench.data.imports import import_coco, import_folder

_EXAMPLE_IMAGES = 24
_EXAMPLE_PX = 96


def training_set(sensor: str, *, profile: str = "quick", seed: int = 0, quiet: bool = False) -> Dataset:
    """The train items of every vector that has standard tasks on one sensor, as one dataset.

    Raises:
        UnknownName: No such sensor or profile.
    """
    from xraybench import sensors

    parts = [
        load(f"{vector}-{sensor}", profile=profile, seed=seed, splits=("train",), quiet=quiet)
        for vector in tasks.vectors_of(sensors.get(sensor).name)
    ]
    return join(parts, name=f"training set of {sensor}")


def import_scans(
    source: Path,
    *,
    out: Path,
    name: str,
    vector: str,
    classes: Mapping[str, str],
    sensor: str = vocabulary.UNKNOWN,
    concealment: str = vocabulary.UNKNOWN,
    images: Path | None = None,
    clip: bool = False,
    item_pattern: str | None = None,
    window_counts: tuple[float, float] | None = None,
    licence: str = vocabulary.UNKNOWN,
    licence_of_upstream: str = vocabulary.UNKNOWN,
    use_terms: str = "not stated",
    seed: int = 0,
    quiet: bool = False,
) -> Path:
    """Import an image folder (class = folder) or a COCO annotations file, whichever `source` is.

    The arguments are those of `import_folder` and `import_coco`; `images` and `clip` are COCO's.

    Raises:
        BadFile: `source` is neither.
    """
    told: dict[str, Any] = {
        "name": name,
        "vector": vector,
        "sensor": sensor,
        "concealment": concealment,
        "item_pattern": item_pattern,
        "window_counts": window_counts,
        "licence": licence,
        "licence_of_upstream": licence_of_upstream,
        "use_terms": use_terms,
    }
    if source.is_dir():
        return import_folder(source, classes=classes, out=out, seed=seed, quiet=quiet, **told)
    if source.suffix.lower() == ".json" and source.is_file():
        return import_coco(
            source, images or source.parent, categories=classes, clip=clip, out=out, seed=seed, quiet=quiet, **told
        )
    raise BadFile(f"{source}: neither a folder of class folders nor a COCO file ending in .json.")


def write_example_folder(folder: Path, *, seed: int = 0) -> Path:
    """Made-up pictures to try an import with: dark bars in `metal_part`, soft ellipses in `soft_goods`. No scans."""
    from PIL import Image

    rows, columns = np.mgrid[:_EXAMPLE_PX, :_EXAMPLE_PX]
    for number in range(_EXAMPLE_IMAGES):
        rng = stream(seed, "example", number)
        x, y, a, b = rng.uniform(30, 66), rng.uniform(30, 66), rng.uniform(14, 30), rng.uniform(10, 24)
        picture = 235 - 70 * np.exp(-(((columns - x) / a) ** 2) - ((rows - y) / b) ** 2) + rng.normal(0, 3, rows.shape)
        kind = ("soft_goods", "metal_part")[number % 2]
        if kind == "metal_part":
            angle = rng.uniform(0, np.pi)
            across = (columns - x) * np.sin(angle) - (rows - y) * np.cos(angle)
            along = (columns - x) * np.cos(angle) + (rows - y) * np.sin(angle)
            picture = np.where((abs(across) < 3) & (abs(along) < 22), 40, picture)
        path = folder / kind / f"{number:03d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).save(path)
    return folder
