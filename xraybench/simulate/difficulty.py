"""How hard a threat is to see, measured from the simulator: what physics leaves, what clutter hides, what a display shows.

The scan with the threat is compared, noise-free, with two others. *Substituted*: the benign twin, where an innocent thing of
like size stands in the threat's place; this is what a screener has to tell apart. *Removed*: the same scan without the
threat; this says how much of the beam the threat takes. No single index orders all concealments, so there are several.
"""

from dataclasses import astuple, dataclass, replace

import numpy as np
import pandas as pd

from xraybench.core.errors import BadValue, UnknownName
from xraybench.core.registry import did_you_mean
from xraybench.core.sensor import Sensor
from xraybench.core.tables import Column, Table
from xraybench.core.types import BoolArray, FloatArray, UInt8Array
from xraybench.simulate import detector, labels, paths, spectral
from xraybench.simulate.display import display, effective_z, grey
from xraybench.simulate.scene import Scene

RING_PX = 12  # width of the surroundings that a threat is compared with
OPAQUE = 0.004  # a channel darker than this and four electronic deviations shows nothing
LEVELS = ("L0", "L1", "L2", "L3", "L4")
_DIGITS = 6
_SSIM_PX = 7
_HIGH_PASS = (0.05, 2)  # cycles a pixel at half height, and order, of the clutter filter
_DARK_GREY = 64


@dataclass(frozen=True, slots=True)
class Difficulty:
    """How hard one threat is to see in one view. NaN where an index has no meaning (see DIFFICULTY for each)."""

    object_index: int
    view: int
    level: str
    d_q: float
    d_q_removed: float
    contrast: float
    contrast_removed: float
    clutter_cnr: float
    share: float
    opaque: float
    material_shift: float
    contour: float
    ssim_loss: float
    ssim_loss_removed: float
    view_difficulty: float
    decoy_overlap: float
    sch_superposition: float
    sch_clutter: float
    sch_transparency: float


def _index(name: str, meaning: str, *, high: float = np.inf, low: float = 0.0) -> Column:
    return Column(name, "float", meaning, low=low, high=high, may_miss=True)


# the indices of a corpus: rows of `Difficulty`, each with its scan
DIFFICULTY = Table(
    "difficulty",
    (
        Column("scan_id", "text", "the scan the threat is seen in"),
        Column("object_index", "int", "index of the object within the scan, as in objects", low=0),
        Column("view", "int", "index of the view within the scan", low=0),
        Column("level", "text", "L0 bare to L4 out of reach, by the rule of simulate.difficulty.level", terms=LEVELS),
        _index("d_q", "detectability by an ideal observer against the benign twin, in deviations of the noise"),
        _index("d_q_removed", "the same against the scan without the threat"),
        _index("contrast", "mean difference of -ln hi to the benign twin, over the shadow"),
        _index("contrast_removed", "mean -ln hi that the threat adds, over the shadow", low=-np.inf),
        _index("clutter_cnr", "what the threat adds over the unrest of its surroundings and the noise"),
        _index("share", "share of the attenuation in the shadow that is the threat's", low=-np.inf, high=1.0),
        _index("opaque", "share of the shadow where the beam is all but gone", high=1.0),
        _index(
            "material_shift", "mean difference of the effective atomic number to the benign twin; dual sensors only"
        ),
        _index("contour", "steepness of the threat's outline over that of the surroundings"),
        _index("ssim_loss", "1 - structural similarity of the displays to the benign twin, shadow and ring", high=2.0),
        _index("ssim_loss_removed", "the same to the scan without the threat", high=2.0),
        _index("view_difficulty", "1 - shadow over the largest shadow the threat throws along three axes", high=1.0),
        _index(
            "decoy_overlap", "shadows of threat and of what stands there in the twin: intersection over union", high=1.0
        ),
        _index(
            "sch_superposition", "Schwaninger-type: 1 - root mean square difference of grey with and without", high=1.0
        ),
        _index("sch_clutter", "Schwaninger-type: mean high-pass grey of the scan without the threat"),
        _index("sch_transparency", "Schwaninger-type: share of the item that shows dark without the threat", high=1.0),
    ),
    key=("scan_id", "object_index", "view"),
)
INDICES = tuple(column.name for column in DIFFICULTY.columns[4:])
HARD_WHEN_HIGH = ("opaque", "view_difficulty", "decoy_overlap", "sch_superposition", "sch_clutter", "sch_transparency")
SPAN_DECADES = ("d_q", "d_q_removed", "clutter_cnr", "contour")  # told apart by their logarithm


