"""What is smuggled with cargo, in the amounts of cargo: cases, bricks, tusks, blocks of notes, arms in crates.

Each threat comes in shape families. Those of `seen` are drawn for every split, those of `unseen` for the test split alone
and never for `seen`.
"""

from xraybench.simulate.cargo import forms
from xraybench.simulate.cargo.frame import Build, Space, Vec, sag
from xraybench.simulate.dice import Dice
from xraybench.simulate.parts import COARSE, FOLDS, Item

Family = forms.Builder

# cigarettes ---------------------------------------------------------------------------------------------------------


def master_cases(p: Build, dice: Dice, room: Vec) -> None:
    """Master cases of fifty sleeves, in their layers, as they leave the factory."""

    def case(p: Build, dice: Dice, space: Space) -> None:
        forms.packs(p, dice, forms.boxed(p, space), "tobacco", (dice.pick((280.0, 90.0)), 50.0), (1.0, 1.2))

    forms.pile(p, dice, room, (dice.between(450, 620), dice.between(380, 460), dice.between(280, 420)), case, most=6)


def sleeves(p: Build, dice: Dice, room: Vec) -> None:
    """Loose sleeves of ten packs, stacked in plastic."""

    def sleeve(p: Build, dice: Dice, space: Space) -> None:
        p.fill("tobacco", space, fill=dice.between(0.95, 1.2))

    forms.pile(p, dice, room, (285.0, 47.0, 88.0), sleeve, most=36, gap=2.0)


def tobacco_bales(p: Build, dice: Dice, room: Vec) -> None:
    """Sleeves without cartons pressed into round bales of black film."""

    def bale(p: Build, dice: Dice, space: Space) -> None:
        skin = sag(p, "polyethylene", space, bulge=1.4, fill=0.5)
        inner = space.trimmed(6.0)
        sag(p, "tobacco", inner, bulge=1.4, fill=dice.between(1.0, 1.3), texture=(COARSE, 0.15), inside=skin)

    forms.pile(p, dice, room, (dice.between(500, 800), dice.between(350, 520), dice.between(400, 600)), bale, most=5)


def tall_cartons(p: Build, dice: Dice, room: Vec) -> None:
    """Plain tall cartons with packs standing on end around a core of paper."""

    def case(p: Build, dice: Dice, space: Space) -> None:
        inner = forms.boxed(p, space)
        third = inner.size[0] / 3
        for i in (0, 2):
            part = inner.along(inner.low[0] + i * third + 2, inner.low[0] + (i + 1) * third - 2)
            forms.packs(p, dice, part, "tobacco", (24.0, 90.0), (1.0, 1.2))
        p.fill("paper", inner.along(inner.low[0] + third + 2, inner.low[0] + 2 * third - 2), fill=0.6, inside=-1)

    forms.pile(p, dice, room, (dice.between(300, 400), dice.between(550, 750), dice.between(300, 420)), case, most=6)


# spirits ------------------------------------------------------------------------------------------------------------


def bottle_cartons(p: Build, dice: Dice, room: Vec) -> None:
    """Cartons of six or twelve bottles with dividers."""
    forms.bottle_cases(p, dice, room, "glass", "spirits")


def canisters(p: Build, dice: Dice, room: Vec) -> None:
    """Plastic canisters of five to thirty litres, with a handle and a cap."""
    forms.canister_rows(p, dice, room, "spirits")


def bladders(p: Build, dice: Dice, room: Vec) -> None:
    """Soft bladders of spirits in frames, sagging under their own weight."""

    def bladder(p: Build, dice: Dice, space: Space) -> None:
        sag(p, "spirits", space, bulge=1.25, fill=dice.between(0.9, 1.0))
        for x in (space.low[0] - 3, space.high[0]):
            p.block("polyethylene", (x, space.low[1], space.low[2]), (x + 3, space.high[1] * 0.98, space.high[2]))

    forms.pile(p, dice, room, (dice.between(500, 900), dice.between(160, 320), dice.between(400, 700)), bladder, most=5)


def kegs(p: Build, dice: Dice, room: Vec) -> None:
    """Small kegs of steel lying on their side."""

    def keg(p: Build, dice: Dice, space: Space) -> None:
        shell = p.round("stainless", space, "z")
        p.round("spirits", space.trimmed(3.0), "z", inside=shell)
        for z in (space.low[2], space.high[2] - 20):
            hoop = p.round(
                "stainless",
                Space((space.low[0] - 4, space.low[1] - 4, z), (space.high[0] + 4, space.high[1] + 4, z + 20)),
                "z",
                fill=0.5,
            )
            p.round("", space.deep(z, z + 20), "z", inside=hoop)

    d = dice.between(180.0, 330.0)
    forms.pile(p, dice, room, (d, d, dice.between(300, 420)), keg, most=8, gap=10.0)


# powders ------------------------------------------------------------------------------------------------------------

_POWDERS = ("cocaine_hcl", "cocaine_hcl", "cocaine_hcl", "heroin_cut", "meth_hcl", "ketamine_hcl")


