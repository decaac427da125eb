"""Real scans: an image folder (class = folder) or COCO, made into a dataset folder without touching an image.

Images stay where they are; the dataset holds tables, and for each view a relative path and the digest of its bytes. All
faults of an input are told at once, and nothing is written unless there is none. An item is what one file shows (two
files of the same bytes are one item scanned twice, so a copy never stands in two splits), or what `item_pattern` says.
"""

import re
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from xraybench.core import digest, progress, tables, vocabulary
from xraybench.core.documents import DatasetManifest
from xraybench.core.errors import BadFile, BadTable, BadValue
from xraybench.core.registry import did_you_mean
from xraybench.data import splits, store
from xraybench.data.dataset import ImageFile, shown
from xraybench.data.plan import corpus_id, opaque_id
from xraybench.data.splits import BENIGN, SHARES
from xraybench.data.store import Stored
from xraybench.formats import images
from xraybench.formats.coco import CocoBox, read_coco

SKIP = "skip"  # class folder that is left out
IGNORED_FILES = ("thumbs.db", "desktop.ini")
_LOCAL_TERMS = "Not stated. Imported scans stay where they are and are never sent anywhere."
_SENSOR_NAME = re.compile(r"[a-z0-9][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Settings:
    """What the owner says about the scans, the same for all of them."""

    name: str
    vector: str
    sensor: str
    concealment: str
    seed: int
    shares: tuple[float, float, float]
    item_pattern: str | None
    window_counts: tuple[float, float] | None
    licence: str
    licence_of_upstream: str
    use_terms: str
    site: str
    label_source: str


@dataclass(frozen=True, slots=True)
class Find:
    """One threat in a picture: a box with the area of its outline, or none where only the class is known."""

    threat: str
    box: CocoBox | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """One image file of an input, before it is opened: its path below the source folder and what is in it."""

    path: str
    finds: tuple[Find, ...]
    size: tuple[int, int] | None = None  # width and height, where the annotations say

    @property
    def stratum(self) -> str:
        """The threat it is counted under: the first of the vocabulary where there are several."""
        known = vocabulary.names("threat")
        return min((find.threat for find in self.finds), key=known.index, default=BENIGN)

    @property
    def content(self) -> list[str]:
        """What it is said to show, for comparison with a copy of the same bytes."""
        return sorted({find.threat for find in self.finds})


@dataclass(frozen=True, slots=True)
class Opened:
    """A picture that was read in full."""

    picture: Picture
    digest: str
    height: int
    width: int
    is_grey: bool
    is_deep: bool


def import_folder(
    folder: Path | str,
    *,
    name: str,
    vector: str,
    classes: Mapping[str, str],
    out: Path | str,
    sensor: str = vocabulary.UNKNOWN,
    concealment: str = vocabulary.UNKNOWN,
    seed: int = 0,
    shares: tuple[float, float, float] = SHARES,
    item_pattern: str | None = None,
    window_counts: tuple[float, float] | None = None,
    licence: str = vocabulary.UNKNOWN,
    licence_of_upstream: str = vocabulary.UNKNOWN,
    use_terms: str = _LOCAL_TERMS,
    site: str = vocabulary.UNKNOWN,
    label_source: str = "folder",
    quiet: bool = False,
) -> Path:
    """Make a dataset of an image folder in which each class is a folder.

    Args:
        folder: Holds one folder a class; files beside them are not looked at.
        name: What to call the dataset.
        vector: Of the vocabulary.
        classes: Class folder -> a threat of the vocabulary, `benign`, or `skip` to leave it out.
        out: The dataset folder to be made.
        sensor: Sensor id, lower case, or `unknown`.
        concealment: Of every threat here, or `unknown`.
        seed: Of the split.
        shares: Of train, calibration and test, stratified by threat.
        item_pattern: Regular expression on a file's path below `folder`; its first group names the item, so that
            several scans of one bag stay in one split. Left out, each file is an item.
        window_counts: Counts shown as black and as white, for 16-bit images. Without it they are refused.
        licence: Of these files as they lie here.
        licence_of_upstream: Of the collection they were taken from: a copy does not change it.
        use_terms: What the owner allows.
        site: The administration's location.
        label_source: Where the labels come from.
        quiet: Say nothing.

    Returns:
        `out`. An equal dataset that lies there already is left as it is.

    Raises:
        UnknownName: Vector or concealment.
        BadTable: With every fault of mapping and images.
        BadFile: No such folder, or `out` holds something else.
    """
    settings = _settings(
        name=name,
        vector=vector,
        sensor=sensor,
        concealment=concealment,
        seed=seed,
        shares=shares,
        item_pattern=item_pattern,
        window_counts=window_counts,
        licence=licence,
        licence_of_upstream=licence_of_upstream,
        use_terms=use_terms,
        site=site,
        label_source=label_source,
    )
    root = _folder(folder)
    faults = _mapping_faults(classes, "classes", allowed=(BENIGN, SKIP))
    pictures = _class_pictures(root, classes, faults)
    return _write(root, pictures, faults, settings, Path(out), quiet)


def import_coco(
    annotations: Path | str,
    images: Path | str,
    *,
    name: str,
    vector: str,
    categories: Mapping[str, str],
    out: Path | str,
    sensor: str = vocabulary.UNKNOWN,
    concealment: str = vocabulary.UNKNOWN,
    seed: int = 0,
    shares: tuple[float, float, float] = SHARES,
    item_pattern: str | None = None,
    window_counts: tuple[float, float] | None = None,
    clip: bool = False,
    licence: str = vocabulary.UNKNOWN,
    licence_of_upstream: str = vocabulary.UNKNOWN,
    use_terms: str = _LOCAL_TERMS,
    site: str = vocabulary.UNKNOWN,
    label_source: str = vocabulary.UNKNOWN,
    quiet: bool = False,
) -> Path:
    """Make a dataset of a COCO annotation file and its images. An image without an annotated threat is benign.

    Args:
        annotations: The JSON file.
        images: The folder its file names start from. Images it does not name are not looked at.
        categories: Category name -> a threat of the vocabulary, or `benign` for goods that are annotated but no threat.
        clip: Cut boxes that reach beyond their image instead of refusing them.
        name, vector, out, sensor, concealment, seed, shares, item_pattern, window_counts, licence, licence_of_upstream,
            use_terms, site, label_source, quiet: As in `import_folder`.

    Returns:
        `out`. An equal dataset that lies there already is left as it is.

    Raises:
        UnknownName: Vector or concealment.
        BadTable: With every fault: of the annotations if there is one, else of mapping and images.
        BadFile: No such file or folder, not COCO, or `out` holds something else.
    """
    settings = _settings(
        name=name,
        vector=vector,
        sensor=sensor,
        concealment=concealment,
        seed=seed,
        shares=shares,
        item_pattern=item_pattern,
        window_counts=window_counts,
        licence=licence,
        licence_of_upstream=licence_of_upstream,
        use_terms=use_terms,
        site=site,
        label_source=label_source,
    )
    root = _folder(images)
    coco = read_coco(annotations, clip=clip)
    faults = _mapping_faults(categories, "categories", allowed=(BENIGN,))
    faults += _unmapped(list(coco.categories.values()), categories, "category")
    finds: dict[int, list[Find]] = {image.id: [] for image in coco.images}
    for box in coco.boxes:
        threat = categories.get(coco.categories[box.category_id], BENIGN)
        if threat != BENIGN:
            finds[box.image_id].append(Find(threat, box))
    pictures = [Picture(i.file_name, tuple(finds[i.id]), (i.width, i.height)) for i in coco.images]
    if faults:  # strata need threats of the vocabulary
        pictures = [Picture(picture.path, (), picture.size) for picture in pictures]
    return _write(root, pictures, faults, settings, Path(out), quiet)


def _settings(**given: object) -> Settings:
    settings = Settings(**given)  # type: ignore[arg-type]  # the two public signatures are typed
    vocabulary.term("vector", settings.vector)
    if settings.concealment != vocabulary.UNKNOWN:
        vocabulary.term("concealment", settings.concealment)
    if not _SENSOR_NAME.fullmatch(settings.sensor):
        raise BadValue(
            f"sensor '{settings.sensor}': lower case letters, digits and _ only, because it stands in task ids."
        )
    if not settings.name.strip():
        raise BadValue("A dataset needs a name.")
    splits.check_shares(settings.shares)
    if settings.window_counts is not None and not settings.window_counts[0] < settings.window_counts[1]:
        raise BadValue(f"window_counts {settings.window_counts}: the first is black, the second white and larger.")
    return settings


def _folder(folder: Path | str) -> Path:
    root = Path(folder)
    if not root.is_dir():
        raise BadFile(f"{root}: there is no such folder.")
    return root.resolve()


def _mapping_faults(mapping: Mapping[str, str], what: str, *, allowed: tuple[str, ...]) -> list[str]:
    known = [*vocabulary.names("threat"), *allowed]
    faults = [
        f"{what}: '{key}' is mapped to '{value}', which is no threat. {did_you_mean(value, known)}"
        for key, value in mapping.items()
        if value not in known
    ]
    return faults + ([f"{what}: nothing is mapped"] if not mapping else [])


def _unmapped(names: list[str], mapping: Mapping[str, str], kind: str) -> list[str]:
    """Names of the input that are not mapped, and mapped ones that the input does not have."""
    faults = []
    for name in names:
        if name not in mapping:
            near = did_you_mean(name, [key for key in mapping if key not in names]) if set(mapping) - set(names) else ""
            faults.append(f"{kind} '{name}' is not mapped to a threat or '{BENIGN}'. {near}".rstrip())
    for name in mapping:
        if name not in names:
            faults.append(f"{kind} '{name}' is mapped, and the input has none. {did_you_mean(name, names)}")
    return faults


def _class_pictures(root: Path, classes: Mapping[str, str], faults: list[str]) -> list[Picture]:
    found = sorted(path.name for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    faults += _unmapped(found, classes, "class folder")
    threats = vocabulary.names("threat")
    pictures: list[Picture] = []
    for name in found:
        label = classes.get(name, SKIP)
        if label == SKIP:
            continue
        inside = [path.relative_to(root).as_posix() for path in sorted((root / name).rglob("*")) if _is_wanted(path)]
        if not inside:
            faults.append(f"class folder '{name}' is empty")
        finds = (Find(label),) if label in threats else ()
        pictures += [Picture(path, finds) for path in inside]
    return pictures


def _is_wanted(path: Path) -> bool:
    return path.is_file() and not path.name.startswith(".") and path.name.lower() not in IGNORED_FILES


def _write(root: Path, pictures: list[Picture], faults: list[str], settings: Settings, out: Path, quiet: bool) -> Path:
    opened = _open_all(root, pictures, settings, faults, quiet)
    faults += _twin_faults(opened)
    item_of = _items_of(opened, settings, faults)
    if not pictures and not faults:
        faults.append("there is no image")
    if faults:
        raise BadTable(str(root), faults)
    stored = _stored(root, opened, item_of, settings, out)
    if (out / store.MANIFEST).is_file():
        lying = store.read_stored(out)
        if lying.manifest == stored.manifest:
            return out
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BadFile(f"{out}: holds something else already. Name another folder, or delete it first.")
    _publish(stored, out)
    return out


def _publish(stored: Stored, out: Path) -> None:
    """Write beside the place and rename, so that the folder is there whole or not at all."""
    out.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
    try:
        store.write_stored(replace(stored, folder=building))
        building.chmod(0o755)
        building.replace(out)
    except OSError as error:
        shutil.rmtree(building, ignore_errors=True)
        if error.errno in store.DISK_FULL:
            raise BadFile(f"{out}: the disk is full. Nothing was written: make room and call again.") from None
        raise
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise


def _open_all(root: Path, pictures: list[Picture], settings: Settings, faults: list[str], quiet: bool) -> list[Opened]:
    opened = []
    for picture in progress.track(pictures, f"reading {settings.name}", quiet=quiet):
        try:
            opened.append(_open(root, picture, settings))
        except BadFile as error:
            faults.append(str(error).removeprefix(f"{root}/"))
    return opened


def _open(root: Path, picture: Picture, settings: Settings) -> Opened:
    path = root / picture.path
    low, high = settings.window_counts or (np.nan, np.nan)
    stored = images.read_image(path)
    pixels = stored if stored.dtype == np.uint8 else shown(ImageFile(path, low, high))
    height, width = pixels.shape[:2]
    if picture.size is not None and picture.size != (width, height):
        raise BadFile(
            f"{path}: is {width} x {height} pixels, its annotation says {picture.size[0]} x {picture.size[1]}: "
            "the boxes belong to another version of the image."
        )
    return Opened(picture, digest.of_file(path), height, width, images.is_grey(pixels), stored.dtype != np.uint8)


def _twin_faults(opened: list[Opened]) -> list[str]:
    """Files of the same bytes that are said to show different things."""
    first: dict[str, Opened] = {}
    faults = []
    for one in opened:
        twin = first.setdefault(one.digest, one)
        if twin.picture.content != one.picture.content:
            told = " and ".join(", ".join(p.content) or BENIGN for p in (twin.picture, one.picture))
            faults.append(f"{twin.picture.path} and {one.picture.path} are the same bytes, and labelled {told}")
    return faults


def _items_of(opened: list[Opened], settings: Settings, faults: list[str]) -> Callable[[Opened], str]:
    """The name of the item a picture shows; a pattern that does not fit every path is a fault."""
    if settings.item_pattern is None:
        return lambda one: one.digest
    try:
        pattern = re.compile(settings.item_pattern)
    except re.error as error:
        raise BadValue(f"item_pattern '{settings.item_pattern}': not a regular expression ({error}).") from None
    if pattern.groups < 1:
        raise BadValue(f"item_pattern '{settings.item_pattern}': needs a group in brackets that names the item.")
    for one in opened:
        found = pattern.search(one.picture.path)
        if found is None or not found.group(1):
            faults.append(f"{one.picture.path}: item_pattern '{settings.item_pattern}' finds no item in it")
    return lambda one: str(pattern.search(one.picture.path).group(1))  # type: ignore[union-attr]  # checked above


def _stored(
    root: Path, opened: list[Opened], item_of: Callable[[Opened], str], settings: Settings, out: Path
) -> Stored:
    item_ids = {id(one): opaque_id("item", settings.name, item_of(one)) for one in opened}
    scan_ids = {id(one): opaque_id("scan", settings.name, one.picture.path, one.digest) for one in opened}
    items = _items(opened, item_ids, settings)
    scans = _scans(opened, item_ids, scan_ids, settings)
    objects = _objects(opened, item_ids, scan_ids, settings)
    files = _files(opened, scan_ids, settings)
    is_grey = all(one.is_grey for one in opened)
    manifest = DatasetManifest(
        name=settings.name,
        corpus=corpus_id(settings.vector, settings.sensor),
        vector=settings.vector,
        sensor=settings.sensor,
        track="grey" if is_grey else "colour",
        full_scale=255.0,
        threats=[threat for threat in vocabulary.names("threat") if threat in set(objects["threat"])],
        is_simulated=False,
        profile="imported",
        seed=settings.seed,
        licence=settings.licence,
        licence_of_upstream=settings.licence_of_upstream,
        use_terms=settings.use_terms,
        source=str(root),
        n_items=store.n_items_of(items),
        digest="",
    )
    stored = Stored(out, manifest, scans, items, objects, files, {})
    finished = manifest.model_copy(update={"digest": store.digest_of(stored)})
    return Stored(out, finished, scans, items, objects, files, {})


def _items(opened: list[Opened], item_ids: dict[int, str], settings: Settings) -> pd.DataFrame:
    known = [*vocabulary.names("threat"), BENIGN]
    strata: dict[str, str] = {}
    for one in opened:  # an item of several scans counts under its first threat
        item_id = item_ids[id(one)]
        strata[item_id] = min(strata.get(item_id, BENIGN), one.picture.stratum, key=known.index)
    split_of = splits.stratified(strata, seed=settings.seed, shares=settings.shares)
    rows = [(item_id, split, settings.site, settings.label_source) for item_id, split in sorted(split_of.items())]
    return _checked(rows, tables.ITEMS)


def _scans(
    opened: list[Opened], item_ids: dict[int, str], scan_ids: dict[int, str], settings: Settings
) -> pd.DataFrame:
    corpus = corpus_id(settings.vector, settings.sensor)
    rows = sorted(
        (scan_ids[id(one)], item_ids[id(one)], corpus, settings.vector, settings.sensor, 1, one.height, one.width, "")
        for one in opened
    )
    return _checked(rows, tables.SCANS)


def _objects(
    opened: list[Opened], item_ids: dict[int, str], scan_ids: dict[int, str], settings: Settings
) -> pd.DataFrame:
    rows = []
    for one in opened:
        for n, find in enumerate(one.picture.finds):
            box = find.box
            edges = (np.nan,) * 4 if box is None else (box.x0, box.y0, box.x1, box.y1)
            area_px = np.nan if box is None else box.area_px
            share = area_px / (one.height * one.width)
            name = (scan_ids[id(one)], item_ids[id(one)], n, find.threat, "", vocabulary.UNKNOWN)
            rows.append((*name, settings.concealment, 0, *edges, area_px, share))
    rows.sort(key=lambda row: row[:3])
    return _checked(rows, tables.OBJECTS)


def _files(opened: list[Opened], scan_ids: dict[int, str], settings: Settings) -> pd.DataFrame:
    window = settings.window_counts or (np.nan, np.nan)
    rows = sorted(
        (scan_ids[id(one)], 0, one.picture.path, one.digest, *(window if one.is_deep else (np.nan, np.nan)))
        for one in opened
    )
    return _checked(rows, store.FILES)


def _checked(rows: Sequence[tuple[object, ...]], table: tables.Table) -> pd.DataFrame:
    if not rows:
        return tables.empty(table)
    return tables.check(pd.DataFrame(rows, columns=table.column_names), table, source=table.name)
