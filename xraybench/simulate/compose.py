"""One whole item: package, goods, and a slot that holds a threat or the like.

The rule against shortcuts: every item has a slot, a box whose size, place and cover come from streams of chance that know
nothing of the label. A threat is built into the box, or a benign thing about as large as such a threat would be. So the
benign twin of a threat item (same seed, name and concealment, no threat) differs in the content of that box and in nothing
else, and is what a measure of concealment compares with.
"""

import math
from collections.abc import Callable

import numpy as np

from xraybench.core import chance, vocabulary
from xraybench.core.errors import BadValue
from xraybench.simulate.dice import Dice
from xraybench.simulate.items import goods, hiding, threats
from xraybench.simulate.packing import (
    LIFT_MM,
    Package,
    Pile,
    choose_package,
    cloth_sheet,
    filler,
    soft_fill,
    void_fill,
    wrap,
)
from xraybench.simulate.parts import Item, claiming, placed, scaled, yaw
from xraybench.simulate.scene import Scene, SceneObject, join

_USUAL = {  # the threats of the standard tasks; decoys are as large as these would be
    "mail": ("firearm", "blade", "powder_drugs", "currency", "shielding"),
    "parcel": ("firearm", "blade", "powder_drugs", "currency", "shielding"),
    "baggage": ("firearm", "ammunition", "blade", "explosive", "pills", "shielding"),
}
_EVERY = tuple(name for name in threats.FAMILIES if name != "shielding")

THREATS_OF: dict[str, tuple[str, ...]] = {  # what can be made on each vector
    "mail": (*(name for name in _EVERY if name != "alcohol"), "shielding"),  # no bottle fits a letter
    "parcel": (*_EVERY, "shielding"),
    "baggage": (*_EVERY, "shielding"),
    "pallet": ("cigarettes", "alcohol", "powder_drugs", "ivory"),
    "container": ("cigarettes", "alcohol", "powder_drugs", "ivory", "empty_verification", "manifest_mismatch"),
    "vehicle": ("cigarettes", "currency", "powder_drugs", "firearm"),
}
CONCEALMENTS_OF: dict[str, tuple[str, ...]] = {
    "mail": ("undeclared", "in_layers", "in_article", "masked"),
    "parcel": ("undeclared", "in_layers", "in_article", "masked", "in_load"),
    "baggage": ("undeclared", "in_article", "false_bottom", "masked"),
    "pallet": ("undeclared", "in_load", "masked"),
    "container": ("undeclared", "in_load", "in_structure", "in_reefer_unit", "rip_on_off", "masked"),
    "vehicle": ("undeclared", "in_vehicle", "masked"),
}
VECTORS = tuple(THREATS_OF)
_CARGO = ("pallet", "container", "vehicle")

_SLOT_MM = {  # sizes of the slot, before the package cuts them: along, across, thick; and the least that is used
    "mail": ((100, 210), (78, 150), (21, 50), 18.0),
    "parcel": ((115, 240), (80, 170), (24, 70), 22.0),
    "baggage": ((130, 300), (90, 200), (26, 82), 24.0),
}
_FLOOR_MM = {"mail": LIFT_MM, "parcel": LIFT_MM, "baggage": 50.0}  # height of the content's floor over the belt
_OPEN = 0.72  # most of each side that a slot in the open may take, so that goods lie beside it
HARD_DECOYS = 0.15  # share of benign items whose slot holds what is mistaken for a threat
EMPTY_SLOTS = 0.03  # share of benign items whose slot holds next to nothing

_MOST_GROWTH = 1.3  # by which a decoy may be made larger to be of the size of a threat

Stream = Callable[..., Dice]
Size = tuple[float, float, float]


