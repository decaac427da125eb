"""Pictures of a vendor's report card: the DET curve beside the others', and the scans that it got wrong.

A DET curve shows the share missed over the share of benign items that alarm, both on the scale of a normal deviate, where
equal steps are equal steps of evidence and nearly perfect models can still be told apart.
"""

import base64
import io
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from xraybench.core.types import Dataset, FloatArray
from xraybench.core.vocabulary import UNKNOWN
from xraybench.report import text
from xraybench.report.plots import shown_view
from xraybench.report.results import CurveFile
from xraybench.report.vendor import CardPart, Example, Subject

if TYPE_CHECKING:
    from IPython.display import HTML
    from PIL.Image import Image

    from xraybench.report._figure import Picture

_TICKS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9)
_HIGHEST_PFA = 0.6  # beyond, no officer would look at the alarms
_THUMB_PX = 168  # longest side of a picture of a scan
_JPEG_QUALITY = 80
_TRUE_BOX, _MODEL_BOX = "#d0021b", "#0a84ff"


def det(curve_file: CurveFile, model: str, *, points: Sequence[tuple[float, float]] = (), title: str = "") -> "Picture":
    """The DET curve of one model with its band, over those of the others in grey.

    Args:
        curve_file: Curves of one task and track.
        model: Whose curve stands out.
        points: Achieved pfa and pd at the operating points, drawn as marks.
        title: Title; empty names the task.

    Source:
        Martin et al. 1997, The DET curve in assessment of detection task performance, Eurospeech 4:1895.
    """
    from xraybench.report import _figure

    grid = np.asarray(curve_file.pfa, dtype=np.float64)
    shown = (grid > 0.0) & (grid <= _HIGHEST_PFA)  # the normal deviate of 0 is infinite
    others = [curve for curve in curve_file.curves if curve.model != model]
    with _figure.style():
        picture = _figure.new_picture(
            f"DET curve of {model} on {curve_file.task} with its 95 % band, {len(others)} other models in grey",
            width_in=6.4,
            height_in=4.6,
        )
        axes = picture.add_subplot()
        for number, curve in enumerate(others):
            label = f"{len(others)} other{'s' if len(others) > 1 else ''}" if number == 0 else None
            axes.plot(_deviate(grid[shown]), _missed(curve.pd, shown), color=_figure.GRID, linewidth=0.9, label=label)
        for curve in curve_file.curves:
            if curve.model == model:
                band = (_missed(curve.high, shown), _missed(curve.low, shown))
                colour = _figure.LINE_COLOURS[0]
                axes.fill_between(_deviate(grid[shown]), *band, color=colour, alpha=0.2, linewidth=0)
                axes.plot(_deviate(grid[shown]), _missed(curve.pd, shown), color=colour, linewidth=2.0, label=model)
        for pfa, pd in points:
            axes.plot([_deviate(pfa)], [_deviate(1.0 - pd)], "D", color=_figure.INK, markersize=5)
        if points:
            axes.plot([], [], "D", color=_figure.INK, markersize=5, label="operating points as achieved")
        lowest = float(grid[shown].min()) if shown.any() else _TICKS[0]
        for axis, label, low in (
            (axes.xaxis, "achieved pfa: share of benign items that alarm", lowest),
            (axes.yaxis, "missed: share of threat items that do not alarm", _TICKS[0]),
        ):
            ticks = [tick for tick in _TICKS if tick >= low - 1e-9]
            axis.set_ticks([float(_deviate(tick)) for tick in ticks], [f"{tick:g}" for tick in ticks])
            axis.set_label_text(label)
        axes.set_xlim(float(_deviate(lowest)), float(_deviate(_HIGHEST_PFA)))
        highest = max([0.5, *(1.0 - value for c in curve_file.curves for value in np.asarray(c.low)[shown])])
        axes.set_ylim(float(_deviate(_lowest_missed(curve_file, shown))), float(_deviate(min(highest, 0.98))))
        axes.grid(True)
        axes.set_title(title or curve_file.task)
        axes.legend(loc="upper right", handlelength=2.4)
    return picture


def table(frame: pd.DataFrame, *, is_words: bool = False) -> "HTML":
    """A table without its row numbers, whole texts in its cells; words stand to the left, numbers to the right."""
    from IPython.display import HTML

    with pd.option_context("display.max_colwidth", None):
        kind = "words" if is_words else None
        return HTML(frame.to_html(index=False, border=0, classes=kind))  # type: ignore[no-untyped-call]


def pictures(subject: Subject, part: CardPart, kind: str, *, are_shown: bool = True) -> "Pictures":
    """The scans of a card's examples side by side, small.

    Args:
        subject: Whose scans: they are read, or were made again from the seed.
        part: What the card says of them.
        kind: `misses` or `false_alarms`.
        are_shown: Real scans are shown only where their owner allows it; simulated ones always.
    """
    examples: list[Example] = getattr(part, kind)
    n_all, n_of = (part.n_missed, part.n_threats) if kind == "misses" else (part.n_false_alarms, part.n_benign)
    what = "threat scans do not alarm" if kind == "misses" else "benign scans alarm"
    if n_all is None:
        return Pictures(f"{text.NOT_AVAILABLE}: no threshold, so it cannot be said which {what}.", ())
    heading = f"{n_all} of {n_of} {what}"
    if not subject.dataset.is_simulated and not are_shown:
        return Pictures(f"{heading}. These are real scans; they are shown only where their owner allows it.", ())
    if not examples:
        return Pictures(f"{heading}.", ())
    order = "lowest score first" if kind == "misses" else "highest score first"
    cells = tuple(_figure_of(subject, example) for example in examples)
    return Pictures(f"{heading}; {len(cells)} items shown, {order}.", cells)


