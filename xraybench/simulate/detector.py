"""From noise-free channels to 16-bit counts: point spread, scatter, gain residuals, quantum and electronic noise.

Blur comes before the noise: on a line of separate crystals it is the focal spot and the motion that blur, so the noise of
neighbouring pixels is independent and the flat-field variance is the model's own. Two energies of an accelerator take turns
from column to column; each channel is filled in where the other was pulsed, which does correlate its noise.
"""

from functools import cache

import numpy as np
from numba import njit

from xraybench.core import chance
from xraybench.core.sensor import Linac, Sensor
from xraybench.core.types import Float32Array, UInt16Array

_COARSE = 8  # the scatter field is made on an eighth of the resolution
_FULL_WEIGHT = 0.6  # of the transfer, from which on a deviation of the point spread counts by its share
_SLACK = 0.02  # of the spread of the taps
_FEW = 20.0  # quanta, below which their law is not taken as normal


@cache
def blur_taps(blur_px: float) -> Float32Array:
    """Taps that bring a ray-sampled picture to a Gaussian of `blur_px` over square pixels; they add up to one.

    Two rays a pixel and axis already blur by cos(pi f / 2), where a whole pixel blurs by sinc f; the taps make up the rest,
    so that nothing is blurred twice. None is below zero, they fall from the middle, and their spread is the declared one
    within 2 %; of all such taps these bring the transfer nearest to exp(-2 (pi blur f)^2) sinc f at all frequencies up to
    0.5 cycles per pixel: within 0.012 from a blur of 0.7 pixel on. A sharper picture would have to be blurred before it is
    sampled, and passes up to 0.1 (at 0.55 pixel) more than declared near 0.5 cycles per pixel.
    """
    from scipy.optimize import linprog

    n = max(2, int(np.ceil(3.3 * blur_px)))  # taps on either side
    f, k = np.linspace(0.0, 0.5, 101), np.arange(1, n + 1)
    wanted = np.exp(-2.0 * (np.pi * blur_px * f) ** 2) * np.sinc(f)
    cosines = np.column_stack([np.ones(f.size), 2.0 * np.cos(2.0 * np.pi * np.outer(f, k))])
    passed = np.cos(0.5 * np.pi * f)[:, None] * cosines
    room = np.maximum(wanted, _FULL_WEIGHT)[:, None]  # the last unknown is the greatest deviation, in units of this
    falling = np.eye(n, n + 2, 1) - np.eye(n, n + 2)
    spread, own = np.array([[0.0, *(2.0 * k**2), 0.0]]), blur_px**2 + 1.0 / 12.0 - 1.0 / 16.0  # the rays' is 1/16
    found = linprog(
        np.eye(1, n + 2, n + 1)[0],
        A_ub=np.concatenate([np.hstack([passed, -room]), np.hstack([-passed, -room]), falling, spread, -spread]),
        b_ub=np.concatenate([wanted, -wanted, np.zeros(n), [(1.0 + _SLACK) * own, (_SLACK - 1.0) * own]]),
        A_eq=[[1.0, *[2.0] * n, 0.0]],
        b_eq=[1.0],
    ).x[: n + 1]
    half = np.trim_zeros(np.round(found, 6), "b")
    taps = np.concatenate([half[:0:-1], half])
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
def _count(signal, variance, scattered, gain, jitter, normal, quanta, electronic, scale, open_beam, out) -> None:  # type: ignore[no-untyped-def]
    """Counts of one channel, in place: variance of the quanta follows primary plus scatter."""
    inv = np.float32(1.0 / quanta)
    floor = np.float32(electronic * electronic)
    beam, times = np.float32(open_beam), np.float32(scale)
    half, top, nil = np.float32(0.5), np.float32(65535.0), np.float32(0.0)
    for r in range(signal.shape[0]):
        for c in range(signal.shape[1]):
            g = gain[r] * jitter[c]
            mean = (signal[r, c] + scattered[r, c]) * g
            spread = np.sqrt((variance[r, c] + scattered[r, c]) * g * g * inv + floor)
            value = (mean + times * spread * normal[r, c]) * beam + half
            value = value if value > nil else nil
            out[r, c] = np.uint16(value if value < top else top)


@njit(cache=True)
def _recount(signal, variance, scattered, gain, jitter, normal, uniform, quanta, electronic, scale, open_beam, out):  # type: ignore[no-untyped-def]
    """Counts again where few quanta are expected: whole quanta by the Poisson law, each of the mean energy seen there."""
    for r in range(signal.shape[0]):
        for c in range(signal.shape[1]):
            g = float(gain[r] * jitter[c])
            mean = float(signal[r, c] + scattered[r, c]) * g
            spread = float(variance[r, c] + scattered[r, c]) * g * g / quanta
            if mean <= 0.0 or mean * mean >= _FEW * spread:
                continue
            expected = mean * mean / spread
            counted = poisson(expected, uniform[r, c]) * spread / mean
            value = mean + scale * (counted - mean + electronic * normal[r, c])
            out[r, c] = np.uint16(min(max(value * open_beam + 0.5, 0.0), 65535.0))


