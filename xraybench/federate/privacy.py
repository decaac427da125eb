"""Noise for counts that are released, its price, and what a model betrays of the items it learned from.

Differential privacy: noise of the discrete Gaussian is added inside the secure sum, each site a share of it, so that whoever
reads the sum cannot tell whether one item was in it. Against sites that work together and take their own shares off, less
noise remains: of n sites, n - 1 of which conspire, 1 / n of the variance.
"""

import math
import secrets
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from xraybench.core import vocabulary
from xraybench.core.errors import BadValue
from xraybench.core.types import Dataset, IntArray, Model
from xraybench.metrics import _checks, screening
from xraybench.metrics.intervals import Interval


def rho(noise: float, *, rows_an_item: int = 1) -> float:
    """Privacy that one noisy release spends (zero-concentrated differential privacy; releases add up).

    Args:
        noise: Standard deviation of the noise in each released count.
        rows_an_item: In how many of the released counts one item appears, each at most once.

    Source:
        Canonne, Kamath & Steinke 2020, The Discrete Gaussian for Differential Privacy, Theorem 4:
        rho = sensitivity^2 / (2 sigma^2), with an L2 sensitivity of sqrt(rows_an_item).
    """
    if noise <= 0 or rows_an_item < 1:
        raise BadValue(f"noise: {noise:g} with {rows_an_item} rows an item; above 0 and at least 1 are right.")
    return rows_an_item / (2.0 * noise * noise)


def discrete_gaussian(sigma: float, n: int) -> IntArray:
    """n exact draws from the discrete Gaussian of mean 0, from the system's randomness: no float rounding leaks anything.

    Args:
        sigma: Parameter of the distribution, above 0; its standard deviation is at most that.
        n: How many.

    Source:
        Canonne, Kamath & Steinke 2020, Algorithms 1 to 3.
    """
    if not sigma > 0 or not math.isfinite(sigma):
        raise BadValue(f"sigma: {sigma} is not above 0.")
    squared = Fraction(sigma) ** 2
    step = math.floor(sigma) + 1

    def draw() -> int:
        while True:
            found = _discrete_laplace(step)
            if _happens((Fraction(abs(found)) - squared / step) ** 2 / (2 * squared)):
                return found

    return np.array([draw() for _ in range(n)], dtype=np.int64)


def _happens(gamma: Fraction) -> bool:
    """True with probability exp(-gamma), gamma >= 0."""
    while gamma > 1:
        if not _happens_small(Fraction(1)):
            return False
        gamma -= 1
    return _happens_small(gamma)


def _happens_small(gamma: Fraction) -> bool:
    """As `_happens` for gamma in [0, 1]: the parity of a run of coins of chance gamma / k."""
    k = 1
    while secrets.randbelow(gamma.denominator * k) < gamma.numerator:
        k += 1
    return k % 2 == 1


def _discrete_laplace(scale: int) -> int:
    """A draw with probability proportional to exp(-|x| / scale)."""
    while True:
        part = secrets.randbelow(scale)
        if not _happens(Fraction(part, scale)):
            continue
        whole = 0
        while _happens(Fraction(1)):
            whole += 1
        size = part + scale * whole
        negative = secrets.randbelow(2) == 1
        if not (negative and size == 0):
            return -size if negative else size


@dataclass(frozen=True, slots=True)
class MembershipInference:
    """How well an attacker with the model's scores and an item's label tells items that were learned from."""

    auroc: float  # 0.5: not at all
    interval: Interval
    tpr_at_low_fpr: float  # share of the learned items that are told at 1 % of the others; 0.01: not at all
    n_members: int
    n_others: int


LOW_FPR = 0.01


def membership_inference(
    member_scores: ArrayLike, member_is_threat: ArrayLike, other_scores: ArrayLike, other_is_threat: ArrayLike
) -> MembershipInference:
    """The loss attack: an item with a low loss is said to have been learned from. A figure for the release of weights.

    It is the weakest attack that is any use, so it bounds the leak from below: a value near 0.5 proves nothing.

    Args:
        member_scores: Scores in [0, 1] of items in the training data, shape (n,).
        member_is_threat: Their labels.
        other_scores: Scores of items of the same kind that were not, shape (m,).
        other_is_threat: Their labels.

    Raises:
        BadValue: Fewer than two items on a side.

    Source:
        Yeom et al. 2018, Privacy Risk in Machine Learning; the rate at a low false-positive rate: Carlini et al. 2022,
        Membership Inference Attacks From First Principles.
    """
    members, others = _losses(member_scores, member_is_threat), _losses(other_scores, other_is_threat)
    if min(len(members), len(others)) < 2:
        raise BadValue(f"{len(members)} learned and {len(others)} other items: two of each at least are needed.")
    threshold = screening.threshold_at_pfa(-others, LOW_FPR)
    return MembershipInference(
        screening.auroc(-members, -others),
        screening.auroc_interval(-members, -others),
        float(np.mean(-members >= threshold)),
        len(members),
        len(others),
    )


def membership_of(model: Model, dataset: Dataset, track: str) -> MembershipInference:
    """The attack on a model at a site that it learned from: its train items against its calibration and test items.

    Args:
        model: Gives scores.
        dataset: The site's scans, all splits.
        track: What the model looks at.

    Raises:
        BadValue: The dataset has no train items, or none of the others.
    """
    table = model.predict(dataset.track(track)).table
    scores = table[(table["record"] == "score") & (table["target"] == vocabulary.ANY)].set_index("scan_id")["score"]
    scans = dataset.scans.table.merge(dataset.items[["item_id", "split"]], on="item_id").set_index("scan_id")
    said = scores.reindex(scans.index)
    scans = scans.assign(score=said, is_threat=scans.index.isin(dataset.objects["scan_id"])).dropna(subset=["score"])
    members, others = scans[scans["split"] == "train"], scans[scans["split"] != "train"]
    others = _like(members, others)
    return membership_inference(members["score"], members["is_threat"], others["score"], others["is_threat"])


def _like(members: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame:
    """As many of the others as have threats in the same share: losses differ by kind, and no model need have learned a scan
    for that difference to look like a leak."""
    kinds = [(kind, int(n)) for kind, n in members["is_threat"].value_counts().items()]
    times = min((int((others["is_threat"] == kind).sum()) / n for kind, n in kinds), default=0.0)
    drawn = [
        others[others["is_threat"] == kind].sample(math.floor(times * n + 1e-9), random_state=0) for kind, n in kinds
    ]
    return pd.concat(drawn) if drawn else others


def _losses(scores: ArrayLike, is_threat: ArrayLike) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    array = _checks.shares(scores, "scores")
    truth = _checks.truths(is_threat, len(array))
    return np.asarray(-np.log(np.clip(np.where(truth, array, 1.0 - array), 1e-12, 1.0)), dtype=np.float64)
