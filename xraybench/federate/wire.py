"""What travels between coordinator and site, whatever carries it: messages of JSON and safetensors, never pickle.

A message is a few named parts of bytes. `files` lays each part into a file, `flare` puts each into one field of its own
message, so this is the one place where anything is encoded to leave a site, and `answer` the one function that makes it:

    question  ask.json, and from round 1 on global.safetensors and, where the site keeps some to itself, kept.safetensors
    answer    site.json (round 0: it joins), update.json + weights.safetensors, or refusal.json

A refusal names an agreement's reason, or the kind of fault and no more: messages of other faults may hold names of files.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import TypeVar

from pydantic import Field, ValidationError

from xraybench import __version__
from xraybench.core.documents import (
    Document,
    FederatedJob,
    FederatedSite,
    FederatedUpdate,
    field_faults,
)
from xraybench.core.errors import BadFile, BadValue, Refused
from xraybench.federate.aggregate import SiteUpdate
from xraybench.federate.answer import SiteFault, may_leave
from xraybench.federate.job import site_digest, site_faults
from xraybench.federate.site import Site
from xraybench.federate.weights import Weights, from_bytes, to_bytes
from xraybench.models.timm_net import digest_of_weights

Parts = dict[str, bytes]
D = TypeVar("D", bound=Document)

ASK, GLOBAL, KEPT = "ask.json", "global.safetensors", "kept.safetensors"
SITE, UPDATE, WEIGHTS, REFUSAL = "site.json", "update.json", "weights.safetensors", "refusal.json"
_MOST_JSON = 1 << 20  # bytes of one document
_SLACK = 1 << 16  # bytes by which an update may exceed the weights that were sent: headers differ


class Ask(Document):
    """A coordinator's question to one site."""

    version: str = Field(description="xraybench at the coordinator")
    job: FederatedJob
    site: str
    round: int = Field(ge=0, description="0 asks the site to join")
    weights_digest: str = ""
    kept_digest: str = ""
    data: str = Field("", description="digest of what the site said when it joined")


class Refusal(Document):
    """Why a site gives no other answer."""

    site: str
    reason: str


def ask_to_join(job: FederatedJob, site: str) -> Parts:
    """The question before the first round: would you take part?"""
    return {ASK: _json(Ask(version=__version__, job=job, site=site, round=0))}


def ask_to_train(job: FederatedJob, site: FederatedSite, *, index: int, sent: Weights, kept: Weights | None) -> Parts:
    """The question of a round.

    Args:
        job: The job.
        site: The site as it described itself when it joined.
        index: The round, from 1.
        sent: The global weights.
        kept: What this site keeps to itself, as the coordinator's checkpoint holds it for it.
    """
    ask = Ask(
        version=__version__,
        job=job,
        site=site.name,
        round=index,
        weights_digest=digest_of_weights(sent),
        kept_digest=digest_of_weights(kept) if kept else "",
        data=site_digest(site),
    )
    return {ASK: _json(ask), GLOBAL: to_bytes(sent)} | ({KEPT: to_bytes(kept)} if kept else {})


def read_ask(parts: Mapping[str, bytes]) -> Ask:
    """The question of a message.

    Raises:
        BadValue: The coordinator runs another version.
        BadFile: No question, or a broken one.
    """
    text = _part(parts, ASK)
    try:  # before the rest: another version may ask in other words
        version = json.loads(text).get("version")
    except (ValueError, AttributeError, RecursionError):
        raise BadFile(f"{ASK}: no JSON document.") from None
    check_version(version)
    return _document(text, ASK, Ask)


def check_version(version: object) -> None:
    """Raise where the coordinator, at this version, and this site would not understand each other."""
    if version != __version__:
        raise SiteFault(
            f"The coordinator runs xraybench {version} and this site {__version__}; install the same at both."
        )


