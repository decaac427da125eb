"""How the updates of several sites become one global model, and which update is turned away.

An aggregator is a row of `AGGREGATORS`: a function from what was sent and what came back to the next weights.
- `fedavg`: the mean of the sites' weights, each weighted by its count of items.
- `fedadam`: the mean of the sites' changes is taken for a gradient, and the server steps along it with Adam.
- `trimmed_mean`: of every number the highest and lowest are dropped and the rest averaged, each site counting alike, so
  that a few broken or hostile sites move nothing far.
- `screened_mean`: a site whose changes so far point against those of the others is left out, and the rest are averaged,
  each counting alike. It finds a reversed update, which hides between honest ones in every single round.
FedProx is no aggregator but a pull at the site (`proximal`), and goes with any of them. `clip` shortens an update that is
longer than a multiple of the round's median before it is joined. Accumulation is in float64 and in the order of the
sites' names, so that the order of arrival never shows in the result.

BatchNorm needs a rule of its own, because its running statistics describe the scanner more than the threats. A rule is a
mask: which tensors a site keeps to itself from round to round.
- `average`: none. Every site starts the next round from the mean.
- `local_statistics` (SiloBN): running means and variances; affine parameters are averaged.
- `local` (FedBN): running statistics and affine parameters.
The global model, which an unseen site would be given, carries the mean of all sites' tensors all the same. In training,
BatchNorm normalises by the batch at hand, so the first two rules learn the same weights and differ only in the statistics
that a model carries into use: `FederatedRun.at_site` gives each site's. The mean of variances leaves out the spread
between the sites' means. Counters of batches (`num_batches_tracked`) are never averaged: the largest is taken.

Source:
    FedAvg: McMahan et al., AISTATS 2017, algorithm 1. FedAdam: Reddi et al., ICLR 2021, algorithm 2. Trimmed mean: Yin
    et al., ICML 2018, definition 2. Screening: the cosine to a trusted direction of Cao et al., NDSS 2021 (FLTrust), with
    what the other sites did before in place of data at the server; memory of rounds: Karimireddy et al., ICML 2021.
    FedProx: Li et al., MLSys 2020. Clipping of norms as a defence: Sun et al., 2019. SiloBN: Andreux et al., 2020. FedBN:
    Li et al., ICLR 2021.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from xraybench.core.documents import FederatedJob, FederatedUpdate
from xraybench.core.errors import BadValue, UnknownName
from xraybench.core.registry import did_you_mean
from xraybench.core.types import FloatArray
from xraybench.federate.weights import Weights, is_counter, local_part, running_statistics
from xraybench.models.timm_net import digest_of_weights

_MOST_NAMED = 3  # tensors named per fault: the reader needs examples, not a listing
_BETA_1, _BETA_2, _TAU = 0.9, 0.99, 1e-3  # of FedAdam, as in its paper
_FADES = 0.9  # what is left of a site's past directions after a round: Karimireddy et al. use it for their momentum


@dataclass(frozen=True, slots=True)
class SiteUpdate:
    """What one site gives back in one round: the record, which everybody may read, and the weights it speaks of."""

    record: FederatedUpdate
    weights: Weights


@dataclass(frozen=True, slots=True)
class Aggregated:
    """The next global weights, and what the server remembers for the round after."""

    weights: Weights
    server: Weights
    left_out: Mapping[str, str] = field(default_factory=dict)  # site -> why its update was not used


def aggregate(
    job: FederatedJob,
    *,
    sent: Weights,
    updates: Mapping[str, Weights],
    n_items: Mapping[str, int],
    server: Weights,
) -> Aggregated:
    """Join the updates of a round as the job says.

    Args:
        job: Names the aggregator and its numbers.
        sent: The global weights that the sites started from.
        updates: Site -> weights. All sites hold the same names, shapes and types.
        n_items: Site -> count of items it trained on, at least 1.
        server: What the round before left at the server; empty in the first.

    Raises:
        BadValue: There is no update, a count is missing or below 1, an update has other names or shapes than the others,
            or holds NaN or infinity, or so few came that trimming leaves none.
    """
    _check(updates, n_items)
    ordered = {site: updates[site] for site in sorted(updates)}
    if job.clip:
        ordered = clipped(ordered, sent=sent, times_median=job.clip)
    return AGGREGATORS[job.aggregator](job, sent, ordered, n_items, server)


def fedavg(updates: Mapping[str, Weights], n_items: Mapping[str, int]) -> Weights:
    """Item-weighted mean of the sites' weights.

    Args:
        updates: Site -> weights. All sites hold the same names, shapes and types.
        n_items: Site -> count of items it trained on, at least 1.

    Returns:
        Weights of the first site's types. Floating tensors are means, counters of batches maxima; any other tensor of
        whole numbers or truths is a constant and taken from the first site in order of name. A single site's
        weights come back bit for bit (below 2^29 items).

    Raises:
        BadValue: There is no update, a count is missing or below 1, or an update has other names or shapes than the
            first, or holds NaN or infinity.
    """
    _check(updates, n_items)
    counts = np.array([n_items[site] for site in sorted(updates)], dtype=np.float64)
    return _joined(updates, lambda stack: np.tensordot(counts, stack, 1) / counts.sum())


def trimmed_mean(updates: Mapping[str, Weights], *, trim: float) -> Weights:
    """Coordinate by coordinate the mean of what is left when the share `trim` is dropped at either end, rounded up.

    Every site counts alike: weighting by items would let one site outvote the rest by naming a large count.

    Raises:
        BadValue: So few updates that none is left.
    """
    n_dropped = n_trimmed(trim, len(updates))
    if 2 * n_dropped >= len(updates):
        raise BadValue(f"Of {len(updates)} updates, {n_dropped} are to be dropped at either end: none is left.")
    kept = slice(n_dropped, len(updates) - n_dropped)
    return _joined(updates, lambda stack: np.sort(stack, axis=0)[kept].mean(axis=0))


def screened_mean(sent: Weights, updates: Mapping[str, Weights], *, trim: float, server: Weights) -> Aggregated:
    """The mean of the updates of all sites but those that keep pointing against the others.

    The server remembers of each site the sum of its changes of learned tensors, each divided by its length, the older
    ones fading. A site is left out while the cosine of its memory to the sum of the others' is negative; at most the share
    `trim` of the sites, rounded up, but never half of them; the most opposed first. The changes of honest sites in one
    round are nearly at right angles to each other (cosines of 0 to 0.1 with sites of different scanners), so that only the
    memory tells a direction. A long update is the matter of `clip`: here a length shows in the mean.

    Args:
        sent: The global weights that the sites started from.
        updates: Site -> weights, checked.
        trim: Largest share of the sites that is left out.
        server: Memories by `memory/<site>/<tensor>`, float32; empty in the first round, which is judged by itself. That of
            a site which misses a round stays as it is.
    """
    fixed = set(running_statistics(sent))
    names = [name for name in sent if np.issubdtype(sent[name].dtype, np.floating) and name not in fixed]
    order, after = sorted(updates), dict(server)
    for site in order:
        length = update_norm(updates[site], sent=sent, names=names)
        for name in names:
            change = (updates[site][name].astype(np.float64) - sent[name]) / (length or 1.0)
            before = server.get(f"memory/{site}/{name}", np.zeros_like(change))
            after[f"memory/{site}/{name}"] = (_FADES * before + change).astype(np.float32)
    told = [np.concatenate([after[f"memory/{site}/{name}"].ravel() for name in names]) for site in order]
    lines = np.stack(told).astype(np.float64)
    others = lines.sum(axis=0) - lines
    along = np.einsum("ij,ij->i", lines, others)
    lengths = np.linalg.norm(lines, axis=1) * np.linalg.norm(others, axis=1)
    cosines = np.divide(along, lengths, out=np.zeros(len(order)), where=lengths > 0)
    most = min(n_trimmed(trim, len(order)), (len(order) - 1) // 2)  # of two that differ, neither is known to be wrong
    opposed = [int(i) for i in np.argsort(cosines, kind="stable")[:most] if cosines[i] < 0]
    left_out = {
        order[i]: f"its changes so far point against those of the other sites (cosine {cosines[i]:.2f})"
        for i in opposed
    }
    kept = {site: updates[site] for site in order if site not in left_out}
    return Aggregated(_joined(kept, lambda stack: stack.mean(axis=0)), after, left_out)


def n_trimmed(trim: float, n_sites: int) -> int:
    """The share of so many sites, rounded up; in floats, 0.2 * 15 is a hair above 3."""
    return math.ceil(trim * n_sites - 1e-9)


def fedadam(sent: Weights, mean: Weights, *, rate: float, server: Weights) -> Aggregated:
    """One step of the server's Adam from `sent` towards the mean of the updates.

    Running statistics and whole numbers are no parameters: they are taken from the mean.

    Args:
        sent: The global weights that the sites started from.
        mean: What `fedavg` makes of their updates.
        rate: Step of the server.
        server: Moments by `first/<name>` and `second/<name>`, float32; empty in the first round.

    Source:
        Reddi et al., ICLR 2021, algorithm 2 (FedAdam), without bias correction as printed there; the second moment
        starts at tau squared.
    """
    fixed = running_statistics(mean)
    weights, moments = dict(mean), Weights()
    for name, value in mean.items():
        if name in fixed or not np.issubdtype(value.dtype, np.floating):
            continue
        change = value.astype(np.float64) - sent[name]
        first = _BETA_1 * server.get(f"first/{name}", np.zeros_like(change)) + (1 - _BETA_1) * change
        second = _BETA_2 * server.get(f"second/{name}", np.full_like(change, _TAU**2)) + (1 - _BETA_2) * change**2
        weights[name] = np.asarray(sent[name] + rate * first / (np.sqrt(second) + _TAU), dtype=value.dtype)
        moments |= {f"first/{name}": first.astype(np.float32), f"second/{name}": second.astype(np.float32)}
    return Aggregated(weights, moments)


def clipped(updates: Mapping[str, Weights], *, sent: Weights, times_median: float) -> dict[str, Weights]:
    """The updates with long changes shortened, so that none pulls with more than `times_median` times the median's length.

    Learned tensors and running statistics are measured apart: the latter are orders of magnitude longer. A change of the
    allowed length or less comes back bit for bit. The median is honest while more than half of the sites are.
    """
    fixed = set(running_statistics(sent))
    floating = [name for name in sent if np.issubdtype(sent[name].dtype, np.floating)]
    out = {site: dict(weights) for site, weights in updates.items()}
    for names in ([n for n in floating if n not in fixed], [n for n in floating if n in fixed]):
        norms = {site: update_norm(weights, sent=sent, names=names) for site, weights in updates.items()}
        longest = times_median * float(np.median(list(norms.values())))
        for site in (site for site, norm in norms.items() if norm > longest):
            for name in names:
                change = updates[site][name].astype(np.float64) - sent[name]
                out[site][name] = (sent[name] + change * (longest / norms[site])).astype(sent[name].dtype)
    return out


def update_norm(weights: Weights, *, sent: Weights, names: list[str]) -> float:
    """Euclidean length of the change of these tensors, all of them as one vector."""
    return math.sqrt(math.fsum(float(((weights[n].astype(np.float64) - sent[n]) ** 2).sum()) for n in names))


# Names by which papers know a federation -> the fields of the job that make it. FedAvg is what a job is without them.
VARIANTS: dict[str, dict[str, Any]] = {
    "fedprox": {"proximal": 0.01},
    "fedadam": {"aggregator": "fedadam", "server_rate": 0.003},
    "trimmed_mean": {"aggregator": "trimmed_mean", "trim": 0.2},
    "screened_mean": {"aggregator": "screened_mean", "trim": 0.2, "clip": 1.0},
    "clipped": {"clip": 1.5},
    "silobn": {"batch_norm": "local_statistics"},
    "fedbn": {"batch_norm": "local"},
}


def variants_named(text: str, *, profile: str) -> list[str]:
    """Names of VARIANTS, divided by commas; `all` and `none` stand for themselves, `auto` for all at smoke, else none.

    Raises:
        UnknownName: With the nearest.
    """
    if text in ("all", "none", "auto"):
        return list(VARIANTS) if text == "all" or (text == "auto" and profile == "smoke") else []
    named = [name.strip() for name in text.split(",") if name.strip()]
    if unknown := [
        f"No variant of a federation is called '{name}'. {did_you_mean(name, list(VARIANTS))}"
        for name in named
        if name not in VARIANTS
    ]:
        raise UnknownName("\n".join(unknown))
    return named


_Rule = Callable[[FederatedJob, Weights, Mapping[str, Weights], Mapping[str, int], Weights], Aggregated]

AGGREGATORS: dict[str, _Rule] = {
    "fedavg": lambda job, sent, updates, n_items, server: Aggregated(fedavg(updates, n_items), {}),
    "fedadam": lambda job, sent, updates, n_items, server: fedadam(
        sent, fedavg(updates, n_items), rate=job.server_rate, server=server
    ),
    "trimmed_mean": lambda job, sent, updates, n_items, server: Aggregated(trimmed_mean(updates, trim=job.trim), {}),
    "screened_mean": lambda job, sent, updates, n_items, server: screened_mean(
        sent, updates, trim=job.trim, server=server
    ),
}


def weight_faults(weights: Weights, *, like: Weights) -> list[str]:
    """What stands against averaging these weights with `like`: other names, shapes or types, NaN, infinity."""
    faults = _named("lacks", [n for n in like if n not in weights])
    faults += _named("has the unknown", [n for n in weights if n not in like])
    shared = [n for n in like if n in weights]
    wrong = [n for n in shared if weights[n].shape != like[n].shape or weights[n].dtype != like[n].dtype]
    for name in wrong[:_MOST_NAMED]:
        faults.append(f"{name} is {_kind(weights[name])}, not {_kind(like[name])}")
    if len(wrong) > _MOST_NAMED:
        faults.append(f"{len(wrong) - _MOST_NAMED} more tensors of another shape or type")
    floating = [n for n in shared if np.issubdtype(weights[n].dtype, np.floating)]
    return faults + _named("has NaN or infinity in", [n for n in floating if not np.isfinite(weights[n]).all()])


def update_faults(
    update: SiteUpdate, *, job: str, round_index: int, site: str, n_items: int, sent: Weights, start: str, data: str
) -> list[str]:
    """Every reason to turn an update away; empty for a good one.

    Args:
        update: What came back.
        job: Digest of the job and its sites, as the coordinator knows it.
        round_index: The round that is being closed, from 1.
        site: The site it was asked of.
        n_items: Count of items the site named when it joined: its weight may not change on the way.
        sent: The global weights the site was given.
        start: Their digest.
        data: Digest of what the site said about its data when it joined.
    """
    record = update.record
    faults = []
    for what, got, wanted in (
        ("job", record.job, job),
        ("round", record.round, round_index),
        ("site", record.site, site),
        ("n_items", record.n_items, n_items),
    ):
        if got != wanted:
            faults.append(f"{what} is {got}, not {wanted}")
    if record.start != start:
        faults.append(
            f"it was trained from the weights {record.start or 'of no name'}, not from {start} that were sent"
        )
    if record.data != data:
        faults.append("it was trained on other data than the site named when it joined")
    if record.loss is not None and not np.isfinite(record.loss):
        faults.append(f"loss is {record.loss}")
    if record.weights_digest != digest_of_weights(update.weights):
        faults.append("the weights are not those the record speaks of (another digest)")
    return faults + weight_faults(update.weights, like=sent)


def weights_for_site(weights: Weights, *, batch_norm: str, kept: Weights) -> Weights:
    """The weights a site starts a round from: the global ones with what it keeps to itself.

    Args:
        weights: The global weights.
        batch_norm: The job's rule.
        kept: What the site kept of its last update; empty before its first.
    """
    return {**weights, **local_part(kept, batch_norm)}


def kept_statistics(weights: Weights, *, batch_norm: str) -> Weights:
    """What a site keeps of its own update for the next round: the tensors that the rule's mask names."""
    return local_part(weights, batch_norm)


