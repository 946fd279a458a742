"""Whatever a workflow looks like and whatever happens to it, this holds.

In virtual time everything happens in the same order whenever the same example is run: a seed repeats a failure.
"""

import asyncio
import contextlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from herder.engine import (
    STEP_ENDED,
    WORKFLOW_ENDED,
    FailureAction,
    FixedBackoff,
    InMemoryStateStore,
    RetryPolicy,
    StepDefinition,
    StepResult,
    StepStatus,
    UnknownInstanceError,
    WaitTimeoutError,
    WorkflowDefinition,
    WorkflowEngine,
    WorkflowOutcome,
    WorkflowStatus,
)
from unit.engine.kit import Context, Data, Recorder, clock, other_tasks, virtual_time
from unit.engine.stores import CopyingStore

EXAMPLES = 700
"""For each of the three properties."""

PROPERTY = settings(max_examples=EXAMPLES, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])


@dataclass(frozen=True)
class Attempt:
    """How one attempt goes."""

    seconds: float
    ends: str


@dataclass(frozen=True)
class Script:
    """How one step goes: its edges by index, its condition, and an attempt after another, the last one repeated."""

    depends_on: tuple[int, ...]
    depends_on_any: tuple[int, ...]
    condition: str | None
    delay: float
    action: FailureAction
    max_attempts: int
    attempts: tuple[Attempt, ...]

    def ends_well(self) -> bool:
        """Whether the step succeeds or is skipped, if it is left in peace."""
        if self.condition is not None:
            return self.condition == "no"
        for number in range(self.max_attempts):
            ends = self.attempts[min(number, len(self.attempts) - 1)].ends
            if ends in ("well", "skip"):
                return True
            if ends == "badly":
                return False
        return False


TIMES = st.sampled_from([0.0, 0.0, 0.0, 1.0, 2.0, 5.0])
ATTEMPTS = st.builds(Attempt, TIMES, st.sampled_from(["well", "well", "well", "raises", "raises", "skip", "badly"]))


@st.composite
def scripts(draw: st.DrawFn) -> list[Script]:
    return [
        Script(
            depends_on=tuple(draw(st.sets(st.integers(0, index - 1), max_size=2))) if index else (),
            depends_on_any=tuple(draw(st.sets(st.integers(0, index - 1), max_size=2))) if index else (),
            condition=draw(st.sampled_from([None, None, None, None, "no", "raises"])),
            delay=draw(st.sampled_from([0.0, 0.0, 0.0, 1.5])),
            action=draw(st.sampled_from([FailureAction.FAIL_WORKFLOW, FailureAction.CONTINUE_NEXT_STEP])),
            max_attempts=draw(st.integers(1, 3)),
            attempts=tuple(draw(st.lists(ATTEMPTS, min_size=1, max_size=2))),
        )
        for index in range(draw(st.integers(1, 6)))
    ]


STORES = st.sampled_from([lambda: InMemoryStateStore(clock=clock), CopyingStore, lambda: CopyingStore(latency_s=0.25)])
ENDS = st.lists(
    st.tuples(st.sampled_from([0.0, 0.5, 1.0, 2.5, 7.0]), st.sampled_from(["cancel", "force", "elsewhere"])), max_size=2
)
WAITS = st.lists(st.sampled_from([0.0, 0.5, 2.0, 1e6]), max_size=3)


def definition(script: list[Script]) -> WorkflowDefinition[Data]:
    return WorkflowDefinition("wf", [step(str(index), each) for index, each in enumerate(script)])


def step(step_id: str, script: Script) -> StepDefinition[Data]:
    async def run(context: Context) -> StepResult | None:
        attempt = script.attempts[min(context.attempt, len(script.attempts)) - 1]
        if attempt.seconds:
            await asyncio.sleep(attempt.seconds)
        context.data[f"{context.step_id} {context.attempt}"] = attempt.ends
        if attempt.ends == "raises":
            raise ConnectionError
        return {"skip": StepResult.SKIP, "badly": StepResult.FAILURE}.get(attempt.ends)

    def condition(context: Context) -> bool:
        if script.condition == "raises":
            raise LookupError
        return False

    return StepDefinition(
        step_id,
        run,
        depends_on=map(str, script.depends_on),
        depends_on_any=map(str, script.depends_on_any),
        run_if=None if script.condition is None else condition,
        retry=RetryPolicy(script.max_attempts, FixedBackoff(1.0)),
        failure_action=script.action,
        delay=script.delay,
    )


@dataclass
class Story:
    """What came of it."""

    outcome: WorkflowOutcome
    recorder: Recorder
    state: Any
    stored: Any
    data: Data
    later_waits: list[Any] = field(default_factory=list)


