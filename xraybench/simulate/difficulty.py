"""How hard a threat is to see, measured from the simulator: what physics leaves, what clutter hides, what a display shows.

The scan with the threat is compared, noise-free, with two others. *Substituted*: the benign twin, where an innocent thing of
like size stands in the threat's place; this is what a screener has to tell apart. *Removed*: the same scan without the
threat; this says how much of the beam the threat takes. No single index orders all concealments, so there are several.

A *reading* below is -ln hi of a line scan, linear attenuation in 1/cm of a CT slice, and of a backscatter scan what comes
back as a share of thick polyethylene. An index that a kind of scanner cannot have is NaN; `undefined` says why.
"""

from dataclasses import astuple, dataclass

import numpy as np
import pandas as pd

from xraybench.core.errors import BadValue, UnknownName
from xraybench.core.registry import did_you_mean
from xraybench.core.sensor import Sensor
from xraybench.core.tables import Column, Table
from xraybench.core.types import BoolArray, FloatArray
from xraybench.simulate import difficulty_views
from xraybench.simulate.scene import Scene

RING_PX = 12  # width of the surroundings that a threat is compared with
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
        Column(
            "level",
            "text",
            "L0 bare to L4 out of reach, by the rule of simulate.difficulty.level; line scans only",
            terms=LEVELS,
            may_miss=True,
        ),
        _index("d_q", "detectability by an ideal observer against the benign twin, in deviations of the noise"),
        _index("d_q_removed", "the same against the scan without the threat"),
        _index("contrast", "mean difference of the reading to the benign twin, over the shadow"),
        _index("contrast_removed", "what the threat adds to the reading, mean over the shadow", low=-np.inf),
        _index("clutter_cnr", "what the threat adds over the unrest of its surroundings and the noise"),
        _index(
            "share", "share of the reading in the shadow that is the threat's; not in slices", low=-np.inf, high=1.0
        ),
        _index("opaque", "share of the shadow (its rays in a slice) that shows nothing of the threat", high=1.0),
        _index(
            "material_shift", "mean difference of the effective atomic number to the benign twin; dual sensors only"
        ),
        _index("contour", "steepness of the threat's outline over that of the surroundings"),
        _index("ssim_loss", "1 - structural similarity of the displays to the benign twin, shadow and ring", high=2.0),
        _index("ssim_loss_removed", "the same to the scan without the threat", high=2.0),
        _index(
            "view_difficulty",
            "1 - shadow over the largest the threat throws along three axes, or cut over its largest",
            high=1.0,
        ),
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


def indices(scene: Scene, twin: Scene, sensor: Sensor, *, field_px: tuple[int, int] | None = None) -> list[Difficulty]:
    """The indices of every threat of a scene, in every view that shows it.

    Args:
        scene: With at least one threat.
        twin: Its benign twin: made with the same seed, name and concealment, and no threat.

    Returns:
        One record a threat and view that shows it, for every kind of scanner.

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
    field = field_px or (sensor.field(scene.vector).height_px, sensor.field(scene.vector).width_px)
    return [_measured(sensor, seen) for seen in difficulty_views.seen(scene, twin, sensor, field)]


def rows(records: list[Difficulty], scan_id: str) -> list[tuple[str | int | float, ...]]:
    """The records as rows of DIFFICULTY."""
    return [(scan_id, *astuple(record)) for record in records]


def check_index(index: str) -> None:
    """Raise unless it is one of INDICES; to be asked before scans are made for it.

    Raises:
        UnknownName: No such index; with the nearest.
    """
    if index not in INDICES:
        raise UnknownName(f"No index of difficulty is called '{index}'. {did_you_mean(index, list(INDICES))}")


def of_scans(difficulty: pd.DataFrame, index: str) -> "pd.Series[float]":
    """One value of an index a scan: where its threat is easiest to see, over threats and views; NaN left out.

    Args:
        difficulty: Rows of DIFFICULTY.

    Raises:
        UnknownName: No such index; with the nearest.
    """
    check_index(index)
    values = difficulty.dropna(subset=[index]).groupby("scan_id", sort=True)[index]
    return values.min() if index in HARD_WHEN_HIGH else values.max()


def undefined(index: str, sensor: Sensor) -> str:
    """Why an index (or the level) has no value on a sensor; "" where it has one."""
    if index == "material_shift" and not sensor.is_dual:
        return "one energy tells no atomic number"
    if index == "share" and sensor.modality == "ct":
        return "nothing lies over what a slice cuts"
    if index == "level" and sensor.modality != "transmission":
        return "its rule is one of -ln hi and was fitted to line scans"
    return ""


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


def _measured(sensor: Sensor, seen: difficulty_views.Seen) -> Difficulty:
    mask, shown, removed = seen.mask, seen.shown, seen.removed
    near = difficulty_views.grown(mask, RING_PX)
    ring = near & ~mask
    added = shown.reading - removed.reading
    contrast = abs(float((shown.reading - seen.substituted.reading)[mask].mean()))
    unrest = float(removed.reading[ring].std()) if ring.any() else float("nan")
    cnr = abs(float(added[mask].mean())) / max(unrest + float(shown.noise[mask].mean()), 1e-12)
    shift = float(np.abs(shown.z - seen.substituted.z)[mask].mean())
    apart = ((shown.grey - removed.grey)[mask] / 255.0) ** 2
    item = removed.reading > 0.02
    union = int((mask | seen.slot).sum())
    values = {
        "d_q": seen.d_q,
        "d_q_removed": seen.d_q_removed,
        "contrast": contrast,
        "contrast_removed": float(added[mask].mean()),
        "clutter_cnr": cnr,
        "share": seen.share,
        "opaque": seen.opaque,
        "material_shift": shift,
        "contour": _contour(added, removed.reading, mask, ring),
        "ssim_loss": 1.0 - _similarity(shown.grey, seen.substituted.grey, near),
        "ssim_loss_removed": 1.0 - _similarity(shown.grey, removed.grey, near),
        "view_difficulty": seen.view_difficulty,
        "decoy_overlap": float((mask & seen.slot).sum() / union) if seen.slot.any() else float("nan"),
        "sch_superposition": 1.0 - float(np.sqrt(apart.mean())),
        "sch_clutter": float(_high_pass(removed.grey)[item].mean()) if item.any() else float("nan"),
        "sch_transparency": float((removed.grey[item] < _DARK_GREY).mean()) if item.any() else float("nan"),
    }
    named = ""
    if not undefined("level", sensor):
        named = level(min(seen.d_q, seen.d_q_removed), seen.opaque, contrast, shift, seen.share, cnr)
    rounded = {name: float(f"{value:.{_DIGITS}g}") for name, value in values.items()}
    return Difficulty(seen.object_index, seen.view, named, **rounded)


def _contour(added: FloatArray, around: FloatArray, mask: BoolArray, ring: BoolArray) -> float:
    edge = mask & ~_shrunk(mask)
    own, other = _slope(added)[edge], _slope(around)[ring]
    if own.size == 0 or other.size == 0:
        return float("nan")
    return float(own.mean() / max(other.mean(), 1e-9))


def _slope(values: FloatArray) -> FloatArray:
    down, right = np.gradient(values)
    return np.asarray(np.hypot(down, right))


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
