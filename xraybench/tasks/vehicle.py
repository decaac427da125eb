"""Lorries, vans and cars.

`any` sensor is the transmission portal. Backscatter is another track, which no model of transmission can read, so it
stands apart.
"""

from xraybench.core.task import Task
from xraybench.tasks._product import product_of

THREATS = ("cigarettes", "currency", "powder_drugs", "firearm")
CONCEALMENTS = ("undeclared", "in_vehicle", "masked")
SENSORS = ("vehicle_4mev",)
APART = ("backscatter_225kv",)

TASKS: tuple[Task, ...] = product_of("vehicle", THREATS, CONCEALMENTS, SENSORS, apart=APART)
