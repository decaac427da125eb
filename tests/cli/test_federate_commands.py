"""The commands of a federation by files, from the job to the model, as two administrations and a coordinator type them."""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image

from xraybench import cli, data
from xraybench.data import agreement as agreements
from xraybench.models.timm_net import load_timm_net

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    """A command: exit code, stdout, stderr."""

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["xraybench", "federate", *map(str, words)])
        monkeypatch.setattr(sys, "stdin", io.StringIO("Ada\n" * 9))  # the name of whoever lets the weights go
        try:
            cli.main()
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        told = capsys.readouterr()
        return code, told.out.strip(), told.err

    return run


@pytest.fixture
def sites(tmp_path: Path) -> dict[str, Path]:
    """Two dataset folders of a few images of noise."""
    found = {}
    rng = np.random.default_rng(0)
    for name in ("north", "south"):
        for class_name in ("gun", "nothing"):
            (tmp_path / "images" / name / class_name).mkdir(parents=True)
            for index in range(8):
                image = rng.integers(0, 255, (32, 32), dtype=np.uint8)
                Image.fromarray(image).save(tmp_path / "images" / name / class_name / f"{index}.png")
        classes = {"gun": "firearm", "nothing": "benign"}
        images = tmp_path / "images" / name
        found[name] = data.import_folder(
            images, name=name, vector="mail", classes=classes, out=tmp_path / "data" / name, quiet=True
        )
        (found[name] / agreements.FILE).write_text(agreements.template(name), encoding="utf-8")
    return found


NUMBERS = ("track=grey", "image_px=32", "full_scale=255", "n_rounds=1", "batch_size=4")


def make_job(call: Call, out: Path, *more: str, parent: Path | None = None) -> Path:
    words = [word for number in (*NUMBERS, *more) for word in ("-p", number)]
    words += ["--parent", str(parent)] if parent else []
    code, told, _ = call("job", out, "--threat", "firearm", "--sites", 2, "--architecture", "test_resnet", *words)
    assert (code, told) == (0, str(out))
    return out


