"""The adapter prediction_file: a vendor that hands over scores instead of a network."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from xraybench.core.errors import BadTable, DigestMismatch
from xraybench.core.types import Predictions, ScanSet
from xraybench.formats.predictions import read_predictions

_MOST_NAMED = 5


@dataclass(frozen=True)
class PredictionFile:
    """Predictions that were made elsewhere, standing in for the model that made them."""

    predictions: Predictions
    source: str  # what to call the file in a message

    @property
    def name(self) -> str:
        return self.predictions.model

    def predict(self, scans: ScanSet) -> Predictions:
        """The file's rows for these scans, in the order of the set; rows for other scans are left out.

        Raises:
            DigestMismatch: The file was made for another version of a corpus; all such corpora are named.
            BadTable: Scans without a row of record `scan`: how many, and the first of them, corpus by corpus.
        """
        self._check_digests(scans)
        table = self.predictions.table
        place = pd.Series(range(len(scans)), index=scans.table["scan_id"])
        held = table[table["scan_id"].isin(place.index)]
        if faults := _missing(scans, held) + _misplaced(scans, held):
            raise BadTable(self.source, faults)
        order = held["scan_id"].map(place).sort_values(kind="stable").index
        return Predictions(self.name, held.loc[order].reset_index(drop=True))

    def _check_digests(self, scans: ScanSet) -> None:
        named = self.predictions.corpora
        asked = sorted(set(scans.table["corpus"]))
        wrong = [
            f"{corpus}: the file is for {named[corpus]}, these scans are {scans.corpora[corpus]}"
            for corpus in asked
            if corpus in named and named[corpus] != scans.corpora[corpus]
        ]
        if asked and not set(asked) & set(named):
            wrong.append(f"the file is for {', '.join(sorted(named))}, these scans are of {', '.join(asked)}")
        if wrong:
            raise DigestMismatch(
                f"{self.source}: made for other data\n  " + "\n  ".join(wrong) + "\nLet the model look at these scans, "
                "or load the dataset that the file names."
            )


def _missing(scans: ScanSet, held: "pd.DataFrame") -> list[str]:
    looked_at = set(held["scan_id"][held["record"] == "scan"])
    table = scans.table[~scans.table["scan_id"].isin(looked_at)]
    return [
        f"{corpus}: {len(group)} scans have no row of record 'scan', so nobody looked at them: "
        + ", ".join(group["scan_id"].iloc[:_MOST_NAMED])
        + (", ..." if len(group) > _MOST_NAMED else "")
        for corpus, group in table.groupby("corpus")
    ]


def _misplaced(scans: ScanSet, held: "pd.DataFrame") -> list[str]:
    corpus_of = dict(zip(scans.table["scan_id"], scans.table["corpus"], strict=True))
    wrong = held[held["scan_id"].map(corpus_of) != held["corpus"]].drop_duplicates("scan_id")
    return [
        f"scan {scan_id} is given as of corpus {corpus}, it is of {corpus_of[scan_id]}"
        for scan_id, corpus in zip(wrong["scan_id"], wrong["corpus"], strict=True)
    ]


def load_prediction_file(path: Path) -> PredictionFile:
    """Read a Parquet or CSV file of predictions.

    Raises:
        BadFile: Missing, or not what its suffix says.
        BadTable: With every fault of the table.
    """
    return PredictionFile(read_predictions(path), path.name)
