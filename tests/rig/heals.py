"""What an operator tells of the replicas that it healed: each got back what it had lost, or had never been given."""

from dataclasses import dataclass

from rig.operator_process import Operator
from rig.web import fetch

_METRIC = "herder_replica_heal_seconds"


@dataclass(frozen=True, slots=True)
class Heals:
    """How many there were since the operator was started, and how long all of them took together."""

    count: int
    total_s: float

    @classmethod
    def of(cls, operator: Operator) -> "Heals":
        """Read the operator's metric. Raises OSError when it does not answer."""
        counted = _sum_of(operator, f"{_METRIC}_count")
        return cls(int(counted), _sum_of(operator, f"{_METRIC}_sum"))


def _sum_of(operator: Operator, name: str) -> float:
    lines = (line.split() for line in fetch(operator.metrics_url).decode().splitlines())
    return sum(float(words[-1]) for words in lines if words[0].partition("{")[0] == name)
