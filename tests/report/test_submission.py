"""What a vendor hands in: packed, read back, refused where it was changed, and scored as the board scores its own."""

import hashlib
import json
import re
import shutil
import zipfile
from pathlib import Path

import pytest
from small_board import made_predictions, made_signature

from xraybench import cli, evaluate, tasks
from xraybench.core.documents import Submission, write_document
from xraybench.core.errors import BadFile, BadTable, BadValue, CheckFailed, DigestMismatch
from xraybench.core.types import Dataset
from xraybench.data.unrendered import labels_only
from xraybench.formats.predictions import write_predictions
from xraybench.report import attest, results, submission
from xraybench.report.card_words import template

NAME, CORPUS = "acme-v3", "mail-mail_160kv"


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return labels_only(CORPUS, profile="smoke", seed=0)


@pytest.fixture(scope="module")
def parts(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Predictions, words, signature and keys of a vendor. Read only."""
    folder = tmp_path_factory.mktemp("vendor")
    write_predictions(folder / f"{CORPUS}.parquet", made_predictions(dataset, NAME, 2.0))
    words = re.sub(r'^(summary|vendor) = ""', r'\1 = "told"', template(NAME), flags=re.MULTILINE)
    (folder / "words.toml").write_text(words, encoding="utf-8")
    write_document(folder / "signature.json", made_signature(NAME))
    attest.make_key(folder / "vendor.key")
    attest.make_key(folder / "stranger.key")
    return folder


def _pack(parts: Path, out: Path, *, signed: bool = True, words: Path | None = None) -> submission.Received:
    return submission.pack(
        [parts / f"{CORPUS}.parquet"],
        out,
        words=words or parts / "words.toml",
        signature=parts / "signature.json",
        profile="smoke",
        key=parts / "vendor.key" if signed else None,
    )


@pytest.fixture(scope="module")
def package(parts: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sent") / "acme.zip"
    _pack(parts, out)
    return out


def _changed(package: Path, out: Path, name: str, content: bytes | None) -> Path:
    """A copy with one file changed, added, or taken out."""
    with zipfile.ZipFile(package) as old, zipfile.ZipFile(out, "w") as new:
        for entry in old.infolist():
            if entry.filename != name:
                new.writestr(entry, old.read(entry))
        if content is not None:
            new.writestr(name, content)
    return out


def test_what_was_packed_is_what_is_received(package: Path, parts: Path) -> None:
    received = submission.verify(package, keys=[parts / "vendor.key.pub"])
    assert received.model == NAME
    assert set(received.manifest.corpora) == {CORPUS}
    assert received.key_id == attest.key_id(attest.read_public_key(parts / "vendor.key.pub"))
    assert "intended_use" in received.gaps
    assert "summary" not in received.gaps
    assert f"{CORPUS} would be scored, signed by key" in received.sentence()


def test_the_same_parts_give_the_same_bytes_and_no_result_is_among_them(
    package: Path, parts: Path, tmp_path: Path
) -> None:
    _pack(parts, tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == package.read_bytes()
    with zipfile.ZipFile(package) as opened:
        names = opened.namelist()
        assert names == sorted(names)
        assert set(names) == {
            f"predictions/{CORPUS}.parquet", "signature.json", "statement.dsse.json", "submission.json", "words.toml",
        }  # fmt: skip


def test_an_accepted_submission_is_scored_as_the_board_scores_its_own(
    package: Path, dataset: Dataset, tmp_path: Path
) -> None:
    board, cards = tmp_path / "leaderboards", tmp_path / "model_cards"
    found = submission.accept(package, board, cards)
    assert {file.task for file in found} == {t.id for t in tasks.select(vector="mail", sensor="mail_160kv")}
    task = tasks.get("mail-any-any-mail_160kv-v1")
    kept = evaluate.board_predictions(NAME, [CORPUS], board / "predictions")
    mine = evaluate.score_joined(task, evaluate.join(dataset, kept), track="raw")
    assert results.render_document(mine) == (board / "results" / NAME / f"{task.id}.json").read_text(encoding="utf-8")
    assert (cards / f"{NAME}.toml").read_text(encoding="utf-8").startswith("# What only the vendor knows")
    with pytest.raises(BadFile, match="A new version is a new name"):
        submission.accept(package, board, cards)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("words.toml", b'model = "acme-v3"\n', r"words\.toml: is not what submission\.json names"),
        ("signature.json", None, r"signature\.json: is named in submission\.json and is not there"),
        ("predictions/mail-mail_140kv.parquet", b"x", "is there and not named"),
    ],
)
def test_a_changed_lost_or_added_file_is_named(
    name: str, content: bytes | None, told: str, package: Path, tmp_path: Path
) -> None:
    with pytest.raises(CheckFailed, match=told):
        submission.verify(_changed(package, tmp_path / "x.zip", name, content))


@pytest.mark.parametrize("name", ["../outside.parquet", "/etc/passwd", "predictions/../x.parquet", "run.sh"])
def test_a_name_that_no_submission_has_is_refused_and_nothing_is_unpacked(
    name: str, package: Path, tmp_path: Path
) -> None:
    with pytest.raises(BadFile, match="holds files that no submission has"):
        submission.verify(_changed(package, tmp_path / "x.zip", name, b"x"))
    assert [path.name for path in tmp_path.iterdir()] == ["x.zip"]


@pytest.mark.parametrize("model", ["../../evil", "/evil", "a/b"])
def test_a_model_whose_name_is_a_path_is_refused_and_nothing_is_written(
    model: str, dataset: Dataset, tmp_path: Path
) -> None:
    inside = tmp_path / "package" / "predictions"
    write_predictions(inside / f"{CORPUS}.parquet", made_predictions(dataset, model, 2.0))
    (inside.parent / "words.toml").write_text(template("x").replace('"x"', json.dumps(model)), encoding="utf-8")
    told = made_predictions(dataset, model, 2.0)
    names = [f"predictions/{CORPUS}.parquet", "words.toml"]
    files = {name: hashlib.sha256((inside.parent / name).read_bytes()).hexdigest() for name in names}
    write_document(
        inside.parent / "submission.json",
        Submission(model=model, profile="smoke", seed=0, version="1", corpora=told.corpora, files=files),
    )
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as made:
        for name in (*names, "submission.json"):
            made.write(inside.parent / name, name)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(CheckFailed, match="is no name of a model"):
        submission.accept(tmp_path / "x.zip", tmp_path / "a" / "leaderboards", tmp_path / "a" / "model_cards")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_zip_whose_packed_bytes_are_broken_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("submission.json", b"abc" * 1000)
    raw = bytearray((tmp_path / "x.zip").read_bytes())
    start = raw.find(b"submission.json") + len("submission.json")
    raw[start : start + 2] = b"\xff\xff"
    (tmp_path / "x.zip").write_bytes(raw)
    with pytest.raises(BadFile, match="no sound ZIP file"):
        submission.verify(tmp_path / "x.zip")


def test_a_file_that_is_no_zip_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"PK\x03\x04 but no more")
    with pytest.raises(BadFile, match="no sound ZIP file"):
        submission.verify(tmp_path / "x.zip")


def test_another_key_or_none_is_refused_where_a_key_is_asked_for(package: Path, parts: Path, tmp_path: Path) -> None:
    with pytest.raises(
        BadFile, match=re.escape(f"{package}: statement.dsse.json: no signature of a trusted key holds")
    ):
        submission.verify(package, keys=[parts / "stranger.key.pub"])
    unsigned = _changed(package, tmp_path / "x.zip", "statement.dsse.json", None)
    with pytest.raises(BadFile, match="is not signed"):
        submission.verify(unsigned, keys=[parts / "vendor.key.pub"])


def test_typed_numbers_and_claims_are_refused_before_anything_is_written(parts: Path, tmp_path: Path) -> None:
    words = tmp_path / "words.toml"
    told = 'summary = "The best: pd 0.97."'
    words.write_text(re.sub(r'^summary = ".*?"', told, (parts / "words.toml").read_text(), flags=re.MULTILINE))
    with pytest.raises(CheckFailed) as refused:
        _pack(parts, tmp_path / "x.zip", words=words)
    assert "words.toml: summary: 'pd 0.97' looks measured" in str(refused.value)
    assert "words.toml: summary: 'best' is a claim" in str(refused.value)
    assert not (tmp_path / "x.zip").exists()


def test_a_signature_of_another_model_is_refused(parts: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(parts, tmp_path / "vendor")
    write_document(folder / "signature.json", made_signature("rival"))
    with pytest.raises(CheckFailed, match=r"signature\.json: name is 'rival', the predictions are of 'acme-v3'"):
        _pack(folder, tmp_path / "x.zip")


def test_predictions_of_other_scans_or_with_a_scan_left_out_are_refused(
    parts: Path, dataset: Dataset, tmp_path: Path
) -> None:
    with pytest.raises(DigestMismatch):
        submission.pack(
            [parts / f"{CORPUS}.parquet"], tmp_path / "x.zip", words=parts / "words.toml", profile="smoke", seed=1
        )
    whole = made_predictions(dataset, NAME, 2.0)
    test = set(dataset.items[dataset.items["split"] == "test"]["item_id"])
    scan = dataset.scans.table[dataset.scans.table["item_id"].isin(test)]["scan_id"].iloc[0]
    part = type(whole)(NAME, whole.table[whole.table["scan_id"] != scan].reset_index(drop=True))
    write_predictions(tmp_path / "part.parquet", part)
    with pytest.raises(BadTable, match=scan):
        submission.pack([tmp_path / "part.parquet"], tmp_path / "x.zip", words=parts / "words.toml", profile="smoke")


def test_a_prediction_file_is_checked_and_scored_without_rendering_a_scan(
    parts: Path, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XRAYBENCH_HOME", str(tmp_path / "home"))
    path = parts / f"{CORPUS}.parquet"
    assert "every one looked at" in evaluate.check_file(CORPUS, path, profile="smoke", seed=0)
    assert evaluate.score_files(CORPUS, [path], profile="smoke", seed=0).model == NAME
    assert not (tmp_path / "home").exists()
    with pytest.raises(BadFile, match=f"More than one of the files speaks of {CORPUS}"):
        evaluate.score_files(CORPUS, [path, path], profile="smoke", seed=0)
    write_predictions(tmp_path / "evil.parquet", made_predictions(dataset, "../evil", 2.0))
    with pytest.raises(BadValue, match=r"The model name '\.\./evil' is refused"):
        evaluate.check_file(CORPUS, tmp_path / "evil.parquet", profile="smoke", seed=0)


def test_the_commands_pack_verify_and_add(
    parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out, key = tmp_path / "acme.zip", parts / "vendor.key"
    asked: list[list[object]] = [
        ["submit", "pack", parts / f"{CORPUS}.parquet", "--out", out, "--words", parts / "words.toml", "--key", key,
         "--profile", "smoke"],
        ["submit", "verify", out, "--key", f"{key}.pub"],
        ["leaderboard", "add", out, "--board", tmp_path / "leaderboards"],
    ]  # fmt: skip
    for words in asked:
        monkeypatch.setattr("sys.argv", ["xraybench", *map(str, words)])
        cli.main()
    told = capsys.readouterr()
    assert told.out.splitlines() == [str(out), str(tmp_path / "leaderboards" / "results" / NAME)]
    assert told.err.count("would be scored, signed by key") == 2
    first = next((tmp_path / "leaderboards" / "results" / NAME).glob("*.json"))
    assert json.loads(first.read_text(encoding="utf-8"))["track"] == "unknown"  # no signature was handed in
