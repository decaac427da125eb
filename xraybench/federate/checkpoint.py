"""The folder of a federated run: after every round all that is needed to go on, so that a killed run loses one round.

    job.json                          what is asked; another job may not use the folder
    sites/<site>.json                 who takes part, with the digests of what they hold
    round_000/                        before the first round: the weights that go out first
    round_003/global.safetensors      the average after round 3
    round_003/round.json              how each site fared, digest of the weights, seeds of the round
    round_003/updates/<site>.json     what each site whose update was sound said about it (its weights are not kept)
    round_003/state/<site>.safetensors  what the site keeps to itself and carries to its next round, where the rule says so
    round_003/server.safetensors      what the server's optimiser remembers, where the aggregator has one
    log.txt                           what went otherwise than planned, and when; absent where nothing did

A round folder is built beside its place and renamed, so it is there whole or not at all. No generator has a state to
keep: all chance of a round has a seed named after job, site and round. Optimisers start afresh in every round.
One process at a time uses a folder; another waits, and then finds the work done.
"""

import datetime as dt
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import isnan, nan
from pathlib import Path
from typing import Literal

from pydantic import Field

from xraybench.core.documents import (
    Document,
    FederatedJob,
    FederatedSite,
    FederatedUpdate,
    read_document,
    write_document,
)
from xraybench.core.errors import BadFile, DigestMismatch
from xraybench.federate.coordinator import SiteRow
from xraybench.federate.job import differences, job_digest, read_job, site_digest, write_job
from xraybench.federate.weights import Weights, write_weights
from xraybench.models.timm_net import digest_of_weights, read_weights

LOG = "log.txt"
_ROUND = re.compile(r"round_(\d{3,})")
_UNFINISHED = ".round_"


class RoundSite(Document):
    """How one site fared, as JSON: the loss is null where no update was used."""

    site: str
    n_items: int = Field(ge=1)
    loss: float | None
    rejected: str = ""
    seed: str = Field(description="seed of all chance at this site in this round")


class RoundRecord(Document):
    """`round.json`: one closed round."""

    schema_id: Literal["xraybench.federated_round/1"] = "xraybench.federated_round/1"
    job: str = Field(description="digest of the job")
    round: int = Field(ge=0, description="0 is before the first")
    weights_digest: str
    state_digests: dict[str, str] = Field(default_factory=dict, description="site -> digest of what it carries on")
    server_digest: str = ""
    sites: list[RoundSite] = Field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where a run stands after a round: all that the next one needs."""

    index: int
    weights: Weights
    kept: dict[str, Weights]  # site -> what it keeps to itself and goes on with; empty under the rule `average`
    rows: tuple[SiteRow, ...]  # of all rounds so far
    server: Weights = field(default_factory=dict)  # what the server's optimiser remembers; empty for most aggregators


@contextmanager
def held(out: Path) -> Iterator[None]:
    """Hold a run's folder for this process. The hold ends with the process, however it ends."""
    out.mkdir(parents=True, exist_ok=True)
    try:
        import fcntl
    except ModuleNotFoundError:  # Windows: the caller sees to it
        yield
        return
    handle = os.open(out, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.stderr.write(f"{out}: another process trains here; waiting for it.\n")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def open_folder(out: Path, job: FederatedJob, sites: Sequence[FederatedSite]) -> None:
    """Take a folder for a run, or find it taken by the same one.

    Raises:
        DigestMismatch: The folder holds another job, or the same job over other sites or data; says what differs.
        BadFile: The folder holds rounds, or a model, but not the job they are of.
    """
    if (out / "job.json").exists():
        _check_same(out, job, sites)
    elif _round_numbers(out):
        raise BadFile(f"{out}: there are rounds, but no job.json that says of what. Choose an empty folder.")
    elif (out / "model").exists():  # the run's own will lie there
        raise BadFile(f"{out}: holds a model, and no run that it is of. Choose an empty folder.")
    else:
        shutil.rmtree(out / "sites", ignore_errors=True)  # of a start that was killed before it named its job
        for site in sites:
            write_document(out / "sites" / f"{site.name}.json", site)
        write_job(out / "job.json", job)  # last: its presence says that the rest is there
    for left in out.glob(f"{_UNFINISHED}*"):
        shutil.rmtree(left)


def write_round(
    out: Path,
    job: FederatedJob,
    checkpoint: Checkpoint,
    *,
    updates: Sequence[FederatedUpdate] = (),
    seeds: dict[str, int],
) -> None:
    """Keep one closed round, whole or not at all.

    Args:
        out: Folder of the run.
        job: The job of the folder.
        checkpoint: Where the run stands now.
        updates: Records of the updates that were used.
        seeds: Site -> seed of its chance in this round, for the record.
    """
    out.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=out, prefix=_UNFINISHED))
    try:
        write_weights(folder / "global.safetensors", checkpoint.weights)
        if checkpoint.server:
            write_weights(folder / "server.safetensors", checkpoint.server)
        for update in updates:
            write_document(folder / "updates" / f"{update.site}.json", update)
        for site, kept in checkpoint.kept.items():
            write_weights(folder / "state" / f"{site}.safetensors", kept)
        write_document(folder / "round.json", _record(job, checkpoint, seeds))
        folder.chmod(0o755)
        folder.replace(_folder(out, checkpoint.index))
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def last_checkpoint(out: Path, job: FederatedJob) -> Checkpoint | None:
    """Where the run of this folder stands, or None before its first checkpoint.

    Raises:
        BadFile: A round between the first and the last is missing, or a file was damaged since it was written.
    """
    numbers = _round_numbers(out)
    if not numbers:
        return None
    if numbers != list(range(len(numbers))):
        raise BadFile(f"{out}: rounds {numbers} are kept, so one between them is lost. Choose an empty folder.")
    records = [_read_record(out, number, job) for number in numbers]
    folder = _folder(out, numbers[-1])
    weights = _read_kept(folder, "global.safetensors", records[-1].weights_digest)
    kept = {
        site: _read_kept(folder, f"state/{site}.safetensors", known)
        for site, known in sorted(records[-1].state_digests.items())
    }
    rows = [SiteRow(r.round, s.site, s.n_items, _loss(s), s.rejected) for r in records for s in r.sites]
    known = records[-1].server_digest
    server = _read_kept(folder, "server.safetensors", known) if known else {}
    return Checkpoint(numbers[-1], weights, kept, tuple(rows), server)


