"""When steps start: dependencies, delays, schedules, conditions."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from herder.engine import FailureAction, FixedBackoff, RetryPolicy, StepDefinition, StepStatus
from unit.engine.kit import (
    EPOCH,
    Context,
    Data,
    Recorder,
    Step,
    clock,
    elapsed_s,
    engine_with,
    flaky,
    noop,
    raising,
    sleeping,
    statuses,
    virtual_time,
)


def noting(seconds: float = 0.0) -> Callable[[Context], Awaitable[None]]:
    """A step that notes in the data when it began and when it was through."""

    async def run(context: Context) -> None:
        context.data[context.step_id] = [elapsed_s()]
        if seconds:
            await asyncio.sleep(seconds)
        context.data[context.step_id].append(elapsed_s())

    return run


async def spans(*steps: Step) -> Data:
    data: Data = {}
    outcome = await engine_with(*steps).start_and_wait("wf", data, timeout=10_000)
    assert outcome.ok
    return data


@virtual_time
async def test_independent_steps_run_at_the_same_time() -> None:
    data = await spans(*(StepDefinition(step_id, noting(10)) for step_id in "abc"))

    assert data == {"a": [0, 10], "b": [0, 10], "c": [0, 10]}


@virtual_time
async def test_a_step_starts_as_soon_as_all_of_its_dependencies_are_through() -> None:
    data = await spans(
        StepDefinition("a", noting(1)),
        StepDefinition("b", noting(5)),
        StepDefinition("both", noting(1), depends_on=["a", "b"]),
        StepDefinition("either", noting(1), depends_on_any=["a", "b"]),
    )

    assert data["both"] == [5, 6]
    assert data["either"] == [1, 2]


@virtual_time
async def test_a_step_with_any_dependencies_runs_once_though_all_of_them_succeed() -> None:
    runs: list[str] = []

    async def count(context: Context) -> None:
        runs.append(context.step_id)

    await spans(
        StepDefinition("a", noop), StepDefinition("b", noop), StepDefinition("c", count, depends_on_any=["a", "b"])
    )

    assert runs == ["c"]


@virtual_time
async def test_a_delay_counts_from_when_the_dependencies_are_satisfied() -> None:
    data = await spans(StepDefinition("a", noting(3)), StepDefinition("b", noting(), depends_on=["a"], delay=4))

    assert data["b"] == [7, 7]


@pytest.mark.parametrize(("in_s", "delay", "starts"), [(10, 0, 10), (10, 4, 14), (-10, 0, 0), (-10, 4, 4)], ids=str)
@virtual_time
async def test_delay_and_schedule_add_up_and_a_past_schedule_counts_for_nothing(
    in_s: float, delay: float, starts: float
) -> None:
    step = StepDefinition("a", noting(), scheduled_at=EPOCH + timedelta(seconds=in_s), delay=delay)

    assert (await spans(step))["a"] == [starts, starts]


@virtual_time
async def test_a_waiting_step_does_not_hold_up_the_others() -> None:
    data = await spans(
        StepDefinition("late", noting(), delay=100),
        StepDefinition("a", noting(1)),
        StepDefinition("b", noting(1), depends_on=["a"]),
    )

    assert data["b"] == [1, 2]


def plain(answer: bool) -> Callable[[Context], bool]:
    return lambda context: answer


def asynchronous(answer: bool) -> Callable[[Context], Awaitable[bool]]:
    async def condition(context: Context) -> bool:
        await asyncio.sleep(1)
        return answer

    return condition


@pytest.mark.parametrize("kind", [plain, asynchronous])
@pytest.mark.parametrize("answer", [True, False])
@virtual_time
async def test_a_condition_decides_whether_a_step_runs(kind: Any, answer: bool) -> None:
    engine = engine_with(StepDefinition("a", noop, run_if=kind(answer)), StepDefinition("b", noop, depends_on=["a"]))
    instance_id = await engine.start_workflow("wf", {})
    await engine.wait_for_completion(instance_id, 60)

    assert statuses(engine, instance_id) == {"a": "Succeeded" if answer else "Skipped", "b": "Succeeded"}
    assert engine.get_state(instance_id).steps["a"].attempts == (1 if answer else 0)


@virtual_time
async def test_a_condition_sees_what_earlier_steps_have_found() -> None:
    async def find(context: Context) -> None:
        context.data["found"] = True

    engine = engine_with(
        StepDefinition("a", find),
        StepDefinition("b", noop, depends_on=["a"], run_if=lambda context: context.data.get("found", False)),
    )
    instance_id = await engine.start_workflow("wf", {})

    assert statuses(engine, instance_id)["b"] == "Succeeded"


@pytest.mark.parametrize(
    ("action", "ok"), [(FailureAction.FAIL_WORKFLOW, False), (FailureAction.CONTINUE_NEXT_STEP, True)], ids=str
)
@virtual_time
async def test_a_condition_that_raises_fails_its_step(action: FailureAction, ok: bool) -> None:
    def broken(context: Context) -> bool:
        raise KeyError("nothing there")

    engine = engine_with(StepDefinition("a", noop, run_if=broken, failure_action=action))
    instance_id = await engine.start_workflow("wf", {})
    outcome = await engine.wait_for_completion(instance_id, 5)

    state = engine.get_state(instance_id).steps["a"]
    assert (state.status, state.attempts, outcome.ok) == (StepStatus.FAILED, 0, ok)
    assert state.error is not None
    assert "nothing there" in state.error


@virtual_time
async def test_a_condition_that_hangs_fails_its_step_at_the_timeout() -> None:
    async def hangs(context: Context) -> bool:
        await asyncio.sleep(3600)
        return True

    outcome = await engine_with(StepDefinition("a", noop, run_if=hangs, timeout=5)).start_and_wait("wf", {}, 60)

    assert outcome.error == "step 'a' timed out after 5 s"


@virtual_time
async def test_a_long_skip_chain_is_no_deadlock() -> None:
    never = lambda context: False  # noqa: E731 (named for the reader)
    steps = [StepDefinition("0", noop, run_if=never)]
    steps += [StepDefinition(str(n), noop, depends_on=[str(n - 1)], run_if=never) for n in range(1, 2000)]

    engine = engine_with(*steps)
    instance_id = await engine.start_workflow("wf", {})

    assert set(statuses(engine, instance_id).values()) == {"Skipped"}


@virtual_time
async def test_a_chain_of_thousands_runs_without_recursion() -> None:
    steps = [StepDefinition("0", noop)]
    steps += [StepDefinition(str(n), noop, depends_on=[str(n - 1)]) for n in range(1, 5000)]

    assert (await engine_with(*steps).start_and_wait("wf", {}, timeout=5)).ok


@pytest.mark.parametrize("work", [noop, sleeping(1)], ids=["at once", "after a while"])
@virtual_time
async def test_a_burst_of_completions_at_one_moment_is_no_deadlock(work: Any) -> None:
    fan = [StepDefinition(f"fan {n}", work, depends_on=["root"]) for n in range(500)]
    join = StepDefinition("join", noop, depends_on=[step.id for step in fan])

    assert (await engine_with(StepDefinition("root", work), *fan, join).start_and_wait("wf", {}, 60)).ok


@virtual_time
async def test_a_failing_branch_does_not_end_a_workflow_that_continues() -> None:
    engine = engine_with(
        StepDefinition("bad", raising(ValueError("boom")), failure_action=FailureAction.CONTINUE_NEXT_STEP),
        StepDefinition("good", noop),
        StepDefinition("all", noop, depends_on=["bad", "good"]),
    )

    assert (await engine.start_and_wait("wf", {}, timeout=5)).ok


@virtual_time
async def test_a_workflow_without_steps_completes() -> None:
    assert (await engine_with().start_and_wait("wf", {}, timeout=5)).ok


@virtual_time
async def test_parallel_branches_share_one_data_object() -> None:
    async def note(context: Context) -> None:
        await asyncio.sleep(1)
        context.data[context.step_id] = True

    data: Data = {}
    await engine_with(*(StepDefinition(step_id, note) for step_id in "abc")).start_and_wait("wf", data, timeout=5)

    assert data == {"a": True, "b": True, "c": True}


@virtual_time
async def test_data_can_be_altered_but_not_replaced() -> None:
    async def replaces(context: Any) -> None:
        context.data = {}

    outcome = await engine_with(StepDefinition("a", replaces)).start_and_wait("wf", {}, timeout=5)

    assert outcome.error is not None
    assert "no setter" in outcome.error


@virtual_time
async def test_moments_are_those_of_the_engines_clock() -> None:
    engine = engine_with(StepDefinition("a", sleeping(3), delay=2))
    instance_id = await engine.start_workflow("wf", {})
    await engine.wait_for_completion(instance_id, 60)

    state = engine.get_state(instance_id)

    assert (state.created_at, state.updated_at) == (EPOCH, clock())
    assert state.steps["a"].started_at == EPOCH + timedelta(seconds=2)
    assert state.steps["a"].finished_at == EPOCH + timedelta(seconds=5)


@pytest.mark.parametrize("is_retried", [False, True], ids=["its first attempt", "another attempt"])
@virtual_time
async def test_what_was_to_begin_in_the_moment_of_the_failure_has_not_begun(is_retried: bool) -> None:
    recorder = Recorder()
    retry = RetryPolicy(max_attempts=2, backoff=FixedBackoff(10.0))
    engine = engine_with(
        StepDefinition("before", sleeping(0 if is_retried else 10)),
        StepDefinition("after", flaky(1) if is_retried else noop, depends_on=["before"], retry=retry),
        StepDefinition("fails", failing_after(5, 5)),
        recorder=recorder,
    )

    instance_id = await engine.start_workflow("wf", {})
    outcome = await engine.wait_for_completion(instance_id, timeout=60)
    after = engine.get_state(instance_id).steps["after"]

    assert elapsed_s() == 10
    assert outcome.error == ("boom" if is_retried else "boom (not reached: after)")
    assert after.attempts == recorder.names().count("StepStarted after") == int(is_retried)
    assert after.status is (StepStatus.FAILED if is_retried else StepStatus.PENDING)


def failing_after(*seconds: float) -> Callable[[Context], Awaitable[None]]:
    """A step that takes its time to fail: what other steps began to wait for earlier comes first."""

    async def run(context: Context) -> None:
        for each in seconds:
            await asyncio.sleep(each)
        raise ValueError("boom")

    return run
