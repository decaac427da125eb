"""Headerless counts of a scanner, read by a declaration: width, height, type, offset, byte order, planes.

No public reader exists for the raw files of most makers, and a guess would be wrong in silence. So everything is
declared, and the declaration must account for every byte of the file.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xraybench.core.errors import BadFile, BadValue
from xraybench.formats.images import MOST_PIXELS

DTYPES = ("uint8", "uint16", "uint32", "int16", "int32", "float32")
BYTE_ORDERS = ("little", "big")
LAYOUTS = ("planar", "line", "pixel")  # plane after plane; per line plane after plane; per pixel plane after plane


@dataclass(frozen=True, slots=True)
class RawLayout:
    """How the numbers of a file lie."""

    width: int
    height: int
    dtype: str = "uint16"
    offset: int = 0  # bytes before the first number
    byte_order: str = "little"
    n_planes: int = 1
    layout: str = "planar"
    trailing: int = 0  # bytes after the last number
    is_bottom_up: bool = False  # the first line in the file is the lowest


def read_raw(path: Path | str, layout: RawLayout) -> NDArray[np.generic]:
    """The numbers of a raw file in native byte order, shape (height, width, plane), in the declared type.

    Raises:
        BadValue: The declaration is none: sizes below 1, an unknown type, byte order or layout.
        BadFile: No such file, or its length is not what the declaration gives; both lengths are named.
    """
    path = Path(path)
    check_layout(layout)
    kind = np.dtype(layout.dtype).newbyteorder("<" if layout.byte_order == "little" else ">")
    n_values = layout.width * layout.height * layout.n_planes
    expected = layout.offset + n_values * kind.itemsize + layout.trailing
    try:
        found = path.stat().st_size
        if not path.is_file():
            raise BadFile(f"{path}: is no file.")
        if found != expected:
            raise BadFile(
                f"{path}: {found} bytes; offset {layout.offset} + {layout.width} x {layout.height} x {layout.n_planes} "
                f"planes x {kind.itemsize} bytes + trailing {layout.trailing} make {expected}."
            )
        flat = np.fromfile(path, kind, n_values, offset=layout.offset)
    except FileNotFoundError:
        raise BadFile(f"{path}: there is no such file.") from None
    except OSError as error:
        raise BadFile(f"{path}: cannot be read ({error.strerror or error}).") from None
    pixels = _arranged(flat.astype(kind.newbyteorder("=")), layout)
    return np.ascontiguousarray(pixels[::-1] if layout.is_bottom_up else pixels)


def check_layout(layout: RawLayout) -> None:
    """Raises:
    BadValue: With every fault of the declaration.
    """
    faults = [
        f"{name} {value}: a whole number of at least {least}"
        for name, value, least in (
            ("width", layout.width, 1),
            ("height", layout.height, 1),
            ("n_planes", layout.n_planes, 1),
            ("offset", layout.offset, 0),
            ("trailing", layout.trailing, 0),
        )
        if not isinstance(value, int) or value < least
    ]
    for name, value, known in (
        ("dtype", layout.dtype, DTYPES),
        ("byte_order", layout.byte_order, BYTE_ORDERS),
        ("layout", layout.layout, LAYOUTS),
    ):
        if value not in known:
            faults.append(f"{name} '{value}': one of {', '.join(known)}")
    if not faults and layout.width * layout.height * layout.n_planes > MOST_PIXELS:
        faults.append(f"{layout.width} x {layout.height} x {layout.n_planes}: at most {MOST_PIXELS} numbers are read")
    if faults:
        raise BadValue("raw layout: " + "; ".join(faults) + ".")


def _arranged(flat: NDArray[np.generic], layout: RawLayout) -> NDArray[np.generic]:
    height, width, n_planes = layout.height, layout.width, layout.n_planes
    if layout.layout == "planar":
        return flat.reshape(n_planes, height, width).transpose(1, 2, 0)
    if layout.layout == "line":
        return flat.reshape(height, n_planes, width).transpose(0, 2, 1)
    return flat.reshape(height, width, n_planes)
