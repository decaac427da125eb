"""What a leaderboard says, worked out from result files before a word of it is laid out.

A *board* ranks models on one body of data: a simulated suite, or one imported dataset of real scans. Simulated and real
results never meet on a board, tracks are ranked apart on it, and every model of a board was scored on data of the same
digest. Nothing here depends on who else is on the board but the ranks.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from xraybench.core import vocabulary
from xraybench.core.documents import ModelSignature, ResultFile, ResultRow
from xraybench.core.errors import BadFile
from xraybench.core.task import Task
from xraybench.core.vocabulary import ANY
from xraybench.report import text
from xraybench.report.results import CurveFile, PairRow, RankFile, RankRow, find, n_any, task_of

MAIN_METRIC = "pd"
NOT_RUN = "not run: the model has no result file for this task"
NOT_IN_FILE = "not in the result file"
TRACK_TITLES = {
    "raw": "Raw track: two energy channels as the detector counts them",
    "colour": "Colour track: pseudo-colour as the scanner shows it",
    "grey": "Grey track: one channel as the scanner shows it",
    "slices": "Slice track: attenuation in CT slices, as reconstructed",
    "scatter": "Scatter track: what comes back to a backscatter scanner, as counted",
    "unknown": "Track not stated",
}
_ESTIMATE_TOLERANCE = 1e-4  # result files keep six significant digits

D = TypeVar("D", RankFile, CurveFile)


@dataclass(frozen=True, slots=True)
class Number:
    """A number as a page shows it: `reason` says why `value` is NaN."""

    metric: str
    value: float
    low: float
    high: float
    n: int
    reason: str = ""
    is_best_possible: bool = False  # its rank set includes 1

    @property
    def is_defined(self) -> bool:
        return not math.isnan(self.value)


@dataclass(frozen=True)
class Entry:
    """One model on one board: its result files by task id, and what is known of its making."""

    model: str
    files: dict[str, ResultFile]
    signature: ModelSignature | None
    card: str = ""  # address of its card, relative to the page

    @cached_property
    def _rows(self) -> dict[tuple[str, str, float | None, str, str], ResultRow]:
        return {
            (task, row.metric, row.at, row.slice_axis, row.slice_value): row
            for task, file in self.files.items()
            for row in file.rows
        }

    def number(self, task: str, metric: str, at: float | None, axis: str = "", value: str = "") -> Number:
        """One of its numbers, or an undefined one that says why it is not there."""
        row = self._rows.get((task, metric, at, axis, value))
        if row is None:
            missing = NOT_IN_FILE if task in self.files else NOT_RUN
            return Number(metric, math.nan, math.nan, math.nan, 0, missing)
        n = row.n_threats if metric in ("pd", "localisation_hit_rate") else row.n_items
        return Number(metric, row.value, row.low, row.high, n, row.reason)

    @property
    def trained_on(self) -> tuple[str, ...]:
        """Sensors of its training data, as its signature tells; empty where it does not."""
        return sensors_of(self.signature) if self.signature else ()

    @property
    def device(self) -> str:
        """What its latency was measured on, as its signature tells."""
        training = self.signature.training if self.signature else {}
        return str(training.get("latency_device", training.get("device", "")))


@dataclass(frozen=True, slots=True)
class Axis:
    """The stretch of [0, 1] that the intervals of one table are drawn on, in steps of 0.1."""

    low: float
    high: float

    @property
    def ticks(self) -> list[float]:
        steps = round(10 * (self.high - self.low))
        return [round(self.low + index / 10, 1) for index in range(steps + 1)]


@dataclass(frozen=True)
class Track:
    """The models of one track of a board, in the order of their ranks on the board's main task."""

    name: str
    entries: tuple[Entry, ...]
    ranks: dict[str, RankFile]  # task id -> rank sets
    curves: dict[str, CurveFile]
    main: Task

    @property
    def title(self) -> str:
        return TRACK_TITLES.get(self.name, self.name)

    @property
    def rank_file(self) -> RankFile | None:
        return self.ranks.get(self.main.id)

    @property
    def curve_file(self) -> CurveFile | None:
        return self.curves.get(self.main.id)

    @property
    def axis(self) -> Axis:
        """Wide enough for the interval of every model on the main task."""
        told = [number for entry in self.entries if (number := self.number(entry, self.main)).is_defined]
        low = min((number.low for number in told if not math.isnan(number.low)), default=0.0)
        high = max((number.high for number in told if not math.isnan(number.high)), default=1.0)
        return Axis(math.floor(10 * low) / 10, math.ceil(10 * high) / 10)

    def rank(self, model: str) -> RankRow | None:
        """The place of a model on the main task."""
        return next((r for r in self.rank_file.rows if r.model == model), None) if self.rank_file else None

    def number(self, entry: Entry, task: Task) -> Number:
        """The main metric of an entry on a task at its main operating point, marked where it may be the best."""
        number = entry.number(task.id, MAIN_METRIC, task.pfa_points[0])
        ranked = self.ranks.get(task.id)
        row = next((r for r in ranked.rows if r.model == entry.model), None) if ranked else None
        is_best = bool(row and row.rank_low == 1 and len(self.entries) > 1)
        return Number(number.metric, number.value, number.low, number.high, number.n, number.reason, is_best)

    def bands(self) -> list[tuple[str, list[str]]]:
        """Each band of ties with its models, best first: `("A", [...])`."""
        members: dict[int, list[str]] = defaultdict(list)
        for entry in self.entries:
            if row := self.rank(entry.model):
                members[row.band].append(entry.model)
        return [(text.band_letter(band), members[band]) for band in sorted(members)]

    def untold(self) -> list[PairRow]:
        """Pairs that the main task cannot tell apart (Holm-adjusted p of 0.05 or more), the closest to it first."""
        return [pair for pair in self.pairs() if not is_told_apart(pair)]

    def pairs(self) -> list[PairRow]:
        """All pairs of the main task, the surest difference first."""
        pairs = self.rank_file.pairs if self.rank_file else []
        return sorted(pairs, key=lambda pair: (pair.p_holm, -abs(pair.difference), pair.a, pair.b))


