"""The notebooks: list them, say what they take, run them through papermill, keep what they made.

A run is named by the digest of the notebook, its parameters, the package's code and the content of every file or folder
that a parameter names. A finished run is never repeated; a broken one is repeated from the start of its notebook, whose
own steps resume. Papermill lets an unknown parameter pass with a warning: here it is refused before a kernel starts.
"""

import ast
import json
import logging
import math
import os
import platform
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from xraybench.core import digest, documents, errors, machine, workspace
from xraybench.core.documents import Environment, RunManifest
from xraybench.core.errors import BadFile, BadParameter, CheckFailed, UnknownName, UserError
from xraybench.core.registry import did_you_mean

TYPES: dict[str, type] = {"str": str, "int": int, "float": float, "bool": bool}
DONE = "done.json"
EXECUTED = "notebook.ipynb"
OUT = "out"  # the parameter that names where a notebook writes: it says nothing about what is computed
_KERNEL_SECONDS = 3600  # per cell: a hung cell fails instead of holding a belt of runs for ever


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a notebook, as its tagged cell declares it."""

    name: str
    type: str
    default: Any
    help: str


@dataclass(frozen=True, slots=True)
class Notebook:
    """One notebook: its file, the question it answers, what it takes."""

    name: str
    path: Path
    title: str
    parameters: tuple[Parameter, ...]


def folder() -> Path:
    """Where the notebooks lie."""
    return workspace.repository() / "notebooks"


def names() -> list[str]:
    """Names of all notebooks, in reading order."""
    return [path.stem for path in sorted(folder().glob("*.ipynb"))]


def describe(name: str) -> Notebook:
    """A notebook by its name or its number (`30` means `30_train_and_evaluate`).

    Raises:
        UnknownName: With the nearest name.
        BadFile: The notebook has no cell tagged `parameters`, or one that is not typed and commented.
    """
    known = names()
    numbered = [n for n in known if n.partition("_")[0] == name]
    if name not in known and len(numbered) != 1:
        raise UnknownName(f"No notebook is called '{name}'. {did_you_mean(name, known)}")
    path = folder() / f"{numbered[0] if name not in known else name}.ipynb"
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    title = next((_source(c) for c in cells if c["cell_type"] == "markdown"), path.stem).splitlines()[0].lstrip("# ")
    tagged = [c for c in cells if "parameters" in c.get("metadata", {}).get("tags", [])]
    if len(tagged) != 1:
        raise BadFile(f"{path.name}: {len(tagged)} cells are tagged 'parameters'; there must be one.")
    return Notebook(path.stem, path, title, _parameters(path.name, _source(tagged[0])))


def checked_parameters(notebook: Notebook, given: Mapping[str, Any]) -> dict[str, Any]:
    """The given parameters in their declared types, all faults at once.

    Texts are read as the declared type says, so that a command line can pass them.

    Raises:
        BadParameter: An unknown name (with the nearest) or a value of another type.
    """
    declared = {p.name: p for p in notebook.parameters}
    faults, typed = [], {}
    for name, value in given.items():
        if name not in declared:
            faults.append(f"{name}: no such parameter. {did_you_mean(name, list(declared))}")
            continue
        try:
            typed[name] = _typed(value, declared[name].type)
        except (ValueError, OverflowError):
            faults.append(f"{name}: {value!r:.60} is not of type {declared[name].type} ({declared[name].help})")
    if faults:
        raise BadParameter(f"{notebook.name}: {len(faults)} parameter fault(s)\n  " + "\n  ".join(faults))
    return typed


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run: its folder, and whether this call had to execute it."""

    folder: Path
    was_executed: bool


def plan(name: str, parameters: Mapping[str, Any]) -> tuple[RunManifest, Path]:
    """What a run would be called and where it would lie. Starts nothing."""
    notebook = describe(name)
    typed = checked_parameters(notebook, parameters)
    full = {p.name: typed.get(p.name, p.default) for p in notebook.parameters if p.name != OUT}
    manifest = RunManifest(
        notebook=notebook.name,
        notebook_digest=digest.of_file(notebook.path),
        parameters={k: v for k, v in full.items() if not _is_path(v)},
        code_digest=digest.code_digest(),
        inputs={k: _content_digest(Path(v)) for k, v in full.items() if _is_path(v)},
    )
    run_id = digest.of_json(manifest.model_dump())[:12]
    return manifest, workspace.home() / f"{notebook.name}-{run_id}"


