"""Federated evaluation: the pooled numbers of one model over several sites, and no score ever leaves a site.

Each site counts its scores into the bins of the declared grid (`metrics.histograms`), a row of counts for the calibration
items, the benign items, the threats, and every stratum; the sites' counts are added by an exact secure sum, so that the
coordinator sees totals only. What is computed from the totals is what one place with all gridded scores would have
computed; it is never an average of sites' metrics. Three exchanges a site:

    open   the question                    -> a public key, and which strata hold none, few or enough items; signed
    sum    the openings of all, the strata -> the counts under masks, after a person at the site released them
    site   the one transferred threshold   -> alarms and items of the site itself, where its agreement lets them be seen

A stratum is told when no site has few items of it and enough sites have enough, and what is left of its axis beside those
that are told must be so too, because the difference to the whole tells it. The sites check that (`answer`).
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from pydantic import ValidationError

from xraybench import tasks
from xraybench.core import digest
from xraybench.core.documents import field_faults
from xraybench.core.errors import BadValue, Refused, UserError
from xraybench.core.types import IntArray
from xraybench.data.agreement import LEAST_SITES
from xraybench.federate import secure_sum
from xraybench.federate.answer import COARSE, EvaluationSite, site_step
from xraybench.federate.pooled import pooled_rows, site_rows
from xraybench.federate.question import (
    CALIBRATION,
    OFFSET,
    EvaluationQuestion,
    FederatedResult,
    SiteOpening,
    SiteRow,
    SumTold,
    axes_of,
    layout,
    question_digest,
    strata_told,
)
from xraybench.metrics import histograms
from xraybench.metrics.histograms import N_BINS

D = TypeVar("D", SiteOpening, SumTold, SiteRow)
Ask = Callable[[str, str, dict[str, Any]], tuple[dict[str, Any], dict[str, np.ndarray]]]


def evaluate_across(question: EvaluationQuestion, names: Sequence[str], ask: Ask) -> FederatedResult:
    """Put a question to the sites and compute the pooled numbers from what they may tell.

    Args:
        question: What is asked.
        names: The sites.
        ask: Carries a message to a site and its answer back: (site, step, header) -> (header, arrays). It raises a
            `UserError` when the site refuses or cannot be reached.

    Raises:
        Refused: Fewer sites than the strictest agreement asks for can take part; each refusal is named.
        BadValue: The masks did not cancel, two sites bring the same scans, or noise leaves no calibration item.
    """
    base = {"question": question.model_dump(mode="json")}
    opened: dict[str, SiteOpening] = {}
    absent: dict[str, str] = {}
    for name in names:
        try:
            opened[name] = read_opening(question, name, ask(name, "open", base)[0])
        except UserError as error:
            absent[name] = str(error)
    _check_enough(opened, absent)
    summed: _Summed | None = None
    among: list[str] | None = None  # strata that a sum before this one told
    while summed is None:
        try:
            summed = _summed(question, opened, base, ask, among)
        except _Gone as gone:  # its masks stay behind: the sum is asked for again, without it
            absent[gone.site], among = gone.reason, gone.strata
            del opened[gone.site]
            _check_enough(opened, absent)
    counts = dict(zip(layout(question), summed.added, strict=True))
    task = tasks.get(question.task)
    if not counts[CALIBRATION].any():
        raise BadValue(
            f"A noise of {question.noise:g} leaves no calibration item, so no threshold can be set. Ask with less."
        )
    at = histograms.bin_at_pfa(counts[CALIBRATION], task.pfa_points[0])
    told = []
    for name in opened:
        try:
            told.append(read_row(name, ask(name, "site", {**base, "bin": at})[0]))
        except UserError as error:
            told.append(SiteRow(site=name, reason=str(error)))
    has_boxes = all(one.has_boxes for one in opened.values())
    rows = pooled_rows(question, counts, summed.strata, has_boxes=has_boxes)
    rows += site_rows(question, told, at=task.pfa_points[0])
    return FederatedResult(
        question=question,
        is_simulated=next(iter(opened.values())).is_simulated,
        threshold=histograms.lower_edge(at) if at < N_BINS else None,
        sites=list(opened.values()),
        absent=absent,
        unverified_at=summed.unverified_at,
        withheld=summed.withheld,
        counts_digest=digest.of_bytes(summed.added.astype("<i8").tobytes()),
        rows=rows,
        site_rows=told,
    )


def check_answer(
    question: EvaluationQuestion, step: str, site: str, told: Mapping[str, Any], counts: Mapping[str, np.ndarray]
) -> None:
    """Raise BadValue where what a site said to a step is no answer to it, before anything is made of it."""
    if step == "open":
        read_opening(question, site, told)
    elif step == "sum":
        read_payload(question, site, told, counts)
    else:
        read_row(site, told)


def read_opening(question: EvaluationQuestion, site: str, told: Mapping[str, Any]) -> SiteOpening:
    """What a site said to `open`. Raises BadValue when it is no opening of this site to this question."""
    opening = _document(SiteOpening, site, told)
    if opening.question != question_digest(question):
        raise BadValue(f"Site {site}: its opening is of another question ({opening.question}).")
    if opening.strata.keys() != {name for names in axes_of(question).values() for name in names}:
        raise BadValue(f"Site {site}: its opening tells of other strata than the question has.")
    return opening


def read_payload(
    question: EvaluationQuestion, site: str, told: Mapping[str, Any], counts: Mapping[str, np.ndarray]
) -> tuple[SumTold, secure_sum.UInt64Array]:
    """What a site said to `sum`, and its counts under masks. Raises BadValue when they are none of this question."""
    said = _document(SumTold, site, told)
    shape = (len(layout(question)), COARSE if question.noise else N_BINS)
    payload = counts.get("counts")
    if payload is None or payload.dtype != np.uint64 or payload.shape != shape:
        found = "none" if payload is None else f"{payload.dtype} {payload.shape}"
        raise BadValue(f"Site {site}: its counts under masks are {found}; uint64 {shape} is right.")
    return said, payload


def read_row(site: str, told: Mapping[str, Any]) -> SiteRow:
    """What a site said to `site`. Raises BadValue when it is no row of this site."""
    return _document(SiteRow, site, told)


def ask_in_process(sites: Mapping[str, EvaluationSite]) -> Ask:
    """Carry messages to sites in this process, through the same JSON that a network would carry."""

    def ask(name: str, step: str, header: dict[str, Any]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        told, counts = site_step(sites[name], step, json.loads(json.dumps(header)))
        return json.loads(json.dumps(told)), counts

    return ask


class _Gone(Exception):
    """A site dropped out between its opening and its sum, of which others may have told these strata."""

    def __init__(self, site: str, reason: str, strata: list[str]) -> None:
        super().__init__(f"{site}: {reason}")
        self.site, self.reason, self.strata = site, reason, strata


@dataclass(frozen=True, slots=True)
class _Summed:
    """What the sites said together."""

    added: IntArray  # shape (n_rows, N_BINS)
    strata: list[str]  # that are in it
    withheld: dict[str, str]  # that are not, with the reason
    unverified_at: list[str]


def _document(kind: type[D], site: str, told: Mapping[str, Any]) -> D:
    try:
        found = kind.model_validate(told)
    except ValidationError as error:
        raise BadValue(f"Site {site}: its answer is no {kind.__name__}: {'; '.join(field_faults(error))}.") from None
    if found.site != site:
        raise BadValue(f"Site {site}: its answer calls itself one of site {found.site!r}.")
    return found


def _check_enough(opened: Mapping[str, SiteOpening], absent: Mapping[str, str]) -> None:
    """Raise unless these sites can be summed."""
    least = max([LEAST_SITES, *(one.least_sites for one in opened.values())])
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
    question: EvaluationQuestion,
    opened: Mapping[str, SiteOpening],
    base: dict[str, Any],
    ask: Ask,
    among: list[str] | None,
) -> _Summed:
    """The sum over the sites. Where it is asked for again, `among` are the strata that were told before."""
    least = max(one.least_sites for one in opened.values())
    strata = {name: one.strata for name, one in opened.items()}
    told, withheld = strata_told(question, strata, least=least, among=among)
    openings = {name: one.model_dump(mode="json") for name, one in opened.items()}
    header = {**base, "openings": openings, "strata": told}
    payloads, unverified_at = [], []
    for name in opened:
        try:
            said, payload = read_payload(question, name, *ask(name, "sum", header))
        except UserError as error:
            raise _Gone(name, str(error), told) from None
        payloads.append(payload)
        if not said.verified:
            unverified_at.append(name)
    added = secure_sum.total(payloads, n_sites=len(opened))
    if question.noise:
        added = _fine(_counts_again(added - len(opened) * OFFSET))
    return _Summed(added, told, withheld, unverified_at)


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
