"""A federation with noise: it runs, says what it spent, and does not begin where an agreement allows less."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from persons import officer

from xraybench import federate
from xraybench.core.errors import BadParameter, Refused
from xraybench.data import agreement as agreements
from xraybench.federate import decisions, release
from xraybench.federate.site import planned_epsilon
from xraybench.models.timm_net import digest_of_weights

pytest.importorskip("opacus", reason="opacus is not installed; it comes with xraybench[privacy]")


@pytest.fixture
def parent(job):
    """The weights that the rounds go on from."""
    from xraybench.federate.rounds import first_weights

    return first_weights(job(), None)


def test_a_job_with_noise_runs_and_its_model_says_what_it_spent(sites, job, parent, tmp_path):
    asked = job(noise=1.0, n_rounds=2, parent=digest_of_weights(parent))
    run = federate.run(asked, sites, out=tmp_path / "run", init=parent)
    budget = run.net.signature.training["privacy_budget"]
    assert budget["epsilon"] > 0 and budget["delta"] == 1e-5 and budget["noise"] == 1.0
    after = {name: tensor.numpy() for name, tensor in run.net.net.state_dict().items()}
    moved = [name for name in after if not np.array_equal(after[name], parent[name])]
    assert moved and not any("running" in name for name in moved)
    assert (
        run.rounds["loss"].isna().all() and (run.rounds["rejected"] == "").all()
    )  # an exact loss would undo the noise


def test_a_site_whose_agreement_allows_less_keeps_out_before_any_training(sites, job, parent, tmp_path):
    (tmp_path / agreements.FILE).write_text(agreements.template(sites[0].name))
    tight = agreements.read_agreement(tmp_path).model_copy(update={"epsilon": 0.01})
    bound = (replace(sites[0], agreement=tight), *sites[1:])
    with pytest.raises(Refused, match="trains without noise"):
        federate.run(job(), bound, out=tmp_path / "plain")
    with pytest.raises(Refused, match=r"would spend an epsilon of .*allows 0\.01"):
        federate.run(job(noise=1.0, parent=digest_of_weights(parent)), bound, out=tmp_path / "noisy", init=parent)


def test_a_round_is_refused_too_where_the_coordinator_never_asked_the_site_to_join(sites, job, parent, tmp_path):
    (tmp_path / agreements.FILE).write_text(agreements.template(sites[0].name))
    tight = agreements.read_agreement(tmp_path).model_copy(update={"epsilon": 0.01})
    with pytest.raises(Refused, match="trains without noise"):
        replace(sites[0], agreement=tight).fit(parent, job(), 1)


def with_budget(site, epsilon, tmp_path):
    """The site with a privacy budget and the log that is its ledger."""
    (tmp_path / agreements.FILE).write_text(agreements.template(site.name))
    bound = agreements.read_agreement(tmp_path).model_copy(update={"epsilon": epsilon})
    return replace(site, agreement=bound, log=tmp_path / "ledger" / decisions.FILE)


def renyi(costs, delta):
    """Epsilon of Gaussian mechanisms without sampling, one pair (noise, n_steps) each: Mironov 2017, Corollary 3, by the
    conversion of Balle et al. 2020, Theorem 21."""
    orders = np.concatenate([np.arange(1.1, 11, 0.1), np.arange(12, 64)])
    divergence = orders * sum(steps / (2 * noise**2) for noise, steps in costs)
    return np.min(divergence + np.log1p(-1 / orders) - (np.log(delta) + np.log(orders)) / (orders - 1))


def test_the_ledger_composes_all_trainings_and_all_released_counts(tmp_path):
    log = tmp_path / decisions.FILE
    asked = {"site": "north", "party": "c", "action": "train", "purpose": "training", "point": "query", "reason": ""}
    whole = release.training_facts(n_rounds=3, noise=4.0, sample_rate=1.0, n_steps=2)
    assert release.epsilon_spent(log, job="a", training=whole) == pytest.approx(renyi([(4, 6)], 1e-5), rel=1e-6)
    decisions.write(log, subject="a", allowed=True, facts=whole, **asked)
    decisions.write(log, subject="b", allowed=False, facts=whole, **asked)  # was refused, so nothing was spent
    assert release.epsilon_spent(log) == pytest.approx(renyi([(4, 6)], 1e-5), rel=1e-6)  # all rounds, from the first on
    for _ in range(3):  # a round is asked for twice
        decisions.write(log, subject="a", allowed=True, facts=whole, **asked)
    assert release.epsilon_spent(log) == pytest.approx(renyi([(4, 8)], 1e-5), rel=1e-6)
    other = release.training_facts(n_rounds=1, noise=2.0, sample_rate=1.0, n_steps=5)
    trained = renyi([(4, 8), (2, 5)], 1e-5)
    assert release.epsilon_spent(log, job="c", training=other) == pytest.approx(trained, rel=1e-6)
    rho = 0.02
    counts = rho + 2 * np.sqrt(rho * np.log(1e6))
    found = release.epsilon_spent(log, rho=rho, job="c", training=other)
    assert found == pytest.approx(trained + counts, rel=1e-6)


def test_jobs_share_one_budget_and_the_one_that_would_exceed_it_is_refused_before_training(
    sites, job, parent, tmp_path
):
    asked = job(noise=2.0, n_rounds=2, parent=digest_of_weights(parent))
    one = planned_epsilon(asked, len(sites[0].train.items))
    north = with_budget(sites[0], 1.2 * one, tmp_path)
    federate.run(asked, [north, *sites[1:]], out=tmp_path / "first", init=parent, quiet=True)
    assert release.epsilon_spent(north.log) == pytest.approx(one)
    federate.run(asked, [north, *sites[1:]], out=tmp_path / "first", init=parent, quiet=True)  # the same run, read back
    second = asked.model_copy(update={"name": "second"})
    with pytest.raises(Refused, match=rf"would spend an epsilon of .* with the {one:.2f} that are spent, and its agr"):
        federate.run(second, [north, *sites[1:]], out=tmp_path / "second", init=parent, quiet=True)
    assert not (tmp_path / "second").exists()
    last = decisions.read(north.log)[-1]
    assert (last.point, last.allowed) == ("load", False) and "would spend an epsilon" in last.reason
    with pytest.raises(Refused, match="would spend an epsilon"):  # rounds that are asked for again cost again
        for _ in range(9):
            north.fit(parent, asked, 1)


def test_evaluations_and_trainings_share_one_budget(sites, job, parent, tmp_path):
    asked = job(noise=2.0, n_rounds=2, parent=digest_of_weights(parent))
    one = planned_epsilon(asked, len(sites[0].train.items))
    north = with_budget(sites[0], 1.2 * one, tmp_path)

    def count(name, rho):
        payload = release.Payload(name, name, "d", "coordinator", "benchmark", "counts", rho)
        release.release(payload, site="north", agreement=north.agreement, log=north.log, approve=release.unattended)

    count("q1", 1e-6)
    north.join(asked)
    north.fit(parent, asked, 1)
    with pytest.raises(Refused, match="epsilon would reach"):
        count("q2", (0.2 * one) ** 2 / 50)  # by itself far below the budget
    count("q3", 1e-6)


@pytest.mark.parametrize("what", ["counts", "training"])
def test_what_is_asked_for_at_one_moment_is_spent_one_after_the_other(sites, job, parent, tmp_path, monkeypatch, what):
    asked = job(noise=2.0, n_rounds=1, parent=digest_of_weights(parent))
    one = planned_epsilon(asked, len(sites[0].train.items))
    north = with_budget(sites[0], 1.2 * one, tmp_path)
    spent, both_asked = release.epsilon_spent, threading.Barrier(2, timeout=30)

    def slowly(log, **more):
        found = spent(log, **more)
        time.sleep(0.1)  # in which the other would look as well
        return found

    monkeypatch.setattr(release, "epsilon_spent", slowly)

    def once_both_asked(payload):
        both_asked.wait()
        return release.Answer(True, "a person")

    def spend(name):
        if what == "training":
            replace(north, approve=once_both_asked).fit(parent, asked.model_copy(update={"name": name}), 1)
        else:
            payload = release.Payload(name, name, "d", "coordinator", "benchmark", "counts", one**2 / 60)
            release.release(payload, site="north", agreement=north.agreement, log=north.log, approve=once_both_asked)

    with ThreadPoolExecutor(2) as pool:
        faults = [done.exception() for done in [pool.submit(spend, name) for name in ("first", "second")]]
    assert sorted(type(fault).__name__ for fault in faults) == ["NoneType", "Refused"], faults
    assert 0.5 * one < spent(north.log) <= 1.2 * one


def test_a_budget_without_a_ledger_is_none(sites, job, parent, tmp_path):
    north = with_budget(sites[0], 100.0, tmp_path)
    unkept = replace(north, log=None, dataset=replace(north.dataset, is_simulated=False), approve=officer)
    with pytest.raises(Refused, match="no log is kept that counts what is spent"):
        unkept.join(job(noise=1.0, parent=digest_of_weights(parent)))


def test_noise_without_a_parent_is_refused(job):
    with pytest.raises(BadParameter, match="name a parent"):
        job(noise=1.0)


def test_a_round_that_is_asked_for_again_needs_a_budget_of_its_own(sites, job, parent, tmp_path):
    asked = job(noise=1.0, n_rounds=2, parent=digest_of_weights(parent))
    enough = planned_epsilon(asked, len(sites[0].train.items))
    site = with_budget(sites[0], enough + 1e-6, tmp_path)
    site = replace(site, approve=officer)
    for index in (1, 2):
        site.fit(parent, asked, index)
    with pytest.raises(Refused, match="would spend an epsilon"):
        site.fit(parent, asked, 2)
    site.join(asked)  # a run that is over may still be joined: nothing more is spent
