"""The gate at a site: nothing leaves before a person has seen what it is, and a model is answered for once.

`release` shows the counts of an evaluation in words, asks the approver, and writes the answer with its reason into the
site's log; `release_job` does so for the weights of a training, once a job. The log is also the ledger: one release per
model and dataset, because the difference of two answers can tell what neither tells alone; a count of releases; and the
privacy budget, which evaluations and trainings spend together. The same question may come again, when a site dropped out of
its sum: the person is told so and asked again.
"""

import datetime as dt
import json
import math
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xraybench.core import digest
from xraybench.core.documents import write_text
from xraybench.core.errors import Refused
from xraybench.data.agreement import Agreement
from xraybench.federate import decisions

DELTA = 1e-6  # chance that the promise of differential privacy does not hold, for a site's whole budget


@dataclass(frozen=True, slots=True)
class Payload:
    """What is to leave, in words that a person can judge."""

    subject: str  # digest of the question or job
    model: str  # digest of the model that is answered for; empty for a job, which makes one
    data: str  # digest of the dataset
    party: str
    purpose: str
    text: str  # the facts, a line each
    rho: float = 0.0  # privacy spent by it (zero-concentrated); 0 where no noise is added
    strata: tuple[str, ...] = ()  # names of the strata that it tells


@dataclass(frozen=True, slots=True)
class Answer:
    """What the person at the site said."""

    approved: bool
    by: str
    reason: str = ""


Approver = Callable[[Payload], Answer]


def unattended(payload: Payload) -> Answer:
    """Approve without a person: for tests and simulated sites. The log says so."""
    return Answer(True, "unattended", "approved without a person, as the site was started")


def by_file(
    folder: Path, *, timeout_s: float, poll_s: float = 0.5, is_over: Callable[[], bool] = lambda: False
) -> Approver:
    """An approver for a site that runs on its own: it lays the payload into a folder and waits for a person's file.

    `<subject>.txt` holds what is to leave. A person writes their name into `<subject>.approved`, or the reason into
    `<subject>.refused`.

    Args:
        folder: Where the files lie.
        timeout_s: How long a person may take.
        poll_s: How often the folder is looked at.
        is_over: Whether nobody waits for the answer any more.
    """

    def ask(payload: Payload) -> Answer:
        # An answer to an earlier asking of the same question is none to this one.
        for suffix in ("approved", "refused"):
            (folder / f"{payload.subject}.{suffix}").unlink(missing_ok=True)
        write_text(folder / f"{payload.subject}.txt", payload.text + "\n")
        end = time.monotonic() + timeout_s
        while True:
            for suffix, approved in (("approved", True), ("refused", False)):
                told = folder / f"{payload.subject}.{suffix}"
                if told.is_file() and (words := told.read_text(encoding="utf-8").strip()):  # empty: still being written
                    return Answer(approved, words if approved else "a person at the site", "" if approved else words)
            if time.monotonic() >= end:
                return Answer(False, "nobody", f"no answer of a person within {timeout_s:g} s")
            if is_over():
                return Answer(False, "nobody", "no answer of a person while the job ran")
            time.sleep(poll_s)

    return ask


def release(payload: Payload, *, site: str, agreement: Agreement | None, log: Path, approve: Approver) -> None:
    """Let a payload leave, or raise; the decision stands in the log either way.

    Args:
        payload: What is to leave.
        site: Whose it is.
        agreement: Gives the limits on releases and budget; None for simulated scans.
        log: The site's log of decisions, its ledger too.
        approve: Asks the person.

    Raises:
        Refused: The model was answered for on this dataset before, a limit is reached, or the person said no.
    """
    answer = _limits(payload, agreement, log) or approve(payload)
    with decisions.alone(log):  # a person takes their time, and another answer may have left since
        if answer.approved:
            answer = _limits(payload, agreement, log) or answer
        facts = {"model": payload.model, "data": payload.data, "rho": payload.rho, "strata": sorted(payload.strata)}
        _write_down(payload, answer, site=site, action="see_aggregate", log=log, facts=facts)
    if not answer.approved:
        raise Refused(f"Site {site} does not release its answer: {answer.reason or 'the person there refused'}.")


