"""Goods and threats: kinds enough, each with variation, none impossible; unseen shapes are no easier than seen ones."""

import math
from dataclasses import replace

import numpy as np
import pytest

from xraybench.core import vocabulary
from xraybench.core.chance import stream
from xraybench.core.sensor import Sensor
from xraybench.simulate import attenuation, materials, scene_check
from xraybench.simulate.dice import Dice
from xraybench.simulate.geometry import BOX, CYLINDER, ELLIPSOID
from xraybench.simulate.items import goods, hiding, shapes, threats
from xraybench.simulate.parts import NOTHING, Item, Parts, claiming, placed, tilt, yaw
from xraybench.simulate.paths import path_maps

ROOM = (200.0, 140.0, 60.0)
ROOMS = (ROOM, (160.0, 110.0, 32.0), (240.0, 160.0, 60.0), (130.0, 90.0, 26.0))
FAMILIES = [
    (threat, shape, build)
    for threat, both in threats.FAMILIES.items()
    for shape, families in zip(vocabulary.SHAPES, both, strict=True)
    for build in dict.fromkeys(families)
]
NAMES = [f"{threat}-{build.__name__}" for threat, _, build in FAMILIES]


def extent_of(item: Item) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest corner of an item, from the corners of its primitives one by one."""
    corners = []
    for row, reals in zip(item.ints, item.reals, strict=True):
        if row[1] == NOTHING:
            continue
        turn = reals[6:15].reshape(3, 3)
        corners += [
            reals[:3] + turn @ (reals[3:6] * (sx, sy, sz)) for sx in (-1, 1) for sy in (-1, 1) for sz in (-1, 1)
        ]
    return np.min(corners, axis=0), np.max(corners, axis=0)


def holds(item: Item, row: int, points: np.ndarray) -> np.ndarray:
    """Which points lie in one primitive, straight from the definitions of box, ellipsoid and cylinder."""
    reals, kind = item.reals[row], item.ints[row, 0]
    local = (points - reals[:3]) @ reals[6:15].reshape(3, 3)
    x, y, z = (local / reals[3:6]).T
    inside = {
        BOX: (abs(x) <= 1) & (abs(y) <= 1) & (abs(z) <= 1),
        ELLIPSOID: x * x + y * y + z * z <= 1,
        CYLINDER: (x * x + y * y <= 1) & (abs(z) <= 1),
    }[int(kind)]
    for nx, ny, nz, most in item.planes[item.ints[row, 5] : item.ints[row, 6]]:
        inside &= local @ (nx, ny, nz) <= most
    return inside


def facts_of(item: Item, scene_of, sensor: Sensor) -> tuple[float, float]:  # type: ignore[no-untyped-def]
    """Size of an item's shadow in cm2, and its mean depth at 80 keV."""
    maps = path_maps(scene_of(item), sensor, (160, 170))
    mu = [attenuation.linear_attenuation(name, 80.0)[0] for name in maps.materials]
    depth = np.tensordot(mu, maps.cm, axes=1)
    is_shadow = depth > 0.01
    return float(is_shadow.sum()) * 0.01 * sensor.pixel_mm**2, float(depth[is_shadow].mean())


def chance_that_second_is_more(first: np.ndarray, second: np.ndarray) -> float:
    return float((second[:, None] > first[None, :]).mean() + 0.5 * (second[:, None] == first[None, :]).mean())


def test_there_are_twelve_threats_in_five_groups_and_twenty_five_goods() -> None:
    groups = {vocabulary.term("threat", name).group for name in threats.FAMILIES}
    assert len(threats.FAMILIES) >= 13  # with shielding
    assert {"drugs", "security", "revenue", "money", "environment"} <= groups
    assert len(goods.GOODS) >= 50
    assert set(goods.DECOYS) == set(threats.FAMILIES)
    assert {kind for kinds in goods.DECOYS.values() for kind in kinds} <= set(goods.GOODS)


@pytest.mark.parametrize("threat", threats.FAMILIES)
def test_seen_and_unseen_families_are_disjoint_and_there_are_some_of_each(threat: str) -> None:
    seen, unseen = (set(families) for families in threats.FAMILIES[threat])
    assert len(seen) >= 2
    assert len(unseen) >= 2
    assert not seen & unseen


@pytest.mark.parametrize("threat", threats.FAMILIES)
def test_a_threat_of_one_shape_is_never_of_a_kind_of_the_other(threat: str) -> None:
    kinds = {
        shape: {threats.build(threat, Dice(stream(n, "kinds", threat, shape)), ROOM, shape).kind for n in range(30)}
        for shape in vocabulary.SHAPES
    }
    assert not kinds["seen"] & kinds["unseen"]


