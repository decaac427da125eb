"""The colours a scanner shows: organic orange, mixed green, metal blue, what nothing passes black; grey of one channel."""

import colorsys
from collections.abc import Callable

import numpy as np
import pytest
from physics_references import EFFECTIVE_Z

from xraybench import sensors
from xraybench.core.errors import BadValue
from xraybench.core.sensor import Sensor
from xraybench.simulate import attenuation, display, effective_z, grey, materials, spectral


def both(sensor: Sensor, material: str, cm: float) -> np.ndarray:
    """Channels (hi, lo) behind a sheet, noise-free; of one energy the same twice."""
    signals = spectral.signals(np.full((1, 1, 1), cm, np.float32), (material,), sensor)[:, 0, 0]
    return signals[:2] if sensor.is_dual else signals[[0, 0]]


def shown(sensor: Sensor, material: str, cm: float) -> tuple[float, float, float]:
    """Hue in degrees, saturation and value of a sheet, noise-free."""
    hi, lo = both(sensor, material, cm)
    raw = np.rint(np.array([[[hi, lo]]]) * sensor.open_beam).astype(np.uint16)
    hue, saturation, value = colorsys.rgb_to_hsv(*(display(sensor, raw)[0, 0] / 255.0))
    return 360.0 * hue, saturation, value


@pytest.mark.parametrize(
    ("material", "cm"), [("polyethylene", 6.0), ("water", 6.0), ("paper", 8.0), ("sugar", 5.0), ("cocaine_hcl", 2.0)]
)
def test_organic_things_are_orange(sandwich: Sensor, material: str, cm: float) -> None:
    hue, saturation, _ = shown(sandwich, material, cm)
    assert 10 < hue < 55
    assert saturation > 0.15


@pytest.mark.parametrize(("material", "cm"), [("aluminium", 2.0), ("glass", 2.0)])
def test_light_metal_and_glass_are_green(sandwich: Sensor, material: str, cm: float) -> None:
    assert 60 < shown(sandwich, material, cm)[0] < 175


@pytest.mark.parametrize(("material", "cm"), [("steel", 0.3), ("steel", 0.8), ("copper", 0.3), ("brass", 0.3)])
def test_metal_is_blue(sandwich: Sensor, material: str, cm: float) -> None:
    hue, saturation, _ = shown(sandwich, material, cm)
    assert 190 < hue < 265
    assert saturation > 0.3


@pytest.mark.parametrize(("material", "cm"), [("lead", 2.0), ("steel", 8.0)])
def test_what_nothing_passes_is_black(sandwich: Sensor, material: str, cm: float) -> None:
    assert shown(sandwich, material, cm)[2] < 0.12


def test_the_open_beam_is_the_background(line_scanner: Sensor) -> None:
    sensor = line_scanner
    raw = np.full((2, 2, 2), sensor.open_beam, np.uint16)
    assert np.abs(display(sensor, raw).astype(int) - sensor.display.background_rgb).max() <= 2
    assert grey(sensor, raw).tolist() == [[[255], [255]], [[255], [255]]]


@pytest.mark.parametrize("material", ["water", "steel"])
def test_thicker_is_darker(line_scanner: Sensor, material: str) -> None:
    sensor = line_scanner
    steps = np.geomspace(0.05, 8.0, 12)
    signals = [both(sensor, material, cm) for cm in steps]
    raw = np.rint(np.array([signals]) * sensor.open_beam).astype(np.uint16)
    luma = display(sensor, raw)[0] @ [0.299, 0.587, 0.114]
    assert np.all(np.diff(luma) < 1.0)
    assert np.all(np.diff(grey(sensor, raw)[0, :, 0].astype(int)) <= 0)


def test_every_count_has_a_colour_on_every_sensor(sensor: Sensor) -> None:
    counts = np.array([0, 1, 50, 5_000, 40_000, 60_000, 65_535], dtype=np.uint16)
    pairs = np.stack(np.meshgrid(counts, counts), axis=-1)
    raw = pairs if len(sensor.channels) == 2 else pairs[..., :1]
    assert display(sensor, raw).shape == (7, 7, 3)
    assert grey(sensor, raw).shape == (7, 7, 1)
    assert display(sensor, raw).dtype == grey(sensor, raw).dtype == np.uint8


@pytest.mark.parametrize("show", [display, grey])
@pytest.mark.parametrize("kind", ["int32", "float64", "uint8"])
def test_what_is_no_count_is_refused_and_never_looked_up(show: Callable, kind: str) -> None:
    with pytest.raises(BadValue, match=f"raw is {kind} of shape"):
        show(sensors.get("mail_160kv"), np.full((4, 4, 2), 200).astype(kind))


