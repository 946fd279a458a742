"""The table of what is to be done: each row, and what must hold in every world."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from herder.api.conditions import ReadyReason
from herder.api.status import RunStatus
from herder.controller.decide import (
    Action,
    Attach,
    Begin,
    Block,
    Blocked,
    Cancel,
    Hold,
    Job,
    LastRun,
    Nothing,
    Release,
    Running,
    Settle,
    Stop,
    Suspend,
    Why,
    World,
    decide,
)

at_leisure = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A busy machine is no failure."""

URL, OTHER_URL = "http://a", "http://b"
NOW, BEFORE = "inputs now", "inputs before"
BLOCKED = Blocked(ReadyReason.SECRET_NOT_FOUND, "no Secret")
REGISTERING = Running(Job.REGISTRATION, NOW)
REGISTERING_BEFORE = Running(Job.REGISTRATION, BEFORE)
REMOVING = Running(Job.REMOVAL, URL)

ALIVE = World(inputs=NOW, url=URL)
DYING = World(is_deleting=True, is_touched=True, inputs="", url="", registered_url=URL)


def last(status: RunStatus, inputs: str = NOW, reason: str = "", job: Job = Job.REGISTRATION) -> LastRun:
    return LastRun(job, status, inputs, reason)


UNREACHED = last(RunStatus.FAILED, reason="GatewayUnreachable")
REFUSED = last(RunStatus.FAILED, reason="GatewayRefuses")
FOREIGN = last(RunStatus.FAILED, reason="ForeignEntry")
FAILED = last(RunStatus.FAILED, reason="WorkerUnreachable")
CALLED_OFF = last(RunStatus.CANCELLED, OTHER_URL, job=Job.REMOVAL)

REGISTER, REMOVE = Begin(Job.REGISTRATION), Begin(Job.REMOVAL)

