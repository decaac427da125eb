"""The Pascal VOC and YOLO forms of a dataset, made of its COCO form: same images, same boxes, other files.

    voc    Annotations/NAME.xml, images/NAME, ImageSets/Main/train.txt, val.txt, test.txt
    yolo   images/SPLIT/NAME, labels/SPLIT/NAME.txt, data.yaml

Both call calibration `val`. The COCO files are taken away again; `labels.csv` keeps what neither form has a word for.
"""

from pathlib import Path

from xraybench.core.documents import write_text
from xraybench.formats.coco import Coco, CocoBox, read_coco
from xraybench.formats.voc import VocImage, VocObject, write_voc
from xraybench.formats.yolo import YoloBox, write_names, write_yolo

_SPLITS = {"train": "train", "calibration": "val", "test": "test"}


def as_voc(out: Path) -> None:
    """Turn a folder in COCO form (images/, annotations_SPLIT.json) into one in VOC form, in place."""
    for path, split, coco in _parts(out):
        boxes = _boxes_of(coco)
        for image in coco.images:
            found = tuple(
                VocObject(coco.categories[box.category_id], box.x0, box.y0, box.x1, box.y1)
                for box in boxes.get(image.id, [])
            )
            voc = VocImage(image.file_name, image.width, image.height, found)
            write_voc(out / "Annotations" / f"{Path(image.file_name).stem}.xml", voc)
        stems = "".join(f"{Path(image.file_name).stem}\n" for image in coco.images)
        write_text(out / "ImageSets" / "Main" / f"{split}.txt", stems)
        path.unlink()


def as_yolo(out: Path) -> None:
    """Turn a folder in COCO form (images/, annotations_SPLIT.json) into one in YOLO form, in place."""
    names: dict[int, str] = {}
    splits = {}
    for path, split, coco in _parts(out):
        names |= coco.categories
        splits[split] = f"images/{split}"
        place = {key: number for number, key in enumerate(sorted(coco.categories))}
        boxes = _boxes_of(coco)
        (out / "images" / split).mkdir()
        for image in coco.images:
            (out / "images" / image.file_name).rename(out / "images" / split / image.file_name)
            found = [
                YoloBox(
                    place[box.category_id],
                    box.x0 / image.width,
                    box.y0 / image.height,
                    box.x1 / image.width,
                    box.y1 / image.height,
                )
                for box in boxes.get(image.id, [])
            ]
            write_yolo(out / "labels" / split / f"{Path(image.file_name).stem}.txt", found)
        path.unlink()
    write_names(out / "data.yaml", [names[key] for key in sorted(names)], splits)


def _parts(out: Path) -> list[tuple[Path, str, Coco]]:
    """The COCO file, name and contents of each split that is there."""
    paths = [(out / f"annotations_{ours}.json", theirs) for ours, theirs in _SPLITS.items()]
    return [(path, split, read_coco(path)) for path, split in paths if path.is_file()]


def _boxes_of(coco: Coco) -> dict[int, list[CocoBox]]:
    found: dict[int, list[CocoBox]] = {}
    for box in coco.boxes:
        found.setdefault(box.image_id, []).append(box)
    return found
