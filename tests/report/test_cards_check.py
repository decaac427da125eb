"""The lint of model cards: what was changed, typed, claimed, left out or lost is found, with file and field."""

import json
import re
import shutil
from pathlib import Path

import pytest
from made_results import MODELS

from xraybench import cli, report
from xraybench.core.cards import CardData
from xraybench.core.errors import BadFile, UnknownName
from xraybench.report.card_check import Finding
from xraybench.report.card_words import WORDS, claims, template

NAME = MODELS[0].name
CLEAN, DAY = "told", "2027-01-31"


@pytest.fixture
def place(made_board: Path, tmp_path: Path) -> Path:
    """A board of one model on simulated scans alone, and its card beside it, without a fault."""
    board = tmp_path / "leaderboards"
    for part in (f"results/{NAME}", "models"):
        shutil.copytree(made_board / part, board / part)
    for path in (board / "results" / NAME).glob("baggage*"):
        path.unlink()
    cards = tmp_path / "model_cards"
    cards.mkdir()
    filled = re.sub(r'^(\w+) = ""', rf'\1 = "{CLEAN}"', template(NAME), flags=re.MULTILINE)
    filled = filled.replace(f'released = "{CLEAN}"', f'released = "{DAY}"')
    (cards / f"{NAME}.toml").write_text(filled, encoding="utf-8")
    report.card(NAME, board, cards / f"{NAME}.toml", out=cards)
    return tmp_path


def _check(place: Path) -> list[Finding]:
    return report.check_cards(place / "leaderboards", place / "model_cards")


def _tell(place: Path, word: str, told: str) -> None:
    """Change one word and write the card again, as a vendor would."""
    path = place / "model_cards" / f"{NAME}.toml"
    path.write_text(re.sub(rf'^{word} = ".*?"', f'{word} = "{told}"', path.read_text(), flags=re.MULTILINE))


def _found(place: Path, file: str, field: str) -> str:
    (message,) = [f.message for f in _check(place) if (f.file, f.field) == (file, field)]
    return message


def test_a_card_as_it_was_built_has_no_finding(place: Path) -> None:
    assert _check(place) == []


def test_a_tampered_number_is_named_by_result_file_row_and_right_value(place: Path) -> None:
    path = place / "model_cards" / f"{NAME}.json"
    card = json.loads(path.read_text())
    number = next(n for n in card["numbers"] if n["metric"] == "pd" and not n.get("slice_axis"))
    right = number["value"]
    number["value"] = 0.999
    path.write_text(json.dumps(card))
    expected = f"results/{NAME}/mail-any-any-any-v1.json pd@0.05: value is 0.999, the result says {right:g}"
    assert _found(place, f"{NAME}.json", "metrics") == expected


def test_a_result_that_changed_after_the_card_makes_it_stale_everywhere(place: Path) -> None:
    path = place / "leaderboards" / "results" / NAME / "mail-any-any-any-v1.json"
    path.write_text(path.read_text().replace('"n_replicates": 1000', '"n_replicates": 999'))
    found = _check(place)
    assert {f.file for f in found} == {f"{NAME}.md", f"{NAME}.html", f"{NAME}.json"}
    assert any(
        f.field == f"results results/{NAME}/mail-any-any-any-v1.json" and "has digest" in f.message for f in found
    )


def test_a_line_changed_by_hand_is_named_with_its_field(place: Path) -> None:
    path = place / "model_cards" / f"{NAME}.md"
    path.write_text(re.sub(r"\(worst\)", "(fine)", path.read_text(), count=1))
    assert "(fine)" in _found(place, f"{NAME}.md", "16 Slices: Mail")


def test_a_card_that_lost_the_notice_of_simulated_data_is_found(place: Path) -> None:
    for ending in (".md", ".html"):
        path = place / "model_cards" / f"{NAME}{ending}"
        path.write_text(path.read_text().replace("no statement about performance in the field", "a fair statement"))
        assert "without the notice of simulated data" in _found(place, f"{NAME}{ending}", "notice")


@pytest.mark.parametrize("word", ["intended_use", "risks"])
def test_an_empty_required_word_is_a_fault_that_says_what_is_asked(place: Path, word: str) -> None:
    _tell(place, word, "")
    assert _found(place, f"{NAME}.toml", word).startswith("is required and empty: ")


def test_an_empty_word_that_is_not_required_is_told_and_no_fault(place: Path) -> None:
    _tell(place, "approver", " ")
    (finding,) = [f for f in _check(place) if f.field == "approver"]
    assert not finding.is_fault


def test_a_typed_number_is_a_fault_that_says_how_to_quote_one(place: Path) -> None:
    _tell(place, "summary", "finds 97 % of firearms")
    message = _found(place, f"{NAME}.toml", "summary")
    assert message.startswith("'97 %' looks measured")
    assert message.endswith("Quote one as {{pd@0.05 mail-any-any-any-v1}}")


