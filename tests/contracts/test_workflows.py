"""The workflows: valid to GitHub's schema, pinned, with the least rights; and the same check as a plain shell command."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "make"))

from small_board import write_small_board

from xraybench.bench import recompute_ranks
from xraybench.core.errors import CheckFailed

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
SCRIPT = ROOT / "scripts" / "check_board.sh"


def read(path: Path) -> dict[Any, Any]:
    found: dict[Any, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def steps(path: Path) -> list[dict[str, Any]]:
    return [step for job in read(path)["jobs"].values() for step in job["steps"]]


def schema_faults(text: str) -> list[str]:
    """What GitHub's schema, as check-jsonschema carries it, finds wrong with a workflow."""
    schema = files("check_jsonschema") / "builtin_schemas" / "vendor" / "github-workflows.json"
    judge = jsonschema.Draft7Validator(json.loads(schema.read_text(encoding="utf-8")))
    told = yaml.safe_load(text)
    told["on"] = told.pop(True)  # YAML 1.1 takes `on` for a truth value, GitHub does not
    return [error.message for error in judge.iter_errors(told)]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_is_valid_to_githubs_schema_and_misspelt_it_is_not(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert schema_faults(text) == []
    assert schema_faults(text.replace("runs-on:", "run-on:")) != []


def test_there_is_a_workflow_for_tests_one_for_the_board_and_one_that_comments() -> None:
    assert [path.name for path in WORKFLOWS] == ["board.yml", "comment.yml", "test.yml"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_by_full_commit_and_say_their_version(path: Path) -> None:
    used = re.findall(r"uses: (.*)", path.read_text(encoding="utf-8"))
    assert len(used) == sum("uses" in step for step in steps(path))
    for line in used:
        assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_has_no_secret_and_asks_for_the_least_rights(path: Path) -> None:
    text, told = path.read_text(encoding="utf-8"), read(path)
    triggers = told[True]  # YAML 1.1 takes `on` for a truth value
    assert "pull_request_target" not in triggers
    assert "secrets." not in text
    runs_strangers_code = "pull_request" in triggers
    assert told["permissions"] == ({"contents": "read"} if runs_strangers_code else {})
    for job in told["jobs"].values():
        assert job["timeout-minutes"] <= 60
        if runs_strangers_code:
            assert "permissions" not in job
            assert all(
                s["with"]["persist-credentials"] is False for s in job["steps"] if "checkout" in s.get("uses", "")
            )


def test_what_may_write_a_comment_runs_nothing_of_the_pull_request() -> None:
    (path,) = (path for path in WORKFLOWS if path.name == "comment.yml")
    assert read(path)["jobs"]["comment"]["permissions"] == {"actions": "read", "pull-requests": "write"}
    assert not any("checkout" in step.get("uses", "") for step in steps(path))
    for step in steps(path):  # what a stranger chose (a branch's name) reaches the shell as a variable only
        assert "${{" not in step.get("run", "")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_script_of_a_workflow_is_one_that_bash_reads(path: Path) -> None:
    for step in steps(path):
        if "run" in step:
            done = subprocess.run(["bash", "-n"], input=step["run"], capture_output=True, text=True)
            assert done.returncode == 0, (step["run"], done.stderr)


def test_the_comment_mentions_nobody_and_is_cut_to_length(tmp_path: Path) -> None:
    """The pipeline of comment.yml on a text that a stranger wrote."""
    (path,) = (path for path in WORKFLOWS if path.name == "comment.yml")
    (run,) = (step["run"] for step in steps(path) if "run" in step)
    pipeline = re.search(r"head -c 60000 board/changes\.md \|.*", run)
    assert pipeline is not None
    (tmp_path / "board").mkdir()
    (tmp_path / "board/changes.md").write_text("@everyone <!-- xraybench board -->" + "\N{EN DASH}" * 60000)
    done = subprocess.run(["bash", "-c", pipeline[0]], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "@" not in done.stdout
    assert "<!--" not in done.stdout
    assert len(done.stdout.encode()) < 65000


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This checkout's xraybench as one executable."""
    path = tmp_path_factory.mktemp("bin") / "xraybench"
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "from xraybench.cli import main; main()" "$@"\n')
    path.chmod(0o755)
    return path


def check_board(
    command: Path, out: Path, *words: str, board: Path, **settings: str
) -> subprocess.CompletedProcess[str]:
    told = {"XRAYBENCH": str(command), "OUT": str(out), "BOARD": str(board), "PYTHONPATH": str(ROOT), **settings}
    paths = os.pathsep.join(filter(None, [told["PYTHONPATH"], os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, **told, "PYTHONPATH": paths}
    return subprocess.run([str(SCRIPT), *words], env=environment, capture_output=True, text=True)


def test_the_shell_check_passes_a_true_board_and_names_what_was_tampered_with(command: Path, tmp_path: Path) -> None:
    task = "mail-any-any-any-v1"
    board = write_small_board(tmp_path / "a" / "leaderboards", task_ids=(task,))
    copy = shutil.copytree(board, tmp_path / "b" / "leaderboards")
    done = check_board(command, tmp_path / "out", str(copy), board=board)
    assert done.returncode == 0, done.stderr
    summary = (tmp_path / "out/changes.md").read_text()
    assert "- holds: every result and rank set is what the kept predictions give" in summary
    assert "Nothing: 3 result files are as they were." in summary
    assert (tmp_path / "out/site/index.html").read_bytes() == (board / "site/index.html").read_bytes()

    file = copy / "results/rival" / f"{task}.json"
    told = json.loads(file.read_text())
    told["rows"][0].update(value=0.99, low=0.98, high=1.0)
    file.write_text(json.dumps(told))
    done = check_board(command, tmp_path / "out", str(board), board=copy)
    assert done.returncode == 1
    summary = (tmp_path / "out/changes.md").read_text()
    assert f"rival on {task}" in done.stderr
    assert f"rival on {task}" in summary
    assert "Moved without new predictions (1)" in summary


def test_the_shell_check_says_what_is_wrong_with_its_own_input(command: Path, tmp_path: Path) -> None:
    done = check_board(command, tmp_path / "out", board=tmp_path)
    assert done.returncode == 2
    assert "holds no results" in done.stderr
    (tmp_path / "results").mkdir()
    done = check_board(tmp_path / "none", tmp_path / "out", board=tmp_path)
    assert (done.returncode, "run: make setup" in done.stderr) == (2, True)


def test_a_rank_set_that_the_predictions_do_not_give_is_named(tmp_path: Path) -> None:
    task = "mail-any-any-any-v1"
    board = write_small_board(tmp_path / "leaderboards", task_ids=(task,), with_site=False)
    assert "rank sets, curves and suite means made again: all equal" in recompute_ranks(board)
    ranks = board / f"results/_ranks/raw/{task}.json"
    told = json.loads(ranks.read_text())
    told["rows"][-1].update(rank_low=1)
    ranks.write_text(json.dumps(told))
    (board / f"results/_curves/raw/{task}.json").rename(board / "results/_curves/raw/mail-any-masked-any-v1.json")
    with pytest.raises(CheckFailed) as error:
        recompute_ranks(board)
    for fault in (
        f"_curves/raw/{task}.json: missing",
        f"_ranks/raw/{task}.json: is not what the predictions give",
        "_curves/raw/mail-any-masked-any-v1.json: no prediction gives it",
    ):
        assert fault in str(error.value)


@pytest.mark.slow
def test_the_shell_check_passes_the_committed_board(command: Path, tmp_path: Path) -> None:
    done = check_board(command, tmp_path / "out", "HEAD", board=ROOT / "leaderboards")
    assert done.returncode == 0, done.stderr
