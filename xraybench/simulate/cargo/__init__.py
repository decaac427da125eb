"""Cargo to be scanned: containers, pallets and vehicles with their loads, and a slot that holds a threat or the like.

The rule against shortcuts is that of mail: what conceals the slot, and everything around it, comes from streams of chance
that know nothing of the label, so the benign twin (same seed, name and concealment) differs in the slot's content alone.
"""

from collections.abc import Callable
from difflib import get_close_matches

import numpy as np

from xraybench.core import chance, vocabulary
from xraybench.core.errors import BadValue
from xraybench.simulate.cargo import container, goods, hiding, loads, pallet, stacks, threats, vehicle
from xraybench.simulate.cargo.frame import Build, Space, upright
from xraybench.simulate.dice import Dice
from xraybench.simulate.scene import Scene, SceneObject, join

THREATS_OF: dict[str, tuple[str, ...]] = {
    "pallet": ("cigarettes", "alcohol", "powder_drugs", "ivory"),
    "container": ("cigarettes", "alcohol", "powder_drugs", "ivory", "empty_verification", "manifest_mismatch"),
    "vehicle": ("cigarettes", "currency", "powder_drugs", "firearm"),
}
CONCEALMENTS_OF: dict[str, tuple[str, ...]] = {
    "pallet": ("undeclared", "in_load", "masked"),
    "container": ("undeclared", "in_load", "in_structure", "in_reefer_unit", "rip_on_off", "masked"),
    "vehicle": ("undeclared", "in_vehicle", "masked"),
}
VECTORS = tuple(THREATS_OF)
CHAPTERS = tuple(loads.CHAPTERS)
DRY_IN_REEFERS = ("10", "22", "39", "48", "61")  # goods that travel in reefers whose unit is off

_LOOKALIKES = 0.35  # share of benign slots that hold what is mistaken for a threat
_BUILT_IN = ("in_structure", "in_reefer_unit", "in_vehicle")  # where parts of the thing itself are to be expected
_LIFT_MM = {"container": 50.0, "pallet": 40.0, "vehicle": 30.0}  # between the detector and the far side

Stream = Callable[..., Dice]


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
    """One container, pallet or vehicle, the same for the same arguments on every machine.

    Args:
        threat: What to hide, or a control: `empty_verification` holds goods and is declared empty, `manifest_mismatch`
            declares another chapter than its load's. None for a benign item.
        concealment: How to hide it; None draws one, all alike. A benign item's innocent thing is hidden just so.
        shapes: `unseen` draws the threat from shape families that `seen` never draws.
        declared: HS chapter on the manifest, which the load then is (but for `manifest_mismatch`), or `empty`;
            "" declares what is loaded.

    Raises:
        UnknownName: For a word that is not of the vocabulary, with its nearest.
        BadValue: For a word that the simulator has no such items for.
    """
    _check_words(vector, threat, concealment, shapes, declared)

    def stream(*names: str | int) -> Dice:
        return Dice(chance.stream(seed, "scene", vector, name, *names))

    make = {"container": _container, "pallet": _pallet, "vehicle": _vehicle}[vector]
    return make(name, threat, concealment, shapes, declared, stream)


def _check_words(vector: str, threat: str | None, concealment: str | None, shapes: str, declared: str) -> None:
    _check("vector", vector, VECTORS, "")
    if threat is not None:
        _check("threat", threat, THREATS_OF[vector], vector)
    if concealment is not None:
        _check("concealment", concealment, CONCEALMENTS_OF[vector], vector)
    if shapes not in vocabulary.SHAPES:
        raise BadValue(f"shapes is '{shapes}'; it is one of: {', '.join(vocabulary.SHAPES)}.")
    if not declared:
        return
    if vector == "vehicle":
        raise BadValue(f"declared is '{declared}', but nothing is declared of a vehicle: leave it empty.")
    known = (*CHAPTERS, vocabulary.EMPTY) if vector == "container" else loads.ON_PALLETS
    if declared not in known:
        near = get_close_matches(declared, known, n=1, cutoff=0.4)
        hint = f"Did you mean '{near[0]}'?" if near else f"Known: {', '.join(known)}."
        raise BadValue(f"declared is '{declared}', of which no {vector} is made. {hint}")
    if declared == vocabulary.EMPTY and threat not in (None, "empty_verification"):
        raise BadValue(
            f"declared is 'empty', but a {vector} with {threat} has a load. Declare a chapter, or leave it out."
        )
    if threat == "empty_verification" and declared not in ("", vocabulary.EMPTY):
        raise BadValue(f"declared is '{declared}', but empty_verification is declared empty. Leave it out.")


