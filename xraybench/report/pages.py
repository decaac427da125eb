"""The pages of a leaderboard: an overview, one page a suite, one page a task. Each is a pure function of what it is given.

Tables are complete without script; what would grow with the square of the models, or with models times slices, is told for
the first models in the order of ranks, and the page says so and where the rest is.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from html import escape
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pyarrow as pa
from markupsafe import Markup

from xraybench import __version__
from xraybench.core.documents import ModelSignature
from xraybench.core.vocabulary import ANY
from xraybench.report import cells, index, svg, text
from xraybench.report.board import (
    MAIN_METRIC,
    Column,
    Grid,
    Standing,
    Suite,
    device_of,
    is_told_apart,
    nothing,
    trained_on,
)
from xraybench.report.cells import Notes
from xraybench.report.colours import N_SHADES, shades
from xraybench.report.results import CurveFile, PairRow, RankFile
from xraybench.report.suites import SuiteFile

TEMPLATES = Path(__file__).parent / "templates" / "board"
MOST = 30  # models in tables that are wide as well as long: slices, heat maps, transfer
_MOST_PAIRED = 24  # models whose pairs are all listed: 276 pairs
_MOST_OVERVIEW = 12
_INTERVAL = ("value", "low", "high")
_NO_TASK = "no such task on this board"
_LOWER_IS_BETTER = ("brier", "ece", "expected_cost")


@dataclass(frozen=True)
class Head:
    """The head of a column: its name, a note under it, and how a reader sorts and picks by it."""

    label: str
    note: str = ""
    is_left: bool = False
    is_rising: bool = False  # sorted upwards first
    is_picked: bool = False  # few values: offered as a choice


@dataclass(frozen=True)
class Table:
    """A table of a page. `groups` are bodies with a title each; an empty title prints none."""

    key: str
    caption: str
    heads: Sequence[Head]
    groups: Sequence[tuple[str, str]]
    css: str = "sortable"
    above: Sequence[tuple[str, int]] = ()  # a row over the heads: title and how many columns it spans

    @property
    def is_empty(self) -> bool:
        return not any(rows for _, rows in self.groups)


@dataclass(frozen=True)
class Chart:
    """ROC and DET curves of a standing, with the models they show."""

    key: str
    roc: Markup
    det: Markup
    models: Sequence[str]
    n_models: int
    method: str


@dataclass(frozen=True)
class Frame:
    """What every page of a site shares."""

    suites: Sequence[tuple[str, str]]  # address and title of each suite's page
    cards: str  # address of the folder of model cards, from the site; empty for none


@dataclass(frozen=True)
class Shown:
    """Everything that a page says of one standing."""

    standing: Standing
    title: str
    honesty: str
    suite_page: str
    headline: str
    table: Table
    untold: Sequence[str]
    pairs: Table
    chart: Chart | None
    slices: Table
    pfa: Table
    digests: Table
    assumptions: str = ""

    @property
    def is_simulated(self) -> bool:
        return self.standing.is_simulated


def overview(frame: Frame, inputs: str, suites: Sequence[Suite]) -> str:
    """The front page: how every suite stands, and how to read it."""
    notes = Notes()
    shown = [(suite, _short_standing(frame, suite, notes)) for suite in suites]
    return _render(
        "index.html.j2",
        frame,
        inputs,
        "index.html",
        suites=shown,
        notes=notes,
        n_models=len({model for suite in suites for model in suite.models}),
        n_tasks=len({standing.stem for suite in suites for standing in suite.standings}),
        most=_MOST_OVERVIEW,
    )


def suite_page(
    frame: Frame,
    inputs: str,
    suite: Suite,
    *,
    table: pa.Table,
    ranked: RankFile | None,
    curves: CurveFile | None,
    overall: SuiteFile | None,
    signatures: Mapping[str, ModelSignature],
) -> str:
    """All that is said of one suite.

    Args:
        frame: What all pages share.
        inputs: Digest of what the page is made from.
        suite: Its standings.
        table: Shard of its main task.
        ranked, curves: Rank sets and ROC curves of its main task.
        overall: The ranks over all its tasks (`SuiteFile`); None where none were computed.
        signatures: Model -> signature.
    """
    notes = Notes()
    main = suite.main
    shown = _shown(frame, "", main, table, ranked, curves, notes, suite)
    return _render(
        "suite.html.j2",
        frame,
        inputs,
        f"{suite.key}.html",
        suite=suite,
        shown=shown,
        notes=notes,
        overall=_overall(frame, overall, notes) if overall is not None else None,
        heats=_heats(suite, notes),
        transfer=_transfer(suite, signatures, notes),
        latency=_latency(main, table, signatures, notes),
        makers=_makers(suite, signatures),
        tasks=_tasks(suite, notes),
        most=MOST,
    )


def task_page(
    frame: Frame,
    inputs: str,
    stem: str,
    standings: Sequence[tuple[Standing, Suite]],
    *,
    table: pa.Table,
    ranks: Sequence[RankFile],
    curves: Sequence[CurveFile],
) -> str:
    """All that is said of one task, its tracks apart.

    Args:
        frame: What all pages share.
        inputs: Digest of what the page is made from.
        stem: Name of the task's shard.
        standings: Of this task, each with the suite that it belongs to.
        table: The shard.
        ranks, curves: Rank sets and ROC curves of this task.
    """
    notes = Notes()
    shown = []
    for standing, suite in standings:
        ranked = next((r for r in ranks if _fits(r, standing)), None)
        drawn = next((c for c in curves if _fits(c, standing)), None)
        shown.append(_shown(frame, "../", standing, table, ranked, drawn, notes, suite))
    return _render("task.html.j2", frame, inputs, f"tasks/{stem}.html", stem=stem, shown=shown, notes=notes, most=MOST)


def _fits(document: RankFile | CurveFile, standing: Standing) -> bool:
    data = [variant["corpora"] for variant in standing.facts["data"]]
    return document.track == standing.track and document.corpora in data


def _shown(
    frame: Frame,
    root: str,
    standing: Standing,
    table: pa.Table,
    ranked: RankFile | None,
    curves: CurveFile | None,
    notes: Notes,
    suite: Suite,
) -> Shown:
    key, is_task_page = f"{suite.key}-", bool(root)
    grid = Grid(table, standing.models)
    files = {file["model"]: file for file in index.files_of(table)}
    first = next((files[m] for m in standing.models if m in files), {})
    linked, names = _names(frame, root, standing.models), _names(None, root, standing.models)
    return Shown(
        standing=standing,
        title=suite.track_title if suite.is_simulated else f"{suite.track_title}: {suite.body}",
        honesty=suite.honesty,
        suite_page=f"{root}{suite.key}.html",
        headline=headline(standing),
        table=(_task_standing if is_task_page else _suite_standing)(key, standing, suite, grid, linked, notes),
        untold=untold(standing, ranked),
        pairs=_pairs(key, standing, ranked),
        chart=_chart(key, standing, curves),
        slices=_slices(key, standing, table, notes),
        pfa=_false_alarms(key, standing, grid, names, notes),
        digests=_digests(key, standing, files, names) if is_task_page else _measures(key, standing, grid, names, notes),
        assumptions=_assumptions(first),
    )


def headline(standing: Standing) -> str:
    """One sentence: who leads, and whether that can be told."""
    bands = standing.bands()
    value, low, high = (float(v[0]) for v in (standing.pd.value, standing.pd.low, standing.pd.high))
    told = f"{text.number(value)} {text.interval(low, high)}".strip()
    where = f"at pfa {standing.at:g}"
    if len(standing.models) == 1:
        return f"One model, {standing.models[0]}, with pd {told} {where}. There is nothing to rank."
    if not bands:
        return f"{len(standing.models)} models. No rank sets were computed, so no order is claimed."
    leaders = bands[0][1]
    if len(leaders) == len(standing.models):
        return f"The data cannot order the {len(leaders)} models in one row; they share one band."
    if len(leaders) == 1:
        return f"{leaders[0]} leads with pd {told} {where}, and the data show it."
    return (
        f"{_some(leaders)} share the first band. The highest pd is {told} {where}; the data do not settle their order."
    )


def untold(standing: Standing, ranked: RankFile | None) -> list[str]:
    """Sentences: how many pairs the data leave open, and the smallest difference that they can show."""
    if len(standing.models) < 2:
        return ["One model: there is nothing to compare."]
    if ranked is None:
        return [f"No rank sets were computed, so no order among these {len(standing.models)} models is claimed at all."]
    told = [_open_pairs(standing, ranked.pairs)]
    if best := ranked.best:
        among = "among " if len(best) > 1 else ""
        every = len(best) == len(standing.models)
        told.append(
            "Any of them may be the best: none is excluded with 95 % confidence."
            if every
            else f"The best model is {among}{_some(best)}, with 95 % confidence: every other is excluded."
        )
    if ties := ranked.ties:
        groups = "; ".join(_some(group) for group in ties[:8])
        more = f"; and {len(ties) - 8} more groups" if len(ties) > 8 else ""
        told.append(f"Groups in which no two models can be ordered: {groups}{more}.")
    return [*told, detectable(standing)]


def _open_pairs(standing: Standing, pairs: Sequence[PairRow]) -> str:
    still_open = sorted((p for p in pairs if not is_told_apart(p)), key=lambda p: (-p.p_holm, p.a, p.b))
    if not pairs:
        return "No pairwise comparison was computed."
    n = len(standing.models)
    of = f"{len(pairs)} pairs" if len(pairs) == n * (n - 1) // 2 else f"{len(pairs)} compared pairs"
    if not still_open:
        return f"All {of} of models are told apart."
    verb = "is" if len(still_open) == 1 else "are"
    named = "; ".join(f"{pair.a} and {pair.b}" for pair in still_open[:8])
    more = f"; and {len(still_open) - 8} more" if len(still_open) > 8 else ""
    return f"{len(still_open)} of {of} {verb} not told apart: {named}{more}."


def detectable(standing: Standing) -> str:
    """The smallest difference that a task can show."""
    least = standing.facts.get("least")
    if least is None:
        return "The smallest difference that this task can show was not computed."
    how = standing.facts.get("least_method", "")
    holm = standing.facts.get("least_holm")
    strict = f"; with all pairs told together, that takes {text.number(holm)}" if holm is not None else ""
    return (
        f"With {standing.n_threats} threat items, a true difference in pd of {text.number(least)} is shown in 80 of 100 "
        f"repetitions{f' ({how})' if how else ''}; a smaller one less often{strict}."
    )


def _short_standing(frame: Frame, suite: Suite, notes: Notes) -> Table:
    main = suite.main
    top = range(min(_MOST_OVERVIEW, len(main.models)))
    pd = main.pd.of(list(top))
    columns = [
        cells.ranks(main.rank_low[: len(top)], main.rank_high[: len(top)], main.band[: len(top)], notes),
        _names(frame, "", main.models[: len(top)]),
        cells.numbers(pd, notes, best=main.is_best[: len(top)]),
    ]
    heads = [
        Head("Ranks, band", is_left=True),
        Head("Model", is_left=True),
        Head("pd [95 % interval]"),
    ]
    return Table(f"{suite.key}-top", f"Standing of {suite.title}", heads, [("", cells.rows(columns))], css="wide plain")


def _standing_heads(standing: Standing, low: float, high: float) -> list[Head]:
    return [
        Head("Ranks, band", is_left=True, is_rising=True),
        Head("Model", is_left=True, is_rising=True),
        Head(f"pd at pfa {standing.at:g}", f"n = {standing.n_threats}; drawn from {low:g} to {high:g}"),
        Head("Achieved pfa", f"n = {standing.n_benign}", is_rising=True),
    ]


def _standing_columns(standing: Standing, names: list[str], notes: Notes) -> tuple[list[list[str]], list[Head]]:
    low, high = cells.axis_of(standing.pd)
    columns = [
        cells.ranks(standing.rank_low.tolist(), standing.rank_high.tolist(), standing.band.tolist(), notes),
        names,
        cells.whiskers(standing.pd, notes, low, high, standing.is_best),
        cells.numbers(standing.pfa, notes),
    ]
    return columns, _standing_heads(standing, low, high)


def _suite_standing(key: str, standing: Standing, suite: Suite, grid: Grid, names: list[str], notes: Notes) -> Table:
    columns, heads = _standing_columns(standing, names, notes)
    above = [("", len(heads))]
    for axis, title in (("concealment", "pd by concealment, any threat"), ("threat", "pd by threat, any concealment")):
        others = suite.along(axis)
        above += [(title, len(others))] if others else []
        for other in others:
            places = [other.place.get(model, -1) for model in standing.models]
            may_be = other.is_best
            best = [place >= 0 and may_be[place] for place in places]
            columns.append(cells.numbers(other.pd.of(places), notes, best=best))
            heads.append(Head(text.term(getattr(other.task, axis)), f"n = {other.n_threats}"))
    return _banded(f"{key}standing", standing, columns, heads, above if len(above) > 1 else ())


def _task_standing(key: str, standing: Standing, suite: Suite, grid: Grid, names: list[str], notes: Notes) -> Table:
    columns, heads = _standing_columns(standing, names, notes)
    for metric, point in _other_measures(standing, grid):
        column = grid.column(metric, point)
        columns.append(cells.numbers(column, notes))
        heads.append(Head(text.metric_label(metric, point), is_rising=metric in _LOWER_IS_BETTER))
    return _banded(f"{key}standing", standing, columns, heads, ())


def _banded(
    key: str, standing: Standing, columns: list[list[str]], heads: list[Head], above: Sequence[tuple[str, int]]
) -> Table:
    level = f"{100 * standing.facts.get('level', 0.95):g} %"
    caption = (
        f"Ranks are sets: every rank that the data allow, for all models at once with {level} confidence. Within a band "
        f"no order is claimed. Bold: may be the best of its column, by the confidence set of the best."
    )
    bands = standing.band.tolist()
    marks = ["newband" if i and bands[i] != bands[i - 1] else "" for i in range(len(bands))]
    return Table(key, caption, heads, [("", cells.rows(columns, marks))], "wide sortable filtered", above)


def _other_measures(standing: Standing, grid: Grid) -> list[tuple[str, float | None]]:
    order = ("pd", "localisation_hit_rate", "auroc", "partial_auc", "average_precision", "coco_ap", "coco_ap50")
    found = {
        (metric, at)
        for metric, at, axis, _ in grid.keys
        if not axis and metric != "pfa" and not text.is_milliseconds(metric)
    } - {(MAIN_METRIC, standing.at)}
    told = [one for one in found if not grid.column(*one).is_empty]
    return sorted(told, key=lambda m: (order.index(m[0]) if m[0] in order else len(order), m[0], -(m[1] or 0)))


def _measures(key: str, standing: Standing, grid: Grid, names: list[str], notes: Notes) -> Table:
    chosen = list(range(min(MOST, len(names))))
    heads = [Head("Model", is_left=True, is_rising=True)]
    columns = [names[: len(chosen)]]
    for metric, point in _other_measures(standing, grid):
        heads.append(Head(text.metric_label(metric, point), is_rising=metric in _LOWER_IS_BETTER))
        columns.append(cells.numbers(grid.column(metric, point).of(chosen), notes))
    return Table(f"{key}measures", "Other measures by model", heads, [("", cells.rows(columns))], "wide sortable")


def _pairs(key: str, standing: Standing, ranked: RankFile | None) -> Table:
    among = set(standing.models[:_MOST_PAIRED])
    pairs = [p for p in ranked.pairs if p.a in among and p.b in among] if ranked else []
    if ranked and not pairs:
        pairs = ranked.pairs[: _MOST_PAIRED**2 // 2]
    pairs = sorted(pairs, key=lambda p: (p.p_holm, -abs(p.difference), p.a, p.b))
    with_counts = any(p.only_a is not None for p in pairs)
    heads = [
        Head("First model", is_left=True),
        Head("Second model", is_left=True),
        Head("Difference in pd"),
        Head("95 % interval"),
        Head("p, Holm", is_rising=True),
        Head("Told apart?", is_left=True),
    ]
    if with_counts:
        heads += [Head("Found by first only"), Head("Found by second only"), Head("p, exact McNemar", is_rising=True)]
    body = "\n".join(_pair_row(pair, with_counts) for pair in pairs)
    said = "Every pair" if len(standing.models) <= _MOST_PAIRED else f"Pairs among the first {len(among)} models"
    if len(pairs) < len(among) * (len(among) - 1) // 2:
        said += " that are neighbours in rank"
    caption = (
        f"{said}, on the same items. p is adjusted by Holm over all pairs, which is stricter than the rank sets: near the "
        f"limit a pair may be ordered there and not told apart here. Rank sets: {ranked.method if ranked else 'none'}."
    )
    return Table(f"{key}pairs", caption, heads, [("", body)], "sortable pairs")


def _pair_row(pair: PairRow, with_counts: bool) -> str:
    interval = f"[{text.difference(pair.low)}, {text.difference(pair.high)}]"
    if math.isnan(pair.low) or math.isnan(pair.high):
        interval = '<abbr title="no interval was computed">n/a</abbr>'
    p = text.p_value(pair.p_holm)
    p = '<abbr title="no test was computed">n/a</abbr>' if p == text.NOT_AVAILABLE else escape(p)
    counts = ""
    if with_counts:
        told, mcnemar = (pair.only_a, pair.only_b), pair.p_mcnemar
        why = '<abbr title="an item gives several rows">n/a</abbr>'
        counts = "".join(f"<td>{why if one is None else one}</td>" for one in told)
        counts += f"<td>{why if mcnemar is None else escape(text.p_value(mcnemar))}</td>"
    return (
        f"<tr><td>{escape(pair.a)}</td><td>{escape(pair.b)}</td>"
        f"<td>{text.difference(pair.difference)}</td><td>{interval}</td><td>{p}</td>"
        f"<td>{'<b>yes</b>' if is_told_apart(pair) else 'no'}</td>{counts}</tr>"
    )


def _chart(key: str, standing: Standing, curves: CurveFile | None) -> Chart | None:
    if curves is None:
        return None
    known = {curve.model for curve in curves.curves}
    models = [model for model in standing.models if model in known][: svg.N_CURVES]
    points = standing.task.pfa_points
    drawn = (Markup(svg.roc(curves, models, points)), Markup(svg.det(curves, models, points)))
    return Chart(f"{key}curves", *drawn, models, len(known), curves.method)


def _slices(key: str, standing: Standing, table: pa.Table, notes: Notes) -> Table:
    models = standing.models[:MOST]
    grid = Grid(table, models)
    pairs = grid.slices(standing.task.slices)
    columns = {pair: grid.column(MAIN_METRIC, standing.at, *pair) for pair in pairs}
    worst = _worst(columns, len(models))
    groups: list[tuple[str, str]] = []
    for axis in dict.fromkeys(axis for axis, _ in pairs):
        lines = [_slice_row(pair, columns[pair], worst, notes) for pair in pairs if pair[0] == axis]
        groups.append((f"pd by {axis}", "\n".join(lines)))
    classes = {(m, at, axis, value) for m, at, axis, value in grid.keys if axis and m not in (MAIN_METRIC, "pfa")}
    for metric, axis in sorted({(m, axis) for m, _, axis, _ in classes}):
        told = sorted((v, at) for m, at, a, v in classes if (m, a) == (metric, axis))
        lines = [_slice_row((axis, v), grid.column(metric, at, axis, v), [], notes) for v, at in told]
        groups.append((f"{text.metric_label(metric)} by {axis}", "\n".join(lines)))
    heads = [Head("Slice", is_left=True), *(Head(model) for model in models)]
    return Table(f"{key}slices", "Numbers by slice and model", heads, groups, "tall")


def _slice_row(pair: tuple[str, str], column: Column, worst: Sequence[tuple[str, str] | None], notes: Notes) -> str:
    is_worst = [bool(worst) and worst[i] == pair for i in range(len(column.value))]
    marks, classes = [[said if w else "" for w in is_worst] for said in (" ▼ worst", "worst")]
    told = "".join(cells.numbers(column, notes, classes=classes, marks=marks))
    n = int(column.n.max(initial=0))
    return f'<tr><th scope="row">{escape(text.term(pair[1]))}<small>n = {n}</small></th>{told}</tr>'


def _worst(columns: Mapping[tuple[str, str], Column], n_models: int) -> list[tuple[str, str] | None]:
    """For each model the slice in which it finds least; None where fewer than two slices have a number."""
    found: list[tuple[str, str] | None] = []
    for i in range(n_models):
        known = {pair: float(c.value[i]) for pair, c in columns.items() if not math.isnan(c.value[i])}
        found.append(min(known, key=lambda pair: known[pair]) if len(known) > 1 else None)
    return found


def _false_alarms(key: str, standing: Standing, grid: Grid, names: list[str], notes: Notes) -> Table:
    heads = [Head("Model", is_left=True, is_rising=True)]
    columns = [names]
    asked: list[tuple[str, float, str, str]] = [("all", point, "", "") for point in standing.task.pfa_points]
    for axis in ("sensor", "site"):
        values = sorted({v for metric, _, a, v in grid.keys if (metric, a) == ("pfa", axis)})
        asked += [(f"{axis} {value}", standing.at, axis, value) for value in values]
    for label, point, axis, value in asked:
        column = grid.column("pfa", point, axis, value)
        heads.append(Head(label, f"target {point:g}"))
        columns.append(cells.numbers(column, notes, marks=cells.held(column, point)))
    return Table(
        f"{key}pfa", "Achieved pfa by model, sensor and site", heads, [("", cells.rows(columns))], "sortable filtered"
    )


def _digests(key: str, standing: Standing, files: Mapping[str, dict[str, Any]], names: list[str]) -> Table:
    told = [files[model] for model in standing.models]
    heads = [Head("Model", is_left=True, is_rising=True)]
    columns = [names]
    for name, label in (
        ("result_digest", "Result file"),
        ("predictions_digest", "Predictions"),
        ("code_digest", "Code"),
    ):
        heads.append(Head(label, is_left=True))
        columns.append([f"<td>{cells.plain(file[name] or 'not stated')}</td>" for file in told])
    for name, label in (
        ("profile", "Profile"),
        ("seed", "Seed"),
        ("n_replicates", "Replicates"),
        ("version", "xraybench"),
    ):
        heads.append(Head(label))
        columns.append([f"<td>{cells.plain(str(file[name]))}</td>" for file in told])
    caption = (
        "What each number was computed from, and with what: digests of the result file, the predictions and the code."
    )
    return Table(f"{key}digests", caption, heads, [("", cells.rows(columns))], "wide sortable filtered digests")


def _assumptions(file: Mapping[str, Any]) -> str:
    told = json.loads(file.get("assumptions") or "{}")
    return ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in told.items())


def _overall(frame: Frame, overall: SuiteFile, notes: Notes) -> Table:
    """The ranks over all tasks of a suite."""
    rows = list(overall.rows)
    missing = {False: "", True: "no number over all tasks"}
    value, low, high = (np.asarray([getattr(row, name) for row in rows], dtype=np.float64) for name in _INTERVAL)
    reasons = [row.reason or missing[math.isnan(row.value)] for row in rows]
    counted = np.asarray([row.n_tasks for row in rows], dtype=np.int64)
    column = Column(overall.metric, value, low, high, counted, reasons)
    columns = [
        [
            f'<td class="left ranks">{text.ranks(r.rank_low, r.rank_high)}</td>'
            if r.rank_low and r.rank_high
            else notes.cell(r.reason or "no rank sets were computed")
            for r in rows
        ],
        _names(frame, "", [row.model for row in rows]),
        cells.numbers(column, notes, best=[row.model in overall.best for row in rows]),
        [f"<td>{row.n_tasks}</td>" for row in rows],
        [f"<td>{row.n_missing}</td>" for row in rows],
    ]
    heads = [
        Head("Ranks", is_left=True, is_rising=True),
        Head("Model", is_left=True, is_rising=True),
        Head(f"Mean {text.metric_label(overall.metric, overall.at)}"),
        Head("Tasks counted"),
        Head("Of these missing", is_rising=True),
    ]
    sentences = (overall.policy_text, overall.method, "Bold: may be the best")
    told = " ".join(f"{said[:1].upper()}{said[1:].rstrip('.')}." for said in sentences)
    n, n_counted = len(overall.tasks), sum(overall.counts)
    some = f"{n_counted} of " if n_counted < n else ""
    rest = "; the data hold too few threats for the others" if n_counted < n else ""
    caption = f"Mean over {some}{n} declared tasks{rest}. {told}"
    return Table(
        f"{overall.vector}-{overall.track}-overall",
        caption,
        heads,
        [("", cells.rows(columns))],
        "wide sortable filtered",
    )


def _heats(suite: Suite, notes: Notes) -> list[Table]:
    """For each of the first models, pd over threat and concealment, a body a sensor."""
    models = suite.main.models[:MOST]
    threats, concealments = suite.values("threat"), suite.values("concealment")
    drawn: dict[tuple[str, str, str], list[str]] = {}
    for axes, standing in suite.newest.items():
        drawn[axes] = cells.heats(standing.pd.of([standing.place.get(m, -1) for m in models]), notes)
    empty = ""
    tables = []
    for i, model in enumerate(models):
        groups = []
        for sensor in suite.values("sensor"):
            lines = []
            for threat in threats:
                row = [drawn.get((threat, concealment, sensor)) for concealment in concealments]
                if any(row):
                    empty = empty or (notes.cell(_NO_TASK) if not all(row) else "")
                    told = "".join(cell[i] if cell else empty or notes.cell(_NO_TASK) for cell in row)
                    lines.append(f'<tr><th scope="row">{escape(_any(threat, "threat"))}</th>{told}</tr>')
            groups.append((_any(sensor, "sensor"), "\n".join(lines)))
        heads = [Head("Threat", is_left=True), *(Head(_any(c, "concealment")) for c in concealments)]
        tables.append(Table(model, model, heads, groups, "heat"))
    return tables


def _any(value: str, axis: str) -> str:
    return f"any {axis}" if value == ANY else text.term(value)


def _transfer(suite: Suite, signatures: Mapping[str, ModelSignature], notes: Notes) -> Table:
    """pd by training sensors and test sensor, a row a model, models of the same training sensors together."""
    main = suite.main
    models = main.models[:MOST]
    trained = {model: trained_on(signatures.get(model)) for model in models}
    ordered = sorted(models, key=lambda m: (len(trained[m]) == 0, len(trained[m]), trained[m], main.place[m]))
    columns = [
        _names(None, "", ordered),
        cells.words([" + ".join(trained[m]) or "not stated" for m in ordered]),
    ]
    heads = [Head("Model", is_left=True), Head("Trained on", is_left=True)]
    for sensor in suite.sensors:
        tested = suite.newest.get((main.task.threat, main.task.concealment, sensor))
        own = ["own" if sensor in trained[m] else "" for m in ordered]
        column = (
            tested.pd.of([tested.place.get(m, -1) for m in ordered])
            if tested
            else nothing(MAIN_METRIC, len(ordered), _NO_TASK)
        )
        columns.append(cells.heats(column, notes, own))
        heads.append(Head(f"tested on {sensor}"))
    body = [("", cells.rows(columns))] if len(suite.sensors) > 1 else []
    return Table(f"{suite.key}-transfer", "pd by training sensors and test sensor", heads, body, "heat transfer")


def _latency(main: Standing, table: pa.Table, signatures: Mapping[str, ModelSignature], notes: Notes) -> Table:
    grid = Grid(table, main.models)
    p50, p95 = (grid.column(name, None) for name in ("latency_p50_ms", "latency_p95_ms"))
    columns = [
        _names(None, "", main.models),
        cells.words([device_of(signatures.get(m)) or "device not stated" for m in main.models]),
        _milliseconds(p50, notes),
        _milliseconds(p95, notes),
        [f"<td>{n}</td>" for n in p50.n.tolist()],
    ]
    heads = [
        Head("Model", is_left=True, is_rising=True),
        Head("Measured on", is_left=True, is_picked=True),
        Head("Median, ms", is_rising=True),
        Head("95th percentile, ms", is_rising=True),
        Head("Scans timed"),
    ]
    return Table(
        f"{main.body}-{main.track}-latency", "Latency by model", heads, [("", cells.rows(columns))], "sortable filtered"
    )


def _milliseconds(column: Column, notes: Notes) -> list[str]:
    """Times, written by their size."""
    metric = column.metric
    return [
        notes.cell(reason)
        if math.isnan(value)
        else f"<td>{text.number(value, metric)}<small>{text.interval(low, high, metric)}</small></td>"
        for value, low, high, reason in zip(
            column.value.tolist(), column.low.tolist(), column.high.tolist(), column.reasons, strict=True
        )
    ]


def _makers(suite: Suite, signatures: Mapping[str, ModelSignature]) -> Table:
    """What each model is, as its signature tells."""
    models = suite.models
    told = [signatures.get(model) for model in models]
    columns = [
        _names(None, "", models),
        cells.words([s.architecture if s else "no signature" for s in told]),
        cells.words([s.adapter if s else "no signature" for s in told]),
        [f"<td>{f'{s.n_parameters:,}' if s and s.n_parameters else 'not stated'}</td>" for s in told],
        cells.words([" + ".join(trained_on(s)) or "not stated" for s in told]),
        cells.words([(s.weights_digest if s else "") or "not stated" for s in told], "left digest"),
    ]
    heads = [
        Head("Model", is_left=True, is_rising=True),
        Head("Architecture", is_left=True, is_picked=True),
        Head("Adapter", is_left=True, is_picked=True),
        Head("Parameters"),
        Head("Trained on", is_left=True, is_picked=True),
        Head("Digest of weights", is_left=True),
    ]
    return Table(
        f"{suite.key}-models",
        "The models, as their signatures tell",
        heads,
        [("", cells.rows(columns))],
        "wide sortable filtered",
    )


def _tasks(suite: Suite, notes: Notes) -> Table:
    """Every task: what it can show, and who leads."""
    lines = [_task_row(standing, notes) for standing in suite.standings]
    heads = [
        Head("Task", is_left=True, is_rising=True),
        Head("Threat", is_left=True, is_picked=True, is_rising=True),
        Head("Concealment", is_left=True, is_picked=True, is_rising=True),
        Head("Sensor", is_left=True, is_picked=True, is_rising=True),
        Head("Threats"),
        Head("Benign"),
        Head("Smallest difference it shows", is_rising=True),
        Head("Pairs told apart"),
        Head("First band", is_left=True),
        Head("Highest pd"),
    ]
    return Table(
        f"{suite.key}-tasks", "Every task of the suite", heads, [("", "\n".join(lines))], "wide sortable filtered"
    )


def _task_row(standing: Standing, notes: Notes) -> str:
    task, facts = standing.task, standing.facts
    least = facts.get("least")
    bands = standing.bands()
    why = (
        "one model: nothing to rank"
        if len(standing.models) < 2
        else "no rank sets were computed for this task and track"
    )
    pairs, n_open = facts.get("n_pairs", 0), facts.get("n_open", 0)
    is_all = pairs == len(standing.models) * (len(standing.models) - 1) // 2
    return (
        f'<tr><th scope="row"><a href="tasks/{escape(standing.stem)}.html"><code>{escape(task.id)}</code></a></th>'
        f'<td class="left">{escape(text.term(task.threat))}</td><td class="left">{escape(text.term(task.concealment))}</td>'
        f'<td class="left">{escape(task.sensor)}</td><td>{standing.n_threats}</td><td>{standing.n_benign}</td>'
        + (f"<td>{text.number(least)}</td>" if least is not None else notes.cell("not computed for this task"))
        + (f"<td>{pairs - n_open} of {pairs}{'' if is_all else ' neighbours'}</td>" if pairs else notes.cell(why))
        + (f'<td class="left wrapped">{escape(_some(bands[0][1], 3))}</td>' if bands else notes.cell(why))
        + cells.numbers(standing.pd.of([_highest(standing)]), notes)[0]
        + "</tr>"
    )


def _highest(standing: Standing) -> int:
    """Place of the model with the highest pd; the first where none has one."""
    values = [-math.inf if math.isnan(v) else v for v in standing.pd.value.tolist()]
    return values.index(max(values))


def _names(frame: Frame | None, root: str, models: Sequence[str]) -> list[str]:
    """Row heads with the models' names, linked to their cards where a frame says where those are."""
    where = f"{root}{frame.cards}" if frame and frame.cards else ""
    return [_name(where, model) for model in models]


