"""Backscatter van: a flying spot along the side of a vehicle; light elements near the skin come out bright.

The figures are generic choices for a family of machines and describe no product. Rows are rays of the spot's fan. The
field is 3.24 m high and 5.47 m wide at the far side of the vehicle (z 0), 1.8 times as fine at its near side.
"""

from xraybench.core.sensor import Artefacts, Detector, Field, Geometry, Layer, Sensor, Tube
from xraybench.sensors.palettes import PALETTES

BACKSCATTER_225KV = Sensor(
    name="backscatter_225kv",
    summary="backscatter van, 225 kV flying spot, one side, light elements bright",
    modality="backscatter",
    source=Tube(kvp=225.0, filters=(Layer("aluminium", 0.54),)),  # 2 mm
    geometry=Geometry(pixel_mm=9.0, source_height_mm=4500.0, kind="backscatter"),
    detector=Detector(
        front=Layer("csi", 1.4),
        between=None,
        back=None,
        quanta=(400.0,),  # counted per pixel where the item scatters most
        electronic_noise=2.0e-3,
        blur_px=0.80,
    ),
    artefacts=Artefacts(scatter_share=0.0, scatter_px=1.0, row_gain=0.01, line_jitter=0.01, dead_rows=()),
    display=PALETTES["scatter"],
    fields=(Field("vehicle", 360, 608),),
    channels=("albedo",),
)

SENSORS = (BACKSCATTER_225KV,)
