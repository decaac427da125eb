"""Training across sites that may not show each other their scans.

A job says what is asked, a site answers with an update a round, a coordinator averages. `run` does all of it in this
process; a backend for files or a network replaces only the carrying, see `site.Site.fit` and `coordinator.close_round`.
"""

from xraybench.federate.aggregate import VARIANTS, SiteUpdate, fedavg, variants_named
from xraybench.federate.answer import EvaluationSite
from xraybench.federate.baselines import BEST_SITE_NOTE, Baselines, baselines
from xraybench.federate.coordinator import ClosedRound, close_round
from xraybench.federate.evaluation import ask_in_process, evaluate_across
from xraybench.federate.inprocess import run
from xraybench.federate.job import job_digest, job_from, make_job, read_init, read_job, write_job
from xraybench.federate.plan import THREE_SITES, SitePlan, mix, sites_from
from xraybench.federate.question import EvaluationQuestion, FederatedResult
from xraybench.federate.release import unattended
from xraybench.federate.rounds import FederatedRun
from xraybench.federate.site import Site, job_for, open_site
from xraybench.federate.staged import (
    BASE_SENSOR_SITE,
    Stage,
    StagedPlan,
    StagedRun,
    gain_and_forgetting,
    make_stage,
    read_plan,
    run_stages,
    sensor_of,
    transfer_matrix,
    without_sensor,
)

__all__ = [
    "BASE_SENSOR_SITE",
    "BEST_SITE_NOTE",
    "THREE_SITES",
    "VARIANTS",
    "Baselines",
    "ClosedRound",
    "EvaluationQuestion",
    "EvaluationSite",
    "FederatedResult",
    "FederatedRun",
    "Site",
    "SitePlan",
    "SiteUpdate",
    "Stage",
    "StagedPlan",
    "StagedRun",
    "ask_in_process",
    "baselines",
    "close_round",
    "evaluate_across",
    "fedavg",
    "gain_and_forgetting",
    "job_digest",
    "job_for",
    "job_from",
    "make_job",
    "make_stage",
    "mix",
    "open_site",
    "read_init",
    "read_job",
    "read_plan",
    "run",
    "run_stages",
    "sensor_of",
    "sites_from",
    "transfer_matrix",
    "unattended",
    "variants_named",
    "without_sensor",
    "write_job",
]
