"""What this process remembers of one object beside its status; losing it costs a look, never a mistake."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from herder.controller.known.subject import Subject
from herder.workflows.entry import REGISTERED, Entry

_NEVER: Final = float("-inf")


@dataclass(frozen=True, slots=True)
class Gift:
    """What was given back to a replica, and when it took that (monotonic seconds); it did not where that is never.

    `entry` is as the replica lists it, once that was seen to.
    """

    entry: Entry
    at_s: float = _NEVER

    @property
    def is_taken(self) -> bool:
        """Whether the replica took it."""
        return self.at_s > _NEVER

    @property
    def is_seen(self) -> bool:
        """Whether the replica was seen to list it: if it lacks it now, it has lost it again."""
        return self.entry.state in REGISTERED


@dataclass(frozen=True, slots=True)
class Posted:
    """When something was posted last (monotonic seconds), and how often it was."""

    at_s: float
    count: int


@dataclass(slots=True)
class Memory:
    """Of one object, by uid. All times are monotonic seconds."""

    ended_at_s: float = _NEVER
    """When its last run here ended: lists that were read before say nothing new."""
    leaving_since_s: float | None = None
    """When it was first seen here to be deleted, or to be registered elsewhere."""
    has_tried_removal: bool = False
    """Whether a removal has since sent here what it has to send, or has failed."""
    is_removed: bool = False
    """Whether a removal for its deletion has succeeded."""
    cools_until_s: float = _NEVER
    """When what came to nothing may be tried again without any change."""
    tried: str = ""
    """The inputs of the run that came to nothing: with others there is nothing to wait for."""
    failures: int = 0
    """How many runs in a row came to nothing, or not to all that they were begun for."""
    left_out: frozenset[str] = frozenset()
    """The replicas that the last run succeeded without."""
    failed_with: Mapping[str, int] | None = None
    """Which instance of each replica the last run failed with, by endpoint; which this process met first otherwise."""

    given: dict[str, Gift] = field(default_factory=dict)
    """What was given back to replicas since the status was written, by endpoint."""
    former_given: dict[tuple[str, str], Posted] = field(default_factory=dict)
    """What it has under a former key and was given back to a replica that does not list it yet, by key and endpoint."""
    is_giving: bool = False
    """Whether something is on its way back to a replica: until that is answered nothing is decided."""
    is_put_off: bool = False
    """Whether something was to be decided meanwhile."""
    subject: Subject | None = None
    """The version that was looked at last: most looks find the object as it was, and parsing is a fifth of a look."""

    def records(self, written: Mapping[str, Entry]) -> dict[str, Entry]:
        """Return the records with what was given back since they were written; what they name is forgotten."""
        self.given = {e: gift for e, gift in self.given.items() if e in written and not _is_in(gift, written[e])}
        return {**written, **{endpoint: gift.entry for endpoint, gift in self.given.items()}}

    def sees(self, entries: Mapping[str, Entry]) -> None:
        """Note what replicas list of what they were given back."""
        for endpoint, gift in self.given.items():
            seen = entries.get(endpoint)
            if seen is not None and seen.state in REGISTERED and seen.worker_id == gift.entry.worker_id:
                self.given[endpoint] = replace(gift, entry=seen)

    def meets(self, instances: Mapping[str, int]) -> None:
        """Note which instances are there, where no run has ended in this process yet."""
        if self.failed_with is None and instances:
            self.failed_with = instances

    def leaves(self, now_s: float) -> None:
        """Note that it is to be taken off where it is registered."""
        if self.leaving_since_s is None:
            self.leaving_since_s = now_s

    def stays(self) -> None:
        """Note that it is, or is to be, where it is declared."""
        self.leaving_since_s, self.has_tried_removal = None, False


def _is_in(gift: Gift, record: Entry) -> bool:
    return gift.entry.worker_id is not None and gift.entry.worker_id == record.worker_id
