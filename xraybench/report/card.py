"""Model cards: the vendor's words beside measured numbers, as Markdown with a Hugging Face head and as one HTML page.

The words come from a TOML file in which no measured number may stand; every number comes from result files that runs
wrote. So a card cannot drift from the results, and whoever has both makes the same card, byte for byte.
"""

import math
import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from xraybench.core.documents import CardData, ModelSignature, ResultFile, ResultRow, field_faults, write_text
from xraybench.core.errors import BadFile, UnknownName
from xraybench.core.registry import did_you_mean
from xraybench.core.task import Task
from xraybench.report import text
from xraybench.report.board import Board, Entry, Number, Track, boards, sensors_of
from xraybench.report.html import render_notebook
from xraybench.report.leaderboard import MODELS, RESULTS, axis_values, other_measures, read_signatures
from xraybench.report.results import find, load_results, models_on

MINUS, TIMES = "\N{MINUS SIGN}", "\N{MULTIPLICATION SIGN}"

# What the vendor should tell. A field that stays empty is printed as a gap, by name.
WORDS = {
    "summary": "What it is",
    "intended_use": "Intended use",
    "out_of_scope": "Out of scope",
    "limitations": "Limitations, in the vendor's words",
    "training_summary": "Training, in the vendor's words",
    "human_oversight": "Human oversight",
}
_REQUIRED = ("vendor", "contact", "licence", *WORDS)
_MEASURED = {"pd", "pfa", "auroc", "auc", "ap", "average_precision", "precision", "recall", "f1", "accuracy", "brier"}
_MEASURED |= {"ece", "localisation", "latency", "threshold", "sensitivity", "specificity", "score", "value", "metric"}
_MEASURED |= {"metrics", "result", "results"}
# A share or a percentage in prose. Lengths and energies may have decimals: they are facts of a scanner, not results.
_UNITS = r"(?!\s*(?:[µmck]?m|[kM]e?V|kVp|m?A|k?g|g/cm3)\b)"
_NUMBER_IN_PROSE = re.compile(
    rf"(?<![\w.])\d+(?:[.,]\d+)?\s*(?:%|per\s?cent\b)|(?<![\w.,])0?[.,]\d+(?![\w.]*\d*\.\d){_UNITS}", re.IGNORECASE
)
# Licences that Hugging Face knows by name; others are `other` with their own name beside it.
_HF_LICENCES = {"apache-2.0", "mit", "bsd-3-clause", "bsd-2-clause", "gpl-3.0", "lgpl-3.0", "mpl-2.0", "cc-by-4.0"}
_HF_LICENCES |= {"cc-by-nc-4.0", "cc-by-sa-4.0", "cc0-1.0", "eupl-1.1", "unknown"}
_HEAD_METRICS = (("pd", True), ("pfa", True), ("auroc", False), ("average_precision", False))


@dataclass(frozen=True, slots=True)
class Card:
    """A written card: where it lies and what it says."""

    model: str
    markdown_file: Path
    html_file: Path
    words_file: Path
    markdown: str
    gaps: tuple[str, ...]  # fields that the vendor left empty

    def _repr_markdown_(self) -> str:
        return card_body(self)


def card(model: str, board: Path, words: Path, *, out: Path) -> Card:
    """Write `<model>.md` and `<model>.html` and return the card.

    Args:
        model: A model on the board.
        board: Folder of the board: `results/` and `models/` are read.
        words: The vendor's words, a TOML file. Where it is missing, every field of it is a gap.
        out: Folder to write to.

    Raises:
        UnknownName: The board holds no result of this model.
        BadFile: The words hold a measured number or an unknown field, or a file of the board is broken.
    """
    result_files, signature = _measured(model, board)
    told = read_words(words, model)
    markdown, page = render_card(told, result_files, signature)
    made = Card(model, out / f"{model}.md", out / f"{model}.html", words, markdown, tuple(gaps_of(told)))
    write_text(made.markdown_file, markdown)
    write_text(made.html_file, page)
    return made


