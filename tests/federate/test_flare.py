"""The real server and real sites on loopback with certificates at both ends: the same weights as in process, nothing in the
traffic that should not be there, and faults that cost a round a site and never the run.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from labelled import dealt, labelled, only, said
from needles import found_in, planted
from persons import officer, officers_at

pytest.importorskip("nvflare", reason="no nvflare: pip install 'xraybench[flare]'")

import psutil
from nvflare.apis.fl_constant import FLContextKey
from nvflare.apis.fl_context import FLContext
from nvflare.apis.shareable import Shareable
from nvflare.apis.signal import Signal
from nvflare.apis.utils.decomposers import flare_decomposers
from nvflare.fuel.utils import fobs
from safetensors.numpy import load
from sklearn.metrics import roc_auc_score

from xraybench import data, federate
from xraybench.core.documents import FederatedJob
from xraybench.core.errors import BadFile, BadValue, CheckFailed, Refused
from xraybench.federate import Site, decisions, files, flare, open_site, release, status, steps, wire
from xraybench.federate._flare_door import Door, connections
from xraybench.federate._flare_server import Coordinator, Evaluator, _Again
from xraybench.federate._flare_site import PARTS
from xraybench.federate.answer import EvaluationSite
from xraybench.federate.checkpoint import held
from xraybench.federate.evaluation import ask_in_process, evaluate_across
from xraybench.federate.kits import Outcome, ServerSettings, has_ended, write_outcome, write_settings
from xraybench.federate.question import EvaluationQuestion
from xraybench.federate.weights import Weights
from xraybench.models.timm_net import read_weights, weights_of

GUARD = Path(__file__).resolve().parents[1] / "guard" / "sitecustomize.py"
THREE = ("north", "south", "west")
Job = Callable[..., FederatedJob]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def job_of(folders: Mapping[str, Path], names: tuple[str, ...] = THREE, **numbers: object) -> FederatedJob:
    fields: dict[str, Any] = {"n_rounds": 2, "batch_size": 4, "seed": 7, "batch_norm": "local_statistics"}
    sites = [open_site(name, folders[name]) for name in names]
    return federate.job_for(
        sites, name="toy", architecture="test_resnet", track="grey", image_px=32, **{**fields, **numbers}
    )


def furthest(a: Weights, b: Weights) -> float:
    assert a.keys() == b.keys()
    return max(float(np.abs(a[name].astype(float) - b[name].astype(float)).max()) for name in a)


def auroc(run: federate.FederatedRun, folders: Mapping[str, Path]) -> float:
    truths, scores = [], []
    for name in THREE:
        dataset = data.read_dataset(folders[name])
        rows = run.net.predict(dataset.scans).kind("score")
        rows = rows[rows["target"] == "any"]
        truths += list(rows["scan_id"].isin(dataset.objects["scan_id"]))
        scores += list(rows["score"])
    return float(roc_auc_score(truths, scores))


@dataclass(frozen=True)
class Played:
    """A job that was played over the network, and what its processes sent."""

    job: FederatedJob
    run: federate.FederatedRun
    kits: Path
    traffic: Path


@pytest.fixture(scope="module")
def played(folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """Three sites, two rounds; every process writes down what it sends."""
    root = tmp_path_factory.mktemp("flare")
    (root / "hook").mkdir()
    (root / "traffic").mkdir()
    shutil.copy(Path(__file__).with_name("record_traffic.py"), root / "hook" / "sitecustomize.py")
    job = job_of(folders)
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(root / "hook"), os.environ.get("PYTHONPATH", "")]))
        patch.setenv("XRAYBENCH_GUARD", str(GUARD))
        patch.setenv("XRAYBENCH_TRAFFIC", str(root / "traffic"))
        kits = flare.provision(root / "kits", THREE, host="localhost", port=free_port())
        stack.enter_context(officers_at(to_release(kits, THREE)))
        for name in THREE:
            stack.enter_context(flare.site_process(kits / name, folders[name]))
        run = flare.coordinate(kits / "coordinator", job, out=root / "run", wait_s=120, quiet=True)
    yield Played(job, run, kits, root / "traffic")


def recorded(folder: Path, kind: str) -> list[bytes]:
    """What the sites sent, as `record_traffic` wrote it down."""
    found = []
    for path in sorted(folder.glob(f"site-*.{kind}")):
        content, at = path.read_bytes(), 0
        while at < len(content):
            size = int.from_bytes(content[at : at + 8], "little")
            found.append(content[at + 8 : at + 8 + size])
            at += 8 + size
    return found


def decoded(messages: list[bytes]) -> list[wire.Parts]:
    """The parts of every answer among the messages."""
    flare_decomposers.register()
    objects = [fobs.loads(message) for message in messages]
    found = [thing[PARTS] for thing in objects if isinstance(thing, Shareable) and PARTS in thing]
    return [parts for parts in found if wire.ASK not in parts]


def test_one_job_ends_alike_on_all_three_backends(played: Played, folders: dict[str, Path], tmp_path: Path) -> None:
    here = federate.run(played.job, sites_of(folders), out=tmp_path / "in", quiet=True)
    carried = files.run(played.job, sites_of(folders), out=tmp_path / "files")
    for other in (played.run, carried):
        assert furthest(weights_of(here.net.net), weights_of(other.net.net)) <= 1e-4
        assert auroc(here, folders) == pytest.approx(auroc(other, folders), abs=1e-3)
        assert list(here.rounds["site"]) == list(other.rounds["site"])
        assert not any(other.rounds["rejected"])
        assert {**other.net.signature.training, "backend": "inprocess"} == here.net.signature.training


def sites_of(folders: Mapping[str, Path], names: tuple[str, ...] = THREE) -> list[Site]:
    return [open_site(name, folders[name], approve=officer) for name in names]


def to_release(kits: Path, names: Iterable[str]) -> list[Path]:
    return [kits / name / "state" / "to_release" for name in names]


def test_nothing_of_a_scan_is_in_what_a_site_sends(played: Played, folders: dict[str, Path]) -> None:
    frames = b"".join(recorded(played.traffic, "frames"))
    messages = recorded(played.traffic, "messages")
    answers = decoded(messages)
    assert len(answers) == len(THREE) * (1 + played.job.n_rounds)
    # The record sees through: what was meant to leave is found in it, in the frames as well.
    updates = [parts for parts in answers if wire.UPDATE in parts]
    assert all(parts[wire.UPDATE] in frames for parts in updates)
    everything = frames + b"".join(messages)
    for name in THREE:
        assert found_in(everything, planted(name, folders[name], played.job, played.run)) == {}


def test_a_site_sends_counts_digests_a_mean_loss_and_the_tensors_of_the_network(
    played: Played, folders: dict[str, Path]
) -> None:
    shapes = {name: value.shape for name, value in weights_of(played.run.net.net).items()}
    for parts in decoded(recorded(played.traffic, "messages")):
        if wire.SITE in parts:
            assert parts.keys() == {wire.SITE}
            assert json.loads(parts[wire.SITE]).keys() == {"name", "corpora", "n_items", "version", "agreement"}
        else:
            assert parts.keys() == {wire.UPDATE, wire.WEIGHTS}
            record = json.loads(parts[wire.UPDATE])
            numbers = {name for name, value in record.items() if isinstance(value, int | float)}
            assert numbers == {"round", "n_items", "loss"}
            assert {name: value.shape for name, value in load(parts[wire.WEIGHTS]).items()} == shapes


def test_the_search_would_find_what_is_planted(played: Played, folders: dict[str, Path]) -> None:
    needles = planted("north", folders["north"], played.job, played.run)
    for kind, some in needles.items():
        assert len(some) >= 4, kind
        leaky = Shareable()
        leaky[PARTS] = {wire.UPDATE: b"{}" + some[2]}
        flare_decomposers.register()
        assert kind in found_in(fobs.dumps(leaky), needles)


def test_every_decision_of_a_site_stands_in_its_log(played: Played) -> None:
    entries = decisions.read(played.kits / "north" / "state" / decisions.FILE)
    joins = [("load", "train"), ("load", "export_weights"), ("release", "export_weights")]
    a_round = [("query", "export_weights"), ("query", "train"), ("release", "export_weights")]
    assert [(entry.point, entry.action) for entry in entries] == joins + a_round * played.job.n_rounds
    assert all(entry.allowed for entry in entries)
    assert [entry.facts["by"] for entry in entries if entry.facts] == ["the officer on duty"]  # asked once


def test_the_person_at_a_site_is_shown_what_leaves(played: Played) -> None:
    (shown,) = (played.kits / "west" / "state" / "to_release").glob("*.txt")
    told = shown.read_text(encoding="utf-8")
    for name, value in weights_of(played.run.net.net).items():
        assert f"tensor {name}: {value.dtype}" in told
    assert "rounds: 2, 2 passes" in told and "to: coordinator, for training" in told and "west-agreement/1#" in told
    assert (played.kits / "north" / "audit.log").stat().st_size > 0


def test_stores_lie_in_the_kit_and_not_where_all_users_look(played: Played) -> None:
    assert any((played.kits / "coordinator" / "store" / "jobs").iterdir())
    assert any((played.kits / "coordinator" / "tmp").parent.iterdir())
    kept = [path for path in played.kits.rglob("*") if path.suffix in (".pkl", ".pickle", ".pt", ".pth")]
    assert kept == []


def test_a_site_without_data_or_with_a_broken_kit_does_not_start(played: Played, tmp_path: Path) -> None:
    with pytest.raises(BadFile), flare.site_process(played.kits / "north", tmp_path):
        pass
    broken = Path(shutil.copytree(played.kits / "north", tmp_path / "north"))
    (broken / "startup" / "client.key").unlink()
    with pytest.raises(BadFile, match=r"client\.key is missing"), flare.site_process(broken, tmp_path):
        pass


class Rehearsed(Coordinator):
    """The coordinator's waiting over a network of our own: each site answers after its seconds, or never."""

    def __init__(
        self, job: FederatedJob, after_s: Mapping[str, float], answer: Callable[[str, wire.Parts], object]
    ) -> None:
        super().__init__(job.model_dump(mode="json"))
        self.after_s, self.answer = dict(after_s), answer
        self.cancelled: list[str] = []
        self.tasks: dict[str, Any] = {}  # site -> what it was asked last

    def broadcast(self, task: Any, fl_ctx: Any, targets: Any = None, **options: object) -> None:
        (site,) = targets
        task.site = site
        self.tasks[site] = task
        if site in self.after_s:
            threading.Timer(self.after_s[site], self._reply, [task, site]).start()

    def _reply(self, task: Any, site: str) -> None:
        result = Shareable()
        result[PARTS] = self.answer(site, task.data[PARTS])
        task.result_received_cb(SimpleNamespace(client=SimpleNamespace(name=site), result=result), None)

    def cancel_task(self, task: Any, **options: object) -> None:
        self.cancelled.append(task.site)


