"""Two channels behind known absorbers: the nodes against the full spectrum, the order of materials, what a wire shows."""

from collections.abc import Callable

import numpy as np
import pytest

from xraybench.core.sensor import Sensor
from xraybench.simulate import Scene, attenuation, materials, spectral
from xraybench.simulate.display import attenuation_curves, effective_z
from xraybench.simulate.parts import Parts
from xraybench.simulate.render import render

STACKED = (
    "polyethylene", "water", "paper", "sugar", "cocaine_hcl", "glass", "pcb", "liion", "aluminium", "steel", "copper",
    "brass", "tin", "silver", "tungsten", "gold", "lead",
)  # fmt: skip
DEEPEST = 7.0  # -ln of the least transmission looked at: a thousandth


def random_stacks(sensor: Sensor, *, n_stacks: int, seed: int) -> np.ndarray:
    """Path lengths in cm of one to three materials, each up to some e-folds at 80 keV, shape (n_stacks, n_materials)."""
    rng = np.random.default_rng(seed)
    mu = np.array([attenuation.linear_attenuation(name, 80.0)[0] for name in STACKED])
    paths = np.zeros((n_stacks, len(STACKED)))
    for row in paths:
        chosen = rng.choice(len(STACKED), size=int(rng.integers(1, 4)), replace=False)
        row[chosen] = rng.exponential(0.8, size=chosen.size) / mu[chosen]
    return paths


def in_full(sensor: Sensor, paths_cm: np.ndarray) -> np.ndarray:
    """Signals and variances by the sum over all 1 keV bins, in double precision, shape (4, n_stacks)."""
    beam = spectral.full_beam(sensor)
    mu = np.stack([attenuation.linear_attenuation(name, beam.energy_kev) for name in STACKED])
    return beam.weights @ np.exp(-paths_cm @ mu).T


def test_nodes_stand_for_the_whole_spectrum_behind_any_stack(sensor: Sensor) -> None:
    paths = random_stacks(sensor, n_stacks=1500, seed=20)
    expected = in_full(sensor, paths)
    maps = paths.T.astype(np.float32).reshape(len(STACKED), 30, 50)
    ours = spectral.signals(maps, STACKED, sensor).reshape(4, -1)
    seen = expected[1] > np.exp(-DEEPEST)
    error = np.abs(ours / expected - 1.0)[:, seen]
    assert seen.sum() > 1000
    assert error[:2].max() <= 0.002
    assert error[2:].max() <= 0.01  # of the variance


def test_the_open_beam_is_one_and_nothing_is_brighter(sensor: Sensor) -> None:
    maps = np.array([[[0.0, -0.5, 0.1, 5.0]]], dtype=np.float32)  # a rounding below zero counts as zero
    hi, lo = spectral.signals(maps, ("water",), sensor)[:2, 0]
    assert hi[:2] == pytest.approx(1.0, abs=2e-6)
    assert lo[:2] == pytest.approx(1.0, abs=2e-6)
    assert 1.0 > hi[2] > hi[3] > lo[3] > 0.0  # the low channel loses more


def test_the_kernel_sums_exponentials_as_numpy_does() -> None:
    rng = np.random.default_rng(1)
    paths = rng.exponential(2.0, (5, 3000)).astype(np.float32) * rng.integers(0, 2, (5, 3000)).astype(np.float32)
    mu = rng.uniform(0.05, 4.0, (5, 24)).astype(np.float32)
    weights = rng.uniform(0.0, 1.0, (4, 24)).astype(np.float32)
    ours = np.empty((4, 3000), np.float32)
    spectral.spectral_sum(paths, mu, weights, ours)
    expected = weights.astype(float) @ np.exp(-mu.T.astype(float) @ paths)
    assert ours == pytest.approx(expected, rel=2e-5)


def test_every_registered_sensor_has_its_nodes_baked(sensor: Sensor) -> None:
    with np.load(spectral.TABLE) as table:
        assert table[f"{sensor.name}_of"] == pytest.approx(spectral.fingerprint(spectral.full_beam(sensor)), rel=1e-6)


def test_a_few_nodes_fitted_afresh_still_follow_a_simple_absorber(mail_160kv: Sensor) -> None:
    beam = spectral.full_beam(mail_160kv)
    fitted = spectral.fit_nodes(beam, n_nodes=10, n_stacks=120, n_start=14, n_rounds=1)
    for cm in (0.0, 1.0, 5.0, 15.0):
        full = beam.weights[:2] @ np.exp(-cm * attenuation.linear_attenuation("water", beam.energy_kev))
        few = fitted.weights[:2] @ np.exp(-cm * attenuation.linear_attenuation("water", fitted.energy_kev))
        assert few == pytest.approx(full, rel=0.02)


def test_the_low_channel_stands_out_more_the_heavier_the_material(sensor: Sensor) -> None:
    beam = spectral.full_beam(sensor)
    ratios = []
    for name in ("carbon", "water", "aluminium", "calcium", "iron", "tin"):
        cm = np.geomspace(1e-4, 40.0, 3000)
        mu = attenuation.linear_attenuation(name, beam.energy_kev)
        hi, lo = -np.log(np.maximum(beam.weights[:2] @ np.exp(-np.outer(mu, cm)), 1e-300))
        ratios.append(float(np.interp(1.0, hi, lo)))  # -ln lo where -ln hi is 1
    assert ratios[0] > 1.0
    assert np.all(np.diff(ratios) > 0.02)
    assert attenuation_curves(sensor, np.array([1.0]))[:, 0] == pytest.approx(ratios, rel=0.01)


@pytest.mark.parametrize(
    ("name", "cm", "z"), [("water", 6.0, 7.4), ("water", 12.0, 7.4), ("aluminium", 2.0, 13.0), ("steel", 0.2, 26.0)]
)
def test_the_effective_atomic_number_is_read_back(sensor: Sensor, name: str, cm: float, z: float) -> None:
    hi, lo = spectral.signals(np.full((1, 1, 1), cm, np.float32), (name,), sensor)[:2, 0, 0]
    assert effective_z(sensor, np.array([-np.log(hi)]), np.array([-np.log(lo)]))[0] == pytest.approx(z, rel=0.08)


def test_a_copper_wire_of_half_a_millimetre_is_seen(scene_of: Callable[..., Scene], sensor: Sensor) -> None:
    parts = Parts()
    parts.wire("copper", (-60.0, 0.8, 5.0), (60.0, 0.8, 5.0), 0.511)  # AWG 24
    hi = render(scene_of(parts.finish("wire", centred=False)), sensor, seed=3).raw[..., 0].astype(float)
    wire, beside = hi[80, 45:115], np.concatenate([hi[70:76, 45:115].ravel(), hi[86:92, 45:115].ravel()])
    contrast = (beside.mean() - wire[:25].mean()) / (beside.std() / np.sqrt(25))
    assert contrast > 5.0


def test_materials_are_named_in_maps_by_their_place_in_the_table() -> None:
    assert [materials.material_id(name) for name in materials.names()[:3]] == [1, 2, 3]
