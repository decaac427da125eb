"""The plan of a corpus: ids that tell nothing, cells that are even, splits that never mix over profiles."""

import json
from itertools import product

import numpy as np
import pandas as pd
import pytest

from xraybench import tasks
from xraybench.core.errors import UnknownName
from xraybench.data import PROFILES, Profile, labels, size_of
from xraybench.data import profiles as profile_table
from xraybench.data.corpus import corpora
from xraybench.data.plan import opaque_id, recipe
from xraybench.data.splits import stratified


def counts_of(vector: str, profile: str) -> dict[tuple[str, str], int]:
    """Items by split and kind: threat, benign, empty, or the control."""
    items = recipe(vector, PROFILES.get(profile), 0).items()
    kinds = [i.cell.threat if i.cell.is_control else "threat" if i.cell.threat else i.cell.declared for i in items]
    return (
        pd.Series([(i.split, kind or "benign") for i, kind in zip(items, kinds, strict=True)]).value_counts().to_dict()
    )


def test_the_profiles_hold_the_items_that_the_benchmark_promises() -> None:
    assert counts_of("mail", "quick") == {
        ("train", "threat"): 2400,
        ("train", "benign"): 2400,
        ("train", "shielding"): 120,
        ("calibration", "benign"): 600,
        ("test", "threat"): 480,
        ("test", "shielding"): 60,
        ("test", "benign"): 600,
    }
    smoke = recipe("mail", PROFILES.get("smoke"), 0).items()
    assert pd.Series([i.split for i in smoke]).value_counts().to_dict() == {
        "train": 136,
        "calibration": 60,
        "test": 122,
    }


def test_empty_items_and_what_they_are_told_apart_from_are_planned_for_containers_only() -> None:
    counts = counts_of("container", "quick")
    assert {split: counts[split, "empty"] for split in ("train", "calibration", "test")} == {
        "train": 120,
        "calibration": 200,
        "test": 200,
    }
    for control in ("empty_verification", "manifest_mismatch"):
        assert (counts["train", control], counts["test", control]) == (120, 60)
        assert ("calibration", control) not in counts
    for vector in ("mail", "parcel", "baggage", "pallet", "vehicle"):
        assert not {kind for _, kind in counts_of(vector, "quick")} & {
            "empty",
            "empty_verification",
            "manifest_mismatch",
        }


@pytest.mark.parametrize(("vector", "profile"), list(product(tasks.SUITES, ("smoke", "quick", "full"))))
def test_every_cell_has_as_many_items_as_any_other(vector: str, profile: str) -> None:
    items = recipe(vector, PROFILES.get(profile), 0).items()
    found = [i for i in items if i.cell.threat and not i.cell.is_control]
    declared = {
        (t.threat, t.concealment) for t in tasks.select(vector=vector) if "any" not in (t.threat, t.concealment)
    }
    for split in ("train", "test"):
        cells = pd.Series([(i.cell.threat, i.cell.concealment) for i in found if i.split == split])
        assert set(cells) == declared
        assert cells.value_counts().nunique() == 1


@pytest.mark.parametrize("profile", ["smoke", "quick", "full"])
def test_half_of_the_test_items_of_a_cell_show_shapes_that_no_train_item_shows(profile: str) -> None:
    items = recipe("container", PROFILES.get(profile), 0).items()
    assert {i.shapes for i in items if i.split != "test" or not i.cell.threat or i.cell.is_control} == {"seen"}
    rows = [(i.cell.threat, i.cell.concealment, i.shapes) for i in items if i.split == "test" and i.cell.threat]
    cells = pd.Series([row for row in rows if row[1]]).value_counts()
    assert cells.nunique() == 1
    assert {row[2] for row in cells.index} == {"seen", "unseen"}


def test_the_count_of_a_recipe_is_that_of_its_items() -> None:
    for vector in tasks.SUITES:
        plan = recipe(vector, PROFILES.get("smoke"), 0)
        assert plan.n_items == len(plan.items())


def test_an_item_keeps_its_id_and_split_in_every_profile() -> None:
    def splits_of(name: str) -> dict[str, str]:
        return {item.item_id: item.split for item in recipe("mail", PROFILES.get(name), 3).items()}

    smoke, quick = splits_of("smoke"), splits_of("quick")
    assert smoke.items() <= quick.items()


