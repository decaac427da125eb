"""Exchange packages, and UFF through a decoder that somebody else installed: scan events with counts and regions."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xraybench.core import vocabulary
from xraybench.core.errors import BadFile, BadTable
from xraybench.core.vocabulary import UNKNOWN
from xraybench.data.counts import as_channels, one_full_scale
from xraybench.data.importers.planes import number_of
from xraybench.data.listing import Box, Find, Listing, Picture, facts_of, option_of, told_apart
from xraybench.formats.package import SUFFIX, read_package
from xraybench.formats.raster import POLARITIES, Plane, Raster
from xraybench.formats.uff import Exchange, Region, ScanEvent, looks_like_uff, read_uff

_TRACK = "raw"
_SOURCES = {"search": "physical_search", "analyst": "expert", "machine": "machine"}


def read_packages(source: Path, options: Mapping[str, str]) -> tuple[Path, Listing]:
    """The scans of one package, or of all packages in a folder.

    Raises:
        BadFile: No such source, a package that is none, planes that are not hi and lo, or no known open beam.
    """
    paths = sorted(source.glob(f"*{SUFFIX}")) if source.is_dir() else [source]
    if not paths:
        raise BadFile(f"{source}: holds no package ({SUFFIX}).")
    return _read(paths, read_package, options)


def read_uff_file(source: Path, options: Mapping[str, str]) -> tuple[Path, Listing]:
    """The scans that an installed decoder finds in a file.

    Raises:
        BadFile: No decoder, none that knows the file, planes that are not hi and lo, or no known open beam.
    """
    return _read([source], read_uff, options)


def is_package(source: Path) -> bool:
    """A package, or a folder that holds one."""
    return source.suffix.lower() == SUFFIX or (source.is_dir() and next(source.glob(f"*{SUFFIX}"), None) is not None)


def is_uff(source: Path) -> bool:
    """A file whose name says so."""
    return source.is_file() and looks_like_uff(source)


def _read(paths: list[Path], read: Callable[[Path], Exchange], options: Mapping[str, str]) -> tuple[Path, Listing]:
    root = paths[0].parent.resolve()
    listing = Listing()
    given_scale = number_of(options, "full_scale")
    given_polarity = option_of(options, "polarity", UNKNOWN, POLARITIES)
    scales = [given_scale]
    for path in paths:
        try:
            exchange = read(path)
        except (BadFile, BadTable) as error:
            if len(paths) == 1:
                raise
            listing.faults += told_apart(error, root)
            continue
        listing.notes.append(
            f"{path.name}: licence {exchange.licence}, of upstream {exchange.licence_of_upstream}, use: {exchange.use_terms}"
        )
        for number, scan in enumerate(exchange.scans):
            scales += [plane.full_scale or float("nan") for view in scan.views for plane in view.planes]
            _add(listing, f"{path.name}#{number}", scan)
        listing.splits = "splits named in the package" if any(p.split for p in listing.pictures) else ""
    full_scale = one_full_scale([given_scale] if given_scale == given_scale else scales, str(paths[0]))
    listing.full_scale = full_scale
    cache: dict[str, Exchange] = {}

    def loads(path: Path, number: int) -> Callable[[], tuple[NDArray[np.uint16], ...]]:
        def counts() -> tuple[NDArray[np.uint16], ...]:
            if path.name not in cache:
                cache.clear()  # one package at a time in memory
                cache[path.name] = read(path)
            exchange = cache[path.name]
            scan = exchange.scans[number]
            rasters = [_raster(exchange, scan, view, given_polarity) for view in range(len(scan.views))]
            return tuple(
                as_channels(raster, _TRACK, full_scale, f"{path.name}, scan {scan.scan_id}") for raster in rasters
            )

        return counts

    by_name = {path.name: path for path in paths}
    for place, picture in enumerate(listing.pictures):
        name, _, index = picture.path.rpartition("#")
        listing.pictures[place] = replace(picture, counts=loads(by_name[name], int(index)))
    return root, listing


def _add(listing: Listing, path: str, scan: ScanEvent) -> None:
    hidden = vocabulary.names("concealment")
    finds = tuple(
        Find(
            region.threat,
            ((region.view, _box(region)),),
            concealment=region.concealment if region.concealment in hidden else "",
        )
        for region in scan.regions
    )
    for find in finds:
        if find.label not in listing.labels:
            listing.labels.append(find.label)
    authors = {region.author for region in scan.regions}
    source = scan.learning.label_source
    if source == UNKNOWN and len(authors) == 1:
        source = _SOURCES.get(next(iter(authors)), UNKNOWN)
    listing.pictures.append(
        Picture(
            (path,),
            finds,
            tuple((view.planes[0].width, view.planes[0].height) for view in scan.views),
            item=scan.item_id,
            split={"calibration": "val"}.get(scan.learning.split, scan.learning.split),
            facts=facts_of(
                system=scan.system_id,
                site=scan.site,
                results="; ".join(f"{result.author}: {result.decision}" for result in scan.results),
                provenance=scan.learning.provenance,
            ),
            declared=scan.declared,
            label_source="" if source == UNKNOWN else source,
        )
    )


def _box(region: Region) -> Box | None:
    if region.x0 is None or region.y0 is None or region.x1 is None or region.y1 is None:
        return None
    return Box(region.x0, region.y0, region.x1, region.y1)


def _raster(exchange: Exchange, scan: ScanEvent, view: int, polarity: str) -> Raster:
    entries = scan.views[view].planes
    pixels = np.stack([exchange.planes[plane.member] for plane in entries], axis=-1)
    told = {plane.polarity for plane in entries} - {UNKNOWN}
    if len(told) > 1:
        raise BadFile(f"scan {scan.scan_id}, view {view}: its planes go both ways; counts of one polarity are read.")
    planes = tuple(Plane(plane.name, plane.energy) for plane in entries)
    return Raster(pixels, planes, told.pop() if told else polarity)
