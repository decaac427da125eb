"""A coordinator that cheats about keys: whoever holds the others' keys refuses before a count leaves, and says why."""

import dataclasses
import json
import shutil

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from labelled import dealt, labelled, only, said

from xraybench.core import signing
from xraybench.core.errors import BadFile, BadValue, Refused
from xraybench.federate import answer, decisions, evaluation, exchange, release, secure_sum, signed_folder, steps, trust
from xraybench.federate.question import EvaluationQuestion, SiteOpening, question_digest

NAMES = ("east", "north", "south", "west")
QUESTION = EvaluationQuestion(
    task="mail-any-any-mail_160kv-v1", model="toy", model_digest="m1", axes=["threat", "concealment"]
)
OTHER = QUESTION.model_copy(update={"axes": ["threat"]})


@pytest.fixture(scope="module")
def parts():
    """Four sites' items and a model's scores for them."""
    whole = labelled()
    return {name: (part, only(part, said(whole))) for name, part in dealt(whole, NAMES).items()}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A key a site; `trusted` is the folder of public ones that people exchanged."""
    root = tmp_path_factory.mktemp("trust")
    for name in (*NAMES, "coordinator"):
        signing.make_key(root / "keys" / name)
    (root / "trusted").mkdir()
    for name in NAMES:
        shutil.copy(root / "keys" / f"{name}.pub", root / "trusted")
    return root


@pytest.fixture(scope="module")
def keys(home):
    """The keys of the sites, and of the coordinator."""
    return home / "keys"


@pytest.fixture(scope="module")
def asked_sites(parts, home):
    """Sites that sign their openings and check the others', once for the tests that end before anything is written."""
    return {
        name: answer.EvaluationSite(
            name,
            *held,
            "m1",
            home / "sites" / name,
            approve=release.unattended,
            key=home / "keys" / name,
            trusted_sites=home / "trusted",
        )
        for name, held in parts.items()
    }


@pytest.fixture
def sites(asked_sites, tmp_path):
    """The same sites with a memory of their own."""
    return {name: dataclasses.replace(site, state=tmp_path / "sites" / name) for name, site in asked_sites.items()}


@pytest.fixture(scope="module")
def fair(asked_sites):
    """What the sites say to a question, and what a coordinator that plays fair asks them then."""
    return opened(asked_sites)


def opened(sites, question=QUESTION):
    """What the sites say when a question is opened, and what a coordinator that plays fair asks them then."""
    header = {"question": question.model_dump(mode="json")}
    openings = {name: answer.site_step(site, "open", header)[0] for name, site in sites.items()}
    return openings, {**header, "openings": openings, "strata": []}


def signed_with(opening, key):
    """Somebody signs an opening, as it is, with a key of their own."""
    return trust.sign(SiteOpening.model_validate(opening), key).model_dump(mode="json")


def swapped(openings, keys):
    return openings["south"] | {"public_key": secure_sum.make_keys()[1].hex()}


def swapped_and_signed(openings, keys):
    return signed_with(swapped(openings, keys), keys / "coordinator")


def unsigned(openings, keys):
    return swapped(openings, keys) | {"signature": ""}


def of_another_site(openings, keys):
    return openings["west"]


def signed_by_another_site(openings, keys):
    return signed_with(openings["south"], keys / "west")


def of_other_strata(openings, keys):
    return openings["south"] | {"strata": dict.fromkeys(openings["south"]["strata"], "enough")}