@dataclass(frozen=True)
class Board:
    """One body of data and everything measured on it."""

    key: str
    title: str
    vector: str
    is_simulated: bool
    corpora: dict[str, str]  # corpus -> digest
    tasks: tuple[Task, ...]
    main: Task
    tracks: tuple[Track, ...]
    profiles: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    versions: tuple[str, ...] = ()
    models: tuple[str, ...] = field(default=())

    @property
    def honesty(self) -> str:
        return text.HONESTY_SIMULATED if self.is_simulated else text.HONESTY_REAL

    @property
    def sensors(self) -> list[str]:
        """Sensors that a task of this board names."""
        return sorted({task.sensor for task in self.tasks} - {ANY}) or [self.main.sensor]

    def along(self, axis: str) -> list[Task]:
        """The tasks that differ from the main one on one axis only, in the order of the vocabulary."""
        others = [name for name in ("threat", "concealment", "sensor") if name != axis]
        fits = [
            task
            for task in self.newest
            if all(getattr(task, name) == getattr(self.main, name) for name in others) and getattr(task, axis) != ANY
        ]
        return sorted(fits, key=lambda task: term_order(getattr(task, axis))) if getattr(self.main, axis) == ANY else []

    def task(self, threat: str, concealment: str, sensor: str) -> Task | None:
        """The newest task with these axes."""
        wanted = (threat, concealment, sensor)
        return next((t for t in self.newest if (t.threat, t.concealment, t.sensor) == wanted), None)

    @cached_property
    def newest(self) -> tuple[Task, ...]:
        """Of tasks with the same axes, the one of the highest version."""
        found: dict[tuple[str, str, str], Task] = {}
        for task in self.tasks:
            key = (task.threat, task.concealment, task.sensor)
            if key not in found or task.version > found[key].version:
                found[key] = task
        return tuple(found.values())

    def counts(self, task: Task) -> tuple[int, int]:
        """Threats and benign items that a task counts on this board: the most that any model was scored on."""
        entries = [entry for track in self.tracks for entry in track.entries if task.id in entry.files]
        at = task.pfa_points[0]
        threats = [entry.number(task.id, "pd", at).n for entry in entries]
        benign = [entry.number(task.id, "pfa", at).n for entry in entries]
        return max(threats, default=0), max(benign, default=0)

    def slices(self) -> list[tuple[str, str]]:
        """Axis and value of every slice of the main task that some model was scored on, in the vocabulary's order."""
        found = {
            (row.slice_axis, row.slice_value)
            for track in self.tracks
            for entry in track.entries
            if self.main.id in entry.files
            for row in entry.files[self.main.id].rows
            if row.slice_axis and row.metric == MAIN_METRIC
        }
        axes = list(self.main.slices)
        place = {axis: axes.index(axis) if axis in axes else len(axes) for axis, _ in found}
        return sorted(found, key=lambda pair: (place[pair[0]], pair[0], term_order(pair[1])))

    def worst_slice(self, entry: Entry) -> tuple[str, str] | None:
        """Axis and value of the slice in which an entry finds least; None where fewer than two slices have a number."""
        at = self.main.pfa_points[0]
        told = {pair: entry.number(self.main.id, MAIN_METRIC, at, *pair) for pair in self.slices()}
        known = {pair: number.value for pair, number in told.items() if number.is_defined}
        return min(known, key=lambda pair: known[pair]) if len(known) > 1 else None


