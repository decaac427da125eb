"""The indices of difficulty on a ladder of five ways to hide one bag of powder, and on pictures worked by hand."""

import math
from collections.abc import Callable
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest

from xraybench import sensors
from xraybench.core import tables
from xraybench.core.errors import BadValue, UnknownName
from xraybench.simulate import Scene, SceneObject, attenuation, make_scene
from xraybench.simulate.difficulty import (
    DIFFICULTY,
    INDICES,
    LEVELS,
    Difficulty,
    indices,
    level,
    of_scans,
    rows,
    undefined,
)
from xraybench.simulate.parts import Parts
from xraybench.simulate.scene import join

BAG = (110.0, 70.0, 34.0)


def nothing(parts: Parts) -> None:
    parts.box("cardboard", (0.0, 0.0, 1.0), (280.0, 220.0, 2.0))


def clutter(parts: Parts) -> None:
    """Metal and glass above and below, so that the surroundings vary more than the powder adds."""
    nothing(parts)
    rng = np.random.default_rng(4)
    for i in range(46):
        x, y = rng.uniform(-125, 125), rng.uniform(-95, 95)
        material = ("steel", "copper", "glass", "zamak", "aluminium", "water")[i % 6]
        thick = {"steel": 5.0, "copper": 4.0, "zamak": 6.0}.get(material, 22.0)
        parts.box(material, (x, y, 48.0 + i), (rng.uniform(18, 50), rng.uniform(12, 40), thick))


def laptop_and_books(parts: Parts) -> None:
    nothing(parts)
    parts.box("aluminium", (0.0, 0.0, 50.0), (270.0, 200.0, 3.0))
    parts.box("pcb", (0.0, 30.0, 54.0), (250.0, 120.0, 2.0))
    parts.box("liion", (0.0, 0.0, 60.0), (180.0, 100.0, 6.0))
    for k in range(3):
        parts.box("coated_paper", (0.0, 0.0, 80.0 + 30.0 * k), (240.0, 180.0, 24.0))


def sugar_packs(parts: Parts) -> None:
    """23 packs of a carton of 24; the last place is the slot's."""
    nothing(parts)
    for i in range(4):
        for j in range(3):
            for k in range(2):
                if (i, j, k) != (1, 1, 0):
                    parts.box("sugar", ((i - 1) * 60.0 - 30.0, (j - 1) * 72.0, 20.0 + 40.0 * k), (57.0, 70.0, 36.0))


def lead_shell(parts: Parts) -> None:
    nothing(parts)
    for z in (2.5, 46.0):
        parts.box("lead", (0.0, 0.0, z + 2.0), (130.0, 90.0, 2.0))


LADDER = {"L0": nothing, "L1": clutter, "L2": laptop_and_books, "L3": sugar_packs, "L4": lead_shell}


def scene(around: Callable[[Parts], None], powder: str, *, threat: str) -> Scene:
    goods, slot = Parts(), Parts()
    around(goods)
    if around is sugar_packs:
        slot.box(powder, (-30.0, 0.0, 20.0), (57.0, 70.0, 36.0))
    else:
        slot.box(powder, (0.0, 0.0, 24.0), BAG)
    items = [(goods.finish("goods", centred=False), [0]), (slot.finish("bag", centred=False), [1])]
    ints, reals, planes = join(items)
    objects = (SceneObject("goods", "goods"), SceneObject("bag", "slot", threat))
    return Scene("one", "parcel", threat, "undeclared" if threat else "", "undeclared", objects, ints, reals, planes,
                 np.zeros((len(ints), 2), dtype=np.int64))  # fmt: skip


@pytest.fixture(scope="module")
def ladder() -> dict[str, Difficulty]:
    sensor, found = sensors.get("mail_160kv"), {}
    for name, around in LADDER.items():
        threat = scene(around, "heroin_cut", threat="powder_drugs")
        innocent = "sugar" if name in ("L3", "L4") else "cotton"  # a pack like its neighbours, or a folded shirt
        (found[name],) = indices(threat, scene(around, innocent, threat=""), sensor)
    return found


@pytest.mark.parametrize("name", LADDER)
def test_the_ladder_of_five_concealments_gets_its_five_levels(ladder: dict[str, Difficulty], name: str) -> None:
    """Source: simulation.md 5, the measured ladder (powder bag, 160 kV) and the rule that was fitted to it by eye."""
    assert ladder[name].level == name


