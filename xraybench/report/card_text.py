"""A compiled card as Markdown: a head that Hugging Face reads, then the 27 fields, simulated and real results apart."""

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

from xraybench.core.cards import (
    FIELDS,
    PARTS,
    CardData,
    CardFact,
    CardField,
    CardNumber,
    ModelCard,
    Part,
    ResultReference,
)
from xraybench.report import text
from xraybench.report.results import task_of

# Licences that Hugging Face knows by name; others are `other` with their own name beside it.
_HF_LICENCES = {"apache-2.0", "mit", "bsd-3-clause", "bsd-2-clause", "gpl-3.0", "lgpl-3.0", "mpl-2.0", "cc-by-4.0"}
_HF_LICENCES |= {"cc-by-nc-4.0", "cc-by-sa-4.0", "cc0-1.0", "eupl-1.1", "unknown"}
_HEAD_METRICS = ("pd", "pfa", "auroc", "average_precision")
_HF_METRICS = {"auroc": "roc_auc"}
_DIGEST = re.compile(r"(?<![0-9a-z])[0-9a-f]{16,}(?![0-9a-z])")
_STATES = {"filled": "filled", "partly": "in part", "gap": "**gap**", "n/a": "n/a"}
_FILLED_BY = {"runs": "runs", "people": "the vendor", "both": "both"}


def render_markdown(card: ModelCard, words: CardData) -> str:
    """The whole file: head and body."""
    return f"---\n{_yaml(head(card, words))}---\n\n" + "\n\n".join(sections(card)) + "\n"


def sections(card: ModelCard) -> list[str]:
    """The body of the card, a section an entry. A table of numbers starts with the heading of its field and body."""
    made = [f"# {_safe(card.title)}", _first_lines(card), *_glance(card)]
    for part in PARTS:
        if part == "measured":
            made += _measured(card)
            continue
        made.append(f"## {PARTS[part]}")
        made += [_field(card, field) for field in _fields_of(part)]
    return [*made, _reproduce(card), _sources(card), _index(card)]


# ---------------------------------------------------------------------------------------------------------------- body


def _first_lines(card: ModelCard) -> str:
    """The gaps, named before anything is told."""
    if card.gaps:
        told = f"**Gaps.** The vendor left these required fields empty: {_names(card.gaps)}."
    else:
        told = "No required field is empty."
    if card.unsaid:
        told += f" Not required and not told: {_names(card.unsaid)}."
    return told


def _glance(card: ModelCard) -> list[str]:
    """The main figure of each body of data, under the notice of what its scans are worth."""
    made = []
    for is_simulated in (True, False):
        results = [result for result in _widest(card) if result.is_simulated is is_simulated]
        if results:
            made.append(_notice(card, is_simulated))
            heads = ["scans", "pd [95 % interval]", "threats", "achieved pfa [95 % interval]", "weakest slice, pd"]
            made.append(table(heads, [_glance_row(card, result) for result in results]))
    return made


def _glance_row(card: ModelCard, result: ResultReference) -> tuple[str, ...]:
    mine = [n for n in card.numbers if n.result == result.path]
    point = task_of(result.task).pfa_points[0]
    pd, pfa = (
        next((n for n in mine if (n.field, n.metric, n.at) == ("metrics", m, point)), None) for m in ("pd", "pfa")
    )
    worst = next((n for n in mine if n.field == "slices" and n.remark), None)
    weakest = f"{told(worst)} {worst.row}" if worst else f"{text.NOT_AVAILABLE} (fewer than two slices)"
    threats = f"{pd.n_threats:,}" if pd else ""
    return (f"{_safe(result.body)}, at pfa {point:g}", _with_interval(pd), threats, _with_interval(pfa), weakest)


def _with_interval(number: CardNumber | None) -> str:
    if number is None:
        return f"{text.NOT_AVAILABLE} (not in the result file)"
    return f"{told(number)} {text.interval(number.low, number.high, number.metric)}".strip()


def _names(names: Iterable[str]) -> str:
    return text.listed([f"`{name}`" for name in names])


