"""What runs at the coordinator inside NVIDIA FLARE: one class that asks, waits, and closes rounds by `rounds.close`.

FLARE carries; it neither averages nor keeps the weights. Its stock controller gives a job up with the first site it loses,
so waiting is our own: a round closes when all have answered, when the quorum has and the grace is over, or at the timeout.
"""

import sys
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
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
from xraybench.federate._flare_site import PARTS, message
from xraybench.federate._flare_start import end_with_parent
from xraybench.federate.aggregate import SiteUpdate
from xraybench.federate.checkpoint import Checkpoint, held, note
from xraybench.federate.evaluation import evaluate_across
from xraybench.federate.job import check_sites, site_digest
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
    """The patience of an evaluation."""

    quorum: int
    grace_s: float
    round_timeout_s: float


class Coordinator(Controller):  # type: ignore[misc]  # nvflare has no types
    """Plays a job over the sites that are connected, from its last whole round on."""

    def __init__(self, job: dict[str, Any]) -> None:
        super().__init__(task_check_period=0.1)
        self.job = job  # FLARE writes components by the names of their arguments
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
        except XrayBenchError as error:
            outcome = Outcome(token=settings.token, exit_code=error.exit_code, text=str(error))
        except Exception as error:  # told to the waiting command too, which would wait for ever
            traceback.print_exc()
            outcome = Outcome(token=settings.token, exit_code=1, text=f"{type(error).__name__}: {error}")
        write_outcome(out, outcome)

    def _play(self, out: Path, abort: Signal, fl_ctx: FLContext) -> None:
        job = FederatedJob.model_validate(self.job)
        here = sorted(client.name for client in self._engine.get_clients())
        described = self._join(job, out, here, abort, fl_ctx)
        first = out / "flare" / "first.safetensors"
        now = rounds.start(
            job, described, rounds.first_weights(job, read_weights(first) if job.parent else None), out=out
        )
        if now.index:
            note(out, f"goes on after round {now.index} with {', '.join(here)}")
        while now.index < job.n_rounds:
            now = self._round(job, described, now, out, here, abort, fl_ctx)

    def _join(
        self, job: FederatedJob, out: Path, here: list[str], abort: Signal, fl_ctx: FLContext
    ) -> list[FederatedSite]:
        """Who takes part: those who join now, or those who did when the run began."""
        heard = self._ask(job, {site: wire.ask_to_join(job, site) for site in here}, abort, fl_ctx)
        if silent := sorted(site for site, parts in heard.items() if isinstance(parts, str)):
            note(out, f"{', '.join(silent)} did not answer the question to join")
        faults, joined = [], []
        for site, parts in sorted(heard.items()):
            if not isinstance(parts, str):
                try:
                    joined.append(wire.read_site(parts, site=site))
                except UserError as error:
                    faults.append(str(error))
        if faults:
            raise BadValue("\n".join(faults))
        if not (out / "job.json").exists():
            check_sites(job, joined)
            return joined
        known = {path.stem: read_document(path, FederatedSite) for path in sorted((out / "sites").glob("*.json"))}
        for one in joined:
            if one.name not in known:
                note(out, f"{one.name} was not there when the run began and takes no part in it")
            elif site_digest(known[one.name]) != site_digest(one):
                faults.append(f"Site {one.name} holds other data than when the run began.")
        if faults:
            raise BadValue("\n".join(faults))
        return list(known.values())

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
        self, job: Patience, questions: Mapping[str, wire.Parts], abort: Signal, fl_ctx: FLContext
    ) -> dict[str, wire.Parts | str]:
        """Ask several sites at once, with the patience that the job has: site -> its answer, or why there is none."""
        heard: dict[str, wire.Parts | str] = {}

        def keep(client_task: ClientTask, fl_ctx: FLContext) -> None:
            parts = client_task.result.get(PARTS)
            heard[client_task.client.name] = (
                parts
                if _is_message(parts)
                else f"its machine could not run the question ({client_task.result.get_return_code()})"
            )
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
            if enough_at is None and len(heard) >= job.quorum:
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

        def ask(
            site: str, step: str, header: dict[str, Any], arrays: dict[str, np.ndarray]
        ) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
            message = steps.ask(step, header)
            key = digest.of_bytes(message[steps.STEP])
            if key not in heard:  # all sites at once: `evaluate_across` goes from one to the next
                asked = dict.fromkeys(header.get("openings", here), message)
                heard[key] = self._ask(patience, asked, abort, fl_ctx)
            parts = heard[key].get(site, "it was not asked")
            if isinstance(parts, str):
                raise Refused(parts)
            return steps.read(parts)

        return evaluate_across(EvaluationQuestion.model_validate(self.question), here, ask)


def _is_message(parts: object) -> bool:
    return isinstance(parts, dict) and all(isinstance(k, str) and isinstance(v, bytes) for k, v in parts.items())
