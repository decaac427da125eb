"""How a board of a thousand models and two hundred tasks is built, changed, weighed and filtered: time, memory and bytes.

    python benchmarks/board.py [--models 1000] [--tasks 200] [--peer-models 100]

The board is SYNTHETIC: results of made-up models on made-up tasks, about the size of real result files (30 numbers), with
rank sets and curves, in a temporary folder that is removed. Measured on it, in this order:

- `from_raw`: the whole site from raw JSON, no note of an earlier build: read, check, index, all pages
- `from_index`: the whole site from the columnar index (notes and shards are there, every page is made again)
- `unchanged`: a build with nothing to do
- `one_result`: one result file changed, with its rank sets: its pages are made again and the index is brought up to date
- the weight of the first page and of the others, compressed; the time of a filter in Chromium on the page with most rows
- a peer, on as many models as `--peer-models` and scaled by the number of files: pandas reads the JSON and writes a table a
  task by `groupby` and `to_html`, without intervals, ranks, charts or checks

Needs Chromium and playwright for the filter (left out where they are absent). The last line is one JSON of named figures.
"""

import argparse
import gzip
import json
import os
import random
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from xraybench.core.digest import of_json
from xraybench.report import index, leaderboard

VECTORS = ("mail", "parcel", "baggage", "pallet", "container")
THREATS = ("any", "firearm", "blade", "powder_drugs", "currency")
CONCEALMENTS = ("any", "undeclared", "in_layers", "in_article")
SENSORS = ("any", "synthetic_a")
SIGNATURE = {
    "schema_id": "xraybench.model/1", "adapter": "prediction_file", "track": "raw", "channels": ["hi", "lo"],
    "full_scale": 65535, "image_px": 64, "targets": ["any", "firearm"], "n_parameters": 400_000,
    "architecture": "synthetic", "training": {"sensors": ["synthetic_a"], "device": "none: synthetic"},
}  # fmt: skip
SLICES = {
    "concealment": CONCEALMENTS[1:],
    "threat": THREATS[1:],
    "sensor": ("synthetic_a", "synthetic_b"),
    "size": ("small", "medium", "large"),
}


