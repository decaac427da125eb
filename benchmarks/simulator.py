"""Scans a second of the simulator on one core, beside plain numpy versions of its inner steps and beside gvxr.

    python benchmarks/simulator.py [--scans 40]

A scan here is all of it: the scene built, path lengths, all channels, blur, scatter, noise, 16 bit and the labels, unless a
figure says otherwise. Figures count processor time, so they hold on a busy machine too; what two processes and `data make`
take by the clock stands beside, with the load it was taken at. The kernels are warm; what their first call costs is a figure
of its own, taken in a fresh process without a cache. gvxr (BSD) is asked where it is installed: the same primitives as
triangle meshes, as many energies, no noise and no labels. Every target is printed with what was found. The last line is one
JSON of named figures.
"""

import argparse
import contextlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from xraybench import sensors
from xraybench.core.sensor import Sensor
from xraybench.simulate import (
    CONCEALMENTS_OF,
    THREATS_OF,
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
AT_LEAST, AT_MOST = "at least", "at most"
TARGETS = {  # of every target: the figure, which way, and how much
    "fast engine, mail at 256 x 256, scans a second a core": ("mail_256_scans_s", AT_LEAST, 80.0),
    "strict engine, mail at 256 x 256, scans a second a core": ("mail_256_strict_scans_s", AT_LEAST, 45.0),
    "baggage at 480 x 640, scans a second a core": ("baggage_480x640_scans_s", AT_LEAST, 18.0),
    "container at 480 x 960, scans a second a core": ("container_480x960_scans_s", AT_LEAST, 10.0),
    "CT slice of 256 x 256, s": ("ct_slice_256_s", AT_MOST, 0.15),
    "another sensor on the same scenes, share of a scan": ("another_sensor_share_of_a_scan", AT_MOST, 0.60),
    "two processes over one": ("two_processes_times_one", AT_LEAST, 1.8),
    "data make of 10,000 mail scans on two cores, s of each": ("make_10000_scans_s_by_processor", AT_MOST, 240.0),
    "data make, memory of all its processes, MB": ("make_peak_memory_mb", AT_MOST, 1000.0),
}
OWN_FIELDS = (  # sensor and vector of the figures at the sensor's own field
    ("mail_160kv", "mail"), ("mail_160kv", "parcel"), ("baggage_140kv", "baggage"), ("conveyor_160kv", "baggage"),
    ("pallet_300kv", "pallet"), ("container_6mev", "container"), ("vehicle_4mev", "vehicle"),
    ("backscatter_225kv", "vehicle"), ("baggage_ct", "baggage"),
)  # fmt: skip
FIRST_CALL = """
import time
from xraybench import sensors, simulate
scene = simulate.make_scene("parcel", seed=1, name="first")
start = time.process_time()
simulate.display(sensors.get("mail_160kv"), simulate.render(scene, sensors.get("mail_160kv"), seed=1).raw)
print(time.process_time() - start)
"""
MANY = """
import sys, time
from xraybench import sensors, simulate
sensor, n = sensors.get("mail_160kv"), int(sys.argv[1])
def scan(i):
    simulate.render(simulate.make_scene("parcel", seed=11, name=f"m{i}"), sensor, seed=11, field_px=(256, 256))
for i in range(5):
    scan(i)
print("ready", flush=True)
sys.stdin.readline()
start, by_clock = time.process_time(), time.perf_counter()
for i in range(n):
    scan(i)
print(time.process_time() - start, time.perf_counter() - by_clock)
"""
MAKE = """
import json, os, sys, time
from xraybench import data
from xraybench.data import Profile
per_cell = int(sys.argv[1])
profile = Profile(f"bench{per_cell}", per_cell, 16 * per_cell, 0, per_cell, 16 * per_cell)
data.make("mail", profile=Profile("warm", 1, 1, 0, 0, 0), workers=2, quiet=True)
cpu, clock = sum(os.times()[:4]), time.perf_counter()
folders = data.make("mail", profile=profile, workers=2, quiet=True)
took = time.perf_counter() - clock
n = sum(len(data.read_dataset(folder).scans.table) for folder in folders)
print(json.dumps([n, sum(os.times()[:4]) - cpu, took]))
"""


def seconds(work: Callable[[], object]) -> float:
    """Processor time of one call."""
    start = time.process_time()
    work()
    return time.process_time() - start


def build(vector: str, n: int) -> Scene:
    """Every other item with a threat, all threats and concealments in turn."""
    threats = [t for t in THREATS_OF[vector] if t not in ("empty_verification", "manifest_mismatch")]
    threat = threats[n // 2 % len(threats)] if n % 2 else None
    concealments = CONCEALMENTS_OF[vector]
    return make_scene(vector, seed=11, name=f"s{n}", threat=threat, concealment=concealments[n % len(concealments)])


def first_call_s(*, has_cache: bool) -> float:
    """Processor time of the first scan in a fresh process: with the kernels compiled before, or not."""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ if has_cache else {**os.environ, "NUMBA_CACHE_DIR": folder}
        told = subprocess.run(
            [sys.executable, "-c", FIRST_CALL], env=environment, capture_output=True, text=True, check=True
        )
    return float(told.stdout)


def scans_per_second(n_scans: int, scan: Callable[[int], object]) -> float:
    """Scans a second of processor time, the first three left out."""
    for n in range(3):
        scan(n)
    return n_scans / seconds(lambda: [scan(n) for n in range(3, 3 + n_scans)])


def in_memory(n_scans: int) -> dict[str, float]:
    """From seed to counts and labels: mail at 256 x 256, and every sensor at its own field."""
    mail = sensors.get("mail_160kv")
    figures = {
        f"{vector}_256_{engine}scans_s": scans_per_second(
            n_scans,
            lambda n, v=vector, e=engine: render(build(v, n), mail, seed=11, field_px=SQUARE, engine=e[:-1] or "fast"),
        )
        for vector in ("mail", "parcel")
        for engine in ("", "strict_")
    }
    for name, vector in OWN_FIELDS:
        sensor = sensors.get(name)
        field = sensor.field(vector)
        n = max(4, n_scans // 8) if sensor.modality != "transmission" else n_scans
        key = f"{vector}_{field.height_px}x{field.width_px}"
        key = key if sensor.n_views == 1 else f"{key}_{sensor.n_views}_views"
        key = f"backscatter_{key}" if sensor.modality == "backscatter" else key
        figures[f"{key}_scans_s"] = scans_per_second(n, lambda i, s=sensor, v=vector: render(build(v, i), s, seed=11))
    return figures


def ct_slice() -> dict[str, float]:
    """Seconds of one CT slice, from the scene to the filtered back projection with noise, labels left out."""
    from xraybench.core.chance import stream
    from xraybench.simulate import ct

    sensor = sensors.get("baggage_ct")
    scenes = [build("baggage", n) for n in range(4)]
    ct.slices(scenes[0], sensor, SQUARE, stream(1, "warm"))
    took = seconds(lambda: [ct.slices(scene, sensor, SQUARE, stream(1, "ct")) for scene in scenes])
    return {"ct_slice_256_s": took / len(scenes) / sensor.n_views}


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


def another_sensor(n_scans: int) -> dict[str, float]:
    """What a second and third make cost on the same scenes, over a fresh scan."""
    makes = [sensors.get(name) for name in ("mail_160kv", "mail_140kv", "mail_120kv")]
    figures = {}
    for vector in ("mail", "parcel"):
        one = 1.0 / scans_per_second(n_scans, lambda n, v=vector: render(build(v, n), makes[0], seed=11))
        three = 1.0 / scans_per_second(n_scans, lambda n, v=vector: render_many(build(v, n), makes, seed=11))
        figures[f"another_sensor_share_of_a_{vector}_scan"] = (three - one) / 2.0 / one
    return {"another_sensor_share_of_a_scan": max(figures.values())} | figures


def two_processes(n_scans: int) -> dict[str, float]:
    """Scans a second of two processes at a time over those of one, each on its own core: how far they hinder each other.

    By processor time, so that other work on the machine counts little, and by the clock: on two idle cores they agree, and
    only the clock tells that there is one core or that others use it.
    """

    def core_s(n_processes: int) -> tuple[float, float]:
        running = [
            subprocess.Popen(
                [sys.executable, "-c", MANY, str(4 * n_scans)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            for _ in range(n_processes)
        ]
        for process in running:
            process.stdout.readline()
        for process in running:
            process.stdin.write("go\n")
            process.stdin.flush()
        took = [tuple(map(float, process.communicate()[0].split())) for process in running]
        return max(processor_s for processor_s, _ in took), max(clock_s for _, clock_s in took)

    runs = [(core_s(1), core_s(2)) for _ in range(5)]  # the quickest of each: others use the machine too
    by_processor, by_clock = (2.0 * min(one[k] for one, _ in runs) / min(two[k] for _, two in runs) for k in (0, 1))
    return {
        "two_processes_times_one": by_processor,
        "two_processes_times_one_by_clock": by_clock,
        "cores": float(len(os.sched_getaffinity(0))),
        "load": os.getloadavg()[0],
    }


def making(per_cell: int) -> dict[str, float]:
    """What `data make` of mail on both makes takes on two workers: to 10,000 scans by rate, and memory at its highest.

    Memory is the sum over its processes of what each holds, pages that they share counted once.
    """
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "XRAYBENCH_HOME": folder}
        process = subprocess.Popen(
            [sys.executable, "-c", MAKE, str(per_cell)], env=environment, stdout=subprocess.PIPE, text=True
        )
        most_mb, is_done = [0.0], threading.Event()

        def watch() -> None:
            while not is_done.wait(0.1):
                most_mb.append(sum(map(_held_mb, _family(process.pid))))

        watcher = threading.Thread(target=watch)
        watcher.start()
        told = process.communicate()[0]
        is_done.set()
        watcher.join()
    n, processor_s, clock_s = json.loads(told.splitlines()[-1])
    return {
        "make_scans": float(n),
        "make_10000_scans_s_by_processor": 10_000 * processor_s / n / 2,
        "make_10000_scans_s_by_clock": 10_000 * clock_s / n,
        "make_load": os.getloadavg()[0],
        "make_peak_memory_mb": max(most_mb),
    }


def _family(pid: int) -> list[int]:
    """A process and those that it started, by what every process says of its parent."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def _held_mb(pid: int) -> float:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return float(line.split()[1]) / 1024
    return 0.0


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
    return {"to_disk_scans_s": written, "to_disk_wall_scans_s": (n_scans + 3) / wall_s}


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


def mesh_of(scene: Scene, row: int) -> tuple[np.ndarray, np.ndarray] | None:
    """One primitive as a closed mesh in mm: corners (n, 3) and triangles (m, 3). What is round has 24 to 80 flats."""
    from scipy.optimize import linprog
    from scipy.spatial import ConvexHull, HalfspaceIntersection, QhullError

    half, kind = scene.reals[row, 3:6], int(scene.ints[row, 0])
    angle = 2 * np.pi * np.arange(24) / 24
    if kind == ELLIPSOID:
        z = 1 - 2 * (np.arange(80) + 0.5) / 80
        turn = np.pi * (3 - np.sqrt(5)) * np.arange(80)
        normals = np.stack([np.sqrt(1 - z * z) * np.cos(turn), np.sqrt(1 - z * z) * np.sin(turn), z], axis=1)
    elif kind == CYLINDER:
        sides = np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1)
        normals = np.concatenate([sides, [[0, 0, 1], [0, 0, -1]]])
    else:
        normals = np.concatenate([np.eye(3), -np.eye(3)])
    faces = np.concatenate([normals / half, -np.ones((len(normals), 1))], axis=1)  # n . (p / half) <= 1
    cuts = scene.planes[scene.ints[row, 5] : scene.ints[row, 6]]
    faces = np.concatenate([faces, np.concatenate([cuts[:, :3], -cuts[:, 3:]], axis=1)])
    reach = np.linalg.norm(faces[:, :3], axis=1)
    inner = linprog(
        [0, 0, 0, -1], A_ub=np.column_stack([faces[:, :3], reach]), b_ub=-faces[:, 3], bounds=[(None, None)] * 4
    )
    if inner.status != 0 or inner.x[3] <= 1e-4:
        return None
    try:
        hull = ConvexHull(HalfspaceIntersection(faces, inner.x[:3]).intersections)
    except QhullError:
        return None
    outward = np.einsum("ij,ij->i", np.cross(
        hull.points[hull.simplices[:, 1]] - hull.points[hull.simplices[:, 0]],
        hull.points[hull.simplices[:, 2]] - hull.points[hull.simplices[:, 0]],
    ), hull.equations[:, :3]) > 0  # fmt: skip
    triangles = np.where(outward[:, None], hull.simplices, hull.simplices[:, ::-1])
    return hull.points @ scene.reals[row, 6:15].reshape(3, 3).T + scene.reals[row, :3], triangles


def beside_gvxr(sensor: Sensor) -> dict[str, float]:
    """Images a second of gvxr on the meshes of a parcel, and ours (path lengths and both channels); nothing without gvxr."""
    try:
        from gvxrPython3 import gvxr
    except ImportError as missing:
        sys.stderr.write(f"gvxr is left out: {missing}\n")
        return {}
    scene = build("parcel", 4)
    beam = spectral.nodes(sensor)
    gvxr.createWindow(-1, 0, "EGL")
    gvxr.setSourcePosition(0.0, 0.0, sensor.geometry.source_height_mm, "mm")
    gvxr.usePointSource()
    gvxr.resetBeamSpectrum()
    for kev, weight in zip(beam.energy_kev, beam.weights[0], strict=True):
        gvxr.addEnergyBinToSpectrum(float(kev), "keV", max(1, round(1e6 * float(weight))))
    gvxr.setDetectorPosition(0.0, 0.0, -1.0, "mm")
    gvxr.setDetectorUpVector(0, 1, 0)
    gvxr.setDetectorNumberOfPixels(*SQUARE)
    gvxr.setDetectorPixelSize(sensor.pixel_mm, sensor.pixel_mm, "mm")
    n_triangles = 0
    for row in range(scene.n_primitives):
        mesh = mesh_of(scene, row) if scene.ints[row, 1] >= 0 else None
        if mesh is None:
            continue
        corners, triangles = mesh
        n_triangles += len(triangles)
        name = f"p{row}"
        gvxr.makeTriangularMesh(name, corners.ravel().tolist(), triangles.ravel().tolist(), "mm")
        gvxr.addPolygonMeshAsInnerSurface(name)
        gvxr.setCompound(name, "H2O")
        gvxr.setDensity(name, 1.0, "g/cm3")
    gvxr.computeXRayImage()
    start = time.perf_counter()
    for _ in range(N_PEER):
        gvxr.computeXRayImage()
    theirs_s = (time.perf_counter() - start) / N_PEER

    def ours() -> None:
        paths = path_maps(scene, sensor, SQUARE)
        spectral.signals(paths.cm, paths.materials, sensor)

    ours()
    start = time.perf_counter()
    for _ in range(N_PEER):
        ours()
    ours_s = (time.perf_counter() - start) / N_PEER
    return {
        "gvxr_256_images_s": 1.0 / theirs_s,
        "gvxr_triangles": float(n_triangles),
        "ours_256_images_s": 1.0 / ours_s,
        "times_faster_than_gvxr": theirs_s / ours_s,
    }


def against_targets(figures: dict[str, float]) -> list[tuple[str, float, str, float, bool]]:
    """What each target asks, what was found, and whether it is reached."""
    return [
        (name, figures[key], way, asked, figures[key] >= asked if way == AT_LEAST else figures[key] <= asked)
        for name, (key, way, asked) in TARGETS.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scans", type=int, default=40, help="scans each figure is taken over")
    n_scans = parser.parse_args().scans
    sensor = sensors.get("mail_160kv")
    figures = {
        "first_scan_compiling_s": first_call_s(has_cache=False),
        "first_scan_compiled_before_s": first_call_s(has_cache=True),
    }
    figures |= in_memory(n_scans)
    figures |= ct_slice()
    figures["peak_memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures |= another_sensor(n_scans)
    figures |= two_processes(n_scans)
    figures |= making(max(1, n_scans // 3))
    figures |= to_disk(n_scans, sensor)
    figures |= by_step(n_scans, sensor)
    figures |= peers(sensor)
    figures |= beside_gvxr(sensor)
    scenes = [build("parcel", n) for n in range(n_scans)]
    figures["parcel_mean_primitives"] = float(np.mean([scene.n_primitives for scene in scenes]))
    told = against_targets(figures)
    figures["targets_missed"] = float(sum(not is_reached for *_, is_reached in told))
    for name, value in figures.items():
        print(f"{name:46s} {value:12.4g}")
    for name, found, way, asked, is_reached in told:
        print(f"{'reached' if is_reached else 'MISSED ':8s} {name:56s} {found:9.3g}, asked {way} {asked:g}")
    print(json.dumps({name: float(f"{value:.4g}") for name, value in figures.items()}))


if __name__ == "__main__":
    main()
