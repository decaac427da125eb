"""Path lengths of a scene along a sensor's rays, view by view: where the scene's record meets the kernels.

A view turns the scene about an axis along travel, as a second source at that angle sees it. A vehicle that does not keep
to the belt's speed is sampled where it was, so its picture and its labels are stretched alike.
"""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from xraybench.core import chance
from xraybench.core.errors import BadValue
from xraybench.core.sensor import Sensor
from xraybench.core.types import Float32Array, FloatArray, IntArray
from xraybench.simulate import geometry, materials
from xraybench.simulate.scene import Scene

MOST_PX = 8192  # rows or columns of a view
_THIN_PX = 3.0  # a primitive narrower than this is sampled by nine rays a pixel instead of four
_THINNER_PX = 1.2  # one narrower than this by sixteen
_LEAST_PX = 0.75  # and one narrower than this is widened
_LEAN = 0.15  # an axis closer to the beam than this is not across it
_KNOTS = 5  # of the item's speed over one scan
_MOST_STRETCH = 2.0  # standard deviations


@dataclass(frozen=True, slots=True)
class PathMaps:
    """Path lengths in cm of the materials of a scene, shape (n_materials, height, width)."""

    materials: tuple[str, ...]
    cm: Float32Array


def checked_field(field_px: tuple[int, int] | None) -> tuple[int, int] | None:
    """Height and width that were asked for.

    Raises:
        BadValue: They are no two whole numbers, or out of range.
    """
    if field_px is None:
        return None
    is_pair = isinstance(field_px, tuple | list) and len(field_px) == 2
    if not is_pair or not all(isinstance(n, int | np.integer) and 1 <= n <= MOST_PX for n in field_px):
        raise BadValue(f"field_px is {field_px!r}; it is height and width, whole numbers from 1 to {MOST_PX}.")
    return field_px


def path_maps(scene: Scene, sensor: Sensor, field_px: tuple[int, int], *, view: int = 0) -> PathMaps:
    """Path lengths of every material of the scene, as the sensor's rays meet them in one view."""
    scene = turned(scene, sensor, view)
    used = np.unique(scene.ints[:, 1])
    used = used[used >= 0]
    index = np.full(len(materials.MATERIALS) + 1, -1, dtype=np.int64)  # the last stands for -1, a hole
    index[used] = np.arange(used.size)
    add_index = index[scene.ints[:, 1]]
    parent = scene.ints[:, 2]
    has_parent = parent >= 0
    sub_index = np.where(has_parent, add_index[parent], -1)
    fill = scene.reals[:, 15].astype(np.float32)
    sub_scale = np.where(has_parent, fill[parent], 0.0).astype(np.float32)
    maps = np.zeros((used.size, *field_px), np.float32)
    trace(scene, np.arange(scene.n_primitives), sensor, maps, add_index, fill, sub_index, sub_scale, textured=True)
    return PathMaps(tuple(materials.MATERIALS[i].name for i in used), maps)


def turned(scene: Scene, sensor: Sensor, view: int) -> Scene:
    """The scene as the source of this view sees it from above. At 90 degrees what was up is up in the picture."""
    angle = sensor.geometry.turns_deg[view]
    if angle == 0.0:
        return scene
    s, c = np.sin(np.radians(angle)).round(12), np.cos(np.radians(angle)).round(12)
    turn = np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])
    axis = np.array([0.0, 0.0, sensor.geometry.axis_mm])
    reals = scene.reals.copy()
    reals[:, :3] = (reals[:, :3] - axis) @ turn.T + axis
    reals[:, 6:15] = (turn @ reals[:, 6:15].reshape(-1, 3, 3)).reshape(-1, 9)
    return replace(scene, reals=reals)


