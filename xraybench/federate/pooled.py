"""The numbers of a federated evaluation: from the sums of all counts, and from what single sites tell of themselves."""

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np

from xraybench import tasks
from xraybench.core.chance import seed_of
from xraybench.core.documents import ResultRow
from xraybench.core.types import IntArray
from xraybench.data.agreement import LEAST_SITES
from xraybench.federate.question import (
    BOX_FALSE,
    BOX_HIT,
    BOX_TRUE,
    BOXED,
    CALIBRATION,
    HIT,
    EvaluationQuestion,
    SiteRow,
    question_digest,
)
from xraybench.metrics import histograms, intervals
from xraybench.metrics.intervals import Interval

_N_REPLICATES = 1000


def pooled_rows(
    question: EvaluationQuestion, counts: Mapping[str, IntArray], strata: Sequence[str], *, has_boxes: bool
) -> list[ResultRow]:
    """Every pooled number with its interval."""
    task = tasks.get(question.task)
    both = np.stack([counts["benign"], counts["threat"]])
    n_benign, n_threats = both.sum(axis=1).tolist()
    few = _too_few(n_threats, task.min_threats, "threats") or _too_few(n_benign, task.min_benign, "benign items")
    seed = seed_of(0, "federated", question_digest(question))
    n = n_benign + n_threats
    noisy = few or ("counts carry noise in wide bins" if question.noise else "")
    rows = [_row("auroc", histograms.auroc(both).value, histograms.auroc_interval(both), n, n_threats, few)]
    for metric, of_counts, why in (
        ("average_precision", histograms.average_precision, few),
        ("ece", histograms.calibration_error, noisy),
    ):
        held = histograms.bootstrap_interval(both, of_counts, seed=seed)
        rows.append(_row(metric, of_counts(both), held, n, n_threats, why))
    calibration = counts[CALIBRATION]
    for pfa in task.pfa_points:
        at = histograms.bin_at_pfa(calibration, pfa)
        held = histograms.pd_interval(calibration, counts["threat"], pfa=pfa, n_replicates=_N_REPLICATES, seed=seed)
        rows.append(_share("pd", pfa, counts["threat"], at, task.min_threats, "threats", is_threat=True, held=held))
        rows.append(_share("pfa", pfa, counts["benign"], at, task.min_benign, "benign items", is_threat=False))
    main = task.pfa_points[0]
    at = histograms.bin_at_pfa(calibration, main)
    if BOXED in strata:
        n_boxed = int(counts[BOXED].sum())
        n_hit = min(int(counts[HIT][at:].sum()), n_boxed)  # two sums, each with its own noise
        why = _too_few(n_boxed, task.min_threats, "threats with a box") or (
            "" if has_boxes else "the model gives no boxes"
        )
        held = intervals.wilson(n_hit, n_boxed)
        rows.append(_row("localisation_hit_rate", n_hit / max(n_boxed, 1), held, n_boxed, n_boxed, why, at=main))
        why = why or ("boxes are not counted under noise" if question.noise else "")
        precision, held = (math.nan, intervals.undefined(why)) if why else _box_precision(counts, seed=seed)
        rows.append(_row("coco_ap50", precision, held, n_boxed, n_boxed, why))
    for name in strata:
        axis, _, value = name.partition("=")
        if not value:
            continue
        threat = counts[f"{name}/threat" if axis == "sensor" else name]
        held = histograms.pd_interval(calibration, threat, pfa=main, n_replicates=_N_REPLICATES, seed=seed)
        rows.append(
            _share("pd", main, threat, at, task.min_threats, "threats", is_threat=True, held=held, of=(axis, value))
        )
        if axis == "sensor":
            benign = counts[f"{name}/benign"]
            rows.append(
                _share("pfa", main, benign, at, task.min_benign, "benign items", is_threat=False, of=(axis, value))
            )
    if question.noise:  # an interval that looks exact and leaves out a source of chance would be believed
        rows = [row.model_copy(update={"interval": f"{row.interval}, of the items only: the noise added is not in it"})
                if not row.reason else row for row in rows]  # fmt: skip
    return rows


def _box_precision(counts: Mapping[str, IntArray], *, seed: int) -> tuple[float, Interval]:
    """Average precision of boxes, and its interval over boxes: which item a box belongs to is not in the sums."""
    n_true = int(counts[BOX_TRUE].sum())
    missed = np.array(
        [[0], [max(0, n_true - int(counts[BOX_HIT].sum()))]]
    )  # drawn again with the found ones: recall varies
    table = np.hstack([np.stack([counts[BOX_FALSE], counts[BOX_HIT]]), missed])

    def precision(drawn: IntArray) -> float:
        return histograms.box_average_precision(drawn[1, :-1], drawn[0, :-1], n_true)

    held = histograms.bootstrap_interval(table, precision, seed=seed)
    return precision(table), dataclasses.replace(held, method=held.method.replace("of items", "of boxes"))