@dataclass(frozen=True, slots=True)
class _Picture:
    """One noise-free view: signals and their variances (2 * n_channels, height, width), and what the display shows."""

    signals: FloatArray
    deviation: FloatArray  # of the noise, (n_channels, height, width)
    depth: FloatArray  # -ln hi
    grey: FloatArray  # 0 to 255
    z: FloatArray  # effective atomic number; NaN where the sensor is not dual


def indices(scene: Scene, twin: Scene, sensor: Sensor, *, field_px: tuple[int, int] | None = None) -> list[Difficulty]:
    """The indices of every threat of a scene, in every view that shows it.

    Args:
        scene: With at least one threat.
        twin: Its benign twin: made with the same seed, name and concealment, and no threat.

    Returns:
        One record a threat and view; none for CT and backscatter, where the formulas do not hold.

    Raises:
        BadValue: When the twin holds a threat or is of another vector.

    Source:
        simulation.md 5. Schwaninger-type indices after Bolfing and Schwaninger (2007) as described there, normalised by us.
        Numbers are rounded to six digits, so that they are the same on every processor.
    """
    if twin.threat or any(thing.threat for thing in twin.objects) or twin.vector != scene.vector:
        raise BadValue(
            f"twin is {twin.vector} {twin.name} with threat '{twin.threat}'; it is {scene.vector} without one."
        )
    if sensor.modality != "transmission":
        return []
    field = field_px or (sensor.field(scene.vector).height_px, sensor.field(scene.vector).width_px)
    numbers = [number for number, thing in enumerate(scene.objects) if thing.threat]
    found = []
    for view in range(sensor.n_views):
        shown = _picture(scene, sensor, field, view)
        substituted = _picture(twin, sensor, field, view)
        slot = _slot_mask(twin, sensor, field, view)
        index = 0  # counts the threats that this view shows, as the rows of `objects` do
        for number in numbers:
            mask = _shadow(paths.turned(scene, sensor, view), sensor, number, field)
            if mask.any():
                areas = _areas(scene, sensor, field, view, number)
                removed = _picture(_without(scene, number), sensor, field, view)
                found.append(_measured(sensor, index, view, mask, slot, areas, shown, substituted, removed))
                index += 1
    return found


def rows(records: list[Difficulty], scan_id: str) -> list[tuple[str | int | float, ...]]:
    """The records as rows of DIFFICULTY."""
    return [(scan_id, *astuple(record)) for record in records]


def of_scans(difficulty: pd.DataFrame, index: str) -> "pd.Series[float]":
    """One value of an index a scan: where its threat is easiest to see, over threats and views; NaN left out.

    Args:
        difficulty: Rows of DIFFICULTY.

    Raises:
        UnknownName: No such index; with the nearest.
    """
    if index not in INDICES:
        raise UnknownName(f"No index of difficulty is called '{index}'. {did_you_mean(index, list(INDICES))}")
    values = difficulty.dropna(subset=[index]).groupby("scan_id", sort=True)[index]
    return values.min() if index in HARD_WHEN_HIGH else values.max()


def level(d_q: float, opaque: float, contrast: float, material_shift: float, share: float, clutter_cnr: float) -> str:
    """How well hidden, by a rule fitted by eye to five scenes of one sensor and validated on nothing else.

    L4 out of reach: more than half the shadow opaque, or an ideal observer below five deviations. L3 disguised: the benign
    twin is within 0.15 in -ln hi and within one unit of atomic number. L2 superposed: under 35 % of the shadow is the
    threat's. L1 in clutter: the surroundings vary by more than the threat adds. L0: none of these.

    Source:
        simulation.md 5, lesson (c).
    """
    if opaque > 0.5 or d_q < 5.0:
        return "L4"
    if contrast < 0.15 and not material_shift >= 1.0:  # NaN where the sensor is not dual
        return "L3"
    if share < 0.35:
        return "L2"
    return "L1" if clutter_cnr < 1.0 else "L0"


