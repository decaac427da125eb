"""Who holds what: the declared plan of a simulated federation, and the dealing of scans to its sites.

Real sites bring their own scans: make `Site(name, dataset)` of each and skip this file. Simulated ones share the items
of the train split. An item is dealt to one site only, although several sensors scanned it: otherwise a site would learn
from another's items, and the federation would look better than it can be.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from xraybench.core import chance
from xraybench.core.errors import BadValue
from xraybench.core.types import Dataset
from xraybench.federate.site import Site

BENIGN = "benign"  # the class of an item without a threat


@dataclass(frozen=True, slots=True)
class SitePlan:
    """What one site holds: its scanner, and its share of the train items of each class (a threat, or benign)."""

    name: str
    sensor: str
    shares: tuple[tuple[str, float], ...]  # class -> share of all train items of that class, in [0, 1]


# Sums of the columns: north and south hold the same count of items, west half as many; at each, half carry a threat.
# Sums of the rows are 1: every train item is used once.
THREE_SITES = (
    SitePlan(
        "north",
        "mail_160kv",
        (("firearm", 0.7), ("blade", 0.6), ("powder_drugs", 0.1), ("currency", 0.2), ("shielding", 0.4), (BENIGN, 0.4)),
    ),
    SitePlan(
        "south",
        "mail_140kv",
        (("firearm", 0.2), ("blade", 0.3), ("powder_drugs", 0.8), ("currency", 0.3), ("shielding", 0.4), (BENIGN, 0.4)),
    ),
    SitePlan(
        "west",
        "mail_160kv",
        (("firearm", 0.1), ("blade", 0.1), ("powder_drugs", 0.1), ("currency", 0.5), ("shielding", 0.2), (BENIGN, 0.2)),
    ),
)


def sites_from(
    dataset_by_sensor: Mapping[str, Dataset], plan: Sequence[SitePlan] = THREE_SITES, *, seed: int = 0
) -> tuple[Site, ...]:
    """Deal the train items to the sites of a plan.

    Args:
        dataset_by_sensor: Sensor id -> the corpus of that sensor, all of one vector and of the same items.
        plan: The sites. Shares of a class may sum to less than 1 (the rest is left out), never to more.
        seed: Names the dealing. Adding a class never moves the items of another.

    Returns:
        The sites in the order of the plan. Each holds train scans of its own sensor only, its name stands in the
        column `site` of its items, and no item is at two sites.

    Raises:
        BadValue: A sensor without a corpus, corpora of different items, a class that the plan does not deal or deals
            more than once over, or a site that is left without items.
    """
    missing = sorted({site.sensor for site in plan} - set(dataset_by_sensor))
    if missing:
        raise BadValue(
            f"The plan needs scans of {', '.join(missing)}; given: {', '.join(dataset_by_sensor) or 'none'}."
        )
    parts = {sensor: dataset_by_sensor[sensor].part("train") for sensor in {site.sensor for site in plan}}
    classes = _class_of_item(parts)
    held = deal(classes, plan, seed=seed)
    return tuple(_site(site, parts[site.sensor], held[site.name]) for site in plan)


def deal(class_of_item: Mapping[str, str], plan: Sequence[SitePlan], *, seed: int) -> dict[str, set[str]]:
    """Which site holds which items: site name -> item ids, disjoint.

    Items of a class are shuffled and cut at the running sums of the shares, so a count is within one of its share.
    """
    _check_shares(set(class_of_item.values()), plan)
    held: dict[str, set[str]] = {site.name: set() for site in plan}
    for name in sorted(set(class_of_item.values())):
        items = sorted(item for item, its_class in class_of_item.items() if its_class == name)
        items = [items[i] for i in chance.stream(seed, "sites", name).permutation(len(items))]
        dealt, start = 0.0, 0
        for site in plan:
            dealt += dict(site.shares).get(name, 0.0)
            stop = min(len(items), int(dealt * len(items) + 0.5 + 1e-9))  # in floats, .7 + .2 + .1 is a hair below 1
            held[site.name].update(items[start:stop])
            start = stop
    return held


def mix(sites: Sequence[Site]) -> pd.DataFrame:
    """What the sites hold, a row each: site, corpora, items, items with each threat, share of items with a threat."""
    rows = []
    for site in sites:
        classes = pd.Series(_class_of_item({site.name: site.train}))
        counts = {threat: int((classes == threat).sum()) for threat in site.dataset.threats}
        threats = int((classes != BENIGN).sum())
        corpora = ", ".join(sorted(site.train.corpora))
        rows.append({"site": site.name, "corpora": corpora, "n_items": len(classes), **counts})
        rows[-1] |= {BENIGN: len(classes) - threats, "threat_share": threats / len(classes)}
    return pd.DataFrame(rows)


def _class_of_item(parts: Mapping[str, Dataset]) -> dict[str, str]:
    """Item -> its threat or benign. Items with several threats count as the first in order of name."""
    names = {sensor: set(part.items["item_id"]) for sensor, part in parts.items()}
    first, *others = names.values()
    if any(other != first for other in others):
        counts = ", ".join(f"{sensor} {len(items)}" for sensor, items in sorted(names.items()))
        raise BadValue(
            f"The corpora hold different train items ({counts}), so they cannot be dealt by one plan. "
            "Make Site(name, dataset) of each corpus instead."
        )
    classes = dict.fromkeys(first, BENIGN)
    for part in parts.values():
        objects = part.objects.sort_values(["item_id", "threat"], kind="stable").drop_duplicates("item_id")
        classes |= dict(zip(objects["item_id"], objects["threat"], strict=True))
    return classes


def _check_shares(classes: set[str], plan: Sequence[SitePlan]) -> None:
    names = [site.name for site in plan]
    if len(set(names)) < len(names):
        raise BadValue(f"A plan names each site once; got {', '.join(names)}.")
    sums = dict.fromkeys(classes, 0.0)
    for site in plan:
        for name, share in site.shares:
            if not 0 <= share <= 1:
                raise BadValue(f"Site {site.name} is to get {share:g} of class {name}; a share lies in [0, 1].")
            sums[name] = sums.get(name, 0.0) + share
    if over := sorted(name for name, total in sums.items() if total > 1 + 1e-9):
        raise BadValue(f"The plan deals more than all items of: {', '.join(over)}. Shares of a class sum to at most 1.")
    if absent := sorted(name for name in classes if sums[name] == 0):
        raise BadValue(f"The plan deals no item of: {', '.join(absent)}. Give each class a share at some site.")


def _site(plan: SitePlan, part: Dataset, item_ids: set[str]) -> Site:
    if not item_ids:
        raise BadValue(f"Site {plan.name} is left without items; take a larger profile or larger shares.")
    held = part.where(part.items["item_id"].isin(item_ids))
    return Site(plan.name, replace(held, items=held.items.assign(site=plan.name)))
