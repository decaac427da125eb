"""Freight containers, and the two questions that services ask of every one: is it empty as declared, and is the load what
the manifest says?
"""

from xraybench.core.task import Task
from xraybench.tasks._product import product_of

THREATS = ("cigarettes", "alcohol", "powder_drugs", "ivory")
CONTROLS = ("empty_verification", "manifest_mismatch")
CONCEALMENTS = ("undeclared", "in_load", "in_structure", "in_reefer_unit", "rip_on_off", "masked")
SENSORS = ("container_6mev",)

TASKS: tuple[Task, ...] = product_of("container", THREATS, CONCEALMENTS, SENSORS, controls=CONTROLS)
