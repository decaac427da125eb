"""CT slices of a scene: parallel projections through the same primitives, then filtered back projection.

The projections go through the sensor's own spectrum, noise and detector gain, so beam hardening, metal streaks and rings
come out as in a scanner and are not painted on. Beside the item they are taken away again, as a scanner can: by the rays
that crossed nothing. A slice lies across travel: its columns run along y, its rows from the top down to the belt. Left out:
cone angle, gantry motion, scatter and the textures of soft goods (a bulk density stands for them).
"""

import math
from functools import cache

import numpy as np
from numba import njit

from xraybench.core import chance
from xraybench.core.sensor import Sensor
from xraybench.core.types import BoolArray, Float32Array, FloatArray, IntArray, UInt8Array, UInt16Array
from xraybench.simulate import materials, spectral
from xraybench.simulate.geometry import CYLINDER, ELLIPSOID, _bound_above, _bound_below, _bound_round
from xraybench.simulate.scene import Scene

AIR_COUNT = 2_000  # what a voxel of air counts, so that noise below zero is kept
_SUB = 2  # rays per detector element
_FAR = np.float32(1.0e9)
_FLAT = 1.0e-9
_LEAST = 1e-4  # a detector element that counts less is read as this: no logarithm of nothing


def slices(scene: Scene, sensor: Sensor, field_px: tuple[int, int], rng: np.random.Generator) -> list[UInt16Array]:
    """The slices of one scan, each (height, width, 1) in counts: AIR_COUNT + open_beam * linear attenuation in 1/cm.

    Where the scanner sets the air beside the item to air (`Artefacts.air_depth`), it counts AIR_COUNT exactly.
    """
    found = []
    for x_mm in positions_mm(scene, sensor, field_px):
        mu = _scanned(scene, sensor, field_px, x_mm, rng)
        counts = np.clip(np.rint(AIR_COUNT + sensor.open_beam * mu), 0, 65535).astype(np.uint16)
        found.append(np.ascontiguousarray(counts[:, :, None]))
    return found


def noise_free(scene: Scene, sensor: Sensor, field_px: tuple[int, int]) -> list[Float32Array]:
    """Linear attenuation in 1/cm as reconstructed without noise and rings, each (height, width)."""
    return [_scanned(scene, sensor, field_px, x_mm, None) for x_mm in positions_mm(scene, sensor, field_px)]


def positions_mm(scene: Scene, sensor: Sensor, field_px: tuple[int, int]) -> list[float]:
    """Where along travel the slices of a scan lie: evenly, about the middle of the belt.

    All are moved together by at most half a step, so that one goes through what stands in the slot: through the middle of
    the largest of its parts that shows there. A threat and the innocent thing in its place get the same rule, so where
    slices lie tells nothing. A scene without a slot, or with nothing in it, keeps the middle.
    """
    step, n = sensor.geometry.slice_mm, sensor.geometry.n_slices
    first = -0.5 * (n - 1) * step
    through = _through_slot(scene, sensor, field_px)
    if through is not None:
        beyond = (through - first) % step
        first += beyond if beyond <= 0.5 * step else beyond - step
    return [round(first + i * step, 6) for i in range(n)]


def _through_slot(scene: Scene, sensor: Sensor, field_px: tuple[int, int]) -> float | None:
    """A plane in which what stands in the slot shows, by the largest of its parts that does."""
    reach = 0.5 * sensor.geometry.n_slices * sensor.geometry.slice_mm
    for number, thing in enumerate(scene.objects):
        if thing.role == "slot":
            rows = np.flatnonzero((scene.ints[:, 4] == number) & (scene.ints[:, 1] >= 0))
            for row in rows[np.argsort(-scene.reals[rows, 3:6].prod(axis=1), kind="stable")]:
                x_mm = float(scene.reals[row, 0])
                if abs(x_mm) < reach and (_marked(scene, sensor, field_px, x_mm)[1] == number).any():
                    return x_mm
    return None


def masks(scene: Scene, sensor: Sensor, field_px: tuple[int, int], number: int) -> list[BoolArray]:
    """Which voxels of each slice belong to one object, holes left out, each (height, width)."""
    return [cut(scene, sensor, field_px, x_mm, number) for x_mm in positions_mm(scene, sensor, field_px)]


