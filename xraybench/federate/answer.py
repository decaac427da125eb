"""A site's side of a federated evaluation: it counts its own scores, and lets counts leave under its own rules.

The three steps are the same on every backend; what is kept between them lies in the site's folder.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from xraybench import tasks
from xraybench.core import digest
from xraybench.core.documents import write_bytes
from xraybench.core.errors import BadValue, Refused
from xraybench.core.types import Dataset, IntArray, Predictions
from xraybench.data.agreement import LEAST_CELL, LEAST_SITES, Agreement, reference
from xraybench.evaluate.select import CountedBoxes, Selection, counted_boxes, join, select
from xraybench.federate import decisions, privacy, secure_sum
from xraybench.federate.question import (
    AXES,
    BOX_FALSE,
    BOX_HIT,
    BOX_TRUE,
    BOXED,
    CALIBRATION,
    HIT,
    EvaluationQuestion,
    SiteOpening,
    SiteRow,
    context_of,
    layout,
    question_digest,
    rows_told,
    strata_of,
)
from xraybench.federate.release import Approver, Payload, release, shown, unattended, was_released
from xraybench.metrics import box_precision, histograms
from xraybench.metrics.histograms import N_BINS

_REPEAT = (
    "yes, and it was released: where other sites are in this sum, the difference can tell what those that left hold"
)
OFFSET = 1 << 24  # keeps noisy counts above 0 under the masks
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
    predictions: Predictions = field(repr=False)
    model_digest: str
    state: Path  # folder of the site: key of a question, counts, log
    agreement: Agreement | None = None
    approve: Approver | None = None  # None: nothing is released

    @property
    def log(self) -> Path:
        return self.state / "decisions.jsonl"


def site_step(
    site: EvaluationSite, step: str, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Answer one message of the coordinator: `open`, `sum` or `site`. The same on every backend.

    Raises:
        Refused: An agreement, the ledger or the person at the site says no.
        UserError: The site lacks the model or the data, or the question breaks the rules of the sum.
    """
    question = EvaluationQuestion.model_validate(header["question"])
    if step == "open":
        return _open(site, question).model_dump(mode="json"), {}
    if step == "sum":
        return {"site": site.name}, {"counts": _sum(site, question, header)}
    if step == "site":
        return _told(site, question, int(header["bin"])).model_dump(mode="json"), {}
    raise SiteFault(f"'{step}' is no step of an evaluation; open, sum and site are.")


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
    subject = question_digest(question)
    for action in ("evaluate", *(["see_slice"] if question.axes else [])):
        decisions.require(
            site.name,
            site.agreement,
            party=question.party,
            action=action,
            purpose=question.purpose,
            point="query",
            subject=subject,
            log=site.log,
            is_simulated=site.dataset.is_simulated,
        )
    if unknown := sorted(set(question.axes) - set(AXES)):
        raise SiteFault(f"axes: {', '.join(unknown)} is none of {', '.join(AXES)}.")
    if site.model_digest != question.model_digest:
        raise SiteFault(
            f"Site {site.name} holds model {site.model_digest}; the question is about {question.model_digest} "
            f"({question.model})."
        )
    task = tasks.get(question.task)
    joined = join(site.dataset, site.predictions)
    chosen = select(task, joined)
    counts = count(question, chosen, counted_boxes(task, joined, chosen))
    least = site.agreement.minimum_cell if site.agreement else LEAST_CELL
    sums = dict(zip(layout(question), counts.sum(axis=1).tolist(), strict=True))
    if poor := [what for name, what in _NEEDED.items() if sums[name] < least]:  # how many is a small cell itself
        raise SiteFault(f"Site {site.name} has too little data for {task.id}: fewer than {least} {' and '.join(poor)}.")
    private, public = secure_sum.make_keys()
    _write_state(site, subject, private, counts)
    states = {name: _state(name, sums, least) for name in strata_of(question)}
    return SiteOpening(
        site=site.name,
        public_key=public.hex(),
        data_digest=data_digest(site.dataset),
        agreement=reference(site.agreement) if site.agreement else "",
        minimum_cell=least,
        least_sites=site.agreement.least_sites if site.agreement else LEAST_SITES,
        is_simulated=site.dataset.is_simulated,
        has_boxes=chosen.has_boxes,
        log_head=decisions.head(site.log),
        strata=states,
    )


_NEEDED = {
    CALIBRATION: "benign calibration items",
    "benign": "benign test items",
    "threat": "test items with the threat",
}


def _state(name: str, sums: Mapping[str, int], least: int) -> Literal["none", "few", "enough"]:
    """How many items of a stratum a site has, in words that tell no count. Each kind of item must reach the least."""
    found = [count for row, count in sums.items() if row.partition("/")[0] == name]
    if not any(found):
        return "none"
    return "enough" if min(found) >= least else "few"


