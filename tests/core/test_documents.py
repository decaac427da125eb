"""JSON documents: checked when read, atomic when written, schemas exported."""

import json
import math
from pathlib import Path

import jsonschema
import pytest

from xraybench.core import documents
from xraybench.core.documents import FederatedSite, ResultRow, read_document, write_bytes, write_document
from xraybench.core.errors import BadFile


def test_what_is_written_is_valid_to_the_exported_schema_an_undefined_number_too() -> None:
    row = ResultRow(
        metric="pd",
        value=math.nan,
        low=math.nan,
        high=math.nan,
        interval="x",
        n_items=0,
        n_threats=0,
        reason="no items",
    )
    written = json.loads(row.model_dump_json())
    schema = json.loads((documents.SCHEMA_FOLDER / "ResultFile.schema.json").read_text(encoding="utf-8"))
    judge = jsonschema.Draft202012Validator({**schema["$defs"]["ResultRow"], "$defs": schema["$defs"]})
    assert written["value"] is None
    assert list(judge.iter_errors(written)) == []
    assert list(judge.iter_errors({**written, "value": "0.5"})) != []


def test_the_exported_schemas_are_current() -> None:
    for name, text in documents.schemas().items():
        assert (documents.SCHEMA_FOLDER / name).read_text(encoding="utf-8") == text, (
            "write them again with: python -m xraybench.core.documents"
        )
    assert {p.name for p in documents.SCHEMA_FOLDER.glob("*.json")} == set(documents.schemas())


def test_a_document_is_read_back_as_written(tmp_path: Path) -> None:
    site = FederatedSite(name="north", corpora={"mail-a": "1"}, n_items=3)
    write_document(tmp_path / "site.json", site)
    assert read_document(tmp_path / "site.json", FederatedSite) == site


def test_undefined_is_null_on_disk_and_nan_in_memory() -> None:
    row = ResultRow(
        metric="pd", value=math.nan, low=math.nan, high=math.nan, interval="", n_items=3, n_threats=2, reason="too few"
    )
    text = row.model_dump_json()
    assert '"value":null' in text
    assert math.isnan(ResultRow.model_validate_json(text).value)


def test_a_broken_document_is_answered_with_every_broken_field(tmp_path: Path) -> None:
    (tmp_path / "site.json").write_text('{"name": 3, "n_items": 0, "colour": "red"}')
    with pytest.raises(BadFile) as told:
        read_document(tmp_path / "site.json", FederatedSite)
    for field in ("name", "n_items", "corpora", "colour"):
        assert field in str(told.value)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe\x00"])
def test_a_truncated_or_binary_file_is_a_bad_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(BadFile, match=r"x\.json"):
        read_document(tmp_path / "x.json", FederatedSite)


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "x.json"
    write_bytes(target, b"old")

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_bytes(target, b"new")
    assert target.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["x.json"]
