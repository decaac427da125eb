"""The registered sensors. One file a family; adding a sensor is one record there."""

from xraybench.core.registry import Registry
from xraybench.core.sensor import Sensor
from xraybench.sensors import mail

_REGISTRY: Registry[Sensor] = Registry("sensor")

for _sensor in mail.SENSORS:
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
