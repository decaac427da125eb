"""Model cards: the vendor's words hold no number, the numbers come from the results, and Hugging Face reads the head."""

import json
import math
import re
import shutil
import tomllib
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import ModelCard as HubCard
from huggingface_hub import metadata_load
from huggingface_hub.repocard_data import eval_results_to_model_index, model_index_to_eval_results
from made_results import MODELS

from xraybench import report
from xraybench.core import workspace
from xraybench.core.cards import FIELDS, REQUIRED, Lineage, ModelCard
from xraybench.core.documents import ModelSignature, read_document, write_document
from xraybench.core.errors import BadFile, UnknownName
from xraybench.report import results
from xraybench.report.card_words import gaps_of, read_words, template, words_faults
from xraybench.report.html import external_references

NAME = MODELS[0].name
WORDS = f"""\
model = "{NAME}"
title = "A small network for both energy channels"
library = "timm"
version = "1.2.0"
vendor = "xraybench reference models"
contact = "the project's issue tracker"
licence = "Apache-2.0"
summary = "Trained at 160 kV and 140 kV on scans with pixels of 0.8 mm."
intended_use = "A reference that other models are compared with."
intended_users = "Engineers of a benchmark."
out_of_scope = "Any decision about a real item."
foreseeable_misuse = "Taking it for a product."
classification = "None is claimed."
data_ownership = "This project."
risks = "A missed threat."
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
    read = HubCard(made.markdown_file.read_text(encoding="utf-8"))
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


def test_hugging_face_writes_the_same_index_that_it_read(made: report.Card) -> None:
    index = metadata_load(made.markdown_file)["model-index"]
    name, results_read = model_index_to_eval_results(index)
    assert name == NAME
    assert len(results_read) == sum(len(entry["metrics"]) for entry in index[0]["results"])
    again = model_index_to_eval_results(eval_results_to_model_index(name, results_read))[1]
    assert sorted(map(repr, again)) == sorted(map(repr, results_read))


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
    assert "| size: large | n/a (too few: 12 threats, 29 are needed) |  | 12 |" in made.markdown
    assert re.search(r"\bnan\b", made.markdown, re.IGNORECASE) is None


def test_a_card_on_simulated_data_says_what_that_is_worth(made: report.Card) -> None:
    assert "A score on simulated data is no statement about performance in the field." in report.card_body(made)


def test_the_card_names_thresholds_latency_lineage_and_how_to_repeat_it(made: report.Card) -> None:
    body = report.card_body(made)
    assert "| Threshold at target pfa 0.05 | 0.412345 |" in body
    assert "| Measured on | cpu, 1 thread |" in body
    assert "| Scanner mail_140kv, trained and tested |" in body
    assert "xraybench data make mail --profile quick --seed 0" in body


def test_the_worst_slice_stands_at_the_top_and_is_marked_among_the_slices(made: report.Card) -> None:
    body = report.card_body(made)
    assert re.search(r"\| Mail, at pfa 0\.05 \| .* concealment: masked \|", body.split("## Identity")[0])
    assert re.search(r"\| concealment: masked \| 0\.\d\d \(worst\) \|", body)


def test_all_27_fields_are_on_the_card_in_their_order(made: report.Card) -> None:
    body = report.card_body(made)
    headings = [int(n) for n in re.findall(r"^### (\d+) ", body, re.MULTILINE)]
    index = [int(n) for n in re.findall(r"^\| (\d+) \| ", body, re.MULTILINE)]
    assert index == list(range(1, 28))
    assert set(headings) | {16} == set(range(1, 28))  # slices have nothing to say before the data do
    assert [state.key for state in made.document.fields] == [field.key for field in FIELDS]


def test_simulated_and_real_results_are_never_in_one_table(made: report.Card) -> None:
    body = report.card_body(made)
    simulated, real = body.split("## Measured on simulated scans")[1].split("## Measured on real scans")
    assert "baggage" not in simulated
    assert "### Mail" not in real
    assert "> **Simulated data.**" in simulated
    assert "> **Real data, imported.**" in real
    kinds = {result.path: result.is_simulated for result in made.document.results}
    tables: dict[tuple[str, str, str], set[bool]] = {}
    bodies = {result.path: result.body for result in made.document.results}
    for number in made.document.numbers:
        tables.setdefault((bodies[number.result], number.field, number.table), set()).add(kinds[number.result])
    assert all(len(told) == 1 for told in tables.values())


def test_a_model_without_real_results_says_so(words: Path, made_board: Path, tmp_path: Path) -> None:
    board = shutil.copytree(made_board, tmp_path / "board")
    for path in (board / "results" / NAME).glob("baggage*"):
        path.unlink()
    card = report.card(NAME, board, words, out=tmp_path / "cards")
    assert "n/a (the board holds no result of this model on real scans)" in card.markdown
    assert "Real data, imported" not in card.markdown


def test_every_number_of_the_json_names_its_row_and_file(made: report.Card, made_board: Path) -> None:
    card = read_document(made.json_file, ModelCard)
    digests = {result.path: result.digest for result in card.results}
    assert card.numbers
    for number in card.numbers:
        path = made_board / number.result
        assert blake2b(path.read_bytes(), digest_size=16).hexdigest() == digests[number.result]
        rows = [row for row in json.loads(path.read_text())["rows"] if _is_row_of(row, number)]
        assert len(rows) == 1
        given = rows[0]["value"]
        assert math.isnan(number.value) if given is None else number.value == given


def _is_row_of(row: dict[str, Any], number: Any) -> bool:
    key = (row["metric"], row.get("at"), row.get("slice_axis", ""), row.get("slice_value", ""))
    return key == (number.metric, number.at, number.slice_axis, number.slice_value)


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
    made.markdown_file.write_text(made.markdown.replace("pixels of 0.8 mm", "pixels of 0.9 mm", 1), encoding="utf-8")
    (fault,) = report.card_faults(made, made_board)
    assert fault.startswith(f"{NAME}.md: 1 Name, version, date, digests, licence: line ")
    assert "pixels of 0.9 mm" in fault


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
        "nine out of ten firearms",
        "ninety per cent",
        "48 of 50 knives",
        "sensitivity of 97",
        "needs 12 ms",
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
        "one of two views",
        "three sites",
        "16-bit counts of 60000",
        "ANSI N42.46 and ISO/IEC 42001:2023",
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


def test_a_day_and_a_version_have_a_form(words: Path) -> None:
    told = WORDS.replace('version = "1.2.0"', 'version = "finds most"\nreleased = "soon"')
    words.write_text(told, encoding="utf-8")
    with pytest.raises(BadFile, match=r"(?s)released: 'soon' is no day.*version: 'finds most' is no version"):
        read_words(words, NAME)


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
    first = report.card_body(card).split("\n\n")[1]
    assert first.startswith("**Gaps.** The vendor left these required fields empty: `human_oversight`.")
    assert next(state.state for state in card.document.fields if state.key == "oversight") == "gap"


def test_a_model_without_words_gets_a_card_of_gaps_and_numbers(made_board: Path, tmp_path: Path) -> None:
    card = report.card(NAME, made_board, tmp_path / "missing.toml", out=tmp_path)
    assert set(card.gaps) == set(gaps_of(read_words(tmp_path / "missing.toml", NAME)))
    assert "intended_use" in card.gaps
    assert "| pd at pfa 0.05 |" in card.markdown
    assert card.gaps == REQUIRED


def test_a_model_without_a_signature_gets_its_gaps_named(made_board: Path, words: Path, tmp_path: Path) -> None:
    board = shutil.copytree(made_board, tmp_path / "board")
    shutil.rmtree(board / "models")
    card = report.card(NAME, board, words, out=tmp_path)
    assert "| Input | n/a (no signature was handed in) |" in card.markdown
    assert "| Training | n/a (no signature was handed in) |" in card.markdown


def test_a_vendors_words_cannot_bring_markup_or_requests(made_board: Path, words: Path, tmp_path: Path) -> None:
    nasty = "<script>alert(1)</script> ![x](//elsewhere.example/x.png) <img src=//elsewhere.example/y.png>"
    nasty += " [here](javascript:alert)"
    words.write_text(WORDS.replace("From scratch.", nasty), encoding="utf-8")
    card = report.card(NAME, made_board, words, out=tmp_path / "cards")
    page = card.html_file.read_text(encoding="utf-8")
    assert "<script" not in page
    assert 'href="javascript' not in page
    assert external_references(page) == []


def test_a_vendors_words_cannot_forge_a_heading_or_a_table(made_board: Path, words: Path, tmp_path: Path) -> None:
    forged = 'training_summary = """\n## Measured on real scans\n| pd | high |\n| --- | --- |\n"""'
    words.write_text(WORDS.replace('training_summary = "From scratch."', forged), encoding="utf-8")
    card = report.card(NAME, made_board, words, out=tmp_path / "cards")
    assert len(re.findall(r"^## Measured on real scans$", card.markdown, re.MULTILINE)) == 1
    assert "<td>high</td>" not in card.html_file.read_text(encoding="utf-8")


