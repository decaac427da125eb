"""DICOS files as they come: round trips, other versions and encodings, foreign writers, and files that mean harm."""

from __future__ import annotations

import hashlib
import os
import struct
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import dicos_judge
import dicos_mutate
import dicos_objects as make
import numpy as np
import pydicom
import pytest
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian, RLELossless

from xraybench.core.errors import BadFile, BadValue, MissingExtra
from xraybench.formats import dicos
from xraybench.formats.dicos import Assessment, Region, dictionary, tables
from xraybench.formats.dicos.build import decimal
from xraybench.formats.dicos.read import moment_of
from xraybench.formats.images import read_image

FIXTURES = {
    "python_DXFiles_SimpleColorPaletteDX.dcs": "443f8d3b65465ea3",
    "python_DXFiles_SimplePresentationDX.dcs": "78e01b6b18339bd9",
    "python_TDRFiles_MultiplePTOsTDR.dcs": "add3eb569c956361",
    "python_TDRFiles_SimpleBaggageTDR.dcs": "a8d3c900890c2e49",
    "python_TDRFiles_SimpleBaggageNoThreatTDR.dcs": "6914044860a53e78",
    "python_CTwithTDR_TDR.dcs": "21bc6a97fd278dd5",
}


@pytest.fixture(scope="session")
def foreign(shared_data: Path) -> Path:
    folder = shared_data / "dicos_fixtures"
    if not folder.is_dir():
        pytest.skip("no dicos_fixtures in the folder of real scans")
    return folder


def kinds_of_issue(path: Path) -> set[str]:
    return {issue.kind for issue in dicos.open_dicos(path).issues}


# ---- what is written comes back


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (24, 40)])
def test_an_image_comes_back_as_it_was(dtype: Any, shape: tuple[int, int], tmp_path: Path) -> None:
    marks = {"vector": "container", "concealment": "in_load", "task": "container-firearm-in_load-x-v1"}
    image = make.dx(
        *shape,
        dtype=dtype,
        view=2,
        n_views=2,
        view_name="side",
        energy=2,
        n_energies=2,
        flavour=dicos.LOW,
        pixel_mm=(0.8, 1.1),
        marks=marks,
    )
    dicos.write_dx(tmp_path / "dx.dcs", image)
    found = dicos.read_dx(tmp_path / "dx.dcs")
    assert found.issues == ()
    assert found.pixels.dtype == dtype
    assert np.array_equal(found.pixels, image.pixels)
    assert replace(found, pixels=image.pixels, instance_uid="").__dict__ == image.__dict__


def test_a_volume_comes_back_as_it_was(tmp_path: Path) -> None:
    volume = make.ct()
    dicos.write_ct(tmp_path / "ct.dcs", volume)
    found = dicos.read_ct(tmp_path / "ct.dcs")
    assert (found.issues, found.spacing_mm, found.inspection) == ((), (2.0, 1.5, 1.25), volume.inspection)
    assert np.array_equal(found.voxels, volume.voxels)


@pytest.mark.parametrize("report_type", ["MACHINE", "GROUND TRUTH"])
def test_a_report_comes_back_as_it_was(report_type: str, tmp_path: Path) -> None:
    report = make.tdr(report_type=report_type, marks={"task": "baggage-firearm-any-x-v1"})
    dicos.write_tdr(tmp_path / "tdr.dcs", report)
    found = dicos.read_tdr(tmp_path / "tdr.dcs")
    assert found.issues == ()
    assert (found.inspection, found.decision, found.algorithm) == (report.inspection, "ALARM", report.algorithm)
    assert (found.decided, found.total_ms, found.references) == (make.WHEN, 123.5, report.references)
    first, second = found.objects
    assert first.assessments == report.objects[0].assessments or first.assessments[0].probability == 0.875
    region, meant = first.sightings[0].region, report.objects[0].sightings[0].region
    assert (region.base, region.extents, region.box) == (meant.base, meant.extents, (3, 4, 8, 7))
    assert np.array_equal(region.mask, meant.mask)
    assert np.array_equal(region.polygon, meant.polygon)
    assert second.sightings[0].region.mask is None
    assert (first.is_alarm, second.is_alarm) == (True, False)


def test_equal_objects_are_equal_bytes(tmp_path: Path) -> None:
    once = {name: path.read_bytes() for name, path in make.write_all(tmp_path / "a").items()}
    again = {name: path.read_bytes() for name, path in make.write_all(tmp_path / "b").items()}
    assert once == again


