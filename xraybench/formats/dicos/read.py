"""DICOS files read as records, tolerantly: what is wrong with a file comes with it, what is sound is taken over."""

import datetime as dt
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from xraybench.core.errors import BadFile, BadValue
from xraybench.formats.dicos import tables
from xraybench.formats.dicos.check import Issue, is_empty
from xraybench.formats.dicos.files import open_dicos, pixels_of, refuse_wrong_kind
from xraybench.formats.dicos.private import read_marks
from xraybench.formats.dicos.records import (
    NOT_TOLD,
    UNKNOWN,
    Assessment,
    CtVolume,
    DxImage,
    Inspection,
    Reference,
    Report,
    Sighting,
    ThreatObject,
)
from xraybench.formats.dicos.regions import Region, unpacked

_TAG_OF = {attribute.key: attribute.tag for attribute in tables.COMMON}
_INSPECTION_TEXTS = {one.name: _TAG_OF[one.name] for one in fields(Inspection) if one.name in _TAG_OF}


def read_dx(path: Path | str) -> DxImage:
    """Read one view at one energy; `issues` says what is wrong with the file.

    Raises:
        BadFile: No DX image, or pixels that cannot be read.
        MissingExtra: JPEG-lossless pixels without python-gdcm.
    """
    opened = open_dicos(path)
    refuse_wrong_kind(opened, "dx")
    image = dx_of(opened.dataset, pixels_of(opened.dataset, opened.source))
    return replace(image, issues=opened.issues)


def dx_of(dataset: Dataset, pixels: NDArray[np.generic]) -> DxImage:
    """The record of an image whose pixels are at hand (or an empty array, where only the facts matter)."""
    flavours = _texts(dataset, 0x00080008)
    spacing = _floats(dataset, 0x00280030)
    centre, width = _floats(dataset, 0x00281050), _floats(dataset, 0x00281051)
    return DxImage(
        inspection=inspection_of(dataset),
        pixels=pixels,
        instance_uid=_one(dataset, 0x00080018),
        view=int(_float(dataset, 0x61000024, 1.0)),
        n_views=int(_float(dataset, 0x61000028, 1.0)),
        view_name=_one(dataset, 0x61000026),
        energy=int(_float(dataset, 0x61000030, 1.0)),
        n_energies=int(_float(dataset, 0x61000032, 1.0)),
        energy_name=_one(dataset, 0x61000031),
        flavour=flavours[1] if len(flavours) > 1 else "INTENSITY",
        tube_kvp=_float(dataset, 0x00180060, 0.0),
        tube_ua=_float(dataset, 0x00188151, 0.0),
        belt_speed_mm_s=_float(dataset, 0x00189309, 0.0),
        effective_energy=_float(dataset, 0x43000902, 0.0),
        pixel_mm=(spacing[0], spacing[1]) if len(spacing) == 2 else None,
        photometric=_one(dataset, 0x00280004) or "MONOCHROME2",
        window=(centre[0], width[0]) if centre and width else None,
        has_burned_in_text=_one(dataset, 0x00280301) != "NO",
        marks=read_marks(dataset),
    )


def read_ct(path: Path | str) -> CtVolume:
    """Read a volume; `issues` says what is wrong with the file.

    Raises:
        BadFile: No CT volume, or pixels that cannot be read.
        MissingExtra: JPEG-lossless pixels without python-gdcm.
    """
    opened = open_dicos(path)
    refuse_wrong_kind(opened, "ct")
    dataset = opened.dataset
    voxels = pixels_of(dataset, opened.source)
    flavours = _texts(dataset, 0x00080008)
    spacing, kvp = (1.0, 1.0, 1.0), 0.0
    for shared in tables.items_of(dataset, 0x52009229):
        for measures in tables.items_of(shared, 0x00289110):
            plane = _floats(measures, 0x00280030)
            if len(plane) == 2:
                spacing = (_float(measures, 0x00180050, 1.0), plane[0], plane[1])
        for details in tables.items_of(shared, 0x00189325):
            kvp = _float(details, 0x00180060, 0.0)
    return CtVolume(
        inspection=inspection_of(dataset),
        voxels=voxels if voxels.ndim == 3 else voxels[None],
        instance_uid=_one(dataset, 0x00080018),
        frame_uid=_one(dataset, 0x00200052),
        spacing_mm=spacing,
        tube_kvp=kvp,
        flavour=flavours[3] if len(flavours) > 3 else "NONE",
        photometric=_one(dataset, 0x00280004) or "MONOCHROME2",
        has_burned_in_text=_one(dataset, 0x00280301) != "NO",
        marks=read_marks(dataset),
        issues=opened.issues,
    )


