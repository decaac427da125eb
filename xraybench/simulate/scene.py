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

ENGINE_VERSION = 4  # a change that moves any pixel or box makes a new one


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
            BadFile: When the record was made by another engine version, a key is missing, or its value is of another kind.
        """
        if not isinstance(record, dict):
            raise BadFile(f"The scene record is {record!r:.40}; it is a table as `to_dict` makes it.")
        if record.get("engine") != ENGINE_VERSION:
            raise BadFile(f"The scene was made by engine {record.get('engine')}; this is engine {ENGINE_VERSION}.")
        try:
            rows = np.array(
                [materials.material_id(name) - 1 for name in _list(record, "materials")] + [-1], dtype=np.int64
            )
            ints = _table(record, "ints", np.int64, 7)
            for i, material in enumerate(ints[:, 1].tolist()):
                if not -1 <= material < len(rows) - 1:
                    known = f"0 to {len(rows) - 2}, a place in materials, or -1 for a hole"
                    raise BadFile(f"The scene record's ints[{i}].material: is {material}; it is {known}.")
            ints[:, 1] = rows[ints[:, 1]]
            return cls(
                **{key: _text(record[key], key) for key in _TEXTS},
                objects=tuple(_object(thing, f"objects[{i}]") for i, thing in enumerate(_list(record, "objects"))),
                ints=ints,
                reals=_table(record, "reals", np.float64, 17),
                planes=_table(record, "planes", np.float64, 4),
                texture_at=_table(record, "texture_at", np.int64, 2),
            )
        except KeyError as missing:
            raise BadFile(f"The scene record lacks {missing}.") from None

    @classmethod
    def from_json(cls, text: str) -> "Scene":
        """The scene of a JSON text made by `to_json`.

        Raises:
            BadFile: The text is no JSON, or no record of a scene.
        """
        try:
            record = json.loads(text)
        except ValueError as error:
            raise BadFile(f"The scene record is no JSON: {error}.") from None
        return cls.from_dict(record)


_TEXTS = ("name", "vector", "threat", "concealment", "staging", "load", "declared")


def _text(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise BadFile(f"The scene record's {path}: is {value!r}; it is a text.")
    return value


def _list(record: dict[str, Any], key: str) -> list[Any]:
    if not isinstance(record[key], list):
        raise BadFile(f"The scene record's {key}: is {record[key]!r:.40}; it is a list.")
    return list(record[key])


def _object(value: Any, path: str) -> SceneObject:
    if not isinstance(value, list) or not 2 <= len(value) <= 4:
        raise BadFile(f"The scene record's {path}: is {value!r}; it is [kind, role, threat, shape].")
    return SceneObject(*(_text(word, path) for word in value))


def _table(record: dict[str, Any], key: str, kind: type[np.generic], width: int) -> Any:
    """Rows of numbers, each as long as the next."""
    whole = "whole " if kind is np.int64 else ""
    for i, row in enumerate(_list(record, key)):
        if not isinstance(row, list) or len(row) != width or not all(_fits(v, kind) for v in row):
            raise BadFile(f"The scene record's {key}[{i}]: is {row!r:.60}; it is {width} {whole}numbers.")
    return np.array(record[key], dtype=kind).reshape(-1, width)


def _fits(value: Any, kind: type[np.generic]) -> bool:
    """Whether a value is a number that this kind of column holds without changing it."""
    if kind is np.int64:
        return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63
    return isinstance(value, float) or (isinstance(value, int) and abs(value) < 2**63 and not isinstance(value, bool))


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
