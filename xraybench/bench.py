"""The main job: data, training, evaluation, cards and board, through the notebooks, each run once and kept.

A plan is a table of notebook runs in stages; the runs of one stage do not need each other and share the cores. Every
run is a folder named by its content, so a second call with nothing changed executes no notebook, and a call after an
interruption goes on where the first one stopped.
"""

import math
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from xraybench import notebooks
from xraybench.core import workspace
from xraybench.core.documents import ResultFile
from xraybench.core.errors import BadParameter, CheckFailed, UnknownName
from xraybench.sweep import Step, run_all

PROFILES = ("smoke", "quick", "full")
Tell = Callable[[str], None]


# The reference models. The same network on both sensors and on both tracks gives the transfer tables; the second family
# and the classical baseline say how much the architecture matters.
_NANO, _MOBILE = "test_resnet", "mobilenetv3_small_050"
_TRAINED: tuple[dict[str, Any], ...] = (
    {"model": "mobilenetv3-raw-160kv", "architecture": _MOBILE, "track": "raw", "sensor": "mail_160kv"},
    {"model": "resnet-raw-160kv", "architecture": _NANO, "track": "raw", "sensor": "mail_160kv"},
    {"model": "resnet-raw-140kv", "architecture": _NANO, "track": "raw", "sensor": "mail_140kv"},
    {"model": "resnet-colour-160kv", "architecture": _NANO, "track": "colour", "sensor": "mail_160kv"},
    {"model": "resnet-colour-140kv", "architecture": _NANO, "track": "colour", "sensor": "mail_140kv"},
    {"model": "classical-raw-160kv", "architecture": "classical", "track": "raw", "sensor": "mail_160kv"},
)


def plan_of(profile: str, seed: int) -> list[list[Step]]:
    """The stages that do not depend on what an earlier one wrote to the board.

    Raises:
        BadParameter: An unknown profile.
    """
    if profile not in PROFILES:
        raise BadParameter(f"No profile is called '{profile}'. Known: {', '.join(PROFILES)}.")
    common = {"profile": profile, "seed": seed}
    data = [Step("10_make_a_dataset", {**common, "vectors": "mail,parcel"})]
    training = [Step("40_train_across_sites", dict(common))]
    training += [Step("30_train_and_evaluate", {**common, **model}) for model in _TRAINED]
    return [data, training]


def bench(
    *, profile: str = "quick", seed: int = 0, out: Path | None = None, workers: int = 0, tell: Tell
) -> dict[str, Any]:
    """Run the whole path and say where its outcome lies.

    Args:
        profile: smoke, quick or full.
        seed: Seed of data and training.
        out: Folder that gets `leaderboards/` and `model_cards/`; default `runs/bench-<profile>`.
        workers: Notebooks at a time, each with one thread; 0 takes one per core.
        tell: Where progress goes, a line at a time.

    Returns:
        Where board and cards lie, and how many notebooks were executed by this call.
    """
    target = out or workspace.home() / f"bench-{profile}"
    n_workers = workers or os.cpu_count() or 1
    executed = 0
    folders: list[Path] = []
    for stage in plan_of(profile, seed):
        runs = _run_all(stage, n_workers, tell)
        executed += sum(run.was_executed for run in runs)
        folders += [run.folder for run in runs]
    board = target / "leaderboards"
    _publish(folders, board)
    cards = target / "model_cards"
    closing = [Step("80_leaderboard", {"board": f"{board}{os.sep}"})]
    runs = _run_all(closing, n_workers, tell)
    models = sorted(p.name for p in (board / "results").iterdir() if p.is_dir() and not p.name.startswith("_"))
    steps = [Step("70_model_card", {"model": model, "board": f"{board}{os.sep}"}) for model in models]
    steps.append(Step("50_who_is_missed", {"profile": profile, "seed": seed, "board": f"{board}{os.sep}"}))
    runs += _run_all(steps, n_workers, tell)
    executed += sum(run.was_executed for run in runs)
    for run in runs[1:-1]:
        _copy_cards(run.folder, cards)
    return {
        "board": str(board / "site" / "index.html"),
        "cards": str(cards),
        "models": models,
        "notebooks executed": executed,
        "notebooks kept from earlier calls": len(folders) + len(runs) - executed,
    }


