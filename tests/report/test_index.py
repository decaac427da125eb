"""The columnar index: every number of the files, the same bytes each time, and what changed since."""

import os
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from made_results import MODELS, result_file

from xraybench.core.errors import BadFile
from xraybench.report import index, results

TASK = "mail-any-any-any-v1"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Results of three models on one task and of one on another."""
    for model in MODELS[:3]:
        results.save(result_file(TASK, model), tmp_path)
    results.save(result_file("mail-blade-any-any-v1", MODELS[0]), tmp_path)
    return tmp_path


def shard(folder: Path) -> pa.Table:
    return index.read_shard(folder, TASK, [model.name for model in MODELS[:3]])


def test_pandas_reads_every_number_of_the_files_from_the_shard(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "one.parquet").write_bytes(index.shard_bytes(shard(folder)))
    table = pd.read_parquet(tmp_path / "data")
    files = [file for file in results.load_results(folder) if file.task == TASK]
    rows = [
        (file, row) for file in sorted(files, key=lambda f: table["model"].tolist().index(f.model)) for row in file.rows
    ]
    assert len(table) == len(rows)
    for (_, told), (file, row) in zip(table.iterrows(), rows, strict=True):
        assert (told["model"], told["metric"], told["slice_value"]) == (file.model, row.metric, row.slice_value)
        assert told["value"] == pytest.approx(row.value, abs=1e-5, nan_ok=True)
        assert told["predictions_digest"] == file.predictions_digest
        assert told["reason"] == row.reason


def test_the_same_files_give_the_same_bytes_and_are_read_back_the_same(folder: Path, tmp_path: Path) -> None:
    first, second = index.shard_bytes(shard(folder)), index.shard_bytes(shard(folder))
    assert first == second
    back = index.load_shard(pa.BufferReader(first))
    assert back.to_pylist() == shard(folder).to_pylist()
    assert index.shard_bytes(back) == first


def test_all_broken_files_of_a_task_are_named_at_once(folder: Path) -> None:
    (folder / MODELS[0].name / f"{TASK}.json").write_text("{")
    (folder / MODELS[1].name / f"{TASK}.json").write_bytes((folder / MODELS[2].name / f"{TASK}.json").read_bytes())
    with pytest.raises(BadFile, match="2 faults in the files of results") as told:
        shard(folder)
    assert MODELS[0].name in str(told.value)
    assert f"the file says '{MODELS[2].name}', its folder says '{MODELS[1].name}'" in str(told.value)


def test_a_file_that_is_no_shard_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.parquet").write_text("hello")
    with pytest.raises(BadFile, match="not a shard"):
        index.load_shard(tmp_path / "x.parquet")


def test_a_scan_tells_which_tasks_changed(folder: Path) -> None:
    before = index.scan(folder)
    assert before.stems() == {
        TASK: sorted(model.name for model in MODELS[:3]),
        "mail-blade-any-any-v1": [MODELS[0].name],
    }
    assert index.scan(folder).changed_since(before) == set()
    (folder / MODELS[0].name / "mail-blade-any-any-v1.json").unlink()
    assert index.scan(folder).changed_since(before) == {"mail-blade-any-any-v1"}


def test_a_file_edited_in_place_to_the_same_size_is_seen(folder: Path) -> None:
    before = index.scan(folder)
    path = folder / MODELS[0].name / f"{TASK}.json"
    content = path.read_bytes()
    with path.open("r+b") as file:
        file.write(content.replace(b"0.7", b"0.8"))
    os.utime(path, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns + 1))  # as a clock of fine steps would tell
    assert index.scan(folder).changed_since(before) == {TASK}


def test_notes_are_read_back_and_lost_ones_are_none(folder: Path, tmp_path: Path) -> None:
    assert index.read_notes(tmp_path / "board") is None
    index.write_notes(tmp_path / "board", index.scan(folder))
    assert index.read_notes(tmp_path / "board") == index.scan(folder)


def test_the_first_number_that_moved_is_told(folder: Path) -> None:
    before = shard(folder)
    file = result_file(TASK, MODELS[1])
    rows = [row.model_copy(update={"high": 0.9}) if row.metric == "pfa" else row for row in file.rows]
    results.save(file.model_copy(update={"rows": rows}), folder)
    told = index.first_difference(before, shard(folder))
    assert list(told) == [MODELS[1].name]
    assert told[MODELS[1].name].startswith("pfa at 0.05, high: 0.0")
    assert told[MODELS[1].name].endswith("became 0.9")


def test_models_that_came_and_went_are_told(folder: Path) -> None:
    fewer = index.read_shard(folder, TASK, [model.name for model in MODELS[1:3]])
    assert index.first_difference(shard(folder), fewer) == {MODELS[0].name: "is gone"}
    assert index.first_difference(fewer, shard(folder)) == {MODELS[0].name: "is new"}
