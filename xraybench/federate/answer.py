"""A site's side of a federated evaluation: it counts its own scores, and lets counts leave under its own rules.

The three steps are the same on every backend; what is kept between them lies in the site's folder. Whose keys are in a sum,
which strata may be told and what could be worked out by difference is checked here, whatever the coordinator says of it.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import ValidationError

from xraybench import tasks
from xraybench.core import digest
from xraybench.core.documents import field_faults, write_bytes
from xraybench.core.errors import BadValue, Refused
from xraybench.core.types import Dataset, IntArray, Predictions
from xraybench.data.agreement import LEAST_CELL, LEAST_SITES, Agreement, reference
from xraybench.evaluate.select import CountedBoxes, Selection, counted_boxes, join, select
from xraybench.federate import decisions, privacy, secure_sum, trust
from xraybench.federate.question import (
    BOX_FALSE,
    BOX_HIT,
    BOX_TRUE,
    BOXED,
    CALIBRATION,
    HIT,
    OFFSET,
    EvaluationQuestion,
    SiteOpening,
    SiteRow,
    StepHeader,
    SumTold,
    axes_of,
    context_of,
    kinds_of,
    layout,
    question_digest,
    row_of,
    row_withheld,
    rows_told,
    strata_faults,
)
from xraybench.federate.release import (
    Approver,
    Payload,
    epsilon,
    release,
    shown,
    strata_released,
    unattended,
    was_released,
)
from xraybench.metrics import box_precision, histograms
from xraybench.metrics.histograms import N_BINS

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_REPEAT = (
    "yes, and it was released: where other sites are in this sum, the difference can tell what those that left hold"
)
_VERIFIED = "signed with keys that this site trusts: "
_UNVERIFIED = (
    "not verified: this site has no folder of trusted sites, so whoever carries the keys could read its counts"
)
_KEY_S = 30 * 24 * 3600.0  # after which the key of a question that never came to its end is removed
COARSE = 64  # bins where noise is added: on fine ones it would bury pd at low pfa


class SiteFault(BadValue):
    """Why a site cannot answer, in a sentence that may leave it: no path, id or label stands in it."""


def may_leave(error: Exception) -> str:
    """A fault as a site tells it to others: sentences of agreements and of this file, or its kind and no more."""
    if isinstance(error, Refused | SiteFault):
        return str(error)
    return f"a fault at the site ({type(error).__name__}); the person there sees what it is"


@dataclass(frozen=True)
class EvaluationSite:
    """One site's side: its scans, its model's predictions for them, and its rules."""

    name: str
    dataset: Dataset = field(repr=False)
    predictions: Predictions | Callable[[], Predictions] = field(repr=False)  # or what makes them, once that is allowed
    model_digest: str
    state: Path  # folder of the site: key of a question, counts, log
    agreement: Agreement | None = None
    approve: Approver | None = None  # None: nothing is released
    key: Path | None = None  # file of the private key that the site signs its openings with
    trusted_sites: Path | None = None  # folder of the others' public keys; None: nobody checks whose openings come

    @property
    def log(self) -> Path:
        return self.state / decisions.FILE

    @property
    def minimum_cell(self) -> int:
        return self.agreement.minimum_cell if self.agreement else LEAST_CELL

    @property
    def least_sites(self) -> int:
        return self.agreement.least_sites if self.agreement else LEAST_SITES


def site_step(
    site: EvaluationSite, step: str, header: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Answer one message of the coordinator: `open`, `sum` or `site`. The same on every backend.

    Raises:
        Refused: An agreement, the ledger or the person at the site says no.
        UserError: The site lacks the model or the data, or the question breaks the rules of the sum.
    """
    asked = read_header(step, header)
    if step == "open":
        return _open(site, asked.question).model_dump(mode="json"), {}
    if step == "sum":
        told, counts = _sum(site, asked)
        return told.model_dump(mode="json"), {"counts": counts}
    return _told(site, asked.question, asked.bin).model_dump(mode="json"), {}


