"""The job of a federation: what a coordinator asks of every site, as one small document without weights or scans.

The same document goes to a site in process, as a file, or over a network. It names an architecture and numbers, never
code, so that a site can agree to it by reading it.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from xraybench import train
from xraybench.core import chance, digest, vocabulary
from xraybench.core.documents import FederatedJob, FederatedSite, field_faults, read_document, write_document
from xraybench.core.errors import BadParameter, BadValue

BatchNormRule = Literal["average", "local_statistics"]


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
    batch_norm: BatchNormRule = "average",
    quorum: int | None = None,
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
        batch_norm: See `aggregate`.
        quorum: Fewest usable updates a round may close with; None asks for every site.

    Raises:
        BadParameter: A number is out of range; all of them are named.
        UnknownName: A threat is not in the vocabulary.
        BadValue: The quorum exceeds the sites, or nothing is to be found.
    """
    wanted = {vocabulary.term("threat", threat).name for threat in threats}
    if not wanted:
        raise BadValue("A federated job needs at least one threat to learn.")
    quorum = n_sites if quorum is None else quorum
    if quorum > n_sites:
        raise BadValue(f"A quorum of {quorum} can never be met by {n_sites} sites.")
    try:
        return FederatedJob(
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
            batch_norm=batch_norm,
            quorum=quorum,
        )
    except ValidationError as error:
        raise BadParameter(
            "A federated job with these numbers cannot run:\n  " + "\n  ".join(field_faults(error))
        ) from None


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


def check_sites(job: FederatedJob, sites: Sequence[FederatedSite]) -> None:
    """Raise when these sites cannot carry this job.

    Raises:
        BadValue: Too few sites for the quorum, or two of one name.
    """
    names = [site.name for site in sites]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise BadValue(f"Two sites are called {', '.join(twice)}; a federation tells its sites apart by name.")
    if len(sites) < job.quorum:
        raise BadValue(f"Job {job.name} needs {job.quorum} sites in every round and has {len(sites)}.")
