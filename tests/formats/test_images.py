"""Images are read whole and never narrowed; what cannot be read so is refused in a sentence."""

import struct
import zlib
from pathlib import Path

import fabricated
import numpy as np
import pytest
from PIL import Image

from xraybench.core.errors import BadFile
from xraybench.formats.images import is_grey, read_image, write_png


@pytest.mark.parametrize(("channels", "bits"), [(1, 8), (3, 8), (1, 16)])
def test_a_png_reads_back_to_the_count(tmp_path: Path, channels: int, bits: int) -> None:
    kind = np.uint16 if bits == 16 else np.uint8
    pixels = np.random.default_rng(1).integers(0, 2**bits, (5, 7, channels)).astype(kind)
    write_png(tmp_path / "a.png", pixels)
    back = read_image(tmp_path / "a.png")
    assert back.dtype == kind
    np.testing.assert_array_equal(back, pixels)


def sixteen_bit_colour_png(path: Path) -> None:
    """Written by hand from the PNG specification, since Pillow cannot write one."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", 2, 2, 16, 2, 0, 0, 0)
    rows = b"".join(b"\x00" + bytes(range(12)) for _ in range(2))
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


def test_a_16_bit_colour_image_is_refused_and_not_narrowed(tmp_path: Path) -> None:
    sixteen_bit_colour_png(tmp_path / "deep.png")
    assert np.asarray(Image.open(tmp_path / "deep.png")).dtype == np.uint8  # what Pillow does unasked
    with pytest.raises(BadFile, match="16 bits a channel in mode RGB; reading it would lose some"):
        read_image(tmp_path / "deep.png")


def test_a_palette_and_an_opaque_alpha_are_read_as_the_colours_they_show(tmp_path: Path) -> None:
    pixels = np.zeros((4, 4, 3), np.uint8)
    pixels[:2, :, 0] = 200
    image = Image.fromarray(pixels)
    image.quantize(4).save(tmp_path / "p.png")
    image.convert("RGBA").save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "p.png"), pixels)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), pixels)


def test_a_bilevel_image_is_black_and_white(tmp_path: Path) -> None:
    Image.fromarray(np.array([[True, False]])).save(tmp_path / "b.png")
    assert read_image(tmp_path / "b.png")[..., 0].tolist() == [[255, 0]]


def test_grey_is_told_from_colour_by_the_pixels() -> None:
    grey = np.repeat(np.arange(6, dtype=np.uint8).reshape(2, 3, 1), 3, axis=2)
    assert is_grey(grey) and is_grey(grey[..., :1])
    coloured = grey.copy()
    coloured[1, 2, 2] += 1
    assert not is_grey(coloured)


def refused(path: Path) -> str:
    with pytest.raises(BadFile) as caught:
        read_image(path)
    return str(caught.value)


def test_what_is_no_whole_image_is_refused_with_its_name(tmp_path: Path) -> None:
    whole = fabricated.png(tmp_path / "a.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "flipped.png").write_bytes(whole[:60] + b"\x00\x01" + whole[62:])
    (tmp_path / "text.png").write_text("not an image", encoding="utf-8")
    (tmp_path / "empty.png").write_bytes(b"")
    Image.fromarray(np.zeros((40, 40, 3), np.uint8)).save(tmp_path / "whole.jpg")
    jpeg = (tmp_path / "whole.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(jpeg[:-30])
    assert "cut.png: broken or truncated" in refused(tmp_path / "cut.png")
    assert "flipped.png: broken or truncated" in refused(tmp_path / "flipped.png")
    assert "cut.jpg: broken or truncated" in refused(tmp_path / "cut.jpg")
    assert "text.png: not an image of a known format" in refused(tmp_path / "text.png")
    assert "empty.png: not an image of a known format" in refused(tmp_path / "empty.png")
    assert "there is no such file" in refused(tmp_path / "none.png")


def test_what_could_only_be_guessed_is_refused(tmp_path: Path) -> None:
    clear = np.zeros((4, 4, 4), np.uint8)
    Image.fromarray(clear).save(tmp_path / "clear.png")
    frames = [Image.fromarray(np.full((4, 4), n, np.uint8)) for n in (1, 2)]
    frames[0].save(tmp_path / "two.tif", save_all=True, append_images=frames[1:])
    Image.fromarray(np.zeros((4, 4), np.float32)).save(tmp_path / "float.tif")
    assert "partly transparent" in refused(tmp_path / "clear.png")
    assert "holds 2 frames" in refused(tmp_path / "two.tif")
    assert "32 bits a channel" in refused(tmp_path / "float.tif")


def test_a_16_bit_tiff_keeps_its_counts(tmp_path: Path) -> None:
    counts = np.array([[0, 256], [4095, 65535]], np.uint16)
    Image.fromarray(counts).save(tmp_path / "d.tif")
    np.testing.assert_array_equal(read_image(tmp_path / "d.tif")[..., 0], counts)