def read_header(step: str, header: Mapping[str, Any]) -> StepHeader:
    """What a coordinator says with a step.

    Raises:
        SiteFault: There is no such step, or what it says is broken; every field is named.
    """
    if step not in (wanted := {"open": (), "sum": ("openings", "strata"), "site": ("bin",)}):
        raise SiteFault(f"{step!r} is no step of an evaluation; open, sum and site are.")
    try:
        asked = StepHeader.model_validate(header)
    except ValidationError as error:
        raise SiteFault(f"The coordinator's message is broken: {'; '.join(field_faults(error))}.") from None
    if lacking := [name for name in wanted[step] if name not in asked.model_fields_set]:
        raise SiteFault(f"The coordinator's message is broken: step {step} needs {' and '.join(lacking)}.")
    return asked


def count(question: EvaluationQuestion, chosen: Selection, boxes: CountedBoxes | None) -> IntArray:
    """One site's counts: how many items or boxes of each row of the layout fall into each bin, shape (n_rows, N_BINS).

    A found box is a hit when it takes a true one of its class by IoU >= 0.5, as `box_precision` matches them on the grid.
    """
    table = chosen.rows
    bins = histograms.bin_of(table["score"].to_numpy(dtype=float))
    is_threat = table["is_threat"].to_numpy(dtype=bool)

    def of(rows: Any) -> IntArray:
        return np.bincount(bins[np.asarray(rows, dtype=bool)], minlength=N_BINS).astype(np.int64)

    hit = table["hit"].to_numpy(dtype=float)
    known = {
        CALIBRATION: np.bincount(histograms.bin_of(chosen.calibration), minlength=N_BINS),
        "benign": of(~is_threat),
        "threat": of(is_threat),
        HIT: of(is_threat & (hit > 0)),
        BOXED: of(is_threat & ~np.isnan(hit)),
        **_box_counts(boxes),
    }
    for name in layout(question)[len(known) :]:
        axis, _, value = name.partition("=")
        value, _, kind = value.partition("/")
        known[name] = of((table[axis].to_numpy(dtype=str) == value) & (is_threat if kind != "benign" else ~is_threat))
    return np.stack(list(known.values())).astype(np.int64)


def _box_counts(boxes: CountedBoxes | None) -> dict[str, IntArray]:
    nothing = np.zeros(N_BINS, dtype=np.int64)
    if boxes is None:
        return {BOX_HIT: nothing, BOX_FALSE: nothing, BOX_TRUE: nothing}
    bins = histograms.bin_of(boxes.found.score)
    kinds = box_precision.match_boxes(boxes.truth, replace(boxes.found, score=histograms.bin_scores()[bins]))
    true = nothing.copy()
    true[0] = int((~boxes.truth.is_crowd).sum())
    return {
        BOX_HIT: np.bincount(bins[kinds == 1], minlength=N_BINS).astype(np.int64),
        BOX_FALSE: np.bincount(bins[kinds == 0], minlength=N_BINS).astype(np.int64),
        BOX_TRUE: true,
    }


def data_digest(dataset: Dataset) -> str:
    """The short name of exactly these scans, also where they are a part of a corpus."""
    return digest.of_json([sorted(dataset.corpora.items()), sorted(dataset.scans.table["scan_id"])])


def _open(site: EvaluationSite, question: EvaluationQuestion) -> SiteOpening:
    """Check the question against agreement, model and data; count; make the key of this question."""
    _require(site, question, "evaluate", "load")
    for action in ("evaluate", *(["see_slice"] if question.axes else [])):
        _require(site, question, action, "query")
    if site.model_digest != question.model_digest:
        raise SiteFault(
            f"Site {site.name} holds model {site.model_digest}; the question is about {question.model_digest} "
            f"({question.model})."
        )
    if site.trusted_sites:
        trust.trusted_keys(site.trusted_sites, site=site.name, key=site.key)  # a fault in them is told before the sum
    task = tasks.get(question.task)
    joined = join(site.dataset, site.predictions() if callable(site.predictions) else site.predictions)
    chosen = select(task, joined)
    counts = count(question, chosen, counted_boxes(task, joined, chosen))
    least = site.minimum_cell
    sums = _sums(question, counts)
    if poor := [what for name, what in _NEEDED.items() if sums[name] < least]:  # how many is a small cell itself
        raise SiteFault(f"Site {site.name} has too little data for {task.id}: fewer than {least} {' and '.join(poor)}.")
    private, public = secure_sum.make_keys()
    subject = question_digest(question)
    _write_state(site, subject, private, counts)
    opening = SiteOpening(
        site=site.name,
        question=subject,
        public_key=public.hex(),
        data_digest=data_digest(site.dataset),
        agreement=reference(site.agreement) if site.agreement else "",
        minimum_cell=least,
        least_sites=site.least_sites,
        is_simulated=site.dataset.is_simulated,
        has_boxes=chosen.has_boxes,
        tells_row=_may_tell_row(site, question),
        log_head=decisions.head(site.log),
        strata=_states(question, sums, least),
    )
    return trust.sign(opening, site.key) if site.key else opening


