"""COCO files are read whole and checked whole, and written so that they read back."""

import json
from pathlib import Path
from typing import Any

import fabricated
import pytest

from xraybench.core.errors import BadFile, BadTable
from xraybench.formats.coco import read_coco, write_coco


def saved(folder: Path, content: object) -> Path:
    path = folder / "annotations.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def faults_of(folder: Path, content: dict[str, Any]) -> str:
    with pytest.raises(BadTable) as caught:
        read_coco(saved(folder, content))
    return str(caught.value)


def test_a_box_becomes_edges_with_right_and_bottom_exclusive(tmp_path: Path) -> None:
    coco = read_coco(saved(tmp_path, fabricated.coco_content()))
    box = coco.boxes[0]
    assert (box.x0, box.y0, box.x1, box.y1, box.area_px) == (2, 3, 12, 8, 40)
    assert coco.categories == {1: "knife", 2: "phone"}
    assert len(coco.images) == 4


def test_a_file_reads_back_as_it_was_written(tmp_path: Path) -> None:
    coco = read_coco(saved(tmp_path, fabricated.coco_content()))
    write_coco(tmp_path / "again.json", coco)
    write_coco(tmp_path / "twice.json", coco)
    assert read_coco(tmp_path / "again.json") == coco
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "twice.json").read_bytes()


def test_all_faults_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    content = fabricated.coco_content(6)
    content["annotations"][0]["image_id"] = 99
    content["annotations"][1]["category_id"] = 7
    content["annotations"][2]["bbox"] = [30, 3, 10, 5]
    content["annotations"][3]["bbox"] = [1, 2, 0, 5]
    content["annotations"][4]["bbox"] = [1, 2, 3]
    content["annotations"][5]["id"] = 1
    content["images"][1]["id"] = 1
    content["images"][2]["file_name"] = "../secret.png"
    content["categories"].append({"id": 1, "name": "twin"})
    told = faults_of(tmp_path, content)
    assert "annotations[0] (id 1): image_id 99 dangles: no such image" in told
    assert "category_id 7 dangles: no such category" in told
    assert "bbox [30, 3, 10, 5] reaches 8 px beyond image 003.png" not in told  # its image is faulty, but known
    assert "annotations[2] (id 3): bbox [30, 3, 10, 5] reaches 8 px beyond image ../secret.png of 32 x 24" in told
    assert "bbox [1, 2, 0, 5] has no width or no height" in told
    assert "bbox [1, 2, 3] is not [x, y, width, height]" in told
    assert "annotations[5] (id 1): this id stands twice" in told
    assert "images[1]: id 1 stands twice" in told
    assert "'../secret.png' leads out of the folder of images" in told
    assert "categories[2]: id 1 stands twice" in told


def test_a_box_beyond_the_edge_is_cut_only_when_asked(tmp_path: Path) -> None:
    content = fabricated.coco_content(1)
    content["annotations"][0]["bbox"] = [28, 20, 10, 10]
    path = saved(tmp_path, content)
    with pytest.raises(BadTable, match="reaches 6 px beyond"):
        read_coco(path)
    box = read_coco(path, clip=True).boxes[0]
    assert (box.x1, box.y1, box.area_px) == (32, 24, 16)


def test_a_rounding_of_half_a_pixel_is_cut_without_a_word(tmp_path: Path) -> None:
    content = fabricated.coco_content(1)
    content["annotations"][0]["bbox"] = [-0.3, 0, 32.6, 24]
    box = read_coco(saved(tmp_path, content)).boxes[0]
    assert (box.x0, box.x1) == (0, 32)


def test_a_box_wholly_outside_is_refused_even_when_cutting(tmp_path: Path) -> None:
    content = fabricated.coco_content(1)
    content["annotations"][0]["bbox"] = [100, 100, 5, 5]
    with pytest.raises(BadTable, match="lies wholly outside"):
        read_coco(saved(tmp_path, content), clip=True)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"images": [', "not JSON, or truncated"),
        ("[]", "not a COCO file"),
        ('{"images": [], "annotations": []}', "the list 'categories' is missing"),
        ('{"images": {}, "annotations": [], "categories": []}', "the list 'images' is missing"),
    ],
)
def test_a_file_that_is_no_coco_is_refused_in_a_sentence(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadFile, match=told):
        read_coco(path)


def test_nonsense_in_place_of_rows_is_a_fault_and_no_crash(tmp_path: Path) -> None:
    content = {
        "images": [
            None,
            {"id": "a"},
            {"id": 1, "width": 3, "height": 0, "file_name": "a"},
            {"id": 2, "width": 3, "height": 3},
        ],
        "annotations": [7, {"id": True, "image_id": None, "category_id": 1.5, "bbox": [float("inf"), 0, 1, 1]}],
        "categories": ["knife", {"id": 1}],
    }
    path = tmp_path / "a.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(BadTable) as caught:
        read_coco(path)
    assert len(caught.value.faults) == 10


@pytest.mark.real
def test_the_boxes_of_real_scans_are_read(compassxp: Path) -> None:
    coco = read_coco(compassxp / "annotations.json")
    assert len(coco.images) == len(coco.boxes) == 12
    first = coco.boxes[0]
    assert (first.x0, first.y0, first.x1, first.y1) == (222, 289, 639, 363)


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(fabricated.coco_content(2)), encoding="utf-8-sig")
    assert len(read_coco(path).images) == 2
