"""Evaluation by signed folders: the same numbers as in process, nothing believed that was not signed."""

import dataclasses
import json
import random
import shutil
import sys

import pytest
from labelled import dealt, labelled, only, said

from xraybench import cli
from xraybench.core import signing
from xraybench.core.errors import BadFile, BadValue, DigestMismatch, UnknownName, UserError
from xraybench.federate import answer, evaluation, exchange, release
from xraybench.federate.question import EvaluationQuestion, FederatedResult

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
    exchange.begin(QUESTION, {name: keys / f"{name}.pub" for name in NAMES}, out, key=keys / "coordinator")
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


def sign_again(folder, key, **changed):
    """Let somebody sign a folder as it is now, as one who means harm, or a broken program, would."""
    statement = folder / signing.STATEMENT
    predicate = signing.verify(statement, folder, keys=[key.with_name(key.name + ".pub")]).predicate | changed
    statement.unlink()
    kind = exchange.ANSWER if "site" in predicate else exchange.MESSAGE
    signing.sign(folder, list(folder.iterdir()), key=key, predicate_type=kind, predicate=predicate, out=statement)


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
    exchange.begin(QUESTION, {name: keys / f"{name}.pub" for name in NAMES}, out, key=keys / "coordinator")
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
        told = json.loads((folder / "told.json").read_text())
        (folder / "told.json").write_text(json.dumps(told | {"minimum_cell": 1}))

    with pytest.raises(BadFile, match="not what was signed"):
        carry(tmp_path / "run", sites, keys, tamper=tamper)


def test_an_answer_signed_by_somebody_else_or_of_a_stranger_is_refused(sites, keys, tmp_path):
    out = tmp_path / "run"
    exchange.begin(QUESTION, {name: keys / f"{name}.pub" for name in NAMES}, out, key=keys / "coordinator")
    now = exchange.go_on(out, key=keys / "coordinator")
    forged = tmp_path / "forged"
    exchange.answer_folder(
        now.message, sites["north"], key=keys / "south", trusted=keys / "coordinator.pub", out=forged
    )
    with pytest.raises(BadValue, match="calls itself an answer of site 'north' and is signed by site south"):
        exchange.go_on(out, key=keys / "coordinator", answers=[forged])
    stranger = dataclasses.replace(sites["north"], name="stranger")
    signing.make_key(tmp_path / "keys" / "stranger")
    strange = tmp_path / "strange"
    exchange.answer_folder(now.message, stranger, key=keys / "stranger", trusted=keys / "coordinator.pub", out=strange)
    with pytest.raises(
        BadFile, match=r"no signature of a trusted key holds.* signed by east or north or south or west"
    ):
        exchange.go_on(out, key=keys / "coordinator", answers=[strange])
    assert not (out / "in").exists()


def test_a_message_that_the_coordinator_did_not_sign_is_not_answered(sites, keys, tmp_path):
    out = tmp_path / "run"
    exchange.begin(QUESTION, {name: keys / f"{name}.pub" for name in NAMES}, out, key=keys / "coordinator")
    now = exchange.go_on(out, key=keys / "coordinator")
    with pytest.raises(BadFile):
        exchange.answer_folder(
            now.message, sites["north"], key=keys / "north", trusted=keys / "south.pub", out=tmp_path / "answer"
        )
    assert not (tmp_path / "answer").exists()


def test_a_fault_that_names_a_scan_stays_at_the_site(sites, keys, tmp_path, capsys):
    out = tmp_path / "run"
    exchange.begin(QUESTION, {name: keys / f"{name}.pub" for name in NAMES}, out, key=keys / "coordinator")
    now = exchange.go_on(out, key=keys / "coordinator")
    rows = sites["north"].predictions.table
    poor = dataclasses.replace(sites["north"], predictions=dataclasses.replace(
        sites["north"].predictions, table=rows[rows["scan_id"] != rows["scan_id"].iloc[0]]))  # fmt: skip
    stick = tmp_path / "stick"
    exchange.answer_folder(now.message, poor, key=keys / "north", trusted=keys / "coordinator.pub", out=stick)
    sent = (stick / "refusal.json").read_text()
    assert "scan-" not in sent and "BadTable" in sent
    assert rows["scan_id"].iloc[0] in capsys.readouterr().err


