"""What may stand in one rank together, in which order, and what of it is stale."""

import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from made_results import MODELS, curve_file, rank_file, result_file, signature

from xraybench.core.documents import ResultFile
from xraybench.core.errors import BadFile
from xraybench.report import board as boards
from xraybench.report import index, results, text
from xraybench.report.board import Grid, Standing, Suite, sensors_of
from xraybench.report.results import CurveFile, RankFile

TASK = "mail-any-any-any-v1"
REAL = "baggage-any-any-unknown-v1"


def files_of(task: str = TASK, **options: bool) -> list[ResultFile]:
    return [result_file(task, model, **options) for model in MODELS]


def shard_of(folder: Path, files: list[ResultFile]) -> pa.Table:
    """The shard of files of one task."""
    for file in files:
        results.save(file, folder)
    return index.read_shard(folder, results.stem_of(files[0]), sorted(file.model for file in files))


def suites_of(folder: Path, files: list[ResultFile], *, ranks: tuple[RankFile, ...] = ()) -> list[Suite]:
    """The suites of these files, as a build sorts them; raises what a build raises."""
    faults: list[str] = []
    standings: list[Standing] = []
    for stem in sorted({results.stem_of(file) for file in files}):
        table = shard_of(folder, [file for file in files if results.stem_of(file) == stem])
        found, left = boards.standings_of(stem, table, [r for r in ranks if r.task == stem], faults)
        faults += [f"rank sets of {r.task}: no result file rests on the same data" for r in left]
        standings += found
    suites = boards.suites_of(standings, faults)
    boards.refuse(faults)
    return suites


def test_simulated_and_real_results_are_never_in_one_suite(tmp_path: Path) -> None:
    found = suites_of(tmp_path, [*files_of(), *files_of(REAL, is_simulated=False)])
    assert [(s.is_simulated, s.track, s.main.task.id) for s in found] == [
        (True, "raw", TASK),
        (True, "colour", TASK),
        (False, "grey", REAL),
    ]
    assert not set(found[0].corpora.items()) & set(found[2].corpora.items())


def test_real_results_of_one_vector_on_different_data_are_different_suites(tmp_path: Path) -> None:
    ours, theirs = files_of(REAL, is_simulated=False)[:2]
    theirs = theirs.model_copy(update={"corpora": {"baggage-unknown": "f" * 32}})
    found = suites_of(tmp_path, [ours, theirs])
    assert [suite.models for suite in found] in ([(ours.model,), (theirs.model,)], [(theirs.model,), (ours.model,)])


def test_raw_and_colour_are_ranked_apart(tmp_path: Path) -> None:
    raw, colour = suites_of(tmp_path, files_of())
    assert [(raw.track, len(raw.models)), (colour.track, len(colour.models))] == [("raw", 5), ("colour", 1)]


def test_simulated_results_on_different_data_are_refused_with_who_used_which(tmp_path: Path) -> None:
    files = files_of()
    files[2] = files[2].model_copy(update={"corpora": {**files[2].corpora, "mail-mail_160kv": "a" * 32}})
    with pytest.raises(BadFile, match="corpus mail-mail_160kv comes with 2 digests") as told:
        suites_of(tmp_path, files)
    assert f"aaaaaaaaaaaa: {MODELS[2].name}" in str(told.value)


def test_rank_sets_from_other_predictions_are_stale(tmp_path: Path) -> None:
    files = files_of()[:5]
    ranked = rank_file(files)
    files[1] = files[1].model_copy(update={"predictions_digest": "b" * 32})
    with pytest.raises(BadFile, match=f"stale for {MODELS[1].name}"):
        suites_of(tmp_path, files, ranks=(ranked,))


def test_rank_sets_that_leave_a_model_out_are_stale(tmp_path: Path) -> None:
    files = files_of()[:5]
    with pytest.raises(BadFile, match=f"stale for {MODELS[4].name}"):
        suites_of(tmp_path, files, ranks=(rank_file(files[:4]),))


def test_rank_sets_with_another_estimate_than_the_results_are_refused(tmp_path: Path) -> None:
    files = files_of()[:5]
    ranked = rank_file(files)
    wrong = ranked.rows[0].model_copy(update={"estimate": 0.123})
    with pytest.raises(BadFile, match=r"has 0\.123, its result file"):
        suites_of(tmp_path, files, ranks=(ranked.model_copy(update={"rows": [wrong, *ranked.rows[1:]]}),))


def test_rank_sets_of_data_that_no_result_rests_on_are_refused(tmp_path: Path) -> None:
    files = files_of()[:5]
    elsewhere = rank_file(files).model_copy(update={"corpora": {"mail-mail_160kv": "c" * 32}})
    with pytest.raises(BadFile, match="no result file rests on the same data"):
        suites_of(tmp_path, files, ranks=(elsewhere,))


def test_curves_from_other_predictions_are_stale(tmp_path: Path) -> None:
    files = files_of()[:5]
    curves: CurveFile = curve_file(files)
    table = shard_of(tmp_path, files)
    assert boards.curve_faults(curves, table, TASK) == []
    moved = {**curves.predictions, MODELS[1].name: "b" * 32}
    (fault,) = boards.curve_faults(curves.model_copy(update={"predictions": moved}), table, TASK)
    assert f"stale for {MODELS[1].name}" in fault


def test_a_track_that_would_lead_out_of_the_site_is_refused(tmp_path: Path) -> None:
    file = files_of()[0].model_copy(update={"track": "../../evil"})
    with pytest.raises(BadFile, match=r"'\.\./\.\./evil' is no name of a track"):
        suites_of(tmp_path, [file])


