"""16-bit planes of a view, as files that give back every count: TIFF (a page a plane), PNG (one plane) and npy.

A file of counts is worth little without what they are. So a raster carries the name, order and energy of its planes and
the polarity of its counts, written into the file itself: TIFF as image description, PNG as text, npy as a JSON file of
the same name beside it. Eight bits are a picture made for a screen, not counts: they are refused here and never made.
"""

import io
import json
import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xraybench.core.documents import write_bytes, write_text
from xraybench.core.errors import BadFile, BadValue
from xraybench.core.vocabulary import UNKNOWN
from xraybench.formats.images import check_claim, read_file

POLARITIES = ("transmission", "absorption", UNKNOWN)  # the open beam is bright; the open beam is dark
SUFFIXES = (".tif", ".tiff", ".png", ".npy")
MOST_PLANES = 64
_SCHEMA = "xraybench.raster/1"
_DEEP = ("I;16", "I;16B", "I;16L")
DESCRIPTION = 270  # TIFF tag ImageDescription
TEXT_KEY = "xraybench"
_PLAIN_NAMES = ("hi", "lo", "z", "density", "mu", "albedo", "grey", UNKNOWN)
_PLAIN_ENERGY = re.compile(r"unknown|\d{1,4}(\.\d{1,2})? ?(kV|keV|MV|MeV)")


@dataclass(frozen=True, slots=True)
class Plane:
    """What one plane of counts is."""

    name: str  # hi, lo, z, density ...; unknown where nobody said
    energy: str = UNKNOWN  # with its unit: "160 kV", "6 MV"


@dataclass(frozen=True, slots=True, eq=False)
class Raster:
    """One view: uint16 counts (height, width, plane), the planes in their order, and which way the counts go."""

    pixels: NDArray[np.uint16]
    planes: tuple[Plane, ...]
    polarity: str = UNKNOWN
    full_scale: float = float("nan")  # count of the open beam (transmission); NaN where nobody said


def write_raster(path: Path | str, raster: Raster) -> None:
    """Write a view by the suffix of `path`, atomically; equal rasters give equal bytes.

    Raises:
        BadValue: Not uint16 (height, width, plane), planes and counts that do not fit each other, an unknown polarity,
            or several planes in a PNG, which holds one.
    """
    path = Path(path)
    check_raster(raster)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise BadValue(f"{path}: planes are written as {', '.join(SUFFIXES)}.")
    if suffix == ".png" and len(raster.planes) > 1:
        raise BadValue(f"{path}: a PNG holds one 16-bit plane, here are {len(raster.planes)}. Write a TIFF or npy.")
    facts = _facts_text(raster)
    if suffix == ".npy":
        buffer = io.BytesIO()
        np.save(buffer, np.ascontiguousarray(raster.pixels.astype("<u2")), allow_pickle=False)
        write_bytes(path, buffer.getvalue())
        write_text(_facts_path(path), facts + "\n")
    elif suffix == ".png":
        write_bytes(path, _png(raster.pixels[..., 0], facts))
    else:
        write_bytes(path, _tiff(raster.pixels, facts))


