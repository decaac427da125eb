"""One root stands for all images, labels and splits, and whoever changes one of them is named."""

import shutil
from pathlib import Path

import fabricated
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xraybench import data
from xraybench.core.errors import BadFile, BadValue, XrayBenchError
from xraybench.data import checks, manifest, merkle, store

CLASSES = {"gun": "firearm", "other": "benign"}


@pytest.fixture
def bags(tmp_path: Path) -> Path:
    """A sealed dataset of 16 images in `bags/`."""
    fabricated.image_folder(tmp_path / "bags", {"gun": 8, "other": 8})
    out = data.import_folder(
        tmp_path / "bags", name="bags", vector="baggage", classes=CLASSES, out=tmp_path / "out", quiet=True
    )
    manifest.seal(out)
    return out


def sealed_faults(folder: Path, **options: str) -> list[str]:
    return [finding.text for finding in checks.inspect(folder, **options).faults if finding.check == "seal"]


def edited(folder: Path, name: str, row: int, column: str, value: object) -> str:
    """Change one cell of a table and everything in the folder that would give it away, but the seal. Returns the scan."""
    frame = pd.read_parquet(folder / f"{name}.parquet")
    frame.loc[row, column] = value
    frame.to_parquet(folder / f"{name}.parquet")
    stored = store.read_unchecked(folder)
    facts = stored.manifest.model_copy(update={"n_items": store.n_items_of(stored.items)})
    store.write_stored(store.Stored(folder, facts, *(stored.scans, stored.items, stored.objects, stored.files), {}))
    return str(frame.iloc[row, 0])


@given(st.lists(st.text(max_size=5), max_size=40))
def test_every_leaf_is_proved_under_the_root_and_no_other_record_is(names: list[str]) -> None:
    leaves = [merkle.leaf_of([name, str(n)]) for n, name in enumerate(names)]
    root = merkle.root_of(leaves)
    for n, leaf in enumerate(leaves):
        proof = merkle.proof_of(leaves, n)
        assert merkle.is_under(leaf, proof, root, len(leaves))
        assert not merkle.is_under(merkle.leaf_of(["x", "y", "z"]), proof, root, len(leaves))
        assert not merkle.is_under(leaf, proof, root, len(leaves) + 1)


def test_a_tree_of_three_is_what_the_definition_says() -> None:
    from hashlib import sha256

    a, b, c = (merkle.leaf_of([name]) for name in "abc")
    assert a == sha256(b"xraybench leaf 1\x00" + b'["a"]').digest()
    inner = sha256(b"xraybench node 1\x00" + a + b).digest()
    top = sha256(b"xraybench node 1\x00" + inner + c).digest()
    assert merkle.root_of([a, b, c]) == sha256(b"xraybench root 1\x00" + (3).to_bytes(8, "big") + top).hexdigest()


def test_a_sealed_dataset_is_sound_and_its_root_survives_a_move(bags: Path, tmp_path: Path) -> None:
    assert checks.inspect(bags).faults == []
    shutil.copytree(tmp_path / "bags", tmp_path / "moved")
    again = data.import_folder(
        tmp_path / "moved", name="bags", vector="baggage", classes=CLASSES, out=tmp_path / "two", quiet=True
    )
    assert manifest.seal(again).root == manifest.read_seal(bags).root


def test_two_files_that_changed_places_are_named(bags: Path, tmp_path: Path) -> None:
    a, b = sorted((tmp_path / "bags").rglob("*.png"))[:2]
    first, second = a.read_bytes(), b.read_bytes()
    a.write_bytes(second)
    b.write_bytes(first)
    assert sealed_faults(bags) == [f"gun/{a.name} and gun/{b.name}: have exchanged their bytes"]


def test_other_bytes_are_named(bags: Path, tmp_path: Path) -> None:
    fabricated.png(sorted((tmp_path / "bags" / "gun").iterdir())[3], seed=999)
    (told,) = sealed_faults(bags)
    assert told.endswith("other bytes than those that were sealed")


def test_a_renamed_file_is_named_with_both_names(bags: Path, tmp_path: Path) -> None:
    files = pd.read_parquet(bags / "files.parquet")
    old = tmp_path / "bags" / files["path"][0]
    old.rename(old.with_name("new.png"))
    edited(bags, "files", 0, "path", f"{old.parent.name}/new.png")
    assert sealed_faults(bags) == [f"{files['path'][0]}: is called {old.parent.name}/new.png now"]


