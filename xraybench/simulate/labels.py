"""What is where in a scan: threats with box and mask, and the material of each pixel, view by view.

Labels come from the geometry alone, so they can be made again without any spectral work, and are the same for every sensor
that shares the geometry.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numba import njit

from xraybench.core.sensor import Linac, Sensor
from xraybench.core.types import BoolArray, Float32Array, FloatArray, IntArray, UInt8Array
from xraybench.simulate import attenuation, backscatter, ct, materials, paths
from xraybench.simulate.scene import Scene

_OPAQUE = -np.log(0.004)  # deeper than this at the reference energy nothing can be told
LEAST_SHARE = 0.02  # of what comes back from a pixel, for a backscatter scanner to show a thing there


@dataclass(frozen=True, slots=True)
class ThreatLabel:
    """One threat in one view.

    Attributes:
        threat, kind, concealment, shape: As in the scene's record.
        view: Number of the view.
        box: x0, y0, x1, y1 in pixels, right and bottom exclusive.
        mask: Its shadow (its cut in a CT slice), shape (height, width).
        area_px: Pixels of the shadow.
        visible_px: Pixels of the shadow that are not opaque.
        share: Mean share of the attenuation at `reference_kev` that is the threat's own, over the shadow, in [0, 1].
            In a backscatter scan, of what comes back.
    """

    threat: str
    kind: str
    concealment: str
    shape: str
    view: int
    box: tuple[int, int, int, int]
    mask: BoolArray
    area_px: int
    visible_px: int
    share: float


@dataclass(frozen=True, slots=True)
class Labels:
    """What is where: the threats, view after view, and for each view the material that attenuates most (0: open beam)."""

    threats: tuple[ThreatLabel, ...]
    material: tuple[UInt8Array, ...]


def of_shadows(scene: Scene, sensor: Sensor, maps: list[paths.PathMaps]) -> Labels:
    """The labels of a line scan; `maps` holds the path maps of each view."""
    threats, names = [], []
    for view, found in enumerate(maps):
        mu = _reference_mu(sensor)[[materials.material_id(name) - 1 for name in found.materials]].astype(np.float32)
        dominant, depth = _dominant(found.cm, mu)
        ids = np.array([0, *(materials.material_id(name) for name in found.materials)], dtype=np.uint8)
        names.append(ids[dominant])
        seen = paths.turned(scene, sensor, view)
        for number in _threats(scene):
            mask, own = _shadow(seen, sensor, number, depth.shape)
            if mask.any():
                share = float(np.clip(own[mask] / np.maximum(depth[mask], 1e-6), 0.0, 1.0).mean())
                threats.append(_label(scene, number, view, mask, int((mask & (depth < _OPAQUE)).sum()), share))
    return Labels(tuple(threats), tuple(names))


def of_slices(scene: Scene, sensor: Sensor, field_px: tuple[int, int]) -> Labels:
    """The labels of CT slices: what a slice cuts is all there is to see, so nothing covers it."""
    threats = []
    for number in _threats(scene):
        for view, mask in enumerate(ct.masks(scene, sensor, field_px, number)):
            if mask.any():
                threats.append(_label(scene, number, view, mask, int(mask.sum()), 1.0))
    threats.sort(key=lambda label: label.view)
    return Labels(tuple(threats), tuple(ct.material_maps(scene, sensor, field_px)))


def of_backscatter(scene: Scene, sensor: Sensor, field_px: tuple[int, int]) -> Labels:
    """The labels of a backscatter scan: the shadow a threat would throw, and as visible what of it sends photons back."""
    maps = paths.path_maps(scene, sensor, field_px)
    shadows = of_shadows(scene, sensor, [maps])
    threats = []
    for number in _threats(scene):
        mask, _ = _shadow(scene, sensor, number, field_px)
        if mask.any():
            share = backscatter.share_of(scene, sensor, field_px, number)
            visible = int((mask & (share > LEAST_SHARE)).sum())
            threats.append(_label(scene, number, 0, mask, visible, float(np.clip(share[mask], 0.0, 1.0).mean())))
    return Labels(tuple(threats), shadows.material)


def _threats(scene: Scene) -> list[int]:
    return [number for number, thing in enumerate(scene.objects) if thing.threat]


def _label(scene: Scene, number: int, view: int, mask: BoolArray, visible_px: int, share: float) -> ThreatLabel:
    ys, xs = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    thing = scene.objects[number]
    return ThreatLabel(
        threat=thing.threat,
        kind=thing.kind,
        concealment=scene.concealment,
        shape=thing.shape,
        view=view,
        box=(int(xs[0]), int(ys[0]), int(xs[-1]) + 1, int(ys[-1]) + 1),
        mask=mask,
        area_px=int(mask.sum()),
        visible_px=visible_px,
        share=share,
    )


def _shadow(scene: Scene, sensor: Sensor, number: int, field_px: tuple[int, ...]) -> tuple[BoolArray, Float32Array]:
    """Where one object of a scene, turned already, lies in the beam, and its own attenuation there."""
    rows = np.flatnonzero(scene.ints[:, 4] == number)
    maps = np.zeros((2, *field_px), np.float32)
    material, parent = scene.ints[:, 1], scene.ints[:, 2]
    own = np.append(_reference_mu(sensor), 0.0)[material] * scene.reals[:, 15]
    solid = np.where(material >= 0, 0, -1)
    inner = np.where(parent >= 0, own[parent], 0.0)
    none = np.full(scene.n_primitives, -1)
    ones = np.ones(scene.n_primitives, np.float32)
    paths.trace(scene, rows, sensor, maps, solid, ones, none, ones, textured=False)
    gains = np.where(material >= 0, 1, -1)
    loses = np.where((parent >= 0) & (scene.ints[parent, 4] == number), 1, -1)
    paths.trace(
        scene, rows, sensor, maps, gains, own.astype(np.float32), loses, inner.astype(np.float32), textured=False
    )
    return maps[0] > 1e-6, maps[1]


def reference_kev(sensor: Sensor) -> float:
    """The energy at which "how much of the shadow is the threat's" is measured: about the mean of what is detected."""
    if isinstance(sensor.source, Linac):
        return 250.0 * max(sensor.source.mev)
    return max(80.0, 0.4 * sensor.source.kvp)


def _reference_mu(sensor: Sensor) -> FloatArray:
    return _mu_at(reference_kev(sensor))


@cache
def _mu_at(kev: float) -> FloatArray:
    return np.array([attenuation.linear_attenuation(m.name, kev)[0] for m in materials.MATERIALS])


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
