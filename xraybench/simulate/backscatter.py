"""What comes back from a pencil beam: the surface of an item, bright where it is organic.

Along every ray the segments of the scene are walked from the source inwards. A segment adds what it scatters back by about
160 degrees, weakened by the way in and the way out. Light elements scatter as well and absorb less, so they are bright.
Scattered once only; the way out is taken 1.15 times as long as the way in; distance to the detector is left out.
"""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numba import njit

from xraybench.core.errors import BadValue
from xraybench.core.sensor import Sensor, Tube
from xraybench.core.types import Float32Array, FloatArray, UInt16Array
from xraybench.simulate import attenuation, detector, materials, spectra
from xraybench.simulate.geometry import CYLINDER, ELLIPSOID
from xraybench.simulate.scene import Scene

ANGLE_DEG = 160.0  # mean angle of what is counted
WAY_OUT = 1.15  # length of the way out over that of the way in
REFERENCE = "polyethylene"  # a thick slab of it counts as `open_beam`
_PARTS = (0.3, 0.3, 0.25, 0.15)  # of the photons, softest first: each part of the beam stands at its mean energy
_DEEPEST = 12.0  # optical depth, in and out together, behind which nothing more comes back
_ELECTRON_KEV = 510.999
_AVOGADRO = 6.02214e23
RADIUS_CM = 2.81794e-13  # of the classical electron
_EXACT_BELOW = 30.0  # counts up to which the Poisson law is drawn exactly


@dataclass(frozen=True, slots=True)
class Nodes:
    """Each material at each energy of the beam: arrays of shape (n_materials + 1, n_energies), the last row nothing.

    `loss` is the attenuation on the way in and out in 1/cm, `back` what is scattered back per cm, weight of the energy in.
    """

    loss: FloatArray
    back: FloatArray
    reference: float  # what a thick slab of REFERENCE gives back


def scan(scene: Scene, sensor: Sensor, field_px: tuple[int, int], rng: np.random.Generator) -> UInt16Array:
    """Counts of one view, shape (height, width, 1); a thick polyethylene slab gives `open_beam`.

    The spot is blurred and flickers from line to line. The number of quanta follows the Poisson law: exactly when few are
    expected, by the normal law with its skewness above.
    """
    expected = noise_free(scene, sensor, field_px)
    detector.blur(expected[None], detector.blur_taps(sensor.detector.blur_px))
    flicker = 1.0 + sensor.artefacts.line_jitter * rng.standard_normal(field_px[1])
    expected *= (detector.row_gain(sensor, field_px[0])[0][:, None] * flicker).astype(np.float32)
    quanta = sensor.detector.quanta[0]
    counted = _poisson(np.ascontiguousarray(expected * quanta), rng.random(field_px), rng.standard_normal(field_px))
    noise = sensor.noise_scale * (counted / quanta - expected)
    read = expected + noise + sensor.detector.electronic_noise * sensor.noise_scale * rng.standard_normal(field_px)
    counts = np.clip(np.rint(sensor.open_beam * read), 0, 65535).astype(np.uint16)
    return np.ascontiguousarray(counts[:, :, None])


def noise_free(scene: Scene, sensor: Sensor, field_px: tuple[int, int]) -> Float32Array:
    """What comes back as a share of a thick polyethylene slab, shape (height, width)."""
    return _walked(scene, sensor, field_px, -1)[0]


def share_of(scene: Scene, sensor: Sensor, field_px: tuple[int, int], number: int) -> Float32Array:
    """Share of what comes back that one object gave, in [0, 1], 0 where nothing comes back; shape (height, width)."""
    whole, own = _walked(scene, sensor, field_px, number)
    return np.asarray(np.where(whole > 1e-6, own / np.maximum(whole, 1e-6), 0.0), dtype=np.float32)


