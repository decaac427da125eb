"""The exchange package gives back what went in, refuses what could hurt, and is never called UFF."""

import dataclasses
import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from packages import exchange

from xraybench.core.errors import BadFile, BadTable, BadValue
from xraybench.formats import uff
from xraybench.formats.package import NOTICE, read_package, write_package


def written(folder: Path, **options: Any) -> Path:
    path = folder / "a.xrb"
    write_package(path, exchange(), **options)
    return path


def repacked(path: Path, changes: dict[str, bytes | None], *, infos: list[zipfile.ZipInfo] | None = None) -> Path:
    """The package with members replaced, added or left out."""
    with zipfile.ZipFile(path) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    members |= {name: body for name, body in changes.items() if body is not None}
    for name, body in changes.items():
        if body is None:
            members.pop(name)
    out = path.with_name("changed.xrb")
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members.items():
            archive.writestr(name, body)
        for info in infos or []:
            archive.writestr(info, b"../../elsewhere")
    return out


@pytest.mark.parametrize("compress", [True, False])
def test_a_package_gives_back_every_count_and_equal_contents_give_equal_bytes(tmp_path: Path, compress: bool) -> None:
    sent = exchange()
    path = written(tmp_path, compress=compress)
    got = read_package(path)
    assert set(got.planes) == set(sent.planes)
    for name, counts in sent.planes.items():
        np.testing.assert_array_equal(got.planes[name], counts)
        assert got.planes[name].dtype == np.uint16
    assert got.attachments == sent.attachments
    assert (got.name, got.licence, got.use_terms, got.systems) == (
        sent.name,
        sent.licence,
        sent.use_terms,
        sent.systems,
    )
    assert [scan.regions for scan in got.scans] == [scan.regions for scan in sent.scans]
    first = path.read_bytes()
    write_package(path, dataclasses.replace(sent, planes=dict(reversed(sent.planes.items()))), compress=compress)
    assert path.read_bytes() == first
    write_package(path, got, compress=compress)
    assert path.read_bytes() == first


def test_every_member_is_named_with_its_sha256_and_the_notice_says_what_it_is_not(tmp_path: Path) -> None:
    with zipfile.ZipFile(written(tmp_path)) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        plane = manifest["scans"][0]["views"][0]["planes"][0]
        assert plane["sha256"] == hashlib.sha256(archive.read(plane["member"])).hexdigest()
        assert archive.infolist()[0].filename == "manifest.json"
    assert manifest["notice"] == NOTICE
    assert "not UFF" in NOTICE


def test_a_package_is_never_written_under_the_name_of_uff(tmp_path: Path) -> None:
    for name in ("a.uff", "a.UFF", "a.zip"):
        with pytest.raises(BadValue, match=r"a package ends in \.xrb"):
            write_package(tmp_path / name, exchange())
    assert list(tmp_path.iterdir()) == []


def test_all_faults_of_what_is_to_be_written_are_told(tmp_path: Path) -> None:
    wrong = exchange()
    planes = {**wrong.planes, "planes/extra.u16": np.zeros((3, 3), np.uint16)}
    planes["planes/scan0_hi.u16"] = np.zeros((3, 3), np.uint8)  # type: ignore[assignment]
    del planes["planes/scan1_lo.u16"]
    with pytest.raises(BadValue) as caught:
        write_package(tmp_path / "a.xrb", dataclasses.replace(wrong, planes=planes))
    for told in ("scan1_lo.u16 is named and not given", "extra.u16 is given and not named", "uint8 of shape (3, 3)"):
        assert told in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name", ["../evil.u16", "/etc/evil", "planes/../../evil.u16", "planes\\..\\evil.u16", "C:/evil", "readme.txt"]
)
def test_a_member_that_leads_elsewhere_is_refused_by_its_name(tmp_path: Path, name: str) -> None:
    path = repacked(written(tmp_path), {name: b"x"})
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(BadTable, match="is none that a package holds"):
        read_package(path)
    assert sorted(tmp_path.rglob("*")) == before


def test_links_twins_and_encrypted_members_are_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("planes/link.u16")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    with pytest.raises(BadTable, match="is a link or no plain file"):
        read_package(repacked(written(tmp_path), {}, infos=[link]))
    twin = zipfile.ZipInfo("planes/scan0_hi.u16")
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = repacked(written(tmp_path), {}, infos=[twin])
    with pytest.raises(BadTable, match="stands 2 times"):
        read_package(path)
    content = bytearray(written(tmp_path).read_bytes())
    at = content.rindex(b"PK\x01\x02")
    content[at + 8] |= 1
    (tmp_path / "locked.xrb").write_bytes(content)
    with pytest.raises(BadTable, match="is encrypted"):
        read_package(tmp_path / "locked.xrb")


