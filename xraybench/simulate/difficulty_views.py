"""What each kind of scanner shows of a threat, noise-free: with it, with its twin's innocent thing, and with neither.

A line scan is compared view by view, a CT scan slice by slice in the slices of the threat's own scan, a backscatter scan as
the one picture it is. All give the same record, so that `difficulty` needs to know one set of formulas.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from xraybench.core.sensor import Sensor
from xraybench.core.types import BoolArray, FloatArray, UInt8Array, UInt16Array
from xraybench.simulate import backscatter, ct, detector, labels, paths, spectral
from xraybench.simulate.display import display, effective_z, grey
from xraybench.simulate.scene import Scene

_OPAQUE = 0.004  # a channel darker than this and four electronic deviations shows nothing
_REACH_PX = 2  # the point spread carries a difference this far


@dataclass(frozen=True, slots=True)
class Picture:
    """One noise-free picture, each (height, width).

    `reading` is -ln hi of a line scan, linear attenuation in 1/cm of a slice, what comes back of a backscatter scan as a
    share of thick polyethylene; `noise` is its standard deviation (NaN where nobody asks); `grey` what the display shows,
    0 to 255; `z` the effective atomic number, NaN where the sensor is not dual.
    """

    reading: FloatArray
    noise: FloatArray
    grey: FloatArray
    z: FloatArray


@dataclass(frozen=True, slots=True)
class Seen:
    """One threat in one view.

    `mask` is its shadow (its cut in a slice), `slot` that of the twin's innocent thing; `d_q` and `d_q_removed` are an ideal
    observer's detectability against the two other pictures, on what the detector counts (the projections of a slice).
    `share` is the threat's share of the signal, NaN where nothing can lie over it; `opaque` the share of its shadow that
    shows nothing of it; `view_difficulty` as in the table.
    """

    object_index: int
    view: int
    mask: BoolArray
    slot: BoolArray
    shown: Picture
    substituted: Picture
    removed: Picture
    d_q: float
    d_q_removed: float
    share: float
    opaque: float
    view_difficulty: float


def seen(scene: Scene, twin: Scene, sensor: Sensor, field: tuple[int, int]) -> Iterator[Seen]:
    """Every threat of the scene in every view that shows it, view after view."""
    threats = [number for number, thing in enumerate(scene.objects) if thing.threat]
    kind = {"ct": _in_slices, "backscatter": _in_backscatter}.get(sensor.modality, _in_shadows)
    yield from kind(scene, twin, sensor, field, threats)


# line scans -------------------------------------------------------------------------------------------------------


def _in_shadows(
    scene: Scene, twin: Scene, sensor: Sensor, field: tuple[int, int], threats: list[int]
) -> Iterator[Seen]:
    for view in range(sensor.n_views):
        counted, twins = (_line_signals(one, sensor, field, view) for one in (scene, twin))
        shown, substituted = (_line_picture(sensor, signals) for signals in (counted, twins))
        slot = _slot_shadow(twin, sensor, field, view)
        index = 0  # counts the threats that this view shows, as the rows of `objects` do
        for number in threats:
            mask = _shadow(paths.turned(scene, sensor, view), sensor, number, field)
            if not mask.any():
                continue
            left = _line_signals(without(scene, number), sensor, field, view)
            removed = _line_picture(sensor, left)
            added = shown.reading - removed.reading
            dark = counted[0][mask] < 4 * sensor.detector.electronic_noise + _OPAQUE
            yield Seen(
                index, view, mask, slot, shown, substituted, removed,
                d_q=_line_detectability(sensor, counted, twins, mask),
                d_q_removed=_line_detectability(sensor, counted, left, mask),
                share=float((added / np.maximum(shown.reading, 1e-6))[mask].mean()),
                opaque=float(dark.mean()),
                view_difficulty=_turned_away(scene, sensor, field, view, number),
            )  # fmt: skip
            index += 1


def _line_signals(scene: Scene, sensor: Sensor, field: tuple[int, int], view: int) -> FloatArray:
    """Channels and their variances behind the point spread, shape (2 * n_channels, height, width)."""
    maps = paths.path_maps(scene, sensor, field, view=view)
    signals = spectral.signals(maps.cm, maps.materials, sensor)
    detector.blur(signals, detector.blur_taps(sensor.detector.blur_px))
    return signals.astype(np.float64)


def _line_deviation(sensor: Sensor, signals: FloatArray) -> FloatArray:
    """Of the noise of each channel, (n_channels, height, width)."""
    n_channels = len(signals) // 2
    quanta = np.array(sensor.detector.quanta[:n_channels])[:, None, None]
    variance = np.maximum(signals[n_channels:], 0.0) / quanta + sensor.detector.electronic_noise**2
    return np.asarray(sensor.noise_scale * np.sqrt(variance))


def _line_detectability(sensor: Sensor, signals: FloatArray, null: FloatArray, mask: BoolArray) -> float:
    n_channels = len(signals) // 2
    near = grown(mask, _REACH_PX)
    apart = (signals - null)[:n_channels][:, near]
    return _detectability(apart, _line_deviation(sensor, signals)[:, near])


def _line_picture(sensor: Sensor, signals: FloatArray) -> Picture:
    n_channels = len(signals) // 2
    least = max(sensor.detector.electronic_noise, 1e-5)
    depth = -np.log(np.maximum(signals[:n_channels], least))
    counts = np.rint(np.clip(signals[[0, n_channels - 1]], 0.0, 1.08) * sensor.open_beam)
    z = np.full(depth[0].shape, np.nan)
    if sensor.is_dual:
        z = effective_z(sensor, depth[0], depth[1])
    noise = _line_deviation(sensor, signals)[0] / np.maximum(signals[0], 1e-9)
    return Picture(depth[0], noise, _shown(sensor, counts.astype(np.uint16).transpose(1, 2, 0)), z)


def _turned_away(scene: Scene, sensor: Sensor, field: tuple[int, int], view: int, number: int) -> float:
    """1 - the shadow in this view over the largest along three axes: turned by a quarter about travel and across it too."""
    turned = paths.turned(scene, sensor, view)
    rows = np.flatnonzero(turned.ints[:, 4] == number)
    middle = turned.reals[rows, :3].mean(axis=0)
    quarter_x = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
    quarter_y = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])
    areas = [int(_shadow(turned, sensor, number, field).sum())]
    for turn in (quarter_x, quarter_y):
        reals = turned.reals.copy()
        reals[:, :3] = (reals[:, :3] - middle) @ turn.T + middle
        reals[:, 6:15] = (turn @ reals[:, 6:15].reshape(-1, 3, 3)).reshape(-1, 9)
        areas.append(int(_shadow(replace(turned, reals=reals), sensor, number, field).sum()))
    return 1.0 - areas[0] / max(areas)


def _slot_shadow(twin: Scene, sensor: Sensor, field: tuple[int, int], view: int) -> BoolArray:
    """Where the twin's innocent thing lies in the beam."""
    mask = np.zeros(field, dtype=np.bool_)
    for number in _slots(twin):
        mask |= _shadow(paths.turned(twin, sensor, view), sensor, number, field)
    return mask