def cut(scene: Scene, sensor: Sensor, field_px: tuple[int, int], x_mm: float, number: int) -> BoolArray:
    """Which voxels of the slice at `x_mm` belong to one object, holes left out, shape (height, width)."""
    return np.asarray(_marked(scene, sensor, field_px, x_mm)[1] == number)


def material_maps(scene: Scene, sensor: Sensor, field_px: tuple[int, int]) -> list[UInt8Array]:
    """The material id of each voxel (0 for air), each (height, width)."""
    return [
        _marked(scene, sensor, field_px, x_mm)[0].astype(np.uint8) for x_mm in positions_mm(scene, sensor, field_px)
    ]


def sinogram(
    scene: Scene, sensor: Sensor, field_px: tuple[int, int], x_mm: float
) -> tuple[tuple[str, ...], Float32Array]:
    """Path lengths in cm of one slice: names of the materials, and maps of shape (n_materials, n_angles, n_elements)."""
    voxel = sensor.geometry.pixel_mm
    rows = np.flatnonzero(_crosses(scene, x_mm))
    material, parent = scene.ints[:, 1], scene.ints[:, 2]
    used = np.unique(np.concatenate([material[rows], material[parent[rows][parent[rows] >= 0]]]))
    used = used[used >= 0]
    if used.size == 0:
        used = np.zeros(1, dtype=np.int64)
    index = np.full(len(materials.MATERIALS) + 1, -1, dtype=np.int64)
    index[used] = np.arange(used.size)
    has_parent = parent[rows] >= 0
    fill = scene.reals[:, 15]
    n_elements = math.ceil(math.hypot(*field_px)) | 1
    maps = np.zeros((used.size, sensor.geometry.n_angles, n_elements), np.float32)
    _project(
        maps,
        scene.ints[rows, 0],
        scene.reals[rows, :15],
        index[material[rows]],
        fill[rows],
        np.where(has_parent, index[material[parent[rows]]], -1),
        np.where(has_parent, fill[parent[rows]], 0.0),
        scene.planes,
        scene.ints[rows, 5],
        scene.ints[rows, 6],
        float(x_mm),
        0.5 * field_px[0] * voxel,
        voxel,
        *_angles(sensor.geometry.n_angles),
    )
    return tuple(materials.MATERIALS[i].name for i in used), maps


def _crosses(scene: Scene, x_mm: float) -> BoolArray:
    """Which primitives reach the plane of a slice."""
    reach = np.abs(scene.reals[:, 6:9] * scene.reals[:, 3:6]).sum(axis=1)
    return np.asarray(np.abs(scene.reals[:, 0] - x_mm) < reach)


def _scanned(
    scene: Scene, sensor: Sensor, field_px: tuple[int, int], x_mm: float, rng: np.random.Generator | None
) -> Float32Array:
    names, paths = sinogram(scene, sensor, field_px, x_mm)
    return reconstructed(spectral.signals(paths, names, sensor), sensor, field_px, rng)


def reconstructed(
    rays: Float32Array, sensor: Sensor, field_px: tuple[int, int], rng: np.random.Generator | None
) -> Float32Array:
    """A slice in 1/cm from what its rays count; 0 in what the sensor sets to air.

    Args:
        rays: Signal and variance of each ray as `spectral.signals` gives them, shape (2, n_angles, n_elements).
        rng: Of the noise; None leaves out noise and rings.
    """
    _, n_angles, n_elements = rays.shape
    if rng is None:
        gain, normal, variance = np.ones(n_elements), np.zeros((n_angles, n_elements)), 0.0
    else:
        gain = _ring_gain(sensor, n_elements)
        normal = rng.standard_normal((n_angles, n_elements))
        variance = sensor.noise_scale**2
    depth = np.empty((n_angles, n_elements))
    _log(rays[0], rays[1], normal, gain, variance, sensor.detector.quanta[0], sensor.detector.electronic_noise, depth)
    taps = _ramp(n_elements, sensor.geometry.pixel_mm / 10.0, sensor.detector.blur_px)
    air = is_air(depth, sensor.artefacts.air_depth, field_px)
    return _projected_back(depth, taps, air)


