"""The backend for real networks: NVIDIA FLARE carries the messages, with certificates at both ends.

Sites connect outward to one port of the coordinator and never listen. No code travels: a job names our two classes, which
are the only ones on the allow-lists, every role is denied code of its own (`byoc`), and jobs are signed by the coordinator.
Every process is a child of the command that started it and ends with it.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from xraybench.core.documents import (
    FederatedJob,
    FederatedSite,
    ModelSignature,
    read_document,
    write_document,
    write_text,
)
from xraybench.core.errors import BadFile, BadValue, CheckFailed, DigestMismatch, XrayBenchError
from xraybench.core.optional import need
from xraybench.data.agreement import LEAST_SITES
from xraybench.federate import decisions, kits, rounds
from xraybench.federate.checkpoint import LOG, last_checkpoint
from xraybench.federate.job import differences, read_job
from xraybench.federate.kits import Federation, Kit, ServerSettings, SiteSettings
from xraybench.federate.question import EvaluationQuestion, FederatedResult
from xraybench.federate.site import is_name, open_site
from xraybench.federate.weights import Weights, write_weights

COORDINATOR, EVALUATOR, SITE = CLASSES = (
    "xraybench.federate._flare_server.Coordinator",
    "xraybench.federate._flare_server.Evaluator",
    "xraybench.federate._flare_site.SiteExecutor",
)
AGAIN = "again"  # how a job of FLARE ends when a site has connected that it cannot reach: the run goes on in another
SUBMITTER = "jobs@coordinator.example"  # FLARE wants an address; nothing is sent to it
_START = "xraybench.federate._flare_start"
_DOOR = "xraybench.federate._flare_door.Door"
_MOST_LETTERS = 64  # of a name in X.509
_POLL_S = 0.1
_ASK_S = 0.2  # how often a site asks for work: what a round costs beside the training
_UP_S = 60.0  # for a server to listen
_BACK_S = 30.0  # for sites to connect when the run goes on in another job; most of them never left
_LINGER_S = 2.0  # for the sites to hear that the job is over, before the server goes
# What each role may do, at the coordinator and at every site. Only whoever holds the coordinator's kit submits jobs.
_DENIED = ("byoc", "server-predeployed-flwr", "shell_commands", "download_job", "clone_job")
_POLICY = {
    "format_version": "1.0",
    "permissions": {
        "lead": {"submit_job": "any", "manage_job": "n:submitter", "view": "any", "operate": "none"}
        | dict.fromkeys(_DENIED, "none"),
    },
}


def provision(out: Path, sites: Sequence[str], *, host: str, port: int, name: str = "xraybench") -> Path:
    """Make the start-up kits of a federation: certificates of one authority, a kit for the coordinator and for each site.

    Args:
        out: A new folder. Hand `out/<site>` to each site over a channel that proves whose it is; `out/authority` holds the
            authority's key and leaves the coordinator never.
        sites: Names of the sites.
        host: The coordinator as the sites reach it. `localhost` listens on loopback only.
        port: Its one port.
        name: Of the federation.

    Raises:
        BadFile: The folder is there already.
        BadValue: A name is no name or stands there twice, or there is no such port.
        MissingExtra: nvflare is not installed.
    """
    _need()
    if bad := [site for site in sites if not is_name(site)]:
        raise BadValue(f"A site is named by letters, digits and underscores; got {', '.join(map(repr, bad))}.")
    if long := [word for word in (*sites, host, name) if not 0 < len(word) <= _MOST_LETTERS]:
        raise BadValue(f"Names in certificates have 1 to {_MOST_LETTERS} letters; got {', '.join(map(repr, long))}.")
    if not 0 < port < 1 << 16:
        raise BadValue(f"There is no port {port}; 1 to 65535 is right.")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name):
        raise BadValue(f"A federation is named by letters, digits, dots, underscores and hyphens; got '{name}'.")
    if len(set(sites)) < len(sites) or not sites or {host, "authority", "coordinator"} & set(sites):
        raise BadValue(
            f"A federation needs sites of different names, none called authority or coordinator; got {sites}."
        )
    if out.exists():
        raise BadFile(f"{out}: is there already, and kits are never written over. Name another folder.")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".kits_") as temporary:
        made = _provisioned(Path(temporary), sites, host=host, port=port, name=name)
        whole = Path(temporary) / "whole"
        whole.mkdir(mode=0o700)
        (made / host).replace(whole / "coordinator")
        (made / SUBMITTER).replace(whole / "coordinator" / "admin")
        for site in sites:
            (made / site).replace(whole / site)
        (made.parent / "state").replace(whole / "authority")
        for path in (whole / "authority").iterdir():
            path.chmod(0o600)
        federation = Federation(name=name, host=host, port=port, sites=sorted(sites))
        write_document(whole / "coordinator" / kits.FEDERATION, federation)
        for holder in ("coordinator", *sites):
            _set_policy(whole / holder)
        whole.replace(out)
    return out


def coordinate(
    kit: Path, job: FederatedJob, *, out: Path, init: Weights | None = None, wait_s: float = 600.0, quiet: bool = False
) -> rounds.FederatedRun:
    """Run a job over the network: listen, wait for the sites, play the rounds, and stop listening.

    The run begins with the sites that say yes, if they are a quorum; what the others say is noted. One that connects, comes
    back or is let go by its person later takes part from the next round on. A run that was stopped goes on after its last
    whole round.

    Args:
        kit: The coordinator's start-up kit.
        job: What is asked of the sites.
        out: Folder of the run; new, or of the same run.
        init: The weights to start from, where the job names a parent.
        wait_s: How long to wait for all sites to connect, and once the quorum has joined for the others to join.
        quiet: No words on stderr.

    Raises:
        BadFile: The kit cannot be used, or a checkpoint was damaged.
        BadValue: Fewer sites than the quorum can carry the job and say yes, and no site has trained by then; or no wait.
        DigestMismatch: The folder holds another run, or `init` is not the job's parent.
        CheckFailed: The quorum did not come, or a round had fewer usable updates. Rounds before it are kept.
        MissingExtra: nvflare is not installed.
    """
    _need()
    if not wait_s >= 0:  # NaN would wait for ever
        raise BadValue(f"A wait of {wait_s:g} s cannot be waited; 0 or more is right.")
    known = kits.open_kit(kit.resolve(), "server")
    federation = read_document(known.folder / kits.FEDERATION, Federation)
    if len(federation.sites) < job.quorum:
        raise BadValue(
            f"Job {job.name} needs {job.quorum} sites in every round and {kit} knows {len(federation.sites)}."
        )
    rounds.first_weights(job, init)
    out = out.resolve()
    if (out / "job.json").exists() and (found := differences(read_job(out / "job.json"), job)):
        raise DigestMismatch(f"{out} holds another federated run. Choose an empty folder.\n  " + "\n  ".join(found))
    if init is not None:
        (out / "flare").mkdir(parents=True, exist_ok=True)
        write_weights(out / "flare" / "first.safetensors", init)

    def progress() -> list[str]:
        log = (out / LOG).read_text(encoding="utf-8").splitlines() if (out / LOG).exists() else []
        return [*log, f"{max(0, sum(1 for _ in out.glob('round_*')) - 1)} of {job.n_rounds} rounds are closed"]

    def work(is_first: bool) -> dict[str, object]:
        join_s = wait_s if is_first else job.grace_s
        return {"path": COORDINATOR, "args": {"job": job.model_dump(mode="json"), "join_s": join_s}}

    _play(known, federation, work, out=out, quorum=job.quorum, wait_s=wait_s, progress=progress, quiet=quiet)
    return finished(job, out)


def evaluate(
    kit: Path,
    question: EvaluationQuestion,
    *,
    out: Path,
    quorum: int = LEAST_SITES,
    grace_s: float = 120.0,
    timeout_s: float = 24 * 3600.0,
    wait_s: float = 600.0,
    quiet: bool = False,
) -> FederatedResult:
    """Put a question of an evaluation to the sites over the network; no score leaves one.

    Args:
        kit: The coordinator's start-up kit.
        question: What is asked.
        out: Where `result.json` goes.
        quorum: Fewest sites that must answer a step.
        grace_s: How long the others are waited for once they have.
        timeout_s: How long a site may take for a step: a person there releases the answer.
        wait_s: How long to wait for all sites to connect; then the quorum is enough.
        quiet: No words on stderr.

    Raises:
        BadFile: The kit cannot be used.
        BadValue: Two sites bring the same scans, or the masks did not cancel; too few sites can answer.
        CheckFailed: The quorum did not come.
        MissingExtra: nvflare is not installed.
    """
    _need()
    known = kits.open_kit(kit.resolve(), "server")
    federation = read_document(known.folder / kits.FEDERATION, Federation)
    patience = {"quorum": quorum, "grace_s": grace_s, "round_timeout_s": timeout_s}
    work = {"path": EVALUATOR, "args": {"question": question.model_dump(mode="json"), "patience": patience}}
    _play(
        known, federation, lambda _: work, out=out.resolve(), quorum=quorum, wait_s=wait_s, progress=list, quiet=quiet
    )
    return read_document(out / "result.json", FederatedResult)


def _play(
    kit: Kit,
    federation: Federation,
    work: Callable[[bool], Mapping[str, object]],
    *,
    out: Path,
    quorum: int,
    wait_s: float,
    progress: Callable[[], list[str]],
    quiet: bool,
) -> None:
    """Start the server, give it the work once the sites are there, again whenever one comes back, until it is done."""
    (out / "flare").mkdir(parents=True, exist_ok=True)
    _tell(kit, out)
    _place_stores(kit.folder)
    with _process(kit, "server") as server:
        _wait_until_it_listens(kit, server)
        _say(f"listens at {kit.host}:{kit.port} for {', '.join(federation.sites)}", quiet)
        is_first = True
        while True:
            token = _tell(kit, out)
            patience_s = wait_s if is_first else min(wait_s, _BACK_S)
            flare_job, here = _submit(kit, federation, work(is_first), quorum=quorum, wait_s=patience_s)
            _say(f"asks {', '.join(here)}", quiet)
            outcome = _outcome(out, token, flare_job, server, progress, quiet)
            if outcome.text != AGAIN:
                break
            is_first = False
        time.sleep(_LINGER_S)
    if outcome.exit_code:
        raise _error(outcome)


def _tell(kit: Kit, out: Path) -> str:
    """Tell the classes inside FLARE where the run lies; the token that names this start of it."""
    settings = ServerSettings(out=str(out), token=secrets.token_hex(16))
    kits.write_settings(kit.folder, settings)
    return settings.token


def finished(job: FederatedJob, out: Path) -> rounds.FederatedRun:
    """The model of a run over the network, as its folder holds it."""
    now = last_checkpoint(out, job)
    if now is None:
        raise BadFile(f"{out}: no round is kept.")
    described = [read_document(path, FederatedSite) for path in sorted((out / "sites").glob("*.json"))]
    return rounds.result(job, described, now, backend="flare")


def serve(kit: Path, data: Path, **options: Any) -> int:
    """Run a site: connect outward and answer until stopped. The scans stay where they are.

    Args:
        kit: The site's start-up kit.
        data: Its dataset folder.
        options: As of `site_process`.

    Returns:
        The exit code of the process that was run.

    Raises:
        BadFile: The kit cannot be used, the coordinator does not accept it, or there is no dataset in the folder.
        BadValue: The site holds nothing to learn from.
        MissingExtra: nvflare is not installed.
    """
    with site_process(kit, data, **options) as process:
        return process.wait()


@contextlib.contextmanager
def site_process(
    kit: Path,
    data: Path,
    *,
    model: Path | None = None,
    state: Path | None = None,
    is_attended: bool = True,
    device: str = "auto",
    n_threads: int = 1,
    quiet: bool = True,
) -> Iterator[subprocess.Popen[bytes]]:
    """As `serve`, but for as long as the block lasts.

    Args:
        kit: The site's start-up kit.
        data: Its dataset folder.
        model: Folder of the model that may be evaluated here; None where none may.
        state: Folder of the site: its log, which is the ledger of trainings and evaluations alike, and what waits for a
            person; `state` in the kit when left out.
        is_attended: A person lets go what leaves: it is laid into `to_release` of that folder. Without one, real scans are
            neither trained on nor told of.
        device: auto, cpu or cuda.
        n_threads: Threads of torch.
        quiet: No words on stderr.
    """
    _need()
    known = kits.open_kit(kit.resolve(), "client")
    site = open_site(known.name, data, device=device)  # a fault in the data is told here, not in a log
    if model is not None:
        read_document(model / "signature.json", ModelSignature)
    _say(f"{known.name}: {len(site.train.items)} items to learn from", quiet)
    reached = kits.check_connection(known)
    _say(f"{known.name}: {'connects to' if reached else 'waits for'} {known.host}:{known.port}", quiet)
    home = (state or known.folder / "state").resolve()
    settings = SiteSettings(
        data=str(data.resolve()),
        device=device,
        n_threads=n_threads,
        log=str(home / decisions.FILE),
        model=str(model.resolve()) if model else "",
        state=str(home),
        is_attended=is_attended,
    )
    kits.write_settings(known.folder, settings)
    with _process(known, "client") as process:
        yield process


def _need() -> None:
    need("nvflare", extra="flare", why="A federation over a network")


def _provisioned(folder: Path, sites: Sequence[str], *, host: str, port: int, name: str) -> Path:
    """What FLARE's own provisioning makes: one folder a participant."""
    from nvflare.lighter.prov_utils import prepare_builders, prepare_packager
    from nvflare.lighter.provision import prepare_project
    from nvflare.lighter.provisioner import Provisioner

    project: dict[str, Any] = {
        "api_version": 3,
        "name": name,
        "description": "a federation of xraybench",
        "participants": [
            {"name": host, "type": "server", "org": "coordinator", "fed_learn_port": port},
            *({"name": site, "type": "client", "org": site} for site in sites),
            {"name": SUBMITTER, "type": "admin", "org": "coordinator", "role": "lead"},
        ],
        "builders": [
            {"path": "nvflare.lighter.impl.workspace.WorkspaceBuilder", "args": {}},
            {
                "path": "nvflare.lighter.impl.static_file.StaticFileBuilder",
                "args": {"config_folder": "config", "scheme": "grpc", "require_signed_jobs": True},
            },
            {"path": "nvflare.lighter.impl.cert.CertBuilder", "args": {}},
            {"path": "nvflare.lighter.impl.signature.SignatureBuilder", "args": {}},
        ],
    }
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            context = Provisioner(str(folder), prepare_builders(project), prepare_packager(project)).provision(
                prepare_project(project)
            )
    except ValueError as error:
        raise BadValue(f"FLARE cannot provision this federation: {error}.") from None
    made = folder / name / "prod_00"
    if not made.is_dir():
        raise BadValue(f"FLARE did not provision this federation: {context.get('build_error') or said.getvalue()}")
    return made


