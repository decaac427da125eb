"""How long does the main job take, how much memory, and how long when there is nothing left to do?

python benchmarks/main_job.py [profile]      smoke by default; quick is what `make bench` runs

Runs `xraybench bench` twice in an empty folder and samples the memory of every process below it. A page of a file that is
mapped counts once for each process that maps it, so the figure is an upper bound. The peer of the second call is the
first. The last line is one JSON object of named figures.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

SAMPLE_S = 0.5


def resident_mb(root: int) -> float:
    """Memory of a process and all below it, in MB; 0 where there is no /proc."""
    children: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(status.parent.name))
    total, waiting = 0, [root]
    while waiting:
        pid = waiting.pop()
        waiting += children.get(pid, [])
        try:
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
    return total / 1024


def timed(home: str, profile: str) -> tuple[float, float, dict[str, object]]:
    """Seconds, peak MB and report of one call."""
    words = [sys.executable, "-c", "from xraybench.cli import main; main()", "bench", "--profile", profile, "--json"]
    start, peak, running = time.perf_counter(), 0.0, True
    process = subprocess.Popen(words, env={**os.environ, "XRAYBENCH_HOME": home}, stdout=subprocess.PIPE, text=True)

    def watch() -> None:
        nonlocal peak
        while running:
            peak = max(peak, resident_mb(process.pid))
            time.sleep(SAMPLE_S)

    watcher = threading.Thread(target=watch)
    watcher.start()
    told, _ = process.communicate()
    running = False
    watcher.join()
    if process.returncode:
        sys.exit(f"main_job: xraybench bench ended with {process.returncode}")
    return time.perf_counter() - start, peak, json.loads(told)


def main() -> None:
    profile = sys.argv[1] if len(sys.argv) > 1 else "smoke"
    with tempfile.TemporaryDirectory() as home:
        first_s, peak_mb, first = timed(home, profile)
        again_s, _, again = timed(home, profile)
    figures = {
        "first_s": round(first_s, 1),
        "again_s": round(again_s, 2),
        "again_over_first": round(again_s / first_s, 4),
        "peak_mb": round(peak_mb),
        "notebooks_first": first["notebooks executed"],
        "notebooks_again": again["notebooks executed"],
    }
    print(json.dumps({"profile": profile, **figures}))


if __name__ == "__main__":
    main()
