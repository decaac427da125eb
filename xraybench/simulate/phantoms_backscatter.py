"""Virtual test pieces for a backscatter scanner: thick slabs, a slab behind a steel sheet, and the noise of a slab."""

import math
from dataclasses import replace

import numpy as np

from xraybench.core import chance
from xraybench.core.sensor import Layer, Sensor, Tube
from xraybench.core.types import FloatArray
from xraybench.simulate import attenuation, backscatter, spectra
from xraybench.simulate.parts import Parts
from xraybench.simulate.phantoms import _scene
from xraybench.simulate.scene import Scene
from xraybench.simulate.spectra import Spectrum

FIELD = (64, 96)
_MIDDLE = (slice(24, 40), slice(36, 60))
_TOP_MM = 600.0  # face of a piece above the far side of the field
# Thousandths of the photons, per steradian, that a thick slab gave back in an earlier and separate prototype at two energies
# in keV (simulation.md 2.6). Our van has a whole spectrum instead, whose softer part metals keep to themselves.
PROTOTYPE = {"polyethylene": 37.0, "water": 35.0, "aluminium": 26.0, "steel": 8.6}
PROTOTYPE_KEV = (70.0, 120.0)


def albedo(sensor: Sensor, material: str) -> float:
    """What a thick slab gives back, as a share of a thick slab of polyethylene, without noise."""
    return float(backscatter.noise_free(_slabs(sensor, (material, 500.0)), sensor, FIELD)[_MIDDLE].mean())


def behind_steel(sensor: Sensor, steel_mm: float) -> float:
    """What a thick slab of polyethylene still gives back behind a sheet of steel, as a share of it without the sheet."""
    scene = _slabs(sensor, ("steel", steel_mm), ("polyethylene", 500.0))
    whole = backscatter.noise_free(scene, sensor, FIELD)[_MIDDLE]
    share = backscatter.share_of(scene, sensor, FIELD, 1)[_MIDDLE]
    return float((whole * share).mean()) / albedo(sensor, "polyethylene")


def expected_albedo(
    material: str, beam: Spectrum, front: Layer | None = None, *, behind: tuple[str, float] = ("", 0.0)
) -> float:
    """What a thick slab gives back by the sum over every energy of a beam, in thousandths as in PROTOTYPE.

    Args:
        front: The scintillator that counts; each photon counts alike when left out.
        behind: Material and thickness in mm of a sheet before the slab.

    Source:
        One scattering by 160 degrees (Klein and Nishina 1929) on the way down a slab, the way out 1.15 times the way in: the
        integral of exp(-loss x) back over x.
    """
    cosine = math.cos(math.radians(160.0))
    ratio = 1.0 / (1.0 + beam.energy_kev / 511.0 * (1.0 - cosine))
    per_electron = 0.5 * ratio**2 * (ratio + 1.0 / ratio - (1.0 - cosine**2))
    seen = np.ones(ratio.shape)
    if front is not None:
        seen = 1.0 - np.exp(-front.g_cm2 * attenuation.mass_attenuation(front.material, beam.energy_kev * ratio))

    def loss(name: str) -> FloatArray:
        back = attenuation.linear_attenuation(name, beam.energy_kev * ratio)
        return np.asarray(attenuation.linear_attenuation(name, beam.energy_kev) + 1.15 * back)

    passed = np.exp(-0.1 * behind[1] * loss(behind[0])) if behind[1] else 1.0
    weight = beam.fluence / beam.fluence.sum()
    of_ray = (weight * passed * per_electron * seen / loss(material)).sum()
    return float(1000.0 * backscatter.electrons_per_cm3(material) * backscatter.RADIUS_CM**2 * of_ray)


def expected(sensor: Sensor, material: str, *, behind_steel_mm: float = 0.0) -> float:
    """What `albedo` (or, for polyethylene, `behind_steel`) has to find: the same over the sensor's whole spectrum."""
    assert isinstance(sensor.source, Tube)
    beam, front = spectra.tube_spectrum(sensor.source.kvp, sensor.source.filters), sensor.detector.front
    reference = expected_albedo("polyethylene", beam, front)
    return expected_albedo(material, beam, front, behind=("steel", behind_steel_mm)) / reference


def expected_at_prototype(material: str) -> float:
    """What the formula gives at the prototype's own energies, to be held against PROTOTYPE."""
    return expected_albedo(material, Spectrum(np.array(PROTOTYPE_KEV), np.ones(len(PROTOTYPE_KEV))))


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