@cache
def nodes(sensor: Sensor) -> Nodes:
    """The beam in four parts, and every material at the mean energy of each.

    Raises:
        BadValue: The source is no tube.

    Source:
        Klein and Nishina, Zeitschrift fuer Physik 52 (1929) 853, per electron and steradian; binding of electrons left out.
    """
    if not isinstance(sensor.source, Tube):
        raise BadValue(f"Sensor {sensor.name}: source: a backscatter scanner needs an X-ray tube.")
    spectrum = spectra.tube_spectrum(sensor.source.kvp, sensor.source.filters)
    cumulative = np.cumsum(spectrum.fluence) / spectrum.fluence.sum()
    part = np.minimum(np.searchsorted(np.cumsum(_PARTS), cumulative - 1e-9), len(_PARTS) - 1)
    share = np.bincount(part, spectrum.fluence) / spectrum.fluence.sum()
    energy = np.bincount(part, spectrum.fluence * spectrum.energy_kev) / np.bincount(part, spectrum.fluence)
    cosine = math.cos(math.radians(ANGLE_DEG))
    ratio = 1.0 / (1.0 + energy / _ELECTRON_KEV * (1.0 - cosine))
    per_electron = 0.5 * RADIUS_CM**2 * ratio**2 * (ratio + 1.0 / ratio - (1.0 - cosine**2))
    front = sensor.detector.front
    seen = 1.0 - np.exp(-front.g_cm2 * attenuation.mass_attenuation(front.material, energy * ratio))
    loss = np.zeros((len(materials.MATERIALS) + 1, len(_PARTS)))
    back = np.zeros_like(loss)
    for row, material in enumerate(materials.MATERIALS):
        loss[row] = attenuation.linear_attenuation(material.name, energy)
        loss[row] += WAY_OUT * attenuation.linear_attenuation(material.name, energy * ratio)
        back[row] = electrons_per_cm3(material.name) * per_electron * seen * share
    reference = materials.material_id(REFERENCE) - 1
    return Nodes(loss, back, float((back[reference] / loss[reference]).sum()))


def electrons_per_cm3(name: str) -> float:
    """Electrons in a cubic centimetre of a material."""
    per_gram = sum(
        share * materials.ATOMIC_NUMBER[symbol] / materials.ATOMIC_WEIGHT[symbol]
        for symbol, share in materials.weight_shares(name)
    )
    return materials.get(name).density_g_cm3 * per_gram * _AVOGADRO


def _walked(scene: Scene, sensor: Sensor, field_px: tuple[int, int], number: int) -> tuple[Float32Array, Float32Array]:
    """What comes back in all and from one object, in units of the reference."""
    table = nodes(sensor)
    material, parent = scene.ints[:, 1], scene.ints[:, 2]
    fill = scene.reals[:, 15:16]
    own_loss, own_back = table.loss[material] * fill, table.back[material] * fill
    has_parent = (parent >= 0)[:, None]
    loss = own_loss - np.where(has_parent, own_loss[parent], 0.0)
    back = own_back - np.where(has_parent, own_back[parent], 0.0)
    is_own = scene.ints[:, 4] == number
    of_object = np.where(is_own[:, None], own_back, 0.0)
    of_object -= np.where(has_parent & is_own[parent][:, None], own_back[parent], 0.0)
    out = np.zeros((2, *field_px), np.float32)
    _walk(
        out,
        scene.ints,
        scene.reals,
        scene.planes,
        np.stack([loss, back / table.reference, of_object / table.reference]).astype(np.float32),
        sensor.geometry.pixel_mm,
        sensor.geometry.source_height_mm,
    )
    return out[0], out[1]


