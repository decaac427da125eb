"""What leaves a site in a training: a person sees it first, once a job, and agreements are asked by every way to train."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from persons import officer

from xraybench import federate
from xraybench.core.documents import FederatedJob
from xraybench.core.errors import Refused
from xraybench.data import agreement as agreements
from xraybench.data.agreement import Agreement
from xraybench.federate import Site, decisions, release
from xraybench.federate.answer import site_step
from xraybench.federate.baselines import local_models
from xraybench.federate.exchange import open_evaluation_site
from xraybench.federate.question import EvaluationQuestion
from xraybench.federate.site import signature_of
from xraybench.federate.staged import Stage, StagedPlan, run_stages
from xraybench.models.timm_net import TimmNet, net_of, sealed, weights_of

Job = Callable[..., FederatedJob]


def agreed(name: str, folder: Path, *, permit: Sequence[str] = (), forbid: Sequence[str] | None = None) -> Agreement:
    """The template's agreement of a site, with more permitted, and other actions forbidden than images and labels."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / agreements.FILE).write_text(agreements.template(name), encoding="utf-8")
    found = agreements.read_agreement(folder)
    assert found is not None
    more = agreements.Rule(party="*", actions=list(permit))
    denied = found.forbid if forbid is None else [agreements.Rule(party="*", actions=list(forbid))]
    return found.model_copy(update={"permit": [*found.permit, more], "forbid": denied})


def real(site: Site, tmp_path: Path, **changed: object) -> Site:
    """The same scans as if somebody had taken them, with the template's agreement and a log."""
    fields: dict[str, object] = {
        "dataset": replace(site.dataset, is_simulated=False),
        "agreement": agreed(site.name, tmp_path / f"data-{site.name}"),
        "log": tmp_path / site.name / decisions.FILE,
    }
    return replace(site, **{**fields, **changed})


class Person:
    """Keeps what was shown, and says what it was told to."""

    def __init__(self, answer: release.Answer) -> None:
        self.answer, self.shown = answer, []

    def __call__(self, payload: release.Payload) -> release.Answer:
        self.shown.append(payload.text)
        return self.answer


def test_a_person_sees_tensors_items_loss_rounds_size_party_and_agreement_once_a_job(
    job: Job, sites: tuple[Site, ...], tmp_path: Path
) -> None:
    person = Person(release.Answer(True, "Ada"))
    north = real(sites[0], tmp_path, approve=person)
    asked = job(n_rounds=2)
    run = federate.run(asked, [north, *sites[1:]], out=tmp_path / "run", quiet=True)
    (told,) = person.shown
    lines = dict(line.split(": ", 1) for line in told.splitlines())
    weights = weights_of(run.net.net)
    tensors = {name.removeprefix("tensor "): shape for name, shape in lines.items() if name.startswith("tensor ")}
    assert tensors.keys() == weights.keys()
    name, value = max(weights.items(), key=lambda pair: pair[1].ndim)
    assert tensors[name] == f"{value.dtype} {'x'.join(map(str, value.shape))}"
    n_bytes = sum(one.nbytes for one in weights.values())
    assert lines["bytes"].startswith(f"{n_bytes} a round, {2 * n_bytes} in all")
    assert lines["number of items"].startswith(str(len(north.train.items)))
    assert lines["mean loss"] == "of the training, told with every round"
    assert lines["to"] == "coordinator, for training"
    assert lines["agreement"].startswith("north-agreement/1#")
    (entry,) = [one for one in decisions.read(north.log) if one.facts]
    assert (entry.point, entry.action, entry.allowed, entry.facts["by"]) == ("release", "export_weights", True, "Ada")


def test_a_person_who_says_no_keeps_the_site_out_before_any_training(
    job: Job, sites: tuple[Site, ...], tmp_path: Path
) -> None:
    person = Person(release.Answer(False, "Ada", "the coordinator is not known here"))
    north = real(sites[0], tmp_path, approve=person)
    with pytest.raises(Refused, match="Site north does not release its weights: the coordinator is not known here"):
        federate.run(job(), [north, *sites[1:]], out=tmp_path / "run", quiet=True)
    assert not (tmp_path / "run").exists()
    assert [one.allowed for one in decisions.read(north.log) if one.facts] == [False]


def test_real_scans_leave_no_weights_where_nobody_is_asked_and_simulated_ones_do(
    job: Job, sites: tuple[Site, ...], tmp_path: Path
) -> None:
    with pytest.raises(Refused, match="nobody is there to release it"):
        real(sites[0], tmp_path).join(job())
    with pytest.raises(Refused, match="its scans are real, and a person there has to release"):
        real(sites[0], tmp_path, approve=release.unattended).join(job())
    sites[0].join(job())
    told = replace(sites[0], approve=release.unattended, log=tmp_path / "simulated")
    told.join(job())
    assert [one.facts["by"] for one in decisions.read(told.log) if one.facts] == ["unattended"]


