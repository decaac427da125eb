"""Named streams of chance. Nothing global: what is drawn under one name never moves what is drawn under another."""

from hashlib import blake2b

import numpy as np


def seed_of(seed: int, *names: str | int) -> int:
    """A 128-bit seed for the stream of this name under this seed; the same on every machine."""
    text = "\x1f".join([str(int(seed)), *map(str, names)])
    return int.from_bytes(blake2b(text.encode(), digest_size=16).digest(), "big")


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """A generator of its own for `names`, for example `stream(seed, "noise", scan_id)`."""
    return np.random.Generator(np.random.PCG64(seed_of(seed, *names)))
