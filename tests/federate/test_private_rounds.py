"""A federation with noise: it runs, says what it spent, and does not begin where an agreement allows less."""

from dataclasses import replace

import numpy as np
import pytest

from xraybench import federate
from xraybench.core.errors import BadParameter, Refused
from xraybench.data import agreement as agreements
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


def test_noise_without_a_parent_is_refused(job):
    with pytest.raises(BadParameter, match="name a parent"):
        job(noise=1.0)
