"""A small exchange package: two energies of one view, a region, a radiation record that nobody reads."""

import numpy as np

from xraybench.formats.uff import (
    Attachment,
    Exchange,
    InspectionResult,
    Learning,
    PlaneEntry,
    Region,
    ScanEvent,
    ScanSystem,
    View,
)


def exchange(n_scans: int = 3, *, height: int = 12, width: int = 16, polarity: str = "transmission") -> Exchange:
    """Scans of noise; every second one holds a firearm that a search found."""
    rng = np.random.default_rng(5)
    planes = {}
    scans = []
    for n in range(n_scans):
        entries = []
        for name in ("lo", "hi"):  # not in the order of the track, so that order is tested
            member = f"planes/scan{n}_{name}.u16"
            planes[member] = rng.integers(0, 60_001, (height, width)).astype(np.uint16)
            entries.append(PlaneEntry(name=name, member=member, energy="160 kV", polarity=polarity, full_scale=60_000))
        region = Region(view=0, x0=1, y0=2, x1=9, y1=8, threat="firearm", concealment="in_article", author="search")
        scans.append(
            ScanEvent(
                scan_id=f"s{n}",
                item_id=f"i{n}",
                system_id="one",
                views=[View(name="top", planes=entries)],
                regions=[region] if n % 2 else [],
                results=[InspectionResult(author="search", decision="found" if n % 2 else "not_found")],
                attachments=[Attachment(kind="radiation", owner="ANSI N42.42", member=f"attachments/s{n}.n42")],
                learning=Learning(label_source="physical_search"),
            )
        )
    attachments = {f"attachments/s{n}.n42": b"<RadInstrumentData/>" for n in range(n_scans)}
    systems = (ScanSystem(system_id="one", family="mail cabinet"),)
    return Exchange("made up", tuple(scans), systems, planes, attachments, licence="own", use_terms="tests only")
