"""The data commands as a user types them: check, seal, card, export, deidentify, with their exit codes."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from xraybench import cli, data


def call(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: object
) -> tuple[int | str | None, str, str]:
    monkeypatch.setattr(sys, "argv", ["xraybench", *map(str, words)])
    monkeypatch.setenv("XRAYBENCH_QUIET", "1")
    code: int | str | None = 0
    try:
        cli.main()
    except SystemExit as stop:
        code = stop.code
    out, err = capsys.readouterr()
    return code, out, err


@pytest.fixture
def example(tmp_path: Path) -> Path:
    data.write_example_folder(tmp_path / "in")
    return data.import_folder(
        tmp_path / "in", name="example", vector="baggage", classes={"metal_part": "blade", "soft_goods": "benign"},
        out=tmp_path / "dataset", quiet=True,
    )  # fmt: skip


def test_a_check_seals_and_later_names_what_was_changed(
    example: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, err = call(capsys, monkeypatch, "data", "check", example, "--seal")
    assert code == 0
    root = data.read_seal(example).root
    assert root in out
    assert root in err
    image = next((tmp_path / "in").rglob("*.png"))
    Image.fromarray(np.zeros((96, 96), np.uint8)).save(image)
    code, out, _ = call(
        capsys, monkeypatch, "data", "check", example, "--root", root, "--json", "--out", tmp_path / "report"
    )
    assert code == 1
    told = json.loads(out)
    assert any("other bytes than those that were sealed" in finding["text"] for finding in told["findings"])
    assert (tmp_path / "report" / "check.html").is_file()


def test_a_check_that_had_nothing_to_look_at_is_not_called_ok(
    example: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, out, _ = call(capsys, monkeypatch, "data", "check", example)
    found = {line.split()[0]: line[13:22].strip() for line in out.splitlines() if line[:1].isalpha()}
    assert (found["images"], found["seal"], found["rendering"]) == ("ok", "not done", "not done")
    (example / "items.parquet").write_bytes(b"cut off")
    code, out, _ = call(capsys, monkeypatch, "data", "check", example)
    assert code == 1
    assert out.count("not done") == 9
    assert out.count(" ok ") == 0


def test_warnings_alone_are_exit_code_0_and_1_when_strict(
    example: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert call(capsys, monkeypatch, "data", "check", example)[0] == 0
    assert call(capsys, monkeypatch, "data", "check", example, "--strict")[0] == 1
    assert call(capsys, monkeypatch, "data", "check", example.parent / "nothing")[0] == 2


def test_a_card_is_printed_or_written(
    example: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, _ = call(capsys, monkeypatch, "data", "card", example)
    assert code == 0
    assert out.startswith("# Data card: example")
    code, _, err = call(capsys, monkeypatch, "data", "card", example, "--out", tmp_path / "card")
    assert code == 0
    assert "gaps" in err
    assert sorted(path.name for path in (tmp_path / "card").iterdir()) == [
        "card.html", "card.md", "croissant.json", "datacard.toml",
    ]  # fmt: skip


def test_words_that_are_not_there_are_no_empty_words(
    example: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for more in ((), ("--out", tmp_path / "card")):
        code, _, err = call(capsys, monkeypatch, "data", "card", example, "--words", tmp_path / "words.toml", *more)
        assert (code, "there is no such file" in err) == (2, True)
    assert not (tmp_path / "words.toml").exists()
    assert not (tmp_path / "card").exists()


def test_an_export_and_its_wrong_form(
    example: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _, err = call(capsys, monkeypatch, "data", "export", example, tmp_path / "out", "--to", "cocoa")
    assert code == 2
    assert "Did you mean 'coco'?" in err
    assert not (tmp_path / "out").exists()
    assert call(capsys, monkeypatch, "data", "export", example, tmp_path / "out")[0] == 0


def test_a_folder_is_deidentified_under_a_new_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data.write_example_folder(tmp_path / "in")
    words = ("data", "deidentify", tmp_path / "in", tmp_path / "out", "--key", tmp_path / "site.key")
    code, _, err = call(capsys, monkeypatch, *words)
    assert code == 2
    assert "no such key file" in err
    for secret in (
        ("--key", tmp_path / "in" / "k"),
        ("--names", tmp_path / "in" / "n"),
        ("--names", tmp_path / "out" / "n"),
    ):
        code, _, err = call(capsys, monkeypatch, *words, "--new-key", *secret)
        assert code == 2
        assert "must not lie with the scans" in err
    assert not [path for path in (tmp_path / "in" / "k", tmp_path / "in" / "n", tmp_path / "site.key") if path.exists()]
    code, out, _ = call(
        capsys,
        monkeypatch,
        *words,
        "--new-key",
        "--keep-folder",
        "metal_part",
        "--names",
        tmp_path / "names.json",
        "--json",
    )
    assert code == 0
    assert json.loads(out)["n_files"] == 24
    assert len(list((tmp_path / "out" / "metal_part").iterdir())) == 12
    assert len(json.loads((tmp_path / "names.json").read_text())) == 24
