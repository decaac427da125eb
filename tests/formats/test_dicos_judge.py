"""An independent toolkit reads what we write, and refuses what our validator refuses."""

from __future__ import annotations

import hashlib
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import dicos_judge as judge
import dicos_objects as make
import numpy as np
import pydicom
import pytest

from xraybench.core.errors import BadFile
from xraybench.formats import dicos
from xraybench.formats.dicos import tables

pytestmark = pytest.mark.skipif(
    not judge.is_here(), reason="no pydicos: its wheels are for Linux on x86-64 and Python before 3.12, extra dev"
)

# What the judge lets pass and we refuse, or the other way round: object, attribute -> why.
DISAGREEMENTS = {
    ("dx_presentation", "(0028,1051)", "deleted"): "a window centre without a width shows nothing; the judge takes it",
}
# Both refuse, the judge by crashing: it is run in a process of its own for that.
CRASHES = {("ct", "(5200,9230) > (0020,9113)", "deleted"), ("ct", "(5200,9229)", "emptied")}


def digest(pixels: np.ndarray) -> dict[str, Any]:
    flat = np.ascontiguousarray(pixels, dtype="<u2")
    return {"shape": list(flat.shape), "sha256": hashlib.sha256(flat.tobytes()).hexdigest()}


def verdict(path: Path, kind: str) -> dict[str, Any]:
    return judge.verdicts([path], [kind])[0]


@pytest.mark.parametrize(
    "changes", [{}, {"height": 1200, "width": 5000}, {"window": (3e4, 6e4)}, {"photometric": "MONOCHROME1"}]
)
def test_the_judge_reads_the_pixels_of_an_image_as_they_were(changes: dict[str, Any], tmp_path: Path) -> None:
    image = make.dx(**changes)
    dicos.write_dx(tmp_path / "dx.dcs", image)
    found = verdict(tmp_path / "dx.dcs", "dx")
    assert (found["accepted"], found["log"], found["pixels"]) == (True, "", digest(image.pixels))


def test_the_judge_reads_every_view_and_energy_of_a_scan(tmp_path: Path) -> None:
    images = [
        make.dx(
            seed=n, view=1 + n // 2, n_views=2, energy=1 + n % 2, n_energies=2, flavour=(dicos.HIGH, dicos.LOW)[n % 2]
        )
        for n in range(4)
    ]
    paths = [tmp_path / f"{n}.dcs" for n in range(4)]
    for path, image in zip(paths, images, strict=True):
        dicos.write_dx(path, image)
    found = judge.verdicts(paths, ["dx"] * 4)
    assert [(one["accepted"], one["log"], one["pixels"]) for one in found] == [
        (True, "", digest(image.pixels)) for image in images
    ]


def test_the_judge_reads_the_voxels_of_a_volume_as_they_were(tmp_path: Path) -> None:
    volume = make.ct()
    dicos.write_ct(tmp_path / "ct.dcs", volume)
    found = verdict(tmp_path / "ct.dcs", "ct")
    assert (found["accepted"], found["log"], found["pixels"]) == (True, "", digest(volume.voxels))


@pytest.mark.parametrize("report_type", ["MACHINE", "GROUND TRUTH"])
@pytest.mark.parametrize("on_ct", [False, True])
def test_the_judge_reads_base_extents_bitmap_polygon_and_probability(
    report_type: str, on_ct: bool, tmp_path: Path
) -> None:
    bag = make.inspection(ooi_type="BAGGAGE")
    image = make.ct(inspection=bag) if on_ct else make.dx(inspection=bag)
    dicos.write_tdr(tmp_path / "tdr.dcs", make.tdr(images=(image,), report_type=report_type))
    found = verdict(tmp_path / "tdr.dcs", "tdr")
    assert (found["accepted"], found["log"], found["total_ms"]) == (True, "", 123.5)
    first, second = found["threats"]
    bits = [[int(x), int(y), int(z)] for z, y, x in np.argwhere(make.mask())]
    assert (first["base"], first["extents"], first["bits"]) == ([3, 4, 0], [5, 3, 2], bits)
    assert first["polygon"] == [[3, 4, 0], [8, 4, 0], [8, 7, 1]]
    assert (first["probability"], first["description"]) == (0.875, "firearm")
    assert (first["flag"], first["category"]) == (
        "ASSESSMENT_FLAG.enumHighThreat",
        "THREAT_CATEGORY.enumProhibitedItem",
    )
    assert (second["base"], second["extents"], second["bits"]) == ([10, 2, 0], [10, 10, 1], None)
    assert second["probability"] == 0.25