def is_air(depth: FloatArray, most: float, field_px: tuple[int, int]) -> BoolArray:
    """Which voxels of a slice lie on a ray that crosses nothing, shape `field_px`; known from what the rays read alone.

    What is left is all that casts the same shadows as the item: the item, what it encloses, and hollows that no straight
    line passes. Unlike a threshold of the picture it knows no streak, because metal reaches no ray beside it. A closed bag
    stays, since every ray through its wall meets a second one. What lies free beside it goes where one ray across reads
    less than `most`: a loose sheet (1.6 mm of cloth, 0.4 mm of polyethylene), and a wire thinner than half an element, which
    both rays of an element miss at some angle (1 mm of copper).

    Args:
        depth: -ln of what passes, as read with noise, shape (n_angles, n_elements).
        most: A ray crosses nothing where it and its neighbours read less; so two voxels about the item are kept. 0 for none.

    Source:
        The visual hull of Laurentini 1994 (IEEE Trans. PAMI 16(2), 150-162), a ray for its line of sight.
    """
    air = np.zeros(field_px, np.bool_)
    if most <= 0.0:
        return air
    is_open = depth < most
    is_open[:, 1:-1] &= is_open[:, :-2] & is_open[:, 2:]
    between = np.zeros(depth.shape, np.bool_)
    between[:, :-1] = is_open[:, :-1] & is_open[:, 1:]
    _swept(between, *_angles(len(depth)), air)
    return air


def _projected_back(depth: FloatArray, taps: FloatArray, air: BoolArray) -> Float32Array:
    filtered = np.empty_like(depth)
    _filter(depth, taps, filtered)
    picture = np.zeros(air.shape, np.float32)
    _back_project(filtered, *_angles(len(depth)), air, picture)
    return picture


def ray_deviation(rays: Float32Array | FloatArray, sensor: Sensor) -> FloatArray:
    """Standard deviation of what each ray counts, shape (n_angles, n_elements)."""
    variance = np.maximum(rays[1], 0.0) / sensor.detector.quanta[0] + sensor.detector.electronic_noise**2
    return np.asarray(sensor.noise_scale * np.sqrt(variance), dtype=np.float64)


def voxel_deviation(rays: Float32Array, sensor: Sensor, field_px: tuple[int, int]) -> Float32Array:
    """Standard deviation of each voxel in 1/cm, from that of the rays through it.

    Variances add over the angles with the squares of the filter's taps, and interpolation takes some away.
    """
    _, n_angles, n_elements = rays.shape
    taps = _ramp(n_elements, sensor.geometry.pixel_mm / 10.0, sensor.detector.blur_px)
    of_depth = (ray_deviation(rays, sensor) / np.maximum(rays[0], _LEAST)) ** 2
    passed = math.pi / n_angles * left_by_interpolation(taps)
    everywhere = np.zeros(field_px, np.bool_)  # no air is left out
    return np.asarray(np.sqrt(passed * _projected_back(of_depth, taps**2, everywhere)), dtype=np.float32)


def left_by_interpolation(taps: FloatArray) -> float:
    """Share of the variance that is left between two elements, the mean over all places between them.

    At a share f of the way it is (1 - f)^2 + f^2 + 2 f (1 - f) r, with r the correlation that the filter gives neighbours.
    """
    return float((2.0 + (taps[1:] @ taps[:-1]) / (taps @ taps)) / 3.0)


@cache
def _ring_gain(sensor: Sensor, n: int) -> FloatArray:
    """The fixed gain residual of each detector element, about 1."""
    return 1.0 + sensor.artefacts.ring_gain * chance.stream(0, "ring_gain", sensor.name, n).standard_normal(n)


@cache
def _angles(n: int) -> tuple[FloatArray, FloatArray]:
    """Cosines and sines of the projections over half a turn."""
    turn = (np.arange(n) + 0.5) * math.pi / n  # half a step off the axes, where a face would be grazed
    return np.cos(turn), np.sin(turn)


