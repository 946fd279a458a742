"""What to do about one WorkerRegistration: decided from the whole truth each time, without clock, await or memory.

Because only what is declared, observed and running counts, a lost, doubled or reordered event changes nothing.

    being deleted                                  not being deleted
    ─────────────────────────────────────────      ─────────────────────────────────────────────────────────
    not ours to hold                Nothing        a reference is missing, invalid, a conflict      Block
    nothing is, or is to be, left   Release        no finalizer yet                                 Hold
    a removal is running            Attach         suspended                                        Suspend
    a registration is running       Replace        asked to cancel                                  Cancel
    a removal has succeeded         Release        a run works with the same inputs                 Attach
    its time is up, Force           Release        a run works with other inputs                    Replace
    its gateway can't be driven     Block          registered under another URL                     Begin removal
    it failed a moment ago          Nothing        as declared everywhere, or only observed         Settle
    else                            Begin removal  the run was left unfinished                      Begin, resuming it
                                                   the last run with these inputs failed            Settle
                                                   else, if a replica that lacks it answers         Begin registration
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from herder.api.conditions import ReadyReason
from herder.api.status import RunStatus
from herder.controller.claims import PASSES_WITH_GATEWAY
from herder.controller.restore import UNFINISHED


class Job(StrEnum):
    """The two workflows of a worker."""

    REGISTRATION = "worker-registration"
    REMOVAL = "worker-removal"


@dataclass(frozen=True, slots=True)
class Blocked:
    """Why nothing can be done."""

    reason: ReadyReason
    message: str


@dataclass(frozen=True, slots=True)
class Running:
    """The run in progress in this process."""

    job: Job
    inputs: str
    url: str


@dataclass(frozen=True, slots=True)
class LastRun:
    """The last run that the status tells of."""

    job: Job
    status: RunStatus
    inputs: str
    reason: str
    """Why it failed; empty otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything that counts for the decision."""

    is_deleting: bool = False
    has_finalizer: bool = True
    is_touched: bool = False
    """Whether a replica may hold something of this resource."""
    is_orphan: bool = False
    """Whether the replicas' entries are to be left, or there is no gateway any more."""
    is_removed: bool = False
    """Whether a removal for this deletion has succeeded."""
    may_force: bool = False
    """Whether the removal's time is up and it may be given up."""
    is_cooling: bool = False
    """Whether a removal failed only a moment ago."""
    is_suspended: bool = False
    observes_only: bool = False
    blocked: Blocked | None = None
    inputs: str = ""
    url: str = ""
    registered_url: str | None = None
    asks_retry: bool = False
    asks_cancel: bool = False
    is_satisfied: bool = False
    is_actionable: bool = True
    has_foreign: bool = False
    last: LastRun | None = None
    running: Running | None = None


@dataclass(frozen=True, slots=True)
class Nothing:
    """Leave everything as it is."""


@dataclass(frozen=True, slots=True)
class Attach:
    """Let the run in progress go on."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Put the finalizer on the object, before anything else is done for it."""


@dataclass(frozen=True, slots=True)
class Release:
    """Stop what runs and take the finalizer off the object."""


@dataclass(frozen=True, slots=True)
class Begin:
    """Start a run, or go on with the one that another process left."""

    job: Job
    resumes: bool = False


@dataclass(frozen=True, slots=True)
class Replace:
    """Stop the run in progress and start another."""

    job: Job


@dataclass(frozen=True, slots=True)
class Block:
    """Stop what runs and say what is missing."""

    blocked: Blocked


@dataclass(frozen=True, slots=True)
class Suspend:
    """Stop what runs and say that nothing is done."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Stop what runs, say so, and remember the token."""


@dataclass(frozen=True, slots=True)
class Settle:
    """No run is needed or possible: show what is observed, or keep saying why the last run failed."""

    keeps_failure: bool = False


type Action = Nothing | Attach | Hold | Release | Begin | Replace | Block | Suspend | Cancel | Settle

_ENDED_BADLY: Final = frozenset({RunStatus.FAILED, RunStatus.CANCELLED})


def decide(world: World) -> Action:
    """Return what to do next."""
    if world.is_deleting:
        return _leave(world)
    if world.blocked is not None:
        return Block(world.blocked)
    if not world.has_finalizer:
        return Hold()
    if world.is_suspended:
        return Suspend()
    if world.asks_cancel:
        return Cancel()
    if world.running is not None:
        return _follow(world, world.running)
    return _converge(world)


def _leave(world: World) -> Action:
    running = world.running
    if not world.has_finalizer:
        return Nothing()
    if world.is_orphan or world.is_removed or world.may_force or not (world.is_touched or running):
        return Release()
    if running is not None:
        return Attach() if running.job is Job.REMOVAL else Replace(Job.REMOVAL)
    if world.blocked is not None:
        return Block(world.blocked)
    return Nothing() if world.is_cooling else Begin(Job.REMOVAL)


def _follow(world: World, running: Running) -> Action:
    if running.job is Job.REMOVAL:
        return Attach()
    if running.url != world.url:
        return Replace(Job.REMOVAL)
    return Attach() if running.inputs == world.inputs else Replace(Job.REGISTRATION)


def _converge(world: World) -> Action:
    if world.observes_only:
        return Settle()
    if world.registered_url not in {None, world.url}:
        return Begin(Job.REMOVAL)
    if world.asks_retry:
        return Begin(Job.REGISTRATION)
    last = world.last if world.last is not None and world.last.inputs == world.inputs else None
    if last is not None and last.status in UNFINISHED:
        return Begin(last.job, resumes=True)
    if world.is_satisfied:
        return Settle()
    if last is not None and last.status in _ENDED_BADLY:
        return _after_failure(world, last)
    return Begin(Job.REGISTRATION) if world.is_actionable else Settle()


def _after_failure(world: World, last: LastRun) -> Action:
    """Go on by itself only where what was in the way can be seen to be gone."""
    is_over = (last.reason in PASSES_WITH_GATEWAY and world.is_actionable) or (
        last.reason == ReadyReason.FOREIGN_ENTRY and not world.has_foreign
    )
    return Begin(Job.REGISTRATION) if is_over else Settle(keeps_failure=True)
