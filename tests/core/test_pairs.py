"""Pairs of name and value as people type them."""

import pytest

from xraybench.core.errors import BadParameter
from xraybench.core.pairs import pair, pairs


def test_a_value_may_hold_equals_signs_and_spaces_and_blanks_are_left_out() -> None:
    assert pair(" window =a=b c") == ("window", "a=b c")
    assert pairs(["gun=firearm", " ", " other=benign"]) == {"gun": "firearm", "other": "benign"}


def test_what_is_no_pair_and_what_is_given_twice_is_told_at_once() -> None:
    with pytest.raises(BadParameter, match=r"(?s)'razor' is not.*'=x' is not.*gun is given twice, as 'a' and as 'b'"):
        pairs(["razor", "=x", "gun=a", "gun=b"])
