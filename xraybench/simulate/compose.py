"""One whole item: package, goods, and a slot that holds a threat or the like.

The rule against shortcuts: every item has a slot, hidden in one of the four ways. A threat goes into the slot, or a benign
thing of like size does. Package, goods and what hides the slot come from streams that know nothing of the label, so the
benign twin of a threat item (same seed and name) differs in the slot's content alone.
"""

import math
from collections.abc import Callable

import numpy as np

from xraybench.core import chance, vocabulary
from xraybench.core.errors import BadValue
from xraybench.simulate.dice import Dice
from xraybench.simulate.items import goods, hiding, threats
from xraybench.simulate.packing import Package, Pile, choose_package, roomier, wrap
from xraybench.simulate.parts import Item, claiming, shrunk, yaw
from xraybench.simulate.scene import Scene, SceneObject, join

VECTORS = ("mail", "parcel")
THREATS = tuple(threats.BUILDERS)
CONCEALMENTS = tuple(hiding.HIDINGS)
SPARE_MM = 8.0  # by which a package may grow to hold what was chosen for it
LIFT_MM = 6.0  # between belt and content: tray and carton floor

HARD_DECOYS = 0.12  # share of benign items whose slot holds what is mistaken for a threat


def make_scene(
    vector: str, *, seed: int, name: str, threat: str | None = None, concealment: str | None = None
) -> Scene:
    """One item to be scanned, the same for the same arguments on every machine.

    Args:
        vector: `mail` or `parcel`.
        seed: Seed of the whole corpus.
        name: Name of this item; its own streams of chance hang on it.
        threat: What to hide; None for a benign item.
        concealment: How to hide it; None draws one, all alike. A benign item's decoy is hidden just so.

    Raises:
        BadValue: For a vector, threat or concealment that the simulator has no items for.
    """
    _check("vector", vector, VECTORS)
    if threat is not None:
        _check("threat", threat, THREATS)
    if concealment is not None:
        _check("concealment", concealment, CONCEALMENTS)
    surroundings = Dice(chance.stream(seed, "scene", vector, name, "surroundings"))
    slot_dice = Dice(chance.stream(seed, "scene", vector, name, "slot"))
    cover_dice = Dice(chance.stream(seed, "scene", vector, name, "cover"))

    package = choose_package(vector, surroundings)
    drawn = slot_dice.pick(THREATS)  # a benign item's decoy stands in for this one
    staging = concealment or cover_dice.pick(CONCEALMENTS)
    room = (package.x, package.y, package.z)
    content = _content(slot_dice, room, staging, threat, drawn, _kinds(package, vector))
    slot = _hidden(cover_dice, content, staging, package)
    package = roomier(package, slot.size)

    def stream(*names: str | int) -> Dice:
        return Dice(chance.stream(seed, "scene", vector, name, *names))

    pieces, objects = _pack(package, slot, content, threat, vector, staging, stream)
    return _scene(name, vector, threat, staging, pieces, objects, stream("turn"))


def _check(axis: str, name: str, made: tuple[str, ...]) -> None:
    if name not in made:
        vocabulary.term(axis, name)  # an unknown word gets its nearest
        raise BadValue(f"The simulator makes no {axis} '{name}' yet. It makes: {', '.join(made)}.")


def _content(
    dice: Dice, room: threats.Room, staging: str, threat: str | None, drawn: str, anything: tuple[str, ...]
) -> Item:
    """The threat, or a decoy about as large as the threat that would have stood there."""
    margin = hiding.MARGIN[staging]
    inner = (room[0] - margin[0], room[1] - margin[1], max(room[2] - margin[2], 9.0))
    real = threats.build(threat or drawn, dice, inner)
    if threat is not None:
        return real
    like = tuple(min(side * dice.between(0.9, 1.1), most) for side, most in zip(real.size, inner, strict=True))
    kinds = goods.DECOYS[drawn] if dice.chance(HARD_DECOYS) else anything
    decoy = _decoy(dice, kinds, (max(like[0], 60.0), max(like[1], 34.0), max(like[2], 7.0)))
    return claiming(decoy, (like[0], like[1], like[2]))  # it is packed and hidden as the threat would be