def boards(
    result_files: Sequence[ResultFile],
    *,
    rank_files: Sequence[RankFile] = (),
    curve_files: Sequence[CurveFile] = (),
    signatures: dict[str, ModelSignature] | None = None,
    cards: dict[str, str] | None = None,
) -> list[Board]:
    """Sort result files into boards: simulated suites first, then one board for each body of real data.

    Args:
        result_files: All that is to be shown.
        rank_files: Rank sets, at most one for a task, track and body of data.
        curve_files: ROC curves, likewise.
        signatures: Model -> signature, where there is one.
        cards: Model -> address of its card.

    Raises:
        BadFile: Simulated results of one suite rest on different data, or rank sets or curves belong to other
            predictions than the results do; every such file is named.
    """
    groups = _bodies_of_data(result_files)
    faults = _mixed_data(groups)
    made: list[Board] = []
    used: set[int] = set()
    for files in groups:
        ranks, rank_faults = _belonging(files, rank_files, used)
        curves, curve_faults = _belonging(files, curve_files, used)
        faults += rank_faults + curve_faults
        faults += _estimate_faults(ranks, files)
        made.append(_board(files, ranks, curves, signatures or {}, cards or {}))
    compared: list[RankFile | CurveFile] = [*rank_files, *curve_files]
    lost = [document for document in compared if id(document) not in used]
    faults += [f"{_kind(d)} of {d.task}, track {d.track}: no result file rests on the same data" for d in lost]
    if faults:
        raise BadFile(
            f"The results do not make a board: {len(faults)} fault{'s' if len(faults) > 1 else ''}\n  "
            + "\n  ".join(faults)
        )
    return sorted(made, key=lambda board: (not board.is_simulated, _vector_order(board.vector), board.key))


def sensors_of(signature: ModelSignature) -> tuple[str, ...]:
    """Sensors of a model's training data: as told, or those of the corpora it and its sites were trained on."""
    training = signature.training
    told = [str(sensor) for sensor in training.get("sensors") or ()]
    corpora = [*(training.get("corpora") or ())]
    for site in training.get("sites") or ():
        corpora += [*(site.get("corpora") or ())] if isinstance(site, dict) else []
    return tuple(sorted({*told, *(str(corpus).partition("-")[2] for corpus in corpora)}))


def term_order(name: str) -> tuple[int, str]:
    """Sort key: `any` first, then the vocabulary's order, then other names by letter."""
    if name == ANY:
        return (-1, "")
    order = (*vocabulary.names("threat"), *vocabulary.names("concealment"), *vocabulary.SIZES, *vocabulary.SHAPES)
    return (order.index(name) if name in order else len(order), name)


def is_told_apart(pair: PairRow) -> bool:
    """Whether two models differ by more than chance, at 0.05 after Holm's correction."""
    return pair.p_holm < 0.05


def _bodies_of_data(files: Iterable[ResultFile]) -> list[list[ResultFile]]:
    """Simulated files by vector; real files by the data they share, directly or through others."""
    simulated: dict[str, list[ResultFile]] = defaultdict(list)
    real: list[tuple[set[tuple[str, str]], list[ResultFile]]] = []
    for file in files:
        if file.is_simulated:
            simulated[task_of(file.task).vector].append(file)
            continue
        data, members = set(file.corpora.items()), [file]
        apart = []
        for other_data, others in real:
            if data & other_data:
                data, members = data | other_data, others + members
            else:
                apart.append((other_data, others))
        real = [*apart, (data, members)]
    return [*simulated.values(), *(members for _, members in real)]


def _mixed_data(groups: list[list[ResultFile]]) -> list[str]:
    """Corpora that come with more than one digest, and who was scored on which."""
    faults = []
    for files in groups:
        users: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for file in files:
            for corpus, digest in file.corpora.items():
                users[corpus][digest].add(file.model)
        for corpus, by_digest in sorted(users.items()):
            if len(by_digest) > 1:
                told = "; ".join(f"{text.short(d)}: {text.listed(sorted(m))}" for d, m in sorted(by_digest.items()))
                faults.append(f"corpus {corpus} comes with {len(by_digest)} digests ({told}): score all on one")
    return faults


