"""A hash tree over records: one short root that changes when any record does, and a proof that one record is under it.

A leaf is the SHA-256 of a record (a list of texts, as JSON without spaces), a node that of its two children, the root that
of the number of leaves and the top node. Each of the three is hashed under a name of its own, so that no node can be passed
off as a record. An odd node moves up as it is. Pure functions; which records a dataset has is said in `manifest`.

Source: RFC 6962 section 2.1 for leaves and nodes under different prefixes; the count in the root is ours.
"""

import json
from collections.abc import Sequence
from hashlib import sha256

LEAF, NODE, ROOT = b"xraybench leaf 1\x00", b"xraybench node 1\x00", b"xraybench root 1\x00"
Step = tuple[str, str]  # side of the neighbour ("left" or "right") and its hash


def leaf_of(record: Sequence[str]) -> bytes:
    """Hash of one record."""
    return sha256(LEAF + _AS_JSON(record).encode()).digest()


def root_of(leaves: Sequence[bytes]) -> str:
    """The root over leaves in this order, 64 hexadecimal characters. No leaf at all has a root too."""
    level = list(leaves)
    while len(level) > 1:
        level = _level_above(level)
    return _sealed(level[0] if level else b"", len(leaves))


def proof_of(leaves: Sequence[bytes], index: int) -> list[Step]:
    """The neighbours on the way from one leaf to the root: what another needs to see that it is under it."""
    steps: list[Step] = []
    level = list(leaves)
    while len(level) > 1:
        neighbour = index ^ 1
        if neighbour < len(level):
            steps.append(("left" if neighbour < index else "right", level[neighbour].hex()))
        level, index = _level_above(level), index // 2
    return steps


def is_under(leaf: bytes, proof: Sequence[Step], root: str, n_leaves: int) -> bool:
    """Whether a leaf is under a root, by its proof alone."""
    node = leaf
    try:
        for side, neighbour in proof:
            other = bytes.fromhex(neighbour)
            node = _node(other, node) if side == "left" else _node(node, other)
    except (TypeError, ValueError):
        return False
    return _sealed(node, n_leaves) == root


def _level_above(level: list[bytes]) -> list[bytes]:
    above = [_node(left, right) for left, right in zip(level[::2], level[1::2], strict=False)]
    return [*above, level[-1]] if len(level) % 2 else above


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(NODE + left + right).digest()


def _sealed(top: bytes, n_leaves: int) -> str:
    return sha256(ROOT + n_leaves.to_bytes(8, "big") + top).hexdigest()


_AS_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
