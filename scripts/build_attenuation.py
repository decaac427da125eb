"""Bake the element table of photon cross sections that the simulator ships.

Run by a maintainer, never by a user: it needs xraylib (BSD-3), which the package itself does not.

    python scripts/build_attenuation.py

Writes xraybench/simulate/tables/elements.npz. Each element keeps its own energy grid: a logarithmic base grid, and
two points hugging each absorption edge, so that log-log interpolation never smears an edge.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import xraylib

TABLE = Path(__file__).parents[1] / "xraybench" / "simulate" / "tables" / "elements.npz"
ELEMENTS = (
    1, 3, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 22, 24, 25, 26, 27, 28, 29, 30, 35, 38, 40, 42, 46,
    47, 48, 50, 53, 55, 56, 64, 74, 78, 79, 80, 82, 83,
)  # fmt: skip
LOW_KEV, HIGH_KEV = 1.0, 800.0  # xraylib's total cross sections end a little above 800 keV
N_BASE = 121
EDGE_GAP = 2e-6  # relative distance of the two points on either side of an edge


def energy_grid(z: int) -> np.ndarray:
    """Energies in keV, ascending, with a close pair around every edge inside the range."""
    base = np.geomspace(LOW_KEV, HIGH_KEV, N_BASE)
    edges = []
    for shell in range(31):  # K to Q3 in xraylib's numbering
        try:
            edge = xraylib.EdgeEnergy(z, shell)
        except ValueError:
            continue
        if edge > LOW_KEV * 1.0001:
            edges.append(edge)
    near = [e * (1 + side * EDGE_GAP) for e in edges for side in (-1, 1)]
    steps = [e * f for e in edges for f in (0.97, 0.99, 1.01, 1.03)]
    grid = np.unique(np.concatenate([base, np.array(near), np.array(steps)]))
    return grid[(grid >= LOW_KEV) & (grid <= HIGH_KEV)]


def columns(z: int, energy_kev: np.ndarray) -> np.ndarray:
    """Total, incoherent, coherent and energy-absorption cross sections in cm2/g, shape (n_energies, 4)."""
    rows = [
        (xraylib.CS_Total(z, e), xraylib.CS_Compt(z, e), xraylib.CS_Rayl(z, e), xraylib.CS_Energy(z, e))
        for e in map(float, energy_kev)
    ]
    return np.array(rows, dtype=np.float32)


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
        source=np.array(f"xraylib {xraylib.__version__}, CS_Total, CS_Compt, CS_Rayl, CS_Energy"),
    )
    sys.stderr.write(f"{TABLE}: {len(ELEMENTS)} elements, {TABLE.stat().st_size / 1024:.0f} kB\n")


if __name__ == "__main__":
    main()
