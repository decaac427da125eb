"""What people read: result files as tables and figures, model cards, data cards, check reports, the leaderboard."""

from xraybench.report.card import Card, card, card_body, card_faults
from xraybench.report.datasets import check_report, data_card
from xraybench.report.leaderboard import build, check
from xraybench.report.publish import publish, rank_board
from xraybench.report.results import (
    every_metric,
    frame,
    load_curves,
    load_ranks,
    load_results,
    main_result,
    models_on,
    rank_table,
    save,
    save_curves,
    save_ranks,
    table,
)

__all__ = [
    "Card",
    "build",
    "card",
    "card_body",
    "card_faults",
    "check",
    "check_report",
    "data_card",
    "every_metric",
    "frame",
    "load_curves",
    "load_ranks",
    "load_results",
    "main_result",
    "models_on",
    "publish",
    "rank_board",
    "rank_table",
    "save",
    "save_curves",
    "save_ranks",
    "table",
]
