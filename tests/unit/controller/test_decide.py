"""The table of what is to be done: each row, and what must hold in every world."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from herder.api.conditions import ReadyReason
from herder.api.status import RunStatus
from herder.controller.known.blocked import Blocked
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
from herder.controller.reconcile.decide import decide
from herder.controller.reconcile.world import LastRun, Running, World
from herder.controller.running.jobs import Job

at_leisure = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A busy machine is no failure."""

HERE, THERE = "here", "there"
NOW, BEFORE = "inputs now", "inputs before"
BLOCKED = Blocked(ReadyReason.SECRET_NOT_FOUND, "no Secret")
REGISTERING = Running(Job.REGISTRATION, NOW)
REGISTERING_BEFORE = Running(Job.REGISTRATION, BEFORE)
REMOVING = Running(Job.REMOVAL, HERE)

ALIVE = World(inputs=NOW)
DYING = World(is_deleting=True, is_touched=True, inputs="", standing=HERE)
BESIDE = replace(ALIVE, is_touched=True, is_moving=True, standing=HERE)
SERVING = replace(ALIVE, is_touched=True, is_satisfied=True, standing=HERE)
MOVING = replace(ALIVE, is_touched=True, is_elsewhere=True, standing=THERE)


def last(status: RunStatus, inputs: str = NOW, reason: str = "", job: Job = Job.REGISTRATION) -> LastRun:
    return LastRun(job, status, inputs, reason)


UNREACHED = last(RunStatus.FAILED, reason="GatewayUnreachable")
REFUSED = last(RunStatus.FAILED, reason="GatewayRefuses")
FOREIGN = last(RunStatus.FAILED, reason="ForeignEntry")
FAILED = last(RunStatus.FAILED, reason="WorkerUnreachable")
CALLED_OFF = last(RunStatus.CANCELLED, THERE, job=Job.REMOVAL)

REGISTER, REMOVE = Begin(Job.REGISTRATION), Begin(Job.REMOVAL)

LEAVING: dict[str, tuple[World, Action]] = {
    "not ours to hold": (replace(DYING, has_finalizer=False), Nothing()),
    "removed": (replace(DYING, is_removed=True), Release(Why.REMOVED)),
    "to be left": (replace(DYING, is_orphan=True), Release(Why.LEFT)),
    "to be left, a removal runs": (replace(DYING, is_orphan=True, running=REMOVING), Release(Why.LEFT)),
    "its gateway is gone": (replace(DYING, is_astray=True), Release(Why.LEFT)),
    "its gateway is only observed": (replace(DYING, is_astray=True, observes_only=True), Release(Why.OBSERVED)),
    "to be left, its gateway is only observed": (
        replace(DYING, is_astray=True, observes_only=True, is_orphan=True),
        Release(Why.LEFT),
    ),
    "never begun": (replace(DYING, is_touched=False), Release(Why.UNTOUCHED)),
    "never begun, gateway troubled": (replace(DYING, is_touched=False, barred=BLOCKED), Release(Why.UNTOUCHED)),
    "begun, not written": (replace(DYING, is_touched=False, running=REGISTERING), Stop()),
    "time is up": (replace(DYING, may_force=True), Release(Why.FORCED)),
    "time is up, a removal runs": (replace(DYING, may_force=True, running=REMOVING), Release(Why.FORCED)),
    "a removal runs": (replace(DYING, running=REMOVING), Attach()),
    "a removal runs on former replicas": (replace(DYING, running=replace(REMOVING, is_adrift=True)), Stop()),
    "a removal runs, gateway troubled": (replace(DYING, running=REMOVING, barred=BLOCKED), Attach()),
    "a registration runs": (replace(DYING, running=REGISTERING), Stop()),
    "gateway troubled": (replace(DYING, barred=BLOCKED), Block(BLOCKED)),
    "a removal was cancelled": (replace(DYING, last=last(RunStatus.CANCELLED, HERE, job=Job.REMOVAL)), REMOVE),
    "failed a moment ago": (replace(DYING, is_cooling=True), Nothing()),
    "a removal was left unfinished": (
        replace(DYING, last=last(RunStatus.RUNNING, HERE, job=Job.REMOVAL)),
        Begin(Job.REMOVAL, resumes=True),
    ),
    "a removal of another place was left": (
        replace(DYING, last=last(RunStatus.RUNNING, THERE, job=Job.REMOVAL)),
        REMOVE,
    ),
    "a registration was left unfinished": (replace(DYING, last=last(RunStatus.RUNNING)), REMOVE),
    "suspended": (replace(DYING, is_suspended=True), REMOVE),
    "else": (DYING, REMOVE),
}

