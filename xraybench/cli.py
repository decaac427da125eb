"""The command line: one command a public verb. Data to stdout, talk to stderr.

A command parses, calls the function that a notebook would call, prints. Everything heavy is imported inside the command
that uses it, so that `xraybench --help` and `xraybench tasks` answer in under half a second.

Exit codes: 0 done; 1 a check failed; 2 the input was wrong.
"""

import json
import math
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from xraybench import __version__
from xraybench.core.errors import BadFile, BadParameter, CheckFailed, XrayBenchError
from xraybench.core.pairs import pair, pairs


class Naming(typer.core.TyperGroup):
    """A group whose first argument may be what it builds: `card NAME` is `card build NAME`."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        is_verb = not args or args[0] in self.commands or args[0] == "--help"
        return super().parse_args(ctx, args if is_verb else ["build", *args])


app = typer.Typer(
    name="xraybench",
    help="The open benchmark for recognition models on customs X-ray scans.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
data_app = typer.Typer(no_args_is_help=True, help="Make, import, check and describe datasets.", rich_markup_mode=None)
federate_app = typer.Typer(no_args_is_help=True, help="Train across sites; scans stay there.", rich_markup_mode=None)
board_app = typer.Typer(no_args_is_help=True, help="Build and check the leaderboard.", rich_markup_mode=None)
submit_app = typer.Typer(no_args_is_help=True, help="Check predictions before scoring.", rich_markup_mode=None)
card_app = typer.Typer(
    cls=Naming, no_args_is_help=True, help="Write, check and export model cards.", rich_markup_mode=None
)
keys_app = typer.Typer(
    no_args_is_help=True, help="Keys that sign boards, folders and openings of a sum.", rich_markup_mode=None
)
app.add_typer(keys_app, name="keys")
app.add_typer(data_app, name="data")
app.add_typer(federate_app, name="federate")
app.add_typer(board_app, name="leaderboard")
app.add_typer(submit_app, name="submit")
app.add_typer(card_app, name="card")

AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output on stdout.")]
Profile = Annotated[str, typer.Option(help="smoke (seconds), quick (minutes) or full.")]
Seed = Annotated[int, typer.Option(help="Seed of the simulated data and of training.")]


def main() -> None:
    """Run the command line; a fault of the user's becomes one clear message and exit code 2."""
    try:
        _check_letters(sys.argv[1:])
        code = app(standalone_mode=False)  # what typer.Exit carries is returned, not raised
        if code == 130:  # what typer makes of Ctrl-C
            say("xraybench: interrupted. Call again and it goes on where it stopped.")
        if isinstance(code, int) and code:
            sys.exit(code)
    except typer.Exit as stop:
        sys.exit(stop.exit_code)
    except typer.Abort:
        sys.exit(130)
    except typer.TyperException as error:
        told = error.format_message()
        is_help = told.startswith("Usage:")  # a group without a command
        say(told if is_help else f"xraybench: {told} `xraybench COMMAND --help` lists what a command takes.")
        sys.exit(2)
    except XrayBenchError as error:
        say(f"xraybench: {error}")
        sys.exit(error.exit_code)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        say(f"xraybench: {error.filename or 'a file'}: {error.strerror or error}.")
        sys.exit(2)
    except OSError as error:
        # A full disk or a folder without permission: every write is atomic, so what was there before still is.
        say(f"xraybench: {error.filename or 'a file'}: {error.strerror or error}. What was there before is intact.")
        sys.exit(2)


def _check_letters(words: list[str]) -> None:
    """Refuse what was typed in another encoding: no table and no JSON could hold it."""
    for word in words:
        try:
            word.encode()
        except UnicodeEncodeError:
            raise BadParameter(
                f"{word!r}: holds letters that are not UTF-8; a name or path is given in UTF-8."
            ) from None


