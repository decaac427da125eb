"""The product of a vector's axes as a table of tasks."""

from itertools import product

from xraybench.core.task import Task
from xraybench.core.vocabulary import ANY


def product_of(
    vector: str,
    threats: tuple[str, ...],
    concealments: tuple[str, ...],
    sensors: tuple[str, ...],
    *,
    apart: tuple[str, ...] = (),
    controls: tuple[str, ...] = (),
) -> tuple[Task, ...]:
    """One task for every threat, concealment and sensor, each axis with `any` first, and one for every control and sensor.

    `any` on the axis of sensors stands for `sensors`; those of `apart` have tasks of their own only. Controls are no
    part of `any` threat, and how they are hidden is not asked.
    """
    scanners = (ANY, *sensors, *apart)
    axes = (*product((ANY, *threats), (ANY, *concealments)), *product(controls, (ANY,)))
    return tuple(Task(vector, threat, concealment, sensor) for (threat, concealment), sensor in product(axes, scanners))