STAYING: dict[str, tuple[World, Action]] = {
    "a reference is missing": (replace(ALIVE, blocked=BLOCKED, has_finalizer=False), Block(BLOCKED)),
    "a reference is missing in a run": (replace(ALIVE, blocked=BLOCKED, running=REGISTERING), Block(BLOCKED)),
    "no finalizer yet": (replace(ALIVE, has_finalizer=False), Hold()),
    "no finalizer yet, suspended": (replace(ALIVE, has_finalizer=False, is_suspended=True), Hold()),
    "suspended": (replace(ALIVE, is_suspended=True), Suspend()),
    "suspended in a run": (replace(ALIVE, is_suspended=True, running=REGISTERING), Suspend()),
    "suspended, asked to cancel": (replace(ALIVE, is_suspended=True, asks_cancel=True), Suspend()),
    "asked to cancel": (replace(ALIVE, asks_cancel=True), Cancel()),
    "asked to cancel a run": (replace(ALIVE, asks_cancel=True, running=REGISTERING), Cancel()),
    "only observed": (replace(ALIVE, observes_only=True), Settle()),
    "only observed, asked to retry": (replace(ALIVE, observes_only=True, asks_retry=True), Settle()),
    "only observed, to be elsewhere": (replace(MOVING, observes_only=True), Settle()),
    "only observed in a run": (replace(ALIVE, observes_only=True, running=REGISTERING), Stop()),
    "a removal runs": (replace(ALIVE, running=REMOVING), Attach()),
    "a removal runs on former replicas": (replace(ALIVE, running=replace(REMOVING, is_adrift=True)), Stop()),
    "same inputs run": (replace(ALIVE, running=REGISTERING), Attach()),
    "same inputs run on former replicas": (replace(ALIVE, running=replace(REGISTERING, is_adrift=True)), Stop()),
    "other inputs run": (replace(ALIVE, running=REGISTERING_BEFORE), Stop()),
    "to be elsewhere": (MOVING, REMOVE),
    "to be elsewhere, failed a moment ago": (replace(MOVING, is_cooling=True), Nothing()),
    "to be elsewhere, removal left unfinished": (
        replace(MOVING, last=last(RunStatus.PAUSED, THERE, job=Job.REMOVAL)),
        Begin(Job.REMOVAL, resumes=True),
    ),
    "to be elsewhere, removal cancelled": (replace(MOVING, last=CALLED_OFF), Nothing()),
    "to be elsewhere, removal cancelled, asked to retry": (
        replace(MOVING, last=CALLED_OFF, asks_retry=True),
        REMOVE,
    ),
    "to be elsewhere, removal cancelled, declared anew": (
        replace(MOVING, last=replace(CALLED_OFF, is_outdated=True)),
        REMOVE,
    ),
    "to be elsewhere, registration cancelled": (
        replace(MOVING, last=last(RunStatus.CANCELLED, BEFORE)),
        REMOVE,
    ),
    "to be elsewhere, its gateway is gone": (replace(MOVING, is_astray=True), Abandon(Why.LEFT)),
    "to be elsewhere, its gateway is gone in a removal": (
        replace(MOVING, is_astray=True, running=REMOVING),
        Abandon(Why.LEFT),
    ),
    "to be elsewhere, its time is up": (replace(MOVING, may_force=True), Abandon(Why.FORCED)),
    "to be elsewhere, its time is up in a removal": (
        replace(MOVING, may_force=True, running=REMOVING),
        Abandon(Why.FORCED),
    ),
    "to be elsewhere, its time is up, cancelled": (replace(MOVING, may_force=True, last=CALLED_OFF), Nothing()),
    "to be elsewhere, its gateway is troubled": (replace(MOVING, barred=BLOCKED), Block(BLOCKED)),
    "to be elsewhere, the new gateway is troubled": (replace(MOVING, blocked=BLOCKED), Block(BLOCKED)),
    "to be elsewhere, a removal runs": (replace(MOVING, running=REMOVING), Attach()),
    "to be elsewhere, a removal runs on former replicas": (
        replace(MOVING, running=replace(REMOVING, is_adrift=True)),
        Stop(),
    ),
    "to be elsewhere, a registration runs": (replace(MOVING, running=REGISTERING), Stop()),
    "to be registered as something else beside": (replace(BESIDE, is_satisfied=False), REGISTER),
    "to be registered as something that it has had": (
        replace(BESIDE, is_satisfied=True, is_actionable=False),
        REGISTER,
    ),
    "to be registered as something else, failed a moment ago": (replace(BESIDE, is_cooling=True), Settle()),
    "to be registered as something else where nobody answers": (replace(BESIDE, is_actionable=False), Settle()),
    "to be registered as something else, the former run failed": (
        replace(BESIDE, last=last(RunStatus.FAILED, BEFORE)),
        REGISTER,
    ),
    "registered as something else, that is in the way": (replace(BESIDE, blocked=BLOCKED), Block(BLOCKED)),
    "it serves, and has what it was before": (replace(SERVING, may_retire=True), REGISTER),
    "it serves, and has what it was before, which failed a moment ago": (
        replace(SERVING, may_retire=True, is_cooling=True),
        Settle(),
    ),
    "it serves, and has what it was before, which was cancelled": (
        replace(SERVING, may_retire=True, last=last(RunStatus.CANCELLED)),
        Settle(),
    ),
    "it serves, and has what it was before, in a run": (
        replace(SERVING, may_retire=True, running=REGISTERING),
        Attach(),
    ),
    "it serves, and the time is up for what it was before": (
        replace(SERVING, may_retire=True, may_forget=True),
        Abandon(Why.FORCED),
    ),
    "asked to retry": (replace(ALIVE, asks_retry=True, last=FAILED), REGISTER),
    "asked to retry what is registered": (replace(ALIVE, asks_retry=True, is_satisfied=True), REGISTER),
    "left unfinished": (replace(ALIVE, last=last(RunStatus.RUNNING)), Begin(Job.REGISTRATION, resumes=True)),
    "paused": (replace(ALIVE, last=last(RunStatus.PAUSED)), Begin(Job.REGISTRATION, resumes=True)),
    "left unfinished, satisfied": (
        replace(ALIVE, last=last(RunStatus.RUNNING), is_satisfied=True),
        Begin(Job.REGISTRATION, resumes=True),
    ),
    "left unfinished with other inputs": (replace(ALIVE, last=last(RunStatus.RUNNING, BEFORE)), REGISTER),
    "as declared everywhere": (replace(ALIVE, is_satisfied=True, standing=HERE), Settle()),
    "as declared, last run failed": (replace(ALIVE, is_satisfied=True, last=FAILED), Settle()),
    "last run failed": (replace(ALIVE, last=FAILED), Settle(keeps_failure=True)),
    "last run was cancelled": (replace(ALIVE, last=last(RunStatus.CANCELLED)), Settle(keeps_failure=True)),
    "last run failed with other inputs": (replace(ALIVE, last=replace(FAILED, inputs=BEFORE)), REGISTER),
    "gateway was away and answers": (replace(ALIVE, last=UNREACHED), REGISTER),
    "gateway refused and takes the key": (replace(ALIVE, last=REFUSED), REGISTER),
    "gateway answers, failed a moment ago": (
        replace(ALIVE, last=UNREACHED, is_cooling=True),
        Settle(keeps_failure=True),
    ),
    "gateway is away still": (replace(ALIVE, last=UNREACHED, is_actionable=False), Settle(keeps_failure=True)),
    "foreign entry is gone": (replace(ALIVE, last=FOREIGN), REGISTER),
    "foreign entry is there": (replace(ALIVE, last=FOREIGN, has_foreign=True), Settle(keeps_failure=True)),
    "failed, the gateway is another instance": (replace(ALIVE, last=FAILED, is_mended=True), REGISTER),
    "cancelled, the gateway is another instance": (
        replace(ALIVE, last=last(RunStatus.CANCELLED), is_mended=True),
        Settle(keeps_failure=True),
    ),
    "new": (ALIVE, REGISTER),
    "another declaration of it everywhere": (replace(ALIVE, is_updatable=True), Begin(Job.UPDATE)),
    "another declaration of it, asked to retry": (replace(ALIVE, is_updatable=True, asks_retry=True), REGISTER),
    "an update was left unfinished": (
        replace(ALIVE, is_updatable=True, last=last(RunStatus.RUNNING, job=Job.UPDATE)),
        Begin(Job.UPDATE, resumes=True),
    ),
    "an update failed": (
        replace(ALIVE, is_updatable=True, last=last(RunStatus.FAILED, reason="GatewayRefused", job=Job.UPDATE)),
        Settle(keeps_failure=True),
    ),
    "lacking, last run completed": (replace(ALIVE, last=last(RunStatus.COMPLETED), standing=HERE), REGISTER),
    "lacking where nobody answers": (replace(ALIVE, is_actionable=False), Settle()),
}


