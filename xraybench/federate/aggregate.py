"""How the updates of several sites become one global model, and which update is turned away.

The rule of this file is FedAvg: the mean of the sites' weights, each weighted by its count of items. Accumulation is in
float64 and in the order of the sites' names, so that the order of arrival never shows in the result.

BatchNorm needs a rule of its own, because its running statistics describe the scanner more than the threats:
- `average`: running means and variances are averaged like weights, and every site starts the next round from the mean.
- `local_statistics`: affine parameters are averaged; each site keeps its own running means and variances from round to
  round. The global model, which an unseen site would be given, carries their item-weighted mean all the same.
In training, BatchNorm normalises by the batch at hand, so both rules learn the same weights and differ only in the
statistics that a model carries into use: `FederatedRun.at_site` gives each site's. The mean of variances leaves out the
spread between the sites' means. Counters of batches (`num_batches_tracked`) are never averaged: the largest is taken.

Source:
    FedAvg: McMahan et al., AISTATS 2017, algorithm 1. Local statistics: Andreux et al., 2020 (SiloBN).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from xraybench.core.documents import FederatedUpdate
from xraybench.core.errors import BadValue
from xraybench.federate.weights import Weights, is_counter, running_statistics
from xraybench.models.timm_net import digest_of_weights

_MOST_NAMED = 3  # tensors named per fault: the reader needs examples, not a listing


@dataclass(frozen=True, slots=True)
class SiteUpdate:
    """What one site gives back in one round: the record, which everybody may read, and the weights it speaks of."""

    record: FederatedUpdate
    weights: Weights


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
    if not updates:
        raise BadValue("There is no update to average: a round needs at least one site.")
    order = sorted(updates)
    first = updates[order[0]]
    for site in order:
        if n_items.get(site, 0) < 1:
            raise BadValue(f"Site {site} gives {n_items.get(site, 'no count of')} items; a weight needs at least 1.")
        if faults := weight_faults(updates[site], like=first):
            raise BadValue(f"The update of site {site} cannot be averaged: {'; '.join(faults)}.")
    counts = np.array([n_items[site] for site in order], dtype=np.float64)
    return {name: _mean(name, [updates[site][name] for site in order], counts) for name in first}


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
    update: SiteUpdate, *, job: str, round_index: int, site: str, n_items: int, sent: Weights
) -> list[str]:
    """Every reason to turn an update away; empty for a good one.

    Args:
        update: What came back.
        job: Digest of the job and its sites, as the coordinator knows it.
        round_index: The round that is being closed, from 1.
        site: The site it was asked of.
        n_items: Count of items the site named when it joined: its weight may not change on the way.
        sent: The global weights the site was given.
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
    if not np.isfinite(record.loss):
        faults.append(f"loss is {record.loss}")
    if record.weights_digest != digest_of_weights(update.weights):
        faults.append("the weights are not those the record speaks of (another digest)")
    return faults + weight_faults(update.weights, like=sent)


def weights_for_site(weights: Weights, *, batch_norm: str, kept: Weights) -> Weights:
    """The weights a site starts a round from: the global ones, under `local_statistics` with its own statistics.

    Args:
        weights: The global weights.
        batch_norm: The job's rule, `average` or `local_statistics`.
        kept: The site's running statistics after its last round; empty before its first.
    """
    if batch_norm == "average" or not kept:
        return weights
    return {**weights, **kept}


def kept_statistics(weights: Weights, *, batch_norm: str) -> Weights:
    """What a site keeps of its own update for the next round: nothing, or its running statistics."""
    return {} if batch_norm == "average" else running_statistics(weights)


def _mean(name: str, arrays: list[np.ndarray], counts: np.ndarray) -> np.ndarray:
    first = arrays[0]
    if not np.issubdtype(first.dtype, np.floating):
        return np.maximum.reduce(arrays) if is_counter(name) else first
    total = np.zeros(first.shape, dtype=np.float64)
    for array, count in zip(arrays, counts, strict=True):
        total += array.astype(np.float64) * count
    return np.asarray(total / counts.sum(), dtype=first.dtype)


def _named(what: str, names: list[str]) -> list[str]:
    if not names:
        return []
    shown = ", ".join(names[:_MOST_NAMED])
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return [f"it {what} {'tensor' if len(names) == 1 else 'tensors'} {shown}{more}"]


def _kind(array: np.ndarray) -> str:
    return f"{array.dtype} {array.shape}"
