"""The standard tasks: one file a vector, each a table of declarations.

A task id is `vector-threat-concealment-sensor-vN` with `any` allowed on every axis but the vector. `any` threat is every
threat of the vector and no control (`vocabulary.CONTROLS`); `any` sensor is the vector's declared suite (`suite_sensors`),
so a sensor that is added later changes no task that was published. `get` finds a task
by its id, `select` filters, `of_dataset` declares the task that an imported dataset can be measured on.
"""

from xraybench.core import vocabulary
from xraybench.core.errors import BadValue, UnknownName
from xraybench.core.registry import did_you_mean
from xraybench.core.task import Task
from xraybench.tasks import baggage, container, mail, pallet, parcel, vehicle

_DECLARED = {
    "mail": mail,
    "parcel": parcel,
    "baggage": baggage,
    "pallet": pallet,
    "container": container,
    "vehicle": vehicle,
}  # rail has no sensor and no scenes yet, so it has no tasks
SUITES: dict[str, tuple[Task, ...]] = {vector: declared.TASKS for vector, declared in _DECLARED.items()}
_BY_ID = {task.id: task for suite in SUITES.values() for task in suite}


def get(task_id: str) -> Task:
    """The task of this id. A bare prefix such as `mail-any-any-any` means its newest version.

    Raises:
        UnknownName: With the nearest id.
    """
    if task_id in _BY_ID:
        return _BY_ID[task_id]
    versions = [task for task in _BY_ID.values() if task.id.rpartition("-v")[0] == task_id]
    if versions:
        return max(versions, key=lambda task: task.version)
    raise UnknownName(f"No task is called '{task_id}'. {did_you_mean(task_id, ids())}")


def ids() -> list[str]:
    """All task ids, suite by suite."""
    return list(_BY_ID)


def select(*, vector: str = "", threat: str = "", concealment: str = "", sensor: str = "") -> list[Task]:
    """Tasks with these values on their axes; an empty value takes all.

    Raises:
        UnknownName: A value that no task has on that axis, with the nearest one that a task has.
    """
    wanted = {"vector": vector, "threat": threat, "concealment": concealment, "sensor": sensor}
    for axis, value in wanted.items():
        known = list(dict.fromkeys(getattr(t, axis) for t in _BY_ID.values()))
        if value and value not in known:
            raise UnknownName(f"No task has {axis} '{value}'. {did_you_mean(value, known)}")
    return [t for t in _BY_ID.values() if all(not v or getattr(t, axis) == v for axis, v in wanted.items())]


def suite_sensors(vector: str) -> tuple[str, ...]:
    """The sensors that `any` sensor stands for on one vector; none where the vector has no standard tasks."""
    declared: tuple[str, ...] = _DECLARED[vector].SENSORS if vector in _DECLARED else ()
    return declared


def sensors_of(task: Task) -> tuple[str, ...]:
    """The sensors whose scans a task is measured on."""
    return suite_sensors(task.vector) if task.sensor == vocabulary.ANY else (task.sensor,)


def vectors_of(sensor: str) -> list[str]:
    """The vectors that have standard tasks on one sensor."""
    return [vector for vector, suite in SUITES.items() if any(task.sensor == sensor for task in suite)]


def of_dataset(vector: str, sensor: str, *, threat: str = vocabulary.ANY) -> Task:
    """The task that an imported dataset of one vector and sensor is measured on; on no public board.

    Raises:
        UnknownName: The vector or threat is not in the vocabulary.
    """
    vocabulary.term("vector", vector)
    if threat != vocabulary.ANY:
        vocabulary.term("threat", threat)
    if not sensor:
        raise BadValue("A dataset without a sensor id has no task; say 'unknown' if it is not known.")
    return Task(vector, threat, vocabulary.ANY, sensor)
