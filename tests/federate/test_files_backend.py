"""The air gap: the same job by folders and signatures ends in the same weights; what is changed or late is told."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from needles import found_in, planted
from persons import officer
from sklearn.metrics import roc_auc_score

from xraybench import data, federate
from xraybench.core import signing
from xraybench.core.documents import FederatedJob, FederatedSite, FederatedUpdate
from xraybench.core.errors import BadFile, BadParameter, BadValue, CheckFailed, DigestMismatch, Refused
from xraybench.core.types import Dataset
from xraybench.data import agreement as agreements
from xraybench.federate import Site, decisions, files, open_site, status, wire
from xraybench.federate.site import signature_of
from xraybench.federate.weights import Weights, from_bytes, to_bytes
from xraybench.models.timm_net import TimmNet, digest_of_weights, net_of, weights_of

Job = Callable[..., FederatedJob]
THREE = ("north", "south", "west")


def key_of(tmp_path: Path, name: str) -> Path:
    path = tmp_path / "keys" / name
    if not path.exists():
        signing.make_key(path)
    return path


def public(path: Path) -> Path:
    return path.with_name(path.name + ".pub")


def begin(job: FederatedJob, tmp_path: Path, names: tuple[str, ...] = THREE) -> Path:
    keys = {name: public(key_of(tmp_path, name)) for name in names}
    return files.export(job, keys, key=key_of(tmp_path, "coordinator"), out=tmp_path / "run")


def answers(questions: Path, sites: Mapping[str, Site], tmp_path: Path) -> dict[str, Path]:
    trusted = public(key_of(tmp_path, "coordinator"))
    return {
        name: files.answer_folder(
            questions / name, site, key=key_of(tmp_path, name), trusted=trusted, out=tmp_path / "stick" / name
        )
        for name, site in sites.items()
    }


def merge(tmp_path: Path, *folders: Path, close: bool = False) -> files.Merged:
    return files.merge(tmp_path / "run", folders, key=key_of(tmp_path, "coordinator"), close=close)


def joined(job: FederatedJob, sites: tuple[Site, ...], tmp_path: Path) -> tuple[Path, dict[str, Site]]:
    """A run whose sites have joined: the questions of round 1."""
    by_name = {site.name: site for site in sites}
    questions = begin(job, tmp_path)
    questions = merge(tmp_path, *answers(questions, by_name, tmp_path).values()).questions or questions
    return questions, by_name


def tampered(folder: Path, tmp_path: Path, change: Callable[[wire.Parts], None]) -> Path:
    """An answer whose own site signs something else than it trained."""
    parts = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != signing.STATEMENT}
    statement = signing.verify(folder / signing.STATEMENT, folder, keys=[public(key_of(tmp_path, folder.name))])
    change(parts)
    for name, content in parts.items():
        (folder / name).write_bytes(content)
    signing.sign(
        folder,
        [folder / name for name in parts],
        key=key_of(tmp_path, folder.name),
        predicate_type=files.ANSWER,
        predicate=statement.predicate,
        out=folder / signing.STATEMENT,
    )
    return folder


def with_weights(change: Callable[[Weights], Weights]) -> Callable[[wire.Parts], None]:
    """Change the weights of an answer and its record with them, as a broken site would."""

    def apply(parts: wire.Parts) -> None:
        record = FederatedUpdate.model_validate_json(parts[wire.UPDATE])
        weights = change(from_bytes(parts[wire.WEIGHTS], source="test"))
        parts[wire.WEIGHTS] = to_bytes(weights)
        told = record.model_copy(update={"weights_digest": digest_of_weights(weights)})
        parts[wire.UPDATE] = told.model_dump_json().encode()

    return apply


def same(a: Weights, b: Weights) -> bool:
    return a.keys() == b.keys() and all(a[name].tobytes() == b[name].tobytes() for name in a)


def auroc(net: TimmNet, datasets: Sequence[Dataset]) -> float:
    truths, scores = [], []
    for dataset in datasets:
        rows = net.predict(dataset.scans).kind("score")
        rows = rows[rows["target"] == "any"]
        truths += list(rows["scan_id"].isin(dataset.objects["scan_id"]))
        scores += list(rows["score"])
    return float(roc_auc_score(truths, scores))


@pytest.mark.parametrize("rule", ["average", "local_statistics"])
def test_files_end_in_the_weights_of_the_run_in_process(folders: dict[str, Path], tmp_path: Path, rule: str) -> None:
    sites = [open_site(name, folders[name], approve=officer) for name in THREE]
    job = federate.job_for(
        sites,
        name="t",
        architecture="test_resnet",
        track="grey",
        image_px=32,
        n_rounds=2,
        batch_size=4,
        batch_norm=rule,
    )
    whole = federate.run(job, sites, out=tmp_path / "a", quiet=True)
    carried = files.run(job, [open_site(name, folders[name], approve=officer) for name in THREE], out=tmp_path / "b")
    assert same(weights_of(whole.net.net), weights_of(carried.net.net))
    assert {**carried.net.signature.training, "backend": "inprocess"} == whole.net.signature.training
    tests = [data.read_dataset(folders[name]) for name in THREE]
    assert auroc(whole.net, tests) == pytest.approx(auroc(carried.net, tests), abs=1e-3)
    assert [path.suffix for path in (tmp_path / "b" / "exchange").rglob("*") if path.is_file()].count(".pkl") == 0


def test_nothing_of_a_scan_is_in_what_is_carried(folders: dict[str, Path], tmp_path: Path) -> None:
    sites = [open_site(name, folders[name], approve=officer) for name in THREE]
    job = federate.job_for(
        sites, name="t", architecture="test_resnet", track="grey", image_px=32, n_rounds=1, batch_size=4
    )
    done = files.run(job, sites, out=tmp_path)
    carried = b"".join(
        path.read_bytes() for path in sorted((tmp_path / "exchange" / "in").rglob("*")) if path.is_file()
    )
    assert carried.count(b'"weights_digest"') == len(THREE)  # the updates are in it
    for name in THREE:
        needles = planted(name, folders[name], job, done)
        assert found_in(carried, needles) == {}
        assert found_in(carried + needles["pixels"][0], needles) == {"pixels": 1}


def test_answers_may_come_one_by_one_and_the_run_goes_on_from_its_folder(
    job: Job, sites: tuple[Site, ...], tmp_path: Path
) -> None:
    asked = job(n_rounds=1)
    questions, by_name = joined(asked, sites, tmp_path)
    said = answers(questions, by_name, tmp_path)
    assert merge(tmp_path, said["west"]).missing == ("north", "south")
    assert status.status(tmp_path / "run").waits_for == ("north", "south")
    assert merge(tmp_path, said["south"], said["north"]).questions is None
    reference = federate.run(asked, sites, out=tmp_path / "in", quiet=True)
    assert same(weights_of(files.result(tmp_path / "run").net.net), weights_of(reference.net.net))
    assert "1 of 1 rounds are closed" in status.text(status.status(tmp_path / "run"))


def test_a_round_closes_without_a_site_that_never_answers(job: Job, sites: tuple[Site, ...], tmp_path: Path) -> None:
    questions, by_name = joined(job(n_rounds=1, quorum=2), sites, tmp_path)
    said = answers(questions, {name: by_name[name] for name in ("north", "south")}, tmp_path)
    done = merge(tmp_path, *said.values(), close=True)
    assert done.rejected == {"west": "its answer had not come when the round was closed"}
    assert "closed without west" in status.status(tmp_path / "run").log[0]


def test_below_the_quorum_nothing_is_closed_and_a_better_answer_helps(
    job: Job, sites: tuple[Site, ...], tmp_path: Path
) -> None:
    questions, by_name = joined(job(n_rounds=1), sites, tmp_path)
    said = answers(questions, by_name, tmp_path)
    tampered(
        said["west"],
        tmp_path,
        with_weights(lambda w: {n: np.full_like(v, 9) for n, v in w.items()} | {"x": np.ones(1)}),
    )
    with pytest.raises(CheckFailed, match=r"its quorum is 3(.|\n)*west: it has the unknown tensor x"):
        merge(tmp_path, *said.values())
    again = answers(questions, {"west": by_name["west"]}, tmp_path)
    assert merge(tmp_path, again["west"]).questions is None


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            with_weights(lambda w: {n: v * np.nan if v.dtype == np.float32 else v for n, v in w.items()}),
            "NaN or infinity",
        ),
        (with_weights(lambda w: {n: v[None] for n, v in w.items()}), r"not float32"),
        (with_weights(lambda w: w | {"extra": np.zeros(1 << 20)}), r"bytes, where at most \d+ fit the network"),
        (lambda parts: parts.update({wire.WEIGHTS: b"nonsense"}), "not a whole safetensors file"),
        (lambda parts: parts.update({wire.UPDATE: parts[wire.UPDATE].replace(b'"data"', b'"images"')}), "images"),
    ],
)
def test_a_bad_update_is_turned_away_with_its_reason(
    job: Job, sites: tuple[Site, ...], tmp_path: Path, change: Callable[[wire.Parts], None], told: str
) -> None:
    questions, by_name = joined(job(n_rounds=1, quorum=2), sites, tmp_path)
    said = answers(questions, by_name, tmp_path)
    tampered(said["west"], tmp_path, change)
    done = merge(tmp_path, *said.values())
    assert done.questions is None
    with pytest.raises(AssertionError, match=told):
        raise AssertionError(done.rejected["west"])


def test_what_was_changed_on_the_way_is_not_believed(job: Job, sites: tuple[Site, ...], tmp_path: Path) -> None:
    questions, by_name = joined(job(n_rounds=1), sites, tmp_path)
    (questions / "north" / wire.ASK).write_bytes((questions / "north" / wire.ASK).read_bytes().replace(b"toy", b"tox"))
    with pytest.raises(BadFile, match=r"ask\.json: was changed after it was signed"):
        answers(questions, {"north": by_name["north"]}, tmp_path)
    said = answers(questions, {"south": by_name["south"]}, tmp_path)["south"]
    (said / wire.WEIGHTS).write_bytes(b"other")
    with pytest.raises(BadFile, match=r"weights\.safetensors: was changed after it was signed"):
        merge(tmp_path, said)


def test_the_wrong_key_is_named_before_any_training(job: Job, sites: tuple[Site, ...], tmp_path: Path) -> None:
    questions = begin(job(), tmp_path)
    stranger = public(key_of(tmp_path, "stranger"))
    with pytest.raises(BadFile, match=r"no signature of a trusted key holds"):
        files.answer_folder(
            questions / "north", sites[0], key=key_of(tmp_path, "north"), trusted=stranger, out=tmp_path / "a"
        )
    forged = files.answer_folder(
        questions / "north",
        sites[0],
        key=key_of(tmp_path, "stranger"),
        trusted=public(key_of(tmp_path, "coordinator")),
        out=tmp_path / "a",
    )
    with pytest.raises(BadFile, match=r"no signature of a trusted key holds.* signed by north or south or west"):
        merge(tmp_path, forged)
    other = files.answer_folder(
        questions / "north",
        sites[0],
        key=key_of(tmp_path, "south"),
        trusted=public(key_of(tmp_path, "coordinator")),
        out=tmp_path / "a",
    )
    with pytest.raises(BadValue, match="calls itself an answer of site 'north' and is signed by site south"):
        merge(tmp_path, other)


def test_an_answer_to_an_older_round_is_refused(job: Job, sites: tuple[Site, ...], tmp_path: Path) -> None:
    by_name = {site.name: site for site in sites}
    said = answers(begin(job(), tmp_path), by_name, tmp_path)
    merge(tmp_path, *said.values())
    with pytest.raises(BadValue, match="site north answers round 0, and round 1 is open"):
        merge(tmp_path, said["north"])


def test_a_question_for_another_site_is_refused(job: Job, sites: tuple[Site, ...], tmp_path: Path) -> None:
    questions = begin(job(), tmp_path)
    with pytest.raises(BadValue, match="This question is for site south, not for north"):
        files.answer_folder(
            questions / "south",
            sites[0],
            key=key_of(tmp_path, "north"),
            trusted=public(key_of(tmp_path, "coordinator")),
            out=tmp_path / "a",
        )


def test_a_site_with_too_little_data_is_named_before_any_training(
    job: Job, sites: tuple[Site, ...], tmp_path: Path
) -> None:
    questions = begin(job(least_items=1000), tmp_path)
    with pytest.raises(BadValue, match=r"Site north has \d+ items to learn from and job toy asks for 1000"):
        answers(questions, {"north": sites[0]}, tmp_path)
    with pytest.raises(BadValue, match=r"Site south has \d+ items(.|\n)*Site west has"):
        federate.run(job(least_items=1000), sites, out=tmp_path / "in", quiet=True)
    assert not (tmp_path / "in").exists()


def test_another_version_is_named_before_any_training(
    job: Job, sites: tuple[Site, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions = begin(job(), tmp_path)
    monkeypatch.setattr(wire, "__version__", "9.9.9")
    with pytest.raises(BadValue, match=r"coordinator runs xraybench .* and this site 9\.9\.9; install the same"):
        answers(questions, {"north": sites[0]}, tmp_path)


def test_a_site_whose_data_changed_since_it_joined_does_not_train(
    job: Job, sites: tuple[Site, ...], tmp_path: Path
) -> None:
    questions, by_name = joined(job(), sites, tmp_path)
    north = by_name["north"]
    first = north.train.items["item_id"].iloc[0]
    fewer = replace(north, dataset=north.dataset.where(north.dataset.items["item_id"] != first))
    with pytest.raises(BadValue, match="north holds other data than when it joined"):
        answers(questions, {"north": fewer}, tmp_path)


def test_an_agreement_that_forbids_the_purpose_is_named_before_any_training(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    site = open_site("north", folders["north"], log=tmp_path / "log")
    job = federate.job_for(
        [site], name="t", architecture="test_resnet", track="grey", image_px=32, n_rounds=1, purpose="procurement"
    )
    questions = begin(job, tmp_path, ("north",))
    with pytest.raises(Refused, match=r"Site north refuses at load: .*'train' for the purpose 'procurement'"):
        answers(questions, {"north": site}, tmp_path)
    with pytest.raises(Refused, match="refuses at load"):
        federate.run(job, [site], out=tmp_path / "in", quiet=True)
    assert not (tmp_path / "in").exists()
    assert (tmp_path / "log").read_text(encoding="utf-8").count('"allowed":false') == 2


def test_an_agreement_that_keeps_weights_at_home_is_named_before_any_training(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    site = open_site("north", folders["north"], log=tmp_path / "log", approve=officer)
    assert site.agreement is not None
    rule = site.agreement.permit[0]
    kept = rule.model_copy(update={"actions": [one for one in rule.actions if one != "export_weights"]})
    bound = replace(site, agreement=site.agreement.model_copy(update={"permit": [kept]}))
    job = federate.job_for([site], name="t", architecture="test_resnet", track="grey", image_px=32, n_rounds=1)
    with pytest.raises(Refused, match=r"Site north refuses at load: no rule permits 'export_weights' for the purpose"):
        federate.run(job, [bound], out=tmp_path / "in", quiet=True)
    questions = begin(job, tmp_path, ("north",))
    with pytest.raises(Refused, match="no rule permits 'export_weights'"):
        answers(questions, {"north": bound}, tmp_path)
    first = weights_of(net_of(signature_of(job), seed=job.seed))
    with pytest.raises(Refused, match="no rule permits 'export_weights'"):
        bound.fit(first, job, 1)  # a coordinator that never asked it to join
    assert not (tmp_path / "in").exists()
    told = [(entry.point, entry.action, entry.allowed) for entry in decisions.read(tmp_path / "log")]
    assert told == [("load", "train", True), ("load", "export_weights", False)] * 2 + [
        ("query", "export_weights", False)
    ]


def test_real_scans_without_an_agreement_take_no_part(folders: dict[str, Path], tmp_path: Path) -> None:
    site = replace(open_site("north", folders["north"]), agreement=None)
    job = federate.job_for([site], name="t", architecture="test_resnet", track="grey", image_px=32, n_rounds=1)
    with pytest.raises(Refused, match=f"has no {agreements.FILE}"):
        federate.run(job, [site], out=tmp_path, quiet=True)


def test_another_job_may_not_use_the_folder_of_a_run(job: Job, tmp_path: Path) -> None:
    begin(job(), tmp_path)
    with pytest.raises(DigestMismatch, match="n_rounds is 3 there and 2 here"):
        begin(job(n_rounds=2), tmp_path)


def test_a_key_that_cannot_sign_is_told_before_anything_is_taken_in(
    job: Job, sites: tuple[Site, ...], tmp_path: Path
) -> None:
    by_name = {site.name: site for site in sites}
    said = answers(begin(job(), tmp_path), by_name, tmp_path)
    for key, told in (("none", "no such file"), ("north", "is the key of site north")):
        with pytest.raises(BadFile, match=told):
            files.merge(tmp_path / "run", list(said.values()), key=tmp_path / "keys" / key)
    with pytest.raises(BadFile, match="no such folder"):
        merge(tmp_path, *said.values(), tmp_path / "none")
    with pytest.raises(BadValue, match="needs 3 sites in every round and has 2"):
        merge(tmp_path, said["north"], said["south"], close=True)
    assert not (tmp_path / "run" / "log.txt").exists()
    assert merge(tmp_path).missing == ("west",)


def test_questions_that_a_merge_did_not_come_to_are_laid_out_by_the_next(
    job: Job, sites: tuple[Site, ...], tmp_path: Path
) -> None:
    questions, _ = joined(job(), sites, tmp_path)
    shutil.rmtree(questions / "south")
    assert merge(tmp_path).questions == questions
    assert (questions / "south" / "ask.json").exists()


def test_all_that_is_wrong_with_the_keys_of_a_run_is_told_at_once(job: Job, tmp_path: Path) -> None:
    keys = {"north": tmp_path / "none.pub", "a/b": tmp_path, "west": public(key_of(tmp_path, "coordinator"))}
    with pytest.raises(BadFile) as told:
        files.export(job(), keys, key=key_of(tmp_path, "coordinator"), out=tmp_path / "run")
    for fault in (
        "got 'a/b'",
        "none.pub: no such file",
        "is a folder; the file of a public key",
        "is the key of site west",
    ):
        assert fault in str(told.value)
    assert not (tmp_path / "run").exists()


def test_a_trimmed_mean_that_leaves_no_update_is_told_before_any_training(job: Job, sites: tuple[Site, ...]) -> None:
    with pytest.raises(BadValue, match=r"Of 2, a trim of 0\.2 drops 1 at either end, which leaves none"):
        job(aggregator="trimmed_mean", quorum=2)
    alone = job(aggregator="trimmed_mean", n_sites=4, quorum=3)  # 4 of 4 are enough, and 3 of 4
    assert alone.quorum == 3
    with pytest.raises(BadValue, match=r"Of 3, a trim of 0\.4 drops 2"):
        federate.run(alone.model_copy(update={"trim": 0.4}), sites, out=Path("nowhere"), quiet=True)
    assert not Path("nowhere").exists()


def test_a_part_that_the_network_has_not_is_named_before_any_training(
    job: Job, sites: tuple[Site, ...], tmp_path: Path
) -> None:
    with pytest.raises(BadValue, match=r"freezes 'backbon'; test_resnet has no such part\. Did you mean 'backbone'"):
        federate.run(job(frozen=["backbon"]), sites, out=tmp_path / "run", quiet=True)
    assert not (tmp_path / "run").exists()


def test_a_model_that_is_not_of_the_run_is_never_written_over(
    job: Job, sites: tuple[Site, ...], tmp_path: Path
) -> None:
    (tmp_path / "model").mkdir()
    with pytest.raises(BadFile, match="holds a model, and no run that it is of"):
        federate.run(job(), sites, out=tmp_path, quiet=True)


def test_a_late_site_costs_the_round_its_answer(job: Job, sites: tuple[Site, ...], tmp_path: Path) -> None:
    with pytest.raises(CheckFailed, match=r"it answered after \d+ s and the job allows 1e-06 s"):
        federate.run(job(round_timeout_s=1e-6), sites, out=tmp_path, quiet=True)


def test_a_job_of_the_command_line_is_checked(tmp_path: Path) -> None:
    fields = {"name": "t", "architecture": "test_resnet", "threats": ["firearm"], "n_sites": 3}
    assert federate.job_from({**fields, "quorum": "2", "n_rounds": "5"}).n_rounds == 5
    with pytest.raises(BadParameter, match=r"no field 'n_round'.*n_rounds"):
        federate.job_from({**fields, "n_round": "5"})
    with pytest.raises(BadParameter, match=r"quorum: .* valid integer.*'two'"):
        federate.job_from({**fields, "quorum": "two"})
    with pytest.raises(BadParameter, match=r"(?s)trim: .* less than 0\.5 .*noise: .* finite"):
        federate.job_from({**fields, "noise": "inf", "trim": "0.5"})
    with pytest.raises(BadParameter, match="name a parent, and leave proximal at 0"):
        federate.job_from({**fields, "noise": "2"})
    with pytest.raises(BadValue, match="A quorum of 4 can never be met by 3 sites"):
        federate.job_from({**fields, "quorum": "4"})


def test_a_refusal_that_travels_names_no_file(job: Job, sites: tuple[Site, ...]) -> None:
    class Broken(Site):
        def join(self, job: FederatedJob) -> FederatedSite:
            raise BadFile("/data/planted_gun007.png: truncated")

    site = sites[0]
    said = wire.answer_or_refusal(Broken(site.name, site.dataset), wire.ask_to_join(job(), site.name))
    assert b"planted" not in b"".join(said.values())
    with pytest.raises(Refused, match=r"north does not take part: a fault at the site \(BadFile\); the person there"):
        wire.read_site(said, site="north")