def _belonging(files: list[ResultFile], documents: Sequence[D], used: set[int]) -> tuple[list[D], list[str]]:
    """The documents that rest on the data of these files, and faults of those made from other predictions."""
    faults: list[str] = []
    mine: list[D] = []
    by_task: dict[tuple[str, str], list[ResultFile]] = defaultdict(list)
    for file in files:
        by_task[file.task, file.track].append(file)
    for document in documents:
        same = by_task[document.task, document.track]
        if not any(file.corpora == document.corpora for file in same):
            continue
        used.add(id(document))
        mine.append(document)
        predictions = {file.model: file.predictions_digest for file in same}
        if predictions != document.predictions:
            wrong = sorted(
                model
                for model in predictions.keys() | document.predictions.keys()
                if predictions.get(model) != document.predictions.get(model)
            )
            where = f"{_kind(document)} of {document.task}, track {document.track}"
            faults.append(f"{where}: stale for {text.listed(wrong)}: compute them again")
    return mine, faults


def _estimate_faults(ranks: Sequence[RankFile], files: list[ResultFile]) -> list[str]:
    """Estimates in rank files that are not the ones of the result files."""
    by_name = {(file.task, file.track, file.model): file for file in files}
    faults = []
    for ranked in ranks:
        for row in ranked.rows:
            file = by_name.get((ranked.task, ranked.track, row.model))
            found = find(file, ranked.metric, ranked.at) if file else None
            if found and not _agree(found.value, row.estimate):
                faults.append(
                    f"rank sets of {ranked.task}, track {ranked.track}: {row.model} has {row.estimate:g}, "
                    f"its result file {found.value:g}"
                )
    return faults


def _agree(first: float, second: float) -> bool:
    return (math.isnan(first) and math.isnan(second)) or abs(first - second) <= _ESTIMATE_TOLERANCE


def _kind(document: RankFile | CurveFile) -> str:
    return "rank sets" if isinstance(document, RankFile) else "ROC curves"


def _board(
    files: list[ResultFile],
    ranks: list[RankFile],
    curves: list[CurveFile],
    signatures: dict[str, ModelSignature],
    cards: dict[str, str],
) -> Board:
    tasks = sorted({task_of(file.task) for file in files}, key=_task_order)
    main = min(tasks, key=lambda task: (-n_any(task), _task_order(task)[:3], -task.version))
    corpora = {corpus: digest for file in files for corpus, digest in file.corpora.items()}
    is_simulated = files[0].is_simulated
    tracks = sorted({file.track for file in files}, key=_track_order)
    name = main.vector if is_simulated else f"{main.vector}-{text.short(min(corpora.values()))}"
    title = f"{main.vector.capitalize()}" if is_simulated else f"{', '.join(sorted(corpora))} (real scans, imported)"
    return Board(
        key=name,
        title=title,
        vector=main.vector,
        is_simulated=is_simulated,
        corpora=dict(sorted(corpora.items())),
        tasks=tuple(tasks),
        main=main,
        tracks=tuple(_track(track, files, ranks, curves, main, signatures, cards) for track in tracks),
        profiles=tuple(sorted({file.profile for file in files})),
        seeds=tuple(sorted({file.seed for file in files})),
        versions=tuple(sorted({file.version for file in files})),
        models=tuple(sorted({file.model for file in files})),
    )


def _track(
    name: str,
    files: list[ResultFile],
    ranks: list[RankFile],
    curves: list[CurveFile],
    main: Task,
    signatures: dict[str, ModelSignature],
    cards: dict[str, str],
) -> Track:
    by_model: dict[str, dict[str, ResultFile]] = defaultdict(dict)
    for file in files:
        if file.track == name:
            by_model[file.model][file.task] = file
    entries = [Entry(m, kept, signatures.get(m), cards.get(m, "")) for m, kept in by_model.items()]
    rank_files = {r.task: r for r in ranks if r.track == name}
    places = {row.model: row for row in rank_files[main.id].rows} if main.id in rank_files else {}

    def order(entry: Entry) -> tuple[int, int, float, str]:
        value = entry.number(main.id, MAIN_METRIC, main.pfa_points[0]).value
        place = places.get(entry.model)
        last = 10**9
        band = (place.band, place.rank_low) if place else (last, last)
        return (*band, -value if not math.isnan(value) else math.inf, entry.model)

    return Track(
        name=name,
        entries=tuple(sorted(entries, key=order)),
        ranks=rank_files,
        curves={c.task: c for c in curves if c.track == name},
        main=main,
    )


def _task_order(task: Task) -> tuple[tuple[int, str], tuple[int, str], tuple[int, str], int]:
    return (term_order(task.threat), term_order(task.concealment), term_order(task.sensor), task.version)


def _track_order(track: str) -> tuple[int, str]:
    known = list(TRACK_TITLES)
    return (known.index(track) if track in known else len(known), track)


def _vector_order(vector: str) -> int:
    order = vocabulary.names("vector")
    return order.index(vector) if vector in order else len(order)
