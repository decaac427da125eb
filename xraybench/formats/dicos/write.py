"""Records written as DICOS V03: one file for each view and energy, for a volume, for a report.

Every writer goes through the module tables and the validator, so that what leaves has no fault that is known here.
"""

import datetime as dt
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from xraybench.core.errors import BadValue
from xraybench.formats.dicos import dictionary as names
from xraybench.formats.dicos import tables
from xraybench.formats.dicos.build import make_dataset, uid_of
from xraybench.formats.dicos.files import write_dataset
from xraybench.formats.dicos.private import write_marks
from xraybench.formats.dicos.records import (
    NOT_TOLD,
    UNKNOWN,
    CtVolume,
    DxImage,
    Inspection,
    Reference,
    Report,
    Sighting,
    ThreatObject,
    reference_to,
)
from xraybench.formats.dicos.regions import packed


def write_dx(path: Path | str, image: DxImage) -> None:
    """Write one view at one energy.

    Raises:
        BadValue: Pixels of another shape or depth, or attributes that the validator finds fault with.
    """
    write_dataset(path, dx_dataset(image))


def dx_dataset(image: DxImage) -> Dataset:
    """The data set of an image."""
    stored, bits = _stored(image.pixels, 2, ("u1", "u2"))
    reference = reference_to(image)
    scan = image.inspection
    values = {
        **_common(scan, reference, uid_of("series", scan.scan_uid, image.view, image.energy)),
        "content_date": scan.scanned,
        "content_time": scan.scanned,
        "instance_number": 1,
        "series_number": (image.view - 1) * image.n_energies + image.energy,
        "image_type": ("ORIGINAL", image.flavour),
        "intent": "FOR PRESENTATION" if image.window else "FOR PROCESSING",
        "photometric": image.photometric,
        "window_center": image.window[0] if image.window else None,
        "window_width": image.window[1] if image.window else None,
        "view": image.view,
        "n_views": image.n_views,
        "view_name": image.view_name or None,
        "energy": image.energy,
        "n_energies": image.n_energies,
        "energy_name": image.energy_name or None,
        "tube_kvp": image.tube_kvp,
        "tube_ua": image.tube_ua,
        "belt_speed_mm_s": image.belt_speed_mm_s,
        "effective_energy": image.effective_energy,
        "pixel_mm": image.pixel_mm,
        **_pixel_values(stored, bits, image.has_burned_in_text),
    }
    dataset = make_dataset("dx", values)
    dataset["PixelData"].VR = "OW" if bits == 16 else "OB"
    write_marks(dataset, image.marks)
    return dataset


def write_ct(path: Path | str, volume: CtVolume) -> None:
    """Write a volume as one multi-frame object.

    Raises:
        BadValue: Voxels of another shape or depth, or attributes that the validator finds fault with.
    """
    write_dataset(path, ct_dataset(volume))


def ct_dataset(volume: CtVolume) -> Dataset:
    """The data set of a volume."""
    stored, bits = _stored(volume.voxels, 3, ("u2",))
    scan = volume.inspection
    between, rows_mm, columns_mm = volume.spacing_mm
    values = {
        **_common(scan, reference_to(volume), uid_of("series", scan.scan_uid, "ct")),
        "content_date": scan.scanned,
        "content_time": scan.scanned,
        "acquired": scan.scanned,
        "image_type": ("ORIGINAL", "PRIMARY", "VOLUME", volume.flavour),
        "photometric": volume.photometric,
        "frame_uid": volume.frame_uid or uid_of("frame", scan.scan_uid),
        "n_frames": len(volume.voxels),
        "shared_groups": [
            {
                "xray_details": [{"tube_kvp": volume.tube_kvp}],
                "frame_types": [{"frame_type": ("ORIGINAL", "PRIMARY", "VOLUME", volume.flavour)}],
                "plane_orientation": [{}],
                "pixel_measures": [{"slice_mm": between, "pixel_mm": (rows_mm, columns_mm)}],
                "rescaling": [{}],
            }
        ],
        "frame_groups": [{"plane_position": [{"position_mm": (0, 0, n * between)}]} for n in range(len(volume.voxels))],
        **_pixel_values(stored, bits, volume.has_burned_in_text),
    }
    dataset = make_dataset("ct", values)
    write_marks(dataset, volume.marks)
    return dataset


def write_tdr(path: Path | str, report: Report) -> None:
    """Write a threat detection report.

    Raises:
        BadValue: Whatever the validator finds fault with: counts, numbers that stand twice, empty regions, terms.
    """
    write_dataset(path, tdr_dataset(report))


