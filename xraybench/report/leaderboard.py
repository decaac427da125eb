"""The leaderboard: from files of results to a static site. The same input gives the same bytes.

`build` makes again what rests on results that changed, `check` makes everything again in memory, trusting no note of an
earlier build, and tells which page or result is not what it says. Pages are complete without script, ask for nothing from
any network, and open from the file system.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import jinja2
import pyarrow as pa

from xraybench import __version__
from xraybench.core import digest
from xraybench.core.documents import ModelSignature, read_document, write_bytes, write_text
from xraybench.core.errors import BadFile, CheckFailed
from xraybench.report import board as boards
from xraybench.report import heads, index, pages
from xraybench.report.board import Standing, Suite
from xraybench.report.results import CURVES, RANKS, CurveFile, RankFile
from xraybench.report.suites import SUITES, SuiteFile, suite_faults

RESULTS, MODELS, SITE, DATA, TASKS = "results", "models", "site", "data", "tasks"
SITE_FILE = "site.json"
CARDS = "../../model_cards"  # from leaderboards/site
_MOST_NAMED = 40  # faults in one message


@dataclass(frozen=True)
class Built:
    """What a build did."""

    front: Path
    written: tuple[str, ...]  # files of the site that were made again
    n_files: int  # all files of the site


@dataclass(frozen=True)
class _Page:
    """A page that can be made: its name, the digest of what it is made from, and how."""

    name: str
    inputs: str
    render: Callable[[], str]


def build(board: Path, *, cards: str = CARDS) -> Path:
    """Write the site of a board folder and return its front page. See `rebuild`."""
    return rebuild(board, cards=cards).front


def rebuild(board: Path, *, cards: str = CARDS, is_full: bool = False) -> Built:
    """Make again those files of the site whose inputs changed since the last build. What has no input left goes.

    Args:
        board: Folder with `results/` (rank sets and curves beside them) and `models/` (signatures); gets `site/`, and
            `.index/` with notes of what was read.
        cards: Address of the folder of model cards, relative to the site; empty for no links.
        is_full: Trust no note of an earlier build.

    Raises:
        BadFile: An input is broken, or the results do not make a board; all faults are named, and nothing is written.
    """
    site = board / SITE
    made_by = _maker(cards)
    recorded = _recorded(site).get("files", {})
    old = _Notes.read(board, made_by) if not is_full else None
    if old and not old.site.keys() <= recorded.keys():
        old = None  # the site's own record was lost or cut: what lies there cannot be trusted
    found = _Inputs(board, cards, old)
    wanted = found.pages()
    files: dict[str, dict[str, str]] = {}
    written: list[str] = []
    for name, content, inputs in found.data():
        if content is None:
            files[name] = recorded[name]
        else:
            files[name] = _write(site, name, content, inputs, written)
    for page in wanted:
        if old and old.holds(site, page.name) and recorded.get(page.name, {}).get("inputs") == page.inputs:
            files[page.name] = recorded[page.name]
        else:
            files[page.name] = _write(site, page.name, page.render().encode(), page.inputs, written)
    for name in sorted(set(recorded) - set(files)):
        _inside(site, name).unlink(missing_ok=True)
    _write(site, SITE_FILE, _site_json(files).encode(), "", written)
    if old is None or written or found.seen != old.files:
        _Notes.write(board, made_by, found, files)
    return Built(site / "index.html", tuple(written), len(files) + 1)


def check(board: Path, *, cards: str = CARDS) -> str:
    """Make the site again in memory from the result files alone, compare, and say that all bytes are equal.

    Raises:
        CheckFailed: Naming each page that is stale, was changed by hand, is missing or does not belong; each result that
            is not the one the site was made from, with its first number that differs; and other versions of xraybench,
            jinja2 or pyarrow, where those made the site.
        BadFile: An input is broken.
    """
    site = board / SITE
    recorded = _recorded(site)
    told = recorded.get("files", {})
    there = {p.relative_to(site).as_posix(): p for p in sorted(site.rglob("*")) if p.is_file()} if site.is_dir() else {}
    faults: list[str] = []
    files: dict[str, dict[str, str]] = {}
    for name, content, inputs in render_site(board, cards=cards):
        if name == SITE_FILE:
            continue
        files[name] = {"digest": digest.of_bytes(content), "inputs": inputs}
        if name not in there:
            faults.append(f"{name}: missing")
        elif (lies := there[name].read_bytes()) != content:
            faults += _difference(name, lies, content, files[name], told.get(name, {}))
    faults += [f"{name}: does not belong to the site" for name in there if name not in files and name != SITE_FILE]
    if not faults and recorded != json.loads(_site_json(files)):
        faults.append(f"{SITE_FILE}: {'missing' if SITE_FILE not in there else 'does not record these files'}")
    if not faults:
        return f"{site}: {len(files) + 1} files, byte for byte the product of {board / RESULTS}"
    shown = [
        *faults[:_MOST_NAMED],
        *([f"... and {len(faults) - _MOST_NAMED} more"] if len(faults) > _MOST_NAMED else []),
    ]
    shown += [
        f"the site was made with {package} {made_with}, this is {version}"
        for package, version in _versions().items()
        if (made_with := recorded.get("versions", {}).get(package, version)) != version
    ]
    lines = "\n  ".join(shown)
    raise CheckFailed(f"{site}: not the product of {board / RESULTS}\n  {lines}\nRun: xraybench leaderboard build")


def render_site(board: Path, *, cards: str = CARDS) -> Iterator[tuple[str, bytes, str]]:
    """Name, bytes and digest of the inputs of every file of the site: a pure function of the files of a board folder."""
    found = _Inputs(board, cards, None)
    files: dict[str, dict[str, str]] = {}
    for name, content, inputs in found.data():
        assert content is not None  # nothing is taken from an earlier build
        files[name] = {"digest": digest.of_bytes(content), "inputs": inputs}
        yield name, content, inputs
    for page in found.pages():
        content = page.render().encode()
        files[page.name] = {"digest": digest.of_bytes(content), "inputs": page.inputs}
        yield page.name, content, page.inputs
    yield SITE_FILE, _site_json(files).encode(), ""


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


class _Inputs:
    """The files of a board folder, read as far as the notes of an earlier build do not spare it."""

    def __init__(self, board: Path, cards: str, old: "_Notes | None") -> None:
        self.board, self.results, self.data_folder = board, board / RESULTS, board / SITE / DATA
        self.seen = index.scan(self.results)
        self.stems = self.seen.stems()
        if not self.stems:
            raise BadFile(
                f"{self.results}: holds no result file. `xraybench bench` and `xraybench evaluate` write some."
            )
        self._frame = pages.Frame((), cards)
        changed = self.seen.changed_since(old.files) if old else set()
        spared = old.spared(changed) if old else {}
        self.standings: dict[str, list[Standing]] = {}
        self._fresh: dict[str, bytes] = {}
        self._signed: dict[str, str] = {}
        faults: list[str] = []
        for stem, models in sorted(self.stems.items()):
            if stem in spared:
                self.standings[stem] = spared[stem]
            else:
                table = index.read_shard(self.results, stem, models)
                self._fresh[stem] = index.shard_bytes(table)
                self.standings[stem] = self._read_standings(stem, table, faults)
        self._lost(faults)
        self.suites = boards.suites_of((s for found in self.standings.values() for s in found), faults)
        for suite in self.suites:
            if old is None or any(name in changed for name in (suite.body, *(s.stem for s in suite.standings))):
                faults += self._wrong_means(suite)
        boards.refuse(faults)
        self._frame = pages.Frame([(f"{suite.key}.html", suite.title) for suite in self.suites], cards)

    def _read_standings(self, stem: str, table: pa.Table, faults: list[str]) -> list[Standing]:
        ranks = self._compared(stem, RANKS, RankFile)
        found, left = boards.standings_of(stem, table, list(ranks.values()), faults)
        faults += [f"rank sets of {stem}, track {r.track}: no result file rests on the same data" for r in left]
        curves = self._compared(stem, CURVES, CurveFile)
        for curve in curves.values():
            faults += boards.curve_faults(curve, table, stem)
        files = index.files_of(table)
        for standing in found:
            told = [
                [f["model"], f["result_digest"]]
                for f in files
                if (boards.body_of(f), f["track"]) == (standing.body, standing.track)
            ]
            compared = [name for name, document in (ranks | curves).items() if document.track == standing.track]
            told += [[name, digest.of_file(self.results / name)] for name in compared]
            standing.facts["inputs"] = digest.of_json(told)
        return found

    def _compared(self, stem: str, kind: str, document: Any) -> dict[str, Any]:
        """Path -> the rank sets or curves of one task, of every track."""
        tracks = [folder for folder in sorted(self.seen.folders) if folder.startswith(f"{kind}/")]
        paths = [f"{folder}/{stem}.json" for folder in tracks if f"\n{stem}.json " in f"\n{self.seen.folders[folder]}"]
        return {path: index.read_one(self.results, self.results / path, document) for path in paths}

    def _lost(self, faults: list[str]) -> None:
        """Rank sets and curves of tasks that no model has a result of."""
        for folder, lines in sorted(self.seen.folders.items()):
            kind, _, track = folder.partition("/")
            if kind in (RANKS, CURVES):
                what = "rank sets" if kind == RANKS else "ROC curves"
                lost = {line.partition(".json ")[0] for line in lines.splitlines()} - self.stems.keys()
                faults += [
                    f"{what} of {stem}, track {track}: no result file rests on the same data" for stem in sorted(lost)
                ]

    def _wrong_means(self, suite: Suite) -> list[str]:
        """Published means over a suite that are not the means of what its results say."""
        overall = self._overall(suite)
        if overall is None:
            return []
        cells = set(overall.tasks)
        told = [
            file for standing in suite.standings if standing.stem in cells for file in boards.main_numbers(standing)
        ]
        return suite_faults([overall], told)

    def table(self, stem: str) -> pa.Table:
        """The shard of a task."""
        if stem in self._fresh:
            return index.load_shard(pa.BufferReader(self._fresh[stem]))
        return index.load_shard(self.data_folder / f"{stem}.parquet")

    def data(self) -> Iterator[tuple[str, bytes | None, str]]:
        """Name, bytes and inputs of every shard; no bytes where it lies there as it should."""
        for stem, found in sorted(self.standings.items()):
            yield f"{DATA}/{stem}.parquet", self._fresh.get(stem), self._task_inputs(found)

    def _task_inputs(self, standings: Sequence[Standing]) -> str:
        return digest.of_json([[s.body, s.track, s.facts["inputs"]] for s in standings])

    @cached_property
    def signatures(self) -> dict[str, ModelSignature]:
        """Model -> signature."""
        names = sorted({model for suite in self.suites for model in suite.models})
        return read_signatures(self.board / MODELS, names)

    def pages(self) -> list[_Page]:
        """Every page of the site."""
        shared = [self._frame.suites, self._frame.cards]
        by_suite = {suite.key: self._suite_inputs(suite) for suite in self.suites}
        made = [
            _Page(
                "index.html",
                (front := digest.of_json([shared, by_suite])),
                lambda: pages.overview(self._frame, front, self.suites),
            )
        ]
        made += [self._suite_page(suite, digest.of_json([shared, by_suite[suite.key]])) for suite in self.suites]
        owners: dict[str, list[tuple[Standing, Suite]]] = {}
        for suite in self.suites:
            for standing in suite.standings:
                owners.setdefault(standing.stem, []).append((standing, suite))
        made += [
            self._task_page(
                stem, members, digest.of_json([shared, self._task_inputs([standing for standing, _ in members])])
            )
            for stem, members in sorted(owners.items())
        ]
        return made

    def _suite_inputs(self, suite: Suite) -> str:
        signatures = [self._signature_digest(model) for model in sorted(suite.models)]
        return digest.of_json(
            [
                [[s.stem, s.facts["inputs"]] for s in suite.standings],
                signatures,
                self._digest_of(self._overall_path(suite)),
            ]
        )

    def _signature_digest(self, model: str) -> str:
        if model not in self._signed:
            self._signed[model] = self._digest_of(self.board / MODELS / f"{model}.json")
        return self._signed[model]

    def _digest_of(self, path: Path) -> str:
        try:
            return digest.of_bytes(path.read_bytes())
        except FileNotFoundError:
            return ""

    def _overall_path(self, suite: Suite) -> Path:
        return self.results / SUITES / suite.track / f"{suite.body}.json"

    def _suite_page(self, suite: Suite, inputs: str) -> _Page:
        stem = suite.main.stem

        def render() -> str:
            corpora = [variant["corpora"] for variant in suite.main.facts["data"]]

            def mine(kind: str, document: Any) -> Any:
                found = self._compared(stem, kind, document).values()
                return next((d for d in found if d.track == suite.track and d.corpora in corpora), None)

            return pages.suite_page(
                self._frame,
                inputs,
                suite,
                table=self.table(stem),
                ranked=mine(RANKS, RankFile),
                curves=mine(CURVES, CurveFile),
                overall=self._overall(suite),
                signatures=self.signatures,
            )

        return _Page(f"{suite.key}.html", inputs, render)

    def _overall(self, suite: Suite) -> SuiteFile | None:
        path = self._overall_path(suite)
        return index.read_one(self.results, path, SuiteFile) if path.is_file() else None

    def _task_page(self, stem: str, members: list[tuple[Standing, Suite]], inputs: str) -> _Page:
        def render() -> str:
            return pages.task_page(
                self._frame,
                inputs,
                stem,
                members,
                table=self.table(stem),
                ranks=list(self._compared(stem, RANKS, RankFile).values()),
                curves=list(self._compared(stem, CURVES, CurveFile).values()),
            )

        return _Page(f"{TASKS}/{stem}.html", inputs, render)


@dataclass(frozen=True)
class _Notes:
    """What the last build noted: who made it, the files it read, the files it wrote, the standings."""

    files: index.Notes
    site: Mapping[str, list[int]]  # name -> size, time of change and inode
    board: Path

    @classmethod
    def read(cls, board: Path, made_by: str) -> "_Notes | None":
        """The notes of a build with this code and these settings; None where there are none, or not all of them."""
        folder = board / index.NOTES
        try:
            told = json.loads((folder / "site.json").read_text(encoding="utf-8"))
            is_whole = told["made_by"] == made_by and told["parts"] == _digests(folder)
        except (OSError, ValueError, KeyError):
            return None
        files = index.read_notes(board) if is_whole else None
        return cls(files, told["site"], board) if files else None

    @staticmethod
    def write(board: Path, made_by: str, found: _Inputs, files: Mapping[str, object]) -> None:
        """Keep notes of a build that is done. The record of their digests comes last, so that half of them are none."""
        folder = board / index.NOTES
        heads.save(board, found.standings)
        index.write_notes(board, found.seen)
        site = {name: _stat(board / SITE / name) for name in sorted(files)}
        record = {"made_by": made_by, "parts": _digests(folder), "site": site}
        write_text(folder / "site.json", json.dumps(record))

    def holds(self, site: Path, name: str) -> bool:
        """Whether a file of the site lies there as the build left it."""
        return name in self.site and _stat(site / name) == self.site[name]

    def spared(self, changed: set[str]) -> dict[str, list[Standing]]:
        """Standings of the tasks that need not be read again: no file of theirs changed, and their shards lie there."""
        kept = heads.load(self.board)
        site = self.board / SITE
        return {
            stem: found
            for stem, found in kept.items()
            if stem not in changed and self.holds(site, f"{DATA}/{stem}.parquet")
        }


def _digests(folder: Path) -> list[str]:
    """Digests of the notes that are too long to be flushed to the disk each time."""
    return [digest.of_file(folder / name) for name in (index.FILES, *heads.PARTS)]


def _stat(path: Path) -> list[int]:
    try:
        told = path.stat()
    except OSError:
        return []
    return [told.st_size, told.st_mtime_ns, told.st_ino]


def _write(site: Path, name: str, content: bytes, inputs: str, written: list[str]) -> dict[str, str]:
    """Write a file of the site unless it lies there already; what `site.json` says of it."""
    path = site / name
    if not path.is_file() or path.read_bytes() != content:
        write_bytes(path, content)
        written.append(name)
    return {"digest": digest.of_bytes(content), "inputs": inputs}


def _difference(name: str, lies: bytes, right: bytes, files: Mapping[str, str], told: Mapping[str, str]) -> list[str]:
    """Sentences on a file of the site that is not what it should be: changed by hand, or made from other results?"""
    if name.startswith(f"{DATA}/") and (moved := _moved_results(lies, right)):
        stem = Path(name).stem
        return [f"results/{model}/{stem}.json: {what}, since the site was made" for model, what in moved.items()]
    if told and told.get("digest") != digest.of_bytes(lies):
        return [f"{name}: differs from what the build wrote: changed by hand ({_first_difference(lies, right)})"]
    if told and told.get("inputs") != files["inputs"]:
        return [f"{name}: stale: the results have changed since the site was made"]
    return [f"{name}: differs ({_first_difference(lies, right)})"]


def _moved_results(lies: bytes, right: bytes) -> dict[str, str]:
    try:
        old = index.load_shard(pa.BufferReader(lies))
    except BadFile:
        return {}
    return index.first_difference(old, index.load_shard(pa.BufferReader(right)))


def _first_difference(old: bytes, new: bytes) -> str:
    before, after = old.decode(errors="replace").splitlines(), new.decode(errors="replace").splitlines()
    for line, (a, b) in enumerate(zip(before, after, strict=False), start=1):
        if a != b:
            return f"first at line {line}"
    return f"{len(before)} lines, {len(after)} are right" if len(before) != len(after) else "line ends"


def _versions() -> dict[str, str]:
    return {"xraybench": __version__, "jinja2": jinja2.__version__, "pyarrow": pa.__version__}


def _site_json(files: Mapping[str, Mapping[str, str]]) -> str:
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(dict(told))}" for name, told in sorted(files.items()))
    head = f'{{\n "schema_id": "xraybench.site/2",\n "versions": {json.dumps(_versions())},\n "files": {{\n'
    return f"{head}{lines}\n }}\n}}\n"


def _maker(cards: str) -> str:
    """Digest of what makes pages beside their inputs: this package's own code, other packages' versions, settings."""
    return digest.of_json([digest.code_digest(), _versions(), cards])


def _recorded(site: Path) -> dict[str, Any]:
    """What the site says about itself; empty where there is no site, or none that can be read."""
    try:
        record = json.loads((site / SITE_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(record, dict) or not isinstance(record.get("files"), dict):
        return {}
    files = {str(name): told if isinstance(told, dict) else {} for name, told in record["files"].items()}
    return {**record, "files": files}


def _inside(site: Path, name: str) -> Path:
    """A file of the site by its recorded name: only ever inside the site."""
    path = (site / name).resolve()
    return path if path.is_relative_to(site.resolve()) else site / Path(name).name
