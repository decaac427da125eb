"""What a federation is measured against: each site alone, and all scans in one place.

Both make as many passes over their scans as the job says (`n_rounds x local_epochs`), from the same initial
weights, at the job's learning rate and with the schedule of an ordinary local training. Pooling is what administrations
cannot do with real scans; on simulated ones it says what keeping the scans apart costs. Agreements are asked as in a
federation, and for a pooled training whether scans may leave their site.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xraybench import train
from xraybench.core.documents import FederatedJob
from xraybench.core.progress import track
from xraybench.federate.job import check_sites, n_epochs
from xraybench.federate.site import Site, signature_of
from xraybench.models.timm_net import TimmNet, net_of, sealed

POOLED = "pooled"
# The best of several rows is known only after all of them were measured on the test set.
BEST_SITE_NOTE = "best single site (picked on the test set, optimistic)"


@dataclass(frozen=True)
class Baselines:
    """The rows beside a federated one."""

    local_only: dict[str, TimmNet]  # site -> the model it has without the others
    pooled: TimmNet

    def all(self) -> dict[str, TimmNet]:
        """Model name -> model, local ones first."""
        return {net.name: net for net in (*self.local_only.values(), self.pooled)}


def baselines(job: FederatedJob, sites: Sequence[Site], *, quiet: bool = False) -> Baselines:
    """Train the comparison rows of a job: one network per site on its own scans, and one on all of them together.

    Raises:
        BadValue: The sites cannot carry the job.
        Refused: As `local_models` and `pooled_model`; nothing was trained by then.
    """
    check_sites(job, [site.describe() for site in sites])
    ask_to_pool(_asked(job, pooled_name(job)), sites)
    return Baselines(local_models(job, sites, quiet=quiet), pooled_model(job, sites))


def local_models(job: FederatedJob, sites: Sequence[Site], *, quiet: bool = False) -> dict[str, TimmNet]:
    """Site -> the network it trains on its own scans alone.

    Raises:
        Refused: A site's agreement does not allow the training, or not that its weights leave; or a person there said no.
    """
    for site in sites:
        site.join(_asked(job, local_name(job, site.name)))
    return {
        site.name: _fitted(job, [site], name=local_name(job, site.name), kind="local")
        for site in track(sites, f"{job.name}: each site alone", quiet=quiet)
    }


def pooled_model(job: FederatedJob, sites: Sequence[Site]) -> TimmNet:
    """The network that is trained on all sites' scans together.

    Raises:
        Refused: As `local_models`; or a site's agreement does not allow that scans leave it.
    """
    ask_to_pool(_asked(job, pooled_name(job)), sites)
    return _fitted(job, sites, name=pooled_name(job), kind=POOLED)


def ask_to_pool(job: FederatedJob, sites: Sequence[Site]) -> None:
    """Ask every site whether a job may train on its scans together with those of others, in one place.

    Raises:
        Refused: A site says no to the training, to weights that leave it, or to scans that do.
    """
    for site in sites:
        if len(sites) > 1:
            site.require("load", job, action="export_image")
        site.join(job)


def local_name(job: FederatedJob, site: str) -> str:
    """Name of the model that one site trains alone."""
    return f"{job.name}-local-{site}"


def pooled_name(job: FederatedJob) -> str:
    """Name of the model that is trained on all sites' scans together."""
    return f"{job.name}-{POOLED}"


def _asked(job: FederatedJob, name: str) -> FederatedJob:
    """The job as it is played in one place: a model of its own, and no noise is added."""
    return job.model_copy(update={"name": name, "noise": 0.0})


def _fitted(job: FederatedJob, sites: Sequence[Site], *, name: str, kind: str) -> TimmNet:
    order = sorted(sites, key=lambda site: site.name)
    signature = signature_of(job).model_copy(
        update={
            "name": name,
            "training": {
                "kind": kind,
                "sites": [site.describe().model_dump(mode="json") for site in order],
                "epochs": n_epochs(job),
                "batch_size": job.batch_size,
                "learning_rate": job.learning_rate,
                "seed": job.seed,
            },
        }
    )
    net = net_of(signature, seed=job.seed)
    train.fit(
        net,
        train.concatenated([site.prepared(job) for site in order]),
        epochs=n_epochs(job),
        batch_size=job.batch_size,
        learning_rate=job.learning_rate,
        seed=job.seed,
        device=order[0].device,
        n_threads=order[0].n_threads,
    )
    for site in order:
        site.require("release", _asked(job, name), action="export_weights")
    return TimmNet(sealed(signature, net), net, device=order[0].device)