def release_job(
    payload: Payload, *, site: str, agreement: str, log: Path | None, approve: Approver | None, is_simulated: bool
) -> None:
    """Let the weights of a training leave, all its rounds, or raise; the decision stands in the log either way.

    A job that a person released before, over the same scans and under the same agreement, is not asked about again.

    Args:
        payload: The job and what of it will leave.
        site: Whose it is.
        agreement: Reference of the agreement; empty for simulated scans without one.
        log: The site's log; None where nothing is kept.
        approve: Asks the person; None for nobody, who may release no real scans.
        is_simulated: Whether all scans of the site are simulated.

    Raises:
        Refused: The person said no, or nobody was there to ask.
    """
    if _job_was_released(payload, agreement, log):
        return
    if approve is None:
        answer = Answer(False, "nobody", "nobody is there to release it")
    elif approve is unattended and not is_simulated:
        answer = Answer(
            False, "nobody", "its scans are real, and a person there has to release what is learned of them"
        )
    else:
        answer = approve(payload)
    if log is not None:
        facts = {"scans": payload.data}
        _write_down(payload, answer, site=site, action="export_weights", log=log, facts=facts, agreement=agreement)
    if not answer.approved:
        raise Refused(f"Site {site} does not release its weights: {answer.reason or 'the person there refused'}.")


def _write_down(
    payload: Payload,
    answer: Answer,
    *,
    site: str,
    action: str,
    log: Path,
    facts: Mapping[str, Any],
    agreement: str = "",
) -> None:
    """The line of the log on what a person, or a limit before them, said of a payload."""
    decisions.write(
        log,
        site=site,
        point="release",
        party=payload.party,
        action=action,
        purpose=payload.purpose,
        subject=payload.subject,
        allowed=answer.approved,
        reason=answer.reason or ("released" if answer.approved else "refused"),
        agreement=agreement,
        facts={**facts, "by": answer.by, "payload": digest.of_json(payload.text)},
    )


def _job_was_released(payload: Payload, agreement: str, log: Path | None) -> bool:
    """Whether the last word of a person on this job, these scans and this agreement was yes."""
    told = [
        one.allowed
        for one in _entries(log)
        if (one.point, one.action, one.subject, one.agreement)
        == ("release", "export_weights", payload.subject, agreement)
        and one.facts.get("scans") == payload.data
    ]
    return bool(told) and told[-1]


def was_released(log: Path, payload_subject: str, data: str) -> bool:
    """Whether this question was answered for this dataset before."""
    return any(entry.subject == payload_subject for entry in _released(log, data))


def strata_released(log: Path, payload_subject: str, data: str) -> set[str]:
    """Every stratum that this question told of this dataset so far."""
    past = [entry for entry in _released(log, data) if entry.subject == payload_subject]
    return {str(name) for entry in past for name in entry.facts.get("strata", [])}


def spent(log: Path, data: str) -> tuple[int, float]:
    """Releases of a dataset so far, repeats among them, and the privacy they spent (zero-concentrated, adds up)."""
    past = _released(log, data)
    return len(past), math.fsum(float(entry.facts["rho"]) for entry in past)


def training_facts(*, n_rounds: int, noise: float, sample_rate: float, n_steps: int) -> dict[str, float]:
    """What the ledger keeps of a round with noise; of a job, it counts all rounds as soon as the first is asked for."""
    return {"n_rounds": n_rounds, "noise": noise, "sample_rate": sample_rate, "n_steps": n_steps}


