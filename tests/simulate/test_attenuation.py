"""Cross sections against the numbers that NIST prints, and the refusal to guess beyond the table."""

from pathlib import Path

import numpy as np
import pytest
from physics_references import ABSORPTION, ATTENUATION, WATER

from xraybench.core.errors import BadValue, UnknownName
from xraybench.simulate import attenuation, materials


@pytest.mark.parametrize("element", ATTENUATION)
def test_elements_attenuate_as_nist_says(element: str) -> None:
    """V1 of the physics checks. Source: NIST tables (Hubbell and Seltzer, version 1.4)."""
    for energy_kev, expected in ATTENUATION[element].items():
        ours = attenuation.element_mass_attenuation(element, energy_kev)[0]
        allowed = 0.005 if energy_kev < 1000 else 0.02 if element == "U" else 0.01
        assert ours == pytest.approx(expected, rel=allowed), f"{element} at {energy_kev} keV"


def test_water_mixed_from_its_elements_attenuates_as_nist_says() -> None:
    energy_kev, expected = np.array(list(WATER)), np.array(list(WATER.values()))
    ours = attenuation.mass_attenuation("water", energy_kev)
    assert ours[energy_kev < 1000] == pytest.approx(expected[energy_kev < 1000], rel=0.002)
    assert ours[energy_kev >= 1000] == pytest.approx(expected[energy_kev >= 1000], rel=0.005)


@pytest.mark.parametrize("element", ABSORPTION)
def test_air_and_scintillators_absorb_energy_as_nist_says(element: str) -> None:
    for energy_kev, expected in ABSORPTION[element].items():
        ours = attenuation.element_mass_attenuation(element, energy_kev, process="absorbed")[0]
        assert ours == pytest.approx(expected, rel=0.004 if element in "NO" else 0.02), f"{element} at {energy_kev} keV"


@pytest.mark.parametrize("element", ["C", "Fe", "W", "U"])
def test_nothing_jumps_where_the_closed_form_takes_over(element: str) -> None:
    below, above = np.geomspace(700, 800, 40), np.geomspace(801, 915, 40)
    for process in attenuation.PROCESSES:
        value = attenuation.element_mass_attenuation(element, [*below, *above], process=process)
        slope = np.diff(np.log(value)) / np.diff(np.log([*below, *above]))
        at_the_seam = slope[39] * np.log(801 / 800)  # all of a step falls between these two points
        assert abs(at_the_seam - slope[38] * np.log(801 / 800)) < 0.008


def test_pairs_are_made_above_their_threshold_only() -> None:
    at_kev = [1000.0, 1500.0, 6000.0]
    parts = {p: attenuation.element_mass_attenuation("Pb", at_kev, process=p) for p in attenuation.PROCESSES}
    rest = parts["total"] - parts["incoherent"] - parts["coherent"]  # photoelectric and pairs
    assert rest[0] > rest[1]  # photoelectric falls
    assert rest[2] > rest[1]  # pairs rise


@pytest.mark.parametrize(
    ("element", "edge_kev", "below", "above"),
    [
        ("Pb", 88.0045, 1.910, 7.683),
        ("Au", 80.7249, 2.137, 8.904),
        ("W", 69.5250, 2.552, 11.23),
        ("Sn", 29.2001, 7.760, 43.60),
    ],
)
def test_cross_sections_jump_at_the_k_edge_and_not_before(
    element: str, edge_kev: float, below: float, above: float
) -> None:
    near = attenuation.element_mass_attenuation(element, [edge_kev * 0.999, edge_kev * 1.001])
    assert near.tolist() == pytest.approx([below, above], rel=0.01)


@pytest.mark.parametrize("energy_kev", [0.5, 0.99, 10_001.0, 20_000.0, float("nan")])
def test_an_energy_outside_the_table_is_refused_not_clamped(energy_kev: float) -> None:
    with pytest.raises(BadValue, match=rf"from 1 to 10000 keV; asked for {energy_kev:g} keV"):
        attenuation.mass_attenuation("steel", energy_kev)
    with pytest.raises(BadValue):
        attenuation.mass_attenuation("steel", [60.0, energy_kev])


@pytest.mark.parametrize("material", materials.names())
def test_every_material_attenuates_more_than_it_absorbs_or_scatters(material: str) -> None:
    energy_kev = np.concatenate([np.arange(8.5, 800.0), np.geomspace(800.0, 10_000.0, 200)])  # of the spectra
    parts = [attenuation.mass_attenuation(material, energy_kev, process=p) for p in attenuation.PROCESSES]
    total, incoherent, coherent, absorbed = parts
    assert np.all(total > 0)
    assert np.all(incoherent + coherent <= total)
    assert np.all(absorbed <= total * 1.001)
    assert sum(share for _, share in materials.weight_shares(material)) == pytest.approx(1.0)


def test_two_half_value_layers_pass_a_quarter() -> None:
    layer_g_cm2 = np.log(2) / attenuation.mass_attenuation("steel", 100.0)[0]
    assert attenuation.transmission({"steel": 2 * layer_g_cm2}, 100.0)[0] == pytest.approx(0.25)


def test_a_misspelt_material_or_element_is_named() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'steel'"):
        attenuation.mass_attenuation("stel", 60.0)
    with pytest.raises(BadValue, match="Uue"):
        attenuation.element_mass_attenuation("Uue", 60.0)


def test_cocaine_hydrochloride_is_a_tenth_chlorine_by_weight() -> None:
    shares = dict(materials.weight_shares("cocaine_hcl"))  # C17H22ClNO4, 339.8 g/mol
    assert shares["Cl"] == pytest.approx(35.45 / 339.81, rel=1e-3)
    assert shares["C"] == pytest.approx(17 * 12.011 / 339.81, rel=1e-3)


@pytest.mark.parametrize("text", ["H2O)", "", "Xx2", "2H"])
def test_a_broken_formula_is_refused(text: str) -> None:
    with pytest.raises(BadValue, match=r"formula|element"):
        materials.parse_formula(text)


@pytest.mark.parametrize("material", materials.MATERIALS, ids=lambda material: material.name)
def test_every_material_says_where_its_numbers_come_from(material: materials.Material) -> None:
    assert material.source in materials.SOURCES
    assert 0.02 <= material.density_g_cm3 < 22.6  # stuffing to osmium
    assert sum(share for _, share in material.mixture) == pytest.approx(1.0, abs=0.011)


def test_the_table_knows_the_number_and_weight_of_each_element() -> None:
    with np.load(attenuation.TABLE) as table:
        assert dict(zip(table["symbol"].tolist(), table["z"].tolist(), strict=True)) == materials.ATOMIC_NUMBER
        weights = dict(zip(table["symbol"].tolist(), table["atomic_weight"].tolist(), strict=True))
    assert weights == pytest.approx(materials.ATOMIC_WEIGHT, rel=2e-3)


def test_all_baked_tables_of_the_package_stay_small() -> None:
    root = Path(attenuation.TABLE).parents[2]
    assert sum(path.stat().st_size for path in root.rglob("*.np[yz]")) < 2_000_000
