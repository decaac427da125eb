"""Bags and suitcases of travellers.

`any` sensor is the two projection scanners, the one of a single view and the conveyor of two, both on the raw track. CT
slices are another track, which no model of projections can read, so they stand apart.
"""

from xraybench.core.task import Task
from xraybench.tasks._product import product_of

THREATS = ("firearm", "ammunition", "blade", "explosive", "pills")
CONTROLS = ("shielding",)
CONCEALMENTS = ("undeclared", "in_article", "false_bottom", "masked")
SENSORS = ("baggage_140kv", "conveyor_160kv")
APART = ("baggage_ct",)

TASKS: tuple[Task, ...] = product_of("baggage", THREATS, CONCEALMENTS, SENSORS, apart=APART, controls=CONTROLS)
