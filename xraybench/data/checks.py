"""What is wrong with a dataset folder, and what a user of it should know before believing a score.

Faults make numbers wrong: ids that dangle, changed bytes, missing pixels, one scan in two splits, boxes outside their image.
Warnings make numbers misleading: a class that its file names give away, pictures that look like copies, a split too small to
say anything. All of it is found in one go. An image is read once and then only when it has changed (`looks`).
"""

import contextlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from xraybench.core import digest, tables, vocabulary
from xraybench.core.documents import DatasetManifest, read_document, write_text
from xraybench.core.errors import BadFile, BadTable, UserError
from xraybench.core.task import Task
from xraybench.data import copies, looks, manifest, merkle, store, summary
from xraybench.data.copies import Twins
from xraybench.data.plan import Cell, Recipe
from xraybench.data.profiles import Profile
from xraybench.data.splits import BENIGN
from xraybench.data.store import Stored

WARNING = "warning: "
GIVEN_AWAY = 0.95  # share of scans whose class is guessed from a fact that should say nothing
_SCANS_A_GROUP = 3  # fewer on average, and every file is a series of its own
_RENDERED_AGAIN = 3
_MOST_COUNTS_APART = 1  # 16-bit counts: rendered pixels may differ by one between processors
_MOST_NAMED = 10
_NUMBER_AT_END = re.compile(r"[\W_]*\d+$")
_PART_FILE, _FACTS_FILE = "tables-1.json", "facts-1.notes"

