"""16-bit planes and headerless raw files in class folders: dual-energy scans that stay counts.

The planes of a view lie in one file (a TIFF page or npy plane each) or in a file each, told apart by the ends of their
names. Order, open beam and polarity come from the files where those say so, and from the owner where not.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xraybench.core.errors import BadFile
from xraybench.core.vocabulary import UNKNOWN
from xraybench.data.counts import as_channels
from xraybench.data.listing import Find, Listing, Picture, folder_of, is_wanted, option_of
from xraybench.formats.raster import POLARITIES, Plane, Raster, read_raster
from xraybench.formats.raw import BYTE_ORDERS, DTYPES, LAYOUTS, RawLayout, check_layout, read_raw

_ENDINGS = (".tif", ".tiff", ".npy", ".png")
_TRACK = "raw"
Load = Callable[[], Raster]


def read_folder(source: Path, options: Mapping[str, str]) -> tuple[Path, Listing]:
    """Every view below a class folder, read when its turn comes.

    Raises:
        BadFile: No such folder, an option that is none, a plane of a pair that is missing, or no known open beam.
    """
    root = folder_of(source)
    suffixes = _suffixes(options.get("suffixes", ""))
    names = tuple(Plane(name.strip()) for name in options.get("planes", "").split(",") if name.strip())
    polarity = option_of(options, "polarity", UNKNOWN, POLARITIES)
    full_scale = number_of(options, "full_scale")

    def loads(paths: tuple[Path, ...]) -> Load:
        if suffixes:
            return lambda: _pair(paths, tuple(suffixes), polarity, full_scale)
        return lambda: read_raster(paths[0], planes=names, polarity=polarity, full_scale=full_scale)

    return root, _listing(root, _ENDINGS, suffixes, loads, full_scale)


def read_raw_folder(source: Path, options: Mapping[str, str]) -> tuple[Path, Listing]:
    """Every raw file below a class folder, all of one declared layout.

    Raises:
        BadFile: No such folder, or an option that is none.
        BadValue: The layout is none.
    """
    root = folder_of(source)
    names = tuple(Plane(name.strip()) for name in options.get("planes", "hi,lo").split(",") if name.strip())
    layout = RawLayout(
        width=_whole_of(options, "width"),
        height=_whole_of(options, "height"),
        dtype=option_of(options, "dtype", "uint16", DTYPES),
        offset=_whole_of(options, "offset", 0),
        trailing=_whole_of(options, "trailing", 0),
        byte_order=option_of(options, "byte_order", "little", BYTE_ORDERS),
        n_planes=len(names),
        layout=option_of(options, "layout", "planar", LAYOUTS),
    )
    check_layout(layout)
    polarity = option_of(options, "polarity", UNKNOWN, POLARITIES)
    full_scale = number_of(options, "full_scale")
    ending = options.get("ending", ".raw").lower()

    def loads(paths: tuple[Path, ...]) -> Load:
        return lambda: Raster(_uint16(read_raw(paths[0], layout), paths[0]), names, polarity, full_scale)

    return root, _listing(root, (ending,), {}, loads, full_scale)


def is_folder(source: Path) -> bool:
    """Class folders with npy files in them: TIFF and PNG may as well be pictures, and are asked for by name."""
    return source.is_dir() and any(path.suffix.lower() == ".npy" for path in source.glob("*/*"))


def never(source: Path) -> bool:
    """Headerless files tell nothing of themselves."""
    return False


def number_of(options: Mapping[str, str], name: str) -> float:
    """A count of at least 1 of an option, NaN where it is not given.

    Raises:
        BadFile: No such number.
    """
    if name not in options:
        return float("nan")
    try:
        value = float(options[name])
    except ValueError:
        value = float("nan")
    if not 1 <= value < float("inf"):
        raise BadFile(f"option {name}={options[name]}: a number of at least 1 is meant.")
    return value


def _whole_of(options: Mapping[str, str], name: str, default: int | None = None) -> int:
    text = options.get(name)
    if text is None:
        if default is None:
            raise BadFile(f"option {name} is needed: a raw file does not tell it.")
        return default
    if not text.isdecimal():
        raise BadFile(f"option {name}={text}: a whole number is meant.")
    return int(text)


def _suffixes(text: str) -> dict[str, str]:
    """Plane -> end of the file name, of `hi=_HE,lo=_LE`."""
    found = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, end = part.partition("=")
        if not equals or not name or not end:
            raise BadFile(f"option suffixes={text}: of the form hi=_HE,lo=_LE.")
        found[name] = end
    return found


def _listing(
    root: Path,
    endings: tuple[str, ...],
    suffixes: Mapping[str, str],
    loads: Callable[[tuple[Path, ...]], Load],
    full_scale: float,
) -> Listing:
    listing = Listing(label_kind="class folder")
    first: Raster | None = None
    for folder in sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")):
        listing.labels.append(folder.name)
        found = [path for path in sorted(folder.rglob("*")) if is_wanted(path) and path.suffix.lower() in endings]
        for paths in _views(found, tuple(suffixes.values()), root, listing):
            load = loads(paths)
            if first is None and full_scale != full_scale:
                first = load()
                full_scale = first.full_scale
                if full_scale != full_scale:
                    raise BadFile(f"{paths[0]}: the count of the open beam is not known; declare full_scale=COUNT.")
            where = paths[0].relative_to(root).as_posix()
            listing.pictures.append(
                Picture((where,), (Find(folder.name),), ((0, 0),), counts=_counts(load, full_scale, where))
            )
    listing.full_scale = full_scale
    return listing


def _counts(load: Load, full_scale: float, where: str) -> Callable[[], tuple[NDArray[np.uint16], ...]]:
    def counts() -> tuple[NDArray[np.uint16], ...]:
        raster = load()
        if raster.full_scale == raster.full_scale and raster.full_scale != full_scale:
            raise BadFile(f"{where}: its open beam is {raster.full_scale:g}, that of the set {full_scale:g}.")
        return (as_channels(raster, _TRACK, full_scale, where),)

    return counts


def _views(found: list[Path], ends: tuple[str, ...], root: Path, listing: Listing) -> list[tuple[Path, ...]]:
    """The files of each view: one, or one for each end of name."""
    if not ends:
        return [(path,) for path in found]
    views = []
    for path in found:
        if not path.stem.endswith(ends):
            listing.faults.append(f"{path.relative_to(root).as_posix()}: its name ends in none of {', '.join(ends)}")
        if not path.stem.endswith(ends[0]):
            continue
        base = path.stem.removesuffix(ends[0])
        pair = tuple(path.with_name(f"{base}{end}{path.suffix}") for end in ends)
        lacking = [one.name for one in pair if not one.is_file()]
        if lacking:
            listing.faults.append(f"{path.relative_to(root).as_posix()}: {', '.join(lacking)} is not beside it")
        else:
            views.append(pair)
    return views


def _pair(paths: tuple[Path, ...], names: tuple[str, ...], polarity: str, full_scale: float) -> Raster:
    parts = [read_raster(path, polarity=polarity, full_scale=full_scale) for path in paths]
    shapes = {part.pixels.shape for part in parts}
    if len(shapes) > 1 or any(part.pixels.shape[2] != 1 for part in parts):
        raise BadFile(f"{paths[0]}: the planes of its pair have the shapes {', '.join(map(str, sorted(shapes)))}.")
    pixels = np.concatenate([part.pixels for part in parts], axis=2)
    planes = tuple(Plane(name, part.planes[0].energy) for name, part in zip(names, parts, strict=True))
    return Raster(pixels, planes, parts[0].polarity, parts[0].full_scale)


def _uint16(numbers: NDArray[np.generic], path: Path) -> NDArray[np.uint16]:
    if numbers.dtype.kind not in "ui":
        raise BadFile(f"{path}: holds {numbers.dtype}; counts of a scan are whole numbers of 16 bits.")
    if numbers.min() < 0 or numbers.max() > np.iinfo(np.uint16).max:
        raise BadFile(
            f"{path}: counts from {numbers.min()} to {numbers.max()}; 0 to 65535 fit. Nothing is narrowed unasked."
        )
    return numbers.astype(np.uint16)
