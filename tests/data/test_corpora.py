"""Simulated corpora: the same from the same seed, whole or absent, and labelled from the seed alone."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import fabricated
import numpy as np
import pandas as pd
import pytest

from xraybench import data, sensors, simulate
from xraybench.core.errors import BadFile, BadParameter, BadValue, DigestMismatch, UnknownName
from xraybench.core.vocabulary import CONTROLS
from xraybench.data import Profile
from xraybench.data.store import SHARD_ITEMS, read_stored
from xraybench.data.unrendered import labels_only

SEED = 7
ALL = ("train", "calibration", "test")
FEW = Profile("few", 0, 5, 3, 1, 5, 1, 1, 1, 2, 3)
SENSORS = ("mail_160kv", "mail_140kv")


@pytest.fixture(scope="session")
def several(home: Path) -> dict[str, Path]:
    """A corpus of two views and one of containers with their manifests: id -> folder."""
    chosen = {"parcel-conveyor_160kv": "parcel", "container-container_6mev": "container"}
    found = {}
    for name, vector in chosen.items():
        sensor = name.removeprefix(f"{vector}-")
        (found[name],) = data.make(vector, profile=FEW, seed=SEED, sensors=[sensor], workers=1, quiet=True)
    return found


def shards(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "pixels").iterdir())}


def test_a_corpus_holds_the_items_of_its_profile_on_every_sensor(folders: list[Path]) -> None:
    for folder, name in zip(folders, SENSORS, strict=True):
        dataset = data.read_dataset(folder)
        assert len(dataset.items) == len(dataset.scans) == 90
        assert dataset.objects["item_id"].nunique() == 48
        assert set(dataset.scans.table["sensor"]) == {name}
        assert dataset.is_simulated
        assert list(dataset.view_sets) == ["raw", "colour"]
        cells = dataset.objects[["threat", "concealment"]].value_counts()
        assert len(cells) == 16
        assert set(cells) == {3}


def test_both_sensors_scan_the_same_items_under_ids_of_their_own(folders: list[Path]) -> None:
    one, two = map(data.read_dataset, folders)
    pd.testing.assert_frame_equal(one.items, two.items)
    assert not set(one.scans.scan_ids) & set(two.scans.scan_ids)
    edges = ["item_id", "threat", "x0", "y0", "x1", "y1", "area_px"]
    pd.testing.assert_frame_equal(
        one.objects[edges].sort_values("item_id", ignore_index=True),
        two.objects[edges].sort_values("item_id", ignore_index=True),
    )


def test_objects_lie_in_their_view_and_fill_their_boxes_in_part(folders: list[Path]) -> None:
    dataset = data.read_dataset(folders[0])
    scans, objects = dataset.scans.table, dataset.objects
    assert (objects["x1"] <= scans["width"].iloc[0]).all() and (objects["y1"] <= scans["height"].iloc[0]).all()
    box_px = (objects["x1"] - objects["x0"]) * (objects["y1"] - objects["y0"])
    assert (objects["area_px"] > 0).all() and (objects["area_px"] <= box_px).all()
    n_pixels = scans["width"].iloc[0] * scans["height"].iloc[0]
    np.testing.assert_allclose(objects["view_share"], objects["area_px"] / n_pixels, rtol=1e-5)


def test_a_raw_view_is_what_the_simulator_renders_and_the_colour_what_its_sensor_shows(folders: list[Path]) -> None:
    dataset = data.read_dataset(folders[1])
    sensor = sensors.get("mail_140kv")
    field = sensor.field("mail")
    for scan in list(dataset.scans)[:3]:
        raw = scan.views[0]
        assert raw.dtype == np.uint16 and raw.shape == (field.height_px, field.width_px, 2)
        shown = dataset.track("colour").load(scan.scan_id).views[0]
        np.testing.assert_array_equal(shown, simulate.display(sensor, raw))


def test_labels_from_the_seed_are_those_of_the_stored_corpus(folders: list[Path], tiny: Profile) -> None:
    for folder, name in zip(folders, SENSORS, strict=True):
        dataset = data.read_dataset(folder)
        found = data.labels(f"mail-{name}", profile=tiny, seed=SEED)
        pd.testing.assert_frame_equal(found.items, dataset.items)
        pd.testing.assert_frame_equal(found.objects, dataset.objects)
        assert dataset.corpora == {f"mail-{name}": found.digest}


def test_labels_only_are_the_loaded_dataset_without_its_pixels(folders: list[Path], tiny: Profile) -> None:
    loaded = data.load("mail-any-any-any-v1", profile=tiny, seed=SEED, quiet=True)
    bare = labels_only("mail-any-any-any-v1", profile=tiny, seed=SEED)
    assert bare.digest == loaded.digest
    pd.testing.assert_frame_equal(bare.items, loaded.items)
    pd.testing.assert_frame_equal(bare.objects, loaded.objects)
    pd.testing.assert_frame_equal(bare.scans.table, loaded.scans.table)
    with pytest.raises(BadValue, match="was not rendered"):
        bare.scans.load(bare.scans.scan_ids[0])


def test_parallel_workers_write_the_bytes_of_a_serial_run(
    folders: list[Path], tiny: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XRAYBENCH_HOME", str(tmp_path))
    again = data.make("mail", profile=tiny, seed=SEED, workers=2, quiet=True)
    for old, new in zip(folders, again, strict=True):
        assert old != new
        assert shards(old) == shards(new)
        assert (old / "dataset.json").read_bytes() == (new / "dataset.json").read_bytes()
        assert (old / "objects.parquet").read_bytes() == (new / "objects.parquet").read_bytes()


def test_parallel_workers_write_the_bytes_of_a_serial_run_of_several_views_and_manifests(
    several: dict[str, Path], tiny: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XRAYBENCH_HOME", str(tmp_path))
    for name, folder in several.items():
        vector, _, sensor = name.partition("-")
        (again,) = data.make(vector, profile=FEW, seed=SEED, sensors=[sensor], workers=2, quiet=True)
        assert shards(folder) == shards(again)
        for table in ("dataset.json", "scans.parquet", "objects.parquet"):
            assert (folder / table).read_bytes() == (again / table).read_bytes()


def test_scans_of_several_views_are_stored_read_shown_and_labelled_view_by_view(several: dict[str, Path]) -> None:
    dataset = data.read_dataset(several["parcel-conveyor_160kv"])
    sensor = sensors.get("conveyor_160kv")
    field = sensor.field("parcel")
    assert set(dataset.scans.table["n_views"]) == {2}
    scan = dataset.scans.load(dataset.scans.scan_ids[0])
    assert [view.shape for view in scan.views] == [(field.height_px, field.width_px, 2)] * 2
    assert (scan.views[0] != scan.views[1]).any()
    shown = dataset.track("colour").load(scan.scan_id).views
    np.testing.assert_array_equal(shown[1], simulate.display(sensor, scan.views[1]))
    per_threat = dataset.objects.groupby(["scan_id", "object_index"])["view"].agg(list)
    assert per_threat.map(lambda views: views == [0, 1]).mean() > 0.9  # a threat may lie in the shade of one view
    assert not [line for line in data.check(several["parcel-conveyor_160kv"]) if not line.startswith("warning: ")]


def test_labels_from_the_seed_are_those_of_corpora_of_several_views_and_manifests(several: dict[str, Path]) -> None:
    for name, folder in several.items():
        dataset = data.read_dataset(folder)
        found = data.labels(name, profile=FEW, seed=SEED)
        pd.testing.assert_frame_equal(found.objects, dataset.objects)
        assert dataset.corpora == {name: found.digest}


def test_a_container_declares_what_it_holds_unless_it_is_there_to_be_found_out(several: dict[str, Path]) -> None:
    dataset = data.read_dataset(several["container-container_6mev"])
    table = dataset.scans.table.merge(dataset.objects.drop_duplicates("scan_id"), on="scan_id", how="left")
    table["threat"] = table["threat"].fillna("")
    assert (table["declared"] != "").all()
    empty = table[table["declared"] == "empty"]
    assert set(empty["threat"]) == {"", "empty_verification"}
    assert not (table.loc[table["threat"] == "", "declared"] == "empty").all()
    assert (table.loc[table["threat"] == "manifest_mismatch", "declared"] != "empty").all()
    boxes = dataset.objects.set_index("threat")["x0"]
    assert boxes.loc[["manifest_mismatch"]].isna().all()  # what is wrong with a load as a whole has no place


def test_threats_of_unseen_shapes_are_tested_and_never_trained_on(folders: list[Path]) -> None:
    dataset = data.read_dataset(folders[0])
    objects = dataset.objects.merge(dataset.items, on="item_id")
    assert set(objects["shape"][objects["split"] == "train"]) == {"seen"}
    shapes = objects[objects["split"] == "test"].groupby(["threat", "concealment"])["shape"].agg(sorted)
    assert set(map(tuple, shapes)) == {("seen", "unseen")}
    kinds = objects.groupby(["threat", "shape"])["kind"].agg(set)
    for threat in dataset.objects["threat"].unique():
        assert not kinds[threat, "seen"] & kinds[threat, "unseen"]


def test_how_hard_the_test_threats_are_to_see_is_measured_kept_and_no_part_of_the_digest(
    folders: list[Path], tmp_path: Path
) -> None:
    dataset = data.read_dataset(folders[0])
    objects = dataset.objects.merge(dataset.items, on="item_id")
    asked = objects[(objects["split"] == "test") & ~objects["threat"].isin(CONTROLS)]
    key = ["scan_id", "object_index", "view"]
    assert sorted(map(tuple, dataset.difficulty[key].to_numpy())) == sorted(map(tuple, asked[key].to_numpy()))
    assert dataset.difficulty["d_q"].notna().all()
    assert not len(dataset.part("train").difficulty)
    assert len(data.join([dataset, data.read_dataset(folders[1])], name="both").difficulty) == 2 * len(asked)
    copy = tmp_path / folders[0].name
    shutil.copytree(folders[0], copy)
    changed = dataset.difficulty.assign(d_q=0.0)
    changed.to_parquet(copy / "difficulty.parquet")
    with pytest.raises(DigestMismatch, match="difficulty"):
        data.read_dataset(copy)
    for name in ("difficulty.parquet", "difficulty.digest"):
        (copy / name).unlink()
    assert data.read_dataset(copy).digest == dataset.digest
    assert not len(data.read_dataset(copy).difficulty)


def test_a_fast_corpus_is_another_corpus_than_a_strict_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XRAYBENCH_HOME", str(tmp_path))
    one, two = (
        data.make("mail", profile=FEW, sensors=["mail_120kv"], workers=1, engine=engine, quiet=True)[0]
        for engine in ("strict", "fast")
    )
    strict, fast = data.read_dataset(one), data.read_dataset(two)
    assert strict.digest != fast.digest
    pd.testing.assert_frame_equal(strict.objects, fast.objects)
    for scan in list(strict.scans)[:8]:
        apart = np.abs(scan.views[0].astype(int) - fast.scans.load(scan.scan_id).views[0].astype(int))
        assert apart.max() <= 1
    with pytest.raises(BadParameter, match="strict, fast"):
        data.make("mail", profile=FEW, engine="fastest", quiet=True)


def test_one_sensor_alone_gets_the_scans_it_gets_beside_others(
    folders: list[Path], tiny: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XRAYBENCH_HOME", str(tmp_path))
    (alone,) = data.make("mail", profile=tiny, seed=SEED, sensors=["mail_140kv"], workers=1, quiet=True)
    assert shards(alone) == shards(folders[1])


def test_an_item_looks_the_same_in_a_larger_profile(
    folders: list[Path], tiny: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XRAYBENCH_HOME", str(tmp_path))
    smaller = replace(tiny, name="smaller", train_per_cell=0, train_benign=2, test_per_cell=1)
    (folder, _) = data.make("mail", profile=smaller, seed=SEED, workers=1, quiet=True)
    small, large = data.read_dataset(folder), data.read_dataset(folders[0])
    assert set(small.scans.scan_ids) < set(large.scans.scan_ids)
    for scan in list(small.scans)[:5]:
        np.testing.assert_array_equal(scan.views[0], large.scans.load(scan.scan_id).views[0])


def test_what_is_on_disk_is_not_made_again(folders: list[Path], tiny: Profile) -> None:
    before = {path: path.stat().st_mtime_ns for folder in folders for path in folder.rglob("*")}
    assert data.make("mail", profile=tiny, seed=SEED, quiet=True) == folders
    assert {path: path.stat().st_mtime_ns for folder in folders for path in folder.rglob("*")} == before


def test_a_killed_making_leaves_whole_shards_and_is_taken_up(
    folders: list[Path], tiny: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XRAYBENCH_HOME", str(tmp_path))
    call = f"data.make('mail', profile=data.Profile(**{asdict(tiny)!r}), seed={SEED}, workers=1, quiet=True)"
    process = subprocess.Popen([sys.executable, "-c", f"from xraybench import data; {call}"], env=os.environ.copy())
    until = time.monotonic() + 120
    while not (done := sorted(tmp_path.rglob("pixels/*.npy"))) and process.poll() is None and time.monotonic() < until:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert done
    assert not list(tmp_path.rglob("dataset.json"))
    with pytest.raises(BadFile, match="interrupted"):
        data.read_dataset(done[0].parents[1])
    before = {path: path.stat().st_mtime_ns for path in done}
    again = data.make("mail", profile=tiny, seed=SEED, workers=1, quiet=True)
    finished = [path for path in done if (again[1] / "pixels" / path.name) in done]  # on both sensors
    assert {path: path.stat().st_mtime_ns for path in finished} == {path: before[path] for path in finished}
    for old, new in zip(folders, again, strict=True):
        assert shards(old) == shards(new)


def test_a_full_disk_is_told_in_a_sentence_and_the_next_call_goes_on(
    folders: list[Path], tiny: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XRAYBENCH_HOME", str(tmp_path))
    for workers in (1, 2):
        with (
            fabricated.no_file_larger_than(1_000_000),
            pytest.raises(BadFile, match=r"disk is full. 0 of 3 parts .* are finished"),
        ):
            data.make("mail", profile=tiny, seed=SEED, workers=workers, quiet=True)
        assert not list(tmp_path.rglob("*.npy"))
        assert not list(tmp_path.rglob("dataset.json"))
    again = data.make("mail", profile=tiny, seed=SEED, workers=1, quiet=True)
    assert shards(again[0]) == shards(folders[0])
    assert sorted(path.name for path in again[0].iterdir()) == sorted(path.name for path in folders[0].iterdir())


def test_two_processes_that_make_one_corpus_do_not_disturb_each_other(
    folders: list[Path], tiny: Profile, tmp_path: Path
) -> None:
    call = f"data.make('mail', profile=data.Profile(**{asdict(tiny)!r}), seed={SEED}, workers=1, quiet=True)"
    environment = {**os.environ, "XRAYBENCH_HOME": str(tmp_path)}
    both = [
        subprocess.Popen([sys.executable, "-c", f"from xraybench import data; {call}"], env=environment)
        for _ in range(2)
    ]
    assert [process.wait() for process in both] == [0, 0]
    made = sorted(path.parent for path in tmp_path.rglob("dataset.json"))
    assert [path.name for path in made] == sorted(path.name for path in folders)
    for folder in made:
        assert shards(folder) == shards(next(f for f in folders if f.name == folder.name))


def test_a_task_over_any_sensor_loads_both_corpora_as_one_dataset(folders: list[Path], tiny: Profile) -> None:
    dataset = data.load("mail-any-any-any-v1", profile=tiny, seed=SEED, quiet=True)
    assert sorted(dataset.corpora) == ["mail-mail_140kv", "mail-mail_160kv"]
    assert set(dataset.items["split"]) == {"calibration", "test"}
    assert len(dataset.items) == 10 + 32 + 12
    assert len(dataset.scans) == 2 * len(dataset.items)
    assert dataset.scans.table["scan_id"].is_monotonic_increasing
    alone = {
        corpus: data.read_dataset(folder).digest for folder in folders for corpus in data.read_dataset(folder).corpora
    }
    assert set(alone) == set(dataset.corpora)
    for scan in list(dataset.scans)[:4]:
        sensor = dataset.scans.table.set_index("scan_id").loc[scan.scan_id, "sensor"]
        single = data.read_dataset(folders[SENSORS.index(sensor)])
        np.testing.assert_array_equal(scan.views[0], single.scans.load(scan.scan_id).views[0])
        np.testing.assert_array_equal(
            dataset.track("colour").load(scan.scan_id).views[0], single.track("colour").load(scan.scan_id).views[0]
        )


def test_a_task_of_one_sensor_a_corpus_and_a_folder_load_the_same_scans(folders: list[Path], tiny: Profile) -> None:
    by_task = data.load("mail-firearm-masked-mail_160kv-v1", profile=tiny, seed=SEED, splits=ALL, quiet=True)
    by_corpus = data.load("mail-mail_160kv", profile=tiny, seed=SEED, splits=ALL, quiet=True)
    by_folder = data.load(folders[0], splits=ALL)
    assert by_task.digest == by_corpus.digest == by_folder.digest
    assert by_task.scans.scan_ids == by_corpus.scans.scan_ids == by_folder.scans.scan_ids


def test_a_misspelt_name_is_answered_with_the_nearest(tiny: Profile) -> None:
    with pytest.raises(UnknownName, match="Did you mean 'mail-mail_160kv'"):
        data.load("mail-mail_160k", profile=tiny)
    with pytest.raises(UnknownName, match="Did you mean 'mail-firearm-any-any-v1'"):
        data.load("mail-firearms-any-any-v1", profile=tiny)
    with pytest.raises(UnknownName, match="Did you mean 'test'"):
        data.load("mail-mail_160kv", splits=("tests",))
    with pytest.raises(UnknownName, match="Did you mean 'quick'"):
        data.load("mail-mail_160kv", profile="quik")
    with pytest.raises(UnknownName, match="No simulated corpus is called"):
        data.labels("mail-mail_200kv")
    with pytest.raises(BadFile, match=r"holds no dataset.json"):
        data.load("./no/such/folder")


def test_real_and_simulated_scans_are_not_joined(folders: list[Path], tmp_path: Path) -> None:
    root = fabricated.image_folder(tmp_path / "in", {"gun": 2, "other": 2})
    classes = {"gun": "firearm", "other": "benign"}
    real = data.import_folder(root, name="r", vector="mail", classes=classes, out=tmp_path / "out", quiet=True)
    with pytest.raises(BadValue, match="never share a rank"):
        data.join([data.read_dataset(folders[0]), data.read_dataset(real)], name="both")
    with pytest.raises(BadValue, match="can be joined once"):
        data.join([data.read_dataset(folders[0])] * 2, name="twice")


def test_check_finds_nothing_wrong_with_a_fresh_corpus(folders: list[Path]) -> None:
    for folder in folders:
        assert [line for line in data.check(folder) if not line.startswith("warning: ")] == []


def test_check_finds_truncated_missing_and_altered_pixels(folders: list[Path], tmp_path: Path) -> None:
    copy = tmp_path / folders[0].name
    shutil.copytree(folders[0], copy)
    first, second, third = sorted((copy / "pixels").iterdir())
    whole = third.read_bytes()
    third.write_bytes(whole[: len(whole) // 2])
    second.unlink()
    faults = "\n".join(data.check(copy))
    assert f"pixels/{third.name}: broken or truncated" in faults
    assert f"pixels/{second.name}: there is no such file" in faults
    shutil.copy(folders[0] / "pixels" / second.name, second)
    third.write_bytes(whole)
    pixels = np.load(first)
    np.save(first, np.roll(pixels, 1, axis=0))
    assert "counts from what the seed gives" in "\n".join(data.check(copy))


def test_a_truncated_shard_is_refused_in_a_sentence_when_it_is_read(folders: list[Path], tmp_path: Path) -> None:
    copy = tmp_path / folders[0].name
    shutil.copytree(folders[0], copy)
    for shard in (copy / "pixels").iterdir():
        shard.write_bytes(shard.read_bytes()[:1000])
    dataset = data.read_dataset(copy)
    with pytest.raises(BadFile, match="broken or truncated"):
        dataset.scans.load(dataset.scans.scan_ids[0])


def test_another_label_in_a_stored_corpus_is_refused(folders: list[Path], tmp_path: Path) -> None:
    copy = tmp_path / folders[0].name
    shutil.copytree(folders[0], copy)
    objects = pd.read_parquet(copy / "objects.parquet")
    objects.loc[0, "threat"] = "blade" if objects.loc[0, "threat"] != "blade" else "firearm"
    objects.to_parquet(copy / "objects.parquet")
    with pytest.raises(DigestMismatch):
        data.read_dataset(copy)


def test_a_digest_stands_for_labels_and_declarations_and_not_for_pixels(folders: list[Path], tmp_path: Path) -> None:
    copy = tmp_path / folders[0].name
    shutil.copytree(folders[0], copy)
    for shard in (copy / "pixels").iterdir():
        np.save(shard, np.load(shard) + np.uint16(1))
    assert data.read_dataset(copy).digest == data.read_dataset(folders[0]).digest
    origin = json.loads((copy / "origin.json").read_text(encoding="utf-8"))
    origin["sensor"]["source"]["kvp"] += 1
    (copy / "origin.json").write_text(json.dumps(origin), encoding="utf-8")
    with pytest.raises(DigestMismatch):
        data.read_dataset(copy)


def test_the_card_of_a_simulated_corpus_says_so_and_counts_its_cells(folders: list[Path]) -> None:
    card = data.card(folders[0])
    assert "**Simulated scans.** A score on them is no statement about performance in the field." in card
    assert "| benign | 20 | 10 | 12 | 42 |" in card
    assert "| firearm | 3 | 3 | 3 | 3 |" in card
    assert "test items with a threat" not in card  # 32 are enough
    assert card == data.card(folders[0])


def test_a_shard_holds_no_more_than_its_share(folders: list[Path]) -> None:
    stored = read_stored(folders[0])
    lengths = [len(np.load(path, mmap_mode="r")) for path in sorted((folders[0] / "pixels").iterdir())]
    assert lengths == [SHARD_ITEMS, SHARD_ITEMS, len(stored.items) - 2 * SHARD_ITEMS]


def test_fewer_than_one_worker_is_refused(tiny: Profile, home: Path) -> None:
    with pytest.raises(BadValue, match="at least 1"):
        data.make("mail", profile=tiny, seed=99, workers=0, quiet=True)
