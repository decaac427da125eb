"""A vendor's submission: predictions, signature and words in one file, checked before it is sent and again when it comes in.

The file is a ZIP whose bytes follow from its content, so that a vendor and a benchmark can name it by one digest:

    submission.json                   model, profile, seed, SHA-256 of every other file
    predictions/<corpus>.parquet      what the model said of every calibration and test scan of a corpus
    signature.json                    what goes in and out, how it was trained; may be left out, then the card says so
    words.toml                        the vendor's words
    statement.dsse.json               who vouches for the others; may be left out

No result is in it: whoever receives it makes the labels and computes every number.
"""

import hashlib
import io
import os
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from xraybench import __version__, data
from xraybench.core import signing
from xraybench.core.cards import CardData
from xraybench.core.documents import (
    MODEL_NAME,
    ModelSignature,
    ResultFile,
    Submission,
    checked_model,
    read_document,
    write_bytes,
    write_document,
)
from xraybench.core.errors import BadFile, CheckFailed, UserError
from xraybench.core.types import TRACKS, Dataset, Predictions
from xraybench.core.vocabulary import ANY
from xraybench.data.dataset import join as join_datasets
from xraybench.data.unrendered import labels_only
from xraybench.evaluate import join, score_joined
from xraybench.evaluate.files import predictions_file, read_all
from xraybench.evaluate.score import dataset_key
from xraybench.evaluate.select import select
from xraybench.formats.package import BROKEN_ZIP
from xraybench.formats.predictions import write_predictions
from xraybench.report import attest, results
from xraybench.report.card_words import claims, gaps_of, words_with_faults
from xraybench.report.publish import tasks_of

MANIFEST, SIGNATURE, WORDS = "submission.json", "signature.json", "words.toml"
SUBMISSION_TYPE = "urn:xraybench:submission:1"
_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the first day that ZIP knows: no clock is in the bytes
_MOST_BYTES = 2 << 30  # unpacked
_MOST_FILES = 200


@dataclass(frozen=True, slots=True)
class Received:
    """A submission that holds."""

    model: str
    manifest: Submission
    digest: str  # SHA-256 of the whole file
    key_id: str  # whose signature holds; empty where none was asked for
    gaps: tuple[str, ...]  # required words that are empty: named on the card

    def sentence(self) -> str:
        """What was found, for people."""
        signed = f"signed by key {self.key_id[:16]}" if self.key_id else "no signature was asked for"
        gaps = f"; {len(self.gaps)} gaps on its card: {', '.join(self.gaps)}" if self.gaps else ""
        corpora = ", ".join(sorted(self.manifest.corpora))
        return f"{self.model}: {corpora} would be scored, {signed}, SHA-256 {self.digest}{gaps}"


@dataclass(frozen=True, slots=True)
class _Content:
    """The parts of a submission, unpacked."""

    predictions: Predictions
    signature: ModelSignature | None
    words: CardData
    dataset: Dataset


def pack(
    predictions: Sequence[Path],
    out: Path,
    *,
    words: Path,
    signature: Path | None = None,
    profile: str = "quick",
    seed: int = 0,
    scans: Path | None = None,
    key: Path | None = None,
) -> Received:
    """Check a submission and write it as one file; the same content gives the same bytes.

    Args:
        predictions: Prediction files of one model, one for each corpus.
        out: The new file.
        words: The vendor's words, as `xraybench card template` asks for them.
        signature: The model's signature.
        profile: Of the simulated scans the model looked at.
        seed: Of these scans.
        scans: A dataset folder, where the model looked at imported scans.
        key: Private key to sign with.

    Raises:
        BadFile, BadTable, DigestMismatch: A part is broken, or was made for other data.
        CheckFailed: The words claim what no result shows.
    """
    with _workplace(out) as root:
        told = read_all(predictions)
        for corpus, rows in told.table.groupby("corpus", sort=True):
            part = Predictions(told.model, rows.reset_index(drop=True))
            write_predictions(root / "predictions" / f"{corpus}.parquet", part)
        write_bytes(root / WORDS, _bytes_of(words))
        if signature is not None:
            write_document(root / SIGNATURE, read_document(signature, ModelSignature))
        manifest = Submission(
            model=checked_model(told.model),
            profile=profile,
            seed=seed,
            version=__version__,
            corpora=told.corpora,
            files={name: _sha256(root / name) for name in _names(root)},
        )
        content = _checked(root, manifest, scans)
        write_document(root / MANIFEST, manifest)
        if key is not None:
            files = [root / name for name in _names(root)]
            predicate = {"model": manifest.model, "xraybench": __version__}
            attest.sign(
                root, files, key=key, predicate_type=SUBMISSION_TYPE, predicate=predicate, out=root / attest.STATEMENT
            )
        packed = _zip(root)
    write_bytes(out, packed)
    signer = signing.key_id(signing.read_private_key(key).public_key()) if key else ""
    return Received(manifest.model, manifest, hashlib.sha256(packed).hexdigest(), signer, tuple(gaps_of(content.words)))


