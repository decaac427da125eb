"""All vendors, all slices, all replicates at once: the inner loop of a board's intervals.

A panel answers for every vendor and slice, in every shared resample, how the items score: pd and pfa at a threshold, and
AUROC. One pass over a vendor's sorted scores gives all slices of an axis; nothing is drawn, copied or sorted again per
replicate. Judged against scikit-learn on the resamples written out; timed against it and fairlearn in
benchmarks/board_statistics.py.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import ArrayLike

from xraybench.core.errors import BadValue
from xraybench.core.types import Float32Array, FloatArray, IntArray
from xraybench.metrics import _checks


@dataclass(frozen=True, slots=True)
class Panel:
    """Metrics of each vendor, slice and replicate, shape (n_vendors, n_slices, n_replicates); NaN where undefined."""

    pd: Float32Array  # NaN where a replicate draws no threat item of the slice
    pfa: Float32Array  # NaN where it draws no benign item of the slice
    auroc: Float32Array  # NaN where it lacks either


def panel(
    scores: ArrayLike, is_threat: ArrayLike, slices: ArrayLike, weights: ArrayLike, *, thresholds: ArrayLike
) -> Panel:
    """pd, pfa and AUROC of all vendors in all slices of one axis, for all replicates.

    Args:
        scores: Shape (n_vendors, n_rows), finite.
        is_threat: Shape (n_rows,).
        slices: Number of each row's slice, 0 or more, or -1 for none; shape (n_rows,). A slice's AUROC sets its threat
            items against its own benign items.
        weights: How often each replicate draws each row (`resampling.cluster_weights`), shape (n_replicates, n_rows).
            A first row of ones gives the sample's own values.
        thresholds: Alarm at or above; shape (n_vendors,), or (n_vendors, n_replicates) where each replicate has set its own
            (`replicate_thresholds`).

    Raises:
        BadValue: Shapes that do not match.

    Source:
        Mann-Whitney statistic with weights, ties counted half.
    """
    table = np.atleast_2d(_checks.finite(scores, "scores"))
    drawn = np.ascontiguousarray(weights, dtype=np.float32)
    codes = np.asarray(slices, dtype=np.int64)
    n_vendors, n_rows = table.shape
    truth = _checks.truths(is_threat, n_rows)
    if drawn.ndim != 2 or drawn.shape[1] != n_rows or codes.shape != (n_rows,):
        raise BadValue(
            f"weights of shape {drawn.shape} and slices of shape {codes.shape} for {n_rows} rows: "
            f"(n_replicates, {n_rows}) and ({n_rows},) are right."
        )
    limits = np.asarray(thresholds, dtype=np.float64)
    limits = np.broadcast_to(limits[:, None] if limits.ndim == 1 else limits, (n_vendors, len(drawn)))
    n_slices = int(codes.max(initial=-1)) + 1
    out = np.full((3, n_vendors, n_slices, len(drawn)), np.nan, dtype=np.float32)
    for vendor in range(n_vendors):
        order = np.argsort(table[vendor], kind="stable")
        order = order[codes[order] >= 0]
        _one_vendor(
            table[vendor, order], truth[order], codes[order], order, drawn, np.ascontiguousarray(limits[vendor]), n_slices,
            out[0, vendor], out[1, vendor], out[2, vendor],
        )  # fmt: skip
    return Panel(*out)


@njit(cache=True)
def _one_vendor(scores, truth, codes, order, drawn, limits, n_slices, pd, pfa, auroc) -> None:  # type: ignore[no-untyped-def]
    """Rows come sorted by score. For each replicate: weight below, alarms, and pairs won, slice by slice."""
    n = len(order)
    group_end = np.empty(n, np.int64)  # one past the last row of the same score
    end = n
    for i in range(n - 1, -1, -1):
        if i + 1 < n and scores[i] != scores[i + 1]:
            end = i + 1
        group_end[i] = end
    below, tied = np.empty(n_slices), np.empty(n_slices)
    threats, wins, found, false = np.empty(n_slices), np.empty(n_slices), np.empty(n_slices), np.empty(n_slices)
    for r in range(drawn.shape[0]):
        weights, limit = drawn[r], limits[r]
        below[:] = 0.0
        threats[:] = 0.0
        wins[:] = 0.0
        found[:] = 0.0
        false[:] = 0.0
        i = 0
        while i < n:
            end = group_end[i]
            alarms = scores[i] >= limit
            if end == i + 1:
                w, s = weights[order[i]], codes[i]
                if truth[i]:
                    threats[s] += w
                    wins[s] += w * below[s]
                    if alarms:
                        found[s] += w
                else:
                    below[s] += w
                    if alarms:
                        false[s] += w
            else:
                for j in range(i, end):
                    tied[codes[j]] = 0.0
                for j in range(i, end):
                    if not truth[j]:
                        tied[codes[j]] += weights[order[j]]
                for j in range(i, end):
                    w, s = weights[order[j]], codes[j]
                    if truth[j]:
                        threats[s] += w
                        wins[s] += w * (below[s] + 0.5 * tied[s])
                        if alarms:
                            found[s] += w
                for j in range(i, end):
                    if not truth[j]:
                        w, s = weights[order[j]], codes[j]
                        below[s] += w
                        if alarms:
                            false[s] += w
            i = end
        for s in range(n_slices):
            if threats[s] > 0:
                pd[s, r] = found[s] / threats[s]
            if below[s] > 0:
                pfa[s, r] = false[s] / below[s]
            if threats[s] > 0 and below[s] > 0:
                auroc[s, r] = wins[s] / (threats[s] * below[s])


def replicate_thresholds(benign_scores: ArrayLike, weights: ArrayLike, *, pfa: float) -> FloatArray:
    """The threshold that each replicate of the calibration items would have set, shape (n_vendors, n_replicates).

    With it, an interval of pd also holds the chance in the choice of calibration items. The rule is that of
    `screening.threshold_at_pfa`: the smallest threshold at which at most floor(pfa * drawn) items alarm, above any tie.

    Args:
        benign_scores: Calibration items, shape (n_vendors, n_rows), finite.
        weights: Shape (n_replicates, n_rows).
        pfa: In (0, 1).

    Returns:
        NaN where nothing was drawn; just above the highest score drawn where no alarm is allowed.
    """
    if not 0.0 < pfa < 1.0:
        raise BadValue(f"pfa: {pfa:g} is not between 0 and 1.")
    table = np.atleast_2d(_checks.finite(benign_scores, "benign_scores"))
    drawn = np.asarray(weights)
    if drawn.ndim != 2 or drawn.shape[1] != table.shape[1]:
        raise BadValue(f"weights: shape {drawn.shape} for {table.shape[1]} rows; one column a row is right.")
    found = np.full((len(table), len(drawn)), np.nan)
    n_drawn = drawn.sum(axis=1)
    drawn, is_drawn = drawn[n_drawn > 0], n_drawn > 0
    allowed = np.floor(pfa * n_drawn[is_drawn, None] + 1e-9)
    some = 32 + int(3 * pfa * table.shape[1])  # rows from the top that will nearly always do
    for vendor, scores in enumerate(table if len(drawn) else ()):
        order = np.argsort(-scores, kind="stable")
        above = np.cumsum(drawn[:, order[:some]], axis=1)  # drawn items at or above each, ties in any order
        if (above[:, -1:] <= allowed).any():
            above = np.cumsum(drawn[:, order], axis=1)
        first_too_many = (above <= allowed).sum(axis=1)  # the item that must not alarm, nor any of its score
        found[vendor, is_drawn] = np.nextafter(scores[order][first_too_many], np.inf)
    return found


def joint_strata(*columns: ArrayLike) -> IntArray:
    """Numbers for the combinations of several columns, in sorted order: strata of a draw, slices of a heat map."""
    table = np.stack([np.unique(np.asarray(column), return_inverse=True)[1] for column in columns])
    return np.asarray(np.unique(table, axis=1, return_inverse=True)[1].reshape(-1), dtype=np.int64)
