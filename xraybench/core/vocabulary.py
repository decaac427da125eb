"""The closed vocabularies of the axes of a task, each term with its source.

A term that is not here does not exist for the benchmark: add it here, with its source, before using it. `any` stands
for the whole axis in a task id and is not a term of its own. `unknown` is what an import says when it was not told.
"""

from dataclasses import dataclass
from difflib import get_close_matches

from xraybench.core.errors import UnknownName

ANY = "any"
UNKNOWN = "unknown"
NONE = ""  # no threat, no concealment: a benign item


@dataclass(frozen=True, slots=True)
class Term:
    """One word of a closed vocabulary."""

    name: str
    meaning: str
    source: str
    group: str = ""  # threats: section of the WCO Illicit Trade Report
    vectors: tuple[str, ...] = ()  # concealments: where they occur; empty means on every vector


_REC19 = "UN/CEFACT Recommendation 19, mode of transport"
_ITR = "WCO Illicit Trade Report"
_NEWS = "WCO News and Europol reports on concealment"

VECTORS = (
    Term("mail", "letters, flats and small packets", f"{_REC19}, 5 mail"),
    Term("parcel", "boxed parcels of postal and express traffic", "UN/CEFACT Recommendation 21, package"),
    Term("baggage", "bags and suitcases of travellers", "ANSI N42.45 scope, checked and cabin baggage"),
    Term("pallet", "palletised cargo", "UN/CEFACT Recommendation 21, pallet"),
    Term("container", "freight containers", f"{_REC19}, 1 maritime; ISO 6346"),
    Term("vehicle", "lorries, vans and cars", f"{_REC19}, 3 road"),
    Term("rail", "rail wagons", f"{_REC19}, 2 rail"),
)

THREATS = (
    Term("firearm", "a firearm or its main parts", f"{_ITR}, security; HS chapter 93", "security"),
    Term("ammunition", "cartridges and magazines", f"{_ITR}, security; HS chapter 93", "security"),
    Term("blade", "a knife, razor or other edged weapon", f"{_ITR}, security; HS chapter 82", "security"),
    Term("explosive", "an explosive charge", f"{_ITR}, security; HS chapter 36", "security"),
    Term("powder_drugs", "a narcotic powder in bags, bricks or capsules", f"{_ITR}, drugs; HS chapter 29", "drugs"),
    Term("pills", "narcotic or counterfeit tablets", f"{_ITR}, drugs; HS chapter 30", "drugs"),
    Term("cigarettes", "undeclared cigarettes", f"{_ITR}, revenue; HS chapter 24", "revenue"),
    Term("alcohol", "undeclared spirits", f"{_ITR}, revenue; HS chapter 22", "revenue"),
    Term("currency", "undeclared banknotes", f"{_ITR}, money laundering and terrorist financing", "money"),
    Term(
        "ivory", "ivory and other products of protected animals", f"{_ITR}, environment; HS chapter 05", "environment"
    ),
    Term("counterfeit", "goods that infringe intellectual property", f"{_ITR}, IPR, health and safety", "ipr"),
    Term(
        "heritage_object", "a cultural object without licence", f"{_ITR}, cultural heritage; HS chapter 97", "heritage"
    ),
    Term(
        "empty_verification",
        "declared empty but holding goods (no threat)",
        "customs practice: AJNA, US CBP pilot",
        "control",
    ),
    Term(
        "manifest_mismatch",
        "declared HS chapter and load differ (no threat)",
        "customs practice: AJNA, UCL automated contents verification",
        "control",
    ),
    Term("shielding", "anomalous shielding, a find of its own (no threat)", "customs practice", "control"),
)

CONCEALMENTS = (
    Term("undeclared", "in the open among other goods, falsely declared", "generic"),
    Term("in_layers", "between sheets, envelopes or cards", "customs training notes", vectors=("mail", "parcel")),
    Term(
        "in_article", "inside electronics, toys, books or tins", "customs press", vectors=("mail", "parcel", "baggage")
    ),
    Term("in_load", "inside or between the legitimate goods", _NEWS, vectors=("parcel", "pallet", "container", "rail")),
    Term("false_bottom", "in a side wall, base or handle", "customs training notes", vectors=("baggage",)),
    Term("in_structure", "in walls, floor, roof or posts", _NEWS, vectors=("container", "rail")),
    Term("in_reefer_unit", "in the refrigeration machinery", _NEWS, vectors=("container",)),
    Term("in_vehicle", "in frame, floor, tank or tyre", "US House report FY2024", vectors=("vehicle",)),
    Term("rip_on_off", "in bags at the doors of a legitimate load", _NEWS, vectors=("container",)),
    Term("masked", "shielded by or overlapped with dense goods", "Novel strategies in drug concealment (2024)"),
)

CONTROLS = tuple(term.name for term in THREATS if term.group == "control")  # targets of their own, not part of `any`
EMPTY_VERIFICATION = "empty_verification"
MANIFEST_MISMATCH = "manifest_mismatch"
EMPTY = "empty"  # what a manifest declares of an item without goods; else an HS chapter, "" where nothing is declared

SPLITS = ("train", "calibration", "test")
SHAPES = ("seen", "unseen")  # whether a threat's shape family occurs among the train items
SIZES = ("small", "medium", "large")  # terciles of the threat's share of the view, cut points in tasks

_AXES = {"vector": VECTORS, "threat": THREATS, "concealment": CONCEALMENTS}


def names(axis: str) -> tuple[str, ...]:
    """The terms of one axis: `vector`, `threat` or `concealment`."""
    return tuple(term.name for term in _AXES[axis])


def term(axis: str, name: str) -> Term:
    """One term of one axis.

    Raises:
        UnknownName: With the nearest known term.
    """
    for candidate in _AXES[axis]:
        if candidate.name == name:
            return candidate
    near = get_close_matches(name, names(axis), n=1, cutoff=0.5)
    hint = f"Did you mean '{near[0]}'?" if near else f"Known: {', '.join(names(axis))}."
    raise UnknownName(f"No {axis} is called '{name}'. {hint}")


def concealments_on(vector: str) -> tuple[str, ...]:
    """The concealments that occur on one vector."""
    return tuple(term.name for term in CONCEALMENTS if not term.vectors or vector in term.vectors)
