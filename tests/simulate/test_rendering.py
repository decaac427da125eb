"""Scans and labels: the same for the same record and seed, on every sensor, in any company; and the labels true."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from xraybench import sensors
from xraybench.core.errors import BadFile, BadValue
from xraybench.core.sensor import Sensor
from xraybench.simulate import (
    CONCEALMENTS_OF,
    THREATS_OF,
    VECTORS,
    Scene,
    label,
    make_scene,
    materials,
    noise_free,
    render,
    render_many,
)
from xraybench.simulate.ct import AIR_COUNT
from xraybench.simulate.parts import Parts

ALL = [sensors.get(name) for name in sensors.names()]
MAIL = [sensor for sensor in ALL if sensor.geometry == sensors.get("mail_160kv").geometry]
NO_BOX = ("empty_verification", "manifest_mismatch")  # targets of the whole item
HIDDEN = [(v, t, c) for v in VECTORS for t in THREATS_OF[v] if t not in NO_BOX for c in CONCEALMENTS_OF[v]]
IN_MAIL = [cell for cell in HIDDEN if cell[0] == "mail"]


def scanner_of(vector: str) -> Sensor:
    """The first line scanner of a vector."""
    return next(sensor for sensor in ALL if vector in sensor.vectors and sensor.modality == "transmission")


def same_labels(a: object, b: object) -> bool:
    """Every field of every threat, masks and material maps included."""
    assert len(a.material) == len(b.material)
    assert all(np.array_equal(one, other) for one, other in zip(a.material, b.material, strict=True))
    assert len(a.threats) == len(b.threats)
    for one, other in zip(a.threats, b.threats, strict=True):
        assert np.array_equal(one.mask, other.mask)
        assert replace(one, mask=None) == replace(other, mask=None)
    return True


def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_noise(sensor: Sensor) -> None:
    vector = sensor.vectors[0]
    scene = make_scene(vector, seed=4, name="m1", concealment=CONCEALMENTS_OF[vector][-1])
    again = make_scene(vector, seed=4, name="m1", concealment=CONCEALMENTS_OF[vector][-1])
    first = render(scene, sensor, seed=4).views
    assert all(a.tobytes() == b.tobytes() for a, b in zip(first, render(again, sensor, seed=4).views, strict=True))
    for view, other in zip(first, render(scene, sensor, seed=5).views, strict=True):
        if sensor.modality == "transmission":
            assert (view != other).mean() > 0.9
        if sensor.modality == "ct":  # beside the item all is air
            within = (view != AIR_COUNT) | (other != AIR_COUNT)
            assert not within.any() or (view != other)[within].mean() > 0.9
        assert np.abs(view.astype(int) - other).mean() < 0.02 * sensor.open_beam  # noise alone


def test_what_was_made_or_rendered_before_changes_nothing(mail_160kv: Sensor) -> None:
    alone = render(make_scene("parcel", seed=9, name="p7", threat="currency"), mail_160kv, seed=9).raw
    for name in ("p1", "p2", "p8"):
        render(make_scene("parcel", seed=9, name=name), mail_160kv, seed=9)
    in_company = render(make_scene("parcel", seed=9, name="p7", threat="currency"), mail_160kv, seed=9).raw
    assert alone.tobytes() == in_company.tobytes()


def test_two_items_share_neither_content_nor_noise(mail_160kv: Sensor) -> None:
    a, b = (render(make_scene("mail", seed=1, name=name), mail_160kv, seed=1).raw.astype(float) for name in ("a", "b"))
    corner = np.s_[:12, :12, 0]
    assert abs(np.corrcoef(a[corner].ravel(), b[corner].ravel())[0, 1]) < 0.5
    assert np.abs(a - b).mean() > 500


def test_another_process_renders_the_same_bytes(mail_160kv: Sensor) -> None:
    script = (
        "import hashlib; from xraybench import sensors, simulate\n"
        "scene = simulate.make_scene('mail', seed=2, name='x', threat='firearm', concealment='in_layers')\n"
        "raw = simulate.render(scene, sensors.get('mail_160kv'), seed=2).raw\n"
        "print(hashlib.sha256(scene.to_json().encode() + raw.tobytes()).hexdigest())"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip()
    scene = make_scene("mail", seed=2, name="x", threat="firearm", concealment="in_layers")
    raw = render(scene, mail_160kv, seed=2).raw
    assert told == hashlib.sha256(scene.to_json().encode() + raw.tobytes()).hexdigest()


@pytest.mark.parametrize(("vector", "threat"), [("mail", "blade"), ("parcel", "powder_drugs"), ("parcel", None)])
def test_a_scene_is_rendered_from_its_json_alone(mail_160kv: Sensor, vector: str, threat: str | None) -> None:
    scene = make_scene(vector, seed=3, name="j", threat=threat)
    back = Scene.from_json(scene.to_json())
    assert back.to_json() == scene.to_json()
    assert render(back, mail_160kv, seed=3).raw.tobytes() == render(scene, mail_160kv, seed=3).raw.tobytes()
    assert same_labels(label(back, mail_160kv), label(scene, mail_160kv))


def test_a_scene_of_another_engine_or_without_a_key_is_refused() -> None:
    record = json.loads(make_scene("mail", seed=3, name="j").to_json())
    with pytest.raises(BadFile, match="engine"):
        Scene.from_dict({**record, "engine": record["engine"] + 1})
    del record["planes"]
    with pytest.raises(BadFile, match="planes"):
        Scene.from_dict(record)


@pytest.mark.parametrize("vector", ["mail", "parcel"])
def test_rendering_sensors_together_is_rendering_them_one_by_one(vector: str) -> None:
    scene = make_scene(vector, seed=6, name="t", threat="firearm", concealment="in_article")
    together = render_many(scene, MAIL, seed=6)
    for sensor, rendered in zip(MAIL, together, strict=True):
        alone = render(scene, sensor, seed=6)
        assert rendered.raw.tobytes() == alone.raw.tobytes()
        assert same_labels(rendered.labels, alone.labels)
    assert together[0].raw.tobytes() != together[1].raw.tobytes()


def test_sensors_of_different_geometry_are_not_rendered_together(mail_160kv: Sensor) -> None:
    scene = make_scene("mail", seed=6, name="t")
    lower = replace(mail_160kv, geometry=replace(mail_160kv.geometry, source_height_mm=700.0))
    with pytest.raises(BadValue, match="geometry"):
        render_many(scene, [mail_160kv, lower], seed=6)


@pytest.mark.parametrize(("vector", "threat", "concealment"), IN_MAIL)
def test_labels_alone_are_the_labels_of_the_scan_on_every_make(vector: str, threat: str, concealment: str) -> None:
    scene = make_scene(vector, seed=7, name="l", threat=threat, concealment=concealment)
    scanned = render(scene, MAIL[0], seed=7).labels
    for sensor in MAIL:
        assert same_labels(label(scene, sensor), scanned)


def test_labels_alone_are_the_labels_of_the_scan_on_every_sensor(sensor: Sensor) -> None:
    vector = sensor.vectors[0]
    for threat in THREATS_OF[vector][:2]:
        scene = make_scene(vector, seed=7, name="l", threat=threat)
        scanned = render(scene, sensor, seed=7).labels
        assert same_labels(label(scene, sensor), scanned)
        assert {found.view for found in scanned.threats} <= set(range(sensor.n_views))
        assert scanned.threats


@pytest.mark.parametrize(("vector", "threat", "concealment"), HIDDEN)
def test_every_threat_lies_whole_inside_the_view(vector: str, threat: str, concealment: str) -> None:
    as_it_is = scanner_of(vector)
    sensor = replace(
        as_it_is, artefacts=replace(as_it_is.artefacts, stretch=0.0)
    )  # a wider field is stretched otherwise
    field = sensor.field(vector)
    for n in range(3):
        scene = make_scene(vector, seed=8, name=f"v{n}", threat=threat, concealment=concealment)
        assert (scene.threat, scene.concealment) == (threat, concealment)
        (found,) = label(scene, sensor).threats
        assert (found.threat, found.concealment, found.shape) == (threat, concealment, "seen")
        assert found.mask.shape == (field.height_px, field.width_px)
        rows, columns = np.flatnonzero(found.mask.any(axis=1)), np.flatnonzero(found.mask.any(axis=0))
        assert found.box == (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
        assert found.area_px == found.mask.sum() >= (30 if vector in ("mail", "parcel", "baggage") else 9)
        assert 0 <= found.visible_px <= found.area_px
        assert 0.0 < found.share <= 1.0
        wider = label(scene, sensor, field_px=(field.height_px + 80, field.width_px + 80))
        assert wider.threats[0].area_px == found.area_px  # nothing was cut off
        (stretched,) = label(scene, as_it_is).threats
        assert 0 < stretched.box[0] < stretched.box[2] < field.width_px


def test_the_mask_is_where_the_threats_removal_shows(scene_of: Callable[..., Scene], mail_160kv: Sensor) -> None:
    parts = Parts()
    parts.box("steel", (5.0, -9.0, 20.0), (61.0, 23.0, 4.0))
    parts.ball("steel", (-50.0, 30.0, 20.0), (20.0, 30.0, 10.0))
    scene = scene_of(parts.finish("knife", centred=False), threat="blade")
    (found,) = label(scene, mail_160kv).threats
    shadow = noise_free(scene, mail_160kv)[0][0] < 1.0 - 1e-5
    assert np.array_equal(found.mask, shadow)
    assert found.share == pytest.approx(1.0)
    assert found.visible_px == found.area_px


def test_the_share_of_a_threat_is_its_part_of_the_attenuation(
    scene_of: Callable[..., Scene], mail_160kv: Sensor
) -> None:
    parts = Parts()
    parts.box("steel", (0.0, 0.0, 10.0), (120.0, 120.0, 2.0))
    parts.object = 1
    parts.box("steel", (0.0, 0.0, 30.0), (200.0, 200.0, 6.0))
    scene = scene_of(parts.finish("plates", centred=False), threat="blade")
    lone = replace(scene, objects=(scene.objects[0], replace(scene.objects[1], threat="", role="cover")))
    (found,) = label(lone, mail_160kv).threats
    assert found.share == pytest.approx(2 / 8, rel=0.05)  # a little less on the rim, where pixels are part covered


def test_a_threat_behind_lead_is_not_visible(scene_of: Callable[..., Scene], mail_160kv: Sensor) -> None:
    parts = Parts()
    parts.box("cocaine_hcl", (0.0, 0.0, 10.0), (40.0, 40.0, 15.0))
    parts.object = 1
    parts.box("lead", (0.0, 0.0, 30.0), (200.0, 200.0, 10.0))
    scene = scene_of(parts.finish("box", centred=False), threat="powder_drugs")
    lone = replace(scene, objects=(scene.objects[0], replace(scene.objects[1], threat="", role="cover")))
    (found,) = label(lone, mail_160kv).threats
    assert found.area_px > 500
    assert found.visible_px == 0


def test_the_material_map_names_what_attenuates_most(scene_of: Callable[..., Scene], mail_160kv: Sensor) -> None:
    parts = Parts()
    parts.box("paper", (0.0, 0.0, 20.0), (120.0, 120.0, 10.0))
    parts.box("steel", (0.0, 0.0, 40.0), (40.0, 40.0, 3.0))
    scene = scene_of(parts.finish("plates", centred=False))
    (found,) = label(scene, mail_160kv).material
    assert found[80, 80] == materials.material_id("steel")
    assert found[80, 50] == materials.material_id("paper")
    assert found[2, 2] == materials.OPEN


@pytest.mark.parametrize("vector", VECTORS)
def test_a_benign_item_has_no_threat_label(vector: str) -> None:
    scene = make_scene(vector, seed=8, name="b")
    assert (scene.threat, scene.concealment) == ("", "")
    assert label(scene, scanner_of(vector)).threats == ()


def test_a_line_scan_shows_the_open_beam_and_keeps_room_above_it(line_scanner: Sensor) -> None:
    for vector in line_scanner.vectors:
        scene = make_scene(vector, seed=8, name="s")
        for view in render(scene, line_scanner, seed=8).views:
            assert 0.9 * line_scanner.open_beam < np.percentile(view, 99.5) < 65_535
        assert render(scene, line_scanner, seed=8, field_px=(96, 128)).raw.shape == (96, 128, 2)


@pytest.mark.parametrize("field", [(0, 0), (-4, 5), (10**6, 10**6), (16.5, 16), (16,), "ab"])
def test_a_field_that_is_none_is_refused(field: tuple[int, int], mail_160kv: Sensor) -> None:
    scene = make_scene("mail", seed=1, name="f")
    for see in (label, noise_free, lambda *given, **field: render(*given, seed=0, **field)):
        with pytest.raises(BadValue, match="whole numbers from 1 to 8192"):
            see(scene, mail_160kv, field_px=field)


def test_no_sensor_at_all_is_refused() -> None:
    with pytest.raises(BadValue, match="one sensor at least"):
        render_many(make_scene("mail", seed=1, name="f"), [], seed=0)


def test_an_unknown_engine_is_refused(mail_160kv: Sensor) -> None:
    with pytest.raises(BadValue, match="strict, fast"):
        render(make_scene("mail", seed=8, name="s"), mail_160kv, seed=8, engine="quick")