async def tell(script: list[Script], store: Any, ends: list[tuple[float, str]], waits: list[float]) -> Story:
    """Run a workflow, end it in the given ways at the given moments, wait for it with the given timeouts."""
    recorder, data = Recorder(), dict[str, Any]()
    engine, other = (WorkflowEngine(store, clock=clock, cancel_grace_s=1.0) for _ in range(2))
    engine.event_bus.subscribe(recorder)
    engine.register_workflow(definition(script))
    instance_id = await engine.start_workflow("wf", data)
    waiting = [asyncio.create_task(engine.wait_for_completion(instance_id, timeout)) for timeout in (*waits, None)]
    for after_s, way in ends:
        await asyncio.sleep(after_s)
        match way:
            case "cancel":
                await engine.cancel_workflow(instance_id)
            case "force":
                await engine.force_cancel_all()
            case _:
                await other.cancel_workflow(instance_id)
    outcome = await waiting[-1]
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    state, kept = engine.get_state(instance_id), dict(data)
    await asyncio.sleep(1e4)

    assert all(answer == outcome or isinstance(answer, WaitTimeoutError) for answer in answers)
    assert engine.get_state(instance_id) == state == await store.load(instance_id)
    assert data == kept
    assert (engine.active_workflow_count, other.active_workflow_count) == (0, 0)
    assert other_tasks() == set()
    return Story(outcome, recorder, state, await store.load(instance_id), data)


def check(script: list[Script], story: Story) -> None:
    """What holds for every story."""
    names = story.recorder.names()
    assert len(story.recorder.terminal()) == 1
    assert names[0] == "WorkflowStarted"
    assert names[-1] == story.recorder.terminal()[0]
    assert story.state.status is story.outcome.status
    assert story.state.status in WORKFLOW_ENDED
    check_order(script, names)
    check_steps(script, story, Counter(names))


def check_order(script: list[Script], names: list[str]) -> None:
    ended: set[int] = set()
    for name in names:
        kind, _, step_id = name.partition(" ")
        if not step_id:
            continue
        index = int(step_id)
        assert index not in ended
        if kind != "StepFailed" or script[index].condition != "raises":
            assert set(script[index].depends_on) <= ended
            assert not script[index].depends_on_any or ended & set(script[index].depends_on_any)
        if kind in ("StepSucceeded", "StepFailed", "StepSkipped"):
            ended.add(index)


def check_steps(script: list[Script], story: Story, told: Counter[str]) -> None:
    for step_id, state in story.state.steps.items():
        assert state.attempts <= script[int(step_id)].max_attempts
        assert told[f"StepStarted {step_id}"] == state.attempts
        assert state.next_retry_at is None
        assert (state.finished_at is not None) is (state.status in STEP_ENDED)
        if story.outcome.ok:
            assert state.status in STEP_ENDED
        else:
            assert state.status in STEP_ENDED | {StepStatus.PENDING}


@PROPERTY
@given(scripts(), STORES, WAITS)
def test_a_workflow_left_in_peace_ends_as_its_steps_say(
    script: list[Script], make_store: Any, waits: list[float]
) -> None:
    fails = any(not each.ends_well() and each.action is FailureAction.FAIL_WORKFLOW for each in script)

    @virtual_time
    async def run() -> None:
        story = await tell(script, make_store(), [], waits)

        check(script, story)
        assert story.outcome.status is (WorkflowStatus.FAILED if fails else WorkflowStatus.COMPLETED)
        if story.outcome.ok:
            for each, state in zip(script, story.state.steps.values(), strict=True):
                assert (state.status is StepStatus.FAILED) is not each.ends_well()

    run()


@PROPERTY
@given(scripts(), STORES, ENDS, WAITS)
@virtual_time
async def test_a_workflow_ended_from_outside_ends_once_and_for_ever(
    script: list[Script], make_store: Any, ends: list[tuple[float, str]], waits: list[float]
) -> None:
    check(script, await tell(script, make_store(), ends, waits))


class Flaky(CopyingStore):
    """Fails at the calls with the given numbers."""

    def __init__(self, fails_at: set[int]) -> None:
        super().__init__()
        self._fails_at = fails_at
        self._calls = 0

    async def update(self, instance_id: str, change: Any) -> None:
        self._calls += 1
        if self._calls in self._fails_at:
            raise ConnectionError
        await super().update(instance_id, change)


@PROPERTY
@given(scripts(), st.sets(st.integers(1, 12), max_size=3), ENDS)
def test_a_store_that_fails_now_and_then_leaves_nobody_waiting(
    script: list[Script], fails_at: set[int], ends: list[tuple[float, str]]
) -> None:
    @virtual_time
    async def run() -> None:
        recorder = Recorder()
        engine = WorkflowEngine(Flaky(fails_at), clock=clock)
        engine.event_bus.subscribe(recorder)
        engine.register_workflow(definition(script))
        instance_id = await engine.start_workflow("wf", {})
        waiting = asyncio.create_task(engine.wait_for_completion(instance_id, None))
        for after_s, _ in ends:
            await asyncio.sleep(after_s)
            with contextlib.suppress(ConnectionError, UnknownInstanceError):
                await engine.cancel_workflow(instance_id)

        outcome = await waiting

        await asyncio.sleep(1e4)
        assert engine.get_state(instance_id).status is outcome.status
        assert len(recorder.terminal()) == 1
        assert engine.active_workflow_count == 0
        assert other_tasks() == set()

    with capture_logs():
        run()
