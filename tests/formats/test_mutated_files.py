"""Files of strangers, broken at random: a clear refusal or a sound reading, never a crash, a hang or a stray file.

Byte mutations (flips, cuts, insertions, overwritten stretches) and hostile edits of the structure, from a fixed seed.
"""

import json
import struct
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import fabricated
import numpy as np
import pytest
from packages import exchange
from sidecars import dataform, manifest

from xraybench.core.errors import BadFile, BadTable
from xraybench.formats.coco import read_coco
from xraybench.formats.package import read_package, write_package
from xraybench.formats.raster import Plane, Raster, read_raster, write_raster
from xraybench.formats.sidecar import read_sidecar
from xraybench.formats.voc import read_voc

N_MUTANTS = 500
SECONDS_A_FILE = 5.0
NASTY = (
    b"\x00",
    b"\xff" * 4,
    b"../../../../outside",
    b"<!ENTITY a 'b'>",
    b"&a;",
    b"9" * 400,
    b"NaN",
    b"[" * 2000,
    b"1e999",
)


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """One to four changes of the bytes."""
    changed = bytearray(content)
    for _ in range(int(rng.integers(1, 5))):
        at = int(rng.integers(0, max(len(changed), 1)))
        kind = int(rng.integers(0, 6))
        if kind == 0 and changed:
            changed[at] ^= 1 << int(rng.integers(0, 8))
        elif kind == 1:
            del changed[at:]
        elif kind == 2:
            changed[at:at] = NASTY[int(rng.integers(0, len(NASTY)))]
        elif kind == 3:
            changed[at : at + 8] = rng.bytes(8)
        elif kind == 4:
            changed[at : at + 4] = struct.pack("<I", int(rng.choice([0, 1, 2**31, 2**32 - 1])))
        else:
            end = at + int(rng.integers(1, 60))
            changed[at:at] = changed[at:end]
    return bytes(changed)


def outcome(read: Callable[[Path], object], path: Path) -> str:
    """`read`, or the name of the refusal. Anything else fails the test."""
    start = time.monotonic()
    try:
        read(path)
    except (BadFile, BadTable) as error:
        assert str(error)
        found = type(error).__name__
    else:
        found = "read"
    assert time.monotonic() - start < SECONDS_A_FILE
    return found


def outcomes(
    read: Callable[[Path], object], originals: list[bytes], folder: Path, ending: str, seed: int
) -> dict[str, int]:
    """How `N_MUTANTS` mutants were answered. Nothing may appear beside the file that is read."""
    rng = np.random.default_rng(seed)
    place = folder / "only"
    place.mkdir()
    path = place / f"mutant{ending}"
    counts: dict[str, int] = {}
    for number in range(N_MUTANTS):
        path.write_bytes(mutated(originals[number % len(originals)], rng))
        found = outcome(read, path)
        counts[found] = counts.get(found, 0) + 1
    assert [one.name for one in place.iterdir()] == [path.name]
    assert [one.name for one in folder.iterdir()] == ["only"]
    assert sum(counts.values()) == N_MUTANTS
    return counts


def test_500_mutated_sidecars_are_read_or_refused(tmp_path: Path) -> None:
    originals = [text.encode(code) for text in (dataform(suspicion="x"), manifest()) for code in ("utf-8", "utf-16")]
    assert outcomes(read_sidecar, originals, tmp_path, ".xml", 1).keys() <= {"read", "BadFile", "BadTable"}


def test_500_mutated_coco_files_are_read_or_refused(tmp_path: Path) -> None:
    def read(path: Path) -> None:
        for image in read_coco(path, clip=True).images:
            assert not image.file_name.startswith("/")
            assert ".." not in Path(image.file_name).parts

    originals = [json.dumps(fabricated.coco_content(n)).encode() for n in (1, 3)]
    assert outcomes(read, originals, tmp_path, ".json", 2)["BadFile"] > 0


def test_500_mutated_packages_are_read_or_refused(tmp_path: Path) -> None:
    originals = []
    for compress in (True, False):
        path = tmp_path / "sound.xrb"
        write_package(path, exchange(2), compress=compress)
        originals.append(path.read_bytes())
        path.unlink()
    counts = outcomes(read_package, originals, tmp_path, ".xrb", 3)
    assert counts["BadFile"] + counts["BadTable"] > N_MUTANTS // 2


def test_a_mutated_package_that_is_read_holds_the_counts_that_were_sent(tmp_path: Path) -> None:
    path = tmp_path / "a.xrb"
    write_package(path, exchange(1))
    content, sent = path.read_bytes(), exchange(1)
    rng = np.random.default_rng(4)
    n_read = 0
    for _ in range(300):
        at = int(rng.integers(0, len(content)))
        path.write_bytes(content[:at] + bytes([content[at] ^ 0x10]) + content[at + 1 :])
        try:
            got = read_package(path)
        except (BadFile, BadTable):
            continue
        n_read += 1
        for name, counts in got.planes.items():
            np.testing.assert_array_equal(counts, sent.planes[name])
    assert n_read < 300


def test_500_mutated_planes_are_read_or_refused(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 65536, (9, 7, 2)).astype(np.uint16)
    originals = []
    for ending in ("npy", "tif"):
        write_raster(tmp_path / f"a.{ending}", Raster(pixels, (Plane("hi"), Plane("lo"))))
        originals.append((tmp_path / f"a.{ending}").read_bytes())
    for one in tmp_path.iterdir():
        one.unlink()
    for ending, original in zip((".npy", ".tif"), originals, strict=True):
        folder = tmp_path / ending[1:]
        folder.mkdir()
        outcomes(read_raster, [original], folder, ending, 5)


def test_500_mutated_voc_files_are_read_or_refused(tmp_path: Path) -> None:
    from sixray import XML

    original = XML.format(name="a", owner="b", label="Gun", x0=1, y0=2, x1=3, y1=4).encode()
    outcomes(read_voc, [original], tmp_path, ".xml", 6)


@pytest.mark.parametrize("depth", [4, 9])
def test_entities_are_never_expanded(tmp_path: Path, depth: int) -> None:
    lines = ["<!DOCTYPE a [", '<!ENTITY e0 "aaaaaaaaaa">']
    lines += [f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, depth)]
    path = tmp_path / "laughs.xml"
    path.write_text("\n".join([*lines, f"]><DataForm><Site>&e{depth - 1};</Site></DataForm>"]), encoding="utf-8")
    start = time.monotonic()
    with pytest.raises(BadFile, match="declares entities or a document type"):
        read_sidecar(path)
    assert time.monotonic() - start < 1


def test_a_zip_of_a_name_outside_writes_nothing(tmp_path: Path) -> None:
    target = tmp_path / "victim.txt"
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / "a.xrb"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../victim.txt", b"overwritten")
        archive.writestr(str(target), b"overwritten")
    with pytest.raises(BadTable):
        read_package(path)
    assert not target.exists()
