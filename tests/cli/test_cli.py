"""The command line: quick, quiet on stdout, and clear when the input is wrong."""

import json
import math
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from xraybench import cli, doctor
from xraybench.core import workspace

REPOSITORY = workspace.repository()


def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str) -> tuple[int, str, str]:
    """Exit code, stdout, stderr of a command."""
    monkeypatch.setattr(sys, "argv", ["xraybench", *words])
    try:
        cli.main()
        code = 0
    except SystemExit as stop:
        code = int(stop.code or 0)
    told = capsys.readouterr()
    return code, told.out, told.err


@pytest.mark.parametrize("words", [["--help"], ["tasks"], ["sensors"], ["notebooks"]])
def test_listing_imports_nothing_heavy(words: list[str]) -> None:
    heavy = (
        "torch",
        "timm",
        "numpy",
        "pandas",
        "sklearn",
        "matplotlib",
        "papermill",
        "onnxruntime",
        "fairlearn",
        "numba",
    )
    code = (
        "import sys; sys.argv = ['xraybench', *sys.argv[1:]]\n"
        "from xraybench.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"sys.stderr.write(' '.join(m for m in {heavy!r} if m in sys.modules))"
    )
    allowed = {"notebooks": {"numpy"}}.get(words[0], set())
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    assert set(done.stderr.split()) <= allowed
    assert done.stdout


def test_every_command_has_a_help_text_and_stands_in_the_readme_or_a_notebook() -> None:
    documented = (REPOSITORY / "README.md").read_text() + "".join(
        p.read_text() for p in (REPOSITORY / "notebooks").glob("*.ipynb")
    )
    documented += (REPOSITORY / "ARCHITECTURE.md").read_text() + (REPOSITORY / "CONTRIBUTING.md").read_text()
    for info in cli.app.registered_commands:
        assert info.callback is not None
        name = info.name or info.callback.__name__
        assert info.callback.__doc__, name
        assert name in documented, name