def test_a_dual_scanner_shows_no_scan_of_one_channel() -> None:
    with pytest.raises(BadValue, match=r"counts are uint16 \(height, width, 2\)"):
        display(sensors.get("mail_160kv"), np.zeros((4, 4, 1), np.uint16))


def test_a_scanner_of_one_channel_shows_grey(sensor: Sensor) -> None:
    ramp = np.linspace(0, 65_535, 64).astype(np.uint16)
    raw = np.stack([np.tile(ramp, (4, 1))] * len(sensor.channels), axis=-1)
    shown_rgb = display(sensor, raw)
    if not sensor.is_dual:
        assert np.array_equal(shown_rgb, np.repeat(grey(sensor, raw), 3, axis=2))
    assert np.all(np.diff(grey(sensor, raw)[0, :, 0].astype(int)) >= 0)


@pytest.mark.parametrize("material", EFFECTIVE_Z)
def test_the_effective_atomic_number_is_read_back(sandwich: Sensor, material: str) -> None:
    """V8, where the low channel passes more than 0.01. Source: XST 2020, up to 8.5 % on 12 materials of Z 5.4 to 22.

    Nylon, sugar, glass, PVC, salt and titanium are none of the absorbers that the table was calibrated on.
    """
    beam = spectral.nodes(sandwich)
    mu = attenuation.linear_attenuation(material, beam.energy_kev)
    passed = np.exp(-np.outer(np.geomspace(1e-3, 200.0, 300), mu)) @ beam.weights[:2].T
    enough = (passed[:, 1] > 0.01) & (passed[:, 0] < 0.95)
    hi, lo = -np.log(passed[enough]).T
    assert effective_z(sandwich, hi, lo) == pytest.approx(EFFECTIVE_Z[material], rel=0.08)


def test_the_numbers_to_read_back_are_those_of_the_power_law() -> None:
    for name, z in EFFECTIVE_Z.items():
        shares = [(share, materials.ATOMIC_NUMBER[symbol], materials.ATOMIC_WEIGHT[symbol]) for symbol, share in
                  materials.weight_shares(name)]  # fmt: skip
        electrons = np.array([share * number / weight for share, number, weight in shares])
        numbers = np.array([float(number) for _, number, _ in shares])
        power = float((electrons * numbers**2.94).sum() / electrons.sum()) ** (1 / 2.94)
        assert power == pytest.approx(z, abs=0.01)


def test_two_energies_of_an_accelerator_tell_elements_apart_only_behind_much() -> None:
    """V7. Source: arXiv 2301.05783, MeV dual energy is ambiguous at low areal density."""
    sensor = sensors.get("container_6mev")
    spread = []
    for depth in (0.1, 1.0, 4.0):
        ratios = []
        for material in ("carbon", "aluminium", "iron", "tin"):
            cm = np.geomspace(1e-3, 400.0, 4000)
            beam = spectral.nodes(sensor)
            passed = (
                np.exp(-np.outer(cm, attenuation.linear_attenuation(material, beam.energy_kev))) @ beam.weights[:2].T
            )
            hi, lo = -np.log(np.maximum(passed, 1e-30)).T
            ratios.append(np.interp(depth, hi, lo) / depth)
        spread.append(ratios)
    assert spread[0][3] > spread[0][2]  # thin tin reads like carbon
    assert spread[2] == sorted(spread[2], reverse=True)  # thick, the ratio falls with the atomic number
    assert max(max(row) / min(row) for row in spread) < 1.25  # where tubes have a factor of 2


def test_cargo_shows_hue_only_where_it_says_something() -> None:
    sensor = sensors.get("container_6mev")
    assert shown(sensor, "water", 60.0)[1] > 0.35
    assert shown(sensor, "steel", 12.0)[1] > 0.2
    assert abs(shown(sensor, "water", 60.0)[0] - shown(sensor, "steel", 12.0)[0]) > 90.0
    assert shown(sensor, "steel", 0.5)[1] < 0.1


def test_pulse_jitter_leaves_no_stripes_where_a_column_sees_air() -> None:
    sensor = sensors.get("container_6mev")
    jitter = 1.0 + 0.012 * np.random.default_rng(1).standard_normal((1, 200, 2))
    raw = np.full((120, 200, 2), 30_000.0) * jitter
    raw[:8] = raw[-8:] = 60_000.0 * jitter
    shown_rgb = display(sensor, raw.astype(np.uint16)).astype(int)
    assert shown_rgb[40:80].std(axis=1).max() < 1.5
