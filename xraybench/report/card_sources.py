"""What a card is made of: the words, the result files as they lie on disk, the signature and the lineage it tells of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from xraybench.core.cards import CardData, Lineage
from xraybench.core.documents import ModelSignature, ResultFile, ResultRow, field_faults
from xraybench.core.errors import BadFile
from xraybench.core.task import Task
from xraybench.report.board import sensors_of, term_order, vector_order
from xraybench.report.results import n_any, task_of

MAIN_METRIC = "pd"


@dataclass(frozen=True, slots=True)
class Kept:
    """One result file as it lies on disk."""

    path: str  # under the board folder
    digest: str
    file: ResultFile

    @property
    def stem(self) -> str:
        """Name of the file without its ending: what a reference in the words names."""
        return self.path.rpartition("/")[2].removesuffix(".json")


@dataclass(frozen=True, slots=True)
class Body:
    """What a model did on one body of data: a simulated suite, or one imported dataset. The two never meet."""

    title: str
    is_simulated: bool
    task: Task  # the widest one
    corpora: dict[str, str]  # corpus -> digest
    kept: dict[str, Kept]  # task id -> its result file

    @property
    def main(self) -> Kept:
        return self.kept[self.task.id]

    @property
    def at(self) -> float:
        """The main operating point."""
        return self.task.pfa_points[0]

    @property
    def tasks(self) -> list[Task]:
        return [task_of(task_id) for task_id in self.kept]


@dataclass(frozen=True, slots=True)
class Sources:
    """All that a card is made of."""

    words: CardData
    kept: tuple[Kept, ...]
    signature: ModelSignature | None
    bodies: tuple[Body, ...]
    lineage: Lineage

    @property
    def training(self) -> dict[str, Any]:
        return self.signature.training if self.signature else {}

    @property
    def trained_on(self) -> tuple[str, ...]:
        return sensors_of(self.signature) if self.signature else ()


def gather(words: CardData, kept: Sequence[Kept], signature: ModelSignature | None) -> Sources:
    """Sort the results of a model into bodies of data.

    Raises:
        BadFile: The signature's training table is broken, or the results do not make a board.
    """
    groups: dict[tuple[bool, int, str], list[Kept]] = {}
    for one in kept:
        file, task = one.file, task_of(one.file.task)
        name = task.vector.capitalize() if file.is_simulated else file.dataset or ", ".join(sorted(file.corpora))
        groups.setdefault((not file.is_simulated, vector_order(task.vector), name), []).append(one)
    bodies = tuple(_body(key[2], members) for key, members in sorted(groups.items(), key=lambda group: group[0]))
    return Sources(words, tuple(kept), signature, bodies, lineage_of(signature))


def lineage_of(signature: ModelSignature | None) -> Lineage:
    """What the signature tells of how the model came to be.

    Raises:
        BadFile: A part of its `training` table has another form than `Lineage`; every such part is named.
    """
    training = signature.training if signature else {}
    told = {name: training[name] for name in Lineage.model_fields if training.get(name) is not None}
    if isinstance(told.get("sites"), list):  # a list of names will do
        told["sites"] = [{"name": site} if isinstance(site, str) else site for site in told["sites"]]
    try:
        return Lineage.model_validate(told)
    except ValidationError as error:
        listed = "\n  ".join(f"training.{fault}" for fault in field_faults(error))
        name = signature.name if signature else ""
        raise BadFile(f"models/{name}.json: the signature's training table is broken\n  {listed}") from None


def trained_corpora(lineage: Lineage) -> list[tuple[str, str]]:
    """Corpus and digest of everything that a model was trained on, in any stage, at any site."""
    parts = [lineage.corpora, *(site.corpora for site in lineage.sites), *(stage.corpora for stage in lineage.stages)]
    return sorted({item for part in parts for item in part.items()})


def _body(title: str, kept: Sequence[Kept]) -> Body:
    corpora: dict[str, str] = {}
    for one in kept:
        for corpus, digest in one.file.corpora.items():
            if corpora.setdefault(corpus, digest) != digest:
                told = f"corpus {corpus} has digest {digest}, other results of {title} have {corpora[corpus]}"
                raise BadFile(f"{one.path}: {told}. Score all tasks on one.")
    tasks = sorted((task_of(one.file.task) for one in kept), key=lambda task: (-n_any(task), task.id))
    by_task = {one.file.task: one for one in kept}
    return Body(title, kept[0].file.is_simulated, tasks[0], dict(sorted(corpora.items())), by_task)


def slice_rows(body: Body, axis: str = "", metric: str = MAIN_METRIC) -> list[ResultRow]:
    """Rows of one metric by slice at the main operating point, in the order of the axes and of the vocabulary."""
    rows = [r for r in body.main.file.rows if (r.metric, r.at) == (metric, body.at) and r.slice_axis]
    axes = list(dict.fromkeys(r.slice_axis for r in rows))
    kept = [r for r in rows if not axis or r.slice_axis == axis]
    return sorted(kept, key=lambda r: (axes.index(r.slice_axis), term_order(r.slice_value)))
