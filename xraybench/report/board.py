"""What the pages of a leaderboard say, worked out from shards of the index and rank sets before a word of it is laid out.

A *body* is one body of data: a simulated vector, or one imported dataset of real scans. A *suite* is a body on one track:
it is what is ranked together, so simulated and real results, raw and colour, never meet in one rank. A *standing* is one
task of a suite: its models in the order of their ranks, with the numbers of the main metric. Every model of a body was
scored on data of the same digest; rank sets of other predictions than the results' are refused. Nothing but the ranks
depends on who else is there.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from xraybench.core import vocabulary
from xraybench.core.documents import MODEL_NAME, ModelSignature, ResultFile, ResultRow
from xraybench.core.errors import BadFile
from xraybench.core.task import Task
from xraybench.core.types import FloatArray
from xraybench.core.vocabulary import ANY
from xraybench.report import index, text
from xraybench.report.results import CurveFile, PairRow, RankFile, n_any, task_of

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
_RATES_OF_THREATS = ("pd", "localisation_hit_rate")


@dataclass(frozen=True, slots=True)
class Column:
    """One number of many models: arrays over models, NaN where undefined, with the reason."""

    metric: str
    value: FloatArray
    low: FloatArray
    high: FloatArray
    n: np.ndarray[Any, np.dtype[np.int64]]
    reasons: Sequence[str]

    @property
    def is_empty(self) -> bool:
        """Whether no model has a number."""
        return bool(np.isnan(self.value).all())

    def of(self, places: Sequence[int]) -> "Column":
        """The same for some models; a place of -1 is a model that was not run."""
        at = np.asarray(places, dtype=np.int64)
        missing = at < 0
        kept = np.where(missing, 0, at)
        if not len(self.value):
            return nothing(self.metric, len(at), NOT_RUN)
        value, low, high = (np.where(missing, math.nan, v[kept]) for v in (self.value, self.low, self.high))
        reasons = [NOT_RUN if place < 0 else self.reasons[place] for place in places]
        return Column(self.metric, value, low, high, np.where(missing, 0, self.n[kept]), reasons)


def nothing(metric: str, n_models: int, reason: str) -> Column:
    """A column without a number."""
    nan = np.full(n_models, math.nan)
    return Column(metric, nan, nan, nan, np.zeros(n_models, dtype=np.int64), [reason] * n_models)


class Grid:
    """The numbers of one task for some models, in their order."""

    def __init__(self, table: pa.Table, models: Sequence[str]) -> None:
        self.models = tuple(models)
        model_code, names = index.codes(table, "model")
        place = {name: i for i, name in enumerate(models)}
        column_of = np.asarray([place.get(name, -1) for name in names], dtype=np.int64)[model_code]
        parts = [index.codes(table, name) for name in ("metric", "slice_axis", "slice_value")]
        at = table["at"].to_numpy()
        points, at_code = np.unique(at, return_inverse=True)  # NaN, no operating point, comes last and once
        key = at_code.astype(np.int64)
        for codes, words in parts:
            key = key * len(words) + codes
        keys, first, key_code = np.unique(key, return_index=True, return_inverse=True)
        mine = column_of >= 0
        self._row = np.full((len(keys), len(models)), -1, dtype=np.int64)
        self._row[key_code[mine], column_of[mine]] = np.flatnonzero(mine)
        told = [[words[c] for c in codes[first]] for codes, words in parts]
        told_at = [None if math.isnan(points[c]) else float(points[c]) for c in at_code[first]]
        order = np.argsort(first)
        self._keys = {(told[0][i], told_at[i], told[1][i], told[2][i]): int(i) for i in order}
        self._values = [table[name].to_numpy() for name in ("value", "low", "high")]
        self._n = {name: table[name].to_numpy() for name in ("n_items", "n_threats")}
        self._reason = index.codes(table, "reason")

    @property
    def keys(self) -> list[tuple[str, float | None, str, str]]:
        """Metric, operating point, slice axis and value of every number there is, in the order of the files."""
        return list(self._keys)

    def column(self, metric: str, at: float | None, axis: str = "", value: str = "") -> Column:
        """One number of all models."""
        found = self._keys.get((metric, at, axis, value))
        if found is None:
            return nothing(metric, len(self.models), NOT_IN_FILE)
        rows = self._row[found]
        missing, kept = rows < 0, np.maximum(rows, 0)
        number, low, high = (np.where(missing, math.nan, v[kept]) for v in self._values)
        n = self._n["n_threats" if metric in _RATES_OF_THREATS else "n_items"]
        codes, words = self._reason
        reasons = [NOT_IN_FILE if row < 0 else words[codes[row]] for row in rows.tolist()]
        return Column(metric, number, low, high, np.where(missing, 0, n[kept]), reasons)

    def slices(self, order: Sequence[str] = ()) -> list[tuple[str, str]]:
        """Axis and value of every slice of the main metric, axes as `order` has them, values as the vocabulary does."""
        found = {(axis, value) for metric, _, axis, value in self._keys if axis and metric == MAIN_METRIC}
        place = {axis: order.index(axis) if axis in order else len(order) for axis, _ in found}
        return sorted(found, key=lambda pair: (place[pair[0]], pair[0], term_order(pair[1])))


@dataclass(frozen=True)
class Standing:
    """One task on one body of data and track: models best first, their main numbers and ranks."""

    task: Task
    stem: str
    body: str
    is_simulated: bool
    track: str
    models: tuple[str, ...]
    pd: Column
    pfa: Column
    rank_low: np.ndarray[Any, np.dtype[np.int64]]  # 0 where there are no rank sets
    rank_high: np.ndarray[Any, np.dtype[np.int64]]
    band: np.ndarray[Any, np.dtype[np.int64]]
    facts: dict[str, Any] = field(default_factory=dict)  # of the rank sets and of the files, as JSON holds them

    @property
    def at(self) -> float:
        """The main operating point."""
        return self.task.pfa_points[0]

    @property
    def is_ranked(self) -> bool:
        """Whether rank sets were computed."""
        return "method" in self.facts

    @property
    def n_threats(self) -> int:
        """Threats it counts: the most that any model was scored on."""
        return int(self.pd.n.max(initial=0))

    @property
    def n_benign(self) -> int:
        """Benign items it counts, likewise."""
        return int(self.pfa.n.max(initial=0))

    @property
    def is_best(self) -> list[bool]:
        """For each model: may it be the best? By the confidence set of the best, where the rank file tells one, else by
        whether its rank set includes 1; and there is somebody to be better than."""
        if len(self.models) < 2:
            return [False] * len(self.models)
        told = self.facts.get("best")
        return [model in told for model in self.models] if told else [bool(low == 1) for low in self.rank_low]

    @cached_property
    def place(self) -> dict[str, int]:
        """Model -> its place in this standing's arrays."""
        return {model: i for i, model in enumerate(self.models)}

    def bands(self) -> list[tuple[str, list[str]]]:
        """Each band of ties with its models, best first: `("A", [...])`."""
        members: dict[int, list[str]] = defaultdict(list)
        for model, band in zip(self.models, self.band.tolist(), strict=True):
            if band:
                members[band].append(model)
        return [(text.band_letter(band), members[band]) for band in sorted(members)]


