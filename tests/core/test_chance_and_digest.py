"""Named streams and digests."""

from pathlib import Path

import numpy as np
import pytest

from xraybench.core import digest
from xraybench.core.chance import stream


def test_one_name_gives_one_stream_and_another_name_another() -> None:
    a, again, b = stream(7, "noise", "s1"), stream(7, "noise", "s1"), stream(7, "noise", "s2")
    first = a.standard_normal(1000)
    assert np.array_equal(first, again.standard_normal(1000))
    assert abs(np.corrcoef(first, b.standard_normal(1000))[0, 1]) < 0.15


def test_names_are_not_run_together() -> None:
    assert stream(0, "ab", "c").integers(1 << 40) != stream(0, "a", "bc").integers(1 << 40)


def test_the_stream_of_today_is_the_stream_of_tomorrow() -> None:
    assert stream(0, "noise", "s1").integers(0, 1000, 5).tolist() == FIRST_FIVE


def test_json_digest_ignores_key_order_and_refuses_nan() -> None:
    assert digest.of_json({"a": 1, "b": 2}) == digest.of_json({"b": 2, "a": 1})
    with pytest.raises(ValueError, match="JSON"):
        digest.of_json(float("nan"))


def test_a_renamed_or_changed_file_changes_the_tree(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("1")
    first = digest.of_tree(tmp_path, [".json"])
    (tmp_path / "a.json").rename(tmp_path / "b.json")
    second = digest.of_tree(tmp_path, [".json"])
    (tmp_path / "b.json").write_text("2")
    assert len({first, second, digest.of_tree(tmp_path, [".json"])}) == 3


def test_a_table_digest_tells_cells_from_rows() -> None:
    assert digest.of_rows(["a", "b"], [["x", "y"]]) != digest.of_rows(["a", "b"], [["x"], ["y"]])


# Drawn once and written down: a change means that every simulated dataset has changed.
FIRST_FIVE = [384, 44, 469, 825, 16]
