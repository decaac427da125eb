"""Simulated sites of a federation: data folders of several administrations, as alike or as different as a dial says.

At heterogeneity 0 every site draws from one distribution: one scanner, one mix of threats, half of the items with a
threat, boxes around every threat, as many items. At 1 each has its own scanner, mix, prevalence, label policy and size. In
between, what has a scale is moved along it, and what has none switches over: the beam first, the labels last.

The differences lie in the train items. Calibration and test items of every site have the same make-up and the whole truth
in their labels, seen by the site's own scanner: they are what is measured. No two sites share an item.
"""

import datetime as dt
import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from xraybench.core import chance, digest, tables
from xraybench.core.documents import DatasetManifest, write_text
from xraybench.core.errors import BadFile, BadParameter
from xraybench.core.progress import track
from xraybench.core.sensor import Sensor
from xraybench.core.types import FloatArray
from xraybench.core.vocabulary import CONTROLS
from xraybench.data import _engine, _worker, agreement, store, words
from xraybench.data.corpus import LICENCE, USE_TERMS
from xraybench.data.datacard import card
from xraybench.data.plan import Cell, PlannedItem, Recipe, opaque_id, recipe, threats_of
from xraybench.data.profiles import Profile

NAMES = ("north", "south", "west", "east", "harbour", "airport", "river", "border", "island", "valley")
FEWEST, MOST = 3, len(NAMES)
CARD = "card.md"
POLICIES = {
    "boxes": "every threat with its box",
    "items": "every threat, and not where it is",
    "partial": "every threat with its box, but the rarest of the site's mix is not recorded at all",
}
_MAKES = ("mail_160kv", "mail_140kv", "mail_120kv")
_OWN_BEAM, _OWN_LABELS = 0.25, 0.75  # heterogeneity from which make and beam, and the label policy, are the site's own
_MOST_APART = 3.0  # size of the largest site over the smallest, at most
_PREVALENCE = (0.25, 0.75)  # share of train items with a threat: range of the sites
_COARSER = 0.08  # of the pitch, from one scanner to the next
_SIGNED = dt.date(2026, 1, 1)


@dataclass(frozen=True, slots=True)
class SimulatedSite:
    """What one site will hold."""

    name: str
    sensor: Sensor
    n_train: dict[str, int]  # threat -> train items with it
    n_benign: int  # train items without a threat
    policy: str  # one of POLICIES
    unrecorded: str  # the threat that the policy `partial` leaves out, or empty


def make_sites(
    out: Path,
    *,
    n_sites: int = 5,
    heterogeneity: float = 1.0,
    seed: int = 0,
    n_items: int = 300,
    n_test: int = 240,
    n_calibration: int = 200,
    quiet: bool = False,
) -> list[Path]:
    """Make the data folders of a simulated federation; a folder that is there already is kept.

    Args:
        out: Gets one dataset folder a site, each with its data card and an agreement.
        n_sites: 3 to 10.
        heterogeneity: 0 for sites of one distribution, 1 for sites that share nothing but the threats.
        seed: Of the items and of what sets the sites apart.
        n_items: Train items of a site, on average.
        n_test: Test items with a threat at every site, and as many benign ones.
        n_calibration: Benign calibration items at every site.
        quiet: No progress on stderr.

    Returns:
        The folders, in the order of the sites.

    Raises:
        BadParameter: A number out of range; all of them are named.
        BadFile: A folder holds another site than this call would make, or not enough room on the disk.
    """
    plan = _recipe(seed)
    faults = _faults(n_sites, heterogeneity, n_items)
    if n_test < len(plan.cells):
        faults.append(f"n_test is {n_test}; there are {len(plan.cells)} ways to hide a threat, and each needs an item")
    if n_calibration < 1:
        faults.append(f"n_calibration is {n_calibration}; a site needs at least 1")
    _refuse(faults)
    sites = plan_sites(n_sites=n_sites, heterogeneity=heterogeneity, seed=seed, n_items=n_items)
    n_bytes = sum(
        _worker.scan_bytes(site.sensor, plan.vector)
        * (sum(site.n_train.values()) + site.n_benign + 2 * n_test + n_calibration)
        for site in sites
        if not (out / site.name / store.MANIFEST).is_file()
    )
    store.check_room(out, n_bytes)
    folders = []
    for site in track(sites, f"{n_sites} sites, heterogeneity {heterogeneity:g}", quiet=quiet):
        folders.append(out / site.name)
        _make_site(folders[-1], plan, site, n_test=n_test, n_calibration=n_calibration)
    return folders


