"""What an administration allows others to do with its scans: a small file beside the data, and the decision made by it.

`agreement.toml` in a dataset folder names the parties, what each may do and for which purpose, until when, the smallest
cell that may be told, and the budget. Nothing is allowed that is not written there; what is forbidden stays forbidden,
whatever else is allowed. `decide` is a pure function; `federate.decisions` calls it at load, at query and at release and
keeps the log. Code cannot stop a host that means harm: the file makes the agreed use the easy one and leaves evidence.
"""

import datetime as dt
import json
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from xraybench.core import digest
from xraybench.core.documents import Document, field_faults
from xraybench.core.errors import BadFile, BadValue, UnknownName
from xraybench.core.registry import did_you_mean
from xraybench.data.words import ACTIONS

FILE = "agreement.toml"
PURPOSES = {
    "benchmark": "compare models on the tasks of this benchmark",
    "training": "train a common model that its parties may use",
    "procurement": "decide on a purchase",
    "monitoring": "watch the accuracy of a model in use",
    "research": "publish a study",
}
ANYBODY = "*"
NAME = r"[A-Za-z0-9_]+"  # of a site or party: what every transport and file system takes
LEAST_CELL, LEAST_SITES = 10, 3


class Rule(Document):
    """One rule: who may, or may not, do what for which purpose."""

    party: str = Field(description="a party of this agreement, or * for each of them")
    actions: list[str] = Field(description=f"of: {', '.join(ACTIONS)}")
    purposes: list[str] = Field(default_factory=list, description=f"of: {', '.join(PURPOSES)}; empty for all of them")


class Party(Document):
    """Somebody who signed."""

    name: str = Field(description="short name: letters, digits and underscores", pattern=f"^{NAME}$")
    role: str = Field(default="", description="such as: coordinator, vendor, administration")
    organisation: str = ""
    contact: str = Field(default="", description="an office, no person")


