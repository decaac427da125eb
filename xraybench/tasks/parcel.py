"""Boxed parcels of postal and express traffic."""

from xraybench.core.task import Task
from xraybench.tasks._product import product_of

THREATS = ("firearm", "blade", "powder_drugs", "currency")
CONCEALMENTS = ("undeclared", "in_layers", "in_article", "masked")
SENSORS = ("mail_160kv", "mail_140kv")

TASKS: tuple[Task, ...] = product_of("parcel", THREATS, CONCEALMENTS, SENSORS)