def make_scene(
    vector: str,
    *,
    seed: int,
    name: str,
    threat: str | None = None,
    concealment: str | None = None,
    shapes: str = "seen",
    declared: str = "",
) -> Scene:
    """One item to be scanned, the same for the same arguments on every machine.

    Args:
        vector: One of `VECTORS`.
        seed: Seed of the whole corpus.
        name: Name of this item; its own streams of chance hang on it.
        threat: What to hide; None for a benign item.
        concealment: How to hide it; None draws one, all alike. A benign item's decoy is hidden just so.
        shapes: `unseen` draws the threat from shape families that `seen` never draws.
        declared: HS chapter or `empty` on the manifest of a cargo item; "" where nothing is declared.

    Raises:
        BadValue: For a vector, threat, concealment, shapes or declaration that the simulator has no items for.
        UnknownName: For a word that is not of the vocabulary, with its nearest.
    """
    _check("vector", vector, VECTORS)
    if threat is not None:
        _check("threat", threat, THREATS_OF[vector], vector)
    if concealment is not None:
        _check("concealment", concealment, CONCEALMENTS_OF[vector], vector)
    if shapes not in vocabulary.SHAPES:
        raise BadValue(f"shapes is '{shapes}'; it is one of: {', '.join(vocabulary.SHAPES)}.")
    if vector in _CARGO:
        from xraybench.simulate import cargo  # not needed for a letter

        return cargo.make_scene(
            vector, seed=seed, name=name, threat=threat, concealment=concealment, shapes=shapes, declared=declared
        )
    if declared:
        raise BadValue(f"declared is '{declared}', but nothing is declared of {vector}: leave it empty.")

    def stream(*names: str | int) -> Dice:
        return Dice(chance.stream(seed, "scene", vector, name, *names))

    return _packed(name, vector, threat, concealment, shapes, stream)


def _check(axis: str, name: str, made: tuple[str, ...], vector: str = "") -> None:
    if name not in made:
        vocabulary.term(axis, name)  # an unknown word gets its nearest
        where = f" in {vector}" if vector else ""
        raise BadValue(f"The simulator makes no {axis} '{name}'{where}. It makes: {', '.join(made)}.")


def _packed(name: str, vector: str, threat: str | None, concealment: str | None, shapes: str, stream: Stream) -> Scene:
    package = choose_package(vector, stream("surroundings"))
    cover_dice = stream("cover")
    drawn = cover_dice.pick(CONCEALMENTS_OF[vector])
    staging = concealment or drawn
    size = _slot_size(cover_dice, vector, package, staging)
    is_odd = threat is not None or stream("odd").chance(HARD_DECOYS)  # an innocent thing may stand among packs too
    if staging == "in_load" and not is_odd:
        content = claiming(hiding.ware(hiding.ware_of(size), size), size)  # one more of the goods
    else:
        content = _content(stream("slot"), vector, size, threat, shapes, _kinds(package, vector))
    slot = _hidden(cover_dice, content, staging, package)
    pieces, objects = _pack(package, slot, vector, staging, stream)
    where = next(i for i, thing in enumerate(objects) if thing.role == "slot")
    objects[where] = SceneObject(content.kind, "slot", threat or "", shapes if threat else "")
    return _scene(name, vector, threat, staging, package, pieces, objects, stream("turn"))


# the slot and its content -----------------------------------------------------------------------------------------


def _slot_size(dice: Dice, vector: str, package: Package, staging: str) -> Size:
    """The box that a threat or a decoy is built into, drawn before either is known."""
    margin = hiding.MARGIN[staging]
    room = (package.x - margin[0], package.y - margin[1], package.z - margin[2])
    along, across, thick, least = _SLOT_MM[vector]
    share = _OPEN if staging == "undeclared" else 1.0
    if staging == "in_load":  # at least one beside another, and three above each other
        room = (room[0], package.y / 2 - margin[1], package.z / 3 - margin[2])
        thick = (math.ceil(least), thick[1])
    x = min(dice.between(*along), room[0] * share)
    y = min(dice.between(*across), room[1] * share, x)
    if staging == "false_bottom":
        thick = (thick[0], round(0.72 * thick[1]))
    return x, y, min(max(dice.between(*thick), least), room[2])


def _content(dice: Dice, vector: str, size: Size, threat: str | None, shapes: str, anything: tuple[str, ...]) -> Item:
    """The threat, or a decoy about as large as the threat that would have stood there, with a claim on the whole slot."""
    drawn = dice.pick(_USUAL[vector])
    if threat is not None:
        return _settled(dice, threats.build(threat, dice, size, shapes), size)
    real = threats.build(drawn, dice, size)
    if dice.chance(EMPTY_SLOTS):
        return _settled(dice, goods.slip(dice, real.size), size)
    room = tuple(
        min(max(side * dice.between(0.97, 1.15), least), most)
        for side, least, most in zip(real.size, (60.0, 34.0, 7.0), size, strict=True)
    )
    kinds = goods.DECOYS[drawn] if dice.chance(HARD_DECOYS) else anything
    return _settled(dice, _decoy(dice, kinds, (room[0], room[1], room[2])), size)