def test_the_ideal_observer_ranks_the_ladder_as_measured(ladder: dict[str, Difficulty]) -> None:
    removed = [ladder[name].d_q_removed for name in LADDER]
    assert removed[0] > removed[1] > removed[2] > removed[4]
    assert removed[3] > 20 * removed[4]  # a sugar pack is plain to see against an empty place
    assert all(record.d_q < record.d_q_removed for name, record in ladder.items() if name != "L4")
    assert ladder["L3"].d_q < 0.3 * ladder["L3"].d_q_removed  # and hard against another sugar pack


def test_no_single_index_ranks_the_ladder(ladder: dict[str, Difficulty]) -> None:
    """Clutter is worst by contrast over surroundings and yet plain by detectability: lesson (a) of simulation.md 5."""
    assert ladder["L1"].clutter_cnr < 1.0 < ladder["L2"].clutter_cnr
    assert ladder["L1"].d_q > ladder["L2"].d_q
    assert ladder["L0"].share > ladder["L1"].share > ladder["L2"].share > ladder["L4"].share
    assert ladder["L4"].opaque > 0.9
    assert max(ladder[name].opaque for name in ("L0", "L2", "L3")) == 0.0
    assert ladder["L0"].contour > ladder["L1"].contour
    assert ladder["L0"].ssim_loss_removed > ladder["L4"].ssim_loss_removed
    assert ladder["L4"].ssim_loss < 0.01
    assert ladder["L0"].sch_superposition < ladder["L2"].sch_superposition < ladder["L4"].sch_superposition
    assert ladder["L0"].sch_clutter < ladder["L1"].sch_clutter


def test_the_detectability_of_a_slab_is_the_one_worked_by_hand() -> None:
    """A flat slab alone: d^2 = area times the squared difference over the variance, summed over both channels."""
    from xraybench.simulate import spectral

    sensor = sensors.get("mail_160kv")
    sensor = replace(sensor, detector=replace(sensor.detector, blur_px=0.01))
    slab = Parts()
    slab.box("water", (0.0, 0.0, 0.5), (160.0, 160.0, 1.0))
    ints, reals, planes = join([(slab.finish("slab", centred=False), [0])])
    at = np.zeros((1, 2), dtype=np.int64)
    threat = Scene("one", "parcel", "powder_drugs", "undeclared", "undeclared",
                   (SceneObject("slab", "slot", "powder_drugs"),), ints, reals, planes, at)  # fmt: skip
    empty = replace(threat, threat="", concealment="", ints=ints[:0], reals=reals[:0], texture_at=at[:0],
                    objects=())  # fmt: skip
    (found,) = indices(threat, empty, sensor)
    rows_of = spectral.signals(np.full((1, 1, 1), 0.1, np.float32), ("water",), sensor)[:, 0, 0].astype(float)
    variance = rows_of[2:] / np.array(sensor.detector.quanta) + sensor.detector.electronic_noise**2
    per_pixel = (((1.0 - rows_of[:2]) ** 2) / variance).sum()
    assert found.d_q_removed == pytest.approx(math.sqrt(per_pixel * (160 / 1.6) ** 2), rel=0.02)
    assert found.contrast_removed == pytest.approx(-math.log(rows_of[0]), rel=0.03)
    assert found.share == pytest.approx(1.0, abs=0.02)
    assert math.isnan(found.decoy_overlap)  # nothing stands in its place


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ((1e4, 0.6, 1.0, 5.0, 0.9, 9.0), "L4"),
        ((4.0, 0.0, 1.0, 5.0, 0.9, 9.0), "L4"),
        ((1e3, 0.0, 0.1, 0.9, 0.9, 9.0), "L3"),
        ((1e3, 0.0, 0.1, math.nan, 0.9, 9.0), "L3"),
        ((1e3, 0.0, 0.1, 1.1, 0.3, 9.0), "L2"),
        ((1e3, 0.0, 0.9, 1.1, 0.5, 0.9), "L1"),
        ((1e3, 0.0, 0.9, 1.1, 0.5, 1.1), "L0"),
    ],
)
def test_the_rule_names_the_level(values: tuple[float, ...], named: str) -> None:
    assert level(*values) == named


@pytest.mark.parametrize("name", [name for name in sensors.names() if "parcel" in sensors.get(name).vectors])
def test_the_indices_are_rows_of_the_declared_table(name: str) -> None:
    sensor = sensors.get(name)
    threat = make_scene("parcel", seed=3, name="i7", threat="powder_drugs", concealment="in_article")
    found = indices(threat, make_scene("parcel", seed=3, name="i7", concealment="in_article"), sensor)
    assert [record.view for record in found] == list(range(sensor.n_views))
    frame = pd.DataFrame(rows(found, "scan"), columns=DIFFICULTY.column_names)
    assert len(tables.check(frame, DIFFICULTY, source="difficulty")) == len(found)
    assert found == indices(threat, make_scene("parcel", seed=3, name="i7", concealment="in_article"), sensor)
    for record in found:
        assert record.level in LEVELS
        for column in INDICES:
            value = asdict(record)[column]
            assert value == float(f"{value:.6g}")


