"""From predictions to numbers: score a task, compare models on it, from memory or from files."""

from xraybench.data.unrendered import labels_only
from xraybench.evaluate.compare import Comparison, Ranking, compare, rank, roc_band
from xraybench.evaluate.files import (
    board_predictions,
    check_file,
    compare_files,
    rescore,
    score_files,
    task_and_dataset,
)
from xraybench.evaluate.score import dataset_key, score, score_joined
from xraybench.evaluate.select import Joined, Selection, join, select
from xraybench.evaluate.suite import Standing, suite

__all__ = [
    "Comparison",
    "Joined",
    "Ranking",
    "Selection",
    "Standing",
    "board_predictions",
    "check_file",
    "compare",
    "compare_files",
    "dataset_key",
    "join",
    "labels_only",
    "rank",
    "rescore",
    "roc_band",
    "score",
    "score_files",
    "score_joined",
    "select",
    "suite",
    "task_and_dataset",
]