def test_a_mask_is_packed_lowest_bit_first_and_x_fastest() -> None:
    mask = np.zeros((2, 3, 5), dtype=bool)
    mask[0, 0, 1] = mask[0, 1, 0] = mask[1, 0, 0] = True  # bits 1, 5 and 15
    assert dicos.packed(mask) == bytes([0b00100010, 0b10000000, 0, 0])
    assert np.array_equal(dicos.unpacked(bytes([0b00100010, 0b10000000, 0, 0]), (5, 3, 2)), mask)


def test_a_mask_of_a_view_comes_back_from_its_region() -> None:
    mask = np.zeros((20, 30), dtype=bool)
    mask[4:9, 7:20] = np.random.default_rng(0).random((5, 13)) > 0.4
    mask[4, 7] = mask[8, 19] = True
    region = dicos.region_of_mask(mask)
    assert (region.base, region.extents) == ((7, 4, 0), (13, 5, 1))
    assert np.array_equal(dicos.mask_of_region(region, 20, 30)[0], mask)


@pytest.mark.parametrize("box", [(5, 5, 5, 9), (9, 1, 3, 4)])
def test_a_box_without_width_is_refused(box: tuple[float, float, float, float]) -> None:
    with pytest.raises(BadValue, match="x1 must lie beyond x0"):
        dicos.region_of_box(*box)


def test_a_bitmap_of_the_wrong_size_is_refused() -> None:
    with pytest.raises(BadValue, match="need 4"):
        dicos.unpacked(b"\0\0", (5, 3, 2))


def test_all_faults_of_an_object_are_told_at_once() -> None:
    with pytest.raises(BadValue) as told:
        dicos.dx_dataset(make.dx(flavour="INTENSITY", view=3, inspection=make.inspection(ooi_type="PARCEL")))
    assert "PARCEL" in str(told.value) and "view 3 of 1" in str(told.value)


def test_a_report_cannot_be_written_with_one_number_for_two_objects() -> None:
    first, second = make.tdr().objects
    with pytest.raises(BadValue, match="object 1 stands 2 times"):
        dicos.tdr_dataset(make.tdr(objects=(first, replace(second, number=1))))


def test_a_mark_too_long_for_the_block_is_refused() -> None:
    with pytest.raises(BadValue, match="longer than 64"):
        dicos.dx_dataset(make.dx(marks={"vessel": "x" * 65}))


def test_numbers_keep_what_sixteen_characters_can_hold() -> None:
    assert [decimal(v) for v in (1.0, 0.1, -1 / 3, 1e-12)] == ["1", "0.1", "-0.3333333333333", "1e-12"]
    assert all(len(decimal(v)) <= 16 for v in (np.pi * 1e10, -np.pi * 1e-30, 160000))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("20240517134512.250000", "2024-05-17T13:45:12.250000"),
        ("20240517134512", "2024-05-17T13:45:12"),
        ("20240517", "2024-05-17T00:00:00"),
        ("20240517134512.25+0200", "2024-05-17T13:45:12.250000+02:00"),
        ("", "1900-01-01T00:00:00"),
        ("20241399", "1900-01-01T00:00:00"),
    ],
)
def test_moments_are_read_in_every_precision(text: str, meant: str) -> None:
    assert moment_of(text).isoformat() == meant


def test_the_independent_judge_is_installed_where_its_wheels_fit() -> None:
    if not dicos_judge.is_expected():
        pytest.skip("pydicos has wheels for Linux on x86-64 and Python before 3.12 only")
    assert dicos_judge.is_here(), "no file would be judged: install the extra dev"


# ---- the dictionary


def test_the_dictionary_adds_and_changes_nothing_of_dicoms() -> None:
    assert pydicom.datadict.dictionary_VR(0x00080118) == "UI"
    assert pydicom.datadict.dictionary_VR(0x40101075) == "DS"
    assert pydicom.datadict.dictionary_VR(0x43000902) == "FL"
    assert len(dictionary.MISSING_TAGS) == len({keyword for _, _, _, keyword in dictionary.MISSING_TAGS.values()})


def test_every_attribute_of_the_tables_has_the_vr_of_the_dictionary() -> None:
    def rows(attributes: Any) -> Any:
        for attribute in attributes:
            yield attribute
            yield from rows(attribute.items)

    for attributes in tables.OBJECTS.values():
        for one in rows(attributes):
            known = dictionary.CLASHES.get(one.tag) or pydicom.datadict.dictionary_VR(one.tag)
            assert one.vr in known.split(" or "), one.label


