"""Shutting down, and cleaning up until then."""

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from herder.engine import EngineShutDownError, InMemoryStateStore, StepDefinition, WorkflowState
from unit.engine.kit import clock, elapsed_s, engine_with, noop, other_tasks, sleeping, virtual_time
from unit.engine.stores import CopyingStore


@virtual_time
async def test_the_wait_for_shutdown_ends_with_the_last_workflow() -> None:
    engine = engine_with(StepDefinition("a", sleeping(10)))
    await engine.start_workflow("wf", {})
    await asyncio.sleep(3)
    await engine.start_workflow("wf", {})

    engine.shutdown()

    assert engine.is_shutting_down
    assert await engine.wait_for_shutdown(60)
    assert elapsed_s() == 13


@virtual_time
async def test_the_wait_for_shutdown_says_so_when_its_time_is_over() -> None:
    engine = engine_with(StepDefinition("a", sleeping(60)))
    await engine.start_workflow("wf", {})
    engine.shutdown()

    assert not await engine.wait_for_shutdown(5)

    assert elapsed_s() == 5
    assert engine.active_workflow_count == 1


@virtual_time
async def test_an_engine_that_never_ran_anything_has_shut_down_at_once() -> None:
    assert await engine_with().wait_for_shutdown(0)


@virtual_time
async def test_nothing_is_resumed_after_shutdown() -> None:
    engine = engine_with(StepDefinition("a", noop))
    instance_id = await engine.start_workflow("wf", {})
    engine.shutdown()

    with pytest.raises(EngineShutDownError):
        await engine.resume_workflow(engine.get_state(instance_id))


@virtual_time
async def test_nothing_is_resumed_after_a_shutdown_that_came_while_the_store_was_asked() -> None:
    engine = engine_with(StepDefinition("a", noop), store=CopyingStore(latency_s=1.0))
    state: WorkflowState[dict[str, Any]] = WorkflowState("left", "wf", {})
    resuming = asyncio.create_task(engine.resume_workflow(state))
    await asyncio.sleep(0.5)

    engine.shutdown()

    with pytest.raises(EngineShutDownError):
        await resuming
    assert engine.active_workflow_count == 0


@virtual_time
async def test_the_cleanup_evicts_now_and_at_every_interval_and_stops_at_shutdown() -> None:
    engine = engine_with(StepDefinition("a", sleeping(5)))
    await engine.start_workflow("wf", {})
    cleanup = engine.start_cleanup_task(ttl=60, interval=10)

    await asyncio.sleep(62)
    kept = len(await engine.store.list_all())
    await asyncio.sleep(10)
    evicted = len(await engine.store.list_all())
    engine.shutdown()
    await cleanup

    assert (kept, evicted) == (1, 0)
    assert elapsed_s() == 72
    assert other_tasks() == set()


@virtual_time
async def test_a_cleanup_may_be_cancelled() -> None:
    cleanup = engine_with().start_cleanup_task()
    await asyncio.sleep(1)

    cleanup.cancel()

    with pytest.raises(asyncio.CancelledError):
        await cleanup


@virtual_time
async def test_a_cleanup_outlives_a_store_that_fails() -> None:
    class FailsOnce(InMemoryStateStore):
        rounds = 0

        async def cleanup_old_workflows(self, ttl: float) -> int:
            self.rounds += 1
            if self.rounds == 1:
                raise ConnectionError
            return await super().cleanup_old_workflows(ttl)

    store = FailsOnce(clock=clock)
    engine = engine_with(store=store)

    with capture_logs() as logs:
        engine.start_cleanup_task(ttl=60, interval=10)
        await asyncio.sleep(15)
        engine.shutdown()
        await asyncio.sleep(0)

    assert store.rounds == 2
    assert "engine.cleanup_failed" in {entry["event"] for entry in logs}


@virtual_time
async def test_ids_are_unique_and_may_be_plugged_in() -> None:
    given: Any = iter(["one", "two"])
    counted = engine_with(StepDefinition("a", noop), ids=lambda: next(given))
    first, second = engine_with(StepDefinition("a", noop)), engine_with(StepDefinition("a", noop))

    ids = {await engine.start_workflow("wf", {}) for engine in (first, second) for _ in range(100)}

    assert len(ids) == 200
    assert [await counted.start_workflow("wf", {}) for _ in range(2)] == ["one", "two"]


@virtual_time
async def test_the_sleep_may_be_plugged_in() -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    outcome = await engine_with(StepDefinition("a", noop, delay=100), sleep=sleep).start_and_wait("wf", {}, 5)

    assert outcome.ok
    assert slept == [100]


@virtual_time
async def test_a_sleep_that_raises_fails_the_step() -> None:
    async def sleep(seconds: float) -> None:
        raise OverflowError("too long")

    outcome = await engine_with(StepDefinition("a", noop, delay=1e300), sleep=sleep).start_and_wait("wf", {}, 5)

    assert (outcome.failed_step, outcome.error) == ("a", "too long")
