"""The laws of every aggregator, the ones that set each apart, and the papers' own formulas as judges."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy import spatial, stats

from xraybench import federate, train
from xraybench.core.documents import FederatedJob
from xraybench.core.errors import BadParameter, BadValue, UnknownName
from xraybench.federate import Site, SiteUpdate
from xraybench.federate.aggregate import (
    AGGREGATORS,
    VARIANTS,
    Aggregated,
    aggregate,
    clipped,
    fedadam,
    kept_statistics,
    trimmed_mean,
    update_norm,
    variants_named,
    weights_for_site,
)
from xraybench.federate.weights import Weights
from xraybench.models.timm_net import digest_of_weights

Job = Callable[..., FederatedJob]
SITES = ("a", "b", "c", "d", "e")
NORMS = ["norm.weight", "norm.bias", "norm.running_mean", "norm.running_var", "norm.num_batches_tracked"]


def network(seed: int) -> Weights:
    """A convolution and the BatchNorm behind it."""
    rng = np.random.default_rng(seed)
    drawn = {name: rng.normal(size=4).astype(np.float32) for name in NORMS[:-1]}
    conv = {"conv.weight": rng.normal(size=(4, 2, 3, 3)).astype(np.float32)}
    return conv | drawn | {"norm.num_batches_tracked": np.array(seed, dtype=np.int64)}


def joined(job: FederatedJob, updates: dict[str, Weights], server: Weights | None = None) -> Aggregated:
    counts = {site: 10 * (SITES.index(site) + 1) for site in updates}
    return aggregate(job, sent=network(0), updates=updates, n_items=counts, server=server or {})


def moved(weights: Weights, times: float, *, sent: Weights) -> Weights:
    """The update with its change multiplied."""
    return {
        name: (sent[name] + times * (value - sent[name])).astype(value.dtype) if value.dtype == np.float32 else value
        for name, value in weights.items()
    }


def same(one: Weights, other: Weights) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("aggregator", AGGREGATORS)
def test_the_order_of_arrival_never_shows(job: Job, aggregator: str) -> None:
    updates = {site: network(n + 1) for n, site in enumerate(SITES)}
    asked = job(aggregator=aggregator, clip=1.5)
    backwards = joined(asked, {site: updates[site] for site in SITES[::-1]})
    assert same(joined(asked, updates).weights, backwards.weights)
    assert same(joined(asked, updates).server, backwards.server)


@pytest.mark.parametrize("aggregator", AGGREGATORS)
def test_names_shapes_and_types_survive(job: Job, aggregator: str) -> None:
    out = joined(job(aggregator=aggregator), {site: network(n + 1) for n, site in enumerate(SITES)}).weights
    assert {name: (w.shape, w.dtype) for name, w in out.items()} == {
        name: (w.shape, w.dtype) for name, w in network(0).items()
    }
    assert out["norm.num_batches_tracked"] == 5  # the largest, never a mean


@pytest.mark.parametrize("aggregator", ["fedavg", "trimmed_mean", "screened_mean"])
def test_what_all_sites_say_is_what_comes_out(job: Job, aggregator: str) -> None:
    out = joined(job(aggregator=aggregator), dict.fromkeys(SITES, network(3))).weights
    assert all(out[name] == pytest.approx(value, abs=1e-6) for name, value in network(3).items())


@pytest.mark.parametrize("aggregator", AGGREGATORS)
def test_a_round_in_which_nobody_learned_moves_no_parameter(job: Job, aggregator: str) -> None:
    out = joined(job(aggregator=aggregator, clip=2.0), dict.fromkeys(SITES, network(0))).weights
    assert all(out[name] == pytest.approx(value, abs=1e-6) for name, value in network(0).items())


@pytest.mark.parametrize("aggregator", AGGREGATORS)
def test_every_aggregator_refuses_nan_and_nothing(job: Job, aggregator: str) -> None:
    broken = network(1)
    broken["conv.weight"][0, 0, 0, 0] = np.nan
    with pytest.raises(BadValue, match=r"site b .*NaN or infinity in tensor conv\.weight"):
        joined(job(aggregator=aggregator), {"a": network(1), "b": broken, "c": network(2)})
    with pytest.raises(BadValue, match="no update"):
        joined(job(aggregator=aggregator), {})


def test_the_trimmed_mean_is_scipys() -> None:
    updates = {site: network(n + 1) for n, site in enumerate(SITES)}
    stack = np.stack([u["conv.weight"] for u in updates.values()]).astype(float)
    out = trimmed_mean(updates, trim=0.2)["conv.weight"]
    assert out == pytest.approx(stats.trim_mean(stack, 0.2, axis=0), abs=1e-6)


def test_the_trimmed_mean_drops_one_of_five_whatever_it_says() -> None:
    honest = {site: network(n + 1) for n, site in enumerate(SITES[:4])}
    low = min(float(u["conv.weight"].min()) for u in honest.values())
    high = max(float(u["conv.weight"].max()) for u in honest.values())
    for times in (100.0, -100.0):
        out = trimmed_mean(honest | {"e": moved(network(5), times, sent=network(0))}, trim=0.2)["conv.weight"]
        assert low <= out.min() <= out.max() <= high


def test_a_trimmed_mean_of_too_few_is_refused() -> None:
    with pytest.raises(BadValue, match="Of 2 updates, 1 are to be dropped at either end: none is left"):
        trimmed_mean({"a": network(1), "b": network(2)}, trim=0.2)


@pytest.mark.parametrize("aggregator", ["trimmed_mean", "screened_mean"])
def test_a_count_of_items_does_not_outvote_a_robust_mean(job: Job, aggregator: str) -> None:
    updates = {site: network(n + 1) for n, site in enumerate(SITES)}
    asked = job(aggregator=aggregator)
    loud = aggregate(asked, sent=network(0), updates=updates, n_items=dict.fromkeys(SITES, 1) | {"e": 10**6}, server={})
    assert same(loud.weights, joined(asked, updates).weights)


def rounds_of(job: Job, hostile: dict[str, float], *, n_rounds: int, away: int = -1) -> list[Aggregated]:
    """Rounds in which every site moves along one direction under 20 times as much noise of its own."""
    asked, server, found = job(aggregator="screened_mean", clip=1.0), Weights(), []
    rng = np.random.default_rng(1)
    direction = network(9)
    for index in range(n_rounds):
        updates = {}
        for site in SITES:
            update = moved(direction, 0.05, sent=network(0))
            update["conv.weight"] = update["conv.weight"] + rng.normal(scale=0.2, size=(4, 2, 3, 3)).astype(np.float32)
            updates[site] = moved(update, hostile.get(site, 1.0), sent=network(0))
        if index == away:
            del updates["b"]
        found.append(joined(asked, updates, server))
        server = found[-1].server
    return found


def test_the_screened_mean_leaves_out_the_site_that_is_reversed_and_no_other(job: Job) -> None:
    late = rounds_of(job, {"e": -1.0}, n_rounds=30)[10:]
    assert [set(closed.left_out) for closed in late] == [{"e"}] * 20
    assert "point against those of the other sites (cosine -" in late[-1].left_out["e"]
    assert sum(len(closed.left_out) for closed in rounds_of(job, {}, n_rounds=30)[10:]) == 0


def test_the_screened_mean_weighs_by_the_cosine_of_what_it_remembers(job: Job) -> None:
    """Judged by scipy on the memories as they were handed on."""
    closed = rounds_of(job, {"d": -1.0, "e": -1.0}, n_rounds=12)[-1]
    memory = {
        site: np.concatenate([closed.server[f"memory/{site}/{n}"].ravel() for n in ("conv.weight", *NORMS[:2])])
        for site in SITES
    }
    cosines = {
        site: 1 - spatial.distance.cosine(memory[site], sum(memory[other] for other in SITES if other != site))
        for site in SITES
    }
    most_opposed = min(cosines, key=lambda site: cosines[site])
    assert set(closed.left_out) == {most_opposed}  # one of five at most, although two are hostile
    assert f"(cosine {cosines[most_opposed]:.2f})" in closed.left_out[most_opposed]


def test_a_site_that_misses_a_round_is_remembered_as_it_was(job: Job) -> None:
    before, missed = rounds_of(job, {}, n_rounds=4, away=3)[2:]
    kept = [name for name in before.server if name.startswith("memory/b/")]
    assert kept and all(np.array_equal(before.server[name], missed.server[name]) for name in kept)


def test_a_round_says_whom_it_left_out_and_why(job: Job, sites: tuple[Site, ...], tmp_path: Path) -> None:
    """The reversed site's update is kept with the round and not used; two sites of three decide."""
    reversed_ = type("Reversed", (HostileSite,), {"times": -1.0})
    mixed = [reversed_(site.name, site.dataset) if site.name == "west" else site for site in sites]
    run = federate.run(job(n_rounds=8, **VARIANTS["screened_mean"]), mixed, out=tmp_path, quiet=True)
    of_west = run.rounds[run.rounds["site"] == "west"]["rejected"]
    assert of_west.str.contains("point against those of the other sites").sum() >= 4
    assert "round 8: closed without west: its changes so far point against" in Path(tmp_path, "log.txt").read_text()


