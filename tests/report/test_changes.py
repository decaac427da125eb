"""What a pull request changes on a board is told: models, numbers beyond noise, ranks, tasks, and what is gone."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from xraybench.core.documents import ResultRow
from xraybench.core.errors import BadFile
from xraybench.metrics.intervals import wilson
from xraybench.report import changes
from xraybench.report.changes import Changes, render, sides_of
from xraybench.report.suites import SuiteFile, SuiteRow, save_suite

MAIN = "mail-any-any-any-v1"


@pytest.fixture
def new(small_board: Path, tmp_path: Path) -> Path:
    """A copy of the small board, to be changed."""
    return shutil.copytree(small_board, tmp_path / "new" / "leaderboards")


def changed(old: Path | str, new: Path) -> Changes:
    with sides_of(str(old), new) as sides:
        return changes.changes(sides)


def edit(board: Path, model: str, task: str = MAIN, **fields: object) -> None:
    """Change fields of a result file; `row` is merged into its first row."""
    path = board / "results" / model / f"{task}.json"
    told = json.loads(path.read_text())
    told["rows"][0].update(fields.pop("row", {}))  # type: ignore[call-overload]
    path.write_text(json.dumps({**told, **fields}))


def test_nothing_changed_is_said_so(small_board: Path, new: Path) -> None:
    found = changed(small_board, new)
    assert found.is_none
    assert "Nothing: 12 result files are as they were." in render(found)


def test_new_and_removed_models_and_results_are_named(small_board: Path, new: Path) -> None:
    shutil.move(new / "results/rival", new / "results/other")
    for path in (new / "results/other").glob("*.json"):
        path.write_text(path.read_text().replace('"model": "rival"', '"model": "other"'))
    (new / "results/acme-v1" / f"{MAIN}.json").unlink()
    found = changed(small_board, new)
    assert (found.new_models, found.gone_models) == (("other",), ("rival",))
    assert found.gone_results == (("acme-v1", MAIN),)
    assert found.new_results == ()
    page = render(found)
    assert "## New models (1)" in page
    assert f"| other | {MAIN} | raw | 0." in page
    assert "## Removed models (1)\n\n- rival" in page
    assert f"## Removed results (1)\n\n- acme-v1 on {MAIN}" in page
    back = changed(new, small_board)
    assert back.new_results == (("acme-v1", MAIN),)


def test_a_number_that_moved_without_new_predictions_is_told_first(small_board: Path, new: Path) -> None:
    edit(new, "rival", row={"value": 0.99, "low": 0.98, "high": 1.0})
    found = changed(small_board, new)
    (moved,) = found.numbers
    assert (moved.why, moved.is_main, moved.is_beyond_noise) == (changes.OTHER_CODE, True, True)
    page = render(found)
    assert page.index("Moved without new predictions (1)") < page.index("edited by hand") < page.index("| rival |")
    assert "**beyond noise**" in page


def test_a_number_within_noise_is_called_so(small_board: Path, new: Path) -> None:
    row = json.loads((small_board / "results/rival" / f"{MAIN}.json").read_text())["rows"][0]
    edit(new, "rival", predictions_digest="another", row={key: row[key] + 0.01 for key in ("value", "low", "high")})
    found = changed(small_board, new)
    (moved,) = found.numbers
    assert (moved.why, moved.is_beyond_noise) == (changes.OTHER_PREDICTIONS, False)
    assert "within noise" in render(found)
    assert "Moved without new predictions" not in render(found)


def test_numbers_on_other_data_are_not_subtracted_and_the_task_is_named(small_board: Path, new: Path) -> None:
    for model in ("acme-v1", "acme-v2", "rival"):
        path = new / "results" / model / f"{MAIN}.json"
        corpora = json.loads(path.read_text())["corpora"]
        edit(new, model, corpora={**corpora, "mail-mail_140kv": "f" * 32}, row={"value": 0.5, "low": 0.4, "high": 0.6})
    found = changed(small_board, new)
    assert {moved.why for moved in found.numbers} == {changes.OTHER_DATA}
    assert not any(moved.is_beyond_noise for moved in found.numbers)
    (task,) = found.tasks
    assert task.startswith(f"{MAIN}: corpus mail-mail_140kv ")
    assert task.endswith("is now ffffffffffff")
    assert "## Changed tasks (1)" in render(found)


def test_an_operating_point_profile_or_seed_that_changed_is_a_changed_task(small_board: Path, new: Path) -> None:
    for model in ("acme-v1", "acme-v2", "rival"):
        edit(new, model, seed=1, thresholds={"0.02": 0.5})
    (task,) = changed(small_board, new).tasks
    assert "profile smoke, seed 0 is now smoke, seed 1" in task
    assert "operating points pfa 0.01, 0.05 are now 0.02" in task


def test_rank_sets_that_moved_are_told_and_whether_they_overlap(small_board: Path, new: Path) -> None:
    path = new / f"results/_ranks/raw/{MAIN}.json"
    told = json.loads(path.read_text())
    before = {row["model"]: (row["rank_low"], row["rank_high"]) for row in told["rows"]}
    told["rows"] = [{**row, "rank_low": 7, "rank_high": 8} for row in told["rows"]]
    path.write_text(json.dumps(told))
    found = changed(small_board, new)
    assert {(move.model, move.old, move.new) for move in found.ranks} == {(m, r, (7, 8)) for m, r in before.items()}
    assert all(move.is_apart for move in found.ranks)
    assert "**apart**" in render(found)


def test_a_rank_over_the_whole_suite_that_moved_stands_first(small_board: Path, new: Path, tmp_path: Path) -> None:
    old = shutil.copytree(small_board, tmp_path / "old" / "leaderboards")
    for board, (low, high) in ((old, (1, 3)), (new, (7, 8))):
        row = SuiteRow(
            model="acme-v1",
            value=0.5,
            low=0.4,
            high=0.6,
            n_tasks=1,
            n_missing=0,
            rank_low=low,
            rank_high=high,
            parts=[0.5],
        )
        suite = SuiteFile(
            vector="mail", track="raw", profile="smoke", seed=0, method="m", policy="worst", policy_text="p",
            n_replicates=0, corpora={}, predictions={}, tasks=[MAIN], counts=[True], rows=[row],
        )  # fmt: skip
        save_suite(suite, board / "results")
        ranks = board / f"results/_ranks/raw/{MAIN}.json"
        told = json.loads(ranks.read_text())
        told["rows"] = [{**row, "rank_low": low, "rank_high": high} for row in told["rows"]]
        ranks.write_text(json.dumps(told))
    found = changed(old, new)
    lines = [line for line in render(found).splitlines() if line.endswith("| **apart** |")]
    assert lines[0] == "| acme-v1 | the whole suite of mail | raw | 1\N{EN DASH}3 | 7\N{EN DASH}8 | **apart** |"
    assert [MAIN in line for line in lines] == [False] + [True] * 3


def test_results_on_imported_data_are_compared_under_the_name_of_their_dataset(small_board: Path, new: Path) -> None:
    stem = "baggage-any-any-unknown-v1@made-up-12345678"
    for board, value in ((small_board, 0.5), (new, 0.9)):
        told = json.loads((board / "results/rival" / f"{MAIN}.json").read_text())
        row = {**told["rows"][0], "value": value, "low": value - 0.05, "high": value + 0.05}
        told.update(task=stem.partition("@")[0], dataset="made-up-12345678", is_simulated=False, rows=[row])
        (board.parent / f"{value}").mkdir(parents=True, exist_ok=True)
        side = board.parent / f"{value}" / "leaderboards" / "results" / "rival"
        side.mkdir(parents=True)
        (side / f"{stem}.json").write_text(json.dumps(told))
    found = changed(small_board.parent / "0.5/leaderboards", new.parent / "0.9/leaderboards")
    (moved,) = found.numbers
    assert (moved.task, moved.is_beyond_noise) == (stem, True)
    assert f"| rival | {stem} |" in render(found)


def test_an_undefined_number_that_becomes_defined_is_told_without_a_difference(small_board: Path, new: Path) -> None:
    edit(new, "rival", row={"value": None, "low": None, "high": None, "reason": "too few"})
    (moved,) = changed(small_board, new).numbers
    assert not moved.is_beyond_noise
    assert "| n/a | n/a |" in render(changed(small_board, new))


def test_the_interval_of_a_difference_is_newcombes() -> None:
    """Newcombe 1998, table II, example (a): 56 of 70 less 48 of 80, method 10: 0.0524 to 0.3339."""
    rows = []
    for k, n in ((48, 80), (56, 70)):
        ends = wilson(k, n)
        rows.append(
            ResultRow(metric="pd", value=k / n, low=ends.low, high=ends.high, interval="", n_items=n, n_threats=n)
        )
    difference, low, high = changes._difference(*rows)
    assert difference == pytest.approx(0.2)
    assert (low, high) == (pytest.approx(0.0524, abs=5e-5), pytest.approx(0.3339, abs=5e-5))


def test_a_base_may_be_a_git_revision_and_one_without_a_board_counts_as_empty(
    small_board: Path, tmp_path: Path
) -> None:
    root = tmp_path / "repository"
    root.mkdir()

    def git(*words: str) -> None:
        named = ["-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "init.defaultBranch=main"]
        subprocess.run(["git", *named, *words], cwd=root, check=True, capture_output=True)

    git("init")
    (root / "README").write_text("nothing yet")
    git("add", ".")
    git("commit", "-m", "no board")
    board = shutil.copytree(small_board, root / "leaderboards")
    git("add", ".")
    git("commit", "-m", "a board")
    assert changed("HEAD", board).is_none
    assert changed("HEAD~1", board).new_models == ("acme-v1", "acme-v2", "rival")
    edit(board, "rival", row={"value": 0.99, "low": 0.98, "high": 1.0})
    assert len(changed("HEAD", board).numbers) == 1
    with pytest.raises(BadFile, match=r"^nonsense: neither a folder nor what git knows"):
        changed("nonsense", board)


def test_a_base_without_results_is_no_board_whose_models_are_all_new(small_board: Path, tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="holds no results"):
        changed(tmp_path, small_board)
    board = shutil.copytree(small_board, tmp_path / "board")  # in no repository
    with pytest.raises(BadFile, match=r"^main: neither a folder nor what git knows"):
        changed("main", board)


def test_a_revision_that_looks_like_an_option_is_none(small_board: Path, tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="neither a folder"):
        changed("--output=x", small_board)


def test_long_lists_are_cut_and_counted(small_board: Path, new: Path) -> None:
    for number in range(60):
        made = shutil.copytree(new / "results/rival", new / f"results/clone-{number:02d}")
        for path in made.glob("*.json"):
            path.write_text(path.read_text().replace('"model": "rival"', f'"model": "clone-{number:02d}"'))
    page = render(changed(small_board, new))
    assert "## New models (60)" in page
    assert "... and 20 more." in page
