"""Laws that every notebook obeys, over the files themselves."""

import ast
import json
import re
from pathlib import Path

import pytest

from xraybench import notebooks
from xraybench.core import workspace
from xraybench.core.errors import BadFile, BadParameter, UnknownName

NAMES = notebooks.names()


def cells(name: str) -> list[dict[str, object]]:
    return json.loads((notebooks.folder() / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]


def source(cell: dict[str, object]) -> str:
    text = cell["source"]
    return text if isinstance(text, str) else "".join(text)


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_asks_one_question_and_says_what_is_needed(name: str) -> None:
    first = source(cells(name)[0])
    assert first.startswith("# ")
    assert first.splitlines()[0].endswith("?")
    assert "You need" in first
    assert "You get" in first


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_is_typed_commented_and_has_a_default(name: str) -> None:
    book = notebooks.describe(name)
    assert book.parameters
    assert all(p.help and p.type in notebooks.TYPES for p in book.parameters)
    assert "out" in {p.name for p in book.parameters}


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_committed_without_outputs_counters_or_paths(name: str) -> None:
    for cell in cells(name):
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None
        assert not re.search(r"/(home|root|tmp|work|Users)/", source(cell))


@pytest.mark.parametrize("name", NAMES)
def test_text_stands_before_every_code_cell_and_no_function_is_defined(name: str) -> None:
    kinds = [cell["cell_type"] for cell in cells(name)]
    code = [source(cell) for cell in cells(name) if cell["cell_type"] == "code"]
    assert kinds.count("markdown") >= kinds.count("code") - 1
    for text in code:
        assert not any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in ast.walk(ast.parse(text)))


@pytest.mark.parametrize("name", NAMES)
def test_the_last_code_cell_asserts_the_claim(name: str) -> None:
    last = [source(cell) for cell in cells(name) if cell["cell_type"] == "code"][-1]
    assert "assert" in last or "report.check(" in last


@pytest.mark.parametrize("name", NAMES)
def test_the_readme_names_every_notebook(name: str) -> None:
    assert f"`{name}`" in (workspace.repository() / "README.md").read_text(encoding="utf-8")


def test_an_unknown_parameter_is_refused_before_a_kernel_starts_with_the_nearest_name() -> None:
    with pytest.raises(BadParameter, match="Did you mean 'epochs'"):
        notebooks.run("30", {"epoch": 3})


def test_all_ill_typed_parameters_are_told_at_once() -> None:
    with pytest.raises(BadParameter, match=r"(?s)2 parameter fault.*seed.*epochs"):
        notebooks.run("30_train_and_evaluate", {"seed": "three", "epochs": "many"})


@pytest.mark.parametrize("value", ["nan", "-inf", "1e400", float("nan"), 10**400, None, [1], {}])
def test_a_number_that_is_none_is_told_as_ill_typed(value: object) -> None:
    with pytest.raises(BadParameter, match=r"epochs: .* is not of type float"):
        notebooks.plan("30_train_and_evaluate", {"epochs": value})


@pytest.mark.parametrize("value", [None, [1], {}, 1.5])
def test_a_whole_number_of_a_matrix_file_that_is_none_is_told_as_ill_typed(value: object) -> None:
    with pytest.raises(BadParameter, match=r"seed: .* is not of type int"):
        notebooks.plan("30_train_and_evaluate", {"seed": value})


def test_a_text_false_is_not_taken_for_true() -> None:
    book = notebooks.Notebook("x", Path("x"), "x", (notebooks.Parameter("flag", "bool", True, "a flag"),))
    assert notebooks.checked_parameters(book, {"flag": "false"}) == {"flag": False}


def test_an_unknown_notebook_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="30_train_and_evaluate"):
        notebooks.describe("30_train_and_evalute")


def test_an_untyped_parameter_cell_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"line 1: not of the form.*|no comment"):
        notebooks._parameters("x.ipynb", "n = 3\nm: int = 4")


def test_a_run_is_named_by_what_it_reads_and_not_by_where_it_lies(tmp_path: Path) -> None:
    for place in ("a", "b"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "dataset.json").write_text("{}")
    first, again = (notebooks.plan("30", {"scans": str(tmp_path / place)})[1] for place in ("a", "b"))
    assert first == again
    (tmp_path / "b" / "dataset.json").write_text('{"changed": 1}')
    assert notebooks.plan("30", {"scans": str(tmp_path / "b")})[1] != first
