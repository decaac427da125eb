"""Which items count where controls, empty declarations and a third make are in the corpus, on counts made by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from xray_counts import hand_made

from xraybench import tasks
from xraybench.core import tables
from xraybench.core.task import Task
from xraybench.core.types import Dataset, Predictions
from xraybench.evaluate import join, score, select
from xraybench.evaluate.select import Selection
from xraybench.report.results import table as result_table

# split, threat, concealment, shape, declared: what an item of a container is; how many of it stand in N_EACH
KINDS = {
    "threat": ("test", "cigarettes", "in_load", "seen", "72"),
    "unseen threat": ("test", "cigarettes", "in_load", "unseen", "72"),
    "mismatch": ("test", "manifest_mismatch", "unknown", "unknown", "61"),
    "not empty": ("test", "empty_verification", "unknown", "unknown", "empty"),
    "benign": ("test", "", "", "", "72"),
    "empty": ("test", "", "", "", "empty"),
    "benign calibration": ("calibration", "", "", "", "44"),
    "empty calibration": ("calibration", "", "", "", "empty"),
}
N_EACH = {
    "threat": 31,
    "unseen threat": 30,
    "mismatch": 33,
    "not empty": 34,
    "benign": 70,
    "empty": 65,
    "benign calibration": 80,
    "empty calibration": 75,
}


@pytest.fixture(scope="module")
def containers() -> Dataset:
    return hand_made([KINDS[name] for name, n in N_EACH.items() for _ in range(n)], vector="container")


def predicted(dataset: Dataset, *, targets: tuple[str, ...]) -> Predictions:
    """Every scan looked at; a score for each target that its truth decides, 0.9 or 0.1."""
    held = dataset.objects.groupby("scan_id")["threat"].agg(set).to_dict()
    rows = []
    for scan_id, corpus in zip(dataset.scans.table["scan_id"], dataset.scans.table["corpus"], strict=True):
        head = {
            "model": "m",
            "corpus": corpus,
            "dataset_digest": dataset.corpora[corpus],
            "scan_id": scan_id,
            "view": 0,
        }
        rows.append({**head, "record": "scan", "status": "ok"})
        for target in targets:
            is_there = bool(held.get(scan_id)) if target == "any" else target in held.get(scan_id, ())
            rows.append({**head, "record": "score", "target": target, "score": 0.9 if is_there else 0.1})
    frame = pd.DataFrame(rows, columns=tables.PREDICTIONS.column_names)
    return Predictions("m", tables.check(frame, tables.PREDICTIONS, source="m"))


def chosen(dataset: Dataset, task_id: str) -> Selection:
    targets = ("any", "cigarettes", "manifest_mismatch", "empty_verification")
    return select(tasks.get(task_id), join(dataset, predicted(dataset, targets=targets)))


def counts(one: Selection) -> tuple[int, int, int]:
    """Positives, negatives, calibration items."""
    return int(one.is_threat.sum()), int((~one.is_threat).sum()), len(one.calibration)


def test_any_threat_counts_no_control_and_no_item_that_is_declared_empty(containers: Dataset) -> None:
    assert counts(chosen(containers, "container-any-any-any-v1")) == (31 + 30, 70, 80)
    assert counts(chosen(containers, "container-cigarettes-in_load-container_6mev-v1")) == (31 + 30, 70, 80)


def test_emptiness_is_asked_of_what_is_declared_empty_and_of_nothing_else(containers: Dataset) -> None:
    one = chosen(containers, "container-empty_verification-any-any-v1")
    assert counts(one) == (34, 65, 75)
    assert set(one.rows["threat"]) == {"empty_verification", ""}
    assert set(one.scores[one.is_threat]) == {0.9}


def test_a_mismatch_is_told_apart_from_goods_that_are_what_was_declared(containers: Dataset) -> None:
    assert counts(chosen(containers, "container-manifest_mismatch-any-any-v1")) == (33, 70, 80)


def test_pd_is_told_on_shapes_that_training_shows_and_on_those_it_never_does(containers: Dataset) -> None:
    task = tasks.get("container-any-any-any-v1")
    predictions = predicted(containers, targets=("any",))
    unseen = set(containers.objects["scan_id"][containers.objects["shape"] == "unseen"])
    table = predictions.table
    blind = table["scan_id"].isin(unseen) & (table["record"] == "score")
    rows = score(task, containers, Predictions("m", table.assign(score=table["score"].mask(blind, 0.0)))).rows
    found = {r.slice_value: (r.value, r.n_threats) for r in rows if r.slice_axis == "shape" and r.metric == "pd"}
    assert found == {"seen": (1.0, 31), "unseen": (0.0, 30)}


def test_tables_print_pd_on_seen_and_on_unseen_shapes(containers: Dataset) -> None:
    task = tasks.get("container-any-any-any-v1")
    result = score(task, containers, predicted(containers, targets=("any",)))
    told = result_table([result], slices="shape").set_index("shape")
    assert told["n_threats"].to_dict() == {"seen": 31, "unseen": 30}
    assert all(cell.startswith("1.00") for cell in told["pd at pfa 0.05"])


def test_a_slice_of_unseen_shapes_under_29_threats_prints_no_number() -> None:
    kinds = [KINDS["threat"]] * 40 + [KINDS["unseen threat"]] * 28 + [KINDS["benign"]] * 60
    dataset = hand_made([*kinds, *[KINDS["benign calibration"]] * 60], vector="container")
    result = score(tasks.get("container-any-any-any-v1"), dataset, predicted(dataset, targets=("any",)))
    rows = {r.slice_value: r for r in result.rows if r.slice_axis == "shape"}
    assert rows["seen"].value == 1.0
    assert np.isnan(rows["unseen"].value) and rows["unseen"].reason.startswith("too few: 28")


def test_a_third_make_is_no_part_of_any_sensor() -> None:
    kinds = [KINDS["threat"]] * 30 + [KINDS["benign"]] * 60 + [KINDS["benign calibration"]] * 60
    kinds = [
        (split, "blade" if threat else "", "masked" if threat else "", shape, "")
        for split, threat, _, shape, _ in kinds
    ]
    dataset = hand_made(kinds, vector="mail", sensors=("mail_160kv", "mail_140kv", "mail_120kv"))
    joined = join(dataset, predicted(dataset, targets=("any",)))
    assert counts(select(tasks.get("mail-any-any-any-v1"), joined)) == (60, 120, 120)
    assert counts(select(tasks.get("mail-any-any-mail_120kv-v1"), joined)) == (30, 60, 60)


def test_a_threat_seen_in_two_views_is_one_item() -> None:
    dataset = hand_made([KINDS["threat"]] * 30 + [KINDS["benign"]] * 60, vector="container")
    again = pd.concat([dataset.objects, dataset.objects.assign(view=1)], ignore_index=True)
    twice = replace(dataset, objects=again)
    assert counts(chosen(twice, "container-any-any-any-v1"))[:2] == (30, 60)


def test_every_standard_task_asks_for_every_slice_and_names_its_controls_apart() -> None:
    everything = [t for suite in tasks.SUITES.values() for t in suite]
    assert {t.slices for t in everything} == {("concealment", "threat", "sensor", "site", "size", "shape")}
    controls = {(t.vector, t.threat) for t in everything if t.threat in ("shielding", "empty_verification")}
    assert controls == {
        ("mail", "shielding"),
        ("parcel", "shielding"),
        ("baggage", "shielding"),
        ("container", "empty_verification"),
    }
    assert isinstance(everything[0], Task)
