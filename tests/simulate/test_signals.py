"""Two channels behind known absorbers: the nodes against the full spectrum, the order of materials, what a wire shows."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import brentq

from xraybench import sensors
from xraybench.core.errors import BadValue
from xraybench.core.sensor import Layer, Linac, Sensor, Tube
from xraybench.simulate import Scene, attenuation, materials, spectral
from xraybench.simulate.display import effective_z
from xraybench.simulate.parts import Parts
from xraybench.simulate.render import render

STACKED = (
    "polyethylene", "water", "paper", "sugar", "cocaine_hcl", "glass", "pcb", "liion", "aluminium", "steel", "copper",
    "brass", "tin", "silver", "tungsten", "gold", "lead",
)  # fmt: skip
DEEPEST = 7.0  # -ln of the least transmission looked at: a thousandth
EVERY = [sensors.get(name) for name in sensors.names()]
DUAL_TUBE = [s for s in EVERY if isinstance(s.source, Tube) and len(s.channels) == 2]
ON_DUAL_TUBES = pytest.mark.parametrize("sensor", DUAL_TUBE, ids=lambda sensor: sensor.name)


def random_stacks(sensor: Sensor, *, n_stacks: int, seed: int) -> np.ndarray:
    """Path lengths in cm of one to three materials, each up to some e-folds in mid beam, shape (n_stacks, n_materials)."""
    rng = np.random.default_rng(seed)
    mid_kev = 80.0 if isinstance(sensor.source, Tube) else 1500.0
    mu = np.array([attenuation.linear_attenuation(name, mid_kev)[0] for name in STACKED])
    paths = np.zeros((n_stacks, len(STACKED)))
    for row in paths:
        chosen = rng.choice(len(STACKED), size=int(rng.integers(1, 4)), replace=False)
        row[chosen] = rng.exponential(0.8, size=chosen.size) / mu[chosen]
    return paths


def in_full(sensor: Sensor, paths_cm: np.ndarray) -> np.ndarray:
    """Signals and variances by the sum over all bins, in double precision, shape (2 * n_channels, n_stacks)."""
    beam = spectral.full_beam(sensor)
    mu = np.stack([attenuation.linear_attenuation(name, beam.energy_kev) for name in STACKED])
    return beam.weights @ np.exp(-paths_cm @ mu).T


def test_nodes_stand_for_the_whole_spectrum_behind_any_stack(sensor: Sensor) -> None:
    paths = random_stacks(sensor, n_stacks=1500, seed=20)
    expected = in_full(sensor, paths)
    maps = paths.T.astype(np.float32).reshape(len(STACKED), 30, 50)
    n_channels = 2 if sensor.is_dual else 1
    ours = spectral.signals(maps, STACKED, sensor).reshape(2 * n_channels, -1)
    seen = expected[:n_channels].min(axis=0) > np.exp(-DEEPEST)
    error = np.abs(ours / expected - 1.0)[:, seen]
    assert seen.sum() > 1000
    assert error[:n_channels].max() <= 0.002
    assert error[n_channels:].max() <= 0.01  # of the variance


def test_the_open_beam_is_one_and_nothing_is_brighter(sensor: Sensor) -> None:
    maps = np.array([[[0.0, -0.5, 0.1, 5.0]]], dtype=np.float32)  # a rounding below zero counts as zero
    for channel in spectral.signals(maps, ("water",), sensor)[: 2 if sensor.is_dual else 1, 0]:
        assert channel[:2] == pytest.approx(1.0, abs=2e-6)
        assert 1.0 > channel[2] > channel[3] > 0.0


@ON_DUAL_TUBES
def test_the_low_channel_loses_more(sensor: Sensor) -> None:
    hi, lo = spectral.signals(np.full((1, 1, 1), 5.0, np.float32), ("water",), sensor)[:2, 0, 0]
    assert hi > lo


def test_an_open_beam_is_the_same_bytes_beside_an_item_and_far_from_it(mail_160kv: Sensor) -> None:
    paths = np.zeros((1, 1, 4096), np.float32)
    paths[0, 0, 5] = 3.0
    open_beam = spectral.signals(paths, ("water",), mail_160kv)[:, 0]
    assert np.array_equal(open_beam[:, 6], open_beam[:, 4000])


@pytest.mark.parametrize("n_outputs", [2, 4])
def test_the_kernel_sums_exponentials_as_numpy_does(n_outputs: int) -> None:
    rng = np.random.default_rng(1)
    paths = rng.exponential(2.0, (5, 3000)).astype(np.float32) * rng.integers(0, 2, (5, 3000)).astype(np.float32)
    mu = rng.uniform(0.05, 4.0, (5, 24)).astype(np.float32)
    weights = rng.uniform(0.0, 1.0, (n_outputs, 24)).astype(np.float32)
    ours = np.empty((n_outputs, 3000), np.float32)
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


def ratios(sensor: Sensor, names: tuple[str, ...], depth_hi: float) -> list[float]:
    """-ln lo over -ln hi of each material where -ln hi is `depth_hi`, by the whole spectrum."""
    beam = spectral.full_beam(sensor)
    found = []
    for name in names:
        cm = np.geomspace(1e-4, 900.0, 4000)
        mu = attenuation.linear_attenuation(name, beam.energy_kev)
        hi, lo = -np.log(np.maximum(beam.weights[:2] @ np.exp(-np.outer(mu, cm)), 1e-300))
        found.append(float(np.interp(depth_hi, hi, lo)) / depth_hi)
    return found


@ON_DUAL_TUBES
def test_the_low_channel_stands_out_more_the_heavier_the_material(sensor: Sensor) -> None:
    """V6, the order. Source: photoelectric absorption rises with the atomic number, up to a K edge inside the beam."""
    rising = ratios(sensor, ("carbon", "water", "aluminium", "calcium", "iron", "tin"), 1.0)
    assert rising[0] > 1.0
    assert np.all(np.diff(rising[:5]) > 0.01)
    if sensor.source.kvp >= 140:  # below, tin's K edge lies too near the middle of the beam
        assert rising[5] > rising[4]


def test_the_dual_energy_ratios_of_the_first_mail_make_stay_where_they_are() -> None:
    """V6, the numbers of this sensor (regression)."""
    ours = ratios(sensors.get("mail_160kv"), ("carbon", "water", "aluminium", "calcium", "iron", "tin"), 1.0)
    assert ours == pytest.approx([1.213, 1.298, 1.638, 1.942, 2.084, 2.202], rel=0.01)


def test_two_linac_energies_tell_light_loads_apart_badly_and_deep_ones_by_order() -> None:
    """V7. Source: Lalor and Danagoulian, arXiv 2301.05783: not unique at low areal density and high atomic number."""
    sensor = sensors.get("container_6mev")
    names = ("carbon", "aluminium", "iron", "tin", "lead")
    shallow, deep = ratios(sensor, names, 0.5), ratios(sensor, names, 4.0)
    assert shallow[4] > shallow[0]  # lead looks lighter than carbon
    assert max(shallow) / min(shallow) < 1.10  # a tube spreads the same materials over a factor of two
    assert np.all(np.diff(deep) < -0.01)  # pair production: the heavier the more of the high energy is lost


def test_iron_and_tungsten_of_some_thickness_give_the_same_two_signals() -> None:
    """V7, exactly: two energies of an accelerator cannot tell them apart there, without any noise. Source as above."""
    beam = spectral.full_beam(sensors.get("container_6mev"))

    def seen(name: str, cm: float) -> np.ndarray:
        return beam.weights[:2] @ np.exp(-cm * attenuation.linear_attenuation(name, beam.energy_kev))

    def cm_of(name: str, depth: float) -> float:
        return float(brentq(lambda cm: -np.log(seen(name, cm)[0]) - depth, 0.0, 200.0))

    def apart(depth: float) -> float:
        return float(np.log(seen("iron", cm_of("iron", depth))[1] / seen("tungsten", cm_of("tungsten", depth))[1]))

    depth = float(brentq(apart, 0.5, 3.0))  # thinner, tungsten looks lighter than iron; thicker, heavier
    assert seen("iron", cm_of("iron", depth)) == pytest.approx(seen("tungsten", cm_of("tungsten", depth)), rel=1e-6)
    assert cm_of("iron", depth) > 2.0 * cm_of("tungsten", depth)


@pytest.mark.parametrize(
    ("name", "cm", "z"), [("water", 6.0, 7.4), ("water", 12.0, 7.4), ("aluminium", 2.0, 13.0), ("steel", 0.2, 26.0)]
)
@ON_DUAL_TUBES
def test_the_effective_atomic_number_is_read_back(sensor: Sensor, name: str, cm: float, z: float) -> None:
    """V8. Source: the calibration's own elements and water, so it checks the table and the nodes, not a measurement."""
    hi, lo = spectral.signals(np.full((1, 1, 1), cm, np.float32), (name,), sensor)[:2, 0, 0]
    assert effective_z(sensor, np.array([-np.log(hi)]), np.array([-np.log(lo)]))[0] == pytest.approx(z, rel=0.08)


