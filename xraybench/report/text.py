"""How numbers are written for people: shares with two decimals, intervals in brackets, n/a where undefined.

Boards, cards and notebook tables all write through this file, so that one number looks the same everywhere.
"""

import math

from xraybench.core import vocabulary
from xraybench.core.documents import ResultRow

NOT_AVAILABLE = "n/a"

# What one benchmark number is called where people read it. Metrics without an entry go by their own name.
METRIC_LABELS = {
    "pd": "pd",
    "pfa": "achieved pfa",
    "auroc": "AUROC",
    "average_precision": "average precision",
    "partial_auc": "partial AUC, pfa up to 0.1",
    "localisation_hit_rate": "localisation pd",
    "coco_ap": "COCO AP (IoU 0.50 to 0.95)",
    "coco_ap50": "COCO AP at IoU 0.5",
    "d_prime": "d'",
    "d_a": "d_a",
    "expected_cost": "expected cost",
    "precision_at_prevalence": "precision at prevalence",
    "workload_saved": "workload saved",
    "brier": "Brier score",
    "ece": "calibration error (ECE)",
    "latency_p50_ms": "latency, median, ms",
    "latency_p95_ms": "latency, 95th percentile, ms",
}
_DECIMALS = {
    "pfa": 3,
    "brier": 3,
    "ece": 3,
    "precision_at_prevalence": 3,
}  # small numbers need one more than the two of every other share

HONESTY_SIMULATED = (
    "These scans are simulated. The physics is checked against published numbers, the sensors are generic and imitate no "
    "product, and the scans only look plausible. A score on simulated data is no statement about performance in the "
    "field. Simulated and real results never share a rank."
)
HONESTY_REAL = (
    "These scans are real and were imported. The numbers hold for this one collection, its scanners and its way of "
    "choosing what was scanned. Real and simulated results never share a rank."
)


def metric_label(metric: str, at: float | None = None) -> str:
    """Name of a metric for people, with its operating point: `pd at pfa 0.05`."""
    label = METRIC_LABELS.get(metric, metric.replace("_", " "))
    if at is None or math.isnan(at):
        return label
    return f"{label} for target {at:g}" if metric == "pfa" else f"{label} at pfa {at:g}"


def is_milliseconds(metric: str) -> bool:
    """Whether a metric is a time and not a share."""
    return metric.endswith("_ms")


def number(value: float, metric: str = "pd") -> str:
    """One number: shares with two decimals, pfa with three, milliseconds by size, `n/a` where undefined."""
    if math.isnan(value):
        return NOT_AVAILABLE
    if is_milliseconds(metric):
        return f"{value:.{0 if value >= 100 else 1 if value >= 1 else 2}f}"
    return f"{value:.{decimals(metric)}f}"


def decimals(metric: str) -> int:
    """How many decimals a metric is written with, where it is not a time."""
    return _DECIMALS.get(metric, 2)


def interval(low: float, high: float, metric: str = "pd") -> str:
    """`[0.79, 0.86]`, or nothing where there is no interval."""
    if math.isnan(low) or math.isnan(high):
        return ""
    return f"[{number(low, metric)}, {number(high, metric)}]"


def value_with_interval(row: ResultRow) -> str:
    """`0.83 [0.79, 0.86]`, or `n/a`; the reason stands in the row."""
    return f"{number(row.value, row.metric)} {interval(row.low, row.high, row.metric)}".strip()


def difference(value: float) -> str:
    """A difference of two shares, with its sign."""
    if math.isnan(value):
        return NOT_AVAILABLE
    rounded = round(value, 2)
    return "0.00" if rounded == 0 else f"{rounded:+.2f}".replace("-", "\N{MINUS SIGN}")


def p_value(value: float) -> str:
    """A probability of a test: three decimals, never a zero."""
    if math.isnan(value):
        return NOT_AVAILABLE
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def term(name: str) -> str:
    """A vocabulary term for people: `in_article` becomes `in article`. Other names, sensors too, stay as they are."""
    return name.replace("_", " ") if name in _TERMS else name


_TERMS = {*vocabulary.names("threat"), *vocabulary.names("concealment")}


def listed(names: list[str]) -> str:
    """`a, b and c`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""


def ranks(low: int, high: int) -> str:
    """A set of ranks: `2` or `2\N{EN DASH}4`."""
    return str(low) if low == high else f"{low}\N{EN DASH}{high}"


def short(digest: str) -> str:
    """The first characters of a digest, enough to tell it from others on a page."""
    return digest[:12]


def band_letter(band: int) -> str:
    """Bands are lettered: 1 is A. After Z come AA, AB and so on."""
    letters = ""
    while band > 0:
        band, rest = divmod(band - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