def test_fedadam_is_the_formula_of_its_paper() -> None:
    rng = np.random.default_rng(0)
    x, m, v, server = np.zeros(6), np.zeros(6), np.full(6, 1e-6), Weights()
    sent = {"w": x.astype(np.float32)}
    for _ in range(4):
        delta = rng.normal(size=6)
        m = 0.9 * m + 0.1 * delta  # algorithm 2 of Reddi et al., line by line
        v = 0.99 * v + 0.01 * delta**2
        x = x + 0.05 * m / (np.sqrt(v) + 1e-3)
        step = fedadam(sent, {"w": (sent["w"] + delta).astype(np.float32)}, rate=0.05, server=server)
        sent, server = step.weights, step.server
    assert sent["w"] == pytest.approx(x, abs=1e-5)


def test_the_server_does_not_optimise_what_was_counted(job: Job) -> None:
    updates = {site: network(n + 1) for n, site in enumerate(SITES)}
    adam, mean = joined(job(aggregator="fedadam"), updates), joined(job(), updates)
    assert same(*({n: w for n, w in one.weights.items() if "running" in n} for one in (adam, mean)))
    assert not np.array_equal(adam.weights["conv.weight"], mean.weights["conv.weight"])
    assert sorted(adam.server) == sorted(
        f"{moment}/{name}" for moment in ("first", "second") for name in ("conv.weight", "norm.weight", "norm.bias")
    )
    assert mean.server == {}


