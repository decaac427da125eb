"""One site of a federation: its scans, and what it does with them when a round comes round.

Scans and labels stay inside: what leaves is a description (counts and digests), and per round an update (weights and a
mean loss). A backend carries these to and from `Site.fit` and knows nothing else about a site.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xraybench import __version__, data, train
from xraybench.core import digest
from xraybench.core.documents import FederatedJob, FederatedSite, FederatedUpdate, ModelSignature
from xraybench.core.errors import BadValue, Refused
from xraybench.core.types import Dataset
from xraybench.data import agreement as agreements
from xraybench.data.agreement import Agreement
from xraybench.federate import decisions
from xraybench.federate.aggregate import SiteUpdate, weights_for_site
from xraybench.federate.decisions import Point
from xraybench.federate.job import job_digest, make_job, site_digest, site_faults, site_seed
from xraybench.federate.weights import Weights
from xraybench.models.timm_net import digest_of_weights, make_signature, net_of, set_weights, weights_of

if TYPE_CHECKING:
    from xraybench.models._net import ThreatNet
    from xraybench.train._loop import PreparedData

_NAME = re.compile(r"[A-Za-z0-9_]+")  # what every transport and file system takes


@dataclass(frozen=True, eq=False)
class Site:
    """One administration's location and its scans. Only items of the train split are learned from."""

    name: str
    dataset: Dataset = field(repr=False)
    device: str = "auto"
    n_threads: int = 1
    agreement: Agreement | None = field(default=None, repr=False)
    log: Path | None = None  # where the site's decisions are kept
    _prepared: dict[str, PreparedData] = field(default_factory=dict, init=False, repr=False)
    _nets: dict[str, ThreatNet] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        if not is_name(self.name):
            raise BadValue(f"A site is named by letters, digits and underscores; got '{self.name}'.")
        if not len(self.train.items):
            raise BadValue(f"Site {self.name} holds no item of the train split.")

    @cached_property
    def train(self) -> Dataset:
        """What the site learns from."""
        return self.dataset.part("train")

    def describe(self) -> FederatedSite:
        """What a coordinator may know: name, count of items, and for each corpus a digest of the site's part of it."""
        table = self.train.scans.table
        parts = {corpus: sorted(part["scan_id"]) for corpus, part in table.groupby("corpus")}
        corpora = {corpus: digest.of_json([self.train.corpora[corpus], ids]) for corpus, ids in sorted(parts.items())}
        return FederatedSite(
            name=self.name,
            corpora=corpora,
            n_items=len(self.train.items),
            version=__version__,
            agreement=agreements.reference(self.agreement) if self.agreement else "",
        )

    def require(self, point: Point, job: FederatedJob, *, action: str = "train") -> None:
        """Ask the site's agreement whether a job may do something here; the answer goes into the site's log.

        Args:
            point: `load` before scans are read for a job, `query` when a round asks, `release` before an answer leaves.
            job: Who asks, and what for.
            action: A word of `data.words.ACTIONS`.

        Raises:
            Refused: The agreement does not allow it, or there is none and the scans are real.
        """
        decisions.require(
            self.name,
            self.agreement,
            party=job.party,
            action=action,
            purpose=job.purpose,
            point=point,
            subject=job_digest(job),
            log=self.log,
            is_simulated=self.dataset.is_simulated,
        )

    def join(self, job: FederatedJob) -> FederatedSite:
        """Take part in a job, or refuse to, before any training.

        Raises:
            Refused: The agreement does not allow it.
            BadValue: The site has too few items, or lacks the job's track.
        """
        self.require("load", job)
        described = self.describe()
        if faults := site_faults(job, described):
            raise BadValue(" ".join(faults))
        self._check_budget(job)
        self.dataset.track(job.track)
        return described

    def _check_budget(self, job: FederatedJob) -> None:
        """Raise when a job would spend more privacy than the agreement allows."""
        budget = self.agreement.epsilon if self.agreement else 0.0
        if not budget:
            return
        if not job.noise:
            raise Refused(
                f"Site {self.name} refuses: its agreement sets a privacy budget of {budget:g}, and job {job.name} trains "
                "without noise."
            )
        planned = planned_epsilon(job, len(self.train.items))
        if planned > budget:
            raise Refused(
                f"Site {self.name} refuses: job {job.name} would spend an epsilon of {planned:.2f}, and its agreement "
                f"allows {budget:g}."
            )

    def fit(self, weights: Weights, job: FederatedJob, index: int, *, kept: Weights | None = None) -> SiteUpdate:
        """Train from the given weights for one round, with a fresh optimiser.

        The same arguments give the same update, bit for bit on one machine's CPU: chance comes from the job's seed, the
        site's name and the round, and nothing is carried over from round to round but `kept`.

        Args:
            weights: The global weights of the round before; they are not changed.
            job: What is asked.
            index: The round, from 1.
            kept: What the site keeps to itself after its last round, for the BatchNorm rules other than `average`.

        Raises:
            BadValue: The weights do not fit the job's architecture, or the site lacks the job's track.
            Refused: The agreement does not allow it.
        """
        self.require("query", job)
        if not 1 <= index <= job.n_rounds:
            raise BadValue(f"Round {index} was asked of job {job.name}, which has {job.n_rounds}.")
        self._check_budget(job)  # again: who asks for a round need not have asked this site to join
        net = self._net(job)
        try:
            set_weights(net, weights_for_site(weights, batch_norm=job.batch_norm, kept=kept or {}))
        except ValueError as error:
            raise BadValue(f"The weights of round {index} do not fit {job.architecture}: {error}.") from None
        losses = self._train(net, job, index)
        fitted = weights_of(net)
        record = FederatedUpdate(
            job=job_digest(job),
            round=index,
            site=self.name,
            n_items=len(self.train.items),
            loss=math.fsum(losses) / len(losses) if losses else None,
            start=digest_of_weights(weights),
            data=site_digest(self.describe()),
            weights_digest=digest_of_weights(fitted),
        )
        self.require("release", job)
        return SiteUpdate(record, fitted)

    def _train(self, net: ThreatNet, job: FederatedJob, index: int) -> Sequence[float]:
        """The loss of every step of a round; none of a training with noise, for a loss without it would leave the site."""
        if job.noise:
            from xraybench.train import private

            private.fit_private(
                net,
                self.prepared(job),
                noise=job.noise,
                max_gradient=job.max_gradient,
                epochs=job.local_epochs,
                batch_size=job.batch_size,
                learning_rate=round_learning_rate(job, index),
                frozen=job.frozen,
                device=self.device,
                n_threads=self.n_threads,
            )
            return ()
        return train.fit(
            net,
            self.prepared(job),
            epochs=job.local_epochs,
            batch_size=job.batch_size,
            learning_rate=round_learning_rate(job, index),
            seed=site_seed(job, self.name, index),
            schedule="constant",
            proximal=job.proximal,
            frozen=job.frozen,
            device=self.device,
            n_threads=self.n_threads,
        )

    def prepared(self, job: FederatedJob) -> PreparedData:
        """The site's train scans as the job's network takes them; read once and then kept in memory."""
        key = digest.of_json([job.track, job.image_px, job.threats])
        if key not in self._prepared:
            self._prepared[key] = train.prepare(self.train, signature_of(job))
        return self._prepared[key]

    def _net(self, job: FederatedJob) -> ThreatNet:
        """A network to put weights into: building one takes longer than a small site's round."""
        key = job_digest(job)
        if key not in self._nets:
            self._nets.clear()  # of the job before: one network a site is enough memory
            self._nets[key] = net_of(signature_of(job))
        return self._nets[key]