def measure(figures: dict[str, float], name: str, work: Callable[[], object]) -> None:
    """Wall-clock time of one call, and the processor time it took: where others use the machine, the two differ."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    figures[f"{name}_s"] = time.perf_counter() - wall
    figures[f"{name}_cpu_s"] = time.process_time() - cpu


def task_ids(n: int) -> list[str]:
    """As many task ids, suite by suite, each suite with its widest task."""
    all_ids = [f"{v}-{t}-{c}-{s}-v1" for v in VECTORS for t in THREATS for c in CONCEALMENTS for s in SENSORS]
    if n > len(all_ids):
        raise SystemExit(f"--tasks: at most {len(all_ids)}")
    return all_ids[:n]


def rate(metric: str, at: float, share: float, n: int, axis: str = "", value: str = "") -> dict[str, object]:
    """One row of a result file."""
    half = 2 * (share * (1 - share) / n) ** 0.5
    row = {"metric": metric, "at": at, "value": round(share, 6), "low": round(max(0.0, share - half), 6)}
    row |= {"high": round(min(1.0, share + half), 6), "interval": "Wilson score", "n_items": n}
    row |= {"n_threats": 0 if metric == "pfa" else n} | ({"slice_axis": axis, "slice_value": value} if axis else {})
    return row


def result(model: str, task: str, dice: random.Random) -> dict[str, object]:
    """A made-up result file as JSON."""
    skill = dice.uniform(0.4, 0.95)
    rows = [rate("pd", 0.05, skill, 960), rate("pfa", 0.05, dice.uniform(0.03, 0.07), 1200)]
    rows += [rate("pd", 0.01, skill / 2, 960), rate("pfa", 0.01, 0.012, 1200)]
    for metric in ("auroc", "average_precision", "brier", "ece", "partial_auc", "workload_saved"):
        rows.append({**rate(metric, 0.0, dice.uniform(0.1, 0.9), 2160), "at": None})
    for metric, ms in (("latency_p50_ms", 8.1), ("latency_p95_ms", 12.4)):
        rows.append({**rate(metric, 0.0, 0.5, 200), "at": None, "value": ms, "low": ms - 0.4, "high": ms + 0.6})
    nothing = {"value": None, "low": None, "high": None, "interval": "none", "reason": "the model gives no boxes"}
    rows.append({**rate("localisation_hit_rate", 0.05, 0.5, 960), **nothing})
    for axis, values in SLICES.items():
        rows += [rate("pd", 0.05, min(0.99, skill * dice.uniform(0.7, 1.1)), 240, axis, v) for v in values]
    rows += [rate("pfa", 0.05, dice.uniform(0.03, 0.07), 600, "sensor", v) for v in SLICES["sensor"]]
    return {
        "schema_id": "xraybench.results/1", "task": task, "model": model, "track": "raw", "is_simulated": True,
        "profile": "synthetic", "seed": 0, "n_replicates": 1000, "thresholds": {"0.05": 0.7, "0.01": 0.9},
        "corpora": {f"{task.split('-')[0]}-synthetic_a": of_json(task.split("-")[0])},
        "predictions_digest": of_json([model, task]), "version": "synthetic", "rows": rows,
    }  # fmt: skip


def ranks(task: str, files: list[dict[str, object]]) -> dict[str, object]:
    """Made-up rank sets: each model may stand up to 40 places from where it stands; pairs of neighbours only."""
    told = {file["model"]: file["rows"][0]["value"] for file in files}
    order = sorted(told, key=lambda m: -told[m])
    n = len(order)
    rows = [
        {"model": m, "estimate": told[m], "rank_low": max(1, i - 39), "rank_high": min(n, i + 41), "band": i // 80 + 1}
        for i, m in enumerate(order)
    ]
    pairs = [
        {"a": a, "b": b, "difference": round(told[a] - told[b], 6), "low": -0.02, "high": 0.03, "p_holm": 1.0}
        for a, b in pairwise(order)
    ]
    return {
        "schema_id": "xraybench.ranks/1", "task": task, "track": "raw", "method": "synthetic", "n_replicates": 0,
        "n_threats": 960, "n_benign": 1200, "minimum_detectable_difference": 0.07, "corpora": files[0]["corpora"],
        "predictions": {file["model"]: file["predictions_digest"] for file in files}, "rows": rows, "pairs": pairs,
    }  # fmt: skip


def curves(task: str, files: list[dict[str, object]]) -> dict[str, object]:
    """Made-up curves of the first ten models, in name only of all."""
    grid = [0.005 * i for i in range(1, 21)] + [0.2, 0.3, 0.5, 0.75, 1.0]
    drawn = [
        {
            "model": f["model"],
            "pd": [x**0.3 for x in grid],
            "low": [x**0.35 for x in grid],
            "high": [x**0.25 for x in grid],
        }
        for f in files[:10]
    ]
    predictions = {file["model"]: file["predictions_digest"] for file in files}
    head = {"schema_id": "xraybench.curves/1", "task": task, "track": "raw", "method": "synthetic", "pfa": grid}
    return {**head, "corpora": files[0]["corpora"], "predictions": predictions, "curves": drawn}


def write(path: Path, value: object) -> None:
    """A JSON file, replaced as a whole like every file of a board."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(value), encoding="utf-8")
    temporary.replace(path)


def write_board(board: Path, n_models: int, tasks: list[str]) -> None:
    """A whole synthetic board."""
    dice = random.Random(0)
    models = [f"synthetic-{i:04d}" for i in range(n_models)]
    for model in models:
        write(board / "models" / f"{model}.json", {**SIGNATURE, "name": model, "weights_digest": of_json(model)})
    for task in tasks:
        files = [result(model, task, dice) for model in models]
        for file in files:
            write(board / "results" / str(file["model"]) / f"{task}.json", file)
        write(board / "results" / "_ranks" / "raw" / f"{task}.json", ranks(task, files))
        if "-any-any-any-" in task:
            write(board / "results" / "_curves" / "raw" / f"{task}.json", curves(task, files))


def change_one(board: Path, task: str, model: str) -> None:
    """Another score of one model on one task, and the rank sets that follow."""
    path = board / "results" / model / f"{task}.json"
    file = json.loads(path.read_bytes())
    file["rows"][0] = rate("pd", 0.05, 0.987654, 960)
    file["predictions_digest"] = of_json("another")
    write(path, file)
    compared = board / "results" / "_ranks" / "raw" / f"{task}.json"
    ranked = json.loads(compared.read_bytes())
    ranked["predictions"][model] = file["predictions_digest"]
    for row in ranked["rows"]:
        row["estimate"] = 0.987654 if row["model"] == model else row["estimate"]
    write(compared, ranked)


def forget_pages(board: Path) -> None:
    """Keep the index and its notes, and drop every page: what is left to do is the board from the index."""
    for page in (board / "site").rglob("*.html"):
        page.unlink()