def _set_policy(kit: Path) -> None:
    """Which classes may run and who may do what. The holder may change it; a site only ever to forbid more."""
    local = kit / "local"
    resources = json.loads((local / "resources.json.default").read_text(encoding="utf-8"))
    resources |= {
        "class_list_enforcement_mode": "enforce",
        "class_allow_list": list(CLASSES),
        "allow_log_streaming": False,
    }
    resources["components"] = [part for part in resources["components"] if "log" not in part["id"]]  # no log leaves
    write_text(local / "resources.json", json.dumps(resources, indent=1) + "\n")
    write_text(local / "authorization.json", json.dumps(_POLICY, indent=1) + "\n")
    (local / "privacy.json.sample").unlink()
    for folder in (kit, kit / "startup", local):
        folder.chmod(0o700)


def _place_stores(kit: Path) -> None:
    """Jobs and snapshots of the server into its kit (by default they lie where all users look), and our door."""
    path = kit / "local" / "resources.json"
    resources = json.loads(path.read_text(encoding="utf-8"))
    store = kit / "store"
    store.mkdir(mode=0o700, exist_ok=True)
    door = {"id": "door", "path": _DOOR, "args": {"kit": str(kit)}}
    resources["components"] = [*(part for part in resources["components"] if part["id"] != "door"), door]
    resources["snapshot_persistor"]["args"]["storage"]["args"]["root_dir"] = str(store / "snapshots")
    for part in resources["components"]:
        if part["id"] == "job_manager":
            part["args"]["uri_root"] = str(store / "jobs")
    write_text(path, json.dumps(resources, indent=1) + "\n")