class Pictures:
    """Small pictures with captions that show themselves in a notebook."""

    def __init__(self, sentence: str, cells: Sequence[str]) -> None:
        self.sentence, self.cells = sentence, tuple(cells)

    def _repr_html_(self) -> str:
        if not self.cells:
            return f"<p>{escape(self.sentence)}</p>"
        return f'<p>{escape(self.sentence)}</p><div class="scans">{"".join(self.cells)}</div>'

    def __repr__(self) -> str:
        return self.sentence


def thumbnail(subject: Subject, scan_id: str, *, longest_px: int = _THUMB_PX) -> "Image":
    """A scan as the officer's screen shows it, small, true boxes in red, the model's best box in blue."""
    from PIL import Image, ImageDraw

    dataset = subject.dataset
    scans = dataset.view_sets.get("colour") or dataset.view_sets.get("grey") or dataset.scans
    scan = scans.load(scan_id)
    objects = dataset.objects[dataset.objects["scan_id"] == scan_id]
    view = _telling_view(dataset, scan_id, len(scan.views))
    pixels = Image.fromarray(shown_view(scan, full_scale=scans.full_scale, view=view)).convert("RGB")
    scale = longest_px / max(pixels.size)
    size = (max(1, round(pixels.width * scale)), max(1, round(pixels.height * scale)))
    small = pixels.resize(size, Image.Resampling.LANCZOS)
    draw = ImageDraw.Draw(small)
    for colour, boxes in (
        (_MODEL_BOX, _best_box(subject, scan_id, view)),
        (_TRUE_BOX, objects.loc[objects["view"] == view, _EDGES].dropna().to_numpy(dtype=np.float64)),
    ):
        for x0, y0, x1, y1 in boxes:
            corners = (scale * x0, scale * y0, max(scale * x1 - 1, scale * x0 + 1), max(scale * y1 - 1, scale * y0 + 1))
            draw.rectangle(corners, outline=colour, width=2)
    return small


_EDGES = ["x0", "y0", "x1", "y1"]


def _figure_of(subject: Subject, example: Example) -> str:
    small = thumbnail(subject, example.scan_id)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=_JPEG_QUALITY, optimize=True)
    encoded = base64.b64encode(buffer.getvalue()).decode()
    told = [text.term(example.threat), text.term(example.concealment), example.size] if example.threat else ["benign"]
    words = ", ".join(word for word in told if word not in ("", UNKNOWN))
    sensor = "sensor not stated" if example.sensor == UNKNOWN else example.sensor
    sign = "<" if example.score < subject.threshold else "\N{GREATER-THAN OR EQUAL TO}"
    score = f"score {example.score:.3f} {sign} {subject.threshold:.3f}"
    return (
        f'<figure><img alt="{escape(f"{words}, {sensor}, {score}")}" title="scan {escape(example.scan_id)}" '
        f'width="{small.width}" height="{small.height}" src="data:image/jpeg;base64,{encoded}">'
        f"<figcaption>{escape(words)}<br>{escape(sensor)}<br>{escape(score)}</figcaption></figure>"
    )


def _best_box(subject: Subject, scan_id: str, view: int) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """The box of this view that the model is surest of, shape (1, 4); (0, 4) where it gave none."""
    boxes = subject.joined.predictions.kind("box")
    mine = boxes[(boxes["scan_id"] == scan_id) & (boxes["view"] == view)]
    return np.asarray(mine.nlargest(1, "score")[_EDGES], dtype=np.float64)


def _telling_view(dataset: Dataset, scan_id: str, n_views: int) -> int:
    """The view that shows most of the largest threat; without one the middle view, of two the first."""
    seen = dataset.objects[dataset.objects["scan_id"] == scan_id].dropna(subset=["area_px"])
    return int(seen.loc[seen["area_px"].idxmax(), "view"]) if len(seen) else (n_views - 1) // 2


def _deviate(share: "float | FloatArray") -> Any:
    from scipy.special import ndtri

    return ndtri(np.clip(share, 1e-4, 1.0 - 1e-4))


def _missed(pd: Sequence[float], shown: "np.ndarray[Any, np.dtype[np.bool_]]") -> Any:
    return _deviate(1.0 - np.asarray(pd, dtype=np.float64)[shown])


def _lowest_missed(curve_file: CurveFile, shown: "np.ndarray[Any, np.dtype[np.bool_]]") -> float:
    """Lower end of the axis: a tick below what the best curve misses."""
    least = min((1.0 - float(np.asarray(c.high)[shown].max()) for c in curve_file.curves), default=0.002)
    return max([tick for tick in _TICKS if tick < least], default=_TICKS[0])