@dataclass(frozen=True)
class Suite:
    """The standings of one body of data on one track."""

    body: str
    track: str
    is_simulated: bool
    standings: tuple[Standing, ...]  # by task

    @property
    def key(self) -> str:
        """Name of its page and its identifiers."""
        return f"{self.body}-{self.track}"

    @property
    def vector(self) -> str:
        return self.main.task.vector

    @property
    def title(self) -> str:
        """What it is called on pages."""
        name = self.vector.capitalize() if self.is_simulated else self.body
        return f"{name}, {self.track}{'' if self.is_simulated else ' (real scans)'}"

    @property
    def track_title(self) -> str:
        return TRACK_TITLES.get(self.track, self.track)

    @property
    def honesty(self) -> str:
        return text.HONESTY_SIMULATED if self.is_simulated else text.HONESTY_REAL

    @cached_property
    def main(self) -> Standing:
        """The widest task, of several versions the newest."""
        return min(self.standings, key=lambda s: (-n_any(s.task), task_order(s.task)[:3], -s.task.version))

    @cached_property
    def models(self) -> tuple[str, ...]:
        """All models, in the order of the main standing, then those that it lacks by name."""
        others = {model for s in self.standings for model in s.models} - set(self.main.models)
        return (*self.main.models, *sorted(others))

    @cached_property
    def newest(self) -> dict[tuple[str, str, str], Standing]:
        """Threat, concealment and sensor -> the standing of the highest version."""
        found: dict[tuple[str, str, str], Standing] = {}
        for standing in self.standings:
            task = standing.task
            key = (task.threat, task.concealment, task.sensor)
            if key not in found or task.version > found[key].task.version:
                found[key] = standing
        return found

    def along(self, axis: str) -> list[Standing]:
        """The tasks that differ from the main one on one axis only, in the order of the vocabulary."""
        main = self.main.task
        if getattr(main, axis) != ANY:
            return []
        others = [name for name in ("threat", "concealment", "sensor") if name != axis]
        fits = [
            s
            for s in self.newest.values()
            if all(getattr(s.task, name) == getattr(main, name) for name in others) and getattr(s.task, axis) != ANY
        ]
        return sorted(fits, key=lambda s: term_order(getattr(s.task, axis)))

    def values(self, axis: str) -> list[str]:
        """The terms that the tasks have on one axis, `any` first."""
        return sorted({getattr(s.task, axis) for s in self.standings}, key=term_order)

    @property
    def sensors(self) -> list[str]:
        """Sensors that a task names."""
        return [s for s in self.values("sensor") if s != ANY]

    @property
    def corpora(self) -> dict[str, str]:
        """Corpus -> digest."""
        found = {c: d for s in self.standings for variant in s.facts["data"] for c, d in variant["corpora"].items()}
        return dict(sorted(found.items()))