def test_a_bomb_and_a_header_of_huge_size_are_refused_before_they_are_unpacked(tmp_path: Path) -> None:
    bomb = repacked(written(tmp_path), {"planes/scan0_hi.u16": bytes(40_000_000)})
    with pytest.raises((BadTable, BadFile), match=r"the member has 40000000 bytes|claims 40000000 bytes"):
        read_package(bomb)
    with pytest.raises(BadFile, match="at most 1000 are read"):
        read_package(written(tmp_path), most_bytes=1000)
    with zipfile.ZipFile(written(tmp_path)) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    manifest["scans"][0]["views"][0]["planes"][0] |= {"width": 2_000_000, "height": 2_000_000}
    with pytest.raises(BadTable, match="2000000 x 2000000 pixels, the member has 384 bytes"):
        read_package(repacked(written(tmp_path), {"manifest.json": json.dumps(manifest).encode()}))


def test_changed_lost_and_foreign_members_are_told(tmp_path: Path) -> None:
    with pytest.raises(BadTable, match="scan s0, view 0, plane hi: other bytes than those whose sha256"):
        read_package(repacked(written(tmp_path), {"planes/scan0_hi.u16": bytes(384)}))
    with pytest.raises(BadTable, match=r"scan s1, view 0, plane lo: member 'planes/scan1_lo.u16' is not there"):
        read_package(repacked(written(tmp_path), {"planes/scan1_lo.u16": None}))
    with pytest.raises(BadTable, match=r"member planes/more.u16 is there and not named"):
        read_package(repacked(written(tmp_path), {"planes/more.u16": b"12"}))
    with pytest.raises(BadFile, match=r"holds no manifest.json"):
        read_package(repacked(written(tmp_path), {"manifest.json": None}))
    with pytest.raises(BadTable, match=r"manifest.json: .* fault"):
        read_package(repacked(written(tmp_path), {"manifest.json": b'{"name": 3}'}))


def test_a_uff_file_without_a_decoder_is_answered_with_where_to_get_one(tmp_path: Path) -> None:
    (tmp_path / "a.uff").write_bytes(b"\x01\x02\x03 whatever it is")
    assert uff.looks_like_uff(tmp_path / "a.uff")
    with pytest.raises(BadFile, match=r"needs a decoder from your scanner's maker or the WCO.*xraybench\.uff_decoders"):
        uff.read_uff(tmp_path / "a.uff")


def test_the_universal_file_format_of_vibration_tests_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "a.uff").write_bytes(b"    -1\n   151\n")
    with pytest.raises(BadFile, match="vibration tests"):
        uff.read_uff(tmp_path / "a.uff")


class Point:
    """An entry point as an installed package would offer it."""

    def __init__(self, name: str, decode: Any) -> None:
        self.name, self._decode, self.dist = name, decode, None

    def load(self) -> Any:
        if isinstance(self._decode, Exception):
            raise self._decode
        return self._decode


def test_an_installed_decoder_is_asked_and_may_decline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.uff"
    path.write_bytes(b"whatever it is")
    found = [Point("b_maker", lambda path: exchange()), Point("a_other", lambda path: None)]
    monkeypatch.setattr(uff, "entry_points", lambda group: found if group == "xraybench.uff_decoders" else [])
    assert uff.read_uff(path).name == "made up"
    found.pop(0)
    with pytest.raises(BadFile, match=r"none of the installed decoders \(a_other\) knows this file"):
        uff.read_uff(path)
    found.append(Point("c_broken", ImportError("no such library")))
    with pytest.raises(BadValue, match="'c_broken' of an installed package cannot be loaded: no such library"):
        uff.read_uff(path)

    def fails(path: Path) -> None:
        raise KeyError("layer 7")

    found[:] = [Point("d_failing", fails)]
    with pytest.raises(BadFile, match=r"the decoder 'd_failing' failed \(KeyError: 'layer 7'\)"):
        uff.read_uff(path)


def test_the_mapping_table_lists_every_field_once_and_claims_nothing() -> None:
    rows = uff.mapping()
    fields = [(kind.__name__, name) for kind in uff.ENTITIES for name in kind.model_fields]
    assert [(row.entity, row.field) for row in rows] == fields
    assert {row.uff_element for row in rows} == {"unknown"}
    assert {row.status for row in rows} == {"unknown"}
    assert all(row.meaning and row.public_subject and row.source for row in rows)


def test_a_completed_mapping_table_is_checked(tmp_path: Path) -> None:
    lines = uff.MAPPING_FILE.read_text(encoding="utf-8").splitlines()
    lines[1] = lines[1].replace("unknown,unknown", "AnElement,confirmed")
    (tmp_path / "map.csv").write_text("\n".join(lines), encoding="utf-8")
    assert uff.mapping(tmp_path / "map.csv")[0].uff_element == "AnElement"
    (tmp_path / "map.csv").write_text("\n".join([*lines[:-1], "A,b,c,d,e,f,sure"]), encoding="utf-8")
    with pytest.raises(BadTable) as caught:
        uff.mapping(tmp_path / "map.csv")
    assert len(caught.value.faults) == 3
