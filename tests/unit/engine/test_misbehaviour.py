"""Steps that do what no step should: the workflow ends all the same, its waiters are told why, and others go on."""

import asyncio
import contextlib
from inspect import markcoroutinefunction
from typing import Any

import pytest

from herder.engine import (
    EngineShutDownError,
    FailureAction,
    FixedBackoff,
    RetryPolicy,
    StepDefinition,
    StepTimeoutError,
    WorkflowDefinition,
    WorkflowEngine,
    WorkflowStatus,
)
from unit.engine.kit import (
    ONCE,
    Context,
    Data,
    Recorder,
    elapsed_s,
    engine_with,
    noop,
    other_tasks,
    sleeping,
    virtual_time,
)

AT_ONCE_OR_LATER = pytest.mark.parametrize("seconds", [None, 0, 1], ids=["at once", "a turn later", "later"])


class Odd(BaseException):
    """No Exception, like those of pytest and of some event loops."""


class Unspeakable(Exception):
    """Can't even be told."""

    def __str__(self) -> str:
        raise RuntimeError


def raising_after(seconds: float | None, error: BaseException) -> Any:
    async def run(context: Context) -> None:
        if seconds is not None:
            await asyncio.sleep(seconds)
        raise error

    return run


async def takes_no_context() -> None:
    """Lacks the parameter that every step has."""


@markcoroutinefunction
def raises_instead_of_making_a_coroutine(context: Context) -> None:
    raise LookupError("no coroutine today")


@pytest.mark.parametrize("run", [takes_no_context, raises_instead_of_making_a_coroutine, lambda context: None])
@virtual_time
async def test_a_step_that_can_not_even_be_called_fails(run: Any) -> None:
    engine = engine_with(StepDefinition("a", run), StepDefinition("b", noop, depends_on=["a"]))

    outcome = await engine.start_and_wait("wf", {}, timeout=5)

    assert (outcome.status, outcome.failed_step) == (WorkflowStatus.FAILED, "a")


@AT_ONCE_OR_LATER
@virtual_time
async def test_a_step_that_raises_what_is_no_exception_fails(seconds: float | None) -> None:
    recorder = Recorder()
    engine = engine_with(StepDefinition("a", raising_after(seconds, Odd("why"))), recorder=recorder)

    outcome = await engine.start_and_wait("wf", {}, timeout=5)

    assert (outcome.status, outcome.failed_step) == (WorkflowStatus.FAILED, "a")
    assert "Odd" in (outcome.error or "")
    assert recorder.terminal() == ["WorkflowFailed"]
    assert other_tasks() == set()


@AT_ONCE_OR_LATER
@virtual_time
async def test_an_error_that_can_not_be_told_fails_its_step_all_the_same(seconds: float | None) -> None:
    engine = engine_with(StepDefinition("a", raising_after(seconds, Unspeakable())))

    outcome = await engine.start_and_wait("wf", {}, timeout=5)

    assert (outcome.failed_step, outcome.error) == ("a", "Unspeakable")


@AT_ONCE_OR_LATER
def test_a_step_that_wants_the_program_to_exit_is_heard_and_its_waiters_are_told(seconds: float | None) -> None:
    told: list[BaseException] = []

    async def waits(engine: WorkflowEngine) -> None:
        try:
            await engine.start_and_wait("wf", {}, timeout=5)
        except BaseException as error:
            told.append(error)
            raise

    async def main() -> None:
        engine = engine_with(StepDefinition("a", raising_after(seconds and seconds / 1e3, SystemExit(3))))
        await waits(engine)

    with pytest.raises(SystemExit):
        asyncio.run(main())

    assert isinstance(told[0], SystemExit | asyncio.CancelledError | EngineShutDownError)


@virtual_time
async def test_a_step_that_is_tried_again_at_once_lets_others_run() -> None:
    async def fails_a_thousand_times(context: Context) -> None:
        if context.attempt < 1000:
            raise ConnectionError

    for_ever, at_once = FailureAction.RETRY_INDEFINITELY, RetryPolicy(backoff=FixedBackoff(0))
    engine = engine_with(StepDefinition("a", fails_a_thousand_times, failure_action=for_ever, retry=at_once))

    instance_id = await engine.start_workflow("wf", {})
    await engine.cancel_workflow(instance_id)

    state = engine.get_state(instance_id)
    assert state.status is WorkflowStatus.CANCELLED
    assert state.steps["a"].attempts < 10


@virtual_time
async def test_a_step_that_does_not_stop_at_its_timeout_fails_of_it_and_writes_nothing_afterwards() -> None:
    async def stubborn(context: Context) -> None:
        until_s = elapsed_s() + 100
        while elapsed_s() < until_s:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(until_s - elapsed_s())
        context.data["late"] = True

    hooked: list[Any] = []

    class Stubborn:
        async def execute(self, context: Context) -> None:
            await stubborn(context)

        async def on_failure(self, context: Context, error: Exception) -> None:
            hooked.append((type(error), context.data))

    data: Data = {}
    engine = engine_with(StepDefinition("a", Stubborn(), timeout=5), cancel_grace_s=2.0)

    outcome = await engine.start_and_wait("wf", data, timeout=60)

    assert outcome.failed_step == "a"
    assert "timed out" in (outcome.error or "")
    assert elapsed_s() == 7
    assert hooked == [(StepTimeoutError, {})]
    await asyncio.sleep(200)
    assert data == {}
    assert other_tasks() == set()


@virtual_time
async def test_a_step_that_cleans_up_at_its_timeout_is_waited_for() -> None:
    async def cleans_up(context: Context) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(1)
            context.data["clean"] = True

    data: Data = {}
    engine = engine_with(StepDefinition("a", cleans_up, timeout=5), cancel_grace_s=2.0)

    outcome = await engine.start_and_wait("wf", data, timeout=60)

    assert "timed out" in (outcome.error or "")
    assert elapsed_s() == 6
    assert data == {"clean": True}


@virtual_time
async def test_what_a_stopped_step_left_running_writes_nothing_after_the_end() -> None:
    left: list[asyncio.Task[None]] = []

    async def writes_late(context: Context) -> None:
        await asyncio.sleep(5)
        context.data["late"] = True

    async def shields(context: Context) -> None:
        left.append(asyncio.ensure_future(writes_late(context)))
        await asyncio.shield(left[0])

    data: Data = {}
    engine = engine_with(StepDefinition("a", shields))
    instance_id = await engine.start_workflow("wf", data)
    await asyncio.sleep(1)

    await engine.cancel_workflow(instance_id)

    await asyncio.wait(left)
    assert isinstance(left[0].exception(), AttributeError)
    assert data == {}


@virtual_time
async def test_a_step_may_cancel_its_own_workflow_and_start_another() -> None:
    async def starts_another(context: Context) -> None:
        context.data["other"] = await engine.start_and_wait("other", {}, timeout=5)
        await engine.cancel_workflow(context.instance_id)
        context.data["after"] = True

    data: Data = {}
    engine = engine_with(StepDefinition("a", starts_another))
    engine.register_workflow(WorkflowDefinition("other", [StepDefinition("b", sleeping(1), retry=ONCE)]))

    outcome = await engine.start_and_wait("wf", data, timeout=5)

    assert outcome.status is WorkflowStatus.CANCELLED
    assert data["other"].ok
    assert "after" not in data
