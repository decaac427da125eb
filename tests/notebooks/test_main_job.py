"""The main job, as a newcomer and as CI would run it: whole, repeated, interrupted, on real scans, without a network."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from xraybench import notebooks
from xraybench.report.html import external_references

pytestmark = pytest.mark.notebook

# notebooks that the main job does not run
BY_THEMSELVES = (
    "00_start_here",
    "15_the_scanner_bench",
    "16_where_it_starts_to_miss",
    "20_bring_in_scans",
    "25_describe_a_dataset",
    "41_evaluate_across_sites",
    "42_staged_learning",
)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for runs, as on a machine that never ran one."""
    return tmp_path_factory.mktemp("home")


def xraybench(home: Path, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-c", "from xraybench.cli import main; main()", *words],
        env={**os.environ, "XRAYBENCH_HOME": str(home)},
        capture_output=True,
        text=True,
    )
    if check:
        assert done.returncode == 0, done.stderr
    return done


def test_the_main_job_makes_a_board_and_cards_and_a_second_call_executes_nothing(home: Path) -> None:
    out = home / "published"
    first = json.loads(xraybench(home, "bench", "--profile", "smoke", "--out", str(out), "--json").stdout)
    assert first["notebooks executed"] > 0
    board, cards = out / "leaderboards", out / "model_cards"
    assert Path(first["board"]) == board / "site" / "index.html"
    for model in first["models"]:
        assert (cards / f"{model}.md").read_text().startswith("---\n")
        assert not external_references((cards / f"{model}.html").read_text())
        page = (out / "report_cards" / f"{model}.html").read_text()
        assert not external_references(page)
        assert len(page.encode()) <= 600_000
        assert json.loads((out / "report_cards" / f"{model}.json").read_text())["model"] == model
    assert not external_references((board / "site" / "index.html").read_text())

    again = json.loads(xraybench(home, "bench", "--profile", "smoke", "--out", str(out), "--json").stdout)
    assert again["notebooks executed"] == 0

    assert "all equal" in xraybench(home, "leaderboard", "check", "--recompute", "--board", str(board)).stderr
    told = xraybench(home, "compare", "mail-any-any-any", "fedavg", "fedavg-pooled", "--board", str(board)).stdout
    assert "threats" in told

    page = board / "site" / "index.html"
    page.write_text(page.read_text() + " ")
    assert xraybench(home, "leaderboard", "check", "--board", str(board), check=False).returncode == 1

    executed = sorted(p.parent for p in home.glob("*/done.json"))
    names = {p.name.rpartition("-")[0] for p in executed}
    assert names == set(notebooks.names()) - set(BY_THEMSELVES)
    for folder in executed:
        page_text = (folder / "notebook.html").read_text()
        assert not external_references(page_text), folder.name
        assert json.loads((folder / "environment.json").read_text())["torchvision_operators"] in (
            "native",
            "shim",
            "not loaded",
        )
    trained = [p / "environment.json" for p in executed if p.name.startswith("30_")]  # the classical one needs no torch
    assert {json.loads(path.read_text())["torchvision_operators"] for path in trained} - {"not loaded"}


@pytest.mark.parametrize("name", BY_THEMSELVES)
def test_a_newcomers_notebook_runs(name: str, home: Path) -> None:
    folder = Path(xraybench(home, "run", name).stdout.strip())
    assert (folder / "done.json").exists()
    outputs = [
        output
        for cell in json.loads((folder / "notebook.ipynb").read_text())["cells"]
        for output in cell.get("outputs", [])
    ]
    assert any("image/png" in o.get("data", {}) or "image/svg+xml" in o.get("data", {}) for o in outputs)
    assert not [o for o in outputs if o["output_type"] == "stream" and o["name"] == "stderr"]