def _has(card: ModelCard, is_simulated: bool) -> bool:
    return any(result.is_simulated is is_simulated for result in card.results)


def _notice(card: ModelCard, is_simulated: bool) -> str:
    told = text.HONESTY_SIMULATED if is_simulated else text.HONESTY_REAL
    return f"> **{'Simulated data.' if is_simulated else 'Real data, imported.'}** {told}"


def _fields_of(part: Part) -> list[tuple[int, CardField]]:
    return [(number, field) for number, field in enumerate(FIELDS, start=1) if field.part == part]


def _field(card: ModelCard, numbered: tuple[int, CardField]) -> str:
    number, field = numbered
    facts = [fact for fact in card.facts if fact.field == field.key]
    return "\n\n".join([f"### {number} {field.title}", *_prose(card, field), *_fact_table(facts)])


def _prose(card: ModelCard, field: CardField) -> list[str]:
    mine = [word for word in card.words if word.field == field.key]
    told = [f"**{_label(word.name)}.** {_safe(word.text)}" for word in mine if word.text]
    told += [f"*Gap: `{word.name}` was left empty by the vendor.*" for word in mine if word.name in card.gaps]
    untold = [word.name for word in mine if word.name in card.unsaid]
    return [*told, f"*Not told by the vendor: {_names(untold)}.*"] if untold else told


