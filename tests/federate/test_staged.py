"""Stages: who starts from whom, what is kept of it, and what a transfer matrix says."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from xraybench.core.documents import FederatedJob
from xraybench.core.errors import BadParameter, BadValue
from xraybench.federate import Site
from xraybench.federate.staged import (
    BASE_SENSOR_SITE,
    Stage,
    StagedPlan,
    StagedRun,
    gain_and_forgetting,
    make_stage,
    read_plan,
    run_stages,
    without_sensor,
)
from xraybench.models.timm_net import digest_of_weights, weights_of

Job = Callable[..., FederatedJob]
SHORT = StagedPlan(
    stages=[
        Stage(name="base", scope="all", n_rounds=1),
        Stage(name="sensor", scope="sensor", n_rounds=1, mu=0.1),
        Stage(name="site", scope="site", how="pooled", n_rounds=1, local_epochs=1, frozen=["backbone"]),
    ]
)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, sites: tuple[Site, ...]) -> StagedRun:
    """North and west scan on one sensor, south on another."""
    from xraybench.federate import make_job

    job = make_job(
        name="toy",
        architecture="test_resnet",
        threats=("firearm", "blade"),
        n_sites=3,
        image_px=32,
        batch_size=4,
        seed=7,
    )
    return run_stages(SHORT, job, sites, out=tmp_path_factory.mktemp("stages"), quiet=True)


def parameters(run: StagedRun, key: str, part: str) -> dict[str, np.ndarray]:
    return {name: w for name, w in weights_of(run.models[key].net).items() if name.startswith(part)}


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


def test_a_plan_makes_one_model_for_all_one_a_sensor_and_one_a_site(done: StagedRun) -> None:
    assert done.members == {
        "base": ("north", "south", "west"),
        "sensor-mail_140kv": ("south",),
        "sensor-mail_160kv": ("north", "west"),
        "site-north": ("north",),
        "site-south": ("south",),
        "site-west": ("west",),
    }
    assert done.parents == {
        "base": "",
        "sensor-mail_140kv": "base",
        "sensor-mail_160kv": "base",
        "site-north": "sensor-mail_160kv",
        "site-south": "sensor-mail_140kv",
        "site-west": "sensor-mail_160kv",
    }
    assert done.at_site("west") is done.models["site-west"]


def test_lineage_names_every_stage_by_the_digests_of_its_weights_and_its_data(
    done: StagedRun, sites: tuple[Site, ...]
) -> None:
    told = done.at_site("west").signature.training
    assert [stage["name"] for stage in told["stages"]] == ["base", "sensor", "site"]
    for before, after in zip(told["stages"], told["stages"][1:], strict=False):
        assert after["parent"] == before["weights"]
    assert told["stages"][0]["parent"] == ""
    assert told["parent"] == digest_of_weights(weights_of(done.models["sensor-mail_160kv"].net))
    west = sites[2].describe()
    assert told["stages"][2]["corpora"] == west.corpora
    assert told["sites"] == [{"name": "west", "n_items": west.n_items, "corpora": west.corpora}]
    assert json.dumps(told)
    assert {key: net.name for key, net in done.models.items()} == {key: f"toy-{key}" for key in done.models}


def test_a_frozen_part_stays_as_the_parent_left_it(done: StagedRun) -> None:
    assert same(parameters(done, "site-west", "backbone"), parameters(done, "sensor-mail_160kv", "backbone"))
    assert not same(parameters(done, "site-west", "items"), parameters(done, "sensor-mail_160kv", "items"))


def test_a_part_that_is_not_there_cannot_be_frozen(job: Job, sites: tuple[Site, ...], tmp_path: Path) -> None:
    plan = StagedPlan(stages=[Stage(name="base", scope="all", how="pooled", frozen=["backbon"])])
    with pytest.raises(BadParameter, match="no part of the network is called 'backbon'"):
        run_stages(plan, job(), sites, out=tmp_path, quiet=True)


def test_a_strong_pull_holds_a_model_to_its_parent(
    job: Job, done: StagedRun, sites: tuple[Site, ...], tmp_path: Path
) -> None:
    base = done.models["base"]

    def moved(mu: float) -> float:
        plan = StagedPlan(stages=[Stage(name="site", scope="site", how="pooled", n_rounds=3, local_epochs=1, mu=mu)])
        net = run_stages(plan, job(), sites[:1], out=tmp_path, init=base, quiet=True).at_site("north").net
        pairs = zip(net.parameters(), base.net.parameters(), strict=True)
        return float(sum(((p - q).detach() ** 2).sum() for p, q in pairs))

    assert moved(10.0) < 0.5 * moved(0.0)


def test_a_federated_stage_starts_from_its_parent(
    job: Job, done: StagedRun, sites: tuple[Site, ...], tmp_path: Path
) -> None:
    plan = StagedPlan(stages=[Stage(name="more", scope="all", n_rounds=1, learning_rate=1e-9)])
    more = run_stages(plan, job(), sites, out=tmp_path, init=done.models["base"], quiet=True).models["more"]
    assert more.signature.training["parent"] == done.models["base"].signature.weights_digest
    ours, parent = weights_of(more.net), weights_of(done.models["base"].net)
    assert all(ours[n] == pytest.approx(parent[n], abs=1e-6) for n in ours if n.endswith("conv.weight"))


def test_a_stage_that_widens_again_has_no_one_parent() -> None:
    with pytest.raises(BadValue, match="none may be wider"):
        read_plan('{"stages": [{"name": "a", "scope": "site"}, {"name": "b", "scope": "all"}]}')


def test_statistics_are_taken_anew_only_where_the_scans_are() -> None:
    with pytest.raises(BadValue, match="Stage a: statistics are taken anew where the scans are"):
        read_plan('{"stages": [{"name": "a", "scope": "all", "statistics": "anew"}]}')


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "Expecting"),
        ('{"stages": [{"name": "a", "scope": "country"}]}', "scope"),
        ('{"stages": [{"name": "a", "scope": "all"}, {"name": "a", "scope": "site"}]}', "Two stages are called a"),
        ('{"stages": []}', "stages"),
    ],
)
def test_what_is_no_plan_is_refused(text: str, words: str) -> None:
    with pytest.raises(BadValue, match=words):
        read_plan(text)


def test_a_plan_reads_back_as_it_was_written() -> None:
    assert read_plan(BASE_SENSOR_SITE.model_dump_json()) == BASE_SENSOR_SITE


def test_a_gain_is_at_home_and_forgetting_elsewhere() -> None:
    matrix = pd.DataFrame(
        {"north": [0.5, 0.7], "south": [0.6, 0.5], "west": [0.4, 0.1]}, index=["base", "site-north"], dtype=float
    )
    told = gain_and_forgetting(
        matrix, parents={"base": "", "site-north": "base"}, members={"site-north": ["north"]}
    ).iloc[0]
    assert told["gain"] == pytest.approx(0.2)
    assert told["forgetting"] == pytest.approx(0.2)  # mean of 0.1 and 0.3


def test_a_sensor_can_be_left_out_but_not_the_only_one(sites: tuple[Site, ...]) -> None:
    left, out = without_sensor(sites, "mail_140kv")
    assert [site.name for site in left] == ["north", "west"]
    assert [site.name for site in out] == ["south"]
    with pytest.raises(BadValue, match="leaves 1 of 1 sites"):
        without_sensor(out, "mail_160kv")


def test_a_stage_that_cannot_be_trained_is_refused_with_every_field() -> None:
    with pytest.raises(BadParameter, match=r"(?s)scope: .*'all', 'sensor' or 'site'.*got 'foo'.*mu: .*got '-1.0'"):
        make_stage(name="x", scope="foo", mu=-1.0)
    assert make_stage(name="x", scope="all").mu == 0.0