@pytest.mark.parametrize(
    ("cheat", "told"),
    [
        (swapped, "was changed, or is signed by a key that is not trusted; it has to be signed with key"),
        (swapped_and_signed, "was changed, or is signed by a key that is not trusted; it has to be signed with key"),
        (unsigned, "is not signed; it has to be, with key"),
        (of_another_site, "is signed by site west; it has to be signed with key"),
        (signed_by_another_site, "is signed by site west; it has to be signed with key"),
        (of_other_strata, "was changed, or is signed by a key that is not trusted"),
    ],
)
def test_a_coordinator_that_poses_as_a_site_gets_no_counts(asked_sites, fair, keys, cheat, told):
    sites, (openings, header) = asked_sites, fair
    header = {**header, "openings": {**openings, "south": cheat(openings, keys)}}
    with pytest.raises(Refused, match=rf"^Site north sends no counts: the opening of site south {told}"):
        answer.site_step(sites["north"], "sum", header)
    assert release.spent(sites["north"].log, answer.data_digest(sites["north"].dataset)) == (0, 0.0)
    last = decisions.read(sites["north"].log)[-1]
    assert (last.point, last.allowed) == ("release", False)
    assert "sends no counts" in last.reason


def test_an_invented_site_is_refused_by_name(asked_sites, fair, keys):
    openings, header = fair
    ghost = signed_with(openings["south"] | {"site": "ghost", "data_digest": "0" * 32}, keys / "coordinator")
    header = {**header, "openings": {"north": openings["north"], "south": openings["south"], "ghost": ghost}}
    with pytest.raises(
        Refused, match="it trusts no key of site ghost, only those of east, south, west; a person at ghost"
    ):
        answer.site_step(asked_sites["north"], "sum", header)


def test_an_opening_of_another_question_is_no_opening_of_this_one(asked_sites, fair):
    before, _ = opened({"south": asked_sites["south"]}, OTHER)
    openings, header = fair
    header = {**header, "openings": {**openings, "south": before["south"]}}
    of_other = rf"the opening of site south is of another question \({question_digest(OTHER)[:12]}"
    with pytest.raises(Refused, match=of_other):
        answer.site_step(asked_sites["north"], "sum", header)


def test_every_fault_is_told_at_once_and_two_trusted_sites_are_too_few(asked_sites, fair, keys):
    openings, header = fair
    both = {**openings, "south": unsigned(openings, keys), "west": of_other_strata(openings, keys) | {"site": "west"}}
    with pytest.raises(Refused, match=r"site south is not signed; .*; the opening of site west was changed"):
        answer.site_step(asked_sites["north"], "sum", {**header, "openings": both})
    two = {name: openings[name] for name in ("north", "south")}
    with pytest.raises(Refused, match="answers in a sum of 3 sites or more; this one has 2"):
        answer.site_step(asked_sites["north"], "sum", {**header, "openings": two})


def test_a_cheated_sum_ends_with_nobody_in_it(asked_sites, fair):
    def ask(name, step, header):
        if step == "open":
            return fair[0][name], {}
        west = header["openings"]["west"] | {"public_key": secure_sum.make_keys()[1].hex()}
        header = {**header, "openings": {**header["openings"], "west": west}}
        return answer.site_step(asked_sites[name], step, json.loads(json.dumps(header)))

    with pytest.raises(Refused, match=r"(?s)2 sites can answer and 3 are needed.*east: Site east sends no counts"):
        evaluation.evaluate_across(QUESTION, NAMES, ask)


