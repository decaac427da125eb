"""When a published result counts as recomputed."""

import math

from xraybench.bench import is_same_result
from xraybench.core.documents import ResultFile, ResultRow


def result(value: float, *, n: int = 100, reason: str = "") -> ResultFile:
    row = ResultRow(metric="ece", value=value, low=0.1, high=0.2, interval="x", n_items=n, n_threats=0, reason=reason)
    return ResultFile(
        task="mail-any-any-any-v1",
        model="m",
        track="raw",
        is_simulated=True,
        profile="quick",
        seed=0,
        n_replicates=1000,
        thresholds={"0.05": 0.5},
        corpora={"mail-a": "1"},
        predictions_digest="2",
        version="0.1.0",
        rows=[row],
    )


def test_the_last_printed_digit_may_differ_and_nothing_else() -> None:
    assert is_same_result(result(0.150001), result(0.150002))
    assert not is_same_result(result(0.15000), result(0.15001))
    assert not is_same_result(result(0.15), result(0.15, n=101))
    assert is_same_result(result(math.nan, reason="too few"), result(math.nan, reason="too few"))
    assert not is_same_result(result(math.nan, reason="too few"), result(0.15))
