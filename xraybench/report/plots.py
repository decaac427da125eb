"""Figures of notebooks, boards and cards, with units on their axes and what they show in words.

Each function returns a picture: a matplotlib figure that shows itself in a notebook. `svg` gives its text, the same
bytes for the same figure. The pages of the leaderboard draw their own, lighter curves (`report/svg.py`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from xraybench.core.documents import ResultFile, ResultRow
from xraybench.core.errors import BadValue
from xraybench.core.types import Dataset, Scan
from xraybench.core.vocabulary import ANY
from xraybench.report import text
from xraybench.report.colours import contrast_colour, heat_colour
from xraybench.report.results import CurveFile, find, task_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from xraybench.metrics.psychometric import Psychometric
    from xraybench.report._figure import Picture

_MOST_INSIDE = 6  # so many lines of a legend fit under the curves
_LOWEST_PFA = 0.002  # left end of the logarithmic axis: below it, no quick profile has a benign item to count


@dataclass(frozen=True, slots=True)
class Estimate:
    """One labelled number with its interval, as a forest plot shows it. NaN is drawn as its reason."""

    label: str
    value: float
    low: float
    high: float
    n: int
    reason: str = ""


def svg(figure: "Figure") -> str:
    """The figure as SVG text: no date, no random identifiers, text kept as text."""
    from xraybench.report._figure import svg_text

    return svg_text(figure)


def roc(
    curve_file: CurveFile, *, models: Sequence[str] = (), labels: dict[str, str] | None = None, title: str = ""
) -> "Picture":
    """ROC curves with their bands, false alarms on a logarithmic axis: screening lives at its left end.

    Args:
        curve_file: Curves of one task and track. A value that is not known is left out of its line.
        models: Which to draw, in order of colour; empty for all.
        labels: What to call a model in the legend, where not by its name.
        title: Title; empty names the task.
    """
    from xraybench.report import _figure

    curves = {curve.model: curve for curve in curve_file.curves}
    drawn = list(models) or list(curves)
    inside = len(drawn) <= _MOST_INSIDE
    grid = np.asarray(curve_file.pfa, dtype=np.float64)
    shown = grid >= _LOWEST_PFA  # a logarithmic axis has no place for a pfa of 0
    left = float(grid[shown].min()) if shown.any() else _LOWEST_PFA
    with _figure.style():
        picture = _figure.new_picture(
            f"ROC curves of {text.listed(drawn)} on {curve_file.task}, pd over pfa",
            width_in=6.6 if inside else 8.8,
            height_in=4.6,
        )
        axes = picture.add_subplot()
        for index, model in enumerate(m for m in drawn if m in curves):
            curve = curves[model]
            colour = _figure.LINE_COLOURS[index % len(_figure.LINE_COLOURS)]
            line = _figure.LINE_STYLES[index % len(_figure.LINE_STYLES)]
            low, middle, high = (np.asarray(v, dtype=np.float64)[shown] for v in (curve.low, curve.pd, curve.high))
            name = (labels or {}).get(model, model)
            axes.fill_between(grid[shown], low, high, color=colour, alpha=0.15, linewidth=0)
            axes.plot(grid[shown], middle, color=colour, linestyle=line, linewidth=1.8, label=name)
        for target in (point for point in task_of(curve_file.task).pfa_points if point >= left):
            axes.axvline(target, color=_figure.INK, linewidth=0.8, linestyle=(0, (2, 3)))
            axes.annotate(f" {target:g}", (target, 0.0), xytext=(2, 3), textcoords="offset points", fontsize=9)
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(_figure.shares())
        axes.xaxis.set_minor_formatter("")
        axes.set_xlim(left, 1.0)
        axes.set_ylim(0.0, 1.02)
        axes.grid(True)
        axes.set_xlabel("pfa: share of benign items that alarm")
        axes.set_ylabel("pd: share of threat items that alarm")
        axes.set_title(title or curve_file.task)
        place: dict[str, Any] = {"loc": "best"} if inside else {"loc": "center left", "bbox_to_anchor": (1.01, 0.5)}
        axes.legend(**place, handlelength=3.2)
    return picture


def psychometric(
    curve: "Psychometric", index: Sequence[float], alarms: Sequence[float], *, axis_label: str, title: str
) -> "Picture":
    """pd over an index of visibility: the fitted curve with its band, over plain pd in bins of equally many threats.

    Args:
        curve: The fit; where it is undefined its reason is written instead.
        index, alarms: What was fitted, one value a threat scan.
        axis_label: What the index is, and its unit.
    """
    from xraybench.metrics.intervals import wilson
    from xraybench.metrics.psychometric import binned
    from xraybench.report import _figure

    values = np.asarray(index, dtype=np.float64)
    with _figure.style():
        picture = _figure.new_picture(
            f"{title}: pd over {axis_label}, {len(values)} threats", width_in=6.6, height_in=4.4
        )
        axes = picture.add_subplot()
        if len(values):
            for middle, hits, n in zip(*binned(values, alarms), strict=True):
                ends = wilson(hits, n)
                axes.plot([middle, middle], [ends.low, ends.high], color=_figure.INK, linewidth=1.0)
                axes.plot([middle], [hits / n], "o", color=_figure.INK, markersize=4)
            if curve.is_log:
                axes.set_xscale("log")
                grid = np.geomspace(values.min(), values.max(), 160)
            else:
                grid = np.linspace(values.min(), values.max(), 160)
        if curve.reason:
            axes.annotate(
                f"no curve: {curve.reason}", (0.02, 0.05), xycoords="axes fraction", style="italic", fontsize=9
            )
        elif len(values):
            low, high = curve.band(grid)
            axes.fill_between(grid, low, high, color=_figure.LINE_COLOURS[0], alpha=0.18, linewidth=0)
            axes.plot(grid, curve.pd_at(grid), color=_figure.LINE_COLOURS[0], linewidth=1.8)
        axes.set_ylim(-0.02, 1.02)
        axes.grid(True)
        axes.set_xlabel(axis_label)
        axes.set_ylabel("pd: share of threat items that alarm")
        axes.set_title(title)
    return picture


def forest(estimates: Sequence[Estimate], *, title: str, axis_label: str, target: float | None = None) -> "Picture":
    """Numbers under one another, each with its interval and n: which of them differ by more than chance?

    Args:
        estimates: From top to bottom.
        title: What is compared.
        axis_label: Name and unit of the axis.
        target: A value to draw a line at, for example the pfa that was asked for.
    """
    from xraybench.report import _figure

    with _figure.style():
        picture = _figure.new_picture(
            f"{title}: {len(estimates)} values with intervals", width_in=7.2, height_in=1.2 + 0.3 * len(estimates)
        )
        axes = picture.add_subplot()
        for place, estimate in enumerate(estimates):
            if math.isnan(estimate.value):
                axes.annotate(
                    f"{text.NOT_AVAILABLE}: {estimate.reason}", (0.01, place), va="center", fontsize=9, style="italic"
                )
                continue
            if not math.isnan(estimate.low) and not math.isnan(estimate.high):
                axes.plot([estimate.low, estimate.high], [place, place], color=_figure.LINE_COLOURS[0], linewidth=2.2)
            axes.plot([estimate.value], [place], "o", color=_figure.INK, markersize=5)
        axes.set_yticks(range(len(estimates)), [f"{e.label}  (n = {e.n})" for e in estimates])
        axes.set_ylim(len(estimates) - 0.4, -0.6)
        axes.set_xlim(0.0, 1.0)
        axes.xaxis.set_major_formatter(_figure.shares())
        axes.tick_params(axis="y", length=0)
        axes.grid(True, axis="x")
        if target is not None:
            axes.axvline(target, color=_figure.INK, linewidth=0.9, linestyle=(0, (2, 3)))
        axes.set_xlabel(axis_label)
        axes.set_title(title)
    return picture


def slices(result_file: ResultFile, *, metric: str = "pd", at: float | None = 0.05) -> "Picture":
    """Forest plot of one metric over every slice of one result file, the whole task on top."""
    rows = [row for row in result_file.rows if row.metric == metric and row.at == at]
    rows.sort(key=lambda row: row.slice_axis != "")
    if not rows:
        raise BadValue(f"{result_file.task}, {result_file.model}: the file has no {text.metric_label(metric, at)}.")
    estimates = [Estimate(_slice_label(r), r.value, r.low, r.high, _n_of(r), r.reason) for r in rows]
    label = f"{text.metric_label(metric, at)}, 95 % interval (share)"
    return forest(estimates, title=f"{result_file.model} on {result_file.task}", axis_label=label)


def heat_map(
    values: pd.DataFrame, *, title: str, row_axis: str, column_axis: str, notes: pd.DataFrame | None = None
) -> "Picture":
    """A table of shares as shaded cells, each with its number written into it.

    Args:
        values: Shares in [0, 1], rows and columns labelled; NaN is shown as n/a.
        title: What is shown.
        row_axis: What the rows are.
        column_axis: What the columns are.
        notes: A second line for each cell, for example its interval; the same labels as `values`.
    """
    from matplotlib.patches import Rectangle

    from xraybench.report import _figure

    n_rows, n_columns = values.shape
    with _figure.style():
        picture = _figure.new_picture(
            f"{title}: {row_axis} by {column_axis}", width_in=2.6 + 1.35 * n_columns, height_in=1.3 + 0.52 * n_rows
        )
        axes = picture.add_subplot()
        for row in range(n_rows):
            for column in range(n_columns):
                value = float(values.iat[row, column])
                face = heat_colour(value) if not math.isnan(value) else "#d9dde1"
                axes.add_patch(Rectangle((column, row), 1, 1, facecolor=face, edgecolor="white", linewidth=1.5))
                ink = contrast_colour(face)
                note = "" if notes is None else str(notes.iat[row, column])
                middle = (column + 0.5, row + (0.36 if note else 0.5))
                axes.annotate(text.number(value), middle, ha="center", va="center", color=ink, fontsize=11)
                if note:
                    place = (column + 0.5, row + 0.72)
                    axes.annotate(note, place, ha="center", va="center", color=ink, fontsize=8)
        axes.set_xticks(np.arange(n_columns) + 0.5, [text.term(str(c)) for c in values.columns])
        axes.set_yticks(np.arange(n_rows) + 0.5, [text.term(str(r)) for r in values.index])
        axes.set_xlim(0, n_columns)
        axes.set_ylim(n_rows, 0)
        axes.tick_params(length=0)
        for side in axes.spines.values():
            side.set_visible(False)
        axes.set_xlabel(column_axis)
        axes.set_ylabel(row_axis)
        axes.set_title(title)
    return picture


def concealment_by_sensor(result_files: Sequence[ResultFile], *, at: float = 0.05, threat: str = ANY) -> "Picture":
    """pd of one model over concealment and sensor: each cell is a task of its own, with its interval.

    Args:
        result_files: Files of one model and vector, any tasks; those of `threat` are shown.
        at: Operating point.
        threat: A threat, or any.
    """
    models = sorted({file.model for file in result_files})
    if len(models) != 1:
        raise BadValue(f"A heat map shows one model; these files are of {len(models)}: {text.listed(models)}.")
    cells = {}
    for file in result_files:
        task = task_of(file.task)
        row = find(file, "pd", at)
        if task.threat == threat and row is not None:
            cells[task.concealment, task.sensor] = row
    if not cells:
        raise BadValue(f"No file of {models[0]} holds {text.metric_label('pd', at)} for threat {threat}.")
    values = _grid(cells, "value")
    notes = values.astype("object")
    for concealment, sensor in cells:
        row = cells[concealment, sensor]
        notes.loc[concealment, sensor] = text.interval(row.low, row.high)
    return heat_map(
        values,
        title=f"{models[0]}: {text.metric_label('pd', at)}",
        row_axis="concealment",
        column_axis="sensor",
        notes=notes.where(notes.map(lambda cell: isinstance(cell, str)), ""),
    )


def transfer_matrix(values: pd.DataFrame, *, title: str, notes: pd.DataFrame | None = None) -> "Picture":
    """pd of models over the sensor they are tested on: rows name what a model was trained on, columns the test sensor.

    Args:
        values: Shares in [0, 1].
        title: Name the track: raw and colour input are shown apart.
        notes: A second line for each cell, for example its interval.
    """
    return heat_map(values, title=title, row_axis="trained on", column_axis="tested on sensor", notes=notes)


def contact_sheet(
    dataset: Dataset, n: int = 12, *, columns: int = 6, with_boxes: bool = True, title: str = ""
) -> "Picture":
    """The first scans of a dataset as the officer's screen shows them, threats boxed and named.

    Args:
        dataset: Any; the colour track is shown where the dataset has one.
        n: Scans shown: threats and benign items in turn, in the order of the dataset.
        columns: Scans in a row.
        with_boxes: Draw the boxes of the labels.
        title: Title; empty names the dataset.
    """
    chosen = _in_turn(dataset, n)
    return gallery(dataset, chosen, columns=columns, with_boxes=with_boxes, title=title or dataset.name)


def gallery(
    dataset: Dataset, scan_ids: Sequence[str], *, columns: int = 6, with_boxes: bool = True, title: str = ""
) -> "Picture":
    """These scans side by side, first view, threats boxed and named.

    Args:
        dataset: What holds them; the colour track is shown where the dataset has one.
        scan_ids: Which, in order. None gives a picture that says so.
        columns: Scans in a row.
        with_boxes: Draw the boxes of the labels.
        title: What they have in common.
    """
    from xraybench.report import _figure

    scans = dataset.view_sets.get("colour") or dataset.view_sets.get("grey") or dataset.scans
    n_columns = max(1, min(columns, len(scan_ids)))
    n_rows = max(1, math.ceil(len(scan_ids) / n_columns))
    with _figure.style():
        picture = _figure.new_picture(
            f"{title}: {len(scan_ids)} scans" + (", threats boxed" if with_boxes else ""),
            width_in=max(4.0, 1.9 * n_columns),
            height_in=2.25 * n_rows + 0.4 if scan_ids else 0.8,
        )
        panels: Any = picture.subplots(n_rows, n_columns, squeeze=False)
        for axes in panels.flat:
            axes.set_axis_off()
        for axes, scan_id in zip(panels.flat, scan_ids, strict=False):
            scan = scans.load(scan_id)
            objects = dataset.objects[dataset.objects["scan_id"] == scan_id]
            view = _telling_view(objects, len(scan.views))
            objects = objects[objects["view"] == view]
            axes.imshow(shown_view(scan, full_scale=scans.full_scale, view=view), vmin=0, vmax=255, cmap="gray")
            axes.set_title(_scan_title(objects), fontsize=8, fontweight="normal")
            if with_boxes:
                _draw_boxes(axes, objects)
        if not scan_ids:
            panels[0, 0].annotate("no such scan", (0.0, 0.5), style="italic")
        picture.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold")
    return picture


def _draw_boxes(axes: Any, objects: pd.DataFrame) -> None:
    from matplotlib.patches import Rectangle

    for box in objects[["x0", "y0", "x1", "y1"]].to_numpy(dtype=np.float64):
        if np.isnan(box).any():
            continue
        x0, y0, x1, y1 = map(float, box)
        corner = (x0 - 0.5, y0 - 0.5)  # the centre of pixel 0 lies at 0, its left edge at -0.5
        axes.add_patch(Rectangle(corner, x1 - x0, y1 - y0, fill=False, edgecolor="#d0021b", linewidth=1.4))


def _telling_view(objects: pd.DataFrame, n_views: int) -> int:
    """The view that shows most of the largest object; without one the middle view, of two the first."""
    seen = objects.dropna(subset=["area_px"])
    return int(seen.loc[seen["area_px"].idxmax(), "view"]) if len(seen) else (n_views - 1) // 2


def shown_view(scan: Scan, *, full_scale: float, view: int = 0) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A view of a scan as 8-bit pixels to look at: colour and grey as they are, raw as its high channel.

    Raw counts are shown as the logarithm of what the item lets through, from 0.1 % (black) to the open beam (white);
    slices and scatter as the share of their full scale.
    """
    pixels = np.asarray(scan.views[view])
    if scan.track in ("colour", "grey"):
        return pixels[..., 0].astype(np.uint8) if pixels.shape[-1] == 1 else pixels.astype(np.uint8)
    if scan.track != "raw":
        return np.round(255 * np.clip(pixels[..., 0] / full_scale, 0.0, 1.0)).astype(np.uint8)
    passed = np.clip(pixels[..., 0] / full_scale, 1e-3, 1.0)
    return np.round(255 * (1 + np.log10(passed) / 3)).astype(np.uint8)


