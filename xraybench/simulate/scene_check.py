"""Whether a scene can exist: sizes, turns, materials, what displaces what. Told with the path of each field, all at once.

A scene that was drawn by `make_scene` passes; one that was written or changed by hand is worth asking.
"""

from typing import Any

import numpy as np

from xraybench.core import vocabulary
from xraybench.core.errors import BadValue
from xraybench.core.registry import did_you_mean
from xraybench.core.types import BoolArray, FloatArray
from xraybench.simulate import materials
from xraybench.simulate.geometry import BOX, CYLINDER, ELLIPSOID
from xraybench.simulate.scene import Scene

ROLES = ("packaging", "goods", "cover", "slot")
KINDS = {BOX: "box", ELLIPSOID: "ellipsoid", CYLINDER: "cylinder"}
_PLACES = ("centre x", "centre y", "centre z", "half size x", "half size y", "half size z")
_N_TEXTURES = 5
_GRID = 7  # points along each axis of a volume at which overlaps are looked for
_MOST_MM = 1e6  # a kilometre: nothing that is scanned is larger, and none of its squares overflows
_SLACK_MM = 0.05  # by which volumes may touch or stick out
_MOST_SHARED = 0.02  # share of a volume's points that may lie where they should not


def scene_from_mapping(record: dict[str, Any]) -> Scene:
    """The scene of a record as `Scene.to_dict` makes it, checked.

    Raises:
        BadFile: The record was made by another engine, a key is missing, or its value is of another kind.
        BadValue: With every fault: the path of the field, what stands there, and what would be right.
    """
    named = record.get("materials") if isinstance(record, dict) else None
    faults = [
        f"materials[{i}]: no material is called '{name}'. {did_you_mean(str(name), materials.names())}"
        for i, name in enumerate(named if isinstance(named, list) else [])
        if name not in materials.names()
    ]
    if faults:
        whole = {**record, "materials": [n if n in materials.names() else "water" for n in record["materials"]]}
        _refuse(record.get("name", ""), faults + scene_faults(Scene.from_dict(whole)))
    scene = Scene.from_dict(record)
    check_scene(scene)
    return scene


def check_scene(scene: Scene) -> None:
    """Refuse a scene that cannot exist.

    Raises:
        BadValue: With every fault: the path of the field, what stands there, and what would be right.
    """
    _refuse(scene.name, scene_faults(scene))


def _refuse(name: str, faults: list[str]) -> None:
    if faults:
        n = len(faults)
        raise BadValue(f"Scene {name}: {n} fault{'s' if n > 1 else ''}\n  " + "\n  ".join(faults))


def scene_faults(scene: Scene) -> list[str]:
    """Every fault of a scene, each with the path of its field; empty for one that can exist."""
    faults = _word_faults(scene) + _reference_faults(scene) + _size_faults(scene)
    return faults or _overlap_faults(scene)  # where sizes are wrong, overlaps say nothing


def _word_faults(scene: Scene) -> list[str]:
    vectors = [term.name for term in vocabulary.VECTORS]
    threats = [term.name for term in vocabulary.THREATS]
    faults = []
    if scene.vector not in vectors:
        faults.append(f"vector: is '{scene.vector}'. {did_you_mean(scene.vector, vectors)}")
    if scene.threat and scene.threat not in threats:
        faults.append(f"threat: is '{scene.threat}'. {did_you_mean(scene.threat, threats)}")
    concealments = list(vocabulary.names("concealment"))
    if scene.concealment and scene.concealment not in concealments:
        faults.append(f"concealment: is '{scene.concealment}'. {did_you_mean(scene.concealment, concealments)}")
    for i, thing in enumerate(scene.objects):
        if thing.threat and thing.threat not in threats:
            faults.append(f"objects[{i}].threat: is '{thing.threat}'. {did_you_mean(thing.threat, threats)}")
        if thing.role not in ROLES:
            faults.append(f"objects[{i}].role: is '{thing.role}'; it is one of: {', '.join(ROLES)}.")
        if thing.shape and thing.shape not in vocabulary.SHAPES:
            faults.append(f"objects[{i}].shape: is '{thing.shape}'; it is one of: {', '.join(vocabulary.SHAPES)}.")
    return faults


def _reference_faults(scene: Scene) -> list[str]:
    """Numbers that point at other rows."""
    n, n_objects, n_planes = scene.n_primitives, len(scene.objects), len(scene.planes)
    faults = []
    if scene.reals.shape != (n, 17) or scene.texture_at.shape != (n, 2):
        return [f"reals, texture_at: have {len(scene.reals)} and {len(scene.texture_at)} rows; ints has {n}."]
    for i, (kind, material, parent, texture, thing, first, last) in enumerate(scene.ints.tolist()):
        at = f"ints[{i}]"
        if kind not in KINDS:
            faults.append(f"{at}.kind: is {kind}; it is 0 (box), 1 (ellipsoid) or 2 (cylinder).")
        if not -1 <= material < len(materials.MATERIALS):
            faults.append(f"{at}.material: is {material}; no such material. -1 is a hole.")
        if not -1 <= parent < n or parent == i:
            faults.append(f"{at}.parent: is {parent}; it is the row of another primitive, or -1.")
        elif _is_own_forebear(scene, i):
            faults.append(f"{at}.parent: is {parent}, which displaces row {i} in turn; of two volumes one displaces.")
        if not -1 <= texture < _N_TEXTURES:
            faults.append(f"{at}.texture: is {texture}; it is 0 to {_N_TEXTURES - 1}, or -1 for none.")
        if not 0 <= thing < n_objects:
            faults.append(f"{at}.object: is {thing}; the scene has objects 0 to {n_objects - 1}.")
        if not 0 <= first <= last <= n_planes:
            faults.append(f"{at}.planes: are {first} to {last}; the scene has {n_planes}.")
    return faults


