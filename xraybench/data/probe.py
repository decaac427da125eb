"""Can the label be told without looking inside? A classifier on everything about a scan that is not its contents.

What it gets: the rim of every view, the empty background, how large the view and the outline of what lies in it are, what
the noise is like, and the facts beside the pixels (ids, places in the tables, what was declared). What it never gets: a
pixel inside the outline. A corpus without shortcuts keeps it at chance; where it is not, the features that tell are named.
The AUROC is cross-validated, so a probe that learns by heart gains nothing.

In a slice the outline is what the scanner has not set to air. What noise and streaks do to the voxels within it, the air in
the bag and close about it included, counts as contents. Where a scanner leaves its air noisy, the rim and the background
tell.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xraybench.core import vocabulary
from xraybench.core.chance import seed_of
from xraybench.core.errors import BadValue
from xraybench.core.progress import track as progress
from xraybench.core.types import BRIGHT, BoolArray, Dataset, FloatArray, Scan, ScanSet
from xraybench.data import _engine, corpus
from xraybench.data.plan import Cell, Recipe, recipe
from xraybench.data.profiles import Profile
from xraybench.metrics import screening

RIM_PX = 4
EMPTY = 0.02  # attenuation, or share of full scale on the bright tracks, below which a place holds nothing
AT_CHANCE = (0.45, 0.55)  # where the whole interval of the AUROC lies in a corpus without shortcuts
N_ITEMS = 8000  # the interval is then 0.04 wide, so that chance alone hardly takes it out of AT_CHANCE
_FOLDS = 5
_SHARED = (1 + _FOLDS / (_FOLDS - 1)) ** 0.5  # folds share train items, so their mean spreads more than if they did not
_N_TREES = 300
_N_NAMED = 5
_GROW_PX = 3  # by which the outline is widened, so that blur and glare of the contents stay outside the background
_MOST_VIEWS = 4  # of a CT scan, evenly spaced: its first and last slices are mostly background


@dataclass(frozen=True)
class Probe:
    """How well the label of a corpus is told without its contents."""

    corpus: str
    target: str
    n_items: int
    n_positives: int
    auroc: float
    low: float  # of the 95 % interval: DeLong's within each fold, the folds averaged as what is not independent
    high: float
    telling: tuple[tuple[str, float], ...]  # the features that tell most by themselves, each with its own AUROC

    @property
    def is_at_chance(self) -> bool:
        """Whether the whole interval lies where a corpus without shortcuts has it."""
        return AT_CHANCE[0] <= self.low and self.high <= AT_CHANCE[1]

    def sentence(self) -> str:
        """The probe in words."""
        told = ", ".join(f"{name} {value:.3f}" for name, value in self.telling)
        verdict = "at chance" if self.is_at_chance else "NOT at chance"
        return (
            f"{self.corpus}, {self.target} against benign: {verdict}. AUROC {self.auroc:.3f} [{self.low:.3f}, "
            f"{self.high:.3f}] on {self.n_items} items ({self.n_positives} positive). By itself: {told}"
        )


def probe_corpus(
    name: str, *, target: str = vocabulary.ANY, n_items: int = N_ITEMS, seed: int = 0, quiet: bool = False
) -> Probe:
    """Probe a simulated corpus: items are planned as for its test split, rendered, looked at and thrown away.

    Args:
        name: Id of the corpus, such as `mail-mail_160kv`.
        target: `any` threat, or a control of the corpus.
        n_items: About so many, half of them positive.
        seed: Of the corpus and of the probe.
        quiet: Say nothing.

    Raises:
        UnknownName: No such corpus.
        BadValue: The corpus holds no such target.
    """
    vector, sensor = corpus.parse_corpus(name)
    plan = _plan(vector, target, n_items, seed)
    items = [item for item in plan.items() if _is_asked(item.cell, target)]
    full_scale = float(sensor.open_beam)
    rows = []
    for item in progress(items, f"probing {name}", quiet=quiet):
        look = _engine.render(plan, item, (sensor,))[0]
        scan = Scan(plan.scan_id(sensor.name, item.item_id), item.item_id, sensor.track, tuple(look.views))
        rows.append(features_of(scan, look.told.declared, full_scale=full_scale))
    return probe(name, target, rows, np.array([bool(item.cell.threat) for item in items]), seed=seed)


def probe_dataset(dataset: Dataset, *, seed: int = 0, quiet: bool = False) -> list[Probe]:
    """Probe every corpus of a dataset that is on disk, simulated or imported, on all the splits it holds."""
    found = []
    for name in dataset.corpora:
        scans, is_threat = _rows_of(dataset, name)
        declared = dict(zip(scans.table["scan_id"], scans.table["declared"], strict=True))
        looked = progress(scans, f"probing {name}", total=len(scans), quiet=quiet)
        rows = [features_of(scan, declared[scan.scan_id], full_scale=scans.full_scale) for scan in looked]
        found.append(probe(name, vocabulary.ANY, rows, is_threat, seed=seed))
    return found


def probe(
    name: str, target: str, rows: Sequence[dict[str, float]], is_positive: Iterable[bool] | BoolArray, *, seed: int
) -> Probe:
    """The cross-validated AUROC of extremely randomised trees on these features.

    Raises:
        BadValue: Fewer than ten of either kind.

    Source:
        The interval is widened by what Nadeau and Bengio 2003 (Machine Learning 52, 239-281, eq. 9) add for train sets that
        overlap: with 5 folds, 1.5 times. Under permuted labels the AUROC spread 1.25 to 1.42 times as far as DeLong's error
        of independent folds says.
    """
    from sklearn.ensemble import ExtraTreesClassifier
    from sklearn.model_selection import StratifiedKFold

    truth = np.asarray(is_positive, dtype=np.bool_)
    least = min(int(truth.sum()), int((~truth).sum()))
    if least < 2 * _FOLDS:
        raise BadValue(f"{name}: {least} items of the rarer kind; a probe needs {2 * _FOLDS}.")
    table = pd.get_dummies(pd.DataFrame(rows), columns=["declared"]).astype(float).fillna(-1.0)
    table = table.loc[:, table.nunique() > 1]
    if not table.shape[1]:
        raise BadValue(f"{name}: nothing varies between its items; a probe needs a feature that does.")
    trees = ExtraTreesClassifier(_N_TREES, min_samples_leaf=5, random_state=seed_of(seed, "probe") % 2**32, n_jobs=1)
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=seed_of(seed, "folds") % 2**32)
    features, told = table.to_numpy(), []
    for train, test in folds.split(features, truth):
        scores = trees.fit(features[train], truth[train]).predict_proba(features[test])[:, 1]
        told.append(_auroc_of_fold(scores[truth[test]], scores[~truth[test]]))
    value = float(np.mean([auroc for auroc, _ in told]))
    reach = 1.96 * _SHARED * float(np.sqrt(np.sum([variance for _, variance in told]))) / _FOLDS
    alone = {c: screening.auroc(table[c][truth].to_numpy(), table[c][~truth].to_numpy()) for c in table.columns}
    telling = sorted(alone.items(), key=lambda pair: -abs(pair[1] - 0.5))[:_N_NAMED]
    low, high = max(0.0, value - reach), min(1.0, value + reach)
    return Probe(name, target, len(truth), int(truth.sum()), value, low, high, tuple(telling))


def _auroc_of_fold(positives: FloatArray, negatives: FloatArray) -> tuple[float, float]:
    """AUROC within one fold and DeLong's variance of it.

    Folds are never pooled: a score is learnt from all labels but its own fold's, so among equal items the positive ones
    score lower, and a pooled AUROC without any shortcut lies below 0.5.
    """
    above = (positives[:, None] > negatives) + 0.5 * (positives[:, None] == negatives)
    of_positives, of_negatives = above.mean(axis=1), above.mean(axis=0)
    variance = of_positives.var(ddof=1) / len(positives) + of_negatives.var(ddof=1) / len(negatives)
    return float(above.mean()), float(variance)


def features_of(scan: Scan, declared: str, *, full_scale: float) -> dict[str, float]:
    """What is to be known of a scan without looking inside it; `declared` stays a word.

    Facts: ids as numbers, views, height, width. Of each view: outline (where what lies in the view begins and ends, how
    many separate things there are), rim (mean and spread of the counts on each side), background (level, spread, grain,
    correlation of the channels).
    """
    found: dict[str, float] = {
        "scan_id": float(int(scan.scan_id[:8], 16)) if _is_digest(scan.scan_id) else -1.0,
        "item_id": float(int(scan.item_id[:8], 16)) if _is_digest(scan.item_id) else -1.0,
        "n_views": float(len(scan.views)),
        "height": float(scan.views[0].shape[0]),
        "width": float(scan.views[0].shape[1]),
    }
    chosen = np.unique(np.linspace(0, len(scan.views) - 1, _MOST_VIEWS).round().astype(int))
    for place, index in enumerate(chosen):
        found |= {f"{what}_{place}": v for what, v in _view_features(scan.views[index], scan.track, full_scale).items()}
    return {**found, "declared": declared}  # type: ignore[dict-item]  # a word, made into columns with all the others


def _view_features(view: NDArray[np.generic], track: str, full_scale: float) -> dict[str, float]:
    from scipy import ndimage

    counts = np.asarray(view, dtype=np.float64) / full_scale
    if track == "slices":
        is_there = _in_slice(counts[..., 0])
    else:
        there = counts if track in BRIGHT else 1.0 - counts
        is_there = ndimage.uniform_filter(there[..., 0], 3) > EMPTY
    outline = ndimage.binary_dilation(is_there, iterations=_GROW_PX)
    found = _outline(is_there)
    for channel in range(counts.shape[2]):
        plane = counts[..., channel]
        found |= {f"{what}_{channel}": value for what, value in _rim(plane).items()}
        found |= {f"{what}_{channel}": value for what, value in _background(plane, ~outline).items()}
    if counts.shape[2] > 1 and (~outline).sum() > 2:
        hi, lo = counts[..., 0][~outline], counts[..., 1][~outline]
        found["channels_together"] = float(np.corrcoef(hi, lo)[0, 1]) if hi.std() and lo.std() else 0.0
    return found


def _in_slice(plane: FloatArray) -> BoolArray:
    """Where something lies in a slice: what the scanner has not set to air; where it leaves air noisy, what is above air.

    What air counts is above nothing so that noise is kept: the median of the rim. It was set where a side holds one value.
    """
    from scipy import ndimage

    sides = _sides(plane).values()
    air = float(np.median(np.concatenate([side.ravel() for side in sides])))
    if any(np.ptp(side) == 0.0 for side in sides):
        return np.asarray(plane != air)
    return np.asarray(ndimage.uniform_filter(plane - air, 3) > EMPTY)


def _outline(is_there: BoolArray) -> dict[str, float]:
    """Bounding edges of what lies in a view, and how many separate things it is, holes closed."""
    from scipy import ndimage

    rows, columns = np.flatnonzero(is_there.any(axis=1)), np.flatnonzero(is_there.any(axis=0))
    if not len(rows):
        return dict.fromkeys(("top", "bottom", "left", "right", "n_things"), -1.0)
    filled = ndimage.binary_fill_holes(is_there)
    _, n_things = ndimage.label(filled)
    edges = (rows[0], rows[-1], columns[0], columns[-1])
    return dict(zip(("top", "bottom", "left", "right", "n_things"), map(float, (*edges, n_things)), strict=True))


def _rim(plane: FloatArray) -> dict[str, float]:
    """Median level and spread of the pixels along each side of a view, where nothing lies as a rule."""
    sides = _sides(plane)
    levels = {f"rim_{name}": float(np.median(side)) for name, side in sides.items()}
    return levels | {f"rim_{name}_spread": float(side.std()) for name, side in sides.items()}


def _sides(plane: FloatArray) -> dict[str, FloatArray]:
    return {"top": plane[:RIM_PX], "bottom": plane[-RIM_PX:], "left": plane[:, :RIM_PX], "right": plane[:, -RIM_PX:]}


def _background(plane: FloatArray, is_empty: BoolArray) -> dict[str, float]:
    """Level, spread, skew and grain (difference of neighbours along either axis) of the empty part of a view."""
    names = ("level", "spread", "skew", "grain_across", "grain_along")
    empty = plane[is_empty]
    if len(empty) < 16:
        return dict.fromkeys([f"background_{name}" for name in names], -1.0)
    spread = float(empty.std()) if np.ptp(empty) else 0.0  # of equal pixels nothing but rounding would be left
    skew = float(((empty - empty.mean()) ** 3).mean() / spread**3) if spread else 0.0
    grain = []
    for axis in (0, 1):
        steps, both = np.diff(plane, axis=axis), is_empty & np.roll(is_empty, -1, axis=axis)
        both = both[:-1] if axis == 0 else both[:, :-1]
        grain.append(float(steps[both].std()) if both.any() else -1.0)
    return dict(zip([f"background_{n}" for n in names], (float(np.median(empty)), spread, skew, *grain), strict=True))


def _is_digest(text: str) -> bool:
    return len(text) >= 8 and all(letter in "0123456789abcdef" for letter in text[:8])


def _plan(vector: str, target: str, n_items: int, seed: int) -> Recipe:
    """A recipe whose test split holds as many positives as negatives of the target."""
    half = n_items // 2
    nothing = recipe(vector, Profile("none", 0, 0, 0, 0, 0), seed)
    cells = [cell for cell in nothing.cells if cell.threat and _is_asked(cell, target)]
    if not cells:
        raise BadValue(f"Corpora of {vector} hold no '{target}'. They hold: any, {_controls(nothing.cells)}.")
    per_cell = -(-half // len(cells))
    if target == vocabulary.ANY:
        return recipe(vector, Profile("probe", 0, 0, 0, per_cell + per_cell % 2, half), seed)
    is_empty = target == vocabulary.EMPTY_VERIFICATION
    return recipe(vector, Profile("probe", 0, 0, 0, 0, 0 if is_empty else half, 0, half, 0, 0, half), seed)


def _controls(cells: Iterable[Cell]) -> str:
    return ", ".join(dict.fromkeys(cell.threat for cell in cells if cell.is_control)) or "no control"


def _is_asked(cell: Cell, target: str) -> bool:
    """Whether items of a cell are positives or negatives of the target."""
    if cell.threat:
        return not cell.is_control if target == vocabulary.ANY else cell.threat == target
    return (cell.declared == vocabulary.EMPTY) == (target == vocabulary.EMPTY_VERIFICATION)


def _rows_of(dataset: Dataset, name: str) -> tuple[ScanSet, BoolArray]:
    """The scans of a corpus that hold a threat or are benign as declared, and which do."""
    table = dataset.scans.table[dataset.scans.table["corpus"] == name]
    held = dataset.objects.groupby("scan_id")["threat"].agg(set)
    threats = {scan_id for scan_id, names in held.items() if names - set(vocabulary.CONTROLS)}
    benign = table["scan_id"][~table["scan_id"].isin(held.index) & (table["declared"] != vocabulary.EMPTY)]
    scans = dataset.scans.subset(threats.intersection(table["scan_id"]) | set(benign))
    return scans, scans.table["scan_id"].isin(threats).to_numpy(dtype=np.bool_)