def _in_turn(dataset: Dataset, n: int) -> list[str]:
    """Scan ids: one with a threat, one without, and so on, until `n` or none is left."""
    with_threat = set(dataset.objects["scan_id"])
    ids = dataset.scans.scan_ids
    threats = [i for i in ids if i in with_threat]
    benign = [i for i in ids if i not in with_threat]
    turns: list[str] = []
    for place in range(max(len(threats), len(benign))):
        turns += threats[place : place + 1] + benign[place : place + 1]
    return turns[:n]


def _scan_title(objects: pd.DataFrame) -> str:
    if objects.empty:
        return "benign"
    first = objects.iloc[0]
    return f"{text.term(first['threat'])}\n{text.term(first['concealment'])}"


def _slice_label(row: ResultRow) -> str:
    return "whole task" if not row.slice_axis else f"{row.slice_axis}: {text.term(row.slice_value)}"


def _n_of(row: ResultRow) -> int:
    """The count a rate rests on: threats for pd, benign items for pfa."""
    return row.n_items - row.n_threats if row.metric == "pfa" else row.n_threats


def _grid(cells: dict[tuple[str, str], ResultRow], field: str) -> pd.DataFrame:
    rows = sorted({row for row, _ in cells}, key=_any_last)
    columns = sorted({column for _, column in cells}, key=_any_last)
    values = pd.DataFrame(math.nan, index=rows, columns=columns)
    for (row, column), cell in cells.items():
        values.loc[row, column] = getattr(cell, field)
    return values


def _any_last(name: str) -> tuple[bool, int, str]:
    from xraybench.core import vocabulary

    order = vocabulary.names("concealment")
    return (name == ANY, order.index(name) if name in order else len(order), name)
