"""Scenes that cannot exist are refused by the path of each field."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from xraybench.core.errors import BadFile, BadValue
from xraybench.simulate import Scene, SceneObject, check_scene, make_scene, scene_from_mapping
from xraybench.simulate.parts import Parts
from xraybench.simulate.scene_check import scene_faults

Make = Callable[..., Scene]


def candle(scene_of: Make, *, inner: tuple[float, float, float] = (0.0, 0.0, 50.0)) -> Scene:
    """A block of wax with a ball of steel inside."""
    parts = Parts()
    outer = parts.box("wax", (0.0, 0.0, 50.0), (120.0, 100.0, 80.0))
    parts.ball("steel", inner, (40.0, 40.0, 30.0), inside=outer)
    return scene_of(parts.finish("candle", centred=False))


def with_value(scene: Scene, table: str, row: int, column: int, value: float) -> Scene:
    array = getattr(scene, table).copy()
    array[row, column] = value
    return replace(scene, **{table: array})


def test_a_sound_scene_passes(scene_of: Make) -> None:
    check_scene(candle(scene_of))
    scene = make_scene("mail", seed=3, name="s", threat="blade")
    assert scene_from_mapping(scene.to_dict()).to_json() == scene.to_json()


@pytest.mark.parametrize(
    ("table", "row", "column", "value", "told"),
    [
        ("reals", 1, 4, -20.0, r"reals\[1\]\.half size y: is -20 mm; a size is above 0"),
        ("reals", 0, 3, 0.0, r"reals\[0\]\.half size x: is 0 mm"),
        ("reals", 1, 2, np.nan, r"reals\[1\]\.centre z: is nan"),
        ("reals", 0, 6, 2.0, r"reals\[0\]\.rotation: is no rotation"),
        ("reals", 0, 6, 1e300, r"reals\[0\]\.rotation: is no rotation"),
        ("reals", 0, 0, 1e300, r"reals\[0\]\.centre x: is 1e\+300 mm; a length is at most 1e\+06"),
        ("reals", 0, 15, -1.0, r"reals\[0\]\.fill: is -1; .*from 0 to 10"),
        ("reals", 0, 16, 1.5, r"reals\[0\]\.texture depth: is 1\.5"),
        ("ints", 1, 0, 7, r"ints\[1\]\.kind: is 7; it is 0 \(box\)"),
        ("ints", 0, 1, 4000, r"ints\[0\]\.material: is 4000"),
        ("ints", 1, 2, 1, r"ints\[1\]\.parent: is 1; it is the row of another primitive"),
        ("ints", 1, 3, 9, r"ints\[1\]\.texture: is 9"),
        ("ints", 1, 4, 3, r"ints\[1\]\.object: is 3; the scene has objects 0 to 0"),
        ("ints", 0, 6, 2, r"ints\[0\]\.planes: are 0 to 2; the scene has 0"),
    ],
)
def test_an_impossible_number_is_refused(
    scene_of: Make, table: str, row: int, column: int, value: float, told: str
) -> None:
    with pytest.raises(BadValue, match=told):
        check_scene(with_value(candle(scene_of), table, row, column, value))


def test_two_volumes_that_displace_each_other_are_refused(scene_of: Make) -> None:
    with pytest.raises(BadValue, match=r"ints\[0\]\.parent: is 1, which displaces row 0 in turn"):
        check_scene(with_value(candle(scene_of), "ints", 0, 2, 1))


def test_a_plane_too_far_to_square_is_refused(scene_of: Make) -> None:
    scene = replace(candle(scene_of), planes=np.array([[1e300, 0.0, 0.0, 1.0]]))
    with pytest.raises(BadValue, match=r"planes\[0\]: .* has no normal of length 1"):
        check_scene(scene)


def test_what_sticks_out_of_what_it_displaces_is_refused(scene_of: Make) -> None:
    with pytest.raises(BadValue, match=r"ints\[1\]\.parent: row 1 \(ellipsoid of candle\) sticks out of row 0"):
        check_scene(candle(scene_of, inner=(55.0, 0.0, 50.0)))


def test_two_things_in_one_place_cannot_both_displace_what_was_there(scene_of: Make) -> None:
    def block(apart_mm: float) -> Scene:
        parts = Parts()
        outer = parts.box("wax", (0.0, 0.0, 50.0), (120.0, 100.0, 80.0))
        for side in (-0.5, 0.5):
            parts.ball("steel", (side * apart_mm, 0.0, 50.0), (40.0, 40.0, 30.0), inside=outer)
        return scene_of(parts.finish("block", centred=False))

    check_scene(block(40.0))  # they touch
    with pytest.raises(BadValue, match=r"row 1 \(ellipsoid of block\) and row 2 \(ellipsoid of block\) overlap"):
        check_scene(block(25.0))


SIMULATED = ("mail", "parcel", "baggage", "pallet", "container", "vehicle")


@pytest.mark.parametrize("vector", SIMULATED)
def test_a_scene_of_every_vector_with_an_impossible_value_is_refused_by_its_path(vector: str) -> None:
    scene = make_scene(vector, seed=3, name="bad")
    row = int(np.flatnonzero(scene.ints[:, 1] >= 0)[0])
    with pytest.raises(BadValue, match=rf"reals\[{row}\]\.half size z: is -3 mm; a size is above 0"):
        check_scene(with_value(scene, "reals", row, 5, -3.0))
    with pytest.raises(BadValue, match=rf"ints\[{row}\]\.material: is 999; no such material"):
        check_scene(with_value(scene, "ints", row, 1, 999))
    record = scene.to_dict()
    record["materials"][0] = "unobtainium"
    with pytest.raises(BadValue, match=r"materials\[0\]: no material is called 'unobtainium'"):
        scene_from_mapping(record)


@pytest.mark.parametrize("vector", SIMULATED)
def test_volumes_of_every_vector_that_displace_the_same_thing_twice_are_refused(vector: str) -> None:
    scene = next(
        found
        for found in (make_scene(vector, seed=3, name=f"twice{n}") for n in range(40))
        if any(_widest_child(found))
    )
    row, parent = _widest_child(scene)
    again = replace(
        scene,
        ints=np.concatenate([scene.ints, scene.ints[row : row + 1]]),
        reals=np.concatenate([scene.reals, scene.reals[row : row + 1]]),
        texture_at=np.concatenate([scene.texture_at, scene.texture_at[row : row + 1]]),
    )
    last = len(scene.ints)
    told = rf"ints\[{last}\]\.parent: row {row} .* and row {last} .* overlap, and both displace row {parent} "
    with pytest.raises(BadValue, match=told):
        check_scene(again)


def _widest_child(scene: Scene) -> tuple[int, int]:
    """The largest volume that displaces another, and that other; (0, 0) where there is none."""
    rows = np.flatnonzero(scene.ints[:, 2] >= 0)
    if not rows.size:
        return 0, 0
    row = int(rows[scene.reals[rows, 3:6].prod(axis=1).argmax()])
    return row, int(scene.ints[row, 2])


def test_words_are_those_of_the_vocabulary(scene_of: Make) -> None:
    scene = replace(candle(scene_of), vector="maill", objects=(SceneObject("candle", "slot", "gun"),))
    scene = replace(scene, threat="gun", concealment="in_pocket")
    faults = scene_faults(scene)
    assert any("concealment: is 'in_pocket'" in fault for fault in faults)
    assert any(fault.startswith("threat: is 'gun'") for fault in faults)
    assert any("vector: is 'maill'. Did you mean 'mail'" in fault for fault in faults)
    assert any("objects[0].threat: is 'gun'" in fault for fault in faults)


def test_an_unknown_material_of_a_record_is_refused_with_all_other_faults(scene_of: Make) -> None:
    record: dict[str, Any] = candle(scene_of).to_dict()
    record["materials"][record["materials"].index("wax")] = "waxx"
    record["reals"][1][3] = -1.0
    with pytest.raises(BadValue, match=r"(?s)2 faults.*materials\[\d\]: no material is called 'waxx'.*half size x"):
        scene_from_mapping(record)


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("ints", [[0, 99, -1, -1, 0, 0, 0]], r"ints\[0\]\.material: is 99; it is 0 to 1, a place in materials"),
        ("ints", [[0, -2, -1, -1, 0, 0, 0]], r"ints\[0\]\.material: is -2"),
        ("ints", [[0, 1]], r"ints\[0\]: is \[0, 1\]; it is 7 whole numbers"),
        ("ints", [[0.5, 0, -1, -1, 0, 0, 0]], r"ints\[0\]: .*it is 7 whole numbers"),
        ("ints", [[float("nan"), 0, -1, -1, 0, 0, 0]], r"ints\[0\]: .*it is 7 whole numbers"),
        ("ints", [[10**400, 0, -1, -1, 0, 0, 0]], r"ints\[0\]: .*it is 7 whole numbers"),
        ("reals", [[10**400] * 17], r"reals\[0\]: .*it is 17 numbers"),
        ("reals", [["wide"] * 17], r"reals\[0\]: .*it is 17 numbers"),
        ("objects", [["candle"]], r"objects\[0\]: is \['candle'\]; it is \[kind, role, threat, shape\]"),
        ("objects", None, "objects: is None; it is a list"),
        ("vector", None, "vector: is None; it is a text"),
        ("materials", None, "materials: is None; it is a list"),
    ],
)
def test_a_record_of_another_kind_is_refused_by_its_path(scene_of: Make, key: str, value: Any, told: str) -> None:
    with pytest.raises(BadFile, match=told):
        scene_from_mapping({**candle(scene_of).to_dict(), key: value})


def test_what_is_no_record_at_all_is_refused() -> None:
    with pytest.raises(BadFile, match="it is a table"):
        scene_from_mapping([])  # type: ignore[arg-type]
    with pytest.raises(BadFile, match="is no JSON"):
        Scene.from_json("candle")
