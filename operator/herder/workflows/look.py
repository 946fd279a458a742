"""What comparing one replica's list with a declaration comes to: the same for a run's steps and between runs."""

from dataclasses import dataclass

from herder.workflows.entry import Entry
from herder.workflows.owner import Owner


@dataclass(frozen=True, slots=True)
class Look:
    """One resource on one replica, as its registry lists it. Made by each kind's pure `look(plan, record, listed)`."""

    entry: Entry
    """What the record becomes. One that herder did not make is FOREIGN; of what can't be ours `spec_hash` is None."""
    has_it: bool
    """Whether the replica has the resource as declared."""
    difference: str | None = None
    """The first difference, as a line for people without a secret, such as `it lists priority 3, not 50`."""
    owner: Owner | None = None
    """Of an entry that is FOREIGN: whose it says to be."""
