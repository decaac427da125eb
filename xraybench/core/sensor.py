"""What a scanner records, as a frozen declaration. Standard library only: listing sensors must be quick.

A sensor is a generic family, never a product. Everything the simulator needs to render on it stands here as data, so that
a new sensor is a new record and no new code.
"""

from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Geometry:
    """A line scan: the item moves along the columns, the fan opens along the rows.

    The origin lies on the belt under the source. A row is a ray of the fan, so only the rows are magnified.
    """

    pixel_mm: float  # on the belt, the same in both directions
    source_height_mm: float  # above the belt


@dataclass(frozen=True, slots=True)
class Detector:
    """A sandwich of two scintillators with a filter between them: the front counts low energies, the back high ones."""

    front: Layer
    between: Layer
    back: Layer
    quanta: tuple[float, float]  # per pixel in the open beam, (hi, lo)
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


@dataclass(frozen=True, slots=True)
class Display:
    """How the scanner shows the two channels in colour: hue by atomic number, lightness by transmission."""

    gamma: float
    z_stops: tuple[float, ...]  # effective atomic number of each hue, ascending
    hues_rgb: tuple[tuple[int, int, int], ...]  # colour of a half-transmitting item at each stop
    background_rgb: tuple[int, int, int]  # the open beam


@dataclass(frozen=True, slots=True)
class Field:
    """The part of the belt that one scan of a vector shows."""

    vector: str
    height_px: int
    width_px: int


@dataclass(frozen=True, slots=True)
class Sensor:
    """One scanner model as a specification."""

    name: str
    summary: str
    modality: str  # "transmission"
    tube: Tube
    geometry: Geometry
    detector: Detector
    artefacts: Artefacts
    display: Display
    fields: tuple[Field, ...]
    open_beam: int = 60_000  # count of the unattenuated beam in 16 bit
    channels: tuple[str, ...] = ("hi", "lo")

    @property
    def vectors(self) -> tuple[str, ...]:
        """The vectors this sensor scans."""
        return tuple(field.vector for field in self.fields)

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
