"""Threat image projection: put a threat into a scan that was taken without it, simulated or real.

A threat behind goods does not simply multiply their shadow: goods harden the beam. With two energies the background is
read back as so much polyethylene and so much steel, the threat's own paths are added, and both channels are made again. With
one energy, or a colour picture, only the product is left, and the result says so: every sample carries its grade.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from xraybench.core.errors import BadValue
from xraybench.core.sensor import Sensor
from xraybench.core.types import BoolArray, Float32Array, FloatArray
from xraybench.simulate import attenuation, detector, materials, paths, spectral
from xraybench.simulate.scene import Scene

# best first; what each rests on
GRADES = {
    "exact": "the threat stands in the scene itself and both were rendered together",
    "basis": "both channels of a known sensor, read back as polyethylene and steel",
    "multiplicative": "one channel of counts, times the threat's own transmission: too much contrast behind dense goods",
    "display": "a picture made for the eye, brightness taken back to transmission: its hues stay those of the background",
}
BASIS = ("polyethylene", "steel")
_LEAST = 2e-4  # a channel darker than this tells nothing about what is in the beam
_MOST_STEPS = 40


@dataclass(frozen=True, eq=False)
class Insert:
    """A threat as the sensor's rays meet it, and nothing else: path lengths in cm, shape (n_materials, height, width)."""

    threat: str
    kind: str
    materials: tuple[str, ...]
    cm: Float32Array

    @property
    def mask(self) -> BoolArray:
        """Where it lies in the beam, shape (height, width)."""
        return np.asarray((self.cm > 1e-6).any(axis=0))


@dataclass(frozen=True, eq=False)
class Projected:
    """A scan with the threat in it, and its label.

    Attributes:
        view: As the background: same shape, type and channels.
        box: x0, y0, x1, y1 in pixels, right and bottom exclusive.
        mask: The threat's shadow, shape (height, width).
        grade: One of GRADES.
        read_back: Share of the shadow where the background could be read back as two materials (grade `basis`); the rest is
            too dark or outside what two materials can give, and was multiplied. NaN for the other grades.
    """

    view: NDArray[np.generic]
    threat: str
    kind: str
    box: tuple[int, int, int, int]
    mask: BoolArray
    grade: str
    read_back: float


def threat_of(scene: Scene, sensor: Sensor, *, field_px: tuple[int, int] | None = None, view: int = 0) -> Insert:
    """The threats of a scene alone, cut out to their shadow.

    Raises:
        BadValue: When the scene holds no threat, or none inside the field; no such view or field.
    """
    numbers = [number for number, thing in enumerate(scene.objects) if thing.threat]
    if not numbers:
        raise BadValue(f"Scene {scene.name} holds no threat to insert.")
    if not 0 <= view < sensor.n_views:
        raise BadValue(f"view is {view}; {sensor.name} has views 0 to {sensor.n_views - 1}.")
    field = paths.checked_field(field_px) or (sensor.field(scene.vector).height_px, sensor.field(scene.vector).width_px)
    found = paths.path_maps(_alone(scene, numbers), sensor, field, view=view)
    cm: Float32Array = np.maximum(found.cm, np.float32(0.0))
    seen = cm.max(axis=0) > 1e-6
    if not seen.any():
        raise BadValue(f"No threat of scene {scene.name} lies inside the field of {sensor.name}.")
    ys, xs = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    cut = np.ascontiguousarray(cm[:, ys[0] : ys[-1] + 1, xs[0] : xs[-1] + 1])
    kept = np.flatnonzero((cut > 1e-6).any(axis=(1, 2))).tolist()
    thing = scene.objects[numbers[0]]
    return Insert(thing.threat, thing.kind, tuple(found.materials[i] for i in kept), cut[kept])


def _alone(scene: Scene, numbers: list[int]) -> Scene:
    """The scene with these objects only. What they displaced in others is no longer taken from anything."""
    rows = np.flatnonzero(np.isin(scene.ints[:, 4], numbers))
    place = np.full(scene.n_primitives + 1, -1)
    place[rows] = np.arange(len(rows))
    ints = scene.ints[rows].copy()
    ints[:, 2] = place[ints[:, 2]]  # a parent outside becomes -1; the last entry stands for -1
    return replace(scene, ints=ints, reals=scene.reals[rows], texture_at=scene.texture_at[rows])


