"""The job of a federation: what a coordinator asks of every site, as one small document without weights or scans.

The same document goes to a site in process, as a file, or over a network. It names an architecture and numbers, never
code, so that a site can agree to it by reading it.
"""

import inspect
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from xraybench import __version__, train
from xraybench.core import chance, digest, vocabulary
from xraybench.core.documents import (
    Aggregator,
    FederatedJob,
    FederatedSite,
    field_faults,
    read_document,
    write_document,
)
from xraybench.core.errors import BadParameter, BadValue
from xraybench.core.registry import did_you_mean
from xraybench.data.agreement import check_purpose
from xraybench.federate.aggregate import n_trimmed
from xraybench.federate.weights import Weights
from xraybench.models.timm_net import digest_of_weights, load_timm_net, weights_of

BatchNormRule = Literal["average", "local_statistics", "local"]


def make_job(
    *,
    name: str,
    architecture: str,
    threats: Iterable[str],
    n_sites: int,
    track: str = "raw",
    image_px: int = train.IMAGE_PX,
    full_scale: float = 60_000,
    n_rounds: int = round(train.EPOCHS),  # with one pass a round: as many as an ordinary local training makes
    local_epochs: float = 1,
    batch_size: int = train.BATCH_SIZE,
    learning_rate: float = train.LEARNING_RATE,
    seed: int = 0,
    aggregator: Aggregator = "fedavg",
    batch_norm: BatchNormRule = "average",
    proximal: float = 0.0,
    server_rate: float = 0.01,
    trim: float = 0.2,
    clip: float = 0.0,
    frozen: Sequence[str] = (),
    noise: float = 0.0,
    max_gradient: float = 1.0,
    parent: str = "",
    quorum: int | None = None,
    grace_s: float = 120.0,
    round_timeout_s: float = 3600.0,
    least_items: int = 1,
    party: str = "coordinator",
    purpose: str = "training",
) -> FederatedJob:
    """A job with its numbers checked.

    Args:
        name: What the model that comes out will be called.
        architecture: A timm backbone that `train.local` takes too.
        threats: What the model learns to find; put into the order of the vocabulary.
        n_sites: Sites that will take part.
        track: Which pixels of the scans are used: raw, colour or grey.
        image_px: Side to which every view is resized inside the model.
        full_scale: Count of the open beam at every site (raw), or 255.
        n_rounds: Times that weights go out to the sites and come back.
        local_epochs: Passes over its own scans that a site makes in a round.
        batch_size: Scans a step.
        learning_rate: Step size of the first round; it falls over the rounds, see `site.round_learning_rate`.
        seed: Names all chance of the job.
        aggregator: What the coordinator does with the updates, see `aggregate`.
        batch_norm: What of BatchNorm a site keeps to itself, see `aggregate`.
        proximal: FedProx's mu, see `train.fit`.
        server_rate: Step of the server's optimiser, for `fedadam`.
        trim: Share of the updates dropped at either end, for `trimmed_mean`; largest share left out, for `screened_mean`.
        clip: Longest update, as a multiple of the round's median; 0 sets no limit.
        frozen: Parts of the network that no site trains, such as `backbone`.
        noise: Training with differential privacy, see `train.private`; it goes on from a parent.
        max_gradient: With noise: length to which the gradient of each view is cut.
        parent: Digest of the weights that the run starts from; empty where they are drawn from the seed.
        quorum: Fewest usable updates a round may close with; None asks for every site.
        grace_s: How long a round waits for the others once the quorum has answered.
        round_timeout_s: How long a site may take for its answer in a round.
        least_items: A site with fewer items to learn from is not taken in.
        party: Who asks, as the sites' agreements name it.
        purpose: What for, as the sites' agreements name it.

    Raises:
        BadParameter: A number is out of range, or nothing is to be found; all faults are named.
        UnknownName: A threat or purpose is in no vocabulary.
        BadValue: No site, a quorum beyond the sites, or rules that would leave no update to average.
    """
    if n_sites < 1:
        raise BadValue(f"A federated job needs at least one site; got {n_sites}.")
    check_purpose(purpose)
    wanted = {vocabulary.term("threat", threat).name for threat in threats}
    try:
        job = FederatedJob(
            name=name,
            architecture=architecture,
            track=track,
            image_px=image_px,
            full_scale=full_scale,
            threats=[threat for threat in vocabulary.names("threat") if threat in wanted],
            n_rounds=n_rounds,
            local_epochs=local_epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            seed=seed,
            aggregator=aggregator,
            batch_norm=batch_norm,
            proximal=proximal,
            server_rate=server_rate,
            trim=trim,
            clip=clip,
            frozen=list(frozen),
            noise=noise,
            max_gradient=max_gradient,
            parent=parent,
            quorum=n_sites if quorum is None else quorum,
            grace_s=grace_s,
            round_timeout_s=round_timeout_s,
            least_items=least_items,
            party=party,
            purpose=purpose,
        )
    except ValidationError as error:
        raise BadParameter(
            "A federated job with these numbers cannot run:\n  " + "\n  ".join(field_faults(error))
        ) from None
    if job.quorum > n_sites:
        raise BadValue(f"A quorum of {job.quorum} can never be met by {n_sites} sites.")
    if fault := _trim_fault(job, n_sites):
        raise BadValue(fault)
    if job.noise and (job.proximal or not job.parent):
        raise BadParameter(
            "Training with noise goes on from a network whose norms stay as they are, and takes no proximal term: name a "
            "parent, and leave proximal at 0."
        )
    return job