def run(
    name: str, parameters: Mapping[str, Any] | None = None, *, threads: int = 2, show_progress: bool = False
) -> Run:
    """Run one notebook, unless the same run was finished before.

    Args:
        name: Name or number of a notebook.
        parameters: Values for the parameters that differ from their defaults. A parameter called `out` is filled with
            the run's own folder.
        threads: Threads of the kernel. Use 1 when several run at a time.
        show_progress: A bar over the cells on stderr.

    Returns:
        The run's folder: `notebook.ipynb` and `notebook.html` as executed, `run.json`, `environment.json`, and whatever
        the notebook wrote.

    Raises:
        UnknownName, BadParameter: Before a kernel starts.
        UserError: The notebook met wrong input; the message is its own.
        CheckFailed: A cell failed, or the notebook's closing claim did not hold; the half-run notebook is kept.
    """
    given = dict(parameters or {})
    manifest, target = plan(name, given)
    if (target / DONE).exists():
        return Run(target, was_executed=False)
    notebook = describe(name)
    typed = checked_parameters(notebook, given)
    target.mkdir(parents=True, exist_ok=True)
    documents.write_document(target / "run.json", manifest)
    if any(p.name == OUT for p in notebook.parameters) and not typed.get(OUT):
        typed[OUT] = str(target)
    _execute(notebook, typed, target, threads, show_progress)
    from xraybench.report.html import notebook_to_html

    notebook_to_html(target / EXECUTED, target / "notebook.html")
    documents.write_text(target / DONE, digest.canonical_json({"run": target.name}) + "\n")
    return Run(target, was_executed=True)


def environment() -> Environment:
    """What the run ran on."""
    from xraybench import _torchvision

    wanted = ("torch", "torchvision", "timm", "numpy", "numba", "scikit-learn", "onnxruntime", "papermill", "pandas")
    return Environment(
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.machine()}",
        n_cpus=os.cpu_count() or 1,
        device=machine.device_name(),
        packages={name: _version(name) for name in wanted},
        torchvision_operators=_torchvision.state(),
        code_digest=digest.code_digest(),
    )


def write_environment(folder: str) -> dict[str, Any]:
    """Write `environment.json` of the process that calls this, and return what stands in it."""
    told = environment()
    documents.write_document(Path(folder) / "environment.json", told)
    return told.model_dump(exclude={"schema_id"})


def _execute(notebook: Notebook, typed: dict[str, Any], target: Path, threads: int, show_progress: bool) -> None:
    import nbformat
    import papermill
    from papermill.exceptions import PapermillExecutionError
    from traitlets.config import Config

    logging.getLogger("papermill").setLevel(logging.ERROR)  # its guesses at parameters: ours are checked above
    before = dict(os.environ)
    os.environ.update(_kernel_environment(threads))
    sockets = tempfile.mkdtemp(prefix="xb-")
    try:
        papermill.execute_notebook(
            _with_environment_cell(nbformat.read(notebook.path, as_version=4), target),
            str(target / EXECUTED),
            parameters=typed,
            kernel_name="python3",
            cwd=str(Path.cwd()),
            progress_bar=show_progress,
            execution_timeout=_KERNEL_SECONDS,
            config=Config({"KernelManager": _transport(sockets)}),
            extra_arguments=["--log-level=CRITICAL"],  # the kernel's own talk, such as of being shut down
        )
    except PapermillExecutionError as error:
        raise _told(notebook, error.ename, error.evalue, target) from None
    finally:
        os.environ.clear()
        os.environ.update(before)
        shutil.rmtree(sockets, ignore_errors=True)


def _transport(folder: str) -> dict[str, str]:
    """Sockets in a folder of their own need no port, so kernels that start together cannot race for one."""
    return {} if os.name == "nt" else {"transport": "ipc", "ip": f"{folder}/kernel"}