def with_pandas(board: Path, models: list[str], tasks: list[str], out: Path) -> None:
    """The peer: read the JSON into one pandas table, and write a page a task, a row a model."""
    import pandas as pd

    parts = []
    for model in models:
        for task in tasks:
            file = json.loads((board / "results" / model / f"{task}.json").read_bytes())
            parts.append(pd.DataFrame(file["rows"]).assign(task=task, model=model))
    table = pd.concat(parts, ignore_index=True)
    wide = table[table["slice_axis"].isna()] if "slice_axis" in table else table
    for task, rows in wide.groupby("task"):
        named = rows.assign(column=rows["metric"] + "@" + rows["at"].astype(str))
        page = named.pivot_table(index="model", columns="column", values="value").to_html()
        (out / f"{task}.html").write_text(page, encoding="utf-8")


def filter_ms(page: Path) -> float | None:
    """Median time from a letter typed in the first filter to the laid-out table, in ms; None without a browser."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    if chromium is None:
        return None
    measure = """() => {
      const box = document.querySelector('.tools input[type=search]');
      const taken = [];
      for (const part of ['1', '12', '123', '', '9', '99', '', 'synthetic-0', '']) {
        const start = performance.now();
        box.value = part;
        box.dispatchEvent(new Event('input'));
        document.body.offsetHeight;
        taken.push(performance.now() - start);
      }
      return taken;
    }"""
    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        opened = browser.new_page(viewport={"width": 1300, "height": 900})
        opened.goto(page.as_uri())
        taken = [time_ms for _ in range(3) for time_ms in opened.evaluate(measure)]
        browser.close()
    return statistics.median(taken)


def main(n_models: int, n_tasks: int, n_peer: int) -> None:
    tasks = task_ids(n_tasks)
    with tempfile.TemporaryDirectory() as home:
        board = Path(home) / "leaderboards"
        write_board(board, n_models, tasks)
        n_files = n_models * n_tasks
        seen = index.scan(board / "results")
        figures: dict[str, float] = {
            "models": n_models,
            "tasks": n_tasks,
            "result_files": n_files,
            "raw_mb": sum(int(line.split()[1]) for told in seen.folders.values() for line in told.splitlines()) / 1e6,
        }
        measure(figures, "from_raw", lambda: leaderboard.rebuild(board))
        measure(figures, "unchanged", lambda: leaderboard.rebuild(board))
        figures["index_mb"] = sum(p.stat().st_size for p in (board / "site" / "data").iterdir()) / 1e6
        forget_pages(board)
        measure(figures, "from_index", lambda: leaderboard.rebuild(board))
        measure(figures, "stat", lambda: index.scan(board / "results"))
        change_one(board, tasks[1], f"synthetic-{n_models // 2:04d}")
        written: list[str] = []
        measure(figures, "one_result", lambda: written.extend(leaderboard.rebuild(board).written))
        figures["one_result_files"] = len(written)
        figures["peak_memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
        site = board / "site"
        packed = {p: len(gzip.compress(p.read_bytes())) / 1e3 for p in site.rglob("*.html")}
        figures["first_page_kb"] = packed[site / "index.html"]
        figures["suite_page_kb"] = max(size for p, size in packed.items() if p.parent == site)
        figures["task_page_kb"] = max(size for p, size in packed.items() if p.parent != site)
        figures["site_mb"] = sum(p.stat().st_size for p in site.rglob("*") if p.is_file()) / 1e6
        for name, page in (("suite", site / "mail-raw.html"), ("task", site / "tasks" / f"{tasks[0]}.html")):
            if (taken := filter_ms(page)) is not None:
                figures[f"filter_{name}_ms"] = taken
        few = [f"synthetic-{i:04d}" for i in range(min(n_peer, n_models))]
        measure(figures, "peer_pandas", lambda: with_pandas(board, few, tasks, Path(home)))
        for name in ("peer_pandas_s", "peer_pandas_cpu_s"):
            figures[name] *= n_models / len(few)
        for name, value in figures.items():
            print(f"{name:22} {value:12.3f}")
        print(json.dumps({name: round(value, 4) for name, value in figures.items()}), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=1000)
    parser.add_argument("--tasks", type=int, default=200)
    parser.add_argument("--peer-models", type=int, default=20, help="models that the peer reads; its time is scaled up")
    given = parser.parse_args(sys.argv[1:])
    main(given.models, given.tasks, given.peer_models)