# ---- other encodings and versions, foreign writers


@pytest.mark.parametrize("name", ["dx", "ct", "tdr"])
def test_implicit_vr_is_read_as_explicit_vr_is(name: str, tmp_path: Path) -> None:
    path = make.write_all(tmp_path)[name]
    explicit = dicos.open_dicos(path).dataset
    file = pydicom.dcmread(path)
    file.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    pydicom.dcmwrite(tmp_path / "implicit.dcs", file, implicit_vr=True, little_endian=True)
    opened = dicos.open_dicos(tmp_path / "implicit.dcs")
    assert [(i.kind, i.where) for i in opened.issues] == [("encoding", "(0002,0010)")]
    assert [(e.tag, e.value) for e in opened.dataset] == [(e.tag, e.value) for e in explicit]
    if name == "tdr":
        assert opened.dataset[0x40101075].value == 1.0
        assert dicos.read_tdr(tmp_path / "implicit.dcs").image_scale == 1.0


def test_big_endian_pixels_come_in_the_order_of_this_machine(tmp_path: Path) -> None:
    image = make.dx()
    dataset = dicos.dx_dataset(image)
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    dataset.PixelData = image.pixels.astype(">u2").tobytes()
    assert np.array_equal(dicos.pixels_of(dataset), image.pixels)


def test_run_length_encoded_pixels_are_read(tmp_path: Path) -> None:
    image = make.dx()
    dicos.write_dx(tmp_path / "dx.dcs", image)
    file = pydicom.dcmread(tmp_path / "dx.dcs")
    file.compress(RLELossless, generate_instance_uid=False)
    file.save_as(tmp_path / "rle.dcs")
    assert np.array_equal(dicos.read_dx(tmp_path / "rle.dcs").pixels, image.pixels)


def test_a_file_of_an_older_version_is_read_and_a_later_one_is_named(tmp_path: Path) -> None:
    for version, kinds in (("V02", set()), ("V02A", set()), ("V04", {"version", "term"})):
        dataset = dicos.dx_dataset(make.dx())
        dataset[0x4010103A].value = version
        dicos.write_dataset(tmp_path / "dx.dcs", dataset)
        assert kinds_of_issue(tmp_path / "dx.dcs") == kinds


def test_a_file_without_preamble_is_read_and_told(tmp_path: Path) -> None:
    dicos.write_dx(tmp_path / "dx.dcs", make.dx())
    (tmp_path / "bare.dcs").write_bytes((tmp_path / "dx.dcs").read_bytes()[132:])
    opened = dicos.open_dicos(tmp_path / "bare.dcs")
    assert (opened.kind, [i.where for i in opened.issues]) == ("dx", ["preamble"])


def test_a_wrong_vr_is_named(tmp_path: Path) -> None:
    dataset = dicos.tdr_dataset(make.tdr())
    del dataset[0x40101075]
    dataset.add_new(0x40101075, "DS", "1.5")
    dicos.write_dataset(tmp_path / "tdr.dcs", dataset)
    issues = dicos.open_dicos(tmp_path / "tdr.dcs").issues
    assert [(i.kind, i.where) for i in issues] == [("vr", "(4010,1075)")]
    assert dicos.read_tdr(tmp_path / "tdr.dcs").image_scale == 1.5


def test_files_with_the_tags_of_dicos_go_are_recognised_and_named(tmp_path: Path) -> None:
    dataset = dicos.tdr_dataset(make.tdr())
    inner = pydicom.Dataset()
    inner.add_new(0x40101017, "FL", 0.9)  # its probability, DICOS' mass
    for tag in (0x40101011, 0x40101031, 0x40101042):
        del dataset[tag]
    dataset.add_new(0x4010100A, "CS", "ALARM")
    dataset.add_new(0x40101010, "SQ", [inner])
    dataset.add_new(0x40101012, "CS", "BAGGAGE")
    dicos.write_dataset(tmp_path / "tdr.dcs", dataset)
    issues = dicos.open_dicos(tmp_path / "tdr.dcs").issues
    assert "foreign" in {issue.kind for issue in issues}
    with pytest.raises(BadFile, match=r"dicos\.go"):
        dicos.read_tdr(tmp_path / "tdr.dcs")


def test_an_unregistered_class_of_image_is_named(tmp_path: Path) -> None:
    dataset = dicos.dx_dataset(make.dx())
    dataset.SOPClassUID = dictionary.FOREIGN_DX
    dicos.write_dataset(tmp_path / "dx.dcs", dataset)
    with pytest.raises(BadFile, match="registered nowhere"):
        dicos.read_dx(tmp_path / "dx.dcs")


