"""What a site allows: nothing by default, nothing that is forbidden, and nothing outside party, purpose and days."""

import datetime as dt
import json

import pytest

from xraybench.core.errors import BadFile, BadValue
from xraybench.data import agreement as agreements
from xraybench.data.words import ACTIONS

DAY = dt.date(2026, 6, 1)


def made(text: str, tmp_path, more: str = "") -> agreements.Agreement:
    (tmp_path / agreements.FILE).write_text(text + more)
    found = agreements.read_agreement(tmp_path)
    assert found is not None
    return found


@pytest.fixture
def plain(tmp_path):
    return made(agreements.template("north", starts=dt.date(2026, 1, 1)), tmp_path)


def test_a_folder_without_the_file_has_no_agreement(tmp_path):
    assert agreements.read_agreement(tmp_path) is None


def test_the_template_reads_and_permits_training_but_no_image_and_no_row_of_the_site(plain):
    def may(action: str, purpose: str = "benchmark") -> bool:
        return agreements.decide(plain, party="coordinator", action=action, purpose=purpose, day=DAY).allowed

    assert may("train") and may("evaluate", "training")
    assert may("export_weights", "training")  # a federated training asks for it beside train
    assert not may("see_site")
    assert not may("export_image") and not may("export_annotation")
    assert not may("train", "procurement")


@pytest.mark.parametrize("action", ACTIONS)
def test_what_no_rule_permits_is_denied(action, plain):
    bare = plain.model_copy(update={"permit": []})
    answer = agreements.decide(bare, party="coordinator", action=action, purpose="benchmark", day=DAY)
    assert not answer.allowed
    assert "north" in answer.reason


def test_a_rule_that_forbids_wins_over_one_that_permits(plain):
    rule = agreements.Rule(party="coordinator", actions=["train"])
    both = plain.model_copy(update={"forbid": [rule]})
    answer = agreements.decide(both, party="coordinator", action="train", purpose="benchmark", day=DAY)
    assert not answer.allowed
    assert "forbidden" in answer.reason


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"party": "stranger"}, "'stranger' is no party"),
        ({"day": dt.date(2028, 1, 1)}, "does not hold"),
        ({"day": dt.date(2025, 12, 31)}, "does not hold"),
        ({"purpose": "gossip"}, "no vocabulary"),
    ],
)
def test_a_refusal_says_why(asked, said, plain):
    usual = {"party": "coordinator", "action": "train", "purpose": "training", "day": DAY}
    assert agreements.decide(plain, **usual).allowed
    answer = agreements.decide(plain, **{**usual, **asked})
    assert not answer.allowed
    assert said in answer.reason


def test_every_fault_of_a_file_is_named_at_once(tmp_path):
    text = agreements.template("north", starts=dt.date(2026, 1, 1)).replace('"train"', '"trian"', 1)
    text = text.replace("expires = 2027-01-01", "expires = 2025-01-01")
    with pytest.raises(BadFile) as told:
        made(text, tmp_path, '[[permit]]\nparty = "nobody"\nactions = ["train"]\n')
    for part in ("trian", "Did you mean 'train'", "nobody", "expires"):
        assert part in str(told.value)


def test_an_unknown_field_and_a_small_number_of_sites_are_refused(tmp_path):
    text = agreements.template("north").replace("least_sites = 3", "least_sites = 2").replace("releases", "relaeses")
    with pytest.raises(BadFile, match=r"(?s)least_sites.*relaeses|relaeses.*least_sites"):
        made(text, tmp_path)


def test_text_that_is_no_toml_is_refused(tmp_path):
    with pytest.raises(BadFile, match="not TOML"):
        made("id = ", tmp_path)


def test_a_changed_agreement_has_another_reference(plain):
    other = plain.model_copy(update={"minimum_cell": 5})
    assert agreements.reference(plain) != agreements.reference(other)


def test_the_odrl_form_names_every_permitted_and_forbidden_action_with_the_last_day(plain):
    policy = agreements.odrl(plain)
    json.dumps(policy)
    permitted = {rule["odrl:action"]["@id"].rsplit(":", 1)[1] for rule in policy["odrl:permission"]}
    forbidden = {rule["odrl:action"]["@id"].rsplit(":", 1)[1] for rule in policy["odrl:prohibition"]}
    assert permitted == set(plain.permit[0].actions)
    assert forbidden == set(plain.forbid[0].actions)
    last = policy["odrl:permission"][0]["odrl:constraint"][0]["odrl:rightOperand"]["@value"]
    assert last == plain.expires.isoformat()


def test_an_agreement_that_is_a_folder_is_a_fault_and_not_none(tmp_path):
    (tmp_path / agreements.FILE).mkdir()
    with pytest.raises(BadFile, match="is a folder; a file is right"):
        agreements.read_agreement(tmp_path)


def test_a_template_is_written_only_for_names_that_an_agreement_takes():
    with pytest.raises(BadValue, match="got 'no rth', 'a b'"):
        agreements.template("no rth", parties=("coordinator", "a b"))