def project(
    background: NDArray[np.generic],
    sensor: Sensor,
    insert: Insert,
    *,
    at: tuple[int, int],
    rng: np.random.Generator | None,
) -> Projected:
    """Put a threat into a scan.

    Args:
        background: One view: counts (uint16) of shape (height, width, 2) as `hi, lo`, or one channel (height, width, 1);
            or a picture (uint8), colour (height, width, 3) or grey (height, width, 1).
        sensor: What took it, or the nearest specification known of it: its spectrum and detector decide the contrast, its
            quanta the noise.
        at: Row and column of the insert's top left corner.
        rng: Draws the noise that is missing; None adds none. What the background's own noise becomes under the threat
            is kept, so only the difference in variance is drawn. A display picture gets no noise.

    Raises:
        BadValue: A background of another shape or type, an insert that does not lie inside it, paths below zero or not
            finite, or a sensor that does not look through its items.

    Source:
        simulation.md 6: two-basis projection, exact to 0.1 % noise-free where background and threat hold no K edge inside
        the spectrum. Scatter and the blur of the background are left as they are.
    """
    _check(background, sensor, insert, at)
    top, left = at
    height, width = insert.cm.shape[1:]
    mask = np.zeros(background.shape[:2], dtype=np.bool_)
    mask[top : top + height, left : left + width] = insert.mask
    wide = (
        detector.blur_taps(sensor.detector.blur_px).size // 2
    )  # the point spread carries the shadow this much further
    window = _window(mask, wide)
    cm = np.zeros((len(insert.materials), *mask.shape), np.float32)
    cm[:, top : top + height, left : left + width] = insert.cm
    patch, cm = background[window], cm[(slice(None), *window)]
    if background.dtype == np.uint8:
        changed, grade, read_back = _in_display(patch, sensor, insert.materials, cm), "display", float("nan")
    elif background.shape[2] == 2 and sensor.is_dual:
        changed, read_back = _in_both_channels(patch, sensor, insert.materials, cm, rng)
        grade = "basis"
    else:
        changed, grade, read_back = (
            _in_one_channel(patch, sensor, insert.materials, cm, rng),
            "multiplicative",
            float("nan"),
        )
    view = background.copy()
    view[window] = changed
    ys, xs = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = (int(xs[0]), int(ys[0]), int(xs[-1]) + 1, int(ys[-1]) + 1)
    return Projected(view, insert.threat, insert.kind, box, mask, grade, read_back)


def read_back(sensor: Sensor, hi: FloatArray, lo: FloatArray) -> tuple[FloatArray, BoolArray]:
    """The thickness of polyethylene and of steel that would give these signals of a dual sensor.

    Args:
        hi, lo: Signals, open beam 1, both of shape (n,). Noise above the open beam gives a thickness below zero.

    Returns:
        Thickness in cm, shape (n, 2), and where it was found.
    """
    beam = spectral.nodes(sensor)
    mu = np.stack([attenuation.linear_attenuation(name, beam.energy_kev) for name in BASIS])
    weights = beam.weights[:2]
    depth = -np.log(np.maximum(np.stack([hi, lo], axis=1), 1e-12))
    found = np.zeros((len(depth), 2))
    found[:, 0] = depth[:, 0] / (weights[0] @ mu[0])  # all of it polyethylene, to begin with
    done = np.zeros(len(depth), dtype=np.bool_)
    bright = (hi > _LEAST) & (lo > _LEAST)
    rows = np.flatnonzero(bright)
    for _ in range(_MOST_STEPS):
        passed = np.exp(np.minimum(-found[rows] @ mu, 50.0))
        signal = passed @ weights.T
        off = depth[rows] + np.log(signal)
        settled = np.abs(off).max(axis=1) < 1e-9
        done[rows[settled]] = True
        rows, passed, signal, off = rows[~settled], passed[~settled], signal[~settled], off[~settled]
        if rows.size == 0:
            break
        slope = np.einsum("ne,ce,me->ncm", passed, weights, mu) / signal[:, :, None]
        determinant = slope[:, 0, 0] * slope[:, 1, 1] - slope[:, 0, 1] * slope[:, 1, 0]
        determinant = np.where(np.abs(determinant) < 1e-12, 1e-12, determinant)
        step = np.stack(
            [
                slope[:, 1, 1] * off[:, 0] - slope[:, 0, 1] * off[:, 1],
                slope[:, 0, 0] * off[:, 1] - slope[:, 1, 0] * off[:, 0],
            ],
            axis=1,
        )
        step /= determinant[:, None]
        most = np.abs(step @ mu.mean(axis=1))  # in mean free paths: never more than two at a time
        found[rows] += step / np.maximum(most / 2.0, 1.0)[:, None]
    possible = np.isfinite(found).all(axis=1) & (np.abs(found @ mu.min(axis=1)) < 30.0)
    return found, np.asarray(done & possible)