@pytest.mark.real
@pytest.mark.parametrize("name", sorted(FIXTURES))
def test_files_of_another_implementation_are_read_without_loss(name: str, foreign: Path, tmp_path: Path) -> None:
    path = foreign / name
    assert hashlib.sha256(path.read_bytes()).hexdigest().startswith(FIXTURES[name])
    opened = dicos.open_dicos(path)
    told = {(issue.kind, issue.where) for issue in opened.issues if issue.kind != "uid"}
    contradicts = {("value", "(4010,1031)")}  # CLEAR, with an object flagged THREAT
    assert told == (contradicts if "SimpleBaggageTDR" in name else set())
    before = [(e.tag, e.VR, e.value) for e in opened.dataset if e.tag != 0x7FE00010]
    if opened.kind == "dx":
        pytest.importorskip("gdcm", reason="JPEG-lossless pixels need python-gdcm, extra dicos")
        pixels = dicos.read_dx(path).pixels
        assert pixels.shape == (128, 256)
        assert np.array_equal(pixels, pydicom_pixels(path))
        opened.dataset.PixelData = pixels.astype("<u2").tobytes()
    dicos.write_dataset(tmp_path / name, opened.dataset)
    again = dicos.open_dicos(tmp_path / name).dataset
    assert [(e.tag, e.VR, e.value) for e in again if e.tag != 0x7FE00010] == before
    if opened.kind == "dx":
        assert np.array_equal(dicos.read_dx(tmp_path / name).pixels, pixels)


@pytest.mark.real
def test_encoded_pixels_stay_encoded_when_a_file_is_written_again(foreign: Path, tmp_path: Path) -> None:
    pytest.importorskip("gdcm", reason="JPEG-lossless pixels need python-gdcm, extra dicos")
    source = foreign / "python_DXFiles_SimplePresentationDX.dcs"
    dicos.write_dataset(tmp_path / "again.dcs", dicos.open_dicos(source).dataset)
    assert (tmp_path / "again.dcs").stat().st_size < 12000
    assert np.array_equal(dicos.read_dx(tmp_path / "again.dcs").pixels, dicos.read_dx(source).pixels)


@pytest.mark.real
def test_a_palette_is_read_as_the_colours_it_stands_for(foreign: Path) -> None:
    pytest.importorskip("gdcm", reason="JPEG-lossless pixels need python-gdcm, extra dicos")
    shown = read_image(foreign / "python_DXFiles_SimpleColorPaletteDX.dcs")
    assert (shown.shape, shown.dtype) == ((128, 256, 3), np.uint8)
    assert len(np.unique(shown.reshape(-1, 3), axis=0)) > 100


@pytest.mark.parametrize(("photometric", "turned"), [("MONOCHROME1", True), ("MONOCHROME2", False)])
def test_an_image_file_of_dicos_is_shown_bright_where_nothing_was_in_the_way(
    photometric: str, turned: bool, tmp_path: Path
) -> None:
    image = make.dx(dtype=np.uint8, photometric=photometric)
    dicos.write_dx(tmp_path / "dx.dcs", image)
    meant = 255 - image.pixels if turned else image.pixels
    assert np.array_equal(read_image(tmp_path / "dx.dcs")[..., 0], meant)


def pydicom_pixels(path: Path) -> np.ndarray:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pydicom.dcmread(path).pixel_array


@pytest.mark.real
def test_what_the_foreign_reports_say_is_read(foreign: Path) -> None:
    two = dicos.read_tdr(foreign / "python_TDRFiles_MultiplePTOsTDR.dcs")
    assert [one.number for one in two.objects] == [2002, 9001]
    assert two.objects[0].sightings[0].region.extents == (22, 33, 444)
    assert (two.objects[1].mass_g, two.objects[1].density_g_cm3) == (50, 7000)
    assert two.algorithm == ("Alchemy", "0.999", "-random=true", "-magic=true")
    bag = dicos.read_tdr(foreign / "python_TDRFiles_SimpleBaggageTDR.dcs").objects[0].sightings[0].region
    assert bag.mask is not None and bag.mask.shape == (100, 50, 50)
    ct = dicos.read_tdr(foreign / "python_CTwithTDR_TDR.dcs").objects[0].assessments[0]
    assert (ct.category, ct.flag, ct.description) == ("PI", "THREAT", "Weapon")
    assert ct.probability == pytest.approx(0.98)
    cargo = dicos.read_dx(foreign / "python_DXFiles_SimpleColorPaletteDX.dcs")
    assert (cargo.inspection.ooi_type, cargo.photometric) == ("CARGO", "PALETTE COLOR")


