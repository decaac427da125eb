"""Spectra of tungsten tubes: baked unfiltered rows, any filter applied with our own attenuation."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from xraybench.core.errors import BadValue
from xraybench.core.sensor import Layer
from xraybench.core.types import FloatArray
from xraybench.simulate import attenuation

TABLE = Path(__file__).parent / "tables" / "spectra.npz"
LOWEST_KEV = 8.0  # below, no photon leaves the housing; keeps the sums short


@dataclass(frozen=True, slots=True)
class Spectrum:
    """Photons per 1 keV bin, in relative units."""

    energy_kev: FloatArray  # centres of the bins
    fluence: FloatArray

    @property
    def mean_energy_kev(self) -> float:
        """Mean photon energy by number."""
        return float(np.average(self.energy_kev, weights=self.fluence))


@cache
def _table() -> tuple[FloatArray, FloatArray, FloatArray]:
    with np.load(TABLE) as table:
        return table["tube_kvp"], table["energy_kev"], table["per_cm2_kev_mas"].astype(np.float64)


def tube_spectrum(kvp: float, filters: Sequence[Layer] = ()) -> Spectrum:
    """Spectrum of a tungsten tube behind its filters.

    Args:
        kvp: Tube voltage; one of the baked voltages.
        filters: Sheets between anode and item, by areal density.

    Raises:
        BadValue: When no row was baked for that voltage: interpolating between rows would move the end point.

    Source:
        spekpy 2.5 (casim physics, 20 degree take-off), baked by scripts/build_spectra.py.
    """
    voltages, energy, rows = _table()
    match = np.flatnonzero(voltages == kvp)
    if match.size == 0:
        known = ", ".join(f"{v:g}" for v in voltages)
        raise BadValue(f"No spectrum is baked for {kvp:g} kV. Baked: {known} kV (scripts/build_spectra.py).")
    inside = (energy >= LOWEST_KEV) & (energy <= kvp)
    energy, fluence = energy[inside], rows[match[0], inside]
    for sheet in filters:
        fluence = fluence * np.exp(-sheet.g_cm2 * attenuation.mass_attenuation(sheet.material, energy))
    return Spectrum(energy, fluence)


def half_value_layer_cm(spectrum: Spectrum, material: str, *, already_cm: float = 0.0) -> float:
    """Thickness that halves the air kerma of a spectrum, in cm.

    Args:
        already_cm: Thickness passed before, so that the first layer's value gives the second half-value layer.

    Source:
        ISO 4037-1, with the air kerma from the energy absorption of air.
    """
    from scipy.optimize import brentq

    energy = spectrum.energy_kev
    air = 0.755 * attenuation.element_mass_attenuation("N", energy, process="absorbed")
    air = air + 0.232 * attenuation.element_mass_attenuation("O", energy, process="absorbed")
    air = air + 0.013 * attenuation.element_mass_attenuation("Ar", energy, process="absorbed")
    weight = spectrum.fluence * energy * air
    mu = attenuation.linear_attenuation(material, energy)
    weight = weight * np.exp(-mu * already_cm)
    whole = float(weight.sum())
    return float(brentq(lambda cm: float((weight * np.exp(-mu * cm)).sum()) / whole - 0.5, 0.0, 50.0))