_NEEDED = {
    CALIBRATION: "benign calibration items",
    "benign": "benign test items",
    "threat": "test items with the threat",
}


def _may_tell_row(site: EvaluationSite, question: EvaluationQuestion) -> bool:
    """Whether nothing stands against the site's own row but, perhaps, small cells at the threshold."""
    if question.noise or (site.agreement and site.agreement.epsilon):
        return False
    try:
        _require(site, question, "see_site", "query")
    except Refused:
        return False
    return True


def _require(site: EvaluationSite, question: EvaluationQuestion, action: str, point: decisions.Point) -> None:
    """Ask the site's agreement, and write down what it says. Raises Refused."""
    decisions.require(
        site.name,
        site.agreement,
        party=question.party,
        action=action,
        purpose=question.purpose,
        point=point,
        subject=question_digest(question),
        log=site.log,
        is_simulated=site.dataset.is_simulated,
    )


def _sums(question: EvaluationQuestion, counts: IntArray) -> dict[str, int]:
    """Row of the layout -> how many items it holds."""
    return dict(zip(layout(question), counts.sum(axis=1).tolist(), strict=True))


def _states(
    question: EvaluationQuestion, sums: Mapping[str, int], least: int
) -> dict[str, Literal["none", "few", "enough"]]:
    """How many items of each stratum a site has, and of the rest of each axis, in words that tell no count."""
    found: dict[str, Literal["none", "few", "enough"]] = {}
    for axis, (*names, rest) in axes_of(question).items():
        items = {name: [sums[row_of(name, kind)] for kind in kinds_of(axis)] for name in names}
        left = [sums[kind] - sum(of) for kind, *of in zip(kinds_of(axis), *items.values(), strict=True)]
        found |= {name: _state(of, least) for name, of in {**items, rest: left}.items()}
    return found


def _state(found: Sequence[int], least: int) -> Literal["none", "few", "enough"]:
    """Each kind of item must reach the least."""
    if not any(found):
        return "none"
    return "enough" if min(found) >= least else "few"


def _sum(site: EvaluationSite, asked: StepHeader) -> tuple[SumTold, secure_sum.UInt64Array]:
    """The site's counts under masks, once all is checked and a person there released them."""
    question = asked.question
    private, counts = _read_state(site, question_digest(question))
    publics = {name: bytes.fromhex(one.public_key) for name, one in asked.openings.items()}
    if private is None:
        raise SiteFault(
            f"Site {site.name} removed its key of question {question_digest(question)} when the answer was final; a sum "
            "needs a new opening."
        )
    if site.name not in publics or publics[site.name] != secure_sum.public_of(private):
        raise SiteFault(f"Site {site.name} did not give the key that this sum names for it.")
    sums = _sums(question, counts)
    trusted = trust.trusted_keys(site.trusted_sites, site=site.name, key=site.key) if site.trusted_sites else {}
    _check_sum(site, asked, sums, trusted)
    secure_sum.shared_secrets(site=site.name, private=private, publics=publics)  # a key that is none is told before
    payload = _payload(site, asked, sums, trusted)
    assert site.approve is not None  # `_check_sum`
    release(payload, site=site.name, agreement=site.agreement, log=site.log, approve=site.approve)
    # Its own word too came back by the coordinator: a site asks itself.
    own = asked.openings[site.name].model_copy(update={"tells_row": _may_tell_row(site, question)})
    why = row_withheld(site.name, {**asked.openings, site.name: own})
    _row_file(site, question).write_text(why, encoding="utf-8")
    is_told = np.array(rows_told(question, asked.strata))
    counts = counts * is_told[:, None]
    if question.noise:
        noise = privacy.discrete_gaussian(question.noise / math.sqrt(len(publics)), int(is_told.sum()) * COARSE)
        counts = _coarse(counts)
        counts[is_told] += noise.reshape(-1, COARSE)
        counts = counts + OFFSET
    keys = {name: one.public_key for name, one in asked.openings.items()}
    context = context_of(question, keys, asked.strata)
    masked = secure_sum.masked(counts, site=site.name, private=private, publics=publics, context=context)
    return SumTold(site=site.name, verified=bool(trusted)), masked