def test_the_geometry_of_cargo_is_judged_on_a_twin_declared_baggage(tmp_path: Path) -> None:
    """The judge accepts a report on cargo and reads its regions as zeros: so an equal one on a bag is put to it."""
    reports = {
        kind: make.tdr(images=(make.dx(inspection=make.inspection(ooi_type=kind)),)) for kind in ("CARGO", "BAGGAGE")
    }
    paths = [tmp_path / f"{kind}.dcs" for kind in reports]
    for path, report in zip(paths, reports.values(), strict=True):
        dicos.write_tdr(path, report)
    cargo, bag = judge.verdicts(paths, ["tdr", "tdr"])
    assert cargo["accepted"] and bag["accepted"] and bag["threats"][0]["base"] == [3, 4, 0]
    left, right = (dicos.open_dicos(path).dataset for path in paths)
    assert [element.tag for element in left if element != right.get(element.tag)] == [0x40101042]


def test_the_private_block_does_not_disturb_the_judge(tmp_path: Path) -> None:
    marks = {"concealment": "in_load", "vector": "container", "vessel": "MS Example", "split": "test"}
    image = make.dx(marks=marks)
    dicos.write_dx(tmp_path / "dx.dcs", image)
    first, second = make.tdr().objects
    dicos.write_tdr(tmp_path / "tdr.dcs", make.tdr(objects=(replace(first, marks=marks), second), marks=marks))
    found = judge.verdicts([tmp_path / "dx.dcs", tmp_path / "tdr.dcs"], ["dx", "tdr"])
    assert [one["accepted"] for one in found] == [True, True]
    assert found[0]["pixels"] == digest(image.pixels)
    assert found[1]["threats"][0]["base"] == [3, 4, 0]


@pytest.mark.parametrize("emptied", [False, True], ids=["deleted", "emptied"])
def test_validator_and_judge_agree_attribute_by_attribute(emptied: bool, tmp_path: Path) -> None:
    how = "emptied" if emptied else "deleted"
    work: list[tuple[str, str, Path]] = []
    for name, path in make.write_all(tmp_path / "whole").items():
        dataset, kind = dicos.open_dicos(path).dataset, name.partition("_")[0]
        for place in make.places(dataset, tables.OBJECTS[kind]):
            if place[-1][0] in (0x00080016, 0x00080018):
                continue  # the file's own head is made of these two
            changed = tmp_path / f"{len(work)}.dcs"
            dicos.write_dataset(changed, make.without(dataset, place, emptied=emptied))
            work.append((name, make.label(place), changed))
    assert len(work) > 400
    found = judge.verdicts([path for _, _, path in work], [name.partition("_")[0] for name, _, _ in work])
    ours = [bool(dicos.refused(dicos.open_dicos(path).issues)) for _, _, path in work]
    differ = {
        (name, label, how)
        for (name, label, _), one, refused in zip(work, found, ours, strict=True)
        if one["accepted"] == refused
    }
    assert differ == {key for key in DISAGREEMENTS if key[2] == how}
    crashed = {(name, label, how) for (name, label, _), one in zip(work, found, strict=True) if one["crashed"]}
    assert crashed == {key for key in CRASHES if key[2] == how}