def asked(coordinator: Rehearsed, job: FederatedJob) -> dict[str, wire.Parts | str]:
    questions = {name: wire.ask_to_join(job, name) for name in THREE}
    return coordinator._ask(job, questions, Signal(), None)


def echo(site: str, parts: wire.Parts) -> wire.Parts:
    return {"said": site.encode()}


def test_a_round_closes_as_soon_as_all_have_answered(job: Job) -> None:
    began = time.monotonic()
    heard = asked(Rehearsed(job(quorum=2, grace_s=30), dict.fromkeys(THREE, 0.05), echo), job(quorum=2, grace_s=30))
    assert heard == {name: {"said": name.encode()} for name in THREE}
    assert time.monotonic() - began < 5


def test_a_lost_site_is_waited_for_once_and_no_longer_than_the_grace(job: Job) -> None:
    patient = job(quorum=2, grace_s=0.5)
    coordinator = Rehearsed(patient, {"north": 0.01, "south": 0.01}, echo)
    began = time.monotonic()
    assert asked(coordinator, patient)["west"] == "it did not answer within 0.5 s after the quorum of 2 had"
    assert 0.5 <= time.monotonic() - began < 5
    assert coordinator.cancelled == ["west"]
    began = time.monotonic()
    assert "did not answer the round before" in str(asked(coordinator, patient)["west"])
    assert time.monotonic() - began < 0.4
    coordinator.after_s["west"] = 0.0  # it is back, and in time
    coordinator.after_s["north"] = 0.1
    assert asked(coordinator, patient)["west"] == {"said": b"west"}


