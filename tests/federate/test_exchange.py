"""Evaluation by signed folders: the same numbers as in process, nothing believed that was not signed."""

import dataclasses
import json
import shutil

import pytest
from labelled import dealt, labelled, only, said

from xraybench.core import signing
from xraybench.core.errors import BadFile, BadValue, DigestMismatch
from xraybench.federate import answer, evaluation, exchange, release
from xraybench.federate.question import EvaluationQuestion, FederatedResult, question_digest

NAMES = ("east", "north", "south", "west")
TASK = "mail-any-any-mail_160kv-v1"
QUESTION = EvaluationQuestion(task=TASK, model="toy", model_digest="m1", axes=["concealment"])


@pytest.fixture(scope="module")
def parts():
    """Four sites' items and a model's scores for them."""
    whole = labelled()
    return {name: (part, only(part, said(whole))) for name, part in dealt(whole, NAMES).items()}


@pytest.fixture
def sites(parts, tmp_path):
    return {
        name: answer.EvaluationSite(name, *held, "m1", tmp_path / "sites" / name, approve=release.unattended)
        for name, held in parts.items()
    }


@pytest.fixture
def keys(tmp_path):
    for name in ("coordinator", *NAMES):
        signing.make_key(tmp_path / "keys" / name)
    return tmp_path / "keys"


def carry(out, sites, keys, *, lose=(), tamper=None):
    """Play an evaluation to its end, as people with a USB stick would."""
    exchange.begin(QUESTION, {name: keys / f"{name}.pub" for name in NAMES}, out)
    now = exchange.go_on(out, key=keys / "coordinator")
    steps = []
    while isinstance(now, exchange.Waiting):
        steps.append(now.step)
        brought = []
        for name in now.missing:
            if name not in lose:
                folder = out.parent / "stick" / f"{len(steps)}-{name}"
                exchange.answer_folder(
                    now.message, sites[name], key=keys / name, trusted=keys / "coordinator.pub", out=folder
                )
                if tamper:
                    tamper(folder)
                brought.append(folder)
        now = exchange.go_on(out, key=keys / "coordinator", answers=brought, without=lose if len(steps) > 1 else ())
    return now, steps


def test_it_says_the_same_as_in_process_and_takes_three_trips(parts, sites, keys, tmp_path):
    result, steps = carry(tmp_path / "run", sites, keys)
    assert steps == ["open", "sum", "site"]
    again = {
        name: answer.EvaluationSite(name, *held, "m1", tmp_path / "again" / name, approve=release.unattended)
        for name, held in parts.items()
    }
    straight = evaluation.evaluate_across(QUESTION, NAMES, evaluation.ask_in_process(again))
    assert [row.model_dump_json() for row in result.rows] == [row.model_dump_json() for row in straight.rows]
    kept = FederatedResult.model_validate_json((tmp_path / "run" / "result.json").read_text())
    assert kept.site_rows == result.site_rows


def test_a_site_that_never_answers_its_sum_is_left_out_and_named(sites, keys, tmp_path):
    out = tmp_path / "run"
    exchange.begin(QUESTION, {name: keys / f"{name}.pub" for name in NAMES}, out)
    now, without, trips = exchange.go_on(out, key=keys / "coordinator"), (), 0
    while isinstance(now, exchange.Waiting):
        trips += 1
        brought = []
        for name in now.missing:
            if now.step == "open" or name != "west":
                folder = tmp_path / "stick" / f"{trips}-{name}"
                brought.append(
                    exchange.answer_folder(
                        now.message, sites[name], key=keys / name, trusted=keys / "coordinator.pub", out=folder
                    )
                )
        without = ("west",) if now.step != "open" else ()
        now = exchange.go_on(out, key=keys / "coordinator", answers=brought, without=without)
    assert "no longer waited for" in now.absent["west"]
    assert {one.site for one in now.sites} == set(NAMES) - {"west"}


def test_an_answer_that_was_changed_on_the_way_is_refused(sites, keys, tmp_path):
    def tamper(folder):
        told = json.loads((folder / "message.json").read_text())
        told["answer"]["minimum_cell"] = 1
        (folder / "message.json").write_text(json.dumps(told))

    with pytest.raises(BadFile, match="not what was signed"):
        carry(tmp_path / "run", sites, keys, tamper=tamper)


