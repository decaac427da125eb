"""What runs at the coordinator inside NVIDIA FLARE: one class that asks, waits, and closes rounds by `rounds.close`.

FLARE carries; it neither averages nor keeps the weights. Its stock controller gives a job up with the first site it loses,
so waiting is our own: a round closes when all have answered, when the quorum has and the grace is over, or at the timeout.
A run begins in the same way, with the sites that say yes. FLARE lets nobody into a job that runs, so when a site connects
again this job ends after its round, and the command that started it asks for another.
"""

import sys
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from nvflare.apis.controller_spec import ClientTask, Task
from nvflare.apis.fl_context import FLContext
from nvflare.apis.impl.controller import Controller
from nvflare.apis.signal import Signal

from xraybench.core import digest
from xraybench.core.documents import FederatedJob, FederatedSite, read_document, write_document
from xraybench.core.errors import BadValue, CheckFailed, Refused, UserError, XrayBenchError
from xraybench.federate import rounds, steps, wire
from xraybench.federate._flare_door import connections
from xraybench.federate._flare_site import PARTS, message
from xraybench.federate._flare_start import end_with_parent
from xraybench.federate.aggregate import SiteUpdate
from xraybench.federate.checkpoint import Checkpoint, held, note
from xraybench.federate.evaluation import evaluate_across
from xraybench.federate.flare import AGAIN
from xraybench.federate.job import check_sites, site_digest, site_faults
from xraybench.federate.kits import Outcome, ServerSettings, read_settings, write_outcome
from xraybench.federate.question import EvaluationQuestion, FederatedResult
from xraybench.models.timm_net import read_weights

TASK = "xraybench"
_POLL_S = 0.02