def tdr_dataset(report: Report) -> Dataset:
    """The data set of a report."""
    scan = report.inspection
    uid = report.instance_uid or uid_of("tdr", scan.scan_uid, report.report_type, *report.algorithm)
    decided = report.decided if report.decided != NOT_TOLD else scan.scanned
    values = {
        **_common(scan, Reference(names.TDR_REPORT, uid), uid_of("series", uid)),
        "content_date": decided,
        "content_time": decided,
        "frame_uid": report.frame_uid or uid_of("frame", scan.scan_uid),
        "referenced_scans": [_reference_values(one) for one in report.references],
        "threats": [_threat_values(one, decided) for one in report.objects] or None,
        "abort_flag": report.abort_flag,
        "abort_reason": report.abort_reason or None,
        "report_type": report.report_type,
        "algorithm": report.algorithm or None,
        "decided": decided,
        "decision": report.decision,
        "n_objects": len(report.objects),
        "n_alarm_objects": sum(one.is_alarm for one in report.objects),
        "total_ms": report.total_ms,
        "image_scale": report.image_scale,
    }
    dataset = make_dataset("tdr", values)
    write_marks(dataset, report.marks)
    for item, one in zip(tables.items_of(dataset, 0x40101011), report.objects, strict=True):
        write_marks(item, one.marks)
    return dataset


def _common(scan: Inspection, reference: Reference, series_uid: str) -> dict[str, Any]:
    text = {one.name: getattr(scan, one.name) for one in fields(Inspection)}
    scanned, calibrated = text.pop("scanned"), text.pop("calibrated")
    moments = {f"{what}_{part}": scanned for what in ("created", "scan", "series") for part in ("date", "time")}
    return {
        **{key: value or UNKNOWN for key, value in text.items()},
        **moments,
        "calibration_date": calibrated,
        "calibration_time": calibrated,
        "class_uid": reference.class_uid,
        "instance_uid": reference.instance_uid,
        "series_uid": series_uid,
    }


def _stored(pixels: NDArray[np.generic], n_axes: int, kinds: tuple[str, ...]) -> tuple[NDArray[np.generic], int]:
    if pixels.ndim != n_axes or pixels.dtype.str.lstrip("|<>=") not in kinds or 0 in pixels.shape:
        meant = " or ".join(np.dtype(kind).name for kind in kinds)
        raise BadValue(f"Pixels of shape {pixels.shape} and type {pixels.dtype}; {n_axes} axes of {meant} are meant.")
    if max(pixels.shape) > 65535:
        raise BadValue(f"Pixels of shape {pixels.shape}: DICOS counts rows and columns to 65535.")
    little = np.ascontiguousarray(pixels, dtype=pixels.dtype.newbyteorder("<"))
    return little, 8 * little.dtype.itemsize


def _pixel_values(stored: NDArray[np.generic], bits: int, has_burned_in_text: bool) -> dict[str, Any]:
    data = stored.tobytes()
    return {
        "rows": stored.shape[-2],
        "columns": stored.shape[-1],
        "bits_allocated": bits,
        "bits_stored": bits,
        "high_bit": bits - 1,
        "burned_in": "YES" if has_burned_in_text else "NO",
        "pixel_data": data + b"\0" * (len(data) % 2),
    }


def _reference_values(reference: Reference) -> dict[str, str]:
    return {"referenced_class": reference.class_uid, "referenced_instance": reference.instance_uid}


def _threat_values(threat: ThreatObject, decided: dt.datetime) -> dict[str, Any]:
    return {
        "number": threat.number,
        "representations": [_sighting_values(one, threat) for one in threat.sightings],
        "assessments": [
            {
                "category": one.category,
                "description": one.description or None,
                "ability": one.ability,
                "flag": one.flag,
                "probability": _told(one.probability),
            }
            for one in threat.assessments
        ],
        "started": threat.started or decided,
        "ended": threat.ended or decided,
        "processing_ms": threat.processing_ms,
    }


def _sighting_values(one: Sighting, threat: ThreatObject) -> dict[str, Any]:
    region = one.region
    on_ct = any(reference.class_uid == names.CT_IMAGE for reference in one.references)
    unknown = 0.0 if on_ct else None  # required beside a CT image
    return {
        "references": [_reference_values(reference) for reference in one.references],
        "voxels": [
            {
                "base": region.base,
                "extents": region.extents,
                "bitmap": b"" if region.mask is None else packed(region.mask),
            }
        ],
        "mass_g": _told(threat.mass_g) if _told(threat.mass_g) is not None else unknown,
        "density_g_cm3": _told(threat.density_g_cm3) if _told(threat.density_g_cm3) is not None else unknown,
        "polygon": None if region.polygon is None else [float(v) for v in region.polygon.reshape(-1)],
        "location": one.location or None,
    }


def _told(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
