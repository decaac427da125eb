"""Model cards: the vendor's words hold no number, the numbers come from the results, and Hugging Face reads the head."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from huggingface_hub import ModelCard, metadata_load
from made_results import MODELS

from xraybench import report
from xraybench.core.errors import BadFile, UnknownName
from xraybench.report import results
from xraybench.report.card import gaps_of, read_words, words_faults
from xraybench.report.html import external_references

NAME = MODELS[0].name
WORDS = f"""\
model = "{NAME}"
title = "A small network for both energy channels"
vendor = "xraybench reference models"
contact = "the project's issue tracker"
licence = "Apache-2.0"
summary = "Trained at 160 kV and 140 kV on scans with pixels of 0.8 mm."
intended_use = "A reference that other models are compared with."
out_of_scope = "Any decision about a real item."
limitations = "Four kinds of threat."
training_summary = "From scratch."
human_oversight = "An officer looks at every alarm."
tags = ["baseline"]
"""


@pytest.fixture
def words(tmp_path: Path) -> Path:
    path = tmp_path / f"{NAME}.toml"
    path.write_text(WORDS, encoding="utf-8")
    return path


@pytest.fixture
def made(made_board: Path, words: Path, tmp_path: Path) -> report.Card:
    return report.card(NAME, made_board, words, out=tmp_path / "cards")


def test_hugging_face_reads_the_head_and_finds_the_numbers_of_the_results(made: report.Card, made_board: Path) -> None:
    read = ModelCard(made.markdown_file.read_text(encoding="utf-8"))
    assert read.data.license == "apache-2.0"
    assert read.data.library_name == "timm"
    assert read.data.model_name == NAME
    assert {"customs", "simulated-data", "baseline"} <= set(read.data.tags)
    files = {f.task: f for f in results.load_results(made_board / "results", model=NAME)}
    assert read.data.eval_results
    for told in read.data.eval_results:
        metric = {"roc_auc": "auroc"}.get(told.metric_type, told.metric_type)
        row = results.find(files[told.dataset_config], metric, told.metric_args.get("at_pfa"))
        assert row is not None
        assert told.metric_value == pytest.approx(row.value, abs=1e-5)
        assert told.metric_args["low"] == pytest.approx(row.low, abs=1e-5)
        assert told.metric_args["n_threats"] == row.n_threats


def test_the_head_alone_is_valid_metadata(made: report.Card) -> None:
    head = metadata_load(made.markdown_file)
    assert head["model-index"][0]["name"] == NAME
    assert yaml.safe_load(made.markdown.split("---\n")[1]) == head


def test_each_dataset_of_the_head_is_named_by_its_digest(made: report.Card, made_board: Path) -> None:
    digests = {d for f in results.load_results(made_board / "results") for d in f.corpora.values()}
    for entry in metadata_load(made.markdown_file)["model-index"][0]["results"]:
        assert set(entry["dataset"]["revision"].split("+")) <= digests


def test_the_figures_of_the_body_are_those_of_the_results(made: report.Card, made_board: Path) -> None:
    row = results.find(results.main_result(NAME, made_board), "pd", 0.05)
    assert row is not None
    line = f"| pd at pfa 0.05 | {row.value:.2f} | [{row.low:.2f}, {row.high:.2f}] | {row.n_threats} |"
    assert line in made.markdown


def test_undefined_numbers_are_printed_with_their_reason(made: report.Card) -> None:
    assert "| size | large | n/a: too few: 12 threats, 29 are needed |" in made.markdown
    assert re.search(r"\bnan\b", made.markdown, re.IGNORECASE) is None


def test_a_card_on_simulated_data_says_what_that_is_worth(made: report.Card) -> None:
    assert "A score on simulated data is no statement about performance in the field." in report.card_body(made)


def test_the_card_names_thresholds_latency_lineage_and_how_to_repeat_it(made: report.Card) -> None:
    body = report.card_body(made)
    assert "| 0.05 | 0.412345 |" in body
    assert "measured on cpu, 1 thread" in body
    assert "| sensors | mail_140kv, mail_160kv |" in body
    assert "xraybench data make mail --profile quick --seed 0" in body


def test_the_worst_slice_stands_among_the_limitations(made: report.Card) -> None:
    limits = report.card_body(made).split("## Limitations, as the results show them")[1].split("## ")[0]
    assert "Mail: weakest on concealment masked" in limits


def test_the_page_stands_alone_and_holds_the_same_figures(made: report.Card) -> None:
    page = made.html_file.read_text(encoding="utf-8")
    assert external_references(page) == []
    assert "<script" not in page
    assert "pd at pfa 0.05" in page
    assert 'alt="mobilenet-raw-both on mail-any-any-any-v1' in page


def test_the_same_words_and_results_give_the_same_card(
    made: report.Card, made_board: Path, words: Path, tmp_path: Path
) -> None:
    again = report.card(NAME, made_board, words, out=tmp_path / "again")
    assert again.markdown == made.markdown
    assert again.html_file.read_bytes() == made.html_file.read_bytes()
    assert report.card_faults(made, made_board) == []


def test_a_card_changed_by_hand_is_found_out(made: report.Card, made_board: Path) -> None:
    made.markdown_file.write_text(made.markdown.replace("0.8", "0.9", 1), encoding="utf-8")
    assert report.card_faults(made, made_board) == [f"{made.markdown_file}: not what the words and the results give"]


@pytest.mark.parametrize(
    "line", ["pd = 0.97", 'auroc = "0.99"', "latency_ms = 3", "pd_at_pfa = 0.9", 'accuracy = "high"']
)
def test_a_measured_number_in_the_words_is_refused(line: str, words: Path) -> None:
    words.write_text(WORDS + line, encoding="utf-8")
    with pytest.raises(BadFile, match="is measured; it comes from the results"):
        read_words(words, NAME)


@pytest.mark.parametrize(
    "prose",
    [
        "finds 97 % of firearms",
        "97% found",
        "an AUROC of 0.93",
        "pd .93",
        "recall 0,93",
        "95 per cent",
        "0.5 ms a scan",
    ],
)
def test_a_number_that_looks_measured_is_flagged_in_prose(prose: str, words: Path) -> None:
    words.write_text(WORDS.replace("From scratch.", prose), encoding="utf-8")
    with pytest.raises(BadFile, match=r"training_summary: .* looks measured"):
        read_words(words, NAME)


@pytest.mark.parametrize(
    "prose",
    [
        "pixels of 0.8 mm",
        "a 160 kV tube",
        "0.6 keV bins",
        "Apache-2.0",
        "version 1.0.31",
        "ten epochs, seed 0.",
        "2026",
    ],
)
def test_facts_of_a_scanner_or_a_version_are_not_flagged(prose: str, words: Path) -> None:
    words.write_text(WORDS.replace("From scratch.", prose), encoding="utf-8")
    assert words_faults(read_words(words, NAME)) == []


def test_all_faults_of_the_words_are_told_at_once(words: Path) -> None:
    words.write_text(WORDS.replace("contact", "contacts") + "pd = 0.9\n", encoding="utf-8")
    with pytest.raises(BadFile) as told:
        read_words(words, "another-model")
    assert "contacts: no such field. Did you mean 'contact'?" in str(told.value)
    assert "pd: is measured" in str(told.value)


def test_words_of_another_model_are_refused(words: Path) -> None:
    with pytest.raises(BadFile, match=f"the file speaks of '{NAME}', the card is of 'another-model'"):
        read_words(words, "another-model")


def test_words_that_are_not_toml_are_refused(words: Path) -> None:
    words.write_text("model: yaml", encoding="utf-8")
    with pytest.raises(BadFile, match="not TOML"):
        read_words(words, NAME)


def test_empty_required_fields_are_named_gaps(made_board: Path, words: Path, tmp_path: Path) -> None:
    words.write_text(WORDS.replace("An officer looks at every alarm.", " "), encoding="utf-8")
    card = report.card(NAME, made_board, words, out=tmp_path / "cards")
    assert card.gaps == ("human_oversight",)
    assert "*Gap: `human_oversight` was left empty by the vendor.*" in card.markdown
    assert "- `human_oversight`" in card.markdown


def test_a_model_without_words_gets_a_card_of_gaps_and_numbers(made_board: Path, tmp_path: Path) -> None:
    card = report.card(NAME, made_board, tmp_path / "missing.toml", out=tmp_path)
    assert set(card.gaps) == set(gaps_of(read_words(tmp_path / "missing.toml", NAME)))
    assert "intended_use" in card.gaps
    assert "| pd at pfa 0.05 |" in card.markdown


def test_a_model_without_a_signature_gets_its_gaps_named(made_board: Path, words: Path, tmp_path: Path) -> None:
    board = shutil.copytree(made_board, tmp_path / "board")
    shutil.rmtree(board / "models")
    card = report.card(NAME, board, words, out=tmp_path)
    assert "Gap: no signature was handed in" in card.markdown


def test_a_vendors_words_cannot_bring_markup_or_requests(made_board: Path, words: Path, tmp_path: Path) -> None:
    nasty = "<script>alert(1)</script> ![x](//elsewhere.example/x.png) <img src=//elsewhere.example/y.png>"
    words.write_text(WORDS.replace("From scratch.", nasty), encoding="utf-8")
    card = report.card(NAME, made_board, words, out=tmp_path / "cards")
    page = card.html_file.read_text(encoding="utf-8")
    assert "<script" not in page
    assert external_references(page) == []


def test_an_unknown_model_is_answered_with_the_nearest(made_board: Path, words: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match=f"Did you mean '{NAME}'"):
        report.card("mobilenet-raw-bot", made_board, words, out=tmp_path / "cards")
    assert not (tmp_path / "cards").exists()


def test_a_card_looks_as_it_did(made: report.Card, golden: Callable[[str, str], None]) -> None:
    golden("card.md", made.markdown)