def job_from(fields: Mapping[str, object], *, parent: Weights | None = None) -> FederatedJob:
    """A job from names and values as a command line gives them.

    Args:
        fields: Arguments of `make_job`; numbers that a job holds may be text, `frozen` text divided by commas.
        parent: The weights to start from.

    Raises:
        BadParameter: A field that no job has, or a value out of range.
        BadValue: As `make_job`.
    """
    known = inspect.signature(make_job).parameters
    if unknown := [name for name in fields if name not in known]:
        raise BadParameter(f"A job has no field '{unknown[0]}'. {did_you_mean(unknown[0], list(known))}")
    values = dict(fields)
    if isinstance(frozen := values.get("frozen"), str):
        values["frozen"] = [part for part in frozen.split(",") if part]
    if parent is not None:
        values["parent"] = digest_of_weights(parent)
    return make_job(**values)  # type: ignore[arg-type]


def read_init(folder: Path | None) -> Weights | None:
    """The weights of a saved model, for a job that starts from it.

    Raises:
        BadFile: No model in the folder.
    """
    return None if folder is None else weights_of(load_timm_net(folder).net)


def read_job(path: Path) -> FederatedJob:
    """Read a job as a site or coordinator was given it.

    Raises:
        BadFile: Missing, or not a valid job; every broken field is named.
    """
    return read_document(path, FederatedJob)


def write_job(path: Path, job: FederatedJob) -> None:
    """Write a job atomically."""
    write_document(path, job)


def job_digest(job: FederatedJob) -> str:
    """The short name of a job: updates carry it, so that no site answers another question."""
    return digest.of_json(job.model_dump(mode="json"))


def n_epochs(job: FederatedJob) -> float:
    """Passes that every site makes over its scans in the whole job: what a fair local or pooled training gets."""
    return job.n_rounds * job.local_epochs


def site_seed(job: FederatedJob, site: str, index: int) -> int:
    """The seed of all chance at one site in one round."""
    return chance.seed_of(job.seed, "site", site, index)


def differences(known: FederatedJob, asked: FederatedJob) -> list[str]:
    """What two jobs differ in, a line each."""
    old, new = known.model_dump(), asked.model_dump()
    return [f"{field} is {old[field]!r} there and {new[field]!r} here" for field in old if old[field] != new[field]]


def site_digest(site: FederatedSite) -> str:
    """The short name of what a site holds: its updates carry it, so that other data are noticed."""
    return digest.of_json(held_by(site))


def held_by(site: FederatedSite) -> dict[str, object]:
    """What a site holds, as plain values: name, corpora, count of items."""
    return site.model_dump(mode="json", exclude={"version", "agreement"})


def check_sites(job: FederatedJob, sites: Sequence[FederatedSite]) -> None:
    """Raise when these sites cannot carry this job; called before any of them trains.

    Raises:
        BadValue: Too few sites for the quorum, two of one name, a site with too few items, or one that runs another
            version of xraybench. All of them are named.
    """
    names = [site.name for site in sites]
    faults = []
    if twice := sorted({name for name in names if names.count(name) > 1}):
        faults.append(f"Two sites are called {', '.join(twice)}; a federation tells its sites apart by name.")
    if len(sites) < job.quorum:
        faults.append(f"Job {job.name} needs {job.quorum} sites in every round and has {len(sites)}.")
    if fault := _trim_fault(job, len(sites)):
        faults.append(fault)
    faults += [fault for site in sites for fault in site_faults(job, site)]
    if faults:
        raise BadValue("\n".join(faults))


def _trim_fault(job: FederatedJob, n_sites: int) -> str:
    """Why a round that closes with the quorum or more of so many sites might have no update left; empty where none can."""
    if job.aggregator == "trimmed_mean":
        for n_updates in range(job.quorum, n_sites + 1):
            if 2 * (n_dropped := n_trimmed(job.trim, n_updates)) >= n_updates:
                return (
                    f"Job {job.name} closes a round with {job.quorum} updates or more. Of {n_updates}, a trim of "
                    f"{job.trim:g} drops {n_dropped} at either end, which leaves none. Lower the trim, or raise the quorum."
                )
    return ""


def site_faults(job: FederatedJob, site: FederatedSite) -> list[str]:
    """What stands against one site's taking part, a sentence each."""
    faults = []
    if site.n_items < job.least_items:
        faults.append(
            f"Site {site.name} has {site.n_items} items to learn from and job {job.name} asks for {job.least_items}."
        )
    if site.version not in ("", __version__):
        faults.append(
            f"Site {site.name} runs xraybench {site.version} and the coordinator {__version__}; install the same at both."
        )
    return faults