def read_tdr(path: Path | str) -> Report:
    """Read a report; `issues` says what is wrong with the file, and what of it could not be taken over.

    Raises:
        BadFile: No threat detection report, or one written with a foreign tag table.
    """
    opened = open_dicos(path)
    refuse_wrong_kind(opened, "tdr")
    if foreign := [issue for issue in opened.issues if issue.kind == "foreign"]:
        raise BadFile(f"{opened.source}: {foreign[0].text}.")
    issues = list(opened.issues)
    report = tdr_of(opened.dataset, issues)
    return replace(report, issues=tuple(issues))


def tdr_of(dataset: Dataset, issues: list[Issue]) -> Report:
    """The record of a report; regions that cannot be taken over are added to `issues`."""
    return Report(
        inspection=inspection_of(dataset),
        report_type=_one(dataset, 0x40101027),
        decision=_one(dataset, 0x40101031),
        objects=tuple(
            _threat_of(item, f"(4010,1011)[{n}]", issues) for n, item in enumerate(tables.items_of(dataset, 0x40101011))
        ),
        references=_references_of(dataset, 0x00081110),
        instance_uid=_one(dataset, 0x00080018),
        frame_uid=_one(dataset, 0x00200052),
        algorithm=tuple(_texts(dataset, 0x40101029)),
        decided=moment_of(_one(dataset, 0x4010102B)),
        total_ms=_float(dataset, 0x40101069, 0.0),
        abort_flag=_one(dataset, 0x40101024) or "SUCCESS",
        abort_reason="\\".join(_texts(dataset, 0x40101021)),
        image_scale=_float(dataset, 0x40101075, 1.0),
        marks=read_marks(dataset),
    )


def inspection_of(dataset: Dataset) -> Inspection:
    """What an object says about its scan and scanner; missing text is `unknown`."""
    told = {name: _one(dataset, tag) or UNKNOWN for name, tag in _INSPECTION_TEXTS.items()}
    return Inspection(
        **told,
        scanned=moment_of(_one(dataset, 0x00080020) + _one(dataset, 0x00080030)),
        calibrated=moment_of(_one(dataset, 0x00181200) + _one(dataset, 0x00181201)),
    )


def moment_of(text: str) -> dt.datetime:
    """A DICOM date and time, of whatever precision; 1900-01-01 where it is none. A time zone is kept."""
    text = text.strip()
    whole, dot, rest = text.partition(".")
    fraction = ""
    zone = ""
    for mark in "+-":
        if dot and mark in rest:
            rest, _, tail = rest.partition(mark)
            zone = mark + tail
        elif not dot and mark in whole:
            whole, _, tail = whole.partition(mark)
            zone = mark + tail
    fraction = rest[:6].ljust(6, "0") if rest else "000000"
    for form, length in (("%Y%m%d%H%M%S", 14), ("%Y%m%d%H%M", 12), ("%Y%m%d%H", 10), ("%Y%m%d", 8)):
        if len(whole) == length:
            try:
                if zone:
                    return dt.datetime.strptime(f"{whole}.{fraction}{zone}", f"{form}.%f%z")
                return dt.datetime.strptime(f"{whole}.{fraction}", f"{form}.%f")  # noqa: DTZ007  # it has no zone
            except ValueError:
                return NOT_TOLD
    return NOT_TOLD


