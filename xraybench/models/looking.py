"""How a model of ours looks at a scan set: reading, batching, failing scan by scan, timing, and writing the rows.

A model brings one function from a batch of equal-shaped views to scores and boxes; everything else is the same for all.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import pandas as pd

from xraybench.core import tables
from xraybench.core.errors import BadValue
from xraybench.core.progress import track
from xraybench.core.types import TRACKS, Float32Array, Predictions, ScanSet

BATCH_SIZE = 32
N_TIMED = 200  # scans whose latency is measured
_N_WARM = 3  # first calls of a kernel or graph set themselves up
_DECIMALS = 6


@dataclass(frozen=True, slots=True)
class Seen:
    """What a model says about a batch of n views.

    `boxes` are shares of the view's width and height, x0 y0 x1 y1, one per threat; None where a model cannot point.
    """

    scores: Float32Array  # (n, 1 + n_threats) in [0, 1]: any, then each threat
    boxes: Float32Array | None  # (n, n_threats, 4) in [0, 1]


See = Callable[[Float32Array], Seen]  # views (n, channel, height, width) as counts


@dataclass
class _Notes:
    """What was seen of one scan so far, over its views."""

    scores: Float32Array | None = None
    box: tuple[int, int, Float32Array] | None = None  # view, index of the threat, x0 y0 x1 y1 in pixels
    reason: str = ""  # why the scan failed
    latency_ms: float = float("nan")


@dataclass
class _Queue:
    """Views of one shape that wait for their batch."""

    places: list[tuple[str, int]] = field(default_factory=list)  # scan, view
    views: list[Float32Array] = field(default_factory=list)


def look(
    scans: ScanSet,
    see: See,
    *,
    model: str,
    track_name: str,
    full_scale: float,
    targets: Iterable[str],
    batch_size: int = BATCH_SIZE,
    n_timed: int = N_TIMED,
    quiet: bool = True,
) -> Predictions:
    """Look at every scan of a set, without labels.

    A scan of several views gets the highest score of its views for each target, and one box: of its likeliest threat,
    in the view that shows it best. A scan that cannot be read or computed gets the status `failed` and no score; it
    never stops the others. Scores are rounded to six decimals. Scans are worked through in the order of their ids, so
    the order of the table does not move a score.

    `latency_ms` is measured on up to `n_timed` scans, each by itself after a warm-up: from the views in memory to
    scores and boxes, preprocessing included, reading from disk left out. The others have none: scores come from
    batches, and a share of a batch's time would be throughput under the name of latency.

    Args:
        see: The model.
        full_scale: Count of the open beam that the model was trained on; counts are scaled to it.

    Raises:
        BadValue: The set is on another track than the model's, or not one scan could be looked at.
    """
    if scans.track != track_name:
        raise BadValue(
            f"{model} looks at the {track_name} track ({', '.join(TRACKS[track_name])}) and the scans are on the "
            f"{scans.track} track. Give it dataset.track('{track_name}')."
        )
    names = list(targets)
    gain = full_scale / scans.full_scale
    notes: dict[str, _Notes] = {scan_id: _Notes() for scan_id in scans.scan_ids}
    queues: dict[tuple[int, ...], _Queue] = defaultdict(_Queue)
    timed: list[str] = []
    for scan_id in track(sorted(notes), f"{model} looks at scans", quiet=quiet):
        try:
            views = _read(scans, scan_id, gain)
        except Exception as error:  # whatever is wrong with one scan must not cost the others
            notes[scan_id].reason = _reason(error)
            continue
        if len(timed) < n_timed:
            timed.append(scan_id)
        for index, view in enumerate(views):
            queue = queues[view.shape]
            queue.places.append((scan_id, index))
            queue.views.append(view)
            if len(queue.views) >= batch_size:
                _empty(queue, see, notes)
    for queue in queues.values():
        _empty(queue, see, notes)
    failed = [note.reason for note in notes.values() if note.reason]
    if notes and len(failed) == len(notes):
        raise BadValue(f"{model} could not look at any of the {len(notes)} scans. The first: {failed[0]}")
    _time(scans, [s for s in timed if not notes[s].reason], see, notes, gain)
    return Predictions(model, _table(scans, notes, model, names))


def _read(scans: ScanSet, scan_id: str, gain: float) -> list[Float32Array]:
    """The views of a scan as counts (channel, height, width), scaled to the model's open beam."""
    n_channels = len(scans.channels)
    views = []
    for view in scans.load(scan_id).views:
        if view.ndim != 3 or view.shape[2] != n_channels or 0 in view.shape:
            raise BadValue(f"a view has shape {view.shape}, not (height, width, {n_channels})")
        planes = np.ascontiguousarray(np.moveaxis(view, 2, 0), dtype=np.float32)
        views.append(planes if gain == 1.0 else planes * np.float32(gain))
    if not views:
        raise BadValue("the scan has no view")
    return views


