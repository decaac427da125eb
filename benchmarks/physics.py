"""How far the simulator's physics lies from published numbers, element by element and beam by beam.

    python benchmarks/physics.py

Attenuation against the tables of NIST, tube beams against ISO 4037, a linac against measured tenth-value layers, the fitted
nodes of every sensor against its whole spectrum, and threat projection against rendering together. The references are those
of the tests, typed in by hand in tests/make/physics_references.py. The last line is one JSON of named figures.
"""

import json
import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from xraybench import sensors
from xraybench.core.sensor import Layer
from xraybench.simulate import attenuation, materials, spectral, tip
from xraybench.simulate.spectra import half_value_layer_cm, linac_spectrum, tube_spectrum

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "make"))
from physics_references import ABSORPTION, ATTENUATION, LINAC_TVL_MM, NARROW, WATER  # noqa: E402

FILTERS = ("aluminium", "copper", "tin", "lead")
BACKGROUNDS = (
    {"paper": 8.0}, {"aluminium": 3.0}, {"steel": 0.3}, {"brass": 0.2, "polyethylene": 4.0}, {"glass": 0.6, "water": 7.0},
    {"cotton": 6.0, "liion": 0.8, "pcb": 0.3}, {"steel": 0.8},
)  # fmt: skip
THREATS = ({"steel": 0.2}, {"plastic_explosive": 4.0})


def print_errors(title: str, table: dict[str, dict[int, float]], process: str) -> dict[str, dict[int, float]]:
    """Relative error of each element and energy, printed as a table."""
    energies = sorted({energy for row in table.values() for energy in row})
    print(f"{title}, error in %\n{'keV':>8s}" + "".join(f"{energy:>8d}" for energy in energies))
    errors = {}
    for element, row in table.items():
        ours = {e: float(attenuation.element_mass_attenuation(element, e, process=process)[0]) for e in row}
        errors[element] = {e: ours[e] / row[e] - 1.0 for e in row}
        cells = (f"{100 * errors[element][e]:8.2f}" if e in row else " " * 8 for e in energies)
        print(f"{element:>8s}" + "".join(cells))
    return errors


def worst(errors: dict[str, dict[int, float]], elements: list[str], low_kev: float, high_kev: float) -> float:
    """Worst absolute error of these elements in a range of energies."""
    return max(abs(v) for e in elements for kev, v in errors[e].items() if low_kev <= kev <= high_kev)


def attenuation_figures() -> dict[str, float]:
    errors = print_errors("attenuation against NIST", ATTENUATION, "total")
    light = [e for e in ATTENUATION if materials.ATOMIC_NUMBER[e] <= 26]
    heavy = [e for e in ATTENUATION if 26 < materials.ATOMIC_NUMBER[e] <= 83]
    absorbed = print_errors("energy absorption against NIST", ABSORPTION, "absorbed")
    water = [abs(float(attenuation.mass_attenuation("water", e)[0]) / v - 1.0) for e, v in WATER.items()]
    return {
        "attenuation_worst_below_1_mev": worst(errors, list(ATTENUATION), 0, 800),
        "attenuation_worst_above_1_mev_up_to_iron": worst(errors, light, 1000, 10_000),
        "attenuation_worst_above_1_mev_iron_to_bismuth": worst(errors, heavy, 1000, 10_000),
        "attenuation_worst_above_1_mev_tungsten": worst(errors, ["W"], 1000, 10_000),
        "attenuation_worst_above_1_mev_lead": worst(errors, ["Pb"], 1000, 10_000),
        "attenuation_worst_above_1_mev_uranium": worst(errors, ["U"], 1000, 10_000),
        "attenuation_worst_water": max(water),
        "absorption_worst_of_air": worst(absorbed, ["N", "O"], 0, 1000),
        "absorption_worst_of_scintillators": worst(absorbed, ["S", "I", "Cs", "Gd", "Cd", "W"], 0, 500),
    }