@pytest.mark.parametrize(("world", "action"), LEAVING.values(), ids=LEAVING)
def test_what_is_done_for_an_object_that_is_being_deleted(world: World, action: Action) -> None:
    assert decide(world) == action


@pytest.mark.parametrize(("world", "action"), STAYING.values(), ids=STAYING)
def test_what_is_done_for_an_object_that_stays(world: World, action: Action) -> None:
    assert decide(world) == action


inputs = st.sampled_from([NOW, BEFORE, HERE, THERE])
reasons = st.sampled_from(["", "GatewayUnreachable", "GatewayRefuses", "ForeignEntry", "StepFailed"])
worlds = st.builds(
    World,
    **{
        name: st.booleans()
        for name in World.__slots__
        if name.startswith(("is_", "has_", "may_", "asks_", "observes_"))
    },
    blocked=st.none() | st.just(BLOCKED),
    inputs=inputs,
    standing=st.none() | st.sampled_from([HERE, THERE]),
    barred=st.none() | st.just(BLOCKED),
    last=st.none() | st.builds(LastRun, st.sampled_from(Job), st.sampled_from(RunStatus), inputs, reasons),
    running=st.none() | st.builds(Running, st.sampled_from(Job), inputs, st.booleans()),
)


@at_leisure
@given(worlds)
def test_every_world_has_an_action(world: World) -> None:
    assert isinstance(decide(world), Action.__value__)


