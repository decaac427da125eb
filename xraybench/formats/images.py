"""Raster images of scans: PNG, JPEG, TIFF and BMP, decoded in full and never narrowed without being asked.

Pillow quietly halves the depth of a 16-bit colour PNG, which would change what a model sees. So depth is read from the
file itself, and whatever is not plain 8-bit grey, 8-bit colour or 16-bit grey is refused with the reason.
"""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xraybench.core.errors import BadFile

FORMATS = ("PNG", "JPEG", "TIFF", "BMP")
MOST_PIXELS = 400_000_000  # a 60 m train at 3 mm and 4 m height has 27 million
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
    from PIL import Image, UnidentifiedImageError

    path = Path(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit follows
            with Image.open(path, formats=FORMATS) as image:
                _check_readable(path, image)
                image.load()
                return _pixels(path, image)
    except FileNotFoundError:
        raise BadFile(f"{path}: there is no such file.") from None
    except UnidentifiedImageError:
        raise BadFile(f"{path}: not an image of a known format ({', '.join(FORMATS)}).") from None
    except Image.DecompressionBombError:
        raise BadFile(f"{path}: larger than an image may be.") from None
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise BadFile(f"{path}: broken or truncated ({str(error)[:120]}).") from None


def is_grey(pixels: NDArray[np.generic]) -> bool:
    """Whether an image carries no colour: one channel, or three equal ones."""
    if pixels.shape[2] == 1:
        return True
    return bool(np.array_equal(pixels[..., 0], pixels[..., 1]) and np.array_equal(pixels[..., 0], pixels[..., 2]))


def write_png(path: Path | str, pixels: NDArray[np.generic]) -> None:
    """Write uint8 (height, width, 1 or 3) or uint16 (height, width, 1) as PNG, without loss."""
    import io

    from PIL import Image

    from xraybench.core.documents import write_bytes

    squeezed = pixels[..., 0] if pixels.shape[2] == 1 else pixels
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(squeezed)).save(buffer, format="PNG")
    write_bytes(Path(path), buffer.getvalue())


def _check_readable(path: Path, image: Any) -> None:
    width, height = image.size
    if width * height > MOST_PIXELS:
        raise BadFile(f"{path}: {width} x {height} pixels; at most {MOST_PIXELS} are read.")
    if getattr(image, "n_frames", 1) > 1:
        raise BadFile(f"{path}: holds {image.n_frames} frames. Give one view a file.")
    bits = _bits(path, image)
    if bits > 8 and image.mode not in _DEEP:
        raise BadFile(
            f"{path}: {bits} bits a channel in mode {image.mode}; reading it would lose some of them. "
            "Save it as 8-bit colour, or each channel as 16-bit grey."
        )
    if image.mode not in (*_PLAIN, *_DEEP, "P", "RGBA", "LA"):
        raise BadFile(f"{path}: pixels in mode {image.mode}; 8-bit grey, 8-bit colour and 16-bit grey are read.")


def _bits(path: Path, image: Any) -> int:
    """Bits a channel, from the file's own header."""
    if image.format == "PNG":
        with path.open("rb") as file:
            head = file.read(25)
        return int(head[24]) if head.startswith(_PNG_SIGNATURE) else 8
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
