"""Federated evaluation by files: each step of it is a signed folder that somebody carries to a site and back.

    RUN/question.json, RUN/keys/<site>.pub    what is asked, and whom
    RUN/out/<step>/                           the message of a step, the same for every site: carry it there
    RUN/in/<step>/<site>/                     a site's answer, once it was brought back and its signature held
    RUN/result.json                           the pooled numbers

`evaluation.evaluate_across` is played from the beginning at every call, over the answers that are there; it stops at the
first step that waits for a site. So nothing has to be kept but what was signed.
"""

import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from xraybench.core import digest, signing
from xraybench.core.documents import ModelSignature, read_document, write_document
from xraybench.core.errors import BadFile, BadValue, DigestMismatch, UnknownName, UserError
from xraybench.core.registry import did_you_mean
from xraybench.core.types import Dataset, Predictions
from xraybench.data.agreement import LEAST_SITES, read_agreement
from xraybench.federate import signed_folder, steps, trust, wire
from xraybench.federate.answer import EvaluationSite
from xraybench.federate.evaluation import check_answer, evaluate_across
from xraybench.federate.question import EvaluationQuestion, FederatedResult, question_digest
from xraybench.federate.release import Approver
from xraybench.federate.site import is_name

MESSAGE, ANSWER = "urn:xraybench:evaluation_message:1", "urn:xraybench:evaluation_answer:1"
_NAMES = {steps.STEP, steps.TOLD, steps.COUNTS, wire.REFUSAL}


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


def begin(question: EvaluationQuestion, keys: Mapping[str, Path], out: Path, *, key: Path) -> None:
    """Make the folder of an evaluation.

    Args:
        question: What is asked.
        keys: Site -> file of the public key that it signs with.
        out: The folder; new, or of the same question and sites.
        key: File of the coordinator's private key.

    Raises:
        BadFile: A key is missing or none, a name is no name, or two have one key.
        BadValue: Fewer sites than any sum needs.
        DigestMismatch: The folder holds another question, other sites, or other keys of them.
    """
    ids = trust.check_keys(keys, coordinator=key)
    if len(keys) < LEAST_SITES:
        raise BadValue(f"{len(keys)} sites are asked and a sum needs {LEAST_SITES}, or one of them could be told.")
    if (out / "question.json").exists():
        known = read_document(out / "question.json", EvaluationQuestion)
        if known != question or ids != trust.check_keys(_keys(out), coordinator=key):
            raise DigestMismatch(
                f"{out} holds another question, or asks other sites or the same with other keys. Choose an empty folder."
            )
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
        BadFile: An answer was changed on the way, is broken, or is not signed by the key of a site that was asked.
        BadValue: An answer to another question, or to a step that was not asked. No answer of these is taken in then.
        UnknownName: A site of `without` was never asked.
        Refused: Too few sites can answer.
    """
    question = read_document(out / "question.json", EvaluationQuestion)
    names = list(_keys(out))
    signing.read_private_key(key)  # before anything is taken in
    if unknown := [name for name in without if name not in names]:
        raise UnknownName(f"No site '{unknown[0]}' is asked. {did_you_mean(unknown[0], names)}")
    for folder, place in [(folder, _checked(out, folder, question)) for folder in answers]:
        signed_folder.keep(folder, place, names=_NAMES)

    def ask(site: str, step: str, header: dict[str, Any]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        asked = [name for name in header.get("openings", names) if name not in without]
        at = _step_name(step, header)
        message = out / "out" / at
        if not message.exists():
            said = {"question": question_digest(question), "step": at}
            parts = steps.ask(step, header)
            signed_folder.write(message, parts, key=key, kind=MESSAGE, predicate=said, names=_NAMES)
        if site in without:
            raise BadValue(f"site {site} is no longer waited for.")
        if not (out / "in" / at / site).exists():
            missing = tuple(name for name in asked if not (out / "in" / at / name).exists())
            raise _Open(Waiting(step, message, missing))
        return steps.read(signed_folder.parts_of(out / "in" / at / site))

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
        BadFile: The message was changed on the way, is broken, or is not the coordinator's; or the key is missing. Nothing
            is written then.
    """
    found = signed_folder.read(message, keys={"the coordinator": trusted}, kind=MESSAGE)
    try:
        step, header = steps.read_ask(found.parts)
    except UserError as error:
        raise BadFile(f"{message}: cannot be answered. {error}") from None
    signing.read_private_key(key)  # before anything is released that could not be sent
    signed_folder.check_out(out, names=_NAMES)
    try:
        parts = steps.answer(site, found.parts)
    except UserError as error:
        sys.stderr.write(f"{site.name}: {error} The answer is a refusal.\n")
        parts = wire.refusal(site.name, error)
    question = EvaluationQuestion.model_validate(header["question"])
    said = {"question": question_digest(question), "site": site.name, "step": _step_name(step, header)}
    signed_folder.write(out, parts, key=key, kind=ANSWER, predicate=said, names=_NAMES)
    return out


