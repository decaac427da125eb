"""Made-up results of made-up models: what a board or card is tried on before, and beside, real ones.

`write_board(folder)` lays out a whole leaderboard: result files, rank sets, curves and signatures. Every number follows
from the seed; intervals are Wilson's, computed here, so that they owe nothing to the package.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xraybench.core.digest import of_json
from xraybench.core.documents import ModelSignature, ResultFile, ResultRow, write_document
from xraybench.report.results import (
    Curve,
    CurveFile,
    PairRow,
    RankFile,
    RankRow,
    save,
    save_curves,
    save_ranks,
    task_of,
)

THREATS = ("firearm", "blade", "powder_drugs", "currency")
CONCEALMENTS = ("undeclared", "in_layers", "in_article", "masked")
SENSORS = ("mail_160kv", "mail_140kv")
EASE = {"any": 0.0, "undeclared": 0.9, "in_layers": 0.3, "in_article": -0.2, "masked": -1.0}
EASE |= {"firearm": 0.6, "blade": 0.2, "powder_drugs": -0.2, "currency": -0.6}


@dataclass(frozen=True, slots=True)
class MadeModel:
    """A model that exists on paper only."""

    name: str
    track: str
    skill: float  # log-odds of pd on the widest task
    sensors: tuple[str, ...]
    architecture: str
    adapter: str = "timm_net"
    latency_ms: float = 8.0


MODELS = (
    MadeModel("mobilenet-raw-both", "raw", 1.75, SENSORS, "mobilenetv3_small_050"),
    MadeModel("mobilenet-raw-160kv", "raw", 1.50, ("mail_160kv",), "mobilenetv3_small_050"),
    MadeModel("resnet-raw-both", "raw", 1.70, SENSORS, "resnet10t", latency_ms=14.2),
    MadeModel("federated-three-sites", "raw", 1.55, SENSORS, "mobilenetv3_small_050"),
    MadeModel("classical-raw", "raw", 0.20, SENSORS, "logistic", "classical", 2.4),
    MadeModel("vendor-a-colour", "colour", 1.10, ("mail_140kv",), "undisclosed", "prediction_file", 31.0),
)


def write_board(
    folder: Path,
    *,
    vectors: tuple[str, ...] = ("mail", "parcel"),
    models: tuple[MadeModel, ...] = MODELS,
    with_real: bool = True,
    all_axes: bool = True,
    n_cell: int = 30,
    n_benign: int = 600,
) -> Path:
    """A leaderboard folder with `results/` and `models/`; returns it.

    Args:
        folder: Where to.
        vectors: Suites.
        models: Who is on the board.
        with_real: Add results on one imported dataset of real scans.
        all_axes: All 75 tasks of a suite; otherwise the widest, its concealments, its threats and its sensors.
        n_cell: Threat items per threat and concealment.
        n_benign: Benign items per sensor.
    """
    results = folder / "results"
    for vector in vectors:
        for task_id in _task_ids(vector, all_axes=all_axes):
            files = [result_file(task_id, model, n_cell=n_cell, n_benign=n_benign) for model in models]
            for file in files:
                save(file, results)
            if task_id.count("any") >= 2:
                _write_comparisons(files, results)
    if with_real:
        real = [result_file("baggage-any-any-unknown-v1", m, n_cell=2, n_benign=60, is_simulated=False) for m in models]
        for file in real:
            save(file, results)
        _write_comparisons(real, results)
    for model in models:
        write_document(folder / "models" / f"{model.name}.json", signature(model))
    return folder


def result_file(
    task_id: str, model: MadeModel, *, n_cell: int = 30, n_benign: int = 600, is_simulated: bool = True
) -> ResultFile:
    """One model's numbers on one task."""
    task = task_of(task_id)
    rng = np.random.default_rng(int(of_json([task_id, model.name])[:8], 16))
    skill = model.skill + EASE.get(task.threat, 0.0) + EASE.get(task.concealment, 0.0)
    sensors = SENSORS if task.sensor == "any" else (task.sensor,)
    n_threats = n_cell * len(sensors)
    for axis in (task.threat, task.concealment):
        n_threats *= 4 if axis == "any" else 1
    rows = []
    for pfa, harder in ((0.05, 0.0), (0.01, 1.3)):
        rows.append(share("pd", pfa, rng, _logistic(skill - harder), n_threats, is_threat=True))
        rows.append(share("pfa", pfa, rng, pfa * 1.1, n_benign * len(sensors), is_threat=False))
        if pfa == 0.05:
            rows.append(_located(model, rng, skill, n_threats))
    rows += _other_metrics(model, rng, skill, n_threats, n_benign * len(sensors))
    if task.threat == task.concealment == "any":
        for axis, values in (("concealment", CONCEALMENTS), ("threat", THREATS), ("sensor", sensors)):
            for value in values:
                moved = EASE.get(value, 0.0) - (0.8 if axis == "sensor" and value not in model.sensors else 0.0)
                n = n_threats // len(values)
                rows.append(share("pd", 0.05, rng, _logistic(skill + moved), n, axis, value, is_threat=True))
                if axis == "sensor":
                    rows.append(share("pfa", 0.05, rng, 0.056, n_benign, axis, value, is_threat=False))
        for value, n in (("small", n_threats // 2), ("medium", n_threats // 2 - 12), ("large", 12)):
            rows.append(share("pd", 0.05, rng, _logistic(skill), n, "size", value, is_threat=True))
    corpora = {f"{task.vector}-{s}": of_json([task.vector, s, is_simulated]) for s in sensors}
    return ResultFile(
        task=task_id,
        model=model.name,
        track=model.track if is_simulated else "grey",
        is_simulated=is_simulated,
        profile="quick" if is_simulated else "imported",
        seed=0,
        n_replicates=1000,
        thresholds={"0.05": 0.412345, "0.01": 0.731},
        corpora=corpora,
        predictions_digest=of_json([model.name, sorted(corpora)]),
        version="0.1.0",
        rows=rows,
    )


def share(
    metric: str,
    at: float | None,
    rng: np.random.Generator,
    chance: float,
    n: int,
    slice_axis: str = "",
    slice_value: str = "",
    *,
    is_threat: bool,
) -> ResultRow:
    """A rate of `n` items with Wilson's interval; undefined under 29 threats or 59 benign items."""
    least, what = (29, "threats") if is_threat else (59, "benign items")
    reason = f"too few: {n} {what}, {least} are needed" if n < least else ""
    k = int(rng.binomial(n, min(max(chance, 0.0), 1.0)))
    low, high = wilson(k, n)
    return ResultRow(
        metric=metric,
        at=at,
        slice_axis=slice_axis,
        slice_value=slice_value,
        value=math.nan if reason else k / n,
        low=math.nan if reason else low,
        high=math.nan if reason else high,
        interval="Wilson",
        n_items=n,
        n_threats=n if is_threat else 0,
        reason=reason,
    )


def wilson(k: int, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of k out of n."""
    z = 1.959963984540054
    middle, half = k + z * z / 2, z * math.sqrt(k * (n - k) / n + z * z / 4)
    return (middle - half) / (n + z * z), (middle + half) / (n + z * z)


def signature(model: MadeModel) -> ModelSignature:
    """What goes into a made-up model and how it was trained."""
    training = {"sensors": list(model.sensors), "seed": 0, "epochs": 6, "device": "cpu, 1 thread"}
    if model.name.startswith("federated"):
        training["federated"] = {"rounds": 4, "sites": ["north", "south", "west"], "aggregator": "fedavg"}
    return ModelSignature(
        name=model.name,
        adapter=model.adapter,
        track=model.track,
        channels=["hi", "lo"] if model.track == "raw" else ["red", "green", "blue"],
        full_scale=60000.0 if model.track == "raw" else 255.0,
        image_px=96,
        targets=["any", *THREATS],
        n_parameters=593_000 if model.adapter == "timm_net" else 1_700,
        architecture=model.architecture,
        training=training,
        weights_digest=of_json(model.name),
    )


def _task_ids(vector: str, *, all_axes: bool) -> list[str]:
    wide = [
        (threat, concealment, sensor)
        for threat in ("any", *THREATS)
        for concealment in ("any", *CONCEALMENTS)
        for sensor in ("any", *SENSORS)
    ]
    kept = wide if all_axes else [axes for axes in wide if axes.count("any") >= 2]
    return [f"{vector}-{threat}-{concealment}-{sensor}-v1" for threat, concealment, sensor in kept]


def _logistic(odds: float) -> float:
    return 1 / (1 + math.exp(-odds))


def _located(model: MadeModel, rng: np.random.Generator, skill: float, n: int) -> ResultRow:
    if model.adapter == "timm_net":
        return share("localisation_hit_rate", 0.05, rng, _logistic(skill - 0.6), n, is_threat=True)
    nothing = {"value": math.nan, "low": math.nan, "high": math.nan, "interval": "none", "n_items": n, "n_threats": n}
    return ResultRow(metric="localisation_hit_rate", at=0.05, **nothing, reason="the model gives no boxes")


def _other_metrics(
    model: MadeModel, rng: np.random.Generator, skill: float, n_threats: int, n_benign: int
) -> list[ResultRow]:
    middles = {"auroc": 0.99 - 0.12 * _logistic(-skill), "average_precision": 0.98 - 0.2 * _logistic(-skill)}
    middles |= {"brier": 0.05 + 0.1 * _logistic(-skill), "ece": 0.03 + 0.02 * rng.random()}
    counts = {"n_items": n_threats + n_benign, "n_threats": n_threats}
    rows = [
        ResultRow(metric=m, value=v, low=v - 0.012, high=min(1.0, v + 0.011), interval="bootstrap", **counts)
        for m, v in middles.items()
    ]
    for metric, times in (("latency_p50_ms", 1.0), ("latency_p95_ms", 1.6)):
        ms = model.latency_ms * times
        rows.append(
            ResultRow(
                metric=metric, value=ms, low=ms * 0.95, high=ms * 1.07, interval="order", n_items=200, n_threats=0
            )
        )
    return rows


def _write_comparisons(files: list[ResultFile], folder: Path) -> None:
    for track in sorted({file.track for file in files}):
        tied = [file for file in files if file.track == track]
        save_ranks(rank_file(tied), folder)
        save_curves(curve_file(tied), folder)


def rank_file(files: list[ResultFile]) -> RankFile:
    """Rank sets from overlapping intervals: crude, but of the right shape."""
    pds = {f.model: next(r for r in f.rows if (r.metric, r.at, r.slice_axis) == ("pd", 0.05, "")) for f in files}
    order = sorted(pds, key=lambda m: -pds[m].value)
    rows, band, reach = [], 0, 0
    for model in order:
        low = 1 + sum(other.low > pds[model].high for other in pds.values())
        high = len(pds) - sum(other.high < pds[model].low for other in pds.values())
        band, reach = (band + 1, high) if low > reach else (band, max(reach, high))
        rows.append(RankRow(model=model, estimate=pds[model].value, rank_low=low, rank_high=high, band=band))
    pairs = []
    for place, a in enumerate(order):
        for b in order[place + 1 :]:
            gap = pds[a].value - pds[b].value
            n = pds[a].n_threats
            error = math.sqrt(max(1e-9, 0.6 * sum(pds[m].value * (1 - pds[m].value) for m in (a, b)) / n))
            p = min(1.0, math.erfc(abs(gap) / error / math.sqrt(2)) * len(order))
            pairs.append(PairRow(a=a, b=b, difference=gap, low=gap - 1.96 * error, high=gap + 1.96 * error, p_holm=p))
    return RankFile(
        task=files[0].task,
        track=files[0].track,
        method="overlap of intervals (made up)",
        n_replicates=1000,
        n_threats=pds[order[0]].n_threats,
        n_benign=next(r for r in files[0].rows if r.metric == "pfa").n_items,
        minimum_detectable_difference=round(2.8 * math.sqrt(0.1 / pds[order[0]].n_threats), 6),
        minimum_detectable_difference_method="paired test, power 0.80, Holm over all pairs",
        corpora=files[0].corpora,
        predictions={file.model: file.predictions_digest for file in files},
        rows=rows,
        pairs=pairs,
    )


def curve_file(files: list[ResultFile]) -> CurveFile:
    """Binormal curves through each model's pd at pfa 0.05."""
    grid = np.unique(np.round(np.geomspace(0.002, 1.0, 40), 4))
    curves = []
    for file in files:
        pd = next(r for r in file.rows if (r.metric, r.at, r.slice_axis) == ("pd", 0.05, "")).value
        pd = min(max(0.5 if math.isnan(pd) else pd, 0.02), 0.98)
        slope = math.log(pd) / math.log(0.05)
        middle = np.round(grid**slope, 4)
        half = np.round(0.05 * np.sqrt(middle * (1 - middle)) + 0.005, 4)
        low, high = np.clip(middle - half, 0, 1), np.clip(middle + half, 0, 1)
        curves.append(
            Curve(model=file.model, pd=middle.tolist(), low=low.round(4).tolist(), high=high.round(4).tolist())
        )
    return CurveFile(
        task=files[0].task,
        track=files[0].track,
        method="made up",
        corpora=files[0].corpora,
        predictions={file.model: file.predictions_digest for file in files},
        pfa=grid.tolist(),
        curves=curves,
    )
