"""What a removal run works on: the URL to take off every replica, and what is known of it there."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from herder.workflows.entry import NO_ENTRY, Entry
from herder.workflows.errors import Problem
from herder.workflows.owner import Owner
from herder.workflows.ports import Replica, utc_now


@dataclass(slots=True)
class Removal:
    """The data of one `worker-removal` run. `entries` begins as what the registration left, lost adds included."""

    url: str
    owner: Owner
    replicas: tuple[Replica, ...]
    entries: dict[str, Entry] = field(default_factory=dict)
    problems: dict[str, Problem] = field(default_factory=dict)
    in_flight: dict[str, int] = field(default_factory=dict)
    """By endpoint: how many requests of the replica were under way on the worker when it was looked at last."""
    now: Callable[[], datetime] = utc_now

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return what nothing that is shown may repeat: a removal sends no key."""
        return ()

    def entry(self, endpoint: str) -> Entry:
        """Return what is known of the worker on a replica."""
        return self.entries.get(endpoint, NO_ENTRY)
