"""The manifest reference: the chance of the declared load, its complement, and what it refuses."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from xraybench import models, train
from xraybench.core.errors import BadFile, BadValue
from xraybench.core.types import Dataset, ScanSet

Loads = Callable[..., Dataset]


@pytest.fixture(scope="module")
def loads(toy: Callable[..., Dataset]) -> Loads:
    """`loads(n, seed=, lie=)`: benign blocks of three densities that declare themselves, or each other; one is air."""
    return lambda n, *, seed, lie=False: blocks(toy(2 * n, seed=seed), lie=lie)


def blocks(dataset: Dataset, *, lie: bool) -> Dataset:
    benign = dataset.items["item_id"][~dataset.items["item_id"].isin(dataset.objects["item_id"])]
    dataset = dataset.where(dataset.items["item_id"].isin(benign))
    passed = {"48": 0.7, "72": 0.2, "empty": 1.0}
    names = list(passed)
    truth = {scan: names[place % 3] for place, scan in enumerate(dataset.scans.scan_ids)}

    def read(scan_id: str) -> tuple[np.ndarray, ...]:
        view = np.full((48, 48, 2), 60_000.0)
        view[10:40, 8:40] *= passed[truth[scan_id]]
        return (np.rint(view).astype(np.uint16),)

    said = {scan: names[(names.index(load) + lie) % 3] for scan, load in truth.items()}
    table = dataset.scans.table.assign(declared=dataset.scans.table["scan_id"].map(said))
    scans = ScanSet(table, read, "raw", 60_000.0, dataset.corpora)
    return replace(dataset, view_sets={"raw": scans})


def test_a_load_that_is_not_what_was_declared_scores_high_and_an_honest_one_low(loads: Loads) -> None:
    model = train.manifest(loads(60, seed=0), n_trees=30, image_px=32, quiet=True)
    assert model.loads == ("48", "72", "empty")
    for lie, is_high in ((False, False), (True, True)):
        scores = model.predict(loads(30, seed=1, lie=lie).scans).kind("score")
        mismatch = scores["score"][scores["target"] == "manifest_mismatch"]
        assert (mismatch > 0.5).all() == is_high and (mismatch < 0.5).all() == (not is_high)


def test_the_score_of_emptiness_is_one_minus_its_chance_whatever_was_declared(loads: Loads) -> None:
    model = train.manifest(loads(60, seed=0), n_trees=30, image_px=32, quiet=True)
    scan = next(iter(loads(6, seed=1).scans))
    chance = dict(zip(model.loads, model.shares(scan), strict=True))
    told = model.scores(scan, "72")
    assert told["empty_verification"] == pytest.approx(1 - chance["empty"], abs=1e-6)
    assert told["manifest_mismatch"] == pytest.approx(1 - chance["72"], abs=1e-6)
    assert told["any"] == 0.0
    assert model.scores(scan, "99")["manifest_mismatch"] == 1.0  # a load it never saw has no chance
    assert model.scores(scan, "")["manifest_mismatch"] == 0.0


def test_saved_and_read_back_it_says_the_same(loads: Loads, tmp_path: Path) -> None:
    model = train.manifest(loads(30, seed=0), n_trees=10, image_px=32, quiet=True)
    again = models.from_folder(model.save(tmp_path / "m"))
    scans = loads(9, seed=1).scans
    assert again.predict(scans).kind("score").equals(model.predict(scans).kind("score"))
    (tmp_path / "m" / "weights.safetensors").write_bytes(b"")
    with pytest.raises(BadFile, match="safetensors"):
        models.from_folder(tmp_path / "m")


def test_where_nothing_is_declared_nothing_can_be_learned(toy: Callable[..., Dataset]) -> None:
    dataset = toy(12)
    silent = replace(dataset.scans, table=dataset.scans.table.assign(declared=""))
    with pytest.raises(BadValue, match="declare nothing"):
        train.manifest(replace(dataset, view_sets={"raw": silent}), quiet=True)