LEAVING: dict[str, tuple[World, Action]] = {
    "not ours to hold": (replace(DYING, has_finalizer=False), Nothing()),
    "removed": (replace(DYING, is_removed=True), Release(Why.REMOVED)),
    "to be left": (replace(DYING, is_orphan=True), Release(Why.LEFT)),
    "to be left, a removal runs": (replace(DYING, is_orphan=True, running=REMOVING), Release(Why.LEFT)),
    "only observed": (replace(DYING, observes_only=True), Release(Why.LEFT)),
    "never begun": (replace(DYING, is_touched=False), Release(Why.UNTOUCHED)),
    "never begun, gateway troubled": (replace(DYING, is_touched=False, blocked=BLOCKED), Release(Why.UNTOUCHED)),
    "begun, not written": (replace(DYING, is_touched=False, running=REGISTERING), Stop()),
    "time is up": (replace(DYING, may_force=True), Release(Why.FORCED)),
    "time is up, a removal runs": (replace(DYING, may_force=True, running=REMOVING), Release(Why.FORCED)),
    "a removal runs": (replace(DYING, running=REMOVING), Attach()),
    "a removal runs on former replicas": (replace(DYING, running=replace(REMOVING, is_adrift=True)), Stop()),
    "a removal runs, gateway troubled": (replace(DYING, running=REMOVING, blocked=BLOCKED), Attach()),
    "a registration runs": (replace(DYING, running=REGISTERING), Stop()),
    "gateway troubled": (replace(DYING, blocked=BLOCKED), Block(BLOCKED)),
    "a removal was cancelled": (replace(DYING, last=last(RunStatus.CANCELLED, URL, job=Job.REMOVAL)), REMOVE),
    "failed a moment ago": (replace(DYING, is_cooling=True), Nothing()),
    "a removal was left unfinished": (
        replace(DYING, last=last(RunStatus.RUNNING, URL, job=Job.REMOVAL)),
        Begin(Job.REMOVAL, resumes=True),
    ),
    "a removal of another URL was left": (
        replace(DYING, last=last(RunStatus.RUNNING, OTHER_URL, job=Job.REMOVAL)),
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
    "only observed, URL changed": (replace(ALIVE, observes_only=True, registered_url=OTHER_URL), Settle()),
    "only observed in a run": (replace(ALIVE, observes_only=True, running=REGISTERING), Stop()),
    "a removal runs": (replace(ALIVE, running=REMOVING), Attach()),
    "a removal runs on former replicas": (replace(ALIVE, running=replace(REMOVING, is_adrift=True)), Stop()),
    "same inputs run": (replace(ALIVE, running=REGISTERING), Attach()),
    "same inputs run on former replicas": (replace(ALIVE, running=replace(REGISTERING, is_adrift=True)), Stop()),
    "other inputs run": (replace(ALIVE, running=REGISTERING_BEFORE), Stop()),
    "URL changed": (replace(ALIVE, registered_url=OTHER_URL), REMOVE),
    "URL changed, failed a moment ago": (replace(ALIVE, registered_url=OTHER_URL, is_cooling=True), Nothing()),
    "URL changed, removal left unfinished": (
        replace(ALIVE, registered_url=OTHER_URL, last=last(RunStatus.PAUSED, OTHER_URL, job=Job.REMOVAL)),
        Begin(Job.REMOVAL, resumes=True),
    ),
    "URL changed, removal cancelled": (replace(ALIVE, registered_url=OTHER_URL, last=CALLED_OFF), Nothing()),
    "URL changed, removal cancelled, asked to retry": (
        replace(ALIVE, registered_url=OTHER_URL, last=CALLED_OFF, asks_retry=True),
        REMOVE,
    ),
    "URL changed, removal cancelled, declared anew": (
        replace(ALIVE, registered_url=OTHER_URL, last=replace(CALLED_OFF, is_outdated=True)),
        REMOVE,
    ),
    "URL changed, registration cancelled": (
        replace(ALIVE, registered_url=OTHER_URL, last=last(RunStatus.CANCELLED, BEFORE)),
        REMOVE,
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
    "as declared everywhere": (replace(ALIVE, is_satisfied=True, registered_url=URL), Settle()),
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
    "new": (ALIVE, REGISTER),
    "lacking, last run completed": (replace(ALIVE, last=last(RunStatus.COMPLETED), registered_url=URL), REGISTER),
    "lacking where nobody answers": (replace(ALIVE, is_actionable=False), Settle()),
}


@pytest.mark.parametrize(("world", "action"), LEAVING.values(), ids=LEAVING)
def test_what_is_done_for_an_object_that_is_being_deleted(world: World, action: Action) -> None:
    assert decide(world) == action


@pytest.mark.parametrize(("world", "action"), STAYING.values(), ids=STAYING)
def test_what_is_done_for_an_object_that_stays(world: World, action: Action) -> None:
    assert decide(world) == action


urls = st.sampled_from(["", URL, OTHER_URL])
inputs = st.sampled_from([NOW, BEFORE, URL, OTHER_URL])
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
    url=urls,
    registered_url=st.none() | urls,
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
    assert not (isinstance(action, Begin) and action.job is Job.REGISTRATION)


@at_leisure
@given(worlds)
def test_only_an_object_that_is_being_deleted_is_released_and_only_where_nothing_can_be_left_unseen(
    world: World,
) -> None:
    action = decide(world)

    if isinstance(action, Release):
        is_left_knowingly = world.is_orphan or world.observes_only or world.may_force
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
        assert world.blocked is None


@at_leisure
@given(worlds.map(lambda world: replace(world, observes_only=True)))
def test_nothing_is_sent_to_a_gateway_that_is_only_observed(world: World) -> None:
    action = decide(world)

    assert not isinstance(action, Begin | Attach)


@at_leisure
@given(worlds)
def test_what_failed_a_moment_ago_is_not_begun_again_while_nothing_has_changed(world: World) -> None:
    failed = LastRun(Job.REGISTRATION, RunStatus.FAILED, world.inputs, "GatewayUnreachable")
    tried = replace(world, is_cooling=True, asks_retry=False, running=None, last=failed)

    assert not isinstance(decide(tried), Begin)
