"""Ends that somebody else brings about: the caller, everybody's end, another engine, a loop that is torn down."""

import asyncio
from typing import Any

import pytest

from herder.engine import (
    EngineShutDownError,
    InMemoryStateStore,
    StepDefinition,
    StepStatus,
    UnknownInstanceError,
    WorkflowDefinition,
    WorkflowEngine,
    WorkflowStatus,
)
from unit.engine.kit import (
    QUICK,
    Context,
    Data,
    Recorder,
    elapsed_s,
    engine_with,
    flaky,
    noop,
    other_tasks,
    sleeping,
    statuses,
    virtual_time,
)
from unit.engine.stores import EITHER_STORE, CopyingStore


@EITHER_STORE
@virtual_time
async def test_cancelling_stops_the_steps_and_wakes_the_waiters(make_store: Any) -> None:
    recorder = Recorder()
    engine = engine_with(StepDefinition("a", sleeping(60)), store=make_store(), recorder=recorder)
    data: Data = {}
    instance_id = await engine.start_workflow("wf", data)
    waiters = [asyncio.create_task(engine.wait_for_completion(instance_id, 600)) for _ in range(3)]
    await asyncio.sleep(1)

    await engine.cancel_workflow(instance_id)

    assert {(await waiter).status for waiter in waiters} == {WorkflowStatus.CANCELLED}
    assert elapsed_s() == 1
    assert recorder.terminal() == ["WorkflowCancelled"]
    assert statuses(engine, instance_id) == {"a": "Failed"}
    assert "through" not in data


@virtual_time
async def test_a_run_cancelled_twice_is_told_once() -> None:
    recorder = Recorder()
    engine = engine_with(StepDefinition("a", sleeping(60)), recorder=recorder)
    instance_id = await engine.start_workflow("wf", {})

    await asyncio.gather(engine.cancel_workflow(instance_id), engine.cancel_workflow(instance_id))
    await engine.cancel_workflow(instance_id)

    assert recorder.terminal() == ["WorkflowCancelled"]


@virtual_time
async def test_cancelling_what_has_ended_changes_nothing() -> None:
    recorder = Recorder()
    engine = engine_with(StepDefinition("a", noop), recorder=recorder)
    instance_id = await engine.start_workflow("wf", {})
    before = engine.get_state(instance_id)

    await engine.cancel_workflow(instance_id)

    assert engine.get_state(instance_id) == before
    assert recorder.terminal() == ["WorkflowCompleted"]


@virtual_time
async def test_a_step_waiting_for_its_retry_is_cancelled_promptly() -> None:
    engine = engine_with(StepDefinition("a", flaky(5), retry=QUICK))
    instance_id = await engine.start_workflow("wf", {})
    await asyncio.sleep(0.5)

    await engine.cancel_workflow(instance_id)

    assert elapsed_s() == 0.5
    assert engine.get_state(instance_id).steps["a"].next_retry_at is None


@virtual_time
async def test_a_cancelled_step_may_clean_up_and_the_end_waits_for_it() -> None:
    async def cleans_up(context: Context) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.5)
            context.data["clean"] = True

    engine = engine_with(StepDefinition("a", cleans_up))
    data: Data = {}
    instance_id = await engine.start_workflow("wf", data)

    await engine.cancel_workflow(instance_id)

    assert data == {"clean": True}


@virtual_time
async def test_a_step_that_does_not_stop_is_not_waited_for_and_writes_nothing_afterwards() -> None:
    async def stubborn(context: Context) -> None:
        while "late" not in context.data:
            try:
                await asyncio.sleep(10)
                context.data["late"] = True
            except asyncio.CancelledError:
                continue

    engine = engine_with(StepDefinition("a", stubborn), cancel_grace_s=2.0)
    data: Data = {}
    instance_id = await engine.start_workflow("wf", data)

    await engine.cancel_workflow(instance_id)

    assert elapsed_s() == 2
    await asyncio.sleep(60)
    assert data == {}
    assert other_tasks() == set()


@virtual_time
async def test_a_step_may_cancel_its_own_workflow() -> None:
    async def gives_up(context: Context) -> None:
        await engine.cancel_workflow(context.instance_id)
        context.data["late"] = True

    data: Data = {}
    engine = engine_with(StepDefinition("a", gives_up), StepDefinition("b", noop, depends_on=["a"]))

    outcome = await engine.start_and_wait("wf", data, timeout=5)

    assert outcome.status is WorkflowStatus.CANCELLED
    assert data == {}


@virtual_time
async def test_the_first_end_wins_though_it_takes_a_while() -> None:
    async def fails_soon(context: Context) -> None:
        await asyncio.sleep(1)
        raise ValueError("boom")

    async def cleans_up(context: Context) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.5)

    engine = engine_with(StepDefinition("a", fails_soon), StepDefinition("b", cleans_up))
    instance_id = await engine.start_workflow("wf", {})
    await asyncio.sleep(1.2)

    await engine.cancel_workflow(instance_id)

    assert elapsed_s() == 1.5
    assert engine.get_state(instance_id).status is WorkflowStatus.FAILED


@EITHER_STORE
@virtual_time
async def test_force_cancel_all_ends_everything_that_runs_here(make_store: Any) -> None:
    recorder = Recorder()
    engine = engine_with(StepDefinition("a", sleeping(60)), store=make_store(), recorder=recorder)
    for _ in range(5):
        await engine.start_workflow("wf", {})

    cancelled = await engine.force_cancel_all()

    assert cancelled == 5
    assert engine.active_workflow_count == 0
    assert recorder.terminal() == ["WorkflowCancelled"] * 5
    assert await engine.wait_for_shutdown(0)


