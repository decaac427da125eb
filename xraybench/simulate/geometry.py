"""Path lengths of rays through convex primitives, per material: the inner loop of the simulator, in numba.

A primitive is a box, an ellipsoid or an elliptic cylinder, cut by any number of half-spaces (a convex prism is a cut box).
It adds its path to the map of its own material and takes the same path from the map of the material it displaces, so a
hollow or nested thing stays exact and every map stays linear in the primitives.

Line scan: the ray of row r and column c runs from the source at (x_c, 0, source height) to the belt at (x_c, y_r, 0), so its
direction depends on the row only, and along a row every bound of a flat face is linear in the column. That makes the loop
over columns one short vector loop. Lengths are mm inside, cm in the maps.
"""

import numpy as np
from numba import njit

from xraybench.core.types import Float32Array, FloatArray

BOX, ELLIPSOID, CYLINDER = 0, 1, 2
TEXEL_MM = 0.8  # of a scanner with pixels below 3.2 mm
TEXTURE_SIZE = 512  # texels; a power of two, the banks are periodic

_FAR = np.float32(1.0e9)
_FLAT = 1.0e-9  # a slope below this counts as parallel to the face


@njit(cache=True)
def _rows_of(cy: float, cz: float, ey: float, ez: float, height: float, pixel: float, n_rows: int):  # type: ignore[no-untyped-def]
    """First and last row (exclusive) that a box of half extents ey, ez about cy, cz can shadow."""
    low, high = 1.0e30, -1.0e30
    for sy in (-1.0, 1.0):
        for sz in (-1.0, 1.0):
            z = min(cz + sz * ez, 0.98 * height)
            y = (cy + sy * ey) * height / (height - z)
            low, high = min(low, y), max(high, y)
    first = int(np.floor(low / pixel + 0.5 * n_rows - 0.5))
    last = int(np.ceil(high / pixel + 0.5 * n_rows + 0.5))
    return max(first, 0), min(last, n_rows)


@njit(cache=True)
def _bound_above(high, ramp, at: float, slope: float) -> None:  # type: ignore[no-untyped-def]
    a, s = np.float32(at), np.float32(slope)
    for j in range(high.size):
        v = a + ramp[j] * s
        high[j] = v if v < high[j] else high[j]


@njit(cache=True)
def _bound_below(low, ramp, at: float, slope: float) -> None:  # type: ignore[no-untyped-def]
    a, s = np.float32(at), np.float32(slope)
    for j in range(low.size):
        v = a + ramp[j] * s
        low[j] = v if v > low[j] else low[j]


@njit(cache=True)
def _bound_round(low, high, ramp, a: float, b0: float, b1: float, c0: float, c1: float, c2: float) -> None:  # type: ignore[no-untyped-def]
    """Bounds of a quadric: a t^2 + 2 b t + c <= 0 with b linear and c quadratic in the column."""
    inv = np.float32(1.0 / a)
    fa, fb0, fb1 = np.float32(a), np.float32(b0), np.float32(b1)
    fc0, fc1, fc2 = np.float32(c0), np.float32(c1), np.float32(c2)
    nil = np.float32(0.0)
    for j in range(low.size):
        b = fb0 + ramp[j] * fb1
        c = fc0 + ramp[j] * (fc1 + ramp[j] * fc2)
        d = b * b - fa * c
        root = np.sqrt(d if d > nil else nil)
        near, far = (-b - root) * inv, (-b + root) * inv
        low[j] = near if near > low[j] else low[j]
        high[j] = far if far < high[j] else high[j]


