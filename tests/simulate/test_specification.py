"""Sensors from plain values: every field of a specification counts, and whatever cannot be is refused by its path."""

import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from xraybench import sensors
from xraybench.core.errors import BadFile, BadValue
from xraybench.core.sensor import Layer, Linac, Sensor, Tube
from xraybench.simulate import check_sensor, read_sensor, sensor_from_mapping, sensor_to_mapping, specification

WRITTEN = """
id: parcel_160kv
source: {type: tube, kvp: 160, anode: W, takeoff_deg: 20, filter: [[Al, 3.0]], spot_mm: 1.0}
geometry: {kind: linescan, sdd_mm: 900, pitch_mm: [1.6, 1.6], views: [{turn_deg: 0}]}
detector: {channels: [hi, lo], front: {mat: Gd2O2S, g_cm2: 0.06}, filter: {mat: Cu, mm: 0.6}, back: {mat: CsI, g_cm2: 1.8},
           n0: [2.0e+5, 1.5e+5], electronic: 4.0e-4, psf_px: 0.7}
artefacts: {spr: 0.02, scatter_px: 20, row_gain: 0.002, line_jitter: 0.001, dead_rows: [100], misregister_px: 0}
display: {gamma: 0.6, z_cuts: [6, 26], hues: [[255, 140, 20], [20, 60, 200]], window: [0, 1]}
output: {bits: 16}
fields: {parcel: [224, 224]}
"""


def test_a_written_specification_becomes_the_sensor_it_describes(tmp_path: Path) -> None:
    (tmp_path / "sensor.yaml").write_text(WRITTEN)
    sensor = read_sensor(tmp_path / "sensor.yaml")
    assert sensor.name == "parcel_160kv"
    assert isinstance(sensor.source, Tube)
    (sheet,) = sensor.source.filters
    assert sheet.material == "aluminium"
    assert sheet.g_cm2 == pytest.approx(0.81)  # 3 mm at 2.70 g/cm3
    assert sensor.detector.between == Layer("copper", pytest.approx(0.5376))
    assert sensor.detector.quanta == (2e5, 1.5e5)
    assert sensor.artefacts.dead_rows == (100,)
    assert sensor.display.hues_rgb[1] == (20, 60, 200)
    assert sensor.field("parcel").width_px == 224


def test_every_registered_sensor_is_its_own_specification_and_back(sensor: Sensor) -> None:
    plain = yaml.safe_load(yaml.safe_dump(sensor_to_mapping(sensor)))
    assert sensor_from_mapping(plain) == sensor
    check_sensor(sensor)


def changed(path: str, value: Any, *, of: str = "mail_160kv") -> dict[str, Any]:
    """The specification of a registered sensor with one field changed; None takes it out."""
    record: Any = sensor_to_mapping(sensors.get(of))
    *way, last = re.findall(r"[a-z_0-9]+", path)
    place = record
    for step in way:
        place = place[int(step)] if step.isdigit() else place[step]
    key = int(last) if last.isdigit() and isinstance(place, list) else last
    if value is None:
        del place[key]
    else:
        place[key] = value
    return record


