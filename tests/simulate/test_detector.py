"""From signals to counts: noise, blur, scatter, gain, 16 bit. The judges are statistics and the declared figures."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ndtr

from xraybench import sensors
from xraybench.core.chance import stream
from xraybench.core.sensor import Linac, Sensor
from xraybench.simulate import Scene, attenuation, detector, spectra, spectral
from xraybench.simulate.parts import Parts
from xraybench.simulate.render import render

Clean = Callable[[Sensor], Sensor]


def flat_field(
    sensor: Sensor, material: str, cm: float, *, seed: int = 1, size: int = 512
) -> tuple[np.ndarray, np.ndarray]:
    """Signals and variances of both channels behind a sheet as thick everywhere, and one exposure, shape (size, size, 2)."""
    signals = spectral.signals(np.full((1, size, size), cm, np.float32), (material,), sensor)
    at = signals[:, 0, 0].astype(float)
    at = at if len(at) == 4 else np.repeat(at, 2)  # of one energy: the same in both channels
    return at, detector.expose(signals, sensor, stream(seed, "flat"))


def quanta_of(sensor: Sensor, channel: int) -> float:
    return sensor.detector.quanta[min(channel, len(sensor.detector.quanta) - 1)]


@pytest.mark.parametrize(
    ("material", "cm"), [("water", 0.0), ("water", 4.0), ("water", 15.0), ("steel", 0.3), ("steel", 0.8)]
)
def test_flat_field_variance_is_the_models_own(
    line_scanner: Sensor, without_artefacts: Clean, material: str, cm: float
) -> None:
    """V11, the photon transfer line. Source: its definition."""
    clean = without_artefacts(line_scanner)
    signals, counts = flat_field(clean, material, cm)
    for channel in (0, 1):
        share = signals[2 + channel] / quanta_of(clean, channel) + clean.detector.electronic_noise**2
        expected = clean.open_beam**2 * share + 1 / 12  # rounding to whole counts
        if clean.open_beam * (signals[channel] + 4 * math.sqrt(share)) < 65_535:  # else some counts are cut at the top
            assert counts[..., channel].var() == pytest.approx(expected, rel=0.02)
            error = 5 * math.sqrt(expected / counts[..., channel].size)
            assert counts[..., channel].mean() == pytest.approx(clean.open_beam * signals[channel], abs=error)


@pytest.mark.parametrize("cm", [1.3, 1.8, 2.2])
def test_few_quanta_are_counted_one_by_one(mail_160kv: Sensor, without_artefacts: Clean, cm: float) -> None:
    """V11 where under 20 quanta are expected: mean, variance and skewness of the Poisson law."""
    clean = without_artefacts(mail_160kv)
    starved = replace(clean, detector=replace(clean.detector, quanta=(600.0, 600.0), electronic_noise=1e-9))
    signals, counts = flat_field(starved, "steel", cm)
    values = counts[..., 0].astype(float)
    quantum = starved.open_beam * signals[2] / signals[0] / 600.0  # counts of one mean quantum
    mean = starved.open_beam * signals[0]
    assert 1.0 < mean / quantum < 20.0
    assert values.mean() == pytest.approx(mean, rel=0.01)
    assert values.var() == pytest.approx(mean * quantum, rel=0.02)
    skewness = ((values - values.mean()) ** 3).mean() / values.std() ** 3
    assert skewness == pytest.approx(math.sqrt(quantum / mean), rel=0.05)
    assert (values < 0.5 * quantum).mean() == pytest.approx(math.exp(-mean / quantum), abs=0.002)


def test_electronic_noise_rules_the_registered_sensors_where_few_quanta_arrive(line_scanner: Sensor) -> None:
    for quanta in line_scanner.detector.quanta:
        assert line_scanner.detector.electronic_noise * quanta > math.sqrt(20.0)  # of 20 quanta the spread is the root


@pytest.mark.parametrize("expected", [0.3, 4.0, 19.0, 30.0])
def test_the_poisson_law_is_inverted_exactly(expected: float) -> None:
    from scipy.stats import poisson

    chances = np.linspace(0.001, 0.999, 777)
    ours = [detector.poisson(expected, u) for u in chances]
    assert ours == poisson.ppf(chances, expected).tolist()


@pytest.mark.parametrize(("material", "cm"), [("water", 0.0), ("water", 6.0), ("steel", 0.2)])
def test_the_noise_model_is_what_counting_photons_one_by_one_gives(sandwich: Sensor, material: str, cm: float) -> None:
    sensor = sandwich
    spectrum = spectra.tube_spectrum(sensor.source.kvp, sensor.source.filters)
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
    line_scanner: Sensor, without_artefacts: Clean
) -> None:
    _, counts = flat_field(without_artefacts(line_scanner), "water", 4.0)
    noise = counts - counts.mean(axis=(0, 1))
    pairs = [(noise[:, 1:, 0], noise[:, :-1, 0]), (noise[1:, :, 1], noise[:-1, :, 1]), (noise[..., 0], noise[..., 1])]
    if not line_scanner.is_dual:
        assert np.array_equal(noise[..., 0], noise[..., 1])  # one energy, shown twice
        del pairs[-1]
    for a, b in pairs:
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 0.01


PHASES = (
    np.arange(8) + 0.5
) / 8 - 0.5  # of an edge about the middle of a pixel: one phase of a sampled picture says little


def test_an_edge_is_spread_by_the_declared_gaussian(
    scene_of: Callable[..., Scene], line_scanner: Sensor, without_noise: Clean
) -> None:
    sensor, pixel = without_noise(line_scanner), line_scanner.pixel_mm
    moments, thick = [], 10.0 if isinstance(sensor.source, Linac) else 0.3  # enough to fill some thousand counts
    for phase in PHASES:
        parts = Parts()
        parts.box("steel", (pixel * (200.5 + phase), 0.0, 10.0), (400.0 * pixel, 1200.0 * pixel, thick))
        scene = scene_of(parts.finish("plate", centred=False))
        row = np.log(render(scene, sensor, seed=0, field_px=(160, 160)).raw[80].astype(float))
        line = -np.diff(row[68:94], axis=0)
        place = np.arange(69, 94) - 80.5 - phase  # of the border between two pixels, from the edge
        weight = line / line.sum(axis=0)
        moments.append((place[:, None] ** 2 * weight).sum(axis=0))
    width_px = np.sqrt(np.mean(moments, axis=0))
    expected = math.hypot(sensor.detector.blur_px, math.sqrt(1 / 6))  # with the pixel, and the step of the difference
    assert width_px == pytest.approx(expected, rel=0.03)


def test_a_line_spreads_alike_along_and_across(
    scene_of: Callable[..., Scene], line_scanner: Sensor, without_noise: Clean
) -> None:
    sensor, pixel = without_noise(line_scanner), line_scanner.pixel_mm
    widths = []
    for axis in (0, 1):
        moments = []
        for phase in PHASES:
            parts = Parts()
            at, size = (
                [0.5 * pixel, 0.5 * pixel, 5.0],
                [400.0 * pixel, 400.0 * pixel, 10.0 if isinstance(sensor.source, Linac) else 0.5],
            )
            at[1 - axis] += phase * pixel
            size[1 - axis] = pixel
            parts.box("steel", (at[0], at[1], at[2]), (size[0], size[1], size[2]))
            scene = scene_of(parts.finish("strip", centred=False))
            counts = np.log(render(scene, sensor, seed=0, field_px=(160, 160)).raw[..., 0].astype(float))
            line = counts[70:91, 40] if axis == 0 else counts[40, 70:91]
            shadow = (line[0] - line) / (line[0] - line).sum()
            moments.append((shadow * (np.arange(-10, 11) - phase) ** 2).sum())
        widths.append(math.sqrt(np.mean(moments)))
    assert widths[0] == pytest.approx(widths[1], rel=0.02)
    expected = math.hypot(sensor.detector.blur_px, math.sqrt(1 / 6))  # the strip is as wide as a pixel
    assert widths[0] == pytest.approx(expected, rel=0.04)


def test_blur_keeps_the_total_and_leaves_a_plain_field_plain() -> None:
    taps = detector.blur_taps(0.85)
    reach = taps.size // 2
    assert taps.sum() == pytest.approx(1.0, abs=1e-6)
    plain = np.full((1, 40, 50), 0.4, np.float32)
    detector.blur(plain, taps)
    assert plain == pytest.approx(0.4, abs=1e-6)
    dot = np.zeros((1, 41, 41), np.float32)
    dot[0, 20, 20] = 1.0
    detector.blur(dot, taps)
    assert dot[0] == pytest.approx(np.pad(np.outer(taps, taps), 20 - reach), abs=1e-6)


def transfer_of_taps(blur_px: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frequencies up to 0.5 cycles per pixel; what two rays a pixel and the taps transfer, and what is declared."""
    taps = detector.blur_taps(blur_px).astype(float)
    assert (np.diff(taps[taps.size // 2 :]) <= 0).all() and taps.min() > 0  # no overshoot at an edge
    frequency, k = np.linspace(0.0, 0.5, 51), np.arange(taps.size) - taps.size // 2
    found = np.cos(0.5 * np.pi * frequency) * (taps * np.cos(2 * np.pi * np.outer(frequency, k))).sum(axis=1)
    return frequency, found, np.exp(-2 * (np.pi * blur_px * frequency) ** 2) * np.sinc(frequency)


@pytest.mark.parametrize("blur_px", [0.7, 0.75, 0.8, 0.85, 1.0, 1.3, 2.5, 4.0])
def test_the_point_spread_is_a_gaussian_over_square_pixels(blur_px: float) -> None:
    """V12, on the taps alone: to half a cycle a pixel they transfer what a Gaussian and a whole pixel do."""
    frequency, found, declared = transfer_of_taps(blur_px)
    assert found == pytest.approx(declared, abs=0.012)
    seen = (frequency <= 0.35) & (declared > 0.1)
    assert found[seen] == pytest.approx(declared[seen], rel=0.03)


@pytest.mark.parametrize(("blur_px", "most"), [(0.0, 0.05), (0.4, 0.16), (0.55, 0.1)])
def test_a_picture_sharper_than_its_pixels_lets_more_pass_near_half_a_cycle(blur_px: float, most: float) -> None:
    frequency, found, declared = transfer_of_taps(blur_px)
    assert found == pytest.approx(declared, abs=most)
    assert found[frequency <= 0.25] == pytest.approx(declared[frequency <= 0.25], rel=0.03)


def test_every_line_scanner_is_blurred_enough_for_its_pixels(line_scanner: Sensor) -> None:
    assert line_scanner.detector.blur_px >= 0.7


@pytest.mark.parametrize("share_passed", [0.05, 0.2, 0.5, 0.8])
def test_scatter_is_the_declared_share_of_a_half_absorbed_beam(line_scanner: Sensor, share_passed: float) -> None:
    sensor = line_scanner
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


def test_the_gain_of_a_row_is_its_own_from_scan_to_scan(line_scanner: Sensor, without_artefacts: Clean) -> None:
    sensor, clean = line_scanner, without_artefacts(line_scanner)
    uneven = replace(clean, artefacts=replace(clean.artefacts, row_gain=sensor.artefacts.row_gain))
    rows = [flat_field(uneven, "water", 0.0, seed=seed)[1][..., 0].mean(axis=1) for seed in (1, 2)]
    assert np.corrcoef(*rows)[0, 1] > 0.98
    assert rows[0].std() / rows[0].mean() == pytest.approx(sensor.artefacts.row_gain, rel=0.15)


def test_the_source_flickers_from_line_to_line(line_scanner: Sensor, without_artefacts: Clean) -> None:
    sensor, clean = line_scanner, without_artefacts(line_scanner)
    unsteady = replace(clean, artefacts=replace(clean.artefacts, line_jitter=sensor.artefacts.line_jitter))
    counts = flat_field(unsteady, "water", 0.0)[1].astype(float)
    columns = counts.mean(axis=0)
    assert columns[:, 0].std() / columns[:, 0].mean() == pytest.approx(sensor.artefacts.line_jitter, rel=0.15)
    alike = np.corrcoef(columns.T)[0, 1]
    if sensor.is_dual and isinstance(sensor.source, Linac):
        assert abs(alike) < 0.2  # each channel has pulses of its own
    else:
        assert alike > 0.95  # both channels see the same source


def test_two_energies_take_turns_from_column_to_column(without_artefacts: Clean) -> None:
    steady = without_artefacts(sensors.get("container_6mev"))
    sensor = replace(steady, source=replace(steady.source, is_interlaced=True))
    _, counts = flat_field(sensor, "steel", 10.0)
    for channel in (0, 1):
        values = counts[..., channel].astype(float)
        between, own = values[:, 2 + channel - 1 : -2 : 2], values[:, channel::2]
        filled = (values[:, channel:-2:2] + values[:, channel + 2 :: 2]) / 2
        first = 1 if channel == 0 else 2
        assert np.abs(values[:, first : first + 2 * filled.shape[1] : 2] - filled).max() <= 1.0
        assert own.var() == pytest.approx(
            flat_field(steady, "steel", 10.0)[1][..., channel].astype(float).var(), rel=0.02
        )
        assert between.var() == pytest.approx(0.5 * own.var(), rel=0.05)


def test_the_low_channel_lags_by_the_declared_shift(scene_of: Callable[..., Scene], without_noise: Clean) -> None:
    sensor = without_noise(sensors.get("mail_160kv"))
    lagging = replace(sensor, artefacts=replace(sensor.artefacts, misregister_px=1.4))
    parts = Parts()
    parts.box("steel", (0.0, 0.0, 5.0), (40.0, 200.0, 0.3))
    scene = scene_of(parts.finish("strip", centred=False))
    places = []
    for other in (sensor, lagging):
        shadow = 60_000.0 - render(scene, other, seed=0).raw[80].astype(float)
        places.append((shadow * np.arange(160)[:, None]).sum(axis=0) / shadow.sum(axis=0))
    assert places[1][0] == pytest.approx(places[0][0], abs=0.01)
    assert places[1][1] == pytest.approx(places[0][1] + 1.4, abs=0.02)


def test_the_noise_scale_multiplies_the_spread(mail_160kv: Sensor, without_artefacts: Clean) -> None:
    clean = without_artefacts(mail_160kv)
    spreads = [
        flat_field(replace(clean, noise_scale=scale), "water", 8.0)[1][..., 1].astype(float).std()
        for scale in (0.5, 1.0, 2.0)
    ]
    assert spreads == pytest.approx([0.5 * spreads[1], spreads[1], 2 * spreads[1]], rel=0.01)


def test_a_dead_row_is_filled_from_its_neighbours(mail_160kv: Sensor) -> None:
    (dead,) = mail_160kv.artefacts.dead_rows
    counts = flat_field(mail_160kv, "water", 2.0, size=160)[1].astype(float)
    filled = (counts[dead - 1] + counts[dead + 1]) / 2
    assert np.abs(counts[dead] - filled).max() <= 1.0


def test_counts_fill_sixteen_bits_and_never_wrap(line_scanner: Sensor) -> None:
    sensor = line_scanner
    assert flat_field(sensor, "water", 0.0)[1].dtype == np.uint16
    bright = replace(sensor, open_beam=65_500)  # noise reaches beyond the top
    open_counts = flat_field(bright, "water", 0.0)[1]
    assert open_counts.max() == 65_535
    assert open_counts.min() > 55_000
    blocked = flat_field(sensor, "lead", 60.0)[1]
    assert blocked.min() == 0
    assert blocked.max() < 10 * sensor.open_beam * sensor.detector.electronic_noise
