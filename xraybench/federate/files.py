"""The backend for an air gap: questions and answers are folders that somebody carries, each signed by who made it.

    RUN/                            the coordinator's folder: checkpoints as in every backend, and
    RUN/exchange/job.json           what is asked
    RUN/exchange/keys/<site>.pub    whom it is asked of, and the key that each site signs with
    RUN/exchange/out/round_002/<site>/   the question for a site: carry it there
    RUN/exchange/in/round_002/<site>/    its answer, once it was brought back and its signature held

Round 0 asks each site to join. A site answers with `answer_folder`, offline; `merge` takes the answers in, closes the round
when all have come (or, told to, when the quorum has) and lays out the next questions. Nothing waits for anybody: the grace
period of a network is here the patience of the person who calls `merge`.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from xraybench.core import signing
from xraybench.core.documents import FederatedJob, FederatedSite, read_document
from xraybench.core.errors import BadFile, BadValue, DigestMismatch
from xraybench.federate import rounds, signed_folder, trust, wire
from xraybench.federate.aggregate import SiteUpdate
from xraybench.federate.checkpoint import Checkpoint, held, last_checkpoint, note
from xraybench.federate.job import differences, job_digest, read_job, write_job
from xraybench.federate.site import Site
from xraybench.federate.weights import Weights, write_weights
from xraybench.models.timm_net import read_weights

QUESTION, ANSWER = "urn:xraybench:federated_question:1", "urn:xraybench:federated_answer:1"
_NAMES = {wire.ASK, wire.GLOBAL, wire.KEPT, wire.SITE, wire.UPDATE, wire.WEIGHTS, wire.REFUSAL}


@dataclass(frozen=True, slots=True)
class Merged:
    """Where a run stands after answers were taken in."""

    round: int  # the round that is open now: 0 while sites join, n_rounds + 1 when all are done
    missing: tuple[str, ...]  # sites whose answer to it has not come
    questions: Path | None  # the folders to carry to the sites; None when the run is done
    rejected: dict[str, str]  # site -> why its answer of the round that was just closed was not used


def export(job: FederatedJob, keys: Mapping[str, Path], *, key: Path, out: Path, init: Weights | None = None) -> Path:
    """Begin a run: lay out the questions that ask each site to join.

    Args:
        job: What is asked.
        keys: Site -> file of the public key that it signs with.
        key: File of the coordinator's private key.
        out: Folder of the run; new, or of the same run.
        init: The weights to start from, where the job names a parent.

    Returns:
        The folder with one question a site.

    Raises:
        BadValue: Fewer sites than the quorum.
        BadFile: A key is missing or none, a name is no name, or two have one key.
        DigestMismatch: The folder holds another run, or `init` is not the job's parent.
    """
    if len(keys) < job.quorum:
        raise BadValue(f"Job {job.name} needs {job.quorum} sites in every round and has {len(keys)}.")
    ids = trust.check_keys(keys, coordinator=key)
    first = rounds.first_weights(job, init)
    exchange = out / "exchange"
    with held(out):
        if (exchange / "job.json").exists():
            if found := differences(read_job(exchange / "job.json"), job):
                raise DigestMismatch(
                    f"{out} holds another federated run. Choose an empty folder.\n  " + "\n  ".join(found)
                )
            if ids != trust.check_keys(trust.key_files(exchange / "keys"), coordinator=key):
                asked = ", ".join(_sites(exchange))
                raise DigestMismatch(f"{out} asks other sites, or with other keys: {asked}. Choose an empty folder.")
        else:
            for site, path in keys.items():
                (exchange / "keys").mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, exchange / "keys" / f"{site}.pub")
            write_weights(exchange / "first.safetensors", first)
            write_job(exchange / "job.json", job)  # last: its presence says that the rest is there
        return _ask(out, job, last_checkpoint(out, job), key=key)


def answer_folder(question: Path, site: Site, *, key: Path, trusted: Path, out: Path) -> Path:
    """What a site does with a question, without any network: check who asks, join or train, sign the answer.

    Args:
        question: The folder that was brought.
        site: This site.
        key: File of the site's private key.
        trusted: File of the coordinator's public key.
        out: Where the answer goes; a folder that is new or holds an older answer.

    Returns:
        `out`.

    Raises:
        BadFile: The question is not signed by the coordinator, or was changed on the way.
        BadValue: It is for another site, from another version, the site cannot carry the job, or it holds other data
            than when it joined.
        Refused: The site's agreement does not allow it.
    """
    parts = signed_folder.read(question, keys={"the coordinator": trusted}, kind=QUESTION).parts
    signing.read_private_key(key)  # before anything is trained or released that could not be sent
    signed_folder.check_out(out, names=_NAMES)
    said = wire.answer(site, parts)
    ask = wire.read_ask(parts)
    _write(out, said, key=key, kind=ANSWER, job=ask.job, site=site.name, index=ask.round)
    return out


def merge(out: Path, answers: Sequence[Path], *, key: Path, close: bool = False) -> Merged:
    """Take answers in; close the round when all have come, and lay out the questions of the next.

    Args:
        out: Folder of the run.
        answers: Folders that sites sent back, in any order; none asks only how the run stands.
        key: File of the coordinator's private key.
        close: Close the round without the sites whose answer has not come, if the quorum has answered.

    Raises:
        BadFile: No run in the folder; the key is missing or a site's; or an answer that is not signed by its site, or was
            changed on the way.
        BadValue: An answer to another round or of an unknown site; a site that cannot carry the job. No answer is taken in
            then.
        Refused: A site refuses to take part.
        CheckFailed: Fewer usable updates than the quorum. Nothing is closed; bring better answers.
    """
    exchange = out / "exchange"
    if not (exchange / "job.json").exists():
        raise BadFile(f"{out}: no federated run of files. `xraybench federate export` begins one.")
    job = read_job(exchange / "job.json")
    trust.check_keys(trust.key_files(exchange / "keys"), coordinator=key)
    with held(out):
        now = last_checkpoint(out, job)
        index = now.index + 1 if now else 0
        signers = [_checked(exchange, folder, job=job, index=index) for folder in answers]
        for folder, site in zip(answers, signers, strict=True):
            signed_folder.keep(folder, _incoming(exchange, index, site), names=_NAMES)
        if index > job.n_rounds:
            return Merged(index, (), None, {})
        silent = missing(out, job, now)
        if silent and not close:
            asked = _outgoing(exchange, index)
            if not all((asked / site).is_dir() for site in _asked(out, now)):  # a merge before this one was cut off
                _ask(out, job, now, key=key)
            return Merged(index, silent, asked, {})
        parts = {
            site: signed_folder.parts_of(_incoming(exchange, index, site))
            for site in _asked(out, now)
            if site not in silent
        }
        if now is None:
            described = [wire.read_site(message, site=site) for site, message in parts.items()]
            now = rounds.start(job, described, read_weights(exchange / "first.safetensors"), out=out)
            if silent:
                note(out, f"begins without {', '.join(silent)}, whose answer had not come")
            rejected = {}
        else:
            heard: dict[str, SiteUpdate | str] = {
                site: wire.read_update(message, sent=now.weights) for site, message in parts.items()
            }
            heard |= dict.fromkeys(silent, "its answer had not come when the round was closed")
            now = rounds.close(job, _joined(out), now, heard, out=out)
            rejected = {row.site: row.rejected for row in now.rows if row.round == index and row.rejected}
        if now.index == job.n_rounds:
            return Merged(now.index + 1, (), None, rejected)
        questions = _ask(out, job, now, key=key)
        return Merged(now.index + 1, missing(out, job, now), questions, rejected)


def missing(out: Path, job: FederatedJob, now: Checkpoint | None) -> tuple[str, ...]:
    """The sites whose answer to the open round has not come; none when all rounds are closed."""
    index = now.index + 1 if now else 0
    if index > job.n_rounds:
        return ()
    return tuple(site for site in _asked(out, now) if not _incoming(out / "exchange", index, site).is_dir())


def result(out: Path, *, device: str = "auto") -> rounds.FederatedRun:
    """The model of a run of files, as it stands.

    Raises:
        BadFile: No run in the folder, or no site has joined yet.
    """
    if not (out / "job.json").exists():
        raise BadFile(f"{out}: no federated run that has begun.")
    job = read_job(out / "job.json")
    now = last_checkpoint(out, job)
    if now is None:
        raise BadFile(f"{out}: the run has no first weights; begin it again in an empty folder.")
    return rounds.result(job, _joined(out), now, backend="files", device=device)


def run(job: FederatedJob, sites: Sequence[Site], *, out: Path, init: Weights | None = None) -> rounds.FederatedRun:
    """Play coordinator and sites on this machine, over folders and signatures as between real ones: a rehearsal.

    Args:
        job: What is asked of the sites.
        sites: Who takes part.
        out: Folder of the run; keys lie in it too, which a real run would never do.
        init: The weights to start from, where the job names a parent.
    """
    keys = {name: out / "rehearsal" / f"{name}.key" for name in ("coordinator", *(site.name for site in sites))}
    for path in keys.values():
        if not path.exists():
            signing.make_key(path)
    public = {name: path.with_name(path.name + ".pub") for name, path in keys.items()}
    own = keys["coordinator"]
    export(job, {site.name: public[site.name] for site in sites}, key=own, out=out, init=init)
    now = merge(out, [], key=own)
    while now.questions is not None:
        answers = []
        for site in sites:
            if site.name in now.missing:
                to = out / "rehearsal" / "answers" / site.name
                answers.append(
                    answer_folder(
                        now.questions / site.name, site, key=keys[site.name], trusted=public["coordinator"], out=to
                    )
                )
        now = merge(out, answers, key=own)
    return result(out, device=sites[0].device)


def _ask(out: Path, job: FederatedJob, now: Checkpoint | None, *, key: Path) -> Path:
    """Lay out the questions of the round that is open."""
    exchange = out / "exchange"
    if now is None:
        index = 0
        messages = {site: wire.ask_to_join(job, site) for site in _sites(exchange)}
    else:
        index = now.index + 1
        messages = {
            site.name: wire.ask_to_train(job, site, index=index, sent=now.weights, kept=now.kept.get(site.name))
            for site in _joined(out)
        }
    for site, parts in messages.items():
        _write(_outgoing(exchange, index) / site, parts, key=key, kind=QUESTION, job=job, site=site, index=index)
    return _outgoing(exchange, index)


def _checked(exchange: Path, folder: Path, *, job: FederatedJob, index: int) -> str:
    """The site whose answer this is, if its signature holds and it answers the open round."""
    found = signed_folder.read_answer(folder, keys=trust.key_files(exchange / "keys"), kind=ANSWER)
    if found.predicate.get("job") != job_digest(job):
        raise BadValue(f"{folder}: answers another job than {job.name}.")
    if (told := found.predicate.get("round")) != index:
        how = "all rounds are closed" if index > job.n_rounds else f"round {index} is open"
        raise BadValue(f"{folder}: site {found.signer} answers round {told}, and {how}.")
    if index:  # what is broken raises
        wire.read_refusal(found.parts)
    else:
        wire.read_site(found.parts, site=found.signer)
    return found.signer


def _write(out: Path, parts: wire.Parts, *, key: Path, kind: str, job: FederatedJob, site: str, index: int) -> None:
    said = {"site": site, "job": job_digest(job), "round": index}
    signed_folder.write(out, parts, key=key, kind=kind, predicate=said, names=_NAMES)


def _sites(exchange: Path) -> list[str]:
    return list(trust.key_files(exchange / "keys"))


def _asked(out: Path, now: Checkpoint | None) -> list[str]:
    """Whom the open round asks: everybody to join, then those who did."""
    return _sites(out / "exchange") if now is None else [site.name for site in _joined(out)]


def _joined(out: Path) -> list[FederatedSite]:
    return [read_document(path, FederatedSite) for path in sorted((out / "sites").glob("*.json"))]


def _outgoing(exchange: Path, index: int) -> Path:
    return exchange / "out" / f"round_{index:03d}"


def _incoming(exchange: Path, index: int, site: str) -> Path:
    return exchange / "in" / f"round_{index:03d}" / site
