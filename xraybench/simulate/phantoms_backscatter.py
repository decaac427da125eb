"""Virtual test pieces for a backscatter scanner: thick slabs, a slab behind a steel sheet, and the noise of a slab."""

from dataclasses import replace

import numpy as np

from xraybench.core import chance
from xraybench.core.sensor import Sensor
from xraybench.simulate import backscatter
from xraybench.simulate.parts import Parts
from xraybench.simulate.phantoms import _scene
from xraybench.simulate.scene import Scene

FIELD = (64, 96)
_MIDDLE = (slice(24, 40), slice(36, 60))
_TOP_MM = 600.0  # face of a piece above the far side of the field
# Of polyethylene, of an earlier and separate prototype: 37, 35, 26 and 8.6 thousandths came back (simulation.md 2.6).
PROTOTYPE = {"polyethylene": 1.0, "water": 35.0 / 37.0, "aluminium": 26.0 / 37.0, "steel": 8.6 / 37.0}


def albedo(sensor: Sensor, material: str) -> float:
    """What a thick slab gives back, as a share of a thick slab of polyethylene, without noise."""
    return float(backscatter.noise_free(_slabs(sensor, (material, 500.0)), sensor, FIELD)[_MIDDLE].mean())


def behind_steel(sensor: Sensor, steel_mm: float) -> float:
    """What a thick slab of polyethylene still gives back behind a sheet of steel, as a share of it without the sheet."""
    scene = _slabs(sensor, ("steel", steel_mm), ("polyethylene", 500.0))
    whole = backscatter.noise_free(scene, sensor, FIELD)[_MIDDLE]
    share = backscatter.share_of(scene, sensor, FIELD, 1)[_MIDDLE]
    return float((whole * share).mean()) / albedo(sensor, "polyethylene")


def fano(sensor: Sensor, material: str, *, seed: int = 0) -> float:
    """Variance over mean of the quanta counted on a slab, row gain, flicker and electronics left out; Poisson's is 1."""
    artefacts = replace(sensor.artefacts, row_gain=0.0, line_jitter=0.0)
    still = replace(sensor, artefacts=artefacts, detector=replace(sensor.detector, electronic_noise=0.0))
    scene = _slabs(sensor, (material, 500.0))
    a, b = (
        backscatter.scan(scene, still, FIELD, chance.stream(seed, "bench", str(n)))[8:-8, 8:-8, 0].astype(np.float64)
        for n in range(2)
    )
    quanta = sensor.detector.quanta[0] / sensor.open_beam
    return float(0.5 * ((a - b) ** 2).mean() * quanta / (0.5 * (a + b).mean()))


def _slabs(sensor: Sensor, *layers: tuple[str, float]) -> Scene:
    """Layers from the source downwards, wider than the field, each an object, as (material, thickness in mm)."""
    parts, top = Parts(), _TOP_MM
    wide = 2.0 * max(FIELD) * sensor.pixel_mm
    for number, (material, thick) in enumerate(layers):
        parts.object = number
        parts.box(material, (0.0, 0.0, top - 0.5 * thick), (wide, wide, thick))
        top -= thick
    return _scene(parts, "slabs", sensor.fields[0].vector)
