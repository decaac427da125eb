"""How fast a board is built from 1,500 result files, beside the least that any program must do: parse them.

    python benchmarks/leaderboard.py [--models 10]

The results are made up: two suites of 75 tasks, rank sets for the widest tasks. The peer reads the same files with the
standard library's json and does nothing else. Everything is written to a temporary folder and removed. The last line is
one JSON of named figures.
"""

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "make"))

from made_results import MODELS, write_board

from xraybench.report import leaderboard, results


def seconds(work: Callable[[], object], *, repeats: int = 3) -> float:
    """Wall-clock time of the fastest of a few calls."""
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return min(taken)


def parse_only(folder: Path) -> int:
    """The peer: every result file through json.loads."""
    return sum(len(json.loads(path.read_bytes())["rows"]) for path in folder.glob("*/*.json"))


def main(n_models: int) -> None:
    crowd = tuple(replace(MODELS[i % 6], name=f"model-{i}", skill=1.8 - i / 8) for i in range(n_models))
    with tempfile.TemporaryDirectory() as home:
        board = write_board(Path(home), models=crowd, with_real=False)
        files = list((board / "results").glob("[!_]*/*.json"))
        parse_only(board / "results")  # warms the file cache
        figures: dict[str, float] = {
            "result_files": len(files),
            "result_mb": sum(path.stat().st_size for path in files) / 1e6,
            "numbers": parse_only(board / "results"),
            "parse_only_s": seconds(lambda: parse_only(board / "results")),
            "read_and_check_s": seconds(lambda: results.load_results(board / "results")),
            "build_s": seconds(lambda: leaderboard.build(board)),
            "check_s": seconds(lambda: leaderboard.check(board)),
        }
        pages = list((board / "site").glob("*.html"))
        figures["largest_page_kb"] = max(path.stat().st_size for path in pages) / 1e3
        figures["site_mb"] = sum(path.stat().st_size for path in (board / "site").iterdir()) / 1e6
    figures["build_over_parse"] = figures["build_s"] / figures["parse_only_s"]
    figures["peak_memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    for name, value in figures.items():
        print(f"{name:18} {value:10.3f}")
    print(json.dumps({name: round(value, 4) for name, value in figures.items()}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=10, help="models on the board; 10 make 1,500 result files")
    main(parser.parse_args().models)
