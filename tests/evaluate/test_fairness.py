"""Groups at one threshold, judged by fairlearn, scipy and hand-made data."""

import math

import numpy as np
import pandas as pd
import pytest
from fairlearn.metrics import MetricFrame
from scipy import stats
from sklearn.metrics import recall_score

from xraybench import tasks
from xraybench.core.errors import BadValue
from xraybench.core.types import Dataset
from xraybench.evaluate import fairness, join, select
from xraybench.evaluate.fairness import Prior, beta_prior, gap_p, pooled_share

WIDE = tasks.get("mail-any-any-any-v1")


def made_rows(sizes: dict[str, int], pds: dict[str, float], seed: int = 0) -> pd.DataFrame:
    """Threat rows of items at sites of given sizes, each found with the site's own pd at threshold 0.5."""
    rng = np.random.default_rng(seed)
    parts = [
        pd.DataFrame({"site": site, "score": np.where(rng.random(n) < pds[site], 0.9, 0.1)})
        for site, n in sizes.items()
    ]
    rows = pd.concat(parts, ignore_index=True)
    return rows.assign(item=np.arange(len(rows)), is_threat=True, threat="firearm", concealment="masked", sensor="s")


def test_shares_by_scanner_and_site_are_fairlearns(dataset: Dataset, noisy) -> None:
    chosen = select(WIDE, join(dataset, noisy.predict(dataset.scans)))
    rows = chosen.rows.assign(site=np.where(chosen.rows["item"] % 3 == 0, "north", "south"))
    audit = fairness.protection(rows, 0.6)
    assert audit.by == ("sensor", "site")
    threats = rows[rows["is_threat"]]
    judge = MetricFrame(
        metrics=recall_score,
        y_true=np.ones(len(threats), dtype=int),
        y_pred=(threats["score"] >= 0.6).astype(int),
        sensitive_features=threats[["sensor", "site"]],
    )
    for group in audit.groups:
        assert group.value == pytest.approx(judge.by_group[tuple(group.name.split(" x "))])
        assert group.low < group.value < group.high
    assert audit.worst is not None
    assert audit.worst.value == pytest.approx(judge.by_group.min())
    assert audit.gap == pytest.approx(judge.difference())


def test_burden_counts_lawful_items_only(dataset: Dataset, noisy) -> None:
    chosen = select(WIDE, join(dataset, noisy.predict(dataset.scans)))
    audit = fairness.burden(chosen.rows, 0.6)
    benign = chosen.rows[~chosen.rows["is_threat"]]
    assert audit.n == len(benign)
    assert audit.overall == pytest.approx((benign["score"] >= 0.6).mean())
    assert "per 1,000" in audit.sentence()


def test_nine_threats_print_no_number_and_forty_nine_are_not_ranked() -> None:
    rows = made_rows({"a": 200, "b": 60, "c": 49, "d": 9}, {"a": 0.9, "b": 0.8, "c": 0.0, "d": 0.0})
    groups = {group.name: group for group in fairness.protection(rows, 0.5).groups}
    assert math.isnan(groups["d"].value) and groups["d"].reason == "insufficient: 9 items, 10 are needed"
    assert groups["c"].value == 0.0 and not groups["c"].is_ranked and "50 are needed" in groups["c"].reason
    worst = fairness.protection(rows, 0.5).worst
    assert worst is not None and worst.name == "b"


