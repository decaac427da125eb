"""What may stand on one board together, and in which order."""

import math
from pathlib import Path

import pytest
from made_results import MODELS, rank_file, result_file, signature

from xraybench.core.documents import ResultFile
from xraybench.core.errors import BadFile
from xraybench.report import results, text
from xraybench.report.board import boards, sensors_of

TASK = "mail-any-any-any-v1"
REAL = "baggage-any-any-unknown-v1"


def files_of(task: str = TASK, **options: bool) -> list[ResultFile]:
    return [result_file(task, model, **options) for model in MODELS]


def test_simulated_and_real_results_stand_on_different_boards() -> None:
    found = boards([*files_of(), *files_of(REAL, is_simulated=False)])
    assert [(board.is_simulated, board.main.id) for board in found] == [(True, TASK), (False, REAL)]
    assert not set(found[0].corpora.items()) & set(found[1].corpora.items())


def test_real_results_of_one_vector_on_different_data_stand_on_different_boards() -> None:
    ours, theirs = files_of(REAL, is_simulated=False)[:2]
    theirs = theirs.model_copy(update={"corpora": {"baggage-unknown": "f" * 32}})
    assert len(boards([ours, theirs])) == 2


def test_raw_and_colour_are_ranked_apart() -> None:
    (board,) = boards(files_of())
    assert [track.name for track in board.tracks] == ["raw", "colour"]
    assert [len(track.entries) for track in board.tracks] == [5, 1]


def test_simulated_results_on_different_data_are_refused_with_who_used_which() -> None:
    files = files_of()
    files[2] = files[2].model_copy(update={"corpora": {**files[2].corpora, "mail-mail_160kv": "a" * 32}})
    with pytest.raises(BadFile, match="corpus mail-mail_160kv comes with 2 digests") as told:
        boards(files)
    assert f"aaaaaaaaaaaa: {MODELS[2].name}" in str(told.value)


def test_rank_sets_from_other_predictions_are_stale() -> None:
    files = files_of()[:5]
    ranked = rank_file(files)
    files[1] = files[1].model_copy(update={"predictions_digest": "b" * 32})
    with pytest.raises(BadFile, match=f"stale for {MODELS[1].name}"):
        boards(files, rank_files=[ranked])


def test_rank_sets_that_leave_a_model_out_are_stale() -> None:
    files = files_of()[:5]
    with pytest.raises(BadFile, match=f"stale for {MODELS[4].name}"):
        boards(files, rank_files=[rank_file(files[:4])])


def test_rank_sets_with_another_estimate_than_the_results_are_refused() -> None:
    files = files_of()[:5]
    ranked = rank_file(files)
    wrong = ranked.rows[0].model_copy(update={"estimate": 0.123})
    with pytest.raises(BadFile, match=r"has 0\.123, its result file"):
        boards(files, rank_files=[ranked.model_copy(update={"rows": [wrong, *ranked.rows[1:]]})])


def test_rank_sets_of_data_that_no_result_rests_on_are_refused() -> None:
    files = files_of()[:5]
    with pytest.raises(BadFile, match="no result file rests on the same data"):
        boards(files, rank_files=[rank_file(files).model_copy(update={"corpora": {"mail-mail_160kv": "c" * 32}})])


def test_without_rank_sets_the_order_of_two_models_depends_on_nobody_else() -> None:
    everyone = boards(files_of()[:5])[0].tracks[0]
    order = [entry.model for entry in everyone.entries]
    for absent in order:
        (board,) = boards([file for file in files_of()[:5] if file.model != absent])
        assert [entry.model for entry in board.tracks[0].entries] == [model for model in order if model != absent]


def test_the_widest_task_is_the_main_one() -> None:
    narrow = [result_file(f"mail-{threat}-any-any-v1", MODELS[0]) for threat in ("firearm", "blade")]
    (board,) = boards([*narrow, result_file(TASK, MODELS[0])])
    assert board.main.id == TASK
    assert [task.threat for task in board.along("threat")] == ["firearm", "blade"]


def test_of_two_versions_of_a_task_the_newer_is_shown() -> None:
    old, new = result_file(TASK, MODELS[0]), result_file("mail-any-any-any-v2", MODELS[0])
    (board,) = boards([old, new])
    assert board.main.version == 2
    assert [task.version for task in board.newest] == [2]


def test_the_worst_slice_is_sought_among_those_with_a_number() -> None:
    (board,) = boards(files_of())
    entry = next(e for e in board.tracks[0].entries if e.model == "classical-raw")
    axis, value = board.worst_slice(entry) or ("", "")
    worst = results.find(entry.files[TASK], "pd", 0.05, axis, value)
    known = [r.value for r in entry.files[TASK].rows if r.slice_axis and r.metric == "pd" and not math.isnan(r.value)]
    assert worst is not None
    assert worst.value == min(known)


def test_a_task_that_was_not_run_differs_from_one_that_is_undefined() -> None:
    (board,) = boards([result_file(TASK, MODELS[0]), result_file("mail-blade-any-any-v1", MODELS[1])])
    entries = {entry.model: entry for entry in board.tracks[0].entries}
    assert entries[MODELS[1].name].number(TASK, "pd", 0.05).reason.startswith("not run")
    assert entries[MODELS[0].name].number(TASK, "pd", 0.05, "size", "large").reason.startswith("too few")


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
