"""The main job: data, training, evaluation, cards and board, through the notebooks, each run once and kept.

A plan is a table of notebook runs in stages; the runs of one stage do not need each other and share the cores. Every
run is a folder named by its content, so a second call with nothing changed executes no notebook, and a call after an
interruption goes on where the first one stopped.
"""

import json
import math
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from xraybench import notebooks
from xraybench.core import workspace
from xraybench.core.documents import ResultFile, read_document
from xraybench.core.errors import BadFile, BadParameter, CheckFailed, UnknownName
from xraybench.core.registry import did_you_mean
from xraybench.sweep import Step, run_all

PROFILES = ("smoke", "quick", "full")
REPORT_CARDS = "report_cards"  # beside leaderboards/ and model_cards/; too large for git
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
        out: Folder that gets `leaderboards/`, `model_cards/` and `report_cards/`; default `runs/bench-<profile>`.
        workers: Notebooks at a time, each with one thread; 0 takes one per core.
        tell: Where progress goes, a line at a time.

    Returns:
        Where board and cards lie, and how many notebooks were executed by this call.

    Raises:
        BadFile: `out` is a file.
    """
    target = out or workspace.home() / f"bench-{profile}"
    if target.is_file():  # before minutes of work
        raise BadFile(f"{target}: is a file; a folder is right.")
    n_workers = workers or os.cpu_count() or 1
    executed = 0
    folders: list[Path] = []
    for stage in plan_of(profile, seed):
        runs = _run_all(stage, n_workers, tell)
        executed += sum(run.was_executed for run in runs)
        folders += [run.folder for run in runs]
    board = target / "leaderboards"
    _publish(folders, board)
    runs = _run_all([Step("80_leaderboard", {"board": f"{board}{os.sep}"})], n_workers, tell)
    models = sorted(p.name for p in (board / "results").iterdir() if p.is_dir() and not p.name.startswith("_"))
    books = ("60_vendor_report_card", "70_model_card")
    steps = [Step(book, {"model": model, "board": f"{board}{os.sep}"}) for book in books for model in models]
    steps.append(Step("50_who_is_missed", {"profile": profile, "seed": seed, "board": f"{board}{os.sep}"}))
    _forget_stale(steps, board)
    written = _run_all(steps, n_workers, tell)
    executed += sum(run.was_executed for run in (*runs, *written))
    for step, run in zip(steps, written, strict=True):
        if step.notebook == "70_model_card":
            _copy_cards(run.folder, target / "model_cards")
        elif step.notebook == "60_vendor_report_card":
            _copy_report_card(run.folder, step.parameters["model"], target / REPORT_CARDS)
    return {
        "board": str(board / "site" / "index.html"),
        "cards": str(target / "model_cards"),
        "report cards": str(target / REPORT_CARDS),
        "models": models,
        "notebooks executed": executed,
        "notebooks kept from earlier calls": len(folders) + len(runs) + len(written) - executed,
    }


def board_folder() -> Path:
    """The repository's own board."""
    return workspace.repository() / "leaderboards"


def write_report_cards(
    board: Path,
    out: Path,
    *,
    tell: Tell,
    models: Sequence[str] = (),
    about: Mapping[str, Any] | None = None,
    workers: int = 0,
) -> list[Path]:
    """Write the report card of every model of a board, or of these, through notebook 60; a finished run is not repeated.

    Args:
        board: Folder of the board.
        out: Gets `<model>.html`, `<model>.json` and the executed `<model>.ipynb`.
        tell: Where progress goes.
        models: Empty for all.
        about: Further parameters of the notebook, such as `scans`.
        workers: Notebooks at a time; 0 takes one per core.

    Returns:
        The pages.

    Raises:
        BadFile: The board holds no results.
        UnknownName: A model is not on the board; all such are named before anything runs.
    """
    known = sorted(p.name for p in (board / "results").glob("*") if p.is_dir() and not p.name.startswith("_"))
    if not known:
        raise BadFile(
            f"{board / 'results'}: holds no result file. `xraybench bench` and `xraybench evaluate` write some."
        )
    if unknown := [
        f"No model on the board is called '{m}'. {did_you_mean(m, known)}" for m in models if m not in known
    ]:
        raise UnknownName("\n".join(unknown))
    given = {"board": f"{board}{os.sep}", **(about or {})}
    steps = [Step("60_vendor_report_card", {**given, "model": model}) for model in models or known]
    _forget_stale(steps, board)
    runs = _run_all(steps, workers or os.cpu_count() or 1, tell)
    return [_copy_report_card(r.folder, s.parameters["model"], out) for s, r in zip(steps, runs, strict=True)]


