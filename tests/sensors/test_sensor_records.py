"""Laws that every registered sensor obeys."""

import json
import subprocess
import sys
from dataclasses import FrozenInstanceError, asdict
from itertools import combinations

import pytest

from xraybench import sensors
from xraybench.core import vocabulary
from xraybench.core.errors import BadValue, UnknownName
from xraybench.core.sensor import Sensor
from xraybench.core.types import TRACKS
from xraybench.simulate import materials
from xraybench.simulate.spectra import source_spectra

ALL = [sensors.get(name) for name in sensors.names()]
EVERY = pytest.mark.parametrize("sensor", ALL, ids=sensors.names())


@EVERY
def test_a_record_is_frozen_and_stands_under_its_own_name(sensor: Sensor) -> None:
    assert sensors.get(sensor.name) is sensor
    assert sensor.name.isidentifier()
    assert sensor.name == sensor.name.lower()
    assert sensor.summary
    with pytest.raises(FrozenInstanceError):
        sensor.open_beam = 1  # type: ignore[misc]
    assert hash(sensor)  # caches hang on it


@EVERY
def test_every_sheet_is_of_a_known_material(sensor: Sensor) -> None:
    for layer in (*sensor.source.filters, sensor.detector.front, sensor.detector.between, sensor.detector.back):
        if layer is None:
            continue
        assert materials.get(layer.material)
        assert layer.g_cm2 > 0


@EVERY
def test_its_source_has_a_spectrum(sensor: Sensor) -> None:
    for spectrum in source_spectra(sensor.source, 2 if sensor.is_dual else 1):
        assert spectrum.fluence.sum() > 0


@EVERY
def test_figures_are_within_reason(sensor: Sensor) -> None:
    assert sensor.pixel_mm > 0
    assert sensor.geometry.source_height_mm > 100
    assert min(sensor.detector.quanta) >= (300 if sensor.modality == "backscatter" else 1_000)
    assert len(sensor.detector.quanta) == (2 if sensor.is_dual else 1)
    assert 0 < sensor.detector.electronic_noise < 0.01
    assert 0.3 <= sensor.detector.blur_px <= 1.1
    art = sensor.artefacts
    assert 0 <= art.scatter_share < 0.2
    assert 0 <= art.row_gain < 0.02
    assert 0 <= art.line_jitter < 0.02
    assert sensor.channels == TRACKS[sensor.track]
    assert sensor.n_views >= 1
    if sensor.modality != "ct":  # there it is the count of 1 per cm
        assert 20_000 < sensor.open_beam < 65_000  # room for noise above the open beam


@EVERY
def test_its_palette_has_a_hue_for_each_ascending_stop(sensor: Sensor) -> None:
    shown = sensor.display
    assert len(shown.z_stops) == len(shown.hues_rgb) >= (3 if sensor.is_dual else 2)
    assert list(shown.z_stops) == sorted(set(shown.z_stops))
    assert all(0 <= value <= 255 for hue in (*shown.hues_rgb, shown.background_rgb) for value in hue)
    assert shown.gamma > 0


@EVERY
def test_it_scans_vectors_of_the_vocabulary_and_refuses_others(sensor: Sensor) -> None:
    assert set(sensor.vectors) <= set(vocabulary.names("vector"))
    for vector in sensor.vectors:
        field = sensor.field(vector)
        assert field.height_px > 0
        assert field.width_px > 0
    with pytest.raises(BadValue, match=f"Sensor {sensor.name} does not scan 'rail'"):
        sensor.field("rail")


@pytest.mark.parametrize("vector", ["mail", "parcel"])
def test_three_makes_scan_mail_and_parcels_through_one_geometry(vector: str) -> None:
    makes = {"mail_160kv", "mail_140kv", "mail_120kv"}
    assert makes <= {sensor.name for sensor in ALL if vector in sensor.vectors}
    for a, b in combinations(map(sensors.get, sorted(makes)), 2):
        assert a.geometry == b.geometry
        assert a.field(vector) == b.field(vector)


@pytest.mark.parametrize(("one", "other"), list(combinations(("mail_160kv", "mail_140kv", "mail_120kv"), 2)))
def test_the_makes_differ_in_all_but_geometry(one: str, other: str) -> None:
    a, b = sensors.get(one), sensors.get(other)
    for part in ("source", "detector", "artefacts", "display"):
        assert getattr(a, part) != getattr(b, part)


def test_an_unknown_sensor_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"No sensor is called 'mail_160'\. Did you mean 'mail_160kv'"):
        sensors.get("mail_160")


@EVERY
def test_a_record_is_plain_data(sensor: Sensor) -> None:
    assert json.loads(json.dumps(asdict(sensor)))["name"] == sensor.name


@EVERY
def test_a_correction_that_a_sensor_does_not_make_is_not_in_its_record(sensor: Sensor) -> None:
    record, everything = sensor.record(), asdict(sensor)
    assert ("air_depth" in record["artefacts"]) == (sensor.modality == "ct")
    assert everything["artefacts"] == {"air_depth": 0.0} | record["artefacts"]
    assert {k: v for k, v in everything.items() if k != "artefacts"} | {"artefacts": record["artefacts"]} == record


def test_listing_sensors_loads_no_numerical_library() -> None:
    script = "import sys; from xraybench import sensors; sensors.names(); print({'numpy', 'numba'} & set(sys.modules))"
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "set()"


def test_the_families_of_the_simulator_are_all_there() -> None:
    names = ("mail_160kv", "mail_140kv", "mail_120kv", "baggage_140kv", "conveyor_160kv", "baggage_ct", "pallet_300kv")
    assert set(sensors.names()) >= {*names, "container_6mev", "vehicle_4mev", "backscatter_225kv"}
    scanned = {vector for sensor in ALL for vector in sensor.vectors}
    assert set(vocabulary.names("vector")) - scanned == {"rail"}  # no sensor of ours scans trains


@pytest.mark.parametrize(
    ("name", "high_mm", "wide_mm", "deep_mm"),
    [("baggage_140kv", 500, 750, 320), ("pallet_300kv", 1600, 1200, 800), ("container_6mev", 2591, 6058, 2438),
     ("vehicle_4mev", 1750, 4900, 1900)],
)  # fmt: skip
def test_the_field_holds_what_the_sensor_is_for(name: str, high_mm: float, wide_mm: float, deep_mm: float) -> None:
    sensor = sensors.get(name)
    field, height = sensor.fields[0], sensor.geometry.source_height_mm
    shadow_mm = high_mm * height / (height - deep_mm - 6.0)  # of its near side
    assert shadow_mm < field.height_px * sensor.pixel_mm
    assert wide_mm < 0.95 * field.width_px * sensor.pixel_mm
