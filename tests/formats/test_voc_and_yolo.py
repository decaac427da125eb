"""Boxes keep their meaning through Pascal VOC and YOLO, there and back."""

from pathlib import Path

import pytest
from sixray import XML

from xraybench.core.errors import BadFile, BadTable
from xraybench.formats.voc import VocImage, VocObject, read_voc, write_voc
from xraybench.formats.yolo import YoloBox, read_names, read_yolo, write_names, write_yolo


def saved(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_voc_counts_from_one_and_includes_the_last_pixel(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.xml", XML.format(name="a", owner="Gun", label="Knife", x0=1, y0=4, x1=12, y1=8))
    one = read_voc(path).objects
    assert [(o.name, o.x0, o.y0, o.x1, o.y1) for o in one] == [("Knife", 0, 3, 12, 8)]
    assert [(o.x0, o.y0) for o in read_voc(path, one_based=False).objects] == [(1, 4)]


def test_voc_reads_back_what_it_wrote(tmp_path: Path) -> None:
    image = VocImage("a.png", 32, 24, (VocObject("gün & <co>", 0, 3.25, 12, 8.5), VocObject("knife", 1, 1, 2, 2, True)))
    for one_based in (True, False):
        write_voc(tmp_path / "a.xml", image, one_based=one_based)
        assert read_voc(tmp_path / "a.xml", one_based=one_based) == image


def test_all_faults_of_a_voc_file_are_told(tmp_path: Path) -> None:
    text = """<annotation><object><bndbox/></object><object><name>a</name><bndbox><xmin>x</xmin></bndbox></object>
<object><name>b</name><bndbox><xmin>9</xmin><ymin>1</ymin><xmax>2</xmax><ymax>3</ymax></bndbox></object></annotation>"""
    with pytest.raises(BadTable) as caught:
        read_voc(saved(tmp_path / "a.xml", text))
    assert len(caught.value.faults) == 3
    with pytest.raises(BadFile, match="its root is 'html'"):
        read_voc(saved(tmp_path / "a.xml", "<html/>"))
    with pytest.raises(BadFile, match="declares entities"):
        read_voc(saved(tmp_path / "a.xml", '<!DOCTYPE a [<!ENTITY x "y">]><annotation/>'))


def test_yolo_shares_become_edges_and_come_back(tmp_path: Path) -> None:
    boxes = read_yolo(saved(tmp_path / "a.txt", "1 0.5 0.5 0.25 0.5\n\n0 0.1 0.1 0.2 0.2\n"), 2)
    assert boxes[0] == YoloBox(1, 0.375, 0.25, 0.625, 0.75)
    write_yolo(tmp_path / "b.txt", boxes)
    assert read_yolo(tmp_path / "b.txt", 2) == boxes
    assert read_yolo(saved(tmp_path / "empty.txt", ""), 2) == ()


def test_yolo_classes_may_be_counted_from_one_with_none_as_zero(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.txt", "0 0.5 0.5 1 1\n2 0.5 0.5 0.5 0.5\n")
    assert [box.class_id for box in read_yolo(path, 2, one_based=True)] == [1]
    with pytest.raises(BadTable, match="class 2 does not exist: 0 to 1 do"):
        read_yolo(path, 2)


def test_an_outline_is_read_as_the_box_around_it(tmp_path: Path) -> None:
    box = read_yolo(saved(tmp_path / "a.txt", "0 0.1 0.2 0.5 0.1 0.3 0.9\n"), 1)[0]
    assert (box.x0, box.y0, box.x1, box.y1) == (0.1, 0.1, 0.5, 0.9)


def test_all_faults_of_a_yolo_file_are_told(tmp_path: Path) -> None:
    text = "0 0.5 0.5\n0 0.9 0.5 0.5 0.5\n0.5 0.5 0.5 0.1 0.1\n0 0.5 0.5 0 0.1\na b c d e\n0 1 2 3 4 5\n0 nan 0.5 0.1 0.1\n"
    with pytest.raises(BadTable) as caught:
        read_yolo(saved(tmp_path / "a.txt", text), 1)
    assert len(caught.value.faults) == 7


def test_class_names_come_from_yaml_or_text(tmp_path: Path) -> None:
    write_names(tmp_path / "data.yaml", ["gun", "knife (old)"], {"train": "images/train", "test": "images/test"})
    names, splits = read_names(tmp_path / "data.yaml")
    assert names == ["gun", "knife (old)"]
    assert splits == {"train": ["images/train"], "test": ["images/test"]}
    assert read_names(saved(tmp_path / "classes.txt", "gun\n\nknife\n"))[0] == ["gun", "knife"]
    with pytest.raises(BadFile, match="anchors"):
        read_names(saved(tmp_path / "bomb.yaml", "a: &a [x, x]\nnames: [*a, *a]\n"))
    with pytest.raises(BadFile, match="without gaps"):
        read_names(saved(tmp_path / "gap.yaml", "names: {1: a, 3: b}\n"))
