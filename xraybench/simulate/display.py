"""How a scanner shows its two channels: hue by atomic number, lightness by transmission. One look-up a pixel."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numba import njit

from xraybench.core.sensor import Sensor
from xraybench.core.types import FloatArray, UInt8Array, UInt16Array
from xraybench.simulate import attenuation, materials, spectral

# calibration absorbers, ascending in atomic number; water by its effective number
CALIBRATION = (("carbon", 6.0), ("water", 7.4), ("aluminium", 13.0), ("calcium", 20.0), ("iron", 26.0), ("tin", 50.0))
_STEPS = 384  # of the table, per channel
_DEEPEST = 9.0  # -ln transmission at the end of the table
_Z_RANGE = (5.0, 50.0)


@dataclass(frozen=True, slots=True)
class _Palette:
    """Index of each count in the table, and the colour of each pair of indices."""

    index: UInt16Array  # shape (65536,)
    rgb: UInt8Array  # shape (_STEPS, _STEPS, 3), by high then low channel
    grey: UInt8Array  # shape (65536,)


def attenuation_curves(sensor: Sensor, depth_hi: FloatArray) -> FloatArray:
    """-ln lo of each calibration absorber where -ln hi is `depth_hi`, noise-free, shape (n_absorbers, n)."""
    beam = spectral.nodes(sensor)
    curves = []
    for name, _ in CALIBRATION:
        mu = attenuation.linear_attenuation(name, beam.energy_kev)
        g_cm2 = np.concatenate([[0.0], np.geomspace(1e-4, 400.0, 600)])
        passed = np.exp(-np.outer(g_cm2 / materials.get(name).density_g_cm3, mu)) @ beam.weights[:2].T
        hi, lo = -np.log(np.maximum(passed, 1e-30)).T
        curves.append(np.interp(depth_hi, hi, lo))
    return np.array(curves)


def effective_z(sensor: Sensor, depth_hi: FloatArray, depth_lo: FloatArray) -> FloatArray:
    """Effective atomic number of pairs of -ln transmission; both arrays of one shape.

    Where the beam is hardly attenuated or nearly gone the pair says little, and noise decides the number.
    """
    grid = np.linspace(0.0, _DEEPEST, 200)
    curves = attenuation_curves(sensor, np.maximum(grid, 1e-3)) / np.maximum(grid, 1e-3)  # ratios lo / hi
    z_of = np.array([z for _, z in CALIBRATION])
    ratio = depth_lo / np.maximum(depth_hi, 1e-3)
    flat_hi, flat_ratio = np.ravel(depth_hi), np.ravel(ratio)
    at = np.stack([np.interp(flat_hi, grid, curve) for curve in curves])  # (n_absorbers, n)
    z = np.full(flat_hi.shape, z_of[0])
    for i in range(len(z_of) - 1):
        share = (flat_ratio - at[i]) / np.maximum(at[i + 1] - at[i], 1e-6)
        z = np.where(share > 0, z_of[i] + np.clip(share, 0, 1) * (z_of[i + 1] - z_of[i]), z)
    below = (flat_ratio - at[0]) / np.maximum(at[1] - at[0], 1e-6)
    z = np.where(below < 0, np.maximum(z_of[0] + below * (z_of[1] - z_of[0]), _Z_RANGE[0]), z)
    return np.asarray(np.clip(z, *_Z_RANGE).reshape(np.shape(depth_hi)))


def _depth_of_step() -> FloatArray:
    return _DEEPEST * (np.arange(_STEPS) / (_STEPS - 1)) ** 2  # fine where the beam is little attenuated


@cache
def _palette(sensor: Sensor) -> _Palette:
    depth = _depth_of_step()
    count = np.maximum(np.arange(65536), 1)
    depth_of_count = np.clip(-np.log(count / sensor.open_beam), 0.0, _DEEPEST)
    index = np.rint((_STEPS - 1) * np.sqrt(depth_of_count / _DEEPEST)).astype(np.uint16)
    hi, lo = np.meshgrid(depth, depth, indexing="ij")
    z = effective_z(sensor, hi, lo)
    tone = np.exp(-0.5 * (hi + lo)) ** sensor.display.gamma
    rgb = _tint(sensor, z, tone)
    grey = np.rint(255.0 * np.exp(-depth_of_count) ** sensor.display.gamma).astype(np.uint8)
    return _Palette(index, rgb, grey)


def _tint(sensor: Sensor, z: FloatArray, tone: FloatArray) -> UInt8Array:
    """Background at tone 1, the hue around tone 1/2, black at tone 0."""
    stops, hues = np.array(sensor.display.z_stops), np.array(sensor.display.hues_rgb, dtype=np.float64)
    hue = np.stack([np.interp(z, stops, hues[:, i]) for i in range(3)], axis=-1)
    background = np.array(sensor.display.background_rgb, dtype=np.float64)
    t = tone[..., None]
    middle = 0.55
    light = np.clip((t - middle) / (1.0 - middle), 0.0, 1.0)
    dark = np.clip(t / middle, 0.0, 1.0)
    colour = np.where(t >= middle, hue + (background - hue) * light, hue * dark)
    return np.asarray(np.rint(np.clip(colour, 0, 255)), dtype=np.uint8)


@njit(cache=True)
def _look_up(raw, index, rgb, out) -> None:  # type: ignore[no-untyped-def]
    for r in range(raw.shape[0]):
        for c in range(raw.shape[1]):
            i, j = index[raw[r, c, 0]], index[raw[r, c, 1]]
            out[r, c, 0] = rgb[i, j, 0]
            out[r, c, 1] = rgb[i, j, 1]
            out[r, c, 2] = rgb[i, j, 2]


def display(sensor: Sensor, raw: UInt16Array) -> UInt8Array:
    """The scan in the sensor's own colours.

    Args:
        raw: Counts (hi, lo), shape (height, width, 2).

    Returns:
        Red, green, blue, shape (height, width, 3).
    """
    palette = _palette(sensor)
    out = np.empty((*raw.shape[:2], 3), np.uint8)
    _look_up(raw, palette.index, palette.rgb, out)
    return out


def grey(sensor: Sensor, raw: UInt16Array) -> UInt8Array:
    """The high-energy channel as the scanner shows it in grey, shape (height, width, 1)."""
    return _palette(sensor).grey[raw[:, :, :1]]
