"""Retry ends when the policy says so, and what follows then."""

import asyncio
import math
from typing import Any

import pytest
import uvloop

from herder.engine import (
    ExponentialBackoff,
    FailureAction,
    FixedBackoff,
    LinearBackoff,
    RetryPolicy,
    StepDefinition,
    StepFailed,
    StepResult,
    StepRetrying,
    StepState,
    StepStatus,
    StepTimeoutError,
    WorkflowDefinition,
    WorkflowEngine,
)
from unit.engine.kit import QUICK, Context, Recorder, elapsed_s, engine_with, flaky, noop, statuses, virtual_time


class Executor:
    """A step as an object that fails as often as it is told and notes which hooks are called."""

    def __init__(self, failures: int = 10**9, *, retryable: bool = True, hook_raises: bool = False) -> None:
        self.calls: list[str] = []
        self.errors: list[Exception] = []
        self._failures = failures
        self._retryable = retryable
        self._hook_raises = hook_raises

    async def execute(self, context: Context) -> None:
        self.calls.append(f"execute {context.attempt}")
        if context.attempt <= self._failures:
            raise ConnectionError(f"attempt {context.attempt}")

    def is_retryable(self, error: Exception) -> bool:
        return self._retryable

    async def on_success(self, context: Context) -> None:
        await asyncio.sleep(1)
        self._hook("on_success")

    async def on_failure(self, context: Context, error: Exception) -> None:
        await asyncio.sleep(1)
        self.errors.append(error)
        self._hook("on_failure")

    def _hook(self, name: str) -> None:
        self.calls.append(name)
        if self._hook_raises:
            raise RuntimeError(name)


async def run_alone(step: StepDefinition[Any], recorder: Recorder | None = None) -> tuple[Any, StepState]:
    engine = engine_with(step, recorder=recorder)
    instance_id = await engine.start_workflow("wf", {})
    outcome = await engine.wait_for_completion(instance_id, 10_000)
    return outcome, engine.get_state(instance_id).steps[step.id]


@virtual_time
async def test_a_flaky_step_succeeds_in_the_end() -> None:
    outcome, state = await run_alone(StepDefinition("a", flaky(2), retry=QUICK))

    assert outcome.ok
    assert (state.status, state.attempts, state.error) == (StepStatus.SUCCEEDED, 3, None)
    assert elapsed_s() == 2


@pytest.mark.parametrize(
    ("policy", "retryable", "attempts"),
    [
        pytest.param(RetryPolicy(4, FixedBackoff(1)), True, 4, id="max_attempts"),
        pytest.param(RetryPolicy(None, ExponentialBackoff(1, jitter=0, max_elapsed=6)), True, 4, id="max_elapsed"),
        pytest.param(RetryPolicy(4, FixedBackoff(1)), False, 1, id="is_retryable"),
    ],
)
@virtual_time
async def test_whatever_ends_the_retry_leads_to_on_failure_once_and_fails_the_step(
    policy: RetryPolicy, retryable: bool, attempts: int
) -> None:
    executor = Executor(retryable=retryable)

    outcome, state = await run_alone(StepDefinition("a", executor, retry=policy))

    assert executor.calls == [*(f"execute {n}" for n in range(1, attempts + 1)), "on_failure"]
    assert str(executor.errors[0]) == f"attempt {attempts}"
    assert (state.status, state.error) == (StepStatus.FAILED, f"attempt {attempts}")
    assert not outcome.ok


@virtual_time
async def test_retry_indefinitely_knows_no_last_attempt() -> None:
    step = StepDefinition("a", flaky(1000), retry=QUICK, failure_action=FailureAction.RETRY_INDEFINITELY)

    outcome, state = await run_alone(step)

    assert outcome.ok
    assert state.attempts == 1001


@virtual_time
async def test_retry_indefinitely_still_ends_where_a_retry_makes_no_sense() -> None:
    step = StepDefinition("a", Executor(retryable=False), failure_action=FailureAction.RETRY_INDEFINITELY)

    outcome, state = await run_alone(step)

    assert (outcome.ok, state.attempts) == (False, 1)


@virtual_time
async def test_the_waits_between_attempts_are_those_of_the_policy() -> None:
    step = StepDefinition("a", flaky(3), retry=RetryPolicy(None, LinearBackoff(2, 5)))
    recorder = Recorder()

    await run_alone(step, recorder)

    retries = [event for event in recorder.events if isinstance(event, StepRetrying)]
    assert [(event.attempt, event.delay_s, event.error) for event in retries] == [
        (2, 2, "attempt 1"),
        (3, 4, "attempt 2"),
        (4, 5, "attempt 3"),
    ]
    assert elapsed_s() == 11


@virtual_time
async def test_while_it_waits_a_step_is_retrying_and_says_until_when() -> None:
    engine = engine_with(StepDefinition("a", flaky(1), retry=QUICK))
    instance_id = await engine.start_workflow("wf", {})
    await asyncio.sleep(0.5)

    state = engine.get_state(instance_id).steps["a"]

    assert (state.status, state.error) == (StepStatus.RETRYING, "attempt 1")
    assert state.started_at is not None
    assert state.next_retry_at is not None
    assert (state.next_retry_at - state.started_at).total_seconds() == 1


