"""Federated evaluation by files: each step of it is a signed folder that somebody carries to a site and back.

    RUN/question.json, RUN/keys/<site>.pub    what is asked, and whom
    RUN/out/<step>/                           the message of a step, the same for every site: carry it there
    RUN/in/<step>/<site>/                     a site's answer, once it was brought back and its signature held
    RUN/result.json                           the pooled numbers

`evaluation.evaluate_across` is played from the beginning at every call, over the answers that are there; it stops at the
first step that waits for a site. So nothing has to be kept but what was signed.
"""

import json
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from xraybench.core import digest, signing
from xraybench.core.documents import ModelSignature, read_document, write_document
from xraybench.core.errors import BadFile, BadValue, DigestMismatch, Refused, UserError
from xraybench.core.types import Dataset
from xraybench.data.agreement import read_agreement
from xraybench.federate.answer import EvaluationSite, may_leave, site_step
from xraybench.federate.evaluation import evaluate_across
from xraybench.federate.question import EvaluationQuestion, FederatedResult, question_digest
from xraybench.federate.release import Approver
from xraybench.federate.site import is_name

MESSAGE, ANSWER = "urn:xraybench:evaluation_message:1", "urn:xraybench:evaluation_answer:1"
_TEXT, _ARRAYS = "message.json", "counts.safetensors"
_STEPS = re.compile(r"open|site|sum-[0-9a-f]{8}")  # what `_step_name` makes
_MOST_BYTES = 1 << 30  # of one file; a sum of 100 strata has 3 MB


@dataclass(frozen=True, slots=True)
class Waiting:
    """The step that is open, and the sites whose answer to it has not come."""

    step: str
    message: Path  # the folder to carry to each of them
    missing: tuple[str, ...]


class _Open(Exception):
    def __init__(self, waiting: Waiting) -> None:
        super().__init__(waiting.step)
        self.waiting = waiting


def begin(question: EvaluationQuestion, keys: Mapping[str, Path], out: Path) -> None:
    """Make the folder of an evaluation.

    Args:
        question: What is asked.
        keys: Site -> file of the public key that it signs with.
        out: The folder; new, or of the same question and sites.

    Raises:
        BadFile: A key is missing or none.
        BadValue: A name is no name, or two sites have one key.
        DigestMismatch: The folder holds another question, or other sites.
    """
    if bad := [site for site in keys if not is_name(site)]:
        raise BadValue(f"A site is named by letters, digits and underscores; got {', '.join(map(repr, bad))}.")
    ids = [signing.key_id(signing.read_public_key(path)) for path in keys.values()]
    if len(set(ids)) < len(ids):
        raise BadValue("Two sites have one key among them; each site makes its own.")
    if (out / "question.json").exists():
        known = read_document(out / "question.json", EvaluationQuestion)
        if known != question or sorted(keys) != _sites(out):
            raise DigestMismatch(f"{out} holds another question, or asks other sites. Choose an empty folder.")
        return
    (out / "keys").mkdir(parents=True, exist_ok=True)
    for site, path in keys.items():
        shutil.copyfile(path, out / "keys" / f"{site}.pub")
    write_document(out / "question.json", question)


def go_on(
    out: Path, *, key: Path, answers: Sequence[Path] = (), without: Sequence[str] = ()
) -> FederatedResult | Waiting:
    """Take answers in, and go as far as they allow.

    Args:
        out: Folder of the evaluation.
        key: File of the coordinator's private key.
        answers: Folders that sites sent back.
        without: Sites that are no longer waited for.

    Returns:
        The result, which also lies in `result.json`; or what is waited for.

    Raises:
        BadFile: An answer was changed on the way, or not signed by the key of its site.
        BadValue: An answer of a site that was not asked, or to another question.
        Refused: Too few sites can answer.
    """
    question = read_document(out / "question.json", EvaluationQuestion)
    names = _sites(out)
    for folder in answers:
        _take(out, folder, question, names)

    def ask(
        site: str, step: str, header: dict[str, Any], arrays: dict[str, np.ndarray]
    ) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        asked = [name for name in header.get("keys", names) if name not in without]
        at = _step_name(step, header)
        message = out / "out" / at
        if not message.exists():
            _write(message, {"step": step, "header": header}, {}, key=key, kind=MESSAGE, question=question, site="")
        if site in without:
            raise BadValue(f"site {site} is no longer waited for.")
        if not (out / "in" / at / site).exists():
            missing = tuple(name for name in asked if not (out / "in" / at / name).exists())
            raise _Open(Waiting(step, message, missing))
        told, counts = _read(out / "in" / at / site)
        if reason := told.get("refused"):
            raise Refused(str(reason))
        return told["answer"], counts

    try:
        result = evaluate_across(question, names, ask)
    except _Open as stopped:
        return stopped.waiting
    write_document(out / "result.json", result)
    return result


def answer_folder(message: Path, site: EvaluationSite, *, key: Path, trusted: Path, out: Path) -> Path:
    """At a site: answer a message that was brought, and sign the answer. A refusal is an answer too.

    Args:
        message: The folder that was brought.
        site: This site.
        key: File of its private key.
        trusted: File of the coordinator's public key.
        out: Where the answer goes.

    Raises:
        BadFile: The message was changed on the way or is not the coordinator's.
    """
    told, arrays = _verified(message, trusted, MESSAGE)
    question = EvaluationQuestion.model_validate(told["header"]["question"])
    try:
        said, counts = site_step(site, told["step"], told["header"], arrays)
        content: dict[str, Any] = {"answer": said}
    except UserError as error:
        sys.stderr.write(f"{site.name}: {error}\n")
        content, counts = {"refused": may_leave(error)}, {}
    content |= {"site": site.name, "at": _step_name(told["step"], told["header"])}
    _write(out, content, counts, key=key, kind=ANSWER, question=question, site=site.name)
    return out


