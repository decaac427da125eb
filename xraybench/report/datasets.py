"""Data cards and check reports as files that people read: Markdown beside its pictures, and one page that stands alone."""

import base64
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xraybench.core.documents import write_bytes, write_text
from xraybench.core.errors import BadFile, UserError
from xraybench.data import croissant, manifest, store
from xraybench.data.agreement import read_agreement
from xraybench.data.checks import CHECKS, Report
from xraybench.data.copies import Twins
from xraybench.data.datacard import DataCard, describe
from xraybench.data.words import FILE, read_words, template
from xraybench.report.html import render_notebook

_MOST_PAIRS = 24
_PAIR_PX = 180


@dataclass(frozen=True, slots=True)
class WrittenCard:
    """A data card on disk, and what its owner has not said."""

    markdown_file: Path
    html_file: Path
    croissant_file: Path
    words_file: Path
    markdown: str  # with its pictures, which lie beside it
    body: str  # without them, for a notebook
    gaps: tuple[str, ...]

    def _repr_markdown_(self) -> str:
        return self.body


def data_card(
    folder: Path | str, out: Path | str, *, words: Path | str | None = None, n_examples: int = 8, least: int = 1
) -> WrittenCard:
    """Write `card.md`, `card.html`, `pictures/` and `croissant.json`; an empty `datacard.toml` where there is none yet.

    Args:
        folder: The dataset.
        out: Where to write; the dataset folder itself will do.
        words: The owner's words; left out, `datacard.toml` in `out`, else in the dataset folder.
        n_examples: Pictures at most; of real scans none unless the words allow it.
        least: Fewest items that a cell of the cross table shows.

    Raises:
        BadFile, BadTable, DigestMismatch: As `read_dataset`; or the words are broken, or not where they are said to be.
    """
    folder, out = Path(folder), Path(out)
    if words and not Path(words).is_file():
        raise BadFile(f"{words}: there is no such file.")
    words_file = Path(words) if words else next((p / FILE for p in (out, folder) if (p / FILE).is_file()), out / FILE)
    told = read_words(words_file)
    made = describe(folder, told, n_examples=n_examples, least=least)
    stored = store.read_stored(folder)
    sealed = manifest.read_seal(folder)
    document = croissant.croissant(
        stored, told, at=out, root=sealed.root if sealed else "", agreement=read_agreement(folder)
    )
    markdown = _markdown(made)
    for n, example in enumerate(made.examples):
        write_bytes(out / "pictures" / f"{n:02d}.png", example.png)
    write_text(out / "card.md", markdown)
    write_text(out / "card.html", card_page(made))
    write_text(out / croissant.FILE, json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    if not words_file.is_file():
        write_text(words_file, template())
    files = (out / "card.md", out / "card.html", out / croissant.FILE, words_file)
    return WrittenCard(*files, markdown, made.markdown, made.gaps)


def card_page(made: DataCard) -> str:
    """The card as one page, its pictures inside."""
    cells: list[dict[str, Any]] = []
    for section in made.sections:
        cells.append(_text_cell(section))
        if section.startswith("## Examples"):
            cells += [
                cell
                for e in made.examples
                for cell in (_text_cell(f"**{e.title}**"), _picture_cell(e.png, f"example of {e.title}"))
            ]
    return _page(cells, f"Data card: {made.name}")


def check_report(report: Report, out: Path | str) -> Path:
    """Write `check.json`, `check.md` and `check.html` with pictures of the pairs that look alike; returns the page."""
    out = Path(out)
    pairs = _pairs(report)
    pictures = {n: picture for n, pair in enumerate(pairs) if (picture := _side_by_side(report, pair))}
    for n, picture in pictures.items():
        write_bytes(out / "pairs" / f"{n:02d}.png", picture)
    write_text(out / "check.json", json.dumps(report.as_json(), indent=1, ensure_ascii=False) + "\n")
    text = [*_sections(report), *(f"![{_of(pair)}](pairs/{n:02d}.png)\n\n{_of(pair)}" for n, pair in enumerate(pairs)
                                  if n in pictures)]  # fmt: skip
    write_text(out / "check.md", "\n\n".join(text) + "\n")
    cells = [_text_cell(section) for section in _sections(report)]
    for n, picture in pictures.items():
        cells += [_text_cell(_of(pairs[n])), _picture_cell(picture, "the two pictures side by side")]
    write_text(out / "check.html", _page(cells, f"Check of {report.name}"))
    return out / "check.html"


def _sections(report: Report) -> list[str]:
    rows = ["| check | found | what is looked for |", "|:---|:---|:---|"]
    for name, meaning in CHECKS.items():
        rows.append(f"| {name} | {report.verdict(name).lower()} | {meaning} |")
    told = [f"- **{'Fault' if f.is_fault else 'Warning'}** ({f.check}): {_safe(f.text)}" for f in
            sorted(report.findings, key=lambda finding: not finding.is_fault)]  # fmt: skip
    sections = [f"# Check of {_safe(report.name)}", _safe(report.summary), "\n".join(rows)]
    sections.append("## Findings\n\n" + ("\n".join(told) or "Nothing was found."))
    return [*sections, *(["## Pictures that look like one scan"] if _pairs(report) else [])]


def _pairs(report: Report) -> list[Twins]:
    """The pairs to show: across splits and labelled apart first, each once."""
    found = {(twins.first, twins.second): twins for finding in report.findings for twins in finding.twins}
    worst = sorted(
        found.values(), key=lambda t: (not t.is_across_splits, t.first_class == t.second_class, t.bits_apart)
    )
    return worst[:_MOST_PAIRS]


def _of(pair: Twins) -> str:
    apart = f", {pair.bits_apart} of 256 bits apart" if pair.kind == "near" else f", {pair.kind} copy"
    turned = "" if pair.turn == "as it is" else f", {pair.turn}"
    sides = [f"`{_safe(path)}` ({split}, {content})" for path, split, content in (
        (pair.first, pair.first_split, pair.first_class), (pair.second, pair.second_split, pair.second_class))]  # fmt: skip
    return f"{sides[0]} and {sides[1]}{turned}{apart}"


def _side_by_side(report: Report, pair: Twins) -> bytes:
    """Both pictures in one PNG; nothing where one of them cannot be read."""
    import numpy as np
    from PIL import Image

    from xraybench.formats import images

    root = Path(store.read_unchecked(report.folder).manifest.source)
    shown = []
    for path in (pair.first, pair.second):
        try:
            pixels = images.read_image(root / path)
        except UserError:
            return b""
        if pixels.dtype != np.uint8:
            pixels = (pixels.astype(np.float64) * (255.0 / max(float(pixels.max()), 1.0))).astype(np.uint8)
        image = Image.fromarray(np.ascontiguousarray(pixels if pixels.shape[2] == 3 else pixels[..., 0])).convert("RGB")
        scale = _PAIR_PX / max(image.size)
        shown.append(image.resize((max(int(image.width * scale), 1), max(int(image.height * scale), 1))))
    canvas = Image.new("RGB", (2 * _PAIR_PX + 12, max(image.height for image in shown)), "white")
    for n, image in enumerate(shown):
        canvas.paste(image, (n * (_PAIR_PX + 12), 0))
    buffer = io.BytesIO()
    canvas.save(buffer, "PNG")
    return buffer.getvalue()


def _markdown(made: DataCard) -> str:
    parts: list[str] = []
    for section in made.sections:
        parts.append(section)
        if section.startswith("## Examples"):
            parts += [f"![{e.title}](pictures/{n:02d}.png)" for n, e in enumerate(made.examples)]
    return "\n\n".join(parts) + "\n"


def _text_cell(text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": text}


def _picture_cell(png: bytes, alt: str) -> dict[str, Any]:
    data = {"image/png": base64.b64encode(png).decode()}
    output = {"output_type": "display_data", "data": data, "metadata": {"image/png": {"alt": alt}}}
    return {"cell_type": "code", "metadata": {}, "source": "", "execution_count": None, "outputs": [output]}


def _page(cells: Sequence[dict[str, Any]], title: str) -> str:
    import nbformat

    named = [{"id": f"section-{index}", **cell} for index, cell in enumerate(cells)]
    content = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": named}
    return render_notebook(nbformat.from_dict(content), code="hide", title=title)


def _safe(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("![", "!\\[").replace("|", "\\|")
