"""What `decide` is given: everything that counts for one resource, as plain values."""

from dataclasses import dataclass

from herder.api.status import RunStatus
from herder.controller.known.blocked import Blocked
from herder.controller.running.jobs import Job


@dataclass(frozen=True, slots=True)
class Running:
    """The run in progress in this process."""

    job: Job
    inputs: str
    is_adrift: bool = False
    """Whether it drives other replicas than its gateway has now, or in another way."""


@dataclass(frozen=True, slots=True)
class LastRun:
    """The last run that the status tells of."""

    job: Job
    status: RunStatus
    inputs: str
    """Of a removal: which place it takes it off."""
    reason: str
    """Why it failed; empty otherwise."""
    is_outdated: bool = False
    """Whether the spec has changed since it began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything that counts for the decision."""

    is_deleting: bool = False
    has_finalizer: bool = True
    is_touched: bool = False
    """Whether a replica may hold something of this resource."""
    is_orphan: bool = False
    """Whether the replicas' entries are to be left when it is deleted."""
    is_unmarked: bool = False
    """Whether a replica that is away may hold an entry that does not say that it is to be left."""
    is_removed: bool = False
    """Whether a removal for this deletion has succeeded."""
    may_force: bool = False
    """Whether the time of the removal is up, it was tried in this process, and it may be given up."""
    is_cooling: bool = False
    """Whether the run that would be begun failed only a moment ago."""
    is_suspended: bool = False
    observes_only: bool = False
    blocked: Blocked | None = None
    inputs: str = ""
    """What a registration would work with now."""
    standing: str | None = None
    """Where it is registered; what a removal would work with now."""
    is_elsewhere: bool = False
    """Whether that is another place than it is to be registered at."""
    is_moving: bool = False
    """Whether it is registered there as something else than is declared, and can be as both."""
    may_retire: bool = False
    """Whether it serves as declared, and a replica that answers may still have it as it was before."""
    may_forget: bool = False
    """Whether it serves as declared, and the time is up for what it was before."""
    is_astray: bool = False
    """Whether nothing can be taken off there any more: the gateway is gone, or only observed."""
    barred: Blocked | None = None
    """Why nothing can be taken off there for now."""
    asks_retry: bool = False
    asks_cancel: bool = False
    is_satisfied: bool = False
    is_actionable: bool = True
    is_updatable: bool = False
    """Whether each replica that lacks it and answers has another declaration of it, and its kind has an update."""
    has_foreign: bool = False
    is_contested: bool = False
    """Whether a replica lists the key for another living resource."""
    is_mended: bool = False
    """Whether a replica was restarted, or answers again, or what else was in the way is gone, since the last run."""
    last: LastRun | None = None
    running: Running | None = None
