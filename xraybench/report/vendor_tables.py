"""The tables and sentences of a vendor's report card: each from the one document that the JSON twin is written from."""

import math
from pathlib import Path

import pandas as pd

from xraybench.core.documents import ModelSignature, read_document
from xraybench.report import text
from xraybench.report.vendor import CardPart, CardRow, ReportCard, Rival
from xraybench.simulate import difficulty


def points_table(part: CardPart) -> pd.DataFrame:
    """The operating points: the pfa asked for, the threshold, pd, and the pfa that the test items really gave."""
    by_point = {
        at: {row.metric: row for row in part.points if row.at == at}
        for at in sorted({r.at or 0.0 for r in part.points})
    }
    rows = []
    for at, found in by_point.items():
        threshold = part.thresholds[f"{at:g}"]
        rows.append(
            {
                "pfa asked for": f"{at:g}",
                "alarm from a score of": text.NOT_AVAILABLE if math.isnan(threshold) else f"{threshold:.4g}",
                "pd [95 % interval]": _told(found["pd"]),
                "threats": found["pd"].n_threats,
                "achieved pfa [95 % interval]": _told(found["pfa"]),
                "benign": found["pfa"].n_items - found["pfa"].n_threats,
                "published": "yes" if found["pd"].row is not None else "computed here",
            }
        )
    return pd.DataFrame(rows)


def achieved(part: CardPart) -> list[tuple[float, float]]:
    """Achieved pfa and pd of each operating point that has both: the marks of a DET curve."""
    by_metric = {(row.at, row.metric): row.value for row in part.points}
    pairs = [(by_metric[at, "pfa"], by_metric[at, "pd"]) for at, metric in by_metric if metric == "pd"]
    return [(pfa, pd) for pfa, pd in pairs if not math.isnan(pfa) and not math.isnan(pd)]


def transfer_table(part: CardPart) -> pd.DataFrame:
    """What a threshold does on the sensors or sites that it was not set on."""
    pairs: dict[tuple[str, str, str], dict[str, CardRow]] = {}
    for row in part.transfer:
        pairs.setdefault((row.slice_axis, row.calibrated_on, row.slice_value), {})[row.metric] = row
    return pd.DataFrame(
        [
            {
                "axis": axis,
                "threshold set on": source or "all",
                "tested on": target,
                "achieved pfa": _told(found["pfa"]),
                "pd": _told(found["pd"]),
                "threats": found["pd"].n_threats,
                "benign": found["pfa"].n_items - found["pfa"].n_threats,
            }
            for (axis, source, target), found in pairs.items()
        ]
    )


def marks_table(part: CardPart) -> pd.DataFrame:
    """The index at which pd passes each mark."""
    if part.visibility is None:
        return pd.DataFrame()
    seen = part.visibility
    return pd.DataFrame(
        [
            {
                "pd": mark.pd,
                f"{seen.index} there": f"{text.NOT_AVAILABLE}: {mark.reason}"
                if mark.reason
                else f"{mark.index:.3g} [{mark.low:.3g}, {mark.high:.3g}]",
                "threat scans": seen.n_threats,
                "missed": seen.n_missed,
            }
            for mark in seen.marks
        ]
    )


def rivals_table(part: CardPart) -> pd.DataFrame:
    """This model against each other one, paired on the same items; the nearest first."""
    if part.place is None:
        return pd.DataFrame()
    rivals = sorted(part.place.rivals, key=lambda rival: (rival.is_told_apart, abs(rival.difference), rival.model))
    return pd.DataFrame(
        [
            {
                "other model": rival.model,
                "its pd": text.number(rival.estimate),
                "this one minus it": text.difference(rival.difference),
                "95 % interval": f"[{text.difference(rival.low)}, {text.difference(rival.high)}]",
                "p, Holm": text.p_value(rival.p_holm),
                "verdict": _verdict(rival),
            }
            for rival in rivals
        ]
    )


