"""Test pieces of the CT and the backscatter scanner, against the sensor's own beam and an earlier prototype."""

import pytest

from xraybench import sensors
from xraybench.simulate import phantoms_backscatter, phantoms_ct


@pytest.mark.parametrize(("material", "mm"), [("polyethylene", 60.0), ("water", 60.0), ("aluminium", 30.0)])
def test_a_rod_reads_what_the_beam_sees_of_it(material: str, mm: float) -> None:
    found = phantoms_ct.rod(sensors.get("baggage_ct"), material, mm)
    assert 0.98 * found.least < found.read < found.most


def test_water_is_cupped_by_a_few_percent() -> None:
    found = phantoms_ct.cupping(sensors.get("baggage_ct"))
    assert 1.003 < found.edge / found.middle < 1.04
    assert found.edge < found.thin


def test_noise_of_a_slice_is_what_the_filter_makes_of_the_quanta() -> None:
    found = phantoms_ct.noise(sensors.get("baggage_ct"))
    assert 0.55 < found.read / found.expected < 1.05


def test_an_edge_in_a_slice_is_as_sharp_as_declared() -> None:
    sensor = sensors.get("baggage_ct")
    assert phantoms_ct.edge_mm(sensor) == pytest.approx(phantoms_ct.declared_edge_mm(sensor), rel=0.15)


def test_slabs_give_back_in_the_order_of_the_prototype() -> None:
    found = {
        m: phantoms_backscatter.albedo(sensors.get("backscatter_225kv"), m) for m in phantoms_backscatter.PROTOTYPE
    }
    assert list(found.values()) == sorted(found.values(), reverse=True)
    for material, share in phantoms_backscatter.PROTOTYPE.items():
        assert 0.5 * share < found[material] < 1.2 * share


def test_every_millimetre_of_steel_hides_more() -> None:
    found = [phantoms_backscatter.behind_steel(sensors.get("backscatter_225kv"), mm) for mm in (1.0, 2.0, 3.0)]
    assert found == sorted(found, reverse=True)
    assert 0.08 < found[0] < 0.4
    assert 0.005 < found[2] < 0.1


@pytest.mark.parametrize("material", phantoms_backscatter.PROTOTYPE)
def test_quanta_scatter_about_their_mean_as_poisson_says(material: str) -> None:
    assert phantoms_backscatter.fano(sensors.get("backscatter_225kv"), material) == pytest.approx(1.0, abs=0.08)
