"""De-identification of what lies beside DICOS: raster images, arrays, XML and JSON sidecars, label files.

Each kind is written anew from what may stay. Images keep their pixels exactly and lose every text chunk, comment, EXIF and
tag; sidecars keep the elements on a list, at any depth, and lose all others; what is of no known kind is not taken.
"""

import datetime as dt
import io
import json
import re
import struct
import warnings
import zlib
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from xraybench.core.errors import BadFile
from xraybench.data.deid_words import STATES, WORDS, Change, is_clean
from xraybench.data.pseudonyms import SiteKey, shifted_text
from xraybench.formats import raster
from xraybench.formats.images import MOST_PIXELS

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"sBIT", b"gAMA"}
_JPEG_KEPT = {*range(0xC0, 0xD0), 0xDA, 0xDB, 0xDD}  # frames, tables, scans, restart interval
_MOST_DEPTH = 64

# Elements of sidecars (their local names in small letters) and what becomes of them. All others are removed.
_ELEMENTS = {
    "keep": """dataform manifest admindata vehicle trailers trailer containers container topleft topright bottomleft
        bottomright point3d processinstructions operations operation suspiciontypes marks mark atr_results atr files
        attributes annotation size object bndbox images annotations categories info scan views view polygon points point""",
    "number": """x y z speed energylevel threshold width height depth xmin ymin xmax ymax segmented truncated difficult
        occluded image_id category_id bbox area iscrowd segmentation score n_views bits energy""",
    "id": "id",
    "flag": "hedrequired iscontainerempty xraydone inspectdone inspectionsuspicious searchdone searchfound",
    "word": "state inspectiontype scanposition verdict mllist status result version pose polarity type",
    "class": "name label category supercategory",
    "identifier": """truckid fileid containerid platenumber declarationid accession system site containerid1 container1
        container_no containerid2 container2""",
    "time": "date start end createdate exportdate scantime",
    "file": "file filename file_name",
    "attribute": "attribute",
}
RULES = {name: rule for rule, names in _ELEMENTS.items() for name in names.split()}
# A name is that of a class only where classes are named, a number that of a row only where rows are numbered: elsewhere
# they are those of a person or a consignment.
_CLASS_PLACES = {"object", "categories", "annotations"}
_ROW_PLACES = {"images", "annotations", "categories"}
_FLAGS = {"true", "false", "yes", "no", "y", "n", "0", "1"}
_WORD = re.compile(r"[A-Za-z][A-Za-z_ /-]{0,31}")
_VERSION = re.compile(r"v?\d{1,3}(\.\d{1,4}){0,3}")
_NUMBER = re.compile(r"[-+]?\d{1,12}(\.\d{1,9})?(e[-+]?\d{1,3})?", re.IGNORECASE)


class SidecarPass:
    """A sidecar on its way through: key, shift, how files are called now, and what was changed."""

    def __init__(self, key: SiteKey, shift: dt.timedelta, rename: Callable[[str], str]) -> None:
        self.key, self.shift, self.rename = key, shift, rename
        self.changes: list[Change] = []

    def text(self, rule: str, text: str, where: str) -> str | None:
        """What a value becomes; None removes it."""
        text = text.strip()
        if not text:
            return ""
        rule = rule_at(rule, where)
        new = self._new(rule, text)
        if new != text:
            action = {"identifier": "pseudonym", "file": "pseudonym", "time": "shifted"}.get(rule, "removed")
            self.changes.append(Change(where, where.rpartition("/")[2], action if new else "removed"))
        return new

    def _new(self, rule: str, text: str) -> str | None:
        if rule == "identifier":
            return self.key.name_of(text)
        if rule == "time":
            return shifted_text(text, self.shift)
        if rule == "file":
            return self.rename(text)
        fits = {
            "number": bool(_NUMBER.fullmatch(text)),
            "flag": text.lower() in _FLAGS,
            "word": bool(_VERSION.fullmatch(text)) or _is_state(text),
            "class": bool(_WORD.fullmatch(text)) and len(text.split()) <= 3,
        }
        return text if fits.get(rule, False) else None

    def removed(self, where: str) -> None:
        self.changes.append(Change(where, where.rpartition("/")[2], "removed"))


