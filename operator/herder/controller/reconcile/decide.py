"""What to do about one resource: decided from the whole truth each time, without clock, await or memory.

Because only what is declared, observed and running counts, a lost, doubled or reordered event changes nothing.

    being deleted                                  not being deleted
    ─────────────────────────────────────────      ─────────────────────────────────────────────────────────
    not ours to hold                Nothing        a reference is missing, invalid, a conflict      Block
    a removal has succeeded         Release        no finalizer yet                                 Hold
    entries are to be left, and all
      that bear no mark can be given
      one                           Release        suspended                                        Suspend
    its gateway is gone or only                    asked to cancel                                  Cancel
      observed                      Release        only observed                                    Settle
    nothing was ever begun          Release          but a run is in progress                       Stop
    its time is up, Force           Release        registered elsewhere, under another key or on
    a removal is running            Attach         another gateway, and
      on former replicas            Stop             that gateway is gone or only observed          Abandon
    a registration is running       Stop             its removal was cancelled                      Nothing
    its gateway can't be driven     Block            the time of its removal is up, Force           Abandon
    it failed a moment ago          Nothing          its removal is running                         Attach
    else                            Begin removal    a registration is running                      Stop
                                                     that gateway can't be driven                   Block
                                                     its removal failed a moment ago                Nothing
                                                     else                                           Begin removal
                                                   a run on former replicas is in progress          Stop
                                                   a removal is running                             Attach
                                                   a registration with the same inputs is running   Attach
                                                   a registration with other inputs is running      Stop
                                                   asked to retry                                   Begin registration
                                                   the run with these inputs was left unfinished    Begin, resuming it
                                                   registered under another key, and can be
                                                     under both at once                             Begin registration
                                                   it serves as declared, and
                                                     the time is up for what it was before          Abandon
                                                     a replica that answers has that still          Begin registration
                                                   as declared everywhere                           Settle
                                                   the last run with these inputs failed            Settle
                                                     but what was in its way is seen to be gone     Begin registration
                                                       and it failed a moment ago                   Settle
                                                   every replica that answers has it, but not as
                                                   declared                                         Begin update
                                                   a replica that lacks it answers                  Begin registration
                                                   else                                             Settle

A removal that was left unfinished is resumed, too. An update counts as a registration in all but its name.
"""

from typing import Final

from herder.api.conditions import ReadyReason
from herder.api.status import RunStatus
from herder.controller.reconcile.actions import (
    Abandon,
    Action,
    Attach,
    Begin,
    Block,
    Cancel,
    Hold,
    Nothing,
    Release,
    Settle,
    Stop,
    Suspend,
    Why,
)
from herder.controller.reconcile.world import LastRun, Running, World
from herder.controller.running.jobs import Job
from herder.controller.running.restore import UNFINISHED
from herder.controller.status.of_runs import PASSES_WITH_GATEWAY

_FORWARD: Final = frozenset({Job.REGISTRATION, Job.UPDATE})
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
    if world.observes_only:
        return Settle() if world.running is None else Stop()
    return _serve(world)


def _serve(world: World) -> Action:
    if world.is_elsewhere:
        return _move(world)
    if world.running is not None:
        return _follow(world, world.running)
    return _converge(world)


def _leave(world: World) -> Action:
    running = world.running
    if not world.has_finalizer:
        return Nothing()
    why = _why_it_may_go(world)
    if why is not None:
        return Release(why)
    if running is not None:
        return Attach() if running.job is Job.REMOVAL and not running.is_adrift else Stop()
    return Block(world.barred) if world.barred is not None else _remove(world)


def _why_it_may_go(world: World) -> Why | None:
    if world.is_removed:
        return Why.REMOVED
    if world.is_astray or (world.is_orphan and not world.is_unmarked):
        return Why.OBSERVED if world.observes_only and not world.is_orphan else Why.LEFT
    if not world.is_touched and world.running is None:
        return Why.UNTOUCHED
    return Why.FORCED if world.may_force else None


def _move(world: World) -> Action:
    running = world.running
    if world.is_astray:
        return Abandon(Why.LEFT)
    if running is None and _is_called_off(world):
        return Nothing()
    if world.may_force:
        return Abandon(Why.FORCED)
    if running is not None:
        return Attach() if running.job is Job.REMOVAL and not running.is_adrift else Stop()
    return Block(world.barred) if world.barred is not None else _remove(world)


def _follow(world: World, running: Running) -> Action:
    is_as_wanted = running.job is Job.REMOVAL or running.inputs == world.inputs
    return Attach() if is_as_wanted and not running.is_adrift else Stop()


def _remove(world: World) -> Action:
    if world.is_cooling:
        return Nothing()
    last = world.last
    is_left = last is not None and last.job is Job.REMOVAL and _is_left(last, world.standing)
    return Begin(Job.REMOVAL, resumes=is_left)


def _is_left(last: LastRun, inputs: str | None) -> bool:
    """Whether a run with these inputs was left unfinished, by another process or when this one stopped it."""
    return last.inputs == inputs and last.status in UNFINISHED


def _converge(world: World) -> Action:
    if world.asks_retry:
        return Begin(Job.REGISTRATION)
    last = world.last if world.last is not None and world.last.job in _FORWARD else None
    if last is not None and _is_left(last, world.inputs):
        return Begin(last.job, resumes=True)
    if world.is_moving:
        return _start_over(world)
    if world.may_forget:
        return Abandon(Why.FORCED)
    if world.may_retire and not world.is_cooling and not _is_cancelled(world, last):
        return Begin(Job.REGISTRATION)
    if world.is_satisfied:
        return Settle()
    if last is not None and last.inputs == world.inputs and last.status in _ENDED_BADLY:
        return _after_failure(world, last)
    return Begin(Job.UPDATE if world.is_updatable else Job.REGISTRATION) if world.is_actionable else Settle()


def _start_over(world: World) -> Action:
    """Register what is declared beside what is registered, where a replica answers or needs nothing more."""
    is_possible = world.is_actionable or world.is_satisfied
    return Begin(Job.REGISTRATION) if is_possible and not world.is_cooling else Settle()


def _is_cancelled(world: World, last: LastRun | None) -> bool:
    return last is not None and (last.inputs, last.status) == (world.inputs, RunStatus.CANCELLED)


def _is_called_off(world: World) -> bool:
    """Whether the removal of what is registered was cancelled, and neither retried nor declared anew since."""
    last = world.last
    if last is None or last.is_outdated or world.asks_retry:
        return False
    return (last.job, last.status, last.inputs) == (Job.REMOVAL, RunStatus.CANCELLED, world.standing)


def _after_failure(world: World, last: LastRun) -> Action:
    """Go on by itself only where what was in the way can be seen to be gone, or may be."""
    is_over = world.is_actionable and (
        last.reason in PASSES_WITH_GATEWAY
        or (last.reason == ReadyReason.FOREIGN_ENTRY and not world.has_foreign)
        or (last.reason == ReadyReason.CONFLICT and not world.is_contested)
        or (last.status is RunStatus.FAILED and world.is_mended)
    )
    return Begin(Job.REGISTRATION) if is_over and not world.is_cooling else Settle(keeps_failure=True)
