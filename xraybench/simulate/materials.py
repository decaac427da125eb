"""Materials by density and composition. The order of the table is the id in material maps; 0 is open beam.

Densities of loose, folded or packed goods are bulk densities, air included. Mixtures are given by weight.
"""

import re
from dataclasses import dataclass
from functools import cache

from xraybench.core.errors import BadValue, UnknownName
from xraybench.core.registry import did_you_mean

ATOMIC_WEIGHT = {
    "H": 1.008, "Li": 6.94, "B": 10.81, "C": 12.011, "N": 14.007, "O": 15.999, "F": 18.998, "Na": 22.990, "Mg": 24.305,
    "Al": 26.982, "Si": 28.085, "P": 30.974, "S": 32.06, "Cl": 35.45, "Ar": 39.95, "K": 39.098, "Ca": 40.078,
    "Ti": 47.867, "Cr": 51.996, "Mn": 54.938, "Fe": 55.845, "Co": 58.933, "Ni": 58.693, "Cu": 63.546, "Zn": 65.38,
    "Br": 79.904, "Sr": 87.62, "Zr": 91.224, "Mo": 95.95, "Pd": 106.42, "Ag": 107.868, "Cd": 112.414, "Sn": 118.710,
    "I": 126.904, "Cs": 132.905, "Ba": 137.327, "Gd": 157.25, "W": 183.84, "Pt": 195.084, "Au": 196.967, "Hg": 200.592,
    "Pb": 207.2, "Bi": 208.980,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Material:
    """One material. `mixture` holds (formula, share by weight); shares need not add up to one."""

    name: str
    density_g_cm3: float
    mixture: tuple[tuple[str, float], ...]
    family: str  # organic, mineral, light_metal, metal, heavy_metal


def _m(name: str, density: float, family: str, **mixture: float) -> Material:
    return Material(name, density, tuple(mixture.items()), family)


_CELLULOSE = "C6H10O5"

MATERIALS = (
    # polymers and organics
    _m("polyethylene", 0.94, "organic", C2H4=1.0),
    _m("polypropylene", 0.90, "organic", C3H6=1.0),
    _m("abs", 1.05, "organic", C15H17N=1.0),
    _m("nylon", 1.14, "organic", C6H11NO=1.0),
    _m("pet", 1.38, "organic", C10H8O4=1.0),
    _m("pvc", 1.38, "organic", C2H3Cl=1.0),
    _m("polymer_filled", 1.35, "organic", C6H11NO=0.70, SiO2=0.30),  # glass-filled nylon
    _m("foam", 0.03, "organic", C8H8=1.0),
    _m("rubber", 1.15, "organic", C5H8=0.75, CaCO3=0.20, ZnO=0.04, S=0.01),
    _m("leather", 0.86, "organic", C=0.49, H=0.07, N=0.16, O=0.26, Cr=0.02),
    _m("wax", 0.90, "organic", C25H52=1.0),
    _m("soap", 1.05, "organic", C18H35NaO2=0.88, H2O=0.12),
    # paper, textile, wood
    _m("paper", 0.80, "organic", **{_CELLULOSE: 0.92, "CaCO3": 0.03, "H2O": 0.05}),
    _m("coated_paper", 1.10, "organic", **{_CELLULOSE: 0.88, "CaCO3": 0.04, "Al2Si2O7": 0.04, "H2O": 0.04}),
    _m("newsprint", 0.60, "organic", **{_CELLULOSE: 0.92, "H2O": 0.08}),
    _m("cardboard", 0.65, "organic", **{_CELLULOSE: 0.94, "CaCO3": 0.02, "H2O": 0.04}),
    _m("banknote", 1.00, "organic", **{_CELLULOSE: 0.91, "TiO2": 0.05, "H2O": 0.04}),
    _m("cotton", 0.30, "organic", **{_CELLULOSE: 0.94, "H2O": 0.06}),
    _m("polyester_cloth", 0.28, "organic", C10H8O4=1.0),
    _m("stuffing", 0.06, "organic", C10H8O4=1.0),
    _m("wood", 0.60, "organic", **{_CELLULOSE: 0.88, "H2O": 0.12}),
    # foods, liquids, powders
    _m("water", 1.00, "organic", H2O=1.0),
    _m("shampoo", 1.03, "organic", H2O=0.82, C12H25NaO4S=0.15, NaCl=0.03),
    _m("oil", 0.92, "organic", C18H34O2=1.0),
    _m("cream", 0.98, "organic", H2O=0.65, C18H34O2=0.30, TiO2=0.02, C3H8O3=0.03),
    _m("chocolate", 1.25, "organic", C12H22O11=0.5, C18H34O2=0.35, C6H10O5=0.15),
    _m("sugar", 0.88, "organic", C12H22O11=1.0),
    _m("flour", 0.62, "organic", C6H10O5=0.87, H2O=0.13),
    _m("coffee", 0.42, "organic", C6H10O5=0.72, C18H34O2=0.14, C7H10N2O2=0.10, K2CO3=0.04),
    _m("milk_powder", 0.58, "organic", C12H22O11=0.40, C18H34O2=0.27, C6H11NO=0.26, CaHPO4=0.07),
    _m("cocaine_hcl", 0.95, "organic", C17H22ClNO4=1.0),
    _m("heroin_cut", 0.80, "organic", C21H23NO5=0.5, C8H10N4O2=0.25, C8H9NO2=0.25),
    _m("meth_hcl", 0.85, "organic", C10H16ClN=1.0),
    _m("ketamine_hcl", 0.80, "organic", C13H17Cl2NO=1.0),
    # minerals
    _m("salt", 1.25, "mineral", NaCl=1.0),
    _m("washing_powder", 0.65, "mineral", Na2CO3=0.40, Na2SO4=0.25, Al2Si2O7=0.20, C12H25NaO4S=0.15),
    _m("glass", 2.50, "mineral", SiO2=0.72, Na2O=0.14, CaO=0.10, MgO=0.03, Al2O3=0.01),
    _m("ceramic", 2.40, "mineral", SiO2=0.65, Al2O3=0.28, K2O=0.04, CaO=0.03),
    _m("gemstone", 3.50, "mineral", Al2O3=0.6, SiO2=0.4),
    _m("pcb", 1.90, "mineral", SiO2=0.42, C15H16O2=0.40, Cu=0.13, Br=0.03, Sn=0.02),
    _m("chip", 2.20, "mineral", SiO2=0.70, C15H16O2=0.20, Cu=0.10),
    _m("liion", 2.30, "mineral", LiCoO2=0.40, C=0.26, Cu=0.12, Al=0.07, C3H4O3=0.15),
    _m("alkaline", 2.80, "metal", MnO2=0.40, Zn=0.20, Fe=0.20, KOH=0.08, H2O=0.12),
    # metals
    _m("aluminium", 2.70, "light_metal", Al=1.0),
    _m("magnesium_alloy", 1.80, "light_metal", Mg=0.91, Al=0.08, Zn=0.01),
    _m("titanium", 4.50, "light_metal", Ti=1.0),
    _m("steel", 7.85, "metal", Fe=0.985, C=0.005, Mn=0.01),
    _m("stainless", 7.90, "metal", Fe=0.72, Cr=0.18, Ni=0.10),
    _m("zamak", 6.60, "metal", Zn=0.95, Al=0.04, Cu=0.01),
    _m("copper", 8.96, "metal", Cu=1.0),
    _m("brass", 8.50, "metal", Cu=0.63, Zn=0.37),
    _m("magnet", 7.40, "metal", Fe=0.68, Pd=0.30, B=0.02),  # palladium stands in for neodymium, whose edge lies near
    _m("tin", 7.31, "heavy_metal", Sn=1.0),
    _m("solder", 8.40, "heavy_metal", Sn=0.63, Pb=0.37),
    _m("silver", 10.36, "heavy_metal", Ag=0.925, Cu=0.075),
    _m("gold", 15.60, "heavy_metal", Au=0.75, Ag=0.15, Cu=0.10),
    _m("tungsten", 19.30, "heavy_metal", W=1.0),
    _m("lead", 11.34, "heavy_metal", Pb=1.0),
    # scintillators
    _m("gos", 7.32, "heavy_metal", Gd2O2S=1.0),
    _m("csi", 4.51, "heavy_metal", CsI=1.0),
    # reference elements for calibration
    _m("carbon", 2.00, "organic", C=1.0),
    _m("calcium", 1.55, "mineral", Ca=1.0),
    _m("iron", 7.874, "metal", Fe=1.0),
)

_BY_NAME = {material.name: material for material in MATERIALS}
_ID = {material.name: i + 1 for i, material in enumerate(MATERIALS)}
OPEN = 0  # id of the open beam in material maps


def get(name: str) -> Material:
    """The material of this name.

    Raises:
        UnknownName: With the nearest known name.
    """
    if name not in _BY_NAME:
        raise UnknownName(f"No material is called '{name}'. {did_you_mean(name, list(_BY_NAME))}")
    return _BY_NAME[name]


def material_id(name: str) -> int:
    """The id of a material in material maps, from 1."""
    get(name)
    return _ID[name]


def names() -> list[str]:
    """All material names; the position is the id less one."""
    return list(_BY_NAME)


def parse_formula(formula: str) -> dict[str, float]:
    """Atoms of each element in a plain formula such as `C17H22ClNO4` (no brackets).

    Raises:
        BadValue: When the text is no formula, or names an element that the table lacks.
    """
    parts = re.findall(r"([A-Z][a-z]?)(\d*\.?\d*)", formula)
    if not parts or "".join(symbol + count for symbol, count in parts) != formula:
        raise BadValue(f"'{formula}' is no plain chemical formula, such as C17H22ClNO4.")
    atoms: dict[str, float] = {}
    for symbol, count in parts:
        if symbol not in ATOMIC_WEIGHT:
            raise BadValue(f"'{formula}' names the element {symbol}, which the cross-section table does not hold.")
        atoms[symbol] = atoms.get(symbol, 0.0) + float(count or 1)
    return atoms


@cache
def weight_shares(name: str) -> tuple[tuple[str, float], ...]:
    """Share by weight of each element in a material; the shares add up to one."""
    shares: dict[str, float] = {}
    mixture = get(name).mixture
    whole = sum(share for _, share in mixture)
    for formula, share in mixture:
        masses = {symbol: count * ATOMIC_WEIGHT[symbol] for symbol, count in parse_formula(formula).items()}
        total = sum(masses.values())
        for symbol, mass in masses.items():
            shares[symbol] = shares.get(symbol, 0.0) + share / whole * mass / total
    return tuple(sorted(shares.items()))