@pytest.mark.parametrize(("threat", "shape", "build"), FAMILIES, ids=NAMES)
def test_every_family_is_possible_and_throws_a_shadow(  # type: ignore[no-untyped-def]
    scene_of, mail_160kv: Sensor, threat: str, shape: str, build: threats.Builder
) -> None:
    for n, room in enumerate(ROOMS):
        item = build(Dice(stream(n, "family", build.__name__)), room)
        assert scene_check.scene_faults(scene_of(item)) == []
        area, depth = facts_of(item, scene_of, mail_160kv)
        assert area > 4.0
        assert depth > 0.03


@pytest.mark.parametrize("kind", goods.GOODS)
def test_every_good_is_possible_and_fits_its_room(scene_of, kind: str) -> None:  # type: ignore[no-untyped-def]
    for n, room in enumerate(ROOMS):
        item = goods.build(kind, Dice(stream(n, "good", kind)), room)
        assert scene_check.scene_faults(scene_of(item)) == []
        low, high = extent_of(item)
        assert all(high - low <= np.array(room) + 1e-6)


@pytest.mark.parametrize("shape", vocabulary.SHAPES)
@pytest.mark.parametrize("threat", threats.FAMILIES)
def test_a_threat_fits_its_room_and_stands_on_the_floor(threat: str, shape: str) -> None:
    for n, room in enumerate(ROOMS):
        item = threats.build(threat, Dice(stream(n, "room", threat)), room, shape)
        low, high = extent_of(item)
        assert all(high - low <= np.array(room) + 1e-6)
        assert low[2] == pytest.approx(0.0, abs=1e-6)
        assert tuple(high - low) == pytest.approx(item.size, abs=1e-6)


@pytest.mark.parametrize("threat", threats.FAMILIES)
def test_unseen_shapes_are_neither_larger_nor_denser_as_a_rule(  # type: ignore[no-untyped-def]
    scene_of, mail_160kv: Sensor, threat: str
) -> None:
    seen, unseen = (
        np.array(
            [
                facts_of(
                    threats.build(threat, Dice(stream(n, "alike", shape)), ROOMS[n % len(ROOMS)], shape),
                    scene_of,
                    mail_160kv,
                )
                for n in range(40)
            ]
        )
        for shape in vocabulary.SHAPES
    )
    for column in (0, 1):
        assert 0.2 < chance_that_second_is_more(seen[:, column], unseen[:, column]) < 0.8
        assert 0.45 < np.median(unseen[:, column]) / np.median(seen[:, column]) < 2.2


def test_the_solid_parts_of_a_revolver_lie_apart() -> None:
    from xraybench.simulate.items import arms

    rng = np.random.default_rng(0)
    for n in range(6):
        item = arms.revolver(Dice(stream(n, "revolver")), ROOM)
        low, high = extent_of(item)
        points = rng.uniform(low, high, (40_000, 3))
        outer = [row for row in range(len(item.ints)) if item.ints[row, 2] < 0 and item.reals[row, 15] == 1.0]
        inside = np.array([holds(item, row, points) for row in outer])
        assert (inside.sum(axis=0) > 1).sum() <= 0.03 * inside.any(axis=0).sum()  # where thin bent strips meet


@pytest.mark.parametrize("concealment", hiding.HIDINGS)
def test_what_hides_leaves_the_place_of_what_is_hidden_empty(concealment: str) -> None:
    rng = np.random.default_rng(0)
    size = (120.0, 86.0, 24.0)
    block = Parts()
    block.box("sugar", (0.0, 0.0, size[2] / 2), size)
    content = claiming(block.finish("block"), size)
    for n in range(16):
        slot = hiding.HIDINGS[concealment](Dice(stream(n, "hiding", concealment)), content, (300.0, 230.0, 120.0))
        mine = [row for row in range(len(slot.ints)) if slot.ints[row, 4] == hiding.CONTENT and slot.ints[row, 1] >= 0]
        assert len(mine) == 1
        turn = slot.reals[mine[0], 6:15].reshape(3, 3)
        points = slot.reals[mine[0], :3] + (rng.uniform(-0.98, 0.98, (3000, 3)) * slot.reals[mine[0], 3:6]) @ turn.T
        weight = np.zeros(len(points))
        for row in range(len(slot.ints)):
            if slot.ints[row, 4] == hiding.CONTENT:
                continue
            inside, parent = holds(slot, row, points), slot.ints[row, 2]
            weight += inside * (slot.reals[row, 15] if slot.ints[row, 1] >= 0 else 0.0)
            weight -= inside * (slot.reals[parent, 15] if parent >= 0 else 0.0)
        assert (abs(weight) > 1e-9).mean() < 0.02


def volume_of(item: Item, row: int, rng: np.random.Generator) -> float:
    """Volume of one primitive in mm3, from points thrown into its box."""
    half, turn = item.reals[row, 3:6], item.reals[row, 6:15].reshape(3, 3)
    points = item.reals[row, :3] + (rng.uniform(-1, 1, (20_000, 3)) * half) @ turn.T
    return float(8 * half.prod() * holds(item, row, points).mean())