def _shadow(turned: Scene, sensor: Sensor, number: int, field: tuple[int, int]) -> BoolArray:
    """Where one object of a scene, turned to its view already, lies in the beam."""
    return labels._shadow(turned, sensor, number, field)[0]


# CT slices --------------------------------------------------------------------------------------------------------


def _in_slices(scene: Scene, twin: Scene, sensor: Sensor, field: tuple[int, int], threats: list[int]) -> Iterator[Seen]:
    positions = ct.positions_mm(scene, sensor, field)
    cuts = {number: [ct.cut(scene, sensor, field, x_mm, number) for x_mm in positions] for number in threats}
    largest = {number: max(int(mask.sum()) for mask in masks) for number, masks in cuts.items()}
    for view, x_mm in enumerate(positions):
        here = [number for number in threats if cuts[number][view].any()]
        if not here:
            continue
        rays, shown = _slice(scene, sensor, field, x_mm, with_noise=True)
        twin_rays, substituted = _slice(twin, sensor, field, x_mm)
        slot = np.zeros(field, dtype=np.bool_)
        for number in _slots(twin):
            slot |= ct.cut(twin, sensor, field, x_mm, number)
        for index, number in enumerate(here):
            mask = cuts[number][view]
            left_rays, removed = _slice(without(scene, number), sensor, field, x_mm)
            _, own = ct.sinogram(_alone(scene, number), sensor, field, x_mm)
            through = own.sum(axis=0) > 1e-6
            dark = rays[0][through] < 4 * sensor.detector.electronic_noise + _OPAQUE
            deviation = ct.ray_deviation(rays, sensor)
            yield Seen(
                index, view, mask, slot, shown, substituted, removed,
                d_q=_detectability((rays - twin_rays)[0], deviation),
                d_q_removed=_detectability((rays - left_rays)[0], deviation),
                share=math.nan,  # nothing lies over what a slice cuts
                opaque=float(dark.mean()) if dark.size else math.nan,
                view_difficulty=1.0 - int(mask.sum()) / largest[number],
            )  # fmt: skip