@pytest.mark.real
def test_the_main_path_runs_on_real_scans_and_stays_apart_from_simulated_ones(home: Path, gdxray_crops: Path) -> None:
    mine = home / "gdxray"
    classes = "gun=firearm,razor_blade=blade,shuriken=blade,other=benign"
    xraybench(home, "data", "import", str(gdxray_crops), str(mine), "--classes", classes, "--vector", "baggage")
    assert "confounded" in xraybench(home, "data", "check", str(mine)).stdout
    options = ["-p", f"scans={mine}", "-p", "track=grey"]
    folder = home
    for model, architecture in (("real_classical", "classical"), ("real_net", "lcnet_050"), ("real_net-onnx", "")):
        asked = ["-p", f"architecture={architecture}", "-p", f"to_onnx={architecture == 'lcnet_050'}"]
        if not architecture:
            asked = ["-p", f"load_from={folder / 'onnx'}"]
        run = xraybench(home, "run", "30", *options, "-p", f"model={model}", *asked)
        folder = Path(run.stdout.strip())
        (kept,) = (folder / "results" / model).glob("baggage-any-any-unknown-v1@*.json")
        result = json.loads(kept.read_text())
        assert result["is_simulated"] is False
        assert any(row["metric"] == "auroc" for row in result["rows"])
        xraybench(home, "leaderboard", "build", "--board", str(folder))
        page = (folder / "site" / "index.html").read_text()
        assert model in page
        assert re.search(r"[Rr]eal scans|[Rr]eal data|[Ii]mported", page)


@pytest.mark.real
def test_real_scans_with_boxes_are_imported_from_coco(home: Path, compassxp: Path) -> None:
    mine = home / "compassxp"
    classes = "axe=blade,knife=blade,scissors=blade,thin-blade-tool=blade,power-tool=benign"
    xraybench(
        home,
        "data",
        "import",
        str(compassxp / "annotations.json"),
        str(mine),
        "--classes",
        classes,
        "--vector",
        "baggage",
    )
    run = xraybench(
        home,
        "run",
        "30",
        "-p",
        f"scans={mine}",
        "-p",
        "track=colour",
        "-p",
        "model=coco",
        "-p",
        "architecture=classical",
    )
    (kept,) = (Path(run.stdout.strip()) / "results" / "coco").glob("baggage-any-any-unknown-v1@*.json")
    result = json.loads(kept.read_text())
    pd = next(row for row in result["rows"] if row["metric"] == "pd")
    assert pd["value"] is None
    assert "too few" in pd["reason"]


def test_a_killed_run_leaves_earlier_ones_intact_and_the_next_call_finishes_it(home: Path, tmp_path: Path) -> None:
    place = tmp_path / "runs"
    code = "from xraybench.cli import main; main()"
    words = [sys.executable, "-c", code, "run", "10", "-p", "vectors=mail"]
    killed = subprocess.Popen(
        words, env={**os.environ, "XRAYBENCH_HOME": str(place)}, start_new_session=True, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    while not list(place.glob("datasets/*/pixels/*.npy")) and killed.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    assert not list(place.glob("10_*/done.json"))
    folder = Path(xraybench(place, "run", "10", "-p", "vectors=mail").stdout.strip())
    assert (folder / "done.json").exists()


def test_a_failing_claim_is_exit_code_1_and_the_half_run_notebook_is_kept(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from xraybench.core.errors import CheckFailed, UserError

    books = tmp_path / "notebooks"
    books.mkdir()
    cells = [
        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": "# Does it hold?"},
        _code("b", 'fault: str = "none"  # which fault to make', tags=["parameters"]),
        _code(
            "c",
            "from xraybench.core.errors import BadTable\n"
            'if fault == "input":\n    raise BadTable("preds.csv", ["row 3, score: 1.7 is outside [0, 1]"])',
        ),
        _code("d", 'assert fault != "claim", "the claim"'),
    ]
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    text = json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5})
    (books / "90_fault.ipynb").write_text(text)
    monkeypatch.setattr(notebooks, "folder", lambda: books)
    monkeypatch.setenv("XRAYBENCH_HOME", str(tmp_path / "runs"))
    with pytest.raises(CheckFailed, match="its closing claim does not hold: the claim") as told:
        notebooks.run("90", {"fault": "claim"})
    assert Path(str(told.value).rpartition("kept: ")[2]).exists()
    with pytest.raises(UserError, match=r"preds.csv: 1 fault") as told_input:
        notebooks.run("90", {"fault": "input"})
    assert told_input.value.exit_code == 2
    assert notebooks.run("90").was_executed
    assert not notebooks.run("90").was_executed


def _code(name: str, source: str, tags: list[str] | None = None) -> dict[str, object]:
    metadata = {"tags": tags} if tags else {}
    return {
        "cell_type": "code",
        "id": name,
        "metadata": metadata,
        "source": source,
        "outputs": [],
        "execution_count": None,
    }
