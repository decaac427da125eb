"""Learning in stages, declared before it runs: a common base, then a model for each scanner, then one for each site.

Every stage starts from the model that the stage before made for the same sites, and says how: over which sites one model
is trained (scope), together without sharing scans or on all scans in one place, for how long, which parts stay as they are,
and how strongly it is held to its parent. What came of it is read from a transfer matrix: what a stage gains on the scanner
it was made for, and what it forgets of the others.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from pydantic import Field, ValidationError

from xraybench import evaluate, tasks, train
from xraybench.core import digest
from xraybench.core.documents import Document, FederatedJob, FederatedSite, field_faults
from xraybench.core.errors import BadParameter, BadValue
from xraybench.core.registry import did_you_mean
from xraybench.core.types import Model
from xraybench.federate.baselines import ask_to_pool
from xraybench.federate.inprocess import run
from xraybench.federate.job import check_sites, n_epochs
from xraybench.federate.site import Site, signature_of
from xraybench.metrics.screening import threshold_at_pfa
from xraybench.models.timm_net import TimmNet, digest_of_weights, net_of, sealed, set_weights, weights_of

Scope = Literal["all", "sensor", "site"]
_WIDTH = {"all": 0, "sensor": 1, "site": 2}  # a stage is never wider than the one before it


class Stage(Document):
    """One stage of a plan. Numbers that are not given are those of the job."""

    name: str = Field(pattern=r"^[A-Za-z0-9_]+$")
    scope: Scope = Field(description="one model over all sites, one for each sensor, or one for each site")
    how: Literal["federated", "pooled"] = Field(
        "federated", description="pooled needs all scans in one place: simulated ones, or a single site's"
    )
    n_rounds: int | None = Field(None, ge=1)
    local_epochs: float | None = Field(None, gt=0)
    learning_rate: float | None = Field(None, gt=0)
    frozen: list[str] = Field(default_factory=list, description="parts of the network that stay as they are")
    mu: float = Field(
        0.0, ge=0, description="pull towards the weights of the parent (pooled) or of the round (federated)"
    )
    statistics: Literal["learned", "anew"] = Field(
        "learned",
        description="anew: BatchNorm's running statistics are taken from the stage's scans when it ends, which needs them "
        "in one place",
    )


def make_stage(**fields: Any) -> Stage:
    """A stage of these fields of `Stage`.

    Raises:
        BadParameter: With every field that is out of range.
    """
    try:
        return Stage(**fields)
    except ValidationError as error:
        raise BadParameter("No stage can be trained so:\n  " + "\n  ".join(field_faults(error))) from None


class StagedPlan(Document):
    """The stages of a training, in order."""

    schema_id: Literal["xraybench.staged_plan/1"] = "xraybench.staged_plan/1"
    stages: list[Stage] = Field(min_length=1)


# Small steps after the base: with a hundred scans a site, 16 passes at a rate of 1e-3 forgot more than they learned.
BASE_SENSOR_SITE = StagedPlan(
    stages=[
        Stage(name="base", scope="all"),
        Stage(name="sensor", scope="sensor", n_rounds=4, local_epochs=0.5, learning_rate=2e-4, mu=0.01),
        Stage(
            name="site",
            scope="site",
            how="pooled",
            n_rounds=2,
            local_epochs=1,
            learning_rate=2e-4,
            mu=0.01,
            statistics="anew",
        ),
    ]
)


@dataclass(frozen=True)
class StagedRun:
    """What a staged training leaves: a model for each stage and group of sites, and who is in which group."""

    models: dict[str, TimmNet]  # `base`, `sensor-mail_160kv`, `site-north` -> model, in the order they were trained
    members: dict[str, tuple[str, ...]]  # the same keys -> names of the sites
    parents: dict[str, str]  # the same keys -> key of the model it started from; empty for a first stage

    def at_site(self, name: str) -> TimmNet:
        """The model of the last stage for a site.

        Raises:
            BadValue: No such site took part.
        """
        keys = [key for key, members in self.members.items() if name in members]
        if not keys:
            known = sorted({site for members in self.members.values() for site in members})
            raise BadValue(f"No site '{name}' took part. {did_you_mean(name, known)}")
        return self.models[keys[-1]]


def run_stages(
    plan: StagedPlan,
    job: FederatedJob,
    sites: Sequence[Site],
    *,
    out: Path,
    init: TimmNet | None = None,
    quiet: bool = False,
) -> StagedRun:
    """Train a plan, stage by stage; federated stages keep their rounds and go on where they were stopped.

    Args:
        plan: The stages.
        job: Architecture, targets and all numbers that a stage does not set; its name opens every model's.
        sites: Who takes part.
        out: Folder of the rounds.
        init: A trained network that the first stage starts from, such as one of simulated scans.
        quiet: No progress on stderr.

    Raises:
        BadValue: A stage is wider than the one before it, two have one name, or the sites cannot carry the job.
        BadParameter: A part that is to be frozen is not in the network.
        Refused: A site's agreement does not allow a stage, or that weights leave it, or that its scans do for one that is
            pooled; or a person there said no.
    """
    _check(plan)
    if job.noise:
        raise BadValue("A plan of stages is trained without noise; its stages in one place have none to add.")
    check_sites(job.model_copy(update={"quorum": 1}), [site.describe() for site in sites])
    _check_agreements(plan, job, sites)
    done = StagedRun({}, {}, {})
    for stage in plan.stages:
        for key, group in _groups(stage, sites).items():
            parent_key = _parent_of(done, group)
            parent = done.models[parent_key] if parent_key else init
            asked = _job_of(stage, job, key, group, parent)
            done.models[key] = _trained(stage, asked, group, parent, out / key, quiet=quiet)
            done.members[key] = tuple(site.name for site in group)
            done.parents[key] = parent_key
    return done


def transfer_matrix(
    models: Mapping[str, Model], sites: Sequence[Site], *, task: str = "mail-any-any-any-v1", pfa: float = 0.05
) -> pd.DataFrame:
    """pd of every model at every site, each with the threshold of that site's own benign calibration items.

    Args:
        models: Name -> model; a row each.
        sites: With calibration and test items; a column each.
        task: What counts as a threat.
        pfa: Share of benign items that may alarm.

    Returns:
        Shares in [0, 1]; NaN where a site has no calibration item, or no threat among its test items.
    """
    asked = tasks.get(task)
    rows: dict[str, dict[str, float]] = {name: {} for name in models}
    for site in sites:
        seen = site.dataset.part("calibration", "test")
        for name, model in models.items():
            chosen = evaluate.select(asked, evaluate.join(seen, model.predict(seen.scans)))
            threshold = threshold_at_pfa(chosen.calibration, pfa)
            found = chosen.scores[chosen.is_threat] >= threshold
            rows[name][site.name] = float(found.mean()) if len(found) and not math.isnan(threshold) else math.nan
    return pd.DataFrame.from_dict(rows, orient="index")


def gain_and_forgetting(
    matrix: pd.DataFrame, *, parents: Mapping[str, str], members: Mapping[str, Sequence[str]]
) -> pd.DataFrame:
    """What every model gained over its parent where it is at home, and lost elsewhere.

    Args:
        matrix: A row a model, a column a site, the measure (higher is better).
        parents: Model -> the model it started from; those without one are left out.
        members: Model -> the sites it was made for.

    Returns:
        A row a model: parent, gain (mean over its own sites), forgetting (mean over the others, positive where it got
        worse; NaN where there are no others).
    """
    rows = []
    for key, parent in parents.items():
        if not parent:
            continue
        change = matrix.loc[key] - matrix.loc[parent]
        home = change.index.isin(members[key])
        rows.append({"model": key, "parent": parent, "gain": change[home].mean(), "forgetting": -change[~home].mean()})
    return pd.DataFrame(rows, columns=["model", "parent", "gain", "forgetting"])


def sensor_of(site: Site) -> str:
    """The sensor a site scans on; several are named together."""
    return "+".join(sorted(set(site.train.scans.table["sensor"])))


def without_sensor(sites: Sequence[Site], sensor: str) -> tuple[list[Site], list[Site]]:
    """The sites that do not scan on a sensor, and those that do: for the row of a vendor that nobody trained on.

    Raises:
        BadValue: No site scans on it, or all do.
    """
    left, out = [s for s in sites if sensor_of(s) != sensor], [s for s in sites if sensor_of(s) == sensor]
    if not left or not out:
        known = sorted({sensor_of(site) for site in sites})
        raise BadValue(
            f"Leaving out {sensor} leaves {len(left)} of {len(sites)} sites; sensors are {', '.join(known)}."
        )
    return left, out


def read_plan(text: str) -> StagedPlan:
    """A plan from JSON: what a notebook's parameter holds.

    Raises:
        BadValue: Not JSON, or not a plan; every broken field is named.
    """
    try:
        plan = StagedPlan.model_validate(json.loads(text))
    except ValueError as error:
        faults = field_faults(error) if isinstance(error, ValidationError) else [str(error)]
        raise BadValue("This is no plan of stages:\n  " + "\n  ".join(faults)) from None
    _check(plan)
    return plan


def _check(plan: StagedPlan) -> None:
    names = [stage.name for stage in plan.stages]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise BadValue(f"Two stages are called {', '.join(twice)}.")
    for stage in plan.stages:
        if stage.statistics == "anew" and stage.how == "federated" and stage.scope != "site":
            raise BadValue(
                f"Stage {stage.name}: statistics are taken anew where the scans are, so `how` must be pooled or the scope "
                "site."
            )
    for before, after in zip(plan.stages, plan.stages[1:], strict=False):
        if _WIDTH[after.scope] < _WIDTH[before.scope]:
            raise BadValue(
                f"Stage {after.name} is over {after.scope} and follows {before.name} over {before.scope}: a stage starts "
                "from one parent, so none may be wider than the one before it."
            )


def _check_agreements(plan: StagedPlan, job: FederatedJob, sites: Sequence[Site]) -> None:
    """Raise for what an agreement denies of any stage, before the first one trains; each stage asks for itself again."""
    pooled = {
        site.name
        for stage in plan.stages
        for group in _groups(stage, sites).values()
        for site in group
        if stage.how == "pooled" and len(group) > 1
    }
    for site in sites:
        for action in ("train", "export_weights", *(["export_image"] if site.name in pooled else [])):
            site.require("load", job, action=action)


def _groups(stage: Stage, sites: Sequence[Site]) -> dict[str, list[Site]]:
    """Name of each model of a stage -> its sites, sorted by name."""
    order = sorted(sites, key=lambda site: site.name)
    if stage.scope == "all":
        return {stage.name: order}
    groups: dict[str, list[Site]] = {}
    for site in order:
        groups.setdefault(f"{stage.name}-{sensor_of(site) if stage.scope == 'sensor' else site.name}", []).append(site)
    return groups


def _parent_of(done: StagedRun, group: Sequence[Site]) -> str:
    """The last model that was made for these sites, or nothing."""
    return next((key for key in reversed(done.members) if group[0].name in done.members[key]), "")


def _job_of(stage: Stage, job: FederatedJob, key: str, group: Sequence[Site], parent: TimmNet | None) -> FederatedJob:
    numbers = {name: getattr(stage, name) for name in ("n_rounds", "local_epochs", "learning_rate")}
    return job.model_copy(
        update={
            "name": f"{job.name}-{key}",
            **{name: value for name, value in numbers.items() if value is not None},
            "frozen": list(stage.frozen),
            "proximal": stage.mu or job.proximal,
            "parent": "" if parent is None else digest_of_weights(weights_of(parent.net)),
            "quorum": min(job.quorum, len(group)),
        }
    )


def _trained(
    stage: Stage, job: FederatedJob, group: Sequence[Site], parent: TimmNet | None, out: Path, *, quiet: bool
) -> TimmNet:
    init = None if parent is None else weights_of(parent.net)
    if stage.how == "federated" and len(group) > 1:
        net = run(job, group, out=out, init=init, quiet=quiet).net
    else:
        net = _in_one_place(stage, job, group, init)
    return TimmNet(_with_lineage(net, stage, job, group, parent), net.net, net.device, net.n_threads)


def _in_one_place(stage: Stage, job: FederatedJob, group: Sequence[Site], init: dict[str, Any] | None) -> TimmNet:
    """One network on all scans of the group, from the parent's weights."""
    from xraybench.train.adapt import take_statistics

    ask_to_pool(job, group)
    scans = train.concatenated([site.prepared(job) for site in group])
    net = net_of(signature_of(job), seed=job.seed)
    if init is not None:
        set_weights(net, init)
    train.fit(
        net,
        scans,
        epochs=n_epochs(job),
        batch_size=job.batch_size,
        learning_rate=job.learning_rate,
        seed=job.seed,
        proximal=job.proximal,
        frozen=job.frozen,
        device=group[0].device,
        n_threads=group[0].n_threads,
    )
    if stage.statistics == "anew":
        take_statistics(net, scans.shrunk)
    for site in group:
        site.require("release", job, action="export_weights")
    return TimmNet(sealed(signature_of(job), net), net, device=group[0].device)