# Every attribute that the toolkit was found to require (research/formats.md 1.3); our tables must hold each.
REQUIRED = {
    "every": """0008,0012 0008,0013 0008,0016 0008,0018 0008,0020 0008,0021 0008,0030 0008,0031 0008,0060 0008,0070
        0008,0080 0008,0081 0008,1010 0008,1090 0010,0020 0010,0021 0010,0022 0018,1000 0018,1020 0018,1200 0018,1201
        0020,000D 0020,000E 0020,0010 0020,0013 4010,103A 4010,1042 4010,1044 4010,1048""",
    "dx": """0008,0023 0008,0033 0008,0008 0008,0068 0008,0118 0008,2108 0018,0060 0018,7004 0018,8151 0018,9309
        0020,0032 0020,0037 0028,0002 0028,0004 0028,0010 0028,0011 0028,0100 0028,0101 0028,0102 0028,0103 0028,0301
        0028,1040 0028,1041 0028,1052 0028,1053 0028,1054 0028,2110 0040,0555 4010,1062 4300,0902 7FE0,0010""",
    "tdr": """0008,0023 0008,0033 0008,1110 0020,0052 0020,1040 4010,1011 4010,1024 4010,1027 4010,1029 4010,102B
        4010,1031 4010,1033 4010,1034 4010,1069 4010,106D 4010,1075 4010,1010 4010,1037 0008,114A 0008,1150 0008,1155
        4010,1001 4010,1004 4010,1005 4010,1006 4010,1038 4010,1012 4010,1014 4010,1015 4010,1080 4010,1081 4010,1082
        4010,1017 4010,1018""",
    "ct": """0008,0008 0008,0023 0008,0033 0008,002A 0008,0118 0008,2108 0008,9205 0008,9206 0008,9207 0018,9073
        0020,0052 0020,1040 0028,0002 0028,0004 0028,0008 0028,0010 0028,0011 0028,0100 0028,0101 0028,0102 0028,0103
        0028,0301 0040,0555 2050,0020 5200,9229 0020,9116 0020,0037 5200,9230 0020,9113 0020,0032 7FE0,0010 0018,9325
        0018,0060 0018,1160 0018,1190 0018,9329 0008,9007 0028,9110 0018,0050 0028,0030 0028,9145 0028,1052 0028,1053
        0028,1054""",
}


@pytest.mark.parametrize("kind", ["dx", "ct", "tdr"])
def test_the_attributes_of_the_research_are_all_in_the_tables(kind: str) -> None:
    def tags(attributes: Any) -> set[str]:
        return {a.label[1:-1] for a in attributes}.union(*(tags(a.items) for a in attributes), set())

    assert set((REQUIRED["every"] + " " + REQUIRED[kind]).split()) - tags(tables.OBJECTS[kind]) == set()


@pytest.mark.parametrize("tag", [0x00020004, 0x00080016, 0x00080018])
@pytest.mark.parametrize("kind", ["dx", "ct", "tdr"])
def test_both_refuse_a_file_without_the_heads_own_attributes(kind: str, tag: int, tmp_path: Path) -> None:
    path = make.write_all(tmp_path)[kind]
    file = pydicom.dcmread(path)
    del (file.file_meta if tag >> 16 == 2 else file)[tag]
    file.save_as(path)
    found = verdict(path, kind)  # of a volume or report without the version it says that, and reads on
    assert not found["accepted"] or "Missing required attribute meta info" in found["log"]
    opened = dicos.open_dicos(path)
    assert opened.kind == "" or dicos.refused(opened.issues)


def _set(dataset: Any, value: Any, *tags: int) -> None:
    for tag in tags[:-1]:
        dataset = dataset[tag].value[0]
    dataset[tags[-1]].value = value


