"""What a coordinator does with the answers of a round, whatever brought them: check each, count them, average.

Nothing here knows how weights travel. A backend (in process, files, a network) collects the answers and calls
`close_round`; it never averages by itself, so that every backend closes a round by the same rules.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import nan

import pandas as pd

from xraybench.core.documents import FederatedJob, FederatedSite
from xraybench.core.errors import CheckFailed
from xraybench.federate.aggregate import SiteUpdate, aggregate, update_faults
from xraybench.federate.job import job_digest, site_digest
from xraybench.federate.weights import Weights
from xraybench.models.timm_net import digest_of_weights

ROUND_COLUMNS = ("round", "site", "n_items", "loss", "rejected")


@dataclass(frozen=True, slots=True)
class SiteRow:
    """How one site fared in one round. `rejected` says why its update was not used; empty where it was."""

    round: int
    site: str
    n_items: int
    loss: float  # mean training loss of the site's passes; NaN where there is no usable update, or under noise
    rejected: str = ""


@dataclass(frozen=True, slots=True)
class ClosedRound:
    """A round after averaging: the new global weights and what they were made of."""

    index: int
    weights: Weights
    accepted: dict[str, SiteUpdate]
    rows: tuple[SiteRow, ...]
    server: Weights  # what the server remembers for the next round; empty for most aggregators


def close_round(
    job: FederatedJob,
    sites: Sequence[FederatedSite],
    *,
    index: int,
    sent: Weights,
    answers: Mapping[str, SiteUpdate | str],
    server: Weights | None = None,
) -> ClosedRound:
    """Check the answers of a round and join the good ones, by the job's aggregator.

    Args:
        job: The job.
        sites: The sites that take part, as they described themselves when they joined.
        index: The round, from 1.
        sent: The global weights that went out.
        answers: Site -> its update, or a sentence on why there is none. A site that is absent did not answer.
        server: What the round before left at the server.

    Raises:
        CheckFailed: Fewer usable updates than the job's quorum. A round never closes on less, nor on nothing.
    """
    accepted: dict[str, SiteUpdate] = {}
    start = digest_of_weights(sent)
    rows = []
    for site in sorted(sites, key=lambda site: site.name):
        answer = answers.get(site.name, "it did not answer")
        if isinstance(answer, str):
            reason = answer or "it gave no update and no reason"
        else:
            reason = "; ".join(
                update_faults(
                    answer,
                    job=job_digest(job),
                    round_index=index,
                    site=site.name,
                    n_items=site.n_items,
                    sent=sent,
                    start=start,
                    data=site_digest(site),
                )
            )
        if isinstance(answer, SiteUpdate) and not reason:
            accepted[site.name] = answer
            loss = nan if answer.record.loss is None else answer.record.loss
            rows.append(SiteRow(index, site.name, site.n_items, loss))
        else:
            rows.append(SiteRow(index, site.name, site.n_items, nan, reason))
    if len(accepted) < job.quorum:
        why = "".join(f"\n  {row.site}: {row.rejected}" for row in rows if row.rejected)
        raise CheckFailed(
            f"Round {index} of job {job.name} has {len(accepted)} usable updates and its quorum is {job.quorum}.{why}"
        )
    joined = aggregate(
        job,
        sent=sent,
        updates={site: update.weights for site, update in accepted.items()},
        n_items={site: update.record.n_items for site, update in accepted.items()},
        server=server or {},
    )
    used = tuple(
        replace(row, loss=nan, rejected=joined.left_out[row.site]) if row.site in joined.left_out else row
        for row in rows
    )
    return ClosedRound(index, joined.weights, accepted, used, joined.server)


def rounds_table(rows: Sequence[SiteRow]) -> pd.DataFrame:
    """One row per round and site: round, site, n_items, loss (NaN where rejected), rejected (why, or empty)."""
    cells = [[getattr(row, column) for column in ROUND_COLUMNS] for row in rows]
    return pd.DataFrame(cells, columns=list(ROUND_COLUMNS)).astype({"loss": "float64"})
