"""Raster images of scans: PNG, JPEG, TIFF and BMP, decoded in full and never narrowed without being asked.

Pillow quietly halves the depth of a 16-bit colour PNG, which would change what a model sees. So depth is read from the
file itself, and whatever is not plain 8-bit grey, 8-bit colour or 16-bit grey is refused with the reason. What a header
claims is held against the size of the file before anything is allocated.
"""

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xraybench.core.errors import BadFile

FORMATS = ("PNG", "JPEG", "TIFF", "BMP")
MOST_PIXELS = 400_000_000  # a 60 m train at 3 mm and 4 m height has 27 million
MOST_EXPANSION = 1100  # no compression of these formats gains more on pixels that mean anything (deflate: 1032)
ALWAYS_ALLOWED_BYTES = 64 << 20  # of pixels: so small that a false header costs nothing
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_BITS_PER_SAMPLE = 258  # TIFF tag
_PLAIN = {"L": "L", "RGB": "RGB", "1": "L"}
_DEEP = ("I;16", "I;16B", "I;16L")


def read_image(path: Path | str) -> NDArray[np.generic]:
    """One image with all its pixels, as they are stored (EXIF orientation is not applied: boxes refer to stored pixels).

    Returns:
        Shape (height, width, channels): uint8 with 1 (grey) or 3 channels (red, green, blue), or uint16 with 1.

    Raises:
        BadFile: No such file, not one of `FORMATS`, truncated, several frames, transparent, or of a depth that could
            only be read by losing some of it.
    """
    path = Path(path)
    return decode_image(read_file(path), path)


def read_file(path: Path) -> bytes:
    """The bytes of a file.

    Raises:
        BadFile: No such file, or one that cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read()
    except FileNotFoundError:
        raise BadFile(f"{path}: there is no such file.") from None
    except OSError as error:
        raise BadFile(f"{path}: cannot be read ({error.strerror or error}).") from None


def decode_image(content: bytes, path: Path) -> NDArray[np.generic]:
    """The pixels of an image whose bytes were read already; `path` names it in messages.

    Raises:
        BadFile: As `read_image`.
    """
    from PIL import Image, UnidentifiedImageError

    if content[128:132] == b"DICM":  # a view of a DICOS scan
        return _dicos_pixels(content, path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of size: our own limit follows; of metadata: it is not read
            with Image.open(io.BytesIO(content), formats=FORMATS) as image:
                _check_readable(path, image, content)
                image.load()
                return _pixels(path, image)
    except UnidentifiedImageError:
        raise BadFile(f"{path}: not an image of a known format ({', '.join(FORMATS)}).") from None
    except Image.DecompressionBombError:
        raise BadFile(f"{path}: larger than an image may be.") from None
    except BadFile:
        raise
    except Exception as error:  # Pillow answers broken headers with almost any exception
        raise BadFile(f"{path}: broken or truncated ({str(error)[:120]}).") from None


def _dicos_pixels(content: bytes, path: Path) -> NDArray[np.generic]:
    from xraybench.formats import dicos

    pixels = dicos.pixels_in(content, path)
    plane = pixels[..., None] if pixels.ndim == 2 else pixels
    is_plain = plane.ndim == 3 and (plane.shape[2], plane.dtype.name) in ((1, "uint8"), (1, "uint16"), (3, "uint8"))
    if not is_plain:
        raise BadFile(
            f"{path}: pixels of shape {pixels.shape} and type {pixels.dtype}; one view of 8 or 16 bits is read."
        )
    return plane


def is_grey(pixels: NDArray[np.generic]) -> bool:
    """Whether an image carries no colour: one channel, or three equal ones."""
    if pixels.shape[2] == 1:
        return True
    return bool(np.array_equal(pixels[..., 0], pixels[..., 1]) and np.array_equal(pixels[..., 0], pixels[..., 2]))


def write_png(path: Path | str, pixels: NDArray[np.generic]) -> None:
    """Write uint8 (height, width, 1 or 3) or uint16 (height, width, 1) as PNG, without loss."""
    from PIL import Image

    from xraybench.core.documents import write_bytes

    squeezed = pixels[..., 0] if pixels.shape[2] == 1 else pixels
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(squeezed)).save(buffer, format="PNG")
    write_bytes(Path(path), buffer.getvalue())


def check_claim(path: Path, n_pixels: int, n_bytes: int, file_bytes: int) -> None:
    """Hold what a header claims against the file, before any of it is allocated.

    Raises:
        BadFile: More pixels than are read, or more than a file of this size can hold.
    """
    if n_pixels > MOST_PIXELS:
        raise BadFile(f"{path}: its header claims {n_pixels} pixels; at most {MOST_PIXELS} are read.")
    if n_bytes > max(ALWAYS_ALLOWED_BYTES, MOST_EXPANSION * file_bytes):
        raise BadFile(
            f"{path}: its header claims {n_bytes} bytes of pixels; a file of {file_bytes} bytes holds no such."
        )


def _check_readable(path: Path, image: Any, content: bytes) -> None:
    width, height = image.size
    check_claim(path, width * height, width * height * (3 if image.mode in ("RGB", "P") else 2), len(content))
    if getattr(image, "n_frames", 1) > 1:
        raise BadFile(f"{path}: holds {image.n_frames} frames. Give one view a file.")
    bits = bits_of(image, content)
    if bits > 8 and image.mode not in _DEEP:
        raise BadFile(
            f"{path}: {bits} bits a channel in mode {image.mode}; reading it would lose some of them. "
            "Save it as 8-bit colour, or each channel as 16-bit grey."
        )
    if image.mode not in (*_PLAIN, *_DEEP, "P", "RGBA", "LA"):
        raise BadFile(f"{path}: pixels in mode {image.mode}; 8-bit grey, 8-bit colour and 16-bit grey are read.")


def bits_of(image: Any, content: bytes) -> int:
    """Bits a channel, from the file's own header."""
    if image.format == "PNG":
        return int(content[24]) if content.startswith(_PNG_SIGNATURE) and len(content) > 24 else 8
    if image.format == "TIFF":
        return int(max(image.tag_v2.get(_BITS_PER_SAMPLE, (8,))))
    return 8


def _pixels(path: Path, image: Any) -> NDArray[np.generic]:
    if image.mode in _DEEP:
        return np.asarray(image).astype(np.uint16)[..., None]
    if image.mode in ("RGBA", "LA") or "transparency" in image.info:
        image = image.convert("RGBA" if image.mode in ("RGBA", "P", "RGB") else "LA")
        if image.getchannel("A").getextrema() != (255, 255):
            raise BadFile(f"{path}: partly transparent; what lies behind is not known. Save it without transparency.")
        image = image.convert("RGB" if image.mode == "RGBA" else "L")
    plain = np.asarray(image.convert("RGB") if image.mode == "P" else image.convert(_PLAIN[image.mode]))
    return plain.astype(np.uint8, copy=False).reshape(image.height, image.width, -1)
