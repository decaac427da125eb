"""One figure over a suite: the mean of its cells, that nobody else can move, and the lint that holds it to its parts."""

import math
from dataclasses import replace

import numpy as np
import pytest

from xraybench import tasks
from xraybench.core.errors import BadValue
from xraybench.core.types import Dataset, Predictions
from xraybench.evaluate import join, score_joined, suite
from xraybench.evaluate.suite import cells_of
from xraybench.report.suites import load_suites, save_suite, suite_faults, suite_file

N = 100  # replicates


@pytest.fixture(scope="module")
def joined(dataset: Dataset, perfect, noisy, silent) -> list:
    return [join(dataset, model.predict(dataset.scans)) for model in (perfect, noisy, silent)]


def only_sensor(predictions: Predictions, corpus: str) -> Predictions:
    return Predictions(predictions.model, predictions.table[predictions.table["corpus"] == corpus])


def test_cells_name_every_axis_and_leave_controls_and_a_third_make_out() -> None:
    cells = cells_of("mail")
    assert len(cells) == 4 * 4 * 2
    assert {cell.sensor for cell in cells} == set(tasks.suite_sensors("mail"))
    assert not {"any"} & {axis for cell in cells for axis in (cell.threat, cell.concealment, cell.sensor)}


def test_the_mean_is_that_of_the_published_cells(joined) -> None:
    standing = suite("mail", joined, n_replicates=N)
    assert standing.counts.sum() == 8  # two threats, two concealments, two sensors; the others have no items
    for row, one in zip(standing.parts, joined, strict=True):
        told = []
        for cell, part, counts in zip(standing.cells, row, standing.counts, strict=True):
            if counts:
                result = score_joined(cell, one, n_replicates=2)
                assert part == pytest.approx(result.rows[0].value)
                told.append(part)
            else:
                assert math.isnan(part)
        index = standing.models.index(one.predictions.model)
        assert standing.means[index].value == pytest.approx(np.mean(told))
    assert [mean.value for mean in standing.means] == sorted((m.value for m in standing.means), reverse=True)
    assert standing.best == (True, False, False)
    assert standing.simultaneous is not None and standing.simultaneous.low.tolist() == [1, 2, 3]


def test_the_figure_and_interval_of_a_model_do_not_depend_on_who_else_is_there(joined) -> None:
    alone = suite("mail", [joined[1]], n_replicates=N)
    among = suite("mail", [joined[1], joined[0], joined[1], joined[2]], n_replicates=N)
    assert alone.means[0] == among.means[0]
    assert alone.intervals[0] == among.intervals[0]


def test_leaving_out_a_scanner_counts_as_finding_nothing_there(dataset: Dataset, noisy, joined) -> None:
    half = join(dataset, only_sensor(noisy.predict(dataset.scans), "mail-mail_160kv"))
    whole, cut = suite("mail", [joined[1]], n_replicates=N), suite("mail", [half], n_replicates=N)
    assert cut.means[0].n_missing == 4
    assert cut.means[0].value == pytest.approx(np.nansum(cut.parts[0]) / 8)
    assert cut.means[0].value < whole.means[0].value


def test_a_cell_without_a_published_result_is_missing_though_predictions_cover_it(joined) -> None:
    told = {one.predictions.model: {cell.id for cell in cells_of("mail")} for one in joined}
    told["noisy"] = {task for task in told["noisy"] if "-blade-" not in task}
    standing = suite("mail", joined, published=told, n_replicates=N)
    assert [mean.n_missing for mean in standing.means] == [0, 4, 0]


def test_a_suite_without_enough_items_has_no_figure_and_a_reason(make, lookup) -> None:
    dataset = make(n_per_cell=2)
    standing = suite("mail", [join(dataset, lookup("m", lambda s, t: 0.5).predict(dataset.scans))], n_replicates=N)
    assert math.isnan(standing.means[0].value) and "enough items" in standing.means[0].reason
    assert standing.simultaneous is None and standing.best == ()
    document = suite_file(standing, track="raw", profile="p", seed=0)
    assert document.rows[0].reason and document.rows[0].rank_low is None


def test_models_on_different_data_are_no_suite(make, lookup, joined) -> None:
    other = replace(make(n_per_cell=2), profile="other")
    moved = replace(
        other, view_sets={"raw": replace(other.scans, corpora={c: f"{d}-2" for c, d in other.corpora.items()})}
    )
    stranger = join(moved, lookup("m", lambda s, t: 0.5).predict(moved.scans))
    with pytest.raises(BadValue, match="joined with different data"):
        suite("mail", [joined[0], stranger])


def test_the_lint_names_a_mean_that_is_not_that_of_its_parts_and_a_part_that_no_result_has(joined, tmp_path) -> None:
    standing = suite("mail", joined, n_replicates=N)
    results = [score_joined(cell, one, track="raw", n_replicates=2) for cell in standing.cells for one in joined]
    document = suite_file(standing, track="raw", profile="made_up", seed=0)
    save_suite(document, tmp_path)
    (kept,) = load_suites(tmp_path)
    assert suite_faults([kept], results) == []
    raised = kept.rows[1].model_copy(update={"value": kept.rows[1].value + 0.01})
    wrong = kept.model_copy(update={"rows": [kept.rows[0], raised, kept.rows[2]]})
    (fault,) = suite_faults([wrong], results)
    assert "noisy is given" in fault and "the mean of its parts is" in fault
    place = kept.counts.index(True)
    parts = list(kept.rows[1].parts)
    parts[place] = math.nan
    hidden = kept.rows[1].model_copy(update={"parts": parts})
    faults = suite_faults([kept.model_copy(update={"rows": [kept.rows[0], hidden, kept.rows[2]]})], results)
    assert any("is said to miss 0 tasks" in fault for fault in faults)
    assert any(f"on {kept.tasks[place]} is counted as nan" in fault for fault in faults)
