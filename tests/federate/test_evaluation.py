"""Evaluation over sites: what comes out is what one place with all gridded scores would say, and no site can be read."""

import dataclasses
import itertools
import json
import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labelled import dealt, labelled, only, said
from sklearn.metrics import average_precision_score, roc_auc_score

from xraybench import tasks
from xraybench.core.errors import BadParameter, BadValue, Refused, UnknownName
from xraybench.core.types import Dataset, Predictions
from xraybench.data import agreement as agreements
from xraybench.evaluate.select import counted_boxes, join, select
from xraybench.federate import answer, decisions, evaluation, release
from xraybench.federate.question import (
    N_FIRST,
    EvaluationQuestion,
    FederatedResult,
    layout,
    make_question,
    question_digest,
    strata_faults,
    strata_told,
)
from xraybench.metrics import box_precision, histograms

NAMES = ("north", "south", "west", "east", "harbour")
TASK = "mail-any-any-mail_160kv-v1"
QUESTION = EvaluationQuestion(task=TASK, model="toy", model_digest="m1", axes=["threat", "concealment"])


@pytest.fixture(scope="module")
def whole() -> Dataset:
    """Test and calibration items of one corpus, labels only."""
    return labelled()


@pytest.fixture(scope="module")
def predictions(whole: Dataset) -> Predictions:
    """What a model said about all of them."""
    return said(whole)


@pytest.fixture
def sites(whole: Dataset, predictions: Predictions, tmp_path) -> dict[str, answer.EvaluationSite]:
    """The items dealt to five sites, none to two."""
    return {
        name: answer.EvaluationSite(
            name, part, only(part, predictions), "m1", tmp_path / name, approve=release.unattended
        )
        for name, part in dealt(whole, NAMES).items()
    }


class Wire:
    """Carries messages between coordinator and sites as bytes, and keeps what sites sent."""

    def __init__(self, sites, *, lose: str = "", at: str = "sum"):
        self.sites, self.lose, self.at, self.sent = dict(sites), lose, at, []

    def __call__(self, name, step, header):
        if name == self.lose and step == self.at:
            raise BadValue(f"site {name} cannot be reached.")
        told, counts = answer.site_step(self.sites[name], step, json.loads(json.dumps(header)))
        self.sent.append(
            (name, step, json.dumps(told).encode() + b"".join(array.tobytes() for array in counts.values()))
        )
        return json.loads(json.dumps(told)), counts


def value(result: FederatedResult, metric: str, axis: str = "", of: str = "", at: float | None = None) -> float:
    (row,) = [r for r in result.rows if (r.metric, r.slice_axis, r.slice_value) == (metric, axis, of)
              and (at is None or r.at == at)]  # fmt: skip
    return row.value


def gridded(whole: Dataset, predictions: Predictions):
    chosen = select(tasks.get(TASK), join(whole, predictions))
    return chosen, histograms.bin_scores()[histograms.bin_of(chosen.scores)]


def test_the_pooled_numbers_are_those_of_one_place_with_all_gridded_scores(whole, predictions, sites):
    result = evaluation.evaluate_across(QUESTION, NAMES, Wire(sites))
    chosen, scores = gridded(whole, predictions)
    assert value(result, "auroc") == pytest.approx(
        roc_auc_score(chosen.is_threat, scores), abs=1e-5
    )  # kept to 6 digits
    counts = histograms.counts_of(chosen.scores, chosen.is_threat)
    assert histograms.auroc(counts).value == pytest.approx(roc_auc_score(chosen.is_threat, scores), abs=1e-12)
    assert value(result, "average_precision") == pytest.approx(
        average_precision_score(chosen.is_threat, scores), abs=1e-12
    )
    at = histograms.bin_at_pfa(np.bincount(histograms.bin_of(chosen.calibration), minlength=histograms.N_BINS), 0.05)
    bins = histograms.bin_of(chosen.scores)
    assert value(result, "pd", at=0.05) == (bins[chosen.is_threat] >= at).mean()
    assert value(result, "pfa", at=0.05) == (bins[~chosen.is_threat] >= at).mean()
    assert value(result, "auroc") == pytest.approx(roc_auc_score(chosen.is_threat, chosen.scores), abs=5e-4)