# What is looked for, in the order of the report.
CHECKS = {
    "tables": "tables and manifest fit each other",
    "images": "every image is there, with the bytes and the size that were imported",
    "seal": "nothing was swapped, renamed, relabelled or moved since the folder was sealed",
    "splits": "no item and no picture stands in two splits",
    "copies": "no picture is a copy of another",
    "boxes": "every box lies inside its image",
    "classes": "no class is empty",
    "confounding": "nothing beside the pixels tells the class",
    "size": "every split is large enough for its rate",
    "rendering": "simulated pixels are what the seed gives",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found: which check found it, whether it makes numbers wrong, and in words what it is."""

    check: str
    is_fault: bool
    text: str
    twins: tuple[Twins, ...] = ()  # the pictures it speaks of

    @property
    def line(self) -> str:
        return self.text if self.is_fault else WARNING + self.text


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that a check found in one dataset folder."""

    name: str
    folder: Path
    digest: str
    root: str  # of the hash tree over all images, labels and splits; empty where the tables cannot be read
    is_sealed: bool
    n_images: int
    n_read: int  # of them read anew
    findings: tuple[Finding, ...]
    not_done: tuple[str, ...] = ()  # checks that there was nothing to do for: their silence says nothing

    @property
    def faults(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.is_fault]

    @property
    def lines(self) -> list[str]:
        """Faults first, then warnings, one line each."""
        return [finding.line for finding in sorted(self.findings, key=lambda finding: not finding.is_fault)]

    def exit_code(self, *, strict: bool = False) -> int:
        """0 when sound, 1 for a fault; `strict` takes a warning for a fault."""
        return int(bool(self.findings if strict else self.faults))

    def verdict(self, name: str) -> str:
        """What one of CHECKS came to: `FAULT`, `warning`, `ok`, or `not done`."""
        found = [finding for finding in self.findings if finding.check == name]
        if found:
            return "FAULT" if any(finding.is_fault for finding in found) else "warning"
        return "not done" if name in self.not_done else "ok"

    def as_json(self) -> dict[str, Any]:
        """The report as a JSON value; it names files, never the folder they lie in."""
        told = [asdict(finding) for finding in self.findings]
        return {
            "schema_id": "xraybench.check/1",
            "name": self.name,
            "digest": self.digest,
            "root": self.root,
            "is_sealed": self.is_sealed,
            "n_images": self.n_images,
            "n_faults": len(self.faults),
            "n_warnings": len(self.findings) - len(self.faults),
            "findings": told,
        }

    def table(self) -> str:
        """The report as a table of text."""
        width = max(map(len, CHECKS))
        rows = []
        for name, meaning in CHECKS.items():
            found = [finding for finding in self.findings if finding.check == name]
            rows.append(f"{name:{width}}  {self.verdict(name):9}  {meaning}")
            rows += [f"{'':{width}}    {'FAULT' if f.is_fault else 'warning'}: {f.text}" for f in found]
        return "\n".join([*rows, self.summary])

    @property
    def summary(self) -> str:
        """One line: what was looked at, what was found, and the root to note down."""
        n_warnings = len(self.findings) - len(self.faults)
        counts = f"{_counted(len(self.faults), 'fault')}, {_counted(n_warnings, 'warning')}"
        root = f"; root {self.root}, {'sealed' if self.is_sealed else 'not sealed'}" if self.root else ""
        return f"{self.name}: {counts}; {_counted(self.n_images, 'image')}, {self.n_read} of them read now{root}"


def check(folder: Path | str, *, quiet: bool = True) -> list[str]:
    """Everything that is wrong with a dataset folder, one line each; nothing when it is sound.

    Lines that begin with `warning: ` are no faults. `inspect` gives the same with its pictures.

    Raises:
        BadFile: The folder holds no dataset at all.
    """
    return inspect(folder, quiet=quiet).lines


def inspect(folder: Path | str, *, root: str = "", full: bool = False, quiet: bool = True) -> Report:
    """Everything that is wrong with a dataset folder, all in one report.

    Digests are taken again, changed image files are read again and compared with what was imported and sealed, pictures
    are compared with one another, shards are opened, and a few simulated scans are rendered again from their seed.

    Args:
        folder: The dataset folder.
        root: The root of the seal as noted elsewhere; another one is a fault.
        full: Read every image, changed or not.
        quiet: Say nothing.

    Raises:
        BadFile: The folder holds no dataset at all.
    """
    folder = Path(folder)
    if not (folder / store.MANIFEST).is_file():
        raise BadFile(
            f"{folder}: holds no {store.MANIFEST}, so it is not a dataset, or one whose making was interrupted."
        )
    part = None if full else _kept_part(folder)
    part = part or _table_part(folder)
    if part.facts is None:
        is_sealed = (folder / manifest.SEAL).is_file()
        return Report(folder.name, folder, "", "", is_sealed, 0, 0, part.findings, tuple(CHECKS)[1:])
    if part.stored is not None:
        seen = manifest.seen_of(part.stored, part.facts, full=full, quiet=quiet)
    else:
        found, was_read = looks.look_at(part.source, part.facts["path"].tolist(), folder, quiet=quiet)
        seen = found.assign(was_read=was_read)
    leaves = manifest.leaves(part.facts, seen, part.documents)
    hashes = manifest.hashes_of(leaves)
    findings = [
        *part.findings,
        *_faults("images", _image_faults(part, seen)),
        *_faults("seal", manifest.seal_faults(folder, leaves, hashes, root=root)),
        *_twin_findings(copies.twins(part.facts, seen, folder)),
        *_faults("boxes", _outside_faults(part.facts, seen)),
        *_encoder_findings(part.facts, seen),
    ]
    is_simulated = part.stored is not None and part.stored.manifest.is_simulated
    if part.stored is not None and is_simulated:
        findings += _faults("rendering", _simulated_faults(part.stored))
    is_sealed = (folder / manifest.SEAL).is_file()
    return Report(
        name=part.name,
        folder=folder,
        digest=part.digest,
        root=merkle.root_of(hashes),
        is_sealed=is_sealed,
        n_images=len(seen),
        n_read=int(seen["was_read"].sum()),
        findings=tuple(findings),
        not_done=("confounding" if is_simulated else "rendering", *(() if is_sealed else ("seal",))),
    )


def warnings_about(stored: Stored) -> list[str]:
    """What a sound dataset may still mislead by, each line beginning with `warning: `. No image is read."""
    found = [*_size_warnings(stored), *(f.text for f in _class_findings(stored)), *_shortcut_warnings(stored)]
    if not stored.manifest.is_simulated:
        twins = copies.twins(manifest.facts_of(stored), None, stored.folder)
        found += [finding.text for finding in _twin_findings(twins)]
    return [WARNING + line for line in found]


def series_of(path: str) -> str:
    """The series a file seems to belong to: its name without the number at the end; empty where it is all number.

    `B0079_0055.jpg` is of series `B0079`.
    """
    return _NUMBER_AT_END.sub("", path.rpartition("/")[2].rpartition(".")[0])


def guessed_share(facts: Sequence[str], classes: Sequence[str]) -> float:
    """Share of scans whose class is right when each is guessed to be the commonest of those with the same fact."""
    if not len(classes):
        return 0.0
    fact, facts_known = pd.factorize(np.asarray(facts, dtype=object))
    name, names_known = pd.factorize(np.asarray(classes, dtype=object))
    counts = np.bincount(fact * len(names_known) + name, minlength=len(facts_known) * len(names_known))
    return float(counts.reshape(len(facts_known), -1).max(axis=1).sum() / len(classes))


def class_of(stored: Stored) -> "pd.Series[str]":
    """The class of each scan, along `scans`: its threats joined, or `benign`."""
    threats = stored.objects.groupby("scan_id")["threat"].agg(lambda cells: "+".join(sorted(set(cells))))
    return stored.scans["scan_id"].map(threats.astype("object")).astype("object").fillna(BENIGN)


def _size_warnings(stored: Stored) -> Iterator[str]:
    least = Task("mail", "any", "any", "any")
    with_threat = stored.items["item_id"].isin(stored.objects["item_id"])
    in_test = stored.items["split"] == "test"
    counts = (
        ("benign calibration items", (stored.items["split"] == "calibration") & ~with_threat, least.min_benign, "pfa"),
        ("benign test items", in_test & ~with_threat, least.min_benign, "pfa"),
        ("test items with a threat", in_test & with_threat, least.min_threats, "pd"),
    )
    for what, chosen, fewest, rate in counts:
        if chosen.sum() < fewest:
            yield f"{what}: {int(chosen.sum())}; under {fewest} a {rate} says little"


def _shortcut_warnings(stored: Stored) -> Iterator[str]:
    """Facts beside the pixels' content that tell the class: a model may learn them in place of the threat."""
    if stored.manifest.is_simulated or not len(stored.scans):
        return
    classes = list(class_of(stored))
    for what, values in _facts_beside(stored).items():
        yield from _given_away(what, values, classes)


def _given_away(what: str, values: Sequence[str], classes: Sequence[str]) -> Iterator[str]:
    n_groups = len(set(values))
    if not 1 < n_groups <= len(classes) / _SCANS_A_GROUP:
        return
    base, share = guessed_share([""] * len(classes), classes), guessed_share(values, classes)
    if share >= GIVEN_AWAY and share > base:
        counts = Counter(zip(values, classes, strict=True)).most_common(_MOST_NAMED)
        told = ", ".join(f"{fact} {name} {n}" for (fact, name), n in counts)
        yield (
            f"class is confounded with {what}: guessing from it alone is right for {share:.0%} of the scans "
            f"({base:.0%} without it): {told}. A model can score well without seeing a threat"
        )


def _facts_beside(stored: Stored) -> dict[str, list[str]]:
    """What is known of each scan and should say nothing about its class, along `scans`."""
    first = stored.files[stored.files["view"] == 0].drop_duplicates("scan_id").set_index("scan_id")
    scan_ids, scans = stored.scans["scan_id"], stored.scans
    paths = scan_ids.map(first["path"]).fillna("").tolist()
    items = stored.items.drop_duplicates("item_id").set_index("item_id")
    return {
        "the series in the file name": [series_of(path) for path in paths],
        "the image size": [f"{h} x {w}" for h, w in zip(scans["height"], scans["width"], strict=True)],
        "the file type": [path.rpartition(".")[2].lower() for path in paths],
        "the scanner": scans["sensor"].tolist(),
        "the site": scans["item_id"].map(items["site"]).fillna("").tolist(),
    }


def _encoder_findings(facts: pd.DataFrame, seen: pd.DataFrame) -> Iterator[Finding]:
    """Quantisation tables and pixel modes differ between scanners and between programs that saved the images."""
    if "encoder" in seen:
        what = "the way the image was saved, so perhaps the scanner"
        for text in _given_away(what, seen["encoder"].tolist(), facts["content"].tolist()):
            yield Finding("confounding", False, text)


@dataclass(frozen=True, slots=True)
class _Part:
    """What follows from documents and tables alone, or from the notes of a check of the same documents and tables."""

    name: str
    digest: str
    source: Path
    facts: pd.DataFrame | None  # None where the tables cannot be read
    documents: list[tuple[str, str]]
    findings: tuple[Finding, ...]
    stored: Stored | None = None


def _table_part(folder: Path) -> _Part:
    if unreadable := _table_faults(folder):
        return _Part(folder.name, "", folder, None, [], tuple(unreadable))
    stored = store.read_unchecked(folder)
    found = [
        *_faults("tables", _link_faults(stored)),
        *_faults("boxes", _box_faults(stored)),
        *_class_findings(stored),
        *(Finding("confounding", False, text) for text in _shortcut_warnings(stored)),
        *(Finding("size", False, text) for text in _size_warnings(stored)),
    ]
    told, documents = stored.manifest, manifest.documents_of(stored)
    facts = manifest.facts_of(stored)
    part = _Part(told.name, told.digest, Path(told.source), facts, documents, tuple(found), stored)
    if not told.is_simulated:
        _keep_part(folder, part, facts)
    return part


def _keep_part(folder: Path, part: _Part, facts: pd.DataFrame) -> None:
    looks.keep_notes(folder, _FACTS_FILE, facts)
    with contextlib.suppress(OSError):
        record = {
            "of": _made_of(folder),
            "facts": digest.of_file(folder / looks.FOLDER / _FACTS_FILE),
            "part": [part.name, part.digest, str(part.source), part.documents],
            "findings": [[f.check, f.is_fault, f.text] for f in part.findings],
        }
        write_text(folder / looks.FOLDER / _PART_FILE, json.dumps(record))


def _kept_part(folder: Path) -> _Part | None:
    """The notes of the last check, if documents, tables and this program are those it was made with."""
    try:
        record = json.loads((folder / looks.FOLDER / _PART_FILE).read_text(encoding="utf-8"))
        facts_file = folder / looks.FOLDER / _FACTS_FILE
        if record["of"] != _made_of(folder) or record["facts"] != digest.of_file(facts_file):
            return None
        name, of, source, documents = record["part"]
        findings = tuple(Finding(str(c), bool(f), str(t)) for c, f, t in record["findings"])
        pairs = [(str(path), str(sha)) for path, sha in documents]
        facts = looks.read_notes(folder, _FACTS_FILE, manifest.FACTS)
        return _Part(str(name), str(of), Path(source), facts, pairs, findings) if len(facts) else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # notes that are not ours are made again
        return None


def _made_of(folder: Path) -> list[str]:
    """Digests of everything that the notes on the tables follow from."""
    names = [store.MANIFEST, *(f"{name}.parquet" for name in ("scans", "items", "objects", "files"))]
    names += [name for name in (summary.FACTS_FILE,) if (folder / name).is_file()]
    code = [Path(module.__file__ or "") for module in (copies, looks, manifest, store, tables, vocabulary)]
    return [*(digest.of_file(folder / name) for name in names), *map(digest.of_file, [*code, Path(__file__)])]


def _faults(name: str, texts: Iterable[str]) -> list[Finding]:
    return [Finding(name, True, text) for text in texts]


def _counted(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"


def _few(texts: Sequence[str], what: str) -> list[str]:
    """The first of many lines, and how many more there are."""
    hidden = len(texts) - _MOST_NAMED
    return [*texts[:_MOST_NAMED], *([f"{hidden} more {what}"] if hidden > 0 else [])]


def _table_faults(folder: Path) -> list[Finding]:
    """Documents and tables that cannot be read, each by itself, so that all of them are told."""
    found: list[Finding] = []
    is_simulated = True
    try:
        is_simulated = read_document(folder / store.MANIFEST, DatasetManifest).is_simulated
    except UserError as error:
        found += _faults("tables", [_within(folder, error)])
    wanted = [tables.SCANS, tables.ITEMS, tables.OBJECTS, *([] if is_simulated else [store.FILES])]
    for table in wanted:
        path = folder / f"{table.name}.parquet"
        try:
            store.read_table(path, table)
        except BadTable as error:
            found += _split_faults(path, table)
            found += _faults("tables", [f"{path.name}: {fault}" for fault in error.faults])
        except UserError as error:
            found += _faults("tables", [_within(folder, error)])
        except Exception as error:  # whatever pyarrow met in a table that someone has been at
            found += _faults("tables", [f"{path.name}: cannot be read as Parquet ({str(error)[:100]})"])
    if not found:
        try:
            store.read_unchecked(folder)
        except UserError as error:
            found += _faults("tables", [_within(folder, error)])
    return found


def _split_faults(path: Path, table: tables.Table) -> list[Finding]:
    """Items that a table puts into two splits."""
    frame = pd.read_parquet(path)
    if table is not tables.ITEMS or not {"item_id", "split"} <= set(frame.columns):
        return []
    of_item = frame.groupby("item_id")["split"].agg(lambda cells: sorted(set(map(str, cells))))
    told = [f"item {one} stands in {' and '.join(splits)}" for one, splits in of_item.items() if len(splits) > 1]
    return _faults("splits", _few(told, "items stand in two splits"))


def _within(folder: Path, error: Exception) -> str:
    return str(error).replace(f"{folder}/", "")


def _link_faults(stored: Stored) -> list[str]:
    faults = [line for line in store.link_faults(stored) if not _is_of_boxes(line)]
    if store.digest_of(stored) != stored.manifest.digest:
        faults.append("dataset.json: the digest is not that of the tables; one of them was changed after it was made")
    if store.n_items_of(stored.items) != stored.manifest.n_items:
        faults.append(f"dataset.json: n_items says {stored.manifest.n_items}, found {store.n_items_of(stored.items)}")
    return faults


def _is_of_boxes(line: str) -> bool:
    return line.startswith("objects.parquet: ")


def _image_faults(part: _Part, seen: pd.DataFrame) -> list[str]:
    """Images that are gone, changed, unreadable, or of another size than the table says."""
    facts = part.facts
    if facts is None or "digest" not in seen:
        return []
    if not part.source.is_dir():
        return [f"{part.source.name}: the source folder is not there any more; its images cannot be read"]
    unread = (seen["size"] < 0) | (seen["digest"] == "")
    gone = [f"{path}: {fault}" for path, fault in _where(seen, unread, "fault")]
    changed = (seen["digest"] != "") & (seen["digest"] != facts["digest"])
    other = [f"{path}: other bytes than those that were imported" for path in seen["path"][changed]]
    told, found = facts[["height", "width"]].to_numpy(), seen[["height", "width"]].to_numpy()
    apart = np.flatnonzero((told != found).any(axis=1) & (told[:, 0] > 0) & (found[:, 0] > 0))
    wrong = [
        f"{facts['path'].iloc[n]}: is {found[n, 1]} x {found[n, 0]} pixels, the table says {told[n, 1]} x {told[n, 0]}"
        for n in apart
    ]
    return [
        *_few(gone, "images are not there or cannot be read"),
        *_few(other, "images were changed"),
        *_few(wrong, "images are of another size"),
    ]


def _outside_faults(facts: pd.DataFrame, seen: pd.DataFrame) -> list[str]:
    """Boxes that reach beyond the image as it is, where the table does not say the same."""
    if "height" not in seen:
        return []
    right, bottom = facts["right"] > seen["width"], facts["bottom"] > seen["height"]
    is_told = (facts["height"] == seen["height"]) & (facts["width"] == seen["width"])
    outside = np.flatnonzero((right | bottom) & (seen["height"] > 0) & ~is_told)
    told = [
        f"{facts['path'].iloc[n]}: a box reaches x1 {facts['right'].iloc[n]:g}, y1 {facts['bottom'].iloc[n]:g} in an image "
        f"of {seen['width'].iloc[n]} x {seen['height'].iloc[n]}"
        for n in outside
    ]
    return _few(told, "boxes lie outside their image")


def _where(seen: pd.DataFrame, chosen: "pd.Series[bool]", column: str) -> list[tuple[str, str]]:
    return list(zip(seen["path"][chosen], seen[column][chosen], strict=True))


def _box_faults(stored: Stored) -> list[str]:
    """Boxes that are none, or that lie outside the first view as the table gives its size."""
    faults = [f"objects.parquet: {fault}" for fault in tables.box_faults(stored.objects)]
    sizes = stored.scans.drop_duplicates("scan_id")[["scan_id", "height", "width"]].assign(view=0)
    placed = stored.objects.merge(sizes, on=["scan_id", "view"])
    outside = placed[(placed["x1"] > placed["width"]) | (placed["y1"] > placed["height"])]
    told = [
        f"objects.parquet: a box of scan {row.scan_id} lies outside its view "
        f"(x1 {row.x1:g}, y1 {row.y1:g} in {row.width} x {row.height})"
        for row in outside.itertuples()
    ]
    return faults + _few(told, "boxes lie outside their view")


def _class_findings(stored: Stored) -> Iterator[Finding]:
    """Classes that are declared and hold nothing, and classes that cannot be learnt or measured."""
    counts = Counter(stored.objects.drop_duplicates(["item_id", "threat"])["threat"])
    for threat in stored.manifest.threats:
        if not counts[threat]:
            yield Finding("classes", True, f"class {threat} is declared in the manifest and no scan holds it")
    undeclared = [name for name in vocabulary.names("threat") if counts[name] and name not in stored.manifest.threats]
    for threat in undeclared:
        yield Finding("classes", True, f"class {threat} is labelled in {counts[threat]} items and not declared")
    split_of = stored.items.drop_duplicates("item_id").set_index("item_id")["split"]
    held = {(t, split_of.get(i, "")) for i, t in zip(stored.objects["item_id"], stored.objects["threat"], strict=True)}
    for threat in stored.manifest.threats:
        if counts[threat] and (threat, "test") not in held:
            yield Finding("classes", False, f"class {threat} has no item in test: it cannot be measured")
        elif counts[threat] and (threat, "train") not in held:
            yield Finding("classes", False, f"class {threat} has no item in train: it cannot be learnt here")


def _twin_findings(groups: list[Twins]) -> list[Finding]:
    """What the copies and look-alikes among the pictures mean for splits and labels."""
    found = []
    for kind, same in (("exact", "the same bytes"), ("pixels", "the same pixels, saved in another way")):
        apart = [twins for twins in groups if twins.kind == kind and twins.is_across_splits]
        if apart:
            text = (
                f"{_counted(len(apart), 'image')} {'stands' if len(apart) == 1 else 'stand'} in two splits ({same}): "
            )
            text += copies.told(apart) + ". item_pattern takes copies for different items"
            found.append(Finding("splits", True, text, tuple(apart)))
    near = [twins for twins in groups if twins.kind == "near" and twins.is_across_splits]
    if near:
        text = (
            f"{_counted(len(near), 'pair')} of pictures in different splits look like one scan (re-encoded, resized, "
        )
        text += f"flipped or turned), look at them: {copies.told(near)}"
        found.append(Finding("splits", False, text, tuple(near)))
    within = [twins for twins in groups if not twins.is_across_splits]
    n_copies = sum(twins.kind == "exact" for twins in groups)
    if n_copies:
        exact = tuple(twins for twins in groups if twins.kind == "exact")
        found.append(Finding("copies", False, f"{n_copies} image files are copies of others, byte for byte", exact))
    alike = [twins for twins in within if twins.kind != "exact"]
    if alike:
        text = f"{_counted(len(alike), 'pair')} of pictures inside one split look like one scan: {copies.told(alike)}"
        found.append(Finding("copies", False, text, tuple(alike)))
    torn = [twins for twins in groups if twins.first_class != twins.second_class]
    if torn:
        text = f"{_counted(len(torn), 'pair')} of pictures that look like one scan are labelled apart: "
        found.append(Finding("copies", False, text + copies.told(torn), tuple(torn)))
    return found


def _simulated_faults(stored: Stored) -> list[str]:
    faults = []
    n_items = len(stored.items)
    shard_items = store.shard_items_of(stored)
    for shard in range(-(-n_items // shard_items)):
        path = store.shard_path(stored.folder, shard)
        wanted = min(shard_items, n_items - shard * shard_items)
        try:
            if (found := len(store.open_shard(path))) != wanted:
                faults.append(f"{path.name}: holds {found} scans, {wanted} are meant")
        except BadFile as error:
            faults.append(str(error).removeprefix(f"{stored.folder}/"))
    return faults or _rendering_faults(stored)


def _rendering_faults(stored: Stored) -> list[str]:
    """Pixels that are not what the seed gives. Asked only where engine and sensor are those of the making."""
    from xraybench.data import _engine
    from xraybench.data.dataset import read_dataset, sensor_as_made

    sensor = sensor_as_made(stored)
    if sensor is None or stored.origin.get("engine") != _engine.version() or store.link_faults(stored):
        return []
    if store.digest_of(stored) != stored.manifest.digest:
        return []
    plan = recipe_of(stored)
    items = plan.items()
    dataset = read_dataset(stored.folder)
    scan_of = dict(zip(stored.scans["item_id"], stored.scans["scan_id"], strict=True))
    faults = []
    for n in np.linspace(0, len(items) - 1, _RENDERED_AGAIN).astype(int):
        again = _engine.render(plan, items[n], (sensor,), engine=stored.origin["mode"])[0].views.astype(np.int64)
        scan_id = scan_of[items[n].item_id]
        apart = int(np.abs(again - np.stack(dataset.scans.load(scan_id).views).astype(np.int64)).max())
        if apart > _MOST_COUNTS_APART:
            faults.append(f"scan {scan_id}: pixels are up to {apart} counts from what the seed gives")
    return faults


def recipe_of(stored: Stored) -> Recipe:
    """The recipe a simulated corpus was made by."""
    record = stored.origin["recipe"]
    counts = Profile(stored.manifest.profile, **record["counts"])
    return Recipe(record["vector"], record["seed"], counts, tuple(Cell(*cell) for cell in record["cells"]))