def _check(axis: str, word: str, made: tuple[str, ...], vector: str) -> None:
    if word not in made:
        vocabulary.term(axis, word)  # an unknown word gets its nearest
        where = f" in a {vector}" if vector else ""
        raise BadValue(f"The simulator makes no {axis} '{word}'{where} of cargo. It makes: {', '.join(made)}.")


# containers ---------------------------------------------------------------------------------------------------------


def _container(
    name: str, threat: str | None, concealment: str | None, shapes: str, declared: str, stream: Stream
) -> Scene:
    if declared == vocabulary.EMPTY or threat == "empty_verification":
        return _empty_container(name, threat, stream)
    staging = concealment or stream("cover").pick(CONCEALMENTS_OF["container"])
    chapter, told = _manifest(stream("chapter"), staging, threat, declared)
    style = "reefer" if staging == "in_reefer_unit" or loads.CHAPTERS[chapter].reefer else "dry"

    p, objects = Build(), [SceneObject(f"{style}_container", "packaging")]
    box = container.build(p, stream("container"), style)
    objects.append(SceneObject(_kind(chapter), "goods"))
    objects.append(SceneObject("cover", "cover"))
    p.object = 2
    slot = _container_slot(p, stream("hiding"), staging, box)
    p.object = 1
    first = len(p)
    hosts = _stow(p, stream("load"), chapter, slot.bays)
    rooms = slot.rooms or _in_hosts(stream("hosts"), hosts, box.inside, p.extent(first) or box.inside)
    _fill_slot(p, objects, rooms, threat, shapes, "container", staging, stream("slot"))
    middle = (0.5 * container.LENGTH_MM, 0.5 * container.HEIGHT_MM)
    return _scene(name, "container", p, objects, middle, container.WIDTH_MM, threat, staging, chapter, told, stream)


def _manifest(dice: Dice, staging: str, threat: str | None, declared: str) -> tuple[str, str]:
    """What is loaded and what is declared. Either way all chapters are declared alike often, so that it tells nothing."""
    travels = (*loads.IN_REEFERS, *DRY_IN_REEFERS) if staging == "in_reefer_unit" else CHAPTERS
    chapter, other = dice.pick(travels), dice.pick(travels[1:])
    if other == chapter:
        other = travels[0]  # so that each chapter but the load's own is as likely as any
    if threat != "manifest_mismatch":
        return declared or chapter, declared or chapter
    if not declared:
        return chapter, other
    return (chapter if chapter != declared else other), declared


def declared_of(name: str, *, seed: int, threat: str | None = None) -> str:
    """What `make_scene` would say is declared of a container, without building it."""
    dice = Dice(chance.stream(seed, "scene", "container", name, "cover"))
    staging = dice.pick(CONCEALMENTS_OF["container"])
    return _manifest(Dice(chance.stream(seed, "scene", "container", name, "chapter")), staging, threat, "")[1]


def _container_slot(p: Build, dice: Dice, staging: str, box: container.Container) -> hiding.Slot:
    inside = box.inside
    if staging == "in_load":
        return hiding.Slot((), (inside,))
    if staging == "in_structure":
        return hiding.in_structure(p, dice, box)
    if staging == "in_reefer_unit":
        return hiding.in_reefer_unit(dice, box)
    return {"undeclared": hiding.undeclared, "rip_on_off": hiding.rip_on_off, "masked": hiding.masked}[staging](
        p, dice, inside
    )