def _empty(queue: _Queue, see: See, notes: dict[str, _Notes]) -> None:
    """Look at the waiting views, together or, where that fails, one by one."""
    if not queue.views:
        return
    try:
        _note(queue.places, queue.views, see, notes)
    except Exception:
        for place, view in zip(queue.places, queue.views, strict=True):
            try:
                _note([place], [view], see, notes)
            except Exception as error:
                notes[place[0]].reason = _reason(error)
    queue.places, queue.views = [], []


def _note(places: list[tuple[str, int]], views: list[Float32Array], see: See, notes: dict[str, _Notes]) -> None:
    seen = see(np.stack(views))
    if not np.isfinite(seen.scores).all():
        raise BadValue("a score is not a number")
    height, width = views[0].shape[1:]
    scale = np.array([width, height, width, height], dtype=np.float32)
    for row, (scan_id, view) in enumerate(places):
        note, scores = notes[scan_id], seen.scores[row]
        threat = int(np.argmax(scores[1:]))
        if seen.boxes is not None and (note.scores is None or scores[1:].max() > note.scores[1:].max()):
            note.box = (view, threat, seen.boxes[row, threat] * scale)
        note.scores = scores if note.scores is None else np.maximum(note.scores, scores)


def _time(scans: ScanSet, scan_ids: list[str], see: See, notes: dict[str, _Notes], gain: float) -> None:
    """Measure batch-1 latency, ms."""
    warm = _N_WARM
    for scan_id in scan_ids:
        views = _read(scans, scan_id, gain)
        for _ in range(warm):
            see(views[0][None])
        warm = 0
        start = time.perf_counter()
        for view in views:
            see(view[None])
        notes[scan_id].latency_ms = (time.perf_counter() - start) * 1e3


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _table(scans: ScanSet, notes: dict[str, _Notes], model: str, targets: list[str]) -> "pd.DataFrame":
    """The rows, in the order of the scan set."""
    rows: list[dict[str, Any]] = []
    for scan_id, corpus in zip(scans.table["scan_id"], scans.table["corpus"], strict=True):
        note = notes[scan_id]
        common = {"model": model, "corpus": corpus, "dataset_digest": scans.corpora[corpus], "scan_id": scan_id}
        status = "failed" if note.reason or note.scores is None else "ok"
        rows.append({**common, "record": "scan", "status": status, "latency_ms": round(note.latency_ms, 4)})
        if status == "failed":
            continue
        scores = np.clip(cast(Float32Array, note.scores).astype(np.float64), 0.0, 1.0).round(_DECIMALS)
        rows += [
            {**common, "record": "score", "target": target, "score": score}
            for target, score in zip(targets, scores.tolist(), strict=True)
        ]
        rows += _box_rows(common, note, scores, targets)
    frame = pd.DataFrame(rows, columns=tables.PREDICTIONS.column_names)
    frame["view"] = frame["view"].fillna(0).astype(int)
    return tables.check(frame, tables.PREDICTIONS, source=f"predictions of {model}")


def _box_rows(common: dict[str, Any], note: _Notes, scores: Any, targets: list[str]) -> list[dict[str, Any]]:
    if note.box is None:
        return []
    view, threat, box = note.box
    x0, y0, x1, y1 = (round(float(edge), 2) for edge in box)
    if not (x1 > x0 and y1 > y0):
        return []  # a box without area points nowhere
    return [
        {
            **common,
            "record": "box",
            "target": targets[1 + threat],
            "score": float(scores[1 + threat]),
            "view": view,
            "x0": x0,
            "y0": y0,
            "x1": x1,
            "y1": y1,
        }
    ]
