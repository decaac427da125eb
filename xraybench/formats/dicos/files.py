"""DICOS files: opened tolerantly and with care, written in one way only.

The reader takes V02 to V03, explicit and implicit VR, files without preamble and the invalid UIDs of widespread writers,
and says what it found wrong. It does not trust a header: nothing is allocated that the file's own bytes do not support,
and what inflates without limit is not read. The writer writes V03 in Explicit VR Little Endian, atomically.
"""

import contextlib
import io
import struct
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from pydicom import config as pydicom_config
from pydicom import dcmread, dcmwrite
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from xraybench.core.documents import write_bytes
from xraybench.core.errors import BadFile
from xraybench.core.optional import need
from xraybench.formats.dicos import dictionary as names
from xraybench.formats.dicos.check import Issue, issues_of, kind_of
from xraybench.formats.dicos.tables import value_of

MOST_PIXELS = 2_000_000_000  # of one object; a scanner's largest volume has a few hundred million
MOST_RATIO = 600  # of pixel bytes to encoded bytes: lossless JPEG of one flat tone reaches about 32, RLE 64
SUFFIXES = (".dcs", ".dcm", ".dicos", ".dicom")
JPEG_LOSSLESS = ("1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70")
_UNCOMPRESSED = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian)
_PREAMBLE = 128
_MAGIC = b"DICM"
_ITEM = b"\xfe\xff\x00\xe0"  # opens encoded pixel data
_LONG_VR = (b"OB", b"OW", b"OF", b"OD", b"OL", b"OV", b"SQ", b"UC", b"UN", b"UR", b"UT", b"SV", b"UV")
_MOST_META = 1 << 16


@dataclass(frozen=True, eq=False)
class Opened:
    """A DICOS file as it was read: the data set, its kind and what is wrong with it."""

    source: str
    dataset: FileDataset
    kind: str  # dx, ct, tdr, ait2d, ait3d, qr, or "" where the SOP class is none of DICOS
    issues: tuple[Issue, ...]


