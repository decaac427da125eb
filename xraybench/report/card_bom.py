"""A card as a machine-learning bill of materials: CycloneDX 1.6 JSON (ECMA-424), for tools that take stock of software.

The model is a component with a model card, each body of data a component of its own that it refers to. Digests of this
project are BLAKE2b of 128 bits, which CycloneDX has no name for, so they stand as properties. Nothing in it depends on the
clock: the serial number follows from the content.
"""

import math
import uuid
from typing import Any

from xraybench import __version__
from xraybench.core.cards import CardData, CardNumber, ModelCard
from xraybench.core.digest import of_json
from xraybench.core.documents import ModelSignature
from xraybench.report import text
from xraybench.report.card_sources import trained_corpora
from xraybench.report.card_text import count_of, six

_SPDX = {"apache-2.0": "Apache-2.0", "mit": "MIT", "bsd-3-clause": "BSD-3-Clause", "bsd-2-clause": "BSD-2-Clause"}
_SPDX |= {"gpl-3.0": "GPL-3.0-only", "lgpl-3.0": "LGPL-3.0-only", "mpl-2.0": "MPL-2.0", "cc-by-4.0": "CC-BY-4.0"}
_SPDX |= {"cc-by-nc-4.0": "CC-BY-NC-4.0", "cc-by-sa-4.0": "CC-BY-SA-4.0", "cc0-1.0": "CC0-1.0", "eupl-1.2": "EUPL-1.2"}
_NAMESPACE = uuid.UUID("6f1c8f0e-6c0e-5f62-9a7e-0b6f0e1d7c11")  # of serial numbers; any fixed value will do


def bill_of_materials(card: ModelCard, words: CardData, signature: ModelSignature | None) -> dict[str, Any]:
    """The card as a CycloneDX 1.6 document, ready for `json.dumps`.

    Args:
        card: The compiled card.
        words: The vendor's words it was compiled from.
        signature: The model's signature, for what goes in and out.
    """
    data = _data(card, words)
    model: dict[str, Any] = {
        "type": "machine-learning-model",
        "bom-ref": f"model:{card.model}",
        "name": card.model,
        "version": words.version or None,
        "description": _word(card, "summary") or None,
        "supplier": _entity(words),
        "licenses": _licences(words.licence),
        "modelCard": _model_card(card, words, signature, [component["bom-ref"] for component in data]),
        "properties": _properties(card),
    }
    made = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "tools": {"components": [{"type": "application", "name": "xraybench", "version": __version__}]},
            "component": _without_empty(model),
        },
        "components": data,
        "dependencies": [{"ref": f"model:{card.model}", "dependsOn": [component["bom-ref"] for component in data]}],
    }
    return {**made, "serialNumber": f"urn:uuid:{uuid.uuid5(_NAMESPACE, of_json(made))}"}


def _model_card(card: ModelCard, words: CardData, signature: ModelSignature | None, data: list[str]) -> dict[str, Any]:
    parameters: dict[str, Any] = {"task": "classification", "datasets": [{"ref": ref} for ref in data]}
    metrics = {
        _row(number): _metric(card, number) for number in reversed(card.numbers)
    }  # a row may stand in two tables
    if signature is not None:
        parameters["modelArchitecture"] = signature.architecture
        values = "16-bit counts" if signature.full_scale > 255 else "8-bit values"
        parameters["inputs"] = [{"format": f"{signature.track}: {values} of {', '.join(signature.channels)}"}]
        parameters["outputs"] = [{"format": f"score in [0, 1]: {target}"} for target in signature.targets]
    return _without_empty(
        {
            "bom-ref": f"card:{card.model}",
            "modelParameters": _without_empty(parameters),
            "quantitativeAnalysis": {"performanceMetrics": list(reversed(metrics.values()))},
            "considerations": _considerations(card, words),
            "properties": [
                *({"name": "xraybench:notice", "value": notice} for notice in card.notices),
                *({"name": "xraybench:gap", "value": gap} for gap in card.gaps),
                *({"name": f"xraybench:field:{s.number:02d}:{s.key}", "value": s.state} for s in card.fields),
            ],
        }
    )


def _row(number: CardNumber) -> tuple[str, str, float | None, str, str]:
    return (number.result, number.metric, number.at, number.slice_axis, number.slice_value)


