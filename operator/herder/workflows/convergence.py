"""What a run that brings replicas to a declaration works on, whether it registers a worker or updates it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from herder.workflows.converge import Wanted
from herder.workflows.entry import NO_ENTRY, Entry
from herder.workflows.errors import Problem
from herder.workflows.facts import Facts
from herder.workflows.owner import Holder, nobody
from herder.workflows.plan import Plan
from herder.workflows.ports import Replica, utc_now
from herder.workflows.probing import Prober


@dataclass(slots=True)
class Convergence:
    """The declaration, the replicas, and what has been found out and done so far.

    `entries`, `served` and `routable` are keyed by endpoint, `problems` by step id.
    """

    plan: Plan
    replicas: tuple[Replica, ...]
    prober: Prober
    adopt: bool = False
    facts: Facts = field(default_factory=Facts)
    entries: dict[str, Entry] = field(default_factory=dict)
    problems: dict[str, Problem] = field(default_factory=dict)
    served: dict[str, frozenset[str]] = field(default_factory=dict)
    """The models that a replica lists under the worker; only of those that were read."""
    routable: dict[str, bool] = field(default_factory=dict)
    """Whether a replica offers the worker's models to clients; only of those that were asked."""
    now: Callable[[], datetime] = utc_now
    holder: Holder = nobody

    def entry(self, endpoint: str) -> Entry:
        """Return what is known of the worker on a replica."""
        return self.entries.get(endpoint, NO_ENTRY)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return what nothing that is shown may repeat."""
        return self.plan.secrets

    @property
    def wanted(self) -> Wanted:
        """Return what each replica's entry is to become."""
        return Wanted(self.plan, self.adopt, self.holder)