def test_a_threat_seen_on_edge_is_harder_to_recognise_by_its_view() -> None:
    sensor = sensors.get("mail_160kv")
    found = []
    for size in ((120.0, 80.0, 6.0), (120.0, 6.0, 80.0)):
        parts = Parts()
        parts.box("steel", (0.0, 0.0, 60.0), size)
        ints, reals, planes = join([(parts.finish("plate", centred=False), [0])])
        flat = Scene("one", "parcel", "blade", "undeclared", "undeclared", (SceneObject("plate", "slot", "blade"),),
                     ints, reals, planes, np.zeros((1, 2), dtype=np.int64))  # fmt: skip
        twin = replace(flat, threat="", concealment="", objects=(SceneObject("plate", "slot"),))
        found.append(indices(flat, twin, sensor)[0])
    assert found[0].view_difficulty == pytest.approx(0.0, abs=0.02)
    assert found[1].view_difficulty > 0.7
    assert found[0].decoy_overlap == 1.0  # the twin is the same plate
    assert found[0].d_q == 0.0


def block(vector: str, material: str, at: tuple[float, float, float], size: tuple[float, float, float]) -> Scene:
    """A block alone, as a threat."""
    parts = Parts()
    parts.box(material, at, size)
    ints, reals, planes = join([(parts.finish("block", centred=False), [0])])
    return Scene("one", vector, "explosive", "undeclared", "undeclared", (SceneObject("block", "slot", "explosive"),),
                 ints, reals, planes, np.zeros((1, 2), dtype=np.int64))  # fmt: skip


def nothing_there(threat: Scene) -> Scene:
    return replace(threat, threat="", concealment="", ints=threat.ints[:0], reals=threat.reals[:0], objects=(),
                   texture_at=threat.texture_at[:0])  # fmt: skip


@pytest.mark.parametrize(("vector", "name"), [("baggage", "baggage_ct"), ("vehicle", "backscatter_225kv")])
def test_slices_and_backscatter_have_their_indices_too(vector: str, name: str) -> None:
    sensor = sensors.get(name)
    kinds = {"baggage": ("blade", "in_article"), "vehicle": ("cigarettes", "in_vehicle")}[vector]
    threat = make_scene(vector, seed=3, name="i7", threat=kinds[0], concealment=kinds[1])
    found = indices(threat, make_scene(vector, seed=3, name="i7", concealment=kinds[1]), sensor)
    frame = tables.check(
        pd.DataFrame(rows(found, "scan"), columns=DIFFICULTY.column_names), DIFFICULTY, source="difficulty"
    )
    assert [(r.object_index, r.view) for r in found] == [
        (n, view) for view in sorted({r.view for r in found}) for n in range(sum(r.view == view for r in found))
    ]
    assert len(frame) >= 1
    for column in INDICES:
        missing = frame[column].isna()
        assert missing.all() if undefined(column, sensor) else not missing.all(), column
    assert undefined("level", sensor) and not set(frame["level"].dropna()) - {""}


def test_a_threat_in_slices_is_compared_in_the_slices_that_cut_it() -> None:
    from xraybench.simulate import ct

    sensor = sensors.get("baggage_ct")
    threat = block("baggage", "water", (5.0, 10.0, 200.0), (130.0, 80.0, 60.0))
    found = indices(threat, nothing_there(threat), sensor)
    at = ct.positions_mm(threat, sensor, (256, 256))
    assert [record.view for record in found] == [view for view, x in enumerate(at) if -60.0 < x < 70.0]
    assert any(x == pytest.approx(5.0) for x in at)  # one of them goes through its middle
    for record in found:
        assert record.contrast == pytest.approx(attenuation.linear_attenuation("water", 70.0)[0], rel=0.1)
        assert record.contrast_removed == record.contrast
        assert record.view_difficulty == 0.0
        assert record.opaque == 0.0
        assert record.d_q == record.d_q_removed