def _settled(dice: Dice, item: Item, size: Size) -> Item:
    """The item somewhere in the box, turned round by chance, with a claim on the box."""
    spare = (max(size[0] - item.size[0], 0.0), max(size[1] - item.size[1], 0.0))
    at = (dice.between(-0.5, 0.5) * spare[0], dice.between(-0.5, 0.5) * spare[1], 0.0)
    return claiming(placed(item, turn=yaw(dice.pick((0.0, math.pi))), at=at), size)


def _decoy(dice: Dice, kinds: tuple[str, ...], room: Size) -> Item:
    """The first of a few that fills the room's outline well, else the one that fills it best, a little larger if need be."""
    best, best_share = None, 0.0
    for _ in range(5):
        item = goods.GOODS[dice.pick(kinds)](dice, room)
        scale = min(_MOST_GROWTH, *(most / side for most, side in zip(room, item.size, strict=True)))
        share = item.size[0] * item.size[1] * scale * scale / (room[0] * room[1])
        if best is None or share > best_share:
            best, best_share = scaled(item, scale), share
        if share > 0.75:
            break
    assert best is not None
    return best


def _hidden(dice: Dice, content: Item, staging: str, package: Package) -> Item:
    """The content and what hides it: the first of a few that fits the package, else the one that stands out least."""
    best, least = None, math.inf
    room = (package.x, package.y, package.z)
    for _ in range(6):
        slot = hiding.HIDINGS[staging](dice, content, room)
        excess = max(side - most for side, most in zip(slot.size, room, strict=True))
        if excess < least:
            best, least = slot, excess
        if excess <= 0.0:
            break
    assert best is not None
    return best


# the pile ---------------------------------------------------------------------------------------------------------


def _pack(
    package: Package, slot: Item, vector: str, staging: str, stream: Stream
) -> tuple[list[tuple[Item, list[int]]], list[SceneObject]]:
    objects = [SceneObject(package.style, "packaging")]
    pieces: list[tuple[Item, list[int]]] = []
    pile = Pile(package)
    is_bag, dice = vector == "baggage", stream("place")

    def add(item: Item, role: str) -> None:
        objects.append(SceneObject(item.kind, role))
        pieces.append((item, [len(objects) - 1]))

    def add_slot(laid: Item) -> None:
        objects.extend([SceneObject("cover", "cover"), SceneObject("", "slot")])
        pieces.append((laid, [len(objects) - 2, len(objects) - 1]))

    is_open = staging == "undeclared"  # in the open: laid first, and what is put beside it keeps off
    where = 0 if is_open or staging == "in_load" or dice.chance(0.45) else dice.whole(0, package.n_goods)
    if staging == "false_bottom":
        where = -1
        add_slot(_in_the_shell(pile, slot))
    most = package.z
    if is_bag:
        thick, lid = dice.between(14.0, 40.0), dice.between(14.0, 40.0)
        most = package.z - lid  # goods leave room for what lies under the lid
        pile.ceiling = most
        if pile.top == 0.0:
            add(cloth_sheet(package, dice, thick, 0.0), "goods")
            pile.cover(thick)
    if where > 0:
        pile.ceiling = max(most - slot.size[2], 0.0)  # what lies under the slot leaves room for it
    for i in range(package.n_goods + 1):
        if i == where:
            pile.ceiling = most
            laid = pile.put(dice, slot, must=True, anywhere=0.1, in_the_open=is_open)
            assert laid is not None
            add_slot(laid)
        if i < package.n_goods and (good := _put_good(pile, stream("good", i), vector)) is not None:
            add(good, "goods")
    if is_bag:
        pile.reopen(slot.size[2] + 30.0)
        for item in _wads(pile, stream("wads")):
            add(item, "goods")
        pile.top = max(pile.top, most)  # clothing up to what lies under the lid
        for item in soft_fill(pile, stream("fill")):
            add(item, "goods")
        thick = package.z - pile.top
        if thick > 6.0:
            add(cloth_sheet(package, dice, thick, pile.top), "goods")
            pile.cover(pile.top + thick)
    elif package.style == "carton":
        if (fill := void_fill(pile, stream("fill"))) is not None:
            add(fill, "packaging")
    elif package.style != "envelope":
        for item in _fillings(pile, dice):
            pieces.append((item, [0]))
    pieces.append((wrap(package, pile.top, stream("wrap")), [0]))
    return pieces, objects


