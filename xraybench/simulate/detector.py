"""From noise-free channels to 16-bit counts: point spread, scatter, gain residuals, quantum and electronic noise.

Blur comes before the noise: on a line of separate crystals it is the focal spot and the motion that blur, so the noise of
neighbouring pixels is independent and the flat-field variance is the model's own.
"""

from functools import cache

import numpy as np
from numba import njit

from xraybench.core import chance
from xraybench.core.sensor import Sensor
from xraybench.core.types import Float32Array, UInt16Array

_REACH = 3  # taps on either side of the centre
_COARSE = 8  # the scatter field is made on an eighth of the resolution


@cache
def blur_taps(blur_px: float) -> Float32Array:
    """Taps of the point spread, integrated over each pixel, adding up to one; shape (2 * _REACH + 1,)."""
    from scipy.special import erf

    edges = (np.arange(-_REACH, _REACH + 2) - 0.5) / (blur_px * np.sqrt(2.0))
    taps = np.diff(erf(edges))
    return np.asarray(taps / taps.sum(), dtype=np.float32)


@njit(cache=True)
def blur(planes, taps) -> None:  # type: ignore[no-untyped-def]
    """Separable point spread of every plane, in place; edges repeat. Shape (n, height, width), float32."""
    n, height, width = planes.shape
    reach = taps.size // 2
    line = np.empty(width + 2 * reach, np.float32)
    copy = np.empty((height, width), np.float32)
    for p in range(n):
        plane = planes[p]
        for r in range(height):
            line[:reach] = plane[r, 0]
            line[reach : reach + width] = plane[r]
            line[reach + width :] = plane[r, width - 1]
            out = copy[r]
            out[:] = np.float32(0.0)
            for t in range(taps.size):
                w = taps[t]
                for j in range(width):
                    out[j] += w * line[j + t]
        for r in range(height):
            out = plane[r]
            out[:] = np.float32(0.0)
            for t in range(taps.size):
                w = taps[t]
                row = copy[min(max(r + t - reach, 0), height - 1)]
                for j in range(width):
                    out[j] += w * row[j]


