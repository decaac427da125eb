"""Scoring from files: what a vendor sends in, what a board keeps."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pandas as pd

from xraybench import data, tasks
from xraybench.core.documents import ResultFile, checked_model, read_document
from xraybench.core.errors import BadFile, BadValue, UnknownName
from xraybench.core.task import Task
from xraybench.core.types import Dataset, Predictions
from xraybench.core.vocabulary import ANY
from xraybench.data.unrendered import labels_only
from xraybench.evaluate.compare import Comparison, compare
from xraybench.evaluate.score import dataset_key, score, score_joined
from xraybench.evaluate.select import Joined, join, select
from xraybench.formats.predictions import read_predictions


def task_and_dataset(name: str, *, profile: str, seed: int) -> tuple[Task, Dataset]:
    """The task of this name with its data: a task id, a corpus id (its any-any task), or a dataset folder.

    Simulated data come without pixels: what is scored are predictions that were made elsewhere.
    """
    if Path(name).is_dir():
        dataset = data.load(name)
        table = dataset.scans.table
        return tasks.of_dataset(table["vector"].iloc[0], table["sensor"].iloc[0]), dataset
    task = _declared(name)
    return task, labels_only(task.id, profile=profile, seed=seed)


def _declared(name: str) -> Task:
    """The task of a task id or corpus id."""
    try:
        return tasks.get(name)
    except UnknownName:
        vector, _, sensor = name.partition("-")
        wide = (vector, ANY, ANY, sensor)
        found = [t for t in tasks.select() if (t.vector, t.threat, t.concealment, t.sensor) == wide]
        if not found:
            raise
        return found[0]


def _told(name: str, paths: Sequence[Path]) -> Predictions:
    """What the files say, read before any labels are made."""
    if not Path(name).is_dir():
        _declared(name)
    return read_all(paths)


def read_all(paths: Sequence[Path]) -> Predictions:
    """One model's rows from one file per corpus.

    Raises:
        BadFile: The files name more than one model, or one corpus twice.
    """
    parts = [read_predictions(path) for path in paths]
    if len({part.model for part in parts}) != 1:
        raise BadFile(f"The files name {len({p.model for p in parts})} models; one call scores one model.")
    corpora = [corpus for part in parts for corpus in part.corpora]
    if twice := sorted({corpus for corpus in corpora if corpora.count(corpus) > 1}):
        raise BadFile(f"More than one of the files speaks of {', '.join(twice)}; one file a corpus is right.")
    return Predictions(parts[0].model, pd.concat([p.table for p in parts], ignore_index=True))


def score_files(name: str, paths: Sequence[Path], *, profile: str, seed: int) -> ResultFile:
    """Score prediction files on a task, a corpus or a dataset folder."""
    told = _told(name, paths)
    task, dataset = task_and_dataset(name, profile=profile, seed=seed)
    return score(task, dataset, told)


def check_file(name: str, path: Path, *, profile: str, seed: int) -> str:
    """Say that a prediction file would be scored, or raise with everything that is wrong with it."""
    told = _told(name, [path])
    checked_model(told.model)
    task, dataset = task_and_dataset(name, profile=profile, seed=seed)
    chosen = select(task, join(dataset, told))
    return f"{path}: {len(chosen.scan_ids)} scans, every one looked at; it would be scored on {task.id}"


def predictions_file(folder: Path, model: str, corpus: str, dataset: str = "") -> Path:
    """Where a board keeps a model's rows for one corpus; `dataset` is the key of imported data (`score.dataset_key`)."""
    return folder / model / (f"{corpus}@{dataset}.parquet" if dataset else f"{corpus}.parquet")


def board_predictions(model: str, corpora: Iterable[str], folder: Path, *, dataset: str = "") -> Predictions:
    """A model's kept rows for these corpora; `dataset` is the key of imported data, as in its result files.

    Raises:
        BadFile: The board has no predictions of this model for a corpus.
    """
    paths = [predictions_file(folder, model, corpus, dataset) for corpus in corpora]
    missing = [path for path in paths if not path.exists()]
    if missing:
        raise BadFile(f"The board has no predictions {', '.join(str(p) for p in missing)}.")
    return read_all(paths)


def compare_files(task_id: str, first: str, second: str, board: Path, *, scans: Path | None = None) -> Comparison:
    """Compare two models of a board on one task.

    Args:
        task_id: The task; of imported data, as its result files name it.
        first: A model on the board.
        second: Another one.
        board: Folder of the board.
        scans: The dataset folder, for results on imported data.

    Raises:
        BadFile: One of them has no result on this task.
        BadValue: No task of this dataset is called so.
    """
    real = data.load(scans) if scans else None
    task = tasks.get(task_id) if real is None else _task_of_dataset(task_id, real)
    key = "" if real is None else dataset_key(real)
    stem = f"{task.id}@{key}" if key else task.id
    results = [read_document(board / "results" / m / f"{stem}.json", ResultFile) for m in (first, second)]
    dataset = real or labels_only(task.id, profile=results[0].profile, seed=results[0].seed)
    both = [board_predictions(r.model, r.corpora, board / "predictions", dataset=key) for r in results]
    return compare(task, dataset, *both)


def _task_of_dataset(task_id: str, dataset: Dataset) -> Task:
    table = dataset.scans.table
    vector, sensor = table["vector"].iloc[0], table["sensor"].iloc[0]
    found = {t.id: t for name in (ANY, *dataset.threats) for t in (tasks.of_dataset(vector, sensor, threat=name),)}
    if task_id not in found:
        raise BadValue(f"{dataset.name} has no task '{task_id}'. It has: {', '.join(found)}.")
    return found[task_id]


def rescore(
    published: Sequence[ResultFile], folder: Path, *, datasets: Sequence[Dataset] = ()
) -> Iterator[tuple[ResultFile, ResultFile]]:
    """Every published result with the same made again: from labels and kept predictions, without any pixels.

    Labels of simulated data are made of the seed. Results on imported data are left out unless their dataset is given.
    Results are best given model by model, so that each model's rows are read and joined once per vector.
    """
    made: dict[tuple[str, str, int], Dataset] = {}
    given = {dataset_key(dataset): dataset for dataset in datasets}
    joined: dict[tuple[str, str], Joined] = {}
    for stored in published:
        if stored.is_simulated:
            task = tasks.get(stored.task)
            name = widest(task).id
            key = (name, stored.profile, stored.seed)
            if key not in made:
                made[key] = labels_only(name, profile=stored.profile, seed=stored.seed)
            dataset = made[key]
        elif stored.dataset in given:
            dataset, name = given[stored.dataset], stored.dataset
            task = _task_of_dataset(stored.task, dataset)
        else:
            continue
        if (stored.model, name) not in joined:
            corpora = sorted(dataset.corpora)
            kept = [c for c in corpora if predictions_file(folder, stored.model, c, stored.dataset).exists()]
            joined = {k: one for k, one in joined.items() if k[0] == stored.model}
            rows = board_predictions(stored.model, kept or corpora, folder, dataset=stored.dataset)
            joined[stored.model, name] = join(dataset, rows)
        again = score_joined(task, joined[stored.model, name], track=stored.track, n_replicates=stored.n_replicates)
        yield stored, again


def widest(task: Task) -> Task:
    """The task over every threat and concealment whose data holds this one's: on any sensor, or on a sensor that `any`
    does not stand for."""
    sensor = ANY if set(tasks.sensors_of(task)) <= set(tasks.suite_sensors(task.vector)) else task.sensor
    return tasks.select(vector=task.vector, threat=ANY, concealment=ANY, sensor=sensor)[0]
