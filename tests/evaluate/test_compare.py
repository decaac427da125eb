"""Which order of models is real."""

import pytest
from scipy.stats import binomtest

from xraybench import tasks
from xraybench.core.types import Dataset
from xraybench.evaluate import compare, join, rank, roc_band, score

TASK = tasks.get("mail-any-any-mail_160kv-v1")


def test_a_better_model_is_shown_to_be_better(dataset: Dataset, perfect, noisy) -> None:
    found = compare(TASK, dataset, perfect.predict(dataset.scans), noisy.predict(dataset.scans))
    assert found.low > 0
    assert "perfect finds more" in found.sentence()
    judge = binomtest(found.only_second, found.only_first + found.only_second, 0.5).pvalue
    assert found.p_mcnemar == pytest.approx(judge)


def test_a_model_and_its_clone_are_tied(dataset: Dataset, noisy) -> None:
    predictions = noisy.predict(dataset.scans)
    found = compare(TASK, dataset, predictions, predictions)
    assert found.difference == 0.0
    assert "cannot be told apart" in found.sentence()


def test_rank_sets_put_clones_in_one_band_and_order_what_is_real(dataset: Dataset, perfect, noisy, silent) -> None:
    joined = [join(dataset, m.predict(dataset.scans)) for m in (perfect, noisy, noisy, silent)]
    ranking = rank(TASK, joined)
    assert ranking is not None
    assert ranking.bands == (1, 2, 2, 3)
    assert ranking.estimates[1] == score(TASK, dataset, noisy.predict(dataset.scans)).rows[0].value


def test_a_roc_band_holds_its_curve(dataset: Dataset, noisy) -> None:
    band = roc_band(TASK, join(dataset, noisy.predict(dataset.scans)), n_replicates=200)
    assert ((band.low <= band.pd + 1e-9) & (band.pd <= band.high + 1e-9)).mean() > 0.95
