"""Writes tests/data/golden_corpora.json: which digest each corpus of profile smoke has with this engine version.

    python tests/make/golden_corpora.py

Write it anew only together with a new `ENGINE_VERSION`, or where a sensor's record has changed, which renames the corpora of
that sensor alone: published results name these digests.
"""

import json
from pathlib import Path
from typing import Any

from xraybench import data, simulate
from xraybench.core.documents import write_text
from xraybench.data.corpus import corpora

GOLDEN = Path(__file__).resolve().parents[1] / "data" / "golden_corpora.json"


def found() -> dict[str, Any]:
    """Engine version, and the digest of every corpus at profile smoke and seed 0, from the seed alone."""
    digests = {corpus: data.labels(corpus, profile="smoke").digest for corpus in corpora()}
    return {"engine": simulate.ENGINE_VERSION, "smoke": digests}


if __name__ == "__main__":
    write_text(GOLDEN, json.dumps(found(), indent=1) + "\n")
