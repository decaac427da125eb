"""What a pull request changes on a board, for people: new models, moved numbers and ranks, what is gone, other tasks.

Two folders of results are compared, row by row. A number that moved is told with its old and new interval, with the interval
of the difference, and with the reason: other data, other predictions, or neither. The last is what nobody announces, so it
is told first.
"""

import hashlib
import math
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from xraybench.core.documents import ResultFile, ResultRow, checked_model
from xraybench.core.errors import BadFile
from xraybench.core.task import Task
from xraybench.report import text
from xraybench.report.results import (
    RANKS,
    find,
    load_ranks,
    load_results,
    n_any,
    stem_of,
    task_of,
)
from xraybench.report.suites import SUITES, load_suites

OTHER_CODE = "same predictions and data"
OTHER_PREDICTIONS = "other predictions"
OTHER_DATA = "other data"
_SUITE = "the whole suite of "
_MOST_ROWS = 40  # of one table: a comment that nobody reads to its end hides what matters
_SAME = 2e-6  # printed results keep six digits


@dataclass(frozen=True, slots=True)
class Moved:
    """A number that is on both sides and differs."""

    model: str
    task: str
    row: ResultRow
    old: ResultRow
    why: str
    difference: float  # new minus old; NaN where one is undefined or the data are others
    low: float
    high: float

    @property
    def is_beyond_noise(self) -> bool:
        return self.low > 0.0 or self.high < 0.0

    @property
    def is_main(self) -> bool:
        task = _task(self.task)
        return not self.row.slice_axis and (self.row.metric, self.row.at) == (task.main_metric, task.pfa_points[0])


@dataclass(frozen=True, slots=True)
class RankMove:
    """A model whose rank set on a task, or over a whole suite, differs."""

    model: str
    task: str
    track: str
    old: tuple[int, int]
    new: tuple[int, int]

    @property
    def is_apart(self) -> bool:
        """Whether no rank is in both sets."""
        return self.new[0] > self.old[1] or self.new[1] < self.old[0]


@dataclass(frozen=True)
class Sides:
    """What two boards do not share: folders that hold the result files that differ, and nothing else."""

    old: Path
    new: Path
    old_models: frozenset[str]
    new_models: frozenset[str]
    n_same: int  # result files that are equal, byte for byte


@dataclass(frozen=True)
class Changes:
    """All that differs between two boards."""

    new_models: tuple[str, ...]
    gone_models: tuple[str, ...]
    new_results: tuple[tuple[str, str], ...]  # model, task: of models on both sides
    gone_results: tuple[tuple[str, str], ...]
    gone_rows: tuple[str, ...]  # a sentence for each number that a result file told and tells no more
    tasks: tuple[str, ...]  # a sentence for each task that changed
    numbers: tuple[Moved, ...]
    ranks: tuple[RankMove, ...]
    n_same: int
    n_differing: int
    results: tuple[ResultFile, ...]  # of the new side, where they are not on the old one

    @property
    def is_none(self) -> bool:
        parts = (self.new_models, self.gone_models, self.new_results, self.gone_results, self.tasks, self.numbers)
        return not any(parts) and not self.ranks and not self.n_differing


def changes(sides: Sides) -> Changes:
    """What differs between two boards.

    Raises:
        BadFile: A result file is broken.
    """
    before, after = ({(f.model, stem_of(f)): f for f in load_results(side)} for side in (sides.old, sides.new))
    both = [key for key in after if key in before]
    stay = sides.old_models & sides.new_models
    return Changes(
        new_models=tuple(sorted(sides.new_models - sides.old_models)),
        gone_models=tuple(sorted(sides.old_models - sides.new_models)),
        new_results=tuple(sorted(key for key in after if key not in before and key[0] in stay)),
        gone_results=tuple(sorted(key for key in before if key not in after and key[0] in stay)),
        gone_rows=tuple(told for key in both for told in _gone_rows(before[key], after[key])),
        tasks=tuple(_changed_tasks(before, after)),
        numbers=tuple(moved for key in both for moved in _moved(before[key], after[key])),
        ranks=tuple(_rank_moves(_standings(sides.old), _standings(sides.new))),
        n_same=sides.n_same,
        n_differing=len(both),
        results=tuple(file for key, file in after.items() if key not in before),
    )


