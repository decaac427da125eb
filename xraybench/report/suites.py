"""One figure a model over a whole suite as a document, and the lint that a published mean is the mean of its parts.

`results/_suites/<track>/<vector>.json` (`SuiteFile`) is written beside the rank sets. Simulated suites only: imported data
have no suite of cells that was declared before anyone submitted.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field, ValidationError

from xraybench.core.documents import Document, Number, ResultFile, field_faults, write_text
from xraybench.core.errors import BadFile
from xraybench.evaluate import Standing
from xraybench.evaluate.suite import POLICY, WORST_PD
from xraybench.metrics.aggregate import POLICIES, wrong_means
from xraybench.report.results import PairRow, find, render_document

SUITES = "_suites"
_METHOD = (
    "mean pd over the cells; threats and calibration items drawn again together for all cells, normal on the logit scale; "
    "simultaneous confidence sets of ranks (stepdown max-t)"
)
_PLACES = 6  # significant digits of a published share


class SuiteRow(Document):
    """One model's mean over the cells of a suite, and where it stands."""

    model: str
    value: Number = Field(description="mean of the parts; null where undefined")
    low: Number = Field(description="lower end of the 95 % interval")
    high: Number = Field(description="upper end of the 95 % interval")
    n_tasks: int = Field(ge=0, description="cells that count")
    n_missing: int = Field(ge=0, description="of them, cells without a result of this model")
    rank_low: int | None = Field(
        default=None, ge=1, description="best rank the data allow, simultaneously for all models"
    )
    rank_high: int | None = Field(
        default=None, ge=1, description="worst rank the data allow, simultaneously for all models"
    )
    marginal_low: int | None = Field(default=None, ge=1, description="best rank, for this model alone")
    marginal_high: int | None = Field(default=None, ge=1, description="worst rank, for this model alone")
    reason: str = Field(default="", description="why the value is undefined")
    parts: list[Number] = Field(description="pd on each task of the file; null where missing or not counted")


class SuiteFile(Document):
    """`_suites/<track>/<vector>.json`: the models of one suite and track by one figure over all its cells."""

    schema_id: Literal["xraybench.suite/1"] = "xraybench.suite/1"
    vector: str
    track: str
    profile: str
    seed: int
    metric: str = "pd"
    at: float = 0.05
    level: float = Field(default=0.95, gt=0, lt=1)
    method: str
    policy: str = Field(description="what a missing result counts as")
    policy_text: str
    n_replicates: int = Field(ge=0)
    corpora: dict[str, str]
    predictions: dict[str, str] = Field(description="model -> digest of its predictions on these corpora")
    tasks: list[str] = Field(description="the declared cells, in the order of the parts")
    counts: list[bool] = Field(description="whether a cell's data define pd: the same for every model")
    rows: list[SuiteRow]
    best: list[str] = Field(default_factory=list, description="confidence set of the best model")
    pairs: list[PairRow] = Field(default_factory=list)

    def content_faults(self, path: Path) -> list[str]:
        """What the schema cannot say: the file lies where it belongs, and its lists have one entry a task."""
        faults = []
        if (path.parent.name, path.stem) != (self.track, self.vector):
            faults.append(f"the file says track '{self.track}', vector '{self.vector}'")
        n = len(self.tasks)
        uneven = [row.model for row in self.rows if len(row.parts) != n] + (["counts"] if len(self.counts) != n else [])
        return faults + [f"{name}: not as many entries as there are tasks ({n})" for name in uneven]


