"""The declaration of a task. Standard library only: listing tasks must be quick."""

from dataclasses import dataclass

# What the figures of a lane are told for. They are assumptions, not measurements: an administration that knows its own puts
# them in a task of its own, and every result file names those that it was computed with.
PREVALENCE = 0.001  # share of items that hold a threat
COST_OF_MISS = 1000.0  # cost of a missed threat, in false alarms
MAX_MISS = 0.05  # share of threats that may be cleared unseen, as a bound at 95 %


@dataclass(frozen=True, slots=True)
class Task:
    """What is measured: the axes, which items count, at which operating points, and what is needed to print a number.

    Its positives are the items with that threat in that concealment, its negatives all benign items of the same corpora
    that are not declared empty. Of `empty_verification` they are the benign items that are. Control items
    (`vocabulary.CONTROLS`) count in the task of their own control and in no other.
    """

    vector: str
    threat: str  # "any" or a threat
    concealment: str  # "any" or a concealment
    sensor: str  # "any" or a sensor id
    version: int = 1
    pfa_points: tuple[float, ...] = (0.05, 0.01)  # the first is the main operating point
    main_metric: str = "pd"
    min_threats: int = 29  # with no miss among 29, pd >= 0.90 holds at 95 % (Clopper-Pearson)
    min_benign: int = 59  # with no false alarm among 59, pfa <= 0.05 holds at 95 % (Clopper-Pearson)
    slices: tuple[str, ...] = ("concealment", "threat", "sensor", "site", "size", "shape")
    prevalence: float = PREVALENCE
    cost_of_miss: float = COST_OF_MISS
    max_miss: float = MAX_MISS
    successor: str = ""  # id of the task that replaces this one

    @property
    def id(self) -> str:
        return f"{self.vector}-{self.threat}-{self.concealment}-{self.sensor}-v{self.version}"

    @property
    def target(self) -> str:
        """Which score of a model counts: the one for the task's threat."""
        return self.threat
