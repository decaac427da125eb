"""What people read: result files as tables and figures, model cards, data cards, check reports, the leaderboard."""

from xraybench.report.card import Card, card, card_body, card_fields, export_card, words_file
from xraybench.report.card_check import card_faults, check_cards
from xraybench.report.datasets import check_report, data_card
from xraybench.report.leaderboard import build, check, rebuild
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
from xraybench.report.suites import load_suites, save_suite, suite_faults

__all__ = [
    "Card",
    "build",
    "card",
    "card_body",
    "card_faults",
    "card_fields",
    "check",
    "check_cards",
    "check_report",
    "data_card",
    "every_metric",
    "export_card",
    "frame",
    "load_curves",
    "load_ranks",
    "load_results",
    "load_suites",
    "main_result",
    "models_on",
    "publish",
    "rank_board",
    "rank_table",
    "rebuild",
    "save",
    "save_curves",
    "save_ranks",
    "save_suite",
    "suite_faults",
    "table",
    "words_file",
]