@njit(cache=True)
def _walk(out, ints, reals, planes, add, pixel_mm, source_mm) -> None:  # type: ignore[no-untyped-def]
    """Fill `out` (whole, own) pixel by pixel. `add` is what a primitive adds to loss, back and own, (3, n, n_energies)."""
    n = len(ints)
    height, width = out.shape[1:]
    n_energies = add.shape[2]
    first, last = np.empty(n, np.int64), np.empty(n, np.int64)
    u, o = np.empty((n, 3)), np.empty(3)
    y_at, on_row = np.empty(n), np.empty(n, np.int64)
    depth, thing, begins = np.empty(2 * n), np.empty(2 * n, np.int64), np.empty(2 * n, np.bool_)
    state = np.empty((3, n_energies), np.float64)
    tau = np.empty(n_energies)
    for row in range(height):
        y_belt = (row + 0.5 - 0.5 * height) * pixel_mm
        norm = math.sqrt(y_belt * y_belt + source_mm * source_mm)
        uy, uz = y_belt / norm, -source_mm / norm
        n_on = 0
        for i in range(n):
            half, rot = reals[i, 3:6], reals[i, 6:15]
            ex = abs(rot[0]) * half[0] + abs(rot[1]) * half[1] + abs(rot[2]) * half[2]
            ey = abs(rot[3]) * half[0] + abs(rot[4]) * half[1] + abs(rot[5]) * half[2]
            ez = abs(rot[6]) * half[0] + abs(rot[7]) * half[1] + abs(rot[8]) * half[2]
            cx, cy, cz = reals[i, 0], reals[i, 1], reals[i, 2]
            y = y_belt * (source_mm - cz) / source_mm - cy
            if abs(y) > ey + ez * abs(y_belt) / source_mm + 1.0:
                continue
            c0 = max(math.floor((cx - ex) / pixel_mm + 0.5 * width - 0.5), 0)
            c1 = min(math.ceil((cx + ex) / pixel_mm + 0.5 * width + 0.5), width)
            if c1 <= c0:
                continue
            on_row[n_on], first[n_on], last[n_on], y_at[n_on] = i, c0, c1, y
            for k in range(3):
                u[n_on, k] = rot[3 + k] * uy + rot[6 + k] * uz
            n_on += 1
        for column in range(width):
            x_belt = (column + 0.5 - 0.5 * width) * pixel_mm
            n_ends = 0
            for m in range(n_on):
                if column < first[m] or column >= last[m]:
                    continue
                i = on_row[m]
                half, rot = reals[i, 3:6], reals[i, 6:15]
                x_at = x_belt - reals[i, 0]
                for k in range(3):
                    o[k] = rot[k] * x_at + rot[3 + k] * y_at[m]
                low, high = _entry(ints[i], half, planes, u[m], o)
                if high - low > 1e-6:
                    at = (source_mm - reals[i, 2]) / -uz  # from the source to where the ray meets the centre's height
                    for end in range(2):
                        depth[n_ends] = at + (low if end == 0 else high)
                        thing[n_ends] = i
                        begins[n_ends] = end == 0
                        n_ends += 1
            if n_ends == 0:
                continue
            order = np.argsort(depth[:n_ends], kind="mergesort")
            state[:] = 0.0
            tau[:] = 0.0
            before = 0.0
            for e in range(n_ends):
                end = order[e]
                length = 0.1 * (depth[end] - before)
                shallow = False
                for k in range(n_energies):
                    mu = max(state[0, k], 0.0)
                    if length > 0.0 and tau[k] < _DEEPEST:
                        shallow = True
                        if mu > 1e-9:
                            reach = math.exp(-tau[k]) * (1.0 - math.exp(-mu * length)) / mu
                            out[0, row, column] += np.float32(max(state[1, k], 0.0) * reach)
                            out[1, row, column] += np.float32(max(state[2, k], 0.0) * reach)
                            tau[k] += mu * length
                    elif length <= 0.0:
                        shallow = True
                if not shallow:
                    break
                sign = 1.0 if begins[end] else -1.0
                for q in range(3):
                    for k in range(n_energies):
                        state[q, k] += sign * add[q, thing[end], k]
                before = depth[end]


@njit(cache=True)
def _entry(ints, half, planes, u, o):  # type: ignore[no-untyped-def]
    """Where a ray o + t u (local frame) enters and leaves a primitive; the second below the first where it misses."""
    low, high = -1.0e9, 1.0e9
    n_round = 0
    if ints[0] == ELLIPSOID:
        n_round = 3
    elif ints[0] == CYLINDER:
        n_round = 2
    if n_round > 0:
        a, b, c = 1.0e-14, 0.0, -1.0
        for k in range(n_round):
            inv2 = 1.0 / (half[k] * half[k])
            a += u[k] * u[k] * inv2
            b += u[k] * o[k] * inv2
            c += o[k] * o[k] * inv2
        d = b * b - a * c
        if d <= 0.0:
            return 1.0, 0.0
        root = math.sqrt(d)
        low, high = (-b - root) / a, (-b + root) / a
    for k in range(n_round, 3):
        if abs(u[k]) < 1.0e-9:
            if abs(o[k]) > half[k]:
                return 1.0, 0.0
            continue
        t0, t1 = (-half[k] - o[k]) / u[k], (half[k] - o[k]) / u[k]
        low, high = max(low, min(t0, t1)), min(high, max(t0, t1))
    for p in range(ints[5], ints[6]):
        slope = planes[p, 0] * u[0] + planes[p, 1] * u[1] + planes[p, 2] * u[2]
        room = planes[p, 3] - planes[p, 0] * o[0] - planes[p, 1] * o[1] - planes[p, 2] * o[2]
        if abs(slope) < 1.0e-9:
            if room < 0.0:
                return 1.0, 0.0
        elif slope > 0.0:
            high = min(high, room / slope)
        else:
            low = max(low, room / slope)
    return low, high


@njit(cache=True)
def _poisson(mean, uniform, normal):  # type: ignore[no-untyped-def]
    """Counts of the Poisson law: by its distribution function below _EXACT_BELOW, else normal with the skewness."""
    out = np.empty(mean.shape, np.float64)
    for r in range(mean.shape[0]):
        for c in range(mean.shape[1]):
            m = float(mean[r, c])
            if m < _EXACT_BELOW:
                out[r, c] = detector.poisson(m, uniform[r, c])
            else:
                z = normal[r, c]
                out[r, c] = max(np.rint(m + math.sqrt(m) * z + (z * z - 1.0) / 6.0), 0.0)
    return out
