"""From a scene to a scan with its labels. Nothing but the scene's record, the sensor and a seed goes in.

Labels come from the geometry alone, so they can be made again from the seed without any spectral work, and are the same
for every sensor that shares the geometry.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numba import njit

from xraybench.core import chance
from xraybench.core.errors import BadValue
from xraybench.core.sensor import Sensor
from xraybench.core.types import BoolArray, Float32Array, FloatArray, IntArray, UInt8Array, UInt16Array
from xraybench.simulate import attenuation, detector, geometry, materials, spectral
from xraybench.simulate.scene import Scene

REFERENCE_KEV = 80.0  # where "how much of the shadow is the threat's" is measured
_OPAQUE = -np.log(0.004)  # deeper than this at the reference energy nothing can be told
_THIN_PX = 3.0  # a primitive narrower than this is sampled by nine rays a pixel instead of four


@dataclass(frozen=True, slots=True)
class ThreatLabel:
    """One threat in one scan.

    Attributes:
        box: x0, y0, x1, y1 in pixels, right and bottom exclusive.
        mask: Its shadow, shape (height, width).
        area_px: Pixels of the shadow.
        visible_px: Pixels of the shadow that are not opaque.
        share: Mean share of the attenuation at REFERENCE_KEV that is the threat's own, over the shadow, in [0, 1].
    """

    threat: str
    kind: str
    concealment: str
    box: tuple[int, int, int, int]
    mask: BoolArray
    area_px: int
    visible_px: int
    share: float


@dataclass(frozen=True, slots=True)
class Labels:
    """What is where: the threats, and the material that attenuates most in each pixel (0 for the open beam)."""

    threats: tuple[ThreatLabel, ...]
    material: UInt8Array


@dataclass(frozen=True, slots=True)
class Rendered:
    """One scan and its labels. `raw` holds counts (hi, lo), shape (height, width, 2)."""

    raw: UInt16Array
    labels: Labels


@dataclass(frozen=True, slots=True)
class PathMaps:
    """Path lengths in cm of the materials of a scene, shape (n_materials, height, width)."""

    materials: tuple[str, ...]
    cm: Float32Array


def render(scene: Scene, sensor: Sensor, *, seed: int, field_px: tuple[int, int] | None = None) -> Rendered:
    """One scan of a scene on a sensor.

    Args:
        seed: Seed of the noise; with the scene's and the sensor's name it fixes every count.
        field_px: Height and width; the sensor's own field for the scene's vector by default.
    """
    return render_many(scene, [sensor], seed=seed, field_px=field_px)[0]


def render_many(
    scene: Scene, sensors: Sequence[Sensor], *, seed: int, field_px: tuple[int, int] | None = None
) -> list[Rendered]:
    """One scan of a scene on each of several sensors of the same geometry: the path lengths are found once.

    Raises:
        BadValue: When the sensors differ in geometry or field.
    """
    first = sensors[0]
    field = field_px or _field_of(scene, first)
    for sensor in sensors[1:]:
        if sensor.geometry != first.geometry or (field_px is None and _field_of(scene, sensor) != field):
            raise BadValue(
                f"Sensors {first.name} and {sensor.name} look through different geometry: render them apart."
            )
    paths = path_maps(scene, first, field)
    labels = _labels(scene, first, paths)
    rendered = []
    for sensor in sensors:
        signals = spectral.signals(paths.cm, paths.materials, sensor)
        rng = chance.stream(seed, "noise", scene.vector, scene.name, sensor.name)
        rendered.append(Rendered(detector.expose(signals, sensor, rng), labels))
    return rendered


def label(scene: Scene, sensor: Sensor, *, field_px: tuple[int, int] | None = None) -> Labels:
    """The labels alone, the same as those of `render`, without any spectral work."""
    paths = path_maps(scene, sensor, field_px or _field_of(scene, sensor))
    return _labels(scene, sensor, paths)


def noise_free(scene: Scene, sensor: Sensor, *, field_px: tuple[int, int] | None = None) -> Float32Array:
    """The two channels before blur and noise, open beam 1, shape (2, height, width)."""
    paths = path_maps(scene, sensor, field_px or _field_of(scene, sensor))
    return spectral.signals(paths.cm, paths.materials, sensor)[:2]


def _field_of(scene: Scene, sensor: Sensor) -> tuple[int, int]:
    field = sensor.field(scene.vector)
    return field.height_px, field.width_px


@cache
def _banks() -> Float32Array:
    return geometry.make_texture_banks()


def path_maps(scene: Scene, sensor: Sensor, field_px: tuple[int, int]) -> PathMaps:
    """Path lengths of every material of the scene, as the sensor's rays meet them."""
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
    _trace(scene, np.arange(scene.n_primitives), sensor, maps, add_index, fill, sub_index, sub_scale, textured=True)
    return PathMaps(tuple(materials.MATERIALS[i].name for i in used), maps)


