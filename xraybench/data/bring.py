"""From a listing to a dataset folder: every image opened once, labels mapped, items split, all faults at once.

Images stay where they are and are never written to; the dataset holds tables, and for each view a relative path and the
digest of its bytes. Sources that are no images (packages, planes) are kept as counts in the dataset folder. A killed
import goes on where it stopped (`data/journal.py`). An item is what one file shows (two files of the same bytes are one
item scanned twice, so a copy never stands in two splits), or what the source or `item_pattern` says.
"""

import io
import re
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from xraybench import __version__
from xraybench.core import digest, progress, vocabulary
from xraybench.core.documents import DatasetManifest, write_document
from xraybench.core.errors import BadFile, BadTable, BadValue, UserError
from xraybench.core.registry import did_you_mean
from xraybench.data import counts, journal, rows, splits, store, summary
from xraybench.data.dataset import ImageFile, shown
from xraybench.data.journal import Journal, Seen
from xraybench.data.listing import Box, Find, Listing, Picture, Settings, is_text, told_apart
from xraybench.data.plan import corpus_id, opaque_id
from xraybench.data.rows import Opened
from xraybench.data.splits import BENIGN
from xraybench.data.store import Stored
from xraybench.formats import images

SKIP = "skip"  # a word of the source whose scans are left out
EDGE_SLACK_PX = 0.5  # rounding of annotation tools: so far beyond the border a box is cut without a word
_KEPT_FROM = 1000  # images: a refused import that read so many keeps what it read for the next call
_SENSOR_NAME = re.compile(r"[a-z0-9][a-z0-9_]*")


def check_settings(settings: Settings) -> Settings:
    """The settings, held against the vocabulary.

    Raises:
        UnknownName: Vector or concealment.
        BadValue: Sensor, name, shares, window or item pattern.
    """
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
    if settings.item_pattern is not None:
        _check_pattern(settings.item_pattern)
    return settings


def _check_pattern(text: str) -> None:
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise BadValue(f"item_pattern '{text}': not a regular expression ({error}).") from None
    if pattern.groups < 1:
        raise BadValue(f"item_pattern '{text}': needs a group in brackets that names the item.")


def bring_in(
    root: Path, listing: Listing, classes: Mapping[str, str], settings: Settings, out: Path, *, quiet: bool = False
) -> Path:
    """Make a dataset folder of what a reader found.

    Args:
        root: The source folder: paths of the listing start there.
        listing: What was found.
        classes: Word of the source -> threat of the vocabulary, `benign`, or `skip` to leave out the scans that show it.
        settings: What the owner says.
        out: The dataset folder to be made. An equal dataset that lies there already is left as it is.
        quiet: Say nothing.

    Returns:
        `out`.

    Raises:
        BadTable: With every fault of mapping, annotations and images. A lenient import has those of the mapping alone.
        BadFile: `out` holds something else, or the disk is full.
    """
    check_settings(settings)
    _check_room(out)
    faults = listing.misnamed + _mapping_faults(classes, listing)
    faults += [f"{listing.label_kind} '{w}' is empty" for w in listing.empty if classes.get(w, SKIP) != SKIP]
    broken = bool(faults)
    if not settings.is_lenient:
        faults += listing.faults
        listing.faults = []
    else:
        listing.skipped += [(fault.partition(":")[0], fault.partition(": ")[2] or fault) for fault in listing.faults]
    pictures = [] if broken and settings.is_lenient else _without_skipped(listing, classes)
    work = out.parent / f".{out.name}.importing"
    n_read = 0
    try:
        with Journal(work, _key(root, settings)) as log:
            opened = _open_all(root, pictures, classes, listing, settings, faults, work, log, quiet)
            n_read = len(opened)
        opened = _without_twins(opened, listing, settings, faults)
        item_of = _items_of(opened, settings, faults)
        if not opened and not faults:
            faults.append("there is no image")
            left_out = summary.grouped(listing.skipped)
            faults += [f"left out {one.count}: {one.why} ({', '.join(one.examples)})" for one in left_out]
        if faults:
            raise BadTable(str(root), faults)
        return _written(root, opened, item_of, listing, classes, settings, out, work)
    except OSError as error:
        if error.errno in store.DISK_FULL:
            shutil.rmtree(work, ignore_errors=True)
            raise BadFile(f"{out}: the disk is full. Nothing was written: make room and call again.") from None
        raise
    except UserError:
        if n_read < _KEPT_FROM:
            shutil.rmtree(work, ignore_errors=True)
        raise


def _check_room(out: Path) -> None:
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / store.MANIFEST).is_file())):
        raise BadFile(f"{out}: holds something else already. Name another folder, or delete it first.")


def _key(root: Path, settings: Settings) -> str:
    return digest.of_json([str(root), list(settings.window_counts or ()), settings.format, dict(settings.options)])