def board_folder() -> Path:
    """The repository's own board."""
    return workspace.repository() / "leaderboards"


def write_card(model: str, board: Path, out: Path) -> Path:
    """Write one model's card through notebook 70 and return the Markdown file."""
    if not (board / "results" / model).is_dir():
        from xraybench.core.registry import did_you_mean

        known = sorted(p.name for p in (board / "results").glob("*") if p.is_dir() and not p.name.startswith("_"))
        raise UnknownName(f"No model on the board is called '{model}'. {did_you_mean(model, known)}")
    done = notebooks.run("70_model_card", {"model": model, "board": f"{board}{os.sep}"})
    _copy_cards(done.folder, out)
    return out / f"{model}.md"


def recompute_results(board: Path) -> str:
    """Make the labels again from the seed and every result from the predictions; compare with what is published.

    Words, counts, thresholds and digests must be equal. Numbers may differ by `_MOST_APART`, since the order in which a
    processor adds up a resample moves their last printed digit.

    Raises:
        CheckFailed: A result differs; all of them are named.
    """
    from xraybench import report
    from xraybench.evaluate import rescore

    published = report.load_results(board / "results")
    again = rescore(published, board / "predictions")
    wrong = [f"{s.model} on {s.task}" for a, s in zip(again, published, strict=True) if not is_same_result(a, s)]
    if wrong:
        listed = "\n  ".join(wrong)
        raise CheckFailed(f"{len(wrong)} of {len(published)} results are not what the predictions give:\n  {listed}")
    return f"{len(published)} results recomputed from labels and predictions: all equal to within {_MOST_APART:g}"


_MOST_APART = 2e-6


def is_same_result(first: ResultFile, second: ResultFile) -> bool:
    """Whether two result files say the same, numbers to within `_MOST_APART`."""
    one, other = (file.model_dump(mode="json") for file in (first, second))
    return _is_same(one, other)


def _is_same(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_is_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_is_same, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=_MOST_APART, abs_tol=_MOST_APART)
    return bool(one == other)


def _run_all(steps: list[Step], n_workers: int, tell: Tell) -> list[notebooks.Run]:
    """Run the steps, finished ones first and at no cost, the others `n_workers` at a time."""
    done: dict[int, notebooks.Run] = {}
    failed: list[Exception] = []
    for index, run in run_all(steps, jobs=n_workers):
        if isinstance(run, Exception):
            failed.append(run)
            continue
        done[index] = run
        if run.was_executed:
            tell(_line(steps[index], len(done), len(steps)))
    if failed:
        raise failed[0]
    return [done[index] for index in range(len(steps))]


def _line(step: Step, n_done: int, n_steps: int) -> str:
    named = step.parameters.get("model") or step.parameters.get("vectors") or ""
    return f"[{n_done} of {n_steps}] {step.notebook} {named}".rstrip()


def _publish(folders: list[Path], board: Path) -> None:
    """Copy predictions, results and signatures of the runs to the board; what is equal already stays untouched."""
    for part in ("predictions", "results", "models"):
        wanted = {p.relative_to(f / part): p for f in folders for p in sorted((f / part).rglob("*")) if p.is_file()}
        for relative, source in wanted.items():
            target = board / part / relative
            if not target.exists() or target.read_bytes() != source.read_bytes():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target.with_name(f".{target.name}"))
                target.with_name(f".{target.name}").replace(target)


def _copy_cards(folder: Path, cards: Path) -> None:
    cards.mkdir(parents=True, exist_ok=True)
    for path in sorted((folder / "card").glob("*")):
        shutil.copyfile(path, cards / path.name)
