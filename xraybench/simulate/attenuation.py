"""How strongly materials attenuate X-rays: a baked element table, log-log interpolation, the mixture rule.

The table holds 1 keV to 10 MeV. An energy outside raises: a clamped cross section would be wrong by tens of percent.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from xraybench.core.errors import BadValue
from xraybench.core.types import FloatArray
from xraybench.simulate import materials

TABLE = Path(__file__).parent / "tables" / "elements.npz"
PROCESSES = ("total", "incoherent", "coherent", "absorbed")  # columns of the table; the last is energy absorption


@dataclass(frozen=True, slots=True)
class _Element:
    log_energy: FloatArray  # ascending, ln keV, a close pair at each edge
    log_cm2_per_g: FloatArray  # shape (n_energies, 4)


@cache
def _elements() -> dict[str, _Element]:
    with np.load(TABLE) as table:
        symbols, start = table["symbol"], table["start"]
        energy, values = table["energy_kev"], table["cm2_per_g"].astype(np.float64)
    return {
        str(symbol): _Element(np.log(energy[a:b]), np.log(values[a:b]))
        for symbol, a, b in zip(symbols, start[:-1], start[1:], strict=True)
    }


def element_mass_attenuation(symbol: str, energy_kev: ArrayLike, *, process: str = "total") -> FloatArray:
    """Mass attenuation of an element in cm2/g, one value an energy.

    Args:
        process: `total` (with coherent scatter), `incoherent`, `coherent` or `absorbed` (mass energy-absorption; above
            0.8 MeV energy transfer, bremsstrahlung not taken off).

    Raises:
        BadValue: Energy outside the table, element or process not in it.

    Source:
        Up to 0.8 MeV xraylib 4.3 (Kissel and Elam tables), above Klein-Nishina, pair production with the Coulomb correction
        of Davies, Bethe and Maximon, and continued photoelectric absorption; baked by scripts/build_attenuation.py. Within
        0.5 % of NIST XAAMDI up to 0.8 MeV and 1 % above (uranium 1.8 %): benchmarks/physics.py prints every element.
    """
    energy = np.atleast_1d(np.asarray(energy_kev, dtype=np.float64))
    table = _elements()
    if symbol not in table:
        raise BadValue(f"The cross-section table holds no element '{symbol}'. It holds: {', '.join(table)}.")
    if process not in PROCESSES:
        raise BadValue(f"'{process}' is no process of the cross-section table. Known: {', '.join(PROCESSES)}.")
    element = table[symbol]
    log_energy = np.log(np.where(energy > 0, energy, np.nan))
    low, high = element.log_energy[0] - 1e-9, element.log_energy[-1] + 1e-9
    outside = ~((log_energy >= low) & (log_energy <= high))  # NaN too
    if outside.any():
        raise BadValue(
            f"Cross sections reach from {np.exp(low):.0f} to {np.exp(high):.0f} keV; "
            f"asked for {', '.join(f'{e:g}' for e in energy[outside][:3])} keV."
        )
    column = element.log_cm2_per_g[:, PROCESSES.index(process)]
    return np.asarray(np.exp(np.interp(log_energy, element.log_energy, column)))


def mass_attenuation(material: str, energy_kev: ArrayLike, *, process: str = "total") -> FloatArray:
    """Mass attenuation of a material in cm2/g by the mixture rule, one value an energy."""
    parts = [
        share * element_mass_attenuation(symbol, energy_kev, process=process)
        for symbol, share in materials.weight_shares(material)
    ]
    return np.asarray(np.sum(parts, axis=0))


def linear_attenuation(material: str, energy_kev: ArrayLike) -> FloatArray:
    """Linear attenuation of a material at its bulk density, in 1/cm, one value an energy."""
    return materials.get(material).density_g_cm3 * mass_attenuation(material, energy_kev)


def transmission(layers: dict[str, float], energy_kev: ArrayLike) -> FloatArray:
    """Share of photons that pass a stack of layers given as material -> g/cm2, one value an energy."""
    energy = np.atleast_1d(np.asarray(energy_kev, dtype=np.float64))
    depth = np.zeros(energy.shape)
    for material, g_cm2 in layers.items():
        depth += g_cm2 * mass_attenuation(material, energy)
    return np.exp(-depth)
