"""The question of a federated evaluation and its rules: what is counted, and which counts may be told.

Documents travel as JSON. They name data and models by words and digests and carry no code. The rules are pure functions of
what sites say when they open: coordinator and sites apply the same, so that no site has to believe the coordinator.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from xraybench import tasks
from xraybench.core import digest, vocabulary
from xraybench.core.documents import Document, ResultRow, field_faults
from xraybench.core.errors import BadParameter, UnknownName
from xraybench.data.agreement import LEAST_SITES, check_purpose
from xraybench.metrics.histograms import N_BINS

CALIBRATION, HIT, BOXED = "calibration", "hit", "boxed"
BOX_HIT, BOX_FALSE, BOX_TRUE = "box_hit", "box_false", "box_true"  # found boxes by score; true ones, in the first bin
N_FIRST = 8  # rows before the strata
Axis = Literal["threat", "concealment", "sensor"]
AXES: tuple[Axis, ...] = ("threat", "concealment", "sensor")
OFFSET = 1 << 24  # keeps noisy counts above 0 under the masks
MOST_NOISE = OFFSET / 16  # more would push them below it
REST = "(rest)"  # of the items of an axis: those that no named stratum holds; no sensor can be called so


class EvaluationQuestion(Document):
    """What a coordinator asks of every site. It names data and a model by words and digests, and carries no code."""

    schema_id: Literal["xraybench.federated_evaluation/1"] = "xraybench.federated_evaluation/1"
    task: str
    model: str
    model_digest: str = Field(description="of the weights or the ONNX file; a site with another model refuses")
    party: str = "coordinator"
    purpose: str = "benchmark"
    axes: list[Axis] = Field(default_factory=lambda: list(AXES), description="strata to tell apart")
    sensors: list[Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+$")]] = Field(
        default_factory=list, description="sensors of the sites, where that axis is asked for"
    )
    noise: float = Field(
        default=0.0,
        ge=0.0,
        le=MOST_NOISE,
        description="standard deviation of the noise in each sum; 0 for exact sums",
    )

    @model_validator(mode="after")
    def _can_be_asked(self) -> "EvaluationQuestion":
        try:
            tasks.get(self.task)
        except UnknownName as error:
            raise ValueError(str(error)) from None
        for field in ("axes", "sensors"):
            if len(set(getattr(self, field))) < len(getattr(self, field)):
                raise ValueError(f"{field} name one twice")
        return self


class SiteOpening(Document):
    """A site's first answer: nothing about a score. Every site of a sum reads it, see `StepHeader`."""

    site: str
    question: str = Field(description="digest of the question that is opened")
    public_key: str = Field(pattern=r"^[0-9a-f]{64}$", description="X25519, hexadecimal; of this one question")
    data_digest: str
    agreement: str = ""
    minimum_cell: int = Field(ge=1)
    least_sites: int = Field(ge=LEAST_SITES)
    is_simulated: bool
    has_boxes: bool
    tells_row: bool = Field(description="whether its agreement lets its own row be seen")
    log_head: str = Field(
        default="", description="digest of the last line of the site's log: shows later whether it was cut"
    )
    strata: dict[str, Literal["none", "few", "enough"]] = Field(
        description="how many items of each stratum, and of what no stratum of an axis holds, `axis=(rest)`"
    )
    signature: str = Field(
        default="", pattern=r"^([0-9a-f]{128})?$", description="of all the rest, by the site's key; empty without one"
    )


class StepHeader(Document):
    """What a coordinator says with a step of an evaluation, the same to every site."""

    question: EvaluationQuestion
    openings: dict[str, SiteOpening] = Field(default_factory=dict, description="of a sum: those of all sites in it")
    strata: list[str] = Field(default_factory=list, description="of a sum: which it tells")
    bin: int = Field(default=0, ge=0, le=N_BINS, description="of the site's own row: the one threshold")


class SumTold(Document):
    """What a site says beside its counts under masks."""

    site: str
    verified: bool = Field(description="whether it checked whose openings these are, by keys that it trusts")


class SiteRow(Document):
    """What a site tells of itself at the transferred threshold; all counts null where it withholds them."""

    site: str
    n_threats: int | None = Field(default=None, ge=1)
    n_hits: int | None = Field(default=None, ge=0)
    n_benign: int | None = Field(default=None, ge=1)
    n_alarms: int | None = Field(default=None, ge=0)
    auroc: float | None = Field(default=None, ge=0.0, le=1.0)
    auroc_error: float | None = Field(default=None, ge=0.0, allow_inf_nan=False)
    reason: str = Field(default="", description="why nothing is told")

    @model_validator(mode="after")
    def _all_counts_or_none(self) -> "SiteRow":
        counts = (self.n_hits, self.n_threats, self.n_alarms, self.n_benign)
        given = [count for count in counts if count is not None]
        if len(given) not in (0, len(counts)):
            raise ValueError("some counts are told and some are not")
        if given and (given[0] > given[1] or given[2] > given[3]):
            raise ValueError("more items alarm than there are")
        return self


