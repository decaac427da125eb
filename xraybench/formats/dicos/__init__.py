"""DICOS V03 on pydicom: projections (DX), volumes (CT) and threat detection reports (TDR), read, written and checked.

read_dx, read_ct, read_tdr      records, with a list of what is wrong with the file
write_dx, write_ct, write_tdr   V03, Explicit VR Little Endian
open_dicos(path)                the data set itself, its kind and its issues, whatever the version
issues_of, link_issues          structure, values and references
regions                         boxes and masks of ours as base, extents and bitmap, and back

What may be claimed: files that an independent toolkit (Stratovan's, through pydicos 1.3.0) accepts as DICOS V03. The text
of the standard was not at hand, so this is no statement of conformity. V04 is not written, and named where it is met.
"""

from xraybench.formats.dicos.build import make_dataset, uid_of
from xraybench.formats.dicos.check import REFUSED, Issue, issues_of, kind_of, link_issues, refused
from xraybench.formats.dicos.dictionary import CT_IMAGE, DX_PRESENTATION, DX_PROCESSING, TDR_REPORT
from xraybench.formats.dicos.files import (
    Opened,
    dataset_bytes,
    is_dicos,
    open_dicos,
    pixels_in,
    pixels_of,
    size_of,
    write_dataset,
)
from xraybench.formats.dicos.private import read_marks, write_marks
from xraybench.formats.dicos.read import dx_of, inspection_of, read_ct, read_dx, read_tdr
from xraybench.formats.dicos.records import (
    HIGH,
    LOW,
    SOMEWHERE,
    Assessment,
    CtVolume,
    DxImage,
    Inspection,
    Reference,
    Report,
    Sighting,
    ThreatObject,
    category_of,
    inspection_for,
    reference_to,
)
from xraybench.formats.dicos.regions import Region, mask_of_region, packed, region_of_box, region_of_mask, unpacked
from xraybench.formats.dicos.write import ct_dataset, dx_dataset, tdr_dataset, write_ct, write_dx, write_tdr

__all__ = [
    "CT_IMAGE",
    "DX_PRESENTATION",
    "DX_PROCESSING",
    "HIGH",
    "LOW",
    "REFUSED",
    "SOMEWHERE",
    "TDR_REPORT",
    "Assessment",
    "CtVolume",
    "DxImage",
    "Inspection",
    "Issue",
    "Opened",
    "Reference",
    "Region",
    "Report",
    "Sighting",
    "ThreatObject",
    "category_of",
    "ct_dataset",
    "dataset_bytes",
    "dx_dataset",
    "dx_of",
    "inspection_for",
    "inspection_of",
    "is_dicos",
    "issues_of",
    "kind_of",
    "link_issues",
    "make_dataset",
    "mask_of_region",
    "open_dicos",
    "packed",
    "pixels_in",
    "pixels_of",
    "read_ct",
    "read_dx",
    "read_marks",
    "read_tdr",
    "reference_to",
    "refused",
    "region_of_box",
    "region_of_mask",
    "size_of",
    "tdr_dataset",
    "uid_of",
    "unpacked",
    "write_ct",
    "write_dataset",
    "write_dx",
    "write_marks",
    "write_tdr",
]