def card_body(made: Card) -> str:
    """The card's Markdown without its head, for a notebook."""
    return made.markdown.split("\n---\n", 1)[1].lstrip()


def card_faults(made: Card, board: Path) -> list[str]:
    """What is wrong with a card on disk: files that are not the product of words and results, numbers in the words."""
    told = read_words(made.words_file, made.model)
    markdown, page = render_card(told, *_measured(made.model, board))
    wanted = {made.markdown_file: markdown, made.html_file: page}
    return [
        f"{path}: not what the words and the results give"
        for path, content in wanted.items()
        if not path.is_file() or path.read_text(encoding="utf-8") != content
    ]


def read_words(path: Path, model: str) -> CardData:
    """The vendor's words; all gaps where there is no such file.

    Raises:
        BadFile: Not TOML, an unknown or ill-typed field, a measured number, or another model's words; all at once.
    """
    if not path.exists():
        return CardData(model=model, title=model, vendor="", licence="", **dict.fromkeys(WORDS, ""))
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadFile(f"{path}: not TOML ({error}).") from None
    measured = [key for key in given if _is_measured(key)]
    faults = [f"{key}: is measured; it comes from the results, not from the card" for key in measured]
    told = None
    try:
        told = CardData.model_validate({key: value for key, value in given.items() if key not in measured})
    except ValidationError as error:
        faults += [_with_hint(fault) for fault in field_faults(error)]
    if told is not None:
        faults += words_faults(told)
        if told.model != model:
            faults.append(f"model: the file speaks of '{told.model}', the card is of '{model}'")
    if faults:
        listed = "\n  ".join(faults)
        raise BadFile(f"{path}: {len(faults)} fault{'s' if len(faults) > 1 else ''}\n  {listed}")
    assert told is not None
    return told


def words_faults(words: CardData) -> list[str]:
    """Shares and percentages in the vendor's prose: numbers belong to the results, where they carry an interval."""
    return [
        f"{name}: '{found[0].strip()}' looks measured; numbers come from the results, with interval and count"
        for name, prose in words.model_dump().items()
        if isinstance(prose, str) and name not in ("schema_id", "licence", "model")
        for found in _NUMBER_IN_PROSE.finditer(prose)
    ]


def gaps_of(words: CardData) -> list[str]:
    """Names of the fields that a buyer needs and the vendor left empty."""
    return [name for name in _REQUIRED if not getattr(words, name).strip()]


def render_card(
    words: CardData, result_files: Sequence[ResultFile], signature: ModelSignature | None
) -> tuple[str, str]:
    """Markdown and HTML of a card: a pure function of the words and the numbers."""
    found = boards(result_files, signatures={words.model: signature} if signature else {})
    sections = _sections(words, found, signature)
    head = _yaml(_head(words, found, signature))
    markdown = f"---\n{head}---\n\n" + "\n\n".join(sections) + "\n"
    return markdown, _page(words, found, sections)


def _measured(model: str, board: Path) -> tuple[list[ResultFile], ModelSignature | None]:
    known = models_on(board)
    if model not in known:
        raise UnknownName(f"No model on the board is called '{model}'. {did_you_mean(model, known)}")
    result_files = load_results(board / RESULTS, model=model)
    return result_files, read_signatures(board / MODELS, [model]).get(model)


def _is_measured(key: str) -> bool:
    return any(part in _MEASURED for part in re.split(r"[^a-z0-9]+", key.lower())) or key.lower() in _MEASURED


def _with_hint(fault: str) -> str:
    name = fault.partition(":")[0]
    if "Extra inputs" not in fault:
        return fault
    known = [field for field in CardData.model_fields if field != "schema_id"]
    return f"{name}: no such field. {did_you_mean(name, known)}"


# ---------------------------------------------------------------------------------------------------------------- body


