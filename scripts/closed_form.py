"""Photon cross sections above 0.8 MeV in closed form, where no freely licensed table was found.

Used by scripts/build_attenuation.py alone. Below 0.8 MeV every value comes from xraylib, and photoelectric absorption and
coherent scatter are continued from there: nothing was fitted to a reference table. benchmarks/physics.py prints how far
the result lies from the numbers of NIST, element by element.
"""

from __future__ import annotations

import numpy as np

MC2_KEV = 510.99895
RADIUS_CM = 2.8179403262e-13  # classical electron radius
ALPHA = 1.0 / 137.035999
AVOGADRO = 6.02214076e23
ANCHORS_KEV = (400.0, 500.0, 600.0, 700.0, 800.0)


def compton(energy_kev: np.ndarray) -> np.ndarray:
    """Klein-Nishina cross section of a free electron, in cm2."""
    k = energy_kev / MC2_KEV
    log = np.log1p(2 * k)
    first = (1 + k) / k**2 * (2 * (1 + k) / (1 + 2 * k) - log / k)
    return 2 * np.pi * RADIUS_CM**2 * (first + log / (2 * k) - (1 + 3 * k) / (1 + 2 * k) ** 2)


def recoil_share(energy_kev: np.ndarray) -> np.ndarray:
    """Mean share of the photon's energy that Compton scatter gives to the electron (Klein-Nishina)."""
    angle = np.linspace(0.0, np.pi, 4001)
    ratio = 1.0 / (1.0 + np.asarray(energy_kev)[:, None] / MC2_KEV * (1.0 - np.cos(angle)))
    rate = ratio**2 * (ratio + 1.0 / ratio - np.sin(angle) ** 2) * np.sin(angle)
    return ((1.0 - ratio) * rate).sum(axis=1) / rate.sum(axis=1)


def coulomb_correction(z: int) -> float:
    """f(Z) of Davies, Bethe and Maximon, Phys. Rev. 93 (1954) 788, as a series in (alpha Z)^2."""
    a = (ALPHA * z) ** 2
    series = 0.202059 - 0.03693 * a + 0.00835 * a**2 - 0.00201 * a**3 + 0.00049 * a**4 - 0.00012 * a**5 + 0.00003 * a**6
    return a * (1.0 / (1.0 + a) + series)


def pair(z: int, energy_kev: np.ndarray) -> np.ndarray:
    """Pair production in the fields of nucleus and electrons, in cm2 an atom; 0 below the threshold.

    Source:
        Bethe-Heitler with exponential screening of radius 184.15 exp(-1/2) Z^(-1/3), the Coulomb correction above, the
        low-energy correction F0 and the triplet share of Baro, Roteta, Fernandez-Varea and Salvat,
        Radiat. Phys. Chem. 44 (1994) 531.
    """
    return np.array([_pair_at(z, float(energy)) for energy in energy_kev])


def _pair_at(z: int, energy_kev: float) -> float:
    k = energy_kev / MC2_KEV
    if k <= 2.0:
        return 0.0
    nodes, weights = np.polynomial.legendre.leggauss(64)
    share = 1 / k + (1 - 2 / k) * (nodes + 1) / 2  # of the energy that one particle takes
    radius = 184.15 * np.exp(-0.5) * z ** (-1 / 3)
    b = radius / (2 * k) / (share * (1 - share))
    bend = b * b * (4 - 4 * b * np.arctan(1 / b) - 3 * np.log(1 + 1 / b**2))
    g1 = 7 / 3 - 2 * np.log(1 + b * b) - 6 * b * np.arctan(1 / b) - bend
    g2 = 11 / 6 - 2 * np.log(1 + b * b) - 3 * b * np.arctan(1 / b) + bend / 2
    g0 = 4 * np.log(radius) - 4 * coulomb_correction(z) + _low_energy(ALPHA * z, 2 / k)
    phi1, phi2 = np.maximum(g1 + g0, 0.0), np.maximum(g2 + g0, 0.0)
    whole = (weights / 2 * (1 - 2 / k) * (2 * (0.5 - share) ** 2 * phi1 + phi2)).sum()
    return float(ALPHA * RADIUS_CM**2 * z * (z + _triplet(ALPHA * z, k)) * 1.0093 * 2 / 3 * whole)


def _low_energy(a: float, q: float) -> float:
    """F0 of Baro et al., with a = alpha Z and q = 2 mc2 / E."""
    return (
        (-1.774 - 12.10 * a + 11.18 * a**2) * q**0.5
        + (8.523 + 73.26 * a - 44.41 * a**2) * q
        - (13.52 + 121.1 * a - 96.41 * a**2) * q**1.5
        + (8.946 + 62.05 * a - 63.41 * a**2) * q**2
    )


def _triplet(a: float, k: float) -> float:
    """Pairs made in the field of the electrons, in units of the pairs that one unit of nuclear charge squared makes."""
    if k <= 4.0:
        return 0.0
    log = np.log(k / 4)
    v = (
        (0.2840 - 0.1909 * a) * log
        + (0.1095 + 0.2206 * a) * log**2
        + (0.02888 - 0.04269 * a) * log**3
        + (0.002527 + 0.002623 * a) * log**4
    )
    return float(1.17 * (1 - np.exp(-v)))


def photoelectric(energy_kev: np.ndarray, anchors: np.ndarray) -> np.ndarray:
    """Photoelectric absorption, from its values at ANCHORS_KEV: a sum of the powers -1, -2 and -3 of the energy.

    The power -1 is the high-energy limit; the others carry the bend between 0.4 MeV and there.
    """
    reference = np.array(ANCHORS_KEV)
    terms = np.stack([reference ** -float(n) for n in (1, 2, 3)], axis=1)
    weight, *_ = np.linalg.lstsq(terms / anchors[:, None], np.ones(len(reference)), rcond=None)
    return np.asarray(sum(w * energy_kev ** -float(n) for w, n in zip(weight, (1, 2, 3), strict=True)))


def coherent(energy_kev: np.ndarray, anchor: float) -> np.ndarray:
    """Coherent scatter from its value at the last of ANCHORS_KEV: it falls as the square of the energy."""
    return anchor * (ANCHORS_KEV[-1] / energy_kev) ** 2