def note(out: Path, text: str) -> None:
    """Add a line to the run's log: what went otherwise than planned, and when."""
    out.mkdir(parents=True, exist_ok=True)
    with (out / LOG).open("a", encoding="utf-8") as log:
        log.write(f"{dt.datetime.now(dt.UTC).isoformat(timespec='seconds')} {text}\n")


def _record(job: FederatedJob, checkpoint: Checkpoint, seeds: dict[str, int]) -> RoundRecord:
    return RoundRecord(
        job=job_digest(job),
        round=checkpoint.index,
        weights_digest=digest_of_weights(checkpoint.weights),
        server_digest=digest_of_weights(checkpoint.server) if checkpoint.server else "",
        state_digests={site: digest_of_weights(kept) for site, kept in sorted(checkpoint.kept.items())},
        sites=[
            RoundSite(
                site=row.site,
                n_items=row.n_items,
                loss=None if isnan(row.loss) else row.loss,
                rejected=row.rejected,
                seed=str(seeds[row.site]),  # text: 128 bits are more than a JSON number keeps
            )
            for row in checkpoint.rows
            if row.round == checkpoint.index
        ],
    )


def _read_kept(folder: Path, name: str, known_digest: str) -> Weights:
    """Weights of a round folder, or a sentence on how to go on without them."""
    cure = f"Remove {folder.name} to go on from the round before."
    try:
        weights = read_weights(folder / name)
    except BadFile as error:
        raise BadFile(f"{error} {cure}") from None
    if digest_of_weights(weights) != known_digest:
        raise BadFile(f"{folder / name}: damaged since it was written (another digest). {cure}")
    return weights


def _read_record(out: Path, number: int, job: FederatedJob) -> RoundRecord:
    path = _folder(out, number) / "round.json"
    record = read_document(path, RoundRecord)
    if (record.job, record.round) != (job_digest(job), number):
        raise DigestMismatch(f"{path}: a round of another job, or another round of this one. Choose an empty folder.")
    return record


def _check_same(out: Path, job: FederatedJob, sites: Sequence[FederatedSite]) -> None:
    known = read_job(out / "job.json")
    found = differences(known, job)
    there = {p.stem: read_document(p, FederatedSite) for p in sorted((out / "sites").glob("*.json"))}
    here = {site.name: site for site in sites}
    for name in sorted(set(there) | set(here)):
        if name not in here or name not in there:
            found.append(f"site {name} is {'absent here' if name in there else 'absent there'}")
        elif site_digest(there[name]) != site_digest(here[name]):
            found.append(f"site {name} holds other data")
    if found:
        raise DigestMismatch(
            f"{out} holds the rounds of another federated run, and two runs do not mix. Choose an empty folder.\n  "
            + "\n  ".join(found)
        )


def _folder(out: Path, number: int) -> Path:
    return out / f"round_{number:03d}"


def _round_numbers(out: Path) -> list[int]:
    found = (_ROUND.fullmatch(path.name) for path in out.glob("round_*"))
    return sorted(int(match[1]) for match in found if match)


def _loss(site: RoundSite) -> float:
    return nan if site.loss is None else site.loss
