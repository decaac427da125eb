"""A card as a CycloneDX bill of materials, judged offline by the schema that cyclonedx-python-lib brings."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from made_results import MODELS

from xraybench import cli, report
from xraybench.core.errors import UnknownName
from xraybench.report import results

NAME = MODELS[0].name
WORDS = f"""\
model = "{NAME}"
summary = "A network."
version = "1.0.0"
licence = "Apache-2.0"
vendor = "xraybench reference models"
contact = "the issue tracker"
intended_use = "A reference."
intended_users = "Engineers."
out_of_scope = "Real items."
data_ownership = "This project."
limitations = "Four kinds of threat."
risks = "A missed threat."
human_oversight = "An officer looks."
"""


@pytest.fixture
def words(tmp_path: Path) -> Path:
    path = tmp_path / f"{NAME}.toml"
    path.write_text(WORDS, encoding="utf-8")
    return path


@pytest.fixture
def bom(made_board: Path, words: Path) -> dict[str, Any]:
    return report.export_card(NAME, made_board, words, to="cyclonedx")


def _faults(document: dict[str, Any]) -> str:
    judge = pytest.importorskip(
        "cyclonedx.validation.json", reason="the judge is cyclonedx-python-lib[json-validation]"
    )
    schema = pytest.importorskip("cyclonedx.schema")
    return str(judge.JsonStrictValidator(schema.SchemaVersion.V1_6).validate_str(json.dumps(document)) or "")


def test_the_official_schema_accepts_the_card(bom: dict[str, Any]) -> None:
    assert _faults(bom) == ""


def test_the_judge_refuses_a_card_with_a_made_up_field(bom: dict[str, Any]) -> None:
    bom["metadata"]["component"]["modelCard"]["score"] = "0.99"
    assert "score" in _faults(bom)


def test_a_card_without_words_or_signature_is_accepted_too(made_board: Path, tmp_path: Path) -> None:
    vendor = MODELS[5].name
    bom = report.export_card(vendor, made_board, tmp_path / "none.toml", to="cyclonedx")
    assert _faults(bom) == ""
    properties = bom["metadata"]["component"]["modelCard"]["properties"]
    assert {"name": "xraybench:gap", "value": "intended_use"} in properties


def test_every_metric_is_a_row_of_a_result_and_says_simulated_or_real(bom: dict[str, Any], made_board: Path) -> None:
    files = {f"results/{f.model}/{f.task}.json": f for f in results.load_results(made_board / "results", model=NAME)}
    metrics = bom["metadata"]["component"]["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
    assert len(metrics) == len({(m["type"], m["slice"]) for m in metrics})
    for metric in metrics:
        kind, task, part, _, source = metric["slice"].split("; ")
        file = files[source.split()[0]]
        assert task == file.task
        assert kind == ("simulated scans" if file.is_simulated else "real scans")
        name, _, at = metric["type"].partition("@")
        axis, _, value = part.partition("=") if "=" in part else ("", "", "")
        row = results.find(file, name, float(at) if at else None, axis, value)
        assert row is not None
        if math.isnan(row.value):
            assert metric["value"] == f"n/a ({row.reason})"
            assert "confidenceInterval" not in metric
        else:
            assert float(metric["value"]) == pytest.approx(row.value, rel=1e-5)
            assert float(metric["confidenceInterval"]["lowerBound"]) == pytest.approx(row.low, rel=1e-5)


def test_every_dataset_it_refers_to_is_a_component_with_its_digest(bom: dict[str, Any]) -> None:
    components = {c["bom-ref"]: c for c in bom["components"]}
    refs = {d["ref"] for d in bom["metadata"]["component"]["modelCard"]["modelParameters"]["datasets"]}
    assert refs == set(components)
    assert all(c["bom-ref"].endswith(c["properties"][0]["value"]) for c in components.values())


def test_words_go_where_the_schema_asks_for_them(bom: dict[str, Any]) -> None:
    told = bom["metadata"]["component"]["modelCard"]["considerations"]
    assert told["users"] == ["Engineers."]
    assert told["useCases"] == ["A reference.", "Out of scope: Real items."]
    assert told["ethicalConsiderations"][0] == {
        "name": "Risks: A missed threat.",
        "mitigationStrategy": "An officer looks.",
    }
    assert any("no statement about performance in the field" in limit for limit in told["technicalLimitations"])


def test_the_same_card_gives_the_same_bill_and_another_one_another_number(
    bom: dict[str, Any], made_board: Path, words: Path
) -> None:
    assert report.export_card(NAME, made_board, words, to="cyclonedx") == bom
    words.write_text(WORDS.replace("Engineers.", "Officers."), encoding="utf-8")
    assert report.export_card(NAME, made_board, words, to="cyclonedx")["serialNumber"] != bom["serialNumber"]


def test_an_unknown_form_is_refused(made_board: Path, words: Path) -> None:
    with pytest.raises(UnknownName, match=r"No form of a card is called 'cyclondx'\. Did you mean 'cyclonedx'"):
        report.export_card(NAME, made_board, words, to="cyclondx")


def test_the_command_writes_the_bill(
    made_board: Path, words: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "model.cdx.json"
    asked = ["xraybench", "card", "export", NAME, str(out), "--board", str(made_board), "--words", str(words)]
    monkeypatch.setattr("sys.argv", asked)
    cli.main()
    assert json.loads(out.read_text(encoding="utf-8"))["bomFormat"] == "CycloneDX"
