"""The lint of model cards: is every number the one in the results, is every word one that a vendor may say?

A finding names the file and the field and says what would be right. Faults fail the check; open words that are not
required are told and do not.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xraybench.core.cards import FIELDS, CardData, CardNumber, ModelCard
from xraybench.core.errors import BadFile, UnknownName
from xraybench.core.registry import did_you_mean
from xraybench.report import text
from xraybench.report.attest import STATEMENT
from xraybench.report.card import Card, Measured, measured, render_card, words_file
from xraybench.report.card_words import claims, gaps_of, read_words, unsaid, words_with_faults
from xraybench.report.results import models_on

ENDINGS = (".md", ".html", ".json")
_FIELD_OF_WORD = {name: field.title for field in FIELDS for name in field.words}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or open, with a card."""

    file: str
    field: str
    message: str
    is_fault: bool = True

    def __str__(self) -> str:
        return f"{self.file}: {self.field}: {self.message}" if self.field else f"{self.file}: {self.message}"


def card_faults(made: Card, board: Path) -> list[str]:
    """What is wrong with a written card: files that are not the product of words and results.

    Raises:
        BadFile: The words hold a typed number or a broken reference.
    """
    words = read_words(made.words_file, made.model)
    found = _stale(made.markdown_file.parent, words, measured(made.model, board))
    return [str(finding) for finding in found]


def check_cards(board: Path, cards: Path, models: Sequence[str] = ()) -> list[Finding]:
    """Lint the cards of a board.

    Args:
        board: Folder of the board.
        cards: Folder with `<model>.toml`, `.md`, `.html` and `.json`.
        models: Some models; none given checks every model on the board, and that no card is of another.

    Raises:
        UnknownName: A model that the board does not hold.
        BadFile: No such folder, words that are no TOML, or a broken file of the board.
    """
    if not cards.is_dir():
        raise BadFile(f"{cards}: there is no such folder of cards.")
    known = models_on(board)
    for model in models:
        if model not in known:
            raise UnknownName(f"No model on the board is called '{model}'. {did_you_mean(model, known)}")
    found = [finding for model in models or known for finding in _check(model, board, cards)]
    return found if models else found + _orphans(cards, known)


def _check(model: str, board: Path, cards: Path) -> list[Finding]:
    path = words_file(model, cards, board.parent / "model_cards")
    if not path.exists():
        told = f"there are no words of the vendor; `xraybench card template {model}` prints a file to fill in"
        return [Finding(path.name, "", told)]
    faults, words = words_with_faults(path, model)
    found = [_of_word(path.name, fault) for fault in faults]
    if words is None:
        return found
    kept = measured(model, board)
    is_simulated = all(one.file.is_simulated for one in kept.kept)
    found += [_of_word(path.name, claim) for claim in claims(words, is_simulated=is_simulated)]
    found += _gaps(path.name, words)
    if faults:
        return found
    try:
        found += _stale(cards, words, kept)
    except BadFile as error:  # a reference in the words that no result answers
        found += [Finding(path.name, *_split(line)) for line in str(error).split("\n  ")[1:]]
    return found


def _of_word(file: str, fault: str) -> Finding:
    return Finding(file, *_split(fault))


def _split(fault: str) -> tuple[str, str]:
    field, _, message = fault.partition(": ")
    return field, message


def _gaps(file: str, words: CardData) -> list[Finding]:
    needed = [
        Finding(file, name, f"is required and empty: {CardData.model_fields[name].description}")
        for name in gaps_of(words)
    ]
    return needed + [
        Finding(file, name, f"is not told ({_FIELD_OF_WORD[name].lower()})", is_fault=False) for name in unsaid(words)
    ]


def _stale(cards: Path, words: CardData, found: Measured) -> list[Finding]:
    """Every file of the card that is not what words and results give, and which number or line is another."""
    compiled, wanted = render_card(words, found)
    faults: list[Finding] = []
    for ending, content in wanted.items():
        path = cards / f"{words.model}{ending}"
        if not path.is_file():
            faults.append(Finding(path.name, "", f"is not there; `xraybench card build {words.model}` writes it"))
            continue
        there = path.read_bytes().decode("utf-8", errors="replace")
        if there != content:
            faults += _differences(path.name, ending, there, content, compiled)
    return faults