def _slice(
    scene: Scene, sensor: Sensor, field: tuple[int, int], x_mm: float, *, with_noise: bool = False
) -> tuple[FloatArray, Picture]:
    """What the rays of one slice count (signal and its variance), and the slice reconstructed."""
    names, lengths = ct.sinogram(scene, sensor, field, x_mm)
    rays = spectral.signals(lengths, names, sensor)
    picture = ct.reconstructed(rays, sensor, field, None).astype(np.float64)
    counts = np.clip(np.rint(ct.AIR_COUNT + sensor.open_beam * picture), 0, 65535).astype(np.uint16)
    unknown = np.full(field, np.nan)
    noise = ct.voxel_deviation(rays, sensor, field).astype(np.float64) if with_noise else unknown
    return rays.astype(np.float64), Picture(picture, noise, _shown(sensor, counts[:, :, None]), unknown)


# backscatter ------------------------------------------------------------------------------------------------------


def _in_backscatter(
    scene: Scene, twin: Scene, sensor: Sensor, field: tuple[int, int], threats: list[int]
) -> Iterator[Seen]:
    shown, substituted = _returned(scene, sensor, field), _returned(twin, sensor, field)
    slot = _slot_shadow(twin, sensor, field, 0)
    index = 0
    for number in threats:
        mask = _shadow(scene, sensor, number, field)
        if not mask.any():
            continue
        removed = _returned(without(scene, number), sensor, field)
        own = backscatter.share_of(scene, sensor, field, number)[mask]
        near = grown(mask, _REACH_PX)
        yield Seen(
            index, 0, mask, slot, shown, substituted, removed,
            d_q=_detectability((shown.reading - substituted.reading)[near], shown.noise[near]),
            d_q_removed=_detectability((shown.reading - removed.reading)[near], shown.noise[near]),
            share=float(np.clip(own, 0.0, 1.0).mean()),
            opaque=float((own <= labels.LEAST_SHARE).mean()),
            view_difficulty=_turned_away(scene, sensor, field, 0, number),
        )  # fmt: skip
        index += 1


def _returned(scene: Scene, sensor: Sensor, field: tuple[int, int]) -> Picture:
    """What comes back, behind the point spread; its noise is that of the quanta and of the electronics."""
    back = backscatter.noise_free(scene, sensor, field)
    detector.blur(back[None], detector.blur_taps(sensor.detector.blur_px))
    reading = back.astype(np.float64)
    variance = np.maximum(reading, 0.0) / sensor.detector.quanta[0] + sensor.detector.electronic_noise**2
    counts = np.clip(np.rint(reading * sensor.open_beam), 0, 65535).astype(np.uint16)
    noise = np.asarray(sensor.noise_scale * np.sqrt(variance))
    return Picture(reading, noise, _shown(sensor, counts[:, :, None]), np.full(reading.shape, np.nan))


# for all ----------------------------------------------------------------------------------------------------------


def without(scene: Scene, number: int) -> Scene:
    """The scene without one object; what it displaced is there again."""
    return _kept(scene, np.flatnonzero(scene.ints[:, 4] != number))


def _alone(scene: Scene, number: int) -> Scene:
    """One object of the scene in air."""
    return _kept(scene, np.flatnonzero(scene.ints[:, 4] == number))


def _kept(scene: Scene, rows: "np.typing.NDArray[np.int64]") -> Scene:
    place = np.full(scene.n_primitives + 1, -1)
    place[rows] = np.arange(len(rows))
    ints = scene.ints[rows].copy()
    ints[:, 2] = place[ints[:, 2]]
    return replace(scene, ints=ints, reals=scene.reals[rows], texture_at=scene.texture_at[rows])


def _slots(twin: Scene) -> list[int]:
    return [number for number, thing in enumerate(twin.objects) if thing.role == "slot"]


def _detectability(apart: FloatArray, deviation: FloatArray) -> float:
    """Signal to noise of the ideal observer who knows both pictures exactly; an upper bound of what anybody can do."""
    if not (deviation > 0).all():
        return math.nan
    return float(np.sqrt(((apart / deviation) ** 2).sum()))


def _shown(sensor: Sensor, counts: UInt16Array) -> FloatArray:
    """Brightness of what the display shows, 0 to 255."""
    counts = np.ascontiguousarray(counts)
    picture: UInt8Array = display(sensor, counts) if sensor.is_dual else grey(sensor, counts)
    return np.asarray(picture.astype(np.float64).mean(axis=2))


def grown(mask: BoolArray, by_px: int) -> BoolArray:
    """The mask and what lies within so many pixels of it."""
    from scipy.ndimage import binary_dilation

    return np.asarray(binary_dilation(mask, iterations=by_px))
