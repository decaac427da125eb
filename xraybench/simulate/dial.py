"""The dial of the domain gap: a sensor somewhere between two makes, one factor moved at a time.

What changes from one make to another is taken apart into noise, spectrum, palette, geometry and modality, so that a fall
of a model's pd can be laid at one door. The dialled sensor keeps the name of the first make, and with it the draws of its
noise: a scene rendered before and after a move differs by the factor alone.
"""

import math
from dataclasses import replace

import numpy as np

from xraybench.core.errors import BadValue
from xraybench.core.sensor import Artefacts, Display, Field, Sensor

FACTORS = ("noise", "spectrum", "palette", "geometry", "modality")


def dial(
    sensor: Sensor,
    towards: Sensor,
    *,
    noise: float = 0.0,
    spectrum: float = 0.0,
    palette: float = 0.0,
    geometry: float = 0.0,
    modality: float = 0.0,
) -> Sensor:
    """The sensor with some factors moved towards those of another make; 0 leaves a factor, 1 takes the other make's.

    Args:
        noise: Quanta, electronic noise, point spread and artefacts; in between by the geometric mean where they are scales.
        spectrum: Source, filters and scintillators; 0 or 1, because spectra are baked voltage by voltage.
        palette: Hues, cuts, gamma, background and window of the display. The counts stay as they are.
        geometry: Pitch, distance and views. Between two makes of as many views anything from 0 to 1, else 0 or 1. The fields
            keep their size in pixels and so see more or less.
        modality: 0 or 1; 1 takes all of the other make but its name: nothing of a transmission scanner is left in a CT
            or backscatter scanner.

    Raises:
        BadValue: A factor out of range, or two makes between which it cannot be moved.
    """
    moves = {"noise": noise, "spectrum": spectrum, "palette": palette, "geometry": geometry, "modality": modality}
    for factor, move in moves.items():
        if not 0.0 <= move <= 1.0:
            ends = f"0 (as {sensor.name}) to 1 (as {towards.name})"
            raise BadValue(f"{factor} is {move:g}; a factor of the dial is from {ends}.")
    for factor in ("spectrum", "modality"):
        if moves[factor] not in (0.0, 1.0):
            raise BadValue(f"{factor} is {moves[factor]:g}; it is 0 or 1: there is nothing in between.")
    if modality == 1.0:
        return replace(towards, name=sensor.name)
    if sensor.modality != towards.modality and any(moves.values()):
        raise BadValue(
            f"{sensor.name} is a {sensor.modality} scanner and {towards.name} a {towards.modality} one: move the modality."
        )
    found = sensor
    if spectrum == 1.0:
        found = _other_spectrum(found, towards)
    if noise:
        found = _noisier(found, towards, noise)
    if palette:
        found = replace(found, display=_between_displays(found.display, towards.display, palette))
    if geometry:
        found = _moved(found, towards, geometry)
    return found


def _scale(a: float, b: float, t: float) -> float:
    """Between two scales by ratio; by difference where one is 0."""
    if t == 1.0 or a == b:
        return b
    return math.exp((1 - t) * math.log(a) + t * math.log(b)) if a > 0 and b > 0 else _lerp(a, b, t)


def _lerp(a: float, b: float, t: float) -> float:
    return (1 - t) * a + t * b


def _other_spectrum(sensor: Sensor, towards: Sensor) -> Sensor:
    """The other make's source and scintillators with one's own dose and noise."""
    other = towards.detector
    quanta = sensor.detector.quanta
    if len(quanta) != len(other.quanta):  # one energy against two: as many quanta in each channel, or in all
        quanta = (quanta[0],) * len(other.quanta) if len(quanta) == 1 else (sum(quanta) / len(quanta),)
    detector = replace(sensor.detector, front=other.front, between=other.between, back=other.back, quanta=quanta)
    return replace(sensor, source=towards.source, detector=detector)