def _differences(file: str, ending: str, there: str, wanted: str, compiled: ModelCard) -> list[Finding]:
    again = f"`xraybench card build {compiled.model}` writes it again"
    faults = []
    shows_simulated = any(result.is_simulated for result in compiled.results)
    if ending in (".md", ".html") and shows_simulated and text.HONESTY_SIMULATED not in _plain(there):
        faults.append(Finding(file, "notice", "simulated results are shown without the notice of simulated data"))
    if ending == ".json":
        faults += _wrong_numbers(file, there, compiled)
    if ending == ".md":
        faults += _wrong_lines(file, there, wanted)
    return faults or [Finding(file, "", f"is not what the words and the results give; {again}")]


def _plain(page: str) -> str:
    return " ".join(page.split())


def _wrong_lines(file: str, there: str, wanted: str) -> list[Finding]:
    """The first line that differs, under the heading it stands in."""
    old, new = there.splitlines(), wanted.splitlines()
    at = next((n for n, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]), min(len(old), len(new)))
    heading = next((line.lstrip("# ") for line in reversed(new[: at + 1]) if line.startswith("#")), "head")
    says = old[at].strip() if at < len(old) else "nothing"
    right = new[at].strip() if at < len(new) else "nothing"
    return [Finding(file, heading, f"line {at + 1} says '{says[:120]}', words and results give '{right[:120]}'")]


def _wrong_numbers(file: str, there: str, compiled: ModelCard) -> list[Finding]:
    """Numbers of the file that are not those of the results, and result files that have changed since."""
    try:
        document = ModelCard.model_validate(json.loads(there))
    except (json.JSONDecodeError, ValueError):
        return [Finding(file, "", "is no card; `xraybench card build` writes it again")]
    faults = []
    digests = {result.path: result.digest for result in compiled.results}
    for result in document.results:
        if digests.get(result.path) != result.digest:
            now = digests.get(result.path, "not there")
            faults.append(Finding(file, f"results {result.path}", f"has digest {result.digest}, the board's is {now}"))
    right = {_key(number): number for number in compiled.numbers}
    for number in document.numbers:
        wanted = right.get(_key(number))
        if wanted is None:
            faults.append(
                Finding(file, number.field, f"{_named(number)}: broken reference, no result holds such a row")
            )
            continue
        for name in ("value", "low", "high", "n_items", "n_threats"):
            old, new = getattr(number, name), getattr(wanted, name)
            if not _is_same(old, new):
                faults.append(
                    Finding(file, number.field, f"{_named(number)}: {name} is {old:g}, the result says {new:g}")
                )
    return faults


def _key(number: CardNumber) -> tuple[Any, ...]:
    return (number.field, number.table, number.result, number.metric, number.at, number.slice_axis, number.slice_value)


def _named(number: CardNumber) -> str:
    part = f" {number.slice_axis}={number.slice_value}" if number.slice_axis else ""
    return f"{number.result} {number.metric}{f'@{number.at:g}' if number.at is not None else ''}{part}"


def _is_same(old: float, new: float) -> bool:
    both_undefined = math.isnan(old) and math.isnan(new)
    return both_undefined or float(f"{old:.6g}") == float(f"{new:.6g}")


def _orphans(cards: Path, known: Sequence[str]) -> list[Finding]:
    """Cards of models that the board holds no result of. Bills of materials and statements beside them are no cards."""
    names = {path.name: path.stem for ending in (*ENDINGS, ".toml") for path in cards.glob(f"*{ending}")}
    names = {
        n: model for n, model in names.items() if not n.endswith(".cdx.json") and n not in (STATEMENT, "README.md")
    }
    return [
        Finding(name, "model", f"broken reference: the board holds no result of '{model}'")
        for name, model in sorted(names.items())
        if model not in known
    ]
