"""What every standard task, sensor and simulated corpus obeys, over the registries."""

import pytest

from xraybench import sensors, tasks
from xraybench.core import vocabulary
from xraybench.core.errors import UnknownName
from xraybench.core.vocabulary import ANY, CONTROLS
from xraybench.data.corpus import corpora
from xraybench.data.dataset import corpora_of
from xraybench.simulate import CONCEALMENTS_OF, THREATS_OF

VECTORS = list(tasks.SUITES)


@pytest.mark.parametrize("vector", VECTORS)
def test_every_sensor_that_a_task_names_scans_its_vector(vector: str) -> None:
    named = {task.sensor for task in tasks.SUITES[vector]} - {ANY}
    for name in named:
        assert vector in sensors.get(name).vectors


def test_every_sensor_stands_in_the_tasks_of_every_vector_it_scans() -> None:
    for name in sensors.names():
        assert set(tasks.vectors_of(name)) == set(sensors.get(name).vectors), name


@pytest.mark.parametrize("vector", VECTORS)
def test_any_sensor_stands_for_scanners_of_one_track_and_one_open_beam(vector: str) -> None:
    suite = [sensors.get(name) for name in tasks.suite_sensors(vector)]
    assert suite
    assert len({sensor.track for sensor in suite}) == len({sensor.open_beam for sensor in suite}) == 1


@pytest.mark.parametrize("vector", VECTORS)
def test_the_simulator_makes_every_threat_control_and_concealment_that_a_task_asks_for(vector: str) -> None:
    suite = tasks.SUITES[vector]
    assert {task.threat for task in suite} - {ANY} <= set(THREATS_OF[vector])
    assert {task.concealment for task in suite} - {ANY} <= set(CONCEALMENTS_OF[vector])
    assert {task.concealment for task in suite} - {ANY} <= set(vocabulary.concealments_on(vector))


@pytest.mark.parametrize("vector", VECTORS)
def test_controls_have_one_task_a_sensor_and_no_concealment(vector: str) -> None:
    for control in {task.threat for task in tasks.SUITES[vector]} & set(CONTROLS):
        chosen = tasks.select(vector=vector, threat=control)
        assert {task.concealment for task in chosen} == {ANY}
        assert sorted(task.sensor for task in chosen) == sorted({task.sensor for task in tasks.SUITES[vector]})


def test_ids_are_unique_and_parse_into_their_axes() -> None:
    everything = tasks.ids()
    assert len(set(everything)) == len(everything)
    for name in everything:
        task = tasks.get(name)
        assert name == f"{task.vector}-{task.threat}-{task.concealment}-{task.sensor}-v{task.version}"
        assert task.slices[-1] == "shape"


def test_a_third_make_adds_tasks_and_changes_none() -> None:
    assert corpora_of("mail-any-any-any-v1") == ["mail-mail_160kv", "mail-mail_140kv"]
    assert corpora_of("parcel-any-any-any-v1") == ["parcel-mail_160kv", "parcel-mail_140kv"]
    assert corpora_of("mail-firearm-masked-mail_120kv-v1") == ["mail-mail_120kv"]


def test_every_corpus_of_a_task_can_be_simulated_and_every_simulated_corpus_has_a_task() -> None:
    asked = {corpus for name in tasks.ids() for corpus in corpora_of(name)}
    assert asked == set(corpora())


def test_rail_is_said_to_have_none() -> None:
    assert "rail" in vocabulary.names("vector")
    with pytest.raises(UnknownName):
        tasks.select(vector="rail")