def test_a_job_goes_out_by_files_and_comes_back_as_a_model(
    call: Call,
    sites: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job, run = make_job(call, tmp_path / "job.json"), tmp_path / "run"
    for name in ("coordinator", *sites):
        monkeypatch.setattr(sys, "argv", ["xraybench", "keys", "make", str(tmp_path / f"{name}.key")])
        cli.main()
    key, trusted = tmp_path / "coordinator.key", tmp_path / "coordinator.key.pub"
    who = [word for name in sites for word in ("--site", f"{name}={tmp_path / name}.key.pub")]
    capsys.readouterr()
    code, questions, _ = call("export", job, *who, "--key", key, "--out", run)
    assert code == 0
    for round_index in (0, 1):
        for name, folder in sites.items():
            answer = tmp_path / "answers" / name
            words = ["--data", folder, "--name", name, "--key", tmp_path / f"{name}.key", "--trust", trusted]
            assert call("site", Path(questions) / name, *words, "--out", answer)[0] == 0
        code, status, _ = call("status", run, "--json")
        assert (code, json.loads(status)["waits_for"]) == (0, ["north", "south"])
        code, questions, _ = call("merge", run, *(tmp_path / "answers" / name for name in sites), "--key", key)
        assert code == 0, round_index
    assert load_timm_net(Path(questions)).signature.training["backend"] == "files"
    assert "1 of 1 rounds are closed" in call("status", run)[1]
    code, told, _ = call("log", tmp_path / "state" / "decisions.jsonl", "--json")
    people = [entry["facts"]["by"] for entry in json.loads(told) if entry["facts"]]
    assert (code, people) == (0, ["Ada", "Ada"])  # once a site, whose logs lie together here


def test_a_job_runs_over_dataset_folders_on_one_machine(call: Call, sites: dict[str, Path], tmp_path: Path) -> None:
    job = make_job(call, tmp_path / "job.json")
    who = [word for name, folder in sites.items() for word in ("--site", f"{name}={folder}")]
    code, model, _ = call("run", job, *who, "--out", tmp_path / "run")
    assert code == 0
    assert load_timm_net(Path(model)).name == "job"
    second = make_job(call, tmp_path / "second.json", parent=Path(model))  # a job that starts from that model
    assert json.loads(second.read_text(encoding="utf-8"))["parent"]
    code, _, told = call("run", second, *who, "--out", tmp_path / "run2")
    assert (code, "starts from weights" in told) == (2, True)
    assert call("run", second, *who, "--out", tmp_path / "run2", "--init", model)[0] == 0


def test_a_budget_counts_over_all_runs(call: Call, sites: dict[str, Path], tmp_path: Path) -> None:
    pytest.importorskip("opacus", reason="opacus is not installed; it comes with xraybench[privacy]")
    job = make_job(call, tmp_path / "first.json")
    who = [word for name, folder in sites.items() for word in ("--site", f"{name}={folder}")]
    assert call("run", job, *who, "--out", tmp_path / "first")[0] == 0
    init = tmp_path / "first" / "model"
    names = ("second", "third")
    noisy = [make_job(call, tmp_path / f"{name}.json", "noise=2", parent=init) for name in names]
    agreed = sites["north"] / agreements.FILE
    agreed.write_text(agreed.read_text().replace("epsilon = 0.0", "epsilon = 2.5"), encoding="utf-8")
    code, _, told = call("run", noisy[0], *who, "--init", init, "--out", tmp_path / "second")
    assert code == 2
    assert "The agreements of north set a privacy budget, which counts over all runs" in told
    assert not (tmp_path / "second").exists()
    kept = ("--state", tmp_path / "state", "--init", init)
    code, _, told = call("run", noisy[0], *who, *kept, "--out", tmp_path / "second")
    assert code == 0, told
    code, _, told = call("run", noisy[1], *who, *kept, "--out", tmp_path / "third")
    assert code == 2
    assert "are spent, and its agreement allows 2.5" in told
    assert not (tmp_path / "third").exists()


def test_a_job_written_by_hand_is_held_to_the_same_rules(call: Call, tmp_path: Path) -> None:
    job = make_job(call, tmp_path / "job.json")
    told = json.loads(job.read_text(encoding="utf-8")) | {"name": "a/b", "threats": ["gun"], "image_px": 10**11}
    job.write_text(json.dumps(told), encoding="utf-8")
    code, _, told = call("run", job, "--site", "a=b", "--out", tmp_path / "run")
    assert code == 2
    assert all(field in told for field in ("name: ", "threats.0: Value error, No threat is called 'gun'", "image_px: "))


def test_a_device_that_is_not_there_is_named_before_anybody_is_asked(
    call: Call, sites: dict[str, Path], tmp_path: Path
) -> None:
    words = ("--data", sites["north"], "--name", "north", "--key", tmp_path / "k", "--trust", tmp_path / "t")
    code, _, told = call("site", tmp_path / "question", *words, "--out", tmp_path / "answer", "--device", "cuda:99")
    assert (code, "Device 'cuda:99' is not to be had here" in told) == (2, True)


def test_a_prompt_that_nobody_answers_is_a_refusal_in_the_log(
    call: Call, sites: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job(call, tmp_path / "job.json")
    who = [word for name, folder in sites.items() for word in ("--site", f"{name}={folder}")]
    monkeypatch.setattr("typer.prompt", lambda *_, **__: (_ for _ in ()).throw(typer.Abort()))
    code, _, told = call("run", job, *who, "--out", tmp_path / "run", "--state", tmp_path / "state")
    assert (code, "nobody answered at the terminal" in told) == (2, True)
    last = (tmp_path / "state" / "north" / "decisions.jsonl").read_text(encoding="utf-8").splitlines()[-1]
    assert (json.loads(last)["allowed"], json.loads(last)["reason"]) == (False, "nobody answered at the terminal")


def test_nobody_at_a_site_with_real_scans_is_no_consent(call: Call, sites: dict[str, Path], tmp_path: Path) -> None:
    job = make_job(call, tmp_path / "job.json")
    who = [word for name, folder in sites.items() for word in ("--site", f"{name}={folder}")]
    code, _, told = call("run", job, *who, "--out", tmp_path / "run", "--unattended")
    assert code == 2
    assert "Site north does not release its weights: its scans are real" in told
    assert not list((tmp_path / "run").glob("round_*"))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("run", "job.json"), "needs --site NAME=FOLDER"),
        (("run", "job.json", "--site", "a=b", "--out", "o", "--backend", "pigeon"), "Backend 'pigeon' does not run"),
        (("site", "nothing", "--data", "d"), "nothing is no start-up kit"),
        (("status", "nothing"), "nothing: no federated run"),
        (("merge", "nothing", "--key", "k"), "nothing: no federated run of files"),
        (("export", "nothing.json", "--site", "a=k.pub", "--key", "k", "--out", "o"), "there is no such file"),
        (("job", "j.json", "--threat", "firearm", "--sites", "3", "-p", "n_round=5"), "Did you mean 'n_rounds'?"),
        (("coordinate", "nothing", "job.json", "--out", "o"), "job.json"),
        (("run", "job.json", "--site", "a=b", "--out", "o", "-p", "seed=3"), "-p is of notebook 40"),
        (("run", "--site", "a=b", "--out", "o"), "Without a job, notebook 40 is run, which takes -p only"),
        (("run", "job.json", "--site", "a=b", "--site", "a=c", "--out", "o"), "a is given twice"),
        (("run", "job.json", "--site", "a=", "--out", "o"), "--site a=: the path is missing"),
        (("export", "job.json", "--site", "a=b", "--site", "a=c", "--key", "k", "--out", "o"), "a is given twice"),
        (("job", ".", "--threat", "firearm", "--sites", "3", "-p", "name=x"), "is a folder; a file is right"),
        (("job", "j.json", "--threat", "firearm", "--sites", "0"), "at least one site; got 0"),
        (("job", "j.json", "--threat", "firearm", "--sites", "3", "-p", "threats=blade"), "is said by --threat"),
        (("job", "j.json", "--threat", "firearm", "--sites", "3", "-p", "n_sites=4"), "is said by --sites"),
        (
            ("job", "j.json", "--threat", "firearm", "--sites", "3", "-p", "seed=1", "-p", "seed=2"),
            "seed is given twice",
        ),
        (("job", "j.json", "--threat", "firearm", "--sites", "3", "-p", "purpose=trainin"), "Did you mean 'training'?"),
        (("job", "j.json", "--threat", "firearm", "--sites", "3", "-p", "name=a/b"), "name: String should match"),
        (("job", "j.json", "--threat", "firearm", "--sites", "3", "-p", "image_px=100"), "a multiple of 32"),
        (
            ("job", "j.json", "--threat", "firearm", "--sites", "3", "-p", "image_px=99968"),
            "less than or equal to 4096",
        ),
        (("site", "nothing", "--data", "d", "--threads", "0"), "--threads"),
        (
            ("site", "q", "--data", "d", "--name", "a", "--key", "k", "--trust", "t", "--out", "o", "--model", "m"),
            "--model goes with a start-up kit",
        ),
        (("evaluate", "e", "--key", "k", "--kit", "c"), "Give --kit to evaluate over the network, or --key"),
        (("evaluate", "e", "folder", "--kit", "c"), "there are no answers to bring"),
        (("agreement", "no rth", "--party", "a b"), "got 'no rth', 'a b'"),
    ],
)
def test_what_is_missing_is_said_in_a_sentence(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = call(*words)
    assert (code, out) == (2, "")
    assert told in err
