"""The exchange package: scan events with 16-bit planes in one ZIP, for handing scans from one administration to another.

    manifest.json            schema, licence, systems, scan events: the entities of `formats/uff.py`
    planes/<name>.u16        counts of one plane, little-endian, row after row; size and sha256 in the manifest
    attachments/<name>       bytes that are carried and not read, sha256 in the manifest

A profile inspired by what is public of UFF; it is not UFF and no UFF device reads it. Equal contents give equal bytes.
A package comes from a stranger: names of members are held against the two patterns above before any is opened, what it
claims is held against its own length, and nothing is ever extracted to a path that it names.
"""

import hashlib
import json
import re
import stat
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from xraybench.core.documents import Document, field_faults
from xraybench.core.errors import BadFile, BadTable, BadValue
from xraybench.core.vocabulary import UNKNOWN
from xraybench.formats.images import MOST_EXPANSION, MOST_PIXELS
from xraybench.formats.uff import Attachment, Exchange, PlaneEntry, ScanEvent, ScanSystem

# What zipfile answers a broken archive with; RuntimeError is a password, or a compression that it does not know.
BROKEN_ZIP = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError)
SUFFIX = ".xrb"
MANIFEST = "manifest.json"
SCHEMA_FILE = Path(__file__).parent / "PackageManifest.schema.json"
MOST_MEMBERS = 200_000
MOST_MANIFEST_BYTES = 256 << 20
MOST_BYTES = 8 << 30  # of all planes together, unless the caller allows more
NOTICE = "Exchange profile of xraybench. Inspired by the public description of UFF; it is not UFF."
_PLANE = re.compile(r"planes/[A-Za-z0-9][A-Za-z0-9_-]{0,99}\.u16")
_ATTACHMENT = re.compile(r"attachments/[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_EPOCH = (1980, 1, 1, 0, 0, 0)


class PackageManifest(Document):
    """`manifest.json` of a package."""

    schema_id: Literal["xraybench.package/1"] = "xraybench.package/1"
    notice: str = NOTICE
    name: str
    licence: str = UNKNOWN
    licence_of_upstream: str = UNKNOWN
    use_terms: str = "not stated"
    systems: list[ScanSystem] = Field(default_factory=list)
    scans: list[ScanEvent] = Field(min_length=1)


def write_package(path: Path | str, exchange: Exchange, *, compress: bool = True) -> None:
    """Write a package, atomically.

    Args:
        path: Ends in `.xrb`.
        exchange: Sizes and sha256 in its entries are filled in here.
        compress: Deflate the planes; without it the bytes are the same whatever version of zlib is installed.

    Raises:
        BadValue: Another suffix, or with every fault of the contents: members that are named and not given, or given and
            not named, counts that are not uint16 (height, width), planes of one view that differ in size.
    """
    path = Path(path)
    if path.suffix.lower() != SUFFIX:
        raise BadValue(f"{path}: a package ends in {SUFFIX}.")
    faults = _exchange_faults(exchange)
    if faults:
        raise BadValue(f"{path.name}: {len(faults)} faults\n  " + "\n  ".join(faults[:20]))
    content = {name: np.ascontiguousarray(counts, "<u2").tobytes() for name, counts in exchange.planes.items()}
    content |= exchange.attachments
    manifest = PackageManifest(
        name=exchange.name,
        licence=exchange.licence,
        licence_of_upstream=exchange.licence_of_upstream,
        use_terms=exchange.use_terms,
        systems=list(exchange.systems),
        scans=[_filled(scan, exchange, content) for scan in exchange.scans],
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False)  # noqa: SIM115
    try:
        with handle, zipfile.ZipFile(handle, "w") as archive:
            members = {MANIFEST: (manifest.model_dump_json(indent=1) + "\n").encode(), **dict(sorted(content.items()))}
            for name, body in members.items():
                info = zipfile.ZipInfo(name, _EPOCH)
                info.create_system = 3
                info.external_attr = 0o644 << 16
                archive.writestr(info, body, zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED, 6)
        Path(handle.name).chmod(0o644)
        Path(handle.name).replace(path)
    except BaseException:
        Path(handle.name).unlink(missing_ok=True)
        raise


def read_package(path: Path | str, *, most_bytes: int = MOST_BYTES) -> Exchange:
    """Read a package whole, every member held against its sha256. Nothing is written anywhere.

    Raises:
        BadFile: No such file, no ZIP, no package, truncated, encrypted, with members that stand twice, are links, lead
            elsewhere, claim more than they can hold, or are more than `most_bytes` together.
        BadTable: With every fault between manifest and members.
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            members = _safe_members(path, archive, most_bytes)
            manifest = _manifest(path, archive, members)
            return _exchange(path, archive, members, manifest)
    except FileNotFoundError:
        raise BadFile(f"{path}: there is no such file.") from None
    except (BadFile, BadTable):
        raise
    except (*BROKEN_ZIP, OSError, ValueError, LookupError, OverflowError, TypeError) as error:
        raise BadFile(f"{path}: not a package, broken or truncated ({str(error)[:100]}).") from None


def _entries(scans: tuple[ScanEvent, ...] | list[ScanEvent]) -> Iterator[tuple[str, PlaneEntry | Attachment]]:
    """Where in the manifest, and the entry, of every member that is named."""
    for scan in scans:
        for v, view in enumerate(scan.views):
            for plane in view.planes:
                yield f"scan {scan.scan_id}, view {v}, plane {plane.name}", plane
        for attachment in scan.attachments:
            yield f"scan {scan.scan_id}, attachment", attachment


def _naming_faults(scans: tuple[ScanEvent, ...] | list[ScanEvent]) -> list[str]:
    faults = []
    for where, entry in _entries(scans):
        pattern = _PLANE if isinstance(entry, PlaneEntry) else _ATTACHMENT
        if not pattern.fullmatch(entry.member):
            faults.append(f"{where}: '{entry.member[:80]}' is no name of a member of this kind")
    counts = Counter(entry.member for _, entry in _entries(scans))
    faults += [f"member {name[:80]} is named {n} times" for name, n in counts.items() if n > 1]
    ids = Counter(scan.scan_id for scan in scans)
    faults += [f"scan {scan_id[:80]} stands {n} times" for scan_id, n in ids.items() if n > 1]
    for scan in scans:
        for v, view in enumerate(scan.views):
            if len({(plane.width, plane.height) for plane in view.planes}) > 1:
                faults.append(f"scan {scan.scan_id}, view {v}: its planes differ in size")
        faults += [
            f"scan {scan.scan_id}: a region lies in view {region.view} of {len(scan.views)}"
            for region in scan.regions
            if region.view >= len(scan.views)
        ]
    return faults


def _exchange_faults(exchange: Exchange) -> list[str]:
    given = set(exchange.planes) | set(exchange.attachments)
    named = {entry.member for _, entry in _entries(exchange.scans)}
    faults = [f"member {name} is named and not given" for name in sorted(named - given)]
    faults += [f"member {name} is given and not named" for name in sorted(given - named)]
    for name, counts in exchange.planes.items():
        if counts.dtype != np.uint16 or counts.ndim != 2 or counts.size == 0:
            faults.append(f"{name}: {counts.dtype} of shape {counts.shape}; uint16 (height, width) is meant")
    if not faults:
        sized = [_filled(scan, exchange, {}) for scan in exchange.scans]
        faults += _naming_faults(sized)
    return faults + ([] if exchange.scans else ["there is no scan"])


def _filled(scan: ScanEvent, exchange: Exchange, content: dict[str, bytes]) -> ScanEvent:
    """The scan event with size and sha256 of every member."""

    def of_plane(plane: PlaneEntry) -> PlaneEntry:
        height, width = exchange.planes[plane.member].shape
        told = {"height": height, "width": width, "sha256": _sha256(content.get(plane.member, b""))}
        return plane.model_copy(update=told)

    views = [view.model_copy(update={"planes": [of_plane(plane) for plane in view.planes]}) for view in scan.views]
    attachments = [one.model_copy(update={"sha256": _sha256(content.get(one.member, b""))}) for one in scan.attachments]
    return scan.model_copy(update={"views": views, "attachments": attachments})


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _safe_members(path: Path, archive: zipfile.ZipFile, most_bytes: int) -> dict[str, zipfile.ZipInfo]:
    """The members by name, after everything that can be told without opening one."""
    infos = archive.infolist()
    if len(infos) > MOST_MEMBERS:
        raise BadFile(f"{path}: {len(infos)} members; at most {MOST_MEMBERS} are read.")
    faults = []
    for name, n in Counter(info.filename for info in infos).items():
        if n > 1:
            faults.append(f"member '{name[:80]}' stands {n} times")
    for info in infos:
        if what := _member_fault(info):
            faults.append(f"member '{info.filename[:80]}' {what}")
    if faults:
        raise BadTable(path.name, faults)
    n_bytes, n_packed = sum(info.file_size for info in infos), sum(info.compress_size for info in infos)
    if n_bytes > most_bytes:
        raise BadFile(f"{path}: claims {n_bytes} bytes of members; at most {most_bytes} are read.")
    if n_packed > path.stat().st_size:
        raise BadFile(f"{path}: its members overlap: {n_packed} bytes in a file of {path.stat().st_size}.")
    members = {info.filename: info for info in infos}
    if MANIFEST not in members:
        raise BadFile(f"{path}: holds no {MANIFEST}, so it is not a package.")
    if members[MANIFEST].file_size > MOST_MANIFEST_BYTES:
        raise BadFile(f"{path}: {MANIFEST} claims {members[MANIFEST].file_size} bytes.")
    return members


def _member_fault(info: zipfile.ZipInfo) -> str:
    mode = info.external_attr >> 16
    if stat.S_ISLNK(mode) or (mode and not stat.S_ISREG(mode) and stat.S_IFMT(mode)):
        return "is a link or no plain file"
    if info.filename != info.orig_filename or not (
        info.filename == MANIFEST or _PLANE.fullmatch(info.filename) or _ATTACHMENT.fullmatch(info.filename)
    ):
        return "is none that a package holds: manifest.json, planes/NAME.u16, attachments/NAME"
    if info.flag_bits & 0x1:
        return "is encrypted"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "is packed in a way that is not read: stored and deflated are"
    if info.file_size > MOST_EXPANSION * info.compress_size + 4096:
        return f"claims {info.file_size} bytes out of {info.compress_size}"
    return ""


def _content(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """The bytes of a member, never more than it claims."""
    with archive.open(info) as file:
        content = file.read(info.file_size + 1)
    if len(content) != info.file_size:
        raise zipfile.BadZipFile(f"{info.filename} does not hold the {info.file_size} bytes it claims")
    return content


def _manifest(path: Path, archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo]) -> PackageManifest:
    try:
        return PackageManifest.model_validate_json(_content(archive, members[MANIFEST]))
    except ValidationError as error:
        raise BadTable(f"{path.name}, {MANIFEST}", field_faults(error)) from None


def _exchange(
    path: Path, archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], manifest: PackageManifest
) -> Exchange:
    faults = _naming_faults(manifest.scans)
    named = {entry.member for _, entry in _entries(manifest.scans)}
    faults += [f"member {name} is there and not named" for name in sorted(set(members) - named - {MANIFEST})]
    for where, entry in _entries(manifest.scans):
        if entry.member not in members:
            faults.append(f"{where}: member '{entry.member[:80]}' is not there")
        elif isinstance(entry, PlaneEntry):
            n_pixels, claimed = entry.width * entry.height, members[entry.member].file_size
            if n_pixels > MOST_PIXELS or n_pixels * 2 != claimed:
                faults.append(f"{where}: {entry.width} x {entry.height} pixels, the member has {claimed} bytes")
    if faults:
        raise BadTable(path.name, faults)
    planes: dict[str, NDArray[np.uint16]] = {}
    attachments: dict[str, bytes] = {}
    for where, entry in _entries(manifest.scans):
        content = _content(archive, members[entry.member])
        if _sha256(content) != entry.sha256:
            faults.append(f"{where}: other bytes than those whose sha256 the manifest holds")
        elif isinstance(entry, PlaneEntry):
            counts = np.frombuffer(content, "<u2").reshape(entry.height, entry.width)
            planes[entry.member] = counts.astype(np.uint16)
        else:
            attachments[entry.member] = content
    if faults:
        raise BadTable(path.name, faults)
    whole = Exchange(manifest.name, tuple(manifest.scans), tuple(manifest.systems), planes, attachments)
    return replace(
        whole,
        licence=manifest.licence,
        licence_of_upstream=manifest.licence_of_upstream,
        use_terms=manifest.use_terms,
    )


if __name__ == "__main__":
    from xraybench.core.documents import write_text

    write_text(SCHEMA_FILE, json.dumps(PackageManifest.model_json_schema(), indent=1, sort_keys=True) + "\n")
