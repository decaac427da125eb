"""Laws of the figure over several tasks, on generated boards: nobody can move another vendor, nor gain by leaving out."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xraybench.core.errors import BadValue
from xraybench.metrics.aggregate import replicate_means, suite_mean, wrong_means

N_TASKS = 6
score = st.one_of(st.floats(0.0, 1.0), st.just(math.nan))
vendor = st.lists(score, min_size=N_TASKS, max_size=N_TASKS)
board = st.lists(vendor, min_size=2, max_size=8)
tasks_that_count = st.lists(st.booleans(), min_size=N_TASKS, max_size=N_TASKS).filter(any)


def means(vendors: list[list[float]], counts: list[bool]) -> list[float]:
    return [suite_mean(values, counts, worst=0.0).value for values in vendors]


@given(board, tasks_that_count, st.data())
def test_adding_a_clone_reorders_nobody(vendors: list[list[float]], counts: list[bool], data: st.DataObject) -> None:
    clone = data.draw(st.sampled_from(vendors))
    assert means([*vendors, clone, clone], counts)[: len(vendors)] == means(vendors, counts)


@given(board, board, tasks_that_count)
def test_newcomers_and_withdrawals_reorder_nobody(
    stay: list[list[float]], others: list[list[float]], counts: list[bool]
) -> None:
    assert means([*stay, *others], counts)[: len(stay)] == means(stay, counts)


@given(vendor, tasks_that_count, st.integers(0, N_TASKS - 1))
def test_leaving_out_a_task_never_helps(values: list[float], counts: list[bool], left_out: int) -> None:
    without = [math.nan if i == left_out else v for i, v in enumerate(values)]
    assert suite_mean(without, counts, worst=0.0).value <= suite_mean(values, counts, worst=0.0).value


@given(vendor, tasks_that_count, st.integers(0, N_TASKS - 1), st.floats(0.0, 1.0))
def test_a_better_result_never_lowers_the_mean(
    values: list[float], counts: list[bool], task: int, better: float
) -> None:
    before = values[task] if not math.isnan(values[task]) else 0.0
    raised = [max(before, better) if i == task else v for i, v in enumerate(values)]
    assert suite_mean(raised, counts, worst=0.0).value >= suite_mean(values, counts, worst=0.0).value - 1e-12


@given(vendor, tasks_that_count, st.randoms(use_true_random=False))
def test_the_order_of_tasks_does_not_matter(values: list[float], counts: list[bool], shuffle) -> None:
    order = list(range(N_TASKS))
    shuffle.shuffle(order)
    one = suite_mean(values, counts, worst=0.0).value
    other = suite_mean([values[i] for i in order], [counts[i] for i in order], worst=0.0).value
    assert one == pytest.approx(other)


def test_a_missing_result_counts_as_the_worst() -> None:
    found = suite_mean([0.9, math.nan, 0.6], [True, True, True], worst=0.0)
    assert (found.value, found.n_tasks, found.n_missing) == (pytest.approx(0.5), 3, 1)


def test_a_task_whose_data_are_too_few_is_left_out_for_all() -> None:
    assert suite_mean([0.9, math.nan], [True, False], worst=0.0).value == 0.9


def test_a_suite_may_refuse_instead() -> None:
    found = suite_mean([0.9, math.nan], [True, True], worst=0.0, policy="refuse")
    assert math.isnan(found.value) and found.reason == "1 of 2 tasks have no result"


def test_no_task_that_counts_is_undefined_with_its_reason() -> None:
    found = suite_mean([0.9], [False], worst=0.0)
    assert math.isnan(found.value) and "enough items" in found.reason


def test_each_replicate_has_the_mean_of_its_tasks() -> None:
    drawn = np.array([[0.5, 1.0, math.nan], [0.25, 0.75, 0.5]])
    assert replicate_means(drawn, [True, True, True], worst=0.0) == pytest.approx([0.5, 0.5])


def test_a_mean_that_is_not_of_its_parts_is_named() -> None:
    parts = [[0.5, 0.7], [0.5, math.nan], [math.nan, math.nan], [0.2, 0.4]]
    assert wrong_means([0.6, 0.5, math.nan, 0.31], parts, places=2).tolist() == []
    assert wrong_means([0.6, 0.25, 0.0, 0.4], parts, places=2).tolist() == [1, 2, 3]


@pytest.mark.parametrize(("values", "policy"), [([math.inf], "worst"), ([0.5], "skip"), ([0.5, 0.6], "worst")])
def test_what_cannot_be_averaged_is_refused(values: list[float], policy: str) -> None:
    with pytest.raises(BadValue):
        suite_mean(values, [True], worst=0.0, policy=policy)
