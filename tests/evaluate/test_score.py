"""Numbers of a task against hand counts, scikit-learn and fairlearn."""

import math

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, recall_score, roc_auc_score

from xraybench import tasks
from xraybench.core.documents import ResultFile, ResultRow
from xraybench.core.errors import BadTable, DigestMismatch
from xraybench.core.types import Dataset, Predictions
from xraybench.evaluate import join, score, select


def row(result: ResultFile, metric: str, at: float | None = None, axis: str = "", value: str = "") -> ResultRow:
    found = [r for r in result.rows if (r.metric, r.at, r.slice_axis, r.slice_value) == (metric, at, axis, value)]
    assert len(found) == 1
    return found[0]


WIDE = tasks.get("mail-any-any-any-v1")
ONE_SENSOR = tasks.get("mail-any-any-mail_160kv-v1")


def test_a_perfect_model_finds_all_and_alarms_on_nothing(dataset: Dataset, perfect) -> None:
    result = score(ONE_SENSOR, dataset, perfect.predict(dataset.scans))
    assert row(result, "pd", 0.05).value == 1.0
    assert row(result, "pfa", 0.05).value == 0.0
    assert row(result, "auroc").value == 1.0
    assert row(result, "localisation_hit_rate", 0.05).value == 1.0
    assert 0.9 < row(result, "pd", 0.05).low < 1.0  # 160 of 160 do not prove that none is missed


def test_a_silent_model_finds_nothing(dataset: Dataset, silent) -> None:
    result = score(ONE_SENSOR, dataset, silent.predict(dataset.scans))
    assert row(result, "pd", 0.05).value == 0.0
    assert row(result, "auroc").value == 0.5
    assert math.isnan(row(result, "localisation_hit_rate", 0.05).value)
    assert "no boxes" in row(result, "localisation_hit_rate", 0.05).reason


def test_ranking_metrics_equal_scikit_learn(dataset: Dataset, noisy) -> None:
    predictions = noisy.predict(dataset.scans)
    chosen = select(ONE_SENSOR, join(dataset, predictions))
    result = score(ONE_SENSOR, dataset, predictions)
    assert row(result, "auroc").value == pytest.approx(roc_auc_score(chosen.is_threat, chosen.scores))
    assert row(result, "average_precision").value == pytest.approx(
        average_precision_score(chosen.is_threat, chosen.scores)
    )
    assert row(result, "brier").value == pytest.approx(brier_score_loss(chosen.is_threat, chosen.scores))
    for name in ("auroc", "average_precision", "brier"):
        assert row(result, name).low < row(result, name).value < row(result, name).high


def test_slices_equal_fairlearns_metric_frame_at_the_tasks_own_threshold(dataset: Dataset, noisy) -> None:
    from fairlearn.metrics import MetricFrame

    predictions = noisy.predict(dataset.scans)
    chosen = select(WIDE, join(dataset, predictions))
    result = score(WIDE, dataset, predictions)
    alarms = chosen.scores >= result.thresholds["0.05"]
    threats = chosen.rows[chosen.is_threat]
    for axis in ("concealment", "threat", "sensor", "size", "shape"):
        judge = MetricFrame(
            metrics=recall_score,
            y_true=np.ones(len(threats), dtype=int),
            y_pred=alarms[chosen.is_threat].astype(int),
            sensitive_features=threats[axis],
        )
        for value, expected in judge.by_group.items():
            assert row(result, "pd", 0.05, axis, value).value == pytest.approx(expected)


def test_the_threshold_comes_from_calibration_and_is_not_moved_to_fit_the_test_items(dataset: Dataset, noisy) -> None:
    predictions = noisy.predict(dataset.scans)
    chosen = select(ONE_SENSOR, join(dataset, predictions))
    threshold = score(ONE_SENSOR, dataset, predictions).thresholds["0.05"]
    assert len(chosen.calibration) == 200
    assert (chosen.calibration >= threshold).sum() == 10  # floor(0.05 * 200)