IMPOSSIBLE = [
    ("source.kvp", 155, "spectra are baked for .* 150, 160"),
    ("source.kvp", -160, "above 0"),
    ("source.kvp", "high", "a number"),
    ("source.anode", "Mo", "baked for tungsten"),
    ("source.takeoff_deg", 12, "baked for 20 degrees"),
    ("source.filter[0].g_cm2", -0.1, "above 0"),
    ("source.filter[0].mat", "aluminum", "Did you mean 'aluminium'"),
    ("source.mev", [6, 3], "a tube has none"),
    ("geometry.sdd_mm", 0, "at least 100"),
    ("geometry.pitch_mm", [1.6, 1.2], "the same along and across"),
    ("geometry.views[0].turn_deg", 400, "at most 180"),
    ("geometry.kind", "spiral", "one of: linescan, ct, backscatter"),
    ("geometry.n_slices", 4, "a linescan scanner has none"),
    ("detector.front.mat", "unobtainium", "no material is called"),
    ("detector.back", None, "needs the second"),
    ("detector.n0", [1e5], "2 numbers"),
    ("detector.n0[1]", 0, "at least 1"),
    ("detector.electronic", -1e-4, "at least 0"),
    ("detector.psf_px", 40, "at most 10"),
    ("detector.channels", ["hi"], "hi.*lo"),
    ("artefacts.spr", -0.1, "at least 0"),
    ("artefacts.dead_rows[0]", 4000, "at most 223"),
    ("artefacts.stretch", 0.9, "at most 0.2"),
    ("display.gamma", 0, "at least 0.05"),
    ("summary", ["a", "list"], "it is a text"),
    ("geometry.axis_mm", 1e300, "at most 100000"),
    ("artefacts.scatter_px", 1e-320, "at least 0.1"),
    ("output.noise_scale", 1e300, "at most 1000"),
    ("detector.n0[0]", 10**400, "it is a number at least 1 and at most"),
    ("source.kvp", 10**400, "it is a number above 0"),
    ("source.spot_mm", float("nan"), "is nan"),
    ("display.z_cuts", [6.0, 8.0, 7.0, 14.0, 18.0, 26.0], "ascend"),
    ("display.hues[2]", [0, 300, 0], "at most 255"),
    ("display.window", [1, 0], "black lies below white"),
    ("output.bits", 8, "16 bits"),
    ("output.open_beam", 70_000, "at most 65000"),
    ("detector.channels", 5, "is 5; a linescan scanner has"),
    ("display", {"palette": ["A"]}, "one of: A, B"),
    ("source.filter", [["lead", 5000.0]], "lets nothing pass"),
    ("detector.front", {"mat": "lead", "g_cm2": 1e6}, "leaves nothing"),
    ("fields.mail", [160], "2 numbers"),
    ("fields.mail", [160.5, 160], "whole numbers"),
    ("fields.letters", [160, 160], "no such vector"),
    ("id", "My Scanner", "small letters"),
    ("geometry", None, "is missing"),
]


@pytest.mark.parametrize(("path", "value", "right"), IMPOSSIBLE, ids=[f"{p}={v}" for p, v, _ in IMPOSSIBLE])
def test_an_impossible_value_is_refused_by_its_path_and_told_what_would_be_right(
    path: str, value: Any, right: str
) -> None:
    with pytest.raises(BadValue) as refused:
        sensor_from_mapping(changed(path, value))
    told = str(refused.value)
    place = "detector.filter" if path == "detector.back" else path
    assert re.search(rf"(?m)^  {re.escape(place)}(\.\w+|\[\d\])?: .*{right}", told), told


def test_an_energy_outside_the_cross_section_tables_is_refused() -> None:
    with pytest.raises(BadValue, match=r"source\.mev\[0\]: is 40; it is a number at least 1 and at most 10"):
        sensor_from_mapping(changed("source.mev", [40.0, 3.0], of="container_6mev"))
    with pytest.raises(BadValue, match=r"source\.mev\[0\]: is 0\.9"):  # no spectrum is made of less than 1 MeV
        sensor_from_mapping(changed("source.mev", [0.9], of="vehicle_4mev"))


def test_all_faults_are_told_at_once() -> None:
    record = changed("source.kvp", 155)
    record["detector"]["psf_px"] = -1
    record["fields"]["mailx"] = [1, 2]
    record["colour"] = "red"
    with pytest.raises(
        BadValue, match=r"(?s)4 faults.*colour: no such field.*source\.kvp.*fields\.mailx.*detector\.psf_px"
    ):
        sensor_from_mapping(record)


def test_an_accelerator_is_specified_too() -> None:
    sensor = sensor_from_mapping(changed("source.interlaced", "none", of="container_6mev"))
    assert sensor.source == Linac(mev=(6.0, 3.0), filters=(), is_interlaced=False)
    with pytest.raises(BadValue, match=r"source\.mev: .*the higher energy stands first"):
        sensor_from_mapping(changed("source.mev", [3.0, 6.0], of="container_6mev"))


def test_what_is_no_table_is_refused(tmp_path: Path, scene_of: Callable[..., Any]) -> None:
    with pytest.raises(BadValue, match="sensor: is \\[\\]"):
        sensor_from_mapping([])  # type: ignore[arg-type]
    with pytest.raises(BadFile, match="cannot be read"):
        read_sensor(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_text("a: [1, 2")
    with pytest.raises(BadFile, match="no YAML"):
        read_sensor(tmp_path / "bad.yaml")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (WRITTEN + "id: another\n", "id: stands twice"),
        ("[" * 3000, "no YAML"),
        ("id: x\nsource: {kvp: " + "9" * 5000 + "}\n", "no YAML"),
    ],
)
def test_a_field_that_stands_twice_and_brackets_or_digits_without_end_are_refused(
    text: str, told: str, tmp_path: Path
) -> None:
    (tmp_path / "bad.yaml").write_text(text)
    with pytest.raises(BadFile, match=told):
        read_sensor(tmp_path / "bad.yaml")