def _trace(
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
    """Add the chosen primitives to the maps."""
    ints = scene.ints[rows]
    counts = ints[:, 6] - ints[:, 5]
    start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    picked = np.repeat(ints[:, 5] - start[:-1], counts) + np.arange(start[-1])
    pose = scene.reals[rows, :15]
    geometry.add_paths(
        maps,
        ints[:, 0].astype(np.int8),
        pose,
        add_index[rows].astype(np.int32),
        add_scale[rows],
        sub_index[rows].astype(np.int32),
        sub_scale[rows],
        scene.planes[picked],
        start,
        _rays(pose, sensor),
        (ints[:, 3] if textured else np.full(len(rows), -1)).astype(np.int32),
        scene.texture_at[rows].astype(np.int32),
        scene.reals[rows, 16].astype(np.float32),
        _banks(),
        sensor.geometry.pixel_mm,
        sensor.geometry.source_height_mm,
    )


def _rays(pose: FloatArray, sensor: Sensor) -> IntArray:
    """Rays per pixel and axis of each primitive: more where its shadow is narrow."""
    lean = np.hypot(pose[:, 6:9], pose[:, 9:12])  # of each local axis, how much of it lies in the plane of the belt
    wide = np.where(lean > 0.15, 2.0 * pose[:, 3:6] * lean, np.inf).min(axis=1)
    return np.where(wide < _THIN_PX * sensor.geometry.pixel_mm, 3, 2).astype(np.int32)


@cache
def _reference_mu() -> FloatArray:
    return np.array([attenuation.linear_attenuation(m.name, REFERENCE_KEV)[0] for m in materials.MATERIALS])


def _labels(scene: Scene, sensor: Sensor, paths: PathMaps) -> Labels:
    mu = _reference_mu()[[materials.material_id(name) - 1 for name in paths.materials]].astype(np.float32)
    dominant, depth = _dominant(paths.cm, mu)
    ids = np.array([0, *(materials.material_id(name) for name in paths.materials)], dtype=np.uint8)
    threats = [
        _threat_label(scene, sensor, number, depth) for number, thing in enumerate(scene.objects) if thing.threat
    ]
    return Labels(tuple(t for t in threats if t is not None), ids[dominant])


def _dominant(cm: Float32Array, mu: Float32Array) -> tuple[IntArray, Float32Array]:
    """1 + index of the material with the deepest shadow in each pixel (0 for none), and the depth of all together."""
    best = np.zeros(cm.shape[1:], dtype=np.uint8)
    total = np.zeros(cm.shape[1:], dtype=np.float32)
    _dominant_kernel(cm, mu, best, total)
    return best.astype(np.int64), total


@njit(cache=True)
def _dominant_kernel(cm, mu, best, total) -> None:  # type: ignore[no-untyped-def]
    height, width = total.shape
    deepest = np.empty(width, np.float32)
    least, nil = np.float32(1e-3), np.float32(0.0)
    for r in range(height):
        deepest[:] = least
        for m in range(mu.size):
            for c in range(width):
                d = cm[m, r, c] * mu[m]
                d = d if d > nil else nil
                total[r, c] += d
                if d > deepest[c]:
                    deepest[c] = d
                    best[r, c] = m + 1


def _threat_label(scene: Scene, sensor: Sensor, number: int, depth: Float32Array) -> ThreatLabel | None:
    """The label of one object; None when its shadow falls outside the field."""
    rows = np.flatnonzero(scene.ints[:, 4] == number)
    height, width = depth.shape
    maps = np.zeros((2, height, width), np.float32)
    material, parent = scene.ints[:, 1], scene.ints[:, 2]
    mu = np.append(_reference_mu(), 0.0)
    own = mu[material] * scene.reals[:, 15]
    solid = np.where(material >= 0, 0, -1)
    inner = np.where(parent >= 0, own[parent], 0.0)
    none = np.full(scene.n_primitives, -1)
    ones = np.ones(scene.n_primitives, np.float32)
    _trace(scene, rows, sensor, maps, solid, ones, none, ones, textured=False)
    gains = np.where(material >= 0, 1, -1)
    loses = np.where((parent >= 0) & (scene.ints[parent, 4] == number), 1, -1)
    _trace(scene, rows, sensor, maps, gains, own.astype(np.float32), loses, inner.astype(np.float32), textured=False)
    mask = maps[0] > 1e-6
    if not mask.any():
        return None
    ys, xs = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    thing = scene.objects[number]
    share = np.clip(maps[1][mask] / np.maximum(depth[mask], 1e-6), 0.0, 1.0)
    return ThreatLabel(
        threat=thing.threat,
        kind=thing.kind,
        concealment=scene.concealment,
        box=(int(xs[0]), int(ys[0]), int(xs[-1]) + 1, int(ys[-1]) + 1),
        mask=mask,
        area_px=int(mask.sum()),
        visible_px=int((mask & (depth < _OPAQUE)).sum()),
        share=float(share.mean()),
    )
