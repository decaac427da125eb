"""The adapter onnx_file: a network as one ONNX file, run by ONNX Runtime, and the export of our own into that form.

A folder holds `model.onnx`, `signature.json` and, where we exported it, `golden.npz`: inputs with the outputs that torch
gave, so that anybody can check the file on their own machine. The graph takes counts and does all preprocessing itself:

    input   views   float32 (n, channel, height, width), counts of the scanner, any height and width
    output  scores  float32 (n, 1 + n_threats) in [0, 1], in the order of the signature's targets
    output  boxes   float32 (n, n_threats, 4), x0 y0 x1 y1 as shares of the view (a vendor's graph may leave it out)
"""

from __future__ import annotations

import copy
import io
import warnings
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xraybench.core import digest, documents
from xraybench.core.chance import stream
from xraybench.core.documents import ModelSignature
from xraybench.core.errors import BadFile, CheckFailed
from xraybench.core.types import Float32Array, Predictions, ScanSet
from xraybench.models.looking import N_TIMED, Seen, look
from xraybench.models.timm_net import SIGNATURE_FILE, TimmNet, read_signature

if TYPE_CHECKING:
    from xraybench.models._net import ThreatNet

ADAPTER = "onnx_file"
MODEL_FILE = "model.onnx"
GOLDEN_FILE = "golden.npz"
TOLERANCE = 1e-4
_GOLDEN_SIZES = ((48, 64), (72, 56))  # two, so that a graph with a fixed size is found out
_CLEAR = 1e-3  # logits by which a peak must lead for its box to be compared: a tie may fall either way
_EXPORT_SIZE = (160, 131)  # of the example: unlike any other size in the graph, so none is mistaken for it


@dataclass(frozen=True)
class OnnxModel:
    """An ONNX network and its signature, on the CPU."""

    signature: ModelSignature
    session: Any = field(repr=False)  # onnxruntime.InferenceSession

    @property
    def name(self) -> str:
        return self.signature.name

    def see(self, views: Float32Array) -> Seen:
        """Scores and boxes of a batch of views (n, channel, height, width), counts."""
        names = [output.name for output in self.session.get_outputs()]
        outputs = dict(zip(names, self.session.run(names, {self.session.get_inputs()[0].name: views}), strict=True))
        return Seen(outputs["scores"], outputs.get("boxes"))

    def predict(self, scans: ScanSet, *, n_timed: int = N_TIMED, quiet: bool = True) -> Predictions:
        """Look at every scan; see `looking.look` for the rows and for what the latency is."""
        return look(
            scans,
            self.see,
            model=self.name,
            track_name=self.signature.track,
            full_scale=self.signature.full_scale,
            targets=self.signature.targets,
            n_timed=n_timed,
            quiet=quiet,
        )


def load_onnx_file(folder: Path, *, n_threads: int = 1) -> OnnxModel:
    """Read an ONNX network and check it against its signature.

    Args:
        folder: Holds model.onnx and signature.json.
        n_threads: Of ONNX Runtime. More than one makes the slowest of many scans much slower on a busy machine.

    Raises:
        BadFile: A file is missing or broken, or the graph's inputs and outputs do not fit the signature.
    """
    signature = read_signature(folder, adapter=ADAPTER)
    path = folder / MODEL_FILE
    if not path.is_file():
        raise BadFile(f"{path}: there is no such file.")
    if signature.weights_digest and digest.of_file(path) != signature.weights_digest:
        raise BadFile(f"{path}: not the file that {SIGNATURE_FILE} beside it was written for.")
    session = _session(path, n_threads)
    if faults := _faults(session, signature):
        raise BadFile(f"{path}: does not fit {SIGNATURE_FILE}\n  " + "\n  ".join(faults))
    return OnnxModel(signature, session)


def _session(path: Path, n_threads: int) -> Any:
    import onnxruntime as ort

    ort.disable_telemetry_events()
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = n_threads, 1
    options.log_severity_level = 4  # what goes wrong is told below
    try:
        return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime raises a dozen unrelated types here
        raise BadFile(f"{path}: ONNX Runtime cannot read it ({str(error).splitlines()[0][:200]}).") from None


def _faults(session: Any, signature: ModelSignature) -> list[str]:
    """Where the graph's inputs and outputs differ from what the top of this file declares."""
    inputs, outputs = session.get_inputs(), {output.name: output for output in session.get_outputs()}
    n_channels, n_targets = len(signature.channels), len(signature.targets)
    faults = []
    if len(inputs) != 1:
        faults.append(f"it has {len(inputs)} inputs, one is wanted")
    elif inputs[0].type != "tensor(float)" or not _fits(inputs[0].shape, (None, n_channels, None, None)):
        faults.append(
            f"input {inputs[0].name} is {inputs[0].type} {inputs[0].shape}, not float (n, {n_channels}, height, width)"
        )
    wanted = {"scores": (None, n_targets), "boxes": (None, n_targets - 1, 4)}
    if "scores" not in outputs:
        faults.append(f"it has no output 'scores', only {', '.join(outputs)}")
    for name, shape in wanted.items():
        if name in outputs and not _fits(outputs[name].shape, shape):
            faults.append(f"output {name} is {outputs[name].shape}, not {('n', *shape[1:])} for {n_targets} targets")
    return faults


