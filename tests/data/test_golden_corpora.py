"""A corpus keeps its digest as long as the engine keeps its version, on every machine."""

import json

import golden_corpora


def test_every_corpus_has_the_digest_that_its_engine_version_promises() -> None:
    kept = json.loads(golden_corpora.GOLDEN.read_text(encoding="utf-8"))
    assert golden_corpora.found() == kept, (
        "Items, labels, sensors or counts are other ones than this engine version promised. Give simulate.ENGINE_VERSION "
        "a new number, unless all that changed is the record of the sensors named here, and run: "
        "python tests/make/golden_corpora.py"
    )