def _stow(p: Build, dice: Dice, chapter: str, bays: tuple[Space, ...]) -> list[Space]:
    """The load of one chapter in its bays; part loads end before the door."""
    stow = loads.pattern(chapter, dice)
    share = 1.0 if dice.chance(0.65) else dice.between(0.62, 0.98)
    end = max(b.high[0] for b in bays)
    start = min(b.low[0] for b in bays)
    limit = start + share * (end - start)
    hosts, first = [], len(p)
    for bay in bays:
        high = min(bay.high[0], limit)
        if high - bay.low[0] > 850.0:
            hosts += stow(p, dice, bay.along(bay.low[0], high))
    if len(p) == first:  # what the limit cut away altogether
        hosts = stow(p, dice, max(bays, key=lambda b: b.size[0]))
    return hosts


def _in_hosts(dice: Dice, hosts: list[Space], inside: Space, load: Space) -> tuple[Space, ...]:
    """Rooms inside the load; on top of it where it has none."""
    rooms = hiding.in_load(dice, hosts)
    if rooms:
        return rooms
    over = inside.along(load.low[0], load.high[0]).above(min(load.high[1] + 3.0, inside.high[1] - 160.0))
    return (over.part(dice, (900.0, over.size[1], 800.0)).up_to(min(over.low[1] + 420.0, inside.high[1])),)


def _kind(chapter: str) -> str:
    return loads.CHAPTERS[chapter].title.replace(" ", "_")


def _empty_container(name: str, threat: str | None, stream: Stream) -> Scene:
    """Declared empty: with what may lie in an empty container, and with goods where the declaration is false."""
    draw = stream("empty")
    style = "reefer" if draw.chance(0.12) else "dry"
    p, objects = Build(), [SceneObject(f"{style}_container", "packaging")]
    box = container.build(p, stream("container"), style)
    room, rest = hiding.gap(draw, box.inside, draw.between(900.0, 2600.0))
    objects.append(SceneObject("dunnage", "goods"))
    p.object = 1
    for bay in rest:
        if draw.chance(0.45):
            _allowed(p, draw, bay)
    objects.append(SceneObject("cover", "cover"))
    p.object = 3
    load, kind = vocabulary.EMPTY, "nothing"
    if threat:
        load = _hidden_goods(p, stream("goods"), room)
        kind = _kind(load)
    elif (allowed := stream("allowed")).chance(0.5):
        kind = _allowed(p, allowed, room)
    objects.append(SceneObject(kind, "slot", threat or "", "seen" if threat else ""))
    middle = (0.5 * container.LENGTH_MM, 0.5 * container.HEIGHT_MM)
    return _scene(
        name, "container", p, objects, middle, container.WIDTH_MM, threat, "undeclared", load, vocabulary.EMPTY, stream
    )


_BY_HAND = {  # goods in single cartons, and their chapter
    "garment_cartons": "61", "tea_cartons": "09", "paper_cartons": "48", "water_cases": "22", "food_sacks": "10",
    "spare_parts": "84",
}  # fmt: skip


def _hidden_goods(p: Build, dice: Dice, room: Space) -> str:
    """From a few pieces on the floor to a part load; returns its chapter."""
    chapter, style, first = dice.pick(CHAPTERS), dice.unit(), len(p)
    if style > 0.35:  # one or two pallets' worth, or all the room there is
        long = dice.between(1250.0, 1500.0) if style < 0.7 else room.size[0]
        loads.pattern(chapter, dice)(p, dice, room.along(room.low[0], min(room.low[0] + long, room.high[0])))
    if len(p) > first:
        return chapter
    kind = dice.pick(tuple(_BY_HAND))  # some cartons on a corner of the floor
    size = (dice.between(350.0, 900.0), dice.between(250.0, 800.0), dice.between(350.0, 1100.0))
    p.stand(goods.build(kind, dice, size), room.part(dice, (size[0], room.size[1], size[2])))
    return _BY_HAND[kind]


