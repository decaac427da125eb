"""The leaderboard: from files of results to a static site. The same input gives the same bytes.

`build` writes the site, `check` makes it again in memory and tells which file differs. Pages are complete without script,
ask for nothing from any network, and open from the file system.
"""

import csv
import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from xraybench import __version__
from xraybench.core import digest
from xraybench.core.documents import ModelSignature, ResultFile, read_document, write_bytes
from xraybench.core.errors import BadFile, CheckFailed
from xraybench.core.task import Task
from xraybench.core.vocabulary import ANY
from xraybench.report import plots, text
from xraybench.report.board import Board, Entry, Number, Track, boards, is_told_apart, term_order
from xraybench.report.colours import N_SHADES, shade_index, shades
from xraybench.report.results import (
    FRAME_COLUMNS,
    PairRow,
    RankFile,
    flat_rows,
    load_curves,
    load_ranks,
    load_results,
    n_any,
)

TEMPLATES = Path(__file__).parent / "templates" / "board"
RESULTS, MODELS, SITE = "results", "models", "site"
SITE_FILE = "site.json"
CARDS = "../../model_cards"  # from leaderboards/site
_WHISKER_WIDTH = 120  # of its axis, in its own units


@dataclass(frozen=True)
class Page:
    """One page of boards: a simulated suite, or all imported data."""

    file: str
    name: str
    boards: tuple[Board, ...] = ()


@dataclass
class Notes:
    """The reasons for undefined values on one page, in order of first appearance."""

    reasons: list[str] = field(default_factory=list)

    def mark(self, reason: str) -> int:
        """Number of this reason, from 1."""
        if reason not in self.reasons:
            self.reasons.append(reason)
        return self.reasons.index(reason) + 1


def build(board: Path, *, cards: str = CARDS) -> Path:
    """Write the site of a board folder and return its front page. What an earlier build made and this one not goes.

    Args:
        board: Folder with `results/` (rank sets and curves beside them) and `models/` (signatures); gets `site/`.
        cards: Address of the folder of model cards, relative to the site; empty for no links.

    Raises:
        BadFile: An input is broken, or the results do not make a board; all faults are named.
    """
    site = board / SITE
    files = render_site(board, cards=cards)
    outdated = set(_recorded(site).get("files", {})) - set(files)
    for name, content in files.items():
        write_bytes(site / name, content)
    for name in outdated:
        (site / Path(name).name).unlink(missing_ok=True)
    return site / "index.html"


def check(board: Path, *, cards: str = CARDS) -> str:
    """Make the site again in memory, compare its bytes with what lies there, and say that they are equal.

    Raises:
        CheckFailed: Naming each file that differs, is missing or does not belong, and whether another version of
            xraybench, matplotlib or jinja2 made the site.
        BadFile: An input is broken.
    """
    site = board / SITE
    wanted = render_site(board, cards=cards)
    there = {p.relative_to(site).as_posix(): p for p in sorted(site.rglob("*")) if p.is_file()} if site.is_dir() else {}
    faults = [f"{name}: missing" for name in wanted if name not in there]
    faults += [
        f"{name}: differs ({_first_difference(there[name].read_bytes(), content)})"
        for name, content in wanted.items()
        if name in there and there[name].read_bytes() != content
    ]
    faults += [f"{name}: does not belong to the site" for name in there if name not in wanted]
    if not faults:
        return f"{site}: {len(wanted)} files, byte for byte the product of {board / RESULTS}"
    recorded, current = _recorded(site), json.loads(wanted[SITE_FILE])
    for package, version in current["versions"].items():
        made_with = recorded.get("versions", {}).get(package)
        if made_with and made_with != version:
            faults.append(f"the site was made with {package} {made_with}, this is {version}")
    if recorded.get("input_digest") not in (None, current["input_digest"]):
        faults.append("the results have changed since the site was made")
    told = "\n  ".join(faults)
    raise CheckFailed(f"{site}: not the product of {board / RESULTS}\n  {told}\nRun: xraybench leaderboard build")


