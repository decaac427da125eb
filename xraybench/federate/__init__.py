"""Training across sites that may not show each other their scans.

A job says what is asked, a site answers with an update a round, a coordinator averages. `run` does all of it in this
process; a backend for files or a network replaces only the carrying, see `site.Site.fit` and `coordinator.close_round`.
"""

from xraybench.federate.aggregate import SiteUpdate, fedavg
from xraybench.federate.baselines import BEST_SITE_NOTE, Baselines, baselines
from xraybench.federate.coordinator import ClosedRound, close_round
from xraybench.federate.inprocess import FederatedRun, run
from xraybench.federate.job import job_digest, make_job, read_job, write_job
from xraybench.federate.plan import THREE_SITES, SitePlan, mix, sites_from
from xraybench.federate.site import Site, job_for

__all__ = [
    "BEST_SITE_NOTE",
    "THREE_SITES",
    "Baselines",
    "ClosedRound",
    "FederatedRun",
    "Site",
    "SitePlan",
    "SiteUpdate",
    "baselines",
    "close_round",
    "fedavg",
    "job_digest",
    "job_for",
    "make_job",
    "mix",
    "read_job",
    "run",
    "sites_from",
    "write_job",
]