@virtual_time
async def test_an_attempt_that_takes_too_long_is_cancelled_and_tried_again() -> None:
    cancelled: list[int] = []

    async def slow_once(context: Context) -> None:
        try:
            await asyncio.sleep(60 if context.attempt == 1 else 1)
        except asyncio.CancelledError:
            cancelled.append(context.attempt)
            raise

    outcome, state = await run_alone(StepDefinition("a", slow_once, timeout=5, retry=QUICK))

    assert outcome.ok
    assert (cancelled, state.attempts) == ([1], 2)
    assert elapsed_s() == 5 + 1 + 1


@virtual_time
async def test_a_timeout_reaches_on_failure_as_such() -> None:
    class Slow(Executor):
        async def execute(self, context: Context) -> None:
            await asyncio.sleep(60)

    executor = Slow()

    outcome, _ = await run_alone(StepDefinition("a", executor, timeout=5))

    assert isinstance(executor.errors[0], StepTimeoutError)
    assert outcome.error == "step 'a' timed out after 5 s"


@virtual_time
async def test_a_steps_own_timeout_error_is_not_mistaken_for_the_engines() -> None:
    async def times_out_inside(context: Context) -> None:
        async with asyncio.timeout(1):
            await asyncio.sleep(60)

    outcome, _ = await run_alone(StepDefinition("a", times_out_inside, timeout=30))

    assert outcome.error == "TimeoutError"
    assert elapsed_s() == 1


@virtual_time
async def test_a_step_that_is_cancelled_by_what_it_waits_for_has_failed() -> None:
    async def waits_for_cancelled(context: Context) -> None:
        task = asyncio.create_task(asyncio.sleep(60))
        task.cancel()
        await task

    outcome, state = await run_alone(StepDefinition("a", waits_for_cancelled, retry=QUICK))

    assert not outcome.ok
    assert (state.attempts, state.error) == (3, "step 'a' was cancelled by something that it waited for")


@virtual_time
async def test_dependents_start_after_on_success() -> None:
    executor = Executor(failures=0)

    async def note(context: Context) -> None:
        executor.calls.append("dependent")

    engine = engine_with(StepDefinition("a", executor), StepDefinition("b", note, depends_on=["a"]))

    await engine.start_and_wait("wf", {}, timeout=60)

    assert executor.calls == ["execute 1", "on_success", "dependent"]


@pytest.mark.parametrize("failures", [0, 1], ids=["on_success", "on_failure"])
@virtual_time
async def test_a_hook_that_raises_changes_nothing(failures: int) -> None:
    executor = Executor(failures, hook_raises=True)

    outcome, state = await run_alone(StepDefinition("a", executor, failure_action=FailureAction.CONTINUE_NEXT_STEP))

    assert outcome.ok
    assert state.status is (StepStatus.FAILED if failures else StepStatus.SUCCEEDED)


@virtual_time
async def test_a_hook_that_hangs_is_cut_off_at_the_steps_timeout() -> None:
    class Hangs(Executor):
        async def on_success(self, context: Context) -> None:
            await asyncio.sleep(3600)

    outcome, _ = await run_alone(StepDefinition("a", Hangs(failures=0), timeout=5))

    assert outcome.ok
    assert elapsed_s() == 5


@virtual_time
async def test_a_retry_rule_that_raises_means_no_further_attempt() -> None:
    class Undecided(Executor):
        def is_retryable(self, error: Exception) -> bool:
            raise KeyError("no idea")

    executor = Undecided()

    outcome, _ = await run_alone(StepDefinition("a", executor, retry=QUICK))

    assert outcome.error == "attempt 1"
    assert executor.calls == ["execute 1", "on_failure"]


@virtual_time
async def test_on_failure_gets_a_word_about_a_result_that_is_none() -> None:
    class Returns(Executor):
        async def execute(self, context: Context) -> Any:
            return 42

    executor = Returns()

    await run_alone(StepDefinition("a", executor, retry=QUICK))

    assert str(executor.errors[0]) == "step 'a' returned 42, which is neither None nor a StepResult"


@virtual_time
async def test_a_step_that_returns_skip_is_skipped() -> None:
    async def skip(context: Context) -> StepResult:
        return StepResult.SKIP

    engine = engine_with(StepDefinition("a", skip), StepDefinition("b", noop, depends_on=["a"]))
    instance_id = await engine.start_workflow("wf", {})

    assert statuses(engine, instance_id) == {"a": "Skipped", "b": "Succeeded"}


@virtual_time
async def test_only_the_last_failure_is_told_as_failed() -> None:
    recorder = Recorder()

    await run_alone(StepDefinition("a", flaky(5), retry=QUICK), recorder)

    assert [event.error for event in recorder.events if isinstance(event, StepFailed)] == ["attempt 3"]


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_an_infinite_timeout_is_none_on_any_loop(run: Any) -> None:
    async def waits(context: Context) -> None:
        await asyncio.sleep(0)

    async def main() -> bool:
        engine = WorkflowEngine()
        engine.register_workflow(WorkflowDefinition("wf", [StepDefinition("a", waits, timeout=math.inf)]))
        return (await engine.start_and_wait("wf", {}, timeout=60)).ok

    assert run(main())


@pytest.mark.parametrize("seconds", [math.inf, 1e15, "soon"])
@virtual_time
async def test_a_backoff_whose_answer_makes_no_sense_ends_the_retry(seconds: Any) -> None:
    class Senseless:
        def delay(self, attempt: int, elapsed: float = 0.0) -> Any:
            return seconds

    engine = engine_with(StepDefinition("a", flaky(1), retry=RetryPolicy(backoff=Senseless())))

    outcome = await engine.start_and_wait("wf", {}, timeout=5)

    assert (outcome.failed_step, outcome.error) == ("a", "attempt 1")