def test_box_precision_is_that_of_all_gridded_boxes_in_one_place(whole, predictions, sites):
    result = evaluation.evaluate_across(QUESTION, NAMES, Wire(sites))
    joined = join(whole, predictions)
    boxes = counted_boxes(tasks.get(TASK), joined, select(tasks.get(TASK), joined))
    grid = dataclasses.replace(boxes.found, score=histograms.bin_scores()[histograms.bin_of(boxes.found.score)])
    judge = box_precision.box_precision(boxes.truth, grid, iou=(0.5,)).mean
    assert value(result, "coco_ap50") == pytest.approx(judge, abs=0.002)  # boxes of one bin are taken together
    assert 0.05 < judge < 0.95


def test_every_stratum_is_that_of_the_pooled_items(whole, predictions, sites):
    result = evaluation.evaluate_across(QUESTION, NAMES, Wire(sites))
    chosen, _ = gridded(whole, predictions)
    bins = histograms.bin_of(chosen.scores)
    at = histograms.bin_at_pfa(np.bincount(histograms.bin_of(chosen.calibration), minlength=histograms.N_BINS), 0.05)
    seen = 0
    for row in result.rows:
        if row.metric == "pd" and row.slice_axis in ("threat", "concealment") and not row.reason:
            inside = (chosen.rows[row.slice_axis] == row.slice_value).to_numpy() & chosen.is_threat
            assert row.value == (bins[inside] >= at).mean()
            assert row.n_items == inside.sum()
            seen += 1
    assert seen >= 6


def test_site_rows_add_up_to_the_pooled_row_and_are_told_beside_a_bootstrap_of_sites(sites):
    result = evaluation.evaluate_across(QUESTION, NAMES, Wire(sites))
    assert {row.site for row in result.site_rows} == set(NAMES)
    hits = sum(row.n_hits for row in result.site_rows)
    threats = sum(row.n_threats for row in result.site_rows)
    assert value(result, "pd", at=0.05) == pytest.approx(hits / threats)
    assert value(result, "pd", "sites", "bootstrap") == pytest.approx(hits / threats)
    assert value(result, "pfa", "site", "north") == result.site_rows[0].n_alarms / result.site_rows[0].n_benign


def test_one_threshold_is_set_on_all_sites_together(whole, predictions, sites):
    result = evaluation.evaluate_across(QUESTION, NAMES, Wire(sites))
    chosen, _ = gridded(whole, predictions)
    assert (chosen.calibration >= result.threshold).mean() <= 0.05


def test_nothing_that_a_site_sends_holds_an_id_or_its_own_counts(whole, sites):
    wire = Wire(sites)
    evaluation.evaluate_across(QUESTION, NAMES, wire)
    ids = [*whole.items["item_id"][:50], *whole.scans.table["scan_id"][:50]]
    for name, step, payload in wire.sent:
        assert not any(one.encode() in payload for one in ids)
        if step == "sum":
            site = sites[name]
            joined = join(site.dataset, site.predictions)
            chosen = select(tasks.get(TASK), joined)
            counts = answer.count(QUESTION, chosen, counted_boxes(tasks.get(TASK), joined, chosen))
            sent = np.frombuffer(payload[-counts.size * 8 :], dtype="<u8").reshape(counts.shape)
            assert (sent == counts).mean() < 0.001
            assert np.unique(sent).size > 0.999 * sent.size


def test_a_site_that_drops_out_before_its_sum_is_named_and_the_others_are_asked_again(sites):
    wire = Wire(sites, lose="west")
    result = evaluation.evaluate_across(QUESTION, NAMES, wire)
    assert {one.site for one in result.sites} == set(NAMES) - {"west"}
    assert "cannot be reached" in result.absent["west"]
    released = [entry for entry in decisions.read(sites["north"].log) if entry.facts]
    assert len(released) == 2  # a person was asked again, and told that it is the second time
    assert released[0].facts["payload"] != released[1].facts["payload"]