@pytest.mark.parametrize("name", ["mail_160kv", "mail_140kv", "mail_120kv"])
def test_a_copper_wire_of_half_a_millimetre_is_seen(scene_of: Callable[..., Scene], name: str) -> None:
    """V10. Source: the first test of the FAA piece, AWG 24 visible (NIST/CIRMS slides); contrast over noise by Rose's 5."""
    sensor = sensors.get(name)
    parts = Parts()
    parts.wire("copper", (-60.0, 0.8, 5.0), (60.0, 0.8, 5.0), 0.511)  # AWG 24
    hi = render(scene_of(parts.finish("wire", centred=False)), sensor, seed=3).raw[..., 0].astype(float)
    wire, beside = hi[80, 45:115], np.concatenate([hi[70:76, 45:115].ravel(), hi[86:92, 45:115].ravel()])
    contrast = (beside.mean() - wire[:25].mean()) / (beside.std() / np.sqrt(25))
    assert contrast > 5.0


def test_materials_are_named_in_maps_by_their_place_in_the_table() -> None:
    assert [materials.material_id(name) for name in materials.names()[:3]] == [1, 2, 3]


@pytest.mark.parametrize("name", ["vehicle_4mev", "baggage_ct"])
def test_one_energy_on_one_scintillator_gives_one_signal_and_its_variance(name: str) -> None:
    assert spectral.full_beam(sensors.get(name)).weights.shape[0] == 2
    assert spectral.signals(np.zeros((1, 3, 5), np.float32), ("water",), sensors.get(name)).shape == (2, 3, 5)