@cache
def _ramp(n: int, step_cm: float, blur_px: float) -> FloatArray:
    """Taps of the band-limited ramp filter, smoothed by a Gaussian, shape (2 n - 1,), in 1/cm.

    Source:
        Kak and Slaney, Principles of Computerized Tomographic Imaging, eq. 3.61 (Ramachandran and Lakshminarayanan).
    """
    k = np.arange(-(n - 1) - 8, n + 8)
    odd = k % 2 != 0
    taps = np.zeros(k.size)
    taps[odd] = -1.0 / (math.pi**2 * k[odd].astype(float) ** 2 * step_cm)
    taps[k == 0] = 0.25 / step_cm
    near = np.arange(-8, 9)
    smooth = np.exp(-0.5 * (near / max(blur_px, 1e-3)) ** 2)
    return np.asarray(np.convolve(taps, smooth / smooth.sum(), mode="valid"))


@njit(cache=True)
def _project(  # type: ignore[no-untyped-def]
    maps,
    kind,
    pose,
    add_index,
    add_scale,
    sub_index,
    sub_scale,
    planes,
    first,
    last,
    x_mm,
    z_mid,
    voxel,
    cosines,
    sines,
) -> None:
    """Add the path of every primitive to `maps`, in place: a row is an angle, a column a detector element."""
    n_angles, n_elements = maps.shape[1], maps.shape[2]
    ramp_all = np.arange(n_elements).astype(np.float32)
    low_all = np.empty(n_elements, np.float32)
    high_all = np.empty(n_elements, np.float32)
    o, u, step = np.empty(3), np.empty(3), np.empty(3)
    nil = np.float32(0.0)
    for i in range(kind.size):
        if add_index[i] < 0 and sub_index[i] < 0:
            continue
        cx, cy, cz = pose[i, 0], pose[i, 1], pose[i, 2] - z_mid
        half, rot = pose[i, 3:6], pose[i, 6:15]
        ey = abs(rot[3]) * half[0] + abs(rot[4]) * half[1] + abs(rot[5]) * half[2]
        ez = abs(rot[6]) * half[0] + abs(rot[7]) * half[1] + abs(rot[8]) * half[2]
        gain = np.float32(0.1 / _SUB * add_scale[i])
        loss = np.float32(0.1 / _SUB * sub_scale[i])
        for angle in range(n_angles):
            c, s = cosines[angle], sines[angle]
            middle = (-s * cy + c * cz) / voxel + 0.5 * n_elements
            reach = (abs(s) * ey + abs(c) * ez) / voxel
            e0 = max(int(np.floor(middle - reach - 0.5)), 0)
            e1 = min(int(np.ceil(middle + reach + 0.5)), n_elements)
            if e1 <= e0:
                continue
            n = e1 - e0
            ramp, low, high = ramp_all[:n], low_all[:n], high_all[:n]
            for k in range(3):
                u[k] = rot[3 + k] * c + rot[6 + k] * s
                step[k] = (-rot[3 + k] * s + rot[6 + k] * c) * voxel
            for sub in range(_SUB):
                t = (e0 + (sub + 0.5) / _SUB - 0.5 * n_elements) * voxel
                px, py, pz = x_mm - cx, -s * t - cy, c * t - cz
                for k in range(3):
                    o[k] = rot[k] * px + rot[3 + k] * py + rot[6 + k] * pz
                for j in range(n):
                    low[j] = -_FAR
                    high[j] = _FAR
                n_round = 0
                if kind[i] == ELLIPSOID:
                    n_round = 3
                elif kind[i] == CYLINDER:
                    n_round = 2
                if n_round > 0:
                    a, b0, b1, q0, q1, q2 = 0.0, 0.0, 0.0, -1.0, 0.0, 0.0
                    for k in range(n_round):
                        inv2 = 1.0 / (half[k] * half[k])
                        a += u[k] * u[k] * inv2
                        b0 += u[k] * o[k] * inv2
                        b1 += u[k] * step[k] * inv2
                        q0 += o[k] * o[k] * inv2
                        q1 += 2.0 * o[k] * step[k] * inv2
                        q2 += step[k] * step[k] * inv2
                    _bound_round(low, high, ramp, max(a, 1.0e-14), b0, b1, q0, q1, q2)
                for k in range(n_round, 3):
                    slope = u[k] if abs(u[k]) >= _FLAT else _FLAT
                    inv = 1.0 / slope
                    at, along, wide = -o[k] * inv, -step[k] * inv, half[k] * abs(inv)
                    _bound_below(low, ramp, at - wide, along)
                    _bound_above(high, ramp, at + wide, along)
                for p in range(first[i], last[i]):
                    nu = planes[p, 0] * u[0] + planes[p, 1] * u[1] + planes[p, 2] * u[2]
                    no = planes[p, 0] * o[0] + planes[p, 1] * o[1] + planes[p, 2] * o[2]
                    ns = planes[p, 0] * step[0] + planes[p, 1] * step[1] + planes[p, 2] * step[2]
                    if abs(nu) < _FLAT:
                        nu = _FLAT
                    if nu > 0.0:
                        _bound_above(high, ramp, (planes[p, 3] - no) / nu, -ns / nu)
                    else:
                        _bound_below(low, ramp, (planes[p, 3] - no) / nu, -ns / nu)
                for j in range(n):
                    path = high[j] - low[j]
                    low[j] = path if path > nil else nil
                if add_index[i] >= 0:
                    line = maps[add_index[i], angle, e0:e1]
                    for j in range(n):
                        line[j] += gain * low[j]
                if sub_index[i] >= 0:
                    line = maps[sub_index[i], angle, e0:e1]
                    for j in range(n):
                        line[j] -= loss * low[j]


