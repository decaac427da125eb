"""Signed statements: what was tampered with is found and named; the signature is judged by openssl-compatible primitives."""

import base64
import json
import re
import shutil
import stat
from pathlib import Path

import pytest

from xraybench.core.errors import BadFile, BadValue, CheckFailed
from xraybench.report import attest

KIND = "urn:xraybench:board:1"


@pytest.fixture
def board(tmp_path: Path) -> Path:
    """Three files as on a board."""
    root = tmp_path / "board"
    for name, text in (
        ("results/a.json", '{"pd": 0.91}'),
        ("predictions/a.csv", "scan_id,score\n"),
        ("run/30.ipynb", "{}"),
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.fixture
def key(tmp_path: Path) -> Path:
    attest.make_key(tmp_path / "keys" / "site")
    return tmp_path / "keys" / "site"


def files_of(root: Path) -> list[Path]:
    return sorted(p for p in root.rglob("*") if p.is_file() and p.name != attest.STATEMENT)


def signed(board: Path, key: Path) -> Path:
    out = board / attest.STATEMENT
    return attest.sign(board, files_of(board), key=key, predicate_type=KIND, predicate={"seed": 0}, out=out)


def public(key: Path) -> Path:
    return key.with_name(key.name + ".pub")


def test_what_was_signed_verifies(board: Path, key: Path) -> None:
    verdict = attest.verify(signed(board, key), board, keys=[public(key)], present=files_of(board))
    assert verdict.faults == ()
    assert (verdict.n_files, verdict.predicate, verdict.predicate_type) == (3, {"seed": 0}, KIND)


@pytest.mark.parametrize("name", ["results/a.json", "predictions/a.csv", "run/30.ipynb"])
def test_a_changed_number_predictions_file_or_notebook_is_named(board: Path, key: Path, name: str) -> None:
    envelope = signed(board, key)
    (board / name).write_text((board / name).read_text() + " ")
    assert attest.verify(envelope, board, keys=[public(key)]).faults == (f"{name}: was changed after it was signed",)


def test_lost_and_added_files_are_named(board: Path, key: Path) -> None:
    envelope = signed(board, key)
    (board / "results/a.json").rename(board / "results/b.json")
    assert attest.verify(envelope, board, keys=[public(key)], present=files_of(board)).faults == (
        "results/a.json: was signed and is not there",
        "results/b.json: was added after the statement was signed",
    )


def test_another_key_is_not_believed(board: Path, key: Path, tmp_path: Path) -> None:
    envelope = signed(board, key)
    attest.make_key(tmp_path / "other")
    with pytest.raises(BadFile, match=r"no signature of a trusted key holds"):
        attest.verify(envelope, board, keys=[tmp_path / "other.pub"])


def test_changed_words_in_the_statement_break_its_signature(board: Path, key: Path) -> None:
    path = signed(board, key)
    envelope = json.loads(path.read_text())
    payload = base64.b64decode(envelope["payload"]).replace(b'"seed":0', b'"seed":1')
    path.write_text(json.dumps({**envelope, "payload": base64.b64encode(payload).decode()}))
    with pytest.raises(BadFile, match=r"no signature of a trusted key holds"):
        attest.verify(path, board, keys=[public(key)])


def test_the_signature_covers_the_encoding_that_dsse_prescribes(board: Path, key: Path) -> None:
    """Judge: the protocol's own formula, PAE(type, body) = "DSSEv1" SP len(type) SP type SP len(body) SP body."""
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    envelope = json.loads(signed(board, key).read_text())
    body, kind = base64.b64decode(envelope["payload"]), envelope["payloadType"]
    encoded = " ".join(["DSSEv1", str(len(kind)), kind, str(len(body)), ""]).encode() + body
    loaded = load_pem_public_key(public(key).read_bytes())
    loaded.verify(base64.b64decode(envelope["signatures"][0]["sig"]), encoded)  # raises where it does not hold
    assert json.loads(body)["_type"] == "https://in-toto.io/Statement/v1"


def test_an_independent_reader_of_envelopes_accepts_the_signature_and_refuses_a_changed_payload(
    board: Path, key: Path
) -> None:
    """Judge: securesystemslib, which TUF and in-toto rest on."""
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from securesystemslib.dsse import Envelope
    from securesystemslib.exceptions import VerificationError
    from securesystemslib.signer import SSlibKey

    loaded = load_pem_public_key(public(key).read_bytes())
    told = json.loads(signed(board, key).read_text())
    name = told["signatures"][0]["keyid"]
    trusted = SSlibKey(name, "ed25519", "ed25519", {"public": loaded.public_bytes_raw().hex()})
    envelope = Envelope.from_dict(json.loads(json.dumps(told)))
    assert list(envelope.verify([trusted], 1)) == [name]
    assert envelope.pae().startswith(b"DSSEv1 28 application/vnd.in-toto+json ")
    statement = json.loads(envelope.payload)
    assert {s["name"] for s in statement["subject"]} == {"results/a.json", "predictions/a.csv", "run/30.ipynb"}
    envelope.payload = envelope.payload.replace(b'"seed":0', b'"seed":1')
    with pytest.raises(VerificationError):
        envelope.verify([trusted], 1)


PUBLISHED = (
    "leaderboards/predictions/m/c.parquet",
    "leaderboards/models/m.json",
    "leaderboards/results/m/t.json",
    "leaderboards/site/index.html",
    "model_cards/m.md",
    "model_cards/m.html",
    "report_cards/m.html",
    "report_cards/m.json",
    "report_cards/m.ipynb",
)


@pytest.fixture
def published(tmp_path: Path, key: Path) -> Path:
    """A board with its cards, report cards and executed notebooks, all signed."""
    for name in PUBLISHED:
        (tmp_path / "p" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "p" / name).write_text(name)
    attest.sign_board(tmp_path / "p/leaderboards", key=key)
    return tmp_path / "p"


def test_a_whole_board_is_signed_with_its_cards_one_statement_a_folder(published: Path, key: Path) -> None:
    verdict = attest.verify_board(published / "leaderboards", keys=[public(key)])
    assert (verdict.n_files, verdict.absent) == (len(PUBLISHED), ())
    folders = ("leaderboards", "model_cards", "report_cards")
    assert sorted(published.glob("*/" + attest.STATEMENT)) == [published / f / attest.STATEMENT for f in folders]


@pytest.mark.parametrize("name", PUBLISHED)
def test_each_tampered_number_predictions_file_card_page_or_executed_notebook_is_named(
    published: Path, key: Path, name: str
) -> None:
    (published / name).write_text(name + " ")
    told = name.removeprefix("leaderboards/")
    with pytest.raises(
        CheckFailed, match=rf"not what was signed:\n  {re.escape(told)}: was changed after it was signed$"
    ):
        attest.verify_board(published / "leaderboards", keys=[public(key)])


@pytest.mark.parametrize("name", PUBLISHED)
def test_each_file_that_was_lost_or_added_is_named(published: Path, key: Path, name: str) -> None:
    moved = (published / name).with_name("new.bin")
    (published / name).rename(moved)
    told = [n.removeprefix("leaderboards/") for n in (name, moved.relative_to(published).as_posix())]
    with pytest.raises(CheckFailed) as error:
        attest.verify_board(published / "leaderboards", keys=[public(key)])
    assert f"{told[0]}: was signed and is not there" in str(error.value)
    assert f"{told[1]}: was added after the statement was signed" in str(error.value)


def test_cards_of_another_day_cannot_be_slipped_in_beside_a_board(published: Path, key: Path, tmp_path: Path) -> None:
    """The older card was signed with the same key, so its own statement holds: the board's does not name it."""
    kept = shutil.copytree(published / "model_cards", tmp_path / "older")
    (published / "model_cards/m.md").write_text("corrected")
    attest.sign_board(published / "leaderboards", key=key)
    shutil.rmtree(published / "model_cards")
    shutil.copytree(kept, published / "model_cards")
    with pytest.raises(CheckFailed, match=r"model_cards/statement\.dsse\.json: is not the one that was signed with"):
        attest.verify_board(published / "leaderboards", keys=[public(key)])


def test_a_statement_taken_away_or_cards_never_signed_are_faults(published: Path, key: Path) -> None:
    (published / "report_cards" / attest.STATEMENT).unlink()
    with pytest.raises(CheckFailed, match=r"report_cards/statement\.dsse\.json: was signed and is not there"):
        attest.verify_board(published / "leaderboards", keys=[public(key)])
    shutil.rmtree(published / "report_cards")
    attest.sign_board(published / "leaderboards", key=key)
    (published / "report_cards").mkdir()
    (published / "report_cards/x.html").write_text("better")
    with pytest.raises(CheckFailed, match=r"report_cards/x\.html: was not signed with this board"):
        attest.verify_board(published / "leaderboards", keys=[public(key)])


def test_a_board_may_travel_without_its_report_cards_and_that_is_said(published: Path, key: Path) -> None:
    shutil.rmtree(published / "report_cards")
    assert attest.verify_board(published / "leaderboards", keys=[public(key)]).absent == ("report_cards",)


def test_the_statement_of_cards_does_not_pass_for_that_of_a_board(published: Path, key: Path) -> None:
    shutil.rmtree(published / "leaderboards")
    shutil.copytree(published / "model_cards", published / "leaderboards")
    with pytest.raises(BadFile, match=r"is signed, but as urn:xraybench:folder:1"):
        attest.verify_board(published / "leaderboards", keys=[public(key)])


def test_a_run_is_signed_with_its_executed_notebook_and_a_changed_one_is_named(board: Path, key: Path) -> None:
    attest.sign_folder(board, key=key)
    assert attest.verify_folder(board, keys=[public(key)]).n_files == 3
    (board / "run/30.ipynb").write_text('{"cells": []}')
    with pytest.raises(CheckFailed, match=r"not what was signed:\n  run/30\.ipynb: was changed after it was signed$"):
        attest.verify_folder(board, keys=[public(key)])


def test_a_folder_that_is_empty_or_not_there_cannot_be_signed(tmp_path: Path, key: Path) -> None:
    with pytest.raises(BadValue, match="there is no such folder"):
        attest.sign_folder(tmp_path / "none", key=key)
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadValue, match="no file to sign"):
        attest.sign_folder(tmp_path / "empty", key=key)


def test_signing_twice_gives_the_same_bytes(board: Path, key: Path) -> None:
    first = signed(board, key).read_bytes()
    assert signed(board, key).read_bytes() == first


def test_a_key_is_private_and_never_written_over(key: Path) -> None:
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    with pytest.raises(BadFile, match=r"never written over"):
        attest.make_key(key)


def test_a_statement_cannot_point_outside_its_folder(board: Path, key: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    with pytest.raises(BadValue, match=r"lies outside"):
        attest.sign(board, [tmp_path / "secret"], key=key, predicate_type=KIND, predicate={}, out=tmp_path / "s")


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"payload": "!", "payloadType": "x", "signatures": []}'])
def test_what_is_no_envelope_is_refused(board: Path, key: Path, text: str) -> None:
    path = board / attest.STATEMENT
    path.write_text(text)
    with pytest.raises(BadFile, match=r"is no DSSE envelope"):
        attest.verify(path, board, keys=[public(key)])


def test_a_missing_key_says_how_to_make_one(board: Path, tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"xraybench keys make"):
        attest.sign(
            board, files_of(board), key=tmp_path / "none", predicate_type=KIND, predicate={}, out=tmp_path / "s"
        )