def verify(package: Path, *, keys: Iterable[Path] = (), scans: Path | None = None) -> Received:
    """Check a submission as a receiver: bytes, signature, predictions against labels, words.

    Args:
        package: What `pack` wrote.
        keys: Public keys that are trusted; given any, one of them must have signed.
        scans: The dataset folder, where the model looked at imported scans.

    Raises:
        BadFile: No submission, or no trusted signature.
        CheckFailed: A file was changed, added or lost, or the words claim what no result shows; all are named.
        BadTable, DigestMismatch: The predictions would not be scored.
    """
    with _workplace(package) as root:
        return _received(package, root, list(keys), scans)[0]


def accept(
    package: Path, board: Path, cards: Path, *, keys: Iterable[Path] = (), scans: Path | None = None
) -> list[ResultFile]:
    """Verify a submission, put its parts where board and cards keep them, and score every task on them.

    Args:
        package: What `pack` wrote.
        board: Folder of the board.
        cards: Folder of the cards.
        keys: As `verify`.
        scans: As `verify`.

    Returns:
        One result file for each task that the corpora of the submission allow.

    Raises:
        BadFile: As `verify`, or the board has a model of this name: a new version is a new name.
    """
    with _workplace(package) as root:
        received, content = _received(package, root, list(keys), scans)
        taken = [
            path
            for path in (board / "predictions" / received.model, board / "results" / received.model)
            if path.exists()
        ]
        if taken:
            raise BadFile(f"{taken[0]}: the board has a model called '{received.model}'. A new version is a new name.")
        key = dataset_key(content.dataset)
        paths = []
        for corpus, rows in content.predictions.table.groupby("corpus", sort=True):
            paths.append(predictions_file(root / "kept", received.model, str(corpus), key))
            write_predictions(paths[-1], Predictions(received.model, rows.reset_index(drop=True)))
        joined = join(content.dataset, read_all(paths))  # scored as it is kept
        track = content.signature.track if content.signature else "unknown"
        found = [score_joined(task, joined, track=track) for task in tasks_of(content.dataset)]
        for path in paths:
            write_bytes(board / "predictions" / received.model / path.name, path.read_bytes())
        write_bytes(cards / f"{received.model}.toml", (root / WORDS).read_bytes())
    if content.signature is not None:
        write_document(board / "models" / f"{received.model}.json", content.signature)
    for result in found:
        results.save(result, board / "results")
    return found


