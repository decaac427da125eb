"""Fit the spectral nodes of every registered sensor and bake them into the package.

    python scripts/build_nodes.py

Run it after a change to a sensor's tube, filters or scintillators, or to the cross sections; until then such a sensor
fits its nodes on first use. Writes xraybench/simulate/tables/nodes.npz.
"""

from __future__ import annotations

import sys

import numpy as np

from xraybench import sensors
from xraybench.simulate import spectral

GOOD_ENOUGH = 0.001  # worst relative error of a signal
FEWER = (10, 12, 16, 20)  # numbers of nodes tried first: a scan takes a time in proportion


def worst_error(beam: spectral.Beam, fitted: spectral.Beam) -> float:
    """Worst relative error over new stacks that pass at least 1e-3 of the beam."""
    paths, mu = spectral.material_stacks(beam.energy_kev, n_stacks=3000, seed=99)
    _, mu_nodes = spectral.material_stacks(fitted.energy_kev, n_stacks=1, seed=99)
    truth = np.exp(-paths @ mu) @ beam.weights.T
    ours = np.exp(-paths @ mu_nodes) @ fitted.weights.T
    seen = truth[:, 0] > 1e-3
    return float(np.abs(ours / truth - 1.0)[seen, : beam.n_channels].max())


def best_fit(beam: spectral.Beam, earlier_kev: np.ndarray | None) -> spectral.Beam:
    """The earlier nodes moved a little where that is good enough, else the best of three fits from scratch (minutes)."""
    if earlier_kev is not None:
        fitted = spectral.fit_nodes(beam, n_stacks=1200, n_rounds=2, start_kev=earlier_kev)
        if worst_error(beam, fitted) < GOOD_ENOUGH:
            return fitted
    trials = [spectral.fit_nodes(beam, n_stacks=700, n_start=n, n_rounds=20) for n in (64, 90, 120)]
    return min(trials, key=lambda trial: worst_error(beam, trial))


def thinned(beam: spectral.Beam, fitted: spectral.Beam) -> spectral.Beam:
    """The fewest of FEWER nodes that are good enough, left over from a good fit; else the fit itself."""
    for n_nodes in FEWER:
        if n_nodes >= fitted.energy_kev.size:
            break
        few = spectral.fit_nodes(beam, n_nodes=n_nodes, n_stacks=500, n_rounds=8, start_kev=fitted.energy_kev)
        if worst_error(beam, few) < GOOD_ENOUGH:
            return few
    return fitted


def kept(beam: spectral.Beam, earlier: dict[str, np.ndarray], name: str) -> spectral.Beam | None:
    """The baked nodes, where the beam is what it was and they are still good."""
    of = spectral.fingerprint(beam)
    if f"{name}_of" not in earlier or earlier[f"{name}_of"].shape != of.shape:
        return None
    if not np.allclose(earlier[f"{name}_of"], of, rtol=1e-6):
        return None
    baked = spectral.Beam(earlier[f"{name}_energy_kev"], earlier[f"{name}_weights"])
    return baked if worst_error(beam, baked) < GOOD_ENOUGH else None


def main() -> None:
    """Write the table and say how good each fit is."""
    table: dict[str, np.ndarray] = {}
    earlier: dict[str, np.ndarray] = {}
    if spectral.TABLE.exists():
        with np.load(spectral.TABLE) as baked:
            earlier = dict(baked)
    done: dict[bytes, spectral.Beam] = {}  # sensors of one source and detector share their nodes
    for name in sensors.names():
        beam = spectral.full_beam(sensors.get(name))
        key = beam.weights.tobytes()
        if key not in done:
            start_kev = earlier.get(f"{name}_energy_kev")
            done[key] = kept(beam, earlier, name) or thinned(beam, best_fit(beam, start_kev))
        fitted = done[key]
        sys.stderr.write(f"{name}: worst error {worst_error(beam, fitted):.4%} at {np.round(fitted.energy_kev)} keV\n")
        table[f"{name}_of"] = spectral.fingerprint(beam)
        table[f"{name}_energy_kev"] = fitted.energy_kev
        table[f"{name}_weights"] = fitted.weights
    np.savez_compressed(spectral.TABLE, **table)
    sys.stderr.write(f"{spectral.TABLE}: {spectral.TABLE.stat().st_size / 1024:.1f} kB\n")


if __name__ == "__main__":
    main()
