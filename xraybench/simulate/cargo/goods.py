"""Innocent things in the amounts of cargo: what stands in a slot that holds no threat, and what lies in empty containers."""

from xraybench.simulate.cargo import forms
from xraybench.simulate.cargo.frame import Build, Space, Vec, sag
from xraybench.simulate.dice import Dice
from xraybench.simulate.parts import COARSE, FOLDS, GRAIN, Item


def tool_bag(p: Build, dice: Dice, room: Vec) -> None:
    """A bag of tools: spanners, bars, a hammer."""
    size = (
        min(room[0], dice.between(380, 650)),
        min(room[1], dice.between(180, 320)),
        min(room[2], dice.between(200, 400)),
    )
    skin = sag(p, "polyester_cloth", forms.whole(size), bulge=1.3, fill=0.4, texture=(FOLDS, 0.2))
    for _ in range(7):
        y, z = dice.between(0.2, 0.65) * size[1], dice.between(0.3, 0.7) * size[2]
        d = min(dice.between(10, 30), 0.12 * size[1])
        p.wire(
            "steel",
            (0.14 * size[0], y, z),
            (dice.between(0.55, 0.84) * size[0], y + dice.between(-0.1, 0.14) * size[1], z),
            d,
        )
    assert skin >= 0


def foam_blocks(p: Build, dice: Dice, room: Vec) -> None:
    """Blocks of packing or insulating foam, and mats."""

    def block(p: Build, dice: Dice, space: Space) -> None:
        p.fill("foam", space, fill=dice.between(1.0, 2.2), texture=(COARSE, 0.1))

    forms.pile(p, dice, room, (dice.between(300, 600), dice.between(100, 260), dice.between(200, 500)), block, most=8)


def spare_parts(p: Build, dice: Dice, room: Vec) -> None:
    """Boxes of spare parts: flanges, filters, bearings."""

    def box(p: Build, dice: Dice, space: Space) -> None:
        inner = forms.boxed(p, space)
        for _ in range(3):
            d = dice.between(0.35, 0.7) * min(inner.size[0], inner.size[1])
            part = inner.part(dice, (d, d, 0.6 * inner.size[2]))
            row = p.round(dice.pick(("steel", "aluminium", "cast_iron")), part, "z", fill=0.3)
            assert row >= 0

    forms.pile(p, dice, room, (dice.between(240, 420), dice.between(180, 300), dice.between(200, 340)), box, most=8)


def dunnage(p: Build, dice: Dice, room: Vec) -> None:
    """Boards and squared timber, stacked."""

    def board(p: Build, dice: Dice, space: Space) -> None:
        p.fill("wood", space, fill=dice.between(0.85, 1.2))

    tall = dice.between(30.0, 95.0)
    forms.pile(p, dice, room, (dice.between(500, 1100), tall, dice.between(80, 160)), board, most=10, gap=6.0)


def moisture_bags(p: Build, dice: Dice, room: Vec) -> None:
    """Bags of salt against moisture, and empty sacks."""
    forms.soft_sacks(p, dice, room, "salt", (0.35, 0.6))


def garment_cartons(p: Build, dice: Dice, room: Vec) -> None:
    """Cartons of garments or cloth."""
    forms.filled_cartons(p, dice, room, "cotton", (0.5, 1.0), (FOLDS, 0.12))


def tea_cartons(p: Build, dice: Dice, room: Vec) -> None:
    """Cartons of packed dry food in small packs."""

    def case(p: Build, dice: Dice, space: Space) -> None:
        forms.packs(
            p, dice, forms.boxed(p, space), "flour", (dice.between(90, 280), dice.between(50, 110)), (0.45, 0.7)
        )

    forms.pile(p, dice, room, (dice.between(380, 600), dice.between(260, 420), dice.between(280, 420)), case, most=6)


def paper_cartons(p: Build, dice: Dice, room: Vec) -> None:
    """Cartons of paper, catalogues or books."""
    forms.filled_cartons(p, dice, room, "paper", (0.8, 1.05), (GRAIN, 0.02))


def food_tins(p: Build, dice: Dice, room: Vec) -> None:
    """Tins of food."""
    forms.tins(p, dice, room, dice.pick(("water", "fruit", "cream")), 1.0)


