"""The data card of a dataset folder: what it holds, where it comes from, and what it cannot show.

Every count is made from the dataset; every word that only its owner knows comes from `datacard.toml`, and what is not said
there is printed as a gap by its name. `describe` gives the card as sections and pictures, `report.data_card` writes it.
"""

import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from xraybench.core import vocabulary
from xraybench.core.errors import BadValue
from xraybench.core.vocabulary import SIZES, SPLITS, UNKNOWN
from xraybench.data import counts, manifest, store, summary
from xraybench.data.checks import WARNING, warnings_about
from xraybench.data.profiles import size_cuts, size_of
from xraybench.data.splits import BENIGN
from xraybench.data.store import Stored
from xraybench.data.words import DUO, FILE, PARTS, RAI, Terms, Words, gaps, read_words

_EXAMPLE_PX = 240
_MOST_EXAMPLES = 8
_MOST_ROWS = 60
_TIME_FACTS = ("scanned_at", "acquired", "taken", "date", "scantime", "createdate")
_MONTH = re.compile(r"(\d{4})-?(0[1-9]|1[0-2])")
_GAP = "*gap: not stated*"


@dataclass(frozen=True, slots=True)
class Example:
    """A scan to be shown: what it holds, and a small PNG of its first view."""

    title: str
    png: bytes


@dataclass(frozen=True, slots=True)
class DataCard:
    """A card as its parts: sections in Markdown, the pictures that belong after the section `## Examples`, and the gaps."""

    name: str
    sections: tuple[str, ...]
    examples: tuple[Example, ...]
    gaps: tuple[str, ...]

    @property
    def markdown(self) -> str:
        return "\n\n".join(self.sections) + "\n"


def card(folder: Path | str) -> str:
    """The data card in Markdown, without pictures; the same dataset and words give the same bytes.

    Raises:
        BadFile, BadTable, DigestMismatch: As `read_dataset`; or `datacard.toml` in the folder is no words.
    """
    return describe(folder, n_examples=0).markdown


def describe(
    folder: Path | str, words: Words | None = None, *, n_examples: int = _MOST_EXAMPLES, least: int = 1
) -> DataCard:
    """The data card of a dataset folder.

    Args:
        folder: The dataset.
        words: What its owner says; left out, `datacard.toml` in the folder, or nothing.
        n_examples: Pictures at most. Of real scans none are shown unless the words allow it.
        least: Fewest items that a cell of class, sensor, site and time shows; fewer are printed as `under`.

    Raises:
        BadFile, BadTable, DigestMismatch: As `read_dataset`; or the words are broken.
        BadValue: A negative number of pictures, or cells of fewer items than one.
    """
    if n_examples < 0 or least < 1:
        raise BadValue(f"A card shows 0 pictures or more, and cells of 1 item or more; got {n_examples} and {least}.")
    stored = store.read_stored(folder)
    told = _filled(stored, words if words is not None else read_words(Path(folder) / FILE))
    missing = gaps(told)
    examples = _examples(stored, told, n_examples)
    sections = [
        f"# Data card: {_plain(told.title or stored.manifest.name)}",
        _honesty(stored),
        _plain(told.description) or "*Gap: `description` was left empty by the owner.*",
        _table(("fact", "value"), [*_facts(stored), *_told_facts(told)], n_left=2),
        "## Items\n\nThe item is the unit of counting: a bag scanned twice is one item.",
        _table(("content", *SPLITS, "total"), _item_rows(stored)),
        "## Items by class, sensor, site and time\n\nAn item counts once for each of its threats. "
        + _time_note(stored),
        _table(("class", "sensor", "site", "time", "items"), _cross_rows(stored, least), n_left=4),
    ]
    if len(stored.objects):
        small, large = size_cuts(stored.manifest.corpus)
        sections += [
            "## Threats by concealment\n\nObjects in all splits. `unknown`: nobody said how it was hidden.",
            _table(("threat", *_concealments(stored)), _threat_rows(stored)),
            "## Threats by size\n\nShare of the view that the silhouette (or the box) covers: small under "
            f"{small:.2g} of it, large from {large:.2g}.",
            _table(("threat", *SIZES, UNKNOWN), _size_rows(stored)),
        ]
    sections += [
        "## Examples\n\n" + _example_note(stored, told, examples, n_examples),
        "## How it was made\n\n" + _rai_rows(told),
        "## Owners and terms, part by part",
        _table(("part", "owner", "made by", "terms", "allowed", "forbidden", "until"), _term_rows(told), n_left=7),
        "## What to know before using it\n\n" + _caveats(stored),
        "## Gaps\n\n" + _gap_note(missing),
    ]
    return DataCard(told.title or stored.manifest.name, tuple(sections), examples, tuple(missing))


