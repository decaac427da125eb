"""Broken files: a sound one with a few bytes changed. Run with a sound file and a place to write, it reads 300 of them."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import numpy as np


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """A few bytes changed, or a piece cut, doubled or zeroed; most changes lie in the head, where the lengths stand."""
    changed = bytearray(content)
    for _ in range(rng.integers(1, 6)):
        at = int(rng.integers(128, len(changed) if rng.random() < 0.3 else min(len(changed), 2600)))
        kind = rng.integers(0, 5)
        if kind < 3:
            changed[at] = int(rng.integers(0, 256))
        elif kind == 3:
            del changed[at : at + int(rng.integers(1, 40))]
        else:
            changed[at:at] = changed[at : at + int(rng.integers(1, 40))]
    return bytes(changed)


if __name__ == "__main__":
    from xraybench.core.errors import BadFile, MissingExtra
    from xraybench.formats import dicos

    sound, place = Path(sys.argv[1]).read_bytes(), Path(sys.argv[2])
    chance = np.random.default_rng(5)
    for _ in range(300):
        place.write_bytes(mutated(sound, chance))
        with contextlib.suppress(BadFile, MissingExtra):
            dicos.read_dx(place)
