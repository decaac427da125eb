"""Result files: what is saved comes back, and what is broken is told, all at once."""

import json
import math
from pathlib import Path

import pytest
from made_results import MODELS, rank_file, result_file
from pandas.testing import assert_frame_equal

from xraybench.core.documents import ResultFile, ResultRow
from xraybench.core.errors import BadFile, BadValue, UnknownName
from xraybench.report import results

TASK = "mail-any-any-any-v1"


def a_file(**changed: object) -> ResultFile:
    return result_file(TASK, MODELS[0]).model_copy(update=changed)


def test_a_result_file_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    saved = a_file()
    path = results.save(saved, tmp_path)
    assert path == tmp_path / MODELS[0].name / f"{TASK}.json"
    (back,) = results.load_results(tmp_path)
    assert back.model_dump_json() == saved.model_dump_json()


def test_a_result_file_has_one_line_a_number(tmp_path: Path) -> None:
    saved = a_file()
    lines = results.save(saved, tmp_path).read_text().splitlines()
    assert sum('"metric"' in line for line in lines) == len(saved.rows)
    assert json.loads("\n".join(lines))["task"] == TASK


def test_an_undefined_number_is_null_on_disk_and_nan_with_its_reason_in_memory(tmp_path: Path) -> None:
    path = results.save(a_file(), tmp_path)
    stored = [row for row in json.loads(path.read_text())["rows"] if row.get("slice_value") == "large"]
    assert stored[0]["value"] is None
    row = results.find(results.load_results(tmp_path)[0], "pd", 0.05, "size", "large")
    assert row is not None
    assert math.isnan(row.value)
    assert row.reason == "too few: 12 threats, 29 are needed"


def test_every_broken_file_is_named_at_once(tmp_path: Path) -> None:
    good = results.save(a_file(), tmp_path)
    (tmp_path / "truncated").mkdir()
    (tmp_path / "truncated" / f"{TASK}.json").write_text(good.read_text()[:300])
    (tmp_path / "someone-else").mkdir()
    (tmp_path / "someone-else" / f"{TASK}.json").write_text(good.read_text())
    silent = a_file(model="silent", rows=[_row(value=math.nan, reason="")])
    results.save(silent, tmp_path)
    with pytest.raises(BadFile) as told:
        results.load_results(tmp_path)
    message = str(told.value)
    assert "3 faults" in message
    assert f"truncated/{TASK}.json" in message
    assert f"the file says '{MODELS[0].name}', its folder says 'someone-else'" in message
    assert "the value is null and no reason is given" in message


def test_a_number_that_stands_twice_is_a_fault(tmp_path: Path) -> None:
    results.save(a_file(rows=[_row(), _row()]), tmp_path)
    with pytest.raises(BadFile, match="stands twice"):
        results.load_results(tmp_path)


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="no such folder"):
        results.load_results(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["../up", "a/b", "=SUM(A1)", "_ranks", "<b>", "", "x" * 81])
def test_a_model_name_that_is_no_name_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadValue, match="model name"):
        results.save(a_file(model=name), tmp_path)
    assert list(tmp_path.rglob("*.json")) == []


def test_a_task_id_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadValue, match="no task id"):
        results.save(a_file(task="../mail-any-any-any-v1"), tmp_path)


def test_the_id_of_an_imported_task_is_read() -> None:
    task = results.task_of("baggage-firearm-any-line-3-east-v2")
    assert (task.vector, task.threat, task.sensor, task.version) == ("baggage", "firearm", "line-3-east", 2)


def test_a_table_prints_value_interval_and_count() -> None:
    file = a_file(rows=[_row(value=0.8333, low=0.7912, high=0.8649, n_items=480, n_threats=480)])
    table = results.table(file)
    assert list(table.loc[0, ["task", "model", "pd at pfa 0.05", "n_threats"]]) == [
        TASK,
        MODELS[0].name,
        "0.83 [0.79, 0.86]",
        480,
    ]


def test_a_table_of_slices_prints_why_a_slice_has_no_number() -> None:
    table = results.table(a_file(), slices="size").set_index("size")
    assert table.loc["large", "pd at pfa 0.05"] == "n/a"
    assert table.loc["large", "reason"] == "too few: 12 threats, 29 are needed"


def test_one_file_and_a_list_of_it_give_the_same_table() -> None:
    assert_frame_equal(results.table(a_file()), results.table([a_file()]))


def test_the_long_table_has_a_row_for_every_number() -> None:
    frame = results.frame([a_file(), a_file(model="other")])
    assert len(frame) == 2 * len(a_file().rows)
    assert list(frame.columns) == list(results.FRAME_COLUMNS)


def test_every_metric_of_the_whole_task_is_listed_once() -> None:
    table = results.every_metric(a_file())
    assert table["measure"].is_unique
    assert {"pd at pfa 0.05", "AUROC", "latency, median, ms"} <= set(table["measure"])


def test_ranks_are_listed_from_the_best_band_on() -> None:
    ranked = rank_file([result_file(TASK, model) for model in MODELS[:5]])
    table = results.rank_table(ranked)
    assert list(table["band"]) == sorted(table["band"])
    assert table["model"].iloc[-1] == "classical-raw"


def test_without_a_name_the_model_that_finds_most_is_taken(made_board: Path) -> None:
    best = results.main_result("", made_board)
    every = [f for f in results.load_results(made_board / "results") if f.task == best.task]
    pds = {f.model: results.find(f, "pd", 0.05) for f in every}
    assert pds[best.model] == max(pds.values(), key=lambda row: row.value if row else 0)


def test_the_widest_task_of_a_model_is_its_main_result(made_board: Path) -> None:
    assert results.main_result("classical-raw", made_board).task == TASK


def test_an_unknown_model_is_answered_with_the_nearest(made_board: Path) -> None:
    with pytest.raises(UnknownName, match="Did you mean 'classical-raw'"):
        results.main_result("clasical-raw", made_board)


def test_the_folders_beside_the_results_are_no_models(made_board: Path) -> None:
    assert results.models_on(made_board) == sorted(m.name for m in (MODELS[0], MODELS[1], MODELS[4], MODELS[5]))


def _row(**changed: object) -> ResultRow:
    values: dict[str, object] = {
        "metric": "pd",
        "at": 0.05,
        "value": 0.5,
        "low": 0.4,
        "high": 0.6,
        "interval": "Wilson",
    }
    return ResultRow(**{**values, "n_items": 100, "n_threats": 100, **changed})