def water_cases(p: Build, dice: Dice, room: Vec) -> None:
    """Cartons of bottled water or oil."""
    forms.bottle_cases(p, dice, room, dice.pick(("pet", "glass")), dice.pick(("water", "oil")))


def liquid_canisters(p: Build, dice: Dice, room: Vec) -> None:
    """Canisters of cleaner, oil or screen wash."""
    forms.canister_rows(p, dice, room, dice.pick(("water", "oil", "shampoo")))


def food_bricks(p: Build, dice: Dice, room: Vec) -> None:
    """Vacuum packs of coffee, sugar or flour, stacked."""
    forms.bricks(p, dice, room, dice.pick(("sugar", "milk_powder", "flour")))


def food_sacks(p: Build, dice: Dice, room: Vec) -> None:
    """Small sacks of flour, rice or sugar."""
    forms.soft_sacks(p, dice, room, dice.pick(("flour", "rice", "sugar")), (0.9, 1.1))


def holdalls(p: Build, dice: Dice, room: Vec) -> None:
    """Bags of a driver: clothes, food, books."""
    forms.duffels(p, dice, room, dice.pick(("cotton", "paper", "flour")))


def horns_of_wood(p: Build, dice: Dice, room: Vec) -> None:
    """Bent wooden handles, drift wood, plastic bends."""
    forms.curved_rods(
        p,
        dice,
        room,
        dice.pick(("hardwood", "pvc", "polypropylene")),
        hollow=dice.chance(0.5),
        thick=dice.between(0.06, 0.11),
    )


def logs_cut(p: Build, dice: Dice, room: Vec) -> None:
    """Short rounds of wood or nylon stock in a crate."""
    forms.round_pieces(p, dice, room, dice.pick(("hardwood", "nylon")))


def stone_figures(p: Build, dice: Dice, room: Vec) -> None:
    """Figures of plaster, stone or resin."""
    forms.figures(p, dice, room, dice.pick(("marble", "terracotta", "abs")))


def battens(p: Build, dice: Dice, room: Vec) -> None:
    """Small battens in crossed layers."""
    forms.sticks(p, dice, room, dice.pick(("hardwood", "pvc")))


def paper_blocks(p: Build, dice: Dice, room: Vec) -> None:
    """Pads, leaflets and tickets in bundles."""
    forms.note_stacks(p, dice, room, dice.pick(("paper", "coated_paper")), (0.8, 1.05))


def poster_tubes(p: Build, dice: Dice, room: Vec) -> None:
    """Posters and blinds rolled in tubes."""
    forms.tubes(p, dice, room, "paper", 0.7)


def pipe_fittings(p: Build, dice: Dice, room: Vec) -> None:
    """Lengths of thin steel pipe."""
    forms.bored_rods(p, dice, room, 15.4)


GOODS: dict[str, forms.Builder] = {
    build.__name__: build
    for build in (
        tool_bag, foam_blocks, spare_parts, dunnage, moisture_bags, garment_cartons, tea_cartons, paper_cartons, food_tins,
        water_cases, liquid_canisters, food_bricks, food_sacks, holdalls, horns_of_wood, logs_cut, stone_figures, battens,
        paper_blocks, poster_tubes, pipe_fittings,
    )
}  # fmt: skip
IN_STRUCTURE = ("foam_blocks", "spare_parts", "dunnage", "tool_bag", "moisture_bags", "pipe_fittings", "battens")
LIKE: dict[str, tuple[str, ...]] = {  # what is mistaken for each threat
    "cigarettes": ("tea_cartons", "garment_cartons", "food_bricks"),
    "alcohol": ("water_cases", "liquid_canisters", "food_tins"),
    "powder_drugs": ("food_bricks", "food_sacks", "holdalls", "food_tins"),
    "ivory": ("horns_of_wood", "logs_cut", "stone_figures", "battens"),
    "currency": ("paper_blocks", "poster_tubes", "paper_cartons"),
    "firearm": ("pipe_fittings", "tool_bag", "spare_parts"),
}


def build(kind: str, dice: Dice, room: Vec) -> Item:
    """An innocent thing, never larger than the room."""
    return forms.built(GOODS[kind], dice, room, on_end=GOODS[kind] in _LONG)


_LONG = (horns_of_wood, pipe_fittings, poster_tubes, dunnage, battens)
