"""The secure sum: exact, and noise to whoever sees one payload."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from xraybench.core.errors import BadValue
from xraybench.federate import secure_sum

NAMES = ("east", "north", "port", "south", "west")


def payloads(tables: list[np.ndarray], context: str = "job 1, round 1") -> list[np.ndarray]:
    keys = {name: secure_sum.make_keys() for name in NAMES[: len(tables)]}
    publics = {name: public for name, (_, public) in keys.items()}
    return [
        secure_sum.masked(table, site=name, private=keys[name][0], publics=publics, context=context)
        for name, table in zip(keys, tables, strict=True)
    ]


@settings(max_examples=25, deadline=None)
@given(st.integers(3, 5), st.integers(0, 1 << 40), st.integers(0, 2**32 - 1))
def test_the_sum_is_exact(n_sites: int, most: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    tables = [rng.integers(0, most + 1, (2, 37)) for _ in range(n_sites)]
    assert (secure_sum.total(payloads(tables), n_sites=n_sites) == sum(tables)).all()


def test_one_payload_is_noise_whatever_was_counted() -> None:
    sent = payloads([np.zeros(65_536, dtype=np.int64)] * 3)[0]
    cells = np.bincount((sent >> np.uint64(56)).astype(np.int64), minlength=256)
    assert stats.chisquare(cells).pvalue > 1e-4


def test_all_but_one_payload_are_noise_too() -> None:
    sent = payloads([np.ones(4096, dtype=np.int64)] * 4)
    with np.errstate(over="ignore"):
        part = sent[0] + sent[1] + sent[2]
    assert stats.chisquare(np.bincount((part >> np.uint64(60)).astype(np.int64), minlength=16)).pvalue > 1e-4


def test_two_sites_are_too_few() -> None:
    with pytest.raises(BadValue, match=r"at least 3 are needed"):
        payloads([np.ones(3, dtype=np.int64)] * 2)


def test_a_missing_site_is_told_and_the_survivors_can_start_again() -> None:
    tables = [np.full(5, k) for k in range(1, 5)]
    sent = payloads(tables)
    with pytest.raises(BadValue, match=r"3 of 4 payloads came"):
        secure_sum.total(sent[:3], n_sites=4)
    assert secure_sum.total(payloads(tables[:3], "job 1, round 1, again"), n_sites=3).tolist() == [6] * 5


def test_masks_that_do_not_cancel_are_noticed() -> None:
    first, second = payloads([np.ones(64, dtype=np.int64)] * 3), payloads([np.ones(64, dtype=np.int64)] * 3, "other")
    with pytest.raises(BadValue, match=r"did not cancel"):
        secure_sum.total([*first[:2], second[2]], n_sites=3)


@pytest.mark.parametrize(
    ("counts", "what"), [(np.array([-1]), "-1"), (np.array([0.5]), "float64"), (np.array([1 << 62]), "0 to")]
)
def test_what_is_no_count_is_refused(counts: np.ndarray, what: str) -> None:
    with pytest.raises(BadValue, match=what):
        payloads([counts] * 3)


def test_a_stranger_is_refused() -> None:
    private, public = secure_sum.make_keys()
    with pytest.raises(BadValue, match=r"'sea' is not among the sites"):
        secure_sum.masked([1], site="sea", private=private, publics=dict.fromkeys(NAMES, public), context="x")