@at_leisure
@given(worlds.map(lambda world: replace(world, is_deleting=True)))
def test_nothing_is_registered_settled_or_held_for_an_object_that_is_being_deleted(world: World) -> None:
    action = decide(world)

    assert not isinstance(action, Hold | Settle | Suspend | Cancel)
    assert not (isinstance(action, Begin) and action.job is not Job.REMOVAL)


@at_leisure
@given(worlds)
def test_only_an_object_that_is_being_deleted_is_released_and_only_where_nothing_can_be_left_unseen(
    world: World,
) -> None:
    action = decide(world)

    if isinstance(action, Release):
        is_left_knowingly = world.is_orphan or world.is_astray or world.may_force
        is_clean = world.is_removed or not (world.is_touched or world.running)
        assert world.is_deleting
        assert world.has_finalizer
        assert is_left_knowingly or is_clean


@at_leisure
@given(worlds)
def test_no_run_begins_beside_another_nor_before_the_finalizer_is_there(world: World) -> None:
    if isinstance(decide(world), Begin):
        assert world.running is None
        assert world.has_finalizer
        assert world.is_deleting or world.blocked is None


@at_leisure
@given(worlds)
def test_nothing_is_registered_where_it_is_declared_while_it_is_registered_elsewhere(world: World) -> None:
    action = decide(replace(world, is_elsewhere=True))

    assert not (isinstance(action, Begin) and action.job is not Job.REMOVAL)


@at_leisure
@given(worlds, st.booleans())
def test_nothing_is_sent_to_a_gateway_that_is_only_observed(world: World, is_moving: bool) -> None:
    stays = decide(replace(world, is_deleting=False, is_elsewhere=is_moving, observes_only=True))
    leaves = decide(replace(world, is_deleting=not is_moving, is_elsewhere=is_moving, is_astray=True))

    assert not isinstance(stays, Begin | Attach)
    assert not isinstance(leaves, Begin | Attach)


@at_leisure
@given(worlds)
def test_what_failed_a_moment_ago_is_not_begun_again_while_nothing_has_changed(world: World) -> None:
    failed = LastRun(Job.REGISTRATION, RunStatus.FAILED, world.inputs, "GatewayUnreachable")
    tried = replace(world, is_cooling=True, asks_retry=False, running=None, last=failed)

    assert not isinstance(decide(tried), Begin)