@njit(cache=True)
def add_paths(  # type: ignore[no-untyped-def]
    maps,
    kind,
    pose,
    add_index,
    add_scale,
    sub_index,
    sub_scale,
    planes,
    plane_start,
    n_sub,
    texture,
    texture_at,
    texture_share,
    cut_texture,
    cut_at,
    cut_share,
    cut_sub,
    banks,
    texel_mm: float,
    columns,
    pixel_mm: float,
    source_height_mm: float,
) -> None:
    """Add the path of every primitive to `maps`, in place.

    Args:
        maps: Path maps in cm, float32, shape (n_maps, height, width).
        kind: BOX, ELLIPSOID or CYLINDER, shape (n,).
        pose: Centre (3), half sizes (3) and rotation (9, rows of the local-to-scene matrix), shape (n, 15), mm.
        add_index, add_scale: Map that gains, and by how much a mm counts; -1 for none.
        sub_index, sub_scale: Map that loses (the displaced material); -1 for none.
        planes: Half-spaces n . p <= d in local coordinates, rows (nx, ny, nz, d), shape (n_planes, 4).
        plane_start: Rows of `planes` that belong to primitive i are plane_start[i]:plane_start[i + 1].
        n_sub: Rays per pixel and axis; more than one where the primitive is thinner than a few pixels.
        texture, texture_at, texture_share: Bank index (-1 for none), offset in texels (n, 2), and depth of the texture.
        cut_texture, cut_at, cut_share, cut_sub: The same of the parent, and its `n_sub`: what is displaced goes with the
            texture it had.
        banks: Periodic textures with mean 0, shape (n_banks, TEXTURE_SIZE, TEXTURE_SIZE).
        columns: Where along travel each column is taken, in columns of the belt's own speed; 0, 1, 2 ... at that speed.
    """
    n_rows, n_cols = maps.shape[1], maps.shape[2]
    mask = banks.shape[1] - 1
    ramp_all = np.empty(n_cols, np.float32)
    early = 0
    for j in range(n_cols):
        early = max(early, int(np.ceil(abs(columns[j] - j))))
    texel_of = np.empty(n_cols, np.int64)
    for j in range(n_cols):
        texel_of[j] = int(np.floor(j * pixel_mm / texel_mm))
    low_all = np.empty(n_cols, np.float32)
    high_all = np.empty(n_cols, np.float32)
    cut_all = np.empty(n_cols, np.float32)
    o = np.empty(3)
    u = np.empty(3)
    step = np.empty(3)
    for i in range(kind.size):
        if add_index[i] < 0 and sub_index[i] < 0:
            continue
        cx, cy, cz = pose[i, 0], pose[i, 1], pose[i, 2]
        half = pose[i, 3:6]
        rot = pose[i, 6:15]
        ex = abs(rot[0]) * half[0] + abs(rot[1]) * half[1] + abs(rot[2]) * half[2]
        ey = abs(rot[3]) * half[0] + abs(rot[4]) * half[1] + abs(rot[5]) * half[2]
        ez = abs(rot[6]) * half[0] + abs(rot[7]) * half[1] + abs(rot[8]) * half[2]
        r0, r1 = _rows_of(cy, cz, ey, ez, source_height_mm, pixel_mm, n_rows)
        c0 = max(int(np.floor((cx - ex) / pixel_mm + 0.5 * n_cols - 0.5)) - early, 0)
        c1 = min(int(np.ceil((cx + ex) / pixel_mm + 0.5 * n_cols + 0.5)) + early, n_cols)
        if r1 <= r0 or c1 <= c0 or cz - ez >= 0.98 * source_height_mm:
            continue
        n = c1 - c0
        ramp, low, high = ramp_all[:n], low_all[:n], high_all[:n]
        for j in range(n):
            ramp[j] = np.float32(columns[c0 + j] - c0)
        sub = n_sub[i]
        share = 0.1 / (sub * sub)  # mm to cm
        gain = np.float32(share * add_scale[i])
        loss = np.float32(share * sub_scale[i])
        for k in range(3):
            step[k] = rot[k] * pixel_mm  # local origin moves along scene x from column to column
        cut = cut_all[:n]
        is_cut_textured = sub_index[i] >= 0 and cut_texture[i] >= 0
        for row in range(r0, r1):
            if is_cut_textured:  # the mean over the rays of the parent, which may be fewer
                bank = banks[cut_texture[i]]
                for j in range(n):
                    cut[j] = np.float32(1.0)
                depth = np.float32(cut_share[i] / cut_sub[i])
                for sr in range(cut_sub[i]):
                    y_belt = (row + (sr + 0.5) / cut_sub[i] - 0.5 * n_rows) * pixel_mm
                    ty = (int(np.floor(y_belt / texel_mm)) + cut_at[i, 0]) & mask
                    for j in range(n):
                        tx = (texel_of[c0 + j] + cut_at[i, 1]) & mask
                        cut[j] += depth * bank[ty, tx]
            for sr in range(sub):
                y_belt = (row + (sr + 0.5) / sub - 0.5 * n_rows) * pixel_mm
                norm = np.sqrt(y_belt * y_belt + source_height_mm * source_height_mm)
                uy, uz = y_belt / norm, -source_height_mm / norm
                y_at = y_belt * (source_height_mm - cz) / source_height_mm - cy  # on the ray, at the centre's height
                for k in range(3):
                    u[k] = rot[3 + k] * uy + rot[6 + k] * uz
                for sc in range(sub):
                    x_at = (c0 + (sc + 0.5) / sub - 0.5 * n_cols) * pixel_mm - cx
                    for k in range(3):
                        o[k] = rot[k] * x_at + rot[3 + k] * y_at
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
                        slope = u[k]
                        if abs(slope) < _FLAT:
                            slope = _FLAT
                        inv = 1.0 / slope
                        at, along, wide = -o[k] * inv, -step[k] * inv, half[k] * abs(inv)
                        _bound_below(low, ramp, at - wide, along)
                        _bound_above(high, ramp, at + wide, along)
                    for p in range(plane_start[i], plane_start[i + 1]):
                        nu = planes[p, 0] * u[0] + planes[p, 1] * u[1] + planes[p, 2] * u[2]
                        no = planes[p, 0] * o[0] + planes[p, 1] * o[1] + planes[p, 2] * o[2]
                        ns = planes[p, 0] * step[0] + planes[p, 1] * step[1] + planes[p, 2] * step[2]
                        if abs(nu) < _FLAT:
                            nu = _FLAT
                        if nu > 0.0:
                            _bound_above(high, ramp, (planes[p, 3] - no) / nu, -ns / nu)
                        else:
                            _bound_below(low, ramp, (planes[p, 3] - no) / nu, -ns / nu)
                    nil = np.float32(0.0)
                    for j in range(n):
                        path = high[j] - low[j]
                        low[j] = path if path > nil else nil
                    if sub_index[i] >= 0:
                        line = maps[sub_index[i], row, c0:c1]
                        if is_cut_textured:
                            for j in range(n):
                                line[j] -= loss * low[j] * cut[j]
                        else:
                            for j in range(n):
                                line[j] -= loss * low[j]
                    if texture[i] >= 0:  # after the loss: its own texture is not that of what it displaces
                        bank = banks[texture[i]]
                        ty = (int(np.floor(y_belt / texel_mm)) + texture_at[i, 0]) & mask
                        depth = np.float32(texture_share[i])
                        one = np.float32(1.0)
                        for j in range(n):
                            tx = (texel_of[c0 + j] + texture_at[i, 1]) & mask
                            low[j] *= one + depth * bank[ty, tx]
                    if add_index[i] >= 0:
                        line = maps[add_index[i], row, c0:c1]
                        for j in range(n):
                            line[j] += gain * low[j]