def open_evaluation_site(
    name: str, data: Path, model: Path, *, state: Path, approve: Approver | None
) -> EvaluationSite:
    """A site from its dataset folder and the model's folder: the model looks at the scans here, once.

    Args:
        name: Of the site.
        data: Its dataset folder; an agreement in it holds.
        model: Folder of the model, as `Model.save` writes it.
        state: Folder of the site for keys of questions, predictions and its log.
        approve: Asks the person who releases.
    """
    from xraybench import data as datasets
    from xraybench import models
    from xraybench.formats.predictions import read_predictions, write_predictions

    dataset: Dataset = datasets.load(str(data)).part("calibration", "test")
    of_model = model_digest(model)
    kept = state / "predictions" / f"{of_model}-{dataset.digest}.parquet"
    if not kept.exists():
        track = read_document(model / "signature.json", ModelSignature).track
        write_predictions(kept, models.from_folder(model).predict(dataset.track(track)))
    return EvaluationSite(
        name, dataset, read_predictions(kept), of_model, state, agreement=read_agreement(data), approve=approve
    )


def model_digest(folder: Path) -> str:
    """The short name of a model's folder: every file in it.

    Raises:
        BadFile: There is no such folder.
    """
    if not folder.is_dir():
        raise BadFile(f"{folder}: there is no such folder of a model.")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return digest.of_json([[path.relative_to(folder).as_posix(), digest.of_file(path)] for path in files])


def _step_name(step: str, header: Mapping[str, Any]) -> str:
    """A sum over other sites is another step: its masks differ."""
    if step != "sum":
        return step
    return f"sum-{digest.of_json(sorted(header['keys'].items()))[:8]}"


def _take(out: Path, folder: Path, question: EvaluationQuestion, names: Sequence[str]) -> None:
    claimed = str(_read(folder)[0].get("site", ""))
    if claimed not in names:
        raise BadValue(f"{folder}: an answer of site '{claimed}', which was not asked. Asked: {', '.join(names)}.")
    told, _ = _verified(folder, out / "keys" / f"{claimed}.pub", ANSWER)
    predicate = signing.verify(folder / signing.STATEMENT, folder, keys=[out / "keys" / f"{claimed}.pub"]).predicate
    if (predicate.get("question"), predicate.get("site")) != (question_digest(question), claimed):
        raise BadValue(f"{folder}: answers another question.")
    if not _STEPS.fullmatch(str(told.get("at"))):  # it becomes the name of a folder here
        raise BadValue(f"{folder}: answers no step of an evaluation.")
    place = out / "in" / str(told["at"]) / claimed
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".answer_") as temporary:
        shutil.copytree(folder, Path(temporary) / "whole")
        if place.exists():
            shutil.rmtree(place)
        (Path(temporary) / "whole").replace(place)


def _verified(folder: Path, trusted: Path, kind: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    if not folder.is_dir():
        raise BadFile(f"{folder}: there is no such folder.")
    present = [path for path in folder.iterdir() if path.name != signing.STATEMENT]
    verdict = signing.verify(folder / signing.STATEMENT, folder, keys=[trusted], present=present)
    if verdict.faults:
        raise BadFile(f"{folder}: is not what was signed:\n  " + "\n  ".join(verdict.faults))
    if verdict.predicate_type != kind:
        raise BadFile(f"{folder}: is signed as {verdict.predicate_type}, not as {kind}.")
    return _read(folder)


def _read(folder: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    from safetensors.numpy import load

    if not (folder / _TEXT).is_file():
        raise BadFile(f"{folder}: holds no {_TEXT}, so it is no message of an evaluation.")
    for path in (folder / _TEXT, folder / _ARRAYS):
        if path.exists() and path.stat().st_size > _MOST_BYTES:
            raise BadFile(f"{path}: {path.stat().st_size} bytes are too many for a message.")
    try:
        text = json.loads((folder / _TEXT).read_bytes())
        arrays = load((folder / _ARRAYS).read_bytes()) if (folder / _ARRAYS).exists() else {}
    except Exception as error:  # of two formats, each with errors of its own
        raise BadFile(f"{folder}: a broken message ({type(error).__name__}).") from None
    if not isinstance(text, dict):
        raise BadFile(f"{folder / _TEXT}: no JSON object.")
    return text, arrays


def _write(
    out: Path,
    content: Mapping[str, Any],
    arrays: Mapping[str, np.ndarray],
    *,
    key: Path,
    kind: str,
    question: EvaluationQuestion,
    site: str,
) -> None:
    """A signed folder, whole or not at all."""
    from safetensors.numpy import save

    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".message_") as temporary:
        folder = Path(temporary) / "whole"
        folder.mkdir()
        (folder / _TEXT).write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        if arrays:
            (folder / _ARRAYS).write_bytes(save(dict(arrays)))
        signing.sign(
            folder,
            list(folder.iterdir()),
            key=key,
            predicate_type=kind,
            predicate={"question": question_digest(question), "site": site},
            out=folder / signing.STATEMENT,
        )
        if out.exists():
            if {path.name for path in out.iterdir()} - {_TEXT, _ARRAYS, signing.STATEMENT}:
                raise BadFile(f"{out}: is there already and is no message. Name another folder.")
            shutil.rmtree(out)
        folder.replace(out)


def _sites(out: Path) -> list[str]:
    return sorted(path.stem for path in (out / "keys").glob("*.pub"))