def _filled(stored: Stored, words: Words) -> Words:
    """Of a simulated corpus, what its generator knows; an owner's own words go before it."""
    if not stored.manifest.is_simulated:
        return words
    known: dict[str, object] = {
        "description": f"Simulated X-ray scans of {stored.manifest.vector} on the generic sensor {stored.manifest.sensor}.",
        "data_collection": "Made by a simulator from a seed. No object, person or shipment was scanned.",
        "data_collection_type": ["Simulations"],
        "data_imputation_protocol": "Nothing was filled in.",
        "data_annotation_protocol": ["Boxes and classes follow from the scene that was rendered."],
        "annotations_per_item": "None by people.",
        "personal_sensitive_information": ["None: no real item was scanned."],
        "data_limitations": ["A score on simulated scans is no statement about performance in the field."],
        "label_policy": "Every label is known; nothing was opened.",
    }
    return words.model_copy(update={name: value for name, value in known.items() if not getattr(words, name)})


def _told_facts(words: Words) -> list[tuple[str, str]]:
    names = ("owner", "contact", "version", "date_published", "citation", "legal_basis", "retention", "label_policy")
    return [(name.replace("_", " "), _plain(getattr(words, name)) or _GAP) for name in names]


def _plain(prose: str) -> str:
    """An owner's words in a table: no markup of a page, nothing fetched."""
    return " ".join(prose.replace("&", "&amp;").replace("<", "&lt;").replace("![", "!\\[").split())


def _rai_rows(words: Words) -> str:
    lines = []
    for name in RAI:
        told = getattr(words, name)
        prose = told if isinstance(told, str) else "; ".join(told)
        lines.append(f"- **{name.replace('_', ' ')}**: {_plain(prose) or _GAP}")
    return "\n".join(lines)


def _term_rows(words: Words) -> Iterable[tuple[object, ...]]:
    for part, meaning in PARTS.items():
        terms = words.terms.get(part, Terms())
        duo = ", ".join(f"{term} {DUO[term]}" for term in terms.duo)
        cells = (duo, ", ".join(terms.permit), ", ".join(terms.prohibit), terms.until)
        yield (f"{part}: {meaning}", _plain(terms.owner) or _GAP, _plain(terms.annotated_by) or _GAP,
               *(cell or "not stated" for cell in cells))  # fmt: skip


def _gap_note(missing: Sequence[str]) -> str:
    if not missing:
        return "None: the owner said everything that is asked."
    return (
        f"The owner has not said: {', '.join(f'`{name}`' for name in missing)}. `{FILE}` in the dataset folder is where to "
        "say it."
    )


def _times(stored: Stored) -> "pd.Series[str]":
    """Month of each scan, or unknown."""
    facts = summary.facts_in(stored.folder)
    chosen = facts[facts["fact"].isin(_TIME_FACTS)].drop_duplicates("scan_id").set_index("scan_id")["value"]
    found = {scan_id: _MONTH.match(value) for scan_id, value in chosen.items()}
    return stored.scans["scan_id"].map(lambda scan_id: f"{m[1]}-{m[2]}" if (m := found.get(scan_id)) else UNKNOWN)


def _time_note(stored: Stored) -> str:
    n_unknown = int((_times(stored) == UNKNOWN).sum())
    if stored.manifest.is_simulated:
        return "Simulated scans have no time."
    return f"Gap: no time is known of {n_unknown} of {len(stored.scans)} scans." if n_unknown else "Time is the month."


def _cross_rows(stored: Stored, least: int) -> Iterable[tuple[object, ...]]:
    pairs = stored.objects[["item_id", "threat"]].drop_duplicates()
    scans = stored.scans[["item_id", "sensor"]].assign(time=_times(stored).to_numpy())
    table = stored.items[["item_id", "site"]].merge(pairs, on="item_id", how="left").merge(scans, on="item_id")
    table = table.assign(threat=table["threat"].fillna(BENIGN))
    counts = table.groupby(["threat", "sensor", "site", "time"])["item_id"].nunique().reset_index()
    order = {name: n for n, name in enumerate((*vocabulary.names("threat"), BENIGN))}
    rows = sorted(counts.itertuples(index=False), key=lambda row: (order[row.threat], *row[1:4]))
    for threat, sensor, site, time, n in rows[:_MOST_ROWS]:
        yield (threat, sensor, site, time, n if n >= least else f"under {least}")
    if len(rows) > _MOST_ROWS:
        yield (f"and {len(rows) - _MOST_ROWS} more rows", "", "", "", "")


