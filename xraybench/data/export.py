"""A dataset handed on: as COCO for those who train with it, or as exchange packages for another administration.

What leaves is what the dataset says, with its card and its licences beside it. Nothing is left out silently: what COCO has
no word for (item, site, concealment) goes with it as a table.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xraybench.core import progress
from xraybench.core.documents import write_bytes, write_text
from xraybench.core.errors import BadFile, BadParameter
from xraybench.core.registry import did_you_mean
from xraybench.core.vocabulary import SPLITS
from xraybench.data import datacard, export_boxes, store
from xraybench.data.counts import COUNT_TRACKS, count_files
from xraybench.data.dataset import read_dataset
from xraybench.data.store import Stored
from xraybench.data.words import FILE as WORDS_FILE
from xraybench.formats import images
from xraybench.formats.coco import Coco, CocoBox, CocoImage, write_coco
from xraybench.formats.package import write_package
from xraybench.formats.uff import Exchange, Learning, PlaneEntry, Region, ScanEvent, ScanSystem, View

COPIED = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")
_SCANS_A_PACKAGE = 200
_CHANNELS = {"raw": ("hi", "lo"), "colour": ("red", "green", "blue"), "grey": ("grey",)}


def export(folder: Path | str, out: Path | str, *, to: str = "coco", quiet: bool = False) -> Path:
    """Write a dataset in another form, whole or not at all.

    Args:
        folder: The dataset.
        out: The new folder; it must not exist, or be empty.
        to: `coco` (images and an annotation file a split), `voc` or `yolo` (the same in their files), or `package`
            (exchange packages of 16-bit planes), or `dicos` (a file a view and energy, and a ground truth report). The
            first three hold pictures: of imported counts of two energies they take the high one, as 16-bit grey. An
            object whose place nobody said gets the whole image as its box there; `labels.csv` leaves it empty.
        quiet: Say nothing.

    Returns:
        `out`: besides the scans it holds `card.md`, `LICENCE.txt` and, with pictures, `labels.csv`.

    Raises:
        BadParameter: No such form.
        BadFile, BadTable, DigestMismatch: As `read_dataset`; or `out` holds something, or an image is not readable.
    """
    if to not in FORMS:
        raise BadParameter(f"No form is called '{to}'. {did_you_mean(to, list(FORMS))}")
    stored, out = store.read_stored(folder), Path(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BadFile(f"{out}: holds something already. Name another folder, or delete it first.")
    out.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
    try:
        FORMS[to](stored, building, quiet)
        write_text(building / "card.md", datacard.card(folder))
        write_text(building / "LICENCE.txt", _licence(stored))
        if (stored.folder / WORDS_FILE).is_file():
            shutil.copyfile(stored.folder / WORDS_FILE, building / WORDS_FILE)
        building.chmod(0o755)
        building.replace(out)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise
    return out


def _licence(stored: Stored) -> str:
    manifest = stored.manifest
    return (
        f"Dataset: {manifest.name}\nDigest: {manifest.digest}\nLicence of this copy: {manifest.licence}\n"
        f"Licence of the source it was taken from: {manifest.licence_of_upstream}\nUse terms: {manifest.use_terms}\n"
        "The licence of a copy never widens that of its source.\n"
    )


def _to_coco(stored: Stored, out: Path, quiet: bool) -> None:
    categories = dict(enumerate(stored.manifest.threats, start=1))
    number_of = {threat: n for n, threat in categories.items()}
    split_of = dict(zip(stored.items["item_id"], stored.items["split"], strict=True))
    found: dict[str, tuple[list[CocoImage], list[CocoBox]]] = {split: ([], []) for split in SPLITS}
    objects = dict(iter(stored.objects.groupby(["scan_id", "view"])))
    scans = zip(stored.scans["scan_id"], stored.scans["item_id"], _written(stored, out / "images"), strict=True)
    n_images = n_boxes = 0
    for scan_id, item_id, views in progress.track(scans, "writing images", total=len(stored.scans), quiet=quiet):
        in_split = found[split_of[item_id]]
        for view, (name, width, height) in enumerate(views):
            n_images += 1
            in_split[0].append(CocoImage(n_images, name, width, height))
            for row in objects[scan_id, view].itertuples() if (scan_id, view) in objects else ():
                n_boxes += 1
                box = (row.x0, row.y0, row.x1, row.y1)
                if np.isnan(box[0]):
                    box = (0.0, 0.0, float(width), float(height))  # only the class is known: the whole image
                area = row.area_px if not np.isnan(row.area_px) else (box[2] - box[0]) * (box[3] - box[1])
                in_split[1].append(CocoBox(n_boxes, n_images, number_of[row.threat], *box, float(area)))
    for split, (shown, boxes) in found.items():
        if shown:
            about = f"{stored.manifest.name}, {split}; digest {stored.manifest.digest}"
            write_coco(out / f"annotations_{split}.json", Coco(tuple(shown), tuple(boxes), categories, about))
    labels = stored.scans.merge(stored.items, on="item_id").merge(
        stored.objects.drop(columns="item_id"), on="scan_id", how="left"
    )
    write_text(out / "labels.csv", pd.DataFrame(labels).to_csv(index=False))


def _written(stored: Stored, folder: Path) -> Iterator[list[tuple[str, int, int]]]:
    """Write the images of each scan under its id; yields name, width and height of each of its views.

    An imported image is copied as it is; a simulated scan is shown in the colours of its sensor.
    """
    folder.mkdir(parents=True)
    if stored.manifest.is_simulated:
        dataset = read_dataset(stored.folder)
        shown = dataset.track("colour" if "colour" in dataset.view_sets else stored.manifest.track)
        for scan_id in stored.scans["scan_id"]:
            yield [_save(folder, scan_id, n, view) for n, view in enumerate(shown.read(scan_id))]
        return
    if stored.manifest.track in COUNT_TRACKS:
        read = count_files(stored)
        for scan_id in stored.scans["scan_id"]:
            yield [_save(folder, scan_id, n, view) for n, view in enumerate(read(scan_id))]
        return
    root = Path(stored.manifest.source)
    files = {scan_id: rows.sort_values("view") for scan_id, rows in stored.files.groupby("scan_id")}
    for scan_id in stored.scans["scan_id"]:
        views = []
        for row in files[scan_id].itertuples():
            path = root / row.path
            pixels = images.read_image(path)
            if path.suffix.lower() in COPIED:
                name = f"{scan_id}_{row.view}{path.suffix.lower()}"
                write_bytes(folder / name, path.read_bytes())
                views.append((name, pixels.shape[1], pixels.shape[0]))
            else:
                views.append(_save(folder, scan_id, row.view, pixels))
        yield views


def _save(folder: Path, scan_id: str, view: int, pixels: NDArray[np.generic]) -> tuple[str, int, int]:
    name = f"{scan_id}_{view}.png"
    images.write_png(folder / name, pixels if pixels.shape[2] in (1, 3) else pixels[..., :1])
    return name, pixels.shape[1], pixels.shape[0]


def _to_package(stored: Stored, out: Path, quiet: bool) -> None:
    scan_ids = stored.scans["scan_id"].tolist()
    starts = range(0, len(scan_ids), _SCANS_A_PACKAGE)
    manifest, read = stored.manifest, _reader(stored)
    for number, start in enumerate(progress.track(starts, "writing packages", quiet=quiet)):
        planes: dict[str, NDArray[np.uint16]] = {}
        chosen = stored.scans.iloc[start : start + _SCANS_A_PACKAGE]
        events = tuple(_event(stored, row, read(row.scan_id), planes) for row in chosen.itertuples())
        exchange = Exchange(
            name=f"{manifest.name}, part {number + 1} of {len(starts)}",
            scans=events,
            systems=(ScanSystem(system_id=manifest.sensor),),
            planes=planes,
            licence=manifest.licence,
            licence_of_upstream=manifest.licence_of_upstream,
            use_terms=manifest.use_terms,
        )
        write_package(out / f"scans-{number:03d}.xrb", exchange)


def _event(
    stored: Stored, scan: Any, views: Sequence[NDArray[np.generic]], planes: dict[str, NDArray[np.uint16]]
) -> ScanEvent:
    item = stored.items[stored.items["item_id"] == scan.item_id].iloc[0]
    objects = stored.objects[stored.objects["scan_id"] == scan.scan_id]
    return ScanEvent(
        scan_id=scan.scan_id,
        item_id=scan.item_id,
        system_id=stored.manifest.sensor,
        vector=scan.vector,
        site=item["site"],
        declared=getattr(scan, "declared", ""),
        views=[_view(stored, scan.scan_id, n, view, planes) for n, view in enumerate(views)],
        regions=[_region(row) for row in objects.itertuples()],
        learning=Learning(split=item["split"], label_source=item["label_source"], provenance=stored.manifest.name),
    )


def _reader(stored: Stored) -> Callable[[str], Sequence[NDArray[np.generic]]]:
    """Gives the views of a scan as they are stored, 16-bit images not narrowed."""
    if stored.manifest.is_simulated or stored.manifest.track in COUNT_TRACKS:
        return read_dataset(stored.folder).scans.read
    root = Path(stored.manifest.source)
    files = {scan_id: rows.sort_values("view")["path"].tolist() for scan_id, rows in stored.files.groupby("scan_id")}
    return lambda scan_id: [images.read_image(root / path) for path in files[scan_id]]


def _view(
    stored: Stored, scan_id: str, number: int, view: NDArray[np.generic], planes: dict[str, NDArray[np.uint16]]
) -> View:
    is_raw = stored.manifest.track == "raw"
    names = _CHANNELS["raw"] if is_raw else _CHANNELS["colour" if view.shape[2] == 3 else "grey"]
    scale = stored.manifest.full_scale if is_raw else 255.0 if view.dtype == np.uint8 else None
    entries = []
    for channel, name in enumerate(names[: view.shape[2]]):
        member = f"planes/{scan_id}-{number}-{name}.u16"
        planes[member] = np.ascontiguousarray(view[..., channel]).astype(np.uint16)
        entries.append(
            PlaneEntry(
                name=name,
                content="raw" if is_raw else "unknown",
                polarity="transmission" if is_raw else "unknown",
                full_scale=scale,
                width=view.shape[1],
                height=view.shape[0],
                member=member,
            )
        )
    return View(planes=entries)


def _region(row: Any) -> Region:
    edges = {
        name: None if np.isnan(getattr(row, name)) else float(getattr(row, name)) for name in ("x0", "y0", "x1", "y1")
    }
    return Region(view=int(row.view), threat=row.threat, concealment=row.concealment, **edges)


def _to_voc(stored: Stored, out: Path, quiet: bool) -> None:
    _to_coco(stored, out, quiet)
    export_boxes.as_voc(out)


def _to_yolo(stored: Stored, out: Path, quiet: bool) -> None:
    _to_coco(stored, out, quiet)
    export_boxes.as_yolo(out)


def _to_dicos(stored: Stored, out: Path, quiet: bool) -> None:
    from xraybench.data.import_dicos import export_dicos

    export_dicos(read_dataset(stored.folder), out / "scans", quiet=quiet)


FORMS: dict[str, Callable[[Stored, Path, bool], None]] = {
    "coco": _to_coco,
    "voc": _to_voc,
    "yolo": _to_yolo,
    "package": _to_package,
    "dicos": _to_dicos,
}