class FederatedResult(Document):
    """The pooled numbers, and how they came about."""

    schema_id: Literal["xraybench.federated_result/1"] = "xraybench.federated_result/1"
    question: EvaluationQuestion
    is_simulated: bool
    threshold: float | None = Field(description="set on the calibration items of all sites together")
    sites: list[SiteOpening]
    absent: dict[str, str] = Field(description="sites that were asked and are not in the sums, with the reason")
    unverified_at: list[str] = Field(
        description="sites of the sums that did not check whose keys the others' were: they hold no list of trusted ones"
    )
    withheld: dict[str, str] = Field(description="strata that are not told, with the reason")
    counts_digest: str = Field(
        description="of the sums that all pooled numbers follow from, little-endian 64-bit integers"
    )
    rows: list[ResultRow]
    site_rows: list[SiteRow]


def make_question(**fields: Any) -> EvaluationQuestion:
    """A question from what a person gave.

    Raises:
        BadParameter: A field is wrong; all of them are named.
        UnknownName: The purpose is in no vocabulary.
    """
    check_purpose(fields.get("purpose", "benchmark"))
    try:
        question = EvaluationQuestion(**fields)
    except ValidationError as error:
        raise BadParameter("No evaluation can ask this.\n  " + "\n  ".join(field_faults(error))) from None
    if ("sensor" in question.axes) != bool(question.sensors):
        raise BadParameter("The axis sensor and the names of the sites' sensors go together: give both or neither.")
    return question


def question_digest(question: EvaluationQuestion) -> str:
    """The short name of a question."""
    return digest.of_json(question.model_dump(mode="json"))


def layout(question: EvaluationQuestion) -> list[str]:
    """Names of the rows of counts, the same at every site: items by score, boxes by score, then the strata.

    A stratum is `axis=value` for threats, and `sensor=value/benign` beside `sensor=value/threat`.
    """
    task = tasks.get(question.task)
    rows = [CALIBRATION, "benign", "threat", HIT, BOXED, BOX_HIT, BOX_FALSE, BOX_TRUE]
    if "threat" in question.axes and task.threat == vocabulary.ANY:
        rows += [f"threat={name}" for name in vocabulary.names("threat") if name not in vocabulary.CONTROLS]
    if "concealment" in question.axes and task.concealment == vocabulary.ANY:
        rows += [f"concealment={name}" for name in vocabulary.names("concealment")]
    if "sensor" in question.axes:
        rows += [f"sensor={name}/{kind}" for name in question.sensors for kind in ("threat", "benign")]
    return rows


def strata_of(question: EvaluationQuestion) -> list[str]:
    """Names of the strata, one a group of rows: the boxes, then each value of each axis."""
    return [name for names in _named(question).values() for name in names]


def axes_of(question: EvaluationQuestion) -> dict[str, list[str]]:
    """Axis -> its strata, the last of them the rest: together they hold each item of the whole exactly once.

    The rest (`threat=(rest)`) is never told, but whoever knows all other strata of an axis knows it by difference.
    """
    return {axis: [*names, f"{axis}={REST}"] for axis, names in _named(question).items()}


def kinds_of(axis: str) -> tuple[str, ...]:
    """The rows of the whole that an axis parts: the threats; by sensor, the benign items too."""
    return ("threat", "benign") if axis == "sensor" else ("threat",)


def row_of(name: str, kind: str) -> str:
    """The row of the layout that holds one kind of a stratum's items."""
    return f"{name}/{kind}" if name.startswith("sensor=") else name


def strata_told(
    question: EvaluationQuestion,
    opened: Mapping[str, Mapping[str, str]],
    *,
    least: int,
    among: Collection[str] | None = None,
) -> tuple[list[str], dict[str, str]]:
    """Which strata may be summed, and why the others may not.

    Args:
        question: Gives the strata.
        opened: Site -> stratum -> none, few or enough.
        least: Fewest sites that need enough items of a stratum.
        among: Strata that the same question told before; None where it is asked for the first time. No others are told
            again: what one sum left out, the strata of another must not tell by difference.

    Returns:
        Strata that are told, in the order of the layout; the others, each with its reason. Strata that no site has any item
        of are in neither. `strata_faults` finds nothing wrong with those that are told.
    """
    told: list[str] = []
    withheld: dict[str, str] = {}
    for names in axes_of(question).values():
        present = [name for name in names[:-1] if any(one.get(name, "none") != "none" for one in opened.values())]
        for name in present:
            if why := _small(name, opened, least):
                withheld[name] = why
            elif among is not None and name not in among:
                withheld[name] = "it was left out when the question was asked before"
        shown = [name for name in present if name not in withheld]
        while shown and _left_is_small(names, shown, opened, least):
            also = min(shown, key=lambda name: (
                _left_is_small(names, [n for n in shown if n != name], opened, least),
                sum(one.get(name) == "enough" for one in opened.values()),
            ))  # fmt: skip
            hidden = [
                n for n in names if n not in shown and any(one.get(n, "none") != "none" for one in opened.values())
            ]
            withheld[also] = f"left out so that {' and '.join(hidden)} cannot be told by difference to the whole"
            shown.remove(also)
        told += shown
    return told, withheld


