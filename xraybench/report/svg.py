"""ROC and DET curves of a page as SVG elements, written by hand: small, the same bytes everywhere, no plotting library.

Colours and dashes are classes of the page's style sheet (`c0` to `c7`), so that a curve is legible in light, dark and print,
and its legend can switch it off.
"""

import math
from collections.abc import Callable, Sequence
from html import escape
from statistics import NormalDist

from xraybench.report.results import CurveFile

N_CURVES = 8  # as many as there are colours and dashes to tell apart
_WIDTH, _HEIGHT = 560, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 548, 12, 352
_LOWEST = 0.002  # left end of the axes of pfa: below it, no quick profile has a benign item to count
_ROC_PFA = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
_DET_PFA = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4)
_DET_MISS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95)
_MISS_ENDS = (0.008, 0.97)
_NORMAL = NormalDist()

Scale = Callable[[float], float]


def roc(curves: CurveFile, models: Sequence[str], points: Sequence[float]) -> str:
    """pd over pfa with bands, pfa on a logarithmic axis: screening lives at its left end.

    Args:
        curves: Curves of one task and track. A value that is not known is left out of its line.
        models: Which to draw, at most `N_CURVES`, in order of colour.
        points: Operating points to mark.
    """
    across = _scaled(math.log, _LOWEST, 1.0, _LEFT, _RIGHT)
    up = _scaled(_same, 0.0, 1.0, _BOTTOM, _TOP)
    shares = [i / 5 for i in range(6)]
    return _chart(
        curves, models, points, across, 1.0, up, _ROC_PFA, shares, _same, "pd: share of threat items that alarm"
    )


def det(curves: CurveFile, models: Sequence[str], points: Sequence[float]) -> str:
    """Misses over false alarms, both on normal deviates: a DET curve. Arguments as for `roc`.

    Source:
        Martin, Doddington, Kamm, Ordowski and Przybocki (1997), The DET curve in assessment of detection task
        performance.
    """
    across = _scaled(_NORMAL.inv_cdf, _LOWEST, 0.5, _LEFT, _RIGHT)
    up = _scaled(_NORMAL.inv_cdf, *_MISS_ENDS, _BOTTOM, _TOP)
    return _chart(
        curves, models, points, across, 0.5, up, _DET_PFA, _DET_MISS, lambda pd: 1 - pd, "share of threat items missed"
    )


def _chart(
    curves: CurveFile,
    models: Sequence[str],
    points: Sequence[float],
    across: Scale,
    highest: float,
    up: Scale,
    x_ticks: Sequence[float],
    y_ticks: Sequence[float],
    height: Scale,
    y_label: str,
) -> str:
    known = {curve.model: curve for curve in curves.curves}
    grid = "".join(f"M{across(x):.1f} {_TOP}V{_BOTTOM}" for x in x_ticks)
    grid += "".join(f"M{_LEFT} {up(y):.1f}H{_RIGHT}" for y in y_ticks)
    alt = f"{y_label} over share of benign items that alarm, {len(models)} models on {curves.task}"
    parts = [
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(alt)}">',
        f'<path class="grid" d="{grid}"/>',
        *(f'<text x="{across(x):.1f}" y="{_BOTTOM + 17}" class="m">{x:g}</text>' for x in x_ticks),
        *(f'<text x="{_LEFT - 7}" y="{up(y) + 4:.1f}" class="e">{y:g}</text>' for y in y_ticks),
        f'<text x="{(_LEFT + _RIGHT) / 2:g}" y="{_HEIGHT - 8}" class="m">pfa: share of benign items that alarm</text>',
        f'<text class="m" transform="translate(13 {(_TOP + _BOTTOM) / 2:g})rotate(-90)">{y_label}</text>',
    ]
    shown = [i for i, pfa in enumerate(curves.pfa) if _LOWEST <= pfa <= highest]
    for place, model in enumerate(models[:N_CURVES]):
        curve = known[model]
        x = [across(curves.pfa[i]) for i in shown]
        low, middle, high = ([up(height(v[i])) for i in shown] for v in (curve.low, curve.pd, curve.high))
        parts.append(
            f'<g class="c{place}" data-model="{escape(model)}"><path class="area" d="{_band(x, low, high)}"/>'
            f'<path class="line" d="{_line(x, middle)}"/></g>'
        )
    marked = "".join(f"M{across(point):.1f} {_TOP}V{_BOTTOM}" for point in points if _LOWEST <= point <= highest)
    return "\n".join([*parts, f'<path class="point" d="{marked}"/>', "</svg>"])


def _scaled(axis: Scale, first: float, last: float, start: float, end: float) -> Scale:
    """From a share to a place on the paper; what lies outside is drawn at the edge."""
    a, b = axis(first) if first > 0 or axis is _same else axis(_LOWEST), axis(last)
    low, high = min(first, last), max(first, last)
    return lambda share: start + (end - start) * (axis(min(max(share, low), high)) - a) / (b - a)


def _same(share: float) -> float:
    return share


def _line(x: Sequence[float], y: Sequence[float]) -> str:
    told = [f"{a:.1f} {b:.1f}" for a, b in zip(x, y, strict=True) if not math.isnan(b)]
    return "M" + "L".join(told) if told else ""


def _band(x: Sequence[float], low: Sequence[float], high: Sequence[float]) -> str:
    known = [(a, b, c) for a, b, c in zip(x, low, high, strict=True) if not (math.isnan(b) or math.isnan(c))]
    there = [f"{a:.1f} {c:.1f}" for a, _, c in known]
    back = [f"{a:.1f} {b:.1f}" for a, b, _ in reversed(known)]
    return "M" + "L".join([*there, *back]) + "Z" if known else ""