def test_fewer_than_three_sites_are_not_summed(sites):
    with pytest.raises(Refused, match="2 sites can answer and 3 are needed"):
        evaluation.evaluate_across(QUESTION, NAMES[:2], Wire(sites))


def test_a_model_is_answered_for_once(sites):
    evaluation.evaluate_across(QUESTION, NAMES, Wire(sites))
    other = QUESTION.model_copy(update={"axes": ["threat"]})
    with pytest.raises(Refused, match=r"(?s)2 sites can answer.*difference of two answers"):
        evaluation.evaluate_across(other, NAMES, Wire(sites))


def test_the_same_scans_at_two_sites_are_refused(sites):
    twice = {**sites, "south": dataclasses.replace(sites["north"], name="south", state=sites["south"].state)}
    with pytest.raises(BadValue, match="north and south bring the same scans"):
        evaluation.evaluate_across(QUESTION, NAMES, Wire(twice))


def test_a_site_with_another_model_or_too_little_data_is_named(sites):
    items = sites["south"].dataset.items
    few = items["split"].eq("calibration") | (items.index % 100 == 0)
    poor = dataclasses.replace(sites["south"], dataset=sites["south"].dataset.where(few))
    poor = dataclasses.replace(poor, predictions=only(poor.dataset, poor.predictions))
    other = dataclasses.replace(sites["north"], model_digest="m2")
    result = evaluation.evaluate_across(QUESTION, NAMES, Wire({**sites, "south": poor, "north": other}))
    assert "holds model m2" in result.absent["north"]
    assert "too little data" in result.absent["south"]


def agreed(sites, tmp_path, **changed):
    """The sites, each with an agreement of its own."""
    found = {}
    for name, site in sites.items():
        folder = tmp_path / f"data-{name}"
        folder.mkdir(exist_ok=True)
        (folder / agreements.FILE).write_text(agreements.template(name))
        agreement = agreements.read_agreement(folder).model_copy(update=changed)
        found[name] = dataclasses.replace(site, agreement=agreement)
    return found


def test_an_agreement_that_forbids_the_purpose_keeps_its_site_out(sites, tmp_path):
    bound = agreed(sites, tmp_path)
    rule = agreements.Rule(party="coordinator", actions=["evaluate"], purposes=["benchmark"])
    bound["east"] = dataclasses.replace(
        bound["east"], agreement=bound["east"].agreement.model_copy(update={"forbid": [rule]})
    )
    result = evaluation.evaluate_across(QUESTION, NAMES, Wire(bound))
    assert "forbidden" in result.absent["east"]
    assert decisions.faults(bound["east"].log) == []
    assert {row.reason != "" for row in result.site_rows} == {True}  # see_site stands in no agreement
    assert math.isnan(value(result, "pd", "sites", "bootstrap"))


def test_the_row_of_one_site_cannot_be_told_by_the_rows_of_all_others(sites, tmp_path):
    rule = agreements.Rule(party="coordinator", actions=["evaluate", "see_aggregate", "see_slice", "see_site"])
    open_to_all = agreed(sites, tmp_path, permit=[rule], minimum_cell=1)
    silent = agreed({"harbour": sites["harbour"]}, tmp_path)
    result = evaluation.evaluate_across(QUESTION, NAMES, Wire({**open_to_all, **silent}))
    told = {row.site: row.reason for row in result.site_rows}
    assert "no rule permits 'see_site'" in told["harbour"]
    assert told["east"] == (
        "its row is left out so that the one of harbour cannot be told by difference to the pooled numbers"
    )
    assert [name for name, reason in told.items() if not reason] == ["north", "south", "west"]


def test_a_person_who_refuses_keeps_the_counts_at_home(sites):
    def no(payload: release.Payload) -> release.Answer:
        assert "north" in payload.text and "mail-any-any" in payload.text
        return release.Answer(False, "the officer on duty", "the model is not known here")

    wire = Wire({**sites, "east": dataclasses.replace(sites["east"], approve=no)})
    result = evaluation.evaluate_across(QUESTION, NAMES, wire)
    assert "the model is not known here" in result.absent["east"]