def strata_faults(
    question: EvaluationQuestion,
    opened: Mapping[str, Mapping[str, str]],
    told: Sequence[str],
    *,
    least: int,
    before: Collection[str] = (),
) -> list[str]:
    """Why these strata must not be told together, a sentence each; nothing where they may.

    Args:
        question, opened, least: As of `strata_told`.
        told: Strata of one sum.
        before: Strata that sums of the same question told before. What they and these leave of an axis must be no small cell
            either, unless these are among them: then nothing new is told.
    """
    known = strata_of(question)
    faults = [f"{name!r} is no stratum of the question" for name in told if name not in known]
    faults += [f"{name}: {why}" for name in known if name in told and (why := _small(name, opened, least))]
    together = {*told} if {*told} <= {*before} else {*told, *before}
    for axis, names in axes_of(question).items():
        shown = [name for name in names if name in together]
        if shown and _left_is_small(names, shown, opened, least):
            when = "told now or before, " if together > {*told} else ""
            faults.append(
                f"what is left of the axis {axis} beside {', '.join(shown)}, {when}could be told by difference"
            )
    return faults


def _named(question: EvaluationQuestion) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {BOXED: [BOXED]}
    for row in layout(question)[N_FIRST:]:
        name = row.partition("/")[0]
        found = names.setdefault(name.partition("=")[0], [])
        if name not in found:
            found.append(name)
    return names


def _small(name: str, opened: Mapping[str, Mapping[str, str]], least: int) -> str:
    """Why a stratum may not be told by itself; empty where it may."""
    states = [one.get(name, "none") for one in opened.values()]
    if few := states.count("few"):
        return f"{few} of {len(states)} sites have too few items of it"
    if states.count("enough") < least:
        return f"{states.count('enough')} sites have items of it; {least} are needed"
    return ""


def _left_is_small(
    names: Sequence[str], shown: Sequence[str], opened: Mapping[str, Mapping[str, str]], least: int
) -> bool:
    """Whether what an axis holds beside the strata that are shown, which is the difference to the whole, is a small cell.

    It is none where no site has an item of it. Where some have, each needs enough of one stratum of it, and as many sites
    as of a stratum that is told.
    """
    left = [[one.get(name, "none") for name in names if name not in shown] for one in opened.values()]
    holding = [states for states in left if any(state != "none" for state in states)]
    return bool(holding) and (len(holding) < least or any("enough" not in states for states in holding))


def rows_told(question: EvaluationQuestion, told: Sequence[str]) -> list[bool]:
    """Which rows of the layout are in the sum.

    Boxes are never counted under noise: one item may have any number of them, so no noise of a known size hides it.
    """
    boxes = [] if question.noise else [BOX_HIT, BOX_FALSE, BOX_TRUE]
    shown = {CALIBRATION, "benign", "threat", *told, *([HIT, *boxes] if BOXED in told else [])}
    return [name.partition("/")[0] in shown for name in layout(question)]


def row_withheld(site: str, opened: Mapping[str, SiteOpening]) -> str:
    """Why a site of a sum does not tell its own row though its agreement lets it; empty where it does.

    Where one site alone does not tell its row, the pooled numbers less all other rows are that row: the first of the others
    keeps its own back too.
    """
    silent = [name for name, one in opened.items() if not one.tells_row]
    if len(silent) == 1 and site == min(name for name in opened if name not in silent):
        return f"its row is left out so that the one of {silent[0]} cannot be told by difference to the pooled numbers"
    return ""


def context_of(question: EvaluationQuestion, keys: Mapping[str, str], strata: Sequence[str]) -> str:
    """What names one sum: the question, who is in it with which key, and which strata it holds.

    Masks differ with each of them. With the strata left out, a coordinator that asks twice and names other strata the second
    time would find, in the difference of both answers of one site, that site's counts without any mask.
    """
    return digest.of_json([question_digest(question), sorted(keys.items()), sorted(set(strata))])