def _fits(got: list[int | str | None], wanted: tuple[int | None, ...]) -> bool:
    """Whether a declared shape, in which names are free sizes, can be the wanted one."""
    return len(got) == len(wanted) and all(
        g == w or w is None or not isinstance(g, int) for g, w in zip(got, wanted, strict=True)
    )


def export_onnx(model: TimmNet, folder: Path, *, name: str | None = None) -> Path:
    """Write a network as ONNX, with its golden inputs and outputs, and check that ONNX Runtime agrees to 1e-4.

    Args:
        name: Of the exported model; by default the network's name with `-onnx`.

    Raises:
        CheckFailed: The exported graph says something else than the network.
    """
    net = copy.deepcopy(model.net).to("cpu").eval()
    documents.write_bytes(folder / MODEL_FILE, _graph(net, len(model.signature.channels)))
    documents.write_bytes(folder / GOLDEN_FILE, _golden(net, model.signature))
    signature = model.signature.model_copy(
        update={
            "name": name or f"{model.name}-onnx",
            "adapter": ADAPTER,
            "n_parameters": sum(p.numel() for p in net.parameters()),
            "weights_digest": digest.of_file(folder / MODEL_FILE),
        }
    )
    documents.write_document(folder / SIGNATURE_FILE, signature)
    check_parity(folder)
    return folder


def _graph(net: ThreatNet, n_channels: int) -> bytes:
    """The network with its preprocessing as one ONNX file of free batch, height and width."""
    import torch

    net = net.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    example = torch.rand(2, n_channels, *_EXPORT_SIZE) * net.preprocess.full_scale
    sizes = {axis: torch.export.Dim(word, min=low, max=8192) for axis, word, low in _FREE}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.export warns about its own deprecated calls
        program = torch.onnx.export(
            net,
            (example,),
            dynamo=True,
            external_data=False,
            verbose=False,
            input_names=["views"],
            output_names=["scores", "boxes"],
            dynamic_shapes={"views": sizes},
        )
    assert program is not None
    return bytes(program.model_proto.SerializeToString())


_FREE = ((0, "n", 1), (2, "height", 8), (3, "width", 8))


def _golden(net: ThreatNet, signature: ModelSignature) -> bytes:
    """Fabricated views of two sizes, and what torch says of them. Boxes of undecided peaks are NaN."""
    import torch

    from xraybench.models._net import see

    arrays: dict[str, Any] = {}
    for index, (height, width) in enumerate(_GOLDEN_SIZES):
        views = golden_views(signature, height, width)
        scores, boxes = see(net, views, torch.device("cpu"))
        with torch.inference_mode():
            heat = net.maps(net.preprocess.shrink(torch.from_numpy(views))).heat.flatten(2)
        highest = heat.topk(2, dim=2).values.numpy()
        boxes[highest[..., 0] - highest[..., 1] < _CLEAR] = np.nan
        arrays |= {f"views_{index}": views, f"scores_{index}": scores, f"boxes_{index}": boxes}
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    return content.getvalue()


def golden_views(signature: ModelSignature, height: int, width: int) -> Float32Array:
    """Two fabricated views (2, channel, height, width): air with blocks of several attenuations, whole counts."""
    rng = stream(0, "golden", height, width)
    views = np.full((2, len(signature.channels), height, width), signature.full_scale)
    for view in views:
        for _ in range(6):
            y, x = rng.integers(0, height - 8), rng.integers(0, width - 8)
            passed = rng.uniform(0.05, 0.9, size=(len(signature.channels), 1, 1))
            view[:, y : y + rng.integers(8, height), x : x + rng.integers(8, width)] *= passed
    return np.asarray(np.rint(views), dtype=np.float32)


def check_parity(folder: Path, *, n_threads: int = 1) -> float:
    """Run the golden inputs again; the largest absolute difference to the stored outputs.

    Raises:
        CheckFailed: It exceeds 1e-4.
        BadFile: The folder is no whole ONNX model, or has no golden inputs.
    """
    model = load_onnx_file(folder, n_threads=n_threads)
    golden = _read_golden(folder / GOLDEN_FILE)
    worst = 0.0
    for index in range(len(_GOLDEN_SIZES)):
        seen = model.see(golden[f"views_{index}"])
        worst = max(worst, float(np.abs(seen.scores - golden[f"scores_{index}"]).max()))
        if seen.boxes is not None:
            worst = max(worst, float(np.nan_to_num(np.abs(seen.boxes - golden[f"boxes_{index}"])).max()))
    if not worst <= TOLERANCE:
        raise CheckFailed(
            f"{folder}: ONNX Runtime and the golden outputs differ by {worst:.2g}, more than {TOLERANCE:g}."
        )
    return worst


def _read_golden(path: Path) -> dict[str, Float32Array]:
    if not path.is_file():
        raise BadFile(f"{path}: there is no such file; only an exported model has golden inputs.")
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as stored:
            golden = {name: stored[name] for name in stored.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise BadFile(f"{path}: not a whole file of golden inputs ({error}).") from None
    wanted = {f"{what}_{index}" for what in ("views", "scores", "boxes") for index in range(len(_GOLDEN_SIZES))}
    if missing := sorted(wanted - set(golden)):
        raise BadFile(f"{path}: lacks {', '.join(missing)}.")
    return golden