def test_the_number_of_releases_and_the_budget_are_limits(sites, tmp_path):
    bound = agreed(sites, tmp_path, releases=1)
    evaluation.evaluate_across(QUESTION, NAMES, Wire(bound))
    bound = {name: dataclasses.replace(site, model_digest="m2") for name, site in bound.items()}
    second = QUESTION.model_copy(update={"model_digest": "m2"})
    with pytest.raises(Refused, match="1 of 1 agreed releases are used"):
        evaluation.evaluate_across(second, NAMES, Wire(bound))
    bound = agreed(sites, tmp_path, epsilon=1.0)
    bound = {name: dataclasses.replace(site, model_digest="m3") for name, site in bound.items()}
    third = QUESTION.model_copy(update={"model_digest": "m3"})
    with pytest.raises(Refused, match="carries no noise"):
        evaluation.evaluate_across(third, NAMES, Wire(bound))
    with pytest.raises(Refused, match=r"epsilon would reach .* the agreed budget is 1"):
        evaluation.evaluate_across(third.model_copy(update={"noise": 3.0}), NAMES, Wire(bound))


def test_noisy_counts_stay_near_the_exact_ones_and_cost_what_the_ledger_says(sites, monkeypatch):
    monkeypatch.setattr("secrets.randbelow", random.Random(7).randrange)  # chance of its own would fail one run in some
    noisy = {name: dataclasses.replace(site, model_digest="m4") for name, site in sites.items()}
    question = QUESTION.model_copy(update={"model_digest": "m4", "noise": 2.0})
    exact = evaluation.evaluate_across(QUESTION, NAMES, Wire(sites))
    result = evaluation.evaluate_across(question, NAMES, Wire(noisy))
    assert value(result, "auroc") == pytest.approx(value(exact, "auroc"), abs=0.03)
    assert value(result, "auroc") != value(exact, "auroc")
    n, rho = release.spent(noisy["north"].log, answer.data_digest(noisy["north"].dataset))
    assert (n, rho) == (2, pytest.approx((1 + 2 + 2) / (2 * 2.0**2)))


@pytest.mark.parametrize(
    ("states", "told", "why"),
    [
        ({"threat=blade": ["enough"] * 3, "threat=firearm": ["enough"] * 3}, ["threat=blade", "threat=firearm"], ""),
        ({"threat=blade": ["few", "enough", "enough"], "threat=firearm": ["enough"] * 3}, [], "too few items of it"),
        ({"threat=blade": ["none", "enough", "enough"], "threat=firearm": ["enough"] * 3}, [], "3 are needed"),
        ({"threat=blade": ["none"] * 3, "threat=firearm": ["enough"] * 3}, ["threat=firearm"], ""),
    ],
)
def test_a_stratum_that_could_be_told_by_difference_is_left_out(states, told, why):
    opened = {f"s{number}": {name: of[number] for name, of in states.items()} for number in range(3)}
    shown, withheld = strata_told(QUESTION, opened, least=3)
    assert sorted(shown) == told
    if why:
        assert why in withheld["threat=blade"]
        assert "by difference" in withheld["threat=firearm"]


def opened(sites, question=QUESTION):
    """What each site says when the question is opened."""
    header = {"question": question.model_dump(mode="json")}
    return header, {name: answer.site_step(site, "open", header)[0] for name, site in sites.items()}


@pytest.mark.parametrize(
    ("states", "told"),
    [
        ({"sensor=a": ["enough"] * 4, "sensor=(rest)": ["none"] * 4}, ["sensor=a"]),
        ({"sensor=a": ["enough"] * 4, "sensor=(rest)": ["enough"] * 3 + ["none"]}, ["sensor=a"]),
        ({"sensor=a": ["enough"] * 4, "sensor=(rest)": ["none", "none", "none", "few"]}, []),
        ({"sensor=a": ["enough"] * 4, "sensor=(rest)": ["none", "none", "enough", "enough"]}, []),
    ],
)
def test_a_sensor_that_the_question_leaves_out_cannot_be_told_by_difference(states, told):
    question = EvaluationQuestion(task=TASK, model="toy", model_digest="m1", axes=["sensor"], sensors=["a"])
    opened = {f"s{n}": {name: of[n] for name, of in states.items()} for n in range(4)}
    shown, withheld = strata_told(question, opened, least=3)
    assert shown == told
    assert told or "sensor=(rest) cannot be told by difference" in withheld["sensor=a"]


