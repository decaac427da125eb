"""Counts come back to the last one, with what they are; eight bits are refused, and so is a header that lies."""

import io
import json
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from xraybench.core.errors import BadFile, BadValue
from xraybench.formats.images import read_image
from xraybench.formats.raster import Plane, Raster, read_raster, write_raster
from xraybench.formats.raw import LAYOUTS, RawLayout, read_raw

PLANES = (Plane("hi", "6 MV"), Plane("lo", "4 MV"))


def counts(n_planes: int, *, height: int = 9, width: int = 13) -> np.ndarray:
    pixels = np.random.default_rng(3).integers(0, 65536, (height, width, n_planes)).astype(np.uint16)
    pixels.flat[:2] = (0, 65535)
    return pixels


@pytest.mark.parametrize(
    ("ending", "n_planes"), [("tif", 1), ("tif", 2), ("tiff", 3), ("png", 1), ("npy", 1), ("npy", 2)]
)
def test_planes_come_back_to_the_count_with_order_energy_and_polarity(
    tmp_path: Path, ending: str, n_planes: int
) -> None:
    planes = (*PLANES, Plane("z"))[:n_planes]
    raster = Raster(counts(n_planes), planes, "absorption", 60_000.0)
    path = tmp_path / f"a.{ending}"
    write_raster(path, raster)
    back = read_raster(path)
    np.testing.assert_array_equal(back.pixels, raster.pixels)
    assert back.pixels.dtype == np.uint16
    assert (back.planes, back.polarity, back.full_scale) == (planes, "absorption", 60_000.0)
    first = path.read_bytes()
    write_raster(path, raster)
    assert path.read_bytes() == first


def test_eight_bits_are_neither_read_nor_made(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((4, 5), np.uint8)).save(tmp_path / "a.png")
    Image.fromarray(np.zeros((4, 5), np.uint8)).save(tmp_path / "a.tif")
    np.save(tmp_path / "a.npy", np.zeros((4, 5), np.uint8))
    for ending in ("png", "tif"):
        with pytest.raises(BadFile, match="Eight bits are a picture made for a screen"):
            read_raster(tmp_path / f"a.{ending}")
    with pytest.raises(BadFile, match="holds uint8; counts are uint16"):
        read_raster(tmp_path / "a.npy")
    with pytest.raises(BadValue, match="Nothing is narrowed"):
        write_raster(tmp_path / "b.tif", Raster(counts(1).astype(np.uint8), PLANES[:1]))  # type: ignore[arg-type]
    with pytest.raises(BadValue, match="a PNG holds one 16-bit plane, here are 2"):
        write_raster(tmp_path / "b.png", Raster(counts(2), PLANES))


def test_what_a_foreign_file_does_not_say_is_said_by_the_owner_and_may_not_contradict_it(tmp_path: Path) -> None:
    pages = [Image.fromarray(counts(2)[..., n]) for n in range(2)]
    pages[0].save(tmp_path / "f.tif", save_all=True, append_images=pages[1:])
    assert [plane.name for plane in read_raster(tmp_path / "f.tif").planes] == ["unknown", "unknown"]
    told = read_raster(tmp_path / "f.tif", planes=PLANES, polarity="transmission")
    assert (told.planes, told.polarity) == (PLANES, "transmission")
    with pytest.raises(BadFile, match="holds 2 planes, 1 were named"):
        read_raster(tmp_path / "f.tif", planes=PLANES[:1])
    write_raster(tmp_path / "own.tif", Raster(counts(2), PLANES))
    with pytest.raises(BadFile, match="calls the planes hi, lo; another order was named"):
        read_raster(tmp_path / "own.tif", planes=PLANES[::-1])


