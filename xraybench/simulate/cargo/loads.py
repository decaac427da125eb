"""What cargo consists of, by HS chapter: each in a few packings, as a bay of a container or one pallet holds them.

Many chapters share a mean density: they are told apart by edges, gaps, rounds and layers, not by one grey value.
"""

from dataclasses import dataclass

from xraybench.core.errors import BadValue
from xraybench.simulate.cargo import made
from xraybench.simulate.cargo.rounds import coils, drums, film_rolls, ibcs, pipes, rolls, tyres
from xraybench.simulate.cargo.solids import bottles, cans, ingots, logs, reams, tiles, timber
from xraybench.simulate.cargo.stacks import (
    Look,
    Pattern,
    bales,
    bananas,
    big_bags,
    cartons,
    crated,
    floor_cartons,
    floor_sacks,
    liner,
    on_pallets,
    sacks,
    slabs,
)
from xraybench.simulate.dice import Dice
from xraybench.simulate.parts import COARSE, FOLDS


@dataclass(frozen=True, slots=True)
class Chapter:
    """One HS chapter as a load.

    Attributes:
        title: What is in it.
        packings: Patterns for a bay of a container; one is drawn for the whole load.
        on_pallet: Patterns for the goods on one pallet; empty where such goods do not come on pallets.
        reefer: Whether it travels chilled.
        deep_mm: How deep such goods stand on one pallet: dense ones in one row, which a tube of 300 kV still looks through.
    """

    title: str
    packings: tuple[Pattern, ...]
    on_pallet: tuple[Pattern, ...] = ()
    reefer: bool = False
    deep_mm: float = 1000.0


_GARMENTS: Look = {"size": ((380.0, 280.0, 350.0), (620.0, 460.0, 600.0)), "texture": (FOLDS, 0.035)}
_SHOES: Look = {"size": ((260.0, 330.0, 400.0), (340.0, 420.0, 600.0)), "texture": (COARSE, 0.035), "board": 0.12}
_SMALL_SACK, _FLAT_SACK = (560.0, 130.0), (480.0, 110.0)
_GRANULATE = ("plastic_granulate", (0.98, 1.08))