class Patience(Protocol):
    """How long to wait for whom: a job's, or that of an evaluation."""

    @property
    def quorum(self) -> int: ...
    @property
    def grace_s(self) -> float: ...
    @property
    def round_timeout_s(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Patient:
    """The patience of an evaluation, or of the start of a run."""

    quorum: int
    grace_s: float
    round_timeout_s: float


class _Again(Exception):
    """A site connected that this job cannot reach."""


class Coordinator(Controller):  # type: ignore[misc]  # nvflare has no types
    """Plays a job over the sites that are connected, from its last whole round on."""

    def __init__(self, job: dict[str, Any], join_s: float = 0.0) -> None:
        super().__init__(task_check_period=0.1)
        self.job, self.join_s = job, join_s  # FLARE writes components by the names of their arguments
        self._late: dict[str, wire.Parts | str] = {}  # who answered the question to join when the run had begun
        self._lost: set[str] = set()  # who did not answer last: asked again, but not waited for again
        end_with_parent()

    def start_controller(self, fl_ctx: FLContext) -> None:
        """Nothing to prepare: all that a run needs lies in its folder."""

    def stop_controller(self, fl_ctx: FLContext) -> None:
        """Nothing to put away: every round was kept when it was closed."""

    def process_result_of_unknown_task(self, client: Any, task_name: str, *args: Any, **kwargs: Any) -> None:
        """An answer that came after its round was closed."""
        sys.stderr.write(f"{client.name}: its answer came after the round was closed and is not used.\n")

    def control_flow(self, abort_signal: Signal, fl_ctx: FLContext) -> None:
        """Play the job; how it ended is written into the run's folder, for whoever waits for it."""
        settings = read_settings(Path(fl_ctx.get_workspace().get_root_dir()), ServerSettings)
        out = Path(settings.out)
        try:
            with held(out):
                self._play(out, abort_signal, fl_ctx)
            outcome = Outcome(token=settings.token, exit_code=0, text="")
        except _Again:
            outcome = Outcome(token=settings.token, exit_code=0, text=AGAIN)
        except XrayBenchError as error:
            outcome = Outcome(token=settings.token, exit_code=error.exit_code, text=str(error))
        except Exception as error:  # told to the waiting command too, which would wait for ever
            traceback.print_exc()
            outcome = Outcome(token=settings.token, exit_code=1, text=f"{type(error).__name__}: {error}")
        write_outcome(out, outcome)

    def _play(self, out: Path, abort: Signal, fl_ctx: FLContext) -> None:
        job = FederatedJob.model_validate(self.job)
        here = sorted(client.name for client in self._engine.get_clients())
        at_first = connections(out)
        described = self._join(job, out, here, abort, fl_ctx)
        first = out / "flare" / "first.safetensors"
        now = rounds.start(
            job, described, rounds.first_weights(job, read_weights(first) if job.parent else None), out=out
        )
        began = now.index
        if began:
            note(out, f"goes on after round {began} with {', '.join(here)}")
        while now.index < job.n_rounds:
            described = self._with_late(job, out, described)
            there = connections(out)  # who came while FLARE started the job stood there at first, and is not in the job
            came = sorted(site for site, name in there.items() if at_first.get(site) != name or site not in here)
            if came and now.index > began:  # one round at least: a site that comes and goes does not hold up the others
                note(out, f"{', '.join(came)} connected; the sites are asked again after round {now.index}")
                raise _Again
            now = self._round(job, described, now, out, here, abort, fl_ctx)

    def _join(
        self, job: FederatedJob, out: Path, here: list[str], abort: Signal, fl_ctx: FLContext
    ) -> list[FederatedSite]:
        """Who takes part: those who say yes now, and those who did when the run began. What the others say is noted.

        Raises:
            BadValue: Fewer than the quorum said yes; what each of the others said is named.
        """
        patience = Patient(job.quorum, self.join_s, max(self.join_s, job.round_timeout_s))
        questions = {site: wire.ask_to_join(job, site) for site in here}
        heard = self._ask(patience, questions, abort, fl_ctx, stays_open=True)
        known = [read_document(path, FederatedSite) for path in sorted((out / "sites").glob("*.json"))]
        has_begun = (out / "job.json").exists()
        joined, faults = [], []
        for site, parts in sorted(heard.items()):
            try:
                joined.append(_taken(job, site, parts, known if has_begun else []))
            except UserError as error:
                faults.append(str(error))
        if len(joined) < job.quorum:
            told = f"{len(joined)} of {len(here)} sites take part in job {job.name} and its quorum is {job.quorum}."
            raise BadValue("\n".join([told, *faults]))
        for fault in faults:
            note(out, f"without: {fault}")
        if not has_begun:
            check_sites(job, joined)
            return joined
        return _admitted(out, known, joined)

    def _with_late(self, job: FederatedJob, out: Path, described: list[FederatedSite]) -> list[FederatedSite]:
        """The sites of a run, with those that have joined since it began."""
        for site in list(self._late):
            try:
                described = _admitted(out, described, [_taken(job, site, self._late.pop(site), described)])
                self._lost.discard(site)  # it is there: the round waits for it as for the others
            except UserError as error:
                note(out, f"without: {error}")
        return described

    def _round(
        self,
        job: FederatedJob,
        described: list[FederatedSite],
        now: Checkpoint,
        out: Path,
        here: list[str],
        abort: Signal,
        fl_ctx: FLContext,
    ) -> Checkpoint:
        index = now.index + 1
        asked = {
            site.name: wire.ask_to_train(job, site, index=index, sent=now.weights, kept=now.kept.get(site.name))
            for site in described
            if site.name in here
        }
        answers: dict[str, SiteUpdate | str] = {site.name: "it is not connected" for site in described}
        for site, parts in self._ask(job, asked, abort, fl_ctx).items():
            answers[site] = parts if isinstance(parts, str) else wire.read_update(parts, sent=now.weights)
        return rounds.close(job, described, now, answers, out=out)

    def _ask(
        self,
        job: Patience,
        questions: Mapping[str, wire.Parts],
        abort: Signal,
        fl_ctx: FLContext,
        *,
        stays_open: bool = False,
    ) -> dict[str, wire.Parts | str]:
        """Ask several sites at once, with the patience that the job has: site -> its answer, or why there is none.

        What comes after that is dropped at the site by FLARE; but where the question stays open, it is kept in `_late`.
        """
        heard: dict[str, wire.Parts | str] = {}

        def keep(client_task: ClientTask, fl_ctx: FLContext) -> None:
            name, parts = client_task.client.name, client_task.result.get(PARTS)
            if not _is_message(parts):
                parts = f"its machine could not run the question ({client_task.result.get_return_code()})"
            (self._late if name in heard else heard)[name] = parts
            client_task.result = None  # weights are kept once

        tasks = {}
        for site, parts in questions.items():
            tasks[site] = Task(name=TASK, data=message(parts), result_received_cb=keep)
            self.broadcast(tasks[site], fl_ctx, targets=[site], min_responses=1)
        began = time.monotonic()
        enough_at = None
        while len(heard) < len(questions):
            now = time.monotonic()
            awaited = [site for site in questions if site not in heard and site not in self._lost]
            if enough_at is None and sum(map(_says_yes, list(heard.values()))) >= job.quorum:
                enough_at = now
            if abort.triggered:
                raise CheckFailed("The job was stopped from outside. Rounds before it are kept.")
            if now - began > job.round_timeout_s:
                reason = f"it did not answer within {job.round_timeout_s:g} s"
            elif enough_at is not None and not awaited:
                reason = "it did not answer the round before, and not while the others did this one"
            elif enough_at is not None and now - enough_at > job.grace_s:
                reason = f"it did not answer within {job.grace_s:g} s after the quorum of {job.quorum} had"
            else:
                time.sleep(_POLL_S)
                continue
            for site in questions:
                if site not in heard:
                    if not stays_open:
                        self.cancel_task(tasks[site], fl_ctx=fl_ctx)
                    heard.setdefault(site, reason)
        self._lost = {site for site, parts in heard.items() if isinstance(parts, str)}
        return heard


class Evaluator(Coordinator):
    """Puts one question of an evaluation to the sites that are connected; the pooled numbers go into the run's folder."""

    def __init__(self, question: dict[str, Any], patience: dict[str, Any]) -> None:
        super().__init__(job={})
        self.question, self.patience = question, patience

    def _play(self, out: Path, abort: Signal, fl_ctx: FLContext) -> None:
        here = sorted(client.name for client in self._engine.get_clients())
        write_document(out / "result.json", self._evaluate(here, abort, fl_ctx))

    def _evaluate(self, here: list[str], abort: Signal, fl_ctx: FLContext) -> FederatedResult:
        patience = Patient(**self.patience)
        heard: dict[str, dict[str, wire.Parts | str]] = {}

        def ask(site: str, step: str, header: dict[str, Any]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
            message = steps.ask(step, header)
            key = digest.of_bytes(message[steps.STEP])
            if key not in heard:  # all sites at once: `evaluate_across` goes from one to the next
                asked = dict.fromkeys(header.get("openings", here), message)
                needed = len(asked) if step == "sum" else patience.quorum  # without one of them there is no sum
                heard[key] = self._ask(replace(patience, quorum=needed), asked, abort, fl_ctx)
            parts = heard[key].get(site, "it was not asked")
            if isinstance(parts, str):
                raise Refused(parts)
            return steps.read(parts)

        return evaluate_across(EvaluationQuestion.model_validate(self.question), here, ask)


def _taken(job: FederatedJob, site: str, parts: wire.Parts | str, known: list[FederatedSite]) -> FederatedSite:
    """A site's yes to the question to join.

    Raises:
        BadValue: It gave no answer, cannot carry the job, or holds other data than when the run began.
        Refused: It says no.
    """
    if isinstance(parts, str):
        raise BadValue(f"Site {site} does not take part: {parts}.")
    one = wire.read_site(parts, site=site)
    if faults := site_faults(job, one):
        raise BadValue(" ".join(faults))
    if any(site_digest(other) != site_digest(one) for other in known if other.name == site):
        raise BadValue(f"Site {site} holds other data than when the run began.")
    return one


def _admitted(out: Path, known: list[FederatedSite], joined: list[FederatedSite]) -> list[FederatedSite]:
    """The sites of a run that has begun, with those that joined now."""
    fresh = [one for one in joined if one.name not in {other.name for other in known}]
    for one in fresh:
        write_document(out / "sites" / f"{one.name}.json", one)
        note(out, f"{one.name} takes part from now on")
    return sorted([*known, *fresh], key=lambda site: site.name)


def _says_yes(parts: wire.Parts | str) -> bool:
    return not isinstance(parts, str) and wire.REFUSAL not in parts


def _is_message(parts: object) -> bool:
    return isinstance(parts, dict) and all(isinstance(k, str) and isinstance(v, bytes) for k, v in parts.items())