def _is_own_forebear(scene: Scene, row: int) -> bool:
    """Whether the parents of a row lead back to it."""
    parents = scene.ints[:, 2].tolist()
    at, seen = parents[row], set[int]()
    while 0 <= at < len(parents) and at not in seen:
        seen.add(at)
        at = parents[at]
    return row in seen


def _size_faults(scene: Scene) -> list[str]:
    faults = []
    for i, row in enumerate(scene.reals):
        for name, value in zip(_PLACES, row[:6].tolist(), strict=True):
            if not abs(value) <= _MOST_MM:
                faults.append(f"reals[{i}].{name}: is {value:g} mm; a length is at most {_MOST_MM:g}.")
            elif name.startswith("half") and value <= 0.0:
                faults.append(f"reals[{i}].{name}: is {value:g} mm; a size is above 0.")
        turn = row[6:15].reshape(3, 3)
        is_small = np.abs(turn).max() < 2.0  # no square of it overflows
        if not (is_small and np.abs(turn @ turn.T - np.eye(3)).max() < 1e-6 and np.linalg.det(turn) > 0.0):
            faults.append(
                f"reals[{i}].rotation: is no rotation: its rows are of length 1, at right angles, right-handed."
            )
        if not 0.0 <= row[15] <= 10.0:
            faults.append(f"reals[{i}].fill: is {row[15]:g}; it scales the density, from 0 to 10.")
        if not 0.0 <= row[16] <= 1.0:
            faults.append(f"reals[{i}].texture depth: is {row[16]:g}; it is a share from 0 to 1.")
    for i, plane in enumerate(scene.planes):
        if not (np.abs(plane).max() <= _MOST_MM and abs(np.linalg.norm(plane[:3]) - 1.0) < 1e-6):
            faults.append(f"planes[{i}]: {plane.tolist()} has no normal of length 1.")
    return faults


def _overlap_faults(scene: Scene) -> list[str]:
    """Volumes that displace the same thing twice, or something where it is not: the path left there would be negative."""
    faults = []
    children: dict[int, list[int]] = {}
    for i, parent in enumerate(scene.ints[:, 2].tolist()):
        if parent >= 0:
            children.setdefault(parent, []).append(i)
    for parent, rows in children.items():
        clouds = {i: _points(scene, i) for i in rows}
        for i in rows:
            if (~_inside(scene, parent, clouds[i], _SLACK_MM)).mean() > _MOST_SHARED:
                out = f"{_named(scene, i)} sticks out of {_named(scene, parent)}"
                faults.append(f"ints[{i}].parent: {out}, which it displaces.")
        low = {i: clouds[i].min(axis=0) for i in rows}
        high = {i: clouds[i].max(axis=0) for i in rows}
        for n, i in enumerate(rows):
            for j in rows[n + 1 :]:
                if np.any(low[i] > high[j]) or np.any(low[j] > high[i]):
                    continue
                shared = max(
                    _inside(scene, j, clouds[i], -_SLACK_MM).mean(), _inside(scene, i, clouds[j], -_SLACK_MM).mean()
                )
                if shared > _MOST_SHARED:
                    both = f"{_named(scene, i)} and {_named(scene, j)}"
                    faults.append(
                        f"ints[{j}].parent: {both} overlap, and both displace {_named(scene, parent)}; they may touch only."
                    )
    return faults


def _named(scene: Scene, row: int) -> str:
    kind = scene.objects[int(scene.ints[row, 4])].kind
    return f"row {row} ({KINDS[int(scene.ints[row, 0])]} of {kind})"


def _points(scene: Scene, row: int) -> FloatArray:
    """A grid of points inside one volume, in the scene's frame, shape (n, 3)."""
    axis = (np.arange(_GRID) + 0.5) / _GRID * 2.0 - 1.0
    local = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3) * scene.reals[row, 3:6]
    local = local[_local_inside(scene, row, local, 0.0)]
    if not len(local):
        local = np.zeros((1, 3))
    return np.asarray(local @ scene.reals[row, 6:15].reshape(3, 3).T + scene.reals[row, :3])


def _inside(scene: Scene, row: int, points: FloatArray, slack_mm: float) -> BoolArray:
    """Which points of the scene lie in a volume, grown by `slack_mm`."""
    local = (points - scene.reals[row, :3]) @ scene.reals[row, 6:15].reshape(3, 3)
    return _local_inside(scene, row, local, slack_mm)


def _local_inside(scene: Scene, row: int, local: FloatArray, slack_mm: float) -> BoolArray:
    half = np.maximum(scene.reals[row, 3:6] + slack_mm, 1e-9)
    n_round = {BOX: 0, CYLINDER: 2, ELLIPSOID: 3}[int(scene.ints[row, 0])]
    inside = (np.abs(local[:, n_round:]) <= half[n_round:]).all(axis=1)
    if n_round:
        inside &= ((local[:, :n_round] / half[:n_round]) ** 2).sum(axis=1) <= 1.0
    for plane in scene.planes[scene.ints[row, 5] : scene.ints[row, 6]]:
        inside &= local @ plane[:3] <= plane[3] + slack_mm
    return np.asarray(inside)
