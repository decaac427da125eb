"""An audit of protection or burden as a forest plot: every group with its interval, its partly pooled share beneath."""

import math
from typing import TYPE_CHECKING

from xraybench.evaluate.fairness import Audit
from xraybench.report import text

if TYPE_CHECKING:
    from xraybench.report._figure import Picture

_WHAT = {
    "protection": ("Equal protection", "pd: share of threat items that alarm", 1.0, "threats"),
    "burden": ("Equal burden", "false alarms per 1,000 lawful items", 1000.0, "benign"),
}


def forest(audit: Audit, *, title: str = "") -> "Picture":
    """The groups of an audit under one another, the worst ranked one marked, the share of all as a line.

    Groups too small to be ranked are drawn pale, those too small to print say why instead.
    """
    from xraybench.report import _figure

    name, axis_label, scale, unit = _WHAT[audit.kind]
    by = " x ".join(audit.by)
    worst = audit.worst
    with _figure.style():
        told = f"{name} by {by}: {len(audit.groups)} groups with intervals"
        picture = _figure.new_picture(told, width_in=7.6, height_in=2.0 + 0.42 * max(1, len(audit.groups)))
        axes = picture.add_subplot()
        highest = 0.0
        for place, group in enumerate(audit.groups):
            if math.isnan(group.value):
                reason = f"{text.NOT_AVAILABLE}: {group.reason}"
                axes.annotate(
                    reason, (0.02, place), xycoords=axes.get_yaxis_transform(), va="center", fontsize=9, style="italic"
                )
                continue
            is_worst = worst is not None and group.name == worst.name
            colour = _figure.LINE_COLOURS[1 if is_worst else 0]
            alpha = 1.0 if group.is_ranked else 0.4
            line = [scale * group.low, scale * group.high]
            axes.plot(line, [place, place], color=colour, linewidth=2.4, alpha=alpha)
            axes.plot([scale * group.value], [place], "o", color=colour, markersize=6, alpha=alpha)
            pooled = [scale * group.pooled_low, scale * group.pooled_high]
            axes.plot(pooled, [place + 0.24] * 2, color=_figure.GRID, linewidth=1.4)
            axes.plot([scale * group.pooled], [place + 0.24], "D", color=_figure.GRID, markersize=4)
            highest = max(highest, line[1], pooled[1])
        if not math.isnan(audit.overall):
            axes.axvline(scale * audit.overall, color=_figure.INK, linewidth=0.9, linestyle=(0, (2, 3)))
        labels = [
            f"{group.name}  (n = {group.n}{', worst' if worst is not None and group.name == worst.name else ''})"
            for group in audit.groups
        ]
        axes.set_yticks(range(len(labels)), labels)
        axes.set_ylim(max(len(labels), 1) - 0.4, -0.6)
        axes.set_xlim(0.0, 1.0 if audit.kind == "protection" else max(1.1 * highest, 1.0))
        axes.xaxis.set_major_formatter(_figure.shares())
        axes.tick_params(axis="y", length=0)
        axes.grid(True, axis="x")
        axes.set_xlabel(f"{axis_label}\ndisc: 95 % interval; grey: partly pooled; dotted: all {unit}")
        gap = (
            "no gap can be told" if math.isnan(audit.p) else f"gap {scale * audit.gap:.3g}, permutation p {audit.p:.3f}"
        )
        picture.suptitle(title or f"{name} by {by}\n{gap}", x=0.01, ha="left", fontsize=11, fontweight="bold")
    return picture
