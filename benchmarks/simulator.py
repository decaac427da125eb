"""Scans a second of the simulator on one core, beside a plain numpy version of its two inner steps in the same run.

    python benchmarks/simulator.py [--scans 60]

A scan here is all of it: the scene built, path lengths, both channels, blur, scatter, noise, 16 bit and the labels, unless
a figure says otherwise. Figures count processor time of this one process, so they hold on a busy machine too. The kernels
are warm; what their first call costs is a figure of its own, taken in a fresh process without a cache. The last line is one
JSON of named figures.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from xraybench import sensors
from xraybench.core.sensor import Sensor
from xraybench.simulate import (
    CONCEALMENTS,
    THREATS,
    VECTORS,
    Scene,
    display,
    label,
    make_scene,
    render,
    render_many,
    spectral,
)
from xraybench.simulate.geometry import BOX, CYLINDER, ELLIPSOID
from xraybench.simulate.render import path_maps

SQUARE = (256, 256)
N_PEER = 6  # scans that the slow peers are timed on
FIRST_CALL = """
import time
from xraybench import sensors, simulate
scene = simulate.make_scene("parcel", seed=1, name="first")
start = time.process_time()
simulate.display(sensors.get("mail_160kv"), simulate.render(scene, sensors.get("mail_160kv"), seed=1).raw)
print(time.process_time() - start)
"""


def seconds(work: Callable[[], object]) -> float:
    """Processor time of one call."""
    start = time.process_time()
    work()
    return time.process_time() - start


def build(vector: str, n: int) -> Scene:
    """Every other item with a threat, all threats and concealments in turn."""
    threat = THREATS[n // 2 % len(THREATS)] if n % 2 else None
    return make_scene(vector, seed=11, name=f"s{n}", threat=threat, concealment=CONCEALMENTS[n % len(CONCEALMENTS)])


def first_call_s(*, has_cache: bool) -> float:
    """Processor time of the first scan in a fresh process: with the kernels compiled before, or not."""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ if has_cache else {**os.environ, "NUMBA_CACHE_DIR": folder}
        told = subprocess.run(
            [sys.executable, "-c", FIRST_CALL], env=environment, capture_output=True, text=True, check=True
        )
    return float(told.stdout)


def scans_per_second(n_scans: int, scan: Callable[[int], object]) -> float:
    """Scans a second of processor time, the first five left out."""
    for n in range(5):
        scan(n)
    return n_scans / seconds(lambda: [scan(n) for n in range(5, 5 + n_scans)])


def in_memory(n_scans: int, sensor: Sensor) -> dict[str, float]:
    """From seed to counts and labels, at 256 x 256 and at the vectors' own fields."""
    figures = {}
    for vector in VECTORS:
        figures[f"{vector}_256_scans_s"] = scans_per_second(
            n_scans, lambda n, v=vector: render(build(v, n), sensor, seed=11, field_px=SQUARE)
        )
        figures[f"{vector}_scans_s"] = scans_per_second(
            n_scans, lambda n, v=vector: render(build(v, n), sensor, seed=11)
        )
    return figures


def by_step(n_scans: int, sensor: Sensor) -> dict[str, float]:
    """Milliseconds of each step of a parcel scan at 256 x 256."""
    scenes = [build("parcel", n) for n in range(n_scans)]
    paths = [path_maps(scene, sensor, SQUARE) for scene in scenes]
    raws = [render(scene, sensor, seed=11, field_px=SQUARE).raw for scene in scenes[:5]]
    steps: dict[str, Callable[[], object]] = {
        "scene": lambda: [build("parcel", n) for n in range(n_scans)],
        "paths": lambda: [path_maps(scene, sensor, SQUARE) for scene in scenes],
        "spectral": lambda: [spectral.signals(p.cm, p.materials, sensor) for p in paths],
        "labels": lambda: [label(scene, sensor, field_px=SQUARE) for scene in scenes],
        "display": lambda: [display(sensor, raws[n % 5]) for n in range(n_scans)],
    }
    return {f"{name}_ms": 1000 * seconds(work) / n_scans for name, work in steps.items()}