def test_an_opening_is_signed_over_its_canonical_json_as_dsse_has_it(fair, keys):
    """Judged without our own code: Ed25519 over the pre-authentication encoding."""
    west = fair[0]["west"]
    words = {name: value for name, value in west.items() if name != "signature"}
    payload = json.dumps(words, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    kind = b"application/vnd.xraybench.site-opening+json"
    message = b"DSSEv1 " + b" ".join([str(len(kind)).encode(), kind, str(len(payload)).encode(), payload])
    private = load_pem_private_key((keys / "west").read_bytes(), password=None)
    private.public_key().verify(bytes.fromhex(west["signature"]), message)


def test_a_key_that_is_none_is_refused_by_the_sum(asked_sites, fair):
    openings, header = fair
    theirs = {**openings, "south": openings["south"] | {"public_key": "00" * 32}}
    north = dataclasses.replace(asked_sites["north"], trusted_sites=None)
    with pytest.raises(BadValue, match="public key of site 'south' is no X25519 key"):
        answer.site_step(north, "sum", {**header, "openings": theirs})
    assert release.spent(north.log, answer.data_digest(north.dataset)) == (0, 0.0)


def test_sites_that_check_come_to_the_same_numbers_and_person_and_result_are_told_who_did_not(parts, sites, tmp_path):
    seen = {}

    def reading(name):
        return lambda payload: release.Answer(bool(seen.setdefault(name, payload.text)), "the officer on duty")

    asked = {name: dataclasses.replace(site, approve=reading(name)) for name, site in sites.items()}
    asked["east"] = dataclasses.replace(asked["east"], trusted_sites=None)
    result = evaluation.evaluate_across(QUESTION, NAMES, evaluation.ask_in_process(asked))
    assert (result.unverified_at, result.absent) == (["east"], {})
    west = signing.key_id(signing.read_public_key(sites["west"].trusted_sites / "west.pub"))
    assert f"west {west[:16]}" in seen["north"]
    assert "whose they are: not verified" in seen["east"]
    plain = {
        name: answer.EvaluationSite(name, *held, "m1", tmp_path / "plain" / name, approve=release.unattended)
        for name, held in parts.items()
    }
    straight = evaluation.evaluate_across(QUESTION, NAMES, evaluation.ask_in_process(plain))
    assert straight.unverified_at == list(NAMES)
    assert straight.counts_digest == result.counts_digest
    assert [row.model_dump_json() for row in result.rows] == [row.model_dump_json() for row in straight.rows]


def no_key(folder, keys):
    return None


def own_key_of_another(folder, keys):
    shutil.copy(keys / "coordinator.pub", folder / "north.pub")
    return keys / "north"


def one_key_twice(folder, keys):
    shutil.copy(keys / "south.pub", folder / "west.pub")
    return keys / "north"


def own_key_as_another(folder, keys):
    (folder / "north.pub").unlink()
    shutil.copy(keys / "north.pub", folder / "west.pub")
    return keys / "north"


def too_few(folder, keys):
    for name in ("east", "south"):
        (folder / f"{name}.pub").unlink()
    return keys / "north"


def broken(folder, keys):
    (folder / "east.pub").write_text("nonsense")
    return keys / "north"


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (no_key, "no key of its own"),
        (own_key_of_another, r"north\.pub is not the public half of the key of site north"),
        (one_key_twice, "south and west have one key"),
        (own_key_as_another, r"west\.pub is the key of site north itself"),
        (too_few, "keys of 1 other sites; a sum of 3 needs 2 or more"),
        (broken, r"east\.pub: holds no unencrypted public key"),
    ],
)
def test_a_folder_of_trusted_sites_that_cannot_be_meant_is_named_before_anything_is_counted(
    sites, home, tmp_path, make, told
):
    folder = shutil.copytree(home / "trusted", tmp_path / "trusted")
    key = make(folder, home / "keys")
    with pytest.raises(BadFile, match=told):
        opened({"north": dataclasses.replace(sites["north"], key=key, trusted_sites=folder)})
    assert not (sites["north"].state / "questions").exists()


