"""What a scanner records, as a frozen declaration. Standard library only: listing sensors must be quick.

A sensor is a generic family, never a product. Everything the simulator needs to render on it stands here as data, so that
a new sensor is a new record and no new code.
"""

from dataclasses import asdict, dataclass
from typing import Any

from xraybench.core.errors import BadValue


@dataclass(frozen=True, slots=True)
class Layer:
    """A sheet of one material in the beam, by its areal density."""

    material: str
    g_cm2: float


@dataclass(frozen=True, slots=True)
class Tube:
    """An X-ray tube with a tungsten anode."""

    kvp: float
    filters: tuple[Layer, ...]  # between anode and item
    takeoff_deg: float = 20.0  # of the baked spectra
    spot_mm: float = 1.0  # focal spot; what it blurs is part of `Detector.blur_px`


@dataclass(frozen=True, slots=True)
class Linac:
    """An electron accelerator with a tungsten target, pulsed at one or two energies.

    With two energies the pulses alternate from column to column, and each channel is filled in between its own pulses;
    not `is_interlaced`, every column gets a pulse of either.
    """

    mev: tuple[float, ...]  # energies of the electrons: (hi, lo), or one for both channels
    filters: tuple[Layer, ...]
    target_mm: float = 1.0  # of tungsten, which absorbs part of its own light
    spot_mm: float = 2.0
    is_interlaced: bool = True


@dataclass(frozen=True, slots=True)
class Geometry:
    """How rays run. Scenes lie on a belt; x is along travel, z up towards the source of the first view, lengths in mm.

    `linescan`: the item moves along the columns, the fan opens along the rows; the origin lies on the belt under the
    source; a row is a ray of the fan, so only the rows are magnified. The first row shows the smallest y, so what stands
    upright before a sideways source (pallet, container, vehicle) has its floor at the largest y. Each entry of
    `turns_deg` is a view: the item is turned so far about an axis along travel through (y 0, z `axis_mm`), as a second
    source at that angle sees it.
    `ct`: slices across travel, `n_angles` parallel projections each. `backscatter`: a pencil beam from the source
    of the first view; what comes back is counted.
    """

    pixel_mm: float  # on the belt, the same in both directions; for `ct` the side of a voxel
    source_height_mm: float  # above the belt
    kind: str = "linescan"  # linescan, ct or backscatter
    turns_deg: tuple[float, ...] = (0.0,)
    axis_mm: float = 0.0  # height above the belt of the axis about which views are turned
    n_angles: int = 0  # ct: projections over half a turn
    n_slices: int = 0  # ct: slices of a scan, each a view
    slice_mm: float = 0.0  # ct: distance of slices along travel


@dataclass(frozen=True, slots=True)
class Detector:
    """A sandwich of two scintillators with a filter between them: the front counts low energies, the back high ones.

    Without `back` there is one scintillator, `front`: behind a linac it counts the pulses of either energy, in a CT or a
    backscatter scanner the one channel.
    """

    front: Layer
    between: Layer | None
    back: Layer | None
    quanta: tuple[float, ...]  # per pixel in the open beam, (hi, lo) or of the one channel
    electronic_noise: float  # standard deviation, as a share of the open beam
    blur_px: float  # standard deviation of the point spread, in pixels


@dataclass(frozen=True, slots=True)
class Artefacts:
    """What is left after the scanner's own corrections."""

    scatter_share: float  # scattered over primary signal, where the primary is half absorbed
    scatter_px: float  # width of the scatter kernel, in pixels
    row_gain: float  # standard deviation of the fixed gain residual of each detector row
    line_jitter: float  # standard deviation of the source output from line to line
    dead_rows: tuple[int, ...]  # filled from their neighbours
    misregister_px: float = 0.0  # shift of the lo channel against the hi channel along travel
    stretch: float = 0.0  # standard deviation of the item's speed about the belt's, as a share
    ring_gain: float = 0.0  # ct: standard deviation of the fixed gain residual of each detector element
    air_depth: float = 0.0  # ct: a ray dimmed by less, as -ln of what passes, crosses air alone; 0 keeps air as read


@dataclass(frozen=True, slots=True)
class Display:
    """How the scanner shows the two channels in colour: hue by atomic number, lightness by transmission.

    A scanner of one channel shows grey, whatever its hues.
    """

    gamma: float
    z_stops: tuple[float, ...]  # effective atomic number of each hue, ascending
    hues_rgb: tuple[tuple[int, int, int], ...]  # colour of a half-transmitting item at each stop
    background_rgb: tuple[int, int, int]  # the open beam
    window: tuple[float, float] = (0.0, 1.0)  # shown as black and as background: transmission; 1/cm in CT; albedo


@dataclass(frozen=True, slots=True)
class Field:
    """The part of the belt that one view of a vector shows."""

    vector: str
    height_px: int
    width_px: int


@dataclass(frozen=True, slots=True)
class Sensor:
    """One scanner model as a specification."""

    name: str
    summary: str
    modality: str  # transmission, ct or backscatter
    source: Tube | Linac
    geometry: Geometry
    detector: Detector
    artefacts: Artefacts
    display: Display
    fields: tuple[Field, ...]
    open_beam: int = 60_000  # count of the unattenuated beam in 16 bit
    channels: tuple[str, ...] = ("hi", "lo")  # what a raw view holds: (hi, lo), (mu,) or (albedo,)
    noise_scale: float = 1.0  # multiplies the standard deviation of all noise: a dial of the domain gap

    def record(self) -> dict[str, Any]:
        """The sensor as plain data, from which digests of its scans are taken.

        A correction that it does not make is left out, so that declaring it for one sensor renames the scans of no other.
        """
        found = asdict(self)
        if not self.artefacts.air_depth:
            del found["artefacts"]["air_depth"]
        return found

    @property
    def vectors(self) -> tuple[str, ...]:
        """The vectors this sensor scans."""
        return tuple(field.vector for field in self.fields)

    @property
    def n_views(self) -> int:
        """Images in one scan."""
        return self.geometry.n_slices if self.geometry.kind == "ct" else len(self.geometry.turns_deg)

    @property
    def is_dual(self) -> bool:
        """Whether its two channels differ. A transmission scanner of one energy gives the same counts in both."""
        if self.modality != "transmission":
            return False
        return len(self.source.mev) > 1 if isinstance(self.source, Linac) else self.detector.back is not None

    @property
    def track(self) -> str:
        """The native track of the sensor's scans."""
        return {"transmission": "raw", "ct": "slices", "backscatter": "scatter"}[self.modality]

    @property
    def pixel_mm(self) -> float:
        """Pixel pitch on the belt."""
        return self.geometry.pixel_mm

    def field(self, vector: str) -> Field:
        """The field of one vector.

        Raises:
            BadValue: When the sensor does not scan that vector.
        """
        for field in self.fields:
            if field.vector == vector:
                return field
        raise BadValue(f"Sensor {self.name} does not scan '{vector}'. It scans: {', '.join(self.vectors)}.")
