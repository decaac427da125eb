"""Model cards as documents: the 27 fields that are asked of a card, the vendor's words, and the card that is made of them.

`FIELDS` is the one table: what a card tells, who asks for it, who fills it. `CardData` is what only people can tell, a TOML
file. `ModelCard` is the compiled card, from which Markdown, page, JSON and bill of materials are written. It is flat: every
word, fact and number names the field it belongs to, and every number the result file and the row it was taken from.
"""

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ConfigDict, Field

from xraybench.core.documents import Document, Number

# Who asks for a field, by the short names used in `FIELDS`.
ASKERS = {
    "MC": "Mitchell et al. 2019, Model Cards for Model Reporting",
    "A4": "Regulation (EU) 2024/1689 (AI Act), Annex IV, with the number of the part",
    "CD": "CycloneDX, machine-learning bill of materials",
    "CR": "Croissant with its vocabulary for responsible AI",
    "N": "NIST AI Risk Management Framework 1.0",
    "I": "ISO/IEC 42001:2023, ISO/IEC TS 4213:2022, ISO/IEC 24029",
    "customs": "the practice of customs: who was opened, and probes",
}
FilledBy = Literal["runs", "people", "both"]
Part = Literal["purpose", "model", "data", "measured", "use", "operation"]
PARTS: dict[Part, str] = {
    "purpose": "Identity and purpose",
    "model": "The model",
    "data": "The data",
    "measured": "What was measured",
    "use": "Use and risk",
    "operation": "In operation",
}


@dataclass(frozen=True, slots=True)
class CardField:
    """One of the 27 fields: `words` are the names of what people tell of it, fields of `CardData`."""

    key: str
    title: str
    asked_by: str
    filled_by: FilledBy
    part: Part
    words: tuple[str, ...] = ()


# research: the merged table of what nine sources ask of a model card.
FIELDS = (
    CardField("identity", "Name, version, date, digests, licence", "MC A4.1 CD CR", "both", "purpose",
              ("summary", "version", "released", "licence")),
    CardField("owner", "Owner, contact, approver, signature", "MC A4.2g A4.8 CD I", "both", "purpose",
              ("vendor", "contact", "approver")),
    CardField("purpose", "Intended use, users, out of scope, misuse", "MC A4.1 CD N I", "people", "purpose",
              ("intended_use", "intended_users", "out_of_scope", "foreseeable_misuse")),
    CardField("legal", "Legal basis, classification claim, impact assessment", "A4.1 A4.7 I", "people", "purpose",
              ("legal_basis", "classification", "impact_assessment")),
    CardField("inputs", "Inputs: modality, energies, views, bit depth, polarity, scanners", "A4.3 CD", "runs", "model"),
    CardField("outputs", "Outputs: classes and definitions, decision rule, abstention", "MC A4.2b CD", "runs", "model"),
    CardField("architecture", "Architecture, size, preprocessing in the graph, dependencies", "A4.2c CD", "runs", "model"),
    CardField("training", "Training procedure, federation, lineage", "A4.2a CD", "both", "model", ("training_summary",)),
    CardField("datasets", "Datasets: digests and counts", "A4.2d CD CR I", "runs", "data"),
    CardField("collection", "Collection, annotation protocol, annotators", "CR A4.2d", "both", "data",
              ("data_collection", "annotation_protocol")),
    CardField("label_policy", "Label policy: who was opened and why", "CR customs", "runs", "data"),
    CardField("probes", "Probe pool: size, families, age, realism", "customs", "runs", "data"),
    CardField("ownership", "Ownership, use terms, retention, confidentiality", "CR CD I", "people", "data",
              ("data_ownership", "use_terms", "retention", "confidentiality")),
    CardField("splits", "Splits, leakage and duplicate checks", "I A4.2g", "runs", "data"),
    CardField("metrics", "Metrics, operating point, intervals, why these", "MC A4.3 A4.4 CD I", "both", "measured",
              ("metrics_rationale",)),
    CardField("slices", "Slices, the worst one, thin groups", "MC A4.3 CD", "runs", "measured"),
    CardField("calibration", "Calibration: target, achieved, condition of validity", "I", "runs", "measured"),
    CardField("robustness", "Robustness, transfer to other scanners, known failures", "A4.2g I", "both", "measured",
              ("limitations",)),
    CardField("equity", "Equity: protection and burden", "MC A4.2g CD", "runs", "measured"),
    CardField("oversight", "Human oversight, advice to the reader, explanations", "A4.2e A4.3 N", "both", "use",
              ("human_oversight", "reader_advice")),
    CardField("deployment", "Deployment: latency, hardware, runtime parity, conformance", "A4.1 CD", "runs", "measured"),
    CardField("security", "Security, signing, attacks on privacy", "A4.2h CD N", "both", "use", ("security",)),
    CardField("risks", "Risks and mitigations, environmental cost", "A4.5 CD", "both", "use", ("risks",)),
    CardField("monitoring", "Monitoring plan: monitors, limits, expected delay, audits", "A4.9 N I", "runs", "operation"),
    CardField("status", "Live status, last alarms, head of the evidence log", "A4.9 N", "runs", "operation"),
    CardField("changes", "Planned changes, retraining gate, rollback, change log", "A4.2f A4.6 N", "both", "operation",
              ("planned_changes", "change_log")),
    CardField("standards", "Standards used, reports dated and signed", "A4.7 A4.2g", "both", "operation",
              ("standards",)),
)  # fmt: skip