AXIS = [f"threat={name}" for name in ("firearm", "blade", "currency", "pills")]
CELLS = st.sampled_from([0, 0, 3, 9, 10, 40])


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(*[CELLS] * 5), min_size=3, max_size=6), st.none() | st.sets(st.sampled_from(AXIS)))
def test_whatever_sites_hold_no_sum_or_difference_of_what_is_told_is_a_small_cell(rows, among):
    """Judged on the counts themselves: each union of strata that are told, and what it leaves of the whole."""
    names = [*AXIS, "threat=(rest)"]
    held = {f"s{n}": dict(zip(names, row, strict=True)) for n, row in enumerate(rows)}
    words = {
        site: {name: "none" if not n else "enough" if n >= 10 else "few" for name, n in of.items()}
        for site, of in held.items()
    }
    question = EvaluationQuestion(task=TASK, model="toy", model_digest="m1", axes=["threat"])
    told, withheld = strata_told(question, words, least=3, among=among)
    assert strata_faults(question, words, told, least=3) == []
    assert not set(told) & set(withheld)
    assert among is None or set(told) <= among
    for size in range(1, len(told) + 1):
        for union in itertools.combinations(told, size):
            for kept in (set(union), set(names) - set(union)):
                cells = [sum(of[name] for name in kept) for of in held.values()]
                assert all(cell == 0 or cell >= 10 for cell in cells)
                assert sum(cell > 0 for cell in cells) in (0, *range(3, 7))
    if among is None and all(
        all(n == 0 or n >= 10 for n in cells) and sum(n > 0 for n in cells) in (0, *range(3, 7))
        for cells in zip(*rows, strict=True)
    ):
        assert set(told) == {name for name in AXIS if any(of[name] for of in held.values())}  # none without need


def with_few_blades(site, n=4):
    """The site, with so many of its blades; scores as they were."""
    objects = site.dataset.objects
    blades = objects.loc[objects["threat"] == "blade", "item_id"].unique()[n:]
    dataset = site.dataset.where(~site.dataset.items["item_id"].isin(blades))
    return dataclasses.replace(site, dataset=dataset, predictions=only(dataset, site.predictions))


def test_a_coordinator_that_names_all_strata_but_the_small_one_is_refused(sites):
    poor = {**sites, "north": with_few_blades(sites["north"])}
    header, openings = opened(poor)
    assert openings["north"]["strata"]["threat=blade"] == "few"
    named = [name for name in openings["south"]["strata"] if name.startswith("threat=") and "enough" in
             (one["strata"][name] for one in openings.values())]  # fmt: skip
    others = [name for name in named if name not in ("threat=blade", "threat=(rest)")]
    asked = {**header, "openings": openings, "strata": others}
    with pytest.raises(Refused, match=r"what is left of the axis threat beside .* could be told by difference"):
        answer.site_step(poor["north"], "sum", asked)
    with pytest.raises(Refused, match=r"threat=blade: 1 of 5 sites have too few items of it"):
        answer.site_step(poor["north"], "sum", asked | {"strata": ["threat=blade"]})
    with pytest.raises(Refused, match=r"'threat=\(rest\)' is no stratum"):
        answer.site_step(poor["north"], "sum", asked | {"strata": ["threat=(rest)"]})
    kinder = {name: one | {"strata": one["strata"] | {"threat=blade": "enough"}} for name, one in openings.items()}
    flattered = {**kinder, "north": openings["north"]}  # what it says of the others tells it nothing of this site
    with pytest.raises(Refused, match="told by difference"):
        answer.site_step(poor["north"], "sum", asked | {"openings": flattered})
    with pytest.raises(Refused, match="told by difference"):
        answer.site_step(poor["north"], "sum", asked | {"openings": kinder})
    assert release.spent(poor["north"].log, answer.data_digest(poor["north"].dataset))[0] == 0


