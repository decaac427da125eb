"""DICOS objects for tests: small, made up, sound. Pixels are ramps and noise, no radiographs."""

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from xraybench.formats import dicos
from xraybench.formats.dicos import Assessment, CtVolume, DxImage, Inspection, Report, Sighting, ThreatObject

WHEN = dt.datetime(2024, 5, 17, 13, 45, 12, 250000)  # noqa: DTZ001  # DICOM times have no zone


def inspection(**changes: Any) -> Inspection:
    return replace(
        Inspection(dicos.uid_of("scan", 1), "MSKU1234565", scanned=WHEN, scan_id="S-0001", manufacturer="Maker"),
        **changes,
    )


def dx(height: int = 24, width: int = 40, *, seed: int = 0, dtype: Any = np.uint16, **changes: Any) -> DxImage:
    top = np.iinfo(dtype).max
    pixels = np.random.default_rng(seed).integers(0, top, (height, width), endpoint=True).astype(dtype)
    return replace(DxImage(inspection(), pixels, tube_kvp=160.0), **changes)


def ct(**changes: Any) -> CtVolume:
    voxels = np.random.default_rng(3).integers(0, 65535, (4, 6, 8)).astype(np.uint16)
    return replace(CtVolume(inspection(), voxels, spacing_mm=(2.0, 1.5, 1.25), tube_kvp=140.0), **changes)


def mask() -> np.ndarray:
    """A mask of 2 x 3 x 5 voxels whose bits tell every order of axes apart."""
    flat = np.zeros(30, dtype=bool)
    flat[[0, 3, 4, 9, 17, 28]] = True
    return flat.reshape(2, 3, 5)


def tdr(*, images: tuple[DxImage | CtVolume, ...] = (), report_type: str = "MACHINE", **changes: Any) -> Report:
    """A report of two objects, the first with bitmap and polygon."""
    seen = tuple(dicos.reference_to(image) for image in images or (dx(),))
    polygon = np.array([[3, 4, 0], [8, 4, 0], [8, 7, 1]], dtype=np.float32)
    region = dicos.Region((3.0, 4.0, 0.0), (5.0, 3.0, 2.0), mask(), polygon)
    first = ThreatObject(
        1,
        (Assessment("PI", "HIGH_THREAT", "firearm", 0.875),),
        (Sighting(region, seen),),
        mass_g=700.0,
        density_g_cm3=7.8,
    )
    box = Sighting(dicos.region_of_box(10, 2, 20, 12), seen)
    second = ThreatObject(2, (Assessment("ANOMALY", "NO_THREAT", probability=0.25),), (box,))
    report = Report(
        images[0].inspection if images else inspection(ooi_type="BAGGAGE"),
        report_type,
        "ALARM",
        (first, second),
        seen,
        algorithm=() if report_type == "GROUND TRUTH" else ("Maker", "1.0", "-threshold=0.5"),
        total_ms=123.5,
        decided=WHEN,
    )
    return replace(report, **changes)


def clear(**changes: Any) -> Report:
    return tdr(**{"decision": "CLEAR", "objects": (), **changes})


def write_all(folder: Path) -> dict[str, Path]:
    """One file of every kind that is written."""
    folder.mkdir(parents=True, exist_ok=True)
    made = {
        "dx": dicos.dx_dataset(dx()),
        "dx_presentation": dicos.dx_dataset(dx(window=(30000.0, 60000.0))),
        "ct": dicos.ct_dataset(ct()),
        "tdr": dicos.tdr_dataset(tdr()),
        "tdr_truth": dicos.tdr_dataset(tdr(report_type="GROUND TRUTH")),
        "tdr_clear": dicos.tdr_dataset(clear()),
        "tdr_ct": dicos.tdr_dataset(tdr(images=(ct(inspection=inspection(ooi_type="BAGGAGE")),))),
    }
    for name, dataset in made.items():
        dicos.write_dataset(folder / f"{name}.dcs", dataset)
    return {name: folder / f"{name}.dcs" for name in made}


def places(dataset: Any, attributes: Any, path: tuple[tuple[int, int], ...] = ()) -> list[tuple[tuple[int, int], ...]]:
    """Every attribute of the module tables that an object holds, sequences and what stands in their first items too.

    A place is (tag, index of the item) from the top down; the index of the last is 0.
    """
    found = []
    for attribute in attributes:
        if attribute.tag not in dataset:
            continue
        found.append((*path, (attribute.tag, 0)))
        if attribute.items and len(dataset[attribute.tag].value):
            found += places(dataset[attribute.tag].value[0], attribute.items, (*path, (attribute.tag, 0)))
    return found


def without(dataset: Any, place: tuple[tuple[int, int], ...], *, emptied: bool = False) -> Any:
    """A copy of the object without one attribute, or with it empty."""
    import copy

    changed = copy.deepcopy(dataset)
    inner = changed
    for tag, item in place[:-1]:
        inner = inner[tag].value[item]
    tag = place[-1][0]
    if emptied:
        element = inner[tag]
        element.value = [] if element.VR == "SQ" else b"" if element.VR in ("OB", "OW") else None
    else:
        del inner[tag]
    return changed


def label(place: tuple[tuple[int, int], ...]) -> str:
    """(4010,1011) > (4010,1010), for messages."""
    return " > ".join(f"({tag >> 16:04X},{tag & 0xFFFF:04X})" for tag, _ in place)
