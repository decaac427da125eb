"""Spectra of tungsten tubes and of linear accelerators; any filter is applied with our own attenuation.

Tubes: baked unfiltered rows. Accelerators: the bremsstrahlung of a thin tungsten target, in closed form for any energy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from xraybench.core.errors import BadValue
from xraybench.core.sensor import Layer, Linac, Tube
from xraybench.core.types import FloatArray
from xraybench.simulate import attenuation, materials

TABLE = Path(__file__).parent / "tables" / "spectra.npz"
LOWEST_KEV = 8.0  # below, no photon leaves the housing; keeps the sums short
LINAC_BIN_KEV = 20.0
LINAC_LOWEST_KEV = 20.0  # of the first bin; next to nothing below passes the target
LINAC_MEV = (1.0, 10.0)
MC2_KEV = 510.99895


@dataclass(frozen=True, slots=True)
class Spectrum:
    """Photons per bin of equal width (1 keV for a tube, LINAC_BIN_KEV for a linac), in relative units."""

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
        spekpy 2.5 (kqp physics, 20 degree take-off), baked by scripts/build_spectra.py.
    """
    voltages, energy, rows = _table()
    match = np.flatnonzero(voltages == kvp)
    if match.size == 0:
        known = ", ".join(f"{v:g}" for v in voltages)
        raise BadValue(f"No spectrum is baked for {kvp:g} kV. Baked: {known} kV (scripts/build_spectra.py).")
    inside = (energy >= LOWEST_KEV) & (energy <= kvp)
    energy, fluence = energy[inside], rows[match[0], inside]
    return Spectrum(energy, fluence * _passed(filters, energy))


def linac_spectrum(
    mev: float, filters: Sequence[Layer] = (), *, target_mm: float = 1.0, up_to_mev: float | None = None
) -> Spectrum:
    """Spectrum of a linear accelerator along the beam, behind its target and filters.

    Args:
        mev: Kinetic energy of the electrons, 1 to 10 MeV.
        target_mm: Tungsten that the photons pass on their way out of the target.
        up_to_mev: Where the bins end; `mev` by default. Bins above `mev` are empty, so that two spectra share their bins.

    Raises:
        BadValue: Outside 1 to 10 MeV, or when the target is of negative thickness.

    Source:
        Schiff's thin-target formula 2BS at angle 0 (Koch and Motz, Rev. Mod. Phys. 31 (1959) 920), tungsten. Slowing down
        in a thick target is left out, which makes the beam some percent harder.
    """
    low, high = LINAC_MEV
    if not low <= mev <= high or not mev <= (up_to_mev or mev) <= high:
        raise BadValue(
            f"Linac spectra reach from {low:g} to {high:g} MeV; asked for {max(mev, up_to_mev or mev):g} MeV."
        )
    if not target_mm >= 0.0:
        raise BadValue(f"linac target_mm is {target_mm:g}; a thickness is 0 or more.")
    n_bins = int(np.ceil((1000.0 * (up_to_mev or mev) - LINAC_LOWEST_KEV) / LINAC_BIN_KEV - 1e-9))
    energy: FloatArray = LINAC_LOWEST_KEV + LINAC_BIN_KEV * (np.arange(n_bins, dtype=np.float64) + 0.5)
    target = Layer("tungsten", 0.1 * target_mm * materials.get("tungsten").density_g_cm3)
    fluence = _schiff(energy, 1000.0 * mev, 74)
    return Spectrum(energy, fluence * _passed([target, *filters], np.minimum(energy, 1000.0 * high)))


def _schiff(energy_kev: FloatArray, kinetic_kev: float, z: int) -> FloatArray:
    """Photons per energy in the forward direction of a thin target; 0 above the energy of the electrons."""
    k = np.minimum(energy_kev, kinetic_kev)
    before = kinetic_kev + MC2_KEV
    after = before - k
    m = 1.0 / ((MC2_KEV * k / (2.0 * before * after)) ** 2 + (z ** (1 / 3) / 111.0) ** 2)
    rate = (-((before + after) ** 2) + (before**2 + after**2) * np.log(m)) / before**2 / k
    return np.where(energy_kev < kinetic_kev, np.maximum(rate, 0.0), 0.0)


def source_spectra(source: Tube | Linac, n_channels: int) -> tuple[Spectrum, ...]:
    """The spectrum that each channel is lit by, all in the same bins. A tube lights every channel alike.

    Raises:
        BadValue: When a linac has neither one energy nor one for each channel.
    """
    if isinstance(source, Tube):
        return (tube_spectrum(source.kvp, source.filters),) * n_channels
    if len(source.mev) not in (1, n_channels):
        raise BadValue(f"source.mev holds {len(source.mev)} energies; {n_channels} channels want 1 or {n_channels}.")
    each = source.mev if len(source.mev) == n_channels else source.mev * n_channels
    return tuple(
        linac_spectrum(mev, source.filters, target_mm=source.target_mm, up_to_mev=max(source.mev)) for mev in each
    )


def _passed(sheets: Sequence[Layer], energy_kev: FloatArray) -> FloatArray:
    """Share of photons that pass all sheets."""
    depth = np.zeros(energy_kev.shape)
    for sheet in sheets:
        depth += sheet.g_cm2 * attenuation.mass_attenuation(sheet.material, energy_kev)
    return np.exp(-depth)


def air_kerma(spectrum: Spectrum) -> FloatArray:
    """What each bin of a spectrum adds to the air kerma, in relative units."""
    air = {"N": 0.755, "O": 0.232, "Ar": 0.013}
    absorbed = [
        share * attenuation.element_mass_attenuation(element, spectrum.energy_kev, process="absorbed")
        for element, share in air.items()
    ]
    return np.asarray(spectrum.fluence * spectrum.energy_kev * np.sum(absorbed, axis=0))


def half_value_layer_cm(spectrum: Spectrum, material: str, *, already_cm: float = 0.0, share: float = 0.5) -> float:
    """Thickness that lets half the air kerma of a spectrum pass, in cm.

    Args:
        already_cm: Thickness passed before, so that the first layer's value gives the second half-value layer.
        share: What passes; 0.1 gives the tenth-value layer.

    Source:
        ISO 4037-1, with the air kerma from the energy absorption of air, narrow beam.
    """
    from scipy.optimize import brentq

    mu = attenuation.linear_attenuation(material, spectrum.energy_kev)
    weight = air_kerma(spectrum) * np.exp(-mu * already_cm)
    whole = float(weight.sum())
    return float(brentq(lambda cm: float((weight * np.exp(-mu * cm)).sum()) / whole - share, 0.0, 500.0))