def test_a_relabelled_scan_is_named_with_both_labels(bags: Path) -> None:
    edited(bags, "objects", 0, "threat", "blade")
    (told,) = [text for text in sealed_faults(bags) if "dataset.json" not in text]
    assert told.endswith("labelled firearm when it was sealed, now blade")


def test_an_item_moved_to_another_split_is_named_with_both_splits(bags: Path) -> None:
    items = pd.read_parquet(bags / "items.parquet")
    row = int(np.flatnonzero(items["split"] == "test")[0])
    edited(bags, "items", row, "split", "train")
    told = [text for text in sealed_faults(bags) if "dataset.json" not in text]
    assert len(told) == 1
    assert told[0].endswith("was in split test when it was sealed, is in train")


def test_a_box_moved_by_a_pixel_and_another_site_are_seen(bags: Path) -> None:
    edited(bags, "objects", 0, "area_px", 7.0)
    assert any("its label rows were changed" in text for text in sealed_faults(bags))
    edited(bags, "items", 0, "site", "elsewhere")
    assert any("scan, item, site or window" in text for text in sealed_faults(bags))


def test_whoever_seals_anew_is_found_by_the_root_that_was_noted(bags: Path, tmp_path: Path) -> None:
    root = manifest.read_seal(bags).root
    assert sealed_faults(bags, root=root) == []
    edited(bags, "objects", 0, "threat", "blade")
    manifest.seal(bags)
    assert sealed_faults(bags) == []
    assert any("holds another root" in text for text in sealed_faults(bags, root=root))


def test_one_scan_is_proved_without_the_others(bags: Path) -> None:
    path = pd.read_parquet(bags / "files.parquet")["path"][5]
    proof = manifest.prove(bags, path)
    assert proof.holds(manifest.read_seal(bags).root)
    assert not proof.holds("0" * 64)
    assert len(proof.steps) <= 5
    with pytest.raises(BadValue, match=r"no leaf is called 'x.png'"):
        manifest.prove(bags, "x.png")


def test_a_missing_image_is_not_sealed_over(bags: Path, tmp_path: Path) -> None:
    next((tmp_path / "bags" / "gun").iterdir()).unlink()
    before = (bags / "seal.json").read_bytes()
    with pytest.raises(BadFile, match="nothing was sealed"):
        manifest.seal(bags)
    assert (bags / "seal.json").read_bytes() == before


def test_a_simulated_corpus_is_sealed_scan_by_scan(folders: list[Path], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(folders[0], tmp_path / "copy"))
    manifest.seal(folder)
    assert checks.inspect(folder).faults == []
    shard = sorted((folder / "pixels").iterdir())[0]
    pixels = np.load(shard)
    pixels[[0, 1]] = pixels[[1, 0]]
    np.save(shard, pixels)
    assert sealed_faults(folder) == ["pixels/00000.npy#00 and pixels/00000.npy#01: have exchanged their bytes"]


@pytest.mark.parametrize(
    "name",
    ["seal.json", "leaves.parquet", ".check/looks-1.notes", ".check/facts-1.notes", ".check/tables-1.json",
     ".check/pairs-1.notes", ".check/compared-1.notes", "items.parquet", "dataset.json"],
)  # fmt: skip
def test_mutated_files_are_told_or_made_again_and_never_crash(bags: Path, name: str) -> None:
    data.check(bags)
    whole = (bags / name).read_bytes()
    rng = np.random.default_rng(0)
    for n in range(24):
        broken = bytearray(whole)
        if n % 3 == 0:
            del broken[int(rng.integers(len(broken))) :]
        else:
            for place in rng.integers(len(broken), size=1 + n % 7):
                broken[place] = int(rng.integers(256))
        (bags / name).write_bytes(bytes(broken))
        try:
            told = checks.inspect(bags)
        except XrayBenchError:
            continue
        if name.startswith(".check"):
            assert told.faults == [], (n, told.lines)
        (bags / name).write_bytes(whole)


def test_a_corpus_of_large_scans_is_sealed_whatever_its_files_of_pixels_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XRAYBENCH_HOME", str(tmp_path))
    monkeypatch.setattr(store, "_SHARD_BYTES", 1 << 18)  # a scan is large where a file holds few
    few = data.Profile("few", 1, 4, 2, 1, 4)
    folder = data.make("mail", profile=few, seed=1, sensors=["mail_160kv"], workers=1, quiet=True)[0]
    stored = store.read_stored(folder)
    assert 1 <= store.shard_items_of(stored) < store.SHARD_ITEMS
    assert len(list((folder / store.PIXELS).iterdir())) > 1
    manifest.seal(folder)
    assert checks.inspect(folder).faults == []