QUOTE = "It finds {{pd@0.05 mail-any-any-any-v1}}, masked {{pd@0.05 mail-any-any-any-v1 concealment=masked}}."


def test_a_quoted_result_brings_value_interval_count_and_kind(made_board: Path, words: Path, tmp_path: Path) -> None:
    words.write_text(WORDS.replace("From scratch.", QUOTE), encoding="utf-8")
    card = report.card(NAME, made_board, words, out=tmp_path / "cards")
    row = results.find(results.main_result(NAME, made_board), "pd", 0.05)
    assert row is not None
    told = f"It finds {row.value:.2f} [{row.low:.2f}, {row.high:.2f}] (pd at pfa 0.05, n = {row.n_threats}, simulated scans)"
    assert told in card.markdown
    assert "{{" not in card.markdown
    word = next(word for word in card.document.words if word.name == "training_summary")
    assert word.references == ["pd@0.05 mail-any-any-any-v1", "pd@0.05 mail-any-any-any-v1 concealment=masked"]


@pytest.mark.parametrize(
    ("reference", "right"),
    [
        ("pd@0.05 mail-any-any-any-v9", "Did you mean 'mail-any-any-any-v1'"),
        ("pd@0.07 mail-any-any-any-v1", "holds no row 'pd@0.07'. Did you mean 'pd@0.05'"),
        ("pd@0.05 mail-any-any-any-v1 concealment=maskd", "Did you mean 'pd@0.05 concealment=masked'"),
        ("0.97", "is no reference: one reads {{pd@0.05"),
    ],
)
def test_a_broken_reference_is_refused_with_the_nearest_row(
    reference: str, right: str, made_board: Path, words: Path, tmp_path: Path
) -> None:
    words.write_text(WORDS.replace("From scratch.", "{{" + reference + "}}"), encoding="utf-8")
    with pytest.raises(BadFile) as told:
        report.card(NAME, made_board, words, out=tmp_path / "cards")
    assert f"{NAME}.toml: 1 broken reference\n  training_summary: " in str(told.value)
    assert right in str(told.value)
    assert not (tmp_path / "cards").exists()


