"""CT scanner for baggage: slices across travel by filtered back projection, each slice a view.

The figures are generic choices for a family of machines and describe no product. Slices are 0.61 m wide, so a bag of
0.50 x 0.32 m across travel lies within the circle that every projection sees. A ray is taken for one through air below what
0.5 mm of water takes away, over twice the noise of the open beam.
"""

from xraybench.core.sensor import Artefacts, Detector, Field, Geometry, Layer, Sensor, Tube
from xraybench.sensors.palettes import PALETTES

BAGGAGE_CT = Sensor(
    name="baggage_ct",
    summary="baggage CT, 160 kV, one energy-integrating arc, slices of linear attenuation",
    modality="ct",
    source=Tube(kvp=160.0, filters=(Layer("aluminium", 0.81), Layer("copper", 0.0896))),  # 3 mm and 0.1 mm
    geometry=Geometry(
        pixel_mm=2.4,
        source_height_mm=1200.0,
        kind="ct",
        axis_mm=160.0,
        n_angles=300,
        n_slices=16,
        slice_mm=46.0,
    ),
    detector=Detector(
        front=Layer("csi", 1.4),
        between=None,
        back=None,
        quanta=(6.0e4,),
        electronic_noise=8.0e-4,
        blur_px=0.60,
    ),
    artefacts=Artefacts(
        scatter_share=0.0,
        scatter_px=30.0,
        row_gain=0.0,
        line_jitter=0.0,
        dead_rows=(),
        ring_gain=0.0015,
        air_depth=0.01,
    ),
    display=PALETTES["slices"],
    fields=(Field("baggage", 256, 256),),
    open_beam=10_000,  # counts of an attenuation of 1 /cm: steel fits below the top of 16 bit
    channels=("mu",),
)

SENSORS = (BAGGAGE_CT,)
