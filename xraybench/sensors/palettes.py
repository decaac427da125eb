"""Colours of the displays: generic choices that no product shows, one a make, so that colour differs from make to make.

Hues follow the usual order: orange for light elements, green between, blue for metal. Gammas belong to the sensors.
"""

from xraybench.core.sensor import Display

PALETTES = {
    "A": Display(
        gamma=0.60,
        z_stops=(6.0, 8.5, 11.0, 14.5, 18.0, 26.0),
        hues_rgb=((255, 140, 20), (250, 150, 40), (150, 170, 50), (40, 160, 70), (30, 110, 170), (20, 60, 200)),
        background_rgb=(255, 255, 255),
    ),
    "B": Display(
        gamma=0.75,
        z_stops=(6.0, 9.0, 12.0, 15.0, 19.0, 26.0),
        hues_rgb=((230, 120, 60), (225, 150, 50), (120, 190, 40), (30, 175, 110), (40, 120, 220), (70, 70, 190)),
        background_rgb=(247, 250, 255),
    ),
    "C": Display(
        gamma=0.66,
        z_stops=(6.0, 8.0, 10.5, 13.5, 18.0, 28.0),
        hues_rgb=((205, 120, 30), (215, 165, 40), (190, 190, 60), (70, 150, 60), (60, 70, 190), (85, 55, 185)),
        background_rgb=(252, 252, 244),
    ),
    # thick loads: a low gamma opens the dark end, and what passes less than scatter makes of nothing is black
    "pallet": Display(
        gamma=0.45,
        z_stops=(6.0, 8.5, 11.5, 15.0, 19.0, 26.0),
        hues_rgb=((240, 150, 45), (230, 165, 60), (150, 185, 70), (60, 160, 90), (50, 120, 190), (40, 70, 200)),
        background_rgb=(255, 255, 255),
        window=(0.018, 1.0),
    ),
    # two pulses of some MeV hardly tell elements apart: few hues, and those far apart
    "cargo": Display(
        gamma=0.34,
        z_stops=(6.0, 10.0, 16.0, 26.0, 50.0),
        hues_rgb=((235, 150, 50), (215, 170, 70), (110, 170, 100), (60, 130, 180), (120, 60, 170)),
        background_rgb=(255, 255, 255),
        window=(0.006, 1.0),
    ),
    # scanners without a second energy show grey: dark is dense, in a slice and on a backscatter screen the other way round
    "slices": Display(
        gamma=0.70,
        z_stops=(6.0, 26.0),
        hues_rgb=((128, 128, 128), (128, 128, 128)),
        background_rgb=(0, 0, 0),
        window=(0.0, 0.55),
    ),
    "scatter": Display(
        gamma=0.80,
        z_stops=(6.0, 26.0),
        hues_rgb=((128, 128, 128), (128, 128, 128)),
        background_rgb=(0, 0, 0),
        window=(0.0, 1.1),
    ),
    "grey": Display(
        gamma=0.55,
        z_stops=(6.0, 26.0),
        hues_rgb=((128, 128, 128), (128, 128, 128)),
        background_rgb=(255, 255, 255),
    ),
}
