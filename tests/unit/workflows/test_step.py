"""What is kept of an attempt that failed, and of one that was cut off."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from structlog.testing import capture_logs

from herder.engine import (
    FixedBackoff,
    RetryPolicy,
    StepDefinition,
    StepResult,
    WorkflowContext,
    WorkflowDefinition,
    WorkflowEngine,
    WorkflowOutcome,
)
from herder.workflows.errors import Permanent, Problem, Transient
from herder.workflows.step import Step
from unit.engine.kit import clock, virtual_time


@dataclass(slots=True)
class Kept:
    """The data: what went wrong, and what was shown when an attempt began and ended."""

    problems: dict[str, Problem] = field(default_factory=dict)
    shown: list[str | None] = field(default_factory=list)
    secrets: tuple[str, ...] = ()


class Scripted(Step[Kept]):
    """Its attempts do what a test says, one after another."""

    id: ClassVar[str] = "scripted"

    def __init__(self, *attempts: Callable[[], Awaitable[StepResult | None]]) -> None:
        self._attempts = attempts

    async def attempt(self, context: WorkflowContext[Kept]) -> StepResult | None:
        problem = context.data.problems.get(self.id)
        context.data.shown.append(problem.reason if problem else None)
        return await self._attempts[context.attempt - 1]()


def raises(error: Exception) -> Callable[[], Awaitable[None]]:
    async def attempt() -> None:
        raise error

    return attempt


async def hangs() -> None:
    await asyncio.sleep(100)


async def skips() -> StepResult:
    return StepResult.SKIP


async def _run(step: Scripted, attempts: int) -> tuple[WorkflowOutcome, Kept, str]:
    kept = Kept()
    retry = RetryPolicy(max_attempts=attempts, backoff=FixedBackoff(1.0))
    definition: WorkflowDefinition[Any] = WorkflowDefinition(
        "wf", [StepDefinition(step.id, step, retry=retry, timeout=5.0)]
    )
    engine = WorkflowEngine(clock=clock)
    engine.register_workflow(definition)
    instance = await engine.start_workflow("wf", kept)
    outcome = await engine.wait_for_completion(instance, None)
    return outcome, kept, engine.get_state(instance).steps[step.id].status


@virtual_time
async def test_what_went_wrong_is_shown_until_the_next_attempt() -> None:
    outcome, kept, status = await _run(Scripted(raises(Transient("NoModels", "none yet")), skips), 2)

    assert outcome.ok
    assert status == "Skipped"
    assert (kept.problems, kept.shown) == ({}, [None, None])


@virtual_time
async def test_an_attempt_that_is_cut_off_is_not_shown_with_the_trouble_of_the_one_before() -> None:
    outcome, kept, _ = await _run(Scripted(raises(Transient("NoModels", "none yet")), hangs), 2)

    assert not outcome.ok
    assert kept.problems == {"scripted": Problem("StepTimeout", "step 'scripted' timed out after 5 s", retryable=True)}


@virtual_time
async def test_what_no_attempt_can_mend_is_not_tried_again() -> None:
    outcome, kept, _ = await _run(Scripted(raises(Permanent("ModelNotServed", "not served"))), 5)

    assert outcome.failed_step == "scripted"
    assert len(kept.shown) == 1
    assert kept.problems == {"scripted": Problem("ModelNotServed", "not served", retryable=False)}


@virtual_time
async def test_a_defect_is_tried_again_and_logged_with_its_trace() -> None:
    with capture_logs() as logs:
        _, kept, _ = await _run(Scripted(raises(KeyError("s3cret")), raises(KeyError("s3cret"))), 2)

    assert kept.problems["scripted"].reason == "InternalError"
    defects = [line for line in logs if line["event"] == "step.defect"]
    assert [(line["step"], line["exc_info"]) for line in defects] == [("scripted", True)] * 2