def test_the_key_of_a_question_goes_when_its_answer_is_final_and_a_sum_can_be_repeated_before(sites):
    def kept(name):
        return [path.name for path in (sites[name].state / "questions").rglob("*.key")]

    during = []

    def ask(name, step, header):
        if step == "sum" and name == "west":
            during.extend(kept(each) for each in NAMES)
            raise BadValue("site west cannot be reached.")
        return answer.site_step(sites[name], step, json.loads(json.dumps(header)))

    result = evaluation.evaluate_across(QUESTION, NAMES, ask)  # which asks the others for their sum again
    assert set(result.absent) == {"west"}
    assert during == [["x25519.key"]] * len(NAMES)
    assert [kept(name) for name in ("east", "north", "south")] == [[]] * 3
    assert kept("west") == ["x25519.key"]  # it never heard of the end
    header = {"question": QUESTION.model_dump(mode="json"), "strata": []}
    header["openings"] = {one.site: one.model_dump(mode="json") for one in result.sites}
    with pytest.raises(BadValue, match=r"north removed its key of question \w+ when the answer was final"):
        answer.site_step(sites["north"], "sum", header)
    shutil.rmtree(sites["north"].state / "questions")  # somebody tidies up, and the question is opened again
    opened({"north": sites["north"]})
    told, _ = answer.site_step(sites["north"], "site", {"question": header["question"], "bin": 4000})
    assert "not released" in told["reason"]


def test_the_key_of_a_question_that_never_came_to_its_end_goes_after_a_month(sites, monkeypatch):
    opened({"north": sites["north"]})
    (old,) = (sites["north"].state / "questions").rglob("*.key")
    now = answer.time.time()
    monkeypatch.setattr("xraybench.federate.answer.time.time", lambda: now + 29 * 24 * 3600)
    opened({"north": sites["north"]}, OTHER)
    assert old.exists()
    monkeypatch.setattr("xraybench.federate.answer.time.time", lambda: now + 31 * 24 * 3600)
    opened({"north": sites["north"]}, OTHER)
    assert not old.exists()


def test_a_swapped_key_is_refused_by_files_and_over_the_network_too(asked_sites, fair, keys, tmp_path):
    openings, header = fair
    header = {**header, "openings": {**openings, "south": swapped_and_signed(openings, keys)}}
    parts = steps.ask("sum", header)
    with pytest.raises(Refused, match="Site north sends no counts: the opening of site south"):
        steps.read(steps.answer_or_refusal(asked_sites["north"], parts))
    said = {"question": question_digest(QUESTION), "step": "sum-00000000"}
    message, out = tmp_path / "message", tmp_path / "answer"
    signed_folder.write(message, parts, key=keys / "coordinator", kind=exchange.MESSAGE, predicate=said, names=parts)
    exchange.answer_folder(message, asked_sites["north"], key=keys / "north", trusted=keys / "coordinator.pub", out=out)
    assert {path.name for path in out.iterdir()} == {"refusal.json", signing.STATEMENT}
    assert "sends no counts" in (out / "refusal.json").read_text()
    assert release.spent(asked_sites["north"].log, answer.data_digest(asked_sites["north"].dataset)) == (0, 0.0)


def test_a_signature_of_words_holds_for_no_other_words_kind_or_key(keys):
    north, south = (signing.read_public_key(keys / f"{name}.pub") for name in ("north", "south"))
    made = signing.sign_words({"n": 1}, key=keys / "north", kind="application/a")
    assert signing.is_signed_by(north, {"n": 1}, made, kind="application/a")
    for key, words, signature, kind in (
        (south, {"n": 1}, made, "application/a"),
        (north, {"n": 2}, made, "application/a"),
        (north, {"n": 1}, made, signing.PAYLOAD_TYPE),
        (north, {"n": 1}, "00" + made[2:], "application/a"),
        (north, {"n": 1}, "no hexadecimal", "application/a"),
    ):
        assert not signing.is_signed_by(key, words, signature, kind=kind)


def test_a_site_believes_its_own_word_on_its_row_and_not_what_the_coordinator_brings_of_it(sites, monkeypatch):
    may = answer._may_tell_row
    monkeypatch.setattr(answer, "_may_tell_row", lambda site, question: site.name != "south" and may(site, question))
    openings, header = opened(sites)
    lied = {**openings, "east": openings["east"] | {"tells_row": False}}
    answer.site_step(sites["east"], "sum", {**header, "openings": lied})
    told, _ = answer.site_step(sites["east"], "site", {**header, "bin": 2000})
    assert "so that the one of south cannot be told by difference" in told["reason"]
