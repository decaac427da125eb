"""The plan of a corpus: ids that tell nothing, cells that are even, splits that never mix over profiles."""

import json
from itertools import product

import numpy as np
import pandas as pd
import pytest

from xraybench.core.errors import UnknownName
from xraybench.data import PROFILES, Profile, size_of
from xraybench.data import profiles as profile_table
from xraybench.data.plan import opaque_id, recipe
from xraybench.data.splits import stratified


def test_the_profiles_hold_the_items_that_the_benchmark_promises() -> None:
    quick = recipe("mail", PROFILES.get("quick"), 0).items()
    counts = pd.Series([(i.split, bool(i.cell.threat)) for i in quick]).value_counts().to_dict()
    assert counts == {
        ("train", True): 2400,
        ("train", False): 2400,
        ("calibration", False): 600,
        ("test", True): 480,
        ("test", False): 600,
    }
    smoke = recipe("mail", PROFILES.get("smoke"), 0).items()
    assert pd.Series([i.split for i in smoke]).value_counts().to_dict() == {"train": 128, "calibration": 60, "test": 92}


@pytest.mark.parametrize(("vector", "profile"), list(product(("mail", "parcel"), ("smoke", "quick"))))
def test_every_cell_has_as_many_items_as_any_other(vector: str, profile: str) -> None:
    items = recipe(vector, PROFILES.get(profile), 0).items()
    for split in ("train", "test"):
        cells = pd.Series([(i.cell.threat, i.cell.concealment) for i in items if i.split == split and i.cell.threat])
        assert len(set(cells)) == 16
        assert cells.value_counts().nunique() == 1


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


def test_size_classes_are_cut_at_fixed_shares_and_unknown_without_one() -> None:
    low, high = profile_table.SIZE_CUTS
    objects = pd.DataFrame({"view_share": [0.0, low / 2, low, high - 1e-9, high, 1.0, np.nan]})
    assert size_of(objects).tolist() == ["small", "small", "medium", "medium", "large", "large", "unknown"]


def test_a_stratum_too_small_to_divide_is_tested_and_not_trained_on() -> None:
    assert stratified({"a": "firearm"}, seed=0) == {"a": "test"}
    pair = stratified({"a": "firearm", "b": "firearm"}, seed=0)
    assert sorted(pair.values()) == ["test", "train"]


def test_a_split_does_not_depend_on_the_order_of_the_files() -> None:
    strata = {f"item{n}": "benign" if n % 2 else "blade" for n in range(40)}
    backwards = dict(reversed(list(strata.items())))
    assert stratified(strata, seed=1) == stratified(backwards, seed=1)
    assert stratified(strata, seed=1) != stratified(strata, seed=2)
