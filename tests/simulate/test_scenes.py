"""Scenes: kinds enough, each with variation, and nothing beside the slot that tells a threat item from a benign one."""

import math
from collections import Counter
from itertools import combinations

import numpy as np
import pytest

from xraybench import sensors
from xraybench.core import vocabulary
from xraybench.core.chance import stream
from xraybench.core.errors import BadValue, UnknownName
from xraybench.core.sensor import Sensor
from xraybench.simulate import (
    CONCEALMENTS_OF,
    THREATS_OF,
    VECTORS,
    Scene,
    cargo,
    label,
    make_scene,
    render,
    scene_check,
)
from xraybench.simulate.dice import Dice
from xraybench.simulate.items import goods, threats
from xraybench.simulate.packing import ROOM_MM
from xraybench.simulate.parts import Item
from xraybench.simulate.paths import path_maps

ROOM = (200.0, 160.0, 90.0)
PACKED = ("mail", "parcel", "baggage")
CELLS = [(vector, threat) for vector in PACKED for threat in THREATS_OF[vector]]
HIDDEN = [(vector, concealment) for vector in PACKED for concealment in CONCEALMENTS_OF[vector]]
USUAL = {
    "mail": ("firearm", "blade", "powder_drugs", "currency"),
    "parcel": ("firearm", "blade", "powder_drugs", "currency"),
    "baggage": ("firearm", "ammunition", "blade", "explosive", "pills"),
}
SENSOR = {"mail": "mail_160kv", "parcel": "mail_160kv", "baggage": "baggage_140kv"}


