"""What a removal run works on: the URL to take off every replica, and what is known of it there."""

from dataclasses import dataclass, field

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
