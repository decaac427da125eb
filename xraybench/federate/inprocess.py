"""The backend for one machine: sites are objects, weights are handed over in memory, every round is kept on disk.

What notebooks, the board and the tests use. It does what a deployment does, in the same order and by the same rules
(`Site.fit`, `coordinator.close_round`); only the transport is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from xraybench.core.documents import FederatedJob, FederatedSite
from xraybench.core.errors import BadValue, UserError
from xraybench.core.progress import track
from xraybench.core.registry import did_you_mean
from xraybench.federate.aggregate import SiteUpdate, kept_statistics, weights_for_site
from xraybench.federate.checkpoint import Checkpoint, held, last_checkpoint, open_folder, write_round
from xraybench.federate.coordinator import close_round, rounds_table
from xraybench.federate.job import check_sites, job_digest, site_seed
from xraybench.federate.site import Site, signature_of
from xraybench.federate.weights import Weights
from xraybench.models.timm_net import TimmNet, net_of, sealed, set_weights, weights_of


@dataclass(frozen=True)
class FederatedRun:
    """What a federated training leaves: the global model and how it came about."""

    job: FederatedJob
    net: TimmNet
    rounds: pd.DataFrame  # round, site, n_items, loss (NaN where rejected), rejected (why, or empty)
    kept: dict[str, Weights] = field(repr=False)  # site -> its running statistics, under `local_statistics`

    def at_site(self, name: str) -> TimmNet:
        """The model as this site would run it: the global one, under `local_statistics` with the site's own statistics.

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


def run(job: FederatedJob, sites: Sequence[Site], *, out: Path, quiet: bool = False) -> FederatedRun:
    """Train across sites, round by round, and keep every round.

    A run that was stopped goes on after its last whole round, and ends, on the same machine's CPU, in the same bits as
    one that was not. A finished run is read back without training.

    Args:
        job: What is asked of the sites.
        sites: Who takes part.
        out: Folder of the run; new, or of the same run.
        quiet: No progress on stderr.

    Raises:
        BadValue: The sites cannot carry the job.
        DigestMismatch: The folder holds another run.
        CheckFailed: A round had fewer usable updates than the quorum. Rounds before it are kept.
        BadFile: A checkpoint was damaged.
    """
    described = [site.describe() for site in sites]
    check_sites(job, described)
    first = weights_of(net_of(signature_of(job), seed=job.seed))  # before the folder is taken: the job may be unfit
    with held(out):
        open_folder(out, job, described)
        now = last_checkpoint(out, job) or _begin(out, job, first)
        left = range(now.index + 1, job.n_rounds + 1)
        for index in track(left, f"{job.name}: rounds over {len(sites)} sites", quiet=quiet):
            now = _play(out, job, sites, described, now, index)
    net = _model(job, now.weights, name=job.name, training=_lineage(job, described), device=sites[0].device)
    return FederatedRun(job, net, rounds_table(now.rows), now.kept)


def _begin(out: Path, job: FederatedJob, first: Weights) -> Checkpoint:
    """Round 0: the weights that go out first, drawn from the job's seed as a local training draws them."""
    start = Checkpoint(0, first, kept={}, rows=())
    write_round(out, job, start, seeds={})
    return start


def _play(
    out: Path,
    job: FederatedJob,
    sites: Sequence[Site],
    described: Sequence[FederatedSite],
    before: Checkpoint,
    index: int,
) -> Checkpoint:
    """One round: out to the sites, back, averaged, kept."""
    order = sorted(sites, key=lambda site: site.name)
    answers = {site.name: _answer(site, job, before, index) for site in order}
    closed = close_round(job, described, index=index, sent=before.weights, answers=answers)
    fresh = {
        name: kept_statistics(update.weights, batch_norm=job.batch_norm) for name, update in closed.accepted.items()
    }
    kept = {**before.kept, **{name: statistics for name, statistics in fresh.items() if statistics}}
    after = Checkpoint(index, closed.weights, kept, (*before.rows, *closed.rows))
    write_round(
        out,
        job,
        after,
        updates=[update.record for update in closed.accepted.values()],
        seeds={site.name: site_seed(job, site.name, index) for site in order},
    )
    return after


def _answer(site: Site, job: FederatedJob, before: Checkpoint, index: int) -> SiteUpdate | str:
    """The update of a site, or why it has none. A fault in its scans costs the round this site, not the run."""
    try:
        return site.fit(before.weights, job, index, kept=before.kept.get(site.name))
    except (UserError, OSError) as error:
        return str(error) or type(error).__name__


def _lineage(job: FederatedJob, described: Sequence[FederatedSite]) -> dict[str, object]:
    return {
        "kind": "federated",
        "job": job_digest(job),
        "n_rounds": job.n_rounds,
        "local_epochs": job.local_epochs,
        "batch_size": job.batch_size,
        "learning_rate": job.learning_rate,
        "seed": job.seed,
        "aggregator": job.aggregator,
        "batch_norm": job.batch_norm,
        "sites": [site.model_dump(mode="json") for site in sorted(described, key=lambda site: site.name)],
    }


def _model(job: FederatedJob, weights: Weights, *, name: str, training: dict[str, object], device: str) -> TimmNet:
    signature = signature_of(job).model_copy(update={"name": name, "training": training})
    net = net_of(signature)
    set_weights(net, weights)
    return TimmNet(sealed(signature, net), net, device=device)
