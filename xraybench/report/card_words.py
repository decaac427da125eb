"""The vendor's words: read from TOML, with every number that was typed in and every claim without measure found and named.

A word may quote a result: `{{pd@0.05 mail-any-any-any-v1 concealment=masked}}` is replaced by that row of the result file,
with its interval and count. That is the only way in which a measured number comes into the words.
"""

import datetime as dt
import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from xraybench.core.cards import FIELDS, REQUIRED, CardData
from xraybench.core.documents import ResultFile, ResultRow, field_faults
from xraybench.core.errors import BadFile
from xraybench.core.registry import did_you_mean
from xraybench.report import text

WORDS = tuple(name for field in FIELDS for name in field.words)  # what people tell, in the order of the card
EXAMPLE = "{{pd@0.05 mail-any-any-any-v1}}"

_MEASURED = {"pd", "pfa", "auroc", "auc", "ap", "average_precision", "precision", "recall", "f1", "accuracy", "brier"}
_MEASURED |= {"ece", "localisation", "latency", "threshold", "sensitivity", "specificity", "score", "value", "metric"}
_MEASURED |= {"metrics", "result", "results"}
_NOT_PROSE = {"schema_id", "model", "version", "released"}

# A share or a percentage. Lengths and energies may have decimals: they are facts of a scanner, not results.
_UNITS = r"(?!\s*(?:[µmck]?m|[kM]e?V|kVp|m?A|k?g|g/cm3)\b)"
_COUNT = (
    r"(?:\d+|one|two|three|four|five|six|seven|eight|nine|ten|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)"
)
_NAMES = r"(?:pd|pfa|AUROC|AUC|mAP|AP|recall|sensitivity|specificity|precision|accuracy|F1|Brier|ECE)"
_NUMBERS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?<![\w.])\d+(?:[.,]\d+)?\s*(?:%|per\s?cent\b)",
        rf"\b{_COUNT}\s+per\s?cent\b",
        rf"(?<![\w.,])0?[.,]\d+(?![\w.]*\d*\.\d){_UNITS}",
        rf"\b{_NAMES}\b(?:\s+(?:of|is|was|at|above|over|below|about))*\s*[:=<>]?\s*[.,]?\d+(?:[.,]\d+)*",
        rf"\b{_COUNT}\s+(?:out\s+of|in\s+every|of\s+every)\s+(?:{_COUNT}|a\s+hundred)\b",
        rf"\b{_COUNT}\s+(?:of|in)\s+(?:ten|twenty|fifty|a\s+hundred)\b|\b\d+\s+of\s+\d{{2,}}\b",
        r"(?<![\w.])\d+(?:[.,]\d+)?\s*(?:ms|milliseconds?|seconds?|s)\s+(?:a|an|per|each)\b",
        r"(?<![\w.])\d+(?:[.,]\d+)?\s*(?:ms|milliseconds?|fps)\b",
    )
)

# Words that claim what no result of this benchmark shows. The second text says what may stand instead.
_CLAIMS = tuple(
    (re.compile(pattern, re.IGNORECASE), instead)
    for pattern, instead in (
        (r"\b(?:certified|certification|accredited|homologated)\b", "name the report under `standards`, with its date"),
        (r"\b(?:approved|endorsed|recommended)\s+by\b", "name the report under `standards`, with its date"),
        (r"\b(?:fully\s+)?(?:compliant|conformant)\b", "say which clauses were followed, under `standards`"),
        (r"(?<!at )\bbest\b|\b(?:leading|world[- ]class|top[- ]ranked|unrivalled|unmatched)\b",
         "ranks stand on the leaderboard, with what cannot be told apart"),
        (r"\b(?:state[- ]of[- ]the[- ]art|outperforms?|superior|better than)\b",
         "differences stand on the leaderboard, with their intervals"),
        (r"\b(?:guarantee[sd]?|infallible|flawless|perfect(?:ly)?|error[- ]free|fail[- ]?safe|foolproof)\b",
         "results carry intervals; say what was measured"),
        (r"\b(?:never|always)\s+(?:misses|miss|finds?|detects?|alarms?)\b|\b(?:zero|no)\s+false\s+alarms?\b",
         "results carry intervals; say what was measured"),
        (r"\b(?:proven|verified|validated)\b", "name who did it and the report, under `standards`"),
        (r"\bsuperhuman\b|\bhuman[- ]level\b|\breplaces?\s+(?:the\s+)?(?:officers?|humans?)\b",
         "no result of this benchmark compares with people"),
    )
)  # fmt: skip
# Where all results are simulated, nothing is known of use.
_FIELD_CLAIMS = re.compile(
    r"\b(?:field|real[- ]world|operational|in[- ]service)\s+(?:performance|accuracy|results?|use|conditions?)\b"
    r"|\b(?:field[- ]tested|battle[- ]tested|in\s+daily\s+use|proven\s+in\s+use|production[- ]ready)\b",
    re.IGNORECASE,
)
_NEGATION = re.compile(
    r"\b(?:no|not|never|none|nothing|neither|nor|without|cannot|isn't|aren't)\b[^.;:]*$", re.IGNORECASE
)
_REFERENCE = re.compile(r"\{\{([^{}]*)\}\}")
_REFERENCE_PARTS = re.compile(
    r"(?P<metric>\w+)(?:@(?P<at>[\d.]+))?\s+(?P<file>[\w@-]+)(?:\s+(?P<axis>\w+)=(?P<value>[\w.-]+))?"
)