def test_big_endian_and_column_order_files_are_the_same_counts(tmp_path: Path) -> None:
    pixels = counts(2)
    np.save(tmp_path / "be.npy", pixels.astype(">u2"))
    np.save(tmp_path / "f.npy", np.asfortranarray(pixels))
    for name in ("be", "f"):
        back = read_raster(tmp_path / f"{name}.npy").pixels
        assert back.dtype == np.uint16
        np.testing.assert_array_equal(back, pixels)
    Image.fromarray(pixels[..., 0].astype(">u2")).save(tmp_path / "be.tif")
    np.testing.assert_array_equal(read_raster(tmp_path / "be.tif").pixels[..., 0], pixels[..., 0])


def test_a_header_that_claims_more_than_the_file_holds_is_refused_before_memory_is_asked_for(tmp_path: Path) -> None:
    head = b"\x93NUMPY\x01\x00"
    text = b"{'descr': '<u2', 'fortran_order': False, 'shape': (4000000, 4000000), }"
    text += b" " * (-(len(head) + 2 + len(text)) % 64)
    (tmp_path / "huge.npy").write_bytes(head + struct.pack("<H", len(text)) + text + b"\0" * 64)
    with pytest.raises(BadFile, match="its header claims 32000000000000 bytes, 64 follow"):
        read_raster(tmp_path / "huge.npy")
    buffer = io.BytesIO()
    Image.fromarray(counts(1)[..., 0]).save(buffer, format="PNG")
    content = bytearray(buffer.getvalue())
    content[16:24] = struct.pack(">II", 12_000, 12_000)
    content[29:33] = struct.pack(">I", zlib.crc32(bytes(content[12:29])))
    (tmp_path / "huge.png").write_bytes(content)
    for read in (read_raster, read_image):
        with pytest.raises(BadFile, match="its header claims 288000000 bytes of pixels"):
            read(tmp_path / "huge.png")
    np.save(tmp_path / "object.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(BadFile, match="holds object; counts are uint16"):
        read_raster(tmp_path / "object.npy")


def test_broken_facts_in_a_file_are_told(tmp_path: Path) -> None:
    write_raster(tmp_path / "a.npy", Raster(counts(1), PLANES[:1]))
    facts = json.loads((tmp_path / "a.npy.json").read_text())
    (tmp_path / "a.npy.json").write_text(json.dumps({**facts, "polarity": "upwards"}))
    with pytest.raises(BadFile, match="its own description of the planes is broken"):
        read_raster(tmp_path / "a.npy")


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("byte_order", ["little", "big"])
def test_a_raw_file_is_read_as_declared(tmp_path: Path, layout: str, byte_order: str) -> None:
    pixels = counts(2)
    axes = {"planar": (2, 0, 1), "line": (0, 2, 1), "pixel": (0, 1, 2)}[layout]
    body = pixels.transpose(axes).astype("<u2" if byte_order == "little" else ">u2").tobytes()
    (tmp_path / "a.img").write_bytes(b"H" * 32 + body + b"T" * 7)
    told = RawLayout(13, 9, "uint16", 32, byte_order, 2, layout, 7)
    back = read_raw(tmp_path / "a.img", told)
    assert back.dtype == np.uint16
    np.testing.assert_array_equal(back, pixels)
    upside_down = RawLayout(13, 9, "uint16", 32, byte_order, 2, layout, 7, is_bottom_up=True)
    np.testing.assert_array_equal(read_raw(tmp_path / "a.img", upside_down), pixels[::-1])


def test_a_raw_declaration_must_account_for_every_byte(tmp_path: Path) -> None:
    (tmp_path / "a.img").write_bytes(b"\0" * 100)
    with pytest.raises(BadFile, match=r"100 bytes; offset 10 \+ 5 x 9 x 1 planes x 2 bytes \+ trailing 1 make 101"):
        read_raw(tmp_path / "a.img", RawLayout(5, 9, offset=10, trailing=1))
    with pytest.raises(BadValue, match=r"width 0: .*dtype 'float64': .*layout 'bil'"):
        read_raw(tmp_path / "a.img", RawLayout(0, 9, "float64", layout="bil"))
    with pytest.raises(BadValue, match="at most 400000000 numbers"):
        read_raw(tmp_path / "a.img", RawLayout(10**9, 10**9))