def _examples(stored: Stored, words: Words, n_examples: int) -> tuple[Example, ...]:
    """A scan of each class, of the train split where it has one, in the order of the vocabulary."""
    if n_examples < 1 or not (stored.manifest.is_simulated or words.show_examples):
        return ()
    from xraybench.data.dataset import read_dataset

    dataset = read_dataset(stored.folder)
    track = next((name for name in ("colour", "grey") if name in dataset.view_sets), next(iter(dataset.view_sets)))
    scans = dataset.track(track)
    split_of = stored.items.set_index("item_id")["split"]
    threat_of = stored.objects.groupby("scan_id")["threat"].first()
    table = stored.scans[["scan_id", "item_id"]].assign(
        content=stored.scans["scan_id"].map(threat_of).fillna(BENIGN),
        later=(stored.scans["item_id"].map(split_of) != "train").to_numpy(),
    )
    found: list[Example] = []
    for content in (*vocabulary.names("threat"), BENIGN):
        chosen = table[table["content"] == content].sort_values(["later", "scan_id"])
        if len(chosen) and len(found) < n_examples:
            view = scans.load(str(chosen["scan_id"].iloc[0])).views[0]
            found.append(Example(content, _small_png(view)))
    return tuple(found)


def _small_png(view: "np.ndarray[tuple[int, ...], np.dtype[np.generic]]") -> bytes:
    from PIL import Image

    shown = view
    if view.dtype == np.uint16:
        shown = (view[..., :1].astype(np.float64) * (255.0 / max(float(view[..., 0].max()), 1.0))).astype(np.uint8)
    image = Image.fromarray(np.ascontiguousarray(shown[..., 0] if shown.shape[2] != 3 else shown))
    image.thumbnail((_EXAMPLE_PX, _EXAMPLE_PX))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def _example_note(stored: Stored, words: Words, examples: Sequence[Example], n_examples: int) -> str:
    if examples:
        return f"One scan of each class, made small: {', '.join(example.title for example in examples)}."
    if not stored.manifest.is_simulated and not words.show_examples:
        return f"*Gap: the owner has not allowed pictures to be shown (`show_examples` in `{FILE}`).*"
    return "Not asked for here." if n_examples < 1 else "*Gap: no picture could be made.*"


def _honesty(stored: Stored) -> str:
    if stored.manifest.is_simulated:
        return "**Simulated scans.** A score on them is no statement about performance in the field."
    if stored.files["path"].str.startswith(f"{counts.FOLDER}/").any() and (stored.folder / counts.FOLDER).is_dir():
        return (
            f"**Real scans.** Their counts lie in the folder `{counts.FOLDER}/` of this dataset: whoever is given the "
            "folder is given the scans. Nothing is sent anywhere."
        )
    return "**Real scans**, read where they lie. Nothing of them is copied into this dataset, and nothing is sent anywhere."


def _facts(stored: Stored) -> list[tuple[str, str]]:
    told, scans = stored.manifest, stored.scans
    sealed = manifest.read_seal(stored.folder)
    heights, widths = scans["height"], scans["width"]
    return [
        ("corpus", f"`{told.corpus}`"),
        ("vector", f"{told.vector}: {vocabulary.term('vector', told.vector).meaning}"),
        ("sensor", f"`{told.sensor}`"),
        ("track", f"{told.track}, full scale {told.full_scale:g}"),
        ("scans", f"{len(scans)} of {len(stored.items)} items"),
        ("view, pixels", f"height {_range(heights)}, width {_range(widths)}"),
        ("labels from", ", ".join(sorted(set(stored.items["label_source"])))),
        ("sites", ", ".join(sorted(set(stored.items["site"])))),
        ("profile, seed", f"{told.profile}, {told.seed}"),
        ("source", told.source if told.is_simulated else f"folder `{Path(told.source).name}`"),
        ("licence", told.licence),
        ("licence of upstream", told.licence_of_upstream),
        ("use terms", told.use_terms),
        ("digest", f"`{told.digest}`"),
        ("root of the seal", f"`{sealed.root}`" if sealed else "not sealed"),
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
    sizes = size_of(stored.objects, stored.scans)
    for threat in stored.manifest.threats:
        of_threat = sizes[stored.objects["threat"] == threat]
        yield (threat, *(int((of_threat == size).sum()) for size in (*SIZES, UNKNOWN)))


def _caveats(stored: Stored) -> str:
    lines = [line.removeprefix(WARNING) for line in warnings_about(stored)]
    if not stored.manifest.is_simulated and stored.manifest.licence_of_upstream == UNKNOWN:
        lines.append("The licence of the collection it was taken from is not known: do not publish anything from it")
    return "\n".join(f"- {line}." for line in lines) or "Nothing was found."


def _table(head: Sequence[str], rows: Iterable[tuple[object, ...]], *, n_left: int = 1) -> str:
    """A Markdown table; the first `n_left` columns hold text, the others numbers."""
    lines = [
        "| " + " | ".join(head) + " |",
        "|" + "".join(":---|" if n < n_left else "---:|" for n in range(len(head))),
    ]
    return "\n".join(lines + ["| " + " | ".join(map(_cell, row)) + " |" for row in rows])


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("<", "&lt;").replace("![", "!\\[")
