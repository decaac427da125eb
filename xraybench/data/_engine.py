"""The only door from here to the simulator: one planned item in, pixels and object rows out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xraybench.core.errors import XrayBenchError
from xraybench.core.sensor import Sensor
from xraybench.core.types import UInt16Array
from xraybench.data.plan import PlannedItem, Recipe

if TYPE_CHECKING:
    from xraybench.simulate import Labels, Scene


@dataclass(frozen=True)
class Look:
    """One item on one sensor: raw counts (height, width, channel), and a row for each threat without its ids."""

    raw: UInt16Array
    objects: list[dict[str, Any]]


def version() -> str:
    """Version of the engine: a change that moves any pixel or box makes a new one."""
    from xraybench import simulate

    return str(simulate.ENGINE_VERSION)


def render(recipe: Recipe, item: PlannedItem, sensors: Sequence[Sensor]) -> list[Look]:
    """The item on each sensor: one scene, and one geometry for all sensors that share it."""
    from xraybench import simulate

    scene = _scene(recipe, item)
    found: dict[str, Look] = {}
    for alike in _by_geometry(recipe.vector, sensors):
        rendered = simulate.render_many(scene, alike, seed=recipe.seed)
        found |= {s.name: Look(r.raw, _rows(r.labels, item)) for s, r in zip(alike, rendered, strict=True)}
    return [found[sensor.name] for sensor in sensors]


def label(recipe: Recipe, item: PlannedItem, sensor: Sensor) -> list[dict[str, Any]]:
    """The object rows that `render` would give, without rendering."""
    from xraybench import simulate

    return _rows(simulate.label(_scene(recipe, item), sensor), item) if item.cell.threat else []


def _by_geometry(vector: str, sensors: Sequence[Sensor]) -> list[list[Sensor]]:
    groups: dict[object, list[Sensor]] = {}
    for sensor in sensors:
        groups.setdefault((sensor.geometry, sensor.field(vector)), []).append(sensor)
    return list(groups.values())


def _scene(recipe: Recipe, item: PlannedItem) -> "Scene":
    from xraybench import simulate

    threat, concealment = item.cell.threat or None, item.cell.concealment or None
    return simulate.make_scene(
        recipe.vector, seed=recipe.seed, name=item.item_id, threat=threat, concealment=concealment
    )


def _rows(labels: "Labels", item: PlannedItem) -> list[dict[str, Any]]:
    """A row for each threat, keys as in `tables.OBJECTS`, in the order of the scene."""
    rows = []
    for found in labels.threats:
        x0, y0, x1, y1 = map(float, found.box)
        rows.append(
            {
                "threat": found.threat,
                "concealment": found.concealment,
                "x0": x0,
                "y0": y0,
                "x1": x1,
                "y1": y1,
                "area_px": float(found.area_px),
                "view_share": found.area_px / found.mask.size,
            }
        )
    if item.cell.threat and not rows:
        raise XrayBenchError(f"The simulator put the threat of item {item.item_id} outside the sensor's field.")
    return rows