def standings_of(
    stem: str, table: pa.Table, ranks: Sequence[RankFile], faults: list[str]
) -> tuple[list[Standing], list[RankFile]]:
    """The standings of one shard, one for each body and track, and the rank sets that belong to none.

    Args:
        stem: Name of the shard.
        table: The shard.
        ranks: Rank sets of this task.
        faults: Gets a sentence for each thing that does not fit.
    """
    files = index.files_of(table)
    groups: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for file in files:
        groups[body_of(file), file["track"]].append(file)
    made, left = [], list(ranks)
    for (body, track), members in groups.items():
        faults += [f"{stem}: {name!r} is no name of a {what}" for what, name in _no_names(body, track)]
        corpora = [index.corpora_of(m) for m in members]
        mine = [r for r in left if r.track == track and r.corpora in corpora]
        left = [r for r in left if r not in mine]
        made.append(_standing(stem, body, track, members, table, mine[0] if mine else None, faults))
    return made, left


def _no_names(body: str, track: str) -> list[tuple[str, str]]:
    """A dataset or track that cannot be part of the name of a page."""
    return [(what, name) for what, name in (("dataset", body), ("track", track)) if not MODEL_NAME.fullmatch(name)]


def body_of(file: Mapping[str, Any]) -> str:
    """Key of the body of data that a result file rests on: the vector, or an imported dataset."""
    vector = task_of(file["task"]).vector
    if file["is_simulated"]:
        return vector
    return file["dataset"] or f"{vector}-{text.short(min(index.corpora_of(file).values()))}"


def _standing(
    stem: str,
    body: str,
    track: str,
    files: list[dict[str, Any]],
    table: pa.Table,
    ranked: RankFile | None,
    faults: list[str],
) -> Standing:
    task = task_of(files[0]["task"])
    names = [file["model"] for file in files]
    grid = Grid(table, names)
    pd, pfa = grid.column(MAIN_METRIC, task.pfa_points[0]), grid.column("pfa", task.pfa_points[0])
    facts: dict[str, Any] = {"data": _variants(files), "profiles": sorted({f["profile"] for f in files})}
    places = np.zeros((3, len(names)), dtype=np.int64)
    if ranked is not None:
        faults += _rank_faults(ranked, stem, files, pd)
        told = {row.model: (row.rank_low, row.rank_high, row.band) for row in ranked.rows}
        places = np.asarray([told.get(name, (0, 0, 0)) for name in names], dtype=np.int64).T
        facts |= _rank_facts(ranked)
    last = np.iinfo(np.int64).max
    keys = [np.where(row == 0, last, row) for row in (places[2], places[0])]
    value = np.where(np.isnan(pd.value), math.inf, -pd.value)
    by_name = np.argsort(np.argsort(np.asarray(names, dtype=str)))
    order = np.lexsort((by_name, value, keys[1], keys[0]))
    return Standing(
        task, stem, body, bool(files[0]["is_simulated"]), track,
        tuple(names[i] for i in order), pd.of(order.tolist()), pfa.of(order.tolist()),
        places[0][order], places[1][order], places[2][order], facts,
    )  # fmt: skip


