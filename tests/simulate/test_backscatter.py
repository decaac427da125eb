"""Backscatter: judged by thick slabs, the Klein-Nishina integral and the Poisson law."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import integrate, stats

from xraybench import sensors
from xraybench.core.errors import BadValue
from xraybench.core.sensor import Sensor
from xraybench.simulate import Scene, backscatter, materials
from xraybench.simulate.parts import Parts

FIELD = (64, 96)


@pytest.fixture(scope="module")
def van() -> Sensor:
    return sensors.get("backscatter_225kv")


def slabs(van: Sensor, *layers: tuple[str, float]) -> Parts:
    """Layers from the source downwards, wider than the field, as (material, thickness in mm)."""
    parts, top = Parts(), 600.0
    wide = 2.0 * max(FIELD) * van.geometry.pixel_mm
    for material, thick in layers:
        parts.object = len(parts)
        parts.box(material, (0.0, 0.0, top - 0.5 * thick), (wide, wide, thick))
        top -= thick
    return parts


def middle(scene: Scene, van: Sensor) -> float:
    return float(backscatter.noise_free(scene, van, FIELD)[28:36, 40:56].mean())


def test_a_thick_polyethylene_slab_is_the_reference(scene_of: Callable[..., Scene], van: Sensor) -> None:
    scene = scene_of(slabs(van, ("polyethylene", 500.0)).finish("slab"), vector="vehicle")
    assert middle(scene, van) == pytest.approx(1.0, rel=0.01)


def test_light_elements_are_bright_and_metals_dark(scene_of: Callable[..., Scene], van: Sensor) -> None:
    """Order of thick-slab albedo: polyethylene, water, aluminium, steel (simulation.md 2.6)."""
    found = [
        middle(scene_of(slabs(van, (name, 300.0)).finish("slab"), vector="vehicle"), van)
        for name in ("polyethylene", "water", "aluminium", "steel")
    ]
    assert found == sorted(found, reverse=True)
    assert found[3] < 0.35 * found[0]


def test_a_thin_slab_gives_less_and_two_halves_give_the_whole(scene_of: Callable[..., Scene], van: Sensor) -> None:
    whole = scene_of(slabs(van, ("water", 40.0)).finish("slab"), vector="vehicle")
    halves = scene_of(slabs(van, ("water", 20.0), ("water", 20.0)).finish("slab"), vector="vehicle")
    thin = scene_of(slabs(van, ("water", 20.0)).finish("slab"), vector="vehicle")
    assert middle(halves, van) == pytest.approx(middle(whole, van), rel=1e-4)
    assert middle(thin, van) < middle(whole, van)


def test_what_lies_behind_a_steel_plate_is_hardly_seen(scene_of: Callable[..., Scene], van: Sensor) -> None:
    parts = slabs(van, ("steel", 10.0), ("polyethylene", 300.0))
    scene = scene_of(parts.finish("slab"), vector="vehicle")
    share = backscatter.share_of(scene, van, FIELD, 1)[28:36, 40:56]
    assert share.max() < 0.05
    front = backscatter.share_of(scene, van, FIELD, 0)[28:36, 40:56]
    assert front + share == pytest.approx(np.ones_like(front), abs=1e-3)


def test_a_hole_in_a_block_gives_nothing_back(scene_of: Callable[..., Scene], van: Sensor) -> None:
    parts = Parts()
    wide = 2.0 * max(FIELD) * van.geometry.pixel_mm
    block = parts.box("polyethylene", (0.0, 0.0, 200.0), (wide, wide, 400.0))
    parts.box("", (0.0, 0.0, 200.0), (200.0, 200.0, 399.9), inside=block)
    scene = scene_of(parts.finish("block"), vector="vehicle")
    picture = backscatter.noise_free(scene, van, FIELD)
    assert picture[FIELD[0] // 2, FIELD[1] // 2] < 0.02
    assert picture[4, 4] == pytest.approx(1.0, rel=0.02)


def test_the_angular_law_integrates_to_the_klein_nishina_cross_section() -> None:
    """Judge: total cross-section per electron at 100 keV, 0.4927 barn (NIST, Hubbell 1982)."""

    def per_steradian(theta: float) -> float:
        ratio = 1.0 / (1.0 + 100.0 / backscatter._ELECTRON_KEV * (1.0 - math.cos(theta)))
        shape = ratio + 1.0 / ratio - math.sin(theta) ** 2
        return 0.5 * backscatter.RADIUS_CM**2 * ratio**2 * shape

    total, _ = integrate.quad(lambda t: 2.0 * math.pi * math.sin(t) * per_steradian(t), 0.0, math.pi)
    assert total == pytest.approx(0.4927e-24, rel=0.002)


def test_water_holds_its_electrons() -> None:
    """3.343e23 per gram."""
    assert backscatter.electrons_per_cm3("water") == pytest.approx(3.343e23, rel=0.002)


@pytest.mark.parametrize("mean", [0.0, 0.3, 4.0, 25.0, 60.0, 400.0])
def test_counts_follow_the_poisson_law(mean: float) -> None:
    rng = np.random.default_rng(11)
    shape = (200, 200)
    counts = backscatter._poisson(np.full(shape, mean), rng.random(shape), rng.standard_normal(shape)).ravel()
    assert counts.mean() == pytest.approx(mean, abs=4.0 * math.sqrt(mean / counts.size) + 1e-12)
    if mean > 0:
        assert counts.var() == pytest.approx(mean, rel=0.04)
        at = math.floor(mean)
        assert (counts <= at).mean() == pytest.approx(stats.poisson.cdf(at, mean), abs=0.012)


def test_a_scan_is_noisy_about_what_is_expected(scene_of: Callable[..., Scene], van: Sensor) -> None:
    scene = scene_of(slabs(van, ("polyethylene", 500.0)).finish("slab"), vector="vehicle")
    counts = backscatter.scan(scene, van, FIELD, np.random.default_rng(5))
    assert counts.shape == (*FIELD, 1) and counts.dtype == np.uint16
    share = counts[8:-8, 8:-8, 0] / van.open_beam
    assert share.mean() == pytest.approx(1.0, rel=0.02)
    noise = math.sqrt(1.0 / van.detector.quanta[0] + van.detector.electronic_noise**2)
    assert share.std() == pytest.approx(noise, rel=0.06)


def test_a_linac_scatters_nothing_back_here(van: Sensor) -> None:
    with pytest.raises(BadValue, match=r"source: a backscatter scanner needs an X-ray tube"):
        backscatter.nodes(sensors.get("container_6mev"))


def test_every_element_of_the_materials_has_its_number() -> None:
    assert all(materials.ATOMIC_NUMBER[symbol] for symbol in materials.ATOMIC_WEIGHT)
    assert (materials.ATOMIC_NUMBER["Fe"], materials.ATOMIC_NUMBER["W"], materials.ATOMIC_NUMBER["Pb"]) == (26, 74, 82)