def test_a_long_update_is_shortened_to_the_multiple_of_the_median() -> None:
    sent = network(0)
    updates = {site: moved(network(n + 1), 1.0, sent=sent) for n, site in enumerate(SITES)}
    updates["e"] = moved(updates["e"], 100.0, sent=sent)
    for names in (["conv.weight", "norm.weight", "norm.bias"], ["norm.running_mean", "norm.running_var"]):
        norms = {site: update_norm(u, sent=sent, names=names) for site, u in updates.items()}
        out = clipped(updates, sent=sent, times_median=1.5)
        after = {site: update_norm(u, sent=sent, names=names) for site, u in out.items()}
        longest = 1.5 * np.median(list(norms.values()))
        assert after["e"] == pytest.approx(longest, rel=1e-5)
        ways = [np.concatenate([(u["e"][n] - sent[n]).ravel() for n in names]) for u in (updates, out)]
        assert ways[0] @ ways[1] == pytest.approx(np.linalg.norm(ways[0]) * np.linalg.norm(ways[1]), rel=1e-4)


def test_an_update_of_ordinary_length_is_left_bit_for_bit() -> None:
    updates = {site: network(n + 1) for n, site in enumerate(SITES)}
    out = clipped(updates, sent=network(0), times_median=3.0)
    assert all(same(out[site], updates[site]) for site in SITES)


@pytest.mark.parametrize(("rule", "local"), [("average", []), ("local_statistics", NORMS[2:]), ("local", NORMS)])
def test_a_mask_leaves_its_tensors_at_the_site_and_no_others(rule: str, local: list[str]) -> None:
    mine, everybodys = network(1), network(2)
    start = weights_for_site(everybodys, batch_norm=rule, kept=kept_statistics(mine, batch_norm=rule))
    for name in mine:
        assert np.array_equal(start[name], (mine if name in local else everybodys)[name]), name


def test_before_its_first_round_a_site_has_nothing_of_its_own() -> None:
    assert same(weights_for_site(network(2), batch_norm="local", kept={}), network(2))


@pytest.mark.parametrize(
    "field", [{"trim": 0.5}, {"proximal": -1.0}, {"clip": -0.1}, {"server_rate": 0.0}, {"aggregator": "krum"}]
)
def test_numbers_that_no_aggregator_can_use_are_refused(job: Job, field: dict[str, object]) -> None:
    with pytest.raises(BadParameter, match=next(iter(field))):
        job(**field)


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_that_papers_name_is_a_job(job: Job, name: str) -> None:
    changed = job(**VARIANTS[name]).model_dump()
    assert {field for field, value in job().model_dump().items() if changed[field] != value} <= VARIANTS[name].keys()
    assert changed != job().model_dump()


class HostileSite(Site):
    """A site that sends its change a hundred times over."""

    times = 100.0

    def fit(self, weights: Weights, job: FederatedJob, index: int, *, kept: Weights | None = None) -> SiteUpdate:
        update = super().fit(weights, job, index, kept=kept)
        sent = moved(update.weights, self.times, sent=weights)
        return SiteUpdate(update.record.model_copy(update={"weights_digest": digest_of_weights(sent)}), sent)


def test_a_hostile_site_wrecks_the_mean_and_not_the_trimmed_mean(
    job: Job, sites: tuple[Site, ...], tmp_path: Path
) -> None:
    mixed = [HostileSite(site.name, site.dataset) if site.name == "west" else site for site in sites]

    def loss(aggregator: str, among: list[Site] | tuple[Site, ...]) -> float:
        asked = job(aggregator=aggregator, trim=0.3, n_rounds=4)
        run = federate.run(asked, among, out=tmp_path / f"{aggregator}-{among is mixed}", quiet=True)
        return train.loss_of(run.net.net, sites[0].prepared(asked))

    honest = loss("trimmed_mean", sites)
    assert loss("trimmed_mean", mixed) < 1.5 * honest
    assert not loss("fedavg", mixed) < 3 * honest


def test_variants_are_named_as_the_notebook_says_and_an_unknown_one_is_refused() -> None:
    every = list(VARIANTS)
    assert [variants_named(text, profile="smoke") for text in ("auto", "all", "none", "")] == [every, every, [], []]
    assert variants_named("auto", profile="quick") == []
    assert variants_named("fedbn, fedprox", profile="quick") == ["fedbn", "fedprox"]
    with pytest.raises(UnknownName, match=r"(?s)called 'foo'.*called 'fedpro'.*Did you mean 'fedprox'"):
        variants_named("foo,fedbn,fedpro", profile="smoke")