def answer(site: Site, parts: Mapping[str, bytes]) -> Parts:
    """What a site says to a question.

    Raises:
        SiteFault: The question is for another site, of another version, or the site cannot carry the job, or holds other
            data than when it joined.
        BadFile: The question is broken.
        Refused: The site's agreement does not allow it.
    """
    ask = read_ask(parts)
    if ask.site != site.name:
        raise SiteFault(f"This question is for site {ask.site}, not for {site.name}.")
    if not ask.round:
        if faults := site_faults(ask.job, site.describe()):
            raise SiteFault(" ".join(faults))
        return {SITE: _json(site.join(ask.job))}
    if site_digest(site.describe()) != ask.data:
        raise SiteFault(f"Site {site.name} holds other data than when it joined job {ask.job.name}.")
    sent = _weights(parts, GLOBAL, ask.weights_digest)
    kept = _weights(parts, KEPT, ask.kept_digest) if ask.kept_digest else None
    return update_parts(site.fit(sent, ask.job, ask.round, kept=kept))


def answer_or_refusal(site: Site, parts: Mapping[str, bytes]) -> Parts:
    """As `answer`, but a fault becomes a refusal; the fault itself goes to stderr. For a site that runs on its own."""
    try:
        return answer(site, parts)
    except Exception as error:  # whatever fails here costs the round this site, never the run
        sys.stderr.write(f"{site.name}: {type(error).__name__}: {error}\n")
        return refusal(site.name, error)


def refusal(site: str, error: Exception) -> Parts:
    """A fault as a message, in words that may leave the site."""
    return {REFUSAL: _json(Refusal(site=site, reason=may_leave(error)))}


def update_parts(update: SiteUpdate) -> Parts:
    """An update as a message."""
    return {UPDATE: _json(update.record), WEIGHTS: to_bytes(update.weights)}


def read_site(parts: Mapping[str, bytes], *, site: str) -> FederatedSite:
    """What a site said of itself when it joined.

    Raises:
        Refused: It refuses to.
        BadFile: The message is broken.
        BadValue: It calls itself something else.
    """
    if refusal := read_refusal(parts):
        raise Refused(f"Site {site} does not take part: {refusal}")
    described = _document(_part(parts, SITE), f"{SITE} of site {site}", FederatedSite)
    if described.name != site:
        raise BadValue(f"Site {site} calls itself {described.name}.")
    return described


def read_update(parts: Mapping[str, bytes], *, sent: Weights) -> SiteUpdate | str:
    """What a site sent back in a round, or the reason why it cannot be used.

    Only the message is judged here; whether the update is one of this job and round says `coordinator.close_round`.
    """
    most = sum(w.nbytes for w in sent.values()) + sum(len(name) + 128 for name in sent) + _SLACK
    size = len(parts.get(WEIGHTS, b""))
    if size > most:
        return f"its weights are {size} bytes, where at most {most} fit the network that was sent"
    try:
        if refusal := read_refusal(parts):
            return refusal
        record = _document(_part(parts, UPDATE), UPDATE, FederatedUpdate)
        return SiteUpdate(record, from_bytes(_part(parts, WEIGHTS), source=WEIGHTS))
    except BadFile as error:
        return " ".join(str(error).split())


def read_refusal(parts: Mapping[str, bytes]) -> str:
    """Why a site gives no other answer; empty where it gives one."""
    return _document(parts[REFUSAL], REFUSAL, Refusal).reason if REFUSAL in parts else ""


def _weights(parts: Mapping[str, bytes], name: str, known_digest: str) -> Weights:
    weights = from_bytes(_part(parts, name), source=name)
    if digest_of_weights(weights) != known_digest:
        raise BadFile(f"{name}: not the weights that the question speaks of (another digest).")
    return weights


def _json(document: Document) -> bytes:
    return document.model_dump_json(indent=1).encode() + b"\n"


def _part(parts: Mapping[str, bytes], name: str) -> bytes:
    if name not in parts:
        raise BadFile(f"{name} is missing; the message holds {', '.join(sorted(parts)) or 'nothing'}.")
    return parts[name]


def _document(text: bytes, name: str, kind: type[D]) -> D:
    if len(text) > _MOST_JSON:
        raise BadFile(f"{name}: {len(text)} bytes are too many for a document.")
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        raise BadFile(f"{name}: not a valid {kind.__name__}\n  " + "\n  ".join(field_faults(error))) from None
