"""Models that look at scans, one adapter a file. `load(adapter, path)` is the door; nothing heavy loads before it."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import cast

from xraybench.core.documents import ModelSignature, read_document
from xraybench.core.errors import BadValue
from xraybench.core.registry import Registry
from xraybench.core.types import Model

# adapter -> module and function that loads a model of this kind from a path
_REGISTRY: Registry[tuple[str, str]] = Registry("model adapter")
_REGISTRY.add("timm_net", ("xraybench.models.timm_net", "load_timm_net"))
_REGISTRY.add("classical", ("xraybench.models.classical", "load_classical"))
_REGISTRY.add("manifest", ("xraybench.models.manifest", "load_manifest"))
_REGISTRY.add("onnx_file", ("xraybench.models.onnx_file", "load_onnx_file"))
_REGISTRY.add("prediction_file", ("xraybench.models.prediction_file", "load_prediction_file"))
_REGISTRY.add("dicos_report", ("xraybench.models.dicos_report", "load_dicos_report"))


def load(adapter: str, path: Path | str) -> Model:
    """A model from a folder or file.

    Args:
        adapter: timm_net, classical, manifest, onnx_file, dicos_report (folders) or prediction_file (a Parquet or CSV
            file).
        path: Where it lies.

    Raises:
        UnknownName: No such adapter; names the nearest.
        BadFile: The folder or file is missing, broken or of another kind.
    """
    module, function = _REGISTRY.get(adapter)
    return cast("Callable[[Path], Model]", getattr(import_module(module), function))(Path(path))


def from_folder(path: Path | str) -> Model:
    """A model from a folder whose `signature.json` names its adapter.

    Raises:
        BadFile: No such folder, no signature in it, or files that do not fit it.
        UnknownName: The signature names no adapter of ours.
    """
    signature = read_document(Path(path) / "signature.json", ModelSignature)
    return load(signature.adapter, path)


def export_onnx(model: Model, folder: Path) -> Path:
    """Write a network of ours as one ONNX file with its preprocessing; ONNX Runtime must agree to 1e-4.

    Raises:
        BadValue: The model is no network of ours.
        CheckFailed: The exported graph says something else than the network.
    """
    from xraybench.models.onnx_file import export_onnx as export
    from xraybench.models.timm_net import TimmNet

    if not isinstance(model, TimmNet):
        raise BadValue(f"{model.name}: only a network of ours can be exported to ONNX.")
    return export(model, folder)


def names() -> list[str]:
    """The adapters."""
    return _REGISTRY.names()


def described() -> dict[str, str]:
    """Each adapter and what it is, in the first sentence of its file."""
    told = {name: import_module(_REGISTRY.get(name)[0]).__doc__ or "" for name in names()}
    return {name: doc.partition("\n")[0].partition(": ")[2] or doc.partition("\n")[0] for name, doc in told.items()}
