"""Who holds what, and which jobs are refused before any site hears of them."""

from collections import Counter
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import pytest

from xraybench.core.documents import FederatedJob, FederatedSite
from xraybench.core.errors import BadFile, BadParameter, BadValue, UnknownName
from xraybench.core.types import Dataset
from xraybench.federate import THREE_SITES, Site, SitePlan, job_digest, job_for, mix, read_job, sites_from, write_job
from xraybench.federate.job import check_sites
from xraybench.federate.plan import BENIGN, deal

Job = Callable[..., FederatedJob]


def classes(n: int, *names: str) -> dict[str, str]:
    return {f"{name}-{index}": name for name in names for index in range(n)}


def test_the_three_sites_use_every_item_once_and_west_holds_half_as_many() -> None:
    held = deal(classes(50, "firearm", "blade", "powder_drugs", "currency") | classes(200, BENIGN), THREE_SITES, seed=3)
    assert {site: len(items) for site, items in held.items()} == {"north": 160, "south": 160, "west": 80}
    assert len(set().union(*held.values())) == 400


def test_the_three_sites_see_different_threats_on_different_sensors() -> None:
    held = deal(classes(50, "firearm", "blade", "powder_drugs", "currency") | classes(200, BENIGN), THREE_SITES, seed=3)
    counts = {site: Counter(item.rpartition("-")[0] for item in items) for site, items in held.items()}
    assert counts["north"] == {"firearm": 35, "blade": 30, "powder_drugs": 5, "currency": 10, BENIGN: 80}
    assert counts["south"] == {"firearm": 10, "blade": 15, "powder_drugs": 40, "currency": 15, BENIGN: 80}
    assert counts["west"] == {"firearm": 5, "blade": 5, "powder_drugs": 5, "currency": 25, BENIGN: 40}
    assert {plan.sensor for plan in THREE_SITES} == {"mail_160kv", "mail_140kv"}


def test_no_item_is_at_two_sites_although_both_sensors_scanned_it(sites: tuple[Site, ...]) -> None:
    for one, other in combinations(sites, 2):
        assert not set(one.dataset.items["item_id"]) & set(other.dataset.items["item_id"])


def test_a_site_holds_train_scans_of_its_own_sensor_under_its_name(
    sites: tuple[Site, ...], corpora: dict[str, Dataset]
) -> None:
    for site, sensor in zip(sites, ("mail_160kv", "mail_140kv", "mail_160kv"), strict=True):
        assert set(site.dataset.scans.table["sensor"]) == {sensor}
        assert set(site.dataset.items["split"]) == {"train"}
        assert set(site.dataset.items["site"]) == {site.name}
    dealt = sum(len(site.dataset.items) for site in sites)
    assert dealt == int((corpora["mail_160kv"].items["split"] == "train").sum())


def test_the_same_seed_deals_the_same_items_and_another_seed_others() -> None:
    items = classes(40, "firearm", BENIGN)
    plan = (
        SitePlan("a", "s", (("firearm", 0.5), (BENIGN, 0.5))),
        SitePlan("b", "s", (("firearm", 0.5), (BENIGN, 0.5))),
    )
    assert deal(items, plan, seed=1) == deal(items, plan, seed=1)
    assert deal(items, plan, seed=1) != deal(items, plan, seed=2)


def test_a_new_class_does_not_move_the_items_of_another() -> None:
    plan = (SitePlan("a", "s", (("firearm", 0.5), (BENIGN, 1.0))), SitePlan("b", "s", (("firearm", 0.5),)))
    few = deal(classes(10, "firearm"), plan, seed=0)
    more = deal(classes(10, "firearm", BENIGN), plan, seed=0)
    assert {item for item in more["a"] if item.startswith("firearm")} == few["a"]


def test_shares_below_one_leave_items_out() -> None:
    plan = (SitePlan("a", "s", (("firearm", 0.25),)), SitePlan("b", "s", (("firearm", 0.25),)))
    held = deal(classes(40, "firearm"), plan, seed=0)
    assert (len(held["a"]), len(held["b"])) == (10, 10)


@pytest.mark.parametrize(
    ("shares", "told"),
    [
        ((0.7, 0.4), "more than all items of: firearm"),
        ((1.2, 0.0), r"1\.2 of class firearm; a share lies in"),
        ((0.0, 0.0), "deals no item of: firearm"),
    ],
)
def test_a_plan_that_does_not_add_up_is_refused(shares: tuple[float, float], told: str) -> None:
    plan = tuple(SitePlan(name, "s", (("firearm", share),)) for name, share in zip("ab", shares, strict=True))
    with pytest.raises(BadValue, match=told):
        deal(classes(10, "firearm"), plan, seed=0)