def texel_mm(pixel_mm: float) -> float:
    """Side of a texel as a scanner of this pitch sees it: about half a pixel, doubled from pitch to pitch."""
    texel = TEXEL_MM
    while pixel_mm >= 4.0 * texel:
        texel *= 2.0
    return texel


def make_texture_banks() -> Float32Array:
    """Five periodic textures with mean 0 and standard deviation 1: folds, grain, coarse grain, weave, creases.

    Made from a fixed seed, so that a scene renders the same everywhere.
    """
    rng = np.random.Generator(np.random.PCG64(20_240_607))
    size = TEXTURE_SIZE
    fy, fx = np.meshgrid(np.fft.fftfreq(size), np.fft.fftfreq(size), indexing="ij")
    f = np.hypot(fy, fx) * size  # cycles over the bank (410 mm)
    folds = _filtered(rng, np.exp(-((np.log((np.hypot(fy * 1.6, fx * 0.8) * size + 1e-9) / 9.0) / 0.55) ** 2)))
    folds = np.abs(folds) + 0.35 * _filtered(rng, np.exp(-((f - 26.0) ** 2) / 200.0))
    grain = _filtered(rng, np.exp(-((f / 90.0) ** 2)))
    coarse = _filtered(rng, 1.0 / (1.0 + (f / 14.0) ** 3))
    weave = _filtered(rng, np.exp(-((f - 60.0) ** 2) / 60.0))
    banks = np.stack([folds, grain, coarse, weave, _creases(rng, fx, fy)])
    banks -= banks.mean(axis=(1, 2), keepdims=True)
    banks /= banks.std(axis=(1, 2), keepdims=True)
    return np.asarray(np.clip(banks, -2.5, 2.5), dtype=np.float32)


def _creases(rng: np.random.Generator, fx: FloatArray, fy: FloatArray) -> FloatArray:
    """Crumpled cloth: narrow ridges along the level lines of long waves that run two ways, on a slow swell."""
    size = TEXTURE_SIZE
    found = 0.45 * _filtered(rng, np.exp(-((np.log((np.hypot(fy, fx) * size + 1e-9) / 5.0) / 0.5) ** 2)))
    for cycles, turn, height in ((5.0, 0.5, 1.0), (9.0, 2.1, 0.8), (15.0, 1.2, 0.45)):
        c, s = np.cos(turn), np.sin(turn)
        f = np.hypot(1.5 * (c * fx + s * fy), 0.7 * (c * fy - s * fx)) * size
        wave = _filtered(rng, np.exp(-((np.log((f + 1e-9) / cycles) / 0.45) ** 2)))
        found = found + height * np.exp(-((wave / 0.42) ** 2))
    return np.asarray(found + 0.12 * _filtered(rng, np.exp(-((np.hypot(fy, fx) * size - 70.0) ** 2) / 90.0)))


def _filtered(rng: np.random.Generator, transfer: FloatArray) -> FloatArray:
    white = np.fft.fft2(rng.standard_normal(transfer.shape))
    field = np.asarray(np.fft.ifft2(white * transfer).real, dtype=np.float64)
    return np.asarray(field / field.std())
