"""Runs over real small sites: what a round computes, what is turned away, and what survives a stop."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from persons import officer

from xraybench import data, federate, train
from xraybench.core.documents import FederatedJob
from xraybench.core.errors import BadFile, BadValue, CheckFailed, DigestMismatch, UnknownName
from xraybench.core.types import Dataset
from xraybench.data import agreement as agreements
from xraybench.data.agreement import Agreement
from xraybench.federate import Site, SiteUpdate
from xraybench.federate.checkpoint import held
from xraybench.federate.job import site_seed
from xraybench.federate.site import round_learning_rate, signature_of
from xraybench.federate.weights import Weights, running_statistics
from xraybench.models.timm_net import digest_of_weights, net_of, read_weights, weights_of

Job = Callable[..., FederatedJob]


class SiteThatStops(Site):
    """A site whose machine is switched off in round 2."""

    def fit(self, weights: Weights, job: FederatedJob, index: int, *, kept: Weights | None = None) -> SiteUpdate:
        if index == 2:
            raise KeyboardInterrupt
        return super().fit(weights, job, index, kept=kept)


class SiteThatDiverges(Site):
    """A site whose training ran away: its first tensor is NaN."""

    def fit(self, weights: Weights, job: FederatedJob, index: int, *, kept: Weights | None = None) -> SiteUpdate:
        update = super().fit(weights, job, index, kept=kept)
        first = next(iter(update.weights))
        weights = update.weights | {first: np.full_like(update.weights[first], np.nan)}
        return SiteUpdate(update.record.model_copy(update={"weights_digest": digest_of_weights(weights)}), weights)


class SiteWithoutDisk(Site):
    """A site whose scans cannot be read."""

    def fit(self, weights: Weights, job: FederatedJob, index: int, *, kept: Weights | None = None) -> SiteUpdate:
        raise OSError("the scans' disk is gone")


def with_one(sites: Sequence[Site], name: str, kind: type[Site]) -> list[Site]:
    return [kind(site.name, site.dataset) if site.name == name else site for site in sites]


def play(job: FederatedJob, sites: Sequence[Site], out: Path) -> federate.FederatedRun:
    return federate.run(job, sites, out=out, quiet=True)


def same(a: Weights, b: Weights) -> bool:
    return a.keys() == b.keys() and all(a[name].tobytes() == b[name].tobytes() for name in a)


def files_of(out: Path) -> dict[str, bytes]:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


def test_one_site_trains_as_if_it_were_alone(job: Job, sites: tuple[Site, ...], tmp_path: Path) -> None:
    asked = job(n_sites=1, n_rounds=2)
    run = play(asked, sites[:1], tmp_path)
    net = net_of(signature_of(asked), seed=asked.seed)
    data = train.prepare(sites[0].train, signature_of(asked))
    for index in (1, 2):
        seed = site_seed(asked, sites[0].name, index)
        rate = round_learning_rate(asked, index)
        train.fit(net, data, epochs=1, batch_size=4, learning_rate=rate, seed=seed, schedule="constant")
    assert same(weights_of(run.net.net), weights_of(net))


def test_a_round_is_the_item_weighted_mean_of_what_the_sites_send(
    job: Job, sites: tuple[Site, ...], tmp_path: Path
) -> None:
    asked = job(n_rounds=1)
    after = weights_of(play(asked, sites, tmp_path).net.net)
    start = read_weights(tmp_path / "round_000" / "global.safetensors")
    updates = [site.fit(start, asked, 1) for site in sites]
    counts = [update.record.n_items for update in updates]
    for name, value in after.items():
        if value.dtype == np.float32:
            judge = np.average([u.weights[name].astype(float) for u in updates], axis=0, weights=counts)
            assert value == pytest.approx(judge, rel=1e-6, abs=1e-7), name


def test_the_order_in_which_sites_are_named_does_not_show(job: Job, sites: tuple[Site, ...], tmp_path: Path) -> None:
    forward = play(job(n_rounds=1), sites, tmp_path / "a")
    backward = play(job(n_rounds=1), sites[::-1], tmp_path / "b")
    assert same(weights_of(forward.net.net), weights_of(backward.net.net))


@pytest.mark.parametrize("rule", ["average", "local_statistics"])
def test_a_stopped_run_ends_in_the_same_bits(
    job: Job, corpora: dict[str, Dataset], sites: tuple[Site, ...], tmp_path: Path, rule: str
) -> None:
    asked = job(batch_norm=rule)
    whole = play(asked, sites, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        play(asked, with_one(sites, "south", SiteThatStops), tmp_path / "stopped")
    assert not (tmp_path / "stopped" / "round_002").exists()
    (tmp_path / "stopped" / ".round_half").mkdir()  # what a kill during writing leaves
    again = play(asked, [Site(site.name, site.dataset) for site in sites], tmp_path / "stopped")
    assert files_of(tmp_path / "stopped") == files_of(tmp_path / "whole")
    assert same(weights_of(again.net.net), weights_of(whole.net.net))
    assert again.net.signature == whole.net.signature
    pd.testing.assert_frame_equal(again.rounds, whole.rounds)


def test_a_finished_run_is_read_back_without_training(job: Job, sites: tuple[Site, ...], tmp_path: Path) -> None:
    first = play(job(n_rounds=1), sites, tmp_path)
    second = play(job(n_rounds=1), [SiteWithoutDisk(site.name, site.dataset) for site in sites], tmp_path)
    assert same(weights_of(first.net.net), weights_of(second.net.net))
    pd.testing.assert_frame_equal(first.rounds, second.rounds)


def test_a_folder_holds_json_and_safetensors_only(job: Job, sites: tuple[Site, ...], tmp_path: Path) -> None:
    play(job(n_rounds=1, batch_norm="local_statistics"), sites, tmp_path)
    names = files_of(tmp_path)
    assert {Path(name).suffix for name in names} == {".json", ".safetensors"}
    assert {"job.json", "round_001/global.safetensors", "round_001/updates/south.json"} <= names.keys()
    assert "round_001/state/south.safetensors" in names


def test_no_scan_or_item_is_named_in_what_leaves_a_site(job: Job, sites: tuple[Site, ...], tmp_path: Path) -> None:
    play(job(n_rounds=1), sites, tmp_path)
    said = b"".join(content for name, content in files_of(tmp_path).items() if name.endswith(".json")).decode()
    assert not any(item in said for site in sites for item in site.train.items["item_id"])


def test_an_update_with_nan_is_turned_away_with_its_reason(job: Job, sites: tuple[Site, ...], tmp_path: Path) -> None:
    run = play(job(n_rounds=1, quorum=2), with_one(sites, "west", SiteThatDiverges), tmp_path)
    rows = run.rounds.set_index("site")
    assert "NaN or infinity in tensor" in rows.loc["west", "rejected"]
    assert np.isnan(rows.loc["west", "loss"])
    assert list(rows["rejected"][["north", "south"]]) == ["", ""]
    assert all(np.isfinite(value).all() for value in weights_of(run.net.net).values())
    assert not (tmp_path / "round_001" / "updates" / "west.json").exists()


def test_a_site_that_cannot_read_its_scans_costs_the_round_one_site(
    job: Job, sites: tuple[Site, ...], tmp_path: Path
) -> None:
    run = play(job(n_rounds=1, quorum=2), with_one(sites, "west", SiteWithoutDisk), tmp_path)
    assert run.rounds.set_index("site").loc["west", "rejected"] == "the scans' disk is gone"


def test_a_round_below_its_quorum_is_not_closed(job: Job, sites: tuple[Site, ...], tmp_path: Path) -> None:
    with pytest.raises(CheckFailed, match=r"2 usable updates and its quorum is 3(.|\n)*west: it has NaN"):
        play(job(), with_one(sites, "west", SiteThatDiverges), tmp_path)
    assert not (tmp_path / "round_001").exists()


def test_a_site_that_does_not_answer_is_told_apart_from_one_that_does(job: Job, sites: tuple[Site, ...]) -> None:
    asked = job(quorum=1)
    start = weights_of(net_of(signature_of(asked), seed=asked.seed))
    north = sites[0].fit(start, asked, 1)
    described = [site.describe() for site in sites]
    closed = federate.close_round(asked, described, index=1, sent=start, answers={"north": north, "west": ""})
    assert [row.rejected for row in closed.rows] == ["", "it did not answer", "it gave no update and no reason"]
    assert same(closed.weights, north.weights)


def test_a_run_where_every_site_fails_is_never_silent(job: Job, sites: tuple[Site, ...], tmp_path: Path) -> None:
    with pytest.raises(CheckFailed, match="0 usable updates"):
        play(job(quorum=1), [SiteWithoutDisk(site.name, site.dataset) for site in sites], tmp_path)


def test_a_second_process_waits_and_finds_the_work_done(
    job: Job, sites: tuple[Site, ...], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with ThreadPoolExecutor() as threads:
        with held(tmp_path):
            waiting = threads.submit(play, job(n_rounds=1), sites, tmp_path)
            while "another process trains here" not in capfd.readouterr().err:
                assert not waiting.done()
            assert not (tmp_path / "job.json").exists()
        assert waiting.result().net.name == "toy"


def test_another_job_may_not_use_the_folder(job: Job, sites: tuple[Site, ...], tmp_path: Path) -> None:
    play(job(n_rounds=1), sites, tmp_path)
    with pytest.raises(DigestMismatch, match=r"learning_rate is [0-9.]+ there and 0\.1 here"):
        play(job(n_rounds=1, learning_rate=0.1), sites, tmp_path)


def test_the_same_job_over_other_data_may_not_use_the_folder(job: Job, sites: tuple[Site, ...], tmp_path: Path) -> None:
    play(job(n_rounds=1), sites, tmp_path)
    item_ids = sites[0].dataset.items["item_id"]
    fewer = replace(sites[0], dataset=sites[0].dataset.where(item_ids != item_ids[0]))
    with pytest.raises(DigestMismatch, match="site north holds other data"):
        play(job(n_rounds=1), [fewer, *sites[1:]], tmp_path)


def test_a_damaged_checkpoint_says_how_to_go_on(job: Job, sites: tuple[Site, ...], tmp_path: Path) -> None:
    whole = play(job(n_rounds=2), sites, tmp_path)
    damaged = tmp_path / "round_002" / "global.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-100])
    with pytest.raises(BadFile, match="Remove round_002 to go on"):
        play(job(n_rounds=2), sites, tmp_path)
    for path in sorted((tmp_path / "round_002").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    (tmp_path / "round_002").rmdir()
    assert same(weights_of(play(job(n_rounds=2), sites, tmp_path).net.net), weights_of(whole.net.net))


def test_under_local_statistics_each_site_keeps_its_own(job: Job, sites: tuple[Site, ...], tmp_path: Path) -> None:
    run = play(job(n_rounds=2, batch_norm="local_statistics"), sites, tmp_path)
    at_north, at_south = weights_of(run.at_site("north").net), weights_of(run.at_site("south").net)
    statistics = set(running_statistics(at_north))
    assert statistics
    assert all(at_north[name].tobytes() == at_south[name].tobytes() for name in at_north.keys() - statistics)
    assert any(at_north[name].tobytes() != at_south[name].tobytes() for name in statistics)
    assert same(running_statistics(at_north), run.kept["north"])


def test_both_rules_of_batch_norm_learn_the_same_weights(job: Job, sites: tuple[Site, ...], tmp_path: Path) -> None:
    nets = [
        weights_of(play(job(n_rounds=2, batch_norm=rule), sites, tmp_path / rule).net.net)
        for rule in ("average", "local_statistics")
    ]
    learned = [{k: v for k, v in net.items() if k not in running_statistics(net)} for net in nets]
    assert same(*learned)
    assert not same(*nets)


def test_under_average_every_site_runs_the_global_model(job: Job, sites: tuple[Site, ...], tmp_path: Path) -> None:
    run = play(job(n_rounds=1), sites, tmp_path)
    assert same(weights_of(run.at_site("west").net), weights_of(run.net.net))
    with pytest.raises(BadValue, match="Did you mean 'west'"):
        run.at_site("wset")


def test_the_global_model_looks_at_every_scan(
    job: Job, sites: tuple[Site, ...], corpora: dict[str, Dataset], tmp_path: Path
) -> None:
    net = play(job(n_rounds=1), sites, tmp_path).net
    scans = corpora["mail_140kv"].scans
    seen = net.predict(scans)
    assert sorted(seen.kind("scan")["scan_id"]) == sorted(scans.scan_ids)
    assert net.signature.training["kind"] == "federated"
    assert [site["name"] for site in net.signature.training["sites"]] == ["north", "south", "west"]


def test_an_unfit_job_takes_no_folder(job: Job, sites: tuple[Site, ...], tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="test_resnet"):
        play(job(architecture="test_resnt"), sites, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_weights_of_another_network_are_refused_by_a_site(job: Job, sites: tuple[Site, ...]) -> None:
    with pytest.raises(BadValue, match="do not fit test_resnet"):
        sites[0].fit({"w": np.zeros(1, dtype=np.float32)}, job(), 1)


def test_the_baselines_are_each_site_alone_and_all_scans_together(job: Job, sites: tuple[Site, ...]) -> None:
    asked = job(n_rounds=2)
    rows = federate.baselines(asked, sites, quiet=True)
    assert list(rows.all()) == ["toy-local-north", "toy-local-south", "toy-local-west", "toy-pooled"]
    assert rows.local_only["west"].signature.training["epochs"] == 2
    together = train.concatenated([site.prepared(asked) for site in sites])
    assert together.n_items == sum(len(site.train.items) for site in sites)
    net = net_of(signature_of(asked), seed=asked.seed)
    train.fit(net, together, epochs=2, batch_size=4, learning_rate=asked.learning_rate, seed=asked.seed)
    assert same(weights_of(rows.pooled.net), weights_of(net))


def test_a_site_learns_from_its_train_split_only(
    job: Job, sites: tuple[Site, ...], corpora: dict[str, Dataset]
) -> None:
    everything = Site("everything", corpora["mail_160kv"])
    n_train = int((corpora["mail_160kv"].items["split"] == "train").sum())
    assert everything.describe().n_items == n_train
    assert everything.prepared(job()).n_items == n_train


def test_weights_that_come_in_are_left_as_they_are(job: Job, sites: tuple[Site, ...]) -> None:
    start = weights_of(net_of(signature_of(job()), seed=1))
    copies = {name: value.copy() for name, value in start.items()}
    sites[0].fit(start, job(), 1)
    assert same(start, copies)


def test_the_learning_rate_falls_over_the_rounds(job: Job) -> None:
    rates = [round_learning_rate(job(n_rounds=4, learning_rate=1.0), index) for index in (1, 2, 3, 4)]
    assert rates == pytest.approx([1.0, 0.853553, 0.5, 0.146447], abs=1e-6)


def agreement(folder: Path) -> Agreement:
    """What the template allows: training and evaluation for a common model."""
    folder.mkdir()
    (folder / agreements.FILE).write_text(agreements.template(folder.name), encoding="utf-8")
    found = agreements.read_agreement(folder)
    assert found is not None
    return found


@pytest.mark.real
def test_sites_with_real_scans_train_together(gdxray_crops: Path, tmp_path: Path) -> None:
    classes = {"gun": "firearm", "razor_blade": "blade", "shuriken": "skip", "other": "benign"}
    folder = data.import_folder(
        gdxray_crops, name="crops", vector="baggage", classes=classes, out=tmp_path / "crops", quiet=True
    )
    plan = (
        federate.SitePlan("one", "unknown", (("firearm", 0.7), ("blade", 0.3), ("benign", 0.5))),
        federate.SitePlan("two", "unknown", (("firearm", 0.3), ("blade", 0.7), ("benign", 0.5))),
    )
    crops = data.read_dataset(folder)
    sites = [
        replace(site, agreement=agreement(tmp_path / site.name), approve=officer)
        for site in federate.sites_from({"unknown": crops}, plan)
    ]
    asked = federate.job_for(sites, name="real", architecture="test_resnet", track="grey", image_px=32, n_rounds=2)
    run = play(asked, sites, tmp_path / "run")
    assert not any(run.rounds["rejected"])
    assert asked.full_scale == 255
    assert set(run.net.predict(crops.scans).kind("scan")["status"]) == {"ok"}
