"""The simulator: scenes of mail, parcels, bags and cargo, rendered on any registered sensor, with exact labels.

`make_scene` builds the record of one item, `render` scans it, `label` makes its labels alone, `display` shows it in colour.
Physics is checked against published numbers; looks are only plausible; no sensor imitates a product.
"""

from xraybench.simulate.compose import CONCEALMENTS_OF, THREATS_OF, VECTORS, make_scene
from xraybench.simulate.dial import FACTORS, dial
from xraybench.simulate.display import display, effective_z, grey
from xraybench.simulate.phantoms import make_phantom
from xraybench.simulate.render import Labels, Rendered, ThreatLabel, label, noise_free, render, render_many
from xraybench.simulate.scene import ENGINE_VERSION, Scene, SceneObject
from xraybench.simulate.scene_check import check_scene, scene_from_mapping
from xraybench.simulate.specification import check_sensor, read_sensor, sensor_from_mapping, sensor_to_mapping

__all__ = [
    "CONCEALMENTS_OF",
    "ENGINE_VERSION",
    "FACTORS",
    "THREATS_OF",
    "VECTORS",
    "Labels",
    "Rendered",
    "Scene",
    "SceneObject",
    "ThreatLabel",
    "check_scene",
    "check_sensor",
    "dial",
    "display",
    "effective_z",
    "grey",
    "label",
    "make_phantom",
    "make_scene",
    "noise_free",
    "read_sensor",
    "render",
    "render_many",
    "scene_from_mapping",
    "sensor_from_mapping",
    "sensor_to_mapping",
]