def _metric(card: ModelCard, number: CardNumber) -> dict[str, Any]:
    result = next(result for result in card.results if result.path == number.result)
    kind = "simulated" if result.is_simulated else "real"
    part = f"{number.slice_axis}={number.slice_value}" if number.slice_axis else "whole task"
    value = f"{text.NOT_AVAILABLE} ({number.reason})" if math.isnan(number.value) else f"{six(number.value):g}"
    made: dict[str, Any] = {
        "type": number.metric + (f"@{number.at:g}" if number.at is not None else ""),
        "value": value,
        "slice": f"{kind} scans; {result.task}; {part}; n = {count_of(number)}; {number.result} {result.digest}",
    }
    if not math.isnan(number.low) and not math.isnan(number.high):
        bounds = {"lowerBound": f"{six(number.low):g}", "upperBound": f"{six(number.high):g}"}
        made["confidenceInterval"] = bounds
    return made


def _considerations(card: ModelCard, words: CardData) -> dict[str, Any]:
    risks = [_risk(card, name, label) for name, label in (("risks", "Risks"), ("foreseeable_misuse", "Misuse"))]
    groups = [
        {"groupAtRisk": number.row, "harms": f"{number.table}: {_figure(number)}"}
        for number in card.numbers
        if number.field == "equity"
    ]
    return _without_empty(
        {
            "users": _listed(_word(card, "intended_users")),
            "useCases": _listed(_word(card, "intended_use"), _prefixed("Out of scope: ", _word(card, "out_of_scope"))),
            "technicalLimitations": _listed(_word(card, "limitations"), *card.notices),
            "ethicalConsiderations": [risk for risk in risks if risk],
            "fairnessAssessments": groups,
        }
    )


def _figure(number: CardNumber) -> str:
    if math.isnan(number.value):
        return f"{text.NOT_AVAILABLE} ({number.reason})"
    return f"{text.number(number.value, number.metric)} {text.interval(number.low, number.high, number.metric)}".strip()


def _risk(card: ModelCard, name: str, label: str) -> dict[str, str]:
    told = _word(card, name)
    oversight = _word(card, "human_oversight")
    return _without_empty({"name": f"{label}: {told}", "mitigationStrategy": oversight}) if told else {}


def _data(card: ModelCard, words: CardData) -> list[dict[str, Any]]:
    """Every corpus the model was trained or tested on, once."""
    trained = set(trained_corpora(card.lineage))
    tested = {item: result for result in card.results for item in result.corpora.items()}
    made = []
    for corpus, digest in sorted(trained | set(tested)):
        uses = [use for use, known in (("training", trained), ("test", tested)) if (corpus, digest) in known]
        result = tested.get((corpus, digest))
        kind = "" if result is None else "simulated scans, " if result.is_simulated else "real scans, "
        contents: dict[str, Any] = {"type": "dataset", "name": corpus, "description": f"{kind}{' and '.join(uses)}"}
        if (corpus, digest) in trained and words.data_ownership:
            contents["governance"] = {"owners": [{"organization": {"name": words.data_ownership}}]}
        made.append(
            {
                "type": "data",
                "bom-ref": f"data:{corpus}:{digest}",
                "name": corpus,
                "data": [contents],
                "properties": [{"name": "xraybench:digest:blake2b-128", "value": digest}],
            }
        )
    return made


def _properties(card: ModelCard) -> list[dict[str, str]]:
    weights = [fact.value for fact in card.facts if (fact.field, fact.name) == ("identity", "Digest of weights")]
    lineage = card.lineage
    told = {
        "xraybench:weights:blake2b-128": weights[0] if weights else "",
        "xraybench:lineage:parent": lineage.parent,
        "xraybench:federation:backend": lineage.backend,
        "xraybench:federation:rounds": "" if lineage.n_rounds is None else f"{lineage.n_rounds}",
        "xraybench:federation:parties": f"{len(lineage.sites)}" if lineage.sites else "",
        "xraybench:federation:agreements": ", ".join(lineage.agreements),
    }
    return [{"name": name, "value": value} for name, value in told.items() if value]


def _entity(words: CardData) -> dict[str, Any] | None:
    if not words.vendor:
        return None
    return _without_empty({"name": words.vendor, "contact": [{"name": words.contact}] if words.contact else []})


def _licences(licence: str) -> list[dict[str, Any]]:
    told = licence.strip()
    if not told:
        return []
    known = _SPDX.get(told.lower())
    return [{"license": {"id": known} if known else {"name": told}}]


def _word(card: ModelCard, name: str) -> str:
    return next((word.text for word in card.words if word.name == name), "")


def _listed(*told: str) -> list[str]:
    return [one for one in told if one]


def _prefixed(prefix: str, told: str) -> str:
    return f"{prefix}{told}" if told else ""


def _without_empty(made: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in made.items() if value not in (None, "", [], {})}
