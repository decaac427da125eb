"""The product of a vector's axes as a table of tasks."""

from itertools import product

from xraybench.core.task import Task
from xraybench.core.vocabulary import ANY


def product_of(
    vector: str, threats: tuple[str, ...], concealments: tuple[str, ...], sensors: tuple[str, ...]
) -> tuple[Task, ...]:
    """One task for every threat, concealment and sensor, each axis with `any` first."""
    axes = product((ANY, *threats), (ANY, *concealments), (ANY, *sensors))
    return tuple(Task(vector, threat, concealment, sensor) for threat, concealment, sensor in axes)
