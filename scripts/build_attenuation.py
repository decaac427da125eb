"""Bake the element table of photon cross sections that the simulator ships.

Run by a maintainer, never by a user: it needs xraylib (BSD-3), which the package itself does not.

    python scripts/build_attenuation.py

Writes xraybench/simulate/tables/elements.npz, 1 keV to 10 MeV. Up to 0.8 MeV every value is xraylib's; above, the closed
form of scripts/closed_form.py. Each element keeps its own energy grid: a logarithmic base grid, and two points hugging each
absorption edge, so that log-log interpolation never smears an edge.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

import closed_form
import numpy as np
import xraylib

TABLE = Path(__file__).parents[1] / "xraybench" / "simulate" / "tables" / "elements.npz"
ELEMENTS = (
    1, 3, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 22, 23, 24, 25, 26, 27, 28, 29, 30, 35, 38, 40, 42,
    46, 47, 48, 50, 51, 53, 55, 56, 60, 64, 74, 78, 79, 80, 82, 83, 92,
)  # fmt: skip
LOW_KEV, TABLE_KEV, HIGH_KEV = 1.0, 800.0, 10_000.0  # xraylib's total cross sections end at 800 keV
N_BASE = 121
N_ABOVE = 64
TRUSTED_KEV = 300.0  # highest energy of xraylib's energy absorption that is used
LIGHT = 20  # highest atomic number whose energy absorption is made from its parts
EDGE_GAP = 2e-6  # relative distance of the two points on either side of an edge


@cache
def edges(z: int) -> tuple[float, ...]:
    """Where the total cross section jumps inside the range, in keV: near the listed edge, not always on it."""
    found = []
    for shell in range(31):  # K to Q3 in xraylib's numbering
        try:
            listed = xraylib.EdgeEnergy(z, shell)
        except ValueError:
            continue
        if listed > LOW_KEV * 1.01:
            found.append(jump(z, listed * 0.997, listed * 1.003))
    return tuple(found)


def jump(z: int, low: float, high: float) -> float:
    """The energy of the step between two energies, by halving."""
    middle_value = np.sqrt(xraylib.CS_Total(z, low) * xraylib.CS_Total(z, high))
    while high / low - 1.0 > EDGE_GAP / 4:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if xraylib.CS_Total(z, middle) < middle_value else (low, middle)
    return 0.5 * (low + high)


def energy_grid(z: int) -> np.ndarray:
    """Energies in keV, ascending, with a close pair around every edge inside the range."""
    base = np.concatenate(
        [
            np.geomspace(LOW_KEV, TABLE_KEV, N_BASE),
            np.geomspace(TABLE_KEV, HIGH_KEV, N_ABOVE),
            [2 * closed_form.MC2_KEV],
        ]
    )
    near = [e * (1 + side * EDGE_GAP) for e in edges(z) for side in (-1, 1)]
    steps = [e * f for e in edges(z) for f in (0.97, 0.99, 1.01, 1.03)]
    grid = np.unique(np.concatenate([base, np.array(near), np.array(steps)]))
    return grid[(grid >= LOW_KEV) & (grid <= HIGH_KEV)]


def columns(z: int, energy_kev: np.ndarray) -> np.ndarray:
    """Total, incoherent, coherent and energy-absorption cross sections in cm2/g, shape (n_energies, 4)."""
    low = [
        (xraylib.CS_Total(z, e), xraylib.CS_Compt(z, e), xraylib.CS_Rayl(z, e), absorbed(z, e))
        for e in map(float, energy_kev[energy_kev <= TABLE_KEV])
    ]
    return np.concatenate([np.array(low), columns_above(z, energy_kev[energy_kev > TABLE_KEV])]).astype(np.float32)


def columns_above(z: int, energy_kev: np.ndarray) -> np.ndarray:
    """The same above xraylib's table. Absorption is what electrons and positrons get: bremsstrahlung is not taken off."""
    per_gram = closed_form.AVOGADRO / xraylib.AtomicWeight(z)
    incoherent = per_gram * z * closed_form.compton(energy_kev)
    pair = per_gram * closed_form.pair(z, energy_kev)
    photo = closed_form.photoelectric(
        energy_kev, np.array([photo_and_recoil(z, e)[0] for e in closed_form.ANCHORS_KEV])
    )
    coherent = closed_form.coherent(energy_kev, xraylib.CS_Rayl(z, TABLE_KEV))
    lost_kev = fluorescence_lost_kev(z, TABLE_KEV)
    absorbed_above = (
        photo * (1.0 - lost_kev / energy_kev)
        + incoherent * closed_form.recoil_share(energy_kev)
        + pair * np.maximum(1.0 - 2 * closed_form.MC2_KEV / energy_kev, 0.0)
    )
    return np.stack([incoherent + pair + photo + coherent, incoherent, coherent, absorbed_above], axis=1)