def _sections(words: CardData, found: Sequence[Board], signature: ModelSignature | None) -> list[str]:
    """The card in Markdown, a section an entry."""
    sections = [f"# {_safe(words.title)}", *_honesty(found), _facts(words, signature), f"{_prose(words, 'summary')}"]
    sections += [f"## {WORDS[name]}\n\n{_prose(words, name)}" for name in ("intended_use", "out_of_scope")]
    for board in found:
        sections += _board_sections(board)
    sections.append(f"## {WORDS['limitations']}\n\n{_prose(words, 'limitations')}")
    sections.append("## Limitations, as the results show them\n\n" + _bullets(_shown_limits(found)))
    sections.append(_input_and_output(signature))
    sections.append(f"## {WORDS['training_summary']}\n\n{_prose(words, 'training_summary')}")
    sections.append(_lineage(signature))
    sections.append(f"## {WORDS['human_oversight']}\n\n{_prose(words, 'human_oversight')}")
    sections.append(_reproduce(words.model, found))
    sections.append(_gaps(words))
    return sections


def _honesty(found: Sequence[Board]) -> list[str]:
    told = {board.is_simulated: board.honesty for board in found}
    return [
        f"> **{'Simulated data.' if is_simulated else 'Real data, imported.'}** {told[is_simulated]}"
        for is_simulated in sorted(told, reverse=True)
    ]


def _facts(words: CardData, signature: ModelSignature | None) -> str:
    rows = [
        ("Model", f"`{words.model}`"),
        ("Vendor", _safe(words.vendor) or _GAP),
        ("Contact", _safe(words.contact) or _GAP),
    ]
    rows += [("Licence", _safe(words.licence) or _GAP)]
    if signature is None:
        rows.append(("Architecture", "no signature was handed in"))
    else:
        size = f"{signature.n_parameters:,} parameters" if signature.n_parameters else "size not stated"
        rows.append(("Architecture", f"{signature.architecture or 'not stated'}, {size}"))
        rows.append(("Adapter", f"`{signature.adapter}`"))
        rows.append(
            ("Digest of weights", f"`{signature.weights_digest}`" if signature.weights_digest else "not stated")
        )
    return _table(["what", "value"], rows, n_left=2)


_GAP = "*gap: not stated*"


def _prose(words: CardData, name: str) -> str:
    return _safe(getattr(words, name).strip()) or f"*Gap: `{name}` was left empty by the vendor.*"


def _safe(prose: str) -> str:
    """A vendor's words as Markdown that can hold no markup of a page and fetch nothing."""
    return prose.replace("&", "&amp;").replace("<", "&lt;").replace("![", "!\\[")


def _board_sections(board: Board) -> list[str]:
    """Figures, slices, thresholds and latency on one body of data."""
    track, entry = next((track, entry) for track in board.tracks for entry in track.entries)
    where = f"{board.title}, {'simulated' if board.is_simulated else 'real'} scans, {track.name} track"
    sections = [_figures(board, entry, where)]
    if board.slices():
        sections.append(_slices(board, entry))
    if len(axis_values(board, "concealment")) > 1 and len(board.sensors) > 1:
        sections.append(_concealment_by_sensor(board, track, entry))
    sections += [_thresholds(board, entry), _latency(board, entry), _digests(board, entry)]
    return sections


def _figures(board: Board, entry: Entry, where: str) -> str:
    at = board.main.pfa_points[0]
    measures = [("pd", at), *((metric, point) for metric, point in other_measures(board))]
    rows = [_figure_row(text.metric_label(m, p), entry.number(board.main.id, m, p)) for m, p in measures]
    rows += [
        _figure_row(text.metric_label("pfa", point), entry.number(board.main.id, "pfa", point))
        for point in board.main.pfa_points
    ]
    return (
        f"## Figures: {where}\n\n"
        f"Task `{board.main.id}`: {_task_in_words(board.main)}. The threshold is set on benign calibration items at the "
        f"target pfa and carried over to the test items unchanged.\n\n"
        + _table(["measure", "value", "95 % interval", "n"], rows)
    )


