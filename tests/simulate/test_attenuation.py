"""Cross sections against the numbers that NIST prints, and the refusal to guess beyond the table."""

import numpy as np
import pytest

from xraybench.core.errors import BadValue, UnknownName
from xraybench.simulate import attenuation, materials

# NIST X-ray mass attenuation coefficients (Hubbell and Seltzer), keV and cm2/g, typed in by hand
NIST = {
    "Fe": ((30, 8.176), (60, 1.205), (100, 0.3717), (500, 0.08414)),
    "Pb": ((30, 30.32), (60, 5.021), (100, 5.549), (500, 0.1614)),
    "Al": ((30, 1.128), (60, 0.2778), (100, 0.1704), (500, 0.08445)),
    "C": ((30, 0.2562), (60, 0.1753), (100, 0.1514), (500, 0.08715)),
}
NIST_WATER = ((60, 0.2059), (100, 0.1707))
NIST_ABSORBED = {  # mass energy-absorption
    "N": ((30, 0.1099), (60, 0.02548), (100, 0.02231)),
    "O": ((30, 0.1729), (60, 0.03207), (100, 0.02355)),
    "S": ((30, 1.809), (60, 0.2199), (100, 0.06052)),
    "I": ((30, 7.622), (60, 4.518), (100, 1.342)),
    "Cs": ((30, 8.502), (60, 4.653), (100, 1.438)),
    "Gd": ((30, 13.33), (60, 4.722), (100, 1.849)),
}


@pytest.mark.parametrize("element", NIST)
def test_elements_attenuate_as_nist_says(element: str) -> None:
    energy_kev, expected = np.array(NIST[element]).T
    assert attenuation.element_mass_attenuation(element, energy_kev) == pytest.approx(expected, rel=0.005)


def test_water_mixed_from_its_elements_attenuates_as_nist_says() -> None:
    energy_kev, expected = np.array(NIST_WATER).T
    assert attenuation.mass_attenuation("water", energy_kev) == pytest.approx(expected, rel=0.005)


@pytest.mark.parametrize("element", NIST_ABSORBED)
def test_air_and_scintillators_absorb_energy_as_nist_says(element: str) -> None:
    energy_kev, expected = np.array(NIST_ABSORBED[element]).T
    absorbed = attenuation.element_mass_attenuation(element, energy_kev, process="absorbed")
    assert absorbed == pytest.approx(expected, rel=0.02)


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


@pytest.mark.parametrize("energy_kev", [0.5, 801.0, 3000.0, float("nan")])
def test_an_energy_outside_the_table_is_refused_not_clamped(energy_kev: float) -> None:
    with pytest.raises(BadValue, match="keV"):
        attenuation.mass_attenuation("steel", energy_kev)
    with pytest.raises(BadValue):
        attenuation.mass_attenuation("steel", [60.0, energy_kev])


@pytest.mark.parametrize("material", materials.names())
def test_every_material_attenuates_more_than_it_absorbs_or_scatters(material: str) -> None:
    energy_kev = np.arange(8.5, 800.0)  # of the spectra; below, edges lie too close for a bound
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