def say(text: str) -> None:
    """Talk: to stderr."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def put(value: Any, text: str, *, as_json: bool) -> None:
    """Data: to stdout, as JSON (null for NaN and infinity, which JSON has not) or as text."""
    sys.stdout.write((json.dumps(_plain(value), indent=1, allow_nan=False) if as_json else text) + "\n")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


@app.command()
def version() -> None:
    """Print the version."""
    sys.stdout.write(__version__ + "\n")


@app.command()
def tasks(
    vector: Annotated[str, typer.Option(help="Only this vector.")] = "",
    threat: Annotated[str, typer.Option(help="Only this threat, or any.")] = "",
    concealment: Annotated[str, typer.Option(help="Only this concealment, or any.")] = "",
    sensor: Annotated[str, typer.Option(help="Only this sensor, or any.")] = "",
    as_json: AsJson = False,
) -> None:
    """List the standard tasks."""
    from dataclasses import asdict

    from xraybench import tasks as declared

    found = declared.select(vector=vector, threat=threat, concealment=concealment, sensor=sensor)
    if not found:
        raise BadParameter("No task has these values together. `xraybench tasks` lists all.")
    head = f"{len(found)} tasks; main metric {found[0].main_metric} at pfa {found[0].pfa_points[0]}, " + (
        f"printed from {found[0].min_threats} threats on"
    )
    put([{"id": t.id, **asdict(t)} for t in found], "\n".join([*(t.id for t in found), head]), as_json=as_json)


@app.command()
def sensors(as_json: AsJson = False) -> None:
    """List the sensors."""
    from xraybench import sensors as declared

    found = [declared.get(name) for name in declared.names()]
    put([s.record() for s in found], "\n".join(declared.names()), as_json=as_json)


@app.command()
def models(as_json: AsJson = False) -> None:
    """List the model adapters."""
    from xraybench import models as adapters

    rows = adapters.described()
    text = "\n".join(f"{name:16} {what}" for name, what in rows.items())
    put(rows, text, as_json=as_json)


@app.command()
def notebooks(
    name: Annotated[str, typer.Argument(help="A notebook, to see its parameters.")] = "", as_json: AsJson = False
) -> None:
    """List the notebooks, or the parameters of one."""
    from dataclasses import asdict

    from xraybench import notebooks as books

    if not name:
        found = {n: books.describe(n).title for n in books.names()}
        put(found, "\n".join(f"{n:24} {title}" for n, title in found.items()), as_json=as_json)
        return
    book = books.describe(name)
    text = "\n".join(f"{p.name}: {p.type} = {p.default!r}  # {p.help}" for p in book.parameters)
    put([asdict(p) for p in book.parameters], f"{book.title}\n{text}", as_json=as_json)


@app.command()
def run(
    notebook: Annotated[str, typer.Argument(help="Name or number of a notebook, for example 30.")],
    parameter: Annotated[list[str] | None, typer.Option("-p", "--parameter", help="name=value, repeatable.")] = None,
    as_json: AsJson = False,
    threads: Annotated[int, typer.Option(min=0, help="Threads of the kernel; 0 takes all processors.")] = 0,
) -> None:
    """Run a notebook with parameters; a finished run is not repeated."""
    from xraybench import notebooks as books

    given = pairs(parameter or [])
    say(f"running {notebook} ...")
    done = books.run(notebook, given, threads=threads or os.cpu_count() or 1, show_progress=sys.stderr.isatty())
    if not done.was_executed:
        say("this very run was finished before; nothing was executed")
    put({"folder": str(done.folder), "was_executed": done.was_executed}, str(done.folder), as_json=as_json)


@app.command()
def sweep(
    notebook: Annotated[list[str] | None, typer.Argument(help="Names or numbers of notebooks.")] = None,
    parameter: Annotated[
        list[str] | None, typer.Option("-p", "--parameter", help="name=value; a name given again spans the grid.")
    ] = None,
    matrix: Annotated[Path | None, typer.Option(help="A YAML file of grids instead.")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Notebooks at a time, one thread each.")] = 1,
    plan: Annotated[bool, typer.Option("--plan", help="Only list the runs and where they will lie.")] = False,
    as_json: AsJson = False,
) -> None:
    """Run notebooks over a grid of parameters; finished runs are not repeated, a failed one stops no other."""
    from dataclasses import asdict

    from xraybench import sweep as runs

    if bool(notebook) == (matrix is not None):
        raise BadParameter("A sweep takes notebooks, or --matrix with a file of grids; give one of the two.")
    if matrix is not None and parameter:
        raise BadParameter("-p is for notebooks named here; the parameters of a --matrix stand in its file.")
    values: dict[str, list[str]] = {}
    for name, value in map(pair, parameter or []):
        values.setdefault(name, []).append(value)
    steps = runs.read_matrix(matrix) if matrix is not None else runs.grid(notebook or [], values)
    if plan:
        listed = runs.planned(steps)
        put(runs.as_json(listed), "\n".join(f"{f}  {runs.name_of(s)}" for s, f in listed), as_json=as_json)
        return
    outcomes = runs.sweep(steps, jobs=jobs)
    told = [asdict(outcome) | {"folder": str(outcome.folder)} for outcome in outcomes]
    put(told, "\n".join(str(outcome.folder) for outcome in outcomes), as_json=as_json)
    say(runs.report(outcomes))
    if any(outcome.error for outcome in outcomes):
        raise CheckFailed("A run of the sweep failed. Call it again to repeat that run alone.")


def _paths(texts: list[str]) -> dict[str, Path]:
    """The name and path of each site."""
    found = pairs(texts)
    if empty := [name for name, path in found.items() if not path]:
        raise BadParameter(f"--site {empty[0]}=: the path is missing; --site NAME=PATH is right.")
    return {name: Path(path) for name, path in found.items()}


@app.command()
def bench(
    profile: Profile = "quick",
    seed: Seed = 0,
    out: Annotated[Path | None, typer.Option(help="Where boards and cards go; default runs/bench-PROFILE.")] = None,
    workers: Annotated[int, typer.Option(min=0, help="Notebooks at a time; 0 takes one per core.")] = 0,
    as_json: AsJson = False,
) -> None:
    """The main job: make the data, train and score the reference models, write cards and board."""
    from xraybench import bench as job

    report = job.bench(profile=profile, seed=seed, out=out, workers=workers, tell=say)
    text = "\n".join(f"{key}: {value}" for key, value in report.items())
    put(report, text, as_json=as_json)


@app.command()
def evaluate(
    dataset: Annotated[str, typer.Argument(help="A task id, a corpus id, or a dataset folder.")],
    predictions: Annotated[list[Path], typer.Argument(help="Prediction files, Parquet or CSV; one per corpus.")],
    profile: Profile = "quick",
    seed: Seed = 0,
    out: Annotated[Path | None, typer.Option(help="Folder for the result file; default: only print.")] = None,
    as_json: AsJson = False,
) -> None:
    """Score a prediction file on a task: every metric and slice with interval and n."""
    from xraybench import report
    from xraybench.evaluate import score_files

    result = score_files(_known(dataset), predictions, profile=profile, seed=seed)
    if out:
        report.save(result, out)
    put(json.loads(result.model_dump_json()), report.table([result]).to_string(index=False), as_json=as_json)


def _known(dataset: str) -> str:
    """The name of a task, corpus or dataset folder; a path that leads nowhere is not answered with the nearest task."""
    if ("/" in dataset or os.sep in dataset) and not Path(dataset).is_dir():
        raise BadFile(f"{dataset}: there is no such dataset folder.")
    return dataset


@app.command()
def compare(
    task: Annotated[str, typer.Argument(help="A task id.")],
    first: Annotated[str, typer.Argument(help="A model on the board.")],
    second: Annotated[str, typer.Argument(help="Another model on the board.")],
    board: Annotated[Path | None, typer.Option(help="Folder leaderboards/; default: the repository's.")] = None,
    scans: Annotated[Path | None, typer.Option(help="The dataset folder, for results on imported scans.")] = None,
    as_json: AsJson = False,
) -> None:
    """Is one model better than another on a task? Paired difference, interval, exact McNemar."""
    from dataclasses import asdict

    from xraybench.bench import board_folder
    from xraybench.evaluate import compare_files

    found = compare_files(task, first, second, board or board_folder(), scans=scans)
    put(asdict(found), found.sentence(), as_json=as_json)


@data_app.command("make")
def data_make(
    vector: Annotated[str, typer.Argument(help="mail, parcel, baggage, pallet, container or vehicle.")],
    profile: Profile = "quick",
    seed: Seed = 0,
    sensors: Annotated[str, typer.Option(help="Sensors, separated by commas; empty takes the vector's suite.")] = "",
    workers: Annotated[int, typer.Option(min=0, help="Worker processes; 0 takes one per core.")] = 0,
    engine: Annotated[str, typer.Option(help="strict: the same counts on every machine; fast: within one.")] = "strict",
    as_json: AsJson = False,
) -> None:
    """Make the simulated corpora of a vector, one per sensor, from a seed."""
    from xraybench import data

    chosen = [name.strip() for name in sensors.split(",") if name.strip()] or None
    made = data.make(vector, profile=profile, seed=seed, sensors=chosen, workers=workers or None, engine=engine)
    folders = [str(path) for path in made]
    put(folders, "\n".join(folders), as_json=as_json)


@data_app.command("sites")
def data_sites(
    out: Annotated[Path, typer.Argument(help="Gets one dataset folder a site.")],
    sites: Annotated[int, typer.Option(help="How many, 3 to 10.")] = 5,
    heterogeneity: Annotated[
        float, typer.Option(help="0: all alike; 1: each its own scanner, mix, labels, size.")
    ] = 1.0,
    items: Annotated[int, typer.Option(help="Train items of a site, on average.")] = 300,
    test: Annotated[int, typer.Option(help="Test items with a threat at each site, and as many benign.")] = 240,
    calibration: Annotated[int, typer.Option(help="Benign calibration items at each site.")] = 200,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Make the simulated sites of a federation: data folders with data card and agreement."""
    from xraybench.data.sites import make_sites

    made = make_sites(
        out,
        n_sites=sites,
        heterogeneity=heterogeneity,
        seed=seed,
        n_items=items,
        n_test=test,
        n_calibration=calibration,
    )
    folders = [str(path) for path in made]
    put(folders, "\n".join(folders), as_json=as_json)


