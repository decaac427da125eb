"""Names, faults and the error tree."""

import inspect

import pytest

from xraybench import tasks
from xraybench.core import errors
from xraybench.core.errors import BadTable, MissingExtra, UnknownName, UserError
from xraybench.core.optional import need
from xraybench.core.registry import Registry


def test_a_misspelt_name_is_answered_with_the_nearest() -> None:
    registry: Registry[int] = Registry("sensor")
    registry.add("dual_view", 1)
    with pytest.raises(UnknownName, match=r"No sensor is called 'dualview'. Did you mean 'dual_view'\?"):
        registry.get("dualview")


def test_a_name_is_registered_once() -> None:
    registry: Registry[int] = Registry("sensor")
    registry.add("a", 1)
    with pytest.raises(ValueError, match="twice"):
        registry.add("a", 2)


def test_a_misspelt_task_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="mail-firearm-any-any-v1"):
        tasks.get("mail-firearms-any-any-v1")


def test_a_task_without_version_means_its_newest() -> None:
    assert tasks.get("mail-any-any-any").id == "mail-any-any-any-v1"


def test_every_error_stands_in_the_drawn_tree() -> None:
    drawn = errors.__doc__ or ""
    classes = [c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, errors.XrayBenchError)]
    assert len(classes) >= 9
    for kind in classes:
        assert kind.__name__ in drawn
        assert kind.exit_code == (2 if issubclass(kind, UserError) else 1)


def test_all_faults_of_a_table_are_told_at_once_and_counted() -> None:
    error = BadTable("preds.csv", [f"row {i}" for i in range(30)])
    assert str(error).startswith("preds.csv: 30 faults")
    assert "row 19" in str(error)
    assert "and 10 more" in str(error)


def test_a_missing_extra_says_what_to_install() -> None:
    with pytest.raises(MissingExtra, match=r"pip install 'xraybench\[flare\]'"):
        need("no_such_package_at_all", extra="flare", why="Federation over a network")