@contextmanager
def _workplace(package: Path) -> Iterator[Path]:
    """A folder to take a submission apart in; a fault names the submission, not this folder."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            yield Path(folder)
        except UserError as error:
            error.args = (str(error).replace(f"{folder}{os.sep}", f"{package}: "),)
            raise


def _received(package: Path, root: Path, keys: list[Path], scans: Path | None) -> tuple[Received, _Content]:
    packed = _bytes_of(package)
    _unzip(package, packed, root)
    manifest = read_document(root / MANIFEST, Submission)
    there = set(_names(root)) - {MANIFEST, attest.STATEMENT}
    faults = [f"{name}: is named in {MANIFEST} and is not there" for name in sorted(set(manifest.files) - there)]
    faults += [f"{name}: is there and not named in {MANIFEST}" for name in sorted(there - set(manifest.files))]
    changed = [name for name in sorted(there & set(manifest.files)) if _sha256(root / name) != manifest.files[name]]
    faults += [f"{name}: is not what {MANIFEST} names" for name in changed]
    if faults:
        raise CheckFailed(f"{package}: is not what was packed:\n  " + "\n  ".join(faults))
    signer = ""
    if keys:
        if not (root / attest.STATEMENT).is_file():
            raise BadFile(f"{package}: is not signed. Pack it with --key.")
        present = [root / name for name in _names(root) if name != attest.STATEMENT]
        verdict = attest.verify(root / attest.STATEMENT, root, keys=keys, present=present)
        if verdict.predicate_type != SUBMISSION_TYPE:
            raise BadFile(f"{package}: is signed, but as {verdict.predicate_type}; {SUBMISSION_TYPE} is right.")
        if verdict.faults:
            raise CheckFailed(f"{package}: is not what was signed:\n  " + "\n  ".join(verdict.faults))
        signer = verdict.key_id
    content = _checked(root, manifest, scans)
    digest = hashlib.sha256(packed).hexdigest()
    return Received(manifest.model, manifest, digest, signer, tuple(gaps_of(content.words))), content


def _checked(root: Path, manifest: Submission, scans: Path | None) -> _Content:
    """Everything but bytes and signature: would it be scored, and may the words be said?"""
    told = read_all(sorted((root / "predictions").glob("*.parquet")))
    names = [("model", told.model), *(("corpus", name) for name in sorted(told.corpora))]
    faults = [f"predictions: {name!r} is no name of a {what}" for what, name in names if not _is_name(name)]
    if told.model != manifest.model:
        faults.append(f"predictions: speak of '{told.model}', {MANIFEST} of '{manifest.model}'")
    if told.corpora != manifest.corpora:
        faults.append(f"predictions: are not of the corpora that {MANIFEST} names")
    signature = read_document(root / SIGNATURE, ModelSignature) if (root / SIGNATURE).is_file() else None
    if signature is not None:
        if signature.name != told.model:
            faults.append(f"{SIGNATURE}: name is '{signature.name}', the predictions are of '{told.model}'")
        if signature.track not in TRACKS:
            faults.append(f"{SIGNATURE}: track is '{signature.track}'; one of {', '.join(TRACKS)} is right")
        if unknown := sorted(set(told.kind("score")["target"]) - set(signature.targets)):
            faults.append(f"{SIGNATURE}: targets lack {', '.join(unknown)}, which the predictions score")
    word_faults, words = words_with_faults(root / WORDS, told.model)
    faults += [f"{WORDS}: {fault}" for fault in word_faults]
    if words is not None:
        faults += [f"{WORDS}: {claim}" for claim in claims(words, is_simulated=scans is None)]
    if faults or words is None:
        raise CheckFailed(f"The submission of {manifest.model} is refused:\n  " + "\n  ".join(faults))
    dataset = _dataset(manifest, scans)
    joined = join(dataset, told)
    wide = [task for task in tasks_of(dataset) if task.threat == task.concealment == ANY]
    if not wide:
        raise CheckFailed(f"No task is scored on {', '.join(sorted(told.corpora))}. `xraybench tasks` lists all.")
    for task in wide:
        select(task, joined)  # raises where a scan that the task counts was not looked at
    return _Content(told, signature, words, dataset)


def _dataset(manifest: Submission, scans: Path | None) -> Dataset:
    if scans is not None:
        return data.load(scans)
    try:
        parts = [
            labels_only(corpus, profile=manifest.profile, seed=manifest.seed) for corpus in sorted(manifest.corpora)
        ]
    except UserError as error:
        raise BadFile(f"{error} Predictions on imported scans are checked with --scans, the dataset folder.") from None
    return join_datasets(parts, name=manifest.model)


def _zip(root: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as packed:
        for name in _names(root):
            entry = zipfile.ZipInfo(name, date_time=_LONG_AGO)
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            packed.writestr(entry, (root / name).read_bytes())
    return buffer.getvalue()


def _unzip(package: Path, packed: bytes, root: Path) -> None:
    """Unpack what a submission may hold, and nothing else.

    Raises:
        BadFile: No ZIP, too large, or a name that no submission has.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as opened:
            entries = opened.infolist()
            size = sum(entry.file_size for entry in entries)
            if len(entries) > _MOST_FILES or size > _MOST_BYTES:
                raise BadFile(f"{package}: {len(entries)} files of {size} bytes are more than a submission has.")
            strange = [entry.filename for entry in entries if not _is_ours(entry.filename)]
            if strange or len({entry.filename for entry in entries}) < len(entries):
                raise BadFile(f"{package}: holds files that no submission has, or one twice: {', '.join(strange[:5])}.")
            for entry in entries:
                write_bytes(root / entry.filename, opened.read(entry))
    except BROKEN_ZIP:
        raise BadFile(f"{package}: no sound ZIP file. `xraybench submit pack` writes one.") from None


def _is_name(name: str) -> bool:
    """Whether a stranger's name can be part of a path."""
    return MODEL_NAME.fullmatch(name) is not None


def _is_ours(name: str) -> bool:
    folder, _, file = name.rpartition("/")
    if not folder:
        return name in (MANIFEST, SIGNATURE, WORDS, attest.STATEMENT)
    return folder == "predictions" and file.endswith(".parquet") and _is_name(file)


def _names(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise BadFile(f"{path}: there is no such file.") from None