def _figure_row(label: str, number: Number) -> tuple[str, ...]:
    if not number.is_defined:
        return (label, f"{text.NOT_AVAILABLE}: {number.reason}", "", str(number.n) if number.n else "")
    return (label, text.number(number.value, number.metric), _interval_of(number), str(number.n))


def _interval_of(number: Number) -> str:
    return text.interval(number.low, number.high, number.metric) or "none"


def _task_in_words(task: Task) -> str:
    threat = "any threat" if task.threat == "any" else text.term(task.threat)
    concealment = "any concealment" if task.concealment == "any" else text.term(task.concealment)
    return f"{threat}, {concealment}, {'all sensors' if task.sensor == 'any' else f'sensor {task.sensor}'}"


def _slices(board: Board, entry: Entry) -> str:
    at = board.main.pfa_points[0]
    worst = board.worst_slice(entry)
    rows = []
    for axis, value in board.slices():
        number = entry.number(board.main.id, "pd", at, axis, value)
        label, told, interval, n = _figure_row(text.term(value), number)
        rows.append((axis, label, f"{told} (worst)" if (axis, value) == worst else told, interval, n))
    return (
        f"### Slices: {board.title}\n\npd at pfa {at:g}, at the task's own threshold. The worst of "
        "many slices looks worse than it is by chance alone; read its interval.\n\n"
        + _table(["by", "slice", "pd", "95 % interval", "n"], rows, n_left=2)
    )


def _concealment_by_sensor(board: Board, track: Track, entry: Entry) -> str:
    sensors = [*board.sensors, *(["any"] if board.main.sensor == "any" else [])]
    rows = []
    for concealment in axis_values(board, "concealment"):
        tasks = [board.task(board.main.threat, concealment, sensor) for sensor in sensors]
        numbers = [track.number(entry, task) if task else None for task in tasks]
        rows.append((text.term(concealment), *(_cell(number) for number in numbers)))
    at = board.main.pfa_points[0]
    return (
        f"### Concealment by sensor: {board.title}\n\npd at pfa {at:g}, any threat; each cell is a task of its own.\n\n"
        + (_table(["concealment", *("all sensors" if s == "any" else s for s in sensors)], rows))
    )


def _cell(number: Number | None) -> str:
    if number is None:
        return f"{text.NOT_AVAILABLE}: no such task"
    if not number.is_defined:
        return f"{text.NOT_AVAILABLE}: {number.reason}"
    return f"{text.number(number.value)} {text.interval(number.low, number.high)}"


def _thresholds(board: Board, entry: Entry) -> str:
    file = entry.files.get(board.main.id)
    rows = []
    for point in board.main.pfa_points:
        threshold = file.thresholds.get(f"{point:g}") if file else None
        achieved = entry.number(board.main.id, "pfa", point)
        told = f"{threshold:.6g}" if threshold is not None else f"{text.NOT_AVAILABLE}: no benign calibration items"
        rows.append((f"{point:g}", told, _cell_of_pfa(achieved)))
    for axis, value in board.slices():
        if axis == "sensor":
            achieved = entry.number(board.main.id, "pfa", board.main.pfa_points[0], axis, value)
            rows.append((f"{board.main.pfa_points[0]:g}, on {value}", "the same", _cell_of_pfa(achieved)))
    return (
        f"### Operating thresholds: {board.title}\n\nAn item alarms at a score of the threshold or more.\n\n"
        + _table(["target pfa", "threshold", "pfa achieved on the test items"], rows)
    )


def _cell_of_pfa(number: Number) -> str:
    if not number.is_defined:
        return f"{text.NOT_AVAILABLE}: {number.reason}"
    return f"{text.number(number.value, 'pfa')} {text.interval(number.low, number.high, 'pfa')}, n = {number.n}"


