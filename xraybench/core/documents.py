"""The JSON documents on disk, as pydantic models, and their exported schemas.

Every document names its schema and version in its first field. `python -m xraybench.core.documents` writes the schemas
to `xraybench/core/schemas/`; a test holds them current.
"""

import json
import math
import os
import re
import tempfile
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError

from xraybench.core import vocabulary
from xraybench.core.errors import BadFile, BadValue, UnknownName

SCHEMA_FOLDER = Path(__file__).parent / "schemas"
MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")  # it becomes the name of files and pages


def _null_is_nan(value: float | None) -> float:
    return math.nan if value is None else value


def _nan_is_null(value: float) -> float | None:
    return None if math.isnan(value) else float(f"{value:.6g}")


# A number of a document: null where undefined and six digits long on disk, NaN in memory.
Number = Annotated[
    float,
    BeforeValidator(_null_is_nan, json_schema_input_type=float | None),
    PlainSerializer(_nan_is_null, when_used="json"),
]


def _is_threat(name: str) -> str:
    try:
        return vocabulary.term("threat", name).name
    except UnknownName as error:
        raise ValueError(str(error)) from None


Threat = Annotated[str, AfterValidator(_is_threat)]


class Document(BaseModel):
    """A JSON file of ours: unknown fields are refused, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ResultRow(Document):
    """One number of a result file. Undefined values are null in JSON, NaN in memory, and carry a reason."""

    metric: str = Field(description="name of a registered metric")
    at: float | None = Field(default=None, description="operating point (pfa) the metric is taken at")
    slice_axis: str = Field(
        default="", description="concealment, threat, sensor, site, size or shape; empty for the whole task"
    )
    slice_value: str = ""
    value: Number = Field(description="the number; null where undefined")
    low: Number = Field(description="lower end of the 95 % interval")
    high: Number = Field(description="upper end of the 95 % interval")
    interval: str = Field(description="method of the interval")
    n_items: int = Field(ge=0, description="items the number rests on")
    n_threats: int = Field(ge=0, description="of these, items with a threat")
    reason: str = Field(default="", description="why the value is undefined")


class ResultFile(Document):
    """`leaderboards/results/<model>/<task-id>.json`: all numbers of one model on one task. Written by runs only.

    Of an imported dataset it lies at `<task-id>@<dataset>.json`, so that two datasets of one scanner stay apart.
    """

    schema_id: Literal["xraybench.results/1"] = "xraybench.results/1"
    task: str
    model: str
    track: str = Field(description="raw, colour, grey or unknown: tracks are ranked apart")
    is_simulated: bool = Field(description="simulated and real results never share a rank")
    profile: str
    seed: int
    n_replicates: int = Field(description="bootstrap replicates behind the intervals")
    thresholds: dict[str, float | None] = Field(description="pfa -> threshold set on benign calibration items")
    corpora: dict[str, str] = Field(description="corpus -> digest of scans, labels and split")
    predictions_digest: str
    version: str = Field(description="version of xraybench that computed the numbers")
    dataset: str = Field(
        default="", description="name and digest of an imported body of data; empty for simulated data"
    )
    code_digest: str = Field(default="", description="digest of the sources that make numbers; empty where unknown")
    assumptions: dict[str, float] = Field(
        default_factory=dict, description="what figures of a lane are told for: prevalence, cost_of_miss and the like"
    )
    rows: list[ResultRow]


class Environment(Document):
    """`environment.json` of a run: what it ran on."""

    schema_id: Literal["xraybench.environment/1"] = "xraybench.environment/1"
    python: str
    platform: str
    n_cpus: int
    device: str = Field(description="cpu, or the name of the accelerator")
    packages: dict[str, str] = Field(description="package -> version")
    torchvision_operators: str = Field(description="native, shim or not loaded")
    code_digest: str


class RunManifest(Document):
    """`run.json` of a run folder: what was asked. The run id is its digest, so an equal run is never repeated."""

    schema_id: Literal["xraybench.run/1"] = "xraybench.run/1"
    notebook: str
    notebook_digest: str
    parameters: dict[str, Any]
    code_digest: str
    inputs: dict[str, str] = Field(default_factory=dict, description="digests of what the run reads beside parameters")


class DatasetManifest(Document):
    """`dataset.json` of a dataset folder."""

    schema_id: Literal["xraybench.dataset/1"] = "xraybench.dataset/1"
    name: str
    corpus: str
    vector: str
    sensor: str
    track: str
    full_scale: float = Field(gt=0)
    threats: list[str]
    is_simulated: bool
    profile: str
    seed: int
    licence: str
    licence_of_upstream: str = "unknown"
    use_terms: str
    source: str = Field(description="where the scans come from: generator and version, or the folder that was imported")
    n_items: dict[str, int] = Field(description="split -> items")
    digest: str = Field(description="digest of scans, labels and split")


class Seal(Document):
    """`seal.json` of a dataset folder: the root of the hash tree over its images, labels and splits."""

    schema_id: Literal["xraybench.seal/1"] = "xraybench.seal/1"
    root: str = Field(pattern="^[0-9a-f]{64}$", description="SHA-256 root over leaves.parquet in the order of its rows")
    n_leaves: int = Field(ge=0)
    dataset: str = Field(description="digest of the dataset when it was sealed")


class ModelSignature(Document):
    """`signature.json` beside a model: what goes in, what comes out."""

    schema_id: Literal["xraybench.model/1"] = "xraybench.model/1"
    name: str
    adapter: str
    track: str
    channels: list[str]
    full_scale: float = Field(gt=0, description="count of the open beam (raw) or 255")
    image_px: int = Field(gt=0, description="the model resizes every view to image_px x image_px inside its graph")
    targets: list[str] = Field(description="any first, then the threats, in the order of the score outputs")
    n_parameters: int = Field(ge=0)
    architecture: str
    training: dict[str, Any] = Field(default_factory=dict, description="data digests, seed, epochs, lineage")
    weights_digest: str = ""


class Submission(Document):
    """`submission.json` of a packed submission: what a vendor hands in. Results are not among it."""

    schema_id: Literal["xraybench.submission/1"] = "xraybench.submission/1"
    model: str
    profile: str = Field(description="of the simulated scans that the model looked at")
    seed: int
    version: str = Field(description="version of xraybench that packed it")
    corpora: dict[str, str] = Field(description="corpus -> digest of the scans that the model looked at")
    files: dict[str, str] = Field(description="name -> SHA-256 of every other file but the statement")


class FederatedSite(Document):
    """One site of a federated job: what the coordinator may know about it. Scans and labels stay there."""

    name: str
    corpora: dict[str, str]
    n_items: int = Field(ge=1)
    version: str = Field("", description="the xraybench that runs at the site")
    agreement: str = Field("", description="what the site's agreement is called; empty for simulated scans")


Aggregator = Literal["fedavg", "fedadam", "trimmed_mean", "screened_mean"]


class FederatedJob(Document):
    """What a coordinator asks of every site: the same object in process, as files, or over a network."""

    model_config = ConfigDict(allow_inf_nan=False)

    schema_id: Literal["xraybench.federated_job/1"] = "xraybench.federated_job/1"
    name: str = Field(pattern=f"^{MODEL_NAME.pattern}$", description="what the model will be called")
    architecture: str
    track: str
    image_px: int = Field(gt=0, le=4096, multiple_of=32)
    full_scale: float = Field(gt=0)
    threats: list[Threat] = Field(min_length=1)
    n_rounds: int = Field(ge=1)
    local_epochs: float = Field(gt=0)
    batch_size: int = Field(ge=2)
    learning_rate: float = Field(gt=0)
    seed: int
    aggregator: Aggregator = "fedavg"
    batch_norm: Literal["average", "local_statistics", "local"] = Field(
        description="average: running statistics are averaged like weights; local_statistics (SiloBN): affine parameters "
        "are averaged, each site keeps its running statistics; local (FedBN): each site keeps both. The global model's "
        "are the item-weighted mean all the same"
    )
    proximal: float = Field(0.0, ge=0, description="FedProx's mu: pull of a site's weights towards those it was sent")
    server_rate: float = Field(0.01, gt=0, description="fedadam: step of the server's optimiser")
    trim: float = Field(
        0.2,
        ge=0,
        lt=0.5,
        description="trimmed_mean: share of the updates dropped at either end; screened_mean: largest share left out",
    )
    clip: float = Field(0.0, ge=0, description="longest update, as a multiple of the round's median norm; 0: no limit")
    frozen: list[str] = Field(default_factory=list, description="parts of the network that no site trains, by name")
    noise: float = Field(0.0, ge=0, description="differential privacy: noise as a multiple of max_gradient; 0: none")
    max_gradient: float = Field(1.0, gt=0, description="with noise: length to which the gradient of each view is cut")
    parent: str = Field("", description="digest of the weights the run starts from; empty: drawn from the seed")
    quorum: int = Field(ge=1, description="fewest site updates a round may close with")
    grace_s: float = Field(
        120.0, ge=0, description="how long a round waits for the others once the quorum has answered"
    )
    round_timeout_s: float = Field(3600.0, gt=0, description="how long a site may take for its answer in a round")
    least_items: int = Field(1, ge=1, description="a site with fewer items to learn from is not taken in")
    party: str = Field("coordinator", description="who asks, as the sites' agreements name it")
    purpose: str = Field("training", description="what for, as the sites' agreements name it")


class FederatedUpdate(Document):
    """What a site gives back in a round, beside its weights (safetensors)."""

    schema_id: Literal["xraybench.federated_update/1"] = "xraybench.federated_update/1"
    job: str
    round: int = Field(ge=1)
    site: str
    n_items: int = Field(ge=1)
    loss: float | None = Field(description="mean training loss; null for a training with noise, which it would undo")
    start: str = Field("", description="digest of the global weights that the site was sent")
    data: str = Field("", description="digest of what the site said about its data when it joined")
    weights_digest: str


DOCUMENTS: tuple[type[Document], ...] = (
    ResultFile,
    Environment,
    RunManifest,
    DatasetManifest,
    Seal,
    ModelSignature,
    Submission,
    FederatedJob,
    FederatedUpdate,
)

D = TypeVar("D", bound=Document)


def checked_model(name: str) -> str:
    """The name, when it can stand in a path, a page and a table.

    Raises:
        BadValue: It holds other characters than letters, digits, dot, underscore and hyphen, or is too long.
    """
    if MODEL_NAME.fullmatch(name) is None:
        raise BadValue(
            f"The model name {name!r} is refused: up to 80 letters, digits, dots, underscores and hyphens, "
            "a letter or digit first."
        )
    return name


def read_document(path: Path, kind: type[D]) -> D:
    """Read and check one document.

    Raises:
        BadFile: The file is missing, not JSON, or breaks its schema; every broken field is named.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BadFile(f"{path}: there is no such file.") from None
    except UnicodeDecodeError:
        raise BadFile(f"{path}: not UTF-8 text, so not a JSON document.") from None
    except IsADirectoryError:
        raise BadFile(f"{path}: is a folder; a file is right.") from None
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        raise BadFile(f"{path}: not a valid {kind.__name__}\n  " + "\n  ".join(field_faults(error))) from None


def field_faults(error: ValidationError) -> list[str]:
    """One line per broken field: where, what is wrong, what was given."""
    return [
        f"{'.'.join(map(str, fault['loc'])) or 'document'}: {fault['msg']} (got {str(fault['input'])[:60]!r})"
        for fault in error.errors()
    ]


def write_document(path: Path, document: Document) -> None:
    """Write one document atomically: other readers see the old file or the new one, never half of it."""
    write_text(path, document.model_dump_json(indent=1) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write text atomically (temporary file in the same folder, flush, rename)."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write bytes atomically. On a full disk the old file stays as it was and the temporary one is removed."""
    if path.is_dir():
        raise BadFile(f"{path}: is a folder; a file is right.")
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def schemas() -> dict[str, str]:
    """File name -> JSON schema text of every document."""
    from xraybench.core.cards import CardData, ModelCard  # built on this file

    kinds: tuple[type[Document], ...] = (*DOCUMENTS, CardData, ModelCard)
    return {
        f"{kind.__name__}.schema.json": json.dumps(kind.model_json_schema(), indent=1, sort_keys=True) + "\n"
        for kind in kinds
    }


if __name__ == "__main__":
    for file_name, text in schemas().items():
        write_text(SCHEMA_FOLDER / file_name, text)
