"""Sensors and scenes that come from outside: read from plain values, checked, and refused with all faults at once.

A sensor's mapping (a YAML file, say) has these parts; what has a default may be left out:

    id: parcel_160kv
    summary: what it is in a few words
    source: {type: tube, kvp: 160, anode: W, takeoff_deg: 20, filter: [[aluminium, 3.0]], spot_mm: 1.0}  # sheets in mm
        or {type: linac, mev: [6, 3], interlaced: columns, target_mm: 1.0, filter: [], spot_mm: 2.0}
    geometry: {kind: linescan, sdd_mm: 900, pitch_mm: [1.6, 1.6], views: [{turn_deg: 0}], axis_mm: 0}
        or {kind: ct, ..., n_angles: 300, n_slices: 16, slice_mm: 46}    or {kind: backscatter, ...}
    detector: {channels: [hi, lo], front: {mat: gos, g_cm2: 0.06}, filter: {mat: copper, mm: 0.6},
               back: {mat: csi, g_cm2: 1.8}, n0: [2.0e5, 1.5e5], electronic: 4.0e-4, psf_px: 0.55}
    artefacts: {spr: 0.02, scatter_px: 20, row_gain: 0.002, line_jitter: 0.001, dead_rows: [100], misregister_px: 0,
                stretch: 0, ring_gain: 0, air_depth: 0}
    display: {palette: A}
        or {gamma: 0.6, z_cuts: [6, 26], hues: [[255, 140, 20], [20, 60, 200]], background: [255, 255, 255], window: [0, 1]}
    output: {bits: 16, open_beam: 60000, noise_scale: 1.0}
    fields: {mail: [160, 160]}    # rows and columns of a view, by vector
"""

import math
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

from xraybench.core import vocabulary
from xraybench.core.errors import BadFile, BadValue
from xraybench.core.registry import did_you_mean
from xraybench.core.sensor import Artefacts, Detector, Display, Field, Geometry, Layer, Linac, Sensor, Tube
from xraybench.sensors.palettes import PALETTES
from xraybench.simulate import materials, spectra, spectral

T = TypeVar("T")

SYMBOLS = {  # short names that a specification may use for a material
    "Al": "aluminium", "Cu": "copper", "Fe": "iron", "Sn": "tin", "Pb": "lead", "W": "tungsten", "Ti": "titanium",
    "Gd2O2S": "gos", "CsI": "csi", "CdWO4": "cdwo4",
}  # fmt: skip
KINDS = {"linescan": "transmission", "ct": "ct", "backscatter": "backscatter"}  # of geometry, and the modality of each
WITHOUT_EFFECT = {  # artefacts that a kind of scanner does not have here: each has to be 0
    "linescan": ("ring_gain", "air_depth"),
    "ct": ("spr", "row_gain", "line_jitter", "dead_rows", "misregister_px", "stretch"),
    "backscatter": ("spr", "dead_rows", "misregister_px", "stretch", "ring_gain", "air_depth"),
}
CHANNELS = {"linescan": ("hi", "lo"), "ct": ("mu",), "backscatter": ("albedo",)}
_MISSING = object()
_DARK = 1e-30  # less light than this is none


def sensor_from_mapping(record: Mapping[str, Any]) -> Sensor:
    """The sensor of a specification in the form shown at the top of this file.

    Raises:
        BadValue: With every fault: the path of the field, what stands there, and what would be right.
    """
    reader = _Reader()
    sensor = _sensor(reader, record)
    if not reader.faults:
        _check_light(reader, sensor)
    reader.done(f"Sensor specification {record.get('id', '') if isinstance(record, Mapping) else ''}".strip())
    return sensor


