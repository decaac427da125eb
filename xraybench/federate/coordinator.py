"""What a coordinator does with the answers of a round, whatever brought them: check each, count them, average.

Nothing here knows how weights travel. A backend (in process, files, a network) collects the answers and calls
`close_round`; it never averages by itself, so that every backend closes a round by the same rules.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan

import pandas as pd

from xraybench.core.documents import FederatedJob, FederatedSite
from xraybench.core.errors import CheckFailed
from xraybench.federate.aggregate import SiteUpdate, fedavg, update_faults
from xraybench.federate.job import job_digest
from xraybench.federate.weights import Weights

ROUND_COLUMNS = ("round", "site", "n_items", "loss", "rejected")


@dataclass(frozen=True, slots=True)
class SiteRow:
    """How one site fared in one round. `rejected` says why its update was not used; empty where it was."""

    round: int
    site: str
    n_items: int
    loss: float  # mean training loss of the site's passes; NaN where there is no usable update
    rejected: str = ""


@dataclass(frozen=True, slots=True)
class ClosedRound:
    """A round after averaging: the new global weights and what they were made of."""

    index: int
    weights: Weights
    accepted: dict[str, SiteUpdate]
    rows: tuple[SiteRow, ...]


def close_round(
    job: FederatedJob,
    sites: Sequence[FederatedSite],
    *,
    index: int,
    sent: Weights,
    answers: Mapping[str, SiteUpdate | str],
) -> ClosedRound:
    """Check the answers of a round and average the good ones.

    Args:
        job: The job.
        sites: The sites that take part, as they described themselves when they joined.
        index: The round, from 1.
        sent: The global weights that went out.
        answers: Site -> its update, or a sentence on why there is none. A site that is absent did not answer.

    Raises:
        CheckFailed: Fewer usable updates than the job's quorum. A round never closes on less, nor on nothing.
    """
    accepted: dict[str, SiteUpdate] = {}
    rows = []
    for site in sorted(sites, key=lambda site: site.name):
        answer = answers.get(site.name, "it did not answer")
        if isinstance(answer, str):
            reason = answer or "it gave no update and no reason"
        else:
            reason = "; ".join(
                update_faults(
                    answer, job=job_digest(job), round_index=index, site=site.name, n_items=site.n_items, sent=sent
                )
            )
        if isinstance(answer, SiteUpdate) and not reason:
            accepted[site.name] = answer
            rows.append(SiteRow(index, site.name, site.n_items, answer.record.loss))
        else:
            rows.append(SiteRow(index, site.name, site.n_items, nan, reason))
    if len(accepted) < job.quorum:
        told = "".join(f"\n  {row.site}: {row.rejected}" for row in rows if row.rejected)
        raise CheckFailed(
            f"Round {index} of job {job.name} has {len(accepted)} usable updates and its quorum is {job.quorum}.{told}"
        )
    weights = fedavg(
        {site: update.weights for site, update in accepted.items()},
        {site: update.record.n_items for site, update in accepted.items()},
    )
    return ClosedRound(index, weights, accepted, tuple(rows))


def rounds_table(rows: Sequence[SiteRow]) -> pd.DataFrame:
    """One row per round and site: round, site, n_items, loss (NaN where rejected), rejected (why, or empty)."""
    cells = [[getattr(row, column) for column in ROUND_COLUMNS] for row in rows]
    return pd.DataFrame(cells, columns=list(ROUND_COLUMNS)).astype({"loss": "float64"})
