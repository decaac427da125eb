"""Who is guarded worse, and who is stopped more often: groups of items at the task's one threshold.

Equal protection asks whether threats are found alike at every scanner, lane and site: the worst entry is the one a
smuggler chooses. Equal burden asks whether lawful items are stopped alike. Small groups differ by chance: five identical
groups of which the smallest holds three threats show a gap of 0.34 on average. So a group below `LEAST_PRINTED` items prints
no number, one below `LEAST_RANKED` is not ranked, the gap among the ranked ones carries a p value of permuted groups, and
every group also carries its partly pooled share. fairlearn's MetricFrame groups; intervals and tests are ours.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import betainc, betaln, expit, logit

from xraybench.core.chance import seed_of
from xraybench.core.errors import BadValue
from xraybench.core.types import BoolArray, FloatArray, IntArray
from xraybench.evaluate.select import Selection
from xraybench.metrics import intervals, screening

LEAST_PRINTED = 10
LEAST_RANKED = 50
ENTRIES = ("sensor", "lane", "site")  # the columns that make an entry; lane where the facts of a dataset name it
N_PERMUTATIONS = 2000
Kind = Literal["protection", "burden"]


@dataclass(frozen=True, slots=True)
class Group:
    """One group: its share of alarms, and what may be said of it."""

    name: str
    n: int  # threat rows (protection) or benign rows (burden)
    n_alarms: int
    value: float  # share that alarms; NaN below LEAST_PRINTED
    low: float  # Wilson, with the design effect where an item gives several rows; threshold as set
    high: float
    pooled: float  # drawn towards the other groups, by as much as their number and spread say
    pooled_low: float
    pooled_high: float
    is_ranked: bool  # at least LEAST_RANKED
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Prior:
    """The beta laws that the shares of the groups may come from, and how likely each is; all of shape (n_laws,)."""

    mean: FloatArray
    strength: FloatArray  # worth so many items: how much a group is drawn to the others
    weight: FloatArray  # sums to 1; empty without a group


@dataclass(frozen=True)
class Audit:
    """Equal protection or equal burden of one model on one task."""

    kind: Kind
    by: tuple[str, ...]
    groups: tuple[Group, ...]  # the largest share first; those without a number last
    overall: float
    n: int
    prior: Prior
    gap: float  # largest less smallest share among the ranked groups
    p: float  # of a gap at least as large with the groups permuted
    n_permutations: int
    reason: str = ""  # why there is no gap

    @property
    def worst(self) -> Group | None:
        """The ranked group that is guarded worst, or burdened most."""
        ranked = [group for group in self.groups if group.is_ranked]
        if not ranked:
            return None
        return (min if self.kind == "protection" else max)(ranked, key=lambda group: group.value)

    def sentence(self) -> str:
        """The audit in words."""
        what = "pd" if self.kind == "protection" else "false alarms per 1,000 lawful items"
        scale = 1.0 if self.kind == "protection" else 1000.0
        digits = 2 if self.kind == "protection" else 1
        if self.worst is None or math.isnan(self.p):
            return f"{what} by {' x '.join(self.by)}: no gap can be told, {self.reason}."
        low, high = scale * self.worst.low, scale * self.worst.high
        told = f"{scale * self.worst.value:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"
        verdict = "larger than chance" if self.p < 0.05 else "no larger than chance makes it"
        return (
            f"{what} by {' x '.join(self.by)}: worst entry {self.worst.name} with {told} on {self.worst.n} scans; gap "
            f"{scale * self.gap:.{digits}f}, {verdict} (permutation p {self.p:.3f})."
        )

    def table(self) -> pd.DataFrame:
        """A row a group, for people: burden per 1,000 lawful items."""
        scale, digits = (1.0, 3) if self.kind == "protection" else (1000.0, 1)

        def told(value: float, low: float, high: float) -> str:
            if math.isnan(value):
                return "n/a"
            return f"{scale * value:.{digits}f} [{scale * low:.{digits}f}, {scale * high:.{digits}f}]"

        return pd.DataFrame(
            [
                {
                    " x ".join(self.by): group.name,
                    "pd" if self.kind == "protection" else "false alarms per 1,000": told(
                        group.value, group.low, group.high
                    ),
                    "partly pooled": told(group.pooled, group.pooled_low, group.pooled_high),
                    "n threats" if self.kind == "protection" else "n benign": group.n,
                    "note": group.reason,
                }
                for group in self.groups
            ]
        )


def with_facts(chosen: Selection, facts: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """The rows of a selection with facts of their scans as columns, `unknown` where the source says nothing.

    Args:
        facts: One row a scan and fact, as `data.facts_in` reads it: scan_id, fact, value.
        names: Which facts, such as lane.
    """
    rows = chosen.rows
    for name in names:
        told = facts[facts["fact"] == name].drop_duplicates("scan_id").set_index("scan_id")["value"]
        rows = rows.assign(**{name: told.reindex(rows["scan_id"]).fillna("unknown").to_numpy()})
    return rows


def protection(rows: pd.DataFrame, threshold: float, *, by: Sequence[str] = ENTRIES, seed: int = 0) -> Audit:
    """Equal protection: pd of every group, one threshold for all. Threats are permuted within threat and concealment.

    Args:
        rows: `Selection.rows`, or `with_facts` of it.
        threshold: The task's, as its result file tells it.
        by: Columns that make a group; those that hold one value in all rows are left out.
        seed: Of the permutations.

    Raises:
        BadValue: No such column, or no threshold.
    """
    threats = rows[rows["is_threat"]]
    return _audit("protection", threats, threshold, by, ("threat", "concealment"), seed)


def burden(rows: pd.DataFrame, threshold: float, *, by: Sequence[str] = ENTRIES, seed: int = 0) -> Audit:
    """Equal burden: the share of lawful items that every group is stopped with, one threshold for all.

    Arguments and errors as for `protection`.
    """
    return _audit("burden", rows[~rows["is_threat"]], threshold, by, (), seed)


def _audit(
    kind: Kind, rows: pd.DataFrame, threshold: float, by: Sequence[str], strata: Sequence[str], seed: int
) -> Audit:
    if missing := [name for name in by if name not in rows.columns and name != "lane"]:
        raise BadValue(f"by: the rows have no column {', '.join(missing)}. They have: {', '.join(rows.columns)}.")
    if math.isnan(threshold):
        raise BadValue("threshold: there is none, so nothing alarms and no group can be compared.")
    present = [name for name in by if name in rows.columns]
    used = tuple(name for name in present if rows[name].nunique() > 1) or tuple(present[:1])
    alarms = screening.alarms(rows["score"].to_numpy(dtype=float), threshold)
    items = rows["item"].to_numpy(dtype=np.int64)
    names, codes = _grouped(rows, used)
    counts, totals = _counts(alarms, codes, len(names))
    effects = np.array([_effect(alarms[codes == g], items[codes == g]) for g in range(len(names))])
    n_items = np.array([len(np.unique(items[codes == g])) for g in range(len(names))], dtype=np.int64)
    told_of = n_items >= LEAST_PRINTED
    prior = beta_prior(totals[told_of] / effects[told_of], counts[told_of] / effects[told_of])
    groups = [_group(name, alarms[codes == g], items[codes == g], effects[g], prior) for g, name in enumerate(names)]
    _check_by_fairlearn(rows, used, alarms, groups)
    ranked = np.flatnonzero(n_items >= LEAST_RANKED)
    gap, p, reason = math.nan, math.nan, ""
    if len(ranked) < 2:
        reason = f"fewer than two groups have {LEAST_RANKED} items"
    else:
        shares = totals[ranked] / counts[ranked]
        gap = float(shares.max() - shares.min())
        stratum = _grouped(rows, tuple(strata))[1] if strata else np.zeros(len(rows), dtype=np.int64)
        p = gap_p(alarms, codes, items, stratum, ranked, seed=seed_of(seed, "fairness", kind, *used))
    order = sorted(groups, key=lambda group: (math.isnan(group.value), -group.value, group.name))
    overall = float(alarms.mean()) if len(alarms) else math.nan
    return Audit(kind, used, tuple(order), overall, len(rows), prior, gap, p, N_PERMUTATIONS, reason)


def _grouped(rows: pd.DataFrame, columns: tuple[str, ...]) -> tuple[list[str], IntArray]:
    """Names of the groups that occur, sorted, and the number of each row's group."""
    if not len(rows) or not columns:
        return [], np.zeros(len(rows), dtype=np.int64)
    joint = rows[columns[0]].astype(str)
    for name in columns[1:]:
        joint = joint + " x " + rows[name].astype(str)
    codes, names = pd.factorize(joint, sort=True)
    return [str(name) for name in names], np.asarray(codes, dtype=np.int64)