def read_sensor(path: str | Path) -> Sensor:
    """The sensor of a YAML file.

    Raises:
        BadFile: The file is missing, no YAML, or says a field twice.
        BadValue: Faults of the specification, all of them.
    """
    import yaml

    class Loader(yaml.SafeLoader):
        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            keys = [key.value for key, _ in node.value]
            if twice := [str(key) for n, key in enumerate(keys) if key in keys[:n]]:
                raise yaml.YAMLError(f"{', '.join(twice)}: stands twice")
            return super().construct_mapping(node, deep)

    Loader.add_implicit_resolver(  # YAML 1.1 takes 2.0e5 for a text, and only 2.0e+5 for a number
        "tag:yaml.org,2002:float", re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+$"), list("-+0123456789")
    )
    try:
        record = yaml.load(Path(path).read_text(encoding="utf-8"), Loader)  # a safe loader
    except OSError as error:
        raise BadFile(f"{path}: cannot be read ({error.strerror}).") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # no text, a number of more digits than are read
        raise BadFile(f"{path}: is no YAML: {str(error).splitlines()[0]}.") from None
    return sensor_from_mapping(record)


def check_sensor(sensor: Sensor) -> None:
    """Refuse a sensor that no specification could describe, with all its faults."""
    sensor_from_mapping(sensor_to_mapping(sensor))


def sensor_to_mapping(sensor: Sensor) -> dict[str, Any]:
    """The specification of a sensor, in plain values; `sensor_from_mapping` gives the sensor back."""
    source, geometry, detector = sensor.source, sensor.geometry, sensor.detector
    filters = [{"mat": layer.material, "g_cm2": layer.g_cm2} for layer in source.filters]
    if isinstance(source, Tube):
        lit: dict[str, Any] = {"type": "tube", "kvp": source.kvp, "anode": "W", "takeoff_deg": source.takeoff_deg}
    else:
        lit = {"type": "linac", "mev": list(source.mev), "target_mm": source.target_mm}
        lit["interlaced"] = "columns" if source.is_interlaced else "none"
    record: dict[str, Any] = {
        "id": sensor.name,
        "summary": sensor.summary,
        "source": lit | {"filter": filters, "spot_mm": source.spot_mm},
        "geometry": {
            "kind": geometry.kind,
            "sdd_mm": geometry.source_height_mm,
            "pitch_mm": [geometry.pixel_mm, geometry.pixel_mm],
            "views": [{"turn_deg": turn} for turn in geometry.turns_deg],
            "axis_mm": geometry.axis_mm,
        },
        "detector": {"channels": list(sensor.channels), "front": _layer_record(detector.front)},
    }
    if geometry.kind == "ct":
        record["geometry"] |= {
            "n_angles": geometry.n_angles, "n_slices": geometry.n_slices, "slice_mm": geometry.slice_mm,
        }  # fmt: skip
    for key, layer in (("filter", detector.between), ("back", detector.back)):
        if layer is not None:
            record["detector"][key] = _layer_record(layer)
    record["detector"] |= {
        "n0": list(detector.quanta), "electronic": detector.electronic_noise, "psf_px": detector.blur_px,
    }  # fmt: skip
    artefacts, display = sensor.artefacts, sensor.display
    record["artefacts"] = {
        "spr": artefacts.scatter_share, "scatter_px": artefacts.scatter_px, "row_gain": artefacts.row_gain,
        "line_jitter": artefacts.line_jitter, "dead_rows": list(artefacts.dead_rows),
        "misregister_px": artefacts.misregister_px, "stretch": artefacts.stretch, "ring_gain": artefacts.ring_gain,
        "air_depth": artefacts.air_depth,
    }  # fmt: skip
    record["display"] = {
        "gamma": display.gamma, "z_cuts": list(display.z_stops), "hues": [list(hue) for hue in display.hues_rgb],
        "background": list(display.background_rgb), "window": list(display.window),
    }  # fmt: skip
    record["output"] = {"bits": 16, "open_beam": sensor.open_beam, "noise_scale": sensor.noise_scale}
    record["fields"] = {field.vector: [field.height_px, field.width_px] for field in sensor.fields}
    return record


def _layer_record(layer: Layer) -> dict[str, Any]:
    return {"mat": layer.material, "g_cm2": layer.g_cm2}


