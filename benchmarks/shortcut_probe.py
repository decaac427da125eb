"""Does any corpus tell its labels by what surrounds the contents? The shortcut probe over every corpus and control.

    python benchmarks/shortcut_probe.py [--items 8000] [--corpora mail-mail_160kv,container-container_6mev]

Each line gives the cross-validated AUROC with its 95 % interval, and the features that tell most by themselves. The whole
interval of a corpus without shortcuts lies within [0.45, 0.55]. The last line is one JSON of named figures.
"""

import argparse
import json
import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

from xraybench import tasks
from xraybench.core.vocabulary import ANY, CONTROLS
from xraybench.data.corpus import corpora, parse_corpus
from xraybench.data.probe import N_ITEMS, probe_corpus


def targets_of(vector: str) -> list[str]:
    """`any`, and the controls that have tasks on a vector."""
    return [ANY, *dict.fromkeys(task.threat for task in tasks.select(vector=vector) if task.threat in CONTROLS)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=N_ITEMS, help="items a corpus and target, half of them positive")
    parser.add_argument("--corpora", default="", help="ids, separated by commas; all when left out")
    parser.add_argument("--controls", action="store_true", help="probe the controls too")
    options = parser.parse_args()
    figures: dict[str, float] = {}
    for name in options.corpora.split(",") if options.corpora else corpora():
        for target in targets_of(parse_corpus(name)[0]) if options.controls else [ANY]:
            start = time.perf_counter()
            found = probe_corpus(name, target=target, n_items=options.items, quiet=True)
            print(f"{found.sentence()} ({time.perf_counter() - start:.0f} s)", flush=True)
            key = f"{name}_{target}"
            figures |= {key: found.auroc, f"{key}_low": found.low, f"{key}_high": found.high}
            figures[f"{key}_at_chance"] = found.is_at_chance
    print(json.dumps({name: round(float(value), 4) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