def _corpora(described: Sequence[FederatedSite]) -> dict[str, str]:
    """Corpus -> digest of what a stage learned from; where several sites hold a part of it, of all their parts."""
    held: dict[str, list[str]] = {}
    for site in described:
        for corpus, known in site.corpora.items():
            held.setdefault(corpus, []).append(known)
    return {corpus: parts[0] if len(parts) == 1 else digest.of_json(sorted(parts)) for corpus, parts in held.items()}


def _with_lineage(net: TimmNet, stage: Stage, job: FederatedJob, group: Sequence[Site], parent: TimmNet | None) -> Any:
    """The signature with what the model came from: every stage with the digests of its weights and of its data."""
    described = [site.describe() for site in group]
    before = [] if parent is None else list(parent.signature.training.get("stages", []))
    own = {
        "name": stage.name,
        "parent": job.parent,
        "weights": net.signature.weights_digest,
        "corpora": _corpora(described),
        "n_items": sum(site.n_items for site in described),
    }
    training = {
        **net.signature.training,
        "kind": "staged",
        "backend": "inprocess",
        "n_rounds": job.n_rounds,
        "local_epochs": job.local_epochs,
        "learning_rate": job.learning_rate,
        "seed": job.seed,
        "sites": [{"name": s.name, "n_items": s.n_items, "corpora": dict(s.corpora)} for s in described],
        "parent": job.parent,
        "stages": [*before, own],
        "plan": stage.model_dump(mode="json", exclude={"schema_id"}, exclude_none=True),
    }
    return net.signature.model_copy(update={"name": job.name, "training": training})
