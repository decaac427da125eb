"""One site of a federation: its scans, and what it does with them when a round comes round.

Scans and labels stay inside: what leaves is a description (counts and digests), and per round an update (weights and a
mean loss). A backend carries these to and from `Site.fit` and knows nothing else about a site. Before a job trains here, the
site's agreement must let it train and take weights away, its privacy budget must hold, and a person must have seen what
will leave.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
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
from xraybench.federate import decisions, release
from xraybench.federate.aggregate import SiteUpdate, weights_for_site
from xraybench.federate.decisions import Point
from xraybench.federate.job import job_digest, make_job, n_epochs, site_digest, site_faults, site_seed
from xraybench.federate.release import Approver, Payload
from xraybench.federate.weights import Weights
from xraybench.models.timm_net import digest_of_weights, make_signature, net_of, set_weights, weights_of

if TYPE_CHECKING:
    from xraybench.models._net import ThreatNet
    from xraybench.train._loop import PreparedData
    from xraybench.train.private import PrivateFit


@dataclass(frozen=True, eq=False)
class Site:
    """One administration's location and its scans. Only items of the train split are learned from."""

    name: str
    dataset: Dataset = field(repr=False)
    device: str = "auto"
    n_threads: int = 1
    agreement: Agreement | None = field(default=None, repr=False)
    log: Path | None = None  # where the site's decisions are kept
    approve: Approver | None = field(default=None, repr=False)  # asks the person there; None for simulated scans only
    _prepared: dict[str, PreparedData] = field(default_factory=dict, init=False, repr=False)
    _nets: dict[str, ThreatNet] = field(default_factory=dict, init=False, repr=False)
    _released: set[str] = field(default_factory=set, init=False, repr=False)  # jobs that the person here let go

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

    def require(
        self, point: Point, job: FederatedJob, *, action: str, facts: Mapping[str, float] | None = None
    ) -> None:
        """Ask the site's agreement whether a job may do something here; the answer goes into the site's log.

        Args:
            point: `load` before scans are read for a job, `query` when a round asks, `release` before an answer leaves.
            job: Who asks, and what for.
            action: A word of `data.words.ACTIONS`.
            facts: What the log keeps beside the answer.

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
            facts=facts,
        )

    def join(self, job: FederatedJob) -> FederatedSite:
        """Take part in a job, or refuse to, before any training.

        Raises:
            Refused: The agreement does not allow the training, or not that weights leave; its privacy budget is too small;
                or the person here said no.
            BadValue: The site has too few items, or lacks the job's track.
        """
        self.require("load", job, action="train")
        self.require("load", job, action="export_weights")
        described = self.describe()
        if faults := site_faults(job, described):
            raise BadValue(" ".join(faults))
        self._check_budget("load", job)
        self.dataset.track(job.track)
        self._ask_person(job)
        return described

    def _cost(self, job: FederatedJob) -> dict[str, float] | None:
        """What a round of a job costs in privacy, as the ledger keeps it; None without noise."""
        if not job.noise:
            return None
        one = planned_round(job, len(self.train.items))
        return release.training_facts(
            n_rounds=job.n_rounds, noise=job.noise, sample_rate=one.sample_rate, n_steps=one.n_steps
        )

    def _check_budget(self, point: Point, job: FederatedJob) -> None:
        """Raise when a job, with all that was trained and released before, would spend more privacy than was agreed."""
        budget = self.agreement.epsilon if self.agreement else 0.0
        if not budget:
            return
        if not job.noise:
            reason = f"its agreement sets a privacy budget of {budget:g}, and job {job.name} trains without noise"
        elif self.log is None and not self.dataset.is_simulated:
            reason = f"its agreement sets a privacy budget of {budget:g}, and no log is kept that counts what is spent"
        else:
            before = release.epsilon_spent(self.log)
            n_more = 1 if point == "query" else 0
            total = release.epsilon_spent(self.log, job=job_digest(job), training=self._cost(job), n_more=n_more)
            if total <= budget:
                return
            spent = f" with the {before:.2f} that are spent" if before else ""
            reason = f"job {job.name} would spend an epsilon of {total:.2f}{spent}, and its agreement allows {budget:g}"
        self._deny(point, job, reason)

    def _deny(self, point: Point, job: FederatedJob, reason: str) -> None:
        if self.log is not None:
            decisions.write(
                self.log,
                site=self.name,
                point=point,
                party=job.party,
                action="train",
                purpose=job.purpose,
                subject=job_digest(job),
                allowed=False,
                reason=reason,
                agreement=self._agreed,
            )
        raise Refused(f"Site {self.name} refuses: {reason}.")

    @property
    def _agreed(self) -> str:
        return agreements.reference(self.agreement) if self.agreement else ""

    def _ask_person(self, job: FederatedJob) -> None:
        """Show the person here what of a job will leave, once; nobody is asked about simulated scans in a notebook.

        Raises:
            Refused: The person said no, or nobody is here to ask and the scans are real.
        """
        subject = job_digest(job)
        if subject in self._released or (self.approve is None and self.dataset.is_simulated):
            return
        payload = Payload(
            subject, "", site_digest(self.describe()), job.party, job.purpose, release.shown(self._leaving(job))
        )
        release.release_job(
            payload,
            site=self.name,
            agreement=self._agreed,
            log=self.log,
            approve=self.approve,
            is_simulated=self.dataset.is_simulated,
        )
        self._released.add(subject)

    def _leaving(self, job: FederatedJob) -> dict[str, object]:
        """What will leave the site in a job, in words that a person can judge."""
        weights = weights_of(self._net(job))
        n_bytes = sum(value.nbytes for value in weights.values())
        facts: dict[str, object] = {
            "what leaves": "the weights of a network that learned from the scans here, after each round; what can be worked "
            "out from them about the scans stands in docs/threat_model.md",
            "job": f"{job.name} ({job_digest(job)}), {job.architecture}, to find {', '.join(job.threats)}",
            "to": f"{job.party}, for {job.purpose}",
            "agreement": self._agreed or "none; simulated scans need none",
            "rounds": f"{job.n_rounds}, {n_epochs(job):g} passes over the scans in all",
            "bytes": f"{n_bytes} a round, {n_bytes * job.n_rounds} in all, and a few hundred of JSON each",
            "number of items": f"{len(self.train.items)}, told with every round",
            "mean loss": "not told" if job.noise else "of the training, told with every round",
        }
        if job.noise:
            epsilon = planned_epsilon(job, len(self.train.items))
            facts["privacy"] = f"noise {job.noise:g}; an epsilon of {epsilon:.2f} for a view"
        return facts | {
            f"tensor {name}": f"{value.dtype} {'x'.join(map(str, value.shape)) or 'scalar'}"
            for name, value in sorted(weights.items())
        }

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
            Refused: The agreement does not allow it, or its budget is spent, or the person here said no.
        """
        if not 1 <= index <= job.n_rounds:
            raise BadValue(f"Round {index} was asked of job {job.name}, which has {job.n_rounds}.")
        # All of it again: who asks for a round need not have asked this site to join, and agreements run out.
        self.require("query", job, action="export_weights")
        self._check_budget("query", job)
        self._ask_person(job)
        with decisions.alone(self.log):  # a person takes their time, and another job may have spent since
            self._check_budget("query", job)
            self.require("query", job, action="train", facts=self._cost(job))  # from here on the round is paid for
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
        self.require("release", job, action="export_weights")
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
    return re.fullmatch(agreements.NAME, name) is not None


