"""What a run that brings replicas to a declaration works on, whether it registers a worker or updates it."""

from dataclasses import dataclass, field
from typing import override

from herder.workflows.converge import Wanted
from herder.workflows.facts import Facts
from herder.workflows.owner import Holder, nobody
from herder.workflows.plan import Plan
from herder.workflows.ports import Replica
from herder.workflows.probing import Prober
from herder.workflows.run import RunData


@dataclass(slots=True)
class Convergence(RunData):
    """The declaration, the replicas, and what has been found out and done so far.

    `served` and `routable` are keyed by endpoint.
    """

    plan: Plan
    replicas: tuple[Replica, ...]
    prober: Prober
    adopt: bool = False
    facts: Facts = field(default_factory=Facts)
    served: dict[str, frozenset[str]] = field(default_factory=dict)
    """The models that a replica lists under the worker; only of those that were read."""
    routable: dict[str, bool] = field(default_factory=dict)
    """Whether a replica offers the worker's models to clients; only of those that were asked."""
    holder: Holder = nobody

    @property
    @override
    def secrets(self) -> tuple[str, ...]:
        return self.plan.secrets

    @property
    def wanted(self) -> Wanted:
        """Return what each replica's entry is to become."""
        return Wanted(self.plan, self.adopt, self.holder)
