"""One pallet of goods on a loading board: boards, goods by HS chapter, film or net, corner boards, labels."""

from xraybench.simulate.cargo import hiding, made, solids, stacks
from xraybench.simulate.cargo.frame import Build, Space
from xraybench.simulate.dice import Dice

HEIGHT_MM = 1560.0  # of the highest pallet
LONG_MM, DEEP_MM = 1200.0, 1000.0  # ISO 6780; the European pallet is 800 mm deep


def ground(p: Build, dice: Dice) -> Space:
    """The pallet; returns the room on it, as high as this load is."""
    deep = dice.pick((800.0, 800.0, DEEP_MM))
    place = Space((0.0, 0.0, 0.5 * (DEEP_MM - deep)), (LONG_MM, dice.between(900.0, HEIGHT_MM), 0.5 * (DEEP_MM + deep)))
    room = stacks.pallet(p, place)
    return Space((12.0, room.low[1], room.low[2] + 12), (LONG_MM - 12.0, room.high[1], room.high[2] - 12))


def wrapped(p: Build, dice: Dice, room: Space) -> None:
    """Film seen edge-on, corner boards, straps or a net, a top sheet."""
    (x0, y0, z0), (x1, y1, z1) = room.low, room.high
    style = dice.pick(("film", "film", "straps", "net"))
    if style == "film":
        for x in (x0 - 7.0, x1 + 4.0):
            p.block("polyethylene", (x, y0, z0), (x + 3.0, y1, z1), fill=0.2)
        p.block("polyethylene", (x0 - 4, y1 + 1, z0), (x1 + 4, y1 + 2, z1), fill=0.5)
    elif style == "straps":
        for x in (x0 + 0.25 * (x1 - x0), x0 + 0.75 * (x1 - x0)):
            p.block("polypropylene", (x, y1 + 1, z0), (x + 16, y1 + 2.5, z1))
            for z in (z0 - 3.0, z1 + 1.5):
                p.block("polypropylene", (x, y0 - 30, z), (x + 16, y1, z + 1.5))
    else:
        n = 9
        for k in range(n):
            t = k / (n - 1)
            for z in (z0 - 9.0, z1 + 9.0):
                p.wire("nylon", (x0 + t * (x1 - x0), y0, z), (x0 + (1 - t) * (x1 - x0), y1, z), 6.0)
    if dice.chance(0.5):  # corner boards
        for x in (x0 - 4.0, x1):
            for z in (z0, z1 - 50):
                p.block("cardboard", (x, y0, z), (x + 4.0, y1, z + 50))


def undeclared(p: Build, dice: Dice, room: Space) -> hiding.Slot:
    """A column of the pallet left to it, beside the declared goods; or on top of them: then no room is named yet."""
    if dice.chance(0.4):
        return hiding.Slot((), (room.up_to(room.low[1] + dice.between(0.5, 0.8) * room.size[1]),))
    wide = dice.between(320.0, 560.0)
    own = room.along(room.low[0], room.low[0] + wide), room.along(room.low[0] + wide + 8, room.high[0])
    if dice.chance(0.5):
        own = room.along(room.high[0] - wide, room.high[0]), room.along(room.low[0], room.high[0] - wide - 8)
    place = own[0].up_to(room.low[1] + dice.between(0.35, 0.95) * room.size[1])
    return hiding.Slot((place.trimmed(4.0),), (own[1],))


def on_top(dice: Dice, load: Space) -> Space:
    """A room on the load."""
    top = load.high[1]
    high = max(min(top + dice.between(180.0, 480.0), HEIGHT_MM), top + 120.0)
    low, end = max(load.low[0], 20.0), min(load.high[0], LONG_MM - 20.0)  # what bulges reaches over the edge
    over = Space((low, top + 3.0, load.low[2]), (end, high, load.high[2]))
    return over.part(dice, (dice.between(450.0, 1100.0), 480.0, 900.0))


def masked(p: Build, dice: Dice, room: Space) -> hiding.Slot:
    """Behind or before dense goods, as the beam sees it: castings, tiles, paper or drums."""
    wide = dice.between(420.0, 640.0)
    if dice.chance(0.5):
        own, rest = room.along(room.low[0], room.low[0] + wide), room.along(room.low[0] + wide + 8, room.high[0])
    else:
        own, rest = room.along(room.high[0] - wide, room.high[0]), room.along(room.low[0], room.high[0] - wide - 8)
    cut = room.low[2] + dice.between(0.35, 0.5) * room.size[2]
    front, back = own.deep(room.low[2], cut - 6), own.deep(cut + 6, room.high[2])
    if dice.chance(0.5):
        front, back = back, front
    tall = room.low[1] + dice.between(0.5, 0.95) * room.size[1]
    dice.pick((made.machine_parts, solids.tiles, solids.reams, solids.bottles))(p, dice, front.up_to(tall))
    return hiding.Slot((back.up_to(tall).trimmed(4.0),), (rest,))
