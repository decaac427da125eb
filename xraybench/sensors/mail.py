"""Cabinet and belt scanners for mail and parcels: three makes that look at the same scenes through the same geometry.

The figures are generic choices for a family of machines and describe no product. All share pitch and geometry, so an
item throws the same shadow on each; spectrum, scintillators, dose, blur, artefacts and display differ. The 120 kV make
is the unseen one: no reference model trains on it.
"""

from xraybench.core.sensor import Artefacts, Detector, Field, Geometry, Layer, Sensor, Tube
from xraybench.sensors.palettes import PALETTES

_GEOMETRY = Geometry(pixel_mm=1.6, source_height_mm=900.0)
_FIELDS = (Field("mail", 160, 160), Field("parcel", 224, 224))

MAIL_160KV = Sensor(
    name="mail_160kv",
    summary="mail cabinet, 160 kV, powder-screen front and caesium iodide back, low noise",
    modality="transmission",
    source=Tube(kvp=160.0, filters=(Layer("aluminium", 0.81),)),  # 3 mm
    geometry=_GEOMETRY,
    detector=Detector(
        front=Layer("gos", 0.06),
        between=Layer("copper", 0.538),  # 0.6 mm
        back=Layer("csi", 1.8),
        quanta=(2.0e5, 1.5e5),
        electronic_noise=4.0e-4,
        blur_px=0.70,
    ),
    artefacts=Artefacts(scatter_share=0.02, scatter_px=20.0, row_gain=0.002, line_jitter=0.001, dead_rows=(100,)),
    display=PALETTES["A"],
    fields=_FIELDS,
)

MAIL_140KV = Sensor(
    name="mail_140kv",
    summary="mail belt, 140 kV, caesium iodide front and back, noisier and blurrier",
    modality="transmission",
    source=Tube(kvp=140.0, filters=(Layer("aluminium", 0.54),)),  # 2 mm
    geometry=_GEOMETRY,
    detector=Detector(
        front=Layer("csi", 0.12),
        between=Layer("copper", 0.269),  # 0.3 mm
        back=Layer("csi", 1.4),
        quanta=(6.0e4, 5.0e4),
        electronic_noise=8.0e-4,
        blur_px=0.85,
    ),
    artefacts=Artefacts(scatter_share=0.03, scatter_px=16.0, row_gain=0.003, line_jitter=0.002, dead_rows=()),
    display=PALETTES["B"],
    fields=_FIELDS,
)

MAIL_120KV = Sensor(
    name="mail_120kv",
    summary="mail belt, 120 kV, powder screens front and back, unseen by the reference models",
    modality="transmission",
    source=Tube(kvp=120.0, filters=(Layer("aluminium", 0.405),)),  # 1.5 mm
    geometry=_GEOMETRY,
    detector=Detector(
        front=Layer("gos", 0.09),
        between=Layer("copper", 0.358),  # 0.4 mm
        back=Layer("gos", 0.35),
        quanta=(4.0e4, 8.0e4),
        electronic_noise=6.0e-4,
        blur_px=0.75,
    ),
    artefacts=Artefacts(scatter_share=0.025, scatter_px=12.0, row_gain=0.004, line_jitter=0.0015, dead_rows=(57,)),
    display=PALETTES["C"],
    fields=_FIELDS,
)

SENSORS = (MAIL_160KV, MAIL_140KV, MAIL_120KV)
