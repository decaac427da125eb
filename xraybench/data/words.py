"""What only people know of a dataset: a TOML file that its owner fills in. What stays empty is a gap with a name.

Counts, digests, licences of the manifest and splits are never typed here: the card takes them from the dataset itself.
"""

import json
import tomllib
from pathlib import Path

from pydantic import Field, ValidationError

from xraybench.core.documents import Document, field_faults
from xraybench.core.errors import BadFile
from xraybench.core.registry import did_you_mean

FILE = "datacard.toml"

# Parts of a dataset that may have owners and terms of their own.
PARTS = {
    "images": "the scans themselves",
    "boxes": "where a threat is in a scan",
    "labels": "which threat, in which concealment",
    "declared": "what the shipment was declared as, from the manifest",
    "splits": "which items train and which test",
}
# What an agreement can allow or forbid (research/monitoring_cards_governance.md 3).
ACTIONS = (
    "evaluate", "train", "fine_tune", "calibrate", "seed_probe", "see_aggregate", "see_slice", "see_site", "export_image",
    "export_annotation", "export_weights", "publish_card", "redistribute",
)  # fmt: skip
# Terms of the Data Use Ontology that fit scans of goods.
DUO = {
    "DUO:0000004": "no restriction",
    "DUO:0000012": "research specific restrictions",
    "DUO:0000018": "not for profit, non commercial use only",
    "DUO:0000019": "publication required",
    "DUO:0000020": "collaboration required",
    "DUO:0000021": "ethics approval required",
    "DUO:0000022": "geographical restriction",
    "DUO:0000024": "publication moratorium",
    "DUO:0000025": "time limit on use",
    "DUO:0000026": "user specific restriction",
    "DUO:0000027": "project specific restriction",
    "DUO:0000028": "institution specific restriction",
    "DUO:0000029": "return to database or resource",
    "DUO:0000042": "general research use",
    "DUO:0000045": "not for profit organisation use only",
    "DUO:0000046": "non-commercial use only",
}


class Terms(Document):
    """Owner and terms of use of one part."""

    owner: str = Field(default="", description="who owns this part")
    duo: list[str] = Field(default_factory=list, description="terms of the Data Use Ontology")
    permit: list[str] = Field(default_factory=list, description="actions that are allowed")
    prohibit: list[str] = Field(default_factory=list, description="actions that are forbidden")
    until: str = Field(default="", description="last day, ISO 8601; empty without end")
    annotated_by: str = Field(default="", description="who made this part: a role or an organisation, no person")


class Words(Document):
    """`datacard.toml`. Field names of the second block are those of Croissant's vocabulary for responsible AI."""

    title: str = Field(default="", description="name of the dataset for people")
    description: str = Field(default="", description="what it is, in a few sentences")
    owner: str = Field(default="", description="organisation that answers for it")
    contact: str = Field(default="", description="where to ask: an office, no person")
    version: str = Field(default="", description="version of this release, such as 1.0.0")
    date_published: str = Field(default="", description="day of this release, ISO 8601")
    citation: str = Field(default="", description="how to cite it")
    url: str = Field(default="", description="where it is described")
    licence_url: str = Field(default="", description="where the licence of this copy can be read")
    show_examples: bool = Field(default=False, description="whether pictures of it may be shown in the card")

    data_collection: str = Field(default="", description="how scans were chosen and taken")
    data_collection_type: list[str] = Field(default_factory=list, description="such as: Observations, Simulations")
    data_collection_missing_data: str = Field(default="", description="what is missing and why")
    data_collection_raw_data: str = Field(default="", description="what the raw data were")
    data_collection_timeframe: list[str] = Field(default_factory=list, description="first and last day, ISO 8601")
    data_imputation_protocol: str = Field(default="", description="how missing values were filled, or that none were")
    data_preprocessing_protocol: list[str] = Field(default_factory=list, description="steps from raw to what is here")
    data_manipulation_protocol: str = Field(default="", description="what was altered, de-identification included")
    data_annotation_protocol: list[str] = Field(default_factory=list, description="how labels were made")
    data_annotation_platform: list[str] = Field(default_factory=list, description="tool that labels were made with")
    data_annotation_analysis: list[str] = Field(
        default_factory=list, description="agreement, adjudication, known errors"
    )
    annotations_per_item: str = Field(default="", description="how many people labelled each item")
    annotator_demographics: list[str] = Field(
        default_factory=list, description="roles and training of those who labelled"
    )
    machine_annotation_tools: list[str] = Field(
        default_factory=list, description="programs that labelled, with version"
    )
    data_biases: list[str] = Field(default_factory=list, description="known biases")
    data_use_cases: list[str] = Field(default_factory=list, description="uses it is fit for, and unfit for")
    data_limitations: list[str] = Field(default_factory=list, description="known limits")
    data_social_impact: str = Field(default="", description="whom it may help or harm")
    personal_sensitive_information: list[str] = Field(
        default_factory=list, description="personal or confidential content"
    )
    data_release_maintenance_plan: str = Field(default="", description="who keeps it, how long, how errors are mended")

    label_policy: str = Field(
        default="", description="which items were opened and why, and what an unopened one counts as"
    )
    legal_basis: str = Field(default="", description="on what ground it may be kept and shared")
    retention: str = Field(default="", description="when it is deleted")

    terms: dict[str, Terms] = Field(default_factory=dict, description=f"owner and terms of: {', '.join(PARTS)}")