def _check(updates: Mapping[str, Weights], n_items: Mapping[str, int]) -> None:
    if not updates:
        raise BadValue("There is no update to average: a round needs at least one site.")
    order = sorted(updates)
    for site in order:
        if n_items.get(site, 0) < 1:
            raise BadValue(f"Site {site} gives {n_items.get(site, 'no count of')} items; a weight needs at least 1.")
        if faults := weight_faults(updates[site], like=updates[order[0]]):
            raise BadValue(f"The update of site {site} cannot be averaged: {'; '.join(faults)}.")


def _joined(updates: Mapping[str, Weights], centre: Callable[[FloatArray], FloatArray]) -> Weights:
    """Each floating tensor as the centre of its stack over the sites (n_sites, ...); whole numbers as constants."""
    order = sorted(updates)
    out = {}
    for name, first in updates[order[0]].items():
        arrays = [updates[site][name] for site in order]
        if np.issubdtype(first.dtype, np.floating):
            out[name] = np.asarray(centre(np.stack(arrays).astype(np.float64)), dtype=first.dtype)
        else:
            out[name] = np.maximum.reduce(arrays) if is_counter(name) else first
    return out


def _named(what: str, names: list[str]) -> list[str]:
    if not names:
        return []
    shown = ", ".join(names[:_MOST_NAMED])
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return [f"it {what} {'tensor' if len(names) == 1 else 'tensors'} {shown}{more}"]


def _kind(array: np.ndarray) -> str:
    return f"{array.dtype} {array.shape}"