@njit(cache=True)
def poisson(expected: float, uniform: float) -> float:
    """The count at which the Poisson distribution function passes `uniform`; for means up to some 30.

    The exponential is its own product of 256 short series, so that a count is the same on every processor.
    """
    x = -expected / 256.0
    chance = 1.0
    for n in range(8, 0, -1):
        chance = 1.0 + chance * x / n
    for _ in range(8):
        chance *= chance
    total, count = chance, 0
    while uniform > total and count < 250:
        count += 1
        chance *= expected / count
        total += chance
    return float(count)


@njit(cache=True)
def _shift(plane, by: float) -> None:  # type: ignore[no-untyped-def]
    """Move a plane along its columns by a part of a pixel, in place; edges repeat."""
    width = plane.shape[1]
    whole = int(np.floor(by))
    part = np.float32(by - whole)
    line = np.empty(width, np.float32)
    for r in range(plane.shape[0]):
        for c in range(width):
            a = min(max(c - whole, 0), width - 1)
            b = min(max(c - whole - 1, 0), width - 1)
            line[c] = plane[r, a] + part * (plane[r, b] - plane[r, a])
        plane[r] = line


def expose(signals: Float32Array, sensor: Sensor, rng: np.random.Generator) -> UInt16Array:
    """Counts of one exposure.

    Args:
        signals: Channels and variances as `spectral.signals` gives them, shape (4, height, width); overwritten.

    Returns:
        Counts, shape (height, width, 2), channels (hi, lo), the open beam at `sensor.open_beam`; a scanner of one
        energy gives the same counts in both. Noise is Gaussian, but where under 20 quanta are expected and electronic
        noise does not drown them they are counted one by one.
    """
    n_rows, height, width = signals.shape
    second = n_rows // 2  # row of the first variance
    n_channels = 2 if sensor.is_dual else 1
    detector, artefacts = sensor.detector, sensor.artefacts
    blur(signals, blur_taps(detector.blur_px))
    if artefacts.misregister_px and n_channels == 2:
        _shift(signals[1], artefacts.misregister_px)
        _shift(signals[second + 1], artefacts.misregister_px)
    gain = row_gain(sensor, height)
    jitter = _jitter(sensor, width, n_channels, rng)
    noise = rng.standard_normal((n_channels, height, width), dtype=np.float32)
    counts = np.empty((2, height, width), np.uint16)
    for c in range(n_channels):
        quanta = detector.quanta[min(c, len(detector.quanta) - 1)]
        scattered = scatter(signals[c], artefacts.scatter_share, artefacts.scatter_px)
        seen = (signals[c], signals[second + c], scattered, gain[c], jitter[c], noise[c])
        rest = (quanta, detector.electronic_noise, sensor.noise_scale, sensor.open_beam, counts[c])
        _count(*seen, *rest)
        if detector.electronic_noise * quanta < np.sqrt(_FEW):
            _recount(*seen, rng.random((height, width), dtype=np.float32), *rest)
    if n_channels == 1:
        counts[1] = counts[0]
    elif isinstance(sensor.source, Linac) and sensor.source.is_interlaced:
        _fill_between(counts)
    for row in artefacts.dead_rows:
        if 0 < row < height - 1:
            counts[:, row] = counts[:, row - 1] // 2 + counts[:, row + 1] // 2
    return np.ascontiguousarray(counts.transpose(1, 2, 0))


def _jitter(sensor: Sensor, width: int, n_channels: int, rng: np.random.Generator) -> Float32Array:
    """The source's output at each column and channel, about 1: one pulse for both channels of a tube, else one each."""
    n_pulses = n_channels if isinstance(sensor.source, Linac) else 1
    draw = 1.0 + sensor.artefacts.line_jitter * rng.standard_normal((n_pulses, width))
    return np.ascontiguousarray(np.broadcast_to(draw, (n_channels, width)), dtype=np.float32)


def _fill_between(counts: UInt16Array) -> None:
    """Even columns saw the high energy, odd ones the low: a channel's other columns become the mean of their neighbours."""
    width = counts.shape[2]
    for c in (0, 1):
        for column in range(1 - c, width, 2):
            left, right = max(column - 1, c), column + 1
            right = right if right < width else left
            counts[c, :, column] = (counts[c, :, left].astype(np.uint32) + counts[c, :, right] + 1) // 2
