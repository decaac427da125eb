"""How fast cargo is built and scanned, and whether a load's HS chapter can be told from its picture.

    python benchmarks/cargo.py [scans per chapter]

A scene is built and rendered on the sensor of its vector, one core. Then a plain classifier guesses the chapter of benign
containers by cross-validation: from the mean attenuation of the load alone, and from edges, rhythm and grey values of the
picture. The first should be poor and the second good. The last line is one JSON of named figures.
"""

import json
import os
import sys
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from xraybench import sensors, simulate
from xraybench.core.sensor import Sensor
from xraybench.core.types import FloatArray
from xraybench.simulate import cargo

SENSOR = {"container": "container_6mev", "pallet": "pallet_300kv", "vehicle": "vehicle_4mev"}


def speed(vector: str, sensor: Sensor, n: int = 24) -> dict[str, float]:
    """Milliseconds to build and to render, and scans a second of both together."""
    start = time.process_time()
    scenes = [cargo.make_scene(vector, seed=1, name=f"b{k}") for k in range(n)]
    build = time.process_time() - start
    simulate.render(scenes[0], sensor, seed=1)
    start = time.process_time()
    for scene in scenes:
        simulate.render(scene, sensor, seed=1)
    render = time.process_time() - start
    return {
        "build_ms": 1000 * build / n,
        "render_ms": 1000 * render / n,
        "scans_per_s": n / (build + render),
        "primitives": float(np.mean([scene.n_primitives for scene in scenes])),
    }


def depth_of(chapter: str, name: str, sensor: Sensor) -> FloatArray:
    """Attenuation in the middle of the field."""
    scene = cargo.make_scene("container", seed=90, name=name, declared=chapter)
    raw = simulate.render(scene, sensor, seed=4).raw[..., 0] / sensor.open_beam
    return np.asarray(-np.log(np.maximum(raw, 1e-3))[60:420, 60:900], dtype=np.float64)


def picture_features(depth: FloatArray) -> FloatArray:
    """Histogram of attenuation, power along and across, strength of edges, profile from roof to floor."""
    found = [np.histogram(depth, bins=np.linspace(0, 7, 16))[0] / depth.size, depth.mean(axis=1)[::20]]
    for axis in (0, 1):
        power = np.abs(np.fft.rfft(depth - depth.mean(), axis=axis)) ** 2
        edges = np.abs(np.diff(depth, axis=axis))
        found.append(np.log(power.mean(axis=1 - axis)[1:65] + 1e-9))
        found.append(np.histogram(edges, bins=[0, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 7])[0] / edges.size)
    return np.concatenate(found)


def chapter_accuracy(n: int, sensor: Sensor) -> dict[str, float]:
    """Share of containers whose chapter is guessed right, from one grey value and from the picture."""
    from sklearn.ensemble import ExtraTreesClassifier
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    told, grey, picture = [], [], []
    for chapter in cargo.CHAPTERS:
        for k in range(n):
            depth = depth_of(chapter, f"{chapter}-{k}", sensor)
            loaded = depth[depth > 0.35]  # deeper than the walls of an empty container
            told.append(chapter)
            grey.append([float(loaded.mean()) if loaded.size else 0.0])
            picture.append(picture_features(depth))
    folds = StratifiedKFold(4, shuffle=True, random_state=0)
    right = {}
    for name, features in (("grey", grey), ("picture", picture)):
        trees = ExtraTreesClassifier(300, random_state=0)
        guessed = cross_val_predict(trees, np.array(features), np.array(told), cv=folds)
        right[f"chapter_from_{name}"] = float(np.mean(guessed == np.array(told)))
    return right | {"chance": 1.0 / len(cargo.CHAPTERS), "containers": float(len(told))}


def main() -> None:
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 12
    figures: dict[str, float] = {}
    for vector, name in SENSOR.items():
        figures |= {f"{vector}_{key}": value for key, value in speed(vector, sensors.get(name)).items()}
    figures |= chapter_accuracy(n, sensors.get("container_6mev"))
    for key, value in figures.items():
        print(f"{key:28s} {value:10.3f}")
    print(json.dumps({key: round(value, 4) for key, value in figures.items()}))


if __name__ == "__main__":
    main()