def plan_sites(*, n_sites: int, heterogeneity: float, seed: int = 0, n_items: int = 300) -> tuple[SimulatedSite, ...]:
    """What the sites of a federation will hold, nothing rendered.

    Args:
        n_sites, heterogeneity, seed, n_items: See `make_sites`.

    Raises:
        BadParameter: A number out of range; all of them are named.
    """
    _refuse(_faults(n_sites, heterogeneity, n_items))
    threats = threats_of(_recipe(seed).cells)
    sizes = _sizes(n_sites, heterogeneity, seed, n_items)
    return tuple(
        _planned(index, threats, heterogeneity=heterogeneity, seed=seed, n_items=size)
        for index, size in enumerate(sizes)
    )


def _faults(n_sites: int, heterogeneity: float, n_items: int) -> list[str]:
    faults = []
    if not FEWEST <= n_sites <= MOST:
        faults.append(f"n_sites is {n_sites}; {FEWEST} to {MOST} sites can be made")
    if not 0.0 <= heterogeneity <= 1.0:
        faults.append(f"heterogeneity is {heterogeneity:g}; it lies in [0, 1]")
    if n_items < 20:
        faults.append(f"n_items is {n_items}; a site needs at least 20 train items")
    return faults


def _refuse(faults: list[str]) -> None:
    if faults:
        raise BadParameter("Sites cannot be made: " + "; ".join(faults) + ".")


