"""Small true things for the tests of the simulator: scenes of a few primitives, and sensors without artefacts."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from xraybench import sensors
from xraybench.core.sensor import Linac, Sensor
from xraybench.simulate import Scene, SceneObject
from xraybench.simulate.parts import Item
from xraybench.simulate.scene import join

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "make"))


@pytest.fixture(params=sensors.names())
def sensor(request: pytest.FixtureRequest) -> Sensor:
    """Each registered sensor in turn."""
    return sensors.get(request.param)


LINE_SCANNERS = [name for name in sensors.names() if sensors.get(name).modality == "transmission"]


@pytest.fixture(params=LINE_SCANNERS)
def line_scanner(request: pytest.FixtureRequest) -> Sensor:
    """Each sensor that scans by transmission."""
    return sensors.get(request.param)


@pytest.fixture(params=[name for name in LINE_SCANNERS if sensors.get(name).detector.back is not None])
def sandwich(request: pytest.FixtureRequest) -> Sensor:
    """Each sensor with two scintillators behind a tube."""
    return sensors.get(request.param)


@pytest.fixture(scope="session")
def mail_160kv() -> Sensor:
    """One sensor, where any would do."""
    return sensors.get("mail_160kv")


@pytest.fixture(scope="session")
def scene_of() -> Callable[..., Scene]:
    """A scene that holds one item where it was built, and nothing else."""

    def make(item: Item, *, threat: str = "", vector: str = "mail") -> Scene:
        n_objects = int(item.ints[:, 4].max()) + 1
        ints, reals, planes = join([(item, list(range(n_objects)))])
        objects = tuple(SceneObject(item.kind, "slot", threat) for _ in range(n_objects))
        texture_at = np.zeros((len(ints), 2), dtype=np.int64)
        concealment = "undeclared" if threat else ""
        return Scene("one", vector, threat, concealment, "undeclared", objects, ints, reals, planes, texture_at)

    return make


@pytest.fixture(scope="session")
def without_artefacts() -> Callable[[Sensor], Sensor]:
    """The sensor with quantum and electronic noise and blur, and nothing else."""

    def clean(sensor: Sensor) -> Sensor:
        none = replace(
            sensor.artefacts,
            scatter_share=0.0,
            row_gain=0.0,
            line_jitter=0.0,
            dead_rows=(),
            misregister_px=0.0,
            stretch=0.0,
        )
        source = replace(sensor.source, is_interlaced=False) if isinstance(sensor.source, Linac) else sensor.source
        return replace(sensor, source=source, artefacts=none)

    return clean


@pytest.fixture(scope="session")
def without_noise(without_artefacts: Callable[[Sensor], Sensor]) -> Callable[[Sensor], Sensor]:
    """The sensor with blur alone."""

    def clean(sensor: Sensor) -> Sensor:
        quiet = replace(sensor.detector, quanta=(1e15,) * len(sensor.detector.quanta), electronic_noise=0.0)
        return replace(without_artefacts(sensor), detector=quiet)

    return clean
