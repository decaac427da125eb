"""A folder of scans without what tells who, where and when: DICOS, images, sidecars, label files and their names.

Nothing is changed in place: the source is read, the result is a new folder with a report. What is of no known kind, or
cannot be written back without loss, is not taken and is named in the report, so that nothing slips through unseen. The
report says of each file which attributes were changed, never what they held. Removing names is not anonymity: a rare cargo,
its shape in the pixels and the time of year can still point to one consignment, and the report says so.
"""

import datetime as dt
import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xraybench.core import progress, vocabulary
from xraybench.core.documents import write_bytes, write_text
from xraybench.core.errors import BadFile, BadValue, UserError
from xraybench.data import burned_in, deid_files
from xraybench.data.deid_files import SidecarPass
from xraybench.data.listing import is_text
from xraybench.data.pseudonyms import SiteKey, read_key
from xraybench.data.splits import BENIGN
from xraybench.formats.images import FORMATS, check_claim

REPORT = "deidentification.json"
PROFILE = "XRAYBENCH-DEID-1"
_SYSTEM_FILES = ("thumbs.db", "desktop.ini")
# Folder names that say nothing of a consignment. Others get stand-ins, unless the owner names them.
_PLAIN_FOLDERS = {
    *vocabulary.names("threat"), *vocabulary.names("concealment"), *vocabulary.names("vector"), *vocabulary.SPLITS, BENIGN,
    "images", "annotations", "labels", "val", "trainval", "side", "top", "raw", "color", "colour",
}  # fmt: skip
RISK = (
    "Names, numbers, places and times were removed or replaced; the scans themselves were not changed. Whoever knows a "
    "consignment can still recognise it: a rare cargo, an unusual vehicle or container, a threat that was in the press, "
    "together with a rough date and the port that shares the data, may fit one shipment only. Hand the data on under terms "
    "that forbid to try, and keep scans whose content is unique among yours out of what is published."
)
BURNED_IN = (
    "Text in the pixels is flagged by a detector that looks at the margins; it is never removed. NO in (0028,0301) means "
    "that the source did not declare any and the detector saw none, and it misses some: `python benchmarks/integrity.py` "
    "prints its hit and false rates."
)


@dataclass(frozen=True, slots=True)
class FileReport:
    """What was done to one file. `file` is its new name."""

    file: str
    kind: str
    changes: tuple[dict[str, str], ...]
    n_text_lines: int  # of burned-in text that was seen; -1 where there is no picture
    remarks: tuple[str, ...] = ()  # what the DICOS check says of the result


@dataclass(frozen=True, slots=True)
class Deidentified:
    """The result of a run."""

    folder: Path
    files: tuple[FileReport, ...]
    not_taken: dict[str, int]  # reason -> files
    originals: dict[str, str]  # old path -> new path; never written unless asked for

    @property
    def flagged(self) -> list[str]:
        """Files with text in their pixels, to be looked at by a person."""
        return [one.file for one in self.files if one.n_text_lines > 0]

    def summary(self) -> str:
        """What was taken, changed, flagged and left out, and the risk that stays."""
        actions = Counter(change["action"] for one in self.files for change in one.changes)
        done = ", ".join(f"{n} {action}" for action, n in sorted(actions.items())) or "nothing to change"
        lines = [f"{len(self.files)} files written to {self.folder.name}: {done}"]
        lines += [f"not taken: {n} files: {reason}" for reason, n in sorted(self.not_taken.items())]
        if self.flagged:
            shown = ", ".join(self.flagged[:5]) + (" ..." if len(self.flagged) > 5 else "")
            lines.append(f"text in the pixels of {len(self.flagged)} files, look at them: {shown}")
        return "\n".join([*lines, BURNED_IN, RISK])