def _with_training(made_board: Path, tmp_path: Path, training: dict[str, Any]) -> Path:
    board = shutil.copytree(made_board, tmp_path / "board")
    path = board / "models" / f"{NAME}.json"
    signed = read_document(path, ModelSignature)
    write_document(path, signed.model_copy(update={"training": training}))
    return board


def test_a_federated_model_tells_rounds_parties_counts_budget_agreements_and_lineage(
    made_board: Path, words: Path, tmp_path: Path
) -> None:
    training = {
        "kind": "federated",
        "backend": "flare",
        "n_rounds": 7,
        "aggregator": "fedavg",
        "sites": [
            {"name": "north", "n_items": 1968, "corpora": {"mail-a": "a" * 32}},
            {"name": "south", "n_items": 984, "corpora": {"mail-a": "b" * 32}, "version": "0.2.0", "more": 1},
        ],
        "privacy_budget": {"epsilon": 3.3, "delta": 1e-5},
        "agreements": ["agreement-north-7", "agreement-south-2"],
        "parent": "c" * 32,
        "stages": [{"name": "base", "weights": "c" * 32, "corpora": {"mail-s": "d" * 32}, "n_items": 12}],
    }
    card = report.card(NAME, _with_training(made_board, tmp_path, training), words, out=tmp_path / "cards")
    for line in (
        "| Backend | flare |",
        "| Rounds | 7 |",
        "| Parties | 2 |",
        f"| Site north | 1,968 training items; mail-a `{'a' * 32}` |",
        f"| Site south | 984 training items; mail-a `{'b' * 32}`; xraybench 0.2.0 |",
        "| Privacy budget | epsilon 3.3, delta 1e-05 |",
        "| Agreements | agreement-north-7, agreement-south-2 |",
        f"| Parent | `{'c' * 32}` |",
        f"| Stage base | no parent; to `{'c' * 32}`; 12 items; mail-s `{'d' * 32}` |",
        f"| Trained on mail-a, site south | `{'b' * 32}` |",
    ):
        assert line in card.markdown, line
    assert card.document.lineage.sites[1].n_items == 984