@contextmanager
def sides_of(base: str, board: Path) -> Iterator[Sides]:
    """The two sides to compare: a base, which is a board folder or a git revision, and a board.

    Files are compared by their bytes first and only those that differ are read, so that a change of one result costs little
    on a board of any size.

    Raises:
        BadFile: The base is neither a folder nor a revision of the board's repository, or the board has no results.
    """
    for folder in (board, *([Path(base)] if Path(base).is_dir() else [])):
        if not (folder / "results").is_dir():
            raise BadFile(f"{folder}: holds no results.")
    old_ids, read_old = _of_folder(Path(base)) if Path(base).is_dir() else _of_revision(base, board)
    new_ids, read_new = _of_folder(board)
    wanted = {name for name in old_ids.keys() | new_ids.keys() if old_ids.get(name) != new_ids.get(name)}
    with tempfile.TemporaryDirectory(prefix="xb-board-") as place:
        for side, ids, read in (("old", old_ids, read_old), ("new", new_ids, read_new)):
            (Path(place) / side).mkdir()
            for name in sorted(wanted & ids.keys()):
                path = Path(place) / side / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(read(name))
        yield Sides(
            Path(place) / "old",
            Path(place) / "new",
            _models(old_ids),
            _models(new_ids),
            sum(not name.startswith("_") for name in new_ids.keys() - wanted),
        )