def scatter(primary: Float32Array, share: float, width_px: float) -> Float32Array:
    """Forward scatter of one channel: share times the blurred -T ln T, on a coarse grid and back.

    Source:
        The usual first-order estimate: scatter grows with what is taken from the beam and is taken again on the way out.
        Its scale is a heuristic, not a Monte Carlo result.
    """
    height, width = primary.shape
    rows, cols = -(-height // _COARSE), -(-width // _COARSE)
    coarse = np.empty((rows, cols), np.float32)
    _coarse_scatter(primary, coarse)
    taps = _coarse_taps(width_px / _COARSE)
    blur(coarse[None], taps)
    out = np.empty_like(primary)
    _upsample(coarse, np.float32(share / np.log(2.0)), out)  # at T = 1/2, -T ln T is T ln 2
    return out


@cache
def _coarse_taps(sigma: float) -> Float32Array:
    reach = max(1, int(np.ceil(2.5 * sigma)))
    x = np.arange(-reach, reach + 1)
    taps = np.exp(-0.5 * (x / sigma) ** 2)
    return np.asarray(taps / taps.sum(), dtype=np.float32)


@njit(cache=True)
def _coarse_scatter(primary, out) -> None:  # type: ignore[no-untyped-def]
    height, width = primary.shape
    for r in range(out.shape[0]):
        for c in range(out.shape[1]):
            total, n = 0.0, 0
            for i in range(r * _COARSE, min((r + 1) * _COARSE, height)):
                for j in range(c * _COARSE, min((c + 1) * _COARSE, width)):
                    total += primary[i, j]
                    n += 1
            mean = min(max(total / n, 1e-6), 1.0)
            # -ln T as five terms of 2 artanh z: the same bytes everywhere, unlike a library's log; -T ln T comes out within
            # 4 % of its peak
            z = (1.0 - mean) / (1.0 + mean)
            q = z * z
            log = 2.0 * z * (1.0 + q * (1.0 / 3.0 + q * (0.2 + q * (1.0 / 7.0 + q / 9.0))))
            out[r, c] = np.float32(mean * log)


@njit(cache=True)
def _upsample(coarse, scale, out) -> None:  # type: ignore[no-untyped-def]
    rows, cols = coarse.shape
    line = np.empty(cols, np.float32)
    for r in range(out.shape[0]):
        y = (r + 0.5) / _COARSE - 0.5
        i0 = min(max(int(np.floor(y)), 0), rows - 1)
        i1 = min(i0 + 1, rows - 1)
        fy = np.float32(min(max(y - i0, 0.0), 1.0))
        for c in range(cols):
            line[c] = scale * (coarse[i0, c] * (np.float32(1.0) - fy) + coarse[i1, c] * fy)
        for c in range(out.shape[1]):
            x = (c + 0.5) / _COARSE - 0.5
            j0 = min(max(int(np.floor(x)), 0), cols - 1)
            j1 = min(j0 + 1, cols - 1)
            fx = np.float32(min(max(x - j0, 0.0), 1.0))
            out[r, c] = line[j0] * (np.float32(1.0) - fx) + line[j1] * fx


@cache
def row_gain(sensor: Sensor, height: int) -> Float32Array:
    """The fixed gain residual of each detector row and channel, shape (2, height), about 1."""
    draw = chance.stream(0, "row_gain", sensor.name, height).standard_normal((2, height))
    return np.asarray(1.0 + sensor.artefacts.row_gain * draw, dtype=np.float32)


@njit(cache=True)
def _count(signal, variance, scattered, gain, jitter, normal, quanta, electronic, open_beam, out) -> None:  # type: ignore[no-untyped-def]
    """Counts of one channel, in place: variance of the quanta follows primary plus scatter."""
    inv = np.float32(1.0 / quanta)
    floor = np.float32(electronic * electronic)
    beam = np.float32(open_beam)
    half, top, nil = np.float32(0.5), np.float32(65535.0), np.float32(0.0)
    for r in range(signal.shape[0]):
        for c in range(signal.shape[1]):
            g = gain[r] * jitter[c]
            mean = (signal[r, c] + scattered[r, c]) * g
            spread = np.sqrt((variance[r, c] + scattered[r, c]) * g * g * inv + floor)
            value = (mean + spread * normal[r, c]) * beam + half
            value = value if value > nil else nil
            out[r, c] = np.uint16(value if value < top else top)


def expose(signals: Float32Array, sensor: Sensor, rng: np.random.Generator) -> UInt16Array:
    """Counts of one exposure.

    Args:
        signals: Channels and variances as `spectral.signals` gives them, shape (4, height, width); overwritten.

    Returns:
        Counts, shape (height, width, 2), channels (hi, lo), the open beam at `sensor.open_beam`. Noise is
        Gaussian: below some 20 quanta electronic noise rules in these sensors.
    """
    height, width = signals.shape[1:]
    blur(signals, blur_taps(sensor.detector.blur_px))
    gain = row_gain(sensor, height)
    jitter = np.asarray(1.0 + sensor.artefacts.line_jitter * rng.standard_normal(width), dtype=np.float32)
    noise = rng.standard_normal((2, height, width), dtype=np.float32)
    counts = np.empty((2, height, width), np.uint16)
    for c in (0, 1):
        scattered = scatter(signals[c], sensor.artefacts.scatter_share, sensor.artefacts.scatter_px)
        _count(
            signals[c], signals[2 + c], scattered, gain[c], jitter, noise[c],
            sensor.detector.quanta[c], sensor.detector.electronic_noise, sensor.open_beam, counts[c],
        )  # fmt: skip
    for row in sensor.artefacts.dead_rows:
        if 0 < row < height - 1:
            counts[:, row] = counts[:, row - 1] // 2 + counts[:, row + 1] // 2
    return np.ascontiguousarray(counts.transpose(1, 2, 0))
