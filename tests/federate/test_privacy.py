"""Noise that is what it says it is, its price, and an attack that finds what is there to be found."""

import math
import random

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from xraybench.core.errors import BadValue, Refused
from xraybench.data import agreement as agreements
from xraybench.federate import privacy, release


@pytest.mark.parametrize("sigma", [0.4, 1.0, 3.7])
def test_draws_follow_the_discrete_gaussian(sigma, monkeypatch):
    monkeypatch.setattr("secrets.randbelow", random.Random(7).randrange)  # chance of its own would fail one run in some
    drawn = privacy.discrete_gaussian(sigma, 4000)
    reach = math.ceil(4 * sigma) + 1
    values = np.arange(-reach, reach + 1)
    weight = np.exp(-(values**2) / (2 * sigma**2))
    expected = weight / weight.sum() * len(drawn)
    counted = np.array([(drawn == value).sum() for value in values])
    common = expected >= 5
    seen, due = (
        np.append(counted[common], len(drawn) - counted[common].sum()),
        np.append(expected[common], expected[~common].sum()),
    )
    if due[-1] < 5:  # the rare ends join the last common value
        seen, due = np.append(seen[:-2], seen[-2:].sum()), np.append(due[:-2], due[-2:].sum())
    assert stats.chisquare(seen, due).pvalue > 1e-4


@pytest.mark.parametrize("sigma", [0.0, -1.0, math.inf, math.nan])
def test_a_spread_that_is_none_is_refused(sigma):
    with pytest.raises(BadValue):
        privacy.discrete_gaussian(sigma, 1)


@pytest.mark.parametrize(
    ("sigma", "releases", "tightest"),
    # epsilon at delta 1e-6 from privacy loss distributions (dp-accounting 0.6.0), which is the tightest there is
    [(5, 1, 0.83), (5, 12, 3.23), (5, 52, 7.46), (10, 1, 0.40), (10, 12, 1.51), (20, 1, 0.19), (20, 52, 1.58)],
)
def test_the_stated_epsilon_is_never_below_the_true_one_and_not_far_above(sigma, releases, tightest):
    stated = release.epsilon(releases * privacy.rho(sigma), 1e-6)
    assert tightest <= stated <= 1.45 * tightest + 0.01


def test_noise_costs_by_the_number_of_counts_that_an_item_appears_in():
    assert privacy.rho(10.0) == 0.005  # opendp's map for a scale of 10 and sensitivity 1
    assert privacy.rho(10.0, rows_an_item=4) == pytest.approx(0.02)
    with pytest.raises(BadValue):
        privacy.rho(0.0)


def test_others_are_compared_in_the_share_of_threats_that_the_members_have():
    members = pd.DataFrame({"is_threat": [True] * 10 + [False] * 30})
    others = pd.DataFrame({"is_threat": [True] * 40 + [False] * 60})
    assert privacy._like(members, others)["is_threat"].value_counts().to_dict() == {False: 60, True: 20}


def test_an_approval_of_an_earlier_asking_is_none_of_the_next(tmp_path):
    (tmp_path / "q1.approved").write_text("the officer on duty")
    payload = release.Payload("q1", "m1", "d1", "coordinator", "benchmark", "what leaves: counts")
    answered = release.by_file(tmp_path, timeout_s=0.0)(payload)
    assert not answered.approved and "no answer of a person" in answered.reason


def test_a_budget_does_not_begin_again_with_a_dataset_that_grew(tmp_path):
    (tmp_path / agreements.FILE).write_text(agreements.template("north"))
    agreed = agreements.read_agreement(tmp_path).model_copy(update={"releases": 1})
    log = tmp_path / "decisions.jsonl"

    def leave(data: str) -> None:
        payload = release.Payload(f"q-{data}", f"m-{data}", data, "coordinator", "benchmark", "counts")
        release.release(payload, site="north", agreement=agreed, log=log, approve=release.unattended)

    leave("d1")
    with pytest.raises(Refused, match="1 of 1 agreed releases are used"):
        leave("d2")


def test_an_overfitted_model_betrays_its_items_and_a_fair_one_does_not():
    rng = np.random.default_rng(0)
    truth = rng.random(600) < 0.5
    fair = np.clip(np.where(truth, 0.7, 0.3) + rng.normal(0, 0.2, 600), 0.01, 0.99)
    learned = np.where(truth, 0.999, 0.001)
    leaky = privacy.membership_inference(learned[:300], truth[:300], fair[300:], truth[300:])
    none = privacy.membership_inference(fair[:300], truth[:300], fair[300:], truth[300:])
    assert leaky.auroc > 0.95 and leaky.tpr_at_low_fpr > 0.9
    assert none.interval.low < 0.5 < none.interval.high
    assert none.tpr_at_low_fpr < 0.05
    with pytest.raises(BadValue, match="two of each"):
        privacy.membership_inference([0.5], [True], [0.5, 0.4], [True, False])