def _mapping_faults(classes: Mapping[str, str], listing: Listing) -> list[str]:
    known = [*vocabulary.names("threat"), BENIGN, SKIP]
    kind = listing.label_kind
    plural = {"category": "categories", "class folder": "classes"}.get(kind, "classes")
    faults = [
        f"{plural}: '{word}' is mapped to '{value}', which is no threat. {did_you_mean(value, known)}"
        for word, value in classes.items()
        if value not in known
    ]
    if not classes and (listing.labels or kind == "class folder"):
        faults.append(f"{plural}: nothing is mapped")
    words = listing.labels
    faults += [f"{kind} '{word}' holds letters that are not UTF-8; rename it" for word in words if not is_text(word)]
    for word in filter(is_text, words):
        if word not in classes:
            free = [key for key in classes if key not in words]
            near = did_you_mean(word, free) if free else ""
            faults.append(f"{kind} '{word}' is not mapped to a threat or '{BENIGN}'. {near}".rstrip())
    return faults


def unused_faults(given: Sequence[str], listing: Listing) -> list[str]:
    """Words that are mapped and that the source does not have: misspelt ones, most likely."""
    words = listing.labels
    return [
        f"{listing.label_kind} '{word}' is mapped, and the input has none. {did_you_mean(word, words)}"
        for word in given
        if word not in words
    ]


def _without_skipped(listing: Listing, classes: Mapping[str, str]) -> list[Picture]:
    kept = []
    for picture in listing.pictures:
        words = [find.label for find in picture.finds if classes.get(find.label) == SKIP]
        if words:
            listing.skip(picture.path, f"shows '{words[0]}', whose scans are skipped")
        else:
            kept.append(picture)
    return kept


def _open_all(
    root: Path,
    pictures: list[Picture],
    classes: Mapping[str, str],
    listing: Listing,
    settings: Settings,
    faults: list[str],
    work: Path,
    log: Journal,
    quiet: bool,
) -> list[Opened]:
    opened = []
    what = f"reading {settings.name}" + (f" (goes on after {log.n_known} images)" if log.n_known else "")
    threats = {word: threat for word, threat in classes.items() if threat in vocabulary.names("threat")}
    for picture in progress.track(pictures, what, quiet=quiet):
        told: list[str] = []
        try:
            _check_letters(root, picture)
            views = _views(root, picture, settings, work, log)
            finds = _placed_finds(picture, views, threats, settings, told)
        except (BadFile, BadTable) as error:
            told = told_apart(error, root)
            if settings.is_lenient:
                listing.skip(picture.path, told[0].removeprefix(f"{picture.path}: "))
                continue
            faults += told
            continue
        if settings.is_lenient:
            listing.skipped += [(picture.path, line) for line in told]
        elif told:
            faults += [f"{picture.path}: {line}" for line in told]
        opened.append(Opened(picture, views, finds))
    return opened


def _check_letters(root: Path, picture: Picture) -> None:
    """Refuse names and words that no table and no JSON can hold: a file name of another encoding, half a letter."""
    words = [*picture.paths, picture.item, *(find.label for find in picture.finds)]
    words += [text for fact in picture.facts for text in fact]
    if not all(map(is_text, words)):
        raise BadFile(f"{root / picture.path}: its name or annotation holds letters that are not UTF-8; rename it.")


def _views(root: Path, picture: Picture, settings: Settings, work: Path, log: Journal) -> tuple[Seen, ...]:
    if picture.counts is not None:
        return _kept_counts(root, picture, work, log)
    views = []
    for number, path in enumerate(picture.paths):
        views.append(_image(root, path, settings, log))
        if number < len(picture.sizes):
            width, height = picture.sizes[number]
            if (width, height) != (views[-1].width, views[-1].height):
                raise BadFile(
                    f"{root / path}: is {views[-1].width} x {views[-1].height} pixels, its annotation says {width} x "
                    f"{height}: the boxes belong to another version of the image."
                )
    return tuple(views)


def _image(root: Path, name: str, settings: Settings, log: Journal) -> Seen:
    path = root / name
    stamp = _stamp(path)
    known = log.find(name, stamp)
    if known is not None:
        return known
    content = images.read_file(path)
    pixels = images.decode_image(content, path)
    is_deep = pixels.dtype != np.uint8
    if is_deep and settings.window_counts is None:
        shown(ImageFile(path, float("nan"), float("nan")))  # says why it is refused
    seen = Seen(digest.of_bytes(content), pixels.shape[0], pixels.shape[1], images.is_grey(pixels), is_deep)
    log.add(name, stamp, seen)
    return seen


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except FileNotFoundError:
        raise BadFile(f"{path}: there is no such file.") from None
    except OSError as error:
        raise BadFile(f"{path}: cannot be read ({error.strerror or error}).") from None
    return found.st_size, found.st_mtime_ns


