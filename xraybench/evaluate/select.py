"""What a task counts: one row per item and sensor, with its truth, its score and its slices.

A task's positives are the items with its threat in its concealment, its negatives all benign items of the same corpora
that are not declared empty. `any` threat is every threat and no control: an item that holds a control alone (a shield, an
undeclared load, another load than declared) counts in the task of that control and nowhere else. Whether an item is empty
as declared is asked of the items that are declared empty, so the negatives of `empty_verification` are the benign ones
among them. An item scanned by two sensors gives two rows and one cluster: rows are counted, items are resampled. Truth
and scores are joined once per model (`join`); every task is then a cut of that join (`select`), so a board of hundreds of
tasks costs one pass over the predictions.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from xraybench import tasks
from xraybench.core import vocabulary
from xraybench.core.errors import BadTable, DigestMismatch
from xraybench.core.task import Task
from xraybench.core.types import BoolArray, Dataset, FloatArray, IntArray, Predictions
from xraybench.data.profiles import size_of
from xraybench.metrics import box_precision
from xraybench.metrics.detection import EDGES, hits_per_item


@dataclass(frozen=True)
class Joined:
    """Truth and scores of one model over a dataset.

    `scans` is indexed by scan_id (sorted) with item_id, corpus, vector, sensor, declared, split, site, item, is_benign,
    status; `item` numbers the items in the order of their ids.
    `scores` and `hits` have one column per target: the score, and whether the model's best box hits such a threat (NaN
    without a true box). `objects` has one row a threat in a view, the largest first; `boxes` one row a predicted box.
    """

    dataset: Dataset
    predictions: Predictions
    scans: pd.DataFrame
    scores: pd.DataFrame
    hits: pd.DataFrame
    objects: pd.DataFrame
    boxes: pd.DataFrame


@dataclass(frozen=True)
class Selection:
    """The rows of one task for one model.

    `rows` has one row per scan of a test item that counts: scan_id, item_id, item, sensor, site, is_threat, score, threat,
    concealment, size, shape, hit. `calibration` holds the scores of the benign calibration items, from which the
    threshold is set, and `calibration_items` whose they are. `scan_ids` are all scans that count, calibration included;
    `has_boxes` tells a model that gives boxes from one that never does.
    """

    task: Task
    rows: pd.DataFrame
    calibration: FloatArray
    calibration_items: IntArray
    scan_ids: frozenset[str]
    has_boxes: bool

    @property
    def is_threat(self) -> BoolArray:
        return np.asarray(self.rows["is_threat"], dtype=bool)

    @property
    def scores(self) -> FloatArray:
        return np.asarray(self.rows["score"], dtype=float)


@dataclass(frozen=True)
class CountedBoxes:
    """Boxes of one task. Row i of the selection holds the views i * n_views to (i + 1) * n_views - 1."""

    truth: box_precision.Boxes
    found: box_precision.Boxes
    classes: tuple[str, ...]  # names of the targets, in order of their numbers
    n_views: int  # of a scan, at most


def join(dataset: Dataset, predictions: Predictions) -> Joined:
    """Join truth and scores of one model, for the corpora that both have.

    Raises:
        DigestMismatch: The predictions were made for other data, or for none of these corpora.
    """
    shared = _shared_corpora(dataset, predictions)
    scans = dataset.scans.table
    scans = scans[scans["corpus"].isin(shared)].merge(dataset.items[["item_id", "split", "site"]], on="item_id")
    scans = scans.set_index("scan_id").sort_index()[_FACTS]
    scans["item"] = pd.factorize(scans["item_id"], sort=True)[0]
    scans["is_benign"] = ~scans.index.isin(dataset.objects["scan_id"])
    seen = predictions.kind("scan")
    scans["status"] = seen.drop_duplicates("scan_id").set_index("scan_id")["status"].reindex(scans.index)
    rows = predictions.kind("score").drop_duplicates(["scan_id", "target"])
    scores = rows.pivot(index="scan_id", columns="target", values="score").reindex(scans.index)
    objects = dataset.objects.assign(size=size_of(dataset.objects, dataset.scans.table))
    objects = objects[objects["scan_id"].isin(scans.index)]
    objects = objects.sort_values(["view_share", "object_index"], ascending=[False, True], kind="stable")
    boxes = predictions.kind("box")
    boxes = boxes[boxes["scan_id"].isin(scans.index)]
    return Joined(dataset, predictions, scans, scores, _hits(objects, boxes, scans.index), objects, boxes)


def select(task: Task, joined: Joined) -> Selection:
    """The rows that a task counts.

    A model that gives no score at all for the task's threat is measured by its `any` score: an alarm is an alarm. A scan
    that it failed on counts as no alarm: the officer gets none either.

    Raises:
        DigestMismatch: The predictions do not cover a corpus of the task.
        BadTable: A scan was not looked at, or has no score; all such scans are counted and the first are named.
    """
    corpora = corpora_of(task, joined.dataset)
    if lacking := sorted(set(corpora) - set(joined.scans["corpus"])):
        raise DigestMismatch(f"Predictions of {joined.predictions.model} hold no row for corpus {', '.join(lacking)}.")
    scans = joined.scans[joined.scans["corpus"].isin(corpora)]
    told = _counted(task, joined.objects).drop_duplicates("scan_id").set_index("scan_id")[_TOLD]
    is_asked = (scans["declared"] == vocabulary.EMPTY) == (task.threat == vocabulary.EMPTY_VERIFICATION)
    rows = scans.assign(is_threat=scans.index.isin(told.index), is_benign=scans["is_benign"] & is_asked)
    rows = rows[rows["is_threat"] | rows["is_benign"]]
    target = task.target if task.target in joined.scores.columns else vocabulary.ANY
    rows = rows.assign(score=_scores(task, target, joined, rows))
    rows = rows.join(told).fillna(dict.fromkeys(_TOLD, ""))
    rows = rows.assign(hit=joined.hits[task.target].reindex(rows.index))
    is_test = rows["split"] == "test"
    is_calibration = (rows["split"] == "calibration") & rows["is_benign"]
    return Selection(
        task,
        rows[is_test].reset_index(),
        rows.loc[is_calibration, "score"].to_numpy(dtype=float),
        rows.loc[is_calibration, "item"].to_numpy(dtype=np.int64),
        frozenset(rows.index[is_test | is_calibration]),
        has_boxes=len(joined.boxes) > 0,
    )


def counted_boxes(task: Task, joined: Joined, chosen: Selection) -> CountedBoxes | None:
    """The true and predicted boxes of a task's test scans; None where the model gives no boxes.

    A model that names no class in its boxes is measured with all classes as one; else a box counts for the class it names.
    """
    if not chosen.has_boxes:
        return None
    place = pd.Series(np.arange(len(chosen.rows)), index=chosen.rows["scan_id"])
    truth = _counted(task, joined.objects).dropna(subset=EDGES)
    truth = truth[truth["scan_id"].isin(place.index)]
    found = joined.boxes[joined.boxes["scan_id"].isin(place.index)]
    names_classes = bool((joined.boxes["target"] != vocabulary.ANY).any())
    classes = tuple(sorted(set(truth["threat"]), key=_vocabulary_order)) if names_classes else (vocabulary.ANY,)
    n_views = 1 + max(int(part["view"].max()) if len(part) else 0 for part in (truth, found))
    if names_classes:
        found = found[found["target"].isin(classes)]
    kind = {name: number for number, name in enumerate(classes)}

    def packed(table: pd.DataFrame, classes_of: "pd.Series[str]", score: FloatArray | None) -> box_precision.Boxes:
        targets = (
            classes_of.map(kind).to_numpy(dtype=np.int64) if names_classes else np.zeros(len(table), dtype=np.int64)
        )
        views = place[table["scan_id"]].to_numpy() * n_views + table["view"].to_numpy(dtype=np.int64)
        return box_precision.boxes(views, targets, table[EDGES].to_numpy(dtype=float), score=score)

    return CountedBoxes(
        packed(truth, truth["threat"], None),
        packed(found, found["target"], found["score"].to_numpy(dtype=float)),
        classes,
        n_views,
    )


def _vocabulary_order(threat: str) -> int:
    return vocabulary.names("threat").index(threat)


def corpora_of(task: Task, dataset: Dataset) -> list[str]:
    """The dataset's corpora that the task is measured on.

    Raises:
        DigestMismatch: The dataset holds none.
    """
    table = dataset.scans.table
    fits = table["vector"] == task.vector
    wanted = tasks.sensors_of(task)
    if wanted:
        fits &= table["sensor"].isin(wanted)
    corpora = sorted(set(table["corpus"][fits]))
    if not corpora:
        raise DigestMismatch(f"Dataset {dataset.name} holds nothing that {task.id} is measured on.")
    return corpora


_FACTS = ["item_id", "corpus", "vector", "sensor", "declared", "split", "site"]
_TOLD = ["threat", "concealment", "size", "shape"]


def _counted(task: Task, objects: pd.DataFrame) -> pd.DataFrame:
    """The objects that make an item a positive of the task."""
    if task.threat == vocabulary.ANY:
        objects = objects[~objects["threat"].isin(vocabulary.CONTROLS)]
    else:
        objects = objects[objects["threat"] == task.threat]
    return objects if task.concealment == vocabulary.ANY else objects[objects["concealment"] == task.concealment]


def _shared_corpora(dataset: Dataset, predictions: Predictions) -> list[str]:
    given = predictions.corpora
    shared = sorted(set(dataset.corpora) & set(given))
    if not shared:
        raise DigestMismatch(
            f"Predictions of {predictions.model} are for {', '.join(sorted(given)) or 'no corpus'}; "
            f"the dataset is {', '.join(sorted(dataset.corpora))}."
        )
    for corpus in shared:
        if given[corpus] != dataset.corpora[corpus]:
            raise DigestMismatch(
                f"Predictions of {predictions.model} for corpus {corpus} were made for data {given[corpus]}; "
                f"this is {dataset.corpora[corpus]} (profile {dataset.profile}, seed {dataset.seed})."
            )
    return shared


def _scores(task: Task, target: str, joined: Joined, rows: pd.DataFrame) -> "pd.Series":
    """The target's score of every row."""
    if target not in joined.scores.columns:
        raise BadTable(f"predictions of {joined.predictions.model}", ["no score row for target 'any'"])
    scores = joined.scores[target].reindex(rows.index)
    unseen = rows.index[rows["status"].isna()]
    faults = [f"scan {s}: no scan row, so it was not looked at" for s in unseen]
    unscored = rows.index[(rows["status"] == "ok") & scores.isna()]
    faults += [f"scan {s}: status ok but no score for target '{target}'" for s in unscored]
    if faults:
        raise BadTable(f"predictions of {joined.predictions.model} for {task.id}", faults)
    return scores.fillna(0.0)


def _hits(objects: pd.DataFrame, found: pd.DataFrame, scan_ids: "pd.Index") -> pd.DataFrame:
    """1 where the best box of a scan hits a threat of the target, 0 where not, NaN without a true box."""
    boxes = objects.dropna(subset=["x0", "y0", "x1", "y1"])
    found = found[found["scan_id"].isin(set(boxes["scan_id"]))]
    columns = {vocabulary.ANY: hits_per_item(scan_ids, boxes[~boxes["threat"].isin(vocabulary.CONTROLS)], found)}
    for threat in vocabulary.names("threat"):
        columns[threat] = hits_per_item(scan_ids, boxes[boxes["threat"] == threat], found)
    return pd.DataFrame(columns, index=scan_ids)
