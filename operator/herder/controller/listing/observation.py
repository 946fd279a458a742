"""What is seen of one resource between its runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from herder.api.base import ApiModel
from herder.api.conditions import Claim
from herder.api.status import EntryState
from herder.workflows.entry import REGISTERED, Entry

WOULD_BE: Final = "with mode Observe nothing is changed, but with spec.mode: Enforce of the ModelGateway it would be"
"""How begins what is said of a plan that nobody carries out."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One resource on all replicas of its gateway; everything by endpoint."""

    entries: Mapping[str, Entry]
    lacking: frozenset[str]
    """The replicas that do not have it as declared, as far as is known."""
    away: frozenset[str]
    """The replicas that can't be driven now."""
    unread: frozenset[str] = frozenset()
    """The replicas that were not read since a run last drove them: what is said of those is from the records."""
    contested: frozenset[str] = frozenset()
    """The replicas that list the key for another living resource of this installation, or may do so still."""
    differences: Mapping[str, str] = field(default_factory=dict)
    """Of those that list it otherwise than declared: the first difference, as a line for people."""
    drift: Mapping[str, str] = field(default_factory=dict)
    """Of those that had it as declared and have it so no more: what was found in its place."""
    unreadable: Mapping[str, str] = field(default_factory=dict)
    """Of those away that answer, but not with the list that it is in: what they say instead."""
    said: tuple[Claim, ...] | None = None
    """Of what no replica lists: what the conditions say. Its one entry is that of the place that it is kept in."""
    shown: Mapping[str, ApiModel | None] = field(default_factory=dict)
    """What was found out between runs, under the name of its field in the status."""
    is_mended: bool = False
    """Whether what made the last run fail is seen to be gone."""

    @property
    def is_satisfied(self) -> bool:
        """Whether every replica has it as declared."""
        return not self.lacking

    @property
    def is_actionable(self) -> bool:
        """Whether a replica that lacks it can be given it now."""
        return bool(self.lacking - self.away)

    @property
    def is_updatable(self) -> bool:
        """Whether each replica that lacks it and can be driven lists it as another declaration of this resource."""
        entries = [self.entries[endpoint] for endpoint in self.lacking - self.away]
        return bool(entries) and all(entry.state in REGISTERED and entry.worker_id is not None for entry in entries)

    @property
    def has_foreign(self) -> bool:
        """Whether a replica lists the key for somebody else."""
        return any(entry.state is EntryState.FOREIGN for entry in self.entries.values())

    @property
    def registered(self) -> str | None:
        """Return on how many replicas it is registered as declared, such as 2/2; None of what none lists."""
        return self.registered_or(frozenset())

    def registered_or(self, otherwise: frozenset[str]) -> str | None:
        """Return the same, with those counted, too, that have it otherwise."""
        if self.said is not None:
            return None
        lacking = (self.lacking | self.away) - otherwise
        return f"{len(self.entries) - len(lacking)}/{len(self.entries)}"