def _counts(alarms: BoolArray, codes: IntArray, n_groups: int) -> tuple[FloatArray, FloatArray]:
    counts = np.bincount(codes, minlength=n_groups).astype(np.float64)
    return counts, np.bincount(codes, weights=alarms, minlength=n_groups).astype(np.float64)


def _effect(alarms: BoolArray, items: IntArray) -> float:
    effect = intervals.design_effect(alarms.astype(float), items)
    return 1.0 if math.isnan(effect) else effect


def _group(name: str, alarms: BoolArray, items: IntArray, effect: float, prior: Prior) -> Group:
    n, k, n_items = len(alarms), int(alarms.sum()), len(np.unique(items))
    if n_items < LEAST_PRINTED:
        why = f"insufficient: {n_items} items, {LEAST_PRINTED} are needed"
        no = math.nan
        return Group(name, n, k, no, no, no, no, no, no, is_ranked=False, reason=why)
    ends = intervals.clustered_wilson(alarms.astype(float), items)
    pooled = pooled_share(k / effect, n / effect, prior)
    is_ranked = n_items >= LEAST_RANKED
    reason = "" if is_ranked else f"not ranked: {n_items} items, {LEAST_RANKED} are needed"
    return Group(name, n, k, k / n, ends.low, ends.high, *pooled, is_ranked=is_ranked, reason=reason)