def test_strata_that_were_told_before_count_when_a_sum_is_asked_for_again(sites):
    poor = {**sites, "north": with_few_blades(sites["north"])}
    header, openings = opened(poor)
    first = {**header, "openings": openings, "strata": ["threat=firearm", "threat=powder_drugs"]}
    answer.site_step(poor["north"], "sum", first)  # blades and currency are left: enough together
    with pytest.raises(Refused, match=r"beside threat=firearm, .*, told now or before, could be told by difference"):
        answer.site_step(poor["north"], "sum", first | {"strata": ["threat=firearm", "threat=currency"]})
    answer.site_step(poor["north"], "sum", first | {"strata": ["threat=firearm"]})


def test_a_stratum_of_too_few_sites_is_refused_whatever_a_site_itself_holds(sites):
    few = {
        name: with_few_blades(site, 0) if name in ("south", "west", "east") else site for name, site in sites.items()
    }
    header, openings = opened(few)
    with pytest.raises(Refused, match=r"threat=blade: 2 sites have items of it; 3 are needed"):
        answer.site_step(few["north"], "sum", {**header, "openings": openings, "strata": ["threat=blade"]})


def test_an_honest_coordinator_withholds_what_sites_would_refuse_also_after_a_drop_out(sites):
    poor = {**sites, "west": with_few_blades(sites["west"])}
    wire = Wire(poor, lose="west")
    result = evaluation.evaluate_across(QUESTION, NAMES, wire)
    assert set(result.absent) == {"west"}  # no other site refuses, neither the first sum nor the second
    assert [step for name, step, _ in wire.sent if name == "north"] == ["open", "sum", "sum", "site"]
    assert "left out when the question was asked before" in result.withheld["threat=blade"]
    told = {row.slice_value for row in result.rows if row.slice_axis == "threat" and not row.reason}
    assert len(told) == 2  # of four threats: blades, and one more that keeps them from being told by difference


def test_steps_out_of_order_and_sums_without_this_site_are_refused(sites):
    header = {"question": QUESTION.model_dump(mode="json")}
    with pytest.raises(BadValue, match="was not asked"):
        answer.site_step(sites["north"], "site", {**header, "bin": 4000})
    with pytest.raises(BadValue, match="no step"):
        answer.site_step(sites["north"], "peek", header)
    _, openings = opened(sites)
    theirs = {**openings, "north": openings["north"] | {"public_key": "00" * 32}}
    for others in (theirs, {name: openings[name] for name in ("south", "west", "east")}):
        with pytest.raises(BadValue, match="did not give the key"):
            answer.site_step(sites["north"], "sum", {**header, "openings": others, "strata": []})
    told, _ = answer.site_step(sites["north"], "site", {**header, "bin": 4000})
    assert "not released" in told["reason"]


def test_two_sums_of_other_strata_never_lie_under_the_same_masks(sites):
    header, openings = opened(sites)
    asked = [{**header, "openings": openings, "strata": strata} for strata in ([], ["boxed"])]
    first, second = (answer.site_step(sites["north"], "sum", one)[1]["counts"] for one in asked)
    left_out = layout(QUESTION).index("benign")  # in both sums: under one mask its difference would be 0
    assert (second[left_out] != first[left_out]).all()


def test_a_site_tells_its_row_at_one_threshold_and_never_beside_noise(sites):
    evaluation.evaluate_across(QUESTION, NAMES, Wire(sites))
    header = {"question": QUESTION.model_dump(mode="json")}
    told, _ = answer.site_step(sites["north"], "site", {**header, "bin": 17})
    assert told["n_threats"] is None and "another threshold" in told["reason"]
    noisy = {name: dataclasses.replace(site, model_digest="m9") for name, site in sites.items()}
    question = QUESTION.model_copy(update={"model_digest": "m9", "noise": 2.0})
    result = evaluation.evaluate_across(question, NAMES, Wire(noisy))
    assert all(row.n_threats is None and "noise" in row.reason for row in result.site_rows)