def deidentify(
    source: Path | str,
    out: Path | str,
    *,
    key: Path | str | SiteKey,
    keep_folders: Sequence[str] = (),
    keep_equipment: bool = False,
    keep_country: bool = False,
    quiet: bool = True,
) -> Deidentified:
    """Write a de-identified copy of a folder of scans, and `deidentification.json` beside it.

    Args:
        source: Folder with DICOS files, images, arrays, XML and JSON sidecars, label files; sub-folders too.
        out: The new folder; it must not exist, or be empty.
        key: The site's key, or its file. It must not lie in either folder.
        keep_folders: Names of folders (classes, series) that identify nobody and stay as they are.
        keep_equipment: Keep maker, model and software of the scanner.
        keep_country: Keep the country of a place given as UN/LOCODE; else places go altogether.
        quiet: Say nothing.

    Raises:
        BadFile: No such folder, a key that is none, or `out` holds something.
        BadValue: One folder lies in the other, or the key lies in one of them.
    """
    source, out = Path(source), Path(out)
    if not source.is_dir():
        raise BadFile(f"{source}: there is no such folder.")
    check_places(source, out, key)
    site = key if isinstance(key, SiteKey) else read_key(key)
    run = _Run(source.resolve(), site, {*_PLAIN_FOLDERS, *keep_folders}, keep_equipment, keep_country)
    out.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
    try:
        made = run.write(building, out, quiet)
        write_text(building / REPORT, json.dumps(_record(made), indent=1, ensure_ascii=False) + "\n")
        building.chmod(0o755)
        building.replace(out)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise
    return made


def check_places(source: Path, out: Path, key: Path | str | SiteKey, names: Path | None = None) -> None:
    """Raises:
    BadValue: One folder lies in the other, or the key or the list of old and new names in one of them.
    BadFile: `out` holds something.
    """
    inner, outer = source.resolve(), out.resolve()
    if inner == outer or inner in outer.parents or outer in inner.parents:
        raise BadValue(f"{out}: lies in {source} or around it; the result needs a folder of its own.")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BadFile(f"{out}: holds something already. Name another folder, or delete it first.")
    if not isinstance(key, SiteKey) and {inner, outer} & set(Path(key).resolve().parents):
        raise BadValue(f"{key}: the key must not lie with the scans; it would travel with them.")
    if names is not None and {inner, outer} & set(names.resolve().parents):
        raise BadValue(
            f"{names}: the list of old and new names must not lie with the scans; it would travel with them."
        )


def _record(made: Deidentified) -> dict[str, Any]:
    return {
        "schema_id": "xraybench.deidentification/1",
        "profile": PROFILE,
        "risk": RISK,
        "burned_in_text": BURNED_IN,
        "not_taken": made.not_taken,
        "flagged": made.flagged,
        "files": [asdict(one) for one in made.files],
    }