class _Reader:
    """Takes values out of plain tables and keeps every fault with its path; after a fault it goes on with a stand-in."""

    def __init__(self) -> None:
        self.faults: list[str] = []

    def fault(self, path: str, text: str) -> None:
        self.faults.append(f"{path}: {text}")

    def done(self, what: str) -> None:
        if self.faults:
            n = len(self.faults)
            raise BadValue(f"{what}: {n} fault{'s' if n > 1 else ''}\n  " + "\n  ".join(self.faults))

    def table(self, value: Any, path: str, known: Sequence[str]) -> Mapping[str, Any]:
        """The value as a table of known fields."""
        if value is _MISSING:
            return dict.fromkeys(known, _MISSING)
        if not isinstance(value, Mapping):
            shown = "is missing" if value is None else f"is {value!r}"
            self.fault(path, f"{shown}; it is a table of: {', '.join(known)}.")
            return dict.fromkeys(known, _MISSING)  # its fields are not told one by one
        prefix = f"{path}." if path != "sensor" else ""
        for key in value:
            if key not in known:
                self.fault(f"{prefix}{key}", f"no such field. {did_you_mean(str(key), list(known))}")
        return value

    def number(
        self,
        table: Mapping[str, Any],
        path: str,
        key: str,
        *,
        above: float = -math.inf,
        least: float = -math.inf,
        most: float = math.inf,
        default: float | None = None,
    ) -> float:
        """A number, above `above`, of at least `least` and at most `most`."""
        value = table.get(key, default)
        if value is _MISSING:
            return 1.0
        limits = [f"above {above:g}"] * (above > -math.inf) + [f"at least {least:g}"] * (least > -math.inf)
        limits += [f"at most {most:g}"] * (most < math.inf)
        wanted = "it is a number" + (" " + " and ".join(limits) if limits else "")
        if value is None:
            self.fault(f"{path}.{key}", f"is missing; {wanted}.")
            return 1.0
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= sys.float_info.max:
            self.fault(f"{path}.{key}", f"is {value!r:.40}; {wanted}.")
            return 1.0
        if not (value > above and least <= value <= most):
            self.fault(f"{path}.{key}", f"is {value:g}; {wanted}.")
        return float(value)

    def whole(
        self, table: Mapping[str, Any], path: str, key: str, *, least: int, most: int, default: int | None = None
    ) -> int:
        n_before = len(self.faults)
        value = self.number(table, path, key, least=least, most=most, default=default)
        if value != int(value) and len(self.faults) == n_before:
            self.fault(f"{path}.{key}", f"is {value:g}; it is a whole number.")
        return int(value)

    def numbers(
        self, value: Any, path: str, *, lengths: Sequence[int] = (), least: float = -math.inf, most: float = math.inf
    ) -> tuple[float, ...]:
        """A list of numbers, of one of these lengths."""
        if value is _MISSING:
            return (1.0,) * (lengths[0] if lengths else 1)
        wanted = "it is a list of " + (" or ".join(map(str, lengths)) + " " if lengths else "") + "numbers"
        if isinstance(value, str) or not isinstance(value, Sequence) or (lengths and len(value) not in lengths):
            self.fault(path, f"{'is missing' if value is None else f'is {value!r}'}; {wanted}.")
            return (1.0,) * (lengths[0] if lengths else 1)
        items = {str(i): item for i, item in enumerate(value)}
        found = []
        for i in items:
            n_before = len(self.faults)
            found.append(self.number(items, path, i, least=least, most=most))
            for n in range(n_before, len(self.faults)):  # places are written with brackets
                self.faults[n] = self.faults[n].replace(f"{path}.{i}:", f"{path}[{i}]:", 1)
        return tuple(found)

    def word(self, table: Mapping[str, Any], path: str, key: str, options: Sequence[str], default: str = "") -> str:
        value = table.get(key, default)
        if value is _MISSING:
            return options[0]
        if value not in options:
            shown = f"is {value!r}; " if value != "" else "is missing; "
            self.fault(f"{path}.{key}", f"{shown}it is one of: {', '.join(options)}.")
            return options[0]
        return str(value)

    def material(self, value: Any, path: str) -> str:
        name = SYMBOLS.get(str(value), str(value))
        if name not in materials.names():
            self.fault(path, f"no material is called {value!r}. {did_you_mean(name, materials.names())}")
            return materials.names()[0]
        return name

    def layer(self, value: Any, path: str) -> Layer:
        """A sheet: `[material, mm]`, or a table with `mat` and `mm` or `g_cm2`."""
        if value is _MISSING:
            return Layer(materials.names()[0], 1.0)
        if isinstance(value, Sequence) and not isinstance(value, str):
            if len(value) != 2:
                self.fault(path, f"is {list(value)!r}; a sheet is [material, thickness in mm].")
                return Layer(materials.names()[0], 1.0)
            value = {"mat": value[0], "mm": value[1]}
        table = self.table(value, path, ("mat", "mm", "g_cm2"))
        if table.get("mat") is _MISSING:
            return Layer(materials.names()[0], 1.0)
        name = self.material(table.get("mat"), f"{path}.mat")
        if ("mm" in table) == ("g_cm2" in table):
            self.fault(path, "says its thickness by one of mm and g_cm2.")
            return Layer(name, 1.0)
        if "g_cm2" in table:
            return Layer(name, self.number(table, path, "g_cm2", above=0.0, most=1e9))
        return Layer(
            name, 0.1 * self.number(table, path, "mm", above=0.0, most=1e9) * materials.get(name).density_g_cm3
        )

    def layers(self, value: Any, path: str) -> tuple[Layer, ...]:
        if value is _MISSING:
            return ()
        if isinstance(value, str) or not isinstance(value, Sequence):
            self.fault(path, f"is {value!r}; it is a list of sheets, such as [[aluminium, 3.0]].")
            return ()
        return tuple(self.layer(sheet, f"{path}[{i}]") for i, sheet in enumerate(value))