def beam_figures() -> dict[str, float]:
    nominal, measured, mean = [], [], []
    print(
        "ISO 4037 narrow series: first half-value layer in mm Cu, nominal, measured by NIST, mean energy in keV, nominal"
    )
    for kv, (filters, hvl, hvl_nist, _, mean_kev) in NARROW.items():
        sheets = [Layer(m, mm / 10 * materials.get(m).density_g_cm3) for m, mm in zip(FILTERS, filters, strict=True)]
        beam = tube_spectrum(kv, sheets)
        ours = 10 * half_value_layer_cm(beam, "copper")
        print(f"  N-{kv:<4d} {ours:7.3f} {hvl:7.2f} {hvl_nist:7.3f} {beam.mean_energy_kev:8.1f} {mean_kev:6d}")
        nominal.append(ours / hvl - 1.0)
        measured.append(ours / hvl_nist - 1.0)
        mean.append(beam.mean_energy_kev / mean_kev - 1.0)
    tvl = []
    beam = linac_spectrum(6.0)
    for material, expected in LINAC_TVL_MM.items():
        layers = [0.0]
        for _ in range(4):
            layers.append(half_value_layer_cm(beam, material, already_cm=sum(layers), share=0.1))
        ours = 10 * float(np.mean(layers[1:]))
        print(f"  6 MeV, {material}: mean of four tenth-value layers {ours:.1f} mm, measured {expected:.0f} mm")
        tvl.append(ours / expected - 1.0)
    return {
        "hvl_worst_to_nominal": max(map(abs, nominal)),
        "hvl_n60_to_nominal": nominal[0],
        "hvl_worst_to_measured": max(map(abs, measured)),
        "mean_energy_worst": max(map(abs, mean)),
        "linac_tvl_worst": max(map(abs, tvl)),
    }


def node_figures() -> dict[str, float]:
    found = {}
    for name in sensors.names():
        beam, nodes = spectral.full_beam(sensors.get(name)), spectral.nodes(sensors.get(name))
        paths, mu = spectral.material_stacks(beam.energy_kev, n_stacks=2000, seed=123)
        _, mu_nodes = spectral.material_stacks(nodes.energy_kev, n_stacks=1, seed=123)
        truth, ours = np.exp(-paths @ mu) @ beam.weights.T, np.exp(-paths @ mu_nodes) @ nodes.weights.T
        seen = truth[:, 0] > 1e-3
        found[name] = float(np.abs(ours / truth - 1.0)[seen, : beam.n_channels].max())
        print(
            f"  {name:20s} {beam.energy_kev.size:4d} bins as {nodes.energy_kev.size} nodes: worst error {found[name]:.4%}"
        )
    return {"nodes_worst_error": max(found.values())}


def projection_figures() -> dict[str, float]:
    """Error of the threat's log contrast, in both channels, over 14 cases: two bases, and plain multiplication."""
    beam = spectral.nodes(sensors.get("mail_160kv"))

    def passed(layers: dict[str, float]) -> np.ndarray:
        return np.exp(-sum(cm * attenuation.linear_attenuation(m, beam.energy_kev) for m, cm in layers.items()))

    basis, product = [], []
    for behind in BACKGROUNDS:
        for threat in THREATS:
            before, both = passed(behind) @ beam.weights[:2].T, (passed(behind) * passed(threat)) @ beam.weights[:2].T
            (cm,), _ = tip.read_back(sensors.get("mail_160kv"), before[:1], before[1:])
            again = (passed(dict(zip(tip.BASIS, cm, strict=True))) * passed(threat)) @ beam.weights[:2].T
            truth = np.log(before / both)
            basis.append(np.abs(np.log(before / again) / truth - 1.0).max())
            product.append(np.abs(-np.log(passed(threat) @ beam.weights[:2].T) / truth - 1.0).max())
    return {"projection_two_bases_worst": max(basis), "projection_multiplicative_worst": max(product)}


def main() -> None:
    figures = attenuation_figures() | beam_figures() | node_figures() | projection_figures()
    figures["tables_kb"] = sum(p.stat().st_size for p in (ROOT / "xraybench").rglob("*.np[yz]")) / 1024
    for name, value in figures.items():
        print(f"{name:48s} {value:10.4g}")
    print(json.dumps({name: float(f"{value:.4g}") for name, value in figures.items()}))


if __name__ == "__main__":
    main()