@njit(cache=True)
def _natural_log(x):  # type: ignore[no-untyped-def]
    """ln x by its series about 1, to 1e-11: the same bytes everywhere, unlike a library's log."""
    mantissa, power = math.frexp(x)
    if mantissa < 0.7071067811865476:
        mantissa *= 2.0
        power -= 1
    z = (mantissa - 1.0) / (mantissa + 1.0)
    q = z * z
    total = 1.0 / 13.0
    for k in (11.0, 9.0, 7.0, 5.0, 3.0, 1.0):
        total = 1.0 / k + q * total
    return 2.0 * z * total + power * 0.6931471805599453


@njit(cache=True)
def _log(signal, variance, normal, gain, scale, quanta, electronic, out) -> None:  # type: ignore[no-untyped-def]
    """Attenuation of each ray as the scanner reads it, noise and ring gain included."""
    for r in range(signal.shape[0]):
        for e in range(signal.shape[1]):
            spread = math.sqrt(scale * (max(variance[r, e], 0.0) / quanta + electronic * electronic))
            read = (signal[r, e] + spread * normal[r, e]) * gain[e]
            out[r, e] = -_natural_log(max(read, _LEAST))


@njit(cache=True)
def _filter(depth, taps, out) -> None:  # type: ignore[no-untyped-def]
    """Ramp filter of every projection. Rays beside the item are zero, so what is left of it is short."""
    n_angles, n = depth.shape
    for r in range(n_angles):
        line = out[r]
        line[:] = 0.0
        for k in range(n):
            v = depth[r, k]
            if v != 0.0:
                start = n - 1 - k
                for j in range(n):
                    line[j] += v * taps[start + j]


@njit(cache=True)
def _back_project(filtered, cosines, sines, air, out) -> None:  # type: ignore[no-untyped-def]
    """Sum of the filtered projections over all angles, linear between elements; the top row is the highest.

    Air is left as it stands in `out`.
    """
    n_angles, n = filtered.shape
    height, width = out.shape
    scale = np.float32(math.pi / n_angles)
    line = np.empty(width, np.float32)
    projections = filtered.astype(np.float32)
    for row in range(height):
        first, last = _narrowed(air[row], 0, width)
        line[first:last] = np.float32(0.0)
        z = 0.5 * (height - 1) - row
        for a in range(n_angles):
            at = np.float32(cosines[a] * z + sines[a] * 0.5 * (width - 1) + 0.5 * (n - 1))
            slope = np.float32(-sines[a])
            one = projections[a]
            for j in range(first, last):
                t = at + slope * np.float32(j)
                i = int(t)
                f = t - np.float32(i)
                line[j] += one[i] + f * (one[i + 1] - one[i])
        for j in range(first, last):
            if not air[row, j]:
                out[row, j] = scale * line[j]


