"""Boxed parcels of postal and express traffic.

`any` sensor is the pair of mail makes. Apart from it stand the third make, which no reference model is trained on, and
the conveyor, whose scans have two views.
"""

from xraybench.core.task import Task
from xraybench.tasks._product import product_of

THREATS = ("firearm", "blade", "powder_drugs", "currency")
CONTROLS = ("shielding",)
CONCEALMENTS = ("undeclared", "in_layers", "in_article", "masked", "in_load")
SENSORS = ("mail_160kv", "mail_140kv")
APART = ("mail_120kv", "conveyor_160kv")

TASKS: tuple[Task, ...] = product_of("parcel", THREATS, CONCEALMENTS, SENSORS, apart=APART, controls=CONTROLS)