def _kept_counts(root: Path, picture: Picture, work: Path, log: Journal) -> tuple[Seen, ...]:
    """The counts of a scan, written beside the tables to be: a later reader needs no decoder."""
    stamp = _stamp(root / picture.path.partition("#")[0])
    known = [log.find(f"{picture.path}@{n}", stamp) for n in range(len(picture.sizes) or 1)]
    if all(seen is not None and (work / seen.stored).is_file() for seen in known):
        return tuple(seen for seen in known if seen is not None)
    views = []
    assert picture.counts is not None
    for number, pixels in enumerate(picture.counts()):
        is_grey = pixels.shape[2] == 1
        stored = f"{counts.FOLDER}/{opaque_id('view', picture.path, number)}.{'png' if is_grey else 'npy'}"
        content = _png(pixels) if is_grey else _npy(pixels)
        (work / counts.FOLDER).mkdir(parents=True, exist_ok=True)
        (work / f"{stored}.part").write_bytes(content)
        (work / f"{stored}.part").replace(work / stored)
        is_deep = pixels.dtype != np.uint8
        seen = Seen(digest.of_bytes(content), pixels.shape[0], pixels.shape[1], is_grey, is_deep, stored)
        log.add(f"{picture.path}@{number}", stamp, seen)
        views.append(seen)
    return tuple(views)


def _png(pixels: Any) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels[..., 0])).save(buffer, format="PNG")
    return buffer.getvalue()


def _npy(pixels: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(pixels, "<u2"), allow_pickle=False)
    return buffer.getvalue()


def _placed_finds(
    picture: Picture, views: Sequence[Seen], threats: Mapping[str, str], settings: Settings, told: list[str]
) -> tuple[tuple[str, Find], ...]:
    """The threats of a scan with boxes in pixels and inside their view; equal ones without a box stand once."""
    found: list[tuple[str, Find]] = []
    for find in picture.finds:
        threat = threats.get(find.label)
        if threat is None:
            continue
        boxes = tuple(
            (view, _placed(box, views[view], find.label, settings, told) if view < len(views) else None)
            for view, box in find.boxes
        )
        placed = (threat, replace(find, boxes=boxes))
        if any(box is not None for _, box in boxes) or placed not in found:
            found.append(placed)
    return tuple(found)


def _placed(box: Box | None, view: Seen, label: str, settings: Settings, told: list[str]) -> Box | None:
    if box is None:
        return None
    width, height = float(view.width), float(view.height)
    if box.is_share:
        box = replace(box, x0=box.x0 * width, x1=box.x1 * width, y0=box.y0 * height, y1=box.y1 * height, is_share=False)
    cut = (max(box.x0, 0.0), max(box.y0, 0.0), min(box.x1, width), min(box.y1, height))
    edges = f"box {box.x0:g}, {box.y0:g}, {box.x1:g}, {box.y1:g} of '{label}'"
    if (
        not settings.is_lenient
        and max(cut[0] - box.x0, cut[1] - box.y0, box.x1 - cut[2], box.y1 - cut[3]) > EDGE_SLACK_PX
    ):
        told.append(f"{edges} reaches beyond the image of {view.width} x {view.height}")
        return None
    if cut[0] >= cut[2] or cut[1] >= cut[3]:
        told.append(
            "a box without extent, or wholly outside its image: the class is kept without it"
            if settings.is_lenient
            else f"{edges} has no width or no height inside the image"
        )
        return None
    area = (cut[2] - cut[0]) * (cut[3] - cut[1])
    return Box(*cut, area_px=min(box.area_px, area) if box.area_px == box.area_px and box.area_px > 0 else area)


def _without_twins(opened: list[Opened], listing: Listing, settings: Settings, faults: list[str]) -> list[Opened]:
    """Files of the same bytes that are said to show different things: a fault, or left out with all their copies."""
    first: dict[str, Opened] = {}
    wrong: set[str] = set()
    for one in opened:
        twin = first.setdefault(one.digest, one)
        if twin.content != one.content:
            wrong.add(one.digest)
            if not settings.is_lenient:
                told = " and ".join(", ".join(o.content) or BENIGN for o in (twin, one))
                faults.append(f"{twin.picture.path} and {one.picture.path} are the same bytes, and labelled {told}")
    if not settings.is_lenient or not wrong:
        return opened
    for one in opened:
        if one.digest in wrong:
            listing.skip(one.picture.path, "a copy of it, byte for byte, is labelled otherwise")
    return [one for one in opened if one.digest not in wrong]


