"""What runs at a site inside NVIDIA FLARE: one class, on the site's allow-list, that hands questions to `wire` and `steps`.

A question brings words and numbers, never code; which scans are used stands in the site's own settings, beside the kit.
"""

import sys
from pathlib import Path

from nvflare.apis.executor import Executor
from nvflare.apis.fl_context import FLContext
from nvflare.apis.shareable import Shareable
from nvflare.apis.signal import Signal

from xraybench.core.errors import Refused
from xraybench.federate import kits, steps, wire
from xraybench.federate._flare_start import end_with_parent
from xraybench.federate.answer import EvaluationSite
from xraybench.federate.exchange import open_evaluation_site
from xraybench.federate.kits import SiteSettings, read_settings
from xraybench.federate.release import Approver, by_file, unattended
from xraybench.federate.site import Site, open_site

PARTS = "parts"
_RELEASE_S = 7 * 24 * 3600.0  # a person may take a week; the coordinator's patience is its own


class SiteExecutor(Executor):  # type: ignore[misc]  # nvflare has no types
    """Answers every question of a job; the scans are opened once."""

    def __init__(self) -> None:
        super().__init__()
        self._stop = Signal()
        self._site: Site | None = None
        self._evaluated: EvaluationSite | None = None
        end_with_parent()

    def execute(self, task_name: str, shareable: Shareable, fl_ctx: FLContext, abort_signal: Signal) -> Shareable:
        """The answer to one question."""
        self._stop = abort_signal
        name = fl_ctx.get_identity_name()
        parts = shareable.get(PARTS) or {}
        try:
            kit = Path(fl_ctx.get_workspace().get_root_dir())
            settings = read_settings(kit, SiteSettings)
            if steps.STEP in parts:
                person = self._person(settings)
                self._evaluated = self._evaluated or _open_evaluation(name, settings, kit, person)
                return message(steps.answer_or_refusal(self._evaluated, parts))
            self._site = self._site or _open(name, settings, self._person(settings))
            return message(wire.answer_or_refusal(self._site, parts))
        except Exception as error:  # the scans are not there: the coordinator hears that, and no name of a file
            sys.stderr.write(f"{name}: {error}\n")
            return message(wire.refusal(name, error))

    def _person(self, settings: SiteSettings) -> Approver:
        """Who lets counts and weights go: the person who answers by a file, until the job ends; or nobody."""
        if not settings.is_attended:
            return unattended
        return by_file(
            Path(settings.state) / "to_release", timeout_s=_RELEASE_S, is_over=lambda: bool(self._stop.triggered)
        )


def message(parts: wire.Parts) -> Shareable:
    """The parts of a message as FLARE carries them: plain bytes in a plain dictionary."""
    shareable = Shareable()
    shareable[PARTS] = parts
    return shareable


def _open_evaluation(name: str, settings: SiteSettings, kit: Path, approve: Approver) -> EvaluationSite:
    if not settings.model:
        raise Refused(f"Site {name} was started without a model to evaluate.")
    return open_evaluation_site(
        name,
        Path(settings.data),
        Path(settings.model),
        state=Path(settings.state),
        approve=approve,
        key=kits.site_key(kit),
        trusted_sites=kits.trusted_sites(kit),
    )


def _open(name: str, settings: SiteSettings, approve: Approver) -> Site:
    return open_site(
        name,
        Path(settings.data),
        device=settings.device,
        n_threads=settings.n_threads,
        log=Path(settings.log) if settings.log else None,
        approve=approve,
    )