class _Run:
    """One run over one folder: how its files are called afterwards, and by how much each scan is shifted."""

    def __init__(self, root: Path, key: SiteKey, plain: set[str], keep_equipment: bool, keep_country: bool) -> None:
        self.root, self.key, self.plain = root, key, plain
        self.keep_equipment, self.keep_country = keep_equipment, keep_country
        found = sorted(root.rglob("*"))
        self.n_links = sum(path.is_symlink() for path in found)
        plain_files = (path for path in found if path.is_file() and not path.is_symlink())
        paths = [PurePosixPath(path.relative_to(root).as_posix()) for path in plain_files]
        self.paths = [path for path in paths if is_text(str(path))]
        self.n_misnamed = len(paths) - len(self.paths)
        self.scan_of = self._scans()

    def write(self, building: Path, out: Path, quiet: bool) -> Deidentified:
        reports, not_taken, originals = [], Counter[str](), {}
        for path in progress.track(self.paths, "de-identifying", quiet=quiet):
            if path.name.startswith(".") or path.name.lower() in _SYSTEM_FILES:
                not_taken["hidden or made by the system"] += 1
                continue
            new = self.new_path(path)
            try:
                if (building / new).exists():
                    raise BadFile("its new name is that of another file; give the two different names.")
                content, report = self._one(path, new)
            except UserError as error:
                not_taken[_reason(error, path)] += 1
                continue
            write_bytes(building / new, content)
            reports.append(report)
            originals[str(path)] = new
        if self.n_links:
            not_taken["a link, which may lead anywhere"] += self.n_links
        if self.n_misnamed:
            not_taken["a name with letters that are not UTF-8; rename it"] += self.n_misnamed
        return Deidentified(out, tuple(sorted(reports, key=lambda one: one.file)), dict(not_taken), originals)

    def new_path(self, path: PurePosixPath) -> str:
        """Where a file lies afterwards; its suffix tells its kind and stays."""
        folders = [part if part.lower() in self.plain or part in self.plain else self.key.file_stem_of(part)
                   for part in path.parent.parts]  # fmt: skip
        suffix = path.name[len(deid_files.stem_of(path)) :]
        return "/".join([*folders, self.key.file_stem_of(deid_files.stem_of(path)) + suffix])

    def rename(self, name: str) -> str:
        """How a file that a sidecar names is called afterwards."""
        inner = PurePosixPath(name.replace("\\", "/"))
        return self.new_path(PurePosixPath(*(part for part in inner.parts if part not in ("/", ".."))))

    def _scans(self) -> dict[PurePosixPath, str]:
        """What the shift of each file hangs on: the scan's UID, also for a sidecar or image of the same name beside it."""
        from xraybench.formats.dicos import files

        found: dict[PurePosixPath, str] = {}
        by_stem: dict[str, str] = {}
        for path in self.paths:
            if files.is_dicos(self.root / path):
                try:
                    uid = str(files.open_dicos(self.root / path, with_pixels=False).dataset.get("StudyInstanceUID", ""))
                except UserError:
                    continue
                if uid:
                    found[path] = by_stem[str(path.parent / deid_files.stem_of(path))] = uid
        for path in self.paths:
            stem = str(path.parent / deid_files.stem_of(path))
            found.setdefault(path, by_stem.get(stem, stem))
        return found

    def _one(self, path: PurePosixPath, new: str) -> tuple[bytes, FileReport]:
        from xraybench.formats.dicos import files

        shift = self.key.shift_of(self.scan_of[path])
        if files.is_dicos(self.root / path):
            try:
                return self._dicos(path, new, shift)
            except UserError:
                raise
            except Exception:  # pydicom raises whatever a broken file makes it raise, and may quote it
                raise BadFile("broken: it cannot be read and written anew.") from None
        content = (self.root / path).read_bytes()
        if cleaner := _RASTERS.get(path.suffix.lower()):
            written, changes = cleaner(content)
            n_lines = _n_text_lines(written, path)
            return written, FileReport(new, "image", tuple(map(asdict, changes)), n_lines)
        one = SidecarPass(self.key, shift, self.rename)
        written = _SIDECARS.get(path.suffix.lower(), _refuse)(content, one)
        return written, FileReport(new, "sidecar", tuple(map(asdict, one.changes)), -1)

    def _dicos(self, path: PurePosixPath, new: str, shift: dt.timedelta) -> tuple[bytes, FileReport]:
        from xraybench.data import deid_dicos
        from xraybench.formats.dicos import check, files

        try:
            opened = files.open_dicos(self.root / path)
        except BadFile as error:  # without the text in brackets, which may quote the file
            raise BadFile(str(error).partition(" (")[0]) from None
        dataset = opened.dataset
        if not opened.kind:
            raise BadFile("no object of DICOS.")
        n_lines = -1
        if 0x7FE00010 in dataset:
            pixels = files.pixels_of(dataset, path.name)
            n_lines = _n_lines_of(pixels)
            if not dataset.file_meta.TransferSyntaxUID in _PLAIN_SYNTAXES:  # noqa: E713  # a UID is no container
                dataset.PixelData = np.ascontiguousarray(pixels).astype(pixels.dtype.newbyteorder("<")).tobytes()
                dataset["PixelData"].VR = "OW"
                dataset["PixelData"].is_undefined_length = False
            elif len(dataset.PixelData) > pixels.nbytes:  # what lies behind the pixels may be anything
                dataset.PixelData = dataset.PixelData[: pixels.nbytes] + b"\0" * (pixels.nbytes % 2)
        one = deid_dicos.Pass(self.key, shift, self.keep_equipment, self.keep_country)
        deid_dicos.deidentify_dataset(dataset, one, burned_in=n_lines > 0 if n_lines >= 0 else None)
        with tempfile.TemporaryDirectory() as folder:
            files.write_dataset(Path(folder) / "one", dataset)
            content = (Path(folder) / "one").read_bytes()
        remarks = tuple(str(issue) for issue in check.refused(check.issues_of(dataset)))
        return content, FileReport(new, opened.kind, tuple(map(asdict, one.changes)), n_lines, remarks)


