"""The modules of DICOS V03 as tables: tag, VR, type, condition, terms. They drive the builders and the validator alike.

Types are DICOM's: "1" present with a value, "2" present and perhaps empty, "3" optional; "1C" and "2C" hold under a named
condition. What is required was found by deleting one attribute after another and asking an independent toolkit
(research/formats.md 1.3), because the text of the standard is not at hand; where the toolkit is laxer than its own
headers, the attribute is optional here and the builders write it all the same. `key` is our name of an attribute.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from xraybench.formats.dicos import dictionary as names

YES_NO = ("YES", "NO")


@dataclass(frozen=True, slots=True)
class Attribute:
    """One row of a module table."""

    tag: int
    vr: str
    type: str
    key: str
    when: str = ""  # condition of 1C and 2C: a name in CONDITIONS
    terms: tuple[str, ...] = ()  # allowed values of a coded string
    n_values: tuple[int, int] = (1, 1)  # least and most; most 0 means any
    items: tuple["Attribute", ...] = ()  # of a sequence: what each item holds
    least_items: int = 0
    default: object = None  # what a builder writes where nothing is said

    label: str = ""  # (4010,1011), for messages


def _a(tag: int, vr: str, type_: str, key: str, **more: object) -> Attribute:
    label = f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
    return Attribute(tag, vr, type_, key, label=label, **more)  # type: ignore[arg-type]  # rows below are plain literals


def _is_alarm(top: Dataset) -> bool:
    return _text(top, 0x40101031) == "ALARM"


def _is_not_clear(top: Dataset) -> bool:
    return _text(top, 0x40101031) != "CLEAR"


def _is_machine(top: Dataset) -> bool:
    return _text(top, 0x40101027) != "GROUND TRUTH"


def _refers_to_ct(top: Dataset) -> bool:
    return any(str(uid) == names.CT_IMAGE for uid in _referenced_classes(top))


def _is_for_presentation_without_lut(top: Dataset) -> bool:
    return _text(top, 0x00080068) == "FOR PRESENTATION" and 0x00283010 not in top


def _is_aborted(top: Dataset) -> bool:
    return _text(top, 0x40101024) == "ABORT"


CONDITIONS: Mapping[str, Callable[[Dataset], bool]] = {
    "the decision is ALARM": _is_alarm,
    "the decision is not CLEAR": _is_not_clear,
    "the report is not GROUND TRUTH": _is_machine,
    "the report was aborted": _is_aborted,
    "a CT image is referenced": _refers_to_ct,
    "it is for presentation and has no VOI LUT": _is_for_presentation_without_lut,
}


def value_of(dataset: Dataset, tag: int) -> Any:
    """The value of an attribute; None where it is missing or cannot be decoded."""
    try:
        return dataset[tag].value
    except Exception:  # pydicom raises whatever a broken value makes it raise; the validator tells it
        return None


def items_of(dataset: Dataset, tag: int) -> list[Dataset]:
    """The items of a sequence; none where it is missing, broken or something else."""
    items = value_of(dataset, tag)
    return list(items) if isinstance(items, Sequence) else []


def _text(dataset: Dataset, tag: int) -> str:
    value = value_of(dataset, tag)
    return "" if value is None else str(value)


def _referenced_classes(top: Dataset) -> list[str]:
    found = []
    for threat in items_of(top, 0x40101011):
        for representation in items_of(threat, 0x40101037):
            found += [_text(reference, 0x00081150) for reference in items_of(representation, 0x0008114A)]
    return found


META = (
    _a(0x00020002, "UI", "1", "meta_class_uid"),
    _a(0x00020003, "UI", "1", "meta_instance_uid"),
    _a(0x00020004, "CS", "1", "meta_version", terms=names.VERSIONS, default="V03"),
    _a(0x00020010, "UI", "1", "transfer_syntax_uid"),
)

SOP_COMMON = (
    _a(0x00080012, "DA", "1", "created_date"),
    _a(0x00080013, "TM", "1", "created_time"),
    _a(0x00080016, "UI", "1", "class_uid"),
    _a(0x00080018, "UI", "1", "instance_uid"),
    _a(0x00200013, "IS", "1", "instance_number", default=1),
    _a(0x4010103A, "CS", "1", "version", terms=names.VERSIONS, default="V03"),
)

OBJECT_OF_INSPECTION = (
    _a(0x00100020, "LO", "1", "ooi_id"),
    _a(0x00100021, "LO", "1", "ooi_id_authority", default="unknown"),
    _a(0x00100022, "CS", "1", "ooi_id_type", terms=("RFID", "BARCODE", "TEXT"), default="TEXT"),
    _a(
        0x40101042,
        "CS",
        "1",
        "ooi_type",
        terms=("BIO_SAMPLE", "CARGO", "BAGGAGE", "ANIMAL", "OTHER", "PERSON"),
        default="CARGO",
    ),
    _a(0x40101043, "FL", "3", "ooi_size_m", n_values=(3, 3)),
    _a(0x40101064, "SQ", "3", "algorithm_routing", default=()),
    _a(0x40101068, "LT", "3", "ooi_descriptor"),
)

GENERAL_SCAN = (
    _a(0x00080020, "DA", "1", "scan_date"),
    _a(0x00080030, "TM", "1", "scan_time"),
    _a(0x00081030, "LO", "3", "scan_description"),
    _a(0x0020000D, "UI", "1", "scan_uid"),
    _a(0x00200010, "SH", "1", "scan_id", default="unknown"),
    _a(0x40101048, "CS", "1", "scan_type", terms=("OPERATIONAL", "NON_OPERATIONAL"), default="OPERATIONAL"),
    _a(0x61000028, "US", "3", "n_views"),
    _a(0x61000032, "US", "3", "n_energies"),
)

GENERAL_SERIES = (
    _a(0x00080021, "DA", "1", "series_date"),
    _a(0x00080031, "TM", "1", "series_time"),
    _a(0x0008103E, "LO", "3", "series_description"),
    _a(0x0020000E, "UI", "1", "series_uid"),
    _a(0x00200011, "IS", "3", "series_number"),
    _a(
        0x40101044,
        "CS",
        "1",
        "acquisition_status",
        terms=("SUCCESSFUL", "JAM", "OVERSIZE", "SLIP", "INCOMPLETE", "CUT", "MERGED", "STITCHED"),
        default="SUCCESSFUL",
    ),
    _a(0x61000024, "US", "3", "view"),
    _a(0x61000026, "LO", "3", "view_name"),
    _a(0x61000030, "US", "3", "energy"),
    _a(0x61000031, "LO", "3", "energy_name"),
)

GENERAL_EQUIPMENT = (
    _a(0x00080070, "LO", "2", "manufacturer", default="unknown"),
    _a(0x00080080, "LO", "2", "institution", default="unknown"),
    _a(0x00080081, "ST", "2", "address", default="unknown"),
    _a(0x00081010, "SH", "2", "station", default="unknown"),
    _a(0x00081090, "LO", "2", "model_name", default="unknown"),
    _a(0x00181000, "LO", "2", "serial_number", default="unknown"),
    _a(0x00181020, "LO", "2", "software_versions", n_values=(1, 0), default="unknown"),
    _a(0x00181200, "DA", "2", "calibration_date"),
    _a(0x00181201, "TM", "2", "calibration_time"),
)

COMMON = (*SOP_COMMON, *OBJECT_OF_INSPECTION, *GENERAL_SCAN, *GENERAL_SERIES, *GENERAL_EQUIPMENT)

CONTENT_TIME = (
    _a(0x00080023, "DA", "1", "content_date"),
    _a(0x00080033, "TM", "1", "content_time"),
)

FRAME_OF_REFERENCE = (
    _a(0x00200052, "UI", "1", "frame_uid"),
    _a(0x00201040, "LO", "2", "position_reference"),
)

IMAGE_PIXEL = (
    _a(0x00280002, "US", "1", "samples_per_pixel", default=1),
    _a(
        0x00280004,
        "CS",
        "1",
        "photometric",
        terms=("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR", "RGB"),
        default="MONOCHROME2",
    ),
    _a(0x00280010, "US", "1", "rows"),
    _a(0x00280011, "US", "1", "columns"),
    _a(0x00280100, "US", "1", "bits_allocated", default=16),
    _a(0x00280101, "US", "1", "bits_stored", default=16),
    _a(0x00280102, "US", "1", "high_bit", default=15),
    _a(0x00280103, "US", "1", "is_signed", default=0),
    _a(0x00280301, "CS", "1", "burned_in", terms=YES_NO, default="NO"),
    _a(0x7FE00010, "OW", "1", "pixel_data"),
)

IMAGE_FLAVOURS = (
    "INTENSITY",
    "HIGH ENERGY",
    "LOW ENERGY",
    "MULTI ENERGY",
    "Z_EFFECTIVE",
    "BASIS_MATERIAL_1",
    "BASIS_MATERIAL_2",
    "COMPTON",
    "PHOTOELECTRIC",
    "DENSITY",
    "MU",
)

MACHINE_FRAME = (
    _a(0x00080118, "CS", "1", "image_origin", terms=("MACHINE",), default="MACHINE"),
    _a(0x00082108, "CS", "1", "coordinate_system", terms=("LHS", "RHS"), default="LHS"),
)

DX = (
    *COMMON,
    *CONTENT_TIME,
    *IMAGE_PIXEL,
    *MACHINE_FRAME,
    _a(0x00080008, "CS", "1", "image_type", n_values=(2, 0)),
    _a(0x00080060, "CS", "1", "modality", terms=("XRAY", "DX"), default="XRAY"),
    _a(0x00080068, "CS", "1", "intent", terms=("FOR PROCESSING", "FOR PRESENTATION"), default="FOR PROCESSING"),
    _a(0x00180060, "DS", "1", "tube_kvp", default=0),
    _a(0x00187004, "CS", "2", "detector_type"),
    _a(0x00188151, "DS", "1", "tube_ua", default=0),
    _a(0x00189309, "FD", "1", "belt_speed_mm_s", default=0.0),
    _a(0x00200032, "DS", "1", "position_mm", n_values=(3, 3), default=(0, 0, 0)),
    _a(0x00200037, "DS", "1", "orientation", n_values=(6, 6), default=(1, 0, 0, 0, 1, 0)),
    _a(0x00280030, "DS", "3", "pixel_mm", n_values=(2, 2)),
    _a(0x00281040, "CS", "1", "intensity", terms=("LIN", "LOG"), default="LIN"),
    _a(0x00281041, "SS", "1", "intensity_sign", default=1),
    _a(0x00281050, "DS", "2C", "window_center", when="it is for presentation and has no VOI LUT", n_values=(1, 0)),
    _a(0x00281051, "DS", "2C", "window_width", when="it is for presentation and has no VOI LUT", n_values=(1, 0)),
    _a(0x00281052, "DS", "1", "rescale_intercept", default=0),
    _a(0x00281053, "DS", "1", "rescale_slope", default=1),
    _a(0x00281054, "LO", "1", "rescale_type", default="US"),
    _a(0x00282110, "CS", "1", "is_lossy", terms=("00", "01"), default="00"),
    _a(0x00400555, "SQ", "2", "acquisition_context", default=()),
    _a(0x20500020, "CS", "3", "lut_shape", terms=("IDENTITY", "INVERSE"), default="IDENTITY"),
    _a(0x40101062, "FL", "1", "belt_height_mm", default=0.0),
    _a(0x43000902, "FL", "1", "effective_energy", default=0.0),
)

_FRAME_TYPE = (
    _a(0x00089007, "CS", "1", "frame_type", n_values=(4, 4), default=("ORIGINAL", "PRIMARY", "VOLUME", "NONE")),
    _a(0x00089205, "CS", "1", "pixel_presentation", terms=("COLOR", "MONOCHROME", "MIXED"), default="MONOCHROME"),
    _a(
        0x00089206,
        "CS",
        "1",
        "volumetric",
        terms=("VOLUME", "SAMPLED", "DISTORTED", "MIXED"),
        default="VOLUME",
    ),
    _a(0x00089207, "CS", "1", "calculation", default="NONE"),
)

CT = (
    *COMMON,
    *CONTENT_TIME,
    *IMAGE_PIXEL,
    *MACHINE_FRAME,
    *FRAME_OF_REFERENCE,
    *_FRAME_TYPE[1:],
    _a(0x00080008, "CS", "1", "image_type", n_values=(4, 4)),
    _a(0x0008002A, "DT", "2", "acquired"),
    _a(0x00080060, "CS", "1", "modality", terms=("CT",), default="CT"),
    _a(0x00189073, "FD", "2", "acquisition_s", default=0.0),
    _a(0x00280008, "IS", "1", "n_frames"),
    _a(0x00282110, "CS", "3", "is_lossy", terms=("00", "01"), default="00"),
    _a(0x00400555, "SQ", "2", "acquisition_context", default=()),
    _a(0x20500020, "CS", "1", "lut_shape", terms=("IDENTITY", "INVERSE"), default="IDENTITY"),
    _a(0x43000902, "FL", "3", "effective_energy", default=0.0),
    _a(
        0x52009229,
        "SQ",
        "1",
        "shared_groups",
        least_items=1,
        items=(
            _a(
                0x00189325,
                "SQ",
                "3",
                "xray_details",
                least_items=1,
                items=(
                    _a(0x00180060, "DS", "1", "tube_kvp", default=0),
                    _a(0x00181160, "SH", "1", "filter_type", default="NONE"),
                    _a(0x00181190, "DS", "1", "focal_spot_mm", default=0),
                ),
            ),
            _a(0x00189329, "SQ", "3", "frame_types", items=_FRAME_TYPE, least_items=1),
            _a(
                0x00209116,
                "SQ",
                "1",
                "plane_orientation",
                least_items=1,
                items=(_a(0x00200037, "DS", "1", "orientation", n_values=(6, 6), default=(1, 0, 0, 0, 1, 0)),),
            ),
            _a(
                0x00289110,
                "SQ",
                "3",
                "pixel_measures",
                least_items=1,
                items=(
                    _a(0x00180050, "DS", "1", "slice_mm", default=1),
                    _a(0x00280030, "DS", "1", "pixel_mm", n_values=(2, 2)),
                ),
            ),
            _a(
                0x00289145,
                "SQ",
                "3",
                "rescaling",
                least_items=1,
                items=(
                    _a(0x00281052, "DS", "1", "rescale_intercept", default=0),
                    _a(0x00281053, "DS", "1", "rescale_slope", default=1),
                    _a(0x00281054, "LO", "1", "rescale_type", default="US"),
                ),
            ),
        ),
    ),
    _a(
        0x52009230,
        "SQ",
        "1",
        "frame_groups",
        least_items=1,
        items=(
            _a(
                0x00209113,
                "SQ",
                "1",
                "plane_position",
                least_items=1,
                items=(_a(0x00200032, "DS", "1", "position_mm", n_values=(3, 3)),),
            ),
        ),
    ),
)

REFERENCE = (
    _a(0x00081150, "UI", "2", "referenced_class"),
    _a(0x00081155, "UI", "2", "referenced_instance"),
)

ROI = (
    _a(0x40101004, "FL", "1C", "base", when="the report is not GROUND TRUTH", n_values=(3, 3)),
    _a(0x40101005, "FL", "1", "extents", n_values=(3, 3)),
    _a(0x40101006, "OB", "2C", "bitmap", when="the report is not GROUND TRUTH"),
)

REPRESENTATION = (
    _a(0x0008114A, "SQ", "2", "references", items=REFERENCE),
    _a(0x40101001, "SQ", "1C", "voxels", when="the report is not GROUND TRUTH", items=ROI, least_items=1),
    _a(0x40101017, "FL", "1C", "mass_g", when="a CT image is referenced"),
    _a(0x40101018, "FL", "1C", "density_g_cm3", when="a CT image is referenced"),
    _a(0x40101019, "FL", "3", "z_effective"),
    _a(0x4010101B, "FL", "3", "centre_of_mass", n_values=(3, 3)),
    _a(0x4010101C, "FL", "3", "centre", n_values=(3, 3)),
    _a(0x4010101D, "FL", "3", "polygon", n_values=(6, 0)),
    _a(0x40101023, "FL", "3", "volume_cm3"),
    _a(0x40101078, "ST", "3", "location"),
)

CATEGORIES = ("EXPLOSIVE", "PI", "CONTRABAND", "ANOMALY", "LAPTOP", "OTHER", "PHARMACEUTICAL")
FLAGS = ("HIGH_THREAT", "THREAT", "NO_THREAT", "UNKNOWN")

ASSESSMENT = (
    _a(0x40101012, "CS", "1C", "category", when="the report is not GROUND TRUTH", terms=CATEGORIES),
    _a(0x40101013, "LT", "3", "description"),
    _a(0x40101014, "CS", "1", "ability", terms=("NO_INTERFERENCE", "SHIELD"), default="NO_INTERFERENCE"),
    _a(0x40101015, "CS", "1", "flag", terms=FLAGS),
    _a(0x40101016, "FL", "3", "probability"),
)

THREAT = (
    _a(0x40101010, "US", "1", "number"),
    _a(0x40101037, "SQ", "2C", "representations", when="the report is not GROUND TRUTH", items=REPRESENTATION),
    _a(0x40101038, "SQ", "1", "assessments", items=ASSESSMENT, least_items=1),
    _a(0x40101080, "DT", "1", "started"),
    _a(0x40101081, "DT", "1", "ended"),
    _a(0x40101082, "FL", "1", "processing_ms", default=0.0),
)

REPORT_TYPES = ("MACHINE", "OPERATOR", "GROUND TRUTH", "AGGREGATE", "MOD_AGGREGATE", "UNDEFINED")

TDR = (
    *COMMON,
    *CONTENT_TIME,
    *FRAME_OF_REFERENCE,
    _a(0x00080060, "CS", "1", "modality", terms=("TDR",), default="TDR"),
    _a(0x00081110, "SQ", "2", "referenced_scans", items=REFERENCE),
    _a(0x40101011, "SQ", "1C", "threats", when="the decision is ALARM", items=THREAT, least_items=1),
    _a(0x40101021, "CS", "1C", "abort_reason", when="the report was aborted", n_values=(1, 0)),
    _a(0x40101024, "CS", "2", "abort_flag", terms=("SUCCESS", "ABORT"), default="SUCCESS"),
    _a(0x40101027, "CS", "1", "report_type", terms=REPORT_TYPES),
    _a(0x40101029, "LO", "1C", "algorithm", when="the report is not GROUND TRUTH", n_values=(1, 0)),
    _a(0x4010102B, "DT", "1", "decided"),
    _a(0x40101031, "CS", "2", "decision", terms=("ALARM", "CLEAR", "UNKNOWN")),
    _a(0x40101033, "US", "1", "n_objects"),
    _a(0x40101034, "US", "1C", "n_alarm_objects", when="the decision is not CLEAR"),
    _a(0x40101069, "FL", "1", "total_ms", default=0.0),
    _a(0x4010106D, "CS", "1", "was_screened_again", terms=YES_NO, default="NO"),
    _a(0x40101075, "FD", "1", "image_scale", default=1.0),
)

OBJECTS: Mapping[str, tuple[Attribute, ...]] = {"dx": DX, "ct": CT, "tdr": TDR}
