"""What an operator tells of the replicas that it healed: each got back what it had lost, or had never been given."""

from dataclasses import dataclass

from rig.metrics import sum_of
from rig.operator_process import Operator

_METRIC = "herder_replica_heal_seconds"


@dataclass(frozen=True, slots=True)
class Heals:
    """How many there were since the operator was started, and how long all of them took together."""

    count: int
    total_s: float

    @classmethod
    def of(cls, operator: Operator) -> "Heals":
        """Read the operator's metric. Raises OSError when it does not answer."""
        return cls(int(sum_of(operator, f"{_METRIC}_count")), sum_of(operator, f"{_METRIC}_sum"))
