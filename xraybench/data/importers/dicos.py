"""DICOS folders: the line in the list of readers. The reader itself waits in `data/import_dicos.py` until it is called."""

from collections.abc import Mapping
from pathlib import Path

from xraybench.data.listing import Listing, is_wanted

_SUFFIXES = (".dcs", ".dicos")
_MOST_LOOKED_AT = 500  # files, before a folder counts as none of DICOS


def read(source: Path, options: Mapping[str, str]) -> tuple[Path, Listing]:
    """Every scan below a folder that has a ground truth report.

    Raises:
        BadFile: No such folder, no DICOS image in it, or an option that is none.
    """
    from xraybench.data import import_dicos

    return import_dicos.read_folder(source, options)


def is_folder(source: Path) -> bool:
    """Whether a file named as DICOS lies among the first below a folder."""
    if not source.is_dir():
        return False
    for number, path in enumerate(source.rglob("*")):
        if number >= _MOST_LOOKED_AT:
            return False
        if path.suffix.lower() in _SUFFIXES and is_wanted(path):
            return True
    return False
