"""Waiters: before, during and after the end, many of them, and those that give up."""

import asyncio
import gc
import weakref
from typing import Any

import pytest

from herder.engine import (
    Event,
    StepDefinition,
    UnknownInstanceError,
    WaitTimeoutError,
    WorkflowCompleted,
    WorkflowOutcome,
    WorkflowStarted,
    WorkflowState,
    WorkflowStatus,
)
from unit.engine.kit import Context, Recorder, elapsed_s, engine_with, noop, other_tasks, sleeping, virtual_time
from unit.engine.stores import CopyingStore


@virtual_time
async def test_a_waiter_that_comes_before_the_end_is_told_at_the_end() -> None:
    engine = engine_with(StepDefinition("a", sleeping(10)))
    instance_id = await engine.start_workflow("wf", {})

    outcome = await engine.wait_for_completion(instance_id, 60)

    assert outcome.ok
    assert elapsed_s() == 10


@virtual_time
async def test_a_waiter_that_comes_after_the_end_is_told_at_once() -> None:
    engine = engine_with(StepDefinition("a", sleeping(10)))
    instance_id = await engine.start_workflow("wf", {})
    await asyncio.sleep(20)

    outcome = await engine.wait_for_completion(instance_id, 60)

    assert outcome.ok
    assert elapsed_s() == 20


@virtual_time
async def test_a_waiter_that_comes_while_the_end_is_being_told_misses_nothing() -> None:
    outcomes: list[WorkflowOutcome] = []

    class WaitsWhenTold:
        async def on_event(self, event: Event) -> None:
            if isinstance(event, WorkflowStarted | WorkflowCompleted):
                outcomes.append(await engine.wait_for_completion(event.instance_id, 60))

    engine = engine_with(StepDefinition("a", sleeping(1)))
    engine.event_bus.subscribe(WaitsWhenTold())

    await engine.start_and_wait("wf", {}, timeout=60)
    await asyncio.sleep(1)

    assert [outcome.ok for outcome in outcomes] == [True, True]


@virtual_time
async def test_a_hundred_waiters_are_all_told_once() -> None:
    engine = engine_with(StepDefinition("a", sleeping(10)))
    instance_id = await engine.start_workflow("wf", {})

    outcomes = await asyncio.gather(*(engine.wait_for_completion(instance_id, 60) for _ in range(100)))

    assert len(outcomes) == 100
    assert all(outcome.ok for outcome in outcomes)


@virtual_time
async def test_a_waiter_that_is_cancelled_takes_nobody_along() -> None:
    engine = engine_with(StepDefinition("a", sleeping(10)))
    instance_id = await engine.start_workflow("wf", {})
    impatient, patient = (
        asyncio.create_task(engine.wait_for_completion(instance_id, 60)),
        asyncio.create_task(engine.wait_for_completion(instance_id, 60)),
    )
    await asyncio.sleep(1)

    impatient.cancel()

    assert (await patient).ok
    with pytest.raises(asyncio.CancelledError):
        await impatient


@virtual_time
async def test_a_waiters_timeout_is_its_own() -> None:
    engine = engine_with(StepDefinition("a", sleeping(10)))
    instance_id = await engine.start_workflow("wf", {})

    results = await asyncio.gather(
        *(engine.wait_for_completion(instance_id, timeout) for timeout in (1, 5, 60, None)), return_exceptions=True
    )

    assert [isinstance(result, WaitTimeoutError) for result in results] == [True, True, False, False]


@virtual_time
async def test_a_wait_timeout_is_a_timeout_error_that_says_what_for() -> None:
    engine = engine_with(StepDefinition("a", sleeping(10)))
    instance_id = await engine.start_workflow("wf", {})

    with pytest.raises(TimeoutError, match=r"within 1\.5 s") as caught:
        await engine.wait_for_completion(instance_id, 1.5)

    assert isinstance(caught.value, WaitTimeoutError)
    assert caught.value.instance_id == instance_id


@virtual_time
async def test_nothing_is_left_behind_when_all_is_over() -> None:
    engine = engine_with(StepDefinition("a", sleeping(10)), StepDefinition("b", noop, depends_on=["a"]))
    engine.event_bus.subscribe(Recorder())
    instance_id = await engine.start_workflow("wf", {})
    with pytest.raises(WaitTimeoutError):
        await engine.wait_for_completion(instance_id, 1)
    await engine.wait_for_completion(instance_id, 60)

    await asyncio.sleep(0)
    await engine.store.cleanup_old_workflows(0)

    assert other_tasks() == set()
    assert engine.active_workflow_count == 0
    assert await engine.store.list_all() == []
    with pytest.raises(UnknownInstanceError):
        await engine.wait_for_completion(instance_id, 1)


@virtual_time
async def test_waiting_sets_no_timer_but_its_timeout() -> None:
    async def forever(context: Context) -> None:
        await asyncio.get_running_loop().create_future()

    engine = engine_with(StepDefinition("a", forever, timeout=1e9))
    instance_id = await engine.start_workflow("wf", {})

    with pytest.raises(WaitTimeoutError):
        await engine.wait_for_completion(instance_id, 1e6)

    assert elapsed_s() == 1e6
    assert engine.get_state(instance_id).status is WorkflowStatus.RUNNING


@virtual_time
async def test_what_a_run_needed_is_freed_without_a_garbage_collection() -> None:
    class Thing:
        pass

    engine = engine_with(StepDefinition("a", noop), StepDefinition("b", sleeping(1), depends_on=["a"]))
    thing = Thing()
    freed = weakref.ref(thing)
    gc.disable()
    try:
        instance_id = await engine.start_workflow("wf", {"thing": thing})
        await engine.wait_for_completion(instance_id, 5)
        await engine.store.delete(instance_id)
        await asyncio.sleep(0)
        del thing

        assert freed() is None
    finally:
        gc.enable()


class Unread(CopyingStore):
    """Can be written, but not read: raises at once, or takes for ever."""

    def __init__(self, error: Exception | None) -> None:
        super().__init__()
        self._error = error

    async def load(self, instance_id: str) -> WorkflowState[Any]:
        if self._error is not None:
            raise self._error
        await asyncio.sleep(1e6)
        return await super().load(instance_id)


@virtual_time
async def test_a_waiters_timeout_covers_a_store_that_takes_long_to_read() -> None:
    engine = engine_with(StepDefinition("a", sleeping(10)), store=Unread(None))
    instance_id = await engine.start_workflow("wf", {})

    for each in (instance_id, "somebody else's"):
        with pytest.raises(WaitTimeoutError):
            await engine.wait_for_completion(each, 1)

    assert elapsed_s() == 2


@virtual_time
async def test_a_store_that_times_out_is_not_taken_for_the_waiter() -> None:
    engine = engine_with(StepDefinition("a", sleeping(10)), store=Unread(TimeoutError("no answer")))
    instance_id = await engine.start_workflow("wf", {})

    for each in (instance_id, "somebody else's"):
        with pytest.raises(TimeoutError, match="no answer"):
            await engine.wait_for_completion(each, 1)
