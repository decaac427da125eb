"""A message as a folder that somebody carries: a file a part, and beside them a statement of who vouches for them.

Training (`files`) and evaluation (`exchange`) across an air gap are made of such folders. One is written whole or not at
all, and nothing in it is believed before the signature of somebody who was asked holds for every file.
"""

import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xraybench.core import signing
from xraybench.core.errors import BadFile, BadValue

_MOST_BYTES = 16 << 30  # of one part; more is none of ours


@dataclass(frozen=True, slots=True)
class Signed:
    """A folder whose signature held."""

    signer: str  # whose key it was
    parts: dict[str, bytes]
    predicate: Mapping[str, Any]  # what the signer said of them


def write(
    out: Path,
    parts: Mapping[str, bytes],
    *,
    key: Path,
    kind: str,
    predicate: Mapping[str, Any],
    names: Collection[str],
) -> None:
    """Write and sign a folder.

    Args:
        out: The folder; new, or an older message, which it replaces.
        parts: Name of a file -> its bytes.
        key: File of the private key.
        kind: A URI that says what `predicate` means.
        predicate: Plain JSON: what is claimed of the parts.
        names: Parts that such a message may have: a folder that holds anything else is never replaced.

    Raises:
        BadFile: The key is missing, or `out` holds something else than a message.
    """
    with _whole(out, names) as folder:
        folder.mkdir()
        for name, content in parts.items():
            (folder / name).write_bytes(content)
        signing.sign(
            folder,
            list(folder.iterdir()),
            key=key,
            predicate_type=kind,
            predicate=predicate,
            out=folder / signing.STATEMENT,
        )


def read(folder: Path, *, keys: Mapping[str, Path], kind: str) -> Signed:
    """The parts of a folder, once the signature of one of these keys holds for each of them.

    Args:
        folder: As it was brought.
        keys: Name -> file of the public key; no two hold the same.
        kind: What it has to be signed as.

    Raises:
        BadFile: Not signed by any of them, changed on the way, or signed as something else.
    """
    if not folder.is_dir():
        raise BadFile(f"{folder}: there is no such folder.")
    ids = {signing.key_id(signing.read_public_key(path)): name for name, path in keys.items()}
    present = [path for path in sorted(folder.iterdir()) if path.name != signing.STATEMENT]
    try:
        verdict = signing.verify(folder / signing.STATEMENT, folder, keys=keys.values(), present=present)
    except BadFile as error:
        raise BadFile(f"{error} It has to be signed by {' or '.join(keys)}.") from None
    if verdict.faults:
        raise BadFile(f"{folder}: is not what was signed:\n  " + "\n  ".join(verdict.faults))
    if verdict.predicate_type != kind:
        raise BadFile(f"{folder}: is signed as {verdict.predicate_type}, not as {kind}.")
    return Signed(ids[verdict.key_id], parts_of(folder), verdict.predicate)


def read_answer(folder: Path, *, keys: Mapping[str, Path], kind: str) -> Signed:
    """As `read`, for the answer of a site: who signed it must be the site that it calls itself.

    Raises:
        BadFile: As `read`.
        BadValue: It calls itself the answer of another site.
    """
    found = read(folder, keys=keys, kind=kind)
    if (claimed := found.predicate.get("site")) != found.signer:
        raise BadValue(f"{folder}: calls itself an answer of site {claimed!r} and is signed by site {found.signer}.")
    return found


def check_out(out: Path, *, names: Collection[str]) -> None:
    """Raise BadFile where `out` is there and no older message with these parts, which alone may be replaced."""
    if out.exists() and not out.is_dir():
        raise BadFile(f"{out}: is a file. Name a folder.")
    present = [path.name for path in out.iterdir()] if out.exists() else []
    if unknown := sorted(name for name in present if name not in {*names, signing.STATEMENT}):
        raise BadFile(f"{out}: holds {', '.join(unknown)}, so it is no older message. Name another folder.")


def keep(folder: Path, out: Path, *, names: Collection[str]) -> None:
    """Copy a folder that was read, with the statement that proves whose it is; an older one is replaced.

    Raises:
        BadFile: `out` holds something else than a message.
    """
    with _whole(out, names) as whole:
        shutil.copytree(folder, whole)


def parts_of(folder: Path) -> dict[str, bytes]:
    """The parts of a folder as they lie there: to be believed only where the signature was found to hold before.

    Raises:
        BadFile: A part is too large.
    """
    parts = {}
    for path in sorted(folder.iterdir()):
        if path.name != signing.STATEMENT:
            if path.stat().st_size > _MOST_BYTES:
                raise BadFile(f"{path}: {path.stat().st_size} bytes are too many for a message.")
            parts[path.name] = path.read_bytes()
    return parts


@contextmanager
def _whole(out: Path, names: Collection[str]) -> Iterator[Path]:
    """Where to build a folder, which takes the place of `out` once the block has ended well."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".message_") as temporary:
        folder = Path(temporary) / "whole"
        yield folder
        check_out(out, names=names)
        if out.exists():
            shutil.rmtree(out)
        folder.replace(out)