def render_site(board: Path, *, cards: str = CARDS) -> dict[str, bytes]:
    """File name -> bytes of the whole site: a pure function of the files of a board folder."""
    results, models = board / RESULTS, board / MODELS
    result_files = load_results(results)
    if not result_files:
        raise BadFile(f"{results}: holds no result file. `xraybench bench` and `xraybench evaluate` write some.")
    rank_files = load_ranks(results)
    names = sorted({file.model for file in result_files})
    found = boards(
        result_files,
        rank_files=rank_files,
        curve_files=load_curves(results),
        signatures=read_signatures(models, names),
        cards={name: f"{cards}/{name}.html" for name in names} if cards else {},
    )
    input_digest = digest.of_json([digest.of_tree(results, (".json",)), digest.of_tree(models, (".json",)), cards])
    files = {name: page.encode() for name, page in render_pages(found, input_digest).items()}
    files["results.csv"] = render_csv(result_files).encode()
    files["results.json"] = render_json(result_files, rank_files).encode()
    files[SITE_FILE] = _site_json(files, input_digest).encode()
    return files


def read_signatures(folder: Path, names: Sequence[str]) -> dict[str, ModelSignature]:
    """Model -> signature for those models that have one.

    Raises:
        BadFile: A signature is broken or names another model; all such files are named.
    """
    signatures: dict[str, ModelSignature] = {}
    faults: list[str] = []
    for name in names:
        path = folder / f"{name}.json"
        if not path.exists():
            continue
        try:
            signature = read_document(path, ModelSignature)
        except BadFile as error:
            faults.append(str(error))
            continue
        if signature.name != name:
            faults.append(f"{path}: the file says '{signature.name}', its name says '{name}'")
        signatures[name] = signature
    if faults:
        raise BadFile("\n".join(faults))
    return signatures


def pages_of(found: Sequence[Board]) -> list[Page]:
    """One page for each simulated suite, and one for all imported data."""
    pages = [Page(f"{board.key}.html", board.title, (board,)) for board in found if board.is_simulated]
    real = tuple(board for board in found if not board.is_simulated)
    return pages + ([Page("imported.html", "Imported real data", real)] if real else [])


def render_pages(found: Sequence[Board], input_digest: str) -> dict[str, str]:
    """File name -> HTML of every page."""
    environment = _environment()
    pages = pages_of(found)
    frame = {
        "pages": [Page("index.html", "Overview"), *pages],
        "style": Markup(_read("style.css")),
        "shades": Markup("".join(f".h{i}{{background:{b};color:{i_}}}" for i, (b, i_) in enumerate(shades())) + "\n"),
        "script": Markup(_read("page.js")),
        "version": __version__,
        "input_digest": input_digest,
        "n_shades": N_SHADES,
    }
    overview = environment.get_template("index.html.j2").render(
        **frame,
        here="index.html",
        boards=found,
        notes=Notes(),
        n_models=len({model for board in found for model in board.models}),
        n_tasks=sum(len(board.tasks) for board in found),
        page_of=lambda board: next(page.file for page in pages if board in page.boards),
    )
    suite = environment.get_template("board.html.j2")
    rendered = {page.file: suite.render(**frame, here=page.file, page=page, notes=Notes()) for page in pages}
    return {"index.html": overview, **rendered}


