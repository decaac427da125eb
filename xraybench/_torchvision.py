"""The one door to timm, and the cures that torchvision and oneDNN need before a network may run.

timm imports torchvision, and torchvision dies at import ("operator torchvision::nms does not exist") wherever
its compiled operators do not fit the torch beside it: the ordinary Linux wheel next to a CPU build of torch.
We use none of these operators, so it is enough that two of them have a name. Where torchvision loads, nothing
here does anything.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from types import ModuleType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch

State = Literal["native", "shim", "not loaded"]

_NAMELESS = "operator torchvision::nms does not exist"
_libraries: list[torch.library.Library] = []  # an operator's name lives as long as its library object


def import_timm() -> ModuleType:
    """timm, imported with what it needs. Every use of timm goes through here, a test says so.

    Raises:
        ImportError: timm or torchvision is not installed.
    """
    import_torchvision()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="IProgress not found")  # else tqdm tells every notebook
        return importlib.import_module("timm")


def import_torchvision() -> ModuleType:
    """torchvision, with or without its compiled operators.

    Without them its transforms and networks work, its NMS and ROI operators raise an error that says so, and
    its image decoders are absent: read images with Pillow.
    """
    try:
        return importlib.import_module("torchvision")
    except RuntimeError as error:
        if _NAMELESS not in str(error):
            raise
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]  # else the second import would build on the ruins of the first
    _name_the_operators()
    return importlib.import_module("torchvision")


def state() -> State:
    """How torchvision got into this process, for a run's environment.json.

    With its own operators ("native"), with two names that stand in for them ("shim"), or not so far.
    """
    if "torchvision" not in sys.modules:
        return "not loaded"
    return "shim" if _libraries else "native"


def safe_memory_format(model: torch.nn.Module) -> torch.memory_format:
    """The fastest layout in which a network may be trained: channels_last, or contiguous_format.

    channels_last is up to twice as fast for convolutions on a CPU, but a strided 1x1 convolution of 2 to 7
    input channels corrupts the heap in its backward pass. With two-channel X-ray input that is a plausible
    first layer. Groups are judged with caution: neither the layer's channels nor a group's may lie there.

    Source:
        uxlfoundation/oneDNN issue 6035; measured on AVX2 for 2, 3, 4 and 7 input channels (1 and 8 are fine).
    """
    import torch

    for layer in model.modules():
        if not isinstance(layer, torch.nn.Conv2d) or layer.kernel_size != (1, 1) or max(layer.stride) == 1:
            continue
        if any(2 <= n <= 7 for n in (layer.in_channels, layer.in_channels // layer.groups)):
            return torch.contiguous_format
    return torch.channels_last


def _name_the_operators() -> None:
    """Define nms and qnms without a body.

    Source:
        torchvision 0.28, _meta_registrations.py: registers shapes for these two whether they exist or not.
    """
    import torch

    if _libraries:
        return
    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _libraries.append(library)
