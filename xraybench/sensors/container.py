"""Scanner for sea containers: a linear accelerator that alternates between two energies from column to column.

The figures are generic choices for a family of machines and describe no product. The field is 3.46 m high and 6.91 m
wide at the detector: a 20 ft container (6.06 x 2.44 x 2.59 m, the beam along the 2.44 m) fits with its magnified shadow.
"""

from xraybench.core.sensor import Artefacts, Detector, Field, Geometry, Layer, Linac, Sensor
from xraybench.sensors.palettes import PALETTES

CONTAINER_6MEV = Sensor(
    name="container_6mev",
    summary="container portal, linear accelerator 6 and 3 MeV interlaced, cadmium tungstate",
    modality="transmission",
    source=Linac(mev=(6.0, 3.0), filters=()),
    geometry=Geometry(pixel_mm=7.2, source_height_mm=12_000.0),
    detector=Detector(
        front=Layer("cdwo4", 23.7),  # 30 mm
        between=None,
        back=None,
        quanta=(6.0e4, 4.0e4),
        electronic_noise=2.0e-4,
        blur_px=0.70,
    ),
    artefacts=Artefacts(scatter_share=0.03, scatter_px=24.0, row_gain=0.003, line_jitter=0.012, dead_rows=(140, 371)),
    display=PALETTES["cargo"],
    fields=(Field("container", 480, 960),),
)

SENSORS = (CONTAINER_6MEV,)
