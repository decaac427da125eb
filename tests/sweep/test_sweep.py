"""A grid of notebook runs: what it holds, what it refuses before it starts, and what a failed run leaves."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from xraybench import sweep
from xraybench.core.errors import BadFile, BadParameter
from xraybench.notebooks import DONE, EXECUTED
from xraybench.sweep import Step

WORKFLOW = Path(__file__).resolve().parents[2] / "workflow"


def cell(kind: str, source: str, **metadata: object) -> dict[str, object]:
    code = {"outputs": [], "execution_count": None} if kind == "code" else {}
    return {"cell_type": kind, "id": str(abs(hash(source)))[:8], "metadata": metadata, "source": source, **code}


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with one notebook, which fails for an even number unless a file says otherwise."""
    root = tmp_path / "checkout"
    (root / "leaderboards").mkdir(parents=True)
    (root / "notebooks").mkdir()
    cells = [
        cell("markdown", "# Is it odd?"),
        cell("code", 'number: int = 1  # what is asked\nout: str = ""  # where it writes', tags=["parameters"]),
        cell("code", "from pathlib import Path\n\nprint('asked', number)"),
        cell("code", "assert number % 2 or Path('mended').exists()"),
    ]
    book = {"cells": cells, "metadata": {"language_info": {"name": "python"}}, "nbformat": 4, "nbformat_minor": 5}
    (root / "notebooks" / "01_is_it_odd.ipynb").write_text(json.dumps(book))
    monkeypatch.chdir(root)
    monkeypatch.setenv("XRAYBENCH_HOME", str(tmp_path / "runs"))
    return root


def test_a_grid_is_every_notebook_with_every_combination() -> None:
    steps = sweep.grid(["30", "40"], {"seed": [0, 1], "track": ["raw", "colour", "grey"]})
    assert len(steps) == 12
    assert len({(s.notebook, *s.parameters.items()) for s in steps}) == 12
    assert sweep.grid(["30"], {}) == [Step("30", {})]


def test_a_matrix_file_is_the_grids_in_it(tmp_path: Path) -> None:
    path = tmp_path / "matrix.yaml"
    path.write_text("- notebook: 10\n- {notebook: 30_x, stage: 1, parameters: {seed: [0, 1], profile: [smoke]}}\n")
    assert sweep.read_matrix(path) == [
        Step("10"),
        Step("30_x", {"seed": 0, "profile": "smoke"}, 1),
        Step("30_x", {"seed": 1, "profile": "smoke"}, 1),
    ]


def test_all_faults_of_a_matrix_are_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "matrix.yaml"
    path.write_text("- {notebook: 30, parameters: {seed: 0}, threads: 2}\n- {stage: 1}\n- {notebook: 1, stage: late}\n")
    with pytest.raises(BadFile, match="4 fault") as told:
        sweep.read_matrix(path)
    for words in ("entry 1: 'threads' is unknown", "entry 1: parameters, seed: a list", "entry 2:", 'stage: "late"'):
        assert words in str(told.value)


@pytest.mark.parametrize(
    ("text", "words"), [("", "a list of grids"), ("[", "not YAML"), ("[" * 3000, "not YAML"), (None, "no such file")]
)
def test_what_is_no_matrix_is_refused(tmp_path: Path, text: str | None, words: str) -> None:
    if text is not None:
        (tmp_path / "m.yaml").write_text(text)
    with pytest.raises(BadFile, match=words):
        sweep.read_matrix(tmp_path / "m.yaml")


def test_wrong_names_and_values_are_told_together_before_anything_starts(repository: Path) -> None:
    steps = [Step("01", {"nubmer": 1}), Step("01", {"number": "one"}), Step("02"), Step("01", {"number": 3})]
    with pytest.raises(BadParameter, match="Did you mean 'number'") as told:
        sweep.sweep(steps)
    assert "'one' is not of type int" in str(told.value)
    assert "No notebook is called '02'" in str(told.value)
    assert not list(repository.parent.glob("runs/*"))


def test_the_same_run_asked_for_twice_is_one_run(repository: Path) -> None:
    pairs = sweep.planned([Step("01", {"number": 1}), Step("01_is_it_odd", {"number": "1"}), Step("01")])
    assert len(pairs) == 1


def test_the_shipped_matrix_asks_for_notebooks_that_are_there() -> None:
    pairs = sweep.planned(sweep.read_matrix(WORKFLOW / "matrix.yaml"))
    assert {step.stage for step, _ in pairs} == {0, 1}
    assert [step.stage for step, _ in pairs] == sorted(step.stage for step, _ in pairs)


@pytest.mark.notebook
def test_a_failed_run_keeps_its_notebook_stops_no_other_and_is_the_only_one_repeated(repository: Path) -> None:
    steps = [*sweep.grid(["01"], {"number": [1, 2]}), Step("01", {"number": 3}, stage=1)]
    first = sweep.sweep(steps, jobs=2, quiet=True)
    ended = {outcome.step.parameters["number"]: outcome for outcome in first}
    assert ended[1].error == ""
    assert "closing claim does not hold" in ended[2].error
    assert ended[3].error == "not started: an earlier stage failed"
    assert "asked" in (ended[2].folder / EXECUTED).read_text()
    assert not (ended[2].folder / DONE).exists()
    assert "FAILED 01 -p number=2" in sweep.report(first)
    (repository / "mended").touch()
    again = sweep.sweep(steps, jobs=2, quiet=True)
    assert [(o.step.parameters["number"], o.was_executed, o.error) for o in sorted(again, key=str)] == [
        (1, False, ""),
        (2, True, ""),
        (3, True, ""),
    ]
    assert sweep.report(again) == "2 runs executed, 1 kept from earlier calls, 0 failed"


@pytest.mark.slow
@pytest.mark.notebook
def test_the_workflow_runs_the_matrix_resumes_by_files_and_keeps_the_notebook_of_a_failed_job(
    repository: Path, tmp_path: Path
) -> None:
    snakemake = os.environ.get("SNAKEMAKE") or shutil.which("snakemake")
    if not snakemake:
        pytest.skip("snakemake is not installed; set SNAKEMAKE to the one of its own environment")
    (repository / "m.yaml").write_text("- {notebook: '01', parameters: {number: [1, 2]}}\n")
    ours = tmp_path / "xraybench"
    ours.write_text(f"#!{sys.executable}\nfrom xraybench.cli import main\n\nmain()\n")
    ours.chmod(0o755)
    command = [snakemake, "-s", str(WORKFLOW / "Snakefile"), "--cores", "2", "--keep-going"]
    command += ["--config", "matrix=m.yaml", f"xraybench={ours}"]

    def play() -> subprocess.CompletedProcess[str]:
        paths = os.pathsep.join([str(WORKFLOW.parent), *filter(None, [os.environ.get("PYTHONPATH")])])
        return subprocess.run(
            command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": paths}
        )

    one, two = (folder for _, folder in sweep.planned(sweep.grid(["01"], {"number": [1, 2]})))
    assert play().returncode != 0
    assert (one / DONE).exists()
    assert not (two / DONE).exists()
    assert "asked" in (two / EXECUTED).read_text()
    before = (one / DONE).stat().st_mtime_ns
    (repository / "mended").touch()
    assert play().returncode == 0
    assert (two / DONE).exists()
    assert (one / DONE).stat().st_mtime_ns == before
    assert "Nothing to be done" in play().stderr
