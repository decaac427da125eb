"""A small board that is true through and through: labels from the seed, made-up scores, results from the predictions.

`write_small_board(folder)` lays out what `xraybench bench` would, so that `leaderboard check --recompute` holds on it. The
scans of its data are made up as well (`with_pictures`), since nothing on a board depends on a pixel.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from xraybench import evaluate, report, tasks
from xraybench.core import tables, vocabulary
from xraybench.core.chance import stream
from xraybench.core.documents import ModelSignature, write_document
from xraybench.core.types import Dataset, Predictions, ScanSet
from xraybench.data.unrendered import labels_only
from xraybench.formats.predictions import write_predictions

SKILL = {"acme-v1": 0.8, "acme-v2": 2.6, "rival": 1.4}  # how far threats score above benign items, in deviations
TASKS = ("mail-any-any-any-v1", "mail-any-any-mail_160kv-v1", "mail-any-any-mail_140kv-v1", "mail-any-masked-any-v1")


def write_small_board(
    folder: Path, *, skill: Mapping[str, float] = SKILL, task_ids: tuple[str, ...] = TASKS, with_site: bool = True
) -> Path:
    """A board of these models on simulated mail at profile smoke, with ranks, curves and site; returns it."""
    dataset = labels_only(TASKS[0], profile="smoke", seed=0)
    for name, skilled in skill.items():
        predictions = made_predictions(dataset, name, skilled)
        for corpus, rows in predictions.table.groupby("corpus", sort=True):
            part = Predictions(name, rows.reset_index(drop=True))
            write_predictions(folder / "predictions" / name / f"{corpus}.parquet", part)
        kept = evaluate.board_predictions(name, sorted(dataset.corpora), folder / "predictions")
        joined = evaluate.join(dataset, kept)
        for task_id in task_ids:
            report.save(evaluate.score_joined(tasks.get(task_id), joined, track="raw"), folder / "results")
        write_document(folder / "models" / f"{name}.json", made_signature(name))
    report.rank_board(folder, quiet=True)
    if with_site:
        report.build(folder)
    return folder


def made_predictions(dataset: Dataset, name: str, skilled: float) -> Predictions:
    """Scores of a model of this skill, a box in every scan, two milliseconds each."""
    threats = set(dataset.objects["scan_id"][~dataset.objects["threat"].isin(vocabulary.CONTROLS)])
    rows = []
    for scan_id, corpus in zip(dataset.scans.table["scan_id"], dataset.scans.table["corpus"], strict=True):
        head = {
            "model": name,
            "corpus": corpus,
            "dataset_digest": dataset.corpora[corpus],
            "scan_id": scan_id,
            "view": 0,
        }
        drawn = stream(7, name, scan_id).normal(skilled if scan_id in threats else 0.0)
        score = float(1.0 / (1.0 + np.exp(-drawn)))
        rows.append({**head, "record": "scan", "status": "ok", "latency_ms": 2.0})
        rows.append({**head, "record": "score", "target": "any", "score": score})
        rows.append({**head, "record": "box", "target": "any", "score": score, "x0": 20, "y0": 30, "x1": 60, "y1": 70})
    frame = pd.DataFrame(rows, columns=tables.PREDICTIONS.column_names)
    return Predictions(name, tables.check(frame, tables.PREDICTIONS, source=name))


def made_signature(name: str, **training: object) -> ModelSignature:
    return ModelSignature(
        name=name,
        adapter="prediction_file",
        track="raw",
        channels=["hi", "lo"],
        full_scale=60000.0,
        image_px=64,
        targets=["any"],
        n_parameters=0,
        architecture="undisclosed",
        training=training,
        weights_digest=f"weights of {name}",
    )


def with_pictures(dataset: Dataset, *, difficulty: pd.DataFrame | None = None) -> Dataset:
    """The same data with made-up pixels: grey scans with a dark square where the first threat is."""
    boxes = dataset.objects.dropna(subset=["x0"]).drop_duplicates("scan_id").set_index("scan_id")

    def read(scan_id: str) -> tuple[np.ndarray, ...]:
        view = np.full((160, 160, 2), 40000, np.uint16)
        if scan_id in boxes.index:
            x0, y0, x1, y1 = (int(boxes.loc[scan_id, edge]) for edge in ("x0", "y0", "x1", "y1"))
            view[y0:y1, x0:x1] = 6000
        return (view,)

    scans = dataset.scans
    shown = ScanSet(scans.table, read, scans.track, scans.full_scale, scans.corpora)
    return replace(
        dataset, view_sets={scans.track: shown}, difficulty=pd.DataFrame() if difficulty is None else difficulty
    )
