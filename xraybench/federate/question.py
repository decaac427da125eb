"""The question of a federated evaluation and its rules: what is counted, and which counts may be told.

Documents travel as JSON. They name data and models by words and digests and carry no code.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import Field

from xraybench import tasks
from xraybench.core import digest, vocabulary
from xraybench.core.documents import Document, ResultRow

CALIBRATION, HIT, BOXED = "calibration", "hit", "boxed"
BOX_HIT, BOX_FALSE, BOX_TRUE = "box_hit", "box_false", "box_true"  # found boxes by score; true ones, in the first bin
N_FIRST = 8  # rows before the strata
AXES = ("threat", "concealment", "sensor")


class EvaluationQuestion(Document):
    """What a coordinator asks of every site. It names data and a model by words and digests, and carries no code."""

    schema_id: Literal["xraybench.federated_evaluation/1"] = "xraybench.federated_evaluation/1"
    task: str
    model: str
    model_digest: str = Field(description="of the weights or the ONNX file; a site with another model refuses")
    party: str = "coordinator"
    purpose: str = "benchmark"
    axes: list[str] = Field(
        default_factory=lambda: list(AXES), description=f"strata to tell apart, of: {', '.join(AXES)}"
    )
    sensors: list[str] = Field(default_factory=list, description="sensors of the sites, where that axis is asked for")
    noise: float = Field(
        default=0.0, ge=0.0, description="standard deviation of the noise in each sum; 0 for exact sums"
    )


class SiteOpening(Document):
    """A site's first answer: nothing about a score."""

    site: str
    public_key: str = Field(description="X25519, hexadecimal; of this one question")
    data_digest: str
    agreement: str = ""
    minimum_cell: int
    least_sites: int
    is_simulated: bool
    has_boxes: bool
    log_head: str = Field(
        default="", description="digest of the last line of the site's log: shows later whether it was cut"
    )
    strata: dict[str, Literal["none", "few", "enough"]]


class SiteRow(Document):
    """What a site tells of itself at the transferred threshold; all counts null where it withholds them."""

    site: str
    n_threats: int | None = None
    n_hits: int | None = None
    n_benign: int | None = None
    n_alarms: int | None = None
    auroc: float | None = None
    auroc_error: float | None = None
    reason: str = Field(default="", description="why nothing is told")


class FederatedResult(Document):
    """The pooled numbers, and how they came about."""

    schema_id: Literal["xraybench.federated_result/1"] = "xraybench.federated_result/1"
    question: EvaluationQuestion
    is_simulated: bool
    threshold: float | None = Field(description="set on the calibration items of all sites together")
    sites: list[SiteOpening]
    absent: dict[str, str] = Field(description="sites that were asked and are not in the sums, with the reason")
    withheld: dict[str, str] = Field(description="strata that are not told, with the reason")
    rows: list[ResultRow]
    site_rows: list[SiteRow]


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


def strata_told(
    question: EvaluationQuestion, opened: Mapping[str, Mapping[str, str]], *, least: int
) -> tuple[list[str], dict[str, str]]:
    """Which strata may be summed, and why the others may not.

    Args:
        question: Gives the strata.
        opened: Site -> stratum -> none, few or enough.
        least: Fewest sites that need enough items of a stratum.

    Returns:
        Strata that are told, in the order of the layout; the others, each with its reason. Strata that no site has any item
        of are in neither.
    """
    told: list[str] = []
    withheld: dict[str, str] = {}
    for name in strata_of(question):
        states = [one.get(name, "none") for one in opened.values()]
        if states.count("none") == len(states):
            continue
        if few := states.count("few"):
            withheld[name] = f"{few} of {len(states)} sites have too few items of it"
        elif states.count("enough") < least:
            withheld[name] = f"{states.count('enough')} sites have items of it; {least} are needed"
        else:
            told.append(name)
    for axis in question.axes:
        hidden = [name for name in withheld if name.startswith(f"{axis}=")]
        shown = [name for name in told if name.startswith(f"{axis}=")]
        if len(hidden) == 1 and shown:
            also = min(shown, key=lambda name: sum(one.get(name) == "enough" for one in opened.values()))
            told.remove(also)
            withheld[also] = f"left out so that {hidden[0]} cannot be told by difference to the whole"
    return told, withheld


def strata_of(question: EvaluationQuestion) -> list[str]:
    """Names of the strata, one a group of rows: the boxes, then each value of each axis."""
    names = [name.partition("/")[0] for name in layout(question)[N_FIRST:]]
    return [BOXED, *dict.fromkeys(names)]


def rows_told(question: EvaluationQuestion, told: Sequence[str]) -> list[bool]:
    """Which rows of the layout are in the sum.

    Boxes are never counted under noise: one item may have any number of them, so no noise of a known size hides it.
    """
    boxes = [] if question.noise else [BOX_HIT, BOX_FALSE, BOX_TRUE]
    shown = {CALIBRATION, "benign", "threat", *told, *([HIT, *boxes] if BOXED in told else [])}
    return [name.partition("/")[0] in shown for name in layout(question)]


def context_of(question: EvaluationQuestion, keys: Mapping[str, str], strata: Sequence[str]) -> str:
    """What names one sum: the question, who is in it with which key, and which strata it holds.

    Masks differ with each of them. With the strata left out, a coordinator that asks twice and names other strata the second
    time would find, in the difference of both answers of one site, that site's counts without any mask.
    """
    return digest.of_json([question_digest(question), sorted(keys.items()), sorted(set(strata))])
