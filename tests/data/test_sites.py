"""Simulated sites: alike at one end of the dial, different at the other, and every one of them a data folder."""

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from xraybench import data, sensors
from xraybench.core import digest
from xraybench.core.errors import BadFile, BadParameter
from xraybench.data import agreement, sites
from xraybench.data.sites import make_sites, plan_sites, site_sensor

Make = Callable[..., list[Path]]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three small sites that differ in everything."""
    return make_sites(
        tmp_path_factory.mktemp("sites"), n_sites=3, n_items=60, n_test=32, n_calibration=10, seed=3, quiet=True
    )


def test_at_zero_all_sites_are_of_one_distribution() -> None:
    plans = plan_sites(n_sites=10, heterogeneity=0.0, n_items=320)
    assert {tuple(plan.n_train.values()) for plan in plans} == {(40, 40, 40, 40)}
    assert {plan.n_benign for plan in plans} == {160}
    assert {plan.policy for plan in plans} == {"boxes"}
    figures = {digest.of_json(asdict(replace(plan.sensor, summary=""))) for plan in plans}
    assert figures == {digest.of_json(asdict(replace(sensors.get("mail_160kv"), summary="")))}


def test_at_one_every_site_has_its_own_scanner_mix_prevalence_and_size() -> None:
    plans = plan_sites(n_sites=10, heterogeneity=1.0, n_items=300)
    looks = {digest.of_json(asdict(replace(plan.sensor, summary="", name=""))) for plan in plans}
    assert len(looks) == 10
    assert len({tuple(plan.n_train.values()) for plan in plans}) == 10
    sizes = [sum(plan.n_train.values()) + plan.n_benign for plan in plans]
    assert max(sizes) / min(sizes) == pytest.approx(3.0, abs=0.1)
    assert np.mean(sizes) == pytest.approx(300, abs=1)
    shares = [1 - plan.n_benign / size for plan, size in zip(plans, sizes, strict=True)]
    assert max(shares) - min(shares) > 0.2
    assert Counter(plan.policy for plan in plans) == {"boxes": 4, "items": 3, "partial": 3}


def test_the_dial_moves_what_has_a_scale_a_little_at_a_time() -> None:
    noise = [site_sensor(2, h).detector.electronic_noise for h in (0.3, 0.5, 0.7, 1.0)]
    pitch = [site_sensor(2, h).geometry.pixel_mm for h in (0.0, 0.3, 0.5, 1.0)]
    assert len(set(noise)) == 4
    assert pitch == sorted(pitch)
    assert pitch[0] == sensors.get("mail_160kv").geometry.pixel_mm
    assert site_sensor(1, 0.2).source == sensors.get("mail_160kv").source
    assert site_sensor(1, 0.3).source == sensors.get("mail_140kv").source


def test_a_plan_is_the_same_from_the_same_seed_and_another_from_another() -> None:
    first, again = (plan_sites(n_sites=5, heterogeneity=1.0, seed=4) for _ in range(2))
    assert first == again
    assert plan_sites(n_sites=5, heterogeneity=1.0, seed=5) != first


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"n_sites": 2, "heterogeneity": 1.5}, "n_sites is 2.*heterogeneity is 1.5"),
        ({"n_sites": 11, "heterogeneity": 0.0}, "3 to 10 sites"),
        ({"n_sites": 3, "heterogeneity": 0.0, "n_items": 5}, "at least 20 train items"),
    ],
)
def test_numbers_out_of_range_are_told_at_once(given: dict[str, float], told: str) -> None:
    with pytest.raises(BadParameter, match=told):
        plan_sites(**given)  # type: ignore[arg-type]


def test_too_few_test_items_are_refused_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(BadParameter, match=r"n_sites is 2;.*n_test is 3; there are 16 ways.*n_calibration is -1"):
        make_sites(tmp_path / "out", n_sites=2, n_test=3, n_calibration=-1)
    assert not (tmp_path / "out").exists()


def test_sites_that_the_disk_cannot_hold_are_refused_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"GB are needed, .* GB are free"):
        make_sites(tmp_path / "out", n_sites=3, n_test=10**9)
    assert not (tmp_path / "out").exists()


def test_each_folder_is_a_dataset_with_card_and_agreement(folders: list[Path]) -> None:
    for folder in folders:
        dataset = data.read_dataset(folder)
        assert dataset.is_simulated
        assert dataset.corpora.keys() == {f"mail-{folder.name}"}
        assert set(dataset.items["site"]) == {folder.name}
        assert sites.POLICIES[_policy(folder)] in (folder / "card.md").read_text(encoding="utf-8")
        signed = agreement.read_agreement(folder)
        assert signed is not None
        assert signed.site == folder.name
        for action in ("train", "export_weights"):  # what a federated training asks for
            assert agreement.decide(
                signed, party="coordinator", action=action, purpose="training", day=signed.starts
            ).allowed


def test_a_folder_has_no_fault(folders: list[Path]) -> None:
    assert [line for line in data.check(folders[2]) if not line.startswith("warning: ")] == []


def _policy(folder: Path) -> str:
    return {"north": "boxes", "south": "items", "west": "partial"}[folder.name]


def test_no_two_sites_share_an_item_and_all_can_be_joined(folders: list[Path]) -> None:
    held = [data.read_dataset(folder) for folder in folders]
    whole = data.join(held, name="all")
    assert len(whole.items) == sum(len(one.items) for one in held)
    assert set(whole.items["site"]) == {"north", "south", "west"}


def test_train_labels_follow_the_policy_and_what_is_measured_carries_the_truth(folders: list[Path]) -> None:
    plans = {plan.name: plan for plan in plan_sites(n_sites=3, heterogeneity=1.0, seed=3, n_items=60)}
    for folder in folders:
        dataset = data.read_dataset(folder)
        train, test = dataset.part("train"), dataset.part("test")
        told = Counter(train.objects["threat"])
        plan = plans[folder.name]
        wanted = {threat: n for threat, n in plan.n_train.items() if n and threat != plan.unrecorded}
        assert told == wanted
        assert train.objects["x0"].isna().all() == (plan.policy == "items")
        assert Counter(test.objects["threat"]) == dict.fromkeys(plan.n_train, 8)
        assert not test.objects["x0"].isna().any()
        assert Counter(test.objects["shape"]) == {"seen": 16, "unseen": 16}


def test_a_folder_of_another_site_is_not_taken_for_this_one(folders: list[Path]) -> None:
    before = (folders[0] / "dataset.json").stat().st_mtime_ns
    options = {"n_sites": 3, "n_items": 60, "n_test": 32, "n_calibration": 10, "quiet": True}
    make_sites(folders[0].parent, seed=3, **options)  # type: ignore[arg-type]
    assert (folders[0] / "dataset.json").stat().st_mtime_ns == before
    with pytest.raises(BadFile, match="holds another site"):
        make_sites(folders[0].parent, seed=4, **options)  # type: ignore[arg-type]


def test_the_dial_adds_and_removes_items_but_changes_none() -> None:
    held = []
    for heterogeneity in (0.9, 1.0):
        plan = plan_sites(n_sites=3, heterogeneity=heterogeneity, seed=3, n_items=60)[0]
        held.append({item.item_id: item for item in sites._items(sites._recipe(3), plan, 32, 10)})
    one, other = held
    shared = one.keys() & other.keys()
    assert len(shared) > 0.8 * len(one)
    assert all(one[name] == other[name] for name in shared)
    measured = [{name for name, item in some.items() if item.split != "train"} for some in held]
    assert measured[0] == measured[1]
