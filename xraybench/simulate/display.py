"""How a scanner shows its two channels: hue by atomic number, lightness by transmission. One look-up a pixel."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numba import njit

from xraybench.core.errors import BadValue
from xraybench.core.sensor import Linac, Sensor
from xraybench.core.types import FloatArray, UInt8Array, UInt16Array
from xraybench.simulate import attenuation, ct, materials, spectral

# calibration absorbers, ascending in atomic number; compounds by their effective number
CALIBRATION = (
    ("polyethylene", 5.4), ("carbon", 6.0), ("water", 7.4), ("aluminium", 13.0), ("calcium", 20.0), ("iron", 26.0),
    ("tin", 50.0),
)  # fmt: skip
_STEPS = 384  # of the table, per channel
_DEEPEST = 9.0  # -ln transmission at the end of the table
_Z_RANGE = (4.5, 50.0)
_AIR_ROWS = 6  # at either rim of an accelerator's view: what they see of the open beam levels their column
_AIR_WITHIN = 0.08  # of the open beam, for a row to count as air
_UNCERTAIN_Z = 3.5  # standard deviation of the atomic number at which an accelerator's display shows half the hue


@dataclass(frozen=True, slots=True)
class _Palette:
    """Index of each count in the table, and the colour of each pair of indices."""

    index: UInt16Array  # shape (65536,)
    rgb: UInt8Array  # shape (_STEPS, _STEPS, 3), by high then low channel


def attenuation_curves(sensor: Sensor, depth_hi: FloatArray) -> FloatArray:
    """-ln lo of each calibration absorber where -ln hi is `depth_hi`, noise-free, shape (n_absorbers, n)."""
    beam = spectral.nodes(sensor)
    curves = []
    for name, _ in CALIBRATION:
        mu = attenuation.linear_attenuation(name, beam.energy_kev)
        g_cm2 = np.concatenate([[0.0], np.geomspace(1e-4, 4000.0, 800)])
        passed = np.exp(-np.outer(g_cm2 / materials.get(name).density_g_cm3, mu)) @ beam.weights[:2].T
        hi, lo = -np.log(np.maximum(passed, 1e-30)).T
        curves.append(np.interp(depth_hi, hi, lo))
    return np.array(curves)


def effective_z(sensor: Sensor, depth_hi: FloatArray, depth_lo: FloatArray) -> FloatArray:
    """Effective atomic number of pairs of -ln transmission; both arrays of one shape.

    Where the beam is hardly attenuated or nearly gone the pair says little, and noise decides the number. Two energies of an
    accelerator say little below -ln hi of about 2, and the ratio falls with the atomic number (pair production).
    """
    flat_hi, flat_lo = np.ravel(depth_hi), np.ravel(depth_lo)
    ratio, at = _ratios(sensor, flat_hi, flat_lo)
    z_of = np.array([z for _, z in CALIBRATION])
    z = np.full(flat_hi.shape, z_of[0])
    for i in range(len(z_of) - 1):
        share = (ratio - at[i]) / (at[i + 1] - at[i])
        z = np.where(share > 0, z_of[i] + np.clip(share, 0, 1) * (z_of[i + 1] - z_of[i]), z)
    below = (ratio - at[0]) / (at[2] - at[0])  # by the slope from polyethylene to water
    z = np.where(below < 0, z_of[0] + below * (z_of[2] - z_of[0]), z)
    return np.asarray(np.clip(z, *_Z_RANGE).reshape(np.shape(depth_hi)))


def _ratios(sensor: Sensor, depth_hi: FloatArray, depth_lo: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The ratio lo / hi of the pairs, and of each absorber at the same depth, all made to rise with the atomic number."""
    sign = -1.0 if isinstance(sensor.source, Linac) else 1.0
    grid = np.concatenate([[1e-3], np.geomspace(3e-3, _DEEPEST, 240)])
    curves = sign * attenuation_curves(sensor, grid) / grid
    for i in range(1, len(curves)):  # a K edge or pair production turns some back: keep them in order
        least = 1e-4 if i < len(curves) - 1 else 0.6 * np.maximum(curves[i - 1] - curves[i - 2], 1e-4)
        curves[i] = np.maximum(curves[i], curves[i - 1] + least)
    at = np.stack([np.interp(depth_hi, grid, curve) for curve in curves])  # (n_absorbers, n)
    return sign * depth_lo / np.maximum(depth_hi, 1e-3), at


def _certainty(sensor: Sensor, depth_hi: FloatArray, depth_lo: FloatArray) -> FloatArray:
    """How much hue a pair deserves, in [0, 1]: less where its noise alone moves the atomic number far.

    Only accelerators need it: weak contrast between elements and what is left of the pulse jitter would else fill the
    picture with colours.
    """
    if not isinstance(sensor.source, Linac):
        return np.ones_like(depth_hi)
    _, at = _ratios(sensor, np.ravel(depth_hi), np.ravel(depth_lo))
    per_z = ((at[5] - at[2]) / (26.0 - 7.4)).reshape(depth_hi.shape)
    spread = np.zeros_like(depth_hi)
    for depth, quanta in zip((depth_hi, depth_lo), sensor.detector.quanta, strict=True):
        passed = np.exp(-depth)
        noise = sensor.noise_scale**2 * (passed / quanta + sensor.detector.electronic_noise**2)
        spread += noise / passed**2 + sensor.artefacts.line_jitter**2 / (2 * _AIR_ROWS)
    spread_z = np.sqrt(spread) / np.maximum(depth_hi, 1e-3) / np.maximum(per_z, 1e-6)
    return np.asarray(1.0 / (1.0 + (spread_z / _UNCERTAIN_Z) ** 2))