def recompute_results(board: Path, *, scans: Sequence[Path] = ()) -> str:
    """Make the labels again from the seed and every result from the predictions; compare with what is published.

    Results on imported data are recomputed where their dataset folder is among `scans`, and counted where it is not. Words,
    counts, thresholds and digests must be equal, but for the digest of the code: the claim is that this code gives the same
    numbers. Numbers may differ by `_MOST_APART`, since the order in which a processor adds up a resample moves their last
    printed digit.

    Raises:
        CheckFailed: Results differ; the first of them are named.
    """
    from xraybench import data, report
    from xraybench.evaluate import rescore

    published = report.load_results(board / "results")
    wrong, n = [], 0
    datasets = [data.load(folder) for folder in scans]
    for stored, again in rescore(published, board / "predictions", datasets=datasets):
        n += 1
        if not is_same_result(again, stored):
            wrong.append(f"{stored.model} on {stored.task}")
    if wrong:
        shown = wrong[:_MOST_NAMED] + ([f"... and {len(wrong) - _MOST_NAMED} more"] if len(wrong) > _MOST_NAMED else [])
        listed = "\n  ".join(shown)
        raise CheckFailed(f"{len(wrong)} of {n} results are not what the predictions give:\n  {listed}")
    left = len(published) - n
    rest = f"; {left} on imported data were not: name their dataset folders with --scans" if left else ""
    return f"{n} results recomputed from labels and predictions: all equal to within {_MOST_APART:g}{rest}"


def recompute_ranks(board: Path, *, scans: Sequence[Path] = ()) -> str:
    """Make every rank set, curve and suite mean again from the kept predictions; compare with what is published.

    Those on imported data are made again where their dataset folder is among `scans`, and counted where it is not.

    Raises:
        CheckFailed: Files differ, are missing, or are there without a reason; the first of them are named.
    """
    from xraybench import data, report

    results = board / "results"
    with tempfile.TemporaryDirectory(prefix="xb-ranks-") as place:
        copy = Path(place)
        (copy / "predictions").symlink_to((board / "predictions").resolve(), target_is_directory=True)
        shutil.copytree(results, copy / "results", ignore=lambda *names: [n for n in names[1] if n.startswith("_")])
        report.rank_board(copy, datasets=[data.load(folder) for folder in scans], quiet=True)
        made, kept = (
            {p.relative_to(folder).as_posix(): p for p in sorted(folder.glob("_*/*/*.json"))}
            for folder in (copy / "results", results)
        )
        left = [name for name in kept if "@" in name and name not in made]
        wrong = [f"{name}: missing" for name in made if name not in kept]
        differing = [name for name in made if name in kept and not _is_same(_json(made[name]), _json(kept[name]))]
        wrong += [f"{name}: is not what the predictions give" for name in differing]
        wrong += [f"{name}: no prediction gives it" for name in kept if name not in made and name not in left]
    if wrong:
        shown = wrong[:_MOST_NAMED] + ([f"... and {len(wrong) - _MOST_NAMED} more"] if len(wrong) > _MOST_NAMED else [])
        raise CheckFailed(f"{len(wrong)} files of ranks and curves are wrong:\n  " + "\n  ".join(shown))
    rest = f"; {len(left)} on imported data were not: name their dataset folders with --scans" if left else ""
    return f"{len(made)} rank sets, curves and suite means made again: all equal to within {_MOST_APART:g}{rest}"


_MOST_APART = 2e-6
_MOST_NAMED = 20  # results in one message


def is_same_result(first: ResultFile, second: ResultFile) -> bool:
    """Whether two result files say the same, numbers to within `_MOST_APART`, whatever code computed them."""
    one, other = (file.model_dump(mode="json", exclude={"code_digest"}) for file in (first, second))
    return _is_same(one, other)


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


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


def _forget_stale(steps: list[Step], board: Path) -> None:
    """Have report cards made again whose board holds other results or ranks now: a run is named by predictions alone."""
    from xraybench.report.vendor import ReportCard, report_card_faults

    for step in steps:
        _, folder = notebooks.plan(step.notebook, step.parameters)
        twin = folder / "report_card" / f"{step.parameters.get('model', '')}.json"
        if twin.is_file() and report_card_faults(read_document(twin, ReportCard), board):
            (folder / notebooks.DONE).unlink(missing_ok=True)


def _copy_report_card(folder: Path, model: str, cards: Path) -> Path:
    """The page without its code, the JSON twin, and the executed notebook that both came from; returns the page."""
    from xraybench.report.html import notebook_to_html

    cards.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(folder / notebooks.EXECUTED, cards / f"{model}.ipynb")
    shutil.copyfile(folder / "report_card" / f"{model}.json", cards / f"{model}.json")
    return notebook_to_html(
        folder / notebooks.EXECUTED, cards / f"{model}.html", code="hide", title=f"{model}: report card"
    )