class Agreement(Document):
    """`agreement.toml`. An action that no rule permits is denied."""

    schema_id: Literal["xraybench.agreement/1"] = "xraybench.agreement/1"
    id: str = Field(description="name of this agreement; it stands in logs and cards", pattern=r"^[A-Za-z0-9._-]+$")
    version: int = Field(ge=1, description="counted up with every change that is signed")
    site: str = Field(description="the site whose scans these are", pattern=f"^{NAME}$")
    starts: dt.date = Field(description="first day it holds")
    expires: dt.date = Field(description="last day it holds")
    parties: list[Party] = Field(min_length=1)
    permit: list[Rule] = Field(default_factory=list)
    forbid: list[Rule] = Field(default_factory=list)
    minimum_cell: int = Field(default=LEAST_CELL, ge=1, description="fewest items behind a count that leaves the site")
    least_sites: int = Field(default=LEAST_SITES, ge=3, description="fewest sites behind a published aggregate")
    releases: int = Field(default=0, ge=0, description="evaluations released under it at most; 0 for no limit")
    epsilon: float = Field(
        default=0.0, ge=0.0, description="privacy budget of all trainings and all released counts together; 0 for none"
    )
    obligations: list[str] = Field(default_factory=list, description="such as: cite, report, delete after use")
    incident_contact: str = Field(default="", description="whom to tell when something went wrong: an office")


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether something may be done, and the one sentence why."""

    allowed: bool
    reason: str
    agreement: str = ""  # its reference, see `reference`


def read_agreement(folder: Path | str) -> Agreement | None:
    """The agreement of a dataset folder, or None where it has none.

    Raises:
        BadFile: It is no TOML, or fields, parties, actions or purposes are wrong; all faults at once.
    """
    path = Path(folder) / FILE
    if not path.exists():
        return None
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadFile(f"{path}: not TOML ({error}).") from None
    except IsADirectoryError:
        raise BadFile(f"{path}: is a folder; a file is right.") from None
    try:
        agreement = Agreement.model_validate(given)
        faults = _faults(agreement)
    except ValidationError as error:
        faults = field_faults(error)
    if faults:
        raise BadFile(f"{path}: {len(faults)} fault{'s' if len(faults) > 1 else ''}\n  " + "\n  ".join(faults))
    return agreement


def check_purpose(name: str) -> None:
    """Raise UnknownName where no agreement could permit a purpose, since it is none."""
    if name not in PURPOSES:
        raise UnknownName(f"No purpose is called '{name}'. {did_you_mean(name, list(PURPOSES))}")


def reference(agreement: Agreement) -> str:
    """What logs and cards call it: id, version and the digest of its content."""
    return f"{agreement.id}/{agreement.version}#{digest.of_json(agreement.model_dump(mode='json'))[:12]}"


def decide(agreement: Agreement, *, party: str, action: str, purpose: str, day: dt.date) -> Decision:
    """Whether a party may do something for a purpose on a day. Denied by default; a rule that forbids wins.

    Args:
        party: Who asks, by its short name.
        action: One of `ACTIONS`.
        purpose: One of `PURPOSES`.
        day: When.
    """

    def no(reason: str) -> Decision:
        return Decision(False, f"{reason} (agreement {agreement.id} of site {agreement.site})", reference(agreement))

    asked = f"'{action}' for the purpose '{purpose}'"
    if action not in ACTIONS or purpose not in PURPOSES:
        return no(f"{asked} is in no vocabulary; actions are {', '.join(ACTIONS)}, purposes {', '.join(PURPOSES)}")
    if party not in {one.name for one in agreement.parties}:
        return no(f"'{party}' is no party; parties are {', '.join(one.name for one in agreement.parties)}")
    if not agreement.starts <= day <= agreement.expires:
        return no(f"on {day} it does not hold: it runs from {agreement.starts} to {agreement.expires}")
    if any(_covers(rule, party, action, purpose) for rule in agreement.forbid):
        return no(f"{asked} is forbidden to '{party}'")
    if not any(_covers(rule, party, action, purpose) for rule in agreement.permit):
        return no(f"no rule permits {asked} to '{party}'")
    return Decision(True, f"{asked} is permitted to '{party}' until {agreement.expires}", reference(agreement))


def template(
    site: str, *, parties: tuple[str, ...] = ("coordinator",), starts: dt.date | None = None, years: int = 1
) -> str:
    """A file to start from: it permits training and evaluation for the benchmark and a common model, and nothing more.

    `export_weights` is asked wherever `train` is: what was learned here leaves the site in every round.

    Args:
        site: Whose scans they are.
        parties: Short names of those who may ask.
        starts: First day; today when left out.
        years: How long it holds.

    Raises:
        BadValue: A name is no name.
    """
    if bad := [name for name in (site, *parties) if not re.fullmatch(NAME, name)]:
        raise BadValue(
            f"Sites and parties are named by letters, digits and underscores; got {', '.join(map(repr, bad))}."
        )
    first = starts or dt.datetime.now(dt.UTC).date()
    last = first + dt.timedelta(days=365 * years)
    lines = [
        "# What others may do with the scans of this folder. What no rule permits is denied; what is forbidden stays so.",
        f"id = {json.dumps(f'{site}-agreement')}",
        "version = 1  # one more with every change that is signed",
        f"site = {json.dumps(site)}",
        f"starts = {first}",
        f"expires = {last}",
        f"minimum_cell = {LEAST_CELL}  # fewest items behind a count that leaves the site",
        f"least_sites = {LEAST_SITES}  # fewest sites behind a published aggregate",
        "releases = 0  # evaluations released at most; 0 for no limit",
        "epsilon = 0.0  # privacy budget of all trainings and all released counts together; 0 for none",
        "obligations = []  # such as: cite, report, delete after use",
        'incident_contact = ""  # an office, no person',
        "",
    ]
    for party in parties:
        lines += ["[[parties]]", f"name = {json.dumps(party)}", 'role = ""', 'organisation = ""', 'contact = ""', ""]
    lines += [
        f"# Actions: {', '.join(ACTIONS)}",
        f"# Purposes: {'; '.join(f'{name}: {meaning}' for name, meaning in PURPOSES.items())}",
        "# A federated training needs train and export_weights: in every round what was learned here leaves the site.",
        "[[permit]]",
        'party = "*"',
        'actions = ["train", "evaluate", "see_aggregate", "see_slice", "export_weights", "publish_card"]',
        'purposes = ["benchmark", "training"]',
        "",
        "[[forbid]]",
        'party = "*"',
        'actions = ["export_image", "export_annotation", "redistribute"]',
        "",
    ]
    return "\n".join(lines)


def odrl(agreement: Agreement) -> dict[str, Any]:
    """The agreement in ODRL 2.2 as JSON-LD, as the data card carries it beside the terms of each part."""
    constraint: dict[str, Any] = {
        "odrl:leftOperand": {"@id": "odrl:dateTime"},
        "odrl:operator": {"@id": "odrl:lteq"},
        "odrl:rightOperand": {"@type": "xsd:date", "@value": agreement.expires.isoformat()},
    }

    def rules(these: list[Rule]) -> list[dict[str, Any]]:
        found = []
        for rule in these:
            for party in [one.name for one in agreement.parties] if rule.party == ANYBODY else [rule.party]:
                limits = [constraint] if these is agreement.permit else []
                if rule.purposes:
                    limits = [*limits, {
                        "odrl:leftOperand": {"@id": "odrl:purpose"},
                        "odrl:operator": {"@id": "odrl:isAnyOf"},
                        "odrl:rightOperand": [f"urn:xraybench:purpose:{one}" for one in rule.purposes],
                    }]  # fmt: skip
                for action in rule.actions:
                    one = {
                        "odrl:assignee": f"urn:xraybench:party:{party}",
                        "odrl:action": {"@id": f"urn:xraybench:action:{action}"},
                    }
                    found.append(one | ({"odrl:constraint": limits} if limits else {}))
        return found

    return {
        "@type": "odrl:Agreement",
        "odrl:uid": f"urn:xraybench:agreement:{reference(agreement)}",
        "odrl:assigner": f"urn:xraybench:site:{agreement.site}",
        "odrl:permission": rules(agreement.permit),
        "odrl:prohibition": rules(agreement.forbid),
        "odrl:obligation": [{"odrl:action": text} for text in agreement.obligations],
        "odrl:conflict": {"@id": "odrl:prohibit"},
    }


def _covers(rule: Rule, party: str, action: str, purpose: str) -> bool:
    return rule.party in (party, ANYBODY) and action in rule.actions and (not rule.purposes or purpose in rule.purposes)


def _faults(agreement: Agreement) -> list[str]:
    faults = []
    if agreement.expires < agreement.starts:
        faults.append(f"expires: {agreement.expires} lies before starts, {agreement.starts}")
    names = [party.name for party in agreement.parties]
    faults += [f"parties: '{name}' stands there twice" for name in sorted({n for n in names if names.count(n) > 1})]
    for kind in ("permit", "forbid"):
        for number, rule in enumerate(getattr(agreement, kind)):
            at = f"{kind}.{number}"
            if rule.party not in (*names, ANYBODY):
                faults.append(f"{at}.party: '{rule.party}' is no party. {did_you_mean(rule.party, names)}")
            for field, known in (("actions", list(ACTIONS)), ("purposes", list(PURPOSES))):
                faults += [f"{at}.{field}: '{one}' is not known. {did_you_mean(one, known)}"
                           for one in getattr(rule, field) if one not in known]  # fmt: skip
    return faults
