"""A run from its first weights to its model, whatever carries the questions to the sites and the answers back.

Every backend calls the same three things: `start` (or go on with) a run in its folder, `close` each round with the answers
that came, and `result`. So a run that was begun by one backend ends by the same rules under another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pandas as pd

from xraybench.core.documents import FederatedJob, FederatedSite
from xraybench.core.errors import BadValue, DigestMismatch
from xraybench.core.registry import did_you_mean
from xraybench.federate.aggregate import SiteUpdate, kept_statistics, weights_for_site
from xraybench.federate.checkpoint import Checkpoint, last_checkpoint, note, open_folder, write_round
from xraybench.federate.coordinator import close_round, rounds_table
from xraybench.federate.job import check_sites, held_by, job_digest, site_seed
from xraybench.federate.site import planned_epsilon, signature_of
from xraybench.federate.weights import Weights
from xraybench.models.timm_net import TimmNet, digest_of_weights, net_of, sealed, set_weights, weights_of

Backend = Literal["inprocess", "files", "flare"]


@dataclass(frozen=True)
class FederatedRun:
    """What a federated training leaves: the global model and how it came about."""

    job: FederatedJob
    net: TimmNet
    rounds: pd.DataFrame  # round, site, n_items, loss (NaN where rejected), rejected (why, or empty)
    kept: dict[str, Weights] = field(repr=False)  # site -> what it keeps to itself; empty under `average`

    def at_site(self, name: str) -> TimmNet:
        """The model as this site would run it: the global one with what the site keeps to itself.

        Raises:
            BadValue: No such site took part.
        """
        sites = sorted(set(self.rounds["site"]))
        if name not in sites:
            raise BadValue(f"No site '{name}' took part in {self.job.name}. {did_you_mean(name, sites)}")
        weights = weights_for_site(
            weights_of(self.net.net), batch_norm=self.job.batch_norm, kept=self.kept.get(name, {})
        )
        return _model(
            self.job,
            weights,
            name=f"{self.net.name}-at-{name}",
            training=self.net.signature.training,
            device=self.net.device,
        )


def start(job: FederatedJob, described: Sequence[FederatedSite], first: Weights, *, out: Path) -> Checkpoint:
    """Where a run stands: its first weights in a new folder, or the last whole round of one that was begun.

    Args:
        job: What is asked of the sites.
        described: Who takes part.
        first: The weights that go out first, see `first_weights`.
        out: Folder of the run, held by this process.

    Raises:
        BadValue: The sites cannot carry the job.
        DigestMismatch: The folder holds another run.
        BadFile: A checkpoint was damaged.
    """
    check_sites(job, described)
    open_folder(out, job, described)
    known = last_checkpoint(out, job)
    if known is None:
        known = Checkpoint(0, first, kept={}, rows=())
        write_round(out, job, known, seeds={})
    return known


def close(
    job: FederatedJob,
    described: Sequence[FederatedSite],
    before: Checkpoint,
    answers: Mapping[str, SiteUpdate | str],
    *,
    out: Path,
) -> Checkpoint:
    """Close the round after `before` with the answers that came, and keep it.

    Raises:
        CheckFailed: Fewer usable updates than the quorum; nothing is kept.
    """
    index = before.index + 1
    closed = close_round(job, described, index=index, sent=before.weights, answers=answers, server=before.server)
    fresh = {
        name: kept_statistics(update.weights, batch_norm=job.batch_norm) for name, update in closed.accepted.items()
    }
    kept = {**before.kept, **{name: statistics for name, statistics in fresh.items() if statistics}}
    after = Checkpoint(index, closed.weights, kept, (*before.rows, *closed.rows), closed.server)
    for row in closed.rows:
        if row.rejected:
            note(out, f"round {index}: closed without {row.site}: {row.rejected}")
    write_round(
        out,
        job,
        after,
        updates=[update.record for update in closed.accepted.values()],
        seeds={site.name: site_seed(job, site.name, index) for site in described},
    )
    return after


def result(
    job: FederatedJob,
    described: Sequence[FederatedSite],
    now: Checkpoint,
    *,
    backend: Backend,
    device: str = "auto",
) -> FederatedRun:
    """The model of a run as it stands."""
    net = _model(job, now.weights, name=job.name, training=_lineage(job, described, backend), device=device)
    return FederatedRun(job, net, rounds_table(now.rows), now.kept)


def first_weights(job: FederatedJob, init: Weights | None) -> Weights:
    """The weights that go out first: those of the job's parent, or those that a local training of its seed starts from.

    Raises:
        DigestMismatch: `init` is not the parent that the job names.
        BadValue: `init` does not fit the job's architecture, or a part that is to be frozen is none of the network.
    """
    net = net_of(signature_of(job), seed=job.seed)
    parts = [name for name, _ in net.named_modules() if name]
    if unknown := [name for name in job.frozen if name not in parts]:
        raise BadValue(
            f"Job {job.name} freezes '{unknown[0]}'; {job.architecture} has no such part. {did_you_mean(unknown[0], parts)}"
        )
    if init is None and not job.parent:
        return weights_of(net)
    given = "no weights" if init is None else digest_of_weights(init)
    if init is None or given != job.parent:
        raise DigestMismatch(f"Job {job.name} starts from weights {job.parent or 'of its seed'}; given: {given}.")
    try:
        set_weights(net, init)
    except ValueError as error:
        raise BadValue(f"The parent of job {job.name} does not fit {job.architecture}: {error}.") from None
    return weights_of(net)


# What a signature says of a job where it asks for it.
_OPTIONAL = ("proximal", "clip", "frozen", "parent")


def _lineage(job: FederatedJob, described: Sequence[FederatedSite], backend: Backend) -> dict[str, object]:
    return {
        "kind": "federated",
        "backend": backend,
        "job": job_digest(job),
        "n_rounds": job.n_rounds,
        "local_epochs": job.local_epochs,
        "batch_size": job.batch_size,
        "learning_rate": job.learning_rate,
        "seed": job.seed,
        "aggregator": job.aggregator,
        "batch_norm": job.batch_norm,
        **{name: getattr(job, name) for name in _OPTIONAL if getattr(job, name)},
        "sites": [held_by(site) for site in sorted(described, key=lambda site: site.name)],
        **({"privacy_budget": _budget(job, described)} if job.noise else {}),
        "agreements": sorted({site.agreement for site in described if site.agreement}),
    }


def _budget(job: FederatedJob, described: Sequence[FederatedSite]) -> dict[str, float]:
    """What a job with noise spends at the site where it spends most: the smallest."""
    from xraybench.train import private

    most = planned_epsilon(job, min(site.n_items for site in described))
    return {"epsilon": round(most, 4), "delta": private.DELTA, "noise": job.noise, "max_gradient": job.max_gradient}


def _model(job: FederatedJob, weights: Weights, *, name: str, training: dict[str, object], device: str) -> TimmNet:
    signature = signature_of(job).model_copy(update={"name": name, "training": training})
    net = net_of(signature)
    set_weights(net, weights)
    return TimmNet(sealed(signature, net), net, device=device)
