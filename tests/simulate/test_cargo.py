"""Cargo scenes: everything stands inside, threats displace what they replace, twins differ in the slot alone."""

from collections import Counter
from itertools import product

import numpy as np
import pytest

from xraybench import sensors
from xraybench.core import vocabulary
from xraybench.core.chance import stream
from xraybench.core.errors import BadValue, UnknownName
from xraybench.core.types import BoolArray, FloatArray
from xraybench.simulate import cargo, label, render
from xraybench.simulate.cargo import container, goods, loads, threats
from xraybench.simulate.cargo.frame import Build, Space
from xraybench.simulate.dice import Dice
from xraybench.simulate.parts import Item
from xraybench.simulate.scene import Scene

SENSOR = {"container": "container_6mev", "pallet": "pallet_300kv", "vehicle": "vehicle_4mev"}
HIDDEN = {vector: [t for t in made if t not in vocabulary.CONTROLS] for vector, made in cargo.THREATS_OF.items()}
CASES = [(v, t, c) for v in cargo.VECTORS for t, c in product(HIDDEN[v], cargo.CONCEALMENTS_OF[v])]
PACKAGING, LOAD, COVER, SLOT = range(4)


def holds(scene: Scene | Item, row: int, points: FloatArray) -> BoolArray:
    """Which points lie in a primitive, by its definition and not by any ray."""
    reals = scene.reals[row]
    local = (points - reals[:3]) @ reals[6:15].reshape(3, 3)
    share = np.abs(local) / reals[3:6]
    if scene.ints[row, 0] == 0:
        inside = (share <= 1).all(axis=1)
    elif scene.ints[row, 0] == 1:
        inside = (share**2).sum(axis=1) <= 1
    else:
        inside = ((share[:, :2] ** 2).sum(axis=1) <= 1) & (share[:, 2] <= 1)
    for plane in scene.planes[scene.ints[row, 5] : scene.ints[row, 6]]:
        inside &= local @ plane[:3] <= plane[3]
    return inside


def points_in(scene: Scene | Item, number: int, n: int, rng: np.random.Generator) -> FloatArray:
    """Points in the solid primitives of one object."""
    found = []
    for row in np.flatnonzero((scene.ints[:, 4] == number) & (scene.ints[:, 1] >= 0)):
        reals = scene.reals[row]
        local = rng.uniform(-0.9, 0.9, (n, 3)) * reals[3:6]
        points = reals[:3] + local @ reals[6:15].reshape(3, 3).T
        found.append(points[holds(scene, row, points)])
    return np.concatenate(found) if found else np.zeros((0, 3))


def amount_at(scene: Scene, points: FloatArray) -> FloatArray:
    """How much of each object is at each point, what it lost to others taken off, shape (objects, points)."""
    amount = np.zeros((len(scene.objects), len(points)))
    solid = scene.ints[:, 1] >= 0
    for row in range(scene.n_primitives):
        reals = scene.reals[row]
        reach = np.abs(reals[6:15].reshape(3, 3)) @ reals[3:6] + 1e-6
        near = np.flatnonzero((np.abs(points - reals[:3]) <= reach).all(axis=1))
        if near.size == 0:
            continue
        inside = near[holds(scene, row, points[near])]
        parent = scene.ints[row, 2]
        if solid[row]:
            amount[scene.ints[row, 4], inside] += reals[15]
        if parent >= 0 and solid[parent]:
            amount[scene.ints[parent, 4], inside] -= scene.reals[parent, 15]
    return amount


def extent(scene: Scene, numbers: tuple[int, ...]) -> tuple[FloatArray, FloatArray]:
    """Least and greatest corner of the solid primitives of some objects."""
    chosen = np.isin(scene.ints[:, 4], numbers) & (scene.ints[:, 1] >= 0)
    reach = np.einsum("nij,nj->ni", np.abs(scene.reals[chosen, 6:15].reshape(-1, 3, 3)), scene.reals[chosen, 3:6])
    centre = scene.reals[chosen, :3]
    return (centre - reach).min(axis=0), (centre + reach).max(axis=0)