_PARTS = (
    "id", "summary", "source", "geometry", "detector", "artefacts", "display", "output", "fields",
)  # fmt: skip


def _sensor(reader: _Reader, record: Any) -> Sensor:
    record = reader.table(record, "sensor", _PARTS)
    name = record.get("id", "")
    if not (isinstance(name, str) and name and name.replace("_", "").isalnum() and name == name.lower()):
        if name is not _MISSING:
            shown = "is missing" if name == "" else f"is {name!r}"
            reader.fault("id", f"{shown}; it is a name of small letters, digits and underscores.")
        name = "sensor"
    geometry = _geometry(reader, record.get("geometry"))
    source = _source(reader, record.get("source"))
    if geometry.kind != "linescan" and isinstance(source, Linac):
        reader.fault("source.type", f"is 'linac'; a {geometry.kind} scanner has a tube.")
    fields = _fields(reader, record.get("fields"))
    detector = _detector(reader, record.get("detector"), source, geometry.kind)
    artefacts = _artefacts(reader, record.get("artefacts", {}), fields, geometry.kind)
    output = reader.table(record.get("output", {}), "output", ("bits", "open_beam", "noise_scale"))
    if output.get("bits", 16) not in (16, _MISSING):
        reader.fault("output.bits", f"is {output['bits']!r}; scans are kept in 16 bits.")
    summary = record.get("summary", "")
    if not isinstance(summary, str) and summary is not _MISSING:
        reader.fault("summary", f"is {summary!r:.40}; it is a text.")
    return Sensor(
        name=name,
        summary=str(summary) or name,
        modality=KINDS[geometry.kind],
        source=source,
        geometry=geometry,
        detector=detector,
        artefacts=artefacts,
        display=_display(reader, record.get("display", {"palette": "A"})),
        fields=fields,
        open_beam=reader.whole(output, "output", "open_beam", least=1000, most=65_000, default=60_000),
        channels=CHANNELS[geometry.kind],
        noise_scale=reader.number(output, "output", "noise_scale", least=0.0, most=1000.0, default=1.0),
    )