def _items_of(opened: list[Opened], settings: Settings, faults: list[str]) -> dict[str, str]:
    """Path of a scan -> name of the item it shows; a pattern that does not fit every path is a fault."""
    if settings.item_pattern is None:
        return {one.picture.path: one.picture.item or one.digest for one in opened}
    pattern, named = re.compile(settings.item_pattern), {}
    for one in opened:
        found = pattern.search(one.picture.path)
        if found is None or not found.group(1):
            faults.append(f"{one.picture.path}: item_pattern '{settings.item_pattern}' finds no item in it")
        else:
            named[one.picture.path] = str(found.group(1))
    return named


def _written(
    root: Path,
    opened: list[Opened],
    item_of: Mapping[str, str],
    listing: Listing,
    classes: Mapping[str, str],
    settings: Settings,
    out: Path,
    work: Path,
) -> Path:
    item_ids = {one.picture.path: opaque_id("item", settings.name, item_of[one.picture.path]) for one in opened}
    scan_ids = {one.picture.path: opaque_id("scan", settings.name, one.picture.path, one.digest) for one in opened}
    every = [view for one in opened for view in one.views]
    is_counts = any(view.stored.endswith(".npy") for view in every)
    is_kept = any(view.stored for view in every)
    if (is_kept and not all(view.stored for view in every)) or (
        is_counts and not all(view.stored.endswith(".npy") for view in every)
    ):
        raise BadFile(f"{root}: some scans are counts and some are pictures; import them as two datasets.")
    items = rows.items_of(opened, item_ids, listing, settings)
    scans = rows.scans_of(opened, item_ids, scan_ids, settings)
    objects = rows.objects_of(opened, item_ids, scan_ids, settings)
    files = rows.files_of(opened, scan_ids, settings.window_counts or (0.0, listing.full_scale))
    is_grey = all(view.is_grey for one in opened for view in one.views)
    manifest = DatasetManifest(
        name=settings.name,
        corpus=corpus_id(settings.vector, settings.sensor),
        vector=settings.vector,
        sensor=settings.sensor,
        track="raw" if is_counts else "grey" if is_grey else "colour",
        full_scale=listing.full_scale if is_counts else 255.0,
        threats=[threat for threat in vocabulary.names("threat") if threat in set(objects["threat"])],
        is_simulated=False,
        profile="imported",
        seed=settings.seed,
        licence=settings.licence,
        licence_of_upstream=settings.licence_of_upstream,
        use_terms=settings.use_terms,
        source=str(out.absolute() if is_kept else root),
        n_items=store.n_items_of(items),
        digest="",
    )
    stored = Stored(work, manifest, scans, items, objects, files, {})
    finished = replace(stored, manifest=manifest.model_copy(update={"digest": store.digest_of(stored)}))
    if (out / store.MANIFEST).is_file() and store.read_unchecked(out).manifest == finished.manifest:
        shutil.rmtree(work, ignore_errors=True)
        return out
    if out.exists() and any(out.iterdir()):
        raise BadFile(f"{out}: holds something else already. Name another folder, or delete it first.")
    _write_beside(work, opened, scan_ids, listing, classes, settings, finished)
    (work / journal.NAME).unlink(missing_ok=True)
    for path in set((work / counts.FOLDER).glob("*")) - {work / view.stored for view in every if view.stored}:
        path.unlink()  # of scans that an earlier, killed import took and this one did not
    store.write_stored(finished)
    work.chmod(0o755)
    work.replace(out)
    return out


def _write_beside(
    work: Path,
    opened: list[Opened],
    scan_ids: Mapping[str, str],
    listing: Listing,
    classes: Mapping[str, str],
    settings: Settings,
    stored: Stored,
) -> None:
    """The summary, and the facts that have no column of their own."""
    words = Counter(find.label for one in opened for find in one.picture.finds)
    own = "stratified by threat, from the seed"
    told = summary.ImportSummary(
        format=settings.format,
        version=__version__,
        options=dict(settings.options),
        n_scans=len(stored.scans),
        n_items=len(stored.items),
        n_images=len(stored.files),
        classes={word: classes[word] for word in dict.fromkeys((*listing.labels, *words)) if word in classes},
        n_objects={word: words.get(word, 0) for word in dict.fromkeys((*listing.labels, *words))},
        splits=listing.splits or own,
        skipped=summary.grouped(listing.skipped),
        notes=listing.notes,
    )
    write_document(work / summary.FILE, told)
    told_facts = [
        (scan_ids[one.picture.path], fact, value) for one in opened for fact, value in _facts(one.picture, listing)
    ]
    if told_facts:
        frame = pd.DataFrame(sorted(told_facts), columns=summary.FACTS.column_names)
        store.write_table(work / summary.FACTS_FILE, frame, summary.FACTS)


def _facts(picture: Picture, listing: Listing) -> list[tuple[str, str]]:
    found = list(picture.facts)
    if picture.split:
        found.append(("published_split", picture.split))
    words = sorted({find.label for find in picture.finds})
    if words and listing.label_kind != "class folder":
        found.append(("source_labels", "; ".join(words)))
    return found
