"""A dataset of labels without pixels: what evaluation needs, made in milliseconds."""

import numpy as np
import pandas as pd

from xraybench.core import tables, vocabulary
from xraybench.core.chance import stream
from xraybench.core.types import Dataset, Predictions, ScanSet

THREATS = ("firearm", "blade", "powder_drugs", "currency")
CONCEALMENTS = ("undeclared", "in_layers", "in_article", "masked")
CORPUS = "mail-mail_160kv"


def labelled(*, n_threats: int = 480, n_benign: int = 600, n_calibration: int = 600) -> Dataset:
    """Test items of every threat in every concealment, benign ones, and benign calibration items, in a mixed order."""
    kinds = [(THREATS[n % 4], CONCEALMENTS[n // 4 % 4]) for n in range(n_threats)] + [("", "")] * n_benign
    rows = [("test", *kind) for kind in kinds] + [("calibration", "", "")] * n_calibration
    rows = [rows[n] for n in stream(0, "labelled").permutation(len(rows))]
    names = [f"{n:05d}" for n in range(len(rows))]
    items = [(f"item-{n}", split, "unknown", "simulated") for n, (split, _, _) in zip(names, rows, strict=True)]
    scans = [(f"scan-{n}", f"item-{n}", CORPUS, "mail", "mail_160kv", 1, 64, 64, "") for n in names]
    objects = [
        (f"scan-{n}", f"item-{n}", 0, threat, "", vocabulary.SHAPES[0], how, 0, 10.0, 10.0, 30.0, 30.0, 400.0, 0.1)
        for n, (_, threat, how) in zip(names, rows, strict=True)
        if threat
    ]
    table = tables.check(pd.DataFrame(scans, columns=tables.SCANS.column_names), tables.SCANS, source="scans")
    return Dataset(
        name="labelled",
        view_sets={
            "raw": ScanSet(table, lambda scan: (np.zeros((64, 64, 2), np.uint16),), "raw", 60_000.0, {CORPUS: "d0"})
        },
        items=tables.check(pd.DataFrame(items, columns=tables.ITEMS.column_names), tables.ITEMS, source="items"),
        objects=tables.check(
            pd.DataFrame(objects, columns=tables.OBJECTS.column_names), tables.OBJECTS, source="objects"
        ),
        threats=THREATS,
        is_simulated=True,
        licence="Apache-2.0",
        use_terms="none",
        profile="made_up",
        seed=0,
    )


def said(dataset: Dataset, *, seed: int = 0) -> Predictions:
    """A model that is right more often than not, with boxes; ties and extreme scores among its scores."""
    scans = dataset.scans.table
    is_threat = scans["scan_id"].isin(dataset.objects["scan_id"]).to_numpy()
    scores = 1 / (1 + np.exp(-(stream(seed, "said").normal(1.6 * is_threat - 1.5, 1.3) * 2).round(2)))
    scores[:5] = [0.0, 1.0, 0.5, 0.5, 1e-9]
    head = {"model": "toy", "corpus": scans["corpus"], "dataset_digest": "d0", "scan_id": scans["scan_id"], "view": 0}
    frames = [
        pd.DataFrame({**head, "record": "scan", "status": "ok", "latency_ms": 1.0}),
        pd.DataFrame({**head, "record": "score", "target": "any", "score": scores}),
        pd.DataFrame({**head, "record": "box", "target": "any", "score": scores,
                      "x0": 12.0, "y0": 12.0, "x1": 32.0, "y1": 32.0}),
    ]  # fmt: skip
    table = pd.concat(frames, ignore_index=True).reindex(columns=tables.PREDICTIONS.column_names)
    return Predictions("toy", tables.check(table, tables.PREDICTIONS, source="toy"))


def only(dataset: Dataset, predictions: Predictions) -> Predictions:
    """A model's rows for the scans of one dataset."""
    return Predictions(
        predictions.model, predictions.table[predictions.table["scan_id"].isin(dataset.scans.table["scan_id"])]
    )


def dealt(dataset: Dataset, names: tuple[str, ...]) -> dict[str, Dataset]:
    """The items of a dataset at several sites, none at two."""
    held = stream(1, "deal").integers(0, len(names), len(dataset.items))
    return {
        name: dataset.where(pd.Series(held == number, index=dataset.items.index)) for number, name in enumerate(names)
    }