def _in_both_channels(
    patch: NDArray[np.generic],
    sensor: Sensor,
    names: tuple[str, ...],
    cm: Float32Array,
    rng: np.random.Generator | None,
) -> tuple[NDArray[np.generic], float]:
    beam = spectral.nodes(sensor)
    shape = patch.shape[:2]
    counts = patch.reshape(-1, 2).astype(np.float64) / sensor.open_beam
    inside = np.flatnonzero((cm > 1e-6).any(axis=0).ravel())
    own = np.exp(-_depth(names, cm, beam.energy_kev)[inside])  # the threat's transmission at each node
    calm = _smoothed(counts.reshape(*shape, 2)).reshape(-1, 2)[inside]
    basis_cm, found = read_back(sensor, calm[:, 0], calm[:, 1])
    mu = np.stack([attenuation.linear_attenuation(name, beam.energy_kev) for name in BASIS])
    behind = np.where(
        found[:, None], np.exp(np.minimum(-basis_cm @ mu, 50.0)), 1.0
    )  # not read back: as in the open beam
    before, after = behind @ beam.weights.T, (behind * own) @ beam.weights.T
    ratio, variance = np.ones((len(counts), 2)), np.zeros((len(counts), 2))
    ratio[inside] = after[:, :2] / before[:, :2]
    scale = np.where(found[:, None], 1.0, counts[inside] / before[:, :2])
    lost = scale * (after[:, 2:] - ratio[inside] ** 2 * before[:, 2:])
    variance[inside] = _missing(sensor, lost, ratio[inside])
    return _exposed(patch, shape, ratio, variance, sensor, rng), float(found.mean())


def _smoothed(counts: FloatArray) -> FloatArray:
    """Mean of 3 x 3 pixels, the middle most: the noise of one channel must not leak through the read-back into the other."""
    padded = np.pad(counts, ((1, 1), (1, 1), (0, 0)), mode="edge")
    rows = 0.25 * padded[:-2] + 0.5 * padded[1:-1] + 0.25 * padded[2:]
    return np.asarray(0.25 * rows[:, :-2] + 0.5 * rows[:, 1:-1] + 0.25 * rows[:, 2:])


def _in_one_channel(
    patch: NDArray[np.generic],
    sensor: Sensor,
    names: tuple[str, ...],
    cm: Float32Array,
    rng: np.random.Generator | None,
) -> NDArray[np.generic]:
    beam = spectral.nodes(sensor)
    n_channels = patch.shape[2]
    ratio = np.exp(-_depth(names, cm, beam.energy_kev)) @ beam.weights[[0] * n_channels].T
    counts = patch.reshape(-1, n_channels).astype(np.float64) / sensor.open_beam
    lost = counts * ratio * (1.0 - ratio) * beam.weights[beam.n_channels].sum()
    variance = _missing(sensor, lost, ratio)
    variance[(ratio == 1.0)] = 0.0
    if n_channels == 2 and rng is not None:  # one energy: the two channels are one measurement, noise and all
        changed = _exposed(patch[:, :, :1], patch.shape[:2], ratio[:, :1], variance[:, :1], sensor, rng)
        return np.repeat(changed, 2, axis=2)
    return _exposed(patch, patch.shape[:2], ratio, variance, sensor, rng)


def _in_display(
    patch: NDArray[np.generic], sensor: Sensor, names: tuple[str, ...], cm: Float32Array
) -> NDArray[np.generic]:
    """Brightness back to transmission by the display's own gamma and window, times the threat's, and forth again."""
    beam = spectral.nodes(sensor)
    own = (np.exp(-_depth(names, cm, beam.energy_kev)) @ beam.weights[: beam.n_channels].T).mean(axis=1)
    own = _blurred(own.reshape(1, *patch.shape[:2]), sensor)[0]
    picture = patch.astype(np.float64)
    grey = picture.mean(axis=2) / 255.0
    black, white = sensor.display.window
    transmitted = black + (white - black) * grey ** (1.0 / sensor.display.gamma)
    darker = np.clip((transmitted * own - black) / (white - black), 0.0, 1.0) ** sensor.display.gamma
    changed = np.rint(np.clip(picture * (darker / np.maximum(grey, 1e-9))[:, :, None], 0, 255)).astype(np.uint8)
    return np.where((own < 1.0)[:, :, None], changed, patch)