def rule_at(rule: str, where: str) -> str:
    """The rule of an element or key at its place: `name` and `id` mean different things in different ones."""
    place = (where.split("/")[:-1] or [""])[-1].lower()
    if rule == "class" and place not in _CLASS_PLACES:
        return "word"
    if rule == "id":
        return "number" if place in _ROW_PLACES else "identifier"
    return rule


def _is_state(text: str) -> bool:
    """Whether a text is made of words that a scanner or its console says of a scan: no name, no sentence."""
    words = re.findall(r"[^\W_]+", text.lower())
    return 0 < len(words) <= 4 and all(word in STATES or word in WORDS for word in words)


def clean_png(content: bytes) -> tuple[bytes, list[Change]]:
    """The chunks that make the picture, byte for byte, and nothing after its end.

    Raises:
        BadFile: Not a whole PNG.
    """
    kept, changes, at = [_PNG], [], len(_PNG)
    while True:
        if at + 12 > len(content):
            raise BadFile("the PNG is cut off.")
        (length,), kind = struct.unpack(">I", content[at : at + 4]), content[at + 4 : at + 8]
        end = at + 12 + length
        if end > len(content):
            raise BadFile("the PNG is cut off.")
        if kind in _PNG_KEPT:
            kept.append(content[at:end])
        elif kind == b"tEXt" and (facts := _facts_in(content[at + 8 : at + 8 + length])):
            kept.append(_png_chunk(kind, f"{raster.TEXT_KEY}\0{facts}".encode("latin-1")))
        else:
            changes.append(Change(f"chunk {kind.decode('latin-1')}", "metadata", "removed"))
        at = end
        if kind == b"IEND":
            break
    if at < len(content):
        changes.append(Change("after the end", f"{len(content) - at} bytes", "removed"))
    return b"".join(kept), changes


def _facts_in(text: bytes) -> str | None:
    """What a text chunk says of the planes of counts, if it says nothing else."""
    key, _, value = text.partition(b"\0")
    return raster.plain_facts(value.decode("latin-1")) if key == raster.TEXT_KEY.encode() else None


