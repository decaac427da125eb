"""Palletised cargo."""

from xraybench.core.task import Task
from xraybench.tasks._product import product_of

THREATS = ("cigarettes", "alcohol", "powder_drugs", "ivory")
CONCEALMENTS = ("undeclared", "in_load", "masked")
SENSORS = ("pallet_300kv",)

TASKS: tuple[Task, ...] = product_of("pallet", THREATS, CONCEALMENTS, SENSORS)