def _latency(board: Board, entry: Entry) -> str:
    rows = [
        _figure_row(text.metric_label(metric), entry.number(board.main.id, metric, None))
        for metric in ("latency_p50_ms", "latency_p95_ms")
    ]
    device = entry.device or "a device that is not stated"
    return (
        f"### Latency: {board.title}\n\nFrom a scan to its score, measured on {_safe(device)}. It says nothing about "
        f"another device.\n\n" + _table(["measure", "value", "95 % interval", "scans timed"], rows)
    )


def _digests(board: Board, entry: Entry) -> str:
    rows = [(f"corpus {corpus}", f"`{digest}`") for corpus, digest in board.corpora.items()]
    if file := entry.files.get(board.main.id):
        rows += [
            (f"predictions on {board.main.id}", f"`{file.predictions_digest}`"),
            ("profile, seed", f"{file.profile}, {file.seed}"),
            ("bootstrap replicates", str(file.n_replicates)),
            ("scored by", f"xraybench {file.version}"),
        ]
    return f"### Data and code behind these figures: {board.title}\n\n" + _table(
        ["what", "digest or value"], rows, n_left=2
    )


def _shown_limits(found: Sequence[Board]) -> list[str]:
    """What the numbers themselves say against the model."""
    limits: list[str] = []
    for board in found:
        _, entry = next((track, entry) for track in board.tracks for entry in track.entries)
        at = board.main.pfa_points[0]
        if worst := board.worst_slice(entry):
            number = entry.number(board.main.id, "pd", at, *worst)
            interval = text.interval(number.low, number.high)
            limits.append(
                f"{board.title}: weakest on {worst[0]} {text.term(worst[1])}, pd {text.number(number.value)} {interval} "
                f"on {number.n} threats."
            )
        for sensor in board.sensors:
            pfa = entry.number(board.main.id, "pfa", at, "sensor", sensor)
            if pfa.is_defined and pfa.low > at:
                limits.append(
                    f"{board.title}: more false alarms than asked on {sensor}, pfa {text.number(pfa.value, 'pfa')} "
                    f"{text.interval(pfa.low, pfa.high, 'pfa')} for a target of {at:g}."
                )
            if entry.trained_on and sensor not in entry.trained_on:
                limits.append(f"{board.title}: {sensor} is tested here and was not among the training sensors.")
        thin = [
            f"{axis} {text.term(value)}"
            for axis, value in board.slices()
            if not entry.number(board.main.id, "pd", at, axis, value).is_defined
        ]
        if thin:
            limits.append(f"{board.title}: no number for {text.listed(thin)}, see the table for why.")
        if not entry.number(board.main.id, "localisation_hit_rate", at).is_defined:
            limits.append(f"{board.title}: no figure on where in the scan a threat is.")
    return limits


def _input_and_output(signature: ModelSignature | None) -> str:
    if signature is None:
        return "## Input and output\n\n*Gap: no signature was handed in, so input, preprocessing and outputs are not known.*"
    scale = f"counts of the open beam near {signature.full_scale:g}" if signature.track == "raw" else "8-bit values"
    rows = [
        ("track", f"`{signature.track}`"),
        ("channels, in order", ", ".join(f"`{channel}`" for channel in signature.channels)),
        ("values", scale),
        ("size", f"any; resized inside the model to {signature.image_px} {TIMES} {signature.image_px} pixels"),
        (
            "polarity",
            f"bright is the open beam; {MINUS}ln(I / I₀) is taken inside the model"
            if signature.track == "raw"
            else "as shown",
        ),
        ("outputs", ", ".join(f"`{target}`" for target in signature.targets)),
        (
            "a score",
            "in [0, 1], higher means more suspicious; one a target, and the best box where the model gives boxes",
        ),
        ("decision", "alarm where the score of the target is at or above the threshold"),
    ]
    return "## Input and output\n\n" + _table(["what", "value"], rows, n_left=2)