def _with_environment_cell(notebook: Any, target: Path) -> Any:
    """The notebook with a closing cell that writes down what its kernel ran on: evidence of the run."""
    from nbformat.v4 import new_code_cell, new_markdown_cell

    source = f"from xraybench import notebooks\n\nnotebooks.write_environment({str(target)!r})"
    notebook.cells += [
        new_markdown_cell("## What this ran on", id="environment-text"),
        new_code_cell(source, id="environment"),
    ]
    return notebook


def _kernel_environment(threads: int) -> dict[str, str]:
    """One thread count for every library, no network, and this interpreter's kernel."""
    return {
        "OMP_NUM_THREADS": str(threads),
        "NUMBA_NUM_THREADS": str(threads),
        "OPENBLAS_NUM_THREADS": str(threads),
        "XRAYBENCH_HOME": str(workspace.home().resolve()),
        "XRAYBENCH_QUIET": "1",  # an executed notebook is a record, not a screen
        **QUIET_NETWORK,
    }


# Switches of every dependency that would otherwise ask a server something.
QUIET_NETWORK = {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
}


def _told(notebook: Notebook, kind: str, message: str, target: Path) -> Exception:
    """The failure of a cell as an error of ours, so that wrong input keeps its own sentence and exit code."""
    ours = getattr(errors, kind, None)
    if isinstance(ours, type) and issubclass(ours, UserError):
        return UserError(f"{notebook.name}: {message}")
    claim = "its closing claim does not hold" if kind == "AssertionError" else f"a cell failed with {kind}"
    return CheckFailed(f"{notebook.name}: {claim}: {message}\n  The half-run notebook is kept: {target / EXECUTED}")


def _source(cell: Mapping[str, Any]) -> str:
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def _parameters(file_name: str, source: str) -> tuple[Parameter, ...]:
    """Read `name: type = value  # help` lines."""
    lines = source.splitlines()
    found, faults = [], []
    for node in ast.parse(source).body:
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name) or node.value is None:
            faults.append(f"line {node.lineno}: not of the form `name: type = value  # what it is`")
            continue
        kind = ast.unparse(node.annotation)
        note = lines[(node.end_lineno or node.lineno) - 1].partition("#")[2].strip()
        if kind not in TYPES:
            faults.append(f"{node.target.id}: type {kind} is not one of {', '.join(TYPES)}")
        if not note:
            faults.append(f"{node.target.id}: no comment says what it is")
        found.append(Parameter(node.target.id, kind, ast.literal_eval(node.value), note))
    if faults:
        raise BadFile(f"{file_name}, parameter cell: {len(faults)} fault(s)\n  " + "\n  ".join(faults))
    return tuple(found)


def _typed(value: Any, kind: str) -> Any:
    if kind == "bool":
        if isinstance(value, bool):
            return value
        if str(value).lower() in ("true", "false"):
            return str(value).lower() == "true"
        raise ValueError(value)
    if kind == "str":
        if not isinstance(value, str):
            raise ValueError(value)
        return value
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(value)
    if kind == "int" and isinstance(value, float):
        raise ValueError(value)
    number = TYPES[kind](value)
    if kind == "float" and not math.isfinite(number):  # no parameter means anything by it, and it has no JSON
        raise ValueError(value)
    return number


def _is_path(value: Any) -> bool:
    """Does this parameter name an existing file or folder? Then its content enters the run id, not its name."""
    return isinstance(value, str) and ("/" in value or os.sep in value) and Path(value).exists()


def _content_digest(path: Path) -> str:
    if path.is_file():
        return digest.of_file(path)
    if (path / "dataset.json").exists():
        return digest.of_file(path / "dataset.json")
    suffixes = (".json", ".parquet", ".csv", ".toml", ".safetensors", ".onnx", ".npz")
    if (path / "predictions").is_dir():  # a board: what runs wrote, not what was made from it
        return digest.of_json([digest.of_tree(path / part, suffixes) for part in ("models", "predictions")])
    return digest.of_tree(path, suffixes)


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"