def _in_the_shell(pile: Pile, slot: Item) -> Item:
    """A false floor or side wall fixed in an empty bag; goods are packed over or beside it."""
    package = pile.package
    if slot.size[1] > 0.8 * package.y:
        return pile.fix(slot, (0.0, 0.0))
    return pile.fix(slot, (0.0, (slot.size[1] - package.y) / 2), up_to=math.inf)


def _fillings(pile: Pile, dice: Dice) -> list[Item]:
    """Crumpled paper and the like where there is room for it."""
    package, found = pile.package, []
    for _ in range(dice.pick((0, 1, 2, 3, 4)) if package.style == "carton" else dice.pick((0, 0, 1))):
        size = (
            package.x * dice.between(0.25, 0.5),
            package.y * dice.between(0.3, 0.6),
            package.z * dice.between(0.2, 0.5),
        )
        laid = pile.put(dice, filler(package.style, dice, size), must=False, anywhere=0.0)
        if laid is not None:
            found.append(laid)
    return found


_SHARES = {"mail": (0.25, 0.95), "parcel": (0.22, 0.8), "baggage": (0.16, 0.5)}
_LEAST_MM = {"mail": 6.0, "parcel": 12.0, "baggage": 18.0}


def _put_good(pile: Pile, dice: Dice, vector: str) -> Item | None:
    """One of the goods in the pile, made for the lowest place there is; None where that is too low for anything."""
    package = pile.package
    hole = pile.hole(dice, _SHARES[vector])
    x, y, _, free = hole[2:]
    if free < _LEAST_MM[vector]:
        return None
    room = (max(x, y), min(x, y), min(free, package.z * dice.between(0.3, 0.7)))
    return pile.put_into(dice, goods.build(dice.pick(_kinds(package, vector)), dice, room), hole)


def _wads(pile: Pile, dice: Dice) -> list[Item]:
    """Socks, rolled shirts and the like, pressed into whatever room is left in a bag."""
    found = []
    for _ in range(dice.whole(5, 9)):
        hole = pile.hole(dice, (0.2, 0.5))
        x, y, _, free = hole[2:]
        if free < 30.0:
            break
        kind = dice.pick(("socks", "rolled_clothes", "folded_clothes", "rolled_clothes"))
        item = goods.build(kind, dice, (max(x, y), min(x, y), min(free, dice.between(60, 130))))
        found.append(pile.put_into(dice, item, hole))
    return found


def _kinds(package: Package, vector: str) -> tuple[str, ...]:
    if vector == "baggage":
        return goods.IN_BAGS
    if package.style == "envelope":
        return goods.IN_ENVELOPES
    return goods.IN_MAIL if vector == "mail" else goods.IN_PARCELS


def _scene(
    name: str,
    vector: str,
    threat: str | None,
    staging: str,
    package: Package,
    pieces: list[tuple[Item, list[int]]],
    objects: list[SceneObject],
    dice: Dice,
) -> Scene:
    """Join the pieces, turn the package a little on the belt, round."""
    turn = np.array(yaw(package.turn + dice.pick((0.0, math.pi)))).reshape(3, 3)
    at = (dice.between(-6, 6), dice.between(-6, 6), _FLOOR_MM[vector])
    ints, reals, planes = join(pieces, turn=turn, at=at)
    offsets = [(dice.whole(0, 511), dice.whole(0, 511)) for _ in objects]
    texture_at = np.array(offsets, dtype=np.int64)[ints[:, 4]]
    return Scene(
        name=name,
        vector=vector,
        threat=threat or "",
        concealment=staging if threat else "",
        staging=staging,
        objects=tuple(objects),
        ints=ints,
        reals=reals,
        planes=planes,
        texture_at=texture_at,
    )