def test_compressed_pixels_without_their_extra_say_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dicos.write_dx(tmp_path / "dx.dcs", make.dx())
    dataset = dicos.open_dicos(tmp_path / "dx.dcs").dataset
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.70"
    monkeypatch.setitem(sys.modules, "gdcm", None)
    with pytest.raises(MissingExtra, match=r"xraybench\[dicos\]"):
        dicos.pixels_of(dataset)


# ---- references between files


def test_references_between_sound_files_are_sound(tmp_path: Path) -> None:
    image = make.dx(inspection=make.inspection(ooi_type="BAGGAGE"))
    first, second = make.tdr(images=(image,)).objects
    report = make.tdr(images=(image,), objects=(replace(first, sightings=second.sightings), second))
    objects = {"dx": dicos.dx_dataset(image), "tdr": dicos.tdr_dataset(report)}
    assert dicos.link_issues(objects) == []


def test_references_that_lead_nowhere_or_astray_are_named() -> None:
    image = make.dx()
    report = make.tdr(images=(image,))
    other = make.dx(inspection=make.inspection(scan_uid="1.2.3"))
    small = make.dx(6, 8, instance_uid=dicos.reference_to(image).instance_uid)
    told = {
        "leaves the image": {"dx": dicos.dx_dataset(small), "tdr": dicos.tdr_dataset(report)},
        "stands 2 times": {"a": dicos.dx_dataset(image), "b": dicos.dx_dataset(image)},
        "not among the files": {"tdr": dicos.tdr_dataset(report)},
    }
    other_uid = replace(report, inspection=other.inspection)
    told["of another scan than the report"] = {"dx": dicos.dx_dataset(image), "tdr": dicos.tdr_dataset(other_uid)}
    for text, objects in told.items():
        assert any(text in str(issue) for issue in dicos.link_issues(objects)), text


def test_a_category_beside_the_declared_task_is_named(tmp_path: Path) -> None:
    dicos.write_tdr(tmp_path / "tdr.dcs", make.tdr(marks={"task": "baggage-explosive-any-x-v1"}))
    assert [i.text for i in dicos.read_tdr(tmp_path / "tdr.dcs").issues] == [
        "PI; task baggage-explosive-any-x-v1 looks for EXPLOSIVE"
    ]


def test_a_percent_is_no_probability() -> None:
    first, second = make.tdr().objects
    wrong = replace(first, assessments=(Assessment("PI", "THREAT", probability=87.5),))
    with pytest.raises(BadValue, match="percent"):
        dicos.tdr_dataset(make.tdr(objects=(wrong, second)))


# ---- files that mean harm


def test_a_header_that_claims_a_huge_image_is_refused_before_it_is_allocated(tmp_path: Path) -> None:
    for rows, columns, frames in ((65535, 65535, 1), (60000, 30000, 1), (65535, 65535, 999999)):
        dataset = dicos.dx_dataset(make.dx())
        dataset.Rows, dataset.Columns = rows, columns
        dataset.add_new(0x00280008, "IS", frames)
        dicos.write_dataset(tmp_path / "dx.dcs", dataset)
        start = time.perf_counter()
        with pytest.raises(BadFile, match=r"at most|holds 1920"):
            dicos.read_dx(tmp_path / "dx.dcs")
        assert time.perf_counter() - start < 5.0


def test_an_element_that_claims_four_gigabytes_is_named_and_not_allocated(tmp_path: Path) -> None:
    dicos.write_dx(tmp_path / "dx.dcs", make.dx())
    content = (tmp_path / "dx.dcs").read_bytes()
    at = content.rindex(b"\xe0\x7f\x10\x00OW")
    (tmp_path / "dx.dcs").write_bytes(content[: at + 8] + struct.pack("<I", 0xFFFFFFF0) + content[at + 12 :])
    start = time.perf_counter()
    found = dicos.read_dx(tmp_path / "dx.dcs")
    assert time.perf_counter() - start < 5.0
    assert [(i.kind, i.where) for i in found.issues] == [("encoding", "(7FE0,0010)")]
    assert np.array_equal(found.pixels, make.dx().pixels)


