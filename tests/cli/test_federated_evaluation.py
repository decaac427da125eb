"""Evaluation across sites from the command line: three administrations, three folders carried to and fro, one result."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from xraybench.cli import app
from xraybench.core import signing
from xraybench.core.errors import BadFile, BadValue, DigestMismatch, Refused
from xraybench.data.sites import make_sites
from xraybench.federate import decisions
from xraybench.models.timm_net import TimmNet, make_signature, net_of, sealed

runner = CliRunner()


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Path], Path]:
    """Three data folders, and a network that nobody trained."""
    root = tmp_path_factory.mktemp("federation")
    folders = make_sites(root / "data", n_sites=3, n_items=20, n_test=32, n_calibration=12, seed=1, quiet=True)
    signature = make_signature(
        name="untrained", architecture="test_resnet", track="raw", threats=("firearm", "blade"), full_scale=60_000.0,
        image_px=32,
    )  # fmt: skip
    net = net_of(signature, seed=0)
    TimmNet(sealed(signature, net), net).save(root / "model")
    (root / "trusted").mkdir()
    for name in ("coordinator", *(folder.name for folder in folders)):
        signing.make_key(root / "keys" / name)
    for folder in folders:
        shutil.copy(root / "keys" / f"{folder.name}.pub", root / "trusted")
    return root, folders, root / "model"


def play(*words: object) -> str:
    done = runner.invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, (done.output, done.exception)
    return done.stdout.strip().splitlines()[-1]


def test_three_trips_give_the_pooled_numbers_and_a_log_that_holds(places, tmp_path):
    root, folders, model = places
    run, key = tmp_path / "run", root / "keys" / "coordinator"
    asked = [word for folder in folders for word in ("--site", f"{folder.name}={root / 'keys' / folder.name}.pub")]
    now = play("federate", "evaluate", run, "--key", key, "--task", "mail-any-any-any", "--model", model,
               "--axes", "concealment", *asked)  # fmt: skip
    trips = 0
    while not now.endswith("result.json"):
        trips += 1
        brought = [
            play("federate", "answer", now, "--name", folder.name, "--data", folder, "--model", model, "--key",
                 root / "keys" / folder.name, "--trust", f"{key}.pub", "--state", tmp_path / "state" / folder.name,
                 "--trusted-sites", root / "trusted", "--out", tmp_path / f"stick-{trips}-{folder.name}",
                 "--approve", "unattended")
            for folder in folders
        ]  # fmt: skip
        now = play("federate", "evaluate", run, *brought, "--key", key)
    assert trips == 3
    result = json.loads(Path(now).read_text())
    (auroc,) = [row for row in result["rows"] if row["metric"] == "auroc" and not row["slice_axis"]]
    assert auroc["n_threats"] == 3 * 32
    assert 0.2 < auroc["value"] < 0.8  # nobody trained it
    assert result["is_simulated"] and result["absent"] == {} and result["unverified_at"] == []
    told = play("federate", "log", tmp_path / "state" / folders[0].name / "decisions.jsonl")
    assert "see_site" in told


def test_a_person_who_gives_no_name_keeps_the_counts_at_home(places, tmp_path):
    root, folders, model = places
    run, key = tmp_path / "run", root / "keys" / "coordinator"
    asked = [word for folder in folders for word in ("--site", f"{folder.name}={root / 'keys' / folder.name}.pub")]
    now = play("federate", "evaluate", run, "--key", key, "--task", "mail-any-any-any", "--model", model, *asked)
    site, stick = folders[0], tmp_path / "stick"
    words = ["federate", "answer", "{}", "--name", site.name, "--data", site, "--model", model, "--key",
             root / "keys" / site.name, "--trust", f"{key}.pub", "--state", tmp_path / "state", "--out", stick]  # fmt: skip
    for folder in folders:
        play("federate", "answer", now, "--name", folder.name, "--data", folder, "--model", model, "--key",
             root / "keys" / folder.name, "--trust", f"{key}.pub", "--state",
             tmp_path / ("state" if folder == site else folder.name), "--out", tmp_path / f"o-{folder.name}")  # fmt: skip
    now = play("federate", "evaluate", run, *(tmp_path / f"o-{folder.name}" for folder in folders), "--key", key)
    words[2] = now
    done = runner.invoke(app, [str(word) for word in words], input="\n")
    assert done.exit_code == 0, done.output
    assert "what leaves" in done.output
    assert "refused at the terminal" in (stick / "refusal.json").read_text()
    assert not (stick / "counts.safetensors").exists()


def test_beginning_without_a_question_says_what_is_missing(tmp_path):
    done = runner.invoke(app, ["federate", "evaluate", str(tmp_path / "run"), "--key", str(tmp_path / "key")])
    assert done.exit_code != 0
    assert "--task, --model and --site" in str(done.exception)


def test_a_question_that_cannot_be_asked_names_its_field(places, tmp_path):
    _, _, model = places
    words = ["federate", "evaluate", tmp_path / "run", "--key", tmp_path / "key", "--task", "mail-any-any-any", "--model",
             model, "--site", "a=a.pub", "--noise", "-1", "--axes", "threat,colour"]  # fmt: skip
    done = runner.invoke(app, [str(word) for word in words])
    assert done.exit_code != 0
    assert "axes.1: Input should be 'threat', 'concealment' or 'sensor'" in str(done.exception)
    assert "noise: Input should be greater than or equal to 0" in str(done.exception)


def test_two_people_can_compare_the_id_of_a_key(tmp_path):
    made = play("keys", "make", tmp_path / "north.key")
    assert play("keys", "id", tmp_path / "north.key.pub") == made
    assert len(made) == 64


def test_a_network_that_learned_nothing_betrays_nothing(places):
    _, folders, model = places
    told = play("federate", "leaks", model, "--data", folders[0])
    assert "0.5: not at all" in told
    value = float(told.partition("AUROC ")[2].split()[0])
    assert 0.3 < value < 0.7


def test_what_was_begun_is_not_asked_of_others_or_about_another_model(places, tmp_path):
    root, folders, model = places
    run, key = tmp_path / "run", root / "keys" / "coordinator"
    begin = ["federate", "evaluate", run, "--key", key, "--task", "mail-any-any-any", "--axes", "threat, concealment"]
    asked = [word for folder in folders for word in ("--site", f"{folder.name}={root / 'keys' / folder.name}.pub")]
    (tmp_path / "empty").mkdir()
    for words, fault in (
        ([*begin, "--model", model, *asked[:4]], BadValue),  # two sites
        ([*begin, "--model", tmp_path / "empty", *asked], BadFile),  # no model in the folder
        ([*begin, "--model", model, *asked, "--key", root / "keys" / "none"], BadFile),
    ):
        assert isinstance(runner.invoke(app, [str(word) for word in words]).exception, fault)
        assert not run.exists()
    play(*begin, "--model", model, *asked)
    question = json.loads((run / "question.json").read_text(encoding="utf-8"))
    assert (question["model"], question["axes"]) == ("untrained", ["threat", "concealment"])  # as it calls itself
    again = ["federate", "evaluate", run, "--key", key, "--task", "mail-firearm-any-any", "--model", model, *asked]
    assert isinstance(runner.invoke(app, [str(word) for word in again]).exception, DigestMismatch)
    answer = ["federate", "answer", run / "out" / "open", "--name", "no rth", "--data", folders[0], "--model", model,
              "--key", root / "keys" / folders[0].name, "--trust", f"{key}.pub", "--out", tmp_path / "answer"]  # fmt: skip
    assert isinstance(runner.invoke(app, [str(word) for word in answer]).exception, BadValue)
    assert not (tmp_path / "answer").exists()


def test_the_template_of_an_agreement_is_printed():
    assert 'site = "north"' in runner.invoke(app, ["federate", "agreement", "north"]).stdout


def test_simulated_sites_train_on_one_machine_without_anybodys_word_and_by_files_somebody_is_asked(places, tmp_path):
    _, folders, _ = places
    job = tmp_path / "job.json"
    play("federate", "job", job, "--threat", "firearm", "--sites", 3, "--architecture", "test_resnet",
         "-p", "n_rounds=1", "-p", "image_px=32")  # fmt: skip
    sites = [word for folder in folders for word in ("--site", f"{folder.name}={folder}")]

    def said_by(out: Path) -> list[str]:
        entries = decisions.read(out / "rehearsal" / "state" / folders[0].name / decisions.FILE)
        return [entry.facts["by"] for entry in entries if entry.facts]

    play("federate", "run", job, *sites, "--out", tmp_path / "here")
    assert said_by(tmp_path / "here") == []
    play("federate", "run", job, *sites, "--backend", "files", "--unattended", "--out", tmp_path / "files")
    assert said_by(tmp_path / "files") == ["unattended"]
    words = ["federate", "run", job, *sites, "--backend", "files", "--out", tmp_path / "refused"]
    done = runner.invoke(app, [str(word) for word in words], input="\n")
    assert isinstance(done.exception, Refused)
    assert "Site north does not release its weights: refused at the terminal" in str(done.exception)