# What a buyer cannot do without. Left empty, each is a gap that fails the check; the other words are only listed.
REQUIRED = (
    "summary",
    "version",
    "licence",
    "vendor",
    "contact",
    "intended_use",
    "intended_users",
    "out_of_scope",
    "foreseeable_misuse",
    "classification",
    "training_summary",
    "data_ownership",
    "limitations",
    "human_oversight",
    "risks",
)


class CardData(Document):
    """`model_cards/<model>.toml`: the vendor's words. A measured number stands in them only as a reference to a result."""

    schema_id: Literal["xraybench.card/1"] = "xraybench.card/1"
    model: str = Field(description="name of the model on the board")
    title: str = Field(default="", description="name of the model for people")
    summary: str = Field(default="", description="what it is, in one or two sentences")
    version: str = Field(default="", description="version of this release, such as 1.0.0")
    released: str = Field(default="", description="day of this release, such as 2027-01-31")
    licence: str = Field(default="", description="licence of the model, an SPDX name where there is one")
    vendor: str = Field(default="", description="organisation that answers for the model")
    contact: str = Field(default="", description="where to ask: an office, no person")
    approver: str = Field(default="", description="role that released this card, and when")
    intended_use: str = Field(default="", description="what it is for")
    intended_users: str = Field(default="", description="who is to use it, with what training")
    out_of_scope: str = Field(default="", description="what it is not for: goods, scanners, threats, decisions")
    foreseeable_misuse: str = Field(default="", description="how it may be used wrongly, and what follows")
    legal_basis: str = Field(default="", description="on what ground it may be used where it is meant for")
    classification: str = Field(
        default="", description="class that the vendor claims under the law, and who confirms it"
    )
    impact_assessment: str = Field(default="", description="where the data-protection impact assessment can be read")
    training_summary: str = Field(default="", description="how it was trained")
    data_collection: str = Field(default="", description="how the training scans were chosen and taken")
    annotation_protocol: str = Field(
        default="", description="how they were labelled, by whom, how disputes were settled"
    )
    data_ownership: str = Field(default="", description="who owns the scans and labels it was trained on")
    use_terms: str = Field(default="", description="who may use the model for what")
    retention: str = Field(default="", description="when training scans are deleted")
    confidentiality: str = Field(default="", description="what of scans, labels and model is confidential")
    metrics_rationale: str = Field(default="", description="why the vendor reads these metrics as it does")
    limitations: str = Field(default="", description="where it fails, in the vendor's words")
    human_oversight: str = Field(default="", description="who decides after an alarm, and who can switch it off")
    reader_advice: str = Field(default="", description="how an officer should read an alarm and its box")
    security: str = Field(default="", description="how the model is protected against tampering and theft")
    risks: str = Field(default="", description="what may go wrong, and what is done about it")
    planned_changes: str = Field(
        default="", description="what will change, what a retrained model must pass, the way back"
    )
    change_log: str = Field(default="", description="what changed since the version before")
    standards: str = Field(default="", description="standards that were followed, in whole or in part")
    library: str = Field(default="", description="library that loads it, such as timm or onnx")
    tags: list[str] = Field(default_factory=list, description="words to find it by")