def site_sensor(index: int, heterogeneity: float) -> Sensor:
    """The scanner of a site: the first make for all at heterogeneity 0, ten different ones at 1.

    It keeps the name of the make it is closest to, for tasks are measured by it; its own figures stand in `origin.json`.
    Spectrum, noise and pitch are moved, see `simulate.dial`.
    """
    from xraybench import sensors, simulate

    is_own = heterogeneity >= _OWN_BEAM
    base = sensors.get(_MAKES[index % 2 if is_own else 0])
    beam, noise = sensors.get(_MAKES[index % 3]), sensors.get(_MAKES[(index + index // 3) % 3])
    dialled = simulate.dial(base, beam, spectrum=float(is_own))
    dialled = simulate.dial(dialled, noise, noise=heterogeneity)
    pitch = base.geometry.pixel_mm * (1 + heterogeneity * _COARSER * (index % 4))
    summary = f"{base.name} of a site: beam as {beam.name if is_own else base.name}, noise {heterogeneity:g} of the way"
    return replace(
        dialled,
        geometry=replace(dialled.geometry, pixel_mm=pitch),
        summary=f"{summary} to {noise.name}, pitch {pitch:.3g} mm",
    )


def _recipe(seed: int) -> Recipe:
    """Threats and concealments of mail, without its controls; the counts are the sites' own."""
    whole = recipe("mail", Profile("sites", 0, 0, 0, 0, 0), seed)
    return replace(whole, cells=tuple(cell for cell in whole.cells if cell.threat not in CONTROLS))


def _sizes(n_sites: int, heterogeneity: float, seed: int, n_items: int) -> list[int]:
    """Train items of each site: spread evenly in logarithm, dealt in an order of the seed, `n_items` on average."""
    steps = np.linspace(-0.5, 0.5, n_sites)[chance.stream(seed, "sites", "sizes").permutation(n_sites)]
    relative = np.exp(steps * heterogeneity * np.log(_MOST_APART))
    return [round(n_items * float(share)) for share in relative / relative.mean()]


def _planned(index: int, threats: Sequence[str], *, heterogeneity: float, seed: int, n_items: int) -> SimulatedSite:
    name = NAMES[index]
    own = chance.stream(seed, "sites", "mix", name)
    mix = (1 - heterogeneity) / len(threats) + heterogeneity * own.dirichlet(np.ones(len(threats)))
    low, high = _PREVALENCE
    prevalence = 0.5 + heterogeneity * (own.uniform(low, high) - 0.5)
    n_threat = round(n_items * prevalence)
    counts = dict(zip(threats, _shared_out(n_threat, mix), strict=True))
    policy = list(POLICIES)[index % len(POLICIES)] if heterogeneity >= _OWN_LABELS else "boxes"
    return SimulatedSite(
        name=name,
        sensor=site_sensor(index, heterogeneity),
        n_train=counts,
        n_benign=n_items - n_threat,
        policy=policy,
        unrecorded=min(threats, key=lambda threat: (counts[threat], threat)) if policy == "partial" else "",
    )


def _shared_out(n: int, shares: FloatArray) -> list[int]:
    """Whole numbers in these shares (sum 1) that add up to n: cut at the running sums."""
    edges = np.rint(np.concatenate([[0.0], np.cumsum(shares)]) * n).astype(int)
    return [int(size) for size in np.diff(edges)]


def _make_site(folder: Path, plan: Recipe, site: SimulatedSite, *, n_test: int, n_calibration: int) -> None:
    origin = _origin(plan, site, n_test, n_calibration)
    if (folder / store.MANIFEST).is_file():
        if store.read_unchecked(folder).origin != origin:
            raise BadFile(f"{folder}: holds another site than this one. Choose an empty folder.")
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}"))
    try:
        items = _items(plan, site, n_test, n_calibration)
        told = _rendered(building, plan, site.sensor, items)
        store.write_stored(_stored(building, plan, site, items, told, origin))
        write_text(building / agreement.FILE, agreement.template(site.name, starts=_SIGNED, years=10))
        write_text(building / words.FILE, f"label_policy = {json.dumps(POLICIES[site.policy])}\n")
        write_text(building / CARD, card(building))
        building.chmod(0o755)
        building.replace(folder)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise


def _origin(plan: Recipe, site: SimulatedSite, n_test: int, n_calibration: int) -> dict[str, Any]:
    """All that decides a site, as plain JSON."""
    held = {key: value for key, value in asdict(site).items() if key != "sensor"}
    record = {
        "engine": _engine.version(),
        "mode": _engine.MODES[0],
        "sensor": site.sensor.record(),
        "site": held | {"seed": plan.seed, "n_test": n_test, "n_calibration": n_calibration},
    }
    plain: dict[str, Any] = json.loads(digest.canonical_json(record))
    return plain


def _items(plan: Recipe, site: SimulatedSite, n_test: int, n_calibration: int) -> list[PlannedItem]:
    """Every item of a site, sorted by id. Within a threat, ways to hide it take turns."""
    evenly = np.full(len(site.n_train), 1 / len(site.n_train))
    test = dict(zip(site.n_train, _shared_out(n_test, evenly), strict=True))
    planned = [
        (split, cell, n)
        for split, counts in (("train", site.n_train), ("test", test))
        for cell, count in _cells(plan, counts)
        for n in range(count)
    ]
    for split, count in (("train", site.n_benign), ("calibration", n_calibration), ("test", n_test)):
        planned += [(split, Cell(), n) for n in range(count)]
    return sorted((_item(plan, site.name, *one) for one in planned), key=lambda item: item.item_id)


def _cells(plan: Recipe, counts: dict[str, int]) -> list[tuple[Cell, int]]:
    """Cells and how many items each has, where a threat's items are shared out evenly over its concealments."""
    found = []
    for threat, count in counts.items():
        ways = [cell for cell in plan.cells if cell.threat == threat]
        sizes = _shared_out(count, np.full(len(ways), 1 / len(ways)))
        found += list(zip(ways, sizes, strict=True))
    return found


def _item(plan: Recipe, site: str, split: str, cell: Cell, number: int) -> PlannedItem:
    """An item is named by site, cell and number: the dial adds and removes items, and changes none."""
    item_id = opaque_id(plan.seed, "site", site, split, cell.threat, cell.concealment, number)
    shapes = "unseen" if split == "test" and cell.threat and number % 2 else "seen"
    return PlannedItem(item_id, split, cell, shapes)


def _rendered(folder: Path, plan: Recipe, sensor: Sensor, items: Sequence[PlannedItem]) -> dict[str, _engine.Told]:
    """Render the items into shards; what is known of each."""
    size = store.shard_items(_worker.scan_bytes(sensor, plan.vector))
    told: dict[str, _engine.Told] = {}
    for shard, start in enumerate(range(0, len(items), size)):
        looks = [_engine.render(plan, item, (sensor,))[0] for item in items[start : start + size]]
        told |= {item.item_id: look.told for item, look in zip(items[start : start + size], looks, strict=True)}
        store.write_shard(store.shard_path(folder, shard), np.stack([look.views for look in looks]))
    return told


def _stored(
    folder: Path,
    plan: Recipe,
    site: SimulatedSite,
    items: Sequence[PlannedItem],
    told: dict[str, _engine.Told],
    origin: dict[str, Any],
) -> store.Stored:
    sensor, corpus = site.sensor, f"{plan.vector}-{site.name}"
    field = sensor.field(plan.vector)
    scan_of = {item.item_id: opaque_id(plan.seed, "scan", corpus, item.item_id) for item in items}
    facts = (corpus, plan.vector, sensor.name, sensor.n_views, field.height_px, field.width_px, "")
    scans = pd.DataFrame([(scan, item, *facts) for item, scan in scan_of.items()], columns=tables.SCANS.column_names)
    held = pd.DataFrame(
        [(item.item_id, item.split, site.name, "simulated") for item in items], columns=tables.ITEMS.column_names
    )
    rows = [
        {"scan_id": scan_of[item.item_id], "item_id": item.item_id, **thing}
        for item in items
        for thing in _recorded(site, item, told[item.item_id].objects)
    ]
    found = pd.DataFrame(rows, columns=tables.OBJECTS.column_names).sort_values(["scan_id", "object_index", "view"])
    manifest = DatasetManifest(
        name=f"site {site.name}, seed {plan.seed}",
        corpus=corpus,
        vector=plan.vector,
        sensor=sensor.name,
        track=sensor.track,
        full_scale=sensor.open_beam,
        threats=list(site.n_train),
        is_simulated=True,
        profile="sites",
        seed=plan.seed,
        licence=LICENCE,
        licence_of_upstream=LICENCE,
        use_terms=USE_TERMS,
        source=f"xraybench simulator {origin['engine']}; {sensor.summary}; train labels: {POLICIES[site.policy]}",
        n_items=store.n_items_of(held),
        digest="",
    )
    return store.Stored(
        folder,
        manifest,
        tables.check(scans.sort_values("scan_id", ignore_index=True), tables.SCANS, source=f"{corpus} scans"),
        tables.check(held, tables.ITEMS, source=f"{corpus} items"),
        tables.check(found, tables.OBJECTS, source=f"{corpus} objects"),
        tables.empty(store.FILES),
        origin,
        _no_difficulty(),
    )


def _no_difficulty() -> pd.DataFrame:
    from xraybench.simulate.difficulty import DIFFICULTY

    return tables.empty(DIFFICULTY)


def _recorded(site: SimulatedSite, item: PlannedItem, objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The label rows of an item as the site writes them down: its policy for train items, the truth for the others."""
    if item.split != "train" or site.policy == "boxes":
        return objects
    if site.policy == "partial":
        return [row for row in objects if row["threat"] != site.unrecorded]
    nowhere = dict.fromkeys(("x0", "y0", "x1", "y1", "area_px", "view_share"), float("nan"))
    return [row | nowhere for row in objects]