def render(found: Changes) -> str:
    """The changes as Markdown, the weightiest first."""
    if found.is_none:
        return f"# What changes on the board\n\nNothing: {found.n_same:,} result files are as they were.\n"
    quiet = [m for m in found.numbers if m.why == OTHER_CODE]
    sections = [
        "# What changes on the board\n\n" + _summary(found, quiet),
        _numbers(
            f"Moved without new predictions ({len(quiet)})",
            "The same predictions on the same data, and other numbers: the program changed, or a file was edited by hand.",
            quiet,
        ),
        _list("Removed models", found.gone_models),
        _list("Removed results", [f"{model} on {task}" for model, task in found.gone_results]),
        _list("Removed numbers", found.gone_rows),
        _list("Changed tasks", found.tasks),
        _new_models(found),
        _numbers(
            "Changed numbers of the main metric",
            "The interval of the difference is that of independent samples, which is wide for the same items scored twice. "
            "Each is for one number alone: of a hundred that moved by chance, about five are marked.",
            [m for m in found.numbers if m.is_main and m.why != OTHER_CODE],
        ),
        _others(found),
        _ranks(found),
        _list("New results", [f"{model} on {task}" for model, task in found.new_results]),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


# ------------------------------------------------------------------------------------------------------------ compare


def _of_folder(board: Path) -> tuple[dict[str, str], Callable[[str], bytes]]:
    """Name under results/ -> digest of every result and rank file, and how to read one."""
    results = board / "results"
    names = [p.relative_to(results).as_posix() for p in sorted(results.rglob("*.json"))]
    return {n: _blob_id((results / n).read_bytes()) for n in names if _is_read(n)}, lambda n: (results / n).read_bytes()


def _of_revision(revision: str, board: Path) -> tuple[dict[str, str], Callable[[str], bytes]]:
    """The same of what git holds at the board's place."""
    root = Path(_git(board, "rev-parse", "--show-toplevel", asked=revision).decode().strip())
    results = f"{board.resolve().relative_to(root.resolve()).as_posix()}/results/"
    commit = (
        _git(board, "rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}", asked=revision)
        .decode()
        .strip()
    )
    held = _git(root, "ls-tree", "-r", "-z", commit, "--", results, asked=revision).decode()
    ids = {}
    for entry in filter(None, held.split("\0")):
        facts, _, path = entry.partition("\t")
        name = path.removeprefix(results)
        if name.endswith(".json") and _is_read(name):
            ids[name] = facts.split()[2]
    return ids, lambda name: _git(root, "cat-file", "blob", ids[name], asked=revision)


def _blob_id(content: bytes) -> str:
    """The name that git gives these bytes; equal bytes have one name on both sides."""
    return hashlib.sha1(b"blob %d\0%s" % (len(content), content), usedforsecurity=False).hexdigest()


def _is_read(name: str) -> bool:
    return not name.startswith("_") or name.startswith((f"{RANKS}/", f"{SUITES}/"))


def _models(names: dict[str, str]) -> frozenset[str]:
    return frozenset(name.partition("/")[0] for name in names if not name.startswith("_"))


def _moved(old: ResultFile, new: ResultFile) -> list[Moved]:
    """The rows that are on both sides and differ."""
    if old.corpora != new.corpora:
        why = OTHER_DATA
    elif old.predictions_digest != new.predictions_digest:
        why = OTHER_PREDICTIONS
    else:
        why = OTHER_CODE
    found = []
    for row in new.rows:
        before = find(old, row.metric, row.at, row.slice_axis, row.slice_value)
        if before is None or all(
            _is_close(getattr(row, name), getattr(before, name)) for name in ("value", "low", "high")
        ):
            continue
        difference, low, high = (math.nan,) * 3 if why == OTHER_DATA else _difference(before, row)
        found.append(Moved(new.model, stem_of(new), row, before, why, difference, low, high))
    return found


def _gone_rows(old: ResultFile, new: ResultFile) -> list[str]:
    """Numbers that only the old file tells."""
    kept = {(row.metric, row.at, row.slice_axis, row.slice_value) for row in new.rows}
    gone = [row for row in old.rows if (row.metric, row.at, row.slice_axis, row.slice_value) not in kept]
    return [f"{new.model} on {stem_of(new)}: {_label(row)}, was {text.value_with_interval(row)}" for row in gone]


def _difference(old: ResultRow, new: ResultRow) -> tuple[float, float, float]:
    """New minus old with its interval from the two intervals alone, as for independent samples.

    Source:
        Newcombe 1998, Statistics in Medicine 17:873, method 10; for any metric with intervals Zou & Donner 2008, 27:1693.
    """
    difference = new.value - old.value
    down = math.hypot(new.value - new.low, old.high - old.value)
    up = math.hypot(new.high - new.value, old.value - old.low)
    return difference, difference - down, difference + up


def _is_close(a: float, b: float) -> bool:
    return (math.isnan(a) and math.isnan(b)) or math.isclose(a, b, rel_tol=_SAME, abs_tol=_SAME)


def _changed_tasks(
    before: dict[tuple[str, str], ResultFile], after: dict[tuple[str, str], ResultFile]
) -> Iterator[str]:
    """What changed about the tasks that both sides have: the data, or where the threshold is set."""
    sides: list[dict[str, ResultFile]] = [{}, {}]
    for side, files in zip(sides, (before, after), strict=True):
        for (_, stem), file in files.items():
            side.setdefault(stem, file)
    for stem in sorted(sides[0].keys() & sides[1].keys()):
        old, new = sides[0][stem], sides[1][stem]
        told = []
        for corpus in sorted(old.corpora.keys() | new.corpora.keys()):
            ends = [file.corpora.get(corpus, "none") for file in (old, new)]
            if ends[0] != ends[1]:
                told.append(f"corpus {corpus} {text.short(ends[0])} is now {text.short(ends[1])}")
        if (old.profile, old.seed) != (new.profile, new.seed):
            told.append(f"profile {old.profile}, seed {old.seed} is now {new.profile}, seed {new.seed}")
        if sorted(old.thresholds) != sorted(new.thresholds):
            points = [", ".join(sorted(file.thresholds)) for file in (old, new)]
            told.append(f"operating points pfa {points[0]} are now {points[1]}")
        if told:
            yield f"{stem}: {'; '.join(told)}"


def _standings(results: Path) -> dict[tuple[str, str, str], tuple[int, int]]:
    """(task or suite, track, model) -> rank set."""
    found = {
        (stem_of(file), file.track, row.model): (row.rank_low, row.rank_high)
        for file in load_ranks(results)
        for row in file.rows
    }
    for suite in load_suites(results):
        for row in suite.rows:
            if row.rank_low is not None and row.rank_high is not None:
                found[f"{_SUITE}{suite.vector}", suite.track, row.model] = (row.rank_low, row.rank_high)
    return found


def _rank_moves(
    before: dict[tuple[str, str, str], tuple[int, int]], after: dict[tuple[str, str, str], tuple[int, int]]
) -> Iterator[RankMove]:
    for key, new in after.items():
        if key in before and before[key] != new:
            task, track, model = key
            yield RankMove(model, task, track, before[key], new)


def _task(stem: str) -> Task:
    """The task of a result file's stem, whatever data it was measured on."""
    return task_of(stem.partition("@")[0])


def _width(name: str) -> int:
    """How much of a board a task is about: a whole suite most."""
    return 4 if name.startswith(_SUITE) else n_any(_task(name))


def _git(board: Path, *words: str, asked: str) -> bytes:
    try:
        done = subprocess.run(["git", "-C", str(board), *words], capture_output=True, check=False)
    except FileNotFoundError:
        raise BadFile("git is not here, so no revision can be compared with; give a folder.") from None
    if done.returncode:
        told = done.stderr.decode(errors="replace").strip().splitlines()
        raise BadFile(f"{asked}: neither a folder nor what git knows ({told[-1] if told else 'no message'}).")
    return done.stdout


# ------------------------------------------------------------------------------------------------------------- render


def _summary(found: Changes, quiet: Sequence[Moved]) -> str:
    beyond = sum(m.is_beyond_noise for m in found.numbers)
    counts = {
        "new models": len(found.new_models),
        "removed models": len(found.gone_models),
        "new results of models that were here": len(found.new_results),
        "removed results of models that stay": len(found.gone_results),
        "removed numbers of results that stay": len(found.gone_rows),
        "changed tasks": len(found.tasks),
        "result files that are as they were": found.n_same,
        "result files that differ": found.n_differing,
        "numbers that moved": len(found.numbers),
        "of these, beyond noise": beyond,
        "of these, without new predictions or data": len(quiet),
        "rank sets that moved": len(found.ranks),
    }
    return _table(("what", "count"), [(name, f"{count:,}") for name, count in counts.items()])


def _new_models(found: Changes) -> str:
    if not found.new_models:
        return ""
    rows = []
    for model in found.new_models:
        files = [f for f in found.results if f.model == model]
        widest = max(n_any(task_of(f.task)) for f in files)
        for file in (f for f in files if n_any(task_of(f.task)) == widest):
            task = task_of(file.task)
            row = find(file, task.main_metric, task.pfa_points[0])
            told = (
                "not in the file"
                if row is None
                else text.value_with_interval(row) + (f" ({row.reason})" if row.reason else "")
            )
            rows.append((checked_model(model), stem_of(file), file.track, told, f"{len(files)}"))
    heads = ("model", "widest task", "track", "pd at the main pfa", "results")
    return f"## New models ({len(found.new_models)})\n\n" + _capped(heads, rows)


def _numbers(title: str, note: str, moved: Sequence[Moved]) -> str:
    if not moved:
        return ""
    ordered = sorted(moved, key=lambda m: (not m.is_beyond_noise, -n_any(_task(m.task)), m.task, m.model, m.row.metric))
    rows = [
        (
            m.model,
            m.task,
            _label(m.row),
            text.value_with_interval(m.old),
            text.value_with_interval(m.row),
            _told_difference(m),
            m.why if math.isnan(m.difference) else "**beyond noise**" if m.is_beyond_noise else "within noise",
        )
        for m in ordered
    ]
    heads = ("model", "task", "number", "old", "new", "difference [95 %]", "verdict")
    return f"## {title}\n\n{note}\n\n" + _capped(heads, rows)


def _others(found: Changes) -> str:
    """Slices and other metrics, counted."""
    rest = [m for m in found.numbers if not m.is_main and m.why != OTHER_CODE]
    if not rest:
        return ""
    moved, beyond = Counter(_kind(m) for m in rest), Counter(_kind(m) for m in rest if m.is_beyond_noise)
    rows = [(kind, f"{count:,}", f"{beyond[kind]:,}") for kind, count in sorted(moved.items())]
    return "## Other numbers that moved\n\n" + _table(("number", "moved", "beyond noise"), rows)


def _ranks(found: Changes) -> str:
    if not found.ranks:
        return ""
    ordered = sorted(found.ranks, key=lambda m: (not m.is_apart, -_width(m.task), m.task, m.model))
    rows = [
        (m.model, m.task, m.track, text.ranks(*m.old), text.ranks(*m.new), "**apart**" if m.is_apart else "overlap")
        for m in ordered
    ]
    heads = ("model", "task", "track", "ranks before", "ranks now", "the two sets")
    note = "A rank is a set: all that the data allow. Where the two sets overlap, the model may not have moved at all."
    return f"## Rank moves ({len(rows)})\n\n{note}\n\n" + _capped(heads, rows)


def _list(title: str, lines: Sequence[str]) -> str:
    if not lines:
        return ""
    shown = [f"- {line}" for line in lines[:_MOST_ROWS]]
    if more := len(lines) - len(shown):
        shown.append(f"- ... and {more} more")
    return f"## {title} ({len(lines)})\n\n" + "\n".join(shown)


def _capped(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    more = len(rows) - _MOST_ROWS
    return _table(heads, rows[:_MOST_ROWS]) + (f"\n\n... and {more} more." if more > 0 else "")


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, [":---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _label(row: ResultRow) -> str:
    label = text.metric_label(row.metric, row.at)
    return f"{label}, {row.slice_axis} {text.term(row.slice_value)}" if row.slice_axis else label


def _kind(moved: Moved) -> str:
    metric = text.METRIC_LABELS.get(moved.row.metric, moved.row.metric.replace("_", " "))
    return f"{metric} by {moved.row.slice_axis}" if moved.row.slice_axis else metric


def _told_difference(moved: Moved) -> str:
    if math.isnan(moved.difference):
        return text.NOT_AVAILABLE
    ends = "" if math.isnan(moved.low) else f" [{text.difference(moved.low)}, {text.difference(moved.high)}]"
    return text.difference(moved.difference) + ends
