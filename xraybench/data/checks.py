"""What is wrong with a dataset folder, and what a user of it should know before believing a score.

Faults make numbers wrong: ids that dangle, changed bytes, missing pixels. Warnings begin with `warning: ` and make numbers
misleading: a class that its file names give away, a split too small to say anything.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from xraybench.core import digest
from xraybench.core.errors import BadFile, BadTable, UserError
from xraybench.core.progress import track
from xraybench.core.task import Task
from xraybench.data import store
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


def check(folder: Path | str, *, quiet: bool = True) -> list[str]:
    """Everything that is wrong with a dataset folder, one line each; nothing when it is sound.

    Digests are taken again, image files are read again and compared with what was imported, shards are opened, and a few
    simulated scans are rendered again from their seed. Lines that begin with `warning: ` are no faults.

    Raises:
        BadFile: The folder holds no dataset at all.
    """
    folder = Path(folder)
    if not (folder / store.MANIFEST).is_file():
        raise BadFile(
            f"{folder}: holds no {store.MANIFEST}, so it is not a dataset, or one whose making was interrupted."
        )
    try:
        stored = store.read_unchecked(folder)
    except BadTable as error:
        return [f"{Path(error.source).name}: {fault}" for fault in error.faults]
    except UserError as error:
        return [str(error)]
    faults = store.link_faults(stored)
    if store.digest_of(stored) != stored.manifest.digest:
        faults.append("dataset.json: the digest is not that of the tables; one of them was changed after it was made")
    if store.n_items_of(stored.items) != stored.manifest.n_items:
        faults.append(f"dataset.json: n_items says {stored.manifest.n_items}, found {store.n_items_of(stored.items)}")
    faults += _simulated_faults(stored) if stored.manifest.is_simulated else _file_faults(stored, quiet)
    return faults + warnings_about(stored)


def warnings_about(stored: Stored) -> list[str]:
    """What a sound dataset may still mislead by, each line beginning with `warning: `."""
    found = [*_size_warnings(stored)]
    if not stored.manifest.is_simulated:
        found += [*_shortcut_warnings(stored), *_copy_warnings(stored)]
    return [WARNING + line for line in found]


def series_of(path: str) -> str:
    """The series a file seems to belong to: its name without the number at the end; empty where it is all number.

    `B0079_0055.jpg` is of series `B0079`.
    """
    return re.sub(r"[\W_]*\d+$", "", Path(path).stem)


def guessed_share(facts: Sequence[str], classes: Sequence[str]) -> float:
    """Share of scans whose class is right when each is guessed to be the commonest of those with the same fact."""
    groups: dict[str, Counter[str]] = defaultdict(Counter)
    for fact, name in zip(facts, classes, strict=True):
        groups[fact][name] += 1
    return sum(max(counts.values()) for counts in groups.values()) / max(len(classes), 1)


def class_of(stored: Stored) -> "pd.Series[str]":
    """The class of each scan, along `scans`: its threats joined, or `benign`."""
    threats = stored.objects.groupby("scan_id")["threat"].agg(lambda cells: "+".join(sorted(set(cells))))
    return stored.scans["scan_id"].map(threats).fillna(BENIGN)


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
    classes = list(class_of(stored))
    base = guessed_share([""] * len(classes), classes)
    path_of = stored.files[stored.files["view"] == 0].set_index("scan_id")["path"]
    paths = [str(path_of[scan_id]) for scan_id in stored.scans["scan_id"]]
    facts = {
        "the series in the file name": [series_of(path) for path in paths],
        "the image size": [f"{h} x {w}" for h, w in zip(stored.scans["height"], stored.scans["width"], strict=True)],
        "the file type": [Path(path).suffix.lower() for path in paths],
    }
    for what, values in facts.items():
        share = guessed_share(values, classes)
        n_groups = len(set(values))
        if 1 < n_groups <= len(classes) / _SCANS_A_GROUP and share >= GIVEN_AWAY and share > base:
            seen = Counter(zip(values, classes, strict=True)).most_common(_MOST_NAMED)
            told = ", ".join(f"{fact} {name} {n}" for (fact, name), n in seen)
            yield (
                f"class is confounded with {what}: guessing from it alone is right for {share:.0%} of the scans "
                f"({base:.0%} without it): {told}. A model can score well without seeing a threat"
            )


def _copy_warnings(stored: Stored) -> Iterator[str]:
    n_copies = int(stored.files["digest"].duplicated().sum())
    if n_copies:
        yield f"{n_copies} image files are copies of others, byte for byte"
    split_of = stored.items.set_index("item_id")["split"]
    split = stored.scans.set_index("scan_id")["item_id"].map(split_of)
    per_content = stored.files.assign(split=stored.files["scan_id"].map(split)).groupby("digest")["split"].nunique()
    if (per_content > 1).any():
        yield f"{int((per_content > 1).sum())} images stand in two splits: item_pattern takes copies for different items"


def _file_faults(stored: Stored, quiet: bool) -> list[str]:
    faults = []
    root = Path(stored.manifest.source)
    if not root.is_dir():
        return [f"{root}: the source folder is not there any more; its images cannot be read"]
    rows = list(zip(stored.files["path"], stored.files["digest"], strict=True))
    for path, wanted in track(rows, f"reading {stored.manifest.name}", quiet=quiet):
        if not (root / path).is_file():
            faults.append(f"{path}: the image is not there any more")
        elif digest.of_file(root / path) != wanted:
            faults.append(f"{path}: other bytes than those that were imported")
    return faults


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
