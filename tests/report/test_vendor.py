"""The report card of a vendor: cited numbers stand where they are cited, and what is wrong with a model is on the page."""

import json
import math
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from small_board import made_signature, with_pictures

from xraybench import bench
from xraybench.core.documents import write_document
from xraybench.core.errors import DigestMismatch, UnknownName
from xraybench.core.types import Dataset
from xraybench.data.unrendered import labels_only
from xraybench.report import text, vendor, vendor_figures, vendor_tables
from xraybench.report.vendor import CardPart, ReportCard, Subject
from xraybench.simulate import difficulty


def indices(dataset: Dataset) -> pd.DataFrame:
    """An index of visibility for every threat, from 10 to 10,000, by the number of its scan."""
    columns = [column.name for column in difficulty.DIFFICULTY.columns]
    seen = dataset.objects[["scan_id", "object_index", "view"]].drop_duplicates("scan_id").reset_index(drop=True)
    frame = pd.DataFrame(0.0, index=seen.index, columns=columns).assign(**seen, level="L1")
    frame["d_q"] = 10.0 ** np.linspace(1, 4, len(frame))
    return frame


@pytest.fixture(scope="module")
def data() -> Dataset:
    plain = labels_only("mail-any-any-any-v1", profile="smoke", seed=0)
    return with_pictures(plain, difficulty=indices(plain))


@pytest.fixture(scope="module")
def board(small_board: Path) -> Path:
    return small_board


@pytest.fixture(scope="module")
def made(board: Path, data: Dataset) -> tuple[Subject, CardPart, ReportCard]:
    """The card of acme-v2 on the small board, its scans made up."""
    with pytest.MonkeyPatch.context() as patch:
        return card_of("acme-v2", board, data, patch)


