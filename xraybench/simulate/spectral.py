"""From path lengths to the two channels: detector response, spectral nodes, polychromatic Beer-Lambert.

The spectrum of a sensor is replaced by 24 nodes whose weights are fitted, so that the signals and their variances come out
of one small sum per pixel. The kernel uses ordered sums and its own exponential, no BLAS: the same bytes on every processor.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numba import njit

from xraybench.core.errors import BadValue
from xraybench.core.sensor import Detector, Layer, Linac, Sensor
from xraybench.core.types import Float32Array, FloatArray
from xraybench.simulate import attenuation, materials, spectra

N_NODES = 24
TABLE = Path(__file__).parent / "tables" / "nodes.npz"
OUTPUTS = ("signal_hi", "signal_lo", "variance_hi", "variance_lo")  # one channel has a signal and a variance


@dataclass(frozen=True, slots=True)
class Beam:
    """What one sensor sees of each photon energy.

    `weights` has a row for each of OUTPUTS: the signals sum to one, so the open beam gives signal 1; the others give the
    variance of one quantum, in squared open beams, and still want dividing by the number of quanta.
    """

    energy_kev: FloatArray
    weights: FloatArray

    @property
    def n_channels(self) -> int:
        """How many rows of `weights` are signals."""
        return len(self.weights) // 2


def full_beam(sensor: Sensor) -> Beam:
    """The sensor's beam in the bins of its spectrum.

    Raises:
        BadValue: When source, detector and channels of the sensor do not fit together.
    """
    n_channels = 2 if sensor.is_dual else 1
    _check_channels(sensor)
    lit = spectra.source_spectra(sensor.source, n_channels)
    energy_kev = lit[0].energy_kev
    fluence = np.stack([spectrum.fluence for spectrum in lit])
    response = responses(sensor.detector, energy_kev, n_channels=n_channels)
    seen = _chances_of_absorption(sensor.detector, energy_kev, n_channels)
    first = fluence * response
    # A photon is absorbed with chance a and then leaves response / a: second moment a * (response / a)^2. Taken per absorbed
    # quantum, an ideal counter would have variance 1; the spread of energies makes it more (Swank-type excess).
    second = np.divide(fluence * response**2, seen, out=np.zeros_like(response), where=seen > 0)
    whole = first.sum(axis=1, keepdims=True)
    excess = second * (fluence * seen).sum(axis=1, keepdims=True) / whole**2
    return Beam(energy_kev, np.concatenate([first / whole, excess]))


def responses(detector: Detector, energy_kev: FloatArray, *, n_channels: int = 2) -> FloatArray:
    """Energy that one photon leaves in the scintillator of each channel, in keV, shape (n_channels, n_energies).

    A sandwich gives the back (hi), then the front (lo); a single scintillator the same for every channel, whose light
    differs.

    Source:
        simulation.md 2.1: absorbed share (1 - exp(-mu t)) mu_tr / mu of each layer, the back behind front and filter. What
        scatter inside the layer adds is left out.
    """
    front = energy_kev * _absorbed(detector.front, energy_kev)
    if detector.back is None:
        return np.stack([front] * n_channels)
    before = _layer_passed(detector.front, energy_kev) * _layer_passed(detector.between, energy_kev)
    return np.stack([energy_kev * before * _absorbed(detector.back, energy_kev), front])


def _chances_of_absorption(detector: Detector, energy_kev: FloatArray, n_channels: int) -> FloatArray:
    """Chance that a photon is counted in each channel, shape (n_channels, n_energies)."""
    front = 1.0 - _layer_passed(detector.front, energy_kev)
    if detector.back is None:
        return np.stack([front] * n_channels)
    before = _layer_passed(detector.front, energy_kev) * _layer_passed(detector.between, energy_kev)
    return np.stack([before * (1.0 - _layer_passed(detector.back, energy_kev)), front])


def _check_channels(sensor: Sensor) -> None:
    if sensor.detector.back is None:
        return
    if len(sensor.channels) != 2 or (isinstance(sensor.source, Linac) and len(sensor.source.mev) > 1):
        raise BadValue("detector.back: two scintillators give two channels of one spectrum; leave it None for one.")


def _layer_passed(layer: Layer | None, energy_kev: FloatArray) -> FloatArray:
    if layer is None:
        return np.ones(energy_kev.shape)
    return np.exp(-layer.g_cm2 * attenuation.mass_attenuation(layer.material, energy_kev))


def _absorbed(layer: Layer, energy_kev: FloatArray) -> FloatArray:
    total = attenuation.mass_attenuation(layer.material, energy_kev)
    kept = attenuation.mass_attenuation(layer.material, energy_kev, process="absorbed") / total
    return (1.0 - np.exp(-layer.g_cm2 * total)) * kept


def fit_nodes(
    beam: Beam,
    *,
    n_nodes: int = N_NODES,
    n_stacks: int = 500,
    n_start: int = 72,
    n_rounds: int = 3,
    start_kev: FloatArray | None = None,
    seed: int = 7,
) -> Beam:
    """A beam of few nodes that gives the same outputs behind any stack of materials.

    Drop the node whose loss hurts least until `n_nodes` are left, then move single nodes for `n_rounds` rounds while that
    helps; weights are non-negative least squares on relative errors. The stacks hold K-edge materials, else gold
    would be off by 16 %. With `start_kev`, nodes of an earlier fit, only the moving is done.
    """
    paths, mu = material_stacks(beam.energy_kev, n_stacks=n_stacks, seed=seed)
    passed = np.exp(-paths @ mu)  # (n_stacks, n_energies)
    fit = _Fit(passed, passed @ beam.weights.T)
    keep = _spread(beam, n_start)
    if start_kev is not None:
        keep = sorted({int(np.abs(beam.energy_kev - kev).argmin()) for kev in start_kev})
    while len(keep) > n_nodes:
        trials = [(fit.error(keep[:i] + keep[i + 1 :]), i) for i in range(len(keep))]
        del keep[min(trials)[1]]
    keep = _polish(keep, fit, n_rounds)
    weights = fit.weights(keep)
    signals = weights[: beam.n_channels]
    signals /= signals.sum(axis=1, keepdims=True)  # the open beam is exactly 1
    return Beam(beam.energy_kev[keep], weights)


class _Fit:
    """Least squares of all outputs on chosen nodes, on errors relative to the output itself."""

    LEAST = 1e-3  # below this transmission an error counts relative to it
    SLACK = 0.1  # a variance may be ten times as far off as a signal
    KEPT = 1e-11  # singular values below this share of the first are rounding: exponentials span few dimensions

    def __init__(self, passed: FloatArray, truth: FloatArray) -> None:
        self.passed = passed
        scale = np.maximum(truth, self.LEAST * truth.max(axis=0))
        self.inverse, self.target = 1.0 / scale, truth / scale
        self._small = [self._compressed(row) for row in range(truth.shape[1])]

    def _compressed(self, row: int) -> tuple[FloatArray, FloatArray]:
        """The least-squares problem of one output in the few dimensions that matter: (n_kept, n_energies), (n_kept,)."""
        left, size, right = np.linalg.svd(self.passed * self.inverse[:, row : row + 1], full_matrices=False)
        kept = size > self.KEPT * size[0]
        return size[kept, None] * right[kept], left[:, kept].T @ self.target[:, row]

    def weights(self, keep: list[int]) -> FloatArray:
        """Weights of the nodes, shape (n_outputs, n_nodes)."""
        from scipy.optimize import nnls

        weights = np.zeros((len(self._small), len(keep)))
        for row, (matrix, target) in enumerate(self._small):
            weights[row], _ = nnls(matrix[:, keep], target, maxiter=100 * len(keep))
        return weights

    def error(self, keep: list[int]) -> float:
        """A smooth stand-in for the worst relative error (mean 8th power), with a share of the true worst."""
        weights = self.weights(keep)
        parts = []
        for row in range(len(weights)):
            slack = 1.0 if row < len(weights) // 2 else self.SLACK
            off = np.abs((self.passed[:, keep] @ weights[row]) * self.inverse[:, row] - self.target[:, row]) * slack
            parts.append(float((off**8).mean() ** 0.125 + 0.2 * off.max()))
        return max(parts)


def _spread(beam: Beam, n: int) -> list[int]:
    """Bins at equal steps of a mean of signal weight and plain energy, so that no part of the beam goes bare."""
    density = beam.weights[: beam.n_channels].mean(axis=0) + 0.5 / beam.energy_kev.size + 1.0 / beam.energy_kev / 10
    cumulative = np.cumsum(density) / density.sum()
    return sorted({int(np.searchsorted(cumulative, (i + 0.5) / n)) for i in range(n)})


def _polish(keep: list[int], fit: _Fit, n_rounds: int) -> list[int]:
    """Move single nodes by up to a dozen bins while that lowers the error."""
    n_bins = fit.passed.shape[1]
    best = fit.error(keep)
    for _ in range(n_rounds):
        before = best
        for i in range(len(keep)):
            for move in (-31, -17, -9, -5, -3, -2, -1, 1, 2, 3, 5, 9, 17, 31):
                moved = keep[i] + move
                if not 0 <= moved < n_bins or moved in keep:
                    continue
                trial = [*keep[:i], moved, *keep[i + 1 :]]
                error = fit.error(trial)
                if error < best:
                    best, keep = error, trial
        if best > 0.999 * before:
            break
    return sorted(keep)


STACKED = (
    "polyethylene", "paper", "water", "cocaine_hcl", "glass", "pcb", "liion", "aluminium", "titanium", "steel", "copper",
    "brass", "tin", "silver", "tungsten", "gold", "lead", "magnet", "pvc", "solder",
)  # fmt: skip
_DEEPEST_G_CM2 = {"organic": 25.0, "mineral": 12.0, "light_metal": 12.0, "metal": 14.0, "heavy_metal": 2.0}
_DEEPER = ((1000.0, 12.0), (250.0, 3.0), (0.0, 1.0))  # by how much more, from this end of the spectrum in keV


def material_stacks(energy_kev: FloatArray, *, n_stacks: int, seed: int) -> tuple[FloatArray, FloatArray]:
    """Random stacks of one to four materials: path lengths in cm (n_stacks, n_materials) and mu in 1/cm (n_materials, n)."""
    rng = np.random.Generator(np.random.PCG64(seed))
    mu = np.stack([attenuation.linear_attenuation(name, energy_kev) for name in STACKED])
    deeper = next(factor for end_kev, factor in _DEEPER if energy_kev.max() >= end_kev)
    deepest = deeper * np.array(
        [_DEEPEST_G_CM2[materials.get(name).family] / materials.get(name).density_g_cm3 for name in STACKED]
    )
    paths = np.zeros((n_stacks, len(STACKED)))
    for row in paths:
        chosen = rng.choice(len(STACKED), size=int(rng.integers(1, 5)), replace=False)
        row[chosen] = deepest[chosen] * rng.uniform(0.0, 1.0, size=chosen.size) ** 2.5
    paths[0] = 0.0
    return paths, mu


@cache
def nodes(sensor: Sensor) -> Beam:
    """The nodes of a sensor: baked for the beams of the registered sensors, else fitted now (some seconds)."""
    beam = full_beam(sensor)
    now = fingerprint(beam)
    with np.load(TABLE) as table:
        names = [key.removesuffix("_of") for key in table.files if key.endswith("_of")]
        for name in sorted(names, key=lambda name: name != sensor.name):  # its own first; a sensor may borrow a beam
            baked = table[f"{name}_of"]
            if baked.shape == now.shape and np.allclose(baked, now, rtol=1e-6):
                return Beam(table[f"{name}_energy_kev"], table[f"{name}_weights"])
    return fit_nodes(beam)


def fingerprint(beam: Beam) -> FloatArray:
    """A few sums that change when tube, filters or detector change, so that stale baked nodes are never used."""
    return np.concatenate([beam.weights.sum(axis=1), beam.weights @ beam.energy_kev, [beam.energy_kev.size]])


# exp2 on [-0.5, 0.5] by a polynomial of degree 6, worst relative error 2e-7 in float32
_LOG2E = np.float32(1.4426950408889634)
_MAGIC = np.float32(12582912.0)  # 1.5 * 2**23: adding it rounds to an integer and leaves it in the low bits
_MAGIC_BITS = np.int32(0x4B400000)
_E1, _E2, _E3 = np.float32(0.6931471805599453), np.float32(0.2402265069591007), np.float32(0.05550410866482158)
_E4, _E5, _E6 = np.float32(0.009618129107628477), np.float32(0.0013333558146428443), np.float32(0.00015403530393381608)
_LOWEST = np.float32(-125.0)
_BLOCK = 512


@njit(cache=True)
def spectral_sum(paths, mu, weights, out) -> None:  # type: ignore[no-untyped-def]
    """out[c, n] = sum over k of weights[c, k] * exp(-sum over m of mu[m, k] * max(paths[m, n], 0)), in place.

    Args:
        paths: Path lengths in cm, float32, shape (n_materials, n).
        mu: Linear attenuation at the nodes in 1/cm, float32, shape (n_materials, n_nodes).
        weights: float32, shape (4, n_nodes), or (2, n_nodes) for one channel.
        out: float32, of as many rows, shape (4, n).
    """
    n_materials, n = paths.shape
    n_nodes = mu.shape[1]
    n_out = weights.shape[0]
    depth = np.empty(_BLOCK, np.float32)
    rounded = np.empty(_BLOCK, np.float32)
    bits = rounded.view(np.int32)
    power = np.empty(_BLOCK, np.int32)
    scale = power.view(np.float32)
    block = np.empty((n_materials, _BLOCK), np.float32)
    present = np.empty(n_materials, np.int64)
    nil, one = np.float32(0.0), np.float32(1.0)
    spare = np.empty((2, _BLOCK), np.float32)
    bare = np.zeros(n_out, np.float32)  # the open beam, summed in the order of the nodes as below
    for k in range(n_nodes):
        for c in range(n_out):
            bare[c] += weights[c, k]
    for start in range(0, n, _BLOCK):
        size = min(_BLOCK, n - start)
        n_present = 0
        for m in range(n_materials):
            top = nil
            row = block[n_present]
            for j in range(size):
                v = paths[m, start + j]
                v = v if v > nil else nil
                row[j] = v
                top = v if v > top else top
            if top > nil:
                present[n_present] = m
                n_present += 1
        if n_present == 0:
            for c in range(n_out):
                out[c, start : start + size] = bare[c]
            continue
        o0, o1 = out[0, start : start + size], out[1, start : start + size]
        o2, o3 = spare[0, :size], spare[1, :size]  # of one channel, rows three and four go nowhere
        if n_out == 4:
            o2, o3 = out[2, start : start + size], out[3, start : start + size]
        o0[:] = nil
        o1[:] = nil
        o2[:] = nil
        o3[:] = nil
        for k in range(n_nodes):
            for j in range(size):
                depth[j] = nil
            for p in range(n_present):
                coefficient = -mu[present[p], k] * _LOG2E
                row = block[p]
                for j in range(size):
                    depth[j] += coefficient * row[j]
            for j in range(size):
                x = depth[j] if depth[j] > _LOWEST else _LOWEST
                depth[j] = x
                rounded[j] = x + _MAGIC
            for j in range(size):
                power[j] = (bits[j] - _MAGIC_BITS + np.int32(127)) << np.int32(23)
            w0, w1, w2, w3 = weights[0, k], weights[1, k], weights[n_out - 2, k], weights[n_out - 1, k]
            for j in range(size):
                f = depth[j] - (rounded[j] - _MAGIC)
                e = _E4 + f * (_E5 + f * _E6)
                e = one + f * (_E1 + f * (_E2 + f * (_E3 + f * e)))
                e *= scale[j]
                o0[j] += w0 * e
                o1[j] += w1 * e
                o2[j] += w2 * e
                o3[j] += w3 * e


@cache
def node_arrays(sensor: Sensor, names: tuple[str, ...]) -> tuple[Float32Array, Float32Array]:
    """mu of these materials at the sensor's nodes in 1/cm (n_materials, n_nodes), and the weights (n_outputs, n_nodes)."""
    beam = nodes(sensor)
    mu = np.stack([attenuation.linear_attenuation(name, beam.energy_kev) for name in names])
    return mu.astype(np.float32), beam.weights.astype(np.float32)


