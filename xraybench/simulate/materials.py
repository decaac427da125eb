"""Materials by density and composition. The order of the table is the id in material maps; 0 is open beam.

Densities of loose, folded or packed goods are bulk densities, air included. Mixtures are given by weight.
"""

import re
from dataclasses import dataclass
from functools import cache

from xraybench.core.errors import BadValue, UnknownName
from xraybench.core.registry import did_you_mean

ATOMIC_WEIGHT = {
    "H": 1.008, "Li": 6.94, "B": 10.81, "C": 12.011, "N": 14.007, "O": 15.999, "F": 18.998, "Na": 22.99, "Mg": 24.305,
    "Al": 26.982, "Si": 28.085, "P": 30.974, "S": 32.06, "Cl": 35.45, "Ar": 39.95, "K": 39.098, "Ca": 40.078,
    "Ti": 47.867, "V": 50.942, "Cr": 51.996, "Mn": 54.938, "Fe": 55.845, "Co": 58.933, "Ni": 58.693, "Cu": 63.546,
    "Zn": 65.38, "Br": 79.904, "Sr": 87.62, "Zr": 91.224, "Mo": 95.95, "Pd": 106.42, "Ag": 107.868, "Cd": 112.414,
    "Sn": 118.71, "Sb": 121.76, "I": 126.904, "Cs": 132.905, "Ba": 137.327, "Nd": 144.242, "Gd": 157.25, "W": 183.84,
    "Pt": 195.084, "Au": 196.967, "Hg": 200.592, "Pb": 207.2, "Bi": 208.98, "U": 238.029,
}  # fmt: skip
ATOMIC_NUMBER = {
    "H": 1, "Li": 3, "B": 5, "C": 6, "N": 7, "O": 8, "F": 9, "Na": 11, "Mg": 12, "Al": 13, "Si": 14, "P": 15, "S": 16,
    "Cl": 17, "Ar": 18, "K": 19, "Ca": 20, "Ti": 22, "V": 23, "Cr": 24, "Mn": 25, "Fe": 26, "Co": 27, "Ni": 28,
    "Cu": 29, "Zn": 30, "Br": 35, "Sr": 38, "Zr": 40, "Mo": 42, "Pd": 46, "Ag": 47, "Cd": 48, "Sn": 50, "Sb": 51,
    "I": 53, "Cs": 55, "Ba": 56, "Nd": 60, "Gd": 64, "W": 74, "Pt": 78, "Au": 79, "Hg": 80, "Pb": 82, "Bi": 83,
    "U": 92,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Material:
    """One material. `mixture` holds (formula, share by weight); shares need not add up to one."""

    name: str
    density_g_cm3: float
    mixture: tuple[tuple[str, float], ...]
    family: str  # organic, mineral, light_metal, metal, heavy_metal
    source: str  # a key of SOURCES


SOURCES = {
    "compound": "formula of the pure substance; density from the CRC Handbook of Chemistry and Physics",
    "alloy": "nominal composition and density of the common grade, as its standard or data sheet gives them",
    "typical": "main constituents of a typical product, rounded; density of the typical product",
    "building": "PNNL-15870 Rev. 1, Compendium of Material Composition Data, rounded to its main constituents",
    "packed": "formula of the fibre or leaf; density as folded, baled or packed, air included, our estimate",
    "food": "water, fat, protein and carbohydrate of USDA FoodData Central as model compounds; bulk density",
    "tissue": "ICRU 44 and ICRP 23 proportions of mineral, protein and water, rounded",
    "drug": "formula of the salt, with the named filler; bulk density as pressed, our estimate",
    "explosive": "formula and usual proportions of the named charge; loading density from open handbooks",
    "device": "weight shares of the parts of a typical device, homogenised, our estimate",
    "cargo": "the named goods with the air of their stowage; bulk density our estimate from common stowage factors",
}


def _m(name: str, density: float, family: str, source: str, **mixture: float) -> Material:
    return Material(name, density, tuple(mixture.items()), family, source)


_CELLULOSE = "C6H10O5"

MATERIALS = (
    # polymers and organics
    _m("polyethylene", 0.94, "organic", "compound", C2H4=1.0),
    _m("polypropylene", 0.90, "organic", "compound", C3H6=1.0),
    _m("abs", 1.05, "organic", "compound", C15H17N=1.0),
    _m("nylon", 1.14, "organic", "compound", C6H11NO=1.0),
    _m("pet", 1.38, "organic", "compound", C10H8O4=1.0),
    _m("pvc", 1.38, "organic", "compound", C2H3Cl=1.0),
    _m("polymer_filled", 1.35, "organic", "typical", C6H11NO=0.70, SiO2=0.30),  # glass-filled nylon
    _m("foam", 0.03, "organic", "typical", C8H8=1.0),
    _m("rubber", 1.15, "organic", "typical", C5H8=0.75, CaCO3=0.20, ZnO=0.04, S=0.01),
    _m("leather", 0.86, "organic", "typical", C=0.49, H=0.07, N=0.16, O=0.26, Cr=0.02),
    _m("wax", 0.90, "organic", "compound", C25H52=1.0),
    _m("soap", 1.05, "organic", "typical", C18H35NaO2=0.88, H2O=0.12),
    # paper, textile, wood
    _m("paper", 0.80, "organic", "typical", **{_CELLULOSE: 0.92, "CaCO3": 0.03, "H2O": 0.05}),
    _m("coated_paper", 1.10, "organic", "typical", **{_CELLULOSE: 0.88, "CaCO3": 0.04, "Al2Si2O7": 0.04, "H2O": 0.04}),
    _m("newsprint", 0.60, "organic", "typical", **{_CELLULOSE: 0.92, "H2O": 0.08}),
    _m("cardboard", 0.65, "organic", "typical", **{_CELLULOSE: 0.94, "CaCO3": 0.02, "H2O": 0.04}),
    _m("banknote", 1.00, "organic", "typical", **{_CELLULOSE: 0.91, "TiO2": 0.05, "H2O": 0.04}),
    _m("cotton", 0.30, "organic", "packed", **{_CELLULOSE: 0.94, "H2O": 0.06}),
    _m("polyester_cloth", 0.28, "organic", "packed", C10H8O4=1.0),
    _m("stuffing", 0.06, "organic", "packed", C10H8O4=1.0),
    _m("wood", 0.60, "organic", "typical", **{_CELLULOSE: 0.88, "H2O": 0.12}),
    # foods, liquids, powders
    _m("water", 1.00, "organic", "compound", H2O=1.0),
    _m("shampoo", 1.03, "organic", "typical", H2O=0.82, C12H25NaO4S=0.15, NaCl=0.03),
    _m("oil", 0.92, "organic", "compound", C18H34O2=1.0),
    _m("cream", 0.98, "organic", "typical", H2O=0.65, C18H34O2=0.30, TiO2=0.02, C3H8O3=0.03),
    _m("chocolate", 1.25, "organic", "food", C12H22O11=0.5, C18H34O2=0.35, C6H10O5=0.15),
    _m("sugar", 0.88, "organic", "compound", C12H22O11=1.0),
    _m("flour", 0.62, "organic", "food", C6H10O5=0.87, H2O=0.13),
    _m("coffee", 0.42, "organic", "food", C6H10O5=0.72, C18H34O2=0.14, C7H10N2O2=0.10, K2CO3=0.04),
    _m("milk_powder", 0.58, "organic", "food", C12H22O11=0.40, C18H34O2=0.27, C6H11NO=0.26, CaHPO4=0.07),
    _m("cocaine_hcl", 0.95, "organic", "drug", C17H22ClNO4=1.0),
    _m("heroin_cut", 0.80, "organic", "drug", C21H23NO5=0.5, C8H10N4O2=0.25, C8H9NO2=0.25),
    _m("meth_hcl", 0.85, "organic", "drug", C10H16ClN=1.0),
    _m("ketamine_hcl", 0.80, "organic", "drug", C13H17Cl2NO=1.0),
    # minerals
    _m("salt", 1.25, "mineral", "compound", NaCl=1.0),
    _m("washing_powder", 0.65, "mineral", "typical", Na2CO3=0.40, Na2SO4=0.25, Al2Si2O7=0.20, C12H25NaO4S=0.15),
    _m("glass", 2.50, "mineral", "typical", SiO2=0.72, Na2O=0.14, CaO=0.10, MgO=0.03, Al2O3=0.01),
    _m("ceramic", 2.40, "mineral", "typical", SiO2=0.65, Al2O3=0.28, K2O=0.04, CaO=0.03),
    _m("gemstone", 3.50, "mineral", "typical", Al2O3=0.6, SiO2=0.4),
    _m("pcb", 1.90, "mineral", "device", SiO2=0.42, C15H16O2=0.40, Cu=0.13, Br=0.03, Sn=0.02),
    _m("chip", 2.20, "mineral", "device", SiO2=0.70, C15H16O2=0.20, Cu=0.10),
    _m("liion", 2.30, "mineral", "device", LiCoO2=0.40, C=0.26, Cu=0.12, Al=0.07, C3H4O3=0.15),
    _m("alkaline", 2.80, "metal", "device", MnO2=0.40, Zn=0.20, Fe=0.20, KOH=0.08, H2O=0.12),
    # metals
    _m("aluminium", 2.70, "light_metal", "compound", Al=1.0),
    _m("magnesium_alloy", 1.80, "light_metal", "alloy", Mg=0.91, Al=0.08, Zn=0.01),
    _m("titanium", 4.50, "light_metal", "compound", Ti=1.0),
    _m("steel", 7.85, "metal", "alloy", Fe=0.985, C=0.005, Mn=0.01),
    _m("stainless", 7.90, "metal", "alloy", Fe=0.72, Cr=0.18, Ni=0.10),
    _m("zamak", 6.60, "metal", "alloy", Zn=0.95, Al=0.04, Cu=0.01),
    _m("copper", 8.96, "metal", "compound", Cu=1.0),
    _m("brass", 8.50, "metal", "alloy", Cu=0.63, Zn=0.37),
    _m("magnet", 7.50, "metal", "alloy", Nd2Fe14B=1.0),
    _m("tin", 7.31, "heavy_metal", "compound", Sn=1.0),
    _m("solder", 8.40, "heavy_metal", "alloy", Sn=0.63, Pb=0.37),
    _m("silver", 10.36, "heavy_metal", "alloy", Ag=0.925, Cu=0.075),
    _m("gold", 15.60, "heavy_metal", "alloy", Au=0.75, Ag=0.15, Cu=0.10),
    _m("tungsten", 19.30, "heavy_metal", "compound", W=1.0),
    _m("lead", 11.34, "heavy_metal", "compound", Pb=1.0),
    # scintillators
    _m("gos", 7.32, "heavy_metal", "compound", Gd2O2S=1.0),
    _m("csi", 4.51, "heavy_metal", "compound", CsI=1.0),
    # reference elements for calibration
    _m("carbon", 2.00, "organic", "compound", C=1.0),
    _m("calcium", 1.55, "mineral", "compound", Ca=1.0),
    _m("iron", 7.874, "metal", "compound", Fe=1.0),
    # what travellers and smugglers carry
    _m("plastic_explosive", 1.58, "organic", "explosive", C3H6N6O6=0.88, C4H8=0.12),
    _m("cast_explosive", 1.60, "organic", "explosive", C7H5N3O6=1.0),
    _m("pyrotechnic_powder", 1.00, "mineral", "explosive", KNO3=0.75, C=0.15, S=0.10),
    _m("tablet", 1.25, "organic", "drug", C12H22O11=0.45, C6H10O5=0.42, CaHPO4=0.12, MgO=0.01),
    _m("drug_tablet", 1.25, "organic", "drug", C11H16ClNO2=0.35, C6H10O5=0.50, CaHPO4=0.15),
    _m("tobacco", 0.24, "organic", "packed", **{_CELLULOSE: 0.80, "H2O": 0.12, "K2CO3": 0.04, "CaCO3": 0.04}),
    _m("spirits", 0.94, "organic", "typical", H2O=0.62, C2H6O=0.38),
    _m("ivory", 1.85, "mineral", "tissue", Ca10P6O26H2=0.56, C4H6NO=0.34, H2O=0.10),
    _m("bronze", 8.70, "metal", "alloy", Cu=0.88, Sn=0.12),
    _m("marble", 2.65, "mineral", "compound", CaCO3=1.0),
    _m("terracotta", 1.85, "mineral", "typical", SiO2=0.62, Al2O3=0.20, Fe2O3=0.07, CaO=0.07, K2O=0.04),
    _m("polycarbonate", 1.20, "organic", "compound", C16H14O3=1.0),
    # cargo: foods and drinks
    _m("fruit", 0.62, "organic", "food", H2O=0.78, C6H10O5=0.17, C12H22O11=0.04, K2CO3=0.01),  # bananas, boxed
    _m("meat", 0.90, "organic", "food", H2O=0.66, C4H6NO=0.19, C18H34O2=0.14, KCl=0.01),  # frozen, boxed
    _m("fish", 0.85, "organic", "food", H2O=0.76, C4H6NO=0.18, C18H34O2=0.05, KCl=0.01),  # frozen, boxed
    _m("rice", 0.80, "organic", "food", C6H10O5=0.80, C4H6NO=0.07, H2O=0.13),
    _m("grain", 0.75, "organic", "food", C6H10O5=0.73, C4H6NO=0.12, C18H34O2=0.02, H2O=0.13),
    _m("coffee_beans", 0.60, "organic", "food", C6H10O5=0.64, C18H34O2=0.14, C4H6NO=0.12, K2CO3=0.02, H2O=0.08),
    _m("cocoa_beans", 0.58, "organic", "food", C6H10O5=0.32, C18H34O2=0.49, C4H6NO=0.13, H2O=0.06),
    _m("beverage", 1.02, "organic", "food", H2O=0.89, C12H22O11=0.11),
    _m("ice", 0.917, "organic", "compound", H2O=1.0),
    # cargo: fuels, chemicals, gases
    _m("diesel", 0.84, "organic", "typical", C12H23=1.0),
    _m("petrol", 0.74, "organic", "typical", C8H18=1.0),
    _m("coolant", 1.07, "organic", "typical", C2H6O2=0.5, H2O=0.5),
    _m("refrigerant", 1.21, "organic", "compound", C2H2F4=1.0),  # R-134a, liquid
    _m("fertiliser", 0.95, "organic", "typical", NH4NO3=0.80, CaCO3=0.20),
    _m("lead_acid", 2.60, "heavy_metal", "device", Pb=0.42, PbO2=0.22, H2SO4=0.10, H2O=0.18, C3H6=0.08),
    # cargo: fibres, timber, rubber
    _m("textile_bale", 0.42, "organic", "cargo", **{_CELLULOSE: 0.60, "C10H8O4": 0.34, "H2O": 0.06}),
    _m("paper_roll", 0.85, "organic", "cargo", **{_CELLULOSE: 0.86, "CaCO3": 0.08, "H2O": 0.06}),
    _m("waste_paper", 0.45, "organic", "cargo", **{_CELLULOSE: 0.88, "CaCO3": 0.05, "H2O": 0.07}),
    _m("plywood", 0.62, "organic", "typical", **{_CELLULOSE: 0.86, "C15H16O2": 0.04, "H2O": 0.10}),
    _m("hardwood", 0.75, "organic", "typical", **{_CELLULOSE: 0.88, "H2O": 0.12}),
    _m("tyre", 1.15, "organic", "typical", C5H8=0.56, C=0.28, Fe=0.12, ZnO=0.02, S=0.02),
    _m("insulation", 0.04, "organic", "typical", C15H10N2O2=0.6, C3H6O=0.4),  # polyurethane foam of reefers
    _m("plastic_granulate", 0.56, "organic", "cargo", C2H4=1.0),
    # cargo: stone, building materials, metal
    _m("concrete", 2.30, "mineral", "building", SiO2=0.70, CaCO3=0.13, Al2O3=0.05, Fe2O3=0.015, Na2O=0.02, H2O=0.085),
    _m("brick", 1.80, "mineral", "building", SiO2=0.68, Al2O3=0.20, Fe2O3=0.06, CaO=0.03, K2O=0.03),
    _m("ceramic_tile", 2.20, "mineral", "building", SiO2=0.70, Al2O3=0.22, K2O=0.04, CaO=0.02, Fe2O3=0.02),
    _m("granite", 2.69, "mineral", "building", SiO2=0.72, Al2O3=0.145, K2O=0.045, Na2O=0.037, CaO=0.02, Fe2O3=0.033),
    _m("sand", 1.60, "mineral", "building", SiO2=0.97, H2O=0.03),
    _m("scrap_steel", 1.10, "metal", "cargo", Fe=0.98, Zn=0.01, C=0.01),
    _m("scrap_aluminium", 0.55, "light_metal", "cargo", Al=0.95, Si=0.03, Fe=0.02),
    _m("cast_iron", 7.20, "metal", "alloy", Fe=0.945, C=0.035, Si=0.02),
    _m("aluminium_alloy", 2.70, "light_metal", "alloy", Al=0.97, Mg=0.01, Si=0.01, Fe=0.01),
    _m("machinery", 2.20, "metal", "cargo", Fe=0.86, Al=0.08, Cu=0.03, C2H4=0.03),  # homogenised with its air
    _m("electronics", 0.55, "metal", "cargo", C2H4=0.42, Fe=0.25, SiO2=0.15, Al=0.08, Cu=0.09, Sn=0.01),  # boxed goods
    # arms, shields, wildlife
    _m("bullet_lead", 11.20, "heavy_metal", "alloy", Pb=0.97, Sb=0.03),
    _m("propellant", 0.95, "organic", "explosive", C6H7N3O11=0.97, C=0.03),
    _m("tungsten_alloy", 17.50, "heavy_metal", "alloy", W=0.93, Ni=0.05, Fe=0.02),
    _m("depleted_uranium", 18.95, "heavy_metal", "compound", U=1.0),
    _m("hydroxyapatite", 3.16, "mineral", "compound", Ca10P6O26H2=1.0),
    _m("bone", 1.85, "mineral", "tissue", Ca10P6O26H2=0.58, C4H6NO=0.30, H2O=0.12),
    _m("horn", 1.30, "organic", "tissue", C4H6NO=0.82, S=0.03, H2O=0.15),
    _m("soft_tissue", 1.05, "organic", "tissue", H2O=0.74, C4H6NO=0.18, C18H34O2=0.07, KCl=0.01),
    # more scintillators
    _m("cdwo4", 7.90, "heavy_metal", "compound", CdWO4=1.0),
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
