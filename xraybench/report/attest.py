"""Boards, cards and runs that somebody vouches for: every file a reader relies on, signed as one statement (`core.signing`).

A number that was changed by hand, another predictions file, an edited card, page or executed notebook is found and named.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from xraybench.core.errors import BadFile, CheckFailed
from xraybench.core.signing import (
    STATEMENT,
    Verdict,
    key_id,
    make_key,
    name_under,
    read_public_key,
    sha256_of,
    sign,
    verify,
)

__all__ = [
    "STATEMENT",
    "Verdict",
    "board_files",
    "key_id",
    "make_key",
    "read_public_key",
    "sign",
    "sign_board",
    "sign_folder",
    "verify",
    "verify_board",
    "verify_folder",
]

BOARD_TYPE = "urn:xraybench:leaderboard:1"
FOLDER_TYPE = "urn:xraybench:folder:1"
BESIDE = ("model_cards", "report_cards")  # folders beside a board that are signed with it
_MOST_NAMED = 20  # files in one message


def sign_folder(folder: Path, *, key: Path) -> Path:
    """Vouch for every file of a folder, such as a run with its executed notebook. Returns the envelope, in the folder.

    Raises:
        BadFile: The key is missing.
        BadValue: The folder is not there, or holds no file.
    """
    files, out = files_in(folder), folder / STATEMENT
    return sign(folder, files, key=key, predicate_type=FOLDER_TYPE, predicate=_made_with(), out=out)


def verify_folder(folder: Path, *, keys: Iterable[Path]) -> Verdict:
    """Check a signed folder: every file as it was signed, none lost, none added.

    Raises:
        BadFile: The folder is not signed, or by no trusted key.
        CheckFailed: Files differ; each is named.
    """
    verdict = verify(folder / STATEMENT, folder, keys=keys, present=files_in(folder))
    _refuse(folder, verdict.faults)
    return verdict


def sign_board(board: Path, *, key: Path) -> list[Path]:
    """Vouch for a board and for the cards beside it: one statement in each folder, so that each can travel alone.

    The board's statement covers predictions, signatures of models, results and site, and names the statements of `BESIDE` by
    their SHA-256, so that cards of another day cannot be slipped in beside it.

    Returns:
        The envelopes, the board's first.
    """
    made = [sign_folder(board.parent / name, key=key) for name in BESIDE if files_in(board.parent / name)]
    predicate = {**_made_with(), "beside": {envelope.parent.name: sha256_of(envelope) for envelope in made}}
    files, out = board_files(board), board / STATEMENT
    return [sign(board, files, key=key, predicate_type=BOARD_TYPE, predicate=predicate, out=out), *made]


def verify_board(board: Path, *, keys: Iterable[Path]) -> Verdict:
    """Check a signed board and the cards beside it: every file as it was signed, none lost, none added.

    Folders of `BESIDE` that were signed and are not here at all are named in the verdict (`absent`), not refused: a board
    may travel without them. Cards that are here must be those that were signed with this board.

    Raises:
        BadFile: The board is not signed, or by no trusted key.
        CheckFailed: Files differ; each is named.
    """
    trusted = list(keys)
    verdict = verify(board / STATEMENT, board, keys=trusted, present=board_files(board))
    if verdict.predicate_type != BOARD_TYPE:
        raise BadFile(f"{board / STATEMENT}: is signed, but as {verdict.predicate_type}; {BOARD_TYPE} is right.")
    faults, n_files, absent = list(verdict.faults), verdict.n_files, []
    beside = verdict.predicate.get("beside", {})
    for name in BESIDE:
        folder = board.parent / name
        envelope = folder / STATEMENT
        if name not in beside:
            faults += [
                f"{name}/{name_under(folder, file)}: was not signed with this board" for file in files_in(folder)
            ]
        elif not folder.is_dir():
            absent.append(name)
        elif not envelope.is_file():
            faults.append(f"{name}/{STATEMENT}: was signed and is not there")
        elif sha256_of(envelope) != beside[name]:
            faults.append(f"{name}/{STATEMENT}: is not the one that was signed with this board")
        else:
            found = verify(envelope, folder, keys=trusted, present=files_in(folder))
            faults += [f"{name}/{fault}" for fault in found.faults]
            n_files += found.n_files
    _refuse(board, faults)
    return replace(verdict, n_files=n_files, absent=tuple(absent))


def board_files(board: Path) -> list[Path]:
    """Every file of a board that a reader relies on, in path order."""
    folders = [board / name for name in ("predictions", "models", "results", "site")]
    return sorted(file for folder in folders for file in folder.rglob("*") if file.is_file())


def files_in(folder: Path) -> list[Path]:
    """Every file of a folder, executed notebooks too, but for the statement itself; in path order."""
    return sorted(file for file in folder.rglob("*") if file.is_file() and file != folder / STATEMENT)


def _made_with() -> dict[str, Any]:
    """What the files were made with: version and digest of the program that signs."""
    from xraybench import __version__
    from xraybench.core.digest import code_digest

    return {"xraybench": __version__, "code": code_digest()}


def _refuse(root: Path, faults: Sequence[str]) -> None:
    if faults:
        shown = [*faults[:_MOST_NAMED]]
        if more := len(faults) - len(shown):
            shown.append(f"... and {more} more")
        raise CheckFailed(f"{root}: is not what was signed:\n  " + "\n  ".join(shown))