def _png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def clean_jpeg(content: bytes) -> tuple[bytes, list[Change]]:
    """The segments that make the picture, byte for byte: no EXIF, comment, profile, thumbnail, nor bytes after its end.

    Raises:
        BadFile: Not a whole JPEG.
    """
    kept, changes, at = [content[:2]], [], 2
    while True:
        if at + 2 > len(content) or content[at] != 0xFF:
            raise BadFile("the JPEG is cut off or broken.")
        marker = content[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker == 0xD9:
            kept.append(b"\xff\xd9")
            at += 2
            break
        length = int.from_bytes(content[at + 2 : at + 4], "big")
        end = at + 2 + length
        if length < 2 or end > len(content):
            raise BadFile("the JPEG is cut off or broken.")
        segment = content[at:end]
        if marker == 0xE0 and segment[4:9] == b"JFIF\0" and len(segment) >= 18:
            kept.append(b"\xff\xe0\x00\x10" + segment[4:16] + b"\x00\x00")
            if len(segment) > 18:
                changes.append(Change("segment APP0", "thumbnail", "removed"))
        elif marker in _JPEG_KEPT or (marker == 0xEE and segment[4:9] == b"Adobe" and len(segment) == 16):
            kept.append(segment)
        else:
            name = "comment" if marker == 0xFE else f"APP{marker - 0xE0}" if 0xE0 <= marker < 0xF0 else f"{marker:02X}"
            changes.append(Change(f"segment {name}", "metadata", "removed"))
        at = end
        if marker == 0xDA:
            found = re.compile(rb"\xff(?![\x00\xd0-\xd7\xff])").search(content, at)
            if found is None:
                raise BadFile("the JPEG is cut off or broken.")
            kept.append(content[at : found.start()])
            at = found.start()
    if at < len(content):
        changes.append(Change("after the end", f"{len(content) - at} bytes", "removed"))
    return b"".join(kept), changes


def clean_raster(content: bytes, kind: str) -> tuple[bytes, list[Change]]:
    """A TIFF or BMP written anew from its pixels, frame by frame; the pixels are read back and compared.

    Raises:
        BadFile: Broken, or of a depth that cannot be written back without loss.
    """
    from PIL import Image

    try:
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(content), formats=[kind]) as opened:
            image: Any = opened
            if image.width * image.height * getattr(image, "n_frames", 1) > MOST_PIXELS:
                raise BadFile(f"more than {MOST_PIXELS} pixels.")
            changes = [] if kind == "BMP" else _tiff_changes(image)
            told = str(image.tag_v2.get(raster.DESCRIPTION, "")) if kind == "TIFF" else ""
            bits = max(image.tag_v2.get(258, (1,))) if kind == "TIFF" else 8
            if bits > 8 and image.mode not in ("I;16", "I;16B", "I;16L"):
                raise BadFile(f"{bits} bits a channel in mode {image.mode}: not rewritten without loss.")
            frames = []
            for n in range(getattr(image, "n_frames", 1)):
                image.seek(n)
                frames.append(np.asarray(image))
    except BadFile:
        raise
    except Exception as error:  # Pillow answers a broken TIFF with whatever its parser met, warnings too
        raise BadFile(f"broken or truncated ({str(error)[:80]}).") from None
    buffer = io.BytesIO()
    pictures = [Image.fromarray(frame) for frame in frames]
    options: dict[str, Any] = (
        {"save_all": True, "append_images": pictures[1:]} if kind == "TIFF" and pictures[1:] else {}
    )
    if facts := raster.plain_facts(told):
        options["tiffinfo"] = {raster.DESCRIPTION: facts}
        changes = [change for change in changes if change.where != f"tag {raster.DESCRIPTION}"]
    pictures[0].save(buffer, kind, **options)
    with Image.open(io.BytesIO(buffer.getvalue()), formats=[kind]) as again:
        for n, frame in enumerate(frames):
            again.seek(n)
            if not np.array_equal(np.asarray(again), frame):
                raise BadFile("its pixels would not be the same after it was written.")
    return buffer.getvalue(), changes


_TIFF_STRUCTURE = {
    254,
    255,
    256,
    257,
    258,
    259,
    262,
    266,
    273,
    277,
    278,
    279,
    284,
    317,
    320,
    322,
    323,
    324,
    325,
    338,
    339,
}


def _tiff_changes(image: Any) -> list[Change]:
    from PIL.TiffTags import lookup

    return [
        Change(f"tag {tag}", lookup(tag).name, "removed") for tag in sorted(image.tag_v2) if tag not in _TIFF_STRUCTURE
    ]


def clean_array(content: bytes) -> tuple[bytes, list[Change]]:
    """A .npy array written anew: its shape, type and values.

    Raises:
        BadFile: Not an array of numbers.
    """
    try:
        array = np.load(io.BytesIO(content), allow_pickle=False)
    except Exception:  # the header is Python text: parsing it raises whatever it likes, and quotes what it met
        raise BadFile("not an array, or not a whole one.") from None
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "uif":
        raise BadFile("not an array of numbers.")
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    same = len(buffer.getvalue()) == len(content)
    return buffer.getvalue(), [] if same else [Change("header or tail", "metadata", "removed")]