_PLAIN_SYNTAXES = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1")


def _refuse(*_: object) -> bytes:
    raise BadFile("of no known kind, so it may hold anything.")


def _reason(error: UserError, path: PurePosixPath) -> str:
    """An error without the file's name, which may be what is to be hidden."""
    text = str(error)
    if path.name in text:
        text = text.rpartition(path.name)[2].lstrip(": ")
    return f"{path.suffix.lower() if deid_files.suffix_of(path) else 'other'} file: {text}"


def _n_text_lines(content: bytes, path: PurePosixPath) -> int:
    """Lines of text seen in an image file. A picture that cannot be decoded cannot be looked at, so it is refused."""
    import io
    import warnings

    from PIL import Image

    if path.suffix.lower() == ".npy":
        array = np.load(io.BytesIO(content), allow_pickle=False)
        return _n_lines_of(array) if array.ndim in (2, 3) and min(array.shape[:2]) > 1 else -1
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(content), formats=FORMATS) as image:
            n_pixels = image.width * image.height
            check_claim(Path(path.name), n_pixels, 3 * n_pixels, len(content))
            is_plain = image.mode not in ("P", "CMYK", "RGBA", "LA", "1")
            pixels = np.asarray(image if is_plain else image.convert("RGB"))
    except BadFile:
        raise
    except Exception:  # Pillow answers a broken image with almost any exception
        raise BadFile("its pixels cannot be decoded.") from None
    return _n_lines_of(pixels)


def _n_lines_of(pixels: NDArray[np.generic]) -> int:
    """Lines of text seen in a picture; of a volume or of planes, in the one that shows most."""
    if pixels.ndim == 3 and pixels.shape[-1] <= 4 and pixels.shape[-1] not in (1, 3):
        pixels = np.moveaxis(pixels, -1, 0)  # planes of counts
    is_one = pixels.ndim == 2 or pixels.shape[-1] in (1, 3)
    return max(len(burned_in.text_lines(one)) for one in ([pixels] if is_one else pixels))


_RASTERS: dict[str, Callable[[bytes], tuple[bytes, list[Any]]]] = {
    ".png": deid_files.clean_png,
    ".jpg": deid_files.clean_jpeg,
    ".jpeg": deid_files.clean_jpeg,
    ".tif": lambda content: deid_files.clean_raster(content, "TIFF"),
    ".tiff": lambda content: deid_files.clean_raster(content, "TIFF"),
    ".bmp": lambda content: deid_files.clean_raster(content, "BMP"),
    ".npy": deid_files.clean_array,
}
_SIDECARS: dict[str, Callable[[bytes, SidecarPass], bytes]] = {
    ".xml": deid_files.clean_xml,
    ".json": deid_files.clean_json,
    ".txt": lambda content, _: deid_files.clean_labels(content),
}