def site_rows(question: EvaluationQuestion, told: Sequence[SiteRow], *, at: float) -> list[ResultRow]:
    """Each site's own row, and what another set of such sites might have given: other questions than the pooled ones."""
    seen = [row for row in told if row.n_threats is not None]
    rows = []
    for row in seen:
        assert (
            row.n_threats is not None
            and row.n_hits is not None
            and row.n_benign is not None
            and row.n_alarms is not None
        )
        of = ("site", row.site)
        rows.append(_row("pd", row.n_hits / row.n_threats, intervals.wilson(row.n_hits, row.n_threats), row.n_threats,
                         row.n_threats, "", at=at, of=of))  # fmt: skip
        rows.append(_row("pfa", row.n_alarms / row.n_benign, intervals.wilson(row.n_alarms, row.n_benign), row.n_benign, 0,
                         "", at=at, of=of))  # fmt: skip
    few = "" if len(seen) >= LEAST_SITES else f"{len(seen)} sites tell their own counts; {LEAST_SITES} are needed"
    rng = np.random.default_rng(seed_of(0, "sites", question_digest(question)))
    for metric, part, whole in (("pd", "n_hits", "n_threats"), ("pfa", "n_alarms", "n_benign")):
        table = np.array([[getattr(row, part), getattr(row, whole)] for row in seen], dtype=float).reshape(-1, 2)
        n = int(table[:, 1].sum())
        value, held = math.nan, intervals.undefined(few)
        if not few:
            drawn = table[rng.integers(0, len(table), (_N_REPLICATES, len(table)))].sum(axis=1)
            low, high = np.quantile(drawn[:, 0] / drawn[:, 1], [0.025, 0.975])
            value = float(table[:, 0].sum() / table[:, 1].sum())
            held = Interval(float(low), float(high), f"bootstrap of {len(seen)} sites")
        rows.append(_row(metric, value, held, n, n if metric == "pd" else 0, few, at=at, of=("sites", "bootstrap")))
    pairs = [(row.auroc, row.auroc_error) for row in seen if row.auroc is not None and row.auroc_error]
    value, held = random_effects([a for a, _ in pairs], [e for _, e in pairs if e])
    n = sum((row.n_threats or 0) + (row.n_benign or 0) for row in seen)
    reason = "" if not math.isnan(value) else held.method.removeprefix("undefined: ")
    rows.append(
        _row("auroc", value, held, n, sum(row.n_threats or 0 for row in seen), reason, of=("sites", "random effects"))
    )
    return rows


def random_effects(values: Sequence[float], errors: Sequence[float]) -> tuple[float, Interval]:
    """The mean over sites when sites differ, with the interval of that mean.

    Args:
        values: One number a site.
        errors: Its standard error, above 0.

    Returns:
        NaN with a reason for fewer than three sites.

    Source:
        DerSimonian & Laird 1986, Controlled Clinical Trials 7:177, equations 8 and 9; Wald interval.
    """
    if len(values) < LEAST_SITES:
        return math.nan, intervals.undefined(f"{len(values)} sites tell it; {LEAST_SITES} are needed")
    y, v = np.asarray(values, dtype=float), np.square(np.asarray(errors, dtype=float))
    w = 1.0 / v
    fixed = float((w * y).sum() / w.sum())
    q = float((w * (y - fixed) ** 2).sum())
    between = max(0.0, (q - (len(y) - 1)) / float(w.sum() - (w**2).sum() / w.sum()))
    w = 1.0 / (v + between)
    mean, error = float((w * y).sum() / w.sum()), math.sqrt(1.0 / float(w.sum()))
    return mean, Interval(mean - 1.96 * error, mean + 1.96 * error, "random effects over sites (DerSimonian-Laird)")


def _share(
    metric: str,
    pfa: float,
    counts: IntArray,
    at: int,
    least: int,
    what: str,
    *,
    is_threat: bool,
    held: Interval | None = None,
    of: tuple[str, str] = ("", ""),
) -> ResultRow:
    n, k = int(counts.sum()), int(counts[at:].sum())
    why = _too_few(n, least, what)
    return _row(metric, k / max(n, 1), held or intervals.wilson(k, n), n, n if is_threat else 0, why, at=pfa, of=of)


def _row(
    metric: str,
    value: float,
    held: Interval,
    n: int,
    n_threats: int,
    why: str,
    *,
    at: float | None = None,
    of: tuple[str, str] = ("", ""),
) -> ResultRow:
    if why:
        value, held = math.nan, intervals.undefined(why)
    return ResultRow(
        metric=metric, at=at, slice_axis=of[0], slice_value=of[1], value=value, low=held.low, high=held.high,
        interval=held.method, n_items=n, n_threats=n_threats, reason=why,
    )  # fmt: skip


def _too_few(n: int, least: int, what: str) -> str:
    return "" if n >= least else f"too few: {n} {what}, {least} are needed"