def place_sentence(part: CardPart) -> str:
    """The rank set in words, with what the task cannot tell apart."""
    place = part.place
    if place is None:
        return f"{part.task} is not ranked on this board: too few threats, or real scans of which no rank was made."
    alike = sorted(rival.model for rival in place.rivals if not rival.is_told_apart)
    told = [
        f"On {part.task} the data allow rank {text.ranks(place.rank_low, place.rank_high)} of {place.n_models} "
        f"({part.track} track, all ranks at once at {100 * place.level:g} %)."
    ]
    if alike:
        told.append(f"This board cannot tell it apart from {text.listed(alike)}.")
    elif place.rivals:
        told.append("It differs from every other model that it was compared with by more than chance.")
    if len(place.rivals) < place.n_models - 1:
        told.append(f"It was compared with {len(place.rivals)} of the others, which stand next to it.")
    if not math.isnan(place.minimum_detectable_difference):
        told.append(
            f"A true difference of pd of {place.minimum_detectable_difference:.3f} is shown by this task in 80 of 100 "
            "repetitions, for models that miss different items; a smaller one less often."
        )
    return " ".join(told)


def versions_table(part: CardPart) -> pd.DataFrame:
    """The versions of this model, oldest first."""
    return pd.DataFrame(
        [
            {
                "version": row.version,
                "model": row.model,
                "pd [95 % interval]": f"{text.number(row.value)} {text.interval(row.low, row.high)}".strip(),
                "change": text.difference(row.difference),
                "95 % interval of the change": text.NOT_AVAILABLE
                if math.isnan(row.difference)
                else f"[{text.difference(row.difference_low)}, {text.difference(row.difference_high)}]",
                "": row.reason,
            }
            for row in part.versions
        ]
    )


def versions_sentence(part: CardPart) -> str:
    """How the model developed, in words."""
    if len(part.versions) < 2:
        return "This board holds one version only of this model, so there is no development to show."
    changes = [row for row in part.versions[1:] if not math.isnan(row.difference)]
    better = sum(row.difference_low > 0 for row in changes)
    worse = sum(row.difference_high < 0 for row in changes)
    return (
        f"{len(part.versions)} versions: of {len(changes)} steps that can be compared, {better} found more, {worse} found "
        f"less, and {len(changes) - better - worse} cannot be told from no change."
    )


def sources_table(card: ReportCard) -> pd.DataFrame:
    """The files of the board that the card rests on."""
    rows = [{"file": name, "SHA-256": digest} for name, digest in card.sources.items()]
    return pd.DataFrame(rows)


def facts_table(model: str, board: Path) -> pd.DataFrame:
    """What the model's signature says it is."""
    path = board / "models" / f"{model}.json"
    if not path.is_file():
        return pd.DataFrame([{"what": "signature", "as its signature says": "none was handed in"}])
    signature = read_document(path, ModelSignature)
    told = {
        "architecture": f"{signature.architecture}, {signature.n_parameters:,} parameters",
        "looks at": f"{signature.track} ({', '.join(signature.channels)}), resized to {signature.image_px} px inside",
        "names": ", ".join(signature.targets),
        "trained": ", ".join(
            f"{key.replace('_', ' ')} {value}"
            for key, value in signature.training.items()
            if key in ("kind", "dataset", "n_items", "epochs", "n_rounds", "seed") and value != ""
        )
        or "not stated",
        "latency measured on": str(signature.training.get("latency_device", "not stated")),
        "weights": signature.weights_digest or "not stated",
    }
    return pd.DataFrame({"what": told.keys(), "as its signature says": told.values()})


def index_label(index: str) -> str:
    """An index of visibility with the first half of its meaning, for an axis."""
    meaning = next(column.meaning for column in difficulty.DIFFICULTY.columns if column.name == index)
    return f"{index}: {meaning.split(',')[0]}"


def _verdict(rival: Rival) -> str:
    if not rival.is_told_apart:
        return "cannot be told apart"
    return "this one finds more" if rival.difference > 0 else "the other finds more"


def _told(row: CardRow) -> str:
    if math.isnan(row.value):
        return f"{text.NOT_AVAILABLE}: {row.reason}"
    return text.value_with_interval(row)