def _hidden(dice: Dice, content: Item, staging: str, package: Package) -> Item:
    """The content and what hides it: the first of a few that fits the package, else the one that stands out least."""
    best, least = None, math.inf
    for _ in range(6):
        slot = hiding.HIDINGS[staging](dice, content, (package.x, package.y, package.z))
        excess = max(side - most for side, most in zip(slot.size, (package.x, package.y, package.z), strict=True))
        if excess < least:
            best, least = slot, excess
        if excess <= SPARE_MM:
            break
    assert best is not None
    return best


def _decoy(dice: Dice, kinds: tuple[str, ...], room: threats.Room) -> Item:
    """The first of a few that fits the room without being shrunk much, else the one that fits best."""
    best, best_share = None, 0.0
    for _ in range(5):
        item = goods.GOODS[dice.pick(kinds)](dice, room)
        share = min(most / side for most, side in zip(room, item.size, strict=True))
        if best is None or share > best_share:
            best, best_share = item, share
        if share > 0.8:
            break
    assert best is not None
    return shrunk(best, room)


def _pack(
    package: Package,
    slot: Item,
    content: Item,
    threat: str | None,
    vector: str,
    staging: str,
    stream: Callable[..., Dice],
) -> tuple[list[tuple[Item, list[int]]], list[SceneObject]]:
    objects = [SceneObject(package.style, "packaging")]
    pieces: list[tuple[Item, list[int]]] = []
    pile = Pile(package)
    slot_dice = stream("place")
    is_open = staging == "undeclared"  # in the open: laid first, and what is put beside it keeps off
    where = 0 if is_open else slot_dice.whole(0, package.n_goods)
    for i in range(package.n_goods + 1):
        if i == where:
            laid = pile.put(slot_dice, slot, must=True, anywhere=0.1, in_the_open=is_open)
            assert laid is not None
            objects.append(SceneObject("cover", "cover"))
            objects.append(SceneObject(content.kind, "slot", threat or ""))
            pieces.append((laid, [len(objects) - 2, len(objects) - 1]))
        if i < package.n_goods and (laid := _put_good(pile, stream("good", i), vector)) is not None:
            objects.append(SceneObject(laid.kind, "goods"))
            pieces.append((laid, [len(objects) - 1]))
    pieces.append((wrap(package, pile.top, stream("wrap")), [0]))
    return pieces, objects


def _put_good(pile: Pile, dice: Dice, vector: str) -> Item | None:
    """One of the goods in the pile, smaller from try to try; None when nothing fits any more."""
    package = pile.package
    kinds = _kinds(package, vector)
    thick = package.z * (0.9 if vector == "mail" else 0.62)
    for share in (0.95, 0.75, 0.6, 0.45, 0.35):
        good = goods.build(dice.pick(kinds), dice, (package.x * share, package.y * share, thick * share))
        if (laid := pile.put(dice, good, must=False)) is not None:
            return laid
    return None


def _kinds(package: Package, vector: str) -> tuple[str, ...]:
    if package.style == "envelope":
        return goods.IN_ENVELOPES
    return goods.IN_MAIL if vector == "mail" else goods.IN_PARCELS


def _scene(
    name: str,
    vector: str,
    threat: str | None,
    staging: str,
    pieces: list[tuple[Item, list[int]]],
    objects: list[SceneObject],
    dice: Dice,
) -> Scene:
    """Join the pieces, turn the package a little on the belt, round."""
    swing = 0.20 if vector == "mail" else 0.07
    turn = np.array(yaw(dice.between(-swing, swing) + dice.pick((0.0, math.pi)))).reshape(3, 3)
    at = np.array([dice.between(-9, 9), dice.between(-9, 9), LIFT_MM])
    turned = []
    for item, object_of in pieces:
        reals = item.reals.copy()
        reals[:, :3] = reals[:, :3] @ turn.T + at
        reals[:, 6:15] = (turn @ reals[:, 6:15].reshape(-1, 3, 3)).reshape(-1, 9)
        turned.append((Item(item.kind, item.ints, reals, item.planes, item.size), object_of))
    ints, reals, planes = join(turned)
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