def brick_stack(p: Build, dice: Dice, room: Vec) -> None:
    """Pressed bricks of a kilogram, stacked, some in a carton."""
    forms.bricks(p, dice, room, dice.pick(_POWDERS))


def duffel_bags(p: Build, dice: Dice, room: Vec) -> None:
    """Sports bags full of bricks."""
    forms.duffels(p, dice, room, dice.pick(_POWDERS))


def powder_tins(p: Build, dice: Dice, room: Vec) -> None:
    """Tins filled with powder instead of food."""
    forms.tins(p, dice, room, dice.pick(_POWDERS), 1.1)


def powder_sacks(p: Build, dice: Dice, room: Vec) -> None:
    """Loose powder in sacks of twenty kilograms."""
    forms.soft_sacks(p, dice, room, dice.pick(_POWDERS), (0.7, 0.95))


# ivory --------------------------------------------------------------------------------------------------------------


def tusks(p: Build, dice: Dice, room: Vec) -> None:
    """Whole tusks in a bundle: curved, tapering, hollow at the root."""
    forms.curved_rods(p, dice, room, "ivory", hollow=True, thick=dice.between(0.07, 0.11))


def cut_pieces(p: Build, dice: Dice, room: Vec) -> None:
    """Tusks sawn into pieces, in a wooden crate or loose."""
    forms.round_pieces(p, dice, room, "ivory")


def carvings(p: Build, dice: Dice, room: Vec) -> None:
    """Carved figures on plinths, wrapped one by one."""
    forms.figures(p, dice, room, "ivory")


def seal_blocks(p: Build, dice: Dice, room: Vec) -> None:
    """Small square blanks for seals and sticks, laid in tight layers crosswise."""
    forms.sticks(p, dice, room, "ivory")


# currency -----------------------------------------------------------------------------------------------------------


def note_blocks(p: Build, dice: Dice, room: Vec) -> None:
    """Shrink-wrapped blocks of ten bundles."""
    forms.note_stacks(p, dice, room, "banknote", (0.95, 1.08))


def cash_bags(p: Build, dice: Dice, room: Vec) -> None:
    """Bundles thrown into bags."""

    def bag(p: Build, dice: Dice, space: Space) -> None:
        skin = sag(p, "polyester_cloth", space, bulge=1.35, fill=0.25, texture=(FOLDS, 0.2))
        inner = space.trimmed(0.12 * min(space.size[0], space.size[1]))
        for _ in range(9):
            w, h = min(150.0, 0.5 * inner.size[0]), min(46.0, 0.3 * inner.size[1])
            part = inner.part(dice, (w, h, 0.6 * inner.size[2]))
            p.fill("banknote", part, fill=0.45, inside=-1)
        assert skin >= 0

    forms.pile(
        p, dice, room, (dice.between(380, 560), dice.between(220, 320), dice.between(240, 340)), bag, most=4, gap=10.0
    )


def note_tubes(p: Build, dice: Dice, room: Vec) -> None:
    """Notes rolled tight in plastic tubes."""
    forms.tubes(p, dice, room, "banknote", 0.9)


