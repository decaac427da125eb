"""A board that somebody vouches for: every file a reader relies on, signed as one statement (`core.signing`)."""

from collections.abc import Iterable
from pathlib import Path

from xraybench.core.errors import CheckFailed
from xraybench.core.signing import STATEMENT, Verdict, key_id, make_key, read_public_key, sign, verify

__all__ = [
    "STATEMENT",
    "Verdict",
    "board_files",
    "key_id",
    "make_key",
    "read_public_key",
    "sign",
    "sign_board",
    "verify",
    "verify_board",
]

BOARD_TYPE = "urn:xraybench:leaderboard:1"
_MOST_NAMED = 20  # files in one message


def sign_board(board: Path, *, key: Path) -> Path:
    """Vouch for a whole board: predictions, signatures of models, results and site. Returns the envelope, in the board."""
    from xraybench import __version__
    from xraybench.core.digest import code_digest

    predicate = {"what": "leaderboard", "xraybench": __version__, "code": code_digest()}
    return sign(
        board, board_files(board), key=key, predicate_type=BOARD_TYPE, predicate=predicate, out=board / STATEMENT
    )


def verify_board(board: Path, *, keys: Iterable[Path]) -> Verdict:
    """Check a signed board: every file as it was signed, none lost, none added.

    Raises:
        BadFile: The board is not signed, or by no trusted key.
        CheckFailed: Files differ; each is named.
    """
    verdict = verify(board / STATEMENT, board, keys=keys, present=board_files(board))
    if verdict.faults:
        shown = [*verdict.faults[:_MOST_NAMED]]
        if more := len(verdict.faults) - len(shown):
            shown.append(f"... and {more} more")
        raise CheckFailed(f"{board}: is not what was signed:\n  " + "\n  ".join(shown))
    return verdict


def board_files(board: Path) -> list[Path]:
    """Every file of a board that a reader relies on, in path order."""
    folders = [board / name for name in ("predictions", "models", "results", "site")]
    return sorted(file for folder in folders for file in folder.rglob("*") if file.is_file())
