"""Virtual test pieces for a CT scanner: rods along travel, read in one slice through the middle.

Our own geometry, no standard's: what a rod reads is held against the sensor's own beam, its noise against its quanta.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from xraybench.core import chance
from xraybench.core.sensor import Sensor
from xraybench.core.types import FloatArray
from xraybench.simulate import attenuation, ct, spectral
from xraybench.simulate.parts import Parts
from xraybench.simulate.phantoms import _scene
from xraybench.simulate.scene import Scene


@dataclass(frozen=True, slots=True)
class Rod:
    """Linear attenuation in 1/cm of a rod as read, and between what it has to lie: hardened by all of it, and by nothing."""

    read: float
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Cylinder:
    """Linear attenuation in 1/cm of a cylinder in its middle and near its edge, and of a thin piece of the same."""

    middle: float
    edge: float
    thin: float


@dataclass(frozen=True, slots=True)
class Noise:
    """Noise amid a cylinder in 1/cm: as read, and as filter and interpolation make it of the quanta behind the cylinder."""

    read: float
    expected: float


def rod(sensor: Sensor, material: str, diameter_mm: float) -> Rod:
    """What a rod reads without noise."""
    distance, picture = _noise_free(sensor, material, diameter_mm)
    return Rod(
        read=float(picture[distance < 0.25 * diameter_mm].mean()),
        least=effective_per_cm(sensor, material, diameter_mm),
        most=effective_per_cm(sensor, material, 0.001),
    )


def cupping(sensor: Sensor, *, material: str = "water", diameter_mm: float = 160.0) -> Cylinder:
    """How much less a cylinder reads in its middle than near its edge, because the beam hardens."""
    distance, picture = _noise_free(sensor, material, diameter_mm)
    edge = (distance > 0.425 * diameter_mm) & (distance < 0.45 * diameter_mm)
    return Cylinder(
        middle=float(picture[distance < 0.1 * diameter_mm].mean()),
        edge=float(picture[edge].mean()),
        thin=effective_per_cm(sensor, material, 0.001),
    )


def noise(
    sensor: Sensor, *, seed: int = 0, material: str = "water", diameter_mm: float = 160.0, n_exposures: int = 8
) -> Noise:
    """Noise of a slice through a cylinder, from the spread of some exposures."""
    single = _single(sensor)
    field = _field(sensor)
    scene = _rod_scene(sensor, material, diameter_mm)
    middle = _distance_mm(sensor) < 0.1 * diameter_mm
    shots = [
        ct.slices(scene, single, field, chance.stream(seed, "bench", str(n)))[0][middle, 0].astype(np.float64)
        for n in range(n_exposures)
    ]
    read = float(math.sqrt(np.var(shots, axis=0, ddof=1).mean()) / sensor.open_beam)
    cm = np.full((1, 1, 1), 0.1 * diameter_mm, np.float32)
    signals = spectral.signals(cm, (material,), sensor)[:, 0, 0]
    variance = float(signals[1]) / sensor.detector.quanta[0] + sensor.detector.electronic_noise**2
    of_ray = sensor.noise_scale * math.sqrt(variance) / float(signals[0])
    taps = ct._ramp(math.ceil(math.hypot(*field)) | 1, sensor.pixel_mm / 10.0, sensor.detector.blur_px)
    of_sum = float((taps**2).sum()) * ct.left_by_interpolation(taps)
    return Noise(read, of_ray * math.pi * math.sqrt(of_sum / sensor.geometry.n_angles))


def edge_mm(sensor: Sensor, *, material: str = "polyethylene", diameter_mm: float = 120.0) -> float:
    """Way in mm over which the edge of a rod falls from 90 to 10 %."""
    distance, picture = _noise_free(sensor, material, diameter_mm)
    step = 0.25 * sensor.pixel_mm
    place = np.floor((distance - 0.5 * diameter_mm) / step + 40.0).astype(np.int64)
    near = (place >= 0) & (place < 80)
    profile = np.bincount(place[near], picture[near], 80) / np.bincount(place[near], minlength=80)
    inside, outside = profile[:16].mean(), profile[-16:].mean()
    share = np.minimum.accumulate((profile - outside) / (inside - outside))
    at = np.interp([-0.9, -0.1], -share, np.arange(80) * step)
    return float(at[1] - at[0])


def declared_edge_mm(sensor: Sensor) -> float:
    """The same of a Gaussian as wide as the record's point spread, two rays an element and the way between two elements."""
    return 2.563 * sensor.pixel_mm * math.sqrt(sensor.detector.blur_px**2 + 1.0 / 16.0 + 1.0 / 6.0)


def effective_per_cm(sensor: Sensor, material: str, thick_mm: float) -> float:
    """Linear attenuation of a plate as the sensor's beam sees it: -ln of what passes over its thickness."""
    beam = spectral.nodes(sensor)
    mu = attenuation.linear_attenuation(material, beam.energy_kev)
    weights = beam.weights[0] / beam.weights[0].sum()
    return float(-np.log(weights @ np.exp(-0.1 * thick_mm * mu)) / (0.1 * thick_mm))


def _single(sensor: Sensor) -> Sensor:
    return replace(sensor, geometry=replace(sensor.geometry, n_slices=1))


def _field(sensor: Sensor) -> tuple[int, int]:
    return sensor.fields[0].height_px, sensor.fields[0].width_px


def _rod_scene(sensor: Sensor, material: str, diameter_mm: float) -> Scene:
    parts = Parts()
    parts.rod(material, (0.0, 0.0, 0.5 * sensor.fields[0].height_px * sensor.pixel_mm), diameter_mm, 400.0, axis="x")
    return _scene(parts, f"rod_{material}", sensor.fields[0].vector)


def _noise_free(sensor: Sensor, material: str, diameter_mm: float) -> tuple[FloatArray, FloatArray]:
    """Distance of every voxel to the middle in mm, and the slice in 1/cm."""
    picture = ct.noise_free(_rod_scene(sensor, material, diameter_mm), _single(sensor), _field(sensor))[0]
    return _distance_mm(sensor), picture.astype(np.float64)


def _distance_mm(sensor: Sensor) -> FloatArray:
    height, width = _field(sensor)
    rows, columns = np.indices((height, width))
    return np.asarray(np.hypot(rows - 0.5 * (height - 1), columns - 0.5 * (width - 1)) * sensor.pixel_mm)
