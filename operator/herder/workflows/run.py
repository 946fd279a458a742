"""What every run works on, whatever it is for: what is known of the replicas, and what went wrong."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from herder.workflows.entry import NO_ENTRY, Entry
from herder.workflows.errors import Problem
from herder.workflows.ports import utc_now


@dataclass(slots=True, kw_only=True)
class RunData:
    """The base of the data of all workflows. `entries` is keyed by endpoint, `problems` by step id."""

    entries: dict[str, Entry] = field(default_factory=dict)
    """What is known of what is registered on each replica; altered in place."""
    problems: dict[str, Problem] = field(default_factory=dict)
    """What went wrong in the latest attempt of each step."""
    now: Callable[[], datetime] = utc_now

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return what nothing that is shown may repeat."""
        return ()

    def entry(self, endpoint: str) -> Entry:
        """Return what is known of a replica."""
        return self.entries.get(endpoint, NO_ENTRY)

    def note(self, endpoint: str, entry: Entry) -> None:
        """Remember an entry that was just seen."""
        self.entries[endpoint] = entry.seen(entry.state, self.now())