def _allowed(p: Build, dice: Dice, bay: Space) -> str:
    """What an empty container may hold: pallets, boards, moisture bags, sheets; returns what."""
    kind = dice.pick(("pallets", "dunnage", "moisture_bags", "sheets"))
    place = bay.part(dice, (min(1200.0, bay.size[0]), bay.size[1], 1000.0))
    if kind == "pallets":
        y = bay.low[1]
        for _ in range(dice.whole(1, 5)):
            y = stacks.pallet(p, place.above(y)).low[1]
    elif kind == "sheets":
        for k in range(dice.whole(1, 4)):
            p.block(
                "cardboard",
                (bay.low[0], bay.low[1] + 6.0 * k, bay.low[2]),
                (bay.high[0], bay.low[1] + 6.0 * k + 5.0, bay.high[2]),
                fill=0.4,
            )
    else:
        size = (min(1100.0, bay.size[0]), dice.between(120.0, 420.0), dice.between(300.0, 900.0))
        p.stand(goods.build(kind, dice, size), bay.part(dice, (size[0], bay.size[1], size[2])))
    return kind


# pallets ------------------------------------------------------------------------------------------------------------


def _pallet(
    name: str, threat: str | None, concealment: str | None, shapes: str, declared: str, stream: Stream
) -> Scene:
    staging = concealment or stream("cover").pick(CONCEALMENTS_OF["pallet"])
    chapter = declared or stream("chapter").pick(loads.ON_PALLETS)
    p, objects = Build(), [SceneObject("pallet", "packaging")]
    room = pallet.ground(p, stream("pallet"))
    objects += [SceneObject(_kind(chapter), "goods"), SceneObject("cover", "cover")]
    p.object = 2
    slot = hiding.Slot((), (room,))
    if staging == "undeclared":
        slot = pallet.undeclared(p, stream("hiding"), room)
    elif staging == "masked":
        slot = pallet.masked(p, stream("hiding"), room)
    p.object = 1
    dice, first = stream("load"), len(p)
    stow = loads.pattern(chapter, dice, single=True)
    half = 0.5 * min(room.size[2], loads.CHAPTERS[chapter].deep_mm)
    rows = [bay.deep(room.middle[2] - half, room.middle[2] + half) for bay in slot.bays]
    hosts = [host for row in rows for host in stow(p, dice, row)]
    load = p.extent(first) or room.up_to(room.low[1])
    rooms = slot.rooms
    if staging == "in_load":
        rooms = hiding.in_load(stream("hosts"), hosts, most=(420.0, 380.0, 600.0), litres=(8.0, 90.0))
    rooms = rooms or (pallet.on_top(stream("hosts"), load),)
    p.object = 0
    pallet.wrapped(p, stream("wrap"), room.up_to(max(load.high[1], *(r.high[1] for r in rooms)) + 5.0))
    _fill_slot(p, objects, rooms, threat, shapes, "pallet", staging, stream("slot"))
    middle = (0.5 * pallet.LONG_MM, 0.5 * pallet.HEIGHT_MM)
    return _scene(name, "pallet", p, objects, middle, pallet.DEEP_MM, threat, staging, chapter, chapter, stream)


# vehicles -----------------------------------------------------------------------------------------------------------