def _measured(
    sensor: Sensor,
    object_index: int,
    view: int,
    mask: BoolArray,
    slot: BoolArray,
    areas: list[int],
    shown: _Picture,
    substituted: _Picture,
    removed: _Picture,
) -> Difficulty:
    near = _grown(mask, RING_PX)
    ring = near & ~mask
    added = shown.depth - removed.depth
    reach = _grown(mask, 2)  # the point spread carries the difference this far
    d_q = _detectability(shown, substituted, reach)
    d_q_removed = _detectability(shown, removed, reach)
    contrast = abs(float((shown.depth - substituted.depth)[mask].mean()))
    noise = float((shown.deviation[0] / np.maximum(shown.signals[0], 1e-9))[mask].mean())
    unrest = float(removed.depth[ring].std()) if ring.any() else float("nan")
    cnr = abs(float(added[mask].mean())) / max(unrest + noise, 1e-12)
    share = float((added / np.maximum(shown.depth, 1e-6))[mask].mean())
    dark = float((shown.signals[0][mask] < 4 * sensor.detector.electronic_noise + OPAQUE).mean())
    shift = float(np.abs(shown.z - substituted.z)[mask].mean())
    apart = ((shown.grey - removed.grey)[mask] / 255.0) ** 2
    item = removed.depth > 0.02
    union = int((mask | slot).sum())
    values = {
        "d_q": d_q,
        "d_q_removed": d_q_removed,
        "contrast": contrast,
        "contrast_removed": float(added[mask].mean()),
        "clutter_cnr": cnr,
        "share": share,
        "opaque": dark,
        "material_shift": shift,
        "contour": _contour(added, removed.depth, mask, ring),
        "ssim_loss": 1.0 - _similarity(shown.grey, substituted.grey, near),
        "ssim_loss_removed": 1.0 - _similarity(shown.grey, removed.grey, near),
        "view_difficulty": 1.0 - areas[0] / max(areas),
        "decoy_overlap": float((mask & slot).sum() / union) if slot.any() else float("nan"),
        "sch_superposition": 1.0 - float(np.sqrt(apart.mean())),
        "sch_clutter": float(_high_pass(removed.grey)[item].mean()) if item.any() else float("nan"),
        "sch_transparency": float((removed.grey[item] < _DARK_GREY).mean()) if item.any() else float("nan"),
    }
    named = level(min(d_q, d_q_removed), dark, contrast, shift, share, cnr)
    rounded = {name: float(f"{value:.{_DIGITS}g}") for name, value in values.items()}
    return Difficulty(object_index, view, named, **rounded)


def _picture(scene: Scene, sensor: Sensor, field: tuple[int, int], view: int) -> _Picture:
    maps = paths.path_maps(scene, sensor, field, view=view)
    signals = spectral.signals(maps.cm, maps.materials, sensor)
    detector.blur(signals, detector.blur_taps(sensor.detector.blur_px))
    n_channels = len(signals) // 2
    found = signals.astype(np.float64)
    quanta = np.array(sensor.detector.quanta[:n_channels])[:, None, None]
    variance = np.maximum(found[n_channels:], 0.0) / quanta + sensor.detector.electronic_noise**2
    least = max(sensor.detector.electronic_noise, 1e-5)
    depth = -np.log(np.maximum(found[:n_channels], least))
    counts = (
        np.rint(np.clip(found[[0, n_channels - 1]], 0.0, 1.08) * sensor.open_beam).astype(np.uint16).transpose(1, 2, 0)
    )
    z = np.full(depth[0].shape, np.nan)
    if sensor.is_dual:
        z = effective_z(sensor, depth[0], depth[1])
    deviation = np.asarray(sensor.noise_scale * np.sqrt(variance))
    return _Picture(found, deviation, depth[0], _shown(sensor, counts), z)


def _shown(sensor: Sensor, counts: "np.ndarray[tuple[int, ...], np.dtype[np.uint16]]") -> FloatArray:
    """Brightness of what the display shows, 0 to 255."""
    counts = np.ascontiguousarray(counts)
    picture: UInt8Array = display(sensor, counts) if sensor.is_dual else grey(sensor, counts)
    return np.asarray(picture.astype(np.float64).mean(axis=2))


def _without(scene: Scene, number: int) -> Scene:
    """The scene without one object; what it displaced is there again."""
    rows = np.flatnonzero(scene.ints[:, 4] != number)
    place = np.full(scene.n_primitives + 1, -1)
    place[rows] = np.arange(len(rows))
    ints = scene.ints[rows].copy()
    ints[:, 2] = place[ints[:, 2]]
    return replace(scene, ints=ints, reals=scene.reals[rows], texture_at=scene.texture_at[rows])


