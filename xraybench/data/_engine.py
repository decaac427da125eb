"""The only door from here to the simulator: one planned item in, pixels, object rows and what is declared out."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from xraybench.core.errors import BadParameter, XrayBenchError
from xraybench.core.sensor import Sensor
from xraybench.core.types import UInt16Array
from xraybench.core.vocabulary import UNKNOWN
from xraybench.data.plan import Cell, PlannedItem, Recipe

if TYPE_CHECKING:
    from xraybench.simulate import Labels, Scene

MODES = ("strict", "fast")  # the same counts on every processor, or within one count of them
_DECLARING = ("pallet", "container", "vehicle")  # vectors whose items come with a manifest


@dataclass(frozen=True)
class Told:
    """What is known of one item on one sensor: what was declared, and rows for each threat and view without its ids.

    `difficulty` holds rows of `simulate.difficulty.DIFFICULTY`, for the test items of threats and where it was measured.
    """

    declared: str
    objects: list[dict[str, Any]]
    difficulty: list[list[Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Look:
    """One item on one sensor: counts (view, height, width, channel), and what is known of it."""

    views: UInt16Array
    told: Told


def version() -> str:
    """Version of the engine: a change that moves any pixel or box makes a new one, unless a sensor's record tells it."""
    from xraybench import simulate

    return str(simulate.ENGINE_VERSION)


def check_mode(mode: str) -> str:
    """Raises:
    BadParameter: There is no such mode of the engine.
    """
    if mode not in MODES:
        raise BadParameter(f"engine is '{mode}'; it is one of: {', '.join(MODES)}.")
    return mode


def render(
    recipe: Recipe,
    item: PlannedItem,
    sensors: Sequence[Sensor],
    *,
    engine: str = MODES[0],
    with_difficulty: bool = False,
) -> list[Look]:
    """The item on each sensor: one scene, and one geometry for all sensors that share it."""
    from xraybench import simulate

    scene = scene_of(recipe, item)
    found: dict[str, Look] = {}
    for alike in _by_geometry(recipe.vector, sensors):
        rendered = simulate.render_many(scene, alike, seed=recipe.seed, engine=engine)
        for sensor, one in zip(alike, rendered, strict=True):
            measured = _difficulty(recipe, item, scene, sensor) if with_difficulty else []
            told = Told(scene.declared, _rows(one.labels, item, sensor), measured)
            found[sensor.name] = Look(np.stack(one.views), told)
    return [found[sensor.name] for sensor in sensors]


def label(recipe: Recipe, item: PlannedItem, sensor: Sensor) -> Told:
    """What `render` would tell, without rendering."""
    from xraybench import simulate

    if not item.cell.threat and recipe.vector not in _DECLARING:
        return Told("", [])
    scene = scene_of(recipe, item)
    return Told(scene.declared, _rows(simulate.label(scene, sensor), item, sensor) if item.cell.threat else [])


def scene_of(recipe: Recipe, item: PlannedItem) -> "Scene":
    """The record of an item, as the simulator scans it."""
    from xraybench import simulate

    return simulate.make_scene(
        recipe.vector,
        seed=recipe.seed,
        name=item.item_id,
        threat=item.cell.threat or None,
        concealment=item.cell.concealment or None,
        shapes=item.shapes,
        declared=item.cell.declared,
    )


def _difficulty(recipe: Recipe, item: PlannedItem, scene: "Scene", sensor: Sensor) -> list[list[Any]]:
    """How hard the threat of a test item is to see, against its benign twin; nothing for any other item."""
    from xraybench.simulate import difficulty

    if item.split != "test" or not item.cell.threat or item.cell.is_control:
        return []
    records = difficulty.indices(scene, scene_of(recipe, replace(item, cell=Cell("", item.cell.concealment))), sensor)
    return [list(row) for row in difficulty.rows(records, recipe.scan_id(sensor.name, item.item_id))]


def _by_geometry(vector: str, sensors: Sequence[Sensor]) -> list[list[Sensor]]:
    groups: dict[object, list[Sensor]] = {}
    for sensor in sensors:
        groups.setdefault((sensor.modality, sensor.geometry, sensor.field(vector)), []).append(sensor)
    return list(groups.values())


def _rows(labels: "Labels", item: PlannedItem, sensor: Sensor) -> list[dict[str, Any]]:
    """A row for each threat and view that shows it, keys as in `tables.OBJECTS`, in the order of the scene.

    What is wrong with a whole load has no box, and a thing between two CT slices has no area: one row that says so.
    """
    seen: Counter[int] = Counter()
    rows: list[dict[str, Any]] = []
    for found in labels.threats:
        x0, y0, x1, y1 = map(float, found.box)
        rows.append(
            {
                "object_index": seen[found.view],
                "threat": found.threat,
                "kind": found.kind,
                "shape": found.shape or UNKNOWN,
                "concealment": found.concealment or UNKNOWN,
                "view": found.view,
                "x0": x0,
                "y0": y0,
                "x1": x1,
                "y1": y1,
                "area_px": float(found.area_px),
                "view_share": found.area_px / found.mask.size,
            }
        )
        seen[found.view] += 1
    if not item.cell.threat or rows:
        return rows
    if item.cell.is_control:
        return [_NOWHERE | {"threat": item.cell.threat}]
    if sensor.geometry.kind == "ct":
        told = {"threat": item.cell.threat, "concealment": item.cell.concealment, "shape": item.shapes}
        return [_NOWHERE | told | {"area_px": 0.0, "view_share": 0.0}]
    raise XrayBenchError(f"The simulator put the threat of item {item.item_id} outside the sensor's field.")


_NOWHERE: dict[str, Any] = {
    "object_index": 0,
    "kind": "",
    "shape": UNKNOWN,
    "concealment": UNKNOWN,
    "view": 0,
    **dict.fromkeys(("x0", "y0", "x1", "y1", "area_px", "view_share"), float("nan")),
}