def _check_by_fairlearn(rows: pd.DataFrame, by: tuple[str, ...], alarms: BoolArray, groups: Sequence[Group]) -> None:
    """fairlearn groups the same alarms on its own; a share that differs is a fault of the code and is not printed."""
    from fairlearn.metrics import MetricFrame, selection_rate

    if not len(rows):
        return
    told = MetricFrame(
        metrics=selection_rate,
        y_true=rows["is_threat"].astype(int).to_numpy(),
        y_pred=alarms.astype(int),
        sensitive_features=pd.DataFrame({name: rows[name].astype(str).to_numpy() for name in by}),
    ).by_group
    by_name = {" x ".join(key) if isinstance(key, tuple) else str(key): value for key, value in told.items()}
    for group in groups:
        if not math.isnan(group.value) and abs(by_name[group.name] - group.value) > 1e-9:
            raise AssertionError(f"group {group.name}: ours {group.value}, fairlearn's {by_name[group.name]}")


def gap_p(
    alarms: BoolArray,
    codes: IntArray,
    items: IntArray,
    strata: IntArray,
    ranked: IntArray,
    *,
    seed: int,
    n_permutations: int = N_PERMUTATIONS,
) -> float:
    """Chance of a gap at least as large where the groups mean nothing: the item is the unit that is permuted.

    The groups of an item's rows go as one to another item of its stratum with as many rows, and are then shuffled within the
    item: an item that two scanners saw keeps one row at each.

    Args:
        alarms: Shape (n_rows,).
        codes: Group of each row, shape (n_rows,).
        items: Item of each row, shape (n_rows,).
        strata: What the groups may not be mixed over, of each row; an item's first row counts. Shape (n_rows,).
        ranked: The groups that the gap is taken among.
        seed: Of the permutations.

    Source:
        (1 + those at least as large) / (1 + permutations): Phipson and Smyth 2010, Stat. Appl. Genet. Mol. Biol. 9:39.
    """
    rng = np.random.default_rng(seed)
    order = np.argsort(items, kind="stable")
    alarm, code, stratum = alarms[order].astype(np.float64), codes[order], strata[order]
    _, start, size = np.unique(items[order], return_index=True, return_counts=True)
    blocks = [
        start[(size == s) & (stratum[start] == t)][:, None] + np.arange(s)
        for s in np.unique(size)
        for t in np.unique(stratum[start[size == s]])
    ]
    n_groups = int(code.max()) + 1

    def gap_of(moved: IntArray) -> float:
        counts = np.bincount(moved, minlength=n_groups)[ranked]
        shares = np.bincount(moved, weights=alarm, minlength=n_groups)[ranked] / counts
        return float(shares.max() - shares.min())

    observed, n_as_large = gap_of(code), 0
    moved = code.copy()
    for _ in range(n_permutations):
        for rows in blocks:
            shuffled = code[rows][rng.permutation(len(rows))]
            moved[rows] = rng.permuted(shuffled, axis=1) if rows.shape[1] > 1 else shuffled
        n_as_large += gap_of(moved) >= observed - 1e-12
    return (1 + n_as_large) / (1 + n_permutations)