@njit(cache=True)
def _swept(is_open, cosines, sines, air) -> None:  # type: ignore[no-untyped-def]
    """Mark every voxel that lies between two open rays at any angle."""
    n_angles, n = is_open.shape
    height, width = air.shape
    for row in range(height):
        z = 0.5 * (height - 1) - row
        line = air[row]
        first, last = 0, width
        for a in range(n_angles):
            first, last = _narrowed(line, first, last)
            at = np.float32(cosines[a] * z + sines[a] * 0.5 * (width - 1) + 0.5 * (n - 1))
            slope = np.float32(-sines[a])
            one = is_open[a]
            for j in range(first, last):
                line[j] |= one[int(at + slope * np.float32(j))]


@njit(cache=True)
def _narrowed(air, first, last):  # type: ignore[no-untyped-def]
    """The stretch of a row without the air at its ends."""
    while first < last and air[first]:
        first += 1
    while last > first and air[last - 1]:
        last -= 1
    return first, last


def _marked(scene: Scene, sensor: Sensor, field_px: tuple[int, int], x_mm: float) -> tuple[IntArray, IntArray]:
    """Material id (0 for air) and object (-1 for none) of every voxel of a slice, as in its middle."""
    rows = np.flatnonzero(_crosses(scene, x_mm))
    marks = np.full(
        (4, *field_px), -1, np.int64
    )  # material row and object, and what lay there before the last whole thing
    _mark(marks, scene.ints[rows], scene.reals[rows], scene.planes, float(x_mm), sensor.geometry.pixel_mm)
    return marks[0] + 1, marks[1]


@njit(cache=True)
def _mark(marks, ints, reals, planes, x_mm, voxel) -> None:  # type: ignore[no-untyped-def]
    """Write every primitive over its parent, in the order of the scene; a hole shows again what lay under its parent.

    What is thinner than a voxel marks the voxels that it runs through.
    """
    height, width = marks.shape[1:]
    local, half = np.empty(3), np.empty(3)
    for i in range(len(ints)):
        rot = reals[i, 6:15]
        for k in range(3):
            half[k] = max(reals[i, 3 + k], 0.5 * voxel) if ints[i, 1] >= 0 else reals[i, 3 + k]
        ey = abs(rot[3]) * half[0] + abs(rot[4]) * half[1] + abs(rot[5]) * half[2]
        ez = abs(rot[6]) * half[0] + abs(rot[7]) * half[1] + abs(rot[8]) * half[2]
        c0 = max(int((reals[i, 1] - ey) / voxel + 0.5 * width - 1.0), 0)
        c1 = min(int((reals[i, 1] + ey) / voxel + 0.5 * width + 2.0), width)
        r0 = max(int(height - (reals[i, 2] + ez) / voxel - 2.0), 0)
        r1 = min(int(height - (reals[i, 2] - ez) / voxel + 2.0), height)
        for row in range(r0, r1):
            z = (height - row - 0.5) * voxel - reals[i, 2]
            for column in range(c0, c1):
                y = (column + 0.5 - 0.5 * width) * voxel - reals[i, 1]
                x = x_mm - reals[i, 0]
                for k in range(3):
                    local[k] = rot[k] * x + rot[3 + k] * y + rot[6 + k] * z
                n_round = 0
                if ints[i, 0] == ELLIPSOID:
                    n_round = 3
                elif ints[i, 0] == CYLINDER:
                    n_round = 2
                inside, round_part = True, 0.0
                for k in range(3):
                    if k < n_round:
                        round_part += (local[k] / half[k]) ** 2
                    elif abs(local[k]) > half[k]:
                        inside = False
                if round_part > 1.0:
                    inside = False
                for p in range(ints[i, 5], ints[i, 6]):
                    if planes[p, 0] * local[0] + planes[p, 1] * local[1] + planes[p, 2] * local[2] > planes[p, 3]:
                        inside = False
                if not inside:
                    continue
                if ints[i, 2] < 0:
                    marks[2:, row, column] = marks[:2, row, column]
                if ints[i, 1] < 0:
                    marks[:2, row, column] = marks[2:, row, column]
                else:
                    marks[0, row, column], marks[1, row, column] = ints[i, 1], ints[i, 4]