def _threat_of(item: Dataset, where: str, issues: list[Issue]) -> ThreatObject:
    masses: dict[int, float] = {}
    sightings = []
    for n, representation in enumerate(tables.items_of(item, 0x40101037)):
        for tag in (0x40101017, 0x40101018):
            masses.setdefault(tag, _float(representation, tag, float("nan")))
        region = _region_of(representation, f"{where} > (4010,1037)[{n}]", issues)
        if region is not None:
            location = _one(representation, 0x40101078)
            sightings.append(Sighting(region, _references_of(representation, 0x0008114A), location))
    return ThreatObject(
        number=int(_float(item, 0x40101010, 0.0)),
        assessments=tuple(
            Assessment(
                category=_one(one, 0x40101012),
                flag=_one(one, 0x40101015),
                description=_one(one, 0x40101013),
                probability=_float(one, 0x40101016, float("nan")),
                ability=_one(one, 0x40101014),
            )
            for one in tables.items_of(item, 0x40101038)
        ),
        sightings=tuple(sightings),
        mass_g=masses.get(0x40101017, float("nan")),
        density_g_cm3=masses.get(0x40101018, float("nan")),
        started=_one(item, 0x40101080),
        ended=_one(item, 0x40101081),
        processing_ms=_float(item, 0x40101082, 0.0),
        marks=read_marks(item),
    )


def _region_of(representation: Dataset, where: str, issues: list[Issue]) -> Region | None:
    """The region of a sighting, from its voxels or else from the two points of a polygon; None, and an issue, else."""
    flat = _floats(representation, 0x4010101D)
    polygon = np.array(flat, dtype=np.float32).reshape(-1, 3) if flat and len(flat) % 3 == 0 else None
    for voxels in tables.items_of(representation, 0x40101001):
        base, extents = _floats(voxels, 0x40101004), _floats(voxels, 0x40101005)
        if len(base) != 3 or len(extents) != 3:
            continue
        mask = None
        bitmap = tables.value_of(voxels, 0x40101006)
        if isinstance(bitmap, bytes) and bitmap:
            try:
                mask = unpacked(bitmap, (extents[0], extents[1], extents[2]))
            except BadValue as error:
                issues.append(Issue("size", f"{where} > (4010,1006)", str(error)))
        return Region((base[0], base[1], base[2]), (extents[0], extents[1], extents[2]), mask, polygon)
    if polygon is not None and np.isfinite(polygon).all():
        low, high = polygon.min(axis=0), polygon.max(axis=0)
        extents = [float(v) for v in np.maximum(high - low, (0.0, 0.0, 1.0))]
        start = [float(v) for v in low]
        return Region((start[0], start[1], start[2]), (extents[0], extents[1], extents[2]), None, polygon)
    issues.append(Issue("value", where, "says nowhere where the object is"))
    return None


def _references_of(dataset: Dataset, tag: int) -> tuple[Reference, ...]:
    return tuple(Reference(_one(item, 0x00081150), _one(item, 0x00081155)) for item in tables.items_of(dataset, tag))


def _texts(dataset: Dataset, tag: int) -> list[str]:
    value = tables.value_of(dataset, tag)
    if is_empty(value) or isinstance(value, bytes):
        return []
    many = hasattr(value, "__iter__") and not isinstance(value, str)
    return [str(one).strip(" \0") for one in value] if many else [str(value).strip(" \0")]


def _one(dataset: Dataset, tag: int) -> str:
    return "\\".join(_texts(dataset, tag))


def _floats(dataset: Dataset, tag: int) -> list[float]:
    try:
        return [float(text) for text in _texts(dataset, tag)]
    except ValueError:
        return []


def _float(dataset: Dataset, tag: int, missing: float) -> float:
    found = _floats(dataset, tag)
    if len(found) != 1 or (found[0] in (float("inf"), float("-inf"))):
        return missing
    return found[0] if found[0] == found[0] else missing
