"""Where the slot is, in containers, on pallets and in vehicles. What hides is built alike for a threat and for its twin.

Each function builds what conceals and returns a `Slot`: the rooms to fill, and what is left of the bay for the load.
"""

import math
from dataclasses import dataclass

from xraybench.simulate.cargo import made, rounds, solids, stacks
from xraybench.simulate.cargo.container import Container
from xraybench.simulate.cargo.frame import Build, Space, Vec
from xraybench.simulate.dice import Dice

Rooms = tuple[Space, ...]

_LEAST_MM = (60.0, 40.0, 120.0)  # below this a host in the load hides nothing
_REACH_MM = 1100.0  # hosts further away than this are not used together
_MOST_MM = (900.0, 560.0, 900.0)  # no room in one host is larger
_DENSE = (solids.tiles, made.machine_parts, rounds.drums("water", 0.95), solids.reams, solids.ingots)


@dataclass(frozen=True, slots=True)
class Slot:
    """The rooms for the content, and the bays that are left for the load."""

    rooms: Rooms
    bays: Rooms


def gap(dice: Dice, bay: Space, wide: float, *, at_door: bool = False) -> tuple[Space, Rooms]:
    """A gap in the load as long as `wide`, anywhere or at the door, and the bays beside it."""
    spare = bay.size[0] - wide
    x = bay.high[0] - wide if at_door else bay.low[0] + spare * dice.between(0.0, 1.0)
    if x - bay.low[0] < 900.0:
        x = bay.low[0]
    if bay.high[0] - x - wide < 900.0:
        x = bay.high[0] - wide
    sides = (bay.along(bay.low[0], x - 20.0), bay.along(x + wide + 20.0, bay.high[0]))
    return bay.along(x, x + wide), tuple(side for side in sides if side.size[0] > 850.0)


def undeclared(p: Build, dice: Dice, bay: Space) -> Slot:
    """In a gap of the load, on a pallet or on the floor."""
    room, bays = gap(dice, bay, dice.between(850.0, 1400.0))
    z = bay.low[2] + dice.between(0.0, 0.5) * (bay.size[2] - 900.0)
    place = room.deep(z, z + dice.between(700.0, 1050.0)).along(room.low[0] + 40, room.high[0] - 40)
    if dice.chance(0.6):
        place = stacks.pallet(p, place)
    return Slot((place.up_to(place.low[1] + dice.between(450.0, 1300.0)),), bays)


def rip_on_off(p: Build, dice: Dice, bay: Space) -> Slot:
    """Just inside the doors, thrown on the floor or onto each other."""
    room, bays = gap(dice, bay, dice.between(560.0, 780.0), at_door=True)
    tall = dice.between(350.0, 1100.0)
    cut = bay.low[2] + dice.between(0.3, 0.7) * bay.size[2]
    rooms = [room.deep(bay.low[2] + 40, cut).up_to(bay.low[1] + tall)]
    if dice.chance(0.6):
        rooms.append(room.deep(cut + 20, bay.high[2] - 40).up_to(bay.low[1] + tall * dice.between(0.4, 1.0)))
    return Slot(tuple(rooms), bays)


def masked(p: Build, dice: Dice, bay: Space) -> Slot:
    """Between dense goods, as the beam sees it: a screen of tiles, castings, drums or paper before it, often behind it."""
    room, bays = gap(dice, bay, dice.between(950.0, 1300.0))
    front = bay.low[2] + dice.between(0.24, 0.36) * bay.size[2]
    back = front + dice.between(0.28, 0.42) * bay.size[2]
    tall = dice.between(900.0, 1350.0)
    screen = dice.pick(_DENSE)
    screen(p, dice, stacks.pallet(p, room.deep(bay.low[2] + 10, front - 10)).up_to(bay.low[1] + tall))
    if dice.chance(0.7):
        screen(p, dice, stacks.pallet(p, room.deep(back + 10, bay.high[2] - 10)).up_to(bay.low[1] + tall))
    place = room.deep(front + 10, back - 10).along(room.low[0] + 60, room.high[0] - 60)
    return Slot((place.above(bay.low[1] + 20).up_to(bay.low[1] + 0.8 * tall),), bays)


