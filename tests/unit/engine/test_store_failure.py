"""A store that fails, at any call, is told to whoever waits at once, and nothing is left behind."""

import asyncio
from typing import Any

import pytest

from herder.engine import StepDefinition, WorkflowStatus
from herder.engine.store import StateChange
from unit.engine.kit import (
    QUICK,
    Context,
    Recorder,
    elapsed_s,
    engine_with,
    flaky,
    noop,
    other_tasks,
    sleeping,
    virtual_time,
)
from unit.engine.stores import CopyingStore, FailingStore, StoreDownError

STEPS: list[StepDefinition[Any]] = [
    StepDefinition("a", noop),
    StepDefinition("b", sleeping(1), depends_on=["a"]),
    StepDefinition("c", flaky(1), depends_on=["a"], retry=QUICK),
    StepDefinition("d", noop, depends_on=["b", "c"], run_if=lambda context: True),
    StepDefinition("slow", sleeping(200)),
    StepDefinition("last", noop, depends_on=["d"], delay=2000),
]


async def calls_of_a_run() -> int:
    store = FailingStore(0, stays_down=False)
    assert (await engine_with(*STEPS, store=store).start_and_wait("wf", {}, timeout=1e5)).ok
    return store.calls


def every_call() -> range:
    counted: list[int] = []

    @virtual_time
    async def count() -> None:
        counted.append(await calls_of_a_run())

    count()
    return range(1, counted[0] + 1)


@pytest.mark.parametrize("stays_down", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("nth", every_call())
@virtual_time
async def test_a_store_that_fails_at_its_nth_call_is_told_at_once(nth: int, stays_down: bool) -> None:
    recorder = Recorder()
    store = FailingStore(nth, stays_down=stays_down)
    engine = engine_with(*STEPS, store=store, recorder=recorder)

    try:
        outcome = await engine.start_and_wait("wf", {}, timeout=1e6)
    except StoreDownError:
        assert nth == 1
        assert recorder.events == []
    else:
        assert outcome.status is WorkflowStatus.FAILED
        assert outcome.error is not None
        assert "StoreDownError" in outcome.error
        assert recorder.terminal() == ["WorkflowFailed"]
    await asyncio.sleep(0)
    assert elapsed_s() < 1e5
    assert other_tasks() == set()
    assert engine.active_workflow_count == 0


@virtual_time
async def test_a_hundred_waiters_are_told_of_a_store_that_fails() -> None:
    engine = engine_with(*STEPS, store=FailingStore(5, stays_down=True))
    instance_id = await engine.start_workflow("wf", {})

    outcomes = await asyncio.gather(*(engine.wait_for_completion(instance_id, 1e6) for _ in range(100)))

    assert {outcome.status for outcome in outcomes} == {WorkflowStatus.FAILED}
    assert elapsed_s() == 1


@virtual_time
async def test_an_end_that_can_not_be_written_is_remembered_all_the_same() -> None:
    class LosesTheEnd(CopyingStore):
        async def update(self, instance_id: str, change: Any) -> None:
            raise StoreDownError

    engine = engine_with(StepDefinition("a", noop), store=LosesTheEnd())
    instance_id = await engine.start_workflow("wf", {})
    await engine.wait_for_completion(instance_id, 5)

    assert engine.get_state(instance_id).status is WorkflowStatus.FAILED


@virtual_time
async def test_a_state_deleted_while_it_runs_fails_the_workflow() -> None:
    engine = engine_with(StepDefinition("a", sleeping(10)))
    instance_id = await engine.start_workflow("wf", {})
    waiter = asyncio.create_task(engine.wait_for_completion(instance_id, 60))
    await asyncio.sleep(1)

    await engine.store.delete(instance_id)

    assert (await waiter).status is WorkflowStatus.FAILED


@virtual_time
async def test_a_start_cut_off_while_the_store_saves_leaves_nothing_behind() -> None:
    engine = engine_with(StepDefinition("a", noop), store=CopyingStore(latency_s=10))
    start = asyncio.create_task(engine.start_workflow("wf", {}))
    await asyncio.sleep(1)

    start.cancel()

    with pytest.raises(asyncio.CancelledError):
        await start
    assert engine.active_workflow_count == 0
    assert await engine.wait_for_shutdown(0)


@virtual_time
async def test_what_begins_while_the_store_writes_is_launched_after_its_own_write() -> None:
    states: list[str] = []

    async def look(context: Context) -> None:
        kept = await engine.store.load(context.instance_id)
        states.append(kept.steps[context.step_id].status)

    engine = engine_with(
        StepDefinition("a", look, delay=1), StepDefinition("b", look, delay=1), store=CopyingStore(latency_s=5)
    )

    assert (await engine.start_and_wait("wf", {}, timeout=600)).ok

    assert states == ["Running", "Running"]


@virtual_time
async def test_cancelling_while_the_store_is_slow_ends_in_order() -> None:
    recorder = Recorder()
    engine = engine_with(
        StepDefinition("a", noop), StepDefinition("b", noop, depends_on=["a"]), store=CopyingStore(5), recorder=recorder
    )
    instance_id = await engine.start_workflow("wf", {})
    await asyncio.sleep(1)

    await engine.cancel_workflow(instance_id)

    assert recorder.terminal() == ["WorkflowCancelled"]
    assert engine.get_state(instance_id) == await engine.store.load(instance_id)


@virtual_time
async def test_a_store_that_fails_at_the_last_write_keeps_that_the_workflow_failed() -> None:
    class FailsAtItsSecondUpdate(CopyingStore):
        updates = 0

        async def update(self, instance_id: str, change: Any) -> None:
            self.updates += 1
            if self.updates == 2:
                raise StoreDownError
            await super().update(instance_id, change)

    engine = engine_with(StepDefinition("a", noop), store=FailsAtItsSecondUpdate())

    instance_id = await engine.start_workflow("wf", {})
    outcome = await engine.wait_for_completion(instance_id, 5)

    kept = await engine.store.load(instance_id)
    assert (outcome.status, kept.status) == (WorkflowStatus.FAILED, WorkflowStatus.FAILED)
    assert kept.error == outcome.error


@virtual_time
async def test_what_came_of_the_last_step_is_written_with_the_end() -> None:
    store = FailingStore(0, stays_down=False)
    engine = engine_with(StepDefinition("a", noop), store=store)

    await engine.start_and_wait("wf", {}, 5)

    assert store.calls == len(["save", "a begins", "a and the workflow end"])


@pytest.mark.parametrize("nth", range(1, 5))
@virtual_time
async def test_a_store_that_is_cancelled_by_what_it_waits_for_has_failed(nth: int) -> None:
    class CutOff(CopyingStore):
        calls = 0

        async def update(self, instance_id: str, change: StateChange) -> None:
            self.calls += 1
            if self.calls == nth:
                raise asyncio.CancelledError
            await super().update(instance_id, change)

    recorder, store = Recorder(), CutOff()
    steps = [StepDefinition("a", sleeping(1)), StepDefinition("b", sleeping(1), depends_on=["a"])]
    engine = engine_with(*steps, store=store, recorder=recorder)

    outcome = await engine.start_and_wait("wf", {}, timeout=60)

    assert outcome.status is (WorkflowStatus.FAILED if nth < 4 else WorkflowStatus.COMPLETED)
    assert recorder.terminal() == ["WorkflowFailed" if nth < 4 else "WorkflowCompleted"]
    assert [state.status for state in store.kept.values()] == [outcome.status]
    assert other_tasks() == set()