def test_another_seed_or_vector_has_no_item_in_common() -> None:
    def ids(vector: str, seed: int) -> set[str]:
        return {item.item_id for item in recipe(vector, PROFILES.get("smoke"), seed).items()}

    assert not ids("mail", 0) & ids("mail", 1)
    assert not ids("mail", 0) & ids("parcel", 0)


def test_ids_are_unique_and_their_order_is_no_clue_to_the_label() -> None:
    plan = recipe("mail", PROFILES.get("quick"), 0)
    items = plan.items()
    ids = [item.item_id for item in items]
    scans = [plan.scan_id(s, i) for s in ("mail_160kv", "mail_140kv") for i in ids]
    assert len(set(ids) | set(scans)) == 3 * len(ids)
    assert ids == sorted(ids)
    is_threat = np.array([bool(item.cell.threat) for item in items])
    thirds = [part.mean() for part in np.array_split(is_threat, 3)]
    assert max(thirds) - min(thirds) < 0.06  # binomial noise of 1,093 items: 0.015


def test_an_id_is_the_same_on_every_machine() -> None:
    # BLAKE2b of the JSON text, as `b2sum -l 64` prints it for: ["mail",1]
    assert opaque_id("mail", 1) == "964b7fd115508455"


def test_a_vector_without_tasks_is_not_simulated() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'parcel'"):
        recipe("parcels", PROFILES.get("smoke"), 0)


def test_a_misspelt_profile_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'smoke'"):
        profile_table.get("smok")


def test_the_name_of_a_profile_does_not_decide_a_corpus() -> None:
    one, two = Profile("one", 1, 2, 3, 4, 5), Profile("two", 1, 2, 3, 4, 5)
    assert json.dumps(recipe("mail", one, 0).record()) == json.dumps(recipe("mail", two, 0).record())


@pytest.mark.parametrize(
    "corpus", ["mail-mail_140kv", "baggage-baggage_ct", "container-container_6mev", "baggage-unknown"]
)
def test_size_classes_are_cut_at_fixed_shares_of_each_vector_and_unknown_without_one(corpus: str) -> None:
    low, high = profile_table.size_cuts(corpus)
    objects = pd.DataFrame({"view_share": [0.0, low / 2, low, high - 1e-9, high, 1.0, np.nan]}).assign(scan_id="a")
    scans = pd.DataFrame({"scan_id": ["a"], "corpus": [corpus]})
    assert size_of(objects, scans).tolist() == ["small", "small", "medium", "medium", "large", "large", "unknown"]


def test_scans_of_two_vectors_are_each_cut_at_their_own() -> None:
    objects = pd.DataFrame({"scan_id": ["letter", "lorry"], "view_share": [0.02, 0.02]})
    scans = pd.DataFrame({"scan_id": ["lorry", "letter"], "corpus": ["container-container_6mev", "mail-mail_160kv"]})
    assert size_of(objects, scans).tolist() == ["small", "large"]


@pytest.mark.parametrize("vector", ["mail", "pallet", "vehicle"])
def test_train_threats_of_a_vector_are_about_as_often_small_as_large(vector: str) -> None:
    corpus = next(name for name in corpora() if name.startswith(vector))
    made = labels(corpus, profile=Profile("few", 8, 0, 0, 0, 0), seed=0)
    largest = made.objects.sort_values("view_share").drop_duplicates("scan_id", keep="last")
    scans = pd.DataFrame({"scan_id": largest["scan_id"], "corpus": corpus})
    shares = size_of(largest, scans).value_counts(normalize=True)
    assert shares[["small", "medium", "large"]].between(0.2, 0.47).all()


def test_a_stratum_too_small_to_divide_is_tested_and_not_trained_on() -> None:
    assert stratified({"a": "firearm"}, seed=0) == {"a": "test"}
    pair = stratified({"a": "firearm", "b": "firearm"}, seed=0)
    assert sorted(pair.values()) == ["test", "train"]


def test_a_split_does_not_depend_on_the_order_of_the_files() -> None:
    strata = {f"item{n}": "benign" if n % 2 else "blade" for n in range(40)}
    backwards = dict(reversed(list(strata.items())))
    assert stratified(strata, seed=1) == stratified(backwards, seed=1)
    assert stratified(strata, seed=1) != stratified(strata, seed=2)
