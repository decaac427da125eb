"""The registered sensors. One file a family; adding a sensor is one record there."""

from xraybench.core.registry import Registry
from xraybench.core.sensor import Sensor
from xraybench.sensors import backscatter, baggage, container, conveyor, mail, pallet, tomography, vehicle

_REGISTRY: Registry[Sensor] = Registry("sensor")

for _family in (mail, baggage, conveyor, tomography, pallet, container, vehicle, backscatter):
    for _sensor in _family.SENSORS:
        _REGISTRY.add(_sensor.name, _sensor)


def get(name: str) -> Sensor:
    """The sensor of this name.

    Raises:
        UnknownName: With the nearest known name.
    """
    return _REGISTRY.get(name)


def names() -> list[str]:
    """All sensor names, in order of registration."""
    return _REGISTRY.names()