class Party(Document):
    """One site of a federated training: its scans stayed there. A signature may tell more of it than a card takes."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    name: str
    n_items: int | None = Field(default=None, ge=0, description="training items; null where not told")
    corpora: dict[str, str] = Field(default_factory=dict, description="corpus -> digest")
    version: str = Field(default="", description="the xraybench that ran at the site")


class Stage(Document):
    """One stage of training in stages: base, vendor or sensor, site. A signature may tell more of it."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    name: str
    parent: str = Field(default="", description="digest of the weights it started from; empty for a first stage")
    weights: str = Field(default="", description="digest of the weights it ended with")
    corpora: dict[str, str] = Field(default_factory=dict, description="corpus -> digest")
    n_items: int | None = Field(default=None, ge=0)


class Lineage(Document):
    """How a model came to be, as the `training` table of its signature tells. What it does not tell stays empty."""

    kind: str = Field(default="", description="local, federated, pooled ...")
    backend: str = Field(default="", description="inprocess, files or flare")
    n_rounds: int | None = Field(default=None, ge=0)
    aggregator: str = ""
    sites: list[Party] = Field(default_factory=list)
    privacy_budget: dict[str, Any] = Field(default_factory=dict, description="epsilon, delta, mechanism")
    agreements: list[str] = Field(default_factory=list, description="ids or digests of the agreements it ran under")
    parent: str = Field(default="", description="digest of the weights that training started from")
    corpora: dict[str, str] = Field(default_factory=dict, description="corpus -> digest of the training data")
    stages: list[Stage] = Field(default_factory=list)


class CardWord(Document):
    """What people told of a field; empty where they did not."""

    field: str
    name: str
    text: str = ""
    references: list[str] = Field(default_factory=list, description="rows of results that the text quotes")


class CardFact(Document):
    """What a file tells of a field."""

    field: str
    name: str
    value: str
    source: str = Field(description="signature, results, sensor, vocabulary, words or xraybench")
    body: str = Field(default="", description="the body of data it speaks of; empty for all")


class CardNumber(Document):
    """One measured number: a copy of a row of a result file, which it names. Undefined is null, with the reason."""

    field: str
    table: str = Field(description="heading of the table it stands in")
    row: str
    column: str = Field(default="", description="empty: the value with interval and count has a line of its own")
    result: str = Field(description="path of the result file under the board")
    metric: str
    at: float | None = None
    slice_axis: str = ""
    slice_value: str = ""
    value: Number
    low: Number
    high: Number
    n_items: int = Field(ge=0)
    n_threats: int = Field(ge=0)
    reason: str = ""
    remark: str = ""


class ResultReference(Document):
    """A result file that numbers of a card were taken from."""

    path: str = Field(description="under the board folder")
    digest: str = Field(description="of the file's bytes, BLAKE2b-128")
    task: str
    body: str = Field(description="the body of data as the board names it")
    track: str
    is_simulated: bool
    profile: str
    seed: int
    corpora: dict[str, str]
    predictions_digest: str
    code_digest: str = Field(default="", description="of the sources that made the numbers; empty where not told")
    version: str


class FieldState(Document):
    """One of the 27 fields and how far it is filled."""

    number: int = Field(ge=1, le=27)
    key: str
    title: str
    asked_by: str
    filled_by: FilledBy
    state: Literal["filled", "partly", "gap", "n/a"]
    reason: str = Field(default="", description="what is missing, or why it does not apply")


class ModelCard(Document):
    """`model_cards/<model>.json`: the compiled card. Simulated and real numbers stand apart by their result files."""

    schema_id: Literal["xraybench.model_card/1"] = "xraybench.model_card/1"
    model: str
    title: str
    notices: list[str] = Field(description="what simulated and real results are worth, as far as the card has them")
    gaps: list[str] = Field(description="required words that the vendor left empty")
    unsaid: list[str] = Field(description="other words that the vendor left empty")
    fields: list[FieldState]
    words: list[CardWord]
    facts: list[CardFact]
    numbers: list[CardNumber]
    results: list[ResultReference]
    lineage: Lineage
