"""The simulator: scenes of mail and parcels, rendered on any registered sensor, with exact labels.

`make_scene` builds the record of one item, `render` scans it, `label` makes its labels alone, `display` shows it in colour.
Physics is checked against published numbers; looks are only plausible; no sensor imitates a product.
"""

from xraybench.simulate.compose import CONCEALMENTS, THREATS, VECTORS, make_scene
from xraybench.simulate.display import display, effective_z, grey
from xraybench.simulate.render import Labels, Rendered, ThreatLabel, label, noise_free, render, render_many
from xraybench.simulate.scene import ENGINE_VERSION, Scene, SceneObject

__all__ = [
    "CONCEALMENTS",
    "ENGINE_VERSION",
    "THREATS",
    "VECTORS",
    "Labels",
    "Rendered",
    "Scene",
    "SceneObject",
    "ThreatLabel",
    "display",
    "effective_z",
    "grey",
    "label",
    "make_scene",
    "noise_free",
    "render",
    "render_many",
]
