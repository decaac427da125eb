"""How a federated run stands, read from its folder, whatever backend plays it and whether or not it is running."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan
from pathlib import Path

from xraybench.core.errors import BadFile
from xraybench.federate import files
from xraybench.federate.checkpoint import LOG, last_checkpoint
from xraybench.federate.coordinator import SiteRow
from xraybench.federate.job import job_digest, read_job


@dataclass(frozen=True, slots=True)
class Status:
    """What a run's folder tells."""

    job: str
    digest: str
    n_rounds: int
    closed: int  # rounds that are kept
    rows: tuple[SiteRow, ...]  # how each site fared in each of them
    waits_for: tuple[str, ...]  # sites whose answer has to be brought; of a run of files
    log: tuple[str, ...]  # what went otherwise than planned


def status(out: Path) -> Status:
    """How the run in a folder stands.

    Raises:
        BadFile: No run in the folder, or a damaged one.
    """
    begun, asked = out / "job.json", out / "exchange" / "job.json"
    path = begun if begun.exists() else asked
    if not path.exists():
        raise BadFile(f"{out}: no federated run.")
    job = read_job(path)
    now = last_checkpoint(out, job)
    log = out / LOG
    return Status(
        job=job.name,
        digest=job_digest(job),
        n_rounds=job.n_rounds,
        closed=now.index if now else 0,
        rows=now.rows if now else (),
        waits_for=files.missing(out, job, now) if asked.exists() else (),
        log=tuple(log.read_text(encoding="utf-8").splitlines()) if log.exists() else (),
    )


def text(found: Status) -> str:
    """The same for a person."""
    lines = [f"{found.job} ({found.digest[:12]}): {found.closed} of {found.n_rounds} rounds are closed"]
    if found.waits_for:
        lines.append(f"waits for the answers of {', '.join(found.waits_for)}")
    for row in found.rows:
        loss = "used; no loss is told under noise" if isnan(row.loss) else f"loss {row.loss:.4f}"
        how = f"not used: {row.rejected}" if row.rejected else loss
        lines.append(f"  round {row.round:3}  {row.site:16} {row.n_items:7} items  {how}")
    if found.log:
        lines += ["log:", *(f"  {line}" for line in found.log)]
    return "\n".join(lines)
