"""Training at one site: networks, the classical baseline and the manifest reference.

How sites train together is in `xraybench.federate`.
"""

from xraybench.train.adapt import adapted
from xraybench.train.baseline import classical
from xraybench.train.manifest import manifest
from xraybench.train.networks import (
    BATCH_SIZE,
    EPOCHS,
    IMAGE_PX,
    LEARNING_RATE,
    concatenated,
    fit,
    local,
    loss_of,
    prepare,
)
from xraybench.train.profiles import epochs_of

__all__ = [
    "BATCH_SIZE",
    "EPOCHS",
    "IMAGE_PX",
    "LEARNING_RATE",
    "adapted",
    "classical",
    "concatenated",
    "epochs_of",
    "fit",
    "local",
    "loss_of",
    "manifest",
    "prepare",
]
