"""Path lengths against the geometry of the schoolbook, and against a second, slow ray tracer."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from xraybench.core.sensor import Sensor
from xraybench.simulate import Scene, label
from xraybench.simulate.geometry import BOX, CYLINDER, ELLIPSOID
from xraybench.simulate.parts import Parts, compose, tilt, yaw
from xraybench.simulate.render import path_maps

FIELD = (160, 160)
PIXEL_MM = 1.6


@pytest.fixture
def far(mail_160kv: Sensor) -> Sensor:
    """A source so far away that its rays are parallel: a pixel sees one column of the item."""
    return replace(mail_160kv, geometry=replace(mail_160kv.geometry, source_height_mm=1e7))


@pytest.fixture
def fine(far: Sensor) -> Sensor:
    """Parallel rays through pixels half as wide."""
    return replace(far, geometry=replace(far.geometry, pixel_mm=PIXEL_MM / 2))


def map_of(scene: Scene, sensor: Sensor, material: str, *, field: tuple[int, int] = FIELD) -> np.ndarray:
    """Path map of one material in mm."""
    paths = path_maps(scene, sensor, field)
    return 10.0 * paths.cm[paths.materials.index(material)].astype(float)


def volume_of(scene: Scene, fine: Sensor) -> float:
    """All of its paths added up, in mm3."""
    return float(map_of(scene, fine, "water", field=(320, 320)).sum() * fine.pixel_mm**2)


def pixel_centres_mm() -> tuple[np.ndarray, np.ndarray]:
    y, x = (np.indices(FIELD) - 79.5) * PIXEL_MM
    return x, y


def test_a_ball_is_as_deep_as_its_chords(scene_of: Callable[..., Scene], far: Sensor) -> None:
    """V5. Source: elementary geometry."""
    parts = Parts()
    parts.ball("water", (10.0, -5.0, 60.0), (100.0, 100.0, 100.0))
    x, y = pixel_centres_mm()
    off_axis = np.hypot(x - 10.0, y + 5.0)
    chord = 2 * np.sqrt(np.maximum(50.0**2 - off_axis**2, 0.0))
    inner = off_axis < 45.0
    assert map_of(scene_of(parts.finish("ball", centred=False)), far, "water")[inner] == pytest.approx(
        chord[inner], rel=0.002
    )


def test_a_slanted_ray_through_a_plate_is_longer_by_its_slant(
    scene_of: Callable[..., Scene], mail_160kv: Sensor
) -> None:
    parts = Parts()
    parts.box("steel", (0.0, 0.0, 5.0), (400.0, 600.0, 2.0))
    _, y = pixel_centres_mm()
    slant = np.hypot(1.0, y / mail_160kv.geometry.source_height_mm)
    assert map_of(scene_of(parts.finish("plate")), mail_160kv, "steel") == pytest.approx(2.0 * slant, rel=1e-4)


def test_only_the_rows_are_magnified_by_height(scene_of: Callable[..., Scene], mail_160kv: Sensor) -> None:
    parts = Parts()
    parts.box("steel", (0.0, 0.0, 300.0), (64.0, 64.0, 0.2))
    shadow = map_of(scene_of(parts.finish("plate", centred=False)), mail_160kv, "steel") > 0.1
    assert shadow.any(axis=0).sum() == 40  # 64 mm in columns of 1.6 mm
    assert shadow.any(axis=1).sum() == 60  # 900 / (900 - 300) times as many rows


SOLIDS = {
    "sphere": (ELLIPSOID, (90.0, 90.0, 90.0), math.pi / 6 * 90.0**3),
    "ellipsoid": (ELLIPSOID, (120.0, 60.0, 30.0), math.pi / 6 * 120.0 * 60.0 * 30.0),
    "box": (BOX, (110.0, 70.0, 40.0), 110.0 * 70.0 * 40.0),
    "cylinder": (CYLINDER, (60.0, 60.0, 130.0), math.pi / 4 * 60.0**2 * 130.0),
    "elliptic cylinder": (CYLINDER, (80.0, 40.0, 90.0), math.pi / 4 * 80.0 * 40.0 * 90.0),
}
TURNS = {  # none in line with the pixels, whose edges would be sampled all alike
    "lying": yaw(0.3),
    "tilted": compose(yaw(2.1), tilt(0.9, -0.5)),
    "on its side": compose(yaw(0.7), tilt(math.pi / 2, 0.0)),
    "on its end": compose(yaw(1.2), tilt(0.0, math.pi / 2)),
}


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("solid", SOLIDS)
def test_paths_add_up_to_the_volume_in_any_pose(
    scene_of: Callable[..., Scene], fine: Sensor, solid: str, turn: str
) -> None:
    """V5, within 0.1 %. Source: the volumes of the schoolbook."""
    kind, size, volume_mm3 = SOLIDS[solid]
    parts = Parts()
    parts.add(kind, "water", (3.3, -7.1, 90.0), size, turn=TURNS[turn])
    assert volume_of(scene_of(parts.finish(solid, centred=False)), fine) == pytest.approx(volume_mm3, rel=0.001)


def test_a_prism_has_the_volume_of_its_polygon(scene_of: Callable[..., Scene], fine: Sensor) -> None:
    corners = ((-40.0, -30.0), (50.0, -22.0), (61.0, 15.0), (0.0, 44.0), (-47.0, 20.0))
    x, y = np.array(corners).T
    area_mm2 = 0.5 * float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))  # the shoelace
    parts = Parts()
    parts.prism("water", corners, 10.0, 35.0)
    assert volume_of(scene_of(parts.finish("prism", centred=False)), fine) == pytest.approx(area_mm2 * 25.0, rel=0.001)


def test_a_thing_inside_another_displaces_it(scene_of: Callable[..., Scene], mail_160kv: Sensor) -> None:
    def maps(*, filled: bool) -> tuple[np.ndarray, ...]:
        parts = Parts()
        outer = parts.box("wax", (0.0, 0.0, 50.0), (120.0, 100.0, 80.0))
        if filled:
            parts.ball("steel", (12.0, 8.0, 50.0), (40.0, 50.0, 30.0), inside=outer)
        scene = scene_of(parts.finish("candle"))
        return map_of(scene, mail_160kv, "wax"), map_of(scene, mail_160kv, "steel") if filled else np.zeros(FIELD)

    (plain, _), (around, ball) = maps(filled=False), maps(filled=True)
    assert ball.max() > 25.0
    assert around + ball == pytest.approx(plain, abs=1e-3)


def test_a_hole_takes_and_adds_nothing(scene_of: Callable[..., Scene], far: Sensor) -> None:
    parts = Parts()
    parts.shell("cardboard", (0.0, 0.0, 50.0), (100.0, 80.0, 60.0), 4.0)
    paths_mm = map_of(scene_of(parts.finish("carton")), far, "cardboard")
    assert paths_mm[80, 80] == pytest.approx(8.0, abs=1e-3)  # two walls
    assert paths_mm.sum() * PIXEL_MM**2 == pytest.approx(100 * 80 * 60 - 92 * 72 * 52, rel=0.001)


def test_what_a_half_full_thing_displaces_counts_half(scene_of: Callable[..., Scene], far: Sensor) -> None:
    parts = Parts()
    outer = parts.box("cotton", (0.0, 0.0, 50.0), (100.0, 100.0, 80.0), fill=0.5)
    parts.box("steel", (0.0, 0.0, 50.0), (40.0, 40.0, 20.0), inside=outer)
    cotton_mm = map_of(scene_of(parts.finish("pullover")), far, "cotton")
    assert cotton_mm[80, 80] == pytest.approx(0.5 * (80.0 - 20.0), abs=1e-3)
    assert cotton_mm[50, 80] == pytest.approx(0.5 * 80.0, abs=1e-3)


def slow_paths_mm(scene: Scene, sensor: Sensor, n_rays: int) -> np.ndarray:
    """Path of the scene's only primitive in double precision, ray by ray, each axis of a pixel cut into `n_rays`."""
    centre, half = scene.reals[0, :3], scene.reals[0, 3:6]
    rotation = scene.reals[0, 6:15].reshape(3, 3)
    cut_y, cut_x = ((np.arange(n * n_rays) + 0.5) / n_rays - n / 2 for n in FIELD)
    belt_y, belt_x = np.meshgrid(cut_y * sensor.pixel_mm, cut_x * sensor.pixel_mm, indexing="ij")
    height = np.full_like(belt_x, sensor.geometry.source_height_mm)
    start = np.stack([belt_x, np.zeros_like(belt_x), height], axis=-1)
    way = np.stack([np.zeros_like(belt_x), belt_y, -height], axis=-1)
    way /= np.linalg.norm(way, axis=-1, keepdims=True)
    o, d = ((start - centre) @ rotation) / half, (way @ rotation) / half  # in a unit frame, distances still in mm
    near, far = np.full(belt_x.shape, -np.inf), np.full(belt_x.shape, np.inf)
    n_round = {BOX: 0, CYLINDER: 2, ELLIPSOID: 3}[int(scene.ints[0, 0])]
    with np.errstate(divide="ignore", invalid="ignore"):
        if n_round:
            a = (d[..., :n_round] ** 2).sum(-1)
            b = (o[..., :n_round] * d[..., :n_round]).sum(-1)
            c = (o[..., :n_round] ** 2).sum(-1) - 1.0
            root = np.sqrt(np.maximum(b * b - a * c, 0.0))
            near, far = np.maximum(near, (-b - root) / a), np.minimum(far, (-b + root) / a)
        for k in range(n_round, 3):
            low, high = (-1.0 - o[..., k]) / d[..., k], (1.0 - o[..., k]) / d[..., k]
            near, far = np.maximum(near, np.minimum(low, high)), np.minimum(far, np.maximum(low, high))
        for nx, ny, nz, most in scene.planes:
            normal = np.array([nx, ny, nz]) * half
            at, along = most - o @ normal, d @ normal
            far = np.where(along > 0, np.minimum(far, at / along), far)
            near = np.where(along < 0, np.maximum(near, at / along), near)
    paths = np.maximum(far - near, 0.0)
    return paths.reshape(FIELD[0], n_rays, FIELD[1], n_rays).mean(axis=(1, 3))