def clean_xml(content: bytes, one: SidecarPass) -> bytes:
    """An XML sidecar with the elements of the list only; comments, instructions and all attributes but `name` go.

    Raises:
        BadFile: Not XML, or XML with entities or a document type.
    """
    from xml.etree.ElementTree import Element, ParseError, tostring

    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root = fromstring(content, forbid_dtd=True)
    except ParseError as error:
        raise BadFile(f"not XML ({error}).") from None
    except (DefusedXmlException, ValueError, LookupError) as error:
        raise BadFile(f"refused: {type(error).__name__}.") from None

    def copied(element: Any, path: str, depth: int) -> Any:
        space, _, name = str(element.tag).rpartition("}")
        where = f"{path}/{name}"
        rule = RULES.get(name.lower())
        told = element.get("name") if name.lower() == "attribute" else None
        if told is not None:
            rule, where = RULES.get(str(told).lower()), f"{where}[{told}]" if str(told).lower() in RULES else where
        is_tree = len(element) > 0
        if rule is None or rule == "attribute" or depth > _MOST_DEPTH or (is_tree and rule not in ("keep", "file")):
            one.removed(where if rule or name.lower() in RULES else f"{path}/{name if is_clean(name) else 'element'}")
            return None
        new = Element(name)
        if space and depth == 0:
            one.removed(f"{where}@xmlns")  # an address of anybody's choice; no reader of ours needs it
        if told is not None:
            new.set("name", str(told))
        for key in list(element.attrib):
            if not (key == "name" and told is not None):
                one.removed(f"{where}@{key if is_clean(key) else 'attribute'}")
        text = str(element.text or "").strip()
        if text:
            if rule == "keep":
                one.removed(where)
            else:
                kept = one.text(rule, text, where)
                new.text = kept or None
        for child in element:
            if isinstance(child.tag, str) and (part := copied(child, where, depth + 1)) is not None:
                new.append(part)
        return new

    made = copied(root, "", 0)
    if made is None:
        raise BadFile("no sidecar of a known kind: its root element is on no list.")
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + bytes(tostring(made, encoding="utf-8")) + b"\n"


def clean_json(content: bytes, one: SidecarPass) -> bytes:
    """A JSON sidecar or a COCO file with the keys of the list only.

    Raises:
        BadFile: Not JSON, or not an object.
    """
    try:
        value = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise BadFile(f"not JSON ({str(error)[:80]}).") from None
    if not isinstance(value, dict):
        raise BadFile("no sidecar of a known kind: not an object.")
    if facts := raster.plain_facts(json.dumps(value)):
        return (facts + "\n").encode()
    return (json.dumps(_kept(value, "keep", "", 0, one), indent=1, ensure_ascii=False) + "\n").encode()


def _kept(value: Any, rule: str, where: str, depth: int, one: SidecarPass) -> Any:
    if depth > _MOST_DEPTH:
        one.removed(where)
        return None
    if isinstance(value, dict):
        found = {}
        for key, inner in value.items():
            of_key = RULES.get(str(key).lower())
            place = f"{where}/{key}" if of_key else f"{where}/{'key' if not is_clean(str(key)) else key}"
            if of_key is None or of_key == "attribute":
                one.removed(place)
            else:
                kept = _kept(inner, of_key, place, depth + 1, one)
                if kept is not None:
                    found[key] = kept
        return found
    if isinstance(value, list):
        parts = [_kept(inner, rule, where, depth + 1, one) for inner in value]
        return [part for part in parts if part is not None]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        if rule_at(rule, where) in ("number", "flag"):
            return value
        return one.text(rule, str(value), where) if rule != "keep" else one.removed(where)
    return one.text(rule, str(value), where) if rule != "keep" else one.removed(where)


def clean_labels(content: bytes) -> bytes:
    """A label file of numbers only (YOLO).

    Raises:
        BadFile: It holds anything but numbers.
    """
    try:
        lines = content.decode("ascii").splitlines()
    except UnicodeDecodeError:
        raise BadFile("holds more than numbers.") from None
    if not all(_NUMBER.fullmatch(word) for line in lines for word in line.split()):
        raise BadFile("holds more than numbers, so it may hold a name.")
    return ("\n".join(" ".join(line.split()) for line in lines) + "\n").encode()


def suffix_of(path: PurePosixPath) -> str:
    """The suffix of a file if it is one of a known kind, in small letters."""
    known = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".npy", ".xml", ".json", ".txt", ".dcs", ".dcm", ".dicos", ".dicom"}  # noqa: E501  # fmt: skip
    if path.name.lower().endswith(".npy.json"):
        return ".npy.json"  # what the planes of an array are: found by the array's name
    return path.suffix.lower() if path.suffix.lower() in known else ""


def stem_of(path: PurePosixPath) -> str:
    """The name of a file without the suffix of its kind; other points belong to it, as in a file named by its UID."""
    return path.name[: len(path.name) - len(suffix_of(path))]
