"""From signals to counts: noise, blur, scatter, gain, 16 bit. The judges are statistics and the declared figures."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ndtr

from xraybench.core.chance import stream
from xraybench.core.sensor import Sensor
from xraybench.simulate import Scene, attenuation, detector, spectra, spectral
from xraybench.simulate.parts import Parts
from xraybench.simulate.render import render

Clean = Callable[[Sensor], Sensor]


def flat_field(
    sensor: Sensor, material: str, cm: float, *, seed: int = 1, size: int = 512
) -> tuple[np.ndarray, np.ndarray]:
    """Signals (4) behind a sheet as thick everywhere, and one exposure of it, shape (size, size, 2)."""
    signals = spectral.signals(np.full((1, size, size), cm, np.float32), (material,), sensor)
    at = signals[:, 0, 0].astype(float)
    return at, detector.expose(signals, sensor, stream(seed, "flat"))


@pytest.mark.parametrize(
    ("material", "cm"), [("water", 0.0), ("water", 4.0), ("water", 15.0), ("steel", 0.3), ("steel", 0.8)]
)
def test_flat_field_variance_is_the_models_own(
    sensor: Sensor, without_artefacts: Clean, material: str, cm: float
) -> None:
    clean = without_artefacts(sensor)
    signals, counts = flat_field(clean, material, cm)
    for channel in (0, 1):
        quanta = clean.detector.quanta[channel]
        share = signals[2 + channel] / quanta + clean.detector.electronic_noise**2
        expected = clean.open_beam**2 * share + 1 / 12  # rounding to whole counts
        assert counts[..., channel].var() == pytest.approx(expected, rel=0.02)
        error = 5 * math.sqrt(expected / counts[..., channel].size)
        assert counts[..., channel].mean() == pytest.approx(clean.open_beam * signals[channel], abs=error)


@pytest.mark.parametrize(("material", "cm"), [("water", 0.0), ("water", 6.0), ("steel", 0.2)])
def test_the_noise_model_is_what_counting_photons_one_by_one_gives(sensor: Sensor, material: str, cm: float) -> None:
    spectrum = spectra.tube_spectrum(sensor.tube.kvp, sensor.tube.filters)
    energy_kev = spectrum.energy_kev
    passed = np.exp(-cm * attenuation.linear_attenuation(material, energy_kev))

    def through(layer_material: str, g_cm2: float) -> np.ndarray:
        return np.exp(-g_cm2 * attenuation.mass_attenuation(layer_material, energy_kev))

    front, between, back = sensor.detector.front, sensor.detector.between, sensor.detector.back
    past_front = through(front.material, front.g_cm2)
    stops = (
        past_front * through(between.material, between.g_cm2) * (1 - through(back.material, back.g_cm2)),  # hi
        1 - past_front,  # lo
    )
    left_kev = spectral.responses(sensor.detector, energy_kev)
    model = spectral.full_beam(sensor).weights @ passed
    rng = np.random.default_rng(5)
    n_pixels, open_quanta = 40_000, 60.0
    for channel in (0, 1):
        caught = spectrum.fluence * stops[channel]
        rate = open_quanta * (caught * passed).sum() / caught.sum()
        n = rng.poisson(rate, n_pixels)
        drawn = rng.choice(energy_kev.size, size=n.sum(), p=caught * passed / (caught * passed).sum())
        deposit = (left_kev[channel] / stops[channel])[drawn]
        sums = np.bincount(np.repeat(np.arange(n_pixels), n), weights=deposit, minlength=n_pixels)
        in_open_beams = sums / (open_quanta * (left_kev[channel] * spectrum.fluence).sum() / caught.sum())
        assert in_open_beams.mean() == pytest.approx(model[channel], rel=0.01)
        assert in_open_beams.var() == pytest.approx(model[2 + channel] / open_quanta, rel=0.03)


def test_noise_is_independent_from_pixel_to_pixel_and_channel_to_channel(
    sensor: Sensor, without_artefacts: Clean
) -> None:
    _, counts = flat_field(without_artefacts(sensor), "water", 4.0)
    noise = counts - counts.mean(axis=(0, 1))
    pairs = ((noise[:, 1:, 0], noise[:, :-1, 0]), (noise[1:, :, 1], noise[:-1, :, 1]), (noise[..., 0], noise[..., 1]))
    for a, b in pairs:
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 0.01


def test_an_edge_is_spread_by_the_declared_gaussian(
    scene_of: Callable[..., Scene], sensor: Sensor, without_noise: Clean
) -> None:
    parts = Parts()
    parts.box("steel", (160.0, 0.0, 5.0), (320.0, 600.0, 0.5))  # its edge lies on the border of columns 79 and 80
    scene = scene_of(parts.finish("plate", centred=False))
    row = render(scene, without_noise(sensor), seed=0).raw[80].astype(float)
    distance_px = np.arange(70, 90) + 0.5 - 80
    for channel in (0, 1):
        bright, dark = row[60, channel], row[100, channel]
        spread = (row[70:90, channel] - dark) / (bright - dark)
        assert spread == pytest.approx(ndtr(-distance_px / sensor.detector.blur_px), abs=0.002)


def test_a_line_spreads_alike_along_and_across(
    scene_of: Callable[..., Scene], sensor: Sensor, without_noise: Clean
) -> None:
    shadows = []
    for size in ((600.0, 1.6, 1.0), (1.6, 600.0, 1.0)):
        parts = Parts()
        parts.box("steel", (0.8, 0.8, 0.5), size)
        scene = scene_of(parts.finish("strip", centred=False))
        counts = render(scene, without_noise(sensor), seed=0).raw[..., 0].astype(float)
        across = counts[70:91, 40] if size[0] > size[1] else counts[40, 70:91]
        shadows.append((across[0] - across) / (across[0] - across).sum())
    along, across = shadows
    assert along == pytest.approx(across, abs=0.02)
    width_px = math.sqrt(float((across * np.arange(-10, 11) ** 2).sum()))
    assert width_px == pytest.approx(math.hypot(sensor.detector.blur_px, math.sqrt(1 / 12)), rel=0.05)  # and one pixel


def test_blur_keeps_the_total_and_leaves_a_plain_field_plain() -> None:
    taps = detector.blur_taps(0.85)
    assert taps.sum() == pytest.approx(1.0, abs=1e-6)
    plain = np.full((1, 40, 50), 0.4, np.float32)
    detector.blur(plain, taps)
    assert plain == pytest.approx(0.4, abs=1e-6)
    dot = np.zeros((1, 41, 41), np.float32)
    dot[0, 20, 20] = 1.0
    detector.blur(dot, taps)
    assert dot[0] == pytest.approx(np.pad(np.outer(taps, taps), 17), abs=1e-6)


@pytest.mark.parametrize("share_passed", [0.05, 0.2, 0.5, 0.8])
def test_scatter_is_the_declared_share_of_a_half_absorbed_beam(sensor: Sensor, share_passed: float) -> None:
    primary = np.full((64, 64), share_passed, np.float32)
    scattered = detector.scatter(primary, sensor.artefacts.scatter_share, sensor.artefacts.scatter_px)
    expected = -share_passed * math.log(share_passed) * sensor.artefacts.scatter_share / math.log(2.0)
    most = sensor.artefacts.scatter_share * math.exp(-1) / math.log(2.0)  # at 1 / e
    assert scattered == pytest.approx(expected, abs=0.03 * most)


def test_scatter_follows_its_kernel_over_the_field(mail_160kv: Sensor) -> None:
    half = np.ones((160, 160), np.float32)
    half[:, 80:] = 0.5
    scattered = detector.scatter(half, 0.02, 20.0)
    profile = scattered[80] / scattered[80, -1]
    assert np.all(np.diff(profile) > -1e-6)
    assert profile[79:81].mean() == pytest.approx(0.5, abs=0.03)
    width_px = float(np.interp(ndtr(1.0), profile, np.arange(160.0))) - 79.5  # one standard deviation beyond the border
    assert width_px == pytest.approx(20.0, rel=0.15)  # the coarse grid adds a little


def test_the_gain_of_a_row_is_its_own_from_scan_to_scan(sensor: Sensor, without_artefacts: Clean) -> None:
    uneven = replace(
        without_artefacts(sensor), artefacts=replace(sensor.artefacts, scatter_share=0, line_jitter=0, dead_rows=())
    )
    rows = [flat_field(uneven, "water", 0.0, seed=seed)[1][..., 0].mean(axis=1) for seed in (1, 2)]
    assert np.corrcoef(*rows)[0, 1] > 0.98
    assert rows[0].std() / rows[0].mean() == pytest.approx(sensor.artefacts.row_gain, rel=0.15)


def test_the_source_flickers_from_line_to_line(sensor: Sensor, without_artefacts: Clean) -> None:
    unsteady = replace(
        without_artefacts(sensor), artefacts=replace(sensor.artefacts, scatter_share=0, row_gain=0, dead_rows=())
    )
    counts = flat_field(unsteady, "water", 0.0)[1].astype(float)
    columns = counts.mean(axis=0)
    assert columns[:, 0].std() / columns[:, 0].mean() == pytest.approx(sensor.artefacts.line_jitter, rel=0.15)
    assert np.corrcoef(columns.T)[0, 1] > 0.95  # both channels see the same source


def test_a_dead_row_is_filled_from_its_neighbours(mail_160kv: Sensor) -> None:
    (dead,) = mail_160kv.artefacts.dead_rows
    counts = flat_field(mail_160kv, "water", 2.0, size=160)[1].astype(float)
    filled = (counts[dead - 1] + counts[dead + 1]) / 2
    assert np.abs(counts[dead] - filled).max() <= 1.0


def test_counts_fill_sixteen_bits_and_never_wrap(sensor: Sensor) -> None:
    assert flat_field(sensor, "water", 0.0)[1].dtype == np.uint16
    bright = replace(sensor, open_beam=65_500)  # noise reaches beyond the top
    open_counts = flat_field(bright, "water", 0.0)[1]
    assert open_counts.max() == 65_535
    assert open_counts.min() > 60_000
    blocked = flat_field(sensor, "lead", 20.0)[1]
    assert blocked.min() == 0
    assert blocked.max() < 10 * sensor.open_beam * sensor.detector.electronic_noise