def open_site(
    name: str,
    folder: Path,
    *,
    device: str = "auto",
    n_threads: int = 1,
    log: Path | None = None,
    approve: Approver | None = None,
) -> Site:
    """A site from its dataset folder: manifest, data card, and the agreement where one lies there.

    Args:
        name: How the federation calls the site.
        folder: What `xraybench data make`, `data import` or `data sites` left.
        device: auto, cpu or cuda.
        n_threads: Threads of torch.
        log: Where the site's decisions are kept.
        approve: Asks the person who lets weights go, see `release`.

    Raises:
        BadFile: No dataset in the folder, or an agreement that cannot be read.
        BadValue: The name is no name, or there is nothing to learn from.
        BadParameter: There is no such device here.
    """
    if device not in ("auto", "cpu"):  # before anybody is asked; torch comes with it
        from xraybench.models._net import device_of

        device_of(device)
    agreement = agreements.read_agreement(folder)
    return Site(name, data.read_dataset(folder), device, n_threads, agreement, log, approve)


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
    return planned_round(job, n_items).epsilon(rounds=job.n_rounds)


def planned_round(job: FederatedJob, n_items: int) -> PrivateFit:
    """What one round of a job with noise costs at a site with so many items."""
    from xraybench.train import private

    return private.planned(n_items, epochs=job.local_epochs, batch_size=job.batch_size, noise=job.noise)


def round_learning_rate(job: FederatedJob, index: int) -> float:
    """The rate of all steps of a round: a cosine over the rounds, from the job's rate in the first towards 0.

    Every site uses the same, so that none pulls harder; it falls, because averages of large steps never settle.
    """
    return job.learning_rate * 0.5 * (1.0 + math.cos(math.pi * (index - 1) / job.n_rounds))