def test_a_site_that_was_started_again_asks_nobody_twice_but_for_another_job_or_agreement(
    job: Job, sites: tuple[Site, ...], tmp_path: Path
) -> None:
    person = Person(release.Answer(True, "Ada"))
    real(sites[0], tmp_path, approve=person).join(job())
    again = real(sites[0], tmp_path, approve=person)
    again.join(job())
    assert len(person.shown) == 1
    again.join(job(seed=8))
    assert len(person.shown) == 2
    signed_anew = again.agreement.model_copy(update={"version": 2})
    replace(again, agreement=signed_anew).join(job())
    assert len(person.shown) == 3


def test_a_round_is_asked_about_too_where_the_coordinator_never_asked_the_site_to_join(
    job: Job, sites: tuple[Site, ...], tmp_path: Path
) -> None:
    person = Person(release.Answer(False, "Ada", "no"))
    start = weights_of(net_of(signature_of(job()), seed=1))
    with pytest.raises(Refused, match="does not release its weights"):
        real(sites[0], tmp_path, approve=person).fit(start, job(), 1)


def test_nobody_waits_for_a_person_when_the_job_is_over(tmp_path: Path) -> None:
    asked = release.by_file(tmp_path, timeout_s=60, poll_s=0.01, is_over=lambda: True)
    answer = asked(release.Payload("j1", "", "d1", "coordinator", "training", "weights"))
    assert (answer.approved, answer.reason) == (False, "no answer of a person while the job ran")


def with_agreements(sites: Sequence[Site], tmp_path: Path, **rules: Sequence[str]) -> list[Site]:
    return [
        real(site, tmp_path, approve=officer, agreement=agreed(site.name, tmp_path / f"own-{site.name}", **rules))
        for site in sites
    ]


def test_scans_of_several_sites_are_not_pooled_where_an_agreement_keeps_them_at_home(
    job: Job, sites: tuple[Site, ...], tmp_path: Path
) -> None:
    told = r"Site north refuses at load: 'export_image' for the purpose 'training' is forbidden to 'coordinator'"
    with pytest.raises(Refused, match=told):
        federate.baselines(job(n_rounds=1), with_agreements(sites, tmp_path), quiet=True)
    plan = StagedPlan(stages=[Stage(name="base", scope="all"), Stage(name="more", scope="all", how="pooled")])
    with pytest.raises(Refused, match=told):
        run_stages(plan, job(n_rounds=1), with_agreements(sites, tmp_path), out=tmp_path / "run", quiet=True)
    assert not (tmp_path / "run").exists()


def test_where_every_agreement_allows_it_scans_are_pooled_and_the_log_says_so(
    job: Job, sites: tuple[Site, ...], tmp_path: Path
) -> None:
    willing = with_agreements(sites, tmp_path, permit=["export_image"], forbid=[])
    found = federate.baselines(job(n_rounds=1), willing, quiet=True)
    assert found.pooled.name == "toy-pooled"
    told = {(one.point, one.action) for one in decisions.read(willing[0].log) if one.allowed}
    assert {("load", "export_image"), ("load", "export_weights"), ("release", "export_weights")} <= told


def test_no_model_looks_at_scans_that_an_agreement_keeps_from_the_question(
    folders: dict[str, Path], job: Job, tmp_path: Path
) -> None:
    net = net_of(signature_of(job(track="grey")), seed=1)
    TimmNet(sealed(signature_of(job(track="grey")), net), net).save(tmp_path / "model")
    site = open_evaluation_site(
        "north", folders["north"], tmp_path / "model", state=tmp_path / "state", approve=officer
    )
    asked = EvaluationQuestion(
        task="mail-any-any-any-v1", model="toy", model_digest=site.model_digest, purpose="procurement"
    )
    with pytest.raises(Refused, match="Site north refuses at load: no rule permits 'evaluate' for the purpose 'procu"):
        site_step(site, "open", {"question": asked.model_dump(mode="json")})
    assert not (tmp_path / "state" / "predictions").exists()


def test_a_site_alone_is_asked_as_well(job: Job, sites: tuple[Site, ...], tmp_path: Path) -> None:
    denied = with_agreements(sites, tmp_path, forbid=["export_weights"])
    with pytest.raises(Refused, match="'export_weights' for the purpose 'training' is forbidden"):
        local_models(job(n_rounds=1), denied, quiet=True)