def test_items_that_two_scanners_saw_count_once_for_the_limits() -> None:
    rows = made_rows({"a": 200, "b": 60, "c": 12}, {"a": 0.9, "b": 0.8, "c": 0.5})
    rows = rows.assign(item=np.where(rows["site"] == "a", rows["item"], rows["item"] // 2))
    groups = {group.name: group for group in fairness.protection(rows, 0.5).groups}
    assert groups["b"].n == 60 and not groups["b"].is_ranked and "30 items" in groups["b"].reason
    assert math.isnan(groups["c"].value) and "6 items" in groups["c"].reason


def test_with_one_large_group_there_is_no_gap_and_a_reason() -> None:
    audit = fairness.protection(made_rows({"a": 200, "b": 20}, {"a": 0.9, "b": 0.2}), 0.5)
    assert math.isnan(audit.gap) and math.isnan(audit.p)
    assert audit.reason == "fewer than two groups have 50 items"
    assert "no gap can be told" in audit.sentence()


def test_without_a_threat_there_is_no_group_and_no_crash() -> None:
    rows = made_rows({"a": 20}, {"a": 0.9}).assign(is_threat=False)
    audit = fairness.protection(rows, 0.5)
    assert audit.groups == () and math.isnan(audit.overall)


def test_a_missing_column_or_threshold_is_refused() -> None:
    rows = made_rows({"a": 20}, {"a": 0.9})
    with pytest.raises(BadValue, match="no column shift"):
        fairness.protection(rows, 0.5, by=("shift",))
    with pytest.raises(BadValue, match="threshold"):
        fairness.protection(rows, math.nan)


def test_the_gap_of_two_groups_has_the_p_of_scipys_permutation_test() -> None:
    rows = made_rows({"a": 80, "b": 70}, {"a": 0.85, "b": 0.70}, seed=3)
    found = fairness.protection(rows, 0.5)
    alarm = (rows["score"] >= 0.5).to_numpy(float)
    judge = stats.permutation_test(
        (alarm[rows["site"] == "a"], alarm[rows["site"] == "b"]),
        lambda x, y: abs(x.mean() - y.mean()),
        n_resamples=20_000,
        alternative="greater",
        rng=np.random.default_rng(0),
    )
    assert found.p == pytest.approx(judge.pvalue, abs=0.03)


def test_two_scanners_of_the_same_items_are_compared_within_the_item() -> None:
    """Ninety items both scanners agree on, ten only the first finds: the paired p is McNemar's, not that of two crowds."""
    agree, only_first = np.repeat([1, 0], [45, 45]), 10
    first, second = np.r_[agree, np.ones(only_first)], np.r_[agree, np.zeros(only_first)]
    alarms = np.r_[first, second] > 0
    items, codes = np.tile(np.arange(100), 2), np.repeat([0, 1], 100)
    p = gap_p(alarms, codes, items, np.zeros(200, dtype=int), np.array([0, 1]), seed=1)
    assert p == pytest.approx(stats.binomtest(0, 10, 0.5).pvalue, abs=0.004)


def test_a_mix_of_threats_that_differs_between_sites_is_no_gap_within_strata() -> None:
    rng = np.random.default_rng(0)
    kind = np.repeat(["easy", "hard"], 300)
    site = np.where(rng.random(600) < np.where(kind == "easy", 0.8, 0.2), "a", "b")
    score = np.where(rng.random(600) < np.where(kind == "easy", 0.95, 0.4), 0.9, 0.1)
    rows = pd.DataFrame({"site": site, "score": score, "threat": kind, "concealment": "x", "item": np.arange(600)})
    audit = fairness.protection(rows.assign(is_threat=True), 0.5, by=("site",))
    assert audit.gap > 0.2 and audit.p > 0.05


def test_the_weight_of_a_law_is_scipys_beta_binomial_likelihood() -> None:
    k, n = np.array([40.0, 30, 55, 12, 20]), np.array([50.0, 50, 60, 30, 22])
    prior = beta_prior(k, n)
    assert prior.weight.sum() == pytest.approx(1.0)
    a, b = prior.mean * prior.strength, (1 - prior.mean) * prior.strength
    likelihood = stats.betabinom.logpmf(k[:, None], n[:, None], a, b).sum(axis=0) + np.log(
        prior.mean * (1 - prior.mean)
    )
    apart = np.log(prior.weight) - likelihood
    assert apart == pytest.approx(np.full(len(apart), apart[0]), abs=1e-6)


def test_a_share_under_one_law_is_the_beta_posterior() -> None:
    one = Prior(np.array([0.8]), np.array([20.0]), np.array([1.0]))
    mean, low, high = pooled_share(2, 10, one)
    assert mean == pytest.approx((2 + 16) / 30)
    assert (low, high) == pytest.approx(stats.beta(18, 12).interval(0.95), abs=1e-5)


def test_ten_large_groups_alike_are_pooled_as_sharply_as_by_a_grid_ten_times_as_fine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    k, n = np.full(10, 1600.0), np.full(10, 2000.0)
    told = pooled_share(1600, 2000, beta_prior(k, n))
    monkeypatch.setattr(fairness, "_N_MEANS", 2000)
    fine = pooled_share(1600, 2000, beta_prior(k, n))
    assert told == pytest.approx(fine, abs=5e-4)


def test_a_small_group_is_drawn_to_the_others_and_a_large_one_stays() -> None:
    k, n = np.array([80.0, 82, 79, 81, 2, 200]), np.array([100.0, 100, 100, 100, 10, 1000])
    prior = beta_prior(k[:5], n[:5])
    small, large = pooled_share(2, 10, prior), pooled_share(200, 1000, prior)
    assert 0.2 < small[0] < 0.8 and small[1] < small[0] < small[2]
    assert abs(large[0] - 0.2) < abs(small[0] - 0.2) / 4
    assert all(math.isnan(x) for x in pooled_share(2, 10, beta_prior(np.empty(0), np.empty(0))))


def test_facts_of_a_scan_become_columns(dataset: Dataset, noisy) -> None:
    chosen = select(WIDE, join(dataset, noisy.predict(dataset.scans)))
    scan = chosen.rows["scan_id"].iloc[0]
    facts = pd.DataFrame({"scan_id": [scan], "fact": ["lane"], "value": ["7"]})
    rows = fairness.with_facts(chosen, facts, ["lane"])
    assert rows.loc[rows["scan_id"] == scan, "lane"].tolist() == ["7"]
    assert set(rows["lane"]) == {"7", "unknown"}
    assert "lane" in fairness.protection(rows, 0.6).by