@pytest.mark.parametrize(
    "claim",
    [
        "It is certified.",
        "The best network.",
        "State-of-the-art screening.",
        "It never misses a firearm.",
        "A perfect record, approved by nobody we name.",
        "Compliant with the law.",
        "Its field performance is high.",
        "In daily use at borders.",
        "It is not slow; it outperforms the rest.",
    ],
)
def test_a_word_that_claims_is_found(claim: str) -> None:
    found = claims(CardData(model=NAME, limitations=claim), is_simulated=True)
    assert found
    assert all(
        fault.startswith("limitations: ") and ("is a claim; " in fault or "the field" in fault) for fault in found
    )


@pytest.mark.parametrize(
    "words",
    [
        "It is not certified by anybody.",
        "At best a starting point.",
        "No statement about field performance.",
        "It cannot replace officers.",
        "Nothing is guaranteed.",
    ],
)
def test_a_word_that_denies_a_claim_is_none(words: str) -> None:
    assert claims(CardData(model=NAME, limitations=words), is_simulated=True) == []


def test_the_check_tells_a_claim_and_what_would_be_right(place: Path) -> None:
    _tell(place, "limitations", "It is certified.")
    told = "'certified' is a claim; name the report under `standards`, with its date"
    assert _found(place, f"{NAME}.toml", "limitations") == told


def test_where_real_results_stand_words_may_speak_of_the_field(place: Path, made_board: Path) -> None:
    _tell(place, "limitations", "Its field performance is another matter.")
    for path in (made_board / "results" / NAME).glob("baggage*"):
        shutil.copy(path, place / "leaderboards" / "results" / NAME)
    assert [f for f in _check(place) if f.file.endswith(".toml")] == []


def test_a_reference_that_no_result_answers_is_found(place: Path) -> None:
    _tell(place, "summary", "It finds {{pd@0.05 mail-any-any-any-v3}}.")
    assert "has no result 'mail-any-any-any-v3'. Did you mean" in _found(place, f"{NAME}.toml", "summary")


def test_a_card_of_a_model_without_results_is_a_broken_reference(place: Path) -> None:
    (place / "model_cards" / "stranger.md").write_text("# 0.99")
    for name in ("README.md", "statement.dsse.json", f"{NAME}.cdx.json"):
        (place / "model_cards" / name).write_text("{}")
    assert _found(place, "stranger.md", "model") == "broken reference: the board holds no result of 'stranger'"
    assert len(_check(place)) == 1


def test_a_model_without_words_is_told_how_to_get_them(place: Path) -> None:
    (place / "model_cards" / f"{NAME}.toml").unlink()
    assert "xraybench card template" in _found(place, f"{NAME}.toml", "")


def test_every_word_of_the_template_is_one_of_the_card(place: Path) -> None:
    card = json.loads((place / "model_cards" / f"{NAME}.json").read_text())
    assert [word["name"] for word in card["words"]] == list(WORDS)
    assert {word["text"] for word in card["words"]} == {CLEAN, DAY}


def test_a_model_or_folder_that_is_not_there_is_refused(place: Path) -> None:
    with pytest.raises(UnknownName, match="Did you mean"):
        report.check_cards(place / "leaderboards", place / "model_cards", ["mobilenet-raw-bot"])
    with pytest.raises(BadFile, match="no such folder of cards"):
        report.check_cards(place / "leaderboards", place / "cards")


def _call(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr("sys.argv", ["xraybench", *map(str, words)])
    try:
        cli.main()
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


def test_the_check_exits_with_1_for_a_fault_and_2_for_bad_input(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    board = ["--board", place / "leaderboards"]
    assert _call(monkeypatch, "card", "check", *board) == 0
    _tell(place, "risks", "")
    assert _call(monkeypatch, "card", "check", NAME, *board) == 1
    assert f"fault {NAME}.toml: risks: is required and empty" in capsys.readouterr().out
    assert _call(monkeypatch, "card", "check", "nobody", *board) == 2
    (place / "model_cards" / f"{NAME}.toml").write_text("not toml")
    assert _call(monkeypatch, "card", "check", *board) == 2
    assert f"{NAME}.toml: not TOML" in capsys.readouterr().err


def test_a_name_alone_builds_the_card_and_a_typed_number_stops_it(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    card = place / "model_cards" / f"{NAME}.md"
    card.unlink()
    assert _call(monkeypatch, "card", NAME, "--board", place / "leaderboards") == 0
    assert capsys.readouterr().out.strip() == str(card)
    before = card.read_bytes()
    _tell(place, "summary", "an AUROC of 0.99")
    assert _call(monkeypatch, "card", "build", "--board", place / "leaderboards") == 2
    assert f"{NAME}.toml: 1 fault\n  summary: 'AUROC of 0.99' looks measured" in capsys.readouterr().err
    assert card.read_bytes() == before
