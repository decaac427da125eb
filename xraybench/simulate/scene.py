"""The record of one item to be scanned: primitives, objects and what is hidden. Rendering knows nothing else.

A scene goes to JSON and back without loss, because every length is rounded to 1e-6 mm and every rotation entry to 1e-9
when the scene is made. So the same JSON gives the same scan, whatever later becomes of the item library.
"""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from xraybench.core.errors import BadFile
from xraybench.core.types import FloatArray, IntArray
from xraybench.simulate import materials
from xraybench.simulate.parts import Item

ENGINE_VERSION = 3  # a change that moves any pixel or box makes a new one


@dataclass(frozen=True, slots=True)
class SceneObject:
    """One thing in the scene. Its place in `Scene.objects` is its number."""

    kind: str  # such as `book` or `pistol`
    role: str  # packaging, goods, cover (conceals the slot) or slot (the threat, or what stands in its place)
    threat: str = ""  # the threat it is; "" for anything benign
    shape: str = ""  # of a threat: whether its shape family is `seen` in training or `unseen`; "" for anything benign


@dataclass(frozen=True, eq=False)
class Scene:
    """One item to be scanned.

    Attributes:
        name: Names the scan's noise. It says nothing about what is inside.
        vector: Which field of the sensor the item is scanned in.
        threat: The threat it holds; "" when benign.
        concealment: How the threat is hidden; "" when benign.
        staging: How the slot is hidden, threat or not; not for any model to see.
        objects: What the primitives belong to.
        ints, reals, planes: The primitives, columns as in `parts.Item`.
        texture_at: Offset of each primitive's texture in texels, shape (n, 2).
        load: HS chapter of a cargo load, such as "72"; "empty" without goods; "" where a load has no chapter.
        declared: What the manifest says, in the words of `load`; "" where nothing is declared.
    """

    name: str
    vector: str
    threat: str
    concealment: str
    staging: str
    objects: tuple[SceneObject, ...]
    ints: IntArray
    reals: FloatArray
    planes: FloatArray
    texture_at: IntArray
    load: str = ""
    declared: str = ""

    @property
    def n_primitives(self) -> int:
        """How many primitives there are."""
        return len(self.ints)

    def to_dict(self) -> dict[str, Any]:
        """The scene as plain JSON values; materials by name, so that their table may grow."""
        used = sorted(set(self.ints[:, 1].tolist()) - {-1})
        short = {row: i for i, row in enumerate(used)}
        ints = self.ints.copy()
        ints[:, 1] = [short.get(row, -1) for row in self.ints[:, 1].tolist()]
        return {
            "engine": ENGINE_VERSION,
            "name": self.name,
            "vector": self.vector,
            "threat": self.threat,
            "concealment": self.concealment,
            "staging": self.staging,
            "load": self.load,
            "declared": self.declared,
            "objects": [[o.kind, o.role, o.threat, o.shape] for o in self.objects],
            "materials": [materials.MATERIALS[row].name for row in used],
            "ints": ints.tolist(),
            "reals": self.reals.tolist(),
            "planes": self.planes.tolist(),
            "texture_at": self.texture_at.tolist(),
        }

    def to_json(self) -> str:
        """The scene as one line of JSON."""
        return json.dumps(self.to_dict(), separators=(",", ":"))

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> "Scene":
        """The scene of a record made by `to_dict`.

        Raises:
            BadFile: When the record was made by another engine version, or a key is missing.
        """
        if record.get("engine") != ENGINE_VERSION:
            raise BadFile(f"The scene was made by engine {record.get('engine')}; this is engine {ENGINE_VERSION}.")
        try:
            rows = np.array([materials.material_id(name) - 1 for name in record["materials"]] + [-1], dtype=np.int64)
            ints = np.array(record["ints"], dtype=np.int64).reshape(-1, 7)
            ints[:, 1] = rows[ints[:, 1]]
            return cls(
                name=record["name"],
                vector=record["vector"],
                threat=record["threat"],
                concealment=record["concealment"],
                staging=record["staging"],
                objects=tuple(SceneObject(*o) for o in record["objects"]),
                ints=ints,
                reals=np.array(record["reals"], dtype=np.float64).reshape(-1, 17),
                planes=np.array(record["planes"], dtype=np.float64).reshape(-1, 4),
                texture_at=np.array(record["texture_at"], dtype=np.int64).reshape(-1, 2),
                load=record["load"],
                declared=record["declared"],
            )
        except KeyError as missing:
            raise BadFile(f"The scene record lacks {missing}.") from None

    @classmethod
    def from_json(cls, text: str) -> "Scene":
        """The scene of a JSON text made by `to_json`."""
        return cls.from_dict(json.loads(text))


def join(
    items: list[tuple[Item, list[int]]],
    *,
    turn: FloatArray | None = None,
    at: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> tuple[IntArray, FloatArray, FloatArray]:
    """Placed items as one table, rounded; each with the scene object that every one of its own object numbers becomes.

    `turn`, a rotation of shape (3, 3), and `at` move the whole. Claims, which hold nothing, are left out.
    """
    all_ints, all_reals, all_planes = [], [], []
    n_rows, n_planes = 0, 0
    for item, object_of in items:
        ints = item.ints.copy()
        ints[:, 2] += np.where(ints[:, 2] >= 0, n_rows, 0)
        ints[:, 4] = np.array(object_of, dtype=np.int64)[ints[:, 4]]
        ints[:, 5:7] += n_planes
        all_ints.append(ints)
        all_reals.append(item.reals)
        all_planes.append(item.planes)
        n_rows += len(ints)
        n_planes += len(item.planes)
    ints, reals = np.concatenate(all_ints), np.concatenate(all_reals)
    if turn is not None:
        reals[:, :3] = reals[:, :3] @ turn.T + at
        reals[:, 6:15] = (turn @ reals[:, 6:15].reshape(-1, 3, 3)).reshape(-1, 9)
    is_kept = (ints[:, 1] >= 0) | (ints[:, 2] >= 0)
    if not is_kept.all():
        row_of = np.append(np.cumsum(is_kept) - 1, -1)
        ints, reals = ints[is_kept], reals[is_kept]
        ints[:, 2] = row_of[ints[:, 2]]
    reals[:, :6] = np.round(reals[:, :6], 6)
    reals[:, 6:15] = np.round(reals[:, 6:15], 9)
    reals[:, 15:] = np.round(reals[:, 15:], 6)
    planes: FloatArray = np.concatenate(all_planes).round(9)
    return ints, reals, planes