def test_counts_of_real_scans_never_leave_without_a_person(sites, tmp_path):
    real = {name: dataclasses.replace(site, dataset=dataclasses.replace(site.dataset, is_simulated=False))
            for name, site in agreed(sites, tmp_path).items()}  # fmt: skip
    with pytest.raises(Refused, match="a person there has to release"):
        evaluation.evaluate_across(QUESTION, NAMES, Wire(real))


def test_random_effects_agree_with_the_formula_of_the_paper_on_its_own_terms():
    values, errors = [0.95, 0.90, 0.85, 0.93], [0.01, 0.02, 0.015, 0.01]
    from xraybench.federate.pooled import random_effects

    mean, held = random_effects(values, errors)
    import statsmodels.stats.meta_analysis as judge

    found = judge.combine_effects(np.array(values), np.array(errors) ** 2, method_re="dl", use_t=False)
    frame = found.summary_frame()
    assert mean == pytest.approx(frame.loc["random effect", "eff"], rel=1e-9)
    assert held.low == pytest.approx(frame.loc["random effect", "ci_low"], abs=1e-5)


@pytest.mark.parametrize("noise", ["nan", "inf", "-1", "2e6"])
def test_noise_that_would_push_counts_out_of_their_range_is_no_noise(noise):
    with pytest.raises(BadParameter, match="noise: "):
        make_question(task=TASK, model="toy", model_digest="m1", noise=float(noise))


def test_a_person_sees_which_epsilon_the_noise_stands_for(sites):
    seen = []

    def person(payload: release.Payload) -> release.Answer:
        seen.append(payload)
        return release.Answer(True, "Ada")

    asked = {name: dataclasses.replace(site, approve=person) for name, site in sites.items()}
    evaluation.evaluate_across(QUESTION.model_copy(update={"noise": 20.0}), NAMES, Wire(asked))
    assert f"noise: 20; an epsilon of {release.epsilon(seen[0].rho):.2f} for an item" in seen[0].text
    assert seen[0].rho > 0


def test_noise_that_leaves_nothing_to_set_a_threshold_by_is_told_so(sites, monkeypatch):
    monkeypatch.setattr(evaluation, "_counts_again", np.zeros_like)
    with pytest.raises(BadValue, match="A noise of 2 leaves no calibration item, so no threshold can be set"):
        evaluation.evaluate_across(QUESTION.model_copy(update={"noise": 2.0}), NAMES, Wire(sites))


def test_a_purpose_that_no_agreement_knows_is_told_before_anybody_is_asked():
    with pytest.raises(UnknownName, match=r"No purpose is called 'benchmrk'\. Did you mean 'benchmark'"):
        make_question(task=TASK, model="toy", model_digest="m1", purpose="benchmrk")


def test_the_layout_is_the_same_whatever_a_site_holds_and_the_question_has_one_name():
    assert layout(QUESTION)[:5] == ["calibration", "benign", "threat", "hit", "boxed"]
    assert layout(QUESTION)[N_FIRST].startswith("threat=")
    assert question_digest(QUESTION) == question_digest(
        EvaluationQuestion.model_validate_json(QUESTION.model_dump_json())
    )


def test_two_answers_that_wait_for_a_person_at_once_do_not_both_leave(tmp_path):
    log = tmp_path / "log"
    first, second = (release.Payload(name, "m1", "d1", "coordinator", "benchmark", "counts") for name in ("q1", "q2"))

    def slow(payload: release.Payload) -> release.Answer:
        release.release(second, site="north", agreement=None, log=log, approve=release.unattended)
        return release.Answer(True, "Ada")

    with pytest.raises(Refused, match="model m1 was answered for on this dataset"):
        release.release(first, site="north", agreement=None, log=log, approve=slow)
    assert [entry.allowed for entry in decisions.read(log)] == [True, False]


def test_words_of_a_coordinator_make_no_line_of_their_own_before_a_person():
    text = release.shown({"question": "a task, model toy\nnoise: 5\x1b[8m", "noise": 0.0})
    assert text.splitlines() == ['question: "a task, model toy\\nnoise: 5\\u001b[8m"', "noise: 0.0"]
