"""Bake the tungsten tube spectra that the simulator ships.

Run by a maintainer, never by a user: it needs spekpy (MIT), which the package itself does not.

    python scripts/build_spectra.py

Writes xraybench/simulate/tables/spectra.npz: one row a tube voltage, one column a 1 keV bin. The anode's own absorption
is inside; every other filter is applied at run time with our own attenuation, so that a sensor may declare any filter.
The physics model is `kqp`, which knows that bremsstrahlung leans forward: it makes filtered beams 0.4 % harder than
spekpy's default `casim`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import spekpy

TABLE = Path(__file__).parents[1] / "xraybench" / "simulate" / "tables" / "spectra.npz"
TUBE_KVP = (60, 80, 100, 120, 140, 150, 160, 180, 200, 225, 250, 300)
TAKEOFF_DEG = 20.0


def fluence(kvp: int) -> np.ndarray:
    """Photons per cm2, keV and mAs at 1 m in vacuum, one value a 1 keV bin from 0 to the highest voltage."""
    tube = spekpy.Spek(kvp=kvp, th=TAKEOFF_DEG, dk=1.0, targ="W", physics="kqp", z=100.0)
    energy_kev, per_kev = tube.get_spectrum()
    row = np.zeros(max(TUBE_KVP), dtype=np.float32)
    row[np.floor(energy_kev).astype(int)] = per_kev
    return row


def main() -> None:
    """Write the table and say how large it is."""
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        TABLE,
        tube_kvp=np.array(TUBE_KVP, dtype=np.float64),
        energy_kev=np.arange(max(TUBE_KVP)) + 0.5,
        per_cm2_kev_mas=np.stack([fluence(kvp) for kvp in TUBE_KVP]),
        takeoff_deg=np.array(TAKEOFF_DEG),
        source=np.array(f"spekpy {spekpy.__version__}, physics kqp, tungsten, 1 m, no filter"),
    )
    sys.stderr.write(f"{TABLE}: {len(TUBE_KVP)} voltages, {TABLE.stat().st_size / 1024:.0f} kB\n")


if __name__ == "__main__":
    main()