@lru_cache(maxsize=10_000)
def _name(where: str, model: str) -> str:
    told = escape(model)
    return f'<th scope="row"><a href="{where}/{told}.html">{told}</a></th>' if where else f'<th scope="row">{told}</th>'


def _some(names: Sequence[str], most: int = 8) -> str:
    """`a, b and c`, cut where there are many."""
    if len(names) <= most:
        return text.listed(list(names))
    return f"{', '.join(names[:most])} and {len(names) - most} more"


def _render(template: str, frame: Frame, inputs: str, here: str, **given: Any) -> str:
    page = _environment().get_template(template)
    return page.render(frame=frame, inputs=inputs, here=here, root="../" * here.count("/"), **given)


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    colours = "".join(f".h{i}{{background:{back};color:{ink}}}" for i, (back, ink) in enumerate(shades()))
    environment.filters |= {"term": text.term, "raw": Markup, "short": text.short}
    environment.globals |= {
        "style": Markup(_squeezed("style.css") + colours),
        "script": Markup(_squeezed("page.js")),
        "version": __version__,
        "n_shades": N_SHADES,
    }
    return environment


def _squeezed(name: str) -> str:
    """A file of the site without indents and lines of comment: it stands in every page."""
    lines = (line.strip() for line in (TEMPLATES / name).read_text(encoding="utf-8").splitlines())
    kept = "\n".join(line for line in lines if line and not line.startswith("//"))
    return re.sub(r"\s*([{};,])\s*|(?<=:) ", r"\1", kept) if name.endswith(".css") else kept