def render_csv(result_files: Sequence[ResultFile]) -> str:
    """Every number of these files as CSV: the columns of `results.FRAME_COLUMNS`, an empty cell where undefined."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(FRAME_COLUMNS)
    for file in result_files:
        writer.writerows([_csv_cell(cell) for cell in row] for row in flat_rows(file))
    return buffer.getvalue()


def render_json(result_files: Sequence[ResultFile], rank_files: Sequence[RankFile]) -> str:
    """The result files and rank sets as one JSON object, a line a file."""
    results = ",\n".join(file.model_dump_json(exclude_defaults=True) for file in result_files)
    ranked = ",\n".join(file.model_dump_json(exclude_defaults=True, exclude={"pairs"}) for file in rank_files)
    return f'{{"schema_id": "xraybench.board/1",\n"results": [\n{results}\n],\n"ranks": [\n{ranked}\n]}}\n'


def headline(board: Board, track: Track) -> str:
    """One sentence: who leads, and whether that can be told."""
    at = board.main.pfa_points[0]
    where = f"{track.name.capitalize()} track"
    bands = track.bands()
    first = track.number(track.entries[0], board.main)
    told = f"{text.number(first.value)} {text.interval(first.low, first.high)}".strip()
    if len(track.entries) == 1:
        return f"{where}: one model, {track.entries[0].model}, with pd {told} at pfa {at:g}. There is nothing to rank."
    if not bands:
        return f"{where}: {len(track.entries)} models. No rank sets were computed, so no order is claimed."
    leaders = bands[0][1]
    if len(leaders) == len(track.entries):
        return f"{where}: the data cannot order any of the {len(leaders)} models in one row; they share one band."
    if len(leaders) == 1:
        return f"{where}: {leaders[0]} leads with pd {told} at pfa {at:g}, and the data show it."
    return (
        f"{where}: {text.listed(leaders)} share the first band. The highest pd is {told} at pfa {at:g}; "
        "the data do not settle their order."
    )


def untold(track: Track) -> str:
    """How many pairs the data leave open."""
    pairs, still_open = track.pairs(), track.untold()
    if not pairs:
        return "No pairwise comparison was computed."
    if not still_open:
        return f"All {len(pairs)} pairs of models are told apart."
    verb = "is" if len(still_open) == 1 else "are"
    named = "; ".join(f"{pair.a} and {pair.b}" for pair in reversed(still_open[-8:]))
    more = f"; and {len(still_open) - 8} more below" if len(still_open) > 8 else ""
    return f"{len(still_open)} of {len(pairs)} pairs {verb} not told apart: {named}{more}."


def unranked(board: Board, track: Track) -> str:
    """Which columns of the standing carry no rank sets, so that none of their numbers can be bold."""
    columns = [board.main, *board.along("concealment"), *board.along("threat")]
    missing = [task.id for task in columns if task.id not in track.ranks]
    if not missing or len(track.entries) < 2:
        return ""
    return f"No rank sets were computed for {'any column' if len(missing) == len(columns) else text.listed(missing)}."


def detectable(track: Track) -> str:
    """The smallest difference that the main task can show."""
    ranked = track.rank_file
    if ranked is None or ranked.minimum_detectable_difference is None:
        return "The smallest difference that this task can show was not computed."
    how = f" ({ranked.minimum_detectable_difference_method})" if ranked.minimum_detectable_difference_method else ""
    return (
        f"With {ranked.n_threats} threat items, differences in pd below "
        f"{text.number(ranked.minimum_detectable_difference)} are beyond what this task can show{how}."
    )


def other_measures(board: Board) -> list[tuple[str, float | None]]:
    """Metric and operating point of the measures that some model has, beside the main one and latency."""
    order = ("auroc", "average_precision", "localisation_hit_rate", "pd", "brier", "ece")
    rows = {
        (row.metric, row.at)
        for track in board.tracks
        for entry in track.entries
        if board.main.id in entry.files
        for row in entry.files[board.main.id].rows
        if not row.slice_axis and row.metric != "pfa" and not text.is_milliseconds(row.metric)
    } - {("pd", board.main.pfa_points[0])}
    return sorted(rows, key=lambda r: (order.index(r[0]) if r[0] in order else len(order), r[0], -(r[1] or 0)))


def roc_svg(board: Board, track: Track) -> Markup:
    """The ROC curves of a track's main task, as an element of a page."""
    if track.curve_file is None:
        return Markup("")
    order = [entry.model for entry in track.entries]
    title = f"{board.title}, {track.name} track"
    return Markup(plots.inline_svg(plots.roc(track.curve_file, models=order, title=title), f"{board.key}-{track.name}"))


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "shown": text.number,
        "interval": lambda number: text.interval(number.low, number.high, number.metric),
        "sortable": lambda value: "" if math.isnan(value) else f"{value:.6g}",
        "shade": shade_index,
        "place": lambda share, axis: f"{_WHISKER_WIDTH * (share - axis.low) / (axis.high - axis.low):.1f}",
        "term": text.term,
        "axis_value": lambda task, axis: text.term(getattr(task, axis)),
        "difference": text.difference,
        "difference_interval": _difference_interval,
        "p_value": text.p_value,
        "level": lambda level: f"{100 * level:g} %",
        "held": _held,
    }
    environment.globals |= {
        "headline": headline,
        "untold": untold,
        "unranked": unranked,
        "detectable": detectable,
        "roc_svg": roc_svg,
        "ranks": text.ranks,
        "letter": text.band_letter,
        "told_apart": is_told_apart,
        "label": text.metric_label,
        "other_measures": other_measures,
        "concealments": lambda board: axis_values(board, "concealment"),
        "axis_values": axis_values,
        "slice_groups": _slice_groups,
        "slice_count": _slice_count,
        "board_width": lambda board: sum(len(track.entries) for track in board.tracks),
        "is_wide": _is_wide,
    }
    return environment