def made(vector: str, n: int, **rest: str) -> Scene:
    """The n-th of many scenes with a threat: threats, concealments and shapes in turn."""
    threat, concealment = HIDDEN[vector][n % len(HIDDEN[vector])], cargo.CONCEALMENTS_OF[vector]
    return cargo.make_scene(
        vector,
        seed=31,
        name=f"s{n}",
        threat=threat,
        concealment=concealment[n // 2 % len(concealment)],
        shapes=vocabulary.SHAPES[n // 3 % 2],
        **rest,
    )


# words --------------------------------------------------------------------------------------------------------------


def test_all_words_are_of_the_vocabulary() -> None:
    assert set(cargo.VECTORS) <= set(vocabulary.names("vector"))
    for vector in cargo.VECTORS:
        assert set(cargo.THREATS_OF[vector]) <= set(vocabulary.names("threat"))
        assert set(cargo.CONCEALMENTS_OF[vector]) <= set(vocabulary.concealments_on(vector))
        assert set(HIDDEN[vector]) <= set(threats.FAMILIES)


@pytest.mark.parametrize(
    ("words", "nearest"),
    [
        ({"vector": "contaner"}, "container"),
        ({"threat": "cigarets"}, "cigarettes"),
        ({"concealment": "in_structur"}, "in_structure"),
    ],
)
def test_an_unknown_word_gets_its_nearest(words: dict[str, str], nearest: str) -> None:
    with pytest.raises(UnknownName, match=nearest):
        cargo.make_scene(**({"vector": "container", "seed": 1, "name": "a"} | words))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "words",
    [
        {"vector": "mail"},
        {"threat": "blade"},
        {"vector": "pallet", "concealment": "in_reefer_unit"},
        {"shapes": "new"},
        {"declared": "99"},
        {"vector": "vehicle", "declared": "87"},
        {"vector": "pallet", "declared": "empty"},
        {"declared": "empty", "threat": "ivory"},
        {"declared": "72", "threat": "empty_verification"},
    ],
)
def test_what_cannot_be_made_is_refused(words: dict[str, str]) -> None:
    with pytest.raises(BadValue):
        cargo.make_scene(**({"vector": "container", "seed": 1, "name": "a"} | words))  # type: ignore[arg-type]


# the record ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vector", cargo.VECTORS)
def test_a_scene_is_the_same_again_and_survives_json(vector: str) -> None:
    for n in range(6):
        scene = made(vector, n)
        assert scene.to_json() == made(vector, n).to_json()
        assert Scene.from_json(scene.to_json()).to_json() == scene.to_json()
    assert made(vector, 1).to_json() != made(vector, 7).to_json()


@pytest.mark.parametrize(("vector", "threat", "concealment"), CASES)
def test_the_benign_twin_differs_in_the_slot_alone(vector: str, threat: str, concealment: str) -> None:
    one, twin = (
        cargo.make_scene(vector, seed=32, name="w", threat=which, concealment=concealment) for which in (threat, None)
    )
    assert [o.role for o in one.objects] == [o.role for o in twin.objects] == ["packaging", "goods", "cover", "slot"]
    assert one.objects[:SLOT] == twin.objects[:SLOT]
    assert (one.load, one.declared, one.staging) == (twin.load, twin.declared, twin.staging)
    assert (one.threat, one.concealment) == (threat, concealment)
    assert (twin.threat, twin.concealment, twin.objects[SLOT].threat) == ("", "", "")
    for scene in (one, twin):
        own = scene.ints[:, 4] == SLOT
        assert own.any()
        assert not own[: np.argmax(own)].any()
        assert own[np.argmax(own) :].all()  # the slot comes last, so that the rows before it can be held together
    n = int((one.ints[:, 4] != SLOT).sum())
    assert np.array_equal(one.ints[:n, :5], twin.ints[:n, :5])
    assert np.array_equal(one.reals[:n], twin.reals[:n])
    assert np.array_equal(one.texture_at[:n], twin.texture_at[:n])


@pytest.mark.parametrize("concealment", cargo.CONCEALMENTS_OF["container"])
def test_a_benign_thing_is_about_as_large_as_the_threat(concealment: str) -> None:
    sizes = {None: [], "cigarettes": []}  # type: ignore[var-annotated]
    for n, threat in product(range(24), sizes):
        scene = cargo.make_scene("container", seed=33, name=f"l{n}", threat=threat, concealment=concealment)
        low, high = extent(scene, (SLOT,))
        sizes[threat].append(np.log((high - low)[:2].prod()))
    assert abs(np.mean(sizes[None]) - np.mean(sizes["cigarettes"])) < 0.8


# where things are ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("concealment", cargo.CONCEALMENTS_OF["container"])
def test_everything_stands_inside_the_container(concealment: str) -> None:
    for n in range(8):
        scene = cargo.make_scene("container", seed=34, name=f"i{n}", concealment=concealment)
        castings = scene.reals[(scene.ints[:, 4] == PACKAGING) & np.isclose(scene.reals[:, 3], 89.0), :3]  # the corners
        middle, half = (
            castings.mean(axis=0),
            np.array([container.LENGTH_MM, container.HEIGHT_MM, container.WIDTH_MM]) / 2,
        )
        for number in (LOAD, COVER, SLOT):
            points = points_in(scene, number, 6, stream(6, "points"))
            assert (np.abs(points - middle) <= half).all()


@pytest.mark.parametrize("vector", cargo.VECTORS)
def test_the_threat_takes_the_place_of_what_it_replaces(vector: str) -> None:
    rng = stream(1, "points")
    for n in range(24):
        scene = made(vector, n)
        points = points_in(scene, SLOT, 4, rng)
        assert len(points)
        amount = amount_at(scene, points)
        shared = (np.abs(amount[[PACKAGING, LOAD, COVER]]) > 1e-6).any(axis=0)
        assert shared.mean() < 0.005, (n, scene.objects[SLOT].kind, scene.staging)


@pytest.mark.parametrize("vector", cargo.VECTORS)
def test_goods_do_not_stand_in_one_another(vector: str) -> None:
    rng = stream(2, "points")
    for n in range(16):
        scene = made(vector, n)
        for own in (LOAD, COVER):
            points = points_in(scene, own, 3, rng)
            others = [k for k in (PACKAGING, LOAD, COVER) if k != own]
            if len(points):
                shared = (np.abs(amount_at(scene, points)[others]) > 1e-6).any(axis=0)
                assert shared.mean() < 0.005, (n, scene.load, scene.objects[own].kind)


@pytest.mark.parametrize("chapter", loads.CHAPTERS)
def test_nothing_is_displaced_twice(chapter: str) -> None:
    rng = stream(3, "points", chapter)
    for n in range(2):
        scene = cargo.make_scene("container", seed=35, name=f"d{n}", concealment="in_load", declared=chapter)
        points = points_in(scene, LOAD, 3, rng)
        amount = amount_at(scene, points)[LOAD]
        assert (amount > -1e-6).mean() > 0.995


@pytest.mark.parametrize(("vector", "threat", "concealment"), CASES)
@pytest.mark.parametrize("shapes", vocabulary.SHAPES)
def test_every_threat_shows_in_the_field(vector: str, threat: str, concealment: str, shapes: str) -> None:
    sensor = sensors.get(SENSOR[vector])
    field = sensor.field(vector)
    scene = cargo.make_scene(vector, seed=36, name="f", threat=threat, concealment=concealment, shapes=shapes)
    (found,) = label(scene, sensor).threats
    x0, y0, x1, y1 = found.box
    assert (found.threat, found.concealment, scene.objects[SLOT].shape) == (threat, concealment, shapes)
    assert 0 < x0 < x1 < field.width_px
    assert 0 < y0 < y1 < field.height_px
    assert found.area_px >= 12


@pytest.mark.parametrize("vector", cargo.VECTORS)
def test_up_is_up_and_the_whole_item_is_in_the_field(vector: str) -> None:
    sensor = sensors.get(SENSOR[vector])
    for n in range(4):
        image = render(cargo.make_scene(vector, seed=37, name=f"u{n}"), sensor, seed=1).raw[..., 0].astype(float)
        depth = np.log(sensor.open_beam / np.maximum(image, 1.0))
        rows = depth.sum(axis=1)
        half = len(rows) // 2
        assert rows[half:].sum() > rows[:half].sum()  # goods stand on the floor, and engines low
        assert depth[:, :6].mean() < 0.05
        assert depth[:, -6:].mean() < 0.05
        assert depth[:4].mean() < 0.05


# shapes -------------------------------------------------------------------------------------------------------------


def test_unseen_shapes_are_never_among_the_seen() -> None:
    for families in threats.FAMILIES.values():
        seen, unseen = ({family.__name__ for family in families[shapes]} for shapes in vocabulary.SHAPES)
        assert len(seen) >= 2
        assert len(unseen) >= 2
        assert not seen & unseen
    kinds = {shapes: {made_of(n, shapes) for n in range(40)} for shapes in vocabulary.SHAPES}
    assert not kinds["seen"] & kinds["unseen"]


def made_of(n: int, shapes: str) -> str:
    vector = cargo.VECTORS[n % 3]
    threat = HIDDEN[vector][n // 3 % len(HIDDEN[vector])]
    return cargo.make_scene(vector, seed=38, name=f"k{n}", threat=threat, shapes=shapes).objects[SLOT].kind


@pytest.mark.parametrize(
    "room", [(600.0, 500.0, 600.0), (150.0, 900.0, 90.0), (500.0, 58.0, 700.0), (1500.0, 110.0, 900.0)]
)
def test_every_family_and_every_thing_fits_any_room(room: tuple[float, float, float]) -> None:
    kinds = [f.__name__ for families in threats.FAMILIES.values() for s in families.values() for f in s]
    for build, kind in [(threats.build, k) for k in kinds] + [(goods.build, k) for k in goods.GOODS]:
        item = build(kind, Dice(stream(3, kind)), room)
        assert all(side <= most * (1 + 1e-9) for side, most in zip(item.size, room, strict=True)), kind
        assert (item.ints[:, 1] >= 0).any()


def test_a_rank_drawn_as_one_throws_the_shadow_of_all() -> None:
    def chord(p: Build, x: float) -> float:
        """Length along z at the height of the axis, of ellipses about y, by hand."""
        total = 0.0
        for row in p._reals:
            a, b = row[3], row[4]
            share = 1.0 - ((x - row[0]) / a) ** 2
            total += 2.0 * b * np.sqrt(max(share, 0.0))
        return float(total)

    three, one = Build(), Build()
    for k in range(3):
        three.round("water", Space((0.0, 0.0, 100.0 * k), (100.0, 300.0, 100.0 * (k + 1))), "y")
    one.round("water", Space((0.0, 0.0, 0.0), (100.0, 300.0, 300.0)), "y")
    for x in (5.0, 30.0, 50.0, 81.0):
        assert chord(one, x) == pytest.approx(chord(three, x))


# loads and declarations -----------------------------------------------------------------------------------------------


def test_there_are_chapters_enough_and_things_enough() -> None:
    assert len(loads.CHAPTERS) >= 14
    assert len(loads.ON_PALLETS) >= 8
    assert len(goods.GOODS) >= 15
    assert set(goods.LIKE) == set(threats.FAMILIES)
    assert all(set(kinds) <= set(goods.GOODS) for kinds in goods.LIKE.values())


@pytest.mark.parametrize("chapter", loads.CHAPTERS)
def test_every_packing_of_a_chapter_fills_a_bay_and_stays_in_it(chapter: str) -> None:
    bay = Space((170.0, 174.0, 44.0), (5890.0, 2565.0, 2394.0))
    for n, pattern in enumerate(loads.CHAPTERS[chapter].packings):
        for k in range(3):
            p = Build()
            hosts = pattern(p, Dice(stream(4, chapter, n, k)), bay)
            item = p.finish("load", centred=False)
            assert len(item.ints) < 900
            points = points_in(item, 0, 12, stream(5, "points", chapter))
            assert (points >= np.array(bay.low) - 15.0).all()
            assert (points <= np.array(bay.high) + 15.0).all()
            assert all(min(host.size) > 0 for host in hosts)


@pytest.mark.parametrize("chapter", loads.CHAPTERS)
def test_an_ordinary_container_declares_what_it_holds(chapter: str) -> None:
    scene = cargo.make_scene("container", seed=39, name="o", declared=chapter)
    assert (scene.load, scene.declared) == (chapter, chapter)
    own = cargo.make_scene("container", seed=39, name=f"o{chapter}")
    assert own.load == own.declared in loads.CHAPTERS


def test_what_is_declared_is_known_without_the_scene() -> None:
    for n, threat in product(range(8), (None, "manifest_mismatch", "ivory")):
        scene = cargo.make_scene("container", seed=41, name=f"n{n}", threat=threat)
        assert cargo.declared_of(f"n{n}", seed=41, threat=threat) == scene.declared


def test_a_mismatch_shows_the_same_load_under_another_name() -> None:
    for n in range(30):
        wrong, twin = (
            cargo.make_scene("container", seed=40, name=f"m{n}", threat=threat)
            for threat in ("manifest_mismatch", None)
        )
        assert wrong.load == twin.load == twin.declared
        assert wrong.declared != wrong.load
        assert wrong.declared in loads.CHAPTERS
        assert np.array_equal(wrong.reals, twin.reals)
        assert not any(o.threat for o in wrong.objects)
    given = cargo.make_scene("container", seed=40, name="g", threat="manifest_mismatch", declared="72")
    assert given.declared == "72" != given.load


def test_what_is_declared_tells_nothing_of_a_mismatch() -> None:
    n = 1200

    def shares(threat: str | None, prefix: str) -> FloatArray:
        told = Counter(cargo.declared_of(f"{prefix}{k}", seed=41, threat=threat) for k in range(n))
        return np.array([told[chapter] / n for chapter in loads.CHAPTERS])

    apart = 0.5 * np.abs(shares("manifest_mismatch", "x") - shares(None, "y")).sum()
    assert apart < 0.12  # two draws of 1,200 from one distribution over 22 chapters differ by 0.07 to 0.1


def test_declared_empty_holds_goods_or_not() -> None:
    sensor = sensors.get("container_6mev")
    for n in range(12):
        full, twin = (
            cargo.make_scene("container", seed=42, name=f"e{n}", threat=threat, declared="empty")
            for threat in ("empty_verification", None)
        )
        assert full.declared == twin.declared == "empty"
        assert full.load in loads.CHAPTERS
        assert (twin.load, twin.threat) == ("empty", "")
        rows = full.ints[:, 4] != SLOT
        assert np.array_equal(full.reals[rows], twin.reals[twin.ints[:, 4] != SLOT])
        (found,) = label(full, sensor).threats
        assert found.threat == "empty_verification"
        assert found.area_px > 200
    assert cargo.make_scene("container", seed=42, name="e0", threat="empty_verification").declared == "empty"


def test_reefers_carry_what_is_chilled() -> None:
    for n in range(30):
        scene = cargo.make_scene("container", seed=43, name=f"r{n}")
        chilled = scene.load in loads.IN_REEFERS or scene.staging == "in_reefer_unit"
        assert scene.objects[PACKAGING].kind == ("reefer_container" if chilled else "dry_container")


def test_a_pallet_declares_its_goods_and_a_vehicle_nothing() -> None:
    scene = cargo.make_scene("pallet", seed=44, name="p", declared="69")
    assert (scene.load, scene.declared) == ("69", "69")
    assert cargo.make_scene("vehicle", seed=44, name="v").declared == ""