def _check_light(reader: _Reader, sensor: Sensor) -> None:
    """Every channel has to see something of the open beam."""
    n_channels = 2 if sensor.is_dual else 1
    lit = spectra.source_spectra(sensor.source, n_channels)
    seen = spectral.responses(sensor.detector, lit[0].energy_kev, n_channels=n_channels)
    if min(float(spectrum.fluence.max()) for spectrum in lit) < _DARK:
        reader.fault("source.filter", "lets nothing pass; take thinner sheets.")
    elif min(float((one.fluence * row).max()) for one, row in zip(lit, seen, strict=True)) < _DARK:
        reader.fault("detector.front", "leaves nothing for the scintillator behind; take a thinner front or filter.")


def _source(reader: _Reader, value: Any) -> Tube | Linac:
    known = ("type", "kvp", "anode", "takeoff_deg", "mev", "interlaced", "target_mm", "filter", "spot_mm")
    table = reader.table(value, "source", known)
    kind = reader.word(table, "source", "type", ("tube", "linac"))
    other = {"tube": ("mev", "interlaced", "target_mm"), "linac": ("kvp", "anode", "takeoff_deg")}[kind]
    for key in other:
        if table.get(key, _MISSING) is not _MISSING:
            reader.fault(f"source.{key}", f"a {kind} has none.")
    filters = reader.layers(table.get("filter", ()), "source.filter")
    if kind == "tube":
        return _tube(reader, table, filters)
    energies = table.get("mev")
    energies = [energies] if isinstance(energies, int | float) else energies
    low, high = spectra.LINAC_MEV
    mev = reader.numbers(energies, "source.mev", lengths=(1, 2), least=low, most=high)
    if len(mev) == 2 and mev[0] <= mev[1] and energies is not _MISSING:
        reader.fault("source.mev", f"is {list(mev)!r}; the higher energy stands first.")
    interlaced = reader.word(table, "source", "interlaced", ("columns", "none"), "columns")
    return Linac(
        mev=mev,
        filters=filters,
        target_mm=reader.number(table, "source", "target_mm", least=0.0, most=20.0, default=1.0),
        spot_mm=reader.number(table, "source", "spot_mm", above=0.0, most=20.0, default=2.0),
        is_interlaced=interlaced == "columns",
    )


def _tube(reader: _Reader, table: Mapping[str, Any], filters: tuple[Layer, ...]) -> Tube:
    kvp = reader.number(table, "source", "kvp", above=0.0)
    baked = tuple(spectra._table()[0].tolist())
    if table.get("kvp", _MISSING) is not _MISSING and kvp not in baked:
        shown = ", ".join(f"{v:g}" for v in baked)
        reader.fault("source.kvp", f"is {kvp:g}; spectra are baked for {shown} kV.")
    if table.get("anode", "W") not in ("W", "tungsten", _MISSING):
        reader.fault("source.anode", f"is {table['anode']!r}; spectra are baked for tungsten (W).")
    takeoff = reader.number(table, "source", "takeoff_deg", default=20.0)
    if takeoff != 20.0 and table.get("takeoff_deg") is not _MISSING:
        reader.fault("source.takeoff_deg", f"is {takeoff:g}; spectra are baked for 20 degrees.")
    return Tube(kvp, filters, takeoff, reader.number(table, "source", "spot_mm", above=0.0, most=20.0, default=1.0))