def test_two_energies_on_one_scintillator_give_two_signals() -> None:
    beam = spectral.full_beam(sensors.get("container_6mev"))
    mean_kev = beam.weights[:2] @ beam.energy_kev
    assert mean_kev[0] > 1.4 * mean_kev[1]
    assert not beam.weights[1][beam.energy_kev > 3000].any()


def test_a_single_scintillator_counts_all_that_a_sandwich_of_it_would_let_past(mail_160kv: Sensor) -> None:
    detector = replace(mail_160kv.detector, between=None, back=None, front=Layer("csi", 1.8), quanta=(1e5,))
    sensor = replace(mail_160kv, detector=detector, channels=("mu",))
    one, two = spectral.full_beam(sensor), spectral.full_beam(mail_160kv)
    assert one.weights.shape[0] == 2
    mean = [float(beam.weights[0] @ beam.energy_kev) for beam in (one, two)]
    assert mean[0] < mean[1]  # nothing stands before it


def test_a_front_that_stops_all_soft_photons_leaves_a_beam_of_numbers(mail_160kv: Sensor) -> None:
    thick = replace(mail_160kv, detector=replace(mail_160kv.detector, front=Layer("csi", 5.0)))
    beam = spectral.full_beam(thick)  # at 10 keV the chance to reach the back rounds to 0
    assert np.isfinite(beam.weights).all()
    assert beam.weights[:2].sum(axis=1) == pytest.approx(1.0)


def test_a_sandwich_of_one_channel_is_refused(mail_160kv: Sensor) -> None:
    with pytest.raises(BadValue, match=r"detector\.back"):
        spectral.full_beam(replace(mail_160kv, channels=("mu",)))
    with pytest.raises(BadValue, match=r"detector\.back"):
        spectral.full_beam(replace(mail_160kv, source=Linac(mev=(6.0, 3.0), filters=())))
    with pytest.raises(BadValue, match=r"source\.mev"):
        spectral.full_beam(replace(sensors.get("container_6mev"), source=Linac(mev=(9.0, 6.0, 3.0), filters=())))