@pytest.mark.parametrize("case", range(12))
def test_a_slow_ray_tracer_finds_the_same_paths(scene_of: Callable[..., Scene], mail_160kv: Sensor, case: int) -> None:
    rng = np.random.default_rng(case)
    turn = compose(yaw(rng.uniform(0, 6)), tilt(rng.uniform(-1.5, 1.5), rng.uniform(-1.5, 1.5)))
    at, size = (*rng.uniform(-60, 60, 2), rng.uniform(40, 120)), tuple(rng.uniform(12, 90, 3))
    planes = []
    if case >= 6:  # cut by two random half-spaces
        for normal in rng.standard_normal((2, 3)):
            normal /= np.linalg.norm(normal)
            planes.append((*normal, rng.uniform(0.0, 8.0)))
    parts = Parts()
    parts.add((BOX, ELLIPSOID, CYLINDER)[case % 3], "water", at, size, turn=turn, planes=planes)
    scene = scene_of(parts.finish("thing", centred=False))
    ours = map_of(scene, mail_160kv, "water")
    assert ours.max() > 5.0
    assert ours == pytest.approx(slow_paths_mm(scene, mail_160kv, 2), abs=0.05)


@pytest.mark.parametrize("diameter_mm", [0.05, 0.2, 0.7, 1.5, 4.0])
@pytest.mark.parametrize("angle", [0.1, 0.3, 0.7, 1.4])  # in line with the pixels all phases are alike
def test_a_wire_thinner_than_the_rays_keeps_its_mass(
    scene_of: Callable[..., Scene], far: Sensor, diameter_mm: float, angle: float
) -> None:
    parts = Parts()
    reach = 70.0
    end = (reach * math.cos(angle), reach * math.sin(angle), 20.0)
    parts.wire("copper", (-end[0], -end[1], 20.0), end, diameter_mm)
    paths_mm = map_of(scene_of(parts.finish("wire", centred=False)), far, "copper")
    assert paths_mm.sum() * PIXEL_MM**2 == pytest.approx(2 * reach * math.pi / 4 * diameter_mm**2, rel=0.03)
    along = paths_mm[:, 50:110].sum(axis=0) if angle < 1.0 else paths_mm[50:110].sum(axis=1)
    assert along.std() < 0.25 * along.mean()  # no beads: rays neither miss it nor hit it by luck


