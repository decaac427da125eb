"""Many notebook runs: a grid of parameters, worked through by a pool of processes, finished ones at no cost.

A run is a folder named by its content (`notebooks.plan`), so a sweep needs no list of what is done: called again, it runs
what is missing or failed. A failed run keeps its half-executed notebook and stops no other. The same matrix runs on a
cluster through the Snakefile in `workflow/`; this file knows nothing of machines.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from xraybench import notebooks
from xraybench.core.errors import BadFile, BadParameter, UserError
from xraybench.core.progress import track


@dataclass(frozen=True, slots=True)
class Step:
    """One notebook run: which, with what. All runs of a stage are over before the next stage starts."""

    notebook: str
    parameters: dict[str, Any] = field(default_factory=dict)
    stage: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one run ended."""

    step: Step
    folder: Path
    was_executed: bool
    error: str = ""  # why it failed; empty where it did not


def grid(names: Sequence[str], values: Mapping[str, Sequence[Any]], *, stage: int = 0) -> list[Step]:
    """Every notebook with every combination of the values.

    Args:
        names: Names or numbers of notebooks.
        values: Parameter -> the values it takes.
        stage: Of all these runs.
    """
    combinations = list(itertools.product(*values.values()))
    return [Step(name, dict(zip(values, one, strict=True)), stage) for name in names for one in combinations]


def read_matrix(path: Path) -> list[Step]:
    """The runs of a matrix file: a YAML list of grids, each with `notebook`, `parameters` (name: list) and maybe `stage`.

    Raises:
        BadFile: It is missing, no YAML, or not of that form; all faults at once.
    """
    import yaml

    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadFile(f"{path}: there is no such file.") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # no text, brackets or digits without end
        raise BadFile(f"{path}: not YAML ({error}).") from None
    if not isinstance(entries, list) or not entries:
        raise BadFile(f"{path}: a list of grids is meant, each with `notebook` and `parameters`.")
    faults = [f"entry {n}: {fault}" for n, entry in enumerate(entries, 1) for fault in _entry_faults(entry)]
    if faults:
        raise BadFile(f"{path}: {len(faults)} fault(s)\n  " + "\n  ".join(faults))
    return [
        step
        for entry in entries
        for step in grid([str(entry["notebook"])], entry.get("parameters") or {}, stage=entry.get("stage", 0))
    ]


def planned(steps: Sequence[Step]) -> list[tuple[Step, Path]]:
    """Each different run once, with the folder it will lie in; every wrong name and value is told before one starts.

    Raises:
        BadParameter: Notebooks or parameters that do not exist, or values of another type; all at once.
    """
    found: dict[Path, Step] = {}
    faults: list[str] = []
    for step in steps:
        try:
            found.setdefault(notebooks.plan(step.notebook, step.parameters)[1], step)
        except UserError as error:
            faults += [line for line in (str(error),) if line not in faults]
    if faults:
        raise BadParameter("The sweep cannot start:\n" + "\n".join(faults))
    return sorted(((step, folder) for folder, step in found.items()), key=lambda pair: pair[0].stage)


def sweep(steps: Sequence[Step], *, jobs: int = 1, quiet: bool = False) -> list[Outcome]:
    """Run what is not yet done, `jobs` notebooks at a time with one thread each.

    After a stage in which a run failed, no later stage starts: its runs are told as not started.

    Raises:
        BadParameter: Before anything starts, see `planned`.
    """
    if jobs < 1:
        raise BadParameter(f"jobs is {jobs}; at least one notebook runs at a time.")
    wanted = planned(steps)
    outcomes: list[Outcome] = []
    for stage, group in itertools.groupby(wanted, key=lambda pair: pair[0].stage):
        pairs = list(group)
        if any(outcome.error for outcome in outcomes):
            outcomes += [Outcome(step, folder, False, "not started: an earlier stage failed") for step, folder in pairs]
            continue
        ended = run_all([step for step, _ in pairs], jobs=jobs, threads=1)
        what = f"sweep, stage {stage}, {jobs} at a time"
        for index, run in track(ended, what, total=len(pairs), quiet=quiet):
            outcomes.append(_outcome(*pairs[index], run))
    return outcomes


