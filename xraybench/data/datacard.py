"""The data card of a dataset folder: what it holds, where it comes from, and what it cannot show. Made, never typed."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from xraybench.core import vocabulary
from xraybench.core.vocabulary import SIZES, SPLITS, UNKNOWN
from xraybench.data import store
from xraybench.data.checks import WARNING, warnings_about
from xraybench.data.profiles import SIZE_CUTS, size_of
from xraybench.data.splits import BENIGN
from xraybench.data.store import Stored


def card(folder: Path | str) -> str:
    """The data card in Markdown; the same dataset gives the same bytes.

    Raises:
        BadFile, BadTable, DigestMismatch: As `read_dataset`.
    """
    stored = store.read_stored(folder)
    parts = [
        f"# Data card: {stored.manifest.name}",
        _honesty(stored),
        _table(("fact", "value"), _facts(stored)),
        "## Items\n\nThe item is the unit of counting: a bag scanned twice is one item.",
        _table(("content", *SPLITS, "total"), _item_rows(stored)),
    ]
    if len(stored.objects):
        parts += [
            "## Threats by concealment\n\nObjects in all splits. `unknown`: nobody said how it was hidden.",
            _table(("threat", *_concealments(stored)), _threat_rows(stored)),
            "## Threats by size\n\nShare of the view that the silhouette (or the box) covers: small under "
            f"{SIZE_CUTS[0]:.0%}, large from {SIZE_CUTS[1]:.0%}.",
            _table(("threat", *SIZES, UNKNOWN), _size_rows(stored)),
        ]
    parts += ["## What to know before using it", _caveats(stored)]
    return "\n\n".join(parts) + "\n"


def _honesty(stored: Stored) -> str:
    if stored.manifest.is_simulated:
        return "**Simulated scans.** A score on them is no statement about performance in the field."
    return "**Real scans**, read where they lie. Nothing of them is copied into this dataset, and nothing is sent anywhere."


def _facts(stored: Stored) -> list[tuple[str, str]]:
    manifest, scans = stored.manifest, stored.scans
    heights, widths = scans["height"], scans["width"]
    return [
        ("corpus", f"`{manifest.corpus}`"),
        ("vector", f"{manifest.vector}: {vocabulary.term('vector', manifest.vector).meaning}"),
        ("sensor", f"`{manifest.sensor}`"),
        ("track", f"{manifest.track}, full scale {manifest.full_scale:g}"),
        ("scans", f"{len(scans)} of {len(stored.items)} items"),
        ("view, pixels", f"height {_range(heights)}, width {_range(widths)}"),
        ("labels from", ", ".join(sorted(set(stored.items["label_source"])))),
        ("sites", ", ".join(sorted(set(stored.items["site"])))),
        ("profile, seed", f"{manifest.profile}, {manifest.seed}"),
        ("source", manifest.source if manifest.is_simulated else f"folder `{Path(manifest.source).name}`"),
        ("licence", manifest.licence),
        ("licence of upstream", manifest.licence_of_upstream),
        ("use terms", manifest.use_terms),
        ("digest", f"`{manifest.digest}`"),
    ]


def _range(values: "pd.Series[int]") -> str:
    low, high = int(values.min()), int(values.max())
    return str(low) if low == high else f"{low} to {high}"


def _item_rows(stored: Stored) -> Iterable[tuple[object, ...]]:
    items = stored.items
    pairs = stored.objects[["item_id", "threat"]].drop_duplicates()
    labelled = items.merge(pairs, on="item_id", how="left").assign(threat=lambda f: f["threat"].fillna(BENIGN))
    for name in (*stored.manifest.threats, BENIGN):
        counts = [int(((labelled["threat"] == name) & (labelled["split"] == split)).sum()) for split in SPLITS]
        yield (name, *counts, sum(counts))
    counts = [int((items["split"] == split).sum()) for split in SPLITS]
    yield ("all items", *counts, len(items))


def _concealments(stored: Stored) -> list[str]:
    found = set(stored.objects["concealment"])
    return [name for name in (*vocabulary.names("concealment"), UNKNOWN) if name in found]


def _threat_rows(stored: Stored) -> Iterable[tuple[object, ...]]:
    counts = pd.crosstab(stored.objects["threat"], stored.objects["concealment"])
    for threat in stored.manifest.threats:
        yield (threat, *(_count(counts, threat, name) for name in _concealments(stored)))


def _count(counts: pd.DataFrame, threat: str, concealment: str) -> int:
    return int(counts.loc[threat, concealment]) if threat in counts.index else 0  # a small profile may hold none


def _size_rows(stored: Stored) -> Iterable[tuple[object, ...]]:
    sizes = size_of(stored.objects)
    for threat in stored.manifest.threats:
        of_threat = sizes[stored.objects["threat"] == threat]
        yield (threat, *(int((of_threat == size).sum()) for size in (*SIZES, UNKNOWN)))


def _caveats(stored: Stored) -> str:
    lines = [line.removeprefix(WARNING) for line in warnings_about(stored)]
    if not stored.manifest.is_simulated and stored.manifest.licence_of_upstream == UNKNOWN:
        lines.append("The licence of the collection it was taken from is not known: do not publish anything from it")
    return "\n".join(f"- {line}." for line in lines) or "Nothing was found."


def _table(head: Sequence[str], rows: Iterable[tuple[object, ...]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows])