def _check_sum(
    site: EvaluationSite, asked: StepHeader, sums: Mapping[str, int], trusted: Mapping[str, "Ed25519PublicKey"]
) -> None:
    """Raise Refused unless this site may be in a sum of these sites and strata; the log has the reason.

    What other sites hold is known from their openings only, what this one holds from its own counts.
    """
    question, subject = asked.question, question_digest(asked.question)
    opened: dict[str, Mapping[str, str]] = {name: one.strata for name, one in asked.openings.items()}
    opened[site.name] = _states(question, sums, site.minimum_cell)
    before = strata_released(site.log, subject, data_digest(site.dataset))
    try:
        if len(opened) < site.least_sites:
            raise Refused(
                f"Site {site.name} answers in a sum of {site.least_sites} sites or more; this one has {len(opened)}."
            )
        if trusted:
            trust.check_openings(asked.openings, trusted, site=site.name, question=subject)
        if faults := strata_faults(question, opened, asked.strata, least=site.least_sites, before=before):
            raise Refused(f"Site {site.name} does not tell these strata: {'; '.join(faults)}.")
        if site.approve is None:
            raise Refused(f"Site {site.name} has nobody to release its answer.")
        if site.approve is unattended and not site.dataset.is_simulated:
            raise Refused(f"Site {site.name} holds real scans, and a person there has to release its answer.")
    except Refused as refusal:
        _note_refusal(site, question, str(refusal))
        raise
    _require(site, question, "see_aggregate", "release")


def _payload(
    site: EvaluationSite, asked: StepHeader, sums: Mapping[str, int], trusted: Mapping[str, "Ed25519PublicKey"]
) -> Payload:
    """What a person at the site is shown before the counts leave."""
    question, subject, data = asked.question, question_digest(asked.question), data_digest(site.dataset)
    rows = zip(layout(question), rows_told(question, asked.strata), strict=True)
    rho = privacy.rho(question.noise, rows_an_item=1 + len(question.axes) + 2) if question.noise else 0.0
    facts = {
        "what leaves": "counts of items per bin of score under masks; only the sum over all sites can be read",
        "question": f"{question.task}, model {question.model} ({question.model_digest})",
        "asked by": f"{question.party}, for {question.purpose}",
        "sites in the sum": ", ".join(sorted(asked.openings)),
        "whose they are": _VERIFIED + trust.key_ids(trusted) if trusted else _UNVERIFIED,
        "rows of counts": {name: sums[name] for name, is_told in rows if is_told and sums[name]},
        "noise": f"{question.noise:g}; an epsilon of {epsilon(rho):.2f} for an item" if rho else "none",
        "asked before": _REPEAT if was_released(site.log, subject, data) else "no",
        "data": data,
    }
    return Payload(
        subject=subject,
        model=question.model_digest,
        data=data,
        party=question.party,
        purpose=question.purpose,
        text=shown(facts),
        rho=rho,
        strata=tuple(asked.strata),
    )


def _note_refusal(site: EvaluationSite, question: EvaluationQuestion, reason: str) -> None:
    decisions.write(
        site.log,
        site=site.name,
        point="release",
        party=question.party,
        action="see_aggregate",
        purpose=question.purpose,
        subject=question_digest(question),
        allowed=False,
        reason=reason,
    )


