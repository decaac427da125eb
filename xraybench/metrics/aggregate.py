"""One figure over several tasks that nobody can game: it depends on the vendor's own results and on nothing else.

The mean runs over the tasks that a suite declares, never over those a vendor chose. Since no other vendor enters, clones,
newcomers and withdrawals reorder nobody. A missing result counts as the worst value, so leaving out a bad task never helps.
The properties are proved on generated boards in tests/metrics/test_metrics_aggregate.py.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from xraybench.core.errors import BadValue
from xraybench.core.types import FloatArray, IntArray

POLICIES = {
    "worst": "a missing result counts as the metric's worst value",
    "refuse": "a vendor with a missing result has no figure over all tasks",
}


@dataclass(frozen=True, slots=True)
class SuiteMean:
    """The mean of one vendor over a suite's tasks; NaN with a reason where there is none."""

    value: float
    n_tasks: int  # tasks that count: those whose data define the metric
    n_missing: int  # of them, those the vendor has no result for
    policy: str
    reason: str = ""


def suite_mean(values: ArrayLike, counts: ArrayLike, *, worst: float, policy: str = "worst") -> SuiteMean:
    """Mean of one vendor's metric over the declared tasks.

    Args:
        values: The vendor's value on each declared task, NaN where it has none; shape (n_tasks,).
        counts: Whether a task's data define the metric at all (enough threat items): the same for every vendor, since it is
            a fact of the data; shape (n_tasks,). A task that does not count is left out for all.
        worst: The metric's worst value, such as 0 for pd and 1 for a miss rate.
        policy: One of POLICIES, declared by the suite before anyone submits.

    Raises:
        BadValue: Unknown policy, shapes that differ, or an infinite value.
    """
    if policy not in POLICIES:
        raise BadValue(f"policy: '{policy}' is none of {', '.join(POLICIES)}.")
    told, counting = np.asarray(values, dtype=np.float64), np.asarray(counts, dtype=bool)
    if told.shape != counting.shape or told.ndim != 1:
        raise BadValue(f"{told.shape} values for {counting.shape} tasks: one of each a task is right.")
    if np.isinf(told).any():
        raise BadValue(f"values: task {int(np.flatnonzero(np.isinf(told))[0])} is infinite.")
    used = told[counting]
    n_missing = int(np.isnan(used).sum())
    if not used.size:
        return SuiteMean(float("nan"), 0, 0, policy, "no task of the suite has enough items")
    if n_missing and policy == "refuse":
        return SuiteMean(float("nan"), used.size, n_missing, policy, f"{n_missing} of {used.size} tasks have no result")
    return SuiteMean(float(np.where(np.isnan(used), worst, used).mean()), used.size, n_missing, policy)


def replicate_means(values: ArrayLike, counts: ArrayLike, *, worst: float) -> FloatArray:
    """The suite mean in each shared resample, shape (n_replicates,), for intervals and rank sets (policy "worst").

    Args:
        values: Shape (n_replicates, n_tasks); NaN where the vendor has no result, or a replicate drew no item.
        counts: As in `suite_mean`.
    """
    drawn, counting = np.asarray(values, dtype=np.float64), np.asarray(counts, dtype=bool)
    if drawn.ndim != 2 or counting.shape != drawn.shape[1:]:
        raise BadValue(f"values of shape {drawn.shape} for {counting.shape} tasks: one column a task is right.")
    used = drawn[:, counting]
    if not used.shape[1]:
        return np.full(len(drawn), np.nan)
    return np.asarray(np.where(np.isnan(used), worst, used).mean(axis=1))


def wrong_means(published: ArrayLike, parts: ArrayLike, *, places: int = 6) -> IntArray:
    """Rows whose published mean is not the mean of their published parts, to the last printed place; shape (n_wrong,).

    The lint of a board: a mean over other parts than those shown is refused.

    Args:
        published: Shape (n_rows,).
        parts: What the mean is printed over, shape (n_rows, n_parts); NaN where nothing is printed.
        places: Decimal places printed of the parts; the mean may be off by one unit of the last.
    """
    told, shown = np.asarray(published, dtype=np.float64), np.asarray(parts, dtype=np.float64)
    has_part = ~np.isnan(shown)
    n_parts = has_part.sum(axis=1)
    mean = np.full(len(told), np.nan)
    np.divide(np.where(has_part, shown, 0.0).sum(axis=1), n_parts, out=mean, where=n_parts > 0)
    is_same = (np.isnan(told) & np.isnan(mean)) | (np.abs(told - mean) <= 1.5 * 10.0**-places)
    return np.flatnonzero(~is_same)