@data_app.command("probe")
def data_probe(
    corpus: Annotated[str, typer.Argument(help="Id of a simulated corpus, or a dataset folder.")],
    target: Annotated[str, typer.Option(help="Simulated corpora: any threat, or a control.")] = "any",
    items: Annotated[int, typer.Option(min=1, help="Simulated corpora: how many items are rendered for it.")] = 8000,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Can the label be told without looking inside? Exit code 1 where it can."""
    from dataclasses import asdict

    from xraybench.data import probe, read_dataset

    if Path(corpus).is_dir():
        found = probe.probe_dataset(read_dataset(corpus), seed=seed)
    else:
        found = [probe.probe_corpus(corpus, target=target, n_items=items, seed=seed)]
    put([asdict(one) for one in found], "\n".join(one.sentence() for one in found), as_json=as_json)
    if not all(one.is_at_chance for one in found):
        raise CheckFailed("The label can be told, or might be, from what surrounds the contents.")


@data_app.command("import")
def data_import(
    source: Annotated[Path, typer.Argument(help="A folder or file of scans: see --format.")],
    out: Annotated[Path, typer.Argument(help="The new dataset folder.")],
    format: Annotated[str, typer.Option(help="auto, or a layout of `data formats`.")] = "auto",
    classes: Annotated[str, typer.Option(help="Mapping, e.g. gun=firearm,other=benign,toys=skip.")] = "",
    class_map: Annotated[Path | None, typer.Option(help="The mapping as a CSV file of class,threat.")] = None,
    vector: Annotated[str, typer.Option(help="Vector of the items; research sets know theirs.")] = "",
    name: Annotated[str, typer.Option(help="Name of the dataset.")] = "",
    sensor: Annotated[str, typer.Option(help="Sensor id, or unknown.")] = "unknown",
    concealment: Annotated[str, typer.Option(help="Concealment of every threat, or unknown.")] = "unknown",
    site: Annotated[str, typer.Option(help="The administration's location, or unknown.")] = "unknown",
    option: Annotated[list[str] | None, typer.Option("-o", "--option", help="name=value of the layout.")] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="fact=value: scans with it alone, e.g. difficulty=hidden.")
    ] = None,
    own_splits: Annotated[
        bool, typer.Option(help="Split by the seed, even where the set has published splits.")
    ] = False,
    skip_broken: Annotated[bool, typer.Option(help="Leave broken scans out instead of refusing all.")] = False,
    item_pattern: Annotated[str, typer.Option(help="Regular expression whose first group names the item.")] = "",
    black_white: Annotated[str, typer.Option(help="16-bit images: counts of black and white, e.g. 0,60000.")] = "",
    clip: Annotated[bool, typer.Option(help="COCO: cut boxes that reach beyond their image.")] = False,
    images: Annotated[Path | None, typer.Option(help="COCO: folder of the images; default: beside the file.")] = None,
    licence: Annotated[str, typer.Option(help="Licence of this copy.")] = "unknown",
    licence_of_upstream: Annotated[str, typer.Option(help="Licence of the source.")] = "unknown",
    use_terms: Annotated[str, typer.Option(help="Who may use it for what.")] = "not stated",
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Bring real scans in. The images stay where they are; a killed import goes on when called again."""
    from xraybench import data

    folder = data.import_scans(
        source,
        out=out,
        format=format,
        name=name or out.name,
        vector=vector,
        sensor=sensor,
        classes=pairs(classes.split(",")),
        class_map=class_map,
        options=pairs(option or []),
        only=pairs(only or []),
        keep_splits=not own_splits,
        is_lenient=skip_broken or None,
        images=images,
        clip=clip,
        concealment=concealment,
        item_pattern=item_pattern or None,
        window_counts=_window(black_white),
        licence=licence,
        licence_of_upstream=licence_of_upstream,
        use_terms=use_terms,
        site=site,
        seed=seed,
    )
    told = data.summary_of(folder) if (folder / data.SUMMARY_FILE).is_file() else None
    if told is not None:
        say(told.text())
    put({"folder": str(folder), "summary": told.model_dump() if told else None}, str(folder), as_json=as_json)


@data_app.command("formats")
def data_formats(as_json: AsJson = False) -> None:
    """List the layouts that can be imported, what lies where in them, and their options."""
    from xraybench import data

    rows = data.formats()
    lines = []
    for row in rows:
        lines.append(f"{row['name']:10} {row['title']}: {row['layout']}")
        lines += [f"{'':10}   -o {option}=...  {what}" for option, what in row["options"].items()]
    put(rows, "\n".join(lines), as_json=as_json)


def _window(text: str) -> tuple[float, float] | None:
    if not text:
        return None
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        raise BadParameter(f"'{text}' is not of the form low,high, for example 0,60000.") from None
    return low, high


@data_app.command("template")
def data_template(
    name: Annotated[str, typer.Argument(help="sidecar-fields, classes or uff-mapping.")],
) -> None:
    """Print a file to copy and edit: the field map of sidecars, the class map of sets, the table of UFF subjects."""
    from xraybench import data

    sys.stdout.write(data.template(name))


@data_app.command("check")
def data_check(
    folder: Annotated[Path, typer.Argument(help="A dataset folder.")],
    seal: Annotated[bool, typer.Option("--seal", help="Seal it as it is, if no fault is found.")] = False,
    root: Annotated[str, typer.Option(help="Root of the seal as you noted it; another one is a fault.")] = "",
    full: Annotated[bool, typer.Option("--full", help="Read every image again, changed or not.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Take warnings for faults.")] = False,
    out: Annotated[Path | None, typer.Option(help="Folder for the report as page, Markdown and JSON.")] = None,
    as_json: AsJson = False,
) -> None:
    """Check a dataset folder: tables, images, seal, copies across splits, boxes, classes, leaks. Exit code 1 for a fault."""
    from xraybench import data, report

    found = data.inspect(folder, root=root, full=full, quiet=False)
    if seal and found.exit_code(strict=strict) == 0:
        say(f"sealed: note down the root {data.seal(folder).root}")
        found = data.inspect(folder, root=root)
    if out is not None:
        say(f"report: {report.check_report(found, out)}")
    put(found.as_json(), found.table(), as_json=as_json)
    if code := found.exit_code(strict=strict):
        raise typer.Exit(code)


@data_app.command("deidentify")
def data_deidentify(
    source: Annotated[Path, typer.Argument(help="A folder of scans: DICOS, images, sidecars. It is not changed.")],
    out: Annotated[Path, typer.Argument(help="The new folder.")],
    key: Annotated[Path, typer.Option(help="The site's key file; it must not lie with the scans.")],
    new_key: Annotated[bool, typer.Option("--new-key", help="Make the key file first.")] = False,
    keep_folder: Annotated[list[str] | None, typer.Option(help="Folder name that stays, repeatable.")] = None,
    keep_equipment: Annotated[bool, typer.Option("--keep-equipment", help="Keep maker, model, software.")] = False,
    keep_country: Annotated[bool, typer.Option("--keep-country", help="Keep the country of UN/LOCODEs.")] = False,
    names: Annotated[Path | None, typer.Option(help="Write old and new names to this file: keep it secret.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write a copy without what tells who, where and when, and a report of what was changed in each file."""
    from xraybench import data
    from xraybench.core.documents import write_text
    from xraybench.data.deidentify import check_places

    check_places(source, out, key, names)
    if new_key:
        data.make_key(key)
    made = data.deidentify(
        source,
        out,
        key=key,
        keep_folders=keep_folder or (),
        keep_equipment=keep_equipment,
        keep_country=keep_country,
        quiet=False,
    )
    if names is not None:
        write_text(names, json.dumps(made.originals, indent=1, ensure_ascii=False) + "\n")
    told = {"folder": str(out), "n_files": len(made.files), "not_taken": made.not_taken, "flagged": made.flagged}
    put(told, made.summary(), as_json=as_json)


@data_app.command("dicos")
def data_dicos(
    source: Annotated[Path, typer.Argument(help="A DICOS file, or a folder of files that belong together.")],
    as_json: AsJson = False,
) -> None:
    """Say what is wrong with DICOS files and the references between them. Exit code 1 if a reader would refuse one."""
    from xraybench.data.import_dicos import check_dicos

    found = check_dicos(source)
    lines = [f"{name}: {fault}" for name, faults in found.items() for fault in faults]
    n_sound = sum(not faults for faults in found.values())
    put(found, "\n".join([*lines, f"{n_sound} of {len(found)} files without a fault"]), as_json=as_json)
    if any(fault.startswith("refused: ") for faults in found.values() for fault in faults):
        raise typer.Exit(1)


@data_app.command("report")
def data_report(
    dataset: Annotated[str, typer.Argument(help="A task id, a corpus id, or a dataset folder.")],
    predictions: Annotated[Path, typer.Argument(help="A prediction file, Parquet or CSV.")],
    out: Annotated[Path, typer.Argument(help="Folder for the reports, one DICOS file a scan.")],
    originals: Annotated[
        Path | None, typer.Option(help="The DICOS scans that were imported: reports then name their scan and images.")
    ] = None,
    threshold: Annotated[float, typer.Option(help="Score from which an object or item is an alarm.")] = 0.5,
    profile: Profile = "quick",
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Give predictions back as DICOS threat reports, which scanners and viewers take."""
    from xraybench import data
    from xraybench.formats.predictions import read_predictions
    from xraybench.models.dicos_report import write_reports

    scans = data.load(_known(dataset), profile=profile, seed=seed, splits=("train", "calibration", "test")).scans
    known = read_predictions(predictions)
    looked_at = scans.subset(set(known.kind("scan")["scan_id"]))
    if not len(looked_at):
        raise BadParameter(f"{predictions}: speaks of no scan of {dataset}.")
    files = write_reports(known, looked_at, out, originals=originals, threshold=threshold)
    put([str(file) for file in files], f"{len(files)} reports in {out}", as_json=as_json)


@data_app.command("card")
def data_card(
    folder: Annotated[Path, typer.Argument(help="A dataset folder.")],
    out: Annotated[Path | None, typer.Option(help="Folder for card, page and Croissant; default: only print.")] = None,
    words: Annotated[Path | None, typer.Option(help="What the owner says, a TOML file.")] = None,
    examples: Annotated[
        int, typer.Option(min=0, help="Pictures at most; of real scans none unless the words allow it.")
    ] = 8,
    least: Annotated[
        int, typer.Option(min=1, help="Fewest items that a cell of class, sensor, site and time shows.")
    ] = 1,
) -> None:
    """Print a dataset's card as Markdown, or write it with its page, pictures and Croissant document."""
    from xraybench import data, report

    if out is None:
        if words is not None and not words.is_file():
            raise BadFile(f"{words}: there is no such file.")
        told = data.read_words(words) if words else None
        sys.stdout.write(data.describe(folder, told, n_examples=0, least=least).markdown + "\n")
        return
    made = report.data_card(folder, out, words=words, n_examples=examples, least=least)
    say(f"{len(made.gaps)} gaps; {made.words_file} is where to fill them" if made.gaps else "no gap is left")
    put("", str(made.html_file), as_json=False)


@data_app.command("export")
def data_export(
    folder: Annotated[Path, typer.Argument(help="A dataset folder.")],
    out: Annotated[Path, typer.Argument(help="The new folder.")],
    to: Annotated[str, typer.Option(help="coco, voc, yolo, dicos, or package (16-bit planes).")] = "coco",
    as_json: AsJson = False,
) -> None:
    """Write a dataset in another form, with its card and licences beside it."""
    from xraybench import data

    put({"folder": str(data.export(folder, out, to=to))}, str(out), as_json=as_json)


@submit_app.command("check")
def submit_check(
    dataset: Annotated[str, typer.Argument(help="A task id, a corpus id, or a dataset folder.")],
    predictions: Annotated[Path, typer.Argument(help="A prediction file, Parquet or CSV.")],
    profile: Profile = "quick",
    seed: Seed = 0,
) -> None:
    """Would this prediction file be scored? Names every fault at once."""
    from xraybench.evaluate import check_file

    say(check_file(_known(dataset), predictions, profile=profile, seed=seed))


@submit_app.command("pack")
def submit_pack(
    predictions: Annotated[list[Path], typer.Argument(help="Prediction files of one model; one per corpus.")],
    out: Annotated[Path, typer.Option(help="The new file, such as my-model.zip.")],
    words: Annotated[
        Path, typer.Option(help="The vendor's words: `xraybench card template MODEL` prints an empty file.")
    ],
    signature: Annotated[
        Path | None, typer.Option(help="What goes in and out, how it was trained: signature.json.")
    ] = None,
    key: Annotated[Path | None, typer.Option(help="Private key to sign with.")] = None,
    scans: Annotated[Path | None, typer.Option(help="The dataset folder, where the scans were imported.")] = None,
    profile: Profile = "quick",
    seed: Seed = 0,
) -> None:
    """Check predictions, signature and words, and put them into one file to hand in."""
    from xraybench.report import submission

    made = submission.pack(
        predictions, out, words=words, signature=signature, profile=profile, seed=seed, scans=scans, key=key
    )
    say(made.sentence())
    put("", str(out), as_json=False)


@submit_app.command("verify")
def submit_verify(
    package: Annotated[Path, typer.Argument(help="What `submit pack` wrote.")],
    key: Annotated[list[Path] | None, typer.Option(help="A public key that is trusted; may be given again.")] = None,
    scans: Annotated[Path | None, typer.Option(help="The dataset folder, where the scans were imported.")] = None,
) -> None:
    """Check a submission as its receiver does. Exit code 1 for a changed file or a claim, 2 for what is none."""
    from xraybench.report import submission

    say(submission.verify(package, keys=key or (), scans=scans).sentence())


JobFile = Annotated[Path, typer.Argument(help="A job, as `xraybench federate job` writes it.")]
Unattended = Annotated[
    bool, typer.Option("--unattended", help="Nobody is asked what may leave: for tests and simulated sites.")
]
State = Annotated[
    Path | None,
    typer.Option(
        help="Folder of the site: its log, what waits for a person. Default: state, in the kit or by the key."
    ),
]
RunFolder = Annotated[Path, typer.Option(help="Folder of the run; new, or of the same run: then it goes on.")]
Init = Annotated[Path | None, typer.Option(help="Folder of the model to start from, where the job names a parent.")]


@federate_app.command("job")
def federate_job(
    out: Annotated[Path, typer.Argument(help="Where the job goes, for example job.json.")],
    threat: Annotated[list[str], typer.Option(help="What the model is to find; may be given again.")],
    sites: Annotated[int, typer.Option(help="How many sites will take part.")],
    architecture: Annotated[str, typer.Option(help="A timm backbone.")] = "mobilenetv3_small_050",
    parameter: Annotated[
        list[str] | None, typer.Option("-p", "--parameter", help="name=value, for example n_rounds=5 or quorum=3.")
    ] = None,
    parent: Annotated[Path | None, typer.Option(help="Folder of the model to start from.")] = None,
) -> None:
    """Write down what a federation is to do: numbers and names, no code."""
    from xraybench import federate

    given = pairs(parameter or [])
    options = {"threats": "--threat", "n_sites": "--sites", "architecture": "--architecture", "parent": "--parent"}
    if told := [f"-p {name}: is said by {option}." for name, option in options.items() if name in given]:
        raise BadParameter("\n".join(told))
    job = federate.job_from(
        {"name": out.stem, "architecture": architecture, "threats": threat, "n_sites": sites, **given},
        parent=federate.read_init(parent),
    )
    federate.write_job(out, job)
    put("", str(out), as_json=False)


@federate_app.command("run")
def federate_run(
    job: Annotated[Path | None, typer.Argument(help="A job; left out, notebook 40 is run.")] = None,
    site: Annotated[list[str] | None, typer.Option(help="NAME=DATASET_FOLDER, once for each site.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the run.")] = None,
    backend: Annotated[str, typer.Option(help="inprocess, or files for a rehearsal of the air gap.")] = "inprocess",
    init: Init = None,
    state: Annotated[
        Path | None, typer.Option(help="STATE/SITE keeps a site's log and ledger. Default: rehearsal/state in --out.")
    ] = None,
    unattended: Unattended = False,
    parameter: Annotated[list[str] | None, typer.Option("-p", "--parameter", help="name=value of notebook 40.")] = None,
    as_json: AsJson = False,
) -> None:
    """Train across sites on this machine: a job over dataset folders, or notebook 40 beside its baselines."""
    if job is None:
        if site or out or init or state:
            raise BadParameter("Without a job, notebook 40 is run, which takes -p only; `federate job` writes a job.")
        run("40_train_across_sites", parameter, as_json)
        return
    if parameter:
        raise BadParameter("-p is of notebook 40; the numbers of a job are given to `federate job`.")
    from dataclasses import replace

    from xraybench import federate
    from xraybench.federate import decisions, files, open_site

    if not site or out is None:
        raise BadParameter("`federate run JOB` needs --site NAME=FOLDER for each site, and --out for the run's folder.")
    if backend not in ("inprocess", "files"):
        raise BadParameter(f"Backend '{backend}' does not run on one machine; inprocess and files do.")
    places, asked = _paths(site), federate.read_job(job)
    homes = state or out / "rehearsal" / "state"  # what lies at each site in earnest
    sites = [
        open_site(name, folder, log=homes / name / decisions.FILE, approve=_approver(unattended))
        for name, folder in places.items()
    ]
    budgeted = [one.name for one in sites if one.agreement and one.agreement.epsilon and not one.dataset.is_simulated]
    if budgeted and state is None:
        raise BadParameter(
            f"The agreements of {', '.join(budgeted)} set a privacy budget, which counts over all runs: name the folder "
            "that keeps the ledgers with --state."
        )
    if backend == "inprocess":  # nothing is carried anywhere, so simulated scans need nobody's word
        sites = [replace(one, approve=None) if one.dataset.is_simulated else one for one in sites]
    play = federate.run if backend == "inprocess" else files.run
    done = play(asked, sites, out=out, init=federate.read_init(init))
    put("", str(done.net.save(out / "model")), as_json=False)


@federate_app.command("provision")
def federate_provision(
    out: Annotated[Path, typer.Argument(help="A new folder for the start-up kits.")],
    site: Annotated[list[str], typer.Option(help="Name of a site; may be given again.")],
    host: Annotated[str, typer.Option(help="The coordinator as sites reach it; localhost stays on this machine.")],
    port: Annotated[int, typer.Option(help="The coordinator's one port.")] = 8443,
    name: Annotated[str, typer.Option(help="Of the federation.")] = "xraybench",
) -> None:
    """Make the start-up kits of a network federation: certificates, keys and policies for coordinator and sites."""
    from xraybench.federate import flare

    put("", str(flare.provision(out, site, host=host, port=port, name=name)), as_json=False)


@federate_app.command("coordinate")
def federate_coordinate(
    kit: Annotated[Path, typer.Argument(help="The coordinator's start-up kit.")],
    job: JobFile,
    out: RunFolder,
    init: Init = None,
    wait: Annotated[float, typer.Option(help="Seconds to wait for all sites; then the quorum is enough.")] = 600.0,
) -> None:
    """Run a job over the network. Called again after a stop, it goes on after the last whole round."""
    from xraybench import federate
    from xraybench.federate import flare

    done = flare.coordinate(kit, federate.read_job(job), out=out, init=federate.read_init(init), wait_s=wait)
    put("", str(done.net.save(out / "model")), as_json=False)


@federate_app.command("site")
def federate_site(
    question: Annotated[Path, typer.Argument(help="This site's start-up kit, or a question that was brought.")],
    data: Annotated[Path, typer.Option(help="Dataset folder of the site; nothing in it is changed or sent.")],
    name: Annotated[str, typer.Option(help="Of the site; a kit knows it.")] = "",
    key: Annotated[Path | None, typer.Option(help="The site's private key; a kit has its own.")] = None,
    trust: Annotated[Path | None, typer.Option(help="The coordinator's public key; a kit has its own.")] = None,
    out: Annotated[Path | None, typer.Option(help="Where the answer to a question goes.")] = None,
    state: State = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    threads: Annotated[int, typer.Option(min=1, help="Threads of torch.")] = 1,
    model: Annotated[Path | None, typer.Option(help="Folder of the model that may be evaluated here.")] = None,
    unattended: Unattended = False,
) -> None:
    """Take part: over the network with a start-up kit, until stopped; or answer one question offline, by files."""
    from xraybench.federate import decisions, files, flare, kits, open_site

    if kits.is_kit(question):
        if name or key or trust or out:
            raise BadParameter(f"{question} is a start-up kit: it has its own --name, --key and --trust, and no --out.")
        options = {"device": device, "n_threads": threads, "state": state, "model": model}
        options["is_attended"] = not unattended
        raise typer.Exit(flare.serve(question, data, quiet=False, **options))
    if key is None or trust is None or out is None or not name:
        raise BadParameter(
            f"{question} is no start-up kit. To answer a question by files, give --name, --key, --trust and --out."
        )
    if model is not None:
        raise BadParameter("--model goes with a start-up kit; by files, `federate answer` evaluates a model.")
    log = (state or key.with_name("state")) / decisions.FILE
    site = open_site(name, data, device=device, n_threads=threads, log=log, approve=_approver(unattended))
    put("", str(files.answer_folder(question, site, key=key, trusted=trust, out=out)), as_json=False)


@federate_app.command("export")
def federate_export(
    job: JobFile,
    site: Annotated[list[str], typer.Option(help="NAME=PUBLIC_KEY, once for each site.")],
    key: Annotated[Path, typer.Option(help="The coordinator's private key.")],
    out: RunFolder,
    init: Init = None,
) -> None:
    """Begin a run by files: one signed folder a site, to be carried there."""
    from xraybench import federate
    from xraybench.federate import files

    keys = _paths(site)
    questions = files.export(federate.read_job(job), keys, key=key, out=out, init=federate.read_init(init))
    say(f"Carry each folder in {questions} to its site.")
    put("", str(questions), as_json=False)


@federate_app.command("merge")
def federate_merge(
    out: Annotated[Path, typer.Argument(help="Folder of the run.")],
    answers: Annotated[list[Path] | None, typer.Argument(help="Folders that sites sent back.")] = None,
    *,
    key: Annotated[Path, typer.Option(help="The coordinator's private key.")],
    close: Annotated[bool, typer.Option("--close", help="Go on without the sites that have not answered.")] = False,
) -> None:
    """Take the sites' answers in; when all are there, close the round and write the next questions."""
    from xraybench.federate import files

    now = files.merge(out, answers or [], key=key, close=close)
    for name, reason in now.rejected.items():
        say(f"not used: {name}: {reason}")
    if now.questions is None:
        put("", str(files.result(out).net.save(out / "model")), as_json=False)
        return
    say(f"Round {now.round} waits for {', '.join(now.missing)}.")
    put("", str(now.questions), as_json=False)


@federate_app.command("evaluate")
def federate_evaluate(
    out: Annotated[Path, typer.Argument(help="Folder of the evaluation.")],
    answers: Annotated[list[Path] | None, typer.Argument(help="Folders that sites sent back.")] = None,
    *,
    key: Annotated[Path | None, typer.Option(help="The coordinator's private key; by files.")] = None,
    kit: Annotated[Path | None, typer.Option(help="The coordinator's start-up kit; over the network.")] = None,
    task: Annotated[str, typer.Option(help="A task id; to begin.")] = "",
    model: Annotated[Path | None, typer.Option(help="Folder of the model, the same at every site; to begin.")] = None,
    site: Annotated[list[str] | None, typer.Option(help="NAME=PUBLIC_KEY, once for each site; to begin.")] = None,
    axes: Annotated[str, typer.Option(help="Strata, of: threat, concealment, sensor.")] = "threat,concealment",
    sensors: Annotated[str, typer.Option(help="Sensors of the sites, where that axis is asked for.")] = "",
    noise: Annotated[float, typer.Option(help="Standard deviation of the noise in each sum; 0 for exact sums.")] = 0.0,
    party: Annotated[str, typer.Option(help="Who asks, as the agreements name it.")] = "coordinator",
    purpose: Annotated[str, typer.Option(help="What for, as the agreements name it.")] = "benchmark",
    without: Annotated[list[str] | None, typer.Option(help="A site that is no longer waited for.")] = None,
) -> None:
    """Evaluate a model across sites: over the network in one go; by files, begin, then take answers in until it is done."""
    from xraybench import tasks
    from xraybench.federate import exchange
    from xraybench.federate.question import EvaluationQuestion, make_question

    def question() -> EvaluationQuestion:
        if not (task and model):
            raise BadParameter("An evaluation begins with --task and --model, and by files with --site for each site.")
        return make_question(
            task=tasks.get(task).id,
            model=exchange.model_name(model),
            model_digest=exchange.model_digest(model),
            party=party,
            purpose=purpose,
            axes=_words(axes),
            sensors=_words(sensors),
            noise=noise,
        )

    if (key is None) == (kit is None):
        raise BadParameter(
            "Give --kit to evaluate over the network, or --key to sign what is carried by files; not both."
        )
    if kit is not None:
        from xraybench.federate import flare

        if answers or site or without:
            raise BadParameter("Over the network (--kit) there are no answers to bring, no --site and no --without.")
        _say_of_sums(flare.evaluate(kit, question(), out=out))
        put("", str(out / "result.json"), as_json=False)
        return
    assert key is not None
    if task or model or site or not (out / "question.json").exists():
        if not site:
            raise BadParameter(f"{out}: an evaluation begins with --task, --model and --site for each site.")
        exchange.begin(question(), _paths(site), out, key=key)
    found = exchange.go_on(out, key=key, answers=answers or [], without=without or [])
    if isinstance(found, exchange.Waiting):
        say(f"Carry {found.message} to {', '.join(found.missing)}, and bring back what `federate answer` writes there.")
        put("", str(found.message), as_json=False)
        return
    _say_of_sums(found)
    put("", str(out / "result.json"), as_json=False)


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _say_of_sums(found: Any) -> None:
    """Who is not in the sums of an evaluation, and where nobody checked whose keys were in them."""
    for name, reason in found.absent.items():
        say(f"not in the sums: {name}: {reason}")
    if found.unverified_at:
        say(f"openings were not verified at {', '.join(found.unverified_at)}: these sites hold no keys of the others")


@federate_app.command("answer")
def federate_answer(
    message: Annotated[Path, typer.Argument(help="The folder that was brought.")],
    name: Annotated[str, typer.Option(help="Of the site.")],
    data: Annotated[Path, typer.Option(help="Dataset folder of the site; an agreement.toml in it holds.")],
    model: Annotated[Path, typer.Option(help="Folder of the model.")],
    key: Annotated[Path, typer.Option(help="The site's private key.")],
    trust: Annotated[Path, typer.Option(help="The coordinator's public key.")],
    out: Annotated[Path, typer.Option(help="Where the answer goes.")],
    state: State = None,
    trusted_sites: Annotated[
        Path | None,
        typer.Option(help="Folder of the other sites' public keys, SITE.pub, to check whose openings come."),
    ] = None,
    approve: Annotated[str, typer.Option(help="'ask' a person here, or 'unattended' for tests.")] = "ask",
) -> None:
    """Answer a message of a federated evaluation at a site; a person sees what is to leave and releases it."""
    from xraybench.federate import exchange

    if approve not in ("ask", "unattended"):
        raise BadParameter(f"--approve: '{approve}' is none of ask, unattended.")
    home = state or key.with_name("state")
    site = exchange.open_evaluation_site(
        name,
        data,
        model,
        state=home,
        approve=_approver(unattended=approve == "unattended"),
        key=key,
        trusted_sites=trusted_sites,
    )
    put("", str(exchange.answer_folder(message, site, key=key, trusted=trust, out=out)), as_json=False)


def _approver(unattended: bool) -> Any:
    from xraybench.federate import release

    return release.unattended if unattended else _ask_person


def _ask_person(payload: Any) -> Any:
    """Show what is to leave, and ask who releases it."""
    from xraybench.federate.release import Answer

    say(payload.text)
    why = "refused at the terminal"
    try:
        by = typer.prompt("Your name, to release this; empty to refuse", default="", show_default=False, err=True)
    except typer.Abort:  # the input is at its end, or Ctrl-C
        by, why = "", "nobody answered at the terminal"
    return Answer(bool(by.strip()), by.strip() or "a person at the site", "" if by.strip() else why)


@federate_app.command("log")
def federate_log(
    log: Annotated[Path, typer.Argument(help="A site's log of decisions.")],
    as_json: AsJson = False,
) -> None:
    """Show a site's decisions with their reasons, and check that no line was changed, taken out or put in."""
    from xraybench.federate import decisions

    entries = decisions.read(log)
    lines = [
        f"{e.time}  {e.point:8}{e.action:15}{'yes' if e.allowed else 'NO':5}{e.party}: {e.reason}" for e in entries
    ]
    put([entry.model_dump(mode="json") for entry in entries], "\n".join(lines), as_json=as_json)


@federate_app.command("leaks")
def federate_leaks(
    model: Annotated[Path, typer.Argument(help="Folder of a model that learned from this site.")],
    data: Annotated[Path, typer.Option(help="Dataset folder of the site, with its train items.")],
    as_json: AsJson = False,
) -> None:
    """Before weights are released: how well does an attacker tell which scans they were learned from?"""
    from dataclasses import asdict

    from xraybench import data as datasets
    from xraybench import models
    from xraybench.core.documents import ModelSignature, read_document
    from xraybench.federate import privacy

    track = read_document(model / "signature.json", ModelSignature).track
    found = privacy.membership_of(models.from_folder(model), datasets.read_dataset(data), track)
    text = (
        f"membership inference, loss attack: AUROC {found.auroc:.3f} [{found.interval.low:.3f}, {found.interval.high:.3f}] "
        f"on {found.n_members} learned and {found.n_others} other scans (0.5: not at all); at 1 % false claims "
        f"{found.tpr_at_low_fpr:.3f} of the learned ones are told (0.01: not at all). A stronger attack may tell more."
    )
    put(asdict(found), text, as_json=as_json)


@federate_app.command("agreement")
def federate_agreement(
    site: Annotated[str, typer.Argument(help="The site whose scans it is about.")],
    party: Annotated[list[str] | None, typer.Option(help="Who may ask, once for each.")] = None,
) -> None:
    """Print an agreement to start from; put it into the dataset folder as agreement.toml."""
    from xraybench.data import agreement

    put("", agreement.template(site, parties=tuple(party or ["coordinator"])), as_json=False)


@federate_app.command("status")
def federate_status(
    out: Annotated[Path, typer.Argument(help="Folder of a run.")],
    as_json: AsJson = False,
) -> None:
    """How a run stands: rounds, sites, and what went otherwise than planned."""
    from dataclasses import asdict

    from xraybench.federate import status

    found = status.status(out)
    put(asdict(found), status.text(found), as_json=as_json)


@board_app.command("build")
def leaderboard_build(
    board: Annotated[Path | None, typer.Option(help="Folder leaderboards/; default: the repository's.")] = None,
    full: Annotated[bool, typer.Option(help="Read every result again, whatever an earlier build noted.")] = False,
) -> None:
    """Build the static site from the results: the pages whose results changed since the last build."""
    from xraybench import report
    from xraybench.bench import board_folder

    built = report.rebuild(board or board_folder(), is_full=full)
    say(f"{len(built.written)} of {built.n_files} files of the site made again")
    put("", str(built.front), as_json=False)


@board_app.command("add")
def leaderboard_add(
    package: Annotated[Path, typer.Argument(help="What a vendor's `submit pack` wrote.")],
    board: Annotated[Path | None, typer.Option(help="Folder leaderboards/; default: the repository's.")] = None,
    cards: Annotated[Path | None, typer.Option(help="Default: model_cards/ beside the board.")] = None,
    key: Annotated[list[Path] | None, typer.Option(help="A public key that is trusted; may be given again.")] = None,
    scans: Annotated[Path | None, typer.Option(help="The dataset folder, where the scans were imported.")] = None,
) -> None:
    """Verify a submission, keep its predictions and words, and score every task on them; rank and build come after."""
    from xraybench.bench import board_folder
    from xraybench.report import submission

    folder = board or board_folder()
    found = submission.accept(package, folder, cards or folder.parent / "model_cards", keys=key or (), scans=scans)
    say(f"{found[0].model}: {len(found)} tasks scored; next: leaderboard rank, leaderboard build, card build")
    put("", str(folder / "results" / found[0].model), as_json=False)


@board_app.command("check")
def leaderboard_check(
    board: Annotated[Path | None, typer.Option(help="Folder leaderboards/; default: the repository's.")] = None,
    recompute: Annotated[
        bool, typer.Option(help="Make labels again from the seed, every result and rank set from the predictions.")
    ] = False,
    scans: Annotated[
        list[Path] | None, typer.Option(help="A dataset folder whose results to recompute too; may be repeated.")
    ] = None,
) -> None:
    """Is the site the byte-identical product of the results? Exit code 1 when not."""
    from xraybench import report
    from xraybench.bench import board_folder, recompute_ranks, recompute_results

    folder = board or board_folder()
    if recompute:
        say(recompute_results(folder, scans=scans or ()))
        say(recompute_ranks(folder, scans=scans or ()))
    say(report.check(folder))


@board_app.command("rank")
def leaderboard_rank(
    board: Annotated[Path | None, typer.Option(help="Folder leaderboards/; default: the repository's.")] = None,
    scans: Annotated[
        list[Path] | None, typer.Option(help="A dataset folder of imported scans to rank on; may be repeated.")
    ] = None,
) -> None:
    """Write rank sets, curves and suite means from the kept predictions; `build` then makes the site."""
    from xraybench import data, report
    from xraybench.bench import board_folder

    written = report.rank_board(board or board_folder(), datasets=[data.load(folder) for folder in scans or ()])
    say(f"{len(written)} files of rank sets, curves and suites written")


@board_app.command("diff")
def leaderboard_diff(
    base: Annotated[
        str, typer.Option(help="What to compare with: a board folder, or a git revision such as origin/main.")
    ],
    board: Annotated[Path | None, typer.Option(help="Folder leaderboards/; default: the repository's.")] = None,
) -> None:
    """Say in Markdown what changed on the board: models, numbers and whether beyond noise, ranks, tasks, what is gone."""
    from xraybench.bench import board_folder
    from xraybench.report import changes

    folder = board or board_folder()
    with changes.sides_of(base, folder) as sides:
        sys.stdout.write(changes.render(changes.changes(sides)))


@board_app.command("report")
def leaderboard_report(
    model: Annotated[list[str] | None, typer.Argument(help="Models on the board; default: all of them.")] = None,
    board: Annotated[Path | None, typer.Option(help="Folder leaderboards/; default: the repository's.")] = None,
    out: Annotated[Path | None, typer.Option(help="Default: report_cards/ beside the board.")] = None,
    scans: Annotated[str, typer.Option(help="A dataset folder of real scans, for cards about these alone.")] = "",
    show_real: Annotated[
        bool, typer.Option("--show-real", help="Show pictures of real scans, if their owner allows it.")
    ] = False,
    workers: Annotated[int, typer.Option(min=0, help="Notebooks at a time; 0 takes one per core.")] = 0,
) -> None:
    """Write report cards of vendors: an executed notebook as one page, and the same numbers as JSON."""
    from xraybench import bench as job

    folder = board or job.board_folder()
    cards = out or folder.parent / job.REPORT_CARDS
    if show_real and not scans:
        raise BadParameter("--show-real goes with --scans: only a card about real scans can show them.")
    about = {"scans": scans, "show_real": show_real} if scans else {}
    pages = job.write_report_cards(folder, cards, models=model or (), about=about, workers=workers, tell=say)
    put("", "\n".join(map(str, pages)), as_json=False)


@board_app.command("sign")
def leaderboard_sign(
    key: Annotated[Path, typer.Option(help="Private key, as `xraybench keys make` writes it.")],
    board: Annotated[Path | None, typer.Option(help="Folder leaderboards/; default: the repository's.")] = None,
) -> None:
    """Vouch for every file of the board, and of the model cards and report cards beside it, with your key."""
    from xraybench.bench import board_folder
    from xraybench.report import attest

    put("", "\n".join(map(str, attest.sign_board(board or board_folder(), key=key))), as_json=False)


@board_app.command("verify")
def leaderboard_verify(
    key: Annotated[list[Path], typer.Option(help="A public key that is trusted; may be given again.")],
    board: Annotated[Path | None, typer.Option(help="Folder leaderboards/; default: the repository's.")] = None,
) -> None:
    """Is every file of the board and its cards as it was signed? Names what was changed, lost or added; exit code 1."""
    from xraybench.bench import board_folder
    from xraybench.report import attest

    verdict = attest.verify_board(board or board_folder(), keys=key)
    say(f"{verdict.n_files} files are as key {verdict.key_id[:16]} signed them.")
    for name in verdict.absent:
        say(f"{name}: was signed with this board and is not here, so nothing is said of it")


@keys_app.command("make")
def keys_make(
    path: Annotated[Path, typer.Argument(help="Where the private key goes; FILE.pub goes beside it.")],
) -> None:
    """Make a key to sign with."""
    from xraybench.report import attest

    put("", attest.make_key(path), as_json=False)


@keys_app.command("id")
def keys_id(
    path: Annotated[Path, typer.Argument(help="A public key, FILE.pub.")],
) -> None:
    """Print a key's id: what two people read to each other before they trust each other's keys."""
    from xraybench.report import attest

    put("", attest.key_id(attest.read_public_key(path)), as_json=False)


@keys_app.command("sign")
def keys_sign(
    folder: Annotated[Path, typer.Argument(help="A folder, such as a run with its executed notebook.")],
    key: Annotated[Path, typer.Option(help="Private key, as `xraybench keys make` writes it.")],
) -> None:
    """Vouch for every file of a folder with your key; boards have `leaderboard sign`."""
    from xraybench.report import attest

    put("", str(attest.sign_folder(folder, key=key)), as_json=False)


@keys_app.command("verify")
def keys_verify(
    folder: Annotated[Path, typer.Argument(help="A folder that was signed.")],
    key: Annotated[list[Path], typer.Option(help="A public key that is trusted; may be given again.")],
) -> None:
    """Is every file of a folder as it was signed? Names what was changed, lost or added; exit code 1."""
    from xraybench.report import attest

    verdict = attest.verify_folder(folder, keys=key)
    say(f"{verdict.n_files} files are as key {verdict.key_id[:16]} signed them.")


@card_app.command("build")
def card_build(
    model: Annotated[list[str] | None, typer.Argument(help="Models on the board; default: all of them.")] = None,
    board: Annotated[Path | None, typer.Option(help="Folder leaderboards/; default: the repository's.")] = None,
    words: Annotated[Path | None, typer.Option(help="Words of the one model; default: its MODEL.toml.")] = None,
    out: Annotated[Path | None, typer.Option(help="Default: model_cards/ beside the board.")] = None,
) -> None:
    """Write cards: the vendor's words from MODEL.toml, every number from the results, as Markdown, page and JSON."""
    from xraybench import report
    from xraybench.bench import board_folder

    folder = board or board_folder()
    cards = out or folder.parent / "model_cards"
    models = model or report.models_on(folder)
    if not models:
        raise BadFile(f"{folder / 'results'}: holds no result file, so there is no card to write.")
    if words is not None and (len(models) != 1 or not words.is_file()):
        raise BadParameter(f"--words {words}: name one model, and a file that is there.")
    for name in models:
        told = words or report.words_file(name, cards, folder.parent / "model_cards")
        made = report.card(name, folder, told, out=cards)
        if made.gaps:
            say(f"{name}: {len(made.gaps)} gaps: {', '.join(made.gaps)}")
        put("", str(made.markdown_file), as_json=False)


@card_app.command("check")
def card_check(
    model: Annotated[list[str] | None, typer.Argument(help="Models on the board; default: all of them.")] = None,
    board: Annotated[Path | None, typer.Option(help="Folder leaderboards/; default: the repository's.")] = None,
    cards: Annotated[Path | None, typer.Option(help="Default: model_cards/ beside the board.")] = None,
    as_json: AsJson = False,
) -> None:
    """Lint cards: stale or typed numbers, gaps, claims, broken references, a missing notice. Exit code 1 for a fault."""
    from dataclasses import asdict

    from xraybench import report
    from xraybench.bench import board_folder

    folder = board or board_folder()
    found = report.check_cards(folder, cards or folder.parent / "model_cards", model or ())
    n_faults = sum(finding.is_fault for finding in found)
    lines = [f"{'fault' if finding.is_fault else 'open '} {finding}" for finding in found]
    n_models = len(model or report.models_on(folder))
    lines.append(f"{n_models} cards: {n_faults} faults, {len(found) - n_faults} open fields")
    put([asdict(finding) for finding in found], "\n".join(lines), as_json=as_json)
    if n_faults:
        raise typer.Exit(1)


@card_app.command("export")
def card_export(
    model: Annotated[str, typer.Argument(help="A model on the board.")],
    out: Annotated[Path, typer.Argument(help="The new file.")],
    to: Annotated[
        str, typer.Option(help="cyclonedx: a machine-learning bill of materials, version 1.6, JSON.")
    ] = "cyclonedx",
    board: Annotated[Path | None, typer.Option(help="Folder leaderboards/; default: the repository's.")] = None,
    words: Annotated[Path | None, typer.Option(help="Words of the model; default: its MODEL.toml.")] = None,
) -> None:
    """Write a card in the form of another tool."""
    from xraybench import report
    from xraybench.bench import board_folder
    from xraybench.core.documents import write_text

    folder = board or board_folder()
    if words is not None and not words.is_file():
        raise BadFile(f"{words}: there is no such file.")
    made = report.export_card(model, folder, words or report.words_file(model, folder.parent / "model_cards"), to=to)
    write_text(out, json.dumps(made, indent=1, ensure_ascii=False) + "\n")
    put("", str(out), as_json=False)


@card_app.command("template")
def card_template(model: Annotated[str, typer.Argument(help="Name of the model on the board.")]) -> None:
    """Print an empty file of the vendor's words: each field with what it asks for."""
    from xraybench.core.documents import checked_model
    from xraybench.report.card_words import template

    sys.stdout.write(template(checked_model(model)))


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Say what is installed, what is missing and what it is for."""
    from xraybench import doctor as checkup

    found = checkup.findings()
    put(found, checkup.text(found), as_json=as_json)
    if any(not f["is_installed"] and f["is_required"] for f in found):
        raise typer.Exit(1)


@app.command()
def lab() -> None:
    """Open JupyterLab on the notebooks; nothing is asked from a server on the internet."""
    from xraybench import doctor as checkup

    raise typer.Exit(checkup.open_lab())