def test_what_lies_outside_the_field_leaves_no_trace(scene_of: Callable[..., Scene], mail_160kv: Sensor) -> None:
    parts = Parts()
    parts.box("steel", (900.0, 0.0, 10.0), (50.0, 50.0, 5.0))
    scene = scene_of(parts.finish("plate", centred=False), threat="blade")
    assert not map_of(scene, mail_160kv, "steel").any()
    assert label(scene, mail_160kv).threats == ()


@pytest.mark.parametrize("thick_mm", [40.0, 4.0])
def test_a_hole_through_a_textured_block_leaves_nothing_of_it(
    scene_of: Callable[..., Scene], far: Sensor, thick_mm: float
) -> None:
    """A narrow hole goes by more rays a pixel than its block; the texture goes with the block all the same."""
    parts = Parts()
    block = parts.box("water", (0.0, 0.0, 60.0), (200.0, 200.0, 40.0), texture=(1, 0.3))
    parts.box("", (0.0, 0.0, 60.0), (96.0, thick_mm, 40.0), inside=block)
    found = map_of(scene_of(parts.finish("block", centred=False)), far, "water")
    x, y = pixel_centres_mm()
    hole = (np.abs(x) < 45.0) & (np.abs(y) < 0.5 * thick_mm - PIXEL_MM / 2)
    assert hole.any()
    assert np.abs(found[hole]).max() < 1e-3
    beside = (np.abs(x) < 90.0) & (np.abs(y) > 30.0) & (np.abs(y) < 90.0)
    assert found[beside].std() > 2.0
