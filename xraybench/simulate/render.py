"""From a scene to a scan with its labels. Nothing but the scene's record, the sensor and a seed goes in.

A scan has one view or several: a line scan has one for each source, a CT scan one for each slice. All views of a scan have
the same shape.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xraybench.core import chance
from xraybench.core.errors import BadValue
from xraybench.core.sensor import Sensor
from xraybench.core.types import Float32Array, UInt16Array
from xraybench.simulate import backscatter, ct, detector, labels, spectral
from xraybench.simulate.labels import Labels, ThreatLabel
from xraybench.simulate.paths import PathMaps, checked_field, path_maps
from xraybench.simulate.scene import Scene

__all__ = [
    "ENGINES", "Labels", "PathMaps", "Rendered", "ThreatLabel", "label", "noise_free", "path_maps", "render", "render_many",
]  # fmt: skip

ENGINES = ("strict", "fast")


@dataclass(frozen=True, slots=True)
class Rendered:
    """One scan and its labels. Each view holds counts, shape (height, width, channel), channels as `sensor.track` says."""

    views: tuple[UInt16Array, ...]
    labels: Labels

    @property
    def raw(self) -> UInt16Array:
        """The first view."""
        return self.views[0]


def render(
    scene: Scene, sensor: Sensor, *, seed: int, field_px: tuple[int, int] | None = None, engine: str = "strict"
) -> Rendered:
    """One scan of a scene on a sensor.

    Args:
        seed: Seed of the noise; with the scene's and the sensor's name it fixes every count.
        field_px: Height and width; the sensor's own field for the scene's vector by default.
        engine: `strict` gives the same bytes on every processor, `fast` may differ from it by one count. At present both
            run the strict kernels: compiled with fast-math they took as long.

    Raises:
        BadValue: The sensor does not scan this vector, no such engine, or no such field.
    """
    return render_many(scene, [sensor], seed=seed, field_px=field_px, engine=engine)[0]


def render_many(
    scene: Scene,
    sensors: Sequence[Sensor],
    *,
    seed: int,
    field_px: tuple[int, int] | None = None,
    engine: str = "strict",
) -> list[Rendered]:
    """One scan of a scene on each of several sensors of the same geometry: the path lengths are found once.

    Raises:
        BadValue: No sensor, sensors that differ in geometry or field, no such engine, or no such field.
    """
    if engine not in ENGINES:
        raise BadValue(f"engine is '{engine}'; it is one of: {', '.join(ENGINES)}.")
    if not sensors:
        raise BadValue("sensors is empty; a scene is rendered on one sensor at least.")
    first = sensors[0]
    field = checked_field(field_px) or _field_of(scene, first)
    for sensor in sensors[1:]:
        if sensor.geometry != first.geometry or (field_px is None and _field_of(scene, sensor) != field):
            raise BadValue(
                f"Sensors {first.name} and {sensor.name} look through different geometry: render them apart."
            )
    moves_alone = len(sensors) > 1 and any(sensor.artefacts.stretch for sensor in sensors)  # each its own speed
    if first.modality != "transmission" or moves_alone:
        return [_rendered_alone(scene, sensor, seed, field) for sensor in sensors]
    maps = _maps(scene, first, field)
    found = labels.of_shadows(scene, first, maps)
    return [Rendered(_line_scan(scene, sensor, maps, seed), found) for sensor in sensors]


def label(scene: Scene, sensor: Sensor, *, field_px: tuple[int, int] | None = None) -> Labels:
    """The labels alone, the same as those of `render`, without any spectral work."""
    field = checked_field(field_px) or _field_of(scene, sensor)
    if sensor.modality == "ct":
        return labels.of_slices(scene, sensor, field)
    if sensor.modality == "backscatter":
        return labels.of_backscatter(scene, sensor, field)
    return labels.of_shadows(scene, sensor, _maps(scene, sensor, field))


def noise_free(scene: Scene, sensor: Sensor, *, field_px: tuple[int, int] | None = None) -> tuple[Float32Array, ...]:
    """The channels of every view before blur and noise, each (channel, height, width).

    In a line scan (hi, lo) with the open beam at 1, in a CT scan linear attenuation in 1/cm, in a backscatter scan the share
    of what a thick polyethylene slab gives back.
    """
    field = checked_field(field_px) or _field_of(scene, sensor)
    if sensor.modality == "ct":
        return tuple(picture[None] for picture in ct.noise_free(scene, sensor, field))
    if sensor.modality == "backscatter":
        return (backscatter.noise_free(scene, sensor, field)[None],)
    found = []
    for view in range(sensor.n_views):
        maps = path_maps(scene, sensor, field, view=view)
        signals = spectral.signals(maps.cm, maps.materials, sensor)
        found.append(signals[:2] if sensor.is_dual else signals[[0, 0]])
    return tuple(found)


def _field_of(scene: Scene, sensor: Sensor) -> tuple[int, int]:
    field = sensor.field(scene.vector)
    return field.height_px, field.width_px


def _maps(scene: Scene, sensor: Sensor, field: tuple[int, int]) -> list[PathMaps]:
    return [path_maps(scene, sensor, field, view=view) for view in range(sensor.n_views)]


def _rendered_alone(scene: Scene, sensor: Sensor, seed: int, field: tuple[int, int]) -> Rendered:
    if sensor.modality == "ct":
        views = tuple(ct.slices(scene, sensor, field, _noise(scene, sensor, seed)))
        return Rendered(views, labels.of_slices(scene, sensor, field))
    if sensor.modality == "backscatter":
        view = backscatter.scan(scene, sensor, field, _noise(scene, sensor, seed))
        return Rendered((view,), labels.of_backscatter(scene, sensor, field))
    maps = _maps(scene, sensor, field)
    return Rendered(_line_scan(scene, sensor, maps, seed), labels.of_shadows(scene, sensor, maps))


def _line_scan(scene: Scene, sensor: Sensor, maps: list[PathMaps], seed: int) -> tuple[UInt16Array, ...]:
    views = []
    for view, found in enumerate(maps):
        signals = spectral.signals(found.cm, found.materials, sensor)
        views.append(detector.expose(signals, sensor, _noise(scene, sensor, seed, view)))
    return tuple(views)


def _noise(scene: Scene, sensor: Sensor, seed: int, view: int = 0) -> np.random.Generator:
    names = ("noise", scene.vector, scene.name, sensor.name)
    return chance.stream(seed, *names, view) if view else chance.stream(seed, *names)
