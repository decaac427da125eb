"""Executed notebooks as pages that stand alone: one file, no script, no request to anywhere."""

import re
from collections.abc import Iterator
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from xraybench.core.documents import write_text
from xraybench.core.errors import BadFile, CheckFailed

if TYPE_CHECKING:
    from nbformat import NotebookNode

Code = Literal["fold", "hide", "show"]
TEMPLATES = Path(__file__).parent / "templates"


def notebook_to_html(executed: Path, out: Path, *, code: Code = "fold", title: str = "") -> Path:
    """Write an executed notebook as one self-contained page, and return its path.

    Args:
        executed: A notebook with its outputs.
        out: The page.
        code: Show code cells, fold them away, or hide them.
        title: Title of the page; empty takes the first heading.

    Raises:
        BadFile: The notebook is missing or is none.
        CheckFailed: An output refers to something outside the page.
    """
    import nbformat

    try:
        notebook = nbformat.read(executed, as_version=4)
    except FileNotFoundError:
        raise BadFile(f"{executed}: there is no such notebook.") from None
    except Exception as error:  # nbformat answers a broken file with whatever its parser met
        raise BadFile(f"{executed}: not a notebook ({str(error).splitlines()[0][:80]}).") from None
    page = render_notebook(notebook, code=code, title=title or _first_heading(notebook) or executed.stem)
    write_text(out, page)
    return out


def render_notebook(notebook: "NotebookNode", *, code: Code = "fold", title: str = "xraybench") -> str:
    """A notebook in memory as the text of a page. The same notebook gives the same text.

    Raises:
        CheckFailed: An output refers to something outside the page.
    """
    from nbconvert.exporters import HTMLExporter

    exporter = HTMLExporter(  # type: ignore[no-untyped-call]
        template_name="offline",
        extra_template_basedirs=[str(TEMPLATES)],
        exclude_anchor_links=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    )
    exporter.register_filter("svg_alt", svg_alt)  # type: ignore[no-untyped-call]
    notebook.metadata["title"] = title
    style = (TEMPLATES / "board" / "style.css").read_text(encoding="utf-8")
    style += (TEMPLATES / "offline" / "notebook.css").read_text(encoding="utf-8")
    page, _ = exporter.from_notebook_node(notebook, resources={"offline": {"css": style, "code": code}})
    if outside := external_references(page):
        raise CheckFailed("The page would not stand alone. It refers to:\n  " + "\n  ".join(outside))
    return str(page)


def svg_alt(drawn: str) -> str:
    """What an SVG shows, in words, from its label."""
    found = re.search(r'aria-label="([^"]*)"', drawn)
    return found[1] if found else escape("figure")


def external_references(page: str) -> list[str]:
    """Whatever a browser would fetch to show this page: scripts, images, styles, frames. Links to follow are not."""
    parser = _References()
    parser.feed(page)
    parser.close()
    return parser.found


# Attributes that make a browser fetch something. href does so on these elements, not on links that a reader follows.
_FETCHING = {"src", "srcset", "data", "poster", "background", "action", "formaction", "xlink:href", "manifest"}
_HREF_FETCHES = {"link", "use", "image", "feimage", "base", "script"}
_CSS_FETCH = re.compile(r"url\(\s*['\"]?([^'\")\s]+)|@import\s+['\"]([^'\"]+)")


class _References(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_style = tag == "style"
        for name, value in attrs:
            if value is None:
                continue
            if (name in _FETCHING or (name == "href" and tag in _HREF_FETCHES)) and _is_outside(value):
                self.found.append(f"<{tag} {name}={value[:100]!r}>")
            if name == "style":
                self.found += [f"<{tag} style> {target}" for target in _css_targets(value)]

    def handle_endtag(self, tag: str) -> None:
        if tag == "style":
            self._in_style = False

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self.found += [f"<style> {target}" for target in _css_targets(data)]


def _css_targets(style: str) -> Iterator[str]:
    for match in _CSS_FETCH.finditer(style):
        target = match[1] or match[2]
        if _is_outside(target):
            yield target[:100]


def _is_outside(address: str) -> bool:
    return bool(address.strip()) and not address.strip().startswith(("#", "data:"))


def _first_heading(notebook: "NotebookNode") -> str:
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for line in cell.source.splitlines():
                if line.startswith("# "):
                    return str(line[2:].strip())
    return ""