def test_json_output_is_json_and_the_only_thing_on_stdout(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, _ = call(capsys, monkeypatch, "tasks", "--vector", "mail", "--json")
    assert code == 0
    found = json.loads(out)
    assert len(found) == 104
    assert found[0]["id"] == "mail-any-any-any-v1"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["tasks", "--vector", "mall"], "Did you mean 'mail'"),
        (["tasks", "--vectr", "mail"], "--vectr"),
        (["run", "30", "-p", "epoch=3"], "Did you mean 'epochs'"),
        (["run", "30_train"], "30_train_and_evaluate"),
        (["run", "30", "-p", "epochs"], "name=value"),
        (["bench", "--profile", "quik"], "quick"),
        (["bench", "--profile", "smoke", "--workers", "-1"], "--workers"),
        (["run", "30", "-p", "epochs=nan"], "'nan' is not of type float"),
        (["run", "30", "--threads", "-1"], "--threads"),
        (["sweep", "30", "--jobs", "0", "--plan"], "--jobs"),
        (["data", "make", "mail", "--profile", "smoke", "--workers", "-1"], "--workers"),
        (["data", "probe", "mail-mail_160kv", "--items", "-5"], "--items"),
        (["data", "card", "no-such-folder", "--least", "-4"], "--least"),
        (["data", "card", "no-such-folder", "--examples", "-1"], "--examples"),
        (["data", "make", "rail", "--profile", "smoke"], "rail"),
        (["data", "check", "no-such-folder"], "no-such-folder"),
        (["data", "sites", "no-such-folder", "--sites", "2"], "3 to 10 sites"),
        (["sweep"], "--matrix"),
        (["sweep", "--matrix", "grids.yaml", "-p", "seed=1"], "stand in its file"),
        (["run", "30", "-p", "seed=1", "-p", "epochs", "-p", "seed=2"], "seed is given twice, as '1' and as '2'"),
        (["data", "import", "in", "out", "--classes", "gun=firearm,gun=blade"], "gun is given twice"),
        (["data", "make", "mail\udce9"], "not UTF-8"),
        (
            ["data", "make", "mail", "--profile", "smoke", "--sensors", "foo,mail_16kv"],
            "called 'mail_16kv'. Did you mean",
        ),
        (["sweep", "30", "-p", "epoch=3", "-p", "epoch=4"], "Did you mean 'epochs'"),
        (["evaluate", "mail-any-any-mail_160kvv", "x.parquet"], "mail_160kv"),
        (["evaluate", "no/such/folder", "x.parquet"], "no/such/folder: there is no such dataset folder"),
        (["data", "report", "x.parquet/", "mail-mail_160kv", "out"], "x.parquet/: there is no such dataset folder"),
        (["card", "no-such-model", "--board", "no-such-board"], "no-such-model"),
        (["card", "build", "--board", "no-such-board"], "no-such-board/results: holds no result file"),
        (["card", "export", "m", "m.json", "--words", "no-such-file"], "no-such-file: there is no such file"),
        (["bench", "--workers", "-1"], "--workers"),
        (["bench", "--out", "pyproject.toml"], "pyproject.toml: is a file; a folder is right"),
        (["leaderboard", "report", "--show-real"], "--show-real goes with --scans"),
        (["card", "template", "../x"], "The model name '../x' is refused"),
        (["leaderboard", "report", "--board", "no-such-board"], "no-such-board/results: holds no result file"),
        (["leaderboard", "diff", "--base", "", "--board", "leaderboards"], ".: holds no results"),
        (["submit", "check", "mail-mail_160kv", "no-such-file.csv"], "no-such-file.csv: there is no such file"),
        (["keys", "make", ""], ".: is a folder. Name the new file"),
        (["keys", "id", "."], ".: is a folder; the file of a public key is right"),
        (["keys", "sign", "no-such-folder", "--key", "k"], "no-such-folder: there is no such folder"),
        (["federate", "log", "no-such-file"], "no-such-file: No such file or directory.\n"),
    ],
)
def test_wrong_input_is_one_clear_message_and_exit_code_2(
    words: list[str], expected: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, err = call(capsys, monkeypatch, *words)
    assert code == 2
    assert expected in err
    assert out == ""
    assert "Traceback" not in err


def test_a_group_without_a_command_answers_with_its_help(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, err = call(capsys, monkeypatch, "keys")
    assert (code, out) == (2, "")
    assert re.match(r"Usage: .*xraybench keys", err)
    assert "lists what a command takes" not in err


def test_an_undefined_number_is_null_in_json_output(capsys: pytest.CaptureFixture[str]) -> None:
    cli.put({"p": math.nan, "rows": [(1.0, math.nan)]}, "", as_json=True)
    assert json.loads(capsys.readouterr().out, parse_constant=pytest.fail) == {"p": None, "rows": [[1.0, None]]}


def test_ctrl_c_is_told_in_one_sentence(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("xraybench.notebooks.run", interrupted)
    code, _, err = call(capsys, monkeypatch, "run", "10")
    assert code == 130
    assert "interrupted. Call again and it goes on where it stopped." in err


def test_a_full_disk_is_told_in_one_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "runs/x")

    monkeypatch.setattr("xraybench.notebooks.run", full)
    code, _, err = call(capsys, monkeypatch, "run", "10")
    assert code == 2
    assert "runs/x: No space left on device. What was there before is intact." in err


def test_the_doctor_knows_every_dependency_of_pyproject() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    declared = {line.split(">")[0].split("<")[0].split("=")[0].strip() for line in project["dependencies"]}
    assert declared == set(doctor.REQUIRED)


def test_the_doctor_says_what_is_missing_and_what_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(doctor.REQUIRED, "no-such-package", ("no_such_module", "nothing at all"))
    rows = doctor.findings()
    missing = [row for row in rows if row["is_required"] and not row["is_installed"]]
    assert [row["name"] for row in missing] == ["no-such-package"]
    assert "MISSING" in doctor.text(rows)


def test_the_lab_is_started_on_the_notebooks_without_news_or_update_checks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XRAYBENCH_HOME", str(tmp_path))
    seen: dict[str, object] = {}
    monkeypatch.setattr("subprocess.call", lambda command, env: seen.update(command=command, env=env) or 0)
    assert doctor.open_lab() == 0
    config = json.loads((tmp_path / "lab" / "jupyter_lab_config.json").read_text())
    assert config["LabApp"]["news_url"] is None
    assert "NeverCheckForUpdate" in config["LabApp"]["check_for_updates_class"]
    assert any("00_start_here" in word for word in seen["command"])


def test_the_probe_tells_its_auroc_and_fails_where_the_interval_leaves_chance(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("data", "probe", "mail-mail_160kv", "--items", "64", "--json")
    code, out, err = call(capsys, monkeypatch, *words)
    (found,) = json.loads(out)
    assert (found["corpus"], found["target"]) == ("mail-mail_160kv", "any")
    assert found["low"] <= found["auroc"] <= found["high"]
    assert code == 1 and "can be told, or might be" in err  # 64 items cannot show chance within 0.05


def test_engine_and_sensors_of_a_corpus_can_be_chosen_and_a_wrong_one_is_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XRAYBENCH_HOME", str(tmp_path))
    code, _, err = call(capsys, monkeypatch, "data", "make", "mail", "--engine", "quick")
    assert code == 2 and "strict, fast" in err
    code, _, err = call(capsys, monkeypatch, "data", "make", "mail", "--sensors", "mail_160kv,container_6mev")
    assert code == 2 and "does not scan 'mail'" in err