def epsilon_spent(
    log: Path | None,
    *,
    rho: float = 0.0,
    job: str = "",
    training: Mapping[str, float] | None = None,
    n_more: int = 0,
) -> float:
    """The epsilon of all counts and trainings in a site's ledger, with one more of either.

    A training counts as all rounds of its job, or as those that were asked for, where some were asked for twice. Trainings
    are composed by their Rényi divergences, releases of counts by theirs, and the epsilons of both are added: the promise
    then fails with a chance of at most `DELTA` and `train.private.DELTA` together. That of a training is for one view.

    Args:
        log: The site's log; None for an empty one.
        rho: Of counts that are to be released.
        job: Digest of the job that is to be trained.
        training: What one of its rounds costs, see `training_facts`.
        n_more: Rounds of it that are asked for now and do not stand in the log yet.
    """
    counts = math.fsum([rho, *(float(entry.facts["rho"]) for entry in _released(log))])
    asked: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for one in _entries(log):
        if one.allowed and one.point == "query" and "n_steps" in one.facts:
            asked[one.subject].append(one.facts)
    if training is not None:
        asked[job] = [*asked[job], *[training] * n_more] or [training]
    return epsilon(counts) + (_of_trainings(asked) if asked else 0.0)


def _of_trainings(asked: Mapping[str, list[Mapping[str, Any]]]) -> float:
    from xraybench.train import private

    fits = []
    for rounds in asked.values():
        one = rounds[0]
        fit = private.PrivateFit((), int(one["n_steps"]), float(one["sample_rate"]), float(one["noise"]), 1)
        fits += [fit] * max(int(one["n_rounds"]), len(rounds))
    return private.epsilon_of(fits)


def epsilon(rho: float, delta: float = DELTA) -> float:
    """The epsilon that a spent rho stands for at a delta.

    Source:
        Bun & Steinke 2016, Concentrated Differential Privacy, Proposition 1.3.
    """
    return 0.0 if rho <= 0 else rho + 2.0 * math.sqrt(rho * math.log(1.0 / delta))


def _limits(payload: Payload, agreement: Agreement | None, log: Path) -> Answer | None:
    """What forbids a release whoever approves it; None when nothing does.

    The limits of an agreement count every release of the site: a dataset that grew by one scan has another digest, and a
    budget that began again with it would be none.
    """
    past = _released(log)
    asked = {entry.subject for entry in past} | {payload.subject}
    for entry in past:
        is_same = (entry.facts["model"], entry.facts["data"]) == (payload.model, payload.data)
        if is_same and entry.subject != payload.subject:
            when = dt.datetime.fromisoformat(entry.time).date()
            return Answer(False, "ledger", f"model {payload.model} was answered for on this dataset on {when}, and the "
                          "difference of two answers can tell single items")  # fmt: skip
    if agreement is None:
        return None
    if agreement.releases and len(asked) > agreement.releases:
        return Answer(False, "ledger", f"{len(asked) - 1} of {agreement.releases} agreed releases are used")
    if agreement.epsilon:
        if not payload.rho:
            return Answer(False, "ledger", "the agreement sets a privacy budget, and this answer carries no noise")
        total = epsilon_spent(log, rho=payload.rho)
        if total > agreement.epsilon:
            return Answer(
                False, "ledger", f"epsilon would reach {total:.2f}; the agreed budget is {agreement.epsilon:g}"
            )
    return None


def _entries(log: Path | None) -> list[decisions.Entry]:
    return decisions.read(log) if log is not None and log.is_file() else []


def _released(log: Path | None, data: str = "") -> list[decisions.Entry]:
    """Counts that a person let leave, of one dataset or of all; what agreements alone decided has no facts."""
    kept = [one for one in _entries(log) if one.point == "release" and one.allowed and "data" in one.facts]
    return [one for one in kept if not data or one.facts["data"] == data]


def shown(facts: Mapping[str, object]) -> str:
    """Facts as text for a person, a line each: words of a coordinator can neither break a line nor move a cursor."""
    return "\n".join(
        f"{name}: {value if isinstance(value, str) and value.isprintable() else json.dumps(value)}"
        for name, value in facts.items()
    )