CHAPTERS: dict[str, Chapter] = {
    "02": Chapter(
        "frozen meat",
        (
            slabs("meat", (0.95, 1.1), (600.0, 160.0, 400.0)),
            on_pallets(slabs("meat", (0.95, 1.1), (580.0, 150.0, 390.0))),
        ),
        (slabs("meat", (0.95, 1.1), (390.0, 150.0, 390.0)),),
        reefer=True,
        deep_mm=400.0,
    ),
    "08": Chapter(
        "bananas", (on_pallets(bananas, most_mm=(2000.0, 2150.0), film=0.0),), (bananas,), reefer=True, deep_mm=460.0
    ),
    "09": Chapter(
        "coffee in sacks",
        (
            floor_sacks("coffee_beans", (0.95, 1.08), tall=(0.75, 0.95)),
            on_pallets(sacks("coffee_beans", (0.95, 1.08)), most_mm=(1100.0, 1900.0)),
        ),
        (sacks("coffee_beans", (0.95, 1.08), size=(560.0, 160.0)),),
        deep_mm=560.0,
    ),
    "10": Chapter(
        "rice and grain",
        (liner("grain", (0.98, 1.05)), floor_sacks("rice", (0.98, 1.06), tall=(0.45, 0.62))),
        (sacks("rice", (0.98, 1.06), size=_SMALL_SACK),),
        deep_mm=420.0,
    ),
    "17": Chapter(
        "sugar",
        (
            on_pallets(sacks("sugar", (0.95, 1.05), size=_FLAT_SACK), most_mm=(900.0, 1250.0)),
            big_bags("sugar", (0.9, 1.0)),
        ),
        (sacks("sugar", (0.95, 1.05), size=_FLAT_SACK), big_bags("sugar", (0.9, 1.0))),
        deep_mm=400.0,
    ),
    "22": Chapter(
        "beverages",
        (
            on_pallets(bottles, most_mm=(1200.0, 1600.0), abreast=1),
            on_pallets(cans, most_mm=(1100.0, 1500.0), abreast=1),
        ),
        (bottles, cans),
        deep_mm=420.0,
    ),
    "38": Chapter(
        "chemicals in drums and tanks",
        (drums("water", 0.95), ibcs("water", 1.0), drums("oil", 1.0, shell="polyethylene")),
        (drums("water", 0.95), ibcs("water", 1.0)),
        deep_mm=600.0,
    ),
    "39": Chapter(
        "plastics",
        (
            on_pallets(sacks(*_GRANULATE, size=_SMALL_SACK), most_mm=(1400.0, 2000.0)),
            on_pallets(film_rolls),
            big_bags(*_GRANULATE),
        ),
        (sacks(*_GRANULATE, size=_SMALL_SACK), film_rolls),
        deep_mm=600.0,
    ),
    "40": Chapter("tyres", (tyres,)),
    "44": Chapter("timber", (timber, timber, logs), (timber,), deep_mm=480.0),
    "48": Chapter(
        "paper",
        (rolls("paper_roll", (0.97, 1.08)), on_pallets(reams, most_mm=(1000.0, 1300.0))),
        (reams,),
        deep_mm=420.0,
    ),
    "52": Chapter("cotton", (bales("cotton", (1.3, 1.8)),)),
    "61": Chapter(
        "garments",
        (floor_cartons("cotton", (0.5, 0.85), **_GARMENTS), bales("textile_bale", (0.9, 1.2))),
        (cartons("cotton", (0.5, 0.85), **_GARMENTS),),
    ),
    "64": Chapter(
        "shoes",
        (
            floor_cartons("rubber", (0.15, 0.24), **_SHOES),
            on_pallets(cartons("leather", (0.2, 0.3), **_SHOES)),
        ),
        (cartons("rubber", (0.15, 0.24), **_SHOES),),
    ),
    "69": Chapter("ceramic tiles", (on_pallets(tiles, most_mm=(900.0, 1300.0)),), (tiles,), deep_mm=200.0),
    "72": Chapter("steel coils", (coils,)),
    "73": Chapter("steel pipes and bars", (pipes,)),
    "76": Chapter("aluminium ingots", (ingots,), (ingots,), deep_mm=140.0),
    "84": Chapter(
        "machinery",
        (
            crated(made.engine),
            crated(made.pump),
            crated(made.genset, least=1500.0),
            on_pallets(made.machine_parts, most_mm=(800.0, 1100.0), film=0.2),
        ),
        (made.machine_parts, made.pump, made.engine),
        deep_mm=420.0,
    ),
    "85": Chapter(
        "appliances and electronics",
        (made.fridges, made.washers, floor_cartons("abs", (0.1, 0.2)), made.electronics),
        (made.electronics, made.washers),
    ),
    "87": Chapter("vehicles", (made.cars, made.cars, made.motorcycles)),
    "94": Chapter("furniture", (made.furniture,)),
}
ON_PALLETS = tuple(name for name, chapter in CHAPTERS.items() if chapter.on_pallet)
IN_REEFERS = tuple(name for name, chapter in CHAPTERS.items() if chapter.reefer)


def pattern(chapter: str, dice: Dice, *, single: bool = False) -> Pattern:
    """One packing of a chapter; `single` for the goods of one pallet.

    Raises:
        BadValue: For a chapter that the simulator has no goods of.
    """
    known = ON_PALLETS if single else tuple(CHAPTERS)
    if chapter not in known:
        raise BadValue(f"The simulator has no goods of HS chapter '{chapter}' here. It has: {', '.join(known)}.")
    return dice.pick(CHAPTERS[chapter].on_pallet if single else CHAPTERS[chapter].packings)
