"""Going on from a state saved earlier."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from herder.engine import (
    FailureAction,
    StepDefinition,
    StepState,
    StepStatus,
    UnknownWorkflowError,
    WorkflowError,
    WorkflowState,
    WorkflowStatus,
)
from unit.engine.kit import (
    EPOCH,
    QUICK,
    Context,
    Data,
    Recorder,
    elapsed_s,
    engine_with,
    noop,
    raising,
    sleeping,
    statuses,
    virtual_time,
)
from unit.engine.stores import CopyingStore


def ran(log: list[str], seconds: float = 0) -> Any:
    async def run(context: Context) -> None:
        log.append(f"{context.step_id} {context.attempt}")
        if seconds:
            await asyncio.sleep(seconds)

    return run


def saved(status: WorkflowStatus = WorkflowStatus.RUNNING, **steps: StepState) -> WorkflowState[Data]:
    return WorkflowState("saved", "wf", {"kept": True}, status, steps, EPOCH, EPOCH)


@virtual_time
async def test_what_succeeded_before_is_not_run_again() -> None:
    log: list[str] = []
    steps = [
        StepDefinition("a", ran(log)),
        StepDefinition("b", ran(log, 60), depends_on=["a"]),
        StepDefinition("c", ran(log), depends_on=["b"]),
    ]
    crashed = engine_with(*steps)
    instance_id = await crashed.start_workflow("wf", {})
    state = crashed.get_state(instance_id)
    await crashed.force_cancel_all()
    engine = engine_with(*steps)

    assert await engine.resume_workflow(state) == instance_id
    outcome = await engine.wait_for_completion(instance_id, 600)

    assert outcome.ok
    assert log == ["a 1", "b 1", "b 1", "c 1"]


@pytest.mark.parametrize(
    ("state", "runs"),
    [
        pytest.param(StepState(), ["a 1"], id="pending"),
        pytest.param(StepState(StepStatus.RUNNING, 2, EPOCH), ["a 2"], id="the interrupted attempt again"),
        pytest.param(StepState(StepStatus.RETRYING, 2, EPOCH), ["a 3"], id="the next attempt"),
        pytest.param(StepState(StepStatus.SUCCEEDED, 1), [], id="succeeded"),
        pytest.param(StepState(StepStatus.SKIPPED), [], id="skipped"),
        pytest.param(StepState(StepStatus.FAILED, 3, EPOCH, error="boom"), ["a 1"], id="failed for good"),
    ],
)
@virtual_time
async def test_a_state_built_by_hand_is_gone_on_with(state: StepState, runs: list[str]) -> None:
    log: list[str] = []
    engine = engine_with(StepDefinition("a", ran(log)), StepDefinition("b", noop, depends_on=["a"]))

    instance_id = await engine.resume_workflow(saved(a=state))

    assert (await engine.wait_for_completion(instance_id, 5)).ok
    assert log == runs
    assert engine.get_state(instance_id).data == {"kept": True}


@virtual_time
async def test_a_step_that_failed_with_continue_stays_failed() -> None:
    log: list[str] = []
    engine = engine_with(
        StepDefinition("a", ran(log), failure_action=FailureAction.CONTINUE_NEXT_STEP),
        StepDefinition("b", ran(log), depends_on=["a"]),
    )

    instance_id = await engine.resume_workflow(saved(a=StepState(StepStatus.FAILED, 1, error="boom")))

    assert log == ["b 1"]
    assert statuses(engine, instance_id) == {"a": "Failed", "b": "Succeeded"}


@virtual_time
async def test_a_step_waiting_for_its_retry_goes_on_waiting() -> None:
    engine = engine_with(StepDefinition("a", noop, retry=QUICK))
    state = StepState(StepStatus.RETRYING, 1, EPOCH, error="boom", next_retry_at=EPOCH + timedelta(seconds=7))

    instance_id = await engine.resume_workflow(saved(a=state))
    await engine.wait_for_completion(instance_id, 60)

    assert elapsed_s() == 7


@virtual_time
async def test_the_retry_clock_counts_on() -> None:
    engine = engine_with(StepDefinition("a", raising(ValueError("boom")), retry=QUICK))
    state = StepState(StepStatus.RUNNING, 3, EPOCH - timedelta(hours=1))

    instance_id = await engine.resume_workflow(saved(a=state))
    await engine.wait_for_completion(instance_id, 60)

    resumed = engine.get_state(instance_id).steps["a"]
    assert (resumed.attempts, resumed.started_at) == (3, EPOCH - timedelta(hours=1))
    assert elapsed_s() == 0


@virtual_time
async def test_a_step_that_had_begun_is_neither_delayed_nor_asked_again() -> None:
    log: list[str] = []
    engine = engine_with(StepDefinition("a", ran(log), delay=100, run_if=lambda context: False))

    instance_id = await engine.resume_workflow(saved(a=StepState(StepStatus.RUNNING, 1, EPOCH)))
    await engine.wait_for_completion(instance_id, 5)

    assert log == ["a 1"]


@virtual_time
async def test_steps_that_came_or_went_since_are_taken_in_or_dropped() -> None:
    log: list[str] = []
    engine = engine_with(StepDefinition("a", ran(log)), StepDefinition("new", ran(log)))

    instance_id = await engine.resume_workflow(
        saved(a=StepState(StepStatus.SUCCEEDED, 1), gone=StepState(StepStatus.RUNNING, 1))
    )

    assert log == ["new 1"]
    assert set(statuses(engine, instance_id)) == {"a", "new"}


@pytest.mark.parametrize("status", [WorkflowStatus.PENDING, WorkflowStatus.RUNNING, WorkflowStatus.PAUSED], ids=str)
@virtual_time
async def test_what_had_not_ended_keeps_its_id(status: WorkflowStatus) -> None:
    engine = engine_with(StepDefinition("a", noop))

    assert await engine.resume_workflow(saved(status)) == "saved"


@virtual_time
async def test_what_had_ended_stays_so_and_another_instance_goes_on_from_it() -> None:
    broken = [True]

    async def mended_later(context: Context) -> None:
        if broken.pop():
            broken.append(False)
            raise ValueError("boom")

    log: list[str] = []
    engine = engine_with(StepDefinition("a", ran(log)), StepDefinition("b", mended_later, depends_on=["a"]))
    failed = await engine.start_workflow("wf", {})
    await engine.wait_for_completion(failed, 5)
    before = engine.get_state(failed)

    again = await engine.resume_workflow(before)

    assert (await engine.wait_for_completion(again, 5)).ok
    assert again != failed
    assert log == ["a 1"]
    assert engine.get_state(failed) == before


@virtual_time
async def test_a_completed_state_completes_again_without_running_anything() -> None:
    log: list[str] = []
    engine = engine_with(StepDefinition("a", ran(log)))

    instance_id = await engine.resume_workflow(saved(WorkflowStatus.COMPLETED, a=StepState(StepStatus.SUCCEEDED, 1)))

    assert (await engine.wait_for_completion(instance_id, 5)).ok
    assert log == []


@virtual_time
async def test_the_saved_state_itself_is_not_altered() -> None:
    engine = engine_with(StepDefinition("a", noop))
    state = saved(a=StepState(StepStatus.RUNNING, 1, EPOCH))
    before = state.snapshot()

    await engine.resume_workflow(state)

    assert state == before


@virtual_time
async def test_an_instance_that_runs_here_can_not_be_resumed_beside_itself() -> None:
    engine = engine_with(StepDefinition("a", sleeping(60)))
    instance_id = await engine.start_workflow("wf", {})

    with pytest.raises(WorkflowError, match="already"):
        await engine.resume_workflow(engine.get_state(instance_id))


@virtual_time
async def test_a_resumed_workflow_is_told_as_started() -> None:
    recorder = Recorder()
    engine = engine_with(StepDefinition("a", noop), recorder=recorder)

    await engine.resume_workflow(saved())

    assert recorder.names("saved") == ["WorkflowStarted", "StepStarted a", "StepSucceeded a", "WorkflowCompleted"]


@virtual_time
async def test_a_state_of_an_unknown_workflow_can_not_be_resumed() -> None:
    with pytest.raises(UnknownWorkflowError):
        await engine_with().resume_workflow(WorkflowState("1", "other", {}))


@virtual_time
async def test_an_old_state_of_what_has_ended_meanwhile_goes_on_as_another_instance() -> None:
    engine = engine_with(StepDefinition("a", sleeping(10)))
    instance_id = await engine.start_workflow("wf", {})
    old = engine.get_state(instance_id)
    await engine.cancel_workflow(instance_id)

    again = await engine.resume_workflow(old)

    assert again != instance_id
    assert (await engine.wait_for_completion(again, 60)).ok
    assert engine.get_state(instance_id).status is WorkflowStatus.CANCELLED


@virtual_time
async def test_a_store_that_kept_it_going_is_gone_on_with_under_the_same_id() -> None:
    store = CopyingStore()
    await store.save(saved(a=StepState(StepStatus.RUNNING, 1, EPOCH)))
    engine = engine_with(StepDefinition("a", noop), store=store)

    assert await engine.resume_workflow(await store.load("saved")) == "saved"
    assert (await engine.wait_for_completion("saved", 5)).ok


@virtual_time
async def test_a_state_resumed_and_saved_again_before_anything_began_is_the_same_to_resume() -> None:
    log: list[str] = []
    begun_at = EPOCH - timedelta(hours=1)
    engine = engine_with(StepDefinition("a", ran(log), delay=100, run_if=lambda context: False))
    once_resumed = saved(a=StepState(attempts=2, started_at=begun_at, error="lost"))

    instance_id = await engine.resume_workflow(once_resumed)
    await engine.wait_for_completion(instance_id, 5)

    assert log == ["a 3"]
    assert engine.get_state(instance_id).steps["a"].started_at == begun_at


@virtual_time
async def test_a_step_built_by_hand_as_retrying_is_not_asked_its_condition_again() -> None:
    log: list[str] = []
    engine = engine_with(StepDefinition("a", ran(log), run_if=lambda context: False))

    instance_id = await engine.resume_workflow(saved(a=StepState(StepStatus.RETRYING, 1)))

    assert (await engine.wait_for_completion(instance_id, 5)).ok
    assert log == ["a 2"]