def read_words(path: Path, model: str) -> CardData:
    """The vendor's words; all gaps where there is no such file.

    Raises:
        BadFile: Not TOML, an unknown or ill-typed field, a measured number, or another model's words; all at once.
    """
    if not path.exists():
        return CardData(model=model)
    faults, told = words_with_faults(path, model)
    if faults or told is None:
        listed = "\n  ".join(faults)
        raise BadFile(f"{path}: {len(faults)} fault{'s' if len(faults) > 1 else ''}\n  {listed}")
    return told


def words_with_faults(path: Path, model: str) -> tuple[list[str], CardData | None]:
    """What is wrong with a file of words, and the words where they can be read at all.

    Raises:
        BadFile: Not UTF-8 or not TOML.
    """
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadFile(f"{path}: not TOML ({error}).") from None
    measured = [key for key in given if key not in CardData.model_fields and _is_measured(key)]
    faults = [
        f"{key}: is measured; it comes from the results, not from the words. Quote one as {EXAMPLE}" for key in measured
    ]
    told = None
    try:
        told = CardData.model_validate({key: value for key, value in given.items() if key not in measured})
    except ValidationError as error:
        faults += [_with_hint(fault) for fault in field_faults(error)]
    if told is not None:
        faults += words_faults(told)
        if told.model != model:
            faults.append(f"model: the file speaks of '{told.model}', the card is of '{model}'")
    return faults, told


def words_faults(words: CardData) -> list[str]:
    """Numbers that the vendor typed: they belong to the results, where they carry an interval and a count."""
    faults = []
    for name, prose in _prose(words):
        bare = _REFERENCE.sub(" ", prose)
        found = {match.span(): match[0].strip() for pattern in _NUMBERS for match in pattern.finditer(bare)}
        outer = [s for s in found if not any(s != o and o[0] <= s[0] and s[1] <= o[1] for o in found)]
        faults += [
            f"{name}: '{found[span]}' looks measured; numbers come from the results, with interval and count. "
            f"Quote one as {EXAMPLE}"
            for span in sorted(outer)
        ]
    if words.released and not _is_day(words.released):
        faults.append(f"released: '{words.released}' is no day of the form 2027-01-31")
    if words.version and not re.fullmatch(r"[\w.+-]{1,40}", words.version):
        faults.append(f"version: '{words.version[:60]}' is no version such as 1.0.0: letters, digits, dots, no spaces")
    return faults


def claims(words: CardData, *, is_simulated: bool) -> list[str]:
    """Words that claim more than a result shows. `is_simulated`: no result of this model is on real scans."""
    faults = []
    for name, prose in _prose(words):
        for pattern, instead in _CLAIMS:
            faults += [f"{name}: '{match[0]}' is a claim; {instead}" for match in _told(pattern, prose)]
        if is_simulated:
            faults += [
                f"{name}: '{match[0]}' speaks of the field, and all results are simulated; leave it out"
                for match in _told(_FIELD_CLAIMS, prose)
            ]
    return faults


def gaps_of(words: CardData) -> list[str]:
    """Names of the fields that a buyer needs and the vendor left empty."""
    return [name for name in REQUIRED if not getattr(words, name).strip()]


def unsaid(words: CardData) -> list[str]:
    """Names of the other words that the vendor left empty."""
    return [name for name in WORDS if name not in REQUIRED and not getattr(words, name).strip()]