def read_raster(
    path: Path | str,
    *,
    planes: tuple[Plane, ...] = (),
    polarity: str = UNKNOWN,
    full_scale: float = float("nan"),
) -> Raster:
    """Read the counts of a view, every one as it is stored.

    Args:
        path: TIFF with 16-bit grey pages of one size, 16-bit grey PNG, or npy of uint16 in two or three axes.
        planes: What the planes are, in their order, where the file does not say.
        polarity: Likewise.
        full_scale: Likewise.

    Raises:
        BadFile: No such file, broken, not of 16 bits, pages of different sizes, a header that claims more than the file
            holds, or facts in the file that contradict the given ones.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix == ".npy":
        pixels, text = _read_npy(path)
    elif suffix in SUFFIXES:
        pixels, text = _read_pages(path)
    else:
        raise BadFile(f"{path}: planes are read from {', '.join(SUFFIXES)}.")
    told = _facts_of(path, text)
    if planes and len(planes) != pixels.shape[2]:
        raise BadFile(f"{path}: holds {pixels.shape[2]} planes, {len(planes)} were named.")
    if told is not None:
        if len(told.planes) != pixels.shape[2]:
            raise BadFile(f"{path}: holds {pixels.shape[2]} planes, its own description names {len(told.planes)}.")
        if planes and [p.name for p in planes] != [p.name for p in told.planes]:
            names = ", ".join(p.name for p in told.planes)
            raise BadFile(f"{path}: its own description calls the planes {names}; another order was named.")
        return Raster(pixels, told.planes, told.polarity, told.full_scale)
    unnamed = tuple(Plane(UNKNOWN) for _ in range(pixels.shape[2]))
    return Raster(pixels, planes or unnamed, polarity, full_scale)


def check_raster(raster: Raster) -> None:
    """Raises:
    BadValue: The counts are not uint16 (height, width, plane), or the facts do not fit them.
    """
    pixels = raster.pixels
    if pixels.dtype != np.uint16 or pixels.ndim != 3 or pixels.size == 0:
        raise BadValue(
            f"Counts of {pixels.dtype} and shape {pixels.shape}; uint16 (height, width, plane) is meant. Nothing is "
            "narrowed or stretched unasked."
        )
    if len(raster.planes) != pixels.shape[2]:
        raise BadValue(f"{pixels.shape[2]} planes of counts, {len(raster.planes)} named.")
    if raster.polarity not in POLARITIES:
        raise BadValue(f"polarity '{raster.polarity}': one of {', '.join(POLARITIES)}.")


def plain_facts(text: str) -> str | None:
    """The description of planes in `text`, written anew from words of a closed list and numbers; None if it is none of ours.

    For whoever removes what might identify: a description that says anything else is not taken over.
    """
    try:
        facts = _facts_of(Path("text"), text)
    except BadFile:
        return None
    if facts is None or not facts.planes or len(facts.planes) > MOST_PLANES:
        return None
    if not all(plane.name in _PLAIN_NAMES and _PLAIN_ENERGY.fullmatch(plane.energy) for plane in facts.planes):
        return None
    return _text_of(facts.planes, facts.polarity, facts.full_scale)


def _facts_text(raster: Raster) -> str:
    return _text_of(raster.planes, raster.polarity, raster.full_scale)


def _text_of(planes: tuple[Plane, ...], polarity: str, full_scale: float) -> str:
    facts = {
        "schema_id": _SCHEMA,
        "planes": [{"name": plane.name, "energy": plane.energy} for plane in planes],
        "polarity": polarity,
        "full_scale": full_scale if full_scale == full_scale else None,
    }
    return json.dumps(facts, sort_keys=True, ensure_ascii=True)


def _facts_path(path: Path) -> Path:
    return path.with_suffix(path.suffix + ".json")


@dataclass(frozen=True, slots=True)
class _Facts:
    planes: tuple[Plane, ...]
    polarity: str
    full_scale: float


def _facts_of(path: Path, text: str) -> _Facts | None:
    """What the file says of itself; nothing where the text is not ours."""
    try:
        facts = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(facts, dict) or facts.get("schema_id") != _SCHEMA:
        return None
    rows, polarity, full_scale = facts.get("planes"), facts.get("polarity"), facts.get("full_scale")
    if (
        not isinstance(rows, list)
        or not all(isinstance(row, dict) and isinstance(row.get("name"), str) for row in rows)
        or polarity not in POLARITIES
        or not (full_scale is None or (isinstance(full_scale, int | float) and full_scale > 0))
    ):
        raise BadFile(f"{path}: its own description of the planes is broken: {text[:120]}")
    planes = tuple(Plane(row["name"], str(row.get("energy", UNKNOWN))) for row in rows)
    return _Facts(planes, str(polarity), float("nan") if full_scale is None else float(full_scale))


def _png(plane: NDArray[np.uint16], facts: str) -> bytes:
    from PIL import Image, PngImagePlugin

    text = PngImagePlugin.PngInfo()
    text.add_text(TEXT_KEY, facts)
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(plane)).save(buffer, format="PNG", pnginfo=text)
    return buffer.getvalue()


def _tiff(pixels: NDArray[np.uint16], facts: str) -> bytes:
    from PIL import Image

    pages = [Image.fromarray(np.ascontiguousarray(pixels[..., n])) for n in range(pixels.shape[2])]
    buffer = io.BytesIO()
    pages[0].save(buffer, format="TIFF", save_all=True, append_images=pages[1:], tiffinfo={DESCRIPTION: facts})
    return buffer.getvalue()


def _read_npy(path: Path) -> tuple[NDArray[np.uint16], str]:
    content = read_file(path)
    stream = io.BytesIO(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a header of Python 2 is no fault
            version = np.lib.format.read_magic(stream)
            reader = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
            if version not in reader:
                raise ValueError(f"version {version}")
            shape, is_fortran, dtype = reader[version](stream)
    except Exception as error:  # the header is Python text: parsing it raises whatever it likes
        raise BadFile(f"{path}: not a npy file, or a broken one ({str(error)[:100]}).") from None
    if dtype.kind != "u" or dtype.itemsize != 2:
        raise BadFile(f"{path}: holds {dtype}; counts are uint16. Nothing is narrowed or stretched unasked.")
    if len(shape) not in (2, 3) or not all(isinstance(n, int) and n > 0 for n in shape):
        raise BadFile(f"{path}: of shape {shape}; (height, width) or (height, width, plane) is meant.")
    n_counts = 1
    for n in shape:
        n_counts *= n
    if n_counts * 2 != len(content) - stream.tell():
        raise BadFile(f"{path}: its header claims {n_counts * 2} bytes, {len(content) - stream.tell()} follow.")
    flat = np.frombuffer(content, dtype, offset=stream.tell())
    pixels = flat.reshape(shape, order="F" if is_fortran else "C").astype(np.uint16)
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    if pixels.shape[2] > MOST_PLANES:
        raise BadFile(f"{path}: {pixels.shape[2]} planes in the last axis; (height, width, plane) is meant.")
    facts = _facts_path(path)
    return pixels, facts.read_text(encoding="utf-8", errors="replace") if facts.is_file() else ""


def _read_pages(path: Path) -> tuple[NDArray[np.uint16], str]:
    from PIL import Image, UnidentifiedImageError

    content = read_file(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content), formats=("TIFF", "PNG")) as image:
                return _pages(path, image, content)
    except UnidentifiedImageError:
        raise BadFile(f"{path}: neither a TIFF nor a PNG.") from None
    except Image.DecompressionBombError:
        raise BadFile(f"{path}: larger than an image may be.") from None
    except BadFile:
        raise
    except Exception as error:  # Pillow answers broken TIFF tags with almost any exception
        raise BadFile(f"{path}: broken or truncated ({type(error).__name__}: {str(error)[:100]}).") from None


def _pages(path: Path, image: Any, content: bytes) -> tuple[NDArray[np.uint16], str]:
    n_pages = int(getattr(image, "n_frames", 1))
    if n_pages > MOST_PLANES:
        raise BadFile(f"{path}: {n_pages} pages; a view has at most {MOST_PLANES} planes.")
    size = image.size
    check_claim(path, size[0] * size[1] * n_pages, size[0] * size[1] * n_pages * 2, len(content))
    text = str(image.info.get(TEXT_KEY, ""))
    if image.format == "TIFF":
        text = str(image.tag_v2.get(DESCRIPTION, ""))
    planes = []
    for page in range(n_pages):
        if n_pages > 1:
            image.seek(page)
        if image.mode not in _DEEP:
            raise BadFile(
                f"{path}: page {page} has mode {image.mode}; counts are 16-bit grey. Eight bits are a picture made for a "
                "screen: import it as an image."
            )
        if image.size != size:
            raise BadFile(f"{path}: page {page} is {image.size[0]} x {image.size[1]}, page 0 {size[0]} x {size[1]}.")
        image.load()
        planes.append(np.asarray(image).astype(np.uint16))
    return np.stack(planes, axis=-1), text
