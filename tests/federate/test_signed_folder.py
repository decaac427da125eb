"""A signed folder is there whole or not at all, says whose it is by its key alone, and takes the place of nothing else."""

from pathlib import Path

import pytest

from xraybench.core import signing
from xraybench.core.errors import BadFile, BadValue
from xraybench.federate import signed_folder

KIND, NAMES = "urn:test:letter:1", ("letter.txt", "other.txt")


@pytest.fixture
def keys(tmp_path: Path) -> dict[str, Path]:
    """Public keys of two sites; the private ones lie beside them."""
    for name in ("north", "south"):
        signing.make_key(tmp_path / "keys" / name)
    return {name: tmp_path / "keys" / f"{name}.pub" for name in ("north", "south")}


def written(out: Path, key: Path, text: bytes = b"words", **said: object) -> Path:
    signed_folder.write(out, {"letter.txt": text}, key=key, kind=KIND, predicate=said, names=NAMES)
    return out


def test_what_was_written_is_read_with_the_name_of_who_signed_it(keys: dict[str, Path], tmp_path: Path) -> None:
    folder = written(tmp_path / "out", tmp_path / "keys" / "south", number=7)
    found = signed_folder.read(folder, keys=keys, kind=KIND)
    assert (found.signer, found.parts, found.predicate) == ("south", {"letter.txt": b"words"}, {"number": 7})
    signed_folder.keep(folder, tmp_path / "kept" / "south", names=NAMES)
    assert signed_folder.read(tmp_path / "kept" / "south", keys=keys, kind=KIND) == found


def test_an_answer_of_another_site_than_its_key_is_refused(keys: dict[str, Path], tmp_path: Path) -> None:
    folder = written(tmp_path / "out", tmp_path / "keys" / "south", site="north")
    with pytest.raises(BadValue, match="calls itself an answer of site 'north' and is signed by site south"):
        signed_folder.read_answer(folder, keys=keys, kind=KIND)


def test_another_kind_another_key_a_folder_in_it_and_no_folder_are_refused(
    keys: dict[str, Path], tmp_path: Path
) -> None:
    folder = written(tmp_path / "out", tmp_path / "keys" / "south")
    with pytest.raises(BadFile, match="is signed as urn:test:letter:1, not as urn:test:bill:1"):
        signed_folder.read(folder, keys=keys, kind="urn:test:bill:1")
    with pytest.raises(BadFile, match=r"no signature of a trusted key holds.* It has to be signed by north\."):
        signed_folder.read(folder, keys={"north": keys["north"]}, kind=KIND)
    (folder / "more").mkdir()
    with pytest.raises(BadFile, match="more: was added after the statement was signed"):
        signed_folder.read(folder, keys=keys, kind=KIND)
    with pytest.raises(BadFile, match="there is no such folder"):
        signed_folder.read(tmp_path / "none", keys=keys, kind=KIND)


def test_an_older_message_is_replaced_and_nothing_else(keys: dict[str, Path], tmp_path: Path) -> None:
    out, key = tmp_path / "out", tmp_path / "keys" / "north"
    written(out, key, b"first")
    written(out, key, b"second")
    assert signed_folder.parts_of(out) == {"letter.txt": b"second"}
    (out / "thesis.tex").write_text("years of work")
    with pytest.raises(BadFile, match=r"holds thesis\.tex, so it is no older message\. Name another folder"):
        written(out, key, b"third")
    with pytest.raises(BadFile, match=r"thesis\.tex"):
        signed_folder.keep(written(tmp_path / "new", key), out, names=NAMES)
    assert (out / "letter.txt").read_bytes() == b"second"


def test_without_its_key_a_folder_is_not_there_at_all(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="no such file"):
        written(tmp_path / "out", tmp_path / "no.key")
    assert list(tmp_path.iterdir()) == []