@pytest.mark.parametrize("concealment", ["in_article", "in_layers", "masked", "false_bottom"])
def test_the_shadow_weighs_what_the_parts_weigh_less_what_they_displace(  # type: ignore[no-untyped-def]
    scene_of, mail_160kv: Sensor, concealment: str
) -> None:
    rng = np.random.default_rng(0)
    from_afar = replace(mail_160kv, geometry=replace(mail_160kv.geometry, source_height_mm=1.0e6, pixel_mm=0.5))
    for n in range(4):
        pistol = threats.build("firearm", Dice(stream(n, "mass")), (140.0, 96.0, 26.0))
        content = claiming(pistol, (140.0, 96.0, 26.0))
        item = hiding.HIDINGS[concealment](Dice(stream(n, "mass", concealment)), content, (230.0, 180.0, 90.0))
        item.ints[:, 3] = -1  # no texture: it changes masses a little
        density = np.array([m.density_g_cm3 for m in materials.MATERIALS] + [0.0])
        own = density[item.ints[:, 1]] * item.reals[:, 15]
        displaced = np.where(item.ints[:, 2] >= 0, own[item.ints[:, 2]], 0.0)
        volumes = np.array([volume_of(item, row, rng) / 1000 for row in range(len(item.ints))])
        is_real = (item.ints[:, 1] >= 0) | (item.ints[:, 2] >= 0)  # all but the claim
        grams = float(((own - displaced) * volumes)[is_real].sum())
        gross = float(
            (own * volumes).sum()
        )  # the volumes are drawn, so the error goes with what is there before hollows
        maps = path_maps(scene_of(item), from_afar, (600, 780))
        shadow = sum(
            materials.get(name).density_g_cm3 * float(cm.sum()) * (from_afar.pixel_mm / 10) ** 2
            for name, cm in zip(maps.materials, maps.cm, strict=True)
        )
        assert shadow == pytest.approx(grams, abs=0.01 * gross)
        assert maps.cm.min() > -1e-3


def test_a_claim_is_packed_and_not_seen(scene_of) -> None:  # type: ignore[no-untyped-def]
    coin = Parts()
    coin.rod("copper", (0.0, 0.0, 1.0), 20.0, 2.0)
    claimed = claiming(placed(coin.finish("coin"), at=(30.0, 10.0, 0.0)), (100.0, 60.0, 30.0))
    assert claimed.size == (100.0, 60.0, 30.0)
    assert placed(claimed, turn=tilt(math.pi / 2, 0.0)).size == pytest.approx((100.0, 30.0, 60.0))
    assert scene_of(claimed).n_primitives == 1


def test_a_rounded_box_touches_its_box_and_loses_its_corners() -> None:
    parts = Parts()
    parts.rounded("soap", (0.0, 0.0, 0.0), (60.0, 40.0, 10.0), 10.0, cuts=3)
    item = parts.finish("bar", centred=False)
    across = np.array([[29.9, 0.0, 0.0], [0.0, 19.9, 0.0], [29.0, 19.0, 0.0]])
    assert holds(item, 0, across).tolist() == [True, True, False]
    share = holds(item, 0, np.random.default_rng(0).uniform((-30, -20, -5), (30, 20, 5), (200_000, 3))).mean()
    assert share == pytest.approx(1 - (4 - math.pi) * 100 / 2400, abs=0.005)  # a round of 10 mm at each corner


def test_a_bent_tube_has_no_gap_and_no_overlap_at_its_joints() -> None:
    parts = Parts()
    points = [(0.0, 0.0), (50.0, 0.0), (90.0, 30.0), (100.0, 80.0)]
    shapes.bent(parts, "rubber", points, [16.0] * 3)
    item = parts.finish("hose", centred=False)
    near = np.random.default_rng(0).uniform((-2, -12, -8), (112, 82, 8), (300_000, 3))
    times = np.array([holds(item, row, near) for row in range(3)]).sum(axis=0)
    assert times.max() == 1
    length = 50.0 + 50.0 + math.hypot(10.0, 50.0)
    assert (times > 0).mean() * 114 * 94 * 16 == pytest.approx(math.pi * 64 * length, rel=0.03)


def test_a_tapered_thing_tapers() -> None:
    parts = Parts()
    parts.cone("abs", (0.0, 0.0, 0.0), (30.0, 10.0), 40.0, steps=4)
    item = parts.finish("nozzle", centred=False)
    radii = sorted(item.reals[:, 3].tolist(), reverse=True)
    assert radii == pytest.approx([13.75, 11.25, 8.75, 6.25])
    assert item.size[0] == pytest.approx(40.0)


def test_a_turned_item_is_set_down_on_its_lowest_point() -> None:
    item = goods.build("bottle", Dice(stream(0, "turned")), ROOM)
    low, high = extent_of(placed(item, turn=yaw(0.7), at=(5.0, -8.0, 12.0)))
    assert low[2] == pytest.approx(12.0)
    assert (low + high)[:2] / 2 == pytest.approx([5.0, -8.0], abs=1e-6)
