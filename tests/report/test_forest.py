"""The picture of an audit: what it names, what it says of small groups, and that the same audit gives the same bytes."""

import numpy as np
import pandas as pd
import pytest

from xraybench.evaluate import fairness
from xraybench.report import plots
from xraybench.report.forest import forest


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    """Threats and lawful items of three sites; the third holds too few."""
    rng = np.random.default_rng(0)
    site = np.repeat(["north", "south", "west"], [80, 90, 4])
    half = pd.DataFrame(
        {"site": site, "score": rng.random(174), "sensor": "s", "threat": "blade", "concealment": "masked"}
    )
    both = pd.concat([half.assign(is_threat=True), half.assign(is_threat=False, score=half["score"] / 2)])
    return both.assign(item=np.arange(len(both)))


@pytest.mark.parametrize("kind", [fairness.protection, fairness.burden])
def test_every_group_is_named_and_a_small_one_says_why_it_has_no_number(rows: pd.DataFrame, kind) -> None:
    audit = kind(rows, 0.4)
    drawn = plots.svg(forest(audit))
    assert audit.worst is not None
    assert f"{audit.worst.name}  (n = {audit.worst.n}, worst)" in drawn
    assert "n/a: insufficient: 4 items, 10 are needed" in drawn
    assert "permutation p" in drawn
    assert drawn == plots.svg(forest(kind(rows, 0.4)))


def test_an_audit_without_rows_is_an_empty_picture_and_no_crash(rows: pd.DataFrame) -> None:
    audit = fairness.protection(rows[~rows["is_threat"]], 0.4)
    assert "no gap can be told" in plots.svg(forest(audit))
