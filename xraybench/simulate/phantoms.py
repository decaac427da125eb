"""Virtual test pieces and what is measured on them: thin wire, steel, line pairs, thin organic, flat field, slanted edge.

The pieces follow the usual kinds of test object in a geometry of our own; nothing here claims to comply with ASTM F792,
IEC 62523 or any other standard. A piece is a scene as any other, sized to the sensor's field, and is rendered
with all noise and artefacts. Source of the kinds: Glover et al. 2018 (PMC6513010) on ASTM F792-17.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from xraybench.core.errors import BadValue, UnknownName
from xraybench.core.registry import did_you_mean
from xraybench.core.sensor import Sensor, Tube
from xraybench.core.types import BoolArray, FloatArray, UInt16Array
from xraybench.simulate import attenuation, paths, spectral
from xraybench.simulate.parts import Parts, yaw
from xraybench.simulate.render import render
from xraybench.simulate.scene import Scene, SceneObject, join

REGION_PX = 25  # pixels that a contrast is averaged over
WIRE_CNR = 5.0  # contrast to noise over REGION_PX at which a wire counts as seen
STEP_CNR = 3.0  # of a step of 10 % in thickness
BLOCK_CNR = 5.0  # of a block of lead behind the steel
_LIFT_PX = 4.0  # height of a piece above the belt, in pixels
_STEP = 0.1


def make_phantom(piece: str, sensor: Sensor, *, vector: str = "") -> Scene:
    """A test piece that fits the sensor's field.

    Args:
        piece: One of PIECES.
        vector: Whose field; the sensor's first by default.

    Raises:
        UnknownName: With the nearest piece.
        BadValue: The sensor is no line scanner.
    """
    if piece not in PIECES:
        raise UnknownName(f"No test piece is called '{piece}'. {did_you_mean(piece, list(PIECES))}")
    if sensor.modality != "transmission":
        raise BadValue(f"Sensor {sensor.name} is a {sensor.modality} scanner; the test pieces are for line scans.")
    vector = vector or sensor.vectors[0]
    field = sensor.field(vector)
    parts = Parts()
    PIECES[piece](parts, sensor, field.height_px * sensor.pixel_mm, field.width_px * sensor.pixel_mm)
    return _scene(parts, piece, vector)


def _scene(parts: Parts, name: str, vector: str) -> Scene:
    item = parts.finish(name, centred=False)
    n_objects = int(item.ints[:, 4].max()) + 1
    ints, reals, planes = join([(item, list(range(n_objects)))])
    objects = tuple(SceneObject(name, "goods") for _ in range(n_objects))
    at = np.zeros((len(ints), 2), dtype=np.int64)
    return Scene(name, vector, "", "", "", objects, ints, reals, planes, at)


# Wire


def awg_mm(gauge: int) -> float:
    """Diameter of an American wire gauge.

    Source:
        ASTM B258: 0.127 mm at 36 AWG, a factor of 92 over 39 gauges.
    """
    return float(0.127 * 92.0 ** ((36 - gauge) / 39.0))


GAUGES = (12, 16, 20, 22, 24, 26, 28, 30, 32, 34, 36, 38)


def _wires(parts: Parts, sensor: Sensor, high_mm: float, wide_mm: float) -> None:
    """Copper wires side by side at 45 degrees, thick to thin, so that no row's gain and no pulse favours one of them."""
    step = 0.6 * wide_mm / (len(GAUGES) - 1)
    reach = min(0.4 * high_mm, 0.16 * wide_mm)
    for i, gauge in enumerate(GAUGES):
        _one_wire(parts, sensor, gauge, (i - 0.5 * (len(GAUGES) - 1)) * step, reach)


def _one_wire(parts: Parts, sensor: Sensor, gauge: int, x: float, reach: float) -> None:
    z = _LIFT_PX * sensor.pixel_mm
    parts.wire("copper", (x - reach, -reach, z), (x + reach, reach, z), awg_mm(gauge))