def _variants(files: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The data that files rest on, the commonest first; those of another kind name their models."""
    by_data: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for file in files:
        by_data[file["corpora"]].append(file)
    ordered = sorted(by_data.values(), key=lambda members: (-len(members), members[0]["model"]))
    return [
        {
            "corpora": index.corpora_of(members[0]),
            "models": [m["model"] for m in members] if i or len(files) < 9 else [],
        }
        for i, members in enumerate(ordered)
    ]


def _rank_facts(ranked: RankFile) -> dict[str, Any]:
    n_open = sum(not is_told_apart(pair) for pair in ranked.pairs)
    return {
        "method": ranked.method,
        "level": ranked.level,
        "best": ranked.best,
        "n_replicates": ranked.n_replicates,
        "n_pairs": len(ranked.pairs),
        "n_open": n_open,
        "least": ranked.minimum_detectable_difference,
        "least_method": ranked.minimum_detectable_difference_method,
        "least_holm": ranked.minimum_detectable_difference_holm,
    }


def _rank_faults(ranked: RankFile, stem: str, files: Sequence[Mapping[str, Any]], pd: Column) -> list[str]:
    """Rank sets that were made from other predictions than the results, or that hold other numbers."""
    where = f"rank sets of {stem}, track {ranked.track}"
    faults = stale(where, ranked.predictions, files)
    told = {row.model: row.estimate for row in ranked.rows}
    for file, value in zip(files, pd.value.tolist(), strict=True):
        estimate = told.get(file["model"], math.nan)
        if file["model"] in told and not _agree(value, estimate):
            faults.append(f"{where}: {file['model']} has {estimate:g}, its result file {value:g}")
    return faults


def stale(where: str, told: Mapping[str, str], files: Sequence[Mapping[str, Any]]) -> list[str]:
    """A sentence where documents that compare models rest on other predictions than the results."""
    predictions = {file["model"]: file["predictions_digest"] for file in files}
    if predictions == told:
        return []
    wrong = sorted(m for m in predictions.keys() | told.keys() if predictions.get(m) != told.get(m))
    shown = text.listed(wrong) if len(wrong) < 9 else f"{text.listed(wrong[:8])} and {len(wrong) - 8} more"
    return [f"{where}: stale for {shown}: compute them again with `xraybench leaderboard rank`"]


def main_numbers(standing: Standing) -> list[ResultFile]:
    """Result files that hold the main number of each model and nothing else, for who compares with those."""
    files = []
    for model, value in zip(standing.models, standing.pd.value.tolist(), strict=True):
        row: dict[str, Any] = {"metric": MAIN_METRIC, "at": standing.at, "value": value}
        head: dict[str, Any] = {"task": standing.task.id, "model": model, "track": standing.track}
        head |= {"is_simulated": standing.is_simulated, "rows": [ResultRow.model_construct(**row)]}
        files.append(ResultFile.model_construct(**head))
    return files


def curve_faults(curves: CurveFile, table: pa.Table, stem: str) -> list[str]:
    """Curves that were made from other predictions than the results of the same data and track."""
    files = [f for f in index.files_of(table) if f["track"] == curves.track and index.corpora_of(f) == curves.corpora]
    where = f"ROC curves of {stem}, track {curves.track}"
    return stale(where, curves.predictions, files) if files else [f"{where}: no result file rests on the same data"]


def _agree(first: float, second: float) -> bool:
    return (math.isnan(first) and math.isnan(second)) or abs(first - second) <= _ESTIMATE_TOLERANCE


def suites_of(standings: Iterable[Standing], faults: list[str]) -> list[Suite]:
    """Sort standings into suites: simulated before real, by vector and track.

    Args:
        standings: Of all tasks, bodies and tracks.
        faults: Gets a sentence for each corpus of a body that comes with two digests.
    """
    groups: dict[tuple[str, str], list[Standing]] = defaultdict(list)
    bodies: dict[str, list[Standing]] = defaultdict(list)
    for standing in standings:
        groups[standing.body, standing.track].append(standing)
        bodies[standing.body].append(standing)
    for members in bodies.values():
        faults += _mixed_data(members)
    made = [
        Suite(body, track, members[0].is_simulated, tuple(sorted(members, key=lambda s: task_order(s.task))))
        for (body, track), members in groups.items()
    ]
    return sorted(made, key=lambda s: (not s.is_simulated, vector_order(s.vector), s.body, track_order(s.track)))


def _mixed_data(standings: Sequence[Standing]) -> list[str]:
    """Corpora that come with more than one digest, and who was scored on which."""
    users: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for standing in standings:
        for variant in standing.facts["data"]:
            for corpus, digest in variant["corpora"].items():
                users[corpus][digest] |= set(variant["models"]) or {"the others"}
    faults = []
    for corpus, by_digest in sorted(users.items()):
        if len(by_digest) > 1:
            told = "; ".join(f"{text.short(d)}: {text.listed(sorted(m)[:8])}" for d, m in sorted(by_digest.items()))
            faults.append(f"corpus {corpus} comes with {len(by_digest)} digests ({told}): score all on one")
    return faults


def is_told_apart(pair: PairRow) -> bool:
    """Whether two models differ by more than chance, at 0.05 after Holm's correction."""
    return pair.p_holm < 0.05


def task_order(task: Task) -> tuple[tuple[int, str], tuple[int, str], tuple[int, str], int]:
    """Sort key of tasks: by threat, concealment and sensor, `any` first, then by version."""
    return (term_order(task.threat), term_order(task.concealment), term_order(task.sensor), task.version)


def term_order(name: str) -> tuple[int, str]:
    """Sort key: `any` first, then the vocabulary's order, then other names by letter."""
    if name == ANY:
        return (-1, "")
    order = (*vocabulary.names("threat"), *vocabulary.names("concealment"), *vocabulary.SIZES, *vocabulary.SHAPES)
    return (order.index(name) if name in order else len(order), name)


def track_order(track: str) -> tuple[int, str]:
    """Sort key: the tracks that have a title, then others by letter."""
    known = list(TRACK_TITLES)
    return (known.index(track) if track in known else len(known), track)


def vector_order(vector: str) -> int:
    """Sort key: the order of the vocabulary."""
    order = vocabulary.names("vector")
    return order.index(vector) if vector in order else len(order)


def refuse(faults: Sequence[str]) -> None:
    """Raise BadFile that names every fault, where there is one."""
    if faults:
        count = f"{len(faults)} fault{'s' if len(faults) > 1 else ''}"
        shown = [*faults[:40], *([f"... and {len(faults) - 40} more"] if len(faults) > 40 else [])]
        raise BadFile(f"The results do not make a board: {count}\n  " + "\n  ".join(shown))


def trained_on(signature: ModelSignature | None) -> tuple[str, ...]:
    """Sensors of a model's training data, as its signature tells; empty where it does not."""
    return sensors_of(signature) if signature else ()


def device_of(signature: ModelSignature | None) -> str:
    """What a model's latency was measured on, as its signature tells."""
    training = signature.training if signature else {}
    return str(training.get("latency_device", training.get("device", "")))


def sensors_of(signature: ModelSignature) -> tuple[str, ...]:
    """Sensors of a model's training data: as told, or those of the corpora it and its sites were trained on."""
    training = signature.training
    told = [str(sensor) for sensor in training.get("sensors") or ()]
    corpora = [*(training.get("corpora") or ())]
    for site in training.get("sites") or ():
        corpora += [*(site.get("corpora") or ())] if isinstance(site, dict) else []
    return tuple(sorted({*told, *(str(corpus).partition("-")[2] for corpus in corpora)}))