def pair_of(vector: str, n: int) -> tuple[Scene, Scene]:
    """A threat item and a benign one of other names: the threats and concealments in turn, the benign staged alike."""
    usual, hidden = USUAL[vector], CONCEALMENTS_OF[vector]
    threat, concealment = usual[n % len(usual)], hidden[n // len(usual) % len(hidden)]
    return (
        make_scene(vector, seed=12, name=f"t{n}", threat=threat, concealment=concealment),
        make_scene(vector, seed=12, name=f"b{n}", concealment=concealment),
    )


def twins(vector: str, name: str, threat: str, concealment: str, shapes: str = "seen") -> tuple[Scene, Scene]:
    """A threat item, and the benign one of the same seed, name and concealment."""
    return (
        make_scene(vector, seed=15, name=name, threat=threat, concealment=concealment, shapes=shapes),
        make_scene(vector, seed=15, name=name, concealment=concealment, shapes=shapes),
    )


def silhouette_of(item: Item, scene_of, sensor: Sensor) -> np.ndarray:  # type: ignore[no-untyped-def]
    """The shadow of an item that stands alone in the middle of the field."""
    return path_maps(scene_of(item), sensor, (160, 160)).cm.sum(axis=0) > 1e-4


def likeness(a: np.ndarray, b: np.ndarray) -> float:
    """Shared over joint area."""
    return float((a & b).sum() / (a | b).sum())


def test_all_words_are_of_the_vocabulary() -> None:
    assert set(VECTORS) == set(THREATS_OF) == set(CONCEALMENTS_OF)
    assert set(VECTORS) <= set(vocabulary.names("vector"))
    for vector in VECTORS:
        assert set(THREATS_OF[vector]) <= set(vocabulary.names("threat"))
        assert set(CONCEALMENTS_OF[vector]) <= set(vocabulary.concealments_on(vector))
    assert len({threat for all_of in THREATS_OF.values() for threat in all_of}) >= 12


def test_the_tables_of_cargo_say_the_same() -> None:
    for vector in cargo.VECTORS:
        assert cargo.THREATS_OF[vector] == THREATS_OF[vector]
        assert cargo.CONCEALMENTS_OF[vector] == CONCEALMENTS_OF[vector]


@pytest.mark.parametrize("vector", PACKED)
def test_many_kinds_of_goods_occur_and_none_rules(vector: str) -> None:
    scenes = [make_scene(vector, seed=13, name=f"k{n}") for n in range(250)]
    kinds = Counter(o.kind for scene in scenes for o in scene.objects if o.role in ("goods", "slot"))
    assert len([kind for kind, n in kinds.items() if n >= 3]) >= 25
    assert max(kinds.values()) < 0.25 * kinds.total()


@pytest.mark.parametrize("shapes", vocabulary.SHAPES)
@pytest.mark.parametrize("threat", threats.FAMILIES)
def test_each_threat_comes_in_several_makes(threat: str, shapes: str) -> None:
    items = [threats.build(threat, Dice(stream(n, "makes", threat)), ROOM, shapes) for n in range(30)]
    assert len({(item.kind, len(item.ints), frozenset(item.ints[:, 1].tolist())) for item in items}) >= 4


@pytest.mark.parametrize("kind", [*goods.GOODS, *threats.FAMILIES])
def test_two_of_a_kind_differ_in_shape(scene_of, mail_160kv: Sensor, kind: str) -> None:  # type: ignore[no-untyped-def]
    build = goods.build if kind in goods.GOODS else threats.build
    shadows = [
        silhouette_of(build(kind, Dice(stream(n, "variation", kind)), ROOM), scene_of, mail_160kv) for n in range(6)
    ]
    alike = [likeness(a, b) for a, b in combinations(shadows, 2)]
    assert all(shadow.any() for shadow in shadows)
    assert np.mean(alike) < 0.93


@pytest.mark.parametrize("threat", USUAL["parcel"])
def test_a_threat_lies_in_any_pose(mail_160kv: Sensor, threat: str) -> None:
    boxes = [
        label(make_scene("parcel", seed=14, name=f"q{n}", threat=threat, concealment="undeclared"), mail_160kv)
        .threats[0]
        .box
        for n in range(24)
    ]
    width, height = np.array([(x1 - x0, y1 - y0) for x0, y0, x1, y1 in boxes]).T
    assert (width > height).any()
    assert (width < height).any()
    assert np.std(width * height) > 0.15 * np.mean(width * height)


@pytest.mark.parametrize(("vector", "threat"), CELLS)
def test_the_benign_twin_differs_in_the_slot_alone(vector: str, threat: str) -> None:
    for n, concealment in enumerate(CONCEALMENTS_OF[vector]):
        guilty, benign = twins(vector, f"w{n}", threat, concealment, vocabulary.SHAPES[n % 2])
        assert [o for o in guilty.objects if o.role != "slot"] == [o for o in benign.objects if o.role != "slot"]
        assert [o.role for o in guilty.objects] == [o.role for o in benign.objects]
        around = []
        for scene in (guilty, benign):
            number = [o.role for o in scene.objects].index("slot")
            rows = scene.ints[:, 4] != number
            assert (~rows).any()
            assert not (scene.ints[:, 2][rows] >= 0)[scene.ints[scene.ints[:, 2][rows], 4] == number].any()
            around.append((scene.ints[rows][:, [0, 1, 3, 4]], scene.reals[rows], scene.texture_at[rows]))
        for ours, theirs in zip(*around, strict=True):
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(("vector", "threat"), CELLS)
def test_every_threat_is_inside_its_package_and_the_field(vector: str, threat: str) -> None:
    sensor = sensors.get(SENSOR[vector])
    for n, concealment in enumerate(CONCEALMENTS_OF[vector]):
        shapes = vocabulary.SHAPES[n % 2]
        scene = make_scene(vector, seed=21, name=f"i{n}", threat=threat, concealment=concealment, shapes=shapes)
        assert scene_check.scene_faults(scene) == []
        (found,) = label(scene, sensor).threats
        assert (found.threat, found.concealment, found.shape) == (threat, concealment, shapes)
        height, width = found.mask.shape
        assert found.box[0] > 0
        assert found.box[1] > 0
        assert found.box[2] < width
        assert found.box[3] < height
        assert found.area_px * sensor.pixel_mm**2 > 300.0
        low, high = extent_of(scene, "slot")
        outer_low, outer_high = extent_of(scene, "packaging")
        assert (low > outer_low - 3.0).all()
        assert (high < outer_high + 3.0).all()


def extent_of(scene: Scene, role: str) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest corner of all things of one role."""
    numbers = [n for n, thing in enumerate(scene.objects) if thing.role == role]
    rows = np.isin(scene.ints[:, 4], numbers) & (scene.ints[:, 1] >= 0)
    reach = np.einsum("nij,nj->ni", np.abs(scene.reals[rows, 6:15].reshape(-1, 3, 3)), scene.reals[rows, 3:6])
    return (scene.reals[rows, :3] - reach).min(axis=0), (scene.reals[rows, :3] + reach).max(axis=0)


@pytest.mark.parametrize("vector", PACKED)
def test_every_item_lies_wholly_in_the_field_and_on_the_belt(vector: str) -> None:
    field_x, field_y, source = ROOM_MM[vector]
    for n in range(60):
        scene = make_scene(vector, seed=22, name=f"f{n}")
        low, high = extent_of(scene, "packaging")
        thrown = source / (source - high[2])
        assert low[2] >= -0.5
        assert max(-low[0], high[0]) <= field_x / 2 + 60.0 * (vector == "baggage")  # wheels, handles
        assert max(-low[1], high[1]) * thrown <= field_y / 2 + 60.0 * (vector == "baggage")


@pytest.mark.parametrize(("vector", "concealment"), HIDDEN)
def test_threat_items_hold_as_many_goods_as_benign_ones(vector: str, concealment: str) -> None:
    n_pairs = 100

    def n_goods(name: str, threat: str | None) -> int:
        scene = make_scene(vector, seed=16, name=name, threat=threat, concealment=concealment)
        return sum(o.role == "goods" for o in scene.objects)

    usual = USUAL[vector]
    with_threat = np.array([n_goods(f"t{n}", usual[n % len(usual)]) for n in range(n_pairs)])
    benign = np.array([n_goods(f"b{n}", None) for n in range(n_pairs)])
    error = math.sqrt((with_threat.var() + benign.var()) / n_pairs)
    assert abs(with_threat.mean() - benign.mean()) < 3 * error + 0.05


@pytest.mark.parametrize("vector", PACKED)
def test_what_stands_in_the_slot_of_a_benign_item_is_of_like_size(vector: str) -> None:
    def footprint(scene: Scene) -> float:
        low, high = extent_of(scene, "slot")
        return float((high - low)[0] * (high - low)[1])

    pairs = [pair_of(vector, n) for n in range(120)]
    guilty, benign = (np.array([footprint(pair[k]) for pair in pairs]) for k in (0, 1))
    assert 0.6 < np.median(benign) / np.median(guilty) < 1.67


@pytest.mark.parametrize("vector", PACKED)
def test_a_scene_is_the_same_for_the_same_words_and_goes_through_json(vector: str) -> None:
    for shapes in vocabulary.SHAPES:
        scene, again = (
            make_scene(vector, seed=23, name="d", threat="firearm", concealment="masked", shapes=shapes)
            for _ in range(2)
        )
        assert scene.to_json() == again.to_json()
        back = Scene.from_json(scene.to_json())
        assert back.to_json() == scene.to_json()
        assert back.objects == scene.objects
        assert [o.shape for o in back.objects if o.threat] == [shapes]
        assert (back.load, back.declared) == ("", "")


def test_many_scenes_are_possible() -> None:
    for vector in PACKED:
        for n in range(60):
            assert scene_check.scene_faults(make_scene(vector, seed=24, name=f"p{n}")) == []


def facts_of(scene: Scene, sensor: Sensor) -> list[float]:
    """What the file tells of a scan without a look at the item: borders, empty corners, size, count, name."""
    raw = render(scene, sensor, seed=12).raw.astype(float)
    rim = np.concatenate([raw[0], raw[-1], raw[:, 0], raw[:, -1]])
    corners = np.concatenate([raw[:10, :10], raw[:10, -10:], raw[-10:, :10], raw[-10:, -10:]])
    background = np.log(sensor.open_beam / np.maximum(raw[[1, 2, 3, -4, -3, -2]], 1.0))
    jumps = np.diff(corners, axis=1)
    return [
        *rim.mean(axis=0), *rim.std(axis=0), *rim.min(axis=0), *rim.max(axis=0),
        *corners.mean(axis=(0, 1)), *corners.std(axis=(0, 1)), *jumps.std(axis=(0, 1)),
        *background.sum(axis=(0, 1)), *raw[100].std(axis=0) - raw[101].std(axis=0), *raw.shape,
        sum(o.role == "goods" for o in scene.objects), len(scene.objects), len(scene.name), len(scene.objects[0].kind),
    ]  # fmt: skip


@pytest.mark.parametrize("vector", PACKED)
def test_facts_of_the_file_do_not_give_the_threat_away(vector: str) -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    n_pairs = 200 if vector != "baggage" else 60
    scenes = [scene for n in range(n_pairs) for scene in pair_of(vector, n)]
    facts = np.array([facts_of(scene, sensors.get(SENSOR[vector])) for scene in scenes])
    has_threat = np.array([bool(scene.threat) for scene in scenes])
    probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=500))
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    score = cross_val_predict(probe, facts, has_threat, cv=folds, method="predict_proba")[:, 1]
    error = math.sqrt((2 * n_pairs + 1) / (12 * n_pairs**2))  # of the area, where there is nothing to find
    assert abs(roc_auc_score(has_threat, score) - 0.5) < 3 * error


def test_a_word_the_simulator_does_not_know_gets_the_nearest() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'firearm'"):
        make_scene("mail", seed=0, name="a", threat="firearms")
    with pytest.raises(UnknownName, match="Did you mean 'parcel'"):
        make_scene("parcels", seed=0, name="a")
    with pytest.raises(UnknownName, match="Did you mean 'masked'"):
        make_scene("mail", seed=0, name="a", concealment="mask")


def test_a_known_word_that_does_not_fit_the_vector_gets_what_does() -> None:
    with pytest.raises(BadValue, match=r"makes no threat 'alcohol' in mail\. It makes: firearm"):
        make_scene("mail", seed=0, name="a", threat="alcohol")
    with pytest.raises(BadValue, match=r"makes no concealment 'rip_on_off' in baggage\. It makes: undeclared"):
        make_scene("baggage", seed=0, name="a", concealment="rip_on_off")
    with pytest.raises(BadValue, match="makes no vector 'rail'"):
        make_scene("rail", seed=0, name="a")
    with pytest.raises(BadValue, match="shapes is 'new'; it is one of: seen, unseen"):
        make_scene("mail", seed=0, name="a", shapes="new")
    with pytest.raises(BadValue, match="nothing is declared of parcel"):
        make_scene("parcel", seed=0, name="a", declared="72")


def boxes_of(scene: Scene) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Lowest and highest corners in the package's own frame: by role, of all `things`, and each piece of `fill`."""
    own = scene.reals[scene.ints[:, 4] == 0][0, 6:15].reshape(3, 3)
    rotation = own.T @ scene.reals[:, 6:15].reshape(-1, 3, 3)
    reach = np.einsum("nij,nj->ni", np.abs(rotation), scene.reals[:, 3:6])
    low, high = scene.reals[:, :3] @ own - reach, scene.reals[:, :3] @ own + reach
    is_soft = np.array([thing.kind in ("void_fill", "soft_fill") for thing in scene.objects])[scene.ints[:, 4]]
    found: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {"goods": [], "cover": [], "slot": []}
    for n, thing in enumerate(scene.objects):
        rows = (scene.ints[:, 4] == n) & (scene.ints[:, 1] >= 0) & ~is_soft
        if thing.role in found and rows.any():
            found[thing.role].append((low[rows].min(axis=0), high[rows].max(axis=0)))
    lows, highs = (
        {role: np.array([b[k] for b in boxes]).reshape(-1, 3) for role, boxes in found.items()} for k in (0, 1)
    )
    both = {role: (lows[role], highs[role]) for role in found}
    return (
        both
        | {"things": (np.concatenate([*lows.values()]), np.concatenate([*highs.values()]))}
        | {"fill": (low[is_soft], high[is_soft])}
    )


@pytest.mark.parametrize("vector", ["parcel", "baggage"])
def test_goods_rest_on_something_and_fill_stands_inside_nothing(vector: str) -> None:
    floor, hanging = (6.0 if vector == "parcel" else 50.0), []
    shares = np.stack(np.meshgrid(*[(np.arange(12) + 0.5) / 12] * 2), axis=-1).reshape(-1, 1, 2)
    for n in range(30):
        found = boxes_of(make_scene(vector, seed=25, name=f"h{n}"))
        (low, high), (soft_low, soft_high) = found["things"], found["fill"]
        shared = np.minimum(high[:, None], soft_high) - np.maximum(low[:, None], soft_low)
        assert shared.min(axis=2).max(initial=0.0) < 0.05
        below_low, below_high = np.concatenate([low, soft_low]), np.concatenate([high, soft_high])
        for a, b in zip(*found["goods"], strict=True):
            spots = a[:2] + shares * (b - a)[:2]
            over = ((spots >= below_low[:, :2]) & (spots <= below_high[:, :2])).all(axis=2)
            holds = (below_low[:, 2] < a[2] - 0.5) & (below_high[:, 2] > a[2] - 6.5)
            hanging.append(a[2] > floor + 6.5 and (over & holds).any(axis=1).mean() < 0.15)
    assert np.mean(hanging) < 0.04


def test_a_parcel_of_packs_holds_many_alike_and_its_twin_mostly_one_more_of_them() -> None:
    same_ware = []
    for n in range(30):
        guilty, benign = twins("parcel", f"l{n}", "powder_drugs", "in_load")
        number = [thing.role for thing in benign.objects].index("slot")
        sizes = guilty.reals[(guilty.ints[:, 4] == number - 1) & (guilty.ints[:, 2] < 0), 3:6]
        assert 6 <= len(sizes) <= 24
        assert len(np.unique(sizes, axis=0)) == 1
        inside = benign.ints[benign.ints[:, 4] == number, 1]
        same_ware.append(len(inside) == 1 and inside[0] in benign.ints[benign.ints[:, 4] == number - 1, 1])
    assert 20 <= sum(same_ware) < 30  # an innocent thing stands among the packs now and then