def test_an_answer_signed_by_somebody_else_or_of_a_stranger_is_refused(sites, keys, tmp_path):
    out = tmp_path / "run"
    exchange.begin(QUESTION, {name: keys / f"{name}.pub" for name in NAMES}, out)
    now = exchange.go_on(out, key=keys / "coordinator")
    forged = tmp_path / "forged"
    exchange.answer_folder(
        now.message, sites["north"], key=keys / "south", trusted=keys / "coordinator.pub", out=forged
    )
    with pytest.raises(BadFile, match="signature"):
        exchange.go_on(out, key=keys / "coordinator", answers=[forged])
    stranger = dataclasses.replace(sites["north"], name="stranger")
    strange = tmp_path / "strange"
    exchange.answer_folder(now.message, stranger, key=keys / "north", trusted=keys / "coordinator.pub", out=strange)
    with pytest.raises(BadValue, match="which was not asked"):
        exchange.go_on(out, key=keys / "coordinator", answers=[strange])


def test_a_message_that_the_coordinator_did_not_sign_is_not_answered(sites, keys, tmp_path):
    out = tmp_path / "run"
    exchange.begin(QUESTION, {name: keys / f"{name}.pub" for name in NAMES}, out)
    now = exchange.go_on(out, key=keys / "coordinator")
    with pytest.raises(BadFile):
        exchange.answer_folder(
            now.message, sites["north"], key=keys / "north", trusted=keys / "south.pub", out=tmp_path / "answer"
        )
    assert not (tmp_path / "answer").exists()


def test_a_fault_that_names_a_scan_stays_at_the_site(sites, keys, tmp_path, capsys):
    out = tmp_path / "run"
    exchange.begin(QUESTION, {name: keys / f"{name}.pub" for name in NAMES}, out)
    now = exchange.go_on(out, key=keys / "coordinator")
    rows = sites["north"].predictions.table
    poor = dataclasses.replace(sites["north"], predictions=dataclasses.replace(
        sites["north"].predictions, table=rows[rows["scan_id"] != rows["scan_id"].iloc[0]]))  # fmt: skip
    stick = tmp_path / "stick"
    exchange.answer_folder(now.message, poor, key=keys / "north", trusted=keys / "coordinator.pub", out=stick)
    sent = (stick / "message.json").read_text()
    assert "scan-" not in sent and "BadTable" in sent
    assert rows["scan_id"].iloc[0] in capsys.readouterr().err


def test_an_answer_cannot_name_a_folder_outside_the_run(sites, keys, tmp_path):
    out = tmp_path / "run"
    exchange.begin(QUESTION, {name: keys / f"{name}.pub" for name in NAMES}, out)
    now = exchange.go_on(out, key=keys / "coordinator")
    stick, precious = tmp_path / "stick", tmp_path / "precious" / "north"
    exchange.answer_folder(now.message, sites["north"], key=keys / "north", trusted=keys / "coordinator.pub", out=stick)
    precious.mkdir(parents=True)
    (precious / "file").write_text("kept")
    told = json.loads((stick / "message.json").read_text()) | {"at": "../../precious"}
    (stick / "message.json").write_text(json.dumps(told))
    (stick / signing.STATEMENT).unlink()
    told = {"question": question_digest(QUESTION), "site": "north"}
    signing.sign(
        stick,
        list(stick.iterdir()),
        key=keys / "north",
        predicate_type=exchange.ANSWER,
        predicate=told,
        out=stick / signing.STATEMENT,
    )
    with pytest.raises(BadValue, match="no step"):
        exchange.go_on(out, key=keys / "coordinator", answers=[stick])
    assert (precious / "file").read_text() == "kept"


def test_a_folder_of_another_question_and_one_that_is_no_message_are_refused(keys, tmp_path):
    out = tmp_path / "run"
    publics = {name: keys / f"{name}.pub" for name in NAMES}
    exchange.begin(QUESTION, publics, out)
    with pytest.raises(DigestMismatch, match="another question"):
        exchange.begin(QUESTION.model_copy(update={"model": "other"}), publics, out)
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadFile, match="no message of an evaluation"):
        exchange.go_on(out, key=keys / "coordinator", answers=[tmp_path / "empty"])
    with pytest.raises(BadFile):
        exchange.begin(QUESTION, {"north": tmp_path / "none.pub"}, tmp_path / "other")


def test_the_digest_of_a_model_is_that_of_all_its_files(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "a.bin").write_bytes(b"1")
    one = exchange.model_digest(folder)
    shutil.copytree(folder, tmp_path / "copy")
    assert exchange.model_digest(tmp_path / "copy") == one
    (folder / "b").write_bytes(b"")
    assert exchange.model_digest(folder) != one
    with pytest.raises(BadFile, match="no such folder"):
        exchange.model_digest(tmp_path / "none")