def test_the_ideal_observer_of_a_slice_is_the_one_worked_by_hand() -> None:
    """Ray by ray: the squared difference to the open beam over the variance of what the ray counts, summed."""
    from xraybench.simulate import ct, spectral

    sensor = replace(sensors.get("baggage_ct"), geometry=replace(sensors.get("baggage_ct").geometry, n_slices=1))
    threat = block("baggage", "water", (0.0, 0.0, 300.0), (90.0, 60.0, 40.0))
    (found,) = indices(threat, nothing_there(threat), sensor)
    names, lengths = ct.sinogram(threat, sensor, (256, 256), 0.0)
    signal, squared = spectral.signals(lengths, names, sensor).astype(float)
    variance = squared / sensor.detector.quanta[0] + sensor.detector.electronic_noise**2
    assert found.d_q == pytest.approx(math.sqrt(((1.0 - signal) ** 2 / variance).sum()), rel=1e-4)


def test_the_noise_of_a_voxel_is_what_exposures_show() -> None:
    from xraybench.simulate import ct, spectral

    sensor = replace(sensors.get("baggage_ct"), geometry=replace(sensors.get("baggage_ct").geometry, n_slices=1))
    scene = block("baggage", "water", (0.0, 0.0, 300.0), (90.0, 160.0, 160.0))
    names, lengths = ct.sinogram(scene, sensor, (256, 256), 0.0)
    expected = ct.voxel_deviation(spectral.signals(lengths, names, sensor), sensor, (256, 256))
    middle = (slice(116, 144), slice(114, 142))
    shots = [
        ct.slices(scene, sensor, (256, 256), np.random.default_rng(n))[0][..., 0][middle].astype(float)
        for n in range(8)
    ]
    found = math.sqrt(np.var(shots, axis=0, ddof=1).mean()) / sensor.open_beam
    assert found == pytest.approx(float(np.sqrt((expected[middle] ** 2).mean())), rel=0.06)


def test_the_ideal_observer_of_a_backscatter_scan_is_the_one_worked_by_hand() -> None:
    """A slab alone: its area times what comes back squared over its variance."""
    from xraybench.simulate import backscatter

    sensor = sensors.get("backscatter_225kv")
    sensor = replace(sensor, detector=replace(sensor.detector, blur_px=0.0))
    threat = block("vehicle", "polyethylene", (0.0, 0.0, 1000.0), (900.0, 900.0, 400.0))
    (found,) = indices(threat, nothing_there(threat), sensor)
    back = backscatter.noise_free(threat, sensor, (360, 608)).astype(float)
    inside = back[back > 0.5]
    variance = inside.mean() / sensor.detector.quanta[0] + sensor.detector.electronic_noise**2
    assert found.d_q == pytest.approx(math.sqrt(inside.size * inside.mean() ** 2 / variance), rel=0.02)
    assert found.share == pytest.approx(1.0, abs=1e-6)
    assert found.opaque == 0.0


def test_a_threat_behind_a_thick_sheet_gives_nothing_back() -> None:
    sensor = sensors.get("backscatter_225kv")
    parts = Parts()
    parts.box("steel", (0.0, 0.0, 1300.0), (1200.0, 1200.0, 12.0))
    cover, bare = parts.finish("sheet", centred=False), block("vehicle", "sugar", (0.0, 0.0, 1000.0), (600.0,) * 3)
    slot = Parts()
    slot.box("sugar", (0.0, 0.0, 1000.0), (600.0, 600.0, 600.0))
    ints, reals, planes = join([(slot.finish("block", centred=False), [0]), (cover, [1])])
    hidden = replace(bare, ints=ints, reals=reals, planes=planes, texture_at=np.zeros((2, 2), dtype=np.int64),
                     objects=(*bare.objects, SceneObject("sheet", "goods")))  # fmt: skip
    (found,) = indices(hidden, nothing_there(bare), sensor)
    assert found.opaque > 0.95
    assert found.d_q_removed < 0.05 * indices(bare, nothing_there(bare), sensor)[0].d_q_removed


def test_a_scan_counts_by_the_view_in_which_its_threat_is_easiest() -> None:
    blank = dict.fromkeys(DIFFICULTY.column_names, math.nan)
    seen = [("a", 5.0, 0.9), ("a", 70.0, 0.2), ("b", math.nan, 0.4)]
    frame = pd.DataFrame([{**blank, "scan_id": scan, "d_q": d_q, "opaque": dark} for scan, d_q, dark in seen])
    assert of_scans(frame, "d_q").to_dict() == {"a": 70.0}
    assert of_scans(frame, "opaque").to_dict() == {"a": 0.2, "b": 0.4}
    with pytest.raises(UnknownName, match="Did you mean 'opaque'"):
        of_scans(frame, "opague")


def test_a_twin_with_a_threat_is_refused() -> None:
    threat = make_scene("mail", seed=3, name="i7", threat="blade")
    with pytest.raises(BadValue, match="twin is mail i7 with threat 'blade'"):
        indices(threat, threat, sensors.get("mail_160kv"))
