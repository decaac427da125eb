"""Model cards: the vendor's words beside measured numbers, as Markdown with a Hugging Face head, one HTML page and JSON.

The words come from a TOML file in which no measured number may be typed; every number comes from result files that runs
wrote. So a card cannot drift from the results, and whoever has both makes the same card, byte for byte.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xraybench.core import digest, workspace
from xraybench.core.cards import CardData, ModelCard
from xraybench.core.documents import ModelSignature, write_text
from xraybench.core.errors import UnknownName
from xraybench.core.registry import did_you_mean
from xraybench.report.card_bom import bill_of_materials
from xraybench.report.card_fields import compile_card
from xraybench.report.card_sources import Kept
from xraybench.report.card_text import fields_table, render_markdown, sections
from xraybench.report.card_words import gaps_of, read_words
from xraybench.report.html import render_notebook
from xraybench.report.leaderboard import MODELS, RESULTS, read_signatures
from xraybench.report.results import load_results, models_on, render_document, stem_of


@dataclass(frozen=True, slots=True)
class Card:
    """A written card: where it lies and what it says."""

    model: str
    markdown_file: Path
    html_file: Path
    json_file: Path
    words_file: Path
    markdown: str
    document: ModelCard
    gaps: tuple[str, ...]  # required fields that the vendor left empty

    def _repr_markdown_(self) -> str:
        return card_body(self)


@dataclass(frozen=True, slots=True)
class Measured:
    """What a board holds of one model."""

    kept: tuple[Kept, ...]
    signature: ModelSignature | None


def card(model: str, board: Path, words: Path, *, out: Path) -> Card:
    """Write `<model>.md`, `<model>.html` and `<model>.json` and return the card.

    Args:
        model: A model on the board.
        board: Folder of the board: `results/` and `models/` are read.
        words: The vendor's words, a TOML file. Where it is missing, every field of it is a gap.
        out: Folder to write to.

    Raises:
        UnknownName: The board holds no result of this model.
        BadFile: The words hold a typed number, an unknown field or a broken reference, or a file of the board is broken.
    """
    found = measured(model, board)
    told = read_words(words, model)
    compiled, texts = render_card(told, found)
    for ending, content in texts.items():
        write_text(out / f"{model}{ending}", content)
    files = (out / f"{model}.md", out / f"{model}.html", out / f"{model}.json")
    return Card(model, *files, words, texts[".md"], compiled, tuple(gaps_of(told)))


def card_body(made: Card) -> str:
    """The card's Markdown without its head, for a notebook."""
    return made.markdown.split("\n---\n", 1)[1].lstrip()


def card_fields(made: Card) -> str:
    """The 27 fields of a card in Markdown, each with how far it is filled, for a notebook."""
    return fields_table(made.document)


def export_card(model: str, board: Path, words: Path, *, to: str) -> dict[str, Any]:
    """A card in the form of another tool.

    Args:
        model: A model on the board.
        board: Folder of the board.
        words: The vendor's words.
        to: `cyclonedx`, a machine-learning bill of materials.

    Raises:
        UnknownName: No such form, or the board holds no result of this model.
        BadFile: As `card`.
    """
    if to not in EXPORTS:
        raise UnknownName(f"No form of a card is called '{to}'. {did_you_mean(to, list(EXPORTS))}")
    found = measured(model, board)
    told = read_words(words, model)
    return EXPORTS[to](compile_card(told, found.kept, found.signature), told, found.signature)


EXPORTS = {"cyclonedx": bill_of_materials}


def words_file(model: str, *folders: Path) -> Path:
    """Where the vendor's words of a model are: the first of these folders and the repository's that has them."""
    places = [folder / f"{model}.toml" for folder in (*folders, workspace.repository() / "model_cards")]
    return next((place for place in places if place.is_file()), places[0])


def render_card(words: CardData, found: Measured) -> tuple[ModelCard, dict[str, str]]:
    """The compiled card and its texts by file ending: a pure function of the words and the numbers."""
    compiled = compile_card(words, found.kept, found.signature)
    texts = {
        ".md": render_markdown(compiled, words),
        ".html": _page(compiled, found),
        ".json": render_document(compiled),
    }
    return compiled, texts


def measured(model: str, board: Path) -> Measured:
    """The result files and the signature of one model.

    Raises:
        UnknownName: The board holds no result of it.
        BadFile: A file of the board is broken.
    """
    known = models_on(board)
    if model not in known:
        raise UnknownName(f"No model on the board is called '{model}'. {did_you_mean(model, known)}")
    files = load_results(board / RESULTS, model=model)
    paths = [f"{RESULTS}/{model}/{stem_of(file)}.json" for file in files]
    kept = [Kept(path, digest.of_file(board / path), file) for path, file in zip(paths, files, strict=True)]
    return Measured(tuple(kept), read_signatures(board / MODELS, [model]).get(model))


def _page(compiled: ModelCard, found: Measured) -> str:
    """The card as a page: its sections, and after the slices of each body of data their forest."""
    import nbformat

    from xraybench.report import plots

    files = {kept.path: kept.file for kept in found.kept}
    slices = {n.result: n.at for n in compiled.numbers if n.field == "slices" and not n.column}
    drawn = {result.body: result.path for result in compiled.results if result.path in slices}
    cells: list[dict[str, Any]] = []
    for section in sections(compiled):
        cells.append({"cell_type": "markdown", "metadata": {}, "source": section})
        heading = section.partition("\n")[0]
        body = heading.rpartition(": ")[2]
        if heading.startswith("#### 16 ") and body in drawn:
            path = drawn[body]
            picture = plots.svg(plots.slices(files[path], at=slices[path] or 0.0))
            output = {"output_type": "display_data", "data": {"image/svg+xml": picture}, "metadata": {}}
            cells.append(
                {"cell_type": "code", "metadata": {}, "source": "", "execution_count": None, "outputs": [output]}
            )
    cells = [{"id": f"section-{index}", **cell} for index, cell in enumerate(cells)]
    notebook = nbformat.from_dict({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells})
    return render_notebook(notebook, code="hide", title=f"{compiled.title}: model card")