def test_positives_of_a_task_are_its_threat_in_its_concealment_and_negatives_all_benign_items(
    dataset: Dataset, noisy
) -> None:
    joined = join(dataset, noisy.predict(dataset.scans))
    chosen = select(tasks.get("mail-firearm-masked-mail_160kv-v1"), joined)
    assert chosen.is_threat.sum() == 40
    assert (~chosen.is_threat).sum() == 120
    assert set(chosen.rows.loc[chosen.is_threat, "threat"]) == {"firearm"}


def test_an_item_seen_by_two_sensors_is_counted_twice_and_resampled_once(dataset: Dataset, noisy) -> None:
    predictions = noisy.predict(dataset.scans)
    wide = row(score(WIDE, dataset, predictions), "pd", 0.05)
    assert wide.n_threats == 2 * 160
    assert "design effect" in wide.interval


def test_too_few_threats_give_a_reason_and_no_number(small: Dataset, noisy) -> None:
    result = score(tasks.get("mail-firearm-masked-mail_160kv-v1"), small, noisy.predict(small.scans))
    found = row(result, "pd", 0.05)
    assert math.isnan(found.value)
    assert found.reason == "too few: 7 threats, 29 are needed"
    assert found.n_threats == 7


def test_predictions_for_other_data_are_refused_with_both_digests(dataset: Dataset, noisy) -> None:
    predictions = noisy.predict(dataset.scans)
    table = predictions.table.replace({"dataset_digest": {"digest-mail_160kv": "another"}})
    with pytest.raises(DigestMismatch, match=r"were made for data another; this is digest-mail_160kv"):
        score(ONE_SENSOR, dataset, Predictions("noisy", table))


def test_every_scan_that_was_not_looked_at_is_counted(dataset: Dataset, noisy) -> None:
    predictions = noisy.predict(dataset.scans)
    table = predictions.table
    gone = ["mail_160kv-00000", "mail_160kv-00003"]
    left = table[~table["scan_id"].isin(gone)].reset_index(drop=True)
    with pytest.raises(BadTable, match=r"2 faults") as told:
        score(ONE_SENSOR, dataset, Predictions("noisy", left))
    assert "scan mail_160kv-00003: no scan row, so it was not looked at" in str(told.value)


def test_looked_at_and_failed_counts_as_no_alarm(dataset: Dataset, perfect) -> None:
    predictions = perfect.predict(dataset.scans)
    table = predictions.table.copy()
    is_failed = table["scan_id"] == "mail_160kv-00000"
    table = table[~(is_failed & (table["record"] != "scan"))].reset_index(drop=True)
    table.loc[(table["scan_id"] == "mail_160kv-00000"), "status"] = "failed"
    found = row(score(ONE_SENSOR, dataset, Predictions("perfect", table)), "pd", 0.05)
    assert found.value == pytest.approx(159 / 160)


def test_a_model_without_scores_per_threat_is_measured_by_its_any_score(dataset: Dataset, noisy) -> None:
    predictions = noisy.predict(dataset.scans)
    rows = predictions.table
    only_any = rows[(rows["record"] != "score") | (rows["target"] == "any")].reset_index(drop=True)
    task = tasks.get("mail-firearm-any-mail_160kv-v1")
    chosen = select(task, join(dataset, Predictions("noisy", only_any)))
    wide = select(ONE_SENSOR, join(dataset, predictions)).rows.set_index("scan_id")["score"]
    assert np.allclose(chosen.rows["score"], wide.loc[chosen.rows["scan_id"]])


def test_the_same_input_gives_the_same_bytes(dataset: Dataset, noisy) -> None:
    predictions = noisy.predict(dataset.scans)
    shuffled = Predictions("noisy", predictions.table.sample(frac=1, random_state=1).reset_index(drop=True))
    first, again = (score(WIDE, dataset, p) for p in (predictions, shuffled))
    assert first.rows == again.rows or pd.DataFrame([r.model_dump() for r in first.rows]).equals(
        pd.DataFrame([r.model_dump() for r in again.rows])
    )