THREATS, VIEWS, VOXELS = 0x40101011, 0x40101037, 0x40101001
# Values instead of absences: what both refuse, and what only we refuse or name.
VALUES: dict[str, tuple[str, Callable[[Any], None], bool, str]] = {
    # what is changed: object, change, whether the judge refuses it, kind of our finding
    "a slope of 2": ("dx", lambda d: _set(d, "2", 0x00281053), True, "count"),
    "more alarms than objects": ("tdr", lambda d: _set(d, 3, 0x40101034), True, "count"),
    "an image scale of 0": ("tdr", lambda d: _set(d, 0.0, 0x40101075), True, "count"),
    "a bitmap too short": ("tdr", lambda d: _set(d, b"\1\2", THREATS, VIEWS, VOXELS, 0x40101006), True, "size"),
    "a polygon of 4 numbers": ("tdr", lambda d: _set(d, [1.0, 2, 3, 4], THREATS, VIEWS, 0x4010101D), True, "size"),
    "a name too long": ("dx", lambda d: _set(d, "x" * 65, 0x00080070), True, "size"),
    "a station too long": ("tdr", lambda d: _set(d, "x" * 17, 0x00081010), True, "size"),
    "an abort without a reason": ("tdr_clear", lambda d: _set(d, "ABORT", 0x40101024), True, "missing"),
    "a later version": ("dx", lambda d: _set(d, "V04", 0x4010103A), True, "version"),
    "a probability of 1.5": ("tdr", lambda d: _set(d, 1.5, THREATS, 0x40101038, 0x40101016), False, "value"),
    "an unknown category": ("tdr", lambda d: _set(d, "GUN", THREATS, 0x40101038, 0x40101012), False, "term"),
    "an unknown decision": ("tdr", lambda d: _set(d, "NO_ALARM", 0x40101031), False, "term"),
    "too few objects told": ("tdr", lambda d: _set(d, 1, 0x40101033), False, "value"),
    "a number that stands twice": ("tdr", lambda d: _set(d, 2, THREATS, 0x40101010), False, "value"),
}


def test_values_that_the_judge_lets_pass_are_found_here(tmp_path: Path) -> None:
    whole = make.write_all(tmp_path / "whole")
    for what, (name, change, _, _) in VALUES.items():
        dataset = dicos.open_dicos(whole[name]).dataset
        change(dataset)
        dicos.write_dataset(tmp_path / f"{what}.dcs", dataset)
    paths = [tmp_path / f"{what}.dcs" for what in VALUES]
    found = judge.verdicts(paths, [name.partition("_")[0] for name, _, _, _ in VALUES.values()])
    for path, one, (what, (_, _, is_refused, kind)) in zip(paths, found, VALUES.items(), strict=True):
        issues = dicos.open_dicos(path).issues
        assert kind in {issue.kind for issue in issues}, what
        assert one["accepted"] == (not is_refused), what
        assert bool(dicos.refused(issues)) == is_refused, what


def test_a_flipped_byte_of_the_pixels_is_seen(tmp_path: Path) -> None:
    image = make.dx()
    dicos.write_dx(tmp_path / "dx.dcs", image)
    content = bytearray((tmp_path / "dx.dcs").read_bytes())
    content[-7] ^= 1
    (tmp_path / "dx.dcs").write_bytes(content)
    assert verdict(tmp_path / "dx.dcs", "dx")["pixels"] != digest(image.pixels)


@pytest.mark.parametrize("n_bytes", [200, 500, 1500])
def test_a_truncated_file_is_refused_by_both(n_bytes: int, tmp_path: Path) -> None:
    dicos.write_dx(tmp_path / "dx.dcs", make.dx())
    (tmp_path / "dx.dcs").write_bytes((tmp_path / "dx.dcs").read_bytes()[:n_bytes])
    assert not verdict(tmp_path / "dx.dcs", "dx")["accepted"]
    with pytest.raises(BadFile):
        dicos.read_dx(tmp_path / "dx.dcs")


def test_dcmdump_reads_every_writers_encoding(tmp_path: Path) -> None:
    dcmdump = shutil.which("dcmdump")
    if dcmdump is None:
        pytest.skip("no dcmdump: it is in Debian's dcmtk")
    for path in make.write_all(tmp_path).values():
        run = subprocess.run([dcmdump, "-q", str(path)], capture_output=True, text=True, timeout=30, check=False)
        assert run.returncode == 0, run.stderr
        assert run.stderr == ""


def test_files_were_put_to_the_judge(tmp_path: Path) -> None:
    assert sys.platform == "linux" and platform.machine() == "x86_64"
    dicos.write_dx(tmp_path / "dx.dcs", make.dx())
    assert verdict(tmp_path / "dx.dcs", "dx")["accepted"]
    assert judge.n_judged() > 0
