"""Cabinet and belt scanners for mail and parcels: two makes that look at the same scenes through the same geometry.

The figures are generic choices for a family of machines and describe no product. Both share pitch and geometry, so an
item throws the same shadow on both; spectrum, scintillators, dose, blur, artefacts and display differ.
"""

from xraybench.core.sensor import Artefacts, Detector, Display, Field, Geometry, Layer, Sensor, Tube

_GEOMETRY = Geometry(pixel_mm=1.6, source_height_mm=900.0)
_FIELDS = (Field("mail", 160, 160), Field("parcel", 224, 224))

MAIL_160KV = Sensor(
    name="mail_160kv",
    summary="mail cabinet, 160 kV, powder-screen front and caesium iodide back, low noise",
    modality="transmission",
    tube=Tube(kvp=160.0, filters=(Layer("aluminium", 0.81),)),  # 3 mm
    geometry=_GEOMETRY,
    detector=Detector(
        front=Layer("gos", 0.06),
        between=Layer("copper", 0.538),  # 0.6 mm
        back=Layer("csi", 1.8),
        quanta=(2.0e5, 1.5e5),
        electronic_noise=4.0e-4,
        blur_px=0.55,
    ),
    artefacts=Artefacts(scatter_share=0.02, scatter_px=20.0, row_gain=0.002, line_jitter=0.001, dead_rows=(100,)),
    display=Display(
        gamma=0.60,
        z_stops=(6.0, 8.5, 11.0, 14.5, 18.0, 26.0),
        hues_rgb=((255, 140, 20), (250, 150, 40), (150, 170, 50), (40, 160, 70), (30, 110, 170), (20, 60, 200)),
        background_rgb=(255, 255, 255),
    ),
    fields=_FIELDS,
)

MAIL_140KV = Sensor(
    name="mail_140kv",
    summary="mail belt, 140 kV, caesium iodide front and back, noisier and blurrier",
    modality="transmission",
    tube=Tube(kvp=140.0, filters=(Layer("aluminium", 0.54),)),  # 2 mm
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
    display=Display(
        gamma=0.75,
        z_stops=(6.0, 9.0, 12.0, 15.0, 19.0, 26.0),
        hues_rgb=((230, 120, 60), (225, 150, 50), (120, 190, 40), (30, 175, 110), (40, 120, 220), (70, 70, 190)),
        background_rgb=(247, 250, 255),
    ),
    fields=_FIELDS,
)

SENSORS = (MAIL_160KV, MAIL_140KV)
