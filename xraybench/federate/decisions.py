"""Who was allowed what, and why: every decision of a site in a log that cannot be changed unseen.

A site decides at three points: when its scans are loaded for a job, when a question comes, and when an answer is to leave.
Each decision goes into one line of JSON with its reason, chained to the line before by a hash, so that a line that was
changed, taken out or put in is found. Cutting lines off the end can only be seen beside a copy of the last hash: the
coordinator of an evaluation gets it with a site's opening, and keeps it in the result.
"""

import datetime as dt
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Literal

from pydantic import Field, ValidationError

from xraybench.core import digest
from xraybench.core.documents import Document, field_faults
from xraybench.core.errors import BadFile, Refused
from xraybench.data import agreement as agreements
from xraybench.data.agreement import Agreement, Decision

Point = Literal["load", "query", "release"]
FILE = "decisions.jsonl"  # in a site's folder
FIRST = "0" * 32  # what the first line is chained to


class Entry(Document):
    """One line of the log."""

    number: int = Field(ge=1)
    time: str = Field(description="UTC, ISO 8601")
    site: str
    point: Point
    party: str
    action: str
    purpose: str
    subject: str = Field(description="digest of the job or question")
    allowed: bool
    reason: str
    agreement: str = Field(default="", description="id/version#digest of the agreement that decided")
    facts: dict[str, Any] = Field(
        default_factory=dict,
        description="of a release: what leaves, who approved, budget; of a round with noise: what it costs",
    )
    previous: str = Field(description="digest of the line before")
    digest: str = Field(default="", description="of this line without this field")


def require(
    site: str,
    agreement: Agreement | None,
    *,
    party: str,
    action: str,
    purpose: str,
    point: Point,
    subject: str,
    log: Path | None,
    is_simulated: bool = False,
    facts: Mapping[str, Any] | None = None,
    day: dt.date | None = None,
) -> Decision:
    """Decide, write it down, and raise when the answer is no.

    Without an agreement nothing is allowed on scans of anybody; simulated scans are nobody's, and need none.

    Args:
        site: Whose scans they are.
        agreement: What the site agreed to.
        party: Who asks.
        action, purpose: As `data.agreement.decide`.
        point: Where the question comes up.
        subject: Digest of the job or question.
        log: The site's log; None where nothing is kept, as in a notebook on simulated scans.
        is_simulated: Whether all scans of the site are simulated.
        facts: What the log is to keep of it beside the decision.
        day: When; today when left out.

    Raises:
        Refused: The agreement does not allow it; the sentence says why. It is in the log as well.
    """
    if agreement is None:
        decision = Decision(
            is_simulated,
            "simulated scans need no agreement"
            if is_simulated
            else f"site {site} has no {agreements.FILE} in its dataset folder, and without one nothing is allowed",
        )
    elif agreement.site != site:
        decision = Decision(False, f"agreement {agreement.id} is of site {agreement.site}, not of {site}")
    else:
        today = day or dt.datetime.now(dt.UTC).date()
        decision = agreements.decide(agreement, party=party, action=action, purpose=purpose, day=today)
    if log is not None:
        write(
            log,
            site=site,
            point=point,
            party=party,
            action=action,
            purpose=purpose,
            subject=subject,
            allowed=decision.allowed,
            reason=decision.reason,
            agreement=decision.agreement,
            facts=dict(facts or {}),
        )
    if not decision.allowed:
        raise Refused(f"Site {site} refuses at {point}: {decision.reason}.")
    return decision


@contextmanager
def alone(log: Path | None) -> Iterator[None]:
    """Hold the ledger of a site: from what is found spent until it is written down, nobody else of the site spends.

    Args:
        log: The site's log; None where nothing is kept.
    """
    if log is None:
        yield
        return
    log.parent.mkdir(parents=True, exist_ok=True)
    with _locked(log.with_suffix(".lock")):  # a file of its own: each line is written under the lock of the log itself
        yield


def write(log: Path, **fields: Any) -> Entry:
    """Append one line, chained to the last; on disk when this returns.

    Args:
        log: The file; made where it is missing, readable by its owner only.
        fields: Those of `Entry` but number, time, previous and digest.

    Raises:
        BadFile: The log's last line is no line of a log.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with _locked(log) as file:
        last = _last(file, log)
        entry = Entry(
            number=last.number + 1 if last else 1,
            time=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            previous=last.digest if last else FIRST,
            **fields,
        )
        entry = entry.model_copy(update={"digest": _digest(entry)})
        file.seek(0, os.SEEK_END)
        file.write(entry.model_dump_json().encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    return entry


def read(log: Path) -> list[Entry]:
    """Every line of a log, checked.

    Raises:
        BadFile: A line is no entry, or the chain is broken; every fault is named by its line.
    """
    entries, faults = _read(log)
    if faults:
        raise BadFile(f"{log}: {len(faults)} fault{'s' if len(faults) > 1 else ''}\n  " + "\n  ".join(faults))
    return entries


def faults(log: Path) -> list[str]:
    """What is wrong with a log, a sentence each; nothing when the chain holds from the first line to the last."""
    return _read(log)[1]


def head(log: Path) -> str:
    """Digest of the last line: who keeps a copy sees when lines were cut off."""
    entries = read(log) if log.is_file() else []
    return entries[-1].digest if entries else FIRST


def _read(log: Path) -> tuple[list[Entry], list[str]]:
    entries: list[Entry] = []
    wrong: list[str] = []
    previous = FIRST
    for number, line in enumerate(log.read_bytes().splitlines(), start=1):
        try:
            entry = Entry.model_validate_json(line)
        except ValidationError as error:
            wrong.append(f"line {number}: no entry ({'; '.join(field_faults(error))})")
            previous = ""
            continue
        if entry.digest != _digest(entry):
            wrong.append(f"line {number}: was changed after it was written")
        if previous and entry.previous != previous:
            wrong.append(f"line {number}: does not follow the line before it; lines were changed, taken out or put in")
        if entry.number != number:
            wrong.append(f"line {number}: calls itself number {entry.number}")
        previous = entry.digest
        entries.append(entry)
    return entries, wrong


def _digest(entry: Entry) -> str:
    return digest.of_json(entry.model_dump(mode="json", exclude={"digest"}))


def _last(file: IO[bytes], log: Path) -> Entry | None:
    size = file.seek(0, os.SEEK_END)
    if not size:
        return None
    file.seek(max(0, size - (1 << 20)))
    line = file.read().splitlines()[-1]
    try:
        return Entry.model_validate(json.loads(line))
    except (ValueError, ValidationError):
        raise BadFile(f"{log}: its last line is no entry; it was cut or written by something else.") from None


@contextmanager
def _locked(path: Path) -> Iterator[IO[bytes]]:
    """A file open for reading and appending, alone: two processes of a site never write between each other's lines."""
    import fcntl

    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file