class _Bounded:
    """A file of which never more is asked than it holds: a length of four gigabytes allocates nothing."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self.seek, self.tell = file.seek, file.tell
        self._read, self._size = file.read, size

    def read(self, n_bytes: int = -1) -> bytes:
        return self._read(min(n_bytes, self._size))


def open_dicos(path: Path | str, *, with_pixels: bool = True) -> Opened:
    """Read a file and say what is wrong with it.

    Args:
        path: The file.
        with_pixels: Read the pixel bytes too. Without them the attributes behind the pixels are not read either.

    Raises:
        BadFile: Missing, no DICOM file, truncated, or encoded in a way that is not read (deflated).
    """
    path = Path(path)
    source = str(path)
    issues: list[Issue] = []
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            if size < 8:
                raise BadFile(f"{source}: {size} bytes; too short for a DICOM file.")
            dataset = _parsed(_Bounded(file, size), source, issues, with_pixels)
    except FileNotFoundError:
        raise BadFile(f"{source}: there is no such file.") from None
    except OSError as error:
        raise BadFile(f"{source}: cannot be read ({error.strerror or error}).") from None
    issues += issues_of(dataset) if with_pixels else [i for i in issues_of(dataset) if i.where != "(7FE0,0010)"]
    return Opened(source, dataset, kind_of(dataset), tuple(issues))


def pixels_in(content: bytes, path: Path) -> NDArray[np.generic]:
    """A projection as it is meant to be seen, of a file whose bytes were read already; `path` names it in messages.

    Returns:
        Shape (height, width), uint8 or uint16, bright where few pixels were stopped (MONOCHROME1 is turned over); or
        (height, width, 3) uint8 in the colours of a palette.

    Raises:
        BadFile: No DX image, or pixels that cannot be read.
        MissingExtra: JPEG-lossless pixels without python-gdcm.
    """
    source, issues = str(path), list[Issue]()
    dataset = _parsed(_Bounded(io.BytesIO(content), len(content)), source, issues, True)
    refuse_wrong_kind(Opened(source, dataset, kind_of(dataset), tuple(issues)), "dx")
    pixels = pixels_of(dataset, source)
    photometric = str(value_of(dataset, 0x00280004))
    if photometric == "MONOCHROME1":
        turned: NDArray[np.generic] = np.subtract(2 ** _whole(dataset, 0x00280101, source) - 1, pixels).astype(
            pixels.dtype
        )
        return turned
    return _coloured(dataset, pixels, source) if photometric == "PALETTE COLOR" else pixels


def _coloured(dataset: Dataset, pixels: NDArray[np.generic], source: str) -> NDArray[np.generic]:
    from pydicom.pixels.processing import apply_color_lut

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            colours = apply_color_lut(pixels, dataset)
    except Exception as error:  # pydicom raises whatever a broken palette makes it raise
        raise BadFile(f"{source}: its palette cannot be applied ({_first_line(error)}).") from None
    narrowed: NDArray[np.generic] = (colours >> 8).astype(np.uint8) if colours.dtype == np.uint16 else colours
    return narrowed


def is_dicos(path: Path) -> bool:
    """Whether a file may be DICOS, by its first bytes or its suffix."""
    try:
        with path.open("rb") as file:
            head = file.read(_PREAMBLE + 4)
    except OSError:
        return False
    return head[_PREAMBLE:] == _MAGIC or path.suffix.lower() in SUFFIXES


def write_dataset(path: Path | str, dataset: Dataset) -> None:
    """Write a data set in Explicit VR Little Endian, whole or not at all: see `dataset_bytes`."""
    write_bytes(Path(path), dataset_bytes(dataset))


def dataset_bytes(dataset: Dataset) -> bytes:
    """A data set as the bytes of a file in Explicit VR Little Endian.

    It is marked with its own version, V03 where it has none; pixels that are still encoded keep their transfer syntax.
    """
    buffer = io.BytesIO()
    with warnings.catch_warnings(), pydicom_config.disable_value_validation():
        warnings.simplefilter("ignore")  # a UID of a foreign writer is kept as it is
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = dataset.SOPClassUID
        meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        meta.TransferSyntaxUID = UID(_syntax_of(dataset))
        version = str(value_of(dataset, 0x4010103A))
        meta.add_new(0x00020004, "CS", version if version in names.VERSIONS else "V03")
        file = FileDataset("", dataset, file_meta=meta, preamble=b"\0" * _PREAMBLE)
        dcmwrite(buffer, file, enforce_file_format=True)
    return buffer.getvalue()


def _syntax_of(dataset: Dataset) -> str:
    pixels = value_of(dataset, 0x7FE00010)
    is_encoded = isinstance(pixels, bytes) and pixels.startswith(_ITEM)
    syntax = str(getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", ExplicitVRLittleEndian))
    return syntax if is_encoded and syntax not in _UNCOMPRESSED else str(ExplicitVRLittleEndian)


def pixels_of(dataset: Dataset, source: str = "data set") -> NDArray[np.generic]:
    """The stored pixels, not rescaled, in the byte order of this machine.

    Returns:
        Shape (height, width) for one frame, (frames, height, width) for several, with a last axis of 3 for colour.

    Raises:
        BadFile: The header says more than the bytes hold or than any image has, or a depth that is not read.
        MissingExtra: JPEG-lossless pixels without python-gdcm.
    """
    shape, dtype = _layout(dataset, source)
    if any(tag in dataset for tag in (0x7FE00011, 0x7FE00012, 0x7FE00013)):
        raise BadFile(f"{source}: pixels of 32 or 64 bits in (7FE0,0011) to (7FE0,0013) are not read.")
    data = value_of(dataset, 0x7FE00010)
    if not isinstance(data, bytes) or not data:
        raise BadFile(f"{source}: has no pixel data.")
    syntax = str(getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", ExplicitVRLittleEndian))
    n_bytes = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    if syntax not in _UNCOMPRESSED:
        return _decoded(dataset, source, syntax, data, shape, n_bytes)
    if len(data) < n_bytes:
        raise BadFile(f"{source}: its header says {n_bytes} bytes of pixels, it holds {len(data)}. Truncated?")
    as_stored = dtype.newbyteorder(">" if syntax == ExplicitVRBigEndian else "<")
    stored: NDArray[np.generic] = np.frombuffer(data, dtype=as_stored, count=n_bytes // dtype.itemsize)
    return stored.astype(dtype, copy=False).reshape(shape)


def size_of(opened: Opened) -> tuple[int, int]:
    """Height and width of an image by its header.

    Raises:
        BadFile: The header does not say them, or no image can be like that.
    """
    shape, _ = _layout(opened.dataset, opened.source)
    rows, columns = shape[:2] if len(shape) == 2 else shape[-2:]
    return rows, columns


def _layout(dataset: Dataset, source: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and type that the header claims, refused where no image can be like that."""
    rows, columns = (_whole(dataset, tag, source) for tag in (0x00280010, 0x00280011))
    n_frames = _whole(dataset, 0x00280008, source, 1)
    n_channels = _whole(dataset, 0x00280002, source, 1)
    allocated = _whole(dataset, 0x00280100, source)
    is_signed = _whole(dataset, 0x00280103, source, 0)
    if rows < 1 or columns < 1 or n_frames < 1 or n_channels not in (1, 3):
        raise BadFile(f"{source}: {rows} rows, {columns} columns, {n_frames} frames, {n_channels} samples is no image.")
    if rows * columns * n_frames * n_channels > MOST_PIXELS:
        raise BadFile(
            f"{source}: its header says {rows} x {columns} x {n_frames} pixels; at most {MOST_PIXELS} are read."
        )
    if allocated not in (8, 16, 32):
        raise BadFile(f"{source}: {allocated} bits a pixel; 8, 16 and 32 are read.")
    shape = (rows, columns) if n_frames == 1 else (n_frames, rows, columns)
    if n_channels == 3:
        if _whole(dataset, 0x00280006, source, 0):
            raise BadFile(f"{source}: colour planes one after the other are not read; save it colour by pixel.")
        shape = (*shape, 3)
    return shape, np.dtype(f"{'i' if is_signed else 'u'}{allocated // 8}")


