"""What a screener would miss at once: curved bodies, corrugated walls that show, filled bags, round big bags."""

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy import ndimage

from xraybench import sensors
from xraybench.core.chance import stream
from xraybench.core.types import FloatArray
from xraybench.simulate import make_scene, paths, render
from xraybench.simulate.cargo import bodywork, container, stacks
from xraybench.simulate.cargo.frame import Build, Space
from xraybench.simulate.dice import Dice
from xraybench.simulate.geometry import make_texture_banks
from xraybench.simulate.items import cloth
from xraybench.simulate.parts import CREASES, Parts
from xraybench.simulate.scene import Scene

PLACE = Space((0.0, 0.0, 0.0), (4500.0, 1450.0, 1780.0))


@pytest.mark.parametrize("style", bodywork.SILHOUETTES)
def test_no_corner_of_a_vehicle_s_roof_is_sharp(style: str) -> None:
    body = bodywork.Body(style, PLACE, 310.0, (800.0, 3500.0))
    points = [at for at, _ in body.line()]
    courses = [math.atan2(b[1] - a[1], b[0] - a[0]) for a, b in pairwise(points)]
    turns = [math.degrees(abs(math.remainder(b - a, 2 * math.pi))) for a, b in pairwise(courses)]
    assert max(turns) < 27.0
    assert max(y for _, y in points) <= PLACE.high[1]


@pytest.mark.parametrize("style", bodywork.SILHOUETTES)
def test_a_vehicle_s_body_stays_in_its_place(style: str) -> None:
    body, p = bodywork.Body(style, PLACE, 310.0, (800.0, 3500.0)), Build()
    bodywork.shell(p, body)
    bodywork.wheels(p, Dice(stream(1, style)), body)
    found = p.extent(0)
    assert found is not None
    assert all(a >= b for a, b in zip(found.low, PLACE.low, strict=True))
    assert all(a <= b for a, b in zip(found.high, PLACE.high, strict=True))


def test_the_hull_of_a_square_with_points_inside_is_the_square() -> None:
    points = [(0.0, 0.0), (2.0, 0.0), (2.0, 2.0), (0.0, 2.0), (1.0, 1.0), (1.0, 0.0), (0.3, 1.9)]
    assert bodywork.hull(points) == [(0.0, 0.0), (2.0, 0.0), (2.0, 2.0), (0.0, 2.0)]


def test_a_big_bag_is_convex_and_round() -> None:
    around = stacks.bulged((0.0, 0.0), (900.0, 1000.0), 3.2, 0.01)
    courses = [math.atan2(b[1] - a[1], b[0] - a[0]) for a, b in pairwise([*around, *around[:2]])]
    turns = [math.remainder(b - a, 2 * math.pi) for a, b in pairwise(courses)]
    assert min(turns) > -1e-9
    assert math.degrees(max(turns)) < 40.0


def test_the_corrugation_of_the_walls_shows_in_an_empty_container() -> None:
    sensor = sensors.get("container_6mev")
    period_px = container.CORRUGATION_MM / 2 / sensor.geometry.pixel_mm
    shown = []
    for n in range(4):
        scene = make_scene("container", seed=3, name=f"wall{n}", threat=None, declared="empty")
        if scene.objects[0].kind != "dry_container":
            continue
        wall = render(scene, sensor, seed=0).views[0][110:230, 130:830, 0].astype(float).mean(axis=0)
        power = np.abs(np.fft.rfft((wall - wall.mean()) * np.hanning(len(wall))))
        periods = len(wall) / np.maximum(np.arange(len(power)), 1)
        fine = (periods > 8.0) & (periods < 60.0)
        shown.append(periods[fine][power[fine].argmax()])
    assert len(shown) >= 2
    assert shown == pytest.approx([period_px] * len(shown), rel=0.06)


def test_a_garment_stays_in_its_box() -> None:
    for n in range(30):
        parts = Parts()
        size = (180.0, 120.0, 70.0)
        cloth.garment(parts, Dice(stream(2, n)), (10.0, 20.0, 35.0), size)
        points = _solid_points(parts, stream(3, n))
        assert (np.abs(points - (10.0, 20.0, 35.0)) <= 0.5 * np.array(size) + 1e-6).all()


def _solid_points(parts: Parts, rng: np.random.Generator) -> FloatArray:
    item = parts.finish("garment", centred=False)
    found = []
    for row in range(len(item.ints)):
        half, local = item.reals[row, 3:6], rng.uniform(-1.0, 1.0, (60, 3)) * item.reals[row, 3:6]
        held = ((local / half) ** 2).sum(axis=1) <= 1.0 if item.ints[row, 0] == 1 else np.ones(60, bool)
        for plane in item.planes[item.ints[row, 5] : item.ints[row, 6]]:
            held &= local @ plane[:3] <= plane[3]
        found.append(item.reals[row, :3] + local[held] @ item.reals[row, 6:15].reshape(3, 3).T)
    return np.concatenate(found)


def test_bags_are_filled_from_wall_to_wall() -> None:
    shares = [_covered(make_scene("baggage", seed=4, name=f"bag{n}")) for n in range(8)]
    assert np.mean(shares) > 0.9
    assert min(shares) > 0.75


def _covered(scene: Scene) -> float:
    """Share of a bag's inside, seen from above, where what was packed is at least 10 mm deep."""
    sensor = sensors.get("baggage_140kv")
    is_goods = np.array([thing.role != "packaging" for thing in scene.objects])[scene.ints[:, 4]]
    has_parent = (scene.ints[:, 2] >= 0) & (scene.ints[scene.ints[:, 2], 1] >= 0)
    gains, loses = np.where(scene.ints[:, 1] >= 0, 0, -1), np.where(has_parent, 0, -1)
    ones, cm = np.ones(scene.n_primitives, np.float32), []
    for chosen in (is_goods, ~is_goods):
        maps = np.zeros((1, 480, 640), np.float32)
        paths.trace(scene, np.flatnonzero(chosen), sensor, maps, gains, ones, loses, ones, textured=False)
        cm.append(maps[0])
    bag = ndimage.binary_opening(cm[1] > 0.01, iterations=12)
    inside = ndimage.binary_erosion(bag, iterations=30)  # 45 mm: wheels, rails, the room between shell and lining
    return float((cm[0][inside] > 1.0).mean())


def test_creases_are_as_even_as_other_textures() -> None:
    banks = make_texture_banks()
    assert len(banks) == CREASES + 1
    assert banks[CREASES].mean() == pytest.approx(0.0, abs=0.02)
    assert banks[CREASES].std() == pytest.approx(1.0, abs=0.03)