def axis_values(board: Board, axis: str) -> list[str]:
    """The terms that the tasks of a board have on one axis, `any` last."""
    values = {getattr(task, axis) for task in board.tasks}
    return sorted(values - {ANY}, key=term_order) + ([ANY] if ANY in values else [])


def _is_wide(board: Board, task: Task) -> bool:
    """Whether a task is shown before anybody asks for more: it leaves all axes of the main one but one."""
    return n_any(task) >= n_any(board.main) - 1 and task.sensor == board.main.sensor


def _slice_groups(board: Board) -> list[tuple[str, list[tuple[str, str]]]]:
    groups: dict[str, list[tuple[str, str]]] = {}
    for pair in board.slices():
        groups.setdefault(pair[0], []).append(pair)
    return list(groups.items())


def _slice_count(board: Board, pair: tuple[str, str]) -> int:
    """Threats of a slice: the most that any model was scored on."""
    at = board.main.pfa_points[0]
    entries: list[Entry] = [entry for track in board.tracks for entry in track.entries]
    return max((entry.number(board.main.id, "pd", at, *pair).n for entry in entries), default=0)


def _difference_interval(pair: PairRow) -> str:
    if math.isnan(pair.low) or math.isnan(pair.high):
        return text.NOT_AVAILABLE
    return f"[{text.difference(pair.low)}, {text.difference(pair.high)}]"


def _held(number: Number, target: float) -> str:
    """A mark where the whole interval of an achieved pfa lies on one side of its target."""
    if number.low > target:
        return " ▲ above"
    return " ▼ below" if number.high < target else ""


def _csv_cell(cell: Any) -> Any:
    if cell is None or cell != cell:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return f"{cell:.6g}" if isinstance(cell, float) else cell


def _site_json(files: dict[str, bytes], input_digest: str) -> str:
    import matplotlib as mpl

    record = {
        "schema_id": "xraybench.site/1",
        "versions": {"xraybench": __version__, "matplotlib": mpl.__version__, "jinja2": jinja2.__version__},
        "input_digest": input_digest,
        "files": {name: digest.of_bytes(content) for name, content in sorted(files.items())},
    }
    return json.dumps(record, indent=1) + "\n"


def _recorded(site: Path) -> dict[str, Any]:
    """What the site says about itself; empty where there is no site, or none that can be read."""
    try:
        record = json.loads((site / SITE_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _first_difference(old: bytes, new: bytes) -> str:
    before, after = old.decode(errors="replace").splitlines(), new.decode(errors="replace").splitlines()
    for line, (a, b) in enumerate(zip(before, after, strict=False), start=1):
        if a != b:
            return f"first at line {line}"
    return f"{len(before)} lines, {len(after)} are right" if len(before) != len(after) else "line ends"


@cache
def _read(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")
