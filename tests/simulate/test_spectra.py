"""Tube spectra against the half-value layers and mean energies of the ISO 4037 narrow series."""

import pytest

from xraybench.core.errors import BadValue
from xraybench.core.sensor import Layer, Sensor
from xraybench.simulate import materials
from xraybench.simulate.spectra import half_value_layer_cm, tube_spectrum

# ISO 4037-1 narrow series: kV, filter in mm (Al, Cu, Sn, Pb), first half-value layer in mm Cu: nominal and as measured by
# NIST (second layer too), mean energy in keV
NARROW = (
    (60, (4, 0.6, 0, 0), 0.24, 0.241, 0.271, 48),
    (80, (4, 2.0, 0, 0), 0.58, 0.59, 0.62, 65),
    (100, (4, 5.0, 0, 0), 1.11, 1.14, 1.24, 83),
    (120, (4, 5.0, 1.0, 0), 1.71, 1.76, 1.84, 100),
    (150, (4, 0, 2.5, 0), 2.36, 2.41, 2.57, 118),
    (200, (4, 2.0, 3.0, 1.0), 3.99, 4.09, 4.20, 164),
    (250, (4, 0, 2.0, 3.0), 5.19, 5.34, 5.40, 208),
    (300, (4, 0, 3.0, 5.0), 6.12, 6.17, 6.30, 250),
)
SERIES = pytest.mark.parametrize("beam", NARROW, ids=lambda beam: f"N-{beam[0]}")


def filters_of(beam: tuple) -> list[Layer]:
    names = ("aluminium", "copper", "tin", "lead")
    return [Layer(name, mm / 10 * materials.get(name).density_g_cm3) for name, mm in zip(names, beam[1], strict=True)]


@SERIES
def test_half_value_layers_are_those_of_the_iso_narrow_series(beam: tuple) -> None:
    spectrum = tube_spectrum(beam[0], filters_of(beam))
    first_mm = 10 * half_value_layer_cm(spectrum, "copper")
    second_mm = 10 * half_value_layer_cm(spectrum, "copper", already_cm=first_mm / 10)
    assert first_mm == pytest.approx(beam[2], rel=0.04 if beam[0] == 60 else 0.03)  # thin filters weigh most
    assert first_mm == pytest.approx(beam[3], rel=0.05)
    assert second_mm == pytest.approx(beam[4], rel=0.075)  # NIST's own filters differ by up to 4 % from the standard's
    assert second_mm > first_mm  # the beam hardens


@SERIES
def test_mean_energies_are_those_of_the_iso_narrow_series(beam: tuple) -> None:
    assert tube_spectrum(beam[0], filters_of(beam)).mean_energy_kev == pytest.approx(beam[5], rel=0.01)


def test_no_photon_is_above_the_tube_voltage_and_filters_only_take() -> None:
    bare, filtered = tube_spectrum(140), tube_spectrum(140, [Layer("aluminium", 0.54)])
    assert bare.energy_kev.max() < 140
    assert (filtered.fluence < bare.fluence).all()
    assert filtered.mean_energy_kev > bare.mean_energy_kev


def test_tungsten_lines_stand_out() -> None:
    spectrum = tube_spectrum(160)
    flux = dict(zip(spectrum.energy_kev.tolist(), spectrum.fluence.tolist(), strict=True))
    for line_kev in (59.5, 67.5):  # K-alpha 1 at 59.3, K-beta at 67.2 keV
        assert flux[line_kev] > 1.5 * flux[line_kev - 4.0]


def test_a_voltage_that_was_not_baked_is_refused() -> None:
    with pytest.raises(BadValue, match="No spectrum is baked for 155 kV"):
        tube_spectrum(155)


def test_every_sensor_has_its_spectrum(sensor: Sensor) -> None:
    spectrum = tube_spectrum(sensor.tube.kvp, sensor.tube.filters)
    assert 0.3 * sensor.tube.kvp < spectrum.mean_energy_kev < 0.6 * sensor.tube.kvp
