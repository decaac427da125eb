"""Sidecars of both kinds are read by a map that the owner can edit; people stay out unless asked for."""

from pathlib import Path

import pytest
from sidecars import dataform, manifest

from xraybench.core.errors import BadFile, BadTable
from xraybench.formats.sidecar import FIELDS_FILE, read_fields, read_sidecar


def saved(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("with_namespace", [True, False])
def test_a_dataform_is_read_in_any_namespace_and_encoding(tmp_path: Path, encoding: str, with_namespace: bool) -> None:
    path = saved(tmp_path / "a.xml", dataform(suspicion="tobacco", with_namespace=with_namespace), encoding)
    sidecar = read_sidecar(path)
    assert sidecar.kind == "dataform"
    assert sidecar.first("energy") == "6 MV"
    assert sidecar.first("suspicion") == "tobacco"
    assert sidecar.first("declared_empty") == "false"
    assert sidecar.first("driver") == ""


def test_personal_texts_are_withheld_and_counted_unless_asked_for(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.xml", dataform())
    assert read_sidecar(path).n_withheld == 7
    assert not {"plate", "driver", "container", "login"} & set(read_sidecar(path).values)
    asked = read_sidecar(path, with_personal=True)
    assert asked.n_withheld == 0
    assert asked.first("container") == "XXXU0000000"


def test_what_no_line_of_the_map_names_is_told(tmp_path: Path) -> None:
    told = read_sidecar(saved(tmp_path / "a.xml", dataform())).unmapped
    assert told == ("AdminData/Vehicle/Trailers/Trailer/Containers/Container/TopLeft/Point3D/X",)


def test_a_manifest_gives_the_verdict_and_what_the_search_found(tmp_path: Path) -> None:
    sidecar = read_sidecar(saved(tmp_path / "a.xml", manifest(found="true")), with_personal=True)
    assert (sidecar.kind, sidecar.first("verdict"), sidecar.first("search_found")) == ("manifest", "true", "true")
    assert sidecar.first("container") == "XXXU0000000"
    assert "attributes/attribute" in sidecar.unmapped  # the colour


def test_the_map_is_a_file_that_the_owner_edits(tmp_path: Path) -> None:
    lines = FIELDS_FILE.read_text(encoding="utf-8")
    mine = saved(tmp_path / "map.csv", lines + "manifest,paint,attributes/attribute[@name=colour],no,\n")
    path = saved(tmp_path / "a.xml", manifest())
    assert read_sidecar(path, fields=read_fields(mine)).first("paint") == "red"
    named = saved(tmp_path / "n.csv", "kind,field,path,personal,note\nmanifest,what,attributes/attribute@name,no,\n")
    assert read_sidecar(path, fields=read_fields(named)).values == {"what": ("container", "colour")}


def test_all_faults_of_a_map_are_told_at_once(tmp_path: Path) -> None:
    text = "kind,field,path,personal,note\nmanifests,Field,a//b,maybe,\n"
    with pytest.raises(BadTable) as caught:
        read_fields(saved(tmp_path / "map.csv", text))
    assert len(caught.value.faults) == 4
    with pytest.raises(BadTable, match="row 1: the columns are kind,field,path,personal,note"):
        read_fields(saved(tmp_path / "map.csv", "a,b\n"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "declares entities or a document type"),
        ('<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "declares entities or a document type"),
        ('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', "declares entities or a document type"),
        ("<a><b></a>", "not XML, or truncated"),
        ("", "not XML, or truncated"),
        ('<?xml version="1.0" encoding="klingon"?><a/>', "XML"),
        ("<a>" + "<b>" * 200 + "</b>" * 200 + "</a>", "more than 100 levels"),
    ],
)
def test_what_could_hurt_is_refused_in_a_sentence(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(BadFile, match=told):
        read_sidecar(saved(tmp_path / "a.xml", text))
