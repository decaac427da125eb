"""The registered sensors: named as declared, alike where they must be, cheap to list."""

import subprocess
import sys

import pytest

from xraybench import sensors
from xraybench.core.errors import BadValue, UnknownName
from xraybench.core.vocabulary import names as terms


def test_every_sensor_is_found_under_its_own_name() -> None:
    assert [sensors.get(name).name for name in sensors.names()] == sensors.names()


def test_a_misspelt_sensor_gets_the_nearest_name() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'mail_160kv'"):
        sensors.get("mail_160kV")


def test_the_two_mail_makes_look_through_the_same_geometry_and_fields() -> None:
    a, b = sensors.get("mail_160kv"), sensors.get("mail_140kv")
    assert a.geometry == b.geometry
    assert a.fields == b.fields
    assert a.source != b.source
    assert a.detector != b.detector
    assert a.display != b.display


def test_every_field_names_a_vector_of_the_vocabulary() -> None:
    assert {vector for name in sensors.names() for vector in sensors.get(name).vectors} <= set(terms("vector"))


def test_a_sensor_says_which_vectors_it_scans() -> None:
    with pytest.raises(BadValue, match="mail, parcel"):
        sensors.get("mail_160kv").field("rail")


def test_listing_sensors_loads_no_numpy() -> None:
    code = "import sys; from xraybench import sensors; sensors.names(); print('numpy' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "False"