def test_a_plan_needs_the_corpora_of_its_sensors(corpora: dict[str, Dataset]) -> None:
    with pytest.raises(BadValue, match="needs scans of mail_140kv"):
        sites_from({"mail_160kv": corpora["mail_160kv"]}, seed=0)


def test_corpora_of_different_items_cannot_be_dealt_together(corpora: dict[str, Dataset]) -> None:
    item_ids = corpora["mail_140kv"].items["item_id"]
    other = corpora["mail_140kv"].where(item_ids != item_ids[0])
    plan = (
        SitePlan("a", "mail_160kv", (("firearm", 0.5), ("blade", 0.5), (BENIGN, 0.5))),
        SitePlan("b", "mail_140kv", (("firearm", 0.5), ("blade", 0.5), (BENIGN, 0.5))),
    )
    with pytest.raises(BadValue, match="hold different train items"):
        sites_from(corpora | {"mail_140kv": other}, plan, seed=0)


def test_the_mix_of_the_sites_can_be_shown(sites: tuple[Site, ...]) -> None:
    table = mix(sites).set_index("site")
    assert table["n_items"].sum() == table[["firearm", "blade", BENIGN]].sum().sum() == 28
    assert table.loc["west", "corpora"] == "mail-mail_160kv"


def test_a_description_changes_with_the_items_a_site_holds(sites: tuple[Site, ...]) -> None:
    item_ids = sites[0].dataset.items["item_id"]
    fewer = Site("north", sites[0].dataset.where(item_ids != item_ids[0]))
    assert sites[0].describe() == Site("north", sites[0].dataset).describe()
    assert fewer.describe().corpora != sites[0].describe().corpora


@pytest.mark.parametrize("name", ["", "north/../south", "site 1", "süd"])
def test_a_site_name_fits_every_transport(name: str, sites: tuple[Site, ...]) -> None:
    with pytest.raises(BadValue, match="letters, digits and underscores"):
        Site(name, sites[0].dataset)


def test_a_site_without_train_items_is_refused(corpora: dict[str, Dataset]) -> None:
    with pytest.raises(BadValue, match="no item of the train split"):
        Site("north", corpora["mail_160kv"].part("test"))


def test_a_job_comes_back_from_its_file(job: Job, tmp_path: Path) -> None:
    write_job(tmp_path / "job.json", job())
    assert read_job(tmp_path / "job.json") == job()
    assert job_digest(read_job(tmp_path / "job.json")) == job_digest(job())


def test_a_job_of_another_seed_has_another_digest(job: Job) -> None:
    assert job_digest(job(seed=1)) != job_digest(job(seed=2))


def test_every_broken_number_of_a_job_is_named(job: Job) -> None:
    with pytest.raises(BadParameter) as caught:
        job(n_rounds=0, learning_rate=-1.0, batch_size=1)
    assert all(name in str(caught.value) for name in ("n_rounds", "learning_rate", "batch_size"))


def test_a_broken_job_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "job.json").write_text('{"name": "x"', encoding="utf-8")
    with pytest.raises(BadFile, match="not a valid FederatedJob"):
        read_job(tmp_path / "job.json")


def test_threats_stand_in_the_order_of_the_vocabulary(job: Job) -> None:
    assert job(threats=("currency", "firearm", "firearm")).threats == ["firearm", "currency"]


def test_a_job_without_known_threats_is_refused(job: Job) -> None:
    with pytest.raises(UnknownName, match="firearm"):
        job(threats=("firearn",))
    with pytest.raises(BadParameter, match=r"threats: .* at least 1 item"):
        job(threats=())


def test_a_quorum_asks_for_every_site_unless_told_otherwise(job: Job) -> None:
    assert job().quorum == 3
    with pytest.raises(BadValue, match="can never be met by 3 sites"):
        job(quorum=4)


def test_sites_are_told_apart_by_name_and_suffice_for_the_quorum(job: Job) -> None:
    north = FederatedSite(name="north", corpora={}, n_items=1)
    with pytest.raises(BadValue, match="Two sites are called north"):
        check_sites(job(quorum=1), [north, north])
    with pytest.raises(BadValue, match="needs 3 sites in every round and has 1"):
        check_sites(job(), [north])


def test_a_job_for_sites_takes_their_threats_scale_and_number(sites: tuple[Site, ...]) -> None:
    made = job_for(sites, name="toy", architecture="test_resnet", n_rounds=2)
    assert (made.threats, made.full_scale, made.quorum, made.n_rounds) == (["firearm", "blade"], 60_000, 3, 2)


def test_a_job_on_a_track_that_a_site_lacks_is_refused(sites: tuple[Site, ...]) -> None:
    with pytest.raises(BadValue, match="has no track 'colour'"):
        job_for(sites, name="toy", architecture="test_resnet", track="colour")
