"""What may import what: layers point down, the root is light, heavy packages wait until they are used."""

from __future__ import annotations

import ast
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "xraybench"
MODULES = sorted(PACKAGE.rglob("*.py"))
HEAVY = {
    "fairlearn",
    "matplotlib",
    "nbconvert",
    "nvflare",
    "onnx",
    "onnxruntime",
    "papermill",
    "sklearn",
    "timm",
    "torch",
    "torchvision",
}
NUMERIC = {"numba", "numpy", "pandas", "pyarrow", "pydantic", "scipy"}


def relative(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imported_on_top(path: Path) -> set[str]:
    """Full names of what a module imports when it is imported; not what its functions import later."""
    found: set[str] = set()
    statements: list[ast.AST] = list(ast.parse(path.read_text(encoding="utf-8")).body)
    while statements:
        node = statements.pop()
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            package = ".".join(("xraybench", *path.relative_to(PACKAGE).parent.parts))
            origin = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            found |= {f"{origin}.{name.name}" for name in node.names}
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue  # for the type checker only
        elif isinstance(node, ast.If | ast.Try | ast.ExceptHandler | ast.With | ast.ClassDef):
            statements.extend(ast.iter_child_nodes(node))
    return found


def modules_loaded_by(statement: str) -> set[str]:
    """First names of all modules in a fresh process after this statement."""
    script = f"{statement}\nimport sys\nprint(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    return set(run.stdout.split())


def test_imports_point_down_only() -> None:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache", "--no-logo"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stdout + run.stderr


def test_every_folder_of_code_is_a_package() -> None:
    folders = {path.parent for path in MODULES}
    assert {relative(folder) for folder in folders if not (folder / "__init__.py").exists()} == set(), (
        "without an __init__.py a folder's imports go unchecked"
    )


def test_the_root_loads_nothing_heavy() -> None:
    assert modules_loaded_by("import xraybench") & (HEAVY | NUMERIC | {"typer", "rich"}) == set()


@pytest.mark.parametrize(
    "module", ["core.vocabulary", "core.errors", "core.registry", "core.optional", "tasks", "sensors"]
)
def test_declarations_load_no_numbers(module: str) -> None:
    if importlib.util.find_spec(f"xraybench.{module}") is None:
        pytest.skip(f"there is no xraybench.{module} yet")
    assert modules_loaded_by(f"import xraybench.{module}") & (HEAVY | NUMERIC) == set()


def test_heavy_packages_are_imported_where_they_are_used() -> None:
    faults = {
        relative(path): heavy
        for path in MODULES
        if not path.stem.startswith("_") or path.stem == "__init__"
        if (heavy := {name for name in imported_on_top(path) if name.split(".")[0] in HEAVY})
    }
    assert faults == {}, "import these inside the functions that use them"


def test_a_module_with_heavy_imports_is_loaded_by_functions_only() -> None:
    tops = {dotted(path): imported_on_top(path) for path in MODULES}
    heavy = {module for module, names in tops.items() if any(name.split(".")[0] in HEAVY for name in names)}
    faults = {
        module: loaded
        for module, names in tops.items()
        if module not in heavy  # they may load each other
        if (loaded := {name for name in names if any(f"{name}.".startswith(f"{other}.") for other in heavy)})
    }
    assert faults == {}


def test_timm_and_torchvision_come_through_one_door() -> None:
    door = re.compile(r"^\s*(?:import|from)\s+(?:timm|torchvision)\b", re.MULTILINE)
    notebooks = [*(ROOT / "notebooks").glob("*.ipynb"), *(ROOT / "notebooks").glob("*.py")]
    files = [path for path in MODULES if path.name != "_torchvision.py"] + notebooks
    assert [str(path.relative_to(ROOT)) for path in files if door.search(path.read_text("utf-8"))] == []