def open_evaluation_site(
    name: str,
    data: Path,
    model: Path,
    *,
    state: Path,
    approve: Approver | None,
    key: Path | None = None,
    trusted_sites: Path | None = None,
) -> EvaluationSite:
    """A site from its dataset folder and the model's folder: the model looks at the scans here, once, when a question may.

    Args:
        name: Of the site.
        data: Its dataset folder; an agreement in it holds.
        model: Folder of the model, as `Model.save` writes it.
        state: Folder of the site for keys of questions, predictions and its log.
        approve: Asks the person who releases.
        key: File of the private key that the site signs its openings with.
        trusted_sites: Folder of the other sites' public keys, `<site>.pub`.

    Raises:
        BadFile: Something is wrong with the data, the model or the trusted keys.
        BadValue: The name is no name.
    """
    if not is_name(name):
        raise BadValue(f"A site is named by letters, digits and underscores; got '{name}'.")
    if trusted_sites:
        trust.trusted_keys(trusted_sites, site=name, key=key)
    from xraybench import data as datasets
    from xraybench import models
    from xraybench.formats.predictions import read_predictions, write_predictions

    dataset: Dataset = datasets.read_dataset(data).part("calibration", "test")
    of_model = model_digest(model)
    kept = state / "predictions" / f"{of_model}-{dataset.digest}.parquet"

    def look() -> Predictions:
        if not kept.exists():
            track = read_document(model / "signature.json", ModelSignature).track
            write_predictions(kept, models.from_folder(model).predict(dataset.track(track)))
        return read_predictions(kept)

    return EvaluationSite(
        name,
        dataset,
        look,
        of_model,
        state,
        agreement=read_agreement(data),
        approve=approve,
        key=key,
        trusted_sites=trusted_sites,
    )


def model_name(folder: Path) -> str:
    """What a model calls itself.

    Raises:
        BadFile: No folder of a model.
    """
    if not folder.is_dir():
        raise BadFile(f"{folder}: there is no such folder of a model.")
    return read_document(folder / "signature.json", ModelSignature).name


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
    """A sum over other sites, keys or strata is another step: its masks differ."""
    if step != "sum":
        return step
    return f"sum-{digest.of_json([header['openings'], header['strata']])[:8]}"


def _checked(out: Path, folder: Path, question: EvaluationQuestion) -> Path:
    """Where an answer goes that is whole, of a site that was asked, and one to a step of this evaluation."""
    found = signed_folder.read_answer(folder, keys=_keys(out), kind=ANSWER)
    at = found.predicate.get("step")
    if found.predicate.get("question") != question_digest(question):
        raise BadValue(f"{folder}: answers another question.")
    if at not in [path.name for path in (out / "out").glob("*")]:  # it becomes the name of a folder here
        raise BadValue(f"{folder}: answers step {at!r}, which was not asked.")
    try:
        if not wire.read_refusal(found.parts):
            check_answer(question, str(at).partition("-")[0], found.signer, *steps.read(found.parts))
    except UserError as error:
        raise BadFile(f"{folder}: {error}") from None
    return out / "in" / str(at) / found.signer


def _keys(out: Path) -> dict[str, Path]:
    return trust.key_files(out / "keys")
