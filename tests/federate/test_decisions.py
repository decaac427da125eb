"""The log of a site: every decision with its reason, and no line that can be changed unseen."""

import datetime as dt
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from xraybench.core.errors import BadFile, Refused
from xraybench.data import agreement as agreements
from xraybench.federate import decisions

ASK = {"party": "coordinator", "action": "train", "purpose": "training", "point": "load", "subject": "job-1"}
DAY = dt.date(2026, 6, 1)


@pytest.fixture
def agreement(tmp_path):
    (tmp_path / agreements.FILE).write_text(agreements.template("north", starts=dt.date(2026, 1, 1)))
    return agreements.read_agreement(tmp_path)


@pytest.fixture
def log(tmp_path, agreement):
    path = tmp_path / "decisions.jsonl"
    for number in range(5):
        decisions.require("north", agreement, **{**ASK, "subject": f"job-{number}"}, log=path, day=DAY)
    return path


def test_a_refusal_is_raised_and_written_down_with_its_reason(tmp_path, agreement):
    path = tmp_path / "decisions.jsonl"
    with pytest.raises(Refused, match="no rule permits 'see_site'"):
        decisions.require("north", agreement, **{**ASK, "action": "see_site"}, log=path, day=DAY)
    (entry,) = decisions.read(path)
    assert not entry.allowed
    assert "no rule permits" in entry.reason
    assert entry.agreement == agreements.reference(agreement)


def test_without_an_agreement_only_simulated_scans_may_be_used(tmp_path):
    path = tmp_path / "decisions.jsonl"
    decisions.require("north", None, **ASK, log=path, is_simulated=True)
    with pytest.raises(Refused, match="without one nothing is allowed"):
        decisions.require("north", None, **ASK, log=path)
    assert [entry.allowed for entry in decisions.read(path)] == [True, False]


def test_an_agreement_of_another_site_is_none(agreement):
    with pytest.raises(Refused, match="is of site north, not of south"):
        decisions.require("south", agreement, **ASK, log=None, day=DAY)


def test_the_chain_holds_and_its_head_is_the_last_line(log):
    assert decisions.faults(log) == []
    assert decisions.head(log) == decisions.read(log)[-1].digest


@pytest.mark.parametrize("kind", ["changed", "taken out", "put in", "swapped", "no entry"])
def test_a_line_that_was_tampered_with_is_named(kind, log):
    lines = log.read_text().splitlines()
    if kind == "changed":
        lines[2] = json.dumps({**json.loads(lines[2]), "allowed": False})
    elif kind == "taken out":
        del lines[2]
    elif kind == "put in":
        lines.insert(2, lines[1])
    elif kind == "swapped":
        lines[2], lines[3] = lines[3], lines[2]
    else:
        lines[2] = "no JSON"
    log.write_text("\n".join(lines) + "\n")
    assert any(fault.startswith("line 3:") for fault in decisions.faults(log))
    with pytest.raises(BadFile, match="line 3"):
        decisions.read(log)


def test_nothing_is_written_behind_a_line_that_was_cut(log):
    log.write_bytes(log.read_bytes()[:-20])
    with pytest.raises(BadFile, match="last line is no entry"):
        decisions.write(log, site="north", allowed=True, reason="because", **ASK)


def test_two_writers_never_break_the_chain(tmp_path):
    path = tmp_path / "decisions.jsonl"
    with ThreadPoolExecutor(4) as pool:
        list(
            pool.map(
                lambda n: decisions.write(path, site="north", allowed=True, reason=str(n), **ASK),
                range(40),
            )
        )
    assert decisions.faults(path) == []
    assert len(decisions.read(path)) == 40


def test_the_log_is_for_its_owner_only(log):
    assert log.stat().st_mode & 0o077 == 0
