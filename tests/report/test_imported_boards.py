"""Two imported datasets of one scanner stay apart from each other and from simulated scans: files, ranks and curves."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from xraybench.core import tables
from xraybench.core.digest import numbers_digest
from xraybench.core.documents import ModelSignature
from xraybench.core.errors import BadValue
from xraybench.core.types import Dataset, Predictions, ScanSet
from xraybench.evaluate import dataset_key
from xraybench.evaluate.files import compare_files, rescore
from xraybench.report import load_curves, load_ranks, load_results, publish, rank_board
from xraybench.report.results import heat_rows


@dataclass(frozen=True)
class Guess:
    """Scores by scan id and truth: a model of given skill."""

    name: str
    skill: float
    threats: frozenset[str]

    def predict(self, scans: ScanSet) -> Predictions:
        rows = []
        for scan_id, corpus in zip(scans.table["scan_id"], scans.table["corpus"], strict=True):
            head = {"model": self.name, "corpus": corpus, "dataset_digest": scans.corpora[corpus], "scan_id": scan_id}
            drawn = np.random.default_rng(int(scan_id)).normal() + self.skill * (scan_id in self.threats)
            rows.append({**head, "record": "scan", "status": "ok", "latency_ms": 1.0, "view": 0})
            rows.append(
                {**head, "record": "score", "target": "any", "score": float(1 / (1 + np.exp(-drawn))), "view": 0}
            )
        frame = pd.DataFrame(rows, columns=tables.PREDICTIONS.column_names)
        return Predictions(self.name, tables.check(frame, tables.PREDICTIONS, source=self.name))


def imported(name: str, digest: str, first: int) -> Dataset:
    """Scans of one scanner as an import leaves them: 60 threats, 80 benign and 100 calibration items."""
    kinds = ["test"] * 140 + ["calibration"] * 100
    ids = [f"{first + i:06d}" for i in range(len(kinds))]
    corpus = "mail-scanner_x"
    scans = pd.DataFrame(
        [(i, f"item{i}", corpus, "mail", "scanner_x", 1, 64, 64, "") for i in ids], columns=tables.SCANS.column_names
    )
    items = [
        (f"item{i}", split, "north" if int(i) % 2 else "south", "folder") for i, split in zip(ids, kinds, strict=True)
    ]
    objects = [
        (i, f"item{i}", 0, "firearm", "", "unknown", "undeclared", 0, 1.0, 1.0, 9.0, 9.0, 64.0, 0.1) for i in ids[:60]
    ]
    return Dataset(
        name=name,
        view_sets={"raw": ScanSet(scans, lambda scan_id: (), "raw", 60000.0, {corpus: digest})},
        items=pd.DataFrame(items, columns=tables.ITEMS.column_names),
        objects=pd.DataFrame(objects, columns=tables.OBJECTS.column_names),
        threats=("firearm",),
        is_simulated=False,
        licence="own",
        use_terms="internal",
        profile="imported",
        seed=0,
    )


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Dataset]]:
    out = tmp_path_factory.mktemp("imported")
    datasets = [imported("North port", "a" * 32, 0), imported("North port", "b" * 32, 500)]
    for name, skill in (("strong", 3.0), ("weak", 0.5)):
        threats = frozenset(str(s) for d in datasets for s in d.objects["scan_id"])
        signature = ModelSignature(
            name=name, adapter="prediction_file", track="raw", channels=["hi", "lo"], full_scale=60000.0, image_px=64,
            targets=["any"], n_parameters=0, architecture="made up",
        )  # fmt: skip
        publish(Guess(name, skill, threats), datasets, out, signature=signature, quiet=True)
    rank_board(out, datasets=datasets, quiet=True)
    return out, datasets


def test_results_of_two_datasets_with_one_name_and_scanner_lie_side_by_side(board) -> None:
    out, datasets = board
    keys = [dataset_key(dataset) for dataset in datasets]
    assert keys[0] != keys[1] and all(key.startswith("north-port-") for key in keys)
    files = load_results(out / "results")
    assert {(f.model, f.task, f.dataset) for f in files} == {
        (model, f"mail-{threat}-any-scanner_x-v1", key)
        for model in ("strong", "weak") for threat in ("any", "firearm") for key in keys
    }  # fmt: skip
    assert not any(f.is_simulated for f in files)
    assert len(list((out / "predictions" / "strong").glob("*.parquet"))) == 2


def test_each_dataset_has_ranks_and_curves_of_its_own(board) -> None:
    out, datasets = board
    ranked = load_ranks(out / "results")
    assert {(r.task, r.dataset) for r in ranked} == {
        (f"mail-{threat}-any-scanner_x-v1", dataset_key(d)) for threat in ("any", "firearm") for d in datasets
    }
    for one in ranked:
        assert [row.model for row in one.rows] == ["strong", "weak"]
        assert one.best == ["strong"] and one.ties == [["strong"], ["weak"]]
        (pair,) = one.pairs
        assert pair.only_a is not None and pair.p_mcnemar is not None and pair.p_mcnemar < 0.05
        assert one.minimum_detectable_difference_holm == one.minimum_detectable_difference  # one pair
    assert {c.dataset for c in load_curves(out / "results")} == {dataset_key(d) for d in datasets}


def test_achieved_pfa_and_pd_are_told_for_each_site(board) -> None:
    out, _ = board
    file = load_results(out / "results", model="strong")[0]
    sites = {(row.metric, row.slice_value): row for row in file.rows if row.slice_axis == "site"}
    assert set(sites) == {("pd", "north"), ("pd", "south"), ("pfa", "north"), ("pfa", "south")}
    assert sites["pd", "north"].n_threats == 30
    assert sites["pfa", "north"].reason.startswith("too few: 40 benign items")


def test_results_on_imported_data_are_recomputed_where_the_data_are_given(board) -> None:
    out, datasets = board
    published = load_results(out / "results")
    assert list(rescore(published, out / "predictions")) == []
    again = list(rescore(published, out / "predictions", datasets=datasets[:1]))
    assert len(again) == 4
    for stored, made in again:
        assert made.model_dump_json() == stored.model_dump_json()


def test_two_models_are_compared_on_imported_data(board, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    out, datasets = board
    monkeypatch.setattr("xraybench.data.load", lambda folder: datasets[1])
    found = compare_files("mail-any-any-scanner_x-v1", "strong", "weak", out, scans=tmp_path)
    assert found.low > 0 and found.p_mcnemar < 0.05
    with pytest.raises(BadValue, match="North port has no task 'mail-blade-any-scanner_x-v1'"):
        compare_files("mail-blade-any-scanner_x-v1", "strong", "weak", out, scans=tmp_path)


def test_cells_of_a_heat_map_name_model_dataset_and_axes(board) -> None:
    out, datasets = board
    cells = heat_rows(load_results(out / "results"))
    assert len(cells) == 8
    one = cells.set_index(["model", "dataset", "threat"]).loc[("strong", dataset_key(datasets[0]), "firearm")]
    assert (one["concealment"], one["sensor"], one["n_threats"]) == ("any", "scanner_x", 60)
    assert one["low"] < one["value"] <= one["high"]


def test_results_name_data_predictions_and_code(board) -> None:
    file = load_results(board[0] / "results", model="weak")[0]
    assert file.code_digest == numbers_digest() and len(file.code_digest) == 32
    assert file.predictions_digest and file.corpora
    assert file.assumptions == {
        "prevalence": 0.001, "cost_of_miss": 1000.0, "max_miss": 0.05, "max_pfa": 0.1, "d_a_slope": 0.5,
    }  # fmt: skip


def test_a_simulated_dataset_has_no_key(board) -> None:
    assert dataset_key(replace(board[1][0], is_simulated=True)) == ""