def trace(
    scene: Scene,
    rows: IntArray,
    sensor: Sensor,
    maps: Float32Array,
    add_index: IntArray,
    add_scale: Float32Array,
    sub_index: IntArray,
    sub_scale: Float32Array,
    *,
    textured: bool,
) -> None:
    """Add the chosen primitives of a scene, turned already, to the maps; see `geometry.add_paths`."""
    ints = scene.ints[rows]
    counts = ints[:, 6] - ints[:, 5]
    start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    picked = np.repeat(ints[:, 5] - start[:-1], counts) + np.arange(start[-1])
    pose, thinned, n_sub = _thickened(scene.reals[rows, :15], sensor.geometry.pixel_mm)
    planes = scene.planes[picked]
    planes[:, :3] *= np.repeat(thinned, counts, axis=0)
    parent = np.maximum(ints[:, 2], 0)
    is_cut = (ints[:, 2] >= 0) & textured
    cut_sub = _thickened(scene.reals[parent, :15], sensor.geometry.pixel_mm)[2]
    weaker = thinned.prod(axis=1).astype(np.float32)
    geometry.add_paths(
        maps,
        ints[:, 0].astype(np.int8),
        pose,
        add_index[rows].astype(np.int32),
        add_scale[rows] * weaker,
        sub_index[rows].astype(np.int32),
        sub_scale[rows] * weaker,
        planes,
        start,
        n_sub.astype(np.int32),
        (ints[:, 3] if textured else np.full(len(rows), -1)).astype(np.int32),
        scene.texture_at[rows].astype(np.int32),
        scene.reals[rows, 16].astype(np.float32),
        np.where(is_cut, scene.ints[parent, 3], -1).astype(np.int32),
        scene.texture_at[parent].astype(np.int32),
        scene.reals[parent, 16].astype(np.float32),
        cut_sub.astype(np.int32),
        _banks(),
        geometry.texel_mm(sensor.geometry.pixel_mm),
        columns(scene, sensor, maps.shape[2]),
        sensor.geometry.pixel_mm,
        sensor.geometry.source_height_mm,
    )


def columns(scene: Scene, sensor: Sensor, width: int) -> FloatArray:
    """Where along travel each column is taken, in columns at the belt's own speed, shape (width,).

    The speed hangs on the scene's and the sensor's name alone, so that labels need no seed. It changes slowly over the scan;
    the middle column stays where it is.
    """
    even = np.arange(width, dtype=np.float64)
    if sensor.artefacts.stretch == 0.0:
        return even
    draw = chance.stream(0, "speed", scene.vector, scene.name, sensor.name).standard_normal(1 + _KNOTS)
    draw = np.clip(draw, -_MOST_STRETCH, _MOST_STRETCH)
    slow = np.interp(even, np.linspace(0.0, width - 1.0, _KNOTS), draw[1:])
    speed = 1.0 + sensor.artefacts.stretch * (0.8 * draw[0] + 0.6 * slow)
    at = np.cumsum(speed)
    middle = width // 2
    return np.asarray(at - at[middle] + even[middle])


def _thickened(pose: FloatArray, pixel_mm: float) -> tuple[FloatArray, FloatArray, IntArray]:
    """Poses with nothing too narrow for the rays, each half size over its new one, and rays per pixel and axis.

    More rays go through what is narrow. A wire or sheet narrower than three quarters of a pixel is widened to that and
    counts as much less dense, so that its mass stays and rays neither miss it nor hit it by luck; the point spread hides
    the widening.
    """
    half = pose[:, 3:6]
    lean = np.hypot(pose[:, 6:9], pose[:, 9:12])  # of each local axis, how much of it lies in the plane of the belt
    wide = np.where(lean > _LEAN, 2.0 * half * lean, np.inf)
    narrowest = wide.min(axis=1)
    n_sub = np.where(narrowest < _THINNER_PX * pixel_mm, 4, np.where(narrowest < _THIN_PX * pixel_mm, 3, 2))
    least = _LEAST_PX * pixel_mm
    thinned = np.where(wide < least, wide / least, 1.0)
    if (thinned < 1.0).any():
        pose = pose.copy()
        pose[:, 3:6] = half / thinned
    return pose, np.asarray(thinned, dtype=np.float64), n_sub


@cache
def _banks() -> Float32Array:
    return geometry.make_texture_banks()