def _slot_mask(twin: Scene, sensor: Sensor, field: tuple[int, int], view: int) -> BoolArray:
    """Where the twin's innocent thing lies in the beam."""
    mask = np.zeros(field, dtype=np.bool_)
    for number, thing in enumerate(twin.objects):
        if thing.role == "slot":
            mask |= _shadow(paths.turned(twin, sensor, view), sensor, number, field)
    return mask


def _shadow(turned: Scene, sensor: Sensor, number: int, field: tuple[int, int]) -> BoolArray:
    """Where one object of a scene, turned to its view already, lies in the beam."""
    return labels._shadow(turned, sensor, number, field)[0]


def _areas(scene: Scene, sensor: Sensor, field: tuple[int, int], view: int, number: int) -> list[int]:
    """Pixels of the threat's shadow in this view, then turned by a quarter about travel and about the axis across it."""
    seen = paths.turned(scene, sensor, view)
    rows = np.flatnonzero(seen.ints[:, 4] == number)
    middle = seen.reals[rows, :3].mean(axis=0)
    quarter_x = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
    quarter_y = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])
    areas = [int(_shadow(seen, sensor, number, field).sum())]
    for turn in (quarter_x, quarter_y):
        reals = seen.reals.copy()
        reals[:, :3] = (reals[:, :3] - middle) @ turn.T + middle
        reals[:, 6:15] = (turn @ reals[:, 6:15].reshape(-1, 3, 3)).reshape(-1, 9)
        areas.append(int(_shadow(replace(seen, reals=reals), sensor, number, field).sum()))
    return areas


def _detectability(shown: _Picture, null: _Picture, where: BoolArray) -> float:
    """Signal to noise of the ideal observer who knows both pictures exactly; an upper bound of what anybody can do."""
    n_channels = len(shown.deviation)
    apart = shown.signals[:n_channels] - null.signals[:n_channels]
    if not (shown.deviation > 0).all():
        return float("nan")
    return float(np.sqrt(((apart / shown.deviation) ** 2)[:, where].sum()))


def _contour(added: FloatArray, around: FloatArray, mask: BoolArray, ring: BoolArray) -> float:
    edge = mask & ~_shrunk(mask)
    own, other = _slope(added)[edge], _slope(around)[ring]
    if own.size == 0 or other.size == 0:
        return float("nan")
    return float(own.mean() / max(other.mean(), 1e-9))


def _slope(values: FloatArray) -> FloatArray:
    down, right = np.gradient(values)
    return np.asarray(np.hypot(down, right))


def _grown(mask: BoolArray, by_px: int) -> BoolArray:
    from scipy.ndimage import binary_dilation

    return np.asarray(binary_dilation(mask, iterations=by_px))


def _shrunk(mask: BoolArray) -> BoolArray:
    from scipy.ndimage import binary_erosion

    return np.asarray(binary_erosion(mask, border_value=1))


def _similarity(a: FloatArray, b: FloatArray, where: BoolArray) -> float:
    """Mean structural similarity (Wang et al. 2004, uniform window of 7 pixels, 8 bit) over some pixels."""
    from scipy.ndimage import uniform_filter

    def mean(values: FloatArray) -> FloatArray:
        return np.asarray(uniform_filter(values, _SSIM_PX, mode="nearest"))

    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    mean_a, mean_b = mean(a), mean(b)
    var_a, var_b = mean(a * a) - mean_a**2, mean(b * b) - mean_b**2
    together = mean(a * b) - mean_a * mean_b
    above = (2 * mean_a * mean_b + c1) * (2 * together + c2)
    below = (mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2)
    return float((above / below)[where].mean())


def _high_pass(grey: FloatArray) -> FloatArray:
    """Absolute grey of the fine structure, by the filter 1 - 1 / (1 + (f / f0)^d)."""
    f0, order = _HIGH_PASS
    fy, fx = np.fft.fftfreq(grey.shape[0])[:, None], np.fft.rfftfreq(grey.shape[1])[None, :]
    kept = 1.0 - 1.0 / (1.0 + (np.hypot(fy, fx) / f0) ** order)
    return np.asarray(np.abs(np.fft.irfft2(np.fft.rfft2(grey) * kept, s=grey.shape)))
