"""What a removal run works on: the URL to take off every replica, and what is known of it there."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from herder.api.status import EntryState
from herder.workflows.owner import Owner
from herder.workflows.ports import Replica
from herder.workflows.run import RunData


@dataclass(slots=True)
class Removal(RunData):
    """The data of one `worker-removal` run. `entries` begins as what the registration left, lost adds included."""

    url: str
    owner: Owner
    replicas: tuple[Replica, ...]
    in_flight: dict[str, int] = field(default_factory=dict)
    """By endpoint: how many requests of the replica were under way on the worker when it was looked at last."""
    former: tuple["Removal", ...] = ()
    """The same of each URL that it had before and still has; `replicas` and `owner` are those of the whole."""

    @property
    def is_gone(self) -> bool:
        """Whether no replica has this URL, as far as each has been looked at."""
        return all(
            replica.endpoint in self.entries and self.entries[replica.endpoint].state is EntryState.ABSENT
            for replica in self.replicas
        )

    @property
    def parts(self) -> tuple["Removal", ...]:
        """Return what is to go, URL by URL."""
        return (self, *self.former)


def in_flight(parts: Iterable[Removal]) -> int | None:
    """Return how many requests are under way on a worker under all of its URLs; None where nobody has looked."""
    loads = [load for part in parts for load in part.in_flight.values()]
    return sum(loads) if loads else None