def note_panels(p: Build, dice: Dice, room: Vec) -> None:
    """Notes laid out flat in thin panels between film."""

    def panel(p: Build, dice: Dice, space: Space) -> None:
        n = max(1, min(5, int(space.size[0] // 150.0)))
        step = space.size[0] / n
        for i in range(n):
            x = space.low[0] + i * step
            p.block(
                "banknote", (x + 3, space.low[1], space.low[2]), (x + step - 3, space.high[1], space.high[2]), fill=0.97
            )
        p.block(
            "polyethylene",
            (space.low[0], space.high[1], space.low[2]),
            (space.high[0], space.high[1] + 1, space.high[2]),
        )

    forms.pile(
        p, dice, room, (dice.between(450, 760), dice.between(14, 26), dice.between(140, 330)), panel, most=8, gap=4.0
    )


# firearms -----------------------------------------------------------------------------------------------------------


def _rifle(p: Build, dice: Dice, x: float, y: float, z: float, long: float) -> None:
    """One long gun lying along x: barrel, receiver, stock, magazine, sight."""
    deep = 34.0
    barrel = p.rod("steel", (x + 0.70 * long, y + 14, z), 21.0, 0.58 * long, axis="x")
    p.rod("", (x + 0.70 * long, y + 14, z), 8.0, 0.58 * long, axis="x", inside=barrel)
    p.block("steel", (x + 0.30 * long, y - 20, z - deep / 2), (x + 0.50 * long, y + 26, z + deep / 2), fill=0.55)
    stock = dice.pick(("hardwood", "polymer_filled"))
    p.prism(
        stock, [(x, y - 78), (x + 0.3 * long, y - 22), (x + 0.3 * long, y + 14), (x, y + 8)], z - deep / 2, z + deep / 2
    )
    p.prism(
        "steel",
        [(x + 0.40 * long, y - 150), (x + 0.47 * long, y - 145), (x + 0.45 * long, y - 21), (x + 0.39 * long, y - 21)],
        z - 12,
        z + 12,
        fill=0.5,
    )
    p.prism(
        stock,
        [(x + 0.31 * long, y - 105), (x + 0.35 * long, y - 105), (x + 0.375 * long, y - 21), (x + 0.33 * long, y - 21)],
        z - 14,
        z + 14,
    )
    p.block(stock, (x + 0.5 * long, y - 20, z - deep / 2), (x + 0.72 * long, y + 2, z + deep / 2), fill=0.9)
    p.block("steel", (x + 0.92 * long, y + 25, z - 4), (x + 0.94 * long, y + 46, z + 4))


def rifles(p: Build, dice: Dice, room: Vec) -> None:
    """Long guns side by side and head to tail, in a crate where there is room."""
    long = min(room[0] - 24.0, dice.between(750.0, 1050.0))
    n = max(1, min(4, int(room[1] // 190.0)))
    if min(room[1], room[2]) > 230.0:
        box = p.block("wood", (0.0, 0.0, 0.0), (long + 24, min(n * 190.0 + 24, room[1]), min(room[2], 320.0)))
        p.block(
            "", (12.0, 12.0, 12.0), (long + 12, min(n * 190.0 + 12, room[1] - 12), min(room[2], 320.0) - 12), inside=box
        )
    for k in range(n):
        _rifle(p, dice, 12.0, 172.0 + 180.0 * k, min(room[2] / 2, 150.0) + dice.between(-30, 30), long)


def pistol_trays(p: Build, dice: Dice, room: Vec) -> None:
    """Pistols laid in trays of foam."""

    def tray(p: Build, dice: Dice, space: Space) -> None:
        n = max(1, min(4, int(space.size[0] // 215.0)))
        step = space.size[0] / n
        p.fill("foam", space, inside=-1)
        row = len(p) - 1
        deep = min(space.size[2] - 8, 28.0 * max(1, int(space.size[2] // 45.0)))
        za = space.middle[2] - deep / 2
        k = min(1.0, step / 205.0, space.size[1] / 150.0)
        for i in range(n):
            x, y = space.low[0] + i * step + 6, space.high[1] - 8
            slide = p.block("steel", (x, y - 30 * k, za), (x + 185 * k, y, za + deep), inside=row)
            p.block("", (x + 60 * k, y - 22 * k, za), (x + 180 * k, y - 8 * k, za + deep), inside=slide)
            grip = [
                (x - 0 * k, y - 130 * k),
                (x + 46 * k, y - 130 * k),
                (x + 66 * k, y - 31 * k),
                (x + 14 * k, y - 31 * k),
            ]
            p.prism("polymer_filled", grip, za, za + deep, inside=row)
            p.block(
                "steel",
                (x + 70 * k, y - 62 * k, za + 4),
                (x + 110 * k, y - 52 * k, za + deep - 4),
                fill=0.5,
                inside=row,
            )

    forms.pile(p, dice, room, (dice.between(420, 640), 150.0, dice.between(120, 240)), tray, most=5, gap=6.0)


def barrels(p: Build, dice: Dice, room: Vec) -> None:
    """Barrels alone, in a bundle, oiled and wrapped."""
    forms.bored_rods(p, dice, room, 12.6)


def receivers(p: Build, dice: Dice, room: Vec) -> None:
    """Receivers and bolts loose in boxes among rags."""

    def box(p: Build, dice: Dice, space: Space) -> None:
        inner = forms.boxed(p, space)
        row = p.fill("cotton", inner, fill=0.35, texture=(FOLDS, 0.2), inside=-1)
        for _ in range(4):
            part = inner.part(
                dice, (min(210.0, 0.6 * inner.size[0]), min(52.0, 0.25 * inner.size[1]), min(90.0, 0.6 * inner.size[2]))
            )
            p.block("steel", part.low, part.high, fill=0.16)
        assert row > 0

    forms.pile(p, dice, room, (dice.between(320, 460), dice.between(200, 300), dice.between(220, 320)), box, most=5)


FAMILIES: dict[str, dict[str, tuple[Family, ...]]] = {
    "cigarettes": {"seen": (master_cases, sleeves), "unseen": (tobacco_bales, tall_cartons)},
    "alcohol": {"seen": (bottle_cartons, canisters), "unseen": (bladders, kegs)},
    "powder_drugs": {"seen": (brick_stack, duffel_bags), "unseen": (powder_tins, powder_sacks)},
    "ivory": {"seen": (tusks, cut_pieces), "unseen": (carvings, seal_blocks)},
    "currency": {"seen": (note_blocks, cash_bags), "unseen": (note_tubes, note_panels)},
    "firearm": {"seen": (rifles, pistol_trays), "unseen": (barrels, receivers)},
}


def family(threat: str, shapes: str, dice: Dice) -> str:
    """The name of one shape family of a threat."""
    return dice.pick(FAMILIES[threat][shapes]).__name__


def build(kind: str, dice: Dice, room: Vec) -> Item:
    """A threat of this family, never larger than the room."""
    return forms.built(_BY_NAME[kind], dice, room, on_end=_BY_NAME[kind] in _LONG)


_LONG = (tusks, rifles, barrels, note_tubes, seal_blocks)
_BY_NAME = {
    family.__name__: family for shapes in FAMILIES.values() for families in shapes.values() for family in families
}
