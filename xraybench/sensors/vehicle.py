"""Drive-through portal for vehicles: one energy, low dose, and a speed that is never quite the belt's.

The figures are generic choices for a family of machines and describe no product. The field is 2.56 m high and 5.63 m
wide at the detector: a car of 4.9 x 1.9 x 1.75 m (the beam along the 1.9 m) fits with its magnified shadow.
"""

from xraybench.core.sensor import Artefacts, Detector, Field, Geometry, Layer, Linac, Sensor
from xraybench.sensors.palettes import PALETTES

VEHICLE_4MEV = Sensor(
    name="vehicle_4mev",
    summary="drive-through vehicle portal, linear accelerator 4 MeV, low dose, one energy",
    modality="transmission",
    source=Linac(mev=(4.0,), filters=(Layer("steel", 7.85),)),  # 10 mm, which takes the softest part of the dose
    geometry=Geometry(pixel_mm=8.0, source_height_mm=7000.0),
    detector=Detector(
        front=Layer("cdwo4", 11.9),  # 15 mm
        between=None,
        back=None,
        quanta=(1.0e4,),
        electronic_noise=1.0e-3,
        blur_px=0.75,
    ),
    artefacts=Artefacts(
        scatter_share=0.03, scatter_px=16.0, row_gain=0.004, line_jitter=0.015, dead_rows=(), stretch=0.03
    ),
    display=PALETTES["grey"],
    fields=(Field("vehicle", 320, 704),),
)

SENSORS = (VEHICLE_4MEV,)