def _lineage(signature: ModelSignature | None) -> str:
    if signature is None or not signature.training:
        return "## Training data and lineage\n\n*Gap: the signature says nothing of training.*"
    training = dict(signature.training)
    rows = [("sensors", ", ".join(sensors_of(signature)) or "not stated")]
    training.pop("sensors", None)
    sites = training.pop("sites", None)
    rows += [(name.replace("_", " "), _told(value)) for name, value in _flat(training)]
    lines = "## Training data and lineage\n\n" + _table(["what", "value"], rows, n_left=2)
    if isinstance(sites, list) and sites and all(isinstance(site, dict) for site in sites):
        parties = [
            (str(site.get("name", "?")), ", ".join(sorted(site.get("corpora") or {})), str(site.get("n_items", "")))
            for site in sites
        ]
        lines += "\n\nScans stayed at these sites:\n\n" + _table(["site", "corpora", "items"], parties, n_left=2)
    elif sites:
        lines += f"\n\nSites: {_told(sites)}."
    return lines


def _flat(value: dict[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for name, inner in value.items():
        if isinstance(inner, dict):
            yield from _flat(inner, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}", inner


def _told(value: Any) -> str:
    if isinstance(value, list | tuple):
        return _safe(", ".join(map(str, value))) or "none"
    told = str(value)
    return f"`{told}`" if re.fullmatch(r"[0-9a-f]{16,}", told) else _safe(told) or "none"


def _reproduce(model: str, found: Sequence[Board]) -> str:
    commands = []
    for board in found:
        file = next(file for track in board.tracks for entry in track.entries for file in entry.files.values())
        if board.is_simulated:
            same = f"--profile {file.profile} --seed {file.seed}"
            kept = f"leaderboards/predictions/{model}/{board.vector}-*.parquet"
            commands += [
                f"xraybench data make {board.vector} {same}",
                f"xraybench evaluate {board.main.id} {kept} {same}",
            ]
    versions = sorted({version for board in found for version in board.versions})
    lines = [
        f"With xraybench {text.listed(versions)}:",
        "```\n" + "\n".join([*commands, "xraybench leaderboard check"]) + "\n```",
    ]
    if commands:
        lines.append(
            "`data make` makes the scans again from their seed, `evaluate` scores the kept predictions on them."
        )
    lines.append("`leaderboard check` compares the published site with its results, byte for byte.")
    if any(not board.is_simulated for board in found):
        lines.append("Real scans are sent nowhere: their figures can be repeated where the scans are.")
    return "## How to repeat it\n\n" + "\n\n".join(lines)


def _gaps(words: CardData) -> str:
    gaps = gaps_of(words)
    if not gaps:
        return "## Gaps\n\nNone: every required field is filled."
    return "## Gaps\n\nThe vendor left these required fields empty:\n\n" + _bullets([f"`{name}`" for name in gaps])


def _bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines) if lines else "None was found by these tasks."


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, n_left: int = 1) -> str:
    """A Markdown table: the first `n_left` columns to the left, the others to the right."""
    align = [":---" if index < n_left else "---:" for index in range(len(heads))]
    lines = [heads, align, *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


# ---------------------------------------------------------------------------------------------------------------- head


def _head(words: CardData, found: Sequence[Board], signature: ModelSignature | None) -> dict[str, Any]:
    """Hugging Face metadata: licence, library, tags and model-index, undefined numbers left out."""
    licence = words.licence.strip().lower() or "unknown"
    head: dict[str, Any] = {"license": licence if licence in _HF_LICENCES else "other"}
    if head["license"] == "other":
        head["license_name"] = re.sub(r"[^a-z0-9.]+", "-", licence)
    if words.library:
        head["library_name"] = words.library
    head["pipeline_tag"] = "image-classification"
    simulated = ["simulated-data"] if any(board.is_simulated for board in found) else []
    head["tags"] = list(dict.fromkeys(["x-ray", "customs", "xraybench", *simulated, *words.tags]))
    results = [entry for board in found for entry in _index_entries(board)]
    if results:
        head["model-index"] = [{"name": words.model, "results": results}]
    return head


def _index_entries(board: Board) -> list[dict[str, Any]]:
    """One entry for the widest task and one for each sensor."""
    _, entry = next((track, entry) for track in board.tracks for entry in track.entries)
    entries = []
    for task in [board.main, *board.along("sensor")]:
        file = entry.files.get(task.id)
        metrics = _index_metrics(task, file) if file else []
        if file and metrics:
            kind = "simulated" if file.is_simulated else "real"
            dataset = {
                "name": f"xraybench {', '.join(sorted(file.corpora))} ({kind}, profile {file.profile}, seed {file.seed})",
                "type": "xraybench",
                "config": task.id,
                "split": "test",
                "revision": next(iter(file.corpora.values())) if len(file.corpora) == 1 else _joined(file.corpora),
            }
            named = {"type": "image-classification", "name": f"Threat recognition, {_task_in_words(task)}"}
            entries.append({"task": named, "dataset": dataset, "metrics": metrics})
    return entries


def _joined(corpora: dict[str, str]) -> str:
    return "+".join(corpora[name] for name in sorted(corpora))


def _index_metrics(task: Task, file: ResultFile) -> list[dict[str, Any]]:
    wanted = [(m, p) for m, at_points in _HEAD_METRICS for p in (task.pfa_points if at_points else (None,))]
    rows = [row for metric, point in wanted if (row := find(file, metric, point)) and not math.isnan(row.value)]
    return [_index_metric(row) for row in rows]


def _index_metric(row: ResultRow) -> dict[str, Any]:
    kind = {"auroc": "roc_auc"}.get(row.metric, row.metric)
    counts = {"n_items": row.n_items, "n_threats": row.n_threats}
    bounds = {} if math.isnan(row.low) or math.isnan(row.high) else {"low": _six(row.low), "high": _six(row.high)}
    interval = text.interval(row.low, row.high, row.metric) or "none"
    return {
        "type": kind,
        "value": _six(row.value),
        "name": f"{text.metric_label(row.metric, row.at)}, 95 % interval {interval}",
        "args": {**({"at_pfa": row.at} if row.at is not None else {}), **bounds, **counts},
    }


def _six(value: float) -> float:
    return float(f"{value:.6g}")


def _yaml(head: dict[str, Any]) -> str:
    import yaml

    return yaml.safe_dump(head, sort_keys=False, allow_unicode=True, width=1000)


# ---------------------------------------------------------------------------------------------------------------- page


def _page(words: CardData, found: Sequence[Board], sections: Sequence[str]) -> str:
    """The card as a page: its sections, and after the figures of each board the forest of its slices."""
    import nbformat

    from xraybench.report import plots

    cells: list[dict[str, Any]] = []
    drawn = {f"### Slices: {board.title}": board for board in found}
    for section in sections:
        cells.append({"cell_type": "markdown", "metadata": {}, "source": section})
        board = drawn.get(section.partition("\n")[0])
        if board is not None:
            _, entry = next((track, entry) for track in board.tracks for entry in track.entries)
            picture = plots.svg(plots.slices(entry.files[board.main.id], at=board.main.pfa_points[0]))
            output = {"output_type": "display_data", "data": {"image/svg+xml": picture}, "metadata": {}}
            cells.append(
                {"cell_type": "code", "metadata": {}, "source": "", "execution_count": None, "outputs": [output]}
            )
    cells = [{"id": f"section-{index}", **cell} for index, cell in enumerate(cells)]
    content = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}
    notebook = nbformat.from_dict(content)
    return render_notebook(notebook, code="hide", title=f"{words.title}: model card")
