"""XML files that lie beside a scan's picture: read by a field map that the owner can edit, and never trusted.

Two kinds are known by their root: `DataForm` (any namespace or none) and `manifest`; everything else is `other`, found by
a list of usual names. Which element feeds which field stands in `sidecar_fields.csv`: copy it, edit it, pass the copy.
Fields that name people, plates, containers or declarations are marked personal there and are left out unless asked for.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from xraybench.core.errors import BadFile, BadTable
from xraybench.formats.images import read_file

FIELDS_FILE = Path(__file__).parent / "sidecar_fields.csv"
KINDS = ("dataform", "manifest", "other")
MOST_BYTES = 16 << 20  # the largest seen have 10 kB
MOST_DEPTH = 100
MOST_ELEMENTS = 200_000
_COLUMNS = ["kind", "field", "path", "personal", "note"]
_STEP = re.compile(r"([^\s/@\[\]]+)(?:\[@([^\s=\]]+)=([^\]]*)\])?")
_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Field:
    """One line of a field map: an element (or an attribute) and the field it feeds."""

    kind: str
    field: str
    path: str  # Element/Element[@attribute=value]/Element@attribute, from below the root, namespaces left out
    is_personal: bool


@dataclass(frozen=True, slots=True)
class Sidecar:
    """What a sidecar says: field -> the texts of its elements, in their order; empty elements are left out."""

    kind: str
    values: dict[str, tuple[str, ...]]
    unmapped: tuple[str, ...]  # paths with text that no line of the map names
    n_withheld: int  # texts of personal fields that were not read out

    def first(self, field: str) -> str:
        """The first text of a field, or nothing."""
        return self.values.get(field, ("",))[0]


def read_fields(path: Path | str = FIELDS_FILE) -> tuple[Field, ...]:
    """Read a field map: CSV with the columns kind, field, path, personal (yes or no) and note.

    Raises:
        BadFile: No such file, or no text.
        BadTable: With every fault of it.
    """
    path = Path(path)
    try:
        text = read_file(path).decode("utf-8-sig")
        rows = list(csv.reader(io.StringIO(text)))
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadFile(f"{path}: cannot be read as CSV ({error}).") from None
    if not rows or [cell.strip() for cell in rows[0]] != _COLUMNS:
        raise BadTable(path.name, [f"row 1: the columns are {','.join(_COLUMNS)}"])
    faults: list[str] = []
    fields = []
    for number, row in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in row):
            continue
        cells = [cell.strip() for cell in (*row, *[""] * len(_COLUMNS))][: len(_COLUMNS)]
        wrong = _field_faults(cells)
        faults += [f"row {number}, {fault}" for fault in wrong]
        if not wrong:
            fields.append(Field(cells[0], cells[1], cells[2], cells[3] == "yes"))
    if faults:
        raise BadTable(path.name, faults)
    return tuple(fields)


def read_sidecar(
    path: Path | str, *, fields: Sequence[Field] = (), with_personal: bool = False, encoding: str | None = None
) -> Sidecar:
    """Read one sidecar.

    Args:
        path: The XML file, in UTF-8 or UTF-16, with a byte order mark or without.
        fields: A field map; the package's own where it is left out.
        with_personal: Read personal fields out too.
        encoding: For files that state a wrong one.

    Raises:
        BadFile: No such file, not XML, too large or too deep, or one that declares entities or a document type.
    """
    path = Path(path)
    content = read_file(path)
    if len(content) > MOST_BYTES:
        raise BadFile(f"{path}: {len(content)} bytes; a sidecar has at most {MOST_BYTES}.")
    root = parse_xml(content, path, encoding=encoding)
    kind = _kind(root)
    values: dict[str, list[str]] = {}
    unmapped: dict[str, None] = {}
    n_withheld = 0
    wanted = [field for field in (fields or _own_fields()) if field.kind == kind]
    for place in _texts(root, path):
        named = [field for field in wanted if place.fits(field.path)]
        if not named:
            unmapped.setdefault(place.shown)
        for field in named:
            if field.is_personal and not with_personal:
                n_withheld += 1
            else:
                values.setdefault(field.field, []).append(place.text)
    return Sidecar(kind, {key: tuple(found) for key, found in values.items()}, tuple(unmapped), n_withheld)


def parse_xml(content: bytes, path: Path, *, encoding: str | None = None) -> Element:
    """The root of an XML file from a stranger: no entities, no document type, nothing fetched.

    Raises:
        BadFile: Not XML, or one that declares what could hurt.
    """
    from defusedxml import DefusedXmlException
    from defusedxml import ElementTree as Safe

    try:
        parser = Safe.DefusedXMLParser(forbid_dtd=True, encoding=encoding)
        parser.feed(content)
        root: Element = parser.close()
    except DefusedXmlException as error:
        raise BadFile(
            f"{path}: declares entities or a document type ({type(error).__name__}); such XML is not read."
        ) from None
    except ParseError as error:
        raise BadFile(f"{path}: not XML, or truncated ({error}).") from None
    except (ValueError, LookupError, UnicodeError, RecursionError, OverflowError) as error:
        raise BadFile(f"{path}: cannot be read as XML ({str(error)[:100]}).") from None
    return root


def local_name(tag: Any) -> str:
    """The name of an element without its namespace."""
    return str(tag).rpartition("}")[2]


@cache
def _own_fields() -> tuple[Field, ...]:
    return read_fields()


def _field_faults(cells: list[str]) -> list[str]:
    kind, name, path, personal = cells[:4]
    faults = []
    if kind not in KINDS:
        faults.append(f"kind: '{kind}' is not one of {', '.join(KINDS)}")
    if not _NAME.fullmatch(name):
        faults.append(f"field: '{name}' is not of lower case letters, digits and _")
    if not _steps(path):
        faults.append(f"path: '{path}' is not of the form Element/Element[@attribute=value]/Element@attribute")
    if personal not in ("yes", "no"):
        faults.append(f"personal: '{personal}' is not yes or no")
    return faults


@cache
def _steps(path: str) -> tuple[tuple[str, str, str], ...]:
    """Name, attribute and wanted value of each element, then one of an attribute alone; nothing where it is no path."""
    elements, at, attribute = path.rpartition("@") if re.search(r"@[^\]]+$", path) else (path, "", "")
    steps = []
    for part in elements.split("/"):
        found = _STEP.fullmatch(part)
        if found is None:
            return ()
        steps.append((found[1].lower(), found[2] or "", found[3] or ""))
    return (*steps, ("@" + attribute.lower(), "", "")) if at else tuple(steps)


@dataclass(frozen=True, slots=True)
class _Place:
    """A text in the file: the elements that lead to it, with their attributes."""

    elements: tuple[Element, ...]
    attribute: str
    text: str

    @property
    def shown(self) -> str:
        path = "/".join(local_name(element.tag) for element in self.elements)
        return f"{path}@{self.attribute}" if self.attribute else path

    def fits(self, path: str) -> bool:
        steps = _steps(path)
        attribute = f"@{self.attribute.lower()}" if self.attribute else ""
        if attribute:
            if steps[-1][0] != attribute:
                return False
            steps = steps[:-1]
        if len(steps) != len(self.elements) or (steps and steps[-1][0].startswith("@")):
            return False
        return all(_is_step(element, step) for element, step in zip(self.elements, steps, strict=True))


def _is_step(element: Element, step: tuple[str, str, str]) -> bool:
    name, attribute, value = step
    return local_name(element.tag).lower() == name and (not attribute or element.get(attribute) == value)


def _kind(root: Element) -> str:
    name = local_name(root.tag).lower()
    return name if name in KINDS[:2] else KINDS[2]


def _texts(root: Element, path: Path) -> Iterator[_Place]:
    """Every text below the root, walked without recursion."""
    stack: list[tuple[Element, tuple[Element, ...]]] = [(root, ())]
    n_elements = 0
    while stack:
        element, above = stack.pop()
        n_elements += 1
        if len(above) > MOST_DEPTH or n_elements > MOST_ELEMENTS:
            raise BadFile(f"{path}: more than {MOST_DEPTH} levels or {MOST_ELEMENTS} elements; no sidecar has so many.")
        for attribute, value in element.attrib.items():
            if above and value.strip():
                yield _Place(above, local_name(attribute), value.strip())
        text = (element.text or "").strip()
        if above and text:
            yield _Place(above, "", text)
        stack += [(child, (*above, child)) for child in reversed(list(element))]