def two_sensors(n_scans: int) -> dict[str, float]:
    """Scans a second of both sensors together, and how much cheaper that is than one after the other."""
    both = [sensors.get(name) for name in ("mail_160kv", "mail_140kv")]
    together = scans_per_second(n_scans, lambda n: render_many(build("parcel", n), both, seed=11, field_px=SQUARE))
    apart = scans_per_second(n_scans, lambda n: [render(build("parcel", n), s, seed=11, field_px=SQUARE) for s in both])
    return {"two_sensors_scans_s": 2 * together, "two_sensors_times_faster_than_apart": together / apart}


def to_disk(n_scans: int, sensor: Sensor) -> dict[str, float]:
    """Scans a second written with their scene records at 256 x 256; by wall clock too, as a disk has no processor."""
    with tempfile.TemporaryDirectory() as folder:

        def write(n: int) -> None:
            scene = build("parcel", n)
            np.save(Path(folder) / f"{n}.npy", render(scene, sensor, seed=11, field_px=SQUARE).raw)
            (Path(folder) / f"{n}.json").write_text(scene.to_json(), encoding="utf-8")

        start = time.perf_counter()
        written = scans_per_second(n_scans, write)
        wall_s = time.perf_counter() - start
    return {"to_disk_scans_s": written, "to_disk_wall_scans_s": (n_scans + 5) / wall_s}


def numpy_signals(cm: np.ndarray, mu: np.ndarray, weights: np.ndarray, *, block: int) -> np.ndarray:
    """The spectral step as one would write it: a matrix product, exp, a matrix product, in blocks that stay in the cache."""
    flat = cm.reshape(len(cm), -1)
    out = np.empty((len(weights), flat.shape[1]), np.float32)
    for start in range(0, flat.shape[1], block):
        depth = -mu.T @ np.maximum(flat[:, start : start + block], 0.0)
        np.matmul(weights, np.exp(depth, depth), out=out[:, start : start + block])
    return out.reshape(len(weights), *cm.shape[1:])


