"""Short ways in, for notebooks and the command line: a training set, an import of any kind, an example to import."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from xraybench import tasks
from xraybench.core import vocabulary
from xraybench.core.chance import stream
from xraybench.core.errors import BadParameter, UnknownName
from xraybench.core.registry import did_you_mean
from xraybench.core.types import Dataset
from xraybench.data import importers
from xraybench.data.dataset import join, load
from xraybench.data.imports import import_set

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
    format: str = "auto",
    name: str = "",
    vector: str = "",
    classes: Mapping[str, str] | None = None,
    class_map: Path | None = None,
    options: Mapping[str, str] | None = None,
    only: Mapping[str, str] | None = None,
    keep_splits: bool = True,
    is_lenient: bool | None = None,
    sensor: str = vocabulary.UNKNOWN,
    concealment: str = vocabulary.UNKNOWN,
    images: Path | None = None,
    clip: bool = False,
    item_pattern: str | None = None,
    window_counts: tuple[float, float] | None = None,
    licence: str = vocabulary.UNKNOWN,
    licence_of_upstream: str = vocabulary.UNKNOWN,
    use_terms: str = "not stated",
    site: str = vocabulary.UNKNOWN,
    seed: int = 0,
    quiet: bool = False,
) -> Path:
    """Import a folder or file of any known layout; `auto` finds out which.

    Args:
        format: A name of `importers.names()`, or `auto`.
        class_map: A CSV file of class,threat; `classes` goes before it.
        images, clip: Of COCO.
        source, out, name, vector, classes, options, only, keep_splits, is_lenient, sensor, concealment, item_pattern,
            window_counts, licence, licence_of_upstream, use_terms, site, seed, quiet: As in `import_set`.

    Raises:
        BadFile: `source` is of no known layout, or of several.
        BadParameter: `images` or `clip` for a source that is not COCO.
        BadTable: With every fault.
    """
    source = Path(source)
    kind = importers.detect(source).name if format == "auto" else format
    told: dict[str, Any] = {
        "name": name or out.name,
        "vector": vector,
        "sensor": sensor,
        "concealment": concealment,
        "licence": licence,
        "licence_of_upstream": licence_of_upstream,
        "use_terms": use_terms,
        "site": site,
        "seed": seed,
        "quiet": quiet,
    }
    settled = dict(options or {})
    if kind != "coco" and (images is not None or clip):
        raise BadParameter(f"images and clip are of COCO; {source} is read as {kind}, where they mean nothing.")
    if kind == "coco":
        settled = {"images": str(images or source.parent), "clip": "yes" if clip else "no", **settled}
    return import_set(
        source,
        format=kind,
        out=out,
        classes=_classes(kind, class_map, classes),
        options=settled,
        only=only,
        keep_splits=keep_splits,
        is_lenient=is_lenient,
        item_pattern=item_pattern,
        window_counts=window_counts,
        label_source="folder" if kind == "folder" else vocabulary.UNKNOWN,
        **told,
    )


def _classes(kind: str, class_map: Path | None, classes: Mapping[str, str] | None) -> dict[str, str]:
    """The words of the class map file, and those given by hand before them."""
    return {**(importers.read_class_map(class_map, kind) if class_map else {}), **(classes or {})}


def formats() -> list[dict[str, Any]]:
    """The layouts that can be imported: name, title, what lies where, options, and whether it is a set of others."""
    return [
        {
            "name": one.name,
            "title": one.title,
            "layout": one.layout,
            "options": dict(one.options),
            "is_research": one.is_research,
        }
        for one in importers.IMPORTERS
    ]


def template(name: str) -> str:
    """The text of a file that users copy and edit: `sidecar-fields`, `classes` or `uff-mapping`.

    Raises:
        UnknownName: None of these.
    """
    from xraybench.formats import sidecar, uff

    files = {
        "sidecar-fields": sidecar.FIELDS_FILE,
        "classes": importers.CLASSES_FILE,
        "uff-mapping": uff.MAPPING_FILE,
    }
    if name not in files:
        raise UnknownName(f"No template is called '{name}'. {did_you_mean(name, list(files))}")
    return files[name].read_text(encoding="utf-8")


def write_example_dicos(folder: Path, *, seed: int = 0, quiet: bool = False) -> Path:
    """Simulated mail scans as DICOS files to try an import with: two energies of each scan and its ground truth report.

    The open beam is that of the sensor: import them with the option `full_scale=60000`. They are made up, whatever the
    files are called: what is measured on them says nothing of a scanner.
    """
    from xraybench.data.import_dicos import export_dicos

    every = ("train", "calibration", "test")
    export_dicos(load("mail-mail_160kv", profile="smoke", seed=seed, splits=every, quiet=quiet), folder, quiet=quiet)
    return folder


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