def _depth(names: tuple[str, ...], cm: Float32Array, energy_kev: FloatArray) -> FloatArray:
    """Attenuation by the threat at each energy, shape (n_pixels, n_energies)."""
    mu = np.stack([attenuation.linear_attenuation(name, energy_kev) for name in names])
    return np.asarray(cm.reshape(len(names), -1).T.astype(np.float64) @ mu)


def _missing(sensor: Sensor, lost: FloatArray, ratio: FloatArray) -> FloatArray:
    """Variance that the darker pixel has over what scaling has left of the background's own, per channel."""
    quanta = np.array(sensor.detector.quanta)[: lost.shape[1]]
    electronic = sensor.detector.electronic_noise**2 * (1.0 - ratio**2)
    return np.asarray(sensor.noise_scale**2 * np.maximum(lost / quanta + electronic, 0.0))


def _exposed(
    patch: NDArray[np.generic],
    shape: tuple[int, ...],
    ratio: FloatArray,
    variance: FloatArray,
    sensor: Sensor,
    rng: np.random.Generator | None,
) -> NDArray[np.generic]:
    n_channels = ratio.shape[1]
    planes = np.concatenate([ratio.T, variance.T]).reshape(2 * n_channels, *shape)
    planes = _blurred(planes, sensor)
    counts = patch.astype(np.float64) * planes[:n_channels].transpose(1, 2, 0)
    if rng is not None:
        noise = rng.standard_normal((*shape, n_channels))
        counts += sensor.open_beam * np.sqrt(planes[n_channels:]).transpose(1, 2, 0) * noise
    changed = np.clip(np.rint(counts), 0, 65535).astype(np.uint16)
    same = (planes[:n_channels] == 1.0).all(axis=0)
    return np.where(same[:, :, None], patch, changed)


def _blurred(planes: FloatArray, sensor: Sensor) -> FloatArray:
    """The sensor's point spread over the threat's shadow; exactly 1 stays exactly 1."""
    soft = planes.astype(np.float32)
    detector.blur(soft, detector.blur_taps(sensor.detector.blur_px))
    near = np.maximum(soft.astype(np.float64), 0.0)
    return np.where(np.abs(near - 1.0) < 1e-6, 1.0, near)


def _window(mask: BoolArray, wide: int) -> tuple[slice, slice]:
    ys, xs = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return (
        slice(max(int(ys[0]) - wide, 0), int(ys[-1]) + wide + 1),
        slice(max(int(xs[0]) - wide, 0), int(xs[-1]) + wide + 1),
    )


def _check(background: NDArray[np.generic], sensor: Sensor, insert: Insert, at: tuple[int, int]) -> None:
    if sensor.modality != "transmission":
        raise BadValue(f"sensor.modality of {sensor.name} is {sensor.modality}; projection needs a transmission scan.")
    kinds = {np.dtype(np.uint16): (1, 2), np.dtype(np.uint8): (1, 3)}
    if background.dtype not in kinds or background.ndim != 3 or background.shape[2] not in kinds[background.dtype]:
        raise BadValue(
            f"background is {background.dtype} of shape {background.shape}; it is uint16 (height, width, 2 or 1) "
            "or uint8 (height, width, 3 or 1)."
        )
    if insert.cm.ndim != 3 or len(insert.cm) != len(insert.materials):
        raise BadValue(
            f"insert.cm has shape {insert.cm.shape}; it is ({len(insert.materials)} materials, height, width)."
        )
    for name in insert.materials:
        materials.get(name)
    if not np.isfinite(insert.cm).all() or (insert.cm < 0).any():
        raise BadValue("insert.cm holds a path that is below zero or not finite; a path is 0 cm or more.")
    if not insert.mask.any():
        raise BadValue("insert.cm is zero everywhere: there is nothing to insert.")
    if len(at) != 2 or not all(isinstance(n, int | np.integer) for n in at):
        raise BadValue(f"at is {at}; it is row and column, two whole numbers.")
    room = background.shape[:2]
    if min(at) < 0 or at[0] + insert.cm.shape[1] > room[0] or at[1] + insert.cm.shape[2] > room[1]:
        raise BadValue(
            f"at is {at}: an insert of {insert.cm.shape[1]} x {insert.cm.shape[2]} pixels does not fit there "
            f"into {room[0]} x {room[1]}."
        )