def test_an_answer_cannot_name_a_folder_outside_the_run(sites, keys, tmp_path):
    out = tmp_path / "run"
    exchange.begin(QUESTION, {name: keys / f"{name}.pub" for name in NAMES}, out, key=keys / "coordinator")
    now = exchange.go_on(out, key=keys / "coordinator")
    stick, precious = tmp_path / "stick", tmp_path / "precious" / "north"
    exchange.answer_folder(now.message, sites["north"], key=keys / "north", trusted=keys / "coordinator.pub", out=stick)
    precious.mkdir(parents=True)
    (precious / "file").write_text("kept")
    sign_again(stick, keys / "north", step="../../precious")
    with pytest.raises(BadValue, match=r"answers step '../../precious', which was not asked"):
        exchange.go_on(out, key=keys / "coordinator", answers=[stick])
    assert (precious / "file").read_text() == "kept"


def test_a_folder_of_another_question_and_one_that_is_no_message_are_refused(keys, tmp_path):
    out = tmp_path / "run"
    publics = {name: keys / f"{name}.pub" for name in NAMES}
    exchange.begin(QUESTION, publics, out, key=keys / "coordinator")
    with pytest.raises(DigestMismatch, match="another question"):
        exchange.begin(QUESTION.model_copy(update={"model": "other"}), publics, out, key=keys / "coordinator")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadFile, match="nobody vouches for what lies there"):
        exchange.go_on(out, key=keys / "coordinator", answers=[tmp_path / "empty"])
    with pytest.raises(BadFile):
        exchange.begin(QUESTION, {"north": tmp_path / "none.pub"}, tmp_path / "other", key=keys / "coordinator")


def test_what_cannot_be_asked_is_told_before_a_folder_is_carried(keys, tmp_path):
    out, key = tmp_path / "run", keys / "coordinator"
    publics = {name: keys / f"{name}.pub" for name in NAMES}
    with pytest.raises(BadValue, match="2 sites are asked and a sum needs 3"):
        exchange.begin(QUESTION, {name: publics[name] for name in NAMES[:2]}, out, key=key)
    with pytest.raises(BadFile, match="is the key of site north"):
        exchange.begin(QUESTION, publics, out, key=keys / "north")
    assert not out.exists()
    exchange.begin(QUESTION, publics, out, key=key)
    with pytest.raises(UnknownName, match=r"No site 'norht' is asked\. Did you mean 'north'"):
        exchange.go_on(out, key=key, without=["norht"])
    with pytest.raises(BadFile, match="no such file"):
        exchange.go_on(out, key=keys / "none")
    assert not (out / "out").exists()


def broken_json(rng, text):
    """A JSON document with one field taken out, renamed, or of another kind."""
    document = json.loads(text)
    places, stack = [], [document]
    while stack:
        node = stack.pop()
        for at in node if isinstance(node, dict) else range(len(node)):
            places.append((node, at))
            if isinstance(node[at], dict | list):
                stack.append(node[at])
    node, at = rng.choice(places)
    kind = rng.randrange(4)
    if kind == 0:
        del node[at]
    elif kind == 1 and isinstance(node, dict):
        node[f"{at}s"] = node.pop(at)
    else:
        node[at] = rng.choice([None, -1, 10**30, 0.5, True, "", "\ud800", "../x", [], {}, [[]], {"a": None}])
    return json.dumps(document).encode()