@virtual_time
async def test_force_cancel_all_misses_no_end_that_comes_while_it_sets_out() -> None:
    engine = engine_with(StepDefinition("a", noop), store=CopyingStore())
    await engine.start_workflow("wf", {})
    await asyncio.sleep(0)

    assert await engine.force_cancel_all() == 0

    assert await engine.wait_for_shutdown(0)


def two_engines(store: Any) -> tuple[WorkflowEngine, WorkflowEngine, Recorder]:
    recorder = Recorder()
    steps = [StepDefinition("a", sleeping(10)), StepDefinition("b", noop, depends_on=["a"])]
    return (
        engine_with(*steps, store=store, recorder=recorder),
        engine_with(*steps, store=store, recorder=recorder),
        recorder,
    )


@EITHER_STORE
@virtual_time
async def test_a_cancellation_through_a_shared_store_is_seen_at_the_next_step_boundary(make_store: Any) -> None:
    runs_it, cancels_it, recorder = two_engines(make_store())
    instance_id = await runs_it.start_workflow("wf", {})
    waiter = asyncio.create_task(runs_it.wait_for_completion(instance_id, 60))
    await asyncio.sleep(1)

    await cancels_it.cancel_workflow(instance_id)

    assert (await waiter).status is WorkflowStatus.CANCELLED
    assert elapsed_s() == 10
    assert recorder.terminal() == ["WorkflowCancelled"]
    assert runs_it.get_state(instance_id).steps["b"].status is StepStatus.PENDING
    assert runs_it.active_workflow_count == 0


@EITHER_STORE
@virtual_time
async def test_a_waiter_that_comes_after_a_cancellation_through_the_store_sees_it_at_once(make_store: Any) -> None:
    runs_it, cancels_it, recorder = two_engines(make_store())
    instance_id = await runs_it.start_workflow("wf", {})
    await cancels_it.cancel_workflow(instance_id)

    outcome = await runs_it.wait_for_completion(instance_id, 60)

    assert outcome.status is WorkflowStatus.CANCELLED
    assert elapsed_s() == 0
    assert recorder.terminal() == ["WorkflowCancelled"]


@EITHER_STORE
@virtual_time
async def test_what_another_engine_runs_can_not_be_waited_for_here(make_store: Any) -> None:
    runs_it, waits_for_it, _ = two_engines(make_store())
    instance_id = await runs_it.start_workflow("wf", {})

    with pytest.raises(UnknownInstanceError, match="does not run it"):
        await waits_for_it.wait_for_completion(instance_id, 60)


@virtual_time
async def test_tasks_cancelled_from_outside_leave_the_workflow_as_it_was() -> None:
    recorder = Recorder()
    engine = engine_with(StepDefinition("a", sleeping(60)), recorder=recorder)
    instance_id = await engine.start_workflow("wf", {})
    waiter = asyncio.create_task(engine.wait_for_completion(instance_id, 600))
    await asyncio.sleep(1)

    for task in other_tasks() - {waiter}:
        task.cancel()

    with pytest.raises(EngineShutDownError, match=r"outside|cut off"):
        await waiter
    assert engine.get_state(instance_id).status is WorkflowStatus.RUNNING
    assert recorder.terminal() == []
    assert engine.active_workflow_count == 0
    assert other_tasks() == set()


@virtual_time
async def test_one_steps_task_cancelled_from_outside_is_no_failure_of_the_step() -> None:
    async def suicidal(context: Context) -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(60)

    engine = engine_with(StepDefinition("a", suicidal, retry=QUICK), StepDefinition("b", sleeping(60)))
    instance_id = await engine.start_workflow("wf", {})

    with pytest.raises(EngineShutDownError, match="outside"):
        await engine.wait_for_completion(instance_id, 600)

    assert statuses(engine, instance_id) == {"a": "Running", "b": "Running"}
    assert other_tasks() == set()


def test_a_loop_that_closes_records_no_end() -> None:
    store = InMemoryStateStore()

    async def main() -> str:
        engine = WorkflowEngine(store)
        engine.register_workflow(WorkflowDefinition("wf", [StepDefinition("a", sleeping(60))]))
        return await engine.start_workflow("wf", {})

    instance_id = asyncio.run(main())

    kept = store.peek(instance_id)
    assert kept is not None
    assert kept.status is WorkflowStatus.RUNNING


@virtual_time
async def test_what_a_step_that_is_cancelled_by_itself_comes_to_is_not_written() -> None:
    recorder = Recorder()
    cancels: set[asyncio.Task[None]] = set()

    async def cancel(context: Context) -> None:
        loop = asyncio.get_running_loop()
        cancels.add(asyncio.Task(engine.cancel_workflow(context.instance_id), loop=loop, eager_start=True))

    engine = engine_with(
        StepDefinition("a", noop), StepDefinition("b", cancel), StepDefinition("c", noop), recorder=recorder
    )

    instance_id = await engine.start_workflow("wf", {})
    await asyncio.gather(*cancels)

    assert recorder.terminal() == ["WorkflowCancelled"]
    assert statuses(engine, instance_id) == {"a": "Succeeded", "b": "Failed", "c": "Failed"}


@virtual_time
async def test_nothing_begins_of_a_workflow_that_is_cancelled_while_it_is_being_saved() -> None:
    recorder = Recorder()
    engine = engine_with(StepDefinition("a", noop), store=CopyingStore(latency_s=1), recorder=recorder)
    starting = asyncio.create_task(engine.start_workflow("wf", {}))
    await asyncio.sleep(0.5)

    assert await engine.force_cancel_all() == 1

    assert recorder.names() == ["WorkflowStarted", "WorkflowCancelled"]
    assert statuses(engine, await starting) == {"a": "Pending"}
