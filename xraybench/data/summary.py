"""What an import took, what it left out and why: `import.json` in the dataset folder, and the same in words."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import pandas as pd
from pydantic import Field

from xraybench.core.documents import Document, read_document
from xraybench.core.tables import Column, Table

FILE = "import.json"
FACTS_FILE = "facts.parquet"
_MOST_EXAMPLES = 5

FACTS = Table(
    "facts",
    (
        Column("scan_id", "text", "the scan"),
        Column("fact", "text", "what is known: published_split, difficulty, domain, a field of a sidecar ..."),
        Column("value", "text", "as the source says it"),
    ),
    key=("scan_id", "fact"),
)


class Skipped(Document):
    """Files or boxes left out for one reason."""

    why: str
    count: int = Field(ge=1)
    examples: list[str]


class ImportSummary(Document):
    """`import.json`: how the dataset came to be."""

    schema_id: Literal["xraybench.import/1"] = "xraybench.import/1"
    format: str = Field(description="name of the reader")
    version: str = Field(description="version of xraybench")
    options: dict[str, str] = Field(default_factory=dict)
    n_scans: int = Field(ge=0, description="scans taken")
    n_items: int = Field(ge=0)
    n_images: int = Field(ge=0, description="image files read")
    classes: dict[str, str] = Field(description="word of the source -> threat, benign or skip")
    n_objects: dict[str, int] = Field(description="word of the source -> objects taken")
    splits: str = Field(description="where the splits come from")
    skipped: list[Skipped] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list)

    def text(self) -> str:
        """The summary in words, for the end of an import."""
        lines = [f"took {self.n_scans} scans of {self.n_items} items ({self.n_images} images), format {self.format}"]
        used = [f"{word} -> {self.classes.get(word, '?')}: {n}" for word, n in self.n_objects.items() if n]
        if used:
            lines.append("objects: " + ", ".join(used))
        lines.append(f"splits: {self.splits}")
        lines += [f"note: {note}" for note in self.notes]
        for skipped in self.skipped:
            more = ", ..." if skipped.count > len(skipped.examples) else ""
            lines.append(f"left out {skipped.count}: {skipped.why} ({', '.join(skipped.examples)}{more})")
        if not self.skipped:
            lines.append("nothing was left out")
        return "\n".join(lines)


def grouped(skipped: Iterable[tuple[str, str]]) -> list[Skipped]:
    """Pairs of path and reason, as one record a reason, the commonest first."""
    paths: dict[str, list[str]] = defaultdict(list)
    for path, why in skipped:
        shown, reason = (text.encode(errors="backslashreplace").decode() for text in (path, why))
        paths[reason].append(shown)
    counts = Counter({why: len(found) for why, found in paths.items()})
    return [Skipped(why=why, count=n, examples=sorted(paths[why])[:_MOST_EXAMPLES]) for why, n in counts.most_common()]


def summary_of(folder: Path | str) -> ImportSummary:
    """The summary that lies in a dataset folder.

    Raises:
        BadFile: The folder was not made by an import, or its summary is broken.
    """
    return read_document(Path(folder) / FILE, ImportSummary)


def facts_in(folder: Path | str) -> pd.DataFrame:
    """What else the source says of its scans: a row for each scan and fact. Empty where it says nothing.

    Raises:
        BadFile: The file is no Parquet.
        BadTable: It breaks its declaration.
    """
    from xraybench.core import tables
    from xraybench.data import store

    path = Path(folder) / FACTS_FILE
    return store.read_table(path, FACTS) if path.is_file() else tables.empty(FACTS)