def template(model: str) -> str:
    """An empty file to fill in, each field with what it asks for, in the order of the card."""
    lines = [
        "# What only the vendor knows of this model. A required field that stays empty is printed as a gap, by its name.",
        f"# A measured number is quoted, never typed: {EXAMPLE}, or with a slice:",
        "# {{pd@0.05 mail-any-any-any-v1 concealment=masked}}",
        "",
        f'model = "{model}"',
        'title = ""  # name of the model for people',
        'library = ""  # library that loads it, such as timm or onnx',
        "tags = []  # words to find it by",
    ]
    for number, field in enumerate(FIELDS, start=1):
        if field.words:
            lines += ["", f"# {number}. {field.title}"]
        for name in field.words:
            needed = ", required" if name in REQUIRED else ""
            lines.append(f'{name} = ""  # {CardData.model_fields[name].description}{needed}')
    return "\n".join(lines) + "\n"


# ---------------------------------------------------------------------------------------------------------- references


@dataclass(frozen=True, slots=True)
class Quoted:
    """A text whose references were replaced by results."""

    text: str
    references: tuple[str, ...]
    faults: tuple[str, ...]


def quote(prose: str, files: Mapping[str, ResultFile]) -> Quoted:
    """Replace each `{{...}}` by the row it names.

    Args:
        prose: A word of the vendor's.
        files: Stem of the result file -> its content.
    """
    references: list[str] = []
    faults: list[str] = []

    def told(match: re.Match[str]) -> str:
        references.append(match[1].strip())
        row, fault = _row_of(match[1].strip(), files)
        if row is None:
            faults.append(fault)
            return match[0]
        stem = _REFERENCE_PARTS.fullmatch(match[1].strip())
        assert stem is not None
        scans = "simulated" if files[stem["file"]].is_simulated else "real"
        n = f"n = {number_of_items(row)}, {scans} scans"
        if math.isnan(row.value):  # a number without an interval has a reason too
            return f"{text.NOT_AVAILABLE} ({row.reason}; {n})"
        return f"{text.value_with_interval(row)} ({text.metric_label(row.metric, row.at)}, {n})"

    return Quoted(_REFERENCE.sub(told, prose), tuple(references), tuple(faults))


def number_of_items(row: ResultRow) -> int:
    """The count that a number rests on: threats for what is counted on threats, items otherwise."""
    return row.n_threats if row.metric in ("pd", "localisation_hit_rate") else row.n_items


def _row_of(reference: str, files: Mapping[str, ResultFile]) -> tuple[ResultRow | None, str]:
    parts = _REFERENCE_PARTS.fullmatch(reference)
    if parts is None:
        return None, f"'{{{{{reference}}}}}' is no reference: one reads {EXAMPLE}"
    if parts["file"] not in files:
        return (
            None,
            f"'{reference}': the model has no result '{parts['file']}'. {did_you_mean(parts['file'], list(files))}",
        )
    wanted = (parts["metric"], float(parts["at"]) if parts["at"] else None, parts["axis"] or "", parts["value"] or "")
    rows = files[parts["file"]].rows
    for row in rows:
        if (row.metric, row.at, row.slice_axis, row.slice_value) == wanted:
            return row, ""
    known = [f"{r.metric}{f'@{r.at:g}' if r.at is not None else ''}{_slice(r)}" for r in rows]
    named = f"{parts['metric']}{f'@{wanted[1]:g}' if wanted[1] is not None else ''}"
    asked = named + (f" {wanted[2]}={wanted[3]}" if wanted[2] else "")
    return None, f"'{reference}': {parts['file']} holds no row '{asked}'. {did_you_mean(asked, known)}"


def _slice(row: ResultRow) -> str:
    return f" {row.slice_axis}={row.slice_value}" if row.slice_axis else ""


# ------------------------------------------------------------------------------------------------------------- helpers


def _prose(words: CardData) -> list[tuple[str, str]]:
    told = [(name, getattr(words, name)) for name in CardData.model_fields if name not in _NOT_PROSE]
    return [(name, value if isinstance(value, str) else " ".join(value)) for name, value in told]


def _told(pattern: re.Pattern[str], prose: str) -> Sequence[re.Match[str]]:
    """Matches that the same clause does not deny: `is not certified` claims nothing."""
    return [match for match in pattern.finditer(prose) if not _NEGATION.search(prose[: match.start()])]


def _is_day(told: str) -> bool:
    try:
        dt.date.fromisoformat(told)
    except ValueError:
        return False
    return True


def _is_measured(key: str) -> bool:
    return any(part in _MEASURED for part in re.split(r"[^a-z0-9]+", key.lower())) or key.lower() in _MEASURED


def _with_hint(fault: str) -> str:
    name = fault.partition(":")[0]
    if "Extra inputs" not in fault:
        return fault
    known = [field for field in CardData.model_fields if field != "schema_id"]
    return f"{name}: no such field. {did_you_mean(name, known)}"
