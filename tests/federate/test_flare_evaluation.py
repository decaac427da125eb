"""An evaluation over the real server and three real sites on loopback, mutual TLS at both ends: sites that check each
other's openings, a person at each who releases, and the sums of one place with all scores.
"""

import shutil
import socket
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from persons import officers_at
from PIL import Image

pytest.importorskip("nvflare", reason="no nvflare: pip install 'xraybench[flare]'")

from sklearn.metrics import roc_auc_score

from xraybench import data, models, tasks
from xraybench.core import digest, signing
from xraybench.core.documents import read_document, write_document
from xraybench.core.types import Dataset
from xraybench.data import agreement as agreements
from xraybench.evaluate.select import counted_boxes, join, select
from xraybench.federate import answer, decisions, flare, release
from xraybench.federate.evaluation import ask_in_process, evaluate_across
from xraybench.federate.exchange import model_digest, open_evaluation_site
from xraybench.federate.question import EvaluationQuestion, FederatedResult, question_digest, rows_told
from xraybench.metrics import histograms
from xraybench.models.timm_net import TimmNet, make_signature, net_of, sealed

THREE = ("north", "south", "west")
TASK = "mail-any-any-mail_160kv-v1"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Path], Path]:
    """Three folders of grey images that are nobody's simulation, each with an agreement, and a network nobody trained."""
    root = tmp_path_factory.mktemp("evaluation")
    folders = {}
    for number, name in enumerate(THREE):
        rng = np.random.default_rng(number)
        for class_name in ("gun", "knife", "nothing"):
            source = root / "source" / name / class_name
            source.mkdir(parents=True)
            for index in range(60 if class_name != "nothing" else 120):
                image = rng.normal(200, 8, (32, 32))
                if class_name == "gun":
                    image[4:16, 4:16] *= 0.2
                if class_name == "knife":
                    image[4:7, 4:20] *= 0.2
                Image.fromarray(image.clip(0, 255).astype(np.uint8)).save(source / f"{index:03d}.png")
        folders[name] = data.import_folder(
            root / "source" / name,
            name=f"{name}_scans",
            vector="mail",
            sensor="mail_160kv",
            classes={"gun": "firearm", "knife": "blade", "nothing": "benign"},
            out=root / name,
            quiet=True,
        )
        words = agreements.template(name).replace('"see_slice", ', '"see_slice", "see_site", ', 1)
        (folders[name] / agreements.FILE).write_text(words, encoding="utf-8")
    signature = make_signature(
        name="untrained", architecture="test_resnet", track="grey", threats=("firearm", "blade"), full_scale=255.0,
        image_px=32,
    )  # fmt: skip
    net = net_of(signature, seed=0)
    return root, folders, TimmNet(sealed(signature, net), net).save(root / "model")


def in_one_place(
    question: EvaluationQuestion, folders: Mapping[str, Path], model: Path, told: list[str]
) -> tuple[str, float, float]:
    """What somebody with all scans would compute: digest of the counts, AUROC from them, scikit-learn's of the scores."""
    task = tasks.get(question.task)
    added, truths, scores = 0, [], []
    for folder in folders.values():
        dataset: Dataset = data.load(str(folder)).part("calibration", "test")
        joined = join(dataset, models.from_folder(model).predict(dataset.track("grey")))
        chosen = select(task, joined)
        added = added + answer.count(question, chosen, counted_boxes(task, joined, chosen))
        truths += list(chosen.is_threat)
        scores += list(histograms.bin_scores()[histograms.bin_of(chosen.scores)])
    added = added * np.array(rows_told(question, told))[:, None]
    area = histograms.auroc(added[[1, 2]]).value
    return digest.of_bytes(added.astype("<i8").tobytes()), area, float(roc_auc_score(truths, scores))


@pytest.mark.slow
def test_an_evaluation_over_the_network_gives_the_sums_of_one_place(
    places: tuple[Path, dict[str, Path], Path], tmp_path: Path
) -> None:
    _, folders, model = places
    question = EvaluationQuestion(task=TASK, model="untrained", model_digest=model_digest(model), axes=["threat"])
    kits = flare.provision(tmp_path / "kits", THREE, host="localhost", port=free_port())
    for name in THREE:
        signing.make_key(kits / name / "site.key")
    for name in THREE:
        (kits / name / "trusted_sites").mkdir()
        for other in THREE:
            shutil.copy(kits / other / "site.key.pub", kits / name / "trusted_sites" / f"{other}.pub")
    to_release = [kits / name / "state" / "to_release" for name in THREE]
    with officers_at(to_release), ExitStack() as stack:
        for name in THREE:
            stack.enter_context(flare.site_process(kits / name, folders[name], model=model, is_attended=True))
        there = flare.evaluate(kits / "coordinator", question, out=tmp_path / "run", wait_s=120, quiet=True)

    assert (there.absent, there.unverified_at) == ({}, [])
    for folder in to_release:
        (shown,) = [path.read_text(encoding="utf-8") for path in folder.glob("*.txt")]
        assert "what leaves: counts of items" in shown
    told = ["boxed", "threat=firearm", "threat=blade"]
    told = [name for name in told if name not in there.withheld]
    assert "threat=blade" in told
    counts, area, judged = in_one_place(question, folders, model, told)
    assert there.counts_digest == counts  # integers: every number that follows from them is the same to the last bit
    assert area == pytest.approx(judged, abs=1e-12)
    assert 0.01 < area < 0.99
    (pooled,) = [row for row in there.rows if row.metric == "auroc" and not row.slice_axis]
    assert pooled.value == pytest.approx(area, abs=1e-6)  # kept to six digits

    here = evaluate_across(question, THREE, ask_in_process({
        name: open_evaluation_site(
            name, folders[name], model, state=tmp_path / "here" / name,
            approve=lambda payload: release.Answer(True, "the officer on duty"),
        )
        for name in THREE
    }))  # fmt: skip
    write_document(tmp_path / "here.json", here)
    kept = read_document(tmp_path / "here.json", FederatedResult)
    assert kept.counts_digest == there.counts_digest
    assert [row.model_dump_json() for row in kept.rows] == [row.model_dump_json() for row in there.rows]
    assert [row.model_dump_json() for row in kept.site_rows] == [row.model_dump_json() for row in there.site_rows]
    assert all("fewer than 10 items in one of its cells" in row.reason for row in there.site_rows)
    assert kept.unverified_at == list(THREE)  # nobody gave the sites of this process keys

    for name in THREE:
        released = [entry for entry in decisions.read(kits / name / "state" / "decisions.jsonl") if entry.facts]
        assert [entry.facts["by"] for entry in released] == ["the officer on duty"]
        text = (kits / name / "state" / "to_release" / f"{question_digest(question)}.txt").read_text(encoding="utf-8")
        assert "whose they are: signed with keys that this site trusts" in text
        assert not list((kits / name / "state").rglob("*.key"))  # the answer is final