def in_structure(p: Build, dice: Dice, container: Container) -> Slot:
    """Behind a false wall or ceiling, between cross members, in a corner post or in the insulation."""
    inside = container.inside
    name = dice.pick(tuple(container.cavities))
    places = container.cavities[name]
    place = places[min(int(len(places) * dice.unit()), len(places) - 1)]
    if name == "floor":
        first = min(int((len(places) - 2) * dice.unit()), len(places) - 3)
        chosen = places[first : first + dice.whole(2, 3)]
        deep = dice.between(700.0, 1700.0)
        z = chosen[0].low[2] + dice.unit() * (chosen[0].size[2] - deep)
        for room in chosen:
            p.block("steel", (room.low[0] - 6, 18.0, room.low[2]), (room.high[0] + 6, 20.0, room.high[2]))
        return Slot(tuple(room.deep(z, z + deep) for room in chosen), (inside,))
    if name == "roof":
        p.block(
            "plywood",
            (inside.low[0], place.low[1] - 14, inside.low[2]),
            (inside.high[0], place.low[1] - 4, inside.high[2]),
        )
        rooms = _spread(dice, place, (dice.between(700, 1600), place.size[1], dice.between(700, 1800)))
        return Slot(rooms, (inside.up_to(place.low[1] - 40.0),))
    if name == "front_wall":
        x = place.high[0] + 4.0
        p.block("steel", (x, inside.low[1], inside.low[2]), (x + 30.0, inside.high[1], inside.high[2]), fill=0.066)
        for y in (place.low[1] + 0.33 * place.size[1], place.low[1] + 0.66 * place.size[1]):
            p.block("wood", (place.low[0], y - 12, place.low[2]), (x, y, place.high[2]), fill=0.9)
        third = place.size[1] / 3
        rooms = tuple(
            place.above(place.low[1] + k * third + 2).up_to(place.low[1] + (k + 1) * third - 16) for k in range(3)
        )
        return Slot(rooms[: dice.whole(1, 3)], (inside.along(x + 50, inside.high[0]),))
    if name == "side_wall":
        z = place.low[2] - 6.0
        p.block("steel", (inside.low[0], inside.low[1], z - 30), (inside.high[0], inside.high[1], z), fill=0.066)
        rooms = _spread(dice, place, (dice.between(600, 1500), dice.between(500, 1100), place.size[2]))
        return Slot(rooms, (inside.deep(inside.low[2], z - 40),))
    if name == "post":
        tall = dice.between(700.0, 2000.0)
        return Slot((place.up_to(place.low[1] + tall),), (inside,))
    return Slot((place.part(dice, (dice.between(500, 1500), place.size[1], dice.between(500, 1500))),), (inside,))


def _spread(dice: Dice, place: Space, size: Vec) -> Rooms:
    """One or two rooms of this size in different halves of a long place."""
    half = place.middle[0]
    first = place.along(place.low[0], half - 10).part(dice, size)
    second = place.along(half + 10, place.high[0]).part(dice, size)
    return dice.pick(((first,), (second,), (first, second)))


def in_reefer_unit(dice: Dice, container: Container) -> Slot:
    """Among the machinery, above the fans, or in the bulkhead behind them."""
    place = dice.pick(container.unit)
    size = place.size
    most = (size[0], min(size[1], dice.between(250.0, 900.0)), min(size[2], dice.between(500.0, 1500.0)))
    room = place.part(dice, most)
    floor = place.low[1] if place.row < 0 else room.low[1]  # what is not cut out of foam stands on something
    low = (room.low[0], floor, room.low[2])
    return Slot((Space(low, (room.high[0], floor + room.size[1], room.high[2]), room.row),), (container.inside,))


def in_load(
    dice: Dice, hosts: list[Space], *, most: Vec = _MOST_MM, litres: tuple[float, float] = (40.0, 420.0)
) -> Rooms:
    """Inside the goods: some neighbouring hosts until there is room enough. Empty where no host is large enough."""
    usable = [h for h in hosts if all(side >= least for side, least in zip(h.size, _LEAST_MM, strict=True))]
    usable = [h for h in usable if h.volume > 3.0e6] or usable
    if not usable:
        return ()
    anchor = dice.pick(usable)
    near = [h for h in usable if math.dist(h.middle, anchor.middle) < _REACH_MM]
    near.sort(key=lambda h: math.dist(h.middle, anchor.middle))
    want, rooms = dice.between(*litres) * 1e6, []
    for host in near[:6]:
        edge = 0.05 * host.size[2]  # grain thins what is displaced by up to 8 %, so some of it stays before and behind
        room = host.trimmed(6.0).deep(host.low[2] + edge, host.high[2] - edge).part(dice, most)
        rooms.append(room)
        want -= room.volume
        if want <= 0:
            break
    return tuple(rooms)