def wire_cnr(sensor: Sensor, gauge: int, *, seed: int = 0) -> tuple[float, float]:
    """Contrast to noise of a copper wire at 45 degrees over REGION_PX pixels, channels (hi, lo).

    The mean of pixels along the wire against pixels six away on either side, over what is left of their spread in a mean of
    so many pixels; the median over all stretches of the wire.
    """
    field = sensor.fields[0]
    parts = Parts()
    _one_wire(parts, sensor, gauge, 0.0, 0.4 * min(field.height_px, field.width_px) * sensor.pixel_mm)
    scene = _scene(parts, f"wire_{gauge}", field.vector)
    size = (field.height_px, field.width_px)
    path = paths.path_maps(scene, sensor, size).cm[0]
    columns = np.flatnonzero(path.any(axis=0))[8:-8]
    rows = path[:, columns].argmax(axis=0)
    inside = (rows > 8) & (rows < field.height_px - 8) & (columns > 8) & (columns < field.width_px - 8)
    inside &= ~np.isin(rows, [row + k for row in sensor.artefacts.dead_rows for k in (-1, 0, 1)])
    rows, columns = rows[inside], columns[inside]
    counts = render(scene, sensor, seed=seed).raw.astype(np.float64)
    beside = np.concatenate([counts[rows - 6, columns], counts[rows + 6, columns]])
    spread = beside.std(axis=0, ddof=1)
    background = beside.mean(axis=0)
    n = max(rows.size // REGION_PX, 1)
    along = counts[rows, columns][: n * REGION_PX].reshape(n, -1, 2).mean(axis=1)
    found = np.median((background - along) / (spread / math.sqrt(REGION_PX)), axis=0)
    return float(found[0]), float(found[1])


def thinnest_wire_awg(sensor: Sensor, *, seed: int = 0, gauges: tuple[int, ...] = tuple(range(6, 51))) -> int:
    """The thinnest gauge that is seen in either channel, with all thicker ones; 0 where none is."""
    seen = 0
    for gauge in gauges:
        if max(wire_cnr(sensor, gauge, seed=seed)) < WIRE_CNR:
            break
        seen = gauge
    return seen


# Steel


def _step_wedge(parts: Parts, sensor: Sensor, high_mm: float, wide_mm: float) -> None:
    """Steps of steel up to what the sensor should just pass, each with a block of lead in its middle."""
    n = 9
    deepest = _deepest_mm(sensor)
    step = 0.9 * wide_mm / n
    z = _LIFT_PX * sensor.pixel_mm
    for i in range(n):
        x, thick = (i - 0.5 * (n - 1)) * step, deepest * (i + 1) / n
        parts.box("steel", (x, 0.0, z + 0.5 * thick), (step, 0.5 * high_mm, thick))
        parts.box("lead", (x, 0.0, z + thick + 0.25 * deepest), (0.4 * step, 0.12 * high_mm, 0.5 * deepest))


def _deepest_mm(sensor: Sensor) -> float:
    """Steel that leaves about 1e-4 of the high channel, from the sensor's own beam."""
    return _mm_of(sensor, "steel", math.log(1e4))


def _mm_of(sensor: Sensor, material: str, depth: float) -> float:
    """Thickness at which -ln of the high channel is `depth`."""
    beam = spectral.nodes(sensor)
    cm = np.geomspace(1e-4, 400.0, 800)
    passed = np.exp(-np.outer(cm, attenuation.linear_attenuation(material, beam.energy_kev))) @ beam.weights[0]
    return float(10.0 * np.interp(depth, -np.log(np.maximum(passed, 1e-30)), cm))


@dataclass(frozen=True, slots=True)
class Penetration:
    """Steel behind which something is still seen, in mm: a step of 10 %, and a block of lead."""

    step_mm: float
    block_mm: float


def steel_penetration(sensor: Sensor, *, seed: int = 0, n_regions: int = 40) -> Penetration:
    """The thickest steel behind which a 10 % step has a contrast to noise of 3, and a block of lead one of 5.

    A plate, a plate a tenth thicker and one with lead behind it are rendered beside each other; contrast is the difference
    of means over the spread of the difference of two means over REGION_PX pixels, in the high channel.
    """
    hi = 1.6 * _deepest_mm(sensor)
    lo = 0.1 * hi

    def last(seen: Callable[[float], bool]) -> float:
        a, b = lo, hi
        for _ in range(9):
            middle = 0.5 * (a + b)
            a, b = (middle, b) if seen(middle) else (a, middle)
        return a

    def contrast(thick: float, second: str, second_mm: float) -> float:
        field = sensor.fields[0]
        parts = Parts()
        z = _LIFT_PX * sensor.pixel_mm
        wide, high = field.width_px * sensor.pixel_mm, field.height_px * sensor.pixel_mm
        parts.box("steel", (0.0, 0.0, z + 0.5 * thick), (2.0 * wide, 3.0 * high, thick))
        parts.box(second, (0.5 * wide, 0.0, z + thick + 0.5 * second_mm), (wide, 3.0 * high, second_mm))
        scene = _scene(parts, f"plate_{thick:.2f}_{second}", field.vector)
        counts = render(scene, sensor, seed=seed).raw[..., 0].astype(np.float64)
        middle, away = field.width_px // 2, max(8, field.width_px // 12)
        near = slice(field.height_px // 2 - n_regions, field.height_px // 2 + n_regions)
        plain, other = counts[near, : middle - away], counts[near, middle + away :]
        spread = math.sqrt((_local_variance(plain) + _local_variance(other)) / REGION_PX)
        return float((plain.mean() - other.mean()) / max(spread, 1e-9))

    return Penetration(
        step_mm=last(lambda thick: contrast(thick, "steel", _STEP * thick) > STEP_CNR),
        block_mm=last(lambda thick: contrast(thick, "lead", 0.5 * thick) > BLOCK_CNR),
    )


# Steel in mm that scanners of a kind are said to pass, by kV of the tube or MeV of the accelerator. Tubes: of an earlier,
# separate prototype with the same declared figures (simulation.md, section 4; a practitioner says 25 mm at 140 kV, all tubes
# up to 450 kV below 100 mm). Accelerators of 3, 6 and 9 MV: 200 to 450 mm "of the majority of systems in use" (X-Ray Cargo
# Inspection: Status and Trends, AIP Conf. Proc. 1099 (2009), OSTI 21289597); a low-dose portal of up to 4 MeV 100 to 200 mm
# (simulation.md, an inference). At 6 MeV the prototype passed 231 to 252 mm; how much depends on the electronic noise
# (benchmarks/physics.py prints it at twice the declared one), hardly on the quanta or on scatter.
STEEL_MM = {(130.0, 150.0): (22.0, 26.0), (150.0, 170.0): (30.0, 35.0), (290.0, 310.0): (58.0, 64.0)}
STEEL_MM_BY_MEV = {(1.0, 4.5): (100.0, 200.0), (5.5, 9.5): (200.0, 450.0)}


def steel_range_mm(sensor: Sensor) -> tuple[float, float]:
    """What is known of the penetration of such a scanner, in mm; not a number where nothing is."""
    is_tube = isinstance(sensor.source, Tube)
    energy = sensor.source.kvp if isinstance(sensor.source, Tube) else max(sensor.source.mev)
    for (low, high), steel in (STEEL_MM if is_tube else STEEL_MM_BY_MEV).items():
        if low <= energy <= high:
            return steel
    return math.nan, math.nan


def _local_variance(counts: FloatArray) -> float:
    """Variance of single pixels, slow changes over the field (slant of the rays, row gains) taken out by differences."""
    apart = counts[:, 2:] - counts[:, :-2]  # two columns apart: an interlaced channel's next column is made of these
    return float(0.5 * (apart**2).mean())


# Line pairs, thin organic, flat field


def _line_pairs(parts: Parts, sensor: Sensor, high_mm: float, wide_mm: float) -> None:
    """Groups of four bars of lead, as wide as their gaps, from three pixels down to half a pixel, along and across."""
    pixel, z = sensor.pixel_mm, _LIFT_PX * sensor.pixel_mm
    thick = _mm_of(sensor, "lead", 0.7)
    bars = (3.0, 2.5, 2.0, 1.5, 1.25, 1.0, 0.75, 0.5)
    step, length = 0.9 * wide_mm / len(bars), 0.3 * high_mm
    for i, width in enumerate(bars):
        x = (i - 0.5 * (len(bars) - 1)) * step
        for k in range(4):
            off = (k - 1.5) * 2.0 * width * pixel
            parts.box("lead", (x + off, -0.25 * high_mm, z), (width * pixel, length, thick))
            parts.box("lead", (x, 0.25 * high_mm + off, z), (0.8 * step, width * pixel, thick))


def _thin_organic(parts: Parts, sensor: Sensor, high_mm: float, wide_mm: float) -> None:
    """Sheets of polyethylene, each twice as thick as the one before, alone and with a plate of aluminium."""
    z = _LIFT_PX * sensor.pixel_mm
    thickest = _mm_of(sensor, "polyethylene", 0.5)
    n = 7
    step = 0.9 * wide_mm / n
    for i in range(n):
        x = (i - 0.5 * (n - 1)) * step
        thick = thickest * 2.0 ** (i - n + 1)
        parts.box("polyethylene", (x, 0.0, z + 0.5 * thick), (0.7 * step, 0.8 * high_mm, thick))
    plate = _mm_of(sensor, "aluminium", 0.5)
    parts.box("aluminium", (0.0, 0.25 * high_mm, z + thickest + plate), (0.95 * wide_mm, 0.3 * high_mm, plate))


def _flat_field(parts: Parts, sensor: Sensor, high_mm: float, wide_mm: float) -> None:
    """A plate of aluminium that halves the beam, over the whole field."""
    thick = _mm_of(sensor, "aluminium", math.log(2.0))
    z = _LIFT_PX * sensor.pixel_mm
    parts.box("aluminium", (0.0, 0.0, z + 0.5 * thick), (3.0 * wide_mm, 3.0 * high_mm, thick))


# Slanted edge

EDGE_SLANT = 0.08  # columns by row: about 4.6 degrees


def _slanted_edge(parts: Parts, sensor: Sensor, high_mm: float, wide_mm: float) -> None:
    """A thin steel sheet whose edge crosses the middle of the field a little off the columns."""
    thick = _mm_of(sensor, "steel", 0.1)
    angle = math.atan(EDGE_SLANT)
    size = 3.0 * max(high_mm, wide_mm)
    x, y = 0.5 * size * math.cos(angle), -0.5 * size * math.sin(angle)
    parts.box("steel", (x, y, _LIFT_PX * sensor.pixel_mm), (size, size, thick), turn=yaw(-angle))


def slanted_edge_mtf(
    image: FloatArray, *, slant: float, oversampled: int = 4, reach_px: int = 24
) -> tuple[FloatArray, FloatArray]:
    """Modulation transfer across a nearly upright edge, by frequency in cycles per pixel, from 0 to 0.5.

    Args:
        image: One channel, shape (height, width); the edge goes through its middle, `slant` columns further each row.

    Source:
        The method of ISO 12233: pixels binned by their distance to the edge, differentiated, transformed; the bins' own sinc
        and that of the difference are divided out.
    """
    height, width = image.shape
    rows, columns = np.indices(image.shape)
    lean = slant / math.hypot(1.0, slant)
    distance = (columns - 0.5 * (width - 1) - slant * (rows - 0.5 * (height - 1))) * math.sqrt(1.0 - lean**2)
    near = np.abs(distance) < reach_px
    place = np.floor((distance[near] + reach_px) * oversampled).astype(np.int64)
    n = 2 * reach_px * oversampled
    edge = np.bincount(place, weights=image[near], minlength=n) / np.maximum(np.bincount(place, minlength=n), 1)
    line = np.diff(edge)
    spectrum = np.abs(np.fft.rfft(line * np.hanning(line.size + 2)[1:-1]))
    frequency = np.fft.rfftfreq(line.size, 1.0 / oversampled)
    keep = frequency <= 0.5
    own = np.sinc(frequency / oversampled) ** 2
    return np.asarray(frequency[keep], dtype=np.float64), np.asarray((spectrum / spectrum[0] / own)[keep])


def mtf(sensor: Sensor, *, seed: int = 0, n_exposures: int = 4) -> tuple[FloatArray, FloatArray]:
    """The sensor's own transfer along travel, on a slanted edge in the high channel, mean of some exposures.

    The item keeps to the belt's speed here: the edge would else bend. An interlaced accelerator blurs along travel beyond
    its declared point spread, because every other column is filled in.
    """
    steady = replace(sensor, artefacts=replace(sensor.artefacts, stretch=0.0))
    scene = make_phantom("slanted_edge", sensor)
    shots = [render(scene, steady, seed=seed + i).raw[..., 0].astype(np.float64) for i in range(n_exposures)]
    image = np.log(np.maximum(np.mean(shots, axis=0), 1.0))
    good = np.ones(image.shape[0], dtype=bool)
    for row in sensor.artefacts.dead_rows:
        good[max(row - 1, 0) : row + 2] = False
    return slanted_edge_mtf(_unslanted(image, good), slant=EDGE_SLANT)


def _unslanted(image: FloatArray, good: BoolArray) -> FloatArray:
    """The image with bad rows replaced by good ones a whole number of columns further along the edge."""
    out = image.copy()
    jump = round(1.0 / EDGE_SLANT * 2)
    for row in np.flatnonzero(~good):
        other = row + jump if row + jump < len(image) and good[row + jump] else row - jump
        out[row] = np.roll(image[other], round((row - other) * EDGE_SLANT))
    return out


def declared_mtf(sensor: Sensor, frequency: FloatArray) -> FloatArray:
    """What the record says: a Gaussian point spread over square pixels."""
    return np.asarray(np.exp(-2.0 * (np.pi * sensor.detector.blur_px * frequency) ** 2) * np.sinc(frequency))


# Noise


def noise_power(images: Sequence[UInt16Array], *, size: int = 64) -> tuple[FloatArray, FloatArray]:
    """Noise power along travel from flat fields of one channel: frequency in cycles per pixel, and power in counts squared.

    Differences of two images leave what changes from exposure to exposure. The mean of the power over all frequencies is the
    variance of a pixel.
    """
    power, n = np.zeros((size, size)), 0
    for a, b in zip(images[::2], images[1::2], strict=False):
        apart = (a.astype(np.float64) - b.astype(np.float64)) / math.sqrt(2.0)
        for r in range(0, apart.shape[0] - size + 1, size):
            for c in range(0, apart.shape[1] - size + 1, size):
                patch = apart[r : r + size, c : c + size]
                power += np.abs(np.fft.fft2(patch - patch.mean())) ** 2 / size**2
                n += 1
    if n == 0:
        raise BadValue(f"noise_power needs two flat fields of at least {size} by {size} pixels.")
    frequency = np.fft.fftfreq(size)
    keep = frequency > 0
    mean = (power / n)[1:, keep].mean(axis=0)  # the row of frequency 0 holds the pulse jitter
    return np.asarray(frequency[keep], dtype=np.float64), np.asarray(mean)


PIECES: dict[str, Callable[[Parts, Sensor, float, float], None]] = {
    "wires": _wires,
    "step_wedge": _step_wedge,
    "line_pairs": _line_pairs,
    "thin_organic": _thin_organic,
    "flat_field": _flat_field,
    "slanted_edge": _slanted_edge,
}
