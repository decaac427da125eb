"""Dual-view conveyor scanner: one source above, one beside the belt, a scan holds both views.

The figures are generic choices for a family of machines and describe no product. The second view turns the item by 90
degrees about an axis 0.16 m above the belt, so that what is flat from above is seen on edge.
"""

from xraybench.core.sensor import Artefacts, Detector, Field, Geometry, Layer, Sensor, Tube
from xraybench.sensors.palettes import PALETTES

CONVEYOR_160KV = Sensor(
    name="conveyor_160kv",
    summary="dual-view conveyor, 160 kV, from above and from the side",
    modality="transmission",
    source=Tube(kvp=160.0, filters=(Layer("aluminium", 0.81),)),  # 3 mm
    geometry=Geometry(pixel_mm=1.5, source_height_mm=1200.0, turns_deg=(0.0, 90.0), axis_mm=160.0),
    detector=Detector(
        front=Layer("gos", 0.06),
        between=Layer("copper", 0.538),  # 0.6 mm
        back=Layer("csi", 1.8),
        quanta=(1.0e5, 1.0e5),
        electronic_noise=5.0e-4,
        blur_px=0.70,
    ),
    artefacts=Artefacts(
        scatter_share=0.025, scatter_px=22.0, row_gain=0.002, line_jitter=0.0015, dead_rows=(), misregister_px=0.3
    ),
    display=PALETTES["A"],
    fields=(Field("baggage", 480, 640), Field("parcel", 288, 288)),
)

SENSORS = (CONVEYOR_160KV,)
