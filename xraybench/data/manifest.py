"""The seal of a dataset: a hash tree over path, bytes, label rows and split of every image, and what has changed since.

`seal` writes two files into the dataset folder: `leaves.parquet`, one row an image, and `seal.json` with the root over them.
Swapping two files, renaming one, changing a label or moving an item to another split changes the root, and comparing leaves
names what was changed. A root that lies beside the data proves nothing to someone who does not trust its owner: note it
elsewhere too (the data card prints it), and hand it to `check`.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from xraybench.core import digest, tables
from xraybench.core.documents import Seal, read_document, write_document
from xraybench.core.errors import BadFile, BadValue
from xraybench.core.tables import Column, Table
from xraybench.data import looks, merkle, store, summary
from xraybench.data.splits import BENIGN
from xraybench.data.store import Stored

SEAL, LEAVES_FILE = "seal.json", "leaves.parquet"

LEAVES = Table(
    "leaves",
    (
        Column("path", "text", "image file, or file and place of a simulated scan, or a document of the folder"),
        Column("bytes", "text", "SHA-256 of the bytes; of a document, of what it says", may_miss=True),
        Column("split", "text", "part that the item belongs to", may_miss=True),
        Column("content", "text", "threats it is labelled with, or benign; to be read, the hash beside it decides",
               may_miss=True),
        Column("labels", "text", "SHA-256 of the label rows"),
        Column("facts", "text", "SHA-256 of the other columns: scan, item, site, window"),
    ),
    key=("path",),
)  # fmt: skip


# What the tables say of each image, in one row: all that a check needs beside the image itself.
FACTS = Table(
    "facts",
    (
        Column("path", "text", "the file, as in files.parquet; or file and place of a simulated scan"),
        Column("digest", "text", "digest of its bytes when it was imported", may_miss=True),
        Column("scan_id", "text", "the scan"),
        Column("item_id", "text", "the item", may_miss=True),
        Column("split", "text", "part that the item belongs to", may_miss=True),
        Column("content", "text", "threats it is labelled with, or benign"),
        Column("labels", "text", "SHA-256 of the label rows"),
        Column("facts", "text", "SHA-256 of the other columns"),
        Column("height", "int", "pixels, as the table says; 0 where it does not"),
        Column("width", "int", "pixels, as the table says; 0 where it does not"),
        Column("right", "float", "right edge of the box that reaches furthest; 0 without a box"),
        Column("bottom", "float", "bottom edge of the box that reaches furthest; 0 without a box"),
    ),
)


@dataclass(frozen=True, slots=True)
class Proof:
    """That one leaf is under a root: the leaf, its neighbours on the way up, and the number of leaves."""

    leaf: tuple[str, ...]  # cells of `LEAVES`
    steps: tuple[merkle.Step, ...]
    n_leaves: int

    def holds(self, root: str) -> bool:
        """Whether the leaf is under this root. No file is read."""
        return merkle.is_under(merkle.leaf_of(self.leaf), self.steps, root, self.n_leaves)


def seal(folder: Path | str, *, quiet: bool = True) -> Seal:
    """Read every image and write the seal of the dataset as it is now.

    Raises:
        BadFile, BadTable, DigestMismatch: As `read_dataset`; or an image is missing or not the one that was imported.
    """
    folder = Path(folder)
    stored = store.read_stored(folder)
    facts = facts_of(stored)
    found = leaves(facts, seen_of(stored, facts, full=True, quiet=quiet), documents_of(stored))
    if (gone := found["path"][found["bytes"] == ""]).size:
        raise BadFile(f"{folder}: {len(gone)} of its images cannot be read, {gone.iloc[0]} first: nothing was sealed.")
    made = Seal(root=root_of(found), n_leaves=len(found), dataset=stored.manifest.digest)
    store.write_table(folder / LEAVES_FILE, found, LEAVES)
    write_document(folder / SEAL, made)
    return made


def read_seal(folder: Path | str) -> Seal | None:
    """The seal of a folder, or nothing where it was never sealed.

    Raises:
        BadFile: There is a seal and it is broken.
    """
    return read_document(Path(folder) / SEAL, Seal) if (Path(folder) / SEAL).is_file() else None


def seal_faults(folder: Path, now: pd.DataFrame, hashes: list[bytes], *, root: str = "") -> list[str]:
    """What has changed since the folder was sealed, leaf by leaf; nothing where it was not.

    Args:
        folder: The dataset folder.
        now: Its leaves today.
        hashes: Of these leaves.
        root: The root that the caller knows from elsewhere.
    """
    try:
        sealed = read_seal(folder)
    except BadFile as error:
        return [str(error).removeprefix(f"{folder}/")]
    faults = []
    root_now = merkle.root_of(hashes)
    if root and root_now != root:
        faults.append(f"the root is {root_now}, and you expect {root}")
    if sealed is None:
        return faults + ([f"{SEAL}: missing, so it cannot be said which file was changed"] if faults else [])
    try:
        before = store.read_table(folder / LEAVES_FILE, LEAVES)
    except Exception as error:  # a table of ours that someone has been at
        return [*faults, f"{LEAVES_FILE}: cannot be read ({str(error).removeprefix(f'{folder}/')[:200]})"]
    if root and sealed.root != root:
        faults.append(f"{SEAL}: holds another root, {sealed.root}: the folder was sealed anew")
    if sealed.root == root_now and before.equals(now):
        return faults
    if merkle.root_of(_hashes_like(before, now, hashes)) != sealed.root:
        faults.append(f"{LEAVES_FILE}: not the leaves that {SEAL} was made of; one of the two was changed")
    return faults + list(changes(before, now))


def changes(before: pd.DataFrame, now: pd.DataFrame) -> Iterator[str]:
    """The difference of two tables of leaves, in words: swapped, renamed, added, removed, relabelled, moved."""
    old, new = before.set_index("path"), now.set_index("path")
    both = old.index.intersection(new.index)
    a, b = old.loc[both], new.loc[both]
    other = a["bytes"] != b["bytes"]
    swapped = dict(_swapped(a[other], b[other]))
    for path in both[other.to_numpy()]:
        if path not in swapped:
            yield f"{path}: other bytes than those that were sealed"
    for path, twin in swapped.items():
        if path < twin:
            yield f"{path} and {twin}: have exchanged their bytes"
    for path in both[(a["split"] != b["split"]).to_numpy()]:
        yield f"{path}: was in split {a['split'][path]} when it was sealed, is in {b['split'][path]}"
    for path in both[(a["labels"] != b["labels"]).to_numpy()]:
        was, now_is = a["content"][path], b["content"][path]
        yield f"{path}: labelled {was} when it was sealed, " + (
            f"now {now_is}" if was != now_is else "and its label rows were changed"
        )
    for path in both[(a["facts"] != b["facts"]).to_numpy()]:
        yield f"{path}: scan, item, site or window are not those that were sealed"
    yield from _come_and_gone(old.drop(both), new.drop(both))


def prove(folder: Path | str, path: str) -> Proof:
    """That one image, as labelled, is under the root of a sealed dataset, without showing any other.

    Raises:
        BadFile: The folder is not sealed.
        BadValue: It holds no such path.
    """
    sealed = read_seal(folder)
    if sealed is None:
        raise BadFile(f"{folder}: was never sealed. `xraybench data check {folder} --seal` does it.")
    table = store.read_table(Path(folder) / LEAVES_FILE, LEAVES)
    places = np.flatnonzero((table["path"] == path).to_numpy())
    if not len(places):
        raise BadValue(f"{folder}: no leaf is called '{path}'.")
    steps = merkle.proof_of(hashes_of(table), int(places[0]))
    leaf = tuple(table.iloc[int(places[0])])
    return Proof(leaf, tuple(steps), len(table))


def root_of(table: pd.DataFrame) -> str:
    """The root over a table of leaves."""
    return merkle.root_of(hashes_of(table))


def leaves(facts: pd.DataFrame, seen: pd.DataFrame, documents: list[tuple[str, str]]) -> pd.DataFrame:
    """One row an image: its bytes as they are now and what the tables say of it; then the documents; by path."""
    known = facts[["path", "split", "content", "labels", "facts"]].assign(bytes=seen["sha256"].to_numpy())
    empty = _hash([])
    rows = [(name, sha, "", "", empty, empty) for name, sha in documents]
    table = pd.concat([known[LEAVES.column_names], pd.DataFrame(rows, columns=LEAVES.column_names).astype("str")])
    return table if table["path"].is_monotonic_increasing else table.sort_values("path", ignore_index=True)


def facts_of(stored: Stored) -> pd.DataFrame:
    """What the tables say of each image, a table `FACTS` in the order of the paths."""
    labels, content, edges = _labels(stored)
    scans = _cells(stored.scans, tables.SCANS)
    items = _cells(stored.items.drop(columns="split"), tables.ITEMS)
    split_of = dict(zip(stored.items["item_id"], stored.items["split"], strict=True))
    item_of = dict(zip(stored.scans["scan_id"], stored.scans["item_id"], strict=True))
    sizes = zip(stored.scans["height"], stored.scans["width"], strict=True)
    size_of = dict(zip(stored.scans["scan_id"], sizes, strict=True))
    none = _hash([])
    rows = []
    for path, name, scan_id, view, rest in _images(stored):
        item_id = item_of.get(scan_id, "")
        others = _hash([scans.get(scan_id), items.get(item_id), rest])
        label = (content.get(scan_id, BENIGN), labels.get(scan_id, none), others)
        height, width = size_of.get(scan_id, (0, 0)) if view == 0 else (0, 0)
        corner = edges.get((scan_id, view), (0.0, 0.0))
        rows.append((path, name, scan_id, item_id, split_of.get(item_id, ""), *label, height, width, *corner))
    rows.sort()
    kinds = {"text": "str", "int": "int64", "float": "float64"}
    frame = pd.DataFrame(rows, columns=FACTS.column_names)
    return frame.astype({column.name: kinds[column.kind] for column in FACTS.columns})


def seen_of(stored: Stored, facts: pd.DataFrame, *, full: bool = False, quiet: bool = True) -> pd.DataFrame:
    """What is seen of the images now, a row for each of `facts`; `was_read` says which were read for it.

    Of a simulated corpus, only the bytes of each scan.
    """
    if stored.manifest.is_simulated:
        return _seen_of_shards(stored, facts)
    root = Path(stored.manifest.source)
    found, was_read = looks.look_at(root, facts["path"].tolist(), stored.folder, full=full, quiet=quiet)
    return found.assign(was_read=was_read)


def _images(stored: Stored) -> Iterator[tuple[str, str, str, int, list[Any]]]:
    """Path, digest, scan, view and other cells of each image."""
    if stored.manifest.is_simulated:
        scan_of = dict(zip(stored.scans["item_id"], stored.scans["scan_id"], strict=True))
        shard_items = store.shard_items_of(stored)  # large scans lie in files that hold fewer
        for place, item_id in enumerate(sorted(stored.items["item_id"])):
            shard, row = divmod(place, shard_items)
            yield f"{store.PIXELS}/{shard:05d}.npy#{row:02d}", "", scan_of.get(item_id, ""), 0, []
        return
    files = stored.files
    others = [name for name in store.FILES.column_names if name not in ("scan_id", "path", "digest")]
    cells = zip(*(files[name].tolist() for name in others), strict=True)
    columns = (files[name].tolist() for name in ("path", "digest", "scan_id", "view"))
    for path, name, scan_id, view, rest in zip(*columns, cells, strict=True):
        yield path, name, scan_id, view, [_plain(cell) for cell in rest]


def _seen_of_shards(stored: Stored, facts: pd.DataFrame) -> pd.DataFrame:
    found = []
    opened, pixels = "", np.zeros((0, 0, 0, 0), np.uint16)
    for name, _, row in (path.rpartition("#") for path in facts["path"]):
        if name != opened:
            opened = name
            try:
                pixels = store.open_shard(stored.folder / name)
            except BadFile:
                pixels = np.zeros((0, 0, 0, 0), np.uint16)
        is_there = int(row) < len(pixels)
        found.append(sha256(np.ascontiguousarray(pixels[int(row)]).tobytes()).hexdigest() if is_there else "")
    return pd.DataFrame({"path": facts["path"], "sha256": pd.Series(found, dtype="str"), "was_read": True})


def documents_of(stored: Stored) -> list[tuple[str, str]]:
    """The documents of the folder, without the place where the images lie: a dataset that was moved is the same."""
    manifest = stored.manifest.model_dump(mode="json")
    if not stored.manifest.is_simulated:
        del manifest["source"]
    found = [(store.MANIFEST, _hash(manifest)), *([(store.ORIGIN, _hash(stored.origin))] if stored.origin else [])]
    other = stored.folder / summary.FACTS_FILE
    return [*found, *([(other.name, sha256(other.read_bytes()).hexdigest())] if other.is_file() else [])]


def _labels(
    stored: Stored,
) -> tuple[dict[str, str], dict[str, str], dict[tuple[str, int], tuple[float, float]]]:
    """Of each scan with a threat: hash of its label rows, the threats in words, and how far boxes reach in each view."""
    columns = [stored.objects[name].tolist() for name in tables.OBJECTS.column_names]
    of_scan: dict[str, list[list[Any]]] = {}
    threats: dict[str, set[str]] = {}
    edges: dict[tuple[str, int], tuple[float, float]] = {}
    for cells in zip(*columns, strict=True):
        row = dict(zip(tables.OBJECTS.column_names, cells, strict=True))
        scan_id, view = row["scan_id"], row["view"]
        of_scan.setdefault(scan_id, []).append([_plain(cell) for cell in cells])
        threats.setdefault(scan_id, set()).add(row["threat"])
        right, bottom = edges.get((scan_id, view), (0.0, 0.0))
        x1, y1 = _plain(row["x1"]) or 0.0, _plain(row["y1"]) or 0.0
        edges[scan_id, view] = max(right, x1), max(bottom, y1)
    hashes = {scan_id: _hash(sorted(cells, key=digest.canonical_json)) for scan_id, cells in of_scan.items()}
    return hashes, {scan_id: "+".join(sorted(found)) for scan_id, found in threats.items()}, edges


def _cells(frame: pd.DataFrame, table: Table) -> dict[str, list[Any]]:
    """All cells of each row, by its key: a column that is added later is under the seal too."""
    names = [name for name in table.column_names if name in frame.columns]
    rows = zip(*(frame[name].tolist() for name in names), strict=True)
    return {str(row[0]): [_plain(cell) for cell in row] for row in rows}


def _plain(cell: Any) -> Any:
    return None if cell != cell else cell  # NaN is the one value that differs from itself


def _hash(value: Any) -> str:
    return sha256(_AS_JSON(value).encode()).hexdigest()


def hashes_of(table: pd.DataFrame) -> list[bytes]:
    """Hash of each leaf."""
    columns = (table[name].tolist() for name in LEAVES.column_names)
    return [merkle.leaf_of(row) for row in zip(*columns, strict=True)]


def _hashes_like(before: pd.DataFrame, now: pd.DataFrame, hashes: list[bytes]) -> list[bytes]:
    """Hash of each leaf of `before`; those of rows that are in the same place in `now` are known."""
    if len(before) != len(now):
        return hashes_of(before)
    same = (before.to_numpy() == now[LEAVES.column_names].to_numpy()).all(axis=1)
    others = iter(hashes_of(before[~same]))
    return [known if is_same else next(others) for known, is_same in zip(hashes, same.tolist(), strict=True)]


def _swapped(old: pd.DataFrame, new: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """Paths that hold each other's old bytes."""
    holder = {sha: path for path, sha in new["bytes"].items() if sha}
    for path, sha in old["bytes"].items():
        twin = holder.get(sha, path)
        if twin != path and twin in old.index and old["bytes"][twin] == new["bytes"][path]:
            yield path, twin


def _come_and_gone(old: pd.DataFrame, new: pd.DataFrame) -> Iterator[str]:
    now_called = {sha: path for path, sha in new["bytes"].items() if sha}
    renamed = {path: now_called[sha] for path, sha in old["bytes"].items() if sha in now_called}
    for path in old.index:
        yield f"{path}: is called {renamed[path]} now" if path in renamed else f"{path}: was sealed and is gone"
    for path in new.index:
        if path not in renamed.values():
            yield f"{path}: was not there when the dataset was sealed"


_AS_JSON = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