def card_of(
    model: str, board: Path, data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> tuple[Subject, CardPart, ReportCard]:
    monkeypatch.setattr(vendor.data, "load", lambda *_, **__: data)
    found = vendor.subjects(model, board)
    card = vendor.report_card(found, n_examples=6)
    return found[0], card.parts[0], card


def test_every_published_number_is_cited_with_its_file_and_row(
    made: tuple[Subject, CardPart, ReportCard], board: Path
) -> None:
    _, part, card = made
    assert vendor.report_card_faults(card, board) == []
    cited = [row for row in (*part.points, *part.slices) if row.row is not None]
    assert len(cited) > 15
    for row in cited:  # the judge reads the JSON on its own
        stored = json.loads((board / row.source).read_text())["rows"][row.row]
        assert stored["metric"] == row.metric
        assert (stored["value"] is None) == math.isnan(row.value)
        assert stored["value"] is None or stored["value"] == pytest.approx(row.value)


def test_the_twin_reads_back_as_the_same_card_and_two_cards_are_the_same_bytes(
    made: tuple[Subject, CardPart, ReportCard], tmp_path: Path
) -> None:
    subject, _, card = made
    write_document(tmp_path / "a.json", card)
    write_document(tmp_path / "b.json", vendor.report_card([subject], n_examples=6))
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert "NaN" not in (tmp_path / "a.json").read_text()
    again = ReportCard.model_validate_json((tmp_path / "a.json").read_bytes())
    assert again.model_dump_json() == card.model_dump_json()


def test_a_number_changed_in_a_result_file_or_on_the_card_is_named(
    made: tuple[Subject, CardPart, ReportCard], board: Path, tmp_path: Path
) -> None:
    _, part, card = made
    mine = shutil.copytree(board, tmp_path / "leaderboards")
    file = mine / "results/acme-v2/mail-any-any-any-v1.json"
    file.write_text(file.read_text().replace('"value": 0.', '"value": 0.9', 1))
    faults = vendor.report_card_faults(card, mine)
    assert faults[0] == "results/acme-v2/mail-any-any-any-v1.json: has changed since the card was made"
    assert "is not row 0 of" in faults[1]
    better = part.slices[0].model_copy(update={"value": 0.999})
    wrong = card.model_copy(update={"parts": [part.model_copy(update={"slices": [better]})]})
    assert [fault for fault in vendor.report_card_faults(wrong, board) if "is not row 0 of" in fault]


def test_a_published_share_that_the_predictions_do_not_give_is_named(
    board: Path, data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = shutil.copytree(board, tmp_path / "leaderboards")
    file = mine / "results/acme-v2/mail-any-any-any-v1.json"
    told = json.loads(file.read_text())
    told["rows"][0].update(value=0.999, high=1.0)
    file.write_text(json.dumps(told))
    subject, _, _ = card_of("acme-v2", mine, data, monkeypatch)
    (fault,) = vendor.rescoring_faults(subject)
    assert "pd at pfa 0.05: 0.999 is published" in fault


def test_the_operating_points_are_those_of_the_plain_counts(made: tuple[Subject, CardPart, ReportCard]) -> None:
    subject, part, _ = made
    rows = subject.chosen.rows
    assert [row.at for row in part.points if row.metric == "pd"] == [0.01, 0.05, 0.1]
    for row in part.points:
        threshold = part.thresholds[f"{row.at:g}"]
        assert (subject.chosen.calibration >= threshold).mean() <= row.at
        counted = rows[rows["is_threat"] == (row.metric == "pd")]
        assert row.value == pytest.approx((counted["score"] >= threshold).mean(), abs=1e-5)
        assert row.low <= row.value <= row.high


def test_thresholds_of_each_sensor_are_tried_on_each_sensor(made: tuple[Subject, CardPart, ReportCard]) -> None:
    subject, part, _ = made
    sensors = ["mail_140kv", "mail_160kv"]
    cells = [(row.calibrated_on, row.slice_value) for row in part.transfer if row.metric == "pfa"]
    assert cells == [(source, target) for source in ("", *sensors) for target in sensors]
    scans = subject.joined.scans
    for row in part.transfer:
        is_source = scans["is_benign"] & (scans["split"] == "calibration") & (scans["declared"] != "empty")
        if row.calibrated_on:
            is_source &= scans["sensor"] == row.calibrated_on
        benign = np.sort(subject.joined.scores["any"][is_source].to_numpy())
        most = int(0.05 * len(benign) + 1e-9)  # the judge counts alarms on the sorted scores
        above = benign[len(benign) - 1 - most]
        rows = subject.chosen.rows[subject.chosen.rows["sensor"] == row.slice_value]
        counted = rows[rows["is_threat"] == (row.metric == "pd")]
        assert row.value == pytest.approx((counted["score"] > above).mean())


def test_the_worst_misses_and_the_loudest_false_alarms_are_shown(made: tuple[Subject, CardPart, ReportCard]) -> None:
    subject, part, _ = made
    rows = subject.chosen.rows
    lowest = rows[rows["is_threat"]].sort_values("score").drop_duplicates("item_id")["scan_id"]
    highest = rows[~rows["is_threat"]].sort_values("score", ascending=False).drop_duplicates("item_id")["scan_id"]
    assert [e.scan_id for e in part.misses] == list(lowest[: len(part.misses)])
    assert [e.scan_id for e in part.false_alarms] == list(highest[: len(part.false_alarms)])
    assert all(e.score < subject.threshold and e.threat for e in part.misses)
    assert all(e.score >= subject.threshold and not e.threat for e in part.false_alarms)
    assert part.n_missed == (rows["is_threat"] & (rows["score"] < subject.threshold)).sum()


def test_a_picture_boxes_the_threat_in_red_where_it_is(made: tuple[Subject, CardPart, ReportCard]) -> None:
    subject, part, _ = made
    example = part.misses[0]
    small = np.asarray(vendor_figures.thumbnail(subject, example.scan_id, longest_px=160)).astype(int)
    objects = subject.dataset.objects
    box = objects[objects["scan_id"] == example.scan_id].iloc[0]
    row, left, right = round(box["y0"]), round(box["x0"]), round(box["x1"])
    edge = small[row, left:right]
    is_red = (edge[:, 0] > 180) & (edge[:, 1] < 60)
    assert is_red.mean() > 0.9


def test_pictures_carry_their_words_and_real_scans_are_not_shown_unasked(
    made: tuple[Subject, CardPart, ReportCard],
) -> None:
    subject, part, _ = made
    shown = vendor_figures.pictures(subject, part, "misses")._repr_html_()
    assert shown.count("<img") == len(part.misses)
    assert all(re.search(r"\w+.*, mail_1\d0kv, score 0\.\d+", alt) for alt in re.findall(r'alt="([^"]*)"', shown))
    real = Subject(**{**vars_of(subject), "dataset": as_real(subject.dataset)})
    hidden = vendor_figures.pictures(real, part, "misses", are_shown=False)._repr_html_()
    assert "<img" not in hidden
    assert "only where their owner allows it" in hidden


def vars_of(subject: Subject) -> dict[str, object]:
    return {name: getattr(subject, name) for name in Subject.__dataclass_fields__}


def as_real(dataset: Dataset) -> Dataset:
    from dataclasses import replace

    return replace(dataset, is_simulated=False)


def test_a_report_card_whose_board_has_changed_is_made_again(
    made: tuple[Subject, CardPart, ReportCard], board: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run is named by predictions alone, and imported data may be ranked after its card was made."""
    _, _, card = made
    mine = shutil.copytree(board, tmp_path / "leaderboards")
    write_document(tmp_path / "run/report_card/acme-v2.json", card)
    done = tmp_path / "run" / bench.notebooks.DONE
    done.write_text("{}")
    monkeypatch.setattr(bench.notebooks, "plan", lambda *_: (None, tmp_path / "run"))
    steps = [bench.Step("60_vendor_report_card", {"model": "acme-v2"})]
    bench._forget_stale(steps, mine)
    assert done.exists()
    ranks = mine / "results/_ranks/raw/mail-any-any-any-v1.json"
    ranks.write_text(ranks.read_text() + " ")
    bench._forget_stale(steps, mine)
    assert not done.exists()


def test_versions_of_one_base_name_are_told_with_their_paired_change(
    made: tuple[Subject, CardPart, ReportCard],
) -> None:
    subject, part, _ = made
    assert [row.model for row in part.versions] == ["acme-v1", "acme-v2"]
    step = part.versions[1]
    pair = next(p for p in subject.ranks.pairs if {p.a, p.b} == {"acme-v1", "acme-v2"})
    assert step.difference == pytest.approx(pair.difference if pair.a == "acme-v2" else -pair.difference)
    assert step.difference == pytest.approx(step.value - part.versions[0].value, abs=1e-5)
    assert step.difference_low < step.difference < step.difference_high
    assert "1 found more, 0 found less" in vendor_tables.versions_sentence(part)


def test_one_version_only_is_said_to_be_so(board: Path, data: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    _, part, _ = card_of("rival", board, data, monkeypatch)
    assert "one version only" in vendor_tables.versions_sentence(part)


def test_a_model_trained_on_from_anothers_weights_is_its_next_version(board: Path, tmp_path: Path) -> None:
    mine = shutil.copytree(board, tmp_path / "leaderboards")
    shutil.copytree(mine / "results/rival", mine / "results/tuned")
    write_document(mine / "models/tuned.json", made_signature("tuned", init="weights of rival"))
    assert vendor.family("rival", mine) == vendor.family("tuned", mine) == [("rival", "1"), ("tuned", "2")]


def test_versions_are_ordered_as_numbers_and_other_endings_are_no_versions(board: Path, tmp_path: Path) -> None:
    for name in ("x-v2", "x-v10", "x-v1.5", "resnet-raw-160kv", "acme_004", "acme_011"):
        shutil.copytree(board / "results/rival", tmp_path / "results" / name)
    assert [version for _, version in vendor.family("x-v10", tmp_path)] == ["1.5", "2", "10"]
    assert [name for name, _ in vendor.family("acme_011", tmp_path)] == ["acme_004", "acme_011"]
    assert vendor.family("resnet-raw-160kv", tmp_path) == [("resnet-raw-160kv", "1")]


def test_what_the_board_cannot_tell_apart_is_said(made: tuple[Subject, CardPart, ReportCard]) -> None:
    _, part, _ = made
    assert {rival.model for rival in part.place.rivals} == {"acme-v1", "rival"}
    for rival in part.place.rivals:
        assert rival.is_told_apart == (rival.p_holm < 0.05)
        assert rival.low <= rival.difference <= rival.high
    alike = sorted(rival.model for rival in part.place.rivals if not rival.is_told_apart)
    assert len(alike) in (1, 2)
    assert f"cannot tell it apart from {text.listed(alike)}." in vendor_tables.place_sentence(part)
    assert "A true difference of pd" in vendor_tables.place_sentence(part)


def test_the_det_curve_is_drawn_in_normal_deviates_with_its_band(made: tuple[Subject, CardPart, ReportCard]) -> None:
    subject, part, _ = made
    picture = vendor_figures.det(subject.curves, "acme-v2", points=vendor_tables.achieved(part))
    mine = next(curve for curve in subject.curves.curves if curve.model == "acme-v2")
    grid = [(x, y) for x, y in zip(subject.curves.pfa, mine.pd, strict=True) if 0 < x <= 0.6]
    line = next(line for line in picture.axes[0].lines if line.get_label() == "acme-v2")
    inside = [(norm.ppf(x), norm.ppf(1 - y)) for x, y in grid if 1e-4 < 1 - y < 1 - 1e-4]
    drawn = {(round(x, 6), round(y, 6)) for x, y in zip(*line.get_data(), strict=True)}
    assert {(round(x, 6), round(y, 6)) for x, y in inside} <= drawn
    assert len(picture.axes[0].collections) == 1  # the band
    assert "2 other models" in picture.alt


def test_the_psychometric_curve_rests_on_the_threats_that_have_the_index(
    made: tuple[Subject, CardPart, ReportCard], board: Path, data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, part, _ = made
    assert part.visibility is not None
    assert part.visibility.n_threats + part.visibility.n_without_index == part.n_threats
    assert part.visibility.n_missed == part.n_missed
    bare = with_pictures(labels_only("mail-any-any-any-v1", profile="smoke", seed=0))
    _, without, _ = card_of("acme-v2", board, bare, monkeypatch)
    assert without.visibility is None


def test_a_mark_beyond_what_the_threats_show_is_not_extrapolated(
    made: tuple[Subject, CardPart, ReportCard], monkeypatch: pytest.MonkeyPatch
) -> None:
    subject, _, _ = made
    curve, threats = vendor.visibility(subject, "d_q")
    monkeypatch.setattr(vendor, "MARKS", (0.999999, 0.000001))
    for mark in vendor.report_card([subject]).parts[0].visibility.marks:
        assert math.isnan(mark.index)
        outside, _ = curve.index_at(mark.pd)
        is_seen = threats["index"].min() <= outside <= threats["index"].max()
        assert not is_seen  # nor where the slope is uncertain: then the curve passes no mark at all
        assert mark.reason


def test_other_scans_than_those_of_the_results_are_refused(board: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = labels_only("mail-any-any-any-v1", profile="smoke", seed=1)
    monkeypatch.setattr(vendor.data, "load", lambda *_, **__: other)
    with pytest.raises(DigestMismatch, match=r"these scans are .*seed 1"):
        vendor.subjects("acme-v2", board, seed=1)


def test_an_unknown_model_or_suite_is_answered_with_what_there_is(board: Path) -> None:
    with pytest.raises(UnknownName, match=r"Did you mean 'acme-v2'"):
        vendor.subjects("acme-v3", board)
    with pytest.raises(UnknownName, match=r"no result of rival on simulated parcel; it has mail"):
        vendor.subjects("rival", board, vector="parcel")
