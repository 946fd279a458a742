"""One workflow from start to end, as its caller sees it."""

import asyncio

import pytest

from herder.engine import (
    EngineShutDownError,
    FailureAction,
    StepDefinition,
    StepResult,
    UnknownInstanceError,
    UnknownWorkflowError,
    WaitTimeoutError,
    WorkflowStatus,
)
from unit.engine.kit import (
    ONCE,
    QUICK,
    Context,
    Recorder,
    engine_with,
    flaky,
    noop,
    raising,
    returning,
    sleeping,
    statuses,
    virtual_time,
)


@virtual_time
async def test_a_workflow_runs_its_steps_in_order_and_completes() -> None:
    order: list[str] = []

    async def note(context: Context) -> None:
        order.append(context.step_id)

    engine = engine_with(
        StepDefinition("c", note, depends_on=["b"]),
        StepDefinition("a", note),
        StepDefinition("b", note, depends_on=["a"]),
    )

    outcome = await engine.start_and_wait("wf", {}, timeout=5)

    assert outcome.ok
    assert order == ["a", "b", "c"]


@virtual_time
async def test_a_failed_step_ends_the_workflow_and_names_what_was_not_reached() -> None:
    engine = engine_with(StepDefinition("a", raising(ValueError("boom"))), StepDefinition("b", noop, depends_on=["a"]))

    outcome = await engine.start_and_wait("wf", {}, timeout=5)

    assert (outcome.status, outcome.failed_step) == (WorkflowStatus.FAILED, "a")
    assert outcome.error == "boom (not reached: b)"


@virtual_time
async def test_a_slow_sibling_of_a_failed_step_is_stopped_before_the_end() -> None:
    engine = engine_with(StepDefinition("bad", raising(ValueError("boom"))), StepDefinition("slow", sleeping(60)))
    data: dict[str, object] = {}

    await engine.start_and_wait("wf", data, timeout=5)
    await asyncio.sleep(120)

    assert "through" not in data


@virtual_time
async def test_events_tell_the_whole_story_in_order() -> None:
    recorder = Recorder()
    engine = engine_with(
        StepDefinition("a", flaky(1), retry=QUICK),
        StepDefinition("b", noop, depends_on=["a"], run_if=lambda context: False),
        recorder=recorder,
    )

    await engine.start_and_wait("wf", {}, timeout=5)

    assert recorder.names() == [
        "WorkflowStarted",
        "StepStarted a",
        "StepRetrying a",
        "StepStarted a",
        "StepSucceeded a",
        "StepSkipped b",
        "WorkflowCompleted",
    ]


@virtual_time
async def test_a_step_that_failed_with_continue_feeds_its_dependents() -> None:
    engine = engine_with(
        StepDefinition("a", raising(ValueError("boom")), failure_action=FailureAction.CONTINUE_NEXT_STEP),
        StepDefinition("b", noop, depends_on=["a"]),
        StepDefinition("c", noop, depends_on_any=["a"]),
    )

    instance_id = await engine.start_workflow("wf", {})
    outcome = await engine.wait_for_completion(instance_id, 5)

    assert outcome.ok
    assert statuses(engine, instance_id) == {"a": "Failed", "b": "Succeeded", "c": "Succeeded"}


@virtual_time
async def test_a_step_that_returns_failure_is_not_tried_again() -> None:
    engine = engine_with(StepDefinition("a", returning(StepResult.FAILURE), retry=QUICK))

    instance_id = await engine.start_workflow("wf", {})
    await engine.wait_for_completion(instance_id, 5)

    assert engine.get_state(instance_id).steps["a"].attempts == 1


@virtual_time
async def test_what_is_not_known_is_an_error_of_its_own() -> None:
    engine = engine_with(StepDefinition("a", noop, retry=ONCE))

    with pytest.raises(UnknownWorkflowError):
        await engine.start_workflow("other", {})
    with pytest.raises(UnknownInstanceError):
        await engine.wait_for_completion("none", 1)
    with pytest.raises(UnknownInstanceError):
        await engine.cancel_workflow("none")
    with pytest.raises(UnknownInstanceError):
        engine.get_state("none")


@virtual_time
async def test_a_waiter_that_gives_up_leaves_the_workflow_alone() -> None:
    engine = engine_with(StepDefinition("a", sleeping(10)))
    instance_id = await engine.start_workflow("wf", {})

    with pytest.raises(WaitTimeoutError):
        await engine.wait_for_completion(instance_id, 1)

    assert (await engine.wait_for_completion(instance_id, 60)).ok


@virtual_time
async def test_a_cancelled_workflow_has_ended_when_cancel_returns() -> None:
    recorder = Recorder()
    engine = engine_with(StepDefinition("a", sleeping(10)), recorder=recorder)
    instance_id = await engine.start_workflow("wf", {})

    await engine.cancel_workflow(instance_id)

    assert engine.get_state(instance_id).status is WorkflowStatus.CANCELLED
    assert recorder.terminal() == ["WorkflowCancelled"]
    assert engine.active_workflow_count == 0


@virtual_time
async def test_after_shutdown_nothing_starts_and_what_runs_goes_on() -> None:
    engine = engine_with(StepDefinition("a", sleeping(10)))
    instance_id = await engine.start_workflow("wf", {})

    engine.shutdown()

    with pytest.raises(EngineShutDownError):
        await engine.start_workflow("wf", {})
    assert not await engine.wait_for_shutdown(5)
    assert await engine.wait_for_shutdown(60)
    assert engine.get_state(instance_id).status is WorkflowStatus.COMPLETED
