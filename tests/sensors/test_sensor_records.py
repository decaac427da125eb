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
from xraybench.simulate import materials
from xraybench.simulate.spectra import tube_spectrum

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
    for layer in (*sensor.tube.filters, sensor.detector.front, sensor.detector.between, sensor.detector.back):
        assert materials.get(layer.material)
        assert layer.g_cm2 > 0


@EVERY
def test_its_tube_voltage_is_baked(sensor: Sensor) -> None:
    assert tube_spectrum(sensor.tube.kvp, sensor.tube.filters).fluence.sum() > 0


@EVERY
def test_figures_are_within_reason(sensor: Sensor) -> None:
    assert sensor.pixel_mm > 0
    assert sensor.geometry.source_height_mm > 100
    assert min(sensor.detector.quanta) >= 1_000
    assert 0 < sensor.detector.electronic_noise < 0.01
    assert 0.3 <= sensor.detector.blur_px <= 1.1  # the kernel reaches three pixels
    art = sensor.artefacts
    assert 0 <= art.scatter_share < 0.2
    assert 0 <= art.row_gain < 0.02
    assert 0 <= art.line_jitter < 0.02
    assert sensor.channels == ("hi", "lo")
    assert 20_000 < sensor.open_beam < 65_000  # room for noise above the open beam


@EVERY
def test_its_palette_has_a_hue_for_each_ascending_stop(sensor: Sensor) -> None:
    shown = sensor.display
    assert len(shown.z_stops) == len(shown.hues_rgb) >= 3
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
def test_two_makes_scan_mail_and_parcels_through_one_geometry(vector: str) -> None:
    scanning = [sensor for sensor in ALL if vector in sensor.vectors]
    assert {"mail_160kv", "mail_140kv"} <= {sensor.name for sensor in scanning}
    for a, b in combinations([sensors.get("mail_160kv"), sensors.get("mail_140kv")], 2):
        assert a.geometry == b.geometry
        assert a.field(vector) == b.field(vector)


def test_the_two_makes_differ_in_all_but_geometry() -> None:
    a, b = sensors.get("mail_160kv"), sensors.get("mail_140kv")
    for part in ("tube", "detector", "artefacts", "display"):
        assert getattr(a, part) != getattr(b, part)


def test_an_unknown_sensor_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"No sensor is called 'mail_160'\. Did you mean 'mail_160kv'"):
        sensors.get("mail_160")


@EVERY
def test_a_record_is_plain_data(sensor: Sensor) -> None:
    assert json.loads(json.dumps(asdict(sensor)))["name"] == sensor.name


def test_listing_sensors_loads_no_numerical_library() -> None:
    script = "import sys; from xraybench import sensors; sensors.names(); print({'numpy', 'numba'} & set(sys.modules))"
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "set()"