def test_what_a_federated_signature_does_not_tell_is_not_invented(
    made_board: Path, words: Path, tmp_path: Path
) -> None:
    board = _with_training(made_board, tmp_path, {"kind": "federated", "sites": ["north", "south"]})
    markdown = report.card(NAME, board, words, out=tmp_path / "cards").markdown
    assert "| Rounds | n/a (the signature tells none) |" in markdown
    assert "| Privacy budget | n/a (the signature tells none) |" in markdown
    assert "| Site north | training items not told; data not told |" in markdown


def test_a_broken_training_table_is_named_with_its_file_and_field(
    made_board: Path, words: Path, tmp_path: Path
) -> None:
    board = _with_training(made_board, tmp_path, {"kind": "federated", "n_rounds": "many"})
    with pytest.raises(BadFile, match=r"models/.*\.json: .*training table is broken\n  training\.n_rounds: .*'many'"):
        report.card(NAME, board, words, out=tmp_path / "cards")


def test_the_page_about_cards_lists_the_fields_words_and_keys_as_they_are() -> None:
    page = (workspace.repository() / "docs" / "model_card.md").read_text(encoding="utf-8")
    rows = [line.split(" | ") for line in page.splitlines() if re.match(r"\| \d+ \|", line)]
    assert [(row[1], row[2]) for row in rows] == [(field.title, field.asked_by) for field in FIELDS]
    for row, field in zip(rows, FIELDS, strict=True):
        assert tuple(re.findall(r"`(\w+)`", row[4])) == field.words
        assert set(re.findall(r"\*\*`(\w+)`\*\*", row[4])) == set(field.words) & set(REQUIRED)
    for key in Lineage.model_fields:
        assert f"`{key}`" in page.split("## What a signature may tell")[1]


def test_the_template_asks_for_every_word_once_and_is_itself_valid(tmp_path: Path) -> None:
    asked = tomllib.loads(template(NAME))
    words = [name for field in FIELDS for name in field.words]
    assert set(asked) == {"model", "title", "library", "tags", *words}
    assert len(words) == len(set(words))
    (tmp_path / f"{NAME}.toml").write_text(template(NAME), encoding="utf-8")
    assert gaps_of(read_words(tmp_path / f"{NAME}.toml", NAME)) == list(REQUIRED)


def test_an_unknown_model_is_answered_with_the_nearest(made_board: Path, words: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match=f"Did you mean '{NAME}'"):
        report.card("mobilenet-raw-bot", made_board, words, out=tmp_path / "cards")
    assert not (tmp_path / "cards").exists()


def test_a_card_looks_as_it_did(made: report.Card, golden: Callable[[str, str], None]) -> None:
    golden("card.md", made.markdown)