def _sum(site: EvaluationSite, question: EvaluationQuestion, header: Mapping[str, Any]) -> secure_sum.UInt64Array:
    """The site's counts under masks, once a person there released them."""
    subject = question_digest(question)
    private, counts = _read_state(site, subject)
    publics = {name: bytes.fromhex(key) for name, key in header["keys"].items()}
    told = [str(name) for name in header["strata"]]
    least_sites = site.agreement.least_sites if site.agreement else LEAST_SITES
    least = site.agreement.minimum_cell if site.agreement else LEAST_CELL
    if len(publics) < least_sites:
        raise Refused(f"Site {site.name} answers in a sum of {least_sites} sites or more; this one has {len(publics)}.")
    if site.name not in publics or publics[site.name] != secure_sum.public_of(private):
        raise SiteFault(f"Site {site.name} did not give the key that this sum names for it.")
    sums = dict(zip(layout(question), counts.sum(axis=1).tolist(), strict=True))
    if few := [name for name in told if _state(name, sums, least) == "few"]:
        raise Refused(f"Site {site.name} has fewer than {least} items of {', '.join(few)} and does not tell them.")
    shown_rows = rows_told(question, told)
    counts = counts * np.array(shown_rows)[:, None]
    decisions.require(
        site.name,
        site.agreement,
        party=question.party,
        action="see_aggregate",
        purpose=question.purpose,
        point="release",
        subject=subject,
        log=site.log,
        is_simulated=site.dataset.is_simulated,
    )
    if site.approve is None:
        raise Refused(f"Site {site.name} has nobody to release its answer.")
    if site.approve is unattended and not site.dataset.is_simulated:
        raise Refused(f"Site {site.name} holds real scans, and a person there has to release its answer.")
    rho = privacy.rho(question.noise, rows_an_item=1 + len(question.axes) + 2) if question.noise else 0.0
    data = data_digest(site.dataset)
    facts = {
        "what leaves": "counts of items per bin of score under masks; only the sum over all sites can be read",
        "question": f"{question.task}, model {question.model} ({question.model_digest})",
        "asked by": f"{question.party}, for {question.purpose}",
        "sites in the sum": ", ".join(sorted(publics)),
        "rows of counts": {
            n: sums[n] for n, told in zip(layout(question), shown_rows, strict=True) if told and sums[n]
        },
        "noise": question.noise,
        "asked before": _REPEAT if was_released(site.log, subject, data) else "no",
        "data": data,
    }
    payload = Payload(subject, question.model_digest, data, question.party, question.purpose, shown(facts), rho)
    release(payload, site=site.name, agreement=site.agreement, log=site.log, approve=site.approve)
    if question.noise:
        noise = privacy.discrete_gaussian(question.noise / math.sqrt(len(publics)), int(np.sum(shown_rows)) * COARSE)
        counts = _coarse(counts)
        counts[np.array(shown_rows)] += noise.reshape(-1, COARSE)
        counts = counts + OFFSET
    return secure_sum.masked(
        counts,
        site=site.name,
        private=private,
        publics=publics,
        context=context_of(question, {name: key.hex() for name, key in publics.items()}, told),
    )


def _told(site: EvaluationSite, question: EvaluationQuestion, at: int) -> SiteRow:
    """The site's own row at the transferred threshold, where its agreement lets it be seen and no cell is small."""
    subject = question_digest(question)
    try:
        decisions.require(
            site.name,
            site.agreement,
            party=question.party,
            action="see_site",
            purpose=question.purpose,
            point="release",
            subject=subject,
            log=site.log,
            is_simulated=site.dataset.is_simulated,
        )
    except Refused as refusal:
        return SiteRow(site=site.name, reason=str(refusal))
    _, counts = _read_state(site, subject)
    if not was_released(site.log, subject, data_digest(site.dataset)):
        return SiteRow(site=site.name, reason="the site's counts were not released, so its own row is not either")
    if question.noise or (site.agreement and site.agreement.epsilon):
        return SiteRow(site=site.name, reason="its sums carry noise, which exact counts beside them would undo")
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


def _write_state(site: EvaluationSite, subject: str, private: bytes, counts: IntArray) -> None:
    """Keep what a question needs between its steps, in a folder that only its owner can read."""
    from safetensors.numpy import save

    path = _state_file(site, subject)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_bytes(path, save({"counts": counts, "key": np.frombuffer(private, dtype=np.uint8)}))


def _read_state(site: EvaluationSite, subject: str) -> tuple[bytes, IntArray]:
    from safetensors.numpy import load_file

    path = _state_file(site, subject)
    if not path.is_file():
        raise SiteFault(f"Site {site.name} was not asked question {subject} first: open comes before sum and site.")
    kept = load_file(path)
    return kept["key"].tobytes(), np.asarray(kept["counts"], dtype=np.int64)
