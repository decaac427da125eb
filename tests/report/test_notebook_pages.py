"""Executed notebooks as pages that stand alone."""

from pathlib import Path

import nbformat
import pytest

from xraybench.core.errors import BadFile, CheckFailed
from xraybench.report.html import external_references, notebook_to_html

SVG = '<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="a curve"><path d="M0 0H9"/></svg>'


def written(path: Path, *outputs: dict[str, object]) -> Path:
    content = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {},
        "cells": [
            {
                "id": "a",
                "cell_type": "markdown",
                "metadata": {},
                "source": "# Which is missed?\nIntensity is I = I₀·exp(μ·x)⁻¹.",
            },
            {
                "id": "b",
                "cell_type": "code",
                "metadata": {},
                "source": "secret_sauce = 1 < 2",
                "execution_count": 1,
                "outputs": list(outputs),
            },
        ],
    }
    nbformat.write(nbformat.from_dict(content), path)
    return path


def shown(kind: str, content: str) -> dict[str, object]:
    return {"output_type": "display_data", "data": {kind: content}, "metadata": {}}


def test_a_page_holds_text_outputs_and_pictures_and_asks_for_nothing(tmp_path: Path) -> None:
    outputs = [
        {"output_type": "stream", "name": "stdout", "text": "75 tasks\n"},
        shown("text/html", "<table class='dataframe'><tr><td>0.83</td></tr></table>"),
        shown("image/svg+xml", SVG),
        shown("image/png", "iVBORw0KGgo="),
    ]
    page = notebook_to_html(written(tmp_path / "run.ipynb", *outputs), tmp_path / "run.html").read_text("utf-8")
    assert external_references(page) == []
    assert "<script" not in page
    assert "default-src 'none'" in page
    for part in (
        "I = I₀·exp(μ·x)⁻¹",
        "75 tasks",
        "0.83",
        'alt="a curve"',
        "data:image/png;base64",
        "<title>Which is missed?</title>",
    ):
        assert part in page


def test_the_same_notebook_gives_the_same_page(tmp_path: Path) -> None:
    notebook = written(tmp_path / "run.ipynb", shown("image/svg+xml", SVG))
    pages = [notebook_to_html(notebook, tmp_path / f"{n}.html").read_bytes() for n in (1, 2)]
    assert pages[0] == pages[1]


def test_code_is_shown_folded_or_hidden(tmp_path: Path) -> None:
    notebook = written(tmp_path / "run.ipynb")
    page = {
        c: notebook_to_html(notebook, tmp_path / "run.html", code=c).read_text("utf-8")
        for c in ("show", "fold", "hide")
    }
    assert "secret_sauce = 1 &lt; 2" in page["show"]
    assert "<details>" not in page["show"]
    assert "<details><summary>Code</summary><pre>secret_sauce" in page["fold"]
    assert "secret_sauce" not in page["hide"]


def test_an_output_that_would_fetch_something_is_refused(tmp_path: Path) -> None:
    notebook = written(tmp_path / "run.ipynb", shown("text/html", "<img src='https://elsewhere.example/pixel.png'>"))
    with pytest.raises(CheckFailed, match=r"elsewhere\.example"):
        notebook_to_html(notebook, tmp_path / "run.html")
    assert not (tmp_path / "run.html").exists()


@pytest.mark.parametrize("content", ["not json", "{}", '{"nbformat": 4}'])
def test_a_file_that_is_no_notebook_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "run.ipynb").write_text(content)
    with pytest.raises(BadFile, match="not a notebook"):
        notebook_to_html(tmp_path / "run.ipynb", tmp_path / "run.html")


def test_a_missing_notebook_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="no such notebook"):
        notebook_to_html(tmp_path / "run.ipynb", tmp_path / "run.html")


@pytest.mark.parametrize(
    "page",
    [
        "<script src='x.js'></script>",
        "<link rel=stylesheet href=//cdn.example/a.css>",
        "<style>body { background: url(pic.png) }</style>",
        "<style>@import 'more.css';</style>",
        "<p style='background: url(https://a.example/b)'>",
        "<svg><use href='other.svg#a'/></svg>",
        "<iframe src='page.html'></iframe>",
        "<img srcset='a.png 2x'>",
    ],
)
def test_what_a_browser_would_fetch_is_found(page: str) -> None:
    assert len(external_references(page)) == 1


@pytest.mark.parametrize(
    "page",
    [
        "<a href='https://example.org'>",
        "<img src='data:image/png;base64,AA=='>",
        "<svg><use href='#a'/></svg>",
        "url(x)",
    ],
)
def test_links_to_follow_and_what_the_page_carries_are_not(page: str) -> None:
    assert external_references(page) == []