def signals(paths_cm: Float32Array, names: tuple[str, ...], sensor: Sensor) -> Float32Array:
    """Noise-free channels and the variance of one quantum behind the given paths.

    Args:
        paths_cm: Path maps, shape (n_materials, height, width), in the order of `names`; negative counts as 0.

    Returns:
        float32, shape (4, height, width), rows as OUTPUTS, the open beam 1 in the first two. A sensor that is not dual
        gives its one signal and its variance, shape (2, height, width).

    Source:
        Polychromatic Beer-Lambert; the variance is the second moment of the absorbed energy (Swank-type excess).
    """
    mu, weights = _scene_arrays(sensor, names)
    height, width = paths_cm.shape[1:]
    out = np.empty((len(weights), height * width), np.float32)
    spectral_sum(paths_cm.reshape(len(names), height * width), mu, weights, out)
    return out.reshape(len(weights), height, width)


@cache
def _all_mu(sensor: Sensor) -> tuple[Float32Array, Float32Array, dict[str, int]]:
    names = tuple(materials.names())
    mu, weights = node_arrays(sensor, names)
    return mu, weights, {name: i for i, name in enumerate(names)}


def _scene_arrays(sensor: Sensor, names: tuple[str, ...]) -> tuple[Float32Array, Float32Array]:
    mu, weights, row = _all_mu(sensor)
    return mu[[row[name] for name in names]], weights
