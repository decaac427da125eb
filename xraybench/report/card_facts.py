"""What files tell of each field of a card: the signature, the results, the declared sensors and vocabularies.

One function a field gives its facts for all data, another those of one body of data. Where nothing tells a thing, the fact
says `n/a` with the reason.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from xraybench import sensors
from xraybench.core import vocabulary
from xraybench.core.cards import CardFact, CardField, Lineage
from xraybench.core.sensor import Linac, Sensor
from xraybench.core.vocabulary import ANY
from xraybench.report import text
from xraybench.report.board import term_order
from xraybench.report.card_sources import MAIN_METRIC, Body, Sources, slice_rows, trained_corpora
from xraybench.report.results import find, task_of

TIMES, MINUS = "\N{MULTIPLICATION SIGN}", "\N{MINUS SIGN}"
_LINEAGE_KEYS = {*Lineage.model_fields, "sensors", "latency_device", "device", "energy_kwh"}
WHY_THESE = (
    "pd at a fixed pfa answers what a customs office asks: how much is found for the false alarms it can afford. The "
    "threshold is set on benign calibration items and carried over unchanged, so the pfa that was achieved stands "
    "beside it. The item is the unit of counting and of resampling."
)
Told = tuple[str, str, str]  # name, value, source
_NO_SIGNATURE = "no signature was handed in"
_NO_MONITOR = "no monitor has run with this model"


def facts_of(field: CardField, sources: Sources) -> Iterator[CardFact]:
    """The facts of one field: those of all data first."""
    for name, value, source in _GENERAL.get(field.key, _nothing)(sources):
        yield CardFact(field=field.key, name=name, value=value, source=source)
    for body in sources.bodies:
        for name, value, source in _OF_BODY.get(field.key, _nothing_of)(sources, body):
            yield CardFact(field=field.key, name=name, value=value, source=source, body=body.title)


def _nothing(_: Sources) -> Iterable[Told]:
    return ()


def _nothing_of(_: Sources, __: Body) -> Iterable[Told]:
    return ()


def _not_available(reason: str) -> str:
    return f"{text.NOT_AVAILABLE} ({reason})"


def _or_reason(value: object, reason: str) -> str:
    told = f"{value}".strip()
    return told or _not_available(reason)


def _identity(sources: Sources) -> Iterator[Told]:
    yield "Model", sources.words.model, "results"
    weights = sources.signature.weights_digest if sources.signature else ""
    missing = "the signature names none" if sources.signature else _NO_SIGNATURE
    yield "Digest of weights", _or_reason(weights, missing), "signature"
    yield "Scored with xraybench", text.listed(sorted({k.file.version for k in sources.kept})), "results"


def _owner(_: Sources) -> Iterator[Told]:
    yield (
        "Signature",
        "where there is one, in the statement beside it; `xraybench leaderboard verify` checks it",
        "xraybench",
    )


def _purpose(sources: Sources) -> Iterator[Told]:
    """What no result speaks of is out of scope, whatever the words say."""
    tasks = [task_of(k.file.task) for k in sources.kept]
    vectors = sorted({task.vector for task in tasks}, key=_place("vector"))
    yield "Measured on", ", ".join(vectors), "results"
    unmeasured = [name for name in vocabulary.names("vector") if name not in vectors]
    yield "Never measured on", ", ".join(unmeasured) or "none: every vector of the vocabulary was", "results"
    told = {row.slice_value for k in sources.kept for row in k.file.rows if row.slice_axis == "threat"}
    told |= {task.threat for task in tasks} - {ANY}
    yield (
        "Threats measured",
        ", ".join(text.term(name) for name in sorted(told, key=term_order)) or "any, not apart",
        "results",
    )


def _inputs(sources: Sources) -> Iterator[Told]:
    signature = sources.signature
    if signature is None:
        yield "Input", _not_available(_NO_SIGNATURE), "signature"
    else:
        is_counts = signature.full_scale > 255
        yield "Track", signature.track, "signature"
        yield "Channels, in order", ", ".join(signature.channels), "signature"
        depth = f"16 bit, open beam near {signature.full_scale:g}" if is_counts else "8 bit, as displayed"
        yield "Values", depth, "signature"
        polarity = f"bright is the open beam; {MINUS}ln(I / I₀) is taken inside the model" if is_counts else "as shown"
        yield "Polarity", polarity, "signature"
        yield (
            "Size",
            f"any; resized inside the model to {signature.image_px} {TIMES} {signature.image_px} pixels",
            "signature",
        )
    tested = {sensor for body in sources.bodies for sensor in _sensors_tested(body)}
    for name in sorted(tested | set(sources.trained_on), key=term_order):
        uses = [use for use, names in (("trained", sources.trained_on), ("tested", tested)) if name in names]
        yield f"Scanner {name}, {' and '.join(uses)}", _described(name), "sensor"


def _sensors_tested(body: Body) -> list[str]:
    """The scanners of a body of data, from its slices, else from its tasks."""
    return [row.slice_value for row in slice_rows(body, "sensor")] or sorted(
        {task.sensor for task in body.tasks} - {ANY}
    )


def _described(name: str) -> str:
    if name not in sensors.names():
        return _not_available("no registered sensor")
    sensor = sensors.get(name)
    views = "1 view" if sensor.n_views == 1 else f"{sensor.n_views} views"
    return f"{sensor.modality}, {_energies(sensor)}, {views}, pixels of {sensor.pixel_mm:g} mm"


def _energies(sensor: Sensor) -> str:
    if isinstance(sensor.source, Linac):
        return f"{' and '.join(f'{mev:g}' for mev in sensor.source.mev)} MeV"
    return f"{sensor.source.kvp:g} kV, {'two energy channels' if sensor.is_dual else 'one energy channel'}"


def _outputs(sources: Sources) -> Iterator[Told]:
    if sources.signature is None:
        yield "Classes", _not_available(_NO_SIGNATURE), "signature"
    else:
        for target in sources.signature.targets:
            yield f"Class {target}", _meaning(target), "vocabulary"
    yield "A score", "in [0, 1] for each class, higher is more suspicious; a box where the model gives one", "xraybench"
    yield "Decision", "an item alarms where its score is at or above the threshold", "xraybench"
    yield "Abstention", "none: a scan that the model failed on counts as no alarm", "xraybench"


def _meaning(target: str) -> str:
    if target == ANY:
        return "any threat; controls are not among them"
    known = target in vocabulary.names("threat")
    return vocabulary.term("threat", target).meaning if known else _not_available("not in the vocabulary")


def _architecture(sources: Sources) -> Iterator[Told]:
    signature = sources.signature
    if signature is None:
        yield "Architecture", _not_available(_NO_SIGNATURE), "signature"
        return
    yield "Architecture", _or_reason(signature.architecture, "the signature names none"), "signature"
    size = f"{signature.n_parameters:,}" if signature.n_parameters else _not_available("the signature names none")
    yield "Parameters", size, "signature"
    yield "Adapter", signature.adapter, "signature"
    yield (
        "Preprocessing",
        f"inside the graph, from {signature.track} values to {signature.image_px} pixels",
        "signature",
    )
    yield "Library", _or_reason(sources.words.library, "the vendor names none"), "words"


def _training(sources: Sources) -> Iterator[Told]:
    lineage = sources.lineage
    if not sources.training:
        missing = "the signature says nothing of training" if sources.signature else _NO_SIGNATURE
        yield "Training", _not_available(missing), "signature"
        return
    known = {"Kind": lineage.kind, "Aggregator": lineage.aggregator, "Backend": lineage.backend}
    yield from ((name, value, "signature") for name, value in known.items() if value)
    yield "Parent", lineage.parent or "none named", "signature"
    for stage in lineage.stages:
        yield f"Stage {stage.name}", _stage(stage.parent, stage.weights, stage.corpora, stage.n_items), "signature"
    others = {name: value for name, value in sources.training.items() if name not in _LINEAGE_KEYS}
    for name, value in _flat(others):
        yield name.replace("_", " ").capitalize(), _plain(value), "signature"
    yield from _federation(lineage)


def _federation(lineage: Lineage) -> Iterator[Told]:
    if not (lineage.sites or lineage.n_rounds or lineage.kind == "federated"):
        told = f"none: the signature names no rounds and no parties, its kind is {lineage.kind}"
        yield "Federation", told if lineage.kind else _not_available("the signature tells nothing of it"), "signature"
        return
    missing = "the signature tells none"
    rounds = _not_available(missing) if lineage.n_rounds is None else f"{lineage.n_rounds}"
    yield "Rounds", rounds, "signature"
    yield "Parties", f"{len(lineage.sites)}" if lineage.sites else _not_available(missing), "signature"
    for site in lineage.sites:
        n = f"{site.n_items:,} training items" if site.n_items is not None else "training items not told"
        version = f"; xraybench {site.version}" if site.version else ""
        yield f"Site {site.name}", f"{n}; {_digests(site.corpora) or 'data not told'}{version}", "signature"
    budget = ", ".join(f"{name} {value}" for name, value in _flat(lineage.privacy_budget))
    yield "Privacy budget", budget or _not_available(missing), "signature"
    yield "Agreements", ", ".join(lineage.agreements) or _not_available(missing), "signature"


def _stage(parent: str, weights: str, corpora: dict[str, str], n_items: int | None) -> str:
    told = [f"from {parent}" if parent else "no parent", f"to {weights}" if weights else ""]
    told += [f"{n_items:,} items" if n_items is not None else "", _digests(corpora)]
    return "; ".join(part for part in told if part)


def _digests(corpora: dict[str, str]) -> str:
    return ", ".join(f"{corpus} {digest}" for corpus, digest in sorted(corpora.items()))


def _flat(value: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, inner in value.items():
        if isinstance(inner, dict):
            yield from _flat(inner, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}", inner


def _plain(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_plain(inner) for inner in value) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else f"{value}" or "none"


def _datasets(sources: Sources) -> Iterator[Told]:
    lineage = sources.lineage
    n_items = sources.training.get("n_items")
    if not trained_corpora(lineage):
        yield "Training data", _not_available("the signature names none"), "signature"
    for corpus, digest in trained_corpora(lineage):
        sites = [site.name for site in lineage.sites if site.corpora.get(corpus) == digest]
        yield f"Trained on {corpus}" + (f", site {', '.join(sites)}" if sites else ""), digest, "signature"
    if n_items is not None:
        yield "Training items", _plain(n_items), "signature"


def _datasets_of(_: Sources, body: Body) -> Iterator[Told]:
    scans = "simulated" if body.is_simulated else "real"
    for corpus, digest in body.corpora.items():
        yield f"Tested on {corpus}, {scans}", digest, "results"
    rows = body.main.file.rows
    for axis in ("", "threat", "concealment", "sensor", "site"):
        counts = [r for r in rows if (r.metric, r.at, r.slice_axis) == (MAIN_METRIC, body.at, axis)]
        if counts and not axis:
            benign = find(body.main.file, "pfa", body.at)
            n_benign = f"{benign.n_items:,}" if benign else "not told"
            yield f"{body.title}: test items", f"{counts[0].n_threats:,} threats, {n_benign} benign", "results"
        elif counts:
            told = ", ".join(f"{text.term(r.slice_value)} {r.n_threats:,}" for r in counts)
            yield f"{body.title}: threats by {axis}", told, "results"
        elif axis == "site":
            yield f"{body.title}: by site, lane and time", _not_available("the results tell them not apart"), "results"


def _collection_of(_: Sources, body: Body) -> Iterator[Told]:
    file = body.main.file
    simulated = (
        f"simulated from seed {file.seed}, profile {file.profile}; labels follow from the geometry of each scene"
    )
    real = _not_available("stands on the data card of the dataset")
    yield f"{body.title}: test scans", simulated if file.is_simulated else real, "results"


def _label_policy_of(_: Sources, body: Body) -> Iterator[Told]:
    simulated = "every item's contents are known by construction; none was opened, none is unverified"
    real = _not_available("the results do not say who was opened; see the data card of the dataset")
    yield f"{body.title}: test items", simulated if body.is_simulated else real, "results"


def _probes(_: Sources) -> Iterator[Told]:
    yield "Probe pool", _not_available(_NO_MONITOR), "xraybench"


def _splits_of(sources: Sources, body: Body) -> Iterator[Told]:
    trained = {digest for _, digest in trained_corpora(sources.lineage)}
    shared = [corpus for corpus, digest in body.corpora.items() if digest in trained]
    if not trained:
        overlap = _not_available("the signature does not name the training data")
    elif shared:
        overlap = f"{text.listed(shared)} is training data too; only its test split is scored here"
    else:
        overlap = "no corpus tested here is among the training data, by digest"
    yield f"{body.title}: training against test", overlap, "signature"


def _splits(_: Sources) -> Iterator[Told]:
    yield "Splits", "thresholds from benign calibration items, every figure from test items", "xraybench"
    yield (
        "Duplicates",
        _not_available("checked on the dataset, by `xraybench data check`, not on the model"),
        "xraybench",
    )


def _metrics(sources: Sources) -> Iterator[Told]:
    yield "Why these", WHY_THESE, "xraybench"
    rows = [row for body in sources.bodies for row in body.main.file.rows if not math.isnan(row.low)]
    methods = sorted({re.sub(r", design effect [\d.]+| \(.*\)", "", row.interval) for row in rows})
    yield "Intervals", f"95 %: {'; '.join(methods)}", "results"
    replicates = sorted({k.file.n_replicates for k in sources.kept})
    yield "Bootstrap replicates", ", ".join(f"{n:,}" for n in replicates), "results"


def _metrics_of(_: Sources, body: Body) -> Iterator[Told]:
    file = body.main.file
    for point in body.task.pfa_points:
        threshold = file.thresholds.get(f"{point:g}")
        told = f"{threshold:.6g}" if threshold is not None else _not_available("no benign calibration items")
        yield f"Threshold at target pfa {point:g}", told, "results"
    if file.assumptions:
        told = ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in file.assumptions.items())
        yield "Assumed", told, "results"


def _slices_of(_: Sources, body: Body) -> Iterator[Told]:
    rows = slice_rows(body)
    thin = [f"{row.slice_axis} {text.term(row.slice_value)}" for row in rows if math.isnan(row.value)]
    if thin:
        yield "Too thin to print", text.listed(thin), "results"


def _calibration_of(_: Sources, body: Body) -> Iterator[Told]:
    corpora = text.listed(sorted(body.corpora))
    yield "Holds while", f"benign items score as the calibration items of {corpora} did", "xraybench"


def _calibration(_: Sources) -> Iterator[Told]:
    yield "Conformal target", _not_available("the threshold is an empirical quantile of benign scores"), "xraybench"


def _robustness_of(sources: Sources, body: Body) -> Iterator[Told]:
    unseen = [sensor for sensor in _sensors_tested(body) if sources.trained_on and sensor not in sources.trained_on]
    if unseen:
        yield "Tested, not trained on", ", ".join(unseen), "signature"


def _equity(_: Sources) -> Iterator[Told]:
    yield "By lane, origin and size of sender", _not_available("the results tell them not apart"), "results"


def _deployment(sources: Sources) -> Iterator[Told]:
    device = sources.training.get("latency_device") or sources.training.get("device") or ""
    yield "Measured on", _or_reason(device, "the signature names no device"), "signature"
    yield "Runtime parity", _not_available("no other runtime was compared"), "xraybench"
    yield "Conformance level", _not_available("no conformance test was run"), "xraybench"


def _oversight(_: Sources) -> Iterator[Told]:
    told = "no explanation is scored; how often the best box lies on the threat stands among the metrics"
    yield "Fidelity of explanations", _not_available(told), "xraybench"


def _security(sources: Sources) -> Iterator[Told]:
    yield "Signed statements", "`xraybench leaderboard verify` finds a changed number or predictions file", "xraybench"
    yield "Attacks on privacy", _not_available("none was run on this model"), "xraybench"


def _risks(sources: Sources) -> Iterator[Told]:
    energy = sources.training.get("energy_kwh")
    told = f"{_plain(energy)} kWh in training" if energy is not None else _not_available("not recorded in training")
    yield "Environmental cost", told, "signature"


def _monitoring(_: Sources) -> Iterator[Told]:
    yield "Monitoring", _not_available(_NO_MONITOR), "xraybench"


def _changes(sources: Sources) -> Iterator[Told]:
    yield "Model before", sources.lineage.parent or "none named", "signature"


def _standards(_: Sources) -> Iterator[Told]:
    yield "Reports", "the result files, each with its digest", "xraybench"


_GENERAL: dict[str, Callable[[Sources], Iterable[Told]]] = {
    "identity": _identity,
    "owner": _owner,
    "purpose": _purpose,
    "inputs": _inputs,
    "outputs": _outputs,
    "architecture": _architecture,
    "training": _training,
    "datasets": _datasets,
    "probes": _probes,
    "splits": _splits,
    "metrics": _metrics,
    "calibration": _calibration,
    "equity": _equity,
    "deployment": _deployment,
    "oversight": _oversight,
    "security": _security,
    "risks": _risks,
    "monitoring": _monitoring,
    "status": _monitoring,
    "changes": _changes,
    "standards": _standards,
}
_OF_BODY: dict[str, Callable[[Sources, Body], Iterable[Told]]] = {
    "datasets": _datasets_of,
    "collection": _collection_of,
    "label_policy": _label_policy_of,
    "splits": _splits_of,
    "metrics": _metrics_of,
    "slices": _slices_of,
    "calibration": _calibration_of,
    "robustness": _robustness_of,
}


def _place(axis: str) -> Callable[[str], int]:
    names = vocabulary.names(axis)
    return lambda name: names.index(name) if name in names else len(names)
