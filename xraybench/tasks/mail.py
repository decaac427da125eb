"""Letters, flats and small packets.

Two makes stand for `any` sensor. `mail_120kv` is a third make that no reference model is trained on: how far a model
carries over to a scanner nobody had, told on tasks of its own.
"""

from xraybench.core.task import Task
from xraybench.tasks._product import product_of

THREATS = ("firearm", "blade", "powder_drugs", "currency")
CONTROLS = ("shielding",)
CONCEALMENTS = ("undeclared", "in_layers", "in_article", "masked")
SENSORS = ("mail_160kv", "mail_140kv")
APART = ("mail_120kv",)

TASKS: tuple[Task, ...] = product_of("mail", THREATS, CONCEALMENTS, SENSORS, apart=APART, controls=CONTROLS)
