"""What is measured: plain functions on arrays, one file a family, and the table of metrics over them.

`screening` (pd, pfa, AUROC, average precision, curves), `detection` (boxes), `calibration`, `speed`; `intervals`,
`resampling` and `ranks` say how sure a number or an order of vendors is; `catalogue` holds the facts of every metric.
"""

from xraybench.metrics.catalogue import INTERVAL_TEXT, METRICS, Metric
from xraybench.metrics.intervals import Interval

__all__ = ["INTERVAL_TEXT", "METRICS", "Interval", "Metric"]
