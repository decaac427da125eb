"""Scores that were made elsewhere: they must be for these scans, and for all of them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from xraybench import models
from xraybench.core.errors import BadTable, DigestMismatch
from xraybench.core.types import Dataset, Predictions
from xraybench.models.timm_net import TimmNet

Writing = Callable[[pd.DataFrame], Path]


@pytest.fixture
def rows(network: TimmNet, unseen: Dataset) -> "pd.DataFrame":
    return network.predict(unseen.scans, n_timed=0).table


@pytest.fixture(params=[".parquet", ".csv"])
def writing(request: pytest.FixtureRequest, tmp_path: Path) -> Writing:
    from xraybench.formats.predictions import write_predictions

    def write(table: "pd.DataFrame") -> Path:
        path = tmp_path / f"vendor{request.param}"
        write_predictions(path, Predictions("toy-net", table))
        return path

    return write


def test_the_rows_come_back_in_the_order_of_the_scans(writing: Writing, rows: "pd.DataFrame", unseen: Dataset) -> None:
    path = writing(rows.iloc[::-1].reset_index(drop=True))
    back = models.load("prediction_file", path).predict(unseen.scans)
    assert list(back.kind("scan")["scan_id"]) == unseen.scans.scan_ids
    assert back.model == "toy-net"


def test_rows_of_other_scans_are_left_out(writing: Writing, rows: "pd.DataFrame", unseen: Dataset) -> None:
    some = unseen.scans.subset(set(unseen.scans.scan_ids[:5]))
    assert set(models.load("prediction_file", writing(rows)).predict(some).table["scan_id"]) == set(some.scan_ids)


def test_scans_nobody_looked_at_are_counted_and_the_first_named(
    writing: Writing, rows: "pd.DataFrame", unseen: Dataset
) -> None:
    missing = unseen.scans.scan_ids[4:12]
    path = writing(rows[~rows["scan_id"].isin(missing)].reset_index(drop=True))
    with pytest.raises(BadTable, match=f"mail-toy: 8 scans .*{missing[0]}") as told:
        models.load("prediction_file", path).predict(unseen.scans)
    assert told.value.exit_code == 2


def test_a_score_without_a_scan_row_does_not_count_as_looked_at(
    writing: Writing, rows: "pd.DataFrame", unseen: Dataset
) -> None:
    first = unseen.scans.scan_ids[0]
    path = writing(rows[(rows["scan_id"] != first) | (rows["record"] != "scan")].reset_index(drop=True))
    with pytest.raises(BadTable, match=f"1 scans .*{first}"):
        models.load("prediction_file", path).predict(unseen.scans)


def test_predictions_for_another_version_of_the_data_are_refused(
    writing: Writing, rows: "pd.DataFrame", unseen: Dataset
) -> None:
    model = models.load("prediction_file", writing(rows.assign(dataset_digest="f" * 32)))
    with pytest.raises(DigestMismatch, match=f"mail-toy: the file is for {'f' * 32}, these scans are {'0' * 32}"):
        model.predict(unseen.scans)


def test_predictions_for_another_corpus_are_refused(writing: Writing, rows: "pd.DataFrame", unseen: Dataset) -> None:
    model = models.load("prediction_file", writing(rows.assign(corpus="mail-other")))
    with pytest.raises(DigestMismatch, match="the file is for mail-other, these scans are of mail-toy"):
        model.predict(unseen.scans)


def test_a_scan_under_the_wrong_corpus_is_told(writing: Writing, rows: "pd.DataFrame", unseen: Dataset) -> None:
    first, second = unseen.scans.scan_ids[:2]
    table = unseen.scans.table.copy()
    table.loc[table["scan_id"] == second, "corpus"] = "mail-b"
    scans = replace(unseen.scans, table=table, corpora={"mail-toy": "0" * 32, "mail-b": "1" * 32})
    with pytest.raises(BadTable, match=f"scan {second} is given as of corpus mail-toy, it is of mail-b"):
        models.load("prediction_file", writing(rows)).predict(scans)
    assert first != second
