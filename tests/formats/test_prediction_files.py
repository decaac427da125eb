"""A prediction file reads back as it was written, or is refused with everything that is wrong with it."""

from pathlib import Path

import fabricated
import numpy as np
import pandas as pd
import pytest

from xraybench.core import tables
from xraybench.core.errors import BadFile, BadTable
from xraybench.core.types import Predictions
from xraybench.formats.predictions import check_predictions, read_predictions, write_predictions


def sound() -> Predictions:
    table = check_predictions(fabricated.predictions(), source="fabricated")
    return Predictions("a-vendor", table)


def faults_of(frame: pd.DataFrame) -> str:
    with pytest.raises(BadTable) as caught:
        check_predictions(frame, source="preds.csv", first_row=2)
    return str(caught.value)


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_a_file_reads_back_with_the_digest_it_was_written_with(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"preds{suffix}"
    write_predictions(path, sound())
    back = read_predictions(path)
    assert back.model == "a-vendor"
    assert back.digest == sound().digest
    pd.testing.assert_frame_equal(back.table, sound().table)


def test_equal_predictions_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("one.parquet", "two.parquet", "one.csv", "two.csv"):
        write_predictions(tmp_path / name, sound())
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()


def test_scores_are_written_to_six_decimals(tmp_path: Path) -> None:
    table = sound().table
    table.loc[table["record"] == "score", "score"] = 0.123456789
    write_predictions(tmp_path / "p.parquet", Predictions("a-vendor", table))
    scores = read_predictions(tmp_path / "p.parquet").kind("score")["score"]
    assert set(scores) == {0.123457}


def test_all_faults_of_a_file_are_told_at_once() -> None:
    frame = fabricated.predictions()
    frame.loc[1, "score"] = np.nan
    frame.loc[2, "score"] = 1.7
    frame.loc[0, "status"] = ""
    frame.loc[4, "status"] = "okay"
    frame.loc[3, ["x0", "x1"]] = [30.0, 12.0]
    frame.loc[7, "y1"] = np.nan
    frame.loc[8, "model"] = "another"
    frame.loc[9, "dataset_digest"] = "1" * 32
    frame = pd.concat([frame, frame.iloc[[5]], frame.iloc[[4]]], ignore_index=True)
    told = faults_of(frame)
    assert "row 3, score: is missing on a score or box row (scan scan0)" in told
    assert "row 4, score: 1.7 is outside [0, 1]" in told
    assert "row 2, status: is missing on a scan row" in told
    assert "row 6, status: 'okay' is not one of: ok, failed, timeout, refused" in told
    assert "row 5, x1: 12 is not beyond x0 (30)" in told
    assert "row 9, x0, y0, x1, y1: a box row needs all four edges" in told
    assert "names 2 models (a-vendor, another)" in told
    assert "corpus mail-mail_160kv has 2 dataset digests" in told
    assert "row 14, target: has two score rows for this scan (scan scan1)" in told
    assert "row 15, scan_id: has two scan rows" in told


def test_several_boxes_in_a_scan_are_no_duplicate() -> None:
    frame = fabricated.predictions()
    again = pd.concat([frame, frame[frame["record"] == "box"]], ignore_index=True)
    assert len(check_predictions(again, source="p")) == len(again)


def test_a_missing_and_a_misspelt_column_are_named() -> None:
    told = faults_of(fabricated.predictions().rename(columns={"score": "scores"}))
    assert "column 'score' is missing" in told
    assert "column 'scores' is unknown. Did you mean 'score'?" in told


def test_an_empty_table_is_refused() -> None:
    assert "has no row" in faults_of(tables.empty(tables.PREDICTIONS))


def test_a_faulty_table_is_not_written(tmp_path: Path) -> None:
    table = sound().table.assign(score=2.0)
    with pytest.raises(BadTable):
        write_predictions(tmp_path / "p.csv", Predictions("a-vendor", table))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("p.parquet", b"PAR1 and then nothing", "cannot be read as Parquet"),
        ("p.csv", b"\xff\xfe\x00bad", "cannot be read as CSV"),
        ("p.csv", b"", "cannot be read as CSV"),
        ("p.xlsx", b"", "ends in .parquet or .csv, not in '.xlsx'"),
    ],
)
def test_a_file_of_another_kind_is_refused_in_a_sentence(tmp_path: Path, name: str, content: bytes, told: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadFile, match=told):
        read_predictions(tmp_path / name)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="there is no such file"):
        read_predictions(tmp_path / "nothing.csv")
