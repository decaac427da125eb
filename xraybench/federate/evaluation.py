"""Federated evaluation: the pooled numbers of one model over several sites, and no score ever leaves a site.

Each site counts its scores into the bins of the declared grid (`metrics.histograms`), a row of counts for the calibration
items, the benign items, the threats, and every stratum; the sites' counts are added by an exact secure sum, so that the
coordinator sees totals only. What is computed from the totals is what one place with all gridded scores would have
computed; it is never an average of sites' metrics. Three exchanges a site:

    open   the question                   -> a public key, and which strata hold none, few or enough items
    sum    the keys of all, the strata    -> the counts under masks, after a person at the site released them
    site   the one transferred threshold  -> alarms and items of the site itself, where its agreement lets them be seen

A stratum is told when no site has few items of it and enough sites have enough; where a single stratum of an axis would
be left out, a second one is, because otherwise the difference to the whole would tell the first.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from xraybench import tasks
from xraybench.core.errors import BadValue, Refused, UserError
from xraybench.core.types import IntArray
from xraybench.federate import secure_sum
from xraybench.federate.answer import COARSE, OFFSET, EvaluationSite, site_step
from xraybench.federate.pooled import pooled_rows, site_rows
from xraybench.federate.question import (
    CALIBRATION,
    EvaluationQuestion,
    FederatedResult,
    SiteOpening,
    SiteRow,
    layout,
    strata_told,
)
from xraybench.metrics import histograms
from xraybench.metrics.histograms import N_BINS

Ask = Callable[[str, str, dict[str, Any], dict[str, np.ndarray]], tuple[dict[str, Any], dict[str, np.ndarray]]]


def evaluate_across(question: EvaluationQuestion, names: Sequence[str], ask: Ask) -> FederatedResult:
    """Put a question to the sites and compute the pooled numbers from what they may tell.

    Args:
        question: What is asked.
        names: The sites.
        ask: Carries a message to a site and its answer back: (site, step, header, arrays) -> (header, arrays). It raises a
            `UserError` when the site refuses or cannot be reached.

    Raises:
        Refused: Fewer sites than the strictest agreement asks for can take part; each refusal is named.
        BadValue: The masks did not cancel, or two sites bring the same scans.
    """
    base = {"question": question.model_dump(mode="json")}
    opened: dict[str, SiteOpening] = {}
    absent: dict[str, str] = {}
    for name in names:
        try:
            opened[name] = SiteOpening.model_validate(ask(name, "open", base, {})[0])
        except UserError as error:
            absent[name] = str(error)
    _check_enough(opened, absent)
    while True:
        try:
            added, strata, withheld = _summed(question, opened, base, ask)
            break
        except _Gone as gone:  # its masks stay behind: the sum is asked for again, without it
            absent[gone.site] = gone.reason
            del opened[gone.site]
            _check_enough(opened, absent)
    counts = dict(zip(layout(question), added, strict=True))
    task = tasks.get(question.task)
    at = histograms.bin_at_pfa(counts[CALIBRATION], task.pfa_points[0])
    rows = pooled_rows(question, counts, strata, has_boxes=all(one.has_boxes for one in opened.values()))
    told = []
    for name in opened:
        try:
            told.append(SiteRow.model_validate(ask(name, "site", {**base, "bin": at}, {})[0]))
        except UserError as error:
            told.append(SiteRow(site=name, reason=str(error)))
    rows += site_rows(question, told, at=task.pfa_points[0])
    return FederatedResult(
        question=question,
        is_simulated=next(iter(opened.values())).is_simulated,
        threshold=histograms.lower_edge(at) if at < N_BINS else None,
        sites=list(opened.values()),
        absent=absent,
        withheld=withheld,
        rows=rows,
        site_rows=told,
    )


def ask_in_process(sites: Mapping[str, EvaluationSite]) -> Ask:
    """Carry messages to sites in this process, through the same JSON that a network would carry."""

    def ask(
        name: str, step: str, header: dict[str, Any], arrays: dict[str, np.ndarray]
    ) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        told, counts = site_step(sites[name], step, json.loads(json.dumps(header)), arrays)
        return json.loads(json.dumps(told)), counts

    return ask


class _Gone(Exception):
    """A site dropped out between its opening and its sum."""

    def __init__(self, site: str, reason: str) -> None:
        super().__init__(f"{site}: {reason}")
        self.site, self.reason = site, reason


def _check_enough(opened: Mapping[str, SiteOpening], absent: Mapping[str, str]) -> None:
    """Raise unless these sites can be summed."""
    least = max([secure_sum.LEAST_SITES, *(one.least_sites for one in opened.values())])
    if len(opened) < least:
        told = "".join(f"\n  {name}: {reason}" for name, reason in absent.items())
        raise Refused(f"{len(opened)} sites can answer and {least} are needed, or one of them could be told.{told}")
    if len({one.is_simulated for one in opened.values()}) > 1:
        raise BadValue("Some sites hold simulated scans and some real ones: their numbers are never mixed.")
    first: dict[str, str] = {}
    for name, one in opened.items():
        other = first.setdefault(one.data_digest, name)
        if other != name:
            raise BadValue(
                f"Sites {other} and {name} bring the same scans ({one.data_digest}): they would count twice."
            )


def _summed(
    question: EvaluationQuestion, opened: Mapping[str, SiteOpening], base: dict[str, Any], ask: Ask
) -> tuple[IntArray, list[str], dict[str, str]]:
    """The sum over the sites, shape (n_rows, N_BINS), the strata that are in it and those that are not."""
    least = max(one.least_sites for one in opened.values())
    told, withheld = strata_told(question, {name: one.strata for name, one in opened.items()}, least=least)
    header = {**base, "keys": {name: one.public_key for name, one in opened.items()}, "strata": told}
    payloads = []
    for name in opened:
        try:
            payloads.append(ask(name, "sum", header, {})[1]["counts"].astype(np.uint64))
        except UserError as error:
            raise _Gone(name, str(error)) from None
    added = secure_sum.total(payloads, n_sites=len(opened))
    if question.noise:
        added = _fine(_counts_again(added - len(opened) * OFFSET))
    return added, told, withheld


def _fine(counts: IntArray) -> IntArray:
    """Coarse counts on the fine grid, each in the highest of its bins, so that a threshold cuts between cells."""
    out = np.zeros((len(counts), N_BINS), dtype=np.int64)
    out[:, N_BINS // COARSE - 1 :: N_BINS // COARSE] = counts
    return out


def _counts_again(noisy: IntArray) -> IntArray:
    """Counts of 0 or more whose running sums lie nearest to those of the noisy ones: cutting off at 0 would add items.

    Source:
        Hay, Rastogi, Miklau & Suciu 2010, Boosting the Accuracy of Differentially Private Histograms Through Consistency.
    """
    from sklearn.isotonic import isotonic_regression

    sums = np.stack([isotonic_regression(np.cumsum(row).astype(float), y_min=0.0) for row in noisy])
    return np.asarray(np.diff(np.rint(sums), axis=1, prepend=0.0), dtype=np.int64)