def absorbed(z: int, energy_kev: float) -> float:
    """Mass energy-absorption in cm2/g.

    xraylib's own is not to be trusted everywhere: by 30 % in light elements at 30 keV, within half a percent of an edge,
    and above 300 keV in heavy elements. So light elements, and every element above 300 keV, are made from photoelectric
    absorption less fluorescence, plus Klein-Nishina recoil. Fluorescence takes the same energy from each photoelectron;
    in heavy elements it is fixed at 300 keV.
    """
    total, coherent = xraylib.CS_Total(z, energy_kev), xraylib.CS_Rayl(z, energy_kev)
    photo, recoil = photo_and_recoil(z, energy_kev)
    if z <= LIGHT:
        value = photo * (1.0 - k_fluorescence_kev(z, energy_kev) / energy_kev) + recoil
    elif energy_kev <= TRUSTED_KEV:
        beside = energy_kev
        for edge in edges(z):
            if abs(energy_kev / edge - 1.0) < 0.006:
                beside = edge * (1.006 if energy_kev > edge else 0.994)
        value = xraylib.CS_Energy(z, beside) / xraylib.CS_Total(z, beside) * total
    else:
        value = photo * (1.0 - fluorescence_lost_kev(z, energy_kev) / energy_kev) + recoil
    return float(min(value, total - coherent))


def fluorescence_lost_kev(z: int, energy_kev: float) -> float:
    """Mean energy that leaves as fluorescence after one photoelectric absorption at a high energy."""
    if z <= LIGHT:
        return k_fluorescence_kev(z, energy_kev)
    photo, recoil = photo_and_recoil(z, TRUSTED_KEV)
    return TRUSTED_KEV * max(1.0 - (xraylib.CS_Energy(z, TRUSTED_KEV) - recoil) / photo, 0.0)


def k_fluorescence_kev(z: int, energy_kev: float) -> float:
    """Mean energy that leaves as K radiation after one photoelectric absorption; 0 where it is below the table."""
    try:
        edge, share = xraylib.EdgeEnergy(z, xraylib.K_SHELL), xraylib.JumpFactor(z, xraylib.K_SHELL)
        line, fluorescence = xraylib.LineEnergy(z, xraylib.KA_LINE), xraylib.FluorYield(z, xraylib.K_SHELL)
    except ValueError:
        return 0.0
    return (share - 1.0) / share * fluorescence * line if energy_kev > edge else 0.0


def photo_and_recoil(z: int, energy_kev: float) -> tuple[float, float]:
    """Photoelectric absorption, and the part of incoherent scatter that stays with the electron, in cm2/g.

    The recoil is the mean over Klein-Nishina angles times the incoherent scattering function: binding keeps the soft
    collisions away, which matters by 1 to 2 % in air below 100 keV.
    """
    incoherent = xraylib.CS_Compt(z, energy_kev)
    photo = xraylib.CS_Total(z, energy_kev) - incoherent - xraylib.CS_Rayl(z, energy_kev)
    angle = np.linspace(0.0, np.pi, 1001)[1:-1]
    ratio = 1.0 / (1.0 + energy_kev / closed_form.MC2_KEV * (1.0 - np.cos(angle)))
    rate = ratio**2 * (ratio + 1.0 / ratio - np.sin(angle) ** 2) * np.sin(angle)
    transfer = energy_kev / 12.39842 * np.sin(angle / 2)  # 1/angstrom
    rate *= np.interp(np.log(transfer), *scattering_function(z))
    return photo, float(incoherent * ((1.0 - ratio) * rate).sum() / rate.sum())


@cache
def scattering_function(z: int) -> tuple[np.ndarray, np.ndarray]:
    """Logarithm of the momentum transfer in 1/angstrom, and the incoherent scattering function there."""
    transfer = np.geomspace(0.005, 90.0, 400)
    return np.log(transfer), np.array([xraylib.SF_Compt(z, float(q)) for q in transfer])


def main() -> None:
    """Write the table and say how large it is."""
    grids = [energy_grid(z) for z in ELEMENTS]
    values = [columns(z, grid) for z, grid in zip(ELEMENTS, grids, strict=True)]
    weights = [xraylib.AtomicWeight(z) for z in ELEMENTS]
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        TABLE,
        z=np.array(ELEMENTS, dtype=np.int16),
        symbol=np.array([xraylib.AtomicNumberToSymbol(z) for z in ELEMENTS]),
        atomic_weight=np.array(weights),
        start=np.cumsum([0, *[g.size for g in grids]]).astype(np.int32),
        energy_kev=np.concatenate(grids),
        cm2_per_g=np.concatenate(values),
        source=np.array(
            f"xraylib {xraylib.__version__}, CS_Total, CS_Compt, CS_Rayl, CS_Energy; above 800 keV scripts/closed_form.py"
        ),
    )
    sys.stderr.write(f"{TABLE}: {len(ELEMENTS)} elements, {TABLE.stat().st_size / 1024:.0f} kB\n")


if __name__ == "__main__":
    main()