def numpy_paths(scene: Scene, sensor: Sensor) -> np.ndarray:
    """Path maps by dense arrays: every primitive against every ray, one ray a pixel, no texture; as `path_maps` without."""
    used = sorted(set(scene.ints[:, 1].tolist()) - {-1})
    maps = np.zeros((len(used), *SQUARE), np.float32)
    y, x = ((np.arange(n) + 0.5 - n / 2) * sensor.pixel_mm for n in SQUARE)
    height = sensor.geometry.source_height_mm
    norm = np.hypot(y, height)[:, None]
    for (kind, material, parent, _, _, first, last), reals in zip(scene.ints, scene.reals, strict=True):
        rotation = reals[6:15].reshape(3, 3)
        at_height = (y * (height - reals[2]) / height - reals[1])[:, None]
        along_x = (x - reals[0])[None, :]
        d = np.stack([(rotation[1, k] * y[:, None] - rotation[2, k] * height) / norm for k in range(3)])
        o = np.stack([rotation[0, k] * along_x + rotation[1, k] * at_height for k in range(3)])
        near, far = np.full(SQUARE, -1e9), np.full(SQUARE, 1e9)
        n_round = {BOX: 0, CYLINDER: 2, ELLIPSOID: 3}[int(kind)]
        half = reals[3:6, None, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            if n_round:
                u, v = d[:n_round] / half[:n_round], o[:n_round] / half[:n_round]
                a, b, c = (u * u).sum(0), (u * v).sum(0), (v * v).sum(0) - 1.0
                root = np.sqrt(np.maximum(b * b - a * c, 0.0))
                near, far = np.maximum(near, (-b - root) / a), np.minimum(far, (-b + root) / a)
            for k in range(n_round, 3):
                low, high = (-half[k] - o[k]) / d[k], (half[k] - o[k]) / d[k]
                near, far = np.maximum(near, np.minimum(low, high)), np.minimum(far, np.maximum(low, high))
            for nx, ny, nz, most in scene.planes[first:last]:
                slope, rest = nx * d[0] + ny * d[1] + nz * d[2], most - (nx * o[0] + ny * o[1] + nz * o[2])
                far = np.where(slope > 0, np.minimum(far, rest / slope), far)
                near = np.where(slope < 0, np.maximum(near, rest / slope), near)
        path = 0.1 * np.nan_to_num(np.maximum(far - near, 0.0))
        if material >= 0:
            maps[used.index(material)] += reals[15] * path
        if parent >= 0 and scene.ints[parent, 1] >= 0:
            maps[used.index(scene.ints[parent, 1])] -= scene.reals[parent, 15] * path
    return maps


def peers(sensor: Sensor) -> dict[str, float]:
    """Our two inner steps over plain numpy ones on the same parcels at 256 x 256; the answers agree."""
    scenes = [build("parcel", n) for n in range(N_PEER)]
    paths = [path_maps(scene, sensor, SQUARE) for scene in scenes]
    nodes = [spectral.node_arrays(sensor, p.materials) for p in paths]
    full = spectral.full_beam(sensor)
    bins = [
        np.stack([spectral.attenuation.linear_attenuation(name, full.energy_kev) for name in p.materials]).astype(
            np.float32
        )
        for p in paths
    ]
    whole = full.weights.astype(np.float32)
    ours = [spectral.signals(p.cm, p.materials, sensor) for p in paths]
    plain = [numpy_signals(p.cm, mu, w, block=8192) for p, (mu, w) in zip(paths, nodes, strict=True)]
    worst = max(float(np.abs(a - b).max()) for a, b in zip(ours, plain, strict=True))
    traced = [numpy_paths(scene, sensor) for scene in scenes]
    off = np.mean([abs(p.cm.sum() / t.sum() - 1.0) for p, t in zip(paths, traced, strict=True)])

    def repeated(work: Callable[[], Sequence[object]]) -> float:
        return min(seconds(work) for _ in range(3)) / N_PEER

    ours_s = repeated(lambda: [spectral.signals(p.cm, p.materials, sensor) for p in paths])
    nodes_s = repeated(lambda: [numpy_signals(p.cm, *n, block=8192) for p, n in zip(paths, nodes, strict=True)])
    bins_s = repeated(lambda: [numpy_signals(p.cm, mu, whole, block=8192) for p, mu in zip(paths, bins, strict=True)])
    paths_s = repeated(lambda: [path_maps(scene, sensor, SQUARE) for scene in scenes])
    dense_s = seconds(lambda: [numpy_paths(scene, sensor) for scene in scenes]) / N_PEER
    return {
        "spectral_numpy_same_nodes_ms": 1000 * nodes_s,
        "spectral_times_faster_than_numpy_same_nodes": nodes_s / ours_s,
        "spectral_times_faster_than_numpy_1kev_bins": bins_s / ours_s,
        "spectral_worst_difference_to_numpy": worst,
        "paths_times_faster_than_dense_numpy": dense_s / paths_s,
        "paths_mean_difference_to_dense_numpy": float(off),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scans", type=int, default=60, help="scans each figure is taken over")
    n_scans = parser.parse_args().scans
    sensor = sensors.get("mail_160kv")
    figures = {
        "first_scan_compiling_s": first_call_s(has_cache=False),
        "first_scan_compiled_before_s": first_call_s(has_cache=True),
    }
    figures |= in_memory(n_scans, sensor)
    figures |= two_sensors(n_scans)
    figures |= to_disk(n_scans, sensor)
    figures |= by_step(n_scans, sensor)
    figures |= peers(sensor)
    scenes = [build("parcel", n) for n in range(n_scans)]
    figures["parcel_mean_primitives"] = float(np.mean([scene.n_primitives for scene in scenes]))
    figures["peak_memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    for name, value in figures.items():
        print(f"{name:46s} {value:12.4g}")
    print(json.dumps({name: float(f"{value:.4g}") for name, value in figures.items()}))


if __name__ == "__main__":
    main()
