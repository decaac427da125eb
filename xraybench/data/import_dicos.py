"""A folder of DICOS files as a dataset, and a dataset as a folder of DICOS files.

Files of one scan UID are one scan; its views and energies come from the attributes of the series, its labels from ground
truth reports. Two energies of each view become the raw track; one energy is a grey picture. What is not said stays
unknown: a scan without ground truth is left out and not called benign, and no scanner is guessed from a maker's name.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from xraybench.core import progress, vocabulary
from xraybench.core.errors import BadFile, BadValue, MissingExtra
from xraybench.core.types import Dataset, UInt16Array
from xraybench.data.counts import as_channels
from xraybench.data.listing import Box, Find, Listing, Picture, facts_of, folder_of, is_wanted, option_of
from xraybench.formats import dicos
from xraybench.formats.dicos import DxImage, Report, ThreatObject
from xraybench.formats.dicos.records import NOT_TOLD
from xraybench.formats.raster import Plane, Raster

_SPLITS = {"train": "train", "calibration": "val", "test": "test"}  # ours -> as readers name a published split
_SERIES_VIEW, _NOT_SAID = 0x61000024, 0
_UNKNOWN_TEXT = ("", "unknown", "none", "n/a")


@dataclass(slots=True)
class _Scan:
    """The files of one scan UID."""

    images: list[tuple[str, DxImage]] = field(default_factory=list)  # path below the folder, facts without pixels
    truths: list[tuple[str, Report]] = field(default_factory=list)


def read_folder(source: Path, options: Mapping[str, str]) -> tuple[Path, Listing]:
    """Every scan below a folder that has a ground truth report. Pixels are not read here, but when their turn comes.

    Args:
        source: The folder.
        options: `unlabelled`: `skip` (as it stands) or `benign`, for scans without ground truth; `full_scale`: count of
            the open beam, where the bits stored do not tell it.

    Raises:
        BadFile: No such folder, no DICOS file in it, or an option that is none.
    """
    root = folder_of(source)
    unlabelled = option_of(options, "unlabelled", "skip", ("skip", "benign"))
    _full_scale(options)  # a wrong one is refused, also where no scan here needs it
    listing = Listing(label_kind="threat description", splits="the private block of the files")
    scans, n_reports = _grouped(root, listing)
    if not scans:
        raise BadFile(f"{root}: holds no DICOS image.")
    for scan_uid, scan in sorted(scans.items()):
        _take(root, scan_uid, scan, unlabelled == "benign", options, listing)
    if n_reports:
        listing.notes.append(f"{n_reports} reports of machines or operators are no labels; load them as a model")
    listing.labels = list(dict.fromkeys(find.label for picture in listing.pictures for find in picture.finds))
    if not any(picture.split for picture in listing.pictures):
        listing.splits = ""
    return root, listing


def import_dicos(source: Path | str, **told: object) -> Path:
    """Make a dataset of a DICOS folder: `import_set` with the format `dicos`, whose arguments it takes.

    Raises:
        BadFile: No such folder, no DICOS image in it, or `out` holds something else.
        BadTable: With every fault.
    """
    from xraybench.data.imports import import_set

    return import_set(source, format="dicos", **told)  # type: ignore[arg-type]  # checked by import_set itself


def _grouped(root: Path, listing: Listing) -> tuple[dict[str, _Scan], int]:
    scans: dict[str, _Scan] = defaultdict(_Scan)
    reports: list[tuple[str, Report]] = []
    seen: dict[str, str] = {}
    files = sorted(path for path in root.rglob("*") if is_wanted(path))
    for path in progress.track(files, "looking through DICOS files", quiet=len(files) < 200):
        name = path.relative_to(root).as_posix()
        if not dicos.is_dicos(path):
            listing.skip(name, "no DICOS file")
            continue
        try:
            opened = dicos.open_dicos(path, with_pixels=False)
            if opened.kind == "dx":
                image = dicos.dx_of(opened.dataset, np.broadcast_to(np.uint16(0), dicos.size_of(opened)))  # size alone
                if _SERIES_VIEW not in opened.dataset:
                    image = replace(image, view=_NOT_SAID)
                if why := _unusable(image, seen):
                    listing.skip(name, why)
                    continue
                seen[image.instance_uid] = name
                scans[image.inspection.scan_uid].images.append((name, image))
            elif opened.kind == "tdr":
                reports.append((name, dicos.read_tdr(path)))
            else:
                what = {"ct": "a volume", "": "no object of DICOS"}.get(opened.kind, opened.kind)
                listing.skip(name, f"{what}: only projections become scans")
        except BadFile as error:
            listing.skip(name, str(error).removeprefix(f"{root}/").removeprefix(f"{name}: "))
    return scans, _shared_out(scans, reports, listing)


def _unusable(image: DxImage, seen: Mapping[str, str]) -> str:
    if image.inspection.scan_uid == vocabulary.UNKNOWN:
        return "no scan UID (0020,000D): which scan it is of is not known"
    if image.instance_uid in seen:
        return f"its instance UID is that of {seen[image.instance_uid]}"
    return ""


def _shared_out(scans: dict[str, _Scan], reports: Sequence[tuple[str, Report]], listing: Listing) -> int:
    """Give ground truths to their scans, by scan UID or else by the images they name; count the other reports."""
    scan_of = {image.instance_uid: uid for uid, scan in scans.items() for _, image in scan.images}
    n_others = 0
    for name, report in reports:
        if report.report_type != "GROUND TRUTH":
            n_others += 1
            continue
        named = [reference.instance_uid for reference in report.references]
        named += [r.instance_uid for one in report.objects for seen in one.sightings for r in seen.references]
        uid = report.inspection.scan_uid
        if uid not in scans:
            uid = next((scan_of[instance] for instance in named if instance in scan_of), "")
        if uid:
            scans[uid].truths.append((name, report))
        else:
            listing.skip(name, "a ground truth whose scan is not here")
    return n_others


def _take(root: Path, uid: str, scan: _Scan, is_benign: bool, options: Mapping[str, str], listing: Listing) -> None:
    if not scan.images:
        return
    first = scan.images[0][0]
    label = ", ".join(name for name, _ in scan.truths)
    if len(scan.truths) > 1:
        listing.skip(first, f"has {len(scan.truths)} ground truths ({label}); one is meant")
        return
    if not scan.truths and not is_benign:
        listing.skip(first, "no ground truth: whether it is benign is not known")
        return
    truth = scan.truths[0][1] if scan.truths else None
    if truth is not None and (why := _undecided(truth)):
        listing.skip(first, why)
        return
    try:
        views = _views(scan.images)
        names, counts = _pixels(root, views, options)
    except BadFile as error:
        listing.skip(first, str(error))
        return
    image = scan.images[0][1]
    marks = {**image.marks, **(truth.marks if truth else {})}
    instances = " ".join(f"{view}:{one.instance_uid}" for view, pair in enumerate(views) for _, one in pair)
    listing.pictures.append(
        Picture(
            paths=names,
            finds=tuple(_find(one, views) for one in truth.objects if one.is_alarm) if truth else (),
            sizes=tuple((pair[0][1].pixels.shape[1], pair[0][1].pixels.shape[0]) for pair in views),
            item=_item(image, uid),
            split=_SPLITS.get(str(marks.get("split", "")), ""),
            facts=facts_of(
                scan_uid=uid, instances=instances, ooi_type=image.inspection.ooi_type, scanned_at=_moment(image)
            ),
            counts=counts,
        )
    )
    listing.full_scale = _full_scale(options) if counts else listing.full_scale


def _moment(image: DxImage) -> str:
    """When the scan was taken, as ISO 8601; "" where the file does not say."""
    scanned = image.inspection.scanned
    return "" if scanned == NOT_TOLD else scanned.isoformat()


def _undecided(truth: Report) -> str:
    if truth.decision not in ("ALARM", "CLEAR"):
        return "its ground truth decides nothing (4010,1031)"
    if any(one.flag == "UNKNOWN" for threat in truth.objects for one in threat.assessments):
        return "its ground truth leaves an object undecided (4010,1015)"
    if truth.decision == "CLEAR" and any(one.is_alarm for one in truth.objects):
        return "its ground truth says CLEAR and flags a threat"
    if truth.decision == "ALARM" and not any(one.is_alarm for one in truth.objects):
        return "its ground truth says ALARM and flags no threat"
    return ""


def _views(images: list[tuple[str, DxImage]]) -> list[list[tuple[str, DxImage]]]:
    """The images of each view, in the order of views and, within one, high energy first."""
    by_view: dict[int, list[tuple[str, DxImage]]] = defaultdict(list)
    for name, image in images:
        by_view[image.view].append((name, image))
    unsaid = by_view.get(_NOT_SAID, [])
    energies = [image.flavour for _, image in unsaid if image.flavour in (dicos.HIGH, dicos.LOW)]
    if len(unsaid) > 1 and sorted(energies) != [dicos.HIGH, dicos.LOW]:
        if energies or len(by_view) > 1:
            raise BadFile("which of its images show one view is not said (6100,0024)")
        return [[one] for one in unsaid]  # one energy: each image is a view, in the order of the files
    views = [by_view[view] for view in sorted(by_view)]
    for pair in views:
        if len(pair) > 2:
            raise BadFile(
                f"view {pair[0][1].view} has {len(pair)} images; one, or one of each of two energies, is meant"
            )
        if len(pair) == 2:
            flavours = [image.flavour for _, image in pair]
            if sorted(flavours) != [dicos.HIGH, dicos.LOW]:
                told = " and ".join(flavours)
                raise BadFile(
                    f"view {pair[0][1].view} has two images of kind {told}; HIGH ENERGY and LOW ENERGY are meant"
                )
            pair.sort(key=lambda one: one[1].flavour != dicos.HIGH)
    if len({len(pair) for pair in views}) > 1:
        raise BadFile("some of its views have two energies and some have one")
    return views


def _pixels(
    root: Path, views: list[list[tuple[str, DxImage]]], options: Mapping[str, str]
) -> tuple[tuple[str, ...], Callable[[], tuple[UInt16Array, ...]] | None]:
    """The files of the pictures, or the counts of both energies of each view."""
    names = tuple(pair[0][0] for pair in views)
    if len(views[0]) == 1:
        return names, None
    return names, lambda: tuple(_counts(root, pair, options) for pair in views)


def _counts(root: Path, pair: list[tuple[str, DxImage]], options: Mapping[str, str]) -> UInt16Array:
    found, polarity = [], ""
    for name, _ in pair:
        opened = dicos.open_dicos(root / name)
        pixels = dicos.pixels_of(opened.dataset, name)
        if pixels.dtype != np.uint16 or pixels.ndim != 2:
            raise BadFile(f"{name}: pixels of {pixels.dtype}, {pixels.ndim} axes; 16-bit counts are meant")
        if str(opened.dataset.get(0x00281040, "").value) == "LOG":
            raise BadFile(f"{name}: its pixels are logarithms (0028,1040); the raw track holds counts")
        sign = str(opened.dataset.get(0x00281041, "").value)
        polarity = {"1": "transmission", "-1": "absorption"}.get(sign, vocabulary.UNKNOWN)
        found.append(pixels)
    if found[0].shape != found[1].shape:
        raise BadFile(f"{pair[0][0]}: the energies of its view are {found[0].shape} and {found[1].shape} pixels")
    scale = _full_scale(options)
    raster = Raster(np.stack(found, axis=2), (Plane("hi"), Plane("lo")), polarity, scale)
    return as_channels(raster, "raw", scale, pair[0][0])


def _full_scale(options: Mapping[str, str]) -> float:
    try:
        scale = float(options.get("full_scale", 65535))
    except ValueError:
        scale = -1.0
    if not 0 < scale <= 65535:
        raise BadFile(f"option full_scale={options['full_scale']}: a count from 1 to 65535 is meant.")
    return scale


def _item(image: DxImage, scan_uid: str) -> str:
    """What names the inspected item: its ID where one is told, else the scan."""
    told = image.inspection.ooi_id
    if told.lower() in _UNKNOWN_TEXT:
        return scan_uid
    return f"{image.inspection.ooi_id_authority}/{told}"


def _find(threat: ThreatObject, views: list[list[tuple[str, DxImage]]]) -> Find:
    one = next(a for a in threat.assessments if a.flag in ("HIGH_THREAT", "THREAT"))
    view_of = {image.instance_uid: view for view, pair in enumerate(views) for _, image in pair}
    boxes: dict[int, Box] = {}
    for seen in threat.sightings:
        if seen.location == dicos.SOMEWHERE:
            continue
        region = seen.region
        area = float(region.mask.any(axis=0).sum()) if region.mask is not None else float("nan")
        for reference in seen.references:
            if (view := view_of.get(reference.instance_uid)) is not None:
                boxes.setdefault(view, Box(*region.box, area_px=area))
    placed_somewhere = [seen for seen in threat.sightings if seen.location != dicos.SOMEWHERE]
    if not boxes and len(views) == 1 and placed_somewhere:  # one view: it can be no other
        boxes[0] = Box(*placed_somewhere[0].region.box)
    label = one.description.strip() or one.category
    hidden = str(threat.marks.get("concealment", ""))
    placed = tuple(sorted(boxes.items())) or ((0, None),)
    return Find(label, placed, concealment=hidden if hidden in vocabulary.names("concealment") else "")


def check_dicos(source: Path | str, *, quiet: bool = False) -> dict[str, list[str]]:
    """What is wrong with DICOS files: each by itself, and the references between them.

    Args:
        source: A file, or a folder whose files are looked at as belonging together.
        quiet: Say nothing.

    Returns:
        File -> its faults, in the order of the paths; an empty list for a sound file. Those that begin with `refused:` are
        faults for which an independent toolkit refuses the file.

    Raises:
        BadFile: No such file or folder, or no DICOS file in it.
    """
    source = Path(source)
    if not source.exists():
        raise BadFile(f"{source}: there is no such file or folder.")
    files = [source] if source.is_file() else sorted(one for one in source.rglob("*") if is_wanted(one))
    found: dict[str, list[str]] = {}
    heads = {}
    for path in progress.track(files, "checking DICOS files", quiet=quiet or len(files) < 200):
        name = path.name if source.is_file() else path.relative_to(source).as_posix()
        if not dicos.is_dicos(path):
            continue
        try:
            opened = dicos.open_dicos(path)
            if opened.kind == "dx":
                dicos.pixels_of(opened.dataset, name)
        except (BadFile, MissingExtra) as error:
            found[name] = [f"refused: {str(error).removeprefix(f'{path}: ').removeprefix(f'{name}: ')}"]
            continue
        refused = set(dicos.refused(opened.issues))
        found[name] = [f"refused: {issue}" if issue in refused else str(issue) for issue in opened.issues]
        if 0x7FE00010 in opened.dataset:
            del opened.dataset[0x7FE00010]
        heads[name] = opened.dataset
    if not found:
        raise BadFile(f"{source}: holds no DICOS file.")
    for issue in dicos.link_issues(heads) if source.is_dir() else []:
        name, _, where = issue.where.partition(" (")
        found[name].append(f"({where}: {issue.text}" if where else issue.text)
    return found


def export_dicos(dataset: Dataset, folder: Path | str, *, quiet: bool = False) -> list[Path]:
    """Write the scans of a dataset as DICOS files, each with its ground truth report.

    One file for each view and energy (raw track), or each view (grey track), and one report a scan.

    Args:
        dataset: On the raw or the grey track.
        folder: Where the files go, a folder a scan.
        quiet: Say nothing.

    Returns:
        The files.

    Raises:
        BadValue: A dataset in colour: how a scanner colours is not undone.
    """
    track = "raw" if "raw" in dataset.view_sets else "grey"
    scans = dataset.track(track) if track in dataset.view_sets else None
    if scans is None:
        raise BadValue(f"{dataset.name}: scans in colour are not written as DICOS; it takes counts or grey values.")
    split_of = dict(zip(dataset.items["item_id"], dataset.items["split"], strict=True))
    rows = scans.table.set_index("scan_id")
    written: list[Path] = []
    for scan in progress.track(scans, f"writing {dataset.name} as DICOS", total=len(scans), quiet=quiet):
        vector = str(rows.at[scan.scan_id, "vector"])
        marks = {"vector": vector, "split": split_of[scan.item_id], "scan_id": scan.scan_id}
        inspection = dicos.inspection_for(scan.scan_id, scan.item_id, vector)
        images = [
            DxImage(
                inspection,
                np.ascontiguousarray(view[..., channel]),
                view=number,
                n_views=len(scan.views),
                energy=channel + 1,
                n_energies=view.shape[2],
                flavour=(dicos.HIGH, dicos.LOW)[channel] if track == "raw" else "INTENSITY",
                marks=marks,
            )
            for number, view in enumerate(scan.views, start=1)
            for channel in range(view.shape[2])
        ]
        place = Path(folder) / scan.scan_id
        for image in images:
            written.append(place / f"view{image.view}_energy{image.energy}.dcs")
            dicos.write_dx(written[-1], image)
        written.append(place / "truth.dcs")
        dicos.write_tdr(written[-1], _truth(dataset, scan.scan_id, images, marks))
    return written


def _truth(dataset: Dataset, scan_id: str, images: Sequence[DxImage], marks: Mapping[str, str]) -> Report:
    rows = dataset.objects[dataset.objects["scan_id"] == scan_id]
    threats = []
    for number, (_, views) in enumerate(rows.groupby("object_index"), start=1):
        row = views.iloc[0]
        sightings = []
        for seen in views.itertuples():
            of_view = [image for image in images if image.view == seen.view + 1]
            if not of_view:
                continue
            height, width = of_view[0].pixels.shape
            has_box = bool(np.isfinite(seen.x0))
            edges = (seen.x0, seen.y0, seen.x1, seen.y1) if has_box else (0, 0, width, height)
            references = tuple(dicos.reference_to(image) for image in of_view)
            place = "" if has_box else dicos.SOMEWHERE
            sightings.append(dicos.Sighting(dicos.region_of_box(*edges), references, place))
        assessment = dicos.Assessment(dicos.category_of(row["threat"]), "THREAT", row["threat"])
        hidden = {"concealment": str(row["concealment"]), "threat": str(row["threat"])}
        threats.append(dicos.ThreatObject(number, (assessment,), tuple(sightings), marks=hidden))
    return Report(
        images[0].inspection,
        "GROUND TRUTH",
        "ALARM" if threats else "CLEAR",
        tuple(threats),
        tuple(dicos.reference_to(image) for image in images),
        marks=marks,
    )