def _whole(dataset: Dataset, tag: int, source: str, missing: int | None = None) -> int:
    try:
        value = dataset[tag].value if tag in dataset else missing
        if value is None or value == "":
            value = missing
        return int(value)  # type: ignore[arg-type]  # what is no number is answered below
    except Exception:  # pydicom raises whatever a broken value makes it raise
        name = f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
        raise BadFile(f"{source}: {name} is missing or no whole number, so the pixels cannot be read.") from None


def _decoded(
    dataset: Dataset, source: str, syntax: str, data: bytes, shape: tuple[int, ...], n_bytes: int
) -> NDArray[np.generic]:
    if n_bytes > MOST_RATIO * len(data):
        raise BadFile(
            f"{source}: its header says {n_bytes} bytes of pixels in {len(data)} encoded ones; no codec packs so tightly."
        )
    if syntax != RLELossless:
        need("gdcm", extra="dicos", why=f"{source}: reading compressed pixels ({syntax})")
        _check_jpeg_size(data, source, shape)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pixels: NDArray[np.generic] = dataset.pixel_array
    except Exception as error:  # each decoder has errors of its own
        raise BadFile(f"{source}: its pixels cannot be decoded ({str(error).splitlines()[0][:120]}).") from None
    if pixels.shape != shape:
        raise BadFile(f"{source}: decodes to {pixels.shape}, its header says {shape}.")
    return pixels


def _check_jpeg_size(data: bytes, source: str, shape: tuple[int, ...]) -> None:
    """The size in a JPEG stream's own header must be that of the image: a decoder allocates what the stream says."""
    start = data.find(b"\xff\xd8\xff")
    at = start + 2
    while start >= 0 and at + 9 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], struct.unpack(">H", data[at + 2 : at + 4])[0]
        if (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)) or marker == 0xF7:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            if (height, width) not in (shape[:2], shape[1:3]):
                raise BadFile(f"{source}: its JPEG stream is {height} x {width}, its header says {shape}.")
            return
        at += 2 + length