def test_a_deflated_file_is_refused_before_it_inflates(tmp_path: Path) -> None:
    dicos.write_dx(tmp_path / "dx.dcs", make.dx(100, 100))
    file = pydicom.dcmread(tmp_path / "dx.dcs")
    file.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    file.save_as(tmp_path / "deflated.dcs")
    with pytest.raises(BadFile, match="deflated"):
        dicos.open_dicos(tmp_path / "deflated.dcs")


def test_pixels_packed_tighter_than_any_codec_are_refused(tmp_path: Path) -> None:
    dicos.write_dx(tmp_path / "dx.dcs", make.dx())
    file = pydicom.dcmread(tmp_path / "dx.dcs")
    file.compress(RLELossless, generate_instance_uid=False)
    file.Rows, file.Columns = 40000, 40000
    file.save_as(tmp_path / "bomb.dcs")
    with pytest.raises(BadFile, match="no codec packs so tightly"):
        dicos.read_dx(tmp_path / "bomb.dcs")


def test_sequences_nested_beyond_measure_are_refused(tmp_path: Path) -> None:
    dicos.write_dx(tmp_path / "dx.dcs", make.dx())
    content = (tmp_path / "dx.dcs").read_bytes()
    at = content.index(b"\x28\x00\x02\x00US")
    nest = struct.pack("<HH2sHI", 0x0008, 0x1110, b"SQ", 0, 0xFFFFFFFF) + struct.pack(
        "<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF
    )
    (tmp_path / "nest.dcs").write_bytes(content[:at] + nest * 20000)
    with pytest.raises(BadFile):
        dicos.read_dx(tmp_path / "nest.dcs")


@pytest.mark.parametrize("content", [b"", b"x", b"\0" * 300, b"DICM" * 50, b"\xff" * 4000, b"<html>" * 99])
def test_what_is_no_dicom_file_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.dcs").write_bytes(content)
    with pytest.raises(BadFile, match=r"x\.dcs"):
        dicos.read_dx(tmp_path / "x.dcs")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="no such file"):
        dicos.open_dicos(tmp_path / "none.dcs")


@pytest.mark.parametrize("name", ["dx", "ct", "tdr", "tdr_truth"])
def test_mutated_files_are_read_or_refused_and_nothing_else_happens(name: str, tmp_path: Path) -> None:
    content = make.write_all(tmp_path)[name].read_bytes()
    read = {"dx": dicos.read_dx, "ct": dicos.read_ct, "tdr": dicos.read_tdr}[name.partition("_")[0]]
    rng = np.random.default_rng(list(name.encode()))
    path = tmp_path / "mutated.dcs"
    n_refused = 0
    slowest = 0.0
    for _ in range(200):
        path.write_bytes(dicos_mutate.mutated(content, rng))
        start = time.perf_counter()
        try:
            found = read(path)
            assert all(isinstance(str(issue), str) for issue in found.issues)
        except (BadFile, MissingExtra):
            n_refused += 1
        slowest = max(slowest, time.perf_counter() - start)
    assert 10 < n_refused < 200
    assert slowest < 5.0


@pytest.mark.real
def test_mutated_jpeg_lossless_files_are_read_or_refused(foreign: Path, tmp_path: Path) -> None:
    """In a process of its own, because the decoder is not ours and might crash."""
    pytest.importorskip("gdcm", reason="JPEG-lossless pixels need python-gdcm, extra dicos")
    import subprocess

    run = subprocess.run(
        [
            sys.executable,
            dicos_mutate.__file__,
            str(foreign / "python_DXFiles_SimplePresentationDX.dcs"),
            str(tmp_path / "m.dcs"),
        ],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-2000:]


def test_regions_and_reports_of_a_mutated_bitmap_do_not_raise(tmp_path: Path) -> None:
    dataset = dicos.tdr_dataset(make.tdr())
    voxels = dataset[0x40101011].value[0][0x40101037].value[0][0x40101001].value[0]
    voxels[0x40101005].value = [5.0, float("nan"), 2.0]
    dicos.write_dataset(tmp_path / "tdr.dcs", dataset)
    report = dicos.read_tdr(tmp_path / "tdr.dcs")
    assert report.objects[0].sightings[0].region.mask is None
    assert any("bitmap" in issue.text for issue in report.issues)


def test_a_region_that_leaves_its_image_gives_no_mask() -> None:
    with pytest.raises(BadValue, match="leaves the image"):
        dicos.mask_of_region(Region((5, 5, 0), (10, 10, 1)), 12, 12)
