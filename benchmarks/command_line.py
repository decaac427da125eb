"""How long does a user wait for an answer? Listing commands against a bare interpreter and an import of torch.

python benchmarks/command_line.py [runs]

Whole processes, wall time, median of the runs after one warm-up; the last line is one JSON object of named figures.
"""

import json
import statistics
import subprocess
import sys
import time

CALL = "from xraybench.cli import main; main()"
COMMANDS = {
    "help": [CALL, "--help"],
    "tasks": [CALL, "tasks"],
    "sensors": [CALL, "sensors"],
    "notebooks": [CALL, "notebooks"],
}
PEERS = {"bare_python": ["pass"], "import_torch": ["import torch"]}


def seconds(words: list[str], runs: int) -> float:
    """Median wall time of a Python process."""
    taken = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", *words], check=True, stdout=subprocess.DEVNULL)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken[1:])


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    figures = {f"{name}_s": seconds(words, runs) for name, words in {**COMMANDS, **PEERS}.items()}
    for name, value in figures.items():
        print(f"{name:16} {value:.3f}")
    figures["help_over_bare_python"] = figures["help_s"] / figures["bare_python_s"]
    figures["import_torch_over_help"] = figures["import_torch_s"] / figures["help_s"]
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