def beta_prior(k: FloatArray, n: FloatArray) -> Prior:
    """How likely each beta law is that the shares of the groups may come from, given their counts.

    Both the mean and the strength of the law are left open, so that few groups, or groups that happen to be alike, do not
    pass for certainty that all are equal.

    Args:
        k: Alarms of each group; effective, where items give several rows. Shape (n_groups,).
        n: Items of each group, likewise.

    Source:
        Beta-binomial hierarchy: Gelman et al. 2013, Bayesian Data Analysis, section 5.3; flat law of the mean, uniform
        shrinkage: Daniels 1999, Canadian Journal of Statistics 27:567.
    """
    if not len(n):
        return Prior(np.empty(0), np.empty(0), np.empty(0))
    middles, shares = ((np.arange(n) + 0.5) / n for n in (_N_STRENGTHS, _N_MEANS))
    spread = max(1.0, 4 * math.sqrt(0.25 / float(n.sum())))  # of the grid on the logit scale: wide for few items
    centre = float(logit((k.sum() + 0.5) / (n.sum() + 1.0)))
    place = centre + 4 * spread * (2 * shares - 1)
    size = len(n) / float((1 / n).sum())
    mean, shrinkage = (grid.ravel() for grid in np.meshgrid(expit(place), middles))
    strength = size * shrinkage / (1 - shrinkage)
    a, b = mean * strength, (1 - mean) * strength
    fits = (betaln(k[:, None] + a, (n - k)[:, None] + b) - betaln(a, b)).sum(axis=0)
    fits += np.log(mean) + np.log1p(-mean)  # the grid is even in log-odds, the law flat in the mean
    weight = np.exp(fits - fits.max())
    kept = weight > 1e-6
    return Prior(mean[kept], strength[kept], weight[kept] / weight[kept].sum())


def pooled_share(k: float, n: float, prior: Prior) -> tuple[float, float, float]:
    """A group's share drawn towards the others': mean of its posterior, the ends of its middle 95 %; NaN without a law."""
    if not len(prior.weight):
        return math.nan, math.nan, math.nan
    a, b = k + prior.mean * prior.strength, n - k + (1 - prior.mean) * prior.strength

    def quantile(share: float) -> float:
        found = brentq(lambda x: float(prior.weight @ betainc(a, b, x)) - share, 0.0, 1.0, xtol=1e-6)
        return float(found)

    return float(prior.weight @ (a / (a + b))), quantile(0.025), quantile(0.975)


_N_STRENGTHS = 40
_N_MEANS = 200  # steps of 0.04 in log-odds: thousands of items tell a mean more finely than steps of 0.2