def _told(site: EvaluationSite, question: EvaluationQuestion, at: int) -> SiteRow:
    """The site's own row at the transferred threshold, where its agreement lets it be seen and no cell is small."""
    subject = question_digest(question)
    _, counts = _read_state(site, subject)
    _key_file(site, subject).unlink(missing_ok=True)  # who asks for rows has the sum
    try:
        _require(site, question, "see_site", "release")
    except Refused as refusal:
        return SiteRow(site=site.name, reason=str(refusal))
    row_file = _row_file(site, question)
    if not (row_file.is_file() and was_released(site.log, subject, data_digest(site.dataset))):
        return SiteRow(site=site.name, reason="the site's counts were not released, so its own row is not either")
    if question.noise or (site.agreement and site.agreement.epsilon):
        return SiteRow(site=site.name, reason="its sums carry noise, which exact counts beside them would undo")
    if why := row_file.read_text(encoding="utf-8"):
        return SiteRow(site=site.name, reason=why)
    if not _is_only_bin(site, subject, at):
        return SiteRow(
            site=site.name,
            reason="its row was told at another threshold, and the difference of two rows can tell single scores",
        )
    named = dict(zip(layout(question), counts, strict=True))
    n_threats, n_benign = int(named["threat"].sum()), int(named["benign"].sum())
    hits, false_alarms = int(named["threat"][at:].sum()), int(named["benign"][at:].sum())
    least = site.agreement.minimum_cell if site.agreement else 1
    if min(hits, n_threats - hits, false_alarms, n_benign - false_alarms) < least:
        return SiteRow(site=site.name, reason=f"fewer than {least} items in one of its cells, so none is told")
    found = histograms.auroc(np.stack([named["benign"], named["threat"]]))
    return SiteRow(
        site=site.name, n_threats=n_threats, n_hits=hits, n_benign=n_benign, n_alarms=false_alarms,
        auroc=found.value, auroc_error=None if math.isnan(found.error) else found.error,
    )  # fmt: skip


def _is_only_bin(site: EvaluationSite, subject: str, at: int) -> bool:
    """Whether the row of this question was told at this bin only; the first one asked for is kept."""
    path = _state_file(site, subject).with_name("bin.txt")
    if not path.exists():
        write_bytes(path, str(at).encode())
    return path.read_text(encoding="utf-8") == str(at)


def _coarse(counts: IntArray) -> IntArray:
    return np.asarray(counts.reshape(len(counts), COARSE, N_BINS // COARSE).sum(axis=2), dtype=np.int64)


def _state_file(site: EvaluationSite, subject: str) -> Path:
    return site.state / "questions" / subject / "counts.safetensors"


def _row_file(site: EvaluationSite, question: EvaluationQuestion) -> Path:
    """Why the site keeps its own row back, as the last sum that it was in has it; empty where it does not."""
    return _state_file(site, question_digest(question)).with_name("row.txt")


def _key_file(site: EvaluationSite, subject: str) -> Path:
    """The private key of a question: there from its opening until its answer is final, or for `_KEY_S`."""
    return _state_file(site, subject).with_name("x25519.key")


def _write_state(site: EvaluationSite, subject: str, private: bytes, counts: IntArray) -> None:
    """Keep what a question needs between its steps, in a folder that only its owner can read."""
    from safetensors.numpy import save

    for old in (site.state / "questions").glob("*/x25519.key"):
        if time.time() - old.stat().st_mtime > _KEY_S:
            old.unlink(missing_ok=True)
    path = _state_file(site, subject)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_bytes(path, save({"counts": counts}))
    write_bytes(_key_file(site, subject), private)


def _read_state(site: EvaluationSite, subject: str) -> tuple[bytes | None, IntArray]:
    """The private key of a question, None once it was removed, and the counts."""
    from safetensors.numpy import load_file

    path, key = _state_file(site, subject), _key_file(site, subject)
    if not path.is_file():
        raise SiteFault(f"Site {site.name} was not asked question {subject} first: open comes before sum and site.")
    return key.read_bytes() if key.is_file() else None, np.asarray(load_file(path)["counts"], dtype=np.int64)
