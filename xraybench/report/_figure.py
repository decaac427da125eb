"""The one kind of figure of this project. Heavy: only functions that draw import this module."""

import io
import re
from contextlib import AbstractContextManager
from html import escape
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

INK = "#1b2733"
GRID = "#8a97a3"
# Distinguishable for colour-blind readers, of middle lightness, so that they stand on white and on near-black.
LINE_COLOURS = ("#1f78b4", "#d95f02", "#1b9e77", "#c2448f", "#8a6d00", "#7570b3", "#b8392c", "#4a8f9c")
LINE_STYLES = ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)), (0, (9, 2)), (0, (3, 1, 1, 1, 1, 1)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<")

STYLE = {
    "svg.fonttype": "none",  # text stays text: searchable, small, read aloud
    "svg.hashsalt": "xraybench",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # shipped with matplotlib, so that layout is the same on every machine
    "font.size": 10.0,
    "axes.titlesize": 11.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "grid.color": GRID,
    "grid.alpha": 0.35,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
}


class Picture(Figure):
    """A matplotlib figure that knows what it shows in words, and shows itself in notebooks without pyplot."""

    alt: str = ""

    def _repr_svg_(self) -> str:
        return svg_text(self)


def new_picture(alt: str, *, width_in: float, height_in: float) -> Picture:
    """An empty picture of this size. Call it, and draw, inside `style()`."""
    picture = Picture(figsize=(width_in, height_in), layout="constrained")
    picture.alt = alt
    return picture


def style() -> AbstractContextManager[None]:
    """A context in which matplotlib draws in the style of the house, whatever the user's settings are."""
    settings: dict[Any, Any] = {**mpl.rcParamsDefault, **STYLE}
    settings.pop("backend")
    return mpl.rc_context(settings)


def shares(axis_label: str = "") -> FuncFormatter:
    """Tick labels of shares without needless zeros: 0, 0.25, 1."""
    return FuncFormatter(lambda value, _: f"{value:g}{axis_label}")


def svg_text(figure: Figure) -> str:
    """The figure as an SVG file: the same figure gives the same bytes."""
    buffer = io.StringIO()
    with style():
        metadata = {"Date": None, "Creator": None, "Format": None, "Type": None}
        figure.savefig(buffer, format="svg", metadata=metadata)
    return _named(_tidy(buffer.getvalue()), getattr(figure, "alt", ""))


def _tidy(text: str) -> str:
    """Drop what no reader needs: the document type, comments, empty metadata, identifiers that nothing points at."""
    text = text[text.index("<svg") :]
    text = re.sub(r"<!--.*?-->\s*", "", text, flags=re.DOTALL)
    text = re.sub(r"\s*<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = _POSITIONS.sub(lambda match: _DECIMALS.sub(lambda number: f"{float(number[0]):.2f}", match[0]), text)
    used = set(re.findall(r"(?:href=\"|url\()#([^\")]+)", text))
    return re.sub(r' id="([^"]+)"', lambda match: match[0] if match[1] in used else "", text)


# A hundredth of a point is finer than any eye, and the same on every processor.
_POSITIONS = re.compile(r' (?:d|x|y|transform|points|viewBox|width|height)="[^"]*"')
_DECIMALS = re.compile(r"-?\d+\.\d{3,}")


def _named(text: str, alt: str) -> str:
    if not alt:
        return text
    head, rest = text.split(">", 1)
    return f'{head} role="img" aria-label="{escape(alt)}">\n <title>{escape(alt)}</title>{rest}'
