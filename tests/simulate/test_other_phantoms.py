"""Test pieces of the CT and the backscatter scanner, against the sensor's own beam and an earlier prototype."""

import pytest

from xraybench import sensors
from xraybench.simulate import phantoms_backscatter, phantoms_ct


@pytest.mark.parametrize(("material", "mm"), [("polyethylene", 60.0), ("water", 60.0), ("aluminium", 30.0)])
def test_a_rod_reads_what_the_beam_sees_of_it(material: str, mm: float) -> None:
    found = phantoms_ct.rod(sensors.get("baggage_ct"), material, mm)
    assert 0.98 * found.least < found.read < found.most


def test_water_is_cupped_because_the_beam_hardens() -> None:
    """Source: analysis; the edge reads more than the middle and less than a piece too thin to harden the beam."""
    found = phantoms_ct.cupping(sensors.get("baggage_ct"))
    assert found.middle < found.edge < found.thin


def test_noise_of_a_slice_is_what_filter_and_interpolation_make_of_the_quanta() -> None:
    found = phantoms_ct.noise(sensors.get("baggage_ct"))
    assert found.read == pytest.approx(found.expected, rel=0.06)


def test_an_edge_in_a_slice_is_as_sharp_as_declared() -> None:
    sensor = sensors.get("baggage_ct")
    assert phantoms_ct.edge_mm(sensor) == pytest.approx(phantoms_ct.declared_edge_mm(sensor), rel=0.05)


@pytest.mark.parametrize("material", phantoms_backscatter.PROTOTYPE)
def test_slabs_give_back_what_the_whole_spectrum_does(material: str) -> None:
    """Four parts of the beam against the sum over all its energies in closed form; the order is that of the prototype."""
    van = sensors.get("backscatter_225kv")
    found = phantoms_backscatter.albedo(van, material)
    assert found == pytest.approx(phantoms_backscatter.expected(van, material), rel=0.01)


@pytest.mark.parametrize("material", phantoms_backscatter.PROTOTYPE)
def test_at_the_prototypes_energies_slabs_give_back_what_the_prototype_found(material: str) -> None:
    """Source: simulation.md 2.6, thousandths of thick slabs at 70 and 120 keV, given to two digits."""
    found = phantoms_backscatter.expected_at_prototype(material)
    assert found == pytest.approx(phantoms_backscatter.PROTOTYPE[material], rel=0.02)


@pytest.mark.parametrize("steel_mm", [1.0, 2.0, 3.0])
def test_polyethylene_behind_steel_gives_back_what_the_whole_spectrum_does(steel_mm: float) -> None:
    van = sensors.get("backscatter_225kv")
    expected = phantoms_backscatter.expected(van, "polyethylene", behind_steel_mm=steel_mm)
    assert phantoms_backscatter.behind_steel(van, steel_mm) == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize("material", phantoms_backscatter.PROTOTYPE)
def test_quanta_scatter_about_their_mean_as_poisson_says(material: str) -> None:
    assert phantoms_backscatter.fano(sensors.get("backscatter_225kv"), material) == pytest.approx(1.0, abs=0.08)