def _noisier(sensor: Sensor, towards: Sensor, t: float) -> Sensor:
    own, other = sensor.detector, towards.detector
    theirs = other.quanta if len(own.quanta) == len(other.quanta) else (other.quanta[0],) * len(own.quanta)
    detector = replace(
        own,
        quanta=tuple(_scale(a, b, t) for a, b in zip(own.quanta, theirs, strict=True)),
        electronic_noise=_scale(own.electronic_noise, other.electronic_noise, t),
        blur_px=_lerp(own.blur_px, other.blur_px, t),
    )
    a, b = sensor.artefacts, towards.artefacts
    tallest = max(field.height_px for field in sensor.fields)  # rows beyond it are of the other make's longer array
    artefacts = Artefacts(
        scatter_share=_lerp(a.scatter_share, b.scatter_share, t),
        scatter_px=_scale(a.scatter_px, b.scatter_px, t),
        row_gain=_lerp(a.row_gain, b.row_gain, t),
        line_jitter=_lerp(a.line_jitter, b.line_jitter, t),
        dead_rows=a.dead_rows if t < 0.5 else tuple(row for row in b.dead_rows if row < tallest),
        misregister_px=_lerp(a.misregister_px, b.misregister_px, t),
        stretch=_lerp(a.stretch, b.stretch, t),
        ring_gain=_lerp(a.ring_gain, b.ring_gain, t),
        air_depth=_lerp(a.air_depth, b.air_depth, t),
    )
    scale = _scale(sensor.noise_scale, towards.noise_scale, t)
    return replace(sensor, detector=detector, artefacts=artefacts, noise_scale=scale)


def _between_displays(a: Display, b: Display, t: float) -> Display:
    """Hues and cuts in between; with more cuts on one side, at the cuts of both."""
    stops = np.union1d(a.z_stops, b.z_stops) if t < 1.0 else np.array(b.z_stops)
    if len(a.z_stops) == len(b.z_stops) and t < 1.0:
        cuts = tuple(_lerp(x, y, t) for x, y in zip(a.z_stops, b.z_stops, strict=True))
        hues = (1 - t) * np.array(a.hues_rgb) + t * np.array(b.hues_rgb)
    else:
        cuts = tuple(stops.tolist())
        hues = (1 - t) * _hues_at(a, stops) + t * _hues_at(b, stops)
    background = (1 - t) * np.array(a.background_rgb) + t * np.array(b.background_rgb)
    rounded = [tuple(round(v) for v in hue) for hue in [*hues.tolist(), background.tolist()]]
    return Display(
        gamma=_scale(a.gamma, b.gamma, t),
        z_stops=cuts,
        hues_rgb=tuple((r, g, b_) for r, g, b_ in rounded[:-1]),
        background_rgb=(rounded[-1][0], rounded[-1][1], rounded[-1][2]),
        window=(_lerp(a.window[0], b.window[0], t), _lerp(a.window[1], b.window[1], t)),
    )


def _hues_at(display: Display, stops: np.typing.NDArray[np.float64]) -> np.typing.NDArray[np.float64]:
    return np.stack([np.interp(stops, display.z_stops, np.array(display.hues_rgb)[:, i]) for i in range(3)], axis=-1)


def _moved(sensor: Sensor, towards: Sensor, t: float) -> Sensor:
    a, b = sensor.geometry, towards.geometry
    if t == 1.0:
        return replace(sensor, geometry=b, fields=_fields_of(sensor, towards))
    if len(a.turns_deg) != len(b.turns_deg) or a.kind != b.kind:
        raise BadValue(f"geometry is {t:g}; {sensor.name} and {towards.name} have other views, so it is 0 or 1.")
    between = replace(
        a,
        pixel_mm=_scale(a.pixel_mm, b.pixel_mm, t),
        source_height_mm=_scale(a.source_height_mm, b.source_height_mm, t),
        axis_mm=_lerp(a.axis_mm, b.axis_mm, t),
        turns_deg=tuple(_lerp(x, y, t) for x, y in zip(a.turns_deg, b.turns_deg, strict=True)),
    )
    return replace(sensor, geometry=between)


def _fields_of(sensor: Sensor, towards: Sensor) -> tuple[Field, ...]:
    """One's own vectors, seen through the other make's fields where it has them."""
    return tuple(towards.field(f.vector) if f.vector in towards.vectors else f for f in sensor.fields)
