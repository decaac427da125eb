"""Several views, stretched travel and one energy: pictures and their labels move together."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from xraybench import sensors
from xraybench.core.sensor import Sensor
from xraybench.core.types import TRACKS
from xraybench.simulate import Scene, label, make_scene, noise_free, render, render_many
from xraybench.simulate.parts import Parts
from xraybench.simulate.paths import columns

Make = Callable[..., Scene]
CONVEYOR = sensors.get("conveyor_160kv")


def lone(parts: Parts, scene_of: Make, *, vector: str, threat: str = "blade") -> Scene:
    return scene_of(parts.finish("thing", centred=False), threat=threat, vector=vector)


def test_every_scan_has_its_views_in_the_declared_shape(sensor: Sensor) -> None:
    vector = sensor.vectors[-1]
    rendered = render(make_scene(vector, seed=8, name="v"), sensor, seed=8)
    field = sensor.field(vector)
    assert len(rendered.views) == sensor.n_views
    for view in rendered.views:
        assert view.shape == (field.height_px, field.width_px, len(TRACKS[sensor.track]))
        assert view.dtype == np.uint16
    assert len(rendered.labels.material) == sensor.n_views
    assert all(found.shape == (field.height_px, field.width_px) for found in rendered.labels.material)
    assert len(noise_free(make_scene(vector, seed=8, name="v"), sensor)) == sensor.n_views


def test_the_second_source_sees_the_item_from_the_side(scene_of: Make) -> None:
    parts = Parts()
    parts.box("steel", (30.0, 90.0, 60.0), (200.0, 40.0, 6.0))
    first, second = label(lone(parts, scene_of, vector="parcel"), CONVEYOR).threats
    assert (first.view, second.view) == (0, 1)
    assert first.box[0::2] == second.box[0::2]  # along travel nothing changes
    assert first.box[3] - first.box[1] == pytest.approx(40 / 1.5 * 1200 / (1200 - 60), abs=2)
    assert second.box[3] - second.box[1] == pytest.approx((103 * 1200 / 930 - 97 * 1200 / 970) / 1.5, abs=2)
    assert second.area_px < 0.4 * first.area_px


def test_what_is_up_is_up_in_the_side_view(scene_of: Make) -> None:
    low, high = Parts(), Parts()
    low.box("steel", (0.0, 0.0, 20.0), (60.0, 60.0, 10.0))
    high.box("steel", (0.0, 0.0, 250.0), (60.0, 60.0, 10.0))
    rows = [label(lone(parts, scene_of, vector="parcel"), CONVEYOR).threats[1].box[1] for parts in (low, high)]
    assert rows[1] < rows[0]


def test_both_views_pass_the_same_mass(scene_of: Make) -> None:
    far = replace(CONVEYOR, geometry=replace(CONVEYOR.geometry, source_height_mm=9e6))
    parts = Parts()
    parts.ball("water", (10.0, -20.0, 150.0), (120.0, 80.0, 60.0))
    scene = scene_of(parts.finish("ball", centred=False), vector="parcel")
    from xraybench.simulate.paths import path_maps

    sums = [path_maps(scene, far, (288, 288), view=view).cm.sum() for view in (0, 1)]
    assert sums[0] == pytest.approx(sums[1], rel=0.003)


def test_noise_differs_from_view_to_view_and_not_from_call_to_call() -> None:
    empty = replace(make_scene("parcel", seed=2, name="n"), ints=np.zeros((0, 7), np.int64), reals=np.zeros((0, 17)))
    empty = replace(empty, texture_at=np.zeros((0, 2), np.int64), objects=())
    a, b = (view.astype(float) for view in render(empty, CONVEYOR, seed=2).views)
    assert abs(np.corrcoef((a - a.mean()).ravel(), (b - b.mean()).ravel())[0, 1]) < 0.5  # row gains are shared
    again = render(empty, CONVEYOR, seed=2).views
    assert all(np.array_equal(x, y) for x, y in zip(again, render(empty, CONVEYOR, seed=2).views, strict=True))


# Speed


def test_a_vehicle_off_speed_is_stretched_with_its_labels(scene_of: Make) -> None:
    portal = sensors.get("vehicle_4mev")
    steady = replace(portal, artefacts=replace(portal.artefacts, stretch=0.0))
    parts = Parts()
    parts.box("steel", (0.0, 0.0, 900.0), (3200.0, 400.0, 100.0))
    widths = []
    for name in ("a", "b", "c", "d", "e", "f"):
        scene = replace(lone(parts, scene_of, vector="vehicle", threat="firearm"), name=name)
        (even,), (found,) = label(scene, steady).threats, label(scene, portal).threats
        assert even.box[2] - even.box[0] == 400
        widths.append(found.box[2] - found.box[0])
        shadow = noise_free(scene, portal)[0][0] < 0.99
        assert np.array_equal(shadow, found.mask & shadow)
        assert shadow.sum() > 0.98 * found.mask.sum()
        assert np.array_equal(render(scene, portal, seed=1).labels.threats[0].mask, found.mask)
    assert 4 < np.std(widths) < 30  # 3 % of 400 columns is 12
    assert len(set(widths)) > 3


def test_sensors_at_speeds_of_their_own_are_rendered_as_if_alone(scene_of: Make) -> None:
    portal = sensors.get("vehicle_4mev")
    steady = replace(portal, name="steady", artefacts=replace(portal.artefacts, stretch=0.0))
    parts = Parts()
    parts.box("steel", (0.0, 0.0, 900.0), (3200.0, 400.0, 100.0))
    scene = lone(parts, scene_of, vector="vehicle", threat="firearm")
    for pair in ((portal, steady), (steady, portal)):
        for sensor, together in zip(pair, render_many(scene, pair, seed=1), strict=True):
            assert np.array_equal(together.raw, render(scene, sensor, seed=1).raw)


def test_the_middle_of_a_stretched_scan_stays_and_columns_never_turn_back() -> None:
    portal = sensors.get("vehicle_4mev")
    for name in ("a", "b", "c"):
        scene = replace(make_scene("mail", seed=1, name="x"), name=name, vector="vehicle")
        at = columns(scene, portal, 704)
        assert at[352] == 352.0
        assert (np.diff(at) > 0.7).all()
        assert np.array_equal(at, columns(scene, portal, 704))


# One energy, company


def test_a_scanner_of_one_energy_gives_the_same_counts_twice(scene_of: Make) -> None:
    parts = Parts()
    parts.box("steel", (0.0, 0.0, 900.0), (2000.0, 400.0, 60.0))
    raw = render(lone(parts, scene_of, vector="vehicle"), sensors.get("vehicle_4mev"), seed=3).raw
    assert np.array_equal(raw[..., 0], raw[..., 1])


def test_makes_of_one_geometry_share_labels_and_nothing_else() -> None:
    makes = [sensors.get(name) for name in ("mail_160kv", "mail_140kv", "mail_120kv")]
    scene = make_scene("mail", seed=5, name="t", threat="blade")
    together = render_many(scene, makes, seed=5)
    assert all(np.array_equal(r.labels.threats[0].mask, together[0].labels.threats[0].mask) for r in together)
    for sensor, rendered in zip(makes, together, strict=True):
        assert np.array_equal(rendered.raw, render(scene, sensor, seed=5).raw)


@pytest.mark.parametrize("name", ["mail_160kv", "conveyor_160kv"])
def test_the_fast_engine_differs_by_at_most_one_count(name: str) -> None:
    scene = make_scene("parcel", seed=6, name="e", threat="currency")
    strict, fast = (render(scene, sensors.get(name), seed=6, engine=engine).views for engine in ("strict", "fast"))
    for a, b in zip(strict, fast, strict=True):
        assert np.abs(a.astype(int) - b).max() <= 1