def test_an_empty_file_has_one_fault(tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").write_text("")
    with pytest.raises(BadValue, match="1 fault\n  sensor: is missing; it is a table of: id") as refused:
        read_sensor(tmp_path / "empty.yaml")
    assert "object" not in str(refused.value)


def test_the_form_shown_in_the_manual_is_read_as_it_stands(tmp_path: Path) -> None:
    shown = textwrap.dedent((specification.__doc__ or "").partition("may be left out:\n\n")[2])
    first = "\n".join(line.partition("  #")[0] for line in shown.splitlines() if not line.lstrip().startswith("or {"))
    (tmp_path / "sensor.yaml").write_text(first.replace("display: {palette: A}", "display: {palette: B, gamma: 6e-1}"))
    sensor = read_sensor(tmp_path / "sensor.yaml")
    assert sensor.detector.quanta == (2e5, 1.5e5)  # written 2.0e5, which YAML 1.1 takes for a text
    assert sensor.display.gamma == 0.6


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("baggage_ct", "spr", 0.01), ("baggage_ct", "row_gain", 0.01), ("baggage_ct", "line_jitter", 0.001),
        ("baggage_ct", "dead_rows", [3]), ("baggage_ct", "misregister_px", 1.0), ("baggage_ct", "stretch", 0.02),
        ("backscatter_225kv", "spr", 0.01), ("backscatter_225kv", "dead_rows", [3]),
        ("backscatter_225kv", "misregister_px", 1.0), ("backscatter_225kv", "stretch", 0.02),
        ("backscatter_225kv", "ring_gain", 0.001), ("mail_160kv", "ring_gain", 0.001),
        ("backscatter_225kv", "air_depth", 0.02), ("mail_160kv", "air_depth", 0.02),
    ],
)  # fmt: skip
def test_what_has_no_effect_on_such_a_scanner_is_refused(name: str, key: str, value: object) -> None:
    record = sensor_to_mapping(sensors.get(name))
    record["artefacts"][key] = value
    with pytest.raises(BadValue, match=f"artefacts.{key}: .* has no effect"):
        sensor_from_mapping(record)


@pytest.mark.parametrize(("depth", "right"), [(-0.01, "at least 0"), (0.5, "at most 0.2"), ("1 mm", "a number")])
def test_a_depth_of_air_that_cannot_be_is_refused(depth: object, right: str) -> None:
    with pytest.raises(BadValue, match=rf"(?m)^  artefacts\.air_depth: .*{right}"):
        sensor_from_mapping(changed("artefacts.air_depth", depth, of="baggage_ct"))


def sheets_of(record: Any, path: str = "") -> list[tuple[str, dict[str, Any]]]:
    """Every sheet of a specification, with its path."""
    if isinstance(record, dict):
        found = [(path, record)] if "mat" in record else []
        return found + [s for key, value in record.items() for s in sheets_of(value, f"{path}.{key}" if path else key)]
    if isinstance(record, list):
        return [s for i, value in enumerate(record) for s in sheets_of(value, f"{path}[{i}]")]
    return []


def test_every_sheet_of_every_scanner_has_a_known_material_and_a_thickness_above_nothing(sensor: Sensor) -> None:
    sheets = sheets_of(sensor_to_mapping(sensor))
    assert any(path == "detector.front" for path, _ in sheets)
    for number, (path, _) in enumerate(sheets):
        for key, value, right in (("mat", "unobtainium", "no material is called"), ("g_cm2", -0.1, "above 0")):
            record = sensor_to_mapping(sensor)
            sheets_of(record)[number][1][key] = value
            with pytest.raises(BadValue, match=rf"(?m)^  {re.escape(path)}\.{key}: .*{right}"):
                sensor_from_mapping(record)


@pytest.mark.parametrize("factor", [0.0, 0.13, 3.0])
def test_every_scanner_with_an_energy_outside_the_tables_is_refused(sensor: Sensor, factor: float) -> None:
    record = sensor_to_mapping(sensor)
    if isinstance(sensor.source, Tube):
        record["source"]["kvp"] = factor * sensor.source.kvp
        told = r"source\.kvp: .*(spectra are baked for|above 0)"
    else:
        record["source"]["mev"] = [factor * mev for mev in sensor.source.mev]
        told = r"source\.mev\[0\]: .*at least 1 and at most 10"
    with pytest.raises(BadValue, match=rf"(?m)^  {told}"):
        sensor_from_mapping(record)