def _geometry(reader: _Reader, value: Any) -> Geometry:
    known = ("kind", "sdd_mm", "pitch_mm", "views", "axis_mm", "n_angles", "n_slices", "slice_mm")
    table = reader.table(value, "geometry", known)
    kind = reader.word(table, "geometry", "kind", tuple(KINDS), "linescan")
    pitch = table.get("pitch_mm")
    pitch = [pitch, pitch] if isinstance(pitch, int | float) else pitch
    pixels = reader.numbers(pitch, "geometry.pitch_mm", lengths=(2,), least=0.05, most=50.0)
    if pixels[0] != pixels[1]:
        reader.fault("geometry.pitch_mm", f"is {list(pixels)!r}; it is the same along and across travel.")
    views = table.get("views", [{"turn_deg": 0.0}])
    turns = [0.0]
    if views is not _MISSING:
        if isinstance(views, str) or not isinstance(views, Sequence) or not views:
            reader.fault("geometry.views", f"is {views!r}; it is a list of views, such as [{{turn_deg: 0}}].")
        else:
            tables = [reader.table(view, f"geometry.views[{i}]", ("turn_deg",)) for i, view in enumerate(views)]
            turns = [
                reader.number(view, f"geometry.views[{i}]", "turn_deg", least=-180.0, most=180.0)
                for i, view in enumerate(tables)
            ]
    if kind != "linescan" and len(turns) > 1:
        reader.fault("geometry.views", f"holds {len(turns)} views; a {kind} scanner has one source.")
    is_ct = kind == "ct"
    for key in ("n_angles", "n_slices", "slice_mm"):
        if not is_ct and table.get(key, _MISSING) is not _MISSING:
            reader.fault(f"geometry.{key}", f"a {kind} scanner has none.")
    return Geometry(
        pixel_mm=pixels[0],
        source_height_mm=reader.number(table, "geometry", "sdd_mm", least=100.0, most=100_000.0),
        kind=kind,
        turns_deg=tuple(turns),
        axis_mm=reader.number(table, "geometry", "axis_mm", least=-100_000.0, most=100_000.0, default=0.0),
        n_angles=reader.whole(table, "geometry", "n_angles", least=16, most=4096) if is_ct else 0,
        n_slices=reader.whole(table, "geometry", "n_slices", least=1, most=1024) if is_ct else 0,
        slice_mm=reader.number(table, "geometry", "slice_mm", least=0.05, most=1000.0) if is_ct else 0.0,
    )


def _detector(reader: _Reader, value: Any, source: Tube | Linac, kind: str) -> Detector:
    table = reader.table(value, "detector", ("channels", "front", "filter", "back", "n0", "electronic", "psf_px"))
    channels = table.get("channels", CHANNELS[kind])
    if channels is not _MISSING and not (_is_list(channels) and tuple(channels) == CHANNELS[kind]):
        reader.fault("detector.channels", f"is {channels!r}; a {kind} scanner has {list(CHANNELS[kind])}.")
    front = reader.layer(table.get("front"), "detector.front")
    between, back = (
        reader.layer(table[key], f"detector.{key}") if table.get(key) is not None else None
        for key in ("filter", "back")
    )
    if kind != "linescan" or isinstance(source, Linac):
        if between is not None or back is not None:
            if _MISSING not in (table.get("filter"), table.get("back")):
                reader.fault("detector.back", "a linac, CT or backscatter scanner has one scintillator, `front`.")
            between = back = None
    elif between is not None and back is None:
        reader.fault("detector.filter", "a filter between two scintillators needs the second, `back`.")
    n_energies = 2 if back is not None or (isinstance(source, Linac) and len(source.mev) == 2) else 1
    n0 = table.get("n0")
    n0 = [n0] if isinstance(n0, int | float) else n0
    quanta = reader.numbers(n0, "detector.n0", lengths=(n_energies,), least=1.0, most=1e12)
    return Detector(
        front=front,
        between=between,
        back=back,
        quanta=quanta,
        electronic_noise=reader.number(table, "detector", "electronic", least=0.0, most=0.2),
        blur_px=reader.number(table, "detector", "psf_px", least=0.0, most=10.0),
    )


def _artefacts(reader: _Reader, value: Any, fields: tuple[Field, ...], kind: str) -> Artefacts:
    known = (
        "spr", "scatter_px", "row_gain", "line_jitter", "dead_rows", "misregister_px", "stretch", "ring_gain",
        "air_depth",
    )  # fmt: skip
    table = reader.table(value, "artefacts", known)

    def share(key: str, most: float) -> float:
        return reader.number(table, "artefacts", key, least=0.0, most=most, default=0.0)

    tallest = max((field.height_px for field in fields), default=1)
    dead = reader.numbers(table.get("dead_rows", ()), "artefacts.dead_rows", least=0, most=tallest - 1)
    for i, row in enumerate(dead):
        if row != int(row):
            reader.fault(f"artefacts.dead_rows[{i}]", f"is {row:g}; it is a whole number.")
    for key in WITHOUT_EFFECT[kind]:
        if table.get(key, 0) not in (0, [], (), _MISSING):
            reader.fault(f"artefacts.{key}", f"is {table[key]!r}; it has no effect on a {kind} scanner: leave it out.")
    return Artefacts(
        scatter_share=share("spr", 1.0),
        scatter_px=reader.number(table, "artefacts", "scatter_px", least=0.1, most=500.0, default=20.0),
        row_gain=share("row_gain", 0.2),
        line_jitter=share("line_jitter", 0.2),
        dead_rows=tuple(int(row) for row in dead),
        misregister_px=reader.number(table, "artefacts", "misregister_px", least=-20.0, most=20.0, default=0.0),
        stretch=share("stretch", 0.2),
        ring_gain=share("ring_gain", 0.2),
        air_depth=reader.number(table, "artefacts", "air_depth", least=0.0, most=0.2, default=0.0),
    )