def _vehicle(
    name: str, threat: str | None, concealment: str | None, shapes: str, declared: str, stream: Stream
) -> Scene:
    staging = concealment or stream("cover").pick(CONCEALMENTS_OF["vehicle"])
    draw = stream("vehicle")
    style = draw.pick((*vehicle.CARS, "van", "van"))
    size = {
        "saloon": (draw.between(4300, 4850), draw.between(1410, 1480), draw.between(1720, 1850)),
        "hatchback": (draw.between(3700, 4300), draw.between(1440, 1540), draw.between(1660, 1800)),
        "estate": (draw.between(4400, 4850), draw.between(1440, 1520), draw.between(1740, 1850)),
        "van": (draw.between(4300, 4800), draw.between(1740, 1800), draw.between(1760, 1850)),
    }[style]
    p, objects = Build(), [SceneObject(style, "packaging")]
    places = vehicle.car(p, draw, Space((0.0, 0.0, 0.0), size), style=style)
    objects += [SceneObject("luggage", "goods"), SceneObject("cover", "cover")]
    hide = stream("hiding")
    boot = places["boot"][0]
    rooms: tuple[Space, ...] = ()
    p.object = 2
    if staging != "in_vehicle":
        rooms, boot = vehicle.beside_luggage(p, hide, boot, places["cabin"], screened=staging == "masked")
    p.object = 1
    cavities, _ = vehicle.furnish(p, stream("luggage"), places | {"boot": (boot,)})
    if not rooms:
        p.object = 2
        rooms = vehicle.hidden(p, hide, cavities)
    _fill_slot(p, objects, rooms, threat, shapes, "vehicle", staging, stream("slot"))
    middle = (0.5 * size[0], 0.5 * size[1])
    return _scene(name, "vehicle", p, objects, middle, size[2], threat, staging, "", "", stream)


# the slot and the record --------------------------------------------------------------------------------------------


def _fill_slot(
    p: Build,
    objects: list[SceneObject],
    rooms: tuple[Space, ...],
    threat: str | None,
    shapes: str,
    vector: str,
    staging: str,
    dice: Dice,
) -> None:
    """Cut the rooms out of what fills them and put the content in: a threat of one family, or an innocent thing."""
    p.object = 2
    for room in rooms:
        if room.row >= 0:
            p.fill("", room)
    p.object = 3
    real = threat is not None and threat not in vocabulary.CONTROLS
    drawn = threat if real else dice.pick([t for t in THREATS_OF[vector] if t not in vocabulary.CONTROLS])
    assert drawn is not None
    if real:
        kind = threats.family(drawn, shapes, dice)
    else:
        ordinary = goods.IN_STRUCTURE if staging in _BUILT_IN else tuple(goods.GOODS)
        kind = dice.pick(goods.LIKE[drawn] if dice.chance(_LOOKALIKES) else ordinary)
    build = threats.build if real else goods.build
    for room in sorted(rooms, key=lambda r: -r.volume):
        own = room.trimmed(3.0)
        p.stand(build(kind, dice, own.size), own)
    objects.append(SceneObject(kind, "slot", (threat or "") if real else "", shapes if real else ""))


def _scene(
    name: str,
    vector: str,
    p: Build,
    objects: list[SceneObject],
    middle: tuple[float, float],
    depth: float,
    threat: str | None,
    staging: str,
    load: str,
    declared: str,
    stream: Stream,
) -> Scene:
    """Set upright before the source, a little off the middle, either way round; rounded."""
    dice = stream("stand")
    shift = {"container": 40.0, "pallet": 25.0, "vehicle": 30.0}[vector]
    at = (middle[0] + dice.between(-shift, shift), middle[1] + dice.between(-0.2, 0.2) * shift)
    built = p.finish(vector, centred=False)
    item = upright(built, middle=at, depth=depth, lift_mm=_LIFT_MM[vector], mirrored=dice.chance(0.5))
    ints, reals, planes = join([(item, list(range(len(objects))))])
    offsets = [(dice.whole(0, 511), dice.whole(0, 511)) for _ in range(4)]
    texture_at = np.array(offsets, dtype=np.int64)[np.minimum(ints[:, 4], 3)]
    is_hidden = threat is not None and threat not in vocabulary.CONTROLS
    return Scene(
        name=name,
        vector=vector,
        threat=threat or "",
        concealment=staging if is_hidden else "",
        staging=staging,
        objects=tuple(objects),
        ints=ints,
        reals=reals,
        planes=planes,
        texture_at=texture_at,
        load=load,
        declared=declared,
    )
