"""Pascal VOC annotations: one XML file an image, boxes as corners.

VOC counts pixels from 1 and includes the last one: `xmin` 1 is the left edge 0 of ours, `xmax` stays. Some sets write
edges as plain coordinates instead, with fractions; `one_based=False` takes them as they stand. Only the name of an
`object` is a class: `owner/name` holds a person.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from xraybench.core.documents import write_bytes
from xraybench.core.errors import BadFile, BadTable
from xraybench.formats.images import read_file
from xraybench.formats.sidecar import MOST_BYTES, parse_xml


@dataclass(frozen=True, slots=True)
class VocObject:
    """One annotated object: `x0, y0, x1, y1` in pixels, right and bottom exclusive."""

    name: str
    x0: float
    y0: float
    x1: float
    y1: float
    is_difficult: bool = False


@dataclass(frozen=True, slots=True)
class VocImage:
    """The contents of one annotation file. Width and height are 0 where it says nothing."""

    file_name: str
    width: int
    height: int
    objects: tuple[VocObject, ...]


def read_voc(path: Path | str, *, one_based: bool = True) -> VocImage:
    """Read one annotation file. Boxes are not held against the image: its size may not be stated.

    Raises:
        BadFile: No such file, not XML, or not an annotation.
        BadTable: With every fault: objects without name or box, corners that are no numbers or in the wrong order.
    """
    path = Path(path)
    content = read_file(path)
    if len(content) > MOST_BYTES:
        raise BadFile(f"{path}: {len(content)} bytes; an annotation has at most {MOST_BYTES}.")
    root = parse_xml(content, path)
    if root.tag != "annotation":
        raise BadFile(f"{path}: not a VOC file: its root is '{str(root.tag)[:40]}', not 'annotation'.")
    faults: list[str] = []
    objects = []
    for number, element in enumerate(root.findall("object"), start=1):
        found = _object(element, 1.0 if one_based else 0.0)
        if isinstance(found, str):
            faults.append(f"object {number}: {found}")
        else:
            objects.append(found)
    if faults:
        raise BadTable(path.name, faults)
    width, height = (_number(root.find(f"size/{side}")) for side in ("width", "height"))
    return VocImage(_text(root.find("filename")), int(width or 0), int(height or 0), tuple(objects))


def write_voc(path: Path | str, image: VocImage, *, one_based: bool = True) -> None:
    """Write one annotation file, atomically; equal contents give equal bytes."""
    root = Element("annotation")
    SubElement(root, "filename").text = image.file_name
    size = SubElement(root, "size")
    for name, n_px in (("width", image.width), ("height", image.height)):
        SubElement(size, name).text = str(n_px)
    first = 1.0 if one_based else 0.0
    for found in image.objects:
        element = SubElement(root, "object")
        SubElement(element, "name").text = found.name
        SubElement(element, "difficult").text = str(int(found.is_difficult))
        box = SubElement(element, "bndbox")
        edges = (("xmin", found.x0 + first), ("ymin", found.y0 + first), ("xmax", found.x1), ("ymax", found.y1))
        for name, value in edges:
            SubElement(box, name).text = f"{value:.10g}"
    indent(root, "\t")
    write_bytes(Path(path), tostring(root, encoding="utf-8", xml_declaration=True) + b"\n")


def _object(element: Element, first: float) -> VocObject | str:
    """The object, or what is wrong with it. A box of zero extent is told by the importer, which knows the image."""
    name = _text(element.find("name"))
    if not name:
        return "needs a 'name'"
    edges = [_number(element.find(f"bndbox/{side}")) for side in ("xmin", "ymin", "xmax", "ymax")]
    if any(edge is None for edge in edges):
        return f"({name}) needs a 'bndbox' of the numbers xmin, ymin, xmax and ymax"
    x0, y0, x1, y1 = (float(edge) for edge in edges if edge is not None)
    if x1 < x0 or y1 < y0:
        return f"({name}) bndbox {x0:g}, {y0:g}, {x1:g}, {y1:g}: xmax or ymax lies before xmin or ymin"
    is_difficult = _text(element.find("difficult")) == "1"
    return VocObject(name, x0 - first, y0 - first, x1, y1, is_difficult)


def _text(element: Element | None) -> str:
    return (element.text or "").strip() if element is not None else ""


def _number(element: Element | None) -> float | None:
    try:
        value = float(_text(element))
    except ValueError:
        return None
    return value if math.isfinite(value) and abs(value) < 1e9 else None
