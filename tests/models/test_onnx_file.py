"""ONNX: the exported graph says what the network says; a graph that does not fit is told apart."""

import io
from pathlib import Path

import numpy as np
import onnx
import pytest

from xraybench import models
from xraybench.core.documents import ModelSignature, read_document, write_document
from xraybench.core.errors import BadFile, CheckFailed
from xraybench.core.types import Dataset
from xraybench.models.onnx_file import check_parity, load_onnx_file
from xraybench.models.timm_net import TimmNet


def copy_of(folder: Path, to: Path) -> Path:
    for path in folder.iterdir():
        (to / path.name).write_bytes(path.read_bytes())
    return to


def test_the_graph_agrees_with_torch_on_the_golden_inputs(onnx_folder: Path) -> None:
    assert check_parity(onnx_folder) < 1e-4


def test_the_graph_agrees_with_torch_on_scans_of_sizes_it_was_not_exported_at(
    onnx_folder: Path, network: TimmNet
) -> None:
    model = load_onnx_file(onnx_folder)
    rng = np.random.default_rng(0)
    for n, height, width in ((1, 64, 48), (3, 224, 224), (2, 33, 97)):
        views = rng.uniform(100, 60_000, (n, 2, height, width)).astype(np.float32)
        np.testing.assert_allclose(model.see(views).scores, network.see(views).scores, atol=1e-4)


def test_boxes_agree_with_torch(onnx_folder: Path, network: TimmNet, unseen: Dataset) -> None:
    edges = ["x0", "y0", "x1", "y1"]
    ours = network.predict(unseen.scans, n_timed=0).kind("box")
    theirs = models.load("onnx_file", onnx_folder).predict(unseen.scans).kind("box")
    np.testing.assert_allclose(ours[edges], theirs[edges], atol=0.02)  # they are written to 0.01 px


def test_the_file_passes_the_onnx_checker_and_holds_everything(onnx_folder: Path) -> None:
    graph = onnx.load(onnx_folder / "model.onnx")
    onnx.checker.check_model(graph, full_check=True)
    assert not any(part.data_location == onnx.TensorProto.EXTERNAL for part in graph.graph.initializer)


def test_golden_outputs_that_differ_fail_the_check(onnx_folder: Path, tmp_path: Path) -> None:
    folder = copy_of(onnx_folder, tmp_path)
    with np.load(folder / "golden.npz") as stored:
        golden = dict(stored)
    golden["scores_1"] = golden["scores_1"] + np.float32(2e-4)
    buffer = io.BytesIO()
    np.savez(buffer, **golden)
    (folder / "golden.npz").write_bytes(buffer.getvalue())
    with pytest.raises(CheckFailed, match=r"differ by 0\.0002") as told:
        check_parity(folder)
    assert told.value.exit_code == 1


def test_a_truncated_golden_file_is_a_bad_file(onnx_folder: Path, tmp_path: Path) -> None:
    folder = copy_of(onnx_folder, tmp_path)
    (folder / "golden.npz").write_bytes((folder / "golden.npz").read_bytes()[:200])
    with pytest.raises(BadFile, match=r"golden\.npz"):
        check_parity(folder)


def test_a_graph_of_other_targets_than_its_signature_is_refused(onnx_folder: Path, tmp_path: Path) -> None:
    folder = copy_of(onnx_folder, tmp_path)
    signature = read_document(folder / "signature.json", ModelSignature)
    write_document(folder / "signature.json", signature.model_copy(update={"targets": ["any", "a", "b", "c"]}))
    with pytest.raises(BadFile, match=r"output scores is .* for 4 targets"):
        load_onnx_file(folder)


def test_a_vendors_graph_without_boxes_is_taken(unseen: Dataset, onnx_folder: Path, tmp_path: Path) -> None:
    graph = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 17]>\n'
        "vendor (float[n, 2, h, w] views) => (float[n, 3] scores)\n"
        "<int64[3] shape = {0, 3, 1}, int64[2] axes = {1, 3}, float scale = {-0.00002}> {\n"
        "  pooled = ReduceMean <axes = [1, 2, 3], keepdims = 0> (views)\n"
        "  scaled = Mul (pooled, scale)\n"
        "  score = Sigmoid (scaled)\n"
        "  one = Constant <value = int64[1] {1}> ()\n"
        "  column = Unsqueeze (score, one)\n"
        "  scores = Concat <axis = 1> (column, column, column)\n"
        "}"
    )
    onnx.save(graph, tmp_path / "model.onnx")
    signature = read_document(onnx_folder / "signature.json", ModelSignature)
    write_document(tmp_path / "signature.json", signature.model_copy(update={"name": "vendor", "weights_digest": ""}))
    predictions = models.load("onnx_file", tmp_path).predict(unseen.scans)
    assert len(predictions.kind("box")) == 0
    assert (predictions.kind("scan")["status"] == "ok").all()