def test_without_a_quorum_a_round_ends_at_its_timeout(job: Job) -> None:
    short = job(quorum=3, round_timeout_s=0.3)
    heard = asked(Rehearsed(short, {"north": 0.01}, echo), short)
    assert heard["north"] == {"said": b"north"}
    assert heard["south"] == heard["west"] == "it did not answer within 0.3 s"


def test_an_answer_that_is_no_message_is_told(job: Job) -> None:
    heard = asked(Rehearsed(job(), dict.fromkeys(THREE, 0.01), lambda site, parts: {"weights": object()}), job())
    assert all("could not run the question" in str(said) for said in heard.values())


def test_a_stop_from_outside_ends_the_waiting(job: Job) -> None:
    stop = Signal()
    stop.trigger("stop")
    with pytest.raises(CheckFailed, match="stopped from outside"):
        Rehearsed(job(), {}, echo)._ask(job(), {"north": {}}, stop, None)


def test_sites_of_other_versions_or_little_data_are_named_before_any_training(
    job: Job, sites: tuple[Site, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_name = {site.name: site for site in sites}

    def answer(name: str, parts: wire.Parts) -> wire.Parts:
        said = wire.answer_or_refusal(by_name[name], parts)
        return said if name != "south" else {wire.SITE: said[wire.SITE].replace(b'"version": "', b'"version": "9')}

    wanted = job(least_items=1)
    coordinator = Rehearsed(wanted, dict.fromkeys(THREE, 0.01), answer)
    with pytest.raises(
        BadValue, match=r"Site south runs xraybench 9.* and the coordinator .*; install the same at both"
    ):
        coordinator._join(wanted, tmp_path, list(THREE), Signal(), None)
    wanted = job(least_items=1000)
    coordinator = Rehearsed(wanted, dict.fromkeys(THREE, 0.01), lambda n, p: wire.answer_or_refusal(by_name[n], p))
    with pytest.raises(
        BadValue, match=r"Site north does not take part: Site north has \d+ items(.|\n)*Site west does not"
    ):
        coordinator._join(wanted, tmp_path, list(THREE), Signal(), None)


def test_a_run_begins_with_the_quorum_and_says_who_is_missing_and_why(
    job: Job, sites: tuple[Site, ...], tmp_path: Path
) -> None:
    by_name = {site.name: site for site in sites}

    def answer(name: str, parts: wire.Parts) -> wire.Parts:
        if name == "west":
            return wire.refusal(name, Refused("Site west refuses at load: on this day it does not hold."))
        return wire.answer_or_refusal(by_name[name], parts)

    wanted = job(quorum=2)
    coordinator = Rehearsed(wanted, {"west": 0.0, "north": 0.1, "south": 0.1}, answer)
    joined = coordinator._join(wanted, tmp_path, list(THREE), Signal(), None)
    assert [one.name for one in joined] == ["north", "south"]
    assert "without: Site west does not take part: Site west refuses at load" in (tmp_path / "log.txt").read_text()
    wanted = job(quorum=3)
    coordinator = Rehearsed(wanted, dict.fromkeys(THREE, 0.01), answer)
    with pytest.raises(BadValue, match=r"2 of 3 sites take part in job toy and its quorum is 3\.\nSite west does not"):
        coordinator._join(wanted, tmp_path, list(THREE), Signal(), None)


def test_a_refusal_is_no_answer_that_the_grace_begins_with(job: Job) -> None:
    patient = job(quorum=2, grace_s=0.2)
    answers = {"north": wire.refusal("north", Refused("no"))}
    late = Rehearsed(patient, {"north": 0.0, "south": 0.0, "west": 0.6}, lambda site, parts: answers.get(site, {}))
    assert asked(late, patient)["west"] == {}


def connect(out: Path, **names: str) -> None:
    """As the server's door writes it down."""
    (out / "flare").mkdir(parents=True, exist_ok=True)
    (out / "flare" / "connected.json").write_text(json.dumps(names), encoding="utf-8")


def test_the_door_writes_down_who_is_connected_and_no_token(tmp_path: Path) -> None:
    (tmp_path / "local").mkdir()
    write_settings(tmp_path, ServerSettings(out=str(tmp_path / "run"), token="t"))
    clients = [SimpleNamespace(name="north", token="secret")]
    heard = SimpleNamespace(get_engine=lambda: SimpleNamespace(get_clients=lambda: clients))
    door = Door(str(tmp_path))
    door.handle_event("_job_started", heard)
    assert connections(tmp_path / "run") == {}
    door.handle_event("_client_register_processed", heard)
    before = connections(tmp_path / "run")
    assert before.keys() == {"north"} and "secret" not in str(before)
    clients[0] = SimpleNamespace(name="north", token="another")  # it was started again
    door.handle_event("_client_heartbeat_processed", heard)
    assert connections(tmp_path / "run")["north"] != before["north"]


def test_the_door_writes_down_which_jobs_have_ended(tmp_path: Path) -> None:
    (tmp_path / "local").mkdir()
    write_settings(tmp_path, ServerSettings(out=str(tmp_path / "run"), token="t"))
    door, context = Door(str(tmp_path)), FLContext()
    for kind, name in (("_job_completed", "one"), ("_job_aborted", "two"), ("_job_started", "three")):
        context.set_prop(FLContextKey.EVENT_DATA, {"job_id": name}, private=True, sticky=False)
        door.handle_event(kind, context)
    assert [has_ended(tmp_path / "run", name) for name in ("one", "two", "three")] == [True, True, False]


def test_a_job_that_ended_without_a_word_is_not_waited_for(tmp_path: Path) -> None:
    class Alive:
        def poll(self) -> None:
            return None

    (tmp_path / "flare").mkdir()
    (tmp_path / "flare" / "ended.json").write_text('["one"]', encoding="utf-8")
    with pytest.raises(CheckFailed, match="its job one, ended before the run did"):
        flare._outcome(tmp_path, "token", "one", Alive(), list, True)
    write_outcome(tmp_path, Outcome(token="token", exit_code=0, text=""))
    assert flare._outcome(tmp_path, "token", "one", Alive(), list, True).exit_code == 0


class Connected(Rehearsed):
    """As `Rehearsed`, for a whole run over the sites that are connected when it starts."""

    def __init__(self, job: FederatedJob, here: Iterable[str], answer: Callable[[str, wire.Parts], object]) -> None:
        super().__init__(job, dict.fromkeys(THREE, 0.01), answer)
        clients = [SimpleNamespace(name=name) for name in here]
        self._engine = SimpleNamespace(get_clients=lambda: clients)


def test_a_site_that_comes_back_ends_the_job_after_its_round_and_the_run_goes_on_with_it(
    job: Job, sites: tuple[Site, ...], tmp_path: Path
) -> None:
    by_name = {site.name: site for site in sites}
    asked_for = job(n_rounds=3, quorum=2)
    connect(tmp_path, north="1", south="1")

    def answer(name: str, parts: wire.Parts) -> wire.Parts:
        connect(tmp_path, north="1", south="1", west="2")
        return wire.answer_or_refusal(by_name[name], parts)

    with pytest.raises(_Again):
        Connected(asked_for, ["north", "south"], answer)._play(tmp_path, Signal(), None)
    assert status.status(tmp_path).closed == 1
    Connected(asked_for, THREE, answer)._play(tmp_path, Signal(), None)
    found = status.status(tmp_path)
    assert [row.site for row in found.rows if row.round == 1] == ["north", "south"]
    assert [row.site for row in found.rows if row.round == 3 and not row.rejected] == list(THREE)
    assert any("west connected; the sites are asked again after round 1" in line for line in found.log)
    assert any("west takes part from now on" in line for line in found.log)


def test_a_site_whose_person_agrees_late_takes_part_from_the_next_round_on(
    job: Job, sites: tuple[Site, ...], tmp_path: Path
) -> None:
    by_name = {site.name: site for site in sites}
    asked_for = job(n_rounds=3, quorum=2)
    coordinator = Connected(asked_for, THREE, lambda name, parts: wire.answer_or_refusal(by_name[name], parts))
    del coordinator.after_s["west"]  # nobody is there yet

    def agrees(name: str, parts: wire.Parts) -> wire.Parts:
        if (
            name == "north" and wire.GLOBAL in parts and "west" not in coordinator.after_s
        ):  # the first round is asked for
            coordinator.after_s["west"] = 0.01
            coordinator._reply(coordinator.tasks["west"], "west")
        return wire.answer_or_refusal(by_name[name], parts)

    coordinator.answer = agrees
    coordinator._play(tmp_path, Signal(), None)
    rows = status.status(tmp_path).rows
    assert [row.site for row in rows if row.round == 1] == ["north", "south"]
    assert [row.site for row in rows if row.round == 2 and not row.rejected] == list(THREE)


class RehearsedEvaluation(Rehearsed, Evaluator):
    """An evaluation over the same network of our own."""

    def __init__(
        self, question: EvaluationQuestion, after_s: Mapping[str, float], answer: Callable[..., object]
    ) -> None:
        Evaluator.__init__(
            self, question.model_dump(mode="json"), {"quorum": 3, "grace_s": 0.2, "round_timeout_s": 60.0}
        )
        self.after_s, self.answer, self.cancelled, self.tasks = dict(after_s), answer, [], {}


@pytest.fixture
def evaluated(tmp_path: Path) -> dict[str, EvaluationSite]:
    """Four sites with scans and a model's scores for them."""
    whole = labelled()
    scores = said(whole)
    return {
        name: EvaluationSite(name, part, only(part, scores), "m1", tmp_path / name, approve=release.unattended)
        for name, part in dealt(whole, ("east", "north", "south", "west")).items()
    }


QUESTION = EvaluationQuestion(task="mail-any-any-mail_160kv-v1", model="toy", model_digest="m1", axes=["concealment"])


def test_an_evaluation_over_the_network_tells_what_one_in_process_does(
    evaluated: dict[str, EvaluationSite], tmp_path: Path
) -> None:
    others = {name: replace(site, state=tmp_path / "other" / name) for name, site in evaluated.items()}
    here = evaluate_across(QUESTION, sorted(others), ask_in_process(others))
    carried = RehearsedEvaluation(
        QUESTION, dict.fromkeys(evaluated, 0.01), lambda name, parts: steps.answer_or_refusal(evaluated[name], parts)
    )
    there = carried._evaluate(sorted(evaluated), Signal(), None)
    assert [row.model_dump_json() for row in there.rows] == [row.model_dump_json() for row in here.rows]
    assert there.threshold == here.threshold
    assert len(there.rows) > 4
    told = [(entry.point, entry.action) for entry in decisions.read(evaluated["north"].log)]
    assert told[:2] == [("load", "evaluate"), ("query", "evaluate")]
    assert ("release", "see_aggregate") in told


def test_a_site_lost_in_an_evaluation_is_left_out_of_the_sum(evaluated: dict[str, EvaluationSite]) -> None:
    network = RehearsedEvaluation(
        QUESTION,
        dict.fromkeys(("east", "north", "south"), 0.01),
        lambda name, parts: steps.answer_or_refusal(evaluated[name], parts),
    )
    found = network._evaluate(sorted(evaluated), Signal(), None)
    assert found.absent == {"west": "it did not answer within 0.2 s after the quorum of 3 had"}
    assert [site.site for site in found.sites] == ["east", "north", "south"]


def test_a_fault_of_a_site_in_an_evaluation_names_no_file(evaluated: dict[str, EvaluationSite]) -> None:
    north = replace(evaluated["north"], state=Path("/dev/null/planted"))
    told = steps.answer_or_refusal(north, steps.ask("open", {"question": QUESTION.model_dump(mode="json")}))
    assert b"planted" not in b"".join(told.values())
    with pytest.raises(Refused, match="a fault at the site"):
        steps.read(told)
    with pytest.raises(BadFile, match=r"told\.json: missing"):
        steps.read({})


def start(*arguments: object, **environment: str) -> subprocess.Popen[bytes]:
    """The command line in a process of its own."""
    command = [sys.executable, "-c", "from xraybench.cli import main; main()", "federate", *map(str, arguments)]
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(
        [*environment.pop("PYTHONPATH", "").split(os.pathsep), root, os.environ.get("PYTHONPATH", "")]
    )
    return subprocess.Popen(
        command,
        env={**os.environ, **environment, "PYTHONPATH": path},
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )


def until(condition: Callable[[], bool], *, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 400
    while not condition():
        assert time.monotonic() < end
        assert process.poll() is None, "the coordinator ended"
        time.sleep(0.05)


@dataclass(frozen=True)
class Five:
    """Five sites that wait for their coordinator, and a folder through which a round at a site can be held up."""

    kits: Path
    holds: Path
    folders: dict[str, Path]
    processes: dict[str, subprocess.Popen[bytes]]

    def begin(self, name: str) -> None:
        """Start a site, or start it again."""
        hook = {"PYTHONPATH": str(self.holds), "XRAYBENCH_GUARD": str(GUARD), "XRAYBENCH_HOLDS": str(self.holds)}
        self.processes[name] = start("site", self.kits / name, "--data", self.folders[name], **hook)

    def hold(self, index: int, *names: str) -> None:
        """Stop these sites when they begin a round."""
        for name in names:
            (self.holds / f"{name}-{index}.hold").touch()

    def held(self, index: int, *names: str) -> bool:
        """Whether they stand there."""
        return all((self.holds / f"{name}-{index}.here").exists() for name in names)

    def free(self) -> None:
        """Let all of them go on."""
        for path in [*self.holds.glob("*.hold"), *self.holds.glob("*.here")]:
            path.unlink(missing_ok=True)


@pytest.fixture(scope="module")
def five(folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Five]:
    """Real processes; started once for both faults."""
    root = tmp_path_factory.mktemp("five")
    (root / "holds").mkdir()
    shutil.copy(Path(__file__).with_name("hold_rounds.py"), root / "holds" / "sitecustomize.py")
    kits = flare.provision(root / "kits", list(folders), host="localhost", port=free_port())
    sites = Five(kits, root / "holds", folders, {})
    with officers_at(to_release(kits, folders)):
        for name in folders:
            sites.begin(name)
        yield sites
    for process in sites.processes.values():
        process.terminate()
    for process in sites.processes.values():
        process.wait(timeout=60)


@pytest.mark.slow
def test_a_coordinator_killed_in_a_round_and_started_again_ends_in_the_same_weights(five: Five, tmp_path: Path) -> None:
    asked = job_of(five.folders, tuple(five.folders), n_rounds=3)
    federate.write_job(tmp_path / "job.json", asked)
    out = tmp_path / "run"
    command = ("coordinate", five.kits / "coordinator", tmp_path / "job.json", "--out", out)
    five.hold(2, *five.folders)
    first = start(*command)
    until(lambda: five.held(2, *five.folders), process=first)
    first.send_signal(signal.SIGKILL)
    first.wait(timeout=60)
    with held(out):  # its server lives a second longer and could still close the round
        five.free()
    assert start(*command).wait(timeout=400) == 0
    found = status.status(out)
    assert found.closed == 3
    assert not any(row.rejected for row in found.rows)
    assert any("goes on after round 1" in line for line in found.log)
    undisturbed = federate.run(asked, sites_of(five.folders, tuple(five.folders)), out=tmp_path / "in", quiet=True)
    last = read_weights(out / "round_003" / "global.safetensors")
    assert furthest(last, weights_of(undisturbed.net.net)) <= 1e-4


@pytest.mark.slow
def test_a_job_of_the_server_that_is_killed_ends_the_command_and_the_same_command_goes_on(
    five: Five, tmp_path: Path
) -> None:
    asked = job_of(five.folders, tuple(five.folders), n_rounds=2)
    federate.write_job(tmp_path / "job.json", asked)
    out = tmp_path / "run"
    command = ("coordinate", five.kits / "coordinator", tmp_path / "job.json", "--out", out)
    five.hold(2, *five.folders)
    first = start(*command)
    until(lambda: five.held(2, *five.folders), process=first)
    (job_process,) = [
        process
        for process in psutil.Process(first.pid).children(recursive=True)
        if any("server.runner_process" in word for word in process.cmdline())
    ]
    job_process.kill()
    assert first.wait(timeout=120) == 1
    five.free()
    assert start(*command).wait(timeout=400) == 0
    assert status.status(out).closed == 2


@pytest.mark.slow
def test_a_site_killed_in_a_round_costs_the_grace_and_is_taken_back_when_it_returns(five: Five, tmp_path: Path) -> None:
    asked = job_of(five.folders, tuple(five.folders), n_rounds=4, quorum=4, grace_s=3)
    federate.write_job(tmp_path / "job.json", asked)
    out = tmp_path / "run"
    five.hold(2, "middle")
    five.hold(3, "north")
    coordinator = start("coordinate", five.kits / "coordinator", tmp_path / "job.json", "--out", out)
    until(lambda: five.held(2, "middle"), process=coordinator)
    five.processes["middle"].send_signal(signal.SIGKILL)
    five.processes["middle"].wait(timeout=60)
    until(lambda: five.held(3, "north"), process=coordinator)  # round 2 is closed without it
    before = connections(out).get("middle")
    five.begin("middle")
    until(lambda: connections(out).get("middle", before) != before, process=coordinator)
    five.free()
    assert coordinator.wait(timeout=400) == 0
    found = status.status(out)
    lost = {row.round: row.rejected for row in found.rows if row.rejected}
    assert found.closed == 4
    assert {row.site for row in found.rows if row.rejected} == {"middle"}
    assert sorted(lost) == [2, 3]
    assert "within 3 s after the quorum of 4 had" in lost[2]
    assert any("round 2: closed without middle" in line for line in found.log)
    assert any("middle connected; the sites are asked again after round 3" in line for line in found.log)