def suite_file(standing: Standing, *, track: str, profile: str, seed: int) -> SuiteFile:
    """The document of a standing."""
    sure, alone = standing.simultaneous, standing.marginal
    rows = []
    for i, model in enumerate(standing.models):
        mean, ends = standing.means[i], standing.intervals[i]
        rows.append(
            SuiteRow(
                model=model,
                value=mean.value,
                low=ends.low,
                high=ends.high,
                n_tasks=mean.n_tasks,
                n_missing=mean.n_missing,
                rank_low=int(sure.low[i]) if sure else None,
                rank_high=int(sure.high[i]) if sure else None,
                marginal_low=int(alone.low[i]) if alone else None,
                marginal_high=int(alone.high[i]) if alone else None,
                reason=mean.reason,
                parts=[float(part) for part in standing.parts[i]],
            )
        )
    pairs = [
        PairRow(
            a=standing.models[p.first],
            b=standing.models[p.second],
            difference=p.difference,
            low=p.low,
            high=p.high,
            p_holm=p.p_holm,
        )
        for p in standing.pairs
    ]
    return SuiteFile(
        vector=standing.vector,
        track=track,
        profile=profile,
        seed=seed,
        at=standing.cells[0].pfa_points[0],
        method=_METHOD,
        policy=POLICY,
        policy_text=POLICIES[POLICY],
        n_replicates=standing.n_replicates,
        corpora=standing.corpora,
        predictions=standing.predictions,
        tasks=[cell.id for cell in standing.cells],
        counts=[bool(c) for c in standing.counts],
        rows=sorted(rows, key=lambda r: (-r.value if not math.isnan(r.value) else math.inf, r.model)),
        best=[m for m, may_be in zip(standing.models, standing.best, strict=bool(standing.best)) if may_be],
        pairs=pairs,
    )


def save_suite(document: SuiteFile, folder: Path) -> Path:
    """Write the standing of one suite and track under the results folder, atomically, and return its path."""
    path = folder / SUITES / document.track / f"{document.vector}.json"
    write_text(path, render_document(document))
    return path


def load_suites(folder: Path) -> list[SuiteFile]:
    """All standings of suites beside the results of a folder.

    Raises:
        BadFile: Naming every file that is broken, or lies where its content does not belong.
    """
    found: list[SuiteFile] = []
    faults: list[str] = []
    for path in sorted((folder / SUITES).glob("*/*.json")):
        where = path.relative_to(folder)
        try:
            document = SuiteFile.model_validate_json(path.read_bytes())
        except ValidationError as error:
            faults += [f"{where}: {fault}" for fault in field_faults(error)]
            continue
        faults += [f"{where}: {fault}" for fault in document.content_faults(path)]
        found.append(document)
    if faults:
        raise BadFile(f"{folder / SUITES}: {len(faults)} faults\n  " + "\n  ".join(faults))
    return found


def suite_faults(suite_files: Sequence[SuiteFile], result_files: Sequence[ResultFile]) -> list[str]:
    """What is wrong with published means: one sentence each, none where all is well.

    A mean must be that of its parts, a missing part counted as the policy says; a part must be what the result file of that
    model and task says; and no task that counts may be left out where the model has a result for it.
    """
    told = {(file.model, file.track, file.task): file for file in result_files if file.is_simulated}
    faults = []
    for document in suite_files:
        name = f"suite {document.vector}, track {document.track}"
        counting = np.array(document.counts, dtype=bool)
        parts = np.array([row.parts for row in document.rows]).reshape(len(document.rows), len(document.tasks))
        used = parts[:, counting]
        counted = np.where(np.isnan(used), WORST_PD, used) if document.policy == "worst" else used
        values = np.array([row.value for row in document.rows])
        for index in wrong_means(values, counted, places=_PLACES):
            row = document.rows[index]
            faults.append(
                f"{name}: {row.model} is given {row.value:g}, the mean of its parts is {counted[index].mean():g}"
            )
        for row, own in zip(document.rows, parts, strict=True):
            if row.n_missing != int(np.isnan(own[counting]).sum()):
                faults.append(f"{name}: {row.model} is said to miss {row.n_missing} tasks, its parts say otherwise")
            for task, part, counts in zip(document.tasks, own, document.counts, strict=True):
                file = told.get((row.model, document.track, task))
                cell = find(file, document.metric, document.at) if file else None
                value = cell.value if cell else math.nan
                if counts and not (abs(part - value) <= 10.0**-_PLACES or (math.isnan(part) and math.isnan(value))):
                    faults.append(
                        f"{name}: {row.model} on {task} is counted as {part:g}, its result file says {value:g}"
                    )
    return faults