_NOT_ASKED = {"schema_id", "url", "licence_url", "show_examples", "terms"}
RAI = tuple(name for name in Words.model_fields if name.startswith(("data_", "annot", "machine_", "personal_")))


def read_words(path: Path | str) -> Words:
    """The words of an owner; all gaps where there is no such file.

    Raises:
        BadFile: Not TOML, or unknown or ill-typed fields, parts, actions or terms; all at once.
    """
    path = Path(path)
    if not path.is_file():
        return Words()
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadFile(f"{path}: not TOML ({error}).") from None
    faults: list[str] = []
    words = None
    try:
        words = Words.model_validate(given)
    except ValidationError as error:
        faults = [_with_hint(fault) for fault in field_faults(error)]
    if words is not None:
        faults = _term_faults(words)
    if faults:
        raise BadFile(f"{path}: {len(faults)} fault{'s' if len(faults) > 1 else ''}\n  " + "\n  ".join(faults))
    assert words is not None
    return words


def gaps(words: Words) -> list[str]:
    """Names of what the owner has not said, parts without an owner among them."""
    asked = [name for name in Words.model_fields if name not in _NOT_ASKED]
    empty = [name for name in asked if not getattr(words, name) or not "".join(getattr(words, name)).strip()]
    return empty + [f"terms.{part}.owner" for part in PARTS if not words.terms.get(part, Terms()).owner.strip()]


def template() -> str:
    """An empty file to fill in, each field with what it asks for."""
    lines = ["# What only its owner knows of this dataset. What stays empty is printed as a gap, by its name.", ""]
    for name, asked in Words.model_fields.items():
        if name != "terms":
            empty = json.dumps(asked.get_default(call_default_factory=True))
            lines += [f"# {asked.description}", f"{name} = {empty}", ""]
    lines += [f"# Actions: {', '.join(ACTIONS)}", f"# Terms: {'; '.join(f'{k} {v}' for k, v in DUO.items())}", ""]
    for part, meaning in PARTS.items():
        lines += [f"[terms.{part}]  # {meaning}", *(f"{name} = {_empty(name)}" for name in Terms.model_fields), ""]
    return "\n".join(lines)


def _empty(name: str) -> str:
    return json.dumps(Terms.model_fields[name].get_default(call_default_factory=True))


def _term_faults(words: Words) -> list[str]:
    faults = []
    for part, terms in words.terms.items():
        if part not in PARTS:
            faults.append(f"terms.{part}: no such part. {did_you_mean(part, list(PARTS))}")
        for name in ("permit", "prohibit"):
            for action in getattr(terms, name):
                if action not in ACTIONS:
                    faults.append(
                        f"terms.{part}.{name}: '{action}' is no action. {did_you_mean(action, list(ACTIONS))}"
                    )
        faults += [f"terms.{part}: '{action}' is both permitted and prohibited" for action in terms.permit
                   if action in terms.prohibit]  # fmt: skip
        faults += [
            f"terms.{part}.duo: '{term}' is not one of {', '.join(DUO)}" for term in terms.duo if term not in DUO
        ]
        if terms.until and not _is_day(terms.until):
            faults.append(f"terms.{part}.until: '{terms.until}' is no day of the form 2027-12-31")
    for name in ("date_published", *["data_collection_timeframe"]):
        told = getattr(words, name)
        faults += [f"{name}: '{day}' is no day of the form 2027-12-31" for day in ([told] if isinstance(told, str) else told)
                   if day and not _is_day(day)]  # fmt: skip
    return faults


def _is_day(text: str) -> bool:
    import datetime as dt

    try:
        dt.date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _with_hint(fault: str) -> str:
    name = fault.partition(":")[0]
    if "Extra inputs" not in fault:
        return fault
    known = list(Terms.model_fields) if name.startswith("terms.") else list(Words.model_fields)
    return f"{name}: no such field. {did_you_mean(name.rpartition('.')[2], known)}"
