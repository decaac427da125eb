"""Scenes: kinds enough, each with variation, and nothing beside the slot that tells a threat item from a benign one."""

import math
from collections import Counter
from itertools import combinations

import numpy as np
import pytest

from xraybench.core import vocabulary
from xraybench.core.chance import stream
from xraybench.core.errors import BadValue, UnknownName
from xraybench.core.sensor import Sensor
from xraybench.simulate import CONCEALMENTS, THREATS, VECTORS, Scene, label, make_scene, render
from xraybench.simulate.dice import Dice
from xraybench.simulate.items import goods, threats
from xraybench.simulate.parts import Item
from xraybench.simulate.render import path_maps

ROOM = (200.0, 160.0, 90.0)


def pair_of(vector: str, n: int) -> tuple[Scene, Scene]:
    """A threat item and a benign one of other names: the threats and concealments in turn, the benign staged alike."""
    threat, concealment = THREATS[n % len(THREATS)], CONCEALMENTS[n // len(THREATS) % len(CONCEALMENTS)]
    return (
        make_scene(vector, seed=12, name=f"t{n}", threat=threat, concealment=concealment),
        make_scene(vector, seed=12, name=f"b{n}", concealment=concealment),
    )


def silhouette_of(item: Item, scene_of, sensor: Sensor) -> np.ndarray:  # type: ignore[no-untyped-def]
    """The shadow of an item that stands alone in the middle of the field."""
    return path_maps(scene_of(item), sensor, (160, 160)).cm.sum(axis=0) > 1e-4


def likeness(a: np.ndarray, b: np.ndarray) -> float:
    """Shared over joint area."""
    return float((a & b).sum() / (a | b).sum())


def test_all_words_are_of_the_vocabulary() -> None:
    assert set(VECTORS) <= set(vocabulary.names("vector"))
    assert set(THREATS) <= set(vocabulary.names("threat"))
    for vector in VECTORS:
        assert set(CONCEALMENTS) <= set(vocabulary.concealments_on(vector))
    assert len(THREATS) >= 4
    assert len(CONCEALMENTS) >= 4


@pytest.mark.parametrize("vector", VECTORS)
def test_many_kinds_of_goods_occur_and_none_rules(vector: str) -> None:
    scenes = [make_scene(vector, seed=13, name=f"k{n}") for n in range(250)]
    kinds = Counter(o.kind for scene in scenes for o in scene.objects if o.role in ("goods", "slot"))
    assert len([kind for kind, n in kinds.items() if n >= 3]) >= 10
    assert max(kinds.values()) < 0.25 * kinds.total()


@pytest.mark.parametrize("threat", THREATS)
def test_each_threat_comes_in_several_makes(threat: str) -> None:
    items = [threats.build(threat, Dice(stream(n, "makes", threat)), ROOM) for n in range(30)]
    assert len({(item.kind, len(item.ints), frozenset(item.ints[:, 1].tolist())) for item in items}) >= 5


@pytest.mark.parametrize("kind", [*goods.GOODS, *threats.BUILDERS])
def test_two_of_a_kind_differ_in_shape(scene_of, mail_160kv: Sensor, kind: str) -> None:  # type: ignore[no-untyped-def]
    build = goods.build if kind in goods.GOODS else threats.build
    shadows = [
        silhouette_of(build(kind, Dice(stream(n, "variation", kind)), ROOM), scene_of, mail_160kv) for n in range(6)
    ]
    alike = [likeness(a, b) for a, b in combinations(shadows, 2)]
    assert all(shadow.any() for shadow in shadows)
    assert np.mean(alike) < 0.9


@pytest.mark.parametrize("threat", THREATS)
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
    assert np.std(width * height) > 0.25 * np.mean(width * height)


@pytest.mark.parametrize("vector", VECTORS)
def test_the_benign_twin_has_the_same_package_and_the_same_place(vector: str) -> None:
    for n in range(20):
        threat, benign = (
            make_scene(vector, seed=15, name=f"w{n}", threat=which, concealment="in_layers")
            for which in ("blade", None)
        )
        assert threat.objects[0] == benign.objects[0]
        assert threat.staging == benign.staging == "in_layers"
        assert [o.role for o in threat.objects if o.role in ("cover", "slot")] == ["cover", "slot"]
        assert [o.role for o in benign.objects if o.role in ("cover", "slot")] == ["cover", "slot"]


@pytest.mark.parametrize("concealment", CONCEALMENTS)
@pytest.mark.parametrize("vector", VECTORS)
def test_threat_items_hold_as_many_goods_as_benign_ones(vector: str, concealment: str) -> None:
    n_pairs = 160

    def n_goods(name: str, threat: str | None) -> int:
        scene = make_scene(vector, seed=16, name=name, threat=threat, concealment=concealment)
        return sum(o.role == "goods" for o in scene.objects)

    with_threat = np.array([n_goods(f"t{n}", THREATS[n % len(THREATS)]) for n in range(n_pairs)])
    benign = np.array([n_goods(f"b{n}", None) for n in range(n_pairs)])
    error = math.sqrt((with_threat.var() + benign.var()) / n_pairs)
    assert abs(with_threat.mean() - benign.mean()) < 3 * error + 0.05


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


@pytest.mark.parametrize("vector", VECTORS)
def test_facts_of_the_file_do_not_give_the_threat_away(mail_160kv: Sensor, vector: str) -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    n_pairs = 200
    scenes = [scene for n in range(n_pairs) for scene in pair_of(vector, n)]
    facts = np.array([facts_of(scene, mail_160kv) for scene in scenes])
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
    with pytest.raises(BadValue, match="makes no threat 'ivory' yet"):
        make_scene("mail", seed=0, name="a", threat="ivory")