def _label(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _short(field: CardField) -> str:
    return re.split("[:,]", field.title)[0]


def _facts_of(card: ModelCard, field: CardField, body: str) -> list[str]:
    return _fact_table([fact for fact in card.facts if (fact.field, fact.body) == (field.key, body)])


def _fact_table(facts: Sequence[CardFact]) -> list[str]:
    rows = [(_safe(fact.name), _coded(fact.value)) for fact in facts]
    return [table(["what", "value"], rows, n_left=2)] if rows else []


def _coded(value: str) -> str:
    """Long digests as code, so that they break nowhere else and are not read as words."""
    return _DIGEST.sub(lambda match: f"`{match[0]}`", _safe(value)) or "none"


def _measured(card: ModelCard) -> list[str]:
    made = [f"## {PARTS['measured']}"]
    fields = _fields_of("measured")
    for number, field in fields:
        told = [*_prose(card, field), *_facts_of(card, field, "")]
        if told:
            made.append("\n\n".join([f"### {number} {field.title}", *told]))
    for is_simulated, kind in ((True, "simulated"), (False, "real")):
        results = [result for result in card.results if result.is_simulated is is_simulated]
        made.append(f"## Measured on {kind} scans")
        if not results:
            made.append(f"{text.NOT_AVAILABLE} (the board holds no result of this model on {kind} scans)")
            continue
        made.append(_notice(card, is_simulated))
        for body in dict.fromkeys(result.body for result in results):
            made += _body(card, body, [result for result in results if result.body == body], fields)
    return made


def _body(
    card: ModelCard, body: str, results: Sequence[ResultReference], fields: Sequence[tuple[int, CardField]]
) -> list[str]:
    scans = "simulated scans" if results[0].is_simulated else "real scans"
    made = [f"### {_safe(body)}: {scans}, {results[0].track} track"]
    paths = {result.path for result in results}
    for number, field in fields:
        numbers = [n for n in card.numbers if n.field == field.key and n.result in paths]
        facts = _facts_of(card, field, body)
        if not numbers and not facts:
            continue
        parts = [f"#### {number} {_short(field)}: {_safe(body)}"]
        for name in dict.fromkeys(n.table for n in numbers):
            mine = [n for n in numbers if n.table == name]
            parts.append(f"{name}:\n\n{_cross_table(mine) if mine[0].column else _number_table(mine)}")
        made.append("\n\n".join([*parts, *facts]))
    return made


def _number_table(numbers: Sequence[CardNumber]) -> str:
    heads = ["measure", "value", "95 % interval", "n"]
    rows = []
    for n in numbers:
        value = told(n) + (f" ({n.remark})" if n.remark else "")
        bounds = "" if math.isnan(n.value) else text.interval(n.low, n.high, n.metric) or "none"
        rows.append((_safe(n.row), value, bounds, f"{count_of(n):,}"))
    return table(heads, rows)


def _cross_table(numbers: Sequence[CardNumber]) -> str:
    columns = list(dict.fromkeys(n.column for n in numbers))
    cells = {(n.row, n.column): _with_interval(n) for n in numbers}
    missing = f"{text.NOT_AVAILABLE} (no such task)"
    rows = [(row, *(cells.get((row, c), missing) for c in columns)) for row in dict.fromkeys(n.row for n in numbers)]
    return table(["", *columns], rows)


def told(number: CardNumber) -> str:
    """The value, or `n/a (reason)`."""
    if math.isnan(number.value):
        return f"{text.NOT_AVAILABLE} ({_safe(number.reason)})"
    return text.number(number.value, number.metric)


def count_of(number: CardNumber) -> int:
    """The count that a number rests on."""
    return number.n_threats if number.metric in ("pd", "localisation_hit_rate") else number.n_items


def _reproduce(card: ModelCard) -> str:
    commands = []
    for result in _widest(card):
        if result.is_simulated:
            same = f"--profile {result.profile} --seed {result.seed}"
            vector = task_of(result.task).vector
            kept = f"leaderboards/predictions/{card.model}/{vector}-*.parquet"
            commands.append(f"xraybench data make {vector} {same}")
            commands.append(f"xraybench evaluate {result.task} {kept} {same}")
    commands += ["xraybench leaderboard check --recompute", f"xraybench card check {card.model}"]
    lines = ["## How to repeat it", f"With xraybench {text.listed(sorted({r.version for r in card.results}))}:"]
    lines.append("```\n" + "\n".join(commands) + "\n```")
    lines.append(
        "`data make` makes the scans again from their seed, `evaluate` scores the kept predictions on them, "
        "`leaderboard check --recompute` does so for every result without scans or model, and `card check` compares "
        "this card with them."
    )
    if _has(card, False):
        lines.append("Real scans are sent nowhere: their figures can be repeated where the scans are.")
    return "\n\n".join(lines)


def _widest(card: ModelCard) -> list[ResultReference]:
    """The main result of every body of data: the first of it, in the order of the board."""
    found: dict[str, ResultReference] = {}
    for result in card.results:
        known = found.get(result.body)
        if known is None or result.task.count("any") > known.task.count("any"):
            found[result.body] = result
    return list(found.values())


def _sources(card: ModelCard) -> str:
    rows = [(f"`{r.path}`", f"`{r.digest}`", f"`{r.predictions_digest}`") for r in card.results]
    code = sorted({f"`{r.code_digest}`" for r in card.results if r.code_digest})
    made_by = f" The code that made them has the digest {text.listed(code)}." if code else ""
    return (
        "## Where the numbers come from\n\nEvery number above is a row of one of these files, under the folder of the "
        f"board.{made_by}\n\n"
        + table(["result file", "digest of the file", "digest of the predictions"], rows, n_left=3)
    )


def _index(card: ModelCard) -> str:
    return (
        "## The 27 fields\n\nWho asks: MC Mitchell et al. 2019; A4 EU AI Act, Annex IV, part; CD CycloneDX ML-BOM; CR "
        "Croissant and its responsible-AI words; N NIST AI RMF; I ISO/IEC 42001, TS 4213, 24029; customs the practice of "
        f"customs. That a field is filled claims conformity with none of them.\n\n{fields_table(card)}"
    )


def fields_table(card: ModelCard) -> str:
    """The 27 fields as a table: who fills each, who asks for it, how far it is filled and what is missing."""
    rows = [
        (str(s.number), s.title, _FILLED_BY[s.filled_by], s.asked_by, _STATES[s.state], _safe(s.reason))
        for s in card.fields
    ]
    return table(["field", "what", "filled by", "asked by", "state", "what is missing"], rows, n_left=6)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, n_left: int = 1) -> str:
    """A Markdown table: the first `n_left` columns to the left, the others to the right."""
    align = [":---" if index < n_left else "---:" for index in range(len(heads))]
    lines = [heads, align, *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(value: str) -> str:
    return " ".join(value.split()).replace("|", "\\|")


def _safe(prose: str) -> str:
    """A stranger's words as Markdown that can hold no markup of a page, open no heading or table, and fetch nothing."""
    quiet = prose.replace("&", "&amp;").replace("<", "&lt;").replace("![", "!\\[")
    quiet = re.sub(r"\]\((?!https?://|mailto:)", "]\\\\(", quiet)  # other links could run code or read files
    return re.sub(r"(?m)^(\s*)(\[[^\]]*\]:|#|>|\||=|`{3}|~{3}|-{2,}|\*{3}|_{3})", r"\1\\\2", quiet)


# ---------------------------------------------------------------------------------------------------------------- head


def head(card: ModelCard, words: CardData) -> dict[str, Any]:
    """Hugging Face metadata: licence, library, tags and model-index, undefined numbers left out."""
    licence = words.licence.strip().lower() or "unknown"
    made: dict[str, Any] = {"license": licence if licence in _HF_LICENCES else "other"}
    if made["license"] == "other":
        made["license_name"] = re.sub(r"[^a-z0-9.]+", "-", licence)
    if words.library:
        made["library_name"] = words.library
    made["pipeline_tag"] = "image-classification"
    simulated = ["simulated-data"] if _has(card, True) else []
    made["tags"] = list(dict.fromkeys(["x-ray", "customs", "xraybench", *simulated, *words.tags]))
    if results := _index_entries(card):
        made["model-index"] = [{"name": card.model, "results": results}]
    return made


def _index_entries(card: ModelCard) -> list[dict[str, Any]]:
    """One entry for the main result of every body of data."""
    entries = []
    for result in _widest(card):
        rows = [
            n for n in card.numbers if n.field == "metrics" and n.result == result.path and n.metric in _HEAD_METRICS
        ]
        metrics = [_index_metric(n) for n in rows if not math.isnan(n.value)]
        if not metrics:
            continue
        kind = "simulated" if result.is_simulated else "real"
        dataset = {
            "name": f"xraybench {', '.join(sorted(result.corpora))} ({kind}, profile {result.profile}, seed {result.seed})",
            "type": "xraybench",
            "config": result.task,
            "split": "test",
            "revision": "+".join(result.corpora[name] for name in sorted(result.corpora)),
        }
        named = {
            "type": "image-classification",
            "name": f"Threat recognition on {kind} scans, {_task_in_words(result.task)}",
        }
        entries.append({"task": named, "dataset": dataset, "metrics": metrics})
    return entries


def _task_in_words(task_id: str) -> str:
    task = task_of(task_id)
    threat = "any threat" if task.threat == "any" else text.term(task.threat)
    concealment = "any concealment" if task.concealment == "any" else text.term(task.concealment)
    return f"{threat}, {concealment}, {'all sensors' if task.sensor == 'any' else f'sensor {task.sensor}'}"


def _index_metric(number: CardNumber) -> dict[str, Any]:
    bounds = {} if math.isnan(number.low) else {"low": six(number.low), "high": six(number.high)}
    interval = text.interval(number.low, number.high, number.metric) or "none"
    return {
        "type": _HF_METRICS.get(number.metric, number.metric),
        "value": six(number.value),
        "name": f"{text.metric_label(number.metric, number.at)}, 95 % interval {interval}",
        "args": {
            **({"at_pfa": number.at} if number.at is not None else {}),
            **bounds,
            "n_items": number.n_items,
            "n_threats": number.n_threats,
        },
    }


def six(value: float) -> float:
    """Six significant digits, as in the result files."""
    return float(f"{value:.6g}")


def _yaml(made: dict[str, Any]) -> str:
    import yaml

    return yaml.safe_dump(made, sort_keys=False, allow_unicode=True, width=1000)
