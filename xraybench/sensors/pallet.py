"""Scanner for pallets and air cargo, with a sideways source.

The figures are generic choices for a family of machines and describe no product. The field is 2.05 m high and 1.79 m
wide at the detector, which a pallet of 1.2 x 0.8 m (the beam runs along the 0.8 m) loaded 1.6 m high fits.
"""

from xraybench.core.sensor import Artefacts, Detector, Field, Geometry, Layer, Sensor, Tube
from xraybench.sensors.palettes import PALETTES

PALLET_300KV = Sensor(
    name="pallet_300kv",
    summary="pallet and air cargo, 300 kV, caesium iodide front and back",
    modality="transmission",
    source=Tube(kvp=300.0, filters=(Layer("aluminium", 0.81), Layer("copper", 0.896))),  # 3 mm and 1 mm
    geometry=Geometry(pixel_mm=4.0, source_height_mm=5000.0),
    detector=Detector(
        front=Layer("csi", 0.4),
        between=Layer("copper", 0.896),  # 1 mm
        back=Layer("csi", 4.5),
        quanta=(8.0e4, 5.0e4),
        electronic_noise=4.0e-4,
        blur_px=0.70,
    ),
    artefacts=Artefacts(scatter_share=0.05, scatter_px=30.0, row_gain=0.002, line_jitter=0.001, dead_rows=(203,)),
    display=PALETTES["pallet"],
    fields=(Field("pallet", 512, 448),),
)

SENSORS = (PALLET_300KV,)