def _depth_of_step() -> FloatArray:
    return _DEEPEST * (np.arange(_STEPS) / (_STEPS - 1)) ** 2  # fine where the beam is little attenuated


@cache
def _palette(sensor: Sensor) -> _Palette:
    depth = _depth_of_step()
    count = np.maximum(np.arange(65536), 1)
    depth_of_count = np.clip(-np.log(count / sensor.open_beam), 0.0, _DEEPEST)
    index = np.rint((_STEPS - 1) * np.sqrt(depth_of_count / _DEEPEST)).astype(np.uint16)
    hi, lo = np.meshgrid(depth, depth, indexing="ij")
    tone = _windowed(sensor, np.exp(-0.5 * (hi + lo)))
    return _Palette(index, _tint(sensor, effective_z(sensor, hi, lo), tone, _certainty(sensor, hi, lo)))


def _windowed(sensor: Sensor, value: FloatArray) -> FloatArray:
    black, white = sensor.display.window
    return np.asarray(np.clip((value - black) / (white - black), 0.0, 1.0) ** sensor.display.gamma)


def _tint(sensor: Sensor, z: FloatArray, tone: FloatArray, certainty: FloatArray) -> UInt8Array:
    """Background at tone 1, the hue around tone 1/2, black at tone 0."""
    stops, hues = np.array(sensor.display.z_stops), np.array(sensor.display.hues_rgb, dtype=np.float64)
    hue = np.stack([np.interp(z, stops, hues[:, i]) for i in range(3)], axis=-1)
    grey_of_hue = hue.mean(axis=-1, keepdims=True)
    hue = grey_of_hue + (hue - grey_of_hue) * certainty[..., None]
    background = np.array(sensor.display.background_rgb, dtype=np.float64)
    t = tone[..., None]
    middle = 0.55
    light = np.clip((t - middle) / (1.0 - middle), 0.0, 1.0)
    dark = np.clip(t / middle, 0.0, 1.0)
    colour = np.where(t >= middle, hue + (background - hue) * light, hue * dark)
    return np.asarray(np.rint(np.clip(colour, 0, 255)), dtype=np.uint8)


@cache
def _grey_of_count(sensor: Sensor) -> UInt8Array:
    """Grey of each count, shape (65536,)."""
    count = np.arange(65536.0)
    value = (count - ct.AIR_COUNT if sensor.modality == "ct" else count) / sensor.open_beam
    return np.asarray(np.rint(255.0 * _windowed(sensor, value)), dtype=np.uint8)


@njit(cache=True)
def _look_up(raw, index, rgb, out) -> None:  # type: ignore[no-untyped-def]
    for r in range(raw.shape[0]):
        for c in range(raw.shape[1]):
            i, j = index[raw[r, c, 0]], index[raw[r, c, 1]]
            out[r, c, 0] = rgb[i, j, 0]
            out[r, c, 1] = rgb[i, j, 1]
            out[r, c, 2] = rgb[i, j, 2]


def _levelled(raw: UInt16Array, open_beam: int) -> UInt16Array:
    """Every column of either channel brought to the open beam by the air above and below the item, where it sees any."""
    rim = np.concatenate([raw[:_AIR_ROWS], raw[-_AIR_ROWS:]]).astype(np.float32)
    is_air = np.abs(rim / open_beam - 1.0) < _AIR_WITHIN
    n = is_air.sum(axis=0)
    seen = np.where(n > 2, (rim * is_air).sum(axis=0) / np.maximum(n, 1), open_beam)
    gain = (open_beam / seen).astype(np.float32)
    levelled = np.minimum(raw * gain + np.float32(0.5), np.float32(65535.0))
    return np.asarray(levelled, dtype=np.uint16)


def display(sensor: Sensor, raw: UInt16Array) -> UInt8Array:
    """One view in the sensor's own colours; of a sensor with one channel in grey.

    Args:
        raw: Counts as `render` gives them, shape (height, width, channel).

    Returns:
        Red, green, blue, shape (height, width, 3).

    Raises:
        BadValue: Counts of another type or shape.
    """
    _check_counts(raw, 2 if sensor.is_dual else 1)
    if not sensor.is_dual:
        return np.repeat(grey(sensor, raw), 3, axis=2)
    palette = _palette(sensor)
    if isinstance(sensor.source, Linac) and sensor.artefacts.line_jitter:
        raw = _levelled(raw, sensor.open_beam)
    out = np.empty((*raw.shape[:2], 3), np.uint8)
    _look_up(raw, palette.index, palette.rgb, out)
    return out


def grey(sensor: Sensor, raw: UInt16Array) -> UInt8Array:
    """The first channel (high energy, attenuation or albedo) as the scanner shows it in grey, shape (height, width, 1).

    Raises:
        BadValue: Counts of another type or shape.
    """
    _check_counts(raw, 1)
    return _grey_of_count(sensor)[raw[:, :, :1]]


def _check_counts(raw: UInt16Array, n_channels: int) -> None:
    """Refuse what would make the look-up read beyond the ends of its tables."""
    if raw.dtype != np.uint16 or raw.ndim != 3 or raw.shape[2] < n_channels:
        raise BadValue(f"raw is {raw.dtype} of shape {raw.shape}; counts are uint16 (height, width, {n_channels}).")
