"""The shortcut probe: it finds what is planted around the contents, sees nothing inside, and finds nothing in a corpus."""

import numpy as np
import pytest

from xraybench.core.chance import stream
from xraybench.core.errors import BadValue, UnknownName
from xraybench.core.types import Scan
from xraybench.data.corpus import corpora
from xraybench.data.probe import N_ITEMS, features_of, probe, probe_corpus

FULL = 60_000.0


def made_up(number: int, *, gain: float = 1.0, content: float = 0.5) -> Scan:
    """A box in air under noise; `gain` is that of the detector, `content` what passes the box."""
    rng = stream(3, "probe", number)
    view = np.full((64, 80, 2), FULL * gain)
    top, left = rng.integers(10, 20, 2)
    view[top : top + 30, left : left + 40] *= content
    noisy = np.rint(view + rng.normal(0, 60, view.shape)).clip(0, 65_535).astype(np.uint16)
    return Scan(f"{rng.integers(2**63):016x}", f"{rng.integers(2**63):016x}", "raw", (noisy,))


def test_nothing_inside_the_outline_moves_a_feature() -> None:
    scan = made_up(0)
    other = scan.views[0].copy()
    other[24:36, 26:46] = stream(1, "content").integers(1_000, 30_000, (12, 20, 2))
    changed = Scan(scan.scan_id, scan.item_id, "raw", (other,))
    assert features_of(scan, "", full_scale=FULL) == features_of(changed, "", full_scale=FULL)


def test_a_planted_shortcut_is_found_and_named() -> None:
    truth = np.arange(300) % 2 == 1
    rows = [
        features_of(made_up(n, gain=1.002 if is_threat else 1.0), "", full_scale=FULL)
        for n, is_threat in enumerate(truth)
    ]
    found = probe("made-up", "any", rows, truth, seed=0)
    assert found.auroc > 0.95 and not found.is_at_chance
    assert "rim" in found.telling[0][0] or "background" in found.telling[0][0]
    assert "NOT at chance" in found.sentence()


def test_a_declaration_that_tells_is_found() -> None:
    truth = np.arange(300) % 2 == 1
    rows = [features_of(made_up(n), "72" if is_threat else "61", full_scale=FULL) for n, is_threat in enumerate(truth)]
    assert probe("made-up", "any", rows, truth, seed=0).telling[0][0].startswith("declared")


def test_contents_alone_tell_the_probe_nothing() -> None:
    truth = np.arange(400) % 2 == 1
    rows = [
        features_of(made_up(n, content=0.2 if is_threat else 0.7), "", full_scale=FULL)
        for n, is_threat in enumerate(truth)
    ]
    found = probe("made-up", "any", rows, truth, seed=0)
    assert found.low < 0.5 < found.high


def made_up_slices(number: int, *, side: int = 30, noise: float = 20.0) -> Scan:
    """A shell about air in a slice where air counts 2,000; what lies beside it is air exactly, the rest is noisy."""
    rng = stream(4, "probe", number)
    view = np.full((64, 80, 1), 2_000.0)
    top, left = rng.integers(10, 20, 2)
    view[top : top + side, left : left + side] += 1_500.0
    view[top + 5 : top + side - 5, left + 5 : left + side - 5] -= 1_500.0
    view[top : top + side, left : left + side] += np.rint(rng.normal(0, 1.0, (side, side, 1)) * noise)
    return Scan(
        f"{rng.integers(2**63):016x}", f"{rng.integers(2**63):016x}", "slices", (np.rint(view).astype(np.uint16),)
    )


def test_the_outline_of_what_is_not_air_in_a_slice_is_seen() -> None:
    truth = np.arange(200) % 2 == 1
    rows = [
        features_of(made_up_slices(n, side=36 if is_threat else 30), "", full_scale=10_000.0)
        for n, is_threat in enumerate(truth)
    ]
    assert rows[0]["bottom_0"] - rows[0]["top_0"] == 29
    found = probe("made-up", "any", rows, truth, seed=0)
    assert not found.is_at_chance and found.auroc > 0.7


def test_noise_within_what_is_not_air_in_a_slice_moves_no_feature() -> None:
    calm, loud = (features_of(made_up_slices(0, noise=noise), "", full_scale=10_000.0) for noise in (20.0, 400.0))
    assert calm == loud


def test_a_scanner_that_leaves_its_air_noisy_tells_by_the_rim() -> None:
    truth = np.arange(200) % 2 == 1
    rows = []
    for n, is_threat in enumerate(truth):
        scan = made_up_slices(n)
        streaked = scan.views[0] + np.rint(stream(5, "streaks", n).normal(0, 4 + 8 * is_threat, scan.views[0].shape))
        rows.append(features_of(Scan(scan.scan_id, scan.item_id, "slices", (streaked,)), "", full_scale=10_000.0))
    found = probe("made-up", "any", rows, truth, seed=0)
    assert found.auroc > 0.95 and found.telling[0][0].startswith("rim")


@pytest.mark.parametrize("n_items", [-5, 0, 1])
def test_a_corpus_of_no_item_is_refused_and_no_traceback(n_items: int) -> None:
    with pytest.raises(BadValue, match=r"mail-mail_160kv: 0 items of the rarer kind; a probe needs 10"):
        probe_corpus("mail-mail_160kv", n_items=n_items, quiet=True)


def test_too_few_items_are_refused() -> None:
    rows = [features_of(made_up(n), "", full_scale=FULL) for n in range(12)]
    with pytest.raises(BadValue, match="6 items of the rarer kind"):
        probe("made-up", "any", rows, np.arange(12) % 2 == 1, seed=0)


@pytest.mark.parametrize("name", ["mail-mail_160kv", "container-container_6mev"])
def test_a_small_corpus_gives_nothing_away(name: str) -> None:
    found = probe_corpus(name, n_items=120, quiet=True)
    assert found.low < 0.5  # the whole interval within [0.45, 0.55] needs 2,000 items: the slow test and the benchmark


def test_the_probe_asks_for_a_corpus_and_a_target_that_exist() -> None:
    with pytest.raises(UnknownName, match="mail-mail_160kv"):
        probe_corpus("mail-mail_160k")
    with pytest.raises(BadValue, match="hold no 'empty_verification'"):
        probe_corpus("mail-mail_160kv", target="empty_verification")


@pytest.mark.slow
@pytest.mark.parametrize("name", corpora())
def test_no_corpus_gives_its_labels_away(name: str) -> None:
    found = probe_corpus(name, n_items=3000 if name.endswith("_ct") else N_ITEMS, quiet=True)  # 16 slices an item
    assert found.is_at_chance, found.sentence()