@contextlib.contextmanager
def _process(kit: Kit, role: kits.Role) -> Iterator[subprocess.Popen[bytes]]:
    """FLARE's process of a kit, stopped at the end of the block. Its words go into the kit."""
    module = f"nvflare.private.fed.app.{role}.{role}_train"
    told = ["secure_train=true", *([f"uid={kit.name}"] if role == "client" else []), f"org={kit.organisation}"]
    command = [sys.executable, "-u", "-m", _START, module, "-m", str(kit.folder), "-s", f"fed_{role}.json"]
    (kit.folder / "transfer").mkdir(exist_ok=True)
    with (kit.folder / "console.txt").open("ab") as console:
        process = subprocess.Popen(
            [*command, "--set", *told, "config_folder=config"],
            cwd=kit.folder,
            env={**os.environ, "PYTHONPATH": _python_path()},
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _python_path() -> str:
    """Children find the same xraybench: FLARE changes into the kit before it imports anything."""
    root = str(Path(__file__).resolve().parents[2])
    return os.pathsep.join(dict.fromkeys([root, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]))


def _wait_until_it_listens(kit: Kit, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + _UP_S
    while time.monotonic() < end and server.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection((kit.host, kit.port), timeout=1.0):
            return
        time.sleep(_POLL_S)
    raise CheckFailed(f"The server did not come up at {kit.host}:{kit.port}; see {kit.folder / 'console.txt'}.")


def _submit(
    kit: Kit, federation: Federation, work: Mapping[str, object], *, quorum: int, wait_s: float
) -> tuple[str, list[str]]:
    """Hand the work to the server once the sites are there; FLARE's name of the job, and the sites that are."""
    folder = kit.folder / "admin" / "transfer" / "job"
    shutil.rmtree(folder, ignore_errors=True)
    server_config = {
        "format_version": 2,
        "server": {"task_request_interval": _ASK_S},
        "workflows": [{"id": "rounds", **work}],
    }
    site_config = {"format_version": 2, "executors": [{"tasks": ["xraybench"], "executor": {"path": SITE, "args": {}}}]}
    meta = {"name": "job", "resource_spec": {}, "deploy_map": {"app": ["@ALL"]}, "min_clients": quorum}
    for name, content in (
        ("meta.json", meta),
        ("app/config/config_fed_server.json", server_config),
        ("app/config/config_fed_client.json", site_config),
    ):
        write_text(folder / name, json.dumps(content, indent=1) + "\n")
    told = ["--job", "job", "--user", SUBMITTER, "--quorum", str(quorum), "--wait", str(wait_s)]
    command = [sys.executable, "-m", "xraybench.federate._flare_submit", "-m", str(kit.folder / "admin"), *told]
    with (kit.folder / "console.txt").open("ab") as console:
        done = subprocess.run(
            [*command, *federation.sites],
            env={**os.environ, "PYTHONPATH": _python_path()},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=console,
            check=False,
        )
    try:
        taken = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        raise CheckFailed(f"The server took no job; see {kit.folder / 'console.txt'}.") from None
    if not taken["sites"]:
        raise CheckFailed(f"Fewer than {quorum} of {', '.join(federation.sites)} connected within {wait_s:g} s.")
    return taken["job_id"], taken["sites"]


def _outcome(
    out: Path,
    token: str,
    flare_job: str,
    server: subprocess.Popen[bytes],
    progress: Callable[[], list[str]],
    quiet: bool,
) -> kits.Outcome:
    told = set(progress())
    while True:
        is_over = server.poll() is not None or kits.has_ended(out, flare_job)
        if (outcome := kits.read_outcome(out, token)) is not None:
            break
        if is_over:  # looked at before the outcome was: what ended well has written one
            raise CheckFailed(
                f"The server, or its job {flare_job}, ended before the run did. Rounds before it are kept; the same command "
                "goes on."
            )
        for line in progress():
            if line not in told:
                _say(line, quiet)
                told.add(line)
        time.sleep(_POLL_S)
    return outcome


def _error(outcome: kits.Outcome) -> XrayBenchError:
    return BadValue(outcome.text) if outcome.exit_code == 2 else CheckFailed(outcome.text)


def _say(text: str, quiet: bool) -> None:
    if not quiet:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
