"""Pausing: what runs goes on to its end, nothing new begins until it is told to."""

import asyncio
from typing import Any

import pytest

from herder.engine import StepDefinition, UnknownInstanceError, WorkflowStatus
from unit.engine.kit import (
    QUICK,
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
async def test_a_paused_workflow_begins_nothing_until_it_goes_on(make_store: Any) -> None:
    recorder = Recorder()
    engine = engine_with(
        StepDefinition("a", sleeping(10)),
        StepDefinition("b", noop, depends_on=["a"]),
        store=make_store(),
        recorder=recorder,
    )
    instance_id = await engine.start_workflow("wf", {})

    await engine.pause_workflow(instance_id)
    paused = engine.get_state(instance_id).status
    await asyncio.sleep(60)
    between = statuses(engine, instance_id)
    await engine.unpause_workflow(instance_id)
    outcome = await engine.wait_for_completion(instance_id, 5)

    assert paused is WorkflowStatus.PAUSED
    assert between == {"a": "Succeeded", "b": "Pending"}
    assert outcome.ok
    assert recorder.names() == [
        "WorkflowStarted",
        "StepStarted a",
        "WorkflowPaused",
        "StepSucceeded a",
        "WorkflowUnpaused",
        "StepStarted b",
        "StepSucceeded b",
        "WorkflowCompleted",
    ]


@virtual_time
async def test_retries_delays_and_conditions_wait_too() -> None:
    engine = engine_with(
        StepDefinition("retries", flaky(1), retry=QUICK),
        StepDefinition("delayed", noop, delay=5),
        StepDefinition("asks", noop, delay=5, run_if=lambda context: False),
    )
    instance_id = await engine.start_workflow("wf", {})

    await engine.pause_workflow(instance_id)
    await asyncio.sleep(60)
    between = statuses(engine, instance_id)
    await engine.unpause_workflow(instance_id)
    await engine.wait_for_completion(instance_id, 5)

    assert between == {"retries": "Retrying", "delayed": "Pending", "asks": "Pending"}
    assert statuses(engine, instance_id) == {"retries": "Succeeded", "delayed": "Succeeded", "asks": "Skipped"}


@virtual_time
async def test_pausing_twice_is_told_once_and_going_on_without_a_pause_not_at_all() -> None:
    recorder = Recorder()
    engine = engine_with(StepDefinition("a", sleeping(10)), recorder=recorder)
    instance_id = await engine.start_workflow("wf", {})

    await engine.unpause_workflow(instance_id)
    await engine.pause_workflow(instance_id)
    await engine.pause_workflow(instance_id)

    assert recorder.names() == ["WorkflowStarted", "StepStarted a", "WorkflowPaused"]


@virtual_time
async def test_a_paused_workflow_of_which_nothing_is_left_completes() -> None:
    engine = engine_with(StepDefinition("a", sleeping(10)))
    instance_id = await engine.start_workflow("wf", {})
    await engine.pause_workflow(instance_id)

    assert (await engine.wait_for_completion(instance_id, 60)).ok


@virtual_time
async def test_a_paused_workflow_can_be_cancelled() -> None:
    engine = engine_with(StepDefinition("a", sleeping(1)), StepDefinition("b", noop, depends_on=["a"]))
    instance_id = await engine.start_workflow("wf", {})
    await engine.pause_workflow(instance_id)
    await asyncio.sleep(10)

    await engine.cancel_workflow(instance_id)

    assert engine.get_state(instance_id).status is WorkflowStatus.CANCELLED
    assert other_tasks() == set()


@virtual_time
async def test_a_pause_that_the_end_overtakes_does_not_wait_for_ever() -> None:
    engine = engine_with(StepDefinition("a", sleeping(10)), store=CopyingStore(latency_s=1))
    instance_id = await engine.start_workflow("wf", {})
    await asyncio.sleep(5)

    await asyncio.gather(engine.cancel_workflow(instance_id), engine.pause_workflow(instance_id))

    assert engine.get_state(instance_id).status is WorkflowStatus.CANCELLED
    assert elapsed_s() < 10


@virtual_time
async def test_what_does_not_run_here_can_not_be_paused() -> None:
    engine = engine_with(StepDefinition("a", noop))
    instance_id = await engine.start_workflow("wf", {})

    with pytest.raises(UnknownInstanceError):
        await engine.pause_workflow(instance_id)
    with pytest.raises(UnknownInstanceError):
        await engine.unpause_workflow("none")
