"""The colours a scanner shows: organic orange, mixed green, metal blue, what nothing passes black."""

import colorsys

import numpy as np
import pytest

from xraybench.core.sensor import Sensor
from xraybench.simulate import display, grey, spectral


def shown(sensor: Sensor, material: str, cm: float) -> tuple[float, float, float]:
    """Hue in degrees, saturation and value of a sheet, noise-free."""
    hi, lo = spectral.signals(np.full((1, 1, 1), cm, np.float32), (material,), sensor)[:2, 0, 0]
    raw = np.rint(np.array([[[hi, lo]]]) * sensor.open_beam).astype(np.uint16)
    hue, saturation, value = colorsys.rgb_to_hsv(*(display(sensor, raw)[0, 0] / 255.0))
    return 360.0 * hue, saturation, value


@pytest.mark.parametrize(
    ("material", "cm"), [("polyethylene", 6.0), ("water", 6.0), ("paper", 8.0), ("sugar", 5.0), ("cocaine_hcl", 2.0)]
)
def test_organic_things_are_orange(sensor: Sensor, material: str, cm: float) -> None:
    hue, saturation, _ = shown(sensor, material, cm)
    assert 10 < hue < 55
    assert saturation > 0.2


@pytest.mark.parametrize(("material", "cm"), [("aluminium", 2.0), ("glass", 2.0)])
def test_light_metal_and_glass_are_green(sensor: Sensor, material: str, cm: float) -> None:
    assert 60 < shown(sensor, material, cm)[0] < 175


@pytest.mark.parametrize(("material", "cm"), [("steel", 0.3), ("steel", 0.8), ("copper", 0.3), ("brass", 0.3)])
def test_metal_is_blue(sensor: Sensor, material: str, cm: float) -> None:
    hue, saturation, _ = shown(sensor, material, cm)
    assert 190 < hue < 265
    assert saturation > 0.3


@pytest.mark.parametrize(("material", "cm"), [("lead", 2.0), ("steel", 8.0)])
def test_what_nothing_passes_is_black(sensor: Sensor, material: str, cm: float) -> None:
    assert shown(sensor, material, cm)[2] < 0.12


def test_the_open_beam_is_the_background(sensor: Sensor) -> None:
    raw = np.full((2, 2, 2), sensor.open_beam, np.uint16)
    assert np.abs(display(sensor, raw).astype(int) - sensor.display.background_rgb).max() <= 2
    assert grey(sensor, raw).tolist() == [[[255], [255]], [[255], [255]]]


@pytest.mark.parametrize("material", ["water", "steel"])
def test_thicker_is_darker(sensor: Sensor, material: str) -> None:
    steps = np.geomspace(0.05, 8.0, 12)
    signals = [spectral.signals(np.full((1, 1, 1), cm, np.float32), (material,), sensor)[:2, 0, 0] for cm in steps]
    raw = np.rint(np.array([signals]) * sensor.open_beam).astype(np.uint16)
    luma = display(sensor, raw)[0] @ [0.299, 0.587, 0.114]
    assert np.all(np.diff(luma) < 1.0)
    assert np.all(np.diff(grey(sensor, raw)[0, :, 0].astype(int)) <= 0)


def test_every_pair_of_counts_has_a_colour(sensor: Sensor) -> None:
    counts = np.array([0, 1, 50, 5_000, 40_000, 60_000, 65_535], dtype=np.uint16)
    raw = np.stack(np.meshgrid(counts, counts), axis=-1)
    assert display(sensor, raw).shape == (7, 7, 3)
    assert display(sensor, raw).dtype == grey(sensor, raw).dtype == np.uint8