def _parsed(content: _Bounded, source: str, issues: list[Issue], with_pixels: bool) -> FileDataset:
    head = content.read(_MOST_META)
    content.seek(0)
    has_preamble = head[_PREAMBLE : _PREAMBLE + 4] == _MAGIC
    if not has_preamble:
        group = struct.unpack("<H", head[:2])[0] if len(head) > 1 else 0
        if group not in (0x0002, 0x0008):
            raise BadFile(f"{source}: not a DICOM file: no preamble, and it does not begin with group 0002 or 0008.")
        issues.append(Issue("encoding", "preamble", "the 128 bytes and DICM that open a DICOM file are missing"))
    syntax = _transfer_syntax(head, _PREAMBLE + 4 if has_preamble else 0)
    if syntax == DeflatedExplicitVRLittleEndian:
        raise BadFile(f"{source}: deflated; such files are not read, because they may inflate without limit.")
    if syntax == ImplicitVRLittleEndian:
        issues.append(Issue("encoding", "(0002,0010)", "Implicit VR: types are taken from the dictionary"))
    elif syntax == ExplicitVRBigEndian:
        issues.append(Issue("encoding", "(0002,0010)", "Explicit VR Big Endian, which DICOM has retired"))
    with warnings.catch_warnings(record=True) as told, pydicom_config.disable_value_validation():
        warnings.simplefilter("always")
        try:
            file: Any = content  # all that pydicom asks of it is read, seek and tell
            dataset = dcmread(file, force=True, stop_before_pixels=not with_pixels)
            _mend_clashes(dataset, issues)
            _decode(dataset, issues)
            _decode(dataset.file_meta, issues)
            dataset.buffer = None  # the file is closed when this returns
        except RecursionError:
            raise BadFile(f"{source}: sequences nested beyond all measure.") from None
        except MemoryError:
            raise BadFile(f"{source}: claims more memory than there is.") from None
        except Exception as error:  # pydicom raises whatever a broken file makes it raise
            raise BadFile(f"{source}: broken or truncated ({_first_line(error)}).") from None
    if len(dataset) < 2:
        raise BadFile(f"{source}: not a DICOM file, or truncated before its first attributes.")
    issues += [Issue("encoding", "file", _first_line(w.message)) for w in told[:20]]
    return dataset


def _decode(dataset: Dataset, issues: list[Issue], path: str = "") -> None:
    """Decode every value now, while warnings are caught; one that is cut short is told, a broken one by the validator."""
    for tag, raw in list(dataset.items()):
        length, value = getattr(raw, "length", None), raw.value
        if type(value) is bytes and length is not None and len(value) < length < 0xFFFFFFFF:
            text = f"says {length} bytes, the file holds {len(value)} of them"
            issues.append(Issue("encoding", f"{path}({tag.group:04X},{tag.element:04X})", text))
        with contextlib.suppress(Exception):  # pydicom raises whatever a broken value makes it raise
            element = dataset[tag]
            if element.VR == "SQ":
                for number, item in enumerate(element.value or ()):
                    _decode(item, issues, f"{path}({tag.group:04X},{tag.element:04X})[{number}] > ")


def _first_line(error: object) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:120]


def _transfer_syntax(content: bytes, at: int) -> str:
    """The transfer syntax of the file meta information, read without interpreting anything else; "" if there is none."""
    end = len(content)
    while at + 8 <= end:
        group, element, vr = struct.unpack("<HH2s", content[at : at + 6])
        if group != 0x0002:
            break
        if vr in _LONG_VR:
            (length,) = struct.unpack("<I", content[at + 8 : at + 12]) if at + 12 <= end else (0,)
            at += 12
        else:
            (length,) = struct.unpack("<H", content[at + 6 : at + 8])
            at += 8
        if element == 0x0010:
            return content[at : at + length].rstrip(b"\0 ").decode("ascii", "replace")
        at += length
    return ""


def _mend_clashes(dataset: Dataset, issues: list[Issue]) -> None:
    """Under Implicit VR the two tags that mean something else in DICOM are decoded wrongly: decode them as DICOS."""
    if not dataset.original_encoding[0]:
        return
    for tag, vr in names.CLASHES.items():
        raw = dataset.get_item(tag) if tag in dataset else None
        value = getattr(raw, "value", None)
        if not isinstance(value, bytes):
            continue
        if vr == "FD" and len(value) == 8:
            dataset[tag] = DataElement(tag, "FD", struct.unpack("<d", value)[0])
        elif vr == "CS":
            dataset[tag] = DataElement(tag, "CS", value.decode("ascii", "replace").strip(" \0"))
        else:
            label = f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
            issues.append(Issue("encoding", label, f"{len(value)} bytes are no value of representation {vr}"))


def refuse_wrong_kind(opened: Opened, *kinds: str) -> None:
    """Raise `BadFile` unless the object is of one of these kinds; a foreign tag table is named."""
    if opened.kind in kinds:
        return
    foreign = [issue.text for issue in opened.issues if issue.kind == "foreign"]
    if foreign:
        raise BadFile(f"{opened.source}: {foreign[0]}.")
    is_what = opened.kind or "no DICOS object"
    raise BadFile(f"{opened.source}: {is_what}, not {' or '.join(kinds)}.")