def run_all(steps: Sequence[Step], *, jobs: int, threads: int = 0) -> Iterator[tuple[int, notebooks.Run | Exception]]:
    """Run the steps and yield the index and outcome of each as it ends; finished runs first and at no cost.

    Args:
        steps: Independent of each other.
        jobs: Notebooks at a time. One runs in this process, several in a pool of processes.
        threads: Threads of a kernel; 0 gives all processors to a run that has no other beside it, and one to others.
    """
    waiting = []
    for index, step in enumerate(steps):
        _, folder = notebooks.plan(step.notebook, step.parameters)
        if (folder / notebooks.DONE).exists():
            yield index, notebooks.Run(folder, was_executed=False)
        else:
            waiting.append(index)
    if jobs == 1 or len(waiting) <= 1:
        for index in waiting:
            yield index, _attempt(steps[index], threads or os.cpu_count() or 1)
        return
    with ProcessPoolExecutor(min(jobs, len(waiting)), mp_context=get_context("spawn")) as pool:
        started = {pool.submit(_attempt, steps[index], threads or 1): index for index in waiting}
        for future in as_completed(started):
            try:
                yield started[future], future.result()
            except BrokenProcessPool:
                yield started[future], UserError("a process of the pool was killed, most likely for want of memory")


def report(outcomes: Sequence[Outcome]) -> str:
    """One line for each failure, then the counts."""
    failed = [outcome for outcome in outcomes if outcome.error]
    lines = [f"FAILED {name_of(outcome.step)}: {outcome.error}" for outcome in failed]
    executed = sum(outcome.was_executed for outcome in outcomes)
    kept = len(outcomes) - executed - len(failed)
    return "\n".join([*lines, f"{executed} runs executed, {kept} kept from earlier calls, {len(failed)} failed"])


def name_of(step: Step) -> str:
    """A step as the command line would take it."""
    return " ".join([step.notebook, *(f"-p {name}={value}" for name, value in step.parameters.items())])


def as_json(pairs: Sequence[tuple[Step, Path]]) -> list[dict[str, Any]]:
    """What a workflow engine needs of each run: its id, what to call, the file that says it is done."""
    return [
        {
            "id": folder.name,
            "notebook": step.notebook,
            "parameters": {name: str(value) for name, value in step.parameters.items()},
            "stage": step.stage,
            "folder": str(folder),
            "done": str(folder / notebooks.DONE),
            "executed": str(folder / notebooks.EXECUTED),
        }
        for step, folder in pairs
    ]


def _attempt(step: Step, threads: int) -> notebooks.Run | Exception:
    """One run, or the error it ended with: errors come back as values, so that one stops no other."""
    try:
        return notebooks.run(step.notebook, step.parameters, threads=threads)
    except Exception as error:
        return error


def _outcome(step: Step, folder: Path, run: notebooks.Run | Exception) -> Outcome:
    if isinstance(run, Exception):
        return Outcome(step, folder, was_executed=True, error=str(run) or type(run).__name__)
    return Outcome(step, folder, was_executed=run.was_executed)


def _entry_faults(entry: object) -> list[str]:
    if not isinstance(entry, dict) or "notebook" not in entry:
        return ["a grid is a mapping with `notebook`, `parameters` and maybe `stage`"]
    faults = [f"'{name}' is unknown" for name in sorted(set(map(str, entry)) - {"notebook", "parameters", "stage"})]
    if not isinstance(entry.get("stage", 0), int):
        faults.append(f"stage: {json.dumps(entry['stage'])} is no whole number")
    values = entry.get("parameters") or {}
    if not isinstance(values, dict):
        return [*faults, "parameters: a mapping of names to lists is meant"]
    return faults + [
        f"parameters, {name}: a list of values is meant, such as [{given}]"
        for name, given in values.items()
        if not isinstance(given, list) or not given
    ]
