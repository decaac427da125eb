"""What must be found, threat by threat, in families of shapes; some families are kept for test items alone.

A family is a way a threat may look. The `unseen` ones are drawn only where they are asked for, so that a board can print
what a model finds of shapes it never met. They are of the same sizes and densities as the seen ones: only form is new.
"""

from collections.abc import Callable

from xraybench.simulate.dice import Dice
from xraybench.simulate.items import arms, contraband
from xraybench.simulate.parts import Item, shrunk

Room = tuple[float, float, float]
Builder = Callable[[Dice, Room], Item]

# threat: (families drawn with `seen`, families drawn with `unseen`); one named more often is drawn more often
FAMILIES: dict[str, tuple[tuple[Builder, ...], tuple[Builder, ...]]] = {
    "firearm": (
        (*(arms.pistol,) * 4, *(arms.revolver,) * 3, *(arms.pistol_parts,) * 2, arms.machine_pistol),
        (arms.two_barrelled, arms.home_made_gun, arms.long_gun_parts),
    ),
    "ammunition": (
        (arms.loose_rounds, arms.boxed_rounds, arms.loaded_magazine),
        (arms.belted_rounds, arms.shotshells),
    ),
    "blade": (
        (*(arms.fixed_knife,) * 6, *(arms.folding_knife,) * 3, *(arms.box_cutter,) * 2, arms.razor_pack),
        (arms.dagger, arms.curved_knife, arms.cleaver, arms.throwing_star),
    ),
    "explosive": (
        (arms.explosive_block, arms.explosive_sheet, arms.pipe_charge),
        (arms.stick_bundle, arms.canned_charge),
    ),
    "powder_drugs": (
        (*(contraband.drug_brick,) * 4, *(contraband.drug_bag,) * 4, contraband.drug_sachets, contraband.drug_capsules),
        (contraband.drug_rolls, contraband.drug_discs),
    ),
    "pills": (
        (contraband.loose_pills, contraband.pill_blisters, contraband.pill_bottle),
        (contraband.pill_tubes, contraband.pill_tray),
    ),
    "cigarettes": (
        (contraband.cigarette_packs, contraband.cigarette_carton, contraband.loose_cigarettes),
        (contraband.cigars, contraband.rolling_tobacco),
    ),
    "alcohol": (
        (contraband.round_bottle, contraband.square_bottle),
        (contraband.flask, contraband.decanter),
    ),
    "currency": (
        (*(contraband.note_bundles,) * 8, contraband.note_rolls, contraband.note_fan),
        (contraband.note_block, contraband.note_wads),
    ),
    "ivory": (
        (contraband.tusk_piece, contraband.ivory_carving, contraband.ivory_bangles),
        (contraband.ivory_blanks, contraband.ivory_plaques),
    ),
    "counterfeit": (
        (contraband.watches, contraband.handbag_hardware, contraband.branded_glasses),
        (contraband.perfumes, contraband.belts),
    ),
    "heritage_object": (
        (contraband.statuette, contraband.old_coins),
        (contraband.clay_tablet, contraband.old_vessel, contraband.icon_panel),
    ),
    "shielding": (
        (contraband.shield_box, contraband.shield_wrap),
        (contraband.shield_pipe, contraband.shield_bricks),
    ),
}


def families(threat: str, shapes: str) -> tuple[Builder, ...]:
    """The builders of one threat with these shapes, `seen` or `unseen`."""
    return FAMILIES[threat][0 if shapes == "seen" else 1]


def build(threat: str, dice: Dice, room: Room, shapes: str = "seen") -> Item:
    """One threat, never larger than the room."""
    return shrunk(dice.pick(families(threat, shapes))(dice, room), room)
