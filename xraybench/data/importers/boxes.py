"""Pascal VOC and YOLO folders of one's own, with the splits their lists name."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from xraybench.core.errors import BadFile, BadTable
from xraybench.data.listing import (
    Box,
    Find,
    Listing,
    Picture,
    folder_of,
    images_below,
    images_by_stem,
    lines_of,
    option_of,
    told_apart,
)
from xraybench.formats.voc import VocObject, read_voc
from xraybench.formats.yolo import read_names, read_yolo

_ANNOTATIONS = ("Annotations", "Annotation", "annotations", "annotation")
_SPLITS = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}


def read_voc_folder(source: Path, options: Mapping[str, str]) -> tuple[Path, Listing]:
    """Each annotation with the image of its stem. An image without one is left out, or benign where that is asked for.

    Raises:
        BadFile: No such folder, or none with annotations in it.
    """
    root = folder_of(source)
    one_based = option_of(options, "one_based", "yes", ("yes", "no")) == "yes"
    takes_bare = option_of(options, "benign", "no", ("yes", "no")) == "yes"
    folder = next((root / name for name in _ANNOTATIONS if (root / name).is_dir()), None)
    if folder is None:
        raise BadFile(f"{root}: holds no folder of annotations ({', '.join(_ANNOTATIONS)}).")
    listing = Listing()
    images = images_by_stem(root, root)
    split_of = _voc_splits(root)
    listing.splits = "lists of ImageSets/Main" if split_of else ""
    for path in sorted(folder.glob("*.xml")):
        image = images.pop(path.stem, None)
        where = path.relative_to(root).as_posix()
        if image is None:
            listing.faults.append(f"{where}: there is no image of this name")
            continue
        try:
            voc = read_voc(path, one_based=one_based)
        except (BadFile, BadTable) as error:
            listing.faults += told_apart(error, root)
            continue
        size = ((voc.width, voc.height),) if voc.width and voc.height else ()
        split = split_of.get(path.stem, "")
        listing.pictures.append(Picture((image,), finds_of(voc.objects, listing), size, split=split))
    for stem, image in images.items():
        if takes_bare:
            listing.pictures.append(Picture((image,), split=split_of.get(stem, "")))
        else:
            listing.skip(image, "it has no annotation: option benign=yes takes such images as benign")
    return root, listing


def is_voc(source: Path) -> bool:
    """A folder of annotations with XML files in it."""
    return source.is_dir() and any(next((source / name).glob("*.xml"), None) for name in _ANNOTATIONS)


def finds_of(objects: tuple[VocObject, ...], listing: Listing) -> tuple[Find, ...]:
    """The objects of a VOC file; their names are noted as words of the source."""
    for one in objects:
        if one.name not in listing.labels:
            listing.labels.append(one.name)
    return tuple(Find(one.name, ((0, Box(one.x0, one.y0, one.x1, one.y1)),)) for one in objects)


def read_yolo_folder(source: Path, options: Mapping[str, str]) -> tuple[Path, Listing]:
    """Each image with the label file that mirrors its path; one without is benign.

    Raises:
        BadFile: No such folder, or none with class names in it.
    """
    root = folder_of(source if source.is_dir() else source.parent)
    one_based = option_of(options, "one_based", "no", ("yes", "no")) == "yes"
    names_file = _names_file(source if source.is_file() else root)
    words, _ = read_names(names_file)
    if one_based and words and words[0].lower() == "none":
        words = words[1:]
    listing = Listing(labels=list(dict.fromkeys(words)))
    for image in images_below(root, root):
        label_file = root / _label_path(image)
        split = next((_SPLITS[part] for part in PurePosixPath(image).parts[:-1] if part in _SPLITS), "")
        finds: tuple[Find, ...] = ()
        if label_file.is_file():
            try:
                boxes = read_yolo(label_file, len(words), one_based=one_based)
            except (BadFile, BadTable) as error:
                listing.faults += told_apart(error, root)
                continue
            finds = tuple(
                Find(words[box.class_id], ((0, Box(box.x0, box.y0, box.x1, box.y1, is_share=True)),)) for box in boxes
            )
        listing.pictures.append(Picture((image,), finds, split=split))
    listing.splits = "folders of the set" if any(picture.split for picture in listing.pictures) else ""
    return root, listing


def is_yolo(source: Path) -> bool:
    """Class names in a file and label files that are texts of numbers."""
    if source.is_file():
        return source.suffix.lower() in (".yaml", ".yml") and "names" in source.read_text("utf-8", errors="replace")
    return _has_names(source) and any(source.rglob("labels"))


def _has_names(folder: Path) -> bool:
    return folder.is_dir() and any((folder / name).is_file() for name in ("data.yaml", "data.yml", "classes.txt"))


def _names_file(source: Path) -> Path:
    if source.is_file():
        return source
    for name in ("data.yaml", "data.yml", "classes.txt", "labels/classes.txt", "obj.names"):
        if (source / name).is_file():
            return source / name
    raise BadFile(f"{source}: holds no data.yaml or classes.txt, so the classes have no names.")


def _label_path(image: str) -> str:
    """The label file of an image: `images` in its path becomes `labels`, its ending .txt."""
    parts = list(PurePosixPath(image).with_suffix(".txt").parts)
    for place in range(len(parts) - 2, -1, -1):
        if parts[place] == "images":
            parts[place] = "labels"
            break
    return "/".join(parts)


def _voc_splits(root: Path) -> dict[str, str]:
    """Stem -> train, val or test, of the lists that name one word a line."""
    found: dict[str, str] = {}
    folder = next((root / name for name in ("ImageSets/Main", "ImageSets", "ImageSet") if (root / name).is_dir()), None)
    for split in ("train", "val", "test"):
        path = folder / f"{split}.txt" if folder else None
        if path is not None and path.is_file():
            found |= dict.fromkeys((line.split()[0] for line in lines_of(path)), split)
    return found