def is_name(name: str) -> bool:
    """Whether a site may be called so."""
    return _NAME.fullmatch(name) is not None


def open_site(name: str, folder: Path, *, device: str = "auto", n_threads: int = 1, log: Path | None = None) -> Site:
    """A site from its dataset folder: manifest, data card, and the agreement where one lies there.

    Args:
        name: How the federation calls the site.
        folder: What `xraybench data make`, `data import` or `data sites` left.
        device: auto, cpu or cuda.
        n_threads: Threads of torch.
        log: Where the site's decisions are kept.

    Raises:
        BadFile: No dataset in the folder, or an agreement that cannot be read.
        BadValue: The name is no name, or there is nothing to learn from.
    """
    agreement = agreements.read_agreement(folder)
    return Site(name, data.read_dataset(folder), device, n_threads, agreement, log)


def job_for(sites: Sequence[Site], *, name: str, architecture: str, track: str = "raw", **numbers: Any) -> FederatedJob:
    """A job for these sites: it asks for every threat that one of them knows, on the scale of their scans.

    Args:
        sites: Who is to take part.
        name: What the model that comes out will be called.
        architecture: A timm backbone that `train.local` takes too.
        track: Which pixels of the scans are used; every site needs them.
        numbers: The others that `job.make_job` takes, such as `n_rounds`, `local_epochs`, `seed`, `batch_norm`.

    Raises:
        BadParameter: A number is out of range.
        BadValue: There is no site, or one lacks the track.
    """
    if not sites:
        raise BadValue("A federation needs at least one site.")
    return make_job(
        name=name,
        architecture=architecture,
        threats={threat for site in sites for threat in site.dataset.threats},
        n_sites=len(sites),
        track=track,
        # The open beam of the brightest scanner: scans of another scale are brought to it when they are prepared.
        full_scale=max(site.dataset.track(track).full_scale for site in sites),
        **numbers,
    )


def signature_of(job: FederatedJob) -> ModelSignature:
    """What goes in and out of the network of a job."""
    return make_signature(
        name=job.name,
        architecture=job.architecture,
        track=job.track,
        threats=tuple(job.threats),
        full_scale=job.full_scale,
        image_px=job.image_px,
    )


def planned_epsilon(job: FederatedJob, n_items: int) -> float:
    """The epsilon that a job with noise spends for one view of a site with so many items, at most, at `private.DELTA`."""
    from xraybench.train import private

    one = private.planned(n_items, epochs=job.local_epochs, batch_size=job.batch_size, noise=job.noise)
    return one.epsilon(rounds=job.n_rounds)


def round_learning_rate(job: FederatedJob, index: int) -> float:
    """The rate of all steps of a round: a cosine over the rounds, from the job's rate in the first towards 0.

    Every site uses the same, so that none pulls harder; it falls, because averages of large steps never settle.
    """
    return job.learning_rate * 0.5 * (1.0 + math.cos(math.pi * (index - 1) / job.n_rounds))
