"""Single-view scanner for cabin and hold baggage.

The figures are generic choices for a family of machines and describe no product. The field is 0.72 m by 0.96 m on the
belt; a suitcase of 0.75 x 0.50 x 0.32 m fits with its magnified shadow.
"""

from xraybench.core.sensor import Artefacts, Detector, Field, Geometry, Layer, Sensor, Tube
from xraybench.sensors.palettes import PALETTES

BAGGAGE_140KV = Sensor(
    name="baggage_140kv",
    summary="baggage belt, 140 kV, caesium iodide front and back",
    modality="transmission",
    source=Tube(kvp=140.0, filters=(Layer("aluminium", 0.54),)),  # 2 mm
    geometry=Geometry(pixel_mm=1.5, source_height_mm=1200.0),
    detector=Detector(
        front=Layer("csi", 0.12),
        between=Layer("copper", 0.269),  # 0.3 mm
        back=Layer("csi", 1.4),
        quanta=(6.0e4, 5.0e4),
        electronic_noise=8.0e-4,
        blur_px=0.80,
    ),
    artefacts=Artefacts(scatter_share=0.03, scatter_px=24.0, row_gain=0.003, line_jitter=0.002, dead_rows=(311,)),
    display=PALETTES["B"],
    fields=(Field("baggage", 480, 640),),
)

SENSORS = (BAGGAGE_140KV,)