def break_a_part(rng, folder):
    """Damage one part of a message, or lose it."""
    path = rng.choice(sorted(path for path in folder.iterdir() if path.name != signing.STATEMENT))
    kind = rng.randrange(8)
    if kind == 0:
        path.unlink()
    elif kind == 1:
        path.write_bytes(path.read_bytes()[: rng.randrange(200)])
    elif kind == 2 and path.suffix == ".safetensors":
        path.write_bytes(path.read_bytes()[:64] + b"x" + path.read_bytes()[65:])
    elif path.suffix == ".json":
        path.write_bytes(broken_json(rng, path.read_bytes()))
    if not any(one.name != signing.STATEMENT for one in folder.iterdir()):
        (folder / "nothing.txt").write_text("")  # a statement needs something to speak of


def everything_in(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("step", ["open", "sum", "site"])
def test_a_broken_message_that_was_signed_is_one_sentence_and_nothing_is_half_written(sites, keys, tmp_path, step):
    rng = random.Random(step)
    out, own = tmp_path / "run", keys / "coordinator"
    exchange.begin(QUESTION, {name: keys / f"{name}.pub" for name in NAMES}, out, key=keys / "coordinator")
    now, good = exchange.go_on(out, key=own), {}
    while isinstance(now, exchange.Waiting):
        for name in now.missing:
            good[name] = exchange.answer_folder(
                now.message,
                sites[name],
                key=keys / name,
                trusted=keys / "coordinator.pub",
                out=tmp_path / now.step / name,
            )
        if now.step.startswith(step):
            break
        now = exchange.go_on(out, key=own, answers=list(good.values()))
    refused = {"site": 0, "coordinator": 0}
    for number in range(25):
        message, reply = tmp_path / "message", tmp_path / f"reply{number}"
        shutil.copytree(now.message, message)
        break_a_part(rng, message)
        sign_again(message, own)
        try:
            exchange.answer_folder(
                message, sites["north"], key=keys / "north", trusted=keys / "coordinator.pub", out=reply
            )
        except UserError as error:
            assert str(error).startswith(str(message))
            assert not reply.exists()
            refused["site"] += 1
        shutil.rmtree(message)
    before = everything_in(out)
    for _ in range(25):
        brought = tmp_path / "brought"
        shutil.copytree(good["north"], brought)
        break_a_part(rng, brought)
        sign_again(brought, keys / "north")
        try:
            exchange.go_on(out, key=own, answers=[good["south"], brought])
        except UserError as error:
            if str(error).startswith(str(brought)):
                assert everything_in(out) == before  # not even the good one beside it was taken in
                refused["coordinator"] += 1
        shutil.rmtree(brought)
        for path in (out / "in").glob(f"{now.step}*"):
            shutil.rmtree(path)
        assert everything_in(out) == before
    assert min(refused.values()) > 15
    assert not list(tmp_path.rglob(".*"))


def test_a_command_that_is_handed_a_broken_message_ends_with_exit_code_2(sites, keys, tmp_path, monkeypatch, capsys):
    out = tmp_path / "run"
    exchange.begin(QUESTION, {name: keys / f"{name}.pub" for name in NAMES}, out, key=keys / "coordinator")
    now = exchange.go_on(out, key=keys / "coordinator")
    text = json.loads((now.message / "step.json").read_text())
    del text["header"]["question"]["model_digest"]
    (now.message / "step.json").write_text(json.dumps(text))
    sign_again(now.message, keys / "coordinator")
    monkeypatch.setattr(exchange, "open_evaluation_site", lambda name, *args, **options: sites[name])
    words = ["answer", now.message, "--name", "north", "--data", tmp_path, "--model", tmp_path, "--key", keys / "north",
             "--trust", keys / "coordinator.pub", "--state", tmp_path / "state", "--out", tmp_path / "a"]  # fmt: skip
    monkeypatch.setattr(sys, "argv", ["xraybench", "federate", *map(str, words)])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 2
    told = capsys.readouterr().err.strip()
    assert "cannot be answered. The coordinator's message is broken: question.model_digest: Field required" in told
    assert "Traceback" not in told
    assert not (tmp_path / "a").exists()


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
