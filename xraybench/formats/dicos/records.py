"""DICOS objects as records: images of a projection (DX), volumes (CT) and threat detection reports (TDR).

A scan of several views and energies is one DX file a view and energy, all of one scan UID: that is how DICOS keeps dual
energy. A ground truth and a model's answer are both a TDR, told apart by its type. What DICOS has no word for
(concealment, vector, split, a sea voyage) stands in our private block.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xraybench.formats.dicos import dictionary as names
from xraybench.formats.dicos.build import uid_of
from xraybench.formats.dicos.check import ALARM_FLAGS, CATEGORY_OF, OTHER_CATEGORY, Issue
from xraybench.formats.dicos.regions import Region

UNKNOWN = "unknown"
NOT_TOLD = dt.datetime(1900, 1, 1)  # noqa: DTZ001  # DICOM times have no zone; required and not known
HIGH, LOW = "HIGH ENERGY", "LOW ENERGY"
SOMEWHERE = "somewhere in this view"  # location of an object of which nobody said where it is


@dataclass(frozen=True, slots=True)
class Inspection:
    """What all objects of one scan share. Unknown text is `unknown`, an unknown time 1900-01-01."""

    scan_uid: str
    ooi_id: str
    ooi_type: str = "CARGO"
    scanned: dt.datetime = NOT_TOLD
    scan_id: str = UNKNOWN
    ooi_id_authority: str = UNKNOWN
    institution: str = UNKNOWN
    address: str = UNKNOWN
    station: str = UNKNOWN
    manufacturer: str = UNKNOWN
    model_name: str = UNKNOWN
    serial_number: str = UNKNOWN
    software_versions: str = UNKNOWN
    calibrated: dt.datetime = NOT_TOLD
    scan_type: str = "OPERATIONAL"


@dataclass(frozen=True, eq=False)
class DxImage:
    """One view at one energy. `pixels` (height, width) uint8 or uint16 as the detector counted them."""

    inspection: Inspection
    pixels: NDArray[np.generic]
    instance_uid: str = ""  # made from scan, view and energy where it is not given
    view: int = 1
    n_views: int = 1
    view_name: str = ""
    energy: int = 1
    n_energies: int = 1
    energy_name: str = ""
    flavour: str = "INTENSITY"  # or HIGH ENERGY, LOW ENERGY, Z_EFFECTIVE ...: value 2 of the image type
    tube_kvp: float = 0.0  # 0 where it is not known, as for the three below
    tube_ua: float = 0.0
    belt_speed_mm_s: float = 0.0
    effective_energy: float = 0.0
    pixel_mm: tuple[float, float] | None = None  # row spacing, column spacing
    photometric: str = "MONOCHROME2"
    window: tuple[float, float] | None = None  # centre and width; makes it an image for presentation
    has_burned_in_text: bool = False
    marks: Mapping[str, Any] = field(default_factory=dict)
    issues: tuple[Issue, ...] = ()  # what the reader found wrong


@dataclass(frozen=True, eq=False)
class CtVolume:
    """A reconstructed volume. `voxels` (slice, height, width) uint16."""

    inspection: Inspection
    voxels: NDArray[np.generic]
    instance_uid: str = ""
    frame_uid: str = ""
    spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0)  # between slices, rows, columns
    tube_kvp: float = 0.0
    flavour: str = "NONE"
    photometric: str = "MONOCHROME2"
    has_burned_in_text: bool = False
    marks: Mapping[str, Any] = field(default_factory=dict)
    issues: tuple[Issue, ...] = ()


@dataclass(frozen=True, slots=True)
class Reference:
    """An image that a report speaks of."""

    class_uid: str
    instance_uid: str


@dataclass(frozen=True, eq=False)
class Sighting:
    """A threat as one view shows it. Both energies of the view may be named."""

    region: Region
    references: tuple[Reference, ...]
    location: str = ""


@dataclass(frozen=True, eq=False)
class Assessment:
    """One hypothesis about an object. `probability` is NaN where none is given."""

    category: str
    flag: str
    description: str = ""
    probability: float = float("nan")
    ability: str = "NO_INTERFERENCE"


@dataclass(frozen=True, eq=False)
class ThreatObject:
    """A potential threat object: its number in the report, what it may be, where each view shows it."""

    number: int
    assessments: tuple[Assessment, ...]
    sightings: tuple[Sighting, ...]
    mass_g: float = float("nan")
    density_g_cm3: float = float("nan")
    started: str = ""
    ended: str = ""
    processing_ms: float = 0.0
    marks: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_alarm(self) -> bool:
        return any(one.flag in ALARM_FLAGS for one in self.assessments)


@dataclass(frozen=True, eq=False)
class Report:
    """A threat detection report: ground truth or a machine's answer."""

    inspection: Inspection
    report_type: str  # MACHINE, GROUND TRUTH, OPERATOR ...
    decision: str  # ALARM, CLEAR, UNKNOWN
    objects: tuple[ThreatObject, ...]
    references: tuple[Reference, ...]
    instance_uid: str = ""
    frame_uid: str = ""
    algorithm: tuple[str, ...] = ()  # manufacturer, version, -key=value ...; not for GROUND TRUTH
    decided: dt.datetime = NOT_TOLD
    total_ms: float = 0.0
    abort_flag: str = "SUCCESS"
    abort_reason: str = ""
    image_scale: float = 1.0
    marks: Mapping[str, Any] = field(default_factory=dict)
    issues: tuple[Issue, ...] = ()


# A vector of ours -> type of the object of inspection. DICOS has no word for mail, parcels or vehicles.
OOI_TYPE_OF = {"baggage": "BAGGAGE", "mail": "OTHER", "parcel": "OTHER"}


def inspection_for(scan_id: str, item_id: str, vector: str) -> Inspection:
    """The inspection of a scan that has none of its own: simulated, or imported from another format."""
    return Inspection(uid_of("scan", scan_id), item_id, OOI_TYPE_OF.get(vector, "CARGO"), scan_id=scan_id[:16])


def category_of(threat: str) -> str:
    """The DICOS category of a threat of our vocabulary."""
    return CATEGORY_OF.get(threat, OTHER_CATEGORY)


def instance_uid_of(image: DxImage) -> str:
    """The UID an image is written under."""
    return image.instance_uid or uid_of("dx", image.inspection.scan_uid, image.view, image.energy)


def reference_to(image: DxImage | CtVolume) -> Reference:
    """The reference by which a report names an image."""
    if isinstance(image, CtVolume):
        return Reference(names.CT_IMAGE, image.instance_uid or uid_of("ct", image.inspection.scan_uid))
    return Reference(names.DX_PRESENTATION if image.window else names.DX_PROCESSING, instance_uid_of(image))