def test_models_stand_in_the_order_of_their_ranks(tmp_path: Path) -> None:
    files = files_of()[:5]
    ranked = rank_file(files)
    (suite,) = suites_of(tmp_path, files, ranks=(ranked,))
    told = {row.model: row for row in ranked.rows}
    main = suite.main
    assert [told[m].rank_low for m in main.models] == main.rank_low.tolist() == sorted(main.rank_low.tolist())
    assert [told[m].estimate for m in main.models] == pytest.approx(main.pd.value.tolist(), abs=1e-5)
    assert [letter for letter, _ in main.bands()] == sorted({text.band_letter(row.band) for row in ranked.rows})
    assert main.is_best == [told[m].rank_low == 1 for m in main.models]


def test_without_rank_sets_the_order_of_two_models_depends_on_nobody_else(tmp_path: Path) -> None:
    everyone = suites_of(tmp_path / "all", files_of()[:5])[0].main.models
    for absent in everyone:
        (suite,) = suites_of(tmp_path / absent, [file for file in files_of()[:5] if file.model != absent])
        assert suite.main.models == tuple(model for model in everyone if model != absent)


def test_the_widest_task_is_the_main_one(tmp_path: Path) -> None:
    narrow = [result_file(f"mail-{threat}-any-any-v1", MODELS[0]) for threat in ("firearm", "blade")]
    (suite,) = suites_of(tmp_path, [*narrow, result_file(TASK, MODELS[0])])
    assert suite.main.task.id == TASK
    assert [standing.task.threat for standing in suite.along("threat")] == ["firearm", "blade"]


def test_of_two_versions_of_a_task_the_newer_is_shown(tmp_path: Path) -> None:
    old, new = result_file(TASK, MODELS[0]), result_file("mail-any-any-any-v2", MODELS[0])
    (suite,) = suites_of(tmp_path, [old, new])
    assert suite.main.task.version == 2
    assert [standing.task.version for standing in suite.newest.values()] == [2]


def test_every_number_of_the_files_is_found_in_the_grid(tmp_path: Path) -> None:
    files = files_of()
    models = [file.model for file in reversed(files)]
    grid = Grid(shard_of(tmp_path, files), models)
    for file in files:
        place = models.index(file.model)
        for row in file.rows:
            column = grid.column(row.metric, row.at, row.slice_axis, row.slice_value)
            assert column.value[place] == pytest.approx(row.value, abs=1e-5, nan_ok=True)
            assert column.high[place] == pytest.approx(row.high, abs=1e-5, nan_ok=True)
            assert column.reasons[place] == row.reason
            n = row.n_threats if row.metric in ("pd", "localisation_hit_rate") else row.n_items
            assert column.n[place] == n


def test_a_task_that_was_not_run_differs_from_one_that_is_undefined(tmp_path: Path) -> None:
    files = [result_file(TASK, MODELS[0]), result_file("mail-blade-any-any-v1", MODELS[1])]
    (suite,) = suites_of(tmp_path, files)
    blade = suite.newest["blade", "any", "any"]
    assert blade.pd.of([blade.place.get(MODELS[0].name, -1)]).reasons[0].startswith("not run")
    grid = Grid(shard_of(tmp_path, files[:1]), [MODELS[0].name])
    assert grid.column("pd", 0.05, "size", "large").reasons[0].startswith("too few")
    assert grid.column("pd", 0.05, "size", "huge").reasons[0] == boards.NOT_IN_FILE
    assert np.isnan(grid.column("pd", 0.05, "size", "huge").value).all()


def test_all_suites_know_all_their_models(tmp_path: Path) -> None:
    files = [result_file(TASK, MODELS[0]), result_file("mail-blade-any-any-v1", MODELS[1])]
    (suite,) = suites_of(tmp_path, files)
    assert suite.models == (MODELS[0].name, MODELS[1].name)


def test_training_sensors_are_read_from_sites_and_corpora_too() -> None:
    told = signature(MODELS[0])
    sites = [
        {"name": "north", "corpora": {"mail-mail_160kv": "0"}},
        {"name": "south", "corpora": {"mail-mail_140kv": "0"}},
    ]
    assert sensors_of(told.model_copy(update={"training": {"sites": sites}})) == ("mail_140kv", "mail_160kv")
    assert sensors_of(told.model_copy(update={"training": {"corpora": {"mail-mail_160kv": "0"}}})) == ("mail_160kv",)
    assert sensors_of(told.model_copy(update={"training": {}})) == ()


@pytest.mark.parametrize(("band", "letters"), [(1, "A"), (26, "Z"), (27, "AA"), (52, "AZ"), (53, "BA")])
def test_bands_are_lettered(band: int, letters: str) -> None:
    assert text.band_letter(band) == letters


def test_numbers_are_written_by_hand_checked_rules() -> None:
    assert text.number(0.8349) == "0.83"
    assert text.number(0.0533, "pfa") == "0.053"
    assert text.number(math.nan) == "n/a"
    assert text.number(12.84, "latency_p95_ms") == "12.8"
    assert text.difference(-0.0004) == "0.00"
    assert text.difference(-0.126) == "\N{MINUS SIGN}0.13"
    assert text.p_value(0.0) == "< 0.001"
    assert text.ranks(1, 4) == "1\N{EN DASH}4"
    assert text.term("in_article") == "in article"
    assert text.term("mail_160kv") == "mail_160kv"


def test_a_signature_of_another_model_is_named(made_board: Path, tmp_path: Path) -> None:
    from xraybench.report.leaderboard import read_signatures

    (tmp_path / "a.json").write_text((made_board / "models" / "classical-raw.json").read_text())
    (tmp_path / "b.json").write_text("{}")
    with pytest.raises(BadFile) as told:
        read_signatures(tmp_path, ["a", "b", "no-signature"])
    assert "the file says 'classical-raw', its name says 'a'" in str(told.value)
    assert "b.json" in str(told.value)