def _display(reader: _Reader, value: Any) -> Display:
    known = ("palette", "gamma", "z_cuts", "hues", "background", "window")
    table = reader.table(value, "display", known)
    if "palette" in table:
        palette = table["palette"]
        if palette is _MISSING:
            return PALETTES["A"]
        if not isinstance(palette, str) or palette not in PALETTES:
            reader.fault("display.palette", f"is {palette!r}; it is one of: {', '.join(PALETTES)}.")
            palette = "A"
        for key in ("z_cuts", "hues", "background"):
            if key in table:
                reader.fault(f"display.{key}", "is the palette's own; leave one of them out.")
        base = PALETTES[palette]
        gamma = reader.number(table, "display", "gamma", least=0.05, most=5.0, default=base.gamma)
        return replace(base, gamma=gamma, window=_window(reader, table.get("window", base.window)))
    stops = reader.numbers(table.get("z_cuts"), "display.z_cuts", least=1.0, most=92.0)
    if any(b <= a for a, b in pairwise(stops)):
        reader.fault("display.z_cuts", f"is {list(stops)!r}; atomic numbers ascend.")
    hues: Any = table.get("hues")
    colours = [_colour(reader, hue, f"display.hues[{i}]") for i, hue in enumerate(hues)] if _is_list(hues) else []
    if len(colours) != len(stops):
        reader.fault("display.hues", f"holds {len(colours)} colours; it has one for each of the {len(stops)} z_cuts.")
    return Display(
        gamma=reader.number(table, "display", "gamma", least=0.05, most=5.0),
        z_stops=stops,
        hues_rgb=tuple(colours),
        background_rgb=_colour(reader, table.get("background", [255, 255, 255]), "display.background"),
        window=_window(reader, table.get("window", [0.0, 1.0])),
    )


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _colour(reader: _Reader, value: Any, path: str) -> tuple[int, int, int]:
    red, green, blue = reader.numbers(value, path, lengths=(3,), least=0, most=255)
    return int(red), int(green), int(blue)


def _window(reader: _Reader, value: Any) -> tuple[float, float]:
    black, white = reader.numbers(value, "display.window", lengths=(2,))
    if not black < white and value is not _MISSING:
        reader.fault("display.window", f"is [{black:g}, {white:g}]; black lies below white.")
        return 0.0, 1.0
    return black, white


def _fields(reader: _Reader, value: Any) -> tuple[Field, ...]:
    if value is _MISSING:
        return ()
    vectors = [term.name for term in vocabulary.VECTORS]
    if not isinstance(value, Mapping) or not value:
        shown = "is missing" if value is None else f"is {value!r}"
        reader.fault("fields", f"{shown}; it is a table such as mail: [160, 160].")
        return ()
    fields = []
    for vector, size in value.items():
        if vector not in vectors:
            reader.fault(f"fields.{vector}", f"no such vector. {did_you_mean(str(vector), vectors)}")
            continue
        rows, columns = reader.numbers(size, f"fields.{vector}", lengths=(2,), least=16, most=8192)
        if rows != int(rows) or columns != int(columns):
            reader.fault(f"fields.{vector}", f"is {list(size)!r}; rows and columns are whole numbers.")
        fields.append(Field(vector, int(rows), int(columns)))
    return tuple(fields)
